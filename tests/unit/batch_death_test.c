/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Batches, and messages that wait for another behaviour, wherever either side is killed: of a batch what has gone is
 * its beginning, and all that it said had gone has; what was postponed comes when its actor can deal with it, once,
 * and in order.
 *
 *	process 0: source --batches of numbers, between them one with a body--> process 1: keeper
 *
 *	closed: thirds are handled, others postponed --(a timer)--> open: all are handled --(every fourth)--> closed
 *
 * The keeper tells a drain of each that it handles, which is so slow that it is paused: some wait before they are
 * postponed. With shares, all do.
 */
#include "unit/two_lives.h"

/* The code under test, with its points. */
#include "unit/body_points.h"
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/mailbox.c"
#include "core/pending.c"
#define insert insert_sorted
#define put    put_in
#include "core/stash.c"
#undef put
/* NOLINTEND(bugprone-suspicious-include) */

#define NUMBERS 8
#define BODY	200

enum { KEEPER };

/* What the world outside has seen; it outlives both. */
static struct {
	uint32_t first[NUMBERS], count[NUMBERS]; /* of the call that it was given to */
	bool said[NUMBERS];			 /* that call returned, and said that it has gone */
	uint32_t seen[NUMBERS], marked[NUMBERS];
	uint32_t next[2]; /* the least that may come now: of those that may wait, of thirds */
	uint32_t disorder, postponed, batched;
} world;

/* ---- actors ------------------------------------------------------------------------------------ */

/* What is to go next: `*size` bytes each, how many. */
static uint32_t fill(uint32_t first, uint32_t *size, uint32_t (*words)[BODY / 4])
{
	uint32_t count = first % 4 == 3 ? 1 : 3 - first % 4;

	count = count < NUMBERS - first ? count : NUMBERS - first;
	*size = first % 4 == 3 ? BODY : 8;
	for (uint32_t i = 0; i < count * *size / 4; i++)
		(*words)[i] = first + i / (*size / 4);
	return count;
}

/* Goes on where its predecessor was; the keeper may not be there yet. */
static int go(struct myc_actor *self)
{
	uint32_t *next = death_block(0, MYC_BLOCK_USER), words[BODY / 4], size;
	struct myc_ref to;

	if (myc_resolve(self, address_of(1, KEEPER), &to))
		return death_later(self);
	while (*next < NUMBERS) {
		uint32_t first = *next, count = fill(first, &size, &words);

		for (uint32_t i = first; i < first + count; i++) {
			world.first[i] = first;
			world.count[i] = count;
		}
		*next = first + count;
		death_point("numbers taken");
		int code = size == BODY ? myc_send(self, &to, 1, words, size)
					: myc_send_batch(self, &to, 1, words, size, count);

		if (size == BODY && !code)
			code = 1;
		else if (code > 1)
			world.batched++;
		for (uint32_t i = 0; (int)i < code; i++)
			world.said[first + i] = true;
		*next = first + (code > 0 ? (uint32_t)code : 0);
		if (code < (int)count)
			return death_later(self);
	}
	return 0;
}

static int source_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return go(self);
}

static uint32_t take_number(const struct myc_message *message)
{
	uint32_t number, words[BODY / 4];

	memcpy(words, message->payload, message->size);
	number = words[0];
	assert_true(number < NUMBERS);
	assert_int_equal(message->size, number % 4 == 3 ? BODY : 8);
	for (uint32_t i = 0; i < message->size / 4; i++)
		assert_int_equal(words[i], number);
	return number;
}

static int handle(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t number = take_number(message), *least = &world.next[!(number % 3)];

	if (message->flags & MYC_MESSAGE_REDELIVERED)
		world.marked[number]++;
	else if (number < *least)
		world.disorder++;
	*least = number + 1;
	world.seen[number]++;
	death_point("handler");
	death_tell_drain(self, 1);
	return 0;
}

static int open_message(struct myc_actor *self, const struct myc_message *message)
{
	int code = handle(self, message);

	if (code || take_number(message) % 4 != 2)
		return code;
	death_point("to be closed");
	code = myc_unbecome(self);
	death_point("closed");
	return code ? code : death_later(self);
}

static const struct myc_behaviour open_behaviour = {.name = "open", .message = open_message};

static int closed_message(struct myc_actor *self, const struct myc_message *message)
{
	if (take_number(message) % 3 == 0)
		return handle(self, message);
	world.postponed++;
	assert_int_equal(myc_postpone(self), 0);
	death_point("to be postponed");
	return 0;
}

static int keeper_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	death_point("to be opened");
	int code = myc_become(self, &open_behaviour);

	death_point("open");
	return code;
}

static const struct myc_behaviour source = {.name = "source", .started = go, .timer = source_timer};
static struct myc_behaviour keeper = {.name = "keeper",
				      .started = death_later,
				      .message = closed_message,
				      .timer = keeper_timer,
				      .stash_capacity = NUMBERS};

/* ---- lives ------------------------------------------------------------------------------------- */

static void fresh(void)
{
	memset(&world, 0, sizeof(world));
}

static void ended(void)
{
	assert_int_equal(myc_stashed(&bed.process[1].system->actor[KEEPER]), 0);
	assert_int_equal(bed.process[1].system->actor[KEEPER].pending_count, 0);
}

/* Those that have gone and did not come: their sender says so, or later ones of their batch came. */
static uint32_t missing(void)
{
	uint32_t lost = 0;

	for (uint32_t i = 0; i < NUMBERS; i++) {
		bool gone = world.said[i];

		for (uint32_t j = i + 1; j < NUMBERS && world.count[i]; j++)
			gone |= world.seen[j] && world.first[j] == world.first[i];
		lost += gone && !world.seen[i];
	}
	return lost;
}

static void check(void)
{
	const struct myc_actor_metrics *metrics = death_block(1, MYC_BLOCK_METRICS);
	const struct myc_executor_words *words = death_block(1, MYC_BLOCK_EXECUTOR);

	for (uint32_t i = 0; i < NUMBERS; i++)
		assert_true(world.seen[i] <= 1 + world.marked[i]);
	assert_int_equal(world.disorder, 0);
	assert_true(metrics[KEEPER].in_doubt + metrics[DEATH_DRAIN].in_doubt <= bed.deaths);
	assert_true(missing() <= (keeper.redeliver ? 0 : metrics[KEEPER].in_doubt));
	assert_int_equal(words->dead_letters[MYC_DEAD_LETTER_IN_DOUBT],
			 metrics[DEATH_DRAIN].in_doubt +
				 (keeper.redeliver ? 0 : metrics[KEEPER].in_doubt));
	if (bed.deaths)
		return;
	for (uint32_t i = 0; i < NUMBERS; i++)
		assert_int_equal(world.seen[i], 1);
	assert_true(world.postponed > 0);
	assert_true(world.batched > 0 || keeper.mailbox_capacity < 3);
}

static const struct death_room rooms[] = {
	{1, 4, 1}, {2, 1, 1}, {3, 2, 1}, {NUMBERS, NUMBERS, 1}, {0}};
static struct death_play of = {.system = DEATH_SYSTEM(256, 16),
			       .actor = {{&source}, {&keeper, &death_drain}},
			       .fresh = fresh,
			       .check = check,
			       .ended = ended,
			       .rooms = rooms,
			       .mailbox = &keeper,
			       .points_min = 30,
			       .seconds = 1};

static void play_all(uint32_t victim, bool redeliver)
{
	death_executor.share = redeliver;
	death_all(&of, victim, redeliver);
}

static void a_sender_killed_in_a_batch_has_sent_its_beginning(void **state)
{
	(void)state;
	play_all(0, false);
}

static void what_was_postponed_outlives_its_actor_s_process_once_and_in_order(void **state)
{
	(void)state;
	play_all(1, false);
}

static void given_again_it_is_marked_and_nothing_is_lost(void **state)
{
	(void)state;
	play_all(1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sender_killed_in_a_batch_has_sent_its_beginning),
		cmocka_unit_test(what_was_postponed_outlives_its_actor_s_process_once_and_in_order),
		cmocka_unit_test(given_again_it_is_marked_and_nothing_is_lost),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
