/* SPDX-License-Identifier: Apache-2.0 */
#include "core/growth.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mycelium/mailbox.h>

#include "core/receiver.h"

#define CHUNK_BYTES (MYC_CHUNK * sizeof(struct myc_pending))
_Static_assert(MYC_CHUNK == MYC_MAILBOX_CHUNK, "as told");

int myc_growth_check(const struct myc_system *system, const struct myc_spawn_opts *opts,
		     struct myc_error *error)
{
	const struct myc_behaviour *behaviour = opts->behaviour;

	if (!opts->grows_to && !behaviour->grows_to)
		return 0;
	if (!system->opts.growth)
		return myc_error_set(error, -EINVAL,
				     "say in `growth` of the system's options how many messages "
				     "may wait",
				     "behaviour '%s' has a mailbox without bounds, the system no "
				     "room for it",
				     behaviour->name);
	if (behaviour->mailbox_capacity || behaviour->capacity_per_sender)
		return myc_error_set(error, -EINVAL,
				     "set grows_to, or mailbox_capacity and capacity_per_sender",
				     "the mailbox of behaviour '%s' cannot be bounded and grow",
				     behaviour->name);
	if (behaviour->overflow_count)
		return myc_error_set(error, -EINVAL, "leave out one of them, or use two actors",
				     "behaviour '%s' has overflow rules and a mailbox that does "
				     "not overflow",
				     behaviour->name);
	return 0;
}

/* ---- chunks ------------------------------------------------------------------------------------ */

static struct myc_pending *entries_of(const struct myc_executor *executor, uint32_t c)
{
	return &executor->pending[executor->growth.first + c * MYC_CHUNK];
}

static void room_add(struct myc_growth *growth, uint32_t c)
{
	struct myc_chunk *chunk = &growth->chunk[c];

	chunk->next = MYC_NONE;
	chunk->previous = growth->room_last;
	if (growth->room_last == MYC_NONE)
		growth->room = c;
	else
		growth->chunk[growth->room_last].next = c;
	growth->room_last = c;
}

static void room_remove(struct myc_growth *growth, uint32_t c)
{
	struct myc_chunk *chunk = &growth->chunk[c];

	if (chunk->previous == MYC_NONE)
		growth->room = chunk->next;
	else
		growth->chunk[chunk->previous].next = chunk->next;
	if (chunk->next == MYC_NONE)
		growth->room_last = chunk->previous;
	else
		growth->chunk[chunk->next].previous = chunk->previous;
}

/* Private tables have pages of their own; without memory for them the kernel ends us, as anywhere. */
static void tables_there(const void *table, size_t each, uint32_t first)
{
	uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
	uintptr_t from = ((uintptr_t)table + first * each) & ~(page - 1);
	uintptr_t to = (uintptr_t)table + (first + MYC_CHUNK) * each;

	/* NOLINTNEXTLINE(performance-no-int-to-ptr): pages that a table lies in */
	(void)madvise((void *)from, (to - from + page - 1) & ~(page - 1), MADV_POPULATE_WRITE);
}

static void set_taken(struct myc_executor *executor, uint32_t taken)
{
	executor->growth.taken = taken;
	__atomic_store_n(&executor->words->chunks, taken, __ATOMIC_RELAXED);
	if (taken > executor->words->chunks_max)
		__atomic_store_n(&executor->words->chunks_max, taken, __ATOMIC_RELAXED);
}

/* Its free entries, in order. `order` 0: of those, as a successor finds them. */
static void chunk_fill(struct myc_executor *executor, uint32_t c)
{
	struct myc_growth *growth = &executor->growth;
	struct myc_chunk *chunk = &growth->chunk[c];
	uint32_t first = growth->first + c * MYC_CHUNK;

	*chunk = (struct myc_chunk){.free = MYC_NONE};
	for (uint32_t i = MYC_CHUNK; i-- > 0;) {
		if (executor->pending[first + i].order) {
			chunk->used++;
			continue;
		}
		executor->pending_next[first + i] = chunk->free;
		chunk->free = first + i;
	}
	growth->busy += !!chunk->used;
	set_taken(executor, growth->taken + 1);
	if (chunk->free != MYC_NONE)
		room_add(growth, c);
}

static const struct myc_region *region_of(const struct myc_executor *executor)
{
	const struct myc_workspace *workspace = &executor->system->workspace;

	return &workspace->regions[workspace->process];
}

static bool chunk_take(struct myc_executor *executor)
{
	struct myc_growth *growth = &executor->growth;
	uint32_t c = growth->nobodys;

	growth->refused = false;
	if (c == MYC_NONE)
		return false;
	if (myc_region_grow(region_of(executor), entries_of(executor, c), CHUNK_BYTES, false)) {
		growth->refused = true;
		myc_count(&executor->words->chunks_refused);
		return false;
	}
	tables_there(executor->pending_next, sizeof(uint32_t), growth->first + c * MYC_CHUNK);
	tables_there(executor->pending_previous, sizeof(uint32_t), growth->first + c * MYC_CHUNK);
	tables_there(executor->pending_hold, sizeof(uint32_t), growth->first + c * MYC_CHUNK);
	growth->nobodys = growth->chunk[c].next;
	chunk_fill(executor, c);
	__atomic_store_n(&growth->mark[c], 1, __ATOMIC_RELAXED);
	myc_order_for_successor();
	MYC_POINT("growth: marked, not used");
	myc_count(&executor->words->chunks_taken);
	return true;
}

/* It is empty. */
static void chunk_give(struct myc_executor *executor, uint32_t c)
{
	struct myc_growth *growth = &executor->growth;

	room_remove(growth, c);
	set_taken(executor, growth->taken - 1);
	growth->chunk[c].next = growth->nobodys;
	growth->nobodys = c;
	__atomic_store_n(&growth->mark[c], 0, __ATOMIC_RELAXED);
	myc_order_for_successor();
	MYC_POINT("growth: not marked, still there");
	myc_region_shrink(region_of(executor), entries_of(executor, c), CHUNK_BYTES);
	myc_count(&executor->words->chunks_given);
}

/* Twice what is needed, and one: then a queue that goes up and down does not ask for them again. */
static bool surplus(const struct myc_growth *growth)
{
	return growth->taken > 2 * growth->busy + 1;
}

void myc_growth_tidy(struct myc_executor *executor)
{
	struct myc_growth *growth = &executor->growth;

	growth->refused = false;
	for (uint32_t c = surplus(growth) ? growth->room : MYC_NONE, next;
	     c != MYC_NONE && surplus(growth); c = next) {
		next = growth->chunk[c].next;
		if (!growth->chunk[c].used)
			chunk_give(executor, c);
	}
}

/* ---- entries ----------------------------------------------------------------------------------- */

static uint32_t chunk_entry(struct myc_executor *executor)
{
	struct myc_growth *growth = &executor->growth;

	if (!growth->entries || (growth->room == MYC_NONE && !chunk_take(executor)))
		return MYC_NONE;
	struct myc_chunk *chunk = &growth->chunk[growth->room];
	uint32_t index = chunk->free;

	chunk->free = executor->pending_next[index];
	growth->busy += !chunk->used++;
	if (chunk->free == MYC_NONE)
		room_remove(growth, growth->room);
	return index;
}

void myc_growth_free(struct myc_executor *executor, uint32_t index)
{
	struct myc_growth *growth = &executor->growth;
	uint32_t c = (index - growth->first) / MYC_CHUNK;
	struct myc_chunk *chunk = &growth->chunk[c];

	if (chunk->free == MYC_NONE)
		room_add(growth, c);
	executor->pending_next[index] = chunk->free;
	chunk->free = index;
	growth->busy -= !--chunk->used;
}

bool myc_growth_entry_ready(struct myc_executor *executor, const struct myc_actor *actor)
{
	const struct myc_growth *growth = &executor->growth;
	bool own = executor->pending_free != MYC_NONE;

	if (!actor->grows && own)
		return true;
	if (growth->entries && (growth->room != MYC_NONE || chunk_take(executor)))
		return true;
	/* Without memory only what the kernel refused is missing: the others' entries are theirs. */
	return own && !growth->refused;
}

uint32_t myc_growth_entry(struct myc_executor *executor, const struct myc_actor *actor)
{
	if (!myc_growth_entry_ready(executor, actor))
		return MYC_NONE;
	uint32_t index = actor->grows || executor->pending_free == MYC_NONE ? chunk_entry(executor)
									    : MYC_NONE;

	if (index == MYC_NONE) {
		index = executor->pending_free;
		executor->pending_free = executor->pending_next[index];
	}
	return index;
}

/* ---- a predecessor's --------------------------------------------------------------------------- */

/* Chunks from `from` on that are nobody's: a predecessor may have been giving them back. */
static void give_run(struct myc_executor *executor, uint32_t from, uint32_t to)
{
	if (from < to && executor->words->chunks_taken)
		myc_region_shrink(region_of(executor), entries_of(executor, from),
				  (uint64_t)(to - from) * CHUNK_BYTES);
}

int myc_growth_open(struct myc_executor *executor, uint32_t *mark, uint32_t first)
{
	struct myc_growth *growth = &executor->growth;
	uint32_t end = executor->words->growth / MYC_CHUNK;

	growth->room = growth->room_last = growth->nobodys = MYC_NONE;
	if (!end)
		return 0;
	growth->first = first;
	growth->entries = executor->words->growth;
	growth->chunks = end;
	growth->mark = mark;
	growth->chunk = calloc(growth->chunks, sizeof(*growth->chunk));
	if (!growth->chunk)
		return -ENOMEM;
	for (uint32_t c = growth->chunks; c-- > 0;) {
		if (growth->mark[c]) {
			int code = myc_region_grow(region_of(executor), entries_of(executor, c),
						   CHUNK_BYTES, true);
			if (code)
				return code;
			give_run(executor, c + 1, end);
			end = c;
			continue;
		}
		growth->chunk[c].next = growth->nobodys;
		growth->nobodys = c;
	}
	give_run(executor, 0, end);
	return 0;
}

void myc_growth_close(struct myc_executor *executor)
{
	free(executor->growth.chunk);
}

uint32_t myc_growth_next(const struct myc_executor *executor, uint32_t index)
{
	const struct myc_growth *growth = &executor->growth;
	uint32_t end = growth->first + growth->entries;

	if (++index < executor->pending_entries)
		return index;
	if (index < growth->first)
		index = growth->first;
	while (index < end && !growth->mark[(index - growth->first) / MYC_CHUNK])
		index += MYC_CHUNK;
	return index < end ? index : MYC_NONE;
}

void myc_growth_resume(struct myc_executor *executor)
{
	for (uint32_t c = 0; c < executor->growth.chunks; c++)
		if (executor->growth.mark[c])
			chunk_fill(executor, c);
}

/* ---- seen from outside ------------------------------------------------------------------------- */

int myc_mailbox_growth(const struct myc_system *system, myc_address actor,
		       struct myc_mailbox_growth *growth)
{
	uint32_t process = myc_address_process(actor);
	const struct myc_actor_slot *slot =
		process < system->workspace.processes &&
				myc_address_node(actor) == system->workspace.node
			? myc_view_slot(system, process, myc_address_slot(actor))
			: NULL;
	uint64_t word = slot ? __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE) : 0, size = 0;

	if (!slot || myc_actor_word_generation(word) != myc_address_generation(actor) ||
	    !myc_actor_word_lives(word))
		return -ESRCH;
	const struct myc_executor_words *words =
		myc_region_block(&system->workspace.regions[process], MYC_BLOCK_EXECUTOR,
				 myc_actor_word_home(word), &size);

	if (!words || size < sizeof(*words))
		return -ESRCH;
	*growth = (struct myc_mailbox_growth){
		.limit = __atomic_load_n(&words->growth, __ATOMIC_RELAXED),
		.room = __atomic_load_n(&words->chunks, __ATOMIC_RELAXED) * (uint64_t)MYC_CHUNK,
		.room_max = __atomic_load_n(&words->chunks_max, __ATOMIC_RELAXED) * MYC_CHUNK,
		.taken = __atomic_load_n(&words->chunks_taken, __ATOMIC_RELAXED),
		.given = __atomic_load_n(&words->chunks_given, __ATOMIC_RELAXED),
		.refused = __atomic_load_n(&words->chunks_refused, __ATOMIC_RELAXED),
	};
	return 0;
}
