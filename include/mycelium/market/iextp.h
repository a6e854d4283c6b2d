/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IEX-TP 1.25: outbound segments and gap-fill requests. Little-endian. No state; any thread.
 *
 * Segment header (section "Outbound Segment Header"), 40 bytes: version u8 = 1, reserved, protocol
 * u16, channel u32, session u32, payload length u16, count u16, stream offset i64, first sequence
 * i64, send time i64; then count x {length u16, data}. A heartbeat has count 0, its sequence and
 * offset are the next expected. Lines A and B need not cut the stream into the same segments.
 */
#ifndef MYCELIUM_MARKET_IEXTP_H
#define MYCELIUM_MARKET_IEXTP_H

#include <mycelium/market/wire.h>

#define MYC_IEXTP_HEADER_SIZE 40
#define MYC_IEXTP_VERSION     1

enum myc_iextp_protocol {
	MYC_IEXTP_TOPS16 = 0x8003,
	MYC_IEXTP_DEEP10 = 0x8004,
	MYC_IEXTP_DEEP_PLUS = 0x8005,
};

struct myc_iextp {
	uint16_t protocol; /* enum myc_iextp_protocol */
	uint16_t count;
	uint32_t channel, session;
	uint64_t offset;   /* of the first message's block in the session's stream, bytes */
	uint64_t sequence; /* of the first message, or next expected */
	uint64_t send_ns;  /* since the Unix epoch */
	struct myc_blocks blocks;
};

/* Reads the header. -EBADMSG: shorter than it says, another version, a negative number. */
static inline int myc_iextp_read(struct myc_iextp *segment, const uint8_t *payload, uint32_t size)
{
	if (size < MYC_IEXTP_HEADER_SIZE || payload[0] != MYC_IEXTP_VERSION)
		return -EBADMSG;
	uint16_t length = myc_load_le16(payload + 12);
	if (length > size - MYC_IEXTP_HEADER_SIZE)
		return -EBADMSG;
	segment->protocol = myc_load_le16(payload + 2);
	segment->channel = myc_load_le32(payload + 4);
	segment->session = myc_load_le32(payload + 8);
	segment->count = myc_load_le16(payload + 14);
	segment->offset = myc_load_le64(payload + 16);
	segment->sequence = myc_load_le64(payload + 24);
	segment->send_ns = myc_load_le64(payload + 32);
	segment->blocks = (struct myc_blocks){payload + MYC_IEXTP_HEADER_SIZE, length};
	return (int64_t)(segment->offset | segment->sequence | segment->send_ns) < 0 ? -EBADMSG : 0;
}

/* Do the message blocks fill the payload exactly? 0, or -EBADMSG. */
static inline int myc_iextp_check(const struct myc_iextp *segment)
{
	return myc_blocks_check(segment->blocks, false, segment->count);
}

/* payload_length: bytes of the blocks that follow. */
static inline void myc_iextp_header_write(uint8_t out[MYC_IEXTP_HEADER_SIZE],
					  const struct myc_iextp *segment, uint16_t payload_length)
{
	memset(out, 0, MYC_IEXTP_HEADER_SIZE);
	out[0] = MYC_IEXTP_VERSION;
	myc_store_le16(out + 2, segment->protocol);
	myc_store_le32(out + 4, segment->channel);
	myc_store_le32(out + 8, segment->session);
	myc_store_le16(out + 12, payload_length);
	myc_store_le16(out + 14, segment->count);
	myc_store_le64(out + 16, segment->offset);
	myc_store_le64(out + 24, segment->sequence);
	myc_store_le64(out + 32, segment->send_ns);
}

/* Gap-fill request (section "Gap Fill Request"): a header of 16 bytes, then ranges, both ends
 * inclusive, ascending and apart. No range at all is a test: a heartbeat answers it. */
#define MYC_IEXTP_REQUEST_HEADER_SIZE 16
#define MYC_IEXTP_RANGE_SIZE	      16

enum myc_iextp_request_type { MYC_IEXTP_REQUEST_MESSAGES = 1, MYC_IEXTP_REQUEST_BYTES = 2 };

/* A request's header, before so many ranges. */
static inline void myc_iextp_request_write(uint8_t out[MYC_IEXTP_REQUEST_HEADER_SIZE],
					   enum myc_iextp_request_type type,
					   const struct myc_iextp *segment, uint32_t ranges)
{
	out[0] = MYC_IEXTP_VERSION;
	out[1] = (uint8_t)type;
	myc_store_le16(out + 2, segment->protocol);
	myc_store_le32(out + 4, segment->channel);
	myc_store_le32(out + 8, segment->session);
	myc_store_le32(out + 12, ranges);
}

/* Both included. */
static inline void myc_iextp_range_write(uint8_t out[MYC_IEXTP_RANGE_SIZE], uint64_t first,
					 uint64_t last)
{
	myc_store_le64(out, first);
	myc_store_le64(out + 8, last);
}

#endif
