/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executor killed between any two stores while overflow rules drop and replace what waits in its outbox
 * and pending queue, and again while its successor puts them together. As in death_test.c: played in one
 * thread, the successor joins the same region.
 *
 *	source --numbers of five types, with and without bodies--> relay --> drain (so slow that relay is paused)
 *
 * Each number is handled once, or counted once under one name; of each key the last value is handled; what
 * falls under no rule is all handled; every buffer comes home.
 */
#include "death_bed.h"

/* The code under test, with its points. */
#include "unit/body_points.h"
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/outbox.c"
#include "core/road.c"
#include "core/send.c"
/* NOLINTEND(bugprone-suspicious-include) */

#define NUMBERS	   20
#define SECOND_MAX 24

enum { SOURCE, RELAY, DRAIN, ACTORS };
enum { PLAIN = 1, KEYED, OLDEST, NEWEST, URGENT, TYPES = URGENT };

/* What the world outside has seen; it outlives the executor. */
static struct {
	uint32_t sent[TYPES]; /* by type; the send returned */
	uint32_t taken[TYPES];
	uint8_t seen[NUMBERS];
	uint32_t last[TYPES]; /* plus one */
	uint32_t disorder;
	uint64_t free, faults; /* at the end: buffers that are home, weight that came home twice */
	uint32_t odd_letters;  /* of another size than anything that was sent */
	bool paused;
} world;

static uint32_t body_size; /* 0: none */

/* ---- actors ------------------------------------------------------------------------------------ */

/* Keyed ones most of all: their replacing has most steps. */
static uint16_t type_of(uint32_t number)
{
	static const uint16_t types[10] = {KEYED,  PLAIN, KEYED,  URGENT, OLDEST,
					   NEWEST, KEYED, OLDEST, URGENT, KEYED};

	return types[number % 10];
}

static int source_started(struct myc_actor *self)
{
	while (remembered[0] < NUMBERS) {
		uint32_t number = remembered[0]++;
		uint8_t payload[128] = {0};
		struct myc_ref to;

		point("number taken");
		memcpy(payload, &number, sizeof(number));
		assert_int_equal(myc_resolve(self, address_of(RELAY), &to), 0);
		if (type_of(number) == PLAIN) /* with a deadline that is far away */
			assert_int_equal(myc_send_within(self, &to, PLAIN, payload,
							 body_size ? body_size : sizeof(number),
							 MYC_WITHIN_MAX_NS),
					 0);
		else if (type_of(number) == URGENT)
			assert_int_equal(
				myc_send_urgent(self, &to, URGENT, payload, sizeof(number)), 0);
		else
			assert_int_equal(
				myc_send(self, &to, type_of(number), payload,
					 body_size && number % 3 ? body_size : sizeof(number)),
				0);
		world.sent[type_of(number) - 1]++;
	}
	world.paused = world.paused || self->outboxed;
	return 0;
}

static int relay_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	uint32_t number;

	memcpy(&number, message->payload, sizeof(number));
	assert_true(number < NUMBERS && type_of(number) == message->type);
	if (number < world.last[message->type - 1])
		world.disorder++;
	world.last[message->type - 1] = number + 1;
	world.taken[message->type - 1]++;
	world.seen[number]++;
	point("handler");
	assert_int_equal(myc_resolve(self, address_of(DRAIN), &to), 0);
	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(myc_send(self, &to, 9, NULL, 0), 0);
	return 0;
}

/* Four bytes more in than any number: all have the key 0. */
static const struct myc_overflow rules[] = {
	{.first = KEYED,
	 .last = KEYED,
	 .policy = MYC_OVERFLOW_CONFLATE,
	 .key_offset = 8,
	 .key_size = 4},
	{.first = OLDEST, .last = OLDEST, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = 1},
	{.first = NEWEST, .last = NEWEST, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = 1},
};

static struct myc_behaviour behaviour[ACTORS] = {
	{.name = "source", .started = source_started},
	{.name = "relay",
	 .message = relay_message,
	 .overflow = rules,
	 .overflow_count = 3,
	 .mailbox_capacity = 4,
	 .capacity_per_sender = 4},
	{.name = "drain", .mailbox_capacity = 1, .capacity_per_sender = 1},
};

/* ---- a life ------------------------------------------------------------------------------------ */

static const struct myc_system_opts system_opts = LITTLE_ROOM(.buffers = {{128, 16}}, .loans = 16);

static void forget(void)
{
	memset(&world, 0, sizeof(world));
}

static void lived(struct myc_executor *executor)
{
	const struct myc_letters *letters = executor->letters;
	struct myc_pool *pool = &executor->out.pool;

	for (uint32_t i = 0; i < MYC_LETTERS_KEPT && i < letters->written; i++) {
		uint32_t size = letters->entry[i].size;

		world.odd_letters += size && size != sizeof(uint32_t) && size != body_size;
	}
	myc_pool_collect(pool, UINT32_MAX);
	world.free = world.faults = 0;
	for (int i = 0; i < MYC_POOL_FAULTS_COUNT - 1; i++)
		world.faults += pool->block->faults[i];
	for (uint32_t i = pool->free[0]; i != MYC_POOL_NONE; i = pool->buffer_next[i])
		world.free++;
}

static void accounts(const struct myc_actor_metrics *metrics,
		     const struct myc_executor_words *words)
{
	uint64_t doubt = metrics[RELAY].in_doubt, sent = 0, known = doubt + words->conflated;

	known += words->dead_letters[MYC_DEAD_LETTER_DROPPED_OLDEST];
	known += words->dead_letters[MYC_DEAD_LETTER_DROPPED_NEWEST];
	for (uint32_t i = 0; i < NUMBERS; i++)
		assert_true(world.seen[i] <= 1);
	for (uint32_t i = 0; i < TYPES; i++) {
		sent += world.sent[i];
		known += world.taken[i];
	}
	/* A death may leave a send that did not return, or a reason that is counted twice. */
	assert_true(known >= sent);
	assert_true(known <= sent + 2 * life.deaths);
	assert_true(doubt <= life.deaths);
	assert_int_equal(world.disorder, 0);
	assert_true(world.taken[PLAIN - 1] + doubt >= world.sent[PLAIN - 1]);
	assert_true(world.taken[URGENT - 1] + doubt >= world.sent[URGENT - 1]);
	/* Or it is in doubt; or it was taken to be sent, and never was. */
	if (!life.deaths)
		assert_int_equal(world.last[KEYED - 1], NUMBERS);
	else if (!doubt && world.sent[KEYED - 1] == NUMBERS / 10 * 4)
		assert_int_equal(world.last[KEYED - 1], NUMBERS);
	assert_int_equal(world.free, 16);
	assert_int_equal(world.faults, 0);
	assert_int_equal(world.odd_letters, 0);
	/* Where one may wait, nothing is dropped or replaced there. */
	if (!life.deaths)
		assert_true(world.paused && words->conflated &&
			    words->dead_letters[MYC_DEAD_LETTER_DROPPED_OLDEST] &&
			    words->dead_letters[MYC_DEAD_LETTER_DROPPED_NEWEST] &&
			    (words->mailbox_dropped || behaviour[RELAY].mailbox_capacity < 4) &&
			    words->outbox_dropped);
}

static const struct play play = {.opts = &system_opts,
				 .behaviour = behaviour,
				 .actors = ACTORS,
				 .forget = forget,
				 .lived = lived,
				 .check = accounts};

static void dying_with_bodies(uint32_t size, uint32_t second_max)
{
	body_size = size;
	for (uint32_t capacity = second_max ? 4 : 1; capacity <= 4; capacity++) {
		behaviour[RELAY].mailbox_capacity = capacity;
		behaviour[RELAY].capacity_per_sender = capacity;
		dying(&play, second_max);
	}
}

static void also_with_less_room(void **state)
{
	(void)state;
	body_size = 100;
	for (uint32_t capacity = 1; capacity <= 3; capacity++) {
		behaviour[RELAY].mailbox_capacity = capacity;
		behaviour[RELAY].capacity_per_sender = capacity;
		dying(&play, 2);
	}
}

static void killed_at_any_point_everything_has_one_name(void **state)
{
	(void)state;
	dying_with_bodies(0, 0);
}

static void and_every_body_comes_home(void **state)
{
	(void)state;
	dying_with_bodies(100, 0);
}

static void also_when_the_successor_is_killed_while_it_recovers(void **state)
{
	(void)state;
	dying_with_bodies(0, SECOND_MAX);
}

static void and_bodies_come_home_then(void **state)
{
	(void)state;
	dying_with_bodies(100, 2 * SECOND_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_any_point_everything_has_one_name),
		cmocka_unit_test(and_every_body_comes_home),
		cmocka_unit_test(also_when_the_successor_is_killed_while_it_recovers),
		cmocka_unit_test(and_bodies_come_home_then),
		cmocka_unit_test(also_with_less_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
