/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviour `gateway`: writes each order to its journal, as it would to the exchange's line, and says so to who sent it.
 * Writing blocks, so it has a thread of its own; and it holds up no strategy, so its mailbox has no bounds.
 *
 * kill -9: what was sent to it waits for its next life. The order that it had in hand comes again, and is marked: it may
 * have gone out already.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "desk.h"

struct gateway {
	int journal;
	uint64_t orders;
};

static int gateway_init(struct myc_actor *self)
{
	struct gateway *gateway = myc_state(self);

	gateway->journal = open(myc_setting(self, "journal", "/dev/null"),
				O_WRONLY | O_CREAT | O_APPEND, 0600);
	return gateway->journal < 0 ? -errno : 0;
}

static int on_order(struct myc_actor *self, const struct desk_order *order,
		    const struct myc_message *message)
{
	struct gateway *gateway = myc_state(self);
	struct desk_strategy_ref from;
	const char *again = message->flags & MYC_MESSAGE_REDELIVERED ? " again" : "";

	if (dprintf(gateway->journal, "%llu buy %u of %u at %u%s\n",
		    (unsigned long long)desk_order_get_order_id(order),
		    desk_order_get_shares(order), desk_order_get_stock(order),
		    desk_order_get_price(order), again) < 0)
		return -EIO;
	gateway->orders++;
	if (desk_strategy_resolve(self, message->from, &from, NULL))
		return 0; /* it has gone: the order has not */
	return desk_strategy_send(
		self, &from, &(struct desk_done_block){.order_id = desk_order_get_order_id(order)});
}

static void gateway_stopped(struct myc_actor *self)
{
	const struct gateway *gateway = myc_state(self);

	close(gateway->journal);
}

static void gateway_status(struct myc_actor *self, struct myc_status *status)
{
	const struct gateway *gateway = myc_state(self);

	snprintf(status->text, sizeof(status->text), "orders=%llu",
		 (unsigned long long)gateway->orders);
}

DESK_GATEWAY_BEHAVIOUR(myc_behaviour_gateway,
		       MYC_WITH(.state_size = sizeof(struct gateway), .init = gateway_init,
				.stopped = gateway_stopped, .status = gateway_status,
				.grows_to = MYC_GROWS_FREELY, .redeliver = true),
		       on_order);
