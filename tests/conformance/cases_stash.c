/* SPDX-License-Identifier: Apache-2.0 */
/* Messages put aside until their actor can deal with them: mycelium/become.h. */
#include "conformance/cases.h"

enum { OPEN, CODE = 5, FAILS = 7 }; /* words; kept_count: how often it was tried */

/* Numbers are put aside while it is not open; word[CODE] is of the last. */
static int aside(struct myc_actor *self, struct probe *me, const struct myc_message *message,
		 int (*how)(struct myc_actor *))
{
	if (me->word[OPEN])
		return echoes(self, me, message);
	int code = how(self);

	me->word[CODE] = (uint64_t)code;
	me->kept_count++;
	code = (int)me->word[FAILS];
	me->word[FAILS] = 0;
	return code;
}
static int puts_aside(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	return aside(self, me, message, myc_stash);
}
static int postpones(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	return aside(self, me, message, myc_postpone);
}

#define STASH(capacity_, stash_)                                                                 \
	{                                                                                        \
		.name = "stash", .capacity_per_sender = (capacity_), .stash_capacity = (stash_), \
		.signal = probe_signal, PROBE_HOOKS                                              \
	}
static const struct myc_behaviour stash = STASH(16, 8), small = STASH(4, 8), none = STASH(16, 0);
static const struct myc_behaviour open_state = {.name = "open", .message = probe_message};

JOB_OF(job_unstash, (int)myc_unstash(self, (uint32_t)a[0]))
JOB_OF(job_stashed, (int)myc_stashed(self))
JOB_OF(job_open, (me->word[OPEN] = a[0], (int)myc_unstash_all(self)))
JOB_OF(job_become, (me->word[OPEN] = a[0], myc_become(self, &open_state)))
JOB_OF(job_unbecome, (me->word[OPEN] = a[0], myc_unbecome(self)))

static struct probe *keeper_as(uint32_t where, const struct myc_behaviour *behaviour,
			       reaction react)
{
	struct probe *made = make(where, behaviour);

	made->react = react;
	made->restarts_max = 3;
	OK(try_spawn(made));
	return made;
}
static struct probe *keeper(uint32_t where)
{
	return keeper_as(where, &stash, puts_aside);
}
static uint32_t stashed(struct probe *who)
{
	return (uint32_t)let(who, job_stashed, 0, 0, 0, 0);
}
/* Opened: everything comes back. How many. */
static int open_up(struct probe *who)
{
	return let(who, job_open, 1, 0, 0, 0);
}
static void put(struct probe *from, struct probe *to, uint64_t first, uint64_t count)
{
	uint64_t before = to->kept_count;

	OK(send_many(from, to, first, count));
	settle();
	UNTIL(to->kept_count >= before + count);
}

CASE(what_was_put_aside_comes_back_before_what_came_later)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	put(a, b, 1, 5);
	assert_int_equal(stashed(b), 5);
	assert_int_equal(b->messages, 0);
	hold(b);
	OK(send_many(a, b, 6, 2)); /* waits in front of it when the others come back */
	settle();
	tell(b, job_open, 1, 0, 0, 0);
	release(b);
	UNTIL(b->messages == 7);
	SAW(b, MESSAGE, 7);
	/* 6 and 7 came before it was opened: they were put aside too, behind. */
	expect_numbers(b, 1, 7);
	assert_int_equal(stashed(b), 0);
}

CASE(nothing_is_put_aside_twice_or_lost_over_many_rounds)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	put(a, b, 1, 6);
	for (int i = 0; i < 5; i++) {
		RESULT(let(b, job_unstash, 3, 0, 0, 0), 3); /* still closed: aside again */
		settle();
		UNTIL(stashed(b) == 6);
	}
	RESULT(open_up(b), 6);
	expect_numbers(b, 1, 6);
}

CASE(as_many_come_back_as_were_wanted_the_oldest_first)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	put(a, b, 1, 5);
	set_word(b, OPEN, 1);
	RESULT(let(b, job_unstash, 2, 0, 0, 0), 2);
	expect_numbers(b, 1, 2);
	assert_int_equal(stashed(b), 3);
	RESULT(let(b, job_unstash, 0, 0, 0, 0), 0);
	RESULT(let(b, job_unstash, 100, 0, 0, 0), 3);
	expect_numbers(b, 1, 5);
	RESULT(let(b, job_unstash, 100, 0, 0, 0), 0);
}

CASE(beyond_its_capacity_it_is_refused_and_the_others_stay)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	put(a, b, 1, 8);
	assert_int_equal((int)b->word[CODE], 0);
	put(a, b, 9, 1);
	assert_int_equal((int)b->word[CODE], -ENOBUFS);
	assert_int_equal(stashed(b), 8);
	RESULT(open_up(b), 8);
	expect_numbers(b, 1, 8); /* the ninth was handled as ever, to no avail */
	put(a, b, 10, 0);
	set_word(b, OPEN, 0);
	put(a, b, 10, 1);
	assert_int_equal((int)b->word[CODE], 0);
}

CASE(without_a_declared_capacity_there_is_no_stash)
{
	struct probe *a = spawn(HERE), *b = keeper_as(THERE, &none, puts_aside);

	put(a, b, 1, 1);
	assert_int_equal((int)b->word[CODE], -ENOBUFS);
	assert_int_equal(stashed(b), 0);
}

static int stashes_in_timer(struct myc_actor *self, struct probe *me, uint64_t cookie)
{
	me->word[CODE] = (uint64_t)(cookie % 2 ? myc_stash(self) : myc_postpone(self));
	return 0;
}

CASE(without_a_message_in_hand_nothing_is_put_aside)
{
	struct probe *b = spawn_as(HERE, &stash);

	b->on_timer = stashes_in_timer;
	for (uint32_t i = 1; i <= 2; i++) {
		OK(start_timer(b, MS, 0, i));
		SAW(b, TIMER, i);
		settle();
		assert_int_equal((int)b->word[CODE], -ENOENT);
	}
}

CASE(a_message_put_aside_keeps_its_senders_credit)
{
	struct probe *a = spawn(HERE), *b = keeper_as(THERE, &small, puts_aside);

	put(a, b, 1, 4);
	for (int i = 0; i < 3; i++) {
		RESULT(try_number(a, b, 99), -EAGAIN);
		settle();
	}
	assert_int_equal(metrics_of(b).mailbox_depth, 4);
	RESULT(open_up(b), 4);
	expect_numbers(b, 1, 4);
	UNTIL(try_number(a, b, 5) == 0);
	expect_numbers(b, 1, 5);
}

CASE(senders_are_not_mixed_up)
{
	struct probe *a = spawn(HERE), *c = spawn(ELSEWHERE), *b = keeper(THERE);

	put(a, b, 1, 2);
	put(c, b, 101, 2);
	put(a, b, 3, 2);
	put(c, b, 103, 1);
	RESULT(open_up(b), 7);
	SAW(b, MESSAGE, 7);
	static const uint64_t order[] = {1, 2, 101, 102, 3, 4, 103};

	for (uint32_t i = 0; i < 7; i++) {
		assert_int_equal(nth(b, MESSAGE, i)->number, order[i]);
		assert_int_equal(nth(b, MESSAGE, i)->from,
				 order[i] > 100 ? c->address : a->address);
	}
}

CASE(a_body_put_aside_stays_lent_and_comes_back_whole)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	for (uint64_t i = 1; i <= 4; i++)
		OK(send_sized(a, b, i % 2 ? SEND : SHARE, i, 1000));
	UNTIL(b->kept_count == 4);
	RESULT(open_up(b), 4);
	expect_numbers(b, 1, 4);
	assert_int_equal(nth(b, MESSAGE, 3)->size, 1000);
	expect_bodies_home();
}

CASE(an_ask_put_aside_is_answered_later)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	OK(ask(a, b, LONG, 7));
	UNTIL(b->kept_count == 1);
	settle();
	assert_int_equal(a->replies, 0);
	RESULT(open_up(b), 1);
	assert_int_equal(nth(a, REPLY, 0)->status, 0);
	assert_int_equal(nth(a, REPLY, 0)->payload, 7);
}

CASE(urgent_ones_come_back_first)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	put(a, b, 1, 2);
	for (uint64_t i = 51; i <= 52; i++) {
		OK(send_urgent(a, b, i));
		UNTIL(b->kept_count == i - 48);
	}
	put(a, b, 3, 1);
	RESULT(open_up(b), 5);
	static const uint64_t order[] = {51, 52, 1, 2, 3};

	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(nth(b, MESSAGE, i)->number, order[i]);
		assert_int_equal(nth(b, MESSAGE, i)->flags, i < 2 ? MYC_MESSAGE_URGENT : 0);
	}
}

/* ---- postponed --------------------------------------------------------------------------------- */

CASE(what_was_postponed_comes_back_at_the_next_change_of_behaviour)
{
	struct probe *a = spawn(HERE), *b = keeper_as(THERE, &stash, postpones);

	put(a, b, 1, 3);
	assert_int_equal(stashed(b), 3);
	OK(let(b, job_become, 1, 0, 0, 0));
	expect_numbers(b, 1, 3);
	assert_int_equal(stashed(b), 0);
	set_word(b, OPEN, 0);
	put(a, b, 4, 2);
	OK(let(b, job_unbecome, 1, 0, 0, 0));
	expect_numbers(b, 1, 5);
}

CASE(what_was_stashed_does_not)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	put(a, b, 1, 2);
	b->react = postpones;
	put(a, b, 3, 1);
	OK(let(b, job_become, 1, 0, 0, 0));
	SAW(b, MESSAGE, 1);
	settle();
	assert_int_equal(nth(b, MESSAGE, 0)->number, 3);
	assert_int_equal(stashed(b), 2);
	RESULT(open_up(b), 2);
	SAW(b, MESSAGE, 3);
	assert_int_equal(nth(b, MESSAGE, 1)->number, 1);
}

static int postpones_and_changes(struct myc_actor *self, struct probe *me,
				 const struct myc_message *message)
{
	if (me->word[OPEN])
		return notes(self, me, message);
	int code = myc_postpone(self);

	me->word[OPEN] = 1;
	return code ? code : myc_become(self, &open_state);
}

CASE(a_change_in_the_handler_that_postponed_counts)
{
	struct probe *a = spawn(HERE), *b = keeper_as(THERE, &stash, postpones_and_changes);

	OK(send_number(a, b, 1));
	expect_numbers(b, 1, 1);
	assert_int_equal(stashed(b), 0);
}

CASE(unstash_brings_back_postponed_ones_too)
{
	struct probe *a = spawn(HERE), *b = keeper_as(THERE, &stash, postpones);

	put(a, b, 1, 3);
	RESULT(open_up(b), 3);
	expect_numbers(b, 1, 3);
}

/* ---- failures and ends ------------------------------------------------------------------------- */

CASE(a_handler_that_fails_has_handled_what_it_put_aside)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	put(a, b, 1, 2);
	set_word(b, FAILS, (uint64_t)-EIO);
	OK(send_number(a, b, 3));
	UNTIL(b->inits == 2);
	settle();
	UNTIL(stashed(b) == 2); /* given back by the restart, and put aside again */
	RESULT(open_up(b), 2);
	expect_numbers(b, 1, 2);
}

CASE(a_restart_gives_everything_back_in_order)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	put(a, b, 1, 5);
	hold(b);
	OK(send_many(a, b, 6, 2));
	settle();
	release(b);
	UNTIL(stashed(b) == 7);
	set_word(b, OPEN, 1);
	settle();
	assert_int_equal(b->messages, 0);
	OK(fail_with(b, -EIO));
	expect_numbers(b, 1, 7);
	assert_int_equal(stashed(b), 0);
	assert_int_equal(nth(b, MESSAGE, 0)->restarts, 1);
}

static int keeps_body_and_stashes(struct myc_actor *self, struct probe *me,
				  const struct myc_message *message)
{
	int code = myc_body_keep(self, message, &me->body[0]);

	return code ? code : myc_stash(self);
}

CASE(a_body_is_not_kept_and_put_aside_at_once)
{
	struct probe *a = spawn(HERE), *w = spawn(ELSEWHERE), *b = make(THERE, &stash);

	b->react = keeps_body_and_stashes;
	OK(try_spawn(b));
	OK(watch(w, b, 0));
	OK(send_sized(a, b, SEND, 1, 500));
	assert_true(is_down(nth(w, SIGNAL, 0), b, MYC_EXIT_FAILED, -EINVAL));
	expect_bodies_home();
}

static void end_of_a_keeper(uint32_t how)
{
	struct probe *a = spawn(HERE), *b = keeper(THERE);

	put(a, b, 1, 2);
	OK(send_sized(a, b, SEND, 3, 500));
	OK(ask(a, b, LONG, 9));
	UNTIL(b->kept_count == 4);
	OK(send_stop(keeper_of(b->place), b, how));
	UNTIL(ended(b));
	assert_int_equal(nth(a, REPLY, 0)->status, -ESRCH);
	UNTIL(counted_dead(MYC_DEAD_LETTER_NO_ACTOR) == 4);
	assert_int_equal(counted_dead_all(), 4);
	assert_int_equal(b->messages, 0);
	expect_bodies_home();
}

CASE(what_is_aside_when_its_actor_stops_becomes_dead_letters_and_asks_bounce)
{
	end_of_a_keeper(MYC_STOP);
}
CASE(what_is_aside_when_its_actor_drains_becomes_dead_letters_and_asks_bounce)
{
	end_of_a_keeper(MYC_STOP_DRAIN);
}
CASE(what_is_aside_when_its_actor_is_killed_becomes_dead_letters_and_asks_bounce)
{
	end_of_a_keeper(MYC_STOP_KILL);
}

CASE(the_successor_of_a_dead_process_gets_all_back_in_order)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &stash);

	b->react = puts_aside;
	put(a, b, 1, 3);
	OK(send_sized(a, b, SEND, 4, 700));
	put(a, b, 5, 1);
	UNTIL(b->kept_count == 5);
	kill_place(THERE);
	b->word[OPEN] = 1;
	revive_place(THERE);
	expect_numbers(b, 1, 5);
	assert_int_equal(nth(b, MESSAGE, 3)->size, 700);
	assert_int_equal(nth(b, MESSAGE, 0)->flags & MYC_MESSAGE_REDELIVERED, 0);
	expect_bodies_home();
}

CASE(what_was_aside_is_aside_again_after_many_deaths)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &stash);

	b->react = puts_aside;
	for (uint64_t i = 0; i < 3; i++) {
		put(a, b, 1 + 2 * i, 2);
		kill_place(THERE);
		revive_place(THERE);
		UNTIL(stashed(b) == 2 + 2 * i);
	}
	RESULT(open_up(b), 6);
	expect_numbers(b, 1, 6);
}

const struct conform_case cases_stash[] = {
	{NAMED(what_was_put_aside_comes_back_before_what_came_later)},
	{NAMED(nothing_is_put_aside_twice_or_lost_over_many_rounds)},
	{NAMED(as_many_come_back_as_were_wanted_the_oldest_first)},
	{NAMED(beyond_its_capacity_it_is_refused_and_the_others_stay)},
	{NAMED(without_a_declared_capacity_there_is_no_stash)},
	{NAMED(without_a_message_in_hand_nothing_is_put_aside), .where = NEAR},
	{NAMED(a_message_put_aside_keeps_its_senders_credit)},
	{NAMED(senders_are_not_mixed_up)},
	{NAMED(a_body_put_aside_stays_lent_and_comes_back_whole)},
	{NAMED(an_ask_put_aside_is_answered_later)},
	{NAMED(urgent_ones_come_back_first)},
	{NAMED(what_was_postponed_comes_back_at_the_next_change_of_behaviour)},
	{NAMED(what_was_stashed_does_not)},
	{NAMED(a_change_in_the_handler_that_postponed_counts)},
	{NAMED(unstash_brings_back_postponed_ones_too)},
	{NAMED(a_handler_that_fails_has_handled_what_it_put_aside)},
	{NAMED(a_restart_gives_everything_back_in_order)},
	{NAMED(a_body_is_not_kept_and_put_aside_at_once)},
	{NAMED(what_is_aside_when_its_actor_stops_becomes_dead_letters_and_asks_bounce)},
	{NAMED(what_is_aside_when_its_actor_drains_becomes_dead_letters_and_asks_bounce)},
	{NAMED(what_is_aside_when_its_actor_is_killed_becomes_dead_letters_and_asks_bounce)},
	{DEADLY(the_successor_of_a_dead_process_gets_all_back_in_order)},
	{DEADLY(what_was_aside_is_aside_again_after_many_deaths)},
	{0},
};
