/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A process that ends for good: who waits for its actors waits no longer. mycelium/ask.h, mycelium/actor.h,
 * mycelium/mailbox.h; who ends it is core/process.h, myc_system_clear.
 */
#include "conformance/cases.h"

#define MANY 100 /* more than its credit, less than the outbox holds */

static const struct myc_behaviour told = {
	.name = "told", .signal = probe_signal, .undelivered = probe_undelivered, PROBE_HOOKS};

static struct probe *fixed_as(uint32_t where, reaction react)
{
	struct probe *made = fixed(where, &plain);

	made->react = react;
	return made;
}

static int keeps_body(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	int code = myc_body_keep(self, message, &me->body[me->messages % SLOTS]);

	return code ? code : notes(self, me, message);
}

static int job_hold(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	return myc_strong_take(self, a[0]);
}

static int post_from_there(struct myc_system *system, uint64_t *a)
{
	return myc_post(system, a[0], NUMBER, &a[0], sizeof(a[0]), MYC_FOREVER);
}

static void end_for_good(uint32_t where)
{
	kill_place(where);
	bury_place(where);
}

/* Sends to the dead one until it waits for credit. How many it has sent is returned. */
static uint32_t pause_at(struct probe *who, const struct probe *dead)
{
	OK(send_many(who, dead, 1, MANY));
	UNTIL(metrics_of(who).outbox_depth > 0);
	return MANY;
}

static uint64_t dead_letters_of_nobody(void)
{
	return counted_dead(MYC_DEAD_LETTER_NO_ACTOR) +
	       counted_dead(MYC_DEAD_LETTER_OUTBOX_NO_ACTOR);
}

/* ---- senders ----------------------------------------------------------------------------------- */

CASE(who_is_paused_by_a_process_that_ended_for_good_goes_on)
{
	struct probe *a = fixed(HERE, &told), *b = fixed(THERE, &narrow);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	kill_place(THERE);
	uint32_t sent = pause_at(a, b);
	uint64_t waited = metrics_of(a).outbox_depth;

	OK(post(a, NUMBER, 7));
	settle();
	assert_false(saw_number(a, 7)); /* paused */
	bury_place(THERE);
	SAW(a, MESSAGE, 1);
	assert_int_equal(metrics_of(a).outbox_depth, 0);
	/* Each of its messages has a name: told of those that it still had, the others lay in the lane. */
	UNTIL(seen_of(a, UNDELIVERED) == waited);
	assert_int_equal(nth(a, UNDELIVERED, 0)->kind, MYC_DEAD_LETTER_OUTBOX_NO_ACTOR);
	UNTIL(dead_letters_of_nobody() == sent);
	assert_int_equal(counted_dead_all(), sent);
}

CASE(sending_to_one_whose_process_ended_for_good_is_refused)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	end_for_good(THERE);
	UNTIL(send_number(a, b, 2) == -ESRCH);
	RESULT(try_number(a, b, 3), -ESRCH);
	RESULT(send_urgent(a, b, 4), -ESRCH);
	RESULT(send_sized(a, b, COPY_BODY, 5, 4000), -ESRCH);
	RESULT(ask(a, b, LONG, 6), -ESRCH);
	RESULT(await(a, b, LONG, 7), -ESRCH);
	uint64_t to[ERRAND_WORDS] = {b->address};

	RESULT(at(HERE, post_from_there, to), -ESRCH);
	assert_int_equal(b->messages, 1);
}

CASE(urgent_ones_that_wait_for_it_are_given_up_too)
{
	struct probe *a = fixed(HERE, &told), *b = fixed(THERE, &narrow);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	kill_place(THERE);
	for (uint64_t i = 1; i <= 100 && !metrics_of(a).outbox_depth; i++)
		OK(send_urgent(a, b, i));
	assert_true(metrics_of(a).outbox_depth > 0);
	bury_place(THERE);
	UNTIL(metrics_of(a).outbox_depth == 0);
	OK(let(a, do_nothing, 0, 0, 0, 0));
}

CASE(who_sends_to_others_as_well_reaches_them)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &narrow);
	struct probe *c = fixed(ELSEWHERE, &plain);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	kill_place(THERE);
	pause_at(a, b);
	bury_place(THERE);
	UNTIL(metrics_of(a).outbox_depth == 0);
	OK(send_many(a, c, 1, 50));
	expect_numbers(c, 1, 50);
}

/* ---- asks -------------------------------------------------------------------------------------- */

CASE(an_ask_that_waits_for_credit_ends_once_and_its_asker_goes_on)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &narrow);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	kill_place(THERE);
	uint32_t slots = 0;

	/* The last one finds no credit. */
	while (!metrics_of(a).outbox_depth)
		OK(ask(a, b, LONG, ++slots));
	bury_place(THERE);
	SAW(a, REPLY, slots);
	OK(let(a, do_nothing, 0, 0, 0, 0));
	settle();
	assert_int_equal(seen_of(a, REPLY), slots);
	for (uint32_t i = 0; i < slots; i++)
		assert_true(nth(a, REPLY, i)->status == -ENOTCONN ||
			    nth(a, REPLY, i)->status == -ESRCH);
}

CASE(an_await_that_waits_for_credit_ends_and_what_was_sent_to_its_actor_comes)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &narrow);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	kill_place(THERE);
	OK(try_flood(a, b, 1) == -EAGAIN ? 0 : -EINVAL);
	OK(await(a, b, LONG, 3));
	OK(post(a, NUMBER, 1));
	bury_place(THERE);
	SAW(a, MESSAGE, 1);
	assert_true(nth(a, REPLY, 0)->status == -ENOTCONN || nth(a, REPLY, 0)->status == -ESRCH);
	assert_int_equal(a->replies, 1);
}

CASE(a_gather_ends_when_its_members_processes_ended_for_good)
{
	struct probe *a = fixed(HERE, &plain);
	struct probe *b[3] = {fixed_as(THERE, keeps), fixed_as(THERE, keeps),
			      fixed_as(ELSEWHERE, keeps)};

	OK(gather(a, b, 3, MYC_GATHER_ALL, LONG, 3));
	UNTIL(b[0]->kept_count == 1 && b[1]->kept_count == 1 && b[2]->kept_count == 1);
	end_for_good(THERE);
	/* One member that fails is the end of a gather of all. */
	UNTIL(seen_of(a, REPLY) > 0 &&
	      nth(a, REPLY, seen_of(a, REPLY) - 1)->kind == MYC_REPLY_GATHER);
	assert_int_equal(nth(a, REPLY, seen_of(a, REPLY) - 1)->status, -ENOTCONN);
}

/* ---- what it leaves ---------------------------------------------------------------------------- */

CASE(what_a_process_had_sent_when_it_ended_for_good_arrives)
{
	struct probe *a = fixed(HERE, &narrow), *b = fixed(THERE, &plain);

	OK(send_number(b, a, 1));
	SAW(a, MESSAGE, 1);
	hold(a);
	OK(send_many(b, a, 2, 40));
	UNTIL(metrics_of(b).outbox_depth > 0);
	end_for_good(THERE);
	settle();
	release(a);
	expect_numbers(a, 1, 41);
}

CASE(bodies_that_it_had_or_was_to_get_come_home)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed_as(THERE, keeps_body);
	struct probe *c = fixed(THERE, &plain);

	for (uint64_t i = 1; i <= 4; i++)
		OK(send_sized(a, b, COPY_BODY, i, 4000));
	SAW(b, MESSAGE, 4);
	hold(c);
	for (uint64_t i = 1; i <= 4; i++)
		OK(send_sized(a, c, COPY_BODY, i, 4000));
	settle();
	kill_place(THERE);
	for (uint64_t i = 5; i <= 6; i++) /* these lie in its lane */
		OK(send_sized(a, c, COPY_BODY, i, 200));
	bury_place(THERE);
	expect_bodies_home();
	UNTIL(counted_dead(MYC_DEAD_LETTER_NO_ACTOR) == 6);
}

CASE(who_watches_it_is_told_once)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(watch(a, b, 0));
	end_for_good(THERE);
	SAW(a, SIGNAL, 1);
	settle();
	assert_int_equal(a->signals, 1);
	assert_int_equal(nth(a, SIGNAL, 0)->event.kind, MYC_EVENT_DOWN);
	/* Later ones are told at once that there is nobody. */
	OK(let(a, watch_job(), b->address, 0, 1, 0));
	SAW(a, SIGNAL, 2);
}

CASE(references_that_it_held_come_home)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain), *t = make(HERE, &plain);

	t->spawn_flags = MYC_SPAWN_WHILE_HELD;
	OK(try_spawn(t));
	OK(let(b, job_hold, t->address, 0, 0, 0));
	SAW(b, SIGNAL, 1);
	OK(send_number(a, t, 1));
	end_for_good(THERE);
	UNTIL(ended(t));
	expect_numbers(t, 1, 1);
}

/* ---- the caretaker ----------------------------------------------------------------------------- */

CASE(a_caretaker_that_dies_has_a_successor)
{
	struct probe *a = fixed(HERE, &told), *b = fixed(THERE, &narrow);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1);
	kill_place(THERE);
	pause_at(a, b);
	for (int i = 0; i < 3; i++) {
		bury_place(THERE);
		kill_place(THERE);
	}
	bury_place(THERE);
	UNTIL(metrics_of(a).outbox_depth == 0);
	OK(let(a, do_nothing, 0, 0, 0, 0));
	UNTIL(dead_letters_of_nobody() >=
	      MANY); /* one that was in hand at a death may be counted twice */
}

CASE(one_and_whom_it_waits_for_may_both_end_for_good)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &narrow);
	struct probe *c = fixed(ELSEWHERE, &narrow);

	OK(send_number(b, c, 1));
	OK(send_number(c, b, 1));
	SAW(b, MESSAGE, 1);
	SAW(c, MESSAGE, 1);
	hold(c);
	OK(send_many(b, c, 2, 40));
	OK(send_number(a, b, 50)); /* which is paused by c */
	OK(send_number(a, c, 50));
	kill_place(THERE);
	kill_place(ELSEWHERE);
	bury_place(THERE);
	bury_place(ELSEWHERE);
	UNTIL(send_number(a, b, 2) == -ESRCH && send_number(a, c, 2) == -ESRCH);
	settle();
	OK(let(a, do_nothing, 0, 0, 0, 0));
}

const struct conform_case cases_caretaker[] = {
	{DEADLY(who_is_paused_by_a_process_that_ended_for_good_goes_on)},
	{DEADLY(sending_to_one_whose_process_ended_for_good_is_refused)},
	{DEADLY(urgent_ones_that_wait_for_it_are_given_up_too)},
	{DEADLY(who_sends_to_others_as_well_reaches_them)},
	{DEADLY(an_ask_that_waits_for_credit_ends_once_and_its_asker_goes_on)},
	{DEADLY(an_await_that_waits_for_credit_ends_and_what_was_sent_to_its_actor_comes)},
	{DEADLY(a_gather_ends_when_its_members_processes_ended_for_good)},
	{DEADLY(what_a_process_had_sent_when_it_ended_for_good_arrives)},
	{DEADLY(bodies_that_it_had_or_was_to_get_come_home)},
	{DEADLY(who_watches_it_is_told_once)},
	{DEADLY(references_that_it_held_come_home)},
	{DEADLY(a_caretaker_that_dies_has_a_successor)},
	{DEADLY(one_and_whom_it_waits_for_may_both_end_for_good)},
	{0},
};
