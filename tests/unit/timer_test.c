/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include "core/executor.h"

#define MANY 100000u

static struct myc_actor actor[2];

static void a_hundred_thousand_timers_fire_in_the_order_of_their_times(void **state)
{
	struct myc_timers timers;
	uint32_t head = MYC_TIMER_NONE;
	uint64_t chance = test_seed() + 5, last = 0;
	uint32_t fired = 0;
	struct myc_timer *handle = calloc(MANY, sizeof(*handle));

	(void)state;
	assert_int_equal(myc_timers_open(&timers, MANY), 0);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(myc_timers_start(&timers, actor, &head,
						  test_random(&chance) % 1000000, 0, i, &handle[i]),
				 0);
	assert_int_equal(myc_timers_start(&timers, actor, &head, 1, 0, 0, NULL), -ENOSPC);
	for (uint32_t i = 0; i < MANY; i += 2)
		assert_int_equal(myc_timers_cancel(&timers, actor, &head, handle[i]), 0);
	for (uint64_t now = 0; now <= 1000000; now += 100) {
		struct myc_timer_entry *entry;

		while ((entry = myc_timers_due(&timers, now))) {
			assert_true(entry->due_ns >= last && entry->due_ns <= now);
			assert_true(entry->due_ns + 100 > now);
			assert_int_equal(entry->cookie % 2, 1);
			last = entry->due_ns;
			myc_timers_fired(&timers, &head, entry, now);
			fired++;
		}
	}
	assert_int_equal(fired, MANY / 2);
	assert_int_equal(head, MYC_TIMER_NONE);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(myc_timers_cancel(&timers, actor, &head, handle[i]), -ENOENT);
	free(handle);
	myc_timers_close(&timers);
}

static void a_period_keeps_its_schedule_however_late_it_is_served(void **state)
{
	struct myc_timers timers;
	uint32_t head = MYC_TIMER_NONE;
	uint64_t chance = test_seed() + 6;

	(void)state;
	assert_int_equal(myc_timers_open(&timers, 4), 0);
	assert_int_equal(myc_timers_start(&timers, actor, &head, 1000, 100, 7, NULL), 0);
	for (uint64_t now = 0; now < 100000; now += test_random(&chance) % 350) {
		struct myc_timer_entry *entry = myc_timers_due(&timers, now);

		if (!entry)
			continue;
		assert_true(entry->due_ns % 100 == 0);
		myc_timers_fired(&timers, &head, entry, now);
		assert_true(entry->due_ns > now && entry->due_ns <= now + 100);
		assert_null(myc_timers_due(&timers, now));
	}
	myc_timers_close(&timers);
}

static void a_stale_or_foreign_handle_cancels_nothing(void **state)
{
	struct myc_timers timers;
	uint32_t head[2] = {MYC_TIMER_NONE, MYC_TIMER_NONE};
	struct myc_timer first, second, wild = {.index = 99};

	(void)state;
	assert_int_equal(myc_timers_open(&timers, 1), 0);
	assert_int_equal(myc_timers_start(&timers, &actor[0], &head[0], 10, 0, 1, &first), 0);
	assert_int_equal(myc_timers_cancel(&timers, &actor[1], &head[1], first), -ENOENT);
	assert_int_equal(myc_timers_cancel(&timers, &actor[0], &head[0], wild), -ENOENT);
	assert_int_equal(myc_timers_cancel(&timers, &actor[0], &head[0], first), 0);
	assert_int_equal(myc_timers_start(&timers, &actor[0], &head[0], 20, 0, 2, &second), 0);
	assert_int_equal(second.index, first.index);
	assert_int_equal(myc_timers_cancel(&timers, &actor[0], &head[0], first), -ENOENT);
	assert_int_equal(timers.next_ns, 20);
	myc_timers_close(&timers);
}

static void held_timers_wait_for_their_actor_and_end_with_it(void **state)
{
	struct myc_timers timers;
	uint32_t head[2] = {MYC_TIMER_NONE, MYC_TIMER_NONE};

	(void)state;
	assert_int_equal(myc_timers_open(&timers, 4), 0);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(
			myc_timers_start(&timers, &actor[i % 2], &head[i % 2], i, 0, i, NULL), 0);
	myc_timers_hold(&timers, myc_timers_due(&timers, 10));
	assert_int_equal(myc_timers_due(&timers, 10)->cookie, 1);
	myc_timers_resume(&timers, head[0]);
	assert_int_equal(myc_timers_due(&timers, 10)->cookie, 0);
	myc_timers_hold(&timers, myc_timers_due(&timers, 10));
	myc_timers_cancel_all(&timers, &head[0]);
	assert_int_equal(timers.count, 2);
	myc_timers_cancel_all(&timers, &head[1]);
	assert_int_equal(timers.next_ns, UINT64_MAX);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(myc_timers_start(&timers, actor, &head[0], i, 0, i, NULL), 0);
	myc_timers_close(&timers);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_thousand_timers_fire_in_the_order_of_their_times),
		cmocka_unit_test(a_period_keeps_its_schedule_however_late_it_is_served),
		cmocka_unit_test(a_stale_or_foreign_handle_cancels_nothing),
		cmocka_unit_test(held_timers_wait_for_their_actor_and_end_with_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
