/* SPDX-License-Identifier: Apache-2.0 */
/* Stopping, draining, suspending: mycelium/link.h. */
#include "conformance/cases.h"

/* ---- stop, kill -------------------------------------------------------------------------------- */

CASE(a_stopped_actor_is_told_stopping_then_stopped_once)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_stop(a, b, MYC_STOP));
	UNTIL(ended(b));
	settle();
	assert_int_equal(b->stoppings, 1);
	assert_int_equal(b->stops, 1);
	assert_int_equal(b->inits, 1);
}

CASE(a_stop_overtakes_messages)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(send_many(a, b, 1, 8));
	OK(send_stop(a, b, MYC_STOP));
	UNTIL(ended(b));
	assert_int_equal(b->messages, 0);
	UNTIL(counted_dead(MYC_DEAD_LETTER_NO_ACTOR) == 8);
}

CASE(a_killed_actor_runs_no_handler_any_more)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_stop(a, b, MYC_STOP_KILL));
	UNTIL(ended(b));
	settle();
	assert_int_equal(b->stoppings, 0);
	assert_int_equal(b->stops, 0);
}

CASE(an_exit_is_the_last_but_stopped)
{
	struct probe *b = spawn(THERE);

	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	UNTIL(ended(b));
	settle();
	assert_int_equal(b->stoppings, 0);
	assert_int_equal(b->stops, 1);
}

static int job_exit_twice(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	myc_exit(self, why_of(a[0]));
	myc_exit(self, why_of(a[1]));
	return 0;
}

CASE(of_two_exits_in_a_handler_the_last_counts)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(let(b, job_exit_twice, WHY(MYC_EXIT_USER, 1), WHY(MYC_EXIT_USER, 2), 0, 0));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_USER, 2));
}

static int job_exit_and_send(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER});
	return do_send(self, me, a[0], SEND, 1, 8);
}

CASE(a_handler_that_exits_runs_to_its_end)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(let(b, job_exit_and_send, a->address, 0, 0, 0));
	UNTIL(ended(b));
	expect_numbers(a, 1, 1);
}

static int exits_and_fails(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)a;
	myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER});
	me->handler_code = -EIO;
	return 0;
}

CASE(an_exit_that_also_fails_is_an_exit)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	OK(watch(a, b, 0));
	OK(let(b, exits_and_fails, 0, 0, 0, 0));
	SAW(a, SIGNAL, 1);
	/* Whichever is told first, it ended or it restarted: once. */
	settle();
	assert_int_equal(a->signals, 1);
	assert_true(ended(b) == !(nth(a, SIGNAL, 0)->event.flags & MYC_EVENT_RESTARTED));
}

CASE(stopping_one_that_is_gone_says_esrch)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(send_stop(a, b, MYC_STOP), -ESRCH);
	RESULT(send_stop(a, b, MYC_STOP_DRAIN), -ESRCH);
	RESULT(send_stop(a, b, MYC_STOP_KILL), -ESRCH);
	RESULT(suspend(a, b), -ESRCH);
	RESULT(resume(a, b), -ESRCH);
}

CASE(a_way_to_stop_that_is_none_is_refused)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	RESULT(send_stop(a, b, 0), -EINVAL);
	RESULT(send_stop(a, b, 4), -EINVAL);
	settle();
	assert_false(ended(b));
}

CASE(stopping_twice_stops_once)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	hold(b);
	tell(a, stop_job(), b->address, MYC_STOP, 0, 0);
	tell(a, stop_job(), b->address, MYC_STOP, 0, 0);
	expect_down(a, b, MYC_EXIT_SHUTDOWN);
	UNTIL(a->jobs == 3);
	settle();
	assert_int_equal(b->stops, 1);
	assert_int_equal(a->signals, 1);
}

CASE(an_actor_stops_itself_by_a_signal)
{
	struct probe *a = spawn(HERE), *w = spawn(THERE);

	OK(watch(w, a, 0));
	OK(send_stop(a, a, MYC_STOP));
	expect_down(w, a, MYC_EXIT_SHUTDOWN);
	assert_int_equal(a->stoppings, 1);
}

CASE(a_suspended_one_is_stopped)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(send_stop(a, b, MYC_STOP));
	UNTIL(ended(b));
	assert_int_equal(b->stops, 1);
}

CASE(kill_after_stop_or_drain_kills)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	hold_draining(a, b, 3);
	assert_int_equal(a->signals, 0);
	OK(send_stop(keeper_of(b->place), b, MYC_STOP_KILL));
	expect_down(a, b, MYC_EXIT_KILLED);
	assert_int_equal(b->messages, 0);
}

static int looks_up(struct myc_actor *self, struct probe *me, const struct myc_signal_event *event)
{
	struct myc_ref ref;

	me->word[1] = (uint64_t)myc_lookup(self, "somebody", &ref);
	me->word[2] = (uint64_t)do_send(self, me, event->from, SEND, 1, 8);
	return 0;
}

CASE(a_name_is_free_before_the_end_is_told)
{
	struct probe *a = spawn(HERE), *b = spawn_named(THERE, "somebody");

	a->on_signal = looks_up;
	OK(look_up(a, "somebody"));
	assert_int_equal(a->word[0], b->address);
	OK(watch(a, b, 0));
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	SAW(a, SIGNAL, 1);
	assert_int_equal((int)a->word[1], -ENOENT);
	assert_int_equal((int)a->word[2], -ESRCH);
}

/* ---- drain ------------------------------------------------------------------------------------- */

CASE(a_drained_actor_handles_what_was_sent_to_it)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	hold_draining(a, b, 10);
	assert_false(ended(b));
	release(b);
	expect_down(a, b, MYC_EXIT_SHUTDOWN);
	assert_int_equal(b->messages, 10);
	assert_int_equal(b->stoppings, 1);
	assert_int_equal(b->stops, 1);
	assert_int_equal(counted_dead_all(), 0);
}

CASE(a_draining_actor_refuses_new_messages)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(send_number(a, b, 1));
	OK(send_stop(a, b, MYC_STOP_DRAIN));
	UNTIL(send_number(a, b, 2) == -ESRCH || b->seen[0].what);
	RESULT(try_number(a, b, 3), -ESRCH);
	RESULT(ask(a, b, LONG, 1), -ESRCH);
	RESULT(post(b, NUMBER, 4), -ESRCH);
	release(b);
	UNTIL(ended(b));
	assert_true(b->messages >= 1);
}

CASE(an_idle_actor_drains_at_once)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(send_stop(a, b, MYC_STOP_DRAIN));
	expect_down(a, b, MYC_EXIT_SHUTDOWN);
}

CASE(a_drained_actor_handles_bodies_too)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	for (uint64_t i = 1; i <= 5; i++)
		OK(send_sized(a, b, COPY_BODY, i, 4000));
	OK(send_stop(a, b, MYC_STOP_DRAIN));
	settle();
	release(b);
	UNTIL(ended(b));
	expect_numbers(b, 1, 5);
	expect_bodies_home();
}

CASE(a_draining_actor_answers_asks)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	b->react = echoes;
	hold(b);
	OK(ask(a, b, LONG, 5));
	OK(send_stop(a, b, MYC_STOP_DRAIN));
	settle();
	release(b);
	assert_int_equal(nth(a, REPLY, 0)->payload, 5);
	UNTIL(ended(b));
}

static int sends_on(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	notes(self, me, message);
	return do_send(self, me, me->word[0], SEND, me->messages, 8);
}

CASE(what_a_draining_actor_sends_arrives)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn_as(ELSEWHERE, &narrow);

	set_word(b, 0, c->address);
	b->react = sends_on;
	hold_draining(a, b, 12);
	release(b);
	UNTIL(ended(b));
	expect_numbers(c, 1, 12);
}

CASE(a_drain_that_finds_the_table_full_is_a_plain_stop)
{
	struct probe *b = spawn(THERE), *c = spawn(THERE), *a = spawn(HERE);

	for (uint32_t i = 0; i < 4; i++)
		OK(watch(c, a, i));
	hold_with(a, b, 3);
	OK(send_stop(a, b, MYC_STOP_DRAIN));
	UNTIL(ended(b));
	assert_int_equal(b->messages, 0);
	assert_int_equal(b->stops, 1);
}

static void four_watches(struct world_opts *opts)
{
	opts->executor.watches = 4;
}

static int fails_first(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	notes(self, me, message);
	return me->messages == 1 ? -EIO : 0;
}

CASE(one_that_fails_while_it_drains_restarts_and_drains_on)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	b->react = fails_first;
	hold_draining(a, b, 6);
	release(b);
	UNTIL(ended(b));
	assert_int_equal(b->messages, 6);
	assert_int_equal(b->inits, 2);
}

const struct conform_case cases_stop[] = {
	{NAMED(a_stopped_actor_is_told_stopping_then_stopped_once)},
	{NAMED(a_stop_overtakes_messages)},
	{NAMED(a_killed_actor_runs_no_handler_any_more)},
	{NAMED(an_exit_is_the_last_but_stopped)},
	{NAMED(of_two_exits_in_a_handler_the_last_counts)},
	{NAMED(a_handler_that_exits_runs_to_its_end)},
	{NAMED(an_exit_that_also_fails_is_an_exit)},
	{NAMED(stopping_one_that_is_gone_says_esrch)},
	{NAMED(a_way_to_stop_that_is_none_is_refused)},
	{NAMED(stopping_twice_stops_once)},
	{NAMED(an_actor_stops_itself_by_a_signal)},
	{NAMED(a_suspended_one_is_stopped)},
	{NAMED(kill_after_stop_or_drain_kills)},
	{NAMED(a_name_is_free_before_the_end_is_told)},
	{NAMED(a_drained_actor_handles_what_was_sent_to_it)},
	{NAMED(a_draining_actor_refuses_new_messages)},
	{NAMED(an_idle_actor_drains_at_once)},
	{NAMED(a_drained_actor_handles_bodies_too)},
	{NAMED(a_draining_actor_answers_asks)},
	{NAMED(what_a_draining_actor_sends_arrives)},
	{NAMED(a_drain_that_finds_the_table_full_is_a_plain_stop), .where = FAR,
	 .opts = four_watches},
	{NAMED(one_that_fails_while_it_drains_restarts_and_drains_on)},
	{0},
};
