/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a source's end of its block, and putting together what a killed predecessor left there. All
 * of it may be killed and done again. Entries that no life could have left (a wild pointer wrote
 * there) are given up, counted, and harm nobody else.
 */
#include <stdlib.h>

#include "memory/pool.h"
#include "memory/pool_private.h"

/* A ring of which nothing is known: empty. */
static const struct myc_return nothing;

/* ---- opening ----------------------------------------------------------------------------------- */

static int claim_block(struct myc_pool *pool, const struct myc_pool_place *place,
		       const struct myc_pool_opts *opts)
{
	struct myc_pools head;
	uint64_t size;
	struct myc_pools *block = myc_region_block(&place->regions[place->process], MYC_BLOCK_POOL,
						   place->source, &size);

	myc_pool_head(&head, opts);
	if (!block || myc_pool_shape(&head, size, &pool->shape))
		return -EPROTO;
	if (block->version &&
	    (memcmp(block, &head, offsetof(struct myc_pools, incarnation)) != 0 ||
	     memcmp(block->size_class, head.size_class, sizeof(head.size_class)) != 0))
		return -EPROTO;
	__atomic_store_n(&block->incarnation, place->incarnation, __ATOMIC_RELAXED);
	/* Laid out once: others read a predecessor's. */
	if (!block->version) {
		memcpy(block->size_class, head.size_class, sizeof(head.size_class));
		block->classes = head.classes;
		block->peers = head.peers;
		block->loans = head.loans;
		block->slots = head.slots;
		/* Release: the constants. Pairs with find_block. */
		__atomic_store_n(&block->version, head.version, __ATOMIC_RELEASE);
	}
	pool->block = block;
	pool->body = (char *)block;
	pool->buffer = (void *)(pool->body + pool->shape.headers);
	pool->loan = (void *)(pool->body + pool->shape.loan);
	return 0;
}

static int private_memory(struct myc_pool *pool)
{
	const struct myc_pool_shape *shape = &pool->shape;
	uint32_t buckets = 1;

	while (buckets < shape->loans)
		buckets *= 2;
	pool->bucket_mask = buckets - 1;
	/* One more than needed: a pool without buffers is no error, calloc(0) might be. */
	pool->buffer_next = calloc((size_t)shape->buffers + 1, sizeof(uint32_t));
	pool->buffer_tag = calloc((size_t)shape->buffers + 1, sizeof(uint32_t));
	pool->note = calloc(shape->loans, sizeof(*pool->note));
	pool->bucket = malloc(buckets * sizeof(uint32_t));
	pool->peer = calloc(shape->peers, sizeof(*pool->peer));
	pool->inward = calloc(shape->peers, sizeof(*pool->inward));
	pool->peer_of =
		calloc((size_t)pool->processes * MYC_SOURCES_OF_PROCESS, sizeof(*pool->peer_of));
	if (!pool->buffer_next || !pool->buffer_tag || !pool->note || !pool->bucket ||
	    !pool->peer || !pool->inward || !pool->peer_of)
		return -ENOMEM;
	memset(pool->bucket, 0xff, buckets * sizeof(uint32_t)); /* MYC_POOL_NONE */
	for (uint32_t c = 0; c < MYC_POOL_CLASSES; c++)
		pool->free[c] = MYC_POOL_NONE;
	pool->loan_free = MYC_POOL_NONE;
	return 0;
}

/* ---- rings ------------------------------------------------------------------------------------- */

/* Number of the newest return in a ring of ours; UINT64_MAX: nobody can have left it so. */
static uint64_t newest(const struct myc_return *slot, uint32_t slots)
{
	uint64_t head = 0;

	for (uint32_t i = 0; i < slots; i++)
		if (slot[i].sequence > head)
			head = slot[i].sequence;
	for (uint32_t i = 0; i < slots; i++) {
		uint64_t back = (head - 1 - i) & (slots - 1);

		if (slot[i].sequence != (back < head ? head - back : 0))
			return UINT64_MAX;
	}
	return head;
}

/* Written over: as if all up to where the owner has read had been published, and nothing since. */
static uint64_t rewind_ring(struct myc_return *slot, uint32_t slots, uint64_t head)
{
	for (uint32_t i = 0; i < slots; i++) {
		uint64_t back = (head - 1 - i) & (slots - 1);

		memset(&slot[i], 0, sizeof(slot[i]));
		__atomic_store_n(&slot[i].sequence, back < head ? head - back : 0,
				 __ATOMIC_RELAXED);
	}
	return head;
}

static void open_peers(struct myc_pool *pool)
{
	const uint64_t *word = (const void *)(pool->body + pool->shape.directory);
	const struct myc_return_cursor *cursor = (const void *)(pool->body + pool->shape.cursors);
	uint32_t slots = pool->shape.slots;

	for (uint32_t i = 0; i < pool->shape.peers; i++) {
		struct myc_pool_peer *peer = &pool->peer[i];
		uint32_t process = myc_lane_end_process(word[i]);
		uint32_t source = myc_lane_end_executor(word[i]);

		pool->inward[i].slot = &nothing;
		pool->inward[i].next = cursor[i].next;
		peer->slot = (struct myc_return *)(void *)(pool->body + pool->shape.rings) +
			     (uint64_t)i * slots;
		if (!word[i])
			continue;
		peer->owner = word[i];
		peer->head = newest(peer->slot, slots);
		if (process >= pool->processes || source >= MYC_SOURCES_OF_PROCESS) {
			myc_pool_fault_count(pool, MYC_POOL_FAULT_LEDGER);
			continue;
		}
		pool->peer_of[process * MYC_SOURCES_OF_PROCESS + source] = (uint16_t)(i + 1);
		myc_pool_peer_make(pool, process, source);
		if (peer->head == UINT64_MAX) {
			myc_pool_fault_count(pool, MYC_POOL_FAULT_LEDGER);
			peer->cursor = myc_pool_find_cursor(pool, peer);
			peer->head = rewind_ring(peer->slot, slots,
						 peer->cursor ? __atomic_load_n(&peer->cursor->next,
										__ATOMIC_ACQUIRE)
							      : 0);
		}
		/* As if full: the first return looks at the owner's cursor. */
		peer->seen = peer->head > slots ? peer->head - slots : 0;
	}
}

/* ---- what was half done ------------------------------------------------------------------------ */

/* A return that was being counted. */
static void finish_redo(struct myc_pool *pool)
{
	const struct myc_pool_redo *redo = &pool->block->redo;
	struct myc_return_cursor *cursor = (void *)(pool->body + pool->shape.cursors);
	uint32_t ring = (uint32_t)(redo->commit >> 48), header = (uint32_t)(redo->change >> 32);
	uint64_t next = redo->commit & 0xffffffffffffull;

	if (!redo->commit || ring >= pool->shape.peers || cursor[ring].next + 1 != next)
		return;
	if (header < pool->shape.buffers)
		pool->buffer[header].out = (uint32_t)redo->change;
	myc_order_for_successor();
	MYC_POINT("recover: counted again");
	__atomic_store_n(&cursor[ring].next, next, __ATOMIC_RELEASE);
	MYC_POINT("recover: cursor stored");
}

static void intent_clear(struct myc_pool *pool)
{
	myc_order_for_successor();
	__atomic_store_n(&pool->block->intent.what, MYC_POOL_NOTHING, __ATOMIC_RELAXED);
	MYC_POINT("recover: intent cleared");
}

static void finish_intent(struct myc_pool *pool)
{
	const struct myc_pool_intent *intent = &pool->block->intent;
	bool home = intent->what == MYC_POOL_HOME, merge = intent->what == MYC_POOL_MERGE;
	uint32_t targets =
		home || intent->what == MYC_POOL_LEND_OWN ? pool->shape.buffers : pool->shape.loans;

	if (!intent->what)
		return;
	if (intent->what > MYC_POOL_MERGE || intent->target >= targets ||
	    ((home || merge) && intent->other >= pool->shape.loans)) {
		myc_pool_fault_count(pool, MYC_POOL_FAULT_LEDGER);
		intent_clear(pool);
		return;
	}
	if (!home && !merge)
		return; /* a message's: myc_pool_settle */
	if (home)
		pool->buffer[intent->target].out = intent->after;
	else
		pool->loan[intent->target].weight = intent->after;
	myc_order_for_successor();
	MYC_POINT("recover: added again");
	pool->loan[intent->other].state = MYC_LOAN_FREE;
	MYC_POINT("recover: loan freed again");
	intent_clear(pool);
}

/* ---- the ledger -------------------------------------------------------------------------------- */

/* True: it is held. */
static bool loan_settle(struct myc_pool *pool, uint32_t index)
{
	struct myc_loan *loan = &pool->loan[index];
	uint32_t kind = myc_loan_kind(loan->state), ring = myc_loan_ring(loan->state);
	uint32_t process = myc_lane_end_process(loan->owner);
	uint32_t source = myc_lane_end_executor(loan->owner);

	if (!loan->state)
		return false;
	uint32_t peer = process < pool->processes && source < MYC_SOURCES_OF_PROCESS
				? pool->peer_of[process * MYC_SOURCES_OF_PROCESS + source]
				: 0;

	if (!peer || (kind != MYC_LOAN_HELD && kind != MYC_LOAN_RETURNING) ||
	    (kind == MYC_LOAN_RETURNING && ring != peer - 1) || loan->weight > MYC_WEIGHT_FULL) {
		myc_pool_fault_count(pool, MYC_POOL_FAULT_LEDGER);
		return false;
	}
	if (kind == MYC_LOAN_RETURNING) {
		if (myc_loan_number(loan->state) <= (pool->peer[ring].head & 0xffffffffffull))
			return false;
		loan->state = myc_loan_held();
		MYC_POINT("recover: not returned, held again");
	}
	pool->note[index].peer = (uint16_t)(peer - 1);
	return true;
}

static void open_loans(struct myc_pool *pool)
{
	for (uint32_t i = pool->shape.loans; i-- > 0;) {
		if (loan_settle(pool, i)) {
			pool->loans_used++;
			continue;
		}
		pool->loan[i].state = MYC_LOAN_FREE;
		pool->note[i].next = pool->loan_free;
		pool->loan_free = i;
	}
}

int myc_pool_open(struct myc_pool *pool, const struct myc_pool_place *place,
		  const struct myc_pool_opts *opts)
{
	memset(pool, 0, sizeof(*pool));
	pool->end = myc_lane_end(place->process, place->source);
	pool->incarnation = place->incarnation;
	pool->regions = place->regions;
	pool->processes = place->processes;
	if (!place->incarnation || place->process >= place->processes ||
	    place->source >= MYC_SOURCES_OF_PROCESS)
		return -EPROTO;
	int code = claim_block(pool, place, opts);

	if (!code)
		code = private_memory(pool);
	if (code) {
		myc_pool_close(pool);
		return code;
	}
	finish_redo(pool);
	finish_intent(pool);
	open_peers(pool);
	open_loans(pool);
	return 0;
}

void myc_pool_close(struct myc_pool *pool)
{
	free(pool->buffer_next);
	free(pool->buffer_tag);
	free(pool->note);
	free(pool->bucket);
	free(pool->peer);
	free(pool->inward);
	free(pool->peer_of);
	memset(pool, 0, sizeof(*pool));
}

/* ---- what core knows --------------------------------------------------------------------------- */

uint64_t myc_pool_ticket(const struct myc_pool *pool)
{
	return pool->block->intent.what ? pool->block->intent.ticket : 0;
}

void myc_pool_settle(struct myc_pool *pool, bool published)
{
	const struct myc_pool_intent *intent = &pool->block->intent;
	uint32_t value = published ? intent->after : intent->before;

	if (intent->what == MYC_POOL_LEND_OWN)
		pool->buffer[intent->target].out = value;
	else if (intent->what == MYC_POOL_LEND_LOAN)
		pool->loan[intent->target].weight = value;
	MYC_POINT("recover: settled");
	intent_clear(pool);
}

uint32_t myc_pool_find(struct myc_pool *pool, uint64_t origin)
{
	for (uint32_t i = 0; i < pool->shape.loans; i++)
		if (pool->loan[i].state && pool->loan[i].origin == origin) {
			pool->note[i].claimed = true;
			return i;
		}
	return MYC_HOLD_NONE;
}

bool myc_pool_loaned(const struct myc_pool *pool, uint64_t origin)
{
	for (uint32_t i = 0; i < pool->shape.loans; i++)
		if (pool->loan[i].state && pool->loan[i].origin == origin)
			return true;
	return false;
}

void myc_pool_recovered(struct myc_pool *pool)
{
	/* Backwards, so that the first buffers are the first to be taken. */
	for (uint32_t c = 0; c < pool->shape.classes; c++)
		for (uint32_t i = pool->shape.size_class[c].count; i-- > 0;) {
			uint32_t header = pool->shape.size_class[c].first + i;
			struct myc_buffer *buffer = &pool->buffer[header];

			buffer->incarnation = 0;
			if (!buffer->out)
				myc_pool_free_push(pool, c, header);
		}
	for (uint32_t i = 0; i < pool->shape.loans; i++) {
		if (!pool->loan[i].state || pool->note[i].claimed)
			continue;
		if (pool->loan[i].weight)
			myc_pool_go_home(pool, i);
		else
			myc_pool_loan_end(pool, i);
	}
}
