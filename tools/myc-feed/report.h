/* SPDX-License-Identifier: Apache-2.0 */
/* What a run did, for people (text) and for tests (JSON; every number exact). */
#ifndef MYC_FEED_REPORT_H
#define MYC_FEED_REPORT_H

#include <stdio.h>

#include "myc-feed/feed.h"

struct report {
	const struct feed *feed;
	const struct output_opts *addresses;
	const char *source; /* "a generated day", or the file's name */
	const char *output; /* "udp", "raw IFACE", the file's name */
	uint64_t seed;
	struct truth_ranges lost; /* on all lines */
};

/* 0 or -ENOMEM. */
int report_open(struct report *report);
void report_text(const struct report *report, FILE *out);
/* Can it be written there? Asked before a feed begins, which would have run in vain. */
int report_check(const char *path, struct myc_error *error);
int report_json(const struct report *report, const char *path, struct myc_error *error);
void report_close(struct report *report);

#endif
