/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside core/: an executor and what it runs. Not for other folders: they use core/process.h.
 *
 *   sender    the outgoing half: roads (lanes out), flows, whom to wake. An executor has one, and
 *             so has each attached plain thread                    (sender.h, road.c, send.c)
 *   receiver  inlets (lanes in), credit, pending queue     (receiver.h and its six files)
 *   signals   what executors tell each other about actors          (signal.c, signal_received.c)
 *   asks      messages that wait for a reply, and the replies (ask.h and its five files)
 *   body      messages whose payload is a reference                  (body.c)
 *   outbox    messages waiting for credit; their senders are paused         (outbox.h)
 *   growth    pending entries of mailboxes without bounds           (growth.c)
 *   overflow  what becomes of messages that cannot wait               (overflow.c, keyed.c)
 *   actor     life of one actor: init, failure, restart, stop       (actor.h, exit.c)
 *   become    other handlers for the same actor, messages put aside (become.c, stash.c)
 *   watches   links, monitors, strong references         (watch.c, link.c, strong.c)
 *   executor  the turn, sleeping, draining        (executor.c, sleep.c, drain.c)
 *   move      from one executor to another        (move.c, move_ask.c, move_stays.c)
 *   thread    executors for one actor that may block                          (thread.c)
 *   caretaker of what a process left that has no successor               (caretaker.c)
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

#include "core/actor.h"
#include "core/growth.h"
#include "core/keyed.h"
#include "core/process.h"
#include "core/sender.h"
#include "core/timer.h"
#include "memory/lane.h"
#include "memory/pool.h"
#include "memory/slab.h"

#define MYC_NONE	    UINT32_MAX
#define MYC_HAND_OVER	    (UINT32_MAX - 1) /* no message is in hand, though one was begun */
#define MYC_UNRUNG_SLEEP_NS 1000000	     /* longest sleep when other processes cannot wake us */

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

static inline void myc_count_some(uint64_t *counter, uint64_t n)
{
	__atomic_store_n(counter, *counter + n, __ATOMIC_RELAXED);
}

/* ---- receiver -------------------------------------------------------------------------------- */

struct myc_flow_in {
	_Alignas(64) struct myc_actor
		*actor; /* NULL = nobody (any more): messages are dead letters */
	/* Second word of its messages' headers, as the sender must write it; without an actor, or urgent, no message's. */
	uint64_t slot_to;
	uint64_t from;
	uint32_t from_slot;
	uint32_t handled, waiting, limit; /* waiting: received, and not handled yet */
	uint32_t look_at; /* value of handled at which credit is to be given, or noted as owed */
	uint32_t epoch;	  /* of the sender's entry; 0 = not known */
	uint16_t index;
	bool dirty; /* handled some since credit and counts were looked at: in the inlet's list */
	bool urgent;
	/* Of handled, in what is granted and in its actor's metrics: the others are counted when credit is looked at. */
	uint32_t counted;
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

/* ---- executor -------------------------------------------------------------------------------- */

/* Signals that wait, see core/signal.h. */
struct myc_signals {
	struct myc_signal_entry *entry;
	uint32_t count, first, last, free;
	uint32_t urgent; /* of count */
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
	struct myc_flow_in *flow_table; /* see core/guess.h */
	struct myc_guess *guess;	/* of what comes next in the lane to ourselves */
	uint32_t *changed_seen;		/* process * MYC_SOURCES_OF_PROCESS + source */

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
	bool over;   /* its thread has come to the end of the system */
	bool untold; /* has taken over actors, since all were last told `stopping` */
	bool closed; /* the system has stopped here: none is taken over any more. The mutex */
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
void myc_executor_unlist(struct myc_executor *executor, struct myc_actor *actor);
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
/* What went straight to handlers since that was last looked at, into their actors' metrics. */
void myc_receiver_count(struct myc_executor *executor);
bool myc_receiver_ready(const struct myc_executor *executor);
void myc_receiver_forget(struct myc_executor *executor, struct myc_actor *actor);
void myc_receiver_make_ready(struct myc_actor *actor);
void myc_receiver_drop_pending(struct myc_actor *actor);

/* ---- system ---------------------------------------------------------------------------------- */

/* A plain thread's call that waits, see core/call.c. */
struct myc_call {
	uint64_t word;	 /* its number << 32 | state; the low half is what it sleeps on */
	uint32_t number; /* of the newest; the thread's */
	int status;
	uint16_t type;
	uint32_t size;
	/* Where the answer is to lie, and how much fits. The thread's, stored before WAITING. */
	void *memory;
	size_t capacity;
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

/* At its start: a predecessor's actors that were not spawned again are gone. */
void myc_system_free_unspawned(struct myc_system *system);
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
