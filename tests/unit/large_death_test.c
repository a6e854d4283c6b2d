/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests and replies in bodies, wherever either side is killed: what comes is whole, each ask has at most one
 * outcome, one that lives to hear it exactly one, and every buffer comes home.
 *
 *	process 0: asker --numbers--> process 1: passer --passes on--> replier (some numbers to both, by a gather)
 *	             ^--- in a body of its own, or in the request's own, which is the asker's ---'
 *
 * The lanes are so short that some of all this waits.
 */
#include "unit/two_lives.h"

/* The code under test, with its points. */
#include "unit/body_points.h"
#include "unit/signal_points.h"
#include "core/signal_received.c" /* NOLINT(bugprone-suspicious-include) */

#define NUMBERS 6
#define WORDS	20

enum { PASSER, REPLIER };
enum { QUESTION = 1, ANSWER };

struct text {
	uint64_t word[WORDS]; /* all the same */
};

/* What the world outside has seen; it outlives both. */
static struct {
	uint32_t asked[NUMBERS], told[NUMBERS], whole[NUMBERS];
} world;

static struct text text_of(uint64_t number)
{
	struct text text;

	for (uint32_t i = 0; i < WORDS; i++)
		text.word[i] = number;
	return text;
}

/* ---- actors ------------------------------------------------------------------------------------ */

/* Of one, or of both in a body that they share. */
static int ask(struct myc_actor *self, struct myc_ref *to, uint32_t number)
{
	struct text text = text_of(number);

	return number % 3 == 2 ? myc_gather(self, to, 2, MYC_GATHER_ALL, QUESTION, &text,
					    sizeof(text), MYC_FOREVER, number, NULL)
			       : myc_ask(self, &to[PASSER], QUESTION, &text, sizeof(text),
					 MYC_FOREVER, number, NULL);
}

/* Goes on where its predecessor was; they may not be there yet. */
static int go(struct myc_actor *self)
{
	uint32_t *next = death_block(0, MYC_BLOCK_USER);
	struct myc_ref to[2];
	bool later = myc_resolve(self, address_of(1, PASSER), &to[PASSER]) ||
		     myc_resolve(self, address_of(1, REPLIER), &to[REPLIER]);

	while (!later && *next < NUMBERS) {
		uint32_t number = (*next)++;

		death_point("number taken");
		int code = ask(self, to, number);

		if (code == -ESRCH ||
		    code == -ENOBUFS) { /* it is dead, or all buffers are out: again */
			*next = number;
			later = true;
			break;
		}
		assert_int_equal(code, 0);
		world.asked[number]++;
	}
	return later ? death_later(self) : 0;
}

static int asker_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return go(self);
}

static int asker_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	assert_true(reply->cookie < NUMBERS);
	bool last = reply->cookie % 3 != 2 || reply->kind == MYC_REPLY_GATHER;

	world.told[reply->cookie] += last;
	world.whole[reply->cookie] += last && !reply->status;
	if (!reply->status && reply->kind == MYC_REPLY_ONE) {
		struct text expected = text_of(reply->cookie);

		assert_int_equal(reply->type, ANSWER);
		assert_int_equal(reply->size, sizeof(expected));
		assert_memory_equal(reply->payload, &expected, sizeof(expected));
	}
	death_point("told");
	return 0;
}

static int passer_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;

	death_point("passer");
	if (myc_resolve(self, address_of(1, REPLIER), &to))
		return -EIO;
	int code = myc_forward(self, message, &to);

	/* Its asker has ended with its process: nobody is told. */
	assert_true(!code || code == -ESRCH);
	return 0;
}

static int replier_message(struct myc_actor *self, const struct myc_message *message)
{
	struct text text;
	struct myc_reply_to to;
	struct myc_body body;

	assert_int_equal(message->size, sizeof(text));
	memcpy(&text, message->payload, sizeof(text));
	death_point("replier");
	assert_int_equal(myc_reply_keep(message, &to), 0);
	assert_true(to.asker == address_of(0, 0));
	int code;

	if (text.word[0] % 2) {
		code = myc_reply(self, message, ANSWER, &text, sizeof(text));
	} else {
		assert_int_equal(myc_body_keep(self, message, &body), 0);
		code = myc_reply_body(self, &to, ANSWER, &body);
		myc_body_give(self, &body);
	}
	/* Its asker has ended with its process. */
	assert_true(!code || code == -ESRCH);
	return 0;
}

static const struct myc_behaviour asker = {
	.name = "asker", .started = go, .timer = asker_timer, .reply = asker_reply};
static struct myc_behaviour passer = {.name = "passer", .message = passer_message};
static const struct myc_behaviour replier = {.name = "replier", .message = replier_message};

/* ---- lives ------------------------------------------------------------------------------------- */

static void fresh(void)
{
	memset(&world, 0, sizeof(world));
}

static void check(void)
{
	for (uint32_t i = 0; i < NUMBERS; i++) {
		assert_true(world.asked[i] <= 1 && world.told[i] <= world.asked[i] + bed.deaths);
		assert_true(world.told[i] <= 1);
		/* A successor of the asker does not ask what was taken to be asked. */
		if (bed.victim == 1)
			assert_int_equal(world.told[i], 1);
		if (!bed.deaths)
			assert_int_equal(world.whole[i], 1);
	}
}

static const struct death_room rooms[] = {{2, 2, 1}, {NUMBERS, 4, 1}, {0}};
static struct death_play of = {.system = DEATH_SYSTEM(256, 8),
			       .actor = {{&asker}, {&passer, &replier}},
			       .fresh = fresh,
			       .check = check,
			       .rooms = rooms,
			       .mailbox = &passer,
			       .points_min = 60,
			       .seconds = 2};

static void a_replier_killed_at_any_point_leaves_whole_replies_or_none(void **state)
{
	(void)state;
	death_all(&of, 1, false);
}

static void so_does_one_that_is_given_again_what_was_in_hand(void **state)
{
	(void)state;
	death_all(&of, 1, true);
}

static void an_asker_killed_at_any_point_leaves_no_buffer_behind(void **state)
{
	(void)state;
	death_all(&of, 0, false);
}

int main(void)
{
	death_executor.signals = death_executor.asks = 4 * NUMBERS;
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_replier_killed_at_any_point_leaves_whole_replies_or_none),
		cmocka_unit_test(so_does_one_that_is_given_again_what_was_in_hand),
		cmocka_unit_test(an_asker_killed_at_any_point_leaves_no_buffer_behind),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
