/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that die as by kill -9, and come back: who is told, who is there again, and what becomes of messages:
 * mycelium/link.h, mycelium/actor.h. Fixed actors have their addresses again; others are gone with their process.
 */
#include "conformance/death_bed.h"

/* ---- told -------------------------------------------------------------------------------------- */

CASE(watchers_of_a_dead_process_are_told_noconnection_once)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(watch(a, b, 0));
	kill_place(THERE);
	expect_down(a, b, MYC_EXIT_NOCONNECTION);
	revive_place(THERE);
	settle();
	assert_int_equal(a->signals, 1);
}

CASE(monitors_through_restarts_are_told_of_a_dead_process_too)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(watch_through(a, b, 0));
	die_and_return(THERE);
	expect_down(a, b, MYC_EXIT_NOCONNECTION);
}

CASE(a_process_that_is_back_before_anybody_looked_is_told_all_the_same)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	for (uint32_t i = 0; i < 3; i++) {
		OK(watch(a, b, 0));
		die_and_return(THERE);
		assert_true(is_down(nth(a, SIGNAL, i), b, MYC_EXIT_NOCONNECTION, 0));
		UNTIL(b->inits == i + 2);
	}
}

CASE(the_restart_of_a_process_revives_no_watch)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(watch(a, b, 0));
	die_and_return(THERE);
	SAW(a, SIGNAL, 1);
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	UNTIL(ended(b));
	settle();
	assert_int_equal(a->signals, 1);
	RESULT(unwatch(a, 0), -ENOENT);
}

CASE(a_dead_process_takes_linked_ones_along)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);
	struct probe *w = fixed(ELSEWHERE, &plain);

	OK(watch(w, a, 0));
	OK(tie(a, b));
	kill_place(THERE);
	expect_down(w, a, MYC_EXIT_NOCONNECTION);
	revive_place(THERE);
}

CASE(one_that_traps_is_told_of_its_linked_ones_death)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(trap(a, true));
	OK(tie(a, b));
	kill_place(THERE);
	assert_true(is_exit(nth(a, SIGNAL, 0), b, MYC_EXIT_NOCONNECTION, 0, MYC_EVENT_LINK));
	revive_place(THERE);
	settle();
	assert_false(ended(a));
}

CASE(a_watch_of_one_in_a_dead_process_is_told_at_once)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(watch(a, b, 0));
	kill_place(THERE);
	SAW(a, SIGNAL, 1);
	OK(let(a, watch_job(), b->address, 0, 1, 0));
	assert_true(is_down(nth(a, SIGNAL, 1), b, MYC_EXIT_NOCONNECTION, 0));
	revive_place(THERE);
}

CASE(a_watchers_death_is_nothing_to_the_watched)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(watch(b, a, 0));
	OK(watch(a, b, 0));
	die_and_return(THERE);
	SAW(a, SIGNAL, 1);
	OK(leave(a, WHY(MYC_EXIT_USER, 1)));
	UNTIL(ended(a));
	settle();
	assert_int_equal(b->signals, 0); /* its tables went with it */
}

CASE(down_comes_behind_what_a_dead_process_had_sent)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(watch(a, b, 0));
	hold(a);
	OK(send_many(b, a, 1, 10));
	UNTIL(metrics_of(a).mailbox_depth == 10); /* not in its outbox */
	kill_place(THERE);
	settle();
	assert_int_equal(a->signals, 0);
	release(a);
	SAW(a, SIGNAL, 1);
	assert_int_equal(a->seen[10].what, SIGNAL);
	revive_place(THERE);
	expect_numbers(a, 1, 10);
}

CASE(who_stops_one_whose_process_dies_is_told_once)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(watch(a, b, 1));
	hold(b);
	OK(send_number(a, b, 1));
	OK(send_stop(a, b, MYC_STOP_DRAIN));
	settle();
	kill_place(THERE);
	expect_down(a, b, MYC_EXIT_NOCONNECTION);
	revive_place(THERE);
	settle();
	assert_int_equal(a->signals, 1);
}

/* ---- who is there again ------------------------------------------------------------------------ */

CASE(fixed_actors_come_again_with_address_and_counted_restarts)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(let(b, do_nothing, 0, 0, 0, 0));
	for (uint32_t i = 1; i <= 3; i++) {
		die_and_return(THERE);
		UNTIL(b->starts == i + 1);
		OK(send_number(a, b, i));
		assert_int_equal(nth(b, MESSAGE, i - 1)->restarts, i);
	}
	expect_numbers(b, 1, 3);
}

static int job_state(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint64_t *state = myc_state(self);
	int before = (int)*state;

	(void)me;
	*state = a[0];
	return before;
}

CASE(state_is_gone_with_the_process)
{
	struct probe *b = fixed(THERE, &plain);

	RESULT(let(b, job_state, 5, 0, 0, 0), 0);
	RESULT(let(b, job_state, 6, 0, 0, 0), 5);
	die_and_return(THERE);
	RESULT(let(b, job_state, 7, 0, 0, 0), 0);
}

CASE(timers_are_gone_with_the_process)
{
	struct probe *b = fixed(THERE, &plain);

	OK(start_timer(b, 20 * MS, 5 * MS, 1));
	die_and_return(THERE);
	UNTIL(b->inits == 2);
	uint32_t before = b->timers;

	OK(start_timer(b, 60 * MS, 0, 3));
	assert_int_equal(nth(b, TIMER, before)->number, 3);
}

CASE(spawned_actors_are_gone_with_their_process)
{
	struct probe *a = fixed(HERE, &plain), *b = spawn(THERE);

	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	die_and_return(THERE);
	settle();
	RESULT(send_number(a, b, 2), -ESRCH);
	RESULT(ask(a, b, LONG, 2), -ESRCH);
	OK(let(a, watch_job(), b->address, 0, 1, 0));
	SAW(a, SIGNAL, 1);
	assert_int_equal(b->messages, 1);
}

CASE(that_one_was_suspended_is_forgotten)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	hold(b);
	die_and_return(THERE);
	OK(send_number(a, b, 1));
	expect_numbers(b, 1, 1);
}

/* ---- messages ---------------------------------------------------------------------------------- */

CASE(messages_in_the_mailbox_of_a_dead_process_arrive_once_in_order)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	hold(b);
	OK(send_many(a, b, 1, 10));
	settle();
	die_and_return(THERE);
	expect_numbers(b, 1, 10);
	assert_int_equal(counted_dead_all(), 0);
}

CASE(messages_sent_to_a_dead_process_wait_for_its_return)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	kill_place(THERE);
	OK(send_many(a, b, 2, 9));
	revive_place(THERE);
	expect_numbers(b, 1, 10);
}

CASE(what_a_dead_process_had_sent_arrives)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	hold(a);
	OK(send_many(b, a, 1, 10));
	UNTIL(metrics_of(a).mailbox_depth == 10);
	kill_place(THERE);
	release(a);
	SAW(a, MESSAGE, 10);
	revive_place(THERE);
	expect_numbers(a, 1, 10);
}

CASE(what_waited_in_a_dead_process_outbox_arrives_when_it_is_back)
{
	struct probe *a = fixed(HERE, &narrow), *b = fixed(THERE, &plain);

	hold(a);
	OK(send_many(b, a, 1, 30));
	UNTIL(metrics_of(b).outbox_depth > 0);
	die_and_return(THERE);
	settle();
	release(a);
	expect_numbers(a, 1, 30);
}

CASE(pairs_go_on_in_order_over_many_deaths_of_the_receiver)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &narrow);

	for (uint64_t i = 0; i < 4; i++) {
		OK(send_many(a, b, 1 + 10 * i, 10));
		SAW(b, MESSAGE, 10 * ((uint32_t)i + 1));
		settle();
		die_and_return(THERE);
	}
	expect_numbers(b, 1, 40);
}

CASE(pairs_go_on_in_order_over_many_deaths_of_the_sender)
{
	struct probe *a = fixed(HERE, &narrow), *b = fixed(THERE, &plain);

	for (uint64_t i = 0; i < 4; i++) {
		OK(send_many(b, a, 1 + 10 * i, 10));
		SAW(a, MESSAGE, 10 * ((uint32_t)i + 1));
		settle();
		die_and_return(THERE);
	}
	expect_numbers(a, 1, 40);
}

CASE(signals_that_were_sent_last_cost_no_credit_over_deaths)
{
	struct probe *a = fixed(HERE, &narrow), *b = fixed_as(THERE, &plain, echoes);

	OK(send_number(b, a, 1)); /* the first pair of the lane */
	for (uint32_t i = 0; i < 6; i++) {
		OK(ask(a, b, LONG, i));
		SAW(a, REPLY, i + 1);
		die_and_return(THERE);
	}
	OK(send_many(b, a, 2, 9));
	expect_numbers(a, 1, 10);
}

CASE(two_of_three_processes_die_and_the_third_hears_from_both)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);
	struct probe *c = fixed(ELSEWHERE, &plain);

	OK(watch(a, b, 0));
	OK(watch(a, c, 1));
	kill_place(THERE);
	kill_place(ELSEWHERE);
	SAW(a, SIGNAL, 2);
	revive_place(ELSEWHERE);
	revive_place(THERE);
	OK(send_number(b, c, 1));
	expect_numbers(c, 1, 1);
	OK(send_number(c, a, 2));
	expect_numbers(a, 2, 2);
}

const struct conform_case cases_death[] = {
	{DEADLY(watchers_of_a_dead_process_are_told_noconnection_once)},
	{DEADLY(monitors_through_restarts_are_told_of_a_dead_process_too)},
	{DEADLY(a_process_that_is_back_before_anybody_looked_is_told_all_the_same)},
	{DEADLY(the_restart_of_a_process_revives_no_watch)},
	{DEADLY(a_dead_process_takes_linked_ones_along)},
	{DEADLY(one_that_traps_is_told_of_its_linked_ones_death)},
	{DEADLY(a_watch_of_one_in_a_dead_process_is_told_at_once)},
	{DEADLY(a_watchers_death_is_nothing_to_the_watched)},
	{DEADLY(down_comes_behind_what_a_dead_process_had_sent)},
	{DEADLY(who_stops_one_whose_process_dies_is_told_once)},
	{DEADLY(fixed_actors_come_again_with_address_and_counted_restarts)},
	{DEADLY(state_is_gone_with_the_process)},
	{DEADLY(timers_are_gone_with_the_process)},
	{DEADLY(spawned_actors_are_gone_with_their_process)},
	{DEADLY(that_one_was_suspended_is_forgotten)},
	{DEADLY(messages_in_the_mailbox_of_a_dead_process_arrive_once_in_order)},
	{DEADLY(messages_sent_to_a_dead_process_wait_for_its_return)},
	{DEADLY(what_a_dead_process_had_sent_arrives)},
	{DEADLY(what_waited_in_a_dead_process_outbox_arrives_when_it_is_back)},
	{DEADLY(pairs_go_on_in_order_over_many_deaths_of_the_receiver)},
	{DEADLY(pairs_go_on_in_order_over_many_deaths_of_the_sender)},
	{DEADLY(signals_that_were_sent_last_cost_no_credit_over_deaths)},
	{DEADLY(two_of_three_processes_die_and_the_third_hears_from_both)},
	{0},
};
