/* SPDX-License-Identifier: Apache-2.0 */
/* Awaiting a reply, and the cycles that are refused: mycelium/ask.h, myc_ask_await. */
#include "conformance/cases.h"

CASE(who_awaits_handles_no_messages_until_the_reply_and_then_in_order)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(await(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	for (uint64_t i = 1; i <= 5; i++)
		OK(send_number(b, a, i));
	settle();
	assert_int_equal(a->count, 0);
	OK(answer_kept(b, 0, 9));
	SAW(a, MESSAGE, 5);
	assert_int_equal(a->seen[0].what, REPLY);
	assert_int_equal(a->seen[0].payload, 9);
	expect_numbers(a, 1, 5);
}

CASE(replies_of_other_asks_reach_who_awaits)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps), *c = replier(ELSEWHERE, keeps);

	OK(ask(a, c, LONG, 1));
	OK(await(a, b, LONG, 2));
	UNTIL(b->kept_count == 1 && c->kept_count == 1);
	OK(answer_kept(c, 0, 5));
	assert_int_equal(nth(a, REPLY, 0)->number, 1);
	OK(post(a, NUMBER, 1));
	settle();
	assert_int_equal(a->messages, 0); /* it awaits still */
	OK(answer_kept(b, 0, 6));
	assert_int_equal(nth(a, REPLY, 1)->number, 2);
	expect_numbers(a, 1, 1);
}

CASE(timers_of_who_awaits_wait)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps), *clock = spawn(HERE);

	OK(start_timer(a, 5 * MS, 5 * MS, 3));
	OK(await(a, b, LONG, 2));
	UNTIL(b->kept_count == 1);
	settle();
	uint32_t before = a->timers;

	OK(start_timer(clock, 40 * MS, 0, 1));
	SAW(clock, TIMER, 1);
	assert_int_equal(a->timers, before);
	OK(answer_kept(b, 0, 6));
	SAW(a, TIMER, before + 1);
	assert_int_equal(a->seen[before].what, REPLY);
	OK(stop_timer(a, 3));
}

CASE(ends_are_told_to_who_awaits)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps), *c = spawn(ELSEWHERE);

	OK(watch(a, c, 0));
	OK(await(a, b, LONG, 2));
	OK(leave(c, WHY(MYC_EXIT_USER, 1)));
	assert_true(is_down(nth(a, SIGNAL, 0), c, MYC_EXIT_USER, 1));
	assert_int_equal(a->replies, 0);
	UNTIL(b->kept_count == 1);
	OK(answer_kept(b, 0, 0));
	SAW(a, REPLY, 1);
}

CASE(who_awaits_can_be_stopped)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(await(a, b, LONG, 2));
	UNTIL(b->kept_count == 1);
	OK(send_stop(b, a, MYC_STOP));
	UNTIL(ended(a));
	assert_int_equal(a->stops, 1);
	assert_int_equal(a->replies, 0);
}

static int awaits_again(struct myc_actor *self, struct probe *me, const struct myc_reply *reply)
{
	struct myc_ref ref;
	int code = myc_resolve(self, reply->asked, &ref);

	if (reply->cookie < 5)
		code = myc_ask_await(self, &ref, REQUEST, &reply->cookie, 8, LONG,
				     reply->cookie + 1, NULL, &me->cycle);
	return code;
}

CASE(the_reply_hook_awaits_again_and_messages_wait_for_the_last)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	a->on_reply = awaits_again;
	hold(b);
	OK(await(a, b, LONG, 1));
	OK(post(a, NUMBER, 1));
	settle();
	release(b);
	SAW(a, MESSAGE, 1);
	assert_int_equal(a->replies, 5);
	assert_int_equal(a->seen[5].what, MESSAGE);
}

static int job_await_twice(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	for (int i = 0; i < 2 && !code; i++)
		code = myc_ask_await(self, &ref, REQUEST, a, 8, LONG, 1, &me->ask[i], NULL);
	return code;
}

CASE(an_actor_awaits_one_reply_at_a_time)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	RESULT(let(a, job_await_twice, b->address, 0, 0, 0), -EALREADY);
	SAW(a, REPLY, 1);
	settle();
	assert_int_equal(a->replies, 1);
	assert_int_equal(b->messages, 1);
}

CASE(an_await_times_out_and_its_actor_goes_on)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, ignores);

	OK(await(a, b, 10 * MS, 1));
	OK(post(a, NUMBER, 1));
	SAW(a, MESSAGE, 1);
	assert_int_equal(a->seen[0].what, REPLY);
	assert_int_equal(a->seen[0].status, -ETIMEDOUT);
}

CASE(an_await_of_one_that_ends_comes_back_as_esrch)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(await(a, b, LONG, 1));
	settle();
	OK(send_stop(keeper_of(b->place), b, MYC_STOP_KILL));
	assert_int_equal(nth(a, REPLY, 0)->status, -ESRCH);
	OK(post(a, NUMBER, 1));
	SAW(a, MESSAGE, 1);
}

CASE(an_await_of_nobody_is_refused_and_its_actor_goes_on)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(await(a, b, LONG, 1), -ESRCH);
	OK(post(a, NUMBER, 1));
	SAW(a, MESSAGE, 1);
	assert_int_equal(a->replies, 0);
}

static int cancels_own(struct myc_actor *self, struct probe *me,
		       const struct myc_signal_event *event)
{
	(void)event;
	return myc_ask_cancel(self, me->ask[1]);
}

CASE(a_cancelled_await_lets_its_actor_go_on)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps), *c = spawn(ELSEWHERE);

	a->on_signal = cancels_own;
	OK(watch(a, c, 0));
	OK(await(a, b, LONG, 1));
	OK(post(a, NUMBER, 1));
	OK(leave(c, WHY(MYC_EXIT_NORMAL, 0)));
	SAW(a, MESSAGE, 1);
	assert_int_equal(a->replies, 0);
}

static int fails_once(struct myc_actor *self, struct probe *me, const struct myc_reply *reply)
{
	(void)self;
	(void)me;
	(void)reply;
	return -EIO;
}

CASE(who_awaits_is_restarted_when_its_reply_hook_fails_and_goes_on)
{
	struct probe *a = spawn_restarting(HERE, 3), *b = replier(THERE, keeps);

	a->on_reply = fails_once;
	OK(await(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(post(a, NUMBER, 1));
	OK(answer_kept(b, 0, 1));
	SAW(a, MESSAGE, 1);
	assert_int_equal(a->inits, 2);
	assert_int_equal(nth(a, MESSAGE, 0)->restarts, 1);
}

/* ---- cycles ------------------------------------------------------------------------------------ */

CASE(awaiting_oneself_is_a_cycle_of_one)
{
	struct probe *a = spawn(HERE);

	RESULT(await(a, a, LONG, 1), -EDEADLK);
	assert_int_equal(a->cycle.count, 1);
	assert_int_equal(a->cycle.address[0], a->address);
	OK(post(a, NUMBER, 1));
	SAW(a, MESSAGE, 1);
	assert_int_equal(a->replies, 0);
}

/* Each awaits the next; the last one is refused. */
static void cycle_of(uint32_t members)
{
	static const uint32_t where[] = {HERE, THERE, ELSEWHERE};
	struct probe *a[16];

	for (uint32_t i = 0; i < members; i++)
		a[i] = replier(where[i % 3], keeps);
	for (uint32_t i = 0; i + 1 < members; i++)
		OK(await(a[i], a[i + 1], LONG, i));
	RESULT(await(a[members - 1], a[0], LONG, 99), -EDEADLK);
	const struct myc_cycle *cycle = &a[members - 1]->cycle;

	assert_int_equal(cycle->count, members);
	assert_int_equal(cycle->address[0], a[members - 1]->address);
	for (uint32_t i = 1; i < members; i++)
		assert_int_equal(cycle->address[i], a[i - 1]->address);
	/* Nobody hangs: the last answers, so do the others. */
	for (uint32_t i = members - 1; i > 0; i--) {
		UNTIL(a[i]->kept_count == 1);
		OK(answer_kept(a[i], 0, i));
		SAW(a[i - 1], REPLY, 1);
	}
	assert_int_equal(a[members - 1]->replies, 0);
}

CASE(a_cycle_of_two_is_refused)
{
	cycle_of(2);
}

CASE(a_cycle_of_three_is_refused)
{
	cycle_of(3);
}

CASE(a_cycle_of_twelve_is_refused)
{
	cycle_of(12);
}

CASE(a_chain_without_cycle_is_no_deadlock)
{
	static const uint32_t where[] = {HERE, THERE, ELSEWHERE};
	struct probe *a[8];

	for (uint32_t i = 0; i < 8; i++)
		a[i] = replier(where[i % 3], keeps);
	for (uint32_t i = 7; i-- > 0;)
		OK(await(a[i], a[i + 1], LONG, i));
	/* Two may await the same. */
	struct probe *other = spawn(ELSEWHERE);

	OK(await(other, a[7], LONG, 1));
	UNTIL(a[7]->kept_count == 2);
	OK(answer_kept(a[7], 0, 1));
	OK(answer_kept(a[7], 1, 1));
	SAW(other, REPLY, 1);
	for (uint32_t i = 7; i-- > 1;) {
		SAW(a[i], REPLY, 1);
		UNTIL(a[i]->kept_count == 1);
		OK(answer_kept(a[i], 0, 1));
	}
	SAW(a[0], REPLY, 1);
}

CASE(asks_that_are_not_awaited_close_no_cycle)
{
	struct probe *a = replier(HERE, echoes), *b = replier(THERE, echoes);

	hold(a);
	hold(b);
	tell(a, ask_job(), b->address, LONG, 1, REQUEST);
	tell(b, ask_job(), a->address, LONG, 2, REQUEST);
	release(a);
	release(b);
	SAW(a, REPLY, 1);
	SAW(b, REPLY, 1);
	assert_int_equal(nth(a, REPLY, 0)->status, 0);
	assert_int_equal(nth(b, REPLY, 0)->status, 0);
}

static int answers_and_awaits(struct myc_actor *self, struct probe *me,
			      const struct myc_message *message)
{
	struct myc_ref ref;
	int code = myc_reply(self, message, ANSWER, NULL, 0);

	if (!code)
		code = myc_resolve(self, message->from, &ref);
	me->word[0] = (uint64_t)(code ? code
				      : myc_ask_await(self, &ref, REQUEST, message->payload, 8,
						      LONG, 8, NULL, &me->cycle));
	me->messages++;
	return 0;
}

CASE(one_that_has_replied_is_not_held_to_be_awaited_by_its_asker)
{
	struct probe *a = replier(HERE, echoes), *b = replier(THERE, answers_and_awaits);

	OK(await(a, b, LONG, 1));
	SAW(a, REPLY, 1);
	SAW(b, REPLY, 1);
	assert_int_equal((int)b->word[0], 0);
	assert_int_equal(nth(b, REPLY, 0)->status, 0);
}

CASE(a_request_passed_on_to_one_that_awaits_the_asker_is_a_deadlock)
{
	struct probe *a = replier(HERE, keeps), *b = replier(THERE, keeps);
	struct probe *c = replier(ELSEWHERE, keeps);

	OK(await(c, a, LONG, 1)); /* c awaits a */
	UNTIL(a->kept_count == 1);
	OK(await(a, b, LONG, 2)); /* a awaits b */
	UNTIL(b->kept_count == 1);
	OK(delegate_kept(b, 0, c)); /* now a would await c */
	assert_int_equal(nth(a, REPLY, 0)->status, -EDEADLK);
	OK(answer_kept(a, 0, 1));
	assert_int_equal(nth(c, REPLY, 0)->status, 0);
}

CASE(of_two_that_await_each_other_at_once_at_least_one_is_refused)
{
	for (int round = 0; round < 5; round++) {
		struct probe *a = replier(HERE, echoes), *b = replier(THERE, echoes);

		tell(a, ask_job(), b->address, LONG, 1, REQUEST | 2ull << 32);
		tell(b, ask_job(), a->address, LONG, 2, REQUEST | 2ull << 32);
		UNTIL(a->jobs == 1 && b->jobs == 1);
		/* It may be that one was answered before the other asked. */
		if (!a->result)
			SAW(a, REPLY, 1);
		if (!b->result)
			SAW(b, REPLY, 1);
		assert_true(a->result == 0 || a->result == -EDEADLK);
		assert_true(b->result == 0 || b->result == -EDEADLK);
	}
}

const struct conform_case cases_await[] = {
	{NAMED(who_awaits_handles_no_messages_until_the_reply_and_then_in_order)},
	{NAMED(replies_of_other_asks_reach_who_awaits)},
	{NAMED(timers_of_who_awaits_wait)},
	{NAMED(ends_are_told_to_who_awaits)},
	{NAMED(who_awaits_can_be_stopped)},
	{NAMED(the_reply_hook_awaits_again_and_messages_wait_for_the_last)},
	{NAMED(an_actor_awaits_one_reply_at_a_time)},
	{NAMED(an_await_times_out_and_its_actor_goes_on)},
	{NAMED(an_await_of_one_that_ends_comes_back_as_esrch)},
	{NAMED(an_await_of_nobody_is_refused_and_its_actor_goes_on)},
	{NAMED(a_cancelled_await_lets_its_actor_go_on)},
	{NAMED(who_awaits_is_restarted_when_its_reply_hook_fails_and_goes_on)},
	{NAMED(awaiting_oneself_is_a_cycle_of_one), .where = NEAR},
	{NAMED(a_cycle_of_two_is_refused)},
	{NAMED(a_cycle_of_three_is_refused)},
	{NAMED(a_cycle_of_twelve_is_refused)},
	{NAMED(a_chain_without_cycle_is_no_deadlock)},
	{NAMED(asks_that_are_not_awaited_close_no_cycle)},
	{NAMED(one_that_has_replied_is_not_held_to_be_awaited_by_its_asker)},
	{NAMED(a_request_passed_on_to_one_that_awaits_the_asker_is_a_deadlock)},
	{NAMED(of_two_that_await_each_other_at_once_at_least_one_is_refused)},
	{0},
};
