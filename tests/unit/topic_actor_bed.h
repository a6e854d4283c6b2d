/* SPDX-License-Identifier: Apache-2.0 */
/* Topics of actors: a publisher and subscribers that note what they saw, for tests in one process and in two. */
#ifndef MYC_TESTS_TOPIC_ACTOR_BED_H
#define MYC_TESTS_TOPIC_ACTOR_BED_H

#include "common/wait.h"

#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/abi/lane.h>
#include <mycelium/mycelium.h>

#include "core/process.h"

#define READERS 64
enum { TICK = 7, BLOCK = 1, CRASH, STOP, BURST };

/* What subscribers saw, by their number. */
static struct seen {
	_Atomic uint64_t messages, last, lost, ends, resumed, wrong, ready;
	_Atomic uint64_t value[8]; /* keyed: last of each key */
	_Atomic uintptr_t place;   /* of the last payload */
} seen[READERS];
static _Atomic uint64_t published, refused, claims, busy;
static _Atomic int64_t to_publish; /* how many more the publisher may */
static _Atomic bool crash_publisher, crash_subscriber, unsubscribe;
static bool quiet; /* subscribers have no timer that goes on */
static const char *topic_name;
static struct myc_subscribe_opts how;
static _Atomic bool paused; /* who was told to send more than it may has done so */
static _Atomic bool wall;   /* the receiver of blocking messages does not handle them */

struct payload {
	uint64_t number, copy[6];
};

static inline void fresh(const char *name, uint32_t flags)
{
	memset(seen, 0, sizeof(seen));
	published = refused = claims = busy = 0;
	to_publish = 0;
	crash_publisher = crash_subscriber = unsubscribe = wall = paused = false;
	quiet = false;
	topic_name = name;
	how = (struct myc_subscribe_opts){.sz = sizeof(how), .flags = flags};
}

/* ---- actors ------------------------------------------------------------------------------------ */

struct publisher {
	struct myc_publisher topic;
};

static inline int publisher_started(struct myc_actor *self)
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

static inline int publish_one(struct myc_actor *self, uint64_t number)
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
	/* By words: ThreadSanitizer does not know that who reads meanwhile throws it away. */
	for (size_t i = 0; i < sizeof(payload) / sizeof(uint64_t); i++)
		__atomic_store_n((uint64_t *)place + i, ((const uint64_t *)&payload)[i],
				 __ATOMIC_RELAXED);
	return myc_publish_commit(self, &publisher->topic, TICK, sizeof(payload));
}

static inline int publisher_timer(struct myc_actor *self, uint64_t cookie)
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

static inline int subscriber_try(struct myc_actor *self, uint64_t cookie)
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

static inline int subscriber_started(struct myc_actor *self)
{
	struct subscriber *subscriber = myc_state(self);

	subscriber->number = strtoull(myc_setting(self, "number", "0"), NULL, 0);
	return myc_timer_start(self, 0, quiet ? 0 : 1000000, 0, NULL);
}

static inline int subscriber_topic(struct myc_actor *self, const struct myc_topic_event *event)
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
	mine->place = (uintptr_t)event->payload;
	mine->messages++;
	return 0;
}

/* Told to, it sends until it is paused: its messages to the wall wait for credit. */
static inline int subscriber_message(struct myc_actor *self, const struct myc_message *message)
{
	struct subscriber *subscriber = myc_state(self);
	myc_address to;

	memcpy(&to, message->payload, sizeof(to));
	int code = myc_resolve(self, to, &subscriber->wall);

	for (int i = 0; i < 200 && !code; i++)
		code = myc_send(self, &subscriber->wall, BURST, NULL, 0);
	paused = true; /* when this returns */
	return code;
}

static const struct myc_behaviour subscriber = {.name = "subscriber",
						.state_size = sizeof(struct subscriber),
						.started = subscriber_started,
						.timer = subscriber_try,
						.message = subscriber_message,
						.topic = subscriber_topic};

static inline int wall_message(struct myc_actor *self, const struct myc_message *message)
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
	{.name = "timed", .slots = 64, .reliable = true, .patience_ns = 20000000},
};
static const struct myc_system_opts three = {.sz = sizeof(three),
					     .executors = 3,
					     .executor = sleeping,
					     .topics = topics,
					     .topics_count = 5};

static inline myc_address spawn(struct myc_system *system, const struct myc_behaviour *behaviour,
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

static inline struct myc_system *open_three(void)
{
	struct myc_system *system;
	struct myc_error error = {0};

	assert_int_equal(myc_system_open(&system, &three, &error), 0);
	return system;
}

static inline void close_it(struct myc_system *system)
{
	assert_int_equal(myc_system_stop(system, 10000), 0);
	myc_system_close(system);
}

static inline void settle(void)
{
	struct timespec nap = {.tv_nsec = 30000000};

	nanosleep(&nap, NULL);
}

#endif
