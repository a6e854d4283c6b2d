/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside core/: messages that an actor has put aside (mycelium/become.h). They are pending entries in the
 * region, in state STASHED, in a list of the actor's instead of its queue. Each has the entry that
 * its credit reserved, so there is always room. Queue and stash are sorted by order of arrival.
 *
 * Killed -9: a STASHED entry is a queued one to the successor. Between the handler's return and the state's
 * store the message is in doubt, as it was in the handler.
 */
#ifndef MYC_CORE_STASH_H
#define MYC_CORE_STASH_H

#include "core/executor.h"

enum myc_stash_flag {
	MYC_STASH_POSTPONED = 1,
	MYC_STASH_BODY = 2, /* its loan is counted among the kept ones */
};

/* The handler has returned: may the message be put aside, with this hold? 0: yes, and its flags are
 * remembered for myc_stash_add; else what the handler has failed with. */
int myc_stash_take(struct myc_actor *actor, uint32_t hold);
/* An entry in state STASHED. MYC_NONE: there was none to have, which cannot be. */
void myc_stash_add(struct myc_actor *actor, uint32_t index);
/* The first `count` (of those postponed) back into the queue; how many. */
uint32_t myc_stash_give_back(struct myc_actor *actor, uint32_t count, bool postponed);
/* An entry leaves the queue: its loan is in hand again. */
void myc_stash_let_go(struct myc_executor *executor, struct myc_pending *entry);

#endif
