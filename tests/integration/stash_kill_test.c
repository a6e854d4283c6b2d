/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes, killed with -9 at random: one sends numbers, every third with a body; the other puts three of
 * four aside, takes them back when it has some, and all of them when nothing comes any more.
 */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MESSAGES 40000u
#else
#define MESSAGES 400000u
#endif
#define BURST	   16
#define BODY_EVERY 3
#define STASH	   24
#define SOME	   12 /* that it takes back at once */
#include "integration/numbers_bed.h"

/* ---- the keeper ---------------------------------------------------------------------------------- */

struct keeper {
	uint64_t open; /* numbers below are handled */
};

static int keeper_message(struct myc_actor *self, const struct myc_message *message)
{
	struct keeper *state = myc_state(self);
	uint64_t number;

	if (!number_of(message, &number))
		return 0;
	/* Long enough for kills to hit it. */
	for (int i = 0; i < 20; i++)
		myc_cpu_relax();
	if (number % 4 && number >= state->open) {
		if (myc_stashed(self) >= SOME) {
			state->open = number;
			myc_unstash_all(self);
		}
		memory->put_aside++;
		return myc_stash(self);
	}
	handled(number, !(number % 4));
	return 0;
}

static int keeper_idle(struct myc_actor *self)
{
	struct keeper *state = myc_state(self);

	/* All that is there; what comes then is put aside again. */
	if (myc_stashed(self))
		state->open = UINT64_MAX;
	else
		state->open = 0;
	myc_unstash_all(self);
	return 0;
}

static const struct myc_behaviour keeper = {.name = "keeper",
					    .state_size = sizeof(struct keeper),
					    .capacity_per_sender = 64,
					    .stash_capacity = STASH,
					    .idle_timeout_ns = 4000000,
					    .message = keeper_message,
					    .idle = keeper_idle};

static const struct myc_system_opts system_opts = {.sz = sizeof(system_opts),
						   HOUSE_ROOM,
						   .buffers = {{256, 128}},
						   .loans = 128,
						   .executor = &executor_opts};

static void killed_processes_lose_nothing_of_what_was_put_aside_and_keep_its_order(void **state)
{
	(void)state;
	live_and_be_killed();
	account();
	print_message("  %" PRIu64 " times put aside\n", memory_of(KEEPER)->put_aside);
	assert_true(memory_of(KEEPER)->put_aside > MESSAGES / 4);
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			killed_processes_lose_nothing_of_what_was_put_aside_and_keep_its_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
