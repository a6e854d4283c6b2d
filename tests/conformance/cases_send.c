/* SPDX-License-Identifier: Apache-2.0 */
/* Sending, from actors and threads: mycelium/actor.h, mycelium/system.h. */
#include "conformance/cases.h"

/* ---- arriving ---------------------------------------------------------------------------------- */

CASE(a_message_arrives_once_with_its_sender_type_and_payload)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_number(a, b, 42));
	const struct seen *seen = nth(b, MESSAGE, 0);

	assert_int_equal(seen->from, a->address);
	assert_int_equal(seen->type, NUMBER);
	assert_int_equal(seen->number, 42);
	assert_int_equal(seen->size, 8);
	assert_int_equal(seen->flags, 0);
	assert_int_equal(seen->correlation, 0);
	expect_numbers(b, 42, 42);
}

CASE(every_size_that_a_slot_holds_arrives_whole)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint32_t size = 0; size <= MYC_PAYLOAD_MAX; size++) {
		OK(send_sized(a, b, SEND, 1000 + size, size));
		const struct seen *seen = nth(b, MESSAGE, size);

		assert_int_equal(seen->size, size);
		assert_false(seen->torn);
		assert_int_equal(seen->number, size < 8 ? 0 : 1000 + size);
	}
}

static int job_typed(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	if (code)
		return code;
	return a[2] ? myc_try_send(self, &ref, (uint16_t)a[1], &a[1], 8)
		    : myc_send(self, &ref, (uint16_t)a[1], &a[1], 8);
}

CASE(types_up_to_the_frameworks_are_the_applications)
{
	static const uint16_t types[] = {0, 1, 0x7fff, 0x8000, 0xfeff};
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint32_t i = 0; i < 5; i++) {
		OK(let(a, job_typed, b->address, types[i], false, 0));
		assert_int_equal(nth(b, MESSAGE, i)->type, types[i]);
	}
}

CASE(types_of_the_framework_are_refused)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint64_t type = 0xff00; type <= 0xffff; type += 0xff) {
		RESULT(let(a, job_typed, b->address, type, false, 0), -EINVAL);
		RESULT(let(a, job_typed, b->address, type, true, 0), -EINVAL);
		RESULT(post(b, (uint16_t)type, 0), -EINVAL);
	}
	settle();
	assert_int_equal(b->messages, 0);
}

CASE(an_actor_sends_to_itself)
{
	struct probe *a = spawn(HERE);

	OK(send_number(a, a, 7));
	assert_int_equal(nth(a, MESSAGE, 0)->from, a->address);
	expect_numbers(a, 7, 7);
}

static int job_nested(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint32_t before = me->messages;
	int code = do_send(self, me, myc_self(self), SEND, a[0], 8);

	return code ? code : me->messages == before ? 0 : -EIO;
}

CASE(a_message_to_oneself_waits_for_the_handler_to_return)
{
	struct probe *a = spawn(HERE);

	OK(let(a, job_nested, 1, 0, 0, 0));
	expect_numbers(a, 1, 1);
}

CASE(a_message_of_a_thread_is_from_nobody)
{
	struct probe *a = spawn(THERE);

	OK(post(a, NUMBER, 5));
	assert_int_equal(nth(a, MESSAGE, 0)->from, MYC_NOBODY);
	expect_numbers(a, 5, 5);
}

CASE(messages_to_a_behaviour_without_message_hook_are_taken_and_forgotten)
{
	static const struct myc_behaviour mute = {.name = "mute", .capacity_per_sender = 2};
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &mute);

	OK(send_many(a, b, 1, 30));
	UNTIL(metrics_of(b).messages == 30);
	assert_int_equal(counted_dead_all(), 0);
}

/* ---- order ------------------------------------------------------------------------------------- */

CASE(messages_of_a_pair_come_in_the_order_they_were_sent)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint64_t i = 0; i < 4; i++)
		OK(send_many(a, b, 1 + 10 * i, 10));
	expect_numbers(b, 1, 40);
}

static int job_mix(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	static const enum how how[] = {SEND, COPY_BODY, SEND,	  SHARE,
				       SEND, TRY,	TRY_BODY, TRY_SHARE};
	static const uint32_t size[] = {8, 100, 200, 100, 40, 41, 60, 300};
	int code = 0;

	for (uint64_t i = 0; i < a[1] && !code; i++)
		code = do_send(self, me, a[0], how[i % 8], a[2] + i, size[i % 8]);
	return code;
}

CASE(slots_copies_bodies_and_shares_of_a_pair_keep_their_order)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_number(a, b, 1));
	UNTIL(b->messages == 1); /* credit is there */
	OK(let(a, job_mix, b->address, 8, 2, 0));
	UNTIL(b->messages == 9);
	OK(let(a, job_mix, b->address, 8, 10, 0));
	expect_numbers(b, 1, 17);
}

CASE(bodies_and_slots_keep_their_order_through_the_outbox)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	hold(b);
	tell(a, job_mix, b->address, 5, 1, 0); /* four kinds that wait, one of them with credit */
	settle();
	release(b);
	expect_numbers(b, 1, 5);
}

CASE(each_senders_messages_are_in_order_whatever_others_send)
{
	struct probe *from[3] = {spawn(HERE), spawn(THERE), spawn(ELSEWHERE)}, *b = spawn(THERE);
	uint64_t next[3] = {0};

	for (int round = 0; round < 3; round++)
		for (uint64_t i = 0; i < 3; i++)
			OK(send_many(from[i], b, i * 1000 + 10 * (uint64_t)round, 10));
	SAW(b, MESSAGE, 90);
	for (uint32_t i = 0; i < 90; i++) {
		uint64_t number = nth(b, MESSAGE, i)->number, who = number / 1000;

		assert_int_equal(nth(b, MESSAGE, i)->from, from[who]->address);
		assert_int_equal(number % 1000, next[who]++);
	}
}

CASE(a_sender_to_many_keeps_each_pairs_order)
{
	struct probe *a = spawn(HERE), *to[4];

	for (int i = 0; i < 4; i++)
		to[i] = spawn(i % 2 ? THERE : HERE);
	for (uint64_t n = 0; n < 5; n++)
		for (int i = 0; i < 4; i++)
			OK(send_many(a, to[i], 1 + 4 * n, 4));
	for (int i = 0; i < 4; i++)
		expect_numbers(to[i], 1, 20);
}

static int pass_number_on(struct myc_actor *self, struct probe *me,
			  const struct myc_message *message)
{
	uint64_t number;

	memcpy(&number, message->payload, sizeof(number));
	return do_send(self, me, me->word[7], SEND, number, 8);
}

CASE(a_chain_of_actors_keeps_the_order)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE), *d = spawn(HERE);

	set_word(b, 7, c->address);
	set_word(c, 7, d->address);
	b->react = c->react = pass_number_on;
	for (uint64_t i = 0; i < 5; i++)
		OK(send_many(a, b, 1 + 10 * i, 10));
	expect_numbers(d, 1, 50);
}

/* ---- addresses --------------------------------------------------------------------------------- */

CASE(sends_to_an_actor_that_ended_say_esrch)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_number(a, b, 1));
	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(send_number(a, b, 2), -ESRCH);
	RESULT(try_number(a, b, 3), -ESRCH);
	RESULT(send_sized(a, b, SEND, 4, 100), -ESRCH);
	RESULT(post(b, NUMBER, 5), -ESRCH);
}

static int job_resolve(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;

	(void)me;
	return myc_resolve(self, a[0], &ref);
}

CASE(addresses_of_nobody_do_not_resolve)
{
	struct probe *a = spawn(HERE);

	RESULT(let(a, job_resolve, MYC_NOBODY, 0, 0, 0), -ESRCH);
	RESULT(let(a, job_resolve, myc_address_make(0, 900, 0, 1), 0, 0, 0), -ESRCH);
	RESULT(let(a, job_resolve, myc_address_make(3, 0, 0, 1), 0, 0, 0), -ESRCH);
	RESULT(let(a, job_resolve, myc_address_make(0, a->place, 0xfffff, 1), 0, 0, 0), -ESRCH);
	RESULT(let(a, job_resolve, UINT64_MAX, 0, 0, 0), -ESRCH);
}

static int job_garbage_ref(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref = {.address = a[0], .flow = (uint32_t)a[1]};
	uint64_t number = a[2];

	(void)me;
	return myc_try_send(self, &ref, NUMBER, &number, sizeof(number));
}

CASE(a_ref_with_any_flow_finds_its_own)
{
	static const uint32_t flows[] = {0, 1, 2, 511, 512, 513, 1u << 20, UINT32_MAX};
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint64_t i = 0; i < 8; i++)
		UNTIL(let(a, job_garbage_ref, b->address, flows[i], 1 + i, 0) == 0);
	expect_numbers(b, 1, 8);
}

static int job_keep_ref(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	uint64_t number = a[1];
	int code = 0;

	if (!me->word[0]) {
		code = myc_resolve(self, a[0], &ref);
	} else {
		ref.address = me->word[0];
		ref.flow = (uint32_t)me->word[1];
	}
	if (!code)
		code = myc_send(self, &ref, NUMBER, &number, sizeof(number));
	me->word[0] = ref.address;
	me->word[1] = ref.flow;
	return code;
}

CASE(a_ref_goes_on_working_when_its_actor_restarts)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	OK(let(a, job_keep_ref, b->address, 1, 0, 0));
	SAW(b, MESSAGE, 1);
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2);
	OK(let(a, job_keep_ref, b->address, 2, 0, 0));
	assert_int_equal(nth(b, MESSAGE, 1)->restarts, 1);
	expect_numbers(b, 1, 2);
}

CASE(a_ref_of_an_actor_that_ended_says_esrch)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(let(a, job_keep_ref, b->address, 1, 0, 0));
	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(let(a, job_keep_ref, b->address, 2, 0, 0), -ESRCH);
}

/* ---- hooks ------------------------------------------------------------------------------------- */

static int greet(struct myc_actor *self, struct probe *me)
{
	const char *to = myc_setting(self, "to", "");

	return do_send(self, me, strtoull(to, NULL, 10), SEND, 1, 8);
}

static struct probe *make_greeter(uint32_t where, const struct probe *to)
{
	struct probe *made = make(where, &plain);

	snprintf(made->name, sizeof(made->name), "%llu", (unsigned long long)to->address);
	made->settings[1] = (struct myc_setting){.key = "to", .value = made->name};
	made->settings_count = 2;
	return made;
}

CASE(started_may_send)
{
	struct probe *b = spawn(THERE), *a = make_greeter(HERE, b);

	a->on_started = greet;
	OK(try_spawn(a));
	expect_numbers(b, 1, 1);
}

CASE(init_may_send)
{
	struct probe *b = spawn(THERE), *a = make_greeter(HERE, b);

	a->on_init = greet;
	OK(try_spawn(a));
	expect_numbers(b, 1, 1);
}

CASE(stopping_may_send_and_it_arrives_before_the_end_is_told)
{
	struct probe *b = spawn(THERE), *a = make_greeter(HERE, b);

	a->on_stopping = greet;
	OK(try_spawn(a));
	OK(watch(b, a, 0));
	OK(stop_self(a));
	SAW(b, SIGNAL, 1);
	assert_int_equal(b->seen[0].what, MESSAGE);
	assert_int_equal(b->seen[1].what, SIGNAL);
	assert_int_equal(a->stoppings, 1);
}

static int job_send_and_fail(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = do_send(self, me, a[0], SEND, a[1], 8);

	me->handler_code = -EIO;
	return code;
}

CASE(what_a_failing_handler_had_sent_stays_sent)
{
	struct probe *a = spawn_restarting(HERE, 3), *b = spawn(THERE);

	OK(let(a, job_send_and_fail, b->address, 1, 0, 0));
	UNTIL(a->inits == 2);
	expect_numbers(b, 1, 1);
}

static int job_clock(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint64_t now = myc_now_ns(self);

	(void)a;
	me->word[0] = now;
	for (volatile int i = 0; i < 10000; i++)
		;
	return myc_now_ns(self) == now ? 0 : -EIO;
}

CASE(the_clock_stands_still_in_a_handler_and_never_goes_back)
{
	struct probe *a = spawn(HERE);
	uint64_t before = 0;

	for (int i = 0; i < 5; i++) {
		OK(let(a, job_clock, 0, 0, 0, 0));
		assert_true(a->word[0] >= before);
		before = a->word[0];
	}
}

static int job_about(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)a;
	if (strcmp(myc_setting(self, "nothing", "fallback"), "fallback") != 0 ||
	    strcmp(myc_setting(self, "probe", ""), me->setting) != 0)
		return -EIO;
	return myc_self(self) == me->address && !strcmp(myc_name(self), me->name) ? 0 : -ENXIO;
}

CASE(an_actor_knows_its_address_name_and_settings)
{
	struct probe *a = spawn(HERE), *b = spawn_named(THERE, "somebody");

	OK(let(a, job_about, 0, 0, 0, 0));
	OK(let(b, job_about, 0, 0, 0, 0));
}

static int job_state(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint64_t *state = myc_state(self);

	(void)me;
	if ((uintptr_t)state % 64)
		return -EFAULT;
	int before = (int)*state;

	*state = a[0];
	return before;
}

CASE(state_is_zero_at_first_kept_between_messages_and_zero_after_a_restart)
{
	struct probe *a = spawn_restarting(THERE, 3);

	RESULT(let(a, job_state, 11, 0, 0, 0), 0);
	RESULT(let(a, job_state, 12, 0, 0, 0), 11);
	OK(fail_with(a, -EIO));
	RESULT(let(a, job_state, 13, 0, 0, 0), 0);
}

/* ---- plain threads ----------------------------------------------------------------------------- */

static int do_try_posts(struct myc_system *system, uint64_t *a)
{
	int code = 0;

	for (a[2] = 0; a[2] < 1000 && !code; a[2] += !code)
		code = myc_post_try(system, a[0], NUMBER, &(uint64_t){a[1] + a[2]}, 8);
	return code;
}

CASE(a_threads_try_without_credit_says_eagain)
{
	struct probe *b = spawn_as(THERE, &narrow);
	uint64_t a[ERRAND_WORDS] = {b->address, 2};

	OK(post(b, NUMBER, 1));
	SAW(b, MESSAGE, 1);
	hold(b);
	RESULT(way.at(b->place, do_try_posts, a), -EAGAIN);
	assert_in_range(a[2], 0, 4);
	release(b);
	expect_numbers(b, 1, 1 + a[2]);
}

static int do_post_within(struct myc_system *system, uint64_t *a)
{
	int code = 0;

	for (int i = 0; i < 100 && !code; i++)
		code = myc_post(system, a[0], OTHER, NULL, 0, a[1]);
	return code;
}

CASE(a_threads_post_gives_up_after_its_time)
{
	struct probe *b = spawn_as(THERE, &narrow);
	uint64_t a[ERRAND_WORDS] = {b->address, 2 * MS};

	OK(post(b, OTHER, 1));
	hold(b);
	RESULT(way.at(b->place, do_post_within, a), -ETIMEDOUT);
	release(b);
	settle();
	assert_true(b->messages <= 5);
}

static int do_post_large(struct myc_system *system, uint64_t *a)
{
	uint64_t payload[600];

	fill(payload, a[1], (uint32_t)a[2]);
	return myc_post(system, a[0], NUMBER, payload, a[2], SECOND * 60);
}

CASE(a_threads_large_post_goes_as_a_body)
{
	static const uint32_t sizes[] = {41, 256, 257, 4096};
	struct probe *b = spawn(THERE);

	for (uint32_t i = 0; i < 4; i++) {
		uint64_t a[ERRAND_WORDS] = {b->address, 1 + i, sizes[i]};

		OK(way.at(HERE, do_post_large, a));
		assert_int_equal(nth(b, MESSAGE, i)->size, sizes[i]);
	}
	uint64_t a[ERRAND_WORDS] = {b->address, 5, 4097};

	RESULT(way.at(HERE, do_post_large, a), -EMSGSIZE);
	expect_numbers(b, 1, 4);
}

const struct conform_case cases_send[] = {
	{NAMED(a_message_arrives_once_with_its_sender_type_and_payload)},
	{NAMED(every_size_that_a_slot_holds_arrives_whole)},
	{NAMED(types_up_to_the_frameworks_are_the_applications)},
	{NAMED(types_of_the_framework_are_refused)},
	{NAMED(an_actor_sends_to_itself), .where = NEAR},
	{NAMED(a_message_to_oneself_waits_for_the_handler_to_return), .where = NEAR},
	{NAMED(a_message_of_a_thread_is_from_nobody)},
	{NAMED(messages_to_a_behaviour_without_message_hook_are_taken_and_forgotten)},
	{NAMED(messages_of_a_pair_come_in_the_order_they_were_sent)},
	{NAMED(slots_copies_bodies_and_shares_of_a_pair_keep_their_order)},
	{NAMED(bodies_and_slots_keep_their_order_through_the_outbox)},
	{NAMED(each_senders_messages_are_in_order_whatever_others_send)},
	{NAMED(a_sender_to_many_keeps_each_pairs_order)},
	{NAMED(a_chain_of_actors_keeps_the_order)},
	{NAMED(sends_to_an_actor_that_ended_say_esrch)},
	{NAMED(addresses_of_nobody_do_not_resolve), .where = NEAR},
	{NAMED(a_ref_with_any_flow_finds_its_own)},
	{NAMED(a_ref_goes_on_working_when_its_actor_restarts)},
	{NAMED(a_ref_of_an_actor_that_ended_says_esrch)},
	{NAMED(started_may_send)},
	{NAMED(init_may_send)},
	{NAMED(stopping_may_send_and_it_arrives_before_the_end_is_told)},
	{NAMED(what_a_failing_handler_had_sent_stays_sent)},
	{NAMED(the_clock_stands_still_in_a_handler_and_never_goes_back), .where = NEAR},
	{NAMED(an_actor_knows_its_address_name_and_settings)},
	{NAMED(state_is_zero_at_first_kept_between_messages_and_zero_after_a_restart)},
	{NAMED(a_threads_try_without_credit_says_eagain)},
	{NAMED(a_threads_post_gives_up_after_its_time)},
	{NAMED(a_threads_large_post_goes_as_a_body)},
	{0},
};
