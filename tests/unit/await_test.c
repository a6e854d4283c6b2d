/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of core/await.h, stopped between any two: two and three actors that are to await one another in a ring
 * run as coroutines that give way at MYC_POINTs; every order of their steps is played. Those of core/cycle.h too,
 * by actors that wait for credit, and by both kinds in one ring. (What the
 * processor may reorder on top, the fences forbid; see there.)
 */
#include "unit/stage.h"

#include "core/cycle.h"

#define SIDES_MAX STAGE_SIDES
#define STEPS_MAX 64

static struct myc_actor_slot row[SIDES_MAX];
static uint32_t sides, credits;	  /* bits: sides that wait for credit */
static uint32_t waits[SIDES_MAX]; /* of those: 1 = for the next side's */
static bool answer_known;	  /* side 0 has answered side `sides - 1` before */

static struct {
	int code[SIDES_MAX];
	struct myc_cycle cycle[SIDES_MAX];
	uint32_t broken; /* by sides that wait for credit */
} play;

static myc_address address_of(uint32_t side)
{
	return myc_address_make(0, 0, side, 1);
}

static void point(const char *name)
{
	if (stage.running < 0)
		return;
	/* Of three there are seven million orders; without these two points, which are between no two
	 * accesses that others can tell apart, few. */
	if (sides == 3 && (!strcmp(name, "await: fenced") || !strcmp(name, "await: over") ||
			   !strcmp(name, "cycle: fenced")))
		return;
	/* With credit more points are passed: after the first few all edges of the ring have been read once. */
	if (sides == 3 && credits && ++stage.points[stage.running] > 3)
		return;
	stage_give_way();
}

static const struct myc_actor_slot *row_of(const void *context, myc_address address)
{
	(void)context;
	return myc_address_slot(address) < sides ? &row[myc_address_slot(address)] : NULL;
}

static bool answered(const void *context, myc_address asker, uint32_t id)
{
	return answer_known && *(const uint32_t *)context == 0 && asker == address_of(sides - 1) &&
	       id == 100 + sides - 1;
}

static bool waits_for_credit(const void *context, myc_address address, bool next,
			     struct myc_edge *wait)
{
	uint32_t side = myc_address_slot(address);

	(void)context;
	if ((next && wait->at) || !(credits >> side & 1) || !myc_cycle_first(&waits[side]))
		return false;
	*wait = (struct myc_edge){
		.whom = address_of((side + 1) % sides), .mark = 7, .credit = true, .at = 1};
	return true;
}

/* Asks: refused, it goes on. Waits for credit: concerned, it goes on. */
static void look(uint32_t me)
{
	struct myc_await_view view = {.context = &me,
				      .row = row_of,
				      .answered = answered,
				      .credit = credits ? waits_for_credit : NULL};
	struct myc_edge first = {.whom = address_of((me + 1) % sides),
				 .mark = 100 + me,
				 .credit = credits >> me & 1,
				 .at = 1};
	struct myc_walk walk;

	if (first.credit) {
		first.mark = 7;
		myc_cycle_publish(&waits[me], 1);
		myc_cycle_fence();
	} else {
		myc_await_publish(&row[me], 100 + me, first.whom);
	}
	play.code[me] = myc_await_walk(&view, address_of(me), &first, &walk, &play.cycle[me]);
	if (!play.code[me])
		return;
	if (!first.credit) {
		myc_await_end(&row[me]);
	} else if (myc_cycle_concerns(&walk, &play.cycle[me])) {
		__atomic_store_n(&waits[me], 0, __ATOMIC_RELAXED);
		play.broken++;
	}
}

static void side_runs(void)
{
	uint32_t me = (uint32_t)stage.running;

	look(me);
	stage_end();
}

/* Runs to the end by `choice`, which side goes at each step; later steps take the first that can. Returns the
 * number of steps and in `open` how many could go at each. */
static uint32_t run(const uint8_t *choice, uint32_t chosen, uint8_t *taken, uint8_t *open)
{
	uint32_t steps = 0;

	memset(row, 0, sizeof(row));
	memset(waits, 0, sizeof(waits));
	stage_reset();
	play.broken = 0;
	for (uint32_t i = 0; i < sides; i++) {
		row[i].word = myc_actor_word(1, 0, MYC_ACTOR_RUNNING);
		stage_launch(i, side_runs);
	}
	for (;; steps++) {
		uint32_t can[SIDES_MAX], n = 0;

		for (uint32_t i = 0; i < sides; i++)
			if (!stage.finished[i])
				can[n++] = i;
		if (!n)
			return steps;
		assert_true(steps < STEPS_MAX);
		taken[steps] = steps < chosen ? choice[steps] : 0;
		open[steps] = (uint8_t)n;
		(void)stage_step(can[taken[steps]]);
	}
}

/* All orders, by counting up the last choice that can be. `check` sees each end. */
static uint32_t every_order(void (*check)(void))
{
	uint8_t choice[STEPS_MAX], open[STEPS_MAX];
	uint32_t chosen = 0, orders = 0;

	for (;;) {
		uint32_t steps = run(choice, chosen, choice, open);

		check();
		orders++;
		while (steps && choice[steps - 1] + 1 >= open[steps - 1])
			steps--;
		if (!steps)
			return orders;
		choice[steps - 1]++;
		chosen = steps;
	}
}

static uint32_t refused_by[SIDES_MAX + 1];

static void one_is_refused_and_names_the_cycle(void)
{
	uint32_t refused = 0;

	for (uint32_t i = 0; i < sides; i++) {
		assert_true(play.code[i] == 0 || play.code[i] == -EDEADLK);
		if (!play.code[i])
			continue;
		refused++;
		assert_int_equal(play.cycle[i].count, sides);
		for (uint32_t j = 0; j < sides; j++)
			assert_int_equal(play.cycle[i].address[j], address_of((i + j) % sides));
		assert_int_equal(row[i].waits_on, MYC_NOBODY);
	}
	assert_true(refused >= 1);
	refused_by[refused]++;
}

static void in_every_order(uint32_t count)
{
	memset(refused_by, 0, sizeof(refused_by));
	sides = count;
	credits = 0;
	answer_known = false;
	uint32_t orders = every_order(one_is_refused_and_names_the_cycle);

	print_message("  %u orders; refused: one %u times, two %u, three %u\n", orders,
		      refused_by[1], refused_by[2], refused_by[3]);
	assert_true(orders > 10 && refused_by[1] && refused_by[2]);
}

static void two_that_await_each_other_never_both_wait(void **state)
{
	(void)state;
	in_every_order(2);
}

static void three_in_a_ring_never_all_wait(void **state)
{
	(void)state;
	in_every_order(3);
}

static void who_has_answered_is_not_awaited(void)
{
	assert_int_equal(play.code[0], 0);
}

static void an_answer_that_is_on_its_way_is_no_cycle_for_who_gave_it(void **state)
{
	(void)state;
	sides = 2;
	credits = 0;
	answer_known = true;
	every_order(who_has_answered_is_not_awaited);
}

/* ---- credit ------------------------------------------------------------------------------------ */

static uint32_t found_by[SIDES_MAX + 1];

/* Those who wait for credit still look again; then nobody is left waiting in a ring. */
static void the_ring_is_broken(void)
{
	uint32_t found = 0, refused = 0;

	for (uint32_t i = 0; i < sides; i++) {
		found += play.code[i] == -EDEADLK;
		refused += play.code[i] && !(credits >> i & 1);
	}
	found_by[found]++;
	if (credits == (1u << sides) - 1)
		assert_true(found >= 1);
	for (uint32_t i = 0; i < sides; i++)
		if (credits >> i & 1 && waits[i])
			look(i);
	assert_true(play.broken + refused >= 1);
	/* By one alone, unless somebody's ask was refused at the same time. */
	assert_true(play.broken <= 1);
}

static void ring_of(uint32_t count, uint32_t which)
{
	memset(found_by, 0, sizeof(found_by));
	sides = count;
	credits = which;
	answer_known = false;
	uint32_t orders = every_order(the_ring_is_broken);

	print_message("  %u orders; at the first look nobody found it %u times, one %u, two %u\n",
		      orders, found_by[0], found_by[1], found_by[2]);
	assert_true(orders > 10 && found_by[1]);
}

static void of_two_that_wait_for_credit_exactly_one_breaks_the_ring(void **state)
{
	(void)state;
	ring_of(2, 3);
}

static void of_three_that_wait_for_credit_exactly_one_breaks_the_ring(void **state)
{
	(void)state;
	ring_of(3, 7);
}

static void a_ring_of_asks_and_credit_is_broken_in_every_order(void **state)
{
	(void)state;
	ring_of(2, 1);
	ring_of(2, 2);
	ring_of(3, 1);
	ring_of(3, 6);
}

static uint32_t again;

/* The edge is there when it is seen, and gone when it is looked at again. */
static bool passing(const void *context, myc_address address, bool next, struct myc_edge *wait)
{
	(void)context;
	(void)address;
	if (next && wait->at)
		return false;
	*wait = (struct myc_edge){.whom = address_of(0), .mark = again++, .credit = true, .at = 1};
	return true;
}

static void a_wait_that_was_over_meanwhile_closes_no_ring(void **state)
{
	uint32_t me = 0;
	struct myc_await_view view = {
		.context = &me, .row = row_of, .answered = answered, .credit = passing};
	const struct myc_edge first = {.whom = address_of(1), .mark = 100};
	struct myc_walk walk;
	struct myc_cycle cycle;

	(void)state;
	sides = 2;
	memset(row, 0, sizeof(row));
	row[0].word = row[1].word = myc_actor_word(1, 0, MYC_ACTOR_RUNNING);
	row[0].waits_on = address_of(1);
	row[0].awaited = 100;
	again = 0;
	assert_int_equal(myc_await_walk(&view, address_of(0), &first, &walk, &cycle), 0);
	assert_true(again >= 2);
}

/* ---- limits ------------------------------------------------------------------------------------ */

static const struct myc_actor_slot *long_row(const void *context, myc_address address)
{
	static struct myc_actor_slot next;

	(void)context;
	next = (struct myc_actor_slot){
		.word = myc_actor_word(1, 0, MYC_ACTOR_RUNNING),
		.waits_on = myc_address_make(0, 0, myc_address_slot(address) + 1, 1)};
	return &next;
}

static void a_chain_too_long_to_follow_is_refused(void **state)
{
	uint32_t me = 0;
	struct myc_await_view view = {.context = &me, .row = long_row, .answered = answered};
	const struct myc_edge first = {.whom = address_of(1)};
	struct myc_walk walk;
	struct myc_cycle cycle;

	(void)state;
	answer_known = false;
	assert_int_equal(myc_await_walk(&view, address_of(0), &first, &walk, &cycle), -ELOOP);
	assert_int_equal(cycle.count, MYC_CYCLE_MAX);
	/* An edge to an actor that is gone, of another generation, leads nowhere. */
	sides = 2;
	memset(row, 0, sizeof(row));
	row[1] = (struct myc_actor_slot){.word = myc_actor_word(2, 0, MYC_ACTOR_RUNNING),
					 .waits_on = address_of(0)};
	view.row = row_of;
	assert_int_equal(myc_await_walk(&view, address_of(0), &first, &walk, &cycle), 0);
	row[1].word = myc_actor_word(1, 0, MYC_ACTOR_FREE);
	assert_int_equal(myc_await_walk(&view, address_of(0), &first, &walk, &cycle), 0);
	row[1].word = myc_actor_word(1, 0, MYC_ACTOR_RUNNING);
	assert_int_equal(myc_await_walk(&view, address_of(0), &first, &walk, &cycle), -EDEADLK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_that_await_each_other_never_both_wait),
		cmocka_unit_test(three_in_a_ring_never_all_wait),
		cmocka_unit_test(an_answer_that_is_on_its_way_is_no_cycle_for_who_gave_it),
		cmocka_unit_test(of_two_that_wait_for_credit_exactly_one_breaks_the_ring),
		cmocka_unit_test(of_three_that_wait_for_credit_exactly_one_breaks_the_ring),
		cmocka_unit_test(a_ring_of_asks_and_credit_is_broken_in_every_order),
		cmocka_unit_test(a_wait_that_was_over_meanwhile_closes_no_ring),
		cmocka_unit_test(a_chain_too_long_to_follow_is_refused),
	};

	return stage_main(tests);
}
