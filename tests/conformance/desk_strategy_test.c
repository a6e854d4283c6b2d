/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How a strategy is tested: that of examples/desk, unchanged, in the test kit. Books, risk check and gateway are probes of
 * the test; time stands still but where the test lets it pass. 50 seeds play it in 50 orders of turns.
 */
#include "common/test.h"

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "../../examples/desk/trading.c" /* NOLINT(bugprone-suspicious-include) */

static struct myc_testkit *kit;
static struct desk_risk_ref risk;
static struct desk_gateway_ref gateway;
static myc_address books, strategy_;

#define HOLDS(call)                                                          \
	do {                                                                 \
		if (call)                                                    \
			fail_msg("%s: %s", #call, myc_testkit_failure(kit)); \
	} while (0)

static void begin(uint64_t seed)
{
	static const struct myc_topic_opts tops = {.name = "tops.0", .keys = 16, .payload_max = 16};
	static const struct myc_system_opts system = {
		.sz = sizeof(system), .executors = 2, .topics = &tops, .topics_count = 1};
	static const struct myc_setting spread = {"spread", "500"};
	static const struct myc_spawn_opts opts = {.sz = sizeof(opts),
						   .behaviour = &myc_behaviour_strategy.as,
						   .name = "strategy",
						   .executor = 1,
						   .settings = &spread,
						   .settings_count = 1};
	const struct myc_testkit_opts with = {.sz = sizeof(with), .seed = seed, .system = &system};

	assert_int_equal(myc_testkit_open(&kit, &with, NULL), 0);
	HOLDS(desk_risk_probe(kit, "risk", &risk));
	HOLDS(desk_gateway_probe(kit, "gateway", &gateway));
	HOLDS(myc_testkit_probe(kit, "books", &books));
	HOLDS(myc_testkit_spawn(kit, 0, &opts, &strategy_));
	HOLDS(myc_testkit_run_until_idle(kit));
}

static void publish(uint32_t bid, uint32_t ask)
{
	const struct desk_top_block top = {.stock = 7, .bid = bid, .ask = ask};

	HOLDS(myc_testkit_publish(kit, books, "tops.0", DESK_TOP_TEMPLATE_ID, 7, &top,
				  sizeof(top)));
}

/* What the risk check is asked. */
static struct myc_testkit_message asked(void)
{
	const struct myc_testkit_want want = {.probe = risk.ref.address,
					      .type = DESK_ORDER_TEMPLATE_ID};
	struct myc_testkit_message message;

	HOLDS(myc_testkit_expect(kit, &want, &message));
	return message;
}

static void verdict(const struct myc_testkit_message *asked_, enum desk_verdict is)
{
	HOLDS(desk_risk_order_reply_caught(kit, asked_,
					   &(struct desk_checked_block){.verdict = is}));
}

static void nothing_is_sent(void)
{
	HOLDS(myc_testkit_expect_none(kit, gateway.ref.address));
}

static void play(uint64_t seed)
{
	begin(seed);
	/* A narrow spread, and a side that is empty: nothing. */
	publish(10000, 10499);
	publish(0, 20000);
	HOLDS(myc_testkit_expect_none(kit, risk.ref.address));

	/* A wide one: an order, when the check allows it. */
	publish(10000, 10500);
	struct myc_testkit_message first = asked();
	const struct desk_order_block *order = first.payload;

	assert_int_equal(order->stock, 7);
	assert_int_equal(order->price, 10100);
	nothing_is_sent();
	verdict(&first, DESK_VERDICT_ALLOWED);
	const struct myc_testkit_want sent = {.probe = gateway.ref.address,
					      .type = DESK_ORDER_TEMPLATE_ID,
					      .payload = first.payload,
					      .size = first.size};
	HOLDS(myc_testkit_expect(kit, &sent, NULL));

	/* The check refuses, answers too late, or fails: no order. */
	publish(10000, 10700);
	struct myc_testkit_message second = asked();

	verdict(&second, DESK_VERDICT_TOO_LARGE);
	nothing_is_sent();
	publish(10000, 10800);
	struct myc_testkit_message third = asked();

	HOLDS(myc_testkit_advance(kit, RISK_NS + 5000000));
	verdict(&third, DESK_VERDICT_ALLOWED);
	nothing_is_sent();
	publish(10000, 10900);
	struct myc_testkit_message fourth = asked();

	HOLDS(myc_testkit_reply_error(kit, &fourth, -EIO));
	nothing_is_sent();

	/* And it goes on. */
	publish(10000, 11000);
	struct myc_testkit_message fifth = asked();

	verdict(&fifth, DESK_VERDICT_ALLOWED);
	HOLDS(myc_testkit_expect(kit,
				 &(struct myc_testkit_want){.probe = gateway.ref.address,
							    .type = DESK_ORDER_TEMPLATE_ID},
				 NULL));
	myc_testkit_close(kit);
}

static void an_order_goes_out_when_the_check_allows_it_in_time_and_only_then(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++)
		play(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_goes_out_when_the_check_allows_it_in_time_and_only_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
