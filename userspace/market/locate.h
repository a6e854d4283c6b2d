/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Learns which stock locates the watched symbols have today, for the steering program's ITCH filter.
 *
 * Locates are assigned anew each day (ITCH 5.0, section 4.2.1), so the filter is armed for an epoch
 * only when nothing wanted can be dropped: every watched symbol's directory message was seen, or
 * the market opened (system event Q) after a directory seen whole, from the start of messages on
 * with nothing lost. A watched symbol that is listed later still gets its bit by its directory
 * message, which is never filtered; what follows it within the time it takes to get here may be.
 *
 * Bits are stored before `armed` (release; pairs with the program's load of `armed`). A new epoch
 * disarms first. What has been learnt lies in the feed's block: a successor goes on.
 */
#ifndef MYC_MARKET_LOCATE_H
#define MYC_MARKET_LOCATE_H

#include <mycelium/abi/feed.h>
#include <mycelium/abi/steer.h>

struct myc_locate_learner {
	struct myc_locate_filter *filter;
	struct myc_feed_block *block;
	uint64_t *symbol; /* own copy */
	uint32_t symbols;
};

/* filter may hold what a predecessor of the same epoch learnt. -EINVAL: over MYC_SYMBOLS_MAX;
 * -ENOMEM. */
int myc_locate_open(struct myc_locate_learner *learner, struct myc_locate_filter *filter,
		    struct myc_feed_block *block, const uint64_t *symbols, uint32_t count,
		    uint64_t epoch);
void myc_locate_close(struct myc_locate_learner *learner);
/* Before the new epoch is announced to the program. */
void myc_locate_disarm(struct myc_locate_learner *learner);
/* Messages were lost: a directory that is not complete yet never will be. */
void myc_locate_lost(struct myc_locate_learner *learner);
/* An ITCH message of type R or S, before its handler is called; idempotent. */
void myc_locate_learn(struct myc_locate_learner *learner, uint64_t epoch, const uint8_t *message,
		      uint32_t size);

#endif
