/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of one executor: a 4-ary heap over a fixed table. Start and cancel cost O(log n), looking
 * for what is due O(1). Handles carry a generation, so a stale one is known. Private memory: timers
 * end with their process. One thread.
 */
#ifndef MYC_CORE_TIMER_H
#define MYC_CORE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/actor.h>

struct myc_timer_entry {
	uint64_t due_ns;
	uint64_t period_ns; /* 0 = once */
	uint64_t cookie;
	struct myc_actor *actor; /* NULL = free */
	uint32_t generation;
	uint32_t place;		 /* in the heap, MYC_TIMER_HELD, or the next free entry */
	uint32_t next, previous; /* the actor's timers */
};

#define MYC_TIMER_NONE UINT32_MAX
#define MYC_TIMER_HELD (UINT32_MAX - 1) /* due, but its actor is paused */

struct myc_timers {
	struct myc_timer_entry *entry;
	uint32_t *heap; /* indices of entries */
	uint32_t count; /* in the heap */
	uint32_t capacity;
	uint32_t free;
	uint64_t next_ns; /* earliest due, UINT64_MAX = none */
};

int myc_timers_open(struct myc_timers *timers, uint32_t capacity);
void myc_timers_close(struct myc_timers *timers);

/* `head`: the actor's list of timers, MYC_TIMER_NONE = empty. -ENOSPC. */
int myc_timers_start(struct myc_timers *timers, struct myc_actor *actor, uint32_t *head,
		     uint64_t due_ns, uint64_t period_ns, uint64_t cookie, struct myc_timer *timer);
/* -ENOENT: not this actor's, fired or cancelled. */
int myc_timers_cancel(struct myc_timers *timers, struct myc_actor *actor, uint32_t *head,
		      struct myc_timer timer);
void myc_timers_cancel_all(struct myc_timers *timers, uint32_t *head);

/* The earliest timer due at now_ns, or NULL. */
struct myc_timer_entry *myc_timers_due(struct myc_timers *timers, uint64_t now_ns);
/* It fires: a periodic one is set to its next time on the schedule (times already past are
 * skipped), another is freed. */
void myc_timers_fired(struct myc_timers *timers, uint32_t *head, struct myc_timer_entry *entry,
		      uint64_t now_ns);
/* It is due, but its actor is paused: out of the heap until resumed with the actor. */
void myc_timers_hold(struct myc_timers *timers, struct myc_timer_entry *entry);
void myc_timers_resume(struct myc_timers *timers, uint32_t head);

#endif
