/* SPDX-License-Identifier: Apache-2.0 */
/* Receipts: the sender is told that its message was taken, or why not; recipients and weak references. */
#include "unit/probes.h"

#include <mycelium/receipt.h>
#include <mycelium/recipient.h>

#include <mycelium/abi/lane.h>

#include <pthread.h>

#define SOON 3000000ull

/* What came to the reply hook. */
static struct myc_reply got[4096];
static _Atomic uint32_t gots;

static int note_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	assert_true(gots < 4096);
	got[gots] = *reply;
	gots++;
	return 0;
}

/* Nobody may see that a message has a receipt. */
static int plain_message(struct myc_actor *self, const struct myc_message *message)
{
	assert_int_equal(message->correlation, 0);
	assert_int_equal(message->flags & ~MYC_MESSAGE_REDELIVERED, 0);
	return probe_message(self, message);
}

static const struct myc_behaviour sender = {.name = "sender",
					    .capacity_per_sender = 16,
					    .init = probe_init,
					    .message = plain_message,
					    .reply = note_reply,
					    .signal = probe_signal};

static int send_receipt(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t value)
{
	uint32_t message = (uint32_t)value;
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	return code ? code
		    : myc_send_receipt(self, &ref, NUMBER, &message, sizeof(message),
				       value >> 32 ? SOON : MYC_FOREVER, value, NULL);
}

static int ask_in_vain(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me, (void)b;
	return code ? code : myc_ask(self, &ref, SETTLE, NULL, 0, SOON, 1, NULL);
}

static void fresh(void **state)
{
	begin(state);
	gots = 0;
}

static struct probe *spawn_sender(int where)
{
	return spawn_as(where, &sender, NULL, 5);
}

/* The receiver is suspended and has given all its credit: the last of these numbers waits at the sender, which pauses. */
#define ONE_TOO_MANY 17
static void send_one_too_many(struct probe *a, struct probe *b, struct probe *helper)
{
	settle(a, b);
	hold(helper, b);
	for (uint32_t i = 1; i <= ONE_TOO_MANY; i++)
		assert_int_equal(let(a, send_receipt, b->address, i), 0);
	wait_until(gots == ONE_TOO_MANY - 1);
}

/* ---- receipts ------------------------------------------------------------------------------------ */

CASE(a_message_that_is_handled_at_once_is_receipted)
{
	fresh(state);
	struct probe *a = spawn_sender(HERE), *b = spawn_sender(THERE);

	for (uint32_t i = 1; i <= 20; i++) {
		assert_int_equal(let(a, send_receipt, b->address, i), 0);
		wait_until(gots == i);
		assert_int_equal(got[i - 1].status, 0);
		assert_int_equal(got[i - 1].kind, MYC_REPLY_RECEIPT);
		assert_int_equal(got[i - 1].cookie, i);
		assert_true(got[i - 1].asked == b->address);
		wait_until(b->messages == i);
		assert_int_equal(b->seen[i - 1].message, i);
	}
	/* An ask in the same place is an ask. */
	struct probe *c = spawn(THERE);

	for (uint32_t i = 0; i < 1100; i++) {
		assert_int_equal(let(a, send_receipt, b->address, 0), 0);
		wait_until(gots == 21 + i);
	}
	assert_int_equal(let(a, ask_in_vain, c->address, 0), 0);
	wait_until(gots == 1121);
	assert_int_equal(got[1120].status, -ETIMEDOUT);
	assert_int_equal(got[1120].kind, MYC_REPLY_ONE);
	end();
}

CASE(a_message_that_waits_in_the_mailbox_is_taken_before_it_is_handled)
{
	fresh(state);
	struct probe *a = spawn_sender(HERE), *b = spawn_sender(THERE);

	settle(a, b);
	assert_int_equal(let(a, suspend, b->address, 0), 0);
	for (uint32_t i = 1; i <= 5; i++)
		assert_int_equal(let(a, send_receipt, b->address, i), 0);
	wait_until(gots == 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(got[i].status, 0);
	assert_int_equal(b->messages, 0);
	assert_int_equal(let(a, resume, b->address, 0), 0);
	wait_until(b->messages == 5);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(b->seen[i].message, i + 1);
	settle(a, b);
	assert_int_equal(gots, 5); /* once each */
	end();
}

CASE(one_that_waits_for_credit_is_receipted_when_it_gets_there)
{
	fresh(state);
	struct probe *a = spawn_sender(HERE), *b = spawn_sender(THERE), *helper = spawn(HERE);

	send_one_too_many(a, b, helper);
	settle(helper, spawn(THERE));
	assert_int_equal(gots, 16);
	assert_int_equal(let(helper, resume, b->address, 0), 0);
	wait_until(gots == 17);
	assert_int_equal(got[16].status, 0);
	wait_until(b->messages == 17);
	end();
}

CASE(one_that_finds_nobody_is_refused)
{
	fresh(state);
	struct probe *a = spawn_sender(HERE), *b = spawn_sender(THERE), *helper = spawn(HERE);

	send_one_too_many(a, b, helper);
	assert_int_equal(let(helper, send_stop, b->address, MYC_STOP_KILL), 0);
	wait_until(gots == 17); /* it was in the outbox */
	assert_int_equal(got[16].status, -ESRCH);
	assert_int_equal(got[16].kind, MYC_REPLY_RECEIPT);
	assert_int_equal(let(a, send_receipt, b->address, 18), -ESRCH);
	settle(a, helper);
	assert_int_equal(gots, 17);
	end();
}

CASE(a_receiver_whose_executor_does_not_come_to_it_is_a_timeout)
{
	if ((enum place)(uintptr_t)*state == ONE_EXECUTOR)
		skip(); /* nobody else runs while a handler does */
	fresh(state);
	struct probe *a = spawn_sender(HERE), *b = spawn_sender(THERE);

	settle(a, b);
	b->stuck = true;
	number(b, 1);
	wait_until(b->messages == 1);
	assert_int_equal(let(a, send_receipt, b->address, 1ull << 32 | 7), 0);
	wait_until(gots == 1);
	assert_int_equal(got[0].status, -ETIMEDOUT);
	b->stuck = false;
	wait_until(b->messages == 2);
	settle(a, b);
	assert_int_equal(gots, 1);
	end();
}

CASE(restarts_of_either_side_lose_no_message_and_tell_nothing_twice)
{
	fresh(state);
	struct probe *a = spawn_sender(HERE), *b = spawn_sender(THERE);

	settle(a, b);
	assert_int_equal(let(a, suspend, b->address, 0), 0);
	assert_int_equal(let(a, send_receipt, b->address, 1), 0);
	wait_until(gots == 1);
	let(a, go_wrong, 0, 0);
	wait_until(a->inits == 2);
	assert_int_equal(let(a, send_receipt, b->address, 2), 0);
	wait_until(gots == 2);
	assert_int_equal(got[1].cookie, 2);
	assert_int_equal(let(a, resume, b->address, 0), 0);
	wait_until(b->messages == 2);
	let(b, go_wrong, 0, 0);
	wait_until(b->inits == 2);
	assert_int_equal(let(a, send_receipt, b->address, 3), 0);
	wait_until(gots == 3 && b->messages == 3);
	end();
}

CASE(the_death_of_the_receivers_process_is_told_or_times_out)
{
	fresh(state);
	struct probe *a = spawn_sender(HERE), *b = spawn_sender(THERE);

	settle(a, b);
	b->stuck = true;
	number(b, 1);
	wait_until(b->messages == 1);
	process_lives[0][1] = false;
	assert_int_equal(let(a, send_receipt, b->address, 1ull << 32 | 7), 0);
	wait_until(gots == 1);
	assert_true(got[0].status == -ENOTCONN || got[0].status == -ETIMEDOUT);
	process_lives[0][1] = true;
	b->stuck = false;
	wait_until(b->messages == 2);
	end();
}

static _Atomic int said;

static void *calls(void *to)
{
	struct myc_answer answer;

	said = myc_call(systems[0], ((struct probe *)to)->address, SETTLE, NULL, 0, &answer,
			MYC_FOREVER);
	return NULL;
}

static int ask_for_ever(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me, (void)b;
	return code ? code : myc_ask(self, &ref, SETTLE, NULL, 0, MYC_FOREVER, 1, NULL);
}

/* A restart that is over before anybody looked whether the process is alive. */
CASE(nobody_waits_for_ever_for_a_process_that_was_restarted)
{
	struct myc_process_words *words;
	pthread_t thread;

	fresh(state);
	struct probe *a = spawn_sender(HERE), *b = spawn_sender(THERE), *c = spawn(THERE);

	settle(a, b);
	assert_int_equal(let(a, ask_for_ever, c->address, 0), 0);
	said = 1;
	assert_int_equal(pthread_create(&thread, NULL, calls, c), 0);
	wait_until(c->settled == 2);
	words = myc_region_block(&region[1][1], MYC_BLOCK_PROCESS, 0, NULL);
	__atomic_add_fetch(&words->incarnation, 1, __ATOMIC_RELAXED);
	wait_until(said < 1);
	assert_int_equal(said, -ENOTCONN);
	assert_int_equal(pthread_join(thread, NULL), 0);
	wait_until(gots == 1);
	assert_int_equal(got[0].status, -ENOTCONN);
	/* Asks of the new life are no business of the former's end. */
	assert_int_equal(let(a, send_receipt, b->address, 8), 0);
	wait_until(gots == 2);
	assert_int_equal(got[1].status, 0);
	end();
}

CASE(a_thread_is_told_too)
{
	uint32_t value = 9;

	fresh(state);
	struct probe *a = spawn(HERE), *b = spawn_sender(THERE);

	hold(a, b);
	assert_int_equal(
		myc_post_receipt(systems[0], b->address, NUMBER, &value, sizeof(value), SECOND), 0);
	assert_int_equal(b->messages, 0);
	assert_int_equal(let(a, send_stop, b->address, MYC_STOP_KILL), 0);
	assert_int_equal(myc_actor_wait(systems[0], b->address, SECOND), 0);
	assert_int_equal(
		myc_post_receipt(systems[0], b->address, NUMBER, &value, sizeof(value), SECOND),
		-ESRCH);
	assert_int_equal(myc_post_receipt(systems[0], b->address, NUMBER, &value, 41, SECOND),
			 -EMSGSIZE);
	assert_int_equal(myc_post_receipt(systems[0], b->address, 0xff00, &value, 4, SECOND),
			 -EINVAL);
	end();
}

/* ---- recipients ---------------------------------------------------------------------------------- */

static struct myc_recipient_wire wire;

static int tell_it(struct myc_actor *self, struct probe *me, uint64_t value, uint64_t size)
{
	uint32_t message[2] = {(uint32_t)value, 0};
	struct myc_recipient to;
	int code = myc_recipient_unpack(self, wire, &to);

	(void)me;
	if (!code && value % 2)
		code = myc_try_tell(self, &to, message, size);
	else if (!code)
		code = myc_tell(self, &to, message, size);
	return code;
}

CASE(a_recipient_takes_its_one_message_from_whoever_has_it)
{
	fresh(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);
	struct myc_recipient of =
		myc_recipient_of((struct myc_ref){.address = b->address}, NUMBER, 4);

	wire = myc_recipient_pack(&of);
	settle(a, b);
	assert_int_equal(let(a, tell_it, 1, 4), 0);
	assert_int_equal(let(a, tell_it, 2, 4), 0);
	assert_int_equal(let(a, tell_it, 3, 8), -EMSGSIZE);
	assert_int_equal(let(a, tell_it, 4, 8), -EMSGSIZE);
	wait_until(b->messages == 2);
	assert_int_equal(b->seen[1].message, 2);
	let(b, leave, 0, 0);
	assert_int_equal(myc_actor_wait(systems[0], b->address, SECOND), 0);
	assert_int_equal(let(a, tell_it, 2, 4), -ESRCH);
	end();
}

/* ---- weak references ------------------------------------------------------------------------------ */

static struct myc_weak weak;

static int make_weak(struct myc_actor *self, struct probe *me, uint64_t of, uint64_t b)
{
	(void)me, (void)b;
	return myc_weak_of(self, of, &weak);
}

static int upgrade(struct myc_actor *self, struct probe *me, uint64_t flags, uint64_t value)
{
	uint32_t message = (uint32_t)value;
	struct myc_ref ref;
	int code = myc_weak_upgrade(self, &weak, (uint32_t)flags, &ref);

	(void)me;
	return code ? code : myc_send(self, &ref, NUMBER, &message, sizeof(message));
}

CASE(a_weak_reference_is_good_while_its_actor_is_what_it_was)
{
	fresh(state);
	struct probe *a = spawn(HERE), *b = spawn_sender(THERE);

	assert_int_equal(let(a, make_weak, b->address, 0), 0);
	assert_int_equal(let(a, upgrade, 0, 1), 0);
	wait_until(b->messages == 1);
	let(b, go_wrong, 0, 0);
	wait_until(b->inits == 2);
	assert_int_equal(let(a, upgrade, 0, 2), -ESTALE);
	assert_int_equal(let(a, upgrade, MYC_WEAK_RESTARTED, 3), 0);
	wait_until(b->messages == 2);
	let(b, leave, 0, 0);
	assert_int_equal(myc_actor_wait(systems[0], b->address, SECOND), 0);
	assert_int_equal(let(a, upgrade, MYC_WEAK_RESTARTED, 4), -ESRCH);
	assert_int_equal(let(a, make_weak, b->address, 0), -ESRCH);
	/* Another one in the same slot is another. */
	uint64_t old = weak.address;

	for (int i = 0; i < 2000 && weak.address == old; i++) {
		struct probe *next = spawn(THERE);

		probes--;
		if (myc_address_slot(next->address) == myc_address_slot(old))
			break;
		assert_int_equal(myc_actor_stop(systems[0], next->address, MYC_STOP_KILL, SECOND),
				 0);
	}
	assert_int_equal(let(a, upgrade, MYC_WEAK_RESTARTED, 5), -ESRCH);
	assert_int_equal(let(a, make_weak, myc_address_make(0, 9, 1, 1), 0), -ESRCH);
	assert_int_equal(let(a, make_weak, myc_address_make(1, 0, 1, 1), 0), -ESRCH);
	end();
}

CASE(a_weak_reference_ends_with_its_process)
{
	fresh(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	assert_int_equal(let(a, make_weak, b->address, 0), 0);
	process_lives[0][1] = false;
	assert_int_equal(let(a, upgrade, MYC_WEAK_RESTARTED, 1), -ESRCH);
	process_lives[0][1] = true;
	assert_int_equal(let(a, upgrade, 0, 1), 0);
	weak.incarnation++; /* as if it had been another life of the process */
	assert_int_equal(let(a, upgrade, 0, 1), -ESTALE);
	assert_int_equal(let(a, upgrade, MYC_WEAK_RESTARTED, 1), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_message_that_is_handled_at_once_is_receipted),
		EVERYWHERE(a_message_that_waits_in_the_mailbox_is_taken_before_it_is_handled),
		EVERYWHERE(one_that_waits_for_credit_is_receipted_when_it_gets_there),
		EVERYWHERE(one_that_finds_nobody_is_refused),
		EVERYWHERE(a_receiver_whose_executor_does_not_come_to_it_is_a_timeout),
		EVERYWHERE(restarts_of_either_side_lose_no_message_and_tell_nothing_twice),
		IN(the_death_of_the_receivers_process_is_told_or_times_out, TWO_PROCESSES),
		IN(nobody_waits_for_ever_for_a_process_that_was_restarted, TWO_PROCESSES),
		EVERYWHERE(a_thread_is_told_too),
		EVERYWHERE(a_recipient_takes_its_one_message_from_whoever_has_it),
		EVERYWHERE(a_weak_reference_is_good_while_its_actor_is_what_it_was),
		IN(a_weak_reference_ends_with_its_process, TWO_PROCESSES),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
