/* SPDX-License-Identifier: Apache-2.0 */
/*
 * UDP sockets as an intake: a batch of datagrams goes straight into frames (recvmmsg), the twin
 * judges each by its binding and source. A datagram that a batch cannot hold stays in its socket;
 * what a full socket drops the kernel counts, and the ledger reads (groups.h).
 */
#include "dataplane/source.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"

/* A binding that this endpoint reads. */
struct udp_line {
	int fd;
	struct myc_binding_key key;
};

struct udp_source {
	uint32_t lines, next;
	bool wait;
	struct mmsghdr message[MYC_INTAKE_BATCH];
	struct iovec room[MYC_INTAKE_BATCH];
	struct sockaddr_storage from[MYC_INTAKE_BATCH];
	struct udp_line line[];
};

static void source_address(const struct sockaddr_storage *from, uint8_t out[16])
{
	if (from->ss_family == AF_INET6) {
		memcpy(out, &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
		return;
	}
	memset(out, 0, 10);
	out[10] = out[11] = 0xff;
	memcpy(out + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
}

static void judge(struct myc_intake *intake, const struct udp_line *line, uint32_t i,
		  uint64_t now_ns)
{
	struct udp_source *udp = intake->from;
	struct myc_steer_result result;
	uint8_t source[16];

	if (udp->message[i].msg_hdr.msg_flags & MSG_TRUNC) {
		intake->block->packets_oversize++;
		return;
	}
	source_address(&udp->from[i], source);
	myc_steer_payload(&intake->tables, &line->key, source, myc_intake_frame(intake, i),
			  udp->message[i].msg_len, now_ns, &result);
	/* Who reads the line handles it, also in the moment when the registry says another. */
	if (result.action == MYC_STEER_REDIRECT)
		myc_intake_push(intake, i, 0, udp->message[i].msg_len, &result.meta);
}

static uint32_t read_line(struct myc_intake *intake, const struct udp_line *line)
{
	struct udp_source *udp = intake->from;
	uint32_t n = myc_intake_begin(intake, MYC_INTAKE_BATCH);

	if (!n)
		return 0;
	for (uint32_t i = 0; i < n; i++) {
		udp->room[i].iov_base = myc_intake_frame(intake, i);
		udp->room[i].iov_len = myc_intake_room(intake);
		udp->message[i].msg_hdr = (struct msghdr){.msg_name = &udp->from[i],
							  .msg_namelen = sizeof(udp->from[i]),
							  .msg_iov = &udp->room[i],
							  .msg_iovlen = 1};
	}
	int got = recvmmsg(line->fd, udp->message, n, MSG_DONTWAIT, NULL);
	if (got <= 0)
		return 0;
	uint64_t now_ns = myc_clock_ns();
	for (uint32_t i = 0; i < (uint32_t)got; i++)
		judge(intake, line, i, now_ns);
	myc_intake_commit(intake, (uint32_t)got, intake->block->position + (uint32_t)got);
	return (uint32_t)got;
}

/* One batch a call, from the next line that has one: the take behind it handles that much. */
static void pump(struct myc_intake *intake)
{
	struct udp_source *udp = intake->from;

	if (myc_ring_waiting(&intake->queue.rx) >= MYC_INTAKE_BATCH)
		return;
	for (uint32_t i = 0; i < udp->lines; i++) {
		const struct udp_line *line = &udp->line[udp->next];

		udp->next = udp->next + 1 < udp->lines ? udp->next + 1 : 0;
		if (read_line(intake, line))
			return;
	}
}

static bool ready(struct myc_intake *intake)
{
	struct udp_source *udp = intake->from;

	for (uint32_t i = 0; i < udp->lines; i++) {
		struct pollfd poll_fd = {.fd = udp->line[i].fd, .events = POLLIN};

		if (poll(&poll_fd, 1, 0) > 0)
			return true;
	}
	return false;
}

static bool ended(const struct myc_intake *intake)
{
	(void)intake;
	return false;
}

static unsigned descriptors(const struct myc_intake *intake, int *fds, unsigned max)
{
	const struct udp_source *udp = intake->from;

	if (!udp->wait)
		return 0;
	for (uint32_t i = 0; i < udp->lines && i < max; i++)
		fds[i] = udp->line[i].fd;
	return udp->lines;
}

static void close_source(struct myc_intake *intake)
{
	free(intake->from);
	intake->from = NULL;
}

static const struct myc_intake_ops udp_ops = {
	.pump = pump,
	.ready = ready,
	.ended = ended,
	.descriptors = descriptors,
	.close = close_source,
};

int myc_source_udp_open(struct myc_intake *intake, const int *socket, bool wait,
			struct myc_error *error)
{
	const struct myc_steer_config *config = intake->tables.config;
	struct udp_source *udp =
		calloc(1, sizeof(*udp) + config->bindings_count * sizeof(udp->line[0]));

	if (!udp)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	udp->wait = wait;
	for (uint32_t i = 0; i < config->bindings_count; i++) {
		uint32_t channel = config->binding[i].value.channel;

		if (!(intake->twin->own[channel / 64] >> channel % 64 & 1))
			continue;
		udp->line[udp->lines++] =
			(struct udp_line){.fd = socket[i], .key = config->binding[i].key};
	}
	intake->from = udp;
	intake->ops = &udp_ops;
	return 0;
}
