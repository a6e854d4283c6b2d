/* SPDX-License-Identifier: Apache-2.0 */
/* The numbers of a report, read out of regions, maps and sockets. What comes out of a worker's
 * region is copied, and its texts ended. */
#ifndef MYC_RUNTIME_REPORT_READ_H
#define MYC_RUNTIME_REPORT_READ_H

#include "runtime/view.h"

/* Metrics of an actor by its slot, and its status line (may be NULL); all 0 when there are none. */
void myc_read_actor(const struct myc_view *view, uint32_t process, uint32_t slot,
		    struct myc_actor_metrics *metrics, struct myc_status *status);
/* An executor's counters; NULL: it has no such executor. */
const struct myc_executor_words *myc_read_words(const struct myc_view *view, uint32_t process,
						uint32_t executor);
/* The executor that it is on, or was last; `fallback`: nobody knows. */
uint32_t myc_read_executor(const struct myc_view *view, uint32_t process, uint32_t slot,
			   uint32_t fallback);
void myc_read_feed(const struct myc_view *view, uint32_t process, uint16_t channel,
		   struct myc_feed_metrics *metrics);

struct myc_traffic {
	bool present; /* the system has a network, and it could be read */
	struct myc_counters all;
	uint64_t seen, redirected; /* packets: sum over reasons; to owner or standby */
	struct myc_ledger ledger;
	bool adds_up; /* the sum of struct myc_ledger holds */
};

/* Sums over all channels. */
void myc_read_traffic(const struct myc_run *run, const struct myc_view *view,
		      struct myc_traffic *traffic);
int myc_read_counters(const struct myc_run *run, const struct myc_view *view, uint32_t row,
		      struct myc_counters *sum);

extern const char *const myc_reason_names[MYC_REASONS_COUNT];
extern const char *const myc_reason_texts[MYC_REASONS_COUNT];
extern const char *const myc_fact_names[MYC_FACTS_COUNT];

#endif
