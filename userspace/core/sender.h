/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sending half of an executor, or of an attached plain thread: its roads (lanes to executors), the flows of its
 * pairs on them, and whom it has to wake (road.c). One thread's, but where it says otherwise. The region has what a
 * successor needs: directory, flow entries with their counts, slots (mycelium/abi/lane.h).
 */
#ifndef MYC_CORE_SENDER_H
#define MYC_CORE_SENDER_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/abi/lane.h>
#include <mycelium/actor.h>

#include "core/process.h"
#include "memory/lane.h"
#include "memory/pool.h"

/* An executor of this or another process, as the one that wakes it sees it. */
struct myc_peer {
	const struct myc_executor_words *words; /* NULL: not seen yet. Another's: read-only */
	uint64_t size;				/* of its block */
	int bell;				/* its eventfd, -1 = cannot be woken by us */
	uint32_t rung;	       /* value of asleep that we rang for: once a sleep is enough */
	uint8_t dirty;	       /* MYC_PEER_*: what it got from us this turn */
	struct myc_peer *next; /* dirty ones */
};
/* OURSELVES: never listed, who sends is awake. */
enum { MYC_PEER_MESSAGE = 1, MYC_PEER_CREDIT = 2, MYC_PEER_OURSELVES = 0xff };

/* The first line is what each message needs. */
struct myc_flow_out {
	uint64_t from,
		to; /* to 0 = free; from is then 0 as well. Urgent: from has all its bits turned */
	const uint64_t *word; /* the receiver's actor slot */
	uint64_t slot_to;     /* second word of its messages' headers */
	struct myc_road *road;
	uint64_t *shared_sent; /* `sent` of its entry in the region */
	uint32_t sent;
	uint32_t
		open; /* sent may go up to here: limit, or `sent` while messages wait in the outbox */
	uint32_t limit;
	uint32_t alive;				 /* low half of *word while the receiver is there */
	_Alignas(64) const uint32_t *limit_word; /* NULL until the receiver has bound the lane */
	const uint64_t *counted;
	uint64_t held_order;	 /* of the outbox when the first of them came */
	bool held;		 /* signals of this pair wait: nothing newer may go before them */
	bool urgent;		 /* goes by the urgent ring: core/urgent.c */
	uint32_t next_in_bucket; /* index + 1, 0 = last */
	uint32_t base;		 /* of its entry in the region */
	uint32_t outboxed;	 /* messages of it in the outbox */
	uint32_t first, last;	 /* of them */
	uint32_t next_blocked;	 /* flows with an outbox, as index in flow_table */
	uint32_t lenient;	 /* of the outboxed: do not pause their sender */
	struct myc_actor *actor; /* that has messages in the outbox */
};

struct myc_road {
	struct myc_lane_out lane;
	struct myc_peer *peer;
	struct myc_flow_out *flow; /* MYC_LANE_FLOWS */
	uint32_t process, executor;
	bool own; /* to ourselves */
	/* Rounds of myc_signals_drain: its ring was full. */
	uint32_t signals_full[MYC_RINGS];
	uint32_t hand; /* where the search for a flow to reuse goes on */
};

struct myc_sender {
	struct myc_system *system;
	uint64_t end;		 /* myc_lane_end of ourselves */
	struct myc_lanes *lanes; /* own block */
	uint32_t *changed;	 /* our word in the process block */
	struct myc_road *road;	 /* by lane */
	uint32_t roads;
	struct myc_flow_out *flow_table;
	uint32_t flows;	       /* entries of flow_table */
	struct myc_peer *peer; /* process * MYC_EXECUTORS_MAX + executor */
	struct myc_peer *dirty;
	struct myc_pool pool;
	bool signals_wait;    /* only of executors */
	uint32_t urgent_wait; /* in the outbox; only of executors */
	uint32_t *bucket; /* flows by (from, to): index + 1 in flow_table of the first of a chain */
	uint32_t bucket_mask;
};

int myc_sender_open(struct myc_sender *sender, struct myc_system *system, uint32_t source);
void myc_sender_close(struct myc_sender *sender);
/* On its own thread, first: opens the lanes that a predecessor made. */
void myc_sender_recover(struct myc_sender *sender);
struct myc_peer *myc_sender_peer(struct myc_sender *sender, uint32_t process, uint32_t executor);
void myc_sender_dirty(struct myc_sender *sender, struct myc_peer *peer, uint8_t what);
/* End of a turn: wakes who sleeps of those we gave something. */
void myc_sender_wake(struct myc_sender *sender);
/* Has the receiver cut this road off? Until our process is restarted, then. */
static inline bool myc_road_cut(const struct myc_road *road)
{
	return road->lane.cursor && __atomic_load_n(&road->lane.cursor->cut, __ATOMIC_RELAXED);
}
/* Finds the receiver's half, when it has made it: until then the lane is full. */
void myc_road_bind(const struct myc_sender *sender, struct myc_road *road);
/* The road to an executor, made when there is none; NULL: all are in use. To the executor of an actor:
 * 0, -ESRCH, -ENOSPC. */
struct myc_road *myc_sender_road_to(struct myc_sender *sender, uint32_t process, uint32_t executor);
int myc_sender_road(struct myc_sender *sender, myc_address to, struct myc_road **road);
/* No free slot in this ring? For who sends by it without flows: also finds the receiver's cursor. */
bool myc_road_full(const struct myc_sender *sender, struct myc_road *road, enum myc_lane_ring ring);
/* The calling plain thread's sender. 0, -EUSERS, -ENOMEM. */
int myc_attached_sender(struct myc_system *system, struct myc_sender **sender);
/* Finds or makes road and flow. -ESRCH, -ENOSPC (lanes or flows are all in use). */
int myc_sender_resolve(struct myc_sender *sender, myc_address from, myc_address to,
		       struct myc_ref *ref);
/* The same for the pair's urgent flow (ref->urgent). */
int myc_sender_resolve_urgent(struct myc_sender *sender, myc_address from, struct myc_ref *ref);
/* The flows of a pair, one a road; the first after NULL, and NULL after the last. */
struct myc_flow_out *myc_sender_pair(const struct myc_sender *sender,
				     const struct myc_flow_out *after, myc_address from,
				     myc_address to);
/* Looks whether the receiver has given more. Also true for the next in the outbox. */
bool myc_flow_more(struct myc_sender *sender, struct myc_flow_out *flow);
/* The same for who has a message to send. What waits for the receiver on a road where it was before goes first. */
bool myc_flow_credit(struct myc_sender *sender, struct myc_flow_out *flow);
/* Nothing goes at once by the pair's other flows any more: some waits for this one. */
void myc_flow_first(struct myc_sender *sender, const struct myc_flow_out *flow);
/* Who sends by it. */
static inline myc_address myc_flow_from(const struct myc_flow_out *flow)
{
	return flow->urgent ? ~flow->from : flow->from;
}
/* Is the receiver's slot still this address', and on this road's executor? */
static inline bool myc_flow_alive(const struct myc_flow_out *flow)
{
	return (uint32_t)__atomic_load_n(flow->word, __ATOMIC_RELAXED) == flow->alive;
}
/* What became of a receiver that is not alive there. */
enum myc_flow_where { MYC_FLOW_GONE, MYC_FLOW_WAITS, MYC_FLOW_ELSEWHERE };
enum myc_flow_where myc_flow_where(const struct myc_flow_out *flow);
/* Its flow to where it is now, or the same without credit while it is on its way. -ESRCH: it is gone. */
int myc_sender_follow(struct myc_sender *sender, myc_address from, struct myc_ref *ref,
		      struct myc_flow_out **flow);
/* The flow of a ref, resolved anew when the ref is not (any more) one of `from`. */
static inline int myc_sender_flow(struct myc_sender *sender, myc_address from, struct myc_ref *ref,
				  struct myc_flow_out **flow)
{
	/* A ref comes from the application: any value of flow gives an entry or none. */
	uint32_t index = ref->flow - 1;

	if (__builtin_expect(index >= sender->flows || sender->flow_table[index].from != from ||
				     sender->flow_table[index].to != ref->address,
			     0)) {
		int code = myc_sender_resolve(sender, from, ref->address, ref);

		if (code)
			return code;
		index = ref->flow - 1;
	}
	*flow = &sender->flow_table[index];
	return __builtin_expect(myc_flow_alive(*flow), 1)
		       ? 0
		       : myc_sender_follow(sender, from, ref, flow);
}
/* May a message go now? 0, -EAGAIN. */
static inline int myc_sender_may(struct myc_sender *sender, struct myc_flow_out *flow)
{
	if (__builtin_expect((int32_t)(flow->open - flow->sent) <= 0, 0) &&
	    !myc_flow_credit(sender, flow))
		return -EAGAIN;
	return myc_lane_full(&flow->road->lane, MYC_RING_ORDINARY) ? -EAGAIN : 0;
}
/* What a message needs when it goes to another executor. */
static inline void myc_sender_put_far(struct myc_sender *sender, struct myc_road *road)
{
	if (!(road->peer->dirty & MYC_PEER_MESSAGE))
		myc_sender_dirty(sender, road->peer, MYC_PEER_MESSAGE);
}
/* All that it needs on the lane to ourselves. */
static inline __attribute__((always_inline)) void myc_flow_push(struct myc_flow_out *flow,
								uint64_t kind, uint64_t from,
								const void *payload, size_t size)
{
	uint32_t number = myc_lane_push(&flow->road->lane, MYC_RING_ORDINARY, kind, flow->slot_to,
					from, payload, size);

	myc_lane_sent(flow->shared_sent, ++flow->sent, number);
}
static inline __attribute__((always_inline)) void myc_sender_put(struct myc_sender *sender,
								 struct myc_flow_out *flow,
								 uint64_t kind, uint64_t from,
								 const void *payload, size_t size)
{
	myc_flow_push(flow, kind, from, payload, size);
	if (!flow->road->own)
		myc_sender_put_far(sender, flow->road);
}
/* Whose caller sends by the lane to ourselves, and counts `n` that went by this flow itself; what nobody counts gets into
 * its sender's metrics when it is received (core/credit.c). */
void myc_sender_counts(struct myc_sender *sender, const struct myc_flow_out *flow, uint32_t n);
/* The same where the lane looked full, or nobody looked: see myc_lane_mark. Its caller counts. */
static inline void myc_sender_put_slow(struct myc_sender *sender, struct myc_flow_out *flow,
				       uint64_t kind, uint64_t from, const void *payload,
				       size_t size)
{
	myc_sender_put(sender, flow, kind | myc_lane_mark(&flow->road->lane), from, payload, size);
	if (flow->road->own)
		myc_sender_counts(sender, flow, 1);
}
/* The same by a flow's own ring; its lane has room. */
void myc_sender_put_urgent(struct myc_sender *sender, struct myc_flow_out *flow, uint64_t kind,
			   uint64_t from, const void *payload, size_t size);
static inline bool myc_flow_full(struct myc_flow_out *flow)
{
	return flow->urgent ? myc_lane_full_urgent(&flow->road->lane)
			    : myc_lane_full(&flow->road->lane, MYC_RING_ORDINARY);
}

#endif
