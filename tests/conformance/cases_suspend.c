/* SPDX-License-Identifier: Apache-2.0 */
/* Suspending; stopping by threads, and stopping and being told: mycelium/link.h. */
#include "conformance/cases.h"

/* ---- suspend ----------------------------------------------------------------------------------- */

CASE(a_suspended_actor_handles_no_messages_until_it_is_resumed)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(suspend(a, b));
	settle();
	OK(send_many(a, b, 1, 10));
	settle();
	assert_int_equal(b->messages, 0);
	OK(resume(a, b));
	expect_numbers(b, 1, 10);
}

CASE(timers_of_a_suspended_actor_wait)
{
	struct probe *b = spawn(THERE), *clock = spawn(THERE);

	uint32_t before;

	/* Again, should it have fired before it was held. */
	do {
		before = b->timers;
		OK(start_timer(b, 20 * MS, 0, 1));
		hold(b);
		if (b->timers != before)
			release(b);
	} while (b->timers != before);
	OK(start_timer(clock, 40 * MS, 0, 1));
	SAW(clock, TIMER, 1);
	assert_int_equal(b->timers, before);
	release(b);
	SAW(b, TIMER, before + 1);
}

CASE(a_periodic_timer_of_a_suspended_actor_goes_on_when_it_is_resumed)
{
	struct probe *b = spawn(THERE), *clock = spawn(THERE);

	OK(start_timer(b, 5 * MS, 5 * MS, 1));
	SAW(b, TIMER, 2);
	hold(b);
	uint32_t before = b->timers;

	OK(start_timer(clock, 50 * MS, 0, 1));
	SAW(clock, TIMER, 1);
	assert_int_equal(b->timers, before);
	release(b);
	SAW(b, TIMER, before + 3);
	OK(stop_timer(b, 1));
}

CASE(replies_reach_a_suspended_asker)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	b->react = keeps;
	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	hold(a);
	OK(answer_kept(b, 0, 5));
	SAW(a, REPLY, 1);
	release(a);
}

CASE(suspending_twice_is_resumed_once)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(suspend(a, b));
	OK(suspend(a, b));
	settle();
	OK(send_number(a, b, 1));
	settle();
	assert_int_equal(b->messages, 0);
	OK(resume(a, b));
	expect_numbers(b, 1, 1);
}

CASE(resuming_one_that_runs_changes_nothing)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(resume(a, b));
	OK(send_number(a, b, 1));
	expect_numbers(b, 1, 1);
}

CASE(a_suspended_actor_that_was_told_to_drain_drains_when_resumed)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	hold_draining(a, b, 3);
	assert_int_equal(a->signals, 0);
	release(b);
	expect_down(a, b, MYC_EXIT_SHUTDOWN);
	assert_int_equal(b->messages, 3);
}

/* ---- by threads -------------------------------------------------------------------------------- */

static int do_stop(struct myc_system *system, uint64_t *a)
{
	return myc_actor_stop(system, a[0], (uint32_t)a[1], a[2]);
}
static int do_wait(struct myc_system *system, uint64_t *a)
{
	return myc_actor_wait(system, a[0], a[1]);
}
static int do_suspend(struct myc_system *system, uint64_t *a)
{
	return a[1] ? myc_actor_suspend(system, a[0]) : myc_actor_resume(system, a[0]);
}

static int stop_by_thread(struct probe *who, uint32_t how, uint64_t timeout_ns)
{
	uint64_t a[ERRAND_WORDS] = {who->address, how, timeout_ns};

	return way.at(HERE, do_stop, a);
}
static int wait_by_thread(struct probe *who, uint64_t timeout_ns)
{
	uint64_t a[ERRAND_WORDS] = {who->address, timeout_ns};

	return way.at(HERE, do_wait, a);
}

/* Its lane is seen at the other end: it is not new any more. */
static void know_by_thread(struct probe *who)
{
	uint64_t a[ERRAND_WORDS] = {who->address, true};

	UNTIL(way.at(HERE, do_suspend, a) == 0); /* it is held: no change */
	settle();
}

CASE(a_thread_stops_an_actor_and_waits_for_its_end)
{
	struct probe *b = spawn(THERE);

	OK(stop_by_thread(b, MYC_STOP, MYC_FOREVER));
	assert_true(ended(b));
	assert_int_equal(b->stops, 1);
	RESULT(stop_by_thread(b, MYC_STOP, MYC_FOREVER), -ESRCH);
}

CASE(a_thread_kills_an_actor)
{
	struct probe *b = spawn(THERE);

	OK(stop_by_thread(b, MYC_STOP_KILL, MYC_FOREVER));
	assert_int_equal(b->stops, 0);
}

CASE(a_thread_drains_an_actor)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_many(a, b, 1, 10));
	settle();
	OK(stop_by_thread(b, MYC_STOP_DRAIN, MYC_FOREVER));
	assert_int_equal(b->messages, 10);
}

CASE(a_thread_that_does_not_wait_hears_etimedout)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold_with(a, b, 3);
	know_by_thread(b);
	RESULT(stop_by_thread(b, MYC_STOP_DRAIN, 20 * MS), -ETIMEDOUT);
	RESULT(wait_by_thread(b, 5 * MS), -ETIMEDOUT);
	assert_false(ended(b));
	release(b);
	OK(wait_by_thread(b, MYC_FOREVER));
	assert_int_equal(b->messages, 3);
}

CASE(a_thread_has_one_that_does_not_end_killed)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold_with(a, b, 3);
	know_by_thread(b);
	OK(stop_by_thread(b, MYC_STOP_DRAIN | MYC_STOP_ELSE_KILL, 20 * MS));
	assert_true(ended(b));
	assert_int_equal(b->messages, 0);
}

CASE(a_thread_waits_for_one_that_ends_by_itself)
{
	struct probe *b = spawn(THERE);

	RESULT(wait_by_thread(b, MS), -ETIMEDOUT);
	tell(b, stop_self_job(), 0, 0, 0, 0);
	OK(wait_by_thread(b, MYC_FOREVER));
	OK(wait_by_thread(b, MYC_FOREVER));
}

CASE(a_thread_suspends_and_resumes)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);
	uint64_t words[ERRAND_WORDS] = {b->address, true};

	UNTIL(way.at(HERE, do_suspend, words) == 0);
	settle();
	OK(send_many(a, b, 1, 5));
	settle();
	assert_int_equal(b->messages, 0);
	words[1] = false;
	OK(way.at(HERE, do_suspend, words));
	expect_numbers(b, 1, 5);
}

/* ---- stopping and being told ------------------------------------------------------------------- */

static int job_stop_watch(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	return myc_stop_watch(self, a[0], (uint32_t)a[1], a[2], &me->monitor[0]);
}

static int stop_watch(struct probe *who, const struct probe *other, uint32_t how,
		      uint64_t timeout_ns)
{
	return let(who, job_stop_watch, other->address, how, timeout_ns, 0);
}

CASE(who_stops_another_is_told_of_its_end)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(stop_watch(a, b, MYC_STOP, LONG));
	expect_down(a, b, MYC_EXIT_SHUTDOWN);
	assert_memory_equal(&nth(a, SIGNAL, 0)->event.monitor, &a->monitor[0],
			    sizeof(a->monitor[0]));
	settle();
	assert_int_equal(a->signals, 1);
}

CASE(who_stops_one_that_does_not_end_in_time_is_told_still_then_down)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold_with(a, b, 1);
	OK(stop_watch(a, b, MYC_STOP_DRAIN, 20 * MS));
	SAW(a, SIGNAL, 1);
	assert_int_equal(nth(a, SIGNAL, 0)->event.kind, MYC_EVENT_STILL);
	assert_int_equal(nth(a, SIGNAL, 0)->event.from, b->address);
	release(b);
	SAW(a, SIGNAL, 2);
	assert_true(is_down(nth(a, SIGNAL, 1), b, MYC_EXIT_SHUTDOWN, 0));
	assert_int_equal(b->messages, 1);
}

CASE(who_stops_another_may_have_it_killed_when_it_does_not_end)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold_with(a, b, 1);
	OK(stop_watch(a, b, MYC_STOP_DRAIN | MYC_STOP_ELSE_KILL, 20 * MS));
	UNTIL(ended(b));
	SAW(a, SIGNAL, 2);
	assert_true(is_down(nth(a, SIGNAL, 1), b, MYC_EXIT_KILLED, 0));
	assert_int_equal(b->messages, 0);
}

JOB_OF(job_hear, myc_become(self, &plain))

CASE(stopping_and_watching_oneself_or_nobody_or_without_a_handler_is_refused)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *d = spawn_as(HERE, &deaf),
		     *c = spawn(THERE);

	RESULT(stop_watch(d, c, MYC_STOP, LONG), -EINVAL);
	OK(let(d, job_hear, 0, 0, 0, 0));
	OK(stop_watch(d, c, MYC_STOP, LONG));
	expect_down(d, c, MYC_EXIT_SHUTDOWN);
	RESULT(stop_watch(a, a, MYC_STOP, LONG), -EINVAL);
	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(stop_watch(a, b, MYC_STOP, LONG), -ESRCH);
	settle();
	assert_int_equal(a->signals, 0);
}

static int job_stop_unwatch(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = myc_stop_watch(self, a[0], MYC_STOP_DRAIN, a[1], &me->monitor[0]);

	return code ? code : myc_demonitor(self, me->monitor[0]);
}

CASE(demonitor_ends_still_and_down)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *clock = spawn(HERE);

	hold_with(a, b, 1);
	OK(let(a, job_stop_unwatch, b->address, 20 * MS, 0, 0));
	OK(start_timer(clock, 50 * MS, 0, 1));
	SAW(clock, TIMER, 1);
	release(b);
	UNTIL(ended(b));
	settle();
	assert_int_equal(a->signals, 0);
}

const struct conform_case cases_suspend[] = {
	{NAMED(a_suspended_actor_handles_no_messages_until_it_is_resumed)},
	{NAMED(timers_of_a_suspended_actor_wait)},
	{NAMED(a_periodic_timer_of_a_suspended_actor_goes_on_when_it_is_resumed)},
	{NAMED(replies_reach_a_suspended_asker)},
	{NAMED(suspending_twice_is_resumed_once)},
	{NAMED(resuming_one_that_runs_changes_nothing)},
	{NAMED(a_suspended_actor_that_was_told_to_drain_drains_when_resumed)},
	{NAMED(a_thread_stops_an_actor_and_waits_for_its_end)},
	{NAMED(a_thread_kills_an_actor)},
	{NAMED(a_thread_drains_an_actor)},
	{NAMED(a_thread_that_does_not_wait_hears_etimedout)},
	{NAMED(a_thread_has_one_that_does_not_end_killed)},
	{NAMED(a_thread_waits_for_one_that_ends_by_itself)},
	{NAMED(a_thread_suspends_and_resumes)},
	{NAMED(who_stops_another_is_told_of_its_end)},
	{NAMED(who_stops_one_that_does_not_end_in_time_is_told_still_then_down)},
	{NAMED(who_stops_another_may_have_it_killed_when_it_does_not_end)},
	{NAMED(stopping_and_watching_oneself_or_nobody_or_without_a_handler_is_refused)},
	{NAMED(demonitor_ends_still_and_down)},
	{0},
};
