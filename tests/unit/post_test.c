/* SPDX-License-Identifier: Apache-2.0 */
/* Plain threads that post to more actors than a lane has entries for flows. */
#include "common/wait.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <mycelium/abi/lane.h>
#include <mycelium/mycelium.h>

#define ACTORS (MYC_LANE_FLOWS + 88u)
#define SECOND 1000000000ull

struct counter {
	uint64_t next;
};

static _Atomic uint64_t handled, disordered;

static int count(struct myc_actor *self, const struct myc_message *message)
{
	struct counter *counter = myc_state(self);
	uint64_t number;

	if (message->type != 1)
		return 0;
	memcpy(&number, message->payload, sizeof(number));
	disordered += number != counter->next++;
	handled++;
	return 0;
}

static const struct myc_behaviour counting = {
	.name = "counting", .state_size = sizeof(struct counter), .message = count};

static struct myc_system *system_;
static myc_address actor[ACTORS];

static void begin(uint32_t executors)
{
	handled = disordered = 0;
	assert_int_equal(
		myc_system_open(&system_,
				&(struct myc_system_opts){.sz = sizeof(struct myc_system_opts),
							  .executors = executors},
				NULL),
		0);
	assert_int_equal(myc_system_start(system_, NULL), 0);
	for (uint32_t i = 0; i < ACTORS; i++)
		assert_int_equal(
			myc_spawn(system_,
				  &(struct myc_spawn_opts){.sz = sizeof(struct myc_spawn_opts),
							   .behaviour = &counting,
							   .executor = i % executors},
				  &actor[i], NULL),
			0);
}

static void end(void)
{
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	myc_system_close(system_);
}

/* `burst` messages to each, round after round. */
static void post_rounds(uint32_t rounds, uint32_t burst)
{
	uint64_t from = handled / ACTORS;

	for (uint64_t round = from; round < from + (uint64_t)rounds * burst; round += burst)
		for (uint32_t i = 0; i < ACTORS; i++)
			for (uint64_t n = round; n < round + burst; n++)
				assert_int_equal(
					myc_post(system_, actor[i], 1, &n, sizeof(n), 10 * SECOND),
					0);
	wait_until(handled == (from + (uint64_t)rounds * burst) * ACTORS);
	assert_int_equal(disordered, 0);
}

static void all_get_theirs_in_order(void **state)
{
	(void)state;
	begin(1);
	post_rounds(4, 1);
	post_rounds(2, 3);
	post_rounds(1, 80); /* more than the credit of one */
	end();
}

/* Another thread, whose pairs take turns as well. */
static void *distract(void *argument)
{
	_Atomic bool *stop = argument;

	for (uint32_t i = 0; !*stop; i = (i + 7) % ACTORS) {
		int code = myc_post(system_, actor[i], 2, NULL, 0, 10 * SECOND);

		if (code)
			return (void *)(intptr_t)code;
	}
	return NULL;
}

static void two_executors_and_two_threads(void **state)
{
	pthread_t other;
	_Atomic bool stop = false;
	void *result;

	(void)state;
	begin(2);
	assert_int_equal(pthread_create(&other, NULL, distract, &stop), 0);
	post_rounds(3, 2);
	stop = true;
	assert_int_equal(pthread_join(other, &result), 0);
	assert_null(result);
	end();
}

static void on_all(int (*what)(struct myc_system *, myc_address))
{
	for (uint32_t i = 0; i < ACTORS; i++) {
		int code;

		while ((code = what(system_, actor[i])) == -EAGAIN)
			sched_yield();
		assert_int_equal(code, 0);
	}
}

/* A pair whose message was not handled keeps its entry: when all are such, who posts waits. */
static void with_all_entries_in_use_a_post_waits_until_one_is_free(void **state)
{
	uint64_t zero = 0;
	uint32_t i = 0;
	int code = 0;

	(void)state;
	begin(1);
	on_all(myc_actor_suspend);
	for (; i < ACTORS && !code; i++)
		code = myc_post(system_, actor[i], 1, &zero, sizeof(zero), SECOND / 10);
	assert_int_equal(code, -ETIMEDOUT);
	assert_int_equal(i, MYC_LANE_FLOWS + 1);
	assert_int_equal(myc_post_try(system_, actor[i - 1], 1, &zero, sizeof(zero)), -ENOSPC);
	on_all(myc_actor_resume);
	for (i--; i < ACTORS; i++)
		assert_int_equal(myc_post(system_, actor[i], 1, &zero, sizeof(zero), 10 * SECOND),
				 0);
	wait_until(handled == ACTORS);
	assert_int_equal(disordered, 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_get_theirs_in_order),
		cmocka_unit_test(two_executors_and_two_threads),
		cmocka_unit_test(with_all_entries_in_use_a_post_waits_until_one_is_free),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
