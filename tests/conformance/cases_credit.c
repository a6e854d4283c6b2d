/* SPDX-License-Identifier: Apache-2.0 */
/* Credit, the outbox, and the pause of its sender: mycelium/actor.h, myc_send. */
#include "conformance/cases.h"

static struct probe *held_after_one(struct probe *a, const struct myc_behaviour *as)
{
	struct probe *b = spawn_as(THERE, as);

	hold_met(a, b);
	return b;
}

CASE(try_without_credit_says_eagain_and_sends_nothing)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow);

	RESULT(try_flood(a, b, 2), -EAGAIN);
	uint64_t went = a->word[0];

	assert_in_range(went, 1, 4); /* its credit */
	RESULT(try_number(a, b, 999), -EAGAIN);
	release(b);
	expect_numbers(b, 1, 1 + went);
}

CASE(credit_comes_back_when_messages_were_handled)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow);
	uint64_t next = 2;

	for (int round = 0; round < 5; round++) {
		RESULT(try_flood(a, b, next), -EAGAIN);
		assert_true(a->word[0] > 0);
		next += a->word[0];
		release(b);
		UNTIL(b->messages == next - 1);
		settle();
		hold(b);
	}
	release(b);
	expect_numbers(b, 1, next - 1);
}

CASE(no_more_wait_for_a_receiver_than_its_credit_for_one_sender)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow);

	for (int i = 0; i < 3; i++) {
		RESULT(try_flood(a, b, 2), -EAGAIN);
		settle();
	}
	assert_true(metrics_of(b).mailbox_depth <= 4);
	release(b);
	settle();
}

CASE(a_flooding_sender_spends_only_its_own_credit)
{
	struct probe *a = spawn(HERE), *c = spawn(ELSEWHERE), *b = held_after_one(a, &narrow);

	RESULT(try_flood(a, b, 2), -EAGAIN);
	UNTIL(try_number(c, b, 777) == 0);
	release(b);
	SAW(b, MESSAGE, 2 + (uint32_t)a->word[0]);
}

CASE(a_sender_that_finds_all_granted_to_others_gets_one_credit)
{
	struct probe *b = spawn_as(THERE, &tiny), *from[4];

	hold(b);
	for (int i = 0; i < 4; i++) {
		from[i] = spawn(i % 2 ? HERE : ELSEWHERE);
		UNTIL(try_number(from[i], b, (uint64_t)i) == 0);
	}
	release(b);
	SAW(b, MESSAGE, 4);
}

static void wait_paused(struct probe *who)
{
	UNTIL(metrics_of(who).outbox_depth > 0);
}

CASE(send_without_credit_waits_in_the_outbox_and_arrives_in_order)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow);

	OK(send_many(a, b, 2, 30));
	wait_paused(a);
	release(b);
	expect_numbers(b, 1, 31);
}

CASE(a_sender_with_an_outbox_handles_no_messages)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow);

	OK(send_many(a, b, 2, 30));
	wait_paused(a);
	OK(post(a, NUMBER, 1));
	settle();
	assert_int_equal(a->messages, 0);
	release(b);
	expect_numbers(a, 1, 1);
	expect_numbers(b, 1, 31);
}

CASE(a_sender_with_an_outbox_handles_no_timers_until_it_is_empty)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow);

	OK(start_timer(a, 5 * MS, 5 * MS, 3));
	OK(send_many(a, b, 2, 30));
	wait_paused(a);
	settle();
	struct probe *clock = spawn(HERE);
	uint32_t before = a->timers;

	OK(start_timer(clock, 60 * MS, 0, 1));
	SAW(clock, TIMER, 1);
	assert_int_equal(a->timers, before);
	release(b);
	SAW(a, TIMER, before + 1);
	OK(stop_timer(a, 3));
	expect_numbers(b, 1, 31);
}

CASE(a_sender_with_an_outbox_is_told_of_ends)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow), *c = spawn(ELSEWHERE);

	OK(watch(a, c, 0));
	OK(send_many(a, b, 2, 30));
	wait_paused(a);
	OK(leave(c, WHY(MYC_EXIT_USER, 3)));
	assert_true(is_down(nth(a, SIGNAL, 0), c, MYC_EXIT_USER, 3));
	release(b);
	expect_numbers(b, 1, 31);
}

CASE(a_sender_with_an_outbox_gets_replies)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow), *c = spawn(ELSEWHERE);

	c->react = keeps;
	OK(ask(a, c, LONG, 9));
	UNTIL(c->kept_count == 1);
	OK(send_many(a, b, 2, 30));
	wait_paused(a);
	OK(answer_kept(c, 0, 1234));
	assert_int_equal(nth(a, REPLY, 0)->payload, 1234);
	assert_int_equal(b->messages, 1);
	release(b);
	expect_numbers(b, 1, 31);
}

CASE(a_sender_with_an_outbox_can_be_stopped_and_its_end_is_told_behind_it)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow), *c = spawn(ELSEWHERE);

	OK(watch(b, a, 0));
	OK(watch(c, a, 0));
	hold(b);
	OK(send_many(a, b, 1, 30));
	wait_paused(a);
	OK(send_stop(c, a, MYC_STOP));
	UNTIL(ended(a));
	assert_true(is_down(nth(c, SIGNAL, 0), a, MYC_EXIT_SHUTDOWN, 0));
	settle();
	assert_int_equal(b->signals, 0);
	release(b);
	assert_true(is_down(nth(b, SIGNAL, 0), a, MYC_EXIT_SHUTDOWN, 0));
	assert_int_equal(b->messages, 30);
	expect_numbers(b, 1, 30);
}

static int job_fill_then_try(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 0; i < a[2] && !code; i++)
		code = do_send(self, me, a[0], SEND, a[1] + i, 8);
	return code ? code : do_send(self, me, a[0], TRY, a[1] + a[2], 8);
}

CASE(nothing_overtakes_what_waits_in_the_outbox)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow);

	RESULT(let(a, job_fill_then_try, b->address, 2, 10, 0), -EAGAIN);
	release(b);
	expect_numbers(b, 1, 11);
	OK(send_number(a, b, 12));
	expect_numbers(b, 1, 12);
}

static int job_fill_then_other(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 0; i < 10 && !code; i++)
		code = do_send(self, me, a[0], SEND, a[1] + i, 8);
	return code ? code : do_send(self, me, a[2], SEND, 1, 8);
}

CASE(an_outbox_towards_one_does_not_hold_up_messages_to_others)
{
	struct probe *a = spawn(HERE), *c = spawn(ELSEWHERE), *b = held_after_one(a, &narrow);

	OK(let(a, job_fill_then_other, b->address, 2, c->address, 0));
	expect_numbers(c, 1, 1);
	release(b);
	expect_numbers(b, 1, 11);
}

static void small_outbox(struct world_opts *opts)
{
	opts->system.outbox = 8;
}

CASE(a_full_outbox_says_enobufs_and_what_it_took_arrives)
{
	struct probe *a = spawn(HERE), *b = held_after_one(a, &narrow);

	RESULT(send_many(a, b, 2, 30), -ENOBUFS);
	wait_paused(a);
	release(b);
	SAW(b, MESSAGE, 9);
	settle();
	assert_in_range(b->messages, 9, 1 + 4 + 8);
	expect_numbers(b, 1, b->messages);
}

static void two_slots(struct world_opts *opts)
{
	opts->system.lane_slots = 2;
}

CASE(a_lane_of_two_slots_passes_hundreds_in_order)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint64_t i = 0; i < 4; i++)
		OK(send_many(a, b, 1 + 50 * i, 50));
	expect_numbers(b, 1, 200);
}

CASE(sends_to_oneself_without_credit_are_refused_as_deadlock)
{
	struct probe *a = spawn_as(HERE, &narrow);

	RESULT(send_many(a, a, 1, 30), -EDEADLK);
	SAW(a, MESSAGE, 1);
	settle();
	uint32_t went = a->messages;

	assert_in_range(went, 1, 4);
	expect_numbers(a, 1, went);
}

CASE(tries_to_oneself_without_credit_are_refused)
{
	struct probe *a = spawn_as(HERE, &narrow);

	RESULT(try_flood(a, a, 1), -EAGAIN);
	expect_numbers(a, 1, a->word[0]);
}

CASE(two_that_flood_each_other_pause_and_a_kill_frees_the_other)
{
	struct probe *a = spawn_as(HERE, &narrow), *b = spawn_as(THERE, &narrow);

	hold(a);
	hold(b);
	tell(a, job_fill_then_try, b->address, 1, 20, 0);
	tell(b, job_fill_then_try, a->address, 1, 20, 0);
	release(a);
	release(b);
	wait_paused(a);
	wait_paused(b);
	settle();
	assert_true(a->messages < 20 && b->messages < 20);
	OK(send_stop(keeper_of(a->place), a, MYC_STOP_KILL));
	UNTIL(ended(a));
	UNTIL(metrics_of(b).outbox_depth == 0);
	OK(send_number(keeper_of(b->place), b, 500));
	UNTIL(saw_number(b, 500));
}

const struct conform_case cases_credit[] = {
	{NAMED(try_without_credit_says_eagain_and_sends_nothing)},
	{NAMED(credit_comes_back_when_messages_were_handled)},
	{NAMED(no_more_wait_for_a_receiver_than_its_credit_for_one_sender)},
	{NAMED(a_flooding_sender_spends_only_its_own_credit)},
	{NAMED(a_sender_that_finds_all_granted_to_others_gets_one_credit)},
	{NAMED(send_without_credit_waits_in_the_outbox_and_arrives_in_order)},
	{NAMED(a_sender_with_an_outbox_handles_no_messages)},
	{NAMED(a_sender_with_an_outbox_handles_no_timers_until_it_is_empty)},
	{NAMED(a_sender_with_an_outbox_is_told_of_ends)},
	{NAMED(a_sender_with_an_outbox_gets_replies)},
	{NAMED(a_sender_with_an_outbox_can_be_stopped_and_its_end_is_told_behind_it)},
	{NAMED(nothing_overtakes_what_waits_in_the_outbox)},
	{NAMED(an_outbox_towards_one_does_not_hold_up_messages_to_others)},
	{NAMED(a_full_outbox_says_enobufs_and_what_it_took_arrives), .opts = small_outbox},
	{NAMED(a_lane_of_two_slots_passes_hundreds_in_order), .opts = two_slots},
	{NAMED(sends_to_oneself_without_credit_are_refused_as_deadlock), .where = NEAR},
	{NAMED(tries_to_oneself_without_credit_are_refused), .where = NEAR},
	{NAMED(two_that_flood_each_other_pause_and_a_kill_frees_the_other)},
	{0},
};
