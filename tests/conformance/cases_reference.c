/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts, recipients, weak references: mycelium/receipt.h, mycelium/recipient.h. */
#include "conformance/cases.h"

/* ---- receipts ---------------------------------------------------------------------------------- */

static int job_receipt(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	uint64_t payload[8] = {a[1]};
	int code = myc_resolve(self, a[0], &ref);

	return code ? code
		    : myc_send_receipt(self, &ref, NUMBER, payload, a[3], a[2], a[1],
				       &me->ask[a[1] % SLOTS]);
}

static int send_receipt(struct probe *from, const struct probe *to, uint64_t number,
			uint64_t timeout_ns)
{
	return let(from, job_receipt, to->address, number, timeout_ns, 8);
}

static void expect_receipt(const struct probe *who, uint32_t n, uint64_t number, int status)
{
	const struct seen *seen = nth(who, REPLY, n);

	assert_int_equal(seen->kind, MYC_REPLY_RECEIPT);
	assert_int_equal(seen->number, number);
	assert_int_equal(seen->status, status);
}

CASE(a_receipt_tells_that_the_mailbox_has_taken_it)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_receipt(a, b, 1, LONG));
	expect_receipt(a, 0, 1, 0);
	const struct seen *seen = nth(b, MESSAGE, 0);

	assert_int_equal(seen->correlation, 0); /* it asks nothing */
	assert_int_equal(seen->from, a->address);
	expect_numbers(b, 1, 1);
	settle();
	assert_int_equal(a->replies, 1);
}

CASE(taken_is_not_handled)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(send_receipt(a, b, 1, LONG));
	expect_receipt(a, 0, 1, 0);
	assert_int_equal(b->messages, 0);
	release(b);
	expect_numbers(b, 1, 1);
}

CASE(what_is_taken_and_dies_with_its_receiver_is_no_second_outcome)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(send_receipt(a, b, 1, LONG));
	expect_receipt(a, 0, 1, 0);
	OK(send_stop(keeper_of(b->place), b, MYC_STOP_KILL));
	UNTIL(counted_dead(MYC_DEAD_LETTER_NO_ACTOR) == 1);
	settle();
	assert_int_equal(a->replies, 1);
}

CASE(receipts_stand_in_order_with_other_messages)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_number(a, b, 1));
	OK(send_receipt(a, b, 2, LONG));
	OK(send_number(a, b, 3));
	OK(send_receipt(a, b, 4, LONG));
	expect_numbers(b, 1, 4);
	SAW(a, REPLY, 2);
}

CASE(a_receipt_waits_for_credit_like_any_and_times_out)
{
	struct probe *a = spawn(HERE), *b = spawn_as(THERE, &narrow);

	hold_met(a, b);
	RESULT(try_flood(a, b, 2), -EAGAIN);
	uint64_t next = 2 + a->word[0];

	OK(send_receipt(a, b, next, 20 * MS));
	expect_receipt(a, 0, next, -ETIMEDOUT);
	release(b);
	expect_numbers(b, 1, next); /* it went all the same */
	assert_int_equal(a->replies, 1);
}

CASE(a_receipt_of_one_that_has_ended_is_refused)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(send_receipt(a, b, 1, LONG), -ESRCH);
	RESULT(let(a, job_receipt, a->address, 1, LONG, MYC_PAYLOAD_MAX + 1), -EMSGSIZE);
	settle();
	assert_int_equal(a->replies, 0);
}

static int do_post_receipt(struct myc_system *system, uint64_t *a)
{
	return myc_post_receipt(system, a[0], NUMBER, &a[1], 8, LONG);
}

CASE(a_thread_hears_that_its_message_was_taken)
{
	struct probe *b = spawn(THERE);
	uint64_t a[ERRAND_WORDS] = {b->address, 1};

	OK(at(HERE, do_post_receipt, a));
	expect_numbers(b, 1, 1);
	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(at(HERE, do_post_receipt, a), -ESRCH);
}

CASE(a_receipt_from_a_dead_process_is_enotconn_or_given_by_its_successor)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	settle();
	kill_place(THERE);
	int code = send_receipt(a, b, 2, SECOND);

	revive_place(THERE);
	if (!code) {
		SAW(a, REPLY, 1);
		assert_true(nth(a, REPLY, 0)->status == 0 || nth(a, REPLY, 0)->status == -ENOTCONN);
	}
	OK(send_number(a, b, 3));
	UNTIL(saw_number(b, 3));
	settle();
	assert_int_equal(a->replies, code ? 0 : 1);
}

/* ---- recipients -------------------------------------------------------------------------------- */

static int job_tell(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_recipient recipient, packed;
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	if (code)
		return code;
	recipient = myc_recipient_of(ref, OTHER, (uint32_t)a[2]);
	code = myc_recipient_unpack(self, myc_recipient_pack(&recipient), &packed);
	if (code)
		return code;
	return a[3] ? myc_try_tell(self, &packed, &a[1], 8) : myc_tell(self, &packed, &a[1], 8);
}

CASE(a_recipient_is_sent_its_one_type_of_its_size)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(let(a, job_tell, b->address, 11, 8, false));
	OK(let(a, job_tell, b->address, 12, 0, false)); /* any size */
	assert_int_equal(nth(b, MESSAGE, 1)->type, OTHER);
	assert_int_equal(nth(b, MESSAGE, 1)->number, 12);
	RESULT(let(a, job_tell, b->address, 13, 16, false), -EMSGSIZE);
	RESULT(let(a, job_tell, b->address, 13, 16, true), -EMSGSIZE);
	settle();
	OK(let(a, job_tell, b->address, 14, 8, true));
	SAW(b, MESSAGE, 3);
	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(let(a, job_tell, b->address, 15, 8, false), -ESRCH);
}

/* ---- weak references --------------------------------------------------------------------------- */

static int job_weak(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_weak weak;
	int code = myc_weak_of(self, a[0], &weak);

	if (!code)
		memcpy(&me->word[1], &weak, sizeof(weak));
	return code;
}
static int job_upgrade(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_weak weak;
	struct myc_ref ref;
	uint64_t number = a[1];

	memcpy(&weak, &me->word[1], sizeof(weak));
	int code = myc_weak_upgrade(self, &weak, (uint32_t)a[0], &ref);

	return code ? code : myc_send(self, &ref, NUMBER, &number, sizeof(number));
}

CASE(a_weak_reference_is_upgraded_while_its_actor_is_there)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(let(a, job_weak, b->address, 0, 0, 0));
	OK(let(a, job_upgrade, 0, 1, 0, 0));
	OK(let(a, job_upgrade, MYC_WEAK_RESTARTED, 2, 0, 0));
	expect_numbers(b, 1, 2);
	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(let(a, job_upgrade, 0, 3, 0, 0), -ESRCH);
	RESULT(let(a, job_upgrade, MYC_WEAK_RESTARTED, 3, 0, 0), -ESRCH);
	RESULT(let(a, job_weak, b->address, 0, 0, 0), -ESRCH);
	RESULT(let(a, job_weak, MYC_NOBODY, 0, 0, 0), -ESRCH);
}

CASE(a_weak_reference_knows_of_a_restart)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	OK(let(a, job_weak, b->address, 0, 0, 0));
	OK(fail_with(b, -EIO));
	UNTIL(b->starts == 2);
	RESULT(let(a, job_upgrade, 0, 1, 0, 0), -ESTALE);
	OK(let(a, job_upgrade, MYC_WEAK_RESTARTED, 1, 0, 0));
	OK(let(a, job_weak, b->address, 0, 0, 0)); /* of the new life */
	OK(let(a, job_upgrade, 0, 2, 0, 0));
	expect_numbers(b, 1, 2);
}

CASE(a_weak_reference_does_not_find_the_next_in_its_place)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(let(a, job_weak, b->address, 0, 0, 0));
	OK(stop_self(b));
	UNTIL(ended(b));
	for (int i = 0; i < 8; i++)
		spawn(THERE);
	RESULT(let(a, job_upgrade, MYC_WEAK_RESTARTED, 1, 0, 0), -ESRCH);
}

CASE(a_weak_reference_knows_of_its_process_restart)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);

	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	OK(let(a, job_weak, b->address, 0, 0, 0));
	kill_place(THERE);
	revive_place(THERE);
	UNTIL(b->starts == 2);
	RESULT(let(a, job_upgrade, 0, 2, 0, 0), -ESTALE);
	OK(let(a, job_upgrade, MYC_WEAK_RESTARTED, 2, 0, 0));
	expect_numbers(b, 1, 2);
}

const struct conform_case cases_reference[] = {
	{NAMED(a_receipt_tells_that_the_mailbox_has_taken_it)},
	{NAMED(taken_is_not_handled)},
	{NAMED(what_is_taken_and_dies_with_its_receiver_is_no_second_outcome)},
	{NAMED(receipts_stand_in_order_with_other_messages)},
	{NAMED(a_receipt_waits_for_credit_like_any_and_times_out)},
	{NAMED(a_receipt_of_one_that_has_ended_is_refused)},
	{NAMED(a_thread_hears_that_its_message_was_taken)},
	{DEADLY(a_receipt_from_a_dead_process_is_enotconn_or_given_by_its_successor)},
	{NAMED(a_recipient_is_sent_its_one_type_of_its_size)},
	{NAMED(a_weak_reference_is_upgraded_while_its_actor_is_there)},
	{NAMED(a_weak_reference_knows_of_a_restart)},
	{NAMED(a_weak_reference_does_not_find_the_next_in_its_place)},
	{DEADLY(a_weak_reference_knows_of_its_process_restart)},
	{0},
};
