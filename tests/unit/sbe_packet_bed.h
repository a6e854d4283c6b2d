/* SPDX-License-Identifier: Apache-2.0 */
/* Packets of each SBE framing, as they are written and read. */
#ifndef TESTS_UNIT_SBE_PACKET_BED_H
#define TESTS_UNIT_SBE_PACKET_BED_H

#include "common/test.h"

#include <string.h>

#include <mycelium/market/sbe_packet.h>

#include "common/sbe_body.h"
#include "common/steer_rig.h"
#include "market/arbiter.h"

#define EVENTS_MAX  256
#define PACKETS_MAX 256
#define MESSAGE	    20 /* bytes of a message here, SBE header included */

static const enum myc_sbe_framing framings[] = {MYC_SBE_MDP3, MYC_SBE_B3, MYC_SBE_MEMX,
						MYC_SBE_DERIBIT};

static inline int read_as(enum myc_sbe_framing framing, struct myc_sbe_packet *packet,
			  const uint8_t *at, uint32_t size)
{
	switch (framing) {
	case MYC_SBE_MDP3:
		return myc_mdp3_read(packet, at, size);
	case MYC_SBE_B3:
		return myc_b3_read(packet, at, size);
	case MYC_SBE_MEMX:
		return myc_memx_read(packet, at, size);
	default:
		return myc_deribit_read(packet, at, size);
	}
}

static inline uint32_t put_header(enum myc_sbe_framing framing, uint8_t *out, uint16_t session,
				  uint64_t sequence, uint16_t count, uint64_t send_ns)
{
	switch (framing) {
	case MYC_SBE_MDP3:
		myc_mdp3_header_write(out, (uint32_t)sequence, send_ns);
		return MYC_MDP3_HEADER_SIZE;
	case MYC_SBE_B3:
		myc_b3_header_write(out, 84, session, (uint32_t)sequence, send_ns);
		return MYC_B3_HEADER_SIZE;
	case MYC_SBE_MEMX:
		myc_memx_header_write(out, count ? MYC_MEMX_SEQUENCED : MYC_MEMX_HEARTBEAT, session,
				      sequence);
		myc_store_be16(out + MYC_MEMX_HEADER_SIZE, count);
		return MYC_MEMX_HEADER_SIZE + (count ? 2 : 0);
	default:
		myc_deribit_header_write(out, (uint16_t)(count * MESSAGE), session,
					 (uint32_t)sequence);
		return MYC_DERIBIT_HEADER_SIZE;
	}
}

/* `count` messages whose last byte is their place. */
static inline uint32_t build(enum myc_sbe_framing framing, uint8_t *out, uint16_t session,
			     uint64_t sequence, uint16_t count, uint64_t send_ns)
{
	uint32_t at = put_header(framing, out, session, sequence, count, send_ns);

	for (uint16_t i = 0; i < count; i++) {
		myc_sbe_prefix_write(out + at, framing, MESSAGE);
		at += myc_sbe_prefix_size(framing);
		memset(out + at, 0, MESSAGE);
		myc_store_le16(out + at, framing == MYC_SBE_DERIBIT ? 8 : 12);
		out[at + MESSAGE - 1] = (uint8_t)i;
		at += MESSAGE;
	}
	return at;
}

#endif
