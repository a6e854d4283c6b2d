/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages larger than a slot: copied once or never, whole or shared, passed on, kept, waiting in outbox
 * and mailbox; and at the end every buffer is home.
 */
#include "common/regions.h"
#include "common/spawn.h"
#include "common/wait.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "core/process.h"
#include "memory/pool.h"

enum { LARGE = 1, SHARE, PASS, KEEP, TAKE_ALL, TOO_LARGE, TELL };

#define EXECUTORS 3
#define READERS	  40

static struct myc_region own;
static const struct myc_executor_opts sleeping[EXECUTORS] = {
	{.core = -1}, {.core = -1}, {.core = -1}};
static const struct myc_system_opts system_opts = {.sz = sizeof(system_opts),
						   .executors = EXECUTORS,
						   .buffers = {{128, 8}, {4096, 8}},
						   .loans = 64,
						   .executor = sleeping};

static _Atomic uint64_t received, wrong, kept_ok;
static _Atomic int last_code;
static _Atomic uint64_t told;
static myc_address looker_address[EXECUTORS];
static _Atomic uint32_t lookers_done, lookers_home;

static void fill(uint8_t *data, uint32_t size, uint32_t seed)
{
	for (uint32_t i = 0; i < size; i++)
		data[i] = (uint8_t)(seed * 31 + i * 7);
}

static bool right(const uint8_t *data, uint32_t size, uint32_t seed)
{
	for (uint32_t i = 0; i < size; i++)
		if (data[i] != (uint8_t)(seed * 31 + i * 7))
			return false;
	return true;
}

/* ---- actors ------------------------------------------------------------------------------------ */

static int reader_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	if (!right(message->payload, message->size, message->type == LARGE ? message->size : 5))
		wrong++;
	received++;
	return 0;
}

static const struct myc_behaviour reader = {.name = "reader", .message = reader_message};

struct sender {
	uint64_t number;
	struct myc_body kept;
	uint32_t kept_seed;
};

static void note(int code)
{
	last_code = code;
	told++;
}

static int to_named(struct myc_actor *self, const char *name, struct myc_ref *ref)
{
	int code = myc_lookup(self, name, ref);

	assert_int_equal(code, 0);
	return code;
}

/* Sizes from 41 bytes to a whole buffer, by copy; the mailbox waits, so the outbox holds some. */
static int send_large(struct myc_actor *self)
{
	struct sender *sender = myc_state(self);
	struct myc_ref ref;
	uint8_t data[4096];
	uint32_t size = 41 + (uint32_t)(sender->number++ * 97 % 4056);

	to_named(self, "reader-0", &ref);
	fill(data, size, size);
	int code = myc_send(self, &ref, LARGE, data, size);

	if (code)
		sender->number--;
	note(code);
	return 0;
}

static int share(struct myc_actor *self)
{
	struct myc_body body;
	int code = myc_body_take(self, 3000, &body);

	assert_int_equal(code, 0);
	assert_true(body.size >= 3000);
	body.size = 3000;
	fill(body.data, body.size, 5);
	for (int i = 0; i < READERS && !code; i++) {
		struct myc_ref ref;
		char name[24];

		snprintf(name, sizeof(name), "reader-%d", i);
		to_named(self, name, &ref);
		code = myc_send_share(self, &ref, SHARE, &body);
	}
	myc_body_give(self, &body);
	assert_null(body.data);
	note(code);
	return 0;
}

static int take_all(struct myc_actor *self)
{
	struct myc_body body;
	uint64_t n = 0;
	int code;

	while (!(code = myc_body_take(self, 4096, &body)))
		n++;
	note(code);
	assert_int_equal(myc_body_take(self, 4097, &body), -EMSGSIZE);
	/* They are given back when the actor fails, and ends. */
	return n == 8 ? -ECANCELED : 0;
}

static int keep(struct myc_actor *self, const struct myc_message *message)
{
	struct sender *sender = myc_state(self);

	if (sender->kept.data) {
		if (right(sender->kept.data, sender->kept.size, sender->kept_seed))
			kept_ok++;
		myc_body_give(self, &sender->kept);
	}
	sender->kept_seed = message->size;
	note(myc_body_keep(self, message, &sender->kept));
	return 0;
}

static int sender_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref ref;
	uint8_t byte = 0;

	switch (message->type) {
	case TELL:
		return send_large(self);
	case SHARE:
		return share(self);
	case PASS:
		to_named(self, "reader-1", &ref);
		note(myc_pass(self, &ref, message));
		assert_int_equal(myc_pass(self, &ref, message),
				 message->size > MYC_PAYLOAD_MAX ? -ENODATA : 0);
		return 0;
	case KEEP:
		return keep(self, message);
	case TAKE_ALL:
		return take_all(self);
	case TOO_LARGE:
		to_named(self, "reader-0", &ref);
		note(myc_send(self, &ref, LARGE, &byte, 1u << 20));
		return 0;
	default:
		return -EINVAL;
	}
}

static const struct myc_behaviour sender = {
	.name = "sender", .state_size = sizeof(struct sender), .message = sender_message};

static uint32_t executor_of(myc_address address)
{
	uint32_t executor = 0;

	while (looker_address[executor] != address)
		executor++;
	return executor;
}

/* Is every buffer of its executor's pools home? A plain thread looks for what came home when it needs it. */
static int looker_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t size;
	struct myc_pools *block =
		myc_region_block(&own, MYC_BLOCK_POOL, executor_of(myc_self(self)), &size);
	struct myc_pool_shape shape;
	bool home = true;

	(void)message;
	assert_non_null(block);
	assert_int_equal(myc_pool_shape(block, size, &shape), 0);
	const struct myc_buffer *buffer = (void *)((char *)block + shape.headers);

	for (uint32_t b = 0; b < shape.buffers; b++)
		home = home && !buffer[b].out && !buffer[b].incarnation;
	for (uint32_t f = 0; f < MYC_POOL_FAULTS_COUNT - 1; f++)
		assert_int_equal(block->faults[f], 0);
	lookers_home += home;
	lookers_done++;
	return 0;
}

static const struct myc_behaviour looker = {.name = "looker", .message = looker_message};

/* ---- system ------------------------------------------------------------------------------------ */

static struct myc_system *open_system(myc_address *sender_address)
{
	const struct myc_workspace workspace = {.incarnation = 1, .processes = 1, .regions = &own};
	struct myc_system *system;

	received = wrong = told = kept_ok = 0;
	last_code = 1;
	regions_plan(&own, 1, 0, &system_opts, EXECUTORS);
	assert_int_equal(myc_system_join(&system, &system_opts, &workspace, NULL), 0);
	*sender_address = spawn(system, &sender, "sender", 0);
	for (int i = 0; i < READERS; i++) {
		char name[24];

		snprintf(name, sizeof(name), "reader-%d", i);
		spawn(system, &reader, name, (uint32_t)i % EXECUTORS);
	}
	for (uint32_t e = 0; e < EXECUTORS; e++)
		looker_address[e] = spawn(system, &looker, NULL, e);
	assert_int_equal(myc_system_start(system, NULL), 0);
	return system;
}

static bool all_home(struct myc_system *system)
{
	uint32_t looked = lookers_done, home = lookers_home;

	for (uint32_t e = 0; e < EXECUTORS; e++)
		assert_int_equal(myc_post(system, looker_address[e], 1, NULL, 0, UINT64_MAX), 0);
	wait_until(lookers_done == looked + EXECUTORS);
	return lookers_home == home + EXECUTORS;
}

static void finish(struct myc_system *system)
{
	assert_int_equal(wrong, 0);
	assert_int_equal(myc_system_stop(system, 20000), 0);
	myc_system_close(system);
	myc_region_unmap(&own);
}

static void order(struct myc_system *system, myc_address to, uint16_t type)
{
	uint64_t before = told;

	assert_int_equal(myc_post(system, to, type, NULL, 0, UINT64_MAX), 0);
	wait_until(told > before);
}

/* ---- tests ------------------------------------------------------------------------------------- */

static void large_messages_of_every_size_arrive_whole(void **state)
{
	myc_address to;
	struct myc_system *system = open_system(&to);
	uint64_t sent = 0;

	(void)state;
	for (int i = 0; i < 3000; i++) {
		order(system, to, TELL);
		if (!last_code)
			sent++;
		else
			assert_int_equal(last_code, -ENOBUFS);
	}
	assert_true(sent > 1000);
	wait_until(received == sent);
	wait_until(all_home(system));
	finish(system);
}

static void one_body_is_read_by_forty_without_a_copy(void **state)
{
	myc_address to;
	struct myc_system *system = open_system(&to);

	(void)state;
	for (uint64_t round = 1; round <= 100; round++) {
		order(system, to, SHARE);
		assert_int_equal(last_code, 0);
		wait_until(received == round * READERS);
	}
	wait_until(all_home(system));
	finish(system);
}

static void a_plain_thread_s_large_message_is_passed_on_as_it_came(void **state)
{
	myc_address to;
	struct myc_system *system = open_system(&to);
	uint8_t data[2000];

	(void)state;
	fill(data, sizeof(data), 5);
	for (uint64_t round = 1; round <= 200; round++) {
		assert_int_equal(myc_post(system, to, PASS, data, sizeof(data), UINT64_MAX), 0);
		wait_until(received == round);
		assert_int_equal(last_code, 0);
	}
	wait_until(all_home(system));
	finish(system);
}

static void a_body_that_is_kept_stays_until_it_is_given(void **state)
{
	myc_address to;
	struct myc_system *system = open_system(&to);
	uint8_t data[4096];

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		uint32_t size = 41 + i * 13;
		uint64_t before = told;

		fill(data, size, size);
		assert_int_equal(myc_post(system, to, KEEP, data, size, UINT64_MAX), 0);
		wait_until(told > before);
		assert_int_equal(last_code, 0);
	}
	assert_int_equal(kept_ok, 299);
	finish(system);
}

static void all_buffers_taken_is_an_error_and_a_failed_actor_gives_them_back(void **state)
{
	myc_address to;
	struct myc_system *system = open_system(&to);

	(void)state;
	for (int i = 0; i < 3; i++) {
		order(system, to, TAKE_ALL);
		assert_int_equal(last_code, -ENOBUFS);
	}
	order(system, to, TOO_LARGE);
	assert_int_equal(last_code, -EMSGSIZE);
	wait_until(all_home(system));
	finish(system);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_messages_of_every_size_arrive_whole),
		cmocka_unit_test(one_body_is_read_by_forty_without_a_copy),
		cmocka_unit_test(a_plain_thread_s_large_message_is_passed_on_as_it_came),
		cmocka_unit_test(a_body_that_is_kept_stays_until_it_is_given),
		cmocka_unit_test(all_buffers_taken_is_an_error_and_a_failed_actor_gives_them_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
