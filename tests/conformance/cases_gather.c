/* SPDX-License-Identifier: Apache-2.0 */
/* Gathers, and calls of plain threads: mycelium/ask.h. */
#include "conformance/cases.h"

static void repliers(struct probe **b, uint32_t count, reaction react)
{
	static const uint32_t where[] = {THERE, ELSEWHERE, HERE};

	for (uint32_t i = 0; i < count; i++) {
		b[i] = spawn(where[i % 3]);
		b[i]->react = react;
	}
}

/* The nth gather's end. */
static const struct seen *end_of(const struct probe *a, uint32_t after)
{
	const struct seen *end = nth(a, REPLY, after);

	assert_int_equal(end->kind, MYC_REPLY_GATHER);
	return end;
}

CASE(a_gather_of_all_tells_each_then_the_end)
{
	struct probe *a = spawn(HERE), *b[4];
	bool told[4] = {false};

	repliers(b, 4, echoes);
	OK(gather(a, b, 4, MYC_GATHER_ALL, LONG, 9));
	for (uint32_t i = 0; i < 4; i++) {
		const struct seen *one = nth(a, REPLY, i);

		assert_int_equal(one->kind, MYC_REPLY_ONE);
		assert_int_equal(one->status, 0);
		assert_int_equal(one->number, 9);
		assert_int_equal(one->payload, 9);
		assert_int_equal(one->answered, i + 1);
		assert_int_equal(one->failed, 0);
		assert_true(one->index < 4 && !told[one->index]);
		assert_int_equal(one->from, b[one->index]->address);
		told[one->index] = true;
	}
	const struct seen *end = end_of(a, 4);

	assert_int_equal(end->status, 0);
	assert_int_equal(end->answered, 4);
	settle();
	assert_int_equal(a->replies, 5);
}

CASE(a_gather_of_the_first_ends_with_it_and_the_others_are_late)
{
	struct probe *a = spawn(HERE), *b[3];

	repliers(b, 3, keeps);
	OK(gather(a, b, 3, 1, LONG, 9));
	for (uint32_t i = 0; i < 3; i++)
		UNTIL(b[i]->kept_count == 1);
	OK(answer_kept(b[1], 0, 5));
	assert_int_equal(end_of(a, 1)->status, 0);
	assert_int_equal(nth(a, REPLY, 0)->index, 1);
	OK(answer_kept(b[0], 0, 5));
	OK(answer_kept(b[2], 0, 5));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 2);
	assert_int_equal(a->replies, 2);
}

CASE(a_gather_of_n_of_m_ends_when_n_have_answered)
{
	struct probe *a = spawn(HERE), *b[5];

	repliers(b, 5, keeps);
	OK(gather(a, b, 5, 3, LONG, 9));
	for (uint32_t i = 0; i < 5; i++)
		UNTIL(b[i]->kept_count == 1);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(a->replies, i);
		OK(answer_kept(b[4 - i], 0, 5));
		SAW(a, REPLY, i + 1);
	}
	assert_int_equal(end_of(a, 3)->answered, 3);
}

CASE(a_gather_ends_when_so_many_have_failed_that_it_cannot_succeed)
{
	struct probe *a = spawn(HERE), *b[4];

	repliers(b, 4, keeps);
	OK(gather(a, b, 4, 3, LONG, 9));
	for (uint32_t i = 0; i < 4; i++)
		UNTIL(b[i]->kept_count == 1);
	OK(refuse_kept(b[0], 0, -EIO));
	assert_int_equal(nth(a, REPLY, 0)->status, -EIO);
	assert_int_equal(nth(a, REPLY, 0)->failed, 1);
	OK(answer_kept(b[1], 0, 1));
	SAW(a, REPLY, 2);
	OK(refuse_kept(b[2], 0, -EACCES));
	const struct seen *end = end_of(a, 3);

	assert_int_equal(end->status, -EACCES);
	assert_int_equal(end->answered, 1);
	assert_int_equal(end->failed, 2);
	settle();
	assert_int_equal(a->replies, 4);
}

CASE(a_member_that_is_gone_fails_as_a_member)
{
	struct probe *a = spawn(HERE), *b[3];

	repliers(b, 3, echoes);
	OK(stop_self(b[1]));
	UNTIL(ended(b[1]));
	OK(gather(a, b, 3, 2, LONG, 9));
	SAW(a, REPLY, 3);
	settle();
	const struct seen *end = nth(a, REPLY, a->replies - 1);

	assert_int_equal(end->kind, MYC_REPLY_GATHER);
	assert_int_equal(end->status, 0);
	assert_int_equal(end->answered, 2);
	for (uint32_t i = 0; i < a->replies - 1; i++)
		if (nth(a, REPLY, i)->index == 1)
			assert_int_equal(nth(a, REPLY, i)->status, -ESRCH);
}

CASE(a_gather_times_out_once_for_all)
{
	struct probe *a = spawn(HERE), *b[3];

	repliers(b, 3, ignores);
	b[2]->react = echoes;
	OK(gather(a, b, 3, MYC_GATHER_ALL, 30 * MS, 9));
	uint32_t answers = 0;

	while (nth(a, REPLY, answers)->kind == MYC_REPLY_ONE)
		assert_int_equal(nth(a, REPLY, answers++)->index, 2);
	assert_true(answers <= 1);
	assert_int_equal(nth(a, REPLY, answers)->status, -ETIMEDOUT);
	assert_int_equal(nth(a, REPLY, answers)->answered, answers);
	settle();
	assert_int_equal(a->replies, answers + 1);
}

CASE(a_cancelled_gather_tells_no_more)
{
	struct probe *a = spawn(HERE), *b[3];

	repliers(b, 3, keeps);
	OK(gather(a, b, 3, MYC_GATHER_ALL, LONG, 1));
	for (uint32_t i = 0; i < 3; i++)
		UNTIL(b[i]->kept_count == 1);
	OK(answer_kept(b[0], 0, 1));
	SAW(a, REPLY, 1);
	OK(cancel(a, 1));
	RESULT(cancel(a, 1), -ENOENT);
	OK(answer_kept(b[1], 0, 1));
	OK(answer_kept(b[2], 0, 1));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 2);
	assert_int_equal(a->replies, 1);
}

static int cancels_itself(struct myc_actor *self, struct probe *me, const struct myc_reply *reply)
{
	(void)me;
	return myc_ask_cancel(self, reply->ask);
}

CASE(a_gather_is_cancelled_from_its_own_reply_hook)
{
	struct probe *a = spawn(HERE), *b[3];

	repliers(b, 3, echoes);
	a->on_reply = cancels_itself;
	OK(gather(a, b, 3, MYC_GATHER_ALL, LONG, 1));
	SAW(a, REPLY, 1);
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 2);
	assert_int_equal(a->replies, 1);
}

CASE(a_gather_of_nobody_or_of_more_than_all_is_refused)
{
	struct probe *a = spawn(HERE), *b[2];

	repliers(b, 2, echoes);
	RESULT(gather(a, b, 0, 1, LONG, 1), -EINVAL);
	RESULT(gather(a, b, 2, 0, LONG, 1), -EINVAL);
	RESULT(gather(a, b, 2, 3, LONG, 1), -EINVAL);
	settle();
	assert_int_equal(a->replies, 0);
	assert_int_equal(b[0]->messages, 0);
}

static void four_asks(struct world_opts *opts)
{
	opts->executor.asks = 4;
}

CASE(a_gather_needs_one_ask_more_than_members)
{
	struct probe *a = spawn(HERE), *b[4];

	repliers(b, 4, echoes);
	RESULT(gather(a, b, 4, MYC_GATHER_ALL, LONG, 1), -ENOSPC);
	OK(gather(a, b, 3, MYC_GATHER_ALL, LONG, 1));
	assert_int_equal(end_of(a, 3)->status, 0);
	OK(gather(a, b, 3, MYC_GATHER_ALL, LONG, 2)); /* they are free again */
	assert_int_equal(end_of(a, 7)->status, 0);
	assert_int_equal(b[3]->messages, 0);
}

CASE(the_same_actor_may_be_gathered_more_than_once)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *twice[3] = {b, b, b};

	b->react = echoes;
	OK(gather(a, twice, 3, MYC_GATHER_ALL, LONG, 9));
	assert_int_equal(end_of(a, 3)->answered, 3);
	assert_int_equal(b->messages, 3);
}

CASE(a_gather_ends_with_its_actors_life)
{
	struct probe *a = spawn_restarting(HERE, 3), *b[3];

	repliers(b, 3, keeps);
	OK(gather(a, b, 3, MYC_GATHER_ALL, LONG, 1));
	for (uint32_t i = 0; i < 3; i++)
		UNTIL(b[i]->kept_count == 1);
	OK(fail_with(a, -EIO));
	UNTIL(a->inits == 2);
	for (uint32_t i = 0; i < 3; i++)
		OK(answer_kept(b[i], 0, 1));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 3);
	assert_int_equal(a->replies, 0);
}

CASE(a_gathers_member_passes_its_request_on)
{
	struct probe *a = spawn(HERE), *b[2], *c = spawn(ELSEWHERE);

	repliers(b, 2, keeps);
	c->react = echoes;
	OK(gather(a, b, 2, MYC_GATHER_ALL, LONG, 9));
	UNTIL(b[0]->kept_count == 1 && b[1]->kept_count == 1);
	OK(delegate_kept(b[0], 0, c));
	assert_int_equal(nth(a, REPLY, 0)->index, 0);
	assert_int_equal(nth(a, REPLY, 0)->payload, 77);
	OK(answer_kept(b[1], 0, 1));
	assert_int_equal(end_of(a, 2)->answered, 2);
}

/* ---- calls of threads -------------------------------------------------------------------------- */

/* a: address, type, size, timeout; back: type, size, first word. */
static int do_call(struct myc_system *system, uint64_t *a)
{
	struct myc_answer answer = {0};
	uint64_t payload[8] = {a[4]};
	int code = myc_call(system, a[0], (uint16_t)a[1], payload, a[2], &answer, a[3]);

	a[0] = answer.type;
	a[1] = answer.size;
	a[2] = answer.payload[0];
	return code;
}

CASE(a_thread_calls_and_is_answered)
{
	struct probe *b = spawn(THERE);
	uint64_t a[ERRAND_WORDS] = {b->address, REQUEST, 8, MYC_FOREVER, 321};

	b->react = echoes;
	OK(way.at(HERE, do_call, a));
	assert_int_equal(a[0], ANSWER);
	assert_int_equal(a[1], 8);
	assert_int_equal(a[2], 321);
	assert_int_equal(nth(b, MESSAGE, 0)->number, 321);
}

CASE(a_threads_call_times_out_and_its_reply_is_late)
{
	struct probe *b = spawn(THERE);
	uint64_t first[ERRAND_WORDS] = {b->address, REQUEST, 8, MYC_FOREVER, 320};
	uint64_t a[ERRAND_WORDS] = {b->address, REQUEST, 8, 5 * MS, 321};

	b->react = echoes;
	OK(way.at(HERE, do_call, first)); /* from now on there is credit */
	settle();
	b->react = keeps;
	RESULT(way.at(HERE, do_call, a), -ETIMEDOUT);
	UNTIL(b->kept_count == 1);
	OK(answer_kept(b, 0, 1));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	uint64_t again[ERRAND_WORDS] = {b->address, REQUEST, 8, MYC_FOREVER, 322};

	b->react = echoes;
	OK(way.at(HERE, do_call, again));
	assert_int_equal(again[2], 322);
}

CASE(a_threads_call_to_nobody_says_esrch)
{
	struct probe *b = spawn(THERE);
	uint64_t a[ERRAND_WORDS] = {b->address, REQUEST, 8, MYC_FOREVER, 1};

	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(way.at(HERE, do_call, a), -ESRCH);
}

static int refuses(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	struct myc_reply_to to;
	int code = myc_reply_keep(message, &to);

	(void)me;
	return code ? code : myc_reply_error(self, &to, -EACCES);
}

CASE(a_threads_call_returns_the_repliers_error)
{
	struct probe *b = spawn(THERE);
	uint64_t a[ERRAND_WORDS] = {b->address, REQUEST, 8, MYC_FOREVER, 1};

	b->react = refuses;
	RESULT(way.at(HERE, do_call, a), -EACCES);
	assert_int_equal(a[1], 0);
}

CASE(a_threads_call_of_the_frameworks_type_is_refused)
{
	struct probe *b = spawn(THERE);
	uint64_t type[ERRAND_WORDS] = {b->address, 0xff00, 8, MS, 1};

	RESULT(way.at(HERE, do_call, type), -EINVAL);
	settle();
	assert_int_equal(b->messages, 0);
}

static int forwards(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	struct myc_ref ref;
	int code = myc_resolve(self, me->word[0], &ref);

	return code ? code : myc_forward(self, message, &ref);
}

CASE(a_threads_call_is_passed_on_like_an_ask)
{
	struct probe *b = spawn(THERE), *c = spawn(ELSEWHERE);
	uint64_t a[ERRAND_WORDS] = {b->address, REQUEST, 8, MYC_FOREVER, 44};

	set_word(b, 0, c->address);
	b->react = forwards;
	c->react = echoes;
	OK(way.at(HERE, do_call, a));
	assert_int_equal(a[2], 44);
}

CASE(a_threads_call_waits_for_credit)
{
	struct probe *b = spawn_as(THERE, &tiny);

	b->react = echoes;
	for (uint64_t i = 0; i < 20; i++) {
		uint64_t a[ERRAND_WORDS] = {b->address, REQUEST, 8, MYC_FOREVER, i};

		OK(post(b, NUMBER, 1));
		OK(way.at(b->place, do_call, a));
		assert_int_equal(a[2], i);
	}
}

const struct conform_case cases_gather[] = {
	{NAMED(a_gather_of_all_tells_each_then_the_end)},
	{NAMED(a_gather_of_the_first_ends_with_it_and_the_others_are_late)},
	{NAMED(a_gather_of_n_of_m_ends_when_n_have_answered)},
	{NAMED(a_gather_ends_when_so_many_have_failed_that_it_cannot_succeed)},
	{NAMED(a_member_that_is_gone_fails_as_a_member)},
	{NAMED(a_gather_times_out_once_for_all)},
	{NAMED(a_cancelled_gather_tells_no_more)},
	{NAMED(a_gather_is_cancelled_from_its_own_reply_hook)},
	{NAMED(a_gather_of_nobody_or_of_more_than_all_is_refused)},
	{NAMED(a_gather_needs_one_ask_more_than_members), .opts = four_asks},
	{NAMED(the_same_actor_may_be_gathered_more_than_once)},
	{NAMED(a_gather_ends_with_its_actors_life)},
	{NAMED(a_gathers_member_passes_its_request_on)},
	{NAMED(a_thread_calls_and_is_answered)},
	{NAMED(a_threads_call_times_out_and_its_reply_is_late)},
	{NAMED(a_threads_call_to_nobody_says_esrch)},
	{NAMED(a_threads_call_returns_the_repliers_error)},
	{NAMED(a_threads_call_of_the_frameworks_type_is_refused)},
	{NAMED(a_threads_call_is_passed_on_like_an_ask)},
	{NAMED(a_threads_call_waits_for_credit)},
	{0},
};
