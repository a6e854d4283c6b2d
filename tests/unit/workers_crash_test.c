/* SPDX-License-Identifier: Apache-2.0 */
/* A pool's process dies at any step, and comes again: who asks from another process hears of each ask once. */
#include "workers_bed.h"

#define TIMEOUT_NS (20 * MS)

static int owner_started(struct myc_actor *self)
{
	struct myc_workers_opts with = {
		.sz = sizeof(with),
		.behaviour = &worker_behaviour,
		.name = "pool",
		.key_size = 8,
		.settings = {.workers = 3, .queue = 8, .route = MYC_ROUTE_KEY, .retries = 1}};

	return myc_workers_spawn_local(self, &with, &pool, NULL);
}

static const struct myc_behaviour owner = {.name = "owner", .started = owner_started};

struct asker {
	struct myc_ref pool;
};
static uint32_t outcomes[JOBS_MAX], asked, refused, answered, crashes;

static int asker_message(struct myc_actor *self, const struct myc_message *message)
{
	struct asker *asker = myc_state(self);
	struct job job;

	memcpy(&job, message->payload, sizeof(job));
	/* By name each time: after a crash it is another address. */
	int code = myc_lookup(self, "pool", &asker->pool);

	if (!code)
		code = myc_try_ask(self, &asker->pool, JOB, &job, sizeof(job), TIMEOUT_NS, job.id,
				   NULL);
	refused += code != 0;
	asked += !code;
	return 0;
}

static int asker_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	outcomes[reply->cookie]++;
	answered += !reply->status;
	if (!reply->status)
		assert_memory_equal(reply->payload, &reply->cookie, sizeof(reply->cookie));
	return 0;
}

static const struct myc_behaviour asking = {.name = "asker",
					    .state_size = sizeof(struct asker),
					    .message = asker_message,
					    .reply = asker_reply};

static void play(uint64_t seed)
{
	static const struct myc_system_opts system = {.sz = sizeof(system), .executors = 2};
	const struct myc_testkit_opts with = {.sz = sizeof(with),
					      .seed = seed,
					      .processes = 2,
					      .system = &system,
					      .crash = 200,
					      .crash_handler = 3000,
					      .crashes_max = 3,
					      .spared = 1 << 1};
	const struct myc_spawn_opts owns = {.sz = sizeof(owns), .behaviour = &owner};
	const struct myc_spawn_opts asks = {.sz = sizeof(asks), .behaviour = &asking};
	myc_address address, asker;

	memset(told, 0, sizeof(told));
	memset(outcomes, 0, sizeof(outcomes));
	asked = refused = answered = kept_count = order = 0;
	assert_int_equal(myc_testkit_open(&kit, &with, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &owns, &address), 0);
	assert_int_equal(myc_testkit_spawn(kit, 1, &asks, &asker), 0);
	settle();
	for (uint64_t i = 0; i < 400; i++) {
		const struct job job = {.id = i,
					.key = myc_testkit_random(kit, 10),
					.what = myc_testkit_random(kit, 30) ? REPLY : FAIL};

		assert_int_equal(myc_testkit_post(kit, asker, JOB, &job, sizeof(job)), 0);
		if (!myc_testkit_random(kit, 4))
			pass(myc_testkit_random(kit, 2000) * 1000);
	}
	pass(100 * MS);
	/* Each ask had one outcome, whatever died; and the pool that came again works. */
	for (uint64_t i = 0; i < 400; i++)
		if (outcomes[i] > 1)
			fail_msg("seed %llu: ask %llu had %u outcomes", (unsigned long long)seed,
				 (unsigned long long)i, outcomes[i]);
	uint32_t had = 0, before = answered;

	for (uint64_t i = 0; i < 400; i++)
		had += outcomes[i];
	assert_int_equal(had, asked);
	assert_int_equal(asked + refused, 400);
	for (uint64_t i = 400; i < 420; i++) {
		const struct job job = {.id = i, .key = i, .what = REPLY};

		assert_int_equal(myc_testkit_post(kit, asker, JOB, &job, sizeof(job)), 0);
		pass(100 * MS);
	}
	if (answered < before + 15)
		fail_msg("seed %llu: after %u crashes %u of 20 are answered",
			 (unsigned long long)seed, myc_testkit_crashes(kit), answered - before);
	adds_up();
	crashes += myc_testkit_crashes(kit);
	myc_testkit_close(kit);
}

static void each_ask_has_one_outcome_and_the_pool_comes_again(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 40 / TEST_SHORTER; seed++)
		play(seed);
	assert_true(crashes > 40 / TEST_SHORTER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_ask_has_one_outcome_and_the_pool_comes_again),
	};

	(void)finisher;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
