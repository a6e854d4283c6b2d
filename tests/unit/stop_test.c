/* SPDX-License-Identifier: Apache-2.0 */
/* Ends, restarts in place, stopping and suspending of actors by others. */
#include "unit/probes.h"

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

static const struct myc_behaviour nameless = {.name = "nameless"};

/* More names than the table has rows: those of the dead make room. */
CASE(names_of_the_dead_make_room_for_others)
{
	begin(state);
	struct probe *watcher = spawn(HERE);
	myc_address address;
	char name[16];

	for (int i = 0; i < 6000; i++) {
		struct myc_spawn_opts opts = {
			.sz = sizeof(opts), .behaviour = &nameless, .name = name};

		snprintf(name, sizeof(name), "%d", i);
		assert_int_equal(myc_spawn(watcher->system, &opts, &address, NULL), 0);
		assert_int_equal(myc_actor_stop(watcher->system, address, MYC_STOP_KILL, SECOND),
				 0);
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

	hold_with(watcher, other, 5);
	assert_int_equal(let(watcher, send_stop, other->address, MYC_STOP), 0);
	expect_end(watcher, other, MYC_EXIT_SHUTDOWN, 0);
	assert_int_equal(other->messages, 0);
	end();
}

CASE(drain_handles_what_was_sent_and_refuses_new)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *other = watched_by(watcher, THERE);

	hold_with(watcher, other, 8);
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
	hold_with(watcher, other, 5);
	assert_int_equal(let(watcher, send_stop, other->address, MYC_STOP_KILL), 0);
	expect_end(watcher, other, MYC_EXIT_KILLED, 0);
	assert_int_equal(other->messages + other->events + other->stopping + other->stopped, 0);
	end();
}

CASE(a_plain_thread_stops_and_waits)
{
	begin(state);
	struct probe *watcher = spawn(HERE);

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
		expect_end(watcher, other, end_by(how), 0);
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

	hold_with(a, other, 10);
	settle(a, spawn(THERE));
	assert_int_equal(other->messages, 0);
	assert_int_equal(let(a, resume, other->address, 0), 0);
	wait_until(other->messages == 10);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(other->seen[i].message, i + 1);
	end();
}

static int suspend_and_send(struct myc_actor *self, struct probe *me, uint64_t other,
			    uint64_t value)
{
	int code = suspend(self, me, other, 0);

	return code ? code : pass_on(self, me, other, value);
}

/* Lets another do so. */
static int have_it_suspended(struct myc_actor *self, struct probe *me, uint64_t by, uint64_t other)
{
	const struct job job = {.run = suspend_and_send, .a = other, .b = 1};
	struct myc_ref ref;
	int code = myc_resolve(self, by, &ref);

	(void)me;
	return code ? code : myc_send(self, &ref, JOB, &job, sizeof(job));
}

/* By a message from its own executor, and by one that the same turn may find just behind the suspending. */
CASE(what_is_sent_after_suspending_is_not_handled_before_it_goes_on)
{
	begin(state);
	struct probe *a = spawn(HERE), *by = spawn(HERE), *other = spawn(THERE);

	for (uint32_t round = 1; round <= 200; round++) {
		by->done = false;
		assert_int_equal(let(a, have_it_suspended, by->address, other->address), 0);
		wait_until(by->done);
		assert_int_equal(by->result, 0);
		settle(a, by);
		assert_int_equal(other->messages, round - 1);
		assert_int_equal(let(a, resume, other->address, 0), 0);
		wait_until(other->messages == round);
	}
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_failure_beyond_the_limit_is_failed_with_its_code),
		EVERYWHERE(who_stops_itself_ends_normally),
		EVERYWHERE(a_restart_in_place_is_a_down_and_the_next_one_needs_a_new_monitor),
		EVERYWHERE(a_monitor_through_restarts_is_told_of_the_end_only),
		EVERYWHERE(a_restart_in_place_breaks_links),
		EVERYWHERE(the_restarted_actor_has_no_monitors_and_no_trap_of_its_own),
		EVERYWHERE(nobody_can_be_sent_to_once_it_has_ended),
		EVERYWHERE(a_name_is_free_before_its_actor_is_known_to_have_ended),
		EVERYWHERE(names_of_the_dead_make_room_for_others),
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
		EVERYWHERE(what_is_sent_after_suspending_is_not_handled_before_it_goes_on),
		EVERYWHERE(a_suspended_actor_has_no_timers_until_it_goes_on),
		EVERYWHERE(a_suspended_actor_gets_signals),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
