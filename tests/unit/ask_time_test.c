/* SPDX-License-Identifier: Apache-2.0 */
/* When asks end: timeouts, late replies, and a number that is no ask's. */
#include "unit/ask_bed.h"

/* ---- time -------------------------------------------------------------------------------------- */

static void an_ask_times_out_and_never_early(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		for (uint32_t i = 0; i < 5; i++) {
			uint64_t before = myc_clock_ns();

			assert_int_equal(ask(REQUEST_SILENCE, 0, 20 * MS, i), 0);
			rig_expect(i, -ETIMEDOUT, 0, i);
			assert_true(rig_seen[i].at_ns - before >= 20 * MS);
			assert_true(rig_seen[i].at_ns - before < 5000 * MS);
		}
	}
}

static void many_different_timeouts_each_keep_their_time(void **state)
{
	static uint64_t begun[300], timeout[300];
	bool seen[300] = {false};
	uint64_t random = test_seed(), worst = 0;

	(void)state;
	setup(BED_EXECUTORS, NULL, &rig_replier);
	for (uint32_t i = 0; i < 300; i++) {
		/* Up to more than a round of the wheel, and in any order. */
		timeout[i] = test_random(&random) % (i % 3 ? 100 * MS : 800 * MS);
		begun[i] = myc_clock_ns();
		assert_int_equal(ask(REQUEST_SILENCE, 0, timeout[i], i), 0);
	}
	wait_until(rig_count == 300);
	for (uint32_t i = 0; i < 300; i++) {
		uint64_t n = rig_seen[i].cookie;

		assert_int_equal(rig_seen[i].status, -ETIMEDOUT);
		assert_true(n < 300 && !seen[n]);
		seen[n] = true;
		assert_true(rig_seen[i].at_ns >= begun[n] + timeout[n]);
		if (rig_seen[i].at_ns - begun[n] - timeout[n] > worst)
			worst = rig_seen[i].at_ns - begun[n] - timeout[n];
	}
	/* How late to the tick is seen in virtual time (timer_test); a busy machine may let us wait. */
	assert_true(worst < 5000 * MS);
	ask_rig_close(&rig);
}

static void an_ask_without_a_timeout_waits(void **state)
{
	struct timespec nap = {.tv_nsec = 60000000};

	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		assert_int_equal(ask(REQUEST_KEEP, 0, MYC_FOREVER, 1), 0);
		assert_int_equal(ask(REQUEST_SILENCE, 0, MYC_FOREVER - 1, 2), 0);
		assert_int_equal(ask(REQUEST_SILENCE, 0, 20 * MS, 3), 0);
		rig_expect(0, -ETIMEDOUT, 0, 3);
		nanosleep(&nap, NULL);
		assert_int_equal(rig_count, 1);
		rig_post(&rig, replier, REQUEST_ANSWER, 0);
		rig_expect(1, 0, REQUEST_KEEP + 100, 1);
	}
}

static void a_timeout_of_nothing_is_over_at_once(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		assert_int_equal(ask(REQUEST_SILENCE, 0, 0, 1), 0);
		rig_expect(0, -ETIMEDOUT, 0, 1);
	}
}

static uint32_t bytes_changed(uint32_t one, uint32_t other)
{
	uint32_t change = one ^ other, bytes = 0;

	for (uint32_t b = 0; b < 4; b++)
		bytes += (change >> 8 * b & 0xff) != 0;
	return bytes;
}

/* A process that writes at random into its region changes a byte of a reply that was real, or replies with a number of
 * its own asks'. */
static void a_number_a_little_wrong_or_of_another_executor_is_no_asks(void **state)
{
	(void)state;
	setup(BED_EXECUTORS, NULL, &rig_replier);
	const struct myc_asks *asks = &rig.system[0]->executor[0].asks;
	const struct myc_asks *others = &rig.system[0]->executor[1].asks;

	assert_int_equal(asks->capacity, 1024);
	for (uint32_t i = 1; i <= asks->capacity; i++) {
		assert_int_not_equal(asks->entry[i].id, others->entry[i].id);
		for (uint32_t other = 1; other < i; other++)
			assert_in_range(bytes_changed(asks->entry[i].id, asks->entry[other].id), 2,
					4);
	}
	/* Nor is the next one of the same entry near. */
	const struct myc_ask_entry *entry = &asks->entry[asks->free_first];
	uint32_t was = entry->id;

	assert_int_equal(ask(REQUEST_ECHO, 7, 10000 * MS, 1), 0);
	rig_expect(0, 0, REQUEST_ECHO + 100, 1);
	assert_in_range(bytes_changed(entry->id, was), 2, 4);
	ask_rig_close(&rig);
}

static void a_late_reply_reaches_nobody_and_is_counted(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		assert_int_equal(ask(REQUEST_KEEP, 0, 5 * MS, 1), 0);
		rig_expect(0, -ETIMEDOUT, 0, 1);
		wait_until(rig_kept == 1);
		/* Others are asked meanwhile: none of them gets it. */
		assert_int_equal(ask(REQUEST_SILENCE, 0, MYC_FOREVER, 2), 0);
		rig_post(&rig, replier, REQUEST_ANSWER, 0);
		wait_until(rig_late(&rig) == 1);
		assert_int_equal(rig_reply_code, 0);
		assert_int_equal(rig_count, 1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_ask_times_out_and_never_early),
		cmocka_unit_test(many_different_timeouts_each_keep_their_time),
		cmocka_unit_test(an_ask_without_a_timeout_waits),
		cmocka_unit_test(a_timeout_of_nothing_is_over_at_once),
		cmocka_unit_test(a_number_a_little_wrong_or_of_another_executor_is_no_asks),
		cmocka_unit_test(a_late_reply_reaches_nobody_and_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
