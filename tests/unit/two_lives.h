/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes of a workspace, played in one thread by turns, on a clock of their own. In one of them, the
 * victim, every MYC_POINT may be the last thing that happens; its successor joins the same region, at once or
 * when the other has long noticed, and may die in turn. The other lives on, and sees it all.
 *
 * A test includes this before anything of ours, then the sources whose points it is about beyond the ones below.
 */
#ifndef TESTS_UNIT_TWO_LIVES_H
#define TESTS_UNIT_TWO_LIVES_H

#include "common/test.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static void death_point(const char *name);
#define MYC_POINT(name) death_point(name)

#include <mycelium/mycelium.h>

/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/executor.c"
#include "core/credit.c"
#include "core/inlet.c"
#include "core/outbox.c"
#include "core/receive.c"
#include "core/share.c"
#include "core/recover.c"
#define send send_message
#define put  put_message
#include "core/road.c"
#include "core/send.c"
#undef send
#undef put
/* NOLINTEND(bugprone-suspicious-include) */
#include "common/regions.h"

#define PROCESSES   2
#define DEATH_QUIET 40 /* empty turns of both: nothing more happens */
#define DEATH_TURN  150000ull
#define DEATH_TURNS 4000

/* Who is killed gives nothing back: leaks are what these lives are about. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

/* All of it so little that whoever sends waits. The last has capacity 0. */
struct death_room {
	uint32_t capacity, slots, urgent_slots;
};

struct death_process {
	struct myc_system *system;
	uint64_t incarnation;
	bool dead;
};

#define DEATH_ACTORS 2

/* What a test says of itself. */
struct death_play {
	struct myc_system_opts system; /* of both */
	const struct myc_behaviour *actor[PROCESSES][DEATH_ACTORS];
	uint32_t restarts_max;
	/* Spawns the actors of a process that begins a life; NULL: those. */
	void (*furnish)(struct myc_system *system, uint32_t process, uint64_t incarnation);
	/* Lived through with each of these: the mailbox, the lane and its urgent ring; NULL: with what there is. */
	const struct death_room *rooms;
	struct myc_behaviour *mailbox;
	uint32_t points_min, seconds; /* see death_everywhere */
	void (*fresh)(void);	      /* what the world has seen is forgotten */
	void (*check)(void);
	void (*ended)(void); /* nothing happens any more, and all is still open; NULL: no need */
};

static struct {
	const struct death_play *of;
	struct death_process process[PROCESSES];
	struct myc_region region[PROCESSES][PROCESSES]; /* as seen by, of */
	void *fresh[PROCESSES];
	uint64_t now_ns;
	uint32_t victim, running, points, death, deaths, runs;
	bool at_once, alive;
	jmp_buf end;
} bed;

static void death_point(const char *name)
{
	(void)name;
	if (bed.alive && bed.running == bed.victim && ++bed.points == bed.death)
		longjmp(bed.end, 1);
}

static bool death_lives(void *context, uint32_t process)
{
	(void)context;
	return !bed.process[process].dead;
}

static uint64_t death_now(void *context)
{
	(void)context;
	return bed.now_ns;
}

static void death_nap(void *context)
{
	(void)context;
	bed.now_ns += DEATH_TURN;
}

static const struct myc_behaviour *death_runs(void *context, const struct myc_behaviour *behaviour)
{
	(void)context;
	return behaviour;
}

static const struct myc_behaviour *death_original(const struct myc_behaviour *behaviour)
{
	return behaviour;
}

static const struct myc_world death_world = {
	.now = death_now, .nap = death_nap, .behaviour = death_runs, .original = death_original};

static struct myc_executor_opts death_executor = {
	.core = -1, .timers = 8, .signals = 8, .asks = 8, .watches = 16};
#define DEATH_SYSTEM(size, count)                                                             \
	{                                                                                     \
		.sz = sizeof(struct myc_system_opts), .executors = 1, .actors = DEATH_ACTORS, \
		.lane_slots = 4, .lane_urgent_slots = 1, .outbox = 32, .pending = 32,         \
		.buffers = {{size, count}}, .loans = 16, .executor = &death_executor          \
	}

static inline myc_address address_of(uint32_t process, uint32_t slot)
{
	return myc_address_make(0, process, slot, 1);
}

/* Buffers of a process that are home. */
static inline uint32_t death_buffers(uint32_t process)
{
	struct myc_pool *pool = &bed.process[process].system->executor[0].out.pool;
	uint32_t n = 0;

	myc_pool_collect(pool, UINT32_MAX);
	for (uint32_t i = pool->free[0]; i != MYC_POOL_NONE; i = pool->buffer_next[i])
		n++;
	for (int i = 0; i < MYC_POOL_FAULTS_COUNT - 1; i++)
		assert_int_equal(pool->block->faults[i], 0);
	return n;
}

/* So slow that who sends to it is paused. It is process 1's second actor, where there is one. */
#define DEATH_DRAIN 1
static const struct myc_behaviour death_drain = {
	.name = "drain", .mailbox_capacity = 1, .capacity_per_sender = 1};

static inline void death_tell_drain(struct myc_actor *self, uint32_t times)
{
	struct myc_ref to;

	assert_int_equal(myc_resolve(self, address_of(1, DEATH_DRAIN), &to), 0);
	for (uint32_t i = 0; i < times; i++)
		assert_int_equal(myc_send(self, &to, 9, NULL, 0), 0);
}

/* Whom an actor misses may be there when its timer fires. */
static inline int death_later(struct myc_actor *self)
{
	return myc_timer_start(self, 1000000, 0, 0, NULL) < 0 ? -EIO : 0;
}

static inline void *death_block(uint32_t process, uint32_t type)
{
	return myc_region_block(&bed.region[process][process], type, 0, NULL);
}

/* Every buffer is home, nobody has a loan, and no lane was cut. */
static void death_left_nothing(uint32_t process)
{
	const struct myc_pool *pool = &bed.process[process].system->executor[0].out.pool;
	const struct myc_executor_words *words = death_block(process, MYC_BLOCK_EXECUTOR);

	assert_int_equal(death_buffers(process), bed.of->system.buffers[0].count);
	assert_int_equal(pool->loans_used, 0);
	assert_int_equal(pool->kept, 0);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
}

/* Runs one step of a process. False: it died in it. */
static bool death_step(uint32_t process, bool first, unsigned *did)
{
	struct death_process *at = &bed.process[process];

	bed.running = process;
	bed.alive = true;
	if (setjmp(bed.end)) {
		bed.alive = false;
		bed.deaths++;
		bed.death = 0;
		at->dead = true;
		myc_system_close(at->system);
		at->system = NULL;
		return false;
	}
	if (first)
		myc_executor_begin(&at->system->executor[0]);
	*did = myc_executor_turn(&at->system->executor[0], true);
	bed.alive = false;
	return true;
}

static void death_furnish(struct myc_system *system, uint32_t process, uint64_t incarnation)
{
	for (uint32_t slot = 0; slot < DEATH_ACTORS && bed.of->actor[process][slot]; slot++) {
		struct myc_spawn_opts opts = {.sz = sizeof(opts),
					      .behaviour = bed.of->actor[process][slot],
					      .restarts_max = bed.of->restarts_max};
		myc_address address;

		assert_int_equal(myc_spawn_at(system, &opts, slot, (uint32_t)incarnation - 1,
					      &address, NULL),
				 0);
		assert_true(address == address_of(process, slot));
	}
}

static void death_start(uint32_t process, uint32_t death)
{
	struct death_process *at = &bed.process[process];
	const struct myc_workspace workspace = {.process = process,
						.incarnation = ++at->incarnation,
						.processes = PROCESSES,
						.regions = bed.region[process],
						.alive = death_lives,
						.world = &death_world};
	unsigned did;

	assert_int_equal(myc_system_join(&at->system, &bed.of->system, &workspace, NULL), 0);
	(bed.of->furnish ? bed.of->furnish : death_furnish)(at->system, process, at->incarnation);
	at->dead = false;
	if (process == bed.victim) {
		bed.points = 0;
		bed.death = death;
	}
	(void)death_step(process, true, &did);
}

/* A life from fresh regions to the quiet end. False: the first life has no such point. */
static bool death_play(uint32_t first, uint32_t second)
{
	uint32_t quiet = 0, away = 0, seconds = 0;

	for (uint32_t p = 0; p < PROCESSES; p++) {
		memcpy(bed.region[p][p].base, bed.fresh[p], bed.region[p][p].size);
		memset(&bed.process[p], 0, sizeof(bed.process[p]));
	}
	bed.deaths = bed.death = 0;
	bed.now_ns = 1000000000;
	bed.of->fresh();
	death_start(!bed.victim, 0);
	death_start(bed.victim, first);
	for (uint32_t turn = 0; quiet < DEATH_QUIET; turn++) {
		struct death_process *at = &bed.process[turn % PROCESSES];
		unsigned did = 0;

		assert_true(turn < DEATH_TURNS);
		bed.now_ns += DEATH_TURN;
		if (at->system && death_step(turn % PROCESSES, false, &did))
			quiet = did ? 0 : quiet + 1;
		if (at->system)
			continue;
		quiet = 0;
		if (bed.at_once || ++away == DEATH_QUIET) {
			away = 0;
			death_start(turn % PROCESSES, seconds++ ? 0 : second);
		}
	}
	for (uint32_t p = 0; p < PROCESSES; p++)
		death_left_nothing(p);
	if (bed.of->ended)
		bed.of->ended();
	for (uint32_t p = 0; p < PROCESSES; p++)
		myc_system_close(bed.process[p].system);
	bed.of->check();
	bed.runs++;
	return bed.deaths > 0;
}

static void death_open(const struct death_play *of)
{
	bed.of = of;
	for (uint32_t p = 0; p < PROCESSES; p++) {
		struct myc_region_plan plan = {0};

		assert_int_equal(myc_system_plan(&plan, &of->system, PROCESSES, PROCESSES, NULL),
				 0);
		assert_int_equal(myc_region_plan_add(&plan, MYC_BLOCK_USER, 0, 64), 0);
		regions_make(bed.region[0], PROCESSES, p, &plan);
		bed.fresh[p] = malloc(bed.region[p][p].size);
		assert_non_null(bed.fresh[p]);
		memcpy(bed.fresh[p], bed.region[p][p].base, bed.region[p][p].size);
	}
}

static void death_close(void)
{
	regions_unmap(bed.region[0], PROCESSES);
	for (uint32_t p = 0; p < PROCESSES; p++)
		free(bed.fresh[p]);
}

/* Every point of the victim's first life, more than points_min, then every fifth again with the second to die at
 * 1..seconds. */
static void death_everywhere(uint32_t victim, bool at_once, uint32_t points_min, uint32_t seconds)
{
	uint32_t first = 1;

	bed.victim = victim;
	bed.at_once = at_once;
	assert_false(death_play(0, 0));
	while (death_play(first, 0))
		first++;
	assert_true(first > points_min);
	for (uint32_t second = 1; second <= seconds; second++)
		for (uint32_t at = 1 + second % 5; at < first; at += 5)
			death_play(at, second);
}

/* In each room; what was in hand is given again, or in doubt. Lives with a successor that is late take longer: there the
 * second dies at fewer points. */
static void death_all(struct death_play *of, uint32_t victim, bool redeliver)
{
	struct myc_behaviour *mailbox = of->mailbox;
	const struct death_room *room = mailbox ? of->rooms : NULL;

	bed.runs = 0;
	if (mailbox)
		mailbox->redeliver = redeliver;
	do {
		if (room) {
			mailbox->mailbox_capacity = room->capacity;
			mailbox->capacity_per_sender = room->capacity;
			of->system.lane_slots = room->slots;
			of->system.lane_urgent_slots = room->urgent_slots;
		}
		death_open(of);
		death_everywhere(victim, false, of->points_min, of->seconds - !!room);
		death_everywhere(victim, true, of->points_min, of->seconds);
		death_close();
	} while (room && (++room)->capacity);
	print_message("  %u lives\n", bed.runs);
}

#endif
