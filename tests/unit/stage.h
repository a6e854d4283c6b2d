/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sides of a protocol as coroutines of one thread, which give way at every MYC_POINT, so that all schedules of
 * some kind can be played; and any side may be killed at any of its points, and be started again.
 *
 *	test: stage_launch(side, entry) ... stage_step(side) ──► runs to its next point, its end, or its death
 *	side: MYC_POINT ──► the test's point(): stage_dies(name), stage_give_way(); at its end stage_end()
 *
 * To ThreadSanitizer the sides are threads that nothing but their own atomics orders: a plain access that these do not
 * order is a race in whatever schedule. Who begins knows of what ended before; the test itself sees all, unseen.
 *
 * Included before the code under test. The test defines point(), and ends main with stage_main.
 */
#ifndef TESTS_UNIT_STAGE_H
#define TESTS_UNIT_STAGE_H

#include "common/test.h"

#include <stdbool.h>
#include <string.h>
#include <ucontext.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>

/* Of the places for a preemption, one in so many: it takes a hundred times as long. */
#define STAGE_EVERY 5

void AnnotateIgnoreReadsBegin(const char *file, int line);
void AnnotateIgnoreReadsEnd(const char *file, int line);
void AnnotateIgnoreWritesBegin(const char *file, int line);
void AnnotateIgnoreWritesEnd(const char *file, int line);
#else
#define STAGE_EVERY 1
#endif

static void point(const char *name);
#define MYC_POINT(name) point(name)

#define STAGE_SIDES  3
#define STAGE_STACK  65536
#define STAGE_DEATHS 600 /* more points than any side passes */

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
	/* ThreadSanitizer's: */
	void *fiber[STAGE_SIDES], *fiber_of_scheduler;
	uint32_t lives[STAGE_SIDES];
} stage = {.running = -1};

#ifdef __SANITIZE_THREAD__
static inline void stage_unseen(bool on)
{
	if (on) {
		AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
		AnnotateIgnoreWritesBegin(__FILE__, __LINE__);
	} else {
		AnnotateIgnoreWritesEnd(__FILE__, __LINE__);
		AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
	}
}

static inline void stage_switch_to(void *fiber)
{
	__tsan_switch_to_fiber(fiber, __tsan_switch_to_fiber_no_sync);
}

/* The scheduler comes to know all that the side did. */
static inline void stage_learn(uint32_t side)
{
	if (!stage.fiber_of_scheduler)
		stage.fiber_of_scheduler = __tsan_get_current_fiber();
	if (!stage.fiber[side])
		return;
	stage_switch_to(stage.fiber[side]);
	__tsan_switch_to_fiber(stage.fiber_of_scheduler, 0);
}

/* The side's next life knows what the scheduler does. Frames of lives that did not return add up in a fiber: now and
 * then it is a new one. */
static inline void stage_reborn(uint32_t side)
{
	void **fiber = &stage.fiber[side];

	stage_learn(side);
	if (*fiber && stage.lives[side]++ % 16) {
		__tsan_switch_to_fiber(*fiber, 0);
		stage_switch_to(stage.fiber_of_scheduler);
		return;
	}
	if (*fiber)
		__tsan_destroy_fiber(*fiber);
	*fiber = __tsan_create_fiber(0);
}
#else
static inline void stage_unseen(bool on)
{
	(void)on;
}
static inline void stage_learn(uint32_t side)
{
	(void)side;
}
static inline void stage_reborn(uint32_t side)
{
	(void)side;
}
static inline void stage_switch_to(void *fiber)
{
	(void)fiber;
}
#endif

static inline void stage_launch(uint32_t side, void (*entry)(void))
{
	stage_reborn(side);
	getcontext(&stage.side[side]);
	stage.side[side].uc_stack.ss_sp = stage.stack[side];
	stage.side[side].uc_stack.ss_size = STAGE_STACK;
	stage.side[side].uc_link = &stage.scheduler;
	makecontext(&stage.side[side], entry, 0);
}

/* Before a schedule, whose sides are to be launched. */
static inline void stage_reset(void)
{
	for (uint32_t side = 0; side < STAGE_SIDES; side++)
		stage_learn(side);
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
	stage_switch_to(stage.fiber[side]);
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
	stage_unseen(true);
	stage.waits = strstr(name, "waits") != NULL;
	bool dies = stage.victim == stage.running && ++stage.points[stage.running] == stage.death;

	if (dies) {
		stage.die = true;
		stage.victim = -1;
	}
	stage_unseen(false);
	return dies;
}

static inline void stage_give_way(void)
{
	ucontext_t *side = &stage.side[stage.running];

	stage_switch_to(stage.fiber_of_scheduler);
	swapcontext(side, &stage.scheduler);
}

/* All that a point() may have to do. */
static inline void stage_point(const char *name)
{
	if (stage.running < 0)
		return;
	(void)stage_dies(name);
	stage_give_way();
}

/* Has it come to its end? Who is told knows what it did. */
static inline bool stage_has_ended(uint32_t side)
{
	return __atomic_load_n(&stage.finished[side], __ATOMIC_ACQUIRE);
}

static inline void stage_end(void)
{
	__atomic_store_n(&stage.finished[stage.running], true, __ATOMIC_RELEASE);
	stage_give_way();
}

/* One schedule of sides 0 and 1, which are launched: from a side, the other goes on at the preemptions, and when one
 * has finished or waits. `died` launches a side again; `stepped`, if there is one, sees each step. */
static inline void stage_two(int side, void (*died)(int side), void (*stepped)(void))
{
	while (!stage.finished[0] || !stage.finished[1]) {
		if (stage.finished[side])
			side = !side;
		if (stage_step((uint32_t)side))
			died(side);
		if (stepped)
			stepped();
		assert_true(stage.steps < 10000);
		if (stage_turns())
			side = !side;
	}
}

/* Plays once for each death of `victim` under the schedule in stage.preempt; -1: once. Returns how often. */
static inline unsigned stage_every_death(int victim, void (*play_once)(void))
{
	unsigned runs = 0;

	for (uint32_t death = 1; death < STAGE_DEATHS; death++, runs++) {
		stage.victim = victim;
		stage.death = death;
		play_once();
		if (victim < 0 || stage.victim >= 0) /* it has no such point */
			break;
	}
	return runs + 1;
}

/* Plays with preemptions at any two places, one of `every` so many: without a victim at those up to `apart` from each
 * other, else with both in one place and each of its deaths. Returns how often. */
static inline unsigned stage_every_schedule(int victim, uint32_t every, uint32_t apart,
					    void (*play_once)(void))
{
	unsigned runs = 0;

	stage.preempt[0] = stage.preempt[1] = 0;
	stage.victim = -1;
	play_once();
	uint32_t steps = stage.steps + 10;

	for (uint32_t a = 0; a < steps; a += every)
		for (uint32_t b = a; b < steps && b - a <= (victim < 0 ? apart : 0); b += every) {
			stage.preempt[0] = a;
			stage.preempt[1] = b;
			runs += stage_every_death(victim, play_once);
		}
	return runs;
}

static inline int stage_run(const char *name, const struct CMUnitTest *tests, size_t count)
{
	stage_unseen(true);
	int failed = _cmocka_run_group_tests(name, tests, count, NULL, NULL);

	stage_unseen(false);
	return failed;
}
#define stage_main(tests) stage_run(#tests, tests, sizeof(tests) / sizeof(*(tests)))

#endif
