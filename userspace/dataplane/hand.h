/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The hand: taking frames out of RX rings, holding some, giving them back, so that a kill -9 at any
 * instruction leaves every frame in exactly one place.
 *
 *	take   copy descriptors to the batch -> store `take` -> publish the RX consumer
 *	hold   copy to a held slot -> store its state (its batch entry is a copy from then on)
 *	give   write FILL slots -> store `give` -> publish the producer -> free the held slots,
 *	       clear `take` -> clear `give`
 *
 * Recovery compares `take` and `give` with the published indices: not published, the frames are
 * where they were before the exchange; published, they are where they were to go.
 *
 * A kill falls between two instructions and everything before it was executed, so the compiler's
 * order is what counts; MYC_POINT names each step and is a compiler barrier. Tests compile this
 * file with a MYC_POINT that kills the worker there.
 *
 * One thread: the endpoint's executor.
 */
#ifndef MYC_DATAPLANE_HAND_H
#define MYC_DATAPLANE_HAND_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/abi/hand.h>
#include <mycelium/abi/steer.h>

#include "dataplane/rings.h"

#ifndef MYC_POINT
#define MYC_POINT(name) __atomic_signal_fence(__ATOMIC_SEQ_CST)
#endif

/* One queue as an endpoint sees it. Addresses are offsets from `frames`. */
struct myc_hand_queue {
	struct myc_ring rx;
	struct myc_ring home; /* where frames go: FILL (keeper), else the return ring */
	const uint8_t *frames;
	uint64_t frames_size; /* bytes, a power of two */
	uint32_t frame_size;  /* a power of two */
};

/* The owner's private state beside its hand; made anew by myc_grip_recover. */
struct myc_grip {
	struct myc_hand *hand;
	const struct myc_hand_queue *queue[MYC_QUEUES_MAX]; /* by number; NULL = none */
	uint32_t batch_count, batch_queue;
	uint64_t batch_held; /* bit i: batch entry i was moved to a held slot */
	uint32_t used;	     /* held slots that are not free */
	uint32_t free_count;
	uint16_t free[MYC_HAND_SLOTS];
	uint32_t released_count;
	uint16_t released[MYC_HAND_SLOTS];
	/* What a predecessor left, oldest first; [again_begin, again_next) are the present batch. */
	uint32_t again_count, again_begin, again_next;
	uint64_t again_kept; /* bit i: again[again_begin + i] was held again */
	uint16_t again[MYC_HAND_SLOTS];
};

/* Reads the hand: settles what its last owner had begun, and lists what it left. 0; -EUCLEAN when
 * hand and rings contradict each other. May be killed and repeated. */
int myc_grip_recover(struct myc_grip *grip, struct myc_hand *hand,
		     const struct myc_hand_queue *const queue[MYC_QUEUES_MAX]);

/* Takes up to max (<= MYC_HAND_BATCH) frames of this queue into the empty batch. */
unsigned myc_grip_take(struct myc_grip *grip, uint32_t queue, unsigned max);
/* Makes up to max of what a predecessor left the present batch. */
unsigned myc_grip_take_again(struct myc_grip *grip, unsigned max);
/* `entry`: below MYC_HAND_BATCH a batch entry, else MYC_HAND_BATCH + held slot. Returns the entry
 * it has from now on, or -ENOSPC. */
int myc_grip_hold(struct myc_grip *grip, uint32_t entry);
void myc_grip_release(struct myc_grip *grip, uint32_t entry);
/* Sends the batch and everything released home. False: a FILL ring had no room (the kernel is
 * behind); what it concerns stays in hand, call again. */
bool myc_grip_give(struct myc_grip *grip);

/* Frames of `queue` that this hand holds, counting as recovery would; for the ledger, while the
 * owner stands still or is dead. */
uint32_t myc_hand_frames(const struct myc_hand *hand, const struct myc_hand_queue *queue,
			 uint32_t number);

/* Does the descriptor name a packet inside one frame, with `head` bytes in front of it? */
static inline bool myc_hand_inside(const struct myc_hand_queue *queue, uint64_t address,
				   uint32_t size, uint32_t head)
{
	uint64_t offset = address & (queue->frame_size - 1);

	return address < queue->frames_size && offset >= head && size <= queue->frame_size - offset;
}

#endif
