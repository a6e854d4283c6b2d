/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals: what executors say to each other about actors (replies, links and monitors, deaths, stop,
 * suspend ...). They are slots with a type of the framework's and MYC_FLOW_NONE, go by the lanes like
 * messages, and need no credit.
 *
 * Order. An ordinary signal comes behind all that its sender sent to the same actor before, and before
 * all that it sends after: while older messages of the sender wait in the outbox, to whichever actor, or the lane is full,
 * the signal waits in the executor's queue, and newer messages for the same actor wait in the outbox. To whichever: word
 * of a restart is for all that watch, and who has a reply may count on what was sent before it being on its way (reply.c:
 * that of an awaited ask, which others may wait for in a ring, has no sender, and waits for no message). Messages to
 * others that wait by an overflow rule pause nobody, and what goes to an actor does not wait for them: their receiver may
 * wait for the sender, which may be paused by what it sends behind the signal. An
 * urgent one (a stop, a kill, suspend, resume, a state asked for) overtakes messages, and waits for no other signal but
 * urgent ones to the same place: a lane that nobody empties holds up no kill of somebody else, though the queue be full of
 * what waits for it.
 *
 *	send ---- lane free, nothing older waits ----> lane
 *	  \ else                                        ^
 *	   `--> queue (capacity: signals; -ENOBUFS) ----' each turn, first-in first-out for each lane
 *
 * Two more places are the executor's own, for its answers: what actors say may wait for their messages, these for credit, and
 * that for the lane in which there is something to be answered.
 *
 * The queue is private memory: when the process is killed, what waited there is gone, and the other
 * side learns of the death. What is in a lane stays. A reply's body is lent when the reply goes into the lane: until then
 * it is in hand, and a killed process' is free again. All on the executor's own thread.
 */
#ifndef MYC_CORE_SIGNAL_H
#define MYC_CORE_SIGNAL_H

#include <mycelium/body.h>

#include "core/executor.h"

struct myc_signal {
	uint16_t type; /* enum myc_signal_type */
	uint8_t size;  /* of payload, 0..MYC_LANE_PAYLOAD */
	myc_address to;
	uint16_t detail; /* of a reply: its type or errno, which stands in the header */
	uint32_t correlation;
	const void *payload;
	const struct myc_body *body; /* of a reply: instead of a payload. NULL: it has none */
};

int myc_signals_open(struct myc_executor *executor, uint32_t capacity);
void myc_signals_close(struct myc_executor *executor);

/* To the actor `to`, from one of ours (NULL: from the executor itself). -ESRCH: its slot is another's
 * or nobody's, -ENOSPC: no lane to its executor, -ENOBUFS: the queue is full. */
int myc_signal_send(struct myc_executor *executor, struct myc_actor *from,
		    const struct myc_signal *signal, enum myc_lane_ring ring);
/* The commonest one, short: a reply to an actor of this executor that waits for nothing. False: it is another. */
bool myc_signal_reply_home(struct myc_executor *executor, struct myc_actor *from, myc_address to,
			   uint32_t correlation, uint16_t type, const void *payload, size_t size);
/* By a road that is there; from NULL: from the executor itself. -ENOBUFS. */
int myc_signal_send_road(struct myc_executor *executor, struct myc_road *road,
			 struct myc_actor *from, const struct myc_signal *signal,
			 enum myc_lane_ring ring);
/* To the actor signal->to, whose executor, as far as is known, is at the end of this road; it may move, and the
 * signal follows it. */
int myc_signal_send_after(struct myc_executor *executor, struct myc_road *road,
			  const struct myc_signal *signal, enum myc_lane_ring ring);
/* Into the ordinary ring at once, before what waits in the queue. -ENOBUFS: it is full. */
int myc_signal_put(struct myc_executor *executor, struct myc_road *road,
		   const struct myc_signal *signal);
/* From a plain thread. Also -EAGAIN: the lane is full. */
int myc_signal_send_plain(struct myc_sender *sender, const struct myc_signal *signal,
			  enum myc_lane_ring ring);
/* Does one wait for something else than its sender's outbox, or an actor on its way? These ring as credit does, other
 * things do not. */
bool myc_signals_ready(const struct myc_executor *executor);
/* Is there room for two more, whatever the lanes have? */
bool myc_signals_room(const struct myc_executor *executor);
/* Do signals from this actor wait? */
bool myc_signals_from(const struct myc_executor *executor, const struct myc_actor *actor);
/* Does a link of its wait for this road? Its end comes behind that, which may wait for who is on its way. */
bool myc_signals_link(const struct myc_executor *executor, const struct myc_actor *actor,
		      const struct myc_road *road);
/* To an executor as such; signal->to says what it is about. */
int myc_signal_send_executor(struct myc_executor *executor, uint32_t process, uint32_t index,
			     const struct myc_signal *signal, enum myc_lane_ring ring);
/* Once a turn while executor->signals.count is not 0. Returns how many went. */
unsigned myc_signals_drain(struct myc_executor *executor);
/* Signals, or urgent messages of the pair, wait, or wait no more, or a flow was made meanwhile: is one of them
 * older than what it will carry? */
void myc_signals_hold(struct myc_executor *executor, struct myc_flow_out *flow);

/* What came: a checked copy, from the executor at the other end of the inlet. The sender's address is
 * given in full for an actor of that process, whatever its generation. False: it needs an answer, and too
 * many signals wait; it stays in the lane and comes again. */
bool myc_signal_received(struct myc_executor *executor, struct myc_inlet *inlet,
			 const struct myc_slot *slot);

/* The same of a reply with a body, the lane's next message. False: the lane is cut, or there is no room in the ledger. */
bool myc_signal_reply_received(struct myc_executor *executor, struct myc_inlet *inlet,
			       const struct myc_slot *slot);

#endif
