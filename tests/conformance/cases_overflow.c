/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of messages when no more can wait: overflow rules where the receiver's wait, and redirecting:
 * mycelium/mailbox.h. */
#include "conformance/overflow_bed.h"

/* ---- where the receiver's messages wait -------------------------------------------------------- */

CASE(where_they_wait_the_oldest_make_room)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);

	OK(numbers(a, to, OLDEST, 1, 10));
	settle();
	assert_int_equal(metrics_of(to).mailbox_depth, KEEP);
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_DROPPED_OLDEST), 10 - KEEP);
	release(to);
	EXPECT(to, 7, 8, 9, 10);
}

CASE(where_they_wait_the_newest_are_dropped)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);

	OK(numbers(a, to, NEWEST, 1, 10));
	settle();
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_DROPPED_NEWEST), 10 - KEEP);
	release(to);
	EXPECT(to, 1, 2, 3, 4);
	OK(numbers(a, to, NEWEST, 11, 1)); /* there is room again */
	EXPECT(to, 1, 2, 3, 4, 11);
}

CASE(where_they_wait_one_replaces_that_of_its_key_in_its_place)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);

	OK(numbers(a, to, KIND(KEYED, 3), 1, 10));
	settle();
	assert_int_equal(counted_dead_all(), 0); /* conflated is not dead */
	release(to);
	EXPECT(to, 10, 8, 9);
}

CASE(conflating_holds_up_no_sender_however_many_it_sends)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);

	for (uint64_t i = 0; i < 20; i++) {
		OK(numbers(a, to, KIND(KEYED, 3), 1 + 10 * i, 10));
		settle();
		assert_int_equal(metrics_of(a).outbox_depth, 0);
	}
	assert_int_equal(metrics_of(to).mailbox_depth, 3);
	release(to);
	EXPECT(to, 199, 200, 198);
}

CASE(a_key_beyond_the_payload_is_0)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);

	OK(numbers(a, to, SIZED(KEYED, 0, 8), 1, 3)); /* no key in it */
	OK(numbers(a, to, KIND(KEYED, 2), 5, 1));     /* key 1 */
	OK(numbers(a, to, KIND(KEYED, 2), 4, 1));     /* key 0 */
	settle();
	release(to);
	EXPECT(to, 4, 5);
}

CASE(messages_of_no_rule_keep_their_place_around_those_of_rules)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);

	OK(numbers(a, to, PLAIN, 1, 1));
	OK(numbers(a, to, KIND(KEYED, 2), 100, 2));
	OK(numbers(a, to, PLAIN, 2, 1));
	OK(numbers(a, to, OLDEST, 200, 4));
	OK(numbers(a, to, PLAIN, 3, 1));
	settle();
	OK(numbers(a, to, KIND(KEYED, 2), 102, 2));
	OK(numbers(a, to, OLDEST, 204, 2));
	settle();
	release(to);
	EXPECT(to, 1, 102, 103, 2, 202, 203, 3, 204, 205);
}

CASE(keys_and_limits_count_for_each_sender)
{
	struct probe *a = sender(HERE), *b = sender(ELSEWHERE), *to = held_receiver(a);

	OK(numbers(a, to, KIND(KEYED, 2), 2, 1));
	OK(numbers(a, to, OLDEST, 11, 4));
	settle();
	OK(numbers(b, to, KIND(KEYED, 2), 4, 1));
	settle();
	OK(numbers(b, to, OLDEST, 21, 1));
	settle();
	release(to);
	EXPECT(to, 2, 11, 12, 13, 14, 4, 21);
	assert_int_equal(counted_dead_all(), 0);
}

CASE(the_first_rule_that_a_type_falls_under_counts)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);

	OK(numbers(a, to, TWICE, 1, 5));
	settle();
	release(to);
	EXPECT(to, 1);
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_DROPPED_NEWEST), 4);
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_DROPPED_OLDEST), 0);
}

static int do_post_many(struct myc_system *system, uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 1; i <= a[2] && !code; i++)
		code = myc_post(system, a[0], (uint16_t)a[1], &i, sizeof(i), 60 * SECOND);
	return code;
}

CASE(posts_of_threads_fall_under_the_rules_where_the_receivers_wait)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);
	uint64_t words[ERRAND_WORDS] = {to->address, OLDEST, 40};

	OK(at(HERE, do_post_many, words));
	UNTIL(counted_dead(MYC_DEAD_LETTER_DROPPED_OLDEST) == 40 - KEEP);
	release(to);
	EXPECT(to, 37, 38, 39, 40);
}

CASE(bodies_that_are_dropped_or_replaced_go_home)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);

	for (uint64_t i = 0; i < 12; i++) {
		OK(numbers(a, to, SIZED(KEYED, 3, 200), 1 + 10 * i, 10));
		OK(numbers(a, to, SIZED(OLDEST, 0, 1000), 500 + i, 1));
		OK(numbers(a, to, SIZED(TWICE, 0, 100), 600 + i, 1));
		settle();
	}
	release(to);
	EXPECT(to, 118, 119, 120, 600, 508, 509, 510, 511);
	expect_bodies_home();
}

CASE(an_ask_that_is_dropped_or_replaced_ends_at_once)
{
	struct probe *a = sender(HERE), *to = held_receiver(a);

	OK(numbers(a, to, NEWEST, 1, KEEP));
	OK(let(a, job_ask_number, to->address, NEWEST, 7, 0));
	assert_int_equal(nth(a, REPLY, 0)->status, -ENOBUFS);
	assert_int_equal(nth(a, REPLY, 0)->number, 7);
	OK(let(a, job_ask_number, to->address, KEYED, 8, 1));
	settle();
	assert_int_equal(a->replies, 1);
	OK(numbers(a, to, KIND(KEYED, 2), 9, 1));
	assert_int_equal(nth(a, REPLY, 1)->status, -ENOBUFS);
	assert_int_equal(nth(a, REPLY, 1)->number, 8);
	release(to);
	EXPECT(to, 1, 2, 3, 4, 9);
}

CASE(what_waits_by_rules_survives_its_process)
{
	struct probe *a = fixed(HERE, &teller), *to = fixed(THERE, &ruled);

	OK(numbers(a, to, PLAIN, 0, 1));
	SAW(to, MESSAGE, 1);
	settle();
	hold(to);
	OK(numbers(a, to, OLDEST, 1, 10));
	OK(numbers(a, to, KIND(KEYED, 2), 20, 5));
	settle();
	kill_place(THERE);
	revive_place(THERE);
	EXPECT(to, 7, 8, 9, 10, 24, 23);
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_DROPPED_OLDEST), 10 - KEEP);
}

/* ---- redirecting ------------------------------------------------------------------------------- */

CASE(what_finds_no_room_goes_to_another_as_from_its_sender)
{
	struct probe *other = spawn_named(ELSEWHERE, "other"), *a = sender(HERE),
		     *to = full_receiver(a);

	OK(numbers(a, to, AWAY, 101, 5));
	OK(let(a, do_nothing, 0, 0, 0, 0));
	SAW(other, MESSAGE, 5);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(nth(other, MESSAGE, i)->number, 101 + i);
		assert_int_equal(nth(other, MESSAGE, i)->from, a->address);
		assert_int_equal(nth(other, MESSAGE, i)->type, AWAY);
	}
	release(to);
	SAW(to, MESSAGE, CREDIT + 1);
	OK(numbers(a, to, AWAY, 106, 1)); /* has credit again */
	SAW(to, MESSAGE, CREDIT + 2);
	assert_int_equal(other->messages, 5);
}

CASE(the_first_of_a_pair_waits_and_is_not_redirected)
{
	struct probe *other = spawn_named(ELSEWHERE, "other"), *a = sender(HERE),
		     *to = spawn_as(THERE, &ruled);

	OK(numbers(a, to, AWAY, 1, 1));
	SAW(to, MESSAGE, 1);
	settle();
	assert_int_equal(other->messages, 0);
}

CASE(a_redirected_body_and_ask_arrive_at_the_other)
{
	struct probe *other = spawn_named(ELSEWHERE, "other"), *a = sender(HERE),
		     *to = full_receiver(a);

	other->react = echoes;
	OK(numbers(a, to, SIZED(AWAY, 0, 1000), 101, 1));
	OK(let(a, job_ask_number, to->address, AWAY, 6, 0));
	assert_int_equal(nth(a, REPLY, 0)->status, 0);
	assert_int_equal(nth(a, REPLY, 0)->payload, 6);
	assert_int_equal(nth(other, MESSAGE, 0)->size, 1000);
	release(to);
	expect_bodies_home();
}

CASE(a_redirect_to_nobody_is_a_dead_letter_and_ends_an_ask)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	OK(numbers(a, to, AWAY, 101, 5));
	UNTIL(counted_dead(MYC_DEAD_LETTER_REDIRECT) == 5);
	OK(let(a, job_ask_number, to->address, AWAY, 6, 0));
	assert_true(nth(a, REPLY, 0)->status != 0);
	release(to);
	SAW(to, MESSAGE, CREDIT + 1);
	settle();
	assert_int_equal(to->messages, CREDIT + 1);
}

/* Two full ones that redirect to each other. */
static const struct myc_overflow to_b = {
	.first = AWAY, .last = AWAY, .policy = MYC_OVERFLOW_REDIRECT, .to = "b"};
static const struct myc_overflow to_a = {
	.first = AWAY, .last = AWAY, .policy = MYC_OVERFLOW_REDIRECT, .to = "a"};
static const struct myc_behaviour one = {.name = "one",
					 .capacity_per_sender = CREDIT,
					 .overflow = &to_b,
					 .overflow_count = 1,
					 PROBE_HOOKS};
static const struct myc_behaviour another = {.name = "another",
					     .capacity_per_sender = CREDIT,
					     .overflow = &to_a,
					     .overflow_count = 1,
					     PROBE_HOOKS};

CASE(a_circle_of_redirects_ends)
{
	struct probe *a = sender(HERE), *to = make(THERE, &one), *b = make(ELSEWHERE, &another);

	memcpy(to->name, "a", 2);
	memcpy(b->name, "b", 2);
	OK(try_spawn(to));
	OK(try_spawn(b));
	OK(numbers(a, to, PLAIN, 0, 1));
	OK(numbers(a, b, PLAIN, 0, 1));
	UNTIL(to->messages == 1 && b->messages == 1);
	settle();
	hold(to);
	hold(b);
	RESULT(numbers(a, to, PLAIN | TRIED, 1, 100), -EAGAIN);
	RESULT(numbers(a, b, PLAIN | TRIED, 1, 100), -EAGAIN);
	OK(numbers(a, to, AWAY, 101, 5));
	UNTIL(counted_dead(MYC_DEAD_LETTER_REDIRECT) == 5);
	OK(let(a, do_nothing, 0, 0, 0, 0));
	release(to);
	release(b);
	SAW(to, MESSAGE, CREDIT + 1);
	SAW(b, MESSAGE, CREDIT + 1);
}

/* ---- rules that cannot be ---------------------------------------------------------------------- */

CASE(rules_that_cannot_be_are_refused_at_the_spawn)
{
	static const struct myc_overflow wrong[] = {
		{.first = 2, .last = 1},
		{.policy = MYC_OVERFLOW_POLICIES},
		{.policy = MYC_OVERFLOW_CONFLATE},
		{.policy = MYC_OVERFLOW_CONFLATE, .key_size = 9},
		{.policy = MYC_OVERFLOW_REDIRECT},
		{.policy = MYC_OVERFLOW_REDIRECT, .to = ""},
		{.policy = MYC_OVERFLOW_REDIRECT,
		 .to = "a name that is by one byte too long to be that of any one"},
	};
	static const struct myc_overflow many[MYC_OVERFLOW_MAX + 1];
#define WITH(rules_, count_)                                                                  \
	{                                                                                     \
		.name = "with", .overflow = (rules_), .overflow_count = (count_), PROBE_HOOKS \
	}
	/* Static: places that are processes have them from the start. */
	static const struct myc_behaviour with[] = {
		WITH(&wrong[0], 1),	     WITH(&wrong[1], 1),
		WITH(&wrong[2], 1),	     WITH(&wrong[3], 1),
		WITH(&wrong[4], 1),	     WITH(&wrong[5], 1),
		WITH(&wrong[6], 1),	     WITH(many, MYC_OVERFLOW_MAX + 1),
		WITH(many, MYC_OVERFLOW_MAX)};

	for (size_t i = 0; i < 8; i++)
		RESULT(try_spawn(make(HERE, &with[i])), -EINVAL);
	OK(try_spawn(make(HERE, &with[8])));
}

const struct conform_case cases_overflow[] = {
	{NAMED(where_they_wait_the_oldest_make_room)},
	{NAMED(where_they_wait_the_newest_are_dropped)},
	{NAMED(where_they_wait_one_replaces_that_of_its_key_in_its_place)},
	{NAMED(conflating_holds_up_no_sender_however_many_it_sends)},
	{NAMED(a_key_beyond_the_payload_is_0)},
	{NAMED(messages_of_no_rule_keep_their_place_around_those_of_rules)},
	{NAMED(keys_and_limits_count_for_each_sender)},
	{NAMED(the_first_rule_that_a_type_falls_under_counts)},
	{NAMED(posts_of_threads_fall_under_the_rules_where_the_receivers_wait)},
	{NAMED(bodies_that_are_dropped_or_replaced_go_home)},
	{NAMED(an_ask_that_is_dropped_or_replaced_ends_at_once)},
	{DEADLY(what_waits_by_rules_survives_its_process)},
	{NAMED(what_finds_no_room_goes_to_another_as_from_its_sender)},
	{NAMED(the_first_of_a_pair_waits_and_is_not_redirected)},
	{NAMED(a_redirected_body_and_ask_arrive_at_the_other)},
	{NAMED(a_redirect_to_nobody_is_a_dead_letter_and_ends_an_ask)},
	{NAMED(a_circle_of_redirects_ends)},
	{NAMED(rules_that_cannot_be_are_refused_at_the_spawn), .where = NEAR},
	{0},
};
