/* SPDX-License-Identifier: Apache-2.0 */
/* The suite with executors of one process as places: conformance/world.h. */
#include "conformance/world.h"

#include <time.h>

#include "base/clock.h"
#include "core/executor.h"

#define LIMIT_NS (60 * SECOND)

static struct myc_system *system_;

static void open_system(const struct world_opts *opts)
{
	static struct myc_executor_opts executor[PLACES];
	struct myc_system_opts system = opts->system;

	for (int p = 0; p < PLACES; p++)
		executor[p] = opts->executor;
	system.executors = PLACES;
	system.executor = executor;
	OK(myc_system_open(&system_, &system, NULL));
	OK(myc_system_start(system_, NULL));
	for (uint32_t p = 0; p < PLACES; p++) {
		OK(way.spawn(keeper_of(p)));
		shared->started[p] = true;
	}
}

static void stop_system(void)
{
	OK(myc_system_stop(system_, LIMIT_NS / MS));
}

static void close_system(void)
{
	if (!system_)
		return;
	myc_system_close(system_);
	system_ = NULL;
}

static int at_place(uint32_t place, errand run, uint64_t *a)
{
	(void)place;
	return run(system_, a);
}

static int spawn_probe(struct probe *probe)
{
	const struct myc_spawn_opts opts = spawn_opts(probe, probe->place);

	return myc_spawn(system_, &opts, &probe->address, NULL);
}

static void fix_probe(struct probe *probe)
{
	OK(spawn_probe(probe));
}

static void no_place_ends(uint32_t place)
{
	fail_msg("place %u is a thread: the case is one that needs processes", place);
}

static void nobody_dies(void)
{
	fail_msg("places are threads");
}

static bool wait_a_little(uint64_t *turn)
{
	struct timespec nap = {.tv_nsec = 20000};
	uint64_t now = myc_clock_ns();

	*turn = *turn ? *turn : now;
	nanosleep(&nap, NULL);
	return now - *turn < LIMIT_NS;
}

static const struct myc_region *region_of(uint32_t place, uint32_t *executor)
{
	*executor = place;
	return system_ ? &system_->workspace.regions[0] : NULL;
}

const struct way way = {.name = "threads",
			.threads = true,
			.open = open_system,
			.stop = stop_system,
			.close = close_system,
			.failed = close_system,
			.play = conform_play,
			.orderly = true,
			.at = at_place,
			.fix = fix_probe,
			.spawn = spawn_probe,
			.kill = no_place_ends,
			.revive = no_place_ends,
			.die = nobody_dies,
			.died = no_place_ends,
			.settle = settle_by_pings,
			.wait = wait_a_little,
			.region = region_of};

int main(void)
{
	return conform_main(NULL, 0);
}
