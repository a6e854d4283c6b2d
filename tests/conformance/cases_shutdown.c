/* SPDX-License-Identifier: Apache-2.0 */
/* Shutdown in phases: mycelium/shutdown.h. One process' affair: all in one place. */
#include "conformance/cases.h"

#include <stdio.h>
#include <time.h>

/* a: timeout in ms, how, together, number in the name; out: the phase. */
static int do_phase(struct myc_system *system, uint64_t *a)
{
	char name[32];
	uint32_t phase = 0;
	const struct myc_phase_opts opts = {.sz = sizeof(opts),
					    .name = name,
					    .timeout_ms = (uint32_t)a[0],
					    .how = (uint32_t)a[1],
					    .together = a[2]};

	snprintf(name, sizeof(name), "phase %u", (unsigned)a[3]);
	int code = myc_system_phase(system, &opts, &phase, NULL);

	a[4] = phase;
	return code;
}
/* a: phase; out: killed, stuck, late, failed, notes, first note's actor, what, code. */
static int do_end(struct myc_system *system, uint64_t *a)
{
	struct myc_shutdown result = {0};
	int code = myc_phase_stop(system, (uint32_t)a[0], &result);
	const uint64_t out[] = {result.killed,	     result.stuck,
				result.late,	     result.failed,
				result.notes,	     result.note[0].actor,
				result.note[0].what, (uint64_t)(int64_t)result.note[0].code};

	memcpy(a, out, sizeof(out));
	return code;
}

static uint64_t result[ERRAND_WORDS];

static int declare(uint64_t number, uint64_t timeout_ms, uint64_t how, bool together,
		   uint32_t *phase)
{
	uint64_t a[ERRAND_WORDS] = {timeout_ms, how, together, number};
	int code = at(HERE, do_phase, a);

	*phase = (uint32_t)a[4];
	return code;
}
static int end_phase(uint32_t phase)
{
	memset(result, 0, sizeof(result));
	result[0] = phase;
	return at(HERE, do_end, result);
}

/* Its end is the word[0]th of all. */
static int stands(struct myc_actor *self, struct probe *me)
{
	(void)self;
	me->word[0] = 0;
	return 0;
}
static void counts_end(struct myc_actor *self)
{
	probe_of(self)->word[0] = ++keeper_of(HERE)->word[6];
	probe_stopping(self);
}
static const struct myc_behaviour phased = {.name = "phased",
					    .capacity_per_sender = 16,
					    .state_size = 64,
					    .init = probe_init,
					    .started = probe_started,
					    .message = probe_message,
					    .signal = probe_signal,
					    .stopping = counts_end,
					    .stopped = probe_stopped};

static struct probe *in_phase(uint32_t phase)
{
	struct probe *made = make(HERE, &phased);

	made->phase = phase;
	made->on_init = stands;
	OK(try_spawn(made));
	UNTIL(made->starts == 1);
	return made;
}

CASE(a_phases_actors_end_in_reverse_order_and_no_others)
{
	uint32_t one, two;

	OK(declare(1, 0, 0, false, &one));
	OK(declare(2, 0, 0, false, &two));
	struct probe *a = in_phase(one), *b = in_phase(two), *c = in_phase(one), *d = in_phase(0),
		     *e = in_phase(one);

	OK(end_phase(one));
	assert_true(ended(a) && ended(c) && ended(e));
	assert_int_equal(e->word[0], 1);
	assert_int_equal(c->word[0], 2);
	assert_int_equal(a->word[0], 3);
	assert_false(ended(b) || ended(d));
	OK(end_phase(two));
	assert_true(ended(b));
	assert_false(ended(d));
	assert_int_equal(result[4], 0);
}

CASE(a_phase_drains_by_default_and_stops_if_it_says_so)
{
	uint32_t drains, stops;
	struct probe *a = spawn(HERE);

	OK(declare(1, 5000, 0, false, &drains));
	OK(declare(2, 5000, MYC_STOP, false, &stops));
	struct probe *b = in_phase(drains), *c = in_phase(stops);

	hold(c);
	OK(send_many(a, b, 1, 10));
	OK(send_many(a, c, 1, 10));
	settle();
	OK(end_phase(drains));
	assert_int_equal(b->messages, 10);
	OK(end_phase(stops));
	assert_int_equal(c->messages, 0);
	assert_true(ended(c));
}

CASE(who_has_not_ended_at_the_deadline_is_killed_and_named)
{
	uint32_t phase;
	struct probe *a = spawn(HERE);

	OK(declare(1, 30, MYC_STOP_DRAIN, false, &phase));
	struct probe *b = in_phase(phase);

	hold_with(a, b, 1);
	RESULT(end_phase(phase), -ETIME);
	assert_true(ended(b));
	assert_int_equal(b->stops, 0);
	assert_int_equal(result[0], 1);
	assert_int_equal(result[4], 1);
	assert_int_equal(result[5], b->address);
	assert_int_equal(result[6], MYC_SHUTDOWN_KILLED);
}

CASE(all_of_a_phase_may_be_told_at_once)
{
	uint32_t phase;
	struct probe *a = spawn(HERE);

	OK(declare(1, 30, MYC_STOP_DRAIN, true, &phase));
	struct probe *b = in_phase(phase), *c = in_phase(phase);

	hold(c); /* it would be the first, and keep the other from its stop */
	OK(send_number(a, c, 1));
	settle();
	RESULT(end_phase(phase), -ETIME);
	assert_int_equal(b->stops, 1);
	assert_int_equal(c->stops, 0);
	assert_int_equal(result[0], 1);
}

CASE(after_the_end_of_a_phase_nobody_is_spawned_into_it)
{
	uint32_t phase;

	OK(declare(1, 0, 0, false, &phase));
	in_phase(phase);
	OK(end_phase(phase));
	struct probe *late = make(HERE, &plain);

	late->phase = phase;
	RESULT(try_spawn(late), -ESHUTDOWN);
	RESULT(end_phase(phase), -EALREADY);
}

CASE(phases_that_cannot_be_are_refused)
{
	uint32_t phase, other;

	OK(declare(1, 0, 0, false, &phase));
	RESULT(declare(1, 0, 0, false, &other), -EEXIST);
	RESULT(declare(2, 0, MYC_STOP_KILL, false, &other), -EINVAL);
	RESULT(end_phase(99), -ENOENT);
	for (uint64_t i = 2; i <= MYC_PHASES_MAX; i++)
		OK(declare(i, 0, 0, false, &other));
	RESULT(declare(99, 0, 0, false, &other), -ENOSPC);
	struct probe *none = make(HERE, &plain);

	none->phase = 77;
	RESULT(try_spawn(none), -EINVAL);
}

/* ---- tasks --------------------------------------------------------------------------------------- */

/* What tasks leave, in words of the keeper of HERE, where nobody else writes: they run on a thread of their own. */
enum { FIRST_DONE, SECOND_DONE, GO_ON, GONE_ON };

static uint64_t *left(uint32_t what)
{
	return &keeper_of(HERE)->word[what];
}
static int first_task(void *context)
{
	(void)context;
	*left(FIRST_DONE) = ++keeper_of(HERE)->word[6];
	return 0;
}
static int second_task(void *context)
{
	(void)context;
	*left(SECOND_DONE) = ++keeper_of(HERE)->word[6];
	return 0;
}
static int failing_task(void *context)
{
	(void)context;
	return -EIO;
}
/* Until the case lets it go on, when it was left behind long ago. */
static int long_task(void *context)
{
	(void)context;
	while (!__atomic_load_n(left(GO_ON), __ATOMIC_ACQUIRE))
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
	__atomic_store_n(left(GONE_ON), 1, __ATOMIC_RELEASE);
	return 0;
}
/* To the actor whose address is there: it drains, and so handles it. */
static struct myc_system *posting;
static int posting_task(void *context)
{
	uint64_t number = 5;

	(void)context;
	return myc_post(posting, *left(FIRST_DONE), NUMBER, &number, sizeof(number), LONG);
}

static int (*const task_of[])(void *) = {first_task, second_task, failing_task, long_task,
					 posting_task};
enum { FIRST_TASK, SECOND_TASK, FAILING_TASK, LONG_TASK, POSTING_TASK };

/* a: phase, which. */
static int do_task(struct myc_system *system, uint64_t *a)
{
	char name[16];

	posting = system;
	snprintf(name, sizeof(name), "task %u", (unsigned)a[1]);
	return myc_phase_task(system, (uint32_t)a[0], name, task_of[a[1]], NULL, NULL);
}
static int task(uint32_t phase, uint64_t which)
{
	uint64_t a[ERRAND_WORDS] = {phase, which};

	return at(HERE, do_task, a);
}

CASE(a_phases_tasks_are_done_one_after_the_other_and_before_its_actors_end)
{
	uint32_t phase;

	OK(declare(1, 0, 0, false, &phase));
	struct probe *a = in_phase(phase);

	OK(task(phase, FIRST_TASK));
	OK(task(phase, SECOND_TASK));
	OK(end_phase(phase));
	assert_int_equal(*left(FIRST_DONE), 1);
	assert_int_equal(*left(SECOND_DONE), 2);
	assert_int_equal(a->word[0], 3);
	assert_int_equal(result[4], 0);
}

CASE(what_a_task_posts_is_handled_before_the_phase_ends)
{
	uint32_t phase;

	OK(declare(1, 0, 0, false, &phase));
	struct probe *a = in_phase(phase);

	*left(FIRST_DONE) = a->address;
	OK(task(phase, POSTING_TASK));
	OK(end_phase(phase));
	expect_numbers(a, 5, 5);
	assert_true(ended(a));
}

CASE(a_task_that_fails_is_noted_and_ends_nothing_else)
{
	uint32_t phase;

	OK(declare(1, 0, 0, false, &phase));
	struct probe *a = in_phase(phase);

	OK(task(phase, FAILING_TASK));
	OK(task(phase, SECOND_TASK));
	RESULT(end_phase(phase), -ETIME);
	assert_true(ended(a) && *left(SECOND_DONE));
	assert_int_equal(result[3], 1);
	assert_int_equal(result[4], 1);
	assert_int_equal(result[5], MYC_NOBODY);
	assert_int_equal(result[6], MYC_SHUTDOWN_FAILED);
	assert_int_equal((int)result[7], -EIO);
}

CASE(a_task_that_takes_too_long_is_noted_and_left_behind)
{
	uint32_t phase;

	OK(declare(1, 30, MYC_STOP, false, &phase));
	struct probe *a = in_phase(phase);

	OK(task(phase, LONG_TASK));
	OK(task(phase, SECOND_TASK)); /* has no time to begin */
	RESULT(end_phase(phase), -ETIME);
	assert_true(ended(a));
	assert_int_equal(result[2], 2);
	assert_int_equal(result[4], 2 + result[0]);
	assert_int_equal(*left(SECOND_DONE), 0);
	__atomic_store_n(left(GO_ON), 1, __ATOMIC_RELEASE);
	while (!__atomic_load_n(left(GONE_ON), __ATOMIC_ACQUIRE))
		nanosleep(&(struct timespec){.tv_nsec = 100000}, NULL);
}

CASE(tasks_that_cannot_be_are_refused)
{
	uint32_t phase;

	RESULT(task(99, FIRST_TASK), -EINVAL);
	OK(declare(1, 0, 0, false, &phase));
	for (int i = 0; i < MYC_PHASE_TASKS_MAX; i++)
		OK(task(phase, FIRST_TASK));
	RESULT(task(phase, FIRST_TASK), -ENOSPC);
	OK(end_phase(phase));
	RESULT(task(phase, FIRST_TASK), -ESHUTDOWN);
}

const struct conform_case cases_shutdown[] = {
	{NAMED(a_phases_actors_end_in_reverse_order_and_no_others), .where = NEAR},
	{NAMED(a_phase_drains_by_default_and_stops_if_it_says_so), .where = NEAR},
	{NAMED(who_has_not_ended_at_the_deadline_is_killed_and_named), .where = NEAR},
	{NAMED(all_of_a_phase_may_be_told_at_once), .where = NEAR},
	{NAMED(after_the_end_of_a_phase_nobody_is_spawned_into_it), .where = NEAR},
	{NAMED(phases_that_cannot_be_are_refused), .where = NEAR},
	{NAMED(a_phases_tasks_are_done_one_after_the_other_and_before_its_actors_end),
	 .where = NEAR},
	/* A thread of its own that posts is no part of a seed. */
	{NAMED(what_a_task_posts_is_handled_before_the_phase_ends), .where = NEAR, .blocks = true},
	{NAMED(a_task_that_fails_is_noted_and_ends_nothing_else), .where = NEAR},
	{NAMED(a_task_that_takes_too_long_is_noted_and_left_behind), .where = NEAR},
	{NAMED(tasks_that_cannot_be_are_refused), .where = NEAR},
	{0},
};
