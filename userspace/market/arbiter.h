/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Arbitration of one channel: packets of several lines in, one ordered stream of messages out, each
 * once. Pure logic over a feed block and the channel's words: no socket, no clock of its own, so
 * that tests play it from a seed.
 *
 *	packet --> parse --> malformed .......................... event, nothing taken
 *	              |----> another session, line stepped back .. candidate: held until confirmed
 *	              |----> below next ......................... duplicate
 *	              |----> contains next ...................... delivered from next on
 *	              '----> beyond next ........................ held in its frame
 *
 *	pump: pending events -> packet in hand -> held packets -> filtered window -> gap given up
 *
 * The stream's state is next (in the block). next advances over messages delivered, filtered (by
 * the window) and given up. A gap is given up when every line is reorder_packets packets past it;
 * or it is gap_timeout_ns old and nothing waits; or a packet cannot be held.
 *
 * Where a stream begins: at the first packet seen (a receiver joins mid-day), or at 1 with
 * from_start. A session or a restart that follows begins at 1 (generic, deribit: at the first
 * packet), so what is missing of its beginning is a gap.
 *
 * A new session is believed at its second packet (one that goes on on the same line, or any on
 * another), a restart within a session at the third packet in order on the line that stepped back,
 * or the second when it is a heartbeat or (IEX, MDP 3.0, B3) was sent later than all before. Until then the
 * packets are held; then what the old numbering still lacks is given up, and they are delivered.
 *
 * Threads: one. Back-pressure: a function that returns false was stopped by sink.ready(). After
 * myc_arbiter_packet() the packet must stay until myc_arbiter_resume() returns true, and no other
 * may come; myc_arbiter_settle() is simply called again some time.
 */
#ifndef MYC_MARKET_ARBITER_H
#define MYC_MARKET_ARBITER_H

#include <mycelium/abi/feed.h>
#include <mycelium/feed.h>

#include "dataplane/endpoint.h"
#include "dataplane/steering.h"

struct myc_arbiter;

struct myc_arbiter_sink {
	void *context;
	bool (*ready)(void *context);
	/* Non-zero: the handler failed and its state is gone; RESUMED comes next. */
	int (*event)(void *context, const struct myc_feed_event *event);
	int (*hold)(void *context, struct myc_packet *packet);
	void (*release)(void *context, uint16_t hand);
	uint64_t (*clock_ns)(void *context); /* read once a packet, for its latency */
};

struct myc_arbiter_opts {
	size_t sz;
	struct myc_arbiter_sink sink;
	struct myc_channel_view view;
	struct myc_feed_block *block; /* zeroed, or a predecessor's */
	uint8_t lines;		      /* 1..MYC_LINES_MAX */
	uint32_t reorder_packets;     /* 0 = 64 */
	uint64_t gap_timeout_ns;      /* 0 = 50 ms; UINT64_MAX = never */
	const uint64_t *symbols;      /* ITCH locate filter; copied */
	uint32_t symbols_count;
	bool report_filtered;
	bool from_start;
};

/* Repairs the block after a predecessor's death, announces its epoch. -EINVAL, -ENOMEM. */
int myc_arbiter_open(struct myc_arbiter **arbiter, const struct myc_arbiter_opts *opts);
void myc_arbiter_close(struct myc_arbiter *arbiter);

/* One packet of the present batch, in the order taken. */
bool myc_arbiter_packet(struct myc_arbiter *arbiter, const struct myc_packet *packet,
			uint64_t now_ns);
bool myc_arbiter_resume(struct myc_arbiter *arbiter, uint64_t now_ns);
/* Before a take: notes what the program has seen so far. */
void myc_arbiter_look(struct myc_arbiter *arbiter);
/* After a round's packets: advances over filtered messages and gaps that are due. `drained`: the
 * take found less than it had room for, so that what was looked at is all here. */
bool myc_arbiter_settle(struct myc_arbiter *arbiter, uint64_t now_ns, bool drained);
/* After the endpoint's done: publishes watermark and counters. */
void myc_arbiter_flush(struct myc_arbiter *arbiter);
/* The actor lost its state (it failed in another channel's event): RESUMED comes before all else. */
void myc_arbiter_actor_restarted(struct myc_arbiter *arbiter);
/* When settle should be called next though nothing came; UINT64_MAX = not before a packet. */
uint64_t myc_arbiter_deadline_ns(const struct myc_arbiter *arbiter);

/* Latency buckets: 4 steps an octave; values below 4 have a bucket each, the last takes the rest. */
static inline uint32_t myc_feed_latency_index(uint64_t ns)
{
	if (ns < 4)
		return (uint32_t)ns;
	uint32_t octave = 63u - (uint32_t)__builtin_clzll(ns);
	uint32_t index = (octave - 1) * 4 + (uint32_t)(ns >> (octave - 2) & 3);
	return index < MYC_FEED_LATENCY_BUCKETS ? index : MYC_FEED_LATENCY_BUCKETS - 1;
}
/* The most that this one holds. */
static inline uint64_t myc_feed_latency_most(uint32_t index)
{
	return index < 4 ? index : ((5ull + index % 4) << (index / 4 - 1)) - 1;
}

#endif
