/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages from lanes into handlers, or, while their actor is paused, into its pending queue (core/pending.h).
 */
#include "core/ask.h"
#include "core/body.h"
#include "core/guess.h"
#include "core/last.h"
#include "core/overflow.h"
#include "core/pending.h"
#include "core/signal.h"
#include "core/stash.h"
#include "core/within.h"

#define MYC_FLAGS_KNOWN ((uint64_t)MYC_MESSAGE_REDELIVERED << 8)

/* ---- delivering -------------------------------------------------------------------------------- */

/* What a handler asked for, and that it failed. True: the message in hand is to be put aside. */
__attribute__((noinline)) static bool delivered(struct myc_actor *actor, int code, uint32_t body)
{
	if (code >= 0 && actor->put_aside) {
		code = myc_stash_take(actor, body);
		if (!code)
			return true;
	}
	actor->put_aside = false;
	/* It is over, whatever runs in here. */
	actor->executor->pending_hand = MYC_HAND_OVER;
	myc_actor_after(actor, code);
	actor->executor->pending_hand = MYC_NONE;
	return false;
}

void myc_receiver_set_aside(struct myc_actor *actor, uint32_t index)
{
	myc_stash_add(actor, index);
	if (actor->stop_asked)
		myc_actor_after(actor, 0);
}

/* `kind` is its slot's first word; in `message` are its flags and body. What the handler returned; who calls counts it. */
static inline __attribute__((always_inline)) int show(struct myc_actor *actor,
						      struct myc_message *message, uint64_t from,
						      const struct myc_slot *slot, uint64_t kind,
						      const void *payload, uint32_t size)
{
	message->from = from;
	message->type = myc_slot_kind_type(kind);
	message->size = size;
	message->correlation = slot->correlation;
	message->payload = payload;
	return actor->message(actor, message);
}

/* Is there more to a message than that it was handled? */
static inline bool more(const struct myc_actor *actor, int code)
{
	return __builtin_expect(code < 0 || actor->stop_asked || actor->put_aside, 0);
}

bool myc_receiver_deliver(struct myc_actor *actor, uint64_t from, const struct myc_slot *slot,
			  const void *payload, uint32_t size, uint32_t body)
{
	struct myc_message message = {.flags = slot->flags & (uint8_t)~MYC_SLOT_REFERENCE,
				      .body = body};

	myc_count(&actor->metrics->messages);
	if (body != MYC_HOLD_NONE && slot->correlation & MYC_ASK_FORWARDED)
		myc_ask_in_hand(slot);
	int code = show(actor, &message, from, slot, slot->word[0], payload, size);

	return more(actor, code) && delivered(actor, code, body);
}

/* Is the message what its flow may carry? Size and flags at once; `to` is of one flow only. */
static inline bool may_carry(const struct myc_flow_in *flow, const struct myc_slot *slot,
			     uint64_t to)
{
	return (slot->word[0] >> 48 & ~MYC_FLAGS_KNOWN) <= MYC_LANE_PAYLOAD &&
	       slot->word[1] == to && slot->from == flow->from_slot &&
	       (int32_t)(flow->limit - flow->handled - flow->waiting) > 0;
}

/* The flow of a message that may go to its actor. */
static inline struct myc_flow_in *flow_of(struct myc_inlet *inlet, const struct myc_slot *slot)
{
	struct myc_flow_in *flow = &inlet->flow[slot->flow % MYC_LANE_FLOWS];

	return may_carry(flow, slot, flow->slot_to) ? flow : NULL;
}

/* What its messages say, whether or not they have an actor here. */
static uint64_t whom(const struct myc_flow_in *flow)
{
	return myc_slot_to(myc_address_slot(flow->to), myc_address_generation(flow->to),
			   flow->index);
}

/* Names what is wrong with a message that is not what its flow may carry. */
static void cut_for(struct myc_executor *executor, struct myc_inlet *inlet,
		    const struct myc_slot *slot)
{
	const struct myc_flow_in *flow = &inlet->flow[slot->flow % MYC_LANE_FLOWS];
	enum myc_lane_fault why = MYC_LANE_FAULT_CREDIT;

	if (slot->size > MYC_LANE_PAYLOAD)
		why = MYC_LANE_FAULT_SIZE;
	else if (slot->flags & ~(MYC_MESSAGE_REDELIVERED | MYC_SLOT_REFERENCE) && !flow->urgent)
		why = MYC_LANE_FAULT_FLAGS;
	else if (slot->flow >= MYC_LANE_FLOWS || !flow->epoch || flow->urgent)
		why = MYC_LANE_FAULT_FLOW;
	else if (slot->word[1] != whom(flow) || slot->from != flow->from_slot)
		why = MYC_LANE_FAULT_ADDRESS;
	myc_inlet_cut(executor, inlet, why);
}

/* Not what we know of its flow: the entry may have been given to another pair since. Its message was
 * published after the entry was written, so that looking again tells. Or its actor is gone. */
__attribute__((noinline)) static struct myc_flow_in *flow_again(struct myc_executor *executor,
								struct myc_inlet *inlet,
								const struct myc_slot *slot)
{
	if (slot->flow < MYC_LANE_FLOWS && !myc_flow_learn(executor, inlet, slot->flow)) {
		executor->rescan = true;
		return NULL;
	}
	struct myc_flow_in *flow = &inlet->flow[slot->flow % MYC_LANE_FLOWS];

	if (!inlet->cut && (!flow->epoch || flow->urgent || !may_carry(flow, slot, whom(flow))))
		cut_for(executor, inlet, slot);
	return inlet->cut ? NULL : flow;
}

struct myc_flow_in *myc_receiver_check(struct myc_executor *executor, struct myc_inlet *inlet,
				       const struct myc_slot *slot)
{
	struct myc_flow_in *flow = flow_of(inlet, slot);

	return flow ? flow : flow_again(executor, inlet, slot);
}

void myc_receiver_give_up(struct myc_executor *executor, struct myc_inlet *inlet,
			  struct myc_flow_in *flow, const struct myc_slot *slot,
			  enum myc_dead_letter why)
{
	enum myc_lane_ring ring = flow->urgent ? MYC_RING_URGENT : MYC_RING_ORDINARY;
	uint32_t position = inlet->lane.next[ring] + 1, at = (uint32_t)(inlet - executor->inlet);
	int code = why == MYC_DEAD_LETTER_DROPPED_NEWEST ? -ENOBUFS
		   : why == MYC_DEAD_LETTER_SCHEMA	 ? -EPROTO
							 : -ESRCH;

	myc_receiver_took(executor, inlet, flow);
	myc_lane_begin(&inlet->lane, ring);
	(void)myc_body_drop(executor, slot, myc_origin_lane(at, position));
	myc_letter_note(executor, why, flow->from, flow->to, slot);
	myc_credit_handled(executor, inlet, flow, position);
	/* When it is counted: of what its asker was told that nobody has it, no successor gives it. */
	myc_ask_bounce_if(executor, flow->from, slot, code);
	myc_lane_done(&inlet->lane, ring);
	if (inlet->refused)
		myc_flow_forget(flow);
}

/* What does not go straight to a handler. False: there is no memory for it to wait in, it stays in the lane. */
static bool take_aside(struct myc_executor *executor, struct myc_inlet *inlet,
		       struct myc_flow_in *flow, const struct myc_slot *slot)
{
	struct myc_actor *actor = flow->actor;
	struct myc_pending_place place = {.before = MYC_NONE};
	enum myc_dead_letter why = actor	    ? MYC_DEAD_LETTER_FRAMEWORK_TYPE
				   : inlet->refused ? MYC_DEAD_LETTER_SCHEMA
						    : MYC_DEAD_LETTER_NO_ACTOR;

	if (actor && myc_deadline_over(executor, slot)) {
		why = MYC_DEAD_LETTER_EXPIRED;
	} else if (actor && slot->type < MYC_TYPE_FRAMEWORK) {
		if (!actor->behaviour->overflow_count || flow->urgent ||
		    myc_overflow_in(executor, inlet, flow, slot, &place)) {
			bool waits = myc_pending_add(executor, inlet, flow, slot, &place, 0,
						     MYC_HOLD_NONE);

			if (waits && actor->grows)
				myc_credit_waits(executor, inlet, flow);
			return waits;
		}
		why = MYC_DEAD_LETTER_DROPPED_NEWEST;
		myc_count(&executor->words->mailbox_dropped);
	}
	myc_receiver_give_up(executor, inlet, flow, slot, why);
	return true;
}

/* The end of take_one where the handler failed, or asked for something. */
__attribute__((noinline)) static bool take_last(struct myc_executor *executor,
						struct myc_inlet *inlet, struct myc_flow_in *flow,
						const struct myc_slot *slot, int code)
{
	struct myc_actor *actor = flow->actor;

	myc_count(&actor->metrics->messages);
	if (delivered(actor, code, MYC_HOLD_NONE)) {
		myc_receiver_set_aside(actor,
				       myc_pending_set_down(executor, inlet, flow, slot, NULL, 0,
							    MYC_HOLD_NONE, MYC_PENDING_STASHED));
		return true;
	}
	myc_receiver_took(executor, inlet, flow);
	myc_credit_handled(executor, inlet, flow, ++inlet->lane.next[MYC_RING_ORDINARY]);
	return true;
}

/* Handles the lane's next message, of a flow with an actor; `message` for its handler, without a body, and with flags only
 * where the lane is not our own. What is done is stored by the caller, or by the begin of the next: nothing else may be
 * published before. False: it stays. */
static inline __attribute__((always_inline)) bool take_one(
	struct myc_executor *executor, struct myc_inlet *inlet, struct myc_flow_in *flow,
	const struct myc_slot *slot, struct myc_message *message, uint64_t kind, bool own)
{
	struct myc_actor *actor = flow->actor;

	if (__builtin_expect(
		    actor->aside || (!own && myc_slot_kind_type(kind) >= MYC_TYPE_FRAMEWORK), 0)) {
		myc_lane_settle(&inlet->lane, MYC_RING_ORDINARY);
		return take_aside(executor, inlet, flow, slot);
	}
	myc_lane_begin(&inlet->lane, MYC_RING_ORDINARY);
	if (!own)
		message->flags = myc_slot_kind_flags(kind) & (uint8_t)~MYC_SLOT_REFERENCE;
	int code = show(actor, message, flow->from, slot, kind, slot->payload,
			myc_slot_kind_size(kind));

	actor = flow->actor; /* the same: cheaper to load than to keep over the call */
	if (more(actor, code))
		return take_last(executor, inlet, flow, slot, code);
	/* Likewise. */
	uint32_t position = inlet->lane.next[MYC_RING_ORDINARY] + 1;

	myc_credit_taken(executor, inlet, flow, position);
	inlet->lane.next[MYC_RING_ORDINARY] = position;
	return true;
}

/* The same of any flow. */
static bool take_any(struct myc_executor *executor, struct myc_inlet *inlet,
		     struct myc_flow_in *flow, const struct myc_slot *slot)
{
	struct myc_message message = {.body = MYC_HOLD_NONE};

	if (flow->actor)
		return take_one(executor, inlet, flow, slot, &message, slot->word[0], false);
	myc_lane_settle(&inlet->lane, MYC_RING_ORDINARY);
	return take_aside(executor, inlet, flow, slot);
}

/* A message with a body. False: the lane is cut, or there is no room in the ledger: later. */
static bool take_reference(struct myc_executor *executor, struct myc_inlet *inlet,
			   const struct myc_slot *slot)
{
	uint32_t position = inlet->lane.next[MYC_RING_ORDINARY] + 1;
	struct myc_reference reference;
	struct myc_view view;
	struct myc_slot plain = *slot;

	plain.flags &= (uint8_t)~MYC_SLOT_REFERENCE;
	struct myc_flow_in *flow = myc_receiver_check(executor, inlet, &plain);

	if (!flow)
		return false;
	int code = myc_body_check(executor, slot, &reference, &view);

	if (code)
		return code == -EPROTO &&
		       myc_receiver_refuse(executor, inlet, flow, slot, &reference);
	bool last = flow->actor && slot->type == MYC_TYPE_LAST_STATE;

	if (!last && (!flow->actor || flow->actor->aside || slot->type >= MYC_TYPE_FRAMEWORK)) {
		myc_lane_settle(&inlet->lane, MYC_RING_ORDINARY);
		return take_aside(executor, inlet, flow, slot);
	}
	struct myc_actor *actor = flow->actor;
	uint64_t origin = myc_origin_lane((uint32_t)(inlet - executor->inlet), position);

	myc_lane_begin(&inlet->lane, MYC_RING_ORDINARY);
	uint32_t hold = myc_pool_credit(&executor->out.pool, &reference, origin);

	if (last) {
		myc_last_came(actor, flow->from, view.data, view.size);
	} else if (myc_receiver_deliver(actor, flow->from, slot, view.data, view.size, hold)) {
		myc_receiver_set_aside(actor,
				       myc_pending_set_down(executor, inlet, flow, slot, NULL,
							    origin, hold, MYC_PENDING_STASHED));
		return true;
	}
	myc_receiver_took(executor, inlet, flow);
	myc_credit_handled(executor, inlet, flow, position);
	myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
	myc_pool_done(&executor->out.pool, hold);
	return true;
}

/* May this be in the urgent ring, of this flow? */
static bool urgent_of(const struct myc_flow_in *flow, const struct myc_slot *slot)
{
	return flow->epoch && flow->urgent && slot->size <= MYC_LANE_PAYLOAD &&
	       slot->flags == MYC_MESSAGE_URGENT && slot->type < MYC_TYPE_FRAMEWORK &&
	       slot->word[1] == whom(flow) && slot->from == flow->from_slot &&
	       (int32_t)(flow->limit - flow->handled - flow->waiting) > 0;
}

struct myc_flow_in *myc_receiver_check_urgent(struct myc_executor *executor,
					      struct myc_inlet *inlet, const struct myc_slot *slot)
{
	struct myc_flow_in *flow = &inlet->flow[slot->flow % MYC_LANE_FLOWS];

	if (slot->flow < MYC_LANE_FLOWS && !urgent_of(flow, slot) &&
	    !myc_flow_learn(executor, inlet, slot->flow)) {
		executor->rescan = true;
		return NULL;
	}
	if (!inlet->cut && (slot->flow >= MYC_LANE_FLOWS || !urgent_of(flow, slot)))
		cut_for(executor, inlet, slot);
	return inlet->cut ? NULL : flow;
}

/* An urgent message: has no body. */
static bool take_urgent(struct myc_executor *executor, struct myc_inlet *inlet,
			const struct myc_slot *slot)
{
	struct myc_flow_in *flow = myc_receiver_check_urgent(executor, inlet, slot);

	if (!flow)
		return false;
	struct myc_actor *actor = flow->actor;

	if (!actor || actor->aside)
		return take_aside(executor, inlet, flow, slot);
	myc_lane_begin(&inlet->lane, MYC_RING_URGENT);
	if (myc_receiver_deliver(actor, flow->from, slot, slot->payload, slot->size,
				 MYC_HOLD_NONE)) {
		myc_receiver_set_aside(actor,
				       myc_pending_set_down(executor, inlet, flow, slot, NULL, 0,
							    MYC_HOLD_NONE, MYC_PENDING_STASHED));
		return true;
	}
	myc_receiver_took(executor, inlet, flow);
	myc_credit_handled(executor, inlet, flow, inlet->lane.next[MYC_RING_URGENT] + 1);
	myc_lane_done(&inlet->lane, MYC_RING_URGENT);
	return true;
}

static bool take_after_urgent(struct myc_executor *executor, struct myc_inlet *inlet,
			      const struct myc_slot *slot);
static unsigned poll_urgent(struct myc_executor *executor, struct myc_inlet *inlet,
			    unsigned budget);

/* A message whose sender wants to know that it was taken. What is set down is, in myc_pending_set_down. */
static bool take_receipt(struct myc_executor *executor, struct myc_inlet *inlet,
			 const struct myc_slot *slot)
{
	struct myc_slot plain = *slot;

	plain.flags &= (uint8_t)~MYC_SLOT_RECEIPT;
	struct myc_flow_in *flow = myc_receiver_check(executor, inlet, &plain);

	if (!flow)
		return false;
	if (flow->actor && flow->actor->aside)
		plain.flags |= MYC_SLOT_RECEIPT;
	else if (flow->actor)
		myc_receipt_give(executor, flow->from, &plain);
	return take_any(executor, inlet, flow, &plain);
}

/* A message with a deadline. What waits keeps it; what is delivered has no more need of it, unless its actor may
 * put it aside: then it goes by way of the queue, which remembers it. */
static bool take_deadline(struct myc_executor *executor, struct myc_inlet *inlet,
			  const struct myc_slot *slot)
{
	bool reference = slot->flags & MYC_SLOT_REFERENCE;
	struct myc_reference copied;
	struct myc_view view;
	struct myc_slot plain = *slot;

	plain.flags &= (uint8_t) ~(MYC_SLOT_REFERENCE | MYC_SLOT_DEADLINE);
	plain.correlation = 0;
	struct myc_flow_in *flow = myc_receiver_check(executor, inlet, &plain);

	if (!flow)
		return false;
	if (flow->actor && !flow->actor->aside && !flow->actor->behaviour->stash_capacity &&
	    !myc_deadline_over(executor, slot)) {
		plain.flags |= reference ? MYC_SLOT_REFERENCE : 0;
		if (reference)
			return take_reference(executor, inlet, &plain);
		return take_any(executor, inlet, flow, &plain);
	}
	int code = reference ? myc_body_check(executor, slot, &copied, &view) : 0;

	if (code)
		return code == -EPROTO && myc_receiver_refuse(executor, inlet, flow, slot, &copied);
	myc_lane_settle(&inlet->lane, MYC_RING_ORDINARY);
	bool taken = take_aside(executor, inlet, flow, slot);

	if (taken && flow->actor)
		myc_receiver_make_ready(flow->actor);
	return taken;
}

/* A message that is not a plain one of a known flow: a signal, or of a flow that was given to others. False:
 * nothing more can be taken from this lane now. */
static bool take_unusual(struct myc_executor *executor, struct myc_inlet *inlet,
			 enum myc_lane_ring ring, const struct myc_slot *slot)
{
	struct myc_flow_in *flow;

	if (slot->flags & MYC_SLOT_URGENT_BEFORE && ring == MYC_RING_ORDINARY)
		return take_after_urgent(executor, inlet, slot);
	if (slot->flow == MYC_FLOW_NONE && slot->type >= MYC_TYPE_FRAMEWORK &&
	    slot->size <= MYC_LANE_PAYLOAD) {
		if (slot->flags & MYC_SLOT_REFERENCE && ring == MYC_RING_ORDINARY)
			return myc_signal_reply_received(executor, inlet, slot);
		myc_lane_begin(&inlet->lane, ring);
		if (!myc_signal_received(executor, inlet, slot)) {
			myc_lane_settle(&inlet->lane, ring);
			return false;
		}
		myc_lane_done(&inlet->lane, ring);
		return true;
	}
	if (ring == MYC_RING_URGENT)
		return take_urgent(executor, inlet, slot);
	if (slot->flags & MYC_SLOT_DEADLINE)
		return take_deadline(executor, inlet, slot);
	if (slot->flags & MYC_SLOT_REFERENCE)
		return take_reference(executor, inlet, slot);
	if (slot->flags & MYC_SLOT_RECEIPT)
		return take_receipt(executor, inlet, slot);
	flow = myc_receiver_check(executor, inlet, slot);
	return flow && take_any(executor, inlet, flow, slot);
}

/* Urgent ones were published before it: as many as their ring holds, they may have come since we looked. */
static bool take_after_urgent(struct myc_executor *executor, struct myc_inlet *inlet,
			      const struct myc_slot *slot)
{
	struct myc_slot plain = *slot;

	plain.flags &= (uint8_t)~MYC_SLOT_URGENT_BEFORE;
	myc_lane_settle(&inlet->lane, MYC_RING_ORDINARY);
	poll_urgent(executor, inlet, inlet->lane.mask[MYC_RING_URGENT] + 1);
	return !inlet->cut && take_unusual(executor, inlet, MYC_RING_ORDINARY, &plain);
}

static unsigned poll_urgent(struct myc_executor *executor, struct myc_inlet *inlet, unsigned budget)
{
	_Alignas(64) struct myc_slot slot;
	unsigned n;

	for (n = 0; n < budget; n++) {
		int got = myc_lane_peek(&inlet->lane, MYC_RING_URGENT, &slot);

		if (got < 0)
			myc_inlet_cut(executor, inlet, MYC_LANE_FAULT_SEQUENCE);
		if (got <= 0 || !take_unusual(executor, inlet, MYC_RING_URGENT, &slot))
			break;
		myc_lane_publish_some(&inlet->lane, MYC_RING_URGENT);
	}
	return n;
}

static unsigned poll_inlet(struct myc_executor *executor, struct myc_inlet *inlet, unsigned budget)
{
	_Alignas(64) struct myc_slot slot;
	struct myc_message message = {.body = MYC_HOLD_NONE};
	unsigned n;

	for (n = 0; n < budget; n++) {
		int got = myc_lane_peek(&inlet->lane, MYC_RING_ORDINARY, &slot);

		if (got < 0)
			myc_inlet_cut(executor, inlet, MYC_LANE_FAULT_SEQUENCE);
		if (got <= 0)
			break;
		struct myc_flow_in *flow = flow_of(inlet, &slot);

		if (!(__builtin_expect(flow != NULL, 1)
			      ? take_one(executor, inlet, flow, &slot, &message, slot.word[0],
					 false)
			      : take_unusual(executor, inlet, MYC_RING_ORDINARY, &slot)))
			break;
		myc_lane_publish_some(&inlet->lane, MYC_RING_ORDINARY);
	}
	if (n)
		myc_lane_settle(&inlet->lane, MYC_RING_ORDINARY);
	return n;
}

/* The lane to ourselves: nobody else can write it, so its messages are used where they lie. False: there
 * is nothing more before number `stop`. */
__attribute__((noinline)) static bool own_until(struct myc_executor *executor,
						struct myc_inlet *inlet, uint32_t stop)
{
	struct myc_lane_inward *lane = &inlet->lane;
	struct myc_guess *guess = executor->guess;
	struct myc_message message = {.body = MYC_HOLD_NONE};
	uint64_t kind;

	while (lane->next[MYC_RING_ORDINARY] != stop) {
		const struct myc_slot *slot = myc_lane_look(lane, MYC_RING_ORDINARY, &kind);

		if (!slot)
			break;
		struct myc_flow_in *flow = myc_guess_next(inlet->flow, guess, slot->word[1]);

		/* Our own writing: only what kind of message it is has to be seen. */
		if (__builtin_expect(kind >> 56 || slot->word[1] != flow->slot_to, 0)) {
			if (!take_unusual(executor, inlet, MYC_RING_ORDINARY, slot))
				return false;
		} else if (__builtin_expect(
				   !take_one(executor, inlet, flow, slot, &message, kind, true),
				   0)) {
			return false;
		}
		guess = myc_guess_after(flow);
	}
	executor->guess = guess;
	return lane->next[MYC_RING_ORDINARY] == stop;
}

static unsigned poll_own(struct myc_executor *executor, struct myc_inlet *inlet, unsigned budget)
{
	struct myc_lane_inward *lane = &inlet->lane;
	uint32_t begin = lane->next[MYC_RING_ORDINARY], end = begin + budget, stop;
	bool more;

	do {
		stop = lane->published[MYC_RING_ORDINARY] + lane->every;
		if ((int32_t)(stop - end) > 0)
			stop = end;
		more = own_until(executor, inlet, stop);
		myc_lane_publish_some(lane, MYC_RING_ORDINARY);
	} while (more && stop != end);
	if (lane->next[MYC_RING_ORDINARY] != begin)
		myc_lane_settle(lane, MYC_RING_ORDINARY);
	return lane->next[MYC_RING_ORDINARY] - begin;
}

/* A lane had more than is handled in a turn: what comes next in it for mailboxes without bounds waits there, so that
 * the lane has room again. As much as it holds: what comes meanwhile is for the next turn. */
static __attribute__((noinline)) void empty_into_mailboxes(struct myc_executor *executor,
							   struct myc_inlet *inlet)
{
	_Alignas(64) struct myc_slot slot;
	bool goes_on = true;

	for (uint32_t n = 0; goes_on && n <= inlet->lane.mask[MYC_RING_ORDINARY]; n++) {
		if (inlet->cut || myc_lane_peek(&inlet->lane, MYC_RING_ORDINARY, &slot) <= 0 ||
		    slot.flow >= MYC_LANE_FLOWS)
			break;
		struct myc_actor *actor = inlet->flow[slot.flow].actor;

		if (!actor || !actor->grows)
			break;
		myc_actor_aside(actor, MYC_ASIDE_PENDING, true);
		struct myc_flow_in *flow = flow_of(inlet, &slot);

		goes_on = flow ? take_any(executor, inlet, flow, &slot)
			       : take_unusual(executor, inlet, MYC_RING_ORDINARY, &slot);
		myc_actor_aside(actor, MYC_ASIDE_PENDING, actor->pending_count);
		myc_receiver_make_ready(actor);
		myc_lane_publish_some(&inlet->lane, MYC_RING_ORDINARY);
	}
	myc_lane_settle(&inlet->lane, MYC_RING_ORDINARY);
}

unsigned myc_receiver_poll(struct myc_executor *executor, unsigned budget)
{
	unsigned n = 0, got;

	for (uint32_t i = 0; i < executor->inlets; i++) {
		struct myc_inlet *inlet = &executor->inlet[i];

		if (inlet->cut || !inlet->block)
			continue;
		n += poll_urgent(executor, inlet, budget);
		got = i ? poll_inlet(executor, inlet, budget) : poll_own(executor, inlet, budget);
		n += got;
		if (got == budget && executor->growth.entries)
			empty_into_mailboxes(executor, inlet);
	}
	return n;
}
