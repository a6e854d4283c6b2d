/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * MoldUDP64 1.00 downstream packets: | session 10 | sequence u64 | count u16 | count x { length u16,
 * message } |, big-endian; messages are NASDAQ TotalView-ITCH 5.0: | type | stock locate u16 | ... |.
 */
#ifndef MYC_BPF_MOLDUDP64_H
#define MYC_BPF_MOLDUDP64_H

#include "protocol.h"

enum {
	MOLDUDP64_SIZE = 20,
	MOLDUDP64_END_OF_SESSION = 0xffff,
	ITCH_SIZE_MIN = 19, /* of every type below: the shortest (D, B) */
};

/* All of these carry a locate. S V W K R H h O concern everybody or carry none (K: always 0). */
#define ITCH_LOCATE_TYPES                                                                    \
	(TYPE('A') | TYPE('F') | TYPE('E') | TYPE('C') | TYPE('X') | TYPE('D') | TYPE('U') | \
	 TYPE('P') | TYPE('Q') | TYPE('I') | TYPE('N') | TYPE('Y') | TYPE('J') | TYPE('L'))
/* Without A F E C X D U: a book that misses one kind of them is corrupt. */
#define ITCH_DROPPABLE_TYPES                                                                 \
	(TYPE('P') | TYPE('Q') | TYPE('B') | TYPE('I') | TYPE('N') | TYPE('L') | TYPE('Y') | \
	 TYPE('J'))

static __always_inline void moldudp64_header(const struct payload *payload, struct header *header)
{
	const uint8_t *at = payload->at;

	if (!payload_has(payload, MOLDUDP64_SIZE)) {
		header->flags = MYC_META_MALFORMED;
		return;
	}
	header->session[0] = LE64(at);
	header->session[1] = LE16(at + 8);
	header->sequence = BE64(at + 10);
	header->count = BE16(at + 18);
	header->blocks = MOLDUDP64_SIZE;
	if (header->count == MOLDUDP64_END_OF_SESSION) {
		header->count = 0;
		header->flags = MYC_META_END_OF_SESSION;
	} else if (header->count == 0) {
		header->flags = MYC_META_HEARTBEAT;
	}
	if (!count_fits(header->count, payload->size - MOLDUDP64_SIZE) ||
	    (header->count == 0 && payload->size != MOLDUDP64_SIZE) ||
	    !number_fits(header->sequence, header->count))
		header->flags |= MYC_META_MALFORMED;
}

#endif
