/* SPDX-License-Identifier: Apache-2.0 */
#include "core/timer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define ARITY 4

int myc_timers_open(struct myc_timers *timers, uint32_t capacity)
{
	memset(timers, 0, sizeof(*timers));
	timers->entry = calloc(capacity, sizeof(*timers->entry));
	timers->heap = calloc(capacity, sizeof(*timers->heap));
	if (!timers->entry || !timers->heap) {
		myc_timers_close(timers);
		return -ENOMEM;
	}
	timers->capacity = capacity;
	timers->next_ns = UINT64_MAX;
	for (uint32_t i = 0; i < capacity; i++)
		timers->entry[i].place = i + 1 < capacity ? i + 1 : MYC_TIMER_NONE;
	return 0;
}

void myc_timers_close(struct myc_timers *timers)
{
	free(timers->entry);
	free(timers->heap);
	memset(timers, 0, sizeof(*timers));
}

static void place(struct myc_timers *timers, uint32_t at, uint32_t index)
{
	timers->heap[at] = index;
	timers->entry[index].place = at;
}

static void sift_up(struct myc_timers *timers, uint32_t at)
{
	uint32_t index = timers->heap[at];
	uint64_t due = timers->entry[index].due_ns;

	while (at) {
		uint32_t parent = (at - 1) / ARITY;

		if (timers->entry[timers->heap[parent]].due_ns <= due)
			break;
		place(timers, at, timers->heap[parent]);
		at = parent;
	}
	place(timers, at, index);
}

static void sift_down(struct myc_timers *timers, uint32_t at)
{
	uint32_t index = timers->heap[at];
	uint64_t due = timers->entry[index].due_ns;

	for (;;) {
		uint32_t first = at * ARITY + 1, least = at;
		uint64_t least_due = due;

		for (uint32_t child = first; child < first + ARITY && child < timers->count;
		     child++)
			if (timers->entry[timers->heap[child]].due_ns < least_due) {
				least = child;
				least_due = timers->entry[timers->heap[child]].due_ns;
			}
		if (least == at)
			break;
		place(timers, at, timers->heap[least]);
		at = least;
	}
	place(timers, at, index);
}

static void note_next(struct myc_timers *timers)
{
	timers->next_ns = timers->count ? timers->entry[timers->heap[0]].due_ns : UINT64_MAX;
}

static void heap_add(struct myc_timers *timers, uint32_t index)
{
	timers->heap[timers->count] = index;
	sift_up(timers, timers->count++);
	note_next(timers);
}

static void heap_remove(struct myc_timers *timers, uint32_t at)
{
	uint32_t last = timers->heap[--timers->count];

	if (at < timers->count) {
		place(timers, at, last);
		sift_down(timers, at);
		sift_up(timers, timers->entry[last].place);
	}
	note_next(timers);
}

static void release(struct myc_timers *timers, uint32_t *head, struct myc_timer_entry *entry)
{
	uint32_t index = (uint32_t)(entry - timers->entry);

	if (entry->previous != MYC_TIMER_NONE)
		timers->entry[entry->previous].next = entry->next;
	else
		*head = entry->next;
	if (entry->next != MYC_TIMER_NONE)
		timers->entry[entry->next].previous = entry->previous;
	entry->actor = NULL;
	entry->generation++;
	entry->place = timers->free;
	timers->free = index;
}

int myc_timers_start(struct myc_timers *timers, struct myc_actor *actor, uint32_t *head,
		     uint64_t due_ns, uint64_t period_ns, uint64_t cookie, struct myc_timer *timer)
{
	uint32_t index = timers->free;

	if (index == MYC_TIMER_NONE)
		return -ENOSPC;
	struct myc_timer_entry *entry = &timers->entry[index];

	timers->free = entry->place;
	entry->due_ns = due_ns;
	entry->period_ns = period_ns;
	entry->cookie = cookie;
	entry->actor = actor;
	entry->previous = MYC_TIMER_NONE;
	entry->next = *head;
	if (*head != MYC_TIMER_NONE)
		timers->entry[*head].previous = index;
	*head = index;
	heap_add(timers, index);
	if (timer)
		*timer = (struct myc_timer){.index = index, .generation = entry->generation};
	return 0;
}

static void unlink_and_release(struct myc_timers *timers, uint32_t *head,
			       struct myc_timer_entry *entry)
{
	if (entry->place != MYC_TIMER_HELD)
		heap_remove(timers, entry->place);
	release(timers, head, entry);
}

int myc_timers_cancel(struct myc_timers *timers, struct myc_actor *actor, uint32_t *head,
		      struct myc_timer timer)
{
	if (timer.index >= timers->capacity)
		return -ENOENT;
	struct myc_timer_entry *entry = &timers->entry[timer.index];

	if (entry->actor != actor || entry->generation != timer.generation)
		return -ENOENT;
	unlink_and_release(timers, head, entry);
	return 0;
}

void myc_timers_cancel_all(struct myc_timers *timers, uint32_t *head)
{
	while (*head != MYC_TIMER_NONE)
		unlink_and_release(timers, head, &timers->entry[*head]);
}

struct myc_timer_entry *myc_timers_due(struct myc_timers *timers, uint64_t now_ns)
{
	return timers->next_ns <= now_ns && timers->count ? &timers->entry[timers->heap[0]] : NULL;
}

void myc_timers_fired(struct myc_timers *timers, uint32_t *head, struct myc_timer_entry *entry,
		      uint64_t now_ns)
{
	if (!entry->period_ns) {
		unlink_and_release(timers, head, entry);
		return;
	}
	uint64_t missed = (now_ns - entry->due_ns) / entry->period_ns;

	entry->due_ns += (missed + 1) * entry->period_ns;
	sift_down(timers, entry->place);
	note_next(timers);
}

void myc_timers_hold(struct myc_timers *timers, struct myc_timer_entry *entry)
{
	heap_remove(timers, entry->place);
	entry->place = MYC_TIMER_HELD;
}

void myc_timers_resume(struct myc_timers *timers, uint32_t head)
{
	for (uint32_t i = head; i != MYC_TIMER_NONE; i = timers->entry[i].next)
		if (timers->entry[i].place == MYC_TIMER_HELD)
			heap_add(timers, i);
}
