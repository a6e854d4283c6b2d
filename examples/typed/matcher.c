/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviours `matcher` and `screen` of a desk whose messages are typed (typed.xml, docs/TYPED.md): the matcher takes
 * orders and cancels, and shows its depth to the screen now and then.
 */
#include <stdio.h>

#include <mycelium/mycelium.h>

#include "typed.h"

MYC_SCHEMA(desk) /* compared between processes before they talk: myc schemas */

#define LEVELS 8
#define SHOW   1000 /* orders between two depths */

/* ---- the matcher ------------------------------------------------------------------------------- */

struct matcher {
	uint32_t orders, cancels, shown;
	uint64_t quantity[LEVELS];
	struct desk_screen_ref screen;
	bool found;
};

static int show(struct myc_actor *self, struct matcher *matcher)
{
	struct desk_depth_draft depth;
	struct desk_depth_levels_encoder level;

	/* The screen may not have begun, or be behind: then it sees the next one. */
	if (!matcher->found)
		matcher->found = !desk_screen_lookup(self, "screen", &matcher->screen, NULL);
	if (!matcher->found || desk_depth_draft(self, &depth, 512))
		return 0;
	desk_depth_set_instrument(&depth.message, 42);
	desk_depth_levels_begin(&depth.message, &level, LEVELS);
	for (uint32_t i = 0; desk_depth_levels_add(&level); i++) {
		desk_depth_levels_set_price(&level, 1000 - (int64_t)i);
		desk_depth_levels_set_size(&level, (uint32_t)matcher->quantity[i]);
	}
	if (desk_screen_try_send(self, &matcher->screen, &depth))
		desk_depth_discard(self, &depth);
	else
		matcher->shown++;
	return 0;
}

static int on_order(struct myc_actor *self, const struct desk_order *order,
		    const struct desk_matcher_order_asked *asked)
{
	struct matcher *matcher = myc_state(self);
	struct desk_accepted_block accepted = {.order_id = desk_order_get_order_id(order),
					       .place = ++matcher->orders};

	matcher->quantity[accepted.order_id % LEVELS] += desk_order_get_quantity(order);
	if (matcher->orders % SHOW == 0)
		(void)show(self, matcher);
	return desk_matcher_reply(self, asked, &accepted);
}

static int on_cancel(struct myc_actor *self, const struct desk_cancel *cancel,
		     const struct myc_message *message)
{
	struct matcher *matcher = myc_state(self);

	(void)cancel;
	(void)message;
	matcher->cancels++;
	return 0;
}

static void matcher_status(struct myc_actor *self, struct myc_status *status)
{
	const struct matcher *matcher = myc_state(self);

	snprintf(status->text, sizeof(status->text), "orders=%u cancels=%u shown=%u",
		 matcher->orders, matcher->cancels, matcher->shown);
}

DESK_MATCHER_BEHAVIOUR(myc_behaviour_matcher,
		       MYC_WITH(.state_size = sizeof(struct matcher), .status = matcher_status),
		       on_order, on_cancel);

/* ---- the screen -------------------------------------------------------------------------------- */

struct screen {
	uint64_t depths, size;
};

static int on_depth(struct myc_actor *self, const struct desk_depth *depth,
		    const struct myc_message *message)
{
	struct screen *screen = myc_state(self);
	struct desk_depth_levels level;

	(void)message;
	screen->depths++;
	screen->size = 0;
	desk_depth_levels_open(depth, &level);
	while (desk_depth_levels_next(&level))
		screen->size += desk_depth_levels_get_size(&level);
	return 0;
}

static void screen_status(struct myc_actor *self, struct myc_status *status)
{
	const struct screen *screen = myc_state(self);

	snprintf(status->text, sizeof(status->text), "depths=%llu size=%llu",
		 (unsigned long long)screen->depths, (unsigned long long)screen->size);
}

DESK_SCREEN_BEHAVIOUR(myc_behaviour_screen,
		      MYC_WITH(.state_size = sizeof(struct screen), .status = screen_status),
		      on_depth);
