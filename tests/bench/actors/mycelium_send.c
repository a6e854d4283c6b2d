/* SPDX-License-Identifier: Apache-2.0 */
/* Scenes of messages: one way, streams, hops and tells. Typed handlers, 40 bytes of payload. */
#include <errno.h>
#include <string.h>

#include "mycelium.h"

#define TRIPS	    (MEASURE_WARM + MEASURE_TRIPS)
#define SENDERS_MAX 4
#define PEERS_MAX   64

#define METRICS "metrics on, no TTL"

struct player {
	struct myc_ref peer, self;
	uint64_t count, before, hellos;
	bool other_ready;
	uint64_t limit, index; /* a pourer's: how many it sends, which it is */
	uint64_t expected[SENDERS_MAX];
};

/* The payload of a type that has one; its size is checked as for anything that came from elsewhere. */
static const struct message *payload(const struct myc_message *message)
{
	return message->size == sizeof(struct message) ? message->payload : NULL;
}

/* ---- one way: the cast is answerer, tripper, then idlers --------------------------------------- */

/* Idlers greet both players, so that these have `peers` lanes to poll, then sleep. */
static int idler_started(struct myc_actor *self)
{
	const char *const key[2] = {"first", "second"};

	for (int i = 0; i < 2; i++) {
		struct myc_ref ref;
		int code = myc_resolve(self, scene_setting(self, key[i]), &ref);

		if (!code)
			code = myc_send(self, &ref, HELLO, NULL, 0);
		if (code)
			return stage_failed(code);
	}
	return 0;
}

static bool all_greeted(struct myc_actor *self)
{
	const struct player *player = myc_state(self);

	return player->hellos + 1 >= scene_setting(self, "peers");
}

static int answerer_ready(struct myc_actor *self)
{
	struct player *player = myc_state(self);

	/* Asked and greeted by all: the lanes are there. */
	return player->other_ready && all_greeted(self)
		       ? myc_send(self, &player->peer, READY, NULL, 0)
		       : 0;
}

static int answerer_on_trip(struct myc_actor *self, const struct message *trip)
{
	struct player *player = myc_state(self);

	return myc_send(self, &player->peer, TRIP, trip, sizeof(*trip));
}

static int answerer_message(struct myc_actor *self, const struct myc_message *message)
{
	struct player *player = myc_state(self);

	switch (message->type) {
	case TRIP:
		return payload(message) ? answerer_on_trip(self, payload(message))
					: stage_failed(-EPROTO);
	case READY:
		player->other_ready = true;
		if (myc_resolve(self, message->from, &player->peer))
			return stage_failed(-ESRCH);
		return answerer_ready(self);
	case HELLO:
		player->hellos++;
		return answerer_ready(self);
	default:
		return stage_failed(-EPROTO);
	}
}

static int tripper_started(struct myc_actor *self)
{
	struct player *player = myc_state(self);

	if (scene_first(self, &player->peer))
		return 0;
	return myc_send(self, &player->peer, READY, NULL, 0);
}

static int tripper_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return tripper_started(self);
}

static int tripper_begin(struct myc_actor *self)
{
	struct player *player = myc_state(self);
	const struct message first = {{0}};

	if (!player->other_ready || !all_greeted(self))
		return 0;
	player->before = measure_ticks();
	return myc_send(self, &player->peer, TRIP, &first, sizeof(first));
}

static int tripper_on_trip(struct myc_actor *self, const struct message *trip)
{
	struct player *player = myc_state(self);
	uint64_t now = measure_ticks();

	if (player->count >= MEASURE_WARM)
		stage->sample[player->count - MEASURE_WARM] = now - player->before;
	player->before = now;
	if (++player->count < TRIPS)
		return myc_send(self, &player->peer, TRIP, trip, sizeof(*trip));
	stage_done();
	return 0;
}

static int tripper_message(struct myc_actor *self, const struct myc_message *message)
{
	struct player *player = myc_state(self);

	switch (message->type) {
	case TRIP:
		return payload(message) ? tripper_on_trip(self, payload(message))
					: stage_failed(-EPROTO);
	case READY:
		player->other_ready = true;
		return tripper_begin(self);
	case HELLO:
		player->hellos++;
		return tripper_begin(self);
	default:
		return stage_failed(-EPROTO);
	}
}

static const struct myc_behaviour answerer = {
	.name = "answerer", .state_size = sizeof(struct player), .message = answerer_message};
static const struct myc_behaviour tripper = {.name = "tripper",
					     .state_size = sizeof(struct player),
					     .started = tripper_started,
					     .timer = tripper_timer,
					     .message = tripper_message};
static const struct myc_behaviour idler = {.name = "idler", .started = idler_started};

void play_one_way(bool processes, uint32_t peers)
{
	/* 64 executors are the most of one process: the 64th peer is a plain thread. */
	bool post = peers == PEERS_MAX;
	uint32_t executors = peers + 1 - post;
	struct role cast[PEERS_MAX] = {{&answerer, 1}, {&tripper, 0}};
	struct scene scene = {.cast = cast,
			      .cast_size = executors,
			      .executors = executors,
			      .peers = peers,
			      .processes = processes,
			      .post_a_hello = post};
	char what[32] = "", mode[96];

	for (uint32_t i = 2; i < executors; i++)
		cast[i] = (struct role){&idler, i};
	int code = scene_run(&scene);

	if (peers > 1)
		snprintf(what, sizeof(what), ", %u peers", peers);
	snprintf(mode, sizeof(mode), "%s, spin, cores 0+1, %u peer%s polled, " METRICS,
		 processes ? "processes" : "threads", peers, peers > 1 ? "s" : "");
	if (code)
		printf("# one-way%s is left out: %s\n", what, strerror(-code));
	else
		measure_report_trips(stage->sample, MEASURE_TRIPS, what, mode);
}

/* ---- streams: the cast is drinker, then pourers ------------------------------------------------ */

/* Sends what credit allows, then lets the executor turn by a message to itself. */
static int pourer_pour(struct myc_actor *self)
{
	struct player *player = myc_state(self);
	uint64_t limit = player->limit;
	struct message message = {{player->count, player->index}};

	for (int i = 0; player->count < limit && i < MEASURE_BATCH; i++) {
		message.word[0] = player->count;
		if (myc_try_send(self, &player->peer, FLOOD, &message, sizeof(message)))
			break;
		player->count++;
	}
	return player->count < limit ? myc_send(self, &player->self, GO_ON, NULL, 0) : 0;
}

static int pourer_started(struct myc_actor *self)
{
	struct player *player = myc_state(self);

	if (scene_first(self, &player->peer))
		return 0;
	if (myc_resolve(self, myc_self(self), &player->self))
		return stage_failed(-ENOSPC);
	player->limit = MEASURE_STREAM / scene_setting(self, "peers");
	player->index = scene_setting(self, "index") - 1;
	return myc_send(self, &player->self, GO_ON, NULL, 0);
}

static int pourer_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return pourer_started(self);
}

static int pourer_message(struct myc_actor *self, const struct myc_message *message)
{
	return message->type == GO_ON ? pourer_pour(self) : stage_failed(-EPROTO);
}

static int drinker_on_flood(struct myc_actor *self, const struct message *flood)
{
	struct player *player = myc_state(self);

	if (flood->word[1] >= SENDERS_MAX || flood->word[0] != player->expected[flood->word[1]]++)
		return stage_failed(-EPROTO);
	if (++player->count == MEASURE_STREAM_WARM)
		player->before = measure_ticks();
	if (player->count == MEASURE_STREAM) {
		stage->ticks = measure_ticks() - player->before;
		stage_done();
	}
	return 0;
}

static int drinker_message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type != FLOOD || !payload(message))
		return stage_failed(-EPROTO);
	return drinker_on_flood(self, payload(message));
}

static const struct myc_behaviour pourer = {.name = "pourer",
					    .state_size = sizeof(struct player),
					    .started = pourer_started,
					    .timer = pourer_timer,
					    .message = pourer_message};
static const struct myc_behaviour drinker = {.name = "drinker",
					     .state_size = sizeof(struct player),
					     .mailbox_capacity = SENDERS_MAX * MEASURE_RING,
					     .capacity_per_sender = MEASURE_RING,
					     .message = drinker_message};

static double stream(bool processes, uint32_t senders, bool one_executor)
{
	struct role cast[1 + SENDERS_MAX] = {{&drinker, !one_executor}};
	struct scene scene = {.cast = cast,
			      .cast_size = 1 + senders,
			      .executors = one_executor ? 1 : 2,
			      .peers = senders,
			      .processes = processes};

	for (uint32_t i = 1; i <= senders; i++)
		cast[i] = (struct role){&pourer, 0};
	int code = scene_run(&scene);

	if (code)
		printf("# a stream is left out: %s\n", strerror(-code));
	return code ? 0
		    : (double)stage->ticks * measure_tick_ns() /
			       (MEASURE_STREAM - MEASURE_STREAM_WARM);
}

void play_stream(bool processes, uint32_t senders)
{
	double ns = stream(processes, senders, false);
	char figure[32], mode[128];

	snprintf(figure, sizeof(figure), "stream %u to 1", senders);
	snprintf(mode, sizeof(mode),
		 "%s, spin, cores 0+1, 1 peer polled, credit %d a sender, " METRICS,
		 processes ? "processes" : "threads", MEASURE_RING);
	if (ns > 0)
		measure_report(figure, "ns/message", ns, mode);
}

void play_tell(void)
{
	double ns = stream(false, 1, true);

	/* Each batch brings one more, to its sender: to go on. */
	if (ns > 0)
		measure_report("tell, same thread", "ns/message",
			       ns * MEASURE_BATCH / (MEASURE_BATCH + 1),
			       "one executor, spin, core 0, 65 sent, then 65 handled, " METRICS);
}

/* ---- hops -------------------------------------------------------------------------------------- */

static int hopper_on_hop(struct myc_actor *self, const struct message *hop)
{
	struct player *player = myc_state(self);

	if (++stage->count == MEASURE_HOPS_WARM)
		stage->ticks = measure_ticks();
	if (stage->count == MEASURE_HOPS) {
		stage->ticks = measure_ticks() - stage->ticks;
		stage_done();
		return 0;
	}
	return myc_send(self, &player->peer, HOP, hop, sizeof(*hop));
}

static int hopper_message(struct myc_actor *self, const struct myc_message *message)
{
	struct player *player = myc_state(self);

	if (message->type != HOP || !payload(message))
		return stage_failed(-EPROTO);
	if (!player->peer.address && myc_resolve(self, message->from, &player->peer))
		return stage_failed(-ESRCH);
	return hopper_on_hop(self, payload(message));
}

static int server_started(struct myc_actor *self)
{
	struct player *player = myc_state(self);
	const struct message first = {{0}};

	if (scene_first(self, &player->peer))
		return 0;
	return myc_send(self, &player->peer, HOP, &first, sizeof(first));
}

static const struct myc_behaviour hopper = {
	.name = "hopper", .state_size = sizeof(struct player), .message = hopper_message};
static const struct myc_behaviour server = {.name = "server",
					    .state_size = sizeof(struct player),
					    .started = server_started,
					    .message = hopper_message};

void play_hop(void)
{
	static const struct role cast[2] = {{&hopper, 0}, {&server, 0}};
	int code = scene_run(
		&(struct scene){.cast = cast, .cast_size = 2, .executors = 1, .peers = 1});

	if (code)
		printf("# the hop is left out: %s\n", strerror(-code));
	else
		measure_report(
			"hop, same thread", "ns/message",
			(double)stage->ticks * measure_tick_ns() /
				(MEASURE_HOPS - MEASURE_HOPS_WARM),
			"one executor, spin, core 0, two actors answer each other, " METRICS);
}
