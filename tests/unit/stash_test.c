/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that an actor puts aside: order, bounds, asks, restarts. */
#include "unit/stash_bed.h"

/* ---- order and bounds ------------------------------------------------------------------------------- */

static void what_was_put_aside_comes_back_before_what_came_later(void **state)
{
	(void)state;
	numbers(1, 5);
	assert_int_equal(handled_count, 0);
	assert_int_equal(stashed(), 5);
	assert_int_equal(actor_of(keeper_address)->metrics->mailbox_depth, 5);
	post_sized(OPEN, 0, 4);
	post_sized(NUMBER, 6, 4);
	post_sized(NUMBER, 7, 4);
	idle();
	assert_int_equal(last_count, 5);
	handled_are(1, 2, 3, 4, 5, 6, 7);
	assert_int_equal(stashed(), 0);
	assert_int_equal(actor_of(keeper_address)->metrics->mailbox_depth, 0);
}

static void some_come_back_and_are_put_aside_again_in_their_place(void **state)
{
	(void)state;
	numbers(1, 5);
	post(GIVE, 2); /* still closed: they go aside again */
	assert_int_equal(last_count, 2);
	assert_int_equal(stashed(), 5);
	numbers(6, 7);
	post(GIVE, 0);
	assert_int_equal(last_count, 0);
	post(GIVE, 100);
	assert_int_equal(last_count, 7);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5, 6, 7);
}

static void beyond_the_limit_it_is_refused_and_nothing_is_lost(void **state)
{
	(void)state;
	numbers(1, 8);
	assert_int_equal(refused, 0);
	numbers(9, 10);
	assert_int_equal(refused, 2);
	assert_int_equal(stashed(), 8);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5, 6, 7, 8);
}

static void without_a_declared_capacity_there_is_no_stash(void **state)
{
	static struct myc_behaviour none;

	(void)state;
	end(NULL);
	none = keeper;
	none.stash_capacity = 0;
	none.init = NULL;
	open_kit(NULL, &none);
	numbers(1, 3);
	assert_int_equal(refused, 3);
	assert_int_equal(stashed(), 0);
}

/* ---- credit -------------------------------------------------------------------------------------------- */

static void put_aside_they_keep_their_senders_credit(void **state)
{
	static struct myc_behaviour small;
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &sender};
	myc_address from;
	uint32_t many = 100;

	(void)state;
	end(NULL);
	small = keeper;
	small.capacity_per_sender = 6;
	open_kit(NULL, &small);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &from), 0);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(myc_testkit_post(kit, from, SEND, &many, sizeof(many)), 0);
		idle();
		assert_int_equal(last_code, -EAGAIN);
	}
	/* Six of them, however often it tries, though none waits in front of the actor. */
	assert_int_equal(actor_of(keeper_address)->pending_count, 0);
	assert_int_equal(stashed(), 6);
	assert_int_equal(actor_of(keeper_address)->metrics->mailbox_depth, 6);
	assert_int_equal(refused, 0);
	post(OPEN, 0);
	handled_are(0, 1, 2, 3, 4, 5);
	assert_int_equal(myc_testkit_post(kit, from, SEND, &many, sizeof(many)), 0);
	idle();
	assert_true(handled_count >= 6);
	for (uint32_t i = 0; i < handled_count; i++)
		assert_int_equal(handled[i], 6 + i);
}

static void senders_are_not_mixed_up(void **state)
{
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &sender};
	uint32_t three = 3;
	myc_address from;

	(void)state;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &from), 0);
	post(NUMBER, 100);
	assert_int_equal(myc_testkit_post(kit, from, SEND, &three, sizeof(three)), 0);
	idle();
	post(NUMBER, 101);
	post(GIVE, 3);
	post(NUMBER, 102);
	post(OPEN, 0);
	handled_are(100, 0, 1, 2, 101, 102);
}

static void urgent_ones_come_back_first_after_a_kill_too(void **state)
{
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &sender};
	myc_address from;

	(void)state;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &from), 0);
	for (uint32_t killed = 0; killed < 2; killed++) {
		numbers(1, 2);
		for (uint32_t urgent = 50; urgent < 52; urgent++) {
			last_code = -EAGAIN;
			for (int i = 0; i < 10 && last_code == -EAGAIN; i++) {
				assert_int_equal(myc_testkit_post(kit, from, SEND_URGENT, &urgent,
								  sizeof(urgent)),
						 0);
				idle();
			}
			assert_int_equal(last_code, 0);
		}
		numbers(3, 3);
		assert_int_equal(stashed(), 5);
		if (killed)
			assert_int_equal(myc_testkit_crash(kit, 0), 0);
		idle();
		assert_int_equal(stashed(), 5);
		post(OPEN, 0);
		handled_are(50, 51, 1, 2, 3);
		post(CLOSE, 0);
	}
}

/* ---- postponed --------------------------------------------------------------------------------------- */

static void a_change_of_behaviour_brings_back_what_was_postponed_and_only_that(void **state)
{
	(void)state;
	post(NUMBER, 1);
	post(TICK, 2);
	post(NUMBER, 3);
	post(TICK, 4);
	post(TICK, 5);
	assert_int_equal(stashed(), 5);
	post(CHANGE, 0);
	handled_are(2, 4, 5);
	assert_int_equal(stashed(), 2);
	post(BACK, 0);
	post(OPEN, 0);
	handled_are(1, 3);
}

static void a_change_in_the_same_handler_counts_before_and_after(void **state)
{
	(void)state;
	post(TICK, 1);
	post_sized(BOTH, 2, 4);
	post_sized(NUMBER, 3, 4);
	idle();
	handled_are(1, 2, 3);
	post(BACK, 0);
	post(REVERSED, 4);
	handled_are(4);
	assert_int_equal(stashed(), 0);
}

static void a_change_in_the_handler_before_does_not_count(void **state)
{
	(void)state;
	for (uint32_t i = 1; i < 4; i++) {
		post(CHANGE, 0);
		post(BACK, 0);
		post(TICK, i);
		idle();
		assert_int_equal(stashed(), 1);
		post(CHANGE, 0);
		handled_are(i);
		post(BACK, 0);
		/* Nor one in a former life. */
		post(FAIL, 0);
		post(TICK, 10 + i);
		idle();
		assert_int_equal(stashed(), 1);
		post(CHANGE, 0);
		handled_are(10 + i);
		post(BACK, 0);
	}
}

/* ---- failure and end --------------------------------------------------------------------------------- */

static void a_restart_finds_all_in_the_mailbox_but_the_one_that_failed(void **state)
{
	(void)state;
	numbers(1, 4);
	post(TICK, 100);
	post(FAIL, 0); /* put aside and failed: handled */
	assert_int_equal(myc_restarts(actor_of(keeper_address)), 1);
	/* Closed again: they have gone aside again, and are not lost. */
	assert_int_equal(stashed(), 5);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4);
	assert_int_equal(actor_of(keeper_address)->metrics->messages, 5 + 1 + 5 + 1 + 5);
}

static void its_stop_makes_dead_letters_of_them(void **state)
{
	uint64_t before = dead_letters();

	(void)state;
	numbers(1, 3);
	post(TICK, 4);
	post(STOP, 0); /* itself put aside */
	assert_int_equal(dead_letters() - before, 5);
	assert_int_equal(handled_count, 0);
}

static void a_drain_does_not_wait_for_them(void **state)
{
	uint64_t before = dead_letters();

	(void)state;
	numbers(1, 3);
	assert_int_equal(
		myc_actor_stop(myc_testkit_system(kit, 0), keeper_address, MYC_STOP_DRAIN, 0), 0);
	idle();
	assert_int_equal(dead_letters() - before, 3);
	assert_int_equal(actor_of(keeper_address)->life, MYC_ACTOR_FREE);
}

/* ---- asks -------------------------------------------------------------------------------------------- */

static uint32_t answers, answers_right;
static int answer_status;

static int asker_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	uint32_t number;

	memcpy(&number, message->payload, sizeof(number));
	assert_int_equal(myc_resolve(self, keeper_address, &to), 0);
	return myc_ask(self, &to, NUMBER, &number, sizeof(number), 1000000000u, number, NULL);
}

static int asker_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	answers++;
	answer_status = reply->status;
	answers_right += !reply->status && reply->cookie == *(const uint32_t *)reply->payload;
	return 0;
}

static const struct myc_behaviour asker = {
	.name = "asker", .message = asker_message, .reply = asker_reply};

static int answering(struct myc_actor *self, const struct myc_message *message)
{
	int code = keeper_message(self, message);

	if (!code && message->correlation && (open_now || ((struct keeper *)myc_state(self))->open))
		code = myc_reply(self, message, 1, message->payload, message->size);
	return code;
}

static myc_address ask_three(void)
{
	static struct myc_behaviour answerer;
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &asker};
	myc_address from;

	end(NULL);
	answerer = keeper;
	answerer.message = answering;
	answers = answers_right = 0;
	open_kit(NULL, &answerer);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &from), 0);
	for (uint32_t i = 1; i <= 3; i++)
		assert_int_equal(myc_testkit_post(kit, from, NUMBER, &i, sizeof(i)), 0);
	idle();
	assert_int_equal(stashed(), 3);
	assert_int_equal(answers, 0);
	return from;
}

static void asks_are_answered_when_their_turn_comes(void **state)
{
	(void)state;
	ask_three();
	post(OPEN, 0);
	assert_int_equal(answers_right, 3);
}

static void asks_among_them_are_bounced_at_the_end(void **state)
{
	(void)state;
	ask_three();
	post(STOP, 0);
	assert_int_equal(answers, 3);
	assert_int_equal(answer_status, -ESRCH);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_was_put_aside_comes_back_before_what_came_later),
		CASE(some_come_back_and_are_put_aside_again_in_their_place),
		CASE(beyond_the_limit_it_is_refused_and_nothing_is_lost),
		CASE(without_a_declared_capacity_there_is_no_stash),
		CASE(put_aside_they_keep_their_senders_credit),
		CASE(senders_are_not_mixed_up),
		CASE(urgent_ones_come_back_first_after_a_kill_too),
		CASE(a_change_of_behaviour_brings_back_what_was_postponed_and_only_that),
		CASE(a_change_in_the_same_handler_counts_before_and_after),
		CASE(a_change_in_the_handler_before_does_not_count),
		CASE(a_restart_finds_all_in_the_mailbox_but_the_one_that_failed),
		CASE(its_stop_makes_dead_letters_of_them),
		CASE(a_drain_does_not_wait_for_them),
		CASE(asks_are_answered_when_their_turn_comes),
		CASE(asks_among_them_are_bounced_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
