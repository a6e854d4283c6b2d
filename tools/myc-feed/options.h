/* SPDX-License-Identifier: Apache-2.0 */
/* The command line: read, checked as a whole, turned into what the parts take. */
#ifndef MYC_FEED_OPTIONS_H
#define MYC_FEED_OPTIONS_H

#include "myc-feed/feed.h"

enum options_output { OPTIONS_UDP, OPTIONS_RAW, OPTIONS_FILE };

struct options {
	struct feed_opts feed;
	struct output_opts output;
	struct source_generator_opts generator;
	struct source_capture_opts capture; /* path NULL = another source */
	const char *itch_path;		    /* NULL = another source */
	enum options_output output_kind;
	const char *output_name; /* interface or file */
	const char *report_path; /* NULL = none */
	bool quiet;
	bool done; /* --help, --version: all has been said */
};

extern const char options_usage[];

/* -EINVAL with the cause. Pointers in options are into argv. */
int options_parse(struct options *options, int argc, char **argv, struct myc_error *error);

#endif
