/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * From an Ethernet frame to a UDP payload: RFC 894, IEEE 802.1Q/ad (up to two tags), RFC 791,
 * RFC 8200, RFC 768. Every length is checked against the one around it, so the payload ends at the
 * least of frame, IP and UDP length: padding is never part of it.
 *
 * Each step returns GO_ON or the reason to hand the packet to the host's own stack.
 */
#ifndef MYC_BPF_PARSE_H
#define MYC_BPF_PARSE_H

#include <mycelium/abi/steer.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "addresses and symbols are LE words");

/* No verdict yet. */
#define GO_ON ((enum myc_reason)MYC_REASONS_COUNT)

#define BE16(at) __builtin_bswap16(packet_load16(at))
#define BE64(at) __builtin_bswap64(packet_load64(at))

enum {
	ETHERTYPE_IPV4 = 0x0800,
	ETHERTYPE_VLAN = 0x8100,
	ETHERTYPE_IPV6 = 0x86dd,
	ETHERTYPE_QINQ = 0x88a8,
	IP_UDP = 17,
	IP_FRAGMENT_MASK = 0x3fff, /* more fragments, offset */
	ETHERNET_SIZE = 14,
	VLAN_SIZE = 4,
	VLAN_ID_MASK = 0x0fff,
	IPV4_SIZE = 20,
	IPV6_SIZE = 40,
	UDP_SIZE = 8,
	HEADERS_MASK = 127, /* 14 + 2 * 4 + 60 + 8 = 90 bytes at most before the payload */
};

/* A UDP datagram to judge. Addresses are 16 bytes in memory order, IPv4 as ::ffff:a.b.c.d. */
struct datagram {
	uint64_t destination[2];
	uint64_t source[2];
	uint32_t port;
	uint32_t vlan;	 /* of the innermost tag; 0 = untagged. MYC_VLAN_ANY = not known */
	uint32_t offset; /* of the payload in the frame */
	uint32_t size;	 /* of the payload */
};

/* The unread rest of a frame. `offset` is where `at` lies; `size` is what IP says is left. */
struct cursor {
	const uint8_t *at;
	const uint8_t *end;
	uint32_t offset;
};

static __always_inline bool cursor_has(const struct cursor *cursor, uint32_t size)
{
	return cursor->at + size <= cursor->end;
}

static __always_inline void cursor_skip(struct cursor *cursor, uint32_t size)
{
	cursor->at += size;
	cursor->offset += size;
}

/* The innermost tag counts: with RX VLAN offload the outer one may be gone before XDP. */
static __always_inline enum myc_reason parse_ethernet(struct cursor *cursor, uint32_t *ethertype,
						      uint32_t *vlan)
{
	if (!cursor_has(cursor, ETHERNET_SIZE))
		return MYC_REASON_PASS_BAD_ETHERNET;
	*ethertype = BE16(cursor->at + 12);
	*vlan = 0;
	cursor_skip(cursor, ETHERNET_SIZE);
#pragma GCC unroll 2
	for (int tags = 0; tags < 2; tags++) {
		if (*ethertype != ETHERTYPE_VLAN && *ethertype != ETHERTYPE_QINQ)
			return GO_ON;
		if (!cursor_has(cursor, VLAN_SIZE))
			return MYC_REASON_PASS_BAD_ETHERNET;
		*vlan = BE16(cursor->at) & VLAN_ID_MASK;
		*ethertype = BE16(cursor->at + 2);
		cursor_skip(cursor, VLAN_SIZE);
	}
	if (*ethertype == ETHERTYPE_VLAN || *ethertype == ETHERTYPE_QINQ)
		return MYC_REASON_PASS_BAD_ETHERNET;
	return GO_ON;
}

static __always_inline uint64_t mapped_ipv4(const uint8_t *at)
{
	return 0xffff0000u | (uint64_t)packet_load32(at) << 32;
}

static __always_inline enum myc_reason parse_ipv4(struct cursor *cursor, struct datagram *out,
						  uint32_t *ip_size)
{
	const uint8_t *ip = cursor->at;
	uint32_t header, total;

	if (!cursor_has(cursor, IPV4_SIZE))
		return MYC_REASON_PASS_BAD_IP;
	header = (ip[0] & 15u) * 4;
	total = BE16(ip + 2);
	if (ip[0] >> 4 != 4 || header < IPV4_SIZE || total < header)
		return MYC_REASON_PASS_BAD_IP;
	if (total > (uint64_t)(cursor->end - cursor->at))
		return MYC_REASON_PASS_BAD_IP;
	if (BE16(ip + 6) & IP_FRAGMENT_MASK)
		return MYC_REASON_PASS_FRAGMENT;
	if (ip[9] != IP_UDP)
		return MYC_REASON_PASS_NOT_UDP;
	out->source[0] = 0;
	out->source[1] = mapped_ipv4(ip + 12);
	out->destination[0] = 0;
	out->destination[1] = mapped_ipv4(ip + 16);
	*ip_size = total - header;
	cursor_skip(cursor, (uint32_t)bounded(header, 63));
	return GO_ON;
}

/* IANA "IPv6 Extension Header Types". 59 (no next header) is none: nothing follows it. */
static __always_inline bool ipv6_extension(uint8_t next)
{
	switch (next) {
	case 0:	  /* hop-by-hop */
	case 43:  /* routing */
	case 44:  /* fragment */
	case 50:  /* ESP */
	case 51:  /* AH */
	case 60:  /* destination options */
	case 135: /* mobility */
	case 139: /* HIP */
	case 140: /* Shim6 */
	case 253:
	case 254: /* experiments */
		return true;
	default:
		return false;
	}
}

static __always_inline enum myc_reason parse_ipv6(struct cursor *cursor, struct datagram *out,
						  uint32_t *ip_size)
{
	const uint8_t *ip = cursor->at;

	if (!cursor_has(cursor, IPV6_SIZE) || ip[0] >> 4 != 6)
		return MYC_REASON_PASS_BAD_IP;
	*ip_size = BE16(ip + 4);
	if (*ip_size + IPV6_SIZE > (uint64_t)(cursor->end - cursor->at))
		return MYC_REASON_PASS_BAD_IP;
	if (ip[6] != IP_UDP)
		return ipv6_extension(ip[6]) ? MYC_REASON_PASS_IPV6_EXTENSION
					     : MYC_REASON_PASS_NOT_UDP;
	out->source[0] = packet_load64(ip + 8);
	out->source[1] = packet_load64(ip + 16);
	out->destination[0] = packet_load64(ip + 24);
	out->destination[1] = packet_load64(ip + 32);
	cursor_skip(cursor, IPV6_SIZE);
	return GO_ON;
}

static __always_inline enum myc_reason parse_udp(const struct cursor *cursor, struct datagram *out,
						 uint32_t ip_size)
{
	uint32_t udp_size;

	if (ip_size < UDP_SIZE || !cursor_has(cursor, UDP_SIZE))
		return MYC_REASON_PASS_BAD_UDP;
	udp_size = BE16(cursor->at + 4);
	if (udp_size < UDP_SIZE || udp_size > ip_size)
		return MYC_REASON_PASS_BAD_UDP;
	out->port = BE16(cursor->at + 2);
	out->offset = cursor->offset + UDP_SIZE;
	out->size = udp_size - UDP_SIZE;
	return GO_ON;
}

static __always_inline enum myc_reason datagram_parse(struct frame frame, struct datagram *out)
{
	struct cursor cursor = {.at = frame.start, .end = frame.end};
	uint32_t ethertype, ip_size = 0;
	enum myc_reason reason = parse_ethernet(&cursor, &ethertype, &out->vlan);

	if (reason != GO_ON)
		return reason;
	if (ethertype == ETHERTYPE_IPV4)
		reason = parse_ipv4(&cursor, out, &ip_size);
	else if (ethertype == ETHERTYPE_IPV6)
		reason = parse_ipv6(&cursor, out, &ip_size);
	else
		reason = MYC_REASON_PASS_NOT_IP;
	return reason == GO_ON ? parse_udp(&cursor, out, ip_size) : reason;
}

#endif
