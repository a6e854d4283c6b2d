/* SPDX-License-Identifier: Apache-2.0 */
/* Strong references: what they keep, until when, and how they go from one to another: mycelium/strong.h. */
#include "conformance/strong_bed.h"

/* ---- the last one ------------------------------------------------------------------------------ */

CASE(who_is_held_lives_and_ends_normally_with_the_last_drop)
{
	struct probe *w = spawn(ELSEWHERE), *a = spawn(HERE), *t = held(THERE);

	OK(watch(w, t, 0));
	take(a, t);
	expect_held(a, 0, t->address, t, 0);
	expect_alive(t);
	OK(drop(a, 0));
	expect_down(w, t, MYC_EXIT_NORMAL);
	expect_over(t);
	settle();
	assert_int_equal(a->signals, 1);
}

CASE(one_that_nobody_has_held_yet_lives)
{
	struct probe *a = spawn(HERE), *t = held(THERE);

	expect_alive(t);
	OK(send_many(a, t, 1, 10));
	expect_numbers(t, 1, 10);
	OK(stop_self(a));
	UNTIL(ended(a));
	expect_alive(t);
}

CASE(it_lives_until_the_last_of_many_has_dropped)
{
	struct probe *t = held(THERE), *a[5];

	for (uint32_t i = 0; i < 5; i++) {
		a[i] = spawn(i % PLACES);
		take(a[i], t);
	}
	for (uint32_t i = 0; i < 4; i++) {
		OK(drop(a[(i * 3) % 5], 0));
		expect_alive(t);
	}
	OK(drop(a[2], 0));
	expect_over(t);
}

CASE(who_took_twice_drops_twice)
{
	struct probe *a = spawn(HERE), *t = held(THERE);

	take(a, t);
	take(a, t);
	OK(drop(a, 1));
	expect_alive(t);
	OK(drop(a, 0));
	expect_over(t);
}

CASE(a_second_drop_of_the_same_does_nothing)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);

	take(a, t);
	take(b, t);
	struct myc_strong copy = a->strong[0];

	OK(drop(a, 0));
	RESULT(drop(a, 0), -ENOENT); /* it is none any more */
	for (int i = 0; i < 3; i++) {
		a->strong[1] = copy;
		OK(drop(a, 1));
		RESULT(give(a, 1, b, 0), -ENOENT);
	}
	a->strong[1] = copy;
	OK(give(a, 1, b, 9)); /* what is given is nothing */
	expect_alive(t);
	assert_int_equal(b->signals, 1);
	OK(drop(b, 0));
	expect_over(t);
}

CASE(a_reference_is_nobody_elses)
{
	struct probe *a = spawn(HERE), *c = spawn(ELSEWHERE), *d = spawn(HERE), *t = held(THERE);

	take(a, t);
	for (uint32_t i = 0; i < 4; i++)
		c->strong[i] = d->strong[i] = a->strong[0];
	OK(drop(c, 0));
	OK(drop(d, 0));
	OK(give(c, 1, d, 1));
	OK(share(c, 2, d, 1));
	OK(give(d, 1, c, 1));
	expect_alive(t);
	assert_int_equal(c->signals + d->signals, 0);
	OK(drop(a, 0));
	expect_over(t);
}

CASE(references_that_never_were_do_nothing)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);
	const uint32_t index[] = {0, 1, 2, 127, 128, 129, 1u << 31, UINT32_MAX};

	take(b, t);
	for (uint32_t i = 0; i < sizeof(index) / sizeof(index[0]); i++)
		for (uint32_t g = 0; g < 3; g++) {
			a->strong[0] = a->strong[1] = (struct myc_strong){
				t->address, index[i], g == 0 ? 0 : b->strong[0].generation + g - 1};
			OK(drop(a, 0));
			OK(give(a, 1, b, 1));
		}
	a->strong[0] = (struct myc_strong){myc_address_make(0, t->place, 70, 0xfffff0), 1, 1};
	OK(drop(a, 0)); /* as with one that has ended */
	expect_alive(t);
	assert_int_equal(b->signals, 1);
	OK(drop(b, 0));
	expect_over(t);
}

CASE(one_that_did_not_choose_so_is_held_and_does_not_mind)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = spawn(THERE);

	take(a, t);
	OK(give(a, 0, b, 5));
	expect_held(b, 0, a->address, t, 5);
	OK(drop(b, 0));
	expect_alive(t);
	take(a, t);
	OK(stop_self(a));
	UNTIL(ended(a));
	expect_alive(t);
}

/* ---- order ------------------------------------------------------------------------------------- */

static int job_say_and_drop(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 1; i <= a[1] && !code; i++)
		code = do_send(self, me, a[0], SEND, i, (uint32_t)a[2]);
	return code ? code : myc_strong_drop(self, &me->strong[0]);
}

CASE(what_was_sent_before_the_last_drop_is_handled)
{
	struct probe *w = spawn(ELSEWHERE), *a = spawn(HERE), *t = held(THERE);

	OK(watch(w, t, 0));
	take(a, t);
	OK(let(a, job_say_and_drop, t->address, 12, 8, 0));
	expect_down(w, t, MYC_EXIT_NORMAL);
	expect_numbers(t, 1, 12);
	assert_int_equal(counted_dead_all(), 0);
}

CASE(what_waits_in_the_outbox_or_has_a_body_is_handled_before_the_end)
{
	struct probe *w = spawn(ELSEWHERE), *a = spawn(HERE), *t = held_as(THERE, &narrow, 0);

	OK(watch(w, t, 0));
	take(a, t);
	hold(t);
	tell(a, job_say_and_drop, t->address, 20, 200, 0);
	UNTIL(metrics_of(a).outbox_depth > 0);
	settle();
	assert_false(ended(t));
	release(t);
	expect_down(w, t, MYC_EXIT_NORMAL);
	expect_numbers(t, 1, 20);
	assert_int_equal(counted_dead_all(), 0);
	expect_bodies_home();
}

CASE(what_others_sent_before_is_handled_too)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);

	take(a, t);
	hold_with(b, t, 10);
	OK(drop(a, 0));
	settle();
	assert_false(ended(t));
	release(t);
	expect_over(t);
	expect_numbers(t, 1, 10);
}

CASE(after_the_last_drop_it_refuses_messages_and_holders)
{
	struct probe *w = spawn(HERE), *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);

	OK(watch(w, t, 0));
	take(a, t);
	hold_with(a, t, 1);
	OK(drop(a, 0));
	settle();
	RESULT(send_number(a, t, 2), -ESRCH);
	OK(let(b, job_take, t->address, 0, 0, 0));
	expect_not_held(b, 0, t, MYC_EXIT_NOPROC);
	assert_int_equal(nth(b, SIGNAL, 0)->from, t->address);
	release(t);
	expect_down(w, t, MYC_EXIT_NORMAL);
	expect_numbers(t, 1, 1);
	settle();
	assert_int_equal(b->signals, 1);
}

/* A drop and a take set off at once: who is told that it holds keeps it, else it is gone. */
CASE(a_last_drop_and_a_take_end_in_one_of_two_ways)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE);
	uint32_t revived = 0;

	for (uint32_t round = 0; round < 12; round++) {
		struct probe *t = held(THERE);
		uint32_t before = b->signals, slot = b->holds % SLOTS;

		take(a, t);
		if (round % 2)
			tell(a, job_drop, round % SLOTS, 0, 0, 0);
		tell(b, job_take, t->address, 0, 0, 0);
		if (round % 2 == 0)
			tell(a, job_drop, round % SLOTS, 0, 0, 0);
		UNTIL(b->signals > before || b->result == -ESRCH);
		if (b->signals > before && nth(b, SIGNAL, before)->event.kind == MYC_EVENT_HELD) {
			revived++;
			expect_alive(t);
			OK(drop(b, slot));
		}
		expect_over(t);
		settle();
		assert_true(b->signals <= before + 1);
		b->result = 0;
	}
	assert_int_equal(b->holds, revived);
}

/* ---- giving ------------------------------------------------------------------------------------ */

CASE(what_is_given_is_the_others_with_its_cookie)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);

	take(a, t);
	OK(give(a, 0, b, 0xfedcba9876543210));
	expect_held(b, 0, a->address, t, 0xfedcba9876543210);
	assert_int_equal(a->strong[0].address, MYC_NOBODY);
	OK(stop_self(a));
	UNTIL(ended(a));
	expect_alive(t);
	OK(drop(b, 0));
	expect_over(t);
}

CASE(what_is_shared_is_both_ones)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);

	take(a, t);
	OK(share(a, 0, b, 1));
	OK(share(a, 0, b, 2));
	expect_held(b, 0, a->address, t, 1);
	expect_held(b, 1, a->address, t, 2);
	OK(drop(a, 0));
	OK(drop(b, 1));
	expect_alive(t);
	OK(drop(b, 0));
	expect_over(t);
}

static int job_give_and_leave(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER});
	return myc_strong_give(self, &me->strong[0], a[0], 1);
}

CASE(who_gives_and_ends_has_given)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);

	take(a, t);
	OK(let(a, job_give_and_leave, b->address, 0, 0, 0));
	expect_held(b, 0, a->address, t, 1);
	UNTIL(ended(a));
	expect_alive(t);
	OK(drop(b, 0));
	expect_over(t);
}

static int passes_on(struct myc_actor *self, struct probe *me, const struct myc_signal_event *event)
{
	struct myc_strong strong = *event->strong;

	return event->cookie ? myc_strong_give(self, &strong, me->word[0], event->cookie - 1) : 0;
}

CASE(one_that_goes_from_hand_to_hand_keeps_it_all_the_while)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE), *t = held(THERE);

	b->word[0] = c->address;
	c->word[0] = b->address;
	b->on_signal = c->on_signal = passes_on;
	take(a, t);
	OK(give(a, 0, b, 40));
	UNTIL(b->holds + c->holds == 41);
	expect_alive(t);
	b->strong[0] = b->strong[(b->holds - 1) % SLOTS]; /* an even number: it is b's in the end */
	OK(drop(b, 0));
	expect_over(t);
}

CASE(what_is_given_to_one_that_has_ended_has_come_home)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	take(a, t);
	OK(share(a, 0, b, 1));
	expect_alive(t);
	OK(give(a, 0, b, 1));
	expect_over(t);
}

CASE(what_is_given_to_one_that_hears_nothing_has_come_home)
{
	struct probe *a = spawn(HERE), *b = spawn_as(ELSEWHERE, &deaf), *t = held(THERE);

	take(a, t);
	OK(give(a, 0, b, 1));
	expect_over(t);
	OK(stop_self(b));
}

CASE(a_suspended_one_is_told_all_the_same)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);

	take(a, t);
	hold(b);
	hold(t);
	OK(give(a, 0, b, 3));
	expect_held(b, 0, a->address, t, 3);
	release(t);
	release(b);
	OK(drop(b, 0));
	expect_over(t);
}

CASE(what_cannot_be_is_refused)
{
	struct probe *a = spawn(HERE), *d = spawn_as(HERE, &deaf), *t = held(THERE);

	RESULT(let(a, job_take, a->address, 0, 0, 0), -EINVAL);
	RESULT(let(d, job_take, t->address, 0, 0, 0), -EINVAL);
	RESULT(give(a, 0, d, 0), -ENOENT);
	RESULT(share(a, 0, d, 0), -ENOENT);
	RESULT(drop(a, 0), -ENOENT);
	take(a, t);
	RESULT(give(a, 0, t, 0), -EINVAL);
	RESULT(share(a, 0, t, 0), -EINVAL);
	RESULT(let(a, job_give, 0, MYC_NOBODY, 0, 0), -EINVAL);
	RESULT(let(a, job_share, 0, myc_address_make(0, 0, 3, 0), 0, 0), -EINVAL);
	expect_alive(t);
	OK(drop(a, 0));
	expect_over(t);
}

const struct conform_case cases_strong[] = {
	{NAMED(who_is_held_lives_and_ends_normally_with_the_last_drop)},
	{NAMED(one_that_nobody_has_held_yet_lives)},
	{NAMED(it_lives_until_the_last_of_many_has_dropped)},
	{NAMED(who_took_twice_drops_twice)},
	{NAMED(a_second_drop_of_the_same_does_nothing)},
	{NAMED(a_reference_is_nobody_elses)},
	{NAMED(references_that_never_were_do_nothing)},
	{NAMED(one_that_did_not_choose_so_is_held_and_does_not_mind)},
	{NAMED(what_was_sent_before_the_last_drop_is_handled)},
	{NAMED(what_waits_in_the_outbox_or_has_a_body_is_handled_before_the_end), .where = FAR},
	{NAMED(what_others_sent_before_is_handled_too)},
	{NAMED(after_the_last_drop_it_refuses_messages_and_holders)},
	{NAMED(a_last_drop_and_a_take_end_in_one_of_two_ways)},
	{NAMED(what_is_given_is_the_others_with_its_cookie)},
	{NAMED(what_is_shared_is_both_ones)},
	{NAMED(who_gives_and_ends_has_given)},
	{NAMED(one_that_goes_from_hand_to_hand_keeps_it_all_the_while)},
	{NAMED(what_is_given_to_one_that_has_ended_has_come_home)},
	{NAMED(what_is_given_to_one_that_hears_nothing_has_come_home)},
	{NAMED(a_suspended_one_is_told_all_the_same)},
	{NAMED(what_cannot_be_is_refused)},
	{0},
};
