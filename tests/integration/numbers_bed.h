/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two processes that are killed with -9 at random: one sends numbers, some with a body; the other, the keeper, is of
 * the test, as are both's options. What they remember lies in their regions, and is accounted for at the end.
 * Included where these are: MESSAGES, BURST (numbers sent in a row), BODY_EVERY.
 */
#ifndef TESTS_INTEGRATION_NUMBERS_BED_H
#define TESTS_INTEGRATION_NUMBERS_BED_H

#include "common/house.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "core/executor.h"

#define KILLS 30
#define BODY  200

enum { SENDER, KEEPER, PROCESSES };
enum { NUMBER = 1, GO };

/* What the two remember over their deaths, in their regions. */
struct memory {
	uint64_t next;	   /* sender: number being sent, or to be sent next */
	uint64_t least[2]; /* keeper: last one handled, plus one, by what may overtake what */
	uint64_t disorder; /* numbers below that */
	uint64_t wrong;	   /* bodies that are not theirs */
	uint64_t handled, put_aside;
	uint8_t seen[MESSAGES];
};

static struct house house;
static struct memory *memory;

/* The test tells them. */
static const struct myc_behaviour keeper;
static const struct myc_system_opts system_opts;

static struct memory *memory_of(uint32_t process)
{
	return house_user(&house, process);
}

/* ---- the sender ---------------------------------------------------------------------------------- */

struct sender {
	struct myc_ref peer, self;
};

static int later(struct myc_actor *self)
{
	return myc_timer_set(self, 0, 20000, 0) ? -EIO : 0;
}

static int sender_go(struct myc_actor *self)
{
	struct sender *state = myc_state(self);
	uint64_t words[BODY / 8];

	if (!state->peer.address && myc_resolve(self, house_address(KEEPER, 0), &state->peer)) {
		memset(&state->peer, 0, sizeof(state->peer));
		return later(self);
	}
	for (int i = 0; i < BURST && memory->next < MESSAGES; i++) {
		uint64_t number = memory->next;

		for (uint32_t w = 0; w < BODY / 8; w++)
			words[w] = number;
		/* Stored first: died between here and the send, the number never existed. */
		__atomic_store_n(&memory->next, number + 1, __ATOMIC_RELAXED);
		int code = myc_try_send(self, &state->peer, NUMBER, words,
					number % BODY_EVERY ? 8 : BODY);

		if (!code)
			continue;
		memory->next = number;
		if (code == -ESRCH)
			state->peer.address = 0;
		else if (code != -EAGAIN && code != -ENOBUFS)
			return code;
		return later(self);
	}
	if (memory->next < MESSAGES)
		myc_try_send(self, &state->self, GO, NULL, 0);
	return 0;
}

static int sender_started(struct myc_actor *self)
{
	return myc_resolve(self, myc_self(self), &((struct sender *)myc_state(self))->self)
		       ?: sender_go(self);
}

static int sender_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)message;
	return sender_go(self);
}

static int sender_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return sender_go(self);
}

static const struct myc_behaviour sender = {.name = "sender",
					    .state_size = sizeof(struct sender),
					    .started = sender_started,
					    .message = sender_message,
					    .timer = sender_timer};

/* ---- the keeper ---------------------------------------------------------------------------------- */

/* False: it is not what was sent. */
static bool number_of(const struct myc_message *message, uint64_t *number)
{
	uint64_t last;

	memcpy(number, message->payload, 8);
	memcpy(&last, (const uint8_t *)message->payload + message->size - 8, 8);
	if (*number < MESSAGES && last == *number &&
	    message->size == (*number % BODY_EVERY ? 8 : BODY))
		return true;
	memory->wrong++;
	return false;
}

static void handled(uint64_t number, uint32_t which)
{
	memory->disorder += number < memory->least[which];
	memory->least[which] = number + 1;
	memory->seen[number]++;
	__atomic_store_n(&memory->handled, memory->handled + 1, __ATOMIC_RELAXED);
}

/* ---- their lives ----------------------------------------------------------------------------------- */

static struct myc_executor_opts executor_opts = {.core = -1, .idle = MYC_IDLE_YIELD, .timers = 64};

static void furnish(struct house *own, struct myc_system *system, uint32_t process)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
				       .behaviour = process == SENDER ? &sender : &keeper};

	memory = memory_of(process);
	house_spawn(own, system, process, &spawn, 0);
}

static const struct house_process plan[PROCESSES] = {{&system_opts, furnish},
						     {&system_opts, furnish}};

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

/* All is sent, and handled; both still live. */
static void live_and_be_killed(void)
{
	uint64_t chance = test_seed() * 2654435761u + 1;

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
}

static const void *keepers_block(uint32_t type)
{
	return myc_region_block(&house.region[KEEPER], type, 0, NULL);
}

/* Once both are killed: each number came once and in order, but for those that were in hand. */
static void account(void)
{
	const struct memory *kept = memory_of(KEEPER);
	const struct myc_executor_words *words = keepers_block(MYC_BLOCK_EXECUTOR);
	const struct myc_actor_metrics *metrics = keepers_block(MYC_BLOCK_METRICS);
	uint32_t missing = 0, twice = 0;

	house_kill(&house, SENDER);
	house_kill(&house, KEEPER);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		missing += !kept->seen[i];
		twice += kept->seen[i] > 1;
	}
	print_message("  %" PRIu64 " handled, %" PRIu64 " in doubt, %u missing\n", kept->handled,
		      metrics->in_doubt, missing);
	assert_int_equal(kept->disorder, 0);
	assert_int_equal(kept->wrong, 0);
	assert_int_equal(twice, 0);
	/* Only what was in hand: of the keeper in doubt, of the sender never sent. */
	assert_true(missing <= KILLS + metrics->in_doubt && metrics->in_doubt <= KILLS);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
}

#endif
