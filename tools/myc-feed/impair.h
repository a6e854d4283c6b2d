/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the network does to the packets of one line: loses, repeats, reorders and delays them, by
 * dice of its own. Reordering is bounded: at most reorder_window later packets of the line overtake
 * one, and it is late by at most reorder_ns.
 *
 * Data packets and heartbeats can be lost, ends of session cannot: so a receiver can learn of
 * everything that was lost before them.
 */
#ifndef MYC_FEED_IMPAIR_H
#define MYC_FEED_IMPAIR_H

#include "myc-feed/truth.h"

#define IMPAIR_REORDER_MAX 64 /* packets */

struct impair_opts {
	uint8_t line;
	double loss; /* shares, 0..1 */
	double duplicate;
	double reorder;
	uint32_t reorder_window; /* 1..IMPAIR_REORDER_MAX */
	uint64_t reorder_ns;
	uint64_t skew_ns; /* the whole line is this much later */
	uint64_t seed;
};

/* packets_made + packets_duplicated = packets_dropped + packets_passed, and so for messages. */
struct impair_counters {
	uint64_t packets_made, packets_dropped, packets_duplicated, packets_passed;
	uint64_t packets_reordered;
	uint64_t messages_made, messages_dropped, messages_duplicated, messages_passed;
	uint64_t heartbeats_passed, heartbeats_dropped, ends_passed;
};

struct impair_late {
	struct packet *packet;
	uint64_t due_packet; /* goes behind the packet of this index ... */
	uint64_t due_ns;     /* ... or at this time, whichever is first */
};

struct impair {
	struct impair_opts opts;
	struct packet_queue *pool;
	struct truth *truth;
	struct packet_sink sink;
	struct chance loss, duplicate, reorder;
	uint64_t index; /* of the next packet */
	uint64_t last_ns;
	struct impair_late late[2 * IMPAIR_REORDER_MAX + 2];
	uint32_t late_count;
	struct impair_counters counters;
};

void impair_init(struct impair *impair, const struct impair_opts *opts, struct packet_queue *pool,
		 struct truth *truth, struct packet_sink sink);
/* A packet_sink's take: context is the struct impair. */
int impair_take(void *context, struct packet *packet);
/* What is late beyond its time leaves. */
int impair_advance(struct impair *impair, uint64_t now_ns);
/* Everything that is still late leaves. */
int impair_flush(struct impair *impair);

#endif
