/* SPDX-License-Identifier: Apache-2.0 */
/* What the tests of messages put aside share: in the test kit, an actor that puts numbers aside until it is opened,
 * and one that sends them. */
#ifndef TESTS_UNIT_STASH_BED_H
#define TESTS_UNIT_STASH_BED_H

#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "core/executor.h"

enum {
	NUMBER = 1,
	OPEN,
	GIVE,
	FAIL,
	STOP,
	CHANGE,
	BACK,
	BOTH,
	REVERSED,
	KEEP,
	PASS,
	SEND,
	TICK,
	SEND_URGENT,
	CLOSE
};
#define NUMBERS_MAX 4096

static struct myc_testkit *kit;
static myc_address keeper_address;
static struct myc_spawn_opts keeper_spawn;

/* What the keeper handled, in its order; its codes. It outlives crashes. */
static uint32_t handled[NUMBERS_MAX], handled_count, refused;
static uint8_t times[NUMBERS_MAX], redelivered[NUMBERS_MAX];
static bool open_now; /* remembered over its restarts */
static int last_code;
static uint32_t last_count;

struct keeper {
	bool open;
};

static const struct myc_behaviour keeper, other;

static inline void note(const struct myc_message *message)
{
	uint32_t number;

	memcpy(&number, message->payload, sizeof(number));
	assert_true(number < NUMBERS_MAX && handled_count < NUMBERS_MAX);
	for (uint32_t i = 0; i < message->size / 4; i++)
		assert_int_equal(((const uint32_t *)message->payload)[i], number);
	handled[handled_count++] = number;
	times[number]++;
	redelivered[number] += message->flags & MYC_MESSAGE_REDELIVERED;
}

static inline int put_aside(struct myc_actor *self, int (*how)(struct myc_actor *))
{
	int code = how(self);

	refused += code == -ENOBUFS;
	return code == -ENOBUFS ? 0 : code;
}

static inline int keeper_message(struct myc_actor *self, const struct myc_message *message)
{
	struct keeper *state = myc_state(self);
	struct myc_body body;
	struct myc_ref ref;
	uint32_t count = 0;

	if (message->size == sizeof(count))
		memcpy(&count, message->payload, sizeof(count));
	switch (message->type) {
	case NUMBER:
		if (!state->open && !open_now)
			return put_aside(self, myc_stash);
		note(message);
		return 0;
	case TICK:
		return put_aside(self, myc_postpone);
	case OPEN:
		state->open = true;
		last_count = myc_unstash_all(self);
		return 0;
	case CLOSE:
		state->open = false;
		return 0;
	case GIVE:
		last_count = myc_unstash(self, count);
		return 0;
	case FAIL:
		assert_int_equal(myc_stash(self), 0);
		return -EIO;
	case STOP:
		assert_int_equal(myc_stash(self), 0);
		myc_stop(self);
		return 0;
	case CHANGE:
		return myc_become(self, &other);
	case BOTH:
		assert_int_equal(myc_postpone(self), 0);
		return myc_become(self, &other);
	case REVERSED:
		assert_int_equal(myc_become(self, &other), 0);
		return myc_postpone(self);
	case KEEP:
		assert_int_equal(myc_body_keep(self, message, &body), 0);
		assert_int_equal(myc_stash(self), 0);
		return 0;
	case PASS:
		assert_int_equal(myc_lookup(self, "probe", &ref), 0);
		assert_int_equal(myc_stash(self), 0);
		assert_int_equal(myc_pass(self, &ref, message), 0);
		return 0;
	}
	return 0;
}

static inline int keeper_init(struct myc_actor *self)
{
	assert_int_equal(myc_stash(self), -ENOENT);
	return 0;
}

static inline int keeper_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	assert_int_equal(myc_stash(self), -ENOENT);
	assert_int_equal(myc_postpone(self), -ENOENT);
	return 0;
}

static inline int keeper_started(struct myc_actor *self)
{
	return myc_timer_start(self, 1000, 0, 0, NULL);
}

static inline int other_message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type == BACK)
		return myc_unbecome(self);
	if (message->type == NUMBER || message->type == TICK || message->type == BOTH ||
	    message->type == REVERSED)
		note(message);
	return 0;
}

static const struct myc_behaviour keeper = {.name = "keeper",
					    .state_size = sizeof(struct keeper),
					    .capacity_per_sender = 16,
					    .stash_capacity = 8,
					    .init = keeper_init,
					    .started = keeper_started,
					    .timer = keeper_timer,
					    .message = keeper_message};
static const struct myc_behaviour other = {.name = "other", .message = other_message};

/* ---- a kit ----------------------------------------------------------------------------------------- */

static inline void open_kit(const struct myc_testkit_opts *base,
			    const struct myc_behaviour *behaviour)
{
	struct myc_testkit_opts opts = base ? *base : (struct myc_testkit_opts){0};

	opts.sz = sizeof(opts);
	memset(handled, 0, sizeof(handled));
	memset(times, 0, sizeof(times));
	memset(redelivered, 0, sizeof(redelivered));
	handled_count = refused = last_count = 0;
	open_now = false;
	keeper_spawn = (struct myc_spawn_opts){
		.sz = sizeof(keeper_spawn), .behaviour = behaviour, .name = "keeper"};
	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, opts.processes > 1, &keeper_spawn, &keeper_address),
			 0);
}

static inline int begin(void **state)
{
	(void)state;
	open_kit(NULL, &keeper);
	return 0;
}

static inline int end(void **state)
{
	(void)state;
	myc_testkit_close(kit);
	return 0;
}

static inline struct myc_actor *actor_of(myc_address address)
{
	return &myc_testkit_system(kit, myc_address_process(address))
			->actor[myc_address_slot(address)];
}

static inline void idle(void)
{
	if (myc_testkit_run_until_idle(kit))
		fail_msg("%s", myc_testkit_failure(kit));
}

static inline void post_sized(uint16_t type, uint32_t number, uint32_t size)
{
	uint32_t words[64];

	for (uint32_t i = 0; i < 64; i++)
		words[i] = number;
	assert_int_equal(myc_testkit_post(kit, keeper_address, type, words, size), 0);
}

static inline void post(uint16_t type, uint32_t number)
{
	post_sized(type, number, sizeof(number));
	idle();
}

static inline void numbers(uint32_t from, uint32_t to)
{
	for (; from <= to; from++)
		post(NUMBER, from);
}

static inline void handled_are(const uint32_t *expected, uint32_t count)
{
	assert_int_equal(handled_count, count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(handled[i], expected[i]);
	handled_count = 0;
}
#define handled_are(...)                             \
	handled_are((const uint32_t[]){__VA_ARGS__}, \
		    sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

static inline uint32_t stashed(void)
{
	return myc_stashed(actor_of(keeper_address));
}

static inline uint64_t dead_letters(void)
{
	return myc_testkit_system(kit, 0)
		->executor[0]
		.words->dead_letters[MYC_DEAD_LETTER_NO_ACTOR];
}

/* ---- a sender that counts ---------------------------------------------------------------------------- */

struct sender {
	struct myc_ref to;
	uint32_t next;
};

static inline int sender_message(struct myc_actor *self, const struct myc_message *message)
{
	struct sender *state = myc_state(self);
	uint32_t count;

	memcpy(&count, message->payload, sizeof(count));
	last_code = state->to.address ? 0 : myc_resolve(self, keeper_address, &state->to);
	if (message->type == SEND_URGENT) {
		last_code = myc_try_send_urgent(self, &state->to, NUMBER, &count, sizeof(count));
		return 0;
	}
	for (last_count = 0; !last_code && last_count < count; last_count++) {
		last_code = myc_try_send(self, &state->to, NUMBER, &state->next, 4);
		state->next += !last_code;
	}
	return 0;
}

static const struct myc_behaviour sender = {
	.name = "sender", .state_size = sizeof(struct sender), .message = sender_message};

#define CASE(name) cmocka_unit_test_setup_teardown(name, begin, end)

#endif
