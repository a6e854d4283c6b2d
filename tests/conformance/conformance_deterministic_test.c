/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The suite in the deterministic runtime: conformance/world.h. Places are executors of one process, then
 * processes; each from several seeds. The same seed again must give the same trace, here and in
 * another process.
 */
#include "conformance/world.h"

#include <sys/wait.h>
#include <unistd.h>

#include "core/testkit.h"

#define SEEDS \
	(TEST_SHORTER > 1 ? 2 : 3) /* of executors; of processes, which are larger, less by one */

static struct myc_testkit *kit;
static bool as_processes;
static uint64_t seed;

static void open_kit(const struct world_opts *opts)
{
	static struct myc_executor_opts executor[PLACES];
	struct myc_system_opts system = opts->system;
	struct myc_testkit_opts kit_opts = {.sz = sizeof(kit_opts),
					    .seed = seed,
					    .processes = as_processes ? PLACES : 1,
					    .system = &system,
					    .delay = seed % 2 ? 0 : 20000,
					    .turns_max = 200000};

	for (int p = 0; p < PLACES; p++)
		executor[p] = opts->executor;
	system.executors = as_processes ? 1 : PLACES;
	system.executor = executor;
	OK(myc_testkit_open(&kit, &kit_opts, NULL));
	for (uint32_t p = 0; p < PLACES; p++)
		way.fix(keeper_of(p));
	for (uint32_t p = 0; p < PLACES; p++)
		shared->started[p] = true;
}

static void settle_kit(void)
{
	OK(myc_testkit_run_until_idle(kit));
}

static uint32_t process_of(uint32_t place)
{
	return as_processes ? place : 0;
}

static int at_place(uint32_t place, errand run, uint64_t *a)
{
	return run(myc_testkit_system(kit, process_of(place)), a);
}

static int spawn_probe(struct probe *probe)
{
	const struct myc_spawn_opts opts = spawn_opts(probe, as_processes ? 0 : probe->place);

	return myc_spawn(myc_testkit_system(kit, process_of(probe->place)), &opts, &probe->address,
			 NULL);
}

static void fix_probe(struct probe *probe)
{
	const struct myc_spawn_opts opts = spawn_opts(probe, as_processes ? 0 : probe->place);

	OK(myc_testkit_spawn(kit, process_of(probe->place), &opts, &probe->address));
}

static void kill_one(uint32_t place)
{
	shared->started[place] = false;
	OK(myc_testkit_kill(kit, place));
}

static void revive_one(uint32_t place)
{
	shared->started[place] = true;
	OK(myc_testkit_revive(kit, place));
}

static void bury_one(uint32_t place)
{
	OK(myc_testkit_bury(kit, place));
}

static void die(void)
{
	myc_testkit_die(kit);
}

/* It is back already. */
static void died(uint32_t place)
{
	(void)place;
	OK(myc_testkit_run_until_idle(kit));
	assert_true(myc_testkit_crashes(kit) > 0);
}

/* To the end of what can be done now; then from due time to due time. */
static bool wait_a_turn(uint64_t *turn)
{
	if ((*turn)++ == 0)
		return !myc_testkit_run_until_idle(kit);
	uint64_t due = myc_testkit_next_due_ns(kit), now = myc_testkit_now_ns(kit);

	return due != UINT64_MAX && *turn < 100000 &&
	       !myc_testkit_advance(kit, due > now ? due - now : 1);
}

static const struct myc_region *region_of(uint32_t place, uint32_t *executor)
{
	*executor = as_processes ? 0 : place;
	struct myc_system *system = kit ? myc_testkit_system(kit, process_of(place)) : NULL;

	return system ? &system->workspace.regions[process_of(place)] : NULL;
}

/* ---- seeds ------------------------------------------------------------------------------------- */

static uint64_t hash;

static void close_kit(void)
{
	if (!kit)
		return;
	hash = myc_testkit_hash(kit);
	myc_testkit_close(kit);
	kit = NULL;
}

/* What a failed case left: how to see it again. */
static void close_failed(void)
{
	if (kit)
		print_message("places are %s; %s", as_processes ? "processes" : "executors",
			      myc_testkit_trace(kit));
	close_kit();
}

static void play(const struct conform_case *of, bool is_apart)
{
	const uint64_t only = getenv("MYC_SEED") ? test_seed() : 0;

	for (int p = 0; p < 2; p++) {
		as_processes = p;
		/* In one place they are the same, but that a process can end. */
		if (of->processes != as_processes && (of->processes || !is_apart))
			continue;
		const uint64_t last = only ? only : as_processes ? SEEDS - 1 : SEEDS;

		for (seed = only ? only : 1; seed <= last; seed++) {
			conform_play(of, is_apart);
			if (seed > 1 || !is_apart || as_processes != of->processes)
				continue;
			uint64_t first = hash;

			conform_play(of, is_apart);
			assert_true(hash == first);
		}
	}
}

const struct way way = {.name = "deterministic",
			.processes = true,
			.open = open_kit,
			.stop = settle_kit,
			.close = close_kit,
			.failed = close_failed,
			.play = play,
			.at = at_place,
			.fix = fix_probe,
			.spawn = spawn_probe,
			.kill = kill_one,
			.revive = revive_one,
			.bury = bury_one,
			.die = die,
			.died = died,
			.settle = settle_kit,
			.wait = wait_a_turn,
			.region = region_of};

/* ---- another process --------------------------------------------------------------------------- */

#define EVERY 9 /* of the cases */

/* As main of another process: the hashes of some cases, a line each. */
static int print_hashes(void)
{
	const struct conform_case *of;

	as_processes = true;
	seed = 7;
	for (size_t i = 0; (of = conform_case_at(i)); i += EVERY) {
		if (of->blocks)
			continue;
		conform_play(of, true);
		printf("%016llx %s\n", (unsigned long long)hash, of->name);
	}
	return 0;
}

static void the_same_seed_gives_the_same_trace_in_another_process(void **state)
{
	char self[512], command[600], line[256], expected[256];
	ssize_t size = readlink("/proc/self/exe", self, sizeof(self) - 1);
	const struct conform_case *of;

	(void)state;
	assert_true(size > 0);
	self[size] = 0;
	snprintf(command, sizeof(command), "MYC_HASHES=1 '%s'", self);
	FILE *other = popen(command, "r"); /* NOLINT(cert-env33-c): ourselves */

	assert_non_null(other);
	as_processes = true;
	seed = 7;
	for (size_t i = 0; (of = conform_case_at(i)); i += EVERY) {
		if (of->blocks)
			continue;
		conform_play(of, true);
		snprintf(expected, sizeof(expected), "%016llx %s\n", (unsigned long long)hash,
			 of->name);
		assert_non_null(fgets(line, sizeof(line), other));
		assert_string_equal(line, expected);
	}
	assert_int_equal(pclose(other), 0);
}

int main(void)
{
	static const struct CMUnitTest more[] = {
		cmocka_unit_test(the_same_seed_gives_the_same_trace_in_another_process),
	};

	return getenv("MYC_HASHES") ? print_hashes() : conform_main(more, 1);
}
