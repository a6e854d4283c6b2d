/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Levels from here on are spread ahead of time. What is below is due within microseconds. */
#define SETTLE_LEVEL 2
#define SETTLE	     (SETTLE_LEVEL * MYC_TIMER_DIGIT_BITS)
#define PORTION	     16 /* timers moved in one call in which nothing is due */
#define ALL	     UINT32_MAX

int myc_timers_open(struct myc_timers *timers, uint32_t capacity)
{
	memset(timers, 0, sizeof(*timers));
	if (!capacity || capacity > 1u << MYC_TIMER_INDEX_BITS)
		return -EINVAL;
	timers->entry = aligned_alloc(64, (size_t)capacity * sizeof(*timers->entry));
	timers->bucket = calloc(MYC_TIMER_LATE + 1, sizeof(*timers->bucket));
	if (!timers->entry || !timers->bucket) {
		myc_timers_close(timers);
		return -ENOMEM;
	}
	timers->capacity = capacity;
	timers->next_ns = UINT64_MAX;
	timers->settled = UINT64_MAX;
	memset(timers->entry, 0, (size_t)capacity * sizeof(*timers->entry));
	for (uint32_t i = 0; i < capacity; i++) {
		timers->entry[i].next = i + 1 < capacity ? i + 1 : MYC_TIMER_NONE;
		timers->entry[i].place = MYC_TIMER_FREE;
		timers->entry[i].generation = 1; /* a handle of zeros is nobody's */
	}
	for (uint32_t i = 0; i <= MYC_TIMER_LATE; i++)
		timers->bucket[i].first = timers->bucket[i].last = MYC_TIMER_NONE;
	return 0;
}

void myc_timers_close(struct myc_timers *timers)
{
	free(timers->entry);
	free(timers->bucket);
	memset(timers, 0, sizeof(*timers));
}

/* ---- buckets ----------------------------------------------------------------------------------- */

static uint64_t digits(uint64_t time, unsigned level)
{
	return time >> (level * MYC_TIMER_DIGIT_BITS);
}

/* The lowest level that reaches so far. due_ns is not before base_ns. */
static unsigned level_of(const struct myc_timers *timers, uint64_t due_ns)
{
	uint64_t base = timers->base_ns;
	unsigned level =
		(63u - (unsigned)__builtin_clzll((due_ns ^ base) | 1)) / MYC_TIMER_DIGIT_BITS;

	while (level && digits(due_ns, level) - digits(base, level) <= 1)
		level--;
	return level;
}

/* after: MYC_TIMER_NONE = at the front. */
static void link_after(struct myc_timers *timers, uint32_t place, uint32_t after, uint32_t index)
{
	struct myc_timer_bucket *bucket = &timers->bucket[place];
	struct myc_timer_entry *entry = &timers->entry[index];
	bool empty = bucket->first == MYC_TIMER_NONE;

	if (place != MYC_TIMER_LATE && empty) {
		uint32_t level = place / MYC_TIMER_BUCKETS, slot = place % MYC_TIMER_BUCKETS;

		timers->used[level][slot / 64] |= 1ull << slot % 64;
		timers->levels |= 1u << level;
	}
	if (empty || entry->due_ns < bucket->least_ns)
		bucket->least_ns = entry->due_ns;
	entry->place = place;
	entry->previous = after;
	entry->next = after == MYC_TIMER_NONE ? bucket->first : timers->entry[after].next;
	if (after == MYC_TIMER_NONE)
		bucket->first = index;
	else
		timers->entry[after].next = index;
	if (entry->next == MYC_TIMER_NONE)
		bucket->last = index;
	else
		timers->entry[entry->next].previous = index;
}

static void unlink_entry(struct myc_timers *timers, const struct myc_timer_entry *entry)
{
	struct myc_timer_bucket *bucket = &timers->bucket[entry->place];

	if (entry->previous == MYC_TIMER_NONE)
		bucket->first = entry->next;
	else
		timers->entry[entry->previous].next = entry->next;
	if (entry->next == MYC_TIMER_NONE)
		bucket->last = entry->previous;
	else
		timers->entry[entry->next].previous = entry->previous;
	if (bucket->first != MYC_TIMER_NONE || entry->place == MYC_TIMER_LATE)
		return;
	uint32_t level = entry->place / MYC_TIMER_BUCKETS, slot = entry->place % MYC_TIMER_BUCKETS;
	uint64_t *used = timers->used[level];

	used[slot / 64] &= ~(1ull << slot % 64);
	if (!(used[0] | used[1]))
		timers->levels &= ~(1u << level);
}

static bool comes_before(const struct myc_timer_entry *a, const struct myc_timer_entry *b)
{
	return a->due_ns != b->due_ns ? a->due_ns < b->due_ns : a->order < b->order;
}

/* Into a sorted bucket. The search goes from `hint`, which is in it or MYC_TIMER_NONE (the end): where a
 * run of timers is put one after the other, each finds its place beside the one before. */
static void link_sorted(struct myc_timers *timers, uint32_t place, uint32_t index, uint32_t hint)
{
	const struct myc_timer_entry *all = timers->entry, *entry = &all[index];
	const struct myc_timer_bucket *bucket = &timers->bucket[place];
	uint32_t after = hint == MYC_TIMER_NONE ? bucket->last : hint;
	uint32_t next;

	while (after != MYC_TIMER_NONE && comes_before(entry, &all[after]))
		after = all[after].previous;
	for (;;) {
		next = after == MYC_TIMER_NONE ? bucket->first : all[after].next;
		if (next == MYC_TIMER_NONE || comes_before(entry, &all[next]))
			break;
		after = next;
	}
	link_after(timers, place, after, index);
}

/* Where base_ns says. hint: a timer put just before, or MYC_TIMER_NONE. */
static void put(struct myc_timers *timers, uint32_t index, uint32_t hint)
{
	uint64_t due = timers->entry[index].due_ns;

	if (due < timers->base_ns) {
		link_sorted(timers, MYC_TIMER_LATE, index, MYC_TIMER_NONE);
		return;
	}
	unsigned level = level_of(timers, due);
	uint32_t place =
		level * MYC_TIMER_BUCKETS + (uint32_t)(digits(due, level) % MYC_TIMER_BUCKETS);

	/* One that moved down may find others here that were started later. */
	if (level)
		link_after(timers, place, timers->bucket[place].last, index);
	else
		link_sorted(timers, place, index,
			    hint != MYC_TIMER_NONE && timers->entry[hint].place == place
				    ? hint
				    : MYC_TIMER_NONE);
}

/* ---- moving down ------------------------------------------------------------------------------- */

/* Moves up to `limit` timers of a bucket that base_ns is in or next to; they land in lower levels.
 * Returns how many more there might have been. */
static uint32_t spread(struct myc_timers *timers, uint32_t place, uint32_t limit)
{
	uint32_t before = MYC_TIMER_NONE;

	for (; limit; limit--) {
		uint32_t index = timers->bucket[place].first;

		if (index == MYC_TIMER_NONE)
			break;
		unlink_entry(timers, &timers->entry[index]);
		put(timers, index, before);
		before = index;
	}
	return limit;
}

/* Nothing is due: makes ready what will be, the nearest first. */
static void settle(struct myc_timers *timers, uint64_t now_ns)
{
	uint32_t limit = PORTION;

	myc_timers_advance(timers, now_ns);
	if (digits(timers->base_ns, SETTLE_LEVEL) == timers->settled)
		return;
	uint32_t levels = timers->levels >> SETTLE_LEVEL << SETTLE_LEVEL;

	for (; levels && limit; levels &= levels - 1) {
		unsigned level = (unsigned)__builtin_ctz(levels);
		uint64_t current = digits(timers->base_ns, level);

		for (uint64_t at = current; at <= current + 1 && limit; at++)
			limit = spread(timers,
				       level * MYC_TIMER_BUCKETS +
					       (uint32_t)(at % MYC_TIMER_BUCKETS),
				       limit);
	}
	if (limit)
		timers->settled = digits(timers->base_ns, SETTLE_LEVEL);
}

/* ---- the earliest ------------------------------------------------------------------------------ */

/* First bucket of a level that is not empty, in the order of time. */
static uint32_t first_bucket(const struct myc_timers *timers, unsigned level)
{
	const uint64_t *used = timers->used[level];
	uint32_t from = (uint32_t)(digits(timers->base_ns, level) % MYC_TIMER_BUCKETS);
	uint32_t half = from / 64;
	uint64_t bits = used[half] & ~0ull << from % 64;

	if (!bits) {
		half ^= 1;
		bits = used[half];
	}
	if (!bits) {
		half ^= 1;
		bits = used[half];
	}
	return level * MYC_TIMER_BUCKETS + half * 64 + (uint32_t)__builtin_ctzll(bits);
}

/* The bucket with the least time, of several the highest; MYC_TIMER_LATE = the wheel is empty. */
static uint32_t least_bucket(const struct myc_timers *timers, uint64_t *least_ns)
{
	uint32_t least = MYC_TIMER_LATE;

	*least_ns = UINT64_MAX;
	for (uint32_t levels = timers->levels; levels; levels &= levels - 1) {
		uint32_t place = first_bucket(timers, (unsigned)__builtin_ctz(levels));

		if (timers->bucket[place].least_ns <= *least_ns) {
			*least_ns = timers->bucket[place].least_ns;
			least = place;
		}
	}
	return least;
}

static void note_next(struct myc_timers *timers)
{
	uint32_t late = timers->bucket[MYC_TIMER_LATE].first;

	least_bucket(timers, &timers->next_ns);
	if (late != MYC_TIMER_NONE && timers->entry[late].due_ns < timers->next_ns)
		timers->next_ns = timers->entry[late].due_ns;
}

struct myc_timer_entry *myc_timers_due(struct myc_timers *timers, uint64_t now_ns)
{
	const struct myc_timer_bucket *bucket = timers->bucket;
	struct myc_timer_entry *all = timers->entry;
	uint32_t first = MYC_TIMER_NONE;
	uint64_t least_ns;

	if (now_ns < timers->next_ns || !timers->count) {
		settle(timers, now_ns);
		return NULL;
	}
	uint32_t late = bucket[MYC_TIMER_LATE].first;
	for (;;) {
		uint32_t place = least_bucket(timers, &least_ns);

		if (place == MYC_TIMER_LATE || least_ns > now_ns ||
		    (late != MYC_TIMER_NONE && all[late].due_ns < least_ns))
			break;
		timers->base_ns = least_ns;
		if (place < MYC_TIMER_BUCKETS) {
			first = bucket[place].first;
			break;
		}
		spread(timers, place, ALL);
	}
	if (late != MYC_TIMER_NONE &&
	    (first == MYC_TIMER_NONE || comes_before(&all[late], &all[first])))
		first = late;
	timers->next_ns = first == MYC_TIMER_NONE ? least_ns : all[first].due_ns;
	if (first != MYC_TIMER_NONE && all[first].due_ns <= now_ns)
		return &all[first];
	settle(timers, now_ns);
	return NULL;
}

/* ---- life -------------------------------------------------------------------------------------- */

/* At the end of its actor's ring. */
static void ring_add(struct myc_timers *timers, uint32_t *head, uint32_t index)
{
	struct myc_timer_entry *entry = &timers->entry[index];

	if (*head == MYC_TIMER_NONE) {
		*head = entry->actor_next = entry->actor_previous = index;
		return;
	}
	struct myc_timer_entry *first = &timers->entry[*head];

	entry->actor_next = *head;
	entry->actor_previous = first->actor_previous;
	timers->entry[first->actor_previous].actor_next = index;
	first->actor_previous = index;
}

static void ring_remove(struct myc_timers *timers, uint32_t *head, uint32_t index)
{
	const struct myc_timer_entry *entry = &timers->entry[index];

	if (entry->actor_next == index) {
		*head = MYC_TIMER_NONE;
		return;
	}
	timers->entry[entry->actor_previous].actor_next = entry->actor_next;
	timers->entry[entry->actor_next].actor_previous = entry->actor_previous;
	if (*head == index)
		*head = entry->actor_next;
}

int myc_timers_start(struct myc_timers *timers, struct myc_actor *actor, uint32_t *head,
		     uint64_t due_ns, uint64_t period_ns, uint64_t cookie, struct myc_timer *timer)
{
	uint32_t index = timers->free;

	if (index == MYC_TIMER_NONE)
		return -ENOSPC;
	struct myc_timer_entry *entry = &timers->entry[index];

	timers->free = entry->next;
	entry->due_ns = due_ns;
	entry->period_ns = period_ns;
	entry->cookie = cookie;
	entry->order = timers->starts++;
	entry->actor = actor;
	/* The newest is the head, so that the held ones stay at the end. */
	ring_add(timers, head, index);
	*head = index;
	put(timers, index, MYC_TIMER_NONE);
	timers->count++;
	if (due_ns < timers->next_ns)
		timers->next_ns = due_ns;
	if (timer)
		*timer = myc_timers_handle(timers, index);
	return 0;
}

/* No longer pending. next_ns may stay too early. */
static void take_out(struct myc_timers *timers, struct myc_timer_entry *entry)
{
	unlink_entry(timers, entry);
	if (!--timers->count)
		timers->next_ns = UINT64_MAX;
}

static void release(struct myc_timers *timers, uint32_t *head, struct myc_timer_entry *entry)
{
	uint32_t index = (uint32_t)(entry - timers->entry);

	ring_remove(timers, head, index);
	entry->actor = NULL;
	entry->generation++;
	entry->place = MYC_TIMER_FREE;
	entry->next = timers->free;
	timers->free = index;
}

static void cancel(struct myc_timers *timers, uint32_t *head, struct myc_timer_entry *entry)
{
	bool pending = entry->place != MYC_TIMER_HELD;

	if (pending)
		take_out(timers, entry);
	release(timers, head, entry);
	if (pending && entry->due_ns == timers->next_ns && timers->count)
		note_next(timers);
}

int myc_timers_cancel(struct myc_timers *timers, struct myc_actor *actor, uint32_t *head,
		      struct myc_timer timer)
{
	uint32_t index = timer.index ^ timers->tag;

	if (index >= timers->capacity || !actor)
		return -ENOENT;
	struct myc_timer_entry *entry = &timers->entry[index];

	if (entry->actor != actor || entry->generation != timer.generation)
		return -ENOENT;
	cancel(timers, head, entry);
	return 0;
}

void myc_timers_cancel_all(struct myc_timers *timers, uint32_t *head)
{
	while (*head != MYC_TIMER_NONE)
		cancel(timers, head, &timers->entry[*head]);
}

uint64_t myc_timers_fired(struct myc_timers *timers, uint32_t *head, struct myc_timer_entry *entry,
			  uint64_t now_ns)
{
	uint64_t period = entry->period_ns, step, missed;

	take_out(timers, entry);
	if (!period) {
		release(timers, head, entry);
		return 0;
	}
	missed = (now_ns - entry->due_ns) / period;
	if (__builtin_mul_overflow(missed + 1, period, &step) ||
	    __builtin_add_overflow(entry->due_ns, step, &entry->due_ns))
		entry->due_ns = UINT64_MAX;
	entry->order = timers->starts++;
	put(timers, (uint32_t)(entry - timers->entry), MYC_TIMER_NONE);
	timers->count++;
	if (entry->due_ns < timers->next_ns)
		timers->next_ns = entry->due_ns;
	return missed;
}

void myc_timers_hold(struct myc_timers *timers, uint32_t *head, struct myc_timer_entry *entry)
{
	uint32_t index = (uint32_t)(entry - timers->entry);

	take_out(timers, entry);
	entry->place = MYC_TIMER_HELD;
	ring_remove(timers, head, index);
	ring_add(timers, head, index);
}

void myc_timers_resume(struct myc_timers *timers, uint32_t head)
{
	uint32_t before = MYC_TIMER_NONE;

	if (head == MYC_TIMER_NONE)
		return;
	/* From the last held, which are due in this order, or nearly so. */
	for (uint32_t i = timers->entry[head].actor_previous;
	     timers->entry[i].place == MYC_TIMER_HELD; i = timers->entry[i].actor_previous) {
		link_sorted(timers, MYC_TIMER_LATE, i, before);
		before = i;
		timers->count++;
		if (timers->entry[i].due_ns < timers->next_ns)
			timers->next_ns = timers->entry[i].due_ns;
	}
}

void myc_timers_hold_all(struct myc_timers *timers, uint32_t head)
{
	uint32_t at = head;

	while (at != MYC_TIMER_NONE) {
		struct myc_timer_entry *entry = &timers->entry[at];

		if (entry->place != MYC_TIMER_HELD)
			take_out(timers, entry);
		entry->place = MYC_TIMER_HELD;
		at = entry->actor_next != head ? entry->actor_next : MYC_TIMER_NONE;
	}
}

void myc_timers_let_go(struct myc_timers *timers, uint32_t head)
{
	uint32_t at = head;

	while (at != MYC_TIMER_NONE) {
		const struct myc_timer_entry *entry = &timers->entry[at];

		if (entry->place == MYC_TIMER_HELD) {
			put(timers, at, MYC_TIMER_NONE);
			timers->count++;
			if (entry->due_ns < timers->next_ns)
				timers->next_ns = entry->due_ns;
		}
		at = entry->actor_next != head ? entry->actor_next : MYC_TIMER_NONE;
	}
}
