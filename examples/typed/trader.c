/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviour `trader`: asks the matcher to take an order, one after the other, and cancels what it got. It accepts no
 * messages, so it has no interface; its refs have.
 */
#include <stdio.h>

#include <mycelium/mycelium.h>

#include "typed.h"

#define TICK_NS	   1000000u
#define TIMEOUT_NS 100000000u
#define AT_ONCE	   16

struct trader {
	struct desk_matcher_ref matcher;
	struct myc_error error; /* why there is none */
	bool found, mistaken;
	uint64_t next, accepted, failed, waits;
};

static int tick(struct myc_actor *self, uint64_t cookie)
{
	struct trader *trader = myc_state(self);
	struct desk_screen_ref screen;

	(void)cookie;
	if (!trader->found)
		trader->found =
			!desk_matcher_lookup(self, "matcher", &trader->matcher, &trader->error);
	/* What is not a screen is not taken for one. */
	trader->mistaken |= !desk_screen_lookup(self, "matcher", &screen, NULL);
	while (trader->found && trader->waits < AT_ONCE) {
		const struct desk_order_block order = {.order_id = trader->next + 1,
						       .quantity = 100,
						       .account = DESK_ORDER_ACCOUNT_NULL};

		if (desk_matcher_try_ask(self, &trader->matcher, &order, TIMEOUT_NS, 0, NULL))
			break;
		trader->next++;
		trader->waits++;
	}
	return 0;
}

static int on_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct trader *trader = myc_state(self);
	struct desk_matcher_order_answer answer = desk_matcher_order_answer(reply);

	trader->waits--;
	if (answer.status) { /* the matcher's process ended before it answered, say */
		trader->failed++;
		return 0;
	}
	trader->accepted++;
	struct desk_cancel_block cancel = {.order_id = desk_accepted_get_order_id(&answer.message)};
	int code = desk_matcher_try_send(self, &trader->matcher, &cancel);

	return code == -EAGAIN || code == -ESRCH ? 0 : code;
}

static void status(struct myc_actor *self, struct myc_status *text)
{
	const struct trader *trader = myc_state(self);

	snprintf(text->text, sizeof(text->text), "accepted=%llu failed=%llu mistaken=%d%s%.100s",
		 (unsigned long long)trader->accepted, (unsigned long long)trader->failed,
		 trader->mistaken, trader->found ? "" : " ",
		 trader->found ? "" : trader->error.cause);
}

static const struct myc_timer_plan ticks = {.delay_ns = TICK_NS, .period_ns = TICK_NS};

const struct myc_behaviour myc_behaviour_trader = {.name = "trader",
						   .state_size = sizeof(struct trader),
						   .timer = tick,
						   .reply = on_reply,
						   .status = status,
						   .timers = &ticks,
						   .timers_count = 1};
