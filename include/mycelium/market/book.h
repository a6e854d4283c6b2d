/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Order books of a whole venue, built from ITCH 5.0 messages: every order, every price level, the
 * best bid and offer of each stock locate.
 *
 * Owned and used by one thread. All memory is allocated at creation; at a limit an order is refused
 * and counted, nothing grows. Applying a message takes no syscall and no allocation. A book knows
 * nothing of gaps: its owner marks it stale on MYC_FEED_GAP, IN_DOUBT and RESUMED, and clears it on
 * MYC_FEED_SESSION. It lies on the heap: what a kill -9 leaves of it is nothing.
 *
 * Rules (ITCH 5.0, section 4.4): E, C and X take shares from an order, none left ends it; D ends it;
 * U ends it and begins another with the same side and stock, at the end of its new level's queue.
 * Messages about orders that are not known change nothing and are counted.
 */
#ifndef MYCELIUM_MARKET_BOOK_H
#define MYCELIUM_MARKET_BOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_book;

struct myc_book_opts {
	size_t sz;
	uint32_t orders_max; /* alive at once, 0 = 2^20; 24 bytes each, and 4 to 8 of index */
	uint32_t levels_max; /* room for price levels of all stocks, 0 = 2^20; 16 bytes each; a side
				takes the next power of two of what it needs, at least 8 */
	uint32_t locates;    /* locates below this, 0 = 65536; 32 bytes each */
};

/* -EINVAL: over 2^30 orders or levels, over 65536 locates. -ENOMEM. */
int myc_book_open(struct myc_book **book, const struct myc_book_opts *opts);
void myc_book_close(struct myc_book *book);

/* What a message did. */
struct myc_book_change {
	uint16_t locate; /* whose book; valid when changed */
	bool changed;
	bool top; /* its best bid or offer changed, in price or size */
};

/*
 * Applies one message, from its type byte on. 0: applied, or of a type without book effect.
 * -EBADMSG: too short, or a field out of range; -ENOENT: no such order; -EEXIST: the new order's
 * reference is alive; -ENOSPC: refused at a limit. All are counted; the book stays sound.
 */
int myc_book_apply(struct myc_book *book, const uint8_t *message, uint32_t size,
		   struct myc_book_change *change);

struct myc_book_top {
	uint32_t bid, ask;
	uint64_t bid_size, ask_size;
};
/* The best of both sides: prices with 4 decimals, sizes in shares, 0 where a side is empty. */
struct myc_book_top myc_book_top(const struct myc_book *book, uint16_t locate);

enum myc_book_side { MYC_BOOK_BID = 0, MYC_BOOK_ASK = 1 };

struct myc_book_level {
	uint32_t price, orders;
	uint64_t shares;
};

/* Levels of a side, best first: fills up to max, returns how many there are in all. */
uint32_t myc_book_levels(const struct myc_book *book, uint16_t locate, enum myc_book_side side,
			 struct myc_book_level *out, uint32_t max);

struct myc_book_order {
	uint64_t reference;
	uint32_t shares, price;
	uint16_t locate;
	enum myc_book_side side;
};
/* One order. False: not alive. */
bool myc_book_order(const struct myc_book *book, uint64_t reference, struct myc_book_order *out);

/* Empties every book and ends staleness; counters stay. For a new session. */
void myc_book_clear(struct myc_book *book);
/* Messages were missed: books may be wrong until the next clear. */
void myc_book_mark_stale(struct myc_book *book);
bool myc_book_is_stale(const struct myc_book *book);

struct myc_book_totals {
	uint64_t messages; /* applied to an order */
	uint64_t unknown, duplicate, refused, malformed;
	uint64_t overfilled;	 /* took more shares than were left: the order ended */
	uint32_t orders, levels; /* alive now */
};
/* Of all symbols, since the book was opened. */
struct myc_book_totals myc_book_totals(const struct myc_book *book);

#ifdef __cplusplus
}
#endif
#endif
