/* SPDX-License-Identifier: Apache-2.0 */
/* What actors send, by the roads and flows of their executor (road.c). */
#include <errno.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/name.h"
#include "core/outbox.h"
#include "core/overflow.h"

/* ---- for actors -------------------------------------------------------------------------------- */

int myc_resolve(struct myc_actor *self, myc_address address, struct myc_ref *ref)
{
	struct myc_executor *executor = self->executor;
	int code = myc_sender_resolve(&executor->out, self->address, address, ref);

	/* Between actors of one executor credit is granted on the spot. */
	if (!code && executor->out.flow_table[ref->flow - 1].road->own)
		myc_receiver_learn_own(executor, (ref->flow - 1) % MYC_LANE_FLOWS);
	if (code == -EPROTO)
		myc_count(&executor->words->lookups_refused);
	return code;
}

int myc_lookup(struct myc_actor *self, const char *name, struct myc_ref *ref)
{
	struct myc_system *system = self->executor->system;
	myc_address address;
	int code = system->workspace.find
			   ? system->workspace.find(system->workspace.context, name, &address)
			   : myc_names_find(system, name, &address);

	return code ? code : myc_resolve(self, address, ref);
}

/* Its receiver has no room for it: as its overflow rules say. 1: dropped by them. */
static int send_by_rule(struct myc_actor *self, struct myc_flow_out *flow, uint64_t kind,
			uint64_t from, const void *payload, size_t size, bool wait)
{
	struct myc_executor *executor = self->executor;
	const struct myc_message_out message = {
		.kind = kind, .from = from, .payload = payload, .size = size, .wait = wait};
	struct myc_way way = {.flow = flow};
	int code = myc_overflow_way(self, &message, &way);

	if (code == MYC_WAY_WAITS) {
		code = myc_outbox_put(executor, self, &way, kind, from, payload, size);
		if (!code)
			myc_outbox_replaced(executor, &way);
		return code;
	}
	if (code == MYC_WAY_NOW)
		myc_sender_put_slow(&executor->out, way.flow, kind, from, payload, size);
	return code == MYC_WAY_DROPPED ? 1 : code;
}

/* What is not the common case: large payloads, flows not known (any more), no credit, a full lane. */
__attribute__((noinline)) static int send_slow(struct myc_actor *self, struct myc_ref *to,
					       uint64_t kind, uint64_t from, const void *payload,
					       size_t size, bool wait)
{
	struct myc_executor *executor = self->executor;
	uint16_t type = (uint16_t)(kind >> 32);
	struct myc_flow_out *flow;
	int code = type < MYC_TYPE_FRAMEWORK ? 0 : -EINVAL;

	if (!code)
		code = myc_sender_flow(&executor->out, self->address, to, &flow);
	if (!code && size > MYC_PAYLOAD_MAX)
		code = myc_body_send_copy(
			&executor->out, self, flow,
			&(struct myc_body_as){.type = type,
					      .flags = (uint8_t)(kind >> 56),
					      .correlation = (uint32_t)(from >> 32)},
			payload, size, wait);
	else if (!code) {
		code = myc_sender_may(&executor->out, flow);
		if (!code)
			myc_sender_put_slow(&executor->out, flow, kind, from, payload, size);
		else
			code = send_by_rule(self, flow, kind, from, payload, size, wait);
	}
	if (code > 0) /* counted as dropped */
		return 0;
	myc_count(code ? &self->metrics->sends_refused : &self->metrics->messages_sent);
	return code;
}

/* Its slow way: as the arguments came, so that the common case keeps nothing for it. */
__attribute__((noinline)) static int try_slow(struct myc_actor *self, struct myc_ref *to,
					      uint16_t type, const void *payload, size_t size)
{
	return send_slow(self, to, myc_slot_kind(type, (uint8_t)size, 0),
			 myc_slot_from(self->slot, 0), payload, size, false);
}

__attribute__((noinline)) static int wait_slow(struct myc_actor *self, struct myc_ref *to,
					       uint16_t type, const void *payload, size_t size)
{
	return send_slow(self, to, myc_slot_kind(type, (uint8_t)size, 0),
			 myc_slot_from(self->slot, 0), payload, size, true);
}

/* The flow of a message that may go at once, else NULL. Flows to actors of this executor are closed when their
 * actor goes (myc_receiver_close_own); of others the word is looked at. */
static inline struct myc_flow_out *at_once(const struct myc_actor *self, const struct myc_ref *to,
					   uint16_t type, size_t size)
{
	const struct myc_sender *sender = &self->executor->out;

	if (size > MYC_PAYLOAD_MAX || type >= MYC_TYPE_FRAMEWORK || to->flow > sender->flows)
		return NULL;
	/* 0, not resolved, is the entry before the first: of nobody. */
	struct myc_flow_out *flow = &sender->flow_table[to->flow] - 1;

	if (flow->from != self->address || flow->to != to->address ||
	    (int32_t)(flow->sent - flow->open) >= 0 ||
	    !myc_lane_free(&flow->road->lane, MYC_RING_ORDINARY) ||
	    (!flow->road->own && !myc_flow_alive(flow)))
		return NULL;
	return flow;
}

/* To who is elsewhere: apart, so that the common case saves no register for it. On this executor it is counted when it
 * is received. */
__attribute__((noinline)) static int put_far(struct myc_actor *self, struct myc_flow_out *flow,
					     uint64_t kind, uint32_t correlation,
					     const void *payload, size_t size)
{
	myc_flow_push(flow, kind, myc_slot_from(self->slot, correlation), payload, size);
	myc_sender_put_far(&self->executor->out, flow->road);
	myc_count(&self->metrics->messages_sent);
	return 0;
}

static inline __attribute__((always_inline)) int put(struct myc_actor *self,
						     struct myc_flow_out *flow, uint64_t kind,
						     uint32_t correlation, const void *payload,
						     size_t size)
{
	if (!flow->road->own)
		return put_far(self, flow, kind, correlation, payload, size);
	myc_flow_push(flow, kind, myc_slot_from(self->slot, correlation), payload, size);
	return 0;
}

int myc_try_send(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		 size_t size)
{
	struct myc_flow_out *flow = at_once(self, to, type, size);

	if (__builtin_expect(!flow, 0))
		return try_slow(self, to, type, payload, size);
	return put(self, flow, myc_slot_kind(type, (uint8_t)size, 0), 0, payload, size);
}

int myc_send(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
	     size_t size)
{
	struct myc_flow_out *flow = at_once(self, to, type, size);

	if (__builtin_expect(!flow, 0))
		return wait_slow(self, to, type, payload, size);
	return put(self, flow, myc_slot_kind(type, (uint8_t)size, 0), 0, payload, size);
}

/* ---- asks -------------------------------------------------------------------------------------- */

static inline int send(struct myc_actor *self, struct myc_ref *to, uint64_t kind,
		       uint32_t correlation, const void *payload, size_t size, bool wait)
{
	struct myc_flow_out *flow = at_once(self, to, (uint16_t)(kind >> 32), size);

	if (__builtin_expect(!flow, 0))
		return send_slow(self, to, kind, myc_slot_from(self->slot, correlation), payload,
				 size, wait);
	return put(self, flow, kind, correlation, payload, size);
}

int myc_send_asking(struct myc_actor *self, struct myc_ref *to, uint64_t kind, uint32_t correlation,
		    const void *payload, size_t size)
{
	return send(self, to, kind, correlation, payload, size, true);
}

int myc_try_send_asking(struct myc_actor *self, struct myc_ref *to, uint64_t kind,
			uint32_t correlation, const void *payload, size_t size)
{
	return send(self, to, kind, correlation, payload, size, false);
}
