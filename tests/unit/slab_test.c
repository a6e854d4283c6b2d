/* SPDX-License-Identifier: Apache-2.0 */
/* Slabs: whole lines, used again by size, also those that others return; what is reserved is there without a page fault. */
#include <pthread.h>
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

#define RETURNED 2000u

static struct myc_slab shared;
static unsigned char *lent[RETURNED];

static void *return_them(void *none)
{
	for (uint32_t i = 0; i < RETURNED; i++) {
		memset(lent[i], 0xaa, i % 1100);
		myc_slab_return(&shared, lent[i], i % 1100);
	}
	return none;
}

static uint32_t chunks_of(const struct myc_slab *slab)
{
	uint32_t n = 0;

	for (const struct myc_slab_link *chunk = slab->chunks; chunk; chunk = chunk->next)
		n++;
	return n;
}

/* While its own thread goes on. */
static void what_another_thread_returns_is_used_again(void **state)
{
	pthread_t thread;
	uint32_t chunks = 0;

	(void)state;
	for (int round = 0; round < 8; round++) {
		for (uint32_t i = 0; i < RETURNED; i++)
			lent[i] = myc_slab_take(&shared, i % 1100);
		assert_int_equal(pthread_create(&thread, NULL, return_them, NULL), 0);
		for (uint32_t i = 0; i < RETURNED; i++) {
			unsigned char *piece = myc_slab_take(&shared, i % 1100);

			memset(piece, 0x55, i % 1100);
			for (size_t at = 0; at < i % 1100; at++)
				assert_int_equal(piece[at], 0x55);
			myc_slab_give(&shared, piece, i % 1100);
		}
		assert_int_equal(pthread_join(thread, NULL), 0);
		chunks = round ? chunks : chunks_of(&shared);
	}
	/* A few pieces more, for what was not back yet: not eight times as much. */
	assert_in_range(chunks_of(&shared), chunks, chunks + 1);
	myc_slab_close(&shared);
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
		cmocka_unit_test(what_another_thread_returns_is_used_again),
		cmocka_unit_test(what_is_reserved_is_touched_already),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
