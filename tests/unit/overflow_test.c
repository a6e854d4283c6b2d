/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overflow rules: what waits in the receiver's pending queue, what waits in the sender's outbox, each way
 * of dropping, replacing and redirecting, and what a hostile row of rules can do. A number that is sent is
 * its message's first four bytes, its key the next four.
 */
#include "probes.h"

#include "core/executor.h"
#include "core/overflow.h"

enum { PLAIN = 20, NEWEST, OLDEST, KEYED, ELSEWHERE, SINGLE };
#define KEEP 4

static const struct myc_overflow rules[] = {
	{.first = NEWEST, .last = NEWEST, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = KEEP},
	{.first = OLDEST, .last = OLDEST, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = KEEP},
	{.first = KEYED,
	 .last = KEYED,
	 .policy = MYC_OVERFLOW_CONFLATE,
	 .key_offset = 4,
	 .key_size = 4},
	{.first = ELSEWHERE, .last = ELSEWHERE, .policy = MYC_OVERFLOW_REDIRECT, .to = "other"},
	{.first = SINGLE, .last = SINGLE, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = 1},
};
#define RULES .overflow = rules, .overflow_count = sizeof(rules) / sizeof(rules[0])

static _Atomic uint64_t from_seen[PROBES][SEEN_MAX];
static _Atomic int replied[PROBES];
static _Atomic uint32_t replies[PROBES];

static int keeper_message(struct myc_actor *self, const struct myc_message *message)
{
	struct probe *me = me_of(self);

	if (message->type >= PLAIN && me->messages < SEEN_MAX)
		from_seen[me->index][me->messages] = message->from;
	return probe_message(self, message);
}

static int keeper_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct probe *me = me_of(self);

	replied[me->index] = reply->status;
	replies[me->index]++;
	return 0;
}

#define KEEPER                                                                    \
	.capacity_per_sender = 16, .init = probe_init, .message = keeper_message, \
	.reply = keeper_reply, .signal = probe_signal, .stopped = probe_stopped

static const struct myc_behaviour keeper = {.name = "keeper", KEEPER, RULES};
static const struct myc_behaviour sender = {.name = "sender", KEEPER};

static struct myc_executor *executor_of(int where)
{
	return place == TWO_PROCESSES ? &systems[where]->executor[0]
				      : &systems[0]->executor[place == TWO_EXECUTORS ? where : 0];
}
static uint64_t letters(int where, enum myc_dead_letter why)
{
	return __atomic_load_n(&executor_of(where)->words->dead_letters[why], __ATOMIC_RELAXED);
}
static uint64_t conflated(int where)
{
	return __atomic_load_n(&executor_of(where)->words->conflated, __ATOMIC_RELAXED);
}
static const struct myc_actor_metrics *metrics_of(const struct probe *who)
{
	return &who->system->metrics[myc_address_slot(who->address)];
}
static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static void fresh(void **state)
{
	for (int i = 0; i < PROBES; i++)
		replies[i] = 0;
	begin(state);
}

/* ---- jobs -------------------------------------------------------------------------------------- */

/* b: type | first << 8 | last << 24 | keys << 40 | size << 48. Number n has the key n % keys. */
static uint64_t numbers(uint32_t type, uint64_t first, uint64_t last, uint64_t keys)
{
	return type | first << 8 | last << 24 | keys << 40;
}
#define SIZED(size) ((uint64_t)(size) << 48)

static int send_numbers(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint16_t type = b & 0xff;
	uint64_t keys = b >> 40 & 0xff, size = b >> 48;
	uint8_t payload[1024] = {0};
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	for (uint32_t n = b >> 8 & 0xffff; !code && n <= (b >> 24 & 0xffff); n++) {
		uint32_t word[2] = {n, keys ? (uint32_t)(n % keys) : 0};

		memcpy(payload, word, sizeof(word));
		code = myc_send(self, &ref, type, payload, size ? size : sizeof(word));
	}
	return code;
}

static int try_number(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint32_t word[2] = {b >> 8 & 0xffff};
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	return code ? code : myc_try_send(self, &ref, b & 0xff, word, sizeof(word));
}

static int ask_number(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint32_t word[2] = {b >> 8 & 0xffff};
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	return code ? code
		    : myc_ask(self, &ref, b & 0xff, word, sizeof(word), 60 * SECOND, 0, NULL);
}

static uint32_t waiting_out(const struct probe *who)
{
	return (uint32_t)load(&metrics_of(who)->outbox_depth);
}

static void expect(const struct probe *who, const uint32_t *wanted, uint32_t count)
{
	wait_until(who->messages >= count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(who->seen[i].message, wanted[i]);
	assert_int_equal(who->messages, count);
}
#define EXPECT(who, ...)                             \
	expect(who, (const uint32_t[]){__VA_ARGS__}, \
	       sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Has all that was sent by `a` come to where the other's messages wait? */
static void arrived(struct probe *a, int where)
{
	settle(a, spawn(where));
}

/* ---- where the receiver's messages wait -------------------------------------------------------- */

static struct probe *suspended(struct probe *a)
{
	struct probe *made = spawn_as(THERE, &keeper, NULL, MYC_RESTARTS_NONE);

	settle(a, made); /* a has credit */
	assert_int_equal(let(a, suspend, made->address, 0), 0);
	settle(a, spawn(THERE));
	return made;
}

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

/* ---- where the sender's wait ------------------------------------------------------------------- */

/* Its handler does not return: its executor takes nothing from the lane. On one executor all of this
 * happens within one handler of the sender. */
static struct probe *stuck(struct probe *a)
{
	struct probe *made = spawn_as(THERE, &keeper, NULL, MYC_RESTARTS_NONE);

	settle(a, made); /* a has credit */
	if (place == ONE_EXECUTOR)
		return made;
	made->stuck = true;
	number(made, 9999);
	wait_until(made->messages == 1);
	made->messages = made->count = 0;
	return made;
}

/* In one go. All the credit, 16, and 100 more. */
static void flood(struct probe *a, struct probe *to, uint32_t type, uint64_t keys, uint64_t size)
{
	assert_int_equal(
		let(a, send_numbers, to->address, numbers(type, 1, 116, keys) | SIZED(size)), 0);
}

/* 16 had credit, at least; then what was kept. In processes and threads the credit may have been one less,
 * given back meanwhile. */
static void expect_last(struct probe *to, uint32_t kept, uint32_t last)
{
	to->stuck = false;
	wait_until(to->messages && to->seen[to->messages - 1].message == last);
	uint32_t went = to->messages - kept;

	assert_in_range(went, 1, 16 + KEEP);
	for (uint32_t i = 0; i < kept; i++)
		assert_int_equal(to->seen[went + i].message, last - kept + 1 + i);
}

CASE(the_oldest_make_room_in_the_outbox_and_nobody_is_paused)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	uint64_t paused_ns = load(&metrics_of(a)->paused_ns);

	flood(a, to, OLDEST, 0, 0);
	assert_int_equal(let(a, nothing, 0, 0), 0); /* it handles messages */
	if (place != ONE_EXECUTOR)
		assert_int_equal(waiting_out(a), KEEP);
	expect_last(to, KEEP, 116);
	assert_int_equal(to->messages + letters(HERE, MYC_DEAD_LETTER_DROPPED_OLDEST) +
				 (place == ONE_EXECUTOR
					  ? 0
					  : letters(THERE, MYC_DEAD_LETTER_DROPPED_OLDEST)),
			 116);
	assert_int_equal(load(&metrics_of(a)->paused_ns), paused_ns);
	end();
}

CASE(one_alone_makes_room_for_the_next)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	for (int i = 0; i < 3; i++)
		flood(a, to, SINGLE, 0, 0);
	to->stuck = false;
	settle(a, to);
	assert_int_equal(to->seen[to->messages - 1].message, 116);
	end();
}

CASE(the_newest_are_dropped_when_the_outbox_keeps_enough)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	flood(a, to, NEWEST, 0, 0);
	assert_int_equal(let(a, nothing, 0, 0), 0);
	to->stuck = false;
	settle(a, to);
	uint32_t dropped = (uint32_t)load(&executor_of(HERE)->words->outbox_dropped);

	assert_in_range(dropped, 116 - 16 - KEEP, 115);
	assert_int_equal(letters(HERE, MYC_DEAD_LETTER_DROPPED_NEWEST), dropped);
	assert_int_equal(to->messages, 116 - dropped);
	for (uint32_t i = 0; i < to->messages; i++)
		assert_int_equal(to->seen[i].message, i + 1);
	end();
}

CASE(what_waits_in_the_outbox_is_replaced_in_its_place)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	flood(a, to, KEYED, 5, 0);
	assert_int_equal(let(a, nothing, 0, 0), 0);
	to->stuck = false;
	settle(a, to);
	uint32_t count = to->messages, last[5] = {0};

	assert_in_range(count, 6, 16 + 5);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t *of = &last[to->seen[i].message % 5];

		assert_true(to->seen[i].message > *of);
		*of = to->seen[i].message;
	}
	for (uint32_t i = 0; i < 5; i++) /* the last of each key has come */
		assert_true(last[i] > 111);
	assert_int_equal(count + conflated(HERE) + (place == ONE_EXECUTOR ? 0 : conflated(THERE)),
			 116);
	end();
}

CASE(bodies_go_home_from_the_outbox)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	for (int i = 0; i < 10; i++) {
		flood(a, to, KEYED, 5, 200);
		flood(a, to, NEWEST, 0, 1000);
		flood(a, to, OLDEST, 0, 1000);
	}
	to->stuck = false;
	settle(a, to);
	assert_int_equal(to->seen[to->messages - 1].message, 116);
	end();
}

CASE(a_refused_type_pauses_behind_what_waits_and_keeps_its_place)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	{
		let(a, send_numbers, to->address, numbers(PLAIN, 1, 16, 0));
		let(a, send_numbers, to->address, numbers(KEYED, 100, 101, 2));
		assert_int_equal(let(a, try_number, to->address, PLAIN | 3 << 8), -EAGAIN);
		let(a, send_numbers, to->address, numbers(KEYED, 102, 103, 2));
		let(a, send_numbers, to->address, numbers(PLAIN, 17, 17, 0));
		/* Now it is paused. */
		struct job job = {.run = nothing};

		a->done = false;
		assert_int_equal(myc_post(a->system, a->address, JOB, &job, sizeof(job), SECOND),
				 0);
		to->stuck = false;
		wait_until(to->messages == 19);
		assert_int_equal(to->seen[16].message, 102);
		assert_int_equal(to->seen[17].message, 103);
		assert_int_equal(to->seen[18].message, 17);
		wait_until(a->done);
	}
	end();
}

CASE(an_ask_that_is_dropped_ends_at_once)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE),
		     *b = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = suspended(a);

	let(a, send_numbers, to->address, numbers(NEWEST, 1, KEEP, 0));
	assert_int_equal(let(a, ask_number, to->address, NEWEST | 9 << 8), 0);
	wait_until(replies[a->index] == 1);
	assert_int_equal(replied[a->index], -ENOBUFS);
	/* Replaced, too. */
	assert_int_equal(let(b, ask_number, to->address, KEYED | 1 << 8), 0);
	arrived(b, THERE);
	assert_int_equal(replies[b->index], 0);
	let(b, send_numbers, to->address, numbers(KEYED, 2, 2, 1));
	wait_until(replies[b->index] == 1);
	assert_int_equal(replied[b->index], -ENOBUFS);
	end();
}

CASE(an_ask_dropped_in_the_outbox_ends_at_once)
{
	fresh(state);
	struct probe *a = spawn_as(HERE, &sender, NULL, MYC_RESTARTS_NONE), *to = stuck(a);

	{
		let(a, send_numbers, to->address, numbers(PLAIN, 1, 16, 0));
		assert_int_equal(let(a, ask_number, to->address, OLDEST | 9 << 8), 0);
		let(a, send_numbers, to->address, numbers(OLDEST, 1, KEEP - 1, 0));
		assert_int_equal(replies[a->index], 0);
		let(a, send_numbers, to->address, numbers(OLDEST, 1, 1, 0));
		wait_until(replies[a->index] == 1);
		assert_int_equal(replied[a->index], -ENOBUFS);
		let(a, send_numbers, to->address, numbers(NEWEST, 1, KEEP, 0));
		assert_int_equal(let(a, ask_number, to->address, NEWEST | 9 << 8), 0);
		wait_until(replies[a->index] == 2);
		assert_int_equal(replied[a->index], -ENOBUFS);
		to->stuck = false;
	}
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
		EVERYWHERE(the_oldest_make_room_in_the_outbox_and_nobody_is_paused),
		EVERYWHERE(one_alone_makes_room_for_the_next),
		EVERYWHERE(the_newest_are_dropped_when_the_outbox_keeps_enough),
		EVERYWHERE(what_waits_in_the_outbox_is_replaced_in_its_place),
		EVERYWHERE(bodies_go_home_from_the_outbox),
		IN(a_refused_type_pauses_behind_what_waits_and_keeps_its_place, TWO_EXECUTORS),
		IN(a_refused_type_pauses_behind_what_waits_and_keeps_its_place, TWO_PROCESSES),
		EVERYWHERE(an_ask_that_is_dropped_ends_at_once),
		IN(an_ask_dropped_in_the_outbox_ends_at_once, TWO_EXECUTORS),
		IN(an_ask_dropped_in_the_outbox_ends_at_once, TWO_PROCESSES),
		EVERYWHERE(what_finds_no_room_goes_to_another_as_from_its_sender),
		IN(a_circle_of_redirects_ends, ONE_EXECUTOR),
		IN(a_redirect_to_nobody_is_a_dead_letter, ONE_EXECUTOR),
		IN(a_hostile_row_harms_only_what_is_sent_to_it, TWO_PROCESSES),
		IN(rules_that_cannot_be_are_refused_at_spawn, ONE_EXECUTOR),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
