/* SPDX-License-Identifier: Apache-2.0 */
/* What cases let probes do: each is a job, run in the probe's handler, and a call that waits for it. */
#ifndef TESTS_CONFORMANCE_JOBS_H
#define TESTS_CONFORMANCE_JOBS_H

#include "conformance/world.h"

/* A job of one expression. */
#define JOB_OF(name, expression)                                                     \
	static int name(struct myc_actor *self, struct probe *me, const uint64_t *a) \
	{                                                                            \
		(void)self;                                                          \
		(void)me;                                                            \
		(void)a;                                                             \
		return expression;                                                   \
	}

/* ---- sending: numbers, of a size (8 or more: filled, and looked through by who gets it) ---------- */

enum how { SEND, TRY, COPY_BODY, TRY_BODY, SHARE, TRY_SHARE };
int do_send(struct myc_actor *self, struct probe *me, myc_address to, enum how how, uint64_t number,
	    uint32_t size);
/* Type and a number: no more. */
int do_send_type(struct myc_actor *self, myc_address to, uint16_t type, uint64_t number);
void fill(void *payload, uint64_t number, uint32_t size);
bool filled(const void *payload, uint32_t size);
int send_number(struct probe *from, const struct probe *to, uint64_t number);
int send_urgent(struct probe *from, const struct probe *to, uint64_t number);
int try_number(struct probe *from, const struct probe *to, uint64_t number);
/* `count` numbers from `first` on; stops at an error. */
int send_many(struct probe *from, const struct probe *to, uint64_t first, uint64_t count);
int send_sized(struct probe *from, const struct probe *to, enum how how, uint64_t number,
	       uint32_t size);
/* Tries until refused: how many went is in from->word[0], why it ended is the result. */
int try_flood(struct probe *from, const struct probe *to, uint64_t first);

/* ---- lives ------------------------------------------------------------------------------------- */

int do_nothing(struct myc_actor *self, struct probe *me, const uint64_t *a);
#define WHY(kind_, code_) ((uint64_t)(kind_) | (uint64_t)(uint32_t)(code_) << 32)
struct myc_exit_reason why_of(uint64_t packed);
job watch_job(void); /* address, flags, slot */
int watch(struct probe *who, const struct probe *other, uint32_t slot);
int watch_through(struct probe *who, const struct probe *other, uint32_t slot);
int unwatch(struct probe *who, uint32_t slot);
int tie(struct probe *who, const struct probe *other); /* myc_link */
int untie(struct probe *who, const struct probe *other);
int trap(struct probe *who, bool on);
int leave(struct probe *who, uint64_t why); /* myc_exit */
int stop_self(struct probe *who);
int fail_with(struct probe *who, int code); /* its handler returns it */
int send_exit(struct probe *who, const struct probe *other, uint64_t why);
int send_stop(struct probe *who, const struct probe *other, uint32_t how);
job stop_job(void); /* address, how */
job stop_self_job(void);
job fail_job(void); /* what the handler returns */
int suspend(struct probe *who, const struct probe *other);
int resume(struct probe *who, const struct probe *other);
/* Held, with the numbers from 1 to `count` of the other waiting for it. */
void hold_with(struct probe *other, struct probe *who, uint64_t count);
/* The same, and told to drain as soon as they are sent. */
void hold_draining(struct probe *other, struct probe *who, uint64_t count);
/* Held, having seen number 1 of the other, which has credit. */
void hold_met(struct probe *other, struct probe *who);
int look_up(struct probe *who, const char *name); /* word[0]: the address */

/* ---- asks -------------------------------------------------------------------------------------- */

/* What comes is noted with the cookie. The request is of type REQUEST, its number the cookie. */
int ask(struct probe *who, const struct probe *other, uint64_t timeout_ns, uint64_t cookie);
job ask_job(void); /* address, timeout, cookie, type | how << 32: 0 ask, 1 try, 2 await */
int ask_type(struct probe *who, const struct probe *other, uint16_t type, uint64_t cookie);
int try_ask(struct probe *who, const struct probe *other, uint64_t cookie);
int await(struct probe *who, const struct probe *other, uint64_t timeout_ns, uint64_t cookie);
int cancel(struct probe *who, uint32_t slot); /* ask[slot]; each ask goes to ask[cookie % SLOTS] */
int gather(struct probe *who, struct probe *const *others, uint32_t count, uint32_t wanted,
	   uint64_t timeout_ns, uint64_t cookie);
/* A job: asks a[0] within a[1] ns, cookie a[2], and notes in word[0] when. */
int timed_ask(struct myc_actor *self, struct probe *me, const uint64_t *a);
struct probe *replier(uint32_t where, reaction react); /* spawned, with it */
/* Reactions to requests. The last replies as many bytes as the request's number; word[0]: its result. */
int replies_sized(struct myc_actor *self, struct probe *me, const struct myc_message *message);
int echoes(struct myc_actor *self, struct probe *me, const struct myc_message *message);
int keeps(struct myc_actor *self, struct probe *me, const struct myc_message *message);
int ignores(struct myc_actor *self, struct probe *me, const struct myc_message *message);
int notes(struct myc_actor *self, struct probe *me, const struct myc_message *message);
int answer_kept(struct probe *who, uint32_t slot, uint64_t number);
int refuse_kept(struct probe *who, uint32_t slot, int error);
int delegate_kept(struct probe *who, uint32_t slot, const struct probe *to);

void set_word(struct probe *who, uint32_t slot, uint64_t value); /* for its reaction */

/* ---- timers ------------------------------------------------------------------------------------ */

int start_timer(struct probe *who, uint64_t delay_ns, uint64_t period_ns, uint32_t slot);
void let_pass(uint64_t ns); /* time, for all */
int stop_timer(struct probe *who, uint32_t slot);

#endif
