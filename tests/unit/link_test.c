/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links, monitors, exit signals, stopping and suspending: a case for each rule. Each runs three ways: its
 * actors on one executor, on two, and in two processes of a workspace (played by two systems).
 *
 * Actors are probes: they do what the test posts to them, and write down what comes.
 */
#include "common/test.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "core/process.h"

#define wait_until(condition)                                                 \
	do {                                                                  \
		struct timespec nap_ = {.tv_nsec = 50000};                    \
		bool held_ = false;                                           \
		for (int i_ = 0; i_ < 200000 && !(held_ = (condition)); i_++) \
			nanosleep(&nap_, NULL);                               \
		assert_true(held_);                                           \
	} while (0)

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
	uint32_t index;
	_Atomic uint32_t count, settled, messages, events, timers, inits, stopping, stopped;
	struct seen seen[SEEN_MAX];
	_Atomic int result;
	_Atomic bool done;
	struct myc_monitor monitor[8];
	_Atomic bool stuck; /* stays in its handler */
};
static struct probe probe[PROBES];
static uint32_t probes;

struct job {
	int (*run)(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b);
	uint64_t a, b;
};

static struct probe *me_of(const struct myc_actor *self)
{
	return &probe[strtoul(myc_setting(self, "probe", "0"), NULL, 10)];
}

static void note(struct probe *me, const struct seen *seen)
{
	assert_true(me->count < SEEN_MAX);
	me->seen[me->count] = *seen;
	me->count++;
}

static int probe_init(struct myc_actor *self)
{
	me_of(self)->inits++;
	return 0;
}

static int probe_message(struct myc_actor *self, const struct myc_message *message)
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

static int probe_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct probe *me = me_of(self);
	struct seen seen = {.event = *event};

	note(me, &seen);
	me->events++;
	return 0;
}

static int probe_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	me_of(self)->timers++;
	return 0;
}

static void probe_stopping(struct myc_actor *self)
{
	me_of(self)->stopping++;
}

static void probe_stopped(struct myc_actor *self)
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

static bool lives(void *context, uint32_t process)
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

static struct myc_system_opts system_opts(void)
{
	return (struct myc_system_opts){.sz = sizeof(struct myc_system_opts),
					.executors = place == TWO_PROCESSES ? 1 : 2,
					.lane_slots = 64,
					.executor = executor_opts()};
}

static void join(uint32_t process)
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

static void begin(void **state)
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
	for (uint32_t i = 0; i < 2; i++) {
		struct myc_region_plan plan = {0};

		assert_int_equal(myc_system_plan(&plan, &opts, 2, 2), 0);
		int fd = myc_region_create("link", &plan, NULL);
		assert_true(fd >= 0);
		for (uint32_t j = 0; j < 2; j++)
			assert_int_equal(
				myc_region_map(&region[j][i], fd,
					       i == j ? MYC_REGION_OWNER : MYC_REGION_READER, NULL),
				0);
		close(fd);
	}
	for (uint32_t i = 0; i < 2; i++) {
		join(i);
		assert_int_equal(myc_system_start(systems[i], NULL), 0);
	}
}

static void end(void)
{
	int systems_count = place == TWO_PROCESSES ? 2 : 1;

	for (int i = 0; i < systems_count; i++) {
		if (!systems[i])
			continue;
		assert_int_equal(myc_system_stop(systems[i], 10000), 0);
		myc_system_close(systems[i]);
	}
	for (uint32_t i = 0; place == TWO_PROCESSES && i < 4; i++)
		myc_region_unmap(&region[i / 2][i % 2]);
	watches = 0;
}

static struct probe *spawn_as(int where, const struct myc_behaviour *as, const char *name,
			      uint32_t restarts)
{
	struct probe *made = &probe[probes];
	char index[8];
	struct myc_setting setting = {.key = "probe", .value = index};
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = as,
				      .name = name,
				      .executor = place == TWO_EXECUTORS ? (uint32_t)where : 0,
				      .settings = &setting,
				      .settings_count = 1,
				      .restarts_max = restarts};

	assert_true(probes < PROBES);
	made->index = probes++;
	made->system = systems[place == TWO_PROCESSES ? where : 0];
	snprintf(index, sizeof(index), "%u", made->index);
	assert_int_equal(myc_spawn(made->system, &opts, &made->address, NULL), 0);
	return made;
}

static struct probe *spawn(int where)
{
	return spawn_as(where, &behaviour, NULL, MYC_RESTARTS_NONE);
}

/* Posts the job and waits for its result. */
static int let(struct probe *who,
	       int (*run)(struct myc_actor *, struct probe *, uint64_t, uint64_t), uint64_t a,
	       uint64_t b)
{
	struct job job = {.run = run, .a = a, .b = b};

	who->done = false;
	assert_int_equal(myc_post(who->system, who->address, JOB, &job, sizeof(job), SECOND), 0);
	wait_until(who->done);
	return who->result;
}

static void number(struct probe *who, uint32_t value)
{
	assert_int_equal(myc_post(who->system, who->address, NUMBER, &value, sizeof(value), SECOND),
			 0);
}

static int nothing(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)self;
	(void)me;
	(void)a;
	(void)b;
	return 0;
}

static int pass_on(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t value)
{
	struct myc_ref ref;
	uint32_t message = (uint32_t)value;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	return code ? code : myc_send(self, &ref, NUMBER, &message, sizeof(message));
}

static int settle_with(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	(void)b;
	return code ? code : myc_send(self, &ref, SETTLE, NULL, 0);
}

/* What either told the other's executor before has come: a message has gone there and back. */
static void settle(struct probe *a, struct probe *b)
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

static struct myc_exit_reason reason_of(uint64_t packed)
{
	return (struct myc_exit_reason){.kind = (uint32_t)packed, .code = (int32_t)(packed >> 32)};
}
static uint64_t reason(uint32_t kind, int32_t code)
{
	return kind | (uint64_t)(uint32_t)code << 32;
}

static int watch(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t slot)
{
	return myc_monitor(self, other, 0, &me->monitor[slot]);
}
static int watch_through(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t slot)
{
	return myc_monitor(self, other, MYC_MONITOR_THROUGH, &me->monitor[slot]);
}
static int unwatch(struct myc_actor *self, struct probe *me, uint64_t slot, uint64_t b)
{
	(void)b;
	return myc_demonitor(self, me->monitor[slot]);
}
static int watch_and_unwatch(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	(void)b;
	int code = myc_monitor(self, other, 0, &me->monitor[0]);

	return code ? code : myc_demonitor(self, me->monitor[0]);
}
static int link_with(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_link(self, other);
}
static int unlink_from(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_unlink(self, other);
}
static int link_unlink(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t again)
{
	int code = link_with(self, me, other, 0);

	if (!code)
		code = unlink_from(self, me, other, 0);
	return code || !again ? code : myc_link(self, other);
}
static int trap(struct myc_actor *self, struct probe *me, uint64_t on, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_trap_exit(self, on);
}
static int leave(struct myc_actor *self, struct probe *me, uint64_t packed, uint64_t b)
{
	(void)me;
	(void)b;
	myc_exit(self, reason_of(packed));
	return 0;
}
static int stop_self(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)me;
	(void)a;
	(void)b;
	myc_stop(self);
	return 0;
}
static int go_wrong(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)self;
	(void)me;
	(void)a;
	(void)b;
	return -ECANCELED;
}
static int send_exit(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t packed)
{
	(void)me;
	return myc_exit_send(self, other, reason_of(packed));
}
static int send_stop(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t how)
{
	(void)me;
	return myc_stop_send(self, other, (enum myc_stop_how)how);
}
static int suspend(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_suspend(self, other);
}
static int resume(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_resume(self, other);
}
static int tick(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)me;
	(void)a;
	(void)b;
	return myc_timer_start(self, 100000, 100000, 0, NULL);
}
static int find(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	struct myc_ref ref;

	(void)me;
	(void)a;
	(void)b;
	return myc_lookup(self, "somebody", &ref);
}
/* `count` messages, then it ends. */
static int talk_and_leave(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t count)
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
static int talk_and_kill(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t count)
{
	for (uint32_t i = 1; i <= count; i++) {
		int code = pass_on(self, me, other, i);

		if (code)
			return code;
	}
	return myc_exit_send(self, other, reason_of(reason(MYC_EXIT_USER, 0)));
}

/* ---- what is expected -------------------------------------------------------------------------- */

static bool down_is(const struct probe *who, uint32_t index, const struct probe *from,
		    uint32_t kind, int32_t code)
{
	const struct myc_signal_event *event = &who->seen[index].event;

	return event->kind == MYC_EVENT_DOWN && event->from == from->address &&
	       event->reason.kind == kind && event->reason.code == code;
}
static bool exit_is(const struct probe *who, uint32_t index, const struct probe *from,
		    uint32_t kind, int32_t code, uint32_t flags)
{
	const struct myc_signal_event *event = &who->seen[index].event;

	return event->kind == MYC_EVENT_EXIT && event->from == from->address &&
	       event->reason.kind == kind && event->reason.code == code && event->flags == flags;
}
static bool ended(const struct probe *who)
{
	return myc_post_try(who->system, who->address, SETTLE, NULL, 0) == -ESRCH;
}
static struct probe *watched_by(struct probe *watcher, int where)
{
	struct probe *made = spawn(where);

	assert_int_equal(let(watcher, watch, made->address, 0), 0);
	settle(watcher, made);
	return made;
}
/* Its end, as one sees that watches it. */
static void expect_end(const struct probe *watcher, const struct probe *who, uint32_t kind,
		       int32_t code)
{
	wait_until(watcher->events >= 1);
	assert_true(down_is(watcher, watcher->count - 1, who, kind, code));
}

#define CASE(name) static void name(void **state)

/* ---- monitors ---------------------------------------------------------------------------------- */

CASE(a_monitor_tells_the_reason_of_the_end)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);

	let(dying, leave, reason(MYC_EXIT_FAILED, -7), 0);
	expect_end(watcher, dying, MYC_EXIT_FAILED, -7);
	assert_int_equal(watcher->seen[0].event.monitor.index, watcher->monitor[0].index);
	assert_int_equal(watcher->seen[0].event.monitor.generation, watcher->monitor[0].generation);
	end();
}

CASE(each_monitor_is_told_once)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = spawn(THERE), *other = spawn(THERE);
	uint32_t told = 0;

	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(let(watcher, watch, dying->address, i), 0);
	settle(watcher, dying);
	let(dying, leave, reason(MYC_EXIT_USER, 1), 0);
	wait_until(watcher->events == 4);
	settle(watcher, other);
	assert_int_equal(watcher->events, 4);
	for (uint32_t i = 0; i < 4; i++)
		for (uint32_t j = 0; j < 4; j++)
			told += watcher->seen[i].event.monitor.index == watcher->monitor[j].index;
	assert_int_equal(told, 4);
	end();
}

CASE(a_monitor_of_one_that_has_ended_is_noproc)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = spawn(THERE);

	let(dying, leave, 0, 0);
	wait_until(ended(dying));
	settle(watcher, spawn(THERE));
	assert_int_equal(let(watcher, watch, dying->address, 0), 0);
	expect_end(watcher, dying, MYC_EXIT_NOPROC, 0);
	end();
}

CASE(a_monitor_of_one_that_never_was_is_noproc)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *never = &probe[PROBES - 1];

	never->address = myc_address_make(0, 0, 500, 9);
	assert_int_equal(let(watcher, watch, never->address, 0), 0);
	expect_end(watcher, never, MYC_EXIT_NOPROC, 0);
	end();
}

CASE(a_monitor_in_a_node_or_process_that_is_not_there_is_noconnection)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *never = &probe[PROBES - 1];

	never->address = myc_address_make(0, 7, 3, 1);
	assert_int_equal(let(watcher, watch, never->address, 0), 0);
	expect_end(watcher, never, MYC_EXIT_NOCONNECTION, 0);
	never->address = myc_address_make(1, 0, 3, 1);
	assert_int_equal(let(watcher, watch, never->address, 0), 0);
	wait_until(watcher->events == 2);
	expect_end(watcher, never, MYC_EXIT_NOCONNECTION, 0);
	end();
}

CASE(a_cancelled_monitor_tells_nothing)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);
	struct probe *other = spawn(THERE);

	assert_int_equal(let(watcher, watch, dying->address, 1), 0);
	assert_int_equal(let(watcher, unwatch, 0, 0), 0);
	assert_int_equal(let(watcher, unwatch, 0, 0), -ENOENT);
	let(dying, leave, 0, 0);
	wait_until(watcher->events == 1);
	settle(watcher, other);
	assert_int_equal(watcher->events, 1);
	assert_int_equal(watcher->seen[0].event.monitor.index, watcher->monitor[1].index);
	end();
}

CASE(cancelling_flushes_a_down_that_is_due)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);

	assert_int_equal(let(watcher, watch_and_unwatch, myc_address_make(0, 0, 500, 9), 0), 0);
	settle(watcher, other);
	assert_int_equal(watcher->events, 0);
	end();
}

CASE(a_told_monitor_cannot_be_cancelled)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);

	let(dying, leave, 0, 0);
	expect_end(watcher, dying, MYC_EXIT_NORMAL, 0);
	assert_int_equal(let(watcher, unwatch, 0, 0), -ENOENT);
	end();
}

CASE(monitors_are_one_way)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *watched = watched_by(watcher, THERE);

	let(watcher, leave, reason(MYC_EXIT_FAILED, 1), 0);
	wait_until(ended(watcher));
	settle(watched, spawn(HERE));
	assert_int_equal(watched->events, 0);
	assert_false(ended(watched));
	end();
}

CASE(a_monitor_of_oneself_or_without_a_handler_is_refused)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);
	struct probe *unable = spawn_as(HERE, &deaf, NULL, MYC_RESTARTS_NONE);

	assert_int_equal(let(watcher, watch, watcher->address, 0), -EINVAL);
	assert_int_equal(let(unable, watch, other->address, 0), -EINVAL);
	assert_int_equal(let(unable, trap, true, 0), -EINVAL);
	end();
}

CASE(a_full_table_refuses_monitors_and_loses_none)
{
	watches = 3;
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = spawn(THERE);

	for (uint64_t i = 0; i < 3; i++)
		assert_int_equal(let(watcher, watch, dying->address, i), 0);
	assert_int_equal(let(watcher, watch, dying->address, 3), -ENOSPC);
	assert_int_equal(let(watcher, link_with, dying->address, 3), -ENOSPC);
	assert_int_equal(let(watcher, unwatch, 1, 0), 0);
	assert_int_equal(let(watcher, watch, dying->address, 1), 0);
	settle(watcher, dying);
	let(dying, leave, 0, 0);
	wait_until(watcher->events == 3);
	assert_int_equal(let(watcher, watch, dying->address, 1), 0);
	wait_until(watcher->events == 4);
	end();
}

/* ---- links ------------------------------------------------------------------------------------- */

CASE(a_linked_actor_dies_with_the_reason_and_passes_it_on)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = spawn(THERE), *b = spawn(HERE), *c = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	assert_int_equal(let(b, link_with, c->address, 0), 0);
	assert_int_equal(let(watcher, watch, c->address, 0), 0);
	settle(watcher, c);
	settle(a, b);
	settle(b, c);
	let(a, leave, reason(MYC_EXIT_FAILED, 42), 0);
	expect_end(watcher, c, MYC_EXIT_FAILED, 42);
	assert_true(ended(b));
	assert_int_equal(b->stopped, 1);
	assert_int_equal(b->events, 0);
	end();
}

CASE(links_work_both_ways)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = watched_by(watcher, HERE), *b = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_FAILED, 3), 0);
	expect_end(watcher, a, MYC_EXIT_FAILED, 3);
	end();
}

static void one_exit(struct probe *a, struct probe *b)
{
	struct probe *other = spawn(THERE);

	settle(a, b);
	let(b, leave, reason(MYC_EXIT_FAILED, 3), 0);
	wait_until(a->events >= 1);
	settle(a, other);
	assert_int_equal(a->events, 1);
}

CASE(there_is_one_link_a_pair)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(let(a, link_with, b->address, 0), 0);
	one_exit(a, b);
	end();
}

CASE(linking_from_both_sides_is_one_link)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	assert_int_equal(let(b, link_with, a->address, 0), 0);
	one_exit(a, b);
	end();
}

CASE(a_normal_exit_is_ignored_by_who_does_not_trap)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE), *other = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_NORMAL, 0), 0);
	wait_until(ended(b));
	settle(a, other);
	assert_false(ended(a));
	assert_int_equal(a->events, 0);
	end();
}

CASE(a_trapping_actor_gets_an_exit_event_even_for_normal)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE), *other = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_NORMAL, 0), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, a->count - 1, b, MYC_EXIT_NORMAL, 0, MYC_EVENT_LINK));
	settle(a, other);
	assert_false(ended(a));
	end();
}

CASE(who_traps_no_more_dies_again)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = watched_by(watcher, HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	let(a, trap, false, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_FAULT, 11), 0);
	expect_end(watcher, a, MYC_EXIT_FAULT, 11);
	end();
}

static void no_exit(struct probe *a, struct probe *b)
{
	struct probe *other = spawn(THERE);

	let(b, leave, reason(MYC_EXIT_FAILED, 3), 0);
	wait_until(ended(b));
	settle(a, other);
	assert_false(ended(a));
	assert_int_equal(a->events, 0);
}

CASE(no_exit_signal_comes_after_unlinking)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	assert_int_equal(let(a, unlink_from, b->address, 0), 0);
	assert_int_equal(let(a, unlink_from, b->address, 0), -ENOENT);
	no_exit(a, b);
	end();
}

CASE(the_other_side_can_unlink_too)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	assert_int_equal(let(b, unlink_from, a->address, 0), 0);
	settle(a, b);
	assert_int_equal(let(a, unlink_from, b->address, 0), -ENOENT);
	no_exit(a, b);
	end();
}

CASE(unlinking_spares_the_other_side_as_well)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	assert_int_equal(let(b, link_unlink, a->address, 0), 0);
	settle(a, b);
	no_exit(a, b);
	end();
}

CASE(linking_again_after_unlinking_links)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(a, link_unlink, b->address, true), 0);
	one_exit(a, b);
	end();
}

/* Each a burst of link, unlink and link again, both at once: whatever the order, both ends agree. */
CASE(crossing_links_and_unlinks_leave_both_sides_agreed)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (int i = 0; i < 300; i++) {
		struct job job_a = {.run = link_unlink, .a = b->address, .b = (uint64_t)i & 1};
		struct job job_b = {.run = link_unlink, .a = a->address, .b = (uint64_t)i & 2};

		a->done = b->done = false;
		assert_int_equal(
			myc_post(a->system, a->address, JOB, &job_a, sizeof(job_a), SECOND), 0);
		assert_int_equal(
			myc_post(b->system, b->address, JOB, &job_b, sizeof(job_b), SECOND), 0);
		wait_until(a->done && b->done);
		settle(a, b);
		/* Both ends have an entry, or neither: unlinking tells. */
		int at_a = let(a, unlink_from, b->address, 0);
		settle(a, b);
		int at_b = let(b, unlink_from, a->address, 0);

		assert_true(at_a == 0 || at_a == -ENOENT);
		assert_int_equal(at_b, -ENOENT);
		settle(a, b);
	}
	no_exit(a, b);
	end();
}

CASE(a_link_with_one_that_has_ended_is_a_noproc_exit)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = spawn(HERE), *b = spawn(THERE);
	struct probe *c = watched_by(watcher, HERE);

	let(b, leave, 0, 0);
	wait_until(ended(b));
	settle(a, spawn(THERE));
	let(a, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, a->count - 1, b, MYC_EXIT_NOPROC, 0, MYC_EVENT_LINK));
	assert_int_equal(let(c, link_with, b->address, 0), 0);
	expect_end(watcher, c, MYC_EXIT_NOPROC, 0);
	end();
}

CASE(a_link_with_oneself_changes_nothing)
{
	begin(state);
	struct probe *a = spawn(HERE);

	assert_int_equal(let(a, link_with, a->address, 0), 0);
	assert_int_equal(let(a, unlink_from, a->address, 0), -ENOENT);
	assert_int_equal(let(a, nothing, 0, 0), 0);
	end();
}

CASE(a_link_that_finds_the_other_table_full_breaks_with_no_room)
{
	watches = 2;
	begin(state);
	if (place == ONE_EXECUTOR) { /* the one table serves both */
		end();
		return;
	}
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(b, watch, a->address, 0), 0);
	assert_int_equal(let(b, watch, a->address, 1), 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, 0, b, MYC_EXIT_NO_ROOM, 0, MYC_EVENT_LINK));
	assert_false(ended(b));
	end();
}

/* ---- exit signals ------------------------------------------------------------------------------ */

CASE(kill_cannot_be_trapped_and_links_see_killed)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	let(b, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	assert_int_equal(let(a, send_exit, b->address, reason(MYC_EXIT_KILL, 0)), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, a->count - 1, b, MYC_EXIT_KILLED, 0, MYC_EVENT_LINK));
	assert_int_equal(b->events, 0);
	assert_int_equal(b->stopped, 0);
	end();
}

CASE(a_kill_that_came_over_a_link_can_be_trapped)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_KILL, 0), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, a->count - 1, b, MYC_EXIT_KILL, 0, MYC_EVENT_LINK));
	assert_int_equal(let(a, nothing, 0, 0), 0);
	end();
}

CASE(a_killed_ones_links_die_with_killed)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = watched_by(watcher, HERE), *b = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	assert_int_equal(let(watcher, send_exit, b->address, reason(MYC_EXIT_KILL, 0)), 0);
	expect_end(watcher, a, MYC_EXIT_KILLED, 0);
	assert_int_equal(a->stopped, 1); /* it was not killed itself */
	end();
}

CASE(an_exit_signal_ends_who_does_not_trap)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *b = watched_by(watcher, THERE);

	assert_int_equal(let(watcher, send_exit, b->address, reason(MYC_EXIT_USER + 5, 9)), 0);
	expect_end(watcher, b, MYC_EXIT_USER + 5, 9);
	end();
}

CASE(an_exit_signal_is_an_event_for_who_traps)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(b, trap, true, 0);
	assert_int_equal(let(a, send_exit, b->address, reason(MYC_EXIT_USER, 9)), 0);
	wait_until(b->events == 1);
	assert_true(exit_is(b, 0, a, MYC_EXIT_USER, 9, 0));
	assert_int_equal(let(b, nothing, 0, 0), 0);
	end();
}

CASE(a_normal_exit_signal_ends_nobody_but_oneself)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *b = watched_by(watcher, THERE);

	assert_int_equal(let(watcher, send_exit, b->address, reason(MYC_EXIT_NORMAL, 0)), 0);
	settle(watcher, b);
	assert_int_equal(watcher->events, 0);
	assert_int_equal(let(b, send_exit, b->address, reason(MYC_EXIT_NORMAL, 0)), 0);
	expect_end(watcher, b, MYC_EXIT_NORMAL, 0);
	end();
}

CASE(an_exit_signal_to_nobody_is_nothing)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(b, leave, 0, 0);
	wait_until(ended(b));
	assert_int_equal(let(a, send_exit, b->address, reason(MYC_EXIT_USER, 0)), 0);
	assert_int_equal(let(a, send_exit, b->address, reason(MYC_EXIT_KILL, 0)), 0);
	assert_int_equal(let(a, send_exit, MYC_NOBODY, reason(MYC_EXIT_KILL, 0)), 0);
	end();
}

CASE(an_exit_signal_comes_behind_its_senders_messages)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *b = watched_by(watcher, THERE), *a = spawn(HERE);

	let(a, talk_and_kill, b->address, 400);
	expect_end(watcher, b, MYC_EXIT_USER, 0);
	assert_int_equal(b->messages, 400);
	for (uint32_t i = 0; i < 400; i++)
		assert_int_equal(b->seen[i].message, i + 1);
	end();
}

CASE(an_exit_signal_waits_for_its_senders_messages_in_the_mailbox)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *b = watched_by(watcher, THERE), *a = spawn(HERE);

	assert_int_equal(let(a, suspend, b->address, 0), 0);
	let(a, talk_and_kill, b->address, 8);
	settle(watcher, a);
	settle(a, spawn(THERE));
	assert_int_equal(watcher->events, 0);
	assert_int_equal(b->messages, 0);
	assert_int_equal(let(a, resume, b->address, 0), 0);
	expect_end(watcher, b, MYC_EXIT_USER, 0);
	assert_int_equal(b->messages, 8);
	end();
}

/* ---- order ------------------------------------------------------------------------------------- */

CASE(down_comes_behind_the_messages_of_the_dead)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);

	let(dying, talk_and_leave, watcher->address, 10);
	wait_until(watcher->events == 1);
	assert_int_equal(watcher->messages, 10);
	expect_end(watcher, dying, MYC_EXIT_FAILED, 5);
	end();
}

/* More than the credit: they wait in its outbox when it ends. */
CASE(down_comes_behind_what_waited_in_the_outbox_of_the_dead)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);

	let(dying, talk_and_leave, watcher->address, 900);
	wait_until(watcher->events == 1);
	assert_int_equal(watcher->messages, 900);
	for (uint32_t i = 0; i < 900; i++)
		assert_int_equal(watcher->seen[i].message, i + 1);
	expect_end(watcher, dying, MYC_EXIT_FAILED, 5);
	end();
}

CASE(exit_comes_behind_what_waited_in_the_outbox_of_the_dead)
{
	begin(state);
	struct probe *a = spawn(HERE), *dying = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(a, link_with, dying->address, 0), 0);
	settle(a, dying);
	let(dying, talk_and_leave, a->address, 900);
	wait_until(a->events == 1);
	assert_int_equal(a->messages, 900);
	assert_true(exit_is(a, 900, dying, MYC_EXIT_FAILED, 5, MYC_EVENT_LINK));
	end();
}

CASE(down_waits_for_the_messages_of_the_dead_in_the_mailbox_and_for_no_others)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);
	struct probe *quiet = watched_by(watcher, THERE), *other = spawn(THERE);

	assert_int_equal(let(other, suspend, watcher->address, 0), 0);
	settle(other, spawn(HERE));
	number(watcher, 77);
	let(dying, talk_and_leave, watcher->address, 8);
	let(quiet, leave, reason(MYC_EXIT_USER, 0), 0);
	wait_until(watcher->events == 1);
	assert_int_equal(watcher->messages, 0);
	assert_true(down_is(watcher, 0, quiet, MYC_EXIT_USER, 0));
	assert_int_equal(let(other, resume, watcher->address, 0), 0);
	wait_until(watcher->events == 2);
	assert_int_equal(watcher->messages, 9);
	assert_true(down_is(watcher, watcher->count - 1, dying, MYC_EXIT_FAILED, 5));
	end();
}

/* What is left for the suspended one holds up its own DOWN, and its neighbour's not. */
CASE(a_watcher_is_not_held_up_by_what_another_has_not_taken)
{
	begin(state);
	struct probe *stuck = spawn(HERE), *free_one = spawn(HERE), *dying = spawn(THERE);
	struct probe *other = spawn(THERE);

	assert_int_equal(let(stuck, watch, dying->address, 0), 0);
	assert_int_equal(let(free_one, watch, dying->address, 0), 0);
	settle(free_one, dying);
	assert_int_equal(let(other, suspend, stuck->address, 0), 0);
	settle(other, free_one);
	uint32_t before = free_one->count;

	let(dying, talk_and_leave, stuck->address, 200);
	wait_until(free_one->events == 1);
	assert_true(down_is(free_one, before, dying, MYC_EXIT_FAILED, 5));
	assert_int_equal(stuck->events, 0);
	assert_true(ended(dying));
	assert_int_equal(let(other, resume, stuck->address, 0), 0);
	wait_until(stuck->events == 1);
	assert_int_equal(stuck->messages, 200);
	assert_true(down_is(stuck, 200, dying, MYC_EXIT_FAILED, 5));
	settle(free_one, other);
	assert_int_equal(free_one->events, 1);
	end();
}

/* ---- ends, restarts ---------------------------------------------------------------------------- */

CASE(a_failure_beyond_the_limit_is_failed_with_its_code)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);

	let(dying, go_wrong, 0, 0);
	expect_end(watcher, dying, MYC_EXIT_FAILED, -ECANCELED);
	assert_int_equal(watcher->seen[0].event.flags, 0);
	end();
}

CASE(who_stops_itself_ends_normally)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);

	let(dying, stop_self, 0, 0);
	expect_end(watcher, dying, MYC_EXIT_NORMAL, 0);
	assert_int_equal(dying->stopping, 1);
	assert_int_equal(dying->stopped, 1);
	end();
}

CASE(a_restart_in_place_is_a_down_and_the_next_one_needs_a_new_monitor)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);
	struct probe *failing = spawn_as(THERE, &behaviour, NULL, 5);

	assert_int_equal(let(watcher, watch, failing->address, 0), 0);
	settle(watcher, failing);
	let(failing, go_wrong, 0, 0);
	expect_end(watcher, failing, MYC_EXIT_FAILED, -ECANCELED);
	assert_int_equal(watcher->seen[0].event.flags, MYC_EVENT_RESTARTED);
	let(failing, go_wrong, 0, 0);
	wait_until(failing->inits == 3);
	settle(watcher, other);
	assert_int_equal(watcher->events, 1);
	assert_int_equal(let(watcher, watch, failing->address, 0), 0);
	settle(watcher, failing);
	assert_int_equal(watcher->events, 1);
	let(failing, go_wrong, 0, 0);
	wait_until(watcher->events == 2);
	end();
}

CASE(a_monitor_through_restarts_is_told_of_the_end_only)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *failing = spawn_as(THERE, &behaviour, NULL, 2);

	assert_int_equal(let(watcher, watch_through, failing->address, 0), 0);
	settle(watcher, failing);
	for (int i = 0; i < 2; i++)
		let(failing, go_wrong, 0, 0);
	wait_until(failing->inits == 3);
	settle(watcher, failing);
	assert_int_equal(watcher->events, 0);
	let(failing, go_wrong, 0, 0);
	expect_end(watcher, failing, MYC_EXIT_FAILED, -ECANCELED);
	assert_int_equal(watcher->seen[watcher->count - 1].event.flags, 0);
	end();
}

CASE(a_restart_in_place_breaks_links)
{
	begin(state);
	struct probe *a = spawn(HERE), *failing = spawn_as(THERE, &behaviour, NULL, 5);

	let(a, trap, true, 0);
	assert_int_equal(let(failing, link_with, a->address, 0), 0);
	settle(a, failing);
	let(failing, go_wrong, 0, 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, a->count - 1, failing, MYC_EXIT_FAILED, -ECANCELED,
			    MYC_EVENT_LINK | MYC_EVENT_RESTARTED));
	assert_int_equal(let(failing, unlink_from, a->address, 0), -ENOENT);
	assert_int_equal(let(a, unlink_from, failing->address, 0), -ENOENT);
	end();
}

CASE(the_restarted_actor_has_no_monitors_and_no_trap_of_its_own)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE), *dying = spawn(HERE);
	struct probe *failing = spawn_as(THERE, &behaviour, NULL, 5);

	let(failing, trap, true, 0);
	assert_int_equal(let(failing, watch, dying->address, 0), 0);
	settle(failing, dying);
	let(failing, go_wrong, 0, 0);
	wait_until(failing->inits == 2);
	let(dying, leave, 0, 0);
	wait_until(ended(dying));
	settle(watcher, other);
	settle(watcher, failing);
	assert_int_equal(failing->events, 0);
	assert_int_equal(let(watcher, watch, failing->address, 0), 0);
	let(watcher, send_exit, failing->address, reason(MYC_EXIT_USER, 0));
	expect_end(watcher, failing, MYC_EXIT_USER, 0);
	end();
}

CASE(nobody_can_be_sent_to_once_it_has_ended)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);

	let(dying, leave, 0, 0);
	expect_end(watcher, dying, MYC_EXIT_NORMAL, 0);
	assert_int_equal(let(watcher, pass_on, dying->address, 1), -ESRCH);
	end();
}

CASE(a_name_is_free_before_its_actor_is_known_to_have_ended)
{
	begin(state);
	struct probe *watcher = spawn(HERE);
	struct probe *named = spawn_as(HERE, &behaviour, "somebody", MYC_RESTARTS_NONE);

	assert_int_equal(let(watcher, find, 0, 0), 0);
	for (int i = 0; i < 10; i++) {
		uint32_t before = watcher->events;

		assert_int_equal(let(watcher, watch, named->address, 0), 0);
		let(named, leave, 0, 0);
		wait_until(watcher->events > before);
		assert_int_equal(let(watcher, find, 0, 0), -ENOENT);
		named = spawn_as(HERE, &behaviour, "somebody", MYC_RESTARTS_NONE);
		assert_int_equal(let(watcher, find, 0, 0), 0);
	}
	end();
}

/* ---- stopping ---------------------------------------------------------------------------------- */

CASE(stop_is_orderly_and_a_shutdown)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = watched_by(watcher, THERE);

	assert_int_equal(let(watcher, send_stop, other->address, MYC_STOP), 0);
	expect_end(watcher, other, MYC_EXIT_SHUTDOWN, 0);
	assert_int_equal(other->stopping, 1);
	assert_int_equal(other->stopped, 1);
	end();
}

CASE(stop_overtakes_messages)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = watched_by(watcher, THERE);

	assert_int_equal(let(watcher, suspend, other->address, 0), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(let(watcher, pass_on, other->address, i), 0);
	assert_int_equal(let(watcher, send_stop, other->address, MYC_STOP), 0);
	expect_end(watcher, other, MYC_EXIT_SHUTDOWN, 0);
	assert_int_equal(other->messages, 0);
	end();
}

CASE(drain_handles_what_was_sent_and_refuses_new)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = watched_by(watcher, THERE);

	assert_int_equal(let(watcher, suspend, other->address, 0), 0);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(let(watcher, pass_on, other->address, i + 1), 0);
	assert_int_equal(let(watcher, send_stop, other->address, MYC_STOP_DRAIN), 0);
	wait_until(ended(other));
	assert_int_equal(let(watcher, pass_on, other->address, 99), -ESRCH);
	assert_int_equal(watcher->events, 0);
	assert_int_equal(let(watcher, resume, other->address, 0), 0);
	expect_end(watcher, other, MYC_EXIT_SHUTDOWN, 0);
	assert_int_equal(other->messages, 8);
	assert_int_equal(other->stopping, 1);
	assert_int_equal(other->stopped, 1);
	end();
}

CASE(drain_of_an_idle_one_ends_it)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = watched_by(watcher, THERE);

	assert_int_equal(let(watcher, send_stop, other->address, MYC_STOP_DRAIN), 0);
	assert_int_equal(let(watcher, nothing, 0, 0), 0);
	expect_end(watcher, other, MYC_EXIT_SHUTDOWN, 0);
	end();
}

CASE(kill_runs_no_handler)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = watched_by(watcher, THERE);

	let(other, trap, true, 0);
	assert_int_equal(let(watcher, suspend, other->address, 0), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(let(watcher, pass_on, other->address, i), 0);
	assert_int_equal(let(watcher, send_stop, other->address, MYC_STOP_KILL), 0);
	expect_end(watcher, other, MYC_EXIT_KILLED, 0);
	assert_int_equal(other->messages + other->events + other->stopping + other->stopped, 0);
	end();
}

CASE(a_plain_thread_stops_and_waits)
{
	begin(state);
	struct probe *watcher = spawn(HERE);
	static const uint32_t ends[] = {[MYC_STOP] = MYC_EXIT_SHUTDOWN,
					[MYC_STOP_DRAIN] = MYC_EXIT_SHUTDOWN,
					[MYC_STOP_KILL] = MYC_EXIT_KILLED};

	for (uint32_t how = MYC_STOP; how <= MYC_STOP_KILL; how++) {
		struct probe *other = watched_by(watcher, THERE);

		for (uint32_t i = 0; i < 5; i++)
			number(other, i + 1);
		assert_int_equal(
			myc_actor_stop(systems[0], other->address, (enum myc_stop_how)how, SECOND),
			0);
		assert_int_equal(other->stopped, how != MYC_STOP_KILL);
		if (how == MYC_STOP_DRAIN)
			assert_int_equal(other->messages, 5);
		wait_until(watcher->events == how);
		expect_end(watcher, other, ends[how], 0);
		assert_int_equal(
			myc_actor_stop(systems[0], other->address, (enum myc_stop_how)how, SECOND),
			-ESRCH);
	}
	assert_int_equal(myc_actor_stop(systems[0], watcher->address, (enum myc_stop_how)9, SECOND),
			 -EINVAL);
	end();
}

CASE(waiting_for_an_end_times_out)
{
	begin(state);
	struct probe *other = spawn(THERE);

	wait_until(!myc_actor_resume(systems[0], other->address)); /* there is a lane now */
	other->stuck = true;
	number(other, 1);
	wait_until(other->messages == 1);
	assert_int_equal(myc_actor_stop(systems[0], other->address, MYC_STOP, 3000000), -ETIMEDOUT);
	other->stuck = false;
	wait_until(ended(other));
	end();
}

CASE(stopping_nobody_is_told_at_once)
{
	begin(state);
	struct probe *a = spawn(HERE), *other = spawn(THERE);

	let(other, leave, 0, 0);
	wait_until(ended(other));
	assert_int_equal(let(a, send_stop, other->address, MYC_STOP), -ESRCH);
	assert_int_equal(let(a, suspend, other->address, 0), -ESRCH);
	assert_int_equal(let(a, send_stop, a->address, 0), -EINVAL);
	end();
}

CASE(a_paused_actor_can_be_stopped)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *sink = spawn(HERE),
		     *other = watched_by(watcher, THERE);

	assert_int_equal(let(watcher, suspend, sink->address, 0), 0);
	settle(watcher, spawn(THERE));
	for (uint32_t i = 1; i <= 17; i++) /* one more than the credit */
		let(other, pass_on, sink->address, i);
	assert_int_equal(let(watcher, send_stop, other->address, MYC_STOP), 0);
	wait_until(ended(other));
	assert_int_equal(let(watcher, resume, sink->address, 0), 0);
	wait_until(sink->messages == 17);
	wait_until(watcher->events == 1);
	end();
}

/* ---- suspending -------------------------------------------------------------------------------- */

CASE(a_suspended_actor_keeps_its_messages_in_order)
{
	begin(state);
	struct probe *a = spawn(HERE), *other = spawn(THERE);

	assert_int_equal(let(a, suspend, other->address, 0), 0);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(let(a, pass_on, other->address, i + 1), 0);
	settle(a, spawn(THERE));
	assert_int_equal(other->messages, 0);
	assert_int_equal(let(a, resume, other->address, 0), 0);
	wait_until(other->messages == 10);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(other->seen[i].message, i + 1);
	end();
}

CASE(a_suspended_actor_has_no_timers_until_it_goes_on)
{
	begin(state);
	struct probe *a = spawn(HERE), *other = spawn(THERE);

	let(other, tick, 0, 0);
	wait_until(other->timers > 2);
	wait_until(!myc_actor_suspend(systems[0], other->address));
	settle(a, spawn(THERE));
	/* The turn it was in may have fired one more. */
	settle(a, spawn(THERE));
	uint32_t before = other->timers;

	for (int i = 0; i < 3; i++)
		settle(a, spawn(THERE));
	assert_int_equal(other->timers, before);
	assert_int_equal(myc_actor_resume(systems[0], other->address), 0);
	wait_until(other->timers > before);
	end();
}

CASE(a_suspended_actor_gets_signals)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *dying = watched_by(watcher, THERE);

	assert_int_equal(let(dying, suspend, watcher->address, 0), 0);
	let(dying, leave, reason(MYC_EXIT_USER, 1), 0);
	expect_end(watcher, dying, MYC_EXIT_USER, 1);
	end();
}

/* ---- many -------------------------------------------------------------------------------------- */

#define CROWD 400
static _Atomic uint32_t crowd_downs, crowd_wrong;

static int crowd_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	uint32_t *downs = myc_state(self);

	if (event->kind != MYC_EVENT_DOWN || event->reason.kind != MYC_EXIT_USER || ++*downs > 1)
		crowd_wrong++;
	crowd_downs++;
	return 0;
}

static int crowd_message(struct myc_actor *self, const struct myc_message *message)
{
	myc_address other;

	if (message->type == JOB) {
		myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER});
		return 0;
	}
	memcpy(&other, message->payload, sizeof(other));
	if (myc_monitor(self, other, 0, NULL))
		crowd_wrong++;
	return 0;
}

static const struct myc_behaviour crowd_member = {.name = "crowd",
						  .state_size = sizeof(uint32_t),
						  .message = crowd_message,
						  .signal = crowd_signal};

static void crowd(int where, myc_address *addresses)
{
	struct myc_system *system = systems[place == TWO_PROCESSES ? where : 0];
	const struct myc_spawn_opts opts = {.sz = sizeof(opts),
					    .behaviour = &crowd_member,
					    .executor =
						    place == TWO_EXECUTORS ? (uint32_t)where : 0};

	crowd_downs = crowd_wrong = 0;
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(myc_spawn(system, &opts, &addresses[i], NULL), 0);
}

static int watch_crowd(struct myc_actor *self, struct probe *me, uint64_t at, uint64_t b)
{
	const myc_address *addresses = (const myc_address *)(uintptr_t)at;

	(void)me;
	(void)b;
	for (int i = 0; i < CROWD; i++) {
		int code = myc_monitor(self, addresses[i], 0, NULL);

		if (code)
			return code;
	}
	return 0;
}

CASE(one_death_is_told_to_all_of_a_crowd)
{
	begin(state);
	myc_address addresses[CROWD];
	struct probe *dying = spawn(THERE), *other = spawn(THERE), *near = spawn(HERE);

	crowd(HERE, addresses);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(
			myc_post(near->system, addresses[i], NUMBER, &dying->address, 8, SECOND),
			0);
	settle(near, other);
	let(dying, leave, reason(MYC_EXIT_USER, 0), 0);
	wait_until(crowd_downs == CROWD);
	settle(near, other);
	assert_int_equal(crowd_downs, CROWD);
	assert_int_equal(crowd_wrong, 0);
	end();
}

/* Ten times what the lane holds, at once. */
CASE(every_death_of_a_crowd_is_told)
{
	begin(state);
	myc_address addresses[CROWD];
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);

	crowd(THERE, addresses);
	assert_int_equal(let(watcher, watch_crowd, (uint64_t)(uintptr_t)addresses, 0), 0);
	settle(watcher, other);
	for (int i = 0; i < CROWD; i++)
		assert_int_equal(myc_post(other->system, addresses[i], JOB, NULL, 0, SECOND), 0);
	wait_until(watcher->events == CROWD);
	settle(watcher, other);
	assert_int_equal(watcher->events, CROWD);
	for (uint32_t i = 0; i < CROWD; i++) {
		assert_int_equal(watcher->seen[i].event.kind, MYC_EVENT_DOWN);
		assert_int_equal(watcher->seen[i].event.reason.kind, MYC_EXIT_USER);
	}
	end();
}

/* ---- processes --------------------------------------------------------------------------------- */

/* For the test's sake its thread comes to an end; that it sees the other as dead keeps its last words, which
 * a killed one does not have, from going out. */
static void process_dies(void)
{
	process_lives[1][0] = false;
	process_lives[0][1] = false;
	myc_system_close(systems[1]);
	systems[1] = NULL;
}

CASE(the_death_of_a_process_is_noconnection_for_all_who_watch_its_actors)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *linked = spawn(HERE), *a = watched_by(watcher, THERE);
	struct probe *b = spawn(THERE);

	let(linked, trap, true, 0);
	assert_int_equal(let(watcher, watch, b->address, 1), 0);
	assert_int_equal(let(b, link_with, linked->address, 0), 0);
	settle(linked, b);
	uint32_t at = linked->count;

	process_dies();
	wait_until(watcher->events == 2 && linked->events == 1);
	assert_true(exit_is(linked, at, b, MYC_EXIT_NOCONNECTION, 0, MYC_EVENT_LINK));
	assert_true(watcher->seen[0].event.from == a->address ||
		    watcher->seen[1].event.from == a->address);
	end();
}

CASE(what_a_process_had_sent_comes_before_the_news_of_its_death)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = watched_by(watcher, THERE);

	watcher->stuck = true; /* it takes nothing out of the lane meanwhile */
	number(watcher, 500);
	wait_until(watcher->messages == 1);
	for (uint32_t i = 1; i <= 10; i++)
		let(a, pass_on, watcher->address, i);
	process_dies();
	watcher->stuck = false;
	wait_until(watcher->events == 1);
	assert_int_equal(watcher->messages, 11);
	assert_int_equal(watcher->seen[11].event.kind, MYC_EVENT_DOWN);
	end();
}

CASE(a_restarted_process_revives_no_watch)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = watched_by(watcher, THERE);

	watcher->stuck = true;
	number(watcher, 500);
	wait_until(watcher->messages == 1);
	/* Dead and back before anybody looked. */
	process_dies();
	join(1);
	assert_int_equal(myc_system_start(systems[1], NULL), 0);
	watcher->stuck = false;
	wait_until(watcher->events == 1);
	assert_int_equal(watcher->seen[1].event.from, a->address);
	struct probe *successor = spawn(THERE);

	assert_int_equal(let(watcher, watch, successor->address, 1), 0);
	settle(watcher, successor);
	let(successor, leave, reason(MYC_EXIT_USER, 1), 0);
	wait_until(watcher->events == 2);
	expect_end(watcher, successor, MYC_EXIT_USER, 1);
	end();
}

CASE(a_monitor_into_a_dead_process_is_noconnection)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = spawn(THERE);

	settle(watcher, a);
	process_dies();
	assert_int_equal(let(watcher, watch, a->address, 0), 0);
	expect_end(watcher, a, MYC_EXIT_NOCONNECTION, 0);
	assert_int_equal(myc_actor_stop(systems[0], a->address, MYC_STOP, SECOND), -ESRCH);
	end();
}

CASE(actors_end_though_a_dead_process_watches_them)
{
	begin(state);
	struct probe *far = spawn(THERE), *near = spawn(HERE), *dying = spawn(HERE);

	assert_int_equal(let(far, watch, dying->address, 0), 0);
	assert_int_equal(let(near, watch, dying->address, 0), 0);
	settle(far, dying);
	uint32_t before = near->count;

	process_dies();
	let(dying, leave, reason(MYC_EXIT_USER, 3), 0);
	wait_until(near->events == 1);
	assert_true(down_is(near, before, dying, MYC_EXIT_USER, 3));
	end();
}

#define IN(name, where)                                                         \
	{                                                                       \
#name ", " #where, name, NULL, NULL, (void *)(uintptr_t)(where) \
	}
#define EVERYWHERE(name) IN(name, ONE_EXECUTOR), IN(name, TWO_EXECUTORS), IN(name, TWO_PROCESSES)

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_monitor_tells_the_reason_of_the_end),
		EVERYWHERE(each_monitor_is_told_once),
		EVERYWHERE(a_monitor_of_one_that_has_ended_is_noproc),
		EVERYWHERE(a_monitor_of_one_that_never_was_is_noproc),
		EVERYWHERE(a_monitor_in_a_node_or_process_that_is_not_there_is_noconnection),
		EVERYWHERE(a_cancelled_monitor_tells_nothing),
		EVERYWHERE(cancelling_flushes_a_down_that_is_due),
		EVERYWHERE(a_told_monitor_cannot_be_cancelled),
		EVERYWHERE(monitors_are_one_way),
		EVERYWHERE(a_monitor_of_oneself_or_without_a_handler_is_refused),
		EVERYWHERE(a_full_table_refuses_monitors_and_loses_none),
		EVERYWHERE(a_linked_actor_dies_with_the_reason_and_passes_it_on),
		EVERYWHERE(links_work_both_ways),
		EVERYWHERE(there_is_one_link_a_pair),
		EVERYWHERE(linking_from_both_sides_is_one_link),
		EVERYWHERE(a_normal_exit_is_ignored_by_who_does_not_trap),
		EVERYWHERE(a_trapping_actor_gets_an_exit_event_even_for_normal),
		EVERYWHERE(who_traps_no_more_dies_again),
		EVERYWHERE(no_exit_signal_comes_after_unlinking),
		EVERYWHERE(the_other_side_can_unlink_too),
		EVERYWHERE(unlinking_spares_the_other_side_as_well),
		EVERYWHERE(linking_again_after_unlinking_links),
		EVERYWHERE(crossing_links_and_unlinks_leave_both_sides_agreed),
		EVERYWHERE(a_link_with_one_that_has_ended_is_a_noproc_exit),
		EVERYWHERE(a_link_with_oneself_changes_nothing),
		EVERYWHERE(a_link_that_finds_the_other_table_full_breaks_with_no_room),
		EVERYWHERE(kill_cannot_be_trapped_and_links_see_killed),
		EVERYWHERE(a_kill_that_came_over_a_link_can_be_trapped),
		EVERYWHERE(a_killed_ones_links_die_with_killed),
		EVERYWHERE(an_exit_signal_ends_who_does_not_trap),
		EVERYWHERE(an_exit_signal_is_an_event_for_who_traps),
		EVERYWHERE(a_normal_exit_signal_ends_nobody_but_oneself),
		EVERYWHERE(an_exit_signal_to_nobody_is_nothing),
		EVERYWHERE(an_exit_signal_comes_behind_its_senders_messages),
		EVERYWHERE(an_exit_signal_waits_for_its_senders_messages_in_the_mailbox),
		EVERYWHERE(down_comes_behind_the_messages_of_the_dead),
		EVERYWHERE(down_comes_behind_what_waited_in_the_outbox_of_the_dead),
		EVERYWHERE(exit_comes_behind_what_waited_in_the_outbox_of_the_dead),
		EVERYWHERE(
			down_waits_for_the_messages_of_the_dead_in_the_mailbox_and_for_no_others),
		EVERYWHERE(a_watcher_is_not_held_up_by_what_another_has_not_taken),
		EVERYWHERE(a_failure_beyond_the_limit_is_failed_with_its_code),
		EVERYWHERE(who_stops_itself_ends_normally),
		EVERYWHERE(a_restart_in_place_is_a_down_and_the_next_one_needs_a_new_monitor),
		EVERYWHERE(a_monitor_through_restarts_is_told_of_the_end_only),
		EVERYWHERE(a_restart_in_place_breaks_links),
		EVERYWHERE(the_restarted_actor_has_no_monitors_and_no_trap_of_its_own),
		EVERYWHERE(nobody_can_be_sent_to_once_it_has_ended),
		EVERYWHERE(a_name_is_free_before_its_actor_is_known_to_have_ended),
		EVERYWHERE(stop_is_orderly_and_a_shutdown),
		EVERYWHERE(stop_overtakes_messages),
		EVERYWHERE(drain_handles_what_was_sent_and_refuses_new),
		EVERYWHERE(drain_of_an_idle_one_ends_it),
		EVERYWHERE(kill_runs_no_handler),
		EVERYWHERE(a_plain_thread_stops_and_waits),
		EVERYWHERE(waiting_for_an_end_times_out),
		EVERYWHERE(stopping_nobody_is_told_at_once),
		EVERYWHERE(a_paused_actor_can_be_stopped),
		EVERYWHERE(a_suspended_actor_keeps_its_messages_in_order),
		EVERYWHERE(a_suspended_actor_has_no_timers_until_it_goes_on),
		EVERYWHERE(a_suspended_actor_gets_signals),
		EVERYWHERE(one_death_is_told_to_all_of_a_crowd),
		EVERYWHERE(every_death_of_a_crowd_is_told),
		IN(the_death_of_a_process_is_noconnection_for_all_who_watch_its_actors,
		   TWO_PROCESSES),
		IN(what_a_process_had_sent_comes_before_the_news_of_its_death, TWO_PROCESSES),
		IN(a_restarted_process_revives_no_watch, TWO_PROCESSES),
		IN(a_monitor_into_a_dead_process_is_noconnection, TWO_PROCESSES),
		IN(actors_end_though_a_dead_process_watches_them, TWO_PROCESSES),
	};

	if (getenv("MYC_CASE")) /* a pattern */
		cmocka_set_test_filter(getenv("MYC_CASE"));
	return cmocka_run_group_tests(tests, NULL, NULL);
}
