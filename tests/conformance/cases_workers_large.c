/* SPDX-License-Identifier: Apache-2.0 */
/* Questions to a pool, and its workers' answers, that do not fit into a slot: mycelium/workers.h, mycelium/ask.h. */
#include "conformance/large_bed.h"
#include "conformance/pool_bed.h"

/* A load, and as many bytes of its number behind it. */
static void write_load(uint64_t number, uint64_t what, uint32_t size)
{
	const struct load load = {.number = number, .what = what};

	memcpy(large, &load, sizeof(load));
	fill((uint8_t *)large + sizeof(load), number, size - (uint32_t)sizeof(load));
}

/* a: number, what, size, the pool. */
static int job_ask_pool(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = myc_resolve(self, a[3], &ref);

	(void)me;
	write_load(a[0], a[1], (uint32_t)a[2]);
	return code ? code : myc_ask(self, &ref, OTHER, large, a[2], LONG, a[0], NULL);
}

static int ask_pool(struct probe *who, uint64_t number, uint64_t what, uint32_t size)
{
	return let(who, job_ask_pool, number, what, size, intake->address);
}

/* word[7] counts what is not whole. */
static int looks_at_load(struct myc_actor *self, struct probe *me, const struct myc_reply *reply)
{
	struct load load = {0};

	(void)self;
	if (reply->status)
		return 0;
	if (reply->size >= sizeof(load))
		memcpy(&load, reply->payload, sizeof(load));
	me->word[7] += load.number != reply->cookie ||
		       !filled((const uint8_t *)reply->payload + sizeof(load),
			       reply->size - (uint32_t)sizeof(load));
	return 0;
}

static struct probe *pool_asker(void)
{
	struct probe *made = spawn(THERE);

	made->on_reply = looks_at_load;
	return made;
}

/* Of these bytes, when a worker has said that it is done. */
static void expect_answer(const struct probe *a, uint32_t n, uint64_t number, uint32_t size)
{
	const struct seen *reply = nth(a, REPLY, n);

	assert_int_equal(reply->status, 0);
	assert_int_equal(reply->number, number);
	assert_int_equal(reply->size, size);
	assert_int_equal(a->word[7], 0);
}

CASE(a_pool_is_asked_much_and_answers_as_much)
{
	static const struct myc_workers_settings settings = {.workers = 2};
	static const uint32_t sizes[] = {41, 256, HALF, LARGEST};
	struct probe *a = pool_asker();

	pool(&settings);
	for (uint32_t i = 0; i < 4; i++) {
		OK(ask_pool(a, i + 1, ECHO_IT, sizes[i]));
		expect_answer(a, i, i + 1, sizes[i]);
	}
	UNTIL(numbers().done == 4);
	expect_bodies_home();
}

/* Its body is given to another with it. */
CASE(a_large_job_of_a_worker_that_fails_is_answered_by_the_next)
{
	static const struct myc_workers_settings settings = {.workers = 2, .retries = 1};
	struct probe *a = pool_asker();

	pool(&settings);
	for (uint32_t i = 0; i < 3; i++) {
		OK(ask_pool(a, i + 1, FAIL_THEN_ECHO, HALF));
		expect_answer(a, i, i + 1, HALF);
	}
	UNTIL(numbers().done == 3);
	assert_int_equal(handled(), 6);
	expect_bodies_home();
}

CASE(a_large_job_in_doubt_or_discarded_goes_home_and_its_asker_is_told)
{
	static const struct myc_workers_settings settings = {
		.workers = 1, .queue = 2, .full = MYC_FULL_DROP_NEWEST};
	struct probe *a = pool_asker();

	pool(&settings);
	OK(ask_pool(a, 1, FAIL, HALF));
	assert_int_equal(nth(a, REPLY, 0)->status, -EOWNERDEAD);
	UNTIL(numbers().in_doubt == 1); /* then its place has another */
	hold_worker(0, true);
	for (uint32_t i = 0; i < 3; i++) /* one in hand, two wait */
		OK(ask_pool(a, 2 + i, ECHO_IT, HALF));
	settle();
	OK(ask_pool(a, 5, ECHO_IT, HALF));
	assert_int_equal(nth(a, REPLY, 1)->status, -EBUSY);
	hold_worker(0, false);
	for (uint32_t i = 0; i < 3; i++)
		expect_answer(a, 2 + i, 2 + i, HALF);
	expect_bodies_home();
}

const struct conform_case cases_workers_large[] = {
	{NAMED(a_pool_is_asked_much_and_answers_as_much)},
	{NAMED(a_large_job_of_a_worker_that_fails_is_answered_by_the_next)},
	{NAMED(a_large_job_in_doubt_or_discarded_goes_home_and_its_asker_is_told)},
	{0},
};
