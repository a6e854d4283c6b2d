/* SPDX-License-Identifier: Apache-2.0 */
/* Pools whose workers die or hang, pools that end, and all of it at random: nothing goes without a name. */
#include "workers_bed.h"

#define settings(...) (&(struct myc_workers_settings){__VA_ARGS__})

/* ---- workers that die -------------------------------------------------------------------------- */

static void who_dies_is_replaced_and_its_queue_goes_on(void **state)
{
	static const enum what ways[] = {FAIL, STOP, KILL_SELF};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		bed(1 + i, settings(.workers = 3, .route = MYC_ROUTE_KEY));
		for (uint64_t k = 0; k < 30; k++)
			put(k, k % 6, k == 3 || k == 9 ? ways[i] : DO);
		pass(5000 * MS);
		for (uint64_t k = 0; k < 30; k++)
			assert_int_equal(told[k].begun, 1);
		/* Who stops by itself has done its job. */
		assert_int_equal(numbers().in_doubt, ways[i] == FAIL ? 2 : 0);
		assert_int_equal(numbers().done, ways[i] == FAIL ? 28 : 30);
		assert_int_equal(numbers().died, 2);
		assert_int_equal(events[MYC_WORKER_DIED], 2);
		assert_int_equal(numbers().alive, 3);
		assert_int_equal(numbers().spawned, 5);
		bed_close();
	}
}

static int init_fails;

static int moody_init(struct myc_actor *self)
{
	(void)self;
	return init_fails ? -EIO : 0;
}

/* One whose init fails is tried again, later and later, and does not take the others along. */
static void a_place_without_luck_is_tried_later_and_later(void **state)
{
	struct myc_behaviour moody = worker_behaviour;

	(void)state;
	moody.init = moody_init;
	init_fails = 1;
	bed_open(1, settings(.workers = 1));
	opts.behaviour = &moody;
	pool_open();
	put(0, 0, DO);
	pass(10000 * MS);
	/* 0, 1, 2, 4 ... 512 ms, then each second */
	assert_in_range(numbers().died, 15, 22);
	assert_int_equal(numbers().waiting, 1);
	init_fails = 0;
	pass(1001 * MS);
	assert_int_equal(numbers().done, 1);
	bed_close();
}

/* Given ahead and not begun with, they are given again, in order; the one in hand is in doubt. */
static void what_was_given_ahead_goes_on_in_order(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		bed(seed, settings(.workers = 2, .ahead = 8, .route = MYC_ROUTE_KEY));
		for (uint64_t i = 0; i < 60; i++)
			put(i, 3, i == 4 || i == 20 ? FAIL : DO);
		pass(5000 * MS);
		for (uint64_t i = 0; i < 60; i++) {
			assert_int_equal(told[i].begun, 1);
			assert_int_equal(told[i].order, i + 1);
			assert_int_equal(told[i].again, 0);
		}
		assert_int_equal(numbers().in_doubt, 2);
		assert_int_equal(numbers().done, 58);
		bed_close();
	}
}

static void stop(myc_address who, enum myc_stop_how how);

/* A job that comes back is as old as it was. */
static void who_comes_back_has_not_become_younger(void **state)
{
	struct myc_behaviour moody = worker_behaviour;

	(void)state;
	moody.init = moody_init;
	init_fails = 0;
	bed_open(1, settings(.workers = 1, .retries = 1, .ttl_ns = 10 * MS));
	opts.behaviour = &moody;
	pool_open();
	put(0, 0, KEEP);
	pass(4 * MS);
	put(1, 0, DO);
	init_fails = 1;
	stop(place(0).address, MYC_STOP_KILL);
	pass(6 * MS - 1);
	assert_int_equal(discards, 0);
	pass(1);
	assert_int_equal(told[0].discarded, 1);
	assert_int_equal(told[0].reason, MYC_DISCARD_TTL);
	assert_int_equal(told[0].tries, 1);
	assert_int_equal(told[1].discarded, 0);
	pass(4 * MS);
	assert_int_equal(told[1].discarded, 1);
	bed_close();
}

static int become_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)message;
	job_code = myc_become(self, &worker_behaviour);
	return 0;
}

static void a_worker_keeps_its_behaviour_and_others_have_no_jobs(void **state)
{
	static const struct myc_behaviour becoming = {.name = "becoming",
						      .message = become_message};

	(void)state;
	bed_open(1, settings(.workers = 1));
	opts.behaviour = &becoming;
	pool_open();
	put(0, 0, DO);
	settle();
	assert_int_equal(job_code, -EPERM);
	assert_int_equal(numbers().done, 1);
	bed_close();
	/* The worker's own address: what others send it is no job. */
	bed(1, settings(.workers = 1));
	const struct job job = {.id = 1, .what = KEEP};

	assert_int_equal(myc_testkit_post(kit, place(0).address, JOB, &job, sizeof(job)), 0);
	settle();
	assert_int_equal(job_code, -EINVAL);
	assert_int_equal(told[1].begun, 1);
	assert_int_equal(numbers().accepted, 0);
	bed_close();
}

/* ---- workers that hang ------------------------------------------------------------------------- */

static void who_has_a_job_too_long_is_reported_once(void **state)
{
	(void)state;
	bed(1, settings(.workers = 2, .hang_ns = 10 * MS));
	put(0, 0, KEEP);
	pass(10 * MS - 1);
	assert_int_equal(numbers().hung, 0);
	pass(1);
	assert_int_equal(numbers().hung, 1);
	pass(100 * MS);
	assert_int_equal(numbers().hung, 1);
	assert_int_equal(events[MYC_WORKER_HANGS], 1);
	assert_int_equal(numbers().given_up, 0);
	finish(0);
	assert_int_equal(numbers().done, 1);
	put(1, 0, KEEP);
	pass(11 * MS);
	assert_int_equal(numbers().hung, 2);
	bed_close();
}

static void who_hangs_is_given_up_and_its_job_done_by_another(void **state)
{
	(void)state;
	for (uint32_t retries = 0; retries < 2; retries++) {
		bed(1, settings(.workers = 1, .route = MYC_ROUTE_KEY, .hang_ns = 10 * MS,
				.hang_replace = 1, .retries = retries));
		uint64_t on = place(0).executor;

		put(0, 0, KEEP);
		put(1, 0, DO);
		pass(10 * MS);
		assert_int_equal(numbers().given_up, 1);
		assert_int_equal(events[MYC_WORKER_GIVEN_UP], 1);
		/* It was told to die, and did: it only kept the job. */
		assert_int_equal(numbers().lost, 0);
		assert_int_equal(numbers().spawned, 2);
		assert_true(place(0).executor != on || !retries);
		if (!retries) {
			assert_int_equal(numbers().in_doubt, 1);
			assert_int_equal(told[0].begun, 1);
			assert_int_equal(told[1].begun, 1);
		} else {
			assert_int_equal(told[0].begun, 2);
			assert_int_equal(told[0].again, 1);
			assert_int_equal(told[1].begun, 0); /* behind it */
			finish(1);
		}
		/* The first worker's word comes too late. */
		finish(0);
		assert_int_equal(numbers().done, 1 + retries);
		assert_int_equal(numbers().in_hand, 0);
		bed_close();
	}
}

/* ---- the end ----------------------------------------------------------------------------------- */

/* As myc_workers_drain does, without waiting. */
static void drain(uint64_t deadline_ns)
{
	assert_int_equal(myc_testkit_post(kit, myc_workers_control(pool), 2, &deadline_ns,
					  sizeof(deadline_ns)),
			 0);
	settle();
}

static bool there(myc_address address)
{
	return myc_testkit_post(kit, address, FINISH + 50, NULL, 0) != -ESRCH;
}

static void draining_finishes_what_was_sent_before(void **state)
{
	(void)state;
	bed(1, settings(.workers = 2, .queue = 4));
	for (uint64_t i = 0; i < 2; i++)
		put(i, 0, KEEP);
	settle();
	for (uint64_t i = 2; i < 12; i++) /* 4 wait, 6 are in the intake's mailbox */
		put(i, 0, DO);
	settle();
	assert_int_equal(numbers().accepted, 6);
	myc_address worker = place(1).address;

	drain(MYC_FOREVER);
	assert_int_equal(numbers().state, MYC_WORKERS_DRAIN);
	struct job late = {.id = 50};

	assert_int_equal(myc_testkit_post(kit, myc_workers_address(pool), JOB, &late, sizeof(late)),
			 -ESRCH);
	pass(60000 * MS);
	assert_true(there(worker));
	finish(0);
	finish(1);
	assert_int_equal(numbers().done, 12);
	assert_int_equal(numbers().state, MYC_WORKERS_ENDED);
	assert_int_equal(numbers().died, 0);
	assert_false(there(worker) || there(myc_workers_control(pool)) ||
		     there(myc_workers_address(pool)));
	/* There is nothing left to wait for; and a name that is free again. */
	assert_int_equal(myc_workers_drain(pool, 0), 0);
	pool_open();
	put(60, 0, DO);
	settle();
	assert_int_equal(numbers().done, 1);
	assert_int_equal(myc_workers_drain(pool, MYC_FOREVER), 0);
	bed_close();
}

static void at_the_deadline_what_is_left_has_a_name(void **state)
{
	(void)state;
	bed(1, settings(.workers = 2, .queue = 4, .retries = 3));
	for (uint64_t i = 0; i < 2; i++)
		put(i, 0, KEEP);
	settle();
	for (uint64_t i = 2; i < 12; i++)
		put(i, 0, DO);
	settle();
	drain(50 * MS);
	pass(50 * MS - 1);
	assert_int_equal(numbers().state, MYC_WORKERS_DRAIN);
	pass(1);
	assert_int_equal(numbers().state, MYC_WORKERS_ENDED);
	assert_int_equal(numbers().in_doubt, 2);
	assert_int_equal(numbers().discarded[MYC_DISCARD_SHUTDOWN], 10);
	for (uint64_t i = 0; i < 12; i++)
		assert_int_equal(told[i].discarded, 1);
	assert_int_equal(myc_workers_drain(pool, 0), -ETIMEDOUT);
	bed_close();
	/* A second word can only shorten it. */
	bed(1, settings(.workers = 1));
	put(0, 0, KEEP);
	drain(10 * MS);
	drain(1000 * MS);
	pass(10 * MS);
	assert_int_equal(numbers().state, MYC_WORKERS_ENDED);
	bed_close();
}

/* What waits there has a name too. */
static void a_suspended_intake_does_not_hold_up_the_end(void **state)
{
	(void)state;
	bed(1, settings(.workers = 1));
	put(0, 0, KEEP);
	settle();
	assert_int_equal(myc_actor_suspend(myc_testkit_system(kit, 0), myc_workers_address(pool)),
			 0);
	settle();
	put(1, 0, DO);
	drain(50 * MS);
	assert_int_equal(numbers().state, MYC_WORKERS_DRAIN);
	pass(51 * MS);
	assert_int_equal(numbers().state, MYC_WORKERS_ENDED);
	assert_int_equal(numbers().in_doubt, 1);
	assert_int_equal(numbers().discarded[MYC_DISCARD_SHUTDOWN], 1);
	assert_int_equal(told[1].discarded, 1);
	assert_false(there(myc_workers_control(pool)) || there(myc_workers_address(pool)));
	bed_close();
}

/* Without room to watch one another the two are no pool: nobody waits for the intake to open. */
static void a_pool_that_cannot_begin_ends(void **state)
{
	(void)state;
	bed_watches = 1;
	bed(1, settings(.workers = 1));
	bed_watches = 0;
	assert_int_equal(numbers().state, MYC_WORKERS_ENDED);
	assert_false(there(myc_workers_control(pool)) || there(myc_workers_address(pool)));
	assert_int_equal(myc_workers_drain(pool, 0), 0);
	bed_close();
}

static int stopper_message(struct myc_actor *self, const struct myc_message *message)
{
	myc_address who;

	memcpy(&who, message->payload, sizeof(who));
	return myc_stop_send(self, who, (enum myc_stop_how)message->type);
}

static void stop(myc_address who, enum myc_stop_how how)
{
	static const struct myc_behaviour stopper = {.name = "stopper", .message = stopper_message};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &stopper, .executor = 3};
	myc_address address;

	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &address), 0);
	assert_int_equal(myc_testkit_post(kit, address, (uint16_t)how, &who, sizeof(who)), 0);
	settle();
}

/* Whoever of the two is stopped. */
static void a_pool_that_is_stopped_finishes(void **state)
{
	(void)state;
	for (int which = 0; which < 5; which++) {
		enum myc_stop_how how =
			(enum myc_stop_how)(MYC_STOP + (which < 3 ? which : which - 3));

		bed(1, settings(.workers = 2));
		for (uint64_t i = 0; i < 20; i++)
			put(i, 0, i ? DO : KEEP);
		settle();
		stop(which < 3 ? myc_workers_address(pool) : myc_workers_control(pool), how);
		assert_int_equal(numbers().state, MYC_WORKERS_DRAIN);
		finish(0);
		assert_int_equal(numbers().state, MYC_WORKERS_ENDED);
		assert_int_equal(numbers().done, 20);
		assert_false(there(myc_workers_control(pool)));
		bed_close();
	}
}

static void a_pool_whose_control_is_killed_leaves_nothing(void **state)
{
	(void)state;
	bed(1, settings(.workers = 2));
	for (uint64_t i = 0; i < 20; i++)
		put(i, 0, i < 2 ? KEEP : DO);
	settle();
	myc_address worker = place(1).address;

	stop(myc_workers_control(pool), MYC_STOP_KILL);
	assert_int_equal(numbers().state, MYC_WORKERS_ENDED);
	assert_int_equal(numbers().in_doubt, 2);
	assert_int_equal(numbers().discarded[MYC_DISCARD_SHUTDOWN], 18);
	assert_false(there(myc_workers_address(pool)));
	assert_false(there(worker));
	bed_close();
}

static int owner_started(struct myc_actor *self)
{
	struct myc_error error;

	return myc_workers_spawn_local(self, &opts, &pool, &error);
}

static int owner_message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type == FINISH)
		myc_stop(self);
	if (message->type == GO)
		return myc_workers_change_by(self, pool,
					     &(struct myc_workers_settings){.workers = 7});
	return message->type == ANSWER ? myc_workers_drain_by(self, pool, 0) : 0;
}

static void a_pool_of_an_actor_ends_with_it(void **state)
{
	static const struct myc_behaviour owning = {
		.name = "owner", .started = owner_started, .message = owner_message};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &owning, .executor = 1};
	myc_address owner;

	(void)state;
	for (int by = 0; by < 2; by++) {
		bed_open(1, settings(.workers = 2));
		assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &owner), 0);
		settle();
		assert_int_equal(myc_testkit_post(kit, owner, GO, NULL, 0), 0);
		settle();
		assert_int_equal(numbers().alive, 7);
		for (uint32_t i = 0; i < 7; i++) /* never where the pool is */
			assert_true(place(i).executor != 1);
		for (uint64_t i = 0; i < 20; i++)
			put(i, 0, DO);
		assert_int_equal(myc_testkit_post(kit, owner, by ? FINISH : ANSWER, NULL, 0), 0);
		settle();
		assert_int_equal(numbers().state, MYC_WORKERS_ENDED);
		if (by)
			assert_int_equal(numbers().done, 20);
		bed_close();
	}
}

/* ---- all of it --------------------------------------------------------------------------------- */

static struct myc_workers_settings any_settings(void)
{
	return (struct myc_workers_settings){
		.workers = 1 + myc_testkit_random(kit, 9),
		.queue = 1 + myc_testkit_random(kit, 100),
		.ahead = 1 + myc_testkit_random(kit, 5),
		.route = myc_testkit_random(kit, MYC_ROUTE_LEAST_LOADED + 1),
		.full = myc_testkit_random(kit, MYC_FULL_DROP_OLDEST + 1),
		.retries = myc_testkit_random(kit, 3),
		.rate_per_s = myc_testkit_random(kit, 2) * 5000,
		.burst = 50,
		.ttl_ns = myc_testkit_random(kit, 2) * 20 * MS,
		.hang_ns = myc_testkit_random(kit, 2) * 8 * MS,
		.hang_replace = myc_testkit_random(kit, 2),
	};
}

static enum what any_what(void)
{
	static const enum what whats[] = {KEEP, KEEP, FAIL, FAIL_ONCE, STOP, KILL_SELF};
	uint32_t at = myc_testkit_random(kit, 40);

	return at < sizeof(whats) / sizeof(*whats) ? whats[at] : DO;
}

static void whatever_happens_each_job_has_one_end(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 60 / TEST_SHORTER; seed++) {
		struct myc_workers_settings with;
		uint32_t finished = 0;
		uint64_t jobs = 1500, done = 0;

		bed_open(seed, settings(.workers = 3));
		with = opts.settings = any_settings();
		pool_open();
		for (uint64_t i = 0; i < jobs; i++) {
			const struct job job = {.id = i,
						.key = myc_testkit_random(kit, 20),
						.priority = (uint8_t)myc_testkit_random(kit, 5),
						.what = (uint8_t)any_what()};
			int tries = 0, code;

			while ((code = myc_post_try(myc_testkit_system(kit, 0),
						    myc_workers_address(pool), JOB, &job,
						    sizeof(job))) == -EAGAIN) {
				while (finished < kept_count)
					finish(finished++);
				pass(MS);
				if (tries++ > 3000)
					fail_msg("seed %llu: it takes no more",
						 (unsigned long long)seed);
			}
			assert_int_equal(code, 0);
			adds_up();
			if (finished < kept_count && !myc_testkit_random(kit, 3))
				finish(finished++);
			if (!myc_testkit_random(kit, 30))
				pass(myc_testkit_random(kit, 5000) * 1000);
			if (myc_testkit_random(kit, 60))
				continue;
			with = any_settings();
			with.hang_replace |= with.full == MYC_FULL_PAUSE; /* or it may wait */
			with.hang_ns = with.hang_replace ? 8 * MS : with.hang_ns;
			assert_int_equal(myc_workers_change(pool, &with), 0);
		}
		drain(seed % 2 ? MYC_FOREVER : 3000 * MS);
		for (int i = 0; i < 400 && numbers().state != MYC_WORKERS_ENDED; i++) {
			while (finished < kept_count)
				finish(finished++);
			pass(10 * MS);
			adds_up();
		}
		if (numbers().state != MYC_WORKERS_ENDED)
			fail_msg("seed %llu: it does not end", (unsigned long long)seed);
		for (uint64_t i = 0; i < jobs; i++) {
			if (told[i].discarded > 1 || (!told[i].discarded && !told[i].begun))
				fail_msg("seed %llu: job %llu was discarded %u times, begun %u",
					 (unsigned long long)seed, (unsigned long long)i,
					 told[i].discarded, told[i].begun);
			done += !told[i].discarded;
		}
		assert_int_equal(numbers().accepted, jobs);
		assert_int_equal(numbers().done, done);
		assert_int_equal(numbers().waiting + numbers().in_hand, 0);
		bed_close();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_dies_is_replaced_and_its_queue_goes_on),
		cmocka_unit_test(a_place_without_luck_is_tried_later_and_later),
		cmocka_unit_test(what_was_given_ahead_goes_on_in_order),
		cmocka_unit_test(who_comes_back_has_not_become_younger),
		cmocka_unit_test(a_worker_keeps_its_behaviour_and_others_have_no_jobs),
		cmocka_unit_test(who_has_a_job_too_long_is_reported_once),
		cmocka_unit_test(who_hangs_is_given_up_and_its_job_done_by_another),
		cmocka_unit_test(draining_finishes_what_was_sent_before),
		cmocka_unit_test(at_the_deadline_what_is_left_has_a_name),
		cmocka_unit_test(a_suspended_intake_does_not_hold_up_the_end),
		cmocka_unit_test(a_pool_that_cannot_begin_ends),
		cmocka_unit_test(a_pool_that_is_stopped_finishes),
		cmocka_unit_test(a_pool_whose_control_is_killed_leaves_nothing),
		cmocka_unit_test(a_pool_of_an_actor_ends_with_it),
		cmocka_unit_test(whatever_happens_each_job_has_one_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
