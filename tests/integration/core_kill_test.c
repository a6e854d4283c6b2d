/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of one workspace, killed with -9 at random while they exchange messages.
 */
#include "common/house.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "core/executor.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MESSAGES 100000u
#else
#define MESSAGES 1000000u
#endif
#define KILLS	  20
#define PROCESSES 2
#define BURST	  32

/* What an exchanger remembers over its deaths, in its region. */
struct memory {
	uint64_t next;	   /* number being sent, or to be sent next */
	uint64_t last;	   /* last number handled, plus one */
	uint64_t disorder; /* numbers not above the last */
	uint64_t handled;
	uint64_t redelivered;
	uint64_t reserved[3];
	uint8_t seen[MESSAGES]; /* times number i was handled */
};

static struct house house;
static uint32_t me;
static bool busy; /* never idle, and long in the handler: kills hit a message in hand */
static struct memory *memory;

static struct memory *memory_of(uint32_t process)
{
	return house_user(&house, process);
}

/* ---- the exchanger ----------------------------------------------------------------------------- */

enum { NUMBER = 1, GO = 2 };

struct exchanger {
	struct myc_ref peer, self;
};

static int exchanger_go(struct myc_actor *self)
{
	struct exchanger *state = myc_state(self);
	int code;

	if (!state->peer.address) {
		code = myc_resolve(self, myc_address_make(0, !me, 0, 1), &state->peer);
		if (code) { /* the other is being restarted */
			memset(&state->peer, 0, sizeof(state->peer));
			return myc_timer_start(self, 100000, 0, 0, NULL) == -ENOSPC ? -EIO : 0;
		}
	}
	for (int i = 0; i < BURST && memory->next < MESSAGES; i++) {
		uint64_t number = memory->next;

		/* Stored first: died between here and the send, the number never existed. */
		__atomic_store_n(&memory->next, number + 1, __ATOMIC_RELAXED);
		/* Only one of the two: two that wait for each other's credit would wait for ever. */
		if (me == 0 && number % 2)
			code = myc_send(self, &state->peer, NUMBER, &number, sizeof(number));
		else
			code = myc_try_send(self, &state->peer, NUMBER, &number, sizeof(number));
		if (code == -EAGAIN || code == -ESRCH || code == -ENOBUFS) {
			memory->next = number;
			if (code == -ESRCH)
				state->peer.address = 0;
			if (busy)
				break;
			return myc_timer_start(self, 20000, 0, 0, NULL) == -ENOSPC ? -EIO : 0;
		}
		if (code)
			return code;
	}
	if (memory->next < MESSAGES)
		myc_try_send(self, &state->self, GO, NULL, 0);
	return 0;
}

static int exchanger_started(struct myc_actor *self)
{
	struct exchanger *state = myc_state(self);

	myc_resolve(self, myc_self(self), &state->self);
	return exchanger_go(self);
}

static int exchanger_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return exchanger_go(self);
}

static int exchanger_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t number;

	if (message->type == GO)
		return exchanger_go(self);
	memcpy(&number, message->payload, sizeof(number));
	if (message->flags & MYC_MESSAGE_REDELIVERED)
		memory->redelivered++;
	else if (number < memory->last)
		memory->disorder++;
	memory->last = number + 1;
	memory->seen[number]++;
	__atomic_store_n(&memory->handled, memory->handled + 1, __ATOMIC_RELAXED);
	for (int i = 0; busy && i < 10; i++)
		myc_cpu_relax();
	return 0;
}

static struct myc_behaviour exchanger = {.name = "exchanger",
					 .state_size = sizeof(struct exchanger),
					 .started = exchanger_started,
					 .timer = exchanger_timer,
					 .message = exchanger_message};

/* ---- workers ----------------------------------------------------------------------------------- */

static struct myc_executor_opts executor_opts = {.core = -1, .idle_spins = 50, .timers = 64};
static const struct myc_system_opts system_opts = {
	.sz = sizeof(system_opts), HOUSE_ROOM, .executor = &executor_opts};

static void furnish(struct house *own, struct myc_system *system, uint32_t process)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &exchanger};

	me = process;
	memory = memory_of(me);
	house_spawn(own, system, process, &spawn, 0);
}

static const struct house_process plan[PROCESSES] = {{&system_opts, furnish},
						     {&system_opts, furnish}};

/* ---- what the regions say ---------------------------------------------------------------------- */

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void wait_for(uint64_t progress)
{
	uint64_t until = myc_clock_ns() + 60000000000ull;

	while (load(&memory_of(0)->handled) + load(&memory_of(1)->handled) < progress) {
		uint64_t sent[2], counted[2];
		struct timespec nap = {.tv_nsec = 50000};

		nanosleep(&nap, NULL);
		house_balance(&house, 0, 1, &sent[0], &counted[0]);
		house_balance(&house, 1, 0, &sent[1], &counted[1]);
		if (load(&memory_of(0)->next) == MESSAGES &&
		    load(&memory_of(1)->next) == MESSAGES && sent[0] == counted[0] &&
		    sent[1] == counted[1])
			return;
		if (myc_clock_ns() > until) {
			print_message("stuck: next %" PRIu64 " %" PRIu64 ", sent %" PRIu64
				      " %" PRIu64 ", counted %" PRIu64 " %" PRIu64 "\n",
				      memory_of(0)->next, memory_of(1)->next, sent[0], sent[1],
				      counted[0], counted[1]);
			fail();
		}
	}
}

static void check_direction(uint32_t from, uint32_t kills)
{
	const struct memory *receiver = memory_of(!from);
	const struct myc_executor_words *words =
		myc_region_block(&house.region[!from], MYC_BLOCK_EXECUTOR, 0, NULL);
	const struct myc_actor_metrics *metrics =
		myc_region_block(&house.region[!from], MYC_BLOCK_METRICS, 0, NULL);
	uint32_t missing = 0, twice = 0;
	uint64_t sent, counted;

	house_balance(&house, from, !from, &sent, &counted);
	assert_int_equal(sent, counted);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		missing += !receiver->seen[i];
		twice += receiver->seen[i] > 1;
	}
	print_message("  %u -> %u: %" PRIu64 " published, %" PRIu64 " handled, %" PRIu64
		      " in doubt, %u never sent\n",
		      from, !from, sent, receiver->handled, metrics->in_doubt, missing);
	assert_int_equal(receiver->disorder, 0);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	/* Only what was in hand can be missing or twice; the rest was handled exactly once. */
	assert_true(missing <= kills + metrics->in_doubt);
	if (exchanger.redeliver)
		assert_true(twice <= receiver->redelivered);
	else
		assert_int_equal(twice, 0);
	assert_true(receiver->handled <= sent + receiver->redelivered);
	assert_true(receiver->handled + metrics->in_doubt + kills >= sent);
}

static void exchange(bool redeliver, bool busily)
{
	uint64_t chance = test_seed() * 2654435761u + 1;
	uint32_t kills[PROCESSES] = {0};

	exchanger.redeliver = redeliver;
	busy = busily;
	executor_opts.idle = busy ? MYC_IDLE_YIELD : MYC_IDLE_SLEEP;
	house_open(&house, plan, PROCESSES, sizeof(struct memory));
	house_start(&house, 0);
	house_start(&house, 1);
	for (int i = 0; i < KILLS; i++) {
		uint32_t victim = test_random(&chance) >> 40 & 1;
		struct timespec later = {.tv_nsec =
						 (long)(uint32_t)(test_random(&chance) % 300000)};

		wait_for(2ull * MESSAGES * (unsigned)(i + 1) / (KILLS + 1));
		nanosleep(&later, NULL); /* kills at any instruction, not to wait for anything */
		house_kill(&house, victim);
		house_start(&house, victim);
		kills[victim]++;
	}
	wait_for(UINT64_MAX);
	house_kill(&house, 0);
	house_kill(&house, 1);
	check_direction(0, kills[0] + kills[1]);
	check_direction(1, kills[0] + kills[1]);
	house_close(&house);
}

static void killed_processes_lose_and_repeat_nothing_but_what_was_in_hand(void **state)
{
	(void)state;
	exchange(false, true);
}

static void killed_processes_that_sleep_lose_nothing_and_are_woken(void **state)
{
	(void)state;
	exchange(false, false);
}

static void with_redelivery_only_the_message_in_hand_comes_twice_and_marked(void **state)
{
	(void)state;
	exchange(true, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_processes_lose_and_repeat_nothing_but_what_was_in_hand),
		cmocka_unit_test(killed_processes_that_sleep_lose_nothing_and_are_woken),
		cmocka_unit_test(with_redelivery_only_the_message_in_hand_comes_twice_and_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
