/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of workers on a virtual clock: routes, sizes, queues, and the sums that must add up. */
#include "workers_bed.h"

static void each_job_is_done_once_whatever_the_route(void **state)
{
	(void)state;
	for (uint32_t route = MYC_ROUTE_SHARED; route <= MYC_ROUTE_LEAST_LOADED; route++)
		for (uint64_t seed = 1; seed <= 6; seed++) {
			bed(seed, &(struct myc_workers_settings){.workers = 5,
								 .ahead = 1 + (uint32_t)seed % 3,
								 .route = route});
			for (uint64_t i = 0; i < 400; i++)
				put(i, i % 13, DO);
			settle();
			for (uint64_t i = 0; i < 400; i++)
				assert_int_equal(told[i].begun, 1);
			assert_int_equal(numbers().done, 400);
			assert_int_equal(numbers().accepted, 400);
			assert_int_equal(numbers().alive, 5);
			bed_close();
		}
}

static void workers_are_spread_over_the_other_executors(void **state)
{
	uint32_t on[EXECUTORS] = {0};

	(void)state;
	bed(1, &(struct myc_workers_settings){.workers = 9});
	for (uint32_t i = 0; i < 9; i++)
		on[place(i).executor]++;
	assert_int_equal(on[0], 0);
	for (uint32_t e = 1; e < EXECUTORS; e++)
		assert_int_equal(on[e], 3);
	bed_close();

	bed_open(1, &(struct myc_workers_settings){.workers = 3});
	opts.executors = 1 << 0;
	pool_open();
	put(0, 0, DO);
	settle();
	assert_int_equal(place(2).executor, 0);
	assert_int_equal(numbers().done, 1);
	bed_close();
}

/* All jobs of a key by one worker, in order, though others are idle. */
static void a_key_stays_with_its_worker_in_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		uint32_t last[7] = {0};

		bed(seed, &(struct myc_workers_settings){.workers = 4,
							 .ahead = 1 + (uint32_t)seed % 4,
							 .route = seed % 2 ? MYC_ROUTE_KEY
									   : MYC_ROUTE_STICKY});
		for (uint64_t i = 0; i < 300; i++)
			put(i, i % 7, DO);
		settle();
		for (uint64_t i = 0; i < 300; i++) {
			assert_true(told[i].order > last[i % 7]);
			last[i % 7] = told[i].order;
			if (seed % 2)
				assert_int_equal(told[i].worker, told[i % 7].worker);
		}
		bed_close();
	}
}

static void a_sticky_key_goes_to_the_idle_when_it_has_no_jobs(void **state)
{
	(void)state;
	bed(3, &(struct myc_workers_settings){.workers = 2, .route = MYC_ROUTE_STICKY});
	put(0, 5, KEEP);
	settle();
	put(1, 5, DO); /* waits for its key, though one is idle */
	put(2, 6, KEEP);
	settle();
	assert_int_equal(told[1].begun, 0);
	assert_int_equal(told[2].begun, 1);
	assert_true(told[0].worker != told[2].worker);
	/* Both are busy: whoever is free first gets key 7, and then all of it. */
	put(3, 7, KEEP);
	put(4, 7, KEEP);
	settle();
	finish(1);
	assert_int_equal(told[3].begun, 1);
	assert_int_equal(told[3].worker, told[2].worker);
	finish(0);
	assert_int_equal(told[1].begun, 1);
	assert_int_equal(told[4].begun, 0);
	put(5, 5, KEEP);
	settle();
	assert_int_equal(told[5].worker, told[0].worker);
	finish(2);
	assert_int_equal(told[4].worker, told[3].worker);
	bed_close();
}

/* Its worker has none of its jobs any more, though some wait: whoever is free takes them. */
static void a_sticky_key_lets_go_of_a_busy_worker(void **state)
{
	uint32_t a, mate;

	(void)state;
	bed(1, &(struct myc_workers_settings){.workers = 2, .ahead = 2, .route = MYC_ROUTE_STICKY});
	for (uint64_t i = 0; i < 4; i++) {
		put(i, 50 + i, KEEP);
		settle();
	}
	a = told[0].worker;
	for (mate = 1; told[mate].worker != a;)
		mate++;
	put(4, 7, KEEP);
	settle();
	put(5, 7, KEEP);
	settle();
	finish(0);
	assert_int_equal(told[4].worker, a);
	put(6, 50 + mate, KEEP); /* for a, before what is anybody's */
	settle();
	finish(4);
	assert_int_equal(told[6].begun, 1);
	assert_int_equal(told[5].begun, 0);
	finish(mate == 1 ? 2 : 1);
	assert_int_equal(told[5].begun, 1);
	assert_true(told[5].worker != a);
	bed_close();
}

static void round_robin_goes_round_and_least_loaded_does_not_pile_up(void **state)
{
	(void)state;
	bed(1, &(struct myc_workers_settings){.workers = 3, .route = MYC_ROUTE_ROUND_ROBIN});
	for (uint64_t i = 0; i < 9; i++)
		put(i, 0, KEEP);
	settle();
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(place(i).in_hand, 1);
		assert_int_equal(place(i).waiting, 2);
	}
	bed_close();

	bed(1, &(struct myc_workers_settings){.workers = 3, .route = MYC_ROUTE_LEAST_LOADED});
	for (uint64_t i = 0; i < 6; i++)
		put(i, 0, KEEP);
	settle();
	/* Two of one worker's are done: it gets the next two. */
	uint32_t whose = told[0].worker;

	finish(0);
	finish(3);
	for (uint64_t i = 6; i < 8; i++)
		put(i, 0, KEEP);
	settle();
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(place(i).in_hand + place(i).waiting, 2);
	assert_int_equal(place(whose).done, 2);
	bed_close();
}

static void to_the_second(void *context, const struct myc_message *message,
			  struct myc_job_class *class)
{
	(void)context;
	(void)message;
	class->worker = class->key == 9 ? 1000 : 1;
}

static void the_application_chooses_a_worker(void **state)
{
	(void)state;
	bed_open(1, &(struct myc_workers_settings){.workers = 3, .route = MYC_ROUTE_SHARED});
	opts.classify = to_the_second;
	pool_open();
	for (uint64_t i = 0; i < 5; i++)
		put(i, i, DO);
	put(5, 9, DO); /* there is no such worker: by the route */
	settle();
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(told[i].worker, 1);
	assert_int_equal(numbers().done, 6);
	bed_close();
}

static void who_is_more_important_goes_first(void **state)
{
	(void)state;
	bed(1, &(struct myc_workers_settings){.workers = 1});
	put(0, 0, KEEP);
	for (uint8_t i = 1; i <= 20; i++)
		post((struct job){.id = i, .priority = (uint8_t)((i * 7) % 6)});
	settle();
	finish(0);
	assert_int_equal(numbers().done, 21);
	for (uint64_t i = 1; i <= 20; i++)
		for (uint64_t j = 1; j <= 20; j++) {
			/* 5 is beyond the last: it is the last */
			uint64_t a = i * 7 % 6 < 5 ? i * 7 % 6 : 4,
				 b = j * 7 % 6 < 5 ? j * 7 % 6 : 4;

			if (a < b || (a == b && i < j))
				assert_true(told[i].order < told[j].order);
		}
	bed_close();
}

/* ---- sizes ------------------------------------------------------------------------------------- */

static void growing_gives_work_to_the_new_ones(void **state)
{
	(void)state;
	bed(1, &(struct myc_workers_settings){.workers = 1});
	for (uint64_t i = 0; i < 8; i++)
		put(i, i, KEEP);
	settle();
	assert_int_equal(numbers().in_hand, 1);
	change(&(struct myc_workers_settings){.workers = 6});
	assert_int_equal(numbers().in_hand, 6);
	assert_int_equal(numbers().alive, 6);
	for (uint32_t i = 0; i < 8; i++)
		finish(i);
	assert_int_equal(numbers().done, 8);
	bed_close();
}

static void shrinking_drains_and_pending_keys_keep_their_worker(void **state)
{
	uint32_t worker[16];

	(void)state;
	bed(1, &(struct myc_workers_settings){.workers = 6, .route = MYC_ROUTE_KEY});
	for (uint64_t i = 0; i < 16; i++)
		put(i, i, KEEP);
	for (uint64_t i = 16; i < 32; i++)
		put(i, i - 16, KEEP);
	settle();
	for (uint32_t i = 0; i < 16; i++)
		worker[i] = MYC_WORKERS_ANY;
	change(&(struct myc_workers_settings){.workers = 2, .route = MYC_ROUTE_KEY});
	assert_true(numbers().leaving > 0);
	/* More of the same keys: they are drained by whom they are with. */
	for (uint64_t i = 32; i < 48; i++)
		put(i, i - 32, KEEP);
	settle();
	while (numbers().in_hand)
		for (uint32_t i = 0, n = kept_count; i < n; i++)
			finish(i);
	assert_int_equal(numbers().done, 48);
	for (uint64_t i = 0; i < 48; i++) {
		assert_int_equal(told[i].begun, 1);
		if (worker[i % 16] == MYC_WORKERS_ANY)
			worker[i % 16] = told[i].worker;
		assert_int_equal(told[i].worker, worker[i % 16]);
	}
	/* Then they are gone, and the keys belong to those that stay. */
	assert_int_equal(numbers().leaving, 0);
	assert_int_equal(numbers().alive, 2);
	assert_int_equal(numbers().died, 0);
	for (uint64_t i = 48; i < 64; i++)
		put(i, i - 48, DO);
	settle();
	for (uint64_t i = 48; i < 64; i++)
		assert_true(told[i].worker < 2);
	bed_close();
}

static void resized_at_random_nothing_is_lost_or_done_twice(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 24 / TEST_SHORTER + 1; seed++) {
		uint32_t last[11] = {0};
		bool keyed = seed % 2;

		bed(seed, &(struct myc_workers_settings){.workers = 3, .route = MYC_ROUTE_KEY});
		for (uint64_t i = 0; i < 600; i++) {
			put(i, i % 11, DO);
			if (myc_testkit_random(kit, 20))
				continue;
			struct myc_workers_settings settings = {
				.workers = 1 + myc_testkit_random(kit, 12),
				.ahead = 1 + myc_testkit_random(kit, 4),
				.route = keyed ? MYC_ROUTE_KEY
					       : myc_testkit_random(kit,
								    MYC_ROUTE_LEAST_LOADED + 1)};

			assert_int_equal(myc_workers_change(pool, &settings), 0);
			adds_up();
		}
		settle();
		for (uint64_t i = 0; i < 600; i++) {
			assert_int_equal(told[i].begun, 1);
			if (keyed)
				assert_true(told[i].order > last[i % 11]);
			last[i % 11] = told[i].order;
		}
		assert_int_equal(numbers().done, 600);
		assert_int_equal(numbers().alive, settings_now().workers);
		bed_close();
	}
}

/* ---- asks that await one another ---------------------------------------------------------------- */

static int await_codes[2], await_status[2];

/* A worker that awaits who asks it. */
static int back_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref back;
	struct myc_job job;
	int code = myc_resolve(self, message->from, &back);

	assert_int_equal(myc_job_keep(self, &job), 0);
	await_codes[1] =
		code ? code : myc_ask_await(self, &back, JOB, NULL, 0, MYC_FOREVER, 0, NULL, NULL);
	return await_codes[1] ? myc_job_done(self, &job) : 0;
}

static int back_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	await_status[1] = reply->status;
	return 0;
}

static const struct myc_behaviour awaiting_back = {
	.name = "back", .message = back_message, .reply = back_reply};

static int client_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	const struct job job = {.id = 1};

	if (message->type != GO)
		return message->correlation ? myc_reply(self, message, ANSWER, NULL, 0) : 0;
	assert_int_equal(myc_lookup(self, "pool", &to), 0);
	await_codes[0] = myc_ask_await(self, &to, JOB, &job, sizeof(job), 100 * MS, 0, NULL, NULL);
	return 0;
}

static int client_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	await_status[0] = reply->status;
	return 0;
}

static const struct myc_behaviour client = {
	.name = "client", .message = client_message, .reply = client_reply};

/* The asker awaits the pool, its worker the asker: one of them is refused, at once. */
static void a_cycle_of_awaiting_through_the_pool_is_found(void **state)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &client, .executor = 3};
	myc_address address;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		await_codes[0] = await_codes[1] = await_status[0] = await_status[1] = 1;
		bed_open(seed, &(struct myc_workers_settings){.workers = 1});
		opts.behaviour = &awaiting_back;
		pool_open();
		assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &address), 0);
		assert_int_equal(myc_testkit_post(kit, address, GO, NULL, 0), 0);
		settle();
		assert_int_equal(await_codes[0], 0);
		if (await_codes[1] != -EDEADLK && await_status[0] != -EDEADLK)
			fail_msg("seed %llu: nobody is told, %d, %d", (unsigned long long)seed,
				 await_codes[1], await_status[0]);
		bed_close();
	}
}

static void what_a_pool_cannot_be_is_refused(void **state)
{
	struct myc_system *system;
	struct myc_workers *other = NULL;
	struct myc_error error;

	(void)state;
	bed(1, &(struct myc_workers_settings){.workers = 2});
	system = myc_testkit_system(kit, 0);
	const struct myc_workers_settings bad[] = {
		{.workers = 65}, {.queue = 1025}, {.ahead = MYC_WORKERS_AHEAD_MAX + 1},
		{.route = 5},	 {.full = 3},	  {.hang_replace = 2}};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		struct myc_workers_opts with = opts;

		assert_int_equal(myc_workers_change(pool, &bad[i]), -EINVAL);
		/* Control looks for itself: anybody can send it anything. */
		assert_int_equal(myc_testkit_post(kit, myc_workers_control(pool), 1, &bad[i],
						  sizeof(bad[i])),
				 0);
		with.name = "other";
		with.settings = bad[i];
		assert_int_equal(myc_workers_spawn(system, &with, &other, &error), -EINVAL);
	}
	for (uint16_t type = 1; type < 4; type++)
		assert_int_equal(myc_testkit_post(kit, myc_workers_control(pool), type, "x", 1), 0);
	settle();
	assert_int_equal(settings_now().workers, 2);
	assert_int_equal(myc_workers_spawn(system, &opts, &other, &error), -EEXIST);

	struct myc_workers_opts with = {.sz = sizeof(with), .behaviour = &worker_behaviour};

	with.executors = 1ull << 40;
	assert_int_equal(myc_workers_spawn(system, &with, &other, &error), -EINVAL);
	with = (struct myc_workers_opts){.sz = sizeof(with)};
	assert_int_equal(myc_workers_spawn(system, &with, &other, &error), -EINVAL);
	with = opts;
	with.name = "a name that is a good deal longer than 39 bytes";
	assert_int_equal(myc_workers_spawn(system, &with, &other, &error), -EINVAL);
	with = opts;
	with.name = NULL;
	with.priorities = 6;
	assert_int_equal(myc_workers_spawn(system, &with, &other, &error), -EINVAL);
	put(0, 0, DO);
	settle();
	assert_int_equal(numbers().done, 1);
	assert_int_equal(myc_workers_read_worker(pool, 64, &(struct myc_worker_numbers){0}),
			 -ENOENT);
	bed_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_job_is_done_once_whatever_the_route),
		cmocka_unit_test(workers_are_spread_over_the_other_executors),
		cmocka_unit_test(a_key_stays_with_its_worker_in_order),
		cmocka_unit_test(a_sticky_key_goes_to_the_idle_when_it_has_no_jobs),
		cmocka_unit_test(a_sticky_key_lets_go_of_a_busy_worker),
		cmocka_unit_test(round_robin_goes_round_and_least_loaded_does_not_pile_up),
		cmocka_unit_test(the_application_chooses_a_worker),
		cmocka_unit_test(who_is_more_important_goes_first),
		cmocka_unit_test(growing_gives_work_to_the_new_ones),
		cmocka_unit_test(shrinking_drains_and_pending_keys_keep_their_worker),
		cmocka_unit_test(resized_at_random_nothing_is_lost_or_done_twice),
		cmocka_unit_test(a_cycle_of_awaiting_through_the_pool_is_found),
		cmocka_unit_test(what_a_pool_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
