/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executor killed between any two stores, with messages in lanes, outbox and pending queue, and
 * again while its successor puts them together. Played in one thread: the executor's own code, in
 * which every MYC_POINT may be the last thing that happens; the successor joins the same region.
 *
 *	source --number--> relay --number * 2, number * 2 + 1--> drain
 *
 * The mailboxes are so small that source and relay are paused all the time: what is for relay waits
 * in its pending queue, what they sent in the outbox.
 */
#include "common/test.h"

#include <string.h>
#include <unistd.h>

/* Who is killed gives nothing back: leaks are what these lives are about. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void point(const char *name);
#define MYC_POINT(name) point(name)

/* The code under test, with its points. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/executor.c"
#include "core/inlet.c"
#include "core/outbox.c"
#include "core/pending.c"
#include "core/receive.c"
#define by_order by_arrival
#include "core/recover.c"
#undef by_order
#include "core/send.c"
/* NOLINTEND(bugprone-suspicious-include) */

#define NUMBERS	    6
#define EMPTY_TURNS (3 * SCAN_TURNS)
#define POINTS_MAX  2000
#define SECOND_MAX  24

enum { SOURCE, RELAY, DRAIN, ACTORS };

/* What the world outside has seen; it outlives the executor. */
static struct {
	uint32_t sent[ACTORS];	/* to it, and the send returned */
	uint32_t taken[ACTORS]; /* handled by it */
	uint8_t seen[ACTORS][2 * NUMBERS];
	uint32_t last[ACTORS];
	uint32_t disorder, deaths;
	bool paused; /* source was: the outbox is put to the test */
} world;

static struct {
	jmp_buf end;
	bool alive;
	uint32_t points, death; /* at this point; 0 = never */
} play;

static struct myc_region region;
static uint32_t *next_number; /* in the region */

static void point(const char *name)
{
	(void)name;
	if (play.alive && ++play.points == play.death)
		longjmp(play.end, 1);
}

/* ---- actors ------------------------------------------------------------------------------------ */

static myc_address address_of(uint32_t actor)
{
	return myc_address_make(0, 0, actor, 1);
}

static int send_to(struct myc_actor *self, uint32_t actor, uint32_t number)
{
	struct myc_ref to;
	int code = myc_resolve(self, address_of(actor), &to);

	if (!code)
		code = myc_send(self, &to, 1, &number, sizeof(number));
	if (!code)
		world.sent[actor]++;
	return code;
}

static int source_started(struct myc_actor *self)
{
	while (*next_number < NUMBERS) {
		uint32_t number = (*next_number)++;

		point("number taken");
		assert_int_equal(send_to(self, RELAY, number), 0);
	}
	world.paused = world.paused || self->outboxed;
	return 0;
}

static uint32_t take(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t me = myc_address_slot(myc_self(self)), number;

	memcpy(&number, message->payload, sizeof(number));
	assert_true(number < 2 * NUMBERS);
	if (world.taken[me]++ && number <= world.last[me])
		world.disorder++;
	world.last[me] = number;
	world.seen[me][number]++;
	point("handler");
	return number;
}

static int relay_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t number = take(self, message);

	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(send_to(self, DRAIN, 2 * number + i), 0);
	return 0;
}

static int drain_message(struct myc_actor *self, const struct myc_message *message)
{
	take(self, message);
	return 0;
}

static struct myc_behaviour behaviour[ACTORS] = {
	{.name = "source", .started = source_started},
	{.name = "relay", .message = relay_message},
	{.name = "drain", .message = drain_message},
};

/* ---- a life ------------------------------------------------------------------------------------ */

static const struct myc_executor_opts executor_opts = {.core = -1, .timers = 8};
static const struct myc_system_opts system_opts = {.sz = sizeof(system_opts),
						   .executors = 1,
						   .actors = 1,
						   .lane_slots = 4,
						   .lane_urgent_slots = 1,
						   .outbox = 32,
						   .pending = 32,
						   .executor = &executor_opts};

/* Runs until nothing more happens, or it dies at a point. */
static void live(uint64_t incarnation, uint32_t death)
{
	const struct myc_workspace workspace = {
		.incarnation = incarnation, .processes = 1, .regions = &region};
	struct myc_system *system;

	assert_int_equal(myc_system_join(&system, &system_opts, &workspace, NULL), 0);
	for (uint32_t i = 0; i < ACTORS; i++) {
		struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &behaviour[i]};
		myc_address address;

		/* Senders elsewhere go on while it is away. */
		assert_int_equal(myc_actor_word_executor(system->slot[i].word),
				 incarnation > 1 ? 0 : MYC_EXECUTOR_NONE);
		assert_int_equal(myc_spawn_at(system, &opts, i, 0, &address, NULL), 0);
		assert_true(address == address_of(i));
	}
	play.points = 0;
	play.death = death;
	play.alive = true;
	if (setjmp(play.end)) {
		world.deaths++;
	} else {
		struct myc_executor *executor = &system->executor[0];

		begin(executor);
		for (uint32_t empty = 0; empty < EMPTY_TURNS;)
			empty = turn(executor, false) ? 0 : empty + 1;
	}
	play.alive = false;
	myc_system_close(system);
}

static void check(void)
{
	const struct myc_actor_metrics *metrics =
		myc_region_block(&region, MYC_BLOCK_METRICS, 0, NULL);
	const struct myc_executor_words *words =
		myc_region_block(&region, MYC_BLOCK_EXECUTOR, 0, NULL);
	uint64_t doubted = 0;

	for (uint32_t to = RELAY; to <= DRAIN; to++) {
		for (uint32_t i = 0; i < 2 * NUMBERS; i++)
			assert_true(world.seen[to][i] <= 1);
		uint64_t known = world.taken[to] + metrics[to].in_doubt;

		/* Nothing is lost but what is in doubt; a death may leave a send that did not return,
		 * or a message that is in doubt although its handler was through. */
		assert_true(known >= world.sent[to]);
		assert_true(known <= world.sent[to] + world.deaths);
		doubted += metrics[to].in_doubt;
	}
	assert_int_equal(world.disorder, 0);
	assert_true(doubted <= world.deaths);
	assert_int_equal(words->dead_letters[MYC_DEAD_LETTER_IN_DOUBT], doubted);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	for (uint32_t i = 0; i < words->pending + words->outbox; i++) {
		const struct myc_pending *pending =
			(const void *)((const char *)(words + 1) +
				       words->lanes_in * myc_lane_in_size(MYC_LANE_FLOWS));

		assert_int_equal(pending[i].order,
				 0); /* an outbox entry's order is its first too */
	}
	if (!world.deaths) {
		assert_int_equal(world.taken[RELAY], NUMBERS);
		assert_int_equal(world.taken[DRAIN], 2 * NUMBERS);
		assert_true(world.paused && words->pended);
	}
}

/* Deaths at these points of the first and the second life, then one that ends well. False: the
 * first life has no such point. */
static bool lives(const void *fresh, uint32_t capacity, uint32_t first, uint32_t second)
{
	uint64_t incarnation = 1;

	memcpy(region.base, fresh, region.size);
	memset(&world, 0, sizeof(world));
	/* One more for relay: a message must be in the lane when it is paused. */
	for (int i = RELAY; i <= DRAIN; i++) {
		behaviour[i].mailbox_capacity = capacity + (i == RELAY);
		behaviour[i].capacity_per_sender = capacity + (i == RELAY);
	}
	live(incarnation++, first);
	bool died = world.deaths > 0;

	if (died && second)
		live(incarnation++, second);
	if (world.deaths == incarnation - 1)
		live(incarnation++, 0);
	check();
	return died;
}

static void dying(uint32_t second_max)
{
	struct myc_region_plan plan = {0};
	unsigned runs = 0;

	assert_int_equal(myc_system_plan(&plan, &system_opts, 1, 1), 0);
	assert_int_equal(myc_region_plan_add(&plan, MYC_BLOCK_USER, 0, 64), 0);
	int fd = myc_region_create("death", &plan, NULL);
	assert_true(fd >= 0);
	assert_int_equal(myc_region_map(&region, fd, MYC_REGION_OWNER, NULL), 0);
	close(fd);
	next_number = myc_region_block(&region, MYC_BLOCK_USER, 0, NULL);
	void *fresh = malloc(region.size);

	assert_non_null(fresh);
	memcpy(fresh, region.base, region.size);
	for (uint32_t capacity = 1; capacity <= 3; capacity++) {
		assert_false(lives(fresh, capacity, 0, 0));
		for (uint32_t second = !!second_max; second <= second_max; second++) {
			uint32_t first = 1;

			for (; lives(fresh, capacity, first, second); first++)
				runs++;
			assert_true(first > 100 && first < POINTS_MAX);
		}
	}
	print_message("  %u lives\n", runs);
	free(fresh);
	myc_region_unmap(&region);
}

static void an_executor_killed_at_any_point_loses_and_repeats_nothing_but_what_is_in_doubt(
	void **state)
{
	(void)state;
	dying(0);
}

static void neither_does_one_whose_successor_is_killed_while_it_recovers(void **state)
{
	(void)state;
	dying(SECOND_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_executor_killed_at_any_point_loses_and_repeats_nothing_but_what_is_in_doubt),
		cmocka_unit_test(neither_does_one_whose_successor_is_killed_while_it_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
