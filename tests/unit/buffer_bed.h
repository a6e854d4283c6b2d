/* SPDX-License-Identifier: Apache-2.0 */
/* An owner of message buffers and a holder, and what they do with them. */
#ifndef TESTS_UNIT_BUFFER_BED_H
#define TESTS_UNIT_BUFFER_BED_H

#include "common/test.h"

#include <string.h>
#include <unistd.h>

#include "memory/pool.h"

enum { OWNER, HOLDER, PROCESSES };

static struct myc_region region[PROCESSES];
static struct myc_pool pool[PROCESSES];
static const struct myc_pool_opts opts[PROCESSES] = {
	[OWNER] = {.size_class = {{64, 3}, {256, 2}, {4096, 1}},
		   .peers = 2,
		   .loans = 4,
		   .slots = 2},
	[HOLDER] = {.size_class = {{128, 2}}, .peers = 2, .loans = 8, .slots = 2},
};

static inline struct myc_pools *block_of(int process, uint64_t *size)
{
	return myc_region_block(&region[process], MYC_BLOCK_POOL, 0, size);
}

static inline void begin(int process, uint64_t incarnation)
{
	struct myc_pool_place place = {.process = (uint32_t)process,
				       .incarnation = incarnation,
				       .regions = region,
				       .processes = PROCESSES};

	assert_int_equal(myc_pool_open(&pool[process], &place, &opts[process]), 0);
}

static inline int setup(void **state)
{
	(void)state;
	for (int p = 0; p < PROCESSES; p++) {
		struct myc_region_plan plan = {0};

		assert_int_equal(myc_pool_plan(&plan, 0, &opts[p]), 0);
		int fd = myc_region_create("pool", &plan, NULL);

		assert_true(fd >= 0);
		assert_int_equal(myc_region_map(&region[p], fd, MYC_REGION_OWNER, NULL), 0);
		close(fd);
	}
	for (int p = 0; p < PROCESSES; p++) {
		begin(p, 1);
		myc_pool_recovered(&pool[p]);
	}
	return 0;
}

static inline int teardown(void **state)
{
	(void)state;
	for (int p = 0; p < PROCESSES; p++) {
		myc_pool_close(&pool[p]);
		myc_region_unmap(&region[p]);
	}
	return 0;
}

static inline uint64_t faults(int process, enum myc_pool_fault fault)
{
	return block_of(process, NULL)->faults[fault - 1];
}

/* The sums of `owner`, with `n` references under way. */
static inline struct myc_pool_sums sums(int owner, const struct myc_reference *under_way,
					uint32_t n)
{
	struct myc_census census = {0};
	struct myc_pool_sums result;
	uint64_t found[16], size;
	const struct myc_pools *block = block_of(owner, &size);

	assert_int_equal(
		myc_census_begin(&census, block, size, myc_lane_end((uint32_t)owner, 0), found, 16),
		0);
	for (uint32_t p = 0; p < PROCESSES; p++) {
		block = block_of((int)p, &size);
		assert_int_equal(myc_census_holder(&census, block, size, myc_lane_end(p, 0)), 0);
	}
	for (uint32_t i = 0; i < n; i++)
		myc_census_message(&census, &under_way[i]);
	assert_int_equal(myc_census_end(&census, &result), 0);
	return result;
}

static inline uint32_t take(int process, uint32_t size)
{
	uint32_t hold;

	assert_int_equal(myc_pool_take(&pool[process], size, &hold), 0);
	return hold;
}

static inline struct myc_reference lend(int process, uint32_t hold, uint32_t parts)
{
	struct myc_reference reference;

	assert_int_equal(myc_pool_lend(&pool[process], hold, parts, 1, 0, 8, &reference), 0);
	myc_pool_lent(&pool[process]);
	return reference;
}

static inline uint32_t credit(int process, const struct myc_reference *reference, uint64_t origin)
{
	struct myc_view view;

	assert_int_equal(myc_pool_check(&pool[process], reference, &view), MYC_POOL_FINE);
	assert_true(myc_pool_room(&pool[process]));
	return myc_pool_credit(&pool[process], reference, origin);
}

static inline unsigned collect(int process)
{
	myc_pool_scan_source(&pool[process], (uint32_t)!process, 0);
	return myc_pool_collect(&pool[process], 100);
}

#endif
