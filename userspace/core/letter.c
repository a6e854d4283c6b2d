/* SPDX-License-Identifier: Apache-2.0 */
#include "core/letter.h"

#include <errno.h>
#include <stdlib.h>

#include <mycelium/abi/buffer.h>
#include <mycelium/link.h>

#include "core/exit.h"

#define AT_ONCE 16 /* letters that a watcher gets in a scan */
#define TRIES	4  /* to read one that is being overwritten */

const char *myc_letter_why(uint32_t why)
{
#define TEXT(name, text) text,
	static const char *const texts[] = {MYC_DEAD_LETTERS(TEXT)};
#undef TEXT

	return why < sizeof(texts) / sizeof(texts[0]) ? texts[why] : "?";
}

/* ---- noting ------------------------------------------------------------------------------------ */

int myc_letters_open(struct myc_executor *executor)
{
	const struct myc_workspace *workspace = &executor->system->workspace;
	uint64_t size = 0;
	struct myc_letters *letters = myc_region_block(&workspace->regions[workspace->process],
						       MYC_BLOCK_LETTERS, executor->index, &size);

	if (!letters || size < sizeof(*letters))
		return -EPROTO;
	letters->kept = MYC_LETTERS_KEPT;
	__atomic_store_n(&letters->version, MYC_LETTERS_VERSION, __ATOMIC_RELEASE);
	executor->letters = letters;
	return 0;
}

static uint32_t size_of(const struct myc_slot *slot)
{
	struct myc_reference reference;

	if (!(slot->flags & MYC_SLOT_REFERENCE))
		return slot->size;
	memcpy(&reference, slot->payload, sizeof(reference));
	return reference.size;
}

void myc_letter_note(struct myc_executor *executor, enum myc_dead_letter why, myc_address from,
		     myc_address to, const struct myc_slot *slot)
{
	struct myc_letters *letters = executor->letters;
	struct myc_letter_entry *entry = &letters->entry[letters->written % MYC_LETTERS_KEPT];
	struct myc_letter_entry is = {
		.number = letters->written + 1,
		.time_ns = myc_executor_now(executor),
		.from = from,
		.to = to,
		.size = slot ? size_of(slot) : 0,
		.type = slot ? slot->type : 0,
		.why = (uint8_t)why,
		.flags = slot ? slot->flags & (uint8_t) ~(MYC_SLOT_REFERENCE | MYC_SLOT_DEADLINE)
			      : 0,
		.correlation = slot && !(slot->flags & MYC_SLOT_DEADLINE) ? slot->correlation : 0,
	};

	myc_count(&executor->words->dead_letters[why]);
	__atomic_store_n(&entry->number, 0, __ATOMIC_RELAXED);
	/* Pairs with the acquire fence in read_entry: who copies new words sees that number changed. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (unsigned i = 1; i < sizeof(is) / sizeof(is.word[0]); i++)
		__atomic_store_n(&entry->word[i], is.word[i], __ATOMIC_RELAXED);
	__atomic_store_n(&entry->number, is.number, __ATOMIC_RELEASE);
	__atomic_store_n(&letters->written, is.number, __ATOMIC_RELEASE);
}

/* ---- reading: another process may have written anything ---------------------------------------- */

const struct myc_letters *myc_letters_of(const struct myc_region *region, uint32_t executor)
{
	uint64_t size = 0;
	const struct myc_letters *letters =
		myc_region_block(region, MYC_BLOCK_LETTERS, executor, &size);

	return letters && size >= sizeof(*letters) &&
			       __atomic_load_n(&letters->version, __ATOMIC_ACQUIRE) ==
				       MYC_LETTERS_VERSION
		       ? letters
		       : NULL;
}

/* True: it is letter `number`. */
static bool read_entry(const struct myc_letters *letters, uint64_t number,
		       struct myc_letter_entry *copy)
{
	const struct myc_letter_entry *entry = &letters->entry[(number - 1) % MYC_LETTERS_KEPT];

	if (__atomic_load_n(&entry->number, __ATOMIC_ACQUIRE) != number)
		return false;
	for (unsigned i = 1; i < sizeof(*copy) / sizeof(copy->word[0]); i++)
		copy->word[i] = __atomic_load_n(&entry->word[i], __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return __atomic_load_n(&entry->number, __ATOMIC_RELAXED) == number;
}

static struct myc_letter letter_of(const struct myc_letter_entry *entry, uint32_t process,
				   uint32_t executor)
{
	return (struct myc_letter){.time_ns = entry->time_ns,
				   .from = entry->from,
				   .to = entry->to,
				   .size = entry->size,
				   .type = entry->type,
				   .why = entry->why,
				   .flags = entry->flags,
				   .asked = entry->correlation,
				   .process = process,
				   .executor = executor};
}

/* Keeps the newest `max`, by time; one that is older than all of a full list is not for it. */
static uint32_t insert(struct myc_letter *letters, uint32_t count, uint32_t max,
		       const struct myc_letter *letter)
{
	uint32_t at = count;

	while (at && letters[at - 1].time_ns > letter->time_ns)
		at--;
	if (count < max) {
		memmove(&letters[at + 1], &letters[at], (count - at) * sizeof(*letters));
		letters[at] = *letter;
		return count + 1;
	}
	if (at) {
		memmove(&letters[0], &letters[1], (at - 1) * sizeof(*letters));
		letters[at - 1] = *letter;
	}
	return count;
}

uint32_t myc_letters_collect(const struct myc_region *regions, uint32_t processes,
			     struct myc_letter *out, uint32_t max)
{
	struct myc_letter_entry entry;
	uint32_t count = 0;

	for (uint32_t p = 0; p < processes; p++)
		for (uint32_t e = 0; e < MYC_EXECUTORS_MAX; e++) {
			const struct myc_letters *letters = myc_letters_of(&regions[p], e);

			if (!letters)
				break;
			uint64_t last = __atomic_load_n(&letters->written, __ATOMIC_ACQUIRE);
			uint64_t n = last > MYC_LETTERS_KEPT ? last - MYC_LETTERS_KEPT : 0;

			while (n++ < last) {
				if (!read_entry(letters, n, &entry))
					continue;
				struct myc_letter letter = letter_of(&entry, p, e);

				count = insert(out, count, max, &letter);
			}
		}
	return count;
}

uint32_t myc_letters_recent(const struct myc_system *system, struct myc_letter *letters,
			    uint32_t max)
{
	return max ? myc_letters_collect(system->workspace.regions, system->workspace.processes,
					 letters, max)
		   : 0;
}

/* ---- actors that watch -------------------------------------------------------------------------- */

struct source {
	const struct myc_letters *letters;
	uint32_t process, executor;
	uint64_t seen, missed;
};

struct myc_letter_watcher {
	struct myc_actor *actor; /* NULL = free */
	struct source *source;
	uint32_t sources, next; /* where the next scan begins */
};

void myc_letters_close(struct myc_executor *executor)
{
	for (uint32_t i = 0; executor->letter_watcher && i < MYC_LETTER_WATCHERS_MAX; i++)
		free(executor->letter_watcher[i].source);
	free(executor->letter_watcher);
	executor->letter_watcher = NULL;
}

bool myc_letters_watched_by(const struct myc_actor *actor)
{
	const struct myc_executor *executor = actor->executor;

	for (uint32_t i = 0; executor->letter_watchers && i < MYC_LETTER_WATCHERS_MAX; i++)
		if (executor->letter_watcher[i].actor == actor)
			return true;
	return false;
}

void myc_letters_forget(struct myc_actor *actor)
{
	struct myc_executor *executor = actor->executor;

	for (uint32_t i = 0; executor->letter_watchers && i < MYC_LETTER_WATCHERS_MAX; i++) {
		struct myc_letter_watcher *watcher = &executor->letter_watcher[i];

		if (watcher->actor != actor)
			continue;
		watcher->actor = NULL;
		free(watcher->source);
		watcher->source = NULL;
		executor->letter_watchers--;
	}
}

/* All rings there are, from now on. */
static int find_sources(const struct myc_system *system, struct myc_letter_watcher *watcher)
{
	const struct myc_workspace *workspace = &system->workspace;
	struct source *source =
		calloc((size_t)workspace->processes * MYC_EXECUTORS_MAX, sizeof(*source));

	if (!source)
		return -ENOMEM;
	watcher->source = source;
	watcher->sources = watcher->next = 0;
	for (uint32_t p = 0; p < workspace->processes; p++)
		for (uint32_t e = 0; e < MYC_EXECUTORS_MAX; e++) {
			uint64_t size = 0;
			const struct myc_letters *letters = myc_region_block(
				&workspace->regions[p], MYC_BLOCK_LETTERS, e, &size);

			/* It may not have begun: then all that it will write is new. */
			if (!letters || size < sizeof(*letters))
				break;
			source[watcher->sources++] = (struct source){
				.letters = letters,
				.process = p,
				.executor = e,
				.seen = __atomic_load_n(&letters->written, __ATOMIC_ACQUIRE)};
		}
	return 0;
}

int myc_letters_watch(struct myc_actor *self, bool on)
{
	struct myc_executor *executor = self->executor;
	struct myc_letter_watcher *free_one = NULL;

	if (!on) {
		myc_letters_forget(self);
		return 0;
	}
	if (!myc_actor_hook(self, signal))
		return -EINVAL;
	if (!executor->letter_watcher)
		executor->letter_watcher =
			calloc(MYC_LETTER_WATCHERS_MAX, sizeof(*executor->letter_watcher));
	if (!executor->letter_watcher)
		return -ENOMEM;
	for (uint32_t i = MYC_LETTER_WATCHERS_MAX; i-- > 0;) {
		struct myc_letter_watcher *watcher = &executor->letter_watcher[i];

		if (watcher->actor == self)
			return 0;
		free_one = watcher->actor ? free_one : watcher;
	}
	if (!free_one)
		return -ENOSPC;
	int code = find_sources(executor->system, free_one);

	if (code)
		return code;
	free_one->actor = self;
	executor->letter_watchers++;
	return 0;
}

/* The next of a source that is not from or to the actor. False: there is none now. */
static bool next_letter(struct source *source, myc_address self, struct myc_letter *letter)
{
	struct myc_letter_entry entry;
	uint64_t last;

	for (unsigned tries = 0; tries < TRIES + MYC_LETTERS_KEPT; tries++) {
		last = __atomic_load_n(&source->letters->written, __ATOMIC_ACQUIRE);
		/* Not what it can be: from now on. */
		if (last < source->seen)
			source->seen = last;
		if (source->seen == last)
			break;
		if (last - source->seen > MYC_LETTERS_KEPT) {
			source->missed += last - source->seen - MYC_LETTERS_KEPT;
			source->seen = last - MYC_LETTERS_KEPT;
		}
		bool read = read_entry(source->letters, source->seen + 1, &entry);

		source->seen++;
		if (!read) {
			source->missed++;
			continue;
		}
		if (entry.from == self || entry.to == self)
			continue;
		*letter = letter_of(&entry, source->process, source->executor);
		letter->missed = source->missed;
		source->missed = 0;
		return true;
	}
	return false;
}

static unsigned tell(struct myc_letter_watcher *watcher)
{
	struct myc_actor *actor = watcher->actor;
	struct source *sources = watcher->source;
	struct myc_letter letter;
	const struct myc_signal_event event = {.kind = MYC_EVENT_DEAD_LETTER, .letter = &letter};
	unsigned n = 0;

	/* A handler may end it, restart it, or have it watch no more; what it watches then is another's. */
	for (uint32_t i = 0; i < watcher->sources && n < AT_ONCE; i++) {
		struct source *source = &sources[(watcher->next + i) % watcher->sources];

		while (n < AT_ONCE && next_letter(source, actor->address, &letter)) {
			n++;
			myc_exit_event(actor, &event);
			if (watcher->actor != actor || watcher->source != sources ||
			    actor->life != MYC_ACTOR_RUNNING || myc_actor_waits(actor))
				return n;
		}
	}
	watcher->next++;
	return n;
}

unsigned myc_letters_tell(struct myc_executor *executor)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < MYC_LETTER_WATCHERS_MAX; i++) {
		struct myc_letter_watcher *watcher = &executor->letter_watcher[i];

		if (watcher->actor && watcher->actor->life == MYC_ACTOR_RUNNING &&
		    !myc_actor_waits(watcher->actor))
			n += tell(watcher);
	}
	return n;
}
