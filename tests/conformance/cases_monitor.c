/* SPDX-License-Identifier: Apache-2.0 */
/* Monitors: mycelium/link.h. */
#include "conformance/cases.h"

/* Nothing more came than n events. */
static void only(const struct probe *who, uint32_t n)
{
	settle();
	assert_int_equal(who->signals, n);
}

/* ---- one DOWN, with its reason ----------------------------------------------------------------- */

static void down_with(uint64_t why)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(leave(b, why));
	const struct seen *down = nth(a, SIGNAL, 0);

	assert_true(is_down(down, b, (uint32_t)why, (int32_t)(why >> 32)));
	assert_int_equal(down->event.flags, 0);
	assert_memory_equal(&down->event.monitor, &a->monitor[0], sizeof(a->monitor[0]));
	only(a, 1);
}

CASE(a_normal_exit_is_told)
{
	down_with(WHY(MYC_EXIT_NORMAL, 0));
}

CASE(an_exit_of_the_applications_own_kind_is_told_with_its_code)
{
	down_with(WHY(MYC_EXIT_USER + 12345, -77));
}

CASE(an_exit_with_the_reason_kill_is_told_as_such)
{
	down_with(WHY(MYC_EXIT_KILL, 0));
}

CASE(an_exit_with_the_largest_kind_and_code_is_told_whole)
{
	down_with(WHY(UINT32_MAX, INT32_MIN));
}

CASE(a_stop_of_oneself_is_told_as_normal)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(stop_self(b));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_NORMAL, 0));
	only(a, 1);
}

CASE(a_stop_by_another_is_told_as_shutdown)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(send_stop(a, b, MYC_STOP));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_SHUTDOWN, 0));
	only(a, 1);
}

CASE(a_failure_for_good_is_told_with_what_the_handler_returned)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(fail_with(b, -EXDEV));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_FAILED, -EXDEV));
	assert_int_equal(nth(a, SIGNAL, 0)->event.flags, 0);
	only(a, 1);
}

CASE(a_kill_is_told_as_killed)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(send_stop(a, b, MYC_STOP_KILL));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_KILLED, 0));
	only(a, 1);
}

CASE(one_that_is_gone_is_told_at_once_as_noproc)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	OK(watch(a, b, 0));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_NOPROC, 0));
	only(a, 1);
}

static int job_watch_address(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	return myc_monitor(self, a[0], 0, &me->monitor[a[1]]);
}

CASE(addresses_that_never_were_are_told_as_gone)
{
	struct probe *a = spawn(HERE);
	const myc_address none[] = {myc_address_make(0, a->place, 70, 0xfffff0),
				    myc_address_make(0, 900, 3, 1), myc_address_make(5, 0, 3, 1)};

	for (uint32_t i = 0; i < 3; i++) {
		OK(let(a, job_watch_address, none[i], i, 0, 0));
		const struct seen *down = nth(a, SIGNAL, i);

		assert_int_equal(down->event.kind, MYC_EVENT_DOWN);
		assert_int_equal(down->event.from, none[i]);
		assert_true(down->event.reason.kind == MYC_EXIT_NOPROC ||
			    down->event.reason.kind == MYC_EXIT_NOCONNECTION);
	}
	only(a, 3);
}

/* ---- many -------------------------------------------------------------------------------------- */

CASE(each_monitor_of_a_pair_is_told_once)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);
	bool told[4] = {false};

	for (uint32_t i = 0; i < 4; i++)
		OK(watch(a, b, i));
	OK(leave(b, WHY(MYC_EXIT_USER, 0)));
	for (uint32_t i = 0; i < 4; i++) {
		const struct seen *down = nth(a, SIGNAL, i);

		for (uint32_t m = 0; m < 4; m++)
			if (!memcmp(&down->event.monitor, &a->monitor[m], sizeof(a->monitor[m]))) {
				assert_false(told[m]);
				told[m] = true;
			}
	}
	assert_true(told[0] && told[1] && told[2] && told[3]);
	only(a, 4);
}

CASE(every_watcher_is_told)
{
	struct probe *b = spawn(THERE), *a[6];

	for (uint32_t i = 0; i < 6; i++) {
		a[i] = spawn(i % 3);
		OK(watch(a[i], b, 0));
	}
	OK(leave(b, WHY(MYC_EXIT_USER, 9)));
	for (uint32_t i = 0; i < 6; i++)
		assert_true(is_down(nth(a[i], SIGNAL, 0), b, MYC_EXIT_USER, 9));
	for (uint32_t i = 0; i < 6; i++)
		only(a[i], 1);
}

CASE(a_watcher_of_many_is_told_of_each)
{
	struct probe *a = spawn(HERE), *b[6];

	for (uint32_t i = 0; i < 6; i++) {
		b[i] = spawn(i % 3);
		OK(watch(a, b[i], i));
	}
	for (uint32_t i = 6; i-- > 0;)
		OK(leave(b[i], WHY(MYC_EXIT_USER, i)));
	SAW(a, SIGNAL, 6);
	for (uint32_t i = 0; i < 6; i++) {
		uint32_t n = 0;

		while (n < 6 && nth(a, SIGNAL, n)->event.from != b[i]->address)
			n++;
		assert_true(n < 6 && is_down(nth(a, SIGNAL, n), b[i], MYC_EXIT_USER, (int)i));
	}
	only(a, 6);
}

CASE(two_watch_each_other)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(watch(b, a, 0));
	OK(leave(a, WHY(MYC_EXIT_USER, 1)));
	assert_true(is_down(nth(b, SIGNAL, 0), a, MYC_EXIT_USER, 1));
	OK(leave(b, WHY(MYC_EXIT_USER, 2)));
	UNTIL(ended(b));
	only(a, 0);
}

CASE(a_watch_is_one_way)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(leave(a, WHY(MYC_EXIT_USER, 1)));
	UNTIL(ended(a));
	OK(post(b, NUMBER, 1));
	expect_numbers(b, 1, 1);
	assert_int_equal(b->signals, 0);
}

/* ---- order ------------------------------------------------------------------------------------- */

static int job_say_and_leave(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 1; i <= a[1] && !code; i++)
		code = do_send(self, me, a[0], SEND, i, (uint32_t)a[2]);
	myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER});
	return code;
}

static void expect_down_behind(const struct probe *a, uint32_t messages)
{
	SAW(a, SIGNAL, 1);
	assert_int_equal(a->messages, messages);
	assert_int_equal(a->seen[messages].what, SIGNAL);
	expect_numbers(a, 1, messages);
}

CASE(down_comes_behind_what_the_dead_one_had_sent)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(let(b, job_say_and_leave, a->address, 10, 8, 0));
	expect_down_behind(a, 10);
}

CASE(down_comes_behind_bodies_that_the_dead_one_had_sent)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(let(b, job_say_and_leave, a->address, 6, 3000, 0));
	expect_down_behind(a, 6);
}

CASE(down_comes_behind_what_waits_in_the_watchers_mailbox)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	hold(a);
	OK(let(b, job_say_and_leave, a->address, 10, 8, 0));
	UNTIL(ended(b));
	settle();
	assert_int_equal(a->signals, 0);
	release(a);
	expect_down_behind(a, 10);
}

CASE(down_comes_behind_what_waits_in_the_dead_ones_outbox)
{
	struct probe *a = spawn_as(HERE, &narrow), *b = spawn(THERE);

	OK(watch(a, b, 0));
	hold(a);
	tell(b, job_say_and_leave, a->address, 30, 8, 0);
	UNTIL(metrics_of(b).outbox_depth > 0);
	settle();
	assert_int_equal(a->signals, 0);
	release(a);
	expect_down_behind(a, 30);
}

CASE(a_suspended_watcher_is_told_of_one_that_said_nothing)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	hold(a);
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_USER, 1));
	release(a);
}

CASE(messages_of_others_do_not_hold_up_a_down)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	OK(watch(a, b, 0));
	hold_with(c, a, 5);
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	SAW(a, SIGNAL, 1);
	assert_int_equal(a->messages, 0);
	release(a);
	expect_numbers(a, 1, 5);
}

static int job_leave_after_reply(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = myc_reply_send(self, &me->kept[0], ANSWER, a, 8);

	myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER});
	return code;
}

CASE(down_comes_behind_the_dead_ones_reply)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	b->react = keeps;
	OK(watch(a, b, 0));
	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(let(b, job_leave_after_reply, 5, 0, 0, 0));
	SAW(a, SIGNAL, 1);
	assert_int_equal(a->seen[0].what, REPLY);
	assert_int_equal(a->seen[1].what, SIGNAL);
}

/* ---- demonitor --------------------------------------------------------------------------------- */

CASE(one_that_was_demonitored_is_not_told)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(unwatch(a, 0));
	settle();
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	UNTIL(ended(b));
	only(a, 0);
}

CASE(demonitor_ends_one_of_several)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint32_t i = 0; i < 3; i++)
		OK(watch(a, b, i));
	OK(unwatch(a, 1));
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	SAW(a, SIGNAL, 2);
	only(a, 2);
	for (uint32_t n = 0; n < 2; n++)
		assert_memory_not_equal(&nth(a, SIGNAL, n)->event.monitor, &a->monitor[1],
					sizeof(a->monitor[1]));
}

static int demonitors_second(struct myc_actor *self, struct probe *me,
			     const struct myc_signal_event *event)
{
	(void)event;
	if (!me->word[0]++)
		for (int i = 0; i < 2; i++)
			if (memcmp(&event->monitor, &me->monitor[i], sizeof(event->monitor)) != 0)
				return myc_demonitor(self, me->monitor[i]);
	return 0;
}

CASE(a_due_down_is_taken_back_by_demonitor)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	a->on_signal = demonitors_second;
	OK(watch(a, b, 0));
	OK(watch(a, b, 1));
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	SAW(a, SIGNAL, 1);
	only(a, 1);
}

CASE(demonitor_twice_or_after_the_down_says_enoent)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(unwatch(a, 0));
	RESULT(unwatch(a, 0), -ENOENT);
	OK(watch(a, b, 1));
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	SAW(a, SIGNAL, 1);
	RESULT(unwatch(a, 1), -ENOENT);
	RESULT(unwatch(a, 5), -ENOENT); /* never made */
}

static int job_demonitor_of(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	return myc_demonitor(
		self, (struct myc_monitor){.index = (uint32_t)a[0], .generation = (uint32_t)a[1]});
}

CASE(only_its_owner_demonitors)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(HERE);

	OK(watch(a, b, 0));
	RESULT(let(c, job_demonitor_of, a->monitor[0].index, a->monitor[0].generation, 0, 0),
	       -ENOENT);
	RESULT(let(c, job_demonitor_of, UINT32_MAX, 1, 0, 0), -ENOENT);
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	SAW(a, SIGNAL, 1);
}

/* ---- restarts --------------------------------------------------------------------------------- */

/* Both, in one handler; word[0]: how often it had been restarted, as it was known then. */
static int job_watch_both(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_weak weak;
	int code = myc_monitor(self, a[0], MYC_MONITOR_THROUGH, &me->monitor[0]);

	code = code ? code : myc_monitor(self, a[0], 0, &me->monitor[1]);
	code = code ? code : myc_weak_of(self, a[0], &weak);
	me->word[0] = weak.restarts;
	return code;
}

CASE(one_beside_a_monitor_through_restarts_is_told_of_each)
{
	for (uint32_t round = 0; round < 12; round++) {
		struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

		if (round % 2)
			tell(b, fail_job(), (uint64_t)-EIO, 0, 0, 0);
		tell(a, job_watch_both, b->address, 0, 0, 0);
		if (round % 2 == 0)
			tell(b, fail_job(), (uint64_t)-EIO, 0, 0, 0);
		UNTIL(a->jobs == 1 && b->starts == 2);
		OK(a->result);
		settle();
		assert_int_equal(a->signals, a->word[0] ? 0 : 1);
		if (a->word[0])
			continue;
		assert_memory_equal(&nth(a, SIGNAL, 0)->event.monitor, &a->monitor[1],
				    sizeof(a->monitor[1]));
		assert_int_equal(nth(a, SIGNAL, 0)->event.flags, MYC_EVENT_RESTARTED);
	}
}

/* ---- refused ----------------------------------------------------------------------------------- */

CASE(nobody_monitors_itself)
{
	struct probe *a = spawn(HERE);

	RESULT(watch(a, a, 0), -EINVAL);
}

CASE(one_without_signal_hook_cannot_monitor)
{
	struct probe *a = spawn_as(HERE, &deaf), *b = spawn(THERE);

	RESULT(watch(a, b, 0), -EINVAL);
	RESULT(trap(a, true), -EINVAL);
}

static void four_watches(struct world_opts *opts)
{
	opts->executor.watches = 4;
}

CASE(no_more_monitors_than_the_executor_has_and_again_when_one_ends)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint32_t i = 0; i < 4; i++)
		OK(watch(a, b, i));
	RESULT(watch(a, b, 4), -ENOSPC);
	OK(unwatch(a, 2));
	OK(watch(a, b, 4));
	RESULT(watch(a, b, 5), -ENOSPC);
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	SAW(a, SIGNAL, 4);
	for (uint32_t i = 0; i < 4; i++) {
		OK(watch(a, b, i)); /* gone: told at once, free again */
		SAW(a, SIGNAL, 5 + i);
	}
	only(a, 8);
}

CASE(what_an_actor_watched_is_free_when_it_ends)
{
	struct probe *b = spawn(THERE);

	for (uint32_t round = 0; round < 3; round++) {
		struct probe *a = spawn(HERE);

		for (uint32_t i = 0; i < 4; i++)
			OK(watch(a, b, i));
		OK(stop_self(a));
		UNTIL(ended(a));
		settle();
	}
}

const struct conform_case cases_monitor[] = {
	{NAMED(a_normal_exit_is_told)},
	{NAMED(an_exit_of_the_applications_own_kind_is_told_with_its_code)},
	{NAMED(an_exit_with_the_reason_kill_is_told_as_such)},
	{NAMED(an_exit_with_the_largest_kind_and_code_is_told_whole)},
	{NAMED(a_stop_of_oneself_is_told_as_normal)},
	{NAMED(a_stop_by_another_is_told_as_shutdown)},
	{NAMED(a_failure_for_good_is_told_with_what_the_handler_returned)},
	{NAMED(a_kill_is_told_as_killed)},
	{NAMED(one_that_is_gone_is_told_at_once_as_noproc)},
	{NAMED(addresses_that_never_were_are_told_as_gone), .where = NEAR},
	{NAMED(each_monitor_of_a_pair_is_told_once)},
	{NAMED(every_watcher_is_told)},
	{NAMED(a_watcher_of_many_is_told_of_each)},
	{NAMED(two_watch_each_other)},
	{NAMED(a_watch_is_one_way)},
	{NAMED(down_comes_behind_what_the_dead_one_had_sent)},
	{NAMED(down_comes_behind_bodies_that_the_dead_one_had_sent)},
	{NAMED(down_comes_behind_what_waits_in_the_watchers_mailbox)},
	{NAMED(down_comes_behind_what_waits_in_the_dead_ones_outbox)},
	{NAMED(a_suspended_watcher_is_told_of_one_that_said_nothing)},
	{NAMED(messages_of_others_do_not_hold_up_a_down)},
	{NAMED(down_comes_behind_the_dead_ones_reply)},
	{NAMED(one_that_was_demonitored_is_not_told)},
	{NAMED(demonitor_ends_one_of_several)},
	{NAMED(a_due_down_is_taken_back_by_demonitor)},
	{NAMED(demonitor_twice_or_after_the_down_says_enoent)},
	{NAMED(only_its_owner_demonitors)},
	{NAMED(one_beside_a_monitor_through_restarts_is_told_of_each)},
	{NAMED(nobody_monitors_itself), .where = NEAR},
	{NAMED(one_without_signal_hook_cannot_monitor)},
	{NAMED(no_more_monitors_than_the_executor_has_and_again_when_one_ends),
	 .opts = four_watches},
	{NAMED(what_an_actor_watched_is_free_when_it_ends), .opts = four_watches},
	{0},
};
