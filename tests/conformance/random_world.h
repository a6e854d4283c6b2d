/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A random world of actors in the deterministic runtime, from a seed: executors and processes, tiny mailboxes or such
 * without bounds, tiny tables, sends of every kind, bodies, timers, asks, monitors and links, actors that spawn, fail
 * and end, and, in every fifth world, move from executor to executor; processes that die at a turn's end, around a
 * handler, or at a named point of a move. Whatever happened, at the end:
 *
 *	each pair's messages came in order, none twice, none is missing but what a death left in doubt
 *	no receiver found anything wrong in a lane (credit, address, sequence); nothing waits; every buffer is home
 *	timers fired when they were due, and not after they were cancelled
 *	each ask has had one outcome, each monitor and link of one that ended one event, in each life
 *
 * Included once, before anything of ours.
 */
#ifndef TESTS_CONFORMANCE_RANDOM_WORLD_H
#define TESTS_CONFORMANCE_RANDOM_WORLD_H

#include "common/test.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static void point(const char *name);
#define MYC_POINT(name) point(name)

#include "core/executor.h"

/* Now and then there is no room for an actor's timers. */
static int land_or_not(struct myc_actor *actor, struct myc_lifted_timers *lifted);
#define myc_actor_timers_land land_or_not

/* The core's own, with its named points: where a process may die. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/move.c"
#include "core/outbox.c"
/* NOLINTEND(bugprone-suspicious-include) */
#undef myc_actor_timers_land

#include <mycelium/mailbox.h>
#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "core/testkit.h"

#define ACTORS	 5
#define TYPE	 1
#define AGAIN	 2   /* what was an answer */
#define BODY	 100 /* bytes of those that go by reference */
#define TICK_NS	 1000
#define COOKIES	 64 /* asks of a life that are told apart */
#define ASK_NS	 3000000
#define FAILURES 3 /* of handlers: fewer than their limit */

struct note {
	uint32_t from, to, sequence, hops, check;
};

/* What the world outside has seen: it outlives the processes. */
static struct {
	struct myc_testkit *kit;
	myc_address address[ACTORS];
	uint32_t actors;
	uint32_t sent[ACTORS + 1][ACTORS], got[ACTORS + 1][ACTORS], last[ACTORS + 1][ACTORS];
	uint32_t disorder, doubled, torn, late, after_cancel;
	uint32_t crashes, failures, children_begun, children_ended, ticks;
	bool cancelled[ACTORS];
	uint64_t asked, outcomes, events;
	uint32_t no_ask, no_watch, no_link; /* an outcome or event of what is none (any more) */
	bool asking[ACTORS][COOKIES];	    /* of this life */
	bool many[ACTORS][COOKIES];	    /* it is a gather */
	uint32_t check[ACTORS][COOKIES];    /* what its answers have */
	uint64_t gathers, awaits, cancels, passed, large, kept;
	uint32_t monitors[ACTORS], links[ACTORS];	      /* of children, in this life */
	uint32_t crashes_at[ACTORS];			      /* when it started last */
	uint32_t lives[ACTORS], watched_life[ACTORS][ACTORS]; /* 0 = not watched */
	bool moving;					      /* they move */
	uint32_t asked_to, moves;			      /* to move; that it was seen */
	uint32_t on[ACTORS]; /* executor + 1 where it was last seen */
	bool ruled;	     /* some may be dropped */
	bool ending;	     /* nobody begins anything new */
} world;

static uint32_t any(uint32_t bound)
{
	return myc_testkit_random(world.kit, bound);
}

static const char *const points[] = {"move: closed", "move: opened again", "move: marked",
				     "move: handed", "move: taken",	   "move: done",
				     "move: left",   "move: came back",	   "outbox: follows"};
#define POINTS (sizeof(points) / sizeof(*points))
static const char *die_at; /* once */
static uint32_t died_at[POINTS];

static void point(const char *name)
{
	if (!die_at || strcmp(name, die_at) != 0 || !world.kit->in_turn || world.ending)
		return;
	for (uint32_t i = 0; i < POINTS; i++)
		died_at[i] += die_at == points[i];
	die_at = NULL;
	longjmp(world.kit->crashed, 1);
}

static int land_or_not(struct myc_actor *actor, struct myc_lifted_timers *lifted)
{
	return any(8) ? myc_actor_timers_land(actor, lifted) : -ENOSPC;
}

static uint32_t index_of(const struct myc_actor *self)
{
	for (uint32_t i = 0; i < world.actors; i++)
		if (world.address[i] == myc_self(self))
			return i;
	return 0;
}

/* ---- a child: begins, ends --------------------------------------------------------------------- */

static int child_started(struct myc_actor *self)
{
	world.children_begun++;
	return myc_timer_start(self, any(3), 0, 0, NULL);
}

static int child_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	myc_stop(self);
	return 0;
}

static void child_stopped(struct myc_actor *self)
{
	(void)self;
	world.children_ended++;
}

static const struct myc_behaviour child = {
	.name = "child", .started = child_started, .timer = child_timer, .stopped = child_stopped};

/* ---- a peer ------------------------------------------------------------------------------------ */

struct peer {
	uint64_t tick_due_ns, once_due_ns;
	struct myc_timer once, tick;
	uint64_t cookies, newest_cookie;
	struct myc_ask newest;
	bool owes; /* an answer, to somebody */
	struct note owed;
	struct myc_reply_to owed_to;
	struct myc_body owed_body;
	struct myc_ref to[ACTORS];
};

static int send_body(struct myc_actor *self, struct myc_ref *to, const struct note *note,
		     bool share)
{
	struct myc_body body;
	int code = myc_body_take(self, BODY, &body);

	if (code)
		return code;
	memset(body.data, (int)note->check, BODY);
	memcpy(body.data, note, sizeof(*note));
	body.size = BODY;
	code = share ? myc_try_send_share(self, to, TYPE, &body)
		     : myc_try_send_body(self, to, TYPE, &body);
	if (code || share)
		myc_body_give(self, &body);
	return code;
}

/* Waiting is only towards higher numbers: no ring of actors waits for itself. */
static void send_some(struct myc_actor *self, uint32_t hops)
{
	struct peer *peer = myc_state(self);
	uint32_t me = index_of(self), to = any(world.actors);
	struct note note = {.from = me, .to = to, .sequence = world.sent[me][to] + 1, .hops = hops};
	char large[BODY] = {0};
	int code;

	note.check = note.sequence * 7 % 251;
	if (!peer->to[to].address && myc_resolve(self, world.address[to], &peer->to[to]))
		return;
	memset(large, (int)note.check, sizeof(large));
	memcpy(large, &note, sizeof(note));
	switch (any(6)) {
	case 0:
		code = send_body(self, &peer->to[to], &note, false);
		break;
	case 1:
		code = send_body(self, &peer->to[to], &note, true);
		break;
	case 2:
		code = to > me ? myc_send(self, &peer->to[to], TYPE, large, sizeof(large))
			       : myc_try_send(self, &peer->to[to], TYPE, large, sizeof(large));
		break;
	case 3:
		code = myc_try_send(self, &peer->to[to], TYPE, &note, sizeof(note));
		break;
	default:
		code = to > me ? myc_send(self, &peer->to[to], TYPE, &note, sizeof(note))
			       : myc_try_send(self, &peer->to[to], TYPE, &note, sizeof(note));
	}
	if (!code)
		world.sent[me][to]++;
}

/* ---- moves --------------------------------------------------------------------------------------- */

/* Somebody is to go somewhere. */
static void move_some(uint32_t process)
{
	struct myc_system *system = myc_testkit_system(world.kit, process);

	if (!system || world.ending || !world.moving)
		return;
	for (uint32_t i = 0, first = any(world.actors); i < world.actors; i++) {
		uint32_t who = (first + i) % world.actors;

		if (myc_address_process(world.address[who]) != process)
			continue;
		world.asked_to +=
			!myc_move_ask(system, world.address[who], any(system->opts.executors));
		return;
	}
}

static void seen_on(const struct myc_actor *self, uint32_t me)
{
	uint32_t now = self->executor->index + 1;

	world.moves += world.on[me] && world.on[me] != now;
	world.on[me] = now;
}

#include "conformance/random_asks.h"

/* ---- links ------------------------------------------------------------------------------------ */

static int peer_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	uint32_t me = index_of(self);

	world.events++;
	for (uint32_t to = 0; to < world.actors; to++)
		if (event->from == world.address[to]) {
			world.no_watch += !world.watched_life[me][to];
			world.watched_life[me][to] = 0;
			return 0;
		}
	if (event->kind == MYC_EVENT_EXIT) {
		world.no_link += !world.links[me];
		world.links[me] -= !!world.links[me];
	} else {
		world.no_watch += !world.monitors[me];
		world.monitors[me] -= !!world.monitors[me];
	}
	return 0;
}

static void watch_some(struct myc_actor *self)
{
	uint32_t me = index_of(self), to = any(world.actors);
	struct myc_monitor monitor;

	/* Not over processes: there a restart is seen when it has happened. */
	if (to == me || world.watched_life[me][to] || !world.lives[to] ||
	    world.crashes_at[to] != myc_testkit_crashes(world.kit) || /* not started since */
	    myc_address_process(world.address[to]) != myc_address_process(world.address[me]))
		return;
	if (!myc_monitor(self, world.address[to], 0, &monitor))
		world.watched_life[me][to] = world.lives[to];
}

static void bear_child(struct myc_actor *self, bool watches)
{
	const struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &child};
	uint32_t me = index_of(self);
	struct myc_monitor monitor;
	myc_address address;

	if (myc_spawn_local(self, &opts, &address, NULL) || !watches)
		return;
	if (any(2))
		world.monitors[me] += !myc_monitor(self, address, 0, &monitor);
	if (any(2))
		world.links[me] += !myc_link(self, address);
}

static void received(uint32_t me, const struct myc_message *message)
{
	const unsigned char *bytes = message->payload;
	struct note note;

	memcpy(&note, bytes, sizeof(note));
	if (note.from > ACTORS) {
		world.torn++;
		return;
	}
	for (uint32_t i = sizeof(note); i < message->size; i++)
		world.torn += bytes[i] != note.check;
	if (note.to != me || message->type == AGAIN)
		return;
	if (note.sequence <= world.last[note.from][me]) {
		if (note.sequence == world.last[note.from][me] &&
		    message->flags & MYC_MESSAGE_REDELIVERED)
			return;
		world.doubled += note.sequence == world.last[note.from][me];
		world.disorder++;
	}
	world.last[note.from][me] = note.sequence;
	world.got[note.from][me]++;
}

static int peer_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t me = index_of(self), hops = ((const struct note *)message->payload)->hops;

	received(me, message);
	seen_on(self, me);
	answer(self, message);
	if (world.ending)
		return 0;
	if (!any(8))
		move_some(any(2));
	for (uint32_t i = any(4); hops && i > 0; i--)
		any(4) ? send_some(self, hops - 1) : ask_some(self, hops - 1);
	if (!any(20))
		cancel_some(self);
	/* Who watches stays where it is. */
	bool watches = !world.moving || me % 2;

	if (!any(10))
		bear_child(self, watches);
	if (watches && !any(10))
		watch_some(self);
	if (!any(20) && world.failures < FAILURES) {
		world.failures++;
		return -EIO;
	}
	return 0;
}

static int peer_started(struct myc_actor *self)
{
	struct peer *peer = myc_state(self);
	uint32_t me = index_of(self);
	uint64_t now = myc_now_ns(self);

	peer->tick_due_ns = now + 10 + any(50);
	peer->once_due_ns = now + 1 + any(200);
	world.cancelled[me] = false;
	memset(world.asking[me], 0, sizeof(world.asking[me]));
	memset(world.watched_life[me], 0, sizeof(world.watched_life[me]));
	world.monitors[me] = world.links[me] = 0;
	world.lives[me]++;
	world.crashes_at[me] = myc_testkit_crashes(world.kit);
	myc_trap_exit(self, true);
	int code = myc_timer_start(self, peer->tick_due_ns - now, TICK_NS, 1, &peer->tick);

	if (!code)
		code = myc_timer_start(self, peer->once_due_ns - now, 0, 2, &peer->once);
	return code;
}

static int peer_timer(struct myc_actor *self, uint64_t cookie)
{
	struct peer *peer = myc_state(self);
	uint32_t me = index_of(self);
	uint64_t now = myc_now_ns(self), due = cookie == 1 ? peer->tick_due_ns : peer->once_due_ns;

	world.ticks++;
	world.late += now < due;
	world.after_cancel += cookie == 2 && world.cancelled[me];
	pay(self);
	if (cookie == 1) {
		peer->tick_due_ns += TICK_NS;
		if (any(2) && !myc_timer_cancel(self, peer->once))
			world.cancelled[me] = true;
		if (!world.ending)
			send_some(self, 1);
		else
			myc_timer_cancel(self, peer->tick);
	}
	return 0;
}

static struct myc_behaviour peer_behaviour[2];

/* ---- a world ----------------------------------------------------------------------------------- */

/* In every third world messages that find no room go elsewhere, or nowhere. */
static void give_rules(uint64_t seed)
{
	static struct myc_overflow rule;

	rule = (struct myc_overflow){
		.first = TYPE,
		.last = TYPE,
		.policy = 1 + (uint32_t)(seed / 3 % (MYC_OVERFLOW_POLICIES - 1)),
		.keep = 1 + (uint32_t)(seed / 12 % 2),
		.key_size = 4, /* who it is from: no pair's messages change places */
		.to = "spare"};
	world.ruled = true;
	peer_behaviour[1].overflow = &rule;
	peer_behaviour[1].overflow_count = 1;
}

static void open_world(uint64_t seed)
{
	static const uint32_t delays[] = {0, 20000, 200000};
	static const struct myc_executor_opts little[3] = {
		{.core = -1, .signals = 4, .asks = 6},
		{.core = -1, .signals = 4, .asks = 6},
		{.core = -1, .signals = 4, .asks = 6},
	};
	uint64_t chance = seed * 0x9e3779b97f4a7c15ull | 1;
	struct myc_system_opts system = {.sz = sizeof(system),
					 .executors = 1 + (uint32_t)(test_random(&chance) % 2),
					 .actors = 32,
					 .lane_slots = 1u << test_random(&chance) % 4,
					 .lane_urgent_slots = 2,
					 .outbox = 64,
					 .pending = 16,
					 .buffers = {{128, 16}},
					 .loans = seed % 4 ? 32 : 8,
					 .growth = seed % 7 ? 0 : 2 * MYC_MAILBOX_CHUNK,
					 .executor = seed % 3 ? NULL : little};
	struct myc_testkit_opts opts = {.sz = sizeof(opts),
					.seed = seed,
					.processes = 1 + !(test_random(&chance) % 4),
					.system = &system,
					.delay = delays[test_random(&chance) % 3],
					.crash_handler = seed % 2 ? 10000 : 0,
					.crash = seed % 2 ? 2000 : 0,
					.crashes_max = 2,
					.turns_max = seed % 5 ? 100000 : 10000};

	memset(&world, 0, sizeof(world));
	world.moving = seed % 5 == 0;
	if (opts.processes > 1)
		system.executors = 1;
	if (world.moving)
		system.executors += 1;
	die_at = world.moving && seed % 4 ? points[seed / 5 % POINTS] : NULL;
	assert_int_equal(myc_testkit_open(&world.kit, &opts, NULL), 0);
	world.actors = 2 + any(ACTORS - 1);
	for (uint32_t i = 0; i < 2; i++)
		peer_behaviour[i] = (struct myc_behaviour){.name = "peer",
							   .state_size = sizeof(struct peer),
							   .mailbox_capacity = 1 + any(4),
							   .capacity_per_sender = 1 + any(3),
							   .started = peer_started,
							   .message = peer_message,
							   .timer = peer_timer,
							   .reply = peer_reply,
							   .signal = peer_signal,
							   .redeliver = any(2)};
	if (seed % 3 == 1)
		give_rules(seed);
	if (system.growth) {
		peer_behaviour[0].grows_to = MYC_GROWS_FREELY;
		peer_behaviour[0].mailbox_capacity = peer_behaviour[0].capacity_per_sender = 0;
	}
	for (uint32_t i = 0; i < world.actors; i++) {
		struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
					       .behaviour = &peer_behaviour[any(2)],
					       .executor = any(system.executors),
					       .restarts_max = 10,
					       .name = i + 1 == world.actors ? "spare" : NULL};

		assert_int_equal(myc_testkit_spawn(world.kit, any(opts.processes), &spawn,
						   &world.address[i]),
				 0);
	}
}

static int play(void)
{
	int code = 0;

	for (uint32_t round = 0; round < 4 && !code; round++) {
		for (uint32_t i = any(6); i > 0 && !code; i--) {
			move_some(any(2));
			uint32_t to = any(world.actors);
			struct note note = {.from = ACTORS,
					    .to = to,
					    .sequence = world.sent[ACTORS][to] + 1,
					    .hops = 3};

			code = myc_testkit_post(world.kit, world.address[to], TYPE, &note,
						sizeof(note));
			/* It awaits one, or is on its way and waits for replies: what they take is virtual time. */
			if (code == -ETIME) {
				code = myc_testkit_advance(world.kit, ASK_NS);
				continue;
			}
			world.sent[ACTORS][to] += !code;
		}
		if (!code)
			code = myc_testkit_advance(world.kit, any(700));
	}
	world.ending = true;
	/* Who waits for somebody to lose his timers waits no more. */
	for (uint32_t p = 0; p < 2 && myc_testkit_system(world.kit, p); p++)
		__atomic_store_n(&myc_testkit_system(world.kit, p)->move.abort, true,
				 __ATOMIC_RELEASE);
	return code ? code : myc_testkit_advance(world.kit, ASK_NS + 3000000);
}

/* Are all buffers of one source whole, and its own again? */
static bool buffers_home(const struct myc_system *system, uint32_t source)
{
	uint64_t size;
	struct myc_pools *block =
		myc_region_block(&system->workspace.regions[system->workspace.process],
				 MYC_BLOCK_POOL, source, &size);
	struct myc_pool_shape shape;

	if (!block || myc_pool_shape(block, size, &shape))
		return false;
	const struct myc_buffer *buffer = (void *)((char *)block + shape.headers);

	for (uint32_t b = 0; b < shape.buffers; b++)
		if (buffer[b].out || buffer[b].incarnation)
			return false;
	return true;
}

/* What is wrong with the world as it ended; NULL: nothing. */
static const char *wrong(int code)
{
	uint32_t crashes = myc_testkit_crashes(world.kit), missing = 0;

	if (code)
		return "it did not come to rest";
	if (world.disorder || world.doubled)
		return "messages out of order or twice";
	if (world.torn)
		return "a payload is not what was sent";
	for (uint32_t from = 0; from <= ACTORS; from++)
		for (uint32_t to = 0; to < world.actors; to++) {
			if (world.got[from][to] > world.sent[from][to])
				return "more came than was sent";
			missing += world.sent[from][to] - world.got[from][to];
		}
	if (missing > crashes && !world.ruled)
		return "messages are lost that were not in doubt";
	if (world.late || world.after_cancel)
		return "a timer fired early or after it was cancelled";
	if (world.no_ask)
		return "an outcome came of no ask, or twice";
	if (world.no_watch)
		return "DOWN came of no monitor, or twice";
	if (world.no_link)
		return "EXIT came of no link, or twice";
	for (uint32_t i = 0; i < world.actors; i++) {
		for (uint32_t cookie = 0; cookie < COOKIES; cookie++)
			if (world.asking[i][cookie])
				return "an ask has no outcome";
		for (uint32_t to = 0; to < world.actors; to++)
			if (world.watched_life[i][to] &&
			    world.watched_life[i][to] != world.lives[to])
				return "an end was not told to who watched";
		if (world.monitors[i] || world.links[i])
			return "a child's end was not told";
	}
	if (!crashes && world.children_begun != world.children_ended)
		return "a child did not end";
	for (uint32_t p = 0; p < 2 && myc_testkit_system(world.kit, p); p++) {
		const struct myc_system *system = myc_testkit_system(world.kit, p);

		if (myc_move_state(system) != MYC_MOVE_IDLE)
			return "a move did not end";
		for (uint32_t e = 0; e < system->executors; e++) {
			for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
				if (system->executor[e].words->lane_faults[i])
					return "a lane was cut off";
			if (system->executor[e].outbox_count || system->executor[e].ready)
				return "something still waits";
			if (!buffers_home(system, e) || system->executor[e].out.pool.loans_used)
				return "a buffer did not come home";
			if (system->executor[e].asks.count || system->executor[e].signals.count)
				return "an ask or a signal is left";
		}
	}
	return NULL;
}

#endif
