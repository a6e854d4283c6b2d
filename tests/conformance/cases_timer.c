/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: mycelium/actor.h. No case says how late one is: machines may be. */
#include "conformance/cases.h"

static int job_start_at(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	me->word[0] = myc_now_ns(self);
	return myc_timer_start(self, a[0], a[1], a[2], &me->timer[a[2] % SLOTS]);
}

/* From word[0] on. */
static int start_at(struct probe *who, uint64_t delay_ns, uint64_t period_ns, uint64_t cookie)
{
	return let(who, job_start_at, delay_ns, period_ns, cookie, 0);
}

CASE(a_timer_fires_once_with_its_cookie_and_never_early)
{
	static const uint64_t delays[] = {1, 1000, MS, 7 * MS};
	struct probe *a = spawn(HERE);

	for (uint32_t i = 0; i < 4; i++) {
		OK(start_at(a, delays[i], 0, 1000 + i));
		const struct seen *fired = nth(a, TIMER, i);

		assert_int_equal(fired->number, 1000 + i);
		assert_true(fired->at_ns >= a->word[0] + delays[i]);
	}
	settle();
	assert_int_equal(a->timers, 4);
}

CASE(a_timer_of_no_delay_fires_after_the_handler)
{
	struct probe *a = spawn(HERE);

	OK(start_at(a, 0, 0, 5));
	assert_int_equal(nth(a, TIMER, 0)->number, 5);
}

static const uint64_t delay_of_many[] = {30, 10, 20, 50, 40}; /* ms */

static int job_start_many(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 0; i < a[0] && !code; i++)
		code = myc_timer_start(self, delay_of_many[i] * MS, 0, i, &me->timer[i]);
	return code;
}

CASE(timers_fire_in_the_order_of_their_times)
{
	static const uint64_t order[] = {1, 2, 0, 4, 3};
	struct probe *a = spawn(HERE);

	OK(let(a, job_start_many, 5, 0, 0, 0));
	SAW(a, TIMER, 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(nth(a, TIMER, i)->number, order[i]);
}

CASE(a_periodic_timer_keeps_its_schedule)
{
	struct probe *a = spawn(HERE);

	OK(start_at(a, 3 * MS, 2 * MS, 1));
	SAW(a, TIMER, 10);
	OK(stop_timer(a, 1));
	/* Drift-free: late ones do not push the next ones out, so the nth is never before its due time. */
	for (uint32_t i = 0; i < 10; i++)
		assert_true(nth(a, TIMER, i)->at_ns >= a->word[0] + 3 * MS + i * 2 * MS);
}

static int job_start_two_cancel_one(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = myc_timer_start(self, a[0], 0, 1, &me->timer[1]);

	if (!code)
		code = myc_timer_start(self, a[1], 0, 2, &me->timer[2]);
	return code ? code : myc_timer_cancel(self, me->timer[1]);
}

CASE(a_cancelled_timer_does_not_fire)
{
	struct probe *a = spawn(HERE);

	OK(let(a, job_start_two_cancel_one, 10 * MS, 30 * MS, 0, 0));
	assert_int_equal(nth(a, TIMER, 0)->number, 2);
	settle();
	assert_int_equal(a->timers, 1);
}

static int job_cancel_now(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = myc_timer_start(self, 0, a[0], 9, &me->timer[0]);

	return code ? code : myc_timer_cancel(self, me->timer[0]);
}

CASE(a_timer_cancelled_where_it_was_started_does_not_fire)
{
	struct probe *a = spawn(HERE);

	OK(let(a, job_cancel_now, 0, 0, 0, 0));
	OK(let(a, job_cancel_now, 5, 0, 0, 0));
	OK(start_timer(a, 5 * MS, 0, 2));
	assert_int_equal(nth(a, TIMER, 0)->number, 2);
	assert_int_equal(a->timers, 1);
}

CASE(cancelling_a_timer_that_has_fired_says_enoent)
{
	struct probe *a = spawn(HERE);

	OK(start_timer(a, MS, 0, 1));
	SAW(a, TIMER, 1);
	RESULT(stop_timer(a, 1), -ENOENT);
}

CASE(cancelling_twice_says_enoent)
{
	struct probe *a = spawn(HERE);

	OK(start_timer(a, LONG, 0, 1));
	OK(stop_timer(a, 1));
	RESULT(stop_timer(a, 1), -ENOENT);
	RESULT(stop_timer(a, 5), -ENOENT); /* never was one */
}

CASE(a_stale_timer_does_not_cancel_the_next_in_its_place)
{
	struct probe *a = spawn(HERE);

	OK(start_timer(a, LONG, 0, 1));
	OK(stop_timer(a, 1));
	for (uint32_t i = 0; i < 64; i++) { /* every place is taken again */
		OK(start_timer(a, LONG, 0, 2));
		RESULT(stop_timer(a, 1), -ENOENT);
		OK(stop_timer(a, 2));
	}
}

static int cancels_itself(struct myc_actor *self, struct probe *me, uint64_t cookie)
{
	me->word[1] = (uint64_t)myc_timer_cancel(self, me->timer[cookie]);
	return 0;
}

CASE(a_periodic_timer_is_cancelled_from_its_own_hook)
{
	struct probe *a = spawn(HERE);

	a->on_timer = cancels_itself;
	OK(start_timer(a, MS, MS, 1));
	SAW(a, TIMER, 1);
	assert_int_equal((int)a->word[1], 0);
	a->on_timer = NULL;
	OK(start_timer(a, 10 * MS, 0, 2));
	assert_int_equal(nth(a, TIMER, 1)->number, 2);
}

CASE(a_single_timer_has_fired_when_its_hook_runs)
{
	struct probe *a = spawn(HERE);

	a->on_timer = cancels_itself;
	OK(start_timer(a, MS, 0, 1));
	SAW(a, TIMER, 1);
	assert_int_equal((int)a->word[1], -ENOENT);
}

static int starts_next(struct myc_actor *self, struct probe *me, uint64_t cookie)
{
	return cookie < 10 ? myc_timer_start(self, 1000, 0, cookie + 1, &me->timer[0]) : 0;
}

CASE(a_timers_hook_starts_the_next)
{
	struct probe *a = spawn(HERE);

	a->on_timer = starts_next;
	OK(start_timer(a, 1000, 0, 1));
	SAW(a, TIMER, 10);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(nth(a, TIMER, i)->number, i + 1);
}

static int fails_at_first(struct myc_actor *self, struct probe *me, uint64_t cookie)
{
	(void)self;
	(void)cookie;
	return me->inits == 1 ? -EIO : 0;
}

CASE(a_timers_hook_that_fails_restarts_its_actor)
{
	struct probe *a = spawn_restarting(HERE, 3);

	a->on_timer = fails_at_first;
	OK(start_timer(a, MS, 0, 1));
	UNTIL(a->inits == 2);
	OK(start_timer(a, MS, 0, 2));
	assert_int_equal(nth(a, TIMER, 1)->number, 2);
}

CASE(no_timer_survives_a_restart)
{
	struct probe *a = spawn_restarting(HERE, 3);

	OK(start_timer(a, 5 * MS, 5 * MS, 1));
	OK(start_timer(a, 10 * MS, 0, 2));
	OK(fail_with(a, -EIO));
	UNTIL(a->inits == 2);
	uint32_t before = a->timers;

	OK(start_timer(a, 50 * MS, 0, 3));
	assert_int_equal(nth(a, TIMER, before)->number, 3);
	RESULT(stop_timer(a, 1), -ENOENT);
}

CASE(no_timer_survives_its_actor)
{
	struct probe *a = spawn(HERE), *clock = spawn(HERE);

	OK(start_timer(a, 5 * MS, 5 * MS, 1));
	OK(stop_self(a));
	UNTIL(ended(a));
	uint32_t before = a->timers;

	OK(start_timer(clock, 50 * MS, 0, 1));
	SAW(clock, TIMER, 1);
	assert_int_equal(a->timers, before);
}

CASE(timers_of_others_are_theirs)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(start_timer(a, 10 * MS, 0, 1));
	OK(start_timer(b, 10 * MS, 0, 2));
	assert_int_equal(nth(a, TIMER, 0)->number, 1);
	assert_int_equal(nth(b, TIMER, 0)->number, 2);
	settle();
	assert_int_equal(a->timers, 1);
	assert_int_equal(b->timers, 1);
}

static int job_cancel_of(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	return myc_timer_cancel(
		self, (struct myc_timer){.index = (uint32_t)a[0], .generation = (uint32_t)a[1]});
}

CASE(only_its_actor_cancels_a_timer)
{
	struct probe *a = spawn(HERE), *b = spawn(HERE);

	OK(start_timer(a, 10 * MS, 0, 1));
	RESULT(let(b, job_cancel_of, a->timer[1].index, a->timer[1].generation, 0, 0), -ENOENT);
	RESULT(let(b, job_cancel_of, UINT32_MAX, 1, 0, 0), -ENOENT);
	SAW(a, TIMER, 1);
}

static void four_timers(struct world_opts *opts)
{
	opts->executor.timers = 4;
}

CASE(no_more_timers_than_the_executor_has_and_again_when_one_ends)
{
	struct probe *a = spawn(HERE), *b = spawn(HERE);

	for (uint32_t i = 0; i < 4; i++)
		OK(start_timer(i % 2 ? a : b, LONG, 0, i));
	RESULT(start_timer(a, MS, 0, 4), -ENOSPC);
	OK(stop_timer(a, 1));
	OK(start_timer(a, MS, 0, 4));
	SAW(a, TIMER, 1);
	OK(start_timer(a, LONG, 0, 5));
	OK(stop_self(b));
	UNTIL(ended(b));
	settle();
	OK(start_timer(a, LONG, 0, 6));
	OK(start_timer(a, LONG, 0, 7));
	RESULT(start_timer(a, LONG, 0, 1), -ENOSPC);
}

CASE(a_timer_in_the_far_future_does_not_fire_now)
{
	struct probe *a = spawn(HERE);

	OK(start_timer(a, UINT64_MAX / 2, 0, 1));
	OK(start_timer(a, UINT64_MAX, 0, 2));
	OK(start_timer(a, MS, 0, 3));
	assert_int_equal(nth(a, TIMER, 0)->number, 3);
	settle();
	assert_int_equal(a->timers, 1);
	OK(stop_timer(a, 1));
	OK(stop_timer(a, 2));
}

CASE(a_message_is_not_held_up_by_many_timers_nor_they_by_it)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint32_t i = 0; i < 6; i++)
		OK(start_timer(b, MS, MS, i));
	for (uint64_t i = 0; i < 5; i++)
		OK(send_many(a, b, 1 + 10 * i, 10));
	SAW(b, MESSAGE, 50);
	SAW(b, TIMER, 12);
	for (uint32_t i = 0; i < 6; i++)
		OK(stop_timer(b, i));
}

const struct conform_case cases_timer[] = {
	{NAMED(a_timer_fires_once_with_its_cookie_and_never_early), .where = NEAR},
	{NAMED(a_timer_of_no_delay_fires_after_the_handler), .where = NEAR},
	{NAMED(timers_fire_in_the_order_of_their_times), .where = NEAR},
	{NAMED(a_periodic_timer_keeps_its_schedule), .where = NEAR},
	{NAMED(a_cancelled_timer_does_not_fire), .where = NEAR},
	{NAMED(a_timer_cancelled_where_it_was_started_does_not_fire), .where = NEAR},
	{NAMED(cancelling_a_timer_that_has_fired_says_enoent), .where = NEAR},
	{NAMED(cancelling_twice_says_enoent), .where = NEAR},
	{NAMED(a_stale_timer_does_not_cancel_the_next_in_its_place), .where = NEAR},
	{NAMED(a_periodic_timer_is_cancelled_from_its_own_hook), .where = NEAR},
	{NAMED(a_single_timer_has_fired_when_its_hook_runs), .where = NEAR},
	{NAMED(a_timers_hook_starts_the_next), .where = NEAR},
	{NAMED(a_timers_hook_that_fails_restarts_its_actor), .where = NEAR},
	{NAMED(no_timer_survives_a_restart), .where = NEAR},
	{NAMED(no_timer_survives_its_actor), .where = NEAR},
	{NAMED(timers_of_others_are_theirs)},
	{NAMED(only_its_actor_cancels_a_timer), .where = NEAR},
	{NAMED(no_more_timers_than_the_executor_has_and_again_when_one_ends), .where = NEAR,
	 .opts = four_timers},
	{NAMED(a_timer_in_the_far_future_does_not_fire_now), .where = NEAR},
	{NAMED(a_message_is_not_held_up_by_many_timers_nor_they_by_it)},
	{0},
};
