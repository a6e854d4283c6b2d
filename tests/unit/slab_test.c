/* SPDX-License-Identifier: Apache-2.0 */
/* Slabs: whole lines, used again by size; what is reserved is there without a page fault. */
#include <stdint.h>
#include <string.h>
#include <sys/resource.h>

#include "common/test.h"
#include "memory/slab.h"

#define STATES 50000u

static long faults(void)
{
	struct rusage usage;

	assert_int_equal(getrusage(RUSAGE_THREAD, &usage), 0);
	return usage.ru_minflt;
}

static void pieces_are_whole_lines_and_nobody_elses(void **state)
{
	struct myc_slab slab = {0};
	unsigned char *piece[2000];

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		size_t size = i % 1100;

		piece[i] = myc_slab_take(&slab, size);
		assert_non_null(piece[i]);
		assert_int_equal((uintptr_t)piece[i] % MYC_SLAB_LINE, 0);
		memset(piece[i], (int)i, size);
	}
	for (uint32_t i = 0; i < 2000; i++)
		for (size_t at = 0; at < i % 1100; at++)
			assert_int_equal(piece[i][at], (unsigned char)i);
	for (uint32_t i = 0; i < 2000; i++)
		myc_slab_give(&slab, piece[i], i % 1100);
	assert_ptr_equal(myc_slab_take(&slab, 1999 % 1100), piece[1999]);
	myc_slab_close(&slab);
}

static void what_is_reserved_is_touched_already(void **state)
{
	struct myc_slab slab = {0};

	(void)state;
	assert_int_equal(myc_slab_reserve(&slab, (size_t)STATES * MYC_SLAB_LINE), 0);
	const char *first = slab.at, *end = slab.end;
	long before = faults();

	for (uint32_t i = 0; i < STATES; i++) {
		char *piece = myc_slab_take(&slab, 8);

		assert_true(piece >= first && piece + MYC_SLAB_LINE <= end);
		*piece = 1;
	}
	/* Each page would be one: 782 of 4 KiB. A few are the test's own. */
	assert_in_range(faults() - before, 0, 20);
	/* Beyond it comes another chunk. */
	char *beyond = myc_slab_take(&slab, 8);

	assert_non_null(beyond);
	assert_true(beyond < first || beyond >= end);
	myc_slab_close(&slab);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pieces_are_whole_lines_and_nobody_elses),
		cmocka_unit_test(what_is_reserved_is_touched_already),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
