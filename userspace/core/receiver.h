/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the receiving half of an executor (core/executor.h): what its three files share.
 *
 *   inlet.c    credit; finding lanes and flows
 *   receive.c  from lanes and pending queues into handlers
 *   recover.c  what a killed predecessor left
 *
 * All on the executor's own thread. What is inline is done for every message.
 */
#ifndef MYC_CORE_RECEIVER_H
#define MYC_CORE_RECEIVER_H

#include "core/executor.h"
#include "core/letter.h"

/* One of which no more is known. */
static inline void myc_dead_letter(struct myc_executor *executor, enum myc_dead_letter why)
{
	myc_letter_note(executor, why, MYC_NOBODY, MYC_NOBODY, NULL);
}

/* What came by this lane cannot be: nothing more is taken from it. */
void myc_inlet_cut(struct myc_executor *executor, struct myc_inlet *inlet, enum myc_lane_fault why);
/* Our half of a lane found in another's directory; a successor finds the same one again. NULL: all
 * halves are in use. */
struct myc_inlet *myc_inlet_bind(struct myc_executor *executor, uint64_t source);
/* Looks for new lanes and flows of one source. */
void myc_receiver_scan_source(struct myc_executor *executor, uint32_t process, uint32_t source);

/* It is taken: tells the sender who wants to know; then it is a message like others. (core/receipt.c) */
void myc_receipt_give(struct myc_executor *executor, myc_address from, struct myc_slot *slot);

/* ---- credit ------------------------------------------------------------------------------------ */

/* Moves the limit as far as window, mailbox and pending entries allow. */
void myc_credit_grant(struct myc_executor *executor, struct myc_inlet *inlet,
		      struct myc_flow_in *flow);

/* flow->look_at is reached: the first message since credit was given (then it is owed when the lane runs
 * dry), or so many that it is given now. */
void myc_credit_look(struct myc_executor *executor, struct myc_inlet *inlet,
		     struct myc_flow_in *flow);

/* The actor's number of flows has changed by so many: and so the window of each, its share. */
static inline void myc_credit_flows(struct myc_actor *actor, int32_t change)
{
	actor->flows_in += (uint32_t)change;
	uint32_t share = actor->capacity / (actor->flows_in ? actor->flows_in : 1);

	share += !share;
	actor->window = share < actor->capacity_per_sender ? share : actor->capacity_per_sender;
	actor->grant_batch = actor->window / 2 < 32 ? actor->window / 2 : 32;
	actor->grant_batch += !actor->grant_batch;
}

/* One message of the flow is dealt with: its credit may be given again, now or with others. */
static inline void myc_credit_handled(struct myc_executor *executor, struct myc_inlet *inlet,
				      struct myc_flow_in *flow, uint32_t position)
{
	uint16_t f = flow->index;
	struct myc_actor *actor = flow->actor;

	myc_lane_count(&inlet->lane, f, position, ++flow->handled);
	if (!actor)
		return;
	actor->granted--;
	executor->granted--;
	if (__builtin_expect(flow->handled == flow->look_at, 0))
		myc_credit_look(executor, inlet, flow);
}

/* ---- delivering -------------------------------------------------------------------------------- */

/* Reads the sender's entry of a flow: a new pair, or the one known. False: its actor is not here yet. */
bool myc_flow_learn(struct myc_executor *executor, struct myc_inlet *inlet, uint32_t f);
/* The copy against what its flow is. NULL: the lane is cut, or, its actor not being here yet, to be
 * looked at again after the next scan. */
struct myc_flow_in *myc_receiver_check(struct myc_executor *executor, struct myc_inlet *inlet,
				       const struct myc_slot *slot);
/* The same for one in the urgent ring. */
struct myc_flow_in *myc_receiver_check_urgent(struct myc_executor *executor,
					      struct myc_inlet *inlet, const struct myc_slot *slot);
/* The first of an actor's queue that is not urgent; MYC_NONE. */
uint32_t myc_pending_ordinary(const struct myc_executor *executor, const struct myc_actor *actor);
/* The lane's next message into its actor's pending queue, at its place (core/overflow.h; NULL: behind all).
 * `credited`, `hold`: its loan, when it has one already. False: no entry, which cannot be. */
struct myc_pending_place;
bool myc_receiver_pend(struct myc_executor *executor, struct myc_inlet *inlet,
		       struct myc_flow_in *flow, const struct myc_slot *slot,
		       const struct myc_pending_place *place, uint64_t credited, uint32_t hold);
/* The same, in a state of the caller's choice and in no queue: its index, MYC_NONE. */
uint32_t myc_receiver_set_down(struct myc_executor *executor, struct myc_inlet *inlet,
			       struct myc_flow_in *flow, const struct myc_slot *slot,
			       const struct myc_pending_place *place, uint64_t credited,
			       uint32_t hold, enum myc_pending_state state);
/* The message of a pending entry is dealt with: counted in its flow, which a successor can tell. */
static inline void myc_pending_counted(struct myc_executor *executor, struct myc_pending *entry)
{
	struct myc_inlet *inlet = &executor->inlet[entry->lane_in];
	struct myc_flow_in *flow = &inlet->flow[entry->slot.flow];

	__atomic_store_n(&entry->counting, 1ull << 32 | (uint32_t)(flow->handled + 1),
			 __ATOMIC_RELAXED);
	MYC_POINT("pending: to be counted");
	myc_credit_handled(executor, inlet, flow, entry->position);
}
/* A filled pending entry into its actor's queue, before another one (MYC_NONE: behind all), and out of it; an
 * entry given back. */
void myc_pending_link(struct myc_executor *executor, struct myc_actor *actor, uint32_t index,
		      uint32_t before);
void myc_pending_unlink(struct myc_executor *executor, struct myc_actor *actor, uint32_t index);
void myc_pending_free(struct myc_executor *executor, uint32_t index);
/* Gives up one that waits; why: enum myc_dead_letter, or MYC_CONFLATED. False: its body finds no room in the
 * ledger now (`must`: then its weight is out until its owner is restarted). */
bool myc_pending_drop(struct myc_executor *executor, struct myc_actor *actor, uint32_t index,
		      uint32_t why, bool must);
/* The same for an entry that is in no queue. `hold`: its loan, when it has one. */
void myc_pending_discard(struct myc_executor *executor, uint32_t index, uint32_t why,
			 uint32_t hold);

#endif
