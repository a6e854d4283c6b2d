/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An executor killed between any two stores while messages, some with bodies, are put aside, lie there and
 * come back; and again while its successor puts them together. As in death_test.c: one thread, every
 * MYC_POINT may be the last thing that happens.
 *
 *	source --numbers--> keeper: every third is handled, the others are put aside until the last has come
 */
#include "death_bed.h"

/* The code under test, with its points. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#define insert insert_sorted
#define put    put_in
#include "core/stash.c"
/* NOLINTEND(bugprone-suspicious-include) */

#define NUMBERS	   10
#define SECOND_MAX 40
#define BODY	   200

enum { SOURCE, KEEPER, ACTORS };
enum { NEXT, OPEN }; /* what is remembered: the next number; nothing is put aside any more */

/* What the world outside has seen; it outlives the executor. */
static struct {
	uint32_t sent, taken, disorder, put_aside;
	uint8_t seen[NUMBERS], marked[NUMBERS]; /* handled, of them marked as redelivered */
	uint32_t next[2]; /* the least that may come now: of those that wait, of the thirds */
} world;

/* ---- actors ------------------------------------------------------------------------------------ */

static int source_started(struct myc_actor *self)
{
	struct myc_ref to;
	uint32_t words[BODY / 4];

	assert_int_equal(myc_resolve(self, myc_address_make(0, 0, KEEPER, 1), &to), 0);
	while (remembered[NEXT] < NUMBERS) {
		uint32_t number = remembered[NEXT]++;

		point("number taken");
		for (uint32_t i = 0; i < BODY / 4; i++)
			words[i] = number;
		assert_int_equal(myc_send(self, &to, 1, words, number % 2 ? BODY : 4), 0);
		world.sent++;
	}
	return 0;
}

static int keeper_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t number, last;

	assert_true(message->size == 4 || message->size == BODY);
	memcpy(&number, message->payload, 4);
	memcpy(&last, (const uint8_t *)message->payload + message->size - 4, 4);
	assert_true(number < NUMBERS && last == number);
	assert_int_equal(message->size, number % 2 ? BODY : 4);
	if (number == NUMBERS - 1)
		remembered[OPEN] = 1;
	if (!remembered[OPEN] && number % 3) {
		assert_int_equal(myc_stash(self), 0);
		world.put_aside++;
		point("put aside");
		return 0;
	}
	if (message->flags & MYC_MESSAGE_REDELIVERED)
		world.marked[number]++;
	else if (number < world.next[!(number % 3)])
		world.disorder++;
	world.next[!(number % 3)] = number + 1;
	world.taken++;
	world.seen[number]++;
	point("handler");
	if (remembered[OPEN])
		myc_unstash(self, number % 2 ? 2 : 1);
	return 0;
}

static struct myc_behaviour behaviour[ACTORS] = {
	{.name = "source", .started = source_started},
	{.name = "keeper",
	 .message = keeper_message,
	 .capacity_per_sender = NUMBERS,
	 .stash_capacity = NUMBERS},
};

/* ---- a life ------------------------------------------------------------------------------------ */

static const struct myc_system_opts system_opts = LITTLE_ROOM(.buffers = {{256, 16}}, .loans = 16);

static void nothing_is_held(const struct myc_pool *pool)
{
	uint32_t at = pool->free[0], free_buffers = 0;

	for (; at != MYC_POOL_NONE; at = pool->buffer_next[at])
		free_buffers++;
	assert_int_equal(free_buffers, 16);
	assert_int_equal(pool->loans_used, 0);
	assert_int_equal(pool->kept, 0);
}

static void forget(void)
{
	memset(&world, 0, sizeof(world));
}

static void lived(struct myc_executor *executor)
{
	struct myc_actor *keeper = &executor->system->actor[KEEPER];

	/* The last number may have been in doubt. */
	assert_true(!myc_stashed(keeper) || !remembered[OPEN]);
	remembered[OPEN] = 1;
	myc_unstash(keeper, 1);
	run(executor);
	assert_int_equal(myc_stashed(keeper), 0);
	nothing_is_held(&executor->out.pool);
}

static void accounts(const struct myc_actor_metrics *metrics,
		     const struct myc_executor_words *words)
{
	uint64_t doubted = metrics[KEEPER].in_doubt;
	bool again = behaviour[KEEPER].redeliver;
	uint64_t known = world.taken + (again ? 0 : doubted);

	uint32_t unseen = 0;

	for (uint32_t i = 0; i < NUMBERS; i++) {
		assert_true(world.seen[i] <= 1 + world.marked[i]);
		unseen += !world.seen[i];
	}
	/* Numbers that were taken and never sent. */
	assert_true(!again || unseen <= NUMBERS - world.sent);
	/* As in death_test.c: lost is only what is in doubt. */
	assert_true(known >= world.sent);
	assert_true(known <= world.sent + life.deaths);
	assert_true(doubted <= life.deaths);
	assert_int_equal(world.disorder, 0);
	assert_int_equal(words->dead_letters[MYC_DEAD_LETTER_IN_DOUBT], again ? 0 : doubted);
	if (!life.deaths) {
		assert_int_equal(world.taken, NUMBERS);
		assert_int_equal(world.put_aside, 6);
	}
}

static const struct play play = {.opts = &system_opts,
				 .behaviour = behaviour,
				 .actors = ACTORS,
				 .forget = forget,
				 .lived = lived,
				 .check = accounts};

static void what_is_put_aside_survives_a_kill_at_any_point_once_and_in_order(void **state)
{
	(void)state;
	dying(&play, 0);
}

static void given_again_it_is_marked_and_nothing_is_lost(void **state)
{
	(void)state;
	behaviour[KEEPER].redeliver = true;
	dying(&play, SECOND_MAX);
	behaviour[KEEPER].redeliver = false;
}

static void and_another_one_while_the_successor_recovers(void **state)
{
	(void)state;
	dying(&play, SECOND_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_put_aside_survives_a_kill_at_any_point_once_and_in_order),
		cmocka_unit_test(given_again_it_is_marked_and_nothing_is_lost),
		cmocka_unit_test(and_another_one_while_the_successor_recovers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
