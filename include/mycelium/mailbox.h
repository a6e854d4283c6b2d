/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What becomes of messages that cannot be handled yet.
 *
 * A receiver has room for capacity_per_sender messages of each sender (struct myc_behaviour). A message
 * beyond that waits at its sender, which is paused: nothing is lost, and a slow receiver slows its senders
 * down. A behaviour can say otherwise for types whose newest message is worth more than all of them, or whose
 * sender must not be slowed down:
 *
 *	static const struct myc_overflow quotes[] = {
 *		{.first = QUOTE, .last = QUOTE, .policy = MYC_OVERFLOW_CONFLATE, .key_size = 4},
 *		{.first = TRADE, .last = PRINT, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = 100},
 *	};
 *	static const struct myc_behaviour screen = {.overflow = quotes, .overflow_count = 2, ...};
 *
 * A policy acts in two places, on the messages of one sender to one receiver: in the sender's outbox, when
 * its credit is spent, and where the receiver's messages wait while it is paused, suspended, or others are
 * before them. What is in a lane in between is not touched: it is on its way. The order of what is left
 * stays. No sender is paused by a message that falls under a rule, but for what is said below.
 *
 *	REFUSE        as without a rule: myc_try_send returns -EAGAIN, myc_send waits and pauses
 *	DROP_NEWEST   `keep` may wait in each place; what comes then is dropped
 *	DROP_OLDEST   the same, and the oldest of those that fall under the rule makes room
 *	CONFLATE      a message replaces the one with the same key that waits, in its place in the queue; it is
 *	              refused when there is none, and `keep` with other keys wait in the outbox
 *	REDIRECT      with its credit spent, it is sent to the actor named `to` instead, as if that had been
 *	              meant: `from` is the sender, its own rules apply, at most MYC_REDIRECTS_MAX times.
 *	              The first message of a pair, which has no credit yet, waits
 *
 * Sends return 0 for what was dropped, replaced or redirected: it is counted, under its reason, in the
 * executor where it happened (enum myc_dead_letter: DROPPED_NEWEST, DROPPED_OLDEST, REDIRECT; struct
 * myc_executor_words: conflated, redirected, mailbox_dropped, outbox_dropped). A body goes home, an ask ends at once with
 * -ENOBUFS. Messages of plain threads are refused by myc_post_try, whatever the rule, and fall under it
 * where the receiver's wait.
 *
 * Killed: what waits in either place survives; a message is not lost before the one that replaces it is
 * there. (After a restart a replacement that waited in an outbox is where the replaced one was.)
 */
#ifndef MYCELIUM_MAILBOX_H
#define MYCELIUM_MAILBOX_H

#include <stdint.h>

#include <mycelium/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_system;

#define MYC_OVERFLOW_MAX  8 /* rules of a behaviour */
#define MYC_REDIRECTS_MAX 4 /* of one message */

enum myc_overflow_policy {
	MYC_OVERFLOW_REFUSE = 0,
	MYC_OVERFLOW_DROP_NEWEST = 1,
	MYC_OVERFLOW_DROP_OLDEST = 2,
	MYC_OVERFLOW_CONFLATE = 3,
	MYC_OVERFLOW_REDIRECT = 4,
	MYC_OVERFLOW_POLICIES
};

/* For the types first..last. Of several rules the first that a type falls under counts. Lives as long as
 * the behaviour. A rule that cannot be (first > last, a key of 0 or more than 8 bytes or none in the payload,
 * a redirect to no name) makes spawning fail with -EINVAL. */
struct myc_overflow {
	uint16_t first, last;
	uint16_t policy; /* enum myc_overflow_policy */
	/* CONFLATE: where in the payload the key is; a payload too short for it has the key 0. */
	uint16_t key_offset;
	uint16_t key_size; /* 1..8 */
	/* Messages of one sender that may wait in each place. 0: half of capacity_per_sender, so that the
	 * receiver's place is full before the credit is spent; CONFLATE: as many as there is room for. An
	 * outbox gives a quarter of itself at most, and half to all that do not pause their sender. */
	uint32_t keep;
	const char *to; /* REDIRECT: name of an actor, at most 47 bytes */
};

/*
 * A mailbox without bounds: an actor whose behaviour (or spawn options) sets grows_to. No sender is refused, or
 * paused, because it handles its messages too slowly: they wait in memory that is asked for in chunks as they
 * come, and given back when they are gone. What bounds it is written down by who builds the system:
 *
 *	myc_system_opts.growth	messages that all such mailboxes of one executor may have waiting. It is the memory
 *				that can come: 128 bytes each in the region, and 12 of the process' own. It costs
 *				address space until it is used.
 *	myc_behaviour.grows_to	messages that may be granted and wait for this one; MYC_GROWS_FREELY: as many as
 *				that. mailbox_capacity and capacity_per_sender are then not set, they have no meaning.
 *
 * Credit. Each sender may always have as many messages under way as its lane holds, and 32: what it finds full is its
 * lane, until the receiver's executor comes to it in its next turn, and never its credit, while the two numbers above
 * are not reached and the kernel has memory. (As ever, the first credit of a pair comes in the receiver's next turn.) A
 * full lane is what it always is: -EAGAIN, or myc_send waits; to oneself -EDEADLK. So an executor is not flooded: in a
 * turn it handles a batch of each lane, and what is behind that for such mailboxes is moved to them, as much as the lane
 * holds. What each sender may have under way is reserved: of two numbers that are reached, all senders
 * have their share, and at least one message each. Then it is a bounded mailbox: senders wait, nothing is lost.
 * Urgent messages have credit of their own, as with any other.
 *
 * Memory. A chunk holds MYC_MAILBOX_CHUNK messages (128 KiB). The executor asks the kernel for one when a message comes
 * and finds no room, which takes some tens of microseconds then and there: the one allocation that a message can cause,
 * and counted. Refused, the message stays in its lane (and with it those behind it) until memory or room is there. An
 * executor that finds nothing else to do gives back empty chunks, while it has more of them than of others, and one more:
 * a queue that goes up and down costs nothing. One empty chunk stays. In a region of huge pages all of it is the
 * region's from the start.
 *
 * Killed: what waits survives, as in any mailbox: it lies in the region.
 *
 * Spawning fails with -EINVAL: no `growth`; grows_to together with mailbox_capacity or capacity_per_sender; together
 * with overflow rules, which say what becomes of messages that cannot wait; in the behaviour of a pool's workers, for
 * which jobs wait in the pool (mycelium/workers.h).
 */
#define MYC_GROWS_FREELY  UINT32_MAX
#define MYC_MAILBOX_CHUNK 1024 /* messages */

/* Of the executor that runs an actor. In messages, MYC_MAILBOX_CHUNK a chunk. */
struct myc_mailbox_growth {
	uint64_t limit;	       /* myc_system_opts.growth */
	uint64_t room;	       /* for which there is memory now */
	uint64_t room_max;     /* the most so far */
	uint64_t taken, given; /* chunks, since the region was made */
	uint64_t refused;      /* chunks that the kernel did not have */
};

/* Of an actor of any process of the system; any thread. One of another process may be anything. -ESRCH. */
int myc_mailbox_growth(const struct myc_system *system, myc_address actor,
		       struct myc_mailbox_growth *growth);

/*
 * Urgent messages: at most MYC_PAYLOAD_MAX bytes (-EMSGSIZE), with MYC_MESSAGE_URGENT in their flags. They
 * overtake ordinary ones, in the lane and where the receiver's messages wait, and have credit of their own,
 * MYC_URGENT_PER_SENDER (abi/lane.h) of each pair, so that they go when that for ordinary ones is spent. Their
 * receiver is served in this order: what others do to it (stop, kill, suspend), DOWN and EXIT, urgent, ordinary;
 * a DOWN still comes after all that the dead one had sent. Paused or suspended, it gets them when it goes on,
 * first. First-in first-out among the urgent ones of a pair. Overflow rules are not for them.
 *
 * Else as myc_try_send and myc_send: -EAGAIN without credit, or with half of the ring full (the other half is
 * for signals); myc_send_urgent waits in the outbox then and pauses its sender, and what that sends to the same
 * receiver afterwards waits behind it, whatever credit it has. Killed: as ordinary ones.
 */
int myc_try_send_urgent(struct myc_actor *self, struct myc_ref *to, uint16_t type,
			const void *payload, size_t size);
int myc_send_urgent(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		    size_t size);

#define MYC_WITHIN_MAX_NS 3600000000000u /* an hour */

/*
 * As myc_send, bodies included, and never handled later than ttl_ns from now (by CLOCK_MONOTONIC, up to 66 us
 * early): wherever it is then, in the outbox, in the lane, where the receiver's messages wait, it becomes a
 * dead letter (EXPIRED) and its body goes home. What was begun in time is handled to its end. In an outbox that
 * is noticed when its time is over, elsewhere when its turn comes. -EINVAL: 0 or more than MYC_WITHIN_MAX_NS.
 *
 * Whose turn comes more than a day after its time was over may be handled: an actor that is suspended for
 * so long should ask for the time itself.
 */
int myc_send_within(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		    size_t size, uint64_t ttl_ns);

/*
 * The `undelivered` hook of a sender's behaviour is told of each of its messages that was given up in its own
 * outbox because its time was over (EXPIRED), its receiver ended (OUTBOX_NO_ACTOR), cut the lane off (LANE_CUT),
 * came back with a schema that disagrees (SCHEMA), or closed a ring of waits (CREDIT_CYCLE). Not of what overflow rules drop, nor of what is lost further on. Also
 * while it is paused, suspended or awaits an answer. As other handlers it may send and fail. Killed in between:
 * not told, counted all the same.
 */
struct myc_undelivered {
	myc_address to;
	const void
		*payload; /* until the hook returns; NULL: a body that cannot be read (any more) */
	uint32_t size;
	uint16_t type;
	uint8_t why; /* enum myc_dead_letter */
};

/*
 * `count` messages of one type, of `size` bytes each (at most MYC_PAYLOAD_MAX) that lie one behind the other: as
 * so many calls of myc_try_send, of which the first that is refused is the last, with the receiver looked at,
 * counted and woken once. Returns how many went, 0 to count; -EMSGSIZE, -EINVAL (type, count beyond INT_MAX),
 * -ESRCH: none did. What did not go falls under no overflow rule: it is the caller's. Killed inside: the first
 * so many have gone.
 */
int myc_send_batch(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payloads,
		   size_t size, size_t count);

/* What waits for an actor, and what of its own waits to be sent. */
struct myc_mailbox_depth {
	uint64_t waiting; /* for it in its executor, put aside by it too; not what is in lanes */
	uint64_t waiting_max; /* the most so far */
	uint64_t outbox;      /* of its own, for others' credit or by their rules */
};

/* Of an actor of any process of the system; any thread. One of another process may be anything: nothing of it
 * is checked but that it is there. -ESRCH. */
int myc_mailbox_depth(const struct myc_system *system, myc_address actor,
		      struct myc_mailbox_depth *depth);

#ifdef __cplusplus
}
#endif
#endif
