/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of workers: mycelium/workers.h. */
#include "conformance/pool_bed.h"

/* ---- jobs -------------------------------------------------------------------------------------- */

CASE(each_job_is_done_once_and_comes_from_its_sender)
{
	static const struct myc_workers_settings settings = {.workers = 3};
	struct probe *a = spawn(THERE);

	pool(&settings);
	for (uint64_t i = 1; i <= 20; i++)
		OK(put(a, i, DO, i, 0));
	UNTIL(numbers().done == 20);
	for (uint64_t i = 1; i <= 20; i++) {
		uint32_t by = 0;

		for (int w = 0; w < WORKERS; w++)
			by += saw_number(hand[w], i);
		assert_int_equal(by, 1);
	}
	assert_int_equal(handled(), 20);
	for (int w = 0; w < WORKERS; w++)
		if (done_by(hand[w]))
			assert_int_equal(nth(hand[w], MESSAGE, 0)->from, a->address);
}

CASE(an_ask_of_a_pool_is_answered_by_the_worker)
{
	static const struct myc_workers_settings settings = {.workers = 2};
	struct probe *a = spawn(THERE);

	pool(&settings);
	OK(put_ask(a, 7, REPLY_IT));
	assert_int_equal(nth(a, REPLY, 0)->status, 0);
	assert_int_equal(nth(a, REPLY, 0)->payload, 7);
	UNTIL(numbers().done == 1);
	assert_int_equal(a->replies, 1);
}

CASE(a_body_is_shared_with_the_worker_and_goes_home)
{
	static const struct myc_workers_settings settings = {.workers = 2, .retries = 1};
	struct probe *a = spawn(THERE);

	pool(&settings);
	OK(send_sized(a, intake, SEND, 256 * 5, 1000)); /* what: 0 */
	UNTIL(handled() == 1 || numbers().in_doubt);
	settle();
	expect_bodies_home();
}

/* ---- routes ------------------------------------------------------------------------------------ */

CASE(a_key_with_jobs_stays_with_its_worker_in_order)
{
	static const struct myc_workers_settings settings = {.workers = 3, .route = MYC_ROUTE_KEY};
	struct probe *a = spawn(THERE);

	pool(&settings);
	for (uint64_t i = 1; i <= 24; i++)
		OK(put(a, i, DO, i % 4, 0));
	UNTIL(numbers().done == 24);
	for (int w = 0; w < WORKERS; w++) {
		uint64_t last[4] = {0};

		for (uint32_t i = 0; i < done_by(hand[w]); i++) {
			uint64_t number = nth(hand[w], MESSAGE, i)->number;

			assert_true(number > last[number % 4]);
			assert_true(!last[number % 4] || number == last[number % 4] + 4);
			last[number % 4] = number;
		}
	}
}

static uint32_t of_key(const struct probe *who, const uint64_t *numbers, uint32_t count)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < count; i++)
		n += saw_number(who, numbers[i]);
	return n;
}

CASE(a_sticky_key_stays_while_it_has_jobs_and_is_anybodys_then)
{
	static const struct myc_workers_settings settings = {.workers = 2,
							     .route = MYC_ROUTE_STICKY};
	static const uint64_t one[] = {1, 2, 5}, other[] = {3, 4, 6};
	struct probe *a = spawn(THERE);

	pool(&settings);
	hold_worker(0, true);
	hold_worker(1, true);
	for (int i = 0; i < 3;
	     i++) /* the first has a worker's hand, the others wait for that one */
		OK(put(a, one[i], DO, 1, 0));
	for (int i = 0; i < 3; i++)
		OK(put(a, other[i], DO, 2, 0));
	settle();
	hold_worker(0, false);
	hold_worker(1, false);
	UNTIL(numbers().done == 6);
	uint32_t by = saw_number(hand[1], 1);

	assert_int_equal(of_key(hand[by], one, 3), 3);
	assert_int_equal(of_key(hand[!by], other, 3), 3);
	/* He who had it is busy with another key. */
	hold_worker(by, true);
	OK(put(a, 7, DO, 3, 0));
	OK(put(a, 8, DO, 4, 0));
	settle();
	OK(put(a, 9, DO, 1, 0));
	UNTIL(saw_number(hand[!by], 9));
	hold_worker(by, false);
	UNTIL(numbers().done == 9);
}

CASE(round_robin_goes_round)
{
	static const struct myc_workers_settings settings = {.workers = 3,
							     .route = MYC_ROUTE_ROUND_ROBIN};
	struct probe *a = spawn(THERE);

	pool(&settings);
	for (uint64_t i = 1; i <= 12; i++)
		OK(put(a, i, DO, 0, 0));
	UNTIL(numbers().done == 12);
	for (int w = 0; w < 3; w++)
		assert_int_equal(done_by(hand[w]), 4);
}

CASE(the_least_loaded_gets_the_next)
{
	static const struct myc_workers_settings settings = {.workers = 2,
							     .route = MYC_ROUTE_LEAST_LOADED};
	struct probe *a = spawn(THERE);

	pool(&settings);
	hold_worker(0, true);
	for (uint64_t i = 1; i <= 10; i++) {
		OK(put(a, i, DO, 0, 0));
		settle();
	}
	UNTIL(numbers().done >= 8);
	assert_true(done_by(hand[1]) >= 8);
	hold_worker(0, false);
	UNTIL(numbers().done == 10);
}

CASE(the_idle_take_from_one_queue)
{
	static const struct myc_workers_settings settings = {.workers = 2};
	struct probe *a = spawn(THERE);

	pool(&settings);
	hold_worker(1, true);
	for (uint64_t i = 1; i <= 10; i++)
		OK(put(a, i, DO, 0, 0));
	UNTIL(done_by(hand[0]) >= 9); /* one at most is with the other */
	hold_worker(1, false);
	UNTIL(numbers().done == 10);
}

CASE(who_is_more_important_goes_first)
{
	static const struct myc_workers_settings settings = {.workers = 1};
	static const uint64_t order[] = {1, 5, 4, 3, 2, 6};
	struct probe *a = spawn(THERE);

	pool(&settings);
	hold_worker(0, true);
	OK(put(a, 1, DO, 0, 3)); /* in hand */
	settle();
	OK(put(a, 2, DO, 0, 3));
	OK(put(a, 3, DO, 0, 2));
	OK(put(a, 4, DO, 0, 1));
	OK(put(a, 5, DO, 0, 0));
	OK(put(a, 6, DO, 0, 200)); /* beyond the last: the last */
	settle();
	hold_worker(0, false);
	UNTIL(numbers().done == 6);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(nth(hand[0], MESSAGE, i)->number, order[i]);
}

/* ---- limits ------------------------------------------------------------------------------------ */

CASE(a_full_pool_pauses_its_senders_and_loses_nothing)
{
	static const struct myc_workers_settings settings = {.workers = 1, .queue = 4};
	struct probe *a = spawn(THERE);
	uint64_t went = 0;

	pool(&settings);
	OK(put(a, ++went, DO, 0, 0));
	UNTIL(numbers().done == 1);
	settle();
	hold_worker(0, true);
	for (int code = 0; !code && went < 100;) {
		code = let(a, job_load, intake->address, went + 1, 0, 2);
		went += !code;
		settle();
	}
	assert_in_range(went, 5, 1 + 1 + 4 + 16 + 4); /* worker, queue, credit */
	assert_in_range(numbers().waiting, 4, 5);
	hold_worker(0, false);
	UNTIL(numbers().done == went);
	for (uint32_t i = 0; i < went; i++)
		assert_int_equal(nth(hand[0], MESSAGE, i)->number, i + 1);
}

static void fill_pool(struct probe *a, uint64_t count)
{
	hold_worker(0, true);
	for (uint64_t i = 1; i <= count; i++) {
		OK(put(a, i, DO, 0, 1));
		settle();
	}
}

CASE(a_full_pool_may_drop_the_newest_and_tell_who_asks)
{
	static const struct myc_workers_settings settings = {
		.workers = 1, .queue = 3, .full = MYC_FULL_DROP_NEWEST};
	struct probe *a = spawn(THERE);

	pool(&settings);
	fill_pool(a, 6);
	assert_int_equal(numbers().discarded[MYC_DISCARD_SHED], 2);
	OK(put_ask(a, 7, REPLY_IT));
	assert_int_equal(nth(a, REPLY, 0)->status, -EBUSY);
	hold_worker(0, false);
	UNTIL(numbers().done == 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(nth(hand[0], MESSAGE, i)->number, i + 1);
}

CASE(a_full_pool_may_drop_the_oldest_of_the_least_important)
{
	static const struct myc_workers_settings settings = {
		.workers = 1, .queue = 3, .full = MYC_FULL_DROP_OLDEST};
	static const uint64_t order[] = {1, 7, 5, 6};
	struct probe *a = spawn(THERE);

	pool(&settings);
	fill_pool(a, 6);	 /* 1 in hand; 2, 3 gone; 4, 5, 6 wait */
	OK(put(a, 7, DO, 0, 0)); /* in place of 4 */
	OK(put(a, 8, DO, 0, 3)); /* all are more important */
	settle();
	assert_int_equal(numbers().discarded[MYC_DISCARD_SHED], 4);
	hold_worker(0, false);
	UNTIL(numbers().done == 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(nth(hand[0], MESSAGE, i)->number, order[i]);
}

CASE(what_waits_too_long_is_discarded_and_who_asks_told)
{
	static const struct myc_workers_settings settings = {.workers = 1, .ttl_ns = 30 * MS};
	struct probe *a = spawn(THERE);

	pool(&settings);
	hold_worker(0, true);
	OK(put(a, 1, DO, 0, 0));
	settle();
	OK(put_ask(a, 2, REPLY_IT));
	assert_int_equal(nth(a, REPLY, 0)->status, -ETIME);
	assert_int_equal(numbers().discarded[MYC_DISCARD_TTL], 1);
	hold_worker(0, false);
	UNTIL(numbers().done == 1); /* what is in hand is not discarded */
}

CASE(more_than_the_rate_is_discarded)
{
	static const struct myc_workers_settings settings = {
		.workers = 1, .rate_per_s = 1, .burst = 3};
	struct probe *a = spawn(THERE);

	pool(&settings);
	for (uint64_t i = 1; i <= 3; i++)
		OK(put(a, i, DO, 0, 0));
	settle();
	OK(put_ask(a, 4, REPLY_IT));
	SAW(a, REPLY, 1);
	/* A slow machine may have earned another. */
	if (nth(a, REPLY, 0)->status) {
		assert_int_equal(nth(a, REPLY, 0)->status, -EDQUOT);
		assert_int_equal(numbers().discarded[MYC_DISCARD_RATE], 1);
	}
}

/* ---- workers that die, and pools that change --------------------------------------------------- */

CASE(a_job_in_hand_of_one_that_dies_is_in_doubt_and_its_asker_told)
{
	static const struct myc_workers_settings settings = {.workers = 1};
	struct probe *a = spawn(THERE);

	pool(&settings);
	OK(put_ask(a, 1, FAIL));
	assert_int_equal(nth(a, REPLY, 0)->status, -EOWNERDEAD);
	UNTIL(numbers().in_doubt == 1);
	OK(put(a, 2, DO, 0, 0)); /* another takes its place */
	UNTIL(numbers().done == 1);
}

CASE(a_job_is_given_again_as_often_as_it_may)
{
	static const struct myc_workers_settings settings = {.workers = 1, .retries = 1};
	struct probe *a = spawn(THERE);

	pool(&settings);
	OK(put(a, 1, FAIL, 0, 0)); /* the second time it is marked, and done */
	UNTIL(numbers().done == 1);
	assert_int_equal(handled(), 2);
	assert_int_equal(nth(hand[0], MESSAGE, 1)->flags & MYC_MESSAGE_REDELIVERED,
			 MYC_MESSAGE_REDELIVERED);
	assert_int_equal(numbers().in_doubt, 0);
}

CASE(a_grown_pool_gives_work_to_the_new_and_a_shrunk_one_finishes)
{
	static const struct myc_workers_settings one = {.workers = 1,
							.route = MYC_ROUTE_ROUND_ROBIN},
						 four = {.workers = 4,
							 .route = MYC_ROUTE_ROUND_ROBIN};
	struct probe *a = spawn(THERE);
	uint64_t words[ERRAND_WORDS] = {(uintptr_t)&four};

	pool(&one);
	OK(put(a, 1, DO, 0, 0));
	UNTIL(numbers().done == 1);
	OK(at(HERE, do_change, words));
	settle();
	for (uint64_t i = 2; i <= 13; i++)
		OK(put(a, i, DO, 0, 0));
	UNTIL(numbers().done == 13);
	for (int w = 1; w < 4; w++)
		assert_true(done_by(hand[w]) >= 1);
	words[0] = (uintptr_t)&one;
	OK(at(HERE, do_change, words));
	settle();
	uint32_t others = handled() - done_by(hand[0]);

	for (uint64_t i = 14; i <= 20; i++)
		OK(put(a, i, DO, 0, 0));
	UNTIL(numbers().done == 20);
	assert_int_equal(handled() - done_by(hand[0]), others);
}

CASE(a_shrinking_pool_loses_no_job_and_keeps_keys_in_order)
{
	static const struct myc_workers_settings three = {.workers = 3, .route = MYC_ROUTE_KEY},
						 one = {.workers = 1, .route = MYC_ROUTE_KEY};
	struct probe *a = spawn(THERE);
	uint64_t words[ERRAND_WORDS] = {(uintptr_t)&one};

	pool(&three);
	for (uint32_t w = 0; w < 3; w++)
		hold_worker(w, true);
	for (uint64_t i = 1; i <= 12; i++)
		OK(put(a, i, DO, i % 6, 0));
	settle();
	OK(at(HERE, do_change, words));
	for (uint64_t i = 13; i <= 18; i++)
		OK(put(a, i, DO, i % 6, 0));
	settle();
	for (uint32_t w = 0; w < 3; w++)
		hold_worker(w, false);
	UNTIL(numbers().done == 18);
	assert_int_equal(handled(), 18);
	for (int w = 0; w < 3; w++) {
		uint64_t last[6] = {0};

		for (uint32_t i = 0; i < done_by(hand[w]); i++) {
			uint64_t number = nth(hand[w], MESSAGE, i)->number;

			assert_true(number > last[number % 6]);
			last[number % 6] = number;
		}
	}
}

CASE(a_pool_changes_itself_by_its_numbers_within_what_can_be)
{
	static const struct myc_workers_settings settings = {.workers = 1,
							     .route = MYC_ROUTE_ROUND_ROBIN};
	struct probe *a = spawn(THERE);

	adapting_pool(&settings, 5 * MS);
	hold_worker(0, true);
	for (uint64_t i = 1; i <= 8; i++)
		OK(put(a, i, DO, 0, 0));
	(void)worker_at(WORKERS - 1);
	for (uint64_t i = 9; i <= 16; i++)
		OK(put(a, i, DO, 0, 0));
	UNTIL(done_by(hand[WORKERS - 1]) >= 1);
	hold_worker(0, false);
	UNTIL(numbers().done == 16);
}

CASE(what_a_pool_cannot_be_is_refused)
{
	static const struct myc_workers_settings good = {.workers = 2}, many = {.workers = 5},
						 route = {.route = 9}, full = {.full = 9},
						 ahead = {.ahead = MYC_WORKERS_AHEAD_MAX + 1},
						 queue = {.queue = 33};
	static const struct myc_workers_settings *const wrong[] = {&many, &route, &full, &ahead,
								   &queue};
	uint64_t words[ERRAND_WORDS];

	pool(&good);
	for (int i = 0; i < 5; i++) {
		words[0] = (uintptr_t)wrong[i];
		RESULT(at(HERE, do_check, words), -EINVAL);
		RESULT(at(HERE, do_change, words), -EINVAL);
	}
	words[0] = (uintptr_t)&good;
	OK(at(HERE, do_check, words));
}

CASE(a_worker_becomes_nothing_and_puts_nothing_aside)
{
	static const struct myc_workers_settings settings = {.workers = 1};
	struct probe *a = spawn(THERE);

	pool(&settings);
	OK(put(a, 1, TRY_BECOME, 0, 0));
	UNTIL(numbers().done == 1);
	assert_int_equal((int)hand[0]->word[0], -EPERM);
	assert_int_equal((int)hand[0]->word[1], -EPERM);
}

/* ---- jobs that go on, and hang ----------------------------------------------------------------- */

static int job_done(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	return myc_job_done(self, (const struct myc_job *)&shared->probe[a[0]].kept[a[1]]);
}

CASE(a_kept_job_is_done_when_somebody_says_so)
{
	static const struct myc_workers_settings settings = {.workers = 1};
	struct probe *a = spawn(THERE), *b = spawn(HERE);

	pool(&settings);
	OK(put(a, 3, KEEP_IT, 0, 0));
	UNTIL(done_by(hand[0]) == 1);
	settle();
	assert_int_equal(numbers().in_hand, 1);
	OK(put(a, 4, DO, 0, 0)); /* waits for it */
	settle();
	assert_int_equal(done_by(hand[0]), 1);
	OK(let(b, job_done, hand[0]->index, 3, 0, 0));
	UNTIL(numbers().done == 2);
}

CASE(one_that_has_a_job_too_long_is_told)
{
	static const struct myc_workers_settings settings = {.workers = 1, .hang_ns = 30 * MS};
	struct probe *a = spawn(THERE), *b = spawn(HERE);

	pool(&settings);
	OK(put(a, 3, KEEP_IT, 0, 0));
	UNTIL(done_by(hand[0]) == 1 && keeper_of(ELSEWHERE)->kept_count == 1);
	UNTIL(numbers().hung == 1);
	OK(let(b, job_done, hand[0]->index, 3, 0, 0));
	UNTIL(numbers().done == 1);
	assert_int_equal(keeper_of(ELSEWHERE)->kept_count, 1); /* once */
}

CASE(one_that_hangs_is_given_up_and_its_job_goes_to_another_marked)
{
	static const struct myc_workers_settings settings = {
		.workers = 1, .hang_ns = 30 * MS, .hang_replace = 1, .retries = 1};
	struct probe *a = spawn(THERE);
	uint64_t words[ERRAND_WORDS] = {0}, first;

	pool(&settings);
	UNTIL(at(HERE, do_worker, words) == 0 && words[1] != MYC_NOBODY);
	first = words[1];
	OK(put(a, 3, KEEP_IT, 0, 0));
	OK(put(a, 4, DO, 0, 0));
	UNTIL(numbers().done == 2);
	assert_int_equal(keeper_of(ELSEWHERE)->kept_count, 1);
	assert_int_equal(keeper_of(ELSEWHERE)->holds, 1);
	assert_int_equal(handled(), 3);
	assert_int_equal(nth(hand[0], MESSAGE, 1)->number, 3);
	assert_true(nth(hand[0], MESSAGE, 1)->flags & MYC_MESSAGE_REDELIVERED);
	UNTIL(at(HERE, do_worker, words) == 0 && words[1] != MYC_NOBODY);
	assert_true(words[1] != first);
}

/* ---- ends -------------------------------------------------------------------------------------- */

CASE(draining_finishes_what_was_sent_and_refuses_the_rest)
{
	static const struct myc_workers_settings settings = {.workers = 2};
	struct probe *a = spawn(THERE);
	uint64_t words[ERRAND_WORDS] = {MYC_FOREVER};

	pool(&settings);
	OK(watch(a, control, 0));
	for (uint64_t i = 1; i <= 10; i++)
		OK(put(a, i, DO, 0, 0));
	OK(at(HERE, do_drain, words));
	assert_int_equal(numbers().done, 10);
	SAW(a, SIGNAL, 1);
	RESULT(put(a, 11, DO, 0, 0), -ESRCH);
}

CASE(at_the_deadline_of_a_drain_what_is_left_has_a_name)
{
	static const struct myc_workers_settings settings = {.workers = 1};
	struct probe *a = spawn(THERE);
	uint64_t words[ERRAND_WORDS] = {20 * MS};

	pool(&settings);
	OK(watch(a, control, 0));
	hold_worker(0, true);
	OK(put(a, 1, DO, 0, 0));
	OK(put(a, 2, DO, 0, 0));
	settle();
	OK(put_ask(a, 3, REPLY_IT));
	settle();
	RESULT(at(HERE, do_drain, words), -ETIMEDOUT);
	assert_int_equal(nth(a, REPLY, 0)->status, -ESHUTDOWN);
	assert_int_equal(numbers().discarded[MYC_DISCARD_SHUTDOWN], 2);
	assert_int_equal(numbers().in_doubt, 1);
	SAW(a, SIGNAL, 1);
}

CASE(stopping_its_intake_drains_a_pool)
{
	static const struct myc_workers_settings settings = {.workers = 2};
	struct probe *a = spawn(THERE);

	pool(&settings);
	OK(watch(a, control, 0));
	for (uint64_t i = 1; i <= 10; i++)
		OK(put(a, i, DO, 0, 0));
	settle();
	OK(send_stop(a, intake, MYC_STOP));
	SAW(a, SIGNAL, 1);
	assert_int_equal(numbers().done, 10);
}

const struct conform_case cases_workers[] = {
	{NAMED(each_job_is_done_once_and_comes_from_its_sender)},
	{NAMED(an_ask_of_a_pool_is_answered_by_the_worker)},
	{NAMED(a_body_is_shared_with_the_worker_and_goes_home)},
	{NAMED(a_key_with_jobs_stays_with_its_worker_in_order)},
	{NAMED(a_sticky_key_stays_while_it_has_jobs_and_is_anybodys_then)},
	{NAMED(round_robin_goes_round)},
	{NAMED(the_least_loaded_gets_the_next)},
	{NAMED(the_idle_take_from_one_queue)},
	{NAMED(who_is_more_important_goes_first)},
	{NAMED(a_full_pool_pauses_its_senders_and_loses_nothing)},
	{NAMED(a_full_pool_may_drop_the_newest_and_tell_who_asks)},
	{NAMED(a_full_pool_may_drop_the_oldest_of_the_least_important)},
	{NAMED(what_waits_too_long_is_discarded_and_who_asks_told)},
	{NAMED(more_than_the_rate_is_discarded)},
	{NAMED(a_job_in_hand_of_one_that_dies_is_in_doubt_and_its_asker_told)},
	{NAMED(a_job_is_given_again_as_often_as_it_may)},
	{NAMED(a_grown_pool_gives_work_to_the_new_and_a_shrunk_one_finishes)},
	{NAMED(a_shrinking_pool_loses_no_job_and_keeps_keys_in_order)},
	{NAMED(a_pool_changes_itself_by_its_numbers_within_what_can_be)},
	{NAMED(what_a_pool_cannot_be_is_refused), .where = NEAR},
	{NAMED(a_worker_becomes_nothing_and_puts_nothing_aside), .where = NEAR},
	{NAMED(a_kept_job_is_done_when_somebody_says_so)},
	{NAMED(one_that_has_a_job_too_long_is_told)},
	{NAMED(one_that_hangs_is_given_up_and_its_job_goes_to_another_marked)},
	{NAMED(draining_finishes_what_was_sent_and_refuses_the_rest)},
	{NAMED(at_the_deadline_of_a_drain_what_is_left_has_a_name)},
	{NAMED(stopping_its_intake_drains_a_pool)},
	{0},
};
