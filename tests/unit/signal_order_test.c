/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals that wait for their sender's older messages: they keep their order with what that one says and with its end,
 * and hold up nobody else's. See core/signal.h.
 */
#include "common/spawn.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

enum { PAY = 1, WATCH, END, ASK, AWAIT, QUESTION };

static myc_address wall, payer, mortal, bystander;
static struct myc_signal_event seen[4];
static uint32_t count;

/* Its second message has no credit, so it is paused, and what it says then waits behind that. */
static int pay(struct myc_actor *self, const struct myc_message *message)
{
	const struct myc_exit_reason reason = {.kind = MYC_EXIT_USER, .code = 3};
	struct myc_ref ref;
	int code = message->type == PAY ? myc_resolve(self, wall, &ref) : 0;

	for (int i = 0; i < 2 && message->type == PAY && !code; i++)
		code = myc_send(self, &ref, PAY, NULL, 0);
	if (message->type == PAY && !code)
		code = myc_exit_send(self, bystander, reason);
	if (message->type == END)
		myc_stop(self);
	return code;
}

static int watch(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type != WATCH)
		return 0;
	return myc_trap_exit(self, true)
		       ?: myc_monitor(self, payer, 0, NULL) ?: myc_monitor(self, mortal, 0, NULL);
}

static int note(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	if (count < 4)
		seen[count] = *event;
	count++;
	return 0;
}

static const struct myc_behaviour payer_behaviour = {.name = "payer", .message = pay};
static const struct myc_behaviour wall_behaviour = {.name = "wall", .capacity_per_sender = 1};
static const struct myc_behaviour bystander_behaviour = {
	.name = "bystander", .message = watch, .signal = note};

static void a_paused_ones_signals_hold_up_nobody_elses_end_and_come_before_its_own(void **state)
{
	static const struct myc_system_opts two = {.sz = sizeof(two), .executors = 2};

	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		const struct myc_testkit_opts opts = {
			.sz = sizeof(opts), .seed = seed, .system = &two};
		struct myc_testkit *kit;

		assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
		struct myc_system *system = myc_testkit_system(kit, 0);

		count = 0;
		wall = spawn(system, &wall_behaviour, NULL, 0);
		bystander = spawn(system, &bystander_behaviour, NULL, 0);
		payer = spawn(system, &payer_behaviour, NULL, 1);
		mortal = spawn(system, &payer_behaviour, NULL, 1);
		assert_int_equal(myc_testkit_post(kit, bystander, WATCH, NULL, 0), 0);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		while (myc_actor_suspend(system, wall) == -EAGAIN)
			myc_testkit_step(kit);
		assert_int_equal(myc_testkit_post(kit, payer, PAY, NULL, 0), 0);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(count, 0);
		/* Another one's end is told, */
		assert_int_equal(myc_testkit_post(kit, mortal, END, NULL, 0), 0);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(count, 1);
		assert_int_equal(seen[0].kind, MYC_EVENT_DOWN);
		assert_int_equal(seen[0].from, mortal);
		/* its own behind what it said, */
		while (myc_actor_stop(system, payer, MYC_STOP_KILL, 0) == -EAGAIN)
			myc_testkit_step(kit);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(count, 1);
		/* which goes when its messages have gone. */
		while (myc_actor_resume(system, wall) == -EAGAIN)
			myc_testkit_step(kit);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(count, 3);
		assert_int_equal(seen[1].kind, MYC_EVENT_EXIT);
		assert_int_equal(seen[1].from, payer);
		assert_int_equal(seen[1].reason.code, 3);
		assert_int_equal(seen[2].kind, MYC_EVENT_DOWN);
		assert_int_equal(seen[2].reason.kind, MYC_EXIT_KILLED);
		myc_testkit_close(kit);
	}
}

/* ---- replies ------------------------------------------------------------------------------------- */

static myc_address replier;
static uint32_t replies;

/* Its second message has no credit: the reply is younger. */
static int pay_and_reply(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref ref;
	int code = myc_resolve(self, wall, &ref);

	for (int i = 0; i < 2 && !code; i++)
		code = myc_send(self, &ref, PAY, NULL, 0);
	return code ? code : myc_reply(self, message, PAY, NULL, 0);
}

static int ask(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref ref;
	int code = myc_resolve(self, replier, &ref);

	if (code)
		return code;
	return message->type == AWAIT
		       ? myc_ask_await(self, &ref, QUESTION, NULL, 0, MYC_FOREVER, 0, NULL, NULL)
		       : myc_ask(self, &ref, QUESTION, NULL, 0, MYC_FOREVER, 0, NULL);
}

static int count_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	replies += !reply->status;
	return 0;
}

static const struct myc_behaviour replier_behaviour = {.name = "replier", .message = pay_and_reply};
static const struct myc_behaviour asker_behaviour = {
	.name = "asker", .message = ask, .reply = count_reply};

static void a_reply_waits_for_all_that_its_sender_has_in_the_outbox_unless_it_is_awaited(
	void **state)
{
	static const struct myc_system_opts two = {.sz = sizeof(two), .executors = 2};

	(void)state;
	for (uint64_t seed = 1; seed <= 16; seed++) {
		const struct myc_testkit_opts opts = {
			.sz = sizeof(opts), .seed = seed, .system = &two};
		uint16_t how = seed % 2 ? ASK : AWAIT;
		struct myc_testkit *kit;

		assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
		struct myc_system *system = myc_testkit_system(kit, 0);

		replies = 0;
		wall = spawn(system, &wall_behaviour, NULL, seed / 2 % 2);
		replier = spawn(system, &replier_behaviour, NULL, 1);
		myc_address asker = spawn(system, &asker_behaviour, NULL, seed / 4 % 2);

		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		while (myc_actor_suspend(system, wall) == -EAGAIN)
			myc_testkit_step(kit);
		assert_int_equal(myc_testkit_post(kit, asker, how, NULL, 0), 0);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(replies, how == AWAIT);
		while (myc_actor_resume(system, wall) == -EAGAIN)
			myc_testkit_step(kit);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(replies, 1);
		myc_testkit_close(kit);
	}
}

/* ---- the queue -------------------------------------------------------------------------------- */

static uint32_t paid;

/* Word of its restart waits, for all who watch it, for its second message; that for the first to be handled; and this for
 * what lies before it in the lane: a watch of a life that is over by then, which is to be answered. */
static int pay_and_fail(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref ref;
	int code = myc_resolve(self, mortal, &ref)
			   ?: myc_send(self, &ref, END, NULL, 0)
			   ?: myc_monitor(self, mortal, 0, NULL) ?: myc_resolve(self, wall, &ref);

	(void)message;
	for (int i = 0; i < 2 && !code; i++)
		code = myc_send(self, &ref, PAY, NULL, 0);
	return code ? code : -EIO;
}

static int no_more_of_this_life(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	(void)event;
	fail_msg("what was watched before a restart was told after it");
	return 0;
}

static int fail_at_once(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return -EIO;
}

static int be_paid(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	paid++;
	return 0;
}

static int watch_payer(struct myc_actor *self)
{
	return myc_monitor(self, payer, 0, NULL);
}

static const struct myc_behaviour failing = {
	.name = "failing", .message = pay_and_fail, .signal = no_more_of_this_life};
static const struct myc_behaviour frail = {.name = "frail", .message = fail_at_once};
static const struct myc_behaviour taking = {
	.name = "taking", .capacity_per_sender = 1, .message = be_paid};
static const struct myc_behaviour watching = {
	.name = "watching", .started = watch_payer, .signal = note};

static void what_waits_for_messages_leaves_room_for_answers(void **state)
{
	static const struct myc_executor_opts narrow[2] = {{.core = -1, .signals = 1},
							   {.core = -1, .signals = 1}};
	static const struct myc_system_opts two = {
		.sz = sizeof(two), .executors = 2, .executor = narrow};

	(void)state;
	for (uint64_t seed = 1; seed <= 8; seed++) {
		const struct myc_testkit_opts opts = {
			.sz = sizeof(opts), .seed = seed, .system = &two};
		struct myc_testkit *kit;

		assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
		struct myc_system *system = myc_testkit_system(kit, 0);

		count = paid = 0;
		wall = spawn(system, &taking, NULL, 0);
		payer = spawn(system, &failing, NULL, 0);
		mortal = spawn(system, &frail, NULL, 0);
		for (uint32_t executor = 0; executor < 2; executor++)
			spawn(system, &watching, NULL, executor);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(myc_testkit_post(kit, payer, PAY, NULL, 0), 0);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(paid, 2);
		assert_int_equal(count, 2); /* of the restart, here and there */
		myc_testkit_close(kit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			a_paused_ones_signals_hold_up_nobody_elses_end_and_come_before_its_own),
		cmocka_unit_test(
			a_reply_waits_for_all_that_its_sender_has_in_the_outbox_unless_it_is_awaited),
		cmocka_unit_test(what_waits_for_messages_leaves_room_for_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
