/* SPDX-License-Identifier: Apache-2.0 */
/* What the outputs share: the frame of a packet, and sending a batch whole. */
#include "myc-feed/output.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/clock.h"

#define RETRY_NS_MAX 1000000000u

uint32_t output_frame(const struct output_opts *opts, const struct packet *packet,
		      uint16_t ids[FEED_LINES_MAX], uint8_t *frame)
{
	const struct frame_address *address = &opts->line[packet->line];
	struct frame_udp found;

	if (!packet->payload_at)
		return frame_build(address, ids[packet->line]++, packet->bytes, packet->size,
				   frame);
	memcpy(frame, packet->bytes, packet->size);
	if (opts->redirect && frame_find_udp(frame, packet->size, &found))
		frame_redirect(frame, &found, address);
	return packet->size;
}

int output_send_all(int fd, struct mmsghdr *messages, unsigned count, const char *what,
		    struct myc_error *error)
{
	uint64_t stuck_since_ns = 0;

	for (unsigned sent = 0; sent < count;) {
		int n = sendmmsg(fd, messages + sent, count - sent, 0);

		if (n > 0) {
			sent += (unsigned)n;
			stuck_since_ns = 0;
			continue;
		}
		if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
			return myc_error_set(error, -errno, "check address, route and MTU",
					     "sending to %s: %s", what, strerror(errno));
		if (!stuck_since_ns)
			stuck_since_ns = myc_clock_ns();
		if (myc_clock_ns() - stuck_since_ns > RETRY_NS_MAX)
			return myc_error_set(error, -ENOBUFS, "lower --rate or --speed",
					     "%s takes no packets for a second", what);
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
	}
	return 0;
}
