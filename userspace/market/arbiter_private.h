/* SPDX-License-Identifier: Apache-2.0 */
/* Inside of the arbiter: arbiter.c delivers, incoming.c judges packets, hold.c keeps early ones,
 * epoch.c begins epochs. */
#ifndef MYC_MARKET_ARBITER_PRIVATE_H
#define MYC_MARKET_ARBITER_PRIVATE_H

#include <mycelium/market/wire.h>

#include "market/arbiter.h"
#include "market/locate.h"

#define CANDIDATE_MAX 16 /* packets of an unconfirmed numbering that are held */

/* A packet with messages start .. end - 1; block `cursor` is the next to be looked at. */
struct arbiter_packet {
	struct myc_packet packet;
	struct myc_blocks blocks;
	uint64_t sequence, end, cursor;
	uint64_t session[2];
	uint64_t send_ns; /* IEX-TP, MDP 3.0, B3; else 0 */
	uint64_t held_ns;
	uint32_t delivered;
	uint8_t line;
	uint8_t lines; /* bit set: lines that had the same */
	bool timed;    /* its latency is counted */
};

enum arbiter_suspicion { SUSPICION_NONE = 0, SUSPICION_SESSION, SUSPICION_RESET };

/* A numbering that is not believed yet. */
struct arbiter_candidate {
	enum arbiter_suspicion suspicion;
	uint64_t session[2];
	uint64_t since_ns;
	uint64_t high; /* next message its heartbeats named, 0 = none */
	uint32_t packets;
	uint32_t line_packets[MYC_LINES_MAX];
	uint64_t line_next[MYC_LINES_MAX];
	uint16_t held[CANDIDATE_MAX]; /* indices into pool */
	uint32_t held_count;
};

struct myc_arbiter {
	struct myc_arbiter_sink sink;
	struct myc_feed_block *block;
	struct myc_channel_view view;
	struct myc_locate_learner locate; /* locate.filter is NULL without one */
	uint64_t gap_timeout_ns;
	uint64_t published; /* watermark word as last stored */
	enum myc_protocol protocol;
	uint32_t lines, reorder_packets, reorder_messages;
	bool report_filtered, from_start;

	/* What the pump has to do, in this order. */
	bool in_doubt, announce, resumed;
	bool has_loose, has_current,
		switching;  /* switching: finish the old numbering, then begin */
	uint8_t loose_kind; /* enum myc_feed_kind */
	uint8_t heartbeat_line;
	bool drained;
	bool gap_open, gap_seen; /* next is missing; and a packet proved it */
	uint8_t old_lines;	 /* after a restart: lines that have not shown the new numbering */
	uint32_t gap_past[MYC_LINES_MAX]; /* packets beyond the gap, by line */
	struct myc_packet loose;	  /* malformed or unsequenced, to be reported whole */
	struct arbiter_packet current;
	uint64_t heartbeat; /* sequence of a heartbeat to be reported, + 1; 0 = none */
	uint64_t end;	    /* the session ends before this number, + 1; 0 = not known */

	uint64_t now_ns, gap_ns;
	uint64_t force;			/* gaps below are given up at once */
	uint64_t revealed, revealed_ns; /* messages below exist, says a heartbeat; since when */
	uint64_t looked, looked_ns;	/* ... says the program's high word */
	uint64_t looked_word;		/* as loaded before the take */
	uint64_t send_ns;		/* the latest time of sending, where packets have one */
	/* Unsequenced: of the hand's packets, these were begun by a predecessor and are to be
	 * skipped, those were skipped or begun in this round. block->begun is their sum. */
	uint64_t skip, round_begun;

	struct arbiter_candidate candidate;
	uint32_t held_count;
	uint32_t free_count;
	uint16_t held[MYC_HOLD_MAX]; /* indices into pool, by sequence */
	uint16_t free[MYC_HOLD_MAX];
	struct arbiter_packet pool[MYC_HOLD_MAX];
};

static inline uint64_t arbiter_next(const struct myc_arbiter *a)
{
	return myc_word_number(a->block->progress);
}

static inline uint64_t arbiter_epoch(const struct myc_arbiter *a)
{
	return myc_word_epoch(a->block->progress);
}

static inline struct myc_feed_row *arbiter_row(const struct myc_arbiter *a)
{
	return &a->block->row[arbiter_epoch(a) & 3];
}

/* Messages that were accounted for otherwise than by delivery. */
static inline uint64_t arbiter_undelivered(const struct myc_arbiter *a)
{
	const struct myc_feed_metrics *m = &a->block->metrics;

	return m->messages_filtered + m->messages_lost + m->messages_in_doubt;
}

/* hold.c */
int arbiter_hold(struct myc_arbiter *a, struct arbiter_packet *packet, uint16_t *index);
void arbiter_release(struct myc_arbiter *a, uint16_t index);
void arbiter_insert(struct myc_arbiter *a, uint16_t index);
void arbiter_finish_packet(struct myc_arbiter *a, const struct arbiter_packet *packet);
void arbiter_drop_first(struct myc_arbiter *a);
void arbiter_hold_current(struct myc_arbiter *a);

/* arbiter.c */
bool arbiter_pump(struct myc_arbiter *a);

/* incoming.c */
/* Does `sequence` belong to the numbering that a restart ended? */
bool arbiter_is_old(const struct myc_arbiter *a, uint64_t sequence);

/* epoch.c */
void arbiter_begin(struct myc_arbiter *a, const uint64_t session[2], uint64_t first);
void arbiter_announce(struct myc_arbiter *a);
void arbiter_suspect(struct myc_arbiter *a, enum arbiter_suspicion suspicion,
		     struct arbiter_packet *packet);
void arbiter_not_suspect(struct myc_arbiter *a, uint8_t line);
void arbiter_switch(struct myc_arbiter *a);

#endif
