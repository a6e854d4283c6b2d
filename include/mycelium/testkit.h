/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Tests of actors: the same actors and the same core, in one thread, on a virtual clock, from a seed.
 * The seed chooses which executor runs next and how much it does, who is held up, and who crashes
 * where; so a seed that fails fails again, every time.
 *
 *	struct myc_testkit *kit;
 *	myc_testkit_open(&kit, &(struct myc_testkit_opts){ .sz = sizeof(struct myc_testkit_opts), .seed = 7 }, &error);
 *	myc_testkit_probe(kit, "risk", &risk);          // an address that the test holds
 *	myc_testkit_spawn(kit, 0, &spawn_opts, &book);  // its actor sends to "risk"
 *	myc_testkit_post(kit, book, ORDER, &order, sizeof(order));
 *	if (myc_testkit_expect(kit, &(struct myc_testkit_want){ .probe = risk, .type = CHECK }, &message))
 *		puts(myc_testkit_failure(kit));
 *	myc_testkit_advance(kit, 5000000);              // five virtual ms, timers in order
 *
 * A kit and all in it belong to one thread. Time stands still but for advance and what waits. Functions return 0 or
 * -errno; what a test should see is in myc_testkit_failure. docs/testing.md is the guide.
 */
#ifndef MYCELIUM_TESTKIT_H
#define MYCELIUM_TESTKIT_H

#include <mycelium/ask.h>
#include <mycelium/system.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_testkit;

#define MYC_TESTKIT_PROCESSES_MAX 8

struct myc_testkit_opts {
	size_t sz;
	uint64_t seed;			      /* 0 = MYC_SEED of the environment, or 1 */
	uint32_t processes;		      /* each a system in a region of its own, 0 = 1 */
	const struct myc_system_opts *system; /* of each; NULL = one executor, small tables */
	uint64_t start_ns;		      /* what the clock says at first, 0 = one second */
	uint32_t batch_max; /* messages a lane gives in one turn: 1 to this, 0 = 4 */
	/* Chance, in parts of a million; 0 = never. */
	uint32_t delay;	      /* a turn: this executor then is not chosen for up to delay_turns */
	uint32_t delay_turns; /* 0 = 50 */
	uint32_t crash;	      /* a turn: the process dies before it */
	uint32_t
		crash_handler; /* a message or timer: the process dies before or after the handler */
	uint32_t crashes_max;  /* in all, 0 = 1 */
	uint32_t spared;       /* bit p: process p is not crashed by chance */
	uint32_t turns_max;    /* of one run: more is -ETIME, 0 = 1,000,000 */
	uint32_t trace;	       /* last events that are kept as text, 0 = 32 */
};

/* Makes the kit's system, or systems, in this thread. opts: NULL or zeros = the defaults. On an error there is no kit, and
 * `error` (may be NULL) says why. The caller owns it, until myc_testkit_close. */
int myc_testkit_open(struct myc_testkit **kit, const struct myc_testkit_opts *opts,
		     struct myc_error *error);
/* Without a word to the actors: as if the machine went down. */
void myc_testkit_close(struct myc_testkit *kit);
/* For myc_spawn, and for what waits: myc_post, myc_call, myc_actor_stop let the kit run meanwhile and, when
 * nothing is left to do, virtual time pass. Another one after each crash, NULL after a kill. An actor of
 * myc_spawn is gone after a crash. */
struct myc_system *myc_testkit_system(struct myc_testkit *kit, uint32_t process);

/* An actor of the topology: it comes again, with its address, after each crash of its process. What
 * opts points to outlives the kit. At most 64 for a process. */
int myc_testkit_spawn(struct myc_testkit *kit, uint32_t process, const struct myc_spawn_opts *opts,
		      myc_address *address);
/* From outside, by way of the receiver's own process. Runs the kit until there is credit, as myc_post would wait: when
 * nothing is left to do, virtual time goes to the next due time. -ESRCH; -ETIME: nothing is due either (the receiver
 * handles nothing, and nothing will change that), or turns_max turns were not enough. */
int myc_testkit_post(struct myc_testkit *kit, myc_address to, uint16_t type, const void *payload,
		     size_t size);

/* ---- running --------------------------------------------------------------------------------- */

/* One turn of one executor. Returns how much it did (a crash counts as one). */
uint32_t myc_testkit_step(struct myc_testkit *kit);
/* Until nothing is left to do at this time. -ETIME: turns_max turns were not enough. */
int myc_testkit_run_until_idle(struct myc_testkit *kit);
/* When the next timer, ask or deadline in an outbox is due, UINT64_MAX: none is. */
uint64_t myc_testkit_next_due_ns(const struct myc_testkit *kit);
/* Runs until idle, then goes from due time to due time for so long, running until idle at each. */
int myc_testkit_advance(struct myc_testkit *kit, uint64_t ns);
uint64_t myc_testkit_now_ns(const struct myc_testkit *kit);
/* The process dies now. Its memory is thrown away, its successor joins the region as a restarted worker does: what was
 * sent arrives, at most the message in hand is in doubt. */
int myc_testkit_crash(struct myc_testkit *kit, uint32_t process);
/* The two halves of it: what the others do meanwhile is seen. -ESRCH: it is dead; -EALREADY: it lives. */
int myc_testkit_kill(struct myc_testkit *kit, uint32_t process);
int myc_testkit_revive(struct myc_testkit *kit, uint32_t process);
/* It ends for good, killed if it lives: the actors of myc_testkit_spawn do not come again. A successor without actors
 * takes care of what it left, as under `myc run` (where that one ends when it is done; here it stays). */
int myc_testkit_bury(struct myc_testkit *kit, uint32_t process);
/* From a handler: its process dies there, and comes back. Does not return. */
void myc_testkit_die(struct myc_testkit *kit);
uint32_t myc_testkit_crashes(const struct myc_testkit *kit);
/* The kit's chance, for the test's own choices: 0 to bound - 1. */
uint32_t myc_testkit_random(struct myc_testkit *kit, uint32_t bound);

/* ---- probes ---------------------------------------------------------------------------------- */

struct myc_testkit_message {
	myc_address probe, from;
	uint64_t at_ns;
	uint32_t size, correlation;
	uint16_t type;
	uint8_t flags;
	struct myc_reply_to asked; /* where its answer goes; correlation 0: it asks nothing */
	const void *payload;	   /* until the kit is closed */
};

struct myc_testkit_want {
	myc_address probe;
	uint16_t type;
	bool any_order; /* also one that others came before; else the first that is not allowed */
	const void *payload; /* equal to these bytes; NULL = any */
	size_t size;
	bool (*is)(const struct myc_testkit_message *message, void *context); /* NULL = any */
	void *context;
};

/* A probe lives on executor 0 of process 0 and catches what it is sent. At most 47 bytes of name. */
int myc_testkit_probe(struct myc_testkit *kit, const char *name, myc_address *probe);
/* The same, found as an actor with this interface (mycelium/typed.h), which outlives the kit. */
int myc_testkit_probe_as(struct myc_testkit *kit, const char *name,
			 const struct myc_interface *interface, myc_address *probe);
/* Runs until idle; takes the message out. -ENOMSG: it did not come (or another was before it);
 * -EBADMSG: something disallowed came. `message` may be NULL. */
int myc_testkit_expect(struct myc_testkit *kit, const struct myc_testkit_want *want,
		       struct myc_testkit_message *message);
/* Runs until idle. -EEXIST: a probe has a message that is not allowed and was not expected. */
int myc_testkit_expect_none(struct myc_testkit *kit, myc_address probe);
/* The probe that caught it answers: an ask gets one answer, as from any actor; the asker's `reply` hook has it in the
 * next run. As myc_reply (mycelium/ask.h): -EINVAL: it asks nothing. -ESRCH: the probe's process is dead. */
int myc_testkit_reply(struct myc_testkit *kit, const struct myc_testkit_message *message,
		      uint16_t type, const void *payload, size_t size);
int myc_testkit_reply_error(struct myc_testkit *kit, const struct myc_testkit_message *message,
			    int error);
/* The probe sends: its receiver sees who it is from, and can answer. Runs the kit until there is credit; else as
 * myc_send and myc_resolve. -ETIME. */
int myc_testkit_send(struct myc_testkit *kit, myc_address probe, myc_address to, uint16_t type,
		     const void *payload, size_t size);
/* The probe publishes to a topic of the kit's system options (mycelium/topic.h), which is its own from then on: as
 * myc_topic_claim and myc_publish. */
int myc_testkit_publish(struct myc_testkit *kit, myc_address probe, const char *topic,
			uint32_t type, uint64_t key, const void *payload, size_t size);
/* From now on messages of this type do not matter to this probe: expect steps over them. */
int myc_testkit_allow(struct myc_testkit *kit, myc_address probe, uint16_t type);
/* From now on one of this type is a failure, found by the next expect. */
int myc_testkit_disallow(struct myc_testkit *kit, myc_address probe, uint16_t type);

/* ---- what happened --------------------------------------------------------------------------- */

/* Of the last call that failed: what was expected, what came, the seed, the last events. */
const char *myc_testkit_failure(struct myc_testkit *kit);
/* The last events, one a line. Valid until the next call. */
const char *myc_testkit_trace(struct myc_testkit *kit);
/* Of all events so far. The same seed and test give the same, in every process. */
uint64_t myc_testkit_hash(const struct myc_testkit *kit);
uint64_t myc_testkit_seed(const struct myc_testkit *kit);

#ifdef __cplusplus
}
#endif
#endif
