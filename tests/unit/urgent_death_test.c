/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Urgent messages and deadlines at the smallest capacities, wherever either side is killed: each message is handled
 * once, or is in doubt, or its time was over, which is counted; none is handled after its time, and nothing comes
 * before an urgent one that was sent before it.
 *
 *	process 0: source --ordinary, brief, urgent--> process 1: taker --two each--> drain
 *
 * The drain is so slow that the taker is paused: messages are over in the outbox, in the lane and in the queue.
 */
#include "unit/two_lives.h"

/* The code under test, with its points. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "core/pending.c"
#define flow_of flow_of_urgent
#include "core/urgent.c"
#undef flow_of
/* NOLINTEND(bugprone-suspicious-include) */

#define NUMBERS 15
#define BRIEFLY 1200000 /* some turns */

enum { TAKER };
enum { ORDINARY = 1, BRIEF, URGENT };

/* What the world outside has seen; it outlives both. */
static struct {
	bool sent[NUMBERS]; /* the send returned */
	uint64_t until_ns[NUMBERS];
	uint32_t seen[NUMBERS], marked[NUMBERS], told[NUMBERS];
	uint32_t next[2]; /* the least that may come: ordinary and brief ones, urgent ones */
	uint32_t disorder, overtaken, late, wrong;
} world;

/* ---- actors ------------------------------------------------------------------------------------ */

static uint32_t type_of(uint32_t number)
{
	static const uint32_t types[5] = {ORDINARY, BRIEF, URGENT, BRIEF, URGENT};

	return types[number % 5];
}

static int send_number(struct myc_actor *self, struct myc_ref *to, uint32_t number)
{
	switch (type_of(number)) {
	case URGENT:
		return myc_send_urgent(self, to, URGENT, &number, sizeof(number));
	case BRIEF:
		world.until_ns[number] = bed.now_ns + BRIEFLY;
		return myc_send_within(self, to, BRIEF, &number, sizeof(number), BRIEFLY);
	default:
		return myc_send_within(self, to, ORDINARY, &number, sizeof(number),
				       MYC_WITHIN_MAX_NS);
	}
}

/* Goes on where its predecessor was, three at a time; the taker may not be there yet. */
static int go(struct myc_actor *self)
{
	uint32_t *next = death_block(0, MYC_BLOCK_USER);
	struct myc_ref to;

	for (uint32_t i = 0; i < 3 && *next < NUMBERS; i++) {
		uint32_t number = (*next)++;

		death_point("number taken");
		int code = myc_resolve(self, address_of(1, TAKER), &to);

		if (!code)
			code = send_number(self, &to, number);
		if (code) { /* it is dead: again */
			assert_true(code == -ESRCH || code == -ENOBUFS);
			*next = number;
			break;
		}
		world.sent[number] = true;
	}
	return *next < NUMBERS && myc_timer_start(self, 300000, 0, 0, NULL) < 0 ? -EIO : 0;
}

static int source_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return go(self);
}

static int source_undelivered(struct myc_actor *self, const struct myc_undelivered *what)
{
	uint32_t number;

	(void)self;
	memcpy(&number, what->payload, sizeof(number));
	world.wrong += what->type != BRIEF || what->why != MYC_DEAD_LETTER_EXPIRED;
	world.told[number % NUMBERS]++;
	return 0;
}

static int taker_message(struct myc_actor *self, const struct myc_message *message)
{
	uint32_t number;

	memcpy(&number, message->payload, sizeof(number));
	assert_true(number < NUMBERS && type_of(number) == message->type);
	world.wrong += !(message->flags & MYC_MESSAGE_URGENT) != (message->type != URGENT) ||
		       message->correlation;
	uint32_t *next = &world.next[message->type == URGENT];

	world.seen[number]++;
	if (message->flags & MYC_MESSAGE_REDELIVERED) {
		world.marked[number]++;
	} else {
		world.disorder += number < *next;
		for (uint32_t i = number + 1; message->type == URGENT && i < NUMBERS; i++)
			world.overtaken += type_of(i) != URGENT && world.seen[i];
	}
	*next = number + 1;
	world.late += message->type == BRIEF && bed.now_ns > world.until_ns[number] &&
		      !(message->flags & MYC_MESSAGE_REDELIVERED);
	death_point("handler");
	death_tell_drain(self, 2);
	return 0;
}

static const struct myc_behaviour source = {
	.name = "source", .started = go, .timer = source_timer, .undelivered = source_undelivered};
static struct myc_behaviour taker = {.name = "taker", .message = taker_message};

/* ---- lives ------------------------------------------------------------------------------------- */

static struct {
	uint64_t outbox,
		mailbox; /* times that a brief one was over there, in lives without deaths */
} over;

static void fresh(void)
{
	memset(&world, 0, sizeof(world));
}

static void check(void)
{
	const struct myc_actor_metrics *metrics = death_block(1, MYC_BLOCK_METRICS);
	const struct myc_executor_words *words = death_block(1, MYC_BLOCK_EXECUTOR);
	const struct myc_executor_words *senders = death_block(0, MYC_BLOCK_EXECUTOR);
	uint64_t expired = words->dead_letters[MYC_DEAD_LETTER_EXPIRED] +
			   senders->dead_letters[MYC_DEAD_LETTER_EXPIRED];
	uint64_t missing = 0, missing_brief = 0;

	for (uint32_t i = 0; i < NUMBERS; i++) {
		assert_true(world.seen[i] <= 1 + world.marked[i]);
		assert_true(world.told[i] + world.seen[i] <= 1 + world.marked[i]);
		missing += world.sent[i] && !world.seen[i] && type_of(i) != BRIEF;
		missing_brief += world.sent[i] && !world.seen[i] && type_of(i) == BRIEF;
	}
	assert_int_equal(world.disorder + world.overtaken + world.late + world.wrong, 0);
	assert_true(metrics[TAKER].in_doubt + metrics[DEATH_DRAIN].in_doubt <= bed.deaths);
	uint64_t doubt = taker.redeliver ? 0 : metrics[TAKER].in_doubt;

	/* Given again, its time may be over. A reason may be counted twice, once a death. */
	assert_true(missing <= doubt);
	assert_true(missing + missing_brief <= doubt + expired);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	if (bed.deaths)
		return;
	assert_int_equal(missing_brief, expired);
	assert_int_equal(missing, 0);
	over.outbox += senders->dead_letters[MYC_DEAD_LETTER_EXPIRED];
	over.mailbox += words->dead_letters[MYC_DEAD_LETTER_EXPIRED];
}

static const struct death_room rooms[] = {{1, 2, 2}, {2, 1, 1}, {3, 4, 4}, {0}};
static struct death_play of = {.system = DEATH_SYSTEM(128, 8),
			       .actor = {{&source}, {&taker, &death_drain}},
			       .fresh = fresh,
			       .check = check,
			       .rooms = rooms,
			       .mailbox = &taker,
			       .points_min = 30,
			       .seconds = 1};

static void play_all(uint32_t victim, bool redeliver)
{
	memset(&over, 0, sizeof(over));
	death_all(&of, victim, redeliver);
	assert_true(over.outbox && over.mailbox);
}

static void a_sender_killed_at_any_point_loses_nothing_that_was_in_time(void **state)
{
	(void)state;
	play_all(0, false);
}

static void nor_does_a_receiver(void **state)
{
	(void)state;
	play_all(1, false);
}

static void nor_one_that_is_given_again_what_was_in_hand(void **state)
{
	(void)state;
	play_all(1, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_sender_killed_at_any_point_loses_nothing_that_was_in_time),
		cmocka_unit_test(nor_does_a_receiver),
		cmocka_unit_test(nor_one_that_is_given_again_what_was_in_hand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
