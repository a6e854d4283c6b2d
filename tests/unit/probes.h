/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the tests of actors' lives (links, monitors, stopping) share. A case runs three ways: its actors
 * on one executor, on two, and in two processes of a workspace (played by two systems).
 *
 * Actors are probes: they do what the test posts to them, and write down what comes.
 */
#ifndef TESTS_UNIT_PROBES_H
#define TESTS_UNIT_PROBES_H

#include "common/regions.h"
#include "common/wait.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "core/process.h"

enum place { ONE_EXECUTOR, TWO_EXECUTORS, TWO_PROCESSES };
enum { HERE, THERE };
#define PROBES	 16
#define SEEN_MAX 4096
#define JOB	 7
#define NUMBER	 8
#define SETTLE	 9
#define SECOND	 10000000000ull

/* ---- probes ------------------------------------------------------------------------------------ */

struct seen {
	uint32_t message; /* number, or 0 */
	struct myc_signal_event event;
};

struct probe {
	myc_address address;
	struct myc_system *system;
	struct seen seen[SEEN_MAX];
	uint32_t index;
	_Atomic uint32_t count, settled, messages, events, timers, inits, stopping, stopped;
	_Atomic int result;
	struct myc_monitor monitor[8];
	_Atomic bool done;
	_Atomic bool stuck; /* stays in its handler */
};
static struct probe probe[PROBES];
static uint32_t probes;

struct job {
	int (*run)(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b);
	uint64_t a, b;
};

static inline struct probe *me_of(const struct myc_actor *self)
{
	return &probe[strtoul(myc_setting(self, "probe", "0"), NULL, 10)];
}

static inline void note(struct probe *me, const struct seen *seen)
{
	assert_true(me->count < SEEN_MAX);
	me->seen[me->count] = *seen;
	me->count++;
}

static inline int probe_init(struct myc_actor *self)
{
	me_of(self)->inits++;
	return 0;
}

static inline int probe_message(struct myc_actor *self, const struct myc_message *message)
{
	struct probe *me = me_of(self);
	struct seen seen = {0};
	struct job job;

	if (message->type == JOB) {
		memcpy(&job, message->payload, sizeof(job));
		me->result = job.run(self, me, job.a, job.b);
		me->done = true;
		return me->result == -ECANCELED ? -ECANCELED : 0;
	}
	if (message->type == SETTLE) {
		me->settled++;
		return 0;
	}
	memcpy(&seen.message, message->payload, sizeof(seen.message));
	note(me, &seen);
	me->messages++;
	while (me->stuck)
		sched_yield();
	return 0;
}

static inline int probe_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct probe *me = me_of(self);
	struct seen seen = {.event = *event};

	note(me, &seen);
	me->events++;
	return 0;
}

static inline int probe_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	me_of(self)->timers++;
	return 0;
}

static inline void probe_stopping(struct myc_actor *self)
{
	me_of(self)->stopping++;
}

static inline void probe_stopped(struct myc_actor *self)
{
	me_of(self)->stopped++;
}

static const struct myc_behaviour behaviour = {.name = "probe",
					       .capacity_per_sender = 16,
					       .init = probe_init,
					       .message = probe_message,
					       .timer = probe_timer,
					       .signal = probe_signal,
					       .stopping = probe_stopping,
					       .stopped = probe_stopped};
static const struct myc_behaviour deaf = {
	.name = "deaf", .message = probe_message, .stopped = probe_stopped};

/* ---- worlds ------------------------------------------------------------------------------------ */

static enum place place;
static struct myc_system *systems[2];
static struct myc_region region[2][2];
static _Atomic bool process_lives[2][2]; /* as seen by, of */
static uint64_t incarnation[2];
static uint32_t watches; /* of each executor, 0 = default */
static uint32_t to_grow; /* the same, 0 = none */

static inline bool lives(void *context, uint32_t process)
{
	return process_lives[(uintptr_t)context][process];
}

static const struct myc_executor_opts *executor_opts(void)
{
	static struct myc_executor_opts opts[2];

	for (int i = 0; i < 2; i++)
		opts[i] = (struct myc_executor_opts){
			.core = -1, .idle = MYC_IDLE_SLEEP, .watches = watches};
	return opts;
}

static inline struct myc_system_opts system_opts(void)
{
	return (struct myc_system_opts){.sz = sizeof(struct myc_system_opts),
					.executors = place == TWO_PROCESSES ? 1 : 2,
					.lane_slots = 64,
					.growth = to_grow,
					.executor = executor_opts()};
}

static inline void join(uint32_t process)
{
	struct myc_workspace workspace = {.process = process,
					  .incarnation = ++incarnation[process],
					  .processes = 2,
					  .regions = region[process],
					  .alive = lives,
					  .context = (void *)(uintptr_t)process};
	struct myc_system_opts opts = system_opts();

	assert_int_equal(myc_system_join(&systems[process], &opts, &workspace, NULL), 0);
	for (int i = 0; i < 2; i++)
		process_lives[i][process] = process_lives[process][i] = true;
}

static inline void begin(void **state)
{
	struct myc_system_opts opts;

	place = (enum place)(uintptr_t)*state;
	opts = system_opts();
	memset(probe, 0, sizeof(probe));
	probes = 0;
	if (place != TWO_PROCESSES) {
		assert_int_equal(myc_system_open(&systems[0], &opts, NULL), 0);
		assert_int_equal(myc_system_start(systems[0], NULL), 0);
		systems[1] = systems[0];
		return;
	}
	incarnation[0] = incarnation[1] = 0;
	for (uint32_t i = 0; i < 2; i++)
		regions_plan(region[0], 2, i, &opts, 2);
	for (uint32_t i = 0; i < 2; i++) {
		join(i);
		assert_int_equal(myc_system_start(systems[i], NULL), 0);
	}
}

static inline void end(void)
{
	int systems_count = place == TWO_PROCESSES ? 2 : 1;

	for (int i = 0; i < systems_count; i++) {
		if (!systems[i])
			continue;
		assert_int_equal(myc_system_stop(systems[i], 10000), 0);
		myc_system_close(systems[i]);
	}
	if (place == TWO_PROCESSES)
		regions_unmap(region[0], 2);
	watches = to_grow = 0;
}

/* With what else the options say. */
static inline struct probe *spawn_probe(int where, struct myc_spawn_opts opts)
{
	struct probe *made = &probe[probes];
	char index[8];
	struct myc_setting setting = {.key = "probe", .value = index};

	opts.sz = sizeof(opts);
	opts.executor = place == TWO_EXECUTORS ? (uint32_t)where : 0;
	opts.settings = &setting;
	opts.settings_count = 1;
	assert_true(probes < PROBES);
	made->index = probes++;
	made->system = systems[place == TWO_PROCESSES ? where : 0];
	snprintf(index, sizeof(index), "%u", made->index);
	assert_int_equal(myc_spawn(made->system, &opts, &made->address, NULL), 0);
	return made;
}

static inline struct probe *spawn_as(int where, const struct myc_behaviour *as, const char *name,
				     uint32_t restarts)
{
	return spawn_probe(where, (struct myc_spawn_opts){
					  .behaviour = as, .name = name, .restarts_max = restarts});
}

static inline struct probe *spawn(int where)
{
	return spawn_as(where, &behaviour, NULL, MYC_RESTARTS_NONE);
}

/* Posts the job and waits for its result. */
static inline int let(struct probe *who,
		      int (*run)(struct myc_actor *, struct probe *, uint64_t, uint64_t),
		      uint64_t a, uint64_t b)
{
	struct job job = {.run = run, .a = a, .b = b};

	who->done = false;
	assert_int_equal(myc_post(who->system, who->address, JOB, &job, sizeof(job), SECOND), 0);
	wait_until(who->done);
	return who->result;
}

static inline void number(struct probe *who, uint32_t value)
{
	assert_int_equal(myc_post(who->system, who->address, NUMBER, &value, sizeof(value), SECOND),
			 0);
}

static inline int nothing(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)self;
	(void)me;
	(void)a;
	(void)b;
	return 0;
}

static inline int pass_on(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t value)
{
	struct myc_ref ref;
	uint32_t message = (uint32_t)value;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	return code ? code : myc_send(self, &ref, NUMBER, &message, sizeof(message));
}

static inline int settle_with(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	(void)b;
	return code ? code : myc_send(self, &ref, SETTLE, NULL, 0);
}

/* What either told the other's executor before has come: a message has gone there and back. */
static inline void settle(struct probe *a, struct probe *b)
{
	for (int i = 0; i < 3; i++) {
		uint32_t before = b->settled;

		assert_int_equal(let(a, settle_with, b->address, 0), 0);
		wait_until(b->settled > before);
		before = a->settled;
		assert_int_equal(let(b, settle_with, a->address, 0), 0);
		wait_until(a->settled > before);
	}
}

/* ---- jobs -------------------------------------------------------------------------------------- */

static inline struct myc_exit_reason reason_of(uint64_t packed)
{
	return (struct myc_exit_reason){.kind = (uint32_t)packed, .code = (int32_t)(packed >> 32)};
}
static inline uint64_t reason(uint32_t kind, int32_t code)
{
	return kind | (uint64_t)(uint32_t)code << 32;
}

static inline int watch(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t slot)
{
	return myc_monitor(self, other, 0, &me->monitor[slot]);
}
static inline int watch_through(struct myc_actor *self, struct probe *me, uint64_t other,
				uint64_t slot)
{
	return myc_monitor(self, other, MYC_MONITOR_THROUGH, &me->monitor[slot]);
}
static inline int unwatch(struct myc_actor *self, struct probe *me, uint64_t slot, uint64_t b)
{
	(void)b;
	return myc_demonitor(self, me->monitor[slot]);
}
static inline int watch_and_unwatch(struct myc_actor *self, struct probe *me, uint64_t other,
				    uint64_t b)
{
	(void)b;
	int code = myc_monitor(self, other, 0, &me->monitor[0]);

	return code ? code : myc_demonitor(self, me->monitor[0]);
}
static inline int link_with(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_link(self, other);
}
static inline int unlink_from(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_unlink(self, other);
}
static inline int link_unlink(struct myc_actor *self, struct probe *me, uint64_t other,
			      uint64_t again)
{
	int code = link_with(self, me, other, 0);

	if (!code)
		code = unlink_from(self, me, other, 0);
	return code || !again ? code : myc_link(self, other);
}
static inline int trap(struct myc_actor *self, struct probe *me, uint64_t on, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_trap_exit(self, on);
}
static inline int leave(struct myc_actor *self, struct probe *me, uint64_t packed, uint64_t b)
{
	(void)me;
	(void)b;
	myc_exit(self, reason_of(packed));
	return 0;
}
static inline int stop_self(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)me;
	(void)a;
	(void)b;
	myc_stop(self);
	return 0;
}
static inline int go_wrong(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)self;
	(void)me;
	(void)a;
	(void)b;
	return -ECANCELED;
}
static inline int send_exit(struct myc_actor *self, struct probe *me, uint64_t other,
			    uint64_t packed)
{
	(void)me;
	return myc_exit_send(self, other, reason_of(packed));
}
static inline int send_stop(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t how)
{
	(void)me;
	return myc_stop_send(self, other, (enum myc_stop_how)how);
}
static inline int suspend(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_suspend(self, other);
}
static inline int resume(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_resume(self, other);
}
static inline int tick(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)me;
	(void)a;
	(void)b;
	return myc_timer_start(self, 100000, 100000, 0, NULL);
}
static inline int find(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	struct myc_ref ref;

	(void)me;
	(void)a;
	(void)b;
	return myc_lookup(self, "somebody", &ref);
}
/* `count` messages, then it ends. */
static inline int talk_and_leave(struct myc_actor *self, struct probe *me, uint64_t other,
				 uint64_t count)
{
	for (uint32_t i = 1; i <= count; i++) {
		int code = pass_on(self, me, other, i);

		if (code)
			return code;
	}
	myc_exit(self, reason_of(reason(MYC_EXIT_FAILED, 5)));
	return 0;
}
/* `count` messages, then an exit signal. */
static inline int talk_and_kill(struct myc_actor *self, struct probe *me, uint64_t other,
				uint64_t count)
{
	for (uint32_t i = 1; i <= count; i++) {
		int code = pass_on(self, me, other, i);

		if (code)
			return code;
	}
	return myc_exit_send(self, other, reason_of(reason(MYC_EXIT_USER, 0)));
}

/* ---- suspended ones ---------------------------------------------------------------------------- */

/* Suspended by another. */
static inline void hold(struct probe *by, struct probe *who)
{
	settle(by, who);
	assert_int_equal(let(by, suspend, who->address, 0), 0);
	settle(by, spawn(THERE));
}

/* Told to be suspended, then sent the numbers from 1 to `count`, which it does not handle before it goes on. */
static inline void hold_with(struct probe *by, struct probe *who, uint32_t count)
{
	assert_int_equal(let(by, suspend, who->address, 0), 0);
	for (uint32_t i = 1; i <= count; i++)
		assert_int_equal(let(by, pass_on, who->address, i), 0);
}

/* ---- what is expected -------------------------------------------------------------------------- */

static inline bool down_is(const struct probe *who, uint32_t index, const struct probe *from,
			   uint32_t kind, int32_t code)
{
	const struct myc_signal_event *event = &who->seen[index].event;

	return event->kind == MYC_EVENT_DOWN && event->from == from->address &&
	       event->reason.kind == kind && event->reason.code == code;
}
static inline bool exit_is(const struct probe *who, uint32_t index, const struct probe *from,
			   uint32_t kind, int32_t code, uint32_t flags)
{
	const struct myc_signal_event *event = &who->seen[index].event;

	return event->kind == MYC_EVENT_EXIT && event->from == from->address &&
	       event->reason.kind == kind && event->reason.code == code && event->flags == flags;
}
static inline bool ended(const struct probe *who)
{
	return myc_post_try(who->system, who->address, SETTLE, NULL, 0) == -ESRCH;
}
static inline struct probe *watched_by(struct probe *watcher, int where)
{
	struct probe *made = spawn(where);

	assert_int_equal(let(watcher, watch, made->address, 0), 0);
	settle(watcher, made);
	return made;
}
/* Why one has ended that was stopped so. */
static inline uint32_t end_by(uint32_t how)
{
	return how == MYC_STOP_KILL ? MYC_EXIT_KILLED : MYC_EXIT_SHUTDOWN;
}
/* Its end, as one sees that watches it. */
static inline void expect_end(const struct probe *watcher, const struct probe *who, uint32_t kind,
			      int32_t code)
{
	wait_until(watcher->events >= 1);
	assert_true(down_is(watcher, watcher->count - 1, who, kind, code));
}

/* ---- cases ------------------------------------------------------------------------------------- */

#define CASE(name) static void name(void **state)
#define IN(name, where)                                                         \
	{                                                                       \
#name ", " #where, name, NULL, NULL, (void *)(uintptr_t)(where) \
	}
#define EVERYWHERE(name) IN(name, ONE_EXECUTOR), IN(name, TWO_EXECUTORS), IN(name, TWO_PROCESSES)

static inline int run_cases(const struct CMUnitTest *tests, size_t count)
{
	if (getenv("MYC_CASE")) /* a pattern */
		cmocka_set_test_filter(getenv("MYC_CASE"));
	return _cmocka_run_group_tests("life", tests, count, NULL, NULL);
}

#endif
