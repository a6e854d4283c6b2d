/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actors of the runtime's tests: "ticker" publishes numbers to the topic "ticks" each millisecond, "listener" is
 * waited for by it, is in the group "listeners" and watches that group and the tickers' lives. What they saw is in
 * their status line.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mycelium/mycelium.h>

#define MILLISECOND 1000000ull

static int ticker_started(struct myc_actor *self)
{
	int code = myc_topic_claim(self, "ticks", myc_state(self));

	return code ? code : myc_timer_start(self, MILLISECOND, MILLISECOND, 0, NULL);
}

static int ticker_timer(struct myc_actor *self, uint64_t cookie)
{
	uint64_t now = myc_now_ns(self);
	int code = myc_publish(self, myc_state(self), 1, 0, &now, sizeof(now));

	(void)cookie;
	return code == -EAGAIN ? 0 : code;
}

const struct myc_behaviour myc_behaviour_ticker = {
	.name = "ticker",
	.state_size = sizeof(struct myc_publisher),
	.started = ticker_started,
	.timer = ticker_timer,
};

struct listener {
	uint64_t ticks, last, gaps, ends;
	int members, started, stopped;
};

static int listener_timer(struct myc_actor *self, uint64_t cookie)
{
	const struct myc_subscribe_opts how = {.sz = sizeof(how),
					       .flags = MYC_SUBSCRIBE_WAITED_FOR};
	int code = myc_subscribe(self, "ticks", &how, cookie, NULL);

	/* Its process has not begun. */
	return code == -ENOENT ? myc_timer_start(self, MILLISECOND, 0, 0, NULL) : code;
}

static int listener_started(struct myc_actor *self)
{
	struct myc_group_watch groups;
	struct myc_life_watch lives;
	int code = myc_group_join(self, "", "listeners");

	if (!code)
		code = myc_group_watch(self, "", "listeners", 0, &groups);
	if (!code)
		code = myc_life_watch(self, "", "ticker*", 0, &lives);
	return code ? code : listener_timer(self, 0);
}

static int listener_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	struct listener *listener = myc_state(self);

	if (event->kind == MYC_TOPIC_LOST)
		listener->gaps += event->lost;
	listener->ends += event->kind == MYC_TOPIC_END;
	if (event->kind != MYC_TOPIC_MESSAGE)
		return 0;
	listener->gaps += listener->last && event->sequence != listener->last + 1;
	listener->last = event->sequence;
	listener->ticks++;
	return 0;
}

static int listener_group(struct myc_actor *self, const struct myc_group_event *event)
{
	struct listener *listener = myc_state(self);

	listener->members += event->kind == MYC_GROUP_JOINED ? 1 : -1;
	return 0;
}

static int listener_life(struct myc_actor *self, const struct myc_life_event *event)
{
	struct listener *listener = myc_state(self);

	listener->started += event->kind == MYC_LIFE_STARTED;
	listener->stopped += event->kind == MYC_LIFE_STOPPED;
	return 0;
}

static void listener_status(struct myc_actor *self, struct myc_status *status)
{
	const struct listener *listener = myc_state(self);

	snprintf(status->text, sizeof(status->text),
		 "ticks=%llu gaps=%llu ends=%llu members=%d started=%d stopped=%d",
		 (unsigned long long)listener->ticks, (unsigned long long)listener->gaps,
		 (unsigned long long)listener->ends, listener->members, listener->started,
		 listener->stopped);
}

const struct myc_behaviour myc_behaviour_listener = {
	.name = "listener",
	.state_size = sizeof(struct listener),
	.started = listener_started,
	.timer = listener_timer,
	.topic = listener_topic,
	.group = listener_group,
	.life = listener_life,
	.status = listener_status,
};
