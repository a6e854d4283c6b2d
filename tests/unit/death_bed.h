/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lives that end between any two stores, played in one thread: the executor's own code, in which every MYC_POINT may
 * be the last thing that happens; the successor joins the same region. A test includes this before anything of
 * ours, then the sources whose points it is about beyond the ones below, tells its play, and calls dying().
 */
#ifndef TESTS_UNIT_DEATH_BED_H
#define TESTS_UNIT_DEATH_BED_H

#include "common/test.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Who is killed gives nothing back: leaks are what these lives are about. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

static void point(const char *name);
#define MYC_POINT(name) point(name)

/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/executor.c"
#include "core/growth.c"
#include "core/credit.c"
#include "core/inlet.c"
#include "core/pending.c"
#include "core/receive.c"
#include "core/share.c"
#include "core/recover.c"
/* NOLINTEND(bugprone-suspicious-include) */
#include "common/regions.h"

#define EMPTY_TURNS (3 * SCAN_TURNS)
#define POINTS_MAX  4000

static const struct myc_executor_opts executor_opts = {.core = -1, .timers = 8};
/* A system with little room, with what else the test says. */
#define LITTLE_ROOM(...)                                                              \
	{                                                                             \
		.sz = sizeof(struct myc_system_opts), .executors = 1, .actors = 1,    \
		.lane_slots = 4, .lane_urgent_slots = 1, .outbox = 32, .pending = 32, \
		.executor = &executor_opts, __VA_ARGS__                               \
	}

/* ThreadSanitizer makes a life fifty times as long, and has but one thread to look at: deaths at one point in ten. */
#ifdef __SANITIZE_THREAD__
#define DEATHS_EVERY 10
#else
#define DEATHS_EVERY 1
#endif

/* What a test plays. Its actors keep what the world outside has seen where it outlives the executor. */
struct play {
	const struct myc_system_opts *opts;
	const struct myc_behaviour *behaviour;
	uint32_t actors;
	void (*forget)(void); /* before the first life */
	void (*lived)(
		struct myc_executor *); /* a life that ended well, before its system is closed */
	void (*check)(const struct myc_actor_metrics *metrics,
		      const struct myc_executor_words *words);
};

static struct {
	jmp_buf end;
	bool alive;
	uint32_t points, death; /* at this point; 0 = never */
	uint32_t deaths;	/* since forget */
} life;

static struct myc_region region;
static uint32_t *remembered; /* 16 words of the region */

static void point(const char *name)
{
	(void)name;
	if (life.alive && ++life.points == life.death)
		longjmp(life.end, 1);
}

static myc_address address_of(uint32_t actor)
{
	return myc_address_make(0, 0, actor, 1);
}

/* Until nothing more happens. */
static void run(struct myc_executor *executor)
{
	for (uint32_t empty = 0; empty < EMPTY_TURNS;)
		empty = turn(executor, false) ? 0 : empty + 1;
}

static void live(const struct play *play, uint64_t incarnation, uint32_t death)
{
	const struct myc_workspace workspace = {
		.incarnation = incarnation, .processes = 1, .regions = &region};
	struct myc_system *system;

	assert_int_equal(myc_system_join(&system, play->opts, &workspace, NULL), 0);
	for (uint32_t i = 0; i < play->actors; i++) {
		struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &play->behaviour[i]};
		myc_address address;

		/* Senders elsewhere go on while it is away. */
		assert_int_equal(myc_actor_word_executor(system->slot[i].word),
				 incarnation > 1 ? 0 : MYC_EXECUTOR_NONE);
		assert_int_equal(myc_spawn_at(system, &opts, i, 0, &address, NULL), 0);
		assert_true(address == address_of(i));
	}
	life.points = 0;
	life.death = death;
	life.alive = true;
	if (setjmp(life.end)) {
		life.deaths++;
	} else {
		begin(&system->executor[0]);
		run(&system->executor[0]);
		if (play->lived)
			play->lived(&system->executor[0]);
	}
	life.alive = false;
	myc_system_close(system);
}

/* No lane was cut, nothing waits any more. */
static void check(const struct play *play)
{
	const struct myc_executor_words *words =
		myc_region_block(&region, MYC_BLOCK_EXECUTOR, 0, NULL);
	const struct myc_pending *pending =
		(const void *)((const char *)(words + 1) +
			       words->lanes_in * myc_lane_in_size(MYC_LANE_FLOWS));

	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	/* An outbox entry's order is its first too. */
	for (uint32_t i = 0; i < words->pending + words->outbox; i++)
		assert_int_equal(pending[i].order, 0);
	pending += words->pending + words->outbox + myc_chunk_marks(words->growth);
	for (uint32_t i = 0; i < words->chunks * MYC_CHUNK; i++)
		assert_int_equal(pending[i].order, 0);
	play->check(myc_region_block(&region, MYC_BLOCK_METRICS, 0, NULL), words);
}

/* Deaths at these points of the first and the second life, then one that ends well. False: the
 * first life has no such point. */
static bool lives(const struct play *play, const void *fresh, uint32_t first, uint32_t second)
{
	uint64_t incarnation = 1;

	/* Reserves too. */
	assert_int_equal(mprotect(region.base, region.size, PROT_READ | PROT_WRITE), 0);
	memcpy(region.base, fresh, region.size);
	life.deaths = 0;
	play->forget();
	live(play, incarnation++, first);
	bool died = life.deaths > 0;

	if (died && second)
		live(play, incarnation++, second);
	if (life.deaths == incarnation - 1)
		live(play, incarnation++, 0);
	check(play);
	return died;
}

/* One life without a death, then a death at each point of the first life, and at each of the first `second_max` of
 * the second one; only at some of these where a sanitizer makes it long. */
static void dying(const struct play *play, uint32_t second_max)
{
	struct myc_region_plan plan = {0};
	uint32_t step = TEST_SHORTER == 1 ? 1 : 1 + second_max / 2;
	unsigned runs = 0;

	assert_int_equal(myc_system_plan(&plan, play->opts, 1, 1, NULL), 0);
	assert_int_equal(myc_region_plan_add(&plan, MYC_BLOCK_USER, 0, 64), 0);
	regions_make(&region, 1, 0, &plan);
	remembered = myc_region_block(&region, MYC_BLOCK_USER, 0, NULL);
	void *fresh = malloc(region.size);

	assert_non_null(fresh);
	assert_int_equal(mprotect(region.base, region.size, PROT_READ | PROT_WRITE), 0);
	memcpy(fresh, region.base, region.size);
	assert_false(lives(play, fresh, 0, 0));
	for (uint32_t second = !!second_max; second <= second_max; second += step) {
		uint32_t first = 1;

		for (; lives(play, fresh, first, second); first += DEATHS_EVERY)
			runs++;
		assert_true(first > 100 && first < POINTS_MAX);
	}
	print_message("  %u lives\n", runs);
	free(fresh);
	myc_region_unmap(&region);
}

#endif
