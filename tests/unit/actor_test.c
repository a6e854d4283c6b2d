/* SPDX-License-Identifier: Apache-2.0 */
/* Actors in one process through the public API: sending, credit, order, timers, failure, stop. */
#include "common/spawn.h"
#include "common/wait.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <mycelium/mycelium.h>

#include "core/process.h"

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

/* ---- flooding, order, bounds ------------------------------------------------------------------- */

#define FLOOD 20000
static _Atomic uint64_t sink_handled[3], sink_disorder, bystander_ticks, refused;
static _Atomic int self_send_code;

enum { FROM_SEND = 0, FROM_TRY = 1, FROM_POST = 2 };

struct flood {
	struct myc_ref sink, self;
	uint64_t next;
};

/* Messages carry who * 2^32 + number. The sink is slow: credit runs out. */
static int sink_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t value, who;

	(void)self;
	memcpy(&value, message->payload, sizeof(value));
	who = value >> 32;
	if ((uint32_t)value != sink_handled[who])
		sink_disorder++;
	sink_handled[who]++;
	for (volatile int i = 0; i < 50; i++)
		;
	return 0;
}

static int flood_send(struct myc_actor *self, const struct myc_message *message)
{
	struct flood *flood = myc_state(self);

	(void)message;
	/* Bursts larger than the credit: what is left waits in the outbox, and the actor with it. */
	for (int i = 0; i < 20 && flood->next < FLOOD; i++) {
		uint64_t value = (uint64_t)FROM_SEND << 32 | flood->next;

		if (myc_send(self, &flood->sink, 1, &value, sizeof(value)))
			return 0;
		flood->next++;
	}
	return flood->next < FLOOD ? myc_send(self, &flood->self, 1, NULL, 0) : 0;
}

static int flood_try(struct myc_actor *self, const struct myc_message *message)
{
	struct flood *flood = myc_state(self);

	(void)message;
	for (int i = 0; i < 20 && flood->next < FLOOD; i++) {
		uint64_t value = (uint64_t)FROM_TRY << 32 | flood->next;
		int code = myc_try_send(self, &flood->sink, 1, &value, sizeof(value));

		refused += code == -EAGAIN;
		if (code)
			break;
		flood->next++;
	}
	return flood->next < FLOOD ? myc_send(self, &flood->self, 1, NULL, 0) : 0;
}

static int flood_started(struct myc_actor *self)
{
	struct flood *flood = myc_state(self);

	assert_int_equal(myc_lookup(self, "sink", &flood->sink), 0);
	assert_int_equal(myc_resolve(self, myc_self(self), &flood->self), 0);
	return myc_send(self, &flood->self, 1, NULL, 0);
}

static int bystander_started(struct myc_actor *self)
{
	return myc_timer_start(self, 100000, 100000, 0, NULL);
}

static int bystander_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	(void)cookie;
	bystander_ticks++;
	return 0;
}

static const struct myc_behaviour sink = {
	.name = "sink", .mailbox_capacity = 16, .capacity_per_sender = 8, .message = sink_message};
static const struct myc_behaviour sender = {.name = "sender",
					    .state_size = sizeof(struct flood),
					    .started = flood_started,
					    .message = flood_send};
static const struct myc_behaviour trier = {.name = "trier",
					   .state_size = sizeof(struct flood),
					   .started = flood_started,
					   .message = flood_try};
static const struct myc_behaviour bystander = {
	.name = "bystander", .started = bystander_started, .timer = bystander_timer};

static void *poster(void *argument)
{
	struct myc_system *system = argument;

	for (uint64_t i = 0; i < FLOOD; i++) {
		uint64_t value = (uint64_t)FROM_POST << 32 | i;

		if (myc_post(system, myc_address_make(0, 0, 64, 1), 1, &value, sizeof(value),
			     UINT64_MAX))
			break;
	}
	return NULL;
}

static void flood_on(uint32_t executors)
{
	struct myc_system_opts opts = {.lane_slots = 16, .outbox = 64, .pending = 64};
	struct myc_system *system = open_system(executors, &opts);
	struct myc_error error;
	pthread_t thread;
	myc_address to;

	for (int i = 0; i < 3; i++)
		sink_handled[i] = 0;
	sink_disorder = bystander_ticks = refused = 0;
	to = spawn(system, &sink, "sink", executors - 1);
	assert_int_equal(to, myc_address_make(0, 0, 64, 1));
	spawn(system, &sender, NULL, 0);
	spawn(system, &trier, NULL, 0);
	spawn(system, &bystander, NULL, 0);
	assert_int_equal(myc_system_start(system, &error), 0);
	pthread_create(&thread, NULL, poster, system);
	wait_until(sink_handled[FROM_SEND] == FLOOD && sink_handled[FROM_TRY] == FLOOD &&
		   sink_handled[FROM_POST] == FLOOD);
	pthread_join(thread, NULL);
	assert_int_equal(sink_disorder, 0);
	assert_true(refused > 0);
	uint64_t ticks = bystander_ticks;

	wait_until(bystander_ticks > ticks);
	finish(system);
}

static void floods_arrive_in_order_and_whole_on_one_executor(void **state)
{
	(void)state;
	flood_on(1);
}

static void floods_arrive_in_order_and_whole_across_executors(void **state)
{
	(void)state;
	flood_on(2);
}

/* ---- a paused receiver: its mailbox fills to its bound, nobody else waits -------------------------- */

static _Atomic bool gate_open;
static _Atomic uint64_t gate_handled;

static int gate_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	while (!gate_open)
		sched_yield();
	gate_handled++;
	return 0;
}

static const struct myc_behaviour gate = {.name = "gate",
					  .mailbox_capacity = 100,
					  .capacity_per_sender = 10,
					  .message = gate_message};

static void a_sender_gets_its_credit_and_no_more(void **state)
{
	struct myc_system *system = open_system(1, NULL);
	struct myc_error error;
	myc_address to = spawn(system, &gate, "gate", 0);
	int sent = 0;

	(void)state;
	gate_open = false;
	gate_handled = 0;
	assert_int_equal(myc_post_try(system, to, 0xff00, NULL, 0), -EINVAL);
	assert_int_equal(myc_post_try(system, to, 1, NULL, 65537), -EMSGSIZE);
	assert_int_equal(myc_post_try(system, to + 1, 1, NULL, 0), -ESRCH);
	assert_int_equal(myc_system_start(system, &error), 0);
	while (!myc_post(system, to, 1, NULL, 0, 50000000))
		sent++;
	assert_int_equal(sent, 10);
	assert_int_equal(myc_post_try(system, to, 1, NULL, 0), -EAGAIN);
	assert_int_equal(myc_post(system, to, 1, NULL, 0, 1000000), -ETIMEDOUT);
	gate_open = true;
	wait_until(gate_handled == 10);
	assert_int_equal(myc_post(system, to, 1, NULL, 0, UINT64_MAX), 0);
	wait_until(gate_handled == 11);
	finish(system);
}

static int self_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	int code = 0;

	(void)message;
	assert_int_equal(myc_resolve(self, myc_self(self), &to), 0);
	for (int i = 0; i < 100 && !code; i++)
		code = myc_send(self, &to, 2, NULL, 0);
	self_send_code = code;
	myc_stop(self);
	return 0;
}

static void a_send_to_oneself_without_credit_is_a_deadlock_and_says_so(void **state)
{
	static const struct myc_behaviour narcissus = {
		.name = "narcissus", .capacity_per_sender = 4, .message = self_message};
	struct myc_system *system = open_system(1, NULL);
	struct myc_error error;
	myc_address to = spawn(system, &narcissus, NULL, 0);

	(void)state;
	self_send_code = 0;
	assert_int_equal(myc_system_start(system, &error), 0);
	assert_int_equal(myc_post(system, to, 1, NULL, 0, UINT64_MAX), 0);
	wait_until(self_send_code != 0);
	assert_int_equal(self_send_code, -EDEADLK);
	wait_until(myc_post_try(system, to, 1, NULL, 0) == -ESRCH); /* it stopped itself */
	finish(system);
}

/* ---- life -------------------------------------------------------------------------------------- */

static _Atomic int inits, starteds, stoppings, stoppeds, handled_ok, late_timers;
static _Atomic uint32_t restarts_seen;

static int frail_init(struct myc_actor *self)
{
	inits++;
	restarts_seen = myc_restarts(self);
	assert_int_equal(*(uint64_t *)myc_state(self), 0);
	*(uint64_t *)myc_state(self) = 1;
	assert_string_equal(myc_setting(self, "colour", "?"), "blue");
	assert_string_equal(myc_setting(self, "size", "small"), "small");
	return 0;
}

static int frail_started(struct myc_actor *self)
{
	starteds++;
	return 0 * myc_timer_start(self, 0, 0, 1, NULL);
}

static int frail_message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type == 13) {
		myc_timer_start(self, 1000000, 1000000, 99, NULL); /* must not survive */
		return -EIO;
	}
	handled_ok++;
	return 0;
}

static int frail_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	late_timers += cookie == 99;
	return 0;
}

static void frail_stopping(struct myc_actor *self)
{
	(void)self;
	stoppings++;
}

static void frail_stopped(struct myc_actor *self)
{
	(void)self;
	stoppeds++;
}

static void frail_status(struct myc_actor *self, struct myc_status *status)
{
	snprintf(status->text, sizeof(status->text), "%u restarts", myc_restarts(self));
}

static const struct myc_behaviour frail = {.name = "frail",
					   .state_size = sizeof(uint64_t),
					   .init = frail_init,
					   .started = frail_started,
					   .message = frail_message,
					   .timer = frail_timer,
					   .stopping = frail_stopping,
					   .stopped = frail_stopped,
					   .status = frail_status};

static myc_address spawn_frail(struct myc_system *system)
{
	struct myc_setting colour = {.key = "colour", .value = "blue"};
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = &frail,
				      .name = "frail",
				      .settings = &colour,
				      .settings_count = 1,
				      .restarts_max = 2};
	struct myc_error error;
	myc_address address;

	inits = starteds = stoppings = stoppeds = handled_ok = late_timers = 0;
	assert_int_equal(myc_spawn(system, &opts, &address, &error), 0);
	assert_int_equal(myc_spawn(system, &opts, NULL, &error), -EEXIST);
	return address;
}

static void a_failing_actor_is_restarted_in_place_until_its_limit(void **state)
{
	struct myc_system *system = open_system(1, NULL);
	struct myc_error error;
	myc_address to = spawn_frail(system);

	(void)state;
	assert_int_equal(myc_system_start(system, &error), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(myc_post(system, to, 13, NULL, 0, UINT64_MAX), 0);
		assert_int_equal(myc_post(system, to, 1, NULL, 0, UINT64_MAX), 0);
		wait_until(handled_ok == i + 1);
		assert_int_equal(inits, i + 2);
		assert_int_equal(restarts_seen, i + 1);
	}
	assert_int_equal(late_timers, 0);
	assert_int_equal(stoppeds, 0);
	assert_int_equal(myc_post(system, to, 13, NULL, 0, UINT64_MAX), 0);
	wait_until(stoppeds == 1);
	wait_until(myc_post_try(system, to, 1, NULL, 0) == -ESRCH);
	assert_int_equal(inits, 3);
	assert_int_equal(stoppings, 0);
	/* Its name and slot are free again, its old address is not. */
	myc_address next = spawn_frail(system);

	assert_int_not_equal(next, to);
	wait_until(inits == 1);
	assert_int_equal(myc_post_try(system, to, 1, NULL, 0), -ESRCH);
	assert_int_equal(myc_post(system, next, 1, NULL, 0, UINT64_MAX), 0);
	wait_until(handled_ok == 1);
	finish(system);
	assert_int_equal(stoppings, 1);
	assert_int_equal(stoppeds, 1);
}

static void a_stop_delivers_what_is_on_its_way_first(void **state)
{
	struct myc_system *system = open_system(2, NULL);
	struct myc_error error;
	myc_address to = spawn_frail(system);

	(void)state;
	assert_int_equal(myc_system_start(system, &error), 0);
	for (int i = 0; i < 1000; i++)
		assert_int_equal(myc_post(system, to, 1, NULL, 0, UINT64_MAX), 0);
	finish(system);
	assert_int_equal(handled_ok, 1000);
	assert_int_equal(stoppings, 1);
	assert_int_equal(stoppeds, 1);
}

static void slots_are_reused_many_times_and_run_out_with_an_error(void **state)
{
	struct myc_system_opts opts = {.actors = 4};
	struct myc_system *system = open_system(1, &opts);
	struct myc_spawn_opts one;
	struct myc_error error;
	static const struct myc_behaviour brief = {.name = "brief", .message = self_message};

	(void)state;
	assert_int_equal(myc_system_start(system, &error), 0);
	for (int i = 0; i < 200; i++) {
		myc_address to;

		wait_until(
			myc_spawn(system,
				  &(struct myc_spawn_opts){.sz = sizeof(one), .behaviour = &brief},
				  &to, &error) == 0);
		assert_int_equal(myc_post(system, to, 1, NULL, 0, UINT64_MAX), 0);
	}
	for (int i = 0; i < 8; i++)
		myc_spawn(system,
			  &(struct myc_spawn_opts){.sz = sizeof(one), .behaviour = &bystander},
			  NULL, &error);
	assert_int_equal(
		myc_spawn(system,
			  &(struct myc_spawn_opts){.sz = sizeof(one), .behaviour = &bystander},
			  NULL, &error),
		-ENOSPC);
	finish(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_actors_of_one_executor_exchange_messages),
		cmocka_unit_test(two_actors_of_two_sleeping_executors_exchange_messages),
		cmocka_unit_test(floods_arrive_in_order_and_whole_on_one_executor),
		cmocka_unit_test(floods_arrive_in_order_and_whole_across_executors),
		cmocka_unit_test(a_sender_gets_its_credit_and_no_more),
		cmocka_unit_test(a_send_to_oneself_without_credit_is_a_deadlock_and_says_so),
		cmocka_unit_test(a_failing_actor_is_restarted_in_place_until_its_limit),
		cmocka_unit_test(a_stop_delivers_what_is_on_its_way_first),
		cmocka_unit_test(slots_are_reused_many_times_and_run_out_with_an_error),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
