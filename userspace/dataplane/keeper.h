/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper of a queue: the one endpoint that writes its FILL ring. It brings home what the other
 * endpoints of the queue (the borrowers) put on their return rings, by the same rule as the hand:
 *
 *	write FILL slots -> store `fill` -> publish the FILL producer -> move the cursor -> clear
 *
 * A borrower's region is read-only here and hostile: addresses are copied, checked, then used. A
 * borrower whose ring cannot be is cut off and counted; its frames are lost to the queue.
 */
#ifndef MYC_DATAPLANE_KEEPER_H
#define MYC_DATAPLANE_KEEPER_H

#include "dataplane/hand.h"

/* One borrower as its keeper sees it. */
struct myc_borrower {
	const struct myc_return_ring *ring; /* in the borrower's region; NULL = none */
	uint32_t slots;			    /* of the ring, from the plan, not from the region */
	bool cut_off;
};

/* Settles what a predecessor had begun. -EUCLEAN when ring and record contradict each other. */
int myc_keeper_recover(struct myc_keeper *keeper, const struct myc_hand_queue *queue);

/* Moves what one borrower (endpoint) returned to the FILL ring; returns how many frames. */
unsigned myc_keeper_drain(struct myc_keeper *keeper, const struct myc_hand_queue *queue,
			  struct myc_borrower *borrower, uint32_t endpoint);

/* Frames on a borrower's return ring, counting as recovery would; for the ledger. */
uint32_t myc_keeper_waiting(const struct myc_keeper *keeper, const struct myc_hand_queue *queue,
			    const struct myc_return_ring *ring, uint32_t endpoint);

#endif
