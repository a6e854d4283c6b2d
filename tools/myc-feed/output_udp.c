/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as UDP datagrams, multicast or unicast, from one socket for all lines: a batch may hold
 * packets of several. */
#include "myc-feed/output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32

struct output_udp {
	struct output output;
	int fd;
	unsigned waiting;
	struct sockaddr_in line[FEED_LINES_MAX];
	struct mmsghdr message[BATCH];
	struct iovec part[BATCH];
	uint8_t bytes[BATCH][PACKET_BYTES_MAX];
};

static int udp_flush(struct output *output, struct myc_error *error)
{
	struct output_udp *udp = (struct output_udp *)output;
	unsigned waiting = udp->waiting;

	udp->waiting = 0;
	return output_send_all(udp->fd, udp->message, waiting, "the UDP socket", error);
}

static int udp_send(struct output *output, const struct packet *packet, struct myc_error *error)
{
	struct output_udp *udp = (struct output_udp *)output;
	unsigned at = udp->waiting++;

	memcpy(udp->bytes[at], packet->bytes, packet->size);
	udp->part[at] = (struct iovec){.iov_base = udp->bytes[at], .iov_len = packet->size};
	udp->message[at].msg_hdr = (struct msghdr){
		.msg_name = &udp->line[packet->line],
		.msg_namelen = sizeof(udp->line[0]),
		.msg_iov = &udp->part[at],
		.msg_iovlen = 1,
	};
	return udp->waiting == BATCH ? udp_flush(output, error) : 0;
}

static int udp_close(struct output *output, struct myc_error *error)
{
	struct output_udp *udp = (struct output_udp *)output;

	(void)error;
	close(udp->fd);
	free(udp);
	return 0;
}

static int choose_interface(int fd, const char *name, struct myc_error *error)
{
	struct ip_mreqn choice = {.imr_ifindex = (int)if_nametoindex(name)};

	if (!choice.imr_ifindex)
		return myc_error_set(error, -ENODEV, "ip link lists what there is",
				     "no interface is named '%s'", name);
	if (setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &choice, sizeof(choice)))
		return myc_error_set(error, -errno, NULL, "choosing interface %s: %s", name,
				     strerror(errno));
	return 0;
}

static int set_up(struct output_udp *udp, const struct output_opts *opts, struct myc_error *error)
{
	struct sockaddr_in from = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = opts->line[0].source,
		.sin_port = htons(opts->line[0].source_port),
	};
	int on = 1, ttl = opts->line[0].ttl, buffer = 4 << 20;

	udp->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (udp->fd < 0)
		return myc_error_set(error, -errno, NULL, "opening a UDP socket: %s",
				     strerror(errno));
	/* The options below are wishes: sending works without them. */
	setsockopt(udp->fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	setsockopt(udp->fd, IPPROTO_IP, IP_MULTICAST_TTL, &ttl, sizeof(ttl));
	setsockopt(udp->fd, IPPROTO_IP, IP_MULTICAST_LOOP, &on, sizeof(on));
	if (opts->interface && choose_interface(udp->fd, opts->interface, error))
		return error ? error->code : -EINVAL;
	if (bind(udp->fd, (struct sockaddr *)&from, sizeof(from))) {
		char address[INET_ADDRSTRLEN] = "";

		inet_ntop(AF_INET, &from.sin_addr, address, sizeof(address));
		return myc_error_set(error, -errno, "choose --source among this host's addresses",
				     "cannot send from %s:%u: %s", address,
				     opts->line[0].source_port, strerror(errno));
	}
	return 0;
}

int output_udp_open(struct output **output, const struct output_opts *opts, struct myc_error *error)
{
	struct output_udp *udp = calloc(1, sizeof(*udp));

	if (!udp)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	udp->output = (struct output){.send = udp_send, .flush = udp_flush, .close = udp_close};
	for (uint32_t i = 0; i < opts->lines; i++)
		udp->line[i] = (struct sockaddr_in){
			.sin_family = AF_INET,
			.sin_addr.s_addr = opts->line[i].group,
			.sin_port = htons(opts->line[i].port),
		};
	int err = set_up(udp, opts, error);

	if (err) {
		if (udp->fd >= 0)
			close(udp->fd);
		free(udp);
		return err;
	}
	*output = &udp->output;
	return 0;
}
