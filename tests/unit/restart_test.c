/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include <signal.h>

#include "runtime/restart.h"

#define SECOND	     1000000000ull
#define EXITED(code) ((code) << 8)

static void exits_map_to_reasons(void **state)
{
	(void)state;
	assert_int_equal(myc_exit_reason_of(EXITED(0), false, false), MYC_PROCESS_EXIT_NORMAL);
	assert_int_equal(myc_exit_reason_of(EXITED(0), true, false), MYC_PROCESS_EXIT_SHUTDOWN);
	assert_int_equal(myc_exit_reason_of(EXITED(1), true, false), MYC_PROCESS_EXIT_ABNORMAL);
	assert_int_equal(myc_exit_reason_of(SIGSEGV, false, false), MYC_PROCESS_EXIT_ABNORMAL);
	assert_int_equal(myc_exit_reason_of(SIGKILL, false, false), MYC_PROCESS_EXIT_ABNORMAL);
	assert_int_equal(myc_exit_reason_of(SIGKILL, true, true), MYC_PROCESS_EXIT_KILLED);
	assert_int_equal(myc_exit_reason_of(SIGTERM, true, false), MYC_PROCESS_EXIT_ABNORMAL);
}

static void the_decision_table_is_erlangs(void **state)
{
	static const enum myc_exit_decision table[3][4] = {
		{MYC_DECIDE_RESTART, MYC_DECIDE_RESTART, MYC_DECIDE_RESTART, MYC_DECIDE_RESTART},
		{MYC_DECIDE_KEEP, MYC_DECIDE_KEEP, MYC_DECIDE_RESTART, MYC_DECIDE_RESTART},
		{MYC_DECIDE_REMOVE, MYC_DECIDE_REMOVE, MYC_DECIDE_REMOVE, MYC_DECIDE_REMOVE},
	};

	(void)state;
	for (unsigned restart = 0; restart < 3; restart++)
		for (unsigned reason = 0; reason < 4; reason++)
			assert_int_equal(myc_exit_decide((enum myc_restart)restart,
							 (enum myc_process_exit)reason),
					 table[restart][reason]);
}

static void intensity_restarts_are_allowed_and_the_next_is_not(void **state)
{
	(void)state;
	for (uint32_t intensity = 0; intensity <= MYC_INTENSITY_MAX;
	     intensity += 1 + intensity / 8) {
		struct myc_restart_limit limit = {intensity, 5 * SECOND};
		struct myc_restart_window window = {0};

		for (uint32_t i = 0; i < intensity; i++)
			assert_true(myc_restart_allowed(&window, &limit, 0, i + 1, SECOND + i));
		assert_false(myc_restart_allowed(&window, &limit, 0, intensity + 1, 2 * SECOND));
	}
}

static void restarts_older_than_the_period_do_not_count(void **state)
{
	struct myc_restart_limit limit = {1, SECOND};
	struct myc_restart_window window = {0};

	(void)state;
	for (uint32_t i = 0; i < 200; i++)
		assert_true(myc_restart_allowed(&window, &limit, i % 3, i + 1,
						(i + 1) * 21 * SECOND / 10));
	assert_false(myc_restart_allowed(&window, &limit, 0, 300, 200 * 21 * SECOND / 10 + 1));
}

static void a_successor_repeating_the_last_step_counts_it_once(void **state)
{
	struct myc_restart_limit limit = {2, 5 * SECOND};
	struct myc_restart_window window = {0};

	(void)state;
	for (int again = 0; again < 10; again++)
		assert_true(myc_restart_allowed(&window, &limit, 1, 7, SECOND));
	assert_int_equal(window.count, 1);
	assert_true(myc_restart_allowed(&window, &limit, 2, 7, SECOND));
	assert_false(myc_restart_allowed(&window, &limit, 1, 8, SECOND));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(exits_map_to_reasons),
		cmocka_unit_test(the_decision_table_is_erlangs),
		cmocka_unit_test(intensity_restarts_are_allowed_and_the_next_is_not),
		cmocka_unit_test(restarts_older_than_the_period_do_not_count),
		cmocka_unit_test(a_successor_repeating_the_last_step_counts_it_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
