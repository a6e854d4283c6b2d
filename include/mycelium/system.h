/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system in one process, without root, BPF or a NIC: executors as threads, actors on them. The
 * same actors run unchanged in the worker processes that `myc run` starts from a topology.
 *
 *	struct myc_system *system;
 *	myc_system_open(&system, &(struct myc_system_opts){ .sz = sizeof(struct myc_system_opts), .executors = 2 }, &error);
 *	myc_spawn(system, &(struct myc_spawn_opts){ .sz = ..., .behaviour = &ping, .name = "ping", .executor = 0 }, &address, &error);
 *	myc_system_start(system, &error);
 *	myc_system_stop(system, 1000);   // drain within a second, then end
 *	myc_system_close(system);
 *
 * These functions are called from one controlling thread.
 */
#ifndef MYCELIUM_SYSTEM_H
#define MYCELIUM_SYSTEM_H

#include <stddef.h>
#include <stdint.h>

#include <mycelium/actor.h>
#include <mycelium/cycle.h>
#include <mycelium/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_system;
struct myc_sbe_schema_info;

enum myc_idle {
	MYC_IDLE_SLEEP = 0, /* spin a little, then sleep until woken (default: kind to a laptop) */
	MYC_IDLE_SPIN = 1,  /* never give the core away */
	MYC_IDLE_PAUSE = 2, /* spin with the pause instruction */
	MYC_IDLE_YIELD = 3, /* sched_yield between empty turns */
};

struct myc_executor_opts {
	int core; /* -1 = not pinned. Note: zero-initialised means core 0 */
	/* With core -1: it runs on the cores of NUMA node `node` - 1; 0 = on any. Its memory is on its core's, or
	 * this, node. */
	uint32_t node;
	enum myc_idle idle;
	uint32_t idle_spins; /* empty turns before sleep or yield, 0 = 2000 */
	uint32_t batch;	     /* messages of one source or lane a turn, 0 = 64 */
	uint32_t timers;     /* pending timers, 0 = 4096; at most 2^25 */
	uint32_t signals;    /* that wait for a full lane or older messages, 0 = 1024 */
	uint32_t asks;	     /* that wait for their reply, 0 = 1024; at most 65535 */
	uint32_t
		watches; /* monitors and ends of links that its actors hold, 0 = 4096; at most 2^24 */
	/* Memory for the states of actors that its actors spawn, touched before it runs: a state takes whole lines of
	 * 64 bytes, one larger than 1,024 is not of it. What is needed beyond comes when it is, at the price
	 * of page faults. */
	uint32_t states_kib;
	/*
	 * How actors share the executor. With both 0 messages are handled as they come out of their lanes, the
	 * fastest way: a turn takes at most `batch` from each lane and for each timer and feed, so all are
	 * served in every turn; but in one lane they wait for those before them, whoever these are for.
	 * With one set, all messages go by mailboxes, and a turn goes round the actors that have some: each
	 * handles at most `share` (0 = batch) in a row, and begins none after share_ns (0 = no limit); then
	 * it is the next one's turn. `shares_ended` in the executor's counters says how often that cut
	 * somebody short. A reply may then be handled before messages that its sender sent earlier.
	 */
	uint32_t share;
	uint64_t share_ns;
};

/* A topic of this process, see mycelium/topic.h. */
struct myc_topic_opts {
	const char *name; /* unique in the workspace, at most 39 bytes */
	uint32_t
		slots; /* messages it holds, a power of two, 0 = 4096, 1024 of more than 256 bytes */
	uint32_t payload_max; /* bytes of a message, 0 = 64, at most 65536 */
	uint32_t keys;	      /* not 0: keyed, the last value of so many keys; a power of two */
	uint32_t readers;     /* executors that subscribe at once (once a mode), 0 = 64 */
	bool reliable;	      /* may be waited for; not with keys */
	uint64_t patience_ns; /* reliable: nobody holds it up for longer; 0 = as long as he lives */
};

struct myc_system_opts {
	size_t sz;
	const char *name;   /* NULL = "system" */
	uint32_t executors; /* 0 = 1; at most 64 */
	uint32_t actors;    /* slots of the process, 0 = 1024 */
	/* Ordinary slots a lane (64 bytes each, one lane from each executor to each), a power of two, 0 = 4096,
	 * 256 of plain threads: a stream costs half when a slot has left the first caches of both cores before it
	 * is written anew. With dozens of executors fewer may do. */
	uint32_t lane_slots;
	uint32_t lane_urgent_slots; /* a power of two, 0 = 64 */
	uint32_t outbox;	    /* messages waiting for credit an executor, 0 = 1024 */
	/* Credit an executor can grant in all, beyond the one that each pair of actors is sure of; a waiting
	 * place each. 0 = 8192 */
	uint32_t pending;
	/* Buffers for bodies (mycelium/body.h) of each executor and attached thread, by size class: bytes
	 * of a buffer, a multiple of 64, ascending, and how many. All 0 = 256 B: 512, 1 KiB: 128, 4 KiB:
	 * 64, 64 KiB: 4. */
	struct {
		uint32_t size, count;
	} buffers[8];
	uint32_t loans; /* bodies an executor can have at once, 0 = 1024 */
	const struct myc_executor_opts
		*executor; /* `executors` entries, NULL = unpinned, sleeping */
	const struct myc_topic_opts *topics;
	uint32_t topics_count;
	uint32_t readings; /* topics that an executor reads at once, 0 = 32 up to 32 executors */
	/* Names and group memberships of an executor's actors, 0 = 256. What finds no room is not listed,
	 * and a membership refused. */
	uint32_t directory;
	/* Actors that wait for one another's credit in a ring: what is done, and who is told (mycelium/cycle.h). */
	enum myc_cycles cycles; /* 0 = MYC_CYCLES_REPORT */
	myc_cycle_hook *cycle;	/* NULL = nobody; with cycle_context */
	void *cycle_context;
	uint32_t
		threads; /* actors with a thread of their own at a time (MYC_SPAWN_THREAD), at most 16 */
	uint32_t work_threads; /* of the pool that myc_work gives its works, 0 = 2; at most 64 */
	/* What this process speaks (mycelium/schema.h). NULL: what it has declared. */
	const struct myc_sbe_schema_info *const *schemas;
	uint32_t schemas_count;
	/* Messages that mailboxes without bounds of one executor may have waiting, all together; 0 = none: no actor
	 * may have one. Rounded up to MYC_MAILBOX_CHUNK, at most 2^24. Memory for them is taken when they come: up to
	 * 140 bytes each (mycelium/mailbox.h). */
	uint32_t growth;
};

#define MYC_THREADS_MAX 16

/* Makes a system: all of its memory, no thread yet. opts: NULL or zeros = the defaults. On an error there is none, and
 * `error` (may be NULL) names the option, its value and what to do about it; -EINVAL: one is out of range; -EEXIST: two
 * topics have one name; -ENOMEM. The caller owns it, until myc_system_close. */
int myc_system_open(struct myc_system **system, const struct myc_system_opts *opts,
		    struct myc_error *error);

struct myc_setting {
	const char *key;
	const char *value;
};

/*
 * MYC_SPAWN_THREAD: the actor gets an executor of its own, whose thread is made now and joined after its end
 * (`executor` is not looked at). Its handlers may block, for as long as they like: it holds up nobody but who waits for
 * it. All else is as with any actor; what it sends is on its way at once, and wakes its receiver when the
 * handler returns. There can be `threads` of them at a time: -ENOSPC. In the deterministic runtime it runs on
 * `executor` like others.
 *
 * MYC_SPAWN_WHILE_HELD: it ends by itself, with the reason `normal`, when the last strong reference to it was given up
 * (mycelium/strong.h). Until there was a first one it lives.
 */
enum myc_spawn_flag { MYC_SPAWN_THREAD = 1 << 0, MYC_SPAWN_WHILE_HELD = 1 << 1 };

#define MYC_RESTARTS_NONE UINT32_MAX /* the first failure goes up */

struct myc_spawn_opts {
	size_t sz;
	const struct myc_behaviour *behaviour;
	const char *name;  /* unique in the system, at most 47 bytes; NULL = unnamed */
	uint32_t executor; /* index */
	uint32_t flags;	   /* enum myc_spawn_flag */
	const struct myc_setting *settings; /* copied */
	uint32_t settings_count;
	/* In restarts_window_ns before the failure goes up, 0 = 3: who monitors the actor is told. Under `myc run` its
	 * process ends then, for the supervisor to restart, unless an actor has spawned it and somebody monitors it. */
	uint32_t restarts_max;
	uint64_t restarts_window_ns; /* 0 = 5 s */
	uint32_t phase; /* of the shutdown (mycelium/shutdown.h), 0 = none; of who spawns locally */
	uint32_t grows_to; /* 0 = as its behaviour says: mycelium/mailbox.h */
};

/* Makes an actor. Before start: at once. After start: the executor adopts it in its next turn. -ESHUTDOWN: the system
 * has stopped. */
int myc_spawn(struct myc_system *system, const struct myc_spawn_opts *opts, myc_address *address,
	      struct myc_error *error);
/* Makes an actor from a handler, on self's executor (`executor` is not looked at). Runs its init and started before it
 * returns; their failure is returned, and nothing is left of the actor then. -ENOSPC: `actors` are there; the
 * slot of one that has ended is free when that turn is over. -ESHUTDOWN: in `stopped` of an actor that the system's stop
 * ends. May allocate, and take a lock for a moment: a part of the control plane. With MYC_SPAWN_THREAD as
 * myc_spawn: it begins by itself; -ESHUTDOWN as soon as the system is to stop. */
int myc_spawn_local(struct myc_actor *self, const struct myc_spawn_opts *opts, myc_address *address,
		    struct myc_error *error);
/* Starts the executors' threads; what was spawned before begins. Once, by whoever opened it. -EALREADY: it was; else there
 * is no thread for an executor: close it. */
int myc_system_start(struct myc_system *system, struct myc_error *error);

/*
 * Moves an actor to another executor of its process while messages flow: their order and credit stay as they are,
 * none is lost or comes twice. Its state goes along, its timers (their handles stay good), behaviours, overflow rules,
 * names and groups; refs, monitors by others, asks and receipts under way to it go on. From a plain thread; one move at
 * a time in a system, others wait their turn.
 *
 * Every executor of the workspace has to take a turn meanwhile. To who sends to it the actor is one without credit
 * until then, at most 0.1 s; then it is tried again.
 *
 * 0: it is there. Else it stays where it is, and `error` (may be NULL) says what is in the way:
 *
 *	-EOPNOTSUPP  it never moves: it has a thread of its own, a feed, or is part of a pool of workers
 *	-EBUSY       it has what belongs to its executor, and has to give that up before: a subscription or claim of a topic,
 *	             monitors or links of its own, a watch of names, groups, dead letters or descriptors, work of other
 *	             threads; or others hold it (mycelium/strong.h). Or another move took all the time
 *	-ETIMEDOUT   something was waited for: replies to its asks, messages in its outbox, bodies that it keeps, messages
 *	             put aside, a handler that blocks. (Its executor was in a handler for a second more: then it is
 *	             not known yet whether it moves.)
 *	-ENOSPC, -ENOMEM  the other executor has no room for its timers
 *	-ESRCH       it has ended, or is another process'. -EINVAL: no such executor. -ESHUTDOWN
 *
 * Killed meanwhile: a restarted process' actor (myc_spawn_at) is where it was last.
 */
int myc_move(struct myc_system *system, myc_address actor, uint32_t executor, uint64_t timeout_ns,
	     struct myc_error *error);

/* Sends from a plain thread. The first call attaches the thread (a fixed number of attach slots:
 * -EUSERS when all are taken). More than MYC_PAYLOAD_MAX bytes are copied into a body. try: -EAGAIN (no
 * credit), -ENOBUFS (no buffer), -ENOSPC (messages to 512 other actors of that executor wait to be
 * handled); the other blocks until there is all of it or timeout_ns (UINT64_MAX = for ever) has
 * passed: -ETIMEDOUT. */
int myc_post_try(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
		 size_t size);
int myc_post(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
	     size_t size, uint64_t timeout_ns);

/*
 * Asks every actor to stop at once (in phases: mycelium/shutdown.h), waits until all have or timeout_ms is over. -ETIMEDOUT.
 * Each executor tells its actors `stopping`; those that are spawned from then on, by a `stopping` or for a message that
 * was on its way, are told as soon as they have begun. When all messages are handled, all end: `stopped`, and nobody
 * is spawned any more.
 */
int myc_system_stop(struct myc_system *system, uint32_t timeout_ms);
/* After a stop has timed out: the actors with a thread of their own that are in a handler still, at most max. Takes
 * up to 300 ms. Their number. */
uint32_t myc_system_hung(struct myc_system *system, myc_address *actor, uint32_t max);
/* Waits for handlers that block. */
void myc_system_close(struct myc_system *system);

#ifdef __cplusplus
}
#endif
#endif
