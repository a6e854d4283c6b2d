/* SPDX-License-Identifier: Apache-2.0 */
/* Packets as whole frames on an interface (AF_PACKET, past its queueing discipline). */
#include "myc-feed/output.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 32

struct output_raw {
	struct output output;
	struct output_opts opts;
	int fd;
	unsigned waiting;
	char interface[IF_NAMESIZE];
	uint16_t ids[FEED_LINES_MAX];
	struct mmsghdr message[BATCH];
	struct iovec part[BATCH];
	uint8_t frame[BATCH][PACKET_BYTES_MAX + FRAME_HEADERS_MAX];
};

static int raw_flush(struct output *output, struct myc_error *error)
{
	struct output_raw *raw = (struct output_raw *)output;
	unsigned waiting = raw->waiting;

	raw->waiting = 0;
	return output_send_all(raw->fd, raw->message, waiting, raw->interface, error);
}

static int raw_send(struct output *output, const struct packet *packet, struct myc_error *error)
{
	struct output_raw *raw = (struct output_raw *)output;
	unsigned at = raw->waiting++;

	raw->part[at].iov_base = raw->frame[at];
	raw->part[at].iov_len = output_frame(&raw->opts, packet, raw->ids, raw->frame[at]);
	raw->message[at].msg_hdr = (struct msghdr){.msg_iov = &raw->part[at], .msg_iovlen = 1};
	return raw->waiting == BATCH ? raw_flush(output, error) : 0;
}

static int raw_close(struct output *output, struct myc_error *error)
{
	struct output_raw *raw = (struct output_raw *)output;

	(void)error;
	close(raw->fd);
	free(raw);
	return 0;
}

/* Frames come from the interface's own MAC, unless another one was asked for. */
static int take_mac(struct output_raw *raw, struct myc_error *error)
{
	static const uint8_t none[6];
	struct ifreq request = {0};

	memcpy(request.ifr_name, raw->interface, sizeof(request.ifr_name));
	if (ioctl(raw->fd, SIOCGIFHWADDR, &request))
		return myc_error_set(error, -errno, NULL, "asking for the MAC of %s: %s",
				     raw->interface, strerror(errno));
	for (uint32_t i = 0; i < raw->opts.lines; i++)
		if (!memcmp(raw->opts.line[i].source_mac, none, 6))
			memcpy(raw->opts.line[i].source_mac, request.ifr_hwaddr.sa_data, 6);
	return 0;
}

static int set_up(struct output_raw *raw, struct myc_error *error)
{
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = (int)if_nametoindex(raw->interface),
	};
	int on = 1;

	if (!to.sll_ifindex)
		return myc_error_set(error, -ENODEV, "ip link lists what there is",
				     "no interface is named '%s'", raw->interface);
	/* Protocol 0: this socket never receives. */
	raw->fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (raw->fd < 0)
		return myc_error_set(
			error, -errno,
			errno == EPERM
				? "run as root, or with CAP_NET_RAW; --interface needs neither"
				: NULL,
			"opening a raw socket on %s: %s", raw->interface, strerror(errno));
	if (bind(raw->fd, (struct sockaddr *)&to, sizeof(to)))
		return myc_error_set(error, -errno, NULL, "binding to %s: %s", raw->interface,
				     strerror(errno));
	/* Faster where it can be had; without it the queueing discipline is passed through. */
	setsockopt(raw->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	return take_mac(raw, error);
}

int output_raw_open(struct output **output, const char *interface, const struct output_opts *opts,
		    struct myc_error *error)
{
	struct output_raw *raw = calloc(1, sizeof(*raw));

	if (!raw)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	raw->output = (struct output){.send = raw_send, .flush = raw_flush, .close = raw_close};
	raw->opts = *opts;
	raw->fd = -1;
	strncpy(raw->interface, interface, sizeof(raw->interface) - 1);
	int err = set_up(raw, error);

	if (err) {
		if (raw->fd >= 0)
			close(raw->fd);
		free(raw);
		return err;
	}
	*output = &raw->output;
	return 0;
}
