/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executor killed between any two stores while overflow rules drop and replace what waits in its outbox
 * and pending queue, and again while its successor puts them together. As in death_test.c: played in one
 * thread, the successor joins the same region.
 *
 *	source --numbers of five types, with and without bodies--> relay --> drain (so slow that relay is paused)
 *
 * Each number is handled once, or counted once under one name; of each key the last value is handled; what
 * falls under no rule is all handled; every buffer comes home.
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
#include <mycelium/body.h>

#include "core/body.h"
#include "core/overflow.h"
#include "core/receiver.h"
/* NOLINTBEGIN(bugprone-suspicious-include) */
#define publish publish_body
#define take	take_body
#define count	count_body
#include "core/body.c"
#undef publish
#undef take
#undef count
#include "core/executor.c"
#include "core/inlet.c"
#include "core/outbox.c"
#include "core/pending.c"
#include "core/receive.c"
#define by_order by_arrival
#define flow_of	 flow_of_pending
#include "core/recover.c"
#undef by_order
#undef flow_of
#include "core/send.c"
/* NOLINTEND(bugprone-suspicious-include) */

#define NUMBERS	    20
#define EMPTY_TURNS (3 * SCAN_TURNS)
#define POINTS_MAX  4000
#define SECOND_MAX  24

enum { SOURCE, RELAY, DRAIN, ACTORS };
enum { PLAIN = 1, KEYED, OLDEST, NEWEST, URGENT, TYPES = URGENT };

/* What the world outside has seen; it outlives the executor. */
static struct {
	uint32_t sent[TYPES]; /* by type; the send returned */
	uint32_t taken[TYPES];
	uint8_t seen[NUMBERS];
	uint32_t last[TYPES]; /* plus one */
	uint32_t disorder, deaths;
	uint64_t free, faults; /* at the end: buffers that are home, weight that came home twice */
	bool paused;
} world;

static struct {
	jmp_buf end;
	bool alive;
	uint32_t points, death; /* at this point; 0 = never */
} play;

static struct myc_region region;
static uint32_t *next_number; /* in the region */
static uint32_t body_size;    /* 0: none */

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

/* Keyed ones most of all: their replacing has most steps. */
static uint16_t type_of(uint32_t number)
{
	static const uint16_t types[10] = {KEYED,  PLAIN, KEYED,  URGENT, OLDEST,
					   NEWEST, KEYED, OLDEST, URGENT, KEYED};

	return types[number % 10];
}

static int source_started(struct myc_actor *self)
{
	while (*next_number < NUMBERS) {
		uint32_t number = (*next_number)++;
		uint8_t payload[128] = {0};
		struct myc_ref to;

		point("number taken");
		memcpy(payload, &number, sizeof(number));
		assert_int_equal(myc_resolve(self, address_of(RELAY), &to), 0);
		if (type_of(number) == PLAIN) /* with a deadline that is far away */
			assert_int_equal(myc_send_within(self, &to, PLAIN, payload,
							 body_size ? body_size : sizeof(number),
							 MYC_WITHIN_MAX_NS),
					 0);
		else if (type_of(number) == URGENT)
			assert_int_equal(
				myc_send_urgent(self, &to, URGENT, payload, sizeof(number)), 0);
		else
			assert_int_equal(
				myc_send(self, &to, type_of(number), payload,
					 body_size && number % 3 ? body_size : sizeof(number)),
				0);
		world.sent[type_of(number) - 1]++;
	}
	world.paused = world.paused || self->outboxed;
	return 0;
}

static int relay_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	uint32_t number;

	memcpy(&number, message->payload, sizeof(number));
	assert_true(number < NUMBERS && type_of(number) == message->type);
	if (number < world.last[message->type - 1])
		world.disorder++;
	world.last[message->type - 1] = number + 1;
	world.taken[message->type - 1]++;
	world.seen[number]++;
	point("handler");
	assert_int_equal(myc_resolve(self, address_of(DRAIN), &to), 0);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(myc_send(self, &to, 9, NULL, 0), 0);
	return 0;
}

/* Four bytes more in than any number: all have the key 0. */
static const struct myc_overflow rules[] = {
	{.first = KEYED,
	 .last = KEYED,
	 .policy = MYC_OVERFLOW_CONFLATE,
	 .key_offset = 8,
	 .key_size = 4},
	{.first = OLDEST, .last = OLDEST, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = 1},
	{.first = NEWEST, .last = NEWEST, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = 1},
};

static struct myc_behaviour behaviour[ACTORS] = {
	{.name = "source", .started = source_started},
	{.name = "relay", .message = relay_message, .overflow = rules, .overflow_count = 3},
	{.name = "drain", .mailbox_capacity = 1, .capacity_per_sender = 1},
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
						   .buffers = {{128, 16}},
						   .loans = 16,
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
		myc_pool_collect(&executor->out.pool, UINT32_MAX);
		world.free = world.faults = 0;
		for (int i = 0; i < MYC_POOL_FAULTS_COUNT - 1; i++)
			world.faults += executor->out.pool.block->faults[i];
		for (uint32_t i = executor->out.pool.free[0]; i != MYC_POOL_NONE;
		     i = executor->out.pool.buffer_next[i])
			world.free++;
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
	uint64_t doubt = metrics[RELAY].in_doubt, sent = 0, known = doubt + words->conflated;

	known += words->dead_letters[MYC_DEAD_LETTER_DROPPED_OLDEST];
	known += words->dead_letters[MYC_DEAD_LETTER_DROPPED_NEWEST];
	for (uint32_t i = 0; i < NUMBERS; i++)
		assert_true(world.seen[i] <= 1);
	for (uint32_t i = 0; i < TYPES; i++) {
		sent += world.sent[i];
		known += world.taken[i];
	}
	/* A death may leave a send that did not return, or a reason that is counted twice. */
	assert_true(known >= sent);
	assert_true(known <= sent + 2 * world.deaths);
	assert_true(doubt <= world.deaths);
	assert_int_equal(world.disorder, 0);
	assert_true(world.taken[PLAIN - 1] + doubt >= world.sent[PLAIN - 1]);
	assert_true(world.taken[URGENT - 1] + doubt >= world.sent[URGENT - 1]);
	/* Or it is in doubt; or it was taken to be sent, and never was. */
	if (!world.deaths)
		assert_int_equal(world.last[KEYED - 1], NUMBERS);
	else if (!doubt && world.sent[KEYED - 1] == NUMBERS / 10 * 4)
		assert_int_equal(world.last[KEYED - 1], NUMBERS);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	for (uint32_t i = 0; i < words->pending + words->outbox; i++) {
		const struct myc_pending *pending =
			(const void *)((const char *)(words + 1) +
				       words->lanes_in * myc_lane_in_size(MYC_LANE_FLOWS));

		assert_int_equal(pending[i].order,
				 0); /* an outbox entry's order is its first too */
	}
	assert_int_equal(world.free, 16);
	assert_int_equal(world.faults, 0);
	if (!world.deaths)
		assert_true(world.paused && words->conflated &&
			    words->dead_letters[MYC_DEAD_LETTER_DROPPED_OLDEST] &&
			    words->dead_letters[MYC_DEAD_LETTER_DROPPED_NEWEST] &&
			    words->mailbox_dropped && words->outbox_dropped);
}

/* Deaths at these points of the first and the second life, then one that ends well. False: the
 * first life has no such point. */
static bool lives(const void *fresh, uint32_t capacity, uint32_t first, uint32_t second)
{
	uint64_t incarnation = 1;

	memcpy(region.base, fresh, region.size);
	memset(&world, 0, sizeof(world));
	behaviour[RELAY].mailbox_capacity = behaviour[RELAY].capacity_per_sender = capacity;
	live(incarnation++, first);
	bool died = world.deaths > 0;

	if (died && second)
		live(incarnation++, second);
	if (world.deaths == incarnation - 1)
		live(incarnation++, 0);
	check();
	return died;
}

static void dying(uint32_t size, uint32_t second_max)
{
	struct myc_region_plan plan = {0};
	unsigned runs = 0;

	body_size = size;
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
	assert_false(lives(fresh, 4, 0, 0));
	for (uint32_t second = !!second_max; second <= second_max; second++) {
		uint32_t first = 1;

		for (; lives(fresh, 4, first, second); first++)
			runs++;
		assert_true(first > 100 && first < POINTS_MAX);
	}
	print_message("  %u lives\n", runs);
	free(fresh);
	myc_region_unmap(&region);
}

static void killed_at_any_point_everything_has_one_name(void **state)
{
	(void)state;
	dying(0, 0);
}

static void and_every_body_comes_home(void **state)
{
	(void)state;
	dying(100, 0);
}

static void also_when_the_successor_is_killed_while_it_recovers(void **state)
{
	(void)state;
	dying(0, SECOND_MAX);
}

static void and_bodies_come_home_then(void **state)
{
	(void)state;
	dying(100, 2 * SECOND_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_point_everything_has_one_name),
		cmocka_unit_test(and_every_body_comes_home),
		cmocka_unit_test(also_when_the_successor_is_killed_while_it_recovers),
		cmocka_unit_test(and_bodies_come_home_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
