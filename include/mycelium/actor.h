/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actors: behaviour (handlers), private state, mailbox. An executor (one pinned thread) runs many
 * actors, each message to completion; handlers of one actor never run concurrently.
 *
 * Life:  spawn -> init -> started -> (message | timer | feed)* -> stopping -> stopped
 *                  ^                        | handler failed
 *                  +------- restarted <-----+       address, mailbox and timers' declaration stay
 *
 * All functions taking `struct myc_actor *self` may be called only from that actor's handlers, on
 * its executor's thread. The kernel may kill the process at any instruction: messages that were
 * sent stay sent, the message in hand is the one in doubt, state on the heap is gone.
 */
#ifndef MYCELIUM_ACTOR_H
#define MYCELIUM_ACTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/address.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_actor;
struct myc_feed_event;
struct myc_io_event;
struct myc_topic_event;
struct myc_overflow;
struct myc_reply;
struct myc_signal_event;
struct myc_worked;
struct myc_state_codec;
struct myc_undelivered;
struct myc_interface;
struct myc_group_event;
struct myc_life_event;

#define MYC_PAYLOAD_MAX 40 /* bytes carried inside a slot; more go as a body */

enum myc_message_flag {
	MYC_MESSAGE_REDELIVERED =
		1 << 0, /* was in hand when its receiver died: may have been handled */
	MYC_MESSAGE_URGENT = 1 << 1,
};

/* A received message. The payload is private and 8-byte aligned, or a body read where its sender wrote
 * it (mycelium/body.h); valid until the handler returns. */
struct myc_message {
	myc_address from;     /* MYC_NOBODY when sent by a plain thread without an address */
	uint16_t type;	      /* below 0xff00; the rest is the framework's */
	uint8_t flags;	      /* enum myc_message_flag */
	uint32_t size;	      /* of payload */
	uint32_t correlation; /* not 0: the sender waits for a reply, see mycelium/ask.h */
	uint32_t body;	      /* opaque, for mycelium/body.h */
	const void *payload;
};

/* For `myc ps` and reports: an actor says what it wants people to see. Text, one line. */
struct myc_status {
	char text[192]; /* zero-terminated; a reader may see it torn */
};

/* A timer that a behaviour declares: as myc_timer_start. */
struct myc_timer_plan {
	uint64_t delay_ns, period_ns, cookie;
};

/*
 * What an actor does. Lives as long as any actor that has it (usually static const). Handlers
 * return 0, or -errno = failed: the actor is restarted by its policy. Any may be NULL.
 */
struct myc_behaviour {
	const char *name;
	size_t state_size; /* bytes of private state, zeroed before each init, 64-byte aligned */
	/* Messages on their way to it in all, 0 = 1024: what is granted to senders is taken from it.
	 * A sender that finds all of it granted to others gets one credit all the same (else idle ones
	 * could keep it out for ever): so it is at most this, plus one for each such sender. */
	uint32_t mailbox_capacity;
	uint32_t capacity_per_sender;	     /* credit of one sender, 0 = 64 */
	uint32_t stash_capacity;	     /* messages put aside, 0 = none: mycelium/become.h */
	uint32_t overflow_count;	     /* how many `overflow` has */
	int (*init)(struct myc_actor *self); /* first start and every restart */
	int (*started)(
		struct myc_actor *self); /* after init: all actors of the process have addresses */
	int (*message)(struct myc_actor *self, const struct myc_message *message);
	int (*timer)(struct myc_actor *self, uint64_t cookie);
	int (*feed)(struct myc_actor *self,
		    const struct myc_feed_event *event); /* mycelium/feed.h */
	int (*topic)(struct myc_actor *self,
		     const struct myc_topic_event *event);		     /* mycelium/topic.h */
	int (*reply)(struct myc_actor *self, const struct myc_reply *reply); /* mycelium/ask.h */
	/* DOWN and EXIT, also while paused or suspended: mycelium/link.h */
	int (*signal)(struct myc_actor *self, const struct myc_signal_event *event);
	/* Also while paused or suspended: mycelium/group.h, mycelium/registry.h */
	int (*group)(struct myc_actor *self, const struct myc_group_event *event);
	int (*life)(struct myc_actor *self, const struct myc_life_event *event);
	int (*idle)(struct myc_actor *self); /* nothing came for idle_timeout_ns */
	int (*io)(struct myc_actor *self,
		  const struct myc_io_event *event); /* mycelium/outside.h */
	int (*worked)(struct myc_actor *self, const struct myc_worked *done); /* the same */
	int (*entered)(struct myc_actor *self); /* mycelium/become.h */
	void (*left)(struct myc_actor *self);	/* the same */
	/* Once to each that has begun, and is neither killed nor failed nor ends by myc_exit or a link: it may
	 * still send and spawn. As its system stops it is handed what is on its way to it after that. */
	void (*stopping)(struct myc_actor *self);
	void (*stopped)(struct myc_actor *self);			   /* last call */
	void (*status)(struct myc_actor *self, struct myc_status *status); /* about once a second */
	/* Timers that it has after each `init`, of a restart too. -ENOSPC fails the start. */
	const struct myc_timer_plan *timers;
	uint64_t idle_timeout_ns; /* as myc_idle_timeout_set; 0 = none */
	uint32_t timers_count;
	/* The message in hand when the process died comes again, marked MYC_MESSAGE_REDELIVERED.
	 * false: it becomes a dead letter, counted as in doubt. */
	bool redeliver;
	/* What others may know of, and do to, its state: mycelium/state.h. NULL: nothing. */
	const struct myc_state_codec *codec;
	/* What becomes of messages of some types when no more can wait: mycelium/mailbox.h. */
	const struct myc_overflow *overflow;
	/* A mailbox without bounds, up to so many messages: mycelium/mailbox.h. 0: bounded, as above. */
	uint32_t grows_to;
	/* One of its own messages was given up in its outbox: mycelium/mailbox.h. */
	int (*undelivered)(struct myc_actor *self, const struct myc_undelivered *what);
	/* What it accepts, for who looks it up by type: mycelium/typed.h. NULL: anything may come. */
	const struct myc_interface *interface;
};

/* ---- about oneself ------------------------------------------------------------------------- */

/* About the actor: its own state (state_size bytes of its behaviour, zeroed before each init), address and name, restarts,
 * and the time. */
static inline void *myc_state(struct myc_actor *self)
{
	return *(void **)self; /* an actor's first word points to its state */
}
myc_address myc_self(const struct myc_actor *self);
const char *myc_name(const struct myc_actor *self); /* "" when unnamed */
uint32_t myc_restarts(
	const struct myc_actor *self); /* of this actor, its process' restarts included */
uint64_t myc_now_ns(
	const struct myc_actor *self); /* CLOCK_MONOTONIC, read once a turn; virtual under test */
/* A setting from the topology's `settings:`, or `fallback`. Valid for the actor's life. */
const char *myc_setting(const struct myc_actor *self, const char *key, const char *fallback);

/* ---- sending ------------------------------------------------------------------------------- */

/* A resolved address. By value, owned by the executor it was resolved on. It goes on working when
 * the target restarts. Opaque: use the functions below. */
struct myc_ref {
	myc_address address;
	uint32_t flow;	 /* index + 1 of its sender's flow, chosen at resolution; 0 = unresolved */
	uint32_t urgent; /* the same, for urgent ones: at the first */
};

/* Looks a name up in the registry (loads only). -ENOENT: no such actor (yet). */
int myc_lookup(struct myc_actor *self, const char *name, struct myc_ref *ref);
/* Makes a ref from an address (a message's sender, say). -ESRCH: no such process. */
int myc_resolve(struct myc_actor *self, myc_address address, struct myc_ref *ref);

/*
 * Sends `size` bytes as a message of `type` (< 0xff00). More than MYC_PAYLOAD_MAX are copied into a
 * body (mycelium/body.h): -ENOBUFS: no buffer is free, which pauses nobody: give the system as many `buffers` as
 * such messages can wait (a pool's queue among them); -EMSGSIZE: larger than the largest.
 *
 * myc_try_send: -EAGAIN when the credit towards the receiver is spent, was not granted yet (the
 * first instants after resolving an actor of another executor) or the lane is full; nothing was sent. -ESRCH when the address is nobody's any more.
 * myc_send: never blocks the thread; without credit the message waits in the bounded outbox and
 * the *sender* is paused (no ordinary messages, timers or feed) until it drains. -ENOBUFS: outbox
 * full. -EDEADLK: to oneself with one's credit spent.
 * Of a killed process what waits waits for its successor. When there will be none (under `myc run`: it is not to be
 * restarted, or was too often), its actors are gone like any that ended: what waits becomes dead letters, told to
 * `undelivered`, who is paused goes on, and -ESRCH is what comes of sending.
 * A paused actor handles nothing, so it gives nobody credit: two actors (or a ring of them) that flood
 * each other with myc_send pause for ever. Use myc_try_send on one side of every cycle. Such a ring is found
 * and told, and broken if the system's policy is so: mycelium/cycle.h. A pause longer than a second, for
 * whatever reason, is counted as `stuck` in the sender's metrics.
 * Order: first-in first-out for each (sender, receiver).
 */
int myc_try_send(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		 size_t size);
int myc_send(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
	     size_t size);

/* ---- time ---------------------------------------------------------------------------------- */

/*
 * Due times are whole ns of CLOCK_MONOTONIC. A timer fires in the first turn at or after its due time, never
 * before, in the order of due times; in that turn it may be late by what the turn takes, or by a pause or
 * suspension of its actor, in which it is held. A periodic one is due every period_ns from its first due
 * time on, however late its handler ran (no drift); periods that have passed meanwhile are not made up
 * for: it fires once for all of them, and myc_timer_missed says how many were missed (counted by executor
 * in timers_missed). After a cancel a timer does not fire any more, not even one due in the same turn. None
 * outlives its actor or a restart, which arms those that its behaviour declares anew, and only these; nor a
 * kill -9 of its process.
 */
struct myc_timer {
	uint32_t index;
	uint32_t generation;
};

/* Calls the `timer` handler with this cookie `delay_ns` from now and, when period_ns is not 0, every
 * period_ns after that. -ENOSPC: all timers of the executor are in use. */
int myc_timer_start(struct myc_actor *self, uint64_t delay_ns, uint64_t period_ns, uint64_t cookie,
		    struct myc_timer *timer);
/* -ENOENT: it had fired or was cancelled. */
int myc_timer_cancel(struct myc_actor *self, struct myc_timer timer);

/* Timers by key: set cancels whatever timers of this actor have this cookie, declared ones too, and starts one.
 * Both cost a step for each timer that the actor has. clear: -ENOENT: there is none. */
int myc_timer_set(struct myc_actor *self, uint64_t key, uint64_t delay_ns, uint64_t period_ns);
int myc_timer_clear(struct myc_actor *self, uint64_t key);
/* In a timer handler: periods of this timer that have passed since it last fired, without firing. */
uint64_t myc_timer_missed(const struct myc_actor *self);

/* Calls the `idle` handler when for `timeout_ns` there was no message, feed or topic event for the actor, and
 * again after each further timeout_ns; 0 = never. Counted from now; replaces the behaviour's until the
 * next restart. Never early; late by up to an eighth, since messages are not timed but looked for as often.
 * What waits because the actor is paused counts as heard. -ENOSPC, -ENOMEM. */
int myc_idle_timeout_set(struct myc_actor *self, uint64_t timeout_ns);

/* Ends the actor after this handler: stopping, stopped. For others it is done: MYC_EXIT_NORMAL. */
void myc_stop(struct myc_actor *self);

#ifdef __cplusplus
}
#endif
#endif
