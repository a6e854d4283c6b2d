/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The truth of a run, to compare receivers with: which messages went on no line at all. Kept apart
 * from what makes packets, so that a mistake there shows as a difference.
 *
 * A *run* is one sequence space: a session, or the part of it up to a restart. A range at the end of
 * a run is *unrevealed* when nothing sent on any line tells that those messages existed.
 */
#ifndef MYC_FEED_TRUTH_H
#define MYC_FEED_TRUTH_H

#include "myc-feed/wire.h"

struct truth_range {
	uint32_t run;
	uint64_t first, last;
	bool revealed;
};

struct truth_ranges {
	struct truth_range *range;
	uint64_t count, room;
};

enum truth_begin { TRUTH_START, TRUTH_SESSION_CHANGE, TRUTH_RESTART };

struct truth_run {
	char session[24];
	enum truth_begin begin;
	uint64_t first;		/* number of its first message */
	uint64_t next;		/* number behind its last message */
	uint64_t revealed_next; /* number behind the last one that any sent packet tells of */
};

struct truth {
	uint32_t lines;
	struct truth_ranges lost[FEED_LINES_MAX]; /* on this line; in order */
	struct truth_run *run;
	uint32_t runs;
};

/* All: 0 or -ENOMEM. */
int truth_begin(struct truth *truth, const char *session, enum truth_begin begin, uint64_t first);
/* Messages first .. first + count - 1 did not go on this line. In order of numbers in each run. */
int truth_lost(struct truth *truth, uint32_t line, uint32_t run, uint64_t first, uint64_t count);
/* A packet went out that ends before message `next`. */
void truth_sent(struct truth *truth, uint32_t run, uint64_t next);

/* What no line had, in order, split where the revealed part ends. Free with truth_ranges_close. */
int truth_lost_on_all(const struct truth *truth, struct truth_ranges *ranges);
uint64_t truth_messages(const struct truth_ranges *ranges, bool revealed);
void truth_ranges_close(struct truth_ranges *ranges);
void truth_close(struct truth *truth);

#endif
