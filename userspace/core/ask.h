/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks inside an executor: the table of those that its actors wait for. What they are: mycelium/ask.h.
 *
 *	ask.c       the table, asking, awaiting, what comes back
 *	ask_time.c  what does not come back: timeouts, replies of the dead, the stop
 *	reply.c     the replier's side: replying, passing on, requests that reach nobody
 *	gather.c    many asks with one outcome
 *	call.c      plain threads
 *
 * An entry is the place reserved for a reply; it goes round:
 *
 *	free --ask--> FRESH --next look at the clock--> WHEEL --due--> DUE --outcome--> free
 *	                 \  without a timeout: NOWHERE; of a gather: MEMBER (the gather's own entry
 *	                  \                                               carries the timeout)
 *	                   `--reply, cancel, restart or end of the asker: from any of these--> free
 *
 * Timeouts. A fresh ask gets its time at the next scan (each 16 turns, and before idling), which reads the
 * clock for all: most are answered before and never cost a clock or a place in the wheel. The wheel has
 * MYC_ASK_BUCKETS lists, one a tick of about 1 ms; an ask further ahead than a round stays where it is
 * when its bucket is looked at.
 *
 * Ids. MYC_ASK_ID = incarnation, 2 bits | count | index. A free entry is used as late as can be (first in,
 * first out), and its count goes on each time, by a large odd step: an id comes again after 2^28 asks at the
 * earliest. A restarted process' ids differ from those of its last three predecessors.
 *
 * Whoever lives in another process answers no more once that is dead, or another incarnation: replies that it
 * had sent are taken out of its lanes first, then its askers are told -ENOTCONN.
 *
 * Private memory of the executor's thread; links are indices, 0 = none, entry 0 is not used.
 */
#ifndef MYC_CORE_ASK_H
#define MYC_CORE_ASK_H

#include <mycelium/ask.h>

#include "core/executor.h"

#define MYC_ASK_BUCKETS	  512
#define MYC_ASK_TICK_BIT  20 /* 2^20 ns = 1.05 ms */
#define MYC_ASKS_MAX	  65535
#define MYC_ASK_ERROR_MAX 4095	     /* an errno that a replier may say */
#define MYC_ASK_STOP_NS	  500000000u /* a stopping system waits so long for answers */

/* In which list an entry is, by links `before` and `after`. */
enum myc_ask_place {
	MYC_ASK_NOWHERE = 0,
	MYC_ASK_FRESH = 1,
	MYC_ASK_WHEEL = 2,
	MYC_ASK_DUE = 3,
	MYC_ASK_MEMBER = 4,
};

struct myc_ask_entry {
	struct myc_actor *actor; /* NULL = free */
	uint64_t cookie;
	union {
		uint64_t timeout_ns; /* fresh */
		uint64_t due_tick;   /* in the wheel */
	};
	union {
		myc_address asked;
		struct { /* of a gather's own entry */
			uint16_t wanted, members, answered, failed;
		};
	};
	uint32_t id;
	uint32_t next, previous; /* the actor's; next: also the free ones */
	uint32_t after, before;
	uint32_t gather; /* a member's: entry of its gather; the gather's own: first member */
	uint16_t index;	 /* of a member */
	uint16_t life;	 /* of the other process that was asked; 0 = our own, or not known */
	uint8_t place;	 /* enum myc_ask_place */
	bool awaited;
	bool is_gather;
	bool is_receipt;
};
_Static_assert(sizeof(struct myc_ask_entry) <= 64, "one cache line");

int myc_asks_open(struct myc_executor *executor, uint32_t capacity);
void myc_asks_close(struct myc_executor *executor);

/* The actor's asks are no more: restart, end. */
void myc_asks_forget(struct myc_actor *actor);
/* At each scan: what is due; how many outcomes were given. When to look again: UINT64_MAX = need not. */
unsigned myc_asks_tick(struct myc_executor *executor);
uint64_t myc_asks_next_ns(const struct myc_executor *executor);
/* In an empty turn of a system that stops, until it has returned false: answers are waited for. */
bool myc_asks_drain(struct myc_executor *executor);

/* What came: core/signal.h. */
/* A reply, or what stands for one, as its sender says: type, size, body and payload are filled in. False: nobody waits
 * for it. */
bool myc_ask_replied(struct myc_executor *executor, const struct myc_slot *slot, int status,
		     struct myc_reply *reply);
void myc_ask_moved(struct myc_executor *executor, const struct myc_slot *slot);

/* A request that reaches nobody: its asker is told. `from`: the sender as its flow says. */
void myc_ask_bounce(struct myc_executor *executor, myc_address from, const struct myc_slot *slot,
		    int status);
static inline void myc_ask_bounce_if(struct myc_executor *executor, myc_address from,
				     const struct myc_slot *slot, int status)
{
	if (slot->correlation && !(slot->flags & MYC_SLOT_DEADLINE))
		myc_ask_bounce(executor, from, slot, status);
}

/* ---- between the files -------------------------------------------------------------------------- */

/* changed: asks of its former life are to be ended. */
struct myc_ask_process {
	uint16_t life;
	bool changed;
};

static inline struct myc_ask_entry *myc_ask_at(const struct myc_executor *executor, uint32_t index)
{
	return &executor->asks.entry[index];
}

static inline uint32_t myc_ask_index(const struct myc_executor *executor,
				     const struct myc_ask_entry *entry)
{
	return (uint32_t)(entry - executor->asks.entry);
}

/* The list that an entry is in, NULL: none. */
static inline uint32_t *myc_ask_list_of(struct myc_executor *executor,
					const struct myc_ask_entry *entry)
{
	struct myc_asks *asks = &executor->asks;

	/* Answered before the clock was looked at: most are. */
	if (__builtin_expect(entry->place == MYC_ASK_FRESH, 1))
		return &asks->fresh;
	switch ((enum myc_ask_place)entry->place) {
	case MYC_ASK_FRESH:
		return &asks->fresh;
	case MYC_ASK_WHEEL:
		return &asks->bucket[entry->due_tick % MYC_ASK_BUCKETS];
	case MYC_ASK_DUE:
		return &asks->due;
	case MYC_ASK_MEMBER:
		return &asks->entry[entry->gather].gather;
	case MYC_ASK_NOWHERE:
		break;
	}
	return NULL;
}

static inline void myc_ask_list_add(struct myc_executor *executor, struct myc_ask_entry *entry,
				    enum myc_ask_place list)
{
	entry->place = (uint8_t)list;
	uint32_t *head = myc_ask_list_of(executor, entry);

	if (!head)
		return;
	entry->before = 0;
	entry->after = *head;
	if (*head)
		myc_ask_at(executor, *head)->before = myc_ask_index(executor, entry);
	*head = myc_ask_index(executor, entry);
}

static inline void myc_ask_list_remove(struct myc_executor *executor, struct myc_ask_entry *entry)
{
	uint32_t *head = myc_ask_list_of(executor, entry);

	entry->place = MYC_ASK_NOWHERE;
	if (!head)
		return;
	if (entry->before)
		myc_ask_at(executor, entry->before)->after = entry->after;
	else
		*head = entry->after;
	if (entry->after)
		myc_ask_at(executor, entry->after)->before = entry->before;
}

struct myc_ask_entry *myc_ask_take(struct myc_actor *self, uint64_t timeout_ns, uint64_t cookie);
/* 0: it has none. */
uint64_t myc_ask_incarnation(const struct myc_system *system, uint32_t process);
/* What an entry has room for: never 0, and none of the 32767 lives before has the same. Each tick looks: in between no
 * process is started so often. */
static inline uint16_t myc_ask_life(uint64_t which)
{
	return (uint16_t)(which | 0x8000);
}
/* Whom it waits for, before the request goes, or as who passed it on says; the life of its process. */
static inline void myc_ask_waits_for(const struct myc_executor *executor,
				     struct myc_ask_entry *entry, myc_address whom, uint16_t life)
{
	bool other = myc_address_process(whom) != executor->system->workspace.process;

	entry->asked = whom;
	entry->life = other ? life : 0;
}
static inline void myc_ask_whom(const struct myc_executor *executor, struct myc_ask_entry *entry,
				myc_address whom)
{
	uint32_t process = myc_address_process(whom);

	myc_ask_waits_for(executor, entry, whom,
			  process == executor->system->workspace.process
				  ? 0
				  : myc_ask_life(myc_ask_incarnation(executor->system, process)));
}
/* Both, for a request that is about to go; ask: NULL, or which one it is. NULL: all entries are in use. */
static inline struct myc_ask_entry *myc_ask_begin(struct myc_actor *self, const struct myc_ref *to,
						  uint64_t timeout_ns, uint64_t cookie,
						  struct myc_ask *ask)
{
	struct myc_ask_entry *entry = myc_ask_take(self, timeout_ns, cookie);

	if (!entry)
		return NULL;
	myc_ask_whom(self->executor, entry, to->address);
	if (ask)
		ask->correlation = entry->id;
	return entry;
}
void myc_ask_free(struct myc_executor *executor, struct myc_ask_entry *entry);
/* The outcome of an entry: frees it and calls the hook. Without a reply: there is none. */
void myc_ask_finish(struct myc_executor *executor, struct myc_ask_entry *entry, int status,
		    struct myc_reply *reply);
static inline void myc_ask_fail(struct myc_executor *executor, struct myc_ask_entry *entry,
				int status)
{
	struct myc_reply reply = {.body = MYC_HOLD_NONE};

	myc_ask_finish(executor, entry, status, &reply);
}
/* Calls the hook. */
void myc_ask_outcome(struct myc_actor *actor, const struct myc_reply *reply);
/* The same, for entries of a gather. */
void myc_gather_one(struct myc_executor *executor, struct myc_ask_entry *entry,
		    struct myc_reply *reply);
void myc_gather_end(struct myc_executor *executor, struct myc_ask_entry *own, int status);
void myc_gather_free(struct myc_executor *executor, struct myc_ask_entry *own);

/* As myc_send and myc_try_send, with a correlation; `size` is what the header says, `copied` what the slot
 * gets. */
int myc_send_asking(struct myc_actor *self, struct myc_ref *to, uint64_t kind, uint32_t correlation,
		    const void *payload, size_t copied);
int myc_try_send_asking(struct myc_actor *self, struct myc_ref *to, uint64_t kind,
			uint32_t correlation, const void *payload, size_t copied);
/* Remembers that this ask is no more ours to answer. */
void myc_ask_answered(struct myc_executor *executor, const struct myc_reply_to *to);
bool myc_ask_was_answered(const struct myc_executor *executor, myc_address asker, uint32_t id);
/* Tells the asker that `whom` has its request now, as myc_delegate does, whose message carries it. */
int myc_ask_passed(struct myc_actor *self, const struct myc_reply_to *asker, myc_address whom);
/* A request by an actor of ours went to somebody else than it was sent to: its asker is told. `payload`: a slot's. */
void myc_ask_redirected(struct myc_actor *self, uint32_t correlation, const void *payload,
			myc_address whom);
/* Whose request a body that is given to a handler now is, when it was passed on. */
void myc_ask_in_hand(const struct myc_slot *slot);
/* A reply, status 0, or what stands for one, to whoever asked. `body`: NULL, or instead of the payload. `from`: NULL,
 * or the actor behind whose earlier messages it comes. */
int myc_reply_signal(struct myc_executor *executor, struct myc_actor *from,
		     const struct myc_reply_to *to, int status, uint16_t type, const void *payload,
		     size_t size, const struct myc_body *body);
/* The same, status alone. */
static inline int myc_reply_status(struct myc_executor *executor, const struct myc_reply_to *to,
				   int status)
{
	return myc_reply_signal(executor, NULL, to, status, 0, NULL, 0, NULL);
}

/* ---- plain threads ------------------------------------------------------------------------------ */

/* As myc_call, or with memory as myc_call_into, of what `put` sends to `to` with attachment->call.number as correlation:
 * 0, -EAGAIN, -ENOSPC: no room now, or another error. `answer` is never NULL. */
int myc_call_by(struct myc_system *system, myc_address to,
		int (*put)(struct myc_attachment *attachment, myc_address from,
			   const void *context),
		const void *context, struct myc_answer *answer, void *memory, size_t capacity,
		uint64_t timeout_ns);
/* As myc_call, of a message with these flags. */
int myc_call_message(struct myc_system *system, myc_address to, uint16_t type, uint8_t flags,
		     const void *payload, size_t size, struct myc_answer *answer,
		     uint64_t timeout_ns);
/* A reply to a thread's call came, as myc_ask_replied has it. False: nobody waits for it. */
bool myc_call_answer(struct myc_system *system, const struct myc_slot *slot, int status,
		     const struct myc_reply *reply);
/* The executor ends: calls that wait for replies by it end too. */
void myc_calls_end(struct myc_executor *executor);

static inline bool myc_address_is_thread(myc_address address)
{
	return address != MYC_NOBODY && !myc_address_generation(address);
}

#endif
