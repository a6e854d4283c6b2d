/* SPDX-License-Identifier: Apache-2.0 */
/* Work that other threads do for actors. */
#include "unit/outside_bed.h"

/* ---- work ------------------------------------------------------------------------------------------- */

#define WORKS 2000
static struct job {
	_Atomic uint32_t run, done, discarded;
	uint32_t generation;
} jobs[WORKS];
static _Atomic uint32_t running, cancelled_seen;
static _Atomic bool gate; /* open */
static uint32_t jobs_made;

static int64_t run_job(void *argument)
{
	struct job *job = argument;

	running++;
	job->run++;
	io_wrong += pthread_equal(pthread_self(), executor_thread);
	while (!gate && !myc_work_cancelled())
		nap_ms(1);
	cancelled_seen += myc_work_cancelled();
	running--;
	return (int64_t)(job - jobs) * 3;
}

static void discard_job(void *argument)
{
	((struct job *)argument)->discarded++;
}

static int job_done(struct myc_actor *self, const struct myc_worked *done)
{
	struct job *job = done->argument;

	job->done++;
	io_wrong += done->result != (int64_t)(job - jobs) * 3 ||
		    done->cookie != (uint64_t)done->result / 3 ||
		    myc_restarts(self) != job->generation;
	return 0;
}

static int do_work(struct myc_actor *self, const struct order *order)
{
	int code = 0;

	for (uint64_t i = 0; i < order->a && !code; i++) {
		struct job *job = &jobs[jobs_made];

		job->generation = myc_restarts(self);
		code = myc_work(self, &(struct myc_outside_work){.run = run_job,
								 .discard = discard_job,
								 .argument = job,
								 .cookie = jobs_made});
		jobs_made += !code;
	}
	return code;
}

static void begin_jobs(bool open)
{
	memset(jobs, 0, sizeof(jobs));
	running = cancelled_seen = jobs_made = 0;
	gate = open;
	on_worked = job_done;
}

static uint32_t discarded(void)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < jobs_made; i++)
		n += jobs[i].discarded;
	return n;
}

/* Each has ended in one way, once. */
static void check_jobs(void)
{
	for (uint32_t i = 0; i < jobs_made; i++) {
		assert_int_equal(jobs[i].done + jobs[i].discarded, 1);
		assert_true(jobs[i].run <= 1 && jobs[i].run >= jobs[i].done);
	}
}

static void work_is_done_elsewhere_and_its_result_comes_back(void **state)
{
	(void)state;
	begin_jobs(true);
	nap_ms(20);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(tell(do_work, 50, 0, 0), 0);
		wait_until(worked_calls >= jobs_made);
	}
	assert_int_equal(worked_calls, 1000);
	check_jobs();
	assert_int_equal(discarded(), 0);
}

static void a_restart_cancels_it(void **state)
{
	(void)state;
	begin_jobs(false);
	assert_int_equal(tell(do_work, 10, 0, 0), 0);
	wait_until(running == 2);
	assert_int_equal(tell(do_fail, 0, 0, 0), -ECANCELED);
	wait_until(starts == 2);
	/* Two saw it, eight were never begun. */
	wait_until(discarded() == 10);
	assert_int_equal(cancelled_seen, 2);
	gate = true;
	assert_int_equal(tell(do_work, 5, 0, 0), 0);
	wait_until(worked_calls == 5);
	check_jobs();
	for (uint32_t i = 2; i < 10; i++)
		assert_int_equal(jobs[i].run, 0);
}

static void each_work_ends_once_whatever_happens_to_its_actor(void **state)
{
	(void)state;
	begin_jobs(true);
	for (uint32_t round = 0; round < 60; round++) {
		assert_int_equal(tell(do_work, 1 + round % 30, 0, 0), 0);
		if (round % 3 == 0)
			tell(do_fail, 0, 0, 0);
	}
	wait_until(worked_calls + discarded() == jobs_made);
	check_jobs();
	assert_true(worked_calls > 0);
}

static void a_suspended_actor_gets_its_results_later(void **state)
{
	(void)state;
	begin_jobs(true);
	assert_int_equal(tell(do_work, 1, 0, 0), 0);
	wait_until(worked_calls == 1);
	gate = false;
	assert_int_equal(tell(do_work, 4, 0, 0), 0);
	assert_int_equal(suspend_it(), 0);
	nap_ms(20);
	gate = true;
	wait_until(!running && jobs[4].run);
	nap_ms(20);
	assert_int_equal(worked_calls, 1);
	assert_int_equal(resume_it(), 0);
	wait_until(worked_calls == 5);
	check_jobs();
}

static void there_is_a_limit_and_closing_discards_what_is_left(void **state)
{
	(void)state;
	begin_jobs(false);
	assert_int_equal(tell(do_work, WORKS, 0, 0), -ENOSPC);
	assert_int_equal(jobs_made, MYC_WORKS_MAX);
	wait_until(running == 2);
	/* It stops while they run: its end cancels them. */
	end(NULL);
	assert_int_equal(discarded(), MYC_WORKS_MAX);
	assert_int_equal(worked_calls, 0);
	check_jobs();
	assert_int_equal(running, 0);
	begin(state);
}

/* ---- in the test kit ---------------------------------------------------------------------------------- */

static int64_t run_here(void *argument)
{
	return *(int64_t *)argument * 2;
}

static int64_t kit_result;

static int kit_worked(struct myc_actor *self, const struct myc_worked *done)
{
	(void)self;
	kit_result = done->result;
	return 0;
}

static int kit_started(struct myc_actor *self)
{
	static int64_t twenty_one = 21;

	return myc_work(self, &(struct myc_outside_work){.run = run_here, .argument = &twenty_one});
}

static void in_the_deterministic_runtime_work_is_done_in_a_turn(void **state)
{
	static const struct myc_behaviour behaviour = {
		.name = "worker", .started = kit_started, .worked = kit_worked};
	const struct myc_testkit_opts opts = {.sz = sizeof(opts)};
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &behaviour};
	struct myc_testkit *kit;
	myc_address address;

	(void)state;
	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &address), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(kit_result, 42);
	myc_testkit_close(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH(work_is_done_elsewhere_and_its_result_comes_back),
		IDLE(a_restart_cancels_it, MYC_IDLE_SLEEP),
		BOTH(each_work_ends_once_whatever_happens_to_its_actor),
		IDLE(a_suspended_actor_gets_its_results_later, MYC_IDLE_SLEEP),
		IDLE(there_is_a_limit_and_closing_discards_what_is_left, MYC_IDLE_SLEEP),
		cmocka_unit_test(in_the_deterministic_runtime_work_is_done_in_a_turn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
