/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of actors across two processes of a workspace, which are played by two systems of this one. */
#include "unit/topic_actor_bed.h"

#include "common/regions.h"

/* ---- two processes ----------------------------------------------------------------------------- */

static struct myc_region region[2][2]; /* of process, as seen by process */
static _Atomic bool dead[2];
static const struct myc_system_opts one[2] = {
	{.sz = sizeof(one[0]), .executor = sleeping, .topics = topics, .topics_count = 5},
	{.sz = sizeof(one[1]), .executor = sleeping},
};

static bool alive(void *context, uint32_t process)
{
	(void)context;
	return !dead[process];
}

static struct myc_system *join(uint32_t process, uint64_t incarnation)
{
	struct myc_workspace workspace = {.process = process,
					  .incarnation = incarnation,
					  .processes = 2,
					  .alive = alive,
					  .regions = region[process]};
	struct myc_system *system;

	dead[process] = false;
	assert_int_equal(myc_system_join(&system, &one[process], &workspace, NULL), 0);
	return system;
}

static void open_regions(void)
{
	for (uint32_t i = 0; i < 2; i++)
		regions_plan(region[0], 2, i, &one[i], 2);
}

static void close_regions(void)
{
	regions_unmap(region[0], 2);
}

static void across_processes_and_the_publishers_next_incarnation(void **state)
{
	(void)state;
	fresh("reliable", MYC_SUBSCRIBE_WAITED_FOR);
	open_regions();
	struct myc_system *reads = join(1, 1);

	spawn(reads, &subscriber, 0, 0);
	assert_int_equal(myc_system_start(reads, NULL), 0);
	for (uint64_t incarnation = 1; incarnation <= 3; incarnation++) {
		struct myc_system *writes = join(0, incarnation);

		spawn(writes, &publisher, 0, 0);
		assert_int_equal(myc_system_start(writes, NULL), 0);
		wait_until(seen[0].resumed == incarnation);
		to_publish = 1000;
		wait_until(seen[0].messages == incarnation * 1000);
		close_it(writes);
		wait_until(seen[0].ends == incarnation);
	}
	assert_int_equal(seen[0].wrong + seen[0].lost, 0);
	close_it(reads);
	close_regions();
}

/* Of memory that another thread writes, word by word. */
static void snapshot(uint64_t *to, const uint64_t *from, uint64_t size)
{
	for (uint64_t i = 0; i < size / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* What a kill -9 leaves: a record that nobody ends. It is put back after the orderly end here. */
static void a_dead_reader_holds_nobody_up(void **state)
{
	(void)state;
	fresh("reliable", MYC_SUBSCRIBE_WAITED_FOR);
	open_regions();
	struct myc_system *writes = join(0, 1), *reads = join(1, 1);

	spawn(writes, &publisher, 0, 0);
	assert_int_equal(myc_system_start(writes, NULL), 0);
	spawn(reads, &subscriber, 0, 0);
	assert_int_equal(myc_system_start(reads, NULL), 0);
	wait_until(seen[0].resumed);
	to_publish = 100;
	wait_until(seen[0].messages == 100);
	uint64_t size;
	uint64_t *records = myc_region_block(&region[1][1], MYC_BLOCK_TOPIC_RECORDS, 0, &size);
	uint64_t *kept = malloc(size);

	assert_non_null(kept);
	close_it(writes); /* so that the record is not let go of before it is put back */
	snapshot(kept, records, size);
	close_it(reads);
	memcpy(records, kept, size);
	free(kept);
	writes = join(0, 2);
	spawn(writes, &publisher, 0, 0);
	assert_int_equal(myc_system_start(writes, NULL), 0);
	to_publish = 1000;
	wait_until(refused > 10); /* as long as it passes for alive */
	dead[1] = true;
	wait_until(to_publish == 0);
	close_it(writes);
	close_regions();
}

/* ---- idle -------------------------------------------------------------------------------------- */

static void nobody_publishes_and_all_sleep(void **state)
{
	struct myc_region own;
	struct myc_workspace workspace = {.incarnation = 1, .processes = 1, .regions = &own};
	struct myc_system *system;

	(void)state;
	fresh("tolerant", 0);
	quiet = true;
	regions_plan(&own, 1, 0, &three, 3);
	assert_int_equal(myc_system_join(&system, &three, &workspace, NULL), 0);
	spawn(system, &publisher, 0, 0);
	for (uint32_t i = 0; i < 4; i++)
		spawn(system, &subscriber, 1, i);
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (uint32_t i = 0; i < 4; i++)
		wait_until(seen[i].ready);
	settle();
	const struct myc_executor_words *words =
		myc_region_block(&own, MYC_BLOCK_EXECUTOR, 1, NULL);
	struct timespec nap = {.tv_nsec = 200000000};
	uint64_t naps = UINT64_MAX;

	/* On a busy machine it takes a while until the last has looked for the others. */
	for (uint32_t i = 0; i < 20 && naps >= 10; i++) {
		uint64_t before = __atomic_load_n(&words->naps, __ATOMIC_RELAXED);

		nanosleep(&nap, NULL);
		naps = __atomic_load_n(&words->naps, __ATOMIC_RELAXED) - before;
	}
	assert_true(naps < 10);
	to_publish = 1;
	for (uint32_t i = 0; i < 4; i++)
		wait_until(seen[i].messages == 1);
	close_it(system);
	myc_region_unmap(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(across_processes_and_the_publishers_next_incarnation),
		cmocka_unit_test(a_dead_reader_holds_nobody_up),
		cmocka_unit_test(nobody_publishes_and_all_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
