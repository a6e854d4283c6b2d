/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies, and word of who has a request now, that a process wrote over before the asker looked: what cannot be is the
 * end of its lane, or, where the buffer is a third's, an outcome that says so; the asker's process keeps nothing of it,
 * and hears others. In the deterministic runtime: three processes, of which the middle one lies.
 *
 *	process 2: lender -- a body --> process 1: liar -- replies, a body of its own or that one --> process 0: asker
 */
#include "unit/liar_bed.h"

#include <mycelium/abi/signal.h>

#include "core/body.h"

#define SECOND 1000000000ull
#define SEEDS  3

enum { QUESTION = 1, BODY, ANSWER, LEND };
enum { NOTHING_CAME = 1 };

/* What it writes over, and what comes of it. */
struct lie {
	const char *name;
	void (*write)(struct myc_slot *slot, struct myc_carried *carried);
	enum { OWN, LENT, SMALL, ERROR, PASSED_ON } what;
	int status; /* of the outcome; NOTHING_CAME: there is none */
	bool cut;
	int letter; /* enum myc_dead_letter, -1: none */
};

static myc_address liar_address, lender_address;
static bool awaits;
static struct myc_reply_to reply_to;
static const struct lie *lie;
static uint32_t asked, told;
static int status;

/* ---- actors ------------------------------------------------------------------------------------ */

static int lend(struct myc_actor *self, const struct myc_message *message)
{
	static const uint8_t bytes[SIZE] = {1};
	struct myc_ref to;
	int code = myc_resolve(self, liar_address, &to);

	if (message->type == QUESTION)
		return myc_reply(self, message, ANSWER, bytes, sizeof(bytes));
	return code ? code : myc_send(self, &to, BODY, bytes, sizeof(bytes));
}

static const struct myc_behaviour lender = {.name = "lender", .message = lend};

/* The newest of its lane to the asker. */
static void write_over(struct myc_actor *self)
{
	struct myc_slot *slot = slot_sent(self, 0, 0);
	struct myc_carried carried;

	memcpy(&carried, slot->payload, sizeof(carried));
	lie->write(slot, &carried);
	memcpy(slot->payload, &carried, sizeof(carried));
}

static int answer(struct myc_actor *self, const struct myc_message *message)
{
	static struct myc_body kept;
	uint8_t bytes[SIZE] = {2};
	struct myc_ref to;
	int code;

	if (message->type == BODY)
		return myc_body_keep(self, message, &kept);
	code = myc_reply_keep(message, &reply_to);
	if (code)
		return code;
	if (lie->what == LENT)
		code = myc_reply_body(self, &reply_to, ANSWER, &kept);
	else if (lie->what == OWN)
		code = myc_reply(self, message, ANSWER, bytes, sizeof(bytes));
	else if (lie->what == SMALL)
		code = myc_reply(self, message, ANSWER, bytes, 8);
	else if (lie->what == PASSED_ON)
		code = myc_resolve(self, lender_address, &to) || myc_forward(self, message, &to);
	else
		code = myc_reply_error(self, &reply_to, -EIO);
	if (!code && lie->write)
		write_over(self);
	return code;
}

static const struct myc_behaviour liar = {.name = "liar", .message = answer};

/* Asks whom it is told. */
static int ask(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to;
	myc_address whom;

	memcpy(&whom, message->payload, sizeof(whom));
	int code = myc_resolve(self, whom, &to);

	if (code)
		return code;
	return awaits ? myc_ask_await(self, &to, QUESTION, NULL, 0, MYC_FOREVER, ++asked, NULL,
				      NULL)
		      : myc_ask(self, &to, QUESTION, NULL, 0, MYC_FOREVER, ++asked, NULL);
}

static int outcome(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	assert_int_equal(reply->cookie, asked);
	told++;
	status = reply->status;
	if (!status)
		assert_int_equal(reply->size, SIZE);
	return 0;
}

static const struct myc_behaviour asker = {.name = "asker", .message = ask, .reply = outcome};

/* ---- lies -------------------------------------------------------------------------------------- */

static void too_short(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->size = 8;
}
static void too_long(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->size = MYC_LANE_PAYLOAD;
}
static void beyond_the_slot(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->size = 255;
}
static void weightless(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	carried->reference.weight = 0;
}
static void too_heavy(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	carried->reference.weight = MYC_WEIGHT_FULL + 1;
}
static void no_such_buffer(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	carried->reference.buffer |= 0xffffff;
}
static void no_such_class(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	carried->reference.buffer |= 0xff000000;
}
static void larger_than_its_buffer(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	carried->reference.size = UINT32_MAX;
}
static void behind_its_buffer(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	carried->reference.offset = UINT32_MAX - SIZE + 1;
}
static void of_no_process(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	carried->reference.process = 60000;
}
static void of_no_source(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	carried->reference.source = 60000;
}
static void an_error_with_a_body(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->type = MYC_SIGNAL_REPLY_ERROR;
}
static void an_end_with_a_body(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->type = MYC_SIGNAL_DEAD;
}
static void a_threads(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->type = MYC_SIGNAL_CALL_REPLY;
	slot->to = UINT32_MAX;
}
static void anothers(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->to++;
}
static void of_another_ask(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->correlation ^= 0x00f00000;
}
static void of_the_frameworks_types(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->generation = MYC_SIGNAL_GIVEN;
}
static void of_the_last_type(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->generation = UINT16_MAX;
}
static void no_error(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->generation = 0;
}
static void no_errno(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->generation = 4096;
}
static void far_from_any_errno(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)carried;
	slot->generation = UINT16_MAX;
}

static void said(struct myc_carried *carried, struct myc_signal_moved moved)
{
	memcpy(carried, &moved, sizeof(moved));
}
static void passed_to_nobody(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	said(carried, (struct myc_signal_moved){.whom = MYC_NOBODY});
}
static void passed_to_everybody(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	said(carried, (struct myc_signal_moved){.whom = UINT64_MAX, .incarnation = UINT32_MAX});
}
static void passed_to_no_slot(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	said(carried, (struct myc_signal_moved){.whom = myc_address_make(0, 2, 0xfffff, 7),
						.incarnation = 1});
}
static void passed_to_a_life_that_never_was(struct myc_slot *slot, struct myc_carried *carried)
{
	(void)slot;
	said(carried, (struct myc_signal_moved){.whom = lender_address, .incarnation = 77});
}

#define CUT   NOTHING_CAME, true, -1
#define SAYS  -EPROTO, false, -1
#define GOES  NOTHING_CAME, false
#define IS(x) #x, x

static const struct lie truth = {.name = "the truth", .letter = -1};
static const struct lie lies[] = {
	{IS(too_short), OWN, CUT},
	{IS(too_long), OWN, CUT},
	{IS(too_long), LENT, CUT},
	{IS(beyond_the_slot), OWN, CUT},
	{IS(weightless), OWN, CUT},
	{IS(weightless), LENT, SAYS},
	{IS(too_heavy), OWN, CUT},
	{IS(no_such_buffer), OWN, CUT},
	{IS(no_such_buffer), LENT, SAYS},
	{IS(no_such_class), OWN, CUT},
	{IS(no_such_class), LENT, SAYS},
	{IS(larger_than_its_buffer), OWN, CUT},
	{IS(larger_than_its_buffer), LENT, SAYS},
	{IS(behind_its_buffer), OWN, CUT},
	{IS(behind_its_buffer), LENT, SAYS},
	{IS(of_no_process), OWN, CUT},
	{IS(of_no_process), LENT, CUT},
	{IS(of_no_source), OWN, CUT},
	{IS(of_no_source), LENT, CUT},
	{IS(an_error_with_a_body), OWN, GOES, MYC_DEAD_LETTER_FRAMEWORK_TYPE},
	{IS(an_error_with_a_body), LENT, GOES, MYC_DEAD_LETTER_FRAMEWORK_TYPE},
	{IS(an_end_with_a_body), OWN, GOES, MYC_DEAD_LETTER_FRAMEWORK_TYPE},
	{IS(a_threads), OWN, GOES, MYC_DEAD_LETTER_LATE_REPLY},
	{IS(a_threads), LENT, GOES, MYC_DEAD_LETTER_LATE_REPLY},
	{IS(anothers), OWN, GOES, MYC_DEAD_LETTER_LATE_REPLY},
	{IS(of_another_ask), LENT, GOES, MYC_DEAD_LETTER_LATE_REPLY},
	{IS(of_the_frameworks_types), SMALL, SAYS},
	{IS(of_the_frameworks_types), OWN, SAYS},
	{IS(of_the_frameworks_types), LENT, SAYS},
	{IS(of_the_last_type), SMALL, SAYS},
	{IS(of_the_last_type), OWN, SAYS},
	{IS(no_error), ERROR, SAYS},
	{IS(no_errno), ERROR, SAYS},
	{IS(far_from_any_errno), ERROR, SAYS},
	{IS(too_short), PASSED_ON, 0, false, -1},
	{IS(too_long), PASSED_ON, 0, false, -1},
	{IS(beyond_the_slot), PASSED_ON, 0, true, -1},
	{IS(anothers), PASSED_ON, 0, false, -1},
	{IS(of_another_ask), PASSED_ON, 0, false, -1},
	{IS(passed_to_nobody), PASSED_ON, 0, false, -1},
	{IS(passed_to_everybody), PASSED_ON, 0, false, -1},
	{IS(passed_to_no_slot), PASSED_ON, 0, false, -1},
	{IS(passed_to_a_life_that_never_was), PASSED_ON, 0, false, -1},
};

/* ------------------------------------------------------------------------------------------------- */

static void ask_of(struct myc_testkit *kit, myc_address whom, myc_address who)
{
	told = 0;
	tell(kit, whom, QUESTION, &who, sizeof(who));
}

static void play(uint64_t seed, const struct lie *told_lie)
{
	const struct myc_behaviour *const as[PROCESSES] = {&asker, &liar, &lender};
	myc_address address[PROCESSES];
	struct myc_testkit *kit = open_kit(seed, as, address);

	liar_address = address[1];
	lender_address = address[2];
	asked = 0;
	lie = &truth;
	ask_of(kit, address[0], address[1]); /* the lanes are there */
	assert_int_equal(told, 1);
	assert_int_equal(status, 0);
	lie = told_lie;
	if (lie->what == LENT)
		tell(kit, address[2], LEND, NULL, 0);
	const struct myc_executor_words *words = executor_of(kit, 0)->words;

	ask_of(kit, address[0], address[1]);
	assert_int_equal(told, lie->status != NOTHING_CAME);
	assert_true(!told || status == lie->status);
	assert_int_equal(cut_off(kit, 0), lie->cut);
	if (lie->letter >= 0)
		assert_int_equal(words->dead_letters[lie->letter], 1);
	assert_int_equal(executor_of(kit, 0)->out.pool.loans_used, 0);
	/* What was not spoilt of it is home. */
	if (!lie->cut && (lie->status == NOTHING_CAME || lie->what == OWN))
		assert_int_equal(out(kit, 1) + out(kit, 2), 0);
	/* Its successor takes back what nobody read; who waits for it is told. */
	assert_int_equal(myc_testkit_crash(kit, 1), 0);
	assert_int_equal(myc_testkit_advance(kit, 2 * SECOND), 0);
	assert_int_equal(told, 1);
	assert_true(lie->status != NOTHING_CAME || status == -ENOTCONN);
	/* Others are heard as ever. */
	ask_of(kit, address[0], address[2]);
	assert_int_equal(told, 1);
	assert_int_equal(status, 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(executor_of(kit, 0)->out.pool.loans_used, 0);
	myc_testkit_close(kit);
}

static void what_cannot_be_harms_nobody_but_who_sent_it(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		print_message("  %s\n", lies[i].name);
		for (uint64_t seed = 1; seed <= SEEDS; seed++) {
			awaits = seed % 2;
			play(seed, &lies[i]);
		}
	}
}

static void a_threads_call_is_told_as_well(void **state)
{
	const struct myc_behaviour *const as[PROCESSES] = {&asker, &liar, &lender};
	uint8_t bytes[SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		myc_address address[PROCESSES];
		struct myc_answer answer;

		if (lies[i].status != -EPROTO || lies[i].what == LENT)
			continue;
		struct myc_testkit *kit = open_kit(1, as, address);
		struct myc_system *system = myc_testkit_system(kit, 0);

		lie = &truth;
		ask_of(kit, address[0], address[1]); /* the lanes are there */
		lie = &lies[i];
		print_message("  %s\n", lie->name);
		assert_int_equal(myc_call_into(system, address[1], QUESTION, NULL, 0, &answer,
					       bytes, sizeof(bytes), MYC_FOREVER),
				 -EPROTO);
		assert_int_equal(myc_call_into(system, address[1], QUESTION, NULL, 0, NULL, bytes,
					       sizeof(bytes), MYC_FOREVER),
				 -EPROTO);
		assert_int_equal(myc_testkit_run_until_idle(kit), 0);
		assert_int_equal(executor_of(kit, 0)->out.pool.loans_used, 0);
		assert_int_equal(out(kit, 1), 0);
		myc_testkit_close(kit);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_cannot_be_harms_nobody_but_who_sent_it),
		cmocka_unit_test(a_threads_call_is_told_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
