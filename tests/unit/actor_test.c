/* SPDX-License-Identifier: Apache-2.0 */
/* Actors in one process through the public API: sending, credit, order, timers, failure, stop. */
#include "common/test.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <mycelium/mycelium.h>

#include "core/process.h"

/* Waits until a condition that another thread makes true; fails after ten seconds. */
#define wait_until(condition)                                       \
	do {                                                        \
		struct timespec nap = {.tv_nsec = 50000};           \
		for (int i_ = 0; i_ < 200000 && !(condition); i_++) \
			nanosleep(&nap, NULL);                      \
		assert_true(condition);                             \
	} while (0)

static struct myc_system *open_system(uint32_t executors, const struct myc_system_opts *base)
{
	static struct myc_executor_opts opts[4];
	struct myc_system_opts system_opts = base ? *base : (struct myc_system_opts){0};
	struct myc_system *system = NULL;
	struct myc_error error;

	for (int i = 0; i < 4; i++)
		opts[i] = (struct myc_executor_opts){.core = -1, .idle = MYC_IDLE_SLEEP};
	system_opts.sz = sizeof(system_opts);
	system_opts.executors = executors;
	system_opts.executor = opts;
	assert_int_equal(myc_system_open(&system, &system_opts, &error), 0);
	return system;
}

static myc_address spawn(struct myc_system *system, const struct myc_behaviour *behaviour,
			 const char *name, uint32_t executor)
{
	struct myc_spawn_opts opts = {
		.sz = sizeof(opts), .behaviour = behaviour, .name = name, .executor = executor};
	struct myc_error error;
	myc_address address = 0;

	assert_int_equal(myc_spawn(system, &opts, &address, &error), 0);
	return address;
}

static void finish(struct myc_system *system)
{
	assert_int_equal(myc_system_stop(system, 10000), 0);
	myc_system_close(system);
}

/* ---- ping and pong ----------------------------------------------------------------------------- */

#define ROUNDS 20000
static _Atomic uint64_t ping_rounds, ping_disorder;

static int pong_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref back;

	if (myc_resolve(self, message->from, &back))
		return 0;
	return myc_send(self, &back, message->type, message->payload, message->size);
}

static int ping_started(struct myc_actor *self)
{
	struct myc_ref *to = myc_state(self);
	uint64_t first = 0;

	assert_int_equal(myc_lookup(self, "pong", to), 0);
	return myc_send(self, to, 1, &first, sizeof(first));
}

static int ping_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t round;

	memcpy(&round, message->payload, sizeof(round));
	if (round != ping_rounds)
		ping_disorder++;
	ping_rounds++;
	round++;
	return round < ROUNDS ? myc_send(self, myc_state(self), 1, &round, sizeof(round)) : 0;
}

static const struct myc_behaviour ping = {.name = "ping",
					  .state_size = sizeof(struct myc_ref),
					  .started = ping_started,
					  .message = ping_message};
static const struct myc_behaviour pong = {.name = "pong", .message = pong_message};

static void ping_pong(uint32_t executors)
{
	struct myc_system *system = open_system(executors, NULL);
	struct myc_error error;

	ping_rounds = ping_disorder = 0;
	spawn(system, &ping, "ping", 0);
	spawn(system, &pong, "pong", executors - 1);
	assert_int_equal(myc_system_start(system, &error), 0);
	wait_until(ping_rounds == ROUNDS);
	assert_int_equal(ping_disorder, 0);
	finish(system);
}

static void two_actors_of_one_executor_exchange_messages(void **state)
{
	(void)state;
	ping_pong(1);
}

static void two_actors_of_two_sleeping_executors_exchange_messages(void **state)
{
	(void)state;
	ping_pong(2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_actors_of_one_executor_exchange_messages),
		cmocka_unit_test(two_actors_of_two_sleeping_executors_exchange_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
