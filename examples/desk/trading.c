/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviour `strategy`: buys where the spread is wide, once the risk check has allowed it. Behaviour `risk`: that check.
 * Behaviour `screen`: the last prices, for people to see.
 *
 * Processes start in the order of the topology's file: who is looked up here is there. Each may be killed and restarted;
 * refs, subscriptions and what was sent to it are good for its next life.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mycelium/mycelium.h>

#include "desk.h"

MYC_SCHEMA(desk)

#define RISK_NS	 50000000u /* the check is answered by then, or there is no order */
#define STOCKS	 1024
#define OPEN_MAX 64 /* questions to the risk check */

/* ---- tops of all books ------------------------------------------------------------------------- */

static int subscribe(struct myc_actor *self)
{
	int code = 0;

	for (int i = 0; !code; i++) {
		char topic[16];

		snprintf(topic, sizeof(topic), "tops.%d", i);
		code = myc_subscribe(self, topic, NULL, 0, NULL);
		if (code == -ENOENT && i)
			return 0; /* no more of them */
	}
	return code;
}

/* ---- strategy ---------------------------------------------------------------------------------- */

struct strategy {
	struct desk_risk_ref risk;
	struct desk_gateway_ref gateway;
	struct desk_order_block asked[OPEN_MAX]; /* by id */
	uint32_t spread, open;
	uint64_t last_id, orders, refused, late, sent, done, lives;
};

static int strategy_started(struct myc_actor *self)
{
	struct strategy *strategy = myc_state(self);
	int code = desk_risk_lookup(self, "risk", &strategy->risk, NULL);

	strategy->last_id = (uint64_t)myc_restarts(self)
			    << 32; /* no life's orders have another's ids */
	strategy->spread = (uint32_t)strtoul(myc_setting(self, "spread", "500"), NULL, 10);
	code = code ? code : desk_gateway_lookup(self, "gateway", &strategy->gateway, NULL);
	code = code ? code : myc_life_watch(self, NULL, "gateway", 0, &(struct myc_life_watch){0});
	return code ? code : subscribe(self);
}

static int strategy_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	struct strategy *strategy = myc_state(self);
	struct desk_top top;

	if (!desk_top_published(&top, event) || strategy->open == OPEN_MAX)
		return 0;
	uint32_t bid = desk_top_get_bid(&top), ask = desk_top_get_ask(&top);

	if (!bid || ask < bid + strategy->spread)
		return 0;
	const struct desk_order_block order = {.order_id = strategy->last_id + 1,
					       .stock = desk_top_get_stock(&top),
					       .price = bid + 100,
					       .shares = 100 * (1 + (ask - bid) % 7)};
	int code = desk_risk_try_ask(self, &strategy->risk, &order, RISK_NS, order.order_id, NULL);

	if (code) /* it is behind: the next top will do */
		return code == -EAGAIN ? 0 : code;
	strategy->asked[order.order_id % OPEN_MAX] = order;
	strategy->last_id++;
	strategy->orders++;
	strategy->open++;
	return 0;
}

static int strategy_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct strategy *strategy = myc_state(self);
	struct desk_risk_order_answer answer = desk_risk_order_answer(reply);

	strategy->open--;
	if (answer.status)
		strategy->late++;
	else if (desk_checked_get_verdict(&answer.message) != DESK_VERDICT_ALLOWED)
		strategy->refused++;
	else if (!desk_gateway_send(self, &strategy->gateway,
				    &strategy->asked[reply->cookie % OPEN_MAX]))
		strategy->sent++;
	return 0;
}

static int on_done(struct myc_actor *self, const struct desk_done *done,
		   const struct myc_message *message)
{
	struct strategy *strategy = myc_state(self);

	(void)done;
	(void)message;
	strategy->done++;
	return 0;
}

static int strategy_life(struct myc_actor *self, const struct myc_life_event *event)
{
	struct strategy *strategy = myc_state(self);

	strategy->lives += event->kind == MYC_LIFE_STARTED;
	return 0;
}

static void strategy_status(struct myc_actor *self, struct myc_status *status)
{
	const struct strategy *s = myc_state(self);

	snprintf(status->text, sizeof(status->text),
		 "orders=%llu refused=%llu late=%llu sent=%llu done=%llu lives=%llu",
		 (unsigned long long)s->orders, (unsigned long long)s->refused,
		 (unsigned long long)s->late, (unsigned long long)s->sent,
		 (unsigned long long)s->done, (unsigned long long)s->lives);
}

DESK_STRATEGY_BEHAVIOUR(myc_behaviour_strategy,
			MYC_WITH(.state_size = sizeof(struct strategy), .started = strategy_started,
				 .topic = strategy_topic, .reply = strategy_reply,
				 .life = strategy_life, .status = strategy_status),
			on_done);

/* ---- risk -------------------------------------------------------------------------------------- */

static int on_check(struct myc_actor *self, const struct desk_order *order,
		    const struct desk_risk_order_asked *asked)
{
	unsigned long most = strtoul(myc_setting(self, "shares_max", "500"), NULL, 10);
	bool large = desk_order_get_shares(order) > most;

	return desk_risk_reply(
		self, asked,
		&(struct desk_checked_block){.verdict = large ? DESK_VERDICT_TOO_LARGE
							      : DESK_VERDICT_ALLOWED});
}

DESK_RISK_BEHAVIOUR(myc_behaviour_risk, MYC_WITH(), on_check);

/* ---- screen ------------------------------------------------------------------------------------ */

struct screen {
	uint64_t tops;
	uint32_t bid[STOCKS];
};

static int screen_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	struct screen *screen = myc_state(self);
	struct desk_top top;

	if (!desk_top_published(&top, event))
		return 0;
	screen->tops++;
	screen->bid[desk_top_get_stock(&top) % STOCKS] = desk_top_get_bid(&top);
	return 0;
}

static void screen_status(struct myc_actor *self, struct myc_status *status)
{
	const struct screen *screen = myc_state(self);

	snprintf(status->text, sizeof(status->text), "tops=%llu, stock 1 at %.2f",
		 (unsigned long long)screen->tops, screen->bid[1] / 10000.0);
}

extern const struct myc_behaviour myc_behaviour_screen;
const struct myc_behaviour myc_behaviour_screen = {.name = "screen",
						   .state_size = sizeof(struct screen),
						   .started = subscribe,
						   .topic = screen_topic,
						   .status = screen_status};
