/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asks: a message that wants an answer. The asker goes on meanwhile; the outcome comes to its
 * behaviour's `reply` hook, exactly once for each ask: the reply, or why there is none.
 *
 *	myc_ask --- message, correlation ---> receiver's `message` hook
 *	   `reply` hook <--- reply -------- myc_reply, or later myc_reply_send, from any actor
 *	                <--- -ETIMEDOUT, -ESRCH, -ENOTCONN, ...
 *
 * The request is an ordinary message: it needs credit, and stands in order with what else the asker sends
 * to that actor. The reply has its place reserved in the asker's executor when the ask is made: it needs no
 * credit, reaches an asker that is paused, and comes behind what the replier sent to the asker before. While older
 * messages of the replier wait in its outbox, to whomever, the reply waits for them: who has it knows that all that was
 * sent before it is on its way. (Not for those to others that wait by an overflow rule, and so do not pause it:
 * mycelium/mailbox.h.) Who is not to wait for others' credit is replied to first.
 * (The reply to an awaited ask, or to a thread's call, does not wait for messages in the replier's outbox: the asker
 * handles none of them before the reply anyway.)
 *
 * One reply is accepted. Any other, or one that comes after the timeout, a cancel, or a restart or the end
 * of the asker, reaches nobody and is counted as a dead letter, "late reply".
 *
 * Requests and replies of more than MYC_PAYLOAD_MAX bytes travel in bodies (mycelium/body.h): copied into one, or written
 * in one, and read in place. A reply's body goes home when the hook returns, unless it is kept.
 *
 * Timeouts are never early. They are looked at about every millisecond, and not for each ask: late by
 * a millisecond or two, or by as long as handlers hold the executor. No clock is read to ask.
 *
 * Threads: functions that take `self` as in mycelium/actor.h. Killed processes: asks are private memory of
 * the asker's process; replies to its former life are late. Of a killed replier the asker learns
 * by -ENOTCONN: within a second when it has been restarted, and before that where the runtime tells (myc run). A request
 * that still waits for credit then goes to its successor; where there will be none, it is a dead letter (myc_send).
 */
#ifndef MYCELIUM_ASK_H
#define MYCELIUM_ASK_H

#include <stddef.h>
#include <stdint.h>

#include <mycelium/actor.h>
#include <mycelium/address.h>
#include <mycelium/body.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_system;

#define MYC_FOREVER	  UINT64_MAX /* as timeout_ns: none */
#define MYC_DELEGATED_MAX 32	     /* bytes of a request that is passed on without a body */
#define MYC_CYCLE_MAX	  64	     /* actors that await one another, looked through */
#define MYC_GATHER_ALL	  UINT32_MAX

/* An ask (or gather) that was made, for cancelling. A stale one is known. */
struct myc_ask {
	uint32_t correlation;
};

enum myc_reply_kind {
	MYC_REPLY_ONE = 0,     /* the outcome of an ask, or of one member of a gather */
	MYC_REPLY_RECEIPT = 2, /* of myc_send_receipt: mycelium/receipt.h */
	MYC_REPLY_GATHER = 1,  /* a gather is complete: no more comes of it */
};

/* An outcome. The payload is valid until the hook returns (a body: myc_reply_body_keep), 8-byte aligned. */
struct myc_reply {
	uint64_t cookie; /* as given to the ask */
	struct myc_ask ask;
	/*
	 * 0: type, size and payload are the replier's (of a gather that is complete: as many as wanted
	 * have answered). Else there is no payload:
	 * -ETIMEDOUT  nobody answered in time
	 * -ESRCH      the request reached nobody: the actor was gone, or went with it in its mailbox
	 * -ENOTCONN   the receiver's process died before it replied
	 * -EDEADLK    it was passed on to an actor that awaits the asker (awaited asks only; -ELOOP:
	 *	       as below)
	 * -ESHUTDOWN  the asker's system is being stopped and the answer did not come
	 * -EPROTO     there was an answer, and its body cannot be read, its type is none of yours, or it says no
	 *	       error: somebody's memory is damaged
	 * others      what the replier said by myc_reply_error
	 */
	int status;
	uint8_t kind; /* enum myc_reply_kind */
	uint8_t reserved;
	uint16_t type;
	uint32_t size; /* of payload */
	/* Whom the request was sent to, or to whom it was passed on since: as far as word of that has come, which
	 * an answer may overtake. */
	myc_address asked;
	uint32_t index;	   /* gather: which of the refs */
	uint32_t answered; /* gather: with status 0, this one included */
	uint32_t failed;   /* gather: with another status, this one included */
	uint32_t body;	   /* opaque: the loan of a payload that lies in a body */
	const void *payload;
};

/* ---- asking -------------------------------------------------------------------------------- */

/*
 * Asks: sends the message by the rules of myc_send (myc_try_ask: of myc_try_send) and errors as they have;
 * -ENOSPC: all asks of the executor are in use (option `asks`), -ESHUTDOWN: the system is being
 * stopped. Refused, no outcome comes. `ask` may be NULL. More than MYC_PAYLOAD_MAX bytes are copied into a body:
 * -ENOBUFS and -EMSGSIZE as myc_body_take.
 */
int myc_ask(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
	    size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask);
int myc_try_ask(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask);

/* The same with a body of ours, as myc_send_body: nothing is copied. */
int myc_ask_body(struct myc_actor *self, struct myc_ref *to, uint16_t type, struct myc_body *body,
		 uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask);

/* After it returns no outcome of this ask or gather comes. -ENOENT: it had come. */
int myc_ask_cancel(struct myc_actor *self, struct myc_ask ask);

/* Who awaits whom, from the asker on: address[0] is `self`, address[count - 1] awaits it. */
struct myc_cycle {
	uint32_t count;
	myc_address address[MYC_CYCLE_MAX];
};

/*
 * As myc_ask, and until the outcome the asker handles no messages, timers or feed: they wait. Replies
 * of this and other asks still reach it. -EALREADY: it awaits one already. -EDEADLK: whom it asks
 * awaits it, by itself or through others: the cycle is in *cycle (may be NULL), nothing was sent. Of
 * several actors that would close a cycle at the same moment, at least one is refused, it may be all.
 * An actor that replied to or passed on the other's request is not held to be awaited by it. -ELOOP: the chain of awaiting
 * actors is longer than MYC_CYCLE_MAX.
 */
int myc_ask_await(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		  size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask,
		  struct myc_cycle *cycle);

/*
 * Asks `count` actors the same. Each outcome comes as MYC_REPLY_ONE with its index, then one
 * MYC_REPLY_GATHER when `wanted` have answered (status 0; 1 = the first, MYC_GATHER_ALL = all), when so
 * many have failed that they cannot (status: of the last that failed), or at the timeout (-ETIMEDOUT, one
 * for all). Replies that come after it are late. Uses count + 1 of the executor's asks. -EINVAL: count is 0
 * or less than wanted. A ref that cannot be sent to fails as a member, not the gather. More than MYC_PAYLOAD_MAX bytes
 * are copied into one body, which all read. Refused as a whole, with no outcome: -ENOSPC, -ESHUTDOWN, -ENOBUFS and
 * -EMSGSIZE as myc_ask.
 */
int myc_gather(struct myc_actor *self, struct myc_ref *refs, uint32_t count, uint32_t wanted,
	       uint16_t type, const void *payload, size_t size, uint64_t timeout_ns,
	       uint64_t cookie, struct myc_ask *gather);

/* ---- replying ------------------------------------------------------------------------------ */

/* Where a reply goes. Plain data: may be kept, copied and sent in a message to another actor. */
struct myc_reply_to {
	myc_address asker;
	uint32_t correlation;
	uint32_t reserved;
};

/* Does the sender wait for a reply? */
static inline int myc_message_asks(const struct myc_message *message)
{
	return message->correlation != 0;
}

/* Out of a message, for later. Only while the message is being handled. -EINVAL: it asks nothing. */
int myc_reply_keep(const struct myc_message *message, struct myc_reply_to *to);

/*
 * Replies with `size` bytes of `type`. -EINVAL: the message asks nothing, -ESRCH: the
 * asker is gone, -ENOSPC: no lane to its executor, -ENOBUFS: too many replies and other signals wait
 * for a full lane, try again. Whether the asker still waits is not known here. More than MYC_PAYLOAD_MAX bytes are
 * copied into a body: -ENOBUFS (none is free) and -EMSGSIZE as myc_body_take.
 */
int myc_reply(struct myc_actor *self, const struct myc_message *message, uint16_t type,
	      const void *payload, size_t size);
int myc_reply_send(struct myc_actor *self, const struct myc_reply_to *to, uint16_t type,
		   const void *payload, size_t size);
/* The same with a body that we took or kept: it is the asker's and no more ours, unless an error is returned.
 * -ENODATA: it is not ours; -EMSGSIZE: its size is more than it has. */
int myc_reply_body(struct myc_actor *self, const struct myc_reply_to *to, uint16_t type,
		   struct myc_body *body);
/* In the hook: the payload of a reply beyond it. As myc_body_keep. */
int myc_reply_body_keep(struct myc_actor *self, const struct myc_reply *reply,
			struct myc_body *body);
/* The asker's status is `error` (-errno, -1..-4095). */
int myc_reply_error(struct myc_actor *self, const struct myc_reply_to *to, int error);

/*
 * Passes a request on: who gets it sees an ordinary ask whose reply goes to the original asker. Sent
 * by the rules of myc_send; then this actor owes no reply. More than MYC_DELEGATED_MAX bytes are copied into a body:
 * -ENOBUFS and -EMSGSIZE as myc_body_take. myc_forward: the message as it came, its body moving with it; -ENODATA: it
 * has gone on already.
 */
int myc_delegate(struct myc_actor *self, const struct myc_reply_to *asker, struct myc_ref *to,
		 uint16_t type, const void *payload, size_t size);
int myc_forward(struct myc_actor *self, const struct myc_message *message, struct myc_ref *to);

/* ---- plain threads ------------------------------------------------------------------------- */

struct myc_answer {
	uint16_t type;
	uint32_t size;
	uint64_t payload[MYC_PAYLOAD_MAX / 8]; /* `size` bytes of myc_call */
};

/*
 * Asks and waits for the reply, asleep. For plain threads, never from a handler. Attaches the thread as
 * myc_post does. 0: *answer (may be NULL) holds the reply. Errors of myc_post, those of
 * struct myc_reply, and the replier's own: the call's result is the status. The timeout
 * (MYC_FOREVER = none) covers waiting for credit too, and -ENOTCONN ends that as well. No call may go on when the system is closed; a
 * stop ends those that wait with -ESHUTDOWN. More than MYC_PAYLOAD_MAX bytes go in a body; an answer that has more is
 * -EMSGSIZE, its size in answer->size.
 */
int myc_call(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
	     size_t size, struct myc_answer *answer, uint64_t timeout_ns);
/* The same, for answers of any size: copied into `memory`, of `capacity` bytes (NULL: none), and none into
 * answer->payload. -EMSGSIZE: it has answer->size bytes. */
int myc_call_into(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
		  size_t size, struct myc_answer *answer, void *memory, size_t capacity,
		  uint64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
