/* SPDX-License-Identifier: Apache-2.0 */
/* Timers that are declared, keyed, missed; idle timeouts: mycelium/actor.h. */
#include "conformance/cases.h"

static const struct myc_timer_plan plan[] = {
	{.delay_ns = 5 * MS, .period_ns = 0, .cookie = 71},
	{.delay_ns = 10 * MS, .period_ns = 10 * MS, .cookie = 72},
};
#define PLANNED                                                                                   \
	.name = "planned", .capacity_per_sender = 16, .signal = probe_signal, .idle = probe_idle, \
	PROBE_HOOKS
static const struct myc_behaviour planned = {PLANNED, .timers = plan,
					     .timers_count = sizeof(plan) / sizeof(plan[0])};
static const struct myc_behaviour idler = {PLANNED, .idle_timeout_ns = 20 * MS};
static const struct myc_behaviour patient = {PLANNED};

JOB_OF(job_set, myc_timer_set(self, a[0], a[1], a[2]))
JOB_OF(job_clear, myc_timer_clear(self, a[0]))
JOB_OF(job_idle, myc_idle_timeout_set(self, a[0]))

static int set(struct probe *who, uint64_t key, uint64_t delay_ns, uint64_t period_ns)
{
	return let(who, job_set, key, delay_ns, period_ns, 0);
}
static int clear(struct probe *who, uint64_t key)
{
	return let(who, job_clear, key, 0, 0, 0);
}
static uint32_t fired(const struct probe *who, uint64_t cookie)
{
	uint32_t count = atomic_load_explicit(&who->count, memory_order_acquire), n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += who->seen[i].what == TIMER && who->seen[i].number == cookie;
	return n;
}
/* ---- declared ---------------------------------------------------------------------------------- */

CASE(declared_timers_are_there_after_the_start)
{
	struct probe *a = spawn_as(HERE, &planned);

	UNTIL(fired(a, 72) >= 3);
	assert_int_equal(fired(a, 71), 1);
	assert_int_equal(nth(a, TIMER, 0)->number, 71);
	OK(clear(a, 72));
	uint32_t before = fired(a, 72);

	let_pass(40 * MS);
	assert_int_equal(fired(a, 72), before);
}

CASE(a_restart_arms_the_declared_ones_anew_and_only_these)
{
	struct probe *a = make(HERE, &planned);

	a->restarts_max = 3;
	OK(try_spawn(a));
	UNTIL(fired(a, 71) == 1);
	OK(clear(a, 72));
	OK(set(a, 73, 30 * MS, 30 * MS));
	uint32_t before = fired(a, 72);

	OK(fail_with(a, -EIO));
	UNTIL(a->inits == 2);
	UNTIL(fired(a, 71) == 2);
	UNTIL(fired(a, 72) >= before + 3);
	RESULT(clear(a, 73), -ENOENT);
	OK(clear(a, 72));
}

CASE(declared_timers_come_again_with_their_process)
{
	struct probe *w = fixed(HERE, &plain), *a = fixed(THERE, &planned);

	OK(send_number(w, a, 1));
	UNTIL(fired(a, 71) == 1);
	kill_place(THERE);
	revive_place(THERE);
	UNTIL(fired(a, 71) == 2);
	OK(clear(a, 72));
}

static void two_timers(struct world_opts *opts)
{
	opts->executor.timers = 2;
}

CASE(declared_timers_without_room_fail_the_start)
{
	struct probe *a = spawn_as(HERE, &planned), *w = spawn(HERE), *b = make(HERE, &planned);

	UNTIL(a->starts == 1);
	int code = try_spawn(b);

	/* Adopted later, its start fails then. */
	if (!code) {
		OK(watch(w, b, 0));
		SAW(w, SIGNAL, 1);
	}
	settle();
	assert_int_equal(b->starts, 0);
	UNTIL(fired(a, 72) >= 1);
	OK(clear(a, 72));
}

/* ---- by key ------------------------------------------------------------------------------------ */

CASE(setting_a_key_again_replaces_its_timer)
{
	struct probe *a = spawn(HERE);

	OK(set(a, 5, 30 * MS, 0));
	OK(set(a, 6, 60 * MS, 0));
	OK(set(a, 5, 90 * MS, 0));
	SAW(a, TIMER, 2);
	assert_int_equal(nth(a, TIMER, 0)->number, 6);
	assert_int_equal(nth(a, TIMER, 1)->number, 5);
	settle();
	assert_int_equal(a->timers, 2);
}

CASE(a_key_that_was_cleared_does_not_fire)
{
	struct probe *a = spawn(HERE);

	OK(set(a, 5, 10 * MS, 10 * MS));
	OK(clear(a, 5));
	RESULT(clear(a, 5), -ENOENT);
	RESULT(clear(a, 6), -ENOENT);
	let_pass(30 * MS);
	assert_int_equal(a->timers, 0);
	OK(set(a, 5, MS, 0));
	SAW(a, TIMER, 1);
	settle();
	RESULT(clear(a, 5), -ENOENT); /* it has fired */
}

static int job_start_thrice(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (int i = 0; i < 3 && !code; i++)
		code = myc_timer_start(self, a[1], 0, a[0], &me->timer[i]);
	return code ? code : myc_timer_set(self, a[0], 2 * a[1], 0);
}

CASE(setting_a_key_cancels_whatever_timers_have_its_cookie)
{
	struct probe *a = spawn(HERE);

	OK(let(a, job_start_thrice, 5, 20 * MS, 0, 0));
	SAW(a, TIMER, 1);
	let_pass(60 * MS);
	assert_int_equal(a->timers, 1);
	RESULT(stop_timer(a, 0), -ENOENT);
}

CASE(a_declared_timer_is_replaced_by_its_key)
{
	struct probe *a = spawn_as(HERE, &planned);

	OK(set(a, 72, LONG, 0));
	uint32_t before = fired(a, 72);

	let_pass(50 * MS);
	assert_int_equal(fired(a, 72), before);
	OK(clear(a, 72));
}

CASE(keys_of_others_are_theirs)
{
	struct probe *a = spawn(HERE), *b = spawn(HERE);

	OK(set(a, 5, 10 * MS, 0));
	OK(set(b, 5, 10 * MS, 0));
	OK(clear(b, 5));
	SAW(a, TIMER, 1);
	assert_int_equal(b->timers, 0);
}

/* ---- no drift ---------------------------------------------------------------------------------- */

static int counts_missed(struct myc_actor *self, struct probe *me, uint64_t cookie)
{
	(void)cookie;
	me->word[1] += 1 + myc_timer_missed(self); /* periods */
	me->word[2] = myc_now_ns(self);
	return 0;
}

static int job_start_noted(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	me->word[0] = myc_now_ns(self);
	return myc_timer_set(self, 1, a[0], a[0]);
}

CASE(periods_that_passed_are_fired_for_once_and_told_and_none_is_lost)
{
	struct probe *a = spawn(THERE);

	a->on_timer = counts_missed;
	OK(let(a, job_start_noted, 5 * MS, 0, 0, 0));
	SAW(a, TIMER, 2);
	hold(a);
	uint32_t before = a->timers;

	let_pass(100 * MS);
	assert_int_equal(a->timers, before);
	release(a);
	SAW(a, TIMER, before + 2);
	OK(clear(a, 1));
	/* Fired or missed, each period is one: by the time of the last, as many as fit. */
	assert_int_equal(a->word[1], (a->word[2] - a->word[0]) / (5 * MS));
	assert_true(a->word[1] >= a->timers + 10);
}

/* ---- idle -------------------------------------------------------------------------------------- */

CASE(an_idle_actor_is_told_again_and_again)
{
	struct probe *a = spawn_as(HERE, &idler);

	UNTIL(seen_of(a, IDLE) >= 3);
	assert_true(nth(a, IDLE, 2)->at_ns - nth(a, IDLE, 1)->at_ns >= 20 * MS);
	assert_true(nth(a, IDLE, 1)->at_ns - nth(a, IDLE, 0)->at_ns >= 20 * MS);
	OK(let(a, job_idle, 0, 0, 0, 0));
}

CASE(messages_put_off_the_idle_timeout)
{
	struct probe *a = spawn_as(HERE, &patient);

	OK(let(a, job_idle, 400 * MS, 0, 0, 0));
	for (uint64_t i = 1; i <= 4; i++) {
		let_pass(150 * MS);
		OK(post(a, NUMBER, i));
		SAW(a, MESSAGE, (uint32_t)i);
	}
	uint64_t last = nth(a, MESSAGE, 3)->at_ns;

	UNTIL(seen_of(a, IDLE) >= 1);
	assert_true(nth(a, IDLE, 0)->at_ns >= last + 400 * MS ||
		    nth(a, IDLE, 0)->at_ns < nth(a, MESSAGE, 0)->at_ns);
	OK(let(a, job_idle, 0, 0, 0, 0));
}

CASE(an_idle_timeout_of_0_is_none)
{
	struct probe *a = spawn_as(HERE, &idler);

	UNTIL(seen_of(a, IDLE) >= 1);
	OK(let(a, job_idle, 0, 0, 0, 0));
	uint32_t before = seen_of(a, IDLE);

	let_pass(100 * MS);
	assert_int_equal(seen_of(a, IDLE), before);
}

CASE(a_restart_brings_back_the_behaviours_idle_timeout)
{
	struct probe *a = make(HERE, &idler);

	a->restarts_max = 3;
	OK(try_spawn(a));
	OK(let(a, job_idle, 0, 0, 0, 0));
	OK(fail_with(a, -EIO));
	UNTIL(a->inits == 2);
	uint32_t before = seen_of(a, IDLE);

	UNTIL(seen_of(a, IDLE) > before);
}

CASE(a_suspended_actor_is_not_told_that_it_is_idle)
{
	struct probe *a = spawn_as(THERE, &idler);

	UNTIL(seen_of(a, IDLE) >= 1);
	hold(a);
	uint32_t before = seen_of(a, IDLE);

	let_pass(100 * MS);
	assert_int_equal(seen_of(a, IDLE), before);
	release(a);
	UNTIL(seen_of(a, IDLE) > before);
}

const struct conform_case cases_keyed_timer[] = {
	{NAMED(declared_timers_are_there_after_the_start), .where = NEAR},
	{NAMED(a_restart_arms_the_declared_ones_anew_and_only_these), .where = NEAR},
	{DEADLY(declared_timers_come_again_with_their_process)},
	{NAMED(declared_timers_without_room_fail_the_start), .where = NEAR, .opts = two_timers},
	{NAMED(setting_a_key_again_replaces_its_timer), .where = NEAR},
	{NAMED(a_key_that_was_cleared_does_not_fire), .where = NEAR},
	{NAMED(setting_a_key_cancels_whatever_timers_have_its_cookie), .where = NEAR},
	{NAMED(a_declared_timer_is_replaced_by_its_key), .where = NEAR},
	{NAMED(keys_of_others_are_theirs), .where = NEAR},
	{NAMED(periods_that_passed_are_fired_for_once_and_told_and_none_is_lost)},
	{NAMED(an_idle_actor_is_told_again_and_again), .where = NEAR},
	{NAMED(messages_put_off_the_idle_timeout), .where = NEAR},
	{NAMED(an_idle_timeout_of_0_is_none), .where = NEAR},
	{NAMED(a_restart_brings_back_the_behaviours_idle_timeout), .where = NEAR},
	{NAMED(a_suspended_actor_is_not_told_that_it_is_idle)},
	{0},
};
