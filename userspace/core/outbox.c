/* SPDX-License-Identifier: Apache-2.0 */
#include "core/outbox.h"

#include <errno.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/letter.h"
#include "core/overflow.h"
#include "core/receiver.h"
#include "core/schemas.h"
#include "core/signal.h"
#include "core/within.h"

static void set_count(struct myc_actor *actor)
{
	__atomic_store_n(&actor->metrics->outbox_depth, actor->outboxed, __ATOMIC_RELAXED);
}

/* Its messages there that pause it. */
static uint32_t pausing(const struct myc_actor *actor)
{
	return actor->outboxed - (actor->more ? actor->more->outboxed_lenient : 0);
}

static void append_actor(struct myc_actor *actor, bool lenient)
{
	uint32_t before = pausing(actor);

	actor->outboxed++;
	if (lenient)
		actor->more->outboxed_lenient++;
	else if (!before)
		myc_actor_pause(actor);
	myc_actor_aside(actor, MYC_ASIDE_OUTBOX, pausing(actor));
	set_count(actor);
}

/* An urgent message came or went: what its pair sends later does not pass it. */
static void hold_behind(struct myc_executor *executor, const struct myc_flow_out *urgent)
{
	struct myc_flow_out *flow = NULL;

	/* By whichever road: their receiver may have moved since. */
	while ((flow = myc_sender_pair(&executor->out, flow, ~urgent->from, urgent->to)))
		myc_signals_hold(executor, flow);
}

static void deadline_waits(struct myc_executor *executor, const struct myc_outbox_entry *entry)
{
	uint64_t due_ns = myc_deadline_ns(executor, &entry->slot);

	if (!executor->outbox_deadlines++ || due_ns < executor->outbox_due_ns)
		executor->outbox_due_ns = due_ns;
}

void myc_outbox_append(struct myc_executor *executor, uint32_t index, struct myc_flow_out *flow,
		       struct myc_actor *actor, uint32_t replaces)
{
	struct myc_outbox_entry *entry = &executor->outbox[index];
	uint32_t f = (uint32_t)(flow - executor->out.flow_table);
	uint32_t before = replaces != MYC_NONE ? replaces : flow->outboxed ? flow->last : MYC_NONE;
	uint32_t next = before == MYC_NONE ? MYC_NONE : executor->outbox_next[before];

	actor = actor && actor->unpaused ? NULL : actor;
	if (entry->lenient && actor && !myc_actor_more(actor))
		entry->lenient = 0;
	executor->outbox_next[index] = next;
	executor->outbox_previous[index] = before;
	executor->outbox_count++;
	if (!flow->outboxed++) {
		flow->next_blocked = executor->blocked;
		executor->blocked = f;
		myc_flow_first(&executor->out, flow);
	}
	if (before == MYC_NONE)
		flow->first = index;
	else
		executor->outbox_next[before] = index;
	if (next == MYC_NONE)
		flow->last = index;
	else
		executor->outbox_previous[next] = index;
	flow->open = flow->sent;
	flow->actor = actor;
	if (entry->rule)
		myc_keyed_add(&executor->outbox_keyed, index, myc_keyed_owner_out(f, entry->rule),
			      entry->key);
	flow->lenient += entry->lenient;
	executor->outbox_lenient += entry->lenient;
	if (entry->slot.flags & MYC_SLOT_DEADLINE)
		deadline_waits(executor, entry);
	executor->out.urgent_wait += flow->urgent;
	if (flow->urgent)
		hold_behind(executor, flow);
	if (actor)
		append_actor(actor, entry->lenient);
}

int myc_outbox_put(struct myc_executor *executor, struct myc_actor *actor,
		   const struct myc_way *way, uint64_t kind, uint64_t from, const void *payload,
		   size_t size)
{
	struct myc_flow_out *flow = way->flow;
	uint32_t index = executor->outbox_free;

	if (index == MYC_NONE || (way->replaces == MYC_NONE && !myc_outbox_room(executor)))
		return -ENOBUFS;
	struct myc_outbox_entry *entry = &executor->outbox[index];

	executor->outbox_free = executor->outbox_next[index];
	/* Release: that it was free before. Pairs with read_wait in cycle.c, which looks at order again. */
	__atomic_store_n(&entry->lane, (uint32_t)(flow->road - executor->out.road),
			 __ATOMIC_RELEASE);
	entry->position = 0;
	__atomic_store_n(&entry->next_wait, 0, __ATOMIC_RELAXED);
	entry->key = way->key;
	entry->rule = way->rule;
	entry->lenient = way->lenient;
	entry->dropped = 0;
	entry->slot.word[0] = kind;
	__atomic_store_n(&entry->slot.word[1], flow->slot_to, __ATOMIC_RELEASE);
	__atomic_store_n(&entry->slot.word[2], from, __ATOMIC_RELEASE);
	myc_payload_copy(entry->slot.payload, payload, size);
	myc_order_for_successor();
	MYC_POINT("outbox: written, not stored");
	/* Release: the entry. Pairs with read_wait in cycle.c. */
	__atomic_store_n(&entry->order, way->order, __ATOMIC_RELEASE);
	MYC_POINT("outbox: stored");
	if (way->replaces == MYC_NONE)
		executor->outbox_order = way->order;
	myc_outbox_append(executor, index, flow, actor, way->replaces);
	myc_count(&executor->words->outboxed);
	return 0;
}

void myc_outbox_replaced(struct myc_executor *executor, const struct myc_way *way)
{
	if (way->replaces != MYC_NONE)
		myc_outbox_drop(executor, way->flow, way->replaces, MYC_CONFLATED);
}

static void unlink_entry(struct myc_executor *executor, struct myc_flow_out *flow, uint32_t index)
{
	uint32_t next = executor->outbox_next[index], previous = executor->outbox_previous[index];

	if (previous == MYC_NONE)
		flow->first = next;
	else
		executor->outbox_next[previous] = next;
	if (next == MYC_NONE)
		flow->last = previous;
	else
		executor->outbox_previous[next] = previous;
	flow->outboxed--;
	executor->out.urgent_wait -= flow->urgent;
	executor->outbox_deadlines -= !!(executor->outbox[index].slot.flags & MYC_SLOT_DEADLINE);
	myc_keyed_remove(&executor->outbox_keyed, index);
}

static void release(struct myc_executor *executor, struct myc_flow_out *flow, uint32_t index)
{
	struct myc_actor *actor = flow->actor;
	bool lenient = executor->outbox[index].lenient;

	unlink_entry(executor, flow, index);
	if (flow->urgent)
		hold_behind(executor, flow);
	flow->lenient -= lenient;
	executor->outbox_lenient -= lenient;
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
	if (lenient)
		actor->more->outboxed_lenient--;
	set_count(actor);
	myc_actor_aside(actor, MYC_ASIDE_OUTBOX, pausing(actor));
	if (!lenient && !pausing(actor))
		myc_actor_unpause(actor);
}

/* ---- giving up --------------------------------------------------------------------------------- */

static int status_of(uint32_t why)
{
	switch (why) {
	case MYC_DEAD_LETTER_LANE_CUT:
		return -ENOTCONN;
	case MYC_DEAD_LETTER_OUTBOX_NO_ACTOR:
		return -ESRCH;
	case MYC_DEAD_LETTER_SCHEMA:
		return -EPROTO;
	case MYC_DEAD_LETTER_CREDIT_CYCLE:
		return -EDEADLK;
	default:
		return -ENOBUFS;
	}
}

bool myc_outbox_may_drop(struct myc_executor *executor, uint32_t index)
{
	if (!(executor->outbox[index].slot.flags & MYC_SLOT_REFERENCE))
		return true;
	if (!myc_pool_room(&executor->out.pool))
		myc_pool_flush(&executor->out.pool);
	return myc_pool_room(&executor->out.pool);
}

uint32_t myc_outbox_give_up(struct myc_executor *executor, struct myc_outbox_entry *entry,
			    const struct myc_flow_out *flow, uint32_t why)
{
	bool lent = entry->dropped == MYC_OUTBOX_LENT;

	entry->why = why;
	myc_order_for_successor();
	if (!lent)
		__atomic_store_n(&entry->dropped, 1, __ATOMIC_RELAXED);
	MYC_POINT("outbox: dropped");
	uint32_t hold =
		lent ? MYC_HOLD_NONE
		     : myc_body_loan(executor, &entry->slot, myc_origin_outbox(entry->order));

	MYC_POINT("outbox: dropped, body lent");
	if (why == MYC_CONFLATED)
		myc_count(&executor->words->conflated);
	else
		myc_letter_note(executor, (enum myc_dead_letter)why, myc_flow_from(flow), flow->to,
				&entry->slot);
	myc_count(&executor->words->outbox_dropped);
	myc_ask_bounce_if(executor, myc_flow_from(flow), &entry->slot, status_of(why));
	return hold;
}

static bool drop(struct myc_executor *executor, struct myc_flow_out *flow, uint32_t index,
		 uint32_t why)
{
	bool told = myc_note_wanted(flow->actor, why);
	struct myc_slot slot = executor->outbox[index].slot;

	if (!myc_outbox_may_drop(executor, index) || (told && !myc_notes_room(executor)))
		return false;
	uint32_t hold = myc_outbox_give_up(executor, &executor->outbox[index], flow, why);

	const struct myc_actor *actor = flow->actor;

	release(executor, flow, index);
	if (told)
		myc_note_put(executor, actor, flow->to, why, hold, &slot);
	else
		myc_body_home(executor, hold);
	return true;
}

/* Its last message is gone. (myc_outbox_drain does so itself.) */
static void unlist(struct myc_executor *executor, struct myc_flow_out *flow)
{
	uint32_t *link = &executor->blocked;

	while (*link != (uint32_t)(flow - executor->out.flow_table))
		link = &executor->out.flow_table[*link].next_blocked;
	*link = flow->next_blocked;
	myc_flow_more(&executor->out, flow);
}

bool myc_outbox_drop(struct myc_executor *executor, struct myc_flow_out *flow, uint32_t index,
		     uint32_t why)
{
	bool dropped = drop(executor, flow, index, why);

	if (!flow->outboxed)
		unlist(executor, flow);
	return dropped;
}

/* ---- draining ---------------------------------------------------------------------------------- */

static unsigned drain_flow(struct myc_executor *executor, struct myc_flow_out *flow)
{
	struct myc_road *road = flow->road;
	unsigned moved = 0;

	for (; flow->outboxed; moved++) {
		struct myc_outbox_entry *entry = &executor->outbox[flow->first];

		bool cut = myc_road_cut(road);

		bool over = myc_deadline_over(executor, &entry->slot);
		/* Looked at once: it may leave at any moment. */
		bool alive = myc_flow_alive(flow);

		bool refused = myc_schemas_refused(executor->system, road->process);

		if (!cut && !over && !refused && !alive && myc_flow_where(flow) != MYC_FLOW_GONE)
			break;
		if (cut || over || refused || !alive) {
			if (!drop(executor, flow, flow->first,
				  cut	    ? MYC_DEAD_LETTER_LANE_CUT
				  : over    ? MYC_DEAD_LETTER_EXPIRED
				  : refused ? MYC_DEAD_LETTER_SCHEMA
					    : MYC_DEAD_LETTER_OUTBOX_NO_ACTOR))
				break;
			continue;
		}
		if ((flow->held && entry->order > flow->held_order) ||
		    !myc_flow_more(&executor->out, flow))
			break;
		if (myc_flow_full(flow)) {
			myc_count(&executor->words->lanes_full);
			break;
		}
		__atomic_store_n(&entry->position, road->lane.head[myc_outbox_ring(flow)] + 1,
				 __ATOMIC_RELAXED);
		myc_order_for_successor();
		MYC_POINT("outbox: about to be published");
		if (flow->urgent)
			myc_sender_put_urgent(&executor->out, flow, entry->slot.word[0],
					      entry->slot.word[2], entry->slot.payload,
					      entry->slot.size);
		else /* behind the payload of a request that was passed on is its asker */
			myc_sender_put_slow(&executor->out, flow, entry->slot.word[0],
					    entry->slot.word[2], entry->slot.payload,
					    entry->slot.correlation & MYC_ASK_FORWARDED
						    ? MYC_LANE_PAYLOAD
						    : entry->slot.size);
		release(executor, flow, flow->first);
	}
	return moved;
}

unsigned myc_outbox_drain(struct myc_executor *executor)
{
	uint32_t *link = &executor->blocked, followed = 0;
	const struct myc_flow_out *before = NULL;
	unsigned moved = 0;

	while (*link != MYC_NONE) {
		struct myc_flow_out *flow = &executor->out.flow_table[*link];
		struct myc_ref ref = {.address = flow->to};

		/* Then another flow stands in its place; that of the one before as well, where its receiver's word said
		 * otherwise then. Whose word says so each time waits for the next turn. */
		if (!myc_flow_alive(flow) && myc_flow_where(flow) == MYC_FLOW_ELSEWHERE &&
		    !(flow->urgent
			      ? myc_sender_resolve_urgent(&executor->out, myc_flow_from(flow), &ref)
			      : myc_sender_resolve(&executor->out, flow->from, flow->to, &ref))) {
			if (followed++ == executor->out.flows)
				break;
			link = before && before->outboxed ? link : &executor->blocked;
			continue;
		}
		moved += drain_flow(executor, flow);
		before = flow->outboxed ? flow : before;
		if (flow->outboxed)
			link = &flow->next_blocked;
		else
			*link = flow->next_blocked;
	}
	return moved;
}

void myc_outbox_expire(struct myc_executor *executor)
{
	uint32_t *link = &executor->blocked;
	uint64_t due_ns = UINT64_MAX;

	if (myc_executor_clock(executor) < executor->outbox_due_ns)
		return;
	while (*link != MYC_NONE) {
		struct myc_flow_out *flow = &executor->out.flow_table[*link];
		uint32_t left = flow->outboxed, next;

		for (uint32_t at = flow->first; left--; at = next) {
			const struct myc_slot *slot = &executor->outbox[at].slot;

			next = executor->outbox_next[at];
			if (!(slot->flags & MYC_SLOT_DEADLINE) ||
			    (myc_deadline_over(executor, slot) &&
			     drop(executor, flow, at, MYC_DEAD_LETTER_EXPIRED)))
				continue;
			uint64_t ns = myc_deadline_ns(executor, slot);

			due_ns = ns < due_ns ? ns : due_ns;
		}
		if (flow->outboxed) {
			link = &flow->next_blocked;
			continue;
		}
		*link = flow->next_blocked;
		myc_flow_more(&executor->out, flow);
	}
	executor->outbox_due_ns = due_ns;
}

/* By its arrival among what its new flow has. */
static void insert_followed(struct myc_executor *executor, uint32_t index,
			    struct myc_flow_out *flow)
{
	const struct myc_outbox_entry *entry = &executor->outbox[index];
	uint32_t before = flow->outboxed++ ? flow->last : MYC_NONE, next = MYC_NONE;

	while (before != MYC_NONE && executor->outbox[before].order >> 2 > entry->order >> 2) {
		next = before;
		before = executor->outbox_previous[before];
	}
	executor->outbox_next[index] = next;
	executor->outbox_previous[index] = before;
	if (before == MYC_NONE)
		flow->first = index;
	else
		executor->outbox_next[before] = index;
	if (next == MYC_NONE)
		flow->last = index;
	else
		executor->outbox_previous[next] = index;
	executor->out.urgent_wait += flow->urgent;
	flow->lenient += entry->lenient;
	if (entry->rule)
		myc_keyed_add(&executor->outbox_keyed, index,
			      myc_keyed_owner_out((uint32_t)(flow - executor->out.flow_table),
						  entry->rule),
			      entry->key);
}

void myc_outbox_follow(struct myc_executor *executor, struct myc_flow_out *old,
		       struct myc_flow_out *flow)
{
	uint32_t *link = &executor->blocked, index = (uint32_t)(old - executor->out.flow_table);

	while (*link != index)
		link = &executor->out.flow_table[*link].next_blocked;
	*link = old->next_blocked;
	if (!flow->outboxed) {
		flow->next_blocked = *link;
		*link = (uint32_t)(flow - executor->out.flow_table);
	}
	while (old->outboxed) {
		struct myc_outbox_entry *entry = &executor->outbox[old->first];
		uint32_t first = old->first;

		/* Died in between: a successor finds the flow by its pair. */
		entry->slot.word[1] = flow->slot_to;
		myc_order_for_successor();
		MYC_POINT("outbox: follows");
		entry->lane = (uint32_t)(flow->road - executor->out.road);
		old->lenient -= entry->lenient;
		unlink_entry(executor, old, first);
		insert_followed(executor, first, flow);
	}
	flow->actor = old->actor;
	flow->open = flow->sent;
	old->actor = NULL;
	if (flow->urgent)
		hold_behind(executor, flow);
}

void myc_outbox_fail(struct myc_executor *executor, struct myc_flow_out *flow,
		     enum myc_dead_letter why)
{
	while (flow->outboxed)
		if (!myc_outbox_drop(executor, flow, flow->first, why))
			return;
}

bool myc_outbox_ready(struct myc_executor *executor)
{
	for (uint32_t at = executor->blocked; at != MYC_NONE;) {
		struct myc_flow_out *flow = &executor->out.flow_table[at];
		struct myc_road *road = flow->road;

		if (!flow->held && (myc_road_cut(road) || !myc_flow_alive(flow) ||
				    myc_schemas_refused(executor->system, road->process) ||
				    (myc_flow_more(&executor->out, flow) && !myc_flow_full(flow))))
			return true;
		at = flow->next_blocked;
	}
	return false;
}
