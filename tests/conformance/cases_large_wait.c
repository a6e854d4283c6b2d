/* SPDX-License-Identifier: Apache-2.0 */
/* Large requests that their receiver has no room for, replies that wait, and processes that end over both. */
#include <mycelium/letter.h>
#include <mycelium/mailbox.h>

#include "conformance/large_bed.h"

/* ---- rules of mailboxes ------------------------------------------------------------------------ */

static const struct myc_overflow drops[] = {
	{.first = 1, .last = 0xfeff, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = 1}};
static const struct myc_overflow sends_on[] = {
	{.first = 1, .last = 0xfeff, .policy = MYC_OVERFLOW_REDIRECT, .to = "spare"}};
static const struct myc_behaviour dropper = {PROBE_HOOKS,	    .name = "dropper",
					     .mailbox_capacity = 2, .capacity_per_sender = 2,
					     .overflow = drops,	    .overflow_count = 1};
static const struct myc_behaviour redirecter = {PROBE_HOOKS,	       .name = "redirecter",
						.mailbox_capacity = 2, .capacity_per_sender = 2,
						.overflow = sends_on,  .overflow_count = 1};

/* How many of the dead letters are not of that size. */
static int do_odd_letters(struct myc_system *system, uint64_t *a)
{
	struct myc_letter letter[16];
	uint32_t count = myc_letters_recent(system, letter, 16);
	int odd = 0;

	for (uint32_t i = 0; i < count; i++)
		odd += letter[i].size != a[0];
	return count ? odd : -ENOENT;
}

CASE(a_large_request_dropped_by_rule_has_that_outcome)
{
	struct probe *a = asker(), *b = spawn_as(THERE, &dropper);

	b->react = echoes;
	hold_met(a, b);
	for (uint32_t i = 0; i < CROWD; i++)
		OK(ask_sized(a, b, HALF, i, i % 2 ? ASK : ASK_BODY));
	settle();
	release(b);
	SAW(a, REPLY, CROWD);
	uint32_t answers = 0;

	for (uint32_t i = 0; i < CROWD; i++) {
		const struct seen *reply = nth(a, REPLY, i);

		assert_true(!reply->status || reply->status == -ENOBUFS);
		answers += !reply->status;
	}
	assert_in_range(answers, 1, CROWD - 1);
	assert_int_equal(a->word[7], 0);
	expect_bodies_home();
}

static const struct myc_overflow conflates[] = {{.first = 1,
						 .last = 0xfeff,
						 .policy = MYC_OVERFLOW_CONFLATE,
						 .key_offset = 200,
						 .key_size = 8,
						 .keep = 2}};
static const struct myc_behaviour conflater = {PROBE_HOOKS,	      .name = "conflater",
					       .mailbox_capacity = 2, .capacity_per_sender = 2,
					       .overflow = conflates, .overflow_count = 1};

/* Writes something else into each buffer of 256, then tries to send so many messages of 100 bytes. */
static int job_send_short(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_body body[32];
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);
	uint32_t taken = 0;

	for (; taken < 32 && !code; taken++) {
		code = myc_body_take(self, 256, &body[taken]);
		if (!code)
			memset(body[taken].data, (int)taken + 1, 256);
	}
	for (uint32_t i = 0; i < taken; i++)
		myc_body_give(self, &body[i]);
	for (uint64_t i = 1; i <= a[1] && !code; i++)
		code = do_send(self, me, a[0], TRY, i, 100);
	return code;
}

/* At once: they find no room where they are sent. */
static int job_send_at_once(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 1; i <= a[1] && !code; i++)
		code = do_send(self, me, a[0], SEND, i, HALF);
	return code;
}

CASE(a_large_message_that_is_dropped_by_rule_has_its_size)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &dropper);
	uint64_t size[ERRAND_WORDS] = {HALF};

	OK(send_number(a, b, 100));
	SAW(b, MESSAGE, 1);
	settle();
	hold(b);
	OK(let(a, job_send_at_once, b->address, 8, 0, 0));
	UNTIL(counted_dead(MYC_DEAD_LETTER_DROPPED_NEWEST) > 0);
	release(b);
	OK(at(HERE, do_odd_letters, size));
	expect_bodies_home();
}

CASE(a_body_too_short_for_the_key_has_the_key_0)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &conflater);

	OK(send_number(a, b, 100));
	SAW(b, MESSAGE, 1);
	settle();
	/* One after the other takes its place. */
	OK(let(a, job_send_short, b->address, CROWD, 0, 0));
	UNTIL(saw_number(b, CROWD));
	expect_bodies_home();
}

/* What stands behind a request that is passed on is no key. */
static const struct myc_overflow by_asker[] = {{.first = 1,
						.last = 0xfeff,
						.policy = MYC_OVERFLOW_CONFLATE,
						.key_offset = MYC_DELEGATED_MAX,
						.key_size = 8}};
static const struct myc_behaviour nosy = {PROBE_HOOKS,		 .name = "nosy",
					  .mailbox_capacity = 2, .capacity_per_sender = 2,
					  .overflow = by_asker,	 .overflow_count = 1};

static int job_delegate_all(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	for (uint32_t i = 0; i < me->kept_count && !code; i++)
		code = myc_delegate(self, &me->kept[i], &ref, ASKED, &a[1], 8);
	return code;
}

CASE(requests_passed_on_that_are_too_short_for_the_key_have_the_key_0)
{
	struct probe *a[2] = {asker(), asker()}, *b = replier(HERE, keeps), *c;
	uint32_t answered = 0;

	c = spawn_as(HERE, &nosy);
	c->react = echoes;
	for (uint64_t i = 0; i < 8; i++)
		OK(ask(a[i % 2], b, LONG, i));
	UNTIL(b->kept_count == 8);
	OK(let(b, job_delegate_all, c->address, 7, 0, 0));
	SAW(a[0], REPLY, 4);
	SAW(a[1], REPLY, 4);
	for (uint32_t i = 0; i < 8; i++)
		answered += !nth(a[i % 2], REPLY, i / 2)->status;
	/* Two had credit, and of the others the newest. */
	assert_int_equal(answered, 3);
}

CASE(a_large_request_that_is_redirected_is_answered)
{
	struct probe *a = asker(), *b = spawn_as(THERE, &redirecter), *c = spawn(ELSEWHERE);
	struct probe *spare = spawn_named(ELSEWHERE, "spare");

	spare->react = b->react = echoes;
	set_word(c, 0, b->address);
	c->react = forwards_to;
	OK(ask_sized(a, c, HALF, 1, ASK));
	SAW(a, REPLY, 1);
	settle();
	hold(b);
	for (uint32_t i = 0; i < 6; i++)
		OK(ask_sized(a, c, HALF, 10 + i, ASK));
	settle();
	release(b);
	SAW(a, REPLY, 7);
	for (uint32_t i = 0; i < 7; i++)
		assert_int_equal(nth(a, REPLY, i)->status, 0);
	assert_int_equal(a->word[7], 0);
	assert_true(spare->messages > 0);
	expect_bodies_home();
}

/* ---- order, and replies that wait -------------------------------------------------------------- */

/* Some messages, then a large reply, then more messages. */
static int talks_around(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	int code = 0;

	for (uint64_t i = 1; i <= 3 && !code; i++)
		code = do_send(self, me, message->from, SEND, i, 8);
	fill(large, 7, HALF);
	code = code ? code : myc_reply(self, message, ANSWER, large, HALF);
	return code ? code : do_send(self, me, message->from, SEND, 4, 8);
}

/* One who has kept so many requests of a's, by whose cookies they are numbered. */
static struct probe *keeper_of_asks(struct probe *a, uint32_t count)
{
	struct probe *made = replier(THERE, keeps);

	for (uint64_t i = 0; i < count; i++)
		OK(ask(a, made, LONG, i));
	UNTIL(made->kept_count == count);
	return made;
}

CASE(a_large_reply_comes_behind_what_was_sent_before)
{
	struct probe *a = asker(), *b = replier(THERE, talks_around);

	OK(ask(a, b, LONG, 1));
	SAW(a, MESSAGE, 4);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(a->seen[i].what, i == 3 ? REPLY : MESSAGE);
	expect_whole(a, 0, HALF, 7);
	expect_numbers(a, 1, 4);
}

static void short_lanes(struct world_opts *opts)
{
	opts->system.lane_slots = 4;
}

/* Every reply at once, more than the lane holds. */
static int replies_to_all(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint32_t i = 0; i < a[0] && !code; i++) {
		fill(large, i, 200);
		code = myc_reply_send(self, &me->kept[i], ANSWER, large, 200);
	}
	return code;
}

CASE(large_replies_wait_for_a_lane_that_is_full)
{
	struct probe *a = asker(), *b = keeper_of_asks(a, CROWD);

	OK(let(b, replies_to_all, CROWD, 0, 0, 0));
	SAW(a, REPLY, CROWD);
	for (uint32_t i = 0; i < CROWD; i++) {
		expect_whole(a, i, 200, i);
		assert_int_equal(nth(a, REPLY, i)->number, i);
	}
	expect_bodies_home();
}

/* The same, and it ends while they wait. */
static int replies_and_goes(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = replies_to_all(self, me, a);

	if (!code)
		myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_NORMAL});
	return code;
}

CASE(large_replies_that_wait_outlive_their_replier)
{
	struct probe *a = asker(), *b = keeper_of_asks(a, CROWD);

	tell(b, replies_and_goes, CROWD, 0, 0, 0);
	SAW(a, REPLY, CROWD);
	for (uint32_t i = 0; i < CROWD; i++)
		expect_whole(a, i, 200, i);
	expect_bodies_home();
}

/* ---- no room, cancelled, without bounds --------------------------------------------------------- */

#define VAIN 1100 /* more than an executor has asks */

/* None has a buffer; each gives back what it had reserved. */
static int job_ask_in_vain(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref refs[2];
	struct myc_body body;
	int code = myc_resolve(self, a[0], &refs[0]);

	while (!code) /* all that there are; they are its until it ends */
		code = myc_body_take(self, 8, &body);
	fill(large, 1, HALF);
	refs[1] = refs[0];
	for (uint32_t i = 0; i < VAIN && code == -ENOBUFS; i++) {
		code = myc_ask(self, &refs[0], REQUEST, large, HALF, LONG, 0, &me->ask[0]);
		if (code == -ENOBUFS)
			code = myc_try_ask(self, &refs[0], REQUEST, large, HALF, LONG, 0, NULL);
		if (code == -ENOBUFS)
			code = myc_ask_await(self, &refs[0], REQUEST, large, HALF, LONG, 0, NULL,
					     NULL);
		if (code == -ENOBUFS)
			code = myc_gather(self, refs, 2, MYC_GATHER_ALL, REQUEST, large, HALF, LONG,
					  0, NULL);
	}
	return code;
}

CASE(who_has_no_buffer_left_asks_little_still)
{
	struct probe *a = asker(), *b = replier(THERE, echoes);

	RESULT(let(a, job_ask_in_vain, b->address, 0, 0, 0), -ENOBUFS);
	settle();
	assert_int_equal(a->replies, 0);
	OK(await(a, b, LONG, 17));
	SAW(a, REPLY, 1);
	OK(gather(a, (struct probe *const[]){b, b}, 2, MYC_GATHER_ALL, LONG, 18));
	SAW(a, REPLY, 4);
	assert_int_equal(nth(a, REPLY, 3)->answered, 2);
}

/* a: address, size. Without a buffer for that. */
static int job_delegate_in_vain(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	struct myc_body body;
	int code = myc_resolve(self, a[0], &ref);

	while (!code)
		code = myc_body_take(self, 8, &body);
	return code == -ENOBUFS ? myc_delegate(self, &me->kept[0], &ref, ASKED, large, (size_t)a[1])
				: code;
}

CASE(who_has_no_buffer_to_pass_a_request_on_owes_the_answer_still)
{
	struct probe *a = asker(), *b = keeper_of_asks(a, 1), *c = replier(ELSEWHERE, echoes);

	RESULT(let(b, job_delegate_in_vain, c->address, MYC_DELEGATED_MAX + 1, 0, 0), -ENOBUFS);
	RESULT(let(b, job_delegate_in_vain, c->address, LARGEST + 1, 0, 0), -EMSGSIZE);
	settle();
	assert_int_equal(c->messages, 0);
	OK(answer_kept(b, 0, 9));
	assert_int_equal(nth(a, REPLY, 0)->payload, 9);
	assert_true(nth(a, REPLY, 0)->from == b->address);
}

/* a: the address, twice; its ask is ask[0]. */
static int job_gather_twice(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref refs[2];
	int code = myc_resolve(self, a[0], &refs[0]);

	refs[1] = refs[0];
	fill(large, 5, HALF);
	return code ? code
		    : myc_gather(self, refs, 2, MYC_GATHER_ALL, REQUEST, large, HALF, LONG, 0,
				 &me->ask[0]);
}

CASE(large_replies_to_a_cancelled_gather_go_home)
{
	struct probe *a = asker(), *b = replier(THERE, keeps);

	OK(let(a, job_gather_twice, b->address, 0, 0, 0));
	UNTIL(b->kept_count == 2);
	OK(let(b, job_reply_kept, 0, 9, HALF, 0));
	expect_whole(a, 0, HALF, 9);
	OK(cancel(a, 0));
	OK(let(b, job_reply_kept, 1, 10, HALF, 0));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	assert_int_equal(a->replies, 1);
	expect_bodies_home();
}

static void with_growth(struct world_opts *opts)
{
	opts->system.growth = 4 * MYC_MAILBOX_CHUNK;
}

static const struct myc_behaviour boundless = {PROBE_HOOKS, .name = "boundless",
					       .grows_to = MYC_GROWS_FREELY};

CASE(large_requests_that_were_passed_on_wait_in_a_mailbox_without_bounds)
{
	struct probe *a = asker(), *b = replier(ELSEWHERE, forwards_to),
		     *c = spawn_as(THERE, &boundless);

	c->react = echoes;
	set_word(b, 0, c->address);
	hold(c);
	for (uint64_t i = 0; i < 2 * CROWD; i++) {
		OK(ask_sized(a, b, 200, i, ASK));
		settle();
	}
	UNTIL(b->messages == 2 * CROWD);
	release(c);
	SAW(a, REPLY, 2 * CROWD);
	for (uint32_t i = 0; i < 2 * CROWD; i++)
		expect_whole(a, i, 200, i);
	expect_bodies_home();
}

/* ---- processes that end ------------------------------------------------------------------------ */

CASE(a_large_reply_on_its_way_outlives_its_repliers_process)
{
	struct probe *a = asker(), *b = keeper_of_asks(a, 2);

	OK(let(b, job_reply_kept, 0, 9, HALF, 0));
	expect_whole(a, 0, HALF, 9); /* the lane is there */
	OK(let(b, job_reply_kept, 1, 10, HALF, 0));
	expect_doubt();
	kill_place(THERE);
	expect_whole(a, 1, HALF, 10);
	revive_place(THERE);
	settle();
	expect_bodies_home();
}

CASE(large_replies_that_wait_end_with_their_process)
{
	struct probe *a = asker(), *b = keeper_of_asks(a, CROWD);

	OK(let(b, replies_to_all, CROWD, 0, 0, 0));
	expect_doubt();
	kill_place(THERE);
	revive_place(THERE);
	SAW(a, REPLY, CROWD);
	for (uint32_t i = 0; i < CROWD; i++) {
		int status = nth(a, REPLY, i)->status;

		assert_true(!status || status == -ENOTCONN);
	}
	assert_int_equal(a->word[7], 0);
	settle();
	expect_bodies_home();
}

static int dies_once(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	if (!me->word[0]) {
		me->word[0] = 1;
		way.die();
	}
	return notes(self, me, message);
}

CASE(a_large_message_in_doubt_has_its_size)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);
	uint64_t size[ERRAND_WORDS] = {HALF};

	b->react = dies_once;
	expect_doubt();
	OK(send_sized(a, b, COPY_BODY, 1, HALF));
	death_of(THERE);
	UNTIL(counted_dead(MYC_DEAD_LETTER_IN_DOUBT) == 1);
	OK(at(HERE, do_odd_letters, size));
	expect_bodies_home();
}

/* Who was refused to pass it on again has it no more: its end is no matter to who asked. */
CASE(a_large_request_is_whose_it_was_passed_on_to)
{
	struct probe *a = asker(), *b = spawn(THERE), *c = replier(HERE, keeps);

	set_word(b, 0, c->address);
	b->react = forwards_to;
	OK(ask_sized(a, b, HALF, 1, ASK));
	UNTIL(c->kept_count == 1 && b->messages == 1);
	settle();
	assert_int_equal((int)b->word[1], -ENODATA);
	kill_place(THERE);
	revive_place(THERE);
	settle();
	OK(let(c, job_reply_kept, 0, 9, HALF, 0));
	expect_whole(a, 0, HALF, 9);
	expect_bodies_home();
}

/* Requests in bodies are in its mailbox, and one of its own is answered, when its process ends. Who asked it. */
static struct probe *dies_amid_large_asks(struct probe **dead)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	a->on_reply = b->on_reply = looks;
	a->react = b->react = keeps;
	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(let(b, job_reply_kept, 0, 9, HALF, 0));
	expect_whole(a, 0, HALF, 9);
	OK(ask_sized(b, a, HALF, 5, ASK));
	UNTIL(a->kept_count == 1);
	hold(b);
	for (uint64_t i = 0; i < 4; i++)
		OK(ask_sized(a, b, HALF, 10 + i, i % 2 ? ASK : ASK_BODY));
	settle();
	expect_doubt();
	kill_place(THERE);
	OK(let(a, job_reply_kept, 0, 10, HALF, 0));
	*dead = b;
	return a;
}

CASE(a_process_that_ends_for_good_keeps_nothing_of_large_asks)
{
	struct probe *b, *a = dies_amid_large_asks(&b);

	bury_place(THERE);
	SAW(a, REPLY, 5);
	for (uint32_t i = 1; i < 5; i++)
		assert_true(nth(a, REPLY, i)->status == -ESRCH ||
			    nth(a, REPLY, i)->status == -ENOTCONN);
	assert_int_equal(b->replies, 0);
	expect_bodies_home();
}

CASE(a_successor_handles_the_large_requests_that_waited)
{
	struct probe *b, *a = dies_amid_large_asks(&b);

	revive_place(THERE);
	UNTIL(b->kept_count == 5);
	SAW(a, REPLY, 5);
	for (uint32_t i = 1; i < 5; i++)
		assert_int_equal(nth(a, REPLY, i)->status, -ENOTCONN);
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1); /* the other's answer */
	for (uint64_t i = 1; i < 5; i++)
		OK(let(b, job_reply_kept, i, 20 + i, HALF, 0));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 5);
	assert_int_equal(a->replies, 5);
	expect_bodies_home();
}

const struct conform_case cases_large_wait[] = {
	{NAMED(a_large_request_dropped_by_rule_has_that_outcome)},
	{NAMED(a_large_message_that_is_dropped_by_rule_has_its_size)},
	{NAMED(a_body_too_short_for_the_key_has_the_key_0)},
	{NAMED(requests_passed_on_that_are_too_short_for_the_key_have_the_key_0)},
	{NAMED(a_large_request_that_is_redirected_is_answered)},
	{NAMED(a_large_reply_comes_behind_what_was_sent_before)},
	{NAMED(large_replies_wait_for_a_lane_that_is_full), .opts = short_lanes},
	{NAMED(large_replies_that_wait_outlive_their_replier), .opts = short_lanes},
	{NAMED(who_has_no_buffer_left_asks_little_still)},
	{NAMED(who_has_no_buffer_to_pass_a_request_on_owes_the_answer_still)},
	{NAMED(large_replies_to_a_cancelled_gather_go_home)},
	{NAMED(large_requests_that_were_passed_on_wait_in_a_mailbox_without_bounds),
	 .opts = with_growth},
	{DEADLY(a_large_message_in_doubt_has_its_size)},
	{DEADLY(a_large_request_is_whose_it_was_passed_on_to)},
	{DEADLY(a_process_that_ends_for_good_keeps_nothing_of_large_asks)},
	{DEADLY(a_successor_handles_the_large_requests_that_waited)},
	{DEADLY(a_large_reply_on_its_way_outlives_its_repliers_process)},
	{DEADLY(large_replies_that_wait_end_with_their_process), .opts = short_lanes},
	{0},
};
