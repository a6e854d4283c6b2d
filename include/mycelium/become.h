/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An actor that goes on with other handlers: protocols and state machines, a behaviour a state.
 *
 *	              become(B)            become_over(C)
 *	first (spawned) ------> B (or B')  -------------> C above B        at most MYC_BEHAVIOURS_MAX
 *	       ^                |   ^                     |                above the first
 *	       `-- unbecome ----'   `----- unbecome ------'
 *	       ^
 *	       `-- restart, from any depth: init, started, and no `left`
 *
 * What it becomes gives it handlers: message, timer, feed, reply, signal. One that is NULL there is the
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
 * -ENOSPC: MYC_BEHAVIOURS_MAX are there; -EBUSY: from `left` or `entered`; -EINVAL: NULL; -ENOMEM: the
 * first change of an actor without a name allocates a little (do it in `init` if that matters).
 */
int myc_become(struct myc_actor *self, const struct myc_behaviour *behaviour);
int myc_become_over(struct myc_actor *self, const struct myc_behaviour *behaviour);
/* Back to what was below. -ENOENT: it is the first; -EBUSY; or what `entered` returned. */
int myc_unbecome(struct myc_actor *self);
/* The current one. */
const struct myc_behaviour *myc_behaviour_now(const struct myc_actor *self);

#ifdef __cplusplus
}
#endif
#endif
