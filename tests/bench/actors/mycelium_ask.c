/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes of asks, and of messages whose content goes by reference. */
#include <errno.h>
#include <string.h>

#include "mycelium.h"

#define TRIPS	 (MEASURE_WARM + MEASURE_TRIPS)
#define BODY_MAX 4096

/* ---- ask and reply on one executor ------------------------------------------------------------- */

static int teller_message(struct myc_actor *self, const struct myc_message *message)
{
	return myc_reply(self, message, TRIP, message->payload, message->size);
}

struct asker {
	struct myc_ref peer;
};

static int asker_ask(struct myc_actor *self)
{
	struct asker *asker = myc_state(self);
	const struct message question = {{stage->count}};
	int code = myc_ask(self, &asker->peer, TRIP, &question, sizeof(question), 1000000000u, 0,
			   NULL);

	return code ? stage_failed(code) : 0;
}

static int asker_started(struct myc_actor *self)
{
	struct asker *asker = myc_state(self);

	return scene_first(self, &asker->peer) ? 0 : asker_ask(self);
}

static int asker_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	if (reply->status || reply->size != sizeof(struct message))
		return stage_failed(reply->status ? reply->status : -EPROTO);
	if (++stage->count == MEASURE_HOPS_WARM)
		stage->ticks = measure_ticks();
	if (stage->count < MEASURE_HOPS)
		return asker_ask(self);
	stage->ticks = measure_ticks() - stage->ticks;
	stage_done();
	return 0;
}

static const struct myc_behaviour teller = {.name = "teller", .message = teller_message};
static const struct myc_behaviour asker = {.name = "asker",
					   .state_size = sizeof(struct asker),
					   .started = asker_started,
					   .reply = asker_reply};

void play_ask(void)
{
	static const struct role cast[2] = {{&teller, 0}, {&asker, 0}};
	int code = scene_run(
		&(struct scene){.cast = cast, .cast_size = 2, .executors = 1, .peers = 1});

	if (code)
		printf("# the ask is left out: %s\n", strerror(-code));
	else
		measure_report("ask, same thread", "ns/ask",
			       (double)stage->ticks * measure_tick_ns() /
				       (MEASURE_HOPS - MEASURE_HOPS_WARM),
			       "one executor, spin, core 0, with its reply and a timeout");
}

/* ---- by reference: the content is written and read whole, each way ------------------------------ */

static uint64_t sum(const void *content, uint32_t size)
{
	const uint64_t *word = content;
	uint64_t total = 0;

	for (uint32_t i = 0; i < size / sizeof(*word); i++)
		total += word[i];
	return total;
}

static int send_content(struct myc_actor *self, struct myc_ref *to, uint32_t size, uint64_t number)
{
	struct myc_body body;
	int code = myc_body_take(self, size, &body);

	if (!code) {
		memset(body.data, (int)(number & 0xff), size);
		body.size = size;
		code = myc_send_body(self, to, TRIP, &body);
	}
	return code ? stage_failed(code) : 0;
}

struct carrier {
	struct myc_ref peer;
	uint64_t count, before;
};

static bool intact(const struct myc_message *message, uint64_t number)
{
	uint64_t word = 0x0101010101010101ull * (number & 0xff);

	return sum(message->payload, message->size) == word * (message->size / sizeof(word));
}

static int echo_message(struct myc_actor *self, const struct myc_message *message)
{
	struct carrier *carrier = myc_state(self);

	if (!carrier->peer.address && myc_resolve(self, message->from, &carrier->peer))
		return stage_failed(-ESRCH);
	if (!intact(message, carrier->count))
		return stage_failed(-EPROTO);
	return send_content(self, &carrier->peer, message->size, carrier->count++);
}

static int carrier_started(struct myc_actor *self)
{
	struct carrier *carrier = myc_state(self);

	if (scene_first(self, &carrier->peer))
		return 0;
	carrier->before = measure_ticks();
	return send_content(self, &carrier->peer, (uint32_t)scene_setting(self, "peers"), 0);
}

static int carrier_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return carrier_started(self);
}

static int carrier_message(struct myc_actor *self, const struct myc_message *message)
{
	struct carrier *carrier = myc_state(self);
	uint64_t now = measure_ticks();

	if (!intact(message, carrier->count))
		return stage_failed(-EPROTO);
	if (carrier->count >= MEASURE_WARM)
		stage->sample[carrier->count - MEASURE_WARM] = now - carrier->before;
	if (++carrier->count == TRIPS) {
		stage_done();
		return 0;
	}
	carrier->before = measure_ticks();
	return send_content(self, &carrier->peer, message->size, carrier->count);
}

static const struct myc_behaviour echo = {
	.name = "echo", .state_size = sizeof(struct carrier), .message = echo_message};
static const struct myc_behaviour carrier = {.name = "carrier",
					     .state_size = sizeof(struct carrier),
					     .started = carrier_started,
					     .timer = carrier_timer,
					     .message = carrier_message};

void play_bodies(bool processes)
{
	static const struct role cast[2] = {{&echo, 1}, {&carrier, 0}};
	static const uint32_t size[2] = {256, BODY_MAX};

	for (int i = 0; i < 2; i++) {
		char what[32], mode[96];
		/* "peers" tells the actors the size: it is what settings can carry. */
		int code = scene_run(&(struct scene){.cast = cast,
						     .cast_size = 2,
						     .executors = 2,
						     .peers = size[i],
						     .processes = processes});

		snprintf(what, sizeof(what), ", %u B by reference", size[i]);
		snprintf(mode, sizeof(mode),
			 "%s, spin, cores 0+1, written and read whole, 1 peer polled",
			 processes ? "processes" : "threads");
		if (code)
			printf("# one-way%s is left out: %s\n", what, strerror(-code));
		else
			measure_report_trips(stage->sample, MEASURE_TRIPS, what, mode);
	}
}
