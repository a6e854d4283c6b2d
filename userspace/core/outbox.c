/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox of an executor: messages that wait for credit, first-in first-out for each flow; while
 * an actor has one there it is paused. Entries lie in the region: a sent message stays sent when
 * the process dies. `position` is stored before an entry is published in its lane, so a successor
 * sees whether it was.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/letter.h"

static void set_count(struct myc_actor *actor)
{
	__atomic_store_n(&actor->metrics->outbox_depth, actor->outboxed, __ATOMIC_RELAXED);
}

static void append(struct myc_executor *executor, uint32_t index, struct myc_flow_out *flow,
		   struct myc_actor *actor)
{
	actor = actor && actor->unpaused ? NULL : actor;
	executor->outbox_next[index] = MYC_NONE;
	executor->outbox_count++;
	if (flow->outboxed++) {
		executor->outbox_next[flow->last] = index;
	} else {
		flow->first = index;
		flow->next_blocked = executor->blocked;
		executor->blocked = (uint32_t)(flow - executor->out.flow_table);
	}
	flow->open = flow->sent;
	flow->last = index;
	flow->actor = actor;
	if (actor) {
		if (!actor->outboxed++)
			myc_actor_pause(actor);
		myc_actor_aside(actor, MYC_ASIDE_OUTBOX, true);
		set_count(actor);
	}
}

int myc_outbox_put(struct myc_executor *executor, struct myc_actor *actor,
		   struct myc_flow_out *flow, uint64_t kind, uint64_t from, const void *payload,
		   size_t size)
{
	uint32_t index = executor->outbox_free;

	if (index == MYC_NONE)
		return -ENOBUFS;
	struct myc_outbox_entry *entry = &executor->outbox[index];

	executor->outbox_free = executor->outbox_next[index];
	entry->lane = (uint32_t)(flow->road - executor->out.road);
	entry->position = 0;
	__atomic_store_n(&entry->next_wait, 0, __ATOMIC_RELAXED);
	entry->slot.word[0] = kind;
	entry->slot.word[1] = flow->slot_to;
	entry->slot.word[2] = from;
	myc_payload_copy(entry->slot.payload, payload, size);
	myc_order_for_successor();
	MYC_POINT("outbox: written, not stored");
	__atomic_store_n(&entry->order, ++executor->outbox_order, __ATOMIC_RELAXED);
	MYC_POINT("outbox: stored");
	append(executor, index, flow, actor);
	myc_count(&executor->words->outboxed);
	return 0;
}

static void release(struct myc_executor *executor, struct myc_flow_out *flow)
{
	uint32_t index = flow->first;
	struct myc_actor *actor = flow->actor;

	flow->first = executor->outbox_next[index];
	flow->outboxed--;
	myc_order_for_successor();
	MYC_POINT("outbox: gone, not freed");
	__atomic_store_n(&executor->outbox[index].order, 0, __ATOMIC_RELAXED);
	MYC_POINT("outbox: freed");
	executor->outbox_next[index] = executor->outbox_free;
	executor->outbox_free = index;
	executor->outbox_count--;
	if (!actor)
		return;
	actor->outboxed--;
	set_count(actor);
	myc_actor_aside(actor, MYC_ASIDE_OUTBOX, actor->outboxed);
	if (!actor->outboxed)
		myc_actor_unpause(actor);
}

static unsigned drain_flow(struct myc_executor *executor, struct myc_flow_out *flow)
{
	struct myc_road *road = flow->road;
	unsigned moved = 0;

	for (; flow->outboxed; moved++) {
		struct myc_outbox_entry *entry = &executor->outbox[flow->first];

		bool cut = myc_road_cut(road);

		if (cut || !myc_flow_alive(flow)) {
			if (!myc_body_drop(executor, &entry->slot, myc_ticket_outbox(entry->order)))
				break;
			myc_letter_note(executor,
					cut ? MYC_DEAD_LETTER_LANE_CUT
					    : MYC_DEAD_LETTER_OUTBOX_NO_ACTOR,
					flow->from, flow->to, &entry->slot);
			myc_ask_bounce_if(executor, flow->from, &entry->slot,
					  cut ? -ENOTCONN : -ESRCH);
			release(executor, flow);
			continue;
		}
		if ((flow->held && entry->order > flow->held_order) ||
		    !myc_flow_more(&executor->out, flow))
			break;
		if (myc_lane_full(&road->lane, MYC_RING_ORDINARY)) {
			myc_count(&executor->words->lanes_full);
			break;
		}
		__atomic_store_n(&entry->position, road->lane.head[MYC_RING_ORDINARY] + 1,
				 __ATOMIC_RELAXED);
		myc_order_for_successor();
		MYC_POINT("outbox: about to be published");
		/* Behind the payload of a request that was passed on is its asker. */
		myc_sender_put_slow(&executor->out, flow, entry->slot.word[0], entry->slot.word[2],
				    entry->slot.payload,
				    entry->slot.correlation & MYC_ASK_FORWARDED ? MYC_LANE_PAYLOAD
										: entry->slot.size);
		release(executor, flow);
	}
	return moved;
}

unsigned myc_outbox_drain(struct myc_executor *executor)
{
	uint32_t *link = &executor->blocked;
	unsigned moved = 0;

	while (*link != MYC_NONE) {
		struct myc_flow_out *flow = &executor->out.flow_table[*link];

		moved += drain_flow(executor, flow);
		if (flow->outboxed)
			link = &flow->next_blocked;
		else
			*link = flow->next_blocked;
	}
	return moved;
}

void myc_outbox_fail(struct myc_executor *executor, struct myc_flow_out *flow,
		     enum myc_dead_letter why, int status)
{
	uint32_t *link = &executor->blocked;

	while (flow->outboxed) {
		struct myc_outbox_entry *entry = &executor->outbox[flow->first];

		if (!myc_body_drop(executor, &entry->slot, myc_ticket_outbox(entry->order)))
			return;
		myc_count(&executor->words->dead_letters[why]);
		myc_ask_bounce_if(executor, flow->from, &entry->slot, status);
		release(executor, flow);
	}
	while (*link != (uint32_t)(flow - executor->out.flow_table))
		link = &executor->out.flow_table[*link].next_blocked;
	*link = flow->next_blocked;
	myc_flow_more(&executor->out, flow);
}

bool myc_outbox_ready(struct myc_executor *executor)
{
	for (uint32_t at = executor->blocked; at != MYC_NONE;) {
		struct myc_flow_out *flow = &executor->out.flow_table[at];
		struct myc_road *road = flow->road;

		if (!flow->held && (myc_road_cut(road) || !myc_flow_alive(flow) ||
				    (myc_flow_more(&executor->out, flow) &&
				     !myc_lane_full(&road->lane, MYC_RING_ORDINARY))))
			return true;
		at = flow->next_blocked;
	}
	return false;
}

static int by_order(const void *a, const void *b)
{
	const struct myc_outbox_entry *const *x = a, *const *y = b;

	return (*x)->order < (*y)->order ? -1 : (*x)->order > (*y)->order;
}

void myc_outbox_recover(struct myc_executor *executor)
{
	uint32_t found = 0;
	struct myc_outbox_entry **entries =
		calloc(executor->outbox_capacity, sizeof(struct myc_outbox_entry *));

	executor->outbox_free = MYC_NONE;
	executor->blocked = MYC_NONE;
	for (uint32_t i = executor->outbox_capacity; i-- > 0;) {
		struct myc_outbox_entry *entry = &executor->outbox[i];
		struct myc_road *road =
			entry->lane < executor->out.roads ? &executor->out.road[entry->lane] : NULL;
		bool moved = road && road->peer && entry->position &&
			     entry->position == road->lane.head[MYC_RING_ORDINARY];

		if (entry->order && entries && road && road->peer && !moved &&
		    entry->slot.flow < MYC_LANE_FLOWS && road->flow[entry->slot.flow].to) {
			entry->position = 0;
			entries[found++] = entry;
			continue;
		}
		entry->order = 0;
		executor->outbox_next[i] = executor->outbox_free;
		executor->outbox_free = i;
	}
	if (found)
		qsort(entries, found, sizeof(void *), by_order);
	for (uint32_t i = 0; entries && i < found; i++) {
		struct myc_outbox_entry *entry = entries[i];
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): found ones have a road */
		struct myc_flow_out *flow = &executor->out.road[entry->lane].flow[entry->slot.flow];
		struct myc_actor *actor = myc_system_actor(executor->system, flow->from);

		append(executor, (uint32_t)(entry - executor->outbox), flow,
		       actor && actor->executor == executor ? actor : NULL);
		executor->outbox_order = entry->order;
	}
	free(entries);
}
