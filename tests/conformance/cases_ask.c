/* SPDX-License-Identifier: Apache-2.0 */
/* Asks and replies: mycelium/ask.h. */
#include "conformance/cases.h"

/* ---- outcomes ---------------------------------------------------------------------------------- */

CASE(an_ask_is_answered_with_its_cookie_and_by_whom)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	OK(ask(a, b, LONG, 41));
	const struct seen *reply = nth(a, REPLY, 0);

	assert_int_equal(reply->number, 41);
	assert_int_equal(reply->status, 0);
	assert_int_equal(reply->kind, MYC_REPLY_ONE);
	assert_int_equal(reply->type, ANSWER);
	assert_int_equal(reply->size, 8);
	assert_int_equal(reply->payload, 41);
	assert_int_equal(reply->from, b->address);
	assert_int_not_equal(nth(b, MESSAGE, 0)->correlation, 0);
	assert_int_equal(nth(b, MESSAGE, 0)->from, a->address);
	assert_int_equal(nth(b, MESSAGE, 0)->type, REQUEST);
	settle();
	assert_int_equal(a->replies, 1);
}

CASE(replies_of_every_size_that_a_slot_holds_arrive)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, replies_sized);

	for (uint32_t size = 0; size <= MYC_PAYLOAD_MAX; size++) {
		OK(ask(a, b, LONG, size));
		assert_int_equal(nth(a, REPLY, size)->size, size);
		assert_int_equal(nth(a, REPLY, size)->payload, size < 8 ? 0 : 7);
	}
}

CASE(the_asker_goes_on_meanwhile)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	OK(post(a, NUMBER, 1));
	SAW(a, MESSAGE, 1);
	assert_int_equal(a->replies, 0);
	UNTIL(b->kept_count == 1);
	OK(answer_kept(b, 0, 5));
	SAW(a, REPLY, 1);
}

CASE(a_second_reply_reaches_nobody_and_is_counted_late)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(answer_kept(b, 0, 5));
	OK(answer_kept(b, 0, 6));
	SAW(a, REPLY, 1);
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	assert_int_equal(nth(a, REPLY, 0)->payload, 5);
	assert_int_equal(a->replies, 1);
}

CASE(an_ask_times_out_and_never_early)
{
	static const uint64_t timeouts[] = {1, MS, 3 * MS, 20 * MS};
	struct probe *a = spawn(HERE), *b = replier(THERE, ignores);

	for (uint32_t i = 0; i < 4; i++) {
		OK(let(a, timed_ask, b->address, timeouts[i], i, 0));
		const struct seen *reply = nth(a, REPLY, i);

		assert_int_equal(reply->status, -ETIMEDOUT);
		assert_int_equal(reply->number, i);
		assert_int_equal(reply->size, 0);
		assert_true(reply->at_ns >= a->word[0] + timeouts[i]);
	}
}

CASE(timeouts_come_in_the_order_of_their_times)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, ignores);
	static const uint64_t timeouts[] = {40 * MS, 10 * MS, 70 * MS, 25 * MS};

	for (uint64_t i = 0; i < 4; i++)
		OK(let(a, timed_ask, b->address, timeouts[i], i, 0));
	SAW(a, REPLY, 4);
	/* In one scan of the clock several may be due. */
	uint64_t before = 0;

	for (uint32_t i = 0; i < 4; i++) {
		const struct seen *reply = nth(a, REPLY, i);

		assert_true(reply->at_ns >= before);
		before = reply->at_ns;
	}
}

CASE(a_reply_after_the_timeout_reaches_nobody_and_is_counted_late)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, MS, 1));
	assert_int_equal(nth(a, REPLY, 0)->status, -ETIMEDOUT);
	UNTIL(b->kept_count == 1);
	OK(answer_kept(b, 0, 5));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	assert_int_equal(a->replies, 1);
}

CASE(an_ask_without_timeout_outlasts_others)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps), *c = replier(THERE, ignores);

	OK(ask(a, b, MYC_FOREVER, 1));
	for (uint64_t i = 0; i < 3; i++) {
		OK(ask(a, c, 10 * MS, 2 + i));
		SAW(a, REPLY, 1 + (uint32_t)i);
	}
	OK(answer_kept(b, 0, 5));
	assert_int_equal(nth(a, REPLY, 3)->payload, 5);
}

CASE(a_huge_timeout_does_not_wrap)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, UINT64_MAX - 1, 1));
	UNTIL(b->kept_count == 1);
	settle();
	assert_int_equal(a->replies, 0);
	OK(answer_kept(b, 0, 5));
	assert_int_equal(nth(a, REPLY, 0)->status, 0);
}

/* ---- cancelling -------------------------------------------------------------------------------- */

CASE(a_cancelled_ask_has_no_outcome_and_its_reply_is_late)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(cancel(a, 1));
	OK(answer_kept(b, 0, 5));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	assert_int_equal(a->replies, 0);
}

static int job_ask_and_cancel(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = timed_ask(self, me, a);

	return code ? code : myc_ask_cancel(self, me->ask[a[2] % SLOTS]);
}

CASE(a_cancelled_ask_does_not_time_out)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, ignores);

	OK(let(a, job_ask_and_cancel, b->address, 5 * MS, 1, 0));
	OK(ask(a, b, 20 * MS, 2));
	SAW(a, REPLY, 1);
	assert_int_equal(nth(a, REPLY, 0)->number, 2);
}

CASE(cancelling_twice_or_after_the_outcome_says_enoent)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes), *c = replier(THERE, ignores);

	OK(ask(a, b, LONG, 1));
	SAW(a, REPLY, 1);
	RESULT(cancel(a, 1), -ENOENT);
	OK(ask(a, c, LONG, 2));
	OK(cancel(a, 2));
	RESULT(cancel(a, 2), -ENOENT);
	RESULT(cancel(a, 5), -ENOENT); /* never was one */
}

CASE(a_stale_ask_does_not_cancel_the_next_one)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes), *c = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	SAW(a, REPLY, 1);
	for (uint64_t i = 0; i < 200; i += 8) { /* every entry is taken again */
		OK(ask(a, c, LONG, i));
		RESULT(cancel(a, 1), i % SLOTS == 1 ? 0 : -ENOENT);
		OK(cancel(a, 0));
	}
}

static int job_cancel_of(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	return myc_ask_cancel(self, (struct myc_ask){.correlation = (uint32_t)a[0]});
}

CASE(only_the_asker_cancels)
{
	struct probe *a = spawn(HERE), *c = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	RESULT(let(c, job_cancel_of, a->ask[1].correlation, 0, 0, 0), -ENOENT);
	OK(answer_kept(b, 0, 3));
	assert_int_equal(nth(a, REPLY, 0)->payload, 3);
}

/* ---- refused ----------------------------------------------------------------------------------- */

CASE(an_ask_of_nobody_is_refused_and_has_no_outcome)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(ask(a, b, MS, 1), -ESRCH);
	settle();
	assert_int_equal(a->replies, 0);
}

CASE(an_ask_of_the_frameworks_type_is_refused)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	RESULT(ask_type(a, b, 0xff00, 1), -EINVAL);
	RESULT(ask_type(a, b, 0xffff, 1), -EINVAL);
	OK(ask_type(a, b, 0xfeff, 1));
	SAW(a, REPLY, 1);
}

static int job_whole_ask(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint8_t payload[MYC_PAYLOAD_MAX];
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	fill(payload, 1, sizeof(payload));
	return code ? code : myc_ask(self, &ref, REQUEST, payload, a[1], LONG, 1, NULL);
}

CASE(a_request_may_fill_a_slot)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	OK(let(a, job_whole_ask, b->address, MYC_PAYLOAD_MAX, 0, 0));
	assert_int_equal(nth(a, REPLY, 0)->size, MYC_PAYLOAD_MAX);
}

CASE(a_tried_ask_without_credit_is_refused_and_has_no_outcome)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	b->react = echoes;
	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	hold(b);
	RESULT(try_flood(a, b, 2), -EAGAIN);
	RESULT(try_ask(a, b, 1), -EAGAIN);
	release(b);
	settle();
	assert_int_equal(a->replies, 0);
	UNTIL(try_ask(a, b, 2) == 0);
	assert_int_equal(nth(a, REPLY, 0)->number, 2);
}

CASE(an_ask_without_credit_waits_in_the_outbox_and_is_answered)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	b->react = echoes;
	hold(b);
	OK(send_many(a, b, 1, 10));
	UNTIL(metrics_of(a).outbox_depth > 0);
	tell(a, timed_ask, b->address, LONG, 1, 0);
	release(b);
	assert_int_equal(nth(a, REPLY, 0)->status, 0);
}

static void few_asks(struct world_opts *opts)
{
	opts->executor.asks = 4;
}

CASE(no_more_asks_than_the_executor_has_and_again_when_one_ends)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	for (uint64_t i = 0; i < 4; i++)
		OK(ask(a, b, LONG, i));
	RESULT(ask(a, b, LONG, 4), -ENOSPC);
	RESULT(try_ask(a, b, 4), -ENOSPC);
	RESULT(await(a, b, LONG, 4), -ENOSPC);
	UNTIL(b->kept_count == 4);
	OK(answer_kept(b, 2, 0));
	SAW(a, REPLY, 1);
	OK(ask(a, b, LONG, 4));
	RESULT(ask(a, b, LONG, 5), -ENOSPC);
	OK(cancel(a, 0));
	OK(ask(a, b, LONG, 5));
	settle();
	assert_int_equal(a->replies, 1);
	for (uint32_t i = 1; i <= 5; i++)
		RESULT(cancel(a, i), i == 2 ? -ENOENT : 0);
}

const struct conform_case cases_ask[] = {
	{NAMED(an_ask_is_answered_with_its_cookie_and_by_whom)},
	{NAMED(replies_of_every_size_that_a_slot_holds_arrive)},
	{NAMED(the_asker_goes_on_meanwhile)},
	{NAMED(a_second_reply_reaches_nobody_and_is_counted_late)},
	{NAMED(an_ask_times_out_and_never_early)},
	{NAMED(timeouts_come_in_the_order_of_their_times)},
	{NAMED(a_reply_after_the_timeout_reaches_nobody_and_is_counted_late)},
	{NAMED(an_ask_without_timeout_outlasts_others)},
	{NAMED(a_huge_timeout_does_not_wrap)},
	{NAMED(a_cancelled_ask_has_no_outcome_and_its_reply_is_late)},
	{NAMED(a_cancelled_ask_does_not_time_out)},
	{NAMED(cancelling_twice_or_after_the_outcome_says_enoent)},
	{NAMED(a_stale_ask_does_not_cancel_the_next_one)},
	{NAMED(only_the_asker_cancels)},
	{NAMED(an_ask_of_nobody_is_refused_and_has_no_outcome)},
	{NAMED(an_ask_of_the_frameworks_type_is_refused)},
	{NAMED(a_request_may_fill_a_slot)},
	{NAMED(a_tried_ask_without_credit_is_refused_and_has_no_outcome)},
	{NAMED(an_ask_without_credit_waits_in_the_outbox_and_is_answered)},
	{NAMED(no_more_asks_than_the_executor_has_and_again_when_one_ends), .opts = few_asks},
	{0},
};
