/* SPDX-License-Identifier: Apache-2.0 */
/* Whatever is guessed, a message's flow is the one that its header names; and what is guessed when. */
#include "common/test.h"

#include <stdlib.h>
#include <string.h>

#include "core/guess.h"

#define MESSAGES 100000
#define LIVING	 8 /* flows that have a receiver */

static struct myc_flow_in *flow;

static uint64_t to(uint32_t f, uint32_t generation)
{
	return myc_slot_to(f + 1, generation, f);
}

static int lay_out(void **state)
{
	size_t size = myc_guess_entries(2) * sizeof(*flow);

	(void)state;
	flow = aligned_alloc(64, size);
	assert_non_null(flow);
	memset(flow, 0, size);
	myc_guess_open(flow);
	for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++)
		flow[f].slot_to = f < LIVING ? to(f, 1) : UINT64_MAX;
	return 0;
}

static int clear_away(void **state)
{
	(void)state;
	free(flow);
	return 0;
}

static struct myc_flow_in *guessed(uint32_t after)
{
	return myc_guess_after(&flow[after])->flow;
}

static void next_is(uint32_t before, uint32_t f)
{
	assert_ptr_equal(myc_guess_next(flow, myc_guess_after(&flow[before]), flow[f].slot_to),
			 &flow[f]);
}

static void what_came_after_twice_is_guessed(void **state)
{
	(void)state;
	next_is(0, 3);
	assert_ptr_equal(guessed(0), myc_guess_no_flow(flow));
	next_is(0, 3);
	assert_ptr_equal(guessed(0), &flow[3]);
	next_is(0, 3);
	assert_ptr_equal(guessed(0), &flow[3]);
	assert_ptr_equal(guessed(3), myc_guess_no_flow(flow));
}

static void a_wrong_guess_is_given_up_until_another_came_twice(void **state)
{
	(void)state;
	next_is(0, 3);
	next_is(0, 3);
	next_is(0, 4);
	assert_ptr_equal(guessed(0), myc_guess_no_flow(flow));
	next_is(0, 3);
	assert_ptr_equal(guessed(0), myc_guess_no_flow(flow));
	next_is(0, 4);
	next_is(0, 4);
	assert_ptr_equal(guessed(0), &flow[4]);
}

static void a_flow_given_to_others_is_not_taken_for_what_it_was(void **state)
{
	uint64_t former = flow[3].slot_to;

	(void)state;
	next_is(0, 3);
	next_is(0, 3);
	flow[3].slot_to = to(3, 2);
	/* A straggler of the former pair: who calls sees that the flow is not its own any more. */
	assert_ptr_equal(myc_guess_next(flow, myc_guess_after(&flow[0]), former), &flow[3]);
	assert_int_not_equal(flow[3].slot_to, former);
	next_is(0, 3);
}

static void a_signal_reaches_no_actors_flow(void **state)
{
	uint64_t signal = myc_slot_to(2, 1, MYC_FLOW_NONE);

	(void)state;
	for (int i = 0; i < 3; i++) {
		struct myc_flow_in *found = myc_guess_next(flow, myc_guess_after(&flow[0]), signal);

		assert_int_not_equal(found->slot_to, signal);
		assert_true(found < flow + MYC_LANE_FLOWS);
	}
}

static void at_random_every_message_finds_its_flow(void **state)
{
	uint64_t random = 0x9e3779b97f4a7c15ull;
	uint32_t before = 0, right = 0;

	(void)state;
	for (uint32_t i = 0; i < MESSAGES; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		uint32_t f = (uint32_t)(random >> 33) % LIVING;

		right += guessed(before) == &flow[f];
		if (random >> 60 == 0)
			flow[f].slot_to = to(f, (uint32_t)random);
		next_is(before, f);
		before = f;
	}
	/* One in LIVING comes twice running, and one in LIVING of those a third time. */
	assert_in_range(right, MESSAGES / LIVING / LIVING / 2, MESSAGES / LIVING / LIVING * 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, lay_out, clear_away)
	const struct CMUnitTest tests[] = {
		CASE(what_came_after_twice_is_guessed),
		CASE(a_wrong_guess_is_given_up_until_another_came_twice),
		CASE(a_flow_given_to_others_is_not_taken_for_what_it_was),
		CASE(a_signal_reaches_no_actors_flow),
		CASE(at_random_every_message_finds_its_flow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
