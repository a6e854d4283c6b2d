/* SPDX-License-Identifier: Apache-2.0 */
#include "core/last.h"

#include <errno.h>
#include <stdlib.h>

#include <mycelium/abi/signal.h>

#include "core/body.h"
#include "core/exit.h"
#include "core/link.h"
#include "core/signal.h"
#include "core/state.h"
#include "core/watch.h"

/* Behind the bytes of the state. */
struct trailer {
	uint32_t restart, version, final;
};

static bool lets(const struct myc_actor *actor)
{
	const struct myc_state_codec *codec = actor->behaviour->codec;

	if (!codec || !(codec->rights & MYC_STATE_LAST))
		return false;
	/* Of who is killed no function is called any more. */
	return !codec->save || !(actor->ties.flags & MYC_TIE_KILL);
}

static bool lives(const struct myc_system *system, myc_address actor)
{
	const struct myc_actor_slot *slot =
		myc_view_slot(system, myc_address_process(actor), myc_address_slot(actor));
	uint64_t word = slot ? __atomic_load_n(&slot->word, __ATOMIC_RELAXED) : 0;

	return myc_actor_word_generation(word) == myc_address_generation(actor) &&
	       myc_actor_word_lives(word);
}

void myc_last_wanted(struct myc_actor *actor, myc_address watcher, bool through)
{
	struct myc_executor *executor = actor->executor;
	struct myc_watches *watches = &executor->watches;
	struct myc_ref ref;

	if (!lets(actor))
		return;
	for (uint32_t at = actor->ties.owned.first, next; at; at = next) {
		struct myc_watch *watch = &watches->entry[at];

		next = watch->in[MYC_WATCH_OWNED].next;
		if (watch->kind != MYC_WATCH_STATE)
			continue;
		if (watch->peer == watcher && watch->through == through)
			return;
		/* Watchers that have gone make room. */
		if (!lives(executor->system, watch->peer))
			myc_watch_free(executor, watch);
	}
	struct myc_watch *watch = myc_watch_make(actor, MYC_WATCH_STATE, watcher);

	if (!watch)
		return;
	watch->through = through;
	/* So that there is credit when it is needed. */
	(void)myc_resolve(actor, watcher, &ref);
}

void myc_last_unwanted(struct myc_actor *actor, myc_address watcher, uint32_t restart, bool through)
{
	struct myc_executor *executor = actor->executor;

	if (!through && restart != myc_actor_shared(actor)->restarts)
		return;
	for (uint32_t at = actor->ties.owned.first; at;
	     at = executor->watches.entry[at].in[MYC_WATCH_OWNED].next) {
		struct myc_watch *watch = &executor->watches.entry[at];

		if (watch->kind != MYC_WATCH_STATE || watch->peer != watcher ||
		    watch->through != through)
			continue;
		myc_watch_free(executor, watch);
		return;
	}
}

void myc_last_cancel(struct myc_executor *executor, const struct myc_watch *watch)
{
	struct myc_watch *other = NULL;

	if (!watch->wants_state || watch->state != MYC_WATCH_ARMED)
		return;
	/* It is the wish of all that its owner has of this kind. */
	while ((other = myc_watch_next(executor, watch->peer, other)))
		if (other != watch && other->owner == watch->owner && other->wants_state &&
		    other->state == MYC_WATCH_ARMED && other->through == watch->through &&
		    other->restart == watch->restart && other->incarnation == watch->incarnation)
			return;
	const struct myc_signal_watch unwanted = {.who = watch->peer,
						  .incarnation = watch->incarnation,
						  .restart = watch->restart,
						  .through = watch->through,
						  .wants = MYC_WATCH_NO_STATE,
						  .watcher = watch->owner->address};

	(void)myc_link_say(executor, &(struct myc_signal){.type = MYC_SIGNAL_WATCH,
							  .size = sizeof(unwanted),
							  .to = watch->peer,
							  .payload = &unwanted});
}

struct myc_last_wish {
	myc_address watcher;
	bool through;
};

int myc_last_lift(struct myc_actor *actor, struct myc_last_wish **out, uint32_t *count)
{
	struct myc_watches *watches = &actor->executor->watches;
	struct myc_last_wish *wish = NULL;
	uint32_t n = 0;

	for (uint32_t at = actor->ties.owned.first; at;
	     at = watches->entry[at].in[MYC_WATCH_OWNED].next)
		n += watches->entry[at].kind == MYC_WATCH_STATE;
	*count = n;
	*out = wish = n ? calloc(n, sizeof(*wish)) : NULL;
	if (n && !wish)
		return -ENOMEM;
	for (uint32_t at = actor->ties.owned.first, next; at; at = next) {
		struct myc_watch *watch = &watches->entry[at];

		next = watch->in[MYC_WATCH_OWNED].next;
		if (watch->kind != MYC_WATCH_STATE)
			continue;
		*wish++ = (struct myc_last_wish){.watcher = watch->peer, .through = watch->through};
		myc_watch_free(actor->executor, watch);
	}
	return 0;
}

void myc_last_land(struct myc_actor *actor, struct myc_last_wish **wish, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		myc_last_wanted(actor, (*wish)[i].watcher, (*wish)[i].through);
	free(*wish);
	*wish = NULL;
}

/* The bytes and their trailer in the executor's scratch; 0: there are none. */
static size_t make(struct myc_actor *actor, bool final)
{
	struct myc_executor *executor = actor->executor;
	char *scratch = myc_state_scratch(executor);
	int size = scratch ? myc_state_save(actor, MYC_STATE_LAST, scratch, MYC_STATE_MAX) : -1;

	if (size < 0)
		return 0;
	const struct trailer trailer = {
		.restart = myc_actor_shared(actor)->restarts - !final,
		.version = actor->behaviour->codec->version,
		.final = final,
	};

	memcpy(scratch + size, &trailer, sizeof(trailer));
	return (size_t)size + sizeof(trailer);
}

void myc_last_send(struct myc_actor *actor, bool final)
{
	struct myc_executor *executor = actor->executor;
	struct myc_watches *watches = &executor->watches;
	bool stops = atomic_load_explicit(&executor->system->stop, memory_order_relaxed);
	size_t size = 0;

	if (!myc_actor_runs(actor) || !lets(actor))
		return;
	for (uint32_t at = actor->ties.owned.first; at;
	     at = watches->entry[at].in[MYC_WATCH_OWNED].next) {
		const struct myc_watch *watch = &watches->entry[at];
		struct myc_ref ref;

		if (watch->kind != MYC_WATCH_STATE || (watch->through && !final))
			continue;
		/* Nobody of a system that stops watches any more. */
		if (stops &&
		    myc_address_process(watch->peer) == executor->system->workspace.process)
			continue;
		size = size ? size : make(actor, final);
		if (!size)
			return;
		if (!myc_resolve(actor, watch->peer, &ref))
			(void)myc_body_send_copy(&executor->out, actor,
						 &executor->out.flow_table[ref.flow - 1],
						 &(struct myc_body_as){.type = MYC_TYPE_LAST_STATE},
						 myc_state_scratch(executor), size, final);
	}
}

void myc_last_came(struct myc_actor *actor, myc_address from, const void *bytes, uint32_t size)
{
	struct myc_executor *executor = actor->executor;
	struct myc_watch *watch = NULL;
	struct trailer trailer;

	if (size < sizeof(trailer) || size > MYC_STATE_MAX + sizeof(trailer))
		return;
	size -= (uint32_t)sizeof(trailer);
	memcpy(&trailer, (const char *)bytes + size, sizeof(trailer));
	myc_order_copied(&trailer); /* the body is its sender's, who may write there still */
	while ((watch = myc_watch_next(executor, from, watch))) {
		if (watch->owner != actor || !watch->wants_state ||
		    watch->kind != MYC_WATCH_MONITOR || watch->state == MYC_WATCH_DUE ||
		    (!trailer.final &&
		     (watch->through || (int32_t)(trailer.restart - watch->restart) < 0)))
			continue;
		free(watch->last);
		watch->last = malloc(sizeof(*watch->last) + size);
		if (!watch->last) /* then it is told without */
			continue;
		watch->last->size = size;
		watch->last->version = trailer.version;
		memcpy(watch->last->bytes, bytes, size);
	}
}
