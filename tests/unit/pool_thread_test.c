/* SPDX-License-Identifier: Apache-2.0 */
/* Message buffers between three threads that run at once: what ThreadSanitizer is to follow. */
#include "common/test.h"

#include <pthread.h>
#include <sched.h>
#include <string.h>

static void point(const char *name);
#define MYC_POINT(name) point(name)
#define must(holds)	((holds) ? (void)0 : abort())

#include "unit/pool_sides.h"

#define MESSAGES (300000u / TEST_SHORTER)

static void point(const char *name)
{
	if (!strcmp(name, "waits"))
		sched_yield();
}

static void *side(void *number)
{
	if ((uintptr_t)number == OWNER)
		owner();
	else
		holder((int)(uintptr_t)number);
	return NULL;
}

static void threads_read_what_was_written_and_every_weight_comes_home(void **state)
{
	static struct shared memory;
	struct myc_pool_sums sums;
	pthread_t thread[SIDES];

	(void)state;
	shared = &memory;
	messages = MESSAGES;
	make_regions(3);
	reset(3);
	for (uintptr_t s = 0; s < SIDES; s++)
		assert_int_equal(pthread_create(&thread[s], NULL, side, (void *)s), 0);
	while (!__atomic_load_n(&shared->home, __ATOMIC_ACQUIRE))
		usleep(1000);
	__atomic_store_n(&shared->stop, 1, __ATOMIC_RELEASE);
	for (int s = 0; s < SIDES; s++)
		pthread_join(thread[s], NULL);
	count_weights(&sums);
	assert_int_equal(sums.home, sums.total);
	assert_int_equal(shared->sent, MESSAGES);
	assert_no_faults();
	for (int s = 0; s < SIDES; s++) {
		assert_int_equal(pool_of[s].loans_used, 0);
		myc_pool_close(&pool_of[s]);
	}
	drop_regions();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(threads_read_what_was_written_and_every_weight_comes_home),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
