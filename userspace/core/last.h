/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Last states: what an actor was when it ended or was restarted in place, for monitors with
 * MYC_MONITOR_STATE.
 *
 *	watcher's executor                            the watched one's
 *	monitor, wants_state --- WATCH, state -----> an entry of its table: MYC_WATCH_STATE, owner = watched, peer =
 *	                                             watcher (none: no room, or its behaviour does not let others)
 *	the last such is cancelled, or the watcher
 *	is restarted ----------- WATCH, no state --> none (no room to say so: it stays until either ends)
 *	     its copy <--- MYC_TYPE_LAST_STATE ----- at the end: a message with a body, by the actor's own flow
 *	DOWN, with it <--- DEAD -------------------- behind it, as behind all that it sent
 *
 * The message needs credit. At an end it waits for it in the outbox, and DOWN behind it, as for any other last
 * message; at a restart, which must not pause the new life, it goes at once or not at all.
 */
#ifndef MYC_CORE_LAST_H
#define MYC_CORE_LAST_H

#include "core/executor.h"

struct myc_watch;

#define MYC_TYPE_LAST_STATE 0xff40

/* A watcher wants to know the actor's last state. */
void myc_last_wanted(struct myc_actor *actor, myc_address watcher, bool through);
/* No monitor of this watcher wants it any more, of the life `restart` or through restarts. */
void myc_last_unwanted(struct myc_actor *actor, myc_address watcher, uint32_t restart,
		       bool through);
/* This monitor is about to go, and did not bring its DOWN. */
void myc_last_cancel(struct myc_executor *executor, const struct myc_watch *watch);
/* It moves: who is to have its last state. -ENOMEM. Where it comes to, those that the table of watches has room for. */
int myc_last_lift(struct myc_actor *actor, struct myc_last_wish **wish, uint32_t *count);
void myc_last_land(struct myc_actor *actor, struct myc_last_wish **wish, uint32_t count);
/* To all that want it; called before they are told of the end (final) or of a restart in place. */
void myc_last_send(struct myc_actor *actor, bool final);
/* It came, for the actor from the sender; the bytes are another's, and may be any. */
void myc_last_came(struct myc_actor *actor, myc_address from, const void *bytes, uint32_t size);

#endif
