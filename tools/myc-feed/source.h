/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the messages come from: the generated day, a BinaryFILE, a capture. A source gives items in
 * order of time; it does not know lines, packets-to-be, loss or rates.
 */
#ifndef MYC_FEED_SOURCE_H
#define MYC_FEED_SOURCE_H

#include "myc-feed/wire.h"

/* Generated days and BinaryFILEs know the time of day only: it is 2026-01-02, midnight UTC. */
#define SOURCE_EPOCH_NS (1767312000ull * 1000000000)

enum item_kind {
	ITEM_MESSAGE,
	ITEM_HEARTBEAT, /* captures only: the publisher was idle here */
	ITEM_END,	/* captures only: end of session */
	ITEM_OPAQUE,	/* a payload (or frame) whose contents nobody looks at */
};

/* data is valid until the next call. */
struct item {
	enum item_kind kind;
	bool ends_packet;    /* the source's own packet ends behind this message */
	uint64_t time_ns;    /* source's clock, never less than the item before */
	uint64_t send_ns;    /* IEX-TP: publisher's clock */
	uint64_t sequence;   /* captures: as captured; 0 = the next */
	uint64_t offset;     /* captures, IEX-TP: stream offset */
	uint32_t size;	     /* of data */
	uint32_t payload_at; /* ITEM_OPAQUE: not 0 when data is a whole frame */
	const uint8_t *data;
	const struct wire_identity *identity; /* captures: the session it is of; else NULL */
};

struct source {
	/* 1 = an item, 0 = no more, or -errno with the cause: file and packet, or offset. */
	int (*next)(struct source *source, struct item *item, struct myc_error *error);
	void (*close)(struct source *source);
	uint64_t epoch_ns; /* added to time_ns this is CLOCK_REALTIME of the day, for captures */
	uint64_t skipped;  /* captured packets that are not of this feed */
};

struct source_generator_opts {
	uint64_t seed;
	uint32_t symbols;
	uint64_t messages;
};

/* A day of ITCH 5.0 (market/itch_generator.h). */
int source_generator_open(struct source **source, const struct source_generator_opts *opts,
			  struct myc_error *error);

/* A day of IEX TOPS 1.6 for IEX-TP: directory, quotes and trades; on the same clock. */
int source_tops_open(struct source **source, const struct source_generator_opts *opts,
		     struct myc_error *error);

/* ITCH 5.0 messages with 2-byte big-endian lengths, or with all lengths 0 (length by type). Timed
 * by their own stamps. */
int source_binaryfile_open(struct source **source, const char *path, struct myc_error *error);

struct source_capture_opts {
	const char *path;
	enum wire_protocol protocol; /* WIRE_NONE: payloads pass as they are */
	bool frames;		     /* whole frames as captured, protocol WIRE_NONE only */
	bool frames_any;	     /* ... those that are not UDP over IPv4, too */
	bool selected;		     /* only what went to this group and port */
	uint32_t group;		     /* network order */
	uint16_t port;
};

/* pcap or pcapng, plain or gzipped. */
int source_capture_open(struct source **source, const struct source_capture_opts *opts,
			struct myc_error *error);

#endif
