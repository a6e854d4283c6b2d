/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside core/: an executor and what it runs. Not for other folders: they use core/process.h.
 *
 *   sender    the outgoing half: roads (lanes out), flows, whom to wake. An executor has one, and
 *             so has each attached plain thread                    (sender.h, road.c, send.c)
 *   receiver  inlets (lanes in), credit, pending queue     (receiver.h and its four files)
 *   signals   what executors tell each other about actors          (signal.c)
 *   asks      messages that wait for a reply, and the replies (ask.h and its four files)
 *   body      messages whose payload is a reference                  (body.c)
 *   outbox    messages waiting for credit; their senders are paused         (outbox.c)
 *   growth    pending entries of mailboxes without bounds           (growth.c)
 *   overflow  what becomes of messages that cannot wait               (overflow.c, keyed.c)
 *   actor     life of one actor: init, failure, restart, stop       (actor.c, exit.c)
 *   become    other handlers for the same actor, messages put aside (become.c, stash.c)
 *   watches   links, monitors, strong references         (watch.c, link.c, strong.c)
 *   executor  the turn, sleeping, draining        (executor.c, sleep.c, drain.c)
 *   move      from one executor to another        (move.c, move_ask.c, move_stays.c)
 *   thread    executors for one actor that may block                          (thread.c)
 *   wait      how plain threads wait for executors, and ring them             (wait.c)
 *   system    making all of it from a region              (plan.c, system.c, post.c)
 *
 * Everything in these structs is private to one process and, unless said otherwise, to one thread:
 * it is rebuilt from the region after a crash. What the region holds: mycelium/abi/lane.h.
 */
#ifndef MYC_CORE_EXECUTOR_H
#define MYC_CORE_EXECUTOR_H

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>

#include <mycelium/abi/lane.h>
#include <mycelium/abi/signal.h>
#include <mycelium/become.h>

#include "core/growth.h"
#include "core/keyed.h"
#include "core/process.h"
#include "core/sender.h"
#include "core/timer.h"
#include "memory/lane.h"
#include "memory/pool.h"
#include "memory/slab.h"

#define MYC_NAME_SIZE		48 /* with its 0 */
#define MYC_NONE		UINT32_MAX
#define MYC_HAND_OVER		(UINT32_MAX - 1) /* no message is in hand, though one was begun */
#define MYC_CAPACITY_PER_SENDER 64		 /* unless the behaviour says otherwise */
#define MYC_UNRUNG_SLEEP_NS	1000000 /* longest sleep when other processes cannot wake us */

/* A counter in the region: this thread is its one writer, anyone reads. */
static inline void myc_count(uint64_t *counter)
{
#ifdef __x86_64__
	/* What the compiler makes three instructions of. Aligned: nobody reads half of it. */
	__asm__("incq %0" : "+m"(*counter));
#else
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
#endif
}

/* ---- receiver -------------------------------------------------------------------------------- */

struct myc_flow_in {
	_Alignas(64) struct myc_actor
		*actor;	  /* NULL = nobody (any more): messages are dead letters */
	uint64_t slot_to; /* second word of its messages' headers, as the sender must write it */
	uint64_t from;
	uint32_t from_slot;
	uint32_t received, handled, limit;
	uint32_t look_at; /* value of handled at which credit is to be given, or noted as owed */
	uint32_t epoch;	  /* of the sender's entry; 0 = not known */
	uint16_t index;
	bool dirty;  /* credit to be given back that is not published yet */
	bool urgent; /* slot_to is then no message's, so that the ordinary ring has none of it */
	uint32_t
		counted; /* of handled, in what is granted; the rest is counted when credit is looked at */
	uint64_t to;
};

struct myc_inlet {
	struct myc_lane_inward lane;
	struct myc_flow_in *flow; /* MYC_LANE_FLOWS */
	struct myc_peer *peer;	  /* NULL: a plain thread */
	uint64_t source;
	const struct myc_lanes *block;
	bool cut;     /* as cursor.cut says */
	bool refused; /* its sender's schemas and ours do not go together: its flows have no actors */
	uint32_t doubt_hold; /* while recovering: loan of the ordinary message that was in hand */
	uint32_t asks_until; /* its process has another life: none of the former's is behind this */
	uint32_t dirty_count;
	uint16_t dirty[MYC_LANE_FLOWS];
};

/* ---- actor ----------------------------------------------------------------------------------- */

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
	uint32_t restarted_count;
	uint64_t restarts_window_ns;
	uint64_t *restarted_ns; /* the last restarts_max of them, a ring */
	uint64_t paused_at_ns, counted_at_ns;
	uint32_t outboxed_lenient; /* of its messages in the outbox: do not pause it */
	bool stuck;		   /* this pause is counted as such */
	/* Behaviours it became, the current one last (core/become.c). */
	const struct myc_behaviour *become[MYC_BEHAVIOURS_MAX];
	uint32_t becomes;
	bool changing;	      /* in `left` or `entered` */
	bool cycle_told;      /* a cycle was, in this pause */
	uint32_t waits;	      /* while they are linked: core/cycle.c */
	uint64_t change_hand; /* metrics->messages at the last change */
	uint32_t stash_first, stash_last, stash_count;
	bool postpone;		/* with put_aside: until the next change */
	int32_t growth_granted; /* of actor->granted: counted as such (core/growth.h) */
	/* core/actor_timer.c. idle_ns 0: nobody looks. */
	uint64_t idle_ns, idle_since_ns, idle_heard;
	struct myc_timer idle_timer;
	/* Timers that came along when it moved: their handles are of other tables. */
	struct myc_moved_timer *moved;
	uint32_t moved_count;
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

/* ---- executor -------------------------------------------------------------------------------- */

/* Signals that wait, see core/signal.h. */
struct myc_signals {
	struct myc_signal_entry *entry;
	uint32_t count, first, last, free;
	uint32_t round;
};

/* Free slots, first-in first-out. */
struct myc_slot_queue {
	uint32_t *slot;
	uint32_t mask, head, tail;
};

/* Asks that wait for their reply, see core/ask.h. */
struct myc_asks {
	struct myc_ask_entry *entry;
	uint32_t index_mask, capacity, count;
	uint32_t free_first, free_last;
	uint32_t fresh, due;		 /* lists */
	bool closed;			 /* the system stops: no more */
	uint32_t *bucket;		 /* lists, by tick */
	uint64_t *occupied;		 /* bit a bucket: may have some */
	uint64_t tick;			 /* the last one looked at */
	struct myc_ask_process *process; /* as last looked at */
	uint64_t stop_ns; /* until then a stopping system waits for answers; 0 = not set */
	struct myc_answered *answered;
};

/* See core/watch.h. */
struct myc_swept {
	uint32_t start;
	bool done;
};

struct myc_watches {
	struct myc_watch *entry; /* from 1 */
	uint32_t capacity, free;
	struct myc_watch_list queue;
	struct myc_watch_list *row; /* by peer */
	uint32_t mask, walk;
	uint32_t lost;		     /* in the queue and not due */
	uint64_t late_ns;	     /* no watch is late before; UINT64_MAX: none has a limit */
	uint32_t *armed, *seen;	     /* by process: watches, incarnation */
	uint32_t armed_all, numbers; /* numbers given to links */
	uint32_t sweeps, swept_count;
	bool sweeping;
	struct myc_swept *swept; /* by inlet */
};

/* Our rows of the directory, in the region. */
struct myc_entries {
	struct myc_directory_part *part;
	struct myc_directory_row *row;
	uint32_t rows, live; /* live: neither free nor ended */
	uint64_t ends;
	/* Who writes: this executor, or the one that an actor with rows here has moved to. */
	pthread_mutex_t writing;
};

struct myc_executor {
	struct myc_sender out; /* first: the sender of its actors */
	struct myc_system *system;
	uint32_t index, empty_turns;
	struct myc_executor_opts opts;
	struct myc_executor_words *words;
	uint64_t now_ns; /* of this turn, 0 = not read yet */

	struct myc_inlet *inlet;
	uint32_t inlets, inlets_max;
	struct myc_flow_in *flow_table;
	uint32_t *changed_seen; /* process * MYC_SOURCES_OF_PROCESS + source */

	struct myc_pending *pending;
	uint32_t *pending_next;	    /* free list and actors' queues */
	uint32_t *pending_previous; /* in an actor's queue */
	struct myc_keyed pending_keyed;
	uint32_t *pending_hold; /* loans of those with `credited` */
	/* Beyond the one that each flow is sure of, and with what `granted` counts of mailboxes without bounds. */
	uint32_t pending_capacity;
	uint32_t pending_entries, pending_free;
	int32_t granted; /* credit out there, all actors */
	struct myc_growth growth;
	uint64_t pending_order;
	uint32_t pending_hand;	 /* the one in hand, MYC_NONE, MYC_HAND_OVER */
	struct myc_actor *ready; /* with pending messages and not paused */
	struct myc_actor *ready_last;

	struct myc_outbox_entry *outbox;
	uint32_t *outbox_next, *outbox_previous;
	struct myc_keyed outbox_keyed;
	/* One entry more than the capacity: for what replaces another. */
	uint32_t outbox_capacity, outbox_free, outbox_count, outbox_lenient;
	uint32_t outbox_deadlines; /* of them: have one */
	uint32_t notes;		   /* undelivered ones to tell of */
	uint64_t outbox_due_ns;	   /* none of those deadlines is before */
	struct myc_note *note;	   /* core/within.c */
	uint32_t blocked;	   /* first flow with an outbox, MYC_NONE */
	uint64_t outbox_order;	   /* of the newest: arrival << 2 */
	uint64_t cycle_ns;	   /* next look for cycles of those who wait there */
	uint32_t cycle_skip;	   /* blocked flows that the last look came to */

	struct myc_signals signals;
	struct myc_asks asks;
	struct myc_watches watches;
	void *state_scratch;			   /* core/state.c; NULL = none yet */
	struct myc_letters *letters;		   /* in the region: core/letter.h */
	struct myc_letter_watcher *letter_watcher; /* NULL = none yet */
	uint32_t letter_watchers;
	bool telling;	      /* ends wait for room in a lane */
	bool restarts_untold; /* see myc_exit_tell_restarts */
	struct myc_timers timers;
	struct myc_outside *outside; /* NULL: none of its actors looks outside (core/outside.h) */
	uint64_t timer_missed;	     /* periods, of the timer that is in its handler */
	struct myc_source *sources;
	struct myc_entries entries;
	struct myc_lives *lives;    /* NULL: watches none. core/directory.h */
	struct myc_topics *topics;  /* NULL: reads and publishes none. core/topic_actor.h */
	struct myc_slot_queue kept; /* free slots */
	struct myc_slab slab;	    /* states of those spawned here */
	struct myc_actor *actors;
	struct myc_actor
		*ended_actors; /* not freed within the turn: callers up the stack hold them */
	uint64_t status_ns;    /* next time for status lines */

	/* Handed over by the controlling thread: it stores `offered` (release), we load (acquire). */
	struct myc_actor **offer;
	uint32_t offered, taken;

	int bell;
	bool bell_ours; /* made by this process */
	bool others_cannot_ring;
	bool rescan; /* flows wait for their actor or for credit */
	bool started;
	bool begun;
	/* Of a thread-bound actor's: core/thread.h. */
	uint32_t bound;	     /* enum myc_thread_state */
	uint32_t bound_from; /* offers before its actor's */
	bool bound_unused;
	bool over; /* its thread has come to the end of the system */
	myc_address bound_actor;
	uint64_t threads_ns; /* of the keeper: next look */
	bool calls_ended; /* no thread's call is answered by it any more; with fences, see call.c */
	pthread_t thread;

	/* Draining, read by the other executors of the process (release/acquire). */
	uint64_t drain_sent, drain_received;
	uint32_t drain_quiet;
};

int myc_executor_open(struct myc_executor *executor, struct myc_system *system, uint32_t index,
		      const struct myc_executor_opts *opts, struct myc_error *error);
void myc_executor_close(struct myc_executor *executor);
void *myc_executor_run(void *executor);
void myc_executor_adopt(struct myc_executor *executor, struct myc_actor *actor);
/* Takes over and begins the actors that were spawned since. */
void myc_executor_adopt_offered(struct myc_executor *executor);
uint64_t myc_executor_now(struct myc_executor *executor); /* of this turn */
uint64_t myc_executor_clock(const struct myc_executor *executor);
/* A run without a thread, step by step: begin once, then turns. `look`: for new lanes, flows and actors
 * too, as before sleeping. busy: something is there to do now. */
void myc_executor_begin(struct myc_executor *executor);
unsigned myc_executor_turn(struct myc_executor *executor, bool look);
bool myc_executor_busy(struct myc_executor *executor);
void myc_executor_sleep(struct myc_executor *executor); /* until it is rung, or something is due */
/* While the system stops, after an empty turn: what it has sent and received. */
void myc_executor_tally(struct myc_executor *executor);
/* That, and whether all executors have received all that was sent. */
bool myc_executor_drained(struct myc_executor *executor);

/* the receiver */
void myc_receiver_recover(struct myc_executor *executor); /* inlets that a predecessor had */
void myc_receiver_resume(struct myc_executor *executor);  /* messages in doubt, pending entries */
unsigned myc_receiver_poll(struct myc_executor *executor, unsigned budget);
unsigned myc_receiver_pending(struct myc_executor *executor, unsigned budget);
/* New lanes and flows? */
void myc_receiver_scan(struct myc_executor *executor);
bool myc_receiver_changed(const struct myc_executor *executor);
/* A flow between two of our own actors is known at once. */
void myc_receiver_learn_own(struct myc_executor *executor, uint32_t f);
/* The actor takes no messages here any more: nothing goes to it at once by flows of this executor, until
 * myc_flow_more finds it there again. */
void myc_receiver_close_own(struct myc_actor *actor);
void myc_receiver_publish(struct myc_executor *executor); /* before idling */
bool myc_receiver_ready(const struct myc_executor *executor);
void myc_receiver_forget(struct myc_executor *executor, struct myc_actor *actor);
void myc_receiver_make_ready(struct myc_actor *actor);
void myc_receiver_drop_pending(struct myc_actor *actor);

/* outbox.c */
struct myc_way;
/* At the place of core/overflow.h. -ENOBUFS. */
int myc_outbox_put(struct myc_executor *executor, struct myc_actor *actor,
		   const struct myc_way *way, uint64_t kind, uint64_t from, const void *payload,
		   size_t size);
/* Then, when the pool is done with the sending: what it took the place of is dropped. */
void myc_outbox_replaced(struct myc_executor *executor, const struct myc_way *way);
/* One that waits is given up, under a name. False: its body finds no room in the ledger now. */
bool myc_outbox_may_drop(struct myc_executor *executor, uint32_t index);
bool myc_outbox_drop(struct myc_executor *executor, struct myc_flow_out *flow, uint32_t index,
		     uint32_t why);
/* After myc_receiver_recover, before the pool forgets loans: bodies of what was being dropped. */
void myc_outbox_claim(struct myc_executor *executor);
static inline bool myc_outbox_room(const struct myc_executor *executor)
{
	return executor->outbox_free != MYC_NONE &&
	       executor->outbox_next[executor->outbox_free] != MYC_NONE;
}
unsigned myc_outbox_drain(struct myc_executor *executor);
bool myc_outbox_ready(struct myc_executor *executor);
void myc_outbox_recover(struct myc_executor *executor);
/* Those whose time is over are given up. Looks when outbox_due_ns has come. */
void myc_outbox_expire(struct myc_executor *executor);

/* within.c */
uint32_t myc_deadline_tick(uint64_t ns);
bool myc_deadline_over(const struct myc_executor *executor, const struct myc_slot *slot);
uint64_t myc_deadline_ns(const struct myc_executor *executor, const struct myc_slot *slot);
int myc_notes_open(struct myc_executor *executor);
/* Is its sender to be told? With room for it: myc_note_put keeps the loan of its body until then. */
bool myc_note_wanted(const struct myc_actor *actor, uint32_t why);
bool myc_notes_room(const struct myc_executor *executor);
void myc_note_put(struct myc_executor *executor, const struct myc_actor *actor, myc_address to,
		  uint32_t why, uint32_t hold, const struct myc_slot *slot);
unsigned myc_notes_tell(struct myc_executor *executor);
/* What waits there of one flow waits in another now: of the same pair. */
void myc_outbox_follow(struct myc_executor *executor, struct myc_flow_out *old,
		       struct myc_flow_out *flow);
/* What waits there of this flow becomes dead letters. Their actor may go on. */
void myc_outbox_fail(struct myc_executor *executor, struct myc_flow_out *flow,
		     enum myc_dead_letter why);

/* ---- system ---------------------------------------------------------------------------------- */

/* A plain thread's call that waits, see core/call.c. */
struct myc_call {
	uint64_t word;	 /* its number << 32 | state; the low half is what it sleeps on */
	uint32_t number; /* of the newest; the thread's */
	int status;
	uint16_t type;
	uint8_t size;
	_Alignas(8) uint8_t payload[MYC_LANE_PAYLOAD];
};

struct myc_attachment {
	struct myc_sender out;
	struct myc_call call;
	bool opened, taken;
};

/* The calling thread's, given to it at the first time. 0, -EUSERS, -ENOMEM. */
int myc_attached(struct myc_system *system, struct myc_attachment **attachment);
/* myc_post_try, from an address that need not be an actor's, with a correlation. */
int myc_post_from(struct myc_attachment *attachment, myc_address from, myc_address to,
		  uint64_t kind, uint32_t correlation, const void *payload, size_t size);

/* Where a process' directory lies. */
struct myc_directory_home {
	const struct myc_directory *head;
	uint64_t size;
	uint32_t dead; /* an incarnation that is known to be gone. Atomic */
};

/* See core/move.h. All but `word` and `abort` is of who has it. */
struct myc_move {
	uint64_t word;		 /* myc_move_word: stored with release, loaded with acquire */
	pthread_mutex_t callers; /* one at a time */
	uint32_t from, to, number;
	bool abort;
	myc_address address;
	struct myc_actor *actor;
	int code;
	uint32_t stays;	   /* enum myc_move_stays: what was in the way last */
	uint32_t stays_at; /* ... who: process * MYC_EXECUTORS_MAX + executor */
	bool acted;
	uint64_t timers_fired; /* of it, when the flush began */
	struct myc_lifted_timers timers;
	struct myc_group_list *lists;
	struct myc_last_wish *wish;
	uint32_t wishes;
	bool *told, *marked; /* by process * MYC_EXECUTORS_MAX + executor */
	uint32_t *posting;   /* by process * MYC_SOURCES_OF_PROCESS + source */
	uint64_t *watcher;   /* myc_lane_end */
	uint32_t watchers;
	uint64_t closed_ns;
};

struct myc_system {
	struct myc_workspace workspace;
	struct myc_region own; /* myc_system_open's private region */
	char name[48];
	struct myc_system_opts opts;
	struct myc_process_words *words;
	struct myc_actor_slot *slot;
	struct myc_overflow_row *overflow;   /* MYC_OVERFLOW_ROWS */
	struct myc_interface_row *interface; /* MYC_INTERFACE_ROWS */
	struct myc_actor_metrics *metrics;
	struct myc_actor *actor;   /* by slot */
	struct myc_status *status; /* the first MYC_STATUS_ROWS slots' lines */
	uint32_t slots;
	uint32_t slots_kept;	    /* free ones that an executor may keep */
	struct myc_slot_queue free; /* under mutex */
	struct myc_move move;
	struct myc_executor *executor;
	uint32_t executors; /* those of thread-bound actors among them: opts.executors and up */
	struct myc_phases *phases; /* core/shutdown.h; NULL = none */
	struct myc_workers *pools; /* under mutex; freed when it is closed */
	struct myc_name *names;	   /* used when the workspace has no find */
	uint32_t names_mask;
	bool started;
	_Atomic uint32_t stop;		 /* 1 = stop in order, 2 = now */
	uint32_t running;		 /* executors whose thread lives; under mutex */
	struct myc_work_pool *work_pool; /* core/work.c; made under mutex, NULL = not yet */
	cpu_set_t cpus;			 /* where the thread that opened the system could run */
	pthread_mutex_t mutex;		 /* running, attachments, names, free slots, offers */
	pthread_cond_t ended;
	pthread_mutex_t states; /* a thread replaces an actor's state */
	pthread_key_t attach_key;
	bool attach_key_made;
	struct myc_directory_home *directory; /* by process */
	struct myc_schemas_peer *schemas;     /* by process */
	struct myc_publication *publication;  /* topics of this process */
	uint32_t publications;
	struct myc_attachment attachment[MYC_ATTACH_MAX];
};

/* Of the machine, or of the world that stands for it. */
uint64_t myc_system_now(const struct myc_system *system);

/* spawn.c */
int myc_spawn_open(struct myc_system *system);
void myc_spawn_close(struct myc_system *system);
void myc_actor_free(struct myc_actor *actor); /* its memory */
void myc_slot_free(struct myc_executor *executor, uint32_t slot);

/* Pools of one source, in a workspace of so many sources. */
void myc_system_pool_opts(const struct myc_system_opts *opts, uint32_t sources,
			  struct myc_pool_opts *pool);
/* Checked views of another process' blocks; NULL when not there (yet). */
const struct myc_process_words *myc_view_process(const struct myc_system *system, uint32_t process,
						 uint32_t *slots);
const struct myc_actor_slot *myc_view_slot(const struct myc_system *system, uint32_t process,
					   uint32_t slot);
void myc_attachments_close(struct myc_system *system);

#endif
