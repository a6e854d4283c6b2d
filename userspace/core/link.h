/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Links and monitors between executors: who tells whom. See core/watch.h for the watcher's side,
 * core/exit.h for the dying one's.
 *
 * Who watches says so once to the watched one's executor (WATCH, LINK), which notes the road back as a bit
 * of ties.watchers: no memory there, nothing to run out of. At the end one DEAD goes by each of those
 * roads, behind the dead one's messages, and is fanned out from the watcher's table; one that finds
 * nobody (any more) is dropped.
 *
 * A link has an entry at either end, each with two numbers: `mine`, given when this end made the link,
 * and `other`, the last that came from there. UNLINK carries both. It takes effect if its sender knew of
 * our last LINK (other == mine); else ours, on its way, links the two anew:
 *
 *	A links (1) --LINK 1-->            <--UNLINK (mine 7, other 0)-- B unlinks, knowing not of 1
 *	A keeps its entry, forgets 7       B makes an entry for 1: both are linked
 */
#ifndef MYC_CORE_LINK_H
#define MYC_CORE_LINK_H

#include "core/executor.h"

struct myc_signal;
struct myc_watch;

/* The slot is a private copy, or in our own lane. 0, -EPROTO: not what it may be, -ENOBUFS: no room for
 * the answer, nothing was done. */
int myc_link_received(struct myc_executor *executor, struct myc_inlet *inlet,
		      const struct myc_slot *slot);
/* Tells the peer's executor that it is watched, if it has not been told. -ESRCH: its slot is another's or nobody's,
 * -ENOSPC: no lane, -ENOBUFS. */
int myc_link_watch(struct myc_executor *executor, struct myc_watch *watch);
/* The other side of that, whichever life it is in: its end will be told. *actor is NULL if it has ended, which is told
 * then, or its process is another. -ENOBUFS. */
int myc_link_watched(struct myc_executor *executor, const struct myc_inlet *inlet, myc_address who,
		     uint32_t incarnation, struct myc_actor **actor);
/* To the actor signal->to, wherever it is. Errors of myc_link_watch. */
int myc_link_say(struct myc_executor *executor, const struct myc_signal *signal);
/* An actor of this executor, perhaps ended; NULL: it is none, or buried. */
struct myc_actor *myc_link_ours(struct myc_executor *executor, myc_address address);

#endif
