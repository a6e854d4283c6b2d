/* SPDX-License-Identifier: Apache-2.0 */
#include "core/body.h"

#include <errno.h>

#include <mycelium/ask.h>

#include "core/outbox.h"
#include "core/overflow.h"
#include "core/receiver.h"

#define PARTS	       1024 /* a share is one of so many: it can be shared on itself, and again */
#define RETURNS_A_LOOK 256

/* ---- sending ----------------------------------------------------------------------------------- */

/* What goes: the parts-th part of a hold. */
struct parcel {
	uint64_t kind, from; /* header words */
	uint32_t hold, parts, size;
	myc_address asker;
};

static int lend(struct myc_pool *pool, const struct parcel *parcel, uint64_t ticket,
		struct myc_carried *carried)
{
	*carried = (struct myc_carried){.asker = parcel->asker};
	return myc_pool_lend(pool, parcel->hold, parcel->parts, ticket, 0, parcel->size,
			     &carried->reference);
}

static int publish(struct myc_sender *sender, struct myc_flow_out *flow,
		   const struct parcel *parcel)
{
	struct myc_carried carried;
	uint32_t lane = (uint32_t)(flow->road - sender->road);
	uint64_t ticket = myc_ticket_lane(lane, flow->road->lane.head[MYC_RING_ORDINARY] + 1);
	int code = lend(&sender->pool, parcel, ticket, &carried);

	if (code)
		return code;
	myc_sender_put_slow(sender, flow, parcel->kind, parcel->from, &carried, sizeof(carried));
	myc_pool_lent(&sender->pool);
	return 0;
}

static int put_outbox(struct myc_executor *executor, struct myc_actor *actor,
		      const struct myc_way *way, const struct parcel *parcel)
{
	struct myc_carried carried;
	int code = lend(&executor->out.pool, parcel, myc_ticket_outbox(way->order), &carried);

	if (code)
		return code;
	code = myc_outbox_put(executor, actor, way, parcel->kind, parcel->from, &carried,
			      sizeof(carried));
	if (code)
		myc_pool_lend_undo(&executor->out.pool);
	else
		myc_pool_lent(&executor->out.pool);
	if (!code)
		myc_outbox_replaced(executor, way);
	return code;
}

int myc_body_send(struct myc_sender *sender, struct myc_actor *actor, struct myc_flow_out *flow,
		  const struct myc_body_as *as, uint32_t hold, uint32_t parts, uint32_t size,
		  bool wait)
{
	myc_address from = myc_flow_from(flow);
	const struct parcel parcel = {
		.kind = myc_slot_kind(as->type, sizeof(struct myc_reference),
				      MYC_SLOT_REFERENCE | as->flags),
		.from = myc_slot_from(from ? myc_address_slot(from) : MYC_SLOT_PLAIN,
				      as->correlation),
		.hold = hold,
		.parts = parts,
		.size = size,
		.asker = as->asker,
	};
	int code = myc_sender_may(sender, flow);

	if (!code)
		return publish(sender, flow, &parcel);
	if (!actor)
		return code;
	struct myc_view view = {0};
	struct myc_way way = {.flow = flow};

	(void)myc_pool_view(&sender->pool, hold, &view);
	const struct myc_message_out message = {.kind = parcel.kind,
						.from = parcel.from,
						.payload = view.data,
						.size = size < view.size ? size : view.size,
						.asker = as->asker,
						.wait = wait};

	code = myc_overflow_way(actor, &message, &way);
	if (code == MYC_WAY_NOW)
		return publish(sender, way.flow, &parcel);
	if (code == MYC_WAY_WAITS)
		return put_outbox(actor->executor, actor, &way, &parcel);
	return code == MYC_WAY_DROPPED ? 1 : code;
}

/* Takes a buffer; when none is free, looks first whether some have come home, also by rings that were
 * made since our last look (a plain thread has no turns, an executor may be in its first ones). */
int myc_body_buffer(struct myc_sender *sender, size_t size, uint32_t *hold)
{
	struct myc_pool *pool = &sender->pool;
	int code = size > MYC_POOL_SIZE_MAX ? -EMSGSIZE : myc_pool_take(pool, (uint32_t)size, hold);

	if (code != -ENOBUFS)
		return code;
	for (uint32_t p = 0; p < sender->system->workspace.processes; p++)
		for (uint32_t s = 0; s < MYC_EXECUTORS_MAX; s++)
			myc_pool_scan_source(pool, p, s);
	return myc_pool_collect(pool, UINT32_MAX) ? myc_pool_take(pool, (uint32_t)size, hold)
						  : code;
}

int myc_body_copy(struct myc_sender *sender, const void *payload, size_t size, uint32_t *hold)
{
	int code = myc_body_buffer(sender, size, hold);

	if (!code)
		memcpy(myc_pool_body(&sender->pool, *hold, NULL), payload, size);
	return code;
}

int myc_body_send_copy(struct myc_sender *sender, struct myc_actor *actor,
		       struct myc_flow_out *flow, const struct myc_body_as *as, const void *payload,
		       size_t size, bool wait)
{
	uint32_t hold;
	int code = myc_body_copy(sender, payload, size, &hold);

	if (code)
		return code;
	code = myc_body_send(sender, actor, flow, as, hold, 1, (uint32_t)size, wait);
	if (code)
		myc_pool_give(&sender->pool, hold);
	return code;
}

/* ---- receiving --------------------------------------------------------------------------------- */

int myc_body_check(struct myc_executor *executor, const struct myc_slot *slot,
		   struct myc_reference *reference, struct myc_view *view)
{
	if (slot->size != sizeof(*reference))
		return -EPROTO;
	memcpy(reference, slot->payload, sizeof(*reference));
	if (myc_pool_check(&executor->out.pool, reference, view) != MYC_POOL_FINE)
		return -EPROTO;
	return myc_pool_room(&executor->out.pool) ? 0 : -EAGAIN;
}

uint32_t myc_body_loan(struct myc_executor *executor, const struct myc_slot *slot, uint64_t origin)
{
	struct myc_reference reference;
	struct myc_view view;

	if (!(slot->flags & MYC_SLOT_REFERENCE) ||
	    myc_body_check(executor, slot, &reference, &view))
		return MYC_HOLD_NONE;
	return myc_pool_credit(&executor->out.pool, &reference, origin);
}

bool myc_body_drop(struct myc_executor *executor, const struct myc_slot *slot, uint64_t origin)
{
	struct myc_reference reference;
	struct myc_view view;

	if (!(slot->flags & MYC_SLOT_REFERENCE))
		return true;
	int code = myc_body_check(executor, slot, &reference, &view);

	if (code == -EAGAIN) {
		myc_pool_flush(&executor->out.pool);
		code = myc_body_check(executor, slot, &reference, &view);
	}
	if (!code)
		myc_pool_done(&executor->out.pool,
			      myc_pool_credit(&executor->out.pool, &reference, origin));
	return code != -EAGAIN;
}

/* ---- for handlers ------------------------------------------------------------------------------ */

static struct myc_pool *pool_of(struct myc_actor *actor)
{
	return &actor->executor->out.pool;
}

int myc_body_take(struct myc_actor *self, uint32_t size, struct myc_body *body)
{
	struct myc_pool *pool = pool_of(self);
	int code = myc_body_buffer(&self->executor->out, size, &body->hold);

	if (code)
		return code;
	myc_pool_keep(pool, body->hold, self->slot + 1);
	self->has_bodies = true;
	body->data = myc_pool_body(pool, body->hold, &body->size);
	return 0;
}

static int keep(struct myc_actor *self, uint32_t hold, const void *data, uint32_t size,
		struct myc_body *body)
{
	if (hold == MYC_HOLD_NONE)
		return -EINVAL;
	int code = myc_pool_keep(pool_of(self), hold, self->slot + 1);

	if (code)
		return code;
	self->has_bodies = true;
	*body = (struct myc_body){.data = (void *)(uintptr_t)data, .size = size, .hold = hold};
	return 0;
}

int myc_body_keep(struct myc_actor *self, const struct myc_message *message, struct myc_body *body)
{
	return keep(self, message->body, message->payload, message->size, body);
}

int myc_reply_body_keep(struct myc_actor *self, const struct myc_reply *reply,
			struct myc_body *body)
{
	return keep(self, reply->body, reply->payload, reply->size, body);
}

void myc_body_give(struct myc_actor *self, struct myc_body *body)
{
	if (body->data)
		myc_pool_give(pool_of(self), body->hold);
	body->data = NULL;
}

void myc_body_give_all(struct myc_actor *actor)
{
	if (actor->has_bodies)
		myc_pool_give_all(pool_of(actor), actor->slot + 1);
	actor->has_bodies = false;
}

/* What was dropped by its receiver's rule is counted there: 0 for who sends. */
static int count(struct myc_actor *self, int code)
{
	if (code > 0)
		return 0;
	myc_count(code ? &self->metrics->sends_refused : &self->metrics->messages_sent);
	return code;
}

static int send_hold(struct myc_actor *self, struct myc_ref *to, const struct myc_body_as *as,
		     uint32_t hold, uint32_t parts, uint32_t size, bool wait)
{
	struct myc_sender *sender = &self->executor->out;
	struct myc_flow_out *flow;
	int code = as->type < MYC_TYPE_FRAMEWORK ? 0 : -EINVAL;

	if (!code)
		code = myc_sender_flow(sender, self->address, to, &flow);
	if (!code)
		code = myc_body_send(sender, self, flow, as, hold, parts, size, wait);
	return code;
}

int myc_body_put(struct myc_actor *self, struct myc_ref *to, const struct myc_body_as *as,
		 uint32_t hold, uint32_t parts, uint32_t size, bool wait)
{
	int code = send_hold(self, to, as, hold, parts, size, wait);

	(void)count(self, code);
	return code;
}

int myc_body_put_copy(struct myc_actor *self, struct myc_ref *to, const struct myc_body_as *as,
		      const void *payload, size_t size, bool wait)
{
	struct myc_sender *sender = &self->executor->out;
	struct myc_flow_out *flow;
	int code = myc_sender_flow(sender, self->address, to, &flow);

	if (!code)
		code = myc_body_send_copy(sender, self, flow, as, payload, size, wait);
	return count(self, code);
}

static int send_whole(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		      struct myc_body *body, bool wait)
{
	const struct myc_body_as as = {.type = type};
	int code =
		body->data ? send_hold(self, to, &as, body->hold, 1, body->size, wait) : -ENODATA;

	if (code > 0)
		myc_body_give(self, body);
	if (!code)
		body->data = NULL;
	return count(self, code);
}

static int send_share(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		      const struct myc_body *body, bool wait)
{
	const struct myc_body_as as = {.type = type};

	if (!body->data)
		return count(self, -ENODATA);
	uint32_t parts = myc_pool_weight(pool_of(self), body->hold) / PARTS ? PARTS : 2;
	int code = send_hold(self, to, &as, body->hold, parts, body->size, wait);

	return code == -EMLINK ? myc_body_put_copy(self, to, &as, body->data, body->size, wait)
			       : count(self, code);
}

int myc_send_body(struct myc_actor *self, struct myc_ref *to, uint16_t type, struct myc_body *body)
{
	return send_whole(self, to, type, body, true);
}

int myc_try_send_body(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		      struct myc_body *body)
{
	return send_whole(self, to, type, body, false);
}

int myc_send_share(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		   const struct myc_body *body)
{
	return send_share(self, to, type, body, true);
}

int myc_try_send_share(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		       const struct myc_body *body)
{
	return send_share(self, to, type, body, false);
}

int myc_pass(struct myc_actor *self, struct myc_ref *to, const struct myc_message *message)
{
	if (message->body == MYC_HOLD_NONE)
		return myc_send(self, to, message->type, message->payload, message->size);
	int code = myc_body_put(self, to, &(struct myc_body_as){.type = message->type},
				message->body, 1, message->size, true);

	return code > 0 ? 0 : code;
}

/* ---- recovery, housekeeping -------------------------------------------------------------------- */

void myc_body_recover(struct myc_executor *executor)
{
	struct myc_pool *pool = &executor->out.pool;
	uint64_t ticket = myc_pool_ticket(pool);
	bool published = false;

	if (!ticket)
		return;
	if (ticket >> 63) {
		for (uint32_t i = 0; i < executor->outbox_capacity; i++)
			published |= executor->outbox[i].order == (ticket & ~(1ull << 63));
	} else {
		uint32_t lane = (uint32_t)(ticket >> 32) - 1;

		if (lane < executor->out.roads && executor->out.road[lane].peer)
			published =
				(int32_t)(executor->out.road[lane].lane.head[MYC_RING_ORDINARY] -
					  (uint32_t)ticket) >= 0;
	}
	myc_pool_settle(pool, published);
}

/* Then it is as if it was not, and has its reference elsewhere. */
static bool being_sent(const struct myc_sender *sender, uint32_t lane, uint32_t number)
{
	const struct myc_executor *executor = (const struct myc_executor *)(const void *)sender;

	if (myc_pool_ticket(&sender->pool) == myc_ticket_lane(lane, number))
		return true;
	if (myc_lane_end_executor(sender->end) >= sender->system->executors)
		return false; /* a plain thread: it has no outbox */
	for (uint32_t i = 0; i < executor->words->outbox; i++)
		if (executor->outbox[i].order && executor->outbox[i].lane == lane &&
		    executor->outbox[i].position == number)
			return true;
	return false;
}

void myc_body_uncut(struct myc_sender *sender, uint32_t lane, uint32_t read)
{
	const struct myc_lane_out *out = &sender->road[lane].lane;
	struct myc_pool *pool = &sender->pool;
	uint32_t slots = out->mask[MYC_RING_ORDINARY] + 1;

	for (uint32_t i = 0; i < slots; i++) {
		struct myc_slot *slot = &out->slot[MYC_RING_ORDINARY][i];
		uint32_t number = slot->sequence;
		uint64_t origin = myc_origin_cut(lane, number);
		struct myc_reference reference;
		struct myc_view view;

		if (number - read - 1 >= slots || ((number - 1) & (slots - 1)) != i ||
		    !(slot->flags & MYC_SLOT_REFERENCE) || slot->size != sizeof(reference) ||
		    being_sent(sender, lane, number))
			continue;
		memcpy(&reference, slot->payload, sizeof(reference));
		if (!myc_pool_loaned(pool, origin) && myc_pool_room(pool) &&
		    myc_pool_check(pool, &reference, &view) == MYC_POOL_FINE)
			myc_pool_credit(pool, &reference, origin);
		myc_order_for_successor();
		MYC_POINT("cut: credited");
		/* The rest of the slot goes when the lane is emptied. */
		__atomic_store_n(&slot->flags, 0, __ATOMIC_RELAXED);
		MYC_POINT("cut: not to be credited again");
	}
}

void myc_body_turn(struct myc_sender *sender)
{
	struct myc_pool *pool = &sender->pool;

	myc_pool_collect(pool, RETURNS_A_LOOK);
	if (pool->waiting)
		myc_pool_flush(pool);
	if (!pool->announce)
		return;
	/* Everybody looks at this source anew (myc_receiver_scan_source). */
	pool->announce = false;
	__atomic_store_n(sender->changed, *sender->changed + 1, __ATOMIC_RELEASE);
}
