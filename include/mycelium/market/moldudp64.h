/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MoldUDP64 1.00: downstream packets and re-requests. Big-endian. No state; any thread.
 *
 *	struct myc_mold packet;
 *	if (myc_mold_read(&packet, payload, size) == 0 && myc_mold_check(&packet) == 0)
 *		while ((message = myc_blocks_next(&packet.blocks, true, &length))) ...
 *
 * Layout (section "Downstream Packet"): session 10, sequence u64 of the first message, count u16,
 * then count x {length u16, data}. Count 0 is a heartbeat and 0xFFFF the end of the session: both
 * carry the next expected sequence and no messages.
 */
#ifndef MYCELIUM_MARKET_MOLDUDP64_H
#define MYCELIUM_MARKET_MOLDUDP64_H

#include <mycelium/market/wire.h>

#define MYC_MOLD_HEADER_SIZE	20
#define MYC_MOLD_SESSION_SIZE	10
#define MYC_MOLD_END_OF_SESSION 0xffff

struct myc_mold {
	const uint8_t *session; /* 10 characters, in the packet */
	uint64_t sequence;	/* of the first message, or next expected */
	uint16_t count;		/* messages; 0 for heartbeat and end of session */
	bool end_of_session;
	struct myc_blocks blocks;
};

/* Reads the header. -EBADMSG: shorter than a header, or sequence + count does not fit 64 bits. */
static inline int myc_mold_read(struct myc_mold *packet, const uint8_t *payload, uint32_t size)
{
	if (size < MYC_MOLD_HEADER_SIZE)
		return -EBADMSG;
	uint16_t count = myc_load_be16(payload + 18);
	packet->session = payload;
	packet->sequence = myc_load_be64(payload + 10);
	packet->end_of_session = count == MYC_MOLD_END_OF_SESSION;
	packet->count = packet->end_of_session ? 0 : count;
	packet->blocks =
		(struct myc_blocks){payload + MYC_MOLD_HEADER_SIZE, size - MYC_MOLD_HEADER_SIZE};
	return packet->sequence > UINT64_MAX - packet->count ? -EBADMSG : 0;
}

/* Do the message blocks fill the packet exactly? 0, or -EBADMSG. Heartbeats have none. */
static inline int myc_mold_check(const struct myc_mold *packet)
{
	return myc_blocks_check(packet->blocks, true, packet->count);
}

/* The header, for who sends. count 0: a heartbeat; 0xffff: the session's end. */
static inline void myc_mold_header_write(uint8_t out[MYC_MOLD_HEADER_SIZE],
					 const uint8_t session[MYC_MOLD_SESSION_SIZE],
					 uint64_t sequence, uint16_t count)
{
	memcpy(out, session, MYC_MOLD_SESSION_SIZE);
	myc_store_be64(out + 10, sequence);
	myc_store_be16(out + 18, count);
}

/* A session as two words, as abi/steer.h announces it: bytes 0..7 and 8..9, little-endian loads. */
static inline void myc_mold_session_words(const uint8_t session[MYC_MOLD_SESSION_SIZE],
					  uint64_t words[2])
{
	words[0] = myc_load_le64(session);
	words[1] = myc_load_le16(session + 8);
}

/*
 * Re-request (section "Request Packet"): the same 20 bytes, sent to the re-request server; only the
 * direction tells it from a heartbeat. The answer may hold fewer messages than asked for.
 */
struct myc_mold_request {
	const uint8_t *session;
	uint64_t sequence; /* first wanted */
	uint16_t count;
};

/* 0, or -EBADMSG: too short. The session stays where it lies. */
static inline int myc_mold_request_read(struct myc_mold_request *request, const uint8_t *payload,
					uint32_t size)
{
	if (size < MYC_MOLD_HEADER_SIZE)
		return -EBADMSG;
	request->session = payload;
	request->sequence = myc_load_be64(payload + 10);
	request->count = myc_load_be16(payload + 18);
	return 0;
}

/* The bytes of a request. */
static inline void myc_mold_request_write(uint8_t out[MYC_MOLD_HEADER_SIZE],
					  const struct myc_mold_request *request)
{
	myc_mold_header_write(out, request->session, request->sequence, request->count);
}

#endif
