/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A NASDAQ-like day of ITCH 5.0 messages, made from a seed: for benchmarks, tests and the feed
 * tool. The same opts give the same bytes on every machine.
 *
 * Order: S 'O', a stock directory (R) and a trading action (H) for each symbol, S 'S', S 'Q', the
 * day, S 'M', S 'E', S 'C'. Locates are 1..symbols, symbols S00001, S00002, ... Book-consistent:
 * no message names an order that is not alive, none takes more shares than are left. Half the
 * orders die young, activity is skewed to few symbols, prices cluster near the touch and wander. Of a
 * symbol no bid reaches an ask: an order that would is an execution of the oldest one there.
 */
#ifndef MYC_MARKET_ITCH_GENERATOR_H
#define MYC_MARKET_ITCH_GENERATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MYC_ITCH_GENERATOR_BUFFER 64 /* bytes a message never exceeds */

struct myc_itch_generator;

struct myc_itch_generator_opts {
	size_t sz;
	uint64_t seed;	   /* 0 = 1 */
	uint32_t symbols;  /* 1..65535, 0 = 500 */
	uint64_t messages; /* of the whole day, at least 2 * symbols + 6; 0 = 1000000 */
	uint32_t live_max; /* orders alive at once, 0 = 200000 */
};

/* -EINVAL: opts out of range; -ENOMEM. */
int myc_itch_generator_open(struct myc_itch_generator **generator,
			    const struct myc_itch_generator_opts *opts);
/* Writes the next message and its time (ns since midnight, as in the message). false: the day is
 * over; out, size and timestamp are untouched. */
bool myc_itch_generator_next(struct myc_itch_generator *generator,
			     uint8_t out[MYC_ITCH_GENERATOR_BUFFER], uint32_t *size,
			     uint64_t *timestamp);
void myc_itch_generator_close(struct myc_itch_generator *generator);

/* The eight characters of a locate's symbol (1..symbols), as loaded from the wire. */
uint64_t myc_itch_generator_symbol(uint32_t locate);

#endif
