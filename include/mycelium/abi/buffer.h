/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message buffers: what one executor (or attached thread) keeps in its region about the buffers of
 * its own pools and about those it has borrowed. One block (MYC_BLOCK_POOL, index = source), written
 * by that source alone; others map it read-only, copy what they read and check the copy.
 *
 *   owner's region                              borrower's region
 *   struct myc_pools                            struct myc_pools
 *     cursor[]: returns read    <- full? -        directory[]: whose ring  -- found by -> owner
 *     buffer[]: headers, weight out               loan[]: the ledger, what is borrowed
 *     bodies, by size class     <- read -         return rings, one an owner -- read by -> owner
 *
 * Weights. A buffer has the weight 2^31. What of it is neither in its owner's hand nor home is `out`:
 * in messages (struct myc_reference, in lanes, outboxes, pending queues), in loans, in return rings.
 * At every moment out = the sum of those; myc_census_* (memory/pool.h) counts it.
 *
 * Pairs of release store and acquire load:
 *   myc_return.sequence        (borrower) -> owner: the slot; all the borrower's reads of the body
 *   myc_return_cursor.next     (owner)    -> borrower: the slots before it may be written again
 *   myc_return_cursor.source   (owner)    -> borrower: this cursor is that borrower's ring's
 *   directory[]                (borrower) -> owner: the ring is laid out
 *   version                    (source)   -> all: the constants are there
 *   slot.sequence of the lane  (sender)   -> receiver: body written before its reference
 * All else is read by its writer and the writer's successor only.
 */
#ifndef MYCELIUM_ABI_BUFFER_H
#define MYCELIUM_ABI_BUFFER_H

#include <stdint.h>

#define MYC_POOL_VERSION     1
#define MYC_POOL_CLASSES     8
#define MYC_POOL_BUFFERS_MAX (1u << 24) /* of one class */
#define MYC_POOL_SIZE_MAX    (1u << 30) /* bytes of one buffer */
#define MYC_POOL_LOANS_MAX   (1u << 24)
#define MYC_POOL_SLOTS_MAX   (1u << 16) /* of one return ring */
#define MYC_WEIGHT_FULL	     0x80000000u

/* A piece of a buffer's weight on its way, in a message's payload. Hostile until copied and checked
 * (myc_pool_check). Content: `size` bytes from `offset` of the buffer. */
struct myc_reference {
	uint16_t process, source; /* the owner */
	uint32_t buffer;	  /* class << 24 | index in the class */
	uint32_t generation;	  /* of the buffer, when it was taken */
	uint32_t weight;	  /* 1..MYC_WEIGHT_FULL */
	uint32_t offset, size;
};
_Static_assert(sizeof(struct myc_reference) == 24, "leaves 16 bytes of a slot's payload");

/*
 * A buffer's header.
 *
 *	              lend a part         lend the rest, or give it up
 *	        take    +--+  +-- in hand, pieces out --+
 *	FREE ------> IN HAND -+                         +-> OUT ------------------> FREE
 *	  ^     give    |                                     the last piece home
 *	  +-------------+
 *
 * In hand: incarnation is that of the owner that lives; its death makes that FREE or OUT, without a
 * store. Free: not in hand, and out = 0.
 */
struct myc_buffer {
	uint64_t
		incarnation; /* of the owner that has the rest (full weight - out) in hand, 0 = nobody */
	uint32_t out;	     /* weight */
	uint32_t generation; /* times it was taken; wraps */
	uint64_t reserved[2];
};
_Static_assert(sizeof(struct myc_buffer) == 32, "layout");

/* One piece on its way home. */
struct myc_return {
	uint64_t sequence; /* return number n (1, 2, ...) has n, stored last; 0 = never used */
	uint32_t buffer, generation, weight;
	uint32_t reserved[3];
};
_Static_assert(sizeof(struct myc_return) == 32, "two in a cache line");

/* How far an owner has read one borrower's ring. A line each: borrowers look at them. */
struct myc_return_cursor {
	uint64_t source; /* myc_lane_end of the borrower, 0 = free; stored once */
	uint64_t next;	 /* returns read */
	uint64_t reserved[6];
};
_Static_assert(sizeof(struct myc_return_cursor) == 64, "one cache line");

/*
 * A loan: a piece of weight in this holder's ledger.
 *
 *	       credit              lend, all of it          message done
 *	FREE ----------> HELD --------------------> SPENT ---------------> FREE
 *	                  |  ^  crashed before it was published
 *	            return|  |
 *	                  v  |             published
 *	             RETURNING(ring, n) ---------------------------------> FREE
 *
 * SPENT is HELD with weight 0: while the message it came with is in hand it tells a successor that
 * this message's weight was taken. state = kind 8 | ring 16 | n 40, stored last.
 */
enum myc_loan_state { MYC_LOAN_FREE = 0, MYC_LOAN_HELD = 1, MYC_LOAN_RETURNING = 2 };

struct myc_loan {
	uint64_t state;
	uint64_t origin; /* core's name of the message it came with while that is in hand; else 0 */
	uint64_t owner;	 /* myc_lane_end */
	uint32_t buffer, generation;
	uint32_t weight;
	uint32_t offset, size;
	uint32_t reserved[5];
};
_Static_assert(sizeof(struct myc_loan) == 64, "one cache line");

static inline uint64_t myc_loan_returning(uint32_t ring, uint64_t number)
{
	return (uint64_t)MYC_LOAN_RETURNING << 56 | (uint64_t)(ring & 0xffff) << 40 |
	       (number & 0xffffffffffull);
}
static inline uint64_t myc_loan_held(void)
{
	return (uint64_t)MYC_LOAN_HELD << 56;
}
static inline uint32_t myc_loan_kind(uint64_t state)
{
	return (uint32_t)(state >> 56);
}
static inline uint32_t myc_loan_ring(uint64_t state)
{
	return (uint32_t)(state >> 40) & 0xffff;
}
static inline uint64_t myc_loan_number(uint64_t state)
{
	return state & 0xffffffffffull;
}

/* The change of two words that is being made, so that a successor finishes it or takes it back.
 * `what` is stored last, and cleared when it is done. */
enum myc_pool_what {
	MYC_POOL_NOTHING = 0,
	MYC_POOL_LEND_OWN =
		1, /* buffer `target`: out = after when `ticket` was published, else before */
	MYC_POOL_LEND_LOAN = 2, /* loan `target`: weight, in the same way */
	MYC_POOL_HOME = 3,	/* own buffer `target`: out = after; loan `other`: free */
	MYC_POOL_MERGE = 4,	/* loan `target`: weight = after; loan `other`: free */
};

struct myc_pool_intent {
	uint64_t ticket; /* core's name of the message being sent; not 0 */
	uint32_t what;	 /* enum myc_pool_what */
	uint32_t target;
	uint32_t before, after;
	uint32_t other;
	uint32_t reserved[9];
};
_Static_assert(sizeof(struct myc_pool_intent) == 64, "one cache line");

/* A return that is being counted: buffer `change >> 32` gets out = low half of `change`, and
 * cursor `commit >> 48` becomes the low 48 bits of `commit`; done when that cursor is there. */
struct myc_pool_redo {
	uint64_t change;
	uint64_t commit; /* stored after change */
	uint64_t reserved[6];
};
_Static_assert(sizeof(struct myc_pool_redo) == 64, "one cache line");

/* What references, rings and ledgers can have wrong. X(name, text) */
#define MYC_POOL_FAULTS(X)                                                       \
	X(OWNER, "reference: its owner is none of this system, or has no pools") \
	X(BUFFER, "reference or return: no such buffer")                         \
	X(WEIGHT, "reference or return: a weight that cannot be")                \
	X(BOUNDS, "reference: content outside its buffer")                       \
	X(GENERATION, "return: the buffer has been given out anew since")        \
	X(EXCESS, "return: more comes home than is out")                         \
	X(SEQUENCE, "return ring: a sequence that cannot be there; not read on") \
	X(LAYOUT, "a block does not add up")                                     \
	X(RINGS, "no ring or cursor left for one more peer")                     \
	X(LEDGER, "own block, after a crash: an entry that cannot be; given up")

enum myc_pool_fault {
	MYC_POOL_FINE = 0,
#define MYC_POOL_FAULT_ENUM(name, text) MYC_POOL_FAULT_##name,
	MYC_POOL_FAULTS(MYC_POOL_FAULT_ENUM)
#undef MYC_POOL_FAULT_ENUM
		MYC_POOL_FAULTS_COUNT
};

/* Head of the block. After it, each aligned to 64 bytes: uint64_t directory[peers], cursor[peers],
 * loan[loans], peers * slots returns, buffer[all], the bodies of class 0, 1, ... */
struct myc_pools {
	/* constant once laid out */
	uint32_t version; /* MYC_POOL_VERSION, written last; 0 = not laid out yet */
	uint32_t classes;
	uint32_t peers; /* others' (and own) pools it may borrow from, and borrowers it may have */
	uint32_t loans;
	uint32_t slots; /* of a return ring, a power of two */
	uint32_t reserved[3];
	uint64_t incarnation; /* of the source that opened it last */
	uint64_t reserved1[3];
	struct {
		uint32_t size;	/* bytes, a multiple of 64, ascending */
		uint32_t count; /* buffers */
	} size_class[MYC_POOL_CLASSES];
	struct myc_pool_redo redo;
	struct myc_pool_intent intent;
	/* counters since the region was made */
	uint64_t takes_refused;			    /* no buffer of this size or larger was free */
	uint64_t takes_larger;			    /* served from a larger class */
	uint64_t returns;			    /* pieces that came home by rings */
	uint64_t returns_waited;		    /* pieces whose ring was full */
	uint64_t merged;			    /* pieces */
	uint64_t splits_refused;		    /* at weight 1: to be copied */
	uint64_t faults[MYC_POOL_FAULTS_COUNT - 1]; /* by enum myc_pool_fault - 1 */
};
_Static_assert(sizeof(struct myc_pools) == 384, "layout");
_Static_assert(MYC_POOL_FAULTS_COUNT - 1 == 10, "the counters fill two lines");

static inline uint32_t myc_buffer_name(uint32_t size_class, uint32_t index)
{
	return size_class << 24 | index;
}
static inline uint32_t myc_buffer_class(uint32_t name)
{
	return name >> 24;
}
static inline uint32_t myc_buffer_index(uint32_t name)
{
	return name & 0xffffff;
}

#endif
