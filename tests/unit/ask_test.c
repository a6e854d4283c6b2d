/* SPDX-License-Identifier: Apache-2.0 */
/* Asks and their replies, on one executor, on two, and across processes. */
#include "unit/ask_bed.h"

/* ---- asking and replying ----------------------------------------------------------------------- */

static void a_reply_comes_to_the_hook_with_cookie_type_and_payload(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		for (uint32_t i = 0; i < 100; i++) {
			assert_int_equal(ask(REQUEST_ECHO, 7 * i, 10000 * MS, i), 0);
			rig_expect(i, 0, REQUEST_ECHO + 100, i);
			assert_int_equal(rig_seen[i].size, 16);
			assert_int_equal(rig_seen[i].payload[1], 7 * i);
			assert_true(rig_seen[i].asked == replier && rig_seen[i].who == asker);
		}
		assert_int_equal(rig_late(&rig), 0);
	}
}

static void a_message_that_asks_nothing_cannot_be_replied_to(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		rig_post(&rig, replier, REQUEST_ECHO, 0);
		wait_until(rig_reply_code == -EINVAL);
		rig_reply_code = 0;
		rig_post(&rig, replier, REQUEST_ERROR, 0);
		wait_until(rig_reply_code == -EINVAL);
		rig_reply_code = 0;
		rig_post(&rig, replier, REQUEST_PASS, third);
		wait_until(rig_reply_code == -EINVAL);
		assert_int_equal(rig_requests, 3);
	}
}

static void forty_bytes_go_and_come_and_more_than_a_body_are_refused(void **state)
{
	struct order_body body = {.type = REQUEST_ECHO, .size = 40, .timeout_ns = MYC_FOREVER};

	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		body.to = replier;
		body.cookie = 0x1122334455667788;
		assert_int_equal(rig_order(&rig, asker, ORDER_ASK, body), 0);
		rig_expect(0, 0, REQUEST_ECHO + 100, body.cookie);
		assert_int_equal(rig_seen[0].size, 40);
		assert_int_equal(rig_seen[0].payload[0], body.cookie);
		assert_int_equal(rig_order(&rig, asker, ORDER_ASK,
					   (struct order_body){.to = replier,
							       .type = REQUEST_ECHO,
							       .size = MYC_POOL_SIZE_MAX + 1}),
				 -EMSGSIZE);
		assert_int_equal(
			rig_order(&rig, asker, ORDER_TRY,
				  (struct order_body){.to = replier, .type = MYC_TYPE_FRAMEWORK}),
			-EINVAL);
		assert_int_equal(
			rig_order(&rig, asker, ORDER_AWAIT,
				  (struct order_body){.to = replier, .type = MYC_TYPE_FRAMEWORK}),
			-EINVAL);
		assert_int_equal(rig_count, 1);
	}
}

static void an_error_reply_is_the_askers_status(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		assert_int_equal(ask(REQUEST_ERROR, (uint64_t)-ENODATA, 10000 * MS, 1), 0);
		rig_expect(0, -ENODATA, 0, 1);
		assert_int_equal(rig_seen[0].size, 0);
		assert_int_equal(ask(REQUEST_ERROR, (uint64_t)-4095, 10000 * MS, 2), 0);
		rig_expect(1, -4095, 0, 2);
		rig_reply_code = 0;
		assert_int_equal(ask(REQUEST_ERROR, 5, 20 * MS, 3), 0);
		wait_until(rig_reply_code == -EINVAL);
		rig_expect(2, -ETIMEDOUT, 0, 3);
		assert_int_equal(ask(REQUEST_ERROR, (uint64_t)-4096, 20 * MS, 4), 0);
		rig_expect(3, -ETIMEDOUT, 0, 4);
	}
}

static void a_request_may_be_answered_later_from_another_handler(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		for (uint32_t i = 0; i < 10; i++)
			assert_int_equal(ask(REQUEST_KEEP, 0, MYC_FOREVER, i), 0);
		wait_until(rig_kept == 10);
		assert_int_equal(rig_count, 0);
		rig_post(&rig, replier, REQUEST_ANSWER, 0);
		for (uint32_t i = 0; i < 10; i++)
			rig_expect(i, 0, REQUEST_KEEP + 100, i);
	}
}

static void a_request_may_be_answered_by_another_actor(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		assert_int_equal(ask(REQUEST_HAND, third, 10000 * MS, 5), 0);
		rig_expect(0, 0, REQUEST_HANDED + 100, 5);
		assert_int_equal(rig_seen[0].asked, replier);
	}
}

static void of_two_replies_the_first_is_accepted(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		assert_int_equal(ask(REQUEST_TWICE, 0, 10000 * MS, 1), 0);
		rig_expect(0, 0, 1, 1);
		wait_until(rig_late(&rig) == 1);
		assert_int_equal(rig_count, 1);
	}
}

static void asks_are_bounded_and_their_places_come_back(void **state)
{
	struct myc_executor_opts executors[2] = {{.core = -1, .asks = 5}, {.core = -1, .asks = 5}};
	struct myc_system_opts opts = {.executor = executors};

	(void)state;
	on_each_bed(&opts, &rig_replier)
	{
		for (uint32_t round = 0; round < 5; round++) {
			for (uint32_t i = 0; i < 5; i++)
				assert_int_equal(ask(REQUEST_KEEP, 0, MYC_FOREVER, i), 0);
			assert_int_equal(ask(REQUEST_KEEP, 0, MYC_FOREVER, 9), -ENOSPC);
			wait_until(rig_kept == 5 * (round + 1));
			rig_post(&rig, replier, REQUEST_ANSWER, 0);
			wait_until(rig_count == 5 * (round + 1));
		}
		assert_int_equal(rig_late(&rig), 0);
	}
}

/* ---- order, credit ----------------------------------------------------------------------------- */

static void a_reply_comes_behind_what_the_replier_sent_before(void **state)
{
	(void)state;
	/* More than the asker's credit: the last ones wait in the replier's outbox, and the reply too. */
	on_each_bed(NULL, &rig_replier)
	{
		for (uint32_t round = 0; round < 5; round++) {
			uint32_t before = rig_count;

			assert_int_equal(ask(REQUEST_SAY, 200, MYC_FOREVER, 1), 0);
			wait_until(rig_count == before + 201);
			for (uint32_t i = 0; i < 200; i++) {
				assert_int_equal(rig_seen[before + i].what, 'm');
				assert_int_equal(rig_seen[before + i].cookie, i);
			}
			assert_int_equal(rig_seen[before + 200].what, 'r');
		}
	}
}

static void without_credit_an_ask_waits_in_the_outbox_and_is_answered(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_narrow)
	{
		rig_blocked = true;
		for (uint32_t i = 0; i < 2; i++)
			rig_tell(&rig, asker, ORDER_FLOOD,
				 (struct order_body){.to = replier, .more = 2});
		rig_post(&rig, replier, REQUEST_BLOCK, 0);
		rig_tell(&rig, asker, ORDER_ASK,
			 (struct order_body){.to = replier,
					     .type = REQUEST_ECHO,
					     .timeout_ns = MYC_FOREVER,
					     .cookie = 4});
		rig_blocked = false;
		rig_expect(0, 0, REQUEST_ECHO + 100, 4);
		assert_int_equal(rig_code, 0);
	}
}

static void a_try_without_credit_is_refused_and_has_no_outcome(void **state)
{
	struct myc_executor_opts executors[2] = {{.core = -1, .asks = 9}, {.core = -1, .asks = 9}};
	struct myc_system_opts opts = {.executor = executors};
	int code = 0;

	(void)state;
	setup(BED_EXECUTORS, &opts, &rig_narrow);
	warm();
	rig_blocked = true;
	rig_post(&rig, replier, REQUEST_BLOCK, 0);
	wait_until(rig_requests == 1);
	for (uint32_t i = 0; i < 100; i++)
		code = rig_order(&rig, asker, ORDER_TRY,
				 (struct order_body){.to = replier,
						     .type = REQUEST_ECHO,
						     .timeout_ns = MYC_FOREVER,
						     .cookie = i});
	/* Not -ENOSPC: the refused ones gave their entries back. */
	assert_int_equal(code, -EAGAIN);
	rig_blocked = false;
	wait_until(rig_count == 2);
	ask_rig_close(&rig);
	assert_int_equal(rig_count, 2);
	assert_int_equal(rig_requests, 3);
}

static void a_reply_reaches_an_asker_that_is_paused(void **state)
{
	(void)state;
	for (enum ask_bed bed = BED_EXECUTORS; bed < BEDS; bed++) {
		setup(bed, NULL, &rig_narrow);
		myc_address helper = rig_spawn(&rig, 0, &rig_replier);

		rig_blocked = true;
		rig_post(&rig, replier, REQUEST_BLOCK, 0);
		wait_until(rig_requests == 1);
		assert_int_equal(rig_order(&rig, asker, ORDER_ASK,
					   (struct order_body){.to = helper,
							       .type = REQUEST_KEEP,
							       .timeout_ns = MYC_FOREVER,
							       .cookie = 8}),
				 0);
		wait_until(rig_kept == 1);
		assert_int_equal(rig_order(&rig, asker, ORDER_FLOOD,
					   (struct order_body){.to = replier, .more = 10}),
				 0);
		/* Paused: this waits. */
		rig_tell(&rig, asker, ORDER_NOTE, (struct order_body){.to = 3});
		rig_post(&rig, helper, REQUEST_ANSWER, 0);
		rig_expect(0, 0, REQUEST_KEEP + 100, 8);
		assert_int_equal(rig_count, 1);
		rig_blocked = false;
		wait_until(rig_count == 2);
		assert_int_equal(rig_seen[1].what, 'm');
		ask_rig_close(&rig);
	}
}

/* ---- cancel, restart, end ---------------------------------------------------------------------- */

static void after_a_cancel_no_outcome_comes(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		uint32_t over = 0; /* on a slow machine: before they were cancelled */
		int code;

		for (;; over++) {
			assert_int_equal(ask(REQUEST_KEEP, 0, 20 * MS, 1), 0);
			wait_until(rig_kept == over + 1);
			code = rig_order(&rig, asker, ORDER_CANCEL, (struct order_body){.to = 0});
			if (code != -ENOENT || over == 1000)
				break;
		}
		assert_int_equal(code, 0);
		assert_int_equal(rig_order(&rig, asker, ORDER_CANCEL, (struct order_body){.to = 0}),
				 -ENOENT);
		rig_post(&rig, replier, REQUEST_ANSWER, 0);
		wait_until(rig_late(&rig) == over + 1);
		assert_int_equal(ask(REQUEST_SILENCE, 0, 40 * MS, 2), 0);
		rig_expect(over, -ETIMEDOUT, 0, 2);
		/* Its entry has served another since: the handle is known to be old. */
		assert_int_equal(rig_order(&rig, asker, ORDER_CANCEL, (struct order_body){.to = 0}),
				 -ENOENT);
		assert_int_equal(rig_count, over + 1);
	}
}

static void a_restarted_asker_gets_none_of_its_former_replies(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(ask(REQUEST_KEEP, 0, 20000 * MS, i), 0);
		wait_until(rig_kept == 3);
		rig_tell(&rig, asker, ORDER_FAIL, (struct order_body){.to = 0});
		wait_until(rig_starts == 2);
		assert_int_equal(ask(REQUEST_SILENCE, 0, 60 * MS, 9), 0);
		rig_post(&rig, replier, REQUEST_ANSWER, 0);
		wait_until(rig_late(&rig) == 3);
		rig_expect(0, -ETIMEDOUT, 0, 9);
		assert_int_equal(rig_count, 1);
	}
}

static void a_reply_to_an_asker_that_ended_reaches_nobody(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		assert_int_equal(ask(REQUEST_KEEP, 0, MYC_FOREVER, 1), 0);
		wait_until(rig_kept == 1);
		rig_order(&rig, asker, ORDER_STOP, (struct order_body){.to = 0});
		wait_until(myc_post_try(rig_system(&rig, asker), asker, 1, NULL, 0) == -ESRCH);
		rig_post(&rig, replier, REQUEST_ANSWER, 0);
		wait_until(rig_reply_code == -ESRCH);
		assert_int_equal(rig_count, 0);
	}
}

static void a_reply_on_its_way_does_not_reach_the_next_actor_of_the_slot(void **state)
{
	struct myc_system_opts opts = {.actors = 2};

	(void)state;
	/* One executor: the reply lies in the lane while the asker ends and its slot is given again. */
	ask_rig_open(&rig, BED_EXECUTORS, &opts);
	asker = rig_spawn(&rig, 0, &rig_asker);
	replier = rig_spawn(&rig, 1, &rig_replier);
	rig_start(&rig);
	for (uint32_t i = 0; i < 50; i++) {
		uint32_t requests = rig_requests, ordered = rig_ordered;

		rig_tell(&rig, asker, ORDER_ASK,
			 (struct order_body){.to = replier,
					     .type = REQUEST_ECHO,
					     .timeout_ns = MYC_FOREVER,
					     .cookie = i});
		rig_tell(&rig, asker, ORDER_STOP, (struct order_body){.to = 0});
		wait_until(rig_ordered == ordered + 2 && rig_requests == requests + 1);
		uint32_t before = rig_count;
		struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &rig_asker};

		wait_until(!myc_spawn(rig.system[0], &spawn, &asker, NULL));
		assert_int_equal(ask(REQUEST_ECHO, 0, MYC_FOREVER, 1000 + i), 0);
		wait_until(rig_count == before + 1);
		assert_int_equal(rig_seen[before].cookie, 1000 + i);
	}
	ask_rig_close(&rig);
}

/* ---- the receiver is gone ---------------------------------------------------------------------- */

static void an_ask_to_nobody_is_refused(void **state)
{
	(void)state;
	on_each_bed(NULL, &rig_replier)
	{
		rig_post(&rig, replier, REQUEST_STOP, 0);
		wait_until(myc_post_try(rig_system(&rig, replier), replier, 1, NULL, 0) == -ESRCH);
		assert_int_equal(ask(REQUEST_ECHO, 0, 10000 * MS, 1), -ESRCH);
		replier = MYC_NOBODY;
		assert_int_equal(ask(REQUEST_ECHO, 0, 10000 * MS, 1), -ESRCH);
		replier = third;
		assert_int_equal(ask(REQUEST_ECHO, 0, 10000 * MS, 2), 0);
		rig_expect(0, 0, REQUEST_ECHO + 100, 2);
	}
}

static void a_request_in_the_mailbox_of_an_actor_that_ends_comes_back(void **state)
{
	(void)state;
	for (enum ask_bed bed = BED_EXECUTORS; bed < BEDS; bed++) {
		setup(bed, NULL, &rig_replier);
		warm();
		rig_blocked = true;
		/* It ends with the requests unread. */
		rig_post(&rig, replier, REQUEST_BLOCK, 1);
		wait_until(rig_requests == 1);
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(ask(REQUEST_SILENCE, 0, MYC_FOREVER, i), 0);
		rig_blocked = false;
		for (uint32_t i = 0; i < 3; i++)
			rig_expect(i, -ESRCH, 0, i);
		assert_int_equal(rig_requests, 1);
		ask_rig_close(&rig);
	}
}

static void a_request_in_the_outbox_comes_back_when_the_receiver_ends(void **state)
{
	(void)state;
	for (enum ask_bed bed = BED_EXECUTORS; bed < BEDS; bed++) {
		setup(bed, NULL, &rig_narrow);
		warm();
		rig_blocked = true;
		rig_post(&rig, replier, REQUEST_BLOCK, 1);
		wait_until(rig_requests == 1);
		/* Two by credit, the third waits in the outbox. */
		for (uint32_t i = 0; i < 3; i++)
			assert_int_equal(ask(REQUEST_SILENCE, 0, MYC_FOREVER, 1), 0);
		rig_blocked = false;
		for (uint32_t i = 0; i < 3; i++)
			rig_expect(i, -ESRCH, 0, 1);
		assert_int_equal(rig_requests, 1);
		ask_rig_close(&rig);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_reply_comes_to_the_hook_with_cookie_type_and_payload),
		cmocka_unit_test(a_message_that_asks_nothing_cannot_be_replied_to),
		cmocka_unit_test(forty_bytes_go_and_come_and_more_than_a_body_are_refused),
		cmocka_unit_test(an_error_reply_is_the_askers_status),
		cmocka_unit_test(a_request_may_be_answered_later_from_another_handler),
		cmocka_unit_test(a_request_may_be_answered_by_another_actor),
		cmocka_unit_test(of_two_replies_the_first_is_accepted),
		cmocka_unit_test(asks_are_bounded_and_their_places_come_back),
		cmocka_unit_test(a_reply_comes_behind_what_the_replier_sent_before),
		cmocka_unit_test(without_credit_an_ask_waits_in_the_outbox_and_is_answered),
		cmocka_unit_test(a_try_without_credit_is_refused_and_has_no_outcome),
		cmocka_unit_test(a_reply_reaches_an_asker_that_is_paused),
		cmocka_unit_test(after_a_cancel_no_outcome_comes),
		cmocka_unit_test(a_restarted_asker_gets_none_of_its_former_replies),
		cmocka_unit_test(a_reply_to_an_asker_that_ended_reaches_nobody),
		cmocka_unit_test(a_reply_on_its_way_does_not_reach_the_next_actor_of_the_slot),
		cmocka_unit_test(an_ask_to_nobody_is_refused),
		cmocka_unit_test(a_request_in_the_mailbox_of_an_actor_that_ends_comes_back),
		cmocka_unit_test(a_request_in_the_outbox_comes_back_when_the_receiver_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
