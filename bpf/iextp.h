/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * IEX-TP 1.25 segments: | version | - | protocol u16 | channel u32 | session u32 | payload u16 |
 * count u16 | offset i64 | sequence i64 | time i64 | count x { length u16, message } |,
 * little-endian; messages are TOPS or DEEP: | type | flags | timestamp i64 | symbol 8 | ... |.
 */
#ifndef MYC_BPF_IEXTP_H
#define MYC_BPF_IEXTP_H

#include "protocol.h"

enum {
	IEXTP_SIZE = 40,
	IEXTP_VERSION = 1,
	IEX_SYMBOL_OFFSET = 10,
	IEX_SIZE_MIN = 18, /* of a message with a symbol */
};

/* Every type but S: security directory, statuses, quotes, trades, auctions, and DEEP's levels and
 * DEEP+'s orders. Words for types 0..63 and 64..127. */
#define IEX_SYMBOL_TYPES0 (TYPE('5') | TYPE('8'))
#define IEX_SYMBOL_TYPES1                                                                    \
	(TYPE('D') | TYPE('H') | TYPE('I') | TYPE('O') | TYPE('P') | TYPE('E') | TYPE('Q') | \
	 TYPE('T') | TYPE('X') | TYPE('B') | TYPE('A') | TYPE('a') | TYPE('M') | TYPE('R') | \
	 TYPE('L'))
/* Neither the directory and statuses (S D H O P E) nor what a book is built from (8 5 a M R L). */
#define IEX_DROPPABLE_TYPES1 (TYPE('Q') | TYPE('T') | TYPE('X') | TYPE('B') | TYPE('A') | TYPE('I'))

static __always_inline void iextp_header(const struct payload *payload,
					 const struct myc_channel_config *config,
					 struct header *header)
{
	const uint8_t *at = payload->at;
	uint32_t blocks_size;

	if (!payload_has(payload, IEXTP_SIZE) || at[0] != IEXTP_VERSION) {
		header->flags = MYC_META_MALFORMED;
		return;
	}
	header->session[0] = LE32(at + 8);
	header->sequence = LE64(at + 24);
	header->count = LE16(at + 14);
	header->blocks = IEXTP_SIZE;
	if (header->count == 0)
		header->flags = MYC_META_HEARTBEAT;
	blocks_size = LE16(at + 12);
	if (blocks_size != payload->size - IEXTP_SIZE || !count_fits(header->count, blocks_size) ||
	    (header->count == 0 && blocks_size != 0) ||
	    !number_fits(header->sequence, header->count) ||
	    (config->iex_protocol && config->iex_protocol != LE16(at + 2)) ||
	    (config->iex_channel && config->iex_channel != LE32(at + 4)))
		header->flags |= MYC_META_MALFORMED;
}

#endif
