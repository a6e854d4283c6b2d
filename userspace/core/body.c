/* SPDX-License-Identifier: Apache-2.0 */
#include "core/body.h"

#include <errno.h>

#include <mycelium/body.h>

#include "core/outbox.h"
#include "core/overflow.h"
#include "core/receiver.h"

#define PARTS	       1024 /* a share is one of so many: it can be shared on itself, and again */
#define RETURNS_A_LOOK 256

/* ---- sending ----------------------------------------------------------------------------------- */

static int publish(struct myc_sender *sender, struct myc_flow_out *flow, uint64_t kind,
		   uint64_t from, uint32_t hold, uint32_t parts, uint32_t size)
{
	struct myc_reference reference;
	uint32_t lane = (uint32_t)(flow->road - sender->road);
	uint64_t ticket = myc_ticket_lane(lane, flow->road->lane.head[MYC_RING_ORDINARY] + 1);
	int code = myc_pool_lend(&sender->pool, hold, parts, ticket, 0, size, &reference);

	if (code)
		return code;
	myc_sender_put_slow(sender, flow, kind, from, &reference, sizeof(reference));
	myc_pool_lent(&sender->pool);
	return 0;
}

static int put_outbox(struct myc_executor *executor, struct myc_actor *actor,
		      const struct myc_way *way, uint64_t kind, uint64_t from, uint32_t hold,
		      uint32_t parts, uint32_t size)
{
	struct myc_reference reference;
	uint64_t ticket = myc_ticket_outbox(way->order);
	int code = myc_pool_lend(&executor->out.pool, hold, parts, ticket, 0, size, &reference);

	if (code)
		return code;
	code = myc_outbox_put(executor, actor, way, kind, from, &reference, sizeof(reference));
	if (code)
		myc_pool_lend_undo(&executor->out.pool);
	else
		myc_pool_lent(&executor->out.pool);
	if (!code)
		myc_outbox_replaced(executor, way);
	return code;
}

int myc_body_send(struct myc_sender *sender, struct myc_actor *actor, struct myc_flow_out *flow,
		  uint64_t as, uint32_t hold, uint32_t parts, uint32_t size, bool wait)
{
	uint64_t kind = myc_slot_kind((uint16_t)as, sizeof(struct myc_reference),
				      (uint8_t)(MYC_SLOT_REFERENCE | (as >> 16 & 0xff)));
	uint64_t from = myc_slot_from(actor ? actor->slot : MYC_SLOT_PLAIN, (uint32_t)(as >> 32));
	int code = myc_sender_may(sender, flow);

	if (!code)
		return publish(sender, flow, kind, from, hold, parts, size);
	if (!actor)
		return code;
	struct myc_view view = {0};
	struct myc_way way = {.flow = flow};

	(void)myc_pool_view(&sender->pool, hold, &view);
	const struct myc_message_out message = {
		.kind = kind, .from = from, .payload = view.data, .size = view.size, .wait = wait};

	code = myc_overflow_way(actor, &message, &way);
	if (code == MYC_WAY_NOW)
		return publish(sender, way.flow, kind, from, hold, parts, size);
	if (code == MYC_WAY_WAITS)
		return put_outbox(actor->executor, actor, &way, kind, from, hold, parts, size);
	return code == MYC_WAY_DROPPED ? 1 : code;
}

/* Takes a buffer; when none is free, looks first whether some have come home, also by rings that were
 * made since our last look (a plain thread has no turns, an executor may be in its first ones). */
static int take(struct myc_sender *sender, uint32_t size, uint32_t *hold)
{
	struct myc_pool *pool = &sender->pool;
	int code = myc_pool_take(pool, size, hold);

	if (code != -ENOBUFS)
		return code;
	for (uint32_t p = 0; p < sender->system->workspace.processes; p++)
		for (uint32_t s = 0; s < MYC_EXECUTORS_MAX; s++)
			myc_pool_scan_source(pool, p, s);
	return myc_pool_collect(pool, UINT32_MAX) ? myc_pool_take(pool, size, hold) : code;
}

int myc_body_send_copy(struct myc_sender *sender, struct myc_actor *actor,
		       struct myc_flow_out *flow, uint64_t as, const void *payload, size_t size,
		       bool wait)
{
	struct myc_pool *pool = &sender->pool;
	uint32_t hold;

	if (size > MYC_POOL_SIZE_MAX)
		return -EMSGSIZE;
	int code = take(sender, (uint32_t)size, &hold);

	if (code)
		return code;
	memcpy(myc_pool_body(pool, hold, NULL), payload, size);
	code = myc_body_send(sender, actor, flow, as, hold, 1, (uint32_t)size, wait);
	if (code)
		myc_pool_give(pool, hold);
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
	int code = take(&self->executor->out, size, &body->hold);

	if (code)
		return code;
	myc_pool_keep(pool, body->hold, self->slot + 1);
	self->has_bodies = true;
	body->data = myc_pool_body(pool, body->hold, &body->size);
	return 0;
}

int myc_body_keep(struct myc_actor *self, const struct myc_message *message, struct myc_body *body)
{
	if (message->body == MYC_HOLD_NONE)
		return -EINVAL;
	int code = myc_pool_keep(pool_of(self), message->body, self->slot + 1);

	if (code)
		return code;
	self->has_bodies = true;
	*body = (struct myc_body){.data = (void *)(uintptr_t)message->payload,
				  .size = message->size,
				  .hold = message->body};
	return 0;
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

static int send_hold(struct myc_actor *self, struct myc_ref *to, uint16_t type, uint32_t hold,
		     uint32_t parts, uint32_t size, bool wait)
{
	struct myc_sender *sender = &self->executor->out;
	struct myc_flow_out *flow;
	int code = type < MYC_TYPE_FRAMEWORK ? 0 : -EINVAL;

	if (!code)
		code = myc_sender_flow(sender, self->address, to, &flow);
	if (!code)
		code = myc_body_send(sender, self, flow, type, hold, parts, size, wait);
	return code;
}

static int send_whole(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		      struct myc_body *body, bool wait)
{
	int code =
		body->data ? send_hold(self, to, type, body->hold, 1, body->size, wait) : -ENODATA;

	if (code > 0)
		myc_body_give(self, body);
	if (!code)
		body->data = NULL;
	return count(self, code);
}

static int send_share(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		      const struct myc_body *body, bool wait)
{
	struct myc_sender *sender = &self->executor->out;
	struct myc_flow_out *flow;

	if (!body->data)
		return count(self, -ENODATA);
	uint32_t parts = myc_pool_weight(&sender->pool, body->hold) / PARTS ? PARTS : 2;
	int code = send_hold(self, to, type, body->hold, parts, body->size, wait);

	if (code == -EMLINK && !myc_sender_flow(sender, self->address, to, &flow))
		code = myc_body_send_copy(sender, self, flow, type, body->data, body->size, wait);
	return count(self, code);
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
	return count(self,
		     send_hold(self, to, message->type, message->body, 1, message->size, true));
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
		    slot->flow == MYC_FLOW_NONE || !(slot->flags & MYC_SLOT_REFERENCE) ||
		    slot->size != sizeof(reference) || being_sent(sender, lane, number))
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
