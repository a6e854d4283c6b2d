/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that are handed on or kept: mycelium/body.h. */
#include "conformance/body_bed.h"

/* ---- handing on -------------------------------------------------------------------------------- */

static int passes(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	struct myc_ref ref;
	int code = myc_resolve(self, me->word[0], &ref);

	jot(self, me, message);
	if (!code)
		code = myc_pass(self, &ref, message);
	me->word[1] = (uint64_t)code;
	if (!code)
		me->word[2] = (uint64_t)myc_pass(self, &ref, message);
	me->messages++;
	return 0;
}

CASE(a_message_in_hand_is_passed_on_with_its_body)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	set_word(b, 0, c->address);
	b->react = passes;
	OK(send_sized(a, b, SEND, 1, 3000));
	const struct seen *seen = nth(c, MESSAGE, 0);

	assert_int_equal(seen->size, 3000);
	assert_int_equal(seen->from, b->address);
	expect_numbers(c, 1, 1);
	expect_bodies_home();
}

CASE(a_body_is_passed_on_once)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	set_word(b, 0, c->address);
	b->react = passes;
	OK(send_sized(a, b, SEND, 1, 3000));
	expect_numbers(c, 1, 1);
	SAW(b, MESSAGE, 1);
	assert_int_equal((int)b->word[1], 0);
	assert_int_equal((int)b->word[2], -ENODATA);
}

CASE(a_body_passes_through_many_hands)
{
	struct probe *a = spawn(HERE), *hand[5], *last = spawn(THERE);

	for (int i = 0; i < 5; i++) {
		hand[i] = spawn(i % 3 == 0 ? THERE : i % 3 == 1 ? ELSEWHERE : HERE);
		hand[i]->react = passes;
	}
	for (int i = 0; i < 5; i++)
		set_word(hand[i], 0, i < 4 ? hand[i + 1]->address : last->address);
	for (uint64_t n = 1; n <= 6; n++)
		OK(send_sized(a, hand[0], COPY_BODY, n, 2000));
	expect_numbers(last, 1, 6);
	expect_bodies_home();
}

static int keeps_body(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	uint64_t slot = me->word[4];

	jot(self, me, message);
	me->word[5] = (uint64_t)myc_body_keep(self, message, &me->body[slot]);
	me->word[4] += !me->word[5] && slot < SLOTS - 1;
	me->messages++;
	return 0;
}

static int job_look(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const struct myc_body *body = &me->body[a[0]];
	uint64_t number;

	(void)self;
	memcpy(&number, body->data, sizeof(number));
	return filled(body->data, body->size) ? (int)number : -EIO;
}

static int job_send_kept(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	if (code)
		return code;
	return a[2] ? myc_send_share(self, &ref, NUMBER, &me->body[a[1]])
		    : myc_send_body(self, &ref, NUMBER, &me->body[a[1]]);
}

CASE(a_kept_body_is_there_after_the_handler_and_goes_home_when_given)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	b->react = keeps_body;
	OK(send_sized(a, b, SEND, 5, 500));
	SAW(b, MESSAGE, 1);
	OK(send_sized(a, b, SEND, 6, 500));
	SAW(b, MESSAGE, 2);
	RESULT(let(b, job_look, 0, 0, 0, 0), 5);
	RESULT(let(b, job_look, 1, 0, 0, 0), 6);
	OK(let(b, job_give, 0, 0, 0, 0));
	RESULT(let(b, job_look, 1, 0, 0, 0), 6);
	OK(let(b, job_give, 1, 0, 0, 0));
	expect_bodies_home();
}

CASE(a_kept_body_outlives_its_sender)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	b->react = keeps_body;
	OK(send_sized(a, b, SEND, 5, 500));
	OK(stop_self(a));
	UNTIL(ended(a));
	SAW(b, MESSAGE, 1);
	RESULT(let(b, job_look, 0, 0, 0, 0), 5);
	OK(let(b, job_give, 0, 0, 0, 0));
	expect_bodies_home();
}

CASE(a_kept_body_is_sent_on_later)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	b->react = keeps_body;
	OK(send_sized(a, b, SEND, 5, 500));
	SAW(b, MESSAGE, 1);
	OK(let(b, job_send_kept, c->address, 0, false, 0));
	expect_numbers(c, 5, 5);
	RESULT(let(b, job_send_kept, c->address, 0, false, 0), -ENODATA);
	expect_bodies_home();
}

CASE(a_kept_body_is_shared_with_many_and_stays)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c[3];

	b->react = keeps_body;
	OK(send_sized(a, b, SEND, 5, 500));
	SAW(b, MESSAGE, 1);
	for (int i = 0; i < 3; i++) {
		c[i] = spawn(i == 0 ? HERE : i == 1 ? THERE : ELSEWHERE);
		OK(let(b, job_send_kept, c[i]->address, 0, true, 0));
		expect_numbers(c[i], 5, 5);
	}
	RESULT(let(b, job_look, 0, 0, 0, 0), 5);
	OK(let(b, job_give, 0, 0, 0, 0));
	expect_bodies_home();
}

CASE(what_was_kept_goes_home_when_its_actor_ends)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	b->react = keeps_body;
	for (uint64_t i = 1; i <= 4; i++)
		OK(send_sized(a, b, SEND, i, 500));
	SAW(b, MESSAGE, 4);
	OK(stop_self(b));
	UNTIL(ended(b));
	expect_bodies_home();
}

CASE(what_was_kept_goes_home_when_its_actor_restarts)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	b->react = keeps_body;
	for (uint64_t i = 1; i <= 4; i++)
		OK(send_sized(a, b, SEND, i, 500));
	SAW(b, MESSAGE, 4);
	OK(fail_with(b, -EIO));
	expect_bodies_home();
}

CASE(a_message_in_a_slot_has_no_body_to_keep)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	b->react = keeps_body;
	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	assert_int_equal((int)b->word[5], -EINVAL);
}

static int passes_then_keeps(struct myc_actor *self, struct probe *me,
			     const struct myc_message *message)
{
	struct myc_ref ref;
	struct myc_body body;
	int code = myc_resolve(self, me->word[0], &ref);

	if (!code)
		code = myc_pass(self, &ref, message);
	me->word[1] = code ? (uint64_t)code : (uint64_t)myc_body_keep(self, message, &body);
	me->messages++;
	return 0;
}

CASE(what_was_passed_on_cannot_be_kept)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	set_word(b, 0, c->address);
	b->react = passes_then_keeps;
	OK(send_sized(a, b, SEND, 1, 300));
	expect_numbers(c, 1, 1);
	SAW(b, MESSAGE, 1);
	assert_int_equal((int)b->word[1], -ENODATA);
	expect_bodies_home();
}

CASE(a_message_in_a_slot_is_passed_on_as_it_is)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	set_word(b, 0, c->address);
	b->react = passes;
	OK(send_sized(a, b, SEND, 1, 40));
	SAW(c, MESSAGE, 1);
	assert_int_equal(nth(c, MESSAGE, 0)->size, 40);
	assert_int_equal(nth(c, MESSAGE, 0)->number, 1);
}

static void few_loans(struct world_opts *opts)
{
	opts->system.loans = 4;
}

CASE(one_that_keeps_too_many_is_told)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	b->react = keeps_body;
	for (uint64_t i = 1; i <= 4; i++) {
		OK(send_sized(a, b, SEND, i, 100));
		if (i < 4)
			SAW(b, MESSAGE, (uint32_t)i);
	}
	settle();
	if (apart()) { /* at home a buffer's own place is the loan */
		assert_true(b->messages < 4 || (int)b->word[5] == -ENOBUFS);
	}
	for (uint32_t i = 0; i < 4; i++)
		OK(let(b, job_give, i, 0, 0, 0));
	expect_numbers(b, 1, 4);
	if ((int)b->word[5] == 0)
		OK(let(b, job_give, b->word[4], 0, 0, 0));
	OK(stop_self(b));
	expect_bodies_home();
}

const struct conform_case cases_body_on[] = {
	{NAMED(a_message_in_hand_is_passed_on_with_its_body)},
	{NAMED(a_body_is_passed_on_once)},
	{NAMED(a_body_passes_through_many_hands)},
	{NAMED(a_kept_body_is_there_after_the_handler_and_goes_home_when_given)},
	{NAMED(a_kept_body_outlives_its_sender)},
	{NAMED(a_kept_body_is_sent_on_later)},
	{NAMED(a_kept_body_is_shared_with_many_and_stays)},
	{NAMED(what_was_kept_goes_home_when_its_actor_ends)},
	{NAMED(what_was_kept_goes_home_when_its_actor_restarts)},
	{NAMED(a_message_in_a_slot_has_no_body_to_keep)},
	{NAMED(what_was_passed_on_cannot_be_kept)},
	{NAMED(a_message_in_a_slot_is_passed_on_as_it_is)},
	{NAMED(one_that_keeps_too_many_is_told), .opts = few_loans, .where = FAR},
	{0},
};
