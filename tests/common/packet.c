/* SPDX-License-Identifier: Apache-2.0 */
#include "common/packet.h"

#include <string.h>

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static uint8_t *grow(struct packet *packet, uint32_t size)
{
	uint8_t *at = packet->bytes + packet->size;

	memset(at, 0, size);
	packet->size += size;
	return at;
}

static void begin_ipv4(struct packet *packet)
{
	const struct packet_shape *shape = &packet->shape;
	const uint32_t words = shape->ihl ? shape->ihl : 5;
	const uint32_t said = shape->ihl_said ? shape->ihl_said : words;
	uint8_t *ip = grow(packet, words * 4);

	memset(ip + 20, 1, words * 4 - 20);
	ip[0] = (uint8_t)((shape->version ? shape->version : 4u) << 4 | said);
	put16(ip + 6, shape->fragment);
	ip[8] = 16;
	ip[9] = shape->next ? shape->next : 17;
	put32(ip + 12, shape->source ? shape->source : 0x0a000001);
	put32(ip + 16, shape->group ? shape->group : 0xef010101);
}

static void begin_ipv6(struct packet *packet)
{
	const struct packet_shape *shape = &packet->shape;
	uint8_t *ip = grow(packet, 40);

	ip[0] = (uint8_t)((shape->version ? shape->version : 6u) << 4);
	ip[6] = shape->next_zero ? 0 : shape->next ? shape->next : 17;
	ip[7] = 16;
	put16(ip + 8, 0xfe80);
	ip[23] = 1;
	put16(ip + 24, 0xff15);
	ip[39] = 1;
}

void packet_begin(struct packet *packet, const struct packet_shape *shape)
{
	static const uint8_t addresses[12] = {0x01, 0, 0x5e, 1, 1, 1, 0x02, 0, 0, 0, 0, 1};
	uint8_t *at;

	packet->shape = *shape;
	packet->size = 0;
	memcpy(grow(packet, sizeof(addresses)), addresses, sizeof(addresses));
	for (int i = 0; i < 3 && shape->tag_type[i]; i++) {
		at = grow(packet, 4);
		put16(at, shape->tag_type[i]);
		put16(at + 2, shape->tag[i]);
	}
	at = grow(packet, 2);
	put16(at, shape->ethertype ? shape->ethertype : shape->ipv6 ? 0x86dd : 0x0800);
	packet->ip = packet->size;
	if (shape->ipv6)
		begin_ipv6(packet);
	else
		begin_ipv4(packet);
	packet->udp = packet->size;
	at = grow(packet, 8);
	put16(at, 40000);
	put16(at + 2, shape->port);
	packet->payload = packet->size;
}

void packet_bytes(struct packet *packet, const void *bytes, uint32_t size)
{
	memcpy(grow(packet, size), bytes, size);
}

void packet_end(struct packet *packet)
{
	const struct packet_shape *shape = &packet->shape;
	const uint32_t udp_size = packet->size - packet->udp;
	const uint32_t ip_size = shape->ipv6 ? udp_size : packet->size - packet->ip;

	put16(packet->bytes + packet->udp + 4, udp_size + (uint32_t)shape->udp_length);
	put16(packet->bytes + packet->ip + (shape->ipv6 ? 4 : 2),
	      ip_size + (uint32_t)shape->ip_length);
	grow(packet, shape->padding);
	packet->size -= shape->cut;
	if (shape->keep)
		packet->size = shape->keep;
}

void packet_mold(struct packet *packet, const char *session, uint64_t sequence, uint16_t count)
{
	uint8_t *at = grow(packet, 20);

	memcpy(at, session, 10);
	put32(at + 10, (uint32_t)(sequence >> 32));
	put32(at + 14, (uint32_t)sequence);
	put16(at + 18, count);
}

uint32_t itch_length(char type)
{
	static const char types[] = "SRHYLVWKJhAFECXDUPQBINO";
	static const uint8_t lengths[] = {12, 39, 25, 20, 26, 35, 12, 28, 35, 21, 36, 40,
					  31, 36, 23, 19, 35, 44, 40, 19, 50, 20, 48};
	const char *found = type ? strchr(types, type) : NULL;

	return found ? lengths[found - types] : 30;
}

void packet_itch(struct packet *packet, char type, uint16_t locate, int length)
{
	const uint32_t size = length < 0 ? itch_length(type) : (uint32_t)length;
	uint8_t message[256] = {(uint8_t)type, (uint8_t)(locate >> 8), (uint8_t)locate};

	put16(grow(packet, 2), size);
	packet_bytes(packet, message, size);
}

void packet_iex(struct packet *packet, const struct packet_iex *header)
{
	uint8_t *at = grow(packet, 40);
	const uint16_t length = (uint16_t)header->payload_length;

	at[0] = header->version ? header->version : 1;
	memcpy(at + 2, &header->protocol, 2);
	memcpy(at + 4, &header->channel, 4);
	memcpy(at + 8, &header->session, 4);
	memcpy(at + 12, &length, 2);
	memcpy(at + 14, &header->count, 2);
	memcpy(at + 24, &header->sequence, 8);
}

uint64_t iex_symbol(const char *symbol)
{
	char padded[8];
	uint64_t word;

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, symbol, strnlen(symbol, sizeof(padded)));
	memcpy(&word, padded, sizeof(word));
	return word;
}

static uint32_t iex_length(char type)
{
	static const char types[] = "SDHIOPEQ85TXBAaMRL";
	static const uint8_t lengths[] = {10, 31, 22, 18, 18, 19, 18, 42, 30,
					  30, 38, 38, 38, 80, 38, 38, 26, 46};
	const char *found = type ? strchr(types, type) : NULL;

	return found ? lengths[found - types] : 30;
}

/* Adds to the header's payload length as it goes. */
void packet_iex_message(struct packet *packet, char type, const char *symbol, int length)
{
	const uint16_t size = (uint16_t)(length < 0 ? (int)iex_length(type) : length);
	const uint64_t word = iex_symbol(symbol);
	uint8_t message[256] = {(uint8_t)type};
	uint8_t *said = packet->bytes + packet->payload + 12;
	uint16_t total;

	memcpy(message + 10, &word, 8);
	memcpy(&total, said, 2);
	total = (uint16_t)(total + 2 + size);
	memcpy(said, &total, 2);
	packet_bytes(packet, &size, 2);
	packet_bytes(packet, message, size);
}

void packet_mapped(uint8_t out[16], uint32_t ipv4)
{
	memset(out, 0, 10);
	memset(out + 10, 0xff, 2);
	put32(out + 12, ipv4);
}
