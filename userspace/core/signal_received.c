/* SPDX-License-Identifier: Apache-2.0 */
/* Signals that came: to whom each goes. */
#include <mycelium/abi/signal.h>

#include <errno.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/link.h"
#include "core/receiver.h"
#include "core/signal.h"
#include "core/state.h"
#include "core/strong.h"

/* Who has the slot now, as good as anybody knows; MYC_NOBODY: nobody. */
static myc_address address_at(const struct myc_system *system, uint32_t process, uint32_t slot)
{
	const struct myc_actor_slot *at = myc_view_slot(system, process, slot);
	uint64_t word = at ? __atomic_load_n(&at->word, __ATOMIC_RELAXED) : 0;

	return myc_actor_word_lives(word) ? myc_address_make(system->workspace.node, process, slot,
							     myc_actor_word_generation(word))
					  : MYC_NOBODY;
}

static void late(struct myc_executor *executor, const struct myc_inlet *inlet,
		 const struct myc_slot *slot)
{
	const struct myc_system *system = executor->system;
	uint32_t there = myc_lane_end_process(inlet->source);

	myc_letter_note(executor, MYC_DEAD_LETTER_LATE_REPLY, address_at(system, there, slot->from),
			slot->type < MYC_SIGNAL_CALL_REPLY
				? address_at(system, system->workspace.process, slot->to)
				: MYC_NOBODY,
			slot);
}

static void not_known(struct myc_executor *executor, const struct myc_slot *slot)
{
	myc_letter_note(executor, MYC_DEAD_LETTER_FRAMEWORK_TYPE, MYC_NOBODY, MYC_NOBODY, slot);
}

/* Actors reply to actors. (A call may be the framework's own, call.c knows.) */
static inline bool can_be(const struct myc_slot *slot)
{
	return slot->generation < MYC_TYPE_FRAMEWORK || slot->type == MYC_SIGNAL_CALL_REPLY;
}

/* Of what is said of an ask's outcome: error 0 says nothing, nor does one that none can be, nor a type. */
static inline int outcome_of(const struct myc_slot *slot)
{
	if (slot->type == MYC_SIGNAL_REPLY || slot->type == MYC_SIGNAL_CALL_REPLY)
		return can_be(slot) ? 0 : -EPROTO;
	return slot->generation && slot->generation <= MYC_ASK_ERROR_MAX ? -slot->generation
									 : -EPROTO;
}

static void answered(struct myc_executor *executor, struct myc_inlet *inlet,
		     const struct myc_slot *slot, const struct myc_view *view, uint32_t hold)
{
	struct myc_reply reply = {.body = MYC_HOLD_NONE};
	bool call = slot->type == MYC_SIGNAL_CALL_REPLY;

	if (!can_be(slot))
		view = NULL;
	if (view) {
		reply.body = hold;
		reply.type = slot->generation;
		reply.size = view->size;
		reply.payload = view->data;
	}
	int status = view ? 0 : -EPROTO;

	if (!call && slot->type != MYC_SIGNAL_REPLY)
		not_known(executor, slot);
	else if (call ? !myc_call_answer(executor->system, slot, status, &reply)
		      : !myc_ask_replied(executor, slot, status, &reply))
		late(executor, inlet, slot);
}

bool myc_signal_reply_received(struct myc_executor *executor, struct myc_inlet *inlet,
			       const struct myc_slot *slot)
{
	uint32_t hold = MYC_HOLD_NONE, at = (uint32_t)(inlet - executor->inlet);
	uint64_t origin = myc_origin_lane(at, inlet->lane.next[MYC_RING_ORDINARY] + 1);
	struct myc_reference reference;
	struct myc_view view;
	int code = myc_body_check(executor, slot, &reference, &view);

	if (code == -EAGAIN || (code && myc_receiver_cut_for(executor, inlet, slot, &reference)))
		return false;
	myc_lane_begin(&inlet->lane, MYC_RING_ORDINARY);
	if (!code)
		hold = myc_pool_credit(&executor->out.pool, &reference, origin);
	answered(executor, inlet, slot, code ? NULL : &view, hold);
	myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
	myc_body_home(executor, hold);
	return true;
}

bool myc_signal_received(struct myc_executor *executor, struct myc_inlet *inlet,
			 const struct myc_slot *slot)
{
	if (slot->type >= MYC_SIGNAL_WATCH && slot->type < MYC_SIGNAL_LIFE_END) {
		int code = myc_link_received(executor, inlet, slot);

		if (code == -EPROTO)
			not_known(executor, slot);
		return code != -ENOBUFS;
	}
	struct myc_reply reply = {.body = MYC_HOLD_NONE};
	int status = outcome_of(slot);

	if (!status) {
		reply.type = slot->generation;
		reply.size = slot->size;
		reply.payload = slot->payload;
	}
	switch (slot->type) {
	case MYC_SIGNAL_REPLY:
	case MYC_SIGNAL_REPLY_ERROR:
		if (!myc_ask_replied(executor, slot, status, &reply))
			late(executor, inlet, slot);
		break;
	case MYC_SIGNAL_CALL_REPLY:
	case MYC_SIGNAL_CALL_ERROR:
		if (myc_call_answer(executor->system, slot, status, &reply))
			break;
		if (slot->type == MYC_SIGNAL_CALL_REPLY && slot->generation == MYC_SIGNAL_GIVEN)
			return myc_strong_unclaimed(executor, inlet, slot);
		late(executor, inlet, slot);
		break;
	case MYC_SIGNAL_STATE:
		if (!myc_state_came(executor, inlet, slot))
			not_known(executor, slot);
		break;
	case MYC_SIGNAL_ASK_MOVED:
		myc_ask_moved(executor, slot);
		break;
	default:
		not_known(executor, slot);
		break;
	}
	return true;
}
