/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What exchanges put around SBE messages (mycelium/market/sbe_packet.h has the fields and sources):
 *
 *	MDP 3.0   | sequence u32 | time u64 | n x { length u16, message } |, little-endian
 *	B3        | channel u8 | - | version u16 | sequence u32 | time u64 |
 *	          n x { length u16, encoding u16, message } |, little-endian
 *	MEMX      | type u8 | header length u8 | session u64 | sequence u64 | count u16 |
 *	          count x { length u16, message } |, big-endian
 *	Deribit   | length u16 | channel u16 | sequence u32 | messages |, little-endian
 *
 * All but MEMX number packets: a packet counts as one message here. One without messages is taken
 * for a heartbeat, its number for the next expected.
 */
#ifndef MYC_BPF_SBE_H
#define MYC_BPF_SBE_H

#include "protocol.h"

enum {
	MDP3_SIZE = 12,
	B3_SIZE = 16,
	MEMX_SIZE = 18,
	DERIBIT_SIZE = 8,
	MEMX_SHUTDOWN = 1,
	MEMX_SEQUENCED = 2,
};

static __always_inline void packet_numbered(const struct payload *payload, uint32_t size,
					    struct header *header)
{
	header->blocks = size;
	if (payload->size > size)
		header->count = 1;
	else
		header->flags = MYC_META_HEARTBEAT;
}

static __always_inline void mdp3_header(const struct payload *payload, struct header *header)
{
	if (!payload_has(payload, MDP3_SIZE)) {
		header->flags = MYC_META_MALFORMED;
		return;
	}
	header->sequence = LE32(payload->at);
	header->wraps = 4;
	packet_numbered(payload, MDP3_SIZE, header);
}

static __always_inline void b3_header(const struct payload *payload, struct header *header)
{
	const uint8_t *at = payload->at;

	if (!payload_has(payload, B3_SIZE)) {
		header->flags = MYC_META_MALFORMED;
		return;
	}
	header->session[0] = LE32(at) & 0xffff00ff;
	header->sequence = LE32(at + 4);
	if (header->sequence == 0)
		header->flags = MYC_META_UNSEQUENCED; /* Sequence, SequenceReset */
	else
		packet_numbered(payload, B3_SIZE, header);
}

static __always_inline void memx_header(const struct payload *payload, struct header *header)
{
	const uint8_t *at = payload->at, *count;
	uint32_t size;

	header->flags = MYC_META_MALFORMED;
	if (!payload_has(payload, MEMX_SIZE))
		return;
	size = at[1];
	header->session[0] = BE64(at + 2);
	header->sequence = BE64(at + 10);
	if (size < MEMX_SIZE || payload->size < size || at[0] > MEMX_SEQUENCED)
		return;
	if (at[0] != MEMX_SEQUENCED) {
		if (payload->size == size && number_fits(header->sequence, 0))
			header->flags = at[0] == MEMX_SHUTDOWN ? MYC_META_END_OF_SESSION
							       : MYC_META_HEARTBEAT;
		return;
	}
	count = at + bounded(size, 255);
	if (payload->size < size + 2 || count + 2 > payload->end)
		return;
	header->count = BE16(count);
	header->blocks = size + 2;
	if (!count_fits(header->count, payload->size - header->blocks) ||
	    (header->count == 0 && payload->size != header->blocks) ||
	    !number_fits(header->sequence, header->count))
		return;
	header->flags = header->count ? 0 : MYC_META_HEARTBEAT;
}

static __always_inline void deribit_header(const struct payload *payload, struct header *header)
{
	const uint8_t *at = payload->at;

	if (!payload_has(payload, DERIBIT_SIZE) || LE16(at) != payload->size - DERIBIT_SIZE) {
		header->flags = MYC_META_MALFORMED;
		return;
	}
	header->session[0] = LE16(at + 2);
	header->sequence = LE32(at + 4);
	header->wraps = 4;
	packet_numbered(payload, DERIBIT_SIZE, header);
}

#endif
