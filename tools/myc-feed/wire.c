/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/wire.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mycelium/market/wire.h>

void wire_session_name(enum wire_protocol protocol, const struct wire_identity *identity,
		       char name[24])
{
	if (protocol == WIRE_IEXTP) {
		snprintf(name, 24, "%u", identity->iex_session);
		return;
	}
	int size = WIRE_SESSION_SIZE;

	while (size > 0 && identity->session[size - 1] == ' ')
		size--;
	snprintf(name, 24, "%.*s", size, identity->session);
}

void wire_session_next(enum wire_protocol protocol, struct wire_identity *identity)
{
	if (protocol == WIRE_IEXTP) {
		identity->iex_session++;
		return;
	}
	/* Counts up in the trailing digits: MYC0000001 -> MYC0000002. A name without any gets one. */
	int at = WIRE_SESSION_SIZE - 1;

	while (at > 0 && identity->session[at] == ' ')
		at--;
	if (identity->session[at] < '0' || identity->session[at] > '9') {
		at += at < WIRE_SESSION_SIZE - 1;
		identity->session[at] = '0';
	}
	for (; at >= 0 && identity->session[at] == '9'; at--)
		identity->session[at] = '0';
	if (at >= 0)
		identity->session[at]++;
}

bool wire_same_session(enum wire_protocol protocol, const struct wire_identity *one,
		       const struct wire_identity *other)
{
	if (protocol == WIRE_IEXTP)
		return one->iex_session == other->iex_session;
	return memcmp(one->session, other->session, WIRE_SESSION_SIZE) == 0;
}

uint32_t wire_header_size(enum wire_protocol protocol)
{
	switch (protocol) {
	case WIRE_MOLDUDP64:
		return WIRE_MOLD_HEADER_SIZE;
	case WIRE_IEXTP:
		return WIRE_IEX_HEADER_SIZE;
	case WIRE_NONE:
		break;
	}
	return 0;
}

void wire_put_header(enum wire_protocol protocol, uint8_t *payload, uint32_t size,
		     const struct wire_header *header)
{
	const struct wire_identity *identity = &header->identity;

	if (protocol == WIRE_MOLDUDP64) {
		uint16_t count = header->kind == PACKET_END ? WIRE_MOLD_END : header->count;

		memcpy(payload, identity->session, WIRE_SESSION_SIZE);
		myc_store_be64(payload + 10, header->sequence);
		myc_store_be16(payload + 18, count);
	} else if (protocol == WIRE_IEXTP) {
		payload[0] = 1;
		payload[1] = 0;
		myc_store_le16(payload + 2, identity->iex_protocol);
		myc_store_le32(payload + 4, identity->iex_channel);
		myc_store_le32(payload + 8, identity->iex_session);
		myc_store_le16(payload + 12, (uint16_t)(size - WIRE_IEX_HEADER_SIZE));
		myc_store_le16(payload + 14, header->count);
		myc_store_le64(payload + 16, header->offset);
		myc_store_le64(payload + 24, header->sequence);
		myc_store_le64(payload + 32, header->send_ns);
	}
}

void wire_put_length(enum wire_protocol protocol, uint8_t *at, uint32_t length)
{
	if (protocol == WIRE_IEXTP)
		myc_store_le16(at, (uint16_t)length);
	else
		myc_store_be16(at, (uint16_t)length);
}

uint32_t wire_get_length(enum wire_protocol protocol, const uint8_t *at)
{
	return protocol == WIRE_IEXTP ? myc_load_le16(at) : myc_load_be16(at);
}

static void get_header(enum wire_protocol protocol, const uint8_t *payload,
		       struct wire_header *header)
{
	*header = (struct wire_header){.kind = PACKET_DATA};
	if (protocol == WIRE_MOLDUDP64) {
		memcpy(header->identity.session, payload, WIRE_SESSION_SIZE);
		header->sequence = myc_load_be64(payload + 10);
		header->count = myc_load_be16(payload + 18);
	} else {
		header->identity.iex_protocol = myc_load_le16(payload + 2);
		header->identity.iex_channel = myc_load_le32(payload + 4);
		header->identity.iex_session = myc_load_le32(payload + 8);
		header->count = myc_load_le16(payload + 14);
		header->offset = myc_load_le64(payload + 16);
		header->sequence = myc_load_le64(payload + 24);
		header->send_ns = myc_load_le64(payload + 32);
	}
}

static int check_iex(const uint8_t *payload, uint32_t size, struct myc_error *error)
{
	uint32_t said = myc_load_le16(payload + 12);

	if (payload[0] != 1)
		return myc_error_set(error, -EBADMSG, NULL, "IEX-TP version is %u, not 1",
				     payload[0]);
	if (said != size - WIRE_IEX_HEADER_SIZE)
		return myc_error_set(error, -EBADMSG, NULL,
				     "IEX-TP header says %u bytes of messages, there are %u", said,
				     size - WIRE_IEX_HEADER_SIZE);
	return 0;
}

int wire_parse(enum wire_protocol protocol, const uint8_t *payload, uint32_t size,
	       struct wire_header *header, struct myc_error *error)
{
	const char *name = protocol == WIRE_IEXTP ? "IEX-TP" : "MoldUDP64";
	uint32_t at = wire_header_size(protocol);

	if (size < at)
		return myc_error_set(error, -EBADMSG, NULL,
				     "%u bytes of payload, the %s header has %u", size, name, at);
	if (protocol == WIRE_IEXTP && check_iex(payload, size, error))
		return -EBADMSG;
	get_header(protocol, payload, header);
	if (protocol == WIRE_MOLDUDP64 && header->count == WIRE_MOLD_END) {
		header->kind = PACKET_END;
		header->count = 0;
	} else if (header->count == 0) {
		header->kind = PACKET_HEARTBEAT;
	}
	if (header->sequence > UINT64_MAX - header->count)
		return myc_error_set(error, -EBADMSG, NULL, "%s sequence number overflows", name);
	for (uint32_t block = 0; block < header->count; block++) {
		if (size - at < WIRE_BLOCK_SIZE ||
		    size - at - WIRE_BLOCK_SIZE < wire_get_length(protocol, payload + at))
			return myc_error_set(error, -EBADMSG, NULL,
					     "message %u of %u runs past the %s payload", block + 1,
					     header->count, name);
		at += WIRE_BLOCK_SIZE + wire_get_length(protocol, payload + at);
	}
	if (at != size)
		return myc_error_set(error, -EBADMSG, NULL,
				     "%u bytes are left over behind the last %s message", size - at,
				     name);
	return 0;
}
