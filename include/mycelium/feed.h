/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Market data as an actor sees it: one ordered, arbitrated stream of messages a channel, whatever
 * brought it (AF_XDP, UDP sockets, a capture file).
 *
 * For each channel an actor subscribes to (topology: `feeds:`), its `feed` handler is called with
 * events in sequence order, each message once, on the actor's executor, in the frame where the
 * kernel put the packet: `data` must not be kept after the handler returns.
 *
 * At most once: a message's number is stored before its handler is called. After a crash the
 * message that was in hand is reported as IN_DOUBT and not repeated; the stream goes on after it.
 */
#ifndef MYCELIUM_FEED_H
#define MYCELIUM_FEED_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum myc_feed_kind {
	MYC_FEED_MESSAGE = 0, /* data, size, sequence */
	MYC_FEED_PACKET =
		1, /* a whole payload without a number: protocol generic, none; B3 Sequence and
		      SequenceReset, from each line, after a crash perhaps again */
	MYC_FEED_GAP = 2, /* messages sequence .. sequence + count - 1 are lost: no line had them */
	MYC_FEED_FILTERED =
		3, /* messages sequence .. + count - 1 were filtered; only when asked for */
	MYC_FEED_SESSION =
		4, /* a (new) session starts; count = first expected; books are to be emptied */
	MYC_FEED_END = 5, /* end of session; sequence = next that would have come */
	/* After a crash: what was in hand, a message (count 1) or a GAP or FILTERED of `count`
	 * messages from `sequence` on: its handler may or may not have run. Not repeated. */
	MYC_FEED_IN_DOUBT = 6,
	MYC_FEED_RESUMED =
		7, /* after a restart: the stream goes on at `sequence`; state built from it is stale */
	MYC_FEED_HEARTBEAT = 8, /* sequence = next expected */
	MYC_FEED_BATCH_END = 9, /* nothing more is waiting now: publish what you hold back */
	MYC_FEED_MALFORMED =
		10, /* a packet that does not add up: data, size = the payload; nothing was taken from it */
};

struct myc_feed_event {
	uint8_t kind; /* enum myc_feed_kind */
	uint8_t line; /* that delivered it: 0 = A */
	uint16_t channel;
	uint32_t size;	     /* of data */
	uint64_t sequence;   /* message number, 1 = first of the session (as the protocol counts) */
	uint64_t count;	     /* see kind */
	uint64_t receive_ns; /* CLOCK_MONOTONIC when the packet reached the program (or socket) */
	const uint8_t
		*data; /* the message: for ITCH and IEX from its type byte on, for MEMX from its
				SBE header on; for mdp3, b3, deribit the payload (sbe_packet.h) */
};

#ifdef __cplusplus
}
#endif
#endif
