/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the receiving half of an executor: what waits for an actor that cannot take it now. Entries lie in
 * the region; each flow has one of its own, others are reserved by the credit that is given, so that a lane
 * can always be emptied. An actor's queue is in order of arrival, urgent ones first.
 *
 *	free --set_down--> QUEUED --(handler)--> BEGUN --counted--> free
 *	            |         |                    '--> STASHED (core/stash.h), and back to QUEUED
 *	            |         '--dropped: says why, counted--> free
 *	            '--> STASHED: put aside while it was in its lane
 *
 * All on the executor's own thread. Killed -9 between any two stores: an entry whose order is not 0 is there; the
 * successor finds by its position whether its lane knows, by its counting whether its flow does.
 */
#ifndef MYC_CORE_PENDING_H
#define MYC_CORE_PENDING_H

#include "core/receiver.h"

struct myc_pending_place;

/* The lane's next message into its actor's queue, at its place (core/overflow.h; NULL: behind all).
 * `credited`, `hold`: its loan, when it has one already. False: no entry, for want of memory (core/growth.h). */
bool myc_pending_add(struct myc_executor *executor, struct myc_inlet *inlet,
		     struct myc_flow_in *flow, const struct myc_slot *slot,
		     const struct myc_pending_place *place, uint64_t credited, uint32_t hold);
/* The same, in a state of the caller's choice and in no queue: its index, MYC_NONE. */
uint32_t myc_pending_set_down(struct myc_executor *executor, struct myc_inlet *inlet,
			      struct myc_flow_in *flow, const struct myc_slot *slot,
			      const struct myc_pending_place *place, uint64_t credited,
			      uint32_t hold, enum myc_pending_state state);

/* A filled entry into its actor's queue, before another one (MYC_NONE: behind all), and out of it. */
void myc_pending_link(struct myc_executor *executor, struct myc_actor *actor, uint32_t index,
		      uint32_t before);
void myc_pending_unlink(struct myc_executor *executor, struct myc_actor *actor, uint32_t index);
/* The first of an actor's queue that is not urgent; MYC_NONE. */
uint32_t myc_pending_ordinary(const struct myc_executor *executor, const struct myc_actor *actor);

/* Gives up one that waits; why: enum myc_dead_letter, or MYC_CONFLATED. False: its body finds no room in the
 * ledger now (`must`: then its weight is out until its owner is restarted). */
bool myc_pending_drop(struct myc_executor *executor, struct myc_actor *actor, uint32_t index,
		      uint32_t why, bool must);
/* The same for an entry that is in no queue. `hold`: its loan, when it has one. */
void myc_pending_discard(struct myc_executor *executor, uint32_t index, uint32_t why,
			 uint32_t hold);

/* The message of an entry is dealt with: counted in its flow, which a successor can tell. */
static inline void myc_pending_counted(struct myc_executor *executor, struct myc_pending *entry)
{
	struct myc_inlet *inlet = &executor->inlet[entry->lane_in];
	struct myc_flow_in *flow = &inlet->flow[entry->slot.flow];

	__atomic_store_n(&entry->counting, 1ull << 32 | (uint32_t)(flow->handled + 1),
			 __ATOMIC_RELAXED);
	MYC_POINT("pending: to be counted");
	flow->waiting--;
	myc_credit_handled(executor, inlet, flow, entry->position);
}

/* An entry that is in no queue is given back. */
static inline void myc_pending_free(struct myc_executor *executor, uint32_t index)
{
	myc_order_for_successor();
	MYC_POINT("pending: counted, not freed");
	__atomic_store_n(&executor->pending[index].order, 0, __ATOMIC_RELAXED);
	MYC_POINT("pending: freed");
	if (index >= executor->pending_entries) {
		myc_growth_free(executor, index);
		return;
	}
	executor->pending_next[index] = executor->pending_free;
	executor->pending_free = index;
}

#endif
