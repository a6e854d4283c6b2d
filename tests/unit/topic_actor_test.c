/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics of actors: in one process with several executors, and across two processes of a workspace, which
 * are played by two systems of this one.
 */
#include "common/test.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/abi/lane.h>
#include <mycelium/mycelium.h>

#include "core/process.h"

#define READERS 64
#define wait_until(condition)                                                 \
	do {                                                                  \
		struct timespec nap_ = {.tv_nsec = 50000};                    \
		bool held_ = false;                                           \
		for (int i_ = 0; i_ < 200000 && !(held_ = (condition)); i_++) \
			nanosleep(&nap_, NULL);                               \
		assert_true(held_);                                           \
	} while (0)

enum { TICK = 7, BLOCK = 1, CRASH, STOP, BURST };

/* What subscribers saw, by their number. */
static struct seen {
	_Atomic uint64_t messages, last, lost, ends, resumed, wrong, ready;
	_Atomic uint64_t value[8]; /* keyed: last of each key */
} seen[READERS];
static _Atomic uint64_t published, refused, claims, busy;
static _Atomic int64_t to_publish; /* how many more the publisher may */
static _Atomic bool crash_publisher, crash_subscriber, unsubscribe;
static bool quiet; /* subscribers have no timer that goes on */
static const char *topic_name;
static struct myc_subscribe_opts how;
static _Atomic bool wall; /* the receiver of blocking messages does not handle them */

struct payload {
	uint64_t number, copy[6];
};

static void fresh(const char *name, uint32_t flags)
{
	memset(seen, 0, sizeof(seen));
	published = refused = claims = busy = 0;
	to_publish = 0;
	crash_publisher = crash_subscriber = unsubscribe = wall = false;
	quiet = false;
	topic_name = name;
	how = (struct myc_subscribe_opts){.sz = sizeof(how), .flags = flags};
}

/* ---- actors ------------------------------------------------------------------------------------ */

struct publisher {
	struct myc_publisher topic;
};

static int publisher_started(struct myc_actor *self)
{
	struct publisher *publisher = myc_state(self);
	int code = myc_topic_claim(self, topic_name, &publisher->topic);

	if (code == -EBUSY)
		busy++;
	if (code)
		return code == -EBUSY ? 0 : code;
	claims++;
	return myc_timer_start(self, 100000, 100000, 0, NULL);
}

static int publish_one(struct myc_actor *self, uint64_t number)
{
	struct publisher *publisher = myc_state(self);
	struct payload payload = {.number = number};
	void *place;

	for (int i = 0; i < 6; i++)
		payload.copy[i] = number;
	if (number % 2)
		return myc_publish(self, &publisher->topic, TICK, number % 8, &payload,
				   sizeof(payload));
	int code = myc_publish_reserve(self, &publisher->topic, number % 8, &place);

	if (code)
		return code;
	memcpy(place, &payload, sizeof(payload));
	return myc_publish_commit(self, &publisher->topic, TICK, sizeof(payload));
}

static int publisher_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	if (crash_publisher) {
		crash_publisher = false;
		return -EIO;
	}
	for (int i = 0; i < 64 && to_publish > 0; i++) {
		int code = publish_one(self, published + 1);

		if (code == -EAGAIN) {
			refused++;
			return 0;
		}
		if (code)
			return code;
		published++;
		to_publish--;
	}
	return 0;
}

static const struct myc_behaviour publisher = {.name = "publisher",
					       .state_size = sizeof(struct publisher),
					       .started = publisher_started,
					       .timer = publisher_timer};

struct subscriber {
	uint64_t number;
	struct myc_subscription subscription;
	bool subscribed;
	struct myc_ref wall;
};

static int subscriber_try(struct myc_actor *self, uint64_t cookie)
{
	struct subscriber *subscriber = myc_state(self);

	(void)cookie;
	if (subscriber->subscribed && unsubscribe) {
		assert_int_equal(myc_unsubscribe(self, subscriber->subscription), 0);
		assert_int_equal(myc_unsubscribe(self, subscriber->subscription), -ENOENT);
		unsubscribe = false;
	}
	if (crash_subscriber && !subscriber->number) {
		crash_subscriber = false;
		return -EIO;
	}
	if (subscriber->subscribed)
		return 0;
	int code = myc_subscribe(self, topic_name, &how, 100 + subscriber->number,
				 &subscriber->subscription);

	subscriber->subscribed = !code;
	if (!code)
		seen[subscriber->number].ready++;
	return code == -ENOENT ? 0 : code;
}

static int subscriber_started(struct myc_actor *self)
{
	struct subscriber *subscriber = myc_state(self);

	subscriber->number = strtoull(myc_setting(self, "number", "0"), NULL, 0);
	return myc_timer_start(self, 0, quiet ? 0 : 1000000, 0, NULL);
}

static int subscriber_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	struct subscriber *subscriber = myc_state(self);
	struct seen *mine = &seen[subscriber->number];
	struct payload payload;

	if (event->cookie != 100 + subscriber->number)
		mine->wrong++;
	switch (event->kind) {
	case MYC_TOPIC_LOST:
		mine->lost += event->lost;
		return 0;
	case MYC_TOPIC_END:
		mine->ends++;
		return 0;
	case MYC_TOPIC_RESUMED:
		mine->resumed++;
		return 0;
	case MYC_TOPIC_MESSAGE:
		break;
	}
	memcpy(&payload, event->payload, sizeof(payload));
	if (!myc_topic_event_intact(event) && how.flags & MYC_SUBSCRIBE_IN_PLACE)
		return 0;
	bool whole = event->size == sizeof(payload) && event->type == TICK &&
		     event->key == payload.number % 8 && event->sequence == payload.number;

	for (int i = 0; i < 6; i++)
		whole = whole && payload.copy[i] == payload.number;
	if (!whole || (payload.number <= mine->last && strcmp(topic_name, "keyed") != 0))
		mine->wrong++;
	mine->value[event->key % 8] = payload.number;
	mine->last = payload.number;
	mine->messages++;
	return 0;
}

/* Told to, it sends until it is paused: its messages to the wall wait for credit. */
static int subscriber_message(struct myc_actor *self, const struct myc_message *message)
{
	struct subscriber *subscriber = myc_state(self);
	myc_address to;

	memcpy(&to, message->payload, sizeof(to));
	int code = myc_resolve(self, to, &subscriber->wall);

	for (int i = 0; i < 200 && !code; i++)
		code = myc_send(self, &subscriber->wall, BURST, NULL, 0);
	return code;
}

static const struct myc_behaviour subscriber = {.name = "subscriber",
						.state_size = sizeof(struct subscriber),
						.started = subscriber_started,
						.timer = subscriber_try,
						.message = subscriber_message,
						.topic = subscriber_topic};

static int wall_message(struct myc_actor *self, const struct myc_message *message)
{
	struct timespec nap = {.tv_nsec = 100000};

	(void)self;
	(void)message;
	while (wall)
		nanosleep(&nap, NULL);
	return 0;
}

static const struct myc_behaviour brick = {
	.name = "wall", .capacity_per_sender = 4, .message = wall_message};

/* ---- systems ----------------------------------------------------------------------------------- */

static const struct myc_executor_opts sleeping[3] = {{.core = -1}, {.core = -1}, {.core = -1}};
static const struct myc_topic_opts topics[] = {
	{.name = "tolerant", .slots = 64},
	{.name = "reliable", .slots = 64, .reliable = true},
	{.name = "keyed", .slots = 16, .keys = 16},
	{.name = "long", .slots = 8192},
};
static const struct myc_system_opts three = {.sz = sizeof(three),
					     .executors = 3,
					     .executor = sleeping,
					     .topics = topics,
					     .topics_count = 4};

static myc_address spawn(struct myc_system *system, const struct myc_behaviour *behaviour,
			 uint32_t executor, uint32_t number)
{
	char text[16];
	struct myc_setting setting = {.key = "number", .value = text};
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = behaviour,
				      .executor = executor,
				      .settings = &setting,
				      .settings_count = 1};
	myc_address address;

	snprintf(text, sizeof(text), "%u", number);
	assert_int_equal(myc_spawn(system, &opts, &address, NULL), 0);
	return address;
}

static struct myc_system *open_three(void)
{
	struct myc_system *system;
	struct myc_error error = {0};

	assert_int_equal(myc_system_open(&system, &three, &error), 0);
	return system;
}

static void close_it(struct myc_system *system)
{
	assert_int_equal(myc_system_stop(system, 10000), 0);
	myc_system_close(system);
}

static void settle(void)
{
	struct timespec nap = {.tv_nsec = 30000000};

	nanosleep(&nap, NULL);
}

/* ---- one process ------------------------------------------------------------------------------- */

static void every_subscriber_of_every_executor_gets_every_message(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", 0);
	spawn(system, &publisher, 0, 0);
	for (uint32_t i = 0; i < READERS; i++)
		spawn(system, &subscriber, i % 3, i);
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (uint32_t i = 0; i < READERS; i++)
		wait_until(seen[i].ready == 1);
	settle();
	to_publish = 4000;
	wait_until(to_publish == 0);
	for (uint32_t i = 0; i < READERS; i++) {
		wait_until(seen[i].messages == 4000);
		assert_int_equal(seen[i].wrong, 0);
		assert_int_equal(seen[i].lost, 0);
		assert_int_equal(seen[i].ends, 0);
	}
	close_it(system);
}

static void one_actor_at_a_time_publishes(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("tolerant", 0);
	spawn(system, &publisher, 0, 0);
	spawn(system, &publisher, 1, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(claims == 1 && busy == 1);
	close_it(system);
	assert_int_equal(claims, 1);
}

/* Paused: its tolerant subscription loses, and is told how many. */
static void a_paused_tolerant_subscriber_loses_and_is_told(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("tolerant", 0);
	myc_address bricks = spawn(system, &brick, 2, 0);

	spawn(system, &publisher, 0, 0);
	myc_address first = spawn(system, &subscriber, 1, 0);

	spawn(system, &subscriber, 1, 1);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].ready && seen[1].ready);
	settle();
	to_publish = 10;
	wait_until(seen[0].messages == 10 && seen[1].messages == 10);
	wall = true;
	assert_int_equal(myc_post(system, first, BLOCK, &bricks, sizeof(bricks), UINT64_MAX), 0);
	settle();
	for (int i = 0; i < 30; i++) {
		to_publish = 10;
		wait_until(seen[1].last == 20 + (uint64_t)i * 10 || seen[1].lost);
	}
	wait_until(to_publish == 0 && seen[1].messages + seen[1].lost == 310);
	assert_int_equal(seen[0].messages, 10);
	wall = false;
	wait_until(seen[0].lost == 300);
	to_publish = 1;
	wait_until(seen[0].messages == 11);
	assert_int_equal(seen[0].last, 311);
	assert_int_equal(seen[0].wrong + seen[1].wrong, 0);
	close_it(system);
}

/* Paused: the publisher is refused when the ring is full, and goes on when it is not. Nothing is lost. */
static void a_paused_subscriber_that_is_waited_for_holds_the_publisher_up(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("reliable", MYC_SUBSCRIBE_WAITED_FOR);
	myc_address bricks = spawn(system, &brick, 2, 0);

	spawn(system, &publisher, 0, 0);
	myc_address first = spawn(system, &subscriber, 1, 0);

	spawn(system, &subscriber, 1, 1);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].ready && seen[1].ready);
	settle();
	to_publish = 5;
	wait_until(seen[0].messages == 5 && seen[1].messages == 5);
	wall = true;
	assert_int_equal(myc_post(system, first, BLOCK, &bricks, sizeof(bricks), UINT64_MAX), 0);
	settle();
	to_publish = 1000;
	wait_until(refused > 10);
	assert_true(published <= 5 + 64 + 32);
	assert_int_equal(seen[0].messages, 5);
	wall = false;
	for (int i = 0; i < 2; i++) {
		wait_until(seen[i].messages == 1005);
		assert_int_equal(seen[i].lost + seen[i].wrong, 0);
	}
	close_it(system);
}

static void unsubscribed_the_publisher_is_held_up_no_more(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("reliable", MYC_SUBSCRIBE_WAITED_FOR);
	spawn(system, &publisher, 0, 0);
	spawn(system, &subscriber, 1, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].ready);
	settle();
	to_publish = 100;
	wait_until(seen[0].messages == 100);
	unsubscribe = true;
	wait_until(!unsubscribe);
	to_publish = 1000;
	wait_until(to_publish == 0);
	settle();
	assert_int_equal(seen[0].messages, 100);
	close_it(system);
}

static void a_key_filter_lets_its_keys_through_only(void **state)
{
	static const uint64_t keys[2] = {5, 2};
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", 0);
	how.keys = keys;
	how.keys_count = 2;
	spawn(system, &publisher, 0, 0);
	spawn(system, &subscriber, 1, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].ready);
	settle();
	to_publish = 800;
	wait_until(seen[0].messages == 200 && to_publish == 0);
	settle();
	assert_int_equal(seen[0].messages, 200);
	assert_int_equal(seen[0].value[5] + 8 - 5, 800);
	assert_int_equal(seen[0].value[3], 0);
	close_it(system);
}

/* Who comes late, or is slow, has every key's last value. */
static void a_keyed_topic_gives_every_last_value(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("keyed", 0);
	spawn(system, &publisher, 0, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	to_publish = 1000;
	wait_until(to_publish == 0);
	spawn(system, &subscriber, 1, 0);
	for (uint64_t key = 0; key < 8; key++)
		wait_until(seen[0].value[key] == 993 + (key + 8 - 1) % 8);
	assert_int_equal(seen[0].messages, 8);
	to_publish = 1000;
	for (uint64_t key = 0; key < 8; key++)
		wait_until(seen[0].value[key] == 1993 + (key + 8 - 1) % 8);
	assert_int_equal(seen[0].wrong + seen[0].lost, 0);
	close_it(system);
}

static void from_the_oldest_and_in_place(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", MYC_SUBSCRIBE_OLDEST | MYC_SUBSCRIBE_IN_PLACE);
	spawn(system, &publisher, 0, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	to_publish = 500;
	wait_until(to_publish == 0);
	spawn(system, &subscriber, 1, 0);
	wait_until(seen[0].messages == 500);
	assert_int_equal(seen[0].wrong + seen[0].lost, 0);
	close_it(system);
}

static void a_restarted_publisher_goes_on_with_the_next_number_and_it_is_told(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", 0);
	spawn(system, &subscriber, 1, 0);
	spawn(system, &publisher, 0, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].ready && claims == 1);
	settle();
	to_publish = 100;
	wait_until(seen[0].messages == 100);
	uint64_t resumed = seen[0].resumed;

	crash_publisher = true;
	wait_until(claims == 2);
	to_publish = 100;
	wait_until(seen[0].messages == 200);
	assert_int_equal(seen[0].ends, 1);
	assert_int_equal(seen[0].resumed, resumed + 1);
	assert_int_equal(seen[0].wrong + seen[0].lost, 0);
	close_it(system);
}

static void a_restart_ends_the_subscriptions_that_it_had(void **state)
{
	struct myc_system *system = open_three();

	(void)state;
	fresh("long", 0);
	spawn(system, &publisher, 0, 0);
	spawn(system, &subscriber, 1, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(seen[0].ready == 1);
	crash_subscriber = true;
	wait_until(seen[0].ready == 2);
	settle();
	to_publish = 100;
	wait_until(seen[0].messages == 100);
	settle();
	assert_int_equal(seen[0].messages, 100);
	assert_int_equal(seen[0].wrong, 0);
	close_it(system);
}

/* ---- two processes ----------------------------------------------------------------------------- */

static struct myc_region region[2][2]; /* of process, as seen by process */
static _Atomic bool dead[2];
static const struct myc_system_opts one[2] = {
	{.sz = sizeof(one[0]), .executor = sleeping, .topics = topics, .topics_count = 4},
	{.sz = sizeof(one[1]), .executor = sleeping},
};

static bool alive(void *context, uint32_t process)
{
	(void)context;
	return !dead[process];
}

static struct myc_system *join(uint32_t process, uint64_t incarnation)
{
	struct myc_workspace workspace = {.process = process,
					  .incarnation = incarnation,
					  .processes = 2,
					  .alive = alive,
					  .regions = region[process]};
	struct myc_system *system;

	dead[process] = false;
	assert_int_equal(myc_system_join(&system, &one[process], &workspace, NULL), 0);
	return system;
}

static void open_regions(void)
{
	for (uint32_t i = 0; i < 2; i++) {
		struct myc_region_plan plan = {0};

		assert_int_equal(myc_system_plan(&plan, &one[i], 2, 2), 0);
		int fd = myc_region_create("topics", &plan, NULL);
		assert_true(fd >= 0);
		for (uint32_t j = 0; j < 2; j++)
			assert_int_equal(
				myc_region_map(&region[j][i], fd,
					       i == j ? MYC_REGION_OWNER : MYC_REGION_READER, NULL),
				0);
		close(fd);
	}
}

static void close_regions(void)
{
	for (uint32_t i = 0; i < 4; i++)
		myc_region_unmap(&region[i / 2][i % 2]);
}

static void across_processes_and_the_publishers_next_incarnation(void **state)
{
	(void)state;
	fresh("reliable", MYC_SUBSCRIBE_WAITED_FOR);
	open_regions();
	struct myc_system *reads = join(1, 1);

	spawn(reads, &subscriber, 0, 0);
	assert_int_equal(myc_system_start(reads, NULL), 0);
	for (uint64_t incarnation = 1; incarnation <= 3; incarnation++) {
		struct myc_system *writes = join(0, incarnation);

		spawn(writes, &publisher, 0, 0);
		assert_int_equal(myc_system_start(writes, NULL), 0);
		wait_until(seen[0].ready && seen[0].resumed == incarnation);
		settle();
		to_publish = 1000;
		wait_until(seen[0].messages == incarnation * 1000);
		close_it(writes);
		wait_until(seen[0].ends == incarnation);
	}
	assert_int_equal(seen[0].wrong + seen[0].lost, 0);
	close_it(reads);
	close_regions();
}

/* Of memory that another thread writes, word by word. */
static void snapshot(uint64_t *to, const uint64_t *from, uint64_t size)
{
	for (uint64_t i = 0; i < size / sizeof(*to); i++)
		to[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
}

/* What a kill -9 leaves: a record that nobody ends. It is put back after the orderly end here. */
static void a_dead_reader_holds_nobody_up(void **state)
{
	(void)state;
	fresh("reliable", MYC_SUBSCRIBE_WAITED_FOR);
	open_regions();
	struct myc_system *writes = join(0, 1), *reads = join(1, 1);

	spawn(writes, &publisher, 0, 0);
	assert_int_equal(myc_system_start(writes, NULL), 0);
	spawn(reads, &subscriber, 0, 0);
	assert_int_equal(myc_system_start(reads, NULL), 0);
	wait_until(seen[0].ready);
	settle();
	to_publish = 100;
	wait_until(seen[0].messages == 100);
	uint64_t size;
	uint64_t *records = myc_region_block(&region[1][1], MYC_BLOCK_TOPIC_RECORDS, 0, &size);
	uint64_t *kept = malloc(size);

	assert_non_null(kept);
	close_it(writes); /* so that the record is not let go of before it is put back */
	snapshot(kept, records, size);
	close_it(reads);
	memcpy(records, kept, size);
	free(kept);
	writes = join(0, 2);
	spawn(writes, &publisher, 0, 0);
	assert_int_equal(myc_system_start(writes, NULL), 0);
	to_publish = 1000;
	wait_until(refused > 10); /* as long as it passes for alive */
	dead[1] = true;
	wait_until(to_publish == 0);
	close_it(writes);
	close_regions();
}

/* ---- idle -------------------------------------------------------------------------------------- */

static void nobody_publishes_and_all_sleep(void **state)
{
	struct myc_region_plan plan = {0};
	struct myc_region own;
	struct myc_workspace workspace = {.incarnation = 1, .processes = 1, .regions = &own};
	struct myc_system *system;

	(void)state;
	fresh("tolerant", 0);
	quiet = true;
	assert_int_equal(myc_system_plan(&plan, &three, 1, 3), 0);
	int fd = myc_region_create("topics", &plan, NULL);
	assert_true(fd >= 0);
	assert_int_equal(myc_region_map(&own, fd, MYC_REGION_OWNER, NULL), 0);
	close(fd);
	assert_int_equal(myc_system_join(&system, &three, &workspace, NULL), 0);
	spawn(system, &publisher, 0, 0);
	for (uint32_t i = 0; i < 4; i++)
		spawn(system, &subscriber, 1, i);
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (uint32_t i = 0; i < 4; i++)
		wait_until(seen[i].ready);
	settle();
	const struct myc_executor_words *words =
		myc_region_block(&own, MYC_BLOCK_EXECUTOR, 1, NULL);
	uint64_t naps = __atomic_load_n(&words->naps, __ATOMIC_RELAXED);
	struct timespec nap = {.tv_nsec = 200000000};

	nanosleep(&nap, NULL);
	naps = __atomic_load_n(&words->naps, __ATOMIC_RELAXED) - naps;
	assert_true(naps < 10);
	to_publish = 1;
	for (uint32_t i = 0; i < 4; i++)
		wait_until(seen[i].messages == 1);
	close_it(system);
	myc_region_unmap(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_subscriber_of_every_executor_gets_every_message),
		cmocka_unit_test(one_actor_at_a_time_publishes),
		cmocka_unit_test(a_paused_tolerant_subscriber_loses_and_is_told),
		cmocka_unit_test(a_paused_subscriber_that_is_waited_for_holds_the_publisher_up),
		cmocka_unit_test(unsubscribed_the_publisher_is_held_up_no_more),
		cmocka_unit_test(a_key_filter_lets_its_keys_through_only),
		cmocka_unit_test(a_keyed_topic_gives_every_last_value),
		cmocka_unit_test(from_the_oldest_and_in_place),
		cmocka_unit_test(a_restarted_publisher_goes_on_with_the_next_number_and_it_is_told),
		cmocka_unit_test(a_restart_ends_the_subscriptions_that_it_had),
		cmocka_unit_test(across_processes_and_the_publishers_next_incarnation),
		cmocka_unit_test(a_dead_reader_holds_nobody_up),
		cmocka_unit_test(nobody_publishes_and_all_sleep),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
