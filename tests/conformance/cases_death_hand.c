/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes that die as by kill -9, and come back: the message that was in hand, bodies and asks: mycelium/actor.h,
 * mycelium/body.h, mycelium/ask.h.
 */
#include "conformance/death_bed.h"

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

/* Five bodies, and the third is the end of its receiver. */
static void die_over_bodies(struct probe *a, struct probe *b)
{
	expect_doubt();
	hold(b);
	for (uint64_t i = 1; i <= 5; i++)
		OK(send_sized(a, b, COPY_BODY, i, 3000));
	OK(resume(a, b));
	death_of(THERE);
}

CASE(the_body_in_hand_comes_again_whole)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &stubborn, dies_at_three);

	die_over_bodies(a, b);
	expect_numbers(b, 1, 5);
	expect_bodies_home();
}

CASE(the_body_in_hand_of_one_that_does_not_want_it_again_goes_home)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, &plain, dies_at_three);

	die_over_bodies(a, b);
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

const struct conform_case cases_death_hand[] = {
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
