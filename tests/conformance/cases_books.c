/* SPDX-License-Identifier: Apache-2.0 */
/* Every message and every refusal is counted, and the sums add up: metrics and dead letters. */
#include "conformance/cases.h"

/* ---- dead letters by their reason -------------------------------------------------------------- */

static void only_dead(enum myc_dead_letter why, uint64_t count)
{
	UNTIL(counted_dead(why) == count);
	settle();
	assert_int_equal(counted_dead(why), count);
	assert_int_equal(counted_dead_all(), count);
}

CASE(what_was_in_the_mailbox_of_one_that_ended_is_dead_for_want_of_an_actor)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	hold_with(a, b, 7);
	OK(send_stop(a, b, MYC_STOP_KILL));
	UNTIL(ended(b));
	only_dead(MYC_DEAD_LETTER_NO_ACTOR, 7);
}

CASE(what_was_in_the_outbox_towards_one_that_ended_is_dead_there)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	settle();
	hold(b);
	OK(send_many(a, b, 1, 20));
	UNTIL(metrics_of(a).outbox_depth > 0);
	settle();
	uint64_t waiting = metrics_of(a).outbox_depth, there = metrics_of(b).mailbox_depth;

	assert_int_equal(waiting + there, 20);
	OK(send_stop(keeper_of(b->place), b, MYC_STOP_KILL));
	UNTIL(ended(b));
	UNTIL(metrics_of(a).outbox_depth == 0);
	settle();
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_OUTBOX_NO_ACTOR), waiting);
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_NO_ACTOR), there);
	OK(post(a, NUMBER, 1)); /* it goes on */
	expect_numbers(a, 1, 1);
}

CASE(late_replies_are_dead_as_such)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	for (uint64_t i = 0; i < 3; i++) {
		OK(ask(a, b, LONG, i));
		OK(cancel(a, (uint32_t)i));
	}
	UNTIL(b->kept_count == 3);
	for (uint32_t i = 0; i < 3; i++)
		OK(answer_kept(b, i, 0));
	only_dead(MYC_DEAD_LETTER_LATE_REPLY, 3);
}

CASE(a_refused_send_is_no_dead_letter)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(send_number(a, b, 1), -ESRCH);
	RESULT(send_sized(a, b, COPY_BODY, 1, 100), -ESRCH);
	settle();
	assert_int_equal(counted_dead_all(), 0);
}

/* ---- metrics ----------------------------------------------------------------------------------- */

CASE(handled_messages_are_counted)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_many(a, b, 1, 25));
	SAW(b, MESSAGE, 25);
	settle();
	assert_int_equal(metrics_of(b).messages, 25);
	assert_int_equal(metrics_of(b).mailbox_depth, 0);
}

CASE(sent_and_refused_messages_are_counted)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	settle();
	struct myc_actor_metrics before = metrics_of(a);

	hold(b);
	RESULT(try_flood(a, b, 1), -EAGAIN);
	RESULT(try_number(a, b, 9), -EAGAIN);
	UNTIL(metrics_of(a).messages_sent - before.messages_sent == a->word[0]);
	assert_int_equal(metrics_of(a).sends_refused - before.sends_refused, 2);
	release(b);
	expect_numbers(b, 0, a->word[0]);
	settle();
	assert_int_equal(metrics_of(a).messages_sent - before.messages_sent, a->word[0]);
}

/* At once, in a body, by the outbox, urgent: each has a count of its own, or shares one. */
CASE(what_is_sent_is_counted_once_whichever_way_it_goes)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow), *c = spawn(HERE);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	hold(b);
	OK(send_many(a, b, 1, 30));
	UNTIL(metrics_of(a).outbox_depth > 0);
	release(b);
	expect_numbers(b, 0, 30);
	for (uint64_t i = 31; i < 41; i++)
		OK(send_sized(a, b, COPY_BODY, i, 1000));
	expect_numbers(b, 0, 40);
	OK(send_many(a, c, 0, 100));
	expect_numbers(c, 0, 99); /* else each may wait for the other's credit */
	OK(send_many(c, a, 0, 70));
	expect_numbers(a, 0, 69);
	OK(send_urgent(a, b, 41));
	expect_numbers(b, 0, 41);
	settle();
	assert_int_equal(metrics_of(a).messages_sent, 142);
	assert_int_equal(metrics_of(c).messages_sent, 70);
	assert_int_equal(metrics_of(b).messages, 42);
	assert_int_equal(metrics_of(b).messages_sent, 0);
}

CASE(bodies_are_counted_as_messages)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint64_t i = 1; i <= 5; i++)
		OK(send_sized(a, b, i % 2 ? COPY_BODY : SHARE, i, 1000));
	expect_numbers(b, 1, 5);
	settle();
	assert_int_equal(metrics_of(b).messages, 5);
	assert_int_equal(metrics_of(a).messages_sent, 5);
}

CASE(the_mailboxes_depth_and_its_peak_are_told)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(send_many(a, b, 1, 9));
	UNTIL(metrics_of(b).mailbox_depth == 9);
	release(b);
	expect_numbers(b, 1, 9);
	UNTIL(metrics_of(b).mailbox_depth == 0);
	assert_int_equal(metrics_of(b).mailbox_depth_max, 9);
}

CASE(timers_that_fired_are_counted)
{
	struct probe *a = spawn(HERE);

	OK(start_timer(a, MS, MS, 1));
	SAW(a, TIMER, 5);
	OK(stop_timer(a, 1));
	settle();
	assert_int_equal(metrics_of(a).timers, a->timers);
}

CASE(restarts_are_counted)
{
	struct probe *a = spawn_restarting(THERE, 5);

	for (uint32_t i = 1; i <= 4; i++) {
		OK(fail_with(a, -EIO));
		UNTIL(a->inits == i + 1);
	}
	assert_int_equal(metrics_of(a).restarts, 4);
}

CASE(the_next_actor_of_a_slot_begins_with_counters_of_its_own)
{
	struct probe *a = spawn(HERE), *b = NULL, *first = spawn(THERE);

	OK(send_many(a, first, 1, 5));
	SAW(first, MESSAGE, 5);
	OK(stop_self(first));
	UNTIL(ended(first));
	for (int i = 0; i < 20; i++) {
		b = spawn(THERE);
		if (myc_address_slot(b->address) == myc_address_slot(first->address))
			break;
		OK(stop_self(b));
		UNTIL(ended(b));
	}
	assert_int_equal(myc_address_slot(b->address), myc_address_slot(first->address));
	OK(send_number(a, b, 1));
	expect_numbers(b, 1, 1);
	assert_int_equal(metrics_of(b).messages, 1);
}

static void eight_actors(struct world_opts *opts)
{
	opts->system.actors = 8;
}

/* ---- sums -------------------------------------------------------------------------------------- */

/* Tries to send one to each of three; word[0]: how many went. */
static int job_spray(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	for (uint64_t i = 0; i < 12; i++)
		me->word[0] += !do_send(self, me, a[i % 3], TRY, i, i % 4 ? 8 : 100);
	return 0;
}

CASE(what_was_sent_was_handled_or_is_a_dead_letter)
{
	struct probe *from[3], *to[3];
	uint64_t sent = 0, handled = 0;

	for (uint32_t i = 0; i < 3; i++) {
		from[i] = spawn(i);
		to[i] = spawn_as(i, i == 1 ? &narrow : &plain);
	}
	for (int round = 0; round < 6; round++) {
		for (int i = 0; i < 3; i++)
			tell(from[i], job_spray, to[0]->address, to[1]->address, to[2]->address, 0);
		if (round == 2)
			OK(send_stop(keeper_of(to[0]->place), to[0], MYC_STOP_KILL));
		if (round == 4)
			OK(send_stop(keeper_of(to[2]->place), to[2], MYC_STOP));
	}
	for (int i = 0; i < 3; i++)
		UNTIL(from[i]->jobs == 6);
	settle();
	for (int i = 0; i < 3; i++) {
		sent += from[i]->word[0];
		handled += to[i]->messages;
	}
	assert_int_equal(sent, handled + counted_dead_all());
	assert_true(sent > 0 && handled > 0);
	expect_bodies_home();
}

CASE(every_accepted_ask_has_one_outcome)
{
	struct probe *a = spawn(HERE), *b[3];
	uint32_t asked = 0;

	for (uint32_t i = 0; i < 3; i++)
		b[i] = replier(i, i ? echoes : keeps);
	for (uint64_t i = 0; i < 24; i++) {
		asked += !ask(a, b[i % 3], i % 2 ? LONG : 20 * MS, i);
		if (i == 11)
			OK(send_stop(keeper_of(b[1]->place), b[1], MYC_STOP_KILL));
	}
	for (uint32_t i = 0; i < b[0]->kept_count; i++)
		(void)answer_kept(b[0], i, i);
	SAW(a, REPLY, asked);
	settle();
	assert_int_equal(a->replies, asked);
}

const struct conform_case cases_books[] = {
	{NAMED(what_was_in_the_mailbox_of_one_that_ended_is_dead_for_want_of_an_actor)},
	{NAMED(what_was_in_the_outbox_towards_one_that_ended_is_dead_there)},
	{NAMED(late_replies_are_dead_as_such)},
	{NAMED(a_refused_send_is_no_dead_letter)},
	{NAMED(handled_messages_are_counted)},
	{NAMED(sent_and_refused_messages_are_counted)},
	{NAMED(what_is_sent_is_counted_once_whichever_way_it_goes)},
	{NAMED(bodies_are_counted_as_messages)},
	{NAMED(the_mailboxes_depth_and_its_peak_are_told)},
	{NAMED(timers_that_fired_are_counted), .where = NEAR},
	{NAMED(restarts_are_counted)},
	{NAMED(the_next_actor_of_a_slot_begins_with_counters_of_its_own), .opts = eight_actors},
	{NAMED(what_was_sent_was_handled_or_is_a_dead_letter)},
	{NAMED(every_accepted_ask_has_one_outcome)},
	{0},
};
