/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Askers and repliers for the tests of asks, on one executor, on two, or in two processes of one workspace
 * (played by two systems of this process). An asker does what it is told by messages, and notes what comes
 * to its hooks; a replier does with a request what the request's type says.
 */
#ifndef TESTS_COMMON_ASK_RIG_H
#define TESTS_COMMON_ASK_RIG_H

#include <stdatomic.h>
#include <stdbool.h>

#include <mycelium/abi/lane.h>
#include <mycelium/mycelium.h>

#include "common/wait.h"
#include "core/process.h"

enum ask_bed { BED_EXECUTOR, BED_EXECUTORS, BED_PROCESSES, BEDS };

struct ask_rig {
	enum ask_bed bed;
	struct myc_system *system[2]; /* of side 0 and 1; the same but with BED_PROCESSES */
	struct myc_region region[2][2];
	struct myc_system_opts opts;
	uint64_t incarnation[2];
};

/* What askers are told: types of messages to them. */
enum order {
	ORDER_ASK = 100,
	ORDER_TRY,
	ORDER_AWAIT,
	ORDER_GATHER, /* rig_gather addresses, `more` wanted */
	ORDER_CANCEL, /* the last ask */
	ORDER_NOTE,   /* note it */
	ORDER_TIMER,  /* start one of `timeout_ns`, noted */
	ORDER_FLOOD,  /* send `more` messages REQUEST_PLAIN to `to` */
	ORDER_FAIL,
	ORDER_STOP,
	ORDER_ANSWER_AND_AWAIT, /* as a request: reply to it, and await its asker */
	/* Cookies of asks whose reply makes the asker do more: await another, cancel its last one. */
	REPLY_AWAITS = 0xcaff,
	REPLY_CANCELS = 0xcafe,
};

struct order_body {
	myc_address to;
	uint64_t timeout_ns, cookie;
	uint32_t type, size; /* of the request; size 0 = 16 */
	uint64_t more;
};

/* What repliers do with a request. Its payload: two words, the second an address or number. */
enum request {
	REQUEST_ECHO = 1, /* reply with type + 100 and the payload */
	REQUEST_SILENCE,
	REQUEST_TWICE,
	REQUEST_KEEP,	   /* for later */
	REQUEST_ANSWER,	   /* as a message: reply to all that were kept */
	REQUEST_ERROR,	   /* second word: -errno */
	REQUEST_FORWARD,   /* to the address in the second word; there it is an echo */
	REQUEST_PASS,	   /* as FORWARD, there it is passed on to the rig's third address */
	REQUEST_PASS_KEPT, /* as FORWARD, there it is kept */
	REQUEST_HAND, /* the reply's address goes in a message to the second word, who replies */
	REQUEST_HANDED,
	REQUEST_SAY,	    /* send the second word's number of notes, then reply */
	REQUEST_AWAIT_BACK, /* await the asker: its request is not answered before */
	REQUEST_PLAIN,	    /* nothing */
	REQUEST_BLOCK,	    /* stay in the handler while rig_blocked; second word: then stop */
	REQUEST_STOP,
};

enum { SEEN_MAX = 4096 };

/* What came to askers, in order. */
struct seen {
	myc_address who, asked;
	uint64_t cookie; /* or number noted */
	uint64_t payload[5];
	uint64_t at_ns;
	int status;
	uint32_t index, answered, failed;
	uint16_t type;
	uint8_t kind;
	char what; /* 'r' reply, 'm' message noted, 't' timer */
	uint32_t size;
};

extern struct seen rig_seen[SEEN_MAX];
extern _Atomic uint32_t rig_count;   /* of rig_seen */
extern _Atomic uint32_t rig_ordered; /* orders carried out */
extern _Atomic int rig_code;	     /* of the last one */
extern _Atomic uint32_t rig_requests, rig_kept, rig_starts;
extern _Atomic int rig_reply_code;
extern _Atomic uint32_t rig_refused; /* awaits, as deadlocks */
extern _Atomic bool rig_blocked, rig_dead[2];
/* The cycle that the last refused await named. */
void rig_cycle(struct myc_cycle *cycle);
extern _Atomic myc_address rig_gather[16], rig_third;
extern _Atomic uint32_t rig_gather_count;
extern const struct myc_behaviour rig_asker, rig_replier, rig_narrow;

void ask_rig_open(struct ask_rig *rig, enum ask_bed bed, const struct myc_system_opts *opts);
myc_address rig_spawn(struct ask_rig *rig, int side, const struct myc_behaviour *behaviour);
void rig_start(struct ask_rig *rig);
/* A side's system again, as a restarted process; not started yet. BED_PROCESSES only. */
void rig_rejoin(struct ask_rig *rig, int side);
void ask_rig_close(struct ask_rig *rig);
/* Tells an asker, and waits until it was carried out; its code. */
int rig_order(struct ask_rig *rig, myc_address asker, enum order order, struct order_body body);
/* The same without waiting. */
void rig_tell(struct ask_rig *rig, myc_address to, uint16_t type, struct order_body body);
/* A plain message with two words to a replier. */
void rig_post(struct ask_rig *rig, myc_address to, enum request request, uint64_t word);
uint64_t rig_dead_letters(struct ask_rig *rig, enum myc_dead_letter why);
struct myc_system *rig_system(struct ask_rig *rig, myc_address address);

static inline uint64_t rig_late(struct ask_rig *rig)
{
	return rig_dead_letters(rig, MYC_DEAD_LETTER_LATE_REPLY);
}
/* The n-th that an asker saw is, or will be, this reply. */
static inline void rig_expect(uint32_t n, int status, uint16_t type, uint64_t cookie)
{
	wait_until(rig_count > n);
	assert_int_equal(rig_seen[n].what, 'r');
	assert_int_equal(rig_seen[n].status, status);
	assert_int_equal(rig_seen[n].type, type);
	assert_int_equal(rig_seen[n].cookie, cookie);
}

#endif
