/* SPDX-License-Identifier: Apache-2.0 */
#include "core/pending.h"

#include "core/ask.h"
#include "core/body.h"
#include "core/overflow.h"
#include "core/stash.h"

void myc_receiver_make_ready(struct myc_actor *actor)
{
	struct myc_executor *executor = actor->executor;

	if (actor->ready_listed || !myc_actor_has_turn(actor))
		return;
	actor->ready_listed = true;
	actor->next_ready = NULL;
	if (executor->ready)
		executor->ready_last->next_ready = actor;
	else
		executor->ready = actor;
	executor->ready_last = actor;
}

void myc_pending_link(struct myc_executor *executor, struct myc_actor *actor, uint32_t index,
		      uint32_t before)
{
	struct myc_actor_metrics *metrics = actor->metrics;
	struct myc_pending *entry = &executor->pending[index];
	uint32_t previous = before != MYC_NONE	   ? executor->pending_previous[before]
			    : actor->pending_count ? actor->pending_last
						   : MYC_NONE;

	executor->pending_next[index] = before;
	executor->pending_previous[index] = previous;
	if (previous == MYC_NONE)
		actor->pending_first = index;
	else
		executor->pending_next[previous] = index;
	if (before == MYC_NONE)
		actor->pending_last = index;
	else
		executor->pending_previous[before] = index;
	actor->pending_count++;
	if (entry->rule)
		myc_keyed_add(&executor->pending_keyed, index,
			      myc_keyed_owner_in(entry->lane_in, entry->slot.flow, entry->rule),
			      entry->key);
	myc_actor_aside(actor, MYC_ASIDE_PENDING, true);
	uint32_t depth = myc_actor_mailbox(actor);

	__atomic_store_n(&metrics->mailbox_depth, depth, __ATOMIC_RELAXED);
	if (depth > metrics->mailbox_depth_max)
		__atomic_store_n(&metrics->mailbox_depth_max, depth, __ATOMIC_RELAXED);
	if (actor->aside & MYC_ASIDE_SHARES)
		myc_receiver_make_ready(actor);
}

uint32_t myc_pending_ordinary(const struct myc_executor *executor, const struct myc_actor *actor)
{
	uint32_t at = actor->pending_count ? actor->pending_first : MYC_NONE;

	while (at != MYC_NONE && executor->pending[at].ring == MYC_RING_URGENT)
		at = executor->pending_next[at];
	return at;
}

/* Died between the two stores: the entry is there, and recovery moves the lane's progress behind it. */
uint32_t myc_pending_set_down(struct myc_executor *executor, struct myc_inlet *inlet,
			      struct myc_flow_in *flow, const struct myc_slot *slot,
			      const struct myc_pending_place *place, uint64_t credited,
			      uint32_t hold, enum myc_pending_state state)
{
	uint32_t index = myc_growth_entry(executor, flow->actor);

	if (index == MYC_NONE) /* each credit reserved one: the kernel has no memory for it */
		return MYC_NONE;
	struct myc_pending *entry = &executor->pending[index];

	entry->from = flow->from;
	entry->lane_in = (uint32_t)(inlet - executor->inlet);
	enum myc_lane_ring ring = flow->urgent ? MYC_RING_URGENT : MYC_RING_ORDINARY;

	entry->ring = ring;
	entry->position = inlet->lane.next[ring] + 1;
	entry->credited = credited;
	entry->counting = 0;
	entry->stash = 0;
	entry->dropped = 0;
	entry->rule = place ? place->rule : 0;
	entry->key = place ? place->key : 0;
	executor->pending_hold[index] = hold;
	entry->slot = *slot;
	if (slot->flags & MYC_SLOT_RECEIPT)
		myc_receipt_give(executor, flow->from, &entry->slot);
	myc_order_for_successor();
	MYC_POINT("pend: written, not stored");
	uint64_t order = place && place->order ? place->order : ++executor->pending_order << 2;

	__atomic_store_n(&entry->order, order | state, __ATOMIC_RELAXED);
	MYC_POINT("pend: stored, not done");
	flow->waiting++;
	myc_receiver_took(executor, inlet, flow);
	myc_lane_done(&inlet->lane, ring);
	myc_count(&executor->words->pended);
	return index;
}

/* Out of the lane into the actor's queue. */
bool myc_pending_add(struct myc_executor *executor, struct myc_inlet *inlet,
		     struct myc_flow_in *flow, const struct myc_slot *slot,
		     const struct myc_pending_place *place, uint64_t credited, uint32_t hold)
{
	uint32_t index = myc_pending_set_down(executor, inlet, flow, slot, place, credited, hold,
					      MYC_PENDING_QUEUED);

	if (index != MYC_NONE)
		myc_pending_link(executor, flow->actor, index,
				 flow->urgent ? myc_pending_ordinary(executor, flow->actor)
				 : place      ? place->before
					      : MYC_NONE);
	return index != MYC_NONE;
}

void myc_pending_unlink(struct myc_executor *executor, struct myc_actor *actor, uint32_t index)
{
	uint32_t next = executor->pending_next[index], previous = executor->pending_previous[index];

	if (previous == MYC_NONE)
		actor->pending_first = next;
	else
		executor->pending_next[previous] = next;
	if (next == MYC_NONE)
		actor->pending_last = previous;
	else
		executor->pending_previous[next] = previous;
	actor->pending_count--;
	if (executor->pending[index].rule)
		myc_keyed_remove(&executor->pending_keyed, index);
	myc_actor_aside(actor, MYC_ASIDE_PENDING, actor->pending_count);
	__atomic_store_n(&actor->metrics->mailbox_depth, myc_actor_mailbox(actor),
			 __ATOMIC_RELAXED);
}

/* Killed inside, a successor sees that it is given up, whether its loan was made, and whether it is counted;
 * only the reason may be counted twice. */
void myc_pending_discard(struct myc_executor *executor, uint32_t index, uint32_t why, uint32_t hold)
{
	struct myc_pending *entry = &executor->pending[index];
	myc_address to = executor->inlet[entry->lane_in].flow[entry->slot.flow].to;
	bool nobody = why == MYC_DEAD_LETTER_NO_ACTOR;

	__atomic_store_n(&entry->dropped, why + 1, __ATOMIC_RELAXED);
	myc_order_for_successor();
	MYC_POINT("pending: dropped");
	if (hold == MYC_HOLD_NONE)
		hold = myc_body_loan(executor, &entry->slot, myc_origin_pending(index));
	if (why == MYC_CONFLATED)
		myc_count(&executor->words->conflated);
	else
		myc_letter_note(executor, (enum myc_dead_letter)why, entry->from, to, &entry->slot);
	if (!nobody)
		myc_count(&executor->words->mailbox_dropped);
	myc_ask_bounce_if(executor, entry->from, &entry->slot, nobody ? -ESRCH : -ENOBUFS);
	MYC_POINT("pending: dropped, not counted");
	myc_pending_counted(executor, entry);
	myc_pending_free(executor, index);
	myc_body_home(executor, hold);
}

bool myc_pending_drop(struct myc_executor *executor, struct myc_actor *actor, uint32_t index,
		      uint32_t why, bool must)
{
	struct myc_pending *entry = &executor->pending[index];
	struct myc_pool *pool = &executor->out.pool;
	bool lends = entry->slot.flags & MYC_SLOT_REFERENCE && !entry->credited;

	if (lends && !myc_pool_room(pool))
		myc_pool_flush(pool);
	if (lends && !myc_pool_room(pool) && !must)
		return false;
	myc_pending_unlink(executor, actor, index);
	myc_stash_let_go(executor, entry);
	myc_pending_discard(executor, index, why,
			    entry->credited ? executor->pending_hold[index] : MYC_HOLD_NONE);
	return true;
}

void myc_receiver_drop_pending(struct myc_actor *actor)
{
	myc_stash_give_back(actor, UINT32_MAX, false);
	while (actor->pending_count)
		myc_pending_drop(actor->executor, actor, actor->pending_first,
				 MYC_DEAD_LETTER_NO_ACTOR, true);
}
