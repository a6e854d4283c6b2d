/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actors' lives, seen by others: exit reasons, links, monitors, stopping, suspending.
 *
 *   monitor   one-way. The watcher gets one DOWN, whatever happens
 *   link      two-way, one a pair. Who ends takes the other along, unless that one traps exits: then it
 *             gets EXIT
 *
 *	            +--------- myc_resume ---------+
 *	            v                              |
 *	STARTING -> RUNNING -- myc_suspend --> RUNNING, suspended
 *	            |  |  |
 *	            |  |  +-- MYC_STOP_DRAIN -> refuses new, handles what it has -.
 *	            |  +-- MYC_STOP -------------------------------------------+--+-> stopping, stopped
 *	            |                                                                 | reason shutdown
 *	            +-- myc_exit, an exit signal, failed for good -> stopped ---------+ its reason
 *	            +-- MYC_STOP_KILL, an exit signal `kill` -> no more handler ------+ killed
 *	                                                                              v
 *	                                    ENDED: address and name are nobody's (sends: -ESRCH)
 *	                                      | what it sent leaves the outbox, then DOWN and EXIT go out
 *	                                      v
 *	                                    FREE: the slot can be given again
 *
 * Order. DOWN and EXIT come behind everything that the dead one had sent to the watcher, also behind
 * what waits in the watcher's mailbox; from others they may overtake. A watcher that is paused or
 * suspended gets them all the same. Kill, stop, suspend and resume overtake messages; exit signals
 * (but for kill) come behind the sender's messages, and wait for those in its outbox, to whomever, as a reply does.
 *
 * Restart in place (a handler failed, the limit is not reached): address, mailbox and name stay, the state
 * is gone. So it is an end for everyone: monitors get DOWN with MYC_EVENT_RESTARTED set, links break with
 * the reason `failed`, and the restarted actor has no links, monitors or trap of its own, as after its
 * first init. A monitor with MYC_MONITOR_THROUGH stays until the actor ends for good.
 *
 * Death of a process: what its actors had sent is delivered, then every watch on them fires with
 * `noconnection`; that the process is restarted revives none. Seen within 10 ms by executors that sleep.
 *
 * Tables are private memory of the watcher's process and go with it. Their size is `watches` in the
 * executor's options; an entry is kept until its event was delivered, so none is lost.
 *
 * Functions with `self` are called from its handlers; the others from any plain thread.
 */
#ifndef MYCELIUM_LINK_H
#define MYCELIUM_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/address.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_actor;
struct myc_letter;
struct myc_strong;
struct myc_system;

enum myc_exit_kind {
	MYC_EXIT_NORMAL = 0,   /* done: ignored by linked actors that do not trap */
	MYC_EXIT_SHUTDOWN = 1, /* asked to stop, and obeyed */
	MYC_EXIT_KILL = 2,     /* sent to one: kills. As somebody's own reason: one like others */
	MYC_EXIT_KILLED = 3,   /* was killed */
	MYC_EXIT_NOPROC = 4,   /* there was no such actor */
	MYC_EXIT_NOCONNECTION = 5, /* its process died, or is not there */
	MYC_EXIT_FAILED = 6,	   /* a handler failed; code: what it returned */
	MYC_EXIT_FAULT = 7,	   /* a handler faulted; code: the signal's number */
	/* The link, or the strong reference, found the other executor's table of watches full. */
	MYC_EXIT_NO_ROOM = 8,
	MYC_EXIT_USER = 256, /* and up: the application's own */
};

struct myc_exit_reason {
	uint32_t kind; /* enum myc_exit_kind */
	int32_t code;
};

/* A monitor: of the actor that made it. */
struct myc_monitor {
	uint32_t index;
	uint32_t generation;
};

enum myc_event_kind {
	MYC_EVENT_DOWN = 1,
	MYC_EVENT_EXIT = 2,
	MYC_EVENT_STILL =
		3, /* told to stop by myc_stop_watch, and has not ended in the time given */
	MYC_EVENT_DEAD_LETTER = 4, /* mycelium/letter.h: `letter` only */
	MYC_EVENT_HELD = 5,	   /* mycelium/strong.h: from, strong, cookie */
	MYC_EVENT_NOT_HELD = 6,	   /* the same, and reason */
};
enum myc_event_flag {
	MYC_EVENT_RESTARTED = 1 << 0, /* in place: the address is there again */
	MYC_EVENT_LINK = 1 << 1,      /* EXIT by a link; else somebody sent it */
};

/* Given to behaviour->signal; valid until it returns. */
struct myc_signal_event {
	uint32_t kind;	  /* enum myc_event_kind */
	uint32_t flags;	  /* enum myc_event_flag */
	myc_address from; /* who ended, or sent the exit signal */
	struct myc_exit_reason reason;
	struct myc_monitor monitor;	 /* DOWN, STILL: which */
	const struct myc_letter *letter; /* DEAD_LETTER */
	const void *state; /* DOWN of a monitor with MYC_MONITOR_STATE; NULL: there is none */
	uint32_t state_size, state_version;
	const struct myc_strong *strong; /* HELD, NOT_HELD */
	uint64_t cookie;		 /* the same: of the giver; 0 when it was taken */
};

/* Ends the actor after this handler: `stopped` is its last call. A kill as reason is a reason like others. */
void myc_exit(struct myc_actor *self, struct myc_exit_reason reason);

/* ---- links --------------------------------------------------------------------------------- */

/* Links with `other`; again, or with oneself: no change. One that is not there: an exit signal `noproc`.
 * -ENOSPC: the table of watches is full; -ENOBUFS: too many signals wait. */
int myc_link(struct myc_actor *self, myc_address other);
/* No exit signal from this link is delivered after it returned 0, whoever made the link. -ENOENT: there was
 * none; -ENOBUFS: too many signals wait, the link is as it was. */
int myc_unlink(struct myc_actor *self, myc_address other);
/* Exit signals become events, but for a kill that was sent to it. -EINVAL: the behaviour has no
 * signal handler. */
int myc_trap_exit(struct myc_actor *self, bool trap);
/* Sends an exit signal, as if a link brought it; the kind MYC_EXIT_KILL ends the other untrapped, with
 * `killed`. `normal` does nothing to one that does not trap, unless it is oneself. 0 also when there
 * is no such actor. If the receiver's table of watches is full, it does not wait for older messages
 * in the mailbox. -ENOBUFS, -ENOSPC (no lane). */
int myc_exit_send(struct myc_actor *self, myc_address other, struct myc_exit_reason reason);

/* ---- monitors ------------------------------------------------------------------------------ */

enum myc_monitor_flag {
	MYC_MONITOR_THROUGH = 1 << 0, /* restarts in place are not told */
	/* DOWN brings the last state, as bytes, of an actor whose behaviour lets others have it (MYC_STATE_LAST,
	 * mycelium/state.h). Without it when there is none: its process was killed, it was killed and its codec
	 * has a `save`, no buffer was free or large enough (12 bytes more than the state), the table of watches
	 * of its executor was full, it ended before it knew; of a restart in place also when there was no credit. */
	MYC_MONITOR_STATE = 1 << 1,
};

/* One DOWN when `other` ends, at once when it is not there. Any number a pair. -EINVAL: oneself, or the
 * behaviour has no signal handler; -ENOSPC: the table of watches is full; -ENOBUFS: too many
 * signals wait. */
int myc_monitor(struct myc_actor *self, myc_address other, uint32_t flags,
		struct myc_monitor *monitor);
/* No DOWN of it is delivered after this, even if it is due. -ENOENT: was delivered, or none. */
int myc_demonitor(struct myc_actor *self, struct myc_monitor monitor);

/* ---- stopping, suspending ------------------------------------------------------------------ */

enum myc_stop_how {
	MYC_STOP = 1,	    /* after the message in hand: stopping, stopped */
	MYC_STOP_DRAIN = 2, /* first handles what was sent to it; sends to it fail from now on */
	MYC_STOP_KILL = 3,  /* no handler any more, not even `stopped` */
	/* Added to one of them: who has not ended when the time is over is killed then. (A kill cannot
	 * break off a handler: it takes effect when that returns.) */
	MYC_STOP_ELSE_KILL = 16,
};

/* Tells another to stop. 0: on its way. To wait for the end, monitor it. -ESRCH: there is no such actor (any more),
 * -ENOBUFS, -ENOSPC (no lane). A drain that finds the table of watches full is a plain stop. */
int myc_stop_send(struct myc_actor *self, myc_address other, enum myc_stop_how how);
/* The same, and tells what comes of it: one DOWN when it has ended, whatever happens (restarts in place
 * are not told). If that is not known within timeout_ns (UINT64_MAX: however long it takes), one STILL
 * before it: it runs, or goes on ending. myc_demonitor ends both. Errors as above, -EINVAL: oneself, or the
 * behaviour has no signal handler; -ENOSPC also: the table of watches is full. Then nothing comes. */
int myc_stop_watch(struct myc_actor *self, myc_address other, uint32_t how, uint64_t timeout_ns,
		   struct myc_monitor *monitor);
/* Until `myc_resume`, no message, timer or feed event is handled; messages wait within the credit. */
int myc_suspend(struct myc_actor *self, myc_address other);
int myc_resume(struct myc_actor *self, myc_address other);

/* From plain threads: waits until it has ended, all its handlers done (or its process died); timeout_ns 0: does not wait. `how`:
 * enum myc_stop_how. -ETIMEDOUT: it was told, and goes on ending; -EAGAIN: it could not be told in this time
 * (the lane is full, or new and not seen yet); -ESRCH: there is no such actor; -EUSERS: all attach slots
 * are taken. With MYC_STOP_ELSE_KILL it is killed at the timeout, which then waits for the handler in hand,
 * at most as long again: 0 or -ETIMEDOUT. */
int myc_actor_stop(struct myc_system *system, myc_address actor, uint32_t how, uint64_t timeout_ns);
/* Waits until it has ended by whatever cause: 0, also when there is no such actor (any more).
 * -ETIMEDOUT: it is still there. */
int myc_actor_wait(struct myc_system *system, myc_address actor, uint64_t timeout_ns);
/* From outside, as myc_suspend and myc_resume. 0: on its way. Errors as above, they do not wait. */
int myc_actor_suspend(struct myc_system *system, myc_address actor);
int myc_actor_resume(struct myc_system *system, myc_address actor);

#ifdef __cplusplus
}
#endif
#endif
