/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside core/: messages whose payload is a reference (mycelium/body.h, memory/pool.h). Their slot has
 * MYC_SLOT_REFERENCE and a struct myc_carried as payload.
 *
 * Names that recovery goes by. Ticket, where a reference was to be published: a lane and a number, or an
 * order of the outbox. Origin, the message a loan came with: an inlet and a position, or a pending
 * entry. A message that was begun and whose loan is not there was not handled: the loan comes first.
 */
#ifndef MYC_CORE_BODY_H
#define MYC_CORE_BODY_H

#include "core/executor.h"

static inline uint64_t myc_ticket_lane(uint32_t lane, uint32_t number)
{
	return (uint64_t)(lane + 1) << 32 | number;
}
static inline uint64_t myc_ticket_outbox(uint64_t order)
{
	return 1ull << 63 | order;
}
static inline uint64_t myc_origin_lane(uint32_t inlet, uint32_t position)
{
	return (uint64_t)(inlet + 1) << 32 | position;
}
static inline uint64_t myc_origin_pending(uint32_t index)
{
	return 1ull << 63 | index;
}

static inline uint64_t myc_origin_outbox(uint64_t order)
{
	return 3ull << 62 | order;
}
static inline uint64_t myc_origin_cut(uint32_t lane, uint32_t number)
{
	return 1ull << 62 | (uint64_t)lane << 32 | number;
}

/* The payload of their slots, of which the header's size counts the reference. */
struct myc_carried {
	struct myc_reference reference;
	uint64_t reserved;
	myc_address asker; /* of a request that is passed on: where one without a body has it */
};
_Static_assert(sizeof(struct myc_carried) == MYC_LANE_PAYLOAD, "a slot's payload");

/* What a body is sent as. */
struct myc_body_as {
	uint16_t type;
	uint8_t flags;	      /* MYC_SLOT_* */
	uint32_t correlation; /* what stands in its place in the header */
	myc_address asker;    /* with MYC_ASK_FORWARDED */
};

/* Takes a buffer, looking for some that came home. -ENOBUFS, -EMSGSIZE. */
int myc_body_buffer(struct myc_sender *sender, size_t size, uint32_t *hold);
/* The same with this in it. */
int myc_body_copy(struct myc_sender *sender, const void *payload, size_t size, uint32_t *hold);
/* Sends what a sender's own pool has as `hold`: the parts-th part of it. `actor` NULL: a plain thread,
 * which does not wait. 0, or as myc_send, with nothing changed; 1: dropped by its receiver's rule, nothing
 * was lent. */
int myc_body_send(struct myc_sender *sender, struct myc_actor *actor, struct myc_flow_out *flow,
		  const struct myc_body_as *as, uint32_t hold, uint32_t parts, uint32_t size,
		  bool wait);
/* Copies a payload into a buffer and sends that. */
int myc_body_send_copy(struct myc_sender *sender, struct myc_actor *actor,
		       struct myc_flow_out *flow, const struct myc_body_as *as, const void *payload,
		       size_t size, bool wait);
/* The same two by a ref, counted in the actor's metrics. Copied and dropped: 0. */
int myc_body_put(struct myc_actor *self, struct myc_ref *to, const struct myc_body_as *as,
		 uint32_t hold, uint32_t parts, uint32_t size, bool wait);
int myc_body_put_copy(struct myc_actor *self, struct myc_ref *to, const struct myc_body_as *as,
		      const void *payload, size_t size, bool wait);

/* Does a received slot carry a reference that can be? Copies it. 0; -EPROTO: the lane is to be cut;
 * -EAGAIN: no room in the ledger now, the message stays where it is. */
int myc_body_check(struct myc_executor *executor, const struct myc_slot *slot,
		   struct myc_reference *reference, struct myc_view *view);
/* The loan of a message that nobody gets, for myc_pool_done; MYC_HOLD_NONE: it has none, or there is no room. */
uint32_t myc_body_loan(struct myc_executor *executor, const struct myc_slot *slot, uint64_t origin);
/* A loan that there may be goes home. */
static inline void myc_body_home(struct myc_executor *executor, uint32_t hold)
{
	if (hold != MYC_HOLD_NONE)
		myc_pool_done(&executor->out.pool, hold);
}
/* A message that nobody gets: its weight goes home. False: it has a body, and there is no room in the
 * ledger even after pieces that waited have gone; only then, and only while others' return rings are
 * full: drop it later, or the weight is out until its owner is restarted. */
bool myc_body_drop(struct myc_executor *executor, const struct myc_slot *slot, uint64_t origin);
/* What this actor took or kept goes home. */
void myc_body_give_all(struct myc_actor *actor);

/* A predecessor's lane that was cut off is about to be emptied: what its receiver has not read, behind message `read`,
 * reaches nobody. Its references become loans, each once however often its successors die over it, and those go home with
 * all that nobody claims. Messages that were written over carry nothing. */
void myc_body_uncut(struct myc_sender *sender, uint32_t lane, uint32_t read);
/* Was the message with the pool's ticket published? Settles it. The lanes' heads are known. */
void myc_body_recover(struct myc_executor *executor);
/* Once a scan: returns come in, waiting ones go out. */
void myc_body_turn(struct myc_sender *sender);

#endif
