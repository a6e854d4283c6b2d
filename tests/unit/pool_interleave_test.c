/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message buffers between three processes, stopped between any two stores: an owner that lends shares,
 * and two holders, the first of which lends on to the second, are coroutines that give way at every
 * MYC_POINT. Played are schedules with two preemptions, and those with one where any of the three is
 * killed at each of its points and started again, with one to three buffers, loans and ring slots.
 * After every step the weights are counted; what is read must be what was written.
 */
#include "common/test.h"

#include <string.h>
#include <ucontext.h>

static void point(const char *name);
#define MYC_POINT(name) point(name)
#define must(holds)	assert_true(holds)

#include "unit/pool_sides.h"

#define MESSAGES   3
#define STACK	   65536
#define POINTS_MAX 600

/* What the world outside has seen. */
static struct {
	int deaths;
	uint32_t points[SIDES];
} world;

static struct {
	ucontext_t scheduler, side[SIDES];
	char stack[SIDES][STACK];
	int running;
	uint32_t steps, quiet; /* steps in a row that were nothing but waiting */
	uint32_t preempt[2], hop;
	int victim;
	uint32_t death;
	bool die, waits;
} play;

/* Points at which somebody was killed, over all runs. */
static const char *killed_at[100];

static void killed(const char *name)
{
	for (int i = 0; i < 100; i++) {
		if (!killed_at[i])
			killed_at[i] = name;
		if (!strcmp(killed_at[i], name))
			return;
	}
	fail_msg("more than 100 points");
}

static void point(const char *name)
{
	int side = play.running;

	if (side < 0)
		return;
	play.waits = !strcmp(name, "waits");
	play.quiet = play.waits ? play.quiet + 1 : 0;
	if (play.victim == side && ++world.points[side] == play.death) {
		play.die = true;
		play.victim = -1;
		killed(name);
	}
	swapcontext(&play.side[side], &play.scheduler);
}

static void first(void)
{
	holder(FIRST);
}

static void second(void)
{
	holder(SECOND);
}

/* ---- schedules --------------------------------------------------------------------------------- */

static void launch(int side)
{
	static void (*const entry[SIDES])(void) = {owner, first, second};

	getcontext(&play.side[side]);
	play.side[side].uc_stack.ss_sp = play.stack[side];
	play.side[side].uc_stack.ss_size = STACK;
	play.side[side].uc_link = &play.scheduler;
	makecontext(&play.side[side], entry[side], 0);
}

static void setup(uint32_t capacity)
{
	reset(capacity);
	memset(&world, 0, sizeof(world));
	for (int s = 0; s < SIDES; s++)
		launch(s);
	play.steps = play.quiet = 0;
	play.die = false;
}

/* One schedule, to its quiet end. Returns its steps. */
static uint32_t run(uint32_t capacity, uint32_t start)
{
	uint32_t side = start;
	struct myc_pool_sums sums;

	setup(capacity);
	while (play.quiet < 4 * SIDES) {
		play.running = (int)side;
		play.waits = false;
		swapcontext(&play.scheduler, &play.side[side]);
		play.running = -1;
		if (play.die) {
			play.die = false;
			play.quiet = 0;
			world.deaths++;
			myc_pool_close(&pool_of[side]);
			launch((int)side);
		}
		count_weights(&sums);
		play.steps++;
		assert_true(play.steps < 20000);
		if (play.steps == play.preempt[0] || play.steps == play.preempt[1])
			side = (side + play.hop) % SIDES;
		else if (play.waits)
			side = (side + 1) % SIDES;
	}
	assert_no_faults();
	for (int s = 0; s < SIDES; s++) {
		assert_int_equal(pool_of[s].loans_used, 0);
		myc_pool_close(&pool_of[s]);
	}
	/* All is sent and all is home: nobody waits for ever. */
	assert_int_equal(shared->sent, MESSAGES);
	assert_int_equal(sums.out, 0);
	assert_true(shared->doubted <= (uint32_t)world.deaths);
	return play.steps;
}

static unsigned every_death(uint32_t capacity, uint32_t start, int victim)
{
	unsigned runs = 0;

	for (uint32_t death = 1; death < POINTS_MAX; death++, runs++) {
		play.victim = victim;
		play.death = death;
		run(capacity, start);
		if (victim < 0 || play.victim >= 0) /* it has no such point */
			break;
	}
	return runs + 1;
}

/* Preemptions at a and b, b - a up to `apart`. */
static unsigned schedules(uint32_t capacity, uint32_t start, int victim, uint32_t apart)
{
	unsigned runs = 0;

	/* With a death at each point of each of them. */
	uint32_t stride = (victim < 0 || capacity == 1 ? 1 : 3) * TEST_SHORTER;

	play.victim = -1;
	play.preempt[0] = play.preempt[1] = 0;
	play.hop = 1;
	uint32_t steps = run(capacity, start) + 10;

	for (play.hop = 1; play.hop < SIDES; play.hop++)
		for (uint32_t a = 0; a < steps; a += stride)
			for (uint32_t b = a; b < steps && b <= a + apart; b += stride) {
				play.preempt[0] = a;
				play.preempt[1] = b;
				runs += every_death(capacity, start, victim);
			}
	return runs;
}

static void all_schedules(int victim)
{
	unsigned runs = 0;

	for (uint32_t capacity = 1; capacity <= 3; capacity++) {
		make_regions(capacity);
		if (victim < 0)
			for (uint32_t start = 0; start < SIDES; start++)
				runs += schedules(capacity, start, victim, 24);
		else
			runs += schedules(capacity, OWNER, victim, 0);
		drop_regions();
	}
	print_message("  %u schedules\n", runs);
}

static void under_every_schedule_all_weights_are_found_and_come_home(void **state)
{
	(void)state;
	all_schedules(-1);
}

static void an_owner_killed_at_any_point_finds_every_weight_again(void **state)
{
	(void)state;
	all_schedules(OWNER);
}

static void a_holder_that_lends_on_killed_at_any_point_returns_nothing_twice(void **state)
{
	(void)state;
	all_schedules(FIRST);
}

static void a_holder_killed_at_any_point_returns_nothing_twice(void **state)
{
	(void)state;
	all_schedules(SECOND);
}

/* Which deaths were played is no matter of luck: these are the points that the schedules must reach. */
static void every_kind_of_step_was_died_in(void **state)
{
	static const char *const must[] = {"take: taken",
					   "lend: own, intended",
					   "lend: loan, intended",
					   "lend: debited, not published",
					   "lend: published, not settled",
					   "lend: settled",
					   "credit: written, not held",
					   "credit: held",
					   "return: intended",
					   "return: written, not published",
					   "return: published",
					   "loan: free",
					   "merge: intended",
					   "merge: added",
					   "home: own, intended",
					   "home: own, counted",
					   "intent: ended",
					   "go home: message forgotten",
					   "keep: message forgotten",
					   "give: given",
					   "collect: change written",
					   "collect: intended",
					   "collect: counted",
					   "collect: cursor stored",
					   "inward: cursor given",
					   "peer: announced"};

	(void)state;
	for (size_t m = 0; m < sizeof(must) / sizeof(must[0]); m++) {
		int i = 0;

		while (i < 100 && killed_at[i] && strcmp(killed_at[i], must[m]) != 0)
			i++;
		if (i == 100 || !killed_at[i])
			fail_msg("nobody died at \"%s\"", must[m]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_every_schedule_all_weights_are_found_and_come_home),
		cmocka_unit_test(an_owner_killed_at_any_point_finds_every_weight_again),
		cmocka_unit_test(a_holder_that_lends_on_killed_at_any_point_returns_nothing_twice),
		cmocka_unit_test(a_holder_killed_at_any_point_returns_nothing_twice),
		cmocka_unit_test(every_kind_of_step_was_died_in),
	};

	static struct shared memory;

	shared = &memory;
	messages = MESSAGES;
	play.running = -1;
#ifdef __SANITIZE_THREAD__
	printf("skipped: all sides are contexts of one thread, which ThreadSanitizer cannot "
	       "follow\n");
	return TEST_SKIPPED;
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
