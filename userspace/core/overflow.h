/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What behaviours say about messages that cannot wait (mycelium/mailbox.h).
 *
 *	            the rules, in a row of the receiver's region; its actor word names the row
 *	              ^ copied, when the credit is spent          ^ written at spawn
 *	sender: myc_overflow_way ---> now | waits | dropped      receiver: myc_overflow_in
 *	                |  redirected: the same by another flow
 *
 * Senders look at a row only when a message cannot go at once. Whatever stands there is made into a rule that
 * can be: a hostile receiver has our messages to itself dropped, replaced or sent to somebody else, in our
 * outbox's share for those that pause nobody.
 */
#ifndef MYC_CORE_OVERFLOW_H
#define MYC_CORE_OVERFLOW_H

#include <mycelium/mailbox.h>

#include "core/executor.h"

/* Are the rules such as can be? 0, -EINVAL. */
int myc_overflow_check(const struct myc_behaviour *behaviour, struct myc_error *error);
/* The row with these rules, written when there is none; 0: all are in use. Under the system's mutex. */
uint32_t myc_overflow_row(struct myc_system *system, const struct myc_behaviour *behaviour);

/* ---- the sender -------------------------------------------------------------------------------- */

/* A message that may not go by `flow` now. */
struct myc_way {
	struct myc_flow_out
		*flow;	   /* that it goes by: its receiver's, or of whom it was redirected to */
	uint64_t order;	   /* its place in the outbox, myc_outbox_entry.order */
	uint32_t replaces; /* the waiting one whose place it takes; MYC_NONE */
	uint32_t rule;	   /* from 1; 0 = none */
	uint64_t key;
	bool lenient; /* does not pause its sender */
};

/* What becomes of it. */
enum { MYC_WAY_NOW = 0, MYC_WAY_WAITS = 1, MYC_WAY_DROPPED = 2 };

struct myc_message_out {
	uint64_t kind, from; /* header words */
	const void *payload; /* where a key is looked for */
	size_t size;
	myc_address asker; /* of a body that is passed on as a request */
	bool wait;	   /* myc_send, not myc_try_send */
};

/* From one of ours, when way->flow has no credit or lane no room: one of the above, what was dropped is
 * counted and its asker told; -EAGAIN, -EDEADLK. */
int myc_overflow_way(struct myc_actor *self, const struct myc_message_out *message,
		     struct myc_way *way);

/* ---- the receiver ------------------------------------------------------------------------------ */

/* Where a message waits that its actor cannot take now. */
struct myc_pending_place {
	uint32_t rule; /* from 1; 0 = none */
	uint64_t key;
	uint64_t order;	 /* arrival << 2; 0: behind all others */
	uint32_t before; /* the waiting one that it goes before; MYC_NONE: none */
};

/* By its type's rule: makes room for it, or says that it is to be dropped (false). */
bool myc_overflow_in(struct myc_executor *executor, struct myc_inlet *inlet,
		     const struct myc_flow_in *flow, const struct myc_slot *slot,
		     struct myc_pending_place *place);

/* Who waits under a rule of a flow: `in`, an inlet's and its entry; `out`, an entry of flow_table. */
static inline uint32_t myc_keyed_owner_in(uint32_t inlet, uint32_t flow, uint32_t rule)
{
	return ((inlet * MYC_LANE_FLOWS + flow) * MYC_OVERFLOW_RULES + rule - 1) + 1;
}
static inline uint32_t myc_keyed_owner_out(uint32_t flow, uint32_t rule)
{
	return flow * MYC_OVERFLOW_RULES + rule;
}

#endif
