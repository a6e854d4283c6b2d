/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies: sizes and pools, shares, ends of who sends or gets them: mycelium/body.h. The usual pools: 32 of 256
 * bytes, 8 of 4096. */
#include "conformance/body_bed.h"

static const uint32_t sizes[] = {41, 64, 255, 256, 257, 1000, 4095, 4096};
#define SIZES 8

/* ---- sizes, pools ------------------------------------------------------------------------------ */

static void every_size(enum how how)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_number(a, b, 0));
	SAW(b, MESSAGE, 1); /* tries have credit */
	for (uint32_t i = 0; i < SIZES; i++) {
		OK(send_sized(a, b, how, 1 + i, sizes[i]));
		assert_int_equal(nth(b, MESSAGE, 1 + i)->size, sizes[i]);
	}
	expect_numbers(b, 0, SIZES);
	expect_bodies_home();
}

CASE(copies_of_every_class_boundary_arrive_whole)
{
	every_size(SEND);
}

CASE(bodies_of_every_class_boundary_arrive_whole)
{
	every_size(COPY_BODY);
}

CASE(tried_bodies_of_every_class_boundary_arrive_whole)
{
	every_size(TRY_BODY);
}

CASE(shares_of_every_class_boundary_arrive_whole)
{
	every_size(SHARE);
}

CASE(a_body_may_be_as_small_as_a_slots_payload)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_sized(a, b, COPY_BODY, 1, 8));
	assert_int_equal(nth(b, MESSAGE, 0)->size, 8);
	expect_numbers(b, 1, 1);
	expect_bodies_home();
}

CASE(more_than_the_largest_class_is_refused)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (int how = SEND; how <= TRY_SHARE; how++)
		RESULT(send_sized(a, b, (enum how)how, 1, 4097), -EMSGSIZE);
	settle();
	assert_int_equal(b->messages, 0);
}

static int job_take(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	return myc_body_take(self, (uint32_t)a[0], &me->body[a[1]]);
}

static int job_take_all(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_body body[64];
	int code = 0;

	for (me->word[0] = 0; me->word[0] < 64 && !code; me->word[0] += !code)
		code = myc_body_take(self, (uint32_t)a[0], &body[me->word[0]]);
	for (uint64_t i = 0; i < me->word[0] && a[1]; i++)
		myc_body_give(self, &body[i]);
	return code;
}

CASE(an_exhausted_pool_says_enobufs_and_gives_again_what_came_back)
{
	struct probe *a = spawn(HERE);

	for (int i = 0; i < 3; i++) {
		RESULT(let(a, job_take_all, 4096, true, 0, 0), -ENOBUFS);
		assert_int_equal(a->word[0], 8);
	}
	expect_bodies_home();
}

CASE(an_exhausted_class_takes_from_a_larger_one)
{
	struct probe *a = spawn(HERE);

	RESULT(let(a, job_take_all, 100, true, 0, 0), -ENOBUFS);
	assert_int_equal(a->word[0], 40);
	expect_bodies_home();
}

CASE(a_taken_buffer_is_at_least_as_large_as_asked_and_a_line_of_memory)
{
	struct probe *a = spawn(HERE);

	for (uint32_t i = 0; i < SIZES; i++) {
		OK(let(a, job_take, sizes[i], i, 0, 0));
		assert_true(a->body[i].size >= sizes[i]);
		assert_int_equal((uintptr_t)a->body[i].data % 64, 0);
	}
	for (uint32_t i = 0; i < SIZES; i++)
		OK(let(a, job_give, i, 0, 0, 0));
	expect_bodies_home();
}

CASE(what_was_taken_goes_home_when_its_actor_ends)
{
	struct probe *a = spawn(HERE);

	RESULT(let(a, job_take_all, 4096, false, 0, 0), -ENOBUFS);
	OK(stop_self(a));
	UNTIL(ended(a));
	expect_bodies_home();
}

CASE(what_was_taken_goes_home_when_its_actor_restarts)
{
	struct probe *a = spawn_restarting(HERE, 3);

	RESULT(let(a, job_take_all, 4096, false, 0, 0), -ENOBUFS);
	OK(fail_with(a, -EIO));
	UNTIL(a->inits == 2);
	expect_bodies_home();
}

CASE(bodies_on_their_way_are_missing_until_they_are_handled)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	for (uint64_t i = 1; i <= 8; i++)
		OK(send_sized(a, b, COPY_BODY, i, 4096));
	RESULT(send_sized(a, b, COPY_BODY, 9, 4096), -ENOBUFS);
	RESULT(send_sized(a, b, SEND, 9, 4096), -ENOBUFS);
	release(b);
	expect_numbers(b, 1, 8);
	expect_bodies_home();
	OK(send_sized(a, b, COPY_BODY, 9, 4096));
	expect_numbers(b, 1, 9);
}

static int job_smaller(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_body body;
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	if (!code)
		code = myc_body_take(self, 4096, &body);
	if (code)
		return code;
	fill(body.data, a[1], 50);
	body.size = 50;
	return myc_send_body(self, &ref, NUMBER, &body);
}

CASE(only_the_bytes_that_were_said_go)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(let(a, job_smaller, b->address, 1, 0, 0));
	assert_int_equal(nth(b, MESSAGE, 0)->size, 50);
	expect_numbers(b, 1, 1);
}

static int job_try_keeps(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_body body = {0};
	struct myc_ref ref;
	uint64_t tries = 0;
	int code = myc_resolve(self, a[0], &ref);

	while (!code && tries++ < 64) {
		code = myc_body_take(self, 100, &body);
		if (code)
			return code;
		fill(body.data, a[1] + tries - 1, 100);
		body.size = 100;
		code = myc_try_send_body(self, &ref, NUMBER, &body);
	}
	me->word[0] = tries - 1;
	/* Refused, it is still ours. */
	if (code != -EAGAIN || !body.data || !filled(body.data, 100))
		return -EIO;
	myc_body_give(self, &body);
	return 0;
}

CASE(a_body_that_could_not_be_sent_stays_ours)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	hold(b);
	OK(let(a, job_try_keeps, b->address, 2, 0, 0));
	release(b);
	expect_numbers(b, 1, 1 + a->word[0]);
	expect_bodies_home();
}

/* ---- shares ------------------------------------------------------------------------------------ */

static int job_share_often(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_body body;
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	if (!code)
		code = myc_body_take(self, 200, &body);
	if (code)
		return code;
	fill(body.data, 1, 200);
	body.size = 200;
	for (uint64_t i = 0; i < a[1] && !code; i++)
		code = myc_send_share(self, &ref, NUMBER, &body);
	myc_body_give(self, &body);
	return code;
}

CASE(one_body_shared_a_hundred_times_is_one_buffer)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(let(a, job_share_often, b->address, 100, 0, 0));
	SAW(b, MESSAGE, 100);
	for (uint32_t i = 0; i < 100; i++)
		assert_true(nth(b, MESSAGE, i)->number == 1 && !nth(b, MESSAGE, i)->torn);
	expect_bodies_home();
}

static int shares_on(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	struct myc_body body;
	struct myc_ref ref;
	int code = myc_resolve(self, me->word[0], &ref);

	notes(self, me, message);
	if (!code)
		code = myc_body_keep(self, message, &body);
	if (code)
		return code;
	code = myc_send_share(self, &ref, NUMBER, &body);
	myc_body_give(self, &body);
	return code;
}

CASE(a_body_shared_on_through_many_hands_is_copied_when_it_was_split_too_often)
{
	enum { HANDS = 14 };
	struct probe *a = spawn(HERE), *hand[HANDS];

	for (int i = 0; i < HANDS; i++)
		hand[i] = spawn(i % 2 ? HERE : THERE);
	for (int i = 0; i < HANDS - 1; i++) {
		set_word(hand[i], 0, hand[i + 1]->address);
		hand[i]->react = shares_on;
	}
	OK(send_sized(a, hand[0], SHARE, 9, 250));
	for (int i = 0; i < HANDS; i++)
		expect_numbers(hand[i], 9, 9);
	expect_bodies_home();
}

/* ---- ends -------------------------------------------------------------------------------------- */

CASE(bodies_sent_before_their_sender_ended_arrive_whole)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	for (uint64_t i = 1; i <= 6; i++)
		OK(send_sized(a, b, COPY_BODY, i, 4000));
	OK(stop_self(a));
	UNTIL(ended(a));
	release(b);
	expect_numbers(b, 1, 6);
	expect_bodies_home();
}

CASE(bodies_in_the_mailbox_of_one_that_ends_go_home)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	for (uint64_t i = 1; i <= 6; i++)
		OK(send_sized(a, b, COPY_BODY, i, 4000));
	settle();
	OK(send_stop(a, b, MYC_STOP_KILL));
	UNTIL(ended(b));
	expect_bodies_home();
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_NO_ACTOR), 6);
}

CASE(bodies_in_an_outbox_go_home_when_their_receiver_ends)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	hold(b);
	for (uint64_t i = 1; i <= 20; i++)
		tell(a, job_share_often, b->address, 1, 0, 0);
	UNTIL(metrics_of(a).outbox_depth > 0);
	OK(send_stop(keeper_of(b->place), b, MYC_STOP_KILL));
	UNTIL(ended(b));
	UNTIL(metrics_of(a).outbox_depth == 0);
	expect_bodies_home();
}

const struct conform_case cases_body[] = {
	{NAMED(copies_of_every_class_boundary_arrive_whole)},
	{NAMED(bodies_of_every_class_boundary_arrive_whole)},
	{NAMED(tried_bodies_of_every_class_boundary_arrive_whole)},
	{NAMED(shares_of_every_class_boundary_arrive_whole)},
	{NAMED(a_body_may_be_as_small_as_a_slots_payload)},
	{NAMED(more_than_the_largest_class_is_refused)},
	{NAMED(an_exhausted_pool_says_enobufs_and_gives_again_what_came_back), .where = NEAR},
	{NAMED(an_exhausted_class_takes_from_a_larger_one), .where = NEAR},
	{NAMED(a_taken_buffer_is_at_least_as_large_as_asked_and_a_line_of_memory), .where = NEAR},
	{NAMED(what_was_taken_goes_home_when_its_actor_ends), .where = NEAR},
	{NAMED(what_was_taken_goes_home_when_its_actor_restarts), .where = NEAR},
	{NAMED(bodies_on_their_way_are_missing_until_they_are_handled)},
	{NAMED(only_the_bytes_that_were_said_go)},
	{NAMED(a_body_that_could_not_be_sent_stays_ours)},
	{NAMED(one_body_shared_a_hundred_times_is_one_buffer)},
	{NAMED(a_body_shared_on_through_many_hands_is_copied_when_it_was_split_too_often)},
	{NAMED(bodies_sent_before_their_sender_ended_arrive_whole)},
	{NAMED(bodies_in_the_mailbox_of_one_that_ends_go_home)},
	{NAMED(bodies_in_an_outbox_go_home_when_their_receiver_ends)},
	{0},
};
