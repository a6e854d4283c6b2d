/* SPDX-License-Identifier: Apache-2.0 */
/* What becomes of messages when no more can wait: overflow rules where the sender's wait, in its outbox:
 * mycelium/mailbox.h. */
#include "conformance/overflow_bed.h"

/* ---- where the sender's wait ------------------------------------------------------------------- */

CASE(in_the_outbox_the_oldest_make_room_and_nobody_is_paused)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	OK(numbers(a, to, OLDEST, 101, 10));
	OK(let(a, do_nothing, 0, 0, 0, 0)); /* it handles messages */
	assert_int_equal(metrics_of(a).outbox_depth, KEEP);
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_DROPPED_OLDEST), 10 - KEEP);
	release(to);
	EXPECT_AFTER(to, 107, 108, 109, 110);
	assert_int_equal(seen_of(a, UNDELIVERED), 0); /* by rule: it is not told */
}

CASE(in_the_outbox_the_newest_are_dropped)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	OK(numbers(a, to, NEWEST, 101, 10));
	OK(let(a, do_nothing, 0, 0, 0, 0));
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_DROPPED_NEWEST), 10 - KEEP);
	release(to);
	EXPECT_AFTER(to, 101, 102, 103, 104);
	assert_int_equal(seen_of(a, UNDELIVERED), 0);
}

CASE(in_the_outbox_one_replaces_that_of_its_key_in_its_place)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	OK(numbers(a, to, KIND(KEYED, 3), 101, 10));
	OK(let(a, do_nothing, 0, 0, 0, 0));
	assert_int_equal(metrics_of(a).outbox_depth, 3);
	release(to);
	EXPECT_AFTER(to, 110, 108, 109);
	assert_int_equal(counted_dead_all(), 0);
}

CASE(tries_under_a_rule_succeed_when_they_are_dropped)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	OK(numbers(a, to, OLDEST | TRIED, 101, 10));
	OK(numbers(a, to, NEWEST | TRIED, 201, 10));
	OK(numbers(a, to, KIND(KEYED, 2) | TRIED, 301, 10));
	release(to);
	EXPECT_AFTER(to, 107, 108, 109, 110, 201, 202, 203, 204, 309, 310);
}

CASE(more_keys_than_may_wait_in_the_outbox_are_refused)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	RESULT(numbers(a, to, KIND(FEW_KEYS, 5) | TRIED, 100, 5), -EAGAIN);
	assert_int_equal(a->word[0], 2);
	OK(numbers(a, to, KIND(FEW_KEYS, 5) | TRIED, 105, 2)); /* of keys that wait */
	OK(let(a, do_nothing, 0, 0, 0, 0));
	release(to);
	EXPECT_AFTER(to, 105, 106);
}

CASE(a_rule_to_refuse_is_as_none)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	RESULT(numbers(a, to, REFUSED | TRIED, 100, 1), -EAGAIN);
	OK(numbers(a, to, REFUSED, 101, 3));
	OK(post(a, NUMBER, 1)); /* it is paused */
	settle();
	assert_int_equal(a->messages, 0);
	release(to);
	EXPECT_AFTER(to, 101, 102, 103);
	SAW(a, MESSAGE, 1);
}

CASE(one_without_a_rule_waits_behind_those_and_pauses)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	OK(numbers(a, to, KIND(KEYED, 2), 100, 2));
	RESULT(numbers(a, to, PLAIN | TRIED, 7, 1), -EAGAIN);
	OK(numbers(a, to, KIND(KEYED, 2), 102, 2));
	OK(numbers(a, to, PLAIN, 17, 1));
	OK(post(a, NUMBER, 1));
	settle();
	assert_int_equal(a->messages, 0);
	release(to);
	EXPECT_AFTER(to, 102, 103, 17);
	SAW(a, MESSAGE, 1);
}

CASE(bodies_go_home_from_the_outbox_too)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	for (uint64_t i = 0; i < 10; i++) {
		OK(numbers(a, to, SIZED(KEYED, 3, 200), 100 + 3 * i, 3));
		OK(numbers(a, to, SIZED(OLDEST, 0, 100), 200 + i, 1));
		OK(numbers(a, to, SIZED(NEWEST, 0, 100), 300 + i, 1));
	}
	release(to);
	/* Each in the place that the first of its key, or it itself, had. */
	EXPECT_AFTER(to, 127, 128, 129, 300, 301, 302, 303, 206, 207, 208, 209);
	expect_bodies_home();
}

CASE(an_ask_that_is_given_up_in_the_outbox_ends_at_once)
{
	struct probe *a = sender(HERE), *to = full_receiver(a);

	OK(let(a, job_ask_number, to->address, OLDEST, 5, 0));
	OK(numbers(a, to, OLDEST, 101, KEEP - 1));
	settle();
	assert_int_equal(a->replies, 0);
	OK(numbers(a, to, OLDEST, 104, 1));
	assert_int_equal(nth(a, REPLY, 0)->status, -ENOBUFS);
	OK(numbers(a, to, NEWEST, 201, KEEP));
	OK(let(a, job_ask_number, to->address, NEWEST, 6, 0));
	assert_int_equal(nth(a, REPLY, 1)->status, -ENOBUFS);
	assert_int_equal(nth(a, REPLY, 1)->number, 6);
	release(to);
	EXPECT_AFTER(to, 101, 102, 103, 104, 201, 202, 203, 204);
}

CASE(what_waits_in_an_outbox_by_rules_survives_its_process)
{
	struct probe *a = fixed(HERE, &teller), *to = fixed(THERE, &ruled);

	OK(numbers(a, to, PLAIN, 0, 1));
	SAW(to, MESSAGE, 1);
	settle();
	hold(to);
	RESULT(numbers(a, to, PLAIN | TRIED, 1, 100), -EAGAIN);
	settle();
	OK(numbers(a, to, OLDEST, 101, 10));
	OK(numbers(a, to, KIND(KEYED, 2), 200, 5));
	settle();
	kill_place(HERE);
	revive_place(HERE);
	settle();
	release(to);
	EXPECT_AFTER(to, 107, 108, 109, 110, 204, 203);
}

const struct conform_case cases_overflow_outbox[] = {
	{NAMED(in_the_outbox_the_oldest_make_room_and_nobody_is_paused)},
	{NAMED(in_the_outbox_the_newest_are_dropped)},
	{NAMED(in_the_outbox_one_replaces_that_of_its_key_in_its_place)},
	{NAMED(tries_under_a_rule_succeed_when_they_are_dropped)},
	{NAMED(more_keys_than_may_wait_in_the_outbox_are_refused)},
	{NAMED(a_rule_to_refuse_is_as_none)},
	{NAMED(one_without_a_rule_waits_behind_those_and_pauses)},
	{NAMED(bodies_go_home_from_the_outbox_too)},
	{NAMED(an_ask_that_is_given_up_in_the_outbox_ends_at_once)},
	{DEADLY(what_waits_in_an_outbox_by_rules_survives_its_process)},
	{0},
};
