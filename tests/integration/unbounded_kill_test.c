/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes, killed with -9 at random: one sends numbers as fast as it can, some with a body; the other has a
 * mailbox without bounds and is slow, then fast, in turns. Thousands wait when it dies: none is lost, none comes twice.
 */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MESSAGES 40000u
#else
#define MESSAGES 300000u
#endif
#define BURST	   64
#define BODY_EVERY 64
#define PHASE	   (MESSAGES / 8) /* numbers that it handles slowly, then fast */
#include "integration/numbers_bed.h"

#include "common/wait.h"

/* ---- the keeper ---------------------------------------------------------------------------------- */

static int keeper_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t number;

	(void)self;
	if (!number_of(message, &number))
		return 0;
	for (int i = 0; i < 100 * TEST_SHORTER && number / PHASE % 2 == 0; i++)
		myc_cpu_relax();
	handled(number, 0);
	return 0;
}

static const struct myc_behaviour keeper = {
	.name = "keeper", .grows_to = MYC_GROWS_FREELY, .message = keeper_message};

static const struct myc_system_opts system_opts = {.sz = sizeof(system_opts),
						   HOUSE_ROOM,
						   .growth = 65536,
						   .buffers = {{256, 1024}},
						   .loans = 1024,
						   .executor = &executor_opts};

static void killed_processes_lose_nothing_of_a_mailbox_without_bounds(void **state)
{
	const struct myc_executor_words *words;
	const struct myc_actor_metrics *metrics;

	(void)state;
	live_and_be_killed();
	words = keepers_block(MYC_BLOCK_EXECUTOR);
	metrics = keepers_block(MYC_BLOCK_METRICS);
	/* All is handled: memory goes back, a predecessor's too. */
	wait_until(__atomic_load_n(&words->chunks, __ATOMIC_RELAXED) <= 1);
	account();
	print_message("  %" PRIu64 " waited at most; chunks: %" PRIu64 " taken, %" PRIu64
		      " given back, %" PRIu64 " at most, %u left\n",
		      metrics->mailbox_depth_max, words->chunks_taken, words->chunks_given,
		      words->chunks_max, words->chunks);
	assert_true(metrics->mailbox_depth_max > 4 * MYC_CHUNK && words->chunks_max > 4);
	assert_true(words->chunks <= 1 && words->chunks_given > 4);
	assert_int_equal(words->chunks_refused, 0);
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_processes_lose_nothing_of_a_mailbox_without_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
