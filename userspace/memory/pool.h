/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message buffers: pools of size classes in the sender's region, lent by weight, read in place, home by
 * return rings. What is shared, and the sums that hold, is mycelium/abi/buffer.h; here is the private
 * end of one source (executor or attached thread), which is owner of its pools and holder of loans from
 * others at once. One thread. Nothing here blocks, allocates (after open) or calls the kernel.
 *
 * A hold names what this end has: a buffer of its own that it took, or a loan.
 *
 *	owner    take -> write -> lend (to one, or shares to many) ...... collect -> free again
 *	                     \--> give (nobody got it)
 *	holder   check -> begin the message -> credit -> [read, lend on, keep] -> message done -> done
 *	                                                                        \-> kept: ... -> give
 *
 * A piece goes home only when no other piece of its buffer stays here: else it is merged into that.
 * When its return ring is full it waits in the ledger (flush).
 *
 * Sending a hold is three steps, because the message and the weight lie in different places:
 *	myc_pool_lend(.., ticket, &reference)   the weight is debited; `ticket` says where the message
 *	                                        will be published (a lane and its number, an outbox order)
 *	publish the message with the reference
 *	myc_pool_lent                           settled
 * Killed between, the successor asks myc_pool_ticket, looks whether that message was published, and
 * says so to myc_pool_settle. Likewise `origin` names the received message a loan came with (any
 * number that is not 0 and that only this message has while it is in hand).
 *
 * A successor (or the caretaker of a region whose owner will not come back):
 *	myc_pool_open      finishes what was half done in this block
 *	myc_pool_settle    when myc_pool_ticket is not 0
 *	myc_pool_find      for each message in doubt, before any is handled: the loan it was credited as
 *	myc_pool_recovered all other loans go home, free lists are rebuilt from the headers
 *	myc_pool_flush     until nothing waits
 *
 * A ledger that a wild pointer has written over (fault LEDGER) has lost what those entries named: it stays out until a
 * cold start, at most `loans` pieces of a source, and the census tells how much. An owner cannot take it back: weight goes
 * from holder to holder without its knowledge, so it would have to be sure that nobody else has it, at one moment in all
 * processes, lanes and threads. A few buffers less harm nobody; one that is given out anew while somebody reads it does.
 *
 * After a kill -9 no weight is lost and none comes home twice; what is delayed is found by the
 * successor. Buffers that the dead one had in hand are free again, those that are out stay readable.
 */
#ifndef MYC_MEMORY_POOL_H
#define MYC_MEMORY_POOL_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <mycelium/abi/buffer.h>
#include <mycelium/abi/lane.h>

#include "memory/order.h"
#include "memory/region.h"

#ifndef MYC_POINT
#define MYC_POINT(name) ((void)0)
#endif

#define MYC_POOL_NONE UINT32_MAX
#define MYC_HOLD_NONE UINT32_MAX
#define MYC_HOLD_OWN  0x80000000u /* hold = this | buffer's name; else a loan's index */

/* Where the parts of a checked block are. */
struct myc_pool_shape {
	uint32_t classes, loans, slots, peers, buffers;
	struct {
		uint32_t size, count;
		uint32_t first; /* header of its buffer 0 */
		uint64_t bodies;
	} size_class[MYC_POOL_CLASSES];
	uint64_t directory, cursors, loan, rings, headers, size; /* offsets in the block */
};

/* An owner we have or had something of. Its index is that of our return ring for it. */
struct myc_pool_peer {
	uint64_t owner;				/* myc_lane_end, 0 = unused */
	const char *block;			/* its block; NULL: not seen yet */
	const struct myc_return_cursor *cursor; /* NULL until it has found our ring */
	struct myc_return *slot;		/* our ring */
	uint64_t head, seen;			/* returns published; cursor as last loaded */
	struct myc_pool_shape shape;
};

/* A borrower's ring that comes to us. Its index is that of our cursor for it. */
struct myc_pool_inward {
	uint64_t source;
	const struct myc_return *slot; /* the borrower's: hostile until copied */
	uint32_t mask;
	bool faulty; /* its present fault is counted */
	uint64_t next;
};

/* What we know of a loan beyond the region. */
struct myc_pool_note {
	uint32_t next;	/* free list, or the queue of those that wait for their ring */
	uint32_t chain; /* others of the same bucket: kept or waiting */
	uint32_t tag;
	uint16_t peer;
	bool kept, claimed;
};

struct myc_pool {
	struct myc_pools *block;
	struct myc_pool_shape shape;
	uint64_t end; /* myc_lane_end of ourselves */
	uint64_t incarnation;
	const struct myc_region *regions;
	uint32_t processes;

	struct myc_buffer *buffer;
	char *body; /* the block again, for offsets */
	uint32_t free[MYC_POOL_CLASSES];
	uint32_t *buffer_next;
	uint32_t *buffer_tag;

	struct myc_loan *loan;
	struct myc_pool_note *note;
	uint32_t loan_free, loans_used, kept;
	uint32_t *bucket; /* of kept and waiting loans, by buffer */
	uint32_t bucket_mask, indexed;
	uint32_t wait_first, wait_last, waiting;

	struct myc_pool_peer *peer;
	uint16_t *peer_of; /* process * MYC_SOURCES_OF_PROCESS + source -> index + 1 */
	struct myc_pool_inward *inward;
	uint32_t inwards;
	/* A ring was made: its owner must be told to look (myc_pool_scan_source). Set here, cleared by
	 * whoever tells. */
	bool announce;
};

/* ---- planning and opening -------------------------------------------------------------------- */

struct myc_pool_opts {
	struct {
		uint32_t
			size; /* bytes of a buffer, a multiple of 64, ascending; 0 = no more classes */
		uint32_t count;
	} size_class[MYC_POOL_CLASSES];
	uint32_t peers; /* sources in the workspace, this one among them */
	uint32_t loans; /* pieces it can have at once, 0 = 1024: at most 3/4 of them are kept */
	uint32_t slots; /* of a return ring, a power of two, 0 = 256 */
};

/* Adds the block of this source. -EINVAL: options that cannot be; and what myc_region_plan_add says. */
int myc_pool_plan(struct myc_region_plan *plan, uint32_t source, const struct myc_pool_opts *opts);
/* The shape of a block with this head. -EPROTO: does not add up, or does not fit in `size` bytes. */
int myc_pool_shape(const struct myc_pools *head, uint64_t size, struct myc_pool_shape *shape);

struct myc_pool_place {
	uint32_t process, source;
	uint64_t incarnation;		  /* of this start of the process, not 0 */
	const struct myc_region *regions; /* [process] read-write; outlives the pool */
	uint32_t processes;
};

/* This source's end, with what predecessors left; see above for what a successor calls after it. A
 * first one calls myc_pool_recovered too. -EPROTO: no block, or one of other options; -ENOMEM. */
int myc_pool_open(struct myc_pool *pool, const struct myc_pool_place *place,
		  const struct myc_pool_opts *opts);
void myc_pool_close(struct myc_pool *pool);

/* Ticket of the message that was being sent, 0 = none. */
uint64_t myc_pool_ticket(const struct myc_pool *pool);
void myc_pool_settle(struct myc_pool *pool, bool published);
/* The loan with this origin, which stays; MYC_HOLD_NONE: it was not credited yet. One of weight 0:
 * its weight was lent on (or merged) before the crash, and with it the right to read. */
uint32_t myc_pool_find(struct myc_pool *pool, uint64_t origin);
/* Is there one? It does not stay for that. */
bool myc_pool_loaned(const struct myc_pool *pool, uint64_t origin);
void myc_pool_recovered(struct myc_pool *pool);

/* ---- the slow halves of what is below -------------------------------------------------------- */

int myc_pool_take_elsewhere(struct myc_pool *pool, uint32_t size, uint32_t *hold);
/* Index of the owner in pool->peer, or -1: not laid out yet, none of this system, or no ring left. */
int myc_pool_peer_make(struct myc_pool *pool, uint32_t process, uint32_t source);
void myc_pool_go_home(struct myc_pool *pool, uint32_t index);
void myc_pool_keep_on(struct myc_pool *pool, uint32_t index);
void myc_pool_keep_end(struct myc_pool *pool, uint32_t index);
unsigned myc_pool_collect_ring(struct myc_pool *pool, uint32_t inward, unsigned budget);

static inline void myc_pool_fault_count(struct myc_pool *pool, enum myc_pool_fault fault)
{
	uint64_t *counter = &pool->block->faults[fault - 1];

	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

/* ---- owner ----------------------------------------------------------------------------------- */

static inline void myc_pool_free_push(struct myc_pool *pool, uint32_t size_class, uint32_t header)
{
	pool->buffer_next[header] = pool->free[size_class];
	pool->free[size_class] = header;
}

static inline uint32_t myc_pool_header(const struct myc_pool *pool, uint32_t name)
{
	return pool->shape.size_class[myc_buffer_class(name)].first + myc_buffer_index(name);
}

/* The first free buffer of this class; there must be one. */
static inline uint32_t myc_pool_take_from(struct myc_pool *pool, uint32_t size_class)
{
	uint32_t header = pool->free[size_class];
	struct myc_buffer *buffer = &pool->buffer[header];

	pool->free[size_class] = pool->buffer_next[header];
	pool->buffer_tag[header] = 0;
	buffer->generation++;
	buffer->incarnation = pool->incarnation;
	MYC_POINT("take: taken");
	return MYC_HOLD_OWN |
	       myc_buffer_name(size_class, header - pool->shape.size_class[size_class].first);
}

/* A buffer of at least `size` bytes, all its weight in hand. -ENOBUFS: none is free, this size and
 * larger; -EMSGSIZE: larger than the largest class. */
static inline int myc_pool_take(struct myc_pool *pool, uint32_t size, uint32_t *hold)
{
	for (uint32_t c = 0; c < pool->shape.classes; c++) {
		if (size > pool->shape.size_class[c].size)
			continue;
		if (pool->free[c] == MYC_POOL_NONE)
			break;
		*hold = myc_pool_take_from(pool, c);
		return 0;
	}
	return myc_pool_take_elsewhere(pool, size, hold);
}

/* Where to write a buffer that was taken, before any of it is lent; `size` (may be NULL): its bytes.
 * NULL for a loan: others' buffers are read only. */
static inline void *myc_pool_body(const struct myc_pool *pool, uint32_t hold, uint32_t *size)
{
	if (!(hold & MYC_HOLD_OWN) || hold == MYC_HOLD_NONE)
		return NULL;
	uint32_t c = myc_buffer_class(hold & ~MYC_HOLD_OWN), index = myc_buffer_index(hold);

	if (size)
		*size = pool->shape.size_class[c].size;
	return pool->body + pool->shape.size_class[c].bodies +
	       (uint64_t)index * pool->shape.size_class[c].size;
}

/* Looks at borrowers' rings: pieces that came home. Returns how many, at most about budget. */
static inline unsigned myc_pool_collect(struct myc_pool *pool, unsigned budget)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < pool->inwards && n < budget; i++) {
		const struct myc_pool_inward *in = &pool->inward[i];
		const struct myc_return *slot = &in->slot[in->next & in->mask];
		uint64_t sequence = __atomic_load_n(&slot->sequence, __ATOMIC_RELAXED);

		if (sequence && sequence != in->next - in->mask)
			n += myc_pool_collect_ring(pool, i, budget - n);
	}
	return n;
}

/* Does this source have rings for us that we do not know? When its `announce` was passed on, and once
 * for each source at start. */
void myc_pool_scan_source(struct myc_pool *pool, uint32_t process, uint32_t source);

/* ---- reading --------------------------------------------------------------------------------- */

/* The content of a reference. Its owner can still write there (it is broken then): what is loaded from
 * it is loaded once, clamped, checked, used. */
struct myc_view {
	const uint8_t *data;
	uint32_t size;
};

static inline int myc_pool_peer_find(struct myc_pool *pool, uint32_t process, uint32_t source)
{
	if (process >= pool->processes || source >= MYC_SOURCES_OF_PROCESS)
		return -1;
	uint32_t peer = pool->peer_of[process * MYC_SOURCES_OF_PROCESS + source];

	return peer && pool->peer[peer - 1].block ? (int)peer - 1
						  : myc_pool_peer_make(pool, process, source);
}

/* Checks a reference that was copied from a message. FINE: `view` is its content, which may be read
 * as long as its weight is held here. Changes nothing but that a ring may be made. A stale reference
 * to a buffer given out anew cannot be told from a good one here (its header is another core's
 * line): the owner refuses it when it comes home. */
static inline enum myc_pool_fault myc_pool_check(struct myc_pool *pool,
						 const struct myc_reference *reference,
						 struct myc_view *view)
{
	int peer = myc_pool_peer_find(pool, reference->process, reference->source);
	uint32_t c = myc_buffer_class(reference->buffer);
	uint32_t index = myc_buffer_index(reference->buffer);

	if (peer < 0)
		return MYC_POOL_FAULT_OWNER;
	const struct myc_pool_shape *shape = &pool->peer[peer].shape;

	if (c >= shape->classes || index >= shape->size_class[c].count)
		return MYC_POOL_FAULT_BUFFER;
	if (!reference->weight || reference->weight > MYC_WEIGHT_FULL)
		return MYC_POOL_FAULT_WEIGHT;
	uint32_t size = shape->size_class[c].size;

	if (reference->size > size || reference->offset > size - reference->size)
		return MYC_POOL_FAULT_BOUNDS;
	view->data = (const uint8_t *)pool->peer[peer].block + shape->size_class[c].bodies +
		     (uint64_t)index * size + reference->offset;
	view->size = reference->size;
	return MYC_POOL_FINE;
}

/* `size` bytes at `offset`, or NULL when they are not all inside. */
static inline const void *myc_view_at(const struct myc_view *view, uint32_t offset, uint32_t size)
{
	return size > view->size || offset > view->size - size ? NULL : view->data + offset;
}

/* Copies what there is of `size` bytes at `offset`; returns how many that were. */
static inline uint32_t myc_view_copy(const struct myc_view *view, uint32_t offset, void *to,
				     uint32_t size)
{
	if (offset >= view->size)
		return 0;
	if (size > view->size - offset)
		size = view->size - offset;
	memcpy(to, view->data + offset, size);
	myc_order_copied(to);
	return size;
}

/* ---- holder ---------------------------------------------------------------------------------- */

/* Is there room in the ledger for one more? Else leave the message where it is: some piece waits for
 * its ring, or is kept. */
static inline bool myc_pool_room(const struct myc_pool *pool)
{
	return pool->loan_free != MYC_POOL_NONE;
}

/* The weight of a message in hand becomes ours. The reference has passed myc_pool_check, there is
 * room, and the message was marked begun. */
static inline uint32_t myc_pool_credit(struct myc_pool *pool, const struct myc_reference *reference,
				       uint64_t origin)
{
	uint32_t index = pool->loan_free;
	struct myc_loan *loan = &pool->loan[index];
	struct myc_pool_note *note = &pool->note[index];
	uint32_t peer =
		pool->peer_of[reference->process * MYC_SOURCES_OF_PROCESS + reference->source];

	pool->loan_free = note->next;
	pool->loans_used++;
	*note = (struct myc_pool_note){.peer = (uint16_t)(peer - 1)};
	loan->origin = origin;
	loan->owner = myc_lane_end(reference->process, reference->source);
	loan->buffer = reference->buffer;
	loan->generation = reference->generation;
	loan->weight = reference->weight;
	loan->offset = reference->offset;
	loan->size = reference->size;
	myc_order_for_successor();
	MYC_POINT("credit: written, not held");
	__atomic_store_n(&loan->state, myc_loan_held(), __ATOMIC_RELAXED);
	MYC_POINT("credit: held");
	return index;
}

static inline void myc_pool_loan_end(struct myc_pool *pool, uint32_t index)
{
	myc_order_for_successor();
	__atomic_store_n(&pool->loan[index].state, MYC_LOAN_FREE, __ATOMIC_RELAXED);
	MYC_POINT("loan: free");
	pool->note[index].next = pool->loan_free;
	pool->loan_free = index;
	pool->loans_used--;
}

/* The message a loan came with is done (it is counted in its flow, so that no successor takes it for in
 * doubt): the piece goes home unless it was lent on or kept. Once for each credit. */
static inline void myc_pool_done(struct myc_pool *pool, uint32_t hold)
{
	struct myc_pool_note *note = &pool->note[hold];

	if (pool->loan[hold].weight && note->kept) {
		myc_pool_keep_on(pool, hold);
	} else if (pool->loan[hold].weight) {
		myc_pool_go_home(pool, hold);
	} else {
		/* Lent on; it may have been kept before. */
		pool->kept -= note->kept;
		note->kept = false;
		myc_pool_loan_end(pool, hold);
	}
}

/* Beyond its message, until myc_pool_give; `tag` names who keeps it (myc_pool_give_all). While the
 * message is in hand. -ENOBUFS: 3/4 of the ledger is kept: copy; -ENODATA: it was lent on. For an own
 * buffer it sets the tag. */
int myc_pool_keep(struct myc_pool *pool, uint32_t hold, uint32_t tag);

/* Gives up a buffer that was taken, or a loan that was kept. Not what was lent whole: that hold is over,
 * its name may be another's by now. */
static inline void myc_pool_give(struct myc_pool *pool, uint32_t hold)
{
	if (!(hold & MYC_HOLD_OWN)) {
		myc_pool_keep_end(pool, hold);
		return;
	}
	uint32_t name = hold & ~MYC_HOLD_OWN, header = myc_pool_header(pool, name);
	struct myc_buffer *buffer = &pool->buffer[header];

	if (buffer->incarnation != pool->incarnation)
		return;
	buffer->incarnation = 0;
	MYC_POINT("give: given");
	if (!buffer->out)
		myc_pool_free_push(pool, myc_buffer_class(name), header);
}

/* Is there anything with this tag? As slow. */
bool myc_pool_tagged(const struct myc_pool *pool, uint32_t tag);
/* Everything with this tag: its actor has ended or is started anew. Slow. */
void myc_pool_give_all(struct myc_pool *pool, uint32_t tag);

/* Pieces that wait for room in their ring. Returns how many still wait. Each turn while waiting. */
uint32_t myc_pool_flush(struct myc_pool *pool);

/* The content of what is held. False: lent on; or the owner's layout went bad. */
bool myc_pool_view(struct myc_pool *pool, uint32_t hold, struct myc_view *view);

/* Weight of this hold; 0 = nothing (any more). */
static inline uint32_t myc_pool_weight(const struct myc_pool *pool, uint32_t hold)
{
	if (!(hold & MYC_HOLD_OWN))
		return pool->loan[hold].weight;
	const struct myc_buffer *buffer =
		&pool->buffer[myc_pool_header(pool, hold & ~MYC_HOLD_OWN)];

	return buffer->incarnation == pool->incarnation ? MYC_WEIGHT_FULL - buffer->out : 0;
}

/* ---- lending --------------------------------------------------------------------------------- */

static inline void myc_pool_intend(struct myc_pool_intent *intent, enum myc_pool_what what,
				   uint32_t target, uint32_t before, uint32_t after)
{
	intent->target = target;
	intent->before = before;
	intent->after = after;
	myc_order_for_successor();
	__atomic_store_n(&intent->what, what, __ATOMIC_RELAXED);
	myc_order_for_successor();
}

/*
 * Debits a share of this hold and writes the reference to be published under `ticket`; myc_pool_lent
 * must follow. parts 1: all of it, the hold is over; n: the n-th part, the rest stays. To many: parts
 * n, n - 1, ... 1 gives each the same. Content: `size` bytes from `offset` of what the hold shows.
 * -EMLINK: the weight cannot be parted so often: copy into a buffer of one's own. -ENODATA: nothing
 * is left of it. -EMSGSIZE: not inside. Then nothing has changed.
 */
static inline int myc_pool_lend(struct myc_pool *pool, uint32_t hold, uint32_t parts,
				uint64_t ticket, uint32_t offset, uint32_t size,
				struct myc_reference *reference)
{
	struct myc_pool_intent *intent = &pool->block->intent;
	bool own = hold & MYC_HOLD_OWN;
	uint32_t have = myc_pool_weight(pool, hold), weight = parts > 1 ? have / parts : have;
	struct myc_buffer *buffer = NULL;
	struct myc_loan *loan = NULL;
	uint32_t capacity, header = 0;

	if (own) {
		header = myc_pool_header(pool, hold & ~MYC_HOLD_OWN);
		buffer = &pool->buffer[header];
		capacity = pool->shape.size_class[myc_buffer_class(hold & ~MYC_HOLD_OWN)].size;
	} else {
		loan = &pool->loan[hold];
		capacity = loan->size;
	}
	if (!have)
		return -ENODATA;
	if (size > capacity || offset > capacity - size)
		return -EMSGSIZE;
	if (!weight) {
		__atomic_store_n(&pool->block->splits_refused, pool->block->splits_refused + 1,
				 __ATOMIC_RELAXED);
		return -EMLINK;
	}
	uint64_t owner = own ? pool->end : loan->owner;

	reference->process = (uint16_t)myc_lane_end_process(owner);
	reference->source = (uint16_t)myc_lane_end_executor(owner);
	reference->weight = weight;
	reference->size = size;
	intent->ticket = ticket;
	if (own) {
		reference->buffer = hold & ~MYC_HOLD_OWN;
		reference->generation = buffer->generation;
		reference->offset = offset;
		myc_pool_intend(intent, MYC_POOL_LEND_OWN, header, buffer->out,
				buffer->out + weight);
		MYC_POINT("lend: own, intended");
		buffer->out += weight;
	} else {
		reference->buffer = loan->buffer;
		reference->generation = loan->generation;
		reference->offset = loan->offset + offset;
		myc_pool_intend(intent, MYC_POOL_LEND_LOAN, hold, have, have - weight);
		MYC_POINT("lend: loan, intended");
		loan->weight = have - weight;
	}
	myc_order_for_successor();
	MYC_POINT("lend: debited, not published");
	return 0;
}

/* The message with the reference was published. */
static inline void myc_pool_lent(struct myc_pool *pool)
{
	struct myc_pool_intent *intent = &pool->block->intent;
	uint32_t target = intent->target;
	bool own = intent->what == MYC_POOL_LEND_OWN;

	myc_order_for_successor();
	MYC_POINT("lend: published, not settled");
	__atomic_store_n(&intent->what, MYC_POOL_NOTHING, __ATOMIC_RELAXED);
	myc_order_for_successor();
	MYC_POINT("lend: settled");
	if (own && intent->after == MYC_WEIGHT_FULL)
		pool->buffer[target].incarnation = 0;
	else if (!own && !intent->after && !pool->loan[target].origin)
		myc_pool_keep_end(pool, target);
}

/* It was not, and will not be: the weight is back in the hold. */
void myc_pool_lend_undo(struct myc_pool *pool);

/* ---- sums ------------------------------------------------------------------------------------ */

/*
 * Where the weights of one owner's buffers are, read as a successor would: right between any two
 * stores of anybody, while nobody runs. For tests and tools.
 *
 *	myc_census_begin(&census, owner's block...);
 *	for each source of the system:  myc_census_holder(&census, its block...);
 *	for each message with a reference that is published, and neither done nor credited
 *	(myc_census_credited):          myc_census_message(&census, &reference);
 *	myc_census_end(&census, &sums)
 */
struct myc_census {
	const struct myc_pools *block;
	struct myc_pool_shape shape;
	uint64_t owner;	  /* myc_lane_end */
	uint64_t *found;  /* the caller's, one for each buffer */
	uint64_t strange; /* weight under a name or a generation that the owner knows not */
	bool (*published)(void *context, uint64_t holder, uint64_t ticket);
	void *context;
};

struct myc_pool_sums {
	uint64_t total, home, out, found; /* weight; home: free, or in the owner's hand */
	uint32_t buffers, buffers_out;
	uint32_t wrong; /* header of the first buffer whose out is not what was found */
};

/* `published`: was the message of this holder (myc_lane_end) with this ticket published? -EPROTO: a
 * block that does not add up; -ENOSPC: `found` has fewer entries than there are buffers. */
int myc_census_begin(struct myc_census *census, const struct myc_pools *block, uint64_t size,
		     uint64_t owner, uint64_t *found, uint32_t found_size);
int myc_census_holder(struct myc_census *census, const struct myc_pools *block, uint64_t size,
		      uint64_t holder);
void myc_census_message(struct myc_census *census, const struct myc_reference *reference);
/* Has the holder with this block a loan for the message `origin`? */
bool myc_census_credited(const struct myc_pools *block, uint64_t size, uint64_t origin);
/* 0, or -EUCLEAN: for some buffer what was found is not what is out. */
int myc_census_end(struct myc_census *census, struct myc_pool_sums *sums);

#endif
