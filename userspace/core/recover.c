/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a killed predecessor left in the region, put together again: lanes, the pending queues, and
 * the one message that was in hand.
 */
#include <stdlib.h>

#include "core/receiver.h"

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

	return myc_pair_high(counted) && (int32_t)(myc_pair_low(counted) - position) >= 0;
}

/* Counts it; true: it is to be given to its actor again. */
static bool in_doubt(struct myc_executor *executor, struct myc_actor *actor, struct myc_slot *slot)
{
	if (actor)
		myc_count(&actor->metrics->in_doubt);
	if (actor && actor->behaviour->redeliver) {
		slot->flags |= MYC_MESSAGE_REDELIVERED;
		return true;
	}
	myc_dead_letter(executor, MYC_DEAD_LETTER_IN_DOUBT);
	return false;
}

/* The message that was in hand straight from its lane. */
static void resume_inlet(struct myc_executor *executor, struct myc_inlet *inlet)
{
	_Alignas(64) struct myc_slot slot;
	uint64_t progress = inlet->lane.progress->ring[MYC_RING_ORDINARY];
	uint32_t position = myc_pair_high(progress);

	if (position == myc_pair_low(progress) ||
	    position != inlet->lane.next[MYC_RING_ORDINARY] + 1)
		return;
	if (myc_lane_peek(&inlet->lane, MYC_RING_ORDINARY, &slot) != 1) {
		myc_inlet_cut(executor, inlet, MYC_LANE_FAULT_SEQUENCE);
		return;
	}
	/* A signal in hand goes with what it was about to change. */
	if (slot.flow == MYC_FLOW_NONE ||
	    (slot.flow < MYC_LANE_FLOWS && counted_already(inlet, slot.flow, position))) {
		myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
		return;
	}
	struct myc_flow_in *flow = myc_receiver_check(executor, inlet, &slot);

	if (!flow)
		return;
	if (in_doubt(executor, flow->actor, &slot)) {
		myc_receiver_take(executor, inlet, flow, &slot);
		return;
	}
	flow->received++;
	myc_credit_handled(executor, inlet, flow, position);
	myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
}

static int by_order(const void *a, const void *b)
{
	const struct myc_pending *const *x = a, *const *y = b;

	return (*x)->order < (*y)->order ? -1 : (*x)->order > (*y)->order;
}

/* A predecessor's pending entry goes back into its actor's queue, or is counted out. */
static void resume_pending(struct myc_executor *executor, struct myc_pending *entry)
{
	uint32_t index = (uint32_t)(entry - executor->pending);
	struct myc_inlet *inlet =
		entry->lane_in < executor->inlets ? &executor->inlet[entry->lane_in] : NULL;
	struct myc_flow_in *flow = inlet && inlet->block && entry->slot.flow < MYC_LANE_FLOWS
					   ? &inlet->flow[entry->slot.flow]
					   : NULL;

	if (!flow || counted_already(inlet, entry->slot.flow, entry->position)) {
		myc_pending_free(executor, index);
		return;
	}
	if ((int32_t)(entry->position - inlet->lane.next[MYC_RING_ORDINARY]) > 0)
		myc_lane_done(&inlet->lane, MYC_RING_ORDINARY);
	struct myc_actor *actor = flow->actor;
	bool keep = actor != NULL;

	flow->received++;
	if ((entry->order & 3) == MYC_PENDING_BEGUN)
		keep = in_doubt(executor, actor, &entry->slot);
	else if (!keep)
		myc_dead_letter(executor, MYC_DEAD_LETTER_NO_ACTOR);
	if (!keep) {
		myc_credit_handled(executor, inlet, flow, entry->position);
		myc_pending_free(executor, index);
		return;
	}
	entry->order = (entry->order & ~3ull) | MYC_PENDING_QUEUED;
	myc_pending_append(executor, actor, index);
	myc_receiver_make_ready(actor);
}

void myc_receiver_resume(struct myc_executor *executor)
{
	uint32_t found = 0;
	struct myc_pending **entries =
		calloc(executor->pending_entries, sizeof(struct myc_pending *));

	executor->pending_free = MYC_NONE;
	for (uint32_t i = executor->pending_entries; i-- > 0;) {
		if (executor->pending[i].order && entries) {
			entries[found++] = &executor->pending[i];
			continue;
		}
		executor->pending[i].order = 0;
		executor->pending_next[i] = executor->pending_free;
		executor->pending_free = i;
	}
	if (found) {
		qsort(entries, found, sizeof(void *), by_order);
		executor->pending_order = entries[found - 1]->order >> 2;
	}
	for (uint32_t i = 0; i < found; i++)
		resume_pending(executor, entries[i]);
	free(entries);
	for (uint32_t i = 0; i < executor->inlets; i++)
		if (executor->inlet[i].block && !executor->inlet[i].cut)
			resume_inlet(executor, &executor->inlet[i]);
}
