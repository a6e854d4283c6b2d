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
};

#define WALK_FRAME_MASK	   0x7fff /* offsets that the walk can reach */
#define WALK_SYMBOL_PROBES 16	  /* a longer search ends as if the symbol were watched */

struct walk {
	struct steer_host host;
	const struct myc_locate_filter *locate; /* NULL = not live */
	const struct myc_symbol_filter *symbols;
	uint64_t by_type; /* of types 64..127: droppable whatever their instrument */
	uint32_t at;	  /* offset in the frame of the next message's length */
	uint32_t end;	  /* of the payload in the frame */
	uint32_t result;  /* enum walk_result */
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

static __always_inline bool itch_wanted(const struct walk *walk, const uint8_t *message)
{
	const uint8_t type = message[0];
	const uint64_t bit = TYPE(type);
	const uint16_t stock_locate = BE16(message + 1);

	if (type >> 6 != 1)
		return true;
	if (walk->by_type & bit)
		return false;
	return !walk->locate || !(ITCH_LOCATE_TYPES & bit) || stock_locate == 0 ||
	       locate_watched(walk->locate, stock_locate);
}

static __always_inline bool iex_wanted(const struct walk *walk, const uint8_t *message)
{
	const uint8_t type = message[0];
	const uint64_t bit = TYPE(type);
	const uint64_t known = type >> 6 ? IEX_SYMBOL_TYPES1 : IEX_SYMBOL_TYPES0;

	if (type >> 7)
		return true;
	if (type >> 6 && walk->by_type & bit)
		return false;
	return !walk->symbols || !(known & bit) ||
	       symbol_watched(walk->symbols, LE64(message + IEX_SYMBOL_OFFSET));
}

/* One message; `protocol` is a constant of each caller. Returns 1 to stop. */
static __always_inline long walk_message(struct walk *walk, const enum myc_protocol protocol)
{
	const uint32_t least = protocol == MYC_PROTOCOL_IEXTP ? IEX_SIZE_MIN : ITCH_SIZE_MIN;
	const struct frame frame = host_frame(&walk->host);
	const uint32_t at = (uint32_t)bounded(walk->at, WALK_FRAME_MASK);
	const uint8_t *block = frame.start + at;
	uint32_t length;

	if (at + 2 > walk->end || block + 2 > frame.end) {
		walk->result = WALK_MALFORMED;
		return 1;
	}
	length = protocol == MYC_PROTOCOL_IEXTP ? LE16(block) : BE16(block);
	walk->at = at + 2 + length;
	if (walk->at > walk->end) {
		walk->result = WALK_MALFORMED;
		return 1;
	}
	if (length < least || block + 2 + least > frame.end ||
	    (protocol == MYC_PROTOCOL_IEXTP ? iex_wanted(walk, block + 2)
					    : itch_wanted(walk, block + 2))) {
		walk->result = WALK_WANTED;
		return 1;
	}
	return 0;
}

static long walk_itch(uint32_t index, void *walk)
{
	(void)index;
	return walk_message(walk, MYC_PROTOCOL_MOLDUDP64);
}

static long walk_iex(uint32_t index, void *walk)
{
	(void)index;
	return walk_message(walk, MYC_PROTOCOL_IEXTP);
}

/* Prepares the walk of a channel. False: nothing can be dropped, there is no use in walking. */
static __always_inline bool walk_begin(struct walk *walk, const struct myc_channel_config *config,
				       uint32_t channel, uint64_t epoch)
{
	walk->locate = NULL;
	walk->symbols = NULL;
	walk->by_type = 0;
	if (config->protocol == MYC_PROTOCOL_MOLDUDP64) {
		walk->by_type = config->type_drop[1] & ITCH_DROPPABLE_TYPES;
		if (config->filter == MYC_FILTER_LOCATE) {
			walk->locate = host_locate(&walk->host, channel);
			if (walk->locate && word_load(&walk->locate->armed) != (1ull << 63 | epoch))
				walk->locate = NULL;
		}
	} else if (config->protocol == MYC_PROTOCOL_IEXTP) {
		walk->by_type = config->type_drop[1] & IEX_DROPPABLE_TYPES1;
		if (config->filter == MYC_FILTER_SYMBOL)
			walk->symbols = host_symbols(&walk->host, channel);
	}
	return walk->locate || walk->symbols || walk->by_type;
}

static __always_inline enum walk_result walk_packet(struct walk *walk, uint8_t protocol,
						    uint32_t count)
{
	walk->result = WALK_DROPPABLE;
	if (protocol == MYC_PROTOCOL_IEXTP)
		host_loop(count, walk_iex, walk);
	else
		host_loop(count, walk_itch, walk);
	if (walk->result == WALK_DROPPABLE && walk->at != walk->end)
		return WALK_MALFORMED;
	return (enum walk_result)walk->result;
}

#endif
