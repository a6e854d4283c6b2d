/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes, killed with -9 at random: one sends numbers as fast as it can, some with a body; the other has a
 * mailbox without bounds and is slow, then fast, in turns. Thousands wait when it dies: none is lost, none comes twice.
 */
#include "common/house.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "core/executor.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MESSAGES 40000u
#else
#define MESSAGES 300000u
#endif
#define KILLS 30
#define BURST 64
#define PHASE (MESSAGES / 8) /* numbers that it handles slowly, then fast */
#define BODY  200

enum { SENDER, KEEPER, PROCESSES };
enum { NUMBER = 1, GO };

/* What the two remember over their deaths, in their regions. */
struct memory {
	uint64_t next;	   /* sender: number being sent, or to be sent next */
	uint64_t least;	   /* keeper: last one handled, plus one */
	uint64_t disorder; /* numbers not above the last */
	uint64_t wrong;	   /* bodies that are not theirs */
	uint64_t handled;
	uint8_t seen[MESSAGES];
};

static struct house house;
static struct memory *memory;

#define BODY_EVERY 64
#include "integration/numbers_bed.h"

/* ---- the keeper ---------------------------------------------------------------------------------- */

static int keeper_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t number, last;

	(void)self;
	memcpy(&number, message->payload, 8);
	memcpy(&last, (const uint8_t *)message->payload + message->size - 8, 8);
	if (number >= MESSAGES || last != number || message->size != (number % 64 ? 8 : BODY)) {
		memory->wrong++;
		return 0;
	}
	for (int i = 0; i < 100 * TEST_SHORTER && number / PHASE % 2 == 0; i++)
		myc_cpu_relax();
	memory->disorder += number < memory->least;
	memory->least = number + 1;
	memory->seen[number]++;
	__atomic_store_n(&memory->handled, memory->handled + 1, __ATOMIC_RELAXED);
	return 0;
}

static const struct myc_behaviour keeper = {
	.name = "keeper", .grows_to = MYC_GROWS_FREELY, .message = keeper_message};

/* ---- workers --------------------------------------------------------------------------------------- */

static struct myc_executor_opts executor_opts = {.core = -1, .idle = MYC_IDLE_YIELD, .timers = 64};
static const struct myc_system_opts system_opts = {.sz = sizeof(system_opts),
						   .actors = 64,
						   .lane_slots = 64,
						   .lane_urgent_slots = 4,
						   .outbox = 64,
						   .pending = 256,
						   .growth = 65536,
						   .buffers = {{256, 1024}},
						   .loans = 1024,
						   .executor = &executor_opts};

static void furnish(struct house *own, struct myc_system *system, uint32_t process)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
				       .behaviour = process == SENDER ? &sender : &keeper};

	memory = memory_of(process);
	house_spawn(own, system, process, &spawn, 0);
}

static const struct house_process plan[PROCESSES] = {{&system_opts, furnish},
						     {&system_opts, furnish}};

/* ---- the test -------------------------------------------------------------------------------------- */

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static bool all_done(void)
{
	uint64_t sent, counted;

	house_balance(&house, SENDER, KEEPER, &sent, &counted);
	return load(&memory_of(SENDER)->next) == MESSAGES && sent == counted;
}

static void wait_for(uint64_t progress)
{
	uint64_t until = myc_clock_ns() + 60000000000ull;

	while (load(&memory_of(KEEPER)->handled) < progress && !all_done()) {
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
		if (myc_clock_ns() > until)
			fail_msg("stuck: next %" PRIu64 ", handled %" PRIu64,
				 memory_of(SENDER)->next, memory_of(KEEPER)->handled);
	}
}

static void killed_processes_lose_nothing_of_a_mailbox_without_bounds(void **state)
{
	uint64_t chance = test_seed() * 2654435761u + 1;
	const struct memory *kept;
	uint32_t missing = 0, twice = 0;

	(void)state;
	house_open(&house, plan, PROCESSES, sizeof(struct memory));
	house_start(&house, SENDER);
	house_start(&house, KEEPER);
	for (uint32_t i = 0; i < KILLS; i++) {
		uint32_t victim = test_random(&chance) >> 40 & 3 ? KEEPER : SENDER;
		struct timespec when = {.tv_nsec = (long)(uint32_t)(test_random(&chance) % 300000)};

		wait_for((uint64_t)MESSAGES * (i + 1) / (KILLS + 1));
		nanosleep(&when, NULL); /* kills at any instruction, not to wait for anything */
		house_kill(&house, victim);
		house_start(&house, victim);
	}
	wait_for(UINT64_MAX);
	const struct myc_executor_words *words =
		myc_region_block(&house.region[KEEPER], MYC_BLOCK_EXECUTOR, 0, NULL);
	uint64_t until = myc_clock_ns() + 60000000000ull;

	/* All is handled: memory goes back, a predecessor's too. */
	while (__atomic_load_n(&words->chunks, __ATOMIC_RELAXED) > 1 && myc_clock_ns() < until)
		nanosleep(&(struct timespec){.tv_nsec = 50000}, NULL);
	house_kill(&house, SENDER);
	house_kill(&house, KEEPER);
	kept = memory_of(KEEPER);
	const struct myc_actor_metrics *metrics =
		myc_region_block(&house.region[KEEPER], MYC_BLOCK_METRICS, 0, NULL);

	for (uint32_t i = 0; i < MESSAGES; i++) {
		missing += !kept->seen[i];
		twice += kept->seen[i] > 1;
	}
	print_message("  %" PRIu64 " handled, %" PRIu64 " waited at most, %" PRIu64
		      " in doubt, %u missing; chunks: %" PRIu64 " taken, %" PRIu64
		      " given back, %" PRIu64 " at most, %u left\n",
		      kept->handled, metrics->mailbox_depth_max, metrics->in_doubt, missing,
		      words->chunks_taken, words->chunks_given, words->chunks_max, words->chunks);
	assert_int_equal(kept->disorder, 0);
	assert_int_equal(kept->wrong, 0);
	assert_int_equal(twice, 0);
	/* Only what was in hand: of the keeper in doubt, of the sender never sent. */
	assert_true(missing <= KILLS + metrics->in_doubt && metrics->in_doubt <= KILLS);
	assert_true(metrics->mailbox_depth_max > 4 * MYC_CHUNK && words->chunks_max > 4);
	assert_true(words->chunks <= 1 && words->chunks_given > 4);
	assert_int_equal(words->chunks_refused, 0);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_processes_lose_nothing_of_a_mailbox_without_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
