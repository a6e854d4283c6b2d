/* SPDX-License-Identifier: Apache-2.0 */
/* What comes to a worker beside its jobs: a hook may end the job that it kept, and one that fails is the pool's affair. */
#include "common/regions.h"
#include "common/wait.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include <mycelium/abi/lane.h>
#include <mycelium/mycelium.h>

#define LONG_NS 10000000000ull
#define LATE_NS 2000000ull

enum { JOB = 1, WORD };
enum hook { TIMER, IO, WORKED, UNDELIVERED, REPLY, HOOKS };

struct job {
	uint32_t hook, fails;
	myc_address other;
};

struct worker {
	struct myc_job kept;
	struct job job;
};

static struct myc_region own;
static struct myc_system *system_;
static struct myc_workers *pool;
static myc_address deaf, mute; /* suspended; never answers */
static _Atomic uint32_t called[HOOKS], failed, events;
static _Atomic int reason;

/* ---- the worker ---------------------------------------------------------------------------------- */

static int64_t work(void *argument)
{
	(void)argument;
	return 7;
}

static int waits_for_io(struct myc_actor *self)
{
	int ends[2];
	ssize_t written;

	if (pipe(ends))
		return -errno;
	written = write(ends[1], "x", 1);
	close(ends[1]);
	return written == 1 ? myc_fd_watch(self, ends[0], MYC_FD_READ | MYC_FD_CLOSE, IO, NULL)
			    : -EIO;
}

/* More than it has credit for. */
static int sends_in_vain(struct myc_actor *self, myc_address other)
{
	struct myc_ref ref;
	int code = myc_resolve(self, other, &ref);

	for (int i = 0; i < 8 && !code; i++)
		code = myc_send_within(self, &ref, WORD, &i, sizeof(i), LATE_NS);
	return code;
}

static int asks_in_vain(struct myc_actor *self, myc_address other)
{
	struct myc_ref ref;
	int code = myc_resolve(self, other, &ref);

	return code ? code : myc_ask(self, &ref, WORD, NULL, 0, LATE_NS, REPLY, NULL);
}

static int on_message(struct myc_actor *self, const struct myc_message *message)
{
	struct worker *worker = myc_state(self);

	if (message->type != JOB)
		return 0;
	memcpy(&worker->job, message->payload, sizeof(worker->job));
	int code = myc_job_keep(self, &worker->kept);

	if (code)
		return code;
	switch (worker->job.hook) {
	case TIMER:
		return myc_timer_set(self, TIMER, LATE_NS, 0);
	case IO:
		return waits_for_io(self);
	case WORKED:
		return myc_work(self, &(struct myc_outside_work){.run = work, .cookie = WORKED});
	case UNDELIVERED:
		return sends_in_vain(self, worker->job.other);
	default:
		return asks_in_vain(self, worker->job.other);
	}
}

static int ends_job(struct myc_actor *self, enum hook hook)
{
	struct worker *worker = myc_state(self);
	struct myc_job kept = worker->kept;

	called[hook]++;
	if (worker->job.fails)
		return -EIO;
	if (!kept.done.correlation) /* it had been told before */
		return 0;
	worker->kept = (struct myc_job){0};
	return myc_job_done(self, &kept);
}

static int on_timer(struct myc_actor *self, uint64_t cookie)
{
	return ends_job(self, (enum hook)cookie);
}

static int on_io(struct myc_actor *self, const struct myc_io_event *event)
{
	(void)myc_fd_unwatch(self, event->watch);
	return ends_job(self, (enum hook)event->cookie);
}

static int on_worked(struct myc_actor *self, const struct myc_worked *done)
{
	return done->result == 7 ? ends_job(self, (enum hook)done->cookie) : -EPROTO;
}

static int on_undelivered(struct myc_actor *self, const struct myc_undelivered *what)
{
	return what->why == MYC_DEAD_LETTER_EXPIRED ? ends_job(self, UNDELIVERED) : -EPROTO;
}

static int on_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	return reply->status == -ETIMEDOUT ? ends_job(self, (enum hook)reply->cookie) : -EPROTO;
}

static const struct myc_behaviour worker = {.name = "worker",
					    .state_size = sizeof(struct worker),
					    .message = on_message,
					    .timer = on_timer,
					    .io = on_io,
					    .worked = on_worked,
					    .undelivered = on_undelivered,
					    .reply = on_reply};
static const struct myc_behaviour wall = {
	.name = "wall", .mailbox_capacity = 1, .capacity_per_sender = 1};

/* ---- the pool ------------------------------------------------------------------------------------ */

static void on_failed(void *context, myc_address actor, int code, bool watched)
{
	(void)context;
	(void)code;
	(void)watched;
	failed += actor != MYC_NOBODY;
}

static void on_event(struct myc_actor *self, void *context, const struct myc_workers_event *event)
{
	(void)self;
	(void)context;
	reason = event->kind == MYC_WORKER_DIED ? (int)event->reason : -1;
	events++;
}

static void open_pool(void)
{
	static const struct myc_executor_opts executor[2] = {{.core = -1}, {.core = -1}};
	const struct myc_system_opts opts = {
		.sz = sizeof(opts), .executors = 2, .executor = executor};
	const struct myc_workspace workspace = {
		.incarnation = 1, .processes = 1, .regions = &own, .failed = on_failed};
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &wall};
	const struct myc_workers_opts with = {.sz = sizeof(with),
					      .behaviour = &worker,
					      .event = on_event,
					      .settings = {.workers = 1}};

	memset((void *)called, 0, sizeof(called));
	failed = events = 0;
	regions_plan(&own, 1, 0, &opts, 2);
	assert_int_equal(myc_system_join(&system_, &opts, &workspace, NULL), 0);
	assert_int_equal(myc_spawn(system_, &spawn, &deaf, NULL), 0);
	assert_int_equal(myc_spawn(system_, &spawn, &mute, NULL), 0);
	assert_int_equal(myc_workers_spawn(system_, &with, &pool, NULL), 0);
	assert_int_equal(myc_system_start(system_, NULL), 0);
	wait_until(!myc_actor_suspend(system_, deaf));
}

static void close_pool(void)
{
	assert_int_equal(myc_actor_stop(system_, deaf, MYC_STOP_KILL, LONG_NS), 0);
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	myc_system_close(system_);
	myc_region_unmap(&own);
}

static struct myc_workers_numbers numbers(void)
{
	struct myc_workers_numbers n;

	myc_workers_read(pool, &n, NULL);
	return n;
}

static void put(enum hook hook, bool fails)
{
	const struct job job = {.hook = hook, .fails = fails, .other = hook == REPLY ? mute : deaf};

	assert_int_equal(
		myc_post(system_, myc_workers_address(pool), JOB, &job, sizeof(job), LONG_NS), 0);
}

/* ---- cases --------------------------------------------------------------------------------------- */

static void each_hook_can_end_the_job_that_was_kept(void **state)
{
	(void)state;
	open_pool();
	for (uint32_t hook = 0; hook < HOOKS; hook++) {
		put((enum hook)hook, false);
		wait_until(numbers().done == hook + 1);
		assert_true(called[hook]);
	}
	assert_int_equal(numbers().died, 0);
	assert_int_equal(failed, 0);
	close_pool();
}

static void one_that_fails_is_replaced_and_its_process_is_not_told(void **state)
{
	(void)state;
	open_pool();
	for (uint32_t hook = 0; hook < HOOKS; hook++) {
		put((enum hook)hook, true);
		wait_until(numbers().in_doubt == hook + 1);
		wait_until(events == hook + 1);
		assert_int_equal(called[hook], 1);
		assert_int_equal(reason, MYC_EXIT_FAILED);
		/* The next one works. */
		put(TIMER, false);
		wait_until(numbers().done == hook + 1);
		assert_int_equal(numbers().died, hook + 1);
		if (failed)
			fail_msg("its process would end for hook %u", hook);
		called[TIMER] = 0;
	}
	close_pool();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_hook_can_end_the_job_that_was_kept),
		cmocka_unit_test(one_that_fails_is_replaced_and_its_process_is_not_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
