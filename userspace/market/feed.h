/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A feed: the packets of one endpoint, arbitrated channel by channel into ordered streams of
 * messages, given to one actor. It is the source that the actor's executor polls.
 *
 * market/ may lean on everything but runtime/: exchange protocols, arbitration of lines, books.
 *
 * Progress (next message, the one in hand, held packets, epoch, session) lies in the region, so a
 * successor goes on where a killed worker was: at most once, nothing twice, gaps exact.
 */
#ifndef MYC_MARKET_FEED_H
#define MYC_MARKET_FEED_H

#include <mycelium/abi/feed.h>
#include <mycelium/error.h>

#include "core/process.h"
#include "dataplane/dataplane.h"
#include "memory/region.h"

struct myc_feed;

struct myc_feed_channel_opts {
	uint16_t channel;
	uint8_t lines; /* 1..MYC_LINES_MAX */
	uint32_t
		reorder_packets; /* a gap is given up when every line is this many packets past it; 0 = 64 */
	uint64_t gap_timeout_ns; /* ... or when it is this old; 0 = 50 ms; UINT64_MAX = never */
	const uint64_t
		*symbols; /* ITCH locate filter: watched symbols, space padded, as on the wire */
	uint32_t symbols_count;
	bool from_start; /* a stream whose first packet is beyond 1 lacks 1..; default: joined there */
};

struct myc_feed_opts {
	size_t sz;
	struct myc_actor *actor;
	struct myc_endpoint *endpoint;
	const struct myc_feed_channel_opts *channel;
	uint32_t channels;
	const struct myc_region *region; /* own: MYC_BLOCK_FEED, index = channel */
	bool report_filtered;		 /* deliver MYC_FEED_FILTERED */
	uint64_t lease_interval_ns;	 /* of the process page's lease; 0 = 1 ms */
	struct myc_process_page *page;	 /* own; its lease is renewed at each poll */
};

/* Adds the block of one channel to its owner's region. */
int myc_feed_plan(struct myc_region_plan *plan, uint16_t channel);

int myc_feed_open(struct myc_feed **feed, const struct myc_feed_opts *opts,
		  struct myc_error *error);
struct myc_source *myc_feed_source(struct myc_feed *feed);
void myc_feed_close(struct myc_feed *feed);

#endif
