/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The conformance suite: a case for each rule of the actors' headers, one source, run three ways.
 *
 *   threads         places are executors of one process        conformance_threads_test
 *   processes       places are processes of one workspace      conformance_processes_test
 *   deterministic   places are executors, then processes, of the test kit: several seeds, and the
 *                   same trace again from the same seed        conformance_deterministic_test
 *
 * Actors are probes: they do what the case tells them (jobs, run in their handler) and write down what
 * comes to their hooks. Probes lie in memory that all places share. The case itself runs outside, says who
 * does what, waits for what must come (no time decides), and asserts. A case that is not about
 * one place runs twice: all its actors in one place, and HERE and THERE apart.
 *
 * At the end of every case the books of all executors must balance: see books.c.
 */
#ifndef TESTS_CONFORMANCE_WORLD_H
#define TESTS_CONFORMANCE_WORLD_H

#include "common/test.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include <mycelium/abi/lane.h>
#include <mycelium/mycelium.h>

#include "core/process.h"

enum { HERE, THERE, ELSEWHERE, PLACES };
#define PROBES	   48
#define SEEN_MAX   512
#define SLOTS	   8 /* what a probe keeps of each kind */
#define SECOND	   1000000000ull
#define MS	   1000000ull
#define LONG	   (600 * SECOND) /* a timeout that does not come */
#define BODY_MAX   65536
#define NO_RESTART MYC_RESTARTS_NONE

/* Types of messages. What is none of these is noted. */
enum { JOB = 1000, PING = 1001, NUMBER = 8, OTHER = 9, REQUEST = 20, ANSWER = 21, ASKED = 22 };

/* ---- probes ------------------------------------------------------------------------------------ */

enum what {
	MESSAGE = 'm',
	REPLY = 'r',
	SIGNAL = 's',
	TIMER = 't',
	IDLE = 'i',
	UNDELIVERED = 'u', /* kind: why; from: to whom */
	GROUP = 'g',	   /* number: cookie; answered: count; failed: remaining */
	LIFE = 'l',	   /* number: cookie */
	TOPIC = 'p',	   /* payload: key; index: cookie; answered: sequence; failed: lost */
	ENTERED = 'e',
	LEFT = 'x',
};

struct seen {
	enum what what;
	uint16_t type;
	uint8_t flags, kind;
	myc_address from; /* message, event; reply: whom it was sent to */
	uint64_t number;  /* first word of the payload; cookie of a reply or timer */
	uint64_t payload; /* reply: its first word */
	uint64_t at_ns;	  /* the actor's clock */
	uint32_t size, correlation, index, answered, failed, restarts;
	uint32_t mark; /* its probe's then */
	int status;
	bool torn; /* a payload that is not what `fill` makes of its number */
	struct myc_signal_event event;
	struct myc_letter letter; /* of such an event */
	struct myc_strong strong; /* the same */
	char scope[32], name[48]; /* group, life */
};

struct probe;
typedef int (*job)(struct myc_actor *self, struct probe *me, const uint64_t *a);
typedef int (*reaction)(struct myc_actor *self, struct probe *me,
			const struct myc_message *message);

struct probe {
	myc_address address;
	uint32_t index, place;
	/* How it is spawned. */
	const struct myc_behaviour *behaviour;
	char name[64], setting[16];
	struct myc_setting settings[2];
	uint32_t settings_count, restarts_max, spawn_flags, phase;
	uint64_t window_ns;
	/* What it does and has, on its own thread. */
	_Atomic(reaction) react;
	_Atomic(int (*)(struct myc_actor *, struct probe *)) on_init, on_started, on_stopping;
	_Atomic(int (*)(struct myc_actor *, struct probe *, const struct myc_reply *)) on_reply;
	_Atomic(int (*)(struct myc_actor *, struct probe *, uint64_t)) on_timer;
	_Atomic(int (*)(struct myc_actor *, struct probe *,
			const struct myc_signal_event *)) on_signal;
	_Atomic(int (*)(struct myc_actor *, struct probe *)) on_idle;
	uint32_t mark; /* its handlers': noted with what comes */
	struct myc_monitor monitor[SLOTS];
	struct myc_timer timer[SLOTS];
	struct myc_ask ask[SLOTS];
	struct myc_reply_to kept[64];
	struct myc_body body[SLOTS];
	struct myc_strong strong[SLOTS]; /* what it was told that it holds, one after the other */
	struct myc_cycle cycle;
	uint64_t word[SLOTS];
	_Atomic uint32_t kept_count;
	/* What became of it. */
	struct seen seen[SEEN_MAX];
	_Atomic uint32_t count; /* of seen; released after it */
	_Atomic uint32_t messages, replies, signals, timers, holds;
	_Atomic uint32_t inits, starts, stoppings, stops, jobs, pings;
	_Atomic int result;	  /* of the last job */
	_Atomic int handler_code; /* what the handler of this job returns */
};

/* Memory of all places. */
struct shared {
	struct probe probe[PROBES + PLACES]; /* the last: keepers of the places */
	_Atomic uint32_t probes;
	_Atomic bool alive[PLACES];   /* as the registry would say */
	_Atomic bool started[PLACES]; /* its keeper answers */
	_Atomic uint64_t wrong;	      /* a probe saw more than it can note */
};
extern struct shared *shared;

extern const struct myc_behaviour plain, deaf, narrow, tiny, stubborn;
/* For behaviours of a case's own: what comes is noted. Without `signal`, which not all have. */
int probe_init(struct myc_actor *self);
int probe_started(struct myc_actor *self);
int probe_message(struct myc_actor *self, const struct myc_message *message);
int probe_reply(struct myc_actor *self, const struct myc_reply *reply);
int probe_timer(struct myc_actor *self, uint64_t cookie);
int probe_signal(struct myc_actor *self, const struct myc_signal_event *event);
void probe_stopping(struct myc_actor *self);
void probe_stopped(struct myc_actor *self);
int probe_idle(struct myc_actor *self);
int probe_undelivered(struct myc_actor *self, const struct myc_undelivered *what);
int probe_group(struct myc_actor *self, const struct myc_group_event *event);
int probe_life(struct myc_actor *self, const struct myc_life_event *event);
int probe_topic(struct myc_actor *self, const struct myc_topic_event *event);
#define PROBE_HOOKS                                                                               \
	.state_size = 64, .init = probe_init, .started = probe_started, .message = probe_message, \
	.reply = probe_reply, .timer = probe_timer, .stopping = probe_stopping,                   \
	.stopped = probe_stopped

struct probe *probe_of(const struct myc_actor *self);
struct probe *keeper_of(uint32_t place);
struct myc_spawn_opts spawn_opts(const struct probe *made, uint32_t executor);
void note(struct probe *me, const struct seen *seen);
/* Writes a message down; a reaction that does more counts it (me->messages++) at its end. */
void jot(struct myc_actor *self, struct probe *me, const struct myc_message *message);

/* ---- ways -------------------------------------------------------------------------------------- */

struct world_opts {
	struct myc_system_opts system;
	struct myc_executor_opts executor;
};

struct conform_case {
	const char *name;
	void (*run)(void);
	enum { BOTH, NEAR, FAR } where; /* in one place, apart; NEAR, FAR: only so */
	bool processes;			/* ends a place */
	bool blocks; /* a handler, or who waits for a thread: not in the deterministic runtime */
	void (*opts)(struct world_opts *opts);
};

typedef int (*errand)(struct myc_system *system, uint64_t *a);
#define ERRAND_WORDS 10

struct way {
	const char *name;
	bool processes; /* can end a place */
	bool threads;	/* run by themselves: a handler may block */
	void (*open)(const struct world_opts *opts);
	void (*stop)(void); /* in order; then the books are looked at */
	void (*close)(void);
	void (*failed)(void); /* instead of these two */
	void (*play)(const struct conform_case *of, bool apart);
	bool orderly; /* stopped, its executors have ended */
	/* Runs something in a place, on its controlling thread. a: ERRAND_WORDS, in and out. */
	int (*at)(uint32_t place, errand run, uint64_t *a);
	/* Before the place does anything: an actor that comes again when its process does. */
	void (*fix)(struct probe *probe);
	int (*spawn)(struct probe *probe);
	void (*kill)(uint32_t place);
	void (*revive)(uint32_t place);
	/* Of a dead place: it ended for good, and a caretaker (core/process.h) sees to what it left. */
	void (*bury)(uint32_t place);
	void (*die)(void);	      /* from a handler: its place ends there */
	void (*died)(uint32_t place); /* waits for that, and revives the place */
	void (*settle)(void);
	/* Lets things happen; false: nothing will any more, or it took too long. */
	bool (*wait)(uint64_t *turn);
	const struct myc_region *(*region)(uint32_t place, uint32_t *executor);
};
extern const struct way way;

int conform_main(const struct CMUnitTest *more, size_t count); /* with more of its own */
const struct conform_case *conform_case_at(size_t index);      /* of all; NULL: no more */
/* A case in this world, as the way does it: open, run, stop, books, close. */
void conform_play(const struct conform_case *of, bool apart);

/* ---- what a case says -------------------------------------------------------------------------- */

#define UNTIL(condition)                                                       \
	do {                                                                   \
		uint64_t turn_ = 0;                                            \
		while (!(condition))                                           \
			if (!way.wait(&turn_))                                 \
				fail_msg("this did not come: %s", #condition); \
	} while (0)

/* Place of an actor: HERE, and THERE when the case runs apart. */
uint32_t place_of(uint32_t where);
bool apart(void);
struct probe *make(uint32_t where, const struct myc_behaviour *behaviour); /* not spawned yet */
struct probe *spawn(uint32_t where);
struct probe *spawn_as(uint32_t where, const struct myc_behaviour *behaviour);
struct probe *spawn_named(uint32_t where, const char *name);
struct probe *spawn_restarting(uint32_t where, uint32_t restarts_max);
int try_spawn(struct probe *made);
struct probe *fixed(uint32_t where, const struct myc_behaviour *behaviour);
/* Tells the probe and waits for its result. tell: does not wait. */
int let(struct probe *who, job run, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
void tell(struct probe *who, job run, uint64_t a, uint64_t b, uint64_t c, uint64_t d);
/* A message from outside. */
int post(const struct probe *who, uint16_t type, uint64_t number);
int at(uint32_t where, errand run, uint64_t *a);
/* What was on its way has come, whatever it set off too. */
void settle(void);
void settle_by_pings(void); /* for ways whose places run by themselves */
/* Ends a process as kill -9 does; what is left of it is dealt with by the others. */
void kill_place(uint32_t where);
void revive_place(uint32_t where);
void bury_place(uint32_t where);
void death_of(uint32_t where); /* by way.die; it is back when this returns */
/* By the keeper of the probe's own place, done when it returns. */
void hold(struct probe *who);
void release(struct probe *who);
bool ended(struct probe *who);

uint64_t counted_dead(enum myc_dead_letter why); /* of all places */
uint64_t counted_dead_all(void);
struct myc_actor_metrics metrics_of(const struct probe *who);
/* NULL, or what does not add up. `orderly`: all executors have ended. */
const char *books_wrong(bool orderly);
/* Every buffer of the executors is whole and its owner's: waits for it. */
void expect_bodies_home(void);
void books_reset(void);
void expect_doubt(void); /* this case ends a place */
bool doubt_expected(void);

/* ---- what it sees ------------------------------------------------------------------------------ */

/* Numbers from, from + 1, ... to, in this order, and nothing else, whole. */
void expect_numbers(const struct probe *who, uint64_t from, uint64_t to);
uint32_t seen_of(const struct probe *who, enum what what);
bool saw_number(const struct probe *who, uint64_t number);
/* The nth (from 0) of its kind; it must be there. */
const struct seen *nth(const struct probe *who, enum what what, uint32_t n);
bool is_down(const struct seen *seen, const struct probe *from, uint32_t kind, int32_t code);
/* The first event is its end, with this kind and no code. */
void expect_down(const struct probe *watcher, const struct probe *who, uint32_t kind);
bool is_exit(const struct seen *seen, const struct probe *from, uint32_t kind, int32_t code,
	     uint32_t flags);

#define RESULT(call, code) assert_int_equal(call, code)
#define OK(call)	   assert_int_equal(call, 0)
#define SAW(who, kind, n)  UNTIL(seen_of(who, kind) >= (n))
#define DEADLY(case_)	   NAMED(case_), .where = FAR, .processes = true
#define CASE(name)	   static void name(void)
#define NAMED(case_)	   .name = #case_, .run = case_

#endif
