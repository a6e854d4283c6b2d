/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executor killed between any two stores, with messages in lanes, outbox and pending queue, and
 * again while its successor puts them together. Played in one thread: the executor's own code, in
 * which every MYC_POINT may be the last thing that happens; the successor joins the same region.
 *
 *	source --number--> relay --number * 2, number * 2 + 1--> drain
 *
 * The mailboxes are so small that source and relay are paused all the time: what is for relay waits
 * in its pending queue, what they sent in the outbox.
 */
#include "death_bed.h"

/* The code under test, with its points. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/outbox.c"
#include "core/road.c"
#include "core/send.c"
/* NOLINTEND(bugprone-suspicious-include) */

#define NUMBERS	   6
#define SECOND_MAX 24

enum { SOURCE, RELAY, DRAIN, ACTORS };

/* What the world outside has seen; it outlives the executor. */
static struct {
	uint32_t sent[ACTORS];	/* to it, and the send returned */
	uint32_t taken[ACTORS]; /* handled by it */
	uint8_t seen[ACTORS][2 * NUMBERS];
	uint32_t last[ACTORS];
	uint32_t disorder;
	bool paused; /* source was: the outbox is put to the test */
} world;

/* ---- actors ------------------------------------------------------------------------------------ */

static int send_to(struct myc_actor *self, uint32_t actor, uint32_t number)
{
	struct myc_ref to;
	int code = myc_resolve(self, address_of(actor), &to);

	if (!code)
		code = myc_send(self, &to, 1, &number, sizeof(number));
	if (!code)
		world.sent[actor]++;
	return code;
}

static int source_started(struct myc_actor *self)
{
	while (remembered[0] < NUMBERS) {
		uint32_t number = remembered[0]++;

		point("number taken");
		assert_int_equal(send_to(self, RELAY, number), 0);
	}
	world.paused = world.paused || self->outboxed;
	return 0;
}

static uint32_t take(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t me = myc_address_slot(myc_self(self)), number;

	memcpy(&number, message->payload, sizeof(number));
	assert_true(number < 2 * NUMBERS);
	if (world.taken[me]++ && number <= world.last[me])
		world.disorder++;
	world.last[me] = number;
	world.seen[me][number]++;
	point("handler");
	return number;
}

static int relay_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t number = take(self, message);

	for (uint32_t i = 0; i < 2; i++)
		assert_int_equal(send_to(self, DRAIN, 2 * number + i), 0);
	return 0;
}

static int drain_message(struct myc_actor *self, const struct myc_message *message)
{
	take(self, message);
	return 0;
}

static struct myc_behaviour behaviour[ACTORS] = {
	{.name = "source", .started = source_started},
	{.name = "relay", .message = relay_message},
	{.name = "drain", .message = drain_message},
};

/* ---- a life ------------------------------------------------------------------------------------ */

static const struct myc_system_opts system_opts = LITTLE_ROOM();

static void forget(void)
{
	memset(&world, 0, sizeof(world));
}

static void accounts(const struct myc_actor_metrics *metrics,
		     const struct myc_executor_words *words)
{
	uint64_t doubted = 0;

	for (uint32_t to = RELAY; to <= DRAIN; to++) {
		for (uint32_t i = 0; i < 2 * NUMBERS; i++)
			assert_true(world.seen[to][i] <= 1);
		uint64_t known = world.taken[to] + metrics[to].in_doubt;

		/* Nothing is lost but what is in doubt; a death may leave a send that did not return,
		 * or a message that is in doubt although its handler was through. */
		assert_true(known >= world.sent[to]);
		assert_true(known <= world.sent[to] + life.deaths);
		doubted += metrics[to].in_doubt;
	}
	assert_int_equal(world.disorder, 0);
	assert_true(doubted <= life.deaths);
	assert_int_equal(words->dead_letters[MYC_DEAD_LETTER_IN_DOUBT], doubted);
	if (!life.deaths) {
		assert_int_equal(world.taken[RELAY], NUMBERS);
		assert_int_equal(world.taken[DRAIN], 2 * NUMBERS);
		assert_true(words->pended && (world.paused || words->chunks_taken));
	}
}

static const struct play play = {.opts = &system_opts,
				 .behaviour = behaviour,
				 .actors = ACTORS,
				 .forget = forget,
				 .check = accounts};

static void dying_with_little_room(uint32_t second_max)
{
	for (uint32_t capacity = 1; capacity <= 3; capacity++) {
		/* One more for relay: a message must be in the lane when it is paused. */
		for (int i = RELAY; i <= DRAIN; i++) {
			behaviour[i].mailbox_capacity = capacity + (i == RELAY);
			behaviour[i].capacity_per_sender = capacity + (i == RELAY);
		}
		dying(&play, second_max);
	}
}

static void an_executor_killed_at_any_point_loses_and_repeats_nothing_but_what_is_in_doubt(
	void **state)
{
	(void)state;
	dying_with_little_room(0);
}

static void neither_does_one_whose_successor_is_killed_while_it_recovers(void **state)
{
	(void)state;
	dying_with_little_room(SECOND_MAX);
}

/* With shares, so that every message waits. */
static void neither_does_one_whose_mailboxes_have_no_bounds(void **state)
{
	static const struct myc_executor_opts shares = {.core = -1, .timers = 8, .share = 1};
	struct myc_system_opts opts = system_opts;
	struct play unbounded = play;

	(void)state;
	opts.growth = 1;
	opts.executor = &shares;
	unbounded.opts = &opts;
	for (int i = RELAY; i <= DRAIN; i++) {
		behaviour[i].mailbox_capacity = behaviour[i].capacity_per_sender = 0;
		behaviour[i].grows_to = MYC_GROWS_FREELY;
	}
	dying(&unbounded, 0);
	dying(&unbounded, SECOND_MAX / 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			an_executor_killed_at_any_point_loses_and_repeats_nothing_but_what_is_in_doubt),
		cmocka_unit_test(neither_does_one_whose_successor_is_killed_while_it_recovers),
		cmocka_unit_test(neither_does_one_whose_mailboxes_have_no_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
