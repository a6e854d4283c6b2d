/* SPDX-License-Identifier: Apache-2.0 */
/* Pools that are full, too slow, or asked too much: who is discarded, why, and who is told. */
#include "workers_bed.h"

#define settings(...) (&(struct myc_workers_settings){__VA_ARGS__})

/* ---- full -------------------------------------------------------------------------------------- */

static void dropping_the_newest_keeps_those_that_wait(void **state)
{
	(void)state;
	bed(1, settings(.workers = 1, .queue = 4, .full = MYC_FULL_DROP_NEWEST));
	for (uint64_t i = 0; i < 10; i++)
		put(i, 0, KEEP);
	settle();
	assert_int_equal(numbers().discarded[MYC_DISCARD_SHED], 5);
	for (uint64_t i = 5; i < 10; i++) {
		assert_int_equal(told[i].discarded, 1);
		assert_int_equal(told[i].reason, MYC_DISCARD_SHED);
	}
	for (uint32_t i = 0; i < 5; i++)
		finish(i);
	assert_int_equal(numbers().done, 5);
	bed_close();
}

static void dropping_the_oldest_spares_the_more_important(void **state)
{
	(void)state;
	bed(1, settings(.workers = 1, .queue = 4, .full = MYC_FULL_DROP_OLDEST));
	put(0, 0, KEEP);
	settle();
	for (uint8_t i = 1; i <= 4; i++)
		post((struct job){.id = i, .priority = (uint8_t)(i == 1 ? 0 : 2)});
	post((struct job){.id = 5, .priority = 3}); /* the least important: itself */
	post((struct job){.id = 6, .priority = 2}); /* 2 waits longest of its own */
	post((struct job){.id = 7, .priority = 0}); /* 3 */
	settle();
	assert_int_equal(discards, 3);
	assert_int_equal(told[5].discarded + told[2].discarded + told[3].discarded, 3);
	for (uint8_t i = 8; i <= 9; i++) /* 4, then 6 */
		post((struct job){.id = i, .priority = 0});
	post((struct job){.id = 10, .priority = 0}); /* all are as important: 1 waits longest */
	settle();
	assert_int_equal(told[4].discarded + told[6].discarded + told[1].discarded, 3);
	finish(0);
	assert_int_equal(numbers().done, 1 + 4);
	bed_close();
}

struct flooder {
	struct myc_ref to;
	uint64_t sent;
};
static uint64_t flood_sent, flood_refused;

static int flood(struct myc_actor *self, const struct myc_message *message)
{
	struct flooder *flooder = myc_state(self);

	(void)message;
	if (!flooder->to.address && myc_lookup(self, "pool", &flooder->to))
		return -EIO;
	for (int i = 0; i < 2000; i++) {
		struct job job = {.id = flooder->sent, .key = flooder->sent % 5};
		int code = myc_try_send(self, &flooder->to, JOB, &job, sizeof(job));

		if (code) {
			assert_int_equal(code, -EAGAIN);
			flood_refused++;
			break;
		}
		flooder->sent++;
	}
	flood_sent = flooder->sent;
	return 0;
}

static const struct myc_behaviour flooding = {
	.name = "flooder", .state_size = sizeof(struct flooder), .message = flood};

/* The queue is full, then the intake's mailbox, then the sender's credit is spent: nothing is lost. */
static void a_full_pool_pauses_its_senders(void **state)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &flooding, .executor = 3};
	myc_address flooder;

	(void)state;
	bed_open(1, settings(.workers = 2, .queue = 8, .full = MYC_FULL_PAUSE));
	opts.capacity_per_sender = 16;
	pool_open();
	flood_sent = flood_refused = 0;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &flooder), 0);
	put(0, 0, KEEP);
	put(1, 0, KEEP);
	settle();
	for (int i = 0; i < 50; i++) {
		assert_int_equal(myc_testkit_post(kit, flooder, GO, NULL, 0), 0);
		settle();
	}
	assert_int_equal(flood_sent, 8 + 16);
	assert_true(flood_refused > 40);
	assert_int_equal(numbers().waiting, 8);
	assert_int_equal(discards, 0);
	/* Time goes on for it all the same. */
	change(settings(.workers = 2, .queue = 8, .ttl_ns = 5 * MS));
	pass(5 * MS);
	assert_int_equal(numbers().discarded[MYC_DISCARD_TTL], 8);
	assert_int_equal(numbers().waiting, 8); /* those of the mailbox, since then */
	pass(10 * MS);
	assert_int_equal(numbers().discarded[MYC_DISCARD_TTL], 24);
	change(settings(.workers = 2, .queue = 8));
	finish(0);
	finish(1);
	for (int i = 0; i < 20; i++) {
		assert_int_equal(myc_testkit_post(kit, flooder, GO, NULL, 0), 0);
		settle();
	}
	assert_true(flood_sent > 100);
	assert_int_equal(numbers().accepted, flood_sent + 2);
	assert_int_equal(numbers().done, flood_sent + 2 - 24);
	bed_close();
}

/* ---- time -------------------------------------------------------------------------------------- */

static void those_that_waited_too_long_are_discarded_in_time(void **state)
{
	(void)state;
	bed(1, settings(.workers = 1, .ttl_ns = 10 * MS));
	put(0, 0, KEEP);
	for (uint64_t i = 1; i <= 3; i++) {
		put(i, 0, DO);
		pass(4 * MS);
	}
	/* 12 ms: the first waited 12, the second 8, the third 4. */
	assert_int_equal(told[1].discarded, 1);
	assert_int_equal(told[1].reason, MYC_DISCARD_TTL);
	assert_int_equal(discards, 1);
	pass(2 * MS - 1);
	assert_int_equal(discards, 1);
	pass(1);
	assert_int_equal(told[2].discarded, 1);
	/* A new limit holds for those that wait. */
	change(settings(.workers = 1, .ttl_ns = 1 * MS));
	assert_int_equal(told[3].discarded, 1);
	put(4, 0, DO);
	change(settings(.workers = 1));
	pass(1000 * MS);
	assert_int_equal(told[4].discarded, 0);
	finish(0);
	assert_int_equal(numbers().done, 2);
	bed_close();
}

/* Exactly burst + rate * time, whatever the pattern. */
static void the_bucket_leaks_exactly(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 10; seed++) {
		uint32_t rate = 1 + (uint32_t)(seed * 37 % 1000), burst = 1 + (uint32_t)seed % 5;
		uint64_t passed = 0, begun;

		bed(seed, settings(.workers = 2, .rate_per_s = rate, .burst = burst));
		begun = myc_testkit_now_ns(kit);
		for (uint64_t i = 0; i < 300; i++) {
			uint64_t before = numbers().discarded[MYC_DISCARD_RATE];
			uint64_t time = myc_testkit_now_ns(kit) - begun;

			put(i, 0, DO);
			settle();
			passed += numbers().discarded[MYC_DISCARD_RATE] == before;
			assert_true(passed <= burst + time * rate / 1000000000u);
			pass(myc_testkit_random(kit, 3000) * 1000ull);
		}
		assert_int_equal(passed, numbers().done);
		assert_true(passed >= burst);
		/* Asked more than it lets, it lets all that it may. */
		uint64_t from = myc_testkit_now_ns(kit), done = numbers().done;

		for (uint64_t i = 300; i < 800; i++) {
			put(i, 0, DO);
			pass(1000000000u / rate / 4 + 1);
		}
		uint64_t time = myc_testkit_now_ns(kit) - from;

		assert_true(numbers().done - done + 1 >= time * rate / 1000000000u);
		bed_close();
	}
}

static uint32_t adapted;

static void halve(void *context, const struct myc_workers_numbers *n,
		  struct myc_workers_settings *settings)
{
	assert_ptr_equal(context, &opts);
	adapted++;
	if (n->waiting * 2 > settings->queue && settings->queue > 1)
		settings->queue /= 2;
	settings->workers = n->waiting ? 3 : 1000; /* which cannot be: nothing is changed */
}

static void limits_are_adapted_to_the_load(void **state)
{
	(void)state;
	bed_open(1, settings(.workers = 1, .queue = 16, .full = MYC_FULL_DROP_NEWEST));
	adapted = 0;
	opts.adapt = halve;
	opts.adapt_ns = 10 * MS;
	pool_open();
	for (uint64_t i = 0; i < 20; i++)
		put(i, 0, KEEP);
	settle();
	assert_int_equal(discards, 3);
	pass(10 * MS);
	assert_int_equal(adapted, 1);
	assert_int_equal(settings_now().queue, 8);
	assert_int_equal(settings_now().workers, 3);
	assert_int_equal(numbers().in_hand, 3);
	assert_int_equal(numbers().waiting, 14);
	for (uint64_t i = 20; i < 30; i++)
		put(i, 0, KEEP);
	settle();
	assert_int_equal(discards, 13); /* a shorter queue discards only who comes */
	for (uint32_t i = 0; i < 17; i++)
		finish(i);
	assert_int_equal(numbers().waiting, 0);
	pass(35 * MS);
	assert_int_equal(adapted, 4);
	assert_int_equal(settings_now().queue, 8);
	bed_close();
}

/* However large a time is, it is not over before it begins. */
static void times_without_end_do_not_come(void **state)
{
	const struct myc_workers_settings endless = {
		.workers = 1, .ttl_ns = MYC_FOREVER, .hang_ns = MYC_FOREVER, .hang_replace = 1};

	(void)state;
	bed_open(1, &endless);
	adapted = 0;
	opts.adapt = halve;
	opts.adapt_ns = opts.drain_ns = MYC_FOREVER;
	pool_open();
	put(0, 0, KEEP);
	put(1, 0, DO);
	settle();
	pass(1000 * MS);
	assert_int_equal(adapted, 0);
	assert_int_equal(discards, 0);
	assert_int_equal(numbers().hung, 0);
	finish(0);
	assert_int_equal(numbers().done, 2);
	bed_close();
}

/* ---- who asked is told ------------------------------------------------------------------------- */

static struct myc_workers *asked;
static int statuses[JOBS_MAX];
static uint32_t answers[JOBS_MAX];
static uint64_t told_at[JOBS_MAX];

static int asker_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	struct job job;

	memcpy(&job, message->payload, sizeof(job));
	int code = myc_resolve(self, myc_workers_address(asked), &to);

	return code ? code : myc_ask(self, &to, JOB, &job, sizeof(job), 1000 * MS, job.id, NULL);
}

static int asker_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	answers[reply->cookie]++;
	statuses[reply->cookie] = reply->status;
	told_at[reply->cookie] = myc_testkit_now_ns(kit);
	if (!reply->status)
		assert_memory_equal(reply->payload, &reply->cookie, sizeof(reply->cookie));
	(void)self;
	return 0;
}

static const struct myc_behaviour asking = {
	.name = "asker", .message = asker_message, .reply = asker_reply};
static myc_address asker;

static void asker_open(void)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &asking, .executor = 2};

	memset(answers, 0, sizeof(answers));
	memset(statuses, 0, sizeof(statuses));
	asked = pool;
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &asker), 0);
	settle();
}

static void ask(struct job job)
{
	assert_int_equal(myc_testkit_post(kit, asker, JOB, &job, sizeof(job)), 0);
	settle();
}

static void replies_come_from_the_worker_and_discards_at_once(void **state)
{
	(void)state;
	bed(1, settings(.workers = 1, .queue = 2, .full = MYC_FULL_DROP_OLDEST, .ttl_ns = 9 * MS,
			.rate_per_s = 1000, .burst = 6));
	asker_open();
	ask((struct job){.id = 1, .what = REPLY});
	assert_int_equal(answers[1], 1);
	assert_int_equal(statuses[1], 0);
	put(0, 0, KEEP);
	settle();
	for (uint64_t i = 2; i <= 4; i++)
		ask((struct job){.id = i, .what = REPLY});
	uint64_t now = myc_testkit_now_ns(kit);

	assert_int_equal(statuses[2], -EBUSY);
	assert_int_equal(told_at[2], now);
	ask((struct job){.id = 5, .what = REPLY}); /* the sixth: 3 goes */
	ask((struct job){.id = 6, .what = REPLY}); /* one too many */
	assert_int_equal(statuses[3], -EBUSY);
	assert_int_equal(statuses[6], -EDQUOT);
	assert_int_equal(told_at[6], now);
	assert_int_equal(answers[4] + answers[5], 0);
	pass(9 * MS);
	assert_int_equal(statuses[4], -ETIME);
	assert_int_equal(statuses[5], -ETIME);
	assert_int_equal(told_at[5], now + 9 * MS);
	for (uint64_t i = 1; i <= 6; i++)
		assert_int_equal(answers[i], 1);
	assert_int_equal(told[1].from, asker);
	finish(0);
	bed_close();
}

static void who_died_with_a_job_in_hand_is_told_to_its_asker(void **state)
{
	(void)state;
	bed(1, settings(.workers = 2, .retries = 2));
	asker_open();
	ask((struct job){.id = 1, .what = FAIL});
	assert_int_equal(statuses[1], -EOWNERDEAD);
	assert_int_equal(answers[1], 1);
	assert_int_equal(told[1].begun, 3);
	assert_int_equal(told[1].again, 2);
	assert_int_equal(told[1].tries, 3);
	assert_int_equal(told[1].reason, MYC_DISCARD_IN_DOUBT);
	assert_int_equal(numbers().in_doubt, 1);
	assert_int_equal(numbers().retried, 2);
	assert_int_equal(numbers().died, 3);
	/* The last replacements wait a little. */
	pass(10 * MS);
	assert_int_equal(numbers().alive, 2);
	ask((struct job){.id = 2, .what = REPLY});
	assert_int_equal(statuses[2], 0);
	bed_close();
}

/* ---- bodies ------------------------------------------------------------------------------------ */

static uint64_t body_sums;
static const void *body_at[64];

static int body_worker(struct myc_actor *self, const struct myc_message *message)
{
	const uint8_t *bytes = message->payload;
	struct told *about = &told[bytes[0]];

	(void)self;
	about->begun++;
	assert_int_equal(message->size, 3000);
	for (uint32_t i = 0; i < message->size; i++)
		assert_int_equal(bytes[i], bytes[0]);
	if (about->begun > 1)
		assert_ptr_equal(body_at[bytes[0]], bytes); /* not a copy */
	body_at[bytes[0]] = bytes;
	body_sums++;
	return about->begun < 3 && bytes[0] % 2 ? -EIO : 0;
}

static const struct myc_behaviour body_behaviour = {.name = "bodies", .message = body_worker};

static void bodies_are_lent_and_lent_again(void **state)
{
	uint8_t bytes[3000];

	(void)state;
	bed_open(1, settings(.workers = 3, .retries = 5, .ahead = 2));
	opts.behaviour = &body_behaviour;
	opts.discarded = NULL;
	pool_open();
	for (int round = 0; round < 20; round++) {
		memset(told, 0, sizeof(told));
		for (uint8_t i = 0; i < 8; i++) {
			memset(bytes, i, sizeof(bytes));
			assert_int_equal(myc_testkit_post(kit, myc_workers_address(pool), JOB,
							  bytes, sizeof(bytes)),
					 0);
		}
		pass(3000 * MS);
		for (uint8_t i = 0; i < 8; i++)
			assert_int_equal(told[i].begun, i % 2 ? 3 : 1);
	}
	/* Many more than there are buffers: all have come home. */
	assert_int_equal(numbers().done, 160);
	assert_int_equal(body_sums, 20 * 16);
	bed_close();
}

static void bodies_that_cannot_be_kept_have_a_name(void **state)
{
	static const uint8_t bytes[200];

	(void)state;
	bed_loans = 64;
	bed_open(1, settings(.workers = 1));
	opts.discarded = NULL;
	pool_open();
	put(0, 0, KEEP);
	settle();
	for (int i = 0; i < 300; i++)
		assert_int_equal(myc_testkit_post(kit, myc_workers_address(pool), ANSWER, bytes,
						  sizeof(bytes)),
				 0);
	settle();
	assert_int_equal(numbers().waiting + numbers().discarded[MYC_DISCARD_NO_BUFFER], 300);
	assert_int_equal(numbers().waiting, 48); /* three quarters of the loans */
	finish(0);
	assert_int_equal(numbers().waiting, 0);
	bed_loans = 0;
	bed_close();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dropping_the_newest_keeps_those_that_wait),
		cmocka_unit_test(dropping_the_oldest_spares_the_more_important),
		cmocka_unit_test(a_full_pool_pauses_its_senders),
		cmocka_unit_test(those_that_waited_too_long_are_discarded_in_time),
		cmocka_unit_test(the_bucket_leaks_exactly),
		cmocka_unit_test(limits_are_adapted_to_the_load),
		cmocka_unit_test(times_without_end_do_not_come),
		cmocka_unit_test(replies_come_from_the_worker_and_discards_at_once),
		cmocka_unit_test(who_died_with_a_job_in_hand_is_told_to_its_asker),
		cmocka_unit_test(bodies_are_lent_and_lent_again),
		cmocka_unit_test(bodies_that_cannot_be_kept_have_a_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
