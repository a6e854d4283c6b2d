/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes: single-producer single-consumer rings of one-line slots, in the sender's region, read-only
 * to the receiver; the layout and who writes what is mycelium/abi/lane.h. Here are the two private
 * ends and every step on the shared words. Steps are inline: they are the hot path, and tests
 * compile them with MYC_POINT set to stop, or die, between any two stores.
 *
 * An end belongs to one thread. A killed thread's successor makes its end anew with
 * myc_lane_out_open / myc_lane_in_open, which go on where the shared words say it was:
 *   sender    what was published stays published, what was not never existed
 *   receiver  everything not `done` comes (again); the one begun and not done is in doubt
 */
#ifndef MYC_MEMORY_LANE_H
#define MYC_MEMORY_LANE_H

#include <errno.h>
#include <stddef.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <mycelium/abi/lane.h>

#include "memory/order.h"

#ifndef MYC_POINT
#define MYC_POINT(name) ((void)0)
#endif

enum myc_lane_ring { MYC_RING_ORDINARY = 0, MYC_RING_URGENT = 1, MYC_RINGS = 2 };

struct myc_lane_out {
	struct myc_slot *slot[MYC_RINGS];
	uint32_t mask[MYC_RINGS];
	uint32_t head[MYC_RINGS]; /* messages published */
	uint32_t full_at
		[MYC_RINGS]; /* head from which there is no free slot, as the cursor last said */
	struct myc_flow *flow;
	uint32_t flows;
	bool urgent_before; /* the next ordinary one is to say that urgent ones came before it */
	uint32_t
		urgent_wait; /* urgent ones that are to go before the next ordinary one: it is full to that */
	const struct myc_lane_cursor *cursor; /* NULL until the receiver has found the lane */
};

struct myc_lane_inward {
	const struct myc_slot *slot[MYC_RINGS];
	uint32_t mask[MYC_RINGS];
	uint32_t next[MYC_RINGS];      /* number of the next message, from 0 */
	uint32_t published[MYC_RINGS]; /* cursor as last stored */
	uint32_t every;		       /* the cursor is stored after this many */
	uint32_t flows;
	const struct myc_flow *flow; /* the sender's: hostile until copied */
	struct myc_lane_cursor *cursor;
	struct myc_lane_progress *progress;
	uint32_t *limit;
	uint64_t *counted;
};

static inline uint64_t myc_pair(uint32_t high, uint32_t low)
{
	return (uint64_t)high << 32 | low;
}
static inline uint32_t myc_pair_high(uint64_t pair)
{
	return (uint32_t)(pair >> 32);
}
static inline uint32_t myc_pair_low(uint64_t pair)
{
	return (uint32_t)pair;
}

/* ---- sending ------------------------------------------------------------------------------- */

/* Is there a free slot as far as we know? */
static inline bool myc_lane_free(const struct myc_lane_out *lane, enum myc_lane_ring ring)
{
	return (int32_t)(lane->head[ring] - lane->full_at[ring]) < 0;
}

/* No free slot? Looks at the receiver's cursor only when the last look says so. A hostile cursor
 * makes us write over slots that it has not read: its own loss. */
static inline bool myc_lane_full(struct myc_lane_out *lane, enum myc_lane_ring ring)
{
	if (myc_lane_free(lane, ring))
		return false;
	if (!lane->cursor || (ring == MYC_RING_ORDINARY && lane->urgent_wait))
		return true;
	/* Acquire: its reads of those slots come before our writes. Pairs with myc_lane_publish. */
	uint32_t next = __atomic_load_n(&lane->cursor->next[ring], __ATOMIC_ACQUIRE);

	if (lane->head[ring] - next > lane->mask[ring])
		return true;
	if (ring == MYC_RING_URGENT || !lane->urgent_before)
		lane->full_at[ring] = next + lane->mask[ring] + 1;
	return false;
}

/*
 * The receiver looks at its urgent ring before it looks at the ordinary one; what comes between the two
 * looks would be overtaken. So the ordinary message after an urgent one says MYC_SLOT_URGENT_BEFORE. Who
 * sends ordinary ones need not ask: after an urgent one the ordinary ring looks full until somebody has
 * taken the mark (myc_lane_mark), on the way that full lanes go.
 */
static inline void myc_lane_look_full(struct myc_lane_out *lane)
{
	lane->full_at[MYC_RING_ORDINARY] = lane->head[MYC_RING_ORDINARY];
}
static inline void myc_lane_pushed_urgent(struct myc_lane_out *lane)
{
	lane->urgent_before = true;
	myc_lane_look_full(lane);
}

/* The same as myc_lane_full for messages in the urgent ring: half of it is for signals. */
static inline bool myc_lane_full_urgent(struct myc_lane_out *lane)
{
	const enum myc_lane_ring ring = MYC_RING_URGENT;
	int32_t kept = (int32_t)(lane->mask[ring] + 1) / 2;

	if ((int32_t)(lane->full_at[ring] - lane->head[ring]) > kept)
		return false;
	if (!lane->cursor)
		return true;
	uint32_t next = __atomic_load_n(&lane->cursor->next[ring], __ATOMIC_ACQUIRE);

	if (lane->head[ring] - next > lane->mask[ring])
		return true;
	lane->full_at[ring] = next + lane->mask[ring] + 1;
	return (int32_t)(lane->full_at[ring] - lane->head[ring]) <= kept;
}

/* To be added to the kind of the next ordinary message. */
static inline uint64_t myc_lane_mark(struct myc_lane_out *lane)
{
	uint64_t mark = (uint64_t)(lane->urgent_before ? MYC_SLOT_URGENT_BEFORE : 0) << 56;

	lane->urgent_before = false;
	return mark;
}

/* Two words at once, but read one by one, as their writer wrote them just before: no load waits for two stores. */
static inline void myc_pair_copy(uint8_t *to, const uint8_t *from)
{
	typedef uint64_t word __attribute__((aligned(1), may_alias));
	const volatile word *words = (const volatile word *)from;
	const uint64_t __attribute__((vector_size(16))) pair = {words[0], words[1]};

	memcpy(to, &pair, sizeof(pair));
}

/* Up to MYC_LANE_PAYLOAD bytes, by moves that overlap instead of a call. */
static inline void myc_payload_copy(uint8_t *to, const void *payload, size_t size)
{
	const uint8_t *from = payload;

	if (__builtin_expect(size == MYC_LANE_PAYLOAD, 1)) {
		myc_pair_copy(to, from);
		myc_pair_copy(to + 16, from + 16);
		memcpy(to + 32, from + 32, 8);
	} else if (size == 8) {
		memcpy(to, from, 8);
	} else if (size >= 16) {
		memcpy(to, from, 16);
		if (size > 32)
			memcpy(to + 16, from + 16, 16);
		memcpy(to + size - 16, from + size - 16, 16);
	} else if (size > 8) {
		memcpy(to, from, 8);
		memcpy(to + size - 8, from + size - 8, 8);
	} else if (size >= 4) {
		memcpy(to, from, 4);
		memcpy(to + size - 4, from + size - 4, 4);
	} else if (size) {
		to[0] = from[0];
		to[size / 2] = from[size / 2];
		to[size - 1] = from[size - 1];
	}
}

/* Publishes one message; the lane must not be full. The words are myc_slot_kind, _to and _from. Returns
 * its number. Ordinary ones are then counted by myc_lane_sent. Died before the release store: it never
 * was. Died after it, before it is counted: myc_lane_out_open counts it. */
static inline uint32_t myc_lane_push(struct myc_lane_out *lane, enum myc_lane_ring ring,
				     uint64_t kind, uint64_t to, uint64_t from, const void *payload,
				     size_t size)
{
	uint32_t number = lane->head[ring] + 1;
	struct myc_slot *slot = &lane->slot[ring][lane->head[ring] & lane->mask[ring]];

	MYC_POINT("push: before the slot");
	myc_payload_copy(slot->payload, payload, size);
	slot->word[1] = to;
	slot->word[2] = from;
	MYC_POINT("push: written, not published");
	/* Release: header and payload. Pairs with the acquire load in myc_lane_peek. */
	__atomic_store_n(&slot->word[0], kind | number, __ATOMIC_RELEASE);
	lane->head[ring] = number;
	MYC_POINT("push: published, not counted");
	return number;
}

/* The flow's `sent` after message `number`, the count-th of the flow. */
static inline void myc_lane_sent(uint64_t *sent, uint32_t count, uint32_t number)
{
	__atomic_store_n(sent, myc_pair(count, number), __ATOMIC_RELAXED);
	MYC_POINT("push: counted");
}

/* ---- receiving ----------------------------------------------------------------------------- */

/* 0 is also the number of a message, once in 2^32. */
static inline bool myc_lane_sequence_empty(const struct myc_lane_inward *lane,
					   enum myc_lane_ring ring, uint32_t sequence)
{
	return sequence == 0 || sequence == lane->next[ring] - lane->mask[ring];
}

/* Is there something at the receiver's end (a message, or a fault)? */
static inline bool myc_lane_ready(const struct myc_lane_inward *lane, enum myc_lane_ring ring)
{
	const struct myc_slot *slot = &lane->slot[ring][lane->next[ring] & lane->mask[ring]];
	uint32_t sequence = (uint32_t)__atomic_load_n(&slot->word[0], __ATOMIC_RELAXED);

	return sequence == lane->next[ring] + 1 || !myc_lane_sequence_empty(lane, ring, sequence);
}

/* The next message where it lies, and the first word of its header: only in a lane that nobody else can write.
 * NULL: none there. */
static inline const struct myc_slot *myc_lane_look(const struct myc_lane_inward *lane,
						   enum myc_lane_ring ring, uint64_t *kind)
{
	const struct myc_slot *slot = &lane->slot[ring][lane->next[ring] & lane->mask[ring]];

	*kind = myc_order_loaded(slot->word[0]);
	return (uint32_t)*kind == lane->next[ring] + 1 ? slot : NULL;
}

/* Copies the next message out. 1: copied; 0: none there; -EPROTO: a sequence that cannot be. */
static inline int myc_lane_peek(const struct myc_lane_inward *lane, enum myc_lane_ring ring,
				struct myc_slot *copy)
{
	const struct myc_slot *slot = &lane->slot[ring][lane->next[ring] & lane->mask[ring]];
	/* Pairs with the release store in myc_lane_push. */
	uint64_t kind = __atomic_load_n(&slot->word[0], __ATOMIC_ACQUIRE);

	if ((uint32_t)kind != lane->next[ring] + 1)
		return myc_lane_sequence_empty(lane, ring, (uint32_t)kind) ? 0 : -EPROTO;
	memcpy(&copy->word[1], &slot->word[1], sizeof(*copy) - sizeof(copy->word[0]));
	myc_order_copied(copy);
	copy->word[0] = kind;
	return 1;
}

static inline void myc_lane_begin(struct myc_lane_inward *lane, enum myc_lane_ring ring)
{
	__atomic_store_n(&lane->progress->ring[ring].begun, lane->next[ring] + 1, __ATOMIC_RELAXED);
	MYC_POINT("receive: begun");
}

/* One more message of the flow is handled, with it `handled` in all (it had this position). A crash
 * sees either nothing, or counted without done, which recovery knows. */
static inline void myc_lane_count(struct myc_lane_inward *lane, uint16_t flow, uint32_t position,
				  uint32_t handled)
{
	myc_order_for_successor();
	__atomic_store_n(&lane->counted[flow], myc_pair(handled, position), __ATOMIC_RELAXED);
	myc_order_for_successor();
	MYC_POINT("receive: counted, not done");
}

/* Is a message in hand? `next`: of the first that is not done. */
static inline bool myc_progress_in_hand(uint64_t both, uint32_t *next)
{
	*next = myc_pair_low(both) == myc_pair_high(both) ? myc_pair_low(both)
							  : myc_pair_high(both) - 1;
	return myc_pair_low(both) != myc_pair_high(both);
}

/* Is message `next` in hand? */
static inline bool myc_lane_begun(const struct myc_lane_inward *lane, enum myc_lane_ring ring)
{
	return lane->progress->ring[ring].begun == lane->next[ring] + 1;
}

/* Stores that everything before `next` is done. */
static inline void myc_lane_settle(struct myc_lane_inward *lane, enum myc_lane_ring ring)
{
	myc_order_for_successor();
	__atomic_store_n(&lane->progress->ring[ring].both,
			 myc_pair(lane->next[ring], lane->next[ring]), __ATOMIC_RELAXED);
	MYC_POINT("receive: done");
}

/* The slot has given what it had: handled, or safe in a pending entry. */
static inline void myc_lane_done(struct myc_lane_inward *lane, enum myc_lane_ring ring)
{
	lane->next[ring]++;
	myc_lane_settle(lane, ring);
}

/* Lets the sender have the consumed slots. Every `every` messages, and before idling. */
static inline void myc_lane_publish(struct myc_lane_inward *lane, enum myc_lane_ring ring)
{
	if (lane->published[ring] == lane->next[ring])
		return;
	/* A successor must not look for a message in a slot that the sender may have by then. */
	myc_lane_settle(lane, ring);
	lane->published[ring] = lane->next[ring];
	/* Release: our copies of the slots. Pairs with the acquire load in myc_lane_full. */
	__atomic_store_n(&lane->cursor->next[ring], lane->next[ring], __ATOMIC_RELEASE);
	MYC_POINT("receive: cursor published");
}

static inline void myc_lane_publish_some(struct myc_lane_inward *lane, enum myc_lane_ring ring)
{
	if (lane->next[ring] - lane->published[ring] >= lane->every)
		myc_lane_publish(lane, ring);
}

/* ---- making the ends ----------------------------------------------------------------------- */

/* Bytes of a MYC_BLOCK_LANES block with these parameters. */
uint64_t myc_lanes_size(const struct myc_lanes *parameters);
/* Owner: lays the block out once; a successor finds it and leaves it. -EPROTO: it is another. */
int myc_lanes_init(struct myc_lanes *block, uint64_t size, const struct myc_lanes *parameters);
/* Reader: a checked copy of the head of another's block. -EPROTO: does not add up; -EAGAIN: not
 * laid out yet. */
int myc_lanes_check(const struct myc_lanes *block, uint64_t size, struct myc_lanes *copy);

static inline uint64_t *myc_lanes_directory(const struct myc_lanes *block)
{
	return (uint64_t *)((uintptr_t)block + sizeof(*block));
}

/* Sender: its end of lane `index`, going on after the newest published message; counts it if a
 * predecessor died before that, and undoes a half-written flow entry. */
void myc_lane_out_open(struct myc_lane_out *lane, struct myc_lanes *block, uint32_t index);

/* Sender: makes a lane usable again that the receiver cut off from a predecessor (`in`: the receiver's
 * half, cut). Flows are free, what was granted counts as sent, numbers go on where reception stopped;
 * what was published and not received by then is lost. Died inside it: the next one does it again. */
void myc_lane_out_mend(struct myc_lane_out *lane, const struct myc_lane_in *in);

/* Receiver: its end of lane `index` of another's block, whose head was checked into `head`;
 * `in` is its own half. Goes on at progress: returns the set of rings (bit r) whose next message
 * was begun by a predecessor. */
unsigned myc_lane_in_open(struct myc_lane_inward *lane, const struct myc_lanes *block,
			  const struct myc_lanes *head, uint32_t index, struct myc_lane_in *in);

/* Copies from, to and base of a flow entry of the sender under its sequence lock. Returns its (even,
 * non-zero) epoch, or 0 when it is free, being written or out of range. */
uint32_t myc_lane_flow_read(const struct myc_lane_inward *lane, uint32_t flow,
			    struct myc_flow *copy);
/* Gives an entry to (from, to), which count from base on; MYC_FLOW_URGENT or 0. Sender only. */
void myc_lane_flow_write(struct myc_flow *flow, uint64_t from, uint64_t to, uint32_t base,
			 uint32_t urgent);

#endif
