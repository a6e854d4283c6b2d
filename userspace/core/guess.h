/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of which flow the next message in an executor's lane to itself is: guessed, before the message is looked at.
 *
 * Flow, actor, handler, state and next reference hang one on the other, and the first on what the sender has just
 * written. A guess that is then compared turns this chain into a branch: the processor begins with the next message
 * while it still sends this one. The guess is what came after the flow's last message, if it did so twice running;
 * who is followed by ever another is not guessed, since a wrong branch costs more than the chain.
 * A guess is never trusted: whatever it says, a message is of the flow that its header names.
 *
 *	executor->flow_table	flows of the own lane | a guess for each | no_flow | flows of the other lanes
 *
 * What an actor sends by the own lane at once gets into its metrics when it is received, with the receiver's count.
 */
#ifndef MYC_CORE_GUESS_H
#define MYC_CORE_GUESS_H

#include "core/executor.h"

struct myc_guess {
	_Alignas(64) struct myc_flow_in *flow; /* comes next; no_flow = not known */
	const struct myc_flow_in *last;	       /* came last */
	uint32_t counted; /* messages on their way by the flow that its sender has counted itself */
};
_Static_assert(sizeof(struct myc_guess) == sizeof(struct myc_flow_in), "entries of one table");

/* How many entries lie before the flows of lane `i`; of as many lanes, all. */
static inline size_t myc_guess_entries(uint32_t i)
{
	return i ? (size_t)(i + 1) * MYC_LANE_FLOWS + 1 : 0;
}

static inline struct myc_guess *myc_guess_after(struct myc_flow_in *flow)
{
	return (struct myc_guess *)(flow + MYC_LANE_FLOWS);
}

/* Of the own lane's flows. Its slot_to is no message's. */
static inline struct myc_flow_in *myc_guess_no_flow(struct myc_flow_in *own)
{
	return own + 2 * MYC_LANE_FLOWS;
}

static inline void myc_guess_open(struct myc_flow_in *own)
{
	myc_guess_no_flow(own)->slot_to = UINT64_MAX;
	for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++)
		myc_guess_after(&own[f])->flow = myc_guess_no_flow(own);
}

/* The flow of a message, by the second word of its header; the guess is that of the message before. */
static inline struct myc_flow_in *myc_guess_next(struct myc_flow_in *own, struct myc_guess *guess,
						 uint64_t to)
{
	struct myc_flow_in *flow = guess->flow;

	if (__builtin_expect(flow->slot_to == to, 1))
		return flow;
	flow = &own[(to >> 48) % MYC_LANE_FLOWS];
	guess->flow = flow == guess->last ? flow : myc_guess_no_flow(own);
	guess->last = flow;
	return flow;
}

#endif
