/* SPDX-License-Identifier: Apache-2.0 */
/* Where executors run, where their memory is, and what they do while there is nothing to do. */
#include "common/wait.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "base/numa.h"
#include "core/executor.h"

static struct myc_system *system_;
static _Atomic uint32_t handled, yields;
static _Atomic int ran_on;

/* Instead of the C library's: an executor that yields calls it. */
int sched_yield(void)
{
	struct timespec moment = {.tv_nsec = 1000};

	yields++;
	nanosleep(&moment, NULL);
	return 0;
}

static int on_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	ran_on = sched_getcpu();
	handled++;
	return 0;
}

static const struct myc_behaviour actor = {.name = "actor", .message = on_message};

static myc_address open_with(struct myc_executor_opts executor)
{
	const struct myc_system_opts opts = {.sz = sizeof(opts), .executor = &executor};
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &actor};
	myc_address address = 0;

	handled = yields = 0;
	assert_int_equal(myc_system_open(&system_, &opts, NULL), 0);
	assert_int_equal(myc_spawn(system_, &spawn, &address, NULL), 0);
	assert_int_equal(myc_system_start(system_, NULL), 0);
	return address;
}

static void close_all(void)
{
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	myc_system_close(system_);
}

static uint64_t word(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

/* ---- what there is ----------------------------------------------------------------------------- */

static char root[64];

static void make_node(unsigned node, const char *cores)
{
	char path[256];

	snprintf(path, sizeof(path), "%s/devices/system/node/node%u", root, node);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof(path), "%s/devices/system/node/node%u/cpulist", root, node);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fputs(cores, file);
	fclose(file);
}

static void make_root(void)
{
	static const char *const parts[] = {"", "/devices", "/devices/system",
					    "/devices/system/node"};

	snprintf(root, sizeof(root), "/tmp/placement-XXXXXX");
	assert_non_null(mkdtemp(root));
	for (int i = 1; i < 4; i++) {
		char path[128];

		snprintf(path, sizeof(path), "%s%s", root, parts[i]);
		assert_int_equal(mkdir(path, 0700), 0);
	}
}

static void remove_root(void)
{
	char command[128];

	snprintf(command, sizeof(command), "rm -r %s", root);
	assert_int_equal(system(command), 0);
}

static void nodes_are_read_as_the_kernel_writes_them(void **state)
{
	static struct myc_numa numa;

	(void)state;
	make_root();
	make_node(0, "0-3,8\n");
	make_node(2, "4-7,9-9,11\n");
	make_node(3, "\n"); /* memory without cores */
	myc_numa_read(&numa, root);
	remove_root();
	assert_int_equal(numa.nodes, 4);
	static const int node_of[] = {0, 0, 0, 0, 2, 2, 2, 2, 0, 2, 0, 2};

	for (unsigned core = 0; core < 12; core++)
		assert_int_equal(myc_numa_node_of(&numa, core), node_of[core]);
	assert_true(myc_numa_has_cores(&numa, 0) && myc_numa_has_cores(&numa, 2));
	assert_false(myc_numa_has_cores(&numa, 1) || myc_numa_has_cores(&numa, 3) ||
		     myc_numa_has_cores(&numa, 4) || myc_numa_has_cores(&numa, UINT32_MAX));
	assert_int_equal(CPU_COUNT(&numa.cores[2]), 6);
	assert_int_equal(myc_numa_node_of(&numa, CPU_SETSIZE), 0);
}

static void nonsense_in_a_list_ends_it(void **state)
{
	static const struct {
		const char *text;
		int cores;
	} cases[] = {{"", 0},	{"x", 0},    {"1,x", 1}, {"3-1", 0}, {"0-99999999999", CPU_SETSIZE},
		     {"5-", 0}, {"1,,2", 1}, {"7", 1}};
	static struct myc_numa numa;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		make_root();
		make_node(1, cases[i].text);
		myc_numa_read(&numa, root);
		remove_root();
		assert_int_equal(CPU_COUNT(&numa.cores[1]), cases[i].cores);
	}
}

static void a_machine_without_numa_is_one_node_with_all_cores(void **state)
{
	static struct myc_numa numa;

	(void)state;
	myc_numa_read(&numa, "/nonexistent");
	assert_int_equal(numa.nodes, 1);
	assert_true(myc_numa_has_cores(&numa, 0));
	for (unsigned core = 0; core < CPU_SETSIZE; core += 37) {
		assert_true(CPU_ISSET(core, &numa.cores[0]));
		assert_int_equal(myc_numa_node_of(&numa, core), 0);
	}
}

/* ---- where ------------------------------------------------------------------------------------- */

static int an_allowed_core(void)
{
	cpu_set_t allowed;

	assert_int_equal(sched_getaffinity(0, sizeof(allowed), &allowed), 0);
	for (int core = CPU_SETSIZE - 1; core > 0; core--)
		if (CPU_ISSET((size_t)core, &allowed))
			return core;
	return 0;
}

/* Each whole page of the block, by what the kernel says of it. */
static void expect_block_on(uint32_t kind, uint32_t node)
{
	uint64_t size = 0;
	const char *block = myc_region_block(&system_->own, kind, 0, &size);

	assert_non_null(block);
	for (uint64_t at = 4096; at + 4096 < size; at += 4096)
		assert_int_equal(myc_numa_node_at(block + at), (int)node);
}

static void a_pinned_executor_runs_on_its_core_and_its_memory_is_near(void **state)
{
	int core = an_allowed_core();
	uint32_t node = myc_numa_node_of(myc_numa(), (unsigned)core);

	(void)state;
	myc_address address = open_with((struct myc_executor_opts){.core = core});

	assert_int_equal(myc_post(system_, address, 1, NULL, 0, UINT64_MAX), 0);
	wait_until(handled == 1);
	assert_int_equal(ran_on, core);
	expect_block_on(MYC_BLOCK_EXECUTOR, node);
	expect_block_on(MYC_BLOCK_LANES, node);
	expect_block_on(MYC_BLOCK_POOL, node);
	close_all();
}

static void an_executor_of_a_node_runs_on_its_cores(void **state)
{
	(void)state;
	for (uint32_t node = 0; node < myc_numa()->nodes; node++) {
		if (!myc_numa_has_cores(myc_numa(), node))
			continue;
		myc_address address =
			open_with((struct myc_executor_opts){.core = -1, .node = node + 1});

		assert_int_equal(myc_post(system_, address, 1, NULL, 0, UINT64_MAX), 0);
		wait_until(handled == 1);
		assert_int_equal(myc_numa_node_of(myc_numa(), (unsigned)ran_on), node);
		expect_block_on(MYC_BLOCK_EXECUTOR, node);
		close_all();
	}
}

static void a_core_or_node_that_there_is_not_is_refused(void **state)
{
	struct myc_executor_opts executor = {.core = -1, .node = myc_numa()->nodes + 1};
	const struct myc_system_opts opts = {.sz = sizeof(opts), .executor = &executor};
	struct myc_error error;

	(void)state;
	assert_int_equal(myc_system_open(&system_, &opts, &error), -EINVAL);
	assert_non_null(strstr(error.cause, "NUMA node"));
	executor = (struct myc_executor_opts){.core = 1 << 20};
	assert_int_equal(myc_system_open(&system_, &opts, &error), -EINVAL);
}

static void a_policy_is_taken_back(void **state)
{
	struct myc_numa_policy before, within;

	(void)state;
	myc_numa_enter(&before, 0);
	myc_numa_enter(&within, UINT32_MAX);
	assert_int_equal(within.mode, -1); /* nothing to take back */
	myc_numa_leave(&within);
	myc_numa_leave(&before);
	char *page = aligned_alloc(4096, 4096);

	assert_non_null(page);
	page[0] = 1;
	assert_true(myc_numa_node_at(page) >= 0);
	free(page);
}

/* ---- idle -------------------------------------------------------------------------------------- */

struct seen {
	uint64_t turns, naps, yields;
};

/* Nothing to do for a while; then a message is handled. */
static struct seen idle_with(enum myc_idle idle)
{
	struct timespec settle = {.tv_nsec = 30000000}, while_ = {.tv_nsec = 100000000};
	myc_address address =
		open_with((struct myc_executor_opts){.core = -1, .idle = idle, .idle_spins = 100});
	const struct myc_executor_words *words = system_->executor[0].words;

	for (uint32_t i = 1; i <= 50; i++) {
		assert_int_equal(myc_post(system_, address, 1, NULL, 0, UINT64_MAX), 0);
		wait_until(handled == i);
	}
	nanosleep(&settle, NULL);
	struct seen before = {word(&words->turns), word(&words->naps), yields};

	assert_int_equal(__atomic_load_n(&words->asleep, __ATOMIC_RELAXED) & 1,
			 idle == MYC_IDLE_SLEEP);
	nanosleep(&while_, NULL);
	struct seen seen = {word(&words->turns) - before.turns, word(&words->naps) - before.naps,
			    yields - before.yields};

	assert_int_equal(myc_post(system_, address, 1, NULL, 0, UINT64_MAX), 0);
	wait_until(handled == 51);
	assert_int_equal(__atomic_load_n(&words->sleeps, __ATOMIC_RELAXED), idle == MYC_IDLE_SLEEP);
	close_all();
	return seen;
}

static void asleep_it_takes_no_turns(void **state)
{
	(void)state;
	struct seen seen = idle_with(MYC_IDLE_SLEEP);

	/* But for the look about once a second. */
	assert_true(seen.turns < 2000);
	assert_true(seen.naps < 10);
	assert_int_equal(seen.yields, 0);
}

static void spinning_it_never_gives_the_core_away(void **state)
{
	(void)state;
	struct seen seen = idle_with(MYC_IDLE_SPIN);

	assert_true(seen.turns > 2000);
	assert_int_equal(seen.naps, 0);
	assert_int_equal(seen.yields, 0);
}

static void pausing_it_never_gives_the_core_away(void **state)
{
	(void)state;
	struct seen seen = idle_with(MYC_IDLE_PAUSE);

	assert_true(seen.turns > 2000);
	assert_int_equal(seen.naps, 0);
	assert_int_equal(seen.yields, 0);
}

static void yielding_it_gives_the_core_away_between_turns(void **state)
{
	(void)state;
	struct seen seen = idle_with(MYC_IDLE_YIELD);

	assert_int_equal(seen.naps, 0);
	assert_true(seen.yields > 10);
	/* Each empty turn gives it away once. */
	assert_true(seen.yields <= seen.turns + 1 && seen.yields + 1 >= seen.turns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nodes_are_read_as_the_kernel_writes_them),
		cmocka_unit_test(nonsense_in_a_list_ends_it),
		cmocka_unit_test(a_machine_without_numa_is_one_node_with_all_cores),
		cmocka_unit_test(a_pinned_executor_runs_on_its_core_and_its_memory_is_near),
		cmocka_unit_test(an_executor_of_a_node_runs_on_its_cores),
		cmocka_unit_test(a_core_or_node_that_there_is_not_is_refused),
		cmocka_unit_test(a_policy_is_taken_back),
		cmocka_unit_test(asleep_it_takes_no_turns),
		cmocka_unit_test(spinning_it_never_gives_the_core_away),
		cmocka_unit_test(pausing_it_never_gives_the_core_away),
		cmocka_unit_test(yielding_it_gives_the_core_away_between_turns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
