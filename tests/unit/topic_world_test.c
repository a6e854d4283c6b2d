/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics, groups and names in the deterministic runtime: two processes that die where chance wants it, at any
 * turn and within handlers, from a seed that a failure names. After each death what was said before must still
 * be true.
 */
#include "common/test.h"

#include <stdlib.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#define SEEDS	  200
#define PROCESSES 2
#define TICK_NS	  1000000u
#define MESSAGES  120

/* What the subscriber of a process has seen in its present life, and the test's own account. */
static struct seen {
	uint64_t life, last, messages;
	bool resumed;
	int members; /* by events */
} seen[PROCESSES];
static uint64_t published; /* as the publisher was told; a death may hide the last */
static const char *wrong;
static const char *topic_name;

static void check(bool fine, const char *what)
{
	if (!fine && !wrong)
		wrong = what;
}

static uint32_t process_of(const struct myc_actor *self)
{
	return myc_address_process(myc_self(self));
}

/* ---- actors ------------------------------------------------------------------------------------ */

static int publisher_started(struct myc_actor *self)
{
	struct myc_publisher *topic = myc_state(self);
	int code = myc_topic_claim(self, topic_name, topic);

	return code ? code : myc_timer_start(self, TICK_NS, TICK_NS, 0, NULL);
}

static int publisher_timer(struct myc_actor *self, uint64_t cookie)
{
	const struct myc_publisher *topic = myc_state(self);

	(void)cookie;
	for (uint64_t i = 0; i < 3 && published < MESSAGES; i++) {
		uint64_t word[4] = {published, published, published, published};
		int code = myc_publish(self, topic, 1, published % 4, word, sizeof(word));

		if (code)
			return code == -EAGAIN ? 0 : code;
		published++;
	}
	return 0;
}

static int subscriber_started(struct myc_actor *self)
{
	const struct myc_subscribe_opts how = {
		.sz = sizeof(how),
		.flags = strcmp(topic_name, "keyed") ? MYC_SUBSCRIBE_WAITED_FOR : 0};
	struct seen *mine = &seen[process_of(self)];
	struct myc_group_watch watch;
	int code = myc_group_join(self, "s", "g");

	*mine = (struct seen){.life = mine->life + 1};
	if (!code)
		code = myc_group_watch(self, "s", "g", 0, &watch);
	if (!code)
		code = myc_subscribe(self, topic_name, &how, 0, NULL);
	return code;
}

static int subscriber_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	struct seen *mine = &seen[process_of(self)];
	uint64_t word[4];

	check(event->kind != MYC_TOPIC_LOST, "lost, though waited for or keyed");
	if (event->kind == MYC_TOPIC_END)
		mine->resumed = false;
	if (event->kind == MYC_TOPIC_RESUMED) {
		check(!mine->resumed, "resumed twice");
		mine->resumed = true;
	}
	if (event->kind != MYC_TOPIC_MESSAGE)
		return 0;
	check(event->size == sizeof(word), "a size");
	memcpy(word, event->payload, sizeof(word));
	check(word[0] == word[1] && word[1] == word[2] && word[2] == word[3], "a torn payload");
	if (strcmp(topic_name, "keyed") != 0)
		check(!mine->last || event->sequence == mine->last + 1, "a gap, or twice");
	mine->last = event->sequence > mine->last ? event->sequence : mine->last;
	mine->messages++;
	return 0;
}

static int subscriber_group(struct myc_actor *self, const struct myc_group_event *event)
{
	struct seen *mine = &seen[process_of(self)];

	mine->members += event->kind == MYC_GROUP_JOINED ? (int)event->count : -(int)event->count;
	check(mine->members >= 0 && mine->members <= PROCESSES, "more members than actors");
	return 0;
}

static const struct myc_behaviour publisher = {.name = "publisher",
					       .state_size = sizeof(struct myc_publisher),
					       .started = publisher_started,
					       .timer = publisher_timer};
static const struct myc_behaviour subscriber = {.name = "subscriber",
						.started = subscriber_started,
						.topic = subscriber_topic,
						.group = subscriber_group};

/* ---- the world --------------------------------------------------------------------------------- */

static const struct myc_executor_opts executor[2] = {{.core = -1}, {.core = -1}};
static const struct myc_topic_opts topics[] = {
	{.name = "reliable", .slots = 8, .reliable = true, .payload_max = 32},
	{.name = "keyed", .slots = 8, .keys = 8, .payload_max = 32},
};
static const struct myc_system_opts opts = {.sz = sizeof(opts),
					    .executors = 2,
					    .actors = 64,
					    .lane_slots = 64,
					    .executor = executor,
					    .topics = topics,
					    .topics_count = 2,
					    .directory = 8};

static int members_found(struct myc_actor *self, const struct myc_message *message)
{
	(void)message;
	check(myc_group_members(self, "s", "g", MYC_GROUP_ALL, NULL, 0) == PROCESSES,
	      "members, in the end");
	return 0;
}

static const struct myc_behaviour asker = {.name = "asker", .message = members_found};

/* Deaths over, all is as if there had been none, but for what a new life cannot know. */
static uint32_t play(uint64_t seed)
{
	struct myc_testkit *kit;
	myc_address ask;
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn)};

	memset(seen, 0, sizeof(seen));
	published = 0;
	wrong = NULL;
	topic_name = seed % 2 ? "reliable" : "keyed";
	assert_int_equal(
		myc_testkit_open(&kit,
				 &(struct myc_testkit_opts){.sz = sizeof(struct myc_testkit_opts),
							    .seed = seed,
							    .processes = PROCESSES,
							    .system = &opts,
							    .delay = 20000,
							    .crash = 1500,
							    .crash_handler = 4000,
							    .crashes_max = 3},
				 NULL),
		0);
	spawn.behaviour = &publisher;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &ask), 0);
	spawn.behaviour = &subscriber;
	for (uint32_t i = 0; i < PROCESSES; i++) {
		spawn.executor = 1;
		assert_int_equal(myc_testkit_spawn(kit, i, &spawn, &ask), 0);
	}
	spawn.behaviour = &asker;
	assert_int_equal(myc_testkit_spawn(kit, 1, &spawn, &ask), 0);
	for (int i = 0; i < 200 && (published < MESSAGES || i < 20); i++)
		assert_int_equal(myc_testkit_advance(kit, 2 * TICK_NS), 0);
	check(published >= MESSAGES, "the publisher is held up");
	for (int i = 0; i < 30; i++)
		assert_int_equal(myc_testkit_advance(kit, TICK_NS), 0);
	assert_int_equal(myc_testkit_post(kit, ask, 1, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	for (uint32_t i = 0; i < PROCESSES; i++) {
		check(seen[i].members == PROCESSES, "members by events, in the end");
		check(seen[i].resumed, "not told of the publisher");
		/* A later life may have come after the last message. */
		check(seen[i].last >= published || seen[i].life > 1, "the last is missing");
	}
	if (wrong)
		fail_msg("seed %lu, topic %s: %s\n%s", (unsigned long)seed, topic_name, wrong,
			 myc_testkit_trace(kit));
	uint32_t crashes = myc_testkit_crashes(kit);

	myc_testkit_close(kit);
	return crashes;
}

static void whatever_dies_where_nothing_said_is_untrue(void **state)
{
	const char *only = getenv("MYC_SEED");
	uint32_t crashes = 0;

	(void)state;
	for (uint64_t seed = 1; seed <= SEEDS; seed++)
		if (!only || strtoull(only, NULL, 0) == seed)
			crashes += play(seed);
	print_message("%u deaths\n", crashes);
	assert_true(only || crashes > SEEDS / 4);
}

/* ---- a subscriber that is held up ---------------------------------------------------------------- */

static uint32_t heard, ends;

static int speaker_started(struct myc_actor *self)
{
	return myc_topic_claim(self, "held", myc_state(self));
}

/* Its last words, and it ends. */
static int speaker_message(struct myc_actor *self, const struct myc_message *message)
{
	int code = 0;

	(void)message;
	for (uint64_t i = 0; i < 3 && !code; i++)
		code = myc_publish(self, myc_state(self), 1, 0, &i, sizeof(i));
	myc_stop(self);
	return code;
}

static int listener_started(struct myc_actor *self)
{
	const struct myc_subscribe_opts waited = {.sz = sizeof(waited),
						  .flags = MYC_SUBSCRIBE_WAITED_FOR};

	return myc_subscribe(self, "held", &waited, 0, NULL);
}

static int listener_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	(void)self;
	heard += event->kind == MYC_TOPIC_MESSAGE && !ends;
	ends += event->kind == MYC_TOPIC_END;
	return 0;
}

/* While it may not hear what a publisher has left behind there is nothing to do, and time passes. */
static void a_suspended_subscriber_of_an_ended_publisher_keeps_nobody_busy(void **state)
{
	static const struct myc_behaviour speaker = {.name = "speaker",
						     .state_size = sizeof(struct myc_publisher),
						     .started = speaker_started,
						     .message = speaker_message},
					  listener = {.name = "listener",
						      .started = listener_started,
						      .topic = listener_topic};
	static const struct myc_topic_opts topic = {.name = "held", .reliable = true};
	static const struct myc_system_opts system = {
		.sz = sizeof(system), .topics = &topic, .topics_count = 1};
	const struct myc_testkit_opts with = {.sz = sizeof(with), .system = &system};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &speaker};
	struct myc_testkit *kit;
	myc_address speaks, listens;

	(void)state;
	assert_int_equal(myc_testkit_open(&kit, &with, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &speaks), 0);
	spawn.behaviour = &listener;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &listens), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	while (myc_actor_suspend(myc_testkit_system(kit, 0), listens))
		myc_testkit_step(kit);
	assert_int_equal(myc_testkit_post(kit, speaks, 1, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(heard, 0);
	assert_int_equal(myc_actor_resume(myc_testkit_system(kit, 0), listens), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(heard, 3);
	assert_int_equal(ends, 1);
	myc_testkit_close(kit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whatever_dies_where_nothing_said_is_untrue),
		cmocka_unit_test(a_suspended_subscriber_of_an_ended_publisher_keeps_nobody_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
