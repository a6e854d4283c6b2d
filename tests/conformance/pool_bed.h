/* SPDX-License-Identifier: Apache-2.0 */
/* A pool for cases: what its workers do with a job, which says so itself; errands to the pool; what cases say and ask.
 * The pool is HERE, its workers on the other executors where there are some; who sends may be elsewhere. */
#ifndef TESTS_CONFORMANCE_POOL_BED_H
#define TESTS_CONFORMANCE_POOL_BED_H

#include "conformance/cases.h"

#include <stdio.h>

enum { DO, REPLY_IT, FAIL, KEEP_IT, TRY_BECOME, ECHO_IT, FAIL_THEN_ECHO };
enum { WORKERS = 4 };

/* A job: its number, what is done with it, its key, its priority. */
struct load {
	uint64_t number, what, key, priority;
};

/* Its worker notes it; probes of workers lie behind one another. */
static struct probe *worker_of(const struct myc_actor *self)
{
	return &shared->probe[strtoul(myc_setting(self, "first", "0"), NULL, 10) +
			      strtoul(myc_setting(self, "worker", "0"), NULL, 10)];
}

static int works(struct myc_actor *self, const struct myc_message *message)
{
	struct probe *me = worker_of(self);
	struct load load = {0};
	int code = 0;

	memcpy(&load, message->payload,
	       message->size < sizeof(load) ? message->size : sizeof(load));
	jot(self, me, message);
	if (load.what == REPLY_IT)
		code = myc_reply(self, message, ANSWER, &load.number, 8);
	if ((load.what == FAIL || load.what == FAIL_THEN_ECHO) &&
	    !(message->flags & MYC_MESSAGE_REDELIVERED))
		code = -EIO;
	else if (load.what == ECHO_IT || load.what == FAIL_THEN_ECHO)
		code = myc_reply(self, message, ANSWER, message->payload, message->size);
	if (load.what == KEEP_IT && !(message->flags & MYC_MESSAGE_REDELIVERED))
		code = myc_job_keep(self, (struct myc_job *)&me->kept[load.number % 64]);
	if (load.what == TRY_BECOME) {
		me->word[0] = (uint64_t)myc_become(self, &plain);
		me->word[1] = (uint64_t)myc_stash(self);
	}
	me->messages++;
	return code;
}

static const struct myc_behaviour worker = {
	.name = "worker", .state_size = 64, .capacity_per_sender = 16, .message = works};

static struct myc_workers *pool_; /* of the process of HERE */
static char first_setting[16];

static void hears_of(struct myc_actor *self, void *context, const struct myc_workers_event *event)
{
	(void)self;
	(void)context;
	atomic_fetch_add(&keeper_of(ELSEWHERE)->kept_count, event->kind == MYC_WORKER_HANGS);
	if (event->kind == MYC_WORKER_GIVEN_UP)
		atomic_fetch_add(&keeper_of(ELSEWHERE)->holds, 1);
}

/* At first what cannot be, then one more worker while jobs wait. */
static void adapts(void *context, const struct myc_workers_numbers *n,
		   struct myc_workers_settings *settings)
{
	(void)context;
	uint32_t looks = atomic_fetch_add(&keeper_of(ELSEWHERE)->stoppings, 1);

	if (!looks)
		settings->workers = 99;
	else if (n->waiting > 2 && settings->workers < WORKERS)
		settings->workers++;
}

/* a: settings, first probe, [4] ns between looks of `adapts`; out: intake, control. */
static int do_pool(struct myc_system *system, uint64_t *a)
{
	const struct myc_setting setting = {.key = "first", .value = first_setting};
	const struct myc_workers_opts opts = {
		.sz = sizeof(opts),
		.behaviour = &worker,
		.name = "pool",
		.workers_max = WORKERS,
		.queue_max = 32,
		.key_offset = offsetof(struct load, key),
		.key_size = 8,
		.priorities = 4,
		.priority_offset = offsetof(struct load, priority),
		.capacity_per_sender = 16,
		.worker_settings = &setting,
		.worker_settings_count = 1,
		.event = hears_of,
		.adapt = a[4] ? adapts : NULL,
		.adapt_ns = a[4],
		.settings = *(const struct myc_workers_settings *)(uintptr_t)a[0]};

	snprintf(first_setting, sizeof(first_setting), "%u", (unsigned)a[1]);
	int code = myc_workers_spawn(system, &opts, &pool_, NULL);

	if (!code) {
		a[2] = myc_workers_address(pool_);
		a[3] = myc_workers_control(pool_);
	}
	return code;
}
static int do_numbers(struct myc_system *system, uint64_t *a)
{
	struct myc_workers_numbers n;

	(void)system;
	myc_workers_read(pool_, &n, NULL);
	memcpy(a, &n, ERRAND_WORDS * sizeof(*a)); /* accepted to discarded[] */
	return (int)n.hung;
}
static inline int do_worker(struct myc_system *system, uint64_t *a)
{
	struct myc_worker_numbers n;

	(void)system;
	int code = myc_workers_read_worker(pool_, (uint32_t)a[0], &n);

	a[1] = n.address;
	return code;
}
static inline int do_change(struct myc_system *system, uint64_t *a)
{
	(void)system;
	return myc_workers_change(pool_, (const struct myc_workers_settings *)(uintptr_t)a[0]);
}
static inline int do_check(struct myc_system *system, uint64_t *a)
{
	(void)system;
	return myc_workers_check(pool_, (const struct myc_workers_settings *)(uintptr_t)a[0]);
}
static inline int do_drain(struct myc_system *system, uint64_t *a)
{
	(void)system;
	return myc_workers_drain(pool_, a[0]);
}

/* ---- what cases say ---------------------------------------------------------------------------- */

static struct probe *hand[WORKERS], *intake, *control;

static void adapting_pool(const struct myc_workers_settings *settings, uint64_t adapt_ns)
{
	for (int i = 0; i < WORKERS; i++)
		hand[i] = make(HERE, &plain);
	uint64_t a[ERRAND_WORDS] = {(uintptr_t)settings, hand[0]->index, 0, 0, adapt_ns};

	intake = make(HERE, &plain);
	control = make(HERE, &plain);
	OK(at(HERE, do_pool, a));
	intake->address = a[2];
	control->address = a[3];
	settle();
}

static inline void pool(const struct myc_workers_settings *settings)
{
	adapting_pool(settings, 0);
}

static inline struct myc_workers_numbers numbers(void)
{
	struct myc_workers_numbers n = {0};
	uint64_t a[ERRAND_WORDS] = {0}, sum;

	n.hung = (uint64_t)at(HERE, do_numbers, a);
	memcpy(&n, a, sizeof(a));
	sum = n.waiting + n.in_hand + n.done + n.in_doubt;
	for (int i = 0; i < MYC_DISCARD_REASONS; i++)
		sum += n.discarded[i];
	assert_int_equal(n.accepted, sum); /* at every moment */
	return n;
}

static inline uint32_t done_by(const struct probe *who)
{
	return who->messages;
}
static inline uint32_t handled(void)
{
	uint32_t sum = 0;

	for (int i = 0; i < WORKERS; i++)
		sum += hand[i]->messages;
	return sum;
}

/* Waits until there is one in that place. */
static inline myc_address worker_at(uint32_t place)
{
	uint64_t a[ERRAND_WORDS] = {place};

	UNTIL(at(HERE, do_worker, a) == 0 && a[1] != MYC_NOBODY);
	return a[1];
}

/* A worker that handles nothing until it is let go. */
static inline void hold_worker(uint32_t place, bool on)
{
	if (on) {
		hand[place]->address = worker_at(place);
		OK(suspend(keeper_of(HERE), hand[place]));
	} else {
		(void)resume(keeper_of(HERE), hand[place]); /* it may have left */
	}
	settle();
}

static inline int job_load(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const struct load load = {a[1], a[2] & 0xff, a[2] >> 8 & 0xff, a[2] >> 16 & 0xff};
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	return code	   ? code
	       : a[3] == 1 ? myc_ask(self, &ref, NUMBER, &load, sizeof(load), LONG, a[1], NULL)
	       : a[3] == 2 ? myc_try_send(self, &ref, OTHER, &load, sizeof(load))
			   : myc_send(self, &ref, OTHER, &load, sizeof(load));
}
static inline int put(struct probe *from, uint64_t number, uint64_t what, uint64_t key,
		      uint64_t priority)
{
	return let(from, job_load, intake->address, number, what | key << 8 | priority << 16, 0);
}
static inline int put_ask(struct probe *from, uint64_t number, uint64_t what)
{
	return let(from, job_load, intake->address, number, what, 1);
}

#endif
