/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors: each rule, the order of DOWN and EXIT behind messages, many at once, dying processes. */
#include "unit/probes.h"

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
	number(watcher,
	       77); /* handled before or behind the DOWN, which it has nothing to do with */
	let(dying, talk_and_leave, watcher->address, 8);
	let(quiet, leave, reason(MYC_EXIT_USER, 0), 0);
	wait_until(watcher->events == 1);
	assert_int_equal(watcher->messages, 0);
	assert_true(down_is(watcher, 0, quiet, MYC_EXIT_USER, 0));
	assert_int_equal(let(other, resume, watcher->address, 0), 0);
	wait_until(watcher->events == 2);
	wait_until(watcher->messages == 9);
	uint32_t last = watcher->count - 1;

	if (!down_is(watcher, last, dying, MYC_EXIT_FAILED, 5))
		assert_int_equal(watcher->seen[last--].message, 77);
	assert_true(down_is(watcher, last, dying, MYC_EXIT_FAILED, 5));
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
		EVERYWHERE(down_comes_behind_the_messages_of_the_dead),
		EVERYWHERE(down_comes_behind_what_waited_in_the_outbox_of_the_dead),
		EVERYWHERE(exit_comes_behind_what_waited_in_the_outbox_of_the_dead),
		EVERYWHERE(
			down_waits_for_the_messages_of_the_dead_in_the_mailbox_and_for_no_others),
		EVERYWHERE(a_watcher_is_not_held_up_by_what_another_has_not_taken),
		EVERYWHERE(one_death_is_told_to_all_of_a_crowd),
		EVERYWHERE(every_death_of_a_crowd_is_told),
		IN(the_death_of_a_process_is_noconnection_for_all_who_watch_its_actors,
		   TWO_PROCESSES),
		IN(what_a_process_had_sent_comes_before_the_news_of_its_death, TWO_PROCESSES),
		IN(a_restarted_process_revives_no_watch, TWO_PROCESSES),
		IN(a_monitor_into_a_dead_process_is_noconnection, TWO_PROCESSES),
		IN(actors_end_though_a_dead_process_watches_them, TWO_PROCESSES),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
