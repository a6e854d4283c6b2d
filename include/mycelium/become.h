/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An actor that goes on with other handlers: protocols and state machines, a behaviour a state; and messages
 * that come when it cannot deal with them, put aside until it can.
 *
 *	              become(B)            become_over(C)
 *	first (spawned) ------> B (or B')  -------------> C above B        at most MYC_BEHAVIOURS_MAX
 *	       ^                |   ^                     |                above the first
 *	       `-- unbecome ----'   `----- unbecome ------'
 *	       ^
 *	       `-- restart, from any depth: init, started, and no `left`
 *
 * What it becomes gives it handlers: message, timer, idle, io, worked, feed, topic, reply, signal, group, life. One that is NULL there is the
 * first's, so that a state says only what is different in it. Everything else stays the first's: state
 * and its size, capacities, redeliver, and the frame of its life (init, started, stopping, stopped,
 * status). Address, mailbox, timers, asks, links, whether it traps exits: nothing of it changes.
 *
 * The change is at once: what comes next, already in this turn, comes to the new handlers. `left` of the
 * old behaviour runs before it, `entered` of the new one after it, inside the call; `entered` runs for the
 * first too when unbecome leads back to it, not at its start (`started` is for that).
 *
 * From a handler only, like everything with `self`. Behaviours live as long as the actor. Of a killed
 * process nothing of this is left: its successor starts with the first.
 */
#ifndef MYCELIUM_BECOME_H
#define MYCELIUM_BECOME_H

#include <mycelium/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MYC_BEHAVIOURS_MAX 8 /* above the first */

/*
 * Goes on with `behaviour` in place of the current one (above the first, when that is the current one), or
 * over it. What `entered` returned is returned when it is an error: the change has taken place then, and
 * `return myc_become(..)` from a handler makes it a failure of the actor.
 * -ENOSPC: MYC_BEHAVIOURS_MAX are there; -EBUSY: from `left` or `entered`; -EINVAL: NULL; -EPERM: a
 * worker of a pool; -ENOMEM: the
 * first change of an actor without a name allocates a little (do it in `init` if that matters).
 */
int myc_become(struct myc_actor *self, const struct myc_behaviour *behaviour);
int myc_become_over(struct myc_actor *self, const struct myc_behaviour *behaviour);
/* Back to what was below. -ENOENT: it is the first; -EBUSY; or what `entered` returned. */
int myc_unbecome(struct myc_actor *self);
/* The current one. */
const struct myc_behaviour *myc_behaviour_now(const struct myc_actor *self);

/* ---- messages put aside ------------------------------------------------------------------------ */

/*
 *	mailbox --> in hand --> handled
 *	   ^           | myc_stash, myc_postpone
 *	   |           v
 *	   `-------- stash       myc_unstash; those postponed also at the next change of behaviour
 *
 * The stash is a part of the mailbox: a message there keeps its sender's credit until it is handled, so that
 * the mailbox's bound holds; its body stays lent. Both are in the order of arrival, urgent ones first, and what comes
 * back takes its place in that order: in front, and no message overtakes an older one of its sender by
 * having been put aside. It is handled from the mailbox, after the handler at work has returned.
 *
 * A restart in place gives everything back to the mailbox, and so does the successor of a killed process:
 * order and bodies as they were. When the actor stops or drains, what is there becomes dead letters, and
 * asks among it are bounced.
 *
 * A sender whose whole credit lies in the stash can send nothing more, not even what the actor waits for:
 * choose stash_capacity below capacity_per_sender where that comes from the same sender.
 */

/* From the message handler: the message in hand goes to the stash, when the handler has returned 0. One that
 * fails has handled it, as ever. Postponed, it comes back by itself at the next change of behaviour; one in
 * the same handler counts.
 * -ENOBUFS: stash_capacity messages are there, or too many bodies are held by this executor; -ENOENT: no
 * message is in hand; -EPERM: a worker of a pool (its job is done when its handler has returned). A handler that kept or passed on the body, and put the message aside, fails with
 * -EINVAL. */
int myc_stash(struct myc_actor *self);
int myc_postpone(struct myc_actor *self);
/* The `count` oldest go back to the mailbox. Returns how many there were. */
uint32_t myc_unstash(struct myc_actor *self, uint32_t count);
static inline uint32_t myc_unstash_all(struct myc_actor *self)
{
	return myc_unstash(self, UINT32_MAX);
}
uint32_t myc_stashed(const struct myc_actor *self); /* how many are there */

#ifdef __cplusplus
}
#endif
#endif
