/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that die as by kill -9, and come back: mycelium/link.h, mycelium/actor.h. Fixed actors have
 * their addresses again; others are gone with their process.
 */
#include "conformance/cases.h"

static void die_and_return(uint32_t where)
{
	kill_place(where);
	revive_place(where);
}

static struct probe *fixed_as(uint32_t where, const struct myc_behaviour *as, reaction react)
{
	struct probe *made = fixed(where, as);

	made->react = react;
	return made;
}

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

/* ---- the message in hand ----------------------------------------------------------------------- */

static int dies_at_three(struct myc_actor *self, struct probe *me,
			 const struct myc_message *message)
{
	uint64_t number;

	memcpy(&number, message->payload, sizeof(number));
	if (number == 3 && !(message->flags & MYC_MESSAGE_REDELIVERED) && !me->word[0]) {
		me->word[0] = 1;
		way.die();
	}
	return notes(self, me, message);
}

CASE(the_message_in_hand_is_in_doubt_and_the_others_arrive)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &plain, dies_at_three);

	expect_doubt();
	OK(send_many(a, b, 1, 6));
	death_of(THERE);
	SAW(b, MESSAGE, 5);
	UNTIL(counted_dead(MYC_DEAD_LETTER_IN_DOUBT) == 1);
	static const uint64_t numbers[] = {1, 2, 4, 5, 6};

	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(nth(b, MESSAGE, i)->number, numbers[i]);
	assert_int_equal(metrics_of(b).in_doubt, 1);
}

CASE(the_message_in_hand_comes_again_marked_to_who_wants_it)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &stubborn, dies_at_three);

	expect_doubt();
	OK(send_many(a, b, 1, 6));
	death_of(THERE);
	expect_numbers(b, 1, 6);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(nth(b, MESSAGE, i)->flags, i == 2 ? MYC_MESSAGE_REDELIVERED : 0);
}

CASE(the_body_in_hand_comes_again_whole)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &stubborn, dies_at_three);

	expect_doubt();
	hold(b);
	for (uint64_t i = 1; i <= 5; i++)
		OK(send_sized(a, b, COPY_BODY, i, 3000));
	OK(resume(a, b));
	death_of(THERE);
	expect_numbers(b, 1, 5);
	expect_bodies_home();
}

CASE(the_body_in_hand_of_one_that_does_not_want_it_again_goes_home)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &plain, dies_at_three);

	expect_doubt();
	hold(b);
	for (uint64_t i = 1; i <= 5; i++)
		OK(send_sized(a, b, COPY_BODY, i, 3000));
	OK(resume(a, b));
	death_of(THERE);
	SAW(b, MESSAGE, 4);
	expect_bodies_home();
}

static int sends_and_dies(struct myc_actor *self, struct probe *me,
			  const struct myc_message *message)
{
	uint64_t number;

	memcpy(&number, message->payload, sizeof(number));
	int code = do_send(self, me, me->word[1], SEND, number, 8);

	if (!me->word[0]) {
		me->word[0] = 1;
		way.die();
	}
	return code;
}

CASE(what_a_handler_had_sent_when_it_died_arrives)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &plain, sends_and_dies);

	expect_doubt();
	b->word[1] = a->address;
	OK(send_number(a, b, 1));
	death_of(THERE);
	OK(send_number(a, b, 2));
	expect_numbers(a, 1, 2);
}

/* ---- bodies, asks ------------------------------------------------------------------------------ */

CASE(bodies_of_a_dead_process_arrive_whole_and_go_home)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	hold(a);
	for (uint64_t i = 1; i <= 6; i++)
		OK(send_sized(b, a, COPY_BODY, i, 4000));
	UNTIL(metrics_of(a).mailbox_depth == 6);
	kill_place(THERE);
	release(a);
	SAW(a, MESSAGE, 6);
	revive_place(THERE);
	expect_numbers(a, 1, 6);
	expect_bodies_home();
}

CASE(bodies_in_the_mailbox_of_a_dead_process_arrive_when_it_is_back)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	hold(b);
	for (uint64_t i = 1; i <= 6; i++)
		OK(send_sized(a, b, COPY_BODY, i, 4000));
	settle();
	die_and_return(THERE);
	expect_numbers(b, 1, 6);
	expect_bodies_home();
}

static int job_take(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (int i = 0; i < SLOTS && !code; i++)
		code = myc_body_take(self, (uint32_t)a[0], &me->body[i]);
	return code;
}

CASE(what_a_dead_process_had_taken_is_free_again)
{
	struct probe *b = fixed(THERE, &plain);

	for (int i = 0; i < 3; i++) {
		OK(let(b, job_take, 4000, 0, 0, 0)); /* all eight */
		die_and_return(THERE);
		UNTIL(b->inits == (uint32_t)i + 2);
	}
	expect_bodies_home();
}

static int keeps_body(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	int code = myc_body_keep(self, message, &me->body[me->messages % SLOTS]);

	return code ? code : notes(self, me, message);
}

CASE(what_a_dead_process_had_kept_goes_home)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &plain, keeps_body);

	for (uint64_t i = 1; i <= 6; i++)
		OK(send_sized(a, b, COPY_BODY, i, 4000));
	SAW(b, MESSAGE, 6);
	settle();
	die_and_return(THERE);
	expect_bodies_home();
}

CASE(an_ask_of_one_whose_process_dies_comes_back_as_enotconn)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &plain, keeps);

	OK(ask(a, b, LONG, 3));
	UNTIL(b->kept_count == 1);
	kill_place(THERE);
	assert_int_equal(nth(a, REPLY, 0)->status, -ENOTCONN);
	assert_int_equal(nth(a, REPLY, 0)->number, 3);
	revive_place(THERE);
	settle();
	assert_int_equal(a->replies, 1);
}

CASE(an_await_of_one_whose_process_dies_ends_and_its_actor_goes_on)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &plain, keeps);

	OK(await(a, b, LONG, 3));
	UNTIL(b->kept_count == 1);
	OK(post(a, NUMBER, 1));
	kill_place(THERE);
	SAW(a, MESSAGE, 1);
	assert_int_equal(nth(a, REPLY, 0)->status, -ENOTCONN);
	revive_place(THERE);
}

/* By one thread of HERE, until there is no credit: then a call has to wait for it. a: to whom. */
static int spend_and_call(struct myc_system *system, uint64_t *a)
{
	uint64_t number = 0;
	int code;

	do
		code = myc_post_try(system, a[0], NUMBER, &number, sizeof(number));
	while (!code);
	return code == -EAGAIN
		       ? myc_call(system, a[0], REQUEST, &number, sizeof(number), NULL, MYC_FOREVER)
		       : code;
}

CASE(a_call_that_waits_for_credit_of_a_dead_process_ends)
{
	struct probe *b = fixed(THERE, &plain);
	uint64_t a[ERRAND_WORDS] = {b->address};

	kill_place(THERE);
	RESULT(way.at(HERE, spend_and_call, a), -ENOTCONN);
	revive_place(THERE);
}

CASE(a_gathers_member_in_a_dead_process_fails_as_a_member)
{
	struct probe *a = fixed(HERE, &plain),
		     *b[2] = {fixed_as(THERE, &plain, keeps), fixed_as(ELSEWHERE, &plain, keeps)};

	OK(gather(a, b, 2, 1, LONG, 3));
	UNTIL(b[0]->kept_count == 1 && b[1]->kept_count == 1);
	kill_place(THERE);
	assert_int_equal(nth(a, REPLY, 0)->status, -ENOTCONN);
	assert_int_equal(nth(a, REPLY, 0)->index, 0);
	OK(answer_kept(b[1], 0, 5));
	assert_int_equal(nth(a, REPLY, 2)->kind, MYC_REPLY_GATHER);
	assert_int_equal(nth(a, REPLY, 2)->status, 0);
	revive_place(THERE);
}

CASE(a_reply_to_a_former_life_of_the_askers_process_is_late)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	a->react = keeps;
	OK(ask(b, a, LONG, 3));
	UNTIL(a->kept_count == 1);
	die_and_return(THERE);
	UNTIL(b->inits == 2);
	OK(answer_kept(a, 0, 1));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	OK(ask(b, a, LONG, 4));
	UNTIL(a->kept_count == 2);
	OK(answer_kept(a, 1, 2));
	assert_int_equal(nth(b, REPLY, 0)->number, 4);
	assert_int_equal(b->replies, 1);
}

CASE(a_cycle_through_a_dead_process_is_none)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	a->react = b->react = keeps;
	OK(await(b, a, LONG, 1)); /* b awaits a, and dies so */
	UNTIL(a->kept_count == 1);
	die_and_return(THERE);
	UNTIL(b->inits == 2);
	OK(await(a, b, LONG, 2));
	UNTIL(b->kept_count == 1);
	OK(answer_kept(b, 0, 5));
	assert_int_equal(nth(a, REPLY, 0)->status, 0);
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
	{DEADLY(the_message_in_hand_is_in_doubt_and_the_others_arrive)},
	{DEADLY(the_message_in_hand_comes_again_marked_to_who_wants_it)},
	{DEADLY(the_body_in_hand_comes_again_whole)},
	{DEADLY(the_body_in_hand_of_one_that_does_not_want_it_again_goes_home)},
	{DEADLY(what_a_handler_had_sent_when_it_died_arrives)},
	{DEADLY(bodies_of_a_dead_process_arrive_whole_and_go_home)},
	{DEADLY(bodies_in_the_mailbox_of_a_dead_process_arrive_when_it_is_back)},
	{DEADLY(what_a_dead_process_had_taken_is_free_again)},
	{DEADLY(what_a_dead_process_had_kept_goes_home)},
	{DEADLY(an_ask_of_one_whose_process_dies_comes_back_as_enotconn)},
	{DEADLY(an_await_of_one_whose_process_dies_ends_and_its_actor_goes_on)},
	{DEADLY(a_call_that_waits_for_credit_of_a_dead_process_ends)},
	{DEADLY(a_gathers_member_in_a_dead_process_fails_as_a_member)},
	{DEADLY(a_reply_to_a_former_life_of_the_askers_process_is_late)},
	{DEADLY(a_cycle_through_a_dead_process_is_none)},
	{0},
};
