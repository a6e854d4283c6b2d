/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sides of a protocol as coroutines of one thread, which give way at every MYC_POINT, so that all schedules of
 * some kind can be played; and any side may be killed at any of its points, and be started again.
 *
 *	test: stage_launch(side, entry) ... stage_step(side) ──► runs to its next point, its end, or its death
 *	side: MYC_POINT ──► the test's point(): stage_dies(name), stage_give_way(); at its end stage_end()
 *
 * Included before the code under test. The test defines point(), and ends main with stage_main.
 */
#ifndef TESTS_UNIT_STAGE_H
#define TESTS_UNIT_STAGE_H

#include "common/test.h"

#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

static void point(const char *name);
#define MYC_POINT(name) point(name)

#define STAGE_SIDES 3
#define STAGE_STACK 65536

static struct {
	ucontext_t scheduler, side[STAGE_SIDES];
	char stack[STAGE_SIDES][STAGE_STACK];
	int running; /* -1: none */
	uint32_t steps;
	uint32_t preempt[2]; /* steps at which another side goes on */
	int victim;	     /* side that dies, or -1 */
	uint32_t death;	     /* at which of its points */
	uint32_t points[STAGE_SIDES];
	bool die, finished[STAGE_SIDES];
	bool waits; /* nothing to do before another side did something */
} stage = {.running = -1};

static inline void stage_launch(uint32_t side, void (*entry)(void))
{
	getcontext(&stage.side[side]);
	stage.side[side].uc_stack.ss_sp = stage.stack[side];
	stage.side[side].uc_stack.ss_size = STAGE_STACK;
	stage.side[side].uc_link = &stage.scheduler;
	makecontext(&stage.side[side], entry, 0);
}

/* Before a schedule, whose sides are to be launched. */
static inline void stage_reset(void)
{
	stage.steps = 0;
	stage.die = stage.waits = false;
	memset(stage.finished, 0, sizeof(stage.finished));
	memset(stage.points, 0, sizeof(stage.points));
}

/* Runs a side to its next point. True: it was killed there. */
static inline bool stage_step(uint32_t side)
{
	bool died;

	stage.waits = false;
	stage.running = (int)side;
	swapcontext(&stage.scheduler, &stage.side[side]);
	stage.running = -1;
	stage.steps++;
	died = stage.die;
	stage.die = false;
	return died;
}

/* Is another side to go on now? */
static inline bool stage_turns(void)
{
	return stage.steps == stage.preempt[0] || stage.steps == stage.preempt[1] || stage.waits;
}

/* At a point of the side that runs. True: it is killed there. */
static inline bool stage_dies(const char *name)
{
	stage.waits = strstr(name, "waits") != NULL;
	if (stage.victim != stage.running || ++stage.points[stage.running] != stage.death)
		return false;
	stage.die = true;
	stage.victim = -1;
	return true;
}

static inline void stage_give_way(void)
{
	swapcontext(&stage.side[stage.running], &stage.scheduler);
}

static inline void stage_end(void)
{
	stage.finished[stage.running] = true;
	stage_give_way();
}

/* Plays once for each death of `victim` under the schedule in stage.preempt; -1: once. Returns how often. */
static inline unsigned stage_every_death(int victim, uint32_t points_max, void (*play_once)(void))
{
	unsigned runs = 0;

	for (uint32_t death = 1; death < points_max; death++, runs++) {
		stage.victim = victim;
		stage.death = death;
		play_once();
		if (victim < 0 || stage.victim >= 0) /* it has no such point */
			break;
	}
	return runs + 1;
}

#ifdef __SANITIZE_THREAD__
#define stage_main(tests)                                                                      \
	(printf("skipped: all sides are contexts of one thread, which ThreadSanitizer cannot " \
		"follow\n"),                                                                   \
	 (void)(tests), TEST_SKIPPED)
#else
#define stage_main(tests) cmocka_run_group_tests(tests, NULL, NULL)
#endif

#endif
