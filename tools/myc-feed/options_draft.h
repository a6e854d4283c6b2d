/* SPDX-License-Identifier: Apache-2.0 */
/* The command line while it is read: options.c fills it, options_settle.c checks it as a whole and makes options of it. */
#ifndef MYC_FEED_OPTIONS_DRAFT_H
#define MYC_FEED_OPTIONS_DRAFT_H

#include "myc-feed/options.h"

/* What is set line by line only after all has been read. */
struct draft {
	struct options *options;
	struct myc_error *error;
	const char *name; /* of the option in hand */
	bool generate, end_packets_set, heartbeat_set, messages_set, mac_set;
	unsigned paces, outputs;
	double loss[FEED_LINES_MAX], duplicate[FEED_LINES_MAX], reorder[FEED_LINES_MAX],
		skew[FEED_LINES_MAX];
	double heartbeat, pack_us, seconds, timeout;
	uint64_t payload, packet_messages, reorder_window, seed, ttl;
	uint32_t repack; /* bit a line */
	uint32_t source;
	uint16_t source_port;
	uint8_t mac[6];
	uint16_t vlan[FRAME_VLANS_MAX];
	uint8_t vlans;
};

/* -EINVAL with the cause: options that do not go together. */
int options_check_together(const struct draft *draft);
/* Of one that was checked. */
void options_settle(struct draft *draft);

#endif
