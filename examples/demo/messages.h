/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the book tells the strategy. Both fit a slot (MYC_PAYLOAD_MAX), so a message is one cache
 * line from one core to the other.
 */
#ifndef EXAMPLES_DEMO_MESSAGES_H
#define EXAMPLES_DEMO_MESSAGES_H

#include <stdint.h>

enum demo_message {
	DEMO_TOP = 1,	/* struct top_of_book */
	DEMO_STALE = 2, /* struct books_stale: from here on the books lack something */
	DEMO_FRESH = 3, /* empty: a session starts, the books are empty and right */
};

struct top_of_book {
	uint64_t symbol;     /* eight characters, space padded, as on the wire */
	uint64_t receive_ns; /* CLOCK_MONOTONIC of the packet that changed it */
	uint32_t bid_price;  /* 1/10,000 dollar; 0 = that side is empty */
	uint32_t bid_shares;
	uint32_t ask_price;
	uint32_t ask_shares;
	uint32_t stale;	  /* the book is not to be trusted */
	uint32_t changes; /* of this top since the last message: what was coalesced */
};
_Static_assert(sizeof(struct top_of_book) == 40, "fits a slot");

struct books_stale {
	uint64_t sequence; /* first message that is missing */
	uint64_t count;
};

#endif
