/* SPDX-License-Identifier: Apache-2.0 */
/* How actors share their executor: `share`, `share_ns`, mycelium/system.h. */
#include "conformance/cases.h"

#include "base/clock.h"
#include "core/executor.h"

enum { SHARE_OF = 2 };

static void shared_by_two(struct world_opts *opts)
{
	opts->executor.share = SHARE_OF;
}

static uint64_t shares_ended(const struct probe *who)
{
	uint32_t executor;
	const struct myc_region *region = way.region(who->place, &executor);
	const struct myc_executor_words *words =
		myc_region_block(region, MYC_BLOCK_EXECUTOR, executor, NULL);

	return __atomic_load_n(&words->shares_ended, __ATOMIC_RELAXED);
}

/* In which order both came to theirs: word 6 of their place's keeper counts. */
static int counts(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	(void)self;
	(void)message;
	me->kept[me->messages % 64].asker = ++keeper_of(me->place)->word[6];
	me->messages++;
	return 0;
}
static uint64_t larger(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}
static uint64_t smaller(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}
static int job_release_both(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	int code = myc_resume(self, a[0]);

	code = code ? code : myc_resume(self, a[1]);
	return code ? code : do_send_type(self, myc_self(self), PING, 8);
}

/* Of two with `each` waiting at the same time, none handles more than `most` in a row. */
static void expect_turns(int (*react)(struct myc_actor *, struct probe *,
				      const struct myc_message *),
			 uint32_t each, uint32_t most)
{
	struct probe *a = spawn(HERE), *b[2] = {spawn(THERE), spawn(THERE)};

	for (int i = 0; i < 2; i++) {
		b[i]->react = react;
		hold(b[i]);
		OK(send_many(a, b[i], 1, each));
	}
	settle();
	uint64_t before = shares_ended(b[0]);

	OK(let(keeper_of(b[0]->place), job_release_both, b[0]->address, b[1]->address, 0, 0));
	SAW(b[0], MESSAGE, each);
	SAW(b[1], MESSAGE, each);
	/* While both had some: of `most` + 1 of one, another's stood between. */
	uint64_t begun = larger(b[0]->kept[0].asker, b[1]->kept[0].asker);
	uint64_t over = smaller(b[0]->kept[each - 1].asker, b[1]->kept[each - 1].asker);
	uint32_t looked = 0;

	for (int i = 0; i < 2; i++)
		for (uint32_t n = 0; n + most < each; n++) {
			uint64_t first = b[i]->kept[n].asker, last = b[i]->kept[n + most].asker;

			if (first < begun || last > over)
				continue;
			assert_true(last > first + most);
			looked++;
		}
	assert_true(looked >= each / 2);
	assert_true(shares_ended(b[0]) >= before + each / most);
}

CASE(none_handles_more_than_its_share_while_others_wait)
{
	expect_turns(counts, 12, SHARE_OF);
}

CASE(with_shares_messages_of_a_pair_keep_their_order)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (uint64_t i = 0; i < 4; i++)
		OK(send_many(a, b, 1 + 20 * i, 20));
	OK(send_sized(a, b, SEND, 81, 500));
	OK(send_number(a, b, 82));
	expect_numbers(b, 1, 82);
	expect_bodies_home();
}

CASE(with_shares_credit_is_what_it_is)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	hold_met(a, b);
	RESULT(try_flood(a, b, 2), -EAGAIN);
	assert_int_equal(a->word[0], 4);
	OK(send_many(a, b, 6, 10));
	UNTIL(metrics_of(a).outbox_depth > 0);
	release(b);
	expect_numbers(b, 1, 15);
}

CASE(with_shares_asks_timers_and_ends_are_as_ever)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, echoes);

	OK(watch(a, b, 0));
	for (uint64_t i = 1; i <= 5; i++)
		OK(ask(a, b, LONG, i));
	SAW(a, REPLY, 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(nth(a, REPLY, i)->payload, i + 1);
	OK(start_timer(b, MS, 0, 1));
	SAW(b, TIMER, 1);
	OK(send_stop(a, b, MYC_STOP_DRAIN));
	expect_down(a, b, MYC_EXIT_SHUTDOWN);
}

CASE(with_shares_what_waits_survives_its_process)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	hold_met(a, b);
	OK(send_many(a, b, 2, 9));
	settle();
	kill_place(THERE);
	revive_place(THERE);
	expect_numbers(b, 1, 10);
}

/* ---- shares of time ------------------------------------------------------------------------------ */

enum { SLOW_NS = 20000 };

static void shared_by_time(struct world_opts *opts)
{
	opts->executor.share_ns = SLOW_NS * 5 / 2;
}

static int counts_slowly(struct myc_actor *self, struct probe *me,
			 const struct myc_message *message)
{
	uint64_t until = myc_clock_ns() + SLOW_NS;

	while (myc_clock_ns() < until)
		;
	return counts(self, me, message);
}

/* A share is over when its third has been begun, or sooner where the thread lost its core. */
CASE(none_begins_another_message_when_its_time_is_over)
{
	expect_turns(counts_slowly, 15, 3); /* within the credit */
}

CASE(with_shares_of_time_all_comes_in_order)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(THERE);

	OK(start_timer(c, MS, 0, 1));
	for (uint64_t i = 0; i < 4; i++) {
		OK(send_many(a, b, 1 + 20 * i, 20));
		OK(send_many(a, c, 1 + 20 * i, 20));
	}
	OK(send_sized(a, b, SEND, 81, 500));
	expect_numbers(b, 1, 81);
	SAW(c, TIMER, 1);
	SAW(c, MESSAGE, 80);
	expect_bodies_home();
}

const struct conform_case cases_share[] = {
	{NAMED(none_handles_more_than_its_share_while_others_wait), .opts = shared_by_two},
	{NAMED(with_shares_messages_of_a_pair_keep_their_order), .opts = shared_by_two},
	{NAMED(with_shares_credit_is_what_it_is), .opts = shared_by_two},
	{NAMED(with_shares_asks_timers_and_ends_are_as_ever), .opts = shared_by_two},
	{DEADLY(with_shares_what_waits_survives_its_process), .opts = shared_by_two},
	{NAMED(none_begins_another_message_when_its_time_is_over), .opts = shared_by_time,
	 .blocks = true},
	{NAMED(with_shares_of_time_all_comes_in_order), .opts = shared_by_time},
	{0},
};
