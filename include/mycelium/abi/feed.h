/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * A channel's block in its owner's region (MYC_BLOCK_FEED, index = channel): counters for everyone,
 * and the progress by which a successor goes on where a killed worker was.
 *
 * One writer: the feed on its actor's executor. Readers: its successor, `myc ps`, tests.
 *
 * What a kill -9 leaves, by the last store that was made (market/arbiter.c, in this order):
 *
 *	a message	in_hand = n		next = n: not handled, comes again; in_hand is void
 *			progress.number = n + 1	in doubt: reported, not repeated
 *			...handler...		in doubt
 *			in_hand = 0		handled
 *	lost, filtered	in_hand = RANGE | n	next = n: in_hand is void, the range is looked at anew
 *			redo_*, redo_kind	move not made: the successor makes it
 *			progress, counter	...
 *			redo_kind = 0		made; the range in doubt: reported, not repeated
 *			...handler...		in doubt
 *			in_hand = 0		told
 *	an epoch	row[(epoch + 1) & 3]	old epoch goes on; the row is free
 *			progress = epoch + 1	new epoch; the successor announces it (page, event)
 *			row.flags |= ANNOUNCED	the SESSION event was delivered
 *
 * `delivered` is derived (progress - row.offset - filtered - lost - in doubt), so counters that are
 * published a batch at a time are exact again after a restart.
 */
#ifndef MYCELIUM_ABI_FEED_H
#define MYCELIUM_ABI_FEED_H

#include <stdint.h>

#define MYC_FEED_LATENCY_BUCKETS 160 /* log-linear, 4 steps an octave: market/arbiter.h */

/* received = delivered + duplicate (per message); what was expected = delivered + filtered + lost +
 * in_doubt. A crash may leave the counts of packets and events one short. */
struct myc_feed_metrics {
	uint64_t packets, packets_duplicate, packets_malformed;
	uint64_t packets_held; /* were held for a time */
	uint64_t heartbeats;
	uint64_t messages_delivered, messages_duplicate, messages_filtered, messages_lost,
		messages_in_doubt;
	uint64_t gaps, gaps_recovered; /* given up; seen, then filled by another packet */
	uint64_t sessions, resets, ends;
	uint64_t window_unknown; /* lost messages whose record in the window was overwritten */
	uint64_t latency_count, latency_sum_ns; /* receive to handler, once a packet */
	uint64_t latency_bucket[MYC_FEED_LATENCY_BUCKETS];
	uint64_t next, epoch; /* as of the last batch's end */
};

enum myc_feed_row_flag {
	MYC_FEED_ROW_ANNOUNCED = 1 << 0, /* MYC_FEED_SESSION was delivered */
	MYC_FEED_ROW_ENDED = 1 << 1,	 /* MYC_FEED_END was delivered */
};

struct myc_feed_row {
	uint64_t session[2]; /* as in struct myc_channel_page */
	uint64_t offset;     /* next - offset = messages accounted for, all epochs */
	uint64_t reset_from; /* next of the numbering that a restart ended; 0 = not a restart */
	uint64_t flags;	     /* enum myc_feed_row_flag */
	uint64_t reserved[3];
};

enum myc_feed_redo {
	MYC_FEED_REDO_NONE = 0,
	MYC_FEED_REDO_LOST = 1,
	MYC_FEED_REDO_FILTERED = 2,
	MYC_FEED_REDO_IN_DOUBT = 3,
};

#define MYC_FEED_BUSY	     (1ull << 63) /* in_hand: set while a handler may be running */
#define MYC_FEED_UNSEQUENCED (1ull << 62) /* in_hand: a packet without a number */
#define MYC_FEED_RANGE	     (1ull << 61) /* in_hand: in_hand_count messages, lost or filtered */

struct myc_feed_block {
	struct myc_feed_metrics metrics;
	uint64_t reserved0[4];

	uint64_t progress; /* epoch word: epoch (0 = no stream yet), next message */
	uint64_t in_hand;  /* BUSY | UNSEQUENCED, RANGE | number; 0 = nothing */
	uint64_t redo_kind, redo_progress, redo_value;
	uint64_t starts;	/* of the feed on this block */
	uint64_t begun;		/* unsequenced packets begun since the endpoint's last done */
	uint64_t in_hand_count; /* with RANGE */

	struct myc_feed_row row[4]; /* by epoch & 3 */

	uint64_t symbols_key;	   /* of the watched list that `seen` is about */
	uint64_t symbols_seen[16]; /* bit i: symbol i's locate was learnt in this epoch */
	uint64_t directory;	   /* start of messages seen, nothing lost since */
	uint64_t reserved2[6];
};
_Static_assert(__builtin_offsetof(struct myc_feed_block, progress) % 64 == 0, "one hot line");
_Static_assert(sizeof(struct myc_feed_row) == 64, "one cache line");
_Static_assert(sizeof(struct myc_feed_block) % 64 == 0, "layout");

#endif
