/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ethernet (with up to two VLAN tags), IPv4 and UDP around a payload, and back: RFC 894, IEEE
 * 802.1Q/ad, RFC 791, RFC 768. Checksums are always written.
 */
#ifndef MYC_FEED_FRAME_H
#define MYC_FEED_FRAME_H

#include <stdbool.h>
#include <stdint.h>

#define FRAME_HEADERS_MAX (14 + 8 + 20 + 8)
#define FRAME_VLANS_MAX	  2

/* Where the packets of a line go and come from. Addresses in network order, ports in host order. */
struct frame_address {
	uint8_t destination_mac[6];
	uint8_t source_mac[6];
	uint32_t group, source;
	uint16_t port, source_port;
	uint16_t vlan[FRAME_VLANS_MAX]; /* outer first */
	uint8_t vlans;
	uint8_t ttl;
};

/* 01:00:5e and the low 23 bits of the group (RFC 1112 section 6.4). */
void frame_multicast_mac(uint32_t group, uint8_t mac[6]);

/* Writes headers and payload, at most FRAME_HEADERS_MAX + size bytes; returns how many. */
uint32_t frame_build(const struct frame_address *address, uint16_t id, const uint8_t *payload,
		     uint32_t size, uint8_t *frame);

struct frame_udp {
	uint32_t ip_at, udp_at, payload_at;
	uint32_t payload_size;
	uint32_t group; /* network order */
	uint16_t port;
};

/* False: not a whole UDP datagram over IPv4, or a length in it is wrong. */
bool frame_find_udp(const uint8_t *frame, uint32_t size, struct frame_udp *found);

/* Sends a captured UDP frame to the address's MAC, group and port instead; the rest stays. */
void frame_redirect(uint8_t *frame, const struct frame_udp *found,
		    const struct frame_address *address);

#endif
