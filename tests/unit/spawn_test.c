/* SPDX-License-Identifier: Apache-2.0 */
/* Actors that spawn actors: at once, by the thousand, with slots used again and failures that leave nothing. */
#include "common/wait.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include <mycelium/mycelium.h>

#include "core/process.h"

enum { SPAWN = 1, PING, PONG, QUIT, SPAWN_NAMED, SPAWN_FAILING, CHURN };

static _Atomic uint64_t pongs, stoppeds, inits;
static _Atomic int last_code;
static _Atomic bool finished;

struct child {
	uint64_t canary[3];
};

static int child_init(struct myc_actor *self)
{
	struct child *child = myc_state(self);

	assert_true((uintptr_t)child % 64 == 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(child->canary[i], 0);
	child->canary[0] = child->canary[2] = myc_self(self);
	inits++;
	return 0;
}

static int child_message(struct myc_actor *self, const struct myc_message *message)
{
	struct child *child = myc_state(self);
	struct myc_ref back = {0};

	assert_int_equal(child->canary[0], myc_self(self));
	assert_int_equal(child->canary[2], myc_self(self));
	if (message->type == QUIT) {
		myc_stop(self);
		return 0;
	}
	int code = myc_resolve(self, message->from, &back);

	return code ? code : myc_send(self, &back, PONG, NULL, 0);
}

static void child_stopped(struct myc_actor *self)
{
	(void)self;
	stoppeds++;
}

static const struct myc_behaviour child = {.name = "child",
					   .state_size = sizeof(struct child),
					   .init = child_init,
					   .message = child_message,
					   .stopped = child_stopped};

static int refuse(struct myc_actor *self)
{
	struct myc_timer timer;

	assert_int_equal(myc_timer_start(self, 1, 0, 0, &timer), 0);
	return -EPERM;
}

static int never(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	(void)cookie;
	abort();
}

static const struct myc_behaviour failing = {.name = "failing", .init = refuse, .timer = never};

struct parent {
	uint64_t asked, wanted, first, next;
	struct myc_ref self;
};

static int spawn_one(struct myc_actor *self, const struct myc_behaviour *behaviour,
		     const char *name, myc_address *address)
{
	struct myc_error error = {0};
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = behaviour, .name = name};

	return myc_spawn_local(self, &opts, address, &error);
}

/* Spawns `wanted` and asks each for one answer, a burst at a time. */
static int spawn_many(struct myc_actor *self, uint64_t count)
{
	struct parent *parent = myc_state(self);
	myc_address address;

	parent->wanted = count;
	for (uint64_t i = 0; i < count; i++) {
		int code = spawn_one(self, &child, NULL, &address);

		if (code)
			return code;
		if (!i)
			parent->first = address;
	}
	return 0;
}

static int ask_some(struct myc_actor *self)
{
	struct parent *parent = myc_state(self);

	for (int i = 0; i < 32 && parent->asked < parent->wanted; i++, parent->asked++) {
		struct myc_ref ref = {0};
		myc_address address = parent->first + (parent->asked << MYC_GENERATION_BITS);
		int code = myc_resolve(self, address, &ref);

		if (!code)
			code = myc_send(self, &ref, PING, NULL, 0);
		if (code)
			return code;
	}
	return 0;
}

static int churn(struct myc_actor *self, int rounds)
{
	for (int i = 0; i < rounds; i++) {
		struct myc_ref ref = {0};
		myc_address address;
		int code = spawn_one(self, &child, NULL, &address);

		if (!code)
			code = myc_resolve(self, address, &ref);
		if (!code)
			code = myc_send(self, &ref, QUIT, NULL, 0);
		if (code)
			return code;
	}
	return 0;
}

static int parent_message(struct myc_actor *self, const struct myc_message *message)
{
	struct parent *parent = myc_state(self);
	uint64_t count = 0;

	if (message->size == sizeof(count))
		memcpy(&count, message->payload, sizeof(count));
	switch (message->type) {
	case SPAWN:
		last_code = spawn_many(self, count);
		return ask_some(self);
	case PONG:
		pongs++;
		if (pongs == parent->wanted)
			finished = true;
		return pongs % 32 ? 0 : ask_some(self);
	case SPAWN_NAMED:
		last_code = spawn_one(self, &child, "the-child", NULL);
		break;
	case SPAWN_FAILING:
		last_code = spawn_one(self, &failing, "the-child", NULL);
		break;
	case CHURN:
		last_code = churn(self, (int)count);
		break;
	default:
		return -EINVAL;
	}
	finished = true;
	return 0;
}

static const struct myc_behaviour parent = {
	.name = "parent", .state_size = sizeof(struct parent), .message = parent_message};

static struct myc_system *open_with_parent(uint32_t actors, myc_address *address)
{
	const struct myc_system_opts opts = {.sz = sizeof(opts), .actors = actors};
	const struct myc_spawn_opts one = {
		.sz = sizeof(one), .behaviour = &parent, .name = "parent"};
	struct myc_system *system;

	pongs = stoppeds = inits = 0;
	finished = false;
	last_code = 1;
	assert_int_equal(myc_system_open(&system, &opts, NULL), 0);
	assert_int_equal(myc_spawn(system, &one, address, NULL), 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	return system;
}

static void order(struct myc_system *system, myc_address to, uint16_t type, uint64_t count)
{
	finished = false;
	assert_int_equal(myc_post(system, to, type, &count, sizeof(count), UINT64_MAX), 0);
	wait_until(finished);
}

static void finish(struct myc_system *system)
{
	assert_int_equal(myc_system_stop(system, 60000), 0);
	myc_system_close(system);
}

static void a_hundred_thousand_children_answer_once_each(void **state)
{
	myc_address address;
	struct myc_system *system = open_with_parent(100001, &address);

	(void)state;
	order(system, address, SPAWN, 100000);
	assert_int_equal(last_code, 0);
	assert_int_equal(inits, 100000);
	assert_int_equal(pongs, 100000);
	finish(system);
	assert_int_equal(stoppeds, 100000);
}

static void slots_of_ended_children_are_used_again(void **state)
{
	myc_address address;
	/* A slot is free when the turn is over in which its actor ended; the next round may come before. */
	struct myc_system *system = open_with_parent(96, &address);

	(void)state;
	for (uint64_t round = 1; round <= 500; round++) {
		order(system, address, CHURN, 40);
		assert_int_equal(last_code, 0);
		wait_until(stoppeds == round * 40);
	}
	finish(system);
}

static void when_all_slots_are_taken_the_spawner_is_told(void **state)
{
	myc_address address;
	struct myc_system *system = open_with_parent(8, &address);
	const uint64_t count = 8;

	(void)state;
	assert_int_equal(myc_post(system, address, SPAWN, &count, sizeof(count), UINT64_MAX), 0);
	wait_until(last_code == -ENOSPC);
	assert_int_equal(inits, 7);
	finish(system);
	assert_int_equal(stoppeds, 7);
}

static void a_name_is_given_once_and_a_failed_start_gives_it_back(void **state)
{
	myc_address address;
	struct myc_system *system = open_with_parent(16, &address);

	(void)state;
	for (int i = 0; i < 50; i++) {
		order(system, address, SPAWN_FAILING, 0);
		assert_int_equal(last_code, -EPERM);
	}
	order(system, address, SPAWN_NAMED, 0);
	assert_int_equal(last_code, 0);
	order(system, address, SPAWN_NAMED, 0);
	assert_int_equal(last_code, -EEXIST);
	finish(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_thousand_children_answer_once_each),
		cmocka_unit_test(slots_of_ended_children_are_used_again),
		cmocka_unit_test(when_all_slots_are_taken_the_spawner_is_told),
		cmocka_unit_test(a_name_is_given_once_and_a_failed_start_gives_it_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
