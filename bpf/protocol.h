/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every protocol tells the judge about a payload, and what it tells the filter's walk about a
 * message. A protocol is a header parser and its sets of types; each lives in its own
 * file (moldudp64.h, iextp.h, sbe.h, generic.h).
 */
#ifndef MYC_BPF_PROTOCOL_H
#define MYC_BPF_PROTOCOL_H

#include <mycelium/abi/meta.h>
#include <mycelium/abi/steer.h>

#include "parse.h"

#define LE16(at) packet_load16(at)
#define LE32(at) packet_load32(at)
#define LE64(at) packet_load64(at)

/* A payload's header. With MYC_META_MALFORMED set only the flags are meant. */
struct header {
	uint64_t session[2];
	uint64_t sequence;
	uint32_t count;	 /* messages; 0 for heartbeats and end of session */
	uint32_t blocks; /* offset in the payload of the first length-prefixed message */
	uint8_t flags;	 /* enum myc_meta_flag */
	uint8_t wraps;	 /* bytes of a sequence that goes round; 0 = it does not */
};

/* The payload as bytes; `size` is at most what lies in the frame from `at` on. */
struct payload {
	const uint8_t *at;
	const uint8_t *end; /* of the frame */
	uint32_t size;
};

/* Both checks are needed: `size` is the truth, `end` is what the verifier knows. */
static __always_inline bool payload_has(const struct payload *payload, uint32_t size)
{
	return payload->size >= size && payload->at + size <= payload->end;
}

/* Each message costs its length prefix at least: refuses counts that cannot be true. */
static __always_inline bool count_fits(uint32_t count, uint32_t blocks_size)
{
	return count * 2 <= blocks_size;
}

static __always_inline bool number_fits(uint64_t sequence, uint32_t count)
{
	return sequence <= MYC_SEQUENCE_MASK && sequence + count <= MYC_SEQUENCE_MASK;
}

/* Message types as a set: bit t & 63 of word t >> 6, for types below 128. */
#define TYPE(t) (1ull << ((t)&63))

#endif
