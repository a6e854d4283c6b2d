/* SPDX-License-Identifier: Apache-2.0 */
/* Tells to many in a random order: what nobody can guess (core/guess.h). Typed handlers, 40 bytes of payload. */
#include <errno.h>

#include "mycelium.h"

#define CROWD	 16
#define CAPACITY 128

struct thrower {
	struct myc_ref to[CROWD], self;
	uint64_t count, random;
	uint32_t known;
};

static int scatter(struct myc_actor *self)
{
	struct thrower *thrower = myc_state(self);
	struct message message = {{0}};

	for (int i = 0; thrower->count < MEASURE_STREAM && i < MEASURE_BATCH; i++) {
		uint64_t random = thrower->random * 6364136223846793005ull + 1442695040888963407ull;

		message.word[0] = thrower->count;
		if (myc_try_send(self, &thrower->to[random >> 60], FLOOD, &message,
				 sizeof(message)))
			break;
		thrower->random = random;
		thrower->count++;
	}
	return thrower->count < MEASURE_STREAM ? myc_send(self, &thrower->self, GO_ON, NULL, 0) : 0;
}

static int thrower_message(struct myc_actor *self, const struct myc_message *message)
{
	struct thrower *thrower = myc_state(self);

	if (message->type == GO_ON)
		return scatter(self);
	if (message->type != HELLO || thrower->known == CROWD ||
	    myc_resolve(self, message->from, &thrower->to[thrower->known++]))
		return stage_failed(-EPROTO);
	if (thrower->known < CROWD)
		return 0;
	return myc_resolve(self, myc_self(self), &thrower->self) ? stage_failed(-ENOSPC)
								 : scatter(self);
}

static int catcher_started(struct myc_actor *self)
{
	struct myc_ref thrower;

	return scene_first(self, &thrower) ? 0 : myc_send(self, &thrower, HELLO, NULL, 0);
}

static int catcher_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return catcher_started(self);
}

static int catcher_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	if (message->type != FLOOD || message->size != sizeof(struct message))
		return stage_failed(-EPROTO);
	if (++stage->count == MEASURE_STREAM_WARM)
		stage->ticks = measure_ticks();
	if (stage->count == MEASURE_STREAM) {
		stage->ticks = measure_ticks() - stage->ticks;
		stage_done();
	}
	return 0;
}

static const struct myc_behaviour thrower = {
	.name = "thrower", .state_size = sizeof(struct thrower), .message = thrower_message};
static const struct myc_behaviour catcher = {.name = "catcher",
					     .started = catcher_started,
					     .timer = catcher_timer,
					     .mailbox_capacity = CAPACITY,
					     .capacity_per_sender = CAPACITY,
					     .message = catcher_message};

void play_scatter(void)
{
	struct role cast[1 + CROWD] = {{&thrower, 0}};

	for (int i = 1; i <= CROWD; i++)
		cast[i] = (struct role){&catcher, 0};
	int code = scene_run(
		&(struct scene){.cast = cast, .cast_size = 1 + CROWD, .executors = 1, .peers = 1});

	if (code)
		printf("# tells at random are left out: %s\n", strerror(-code));
	else
		measure_report("tell, same thread, 16 at random", "ns/message",
			       (double)stage->ticks * measure_tick_ns() /
				       (MEASURE_STREAM - MEASURE_STREAM_WARM),
			       "one executor, spin, core 0, 16 receivers in random order, metrics "
			       "on, no TTL");
}
