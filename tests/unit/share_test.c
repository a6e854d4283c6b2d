/* SPDX-License-Identifier: Apache-2.0 */
/* How actors of one executor share it: nobody with a full mailbox, and nobody who sends to himself, keeps his
 * neighbours, their timers or their feeds waiting for longer than is said. */
#include "common/test.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "base/clock.h"
#include "core/executor.h"

enum { WORK = 1, LOOP, NUMBER };
#define LOOPS 20000

/* ---- in the test kit ------------------------------------------------------------------------------- */

static struct myc_testkit *kit;
static myc_address glutton, neighbour;
static uint32_t eaten, gaps, gap_max, eaten_before, ticks, disorder, last_number;

static int glutton_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref me;

	eaten++;
	if (message->type != LOOP || eaten >= LOOPS)
		return 0;
	return myc_resolve(self, myc_self(self), &me) ?: myc_send(self, &me, LOOP, NULL, 0);
}

static void served(void)
{
	uint32_t gap = eaten - eaten_before;

	gap_max = gap > gap_max ? gap : gap_max;
	eaten_before = eaten;
	gaps++;
}

static int neighbour_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t number;

	(void)self;
	memcpy(&number, message->payload, sizeof(number));
	disorder += number != last_number++;
	served();
	return 0;
}

static int neighbour_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	(void)cookie;
	ticks++;
	served();
	return 0;
}

static const struct myc_timer_plan tick = {.delay_ns = 1000, .period_ns = 1000};
static const struct myc_behaviour glutton_behaviour = {
	.name = "glutton", .capacity_per_sender = 256, .message = glutton_message};
static const struct myc_behaviour neighbour_behaviour = {.name = "neighbour",
							 .capacity_per_sender = 256,
							 .message = neighbour_message,
							 .timer = neighbour_timer,
							 .timers = &tick,
							 .timers_count = 1};

static void open_kit(uint32_t share, uint32_t batch)
{
	static struct myc_executor_opts executor;
	const struct myc_system_opts system = {.sz = sizeof(system),
					       .executors = 1,
					       .actors = 64,
					       .lane_slots = 1024,
					       .executor = &executor};
	const struct myc_testkit_opts opts = {
		.sz = sizeof(opts), .system = &system, .batch_max = batch};
	static struct myc_spawn_opts spawn;

	executor = (struct myc_executor_opts){.core = -1, .share = share, .batch = batch};
	eaten = gaps = gap_max = eaten_before = ticks = disorder = last_number = 0;
	spawn = (struct myc_spawn_opts){.sz = sizeof(spawn), .behaviour = &glutton_behaviour};
	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &glutton), 0);
	static struct myc_spawn_opts spawn_neighbour;

	spawn_neighbour = spawn;
	spawn_neighbour.behaviour = &neighbour_behaviour;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn_neighbour, &neighbour), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
}

static void post(myc_address to, uint16_t type, uint32_t number)
{
	assert_int_equal(myc_testkit_post(kit, to, type, &number, sizeof(number)), 0);
}

/* 100 for the one, then one for the other, in the same lane. */
static uint32_t eaten_before_the_neighbour(uint32_t share)
{
	uint32_t result;

	open_kit(share, 256);
	for (uint32_t i = 0; i < 100; i++)
		post(glutton, WORK, i);
	post(neighbour, NUMBER, 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(gaps, 1);
	assert_int_equal(eaten, 100);
	result = gap_max;
	assert_int_equal(!!myc_testkit_system(kit, 0)->executor[0].words->shares_ended, !!share);
	myc_testkit_close(kit);
	return result;
}

static void with_shares_a_neighbour_does_not_wait_for_a_full_mailbox(void **state)
{
	(void)state;
	assert_true(eaten_before_the_neighbour(4) <= 8); /* its share of two turns */
	assert_true(eaten_before_the_neighbour(1) <= 2);
	assert_int_equal(eaten_before_the_neighbour(0), 100); /* as they come */
}

static void who_sends_to_himself_leaves_every_turn_to_the_others(void **state)
{
	(void)state;
	for (uint32_t share = 0; share <= 2; share++) {
		uint32_t rounds = 0;

		open_kit(share, 8);
		post(glutton, LOOP, 0);
		for (; eaten < LOOPS - 100; rounds++) {
			post(neighbour, NUMBER, rounds);
			for (int i = 0; i < 4; i++)
				myc_testkit_step(kit);
		}
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(disorder, 0);
		assert_true(gaps == rounds && rounds > 100);
		/* What four turns and those that the post took can give at most. */
		assert_true(gap_max < 200);
		myc_testkit_close(kit);
	}
}

/* ---- on a thread ----------------------------------------------------------------------------------- */

#define EACH 100
enum { ONE, OTHER, SLOW };
static _Atomic uint32_t handled[SLOW], timer_ticks, in_a_row, in_a_row_max, wrong, last_one;

/* 20 us, more when the thread loses its core meanwhile. */
static int slow_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t until = myc_clock_ns() + 20000;
	uint32_t number, me = !!myc_setting(self, "other", NULL);

	memcpy(&number, message->payload, sizeof(number));
	wrong += number != handled[me];
	while (myc_clock_ns() < until)
		;
	in_a_row = me == last_one ? in_a_row + 1 : 1;
	last_one = me;
	handled[me]++;
	if (handled[!me] < EACH && in_a_row > in_a_row_max)
		in_a_row_max = in_a_row;
	return 0;
}

static int slow_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	(void)cookie;
	timer_ticks++;
	return 0;
}

static const struct myc_timer_plan slow_tick = {.delay_ns = 100000, .period_ns = 100000};
static const struct myc_behaviour slow = {.name = "slow",
					  .capacity_per_sender = 128,
					  .message = slow_message,
					  .timer = slow_timer,
					  .timers = &slow_tick,
					  .timers_count = 1};

static void a_slow_one_begins_nothing_more_when_its_time_is_over(void **state)
{
	struct myc_executor_opts executor = {.core = -1, .share_ns = 50000};
	struct myc_system_opts opts = {.sz = sizeof(opts), .executor = &executor};
	struct myc_setting other = {.key = "other", .value = "yes"};
	struct myc_system *system;
	myc_address address[SLOW];

	(void)state;
	assert_int_equal(myc_system_open(&system, &opts, NULL), 0);
	for (uint32_t i = 0; i < SLOW; i++) {
		struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
					       .behaviour = &slow,
					       .settings = &other,
					       .settings_count = i};

		assert_int_equal(myc_spawn(system, &spawn, &address[i], NULL), 0);
	}
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (uint32_t i = 0; i < SLOW; i++)
		while (myc_actor_suspend(system, address[i]))
			;
	for (uint32_t n = 0; n < EACH; n++)
		for (uint32_t i = 0; i < SLOW; i++)
			assert_int_equal(
				myc_post(system, address[i], WORK, &n, sizeof(n), UINT64_MAX), 0);
	for (uint32_t i = 0; i < SLOW; i++)
		while (myc_actor_resume(system, address[i]))
			;
	for (int i = 0; i < 10000 && handled[ONE] + handled[OTHER] < SLOW * EACH; i++)
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	assert_int_equal(handled[ONE], EACH);
	assert_int_equal(handled[OTHER], EACH);
	assert_int_equal(wrong, 0);
	/* The third begins after 40 us at the earliest, a fourth would after 60. The first of them may
	 * go on before the other does. */
	assert_true(in_a_row_max <= 2 * 3);
	assert_true(system->executor[0].words->shares_ended > EACH / 2);
	assert_true(timer_ticks > 5);
	assert_int_equal(myc_system_stop(system, 10000), 0);
	myc_system_close(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_shares_a_neighbour_does_not_wait_for_a_full_mailbox),
		cmocka_unit_test(who_sends_to_himself_leaves_every_turn_to_the_others),
		cmocka_unit_test(a_slow_one_begins_nothing_more_when_its_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
