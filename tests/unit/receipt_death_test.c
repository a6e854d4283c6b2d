/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A receipt never lies, wherever either side is killed: what was said to be taken is taken exactly once, what
 * was refused never; and each comes at most once, to a sender that lives exactly once.
 *
 *	process 0: source --numbers, with receipts--> process 1: taker --two each--> drain
 *
 * The drain is so slow that the taker is paused: some numbers are handled as they come, some wait.
 */
#include "unit/two_lives.h"

/* The code under test, with its points. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#define put put_receipt
#include "core/receipt.c"
#undef put
/* NOLINTEND(bugprone-suspicious-include) */
#include "unit/signal_points.h"

#define NUMBERS 8
#define UNTOLD	1000

enum { TAKER };
enum { NUMBER = 1, CROWD = 2 };

/* What the world outside has seen; it outlives both. */
static struct {
	uint32_t sent[NUMBERS]; /* the send returned */
	uint32_t seen[NUMBERS], marked[NUMBERS], told[NUMBERS];
	int status[NUMBERS];
	uint32_t refused;
} world;

/* ---- actors ------------------------------------------------------------------------------------ */

/* Goes on where its predecessor was; the taker may not be there yet. */
static int go(struct myc_actor *self)
{
	uint32_t *next = death_block(0, MYC_BLOCK_USER);
	struct myc_ref to;

	if (myc_resolve(self, address_of(1, TAKER), &to))
		return death_later(self);
	while (*next < NUMBERS) {
		uint32_t number = (*next)++;

		death_point("number taken");
		int code = myc_send_receipt(self, &to, number % 2 ? CROWD : NUMBER, &number,
					    sizeof(number), MYC_FOREVER, number, NULL);

		if (code == -ESRCH || code == -ENOBUFS) { /* it is dead: again */
			*next = number;
			return death_later(self);
		}
		assert_int_equal(code, 0);
		world.sent[number]++;
		/* The others when it has given credit. */
		if (!number)
			return death_later(self);
	}
	return 0;
}

static int source_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return go(self);
}

static int source_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	assert_int_equal(reply->kind, MYC_REPLY_RECEIPT);
	assert_true(reply->cookie < NUMBERS);
	world.told[reply->cookie]++;
	world.status[reply->cookie] = reply->status;
	death_point("told");
	return 0;
}

static int taker_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t number;

	assert_int_equal(message->size, sizeof(number));
	assert_int_equal(message->correlation, 0);
	memcpy(&number, message->payload, sizeof(number));
	assert_true(number < NUMBERS);
	world.seen[number]++;
	world.marked[number] += !!(message->flags & MYC_MESSAGE_REDELIVERED);
	death_point("handler");
	death_tell_drain(self, 2);
	return 0;
}

static const struct myc_overflow rules[] = {
	{.first = CROWD, .last = CROWD, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = 1},
};
static const struct myc_behaviour source = {
	.name = "source", .started = go, .timer = source_timer, .reply = source_reply};
static struct myc_behaviour taker = {
	.name = "taker", .message = taker_message, .overflow = rules, .overflow_count = 1};

/* ---- lives ------------------------------------------------------------------------------------- */

static void fresh(void)
{
	memset(&world, 0, sizeof(world));
	for (uint32_t i = 0; i < NUMBERS; i++)
		world.status[i] = UNTOLD;
}

static void check_number(uint32_t i, uint32_t *doubted)
{
	uint32_t once = world.seen[i] - world.marked[i];

	/* A successor of the source does not send a number that was taken to be sent. */
	if (bed.victim == 0)
		assert_true(world.told[i] <= 1);
	else
		assert_int_equal(world.told[i], 1);
	assert_true(once <= 1 && world.marked[i] <= bed.deaths);
	switch (world.status[i]) {
	case 0: /* exactly once; or in doubt, by its name */
		*doubted += !world.seen[i];
		break;
	case -ENOBUFS:
	case -ESRCH:
		assert_int_equal(world.seen[i], 0);
		break;
	case UNTOLD:	/* what its sender did not live to hear of */
	case -ENOTCONN: /* not known */
		break;
	default:
		fail_msg("number %u: %d", i, world.status[i]);
	}
}

static void check(void)
{
	const struct myc_actor_metrics *metrics = death_block(1, MYC_BLOCK_METRICS);
	const struct myc_executor_words *words = death_block(1, MYC_BLOCK_EXECUTOR);
	const struct myc_executor_words *senders = death_block(0, MYC_BLOCK_EXECUTOR);
	uint32_t doubted = 0, missing = 0;

	for (uint32_t i = 0; i < NUMBERS; i++) {
		check_number(i, &doubted);
		missing += world.sent[i] && !world.seen[i] && world.status[i] != -ENOBUFS &&
			   world.status[i] != -ESRCH;
		world.refused += world.status[i] == -ENOBUFS;
	}
	assert_true(doubted <= metrics[TAKER].in_doubt && metrics[TAKER].in_doubt <= bed.deaths);
	if (taker.redeliver)
		assert_int_equal(doubted, 0);
	/* Sent, and not handled: in doubt, or dropped by rule and its sender not there to hear of it. */
	assert_true(missing <= metrics[TAKER].in_doubt +
				       words->dead_letters[MYC_DEAD_LETTER_DROPPED_NEWEST] +
				       senders->dead_letters[MYC_DEAD_LETTER_DROPPED_NEWEST]);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	if (!bed.deaths) {
		assert_true(words->pended > 0 || taker.mailbox_capacity == 1);
		assert_int_equal(world.status[0], 0);
		assert_true(world.refused > 0);
	}
}

/* Few have credit; and all, so that it is the receiver which drops. */
static const struct death_room rooms[] = {
	{1, 4, 1}, {2, 1, 1}, {3, 2, 1}, {NUMBERS, NUMBERS, 1}, {0}};
static struct death_play of = {.system = DEATH_SYSTEM(128, 8),
			       .actor = {{&source}, {&taker, &death_drain}},
			       .fresh = fresh,
			       .check = check,
			       .rooms = rooms,
			       .mailbox = &taker,
			       .points_min = 50,
			       .seconds = 2};

static void a_receiver_killed_at_any_point_has_told_no_lie(void **state)
{
	(void)state;
	death_all(&of, 1, false);
}

static void nor_has_one_that_is_given_again_what_was_in_hand(void **state)
{
	(void)state;
	death_all(&of, 1, true);
}

static void a_sender_killed_at_any_point_was_told_no_lie(void **state)
{
	(void)state;
	death_all(&of, 0, false);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_receiver_killed_at_any_point_has_told_no_lie),
		cmocka_unit_test(nor_has_one_that_is_given_again_what_was_in_hand),
		cmocka_unit_test(a_sender_killed_at_any_point_was_told_no_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
