/* SPDX-License-Identifier: Apache-2.0 */
/* Message buffers: layout, whom we borrow from, what comes home to us. The ledger: pool_ledger.c; after
 * a crash: pool_recover.c. */
#include "memory/pool.h"

#include "base/bits.h"
#include "memory/pool_private.h"

#define LOANS 1024
#define SLOTS 256

static uint64_t aligned(uint64_t offset)
{
	return (offset + 63) & ~63ull;
}

/* ---- layout ------------------------------------------------------------------------------------ */

int myc_pool_shape(const struct myc_pools *head, uint64_t size, struct myc_pool_shape *shape)
{
	if (head->version != MYC_POOL_VERSION || head->classes > MYC_POOL_CLASSES || !head->peers ||
	    head->peers > UINT16_MAX - 1 || !head->loans || head->loans > MYC_POOL_LOANS_MAX ||
	    !myc_power_of_two(head->slots) || head->slots > MYC_POOL_SLOTS_MAX)
		return -EPROTO;
	*shape = (struct myc_pool_shape){.classes = head->classes,
					 .loans = head->loans,
					 .slots = head->slots,
					 .peers = head->peers};
	for (uint32_t c = 0; c < head->classes; c++) {
		uint32_t bytes = head->size_class[c].size, buffers = head->size_class[c].count;

		if (!bytes || bytes % 64 || bytes > MYC_POOL_SIZE_MAX || !buffers ||
		    buffers > MYC_POOL_BUFFERS_MAX || (c && bytes <= head->size_class[c - 1].size))
			return -EPROTO;
		shape->size_class[c].size = bytes;
		shape->size_class[c].count = buffers;
		shape->size_class[c].first = shape->buffers;
		shape->buffers += buffers;
	}
	shape->directory = sizeof(*head);
	shape->cursors = aligned(shape->directory + shape->peers * sizeof(uint64_t));
	shape->loan = shape->cursors + shape->peers * sizeof(struct myc_return_cursor);
	shape->rings = shape->loan + shape->loans * sizeof(struct myc_loan);
	shape->headers = aligned(shape->rings +
				 (uint64_t)shape->peers * shape->slots * sizeof(struct myc_return));
	uint64_t at = aligned(shape->headers + shape->buffers * sizeof(struct myc_buffer));

	for (uint32_t c = 0; c < shape->classes; c++) {
		shape->size_class[c].bodies = at;
		at += (uint64_t)shape->size_class[c].size * shape->size_class[c].count;
	}
	shape->size = at;
	return at <= size ? 0 : -EPROTO;
}

void myc_pool_head(struct myc_pools *head, const struct myc_pool_opts *opts)
{
	memset(head, 0, sizeof(*head));
	head->version = MYC_POOL_VERSION;
	head->peers = opts->peers;
	head->loans = opts->loans ? opts->loans : LOANS;
	head->slots = opts->slots ? opts->slots : SLOTS;
	while (head->classes < MYC_POOL_CLASSES && opts->size_class[head->classes].size) {
		uint32_t c = head->classes++;

		head->size_class[c].size = opts->size_class[c].size;
		head->size_class[c].count = opts->size_class[c].count;
	}
}

int myc_pool_plan(struct myc_region_plan *plan, uint32_t source, const struct myc_pool_opts *opts)
{
	struct myc_pools head;
	struct myc_pool_shape shape;

	myc_pool_head(&head, opts);
	if (myc_pool_shape(&head, UINT64_MAX, &shape))
		return -EINVAL;
	return myc_region_plan_add(plan, MYC_BLOCK_POOL, source, shape.size);
}

/* Another's block, its head checked as a private copy. */
static const char *find_block(const struct myc_pool *pool, uint32_t process, uint32_t source,
			      struct myc_pool_shape *shape)
{
	struct myc_pools head;
	uint64_t size;
	const struct myc_pools *block =
		myc_region_block(&pool->regions[process], MYC_BLOCK_POOL, source, &size);

	/* Acquire: the constants. Pairs with myc_pool_open. */
	if (!block || size < sizeof(head) || !__atomic_load_n(&block->version, __ATOMIC_ACQUIRE))
		return NULL;
	/* The constants only: the rest is being written. */
	memcpy(&head, block, offsetof(struct myc_pools, incarnation));
	memcpy(head.size_class, block->size_class, sizeof(head.size_class));
	myc_order_copied(&head);
	if (!myc_pool_shape(&head, size, shape))
		return (const char *)block;
	return NULL;
}

/* ---- whom we borrow from ----------------------------------------------------------------------- */

static uint64_t *directory(const struct myc_pool *pool)
{
	return (uint64_t *)(void *)(pool->body + pool->shape.directory);
}

int myc_pool_peer_make(struct myc_pool *pool, uint32_t process, uint32_t source)
{
	uint64_t owner = myc_lane_end(process, source);
	struct myc_pool_shape shape;
	const char *block = find_block(pool, process, source, &shape);
	uint32_t i = 0;

	if (!block)
		return -1;
	while (i < pool->shape.peers && pool->peer[i].owner && pool->peer[i].owner != owner)
		i++;
	if (i == pool->shape.peers) {
		myc_pool_fault_count(pool, MYC_POOL_FAULT_RINGS);
		return -1;
	}
	struct myc_pool_peer *peer = &pool->peer[i];

	peer->block = block;
	peer->shape = shape;
	peer->owner = owner;
	pool->peer_of[process * MYC_SOURCES_OF_PROCESS + source] = (uint16_t)(i + 1);
	if (directory(pool)[i] != owner) {
		/* Release: the ring, which is empty. Pairs with myc_pool_scan_source. */
		__atomic_store_n(&directory(pool)[i], owner, __ATOMIC_RELEASE);
		MYC_POINT("peer: announced");
		pool->announce = pool->announce || owner != pool->end;
	}
	return (int)i;
}

/* Where the owner says how far it has read our ring. */
const struct myc_return_cursor *myc_pool_find_cursor(const struct myc_pool *pool,
						     const struct myc_pool_peer *peer)
{
	if (!peer->block)
		return NULL;
	const struct myc_return_cursor *cursor = (const void *)(peer->block + peer->shape.cursors);

	for (uint32_t i = 0; i < peer->shape.peers; i++)
		/* Acquire: pairs with inward_open. */
		if (__atomic_load_n(&cursor[i].source, __ATOMIC_ACQUIRE) == pool->end)
			return &cursor[i];
	return NULL;
}

bool myc_pool_ring_full(const struct myc_pool *pool, struct myc_pool_peer *peer)
{
	if (peer->head - peer->seen < pool->shape.slots)
		return false;
	if (!peer->cursor)
		peer->cursor = myc_pool_find_cursor(pool, peer);
	if (!peer->cursor)
		return true;
	/* Acquire: its reads of those slots come before our writes. Pairs with collect_one. A hostile
	 * cursor makes us overwrite what it has not read, or wait: its own buffers. */
	peer->seen = __atomic_load_n(&peer->cursor->next, __ATOMIC_ACQUIRE);
	return peer->head - peer->seen >= pool->shape.slots;
}

/* ---- owner ------------------------------------------------------------------------------------- */

int myc_pool_take_elsewhere(struct myc_pool *pool, uint32_t size, uint32_t *hold)
{
	bool fits = false, larger = false;

	myc_pool_collect(pool, UINT32_MAX);
	for (uint32_t c = 0; c < pool->shape.classes; c++) {
		if (size > pool->shape.size_class[c].size)
			continue;
		if (pool->free[c] != MYC_POOL_NONE) {
			*hold = myc_pool_take_from(pool, c);
			if (larger)
				myc_pool_count(&pool->block->takes_larger);
			return 0;
		}
		larger = fits = true;
	}
	myc_pool_count(&pool->block->takes_refused);
	return fits ? -ENOBUFS : -EMSGSIZE;
}

enum myc_pool_fault myc_pool_return_check(const struct myc_pool *pool, uint32_t name,
					  uint32_t generation, uint32_t weight, uint32_t *header)
{
	uint32_t c = myc_buffer_class(name);

	if (c >= pool->shape.classes || myc_buffer_index(name) >= pool->shape.size_class[c].count)
		return MYC_POOL_FAULT_BUFFER;
	if (!weight || weight > MYC_WEIGHT_FULL)
		return MYC_POOL_FAULT_WEIGHT;
	*header = myc_pool_header(pool, name);
	if (pool->buffer[*header].generation != generation)
		return MYC_POOL_FAULT_GENERATION;
	return weight > pool->buffer[*header].out ? MYC_POOL_FAULT_EXCESS : MYC_POOL_FINE;
}

void myc_pool_came_home(struct myc_pool *pool, uint32_t name, uint32_t header)
{
	const struct myc_buffer *buffer = &pool->buffer[header];

	if (!buffer->out && buffer->incarnation != pool->incarnation)
		myc_pool_free_push(pool, myc_buffer_class(name), header);
}

/* The next piece of this ring. False: there is none, or the ring has a fault. */
static bool collect_one(struct myc_pool *pool, uint32_t inward)
{
	struct myc_pool_inward *in = &pool->inward[inward];
	const struct myc_return *slot = &in->slot[in->next & in->mask];
	struct myc_return_cursor *cursor =
		(struct myc_return_cursor *)(void *)(pool->body + pool->shape.cursors) + inward;
	struct myc_pool_redo *redo = &pool->block->redo;
	struct myc_return copy;
	/* Pairs with the release store in return_try. */
	uint64_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_ACQUIRE);
	uint32_t header = 0;

	if (sequence != in->next + 1) {
		if (sequence && sequence != in->next - in->mask && !in->faulty) {
			in->faulty = true;
			myc_pool_fault_count(pool, MYC_POOL_FAULT_SEQUENCE);
		}
		return false;
	}
	memcpy(&copy, slot, sizeof(copy));
	myc_order_copied(&copy);
	in->faulty = false;
	enum myc_pool_fault fault =
		myc_pool_return_check(pool, copy.buffer, copy.generation, copy.weight, &header);

	if (fault) {
		myc_pool_fault_count(pool, fault);
	} else {
		struct myc_buffer *buffer = &pool->buffer[header];
		uint32_t after = buffer->out - copy.weight;

		redo->change = (uint64_t)header << 32 | after;
		myc_order_for_successor();
		MYC_POINT("collect: change written");
		__atomic_store_n(&redo->commit, (uint64_t)inward << 48 | (in->next + 1),
				 __ATOMIC_RELAXED);
		myc_order_for_successor();
		MYC_POINT("collect: intended");
		buffer->out = after;
		myc_order_for_successor();
		MYC_POINT("collect: counted");
	}
	in->next++;
	/* Release: our copy of the slot. Pairs with myc_pool_ring_full. */
	__atomic_store_n(&cursor->next, in->next, __ATOMIC_RELEASE);
	MYC_POINT("collect: cursor stored");
	myc_pool_count(&pool->block->returns);
	if (!fault)
		myc_pool_came_home(pool, copy.buffer, header);
	return true;
}

unsigned myc_pool_collect_ring(struct myc_pool *pool, uint32_t inward, unsigned budget)
{
	uint32_t slots = pool->inward[inward].mask + 1;
	unsigned n = 0;

	/* What it holds: who goes on writing is not waited for. */
	while (n < budget && n < slots && collect_one(pool, inward))
		n++;
	return n;
}

/* Our cursor for this borrower's ring, which lies there. */
static void inward_open(struct myc_pool *pool, uint64_t source, const struct myc_return *ring,
			uint32_t slots)
{
	struct myc_return_cursor *cursor = (void *)(pool->body + pool->shape.cursors);

	for (uint32_t i = 0; i < pool->shape.peers; i++) {
		if (cursor[i].source && cursor[i].source != source)
			continue;
		struct myc_pool_inward *in = &pool->inward[i];

		in->source = source;
		in->slot = ring;
		in->mask = slots - 1;
		in->next = cursor[i].next;
		if (pool->inwards <= i)
			pool->inwards = i + 1;
		/* Release: next. Pairs with myc_pool_find_cursor. */
		__atomic_store_n(&cursor[i].source, source, __ATOMIC_RELEASE);
		MYC_POINT("inward: cursor given");
		return;
	}
	myc_pool_fault_count(pool, MYC_POOL_FAULT_RINGS);
}

void myc_pool_scan_source(struct myc_pool *pool, uint32_t process, uint32_t source)
{
	struct myc_pool_shape shape;
	uint64_t end = myc_lane_end(process, source);

	if (process >= pool->processes || source >= MYC_SOURCES_OF_PROCESS || end == pool->end)
		return;
	for (uint32_t i = 0; i < pool->inwards; i++)
		if (pool->inward[i].source == end)
			return;
	const char *block = find_block(pool, process, source, &shape);

	if (!block)
		return;
	const uint64_t *word = (const void *)(block + shape.directory);

	for (uint32_t i = 0; i < shape.peers; i++) {
		/* Acquire: the ring. Pairs with myc_pool_peer_make. */
		if (__atomic_load_n(&word[i], __ATOMIC_ACQUIRE) != pool->end)
			continue;
		inward_open(pool, end,
			    (const struct myc_return *)(const void *)(block + shape.rings) +
				    (uint64_t)i * shape.slots,
			    shape.slots);
		return;
	}
}
