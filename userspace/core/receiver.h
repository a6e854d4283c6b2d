/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside the receiving half of an executor (core/executor.h): what its six files share.
 *
 *   inlet.c    finding lanes and flows
 *   credit.c   what they may send
 *   pending.c  what waits for an actor that cannot take it now (pending.h)
 *   receive.c  from lanes into handlers
 *   share.c    from pending queues into handlers
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

/* A message of a mailbox without bounds waits now: what it had in the lane may be given again. */
void myc_credit_waits(struct myc_executor *executor, struct myc_inlet *inlet,
		      struct myc_flow_in *flow);
/* What this actor's flows are granted is not to be counted, or has changed: core/growth.h. */
void myc_credit_count_growth(struct myc_executor *executor, struct myc_actor *actor);

/* What a flow is granted is its actor's, from now on (1) or no more (-1). */
void myc_credit_account(struct myc_executor *executor, struct myc_flow_in *flow, int32_t sign);

/* Of a flow of the lane to ourselves so many more have been received: what its sender did not count itself gets into its
 * metrics. */
void myc_own_received(struct myc_executor *executor, const struct myc_flow_in *flow, uint32_t n);
/* One that goes another way than straight from the lane into its actor's handler. */
static inline void myc_receiver_took(struct myc_executor *executor, const struct myc_inlet *inlet,
				     const struct myc_flow_in *flow)
{
	if (inlet == executor->inlet)
		myc_own_received(executor, flow, 1);
}

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

/* A message went straight from the lane into its actor's handler: its credit may be given again, now or with others,
 * and then it is counted in the metrics. */
static inline void myc_credit_taken(struct myc_executor *executor, struct myc_inlet *inlet,
				    struct myc_flow_in *flow, uint32_t position)
{
	uint32_t handled = flow->handled + 1;

	flow->handled = handled;
	myc_lane_count(&inlet->lane, flow->index, position, handled);
	if (__builtin_expect(handled == flow->look_at, 0))
		myc_credit_look(executor, inlet, flow);
}

/* Any other is dealt with, which was counted in the metrics if a handler saw it. */
static inline void myc_credit_handled(struct myc_executor *executor, struct myc_inlet *inlet,
				      struct myc_flow_in *flow, uint32_t position)
{
	if (flow->actor) {
		flow->counted++;
		flow->actor->granted--;
		executor->granted--;
		myc_credit_taken(executor, inlet, flow, position);
	} else
		myc_lane_count(&inlet->lane, flow->index, position, ++flow->handled);
}

/* ---- delivering -------------------------------------------------------------------------------- */

/* Reads the sender's entry of a flow: a new pair, or the one known. False: its actor is not here yet. */
bool myc_flow_learn(struct myc_executor *executor, struct myc_inlet *inlet, uint32_t f);
/* It is to be learnt anew before its next message is taken. */
void myc_flow_forget(struct myc_flow_in *flow);
/* The copy against what its flow is. NULL: the lane is cut, or, its actor not being here yet, to be
 * looked at again after the next scan. */
struct myc_flow_in *myc_receiver_check(struct myc_executor *executor, struct myc_inlet *inlet,
				       const struct myc_slot *slot);
/* The same for one in the urgent ring. */
struct myc_flow_in *myc_receiver_check_urgent(struct myc_executor *executor,
					      struct myc_inlet *inlet, const struct myc_slot *slot);
/* A message into its actor's handler, with the loan of its body. True: not handled, the actor puts it aside, and
 * then is to be told so, with the entry that it is in. */
bool myc_receiver_deliver(struct myc_actor *actor, uint64_t from, const struct myc_slot *slot,
			  const void *payload, uint32_t size, uint32_t body);
void myc_receiver_set_aside(struct myc_actor *actor, uint32_t index);
/* The lane's next message reaches nobody. */
void myc_receiver_give_up(struct myc_executor *executor, struct myc_inlet *inlet,
			  struct myc_flow_in *flow, const struct myc_slot *slot,
			  enum myc_dead_letter why);
/* A reference that cannot be: is it its sender who is to blame? Then the lane is cut. */
bool myc_receiver_cut_for(struct myc_executor *executor, struct myc_inlet *inlet,
			  const struct myc_slot *slot, const struct myc_reference *reference);
/* The lane's next message has a reference that cannot be: the lane is cut (false), or, where the buffers' owner may
 * have changed what he says of them since its sender looked, it is a dead letter. */
bool myc_receiver_refuse(struct myc_executor *executor, struct myc_inlet *inlet,
			 struct myc_flow_in *flow, const struct myc_slot *slot,
			 const struct myc_reference *reference);

#endif
