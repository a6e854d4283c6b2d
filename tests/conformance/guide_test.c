/* SPDX-License-Identifier: Apache-2.0 */
/* The example of docs/testing.md: a risk check that must answer every order within a millisecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

enum { ORDER = 1, CHECK, VERDICT, ACCEPTED, REJECTED };

#define PATIENCE_NS 1000000

/* The actor under test: asks "risk", and rejects what is not answered in time. */
struct gate {
	uint64_t order;
	struct myc_timer patience;
};

static int tell(struct myc_actor *self, const char *name, uint16_t type, uint64_t order)
{
	struct myc_ref to;
	int code = myc_lookup(self, name, &to);

	return code ? code : myc_send(self, &to, type, &order, sizeof(order));
}

static int gate_message(struct myc_actor *self, const struct myc_message *message)
{
	struct gate *gate = myc_state(self);

	if (message->type == ORDER) {
		memcpy(&gate->order, message->payload, sizeof(gate->order));
		int code = myc_timer_start(self, PATIENCE_NS, 0, 0, &gate->patience);

		return code ? code : tell(self, "risk", CHECK, gate->order);
	}
	if (message->type != VERDICT || myc_timer_cancel(self, gate->patience))
		return 0; /* too late: it was rejected */
	return tell(self, "market", ACCEPTED, gate->order);
}

static int gate_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return tell(self, "market", REJECTED, ((struct gate *)myc_state(self))->order);
}

static const struct myc_behaviour gate = {.name = "gate",
					  .state_size = sizeof(struct gate),
					  .message = gate_message,
					  .timer = gate_timer};

/* Plays one seed; the test holds both neighbours of the gate. */
static void play(uint64_t seed, bool answered)
{
	struct myc_testkit *kit;
	myc_address risk, market, address;
	uint64_t order = 42;

	const struct myc_testkit_opts opts = {.sz = sizeof(opts), .seed = seed};
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &gate};

	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	assert_int_equal(myc_testkit_probe(kit, "risk", &risk), 0);
	assert_int_equal(myc_testkit_probe(kit, "market", &market), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &address), 0);

	assert_int_equal(myc_testkit_post(kit, address, ORDER, &order, sizeof(order)), 0);
	struct myc_testkit_want check = {
		.probe = risk, .type = CHECK, .payload = &order, .size = sizeof(order)};
	if (myc_testkit_expect(kit, &check, NULL))
		fail_msg("%s", myc_testkit_failure(kit));
	assert_int_equal(myc_testkit_expect_none(kit, market), 0);

	assert_int_equal(myc_testkit_advance(kit, PATIENCE_NS - 1), 0);
	if (answered)
		assert_int_equal(myc_testkit_post(kit, address, VERDICT, NULL, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(myc_testkit_advance(kit, PATIENCE_NS), 0);

	struct myc_testkit_want outcome = {.probe = market, .type = answered ? ACCEPTED : REJECTED};
	if (myc_testkit_expect(kit, &outcome, NULL) || myc_testkit_expect_none(kit, market))
		fail_msg("%s", myc_testkit_failure(kit));
	myc_testkit_close(kit);
}

static void an_order_is_accepted_or_rejected_in_time_and_never_both(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 100; seed++)
		play(seed, seed % 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_order_is_accepted_or_rejected_in_time_and_never_both),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
