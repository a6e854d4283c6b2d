/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strong references (mycelium/strong.h): monitors the other way round. The held actor's executor has a watch of
 * kind STRONG for each, whose owner is the held one and whose peer is the holder; all that can become of a holder
 * reaches it as it reaches any watcher (core/watch.h, core/link.h). A holder has a watch of kind TAKE while it waits
 * for the answer, so that the held one's end is an answer too.
 *
 *	TAKE  --> an entry is made, WATCH and GIVEN go to the taker; or GIVEN that it is refused
 *	GIVE  --> the giver's entry is freed, one of the receiver is made, WATCH and GIVEN go there. SHARE: without the first
 *	DROP  --> the entry is freed
 *	GIVEN --> the receiver is told; if it is not there (as it was), DROP goes back
 *	HOLDERS --> a thread is told whose entries there are
 *
 * What names an entry that is not there (any more), or not the sender's, does nothing.
 */
#ifndef MYC_CORE_STRONG_H
#define MYC_CORE_STRONG_H

#include <mycelium/link.h>

#include "core/executor.h"

/* As myc_link_received, for MYC_SIGNAL_TAKE to _HOLDERS. */
int myc_strong_received(struct myc_executor *executor, struct myc_inlet *inlet,
			const struct myc_slot *slot);
/* The answer to a thread that does not wait for it any more. False: no room to say so, again. */
bool myc_strong_unclaimed(struct myc_executor *executor, const struct myc_inlet *inlet,
			  const struct myc_slot *slot);
/* A reference to it has come home. */
void myc_strong_home(struct myc_actor *held);
/* What it wanted to hold is not there. */
void myc_strong_refused(struct myc_actor *taker, myc_address wanted, struct myc_exit_reason reason);

#endif
