/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a killed predecessor left in the region, put together again: lanes, the pending queues, and
 * the one message that was in hand.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/outbox.h"
#include "core/pending.h"

void myc_receiver_recover(struct myc_executor *executor)
{
	uint64_t us = myc_lane_end(executor->system->workspace.process, executor->index);

	/* Our own lane is made here, the others are found where their senders announced them. */
	myc_inlet_bind(executor, us);
	__atomic_store_n(&myc_lanes_directory(executor->out.lanes)[0], us, __ATOMIC_RELAXED);
	myc_sender_recover(&executor->out);
	myc_receiver_scan_source(executor, executor->system->workspace.process, executor->index);
	executor->rescan = true;
}

static bool counted_already(const struct myc_inlet *inlet, uint32_t flow, uint32_t position)
{
	uint64_t counted = inlet->lane.counted[flow];

	return myc_pair_high(counted) && myc_pair_low(counted) == position;
}

/* The same, of one that was moved to a pending entry. */
static bool pending_counted(const struct myc_inlet *inlet, const struct myc_pending *entry)
{
	uint32_t handled = myc_pair_high(inlet->lane.counted[entry->slot.flow]);

	return entry->counting && (int32_t)(handled - (uint32_t)entry->counting) >= 0;
}

/* Loans of messages that were begun, or that an earlier successor put back, stay here; all others go
 * home after this. */
static void claim(struct myc_executor *executor)
{
	struct myc_pool *pool = &executor->out.pool;

	for (uint32_t i = myc_growth_next(executor, MYC_NONE); i != MYC_NONE;
	     i = myc_growth_next(executor, i)) {
		const struct myc_pending *entry = &executor->pending[i];
		uint64_t origin = entry->credited;

		if (((entry->order & 3) == MYC_PENDING_BEGUN || entry->dropped) && !origin)
			origin = myc_origin_pending(i);
		executor->pending_hold[i] =
			entry->order && entry->slot.flags & MYC_SLOT_REFERENCE && origin
				? myc_pool_find(pool, origin)
				: MYC_HOLD_NONE;
	}
	myc_outbox_claim(executor);
	for (uint32_t i = 0; i < executor->inlets; i++)
		executor->inlet[i].doubt_hold =
			executor->inlet[i].block
				? myc_pool_find(
					  pool,
					  myc_origin_lane(
						  i,
						  executor->inlet[i].lane.next[MYC_RING_ORDINARY] +
							  1))
				: MYC_HOLD_NONE;
}

/* Counts a message in doubt; true: it is to be given to its actor again. Its body may have gone on. False:
 * its loan is over once it is counted, not before: without a loan it would look as if no handler had seen
 * it. */
static bool in_doubt(struct myc_executor *executor, const struct myc_flow_in *flow,
		     struct myc_slot *slot, uint32_t hold)
{
	struct myc_actor *actor = flow->actor;

	if (actor)
		myc_count(&actor->metrics->in_doubt);
	if (actor && actor->behaviour->redeliver && slot->type < MYC_TYPE_FRAMEWORK &&
	    (hold == MYC_HOLD_NONE || myc_pool_weight(&executor->out.pool, hold))) {
		slot->flags |= MYC_MESSAGE_REDELIVERED;
		return true;
	}
	myc_letter_note(executor, MYC_DEAD_LETTER_IN_DOUBT, flow->from, flow->to, slot);
	myc_ask_bounce_if(executor, flow->from, slot, -ENOTCONN);
	return false;
}

/* The message that was in hand straight from its lane. Urgent ones have no bodies. */
static void resume_ring(struct myc_executor *executor, struct myc_inlet *inlet,
			enum myc_lane_ring ring, uint32_t hold)
{
	_Alignas(64) struct myc_slot slot;
	uint32_t position = inlet->lane.next[ring] + 1;

	if (!myc_lane_begun(&inlet->lane, ring))
		return;
	if (myc_lane_peek(&inlet->lane, ring, &slot) != 1) {
		myc_inlet_cut(executor, inlet, MYC_LANE_FAULT_SEQUENCE);
		myc_body_home(executor, hold);
		return;
	}
	bool reference = slot.flags & MYC_SLOT_REFERENCE && ring == MYC_RING_ORDINARY;

	/* Begun, and its loan is not there: no handler has seen it. It comes as if never begun. */
	bool unseen = reference && hold == MYC_HOLD_NONE;

	/* A signal in hand goes with what it was about to change. */
	if ((slot.flow == MYC_FLOW_NONE && !unseen) ||
	    (slot.flow < MYC_LANE_FLOWS && counted_already(inlet, slot.flow, position))) {
		myc_lane_done(&inlet->lane, ring);
		myc_body_home(executor, hold);
		return;
	}
	if (unseen)
		return;
	/* A receipt was given, or goes the way of its process. */
	if (slot.flags & MYC_SLOT_RECEIPT)
		slot.correlation = 0;
	uint8_t deadline = slot.flags & MYC_SLOT_DEADLINE;

	if (ring == MYC_RING_ORDINARY)
		slot.flags &= (uint8_t) ~(MYC_SLOT_REFERENCE | MYC_SLOT_URGENT_BEFORE |
					  MYC_SLOT_RECEIPT | MYC_SLOT_DEADLINE);
	struct myc_flow_in *flow = ring == MYC_RING_ORDINARY
					   ? myc_receiver_check(executor, inlet, &slot)
					   : myc_receiver_check_urgent(executor, inlet, &slot);

	if (!flow) {
		if (inlet->cut)
			myc_body_home(executor, hold);
		return;
	}
	slot.flags |= (uint8_t)(deadline | (reference ? MYC_SLOT_REFERENCE : 0));
	bool again = in_doubt(executor, flow, &slot, hold);

	if (again &&
	    myc_pending_add(
		    executor, inlet, flow, &slot, NULL,
		    reference ? myc_origin_lane((uint32_t)(inlet - executor->inlet), position) : 0,
		    hold))
		return;
	if (again) /* and no memory for it: it stays in doubt */
		myc_letter_note(executor, MYC_DEAD_LETTER_IN_DOUBT, flow->from, flow->to, &slot);
	myc_credit_handled(executor, inlet, flow, position);
	myc_lane_done(&inlet->lane, ring);
	myc_body_home(executor, hold);
}

static void resume_inlet(struct myc_executor *executor, struct myc_inlet *inlet)
{
	if (inlet->block && !inlet->cut)
		resume_ring(executor, inlet, MYC_RING_URGENT, MYC_HOLD_NONE);
	if (inlet->block && !inlet->cut)
		resume_ring(executor, inlet, MYC_RING_ORDINARY, inlet->doubt_hold);
	else /* its message will not come again */
		myc_body_home(executor, inlet->doubt_hold);
}

static int by_order(const void *a, const void *b)
{
	const struct myc_pending *const *x = a, *const *y = b;

	return (*x)->order < (*y)->order ? -1 : (*x)->order > (*y)->order;
}

static void end_pending(struct myc_executor *executor, uint32_t index, uint32_t hold)
{
	myc_pending_free(executor, index);
	myc_body_home(executor, hold);
}

/* Its lane is not there: whether it was counted nobody knows. Its loan is found by who is killed in here. */
static void end_orphan(struct myc_executor *executor, uint32_t index, uint32_t hold)
{
	struct myc_pending *entry = &executor->pending[index];

	__atomic_store_n(&entry->dropped, MYC_DEAD_LETTER_IN_DOUBT + 1, __ATOMIC_RELAXED);
	myc_order_for_successor();
	if (hold == MYC_HOLD_NONE && !entry->credited)
		hold = myc_body_loan(executor, &entry->slot, myc_origin_pending(index));
	myc_letter_note(executor, MYC_DEAD_LETTER_IN_DOUBT, entry->from, MYC_NOBODY, &entry->slot);
	end_pending(executor, index, hold);
}

/* A predecessor's pending entry goes back into its actor's queue, or is counted out. */
static void resume_pending(struct myc_executor *executor, struct myc_pending *entry)
{
	uint32_t index = (uint32_t)(entry - executor->pending),
		 hold = executor->pending_hold[index];
	struct myc_inlet *inlet =
		entry->lane_in < executor->inlets ? &executor->inlet[entry->lane_in] : NULL;
	/* A head that says otherwise by now: the lane was not opened again. */
	struct myc_flow_in *flow = inlet && inlet->lane.cursor && entry->slot.flow < MYC_LANE_FLOWS
					   ? &inlet->flow[entry->slot.flow]
					   : NULL;

	if (!flow) {
		end_orphan(executor, index, hold);
		return;
	}
	if (pending_counted(inlet, entry)) {
		end_pending(executor, index, hold);
		return;
	}
	enum myc_lane_ring ring = entry->ring ? MYC_RING_URGENT : MYC_RING_ORDINARY;

	if (entry->position == inlet->lane.next[ring] + 1)
		myc_lane_done(&inlet->lane, ring);
	struct myc_actor *actor = flow->actor;
	bool begun = (entry->order & 3) == MYC_PENDING_BEGUN;
	bool keep = actor != NULL;

	flow->waiting++;
	if (entry->dropped) {
		myc_pending_discard(executor, index, entry->dropped - 1, hold);
		return;
	}
	/* Begun, and its loan is not there: no handler has seen it. */
	if (begun && (hold != MYC_HOLD_NONE || !(entry->slot.flags & MYC_SLOT_REFERENCE)))
		keep = in_doubt(executor, flow, &entry->slot, hold);
	else if (!keep) {
		myc_pending_discard(
			executor, index,
			inlet->refused ? MYC_DEAD_LETTER_SCHEMA : MYC_DEAD_LETTER_NO_ACTOR, hold);
		return;
	}
	if (!keep || !actor) {
		myc_pending_counted(executor, entry);
		end_pending(executor, index, hold);
		return;
	}
	entry->stash = 0;
	entry->counting = 0;
	if (hold != MYC_HOLD_NONE && !entry->credited)
		entry->credited = myc_origin_pending(index);
	myc_order_for_successor();
	entry->order = (entry->order & ~3ull) | MYC_PENDING_QUEUED;
	if (entry->rule > actor->behaviour->overflow_count)
		entry->rule = 0;
	myc_pending_link(executor, actor, index,
			 ring == MYC_RING_URGENT ? myc_pending_ordinary(executor, actor)
						 : MYC_NONE);
	myc_receiver_make_ready(actor);
}

void myc_receiver_resume(struct myc_executor *executor)
{
	uint32_t found = 0, held = executor->pending_entries;

	for (uint32_t c = 0; c < executor->growth.chunks; c++)
		held += executor->growth.mark[c] ? MYC_CHUNK : 0;
	struct myc_pending **entries = calloc(held, sizeof(struct myc_pending *));

	claim(executor);
	myc_pool_recovered(&executor->out.pool);
	executor->pending_free = executor->pending_hand = MYC_NONE;
	for (uint32_t i = executor->pending_entries; i-- > 0;) {
		if (executor->pending[i].order && entries) {
			entries[found++] = &executor->pending[i];
			continue;
		}
		executor->pending[i].order = 0;
		executor->pending_next[i] = executor->pending_free;
		executor->pending_free = i;
	}
	for (uint32_t i = myc_growth_next(executor, executor->pending_entries - 1);
	     i != MYC_NONE && entries; i = myc_growth_next(executor, i))
		if (executor->pending[i].order)
			entries[found++] = &executor->pending[i];
	myc_growth_resume(executor);
	if (found) {
		qsort(entries, found, sizeof(void *), by_order);
		executor->pending_order = entries[found - 1]->order >> 2;
	}
	for (uint32_t i = 0; i < found; i++)
		resume_pending(executor, entries[i]);
	free(entries);
	for (uint32_t i = 0; i < executor->inlets; i++)
		resume_inlet(executor, &executor->inlet[i]);
}
