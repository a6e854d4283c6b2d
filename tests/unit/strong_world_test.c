/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds of actors that hold one another, in the deterministic runtime, a seed each: one to three processes of one
 * to three executors, killed and restarted by chance. Peers, some of which live only while they are held, spawn
 * others, take, share, give and drop references, fail, stop, and send; threads hold and pass on too. The test notes
 * who has been told that it holds whom, and has neither given it away, nor ended, nor begun another life, since.
 *
 *	nobody ends for want of holders while somebody has reason to think that it holds it
 *	when nothing happens any more, each take has had one answer, and the entries are those that the test noted
 *	who was ever held and is held no more has ended
 *
 * MYC_SEED=n plays one seed.
 */
#include "common/test.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "core/exit.h"
#include "core/executor.h"
#include "core/watch.h"

#define SEEDS	  (120 / TEST_SHORTER)
#define PEERS	  5  /* of the topology: they come again with their process */
#define ALL	  40 /* with those that are spawned meanwhile */
#define HELD_MAX  512
#define STEPS	  140
#define MS	  1000000ull
#define TYPE_WORK 1
#define TYPE_DROP 2

/* Somebody was told that it holds one. */
struct holding {
	uint32_t whom;
	myc_address holder; /* MYC_NOBODY: the threads of `process` */
	uint32_t process, restarts;
	uint64_t incarnation;
	struct myc_strong strong;
	bool over; /* given away, dropped */
};

static struct {
	struct myc_testkit *kit;
	myc_address address[ALL];
	bool while_held[ALL], was_held[ALL], told_to_end[ALL], ended[ALL];
	uint32_t count, processes, executors, steps;
	struct holding holding[HELD_MAX];
	uint32_t holdings;
	uint64_t seed;
} world;

static struct {
	uint32_t held, refused, given, shared, dropped, ends, kills, by_threads, restarts;
} sum;

static char number[ALL][12];
static struct myc_setting setting[ALL];

struct peer {
	uint32_t waiting; /* takes that were not answered */
};

static uint32_t any(uint32_t bound)
{
	return myc_testkit_random(world.kit, bound);
}

static struct myc_actor *actor_of(myc_address address)
{
	struct myc_system *system = myc_testkit_system(world.kit, myc_address_process(address));

	return system ? myc_system_actor(system, address) : NULL;
}

static bool lives(myc_address address)
{
	const struct myc_actor *actor = actor_of(address);

	return actor && myc_actor_runs(actor);
}

static uint64_t incarnation_of(uint32_t process)
{
	const struct myc_system *system = myc_testkit_system(world.kit, process);

	return system ? system->workspace.incarnation : 0;
}

static uint32_t index_of(const struct myc_actor *self)
{
	return (uint32_t)strtoul(myc_setting(self, "index", "0"), NULL, 10);
}

static uint32_t index_at(myc_address address)
{
	for (uint32_t i = 0; i < world.count; i++)
		if (world.address[i] == address)
			return i;
	fail_msg("seed %llu: a reference to nobody", (unsigned long long)world.seed);
	return 0;
}

/* ---- who holds whom ---------------------------------------------------------------------------- */

/* Has it still reason to think so? */
static bool holds(const struct holding *holding)
{
	uint32_t life = (uint32_t)incarnation_of(myc_address_process(holding->strong.address));

	/* What it holds may be of a former life: core/watch.c says where those of this one begin. */
	if (holding->over || holding->incarnation != incarnation_of(holding->process) ||
	    holding->strong.generation - life * 0x9e3779b1u > 10000)
		return false;
	return holding->holder == MYC_NOBODY ||
	       (lives(holding->holder) &&
		myc_actor_shared(actor_of(holding->holder))->restarts == holding->restarts);
}

static uint32_t holders(uint32_t whom)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < world.holdings; i++)
		n += world.holding[i].whom == whom && holds(&world.holding[i]);
	return n;
}

static void note(uint32_t process, myc_address holder, uint32_t restarts,
		 const struct myc_strong *strong)
{
	uint32_t whom = index_at(strong->address);

	assert_true(world.holdings < HELD_MAX);
	world.was_held[whom] = true;
	world.holding[world.holdings++] = (struct holding){.whom = whom,
							   .holder = holder,
							   .process = process,
							   .restarts = restarts,
							   .incarnation = incarnation_of(process),
							   .strong = *strong};
	sum.held++;
}

/* One of its own at random; NULL: it has none. */
static struct holding *one_of(myc_address holder, uint32_t process)
{
	uint32_t first = any(HELD_MAX);

	for (uint32_t i = 0; i < world.holdings; i++) {
		struct holding *at = &world.holding[(first + i) % world.holdings];

		if (at->holder == holder && at->process == process && holds(at))
			return at;
	}
	return NULL;
}

/* ---- peers ------------------------------------------------------------------------------------- */

static const struct myc_behaviour behaviour;

static void spawn_another(struct myc_actor *self)
{
	uint32_t index = world.count;
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = &behaviour,
				      .settings = &setting[index],
				      .settings_count = 1,
				      .restarts_max = 1000,
				      .flags = any(4) ? MYC_SPAWN_WHILE_HELD : 0};

	if (index == ALL || myc_spawn_local(self, &opts, &world.address[index], NULL))
		return;
	world.while_held[index] = opts.flags;
	world.count++;
	if (!myc_strong_take(self, world.address[index]))
		((struct peer *)myc_state(self))->waiting++;
}

static void hand_on(struct myc_actor *self, bool keeps)
{
	struct holding *mine = one_of(myc_self(self), myc_address_process(myc_self(self)));
	myc_address to = world.address[any(world.count)];

	if (!mine || to == mine->strong.address)
		return;
	struct myc_strong strong = mine->strong;
	int code = keeps ? myc_strong_share(self, &strong, to, world.seed)
			 : myc_strong_give(self, &strong, to, world.seed);

	mine->over = mine->over || (!keeps && !code);
	sum.given += !keeps && !code;
	sum.shared += keeps && !code;
}

static void drop(struct myc_actor *self)
{
	struct holding *mine = one_of(myc_self(self), myc_address_process(myc_self(self)));

	if (!mine)
		return;
	mine->over = true;
	assert_int_equal(myc_strong_drop(self, &mine->strong), 0);
	sum.dropped++;
}

static void take(struct myc_actor *self)
{
	myc_address whom = world.address[any(world.count)];

	if (whom != myc_self(self) && !myc_strong_take(self, whom))
		((struct peer *)myc_state(self))->waiting++;
}

static void send(struct myc_actor *self)
{
	struct myc_ref to;

	if (!myc_resolve(self, world.address[any(world.count)], &to))
		(void)myc_try_send(self, &to, TYPE_WORK, NULL, 0);
}

static int work(struct myc_actor *self)
{
	for (uint32_t n = 1 + any(3); n && world.steps; n--, world.steps--)
		switch (any(16)) {
		case 0:
		case 1:
		case 2:
			take(self);
			break;
		case 3:
		case 4:
			hand_on(self, false);
			break;
		case 5:
		case 6:
			hand_on(self, true);
			break;
		case 7:
		case 8:
		case 9:
			drop(self);
			break;
		case 10:
			spawn_another(self);
			break;
		case 11:
			return any(3) ? 0 : -EIO;
		case 12:
			if (any(3) || index_of(self) < PEERS)
				break;
			world.told_to_end[index_of(self)] = true;
			myc_stop(self);
			return 0;
		default:
			send(self);
			break;
		}
	return 0;
}

static int message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type == TYPE_WORK)
		return work(self);
	while (one_of(myc_self(self), myc_address_process(myc_self(self))))
		drop(self);
	return 0;
}

static int signal_came(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct peer *peer = myc_state(self);
	bool taken = event->from == event->strong->address;

	if (taken)
		assert_true(peer->waiting-- > 0);
	else
		assert_int_equal(event->cookie, world.seed);
	if (event->kind == MYC_EVENT_HELD)
		note(myc_address_process(myc_self(self)), myc_self(self), myc_restarts(self),
		     event->strong);
	else
		assert_int_equal(event->kind, MYC_EVENT_NOT_HELD);
	sum.refused += event->kind == MYC_EVENT_NOT_HELD;
	return event->kind == MYC_EVENT_HELD ? work(self) : 0;
}

static void stopping(struct myc_actor *self)
{
	uint32_t index = index_of(self);

	world.ended[index] = true;
	if (world.told_to_end[index])
		return;
	/* Nobody told it to: nobody holds it. */
	sum.ends++;
	assert_true(world.while_held[index]);
	assert_int_equal(self->ties.reason, MYC_EXIT_NORMAL);
	if (holders(index))
		fail_msg("seed %llu: actor %u ends, and is held", (unsigned long long)world.seed,
			 index);
}

static const struct myc_behaviour behaviour = {.name = "peer",
					       .state_size = sizeof(struct peer),
					       .capacity_per_sender = 4,
					       .message = message,
					       .signal = signal_came,
					       .stopping = stopping};

/* ---- from outside ------------------------------------------------------------------------------ */

/* Of process 0, which lives: who waits must not die with it. */
static void threads_do(void)
{
	struct myc_system *system = myc_testkit_system(world.kit, 0);
	struct holding *mine = one_of(MYC_NOBODY, 0);
	struct myc_strong strong;

	if (!mine || any(2)) {
		if (!myc_strong_hold(system, world.address[any(world.count)], &strong, 50 * MS)) {
			note(0, MYC_NOBODY, 0, &strong);
			sum.by_threads++;
		}
		return;
	}
	strong = mine->strong;
	myc_address to = world.address[any(world.count)];

	mine->over = true;
	if (to == strong.address || any(2))
		(void)myc_strong_release(system, &strong, 50 * MS);
	else if (myc_strong_pass(system, &strong, to, world.seed, 50 * MS))
		mine->over = false;
}

static void rest(void)
{
	for (uint32_t p = 0; p < world.processes; p++)
		if (!myc_testkit_system(world.kit, p))
			assert_int_equal(myc_testkit_revive(world.kit, p), 0);
	assert_int_equal(myc_testkit_advance(world.kit, 30 * MS), 0);
}

static uint32_t entries_of(const struct myc_actor *actor)
{
	const struct myc_watch *entry = actor->executor->watches.entry;
	uint32_t n = 0;

	for (uint32_t at = actor->ties.owned.first; at; at = entry[at].in[MYC_WATCH_OWNED].next) {
		assert_true(entry[at].kind == MYC_WATCH_STRONG);
		n++;
	}
	return n;
}

/* The entries are what was noted; nobody waits for an answer; who is held no more has ended. */
static void check(void)
{
	for (uint32_t i = 0; i < world.count; i++) {
		const struct myc_actor *actor = actor_of(world.address[i]);

		if (!lives(world.address[i]))
			continue;
		if (entries_of(actor) != holders(i))
			fail_msg("seed %llu: actor %u has %u holders, and entries for %u",
				 (unsigned long long)world.seed, i, holders(i), entries_of(actor));
		if (world.while_held[i] && world.was_held[i] && i >= PEERS)
			assert_true(holders(i) > 0);
		assert_int_equal(((const struct peer *)actor->state)->waiting, 0);
		sum.restarts += myc_actor_shared(actor)->restarts;
	}
}

static void post(uint32_t to, uint16_t type)
{
	int code = lives(world.address[to])
			   ? myc_testkit_post(world.kit, world.address[to], type, NULL, 0)
			   : 0;

	assert_true(code == 0 || code == -ESRCH);
}

static void play(uint64_t seed)
{
	struct myc_executor_opts executors[3] = {{.core = -1, .signals = 64, .watches = 200},
						 {.core = -1, .signals = 64, .watches = 200},
						 {.core = -1, .signals = 64, .watches = 200}};
	uint32_t shape = (uint32_t)(seed * 0x9e3779b97f4a7c15ull >> 32);
	const struct myc_system_opts system = {.sz = sizeof(system),
					       .executors = 1 + shape % 3,
					       .actors = 64,
					       .lane_slots = 8,
					       .lane_urgent_slots = 4,
					       .outbox = 64,
					       .pending = 64,
					       .buffers = {{64, 4}},
					       .loans = 4,
					       .executor = executors};
	const struct myc_testkit_opts opts = {.sz = sizeof(opts),
					      .seed = seed,
					      .processes = 1 + shape / 3 % 3,
					      .system = &system,
					      .delay = 20000,
					      .crash = shape & 0x100 ? 1500 : 0,
					      .crash_handler = shape & 0x100 ? 4000 : 0,
					      .crashes_max = 3,
					      .spared = 1};

	memset(&world, 0, sizeof(world));
	world.seed = seed;
	world.processes = opts.processes;
	world.executors = system.executors;
	world.steps = STEPS;
	assert_int_equal(myc_testkit_open(&world.kit, &opts, NULL), 0);
	struct myc_spawn_opts spawn[PEERS];

	for (world.count = 0; world.count < PEERS; world.count++) {
		spawn[world.count] =
			(struct myc_spawn_opts){.sz = sizeof(spawn[0]),
						.behaviour = &behaviour,
						.settings = &setting[world.count],
						.settings_count = 1,
						.restarts_max = 1000,
						.executor = world.count % system.executors};
		assert_int_equal(myc_testkit_spawn(world.kit, world.count % world.processes,
						   &spawn[world.count],
						   &world.address[world.count]),
				 0);
	}
	for (uint32_t round = 0; round < 12; round++) {
		for (uint32_t i = 0; i < world.count; i++)
			if (any(2))
				post(i, TYPE_WORK);
		for (uint32_t n = any(30); n; n--)
			myc_testkit_step(world.kit);
		if (!any(3))
			threads_do();
	}
	rest();
	check();
	sum.kills += myc_testkit_crashes(world.kit);
	/* All is dropped: all who lived by it end. */
	world.steps = 0;
	for (uint32_t i = 0; i < world.count; i++)
		post(i, TYPE_DROP);
	for (struct holding *mine; (mine = one_of(MYC_NOBODY, 0));) {
		mine->over = true;
		assert_int_equal(myc_strong_release(myc_testkit_system(world.kit, 0), &mine->strong,
						    50 * MS),
				 0);
	}
	rest();
	check();
	for (uint32_t i = 0; i < world.count; i++)
		assert_int_equal(holders(i), 0);
	myc_testkit_close(world.kit);
}

static void nobody_is_held_by_a_ghost_nor_ends_while_held(void **state)
{
	const char *one = getenv("MYC_SEED");

	(void)state;
	for (uint32_t i = 0; i < ALL; i++) {
		snprintf(number[i], sizeof(number[i]), "%u", i);
		setting[i] = (struct myc_setting){.key = "index", .value = number[i]};
	}
	for (uint64_t seed = one ? strtoull(one, NULL, 0) : 1;
	     seed <= (one ? strtoull(one, NULL, 0) : SEEDS); seed++)
		play(seed);
	print_message(
		"  held %u times (%u by threads), refused %u; given %u, shared %u, dropped %u; "
		"%u ended by it; %u restarts, %u kills\n",
		sum.held, sum.by_threads, sum.refused, sum.given, sum.shared, sum.dropped, sum.ends,
		sum.restarts, sum.kills);
	if (!one)
		assert_true(sum.held && sum.by_threads && sum.refused && sum.given && sum.shared &&
			    sum.dropped && sum.ends && sum.restarts && sum.kills);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody_is_held_by_a_ghost_nor_ends_while_held)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
