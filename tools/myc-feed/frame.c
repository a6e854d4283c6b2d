/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/frame.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>

#include <mycelium/market/wire.h>

/* One's complement sum (RFC 1071) of `size` bytes on top of `sum`. */
static uint32_t add_words(uint32_t sum, const uint8_t *data, uint32_t size)
{
	uint64_t total = sum;

	for (; size >= 2; size -= 2, data += 2)
		total += myc_load_be16(data);
	if (size)
		total += (uint32_t)data[0] << 8;
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return (uint32_t)total;
}

static void write_checksums(uint8_t *ip, uint32_t ip_size, uint8_t *udp, uint32_t udp_size)
{
	myc_store_be16(ip + 10, 0);
	myc_store_be16(ip + 10, (uint16_t)~add_words(0, ip, ip_size));

	uint32_t sum = add_words(IPPROTO_UDP + udp_size, ip + 12, 8); /* pseudo header */

	myc_store_be16(udp + 6, 0);
	sum = (uint16_t)~add_words(sum, udp, udp_size);
	myc_store_be16(udp + 6, sum ? (uint16_t)sum : 0xffff); /* 0 would mean: none */
}

void frame_multicast_mac(uint32_t group, uint8_t mac[6])
{
	uint32_t low = ntohl(group) & 0x7fffff;

	memcpy(mac, (const uint8_t[]){0x01, 0x00, 0x5e}, 3);
	mac[3] = (uint8_t)(low >> 16);
	mac[4] = (uint8_t)(low >> 8);
	mac[5] = (uint8_t)low;
}

static uint32_t put_ethernet(const struct frame_address *address, uint8_t *frame)
{
	uint32_t at = 2 * ETH_ALEN;

	memcpy(frame, address->destination_mac, ETH_ALEN);
	memcpy(frame + ETH_ALEN, address->source_mac, ETH_ALEN);
	for (uint32_t tag = 0; tag < address->vlans; tag++) {
		bool outer_of_two = address->vlans == 2 && tag == 0;

		myc_store_be16(frame + at, outer_of_two ? ETH_P_8021AD : ETH_P_8021Q);
		myc_store_be16(frame + at + 2, address->vlan[tag]);
		at += 4;
	}
	myc_store_be16(frame + at, ETH_P_IP);
	return at + 2;
}

uint32_t frame_build(const struct frame_address *address, uint16_t id, const uint8_t *payload,
		     uint32_t size, uint8_t *frame)
{
	uint32_t at = put_ethernet(address, frame);
	uint8_t *ip = frame + at, *udp = ip + sizeof(struct iphdr);
	uint32_t udp_size = (uint32_t)sizeof(struct udphdr) + size;

	memset(ip, 0, sizeof(struct iphdr));
	ip[0] = 0x45;
	myc_store_be16(ip + 2, (uint16_t)(sizeof(struct iphdr) + udp_size));
	myc_store_be16(ip + 4, id);
	myc_store_be16(ip + 6, IP_DF);
	ip[8] = address->ttl;
	ip[9] = IPPROTO_UDP;
	memcpy(ip + 12, &address->source, 4);
	memcpy(ip + 16, &address->group, 4);
	myc_store_be16(udp, address->source_port);
	myc_store_be16(udp + 2, address->port);
	myc_store_be16(udp + 4, (uint16_t)udp_size);
	memcpy(udp + sizeof(struct udphdr), payload, size);
	write_checksums(ip, sizeof(struct iphdr), udp, udp_size);
	return at + (uint32_t)sizeof(struct iphdr) + udp_size;
}

bool frame_find_udp(const uint8_t *frame, uint32_t size, struct frame_udp *found)
{
	uint32_t at = 2 * ETH_ALEN;
	uint16_t type = 0;

	for (uint32_t tags = 0; tags <= FRAME_VLANS_MAX; tags++, at += 4) {
		if (size < at + 2)
			return false;
		type = myc_load_be16(frame + at);
		if (type != ETH_P_8021Q && type != ETH_P_8021AD)
			break;
	}
	at += 2;
	if (type != ETH_P_IP || size - at < sizeof(struct iphdr))
		return false;

	const uint8_t *ip = frame + at;
	uint32_t ip_size = (ip[0] & 0xfu) * 4, total = myc_load_be16(ip + 2);

	if (ip[0] >> 4 != 4 || ip_size < sizeof(struct iphdr) || total > size - at ||
	    total < ip_size + sizeof(struct udphdr) || ip[9] != IPPROTO_UDP ||
	    (myc_load_be16(ip + 6) & (IP_MF | IP_OFFMASK)))
		return false;

	uint32_t udp_size = myc_load_be16(ip + ip_size + 4);

	if (udp_size < sizeof(struct udphdr) || udp_size > total - ip_size)
		return false;
	*found = (struct frame_udp){
		.ip_at = at,
		.udp_at = at + ip_size,
		.payload_at = at + ip_size + (uint32_t)sizeof(struct udphdr),
		.payload_size = udp_size - (uint32_t)sizeof(struct udphdr),
		.port = myc_load_be16(ip + ip_size + 2),
	};
	memcpy(&found->group, ip + 16, 4);
	return true;
}

void frame_redirect(uint8_t *frame, const struct frame_udp *found,
		    const struct frame_address *address)
{
	memcpy(frame, address->destination_mac, ETH_ALEN);
	memcpy(frame + found->ip_at + 16, &address->group, 4);
	myc_store_be16(frame + found->udp_at + 2, address->port);
	write_checksums(frame + found->ip_at, found->udp_at - found->ip_at, frame + found->udp_at,
			found->payload_size + (uint32_t)sizeof(struct udphdr));
}
