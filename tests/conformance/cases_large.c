/* SPDX-License-Identifier: Apache-2.0 */
/* Requests and replies that do not fit into a slot: mycelium/ask.h. The usual pools: 32 of 256 bytes, 8 of 4096. */
#include "conformance/large_bed.h"

static const uint32_t sizes[] = {41, 64, 255, 256, 257, HALF, LARGEST - 1, LARGEST};
#define SIZES 8

/* Writes its reply where it goes from. */
static int replies_in_place(struct myc_actor *self, struct probe *me,
			    const struct myc_message *message)
{
	struct myc_reply_to to;
	struct myc_body body;
	int code = myc_reply_keep(message, &to);

	code = code ? code : myc_body_take(self, message->size, &body);
	if (code)
		return code;
	body.size = message->size;
	memcpy(body.data, message->payload, message->size);
	code = myc_reply_body(self, &to, ANSWER, &body);
	if (!!body.data != !!code)
		return -EIO;
	/* It is not ours any more. */
	me->word[1] = (uint64_t)myc_reply_body(self, &to, ANSWER, &body);
	me->messages++;
	return code;
}

/* Replies the request's own body. */
static int replies_the_request(struct myc_actor *self, struct probe *me,
			       const struct myc_message *message)
{
	struct myc_reply_to to;
	struct myc_body body;
	int code = myc_reply_keep(message, &to);

	code = code ? code : myc_body_keep(self, message, &body);
	me->messages++;
	return code ? code : myc_reply_body(self, &to, ANSWER, &body);
}

/* As many bytes as the request's number; word[0]: what became of it. */
static int replies_large(struct myc_actor *self, struct probe *me,
			 const struct myc_message *message)
{
	uint64_t size;

	memcpy(&size, message->payload, sizeof(size));
	if (size <= LARGEST)
		fill(large, 7, (uint32_t)size);
	me->word[0] = (uint64_t)myc_reply(self, message, ANSWER, large, size);
	me->messages++;
	return 0;
}

static void every_size(reaction react, uint64_t how)
{
	struct probe *a = asker(), *b = replier(THERE, react);

	OK(ask_sized(a, b, 8, 1, ASK)); /* tries have credit */
	SAW(a, REPLY, 1);
	settle();
	uint32_t before = a->replies;

	for (uint32_t i = 0; i < SIZES; i++) {
		OK(ask_sized(a, b, sizes[i], 100 + i, how));
		expect_whole(a, before + i, sizes[i], 100 + i);
	}
	expect_bodies_home();
}

CASE(large_requests_and_replies_arrive_whole)
{
	every_size(echoes, ASK);
}

CASE(tried_large_requests_and_their_replies_arrive_whole)
{
	every_size(echoes, TRY_ASK);
}

CASE(an_awaited_reply_may_be_large)
{
	every_size(echoes, AWAIT);
}

CASE(requests_and_replies_written_in_place_arrive_whole)
{
	struct probe *a = asker(), *b = replier(THERE, replies_in_place);

	for (uint32_t i = 0; i < SIZES; i++) {
		OK(ask_sized(a, b, sizes[i], 100 + i, ASK_BODY));
		expect_whole(a, i, sizes[i], 100 + i);
	}
	assert_int_equal((int)b->word[1], -ENODATA);
	expect_bodies_home();
}

CASE(a_request_may_come_back_as_its_reply)
{
	struct probe *a = asker(), *b = replier(THERE, replies_the_request);

	for (uint32_t i = 0; i < 20; i++) {
		OK(ask_sized(a, b, HALF, i, ASK_BODY));
		expect_whole(a, i, HALF, i);
	}
	expect_bodies_home();
}

CASE(more_than_the_largest_body_is_refused)
{
	struct probe *a = asker(), *b = replier(THERE, replies_large);

	for (uint64_t how = ASK; how <= ASK_BODY; how++)
		RESULT(ask_sized(a, b, LARGEST + 1, 1, how), -EMSGSIZE);
	settle();
	assert_int_equal(b->messages, 0);
	OK(ask(a, b, LONG, LARGEST + 1));
	UNTIL(b->messages == 1);
	assert_int_equal((int)b->word[0], -EMSGSIZE);
	OK(cancel(a, (LARGEST + 1) % SLOTS));
	expect_bodies_home();
}

/* All that there are; they are its until it ends. */
static int job_take_all(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_body body;
	int code = 0;

	(void)me;
	while (!code)
		code = myc_body_take(self, (uint32_t)a[0], &body);
	return code;
}

CASE(a_replier_without_a_buffer_may_still_say_little)
{
	struct probe *a = asker(), *b = replier(THERE, replies_large), *c = replier(THERE, echoes);

	RESULT(let(b, job_take_all, 8, 0, 0, 0), -ENOBUFS);
	OK(ask(a, b, LONG, HALF));
	UNTIL(b->messages == 1);
	assert_int_equal((int)b->word[0], -ENOBUFS);
	OK(ask(a, b, LONG, 17));
	expect_whole(a, 0, 17, 7);
	OK(cancel(a, HALF % SLOTS));
	OK(stop_self(b));
	UNTIL(ended(b));
	for (uint32_t i = 0; i < 50; i++) {
		OK(ask_sized(a, c, HALF, i, ASK));
		expect_whole(a, 1 + i, HALF, i);
	}
	expect_bodies_home();
}

/* Of a request that it has kept: what cannot be leaves body and debt as they were. */
static int job_reply_oddly(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const struct myc_reply_to *to = &me->kept[0], nobody = {.correlation = 0};
	struct myc_body none = {.data = NULL}, body;
	int code = myc_body_take(self, (uint32_t)a[0], &body);
	const void *data = body.data;
	uint32_t room = body.size;

	if (code)
		return code;
	body.size = room + 1;
	if (myc_reply_body(self, to, ANSWER, &body) != -EMSGSIZE || body.data != data)
		return -EIO;
	body.size = (uint32_t)a[0];
	if (myc_reply_body(self, to, 0xff00, &body) != -EINVAL || body.data != data ||
	    myc_reply_body(self, &nobody, ANSWER, &body) != -EINVAL || body.data != data ||
	    myc_reply_body(self, to, ANSWER, &none) != -ENODATA ||
	    myc_reply_send(self, to, 0xff00, large, a[0]) != -EINVAL ||
	    myc_reply_send(self, &nobody, ANSWER, large, a[0]) != -EINVAL ||
	    myc_reply_send(self, to, ANSWER, large, LARGEST + 1) != -EMSGSIZE)
		return -EIO;
	fill(body.data, 9, body.size);
	return myc_reply_body(self, to, ANSWER, &body);
}

CASE(a_large_reply_that_cannot_be_is_refused_and_another_may_follow)
{
	struct probe *a = asker(), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(let(b, job_reply_oddly, 200, 0, 0, 0));
	expect_whole(a, 0, 200, 9);
	settle();
	assert_int_equal(a->replies, 1);
	expect_bodies_home();
}

/* ---- keeping ----------------------------------------------------------------------------------- */

static int keeps_reply(struct myc_actor *self, struct probe *me, const struct myc_reply *reply)
{
	me->word[6] = (uint64_t)myc_reply_body_keep(self, reply, &me->body[0]);
	return 0;
}

static int job_look_and_give(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = me->body[0].data && me->body[0].size == a[0] &&
				   filled(me->body[0].data, me->body[0].size)
			   ? 0
			   : -EIO;

	myc_body_give(self, &me->body[0]);
	return code;
}

CASE(a_large_reply_may_be_kept)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	a->on_reply = keeps_reply;
	OK(ask_sized(a, b, HALF, 5, ASK));
	SAW(a, REPLY, 1);
	assert_int_equal((int)a->word[6], 0);
	OK(send_many(a, b, 1, 5));
	SAW(b, MESSAGE, 6);
	OK(let(a, job_look_and_give, HALF, 0, 0, 0));
	expect_bodies_home();
}

CASE(a_small_reply_has_no_body_to_keep)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	a->on_reply = keeps_reply;
	OK(ask(a, b, LONG, 1));
	SAW(a, REPLY, 1);
	assert_int_equal((int)a->word[6], -EINVAL);
}

/* ---- what reaches nobody ----------------------------------------------------------------------- */

CASE(a_late_large_reply_goes_home)
{
	struct probe *a = asker(), *b = replier(THERE, keeps);

	OK(ask(a, b, 5 * MS, 1));
	UNTIL(b->kept_count == 1);
	assert_int_equal(nth(a, REPLY, 0)->status, -ETIMEDOUT);
	OK(let(b, job_reply_kept, 0, 9, HALF, 0));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	expect_bodies_home();
}

CASE(a_large_reply_to_a_cancelled_ask_goes_home)
{
	struct probe *a = asker(), *b = replier(THERE, keeps);

	OK(ask(a, b, LONG, 1));
	UNTIL(b->kept_count == 1);
	OK(cancel(a, 1));
	OK(let(b, job_reply_kept, 0, 9, HALF, 0));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	settle();
	assert_int_equal(a->replies, 0);
	expect_bodies_home();
}

CASE(a_large_request_in_the_mailbox_of_one_that_ends_comes_back)
{
	struct probe *a = asker(), *b = replier(THERE, echoes);

	hold(b);
	OK(ask_sized(a, b, HALF, 1, ASK));
	settle();
	OK(send_stop(a, b, MYC_STOP_KILL));
	assert_int_equal(nth(a, REPLY, 0)->status, -ESRCH);
	expect_bodies_home();
}

/* ---- passing on -------------------------------------------------------------------------------- */

CASE(a_large_request_may_be_passed_on_and_on)
{
	struct probe *a = asker(), *b = spawn(THERE), *c = spawn(ELSEWHERE);
	struct probe *d = replier(HERE, echoes);

	set_word(b, 0, c->address);
	set_word(c, 0, d->address);
	b->react = c->react = forwards_to;
	for (uint32_t i = 0; i < SIZES; i++) {
		OK(ask_sized(a, b, sizes[i], 100 + i, ASK));
		expect_whole(a, i, sizes[i], 100 + i);
		assert_int_equal(nth(d, MESSAGE, i)->from, c->address);
	}
	assert_int_equal((int)b->word[1], -ENODATA);
	expect_bodies_home();
}

static int job_delegate(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	fill(large, a[2], (uint32_t)a[1]);
	return code ? code : myc_delegate(self, &me->kept[0], &ref, ASKED, large, a[1]);
}

CASE(a_request_may_grow_when_it_is_delegated)
{
	struct probe *a = asker(), *b = replier(THERE, keeps), *c = replier(ELSEWHERE, echoes);

	OK(ask(a, b, LONG, 12));
	UNTIL(b->kept_count == 1);
	OK(let(b, job_delegate, c->address, HALF, 44, 0));
	expect_whole(a, 0, HALF, 44);
	assert_int_equal(nth(c, MESSAGE, 0)->from, b->address);
	expect_bodies_home();
}

/* Puts its first message aside, then has it again. */
static int later(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	if (!me->kept_count++)
		return myc_stash(self);
	return echoes(self, me, message);
}

static int job_unstash(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	(void)a;
	return myc_unstash(self, 1) == 1 ? 0 : -EIO;
}

static const struct myc_behaviour stasher = {PROBE_HOOKS, .name = "stasher", .stash_capacity = 4};

CASE(a_large_request_that_was_put_aside_is_still_its_askers)
{
	struct probe *a = asker(), *b = spawn(ELSEWHERE), *c = spawn_as(THERE, &stasher);

	set_word(b, 0, c->address);
	b->react = forwards_to;
	c->react = later;
	OK(ask_sized(a, b, HALF, 3, ASK));
	UNTIL(c->kept_count == 1);
	OK(let(c, job_unstash, 0, 0, 0, 0));
	expect_whole(a, 0, HALF, 3);
	expect_bodies_home();
}

/* ---- gathers ----------------------------------------------------------------------------------- */

/* a: the addresses of three. */
static int job_gather(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref refs[3];
	int code = 0;

	(void)me;
	for (uint32_t i = 0; i < 3 && !code; i++)
		code = myc_resolve(self, a[i], &refs[i]);
	fill(large, a[3], HALF);
	return code ? code
		    : myc_gather(self, refs, 3, MYC_GATHER_ALL, REQUEST, large, HALF, LONG, a[3],
				 NULL);
}

CASE(a_large_gather_reads_one_body)
{
	struct probe *a = asker();
	const struct probe *b[3] = {replier(THERE, echoes), replier(ELSEWHERE, replies_in_place),
				    replier(HERE, echoes)};

	OK(let(a, job_gather, b[0]->address, b[1]->address, b[2]->address, 77));
	SAW(a, REPLY, 4);
	for (uint32_t i = 0; i < 3; i++)
		expect_whole(a, i, HALF, 77);
	assert_int_equal(nth(a, REPLY, 3)->kind, MYC_REPLY_GATHER);
	assert_int_equal(nth(a, REPLY, 3)->answered, 3);
	expect_bodies_home();
}

CASE(a_member_that_ends_gives_its_share_back)
{
	struct probe *a = asker();
	struct probe *b[3] = {replier(THERE, echoes), replier(ELSEWHERE, echoes),
			      replier(HERE, echoes)};

	hold(b[0]);
	OK(let(a, job_gather, b[0]->address, b[1]->address, b[2]->address, 78));
	settle();
	OK(send_stop(a, b[0], MYC_STOP_KILL));
	SAW(a, REPLY, 4);
	assert_int_equal(nth(a, REPLY, 2)->status, -ESRCH);
	assert_int_equal(nth(a, REPLY, 3)->kind, MYC_REPLY_GATHER);
	assert_int_equal(a->word[7], 0);
	expect_bodies_home();
}

/* ---- plain threads ----------------------------------------------------------------------------- */

/* a: address, size, timeout, number, capacity (0: none given); back: type, size, first word, whole? */
static int do_call(struct myc_system *system, uint64_t *a)
{
	static _Thread_local uint64_t answer_memory[LARGEST / 8 + 1];
	struct myc_answer answer = {0};
	int code;

	if (a[1] <= LARGEST)
		fill(large, a[3], (uint32_t)a[1]);
	if (a[4])
		code = myc_call_into(system, a[0], REQUEST, large, a[1], &answer, answer_memory,
				     a[4], a[2]);
	else
		code = myc_call(system, a[0], REQUEST, large, a[1], &answer, a[2]);
	a[0] = answer.type;
	a[1] = answer.size;
	a[2] = answer_memory[0];
	a[3] = filled(answer_memory, answer.size <= LARGEST ? answer.size : 0);
	return code;
}

CASE(a_thread_calls_with_much_and_is_answered_with_much)
{
	struct probe *b = replier(THERE, echoes);

	for (uint32_t i = 0; i < SIZES; i++) {
		uint64_t a[ERRAND_WORDS] = {b->address, sizes[i], MYC_FOREVER, 50 + i, LARGEST};

		OK(way.at(HERE, do_call, a));
		assert_int_equal(a[0], ANSWER);
		assert_int_equal(a[1], sizes[i]);
		assert_int_equal(a[2], 50 + i);
		assert_true(a[3]);
	}
	uint64_t small[ERRAND_WORDS] = {b->address, 8, MYC_FOREVER, 9, LARGEST};

	OK(way.at(HERE, do_call, small));
	assert_int_equal(small[1], 8);
	assert_int_equal(small[2], 9);
	expect_bodies_home();
}

CASE(an_answer_that_a_thread_has_no_room_for_is_refused)
{
	struct probe *b = replier(THERE, replies_large);
	uint64_t none[ERRAND_WORDS] = {b->address, 8, MYC_FOREVER, HALF, 0};
	uint64_t little[ERRAND_WORDS] = {b->address, 8, MYC_FOREVER, HALF, HALF - 1};
	uint64_t right[ERRAND_WORDS] = {b->address, 8, MYC_FOREVER, HALF, HALF};

	RESULT(way.at(HERE, do_call, none), -EMSGSIZE);
	assert_int_equal(none[1], HALF);
	RESULT(way.at(HERE, do_call, little), -EMSGSIZE);
	assert_int_equal(little[1], HALF);
	OK(way.at(HERE, do_call, right));
	assert_int_equal(right[1], HALF);
	assert_int_equal(right[2], 7);
	uint64_t more[ERRAND_WORDS] = {b->address, LARGEST + 1, MS, 1, 0};

	RESULT(way.at(HERE, do_call, more), -EMSGSIZE);
	expect_bodies_home();
}

CASE(a_threads_large_request_may_be_passed_on_and_answered_in_place)
{
	struct probe *b = spawn(THERE), *c = replier(ELSEWHERE, replies_in_place);
	uint64_t a[ERRAND_WORDS] = {b->address, HALF, MYC_FOREVER, 5, LARGEST};

	set_word(b, 0, c->address);
	b->react = forwards_to;
	OK(way.at(HERE, do_call, a));
	assert_int_equal(a[1], HALF);
	assert_int_equal(a[2], 5);
	assert_true(a[3]);
	UNTIL(b->messages == 1);
	expect_bodies_home();
}

CASE(a_large_answer_that_a_thread_waits_for_no_more_goes_home)
{
	struct probe *b = replier(THERE, keeps);

	do { /* on a busy machine time is over before it has credit */
		uint64_t a[ERRAND_WORDS] = {b->address, 8, 5 * MS, 1, LARGEST};

		RESULT(way.at(HERE, do_call, a), -ETIMEDOUT);
		settle();
	} while (!b->kept_count);
	OK(let(b, job_reply_kept, 0, 9, HALF, 0));
	UNTIL(counted_dead(MYC_DEAD_LETTER_LATE_REPLY) == 1);
	expect_bodies_home();
}

/* a: address; back: the size. */
static int do_call_into_nothing(struct myc_system *system, uint64_t *a)
{
	struct myc_answer answer = {.payload = {77}};
	int code = myc_call_into(system, a[0], REQUEST, &a[1], 8, &answer, NULL, 0, MYC_FOREVER);

	a[1] = answer.size;
	return answer.payload[0] == 77 ? code : -EIO;
}

CASE(a_thread_that_gives_no_memory_is_told_the_size)
{
	struct probe *b = replier(THERE, replies_large);
	uint64_t a[ERRAND_WORDS] = {b->address, 24};

	RESULT(way.at(HERE, do_call_into_nothing, a), -EMSGSIZE);
	assert_int_equal(a[1], 24);
	a[1] = 0;
	OK(way.at(HERE, do_call_into_nothing, a));
	assert_int_equal(a[1], 0);
}

const struct conform_case cases_large[] = {
	{NAMED(large_requests_and_replies_arrive_whole)},
	{NAMED(tried_large_requests_and_their_replies_arrive_whole)},
	{NAMED(an_awaited_reply_may_be_large)},
	{NAMED(requests_and_replies_written_in_place_arrive_whole)},
	{NAMED(a_request_may_come_back_as_its_reply)},
	{NAMED(more_than_the_largest_body_is_refused)},
	{NAMED(a_replier_without_a_buffer_may_still_say_little)},
	{NAMED(a_large_reply_that_cannot_be_is_refused_and_another_may_follow)},
	{NAMED(a_large_reply_may_be_kept)},
	{NAMED(a_small_reply_has_no_body_to_keep)},
	{NAMED(a_late_large_reply_goes_home)},
	{NAMED(a_large_reply_to_a_cancelled_ask_goes_home)},
	{NAMED(a_large_request_in_the_mailbox_of_one_that_ends_comes_back)},
	{NAMED(a_large_request_may_be_passed_on_and_on)},
	{NAMED(a_request_may_grow_when_it_is_delegated)},
	{NAMED(a_large_request_that_was_put_aside_is_still_its_askers)},
	{NAMED(a_large_gather_reads_one_body)},
	{NAMED(a_member_that_ends_gives_its_share_back)},
	{NAMED(a_thread_calls_with_much_and_is_answered_with_much)},
	{NAMED(an_answer_that_a_thread_has_no_room_for_is_refused)},
	{NAMED(a_threads_large_request_may_be_passed_on_and_answered_in_place)},
	{NAMED(a_large_answer_that_a_thread_waits_for_no_more_goes_home)},
	{NAMED(a_thread_that_gives_no_memory_is_told_the_size)},
	{0},
};
