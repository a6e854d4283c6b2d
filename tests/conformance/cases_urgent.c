/* SPDX-License-Identifier: Apache-2.0 */
/* Urgent messages, and the order in which a receiver is served: mycelium/mailbox.h. */
#include "conformance/cases.h"

static int job_urgent(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint64_t payload[8] = {0};
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	for (me->word[0] = 0; !code && me->word[0] < a[2]; me->word[0] += !code) {
		uint64_t number = a[1] + me->word[0], size = a[3] >> 1 & 0xff;
		uint16_t type = (uint16_t)(a[3] >> 16 ? a[3] >> 16 : NUMBER);

		size = size ? size : sizeof(number);
		fill(payload, number, (uint32_t)size);
		code = a[3] & 1 ? myc_try_send_urgent(self, &ref, type, payload, size)
				: myc_send_urgent(self, &ref, type, payload, size);
	}
	return code;
}

static int urgent(struct probe *from, const struct probe *to, uint64_t first, uint64_t count)
{
	return let(from, job_urgent, to->address, first, count, 0);
}
static int try_urgent(struct probe *from, const struct probe *to, uint64_t first, uint64_t count)
{
	return let(from, job_urgent, to->address, first, count, 1);
}
static int urgent_sized(struct probe *from, const struct probe *to, uint64_t size, uint16_t type)
{
	return let(from, job_urgent, to->address, 1, 1, size << 1 | (uint64_t)type << 16);
}

/* `from` knows both ways to it: it has credit for each. */
static struct probe *known_as(struct probe *from, const struct myc_behaviour *behaviour)
{
	struct probe *to = spawn_as(THERE, behaviour);

	OK(send_number(from, to, 1));
	SAW(to, MESSAGE, 1); /* else the urgent one overtakes it */
	OK(urgent(from, to, 2, 1));
	SAW(to, MESSAGE, 2);
	settle();
	return to;
}
static struct probe *known(struct probe *from)
{
	return known_as(from, &plain);
}

/* What came, but for the first `skip`, in this order; 0 = something that is no message. */
#define EXPECT(who, skip, ...)                                   \
	expect_these(who, skip, (const uint64_t[]){__VA_ARGS__}, \
		     sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))
static void expect_these(const struct probe *who, uint32_t skip, const uint64_t *number,
			 uint32_t count)
{
	UNTIL(atomic_load_explicit(&who->count, memory_order_acquire) >= skip + count);
	settle();
	assert_int_equal(atomic_load_explicit(&who->count, memory_order_acquire), skip + count);
	for (uint32_t i = 0; i < count; i++) {
		const struct seen *seen = &who->seen[skip + i];

		assert_int_equal(seen->what == MESSAGE ? seen->number : 0, number[i]);
	}
}

/* ---- overtaking -------------------------------------------------------------------------------- */

CASE(urgent_ones_overtake_what_waits_and_keep_their_order)
{
	struct probe *a = spawn(HERE), *b = known(a);

	hold(b);
	OK(send_many(a, b, 11, 5));
	OK(urgent(a, b, 51, 2));
	OK(send_number(a, b, 16));
	OK(urgent(a, b, 53, 1));
	settle();
	release(b);
	EXPECT(b, 2, 51, 52, 53, 11, 12, 13, 14, 15, 16);
}

CASE(an_urgent_one_says_so_and_is_a_message_like_others)
{
	struct probe *a = spawn(HERE), *b = known(a);

	for (uint32_t size = 8; size <= MYC_PAYLOAD_MAX; size += 8) {
		OK(urgent_sized(a, b, size, 0));
		const struct seen *seen = nth(b, MESSAGE, 1 + size / 8);

		assert_int_equal(seen->flags, MYC_MESSAGE_URGENT);
		assert_int_equal(seen->from, a->address);
		assert_int_equal(seen->type, NUMBER);
		assert_int_equal(seen->size, size);
		assert_false(seen->torn);
	}
	assert_int_equal(nth(b, MESSAGE, 0)->flags, 0);
}

static int job_urgent_then_ordinary(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const uint64_t words[] = {a[0], a[1], 1, 0};
	int code = job_urgent(self, me, words);

	return code ? code : do_send(self, me, a[0], SEND, a[1] + 1, 8);
}

CASE(an_ordinary_one_that_was_sent_later_does_not_overtake_an_urgent_one)
{
	struct probe *a = spawn(HERE), *b = known(a);

	for (uint32_t n = 3; n < 103; n += 2) {
		OK(let(a, job_urgent_then_ordinary, b->address, n, 0, 0));
		SAW(b, MESSAGE, n + 1); /* else the next urgent one overtakes it */
	}
	expect_numbers(b, 1, 102);
}

CASE(many_urgent_ones_keep_their_order_through_the_outbox)
{
	struct probe *a = spawn(HERE), *b = known(a);

	for (uint64_t i = 0; i < 5; i++)
		OK(urgent(a, b, 3 + 20 * i, 20));
	expect_numbers(b, 1, 102);
}

CASE(one_that_was_paused_gets_urgent_ones_first_when_it_goes_on)
{
	struct probe *a = spawn(ELSEWHERE), *b = known(a), *c = spawn_as(HERE, &narrow);

	hold(c);
	OK(send_many(b, c, 1, 20));
	UNTIL(metrics_of(b).outbox_depth > 0);
	OK(send_many(a, b, 11, 3));
	OK(urgent(a, b, 51, 2));
	settle();
	assert_int_equal(b->messages, 2);
	release(c);
	EXPECT(b, 2, 51, 52, 11, 12, 13);
}

CASE(urgent_ones_of_several_senders_come_before_ordinary_ones_of_all)
{
	struct probe *a = spawn(HERE), *b = known(a), *c = spawn(ELSEWHERE);

	hold(b);
	OK(send_many(a, b, 11, 2));
	OK(send_many(c, b, 21, 2));
	settle();
	OK(urgent(c, b, 61, 2));
	settle();
	OK(urgent(a, b, 51, 2));
	settle();
	release(b);
	SAW(b, MESSAGE, 10);
	for (uint32_t i = 2; i < 6; i++)
		assert_int_equal(nth(b, MESSAGE, i)->flags, MYC_MESSAGE_URGENT);
	for (uint32_t i = 6; i < 10; i++)
		assert_int_equal(nth(b, MESSAGE, i)->flags, 0);
}

/* ---- credit ------------------------------------------------------------------------------------ */

CASE(urgent_ones_go_when_ordinary_credit_is_spent_until_theirs_is)
{
	struct probe *a = spawn(HERE), *b = known(a);

	hold(b);
	RESULT(try_flood(a, b, 11), -EAGAIN);
	uint64_t ordinary = a->word[0];

	RESULT(try_urgent(a, b, 51, 100), -EAGAIN);
	uint64_t went = a->word[0];

	assert_int_equal(went, MYC_URGENT_PER_SENDER);
	for (int i = 0; i < 3; i++) {
		settle();
		RESULT(try_urgent(a, b, 99, 1), -EAGAIN);
	}
	release(b);
	UNTIL(b->messages == 2 + ordinary + went);
	for (uint32_t i = 0; i < went; i++)
		assert_int_equal(nth(b, MESSAGE, 2 + i)->number, 51 + i);
	settle();
	OK(try_urgent(a, b, 99, 1)); /* it comes back */
	UNTIL(saw_number(b, 99));
}

CASE(ordinary_ones_go_when_urgent_credit_is_spent)
{
	struct probe *a = spawn(HERE), *b = known(a);

	hold(b);
	RESULT(try_urgent(a, b, 51, 100), -EAGAIN);
	OK(try_number(a, b, 3));
	settle();
	release(b);
	UNTIL(saw_number(b, 3));
}

CASE(an_urgent_one_without_credit_waits_and_pauses_its_sender)
{
	struct probe *a = spawn(HERE), *b = known(a);

	hold(b);
	OK(urgent(a, b, 51, MYC_URGENT_PER_SENDER + 3));
	OK(post(a, NUMBER, 1));
	settle();
	assert_int_equal(a->messages, 0);
	assert_int_equal(metrics_of(a).outbox_depth, 3);
	release(b);
	SAW(b, MESSAGE, MYC_URGENT_PER_SENDER + 5);
	for (uint32_t i = 0; i < MYC_URGENT_PER_SENDER + 3; i++)
		assert_int_equal(nth(b, MESSAGE, 2 + i)->number, 51 + i);
	SAW(a, MESSAGE, 1);
}

CASE(an_urgent_one_to_oneself_without_credit_is_refused_as_deadlock)
{
	struct probe *a = spawn(HERE);

	RESULT(urgent(a, a, 1, 100), -EDEADLK);
	assert_int_equal(a->word[0], MYC_URGENT_PER_SENDER);
	RESULT(try_urgent(a, a, 1, 0), 0);
	expect_numbers(a, 1, MYC_URGENT_PER_SENDER);
}

CASE(what_cannot_be_urgent_is_refused)
{
	struct probe *a = spawn(HERE), *b = known(a);

	RESULT(urgent_sized(a, b, MYC_PAYLOAD_MAX + 1, 0), -EMSGSIZE);
	RESULT(urgent_sized(a, b, 8, 0xff00), -EINVAL);
	RESULT(urgent_sized(a, b, 8, 0xffff), -EINVAL);
	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(urgent(a, b, 1, 1), -ESRCH);
	RESULT(try_urgent(a, b, 1, 1), -ESRCH);
	assert_int_equal(b->messages, 2);
}

CASE(overflow_rules_are_not_for_urgent_ones)
{
	static const struct myc_overflow rule = {
		.first = 0, .last = 0xfeff, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = 1};
	static const struct myc_behaviour ruled = {.name = "ruled",
						   .capacity_per_sender = 16,
						   .overflow = &rule,
						   .overflow_count = 1,
						   PROBE_HOOKS};
	struct probe *a = spawn(HERE), *b = known_as(a, &ruled);

	hold(b);
	OK(urgent(a, b, 51, MYC_URGENT_PER_SENDER + 3));
	settle();
	release(b);
	SAW(b, MESSAGE, MYC_URGENT_PER_SENDER + 5);
	assert_int_equal(counted_dead_all(), 0);
}

/* ---- the order of service ---------------------------------------------------------------------- */

CASE(a_stop_comes_before_urgent_ones)
{
	struct probe *a = spawn(HERE), *b = known(a);

	hold(b);
	OK(urgent(a, b, 51, 2));
	settle();
	OK(send_stop(keeper_of(b->place), b, MYC_STOP));
	UNTIL(ended(b));
	assert_int_equal(b->messages, 2);
	UNTIL(counted_dead(MYC_DEAD_LETTER_NO_ACTOR) == 2);
}

CASE(a_drain_handles_urgent_ones_first)
{
	struct probe *a = spawn(HERE), *b = known(a);

	hold(b);
	OK(send_many(a, b, 11, 2));
	OK(urgent(a, b, 51, 2));
	settle();
	OK(send_stop(keeper_of(b->place), b, MYC_STOP_DRAIN));
	settle();
	release(b);
	UNTIL(ended(b));
	EXPECT(b, 2, 51, 52, 11, 12);
}

CASE(a_suspension_holds_urgent_ones_too)
{
	struct probe *a = spawn(HERE), *b = known(a);

	hold(b);
	OK(urgent(a, b, 3, 1));
	settle();
	assert_int_equal(b->messages, 2);
	release(b);
	expect_numbers(b, 1, 3);
}

CASE(a_down_comes_while_urgent_and_ordinary_ones_wait)
{
	struct probe *a = spawn(HERE), *b = known(a), *c = spawn(ELSEWHERE);

	OK(watch(b, c, 0));
	hold(b);
	OK(send_number(a, b, 11));
	OK(urgent(a, b, 51, 1));
	settle();
	OK(stop_self(c));
	SAW(b, SIGNAL, 1);
	release(b);
	EXPECT(b, 2, 0, 51, 11);
}

static int job_tell_and_leave(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const uint64_t words[] = {a[0], 51, 1, 0};
	int code = do_send(self, me, a[0], SEND, 11, 8);

	code = code ? code : job_urgent(self, me, words);
	code = code ? code : do_send(self, me, a[0], SEND, 12, 8);
	myc_exit(self, why_of(WHY(MYC_EXIT_USER, 3)));
	return code;
}

CASE(a_down_comes_behind_all_that_the_dead_one_sent_urgent_or_not)
{
	struct probe *b = spawn(THERE), *c = spawn(ELSEWHERE);

	OK(watch(b, c, 0));
	hold(b);
	OK(let(c, job_tell_and_leave, b->address, 0, 0, 0));
	UNTIL(ended(c));
	settle();
	assert_int_equal(b->signals, 0);
	release(b);
	EXPECT(b, 0, 51, 11, 12, 0);
}

/* Held, having seen number 1 and an urgent 2 of the other. */
static void hold_met_urgently(struct probe *a, struct probe *b)
{
	OK(send_number(a, b, 1));
	OK(urgent(a, b, 2, 1));
	SAW(b, MESSAGE, 2);
	settle();
	hold(b);
}

CASE(urgent_ones_survive_their_receivers_process_and_come_first)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	hold_met_urgently(a, b);
	OK(send_many(a, b, 11, 3));
	OK(urgent(a, b, 51, 2));
	settle();
	kill_place(THERE);
	revive_place(THERE);
	EXPECT(b, 2, 51, 52, 11, 12, 13);
}

CASE(urgent_ones_survive_their_senders_process)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	hold_met_urgently(a, b);
	OK(urgent(a, b, 51, MYC_URGENT_PER_SENDER + 3)); /* some in the outbox */
	settle();
	kill_place(HERE);
	release(b);
	revive_place(HERE);
	SAW(b, MESSAGE, MYC_URGENT_PER_SENDER + 5);
	settle();
	for (uint32_t i = 0; i < MYC_URGENT_PER_SENDER + 3; i++)
		assert_int_equal(nth(b, MESSAGE, 2 + i)->number, 51 + i);
	assert_int_equal(b->messages, MYC_URGENT_PER_SENDER + 5);
}

const struct conform_case cases_urgent[] = {
	{NAMED(urgent_ones_overtake_what_waits_and_keep_their_order)},
	{NAMED(an_urgent_one_says_so_and_is_a_message_like_others)},
	{NAMED(an_ordinary_one_that_was_sent_later_does_not_overtake_an_urgent_one)},
	{NAMED(many_urgent_ones_keep_their_order_through_the_outbox)},
	{NAMED(one_that_was_paused_gets_urgent_ones_first_when_it_goes_on)},
	{NAMED(urgent_ones_of_several_senders_come_before_ordinary_ones_of_all)},
	{NAMED(urgent_ones_go_when_ordinary_credit_is_spent_until_theirs_is)},
	{NAMED(ordinary_ones_go_when_urgent_credit_is_spent)},
	{NAMED(an_urgent_one_without_credit_waits_and_pauses_its_sender)},
	{NAMED(an_urgent_one_to_oneself_without_credit_is_refused_as_deadlock), .where = NEAR},
	{NAMED(what_cannot_be_urgent_is_refused)},
	{NAMED(overflow_rules_are_not_for_urgent_ones)},
	{NAMED(a_stop_comes_before_urgent_ones)},
	{NAMED(a_drain_handles_urgent_ones_first)},
	{NAMED(a_suspension_holds_urgent_ones_too)},
	{NAMED(a_down_comes_while_urgent_and_ordinary_ones_wait)},
	{NAMED(a_down_comes_behind_all_that_the_dead_one_sent_urgent_or_not)},
	{DEADLY(urgent_ones_survive_their_receivers_process_and_come_first)},
	{DEADLY(urgent_ones_survive_their_senders_process)},
	{0},
};
