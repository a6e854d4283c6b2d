/* SPDX-License-Identifier: Apache-2.0 */
#include "core/stash.h"

#include <errno.h>

#include "core/receiver.h"

/* ---- in hand ----------------------------------------------------------------------------------- */

/* Has this actor a message in hand, and has that a body? What lies in the lane may change under our eyes:
 * this only refuses what is a mistake anyway. */
static bool in_hand(const struct myc_actor *actor, bool *body)
{
	const struct myc_executor *executor = actor->executor;

	if (executor->pending_hand == MYC_HAND_OVER)
		return false;
	if (executor->pending_hand != MYC_NONE) {
		const struct myc_pending *entry = &executor->pending[executor->pending_hand];

		*body = entry->slot.flags & MYC_SLOT_REFERENCE;
		return executor->inlet[entry->lane_in].flow[entry->slot.flow].actor == actor;
	}
	for (uint32_t i = 0; i < executor->inlets * MYC_RINGS; i++) {
		const struct myc_inlet *inlet = &executor->inlet[i / MYC_RINGS];
		enum myc_lane_ring ring = i % MYC_RINGS;

		/* Others' slots may be in the middle of being written. */
		if (!inlet->block || inlet->cut || !myc_lane_begun(&inlet->lane, ring))
			continue;
		uint32_t next = inlet->lane.next[ring];
		const struct myc_slot *slot =
			&inlet->lane.slot[ring][next & inlet->lane.mask[ring]];
		uint16_t flow = __atomic_load_n(&slot->flow, __ATOMIC_RELAXED);

		*body = __atomic_load_n(&slot->flags, __ATOMIC_RELAXED) & MYC_SLOT_REFERENCE;
		if (flow < MYC_LANE_FLOWS)
			return inlet->flow[flow].actor == actor;
	}
	return false;
}

/* Room for one more loan that stays: a quarter of the ledger is for messages that are handled. */
static bool room_for_body(const struct myc_pool *pool)
{
	return pool->kept < pool->shape.loans - pool->shape.loans / 4 - !(pool->shape.loans / 4);
}

static int put(struct myc_actor *self, bool postpone)
{
	struct myc_actor_more *more = self->more;
	bool body = false;

	if (self->pooled) /* its jobs are done when its handler has returned */
		return -EPERM;
	if (!in_hand(self, &body))
		return -ENOENT;
	if (!more || more->stash_count >= self->behaviour->stash_capacity ||
	    (body && !room_for_body(&self->executor->out.pool)))
		return -ENOBUFS;
	self->put_aside = true;
	more->postpone = postpone;
	return 0;
}

int myc_stash_take(struct myc_actor *actor, uint32_t hold)
{
	struct myc_pool *pool = &actor->executor->out.pool;

	if (actor->executor->pending_hand == MYC_NONE &&
	    !myc_growth_entry_ready(actor->executor, actor))
		return -ENOMEM;
	if (hold == MYC_HOLD_NONE)
		return 0;
	if (pool->note[hold].kept || !pool->loan[hold].weight)
		return -EINVAL;
	return room_for_body(pool) ? 0 : -ENOBUFS;
}

/* ---- stash and queue --------------------------------------------------------------------------- */

static void set_depth(struct myc_actor *actor)
{
	__atomic_store_n(&actor->metrics->mailbox_depth, myc_actor_mailbox(actor),
			 __ATOMIC_RELAXED);
}

/* Into a list that is sorted by arrival, urgent ones before the others. `from`: an entry of it that comes
 * before, MYC_NONE: the search begins at its first. */
static void insert(struct myc_executor *executor, uint32_t *first, uint32_t *last, uint32_t from,
		   uint32_t index)
{
	uint64_t order = executor->pending[index].order >> 2;
	bool urgent = executor->pending[index].ring != MYC_RING_ORDINARY;

	from = urgent ? MYC_NONE : from;
	uint32_t before = from, next = from == MYC_NONE ? *first : executor->pending_next[from];

	if (!urgent && *last != MYC_NONE && executor->pending[*last].order >> 2 < order) {
		before = *last;
		next = MYC_NONE;
	}
	while (next != MYC_NONE && (urgent ? executor->pending[next].ring != MYC_RING_ORDINARY &&
						     executor->pending[next].order >> 2 < order
					   : executor->pending[next].ring != MYC_RING_ORDINARY ||
						     executor->pending[next].order >> 2 < order)) {
		before = next;
		next = executor->pending_next[next];
	}
	executor->pending_next[index] = next;
	executor->pending_previous[index] = before;
	if (before == MYC_NONE)
		*first = index;
	else
		executor->pending_next[before] = index;
	if (next == MYC_NONE)
		*last = index;
	else
		executor->pending_previous[next] = index;
}

void myc_stash_add(struct myc_actor *actor, uint32_t index)
{
	struct myc_executor *executor = actor->executor;
	struct myc_actor_more *more = actor->more;

	actor->put_aside = false;
	if (index == MYC_NONE)
		return;
	struct myc_pending *entry = &executor->pending[index];

	entry->stash = more->postpone ? MYC_STASH_POSTPONED : 0;
	if (executor->pending_hold[index] != MYC_HOLD_NONE) {
		entry->stash |= MYC_STASH_BODY;
		executor->out.pool.kept++;
	}
	if (!more->stash_count++)
		more->stash_first = more->stash_last = MYC_NONE;
	insert(executor, &more->stash_first, &more->stash_last, MYC_NONE, index);
	set_depth(actor);
	/* What it waits for has come in the same handler. */
	if (more->postpone && more->changed_in == more->handlers + 1)
		myc_stash_give_back(actor, UINT32_MAX, true);
}

void myc_stash_let_go(struct myc_executor *executor, struct myc_pending *entry)
{
	if (entry->stash & MYC_STASH_BODY)
		executor->out.pool.kept--;
	entry->stash = 0;
}

uint32_t myc_stash_give_back(struct myc_actor *actor, uint32_t count, bool postponed)
{
	struct myc_executor *executor = actor->executor;
	struct myc_actor_more *more = actor->more;
	uint32_t at = more && more->stash_count ? more->stash_first : MYC_NONE;
	uint32_t kept = MYC_NONE, before = MYC_NONE, n = 0;

	if (!actor->pending_count)
		actor->pending_first = actor->pending_last = MYC_NONE;
	while (at != MYC_NONE && n < count) {
		struct myc_pending *entry = &executor->pending[at];
		uint32_t next = executor->pending_next[at];

		if (postponed && !(entry->stash & MYC_STASH_POSTPONED)) {
			kept = at;
			at = next;
			continue;
		}
		if (kept == MYC_NONE)
			more->stash_first = next;
		else
			executor->pending_next[kept] = next;
		if (next == MYC_NONE)
			more->stash_last = kept;
		more->stash_count--;
		__atomic_store_n(&entry->order, (entry->order & ~3ull) | MYC_PENDING_QUEUED,
				 __ATOMIC_RELAXED);
		MYC_POINT("stash: given back");
		insert(executor, &actor->pending_first, &actor->pending_last, before, at);
		actor->pending_count++;
		before = at;
		at = next;
		n++;
	}
	if (!n)
		return 0;
	myc_actor_aside(actor, MYC_ASIDE_PENDING, true);
	set_depth(actor);
	myc_receiver_make_ready(actor);
	return n;
}

/* ---- for handlers ------------------------------------------------------------------------------ */

int myc_stash(struct myc_actor *self)
{
	return put(self, false);
}

int myc_postpone(struct myc_actor *self)
{
	return put(self, true);
}

uint32_t myc_unstash(struct myc_actor *self, uint32_t count)
{
	return myc_stash_give_back(self, count, false);
}

uint32_t myc_stashed(const struct myc_actor *self)
{
	return self->more ? self->more->stash_count : 0;
}
