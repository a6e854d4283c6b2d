/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a system's options come to: the options with their defaults, and the blocks that a region of them has
 * (myc_system_plan, core/process.h). Who plans and who claims the blocks reckon their sizes by the same functions.
 */
#ifndef MYC_CORE_PLAN_H
#define MYC_CORE_PLAN_H

#include "core/executor.h"

/* `given` (may be NULL) with defaults for what is 0. 0, or -EINVAL with the remedy. */
int myc_plan_options(struct myc_system_opts *opts, const struct myc_system_opts *given,
		     struct myc_error *error);
/* The head of a block of lanes. `plain`: a plain thread's, whose first lane is one like the others. */
struct myc_lanes myc_plan_lanes(const struct myc_system_opts *opts, uint32_t executors_all,
				bool plain);
/* Of an executor with so many lanes in: its pending entries, one for each flow, so that it can always be given a
 * credit, and `pending` for all; and the size of its block. */
uint32_t myc_plan_pending(const struct myc_system_opts *opts, uint32_t lanes);
uint64_t myc_plan_executor_size(const struct myc_system_opts *opts, uint32_t lanes);
/* The NUMA node of an executor's memory, UINT32_MAX: any. */
uint32_t myc_plan_node(const struct myc_system_opts *opts, uint32_t executor);

#endif
