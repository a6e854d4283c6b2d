/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Urgent signals to an actor that is on its way to another executor wait, and follow it: core/signal.h, core/move.h. What
 * their sender sends afterwards, to the executor it left and to the one it came to, goes on as before.
 */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "core/move.h"
#include "core/process.h"

#define EXECUTORS 3
#define NUMBERS	  200 /* more than a lane holds */

enum { LOOK = 1, NUMBER, SEND };

static myc_address wanderer_address, reader_address[2];
static uint32_t caught, resumed, read_count[2];
static bool moved;

/* ---- the one that moves, and those that stay where it was and where it comes to --------------------- */

static int count(struct myc_actor *self, const struct myc_message *message)
{
	for (int i = 0; i < 2; i++)
		read_count[i] += message->type == NUMBER && myc_self(self) == reader_address[i];
	resumed += message->type == NUMBER && myc_self(self) == wanderer_address;
	return 0;
}

static const struct myc_behaviour reader = {.name = "reader", .message = count};

/* ---- the one that suspends and resumes it, whenever it sees it on its way ---------------------------- */

static int send_numbers(struct myc_actor *self, myc_address to)
{
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	for (uint64_t i = 0; i < NUMBERS && !code; i++)
		code = myc_send(self, &ref, NUMBER, &i, sizeof(i));
	return code;
}

static int look(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref me;
	int code = 0;

	if (message->type == SEND)
		return send_numbers(self, reader_address[0])
			       ?: send_numbers(self, reader_address[1]);
	if (!caught && myc_move_on_its_way(self->executor->system, wanderer_address)) {
		caught++;
		code = myc_suspend(self, wanderer_address) ?: myc_resume(self, wanderer_address);
	}
	if (code || caught || moved)
		return code;
	code = myc_resolve(self, myc_self(self), &me);
	return code ? code : myc_send(self, &me, LOOK, NULL, 0);
}

static const struct myc_behaviour watcher = {.name = "watcher", .message = look};

/* ------------------------------------------------------------------------------------------------------- */

static myc_address spawn(struct myc_testkit *kit, const struct myc_behaviour *behaviour,
			 uint32_t executor)
{
	const struct myc_spawn_opts opts = {
		.sz = sizeof(opts), .behaviour = behaviour, .executor = executor};
	myc_address address;

	assert_int_equal(myc_spawn(myc_testkit_system(kit, 0), &opts, &address, NULL), 0);
	return address;
}

static void a_suspension_that_follows_its_actor_holds_up_nobody(void **state)
{
	static const struct myc_executor_opts executor[EXECUTORS] = {
		{.core = -1, .batch = 4}, {.core = -1, .batch = 4}, {.core = -1, .batch = 4}};
	static const struct myc_system_opts system = {.sz = sizeof(system),
						      .executors = EXECUTORS,
						      .actors = 64,
						      .lane_slots = 64,
						      .lane_urgent_slots = 16,
						      .executor = executor};
	uint32_t moves = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct myc_testkit *kit;

		assert_int_equal(myc_testkit_open(&kit,
						  &(struct myc_testkit_opts){
							  .sz = sizeof(struct myc_testkit_opts),
							  .seed = seed,
							  .system = &system},
						  NULL),
				 0);
		caught = resumed = 0;
		moved = false;
		memset(read_count, 0, sizeof(read_count));
		wanderer_address = spawn(kit, &reader, 0);
		reader_address[0] = spawn(kit, &reader, 0);
		reader_address[1] = spawn(kit, &reader, 1);
		myc_address from = spawn(kit, &watcher, 2);

		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(myc_testkit_post(kit, from, LOOK, NULL, 0), 0);
		assert_int_equal(myc_move(myc_testkit_system(kit, 0), wanderer_address, 1,
					  10000000000ull, NULL),
				 0);
		moved = true;
		moves += caught;
		assert_int_equal(myc_testkit_post(kit, from, SEND, NULL, 0), 0);
		assert_int_equal(myc_testkit_post(kit, wanderer_address, NUMBER, NULL, 0), 0);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(resumed, 1);
		assert_int_equal(read_count[0], NUMBERS);
		assert_int_equal(read_count[1], NUMBERS);
		myc_testkit_close(kit);
	}
	assert_true(moves > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_suspension_that_follows_its_actor_holds_up_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
