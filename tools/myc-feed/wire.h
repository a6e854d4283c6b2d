/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The two session protocols that myc-feed speaks, both directions: MoldUDP64 1.00 (big-endian) and
 * IEX-TP 1.25 (little-endian). Layouts: MoldUDP64 "Downstream Packet"; IEX-TP "Outbound Segment".
 */
#ifndef MYC_FEED_WIRE_H
#define MYC_FEED_WIRE_H

#include <mycelium/error.h>

#include "myc-feed/packet.h"

enum wire_protocol { WIRE_NONE, WIRE_MOLDUDP64, WIRE_IEXTP };

#define WIRE_SESSION_SIZE     10
#define WIRE_MOLD_HEADER_SIZE 20
#define WIRE_MOLD_END	      0xffff
#define WIRE_IEX_HEADER_SIZE  40
#define WIRE_BLOCK_SIZE	      2 /* length prefix of a message, both protocols */

/* What stays the same in every header of a session. */
struct wire_identity {
	char session[WIRE_SESSION_SIZE]; /* MoldUDP64, space padded */
	uint16_t iex_protocol;		 /* IEX-TP: 0x8003 TOPS 1.6, 0x8004 DEEP 1.0 ... */
	uint32_t iex_channel;
	uint32_t iex_session;
};

/* What a header says beside that. */
struct wire_header {
	struct wire_identity identity;
	uint64_t sequence;
	uint64_t offset;  /* IEX-TP: of the first message in the stream's bytes */
	uint64_t send_ns; /* IEX-TP: publisher's clock */
	uint16_t count;
	enum packet_kind kind;
};

/* The printable form: MoldUDP64's ten characters without the padding, or IEX-TP's number. */
void wire_session_name(enum wire_protocol protocol, const struct wire_identity *identity,
		       char name[24]);
/* The identity that a publisher takes for its next session. */
void wire_session_next(enum wire_protocol protocol, struct wire_identity *identity);
bool wire_same_session(enum wire_protocol protocol, const struct wire_identity *one,
		       const struct wire_identity *other);

uint32_t wire_header_size(enum wire_protocol protocol);
/* Writes the header in front of a payload of `size` bytes, header included. */
void wire_put_header(enum wire_protocol protocol, uint8_t *payload, uint32_t size,
		     const struct wire_header *header);
void wire_put_length(enum wire_protocol protocol, uint8_t *at, uint32_t length);

/* Checks a whole payload: header, every block inside, nothing left over. -EBADMSG with the cause. */
int wire_parse(enum wire_protocol protocol, const uint8_t *payload, uint32_t size,
	       struct wire_header *header, struct myc_error *error);
uint32_t wire_get_length(enum wire_protocol protocol, const uint8_t *at);

#endif
