/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Circuit breakers: an actor that asks another that is in trouble fails at once, instead of waiting for
 * each timeout and adding to the trouble.
 *
 *	            failures_max in a row                 reset_ns is over
 *	  CLOSED ------------------------------> OPEN ------------------------> HALF_OPEN
 *	  all asks go                           ^  no ask goes                   |  one ask goes:
 *	     ^                                  |                                |  the trial
 *	     |                                  +-- it fails: reset_ns grows ----+
 *	     +------------------------------------- it succeeds -----------------+
 *
 * For any ask, to an actor or a pool:
 *
 *	struct gateway { struct myc_ref risk; struct myc_breaker breaker; };   // in the state
 *	init:   myc_breaker_init(&gateway->breaker, NULL);
 *	ask:    code = myc_breaker_ask(self, &gateway->breaker, &gateway->risk, ORDER, &order, sizeof(order), id, NULL);
 *	reply:  myc_breaker_reply(self, &gateway->breaker, reply);             // of each such ask, first
 *
 * Plain data of the actor that has it, in its state: no memory of its own, nothing to close, gone with a
 * restart (CLOSED again). Its time is the actor's (myc_now_ns), read to ask while it is not closed, and
 * when a failure opens it. From the actor's handlers only.
 */
#ifndef MYCELIUM_BREAKER_H
#define MYCELIUM_BREAKER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/ask.h>

#ifdef __cplusplus
extern "C" {
#endif

enum myc_breaker_state {
	MYC_BREAKER_CLOSED = 0,
	MYC_BREAKER_OPEN = 1,
	MYC_BREAKER_HALF_OPEN = 2,
};

struct myc_breaker;

struct myc_breaker_opts {
	size_t sz;
	uint32_t failures_max;	  /* in a row that open it, 0 = 5 */
	uint64_t call_timeout_ns; /* of each ask: a later answer is a failure, 0 = 1 s */
	uint64_t reset_ns;	  /* open before a trial, 0 = 1 s */
	uint64_t reset_ns_max;	  /* what reset_ns grows to by failed trials, 0 = 60 s */
	uint32_t
		backoff_percent; /* a failed trial makes it so much of what it was, 0 = 200; from 100 */
	/* Which outcomes are failures, by status and what the replier said; NULL: those with a status that
	 * is not 0. One with -ESHUTDOWN, the own system's stop, changes no state. */
	bool (*failure)(const struct myc_reply *reply);
	/* After the state changed. May ask by it. NULL: nobody wants to know. */
	void (*changed)(struct myc_actor *self, struct myc_breaker *breaker,
			enum myc_breaker_state from);
};

/* To be read; written by the functions below. */
struct myc_breaker {
	struct myc_breaker_opts opts;
	enum myc_breaker_state state;
	uint32_t failures; /* in a row, while closed */
	uint64_t reset_ns; /* of the next opening */
	uint64_t until_ns; /* open: when a trial may go. half-open: when the trial is given up */
	uint32_t trial;	   /* half-open: its ask's correlation; 0 = none is out */
	uint64_t asks, successes, failed,
		refused; /* counts: asks = successes + failed + those out */
	uint64_t opened; /* times */
};

/* Makes it closed. `opts` may be NULL. -EINVAL: sz, or backoff_percent below 100. */
int myc_breaker_init(struct myc_breaker *breaker, const struct myc_breaker_opts *opts);

/*
 * As myc_ask with call_timeout_ns, and its errors; -ECONNREFUSED: the breaker is open, or half-open and the
 * trial is out; nothing was sent. Of an ask that is refused, -ESRCH counts as a failure, for the asked one
 * is gone; the others are the asker's own affair.
 */
int myc_breaker_ask(struct myc_actor *self, struct myc_breaker *breaker, struct myc_ref *to,
		    uint16_t type, const void *payload, size_t size, uint64_t cookie,
		    struct myc_ask *ask);

/* The outcome of an ask made by it. While half-open only that of the trial counts, while open none does. (A trial
 * that was cancelled is given up after call_timeout_ns, and another may go.) */
void myc_breaker_reply(struct myc_actor *self, struct myc_breaker *breaker,
		       const struct myc_reply *reply);

/* Would an ask go now? Changes nothing. */
bool myc_breaker_lets(const struct myc_actor *self, const struct myc_breaker *breaker);

#ifdef __cplusplus
}
#endif
#endif
