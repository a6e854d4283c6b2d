/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds of actors that move from executor to executor, in the deterministic runtime, a seed each: the same
 * actors and the same sums as in tests/conformance/deterministic_test.c, with
 * their timers. Processes die at a turn's end or around a handler, so at every state of a move, and
 * at each named point of one. Whatever happened, at the end:
 *
 *	each pair's messages came in order, none twice, none is missing but what a death left in doubt
 *	no receiver found anything wrong in a lane; nothing waits; every buffer is home
 *
 * MYC_SEED=n plays one seed and prints its last events.
 */
#include "common/test.h"

#include <errno.h>
#include <setjmp.h>
#include <string.h>

static void point(const char *name);
#define MYC_POINT(name) point(name)

#include "core/executor.h"

/* Now and then there is no room for an actor's timers. */
static int land_or_not(struct myc_actor *actor, struct myc_lifted_timers *lifted);
#define myc_actor_timers_land land_or_not

/* The core's own, with its named points: where a process may die. */
#include "core/move.c"
#include "core/outbox.c"
#undef myc_actor_timers_land

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "core/testkit.h"

#define SEEDS	 (1500 / TEST_SHORTER)
#define ACTORS	 5
#define TYPE	 1
#define BODY	 100 /* bytes of those that go by reference */
#define TICK_NS	 1000
#define FAILURES 3 /* of handlers: fewer than their limit */

struct note {
	uint32_t from, sequence, hops, check;
};

/* What the world outside has seen: it outlives the processes. */
static struct {
	struct myc_testkit *kit;
	myc_address address[ACTORS];
	uint32_t actors;
	uint32_t sent[ACTORS + 1][ACTORS], got[ACTORS + 1][ACTORS], last[ACTORS + 1][ACTORS];
	uint32_t disorder, doubled, torn, late, after_cancel;
	uint32_t asked, moves, on[ACTORS]; /* executor + 1 where it was last seen */
	uint32_t crashes, failures, children_begun, children_ended, ticks;
	bool cancelled[ACTORS];
	bool ending; /* nobody begins anything new */
} world;

static const char *const points[] = {"move: closed", "move: opened again", "move: marked",
				     "move: handed", "move: taken",	   "move: done",
				     "move: left",   "move: came back",	   "outbox: follows"};
#define POINTS (sizeof(points) / sizeof(*points))
static const char *die_at; /* once */
static uint32_t died_at[POINTS];

static void point(const char *name)
{
	if (!die_at || strcmp(name, die_at) || !world.kit->in_turn || world.ending)
		return;
	for (uint32_t i = 0; i < POINTS; i++)
		died_at[i] += die_at == points[i];
	die_at = NULL;
	longjmp(world.kit->crashed, 1);
}

static uint32_t any(uint32_t bound)
{
	return myc_testkit_random(world.kit, bound);
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
	struct myc_timer once;
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

/* Somebody is to go somewhere. */
static void move_some(uint32_t process)
{
	struct myc_system *system = myc_testkit_system(world.kit, process);

	if (!system || world.ending)
		return;
	for (uint32_t i = 0, to = any(world.actors); i < world.actors; i++) {
		uint32_t who = (to + i) % world.actors;

		if (myc_address_process(world.address[who]) == process) {
			world.asked += !myc_move_ask(system, world.address[who],
						     any(system->opts.executors));
			return;
		}
	}
}

static void seen_on(const struct myc_actor *self, uint32_t me)
{
	uint32_t now = self->executor->index + 1;

	world.moves += world.on[me] && world.on[me] != now;
	world.on[me] = now;
}

/* Waiting is only towards higher numbers: no ring of actors waits for itself. */
static void send_some(struct myc_actor *self, uint32_t hops)
{
	struct peer *peer = myc_state(self);
	uint32_t me = index_of(self), to = any(world.actors);
	struct note note = {.from = me, .sequence = world.sent[me][to] + 1, .hops = hops};
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
	if (world.ending)
		return 0;
	if (!any(8))
		move_some(any(2));
	for (uint32_t i = any(4); hops && i > 0; i--)
		send_some(self, hops - 1);
	if (!any(10)) {
		struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &child};

		myc_spawn_local(self, &opts, NULL, NULL);
	}
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
	int code = myc_timer_start(self, peer->tick_due_ns - now, TICK_NS, 1, NULL);

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
	if (cookie == 1) {
		peer->tick_due_ns += TICK_NS;
		if (any(2) && !myc_timer_cancel(self, peer->once))
			world.cancelled[me] = true;
		if (!world.ending)
			send_some(self, 1);
	}
	return 0;
}

static struct myc_behaviour peer_behaviour[2];

/* ---- a world ----------------------------------------------------------------------------------- */

static void open_world(uint64_t seed)
{
	static const uint32_t delays[] = {0, 20000, 200000};
	uint64_t chance = seed * 0x9e3779b97f4a7c15ull | 1;
	struct myc_system_opts system = {.sz = sizeof(system),
					 .executors = 2 + (uint32_t)(test_random(&chance) % 2),
					 .actors = 32,
					 .lane_slots = 1u << test_random(&chance) % 4,
					 .lane_urgent_slots = 2,
					 .outbox = 64,
					 .pending = 16,
					 .buffers = {{128, 16}},
					 .loans = 32};
	struct myc_testkit_opts opts = {.sz = sizeof(opts),
					.seed = seed,
					.processes = 1 + !(test_random(&chance) % 4),
					.system = &system,
					.delay = delays[test_random(&chance) % 3],
					.crash_handler = seed % 2 ? 10000 : 0,
					.crash = seed % 2 ? 2000 : 0,
					.crashes_max = 2,
					.turns_max = 100000};

	if (opts.processes > 1)
		system.executors = 2;
	memset(&world, 0, sizeof(world));
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
							   .redeliver = any(2)};
	for (uint32_t i = 0; i < world.actors; i++) {
		struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
					       .behaviour = &peer_behaviour[any(2)],
					       .executor = any(system.executors),
					       .restarts_max = 10};

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
			struct note note = {
				.from = ACTORS, .sequence = world.sent[ACTORS][to] + 1, .hops = 3};

			code = myc_testkit_post(world.kit, world.address[to], TYPE, &note,
						sizeof(note));
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
	return code ? code : myc_testkit_advance(world.kit, 10 * TICK_NS);
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
	if (missing > crashes)
		return "messages are lost that were not in doubt";
	if (world.late || world.after_cancel)
		return "a timer fired early or after it was cancelled";
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
			if (!buffers_home(system, e))
				return "a buffer did not come home";
		}
	}
	return NULL;
}

/* Plays a seed to its end. Its hash, and what is wrong. */
static uint64_t run_seed(uint64_t seed, const char **why, bool print)
{
	open_world(seed);
	die_at = seed % 3 ? points[seed / 3 % POINTS] : NULL;
	*why = wrong(play());
	uint64_t hash = myc_testkit_hash(world.kit);

	world.crashes = myc_testkit_crashes(world.kit);
	if (*why || print)
		print_message("seed %llu: %s\n%s", (unsigned long long)seed, *why ? *why : "well",
			      myc_testkit_trace(world.kit));
	myc_testkit_close(world.kit);
	return hash;
}

static void no_world_loses_doubles_or_reorders_what_was_not_in_doubt(void **state)
{
	const char *why, *again;
	uint64_t first = 1, last = SEEDS;
	uint32_t messages = 0, ticks = 0, crashes = 0, moves = 0, asked = 0;

	(void)state;
	if (getenv("MYC_SEED"))
		first = last = test_seed();
	for (uint64_t seed = first; seed <= last; seed++) {
		uint64_t hash = run_seed(seed, &why, first == last);

		for (uint32_t from = 0; from <= ACTORS; from++)
			for (uint32_t to = 0; to < ACTORS; to++)
				messages += world.got[from][to];
		ticks += world.ticks;
		crashes += world.crashes;
		moves += world.moves;
		asked += world.asked;
		if (why || seed % 100 == 1)
			assert_true(run_seed(seed, &again, false) == hash);
		if (why)
			fail_msg("seed %llu: %s", (unsigned long long)seed, why);
	}
	for (uint32_t i = 0; i < POINTS; i++)
		print_message("  died %u times at \"%s\"\n", died_at[i], points[i]);
	print_message(
		"  %llu seeds, %u messages, %u timers, %u crashes, %u moves of %u asked for\n",
		(unsigned long long)(last - first + 1), messages, ticks, crashes, moves, asked);
	assert_true(first == last || (messages > last && crashes > last / 10 && moves > last / 4));
	for (uint32_t i = 0; i < POINTS && first != last; i++)
		assert_true(died_at[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_world_loses_doubles_or_reorders_what_was_not_in_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
