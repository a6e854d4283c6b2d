/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A last state is the whole one or none, wherever either side is killed: it is never torn, never another life's,
 * and its buffer comes home.
 *
 *	process 0: watcher --bumps, then an order to leave or to fail--> process 1: sum, of a state of 1,000 bytes
 *	           DOWN <-- last state, DEAD -------------------------- its end, or its restart in place
 */
#include "unit/two_lives.h"

/* The code under test, with its points. */
#include "unit/body_points.h"
#include "unit/signal_points.h"

#define BUMPS 4
#define WORDS 125
#define ENDS  16

enum { BUMP = 1, LEAVE, FAIL };

struct sum {
	uint64_t word[WORDS]; /* all the same */
};

/* What the world outside has seen; it outlives both. */
static struct {
	uint64_t ended[ENDS]; /* what was in the states of those that ended */
	uint32_t ends, downs, whole, monitors;
} world;

static uint16_t last_order; /* LEAVE or FAIL */

/* ---- actors ------------------------------------------------------------------------------------ */

static int watcher_timer(struct myc_actor *self, uint64_t cookie)
{
	struct myc_monitor monitor;
	struct myc_ref to;

	if (myc_resolve(self, address_of(1, 0), &to))
		return 0; /* it has ended */
	if (!cookie) {
		assert_int_equal(myc_monitor(self, to.address, MYC_MONITOR_STATE, &monitor), 0);
		world.monitors++;
		for (uint32_t i = 0; i < BUMPS; i++)
			assert_int_equal(myc_send(self, &to, BUMP, NULL, 0), 0);
		return myc_timer_start(self, 2000000, 0, 1, NULL) < 0 ? -EIO : 0;
	}
	(void)myc_try_send(self, &to, last_order, NULL, 0);
	return 0;
}

static int watcher_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	uint64_t word[WORDS];
	uint32_t i;

	assert_int_equal(event->kind, MYC_EVENT_DOWN);
	world.downs++;
	death_point("told");
	if (event->state) {
		assert_int_equal(event->state_size, sizeof(word));
		assert_int_equal(event->state_version, 8);
		memcpy(word, event->state, sizeof(word));
		for (i = 0; i < WORDS; i++)
			assert_int_equal(word[i], word[0]);
		for (i = 0; i < world.ends && world.ended[i] != word[0]; i++)
			;
		assert_true(i < world.ends);
		world.whole++;
	}
	/* Another life of it is watched like the first, once. */
	if (world.monitors < 3 && event->reason.kind == MYC_EXIT_NOCONNECTION)
		return death_later(self);
	return 0;
}

static const struct sum *note_end(const struct sum *sum)
{
	assert_true(world.ends < ENDS);
	world.ended[world.ends++] = sum->word[0];
	return sum;
}

static int sum_init(struct myc_actor *self)
{
	struct sum *sum = myc_state(self);
	uint64_t life = bed.process[1].incarnation * 1000 + world.ends * 100;

	for (uint32_t i = 0; i < WORDS; i++)
		sum->word[i] = life;
	return 0;
}

static int sum_message(struct myc_actor *self, const struct myc_message *message)
{
	struct sum *sum = myc_state(self);

	switch (message->type) {
	case BUMP:
		for (uint32_t i = 0; i < WORDS; i++)
			sum->word[i]++;
		return 0;
	case LEAVE:
		myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER});
		return 0;
	default:
		note_end(sum);
		return -ECANCELED;
	}
}

static void sum_stopped(struct myc_actor *self)
{
	note_end(myc_state(self));
}

static const struct myc_state_codec codec = {.rights = MYC_STATE_LAST, .version = 8};
static const struct myc_behaviour watcher = {.name = "watcher",
					     .started = death_later,
					     .timer = watcher_timer,
					     .signal = watcher_signal};
static const struct myc_behaviour sum_behaviour = {.name = "sum",
						   .state_size = sizeof(struct sum),
						   .init = sum_init,
						   .message = sum_message,
						   .stopped = sum_stopped,
						   .codec = &codec};

/* ---- lives ------------------------------------------------------------------------------------- */

static void fresh(void)
{
	memset(&world, 0, sizeof(world));
}

static void check(void)
{
	assert_true(world.whole <= world.downs && world.downs <= world.monitors);
	/* A watcher that lives is told of each end once. */
	if (bed.victim == 1 && world.ends)
		assert_true(world.downs >= 1);
	if (!bed.deaths) {
		assert_int_equal(world.downs, 1);
		assert_int_equal(world.whole, 1);
		assert_int_equal(world.ended[0], 1000 + BUMPS);
	}
}

static struct death_play of = {.system = DEATH_SYSTEM(1024, 8),
			       .actor = {{&watcher}, {&sum_behaviour}},
			       .restarts_max = 5,
			       .fresh = fresh,
			       .check = check,
			       .points_min = 30,
			       .seconds = 4};

static void play_all(uint32_t victim, uint16_t order)
{
	last_order = order;
	death_all(&of, victim, false);
}

static void who_ends_leaves_all_of_its_state_or_nothing(void **state)
{
	(void)state;
	play_all(1, LEAVE);
}

static void so_does_who_is_restarted_in_place(void **state)
{
	(void)state;
	play_all(1, FAIL);
}

static void a_watcher_that_dies_has_seen_no_torn_one(void **state)
{
	(void)state;
	play_all(0, LEAVE);
	play_all(0, FAIL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_ends_leaves_all_of_its_state_or_nothing),
		cmocka_unit_test(so_does_who_is_restarted_in_place),
		cmocka_unit_test(a_watcher_that_dies_has_seen_no_torn_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
