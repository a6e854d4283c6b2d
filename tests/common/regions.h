/* SPDX-License-Identifier: Apache-2.0 */
/* Regions of processes that are all played in one, or are forked from it: as each of them sees each. */
#ifndef TESTS_COMMON_REGIONS_H
#define TESTS_COMMON_REGIONS_H

#include "common/test.h"

#include <unistd.h>

#include "core/process.h"
#include "memory/region.h"

/* That of process `of`, into all[process * processes + of] of each: its own to write, of the others to read. */
static inline void regions_make(struct myc_region *all, uint32_t processes, uint32_t of,
				const struct myc_region_plan *plan)
{
	int fd = myc_region_create("test", plan, NULL);

	assert_true(fd >= 0);
	for (uint32_t p = 0; p < processes; p++)
		assert_int_equal(myc_region_map(&all[p * processes + of], fd,
						p == of ? MYC_REGION_OWNER : MYC_REGION_READER,
						NULL),
				 0);
	close(fd);
}

/* The same, of a system in a workspace of so many executors. */
static inline void regions_plan(struct myc_region *all, uint32_t processes, uint32_t of,
				const struct myc_system_opts *opts, uint32_t executors)
{
	struct myc_region_plan plan = {0};

	assert_int_equal(myc_system_plan(&plan, opts, processes, executors, NULL), 0);
	regions_make(all, processes, of, &plan);
}

static inline void regions_unmap(struct myc_region *all, uint32_t processes)
{
	for (uint32_t i = 0; i < processes * processes; i++)
		myc_region_unmap(&all[i]);
}

#endif
