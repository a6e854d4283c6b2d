/* SPDX-License-Identifier: Apache-2.0 */
/* Plain threads that wait for something to come about, by looking again and again; and ringing an executor. */
#ifndef MYC_CORE_WAIT_H
#define MYC_CORE_WAIT_H

#include "core/executor.h"

struct myc_wait {
	struct myc_system *system;
	uint64_t begun;
	uint64_t timeout_ns; /* UINT64_MAX: for ever */
	long nap;
};
struct myc_wait myc_wait_begin(struct myc_system *system, uint64_t timeout_ns);
/* Sleeps a little, longer each time; false: the time is over. */
bool myc_wait_more(struct myc_wait *wait);

/* Wakes it, whatever it was told before. Any thread. */
void myc_executor_ring(const struct myc_executor *executor);

#endif
