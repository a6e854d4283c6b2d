/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message buffers between three processes, stopped between any two stores: an owner that lends shares,
 * and two holders, the first of which lends on to the second, are coroutines that give way at every
 * MYC_POINT. Played are schedules with two preemptions, and those with one where any of the three is
 * killed at each of its points and started again, with one to three buffers, loans and ring slots.
 * After every step the weights are counted; what is read must be what was written.
 */
#include "unit/stage.h"

static void point(const char *name);
#define MYC_POINT(name) point(name)
#define must(holds)	assert_true(holds)

#include "unit/pool_sides.h"

#define MESSAGES 3

/* What the world outside has seen. */
static struct {
	int deaths;
} world;

static struct {
	uint32_t quiet; /* steps in a row that were nothing but waiting */
	uint32_t hop, capacity, start;
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
	if (stage.running < 0)
		return;
	if (stage_dies(name))
		killed(name);
	stage_give_way();
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

static void launch(uint32_t side)
{
	static void (*const entry[SIDES])(void) = {owner, first, second};

	stage_launch(side, entry[side]);
}

static void setup(void)
{
	reset(play.capacity);
	memset(&world, 0, sizeof(world));
	stage_reset();
	for (uint32_t s = 0; s < SIDES; s++)
		launch(s);
	play.quiet = 0;
}

/* One schedule, to its quiet end. */
static void play_once(void)
{
	uint32_t side = play.start;
	struct myc_pool_sums sums;

	setup();
	while (play.quiet < 4 * SIDES) {
		bool died = stage_step(side);

		play.quiet = stage.waits && !died ? play.quiet + 1 : 0;
		if (died) {
			world.deaths++;
			myc_pool_close(&pool_of[side]);
			launch(side);
		}
		count_weights(&sums);
		assert_true(stage.steps < 20000);
		if (stage.steps == stage.preempt[0] || stage.steps == stage.preempt[1])
			side = (side + play.hop) % SIDES;
		else if (stage.waits)
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
}

static void all_schedules(int victim)
{
	unsigned runs = 0;

	for (play.capacity = 1; play.capacity <= 3; play.capacity++) {
		uint32_t every = (victim < 0 || play.capacity == 1 ? 1 : 3) * TEST_SHORTER;

		make_regions(play.capacity);
		for (play.start = 0; play.start < (victim < 0 ? SIDES : 1); play.start++)
			for (play.hop = 1; play.hop < SIDES; play.hop++)
				runs += stage_every_schedule(victim, every, 24, play_once);
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
	return stage_main(tests);
}
