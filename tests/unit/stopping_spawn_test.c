/* SPDX-License-Identifier: Apache-2.0 */
/* Actors that are spawned while their system stops: each that began is told `stopping` once, or was refused. */
#include "common/wait.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>

#include <mycelium/mycelium.h>

#define LONG_MS 10000
#define LONG_NS 10000000000ull
#define ACTORS	40

enum { WORK = 1, SPAWN, BLOCK };

/* `wrong`: what no handler may see. */
static _Atomic uint32_t begun, told, ended, handled, blocked, wrong;
static _Atomic int refusal;
static _Atomic bool hold;
static struct myc_error why;

struct child {
	bool told;
};

static int child_init(struct myc_actor *self)
{
	(void)self;
	begun++;
	return 0;
}

static int child_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	handled++;
	return 0;
}

static void child_stopping(struct myc_actor *self)
{
	struct child *child = myc_state(self);

	wrong += child->told;
	child->told = true;
	told++;
}

static void child_stopped(struct myc_actor *self)
{
	const struct child *child = myc_state(self);

	wrong += !child->told;
	ended++;
}

static const struct myc_behaviour child = {.name = "child",
					   .state_size = sizeof(struct child),
					   .init = child_init,
					   .message = child_message,
					   .stopping = child_stopping,
					   .stopped = child_stopped};

static int spawn_as(struct myc_actor *self, const struct myc_behaviour *behaviour,
		    myc_address *address)
{
	const struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = behaviour};

	return myc_spawn_local(self, &opts, address, &why);
}

static struct myc_system *open_system(const struct myc_behaviour *behaviour, myc_address *actor)
{
	/* Of what waits one is handled before the executor sees that it is to stop. */
	static const struct myc_executor_opts executor[2] = {{.core = -1, .batch = 1},
							     {.core = -1}};
	const struct myc_system_opts opts = {
		.sz = sizeof(opts), .executors = 2, .executor = executor, .actors = ACTORS};
	struct myc_system *system;

	begun = told = ended = handled = blocked = wrong = 0;
	refusal = 0;
	hold = false;
	assert_int_equal(myc_system_open(&system, &opts, NULL), 0);
	assert_int_equal(myc_spawn(system,
				   &(struct myc_spawn_opts){.sz = sizeof(struct myc_spawn_opts),
							    .behaviour = behaviour},
				   actor, NULL),
			 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	return system;
}

static void close_system(struct myc_system *system)
{
	assert_int_equal(wrong, 0);
	myc_system_close(system);
}

/* So many have begun by then, each is told, and ends. */
static void stop_system(struct myc_system *system, uint32_t children)
{
	assert_int_equal(myc_system_stop(system, LONG_MS), 0);
	assert_int_equal(begun, children);
	assert_int_equal(told, children);
	assert_int_equal(ended, children);
	close_system(system);
}

/* A system of one actor, which has so many children until it has stopped. */
static void stop_system_of(const struct myc_behaviour *parent, uint32_t children)
{
	myc_address address;

	stop_system(open_system(parent, &address), children);
}

/* ---- from `stopping` --------------------------------------------------------------------------- */

static void spawns_when_told(struct myc_actor *self)
{
	wrong += spawn_as(self, &child, NULL) != 0;
}

static void one_spawned_from_stopping_is_told_too(void **state)
{
	static const struct myc_behaviour parent = {.name = "parent", .stopping = spawns_when_told};

	(void)state;
	stop_system_of(&parent, 1);
}

static void speaks_to_its_child(struct myc_actor *self)
{
	struct myc_ref to;
	myc_address address;

	if (spawn_as(self, &child, &address) || myc_resolve(self, address, &to)) {
		wrong++;
		return;
	}
	for (int i = 0; i < 3; i++)
		wrong += myc_send(self, &to, WORK, NULL, 0) != 0;
}

static void what_it_is_sent_is_handled_before_it_ends(void **state)
{
	static const struct myc_behaviour parent = {.name = "parent",
						    .stopping = speaks_to_its_child};

	(void)state;
	stop_system_of(&parent, 1);
	assert_int_equal(handled, 3);
}

/* Each spawns another of its kind when it is told: the slots end it. */
static void breed(struct myc_actor *self);
static const struct myc_behaviour breeder = {.name = "breeder",
					     .state_size = sizeof(struct child),
					     .init = child_init,
					     .stopping = breed,
					     .stopped = child_stopped};

static void breed(struct myc_actor *self)
{
	child_stopping(self);
	int code = spawn_as(self, &breeder, NULL);

	if (code)
		refusal = code;
}

static void who_spawns_for_ever_comes_to_the_end_of_the_slots(void **state)
{
	myc_address address;
	struct myc_system *system = open_system(&breeder, &address);

	(void)state;
	assert_int_equal(myc_system_stop(system, LONG_MS), 0);
	assert_int_equal(refusal, -ENOSPC);
	assert_true(begun > 1 && begun <= ACTORS);
	assert_int_equal(told, begun);
	assert_int_equal(ended, begun);
	close_system(system);
}

/* ---- from what is handled while the system stops ------------------------------------------------ */

static int spawns_when_asked(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type == BLOCK) {
		blocked++;
		while (hold)
			sched_yield();
		return 0;
	}
	return spawn_as(self, &child, NULL);
}

static void one_spawned_for_a_message_that_is_drained_is_told_too(void **state)
{
	static const struct myc_behaviour parent = {.name = "parent", .message = spawns_when_asked};
	myc_address address;
	struct myc_system *system = open_system(&parent, &address);

	(void)state;
	hold = true;
	assert_int_equal(myc_post(system, address, BLOCK, NULL, 0, LONG_NS), 0);
	wait_until(blocked == 1);
	for (int i = 0; i < 10; i++)
		assert_int_equal(myc_post(system, address, SPAWN, NULL, 0, LONG_NS), 0);
	/* It is in its handler: the stop is asked for before it comes to these. */
	assert_int_equal(myc_system_stop(system, 0), -ETIMEDOUT);
	hold = false;
	stop_system(system, 10);
}

/* Of two ends it has one: it stops by itself, having been told. */
static int stops_at_once(struct myc_actor *self)
{
	begun++;
	myc_stop(self);
	return 0;
}

static const struct myc_behaviour brief = {.name = "brief",
					   .state_size = sizeof(struct child),
					   .init = stops_at_once,
					   .stopping = child_stopping,
					   .stopped = child_stopped};

static void spawns_brief(struct myc_actor *self)
{
	wrong += spawn_as(self, &brief, NULL) != 0;
}

static void one_that_stops_as_it_begins_is_told_once(void **state)
{
	static const struct myc_behaviour parent = {.name = "parent", .stopping = spawns_brief};

	(void)state;
	stop_system_of(&parent, 1);
}

/* ---- too late ------------------------------------------------------------------------------------ */

static void spawns_at_the_end(struct myc_actor *self)
{
	refusal = spawn_as(self, &child, NULL);
}

static const struct myc_behaviour leaves_a_child = {.name = "parent", .stopped = spawns_at_the_end};

static void from_the_last_call_of_an_actor_nobody_is_spawned(void **state)
{
	(void)state;
	stop_system_of(&leaves_a_child, 0);
	assert_int_equal(refusal, -ESHUTDOWN);
	assert_non_null(strstr(why.remedy, "stopping"));
}

static void but_an_actor_that_stops_by_itself_may_leave_another(void **state)
{
	myc_address address;
	struct myc_system *system = open_system(&leaves_a_child, &address);

	(void)state;
	assert_int_equal(myc_actor_stop(system, address, MYC_STOP, LONG_NS), 0);
	assert_int_equal(refusal, 0);
	assert_int_equal(begun, 1);
	stop_system(system, 1);
}

static void into_a_system_that_has_stopped_nobody_is_spawned(void **state)
{
	static const struct myc_behaviour parent = {.name = "parent"};
	const struct myc_spawn_opts opts = {
		.sz = sizeof(opts), .behaviour = &child, .name = "late", .executor = 1};
	struct myc_error error = {0};
	myc_address address;
	struct myc_system *system = open_system(&parent, &address);

	(void)state;
	assert_int_equal(myc_system_stop(system, LONG_MS), 0);
	for (int i = 0; i < 2 * ACTORS; i++) /* and costs no slot, nor the name */
		assert_int_equal(myc_spawn(system, &opts, &address, &error), -ESHUTDOWN);
	assert_non_null(strstr(error.cause, "stopped"));
	assert_int_equal(begun, 0);
	close_system(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_spawned_from_stopping_is_told_too),
		cmocka_unit_test(what_it_is_sent_is_handled_before_it_ends),
		cmocka_unit_test(who_spawns_for_ever_comes_to_the_end_of_the_slots),
		cmocka_unit_test(one_spawned_for_a_message_that_is_drained_is_told_too),
		cmocka_unit_test(one_that_stops_as_it_begins_is_told_once),
		cmocka_unit_test(from_the_last_call_of_an_actor_nobody_is_spawned),
		cmocka_unit_test(but_an_actor_that_stops_by_itself_may_leave_another),
		cmocka_unit_test(into_a_system_that_has_stopped_nobody_is_spawned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
