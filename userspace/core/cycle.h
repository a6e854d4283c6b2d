/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Cycles of actors that wait for one another, of which at least one waits for credit. (Of awaited asks alone
 * there are none: core/await.h.)
 *
 * Whom a paused actor waits for stands in its executor's outbox: the first entry of each flow there. Every
 * MYC_CYCLE_LOOK_NS an executor that has such entries looks at those of actors that have been paused for so
 * long:
 *
 *	give the credit that is owed      (what a paused actor's senders can have, they have)
 *	link the entries, and store the first in the actor's metrics (waits)
 *	fence
 *	follow the edges of all, from each: back at the start is a cycle
 *
 * The fences are sequentially consistent, so they have one order; the executor whose fence is the last sees every
 * edge of the cycle. Earlier ones see it at their next look, since a cycle stays: so each of its
 * members finds it, and one of them, the one with the lowest address of those that wait for credit, is concerned by
 * the system's policy (mycelium/cycle.h). No word is exchanged about it.
 *
 * An edge of credit counts only if the receiver's limit is what the sender has sent, and not all of it has been handled.
 * Then it is looked at again, after all others were seen: the same entry waits still, so it has waited all the
 * time, and all of them did at once. Awaited answers may be on their way: a cycle with asks in it must be
 * the same at two looks.
 *
 * Everything here is read-only on others' regions; what they wrote is checked, and the steps of a look are bounded
 * (then it goes on with the next look). On the executor's own thread. A killed process' edges are not
 * followed.
 */
#ifndef MYC_CORE_CYCLE_H
#define MYC_CORE_CYCLE_H

#include <mycelium/cycle.h>

#include "core/await.h"
#include "core/executor.h"

#define MYC_CYCLE_LOOK_NS 10000000u

/* Stores whom the actor waits for; after the fence, and only then, the edges are followed. */
static inline void myc_cycle_publish(uint32_t *waits, uint32_t first)
{
	/* Release: the links, and the limits. Pairs with myc_cycle_first. */
	__atomic_store_n(waits, first, __ATOMIC_RELEASE);
	MYC_POINT("cycle: published");
}
static inline void myc_cycle_fence(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	MYC_POINT("cycle: fenced");
}
static inline uint32_t myc_cycle_first(const uint32_t *waits)
{
	uint32_t first = __atomic_load_n(waits, __ATOMIC_ACQUIRE);

	MYC_POINT("cycle: edge read");
	return first;
}
/* Which of a cycle's actors is concerned: of those that wait for credit the one with the lowest address. All that
 * see the cycle see the same. */
static inline bool myc_cycle_concerns(const struct myc_walk *walk, const struct myc_cycle *cycle)
{
	for (uint32_t i = 1; i < cycle->count; i++)
		if (walk->wait[i].credit && cycle->address[i] < cycle->address[0])
			return false;
	return walk->wait[0].credit;
}

/* At a scan while somebody waits for credit. */
void myc_cycle_look(struct myc_executor *executor);
/* Does the chain that `first` begins lead back to `self`? By awaited asks and by credit. 0, -EDEADLK, -ELOOP:
 * see myc_await_walk. */
int myc_cycle_walk(struct myc_executor *executor, myc_address self, const struct myc_edge *first,
		   struct myc_cycle *cycle);

#endif
