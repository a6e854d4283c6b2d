/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What lay in a lane when its receiver cut it off: the bodies there come home when the sender's process is restarted, its
 * own and those that it passed on. In the deterministic runtime: three processes, of which the middle one writes over a
 * slot of its own.
 *
 *	process 0: lender -- bodies --> process 1: middle -- a word, then bodies --> process 2: reader
 */
#include "unit/liar_bed.h"

#define BODIES 6

enum { WORD = 1, BODY };

static myc_address middle_address, reader_address;
static uint32_t kept_count, read_count;
static bool spoil;

/* ---- actors ------------------------------------------------------------------------------------------ */

static int lend(struct myc_actor *self, const struct myc_message *message)
{
	static const uint8_t bytes[SIZE] = {1};
	struct myc_ref to;
	int code = myc_resolve(self, middle_address, &to);

	(void)message;
	for (int i = 0; i < BODIES && !code; i++)
		code = myc_send(self, &to, BODY, bytes, sizeof(bytes));
	return code;
}

static const struct myc_behaviour lender = {.name = "lender", .message = lend};

/* Keeps what it gets; then all goes on at once, with as many of its own, behind a word that is spoilt. */
static int pass(struct myc_actor *self, const struct myc_message *message)
{
	static const uint8_t bytes[SIZE] = {2};
	static struct myc_body kept[BODIES];
	struct myc_ref to;
	int code = myc_resolve(self, reader_address, &to);

	if (code || message->type != BODY)
		return code ? code : myc_send(self, &to, WORD, NULL, 0);
	code = myc_body_keep(self, message, &kept[kept_count++]);
	if (code || kept_count < BODIES)
		return code;
	code = myc_try_send(self, &to, WORD, NULL, 0);
	for (int i = 0; i < BODIES && !code; i++)
		code = myc_send_body(self, &to, BODY, &kept[i]);
	for (int i = 0; i < BODIES && !code; i++)
		code = myc_send(self, &to, BODY, bytes, sizeof(bytes));
	if (!code && spoil)
		slot_sent(self, 2, 2 * BODIES)->size = 255;
	return code;
}

static const struct myc_behaviour middle = {.name = "middle", .message = pass};

static int read_it(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	read_count += message->type == BODY;
	return 0;
}

static const struct myc_behaviour reader = {.name = "reader", .message = read_it};

/* ------------------------------------------------------------------------------------------------------- */

static void play(uint64_t seed, bool spoilt, uint32_t deaths)
{
	const struct myc_behaviour *const as[PROCESSES] = {&lender, &middle, &reader};
	myc_address address[PROCESSES];
	struct myc_testkit *kit = open_kit(seed, as, address);

	middle_address = address[1];
	reader_address = address[2];
	kept_count = read_count = 0;
	spoil = spoilt;
	tell(kit, address[1], WORD, NULL, 0); /* it has credit now */
	tell(kit, address[0], WORD, NULL, 0);
	assert_int_equal(kept_count, BODIES);
	assert_int_equal(cut_off(kit, 2), spoilt);
	assert_int_equal(read_count, spoilt ? 0 : 2 * BODIES);
	if (spoilt) {
		assert_int_equal(out(kit, 0), BODIES);
		assert_int_equal(out(kit, 1), BODIES);
	}
	for (uint32_t i = 0; i < deaths; i++) {
		assert_int_equal(myc_testkit_crash(kit, 1), 0);
		/* Its successor may have begun when it dies as well. */
		for (uint32_t turns = myc_testkit_random(kit, 8); i + 1 < deaths && turns--;)
			myc_testkit_step(kit);
	}
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(out(kit, 0), 0);
	assert_int_equal(out(kit, 1), 0);
	/* All of it is there to be lent again. */
	spoil = false;
	kept_count = 0;
	uint32_t before = read_count;

	tell(kit, address[1], WORD, NULL, 0);
	tell(kit, address[0], WORD, NULL, 0);
	assert_int_equal(read_count - before, 2 * BODIES);
	assert_int_equal(out(kit, 0), 0);
	assert_int_equal(out(kit, 1), 0);
	myc_testkit_close(kit);
}

static void bodies_in_a_lane_that_was_cut_off_come_home(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++)
		play(seed, true, 1);
}

static void they_come_home_once_however_often_its_process_dies(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++)
		play(seed, true, 4);
}

static void bodies_that_were_read_are_not_taken_back(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 30; seed++)
		play(seed, false, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(bodies_in_a_lane_that_was_cut_off_come_home),
		cmocka_unit_test(they_come_home_once_however_often_its_process_dies),
		cmocka_unit_test(bodies_that_were_read_are_not_taken_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
