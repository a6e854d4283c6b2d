/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames for tests: Ethernet, tags, IPv4 or IPv6, UDP, then a payload that is written message by
 * message. Lengths are right when packet_end has run, unless the shape says otherwise.
 */
#ifndef TESTS_COMMON_PACKET_H
#define TESTS_COMMON_PACKET_H

#include <stdbool.h>
#include <stdint.h>

#define PACKET_MAX 4000

struct packet_shape {
	uint16_t tag_type[3]; /* 0 = no tag */
	uint16_t tag[3];
	uint16_t ethertype; /* 0 = as the address says */
	bool ipv6;	    /* to ff15::1 from fe80::1 */
	uint8_t version;    /* 0 = right */
	uint8_t ihl;	    /* of IPv4 in words, 0 = 5; options are NOPs */
	uint8_t ihl_said;   /* written instead of it */
	uint8_t next;	    /* IP protocol or next header, 0 = UDP */
	bool next_zero;	    /* really 0: hop-by-hop */
	uint16_t fragment;  /* IPv4 flags and offset */
	uint32_t group;	    /* IPv4 destination, 0 = 239.1.1.1 */
	uint32_t source;    /* IPv4 source, 0 = 10.0.0.1 */
	uint16_t port;
	int ip_length;	  /* added to the IP length */
	int udp_length;	  /* added to the UDP length */
	uint16_t padding; /* zero bytes behind the datagram */
	uint16_t cut;	  /* bytes missing at the frame's end */
	uint16_t keep;	  /* not 0: cut to this many bytes */
};

struct packet {
	uint8_t bytes[PACKET_MAX];
	uint32_t size;
	uint32_t ip;	  /* offset of the IP header */
	uint32_t udp;	  /* offset of the UDP header */
	uint32_t payload; /* offset of the payload */
	struct packet_shape shape;
};

void packet_begin(struct packet *packet, const struct packet_shape *shape);
void packet_bytes(struct packet *packet, const void *bytes, uint32_t size);
void packet_end(struct packet *packet);

/* MoldUDP64: `session` has 10 characters. */
void packet_mold(struct packet *packet, const char *session, uint64_t sequence, uint16_t count);
/* An ITCH message in its block; the length is its type's, or `length` when not negative. */
void packet_itch(struct packet *packet, char type, uint16_t locate, int length);
uint32_t itch_length(char type);

struct packet_iex {
	uint8_t version; /* 0 = 1 */
	uint16_t protocol;
	uint32_t channel;
	uint32_t session;
	uint64_t sequence;
	uint16_t count;
	int payload_length; /* added to the true one */
};
void packet_iex(struct packet *packet, const struct packet_iex *header);
/* `symbol` up to 8 characters, padded; the length is its type's, or `length` when not negative. */
void packet_iex_message(struct packet *packet, char type, const char *symbol, int length);
uint64_t iex_symbol(const char *symbol);

/* ::ffff:a.b.c.d */
void packet_mapped(uint8_t out[16], uint32_t ipv4);

#endif
