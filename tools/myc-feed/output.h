/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the packets go: UDP sockets, raw frames on an interface, or a capture file. The truth says
 * that a packet was sent, so an output that cannot send one fails the run rather than lose it.
 */
#ifndef MYC_FEED_OUTPUT_H
#define MYC_FEED_OUTPUT_H

#include <mycelium/error.h>

#include "myc-feed/frame.h"
#include "myc-feed/packet.h"

struct output {
	/* The packet's bytes are copied; it may go out as late as the next flush. */
	int (*send)(struct output *output, const struct packet *packet, struct myc_error *error);
	int (*flush)(struct output *output, struct myc_error *error);
	/* Flushed before. Frees; an error here means that the file is not whole. */
	int (*close)(struct output *output, struct myc_error *error);
};

struct output_opts {
	uint32_t lines;
	struct frame_address line[FEED_LINES_MAX];
	const char *interface; /* for UDP multicast: NULL = by the routing table */
	bool redirect;	   /* captured frames go to their line's group and port, else untouched */
	uint64_t epoch_ns; /* capture file: added to the packets' times */
};

int output_udp_open(struct output **output, const struct output_opts *opts,
		    struct myc_error *error);
int output_raw_open(struct output **output, const char *interface, const struct output_opts *opts,
		    struct myc_error *error);
int output_pcap_open(struct output **output, const char *path, const struct output_opts *opts,
		     struct myc_error *error);

/* The frame of a packet: built, or the captured one. Needs PACKET_BYTES_MAX + FRAME_HEADERS_MAX
 * bytes; `ids` counts IP identifications a line. */
uint32_t output_frame(const struct output_opts *opts, const struct packet *packet,
		      uint16_t ids[FEED_LINES_MAX], uint8_t *frame);

/* sendmmsg of a batch, however often it takes: full queues are waited for (a second, then the run
 * fails: -ENOBUFS). */
struct mmsghdr;
int output_send_all(int fd, struct mmsghdr *messages, unsigned count, const char *what,
		    struct myc_error *error);

#endif
