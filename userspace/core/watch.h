/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The watches of one executor: an entry for each monitor and each end of a link that its actors hold.
 * Private memory, used on the executor's thread only.
 *
 *	FREE -- make --> ARMED -- DEAD came ------------------------> DUE -- delivered --> FREE
 *	                   | its process died                         ^
 *	                   `-----> LOST -- lanes were emptied --------'
 *	                             ` DEAD came after all: its reason counts
 *	any -- demonitor, unlink, the owner ended --> FREE
 *
 * An entry is the node of its event's queue as well: a DOWN needs no memory but the monitor's own. A due
 * one waits while older messages from the same peer are in its owner's pending queue.
 *
 * Two more kinds use the queue: an exit signal that somebody sent and that has to wait behind his messages,
 * and an actor that drains (LOST until the lanes were emptied once). Two are of strong references: core/strong.h.
 *
 * Emptied: a sweep passes when every inlet was seen empty, or gave a whole ring of messages, since it
 * began; so all that was there at its beginning has been taken. Sweeps run while somebody waits for one.
 */
#ifndef MYC_CORE_WATCH_H
#define MYC_CORE_WATCH_H

#include <mycelium/link.h>

#include "core/executor.h"

enum myc_watch_kind {
	MYC_WATCH_MONITOR = 1,
	MYC_WATCH_LINK = 2,
	MYC_WATCH_EXIT = 3,
	MYC_WATCH_DRAIN = 4,
	MYC_WATCH_STATE = 5,  /* the peer wants the owner's last state: core/last.h */
	MYC_WATCH_STRONG = 6, /* the peer holds the owner */
	MYC_WATCH_TAKE = 7,   /* the owner wants to hold the peer */
};
#define MYC_WATCHES_MAX (1u << 24) /* of an executor */

enum myc_watch_state { MYC_WATCH_FREE, MYC_WATCH_ARMED, MYC_WATCH_LOST, MYC_WATCH_DUE };
enum { MYC_WATCH_OWNED, MYC_WATCH_PEER, MYC_WATCH_QUEUE, MYC_WATCH_LISTS };

/* A last state. */
struct myc_last {
	uint32_t size, version;
	_Alignas(8) uint8_t bytes[];
};

struct myc_watch {
	struct myc_actor *owner;
	myc_address peer;
	uint64_t after;	       /* DUE: pending messages up to this order go first */
	uint64_t late_ns;      /* ARMED: from then on the owner is told STILL; 0 = never */
	struct myc_last *last; /* of a monitor that wants it, when it has come; NULL = none */
	struct myc_exit_reason reason;
	uint32_t sweep; /* LOST: until this one has passed */
	uint32_t generation;
	uint32_t incarnation, restart; /* of the peer */
	uint32_t mine, other;	       /* numbers of a link, 0 = none: core/link.c */
	uint8_t kind, state;
	bool through, held, restarted, wants_state;
	bool kill; /* at late_ns it is killed as well */
	struct {
		uint32_t next, previous;
	} in[MYC_WATCH_LISTS];
};

/* -EINVAL: more than 2^24; -ENOMEM. */
int myc_watches_open(struct myc_executor *executor, uint32_t capacity);
void myc_watches_close(struct myc_executor *executor);

/* NULL: all are in use. ARMED, or its process is dead: LOST. `restart`, `through` and the numbers are the
 * caller's to set. */
struct myc_watch *myc_watch_make(struct myc_actor *owner, enum myc_watch_kind kind,
				 myc_address peer);
void myc_watch_free(struct myc_executor *executor, struct myc_watch *watch);
struct myc_watch *myc_watch_find_link(struct myc_executor *executor, const struct myc_actor *owner,
				      myc_address peer);
/* All that this actor holds; a restart in place leaves that it drains, and who holds it. */
void myc_watch_forget(struct myc_actor *owner, bool drains_too);

/* Into the queue, with this reason. Idempotent: the first reason counts. */
void myc_watch_due(struct myc_executor *executor, struct myc_watch *watch,
		   struct myc_exit_reason reason);
/* Into the queue as LOST. */
void myc_watch_wait(struct myc_executor *executor, struct myc_watch *watch,
		    struct myc_exit_reason reason);
/* Entries on this peer, one after the other: after NULL the first. */
struct myc_watch *myc_watch_next(struct myc_executor *executor, myc_address peer,
				 struct myc_watch *watch);

/* Delivers what can be: to all, or to one actor (before it handles its next pending message). */
unsigned myc_watch_deliver(struct myc_executor *executor, const struct myc_actor *only);
/* Once a turn while the queue is not empty. */
unsigned myc_watch_turn(struct myc_executor *executor);
/* After a scan: has a process died whose actors are watched? */
void myc_watch_look(struct myc_executor *executor);
/* A limit for an armed one. */
void myc_watch_limit(struct myc_executor *executor, struct myc_watch *watch, uint64_t timeout_ns,
		     bool kill);
/* At each scan: whose limit is over. How many were told. */
unsigned myc_watch_late(struct myc_executor *executor);
/* Are actors of other processes watched, so that we have to look? */
static inline bool myc_watch_abroad(const struct myc_executor *executor)
{
	return executor->watches.armed_all !=
	       executor->watches.armed[executor->system->workspace.process];
}

/* Is that process there, and what is its incarnation (low half)? */
bool myc_process_there(const struct myc_system *system, uint32_t process, uint32_t *incarnation);

#endif
