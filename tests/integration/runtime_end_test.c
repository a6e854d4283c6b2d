/* SPDX-License-Identifier: Apache-2.0 */
/* Processes that have nothing to do, and such that end for good, under `myc run`: no privilege. */
#include "integration/runtime_bed.h"

#include <errno.h>

/* "one" waits for "two", which is stopped in its tracks: it handles nothing, and is not dead. */
static void start_waiting(const char *restart, unsigned intensity)
{
	char waiter[256];

	snprintf(waiter, sizeof(waiter), "%.*swaiter.so",
		 (int)(strlen(live.actors) - strlen("pair.so")), live.actors);
	live_topology(&live,
		      "supervisor: { intensity: %u, period_s: 60, lease_ms: 1000 }\n"
		      "processes:\n"
		      "  - { name: one, library: %s, shutdown_ms: 20000, actors: [ { name: waiter, "
		      "behaviour: waiter } ] }\n"
		      "  - { name: two, library: %s, restart: %s, shutdown_ms: 20000, actors: [ "
		      "{ name: deaf, behaviour: deaf } ] }\n",
		      intensity, waiter, waiter, restart);
	assert_int_equal(live_start(&live, NULL), 0);
}

static bool is_paused(struct live *l, void *context)
{
	(void)context;
	return live_number(l, "waiter", "outbox_depth") > 0;
}

static bool has_heard_it(struct live *l, void *context)
{
	(void)context;
	return live_number(l, "deaf", "messages") > 2;
}

/* Its question has come there: what was never sent ends otherwise. */
static pid_t pause_it(void)
{
	live_until(&live, "deaf has heard the waiter", has_heard_it, NULL);
	pid_t two = (pid_t)live_number(&live, "two", "pid");

	assert_true(two > 1);
	assert_int_equal(kill(two, SIGSTOP), 0);
	live_until(&live, "the waiter is out of credit", is_paused, NULL);
	return two;
}

static bool goes_on(struct live *l, void *context)
{
	char state[16];

	(void)context;
	live_string(l, "two", "state", state, sizeof(state));
	return !strcmp(state, "ended") && live_number(l, "waiter", "outbox_depth") == 0 &&
	       live_status(l, "waiter", "refused") > 0 &&
	       live_status(l, "waiter", "undelivered") > 0 &&
	       live_status(l, "waiter", "failed") == ENOTCONN;
}

static void who_waits_for_a_temporary_process_goes_on_when_it_ends(void **state)
{
	(void)state;
	start_waiting("temporary", 60);
	assert_int_equal(kill(pause_it(), SIGKILL), 0);
	live_until(&live, "it has ended and the waiter goes on", goes_on, NULL);
	assert_int_equal(live_number(&live, "two", "restarts"), 0);
	live_stop(&live);
}

static void a_supervisor_that_dies_meanwhile_does_not_keep_it_from_that(void **state)
{
	(void)state;
	start_waiting("temporary", 60);
	pid_t two = pause_it(), supervisor = live_pid_of(&live, "myc-supervisor");

	assert_true(supervisor > 1);
	assert_int_equal(kill(two, SIGKILL), 0);
	assert_int_equal(kill(supervisor, SIGKILL), 0);
	live_until(&live, "it has ended and the waiter goes on", goes_on, NULL);
	live_stop(&live);
}

/* Else it would be killed after its 20 s. */
static void who_waits_for_one_restarted_too_often_stops_in_order(void **state)
{
	(void)state;
	start_waiting("permanent", 0);
	assert_int_equal(kill(pause_it(), SIGKILL), 0);
	assert_int_equal(live_wait_end(&live), 1);
	assert_true(live_logged(&live, "more than 0 restarts"));
	assert_false(live_logged(&live, "did not stop within"));
}

static bool is_taken_care_of(struct live *l, void *context)
{
	const int64_t *former = context;
	char state[16];
	int64_t pid = live_number(l, "two", "pid");

	live_string(l, "two", "state", state, sizeof(state));
	return !strcmp(state, "ending") && pid > 1 && pid != *former &&
	       live_number(l, "waiter", "outbox_depth") > 0;
}

static bool all_has_come(struct live *l, void *context)
{
	char state[16];

	(void)context;
	live_string(l, "two", "state", state, sizeof(state));
	return !strcmp(state, "ended") &&
	       live_number(l, "deaf", "messages") == live_number(l, "waiter", "messages_sent");
}

/* The one that waits is the one that ends, and its receiver takes nothing meanwhile. */
static void what_it_had_sent_arrives_though_its_caretaker_is_killed(void **state)
{
	char waiter[256];

	(void)state;
	snprintf(waiter, sizeof(waiter), "%.*swaiter.so",
		 (int)(strlen(live.actors) - strlen("pair.so")), live.actors);
	live_topology(
		&live,
		"supervisor: { intensity: 60, period_s: 60, lease_ms: 1000 }\n"
		"processes:\n"
		"  - { name: one, library: %s, shutdown_ms: 20000, actors: [ { name: deaf, "
		"behaviour: deaf } ] }\n"
		"  - { name: two, library: %s, restart: temporary, shutdown_ms: 20000, actors: [ "
		"{ name: waiter, behaviour: waiter } ] }\n",
		waiter, waiter);
	assert_int_equal(live_start(&live, NULL), 0);
	assert_true(live_look(&live));
	pid_t one = (pid_t)live_number(&live, "one", "pid");

	assert_int_equal(kill(one, SIGSTOP), 0);
	live_until(&live, "the waiter is out of credit", is_paused, NULL);
	int64_t two = live_number(&live, "two", "pid");

	for (int i = 0; i < 2; i++) {
		assert_int_equal(kill((pid_t)two, SIGKILL), 0);
		live_until(&live, "it has a caretaker", is_taken_care_of, &two);
		two = live_number(&live, "two", "pid");
	}
	assert_int_equal(kill(one, SIGCONT), 0);
	live_until(&live, "all that it had sent has come", all_has_come, NULL);
	assert_int_equal(live_number(&live, "two", "restarts"), 0);
	live_stop(&live);
}

static bool has_napped(struct live *l, void *context)
{
	(void)context;
	return live_number(l, "one", "naps") > 100 && live_number(l, "two", "naps") > 100;
}

static void executors_with_nothing_to_do_sleep(void **state)
{
	(void)state;
	start_two();
	expect_answers("ping is answered");
	live_until(&live, "executors sleep between two pings", has_napped, NULL);
	expect_answers("ping is answered by who slept");
	live_stop(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(who_waits_for_a_temporary_process_goes_on_when_it_ends),
		TEST(a_supervisor_that_dies_meanwhile_does_not_keep_it_from_that),
		TEST(who_waits_for_one_restarted_too_often_stops_in_order),
		TEST(what_it_had_sent_arrives_though_its_caretaker_is_killed),
		TEST(executors_with_nothing_to_do_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
