/* SPDX-License-Identifier: Apache-2.0 */
/* The rules of the test kit itself: time, chance, probes, crashes, replay. */
#include "unit/testkit_bed.h"

static int ticker_started(struct myc_actor *self)
{
	int code = myc_timer_start(self, 30, 0, 30, NULL);

	if (!code)
		code = myc_timer_start(self, 10, 25, 10, NULL);
	return code;
}

static int ticker_timer(struct myc_actor *self, uint64_t cookie)
{
	return tell(self, "probe", TICK, cookie << 32 | myc_now_ns(self));
}

static const struct myc_behaviour ticker = {
	.name = "ticker", .started = ticker_started, .timer = ticker_timer};

static void time_stands_still_but_for_advance_which_stops_at_each_due_time(void **state)
{
	static const uint64_t fired[][2] = {{10, 10}, {30, 30}, {35, 10}, {60, 10}};
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.start_ns = 1000});
	myc_address probe;

	(void)state;
	assert_int_equal(myc_testkit_probe(kit, "probe", &probe), 0);
	spawn(kit, 0, &ticker, NULL);
	assert_int_equal(myc_testkit_expect_none(kit, probe), 0);
	assert_int_equal(myc_testkit_now_ns(kit), 1000);
	assert_int_equal(myc_testkit_advance(kit, 9), 0);
	assert_int_equal(myc_testkit_expect_none(kit, probe), 0);
	assert_int_equal(myc_testkit_advance(kit, 60), 0);
	for (size_t i = 0; i < 4; i++) {
		uint64_t value = fired[i][1] << 32 | (1000 + fired[i][0]);
		struct myc_testkit_message message;

		assert_int_equal(
			myc_testkit_expect(kit,
					   &(struct myc_testkit_want){.probe = probe,
								      .type = TICK,
								      .payload = &value,
								      .size = sizeof(value)},
					   &message),
			0);
		assert_int_equal(message.at_ns, 1000 + fired[i][0]);
	}
	assert_int_equal(myc_testkit_expect_none(kit, probe), 0);
	assert_int_equal(myc_testkit_now_ns(kit), 1069);
	myc_testkit_close(kit);
}

/* ---- probes ------------------------------------------------------------------------------------ */

static bool odd(const struct myc_testkit_message *message, void *context)
{
	(void)context;
	return *(const uint64_t *)message->payload & 1;
}

static void expectations_are_in_order_unless_asked_otherwise(void **state)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.seed = 3});
	struct myc_testkit_want want = {.type = PONG};
	uint64_t value;

	(void)state;
	assert_int_equal(myc_testkit_probe(kit, "probe", &want.probe), 0);
	myc_address to = spawn(kit, 0, &echo, NULL);

	for (value = 2; value <= 5; value++)
		assert_int_equal(myc_testkit_post(kit, to, PING, &value, sizeof(value)), 0);
	value = 3;
	want.payload = &value;
	want.size = sizeof(value);
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), -ENOMSG);
	assert_non_null(strstr(myc_testkit_failure(kit), "another content"));
	assert_non_null(strstr(myc_testkit_failure(kit), "seed 3"));
	assert_non_null(strstr(myc_testkit_failure(kit), "message"));
	want.any_order = true;
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), 0);
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), -ENOMSG); /* taken */
	want = (struct myc_testkit_want){
		.probe = want.probe, .type = PONG, .any_order = true, .is = odd};
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), 0);
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), -ENOMSG);
	assert_int_equal(myc_testkit_expect_none(kit, want.probe), -EEXIST);
	assert_int_equal(myc_testkit_allow(kit, want.probe, PONG), 0);
	assert_int_equal(myc_testkit_expect_none(kit, want.probe), 0);
	assert_int_equal(myc_testkit_disallow(kit, want.probe, PONG), 0);
	assert_int_equal(myc_testkit_expect_none(kit, want.probe), -EBADMSG);
	myc_testkit_close(kit);
}

static void what_is_allowed_is_stepped_over(void **state)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.seed = 4});
	struct myc_testkit_want want = {.type = PONG};

	(void)state;
	assert_int_equal(myc_testkit_probe(kit, NULL, &want.probe), 0);
	assert_int_equal(myc_testkit_post(kit, want.probe, NOISE, NULL, 0), 0);
	assert_int_equal(myc_testkit_post(kit, want.probe, PONG, "x", 1), 0);
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), -ENOMSG);
	assert_int_equal(myc_testkit_allow(kit, want.probe, NOISE), 0);
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), 0);
	myc_testkit_close(kit);
}

static void the_plain_functions_work_from_the_tests_thread(void **state)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.seed = 5});
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &echo};
	struct myc_testkit_want want = {.type = PONG};
	myc_address to;
	uint64_t value = 8;

	(void)state;
	assert_int_equal(myc_testkit_probe(kit, "probe", &want.probe), 0);
	assert_int_equal(myc_spawn(myc_testkit_system(kit, 0), &opts, &to, NULL), 0);
	for (int i = 0; i < 200; i++) /* more than its credit */
		assert_int_equal(myc_post(myc_testkit_system(kit, 0), to, PING, &value,
					  sizeof(value), UINT64_MAX),
				 0);
	for (int i = 0; i < 200; i++)
		assert_int_equal(myc_testkit_expect(kit, &want, NULL), 0);
	assert_int_equal(myc_testkit_expect_none(kit, want.probe), 0);
	myc_testkit_close(kit);
}

static int forever_started(struct myc_actor *self)
{
	struct myc_ref to;
	int code = myc_resolve(self, myc_self(self), &to);

	return code ? code : myc_try_send(self, &to, 1, NULL, 0);
}

static int forever_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)message;
	return forever_started(self);
}

static const struct myc_behaviour forever = {
	.name = "forever", .started = forever_started, .message = forever_message};

static void a_run_that_does_not_end_is_told(void **state)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.turns_max = 200});
	myc_address probe;

	(void)state;
	assert_int_equal(myc_testkit_probe(kit, NULL, &probe), 0);
	spawn(kit, 0, &forever, NULL);
	assert_int_equal(myc_testkit_run_until_idle(kit), -ETIME);
	assert_int_equal(myc_testkit_expect_none(kit, probe), -ETIME);
	assert_non_null(strstr(myc_testkit_failure(kit), "not idle after 200 turns"));
	myc_testkit_close(kit);
}

/* ---- crashes, replay --------------------------------------------------------------------------- */

static void actors_of_the_topology_come_again_after_a_crash_and_others_do_not(void **state)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.processes = 2, .seed = 6});
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &echo};
	struct myc_testkit_want want = {.type = PONG};
	myc_address passing;
	uint64_t value = 1;

	(void)state;
	assert_int_equal(myc_testkit_probe(kit, "probe", &want.probe), 0);
	myc_address lasting = spawn(kit, 1, &echo, NULL);

	assert_int_equal(myc_spawn(myc_testkit_system(kit, 1), &opts, &passing, NULL), 0);
	assert_int_equal(myc_testkit_post(kit, lasting, PING, &value, sizeof(value)), 0);
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), 0);
	/* In the lane when it dies: its successor gets it. */
	assert_int_equal(myc_testkit_post(kit, lasting, PING, &value, sizeof(value)), 0);
	assert_int_equal(myc_testkit_post(kit, passing, PING, &value, sizeof(value)), 0);
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), 0);
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), 0);
	assert_int_equal(myc_testkit_crash(kit, 1), 0);
	assert_int_equal(myc_testkit_post(kit, passing, PING, &value, sizeof(value)), -ESRCH);
	assert_int_equal(myc_testkit_post(kit, lasting, PING, &value, sizeof(value)), 0);
	assert_int_equal(myc_testkit_expect(kit, &want, NULL), 0);
	assert_int_equal(myc_testkit_crashes(kit), 1);
	myc_testkit_close(kit);
}

static uint64_t play(uint64_t seed, uint32_t *crashes)
{
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.seed = seed,
								     .processes = 2,
								     .delay = 100000,
								     .crash = 2000,
								     .crash_handler = 20000,
								     .crashes_max = 3});
	myc_address probe;

	assert_int_equal(myc_testkit_probe(kit, "probe", &probe), 0);
	myc_address to = spawn(kit, 1, &echo, NULL);

	spawn(kit, 0, &ticker, NULL);
	for (uint64_t i = 0; i < 30; i++)
		assert_int_equal(myc_testkit_post(kit, to, PING, &i, sizeof(i)), 0);
	assert_int_equal(myc_testkit_advance(kit, 200), 0);
	uint64_t hash = myc_testkit_hash(kit);

	*crashes = myc_testkit_crashes(kit);
	myc_testkit_close(kit);
	return hash;
}

static void a_seed_plays_the_same_every_time_and_another_does_not(void **state)
{
	uint32_t crashes, again, crashed = 0;
	uint64_t before = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint64_t hash = play(seed, &crashes);

		assert_true(hash == play(seed, &again));
		assert_int_equal(crashes, again);
		assert_true(hash != before);
		before = hash;
		crashed += crashes;
	}
	assert_true(crashed > 0);
}

/* ---- what probes do ---------------------------------------------------------------------------- */

static struct reader {
	uint64_t prices[4], count;
	int events;
} seen;

static int reader_started(struct myc_actor *self)
{
	return myc_subscribe(self, "prices", NULL, 0, NULL);
}

static int reader_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	(void)self;
	seen.events++;
	if (event->kind == MYC_TOPIC_MESSAGE && seen.count < 4)
		memcpy(&seen.prices[seen.count++], event->payload, sizeof(uint64_t));
	return 0;
}

/* Answers who sends, by the address that the message has. */
static int reader_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref from;
	int code = myc_resolve(self, message->from, &from);

	return code ? code : myc_send(self, &from, PONG, message->payload, message->size);
}

static const struct myc_behaviour reader = {.name = "reader",
					    .started = reader_started,
					    .topic = reader_topic,
					    .message = reader_message};

static const struct myc_testkit_message *catch_ask(struct myc_testkit *kit, myc_address probe)
{
	static struct myc_testkit_message message;
	const struct myc_testkit_want want = {.probe = probe, .type = NOISE};

	if (myc_testkit_expect(kit, &want, &message))
		fail_msg("%s", myc_testkit_failure(kit));
	return &message;
}

static int pass_on(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	int code = myc_lookup(self, "oracle", &to);

	return code ? code : myc_forward(self, message, &to);
}

static const struct myc_behaviour middle = {.name = "middle", .message = pass_on};

static void a_probe_answers_what_it_is_asked_once_and_in_time(void **state)
{
	uint64_t verdict = 7;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		/* The asker is in another process, or in the same; what it asks is passed on, or not. */
		struct myc_testkit *kit =
			open_kit((struct myc_testkit_opts){.seed = seed, .processes = 2});
		myc_address probe, other;

		asked = (struct asker){0};
		assert_int_equal(myc_testkit_probe(kit, seed & 2 ? "oracle" : "deaf", &probe), 0);
		assert_int_equal(myc_testkit_probe(kit, NULL, &other), 0);
		if (seed & 2)
			spawn(kit, 1, &middle, "deaf");
		spawn(kit, seed % 2, &asker, NULL);
		struct myc_testkit_message message = *catch_ask(kit, probe);

		assert_int_equal(asked.replies, 0);
		if (seed % 3) {
			assert_int_equal(myc_testkit_reply(kit, &message, PONG, &verdict, 8), 0);
		} else {
			assert_int_equal(myc_testkit_reply_error(kit, &message, 0), -EINVAL);
			assert_int_equal(myc_testkit_reply_error(kit, &message, -EACCES), 0);
		}
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(asked.replies, 1);
		assert_int_equal(asked.status, seed % 3 ? 0 : -EACCES);
		/* A second answer, and one after the timeout, reach nobody. */
		assert_int_equal(myc_testkit_reply(kit, &message, PONG, &verdict, 8), 0);
		assert_int_equal(myc_testkit_advance(kit, 100000000), 0);
		assert_int_equal(asked.replies, 1);
		message.asked.correlation = 0;
		assert_int_equal(myc_testkit_reply(kit, &message, PONG, NULL, 0), -EINVAL);
		message.probe = 12345;
		assert_int_equal(myc_testkit_reply(kit, &message, PONG, NULL, 0), -ESRCH);
		myc_testkit_close(kit);
	}
}

static void a_probe_sends_and_publishes_as_itself(void **state)
{
	static const struct myc_topic_opts prices = {
		.name = "prices", .slots = 8, .payload_max = 8};
	static const struct myc_system_opts system = {
		.sz = sizeof(system), .topics = &prices, .topics_count = 1};
	struct myc_testkit *kit = open_kit((struct myc_testkit_opts){.system = &system});
	struct myc_testkit_want pong = {.type = PONG, .size = 8};
	myc_address probe, other;
	uint64_t value = 101;

	(void)state;
	memset(&seen, 0, sizeof(seen));
	assert_int_equal(myc_testkit_probe(kit, "feed", &probe), 0);
	assert_int_equal(myc_testkit_probe(kit, "other", &other), 0);
	assert_int_equal(myc_testkit_publish(kit, 12345, "prices", 1, 1, &value, 8), -ESRCH);
	assert_int_equal(myc_testkit_publish(kit, probe, "prices", 1, 1, &value, 8), 0);
	myc_address address = spawn(kit, 0, &reader, NULL);

	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(myc_testkit_publish(kit, probe, "no such", 1, 1, &value, 8), -ENOENT);
	for (uint64_t i = 0; i < 3; i++, value++) {
		assert_int_equal(myc_testkit_publish(kit, probe, "prices", 1, 1, &value, 8), 0);
		assert_int_equal(myc_testkit_publish(kit, other, "prices", 1, 1, &value, 8),
				 -EBUSY);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		/* Its process comes again, and so does what it had claimed. */
		if (i == 1)
			assert_int_equal(myc_testkit_crash(kit, 0), 0);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	}
	assert_int_equal(seen.count, 3);
	assert_int_equal(seen.prices[0], 101);
	assert_int_equal(seen.prices[2], 103);
	/* Many, so that credit is waited for. */
	for (value = 0; value < 300; value++)
		assert_int_equal(myc_testkit_send(kit, probe, address, PING, &value, 8), 0);
	for (value = 0; value < 300; value++) {
		pong.probe = probe;
		pong.payload = &value;
		if (myc_testkit_expect(kit, &pong, NULL))
			fail_msg("%s", myc_testkit_failure(kit));
	}
	assert_int_equal(myc_testkit_expect_none(kit, other), 0);
	assert_int_equal(myc_testkit_send(kit, address, probe, PING, &value, 8), -ESRCH);
	assert_int_equal(myc_testkit_kill(kit, 0), 0);
	assert_int_equal(myc_testkit_send(kit, probe, address, PING, &value, 8), -ESRCH);
	myc_testkit_close(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_stands_still_but_for_advance_which_stops_at_each_due_time),
		cmocka_unit_test(expectations_are_in_order_unless_asked_otherwise),
		cmocka_unit_test(what_is_allowed_is_stepped_over),
		cmocka_unit_test(the_plain_functions_work_from_the_tests_thread),
		cmocka_unit_test(a_run_that_does_not_end_is_told),
		cmocka_unit_test(actors_of_the_topology_come_again_after_a_crash_and_others_do_not),
		cmocka_unit_test(a_probe_answers_what_it_is_asked_once_and_in_time),
		cmocka_unit_test(a_probe_sends_and_publishes_as_itself),
		cmocka_unit_test(a_seed_plays_the_same_every_time_and_another_does_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
