/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Any other protocol: one message a packet, numbered by an integer at a fixed place, or not at
 * all. No session on the wire: the announced epoch holds as it is.
 */
#ifndef MYC_BPF_GENERIC_H
#define MYC_BPF_GENERIC_H

#include "protocol.h"

#define GENERIC_OFFSET_MASK 2047 /* myc_steer_config_check allows no larger offset */

static __always_inline uint64_t generic_number(const uint8_t *at, uint8_t width, bool big_endian)
{
	switch (width) {
	case 1:
		return *at;
	case 2:
		return big_endian ? BE16(at) : LE16(at);
	case 4:
		return big_endian ? __builtin_bswap32(LE32(at)) : LE32(at);
	default:
		return big_endian ? BE64(at) : LE64(at);
	}
}

static __always_inline void generic_header(const struct payload *payload,
					   const struct myc_channel_config *config,
					   struct header *header)
{
	const uint32_t offset = (uint32_t)bounded(config->generic_offset, GENERIC_OFFSET_MASK);
	const uint32_t width = config->generic_width;
	const uint8_t *at = payload->at + offset;
	const bool big_endian = config->flags & MYC_CHANNEL_GENERIC_BIG_ENDIAN;

	header->count = 1;
	header->flags = 0;
	header->wraps = config->generic_width;
	if (width == 0)
		header->flags = MYC_META_UNSEQUENCED;
	else if (payload->size < offset + width)
		header->flags = MYC_META_MALFORMED;
	else if (width == 1 && at + 1 <= payload->end)
		header->sequence = generic_number(at, 1, big_endian);
	else if (width == 2 && at + 2 <= payload->end)
		header->sequence = generic_number(at, 2, big_endian);
	else if (width == 4 && at + 4 <= payload->end)
		header->sequence = generic_number(at, 4, big_endian);
	else if (width == 8 && at + 8 <= payload->end)
		header->sequence = generic_number(at, 8, big_endian);
	else
		header->flags = MYC_META_MALFORMED;
	if (!number_fits(header->sequence, 1))
		header->flags = MYC_META_MALFORMED;
}

/*
 * Numbers of less than 64 bits wrap (CME: weekly, or at 2^32). The number nearest to the
 * receiver's watermark that ends in these bits is meant.
 */
static __always_inline uint64_t generic_unwrap(uint64_t number, uint64_t watermark, uint8_t width)
{
	const uint32_t shift = (64u - 8u * width) & 63u;
	const int64_t ahead = (int64_t)((number - watermark) << shift) >> shift;

	if (ahead < 0 && (uint64_t)-ahead > watermark)
		return number;
	return watermark + (uint64_t)ahead;
}

#endif
