/* SPDX-License-Identifier: Apache-2.0 */
/* Deadlines of messages, who is told of what was given up, batches, what waits: mycelium/mailbox.h. */
#include "conformance/cases.h"

#define SOON (20 * MS)

static const struct myc_behaviour teller = {.name = "teller",
					    .capacity_per_sender = 16,
					    .signal = probe_signal,
					    .undelivered = probe_undelivered,
					    PROBE_HOOKS};

/* a: to, first number | count << 32, size, ttl. */
static int job_within(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	static _Thread_local uint64_t payload[512];
	uint64_t first = (uint32_t)a[1], count = a[1] >> 32;
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	for (uint64_t i = 0; i < count && !code; i++) {
		fill(payload, first + i, (uint32_t)a[2]);
		code = myc_send_within(self, &ref, NUMBER, payload, a[2], a[3]);
	}
	return code;
}

static int within(struct probe *from, const struct probe *to, uint64_t first, uint64_t count,
		  uint64_t size, uint64_t ttl_ns)
{
	return let(from, job_within, to->address, first | count << 32, size, ttl_ns);
}

static struct probe *held(struct probe *from)
{
	struct probe *to = spawn(THERE);

	hold_met(from, to);
	return to;
}

/* ---- deadlines --------------------------------------------------------------------------------- */

CASE(in_time_they_are_messages_like_others)
{
	struct probe *a = spawn_as(HERE, &teller), *b = spawn(THERE);

	OK(within(a, b, 1, 5, 8, LONG));
	OK(within(a, b, 6, 3, 1000, LONG));
	OK(within(a, b, 9, 3, 40, MYC_WITHIN_MAX_NS));
	expect_numbers(b, 1, 11);
	assert_int_equal(nth(b, MESSAGE, 6)->size, 1000);
	assert_int_equal(nth(b, MESSAGE, 6)->correlation, 0); /* it asks nothing */
	assert_int_equal(nth(b, MESSAGE, 6)->flags, 0);
	expect_bodies_home();
	assert_int_equal(seen_of(a, UNDELIVERED), 0);
}

CASE(what_waits_for_its_receiver_too_long_is_never_handled)
{
	struct probe *a = spawn_as(HERE, &teller), *b = held(a);

	OK(within(a, b, 90, 2, 8, SOON));
	OK(within(a, b, 92, 2, 1000, SOON));
	OK(within(a, b, 2, 1, 8, LONG));
	OK(send_number(a, b, 3));
	let_pass(2 * SOON);
	release(b);
	expect_numbers(b, 1, 3);
	UNTIL(counted_dead(MYC_DEAD_LETTER_EXPIRED) == 4);
	assert_int_equal(counted_dead_all(), 4);
	expect_bodies_home();
	assert_int_equal(seen_of(a, UNDELIVERED), 0); /* lost further on: it is not told */
}

CASE(what_was_over_gives_its_credit_back)
{
	struct probe *a = spawn(HERE), *b = held(a);

	for (int i = 0; i < 3; i++) {
		OK(within(a, b, 100, 16, 8, SOON));
		let_pass(2 * SOON);
		release(b);
		settle();
		hold(b);
	}
	release(b);
	OK(send_many(a, b, 2, 20));
	expect_numbers(b, 1, 21);
}

static int stashes(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	(void)message;
	me->kept_count++;
	return myc_stash(self);
}
JOB_OF(job_open, (atomic_store(&me->react, NULL), (int)myc_unstash_all(self)))

CASE(what_is_put_aside_too_long_is_never_handled)
{
	static const struct myc_behaviour stash = {
		.name = "stash", .capacity_per_sender = 16, .stash_capacity = 8, PROBE_HOOKS};
	struct probe *a = spawn(HERE), *b = make(THERE, &stash);

	b->react = stashes;
	OK(try_spawn(b));
	OK(within(a, b, 99, 1, 8, SECOND));
	OK(within(a, b, 1, 1, 8, LONG));
	UNTIL(b->kept_count == 2);
	let_pass(SECOND + SOON);
	RESULT(let(b, job_open, 0, 0, 0, 0), 2);
	expect_numbers(b, 1, 1);
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_EXPIRED), 1);
}

/* Fills what credit there is. */
static void fill_up(struct probe *a, struct probe *b)
{
	RESULT(try_flood(a, b, 2), -EAGAIN);
	settle();
}

CASE(what_is_in_the_outbox_too_long_is_given_up_and_its_sender_told)
{
	struct probe *a = spawn_as(HERE, &teller), *b = held(a);

	fill_up(a, b);
	uint64_t last = 1 + a->word[0];

	OK(within(a, b, 90, 1, 8, SOON));
	OK(within(a, b, 91, 1, 1000, 2 * SOON)); /* handled when the first is over */
	UNTIL(seen_of(a, UNDELIVERED) == 2);
	for (uint32_t i = 0; i < 2; i++) {
		const struct seen *told = nth(a, UNDELIVERED, i);

		assert_int_equal(told->kind, MYC_DEAD_LETTER_EXPIRED);
		assert_int_equal(told->from, b->address);
		assert_int_equal(told->type, NUMBER);
		assert_int_equal(told->number, 90 + i);
		assert_int_equal(told->size, i ? 1000 : 8);
		assert_false(told->torn);
	}
	OK(let(a, do_nothing, 0, 0, 0, 0)); /* goes on by itself */
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_EXPIRED), 2);
	release(b);
	expect_numbers(b, 1, last);
	expect_bodies_home();
}

CASE(what_is_over_in_the_outbox_makes_way_for_what_is_not)
{
	struct probe *a = spawn_as(HERE, &teller), *b = held(a);

	fill_up(a, b);
	uint64_t last = 1 + a->word[0];

	tell(a, job_within, b->address, 900 | 5ull << 32, 8, SOON);
	UNTIL(seen_of(a, UNDELIVERED) == 5);
	OK(within(a, b, last + 1, 1, 8, LONG));
	release(b);
	expect_numbers(b, 1, last + 1);
}

CASE(times_that_cannot_be_are_refused)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	RESULT(within(a, b, 1, 1, 8, 0), -EINVAL);
	RESULT(within(a, b, 1, 1, 8, MYC_WITHIN_MAX_NS + 1), -EINVAL);
	RESULT(within(a, b, 1, 1, 8, UINT64_MAX), -EINVAL);
	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(within(a, b, 1, 1, 8, LONG), -ESRCH);
	assert_int_equal(b->messages, 0);
}

CASE(a_deadline_outlives_its_receivers_process)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	hold_met(a, b);
	OK(within(a, b, 90, 1, 8, SOON));
	OK(within(a, b, 91, 1, 500, SOON));
	OK(within(a, b, 2, 1, 8, LONG));
	settle();
	kill_place(THERE);
	let_pass(2 * SOON);
	revive_place(THERE);
	expect_numbers(b, 1, 2);
	UNTIL(counted_dead(MYC_DEAD_LETTER_EXPIRED) == 2);
	expect_bodies_home();
}

/* ---- undelivered for other reasons ------------------------------------------------------------- */

CASE(who_sent_is_told_of_its_outbox_when_the_receiver_ends)
{
	struct probe *a = spawn_as(HERE, &teller), *b = held(a);

	fill_up(a, b);
	OK(send_many(a, b, 501, 20));
	UNTIL(metrics_of(a).outbox_depth == 20);
	OK(send_stop(keeper_of(b->place), b, MYC_STOP_KILL));
	UNTIL(ended(b));
	UNTIL(metrics_of(a).outbox_depth == 0);
	settle();
	uint32_t told = seen_of(a, UNDELIVERED);

	assert_int_equal(told, counted_dead(MYC_DEAD_LETTER_OUTBOX_NO_ACTOR));
	assert_true(told > 0); /* some may have got credit at the last moment */
	for (uint32_t i = 0; i < told; i++) {
		assert_int_equal(nth(a, UNDELIVERED, i)->kind, MYC_DEAD_LETTER_OUTBOX_NO_ACTOR);
		assert_int_equal(nth(a, UNDELIVERED, i)->number, 521 - told + i);
	}
	OK(let(a, do_nothing, 0, 0, 0, 0));
}

static int told_and_sends(struct myc_actor *self, const struct myc_undelivered *what)
{
	struct probe *me = probe_of(self);
	uint64_t number = 0;

	probe_undelivered(self, what);
	memcpy(&number, what->payload, sizeof(number));
	return do_send(self, me, me->word[7], SEND, number, 8);
}
static int told_and_fails(struct myc_actor *self, const struct myc_undelivered *what)
{
	probe_undelivered(self, what);
	return -EIO;
}

CASE(the_hook_may_send)
{
	static const struct myc_behaviour resender = {.name = "resender",
						      .capacity_per_sender = 16,
						      .undelivered = told_and_sends,
						      PROBE_HOOKS};
	struct probe *a = spawn_as(HERE, &resender), *b = held(a), *c = spawn(ELSEWHERE);

	set_word(a, 7, c->address);
	fill_up(a, b);
	OK(within(a, b, 1, 5, 8, SOON));
	expect_numbers(c, 1, 5);
	release(b);
}

CASE(a_hook_that_fails_fails_its_actor)
{
	static const struct myc_behaviour failing = {.name = "failing",
						     .capacity_per_sender = 16,
						     .undelivered = told_and_fails,
						     PROBE_HOOKS};
	struct probe *a = spawn_as(HERE, &failing), *b = held(a), *w = spawn(ELSEWHERE);

	OK(watch(w, a, 0));
	fill_up(a, b);
	OK(within(a, b, 1, 1, 8, SOON));
	assert_true(is_down(nth(w, SIGNAL, 0), a, MYC_EXIT_FAILED, -EIO));
	release(b);
}

CASE(who_is_suspended_is_told_all_the_same)
{
	struct probe *a = spawn_as(HERE, &teller), *b = held(a);

	fill_up(a, b);
	OK(within(a, b, 90, 1, 8, SOON));
	hold(a);
	UNTIL(seen_of(a, UNDELIVERED) == 1);
	release(a);
	release(b);
}

/* ---- batches ----------------------------------------------------------------------------------- */

/* a: to, first number, count, size (a multiple of 8). Returns how many went. */
static int job_batch(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint8_t payload[64 * MYC_PAYLOAD_MAX];
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	for (uint64_t i = 0; i < a[2]; i++)
		fill(payload + i * a[3], a[1] + i, (uint32_t)a[3]);
	return code ? code : myc_send_batch(self, &ref, NUMBER, payload, a[3], a[2]);
}

CASE(a_batch_goes_as_far_as_there_is_credit_and_in_order)
{
	struct probe *a = spawn(HERE), *b = held(a);

	RESULT(let(a, job_batch, b->address, 2, 60, 8), 16);
	RESULT(let(a, job_batch, b->address, 99, 3, 8), 0);
	release(b);
	expect_numbers(b, 1, 17);
	UNTIL(let(a, job_batch, b->address, 18, 1, 8) == 1);
	expect_numbers(b, 1, 18);
}

CASE(batches_of_every_size_come_whole)
{
	struct probe *a = spawn(HERE), *b = held(a);
	uint64_t next = 2;

	release(b);
	for (uint64_t size = 8; size <= MYC_PAYLOAD_MAX; size += 8)
		for (uint64_t end = next + 10; next < end;) {
			int went = let(a, job_batch, b->address, next, end - next, size);

			assert_in_range(went, 0, end - next);
			next += (uint64_t)went;
		}
	expect_numbers(b, 1, next - 1);
	settle();
	assert_int_equal(metrics_of(a).messages_sent, next - 1);
}

CASE(a_batch_does_not_overtake_what_waits_in_the_outbox)
{
	struct probe *a = spawn_as(HERE, &teller), *b = held(a);

	fill_up(a, b);
	uint64_t next = 2 + a->word[0];

	tell(a, job_within, b->address, next | 2ull << 32, 8, LONG);
	UNTIL(metrics_of(a).outbox_depth == 2);
	release(b);
	UNTIL(let(a, job_batch, b->address, next + 2, 3, 8) == 3);
	expect_numbers(b, 1, next + 4);
}

static int job_wrong(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	static const uint8_t payload[64];
	struct myc_ref ref, gone;

	(void)me;
	if (myc_resolve(self, a[0], &ref))
		return 1;
	gone = ref;
	gone.address++;
	if (myc_send_batch(self, &ref, NUMBER, payload, MYC_PAYLOAD_MAX + 1, 1) != -EMSGSIZE)
		return 2;
	if (myc_send_batch(self, &ref, 0xff00, payload, 8, 1) != -EINVAL)
		return 3;
	if (myc_send_batch(self, &ref, NUMBER, payload, 8, (size_t)INT32_MAX + 1) != -EINVAL)
		return 4;
	if (myc_send_batch(self, &gone, NUMBER, payload, 8, 1) != -ESRCH)
		return 5;
	return myc_send_batch(self, &ref, NUMBER, payload, 8, 0);
}

CASE(a_batch_that_cannot_be_is_refused_whole)
{
	struct probe *a = spawn(HERE), *b = held(a);

	release(b);
	RESULT(let(a, job_wrong, b->address, 0, 0, 0), 0);
	settle();
	assert_int_equal(b->messages, 1);
}

CASE(what_does_not_go_of_a_batch_falls_under_no_rule)
{
	static const struct myc_overflow rule = {
		.first = NUMBER, .last = NUMBER, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = 30};
	static const struct myc_behaviour ruled = {.name = "ruled",
						   .capacity_per_sender = 16,
						   .overflow = &rule,
						   .overflow_count = 1,
						   PROBE_HOOKS};
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &ruled);

	hold_met(a, b);
	RESULT(let(a, job_batch, b->address, 2, 40, 8), 16);
	assert_int_equal(metrics_of(a).outbox_depth, 0);
	assert_int_equal(counted_dead_all(), 0);
	release(b);
	expect_numbers(b, 1, 17);
}

/* ---- what waits -------------------------------------------------------------------------------- */

static int do_depth(struct myc_system *system, uint64_t *a)
{
	struct myc_mailbox_depth depth;
	int code = myc_mailbox_depth(system, a[0], &depth);

	if (!code) {
		a[1] = depth.waiting;
		a[2] = depth.waiting_max;
		a[3] = depth.outbox;
	}
	return code;
}

CASE(how_many_wait_is_seen_from_every_place)
{
	struct probe *a = spawn(HERE), *b = held(a);
	uint64_t words[ERRAND_WORDS] = {0};

	OK(send_many(a, b, 2, 21)); /* five find no credit */
	settle();
	for (uint32_t place = HERE; place <= (apart() ? ELSEWHERE : HERE); place++) {
		spawn(place); /* it is there */
		words[0] = b->address;
		OK(at(place, do_depth, words));
		assert_int_equal(words[1], 16);
		assert_int_equal(words[2], 16);
		words[0] = a->address;
		OK(at(place, do_depth, words));
		assert_int_equal(words[3], 5);
	}
	release(b);
	expect_numbers(b, 1, 22);
	words[0] = b->address;
	OK(at(HERE, do_depth, words));
	assert_int_equal(words[1], 0);
	assert_true(words[2] >= 16);
	words[0] = b->address + 1; /* another life of its place */
	RESULT(at(HERE, do_depth, words), -ESRCH);
	words[0] = UINT64_MAX;
	RESULT(at(HERE, do_depth, words), -ESRCH);
}

const struct conform_case cases_within[] = {
	{NAMED(in_time_they_are_messages_like_others)},
	{NAMED(what_waits_for_its_receiver_too_long_is_never_handled)},
	{NAMED(what_was_over_gives_its_credit_back)},
	{NAMED(what_is_put_aside_too_long_is_never_handled)},
	{NAMED(what_is_in_the_outbox_too_long_is_given_up_and_its_sender_told)},
	{NAMED(what_is_over_in_the_outbox_makes_way_for_what_is_not)},
	{NAMED(times_that_cannot_be_are_refused)},
	{DEADLY(a_deadline_outlives_its_receivers_process)},
	{NAMED(who_sent_is_told_of_its_outbox_when_the_receiver_ends)},
	{NAMED(the_hook_may_send)},
	{NAMED(a_hook_that_fails_fails_its_actor)},
	{NAMED(who_is_suspended_is_told_all_the_same)},
	{NAMED(a_batch_goes_as_far_as_there_is_credit_and_in_order)},
	{NAMED(batches_of_every_size_come_whole)},
	{NAMED(a_batch_does_not_overtake_what_waits_in_the_outbox)},
	{NAMED(a_batch_that_cannot_be_is_refused_whole)},
	{NAMED(what_does_not_go_of_a_batch_falls_under_no_rule)},
	{NAMED(how_many_wait_is_seen_from_every_place)},
	{0},
};
