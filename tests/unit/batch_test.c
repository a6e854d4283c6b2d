/* SPDX-License-Identifier: Apache-2.0 */
/* Many messages by one call, and how full mailboxes are. */
#include "probes.h"

#include <mycelium/mailbox.h>

#include "core/executor.h"

#define MANY 1000

struct numbered {
	uint32_t number;
	uint8_t fill[36];
};

static uint32_t size_of_each;

/* How many went. */
static int batch(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t range)
{
	static uint8_t payloads[MANY * sizeof(struct numbered)];
	uint32_t first = (uint32_t)range, count = (uint32_t)(range >> 32);
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t number = first + i;

		memcpy(payloads + i * size_of_each, &number, sizeof(number));
	}
	return code ? code : myc_send_batch(self, &ref, NUMBER, payloads, size_of_each, count);
}

static void expect_all(const struct probe *who, uint32_t count)
{
	wait_until(who->messages == count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(who->seen[i].message, i + 1);
}

CASE(a_batch_goes_as_far_as_there_is_credit_and_in_order)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = spawn(THERE);

	settle(a, to);
	size_of_each = 4;
	for (uint32_t sent = 0; sent < MANY;) {
		int n = let(a, batch, to->address, (sent + 1) | (uint64_t)(MANY - sent) << 32);

		assert_in_range(n, 0, 64); /* never beyond lane and credit */
		sent += (uint32_t)n;
	}
	expect_all(to, MANY);
	end();
}

CASE(payloads_of_every_size_come_whole)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = spawn(THERE);
	uint32_t sent = 0;

	settle(a, to);
	for (size_of_each = 4; size_of_each <= MYC_PAYLOAD_MAX; size_of_each += 4)
		for (uint32_t left = 20; left;) {
			int n = let(a, batch, to->address, (sent + 1) | (uint64_t)left << 32);

			assert_true(n >= 0);
			sent += (uint32_t)n;
			left -= (uint32_t)n;
		}
	expect_all(to, sent);
	end();
}

static int suspend_and_batch(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t range)
{
	int code = suspend(self, me, to, 0);

	return code ? code : batch(self, me, to, range);
}

/* In one handler: after it the sender is paused. */
static int pass_on_more(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t count)
{
	int code = 0;

	for (; !code && count; count--)
		code = pass_on(self, me, to, 900);
	return code;
}

CASE(a_batch_does_not_overtake_what_was_urgent_and_shows_in_the_depth)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = spawn(THERE);
	struct myc_mailbox_depth depth;

	settle(a, to);
	size_of_each = 4;
	assert_int_equal(let(a, suspend_and_batch, to->address, 1 | 10ull << 32), 10);
	settle(a, spawn(THERE));
	assert_int_equal(to->messages, 0);
	/* From its own process and from another. */
	for (int i = 0; i < 2; i++) {
		assert_int_equal(myc_mailbox_depth(systems[i], to->address, &depth), 0);
		assert_int_equal(depth.waiting, 10);
		assert_true(depth.waiting_max >= 10);
		assert_int_equal(depth.outbox, 0);
	}
	/* Those that wait for credit are the sender's. */
	assert_true(let(a, batch, to->address, 11 | 90ull << 32) <= 6);
	assert_int_equal(let(a, pass_on_more, to->address, 20), 0);
	assert_int_equal(myc_mailbox_depth(systems[0], a->address, &depth), 0);
	assert_true(depth.outbox > 0);
	assert_int_equal(let(spawn(HERE), resume, to->address, 0), 0);
	wait_until(!myc_mailbox_depth(systems[0], a->address, &depth) && !depth.outbox);
	wait_until(!myc_mailbox_depth(systems[0], to->address, &depth) && !depth.waiting);
	assert_int_equal(myc_mailbox_depth(systems[0], to->address + 1, &depth), -ESRCH);
	assert_int_equal(myc_mailbox_depth(systems[0], UINT64_MAX, &depth), -ESRCH);
	end();
}

static int wrong(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint8_t payload[64] = {0};
	struct myc_ref ref;

	(void)me;
	(void)b;
	assert_int_equal(myc_resolve(self, to, &ref), 0);
	assert_int_equal(myc_send_batch(self, &ref, NUMBER, payload, 41, 1), -EMSGSIZE);
	assert_int_equal(myc_send_batch(self, &ref, 0xff00, payload, 4, 1), -EINVAL);
	assert_int_equal(myc_send_batch(self, &ref, NUMBER, payload, 4, SIZE_MAX), -EINVAL);
	assert_int_equal(myc_send_batch(self, &ref, NUMBER, payload, 4, 0), 0);
	assert_int_equal(myc_send_batch(self, &ref, SETTLE, NULL, 0, 3), 3);
	ref.address += 1;
	return myc_send_batch(self, &ref, NUMBER, payload, 4, 1);
}

CASE(a_batch_that_cannot_be_is_refused)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = spawn(THERE);

	settle(a, to);
	uint32_t before = to->settled;

	assert_int_equal(let(a, wrong, to->address, 0), -ESRCH);
	wait_until(to->settled == before + 3);
	assert_int_equal(to->messages, 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_batch_goes_as_far_as_there_is_credit_and_in_order),
		EVERYWHERE(payloads_of_every_size_come_whole),
		EVERYWHERE(a_batch_does_not_overtake_what_was_urgent_and_shows_in_the_depth),
		EVERYWHERE(a_batch_that_cannot_be_is_refused),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
