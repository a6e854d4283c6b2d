/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping another and being told what came of it: ended, or still running; from actors and threads. */
#include "unit/probes.h"

#include <mycelium/mailbox.h>

#define SOON 3000000ull /* ns: over while somebody is in its handler */

/* b: how | 1: a limit | 2: the limit is long */
static int stop_watch(struct myc_actor *self, struct probe *me, uint64_t other, uint64_t b)
{
	static const uint64_t limit[] = {SOON, 3 * SECOND, UINT64_MAX};

	return myc_stop_watch(self, other, (uint32_t)b & 0xff, limit[b >> 8], &me->monitor[0]);
}
enum { LIMIT_SOON = 0, LIMIT_LONG = 1 << 8, LIMIT_NONE = 2 << 8 };

static bool still_is(const struct probe *who, uint32_t index, const struct probe *from)
{
	const struct myc_signal_event *event = &who->seen[index].event;

	return event->kind == MYC_EVENT_STILL && event->from == from->address &&
	       event->monitor.index == who->monitor[0].index &&
	       event->monitor.generation == who->monitor[0].generation;
}

/* Its handler does not return until told. */
static void get_stuck(struct probe *who)
{
	who->stuck = true;
	number(who, 1);
	wait_until(who->messages == 1);
}

/* Suspended, with a message that it would have to handle first. */
static void hold_with_a_message(struct probe *watcher, struct probe *other)
{
	settle(watcher, other);
	hold_with(watcher, other, 1);
}

/* ---- actors ------------------------------------------------------------------------------------ */

CASE(who_stops_another_is_told_of_its_end)
{
	begin(state);
	struct probe *watcher = spawn(HERE);

	for (uint32_t how = MYC_STOP; how <= MYC_STOP_KILL; how++) {
		struct probe *other = spawn(THERE);

		settle(watcher, other);
		assert_int_equal(let(watcher, stop_watch, other->address, how | LIMIT_LONG), 0);
		wait_until(watcher->events == how);
		expect_end(watcher, other, end_by(how), 0);
		assert_int_equal(watcher->seen[watcher->count - 1].event.monitor.index,
				 watcher->monitor[0].index);
	}
	end();
}

CASE(one_that_does_not_end_in_time_is_told_of_as_still_there_and_later_as_down)
{
	if ((enum place)(uintptr_t)*state == ONE_EXECUTOR)
		skip(); /* nobody else runs while a handler does */
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);

	settle(watcher, other);
	get_stuck(other);
	assert_int_equal(let(watcher, stop_watch, other->address, MYC_STOP), 0);
	wait_until(watcher->events == 1);
	assert_true(still_is(watcher, watcher->count - 1, other));
	other->stuck = false;
	wait_until(watcher->events == 2);
	expect_end(watcher, other, MYC_EXIT_SHUTDOWN, 0);
	end();
}

CASE(a_drain_that_cannot_go_on_is_still_there_until_it_is_resumed)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);

	hold_with_a_message(watcher, other);
	assert_int_equal(let(watcher, stop_watch, other->address, MYC_STOP_DRAIN), 0);
	wait_until(watcher->events == 1);
	assert_true(still_is(watcher, watcher->count - 1, other));
	assert_int_equal(let(watcher, resume, other->address, 0), 0);
	wait_until(watcher->events == 2);
	expect_end(watcher, other, MYC_EXIT_SHUTDOWN, 0);
	assert_int_equal(other->messages, 1);
	end();
}

CASE(one_that_does_not_end_in_time_is_killed_when_that_was_asked)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);

	hold_with_a_message(watcher, other);
	assert_int_equal(
		let(watcher, stop_watch, other->address, MYC_STOP_DRAIN | MYC_STOP_ELSE_KILL), 0);
	wait_until(watcher->events == 2);
	assert_true(still_is(watcher, watcher->count - 2, other));
	expect_end(watcher, other, MYC_EXIT_KILLED, 0);
	assert_int_equal(other->messages + other->stopping + other->stopped, 0);
	end();
}

CASE(a_cancelled_one_tells_neither)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);

	hold_with_a_message(watcher, other);
	assert_int_equal(
		let(watcher, stop_watch, other->address, MYC_STOP_DRAIN | MYC_STOP_ELSE_KILL), 0);
	assert_int_equal(let(watcher, unwatch, 0, 0), 0);
	nanosleep(&(struct timespec){.tv_nsec = 3 * SOON}, NULL);
	assert_int_equal(let(watcher, resume, other->address, 0), 0);
	wait_until(ended(other));
	settle(watcher, spawn(THERE));
	assert_int_equal(watcher->events, 0);
	assert_int_equal(other->messages, 1); /* nobody killed it */
	end();
}

static uint64_t waiting_for(const struct probe *who)
{
	struct myc_mailbox_depth depth;

	assert_int_equal(myc_mailbox_depth(who->system, who->address, &depth), 0);
	return depth.waiting;
}

CASE(restarts_in_place_are_not_the_end)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *failing = spawn_as(THERE, &behaviour, NULL, 5);

	hold(watcher, failing);
	struct job job = {.run = go_wrong};

	failing->done = false;
	assert_int_equal(
		myc_post(failing->system, failing->address, JOB, &job, sizeof(job), SECOND), 0);
	number(failing, 1);
	wait_until(waiting_for(failing) == 2);
	assert_int_equal(let(watcher, stop_watch, failing->address, MYC_STOP_DRAIN | LIMIT_LONG),
			 0);
	assert_int_equal(let(watcher, resume, failing->address, 0), 0);
	expect_end(watcher, failing, MYC_EXIT_SHUTDOWN, 0);
	assert_int_equal(watcher->events, 1);
	assert_int_equal(failing->inits, 2);
	assert_int_equal(failing->messages, 1);
	end();
}

CASE(nothing_comes_of_what_was_refused)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);
	struct probe *unable = spawn_as(HERE, &deaf, NULL, MYC_RESTARTS_NONE);

	assert_int_equal(let(watcher, stop_watch, watcher->address, MYC_STOP), -EINVAL);
	assert_int_equal(let(unable, stop_watch, other->address, MYC_STOP), -EINVAL);
	assert_int_equal(let(watcher, stop_watch, other->address, 0), -EINVAL);
	assert_int_equal(let(watcher, stop_watch, other->address, 9), -EINVAL);
	assert_int_equal(let(watcher, stop_watch, myc_address_make(0, 7, 3, 1), MYC_STOP), -ESRCH);
	let(other, leave, 0, 0);
	wait_until(ended(other));
	settle(watcher, spawn(THERE));
	assert_int_equal(let(watcher, stop_watch, other->address, MYC_STOP), -ESRCH);
	assert_int_equal(watcher->events, 0);
	end();
}

CASE(a_full_table_of_watches_refuses_and_stops_nobody)
{
	watches = 2;
	begin(state);
	struct probe *watcher = spawn(HERE), *a = spawn(THERE), *b = spawn(THERE);

	for (uint64_t i = 0; i < 2; i++)
		if (let(watcher, watch, a->address, i))
			break;
	assert_int_equal(let(watcher, stop_watch, b->address, MYC_STOP), -ENOSPC);
	settle(watcher, b);
	assert_false(ended(b));
	end();
}

CASE(a_hundred_that_end_by_themselves_meanwhile_are_each_told_once)
{
	begin(state);
	struct probe *watcher = spawn(HERE);

	for (uint32_t i = 0; i < 100; i++) {
		struct probe *other;
		struct job job = {.run = leave, .a = reason(MYC_EXIT_USER, 3)};
		uint32_t before = watcher->events;

		probes = 1; /* again the second one */
		other = spawn(THERE);
		assert_int_equal(
			myc_post(other->system, other->address, JOB, &job, sizeof(job), SECOND), 0);
		int code = let(watcher, stop_watch, other->address, MYC_STOP | LIMIT_NONE);

		assert_true(!code || code == -ESRCH);
		wait_until(ended(other));
		settle(watcher, spawn(THERE));
		wait_until(watcher->events == before + !code);
		if (code)
			continue;
		uint32_t kind = watcher->seen[watcher->count - 1].event.reason.kind;

		assert_true(kind == MYC_EXIT_USER || kind == MYC_EXIT_SHUTDOWN ||
			    kind == MYC_EXIT_NOPROC);
	}
	end();
}

CASE(the_death_of_its_process_is_the_end)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = spawn(THERE);

	hold_with_a_message(watcher, other);
	assert_int_equal(let(watcher, stop_watch, other->address, MYC_STOP_DRAIN | LIMIT_LONG), 0);
	process_lives[0][1] = false;
	expect_end(watcher, other, MYC_EXIT_NOCONNECTION, 0);
	assert_int_equal(watcher->events, 1);
	process_lives[0][1] = true;
	assert_int_equal(let(watcher, resume, other->address, 0), 0);
	end();
}

/* ---- plain threads ----------------------------------------------------------------------------- */

CASE(a_thread_kills_who_does_not_end_in_time)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = watched_by(watcher, THERE);

	hold_with(watcher, other, 1);
	wait_until(!myc_actor_suspend(systems[0], other->address)); /* there is a lane now */
	assert_int_equal(myc_actor_stop(systems[0], other->address, MYC_STOP_DRAIN, SOON),
			 -ETIMEDOUT);
	assert_int_equal(myc_actor_wait(systems[0], other->address, SOON), -ETIMEDOUT);
	assert_int_equal(myc_actor_stop(systems[0], other->address,
					MYC_STOP_DRAIN | MYC_STOP_ELSE_KILL, SECOND / 100),
			 0);
	expect_end(watcher, other, MYC_EXIT_KILLED, 0);
	assert_int_equal(other->messages + other->stopped, 0);
	assert_int_equal(myc_actor_stop(systems[0], other->address, MYC_STOP_ELSE_KILL, SOON),
			 -EINVAL);
	end();
}

CASE(a_kill_waits_for_the_handler_in_hand)
{
	begin(state);
	struct probe *other = spawn(THERE);

	wait_until(!myc_actor_resume(systems[0], other->address)); /* there is a lane now */
	get_stuck(other);
	assert_int_equal(
		myc_actor_stop(systems[0], other->address, MYC_STOP | MYC_STOP_ELSE_KILL, SOON),
		-ETIMEDOUT);
	other->stuck = false;
	assert_int_equal(myc_actor_wait(systems[0], other->address, SECOND), 0);
	end();
}

CASE(a_thread_waits_for_an_end_that_it_did_not_ask_for)
{
	begin(state);
	struct probe *other = spawn(THERE);

	assert_int_equal(myc_actor_wait(systems[0], other->address, SOON), -ETIMEDOUT);
	assert_int_equal(myc_actor_wait(systems[0], other->address, 0), -ETIMEDOUT);
	let(other, leave, 0, 0);
	assert_int_equal(myc_actor_wait(systems[0], other->address, UINT64_MAX), 0);
	assert_int_equal(other->stopped, 1);
	assert_int_equal(myc_actor_wait(systems[0], other->address, 0), 0);
	assert_int_equal(myc_actor_wait(systems[0], myc_address_make(0, 7, 3, 1), 0), 0);
	end();
}

/* ---- a successor at the same address ----------------------------------------------------------- */

static const struct myc_behaviour quiet = {.name = "quiet"};
static struct probe *successor;

/* Process 1 begins anew, its actor has the address it had. */
static void begin_anew(uint32_t restarts)
{
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &quiet};

	assert_int_equal(myc_system_stop(systems[1], 10000), 0);
	myc_system_close(systems[1]);
	join(1);
	assert_int_equal(myc_spawn_at(systems[1], &opts, 3, restarts, &successor->address, NULL),
			 0);
	assert_int_equal(myc_system_start(systems[1], NULL), 0);
}

static uint64_t time_now(void *context)
{
	struct timespec now;

	(void)context;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The whole of a restart between two looks of who waits. */
static void nap(void *context)
{
	if (!(*(uint32_t *)context)++)
		begin_anew(1);
}

static const struct myc_behaviour *same(void *context, const struct myc_behaviour *given)
{
	(void)context;
	return given;
}

CASE(a_thread_is_not_taken_in_by_the_successor)
{
	uint32_t naps = 0;
	const struct myc_world world = {
		.now = time_now, .nap = nap, .behaviour = same, .context = &naps};
	struct myc_workspace workspace = {.processes = 2, .regions = region[0], .world = &world};
	struct myc_system_opts opts;

	begin(state);
	successor = &probe[0];
	begin_anew(0);
	assert_int_equal(myc_system_stop(systems[0], 10000), 0);
	myc_system_close(systems[0]);
	workspace.incarnation = ++incarnation[0];
	opts = system_opts();
	assert_int_equal(myc_system_join(&systems[0], &opts, &workspace, NULL), 0);
	assert_int_equal(myc_system_start(systems[0], NULL), 0);
	assert_int_equal(myc_actor_wait(systems[0], successor->address, SECOND), 0);
	assert_int_equal(naps, 1);
	assert_int_equal(myc_actor_wait(systems[0], successor->address, SOON), -ETIMEDOUT);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(who_stops_another_is_told_of_its_end),
		EVERYWHERE(
			one_that_does_not_end_in_time_is_told_of_as_still_there_and_later_as_down),
		EVERYWHERE(a_drain_that_cannot_go_on_is_still_there_until_it_is_resumed),
		EVERYWHERE(one_that_does_not_end_in_time_is_killed_when_that_was_asked),
		EVERYWHERE(a_cancelled_one_tells_neither),
		EVERYWHERE(restarts_in_place_are_not_the_end),
		EVERYWHERE(nothing_comes_of_what_was_refused),
		EVERYWHERE(a_full_table_of_watches_refuses_and_stops_nobody),
		EVERYWHERE(a_hundred_that_end_by_themselves_meanwhile_are_each_told_once),
		IN(the_death_of_its_process_is_the_end, TWO_PROCESSES),
		EVERYWHERE(a_thread_kills_who_does_not_end_in_time),
		EVERYWHERE(a_kill_waits_for_the_handler_in_hand),
		EVERYWHERE(a_thread_waits_for_an_end_that_it_did_not_ask_for),
		IN(a_thread_is_not_taken_in_by_the_successor, TWO_PROCESSES),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
