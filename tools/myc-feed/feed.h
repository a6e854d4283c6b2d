/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The feed: takes the source's items through the lines to the output, on the clock that was asked
 * for, and knows afterwards what happened.
 */
#ifndef MYC_FEED_FEED_H
#define MYC_FEED_FEED_H

#include "myc-feed/impair.h"
#include "myc-feed/output.h"
#include "myc-feed/packetize.h"

#define FEED_EVENTS_MAX 16

enum feed_pace { FEED_PACE_CLOCK, FEED_PACE_RATE, FEED_PACE_FAST };

/* Before message number `at` of the feed a sequence space ends and another begins. */
struct feed_event {
	uint64_t at;
	enum truth_begin begin; /* session change or restart in the session */
};

struct feed_opts {
	enum wire_protocol protocol;
	uint32_t lines;
	struct packetizer_opts packetizer[FEED_LINES_MAX];
	struct impair_opts impair[FEED_LINES_MAX];
	struct wire_identity identity;		  /* captures bring their own */
	struct feed_event event[FEED_EVENTS_MAX]; /* in order of `at` */
	uint32_t events;
	uint32_t end_packets;		    /* end of session, copies a line */
	uint64_t messages_max, packets_max; /* of the feed; packets: made on line A */
	uint64_t seconds_max_ns;	    /* on the feed's clock */
	uint64_t wall_ns_max;
	enum feed_pace pace;
	double rate;  /* messages/s */
	double speed; /* of the source's clock */
	bool live;    /* packets leave when it is time; else the clock is on paper */
};

struct feed_line {
	struct packetizer packetizer;
	struct impair impair;
	struct packet_queue waiting; /* for their turn in the merge */
};

struct feed {
	struct feed_opts opts;
	struct source *source;
	struct output *output;
	struct packet_queue pool;
	struct truth truth;
	struct feed_line line[FEED_LINES_MAX];
	bool begun;
	struct wire_identity identity;
	uint32_t next_event;
	uint64_t messages;	   /* items of the source */
	uint64_t first_ns, now_ns; /* source's clock, or the rate's */
	uint64_t started_wall_ns, ended_wall_ns;
	const char *ended_by;
};

void feed_init(struct feed *feed, const struct feed_opts *opts, struct source *source,
	       struct output *output);
/* Runs to the end of the source or a limit, or until feed_interrupt. 0, or -errno with its cause;
 * the truth holds for what was sent before. */
int feed_run(struct feed *feed, struct myc_error *error);
/* Ends the run early and in order. Async-signal-safe. */
void feed_interrupt(void);
void feed_close(struct feed *feed);

#endif
