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

/* ---- feeds ------------------------------------------------------------------------------------------- */

#define EVENTS 600

/* Something is always there until `left` is 0. What it finds out when it is polled: how many messages were handled since
 * it gave its last events, while there were some of both. */
static struct feed {
	struct myc_source source;
	struct myc_actor *actor;
	uint32_t left, polls, refused;
	uint32_t (*handled)(void); /* by others, so far */
	uint32_t before, gap_max, all, at_end;
} feed;
static _Atomic uint32_t events, events_wrong;

static unsigned feed_poll(struct myc_source *source, unsigned budget)
{
	uint32_t now = feed.handled(), gap = now - feed.before;
	unsigned n = 0;

	(void)source;
	if (feed.polls++ && feed.left && now < feed.all) {
		feed.gap_max = gap > feed.gap_max ? gap : feed.gap_max;
	}
	feed.before = now;
	for (; n < budget && feed.left; n++, feed.left--) {
		const struct myc_feed_event event = {.sequence = events + 1};

		if (!myc_actor_ready(feed.actor)) {
			feed.refused++;
			return n;
		}
		assert_int_equal(myc_actor_feed(feed.actor, &event), 0);
		feed.at_end = now;
	}
	return n;
}

static bool feed_ready(struct myc_source *source)
{
	(void)source;
	return feed.left && myc_actor_ready(feed.actor);
}

static uint64_t feed_deadline(struct myc_source *source)
{
	(void)source;
	return UINT64_MAX;
}

static int fed(struct myc_actor *self, const struct myc_feed_event *event)
{
	(void)self;
	events_wrong += event->sequence != events + 1;
	events++;
	return 0;
}

static void feeds(struct myc_system *system, myc_address whom, uint32_t count,
		  uint32_t (*others)(void), uint32_t all)
{
	events = events_wrong = 0;
	feed = (struct feed){
		.source = {.poll = feed_poll, .ready = feed_ready, .deadline_ns = feed_deadline},
		.actor = myc_system_actor(system, whom),
		.left = count,
		.handled = others,
		.all = all};
	assert_int_equal(myc_system_add_source(system, 0, &feed.source), 0);
}

static uint32_t messages_handled(void)
{
	return eaten + gaps;
}

static const struct myc_behaviour fed_behaviour = {
	.name = "fed", .capacity_per_sender = 256, .message = neighbour_message, .feed = fed};

/* Two with full mailboxes, one of which has the feed. */
static void open_fed(uint32_t share, uint32_t batch, myc_address *address)
{
	static struct myc_spawn_opts spawn;

	open_kit(share, batch);
	spawn = (struct myc_spawn_opts){.sz = sizeof(spawn), .behaviour = &fed_behaviour};
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, address), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	for (uint32_t i = 0; i < 200; i++) {
		post(glutton, WORK, i);
		post(*address, NUMBER, i);
	}
	feeds(myc_testkit_system(kit, 0), *address, EVENTS, messages_handled, 400);
}

static void feeds_and_mailboxes_have_their_part_of_every_turn(void **state)
{
	myc_address address;

	(void)state;
	for (uint32_t share = 0; share <= 4; share += 2) {
		open_fed(share, 8, &address);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(events, EVENTS);
		assert_int_equal(events_wrong + disorder, 0);
		assert_true(eaten == 200 && last_number == 200);
		/* A turn gives the feed a batch, the mailboxes at most a batch, or each its share. */
		assert_in_range(feed.gap_max, 1, share ? 2 * share : 2 * 8);
		assert_true(feed.polls >= EVENTS / 8 && feed.at_end >= EVENTS / 8);
		myc_testkit_close(kit);
	}
}

static void a_feed_waits_for_its_own_actor_and_for_no_other(void **state)
{
	myc_address address;

	(void)state;
	open_fed(1, 8, &address);
	assert_int_equal(myc_actor_suspend(myc_testkit_system(kit, 0), address), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	uint32_t before = events;

	assert_int_equal(eaten, 200);
	assert_true(before < EVENTS && last_number < 200 && feed.refused > 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(events, before);
	assert_int_equal(myc_actor_resume(myc_testkit_system(kit, 0), address), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(events, EVENTS);
	assert_int_equal(events_wrong + disorder, 0);
	assert_int_equal(last_number, 200);
	myc_testkit_close(kit);
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

static uint32_t slow_handled(void)
{
	return handled[ONE] + handled[OTHER];
}

static const struct myc_timer_plan slow_tick = {.delay_ns = 100000, .period_ns = 100000};
static const struct myc_behaviour slow = {.name = "slow",
					  .capacity_per_sender = 128,
					  .message = slow_message,
					  .timer = slow_timer,
					  .feed = fed,
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
	/* More than there are turns; both have messages while one of 100 each is not handled. */
	feeds(system, address[OTHER], UINT32_MAX, slow_handled, SLOW * EACH - EACH / 2);
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
	/* Between two looks at the feed each handles three at most. */
	assert_true(feed.gap_max <= 2 * 3);
	assert_true(events > EACH / 3 && !events_wrong);
	myc_system_close(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(with_shares_a_neighbour_does_not_wait_for_a_full_mailbox),
		cmocka_unit_test(who_sends_to_himself_leaves_every_turn_to_the_others),
		cmocka_unit_test(feeds_and_mailboxes_have_their_part_of_every_turn),
		cmocka_unit_test(a_feed_waits_for_its_own_actor_and_for_no_other),
		cmocka_unit_test(a_slow_one_begins_nothing_more_when_its_time_is_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
