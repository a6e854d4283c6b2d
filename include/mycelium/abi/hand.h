/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * What a worker has in hand: the frames that one endpoint took out of its rings and has not given
 * back, and how far each exchange with a ring had got. It lies in the owner's region, so that the
 * successor of a killed worker (and the ledger) knows where every frame is.
 *
 * Writer: the endpoint's owner, on the endpoint's executor; after its death its successor. The
 * order of the stores is the order in dataplane/hand.c and keeper.c, whose recovery reads them.
 */
#ifndef MYCELIUM_ABI_HAND_H
#define MYCELIUM_ABI_HAND_H

#include <stdint.h>

#define MYC_HAND_BATCH 64  /* frames of one take */
#define MYC_HAND_HELD  512 /* frames held beyond their batch */
/* A successor moves its predecessor's batch beside what was held, so there is room for both. */
#define MYC_HAND_SLOTS (MYC_HAND_HELD + MYC_HAND_BATCH)

/*
 * An exchange with a ring, one u64 so that it is stored in one instruction; 0 = none:
 * valid 1 | which 15 (queue; keeper: endpoint) | count 16 | index 32 (of the ring, before it).
 */
static inline uint64_t myc_exchange(uint32_t which, uint32_t count, uint32_t index)
{
	return 1ull << 63 | (uint64_t)(which & 0x7fff) << 48 | (uint64_t)(count & 0xffff) << 32 |
	       index;
}

static inline uint32_t myc_exchange_which(uint64_t exchange)
{
	return (uint32_t)(exchange >> 48) & 0x7fff;
}

static inline uint32_t myc_exchange_count(uint64_t exchange)
{
	return (uint32_t)(exchange >> 32) & 0xffff;
}

static inline uint32_t myc_exchange_index(uint64_t exchange)
{
	return (uint32_t)exchange;
}

/* Layout of struct xdp_desc (linux/if_xdp.h). */
struct myc_frame {
	uint64_t address; /* of the packet, in the queue's part of the UMEM */
	uint32_t size;	  /* bytes of the packet */
	uint32_t options;
};
_Static_assert(sizeof(struct myc_frame) == 16, "layout of struct xdp_desc");

/*
 *	        hold                release               give
 *	FREE ----------> HELD -------------------> RELEASED ------> FREE
 */
enum myc_held_state { MYC_HELD_FREE = 0, MYC_HELD_HELD = 1, MYC_HELD_RELEASED = 2 };

struct myc_held {
	uint64_t address; /* as in the batch it was taken with */
	uint64_t order;	  /* packets the endpoint had taken before this one */
	uint32_t size;
	uint16_t queue;
	uint16_t state; /* enum myc_held_state, stored last */
};
_Static_assert(sizeof(struct myc_held) == 24, "layout");

struct myc_hand {
	uint64_t take;	/* exchange with the RX ring; stays as long as the batch is in hand */
	uint64_t give;	/* exchange with the FILL ring (keeper) or the return ring (borrower) */
	uint64_t order; /* packets_taken before the batch */
	/* Counters, packets. They are exact across a kill: see recovery. */
	uint64_t packets_taken;		 /* off the RX rings, since the system started */
	uint64_t packets_again;		 /* given again to a successor */
	uint64_t packets_bad_descriptor; /* outside the UMEM or beyond its frame: ignored */
	uint64_t packets_bad_metadata;	 /* no, or another version's, metadata: not delivered */
	uint64_t packets_bad_frame;	 /* no UDP payload found in it: not delivered */
	uint64_t gives_refused;		 /* done found the FILL ring full; retried */
	uint64_t reserved[7];
	struct myc_frame batch[MYC_HAND_BATCH];
	struct myc_held held[MYC_HAND_SLOTS];
};
_Static_assert(__builtin_offsetof(struct myc_hand, batch) == 128, "layout");
_Static_assert(__builtin_offsetof(struct myc_hand, held) == 128 + 1024, "layout");

/*
 * Frames on their way from a borrower of a queue to its keeper. Writer: the borrower. It has as
 * many slots as the queue has frames, so it is never full. The keeper's cursor lies in the
 * keeper's region.
 */
struct myc_return_ring {
	uint32_t producer;
	uint32_t slots; /* a power of two */
	uint64_t reserved[7];
	uint64_t address[]; /* of frames, multiples of the frame size */
};
_Static_assert(sizeof(struct myc_return_ring) == 64, "layout");

/* The keeper's side of one queue. Writer: the keeper's endpoint. */
struct myc_keeper {
	uint64_t fill;	      /* exchange with the FILL ring; which = endpoint it drains */
	uint64_t cursor_next; /* what cursor[which] will be when it is done */
	uint64_t frames_returned;
	uint64_t returns_malformed; /* entries or rings that cannot be: ignored, cut off */
	uint64_t reserved[4];
	uint64_t cursor[64]; /* an endpoint: entries read from its return ring, modulo 2^32 */
};
_Static_assert(sizeof(struct myc_keeper) == 64 + 512, "layout");

#endif
