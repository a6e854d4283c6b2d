/* SPDX-License-Identifier: Apache-2.0 */
/* Awaited asks, requests that are passed on, gathers, and who awaits whom. */
#include "common/test.h"

#include <errno.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "common/ask_rig.h"
#include "core/executor.h"

#define MS 1000000ull

/* Two askers and two repliers, one of each on a side. */
static struct ask_rig rig;
static myc_address asker[2], replier[2];

static void setup(enum ask_bed bed)
{
	ask_rig_open(&rig, bed, NULL);
	for (int i = 0; i < 2; i++) {
		asker[i] = rig_spawn(&rig, i, &rig_asker);
		replier[i] = rig_spawn(&rig, i, &rig_replier);
	}
	rig_start(&rig);
}

#define on_each_bed                                                                \
	for (enum ask_bed bed_ = (setup(BED_EXECUTOR), BED_EXECUTOR); bed_ < BEDS; \
	     ask_rig_close(&rig), ++bed_ < BEDS ? setup(bed_) : (void)0)

static int order(int who, enum order what, myc_address to, uint32_t type, uint64_t word,
		 uint64_t timeout_ns, uint64_t cookie)
{
	return rig_order(&rig, asker[who], what,
			 (struct order_body){.to = to,
					     .type = type,
					     .more = word,
					     .timeout_ns = timeout_ns,
					     .cookie = cookie});
}

static void note(int who, uint64_t number)
{
	rig_tell(&rig, asker[who], ORDER_NOTE, (struct order_body){.to = number});
}

/* ---- passing on -------------------------------------------------------------------------------- */

static void the_reply_to_a_forwarded_request_goes_to_the_first_asker(void **state)
{
	(void)state;
	on_each_bed
	{
		for (uint32_t i = 0; i < 20; i++) {
			assert_int_equal(order(0, ORDER_ASK, replier[1], REQUEST_FORWARD,
					       replier[0], 20000 * MS, i),
					 0);
			rig_expect(i, 0, REQUEST_ECHO + 100, i);
			assert_int_equal(rig_reply_code, 0);
		}
		assert_int_equal(rig_late(&rig), 0);
	}
}

static void a_request_is_forwarded_twice(void **state)
{
	(void)state;
	on_each_bed
	{
		myc_address third = rig_spawn(&rig, 1, &rig_replier);

		rig_third = third;
		wait_until(order(0, ORDER_ASK, third, REQUEST_ECHO, 0, 20000 * MS, 3) == 0);
		rig_expect(0, 0, REQUEST_ECHO + 100, 3);
		assert_int_equal(
			order(0, ORDER_ASK, replier[1], REQUEST_PASS, replier[0], 20000 * MS, 5),
			0);
		rig_expect(1, 0, REQUEST_ECHO + 100, 5);
		assert_int_equal(rig_requests, 4);
	}
}

static void a_request_that_is_passed_on_to_nobody_stays_where_it_is(void **state)
{
	(void)state;
	on_each_bed
	{
		rig_post(&rig, replier[0], REQUEST_STOP, 0);
		wait_until(myc_post_try(rig.system[0], replier[0], 1, NULL, 0) == -ESRCH);
		assert_int_equal(
			order(0, ORDER_ASK, replier[1], REQUEST_FORWARD, replier[0], 30 * MS, 1),
			0);
		rig_expect(0, -ETIMEDOUT, 0, 1);
		wait_until(rig_reply_code == -ESRCH);
		assert_int_equal(rig_seen[0].asked, replier[1]);
	}
}

/* ---- awaiting ---------------------------------------------------------------------------------- */

static void messages_wait_for_an_awaited_reply_and_come_in_order(void **state)
{
	(void)state;
	on_each_bed
	{
		assert_int_equal(order(0, ORDER_AWAIT, replier[1], REQUEST_KEEP, 0, MYC_FOREVER, 1),
				 0);
		wait_until(rig_kept == 1);
		for (uint64_t i = 0; i < 20; i++)
			note(0, i);
		rig_post(&rig, replier[1], REQUEST_ANSWER, 0);
		wait_until(rig_count == 21);
		rig_expect(0, 0, REQUEST_KEEP + 100, 1);
		for (uint32_t i = 0; i < 20; i++)
			assert_true(rig_seen[1 + i].what == 'm' && rig_seen[1 + i].cookie == i);
		/* And on it goes. */
		assert_int_equal(order(0, ORDER_ASK, replier[1], REQUEST_ECHO, 0, MYC_FOREVER, 2),
				 0);
		rig_expect(21, 0, REQUEST_ECHO + 100, 2);
	}
}

static void timers_wait_for_an_awaited_reply(void **state)
{
	struct timespec nap = {.tv_nsec = 30000000};

	(void)state;
	on_each_bed
	{
		assert_int_equal(order(0, ORDER_TIMER, 0, 0, 0, 5 * MS, 9), 0);
		assert_int_equal(order(0, ORDER_AWAIT, replier[1], REQUEST_KEEP, 0, MYC_FOREVER, 1),
				 0);
		wait_until(rig_kept == 1);
		uint32_t before = rig_count; /* it may have been first */

		nanosleep(&nap, NULL);
		assert_int_equal(rig_count, before);
		rig_post(&rig, replier[1], REQUEST_ANSWER, 0);
		wait_until(rig_count == 2);
		assert_int_equal(rig_seen[before].what, 'r');
	}
}

static void replies_of_other_asks_reach_an_actor_that_awaits(void **state)
{
	(void)state;
	on_each_bed
	{
		assert_int_equal(order(0, ORDER_ASK, replier[0], REQUEST_KEEP, 0, MYC_FOREVER, 1),
				 0);
		assert_int_equal(order(0, ORDER_AWAIT, replier[1], REQUEST_KEEP, 0, MYC_FOREVER, 2),
				 0);
		note(0, 5);
		wait_until(rig_kept == 2);
		rig_post(&rig, replier[0], REQUEST_ANSWER, 0);
		rig_expect(0, 0, REQUEST_KEEP + 100, 1);
		assert_int_equal(rig_count, 1);
		rig_post(&rig, replier[1], REQUEST_ANSWER, 0);
		rig_expect(1, 0, REQUEST_KEEP + 100, 2);
		wait_until(rig_count == 3);
		assert_int_equal(rig_seen[2].what, 'm');
	}
}

static void an_awaited_ask_times_out_and_its_actor_goes_on(void **state)
{
	(void)state;
	on_each_bed
	{
		for (uint32_t i = 0; i < 3; i++) {
			assert_int_equal(
				order(0, ORDER_AWAIT, replier[1], REQUEST_SILENCE, 0, 10 * MS, i),
				0);
			note(0, i);
			wait_until(rig_count == 2 * (i + 1));
			rig_expect(2 * i, -ETIMEDOUT, 0, i);
			assert_int_equal(rig_seen[2 * i + 1].what, 'm');
		}
	}
}

static void an_awaited_ask_may_be_cancelled_by_the_hook_of_another(void **state)
{
	(void)state;
	on_each_bed
	{
		rig_reply_code = 1;
		assert_int_equal(order(0, ORDER_ASK, replier[0], REQUEST_KEEP, 0, MYC_FOREVER,
				       REPLY_CANCELS),
				 0);
		assert_int_equal(
			order(0, ORDER_AWAIT, replier[1], REQUEST_SILENCE, 0, MYC_FOREVER, 2), 0);
		note(0, 5);
		wait_until(rig_kept == 1);
		rig_post(&rig, replier[0], REQUEST_ANSWER, 0);
		wait_until(rig_count == 2);
		rig_expect(0, 0, REQUEST_KEEP + 100, REPLY_CANCELS);
		assert_int_equal(rig_seen[1].what, 'm');
	}
}

static void the_awaited_reply_does_not_wait_for_messages_that_it_holds_up(void **state)
{
	(void)state;
	on_each_bed
	{
		/* 200 notes are more than the asker's credit, which it gives no more before the reply. */
		assert_int_equal(
			order(0, ORDER_AWAIT, replier[1], REQUEST_SAY, 200, MYC_FOREVER, 1), 0);
		wait_until(rig_count == 201);
		rig_expect(0, 0, REQUEST_SAY + 100, 1);
		for (uint32_t i = 0; i < 200; i++)
			assert_true(rig_seen[1 + i].what == 'm' && rig_seen[1 + i].cookie == i);
	}
}

static void a_restart_ends_awaiting(void **state)
{
	(void)state;
	on_each_bed
	{
		/* It fails in a handler, so not while it awaits: of its own making. */
		rig_tell(&rig, asker[0], ORDER_AWAIT,
			 (struct order_body){.to = replier[1],
					     .type = REQUEST_KEEP,
					     .timeout_ns = 20 * MS,
					     .cookie = 1});
		rig_tell(&rig, asker[0], ORDER_FAIL, (struct order_body){.to = 0});
		wait_until(rig_starts == 3);
		assert_int_equal(order(0, ORDER_AWAIT, replier[1], REQUEST_ECHO, 0, 20000 * MS, 2),
				 0);
		rig_expect(1, 0, REQUEST_ECHO + 100, 2);
	}
}

/* ---- cycles ------------------------------------------------------------------------------------ */

static void to_await_oneself_is_refused(void **state)
{
	(void)state;
	on_each_bed
	{
		assert_int_equal(order(0, ORDER_AWAIT, asker[0], REQUEST_ECHO, 0, MYC_FOREVER, 1),
				 -EDEADLK);
		struct myc_cycle cycle;

		rig_cycle(&cycle);
		assert_int_equal(cycle.count, 1);
		assert_int_equal(cycle.address[0], asker[0]);
		/* Nothing was sent, and it goes on. An ask to itself is no cycle. */
		assert_int_equal(order(0, ORDER_ASK, asker[0], REQUEST_ECHO, 0, MYC_FOREVER, 2), 0);
		rig_expect(0, 0, REQUEST_ECHO + 100, 2);
		assert_int_equal(rig_count, 1);
	}
}

static void a_cycle_of_two_is_refused_and_named(void **state)
{
	(void)state;
	on_each_bed
	{
		/* The replier awaits its asker, who awaits it. */
		assert_int_equal(
			order(0, ORDER_AWAIT, replier[1], REQUEST_AWAIT_BACK, 0, MYC_FOREVER, 1),
			0);
		rig_expect(0, 0, 1, 1);
		assert_int_equal(rig_reply_code, -EDEADLK);
		struct myc_cycle cycle;

		rig_cycle(&cycle);
		assert_int_equal(cycle.count, 2);
		assert_int_equal(cycle.address[0], replier[1]);
		assert_int_equal(cycle.address[1], asker[0]);
		/* An asker that does not await it may be awaited. */
		assert_int_equal(
			order(0, ORDER_ASK, replier[1], REQUEST_AWAIT_BACK, 0, MYC_FOREVER, 2), 0);
		rig_expect(1, 0, 2, 2);
		assert_int_equal(rig_reply_code, 0);
	}
}

static void a_cycle_of_three_is_refused_and_named(void **state)
{
	(void)state;
	on_each_bed
	{
		myc_address third = rig_spawn(&rig, 1, &rig_asker);
		struct order_body body = {.to = asker[0],
					  .type = REQUEST_ECHO,
					  .timeout_ns = MYC_FOREVER,
					  .cookie = 3};

		/* Notes are not replied to. */
		assert_int_equal(order(1, ORDER_AWAIT, third, ORDER_NOTE, 0, MYC_FOREVER, 1), 0);
		wait_until(rig_count == 1);
		assert_int_equal(order(0, ORDER_AWAIT, asker[1], ORDER_NOTE, 0, MYC_FOREVER, 2), 0);
		assert_int_equal(rig_order(&rig, third, ORDER_AWAIT, body), -EDEADLK);
		struct myc_cycle cycle;

		rig_cycle(&cycle);
		assert_int_equal(cycle.count, 3);
		assert_int_equal(cycle.address[0], third);
		assert_int_equal(cycle.address[1], asker[0]);
		assert_int_equal(cycle.address[2], asker[1]);
		/* Without awaiting it may ask; the answer comes when the system stops, at the latest. */
		assert_int_equal(rig_order(&rig, third, ORDER_ASK, body), 0);
	}
}

static void whom_one_has_answered_may_be_awaited_at_once(void **state)
{
	(void)state;
	on_each_bed
	{
		/* The answer is on its way, the other's word still says that it awaits. */
		for (uint32_t i = 0; i < 200; i++) {
			uint32_t before = rig_ordered;

			rig_tell(&rig, asker[0], ORDER_AWAIT,
				 (struct order_body){.to = asker[1],
						     .type = ORDER_ANSWER_AND_AWAIT,
						     .timeout_ns = MYC_FOREVER,
						     .cookie = i});
			wait_until(rig_ordered == before + 2 && rig_count == 2 * (i + 1));
			assert_int_equal(rig_code, 0);
		}
		for (uint32_t i = 0; i < rig_count; i++)
			assert_int_equal(rig_seen[i].status, 0);
	}
}

static void a_request_passed_on_that_closes_a_cycle_ends_in_a_deadlock(void **state)
{
	(void)state;
	on_each_bed
	{
		/* 1 awaits 0; 0 awaits a replier that passes the request on to 1. */
		assert_int_equal(order(1, ORDER_AWAIT, asker[0], ORDER_NOTE, 0, MYC_FOREVER, 1), 0);
		wait_until(rig_count == 1);
		assert_int_equal(order(0, ORDER_AWAIT, replier[1], REQUEST_FORWARD, asker[1],
				       MYC_FOREVER, 2),
				 0);
		rig_expect(1, -EDEADLK, 0, 2);
		assert_int_equal(rig_seen[1].asked, asker[1]);
		/* It goes on. */
		assert_int_equal(order(0, ORDER_ASK, replier[0], REQUEST_ECHO, 0, MYC_FOREVER, 3),
				 0);
		rig_expect(2, 0, REQUEST_ECHO + 100, 3);
	}
}

static void awaiting_twice_is_refused(void **state)
{
	(void)state;
	on_each_bed
	{
		/* From the hook of another ask: messages wait. */
		assert_int_equal(
			order(0, ORDER_ASK, replier[0], REQUEST_KEEP, 0, MYC_FOREVER, REPLY_AWAITS),
			0);
		assert_int_equal(order(0, ORDER_AWAIT, replier[1], REQUEST_KEEP, 0, MYC_FOREVER, 2),
				 0);
		wait_until(rig_kept == 2);
		rig_post(&rig, replier[0], REQUEST_ANSWER, 0);
		wait_until(rig_count == 1);
		wait_until(rig_reply_code == -EALREADY);
	}
}

/* Both at once, again and again: never do both wait. */
static void of_two_that_await_each_other_at_once_one_is_refused(void **state)
{
	uint32_t both = 0, rounds = 2000 / TEST_SHORTER;

	(void)state;
	for (enum ask_bed bed = BED_EXECUTORS; bed < BEDS; bed++) {
		setup(bed);
		for (uint32_t i = 0; i < rounds; i++) {
			uint32_t ordered = rig_ordered, refused = rig_refused;

			for (int j = 0; j < 2; j++)
				rig_tell(&rig, asker[j], ORDER_AWAIT,
					 (struct order_body){.to = asker[!j],
							     .type = REQUEST_ECHO,
							     .timeout_ns = MYC_FOREVER,
							     .cookie = i});
			wait_until(rig_ordered == ordered + 2);
			/* Who was not refused is answered: nobody waits for ever. */
			wait_until(rig_count == 2 - (rig_refused - refused));
			for (uint32_t j = 0; j < rig_count; j++)
				assert_int_equal(rig_seen[j].status, 0);
			both += rig_refused - refused == 2;
			rig_count = 0;
		}
		ask_rig_close(&rig);
	}
	print_message("  both were refused in %u of %u rounds\n", both, 2 * rounds);
}

/* ---- gathers ----------------------------------------------------------------------------------- */

static int gather(uint32_t wanted, enum request request, uint64_t timeout_ns, uint64_t cookie)
{
	return order(0, ORDER_GATHER, 0, request, wanted, timeout_ns, cookie);
}

static void whom(uint32_t count, const myc_address *addresses)
{
	rig_gather_count = count;
	for (uint32_t i = 0; i < count; i++)
		rig_gather[i] = addresses[i];
}

static void expect_end(uint32_t n, int status, uint32_t answered, uint32_t failed)
{
	wait_until(rig_count > n);
	assert_int_equal(rig_seen[n].kind, MYC_REPLY_GATHER);
	assert_int_equal(rig_seen[n].status, status);
	assert_int_equal(rig_seen[n].answered, answered);
	assert_int_equal(rig_seen[n].failed, failed);
}

static void a_gather_of_all_ends_with_the_last_reply(void **state)
{
	(void)state;
	on_each_bed
	{
		bool seen[4] = {false};

		whom(4, (myc_address[]){replier[0], replier[1], asker[1], replier[1]});
		assert_int_equal(gather(MYC_GATHER_ALL, REQUEST_ECHO, 20000 * MS, 7), 0);
		wait_until(rig_count == 5);
		for (uint32_t i = 0; i < 4; i++) {
			rig_expect(i, 0, REQUEST_ECHO + 100, 7);
			assert_int_equal(rig_seen[i].kind, MYC_REPLY_ONE);
			assert_int_equal(rig_seen[i].answered, i + 1);
			assert_true(rig_seen[i].index < 4 && !seen[rig_seen[i].index]);
			seen[rig_seen[i].index] = true;
			assert_int_equal(rig_seen[i].asked, rig_gather[rig_seen[i].index]);
		}
		expect_end(4, 0, 4, 0);
		assert_int_equal(rig_late(&rig), 0);
	}
}

static void a_gather_of_the_first_drops_the_others(void **state)
{
	(void)state;
	on_each_bed
	{
		whom(3, (myc_address[]){replier[0], replier[1], replier[1]});
		assert_int_equal(gather(1, REQUEST_ECHO, MYC_FOREVER, 7), 0);
		expect_end(1, 0, 1, 0);
		wait_until(rig_late(&rig) == 2);
		assert_int_equal(rig_count, 2);
	}
}

static void a_gather_of_some_ends_when_they_have_answered(void **state)
{
	(void)state;
	on_each_bed
	{
		whom(3, (myc_address[]){replier[0], replier[1], asker[1]});
		/* Askers answer none of these. */
		assert_int_equal(gather(2, REQUEST_TWICE, MYC_FOREVER, 7), 0);
		expect_end(2, 0, 2, 0);
		wait_until(rig_late(&rig) == 2);
		assert_int_equal(rig_count, 3);
	}
}

static void a_gather_that_cannot_succeed_ends_at_once(void **state)
{
	(void)state;
	on_each_bed
	{
		myc_address gone = rig_spawn(&rig, 1, &rig_replier);

		rig_post(&rig, gone, REQUEST_STOP, 0);
		wait_until(myc_post_try(rig_system(&rig, gone), gone, 1, NULL, 0) == -ESRCH);
		whom(4, (myc_address[]){gone, replier[0], MYC_NOBODY, replier[1]});
		assert_int_equal(gather(2, REQUEST_ECHO, MYC_FOREVER, 1), 0);
		wait_until(rig_count > 0 && rig_seen[rig_count - 1].kind == MYC_REPLY_GATHER);
		assert_int_equal(rig_seen[rig_count - 1].status, 0);
		rig_count = 0;
		assert_int_equal(gather(3, REQUEST_SILENCE, MYC_FOREVER, 2), 0);
		expect_end(2, -ESRCH, 0, 2);
		for (int i = 0; i < 2; i++)
			assert_int_equal(rig_seen[i].status, -ESRCH);
		assert_int_equal(rig_count, 3);
	}
}

static void a_gather_times_out_as_one(void **state)
{
	(void)state;
	on_each_bed
	{
		whom(3, (myc_address[]){replier[0], replier[1], asker[1]});
		assert_int_equal(gather(MYC_GATHER_ALL, REQUEST_SILENCE, 30 * MS, 7), 0);
		expect_end(0, -ETIMEDOUT, 0, 0);
		rig_count = 0;
		assert_int_equal(gather(MYC_GATHER_ALL, REQUEST_KEEP, 30 * MS, 8), 0);
		expect_end(0, -ETIMEDOUT, 0, 0);
		wait_until(rig_kept == 2);
		rig_post(&rig, replier[0], REQUEST_ANSWER, 0);
		rig_post(&rig, replier[1], REQUEST_ANSWER, 0);
		wait_until(rig_late(&rig) == 2);
		assert_int_equal(rig_count, 1);
	}
}

static void a_gather_may_be_cancelled_also_by_its_hook(void **state)
{
	(void)state;
	on_each_bed
	{
		whom(2, (myc_address[]){replier[0], replier[1]});
		assert_int_equal(gather(MYC_GATHER_ALL, REQUEST_KEEP, 20000 * MS, 1), 0);
		assert_int_equal(order(0, ORDER_CANCEL, 0, 0, 0, 0, 0), 0);
		assert_int_equal(order(0, ORDER_CANCEL, 0, 0, 0, 0, 0), -ENOENT);
		assert_int_equal(gather(MYC_GATHER_ALL, REQUEST_ECHO, 20000 * MS, REPLY_CANCELS),
				 0);
		wait_until(rig_late(&rig) == 1);
		assert_int_equal(rig_count, 1);
		assert_int_equal(rig_reply_code, 0);
		assert_int_equal(order(0, ORDER_ASK, replier[1], REQUEST_SILENCE, 0, 60 * MS, 2),
				 0);
		rig_expect(1, -ETIMEDOUT, 0, 2);
		assert_int_equal(rig_count, 2);
	}
}

static void a_gather_is_checked_and_bounded(void **state)
{
	struct myc_executor_opts executor = {.core = -1, .asks = 8};
	struct myc_system_opts opts = {.executor = &executor};

	(void)state;
	ask_rig_open(&rig, BED_EXECUTOR, &opts);
	asker[0] = rig_spawn(&rig, 0, &rig_asker);
	replier[0] = rig_spawn(&rig, 0, &rig_replier);
	rig_start(&rig);
	myc_address eight[8];

	for (int i = 0; i < 8; i++)
		eight[i] = replier[0];
	whom(0, eight);
	assert_int_equal(gather(MYC_GATHER_ALL, REQUEST_ECHO, MYC_FOREVER, 1), -EINVAL);
	whom(2, eight);
	assert_int_equal(gather(0, REQUEST_ECHO, MYC_FOREVER, 1), -EINVAL);
	assert_int_equal(gather(3, REQUEST_ECHO, MYC_FOREVER, 1), -EINVAL);
	assert_int_equal(order(0, ORDER_GATHER, 0, MYC_TYPE_FRAMEWORK, 1, 0, 0), -EINVAL);
	whom(8, eight);
	assert_int_equal(gather(8, REQUEST_ECHO, MYC_FOREVER, 1), -ENOSPC);
	for (uint32_t i = 0; i < 5; i++) {
		whom(7, eight);
		assert_int_equal(gather(7, REQUEST_ECHO, MYC_FOREVER, i), 0);
		expect_end(8 * i + 7, 0, 7, 0);
	}
	ask_rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_reply_to_a_forwarded_request_goes_to_the_first_asker),
		cmocka_unit_test(a_request_is_forwarded_twice),
		cmocka_unit_test(a_request_that_is_passed_on_to_nobody_stays_where_it_is),
		cmocka_unit_test(messages_wait_for_an_awaited_reply_and_come_in_order),
		cmocka_unit_test(timers_wait_for_an_awaited_reply),
		cmocka_unit_test(replies_of_other_asks_reach_an_actor_that_awaits),
		cmocka_unit_test(an_awaited_ask_times_out_and_its_actor_goes_on),
		cmocka_unit_test(an_awaited_ask_may_be_cancelled_by_the_hook_of_another),
		cmocka_unit_test(the_awaited_reply_does_not_wait_for_messages_that_it_holds_up),
		cmocka_unit_test(a_restart_ends_awaiting),
		cmocka_unit_test(to_await_oneself_is_refused),
		cmocka_unit_test(a_cycle_of_two_is_refused_and_named),
		cmocka_unit_test(a_cycle_of_three_is_refused_and_named),
		cmocka_unit_test(whom_one_has_answered_may_be_awaited_at_once),
		cmocka_unit_test(a_request_passed_on_that_closes_a_cycle_ends_in_a_deadlock),
		cmocka_unit_test(awaiting_twice_is_refused),
		cmocka_unit_test(of_two_that_await_each_other_at_once_one_is_refused),
		cmocka_unit_test(a_gather_of_all_ends_with_the_last_reply),
		cmocka_unit_test(a_gather_of_the_first_drops_the_others),
		cmocka_unit_test(a_gather_of_some_ends_when_they_have_answered),
		cmocka_unit_test(a_gather_that_cannot_succeed_ends_at_once),
		cmocka_unit_test(a_gather_times_out_as_one),
		cmocka_unit_test(a_gather_may_be_cancelled_also_by_its_hook),
		cmocka_unit_test(a_gather_is_checked_and_bounded),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
