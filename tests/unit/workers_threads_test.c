/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of workers on real threads: handlers that never return, senders that never stop, readers beside them. */
#include "common/regions.h"
#include "common/wait.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "core/process.h"

#define MS	  1000000ull
#define SECOND	  1000000000ull
#define EXECUTORS 4
#define KEYS	  16
#define CALLERS	  3
#define THREADS	  6

enum { JOB = 1, ANSWER, GO };
enum what { DO, STICK, FAIL, SLOW };

struct job {
	uint64_t key, number;
	uint32_t what, reserved;
};

static struct myc_system *system_;
static struct myc_workers *pool;
static struct myc_region region;
static _Atomic bool stuck;
static _Atomic uint64_t begun, again, failures, complaints, disorders, next_of[KEYS];
static _Atomic myc_address stuck_worker;

static int work(struct myc_actor *self, const struct myc_message *message)
{
	struct job job;
	struct timespec slow = {.tv_nsec = 200000};

	if (message->type != JOB)
		return 0;
	memcpy(&job, message->payload, sizeof(job));
	begun++;
	again += message->flags & MYC_MESSAGE_REDELIVERED;
	if (job.what == STICK && !(message->flags & MYC_MESSAGE_REDELIVERED)) {
		stuck_worker = myc_self(self);
		while (stuck)
			sched_yield();
	}
	if (job.what == SLOW)
		nanosleep(&slow, NULL);
	if (job.what == FAIL)
		return -EIO;
	if (!message->correlation)
		disorders +=
			atomic_exchange(&next_of[job.key % KEYS], job.number + 1) != job.number;
	return message->correlation ? myc_reply(self, message, ANSWER, &job, sizeof(job)) : 0;
}

/* Its state's memory as it is: that is not all its own. */
static const struct myc_state_codec codec = {.rights = MYC_STATE_READ | MYC_STATE_REPLACE};
static const struct myc_behaviour worker = {
	.name = "worker", .state_size = 8, .message = work, .codec = &codec};

static void failed(void *context, myc_address actor, int code, bool watched)
{
	(void)context;
	(void)actor;
	failures += code && !watched;
	complaints += code && watched;
}

/* As a worker process has its system: an actor that fails for good is told by `failed`. */
static void begin_with(const struct myc_workers_settings *settings, uint32_t flags)
{
	struct myc_system_opts with = {
		.sz = sizeof(with), .executors = EXECUTORS, .threads = flags ? THREADS : 0};
	struct myc_workspace workspace = {
		.incarnation = 1, .processes = 1, .regions = &region, .failed = failed};
	regions_plan(&region, 1, 0, &with, EXECUTORS + with.threads);
	assert_int_equal(myc_system_join(&system_, &with, &workspace, NULL), 0);
	begun = again = failures = complaints = disorders = 0;
	for (int i = 0; i < KEYS; i++)
		next_of[i] = 0;
	uint32_t phase;

	assert_int_equal(
		myc_system_phase(system_,
				 &(struct myc_phase_opts){.sz = sizeof(struct myc_phase_opts),
							  .name = "pools",
							  .timeout_ms = 20000},
				 &phase, NULL),
		0);
	const struct myc_workers_opts opts = {.sz = sizeof(opts),
					      .behaviour = &worker,
					      .name = "pool",
					      .key_size = 8,
					      .phase = phase,
					      .flags = flags,
					      .settings = *settings};

	assert_int_equal(myc_workers_spawn(system_, &opts, &pool, NULL), 0);
	assert_int_equal(myc_system_start(system_, NULL), 0);
}

static void begin(const struct myc_workers_settings *settings)
{
	begin_with(settings, 0);
}

static struct myc_workers_numbers numbers(void)
{
	struct myc_workers_numbers n;

	myc_workers_read(pool, &n, NULL);
	return n;
}

static bool adds_up(void)
{
	struct myc_workers_numbers n = numbers();
	uint64_t sum = n.waiting + n.in_hand + n.done + n.in_doubt;

	for (int i = 0; i < MYC_DISCARD_REASONS; i++)
		sum += n.discarded[i];
	return sum == n.accepted;
}

static void end(void)
{
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	assert_true(adds_up());
	assert_int_equal(numbers().waiting + numbers().in_hand, 0);
	assert_int_equal(failures, 0);
	myc_system_close(system_);
	myc_region_unmap(&region);
}

static void post(uint64_t key, uint64_t number, enum what what)
{
	const struct job job = {.key = key, .number = number, .what = what};

	assert_int_equal(
		myc_post(system_, myc_workers_address(pool), JOB, &job, sizeof(job), 10 * SECOND),
		0);
}

/* ---- handlers that never return ---------------------------------------------------------------- */

static uint64_t executor_of(myc_address address)
{
	struct myc_worker_numbers n;

	for (uint32_t i = 0; !myc_workers_read_worker(pool, i, &n); i++)
		if (n.address == address)
			return n.executor;
	return UINT64_MAX;
}

static void a_stuck_handler_costs_its_executor_and_nobody_elses_work(void **state)
{
	struct myc_worker_numbers n;

	(void)state;
	stuck = true;
	begin(&(struct myc_workers_settings){.workers = 3,
					     .route = MYC_ROUTE_KEY,
					     .retries = 1,
					     .hang_ns = 500 * MS * test_slowness(),
					     .hang_replace = 1});
	post(0, 0, STICK);
	wait_until(stuck_worker && begun == 1);
	uint64_t held = executor_of(stuck_worker);

	assert_in_range(held, 1, 3);
	/* Its key's other jobs, and other keys': all are done while it hangs. */
	for (uint64_t i = 0; i < 400; i++)
		post(i % KEYS, i / KEYS + (i % KEYS == 0), DO);
	wait_until(numbers().done == 401);
	assert_int_equal(numbers().given_up, 1);
	assert_int_equal(numbers().hung, 1);
	assert_int_equal(numbers().lost, 1);
	assert_int_equal(disorders, 0);
	assert_int_equal(again, 1);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(myc_workers_read_worker(pool, i, &n), 0);
		assert_true(n.address && n.executor != held);
	}
	/* It returns, and dies: what it did is not counted twice. */
	stuck = false;
	wait_until(!numbers().lost);
	assert_int_equal(numbers().done, 401);
	assert_int_equal(numbers().in_doubt, 0);
	end();
}

static void without_retries_the_stuck_job_is_in_doubt_and_its_caller_told(void **state)
{
	const struct job job = {.what = STICK};

	(void)state;
	stuck = true;
	begin(&(struct myc_workers_settings){.workers = 1, .hang_ns = 100 * MS, .hang_replace = 1});
	assert_int_equal(myc_call(system_, myc_workers_address(pool), JOB, &job, sizeof(job), NULL,
				  10 * SECOND),
			 -EOWNERDEAD);
	assert_int_equal(numbers().in_doubt, 1);
	/* A pool that ends does not wait for who hangs. */
	assert_int_equal(myc_workers_drain(pool, SECOND), 0);
	assert_int_equal(numbers().lost, 1);
	stuck = false;
	end();
}

/* Three workers, and three threads to spare for those that take the place of who hangs. */
static void workers_with_threads_hold_up_only_themselves(void **state)
{
	struct myc_worker_numbers n;

	(void)state;
	stuck = true;
	begin_with(&(struct myc_workers_settings){.workers = 3,
						  .hang_ns = 300 * MS * test_slowness(),
						  .hang_replace = 1},
		   MYC_WORKERS_THREADS);
	wait_until(numbers().alive == 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(myc_workers_read_worker(pool, i, &n), 0);
		assert_true(n.executor >= EXECUTORS);
	}
	for (uint64_t i = 0; i < 2; i++)
		post(i, 0, STICK);
	wait_until(begun == 2);
	/* The third goes on alone. */
	for (uint64_t i = 0; i < 100; i++)
		post(2, i, DO);
	wait_until(numbers().done == 100);
	wait_until(numbers().given_up == 2 && numbers().alive == 3);
	assert_int_equal(numbers().lost, 2);
	assert_int_equal(numbers().in_doubt, 2);
	for (uint64_t i = 0; i < 100; i++)
		post(3 + i % 5, i / 5, DO);
	wait_until(numbers().done == 200);
	stuck = false;
	wait_until(!numbers().lost);
	end();
}

static void a_worker_that_fails_is_the_pools_affair(void **state)
{
	(void)state;
	begin(&(struct myc_workers_settings){.workers = 2, .retries = 1});
	for (uint64_t i = 0; i < 5; i++)
		post(i, 0, FAIL);
	wait_until(numbers().in_doubt == 5);
	assert_int_equal(numbers().died, 10);
	/* Of workers that do nothing but fail somebody hears, once a place. */
	assert_in_range(complaints, 1, 2);
	post(9, 0, DO);
	wait_until(numbers().done == 1);
	end();
}

static void nobody_reaches_behind_a_workers_state(void **state)
{
	struct myc_worker_numbers n;
	struct myc_state_info info;
	uint8_t bytes[256] = {0};

	(void)state;
	begin(&(struct myc_workers_settings){.workers = 1});
	post(0, 0, DO);
	wait_until(numbers().done == 1);
	assert_int_equal(myc_workers_read_worker(pool, 0, &n), 0);
	assert_int_equal(myc_state_read(system_, n.address, bytes, sizeof(bytes), &info, SECOND),
			 -EACCES);
	for (size_t size = 8; size <= 128; size += 8)
		assert_int_equal(myc_state_replace(system_, n.address, bytes, size, 0, SECOND),
				 -EACCES);
	post(0, 1, DO);
	wait_until(numbers().done == 2);
	end();
}

/* ---- a pool that an actor spawns --------------------------------------------------------------- */

static _Atomic uint64_t workers_begun;

static int worker_begins(struct myc_actor *self)
{
	(void)self;
	workers_begun++;
	return 0;
}

/* There is a thread for one of two workers. The pool is not spawned yet, and that one has begun. */
static void one_has_begun(struct myc_actor *self, void *context,
			  const struct myc_workers_event *event)
{
	(void)self;
	(void)context;
	if (event->kind == MYC_WORKER_NOT_SPAWNED)
		wait_until(workers_begun);
}

static int owner_starts(struct myc_actor *self)
{
	static const struct myc_behaviour early = {
		.name = "early", .started = worker_begins, .message = work};
	const struct myc_workers_opts opts = {.sz = sizeof(opts),
					      .behaviour = &early,
					      .flags = MYC_WORKERS_THREADS,
					      .event = one_has_begun,
					      .settings = {.workers = 2}};

	struct myc_workers *spawned;
	int code = myc_workers_spawn_local(self, &opts, &spawned, NULL);

	if (!code)
		__atomic_store_n(&pool, spawned, __ATOMIC_RELEASE);
	return code;
}

static void workers_that_begin_before_their_pool_is_spawned_tell_it_what_is_done(void **state)
{
	static const struct myc_behaviour owner = {.name = "owner", .started = owner_starts};
	const struct myc_system_opts opts = {.sz = sizeof(opts), .threads = 1};
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &owner};

	(void)state;
	pool = NULL;
	assert_int_equal(myc_system_open(&system_, &opts, NULL), 0);
	assert_int_equal(myc_spawn(system_, &spawn, NULL, NULL), 0);
	assert_int_equal(myc_system_start(system_, NULL), 0);
	wait_until(workers_begun);
	wait_until(__atomic_load_n(&pool, __ATOMIC_ACQUIRE));
	for (int i = 0; i < KEYS; i++)
		next_of[i] = 0;
	post(0, 0, DO);
	post(0, 1, DO);
	wait_until(numbers().done == 2);
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	myc_system_close(system_);
}

/* ---- many at once ------------------------------------------------------------------------------ */

static void *call_often(void *argument)
{
	uint64_t *seed = argument, calls = 1500 / TEST_SHORTER;

	for (uint64_t i = 0; i < calls; i++) {
		struct job job = {.key = test_random(seed) % KEYS, .number = *seed};
		struct myc_answer answer;
		int code = myc_call(system_, myc_workers_address(pool), JOB, &job, sizeof(job),
				    &answer, 20 * SECOND);

		if (code || answer.type != ANSWER || memcmp(answer.payload, &job, sizeof(job)) != 0)
			return (void *)(intptr_t)(code ? code : -EPROTO);
	}
	return NULL;
}

static _Atomic bool reading;

static void *read_often(void *argument)
{
	struct myc_worker_numbers n;
	uint64_t wrong = 0;

	(void)argument;
	while (reading) {
		wrong += !adds_up();
		(void)myc_workers_read_worker(pool, 1, &n);
		sched_yield();
	}
	return (void *)(uintptr_t)wrong;
}

static void callers_resizers_and_readers_at_once(void **state)
{
	pthread_t caller[CALLERS], reader;
	uint64_t seed[CALLERS], chance = test_seed() + 77;
	void *result;

	(void)state;
	begin(&(struct myc_workers_settings){.workers = 2});
	reading = true;
	assert_int_equal(pthread_create(&reader, NULL, read_often, NULL), 0);
	for (int i = 0; i < CALLERS; i++) {
		seed[i] = test_seed() * 31 + (uint64_t)i + 1;
		assert_int_equal(pthread_create(&caller[i], NULL, call_often, &seed[i]), 0);
	}
	for (int i = 0; i < 60; i++) {
		struct myc_workers_settings settings = {
			.workers = 1 + (uint32_t)(test_random(&chance) % 8),
			.ahead = 1 + (uint32_t)(test_random(&chance) % 4),
			.queue = 1 + (uint32_t)(test_random(&chance) % 64),
			.route = (uint32_t)(test_random(&chance) % 5)};

		assert_int_equal(myc_workers_change(pool, &settings), 0);
	}
	for (int i = 0; i < CALLERS; i++) {
		assert_int_equal(pthread_join(caller[i], &result), 0);
		assert_null(result);
	}
	reading = false;
	assert_int_equal(pthread_join(reader, &result), 0);
	assert_null(result);
	assert_int_equal(numbers().accepted, CALLERS * (1500 / TEST_SHORTER));
	wait_until(numbers().done == CALLERS * (1500 / TEST_SHORTER));
	end();
}

struct sender {
	struct myc_ref to;
	uint64_t sent;
};
static _Atomic uint64_t sent;

/* Never looks at what it may send: it is paused. */
static int send_some(struct myc_actor *self, const struct myc_message *message)
{
	struct sender *sender = myc_state(self);
	int code = sender->to.address ? 0 : myc_lookup(self, "pool", &sender->to);

	(void)message;
	for (int i = 0; i < 500 && !code; i++, sender->sent++) {
		const struct job job = {.key = sender->sent % KEYS,
					.number = sender->sent / KEYS,
					.what = sender->sent % 50 ? DO : SLOW};

		code = myc_send(self, &sender->to, JOB, &job, sizeof(job));
	}
	sent = sender->sent;
	return code;
}

static const struct myc_behaviour sender = {
	.name = "sender", .state_size = sizeof(struct sender), .message = send_some};

static void a_sender_that_never_looks_is_paused_and_loses_nothing(void **state)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &sender, .executor = 1};
	myc_address address;
	uint64_t rounds = 16 / TEST_SHORTER;

	(void)state;
	begin(&(struct myc_workers_settings){.workers = 2, .queue = 8, .route = MYC_ROUTE_KEY});
	assert_int_equal(myc_spawn(system_, &spawn, &address, NULL), 0);
	for (uint64_t i = 0; i < rounds; i++) {
		assert_int_equal(myc_post(system_, address, GO, NULL, 0, 20 * SECOND), 0);
		assert_true(numbers().waiting <= 8);
	}
	wait_until(numbers().done == rounds * 500);
	assert_int_equal(sent, rounds * 500);
	assert_int_equal(disorders, 0);
	assert_int_equal(numbers().accepted, rounds * 500);
	end();
}

static void a_phase_ends_when_its_pool_has_finished(void **state)
{
	struct myc_shutdown result;

	(void)state;
	begin(&(struct myc_workers_settings){.workers = 3});
	for (uint64_t i = 0; i < 300; i++)
		post(i % KEYS, i / KEYS, SLOW);
	assert_int_equal(myc_system_shutdown(system_, 10000, &result), 0);
	assert_int_equal(result.killed + result.stuck + result.late, 0);
	assert_int_equal(numbers().state, MYC_WORKERS_ENDED);
	assert_int_equal(numbers().done, 300);
	end();
}

static void a_system_that_stops_finishes_what_is_accepted(void **state)
{
	(void)state;
	begin(&(struct myc_workers_settings){.workers = 3, .route = MYC_ROUTE_LEAST_LOADED});
	for (uint64_t i = 0; i < 300; i++)
		post(i % KEYS, i / KEYS, SLOW);
	end(); /* looks that nothing waits and nothing is in hand */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_stuck_handler_costs_its_executor_and_nobody_elses_work),
		cmocka_unit_test(without_retries_the_stuck_job_is_in_doubt_and_its_caller_told),
		cmocka_unit_test(a_worker_that_fails_is_the_pools_affair),
		cmocka_unit_test(nobody_reaches_behind_a_workers_state),
		cmocka_unit_test(
			workers_that_begin_before_their_pool_is_spawned_tell_it_what_is_done),
		cmocka_unit_test(callers_resizers_and_readers_at_once),
		cmocka_unit_test(a_sender_that_never_looks_is_paused_and_loses_nothing),
		cmocka_unit_test(workers_with_threads_hold_up_only_themselves),
		cmocka_unit_test(a_phase_ends_when_its_pool_has_finished),
		cmocka_unit_test(a_system_that_stops_finishes_what_is_accepted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
