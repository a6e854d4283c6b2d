/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system as one process of several: what the runtime needs beyond mycelium/system.h. core/ may
 * lean on base and memory. (mycelium/system.h's myc_system_open is this with a workspace of one
 * region and a private table of names.)
 */
#ifndef MYC_CORE_PROCESS_H
#define MYC_CORE_PROCESS_H

#include <stdbool.h>

#include <mycelium/abi/directory.h>
#include <mycelium/feed.h>
#include <mycelium/letter.h>
#include <mycelium/system.h>

#include "core/source.h"
#include "memory/region.h"

/* Adds the blocks that core needs in the region of a process with these opts, in a workspace of
 * `processes` processes with `executors_all` executors in all. -EINVAL, -EEXIST: an option cannot be, `error` (may be NULL)
 * names it, its value and its limit; -ENOSPC: more blocks than a region has. */
int myc_system_plan(struct myc_region_plan *plan, const struct myc_system_opts *opts,
		    uint32_t processes, uint32_t executors_all, struct myc_error *error);

/* Another process of the workspace that is known to be dead (struct myc_workspace, alive). Any thread. */
bool myc_known_dead(const struct myc_system *system, uint32_t process);

/* Where time and waiting come from when it is not this machine: the deterministic runtime's seams
 * (mycelium/testkit.h). Looked at once a turn, a spawn, or a wait: never for a message. */
struct myc_world {
	uint64_t (*now)(void *context); /* ns, never 0 */
	void (*nap)(void *context);	/* instead of a plain thread's sleep */
	/* What an actor that was given this behaviour runs; lives as long as the system. NULL: no memory */
	const struct myc_behaviour *(*behaviour)(void *context,
						 const struct myc_behaviour *behaviour);
	/* What such a one was made of. */
	const struct myc_behaviour *(*original)(const struct myc_behaviour *behaviour);
	void *context;
};

/* How this process sits in its workspace. Everything pointed to outlives the system. */
struct myc_workspace {
	uint32_t node;
	uint32_t process;     /* our index in regions */
	uint64_t incarnation; /* of this start of the process, from 1 */
	uint32_t processes;
	const struct myc_region *regions; /* regions[process] read-write, the others read-only */
	/* Names: 0 and the address, -ENOENT. Called on executors' threads; must not block. */
	int (*find)(void *context, const char *name, myc_address *address);
	/* Is this process (still) at this incarnation alive? For refs and lanes. May be NULL. */
	bool (*alive)(void *context, uint32_t process);
	/* The name of an actor of any process, at most 47 bytes; false: it has none. NULL: only our own
	 * actors' names are known. Any executor's thread; must not block. */
	bool (*name)(void *context, myc_address actor, char name[48]);
	/* An actor failed beyond its restart limit, or the system stopped. Any executor's thread. `watched`: somebody has
	 * asked to know of its end (a monitor, a stop that is watched), and is told. Not by a link: it may end too. */
	void (*failed)(void *context, myc_address actor, int code, bool watched);
	/* The eventfd (EFD_NONBLOCK) that wakes this executor: made by the holder, inherited by all,
	 * so that who sends can wake who sleeps. -1 or NULL: our own executors then sleep at most
	 * 1 ms at a time (there are other processes), and others' cannot be woken by us. */
	int (*bell)(void *context, uint32_t process, uint32_t executor);
	void *context;
	const struct myc_world *world; /* NULL: the machine's clock, threads */
};

int myc_system_join(struct myc_system **system, const struct myc_system_opts *opts,
		    const struct myc_workspace *workspace, struct myc_error *error);

/* Before start: the slot (and so the address) is given, so that a restarted process' actors have
 * the addresses they had. Slots 0..63 are free for this; -EEXIST when taken. */
int myc_spawn_at(struct myc_system *system, const struct myc_spawn_opts *opts, uint32_t slot,
		 uint32_t restarts, myc_address *address, struct myc_error *error);

int myc_system_add_source(struct myc_system *system, uint32_t executor, struct myc_source *source);

struct myc_actor *myc_system_actor(struct myc_system *system, myc_address address);
/* Calls the actor's feed handler as a turn of its own. On the actor's executor only. 0, or the
 * handler's error (the actor is being restarted; go on with the next event). */
int myc_actor_feed(struct myc_actor *actor, const struct myc_feed_event *event);
/* May it be given feed events now? Not while starting, paused (outbox not drained) or stopping.
 * Looked at before every event; a false one is asked again in a later turn. */
bool myc_actor_ready(const struct myc_actor *actor);

/*
 * Takes care of what a dead process left whose place nobody takes. Called after myc_system_start of a system that joined
 * that process' region as its successor, after it was reaped, with no actors, executors that may sleep, and nothing else
 * to do. To everybody it is a successor without actors, so all that waits for the dead one's ends by the rules that are
 * there: its slots are free (-ESRCH to who sends or posts; what waits in outboxes becomes dead letters, their actors
 * go on), what lies in its lanes and mailboxes becomes dead letters (who asked is told -ESRCH, where
 * -ENOTCONN did not come first), what its actors had sent goes on its way, what they had borrowed goes home.
 *
 * Returns when nothing of that is left to do, or the system is asked to stop; then the system is to be stopped, in
 * order. Killed meanwhile: another one begins again. A sender that has looked just before its receiver's slot was free,
 * and writes when the caretaker has gone, leaves one message that nobody counts.
 */
void myc_system_clear(struct myc_system *system);
/* Asks for an orderly stop; any thread, async-signal-safe. */
void myc_system_request_stop(struct myc_system *system);
/* Waits until every executor has ended (0), or timeout_ms is over (-ETIMEDOUT). */
int myc_system_wait(struct myc_system *system, uint32_t timeout_ms);

#define MYC_STATUS_ROWS \
	1024 /* slots that have a status line (MYC_BLOCK_STATUS, an array by slot) */

/* Counters of one actor, in its process' region (MYC_BLOCK_METRICS, index 0, an array by slot);
 * one writer: its executor. For `myc ps`, from any process. */
struct myc_actor_metrics {
	uint64_t address; /* 0 = slot free */
	/* messages: those that went straight to its handler are counted some at a time, at the latest after 32 of one sender,
	 * 16 turns, or when nothing more comes. messages_sent: those to its own executor are counted with their receiver's, as
	 * late as they. What a killed process had not counted is not in it; what was on its way from an actor to another of
	 * its executor may be in messages_sent twice, or not at all. */
	uint64_t messages, messages_sent, sends_refused, timers, feed_events, restarts;
	uint64_t mailbox_depth, mailbox_depth_max, outbox_depth,
		in_doubt;   /* what is put aside lies in the mailbox */
	uint64_t paused_ns; /* with messages in the outbox, in all; renewed about once a second */
	uint64_t stuck;	    /* pauses longer than a second: see myc_send in mycelium/actor.h */
	uint64_t topic_events, topic_lost; /* lost: messages, as told by MYC_TOPIC_LOST */
	uint32_t cycles; /* of spent credit, in which it was concerned: mycelium/cycle.h */
	uint32_t waits;	 /* index + 1 in the outbox: whose credit it waits for, see core/cycle.h */
};
_Static_assert(sizeof(struct myc_actor_metrics) == 128, "two cache lines");

/* The newest dead letters in these regions, oldest first: at most max. */
uint32_t myc_letters_collect(const struct myc_region *regions, uint32_t processes,
			     struct myc_letter *letters, uint32_t max);

/* Actors of this region's process that live and were given a name, as its directory has them now: at most max. */
struct myc_named {
	myc_address address;
	char name[MYC_DIRECTORY_NAME];
};
uint32_t myc_named_collect(const struct myc_region *region, struct myc_named *named, uint32_t max);

#endif
