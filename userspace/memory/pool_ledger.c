/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of message buffers: pieces that stay, merge, wait, and go home. */
#include "memory/pool.h"
#include "memory/pool_private.h"

/* ---- pieces that stay -------------------------------------------------------------------------- */

static uint32_t *bucket_of(struct myc_pool *pool, const struct myc_loan *loan)
{
	uint32_t hash = ((uint32_t)loan->owner * 31 + (uint32_t)(loan->owner >> 16)) * 2654435761u;

	return &pool->bucket[((hash ^ loan->buffer) * 2654435761u >> 7) & pool->bucket_mask];
}

static void index_add(struct myc_pool *pool, uint32_t index)
{
	uint32_t *bucket = bucket_of(pool, &pool->loan[index]);

	pool->note[index].chain = *bucket;
	*bucket = index;
	pool->indexed++;
}

static void index_remove(struct myc_pool *pool, uint32_t index)
{
	uint32_t *link = bucket_of(pool, &pool->loan[index]);

	while (*link != index)
		link = &pool->note[*link].chain;
	*link = pool->note[index].chain;
	pool->indexed--;
}

static void intent_end(struct myc_pool *pool)
{
	myc_order_for_successor();
	__atomic_store_n(&pool->block->intent.what, MYC_POOL_NOTHING, __ATOMIC_RELAXED);
	myc_order_for_successor();
	MYC_POINT("intent: ended");
}

/* Into another piece of the same buffer that stays here. Together they may not weigh more than the
 * whole: then one of them is forged, and the owner is to find out which. */
static bool merge(struct myc_pool *pool, uint32_t index)
{
	struct myc_loan *loan = &pool->loan[index];
	struct myc_pool_intent *intent = &pool->block->intent;
	uint32_t i = *bucket_of(pool, loan);

	for (; i != MYC_POOL_NONE; i = pool->note[i].chain) {
		struct myc_loan *other = &pool->loan[i];

		if (i == index || other->owner != loan->owner || other->buffer != loan->buffer ||
		    other->generation != loan->generation ||
		    loan->weight > MYC_WEIGHT_FULL - other->weight)
			continue;
		uint32_t after = other->weight + loan->weight;

		intent->other = index;
		myc_pool_intend(intent, MYC_POOL_MERGE, i, other->weight, after);
		MYC_POINT("merge: intended");
		other->weight = after;
		MYC_POINT("merge: added");
		myc_pool_loan_end(pool, index);
		intent_end(pool);
		myc_pool_count(&pool->block->merged);
		return true;
	}
	return false;
}

/* ---- home -------------------------------------------------------------------------------------- */

/* A loan of one's own buffer. */
static void home_own(struct myc_pool *pool, uint32_t index)
{
	const struct myc_loan *loan = &pool->loan[index];
	struct myc_pool_intent *intent = &pool->block->intent;
	uint32_t header = 0, name = loan->buffer;
	enum myc_pool_fault fault =
		myc_pool_return_check(pool, name, loan->generation, loan->weight, &header);

	if (fault) {
		myc_pool_fault_count(pool, fault);
		myc_pool_loan_end(pool, index);
		return;
	}
	struct myc_buffer *buffer = &pool->buffer[header];
	uint32_t after = buffer->out - loan->weight;

	intent->other = index;
	myc_pool_intend(intent, MYC_POOL_HOME, header, buffer->out, after);
	MYC_POINT("home: own, intended");
	buffer->out = after;
	MYC_POINT("home: own, counted");
	myc_pool_loan_end(pool, index);
	intent_end(pool);
	myc_pool_came_home(pool, name, header);
}

/* False: its ring is full. */
static bool return_try(struct myc_pool *pool, uint32_t index)
{
	struct myc_loan *loan = &pool->loan[index];
	uint32_t ring = pool->note[index].peer;
	struct myc_pool_peer *peer = &pool->peer[ring];

	if (myc_pool_ring_full(pool, peer))
		return false;
	uint64_t number = peer->head + 1;
	struct myc_return *slot = &peer->slot[peer->head & (pool->shape.slots - 1)];

	MYC_POINT("return: before");
	__atomic_store_n(&loan->state, myc_loan_returning(ring, number), __ATOMIC_RELAXED);
	myc_order_for_successor();
	MYC_POINT("return: intended");
	slot->buffer = loan->buffer;
	slot->generation = loan->generation;
	slot->weight = loan->weight;
	MYC_POINT("return: written, not published");
	/* Release: the slot, and all that was read of the body. Pairs with collect_one. */
	__atomic_store_n(&slot->sequence, number, __ATOMIC_RELEASE);
	peer->head = number;
	MYC_POINT("return: published");
	myc_pool_loan_end(pool, index);
	return true;
}

static void wait_for_ring(struct myc_pool *pool, uint32_t index)
{
	struct myc_pool_note *note = &pool->note[index];

	note->next = MYC_POOL_NONE;
	if (pool->waiting++)
		pool->note[pool->wait_last].next = index;
	else
		pool->wait_first = index;
	pool->wait_last = index;
	index_add(pool, index);
	myc_pool_count(&pool->block->returns_waited);
}

void myc_pool_go_home(struct myc_pool *pool, uint32_t index)
{
	pool->loan[index].origin = 0;
	MYC_POINT("go home: message forgotten");
	if (pool->indexed && merge(pool, index))
		return;
	if (pool->loan[index].owner == pool->end)
		home_own(pool, index);
	else if (!return_try(pool, index))
		wait_for_ring(pool, index);
}

uint32_t myc_pool_flush(struct myc_pool *pool)
{
	uint32_t index = pool->wait_first, left = pool->waiting;

	pool->waiting = 0;
	while (left--) {
		uint32_t next = pool->note[index].next;

		/* Out of the index first: the loan may be free, and its chain with it, after. */
		index_remove(pool, index);
		if (!return_try(pool, index)) {
			index_add(pool, index);
			pool->note[index].next = MYC_POOL_NONE;
			if (pool->waiting++)
				pool->note[pool->wait_last].next = index;
			else
				pool->wait_first = index;
			pool->wait_last = index;
		}
		index = next;
	}
	return pool->waiting;
}

/* ---- keeping ----------------------------------------------------------------------------------- */

int myc_pool_keep(struct myc_pool *pool, uint32_t hold, uint32_t tag)
{
	if (hold & MYC_HOLD_OWN) {
		pool->buffer_tag[myc_pool_header(pool, hold & ~MYC_HOLD_OWN)] = tag;
		return 0;
	}
	struct myc_pool_note *note = &pool->note[hold];
	uint32_t spare = pool->shape.loans / 4;

	if (!pool->loan[hold].weight)
		return -ENODATA;
	if (!note->kept) {
		if (pool->kept + spare + !spare >= pool->shape.loans)
			return -ENOBUFS;
		note->kept = true;
		pool->kept++;
	}
	note->tag = tag;
	return 0;
}

/* Its message is done, and it stays. */
void myc_pool_keep_on(struct myc_pool *pool, uint32_t index)
{
	pool->loan[index].origin = 0;
	MYC_POINT("keep: message forgotten");
	index_add(pool, index);
}

void myc_pool_keep_end(struct myc_pool *pool, uint32_t index)
{
	struct myc_pool_note *note = &pool->note[index];

	if (!note->kept)
		return;
	note->kept = false;
	pool->kept--;
	if (pool->loan[index].origin) /* its message is still in hand: myc_pool_done goes on */
		return;
	index_remove(pool, index);
	if (pool->loan[index].weight)
		myc_pool_go_home(pool, index);
	else
		myc_pool_loan_end(pool, index);
}

void myc_pool_give_all(struct myc_pool *pool, uint32_t tag)
{
	for (uint32_t i = 0; i < pool->shape.loans; i++)
		if (pool->note[i].kept && pool->note[i].tag == tag)
			myc_pool_keep_end(pool, i);
	for (uint32_t c = 0; c < pool->shape.classes; c++)
		for (uint32_t i = 0; i < pool->shape.size_class[c].count; i++) {
			uint32_t header = pool->shape.size_class[c].first + i;

			if (pool->buffer_tag[header] == tag &&
			    pool->buffer[header].incarnation == pool->incarnation)
				myc_pool_give(pool, MYC_HOLD_OWN | myc_buffer_name(c, i));
		}
}

bool myc_pool_tagged(const struct myc_pool *pool, uint32_t tag)
{
	for (uint32_t i = 0; i < pool->shape.loans; i++)
		if (pool->note[i].kept && pool->note[i].tag == tag)
			return true;
	for (uint32_t c = 0; c < pool->shape.classes; c++)
		for (uint32_t i = 0; i < pool->shape.size_class[c].count; i++) {
			uint32_t header = pool->shape.size_class[c].first + i;

			if (pool->buffer_tag[header] == tag &&
			    pool->buffer[header].incarnation == pool->incarnation)
				return true;
		}
	return false;
}

bool myc_pool_view(struct myc_pool *pool, uint32_t hold, struct myc_view *view)
{
	if (hold & MYC_HOLD_OWN) {
		view->data = myc_pool_body(pool, hold, &view->size);
		return myc_pool_weight(pool, hold) != 0;
	}
	const struct myc_loan *loan = &pool->loan[hold];
	struct myc_reference reference = {
		.process = (uint16_t)myc_lane_end_process(loan->owner),
		.source = (uint16_t)myc_lane_end_executor(loan->owner),
		.buffer = loan->buffer,
		.generation = loan->generation,
		.weight = loan->weight,
		.offset = loan->offset,
		.size = loan->size,
	};

	return !myc_pool_check(pool, &reference, view);
}

void myc_pool_lend_undo(struct myc_pool *pool)
{
	struct myc_pool_intent *intent = &pool->block->intent;

	if (intent->what == MYC_POOL_LEND_OWN)
		pool->buffer[intent->target].out = intent->before;
	else if (intent->what == MYC_POOL_LEND_LOAN)
		pool->loan[intent->target].weight = intent->before;
	intent_end(pool);
}
