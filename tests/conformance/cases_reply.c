/* SPDX-License-Identifier: Apache-2.0 */
/* Replying, passing on, and ends in between: mycelium/ask.h. */
#include <mycelium/mailbox.h>

#include "conformance/cases.h"

/* ---- replying ---------------------------------------------------------------------------------- */

CASE(a_reply_may_come_later)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(send_many(a, b, 1, 5));
	SAW(b, MESSAGE, 6);
	OK(answer_kept(b, 0, 99));
	assert_int_equal(nth(a, REPLY, 0)->payload, 99);
}

CASE(replies_in_another_order_find_their_asks)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	for (uint64_t i = 0; i < 8; i++)
		OK(ask(a, b, LONG, 100 + i));
	UNTIL(b->kept_count == 8);
	for (uint32_t i = 8; i-- > 0;)
		OK(answer_kept(b, i, i));
	for (uint32_t i = 0; i < 8; i++) {
		assert_int_equal(nth(a, REPLY, i)->number, 107 - i);
		assert_int_equal(nth(a, REPLY, i)->payload, 7 - i);
	}
}

CASE(askers_of_one_replier_get_their_own_replies)
{
	struct probe *a[3] = {spawn(HERE), spawn(THERE), spawn(ELSEWHERE)};
	struct probe *b = replier(THERE, echoes);

	for (uint64_t n = 0; n < 4; n++)
		for (uint64_t i = 0; i < 3; i++)
			OK(ask(a[i], b, LONG, 10 * i + n));
	for (uint64_t i = 0; i < 3; i++)
		for (uint32_t n = 0; n < 4; n++)
			assert_int_equal(nth(a[i], REPLY, n)->payload, 10 * i + n);
}

CASE(a_reply_to_what_asks_nothing_is_refused)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, replies_sized);

	OK(send_number(a, b, 8));
	SAW(b, MESSAGE, 1);
	assert_int_equal((int)b->word[0], -EINVAL);
}

static int keeps_anyway(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	(void)self;
	me->word[0] = (uint64_t)myc_reply_keep(message, &me->kept[0]);
	me->messages++;
	return 0;
}

CASE(what_asks_nothing_has_no_reply_to_keep)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps_anyway);

	OK(send_number(a, b, 8));
	SAW(b, MESSAGE, 1);
	assert_int_equal((int)b->word[0], -EINVAL);
	RESULT(answer_kept(b, 0, 0), -EINVAL); /* nothing is kept */
}

CASE(the_replier_may_say_an_error)
{
	static const int errors[] = {-1, -EACCES, -4095};
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	for (uint32_t i = 0; i < 3; i++) {
		OK(ask(a, b, LONG, i));
		UNTIL(b->kept_count == i + 1);
		OK(refuse_kept(b, i, errors[i]));
		assert_int_equal(nth(a, REPLY, i)->status, errors[i]);
		assert_int_equal(nth(a, REPLY, i)->size, 0);
	}
}

CASE(errors_that_are_none_are_refused)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	RESULT(refuse_kept(b, 0, 0), -EINVAL);
	RESULT(refuse_kept(b, 0, 5), -EINVAL);
	RESULT(refuse_kept(b, 0, -4096), -EINVAL);
	OK(refuse_kept(b, 0, -EIO));
	assert_int_equal(nth(a, REPLY, 0)->status, -EIO);
}

static int says_then_replies(struct myc_actor *self, struct probe *me,
			     const struct myc_message *message)
{
	int code = 0;

	for (uint64_t i = 1; i <= 3 && !code; i++)
		code = do_send(self, me, message->from, SEND, i, 8);
	return code ? code : myc_reply(self, message, ANSWER, NULL, 0);
}

CASE(a_reply_comes_behind_what_the_replier_sent_before)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, says_then_replies);

	OK(ask(a, b, LONG, 1));
	SAW(a, REPLY, 1);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(a->seen[i].what, MESSAGE);
	assert_int_equal(a->seen[3].what, REPLY);
	expect_numbers(a, 1, 3);
}

CASE(a_request_stands_in_order_with_messages_of_the_pair)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	OK(send_number(a, b, 1));
	OK(ask(a, b, LONG, 2));
	OK(send_number(a, b, 3));
	OK(ask(a, b, LONG, 4));
	expect_numbers(b, 1, 4);
	SAW(a, REPLY, 2);
}

CASE(a_reply_needs_no_credit_of_the_asker)
{
	struct probe *a = spawn_as(HERE, &tiny), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	settle();
	hold(a);
	while (!try_number(b, a, 7))
		;
	OK(answer_kept(b, 0, 1));
	SAW(a, REPLY, 1); /* while suspended, its mailbox full */
	release(a);
}

CASE(an_actor_asks_itself)
{
	struct probe *a = replier(HERE, echoes);

	OK(ask(a, a, LONG, 6));
	assert_int_equal(nth(a, REPLY, 0)->payload, 6);
	assert_int_equal(nth(a, REPLY, 0)->from, a->address);
}

/* ---- passed on --------------------------------------------------------------------------------- */

static int forwards(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	struct myc_ref ref;
	int code = myc_resolve(self, me->word[0], &ref);

	me->word[1] = (uint64_t)(code ? code : myc_forward(self, message, &ref));
	me->messages++;
	return 0;
}

static struct probe *forwarder(uint32_t where, const struct probe *to)
{
	struct probe *made = replier(where, forwards);

	set_word(made, 0, to->address);
	return made;
}

CASE(a_forwarded_request_is_answered_to_the_asker)
{
	struct probe *a = spawn(HERE), *c = replier(ELSEWHERE, echoes), *b = forwarder(THERE, c);

	OK(ask(a, b, LONG, 12));
	const struct seen *reply = nth(a, REPLY, 0), *request = nth(c, MESSAGE, 0);

	assert_int_equal(reply->payload, 12);
	assert_int_equal(request->type, REQUEST);
	assert_int_equal(request->size, 8);
	assert_int_equal(request->number, 12);
	assert_int_equal(b->replies, 0);
}

CASE(each_of_many_forwarded_requests_is_answered_to_its_asker)
{
	struct probe *a[2] = {spawn(HERE), spawn(ELSEWHERE)};
	struct probe *c = replier(ELSEWHERE, echoes), *b = forwarder(THERE, c);

	/* From the second on there is credit between b and c: they go the common way. */
	for (uint32_t i = 0; i < 20; i++)
		OK(ask(a[i % 2], b, LONG, i));
	for (uint32_t i = 0; i < 20; i++) {
		const struct seen *reply = nth(a[i % 2], REPLY, i / 2);

		assert_int_equal(reply->status, 0);
		assert_int_equal(reply->payload, i);
		/* The answer may be faster than the word of whom it was passed on to. */
		assert_true(reply->from == c->address || reply->from == b->address);
	}
	assert_int_equal(c->messages, 20);
}

CASE(a_request_is_forwarded_through_many)
{
	struct probe *a = spawn(HERE), *last = replier(THERE, echoes), *to = last;

	for (int i = 0; i < 5; i++)
		to = forwarder(i % 2 ? HERE : ELSEWHERE, to);
	OK(ask(a, to, LONG, 12));
	assert_int_equal(nth(a, REPLY, 0)->payload, 12);
	assert_int_equal(last->messages, 1);
}

CASE(a_forwarded_requests_outcome_names_who_had_it_last)
{
	struct probe *a = spawn(HERE), *c = replier(ELSEWHERE, keeps), *b = forwarder(THERE, c);

	OK(ask(a, b, LONG, 12));
	UNTIL(c->kept_count == 1);
	/* Behind the word of whom it was passed on to, by the same lane. */
	OK(send_number(b, a, 1));
	UNTIL(a->messages == 1);
	OK(refuse_kept(c, 0, -EIO));
	assert_int_equal(nth(a, REPLY, 0)->status, -EIO);
	assert_int_equal(nth(a, REPLY, 0)->from, c->address);
}

CASE(a_forward_to_nobody_is_refused_and_the_request_still_ours)
{
	struct probe *a = spawn(HERE), *c = spawn(ELSEWHERE), *b = forwarder(THERE, c);

	OK(stop_self(c));
	UNTIL(ended(c));
	OK(ask(a, b, 50 * MS, 12));
	SAW(b, MESSAGE, 1);
	assert_int_equal((int)b->word[1], -ESRCH);
	assert_int_equal(nth(a, REPLY, 0)->status, -ETIMEDOUT);
	assert_int_equal(nth(a, REPLY, 0)->from, b->address);
}

CASE(what_asks_nothing_is_not_forwarded)
{
	struct probe *a = spawn(HERE), *c = spawn(ELSEWHERE), *b = forwarder(THERE, c);

	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	assert_int_equal((int)b->word[1], -EINVAL);
	settle();
	assert_int_equal(c->messages, 0);
}

CASE(a_request_is_delegated_as_another)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps), *c = replier(ELSEWHERE, echoes);

	OK(ask(a, b, LONG, 12));
	UNTIL(b->kept_count == 1);
	OK(delegate_kept(b, 0, c));
	assert_int_equal(nth(c, MESSAGE, 0)->type, ASKED);
	assert_int_equal(nth(c, MESSAGE, 0)->number, 77);
	assert_int_equal(nth(a, REPLY, 0)->payload, 77);
	assert_int_equal(nth(a, REPLY, 0)->number, 12);
}

static int job_delegate_sized(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint8_t payload[MYC_PAYLOAD_MAX];
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	fill(payload, 5, (uint32_t)a[1]);
	return code ? code : myc_delegate(self, &me->kept[0], &ref, (uint16_t)a[2], payload, a[1]);
}

CASE(a_delegated_request_of_32_bytes_has_no_body)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps), *c = replier(ELSEWHERE, echoes);

	OK(ask(a, b, LONG, 12));
	UNTIL(b->kept_count == 1);
	RESULT(let(b, job_delegate_sized, c->address, 8, 0xff00, 0), -EINVAL);
	OK(let(b, job_delegate_sized, c->address, 32, ASKED, 0));
	assert_int_equal(nth(a, REPLY, 0)->size, 32);
	assert_int_equal(nth(c, MESSAGE, 0)->size, 32);
	expect_bodies_home();
}

/* Its reply's address goes in a message to another, who replies. */
static int hands_over(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	struct myc_reply_to to;
	struct myc_ref ref;
	int code = myc_reply_keep(message, &to);

	if (!code)
		code = myc_resolve(self, me->word[0], &ref);
	return code ? code : myc_send(self, &ref, OTHER, &to, sizeof(to));
}

static int answers_for(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	struct myc_reply_to to;

	(void)me;
	memcpy(&to, message->payload, sizeof(to));
	return myc_reply_send(self, &to, ANSWER, &(uint64_t){55}, 8);
}

CASE(where_a_reply_goes_travels_in_messages)
{
	struct probe *a = spawn(HERE), *c = replier(ELSEWHERE, answers_for);
	struct probe *b = replier(THERE, hands_over);

	set_word(b, 0, c->address);
	OK(ask(a, b, LONG, 1));
	assert_int_equal(nth(a, REPLY, 0)->payload, 55);
}

/* ---- ends -------------------------------------------------------------------------------------- */

CASE(a_request_in_the_mailbox_of_one_that_ends_comes_back_as_esrch)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(ask(a, b, LONG, 1));
	OK(ask(a, b, LONG, 2));
	settle();
	OK(send_stop(a, b, MYC_STOP_KILL));
	assert_int_equal(nth(a, REPLY, 0)->status, -ESRCH);
	assert_int_equal(nth(a, REPLY, 1)->status, -ESRCH);
	settle();
	assert_int_equal(a->replies, 2);
}

CASE(a_request_in_an_outbox_comes_back_when_its_receiver_ends)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	hold(b);
	OK(send_many(a, b, 1, 5));
	tell(a, timed_ask, b->address, LONG, 1, 0);
	settle();
	OK(send_stop(keeper_of(b->place), b, MYC_STOP_KILL));
	UNTIL(ended(b));
	UNTIL(metrics_of(a).outbox_depth == 0);
	UNTIL(a->jobs == 2);
	/* In the outbox it came back; made afterwards it was refused. */
	if (a->result)
		assert_int_equal(a->result, -ESRCH);
	else
		assert_int_equal(nth(a, REPLY, 0)->status, -ESRCH);
}

CASE(one_that_ends_with_a_request_in_hand_leaves_it_to_the_timeout)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, 30 * MS, 1));
	UNTIL(b->kept_count == 1);
	OK(stop_self(b));
	assert_int_equal(nth(a, REPLY, 0)->status, -ETIMEDOUT);
}

CASE(replies_to_the_former_life_of_a_restarted_asker_are_late)
{
	struct probe *a = spawn_restarting(HERE, 3), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(fail_with(a, -EIO));
	UNTIL(a->inits == 2);
	OK(answer_kept(b, 0, 1));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	OK(ask(a, b, LONG, 2));
	UNTIL(b->kept_count == 2);
	OK(answer_kept(b, 1, 2));
	assert_int_equal(nth(a, REPLY, 0)->payload, 2);
	assert_int_equal(a->replies, 1);
}

CASE(a_reply_to_an_asker_that_ended_says_esrch)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(stop_self(a));
	UNTIL(ended(a));
	RESULT(answer_kept(b, 0, 1), -ESRCH);
}

static int fails(struct myc_actor *self, struct probe *me, const struct myc_reply *reply)
{
	(void)self;
	(void)me;
	(void)reply;
	return -EIO;
}

CASE(the_reply_hook_that_fails_restarts_its_actor)
{
	struct probe *a = spawn_restarting(HERE, 3), *b = replier(THERE, echoes);

	a->on_reply = fails;
	OK(ask(a, b, LONG, 1));
	UNTIL(a->inits == 2);
	a->on_reply = NULL;
	OK(ask(a, b, LONG, 2));
	assert_int_equal(nth(a, REPLY, 1)->number, 2);
}

static int asks_again(struct myc_actor *self, struct probe *me, const struct myc_reply *reply)
{
	struct myc_ref ref;
	uint64_t next = reply->cookie + 1;
	int code = next > 10 ? -ENOENT : myc_resolve(self, reply->asked, &ref);

	(void)me;
	return code ? 0 : myc_ask(self, &ref, REQUEST, &next, sizeof(next), LONG, next, NULL);
}

CASE(the_reply_hook_may_ask_again)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	a->on_reply = asks_again;
	OK(ask(a, b, LONG, 1));
	SAW(a, REPLY, 10);
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(nth(a, REPLY, i)->payload, i + 1);
}

/* ---- what replies and redirected requests do not wait for ----------------------------------------- */

static const struct myc_overflow keeps_two[] = {
	{.first = OTHER, .last = OTHER, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = 2}};
static const struct myc_overflow to_spare[] = {
	{.first = 1, .last = 0xfeff, .policy = MYC_OVERFLOW_REDIRECT, .to = "spare"}};
static const struct myc_behaviour keeper_of_two = {PROBE_HOOKS,		  .name = "two",
						   .mailbox_capacity = 1, .capacity_per_sender = 1,
						   .overflow = keeps_two, .overflow_count = 1};
static const struct myc_behaviour passer_on = {PROBE_HOOKS,	      .name = "passer",
					       .mailbox_capacity = 2, .capacity_per_sender = 2,
					       .overflow = to_spare,  .overflow_count = 1};

/* Messages to itself wait, and pause it not; then a reply, and then more than the asker has credit for. */
static int talks_to_itself(struct myc_actor *self, struct probe *me,
			   const struct myc_message *message)
{
	uint64_t number = me->messages;
	int code = 0;

	if (!myc_message_asks(message))
		return notes(self, me, message);
	for (uint32_t i = 0; i < 3 && !code; i++)
		code = do_send_type(self, myc_self(self), OTHER, i);
	code = code ? code : myc_reply(self, message, ANSWER, &number, 8);
	return code ? code : do_send(self, me, message->from, SEND, 7, 8);
}

CASE(a_reply_does_not_wait_for_what_pauses_nobody)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &keeper_of_two);

	b->react = talks_to_itself;
	OK(ask(a, b, LONG, 1));
	SAW(a, REPLY, 1);
	SAW(a, MESSAGE, 1);
	UNTIL(b->messages >= 2); /* and it goes on */
}

static void four_slots(struct world_opts *opts)
{
	opts->system.lane_slots = 4;
}

/* a: the one that redirects, the other, how many go there before, which request. */
static int job_fill_and_delegate(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	for (uint64_t i = 0; i < a[2] && !code; i++)
		code = do_send(self, me, a[1], SEND, i, 8);
	return code ? code : myc_delegate(self, &me->kept[a[3]], &ref, ASKED, &a[3], 8);
}

/* The word of who has it now goes by the lane that it goes by, which has room for one of them. */
CASE(a_redirected_request_waits_when_word_of_it_took_the_last_room)
{
	struct probe *a = spawn(THERE), *b = spawn_as(ELSEWHERE, &passer_on),
		     *c = replier(HERE, keeps), *spare = spawn_named(THERE, "spare");

	spare->react = b->react = echoes;
	for (uint64_t i = 0; i < 6; i++)
		OK(ask(a, c, LONG, i));
	UNTIL(c->kept_count == 6);
	OK(let(c, job_fill_and_delegate, b->address, spare->address, 1, 0));
	SAW(a, REPLY, 1);
	settle();
	hold(b);
	OK(send_many(c, b, 1, 2)); /* now it has no more room */
	settle();
	for (uint32_t i = 1; i < 6; i++) {
		OK(let(c, job_fill_and_delegate, b->address, spare->address, i - 1, i));
		SAW(a, REPLY, 1 + i);
		assert_int_equal(nth(a, REPLY, i)->status, 0);
		settle();
	}
	UNTIL(spare->messages == 1 + (0 + 1 + 2 + 3 + 4) + 5);
	release(b);
}

const struct conform_case cases_reply[] = {
	{NAMED(a_reply_may_come_later)},
	{NAMED(replies_in_another_order_find_their_asks)},
	{NAMED(askers_of_one_replier_get_their_own_replies)},
	{NAMED(a_reply_to_what_asks_nothing_is_refused)},
	{NAMED(what_asks_nothing_has_no_reply_to_keep)},
	{NAMED(the_replier_may_say_an_error)},
	{NAMED(errors_that_are_none_are_refused)},
	{NAMED(a_reply_comes_behind_what_the_replier_sent_before)},
	{NAMED(a_request_stands_in_order_with_messages_of_the_pair)},
	{NAMED(a_reply_needs_no_credit_of_the_asker)},
	{NAMED(an_actor_asks_itself), .where = NEAR},
	{NAMED(a_forwarded_request_is_answered_to_the_asker)},
	{NAMED(each_of_many_forwarded_requests_is_answered_to_its_asker)},
	{NAMED(a_request_is_forwarded_through_many)},
	{NAMED(a_forwarded_requests_outcome_names_who_had_it_last)},
	{NAMED(a_forward_to_nobody_is_refused_and_the_request_still_ours)},
	{NAMED(what_asks_nothing_is_not_forwarded)},
	{NAMED(a_request_is_delegated_as_another)},
	{NAMED(a_delegated_request_of_32_bytes_has_no_body)},
	{NAMED(where_a_reply_goes_travels_in_messages)},
	{NAMED(a_request_in_the_mailbox_of_one_that_ends_comes_back_as_esrch)},
	{NAMED(a_request_in_an_outbox_comes_back_when_its_receiver_ends)},
	{NAMED(one_that_ends_with_a_request_in_hand_leaves_it_to_the_timeout)},
	{NAMED(replies_to_the_former_life_of_a_restarted_asker_are_late)},
	{NAMED(a_reply_to_an_asker_that_ended_says_esrch)},
	{NAMED(the_reply_hook_that_fails_restarts_its_actor)},
	{NAMED(the_reply_hook_may_ask_again)},
	{NAMED(a_reply_does_not_wait_for_what_pauses_nobody)},
	{NAMED(a_redirected_request_waits_when_word_of_it_took_the_last_room), .opts = four_slots},
	{0},
};
