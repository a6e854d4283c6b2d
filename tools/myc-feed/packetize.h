/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packs messages into the packets of one line, as a publisher does: a packet leaves pack_ns after
 * the one before at the earliest and takes along whatever came up meanwhile. In quiet time that is
 * one message a packet, in a burst as many as fit. When idle it sends heartbeats.
 *
 *	         message                    leave_ns passed, full,
 *	 empty ----------> open (leave_ns)  or the source's packet ends
 *	   ^                 |
 *	   +---- packet -----+
 *
 * A line that `repacks` draws the boundaries from its own dice: up to messages_max messages, held
 * for up to 2 x pack_ns. Nothing obliges two lines to pack alike.
 */
#ifndef MYC_FEED_PACKETIZE_H
#define MYC_FEED_PACKETIZE_H

#include "myc-feed/source.h"

struct packetizer_opts {
	enum wire_protocol protocol;
	uint8_t line;
	bool repack;	      /* boundaries of its own */
	bool as_source;	      /* boundaries of the source (ends_packet); repack wins */
	uint32_t payload_max; /* bytes of UDP payload */
	uint32_t messages_max;
	uint64_t pack_ns;
	uint64_t heartbeat_ns; /* 0 = none but the source's */
	uint64_t seed;
};

struct packetizer {
	struct packetizer_opts opts;
	struct packet_queue *pool;
	struct packet_sink sink;
	struct chance chance;
	struct wire_identity identity;
	uint32_t run;
	uint64_t next_sequence;
	uint64_t next_offset;
	struct packet *open; /* being filled, or NULL */
	uint64_t open_offset;
	uint64_t send_ns;
	uint32_t open_max; /* messages it may take */
	uint64_t leave_ns; /* when it goes */
	uint64_t last_ns;  /* when the last one went */
};

void packetizer_init(struct packetizer *packetizer, const struct packetizer_opts *opts,
		     struct packet_queue *pool, struct packet_sink sink);

/* A sequence space begins: session change, restart, or the start. What is open leaves first. */
int packetizer_begin(struct packetizer *packetizer, const struct wire_identity *identity,
		     uint32_t run, uint64_t sequence, uint64_t offset, uint64_t now_ns);
/* The clock reaches now_ns: what is due leaves. Never going back. */
int packetizer_advance(struct packetizer *packetizer, uint64_t now_ns);
/* After advance to item->time_ns. -EMSGSIZE: does not fit a packet of payload_max. */
int packetizer_message(struct packetizer *packetizer, const struct item *item);
int packetizer_opaque(struct packetizer *packetizer, const struct item *item);
/* What is open leaves, then a heartbeat or (end) an end of session. IEX-TP has no end: a heartbeat.
 * send_ns: publisher's clock, 0 = as much later than its last packet as now_ns is. */
int packetizer_idle(struct packetizer *packetizer, uint64_t now_ns, uint64_t send_ns, bool end);
int packetizer_flush(struct packetizer *packetizer, uint64_t now_ns);

#endif
