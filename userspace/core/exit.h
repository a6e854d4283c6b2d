/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ends of actors, on the executor's thread.
 *
 *	runs -- myc_actor_end --> ENDED -- myc_actor_bury, each turn -----------------> FREE
 *	                           for each executor that watches it (bits of ties.watchers):
 *	                             nothing for it in the outbox: DEAD for all
 *	                             else: HOLD for each receiver that has something there, DEAD for
 *	                             the others, and when it has drained DEAD for all
 *
 * ENDED is stored before anything goes out: name and address are nobody's by then. The slot is not free
 * before the actor's last message and the last DEAD are in their lanes, or their receivers are
 * gone. Killed (-9) in between: who watches from another process sees the process die instead.
 */
#ifndef MYC_CORE_EXIT_H
#define MYC_CORE_EXIT_H

#include <mycelium/link.h>

#include "core/executor.h"

enum myc_tie_flag {
	MYC_TIE_TRAP = 1,	 /* traps exits */
	MYC_TIE_EXIT = 2,	 /* stop_asked by myc_exit: without `stopping` */
	MYC_TIE_KILL = 4,	 /* no handler any more */
	MYC_TIE_DRAINING = 8,	 /* refuses new messages */
	MYC_TIE_WHILE_HELD = 16, /* ends when nobody holds it any more: core/strong.h */
	MYC_TIE_WATCHED = 32,	 /* somebody monitors it, and not just as a holder */
};

static inline struct myc_actor_slot *myc_actor_shared(const struct myc_actor *actor)
{
	return &actor->executor->system->slot[actor->slot];
}

/* A handler failed and the actor is restarted in place: who watches it is told, what it held is gone. Called
 * after its restarts were counted. */
void myc_exit_restarted(struct myc_actor *actor, int code);
/* Restarts that could not be told for want of room in the queue of signals. */
void myc_exit_tell_restarts(struct myc_executor *executor);
/* The executor at the end of this road wants to know of its end. */
void myc_exit_note_watcher(struct myc_actor *actor, const struct myc_road *road);
/* A link of its goes by another road now: to where the other one is. What waits for it is told there too. */
void myc_exit_follow(struct myc_actor *actor, const struct myc_road *from,
		     const struct myc_road *to);
/* An exit signal has come to it. */
void myc_exit_arrived(struct myc_actor *actor, myc_address from, struct myc_exit_reason reason,
		      bool link, bool restarted);
/* Gives an event to the actor's handler. */
void myc_exit_event(struct myc_actor *actor, const struct myc_signal_event *event);
/* It refuses what is new, handles what was sent before, and then ends with this reason. */
void myc_exit_drain(struct myc_actor *actor, struct myc_exit_reason reason);
/* It has. */
void myc_exit_drained(struct myc_actor *actor, struct myc_exit_reason reason);
/* Stop, drain, kill, suspend, resume. */
void myc_exit_control(struct myc_actor *actor, uint32_t what);
/* The thread ends: what can be told to other processes is, then all slots are free. */
void myc_actor_bury_all(struct myc_executor *executor);

#endif
