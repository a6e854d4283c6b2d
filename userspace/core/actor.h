/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside core/: one actor as its executor has it. Private memory, of its executor's thread; what others may see is its
 * word and its metrics, in the region (mycelium/abi/lane.h).
 */
#ifndef MYC_CORE_ACTOR_H
#define MYC_CORE_ACTOR_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/abi/lane.h>
#include <mycelium/become.h>

#include "core/process.h"
#include "core/timer.h"

#define MYC_NAME_SIZE		48 /* with its 0 */
#define MYC_CAPACITY_PER_SENDER 64 /* unless the behaviour says otherwise */

enum myc_aside {
	MYC_ASIDE_LIFE = 1,    /* not started yet, or ended */
	MYC_ASIDE_OUTBOX = 2,  /* paused: its own messages wait for credit */
	MYC_ASIDE_PENDING = 4, /* others came before and wait */
	MYC_ASIDE_AWAIT = 8,   /* it awaits a reply */
	MYC_ASIDE_SUSPENDED = 16,
	MYC_ASIDE_SHARES = 64, /* always, where actors have shares of their executor */
	MYC_ASIDE_SHUT = 32, /* the intake of a pool that is full: timers, replies, signals go on */
};

/* Entries in the executor's table of watches; 0 = none. */
struct myc_watch_list {
	uint32_t first, last;
};

/* What ties an actor to others: see core/watch.h, core/exit.h. All zero: nothing. */
struct myc_ties {
	uint64_t watchers; /* bits: roads to executors that want to know of its end */
	uint64_t
		telling; /* running: not told yet of a restart; ended: told all but the held ones */
	struct myc_watch_list owned;
	uint32_t reason; /* of its end: enum myc_exit_kind */
	int32_t code;
	uint32_t flags; /* enum myc_tie_flag */
	uint8_t phase;	/* of the shutdown, 0 = none */
};

/* A timer that moves with its actor. */
struct myc_moved_timer {
	struct myc_timer given;	      /* the handle that the actor has of it */
	struct myc_timer before, now; /* of the table that it leaves; of the one it comes to */
	uint64_t due_ns, period_ns, cookie, order;
};
struct myc_lifted_timers {
	struct myc_moved_timer *timer;
	uint32_t count;
	uint32_t head; /* of the actor's ring in the table it leaves */
};

/* What few actors have: made when it is needed. */
struct myc_actor_more {
	char name[MYC_NAME_SIZE];
	uint32_t settings_count;
	struct myc_setting *settings; /* one allocation with its strings */
	uint32_t restarts_max;
	uint32_t restarted_count, restarted_room;
	uint64_t restarts_window_ns;
	uint64_t *restarted_ns; /* those in the window, oldest first, and perhaps some before it */
	uint64_t paused_at_ns, counted_at_ns;
	uint32_t outboxed_lenient; /* of its messages in the outbox: do not pause it */
	bool stuck;		   /* this pause is counted as such */
	/* Behaviours it became, the current one last (core/become.c). */
	const struct myc_behaviour *become[MYC_BEHAVIOURS_MAX];
	uint32_t becomes;
	bool changing;	     /* in `left` or `entered` */
	bool cycle_told;     /* a cycle was, in this pause */
	uint32_t waits;	     /* while they are linked: core/cycle.c */
	uint64_t handlers;   /* begun since it first became something */
	uint64_t changed_in; /* ... + 1 at the last change; 0 = none */
	uint32_t stash_first, stash_last, stash_count;
	bool postpone;		/* with put_aside: until the next change */
	int32_t growth_granted; /* of actor->granted: counted as such (core/growth.h) */
	/* core/actor_timer.c. idle_ns 0: nobody looks. */
	uint64_t idle_ns, idle_since_ns, idle_heard;
	struct myc_timer idle_timer;
	/* Timers that came along when it moved: their handles are of other tables. */
	struct myc_moved_timer *moved;
	uint32_t moved_count;
	uint32_t
		state_home; /* of one that has moved: whose slab its state is of, + 1; 0 = nobody's */
};

/* The first line is what a message needs; an idle actor has this, its metrics, slot and state. */
struct myc_actor {
	void *state; /* first: myc_state() is inline */
	struct myc_executor *executor;
	struct myc_actor_metrics *metrics;
	myc_address address;
	int (*message)(struct myc_actor *self, const struct myc_message *message);
	uint8_t aside; /* enum myc_aside: why a message does not go straight to the handler */
	bool stop_asked : 1;
	bool put_aside : 1; /* the message in hand goes into the stash */
	bool restarts_none : 1;
	uint8_t life;	  /* enum myc_actor_state, as its executor sees it */
	bool adopted : 1; /* its executor knows it */
	bool ready_listed : 1;
	bool state_from_slab : 1;
	bool has_topics : 1;  /* subscriptions or claims, as it may be */
	bool has_entries : 1; /* names, memberships, watches or lists of these: core/directory.h */
	bool has_bodies : 1;  /* took or kept some: looked for when it ends */
	bool changed : 1;     /* has become another behaviour */
	bool unpaused : 1;    /* what it has in the outbox does not pause it */
	bool pooled : 1;      /* a worker of a pool (core/workers.h) */
	bool of_pool : 1;     /* that, or its intake or control */
	bool entries_abroad : 1; /* it moved: some lie in other executors' parts */
	bool grows : 1;		 /* its mailbox has no bounds: `capacity` is grows_to */
	uint32_t slot;
	int32_t granted;      /* credit out there: sum of limit - counted over its flows */
	uint32_t window;      /* credit of each of its flows at most; set with flows_in */
	uint32_t grant_batch; /* so much of it is given back at a time */
	uint32_t outboxed;    /* of its messages in the outbox */

	const struct myc_behaviour *behaviour;
	struct myc_actor_more *more; /* NULL: has nothing of it */
	uint32_t flows_in;
	uint32_t capacity, capacity_per_sender;
	uint32_t pending_count, pending_first, pending_last;
	uint32_t timers; /* head of its list */
	uint32_t asks;	 /* the same; 0 = none */
	struct myc_actor *next_ready;
	struct myc_actor *next, *previous; /* of the executor */
	struct myc_ties ties;
};
_Static_assert(sizeof(struct myc_actor) <= 192, "an idle actor is small");

struct myc_actor_more *myc_actor_more(struct myc_actor *actor); /* NULL: no memory */
int myc_actor_ignore(struct myc_actor *self, const struct myc_message *message);
/* Its own behaviour again, as at its start. */
void myc_become_first(struct myc_actor *actor);
/* What it has become, or its own behaviour. */
static inline const struct myc_behaviour *myc_actor_now(const struct myc_actor *actor)
{
	return actor->changed ? actor->more->become[actor->more->becomes - 1] : actor->behaviour;
}
/* A handler as it is now: what it has become comes first, what that leaves out is its own. */
#define myc_actor_hook(actor, hook) \
	(myc_actor_now(actor)->hook ? myc_actor_now(actor)->hook : (actor)->behaviour->hook)
int myc_actor_begin(struct myc_actor *actor); /* init, started; restarts when they fail */
int myc_actor_start(struct myc_actor *actor); /* init, started; ends it when they fail */
void myc_actor_after(struct myc_actor *actor, int code); /* what a handler's result asks for */
/* stopped; its watchers are told and its slot is freed when what it sent is on its way (core/exit.h) */
void myc_actor_end(struct myc_actor *actor, uint32_t reason, int32_t code);
void myc_actor_bury(struct myc_executor *executor); /* end of turn */
void myc_actor_set_life(struct myc_actor *actor, uint32_t life);
void myc_actor_pause(struct myc_actor *actor);
void myc_actor_unpause(struct myc_actor *actor);
/* Adds the pause since the last look, and sees whether it has become a long one. */
void myc_actor_count_pause(struct myc_actor *actor);
/* A timer of its is due: what its handler returned. */
int myc_actor_timer(struct myc_actor *actor, struct myc_timer_entry *entry, uint64_t now);
/* Those that its behaviour declares. */
int myc_actor_timers_declared(struct myc_actor *actor);
void myc_actor_timers_forget(struct myc_actor *actor);
/* It moves: its timers are held and noted, on the executor that it leaves; started on the other, -ENOSPC; then
 * those that were held are given back. -ENOMEM. */
int myc_actor_timers_lift(struct myc_actor *actor, struct myc_lifted_timers *lifted);
int myc_actor_timers_land(struct myc_actor *actor, struct myc_lifted_timers *lifted);
void myc_actor_status(struct myc_actor *actor);
static inline void myc_actor_aside(struct myc_actor *actor, enum myc_aside why, bool is)
{
	actor->aside = (uint8_t)(is ? actor->aside | why : actor->aside & ~why);
}
/* It goes on when its messages have gone, its reply has come, or somebody resumes it. */
static inline bool myc_actor_waits(const struct myc_actor *actor)
{
	return actor->aside & (MYC_ASIDE_OUTBOX | MYC_ASIDE_AWAIT | MYC_ASIDE_SUSPENDED);
}
/* Has it messages waiting, and nothing that keeps it from handling them? */
static inline bool myc_actor_has_turn(const struct myc_actor *actor)
{
	return (actor->aside & ~MYC_ASIDE_SHARES) == MYC_ASIDE_PENDING;
}
/* What waits for its handlers, and what they have put aside. */
static inline uint32_t myc_actor_mailbox(const struct myc_actor *actor)
{
	return actor->pending_count + (actor->more ? actor->more->stash_count : 0);
}
static inline bool myc_actor_runs(const struct myc_actor *actor)
{
	return actor->life == MYC_ACTOR_RUNNING || actor->life == MYC_ACTOR_STOPPING;
}

#endif
