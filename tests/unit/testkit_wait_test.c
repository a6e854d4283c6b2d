/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the test kit itself: waiting, asks, dead processes. */
#include "unit/testkit_bed.h"

/* ---- waiting, asks, dead processes ------------------------------------------------------------- */

static int answer(struct myc_actor *self, const struct myc_message *message)
{
	return message->type == PING ? myc_reply(self, message, PONG, NULL, 0) : 0;
}

static const struct myc_behaviour answerer = {.name = "answerer", .message = answer};

static void what_waits_lets_the_kit_run_and_virtual_time_pass(void **state)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.start_ns = 1000});
	myc_address address = spawn(kit, 0, &answerer, NULL);
	struct myc_system *system = myc_testkit_system(kit, 0);
	struct myc_answer got;

	(void)state;
	assert_int_equal(myc_call(system, address, PING, NULL, 0, &got, MYC_FOREVER), 0);
	assert_int_equal(got.type, PONG);
	assert_in_range(myc_testkit_now_ns(kit), 1000, 1000 + 1000000);
	uint64_t before = myc_testkit_now_ns(kit);

	/* Nobody answers: an hour, at once. */
	assert_int_equal(myc_call(system, address, NOISE, NULL, 0, &got, 3600000000000ull),
			 -ETIMEDOUT);
	assert_in_range(myc_testkit_now_ns(kit) - before, 3600000000000ull, 3600001000000ull);
	assert_int_equal(myc_actor_stop(system, address, MYC_STOP, MYC_FOREVER), 0);
	assert_int_equal(myc_call(system, address, PING, NULL, 0, &got, MYC_FOREVER), -ESRCH);
	myc_testkit_close(kit);
}

/* Handles nothing until the answer that does not come is given up. */
static int await_deaf(struct myc_actor *self)
{
	struct myc_ref to;
	int code = myc_lookup(self, "deaf", &to);

	return code ? code : myc_ask_await(self, &to, NOISE, NULL, 0, 50000000, 0, NULL, NULL);
}

static uint32_t heard;

static int hear(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	heard += message->type == NOISE;
	return 0;
}

static const struct myc_behaviour waits = {
	.name = "waits", .started = await_deaf, .message = hear, .capacity_per_sender = 2};

static void a_post_that_waits_for_credit_passes_virtual_time(void **state)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.start_ns = 1000});

	(void)state;
	spawn(kit, 0, &answerer, "deaf");
	myc_address address = spawn(kit, 0, &waits, NULL);

	heard = 0;
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(myc_testkit_post(kit, address, NOISE, NULL, 0), 0);
	/* The first that finds no credit waits for the timeout, the others for turns only. */
	assert_in_range(myc_testkit_now_ns(kit), 50001000, 60000000);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(heard, 8);
	myc_testkit_close(kit);
}

static int suspend_it(struct myc_actor *self)
{
	struct myc_ref to;
	int code = myc_lookup(self, "waits", &to);

	return code ? code : myc_suspend(self, to.address);
}

static void a_post_that_would_wait_for_ever_is_told(void **state)
{
	static const struct myc_behaviour quiet = {
		.name = "quiet", .message = hear, .capacity_per_sender = 2};
	static const struct myc_behaviour suspender = {
		.name = "suspender", .started = suspend_it, .message = hear};
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.turns_max = 100000000});
	myc_address address = spawn(kit, 0, &quiet, "waits");
	uint32_t posted = 0;
	int code;

	(void)state;
	spawn(kit, 0, &suspender, NULL);
	heard = 0;
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	while (!(code = myc_testkit_post(kit, address, NOISE, NULL, 0)))
		posted++;
	assert_int_equal(code, -ETIME);
	assert_in_range(posted, 1, 8);
	assert_int_equal(heard, 0);
	myc_testkit_close(kit);
}

static void advance_stops_where_an_ask_times_out(void **state)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.start_ns = 1000});

	(void)state;
	asked = (struct asker){0};
	spawn(kit, 0, &answerer, "deaf");
	spawn(kit, 0, &asker, NULL);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_in_range(myc_testkit_next_due_ns(kit), 1001, 60000000);
	assert_int_equal(myc_testkit_advance(kit, 40000000), 0);
	assert_int_equal(asked.status, 0);
	assert_int_equal(myc_testkit_advance(kit, 3600000000000ull), 0);
	assert_int_equal(asked.status, -ETIMEDOUT);
	assert_in_range(asked.at_ns, 50001000, 60000000);
	myc_testkit_close(kit);
}

static void who_asks_and_watches_a_killed_process_is_told_while_it_is_dead(void **state)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.processes = 2});

	(void)state;
	asked = (struct asker){0};
	myc_address address = spawn(kit, 1, &answerer, "deaf");

	spawn(kit, 0, &asker, NULL);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(myc_testkit_revive(kit, 1), -EALREADY);
	assert_int_equal(myc_testkit_kill(kit, 1), 0);
	assert_int_equal(myc_testkit_kill(kit, 1), -ESRCH);
	assert_null(myc_testkit_system(kit, 1));
	assert_int_equal(myc_testkit_post(kit, address, PING, NULL, 0), -ESRCH);
	assert_int_equal(myc_testkit_advance(kit, 10000000), 0);
	assert_int_equal(asked.status, -ENOTCONN);
	assert_int_equal(asked.down, MYC_EXIT_NOCONNECTION);
	assert_int_equal(myc_testkit_revive(kit, 1), 0);
	assert_int_equal(myc_testkit_post(kit, address, NOISE, NULL, 0), 0);
	assert_int_equal(myc_testkit_crashes(kit), 1);
	myc_testkit_close(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_post_that_waits_for_credit_passes_virtual_time),
		cmocka_unit_test(a_post_that_would_wait_for_ever_is_told),
		cmocka_unit_test(what_waits_lets_the_kit_run_and_virtual_time_pass),
		cmocka_unit_test(advance_stops_where_an_ask_times_out),
		cmocka_unit_test(who_asks_and_watches_a_killed_process_is_told_while_it_is_dead),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
