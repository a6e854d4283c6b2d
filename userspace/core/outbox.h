/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The outbox of an executor: messages that wait for credit, first-in first-out for each flow; while
 * an actor has one there it is paused. Entries lie in the region: a sent message stays sent when
 * the process dies. `position` is stored before an entry is published in its lane, so a successor
 * sees whether it was.
 *
 * By its receiver's overflow rules (core/overflow.h) an entry may pause nobody, be dropped, or be replaced in
 * its place: the newer one is stored first, with the same arrival and the next revision, and of two with one
 * arrival a successor drops the older.
 *
 *	outbox.c           waiting, going, being given up
 *	outbox_recover.c   what a killed predecessor left there
 */
#ifndef MYC_CORE_OUTBOX_H
#define MYC_CORE_OUTBOX_H

#include "core/executor.h"

struct myc_way;
/* At the place of core/overflow.h. -ENOBUFS. */
int myc_outbox_put(struct myc_executor *executor, struct myc_actor *actor,
		   const struct myc_way *way, uint64_t kind, uint64_t from, const void *payload,
		   size_t size);
/* Then, when the pool is done with the sending: what it took the place of is dropped. */
void myc_outbox_replaced(struct myc_executor *executor, const struct myc_way *way);
/* One that waits is given up, under a name. False: its body finds no room in the ledger now. */
bool myc_outbox_may_drop(struct myc_executor *executor, uint32_t index);
bool myc_outbox_drop(struct myc_executor *executor, struct myc_flow_out *flow, uint32_t index,
		     uint32_t why);
/* After myc_receiver_recover, before the pool forgets loans: bodies of what was being dropped. */
void myc_outbox_claim(struct myc_executor *executor);
static inline bool myc_outbox_room(const struct myc_executor *executor)
{
	return executor->outbox_free != MYC_NONE &&
	       executor->outbox_next[executor->outbox_free] != MYC_NONE;
}
unsigned myc_outbox_drain(struct myc_executor *executor);
bool myc_outbox_ready(struct myc_executor *executor);
void myc_outbox_recover(struct myc_executor *executor);
/* Those whose time is over are given up. Looks when outbox_due_ns has come. */
void myc_outbox_expire(struct myc_executor *executor);

/* What waits there of one flow waits in another now: of the same pair. */
void myc_outbox_follow(struct myc_executor *executor, struct myc_flow_out *old,
		       struct myc_flow_out *flow);
/* What waits there of this flow becomes dead letters. Their actor may go on. */
void myc_outbox_fail(struct myc_executor *executor, struct myc_flow_out *flow,
		     enum myc_dead_letter why);

/* ---- between the files -------------------------------------------------------------------------- */

#define MYC_OUTBOX_LENT 2 /* of an entry's `dropped`: its body is not to be lent again */

static inline enum myc_lane_ring myc_outbox_ring(const struct myc_flow_out *flow)
{
	return flow->urgent ? MYC_RING_URGENT : MYC_RING_ORDINARY;
}
/* A filled entry behind all of its flow, or right behind the one that it replaces. */
void myc_outbox_append(struct myc_executor *executor, uint32_t index, struct myc_flow_out *flow,
		       struct myc_actor *actor, uint32_t replaces);
/* It is counted, its asker told. A successor that finds it marked does the same; killed inside, it may be
 * counted twice. Returns the loan of its body, which goes home when the entry is free. */
uint32_t myc_outbox_give_up(struct myc_executor *executor, struct myc_outbox_entry *entry,
			    const struct myc_flow_out *flow, uint32_t why);

#endif
