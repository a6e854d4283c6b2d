/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The clock of a generated day, calibrated by a real one (NASDAQ TotalView, 2023-08-22): 910,000
 * messages/s for 7.2 ms after the open, 126,000 over the first 24 s, 29,000 over the nine minutes
 * that followed. Messages come in clusters, 1.1 us apart inside: one event moves many orders. What
 * comes before the open, the directory, ends shortly before it.
 */
#ifndef MYC_FEED_DAY_CLOCK_H
#define MYC_FEED_DAY_CLOCK_H

#include "myc-feed/packet.h"

struct day_clock {
	struct chance chance;
	bool open; /* the market is */
	uint64_t time_ns;
	uint32_t cluster_left;
};

/* `before`: messages ahead of the open. */
void day_clock_init(struct day_clock *clock, uint64_t seed, uint64_t before);
/* The market opens with the message that was ticked last; returns its time. */
uint64_t day_clock_open(struct day_clock *clock);
/* Time of the next message, ns since midnight. */
uint64_t day_clock_tick(struct day_clock *clock);

#endif
