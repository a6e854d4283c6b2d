/* SPDX-License-Identifier: Apache-2.0 */
/* The rest of mycelium/mailbox.h: batches, and how full a mailbox is. */
#include <mycelium/mailbox.h>

#include <errno.h>
#include <limits.h>

#include "core/executor.h"

/* How many more may go without another look at the receiver. */
static size_t room_of(const struct myc_flow_out *flow, size_t wanted)
{
	const struct myc_lane_out *lane = &flow->road->lane;
	int32_t slots = (int32_t)(lane->full_at[MYC_RING_ORDINARY] - lane->head[MYC_RING_ORDINARY]);
	int32_t credit = (int32_t)(flow->open - flow->sent);
	int32_t room = slots < credit ? slots : credit;

	return room <= 0 ? 0 : (size_t)room < wanted ? (size_t)room : wanted;
}

int myc_send_batch(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payloads,
		   size_t size, size_t count)
{
	struct myc_sender *sender = &self->executor->out;
	uint64_t kind = myc_slot_kind(type, (uint8_t)size, 0), from = myc_slot_from(self->slot, 0);
	const uint8_t *payload = payloads;
	struct myc_flow_out *flow;
	size_t n = 0;

	if (size > MYC_PAYLOAD_MAX)
		return -EMSGSIZE;
	if (type >= MYC_TYPE_FRAMEWORK || count > INT_MAX)
		return -EINVAL;
	int code = myc_sender_flow(sender, self->address, to, &flow);

	if (code)
		return code;
	while (n < count && !myc_sender_may(sender, flow)) {
		myc_sender_put_slow(sender, flow, kind, from, payload + n * size, size);
		n++;
		size_t end = n + room_of(flow, count - n);

		if (flow->road->own)
			myc_sender_counts(sender, flow, (uint32_t)(end - n));
		for (; n < end; n++)
			myc_sender_put(sender, flow, kind, from, payload + n * size, size);
	}
	__atomic_store_n(&self->metrics->messages_sent, self->metrics->messages_sent + n,
			 __ATOMIC_RELAXED);
	if (n < count)
		myc_count(&self->metrics->sends_refused);
	return (int)n;
}

int myc_mailbox_depth(const struct myc_system *system, myc_address actor,
		      struct myc_mailbox_depth *depth)
{
	uint32_t process = myc_address_process(actor), slot = myc_address_slot(actor);
	uint64_t size = 0;

	if (process >= system->workspace.processes ||
	    myc_address_node(actor) != system->workspace.node)
		return -ESRCH;
	const struct myc_actor_metrics *metrics =
		myc_region_block(&system->workspace.regions[process], MYC_BLOCK_METRICS, 0, &size);

	if (!metrics || (slot + 1ull) * sizeof(*metrics) > size)
		return -ESRCH;
	metrics += slot;
	if (__atomic_load_n(&metrics->address, __ATOMIC_RELAXED) != actor)
		return -ESRCH;
	*depth = (struct myc_mailbox_depth){
		.waiting = __atomic_load_n(&metrics->mailbox_depth, __ATOMIC_RELAXED),
		.waiting_max = __atomic_load_n(&metrics->mailbox_depth_max, __ATOMIC_RELAXED),
		.outbox = __atomic_load_n(&metrics->outbox_depth, __ATOMIC_RELAXED),
	};
	return 0;
}
