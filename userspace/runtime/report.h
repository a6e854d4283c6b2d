/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running or just stopped system looks like: for `myc ps` as a tree, as JSON for tools and
 * the final report. Made by the supervisor, which has the descriptors that counters need; numbers
 * of a running system are read one by one, so sums hold exactly only when traffic stands still.
 */
#ifndef MYC_RUNTIME_REPORT_H
#define MYC_RUNTIME_REPORT_H

#include "base/text.h"
#include "runtime/view.h"

void myc_report_tree(const struct myc_run *run, const struct myc_view *view, struct myc_text *text);
void myc_report_json(const struct myc_run *run, const struct myc_view *view, struct myc_text *text);
/* The sums that must hold, as lines for people. Returns whether they do (a running system: whether
 * they did at this moment). */
bool myc_report_ledger(const struct myc_run *run, const struct myc_view *view,
		       struct myc_text *text);

/* Dead letters of all processes (report_letters.c), and how many one process has counted. */
void myc_report_letters(const struct myc_run *run, const struct myc_view *view,
			struct myc_text *text);
void myc_report_letters_json(const struct myc_run *run, const struct myc_view *view,
			     struct myc_text *text);
/* What mailboxes without bounds of a process have room for, all executors together. */
struct myc_report_growth {
	uint64_t limit, room, room_max; /* messages */
	uint64_t refused;		/* chunks */
};
void myc_report_growth_of(const struct myc_view *view, uint32_t process,
			  struct myc_report_growth *growth);
uint64_t myc_report_letters_of(const struct myc_view *view, uint32_t process);

/* Schemas by process, and the differences between processes (report_schemas.c). */
void myc_report_schemas(const struct myc_run *run, const struct myc_view *view,
			struct myc_text *text);
void myc_report_schemas_json(const struct myc_run *run, const struct myc_view *view,
			     struct myc_text *text);
/* What the executors of a process have counted (report_counters.c): a line of what is not 0, or all of it. */
void myc_report_counters(const struct myc_view *view, uint32_t process, const char *indent,
			 struct myc_text *text);
void myc_report_counters_json(const struct myc_view *view, uint32_t process, struct myc_text *text);

/* Actors of a process that others spawned (report_spawned.c): sums, and those with a name; a tree of at most 16. `runs`:
 * else what stands in its region is nobody's. */
void myc_report_spawned(const struct myc_run *run, const struct myc_view *view, uint32_t process,
			const char *indent, struct myc_text *text);
void myc_report_spawned_json(const struct myc_run *run, const struct myc_view *view,
			     uint32_t process, bool runs, struct myc_text *text);

const char *myc_child_state_name(uint64_t state);

#endif
