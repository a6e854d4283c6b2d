/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of one executor: a hierarchical wheel over a fixed table. Start and cancel are O(1), and a
 * timer moves at most once a level on its way to the front. Handles carry a generation, so a stale one
 * is known. Private memory, all of it touched by myc_timers_open: timers end with their process. One
 * thread.
 *
 * Times are whole ns, cut into digits of 6 bits. Level k has buckets one ns << 6k wide, and 128 of
 * them: those of the parent bucket that base_ns is in, and of the next one. So
 *
 *	level 0   one due time a bucket: within it timers stand in the order of their start
 *	level k   what is due beyond the next bucket of level k + 1 is in level k + 1 or above
 *	late      sorted: what is started or resumed with a time before base_ns
 *
 * and what a bucket of level k holds can move down while time is still in the bucket before it.
 * myc_timers_due does that in small portions whenever nothing is due, so that a bucket of a hundred
 * thousand timers is spread before its first one is due. An executor that slept, or a clock that jumped,
 * makes it catch up at once. base_ns never passes a pending timer; no level is ever searched but by its
 * bitmap.
 *
 * Timers fire by due time, then by start (a periodic one starts anew as it fires), exactly.
 */
#ifndef MYC_CORE_TIMER_H
#define MYC_CORE_TIMER_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/actor.h>

#define MYC_TIMER_NONE	     UINT32_MAX
#define MYC_TIMER_INDEX_BITS 25 /* of a handle; above them is whose table it is */
#define MYC_TIMER_DIGIT_BITS 6
#define MYC_TIMER_LEVELS     11				  /* times 6 bits: all times of 64 bits */
#define MYC_TIMER_BUCKETS    (2u << MYC_TIMER_DIGIT_BITS) /* of one level */

/* Where a timer is: the number of its bucket (level * MYC_TIMER_BUCKETS + ...), or */
enum myc_timer_place {
	MYC_TIMER_LATE = MYC_TIMER_LEVELS * MYC_TIMER_BUCKETS,
	MYC_TIMER_HELD, /* due, but its actor is paused */
	MYC_TIMER_FREE,
};

struct myc_timer_entry {
	uint64_t due_ns;
	uint64_t period_ns; /* 0 = once */
	uint64_t cookie;
	uint64_t order;		 /* counts starts */
	struct myc_actor *actor; /* NULL = free */
	uint32_t generation;
	uint32_t next, previous; /* in its bucket; `next` of a free one: the next free */
	uint32_t actor_next, actor_previous; /* ring of the actor's timers, held ones at its end */
	uint32_t place;			     /* enum myc_timer_place */
};
_Static_assert(sizeof(struct myc_timer_entry) == 64, "one cache line");

struct myc_timer_bucket {
	uint64_t least_ns; /* no timer in it is due before; exact until one is cancelled */
	uint32_t first, last;
};

struct myc_timers {
	struct myc_timer_entry *entry;
	struct myc_timer_bucket *bucket; /* all levels', then the late ones */
	uint64_t used[MYC_TIMER_LEVELS][MYC_TIMER_BUCKETS / 64]; /* buckets that are not empty */
	uint64_t base_ns; /* no timer in the wheel is due before */
	uint64_t starts;
	uint64_t settled; /* base_ns in units of SETTLE when all near buckets were spread */
	uint32_t levels;  /* bit k: level k is not empty */
	uint32_t count;	  /* pending, held ones not among them */
	uint32_t capacity;
	uint32_t free;
	uint32_t tag; /* in its handles: no other executor's table has the same */
	/* Nothing is due before; UINT64_MAX = no timer. After myc_timers_due returned NULL it is the
	 * earliest due time, or earlier if the earliest was cancelled: to sleep until it may wake too
	 * early, never too late. */
	uint64_t next_ns;
};

/* -EINVAL: capacity is 0 or does not fit the bits of an index; -ENOMEM. */
int myc_timers_open(struct myc_timers *timers, uint32_t capacity);
void myc_timers_close(struct myc_timers *timers);

/* Optional, before a start that follows a time without timers (nobody asks myc_timers_due then): tells
 * what time it is, so that the new timer need not be placed as seen from long ago. */
static inline void myc_timers_advance(struct myc_timers *timers, uint64_t now_ns)
{
	if (now_ns < timers->next_ns && now_ns > timers->base_ns)
		timers->base_ns = now_ns;
}

/* One of this table's entries, as its owner knows it. */
static inline struct myc_timer myc_timers_handle(const struct myc_timers *timers, uint32_t index)
{
	return (struct myc_timer){.index = index | timers->tag,
				  .generation = timers->entry[index].generation};
}
static inline bool myc_timer_same(struct myc_timer a, struct myc_timer b)
{
	return a.index == b.index && a.generation == b.generation;
}

/* `head`: the actor's ring of timers, MYC_TIMER_NONE = empty. -ENOSPC. */
int myc_timers_start(struct myc_timers *timers, struct myc_actor *actor, uint32_t *head,
		     uint64_t due_ns, uint64_t period_ns, uint64_t cookie, struct myc_timer *timer);
/* -ENOENT: not this actor's, fired or cancelled. */
int myc_timers_cancel(struct myc_timers *timers, struct myc_actor *actor, uint32_t *head,
		      struct myc_timer timer);
void myc_timers_cancel_all(struct myc_timers *timers, uint32_t *head);

/* The earliest timer due at now_ns, or NULL. It stays pending until fired, held or cancelled. */
struct myc_timer_entry *myc_timers_due(struct myc_timers *timers, uint64_t now_ns);
/* It fires: a periodic one is set to its next time on the schedule (times already past are
 * skipped; a time beyond 64 bits never comes), another is freed. Returns how many were skipped. */
uint64_t myc_timers_fired(struct myc_timers *timers, uint32_t *head, struct myc_timer_entry *entry,
			  uint64_t now_ns);
/* It is due, but its actor is paused: no longer pending until resumed with the actor. Resuming costs
 * O(1) for each timer that the actor has held. */
void myc_timers_hold(struct myc_timers *timers, uint32_t *head, struct myc_timer_entry *entry);
void myc_timers_resume(struct myc_timers *timers, uint32_t head);
/* All of an actor's are held. */
void myc_timers_hold_all(struct myc_timers *timers, uint32_t head);
/* Those of them that are held are pending again, whenever they are due. */
void myc_timers_let_go(struct myc_timers *timers, uint32_t head);

#endif
