/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The filter: is there a message in this packet that somebody wants? Walks the length-prefixed
 * messages and stops at the first that is wanted, or not positively known to be droppable.
 */
#ifndef MYC_BPF_WALK_H
#define MYC_BPF_WALK_H

#include "iextp.h"
#include "moldudp64.h"

enum walk_result {
	WALK_DROPPABLE, /* so far; in the end: every message */
	WALK_WANTED,
	WALK_MALFORMED,
	WALK_CAPPED, /* more than is walked */
};

#define WALK_FRAME_MASK	   0x7fff /* offsets that the walk can reach */
#define WALK_STEP	   8	  /* messages a callback */
#define WALK_SYMBOL_PROBES 16	  /* a longer search ends as if the symbol were watched */

struct walk {
	struct steer_host host;
	const struct myc_locate_filter *locate;
	const struct myc_symbol_filter *symbols;
	uint64_t by_type;	 /* types 64..127 droppable whatever their instrument */
	uint64_t by_instrument0; /* types 0..63 droppable when nobody watches the instrument */
	uint64_t by_instrument1; /* types 64..127 likewise, and not by_type */
	uint32_t at;		 /* offset in the frame of the next message's length */
	uint32_t end;		 /* of the payload in the frame */
	uint32_t left;		 /* messages not looked at yet */
	uint32_t result;	 /* enum walk_result */
};

static __always_inline bool locate_watched(const struct myc_locate_filter *filter,
					   uint16_t stock_locate)
{
	return word_load(&filter->watched[stock_locate / 64]) >> (stock_locate & 63) & 1;
}

static __always_inline bool symbol_watched(const struct myc_symbol_filter *filter, uint64_t symbol)
{
	uint32_t at = myc_symbol_hash(symbol);

	for (int probe = 0; probe < WALK_SYMBOL_PROBES; probe++) {
		const uint64_t slot = filter->slot[at & (2 * MYC_SYMBOLS_MAX - 1)];

		if (slot == symbol)
			return true;
		if (slot == 0)
			return false;
		at++;
	}
	return true;
}

/* `message` has ITCH_SIZE_MIN bytes. */
static __always_inline bool itch_wanted(const struct walk *walk, const uint8_t *message)
{
	const uint32_t letter = message[0] ^ 64u; /* 0..63 for types 64..127 */
	const uint16_t stock_locate = BE16(message + 1);

	if (letter > 63)
		return true;
	if (walk->by_instrument1 >> letter & 1)
		return stock_locate == 0 || !walk->locate ||
		       locate_watched(walk->locate, stock_locate);
	return !(walk->by_type >> letter & 1);
}

/* `message` has IEX_SIZE_MIN bytes. */
static __always_inline bool iex_wanted(const struct walk *walk, const uint8_t *message)
{
	const uint32_t type = message[0];
	const uint64_t by_instrument = type >> 6 ? walk->by_instrument1 : walk->by_instrument0;

	if (type > 127)
		return true;
	if (by_instrument >> (type & 63) & 1)
		return !walk->symbols ||
		       symbol_watched(walk->symbols, LE64(message + IEX_SYMBOL_OFFSET));
	return type < 64 || !(walk->by_type >> (type & 63) & 1);
}

/*
 * A few messages at a time: entering a callback costs as much as a message. `protocol` is a
 * constant of each caller. Returns 1 to stop.
 *
 * Offsets only grow, so one comparison with the payload's end, where the walk stops, finds every
 * message that runs over it: padding behind the payload may be looked at, but decides nothing.
 */
static __always_inline long walk_some(struct walk *walk, const enum myc_protocol protocol)
{
	const uint32_t least = protocol == MYC_PROTOCOL_IEXTP ? IEX_SIZE_MIN : ITCH_SIZE_MIN;
	const struct frame frame = host_frame(&walk->host);
	const struct walk fixed = *walk;
	uint32_t at = walk->at;

	for (int i = 0; i < WALK_STEP; i++) {
		const uint8_t *block = frame.start + bounded(at, WALK_FRAME_MASK);
		uint32_t length;

		if (block + 2 + least > frame.end) {
			at += 2;
			if (block + 2 <= frame.end)
				at += protocol == MYC_PROTOCOL_IEXTP ? LE16(block) : BE16(block);
			goto stop;
		}
		length = protocol == MYC_PROTOCOL_IEXTP ? LE16(block) : BE16(block);
		at += 2 + length;
		if (length < least ||
		    (protocol == MYC_PROTOCOL_IEXTP ? iex_wanted(&fixed, block + 2)
						    : itch_wanted(&fixed, block + 2)))
			goto stop;
		if (i + 1 == (int)fixed.left)
			break;
	}
	walk->at = at;
	walk->left = fixed.left - WALK_STEP;
	return 0;
stop:
	walk->result = at > fixed.end ? WALK_MALFORMED : WALK_WANTED;
	return 1;
}

static long walk_itch(uint32_t index, void *walk)
{
	(void)index;
	return walk_some(walk, MYC_PROTOCOL_MOLDUDP64);
}

static long walk_iex(uint32_t index, void *walk)
{
	(void)index;
	return walk_some(walk, MYC_PROTOCOL_IEXTP);
}

/* Prepares the walk of a channel. False: nothing can be dropped, there is no use in walking. */
static __always_inline bool walk_begin(struct walk *walk, const struct myc_channel_config *config,
				       uint32_t channel, uint64_t epoch)
{
	walk->locate = NULL;
	walk->symbols = NULL;
	walk->by_type = 0;
	walk->by_instrument0 = 0;
	walk->by_instrument1 = 0;
	if (config->protocol == MYC_PROTOCOL_MOLDUDP64) {
		walk->by_type = config->type_drop[1] & ITCH_DROPPABLE_TYPES;
		if (config->filter == MYC_FILTER_LOCATE)
			walk->locate = host_locate(&walk->host, channel);
		if (walk->locate && word_load(&walk->locate->armed) == (1ull << 63 | epoch))
			walk->by_instrument1 = ITCH_LOCATE_TYPES & ~walk->by_type;
	} else if (config->protocol == MYC_PROTOCOL_IEXTP) {
		walk->by_type = config->type_drop[1] & IEX_DROPPABLE_TYPES1;
		if (config->filter == MYC_FILTER_SYMBOL)
			walk->symbols = host_symbols(&walk->host, channel);
		if (walk->symbols) {
			walk->by_instrument0 = IEX_SYMBOL_TYPES0;
			walk->by_instrument1 = IEX_SYMBOL_TYPES1 & ~walk->by_type;
		}
	}
	return walk->by_type || walk->by_instrument1;
}

static __always_inline enum walk_result walk_packet(struct walk *walk, uint8_t protocol,
						    uint32_t count)
{
	const uint32_t steps = (count + WALK_STEP - 1) / WALK_STEP;

	walk->result = WALK_DROPPABLE;
	walk->left = count;
	/* Going through the kernel's loop costs as much as three messages: a short packet does not. */
	if (protocol == MYC_PROTOCOL_IEXTP && steps == 1)
		walk_iex(0, walk);
	else if (protocol == MYC_PROTOCOL_IEXTP)
		host_loop(steps, walk_iex, walk);
	else if (steps == 1)
		walk_itch(0, walk);
	else
		host_loop(steps, walk_itch, walk);
	if (walk->result == WALK_DROPPABLE && walk->at != walk->end)
		return WALK_MALFORMED;
	return (enum walk_result)walk->result;
}

#endif
