/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What exchanges put around SBE messages in a datagram: CME MDP 3.0, B3 UMDF, MEMX, Deribit. The
 * messages themselves are read by what myc-gen makes of the exchange's schema. No state; any thread.
 *
 *	struct myc_sbe_packet packet;
 *	if (myc_mdp3_read(&packet, event->data, event->size) == 0)
 *		while ((message = myc_sbe_packet_next(&packet, &size))) ...
 *
 * `message` is the SBE message header, `size` reaches to the message's end. What is behind a message
 * is not looked at before the message was asked for; myc_sbe_packet_check() looks at all of them.
 *
 * A feed of mdp3, b3 and deribit numbers its packets, so a MYC_FEED_MESSAGE of it is a whole payload,
 * to be read as above. A feed of memx numbers messages: event->data is the SBE message.
 */
#ifndef MYCELIUM_MARKET_SBE_PACKET_H
#define MYCELIUM_MARKET_SBE_PACKET_H

#include <mycelium/market/wire.h>

#define MYC_MDP3_HEADER_SIZE	12
#define MYC_B3_HEADER_SIZE	16
#define MYC_B3_FRAMING_SIZE	4
#define MYC_B3_ENCODING_SBE	0xeb50
#define MYC_MEMX_HEADER_SIZE	18
#define MYC_DERIBIT_HEADER_SIZE 8
#define MYC_DERIBIT_SBE_SIZE \
	12 /* its message header: numGroups and numVarData behind the usual 8 */

enum myc_sbe_framing {
	MYC_SBE_MDP3,
	MYC_SBE_B3,
	MYC_SBE_MEMX,
	MYC_SBE_DERIBIT,
};

enum myc_memx_kind {
	MYC_MEMX_HEARTBEAT = 0,
	MYC_MEMX_SESSION_SHUTDOWN = 1,
	MYC_MEMX_SEQUENCED = 2,
};

struct myc_sbe_packet {
	enum myc_sbe_framing framing;
	uint16_t count;		   /* MEMX: messages; the others do not say: 1 if there are any */
	uint32_t channel;	   /* B3, Deribit; else 0 */
	uint64_t session;	   /* B3: sequence version; MEMX: session id; else 0 */
	uint64_t sequence;	   /* of the packet; MEMX: of its first message, or next expected */
	uint64_t send_ns;	   /* MDP3, B3: since the Unix epoch; else 0 */
	bool end_of_session;	   /* MEMX */
	struct myc_blocks message; /* what was not asked for yet */
};

/* CME Globex MDP 3.0, "SBE Technical Headers", binary packet header: MsgSeqNum u32, SendingTime u64;
 * then for each message MsgSize u16, which counts itself and the SBE header. Little-endian. Each
 * packet of a channel has a number of its own; they start anew each week. */
static inline int myc_mdp3_read(struct myc_sbe_packet *packet, const uint8_t *payload,
				uint32_t size)
{
	if (size < MYC_MDP3_HEADER_SIZE)
		return -EBADMSG;
	*packet = (struct myc_sbe_packet){
		.framing = MYC_SBE_MDP3,
		.count = size > MYC_MDP3_HEADER_SIZE,
		.sequence = myc_load_le32(payload),
		.send_ns = myc_load_le64(payload + 4),
		.message = {payload + MYC_MDP3_HEADER_SIZE, size - MYC_MDP3_HEADER_SIZE},
	};
	return 0;
}

/* B3 binary UMDF, "Packet header" and "Framing header": channel u8, reserved, sequence version u16,
 * sequence u32, sending time u64; then for each message its length u16, which counts the framing
 * header, and the encoding u16 (0xEB50: SBE, little-endian). Sequence 0: a packet without a number
 * (Sequence, SequenceReset). A reset makes the sequence version one more. */
static inline int myc_b3_read(struct myc_sbe_packet *packet, const uint8_t *payload, uint32_t size)
{
	if (size < MYC_B3_HEADER_SIZE)
		return -EBADMSG;
	*packet = (struct myc_sbe_packet){
		.framing = MYC_SBE_B3,
		.count = size > MYC_B3_HEADER_SIZE,
		.channel = payload[0],
		.session = myc_load_le16(payload + 2),
		.sequence = myc_load_le32(payload + 4),
		.send_ns = myc_load_le64(payload + 8),
		.message = {payload + MYC_B3_HEADER_SIZE, size - MYC_B3_HEADER_SIZE},
	};
	return 0;
}

/* MEMX UDP, "Common header" and "Sequenced message": type u8, header length u8, session u64,
 * sequence u64; in a sequenced packet then count u16 and count x {length u16, SBE message}.
 * Big-endian. A heartbeat's number is the next expected. */
static inline int myc_memx_read(struct myc_sbe_packet *packet, const uint8_t *payload,
				uint32_t size)
{
	if (size < MYC_MEMX_HEADER_SIZE || payload[1] < MYC_MEMX_HEADER_SIZE || payload[1] > size)
		return -EBADMSG;
	*packet = (struct myc_sbe_packet){
		.framing = MYC_SBE_MEMX,
		.session = myc_load_be64(payload + 2),
		.sequence = myc_load_be64(payload + 10),
		.end_of_session = payload[0] == MYC_MEMX_SESSION_SHUTDOWN,
		.message = {payload + payload[1], size - payload[1]},
	};
	if (payload[0] > MYC_MEMX_SEQUENCED)
		return -EBADMSG;
	if (payload[0] != MYC_MEMX_SEQUENCED)
		return packet->message.left ? -EBADMSG : 0;
	if (packet->message.left < 2)
		return -EBADMSG;
	packet->count = myc_load_be16(packet->message.at);
	packet->message.at += 2;
	packet->message.left -= 2;
	return packet->sequence > UINT64_MAX - packet->count ? -EBADMSG : 0;
}

/* Deribit multicast, "Multicast packet encoding": length u16 of the messages together, channel u16,
 * sequence u32 of the packet; then SBE messages one behind the other. Little-endian. */
static inline int myc_deribit_read(struct myc_sbe_packet *packet, const uint8_t *payload,
				   uint32_t size)
{
	if (size < MYC_DERIBIT_HEADER_SIZE ||
	    myc_load_le16(payload) != size - MYC_DERIBIT_HEADER_SIZE)
		return -EBADMSG;
	*packet = (struct myc_sbe_packet){
		.framing = MYC_SBE_DERIBIT,
		.count = size > MYC_DERIBIT_HEADER_SIZE,
		.channel = myc_load_le16(payload + 2),
		.sequence = myc_load_le32(payload + 4),
		.message = {payload + MYC_DERIBIT_HEADER_SIZE, size - MYC_DERIBIT_HEADER_SIZE},
	};
	return 0;
}

/* How long a Deribit message is: the headers tell how many groups and variable fields follow, so that
 * a message of an unknown template can be passed over too. Dimensions are {block length, entries,
 * groups, variable fields} of u16, variable fields have a length of one byte. 0: more than `left`, or
 * entries that have groups or variable fields of their own. */
static inline uint32_t myc_deribit_message_size(const uint8_t *at, uint32_t left)
{
	if (left < MYC_DERIBIT_SBE_SIZE)
		return 0;
	uint64_t size = MYC_DERIBIT_SBE_SIZE + (uint64_t)myc_load_le16(at);
	for (uint32_t groups = myc_load_le16(at + 8); groups; groups--) {
		if (size + 8 > left || myc_load_le32(at + size + 4))
			return 0;
		size += 8 + (uint64_t)myc_load_le16(at + size) * myc_load_le16(at + size + 2);
	}
	for (uint32_t fields = myc_load_le16(at + 10); fields; fields--) {
		if (size + 1 > left)
			return 0;
		size += 1 + (uint64_t)at[size];
	}
	return size > left ? 0 : (uint32_t)size;
}

/* Bytes in front of the SBE header that say how long the message is. */
static inline uint32_t myc_sbe_prefix_size(enum myc_sbe_framing framing)
{
	switch (framing) {
	case MYC_SBE_MDP3:
	case MYC_SBE_MEMX:
		return 2;
	case MYC_SBE_B3:
		return MYC_B3_FRAMING_SIZE;
	case MYC_SBE_DERIBIT:
		break;
	}
	return 0;
}

/* The next message, from its SBE header on; NULL when what is left holds no whole message (or, B3,
 * one in another encoding). A packet that was read to its end has packet->message.left == 0. */
static inline const uint8_t *myc_sbe_packet_next(struct myc_sbe_packet *packet, uint32_t *size)
{
	struct myc_blocks *message = &packet->message;
	const uint32_t prefix = myc_sbe_prefix_size(packet->framing);
	uint32_t whole;

	if (message->left < prefix + 1)
		return NULL;
	switch (packet->framing) {
	case MYC_SBE_MEMX:
		whole = 2u + myc_load_be16(message->at);
		break;
	case MYC_SBE_DERIBIT:
		whole = myc_deribit_message_size(message->at, message->left);
		break;
	case MYC_SBE_B3:
		if (myc_load_le16(message->at + 2) != MYC_B3_ENCODING_SBE)
			return NULL;
		whole = myc_load_le16(message->at);
		break;
	default:
		whole = myc_load_le16(message->at);
		break;
	}
	if (whole <= prefix || whole > message->left)
		return NULL;
	const uint8_t *data = message->at + prefix;
	*size = whole - prefix;
	message->at += whole;
	message->left -= whole;
	return data;
}

/* Do whole messages (MEMX: `count` of them) fill the packet exactly? 0, or -EBADMSG. */
static inline int myc_sbe_packet_check(const struct myc_sbe_packet *packet)
{
	struct myc_sbe_packet rest = *packet;
	uint32_t size, found = 0;

	while (myc_sbe_packet_next(&rest, &size))
		found++;
	if (rest.message.left || (rest.framing == MYC_SBE_MEMX && found != rest.count))
		return -EBADMSG;
	return 0;
}

/* The header, for who sends. */
static inline void myc_mdp3_header_write(uint8_t out[MYC_MDP3_HEADER_SIZE], uint32_t sequence,
					 uint64_t send_ns)
{
	myc_store_le32(out, sequence);
	myc_store_le64(out + 4, send_ns);
}

/* The header, for who sends. */
static inline void myc_b3_header_write(uint8_t out[MYC_B3_HEADER_SIZE], uint8_t channel,
				       uint16_t version, uint32_t sequence, uint64_t send_ns)
{
	out[0] = channel;
	out[1] = 0;
	myc_store_le16(out + 2, version);
	myc_store_le32(out + 4, sequence);
	myc_store_le64(out + 8, send_ns);
}

/* The header, for who sends. */
static inline void myc_memx_header_write(uint8_t out[MYC_MEMX_HEADER_SIZE], enum myc_memx_kind kind,
					 uint64_t session, uint64_t sequence)
{
	out[0] = (uint8_t)kind;
	out[1] = MYC_MEMX_HEADER_SIZE;
	myc_store_be64(out + 2, session);
	myc_store_be64(out + 10, sequence);
}

/* The header, for who sends. */
static inline void myc_deribit_header_write(uint8_t out[MYC_DERIBIT_HEADER_SIZE], uint16_t length,
					    uint16_t channel, uint32_t sequence)
{
	myc_store_le16(out, length);
	myc_store_le16(out + 2, channel);
	myc_store_le32(out + 4, sequence);
}

/* In front of a message of `size` bytes, SBE header included: myc_sbe_prefix_size() bytes. */
static inline void myc_sbe_prefix_write(uint8_t *out, enum myc_sbe_framing framing, uint16_t size)
{
	if (framing == MYC_SBE_MEMX)
		myc_store_be16(out, size);
	else if (framing == MYC_SBE_MDP3)
		myc_store_le16(out, (uint16_t)(size + 2));
	else if (framing == MYC_SBE_B3) {
		myc_store_le16(out, (uint16_t)(size + MYC_B3_FRAMING_SIZE));
		myc_store_le16(out + 2, MYC_B3_ENCODING_SBE);
	}
}

#endif
