/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets of SBE feeds, written in words, and the tables by which they are filtered: those of
 * tests/schemas/good/feed_*.xml, by hand here (sbe_filter_test holds the schema compiler to them).
 *
 * A word is a template's letter, instruments, and after a colon what is odd about the message:
 * "b5,500:k". Instruments are entries of the group that names them, or the one of the root; "n" is
 * the null. Letters:
 *	MDP3     b book 46, o orders 47, s status 30 (root), c reset 4, h heartbeat 12
 *	B3       b order 50, e empty book 9, s snapshot 71 (two entries), c reset 1
 *	MEMX     b added 10, d deleted 12, c session status 3
 *	Deribit  b book 1001 (one change), t trades 1002, i instrument 1000 (a name behind it)
 *	all      u an unknown template
 * Odd: x another schema, + - the length says one more or less than there is, k the bit by which
 * messages are kept, t four bytes behind the last group, w blocks four bytes longer, r a root block
 * cut before its end, s entries that end before the instrument, m entries that end with it, o without the last group, c the first
 * group says 255 entries, e another encoding (B3), g d one more group or variable field is said
 * (Deribit), N entries say they have groups.
 */
#ifndef TESTS_COMMON_SBE_BODY_H
#define TESTS_COMMON_SBE_BODY_H

#include <mycelium/abi/sbe_filter.h>
#include <mycelium/market/sbe_packet.h>

#include "common/packet.h"

/* The packet's header; `count` is MEMX's: 0 = heartbeat. Session 7, or as told. */
void packet_sbe(struct packet *packet, enum myc_sbe_framing framing, uint64_t session,
		uint64_t sequence, uint16_t count);
/* Bytes of the message of a word, its prefix included; at most 2000. */
uint32_t sbe_word(enum myc_sbe_framing framing, const char *word, uint8_t *out);

void sbe_table(enum myc_sbe_framing framing, struct myc_sbe_filter *table);

#endif
