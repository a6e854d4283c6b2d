/* SPDX-License-Identifier: Apache-2.0 */
/* Overflow rules where the sender's messages wait, in its outbox: each way of dropping and replacing. */
#include "unit/overflow_bed.h"

/* In one go. All the credit, 16, and 100 more. */
static void flood(struct probe *a, struct probe *to, uint32_t type, uint64_t keys, uint64_t size)
{
	assert_int_equal(
		let(a, send_numbers, to->address, numbers(type, 1, 116, keys) | SIZED(size)), 0);
}

/* 16 had credit, at least; then what was kept. In processes and threads the credit may have been one less,
 * given back meanwhile. */
static void expect_last(struct probe *to, uint32_t kept, uint32_t last)
{
	to->stuck = false;
	wait_until(to->messages && to->seen[to->messages - 1].message == last);
	uint32_t went = to->messages - kept;

	assert_in_range(went, 1, 16 + KEEP);
	for (uint32_t i = 0; i < kept; i++)
		assert_int_equal(to->seen[went + i].message, last - kept + 1 + i);
}

CASE(the_oldest_make_room_in_the_outbox_and_nobody_is_paused)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	uint64_t paused_ns = load(&metrics_of(a)->paused_ns);

	flood(a, to, OLDEST, 0, 0);
	assert_int_equal(let(a, nothing, 0, 0), 0); /* it handles messages */
	if (place != ONE_EXECUTOR)
		assert_int_equal(waiting_out(a), KEEP);
	expect_last(to, KEEP, 116);
	assert_int_equal(to->messages + letters(HERE, MYC_DEAD_LETTER_DROPPED_OLDEST) +
				 (place == ONE_EXECUTOR
					  ? 0
					  : letters(THERE, MYC_DEAD_LETTER_DROPPED_OLDEST)),
			 116);
	assert_int_equal(load(&metrics_of(a)->paused_ns), paused_ns);
	end();
}

CASE(one_alone_makes_room_for_the_next)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	for (int i = 0; i < 3; i++)
		flood(a, to, SINGLE, 0, 0);
	to->stuck = false;
	settle(a, to);
	assert_int_equal(to->seen[to->messages - 1].message, 116);
	end();
}

CASE(the_newest_are_dropped_when_the_outbox_keeps_enough)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	flood(a, to, NEWEST, 0, 0);
	assert_int_equal(let(a, nothing, 0, 0), 0);
	to->stuck = false;
	settle(a, to);
	uint32_t dropped = (uint32_t)load(&executor_of(HERE)->words->outbox_dropped);

	assert_in_range(dropped, 116 - 16 - KEEP, 115);
	assert_int_equal(letters(HERE, MYC_DEAD_LETTER_DROPPED_NEWEST), dropped);
	assert_int_equal(to->messages, 116 - dropped);
	for (uint32_t i = 0; i < to->messages; i++)
		assert_int_equal(to->seen[i].message, i + 1);
	end();
}

CASE(what_waits_in_the_outbox_is_replaced_in_its_place)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	flood(a, to, KEYED, 5, 0);
	assert_int_equal(let(a, nothing, 0, 0), 0);
	to->stuck = false;
	settle(a, to);
	uint32_t count = to->messages, last[5] = {0};

	assert_in_range(count, 6, 16 + 5);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t *of = &last[to->seen[i].message % 5];

		assert_true(to->seen[i].message > *of);
		*of = to->seen[i].message;
	}
	for (uint32_t i = 0; i < 5; i++) /* the last of each key has come */
		assert_true(last[i] > 111);
	assert_int_equal(count + conflated(HERE) + (place == ONE_EXECUTOR ? 0 : conflated(THERE)),
			 116);
	end();
}

CASE(bodies_go_home_from_the_outbox)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	for (int i = 0; i < 10; i++) {
		flood(a, to, KEYED, 5, 200);
		flood(a, to, NEWEST, 0, 1000);
		flood(a, to, OLDEST, 0, 1000);
	}
	to->stuck = false;
	settle(a, to);
	assert_int_equal(to->seen[to->messages - 1].message, 116);
	end();
}

CASE(a_refused_type_pauses_behind_what_waits_and_keeps_its_place)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	{
		let(a, send_numbers, to->address, numbers(PLAIN, 1, 16, 0));
		let(a, send_numbers, to->address, numbers(KEYED, 100, 101, 2));
		assert_int_equal(let(a, try_number, to->address, PLAIN | 3 << 8), -EAGAIN);
		let(a, send_numbers, to->address, numbers(KEYED, 102, 103, 2));
		let(a, send_numbers, to->address, numbers(PLAIN, 17, 17, 0));
		/* Now it is paused. */
		struct job job = {.run = nothing};

		a->done = false;
		assert_int_equal(myc_post(a->system, a->address, JOB, &job, sizeof(job), SECOND),
				 0);
		to->stuck = false;
		wait_until(to->messages == 19);
		assert_int_equal(to->seen[16].message, 102);
		assert_int_equal(to->seen[17].message, 103);
		assert_int_equal(to->seen[18].message, 17);
		wait_until(a->done);
	}
	end();
}

CASE(an_ask_that_is_dropped_ends_at_once)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE),
		     *b = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = suspended(a);

	let(a, send_numbers, to->address, numbers(NEWEST, 1, KEEP, 0));
	assert_int_equal(let(a, ask_number, to->address, NEWEST | 9 << 8), 0);
	wait_until(replies[a->index] == 1);
	assert_int_equal(replied[a->index], -ENOBUFS);
	/* Replaced, too. */
	assert_int_equal(let(b, ask_number, to->address, KEYED | 1 << 8), 0);
	arrived(b, THERE);
	assert_int_equal(replies[b->index], 0);
	let(b, send_numbers, to->address, numbers(KEYED, 2, 2, 1));
	wait_until(replies[b->index] == 1);
	assert_int_equal(replied[b->index], -ENOBUFS);
	end();
}

CASE(an_ask_dropped_in_the_outbox_ends_at_once)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	{
		let(a, send_numbers, to->address, numbers(PLAIN, 1, 16, 0));
		assert_int_equal(let(a, ask_number, to->address, OLDEST | 9 << 8), 0);
		let(a, send_numbers, to->address, numbers(OLDEST, 1, KEEP - 1, 0));
		assert_int_equal(replies[a->index], 0);
		let(a, send_numbers, to->address, numbers(OLDEST, 1, 1, 0));
		wait_until(replies[a->index] == 1);
		assert_int_equal(replied[a->index], -ENOBUFS);
		let(a, send_numbers, to->address, numbers(NEWEST, 1, KEEP, 0));
		assert_int_equal(let(a, ask_number, to->address, NEWEST | 9 << 8), 0);
		wait_until(replies[a->index] == 2);
		assert_int_equal(replied[a->index], -ENOBUFS);
		to->stuck = false;
	}
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(the_oldest_make_room_in_the_outbox_and_nobody_is_paused),
		EVERYWHERE(one_alone_makes_room_for_the_next),
		EVERYWHERE(the_newest_are_dropped_when_the_outbox_keeps_enough),
		EVERYWHERE(what_waits_in_the_outbox_is_replaced_in_its_place),
		EVERYWHERE(bodies_go_home_from_the_outbox),
		IN(a_refused_type_pauses_behind_what_waits_and_keeps_its_place, TWO_EXECUTORS),
		IN(a_refused_type_pauses_behind_what_waits_and_keeps_its_place, TWO_PROCESSES),
		EVERYWHERE(an_ask_that_is_dropped_ends_at_once),
		IN(an_ask_dropped_in_the_outbox_ends_at_once, TWO_EXECUTORS),
		IN(an_ask_dropped_in_the_outbox_ends_at_once, TWO_PROCESSES),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
