/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pools of workers in a test kit: four executors, the pool on the first, its workers on the others. A job's
 * payload says what its worker does with it; who had it is written down.
 */
#ifndef TESTS_UNIT_WORKERS_BED_H
#define TESTS_UNIT_WORKERS_BED_H

#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#define MS	  1000000ull
#define JOBS_MAX  20000
#define EXECUTORS 4

enum { JOB = 1, ANSWER, FINISH, GO };
enum what { DO = 0, KEEP, FAIL, FAIL_ONCE, STOP, REPLY, KILL_SELF };

struct job {
	uint64_t key, id;
	uint8_t priority, what;
};

/* What happened to the job with this id. */
struct told {
	uint32_t begun, discarded, reason, worker, tries, order, again;
	myc_address from;
};

static struct myc_testkit *kit;
static struct myc_workers *pool;
static struct told told[JOBS_MAX];
static struct myc_job kept[JOBS_MAX];
static uint32_t order, kept_count, events[8], discards;
static struct myc_workers_opts opts;
static int job_code; /* of a call in a worker */
static uint32_t bed_loans, bed_watches;

struct worker {
	uint64_t jobs;
};

static inline int worker_message(struct myc_actor *self, const struct myc_message *message)
{
	struct worker *worker = myc_state(self);
	struct job job;

	if (message->type != JOB)
		return 0;
	memcpy(&job, message->payload, sizeof(job));
	struct told *about = &told[job.id];

	worker->jobs++;
	about->begun++;
	about->order = ++order;
	about->from = message->from;
	about->again += message->flags & MYC_MESSAGE_REDELIVERED;
	about->worker = (uint32_t)strtoul(myc_setting(self, "worker", "99"), NULL, 10);
	switch (job.what) {
	case KEEP:
		job_code = myc_job_keep(self, &kept[kept_count++]);
		return 0;
	case FAIL:
		return -EIO;
	case FAIL_ONCE:
		return about->begun == 1 ? -EIO : 0;
	case STOP:
		myc_stop(self);
		return 0;
	case REPLY:
		return myc_reply(self, message, ANSWER, &job.id, sizeof(job.id));
	case KILL_SELF:
		return myc_exit_send(self, myc_self(self),
				     (struct myc_exit_reason){.kind = MYC_EXIT_KILL});
	default:
		return 0;
	}
}

static const struct myc_behaviour worker_behaviour = {
	.name = "worker", .state_size = sizeof(struct worker), .message = worker_message};

/* Finishes kept jobs, from outside of their workers. */
static inline int finisher_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t index;

	memcpy(&index, message->payload, sizeof(index));
	job_code = myc_job_done(self, &kept[index]);
	return 0;
}

static const struct myc_behaviour finisher = {.name = "finisher", .message = finisher_message};
static myc_address finisher_address;

static inline void on_discard(struct myc_actor *self, void *context,
			      const struct myc_discarded *discarded)
{
	struct job job;

	assert_non_null(self);
	assert_ptr_equal(context, &opts);
	memcpy(&job, discarded->payload, sizeof(job));
	assert_true(job.id < JOBS_MAX);
	told[job.id].discarded++;
	told[job.id].reason = discarded->reason;
	told[job.id].tries = discarded->tries;
	discards++;
}

static inline void on_event(struct myc_actor *self, void *context,
			    const struct myc_workers_event *event)
{
	assert_non_null(self);
	assert_ptr_equal(context, &opts);
	events[event->kind]++;
}

static inline void bed_open(uint64_t seed, const struct myc_workers_settings *settings)
{
	static struct myc_executor_opts executor[EXECUTORS];
	static struct myc_system_opts system;
	struct myc_testkit_opts with = {.sz = sizeof(with), .seed = seed, .system = &system};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &finisher};

	executor[0].watches = bed_watches;
	system = (struct myc_system_opts){.sz = sizeof(system),
					  .executors = EXECUTORS,
					  .loans = bed_loans,
					  .executor = executor};
	memset(told, 0, sizeof(told));
	memset(events, 0, sizeof(events));
	order = kept_count = discards = 0;
	assert_int_equal(myc_testkit_open(&kit, &with, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &finisher_address), 0);
	opts = (struct myc_workers_opts){.sz = sizeof(opts),
					 .behaviour = &worker_behaviour,
					 .name = "pool",
					 .key_size = 8,
					 .priorities = 5,
					 .priority_offset = offsetof(struct job, priority),
					 .settings = *settings,
					 .context = &opts,
					 .discarded = on_discard,
					 .event = on_event};
}

static inline void settle(void)
{
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
}

static inline void pool_open(void)
{
	struct myc_error error;

	if (myc_workers_spawn(myc_testkit_system(kit, 0), &opts, &pool, &error))
		fail_msg("%s: %s", error.doing, error.cause);
	settle();
}

static inline void bed(uint64_t seed, const struct myc_workers_settings *settings)
{
	bed_open(seed, settings);
	pool_open();
}

static inline struct myc_workers_numbers numbers(void)
{
	struct myc_workers_numbers n;

	myc_workers_read(pool, &n, NULL);
	return n;
}

/* At every moment. */
static inline void adds_up(void)
{
	struct myc_workers_numbers n = numbers();
	uint64_t sum = n.waiting + n.in_hand + n.done + n.in_doubt;

	for (int i = 0; i < MYC_DISCARD_REASONS; i++)
		sum += n.discarded[i];
	if (sum != n.accepted)
		fail_msg("accepted %llu, the sum is %llu", (unsigned long long)n.accepted,
			 (unsigned long long)sum);
}

static inline void post(struct job job)
{
	assert_int_equal(myc_testkit_post(kit, myc_workers_address(pool), JOB, &job, sizeof(job)),
			 0);
}

static inline void put(uint64_t id, uint64_t key, enum what what)
{
	post((struct job){.id = id, .key = key, .what = (uint8_t)what});
}

static inline void finish(uint32_t index)
{
	assert_int_equal(myc_testkit_post(kit, finisher_address, FINISH, &index, sizeof(index)), 0);
	settle();
}

static inline void change(const struct myc_workers_settings *settings)
{
	assert_int_equal(myc_workers_change(pool, settings), 0);
	settle();
}

static inline struct myc_workers_settings settings_now(void)
{
	struct myc_workers_settings settings;

	myc_workers_read(pool, NULL, &settings);
	return settings;
}

static inline void pass(uint64_t ns)
{
	assert_int_equal(myc_testkit_advance(kit, ns), 0);
}

static inline struct myc_worker_numbers place(uint32_t index)
{
	struct myc_worker_numbers n;

	assert_int_equal(myc_workers_read_worker(pool, index, &n), 0);
	return n;
}

static inline void bed_close(void)
{
	adds_up();
	myc_testkit_close(kit);
}

#endif
