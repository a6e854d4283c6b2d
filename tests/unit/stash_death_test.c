/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executor killed between any two stores while messages, some with bodies, are put aside, lie there and
 * come back; and again while its successor puts them together. As in death_test.c: one thread, every
 * MYC_POINT may be the last thing that happens.
 *
 *	source --numbers--> keeper: every third is handled, the others are put aside until the last has come
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
#include "core/pending.c"
#include "core/receive.c"
#define by_order by_arrival
#include "core/recover.c"
#undef by_order
#define insert insert_sorted
#define put    put_in
#include "core/stash.c"
/* NOLINTEND(bugprone-suspicious-include) */

#define NUMBERS	    10
#define EMPTY_TURNS (3 * SCAN_TURNS)
#define POINTS_MAX  3000
#define SECOND_MAX  40
#define BODY	    200

enum { SOURCE, KEEPER, ACTORS };

/* What the world outside has seen; it outlives the executor. */
static struct {
	uint32_t sent, taken, disorder, deaths, put_aside;
	uint8_t seen[NUMBERS], marked[NUMBERS]; /* handled, of them marked as redelivered */
	uint32_t next[2]; /* the least that may come now: of those that wait, of the thirds */
} world;

static struct {
	jmp_buf end;
	bool alive;
	uint32_t points, death; /* at this point; 0 = never */
} play;

static struct myc_region region;
static struct {
	uint32_t next, open;
} * memory; /* in the region */

static void point(const char *name)
{
	(void)name;
	if (play.alive && ++play.points == play.death)
		longjmp(play.end, 1);
}

/* ---- actors ------------------------------------------------------------------------------------ */

static int source_started(struct myc_actor *self)
{
	struct myc_ref to;
	uint32_t words[BODY / 4];

	assert_int_equal(myc_resolve(self, myc_address_make(0, 0, KEEPER, 1), &to), 0);
	while (memory->next < NUMBERS) {
		uint32_t number = memory->next++;

		point("number taken");
		for (uint32_t i = 0; i < BODY / 4; i++)
			words[i] = number;
		assert_int_equal(myc_send(self, &to, 1, words, number % 2 ? BODY : 4), 0);
		world.sent++;
	}
	return 0;
}

static int keeper_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t number, last;

	assert_true(message->size == 4 || message->size == BODY);
	memcpy(&number, message->payload, 4);
	memcpy(&last, (const uint8_t *)message->payload + message->size - 4, 4);
	assert_true(number < NUMBERS && last == number);
	assert_int_equal(message->size, number % 2 ? BODY : 4);
	if (number == NUMBERS - 1)
		memory->open = 1;
	if (!memory->open && number % 3) {
		assert_int_equal(myc_stash(self), 0);
		world.put_aside++;
		point("put aside");
		return 0;
	}
	if (message->flags & MYC_MESSAGE_REDELIVERED)
		world.marked[number]++;
	else if (number < world.next[!(number % 3)])
		world.disorder++;
	world.next[!(number % 3)] = number + 1;
	world.taken++;
	world.seen[number]++;
	point("handler");
	if (memory->open)
		myc_unstash(self, number % 2 ? 2 : 1);
	return 0;
}

static struct myc_behaviour behaviour[ACTORS] = {
	{.name = "source", .started = source_started},
	{.name = "keeper",
	 .message = keeper_message,
	 .capacity_per_sender = NUMBERS,
	 .stash_capacity = NUMBERS},
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
						   .buffers = {{256, 16}},
						   .loans = 16,
						   .executor = &executor_opts};

static void nothing_is_held(const struct myc_pool *pool)
{
	uint32_t at = pool->free[0], free_buffers = 0;

	for (; at != MYC_POOL_NONE; at = pool->buffer_next[at])
		free_buffers++;
	assert_int_equal(free_buffers, 16);
	assert_int_equal(pool->loans_used, 0);
	assert_int_equal(pool->kept, 0);
}

static void run(struct myc_executor *executor)
{
	for (uint32_t empty = 0; empty < EMPTY_TURNS;)
		empty = turn(executor, false) ? 0 : empty + 1;
}

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
	}
	play.points = 0;
	play.death = death;
	play.alive = true;
	if (setjmp(play.end)) {
		world.deaths++;
	} else {
		struct myc_executor *executor = &system->executor[0];

		begin(executor);
		run(executor);
		/* The last number may have been in doubt. */
		assert_true(!myc_stashed(&system->actor[KEEPER]) || !memory->open);
		memory->open = 1;
		myc_unstash(&system->actor[KEEPER], 1);
		run(executor);
		assert_int_equal(myc_stashed(&system->actor[KEEPER]), 0);
		nothing_is_held(&executor->out.pool);
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
	const struct myc_pending *pending =
		(const void *)((const char *)(words + 1) +
			       words->lanes_in * myc_lane_in_size(MYC_LANE_FLOWS));
	uint64_t doubted = metrics[KEEPER].in_doubt;
	bool again = behaviour[KEEPER].redeliver;
	uint64_t known = world.taken + (again ? 0 : doubted);

	uint32_t unseen = 0;

	for (uint32_t i = 0; i < NUMBERS; i++) {
		assert_true(world.seen[i] <= 1 + world.marked[i]);
		unseen += !world.seen[i];
	}
	/* Numbers that were taken and never sent. */
	assert_true(!again || unseen <= NUMBERS - world.sent);
	/* As in death_test.c: lost is only what is in doubt. */
	assert_true(known >= world.sent);
	assert_true(known <= world.sent + world.deaths);
	assert_true(doubted <= world.deaths);
	assert_int_equal(world.disorder, 0);
	assert_int_equal(words->dead_letters[MYC_DEAD_LETTER_IN_DOUBT], again ? 0 : doubted);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	for (uint32_t i = 0; i < words->pending; i++)
		assert_int_equal(pending[i].order, 0);
	if (!world.deaths) {
		assert_int_equal(world.taken, NUMBERS);
		assert_int_equal(world.put_aside, 6);
	}
}

/* Deaths at these points of the first and the second life, then one that ends well. False: the
 * first life has no such point. */
static bool lives(const void *fresh, uint32_t first, uint32_t second)
{
	uint64_t incarnation = 1;

	memcpy(region.base, fresh, region.size);
	memset(&world, 0, sizeof(world));
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
	memory = myc_region_block(&region, MYC_BLOCK_USER, 0, NULL);
	void *fresh = malloc(region.size);

	assert_non_null(fresh);
	memcpy(fresh, region.base, region.size);
	assert_false(lives(fresh, 0, 0));
	for (uint32_t second = !!second_max; second <= second_max; second++) {
		uint32_t first = 1;

		for (; lives(fresh, first, second); first++)
			runs++;
		assert_true(first > 100 && first < POINTS_MAX);
	}
	print_message("  %u lives\n", runs);
	free(fresh);
	myc_region_unmap(&region);
}

static void what_is_put_aside_survives_a_kill_at_any_point_once_and_in_order(void **state)
{
	(void)state;
	dying(0);
}

static void given_again_it_is_marked_and_nothing_is_lost(void **state)
{
	(void)state;
	behaviour[KEEPER].redeliver = true;
	dying(SECOND_MAX);
	behaviour[KEEPER].redeliver = false;
}

static void and_another_one_while_the_successor_recovers(void **state)
{
	(void)state;
	dying(SECOND_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_aside_survives_a_kill_at_any_point_once_and_in_order),
		cmocka_unit_test(given_again_it_is_marked_and_nothing_is_lost),
		cmocka_unit_test(and_another_one_while_the_successor_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
