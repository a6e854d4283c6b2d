/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random worlds of actors in the deterministic runtime, a seed each (random_world.h), and a planted bug that is found
 * by its seed.
 *
 * MYC_SEED=n plays one seed and prints its last events.
 */
#include "conformance/random_world.h"

#define SEEDS (10000 / TEST_SHORTER)

/* Plays a seed to its end. Its hash, and what is wrong. */
static uint64_t run_seed(uint64_t seed, const char **why, bool print)
{
	open_world(seed);
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
	uint32_t messages = 0, ticks = 0, crashes = 0, moves = 0, asked_to = 0;
	uint64_t outcomes = 0, events = 0, gathers = 0, awaits = 0, cancels = 0, passed = 0,
		 large = 0, kept = 0;

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
		outcomes += world.outcomes;
		events += world.events;
		gathers += world.gathers;
		awaits += world.awaits;
		cancels += world.cancels;
		passed += world.passed;
		large += world.large;
		kept += world.kept;
		moves += world.moves;
		asked_to += world.asked_to;
		if (why || seed % 100 == 1)
			assert_true(run_seed(seed, &again, false) == hash);
		if (why)
			fail_msg("seed %llu: %s", (unsigned long long)seed, why);
	}
	print_message(
		"  %" PRIu64 " seeds, %u messages, %u timers, %" PRIu64
		" outcomes of asks, %" PRIu64 " ends told, %u moves of %u asked for, %u crashes\n",
		last - first + 1, messages, ticks, outcomes, events, moves, asked_to, crashes);
	print_message("  %" PRIu64 " gathers, %" PRIu64 " awaited, %" PRIu64 " cancelled, %" PRIu64
		      " passed on, %" PRIu64 " large answers, %" PRIu64 " kept\n",
		      gathers, awaits, cancels, passed, large, kept);
	if (first == last)
		return;
	assert_true(gathers > last / 10 && awaits > last / 10 && cancels > last / 10 &&
		    passed > last / 10 && large > last / 10 && kept > last / 100);
	for (uint32_t i = 0; i < POINTS; i++)
		print_message("  died %u times at \"%s\"\n", died_at[i], points[i]);
	assert_true(messages > last && crashes > last / 10 && outcomes > last &&
		    events > last / 2 && moves > last / 20);
	for (uint32_t i = 0; i < POINTS; i++)
		assert_true(died_at[i]);
}

/* ---- a planted bug ----------------------------------------------------------------------------- */

enum { READ = 10, VALUE, WRITE, ADD };

/* Keeps a number. Who wants to add reads, adds, writes: of two that read the same, one is lost. */
static int store_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t *value = myc_state(self);
	struct myc_ref to;

	if (message->type == WRITE) {
		memcpy(value, message->payload, sizeof(*value));
		return 0;
	}
	int code = myc_resolve(self, message->from, &to);

	return code ? code : myc_send(self, &to, VALUE, value, sizeof(*value));
}

static int adder_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	uint64_t value = 0;
	int code = myc_lookup(self, "store", &to);

	if (code)
		return code;
	if (message->type == ADD)
		return myc_send(self, &to, READ, NULL, 0);
	memcpy(&value, message->payload, sizeof(value));
	value++;
	return myc_send(self, &to, WRITE, &value, sizeof(value));
}

static const struct myc_behaviour store = {
	.name = "store", .state_size = sizeof(uint64_t), .message = store_message};
static const struct myc_behaviour adder = {.name = "adder", .message = adder_message};

static uint64_t add_twice(uint64_t seed, uint64_t *hash)
{
	const struct myc_system_opts system = {.sz = sizeof(system),
					       .executors = 3,
					       .actors = 8,
					       .lane_slots = 4,
					       .lane_urgent_slots = 1,
					       .outbox = 8,
					       .pending = 8,
					       .buffers = {{64, 1}},
					       .loans = 8};
	const struct myc_testkit_opts opts = {.sz = sizeof(opts), .seed = seed, .system = &system};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &store, .name = "store"};
	struct myc_testkit *kit;
	myc_address kept, by[2];
	uint64_t value;

	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &kept), 0);
	spawn.behaviour = &adder;
	spawn.name = NULL;
	for (spawn.executor = 1; spawn.executor <= 2; spawn.executor++)
		assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &by[spawn.executor - 1]), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(myc_testkit_post(kit, by[i], ADD, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	memcpy(&value, myc_state(myc_system_actor(myc_testkit_system(kit, 0), kept)),
	       sizeof(value));
	*hash = myc_testkit_hash(kit);
	myc_testkit_close(kit);
	return value;
}

static void a_lost_update_is_found_and_its_seed_plays_it_again(void **state)
{
	uint64_t hash, again, seed = 0, well = 0, lost = 0;

	(void)state;
	while (seed < 1000 && !(well && lost)) {
		uint64_t value = add_twice(++seed, &hash);

		assert_true(value == 1 || value == 2);
		if (value == 2) {
			well = well ? well : seed;
			continue;
		}
		lost = lost ? lost : seed;
		for (int i = 0; i < 3; i++) {
			assert_int_equal(add_twice(seed, &again), 1);
			assert_true(again == hash);
		}
	}
	assert_true(well && lost);
	print_message("  the planted bug is found by seed %llu, hidden by seed %llu\n",
		      (unsigned long long)lost, (unsigned long long)well);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_lost_update_is_found_and_its_seed_plays_it_again),
		cmocka_unit_test(no_world_loses_doubles_or_reorders_what_was_not_in_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
