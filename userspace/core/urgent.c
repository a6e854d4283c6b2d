/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Urgent messages, by the urgent ring of a lane, half of which is for signals. A pair has a flow of its own for
 * them: a second entry of the lane's table, with the class in its epoch, and so counts, limit and credit of its
 * own, by the same rules and words as any flow. (core/executor.h: from has all its bits turned in the
 * sender's table, so that no ref finds it by mistake.)
 */
#include <errno.h>

#include <mycelium/mailbox.h>

#include "core/executor.h"
#include "core/outbox.h"
#include "core/overflow.h"
#include "core/schemas.h"

void myc_sender_put_urgent(struct myc_sender *sender, struct myc_flow_out *flow, uint64_t kind,
			   uint64_t from, const void *payload, size_t size)
{
	struct myc_road *road = flow->road;
	uint32_t number = myc_lane_push(&road->lane, MYC_RING_URGENT, kind, flow->slot_to, from,
					payload, size);

	myc_lane_sent(flow->shared_sent, ++flow->sent, number);
	myc_lane_pushed_urgent(&road->lane);
	if (road->own)
		myc_sender_counts(sender, flow, 1);
	else
		myc_sender_put_far(sender, road);
}

/* The pair's urgent flow, and whether its receiver is there. */
static int flow_of(struct myc_actor *self, struct myc_ref *to, struct myc_flow_out **flow)
{
	struct myc_sender *sender = &self->executor->out;
	uint32_t index = to->urgent - 1;

	if (index >= sender->flows || sender->flow_table[index].from != ~self->address ||
	    sender->flow_table[index].to != to->address) {
		int code = myc_sender_resolve_urgent(sender, self->address, to);

		if (code)
			return code;
		index = to->urgent - 1;
		/* Between actors of one executor credit is granted on the spot. */
		if (sender->flow_table[index].road->own)
			myc_receiver_learn_own(self->executor, index % MYC_LANE_FLOWS);
	}
	*flow = &sender->flow_table[index];
	return myc_flow_alive(*flow) ? 0 : myc_sender_follow(sender, self->address, to, flow);
}

static int send_urgent(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		       const void *payload, size_t size, bool wait)
{
	struct myc_executor *executor = self->executor;
	uint64_t kind = myc_slot_kind(type, (uint8_t)size, MYC_MESSAGE_URGENT);
	uint64_t from = myc_slot_from(self->slot, 0);
	struct myc_flow_out *flow;

	if (size > MYC_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (type >= MYC_TYPE_FRAMEWORK)
		return -EINVAL;
	int code = flow_of(self, to, &flow);

	if (code)
		return code;
	if (((int32_t)(flow->open - flow->sent) > 0 || myc_flow_credit(&executor->out, flow)) &&
	    !myc_lane_full_urgent(&flow->road->lane)) {
		myc_sender_put_urgent(&executor->out, flow, kind, from, payload, size);
		return 0;
	}
	if (myc_schemas_refused(executor->system, flow->road->process))
		return -EPROTO;
	if (!wait)
		return -EAGAIN;
	if (to->address == self->address)
		return -EDEADLK;
	const struct myc_way way = {
		.flow = flow, .order = executor->outbox_order + 4, .replaces = MYC_NONE};

	return myc_outbox_put(executor, self, &way, kind, from, payload, size);
}

static int counted(struct myc_actor *self, int code)
{
	myc_count(code ? &self->metrics->sends_refused : &self->metrics->messages_sent);
	if (!code)
		myc_count(&self->executor->words->urgent_sent);
	return code;
}

int myc_try_send_urgent(struct myc_actor *self, struct myc_ref *to, uint16_t type,
			const void *payload, size_t size)
{
	return counted(self, send_urgent(self, to, type, payload, size, false));
}

int myc_send_urgent(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		    size_t size)
{
	return counted(self, send_urgent(self, to, type, payload, size, true));
}
