/* SPDX-License-Identifier: Apache-2.0 */
/*
 * For which life of a process an ask is, where a process has started so often that an entry has no room for the number:
 * what that life was asked ends with it, and not before. In the deterministic runtime.
 *
 *	process 0: asker -- a request --> process 1: middle -- passes it on --> process 2: silent, which has many lives
 */
#include "unit/liar_bed.h"

#include <mycelium/abi/signal.h>

#include "core/ask.h"
#include "core/testkit.h"

#define SECOND 1000000000ull

enum { QUESTION = 1 };

static myc_address silent_address;
static uint32_t word_says; /* the life in the word of who has it; 0: as it is */
static uint32_t told;
static int status;

static int keeps(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return 0;
}

static int pass_on(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_signal_moved moved;
	struct myc_ref to;
	int code = myc_resolve(self, silent_address, &to);

	if (!code)
		code = myc_forward(self, message, &to);
	if (code || !word_says)
		return code;
	struct myc_slot *slot = slot_sent(self, 0, 0);

	assert_int_equal(slot->type, MYC_SIGNAL_ASK_MOVED);
	memcpy(&moved, slot->payload, sizeof(moved));
	moved.incarnation = word_says;
	memcpy(slot->payload, &moved, sizeof(moved));
	return 0;
}

static int ask(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	myc_address whom;

	memcpy(&whom, message->payload, sizeof(whom));
	int code = myc_resolve(self, whom, &to);

	return code ? code : myc_ask(self, &to, QUESTION, NULL, 0, MYC_FOREVER, 0, NULL);
}

static int outcome(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	told++;
	status = reply->status;
	return 0;
}

static const struct myc_behaviour asker = {.name = "asker", .message = ask, .reply = outcome};
static const struct myc_behaviour middle = {.name = "middle", .message = pass_on};
static const struct myc_behaviour silent = {.name = "silent", .message = keeps};

/* Process 2 is at this life. */
static struct myc_testkit *open_at(uint64_t life, myc_address *address)
{
	const struct myc_behaviour *const as[PROCESSES] = {&asker, &middle, &silent};
	struct myc_testkit *kit = open_kit(1, as, address);

	kit->process[2].incarnation = life - 1;
	assert_int_equal(myc_testkit_crash(kit, 2), 0);
	assert_int_equal(kit->process[2].incarnation, life);
	silent_address = address[2];
	told = 0;
	return kit;
}

static void ask_of(struct myc_testkit *kit, myc_address who, myc_address whom)
{
	tell(kit, who, QUESTION, &whom, sizeof(whom));
	assert_int_equal(myc_testkit_advance(kit, 2 * SECOND), 0);
}

static const uint64_t lives[] = {32767, 32768, 32769, 65535, 65536, 65537, 131072};
#define LIVES (sizeof(lives) / sizeof(lives[0]))

static void what_a_life_was_asked_ends_with_it(void **state)
{
	(void)state;
	word_says = 0;
	for (size_t i = 0; i < LIVES; i++) {
		myc_address address[PROCESSES];
		struct myc_testkit *kit = open_at(lives[i], address);

		ask_of(kit, address[0], address[2]);
		ask_of(kit, address[0], address[1]);
		assert_int_equal(told, 0);
		assert_int_equal(myc_testkit_crash(kit, 2), 0);
		assert_int_equal(myc_testkit_advance(kit, 2 * SECOND), 0);
		assert_int_equal(told, 2);
		assert_int_equal(status, -ENOTCONN);
		myc_testkit_close(kit);
	}
}

static void late_word_of_a_life_that_is_over_ends_the_ask(void **state)
{
	(void)state;
	for (size_t i = 0; i < LIVES; i++) {
		myc_address address[PROCESSES];
		struct myc_testkit *kit = open_at(lives[i] + 1, address);

		word_says = 0;
		ask_of(kit, address[0],
		       address[1]); /* the lanes are there, and the asker has looked */
		assert_int_equal(told, 0);
		word_says = (uint32_t)lives[i];
		ask_of(kit, address[0], address[1]);
		assert_int_equal(told, 1);
		assert_int_equal(status, -ENOTCONN);
		myc_testkit_close(kit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_a_life_was_asked_ends_with_it),
		cmocka_unit_test(late_word_of_a_life_that_is_over_ends_the_ask),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
