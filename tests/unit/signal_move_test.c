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
#define LOOKS	  12  /* at most so many at which it is on its way go by */
#define SEEDS	  24
#define TURNS	  10000

enum { LOOK = 1, NUMBER, SEND, LEAVE };

static myc_address wanderer_address, reader_address[2];
static uint32_t caught, looks, resumed, read_count[2], downs, stopped;
static struct myc_exit_reason down;
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

/* ---- one that tells it to stop, or links with it, after some looks at which it was on its way ---------- */

static int catch_it(struct myc_actor *self, const struct myc_message *message,
		    int (*act)(struct myc_actor *self))
{
	struct myc_ref me;

	if (message->type == LEAVE)
		myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER, .code = 7});
	if (message->type != LOOK || caught || moved)
		return 0;
	if (looks ? myc_move_state(self->executor->system) == MYC_MOVE_HANDED
		  : myc_move_on_its_way(self->executor->system, wanderer_address)) {
		caught++;
		return act(self);
	}
	return myc_resolve(self, myc_self(self), &me) ?: myc_send(self, &me, LOOK, NULL, 0);
}

static int stop_it(struct myc_actor *self)
{
	return myc_stop_watch(self, wanderer_address, MYC_STOP, UINT64_MAX, NULL);
}

static int stop_when_on_its_way(struct myc_actor *self, const struct myc_message *message)
{
	return catch_it(self, message, stop_it);
}

static int link_it(struct myc_actor *self)
{
	return myc_link(self, wanderer_address);
}

static int link_when_on_its_way(struct myc_actor *self, const struct myc_message *message)
{
	return catch_it(self, message, link_it);
}

static int link_it_and_leave(struct myc_actor *self)
{
	myc_exit(self, (struct myc_exit_reason){.kind = MYC_EXIT_USER, .code = 7});
	return link_it(self);
}

static int link_when_on_its_way_and_leave(struct myc_actor *self, const struct myc_message *message)
{
	return catch_it(self, message, link_it_and_leave);
}

static int link_it_and_fail(struct myc_actor *self)
{
	return link_it(self) ?: -EIO;
}

static int link_when_on_its_way_and_fail(struct myc_actor *self, const struct myc_message *message)
{
	return catch_it(self, message, link_it_and_fail);
}

static int down_came(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	downs += event->kind == MYC_EVENT_DOWN;
	down = event->reason;
	return 0;
}

static void has_stopped(struct myc_actor *self)
{
	(void)self;
	stopped++;
}

static const struct myc_behaviour wanderer = {.name = "wanderer", .stopped = has_stopped};
static const struct myc_behaviour stopper = {
	.name = "stopper", .message = stop_when_on_its_way, .signal = down_came};
static const struct myc_behaviour partner = {.name = "partner", .message = link_when_on_its_way};
static const struct myc_behaviour failer = {.name = "failer",
					    .message = link_when_on_its_way_and_fail};
static const struct myc_behaviour leaver = {.name = "leaver",
					    .message = link_when_on_its_way_and_leave};

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

static const struct myc_executor_opts executor_opts[EXECUTORS] = {
	{.core = -1, .batch = 4}, {.core = -1, .batch = 4}, {.core = -1, .batch = 4}};
static const struct myc_system_opts system_opts = {.sz = sizeof(system_opts),
						   .executors = EXECUTORS,
						   .actors = 64,
						   .lane_slots = 64,
						   .lane_urgent_slots = 16,
						   .executor = executor_opts};

static struct myc_testkit *open_kit(uint64_t seed)
{
	const struct myc_testkit_opts opts = {
		.sz = sizeof(opts), .seed = seed, .system = &system_opts};
	struct myc_testkit *kit;

	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	caught = resumed = downs = stopped = 0;
	looks = (uint32_t)seed % LOOKS;
	moved = false;
	memset(read_count, 0, sizeof(read_count));
	return kit;
}

static void a_suspension_that_follows_its_actor_holds_up_nobody(void **state)
{
	uint32_t moves = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct myc_testkit *kit = open_kit(seed);

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

/* Moves it, while somebody on executor 2 looks out for that; what the move came to. */
static int move_while(struct myc_testkit *kit, const struct myc_behaviour *behaviour,
		      myc_address *from)
{
	wanderer_address = spawn(kit, &wanderer, 0);
	*from = spawn(kit, behaviour, 2);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(myc_testkit_post(kit, *from, LOOK, NULL, 0), 0);
	int code = myc_move(myc_testkit_system(kit, 0), wanderer_address, 1, 10000000000ull, NULL);

	moved = true;
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	return code;
}

static void one_that_is_told_to_stop_on_its_way_stops_and_that_is_told(void **state)
{
	uint32_t moves = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct myc_testkit *kit = open_kit(seed);
		myc_address from;
		int code = move_while(kit, &stopper, &from);

		assert_true(!code || code == -ESRCH);
		moves += caught;
		assert_int_equal(stopped, caught);
		assert_int_equal(downs, caught);
		if (caught)
			assert_int_equal(down.kind, MYC_EXIT_SHUTDOWN);
		myc_testkit_close(kit);
	}
	assert_true(moves > 0);
}

/* `leaves`: who links ends, or is restarted, in the same handler. */
static void link_on_the_way(const struct myc_behaviour *behaviour, bool leaves)
{
	uint32_t moves = 0;

	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct myc_testkit *kit = open_kit(seed);
		myc_address from;
		int code = move_while(kit, behaviour, &from);

		/* Linked in time it has a link of its own, and stays. */
		assert_true(!code || code == -EBUSY || code == -ESRCH);
		assert_int_equal(stopped, leaves ? caught : 0);
		if (!leaves) {
			assert_int_equal(myc_testkit_post(kit, from, LEAVE, NULL, 0), 0);
			assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		}
		assert_int_equal(stopped, caught);
		moves += caught;
		myc_testkit_close(kit);
	}
	assert_true(moves > 0);
}

static void one_that_is_linked_on_its_way_ends_with_its_partner(void **state)
{
	(void)state;
	link_on_the_way(&partner, false);
}

static void one_that_is_linked_on_its_way_ends_with_a_partner_that_ends_at_once(void **state)
{
	(void)state;
	link_on_the_way(&leaver, true);
}

/* A restart breaks the link that was made before it. */
static void one_that_is_linked_on_its_way_ends_with_a_partner_that_fails(void **state)
{
	(void)state;
	link_on_the_way(&failer, true);
}

static void call_it_off(struct myc_testkit *kit)
{
	struct myc_system *system = myc_testkit_system(kit, 0);

	assert_int_equal(myc_move_ask(system, wanderer_address, 1), 0);
	for (int turns = 0; turns < TURNS && !caught; turns++)
		myc_testkit_step(kit);
	for (uint32_t turns = myc_testkit_random(kit, 20); turns; turns--)
		myc_testkit_step(kit);
	__atomic_store_n(&system->move.abort, true, __ATOMIC_RELEASE);
}

/* It has a message that it may not handle: after a while it is where it was, and others send to it again. */
static void one_that_is_linked_while_its_move_is_called_off_ends_with_its_partner(void **state)
{
	uint32_t moves = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++) {
		struct myc_testkit *kit = open_kit(seed);
		struct myc_system *system = myc_testkit_system(kit, 0);

		wanderer_address = spawn(kit, &wanderer, 0);
		myc_address from = spawn(kit, &leaver, 2);

		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		while (myc_actor_suspend(system, wanderer_address) == -EAGAIN)
			myc_testkit_step(kit);
		assert_int_equal(myc_testkit_post(kit, wanderer_address, NUMBER, NULL, 0), 0);
		assert_int_equal(myc_testkit_post(kit, from, LOOK, NULL, 0), 0);
		looks = 0;
		/* By who asked for it, or because it takes too long: what waits for it lets time pass. */
		if (seed % 2)
			call_it_off(kit);
		else
			assert_int_not_equal(myc_move(system, wanderer_address, 1, 200000000, NULL),
					     0);
		moved = true;
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(myc_move_state(system), MYC_MOVE_IDLE);
		assert_int_equal(stopped, caught);
		moves += caught;
		myc_testkit_close(kit);
	}
	assert_true(moves > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_suspension_that_follows_its_actor_holds_up_nobody),
		cmocka_unit_test(one_that_is_told_to_stop_on_its_way_stops_and_that_is_told),
		cmocka_unit_test(one_that_is_linked_on_its_way_ends_with_its_partner),
		cmocka_unit_test(
			one_that_is_linked_on_its_way_ends_with_a_partner_that_ends_at_once),
		cmocka_unit_test(one_that_is_linked_on_its_way_ends_with_a_partner_that_fails),
		cmocka_unit_test(
			one_that_is_linked_while_its_move_is_called_off_ends_with_its_partner),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
