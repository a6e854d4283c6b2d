/* SPDX-License-Identifier: Apache-2.0 */
/* Calls of plain threads, and asks when systems stop or processes die. */
#include "common/test.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "common/ask_rig.h"
#include "core/executor.h"

#define MS	1000000ull
#define THREADS 6
#define CALLS	(400 / TEST_SHORTER)

static struct ask_rig rig;
static myc_address asker, replier, near;

static void setup(enum ask_bed bed)
{
	ask_rig_open(&rig, bed, NULL);
	asker = rig_spawn(&rig, 0, &rig_asker);
	replier = rig_spawn(&rig, 1, &rig_replier);
	near = rig_spawn(&rig, 0, &rig_replier);
	rig_start(&rig);
}

#define on_each_bed                                                                \
	for (enum ask_bed bed_ = (setup(BED_EXECUTOR), BED_EXECUTOR); bed_ < BEDS; \
	     ask_rig_close(&rig), ++bed_ < BEDS ? setup(bed_) : (void)0)

static int call(enum request request, uint64_t word, struct myc_answer *answer, uint64_t timeout_ns)
{
	uint64_t words[2] = {1, word};

	return myc_call(rig.system[0], replier, (uint16_t)request, words, sizeof(words), answer,
			timeout_ns);
}

static void nap(void)
{
	struct timespec time = {.tv_nsec = 20 * (long)MS};

	nanosleep(&time, NULL);
}

static _Atomic bool in_call;

static void *a_call_of_its_own(void *unused)
{
	(void)unused;
	in_call = true;
	return (void *)(intptr_t)call(REQUEST_SILENCE, 0, NULL, MYC_FOREVER);
}

static int ask(enum request request, uint64_t timeout_ns, uint64_t cookie)
{
	return rig_order(&rig, asker, ORDER_ASK,
			 (struct order_body){.to = replier,
					     .type = request,
					     .timeout_ns = timeout_ns,
					     .cookie = cookie});
}

/* ---- calls ------------------------------------------------------------------------------------- */

static void a_call_returns_the_reply(void **state)
{
	(void)state;
	on_each_bed
	{
		for (uint64_t i = 0; i < 100; i++) {
			struct myc_answer answer = {0};

			assert_int_equal(
				call(REQUEST_ECHO, i, &answer, i % 2 ? MYC_FOREVER : 10000 * MS),
				0);
			assert_int_equal(answer.type, REQUEST_ECHO + 100);
			assert_int_equal(answer.size, 16);
			assert_int_equal(answer.payload[1], i);
		}
		assert_int_equal(call(REQUEST_ECHO, 0, NULL, 10000 * MS), 0);
		assert_int_equal(rig_late(&rig), 0);
	}
}

static void a_call_returns_the_repliers_error(void **state)
{
	(void)state;
	on_each_bed
	{
		assert_int_equal(call(REQUEST_ERROR, (uint64_t)-ENODATA, NULL, 10000 * MS),
				 -ENODATA);
		assert_int_equal(
			myc_call(rig.system[0], replier, MYC_TYPE_FRAMEWORK, NULL, 0, NULL, MS),
			-EINVAL);
		assert_int_equal(
			myc_call(rig.system[0], replier, 1, NULL, MYC_POOL_SIZE_MAX + 1, NULL, MS),
			-EMSGSIZE);
		assert_int_equal(myc_call(rig.system[0], replier + 1, 1, NULL, 0, NULL, MS),
				 -ESRCH);
		assert_int_equal(call(REQUEST_ECHO, 0, NULL, 10000 * MS), 0);
	}
}

static void a_call_times_out_and_its_reply_is_late(void **state)
{
	(void)state;
	on_each_bed
	{
		/* There is credit after it: what times out has been sent. */
		assert_int_equal(call(REQUEST_ECHO, 0, NULL, 10000 * MS), 0);
		uint64_t before = myc_clock_ns();

		assert_int_equal(call(REQUEST_KEEP, 0, NULL, 20 * MS), -ETIMEDOUT);
		assert_true(myc_clock_ns() - before >= 20 * MS);
		wait_until(rig_kept == 1);
		rig_post(&rig, replier, REQUEST_ANSWER, 0);
		wait_until(rig_late(&rig) == 1);
		/* Also when the thread waits for another. */
		assert_int_equal(call(REQUEST_KEEP, 0, NULL, 10 * MS), -ETIMEDOUT);
		wait_until(rig_kept == 2);
		rig_post(&rig, replier, REQUEST_ANSWER, 0);
		assert_int_equal(call(REQUEST_SILENCE, 0, NULL, 20 * MS), -ETIMEDOUT);
		wait_until(rig_late(&rig) == 2);
	}
}

static void a_called_request_may_be_passed_on(void **state)
{
	(void)state;
	on_each_bed
	{
		struct myc_answer answer = {0};

		assert_int_equal(call(REQUEST_FORWARD, near, &answer, 10000 * MS), 0);
		assert_int_equal(answer.type, REQUEST_ECHO + 100);
		assert_int_equal(call(REQUEST_HAND, near, &answer, 10000 * MS), 0);
		assert_int_equal(answer.type, REQUEST_HANDED + 100);
	}
}

static void a_called_actor_that_ends_with_the_request_unread_says_so(void **state)
{
	(void)state;
	on_each_bed
	{
		in_call = false;
		rig_blocked = true;
		assert_int_equal(call(REQUEST_ECHO, 0, NULL, 10000 * MS), 0);
		rig_requests = 0;
		rig_post(&rig, replier, REQUEST_BLOCK, 1);
		wait_until(rig_requests == 1);
		pthread_t thread;
		void *code;

		pthread_create(&thread, NULL, a_call_of_its_own, NULL);
		wait_until(in_call);
		nap();
		rig_blocked = false;
		pthread_join(thread, &code);
		/* On its way when the replier ended, or refused since. */
		assert_int_equal((intptr_t)code, -ESRCH);
	}
}

static _Atomic uint32_t wrong;

static void *caller(void *argument)
{
	uint64_t who = (uintptr_t)argument;

	for (uint64_t i = 0; i < CALLS; i++) {
		struct myc_answer answer = {0};
		int code = call(REQUEST_ECHO, who << 32 | i, &answer, MYC_FOREVER);

		wrong += code || answer.payload[1] != (who << 32 | i);
	}
	return NULL;
}

static void threads_that_call_at_once_get_each_their_own(void **state)
{
	(void)state;
	on_each_bed
	{
		pthread_t thread[THREADS];

		wrong = 0;
		for (uintptr_t i = 0; i < THREADS; i++)
			pthread_create(&thread[i], NULL, caller, (void *)i);
		for (int i = 0; i < THREADS; i++)
			pthread_join(thread[i], NULL);
		assert_int_equal(wrong, 0);
		assert_int_equal(rig_late(&rig), 0);
	}
}

static void a_stop_ends_the_calls_that_wait(void **state)
{
	(void)state;
	for (enum ask_bed bed = BED_EXECUTOR; bed < BED_PROCESSES; bed++) {
		pthread_t thread;
		void *code;

		setup(bed);
		pthread_create(&thread, NULL, a_call_of_its_own, NULL);
		wait_until(rig_requests == 1);
		assert_int_equal(myc_system_stop(rig.system[0], 10000), 0);
		pthread_join(thread, &code);
		assert_int_equal((intptr_t)code, -ESHUTDOWN);
		assert_int_equal(call(REQUEST_ECHO, 0, NULL, MYC_FOREVER), -ESHUTDOWN);
		myc_system_close(rig.system[0]);
	}
}

/* ---- stopping ---------------------------------------------------------------------------------- */

static void a_stopping_system_waits_for_answers_but_not_for_long(void **state)
{
	(void)state;
	on_each_bed
	{
		/* They know each other. */
		rig_tell(&rig, asker, ORDER_ASK,
			 (struct order_body){.to = replier,
					     .type = REQUEST_ECHO,
					     .timeout_ns = MYC_FOREVER,
					     .cookie = 9});
		wait_until(rig_count == 1);
		uint64_t before = myc_clock_ns();

		rig_tell(&rig, asker, ORDER_ASK,
			 (struct order_body){.to = replier,
					     .type = REQUEST_ECHO,
					     .timeout_ns = MYC_FOREVER,
					     .cookie = 1});
		rig_tell(&rig, asker, ORDER_AWAIT,
			 (struct order_body){.to = replier,
					     .type = REQUEST_SILENCE,
					     .timeout_ns = MYC_FOREVER,
					     .cookie = 2});
		rig_tell(&rig, asker, ORDER_NOTE, (struct order_body){.to = 3});
		assert_int_equal(myc_system_stop(rig.system[0], 10000), 0);
		assert_true(myc_clock_ns() - before < 5000 * MS);
		/* Each has its outcome, and what waited behind the awaited one is handled. */
		assert_int_equal(rig_count, 4);
		if (rig_seen[1].status)
			print_message("status %d %d %d\n", rig_seen[1].status, rig_seen[2].status,
				      (int)bed_);
		assert_true(rig_seen[1].status == 0 && rig_seen[1].cookie == 1);
		assert_true(rig_seen[2].status == -ESHUTDOWN && rig_seen[2].cookie == 2);
		assert_int_equal(rig_seen[3].what, 'm');
	}
}

/* ---- death ------------------------------------------------------------------------------------- */

static void asks_of_a_process_that_died_end(void **state)
{
	(void)state;
	setup(BED_PROCESSES);
	assert_int_equal(ask(REQUEST_KEEP, MYC_FOREVER, 1), 0);
	wait_until(rig_kept == 1);
	rig_dead[1] = true;
	rig_expect(0, -ENOTCONN, 0, 1);
	/* Who calls learns it too. */
	assert_int_equal(call(REQUEST_SILENCE, 0, NULL, MYC_FOREVER), -ENOTCONN);
	rig_dead[1] = false;
	rig_post(&rig, replier, REQUEST_ANSWER, 0);
	wait_until(rig_late(&rig) == 1);
	assert_int_equal(rig_count, 1);
	ask_rig_close(&rig);
}

static void a_request_passed_on_from_a_dead_process_is_answered(void **state)
{
	(void)state;
	setup(BED_PROCESSES);
	myc_address holder = rig_spawn(&rig, 0, &rig_replier);

	rig_third = MYC_NOBODY;
	/* The replier in process 1 hands it to one of ours, who keeps it; then process 1 is gone. */
	assert_int_equal(rig_order(&rig, asker, ORDER_ASK,
				   (struct order_body){.to = replier,
						       .type = REQUEST_PASS_KEPT,
						       .more = holder,
						       .timeout_ns = MYC_FOREVER,
						       .cookie = 4}),
			 0);
	wait_until(rig_kept == 1);
	nap();
	rig_dead[1] = true;
	nap();
	rig_post(&rig, holder, REQUEST_ANSWER, 0);
	rig_expect(0, 0, REQUEST_KEEP + 100, 4);
	assert_int_equal(rig_seen[0].asked, holder);
	rig_dead[1] = false;
	ask_rig_close(&rig);
}

static void spawn_in_slot_0(void)
{
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &rig_asker};

	assert_int_equal(myc_spawn_at(rig.system[0], &opts, 0, 0, &asker, NULL), 0);
}

static void a_restarted_process_gets_none_of_its_predecessors_replies(void **state)
{
	(void)state;
	ask_rig_open(&rig, BED_PROCESSES, NULL);
	spawn_in_slot_0();
	replier = rig_spawn(&rig, 1, &rig_replier);
	rig_start(&rig);
	for (int life = 0; life < 3; life++) {
		rig_kept = 0;
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(ask(REQUEST_KEEP, MYC_FOREVER, i), 0);
		wait_until(rig_kept == 3);
		rig_rejoin(&rig, 0);
		assert_int_equal(rig_count, 0);
		/* The same address, and its first asks have the same entries as those of before. */
		spawn_in_slot_0();
		assert_int_equal(myc_system_start(rig.system[0], NULL), 0);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(ask(REQUEST_SILENCE, 150 * MS, 10), 0);
		uint64_t before = rig_late(&rig);

		rig_post(&rig, replier, REQUEST_ANSWER, 0);
		wait_until(rig_late(&rig) == before + 3);
		for (uint32_t i = 0; i < 3; i++)
			rig_expect(i, -ETIMEDOUT, 0, 10);
		rig_count = 0;
	}
	ask_rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_call_returns_the_reply),
		cmocka_unit_test(a_call_returns_the_repliers_error),
		cmocka_unit_test(a_call_times_out_and_its_reply_is_late),
		cmocka_unit_test(a_called_request_may_be_passed_on),
		cmocka_unit_test(a_called_actor_that_ends_with_the_request_unread_says_so),
		cmocka_unit_test(threads_that_call_at_once_get_each_their_own),
		cmocka_unit_test(a_stop_ends_the_calls_that_wait),
		cmocka_unit_test(a_stopping_system_waits_for_answers_but_not_for_long),
		cmocka_unit_test(asks_of_a_process_that_died_end),
		cmocka_unit_test(a_request_passed_on_from_a_dead_process_is_answered),
		cmocka_unit_test(a_restarted_process_gets_none_of_its_predecessors_replies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
