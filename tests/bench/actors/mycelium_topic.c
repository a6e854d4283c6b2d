/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One to many: a topic that waits for its readers, beside a loop of sends to the same actors. Publisher or
 * sender on core 0, all the others on core 1; ns a message and reader, over the whole length.
 */
#include <errno.h>
#include <string.h>

#include "mycelium.h"

#define READERS_MAX 64
#define DELIVERIES  2000000u /* of all readers; the first tenth warms up */
#define BATCH	    64

enum { MANY = 20 };

/* Of this scene, in the one process that plays it. What the readers' executor writes lies apart: the publisher looks
 * at `ready` until it begins. */
static struct {
	_Alignas(64) uint32_t readers;
	uint64_t messages;		     /* to be published */
	_Alignas(64) _Atomic uint32_t ready; /* readers that would miss nothing */
	_Alignas(64) uint64_t reads;	     /* deliveries so far */
	uint64_t from;			     /* ticks when the warm ones began */
	uint64_t others;		     /* that were not read where they were published */
} many;

static void handled(void)
{
	const uint64_t all = many.messages * many.readers, warm = all / 10;

	if (++many.reads == warm)
		many.from = measure_ticks();
	if (many.reads < all)
		return;
	stage->ticks = measure_ticks() - many.from;
	stage->count = all - warm;
	stage_done();
}

/* ---- readers ----------------------------------------------------------------------------------- */

static int reader_started(struct myc_actor *self)
{
	int code =
		myc_subscribe(self, "ticks",
			      &(struct myc_subscribe_opts){.sz = sizeof(struct myc_subscribe_opts),
							   .flags = MYC_SUBSCRIBE_WAITED_FOR},
			      0, NULL);

	return code ? stage_failed(code) : 0;
}

static int reader_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	const struct message *tick = event->payload;

	(void)self;
	if (event->kind == MYC_TOPIC_RESUMED)
		many.ready++;
	if (event->kind == MYC_TOPIC_LOST)
		return stage_failed(-EOVERFLOW);
	if (event->kind != MYC_TOPIC_MESSAGE)
		return 0;
	many.others += tick->word[1] != (uint64_t)(uintptr_t)event->payload;
	handled();
	return 0;
}

static int receiver_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	if (message->type != MANY || message->size != sizeof(struct message))
		return stage_failed(-EPROTO);
	handled();
	return 0;
}

static const struct myc_behaviour reader = {
	.name = "reader", .started = reader_started, .topic = reader_topic};
static const struct myc_behaviour receiver = {
	.name = "receiver", .capacity_per_sender = MEASURE_RING, .message = receiver_message};

/* ---- who tells them ---------------------------------------------------------------------------- */

struct teller {
	struct myc_publisher topic;
	struct myc_ref self, to[READERS_MAX];
	uint64_t published;
	uint32_t next; /* receiver of the message in hand */
};

static int go_on(struct myc_actor *self)
{
	struct teller *teller = myc_state(self);
	int code = myc_try_send(self, &teller->self, GO_ON, NULL, 0);

	return code ? stage_failed(code) : 0;
}

static int publisher_started(struct myc_actor *self)
{
	struct teller *teller = myc_state(self);
	int code = myc_topic_claim(self, "ticks", &teller->topic);

	if (!code)
		code = myc_resolve(self, myc_self(self), &teller->self);
	return code ? stage_failed(code) : go_on(self);
}

/* The copy is ours, so that we know where it went. */
static int publish(struct myc_actor *self, struct teller *teller)
{
	struct message tick = {{teller->published}};
	void *place;
	int code = myc_publish_reserve(self, &teller->topic, 0, &place);

	if (code)
		return code;
	tick.word[1] = (uint64_t)(uintptr_t)place;
	memcpy(place, &tick, sizeof(tick));
	return myc_publish_commit(self, &teller->topic, MANY, sizeof(tick));
}

static int publisher_message(struct myc_actor *self, const struct myc_message *message)
{
	struct teller *teller = myc_state(self);
	int code = 0;

	(void)message;
	if (many.ready < many.readers)
		return go_on(self);
	for (int i = 0; i < BATCH && teller->published < many.messages && !code; i++) {
		code = publish(self, teller);
		teller->published += !code;
	}
	if (code && code != -EAGAIN)
		return stage_failed(code);
	return teller->published < many.messages ? go_on(self) : 0;
}

static int sender_started(struct myc_actor *self)
{
	struct teller *teller = myc_state(self);
	myc_address first = scene_setting(self, "first");
	int code = myc_resolve(self, myc_self(self), &teller->self);

	/* They were spawned one after the other. */
	for (uint32_t i = 0; i < many.readers && !code; i++)
		code = myc_resolve(self,
				   myc_address_make(myc_address_node(first),
						    myc_address_process(first),
						    myc_address_slot(first) + i,
						    myc_address_generation(first)),
				   &teller->to[i]);
	return code ? stage_failed(code) : go_on(self);
}

static int sender_message(struct myc_actor *self, const struct myc_message *message)
{
	struct teller *teller = myc_state(self);
	struct message tick = {{teller->published}};
	int code = 0;

	(void)message;
	for (int i = 0; i < BATCH && teller->published < many.messages && !code; i++) {
		for (; teller->next < many.readers && !code; teller->next += !code)
			code = myc_try_send(self, &teller->to[teller->next], MANY, &tick,
					    sizeof(tick));
		if (code)
			break;
		teller->next = 0;
		teller->published++;
	}
	if (code && code != -EAGAIN)
		return stage_failed(code);
	return teller->published < many.messages ? go_on(self) : 0;
}

static const struct myc_behaviour publisher = {.name = "publisher",
					       .state_size = sizeof(struct teller),
					       .started = publisher_started,
					       .message = publisher_message};
static const struct myc_behaviour sender = {.name = "sender",
					    .state_size = sizeof(struct teller),
					    .started = sender_started,
					    .message = sender_message};

/* ---- the scene --------------------------------------------------------------------------------- */

static void play(uint32_t readers, bool topic)
{
	static const struct myc_topic_opts ticks = {.name = "ticks", .reliable = true};
	struct role cast[READERS_MAX + 1];
	char figure[72];

	memset(&many, 0, sizeof(many));
	many.readers = readers;
	many.messages = DELIVERIES / readers;
	for (uint32_t i = 0; i < readers; i++)
		cast[i] = (struct role){topic ? &reader : &receiver, 1};
	cast[readers] = (struct role){topic ? &publisher : &sender, 0};
	if (scene_run(&(struct scene){
		    .cast = cast, .cast_size = readers + 1, .topics = &ticks, .topics_count = 1})) {
		printf("# %s to %u readers failed\n", topic ? "broadcast" : "sends", readers);
		return;
	}
	snprintf(figure, sizeof(figure), "%s to %u, each", topic ? "broadcast" : "a loop of sends",
		 readers);
	measure_report(figure, "ns",
		       (double)stage->ticks * measure_tick_ns() / (double)stage->count,
		       topic ? "a topic that waits, read in place" : "credit 1024 a receiver");
	/* One into the topic; read elsewhere, it was copied once more. */
	if (topic && readers == READERS_MAX)
		measure_report("broadcast to 64 readers, copies", "a message",
			       1 + (double)many.others / (double)many.reads * (double)readers,
			       "a topic that waits, read in place");
}

void play_topics(void)
{
	static const uint32_t readers[] = {1, 8, READERS_MAX};

	for (int i = 0; i < 3; i++) {
		play(readers[i], true);
		play(readers[i], false);
	}
}
