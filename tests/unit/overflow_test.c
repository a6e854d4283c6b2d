/* SPDX-License-Identifier: Apache-2.0 */
/* Overflow rules where the receiver's messages wait, redirecting, and what a hostile row of rules can do. */
#include "unit/overflow_bed.h"

/* ---- where the receiver's messages wait -------------------------------------------------------- */

CASE(the_oldest_make_room_in_the_mailbox)
{
	fresh(state);
	struct probe *a = spawn(HERE), *to = suspended(a);

	assert_int_equal(let(a, send_numbers, to->address, numbers(OLDEST, 1, 10, 0)), 0);
	arrived(a, THERE);
	assert_int_equal(load(&metrics_of(to)->mailbox_depth), KEEP);
	assert_int_equal(load(&executor_of(THERE)->words->mailbox_dropped), 10 - KEEP);
	assert_int_equal(letters(THERE, MYC_DEAD_LETTER_DROPPED_OLDEST), 10 - KEEP);
	assert_int_equal(let(a, resume, to->address, 0), 0);
	EXPECT(to, 7, 8, 9, 10);
	end();
}

CASE(the_newest_are_dropped_when_the_mailbox_keeps_enough)
{
	fresh(state);
	struct probe *a = spawn(HERE), *to = suspended(a);

	assert_int_equal(let(a, send_numbers, to->address, numbers(NEWEST, 1, 10, 0)), 0);
	arrived(a, THERE);
	assert_int_equal(letters(THERE, MYC_DEAD_LETTER_DROPPED_NEWEST), 10 - KEEP);
	assert_int_equal(let(a, resume, to->address, 0), 0);
	EXPECT(to, 1, 2, 3, 4);
	end();
}

/* More than any credit: what is dropped or replaced gives its credit back. */
CASE(a_mailbox_that_conflates_holds_up_nobody)
{
	fresh(state);
	struct probe *a = spawn(HERE), *to = suspended(a);

	for (uint64_t i = 0; i < 100; i++) {
		let(a, send_numbers, to->address, numbers(KEYED, 1 + 10 * i, 10 * (i + 1), 3));
		arrived(a, THERE);
		assert_int_equal(waiting_out(a), 0);
		probes--; /* the one that settled */
	}
	assert_int_equal(load(&metrics_of(to)->mailbox_depth), 3);
	assert_int_equal(conflated(THERE), 997);
	assert_int_equal(let(a, resume, to->address, 0), 0);
	EXPECT(to, 1000, 998, 999);
	end();
}

CASE(others_keep_their_place_around_what_is_replaced_or_dropped)
{
	fresh(state);
	struct probe *a = spawn(HERE), *b = spawn(HERE), *to = suspended(a);

	let(a, send_numbers, to->address, numbers(PLAIN, 1, 1, 0));
	let(a, send_numbers, to->address, numbers(KEYED, 100, 101, 2));
	let(a, send_numbers, to->address, numbers(PLAIN, 2, 2, 0));
	let(a, send_numbers, to->address, numbers(OLDEST, 200, 203, 0));
	let(a, send_numbers, to->address, numbers(PLAIN, 3, 3, 0));
	arrived(a, THERE);
	/* Another's keys and limits are its own. */
	let(b, send_numbers, to->address, numbers(KEYED, 110, 110, 2));
	let(b, send_numbers, to->address, numbers(OLDEST, 210, 210, 0));
	arrived(b, THERE);
	let(a, send_numbers, to->address, numbers(KEYED, 102, 103, 2));
	let(a, send_numbers, to->address, numbers(OLDEST, 204, 205, 0));
	arrived(a, THERE);
	assert_int_equal(let(a, resume, to->address, 0), 0);
	EXPECT(to, 1, 102, 103, 2, 202, 203, 3, 110, 210, 204, 205);
	end();
}

CASE(posts_of_threads_fall_under_the_rules_where_the_receiver_waits)
{
	fresh(state);
	struct probe *a = spawn(HERE), *to = suspended(a);

	for (uint32_t i = 1; i <= 40; i++) {
		const uint32_t word[2] = {i, 0};

		assert_int_equal(
			myc_post(to->system, to->address, OLDEST, word, sizeof(word), SECOND), 0);
	}
	wait_until(letters(THERE, MYC_DEAD_LETTER_DROPPED_OLDEST) == 40 - KEEP);
	assert_int_equal(let(a, resume, to->address, 0), 0);
	EXPECT(to, 37, 38, 39, 40);
	end();
}

CASE(bodies_go_home_from_where_they_waited)
{
	fresh(state);
	struct probe *a = spawn(HERE), *to = suspended(a);

	/* More than there are buffers. */
	for (uint64_t i = 0; i < 200; i++) {
		assert_int_equal(let(a, send_numbers, to->address,
				     numbers(KEYED, 1 + 10 * i, 10 * (i + 1), 3) | SIZED(200)),
				 0);
		assert_int_equal(let(a, send_numbers, to->address,
				     numbers(OLDEST, 3000 + i, 3000 + i, 0) | SIZED(1000)),
				 0);
		if (i % 8 == 7) {
			arrived(a, THERE);
			probes--;
		}
	}
	arrived(a, THERE);
	assert_int_equal(let(a, resume, to->address, 0), 0);
	EXPECT(to, 1999, 2000, 1998, 3196, 3197, 3198, 3199);
	end();
}

/* ---- redirecting ------------------------------------------------------------------------------- */

CASE(what_finds_no_room_goes_to_another_as_from_its_sender)
{
	fresh(state);
	struct probe *other = spawn_as(HERE, &sender, "other", MYC_RESTARTS_NONE);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	assert_int_equal(let(a, send_numbers, to->address, numbers(ELSEWHERE, 1, 26, 0)), 0);
	to->stuck = false;
	wait_until(to->messages + other->messages == 26);
	assert_true(other->messages >= 10);
	for (uint32_t i = 0; i < other->messages; i++) {
		assert_int_equal(other->seen[i].message, to->messages + i + 1);
		assert_true(from_seen[other->index][i] == a->address);
	}
	assert_int_equal(load(&executor_of(HERE)->words->redirected), other->messages);
	end();
}

static const struct myc_overflow to_b = {
	.first = 0, .last = 0xfeff, .policy = MYC_OVERFLOW_REDIRECT, .to = "b"};
static const struct myc_overflow to_a = {
	.first = 0, .last = 0xfeff, .policy = MYC_OVERFLOW_REDIRECT, .to = "a"};
static const struct myc_behaviour one = {
	.name = "one", KEEPER, .overflow = &to_b, .overflow_count = 1};
static const struct myc_behaviour another = {
	.name = "another", KEEPER, .overflow = &to_a, .overflow_count = 1};

static int send_both(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t other)
{
	int code = send_numbers(self, me, other, numbers(NUMBER, 1, 16, 0));

	return code ? code : send_numbers(self, me, to, numbers(NUMBER, 1, 40, 0));
}

/* Two that redirect to each other: each message ends somewhere, or as a dead letter. */
CASE(a_circle_of_redirects_ends)
{
	fresh(state);
	struct probe *b = spawn_as(HERE, &another, "b", MYC_RESTARTS_NONE),
		     *to = spawn_as(HERE, &one, "a", MYC_RESTARTS_NONE),
		     *from = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE);

	settle(from, b);
	settle(from, to);
	uint32_t before = to->messages + b->messages;

	assert_int_equal(let(from, send_both, to->address, b->address), 0);
	wait_until(to->messages + b->messages - before + letters(HERE, MYC_DEAD_LETTER_REDIRECT) ==
		   56);
	assert_true(letters(HERE, MYC_DEAD_LETTER_REDIRECT) >= 20);
	end();
}

static const struct myc_overflow to_nobody = {
	.first = 0, .last = 0xfeff, .policy = MYC_OVERFLOW_REDIRECT, .to = "nobody there"};
static const struct myc_behaviour lost = {
	.name = "lost", KEEPER, .overflow = &to_nobody, .overflow_count = 1};

CASE(a_redirect_to_nobody_is_a_dead_letter)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE),
		     *to = spawn_as(HERE, &lost, NULL, MYC_RESTARTS_NONE);

	settle(a, to);
	assert_int_equal(let(a, send_numbers, to->address, numbers(NUMBER, 1, 40, 0)), 0);
	wait_until(to->messages + letters(HERE, MYC_DEAD_LETTER_REDIRECT) == 40);
	assert_true(letters(HERE, MYC_DEAD_LETTER_REDIRECT) >= 20);
	end();
}

/* ---- hostile rows ------------------------------------------------------------------------------ */

static int send_some(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint8_t payload[40] = {0};
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	for (uint32_t i = 0; !code && i < (b & 0xffff); i++)
		(void)myc_try_send(self, &ref, (uint16_t)(b >> 16), payload, i % 41);
	return code;
}

__attribute__((no_sanitize("thread"))) static void scribble(struct myc_overflow_row *row,
							    uint64_t *chance, bool small)
{
	uint8_t *byte = (uint8_t *)row;

	for (uint32_t i = 0; i < MYC_OVERFLOW_ROWS * sizeof(*row); i++)
		byte[i] = (uint8_t)(test_random(chance) >> 32);
	for (uint32_t i = 0; small && i < MYC_OVERFLOW_ROWS; i++) {
		row[i].rules = 8;
		for (uint32_t r = 0; r < 8; r++) {
			row[i].rule[r].first = 0;
			row[i].rule[r].policy %= 6;
			row[i].rule[r].key_offset %= 64;
			row[i].rule[r].keep = UINT32_MAX;
		}
	}
}

/* Whatever stands there: who sends to its owner loses those messages at most, and others have their half of
 * the outbox. */
CASE(a_hostile_row_harms_only_what_is_sent_to_it)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);
	uint64_t chance = test_seed();
	struct myc_region *region_there = &region[1][1];
	struct myc_overflow_row *row = myc_region_block(region_there, MYC_BLOCK_MAILBOX, 0, NULL);

	for (int i = 0; i < 300; i++) {
		scribble(row, &chance, i % 2);
		assert_int_equal(let(a, send_some, to->address, 200 | PLAIN << 16), 0);
		assert_int_equal(let(a, send_some, to->address, 20 | KEYED << 16), 0);
	}
	const struct myc_executor *executor = executor_of(HERE);

	assert_true(executor->outbox_count <= executor->outbox_capacity / 2);
	struct probe *good = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE);

	settle(a, good);
	assert_int_equal(let(a, send_numbers, good->address, numbers(NUMBER, 1, 100, 0)), 0);
	wait_until(good->messages == 100);
	to->stuck = false;
	end();
}

/* ---- rules that cannot be ---------------------------------------------------------------------- */

/* Behaviours and their rules live as long as their actors. */
#define RULED (5 * MYC_OVERFLOW_ROWS)

static int spawn_with(const struct myc_overflow *overflow, uint32_t count)
{
	static struct myc_behaviour behaviours[RULED];
	static struct myc_overflow copies[RULED][MYC_OVERFLOW_MAX];
	static uint32_t n;
	struct myc_behaviour *wrong = &behaviours[n];
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = wrong};
	struct myc_error error;

	assert_true(n < RULED);
	memcpy(copies[n], overflow,
	       sizeof(*overflow) * (count < MYC_OVERFLOW_MAX ? count : MYC_OVERFLOW_MAX));
	*wrong = (struct myc_behaviour){
		.name = "wrong", .overflow = copies[n++], .overflow_count = count};
	return myc_spawn(systems[0], &opts, NULL, &error);
}

CASE(rules_that_cannot_be_are_refused_at_spawn)
{
	begin(state);
	char name[64];
	struct myc_overflow many[9] = {{0}};

	memset(name, 'n', sizeof(name));
	name[48] = '\0';
	const struct myc_overflow wrong[] = {
		{.first = 2, .last = 1},
		{.policy = 5},
		{.policy = MYC_OVERFLOW_CONFLATE},
		{.policy = MYC_OVERFLOW_CONFLATE, .key_size = 9},
		{.policy = MYC_OVERFLOW_REDIRECT},
		{.policy = MYC_OVERFLOW_REDIRECT, .to = ""},
		{.policy = MYC_OVERFLOW_REDIRECT, .to = name},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_int_equal(spawn_with(&wrong[i], 1), -EINVAL);
	assert_int_equal(spawn_with(many, 9), -EINVAL);
	assert_int_equal(spawn_with(many, 8), 0);
	/* Rows are for different sets. */
	for (uint32_t i = 0; i < 3 * MYC_OVERFLOW_ROWS; i++)
		assert_int_equal(spawn_with(many, 8), 0);
	for (uint32_t i = 1; i < MYC_OVERFLOW_ROWS; i++) {
		many[0].last = (uint16_t)i;
		assert_int_equal(spawn_with(many, 1), 0);
	}
	many[0].last = 1000;
	assert_int_equal(spawn_with(many, 1), -ENOSPC);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(the_oldest_make_room_in_the_mailbox),
		EVERYWHERE(the_newest_are_dropped_when_the_mailbox_keeps_enough),
		EVERYWHERE(a_mailbox_that_conflates_holds_up_nobody),
		EVERYWHERE(others_keep_their_place_around_what_is_replaced_or_dropped),
		EVERYWHERE(posts_of_threads_fall_under_the_rules_where_the_receiver_waits),
		EVERYWHERE(bodies_go_home_from_where_they_waited),
		EVERYWHERE(what_finds_no_room_goes_to_another_as_from_its_sender),
		IN(a_circle_of_redirects_ends, ONE_EXECUTOR),
		IN(a_redirect_to_nobody_is_a_dead_letter, ONE_EXECUTOR),
		IN(a_hostile_row_harms_only_what_is_sent_to_it, TWO_PROCESSES),
		IN(rules_that_cannot_be_are_refused_at_spawn, ONE_EXECUTOR),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
