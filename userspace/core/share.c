/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from pending queues into handlers: actors that have some take turns, each a share of the executor. */
#include "core/body.h"
#include "core/pending.h"
#include "core/stash.h"
#include "core/watch.h"
#include "core/within.h"

#define SHARE 16 /* pending messages of one actor in a row */

/* False: its body finds no room in the ledger now. */
static bool deliver_pending(struct myc_executor *executor, struct myc_actor *actor)
{
	uint32_t index = actor->pending_first, hold = MYC_HOLD_NONE;
	struct myc_pending *entry = &executor->pending[index];
	struct myc_view view = {.data = entry->slot.payload, .size = entry->slot.size};
	struct myc_reference reference = {0};

	if (myc_deadline_over(executor, &entry->slot))
		return myc_pending_drop(executor, actor, index, MYC_DEAD_LETTER_EXPIRED, false);
	/* Checked when it came, and private since; but its owner's head may say otherwise to us than to a predecessor. */
	int code = 0;

	if (entry->credited) {
		hold = executor->pending_hold[index];
		if (hold == MYC_HOLD_NONE || !myc_pool_view(&executor->out.pool, hold, &view))
			code = -EPROTO;
	} else if (entry->slot.flags & MYC_SLOT_REFERENCE) {
		code = myc_body_check(executor, &entry->slot, &reference, &view);
	}
	if (code == -EPROTO)
		return myc_pending_drop(executor, actor, index, MYC_DEAD_LETTER_MALFORMED, true);
	if (code)
		return false;
	myc_pending_unlink(executor, actor, index);
	myc_stash_let_go(executor, entry);
	__atomic_store_n(&entry->order, (entry->order & ~3ull) | MYC_PENDING_BEGUN,
			 __ATOMIC_RELAXED);
	MYC_POINT("pending: begun");
	if (!entry->credited && entry->slot.flags & MYC_SLOT_REFERENCE)
		hold = myc_pool_credit(&executor->out.pool, &reference, myc_origin_pending(index));
	executor->pending_hand = index;
	struct myc_slot shown;
	const struct myc_slot *slot = &entry->slot;

	if (slot->flags & MYC_SLOT_DEADLINE) {
		shown = *slot;
		shown.flags &= (uint8_t)~MYC_SLOT_DEADLINE;
		shown.correlation = 0;
		slot = &shown;
	}
	bool aside = myc_receiver_deliver(actor, entry->from, slot, view.data, view.size, hold);

	executor->pending_hand = MYC_NONE;
	if (aside) {
		if (hold != MYC_HOLD_NONE && !entry->credited)
			entry->credited = myc_origin_pending(index);
		executor->pending_hold[index] = hold;
		entry->rule = 0; /* nothing replaces it any more */
		myc_order_for_successor();
		__atomic_store_n(&entry->order, entry->order | MYC_PENDING_STASHED,
				 __ATOMIC_RELAXED);
		MYC_POINT("pending: put aside");
		myc_receiver_set_aside(actor, index);
		return true;
	}
	myc_pending_counted(executor, entry);
	myc_pending_free(executor, index);
	myc_body_home(executor, hold);
	return true;
}

/* Its share in a row: at most `most` messages. */
static unsigned pending_share(struct myc_executor *executor, struct myc_actor *actor, unsigned most)
{
	const uint64_t share_ns = executor->opts.share_ns;
	uint64_t begun = share_ns ? myc_executor_clock(executor) : 0;
	unsigned n;

	for (n = 0; n < most; n++) {
		if (share_ns && n && myc_executor_clock(executor) - begun >= share_ns)
			break;
		if (executor->watches.queue.first)
			myc_watch_deliver(executor, actor);
		if (!myc_actor_has_turn(actor) || !deliver_pending(executor, actor))
			return n;
	}
	if (actor->aside & MYC_ASIDE_SHARES && myc_actor_has_turn(actor))
		myc_count(&executor->words->shares_ended);
	return n;
}

unsigned myc_receiver_pending(struct myc_executor *executor, unsigned budget)
{
	unsigned share = executor->opts.share ? executor->opts.share : SHARE, n = 0;

	if (!executor->opts.share && executor->opts.share_ns)
		share = executor->opts.batch;

	/* Each once: one whose body must wait goes to the end. */
	for (struct myc_actor *last = executor->ready_last, *actor = NULL;
	     executor->ready && n < budget && actor != last;) {
		actor = executor->ready;
		executor->ready = actor->next_ready;
		actor->ready_listed = false;
		n += pending_share(executor, actor, share < budget - n ? share : budget - n);
		myc_receiver_make_ready(actor);
	}
	return n;
}
