/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Lanes that a receiver cut off, because of what stood in them: they hold up nothing, and serve the
 * sender's next incarnation. Two processes of a workspace are played by two systems of this one.
 */
#include "common/regions.h"
#include "common/wait.h"

#include <sched.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static void point(const char *name);
#define MYC_POINT(name) point(name)

#include "core/credit.c" /* NOLINT(bugprone-suspicious-include) */
#include "core/inlet.c"	 /* NOLINT(bugprone-suspicious-include) */

#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "core/process.h"

#define PROCESSES 2

static _Atomic bool stop_there, stopped; /* where a lane is about to be cut */

static void point(const char *name)
{
	if (strcmp(name, "inlet: to be cut") != 0)
		return;
	stopped = true;
	while (stop_there)
		sched_yield();
}

static _Atomic uint64_t heard, disorder;
static _Atomic bool deaf; /* the listener stays in its handler */

static int listen_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t *last = myc_state(self), number;

	memcpy(&number, message->payload, sizeof(number));
	if (number < *last)
		disorder++;
	*last = number;
	heard++;
	while (deaf)
		sched_yield();
	return 0;
}

static const struct myc_behaviour listener = {.name = "listener",
					      .state_size = sizeof(uint64_t),
					      .capacity_per_sender = 32,
					      .message = listen_message};

struct talker {
	struct myc_ref to;
};
static _Atomic uint64_t said;

static int talk(struct myc_actor *self, uint64_t wait)
{
	struct talker *talker = myc_state(self);

	for (int i = 0; i < 8; i++) {
		uint64_t number = said;

		if (!talker->to.address &&
		    myc_resolve(self, myc_address_make(0, 0, 0, 1), &talker->to))
			return 0;
		if (wait ? myc_send(self, &talker->to, 1, &number, sizeof(number))
			 : myc_try_send(self, &talker->to, 1, &number, sizeof(number)))
			return 0;
		said++;
	}
	return 0;
}

static int talk_started(struct myc_actor *self)
{
	uint64_t wait = strtoull(myc_setting(self, "wait", "0"), NULL, 0);

	return myc_timer_start(self, 100000, 100000, wait, NULL);
}

static const struct myc_behaviour talker = {.name = "talker",
					    .state_size = sizeof(struct talker),
					    .started = talk_started,
					    .timer = talk};

static const struct myc_executor_opts sleeping[2] = {{.core = -1}, {.core = -1}};

static void spawn_at(struct myc_system *system, const struct myc_behaviour *behaviour,
		     uint32_t slot, uint32_t executor, const char *wait)
{
	struct myc_setting setting = {.key = "wait", .value = wait};
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = behaviour,
				      .executor = executor,
				      .settings = &setting,
				      .settings_count = 1};
	myc_address address;

	assert_int_equal(myc_spawn_at(system, &opts, slot, 0, &address, NULL), 0);
}

/* Sequences that cannot be there, over the whole ring of the source's lane. A stranger's write is a
 * race by design: ThreadSanitizer does not see it. */
__attribute__((no_sanitize("thread"))) static void spoil(const struct myc_region *region,
							 uint32_t source, uint32_t lane)
{
	struct myc_lanes *lanes = myc_region_block(region, MYC_BLOCK_LANES, source, NULL);
	struct myc_flow *flow = (void *)((char *)lanes + myc_lane_offset(lanes, lane));
	struct myc_slot *slot = (void *)&flow[lanes->flows];

	for (uint32_t i = 0; i < lanes->slots; i++)
		__atomic_store_n(&slot[i].sequence, 0x40000000, __ATOMIC_RELAXED);
}

static uint64_t faults(const struct myc_region *region, uint32_t executor)
{
	const struct myc_executor_words *words =
		myc_region_block(region, MYC_BLOCK_EXECUTOR, executor, NULL);
	uint64_t sum = 0;

	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		sum += __atomic_load_n(&words->lane_faults[i], __ATOMIC_ACQUIRE);
	return sum;
}

static uint64_t dead_letters(const struct myc_region *region, uint32_t executor,
			     enum myc_dead_letter why)
{
	const struct myc_executor_words *words =
		myc_region_block(region, MYC_BLOCK_EXECUTOR, executor, NULL);

	return __atomic_load_n(&words->dead_letters[why], __ATOMIC_RELAXED);
}

/* ---- two processes ----------------------------------------------------------------------------- */

static struct myc_region region[PROCESSES][PROCESSES]; /* of process, as seen by process */
static const struct myc_system_opts one_executor = {
	.sz = sizeof(one_executor), .executors = 1, .lane_slots = 64, .executor = sleeping};

static struct myc_system *join(uint32_t process, uint64_t incarnation)
{
	struct myc_workspace workspace = {.process = process,
					  .incarnation = incarnation,
					  .processes = PROCESSES,
					  .regions = region[process]};
	struct myc_system *system;

	assert_int_equal(myc_system_join(&system, &one_executor, &workspace, NULL), 0);
	spawn_at(system, process ? &talker : &listener, 0, 0, "0");
	assert_int_equal(myc_system_start(system, NULL), 0);
	return system;
}

static void open_regions(void)
{
	for (uint32_t i = 0; i < PROCESSES; i++)
		regions_plan(region[0], PROCESSES, i, &one_executor, PROCESSES);
}

static void close_regions(void)
{
	regions_unmap(region[0], PROCESSES);
}

static void a_cut_lane_serves_again_when_its_sender_has_been_restarted(void **state)
{
	(void)state;
	heard = said = disorder = 0;
	deaf = false;
	open_regions();
	struct myc_system *receiver = join(0, 1);

	for (uint64_t incarnation = 1; incarnation <= 3; incarnation++) {
		struct myc_system *sender = join(1, incarnation);
		uint64_t before = heard;

		wait_until(heard >= before + 200);
		/* Counted when it is cut and not before: a sender that is started then finds it so. */
		stop_there = true;
		spoil(&region[1][1], 0, 1);
		wait_until(stopped);
		assert_int_equal(faults(&region[0][0], 0), incarnation - 1);
		stop_there = stopped = false;
		wait_until(faults(&region[0][0], 0) == incarnation);
		before = heard;
		myc_system_close(sender);
		/* A receiver that is restarted meanwhile knows that the lane is cut. */
		if (incarnation == 2) {
			myc_system_close(receiver);
			receiver = join(0, 2);
		}
		assert_int_equal(heard, before);
	}
	struct myc_system *sender = join(1, 4);
	uint64_t before = heard;

	wait_until(heard >= before + 200);
	assert_int_equal(faults(&region[0][0], 0), 3);
	assert_int_equal(disorder, 0);
	myc_system_close(sender);
	myc_system_close(receiver);
	close_regions();
}

/* ---- one process ------------------------------------------------------------------------------- */

/* The talker's messages pile up in the outbox before the lane is cut: they must go too. */
static void a_lane_cut_inside_a_process_does_not_hold_up_its_stop(void **state)
{
	struct myc_system_opts opts = {.sz = sizeof(opts),
				       .executors = 2,
				       .lane_slots = 64,
				       .outbox = 64,
				       .executor = sleeping};
	struct myc_region own;
	struct myc_workspace workspace = {.incarnation = 1, .processes = 1, .regions = &own};
	struct myc_system *system;

	(void)state;
	heard = said = 0;
	deaf = true;
	regions_plan(&own, 1, 0, &opts, 2);
	assert_int_equal(myc_system_join(&system, &opts, &workspace, NULL), 0);
	spawn_at(system, &listener, 0, 1, "0");
	spawn_at(system, &talker, 1, 0, "1");
	assert_int_equal(myc_system_start(system, NULL), 0);
	const struct myc_actor_metrics *metrics =
		myc_region_block(&own, MYC_BLOCK_METRICS, 0, NULL);

	wait_until(__atomic_load_n(&metrics[1].outbox_depth, __ATOMIC_RELAXED) > 0);
	spoil(&own, 0, 1);
	deaf = false;
	wait_until(faults(&own, 1) == 1);
	wait_until(dead_letters(&own, 0, MYC_DEAD_LETTER_LANE_CUT) > 0);
	uint64_t begun_ns = myc_clock_ns();

	assert_int_equal(myc_system_stop(system, 20000), 0);
	assert_true(myc_clock_ns() - begun_ns < 10000000000ull);
	myc_system_close(system);
	myc_region_unmap(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cut_lane_serves_again_when_its_sender_has_been_restarted),
		cmocka_unit_test(a_lane_cut_inside_a_process_does_not_hold_up_its_stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
