/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Moving an actor from one executor of its process to another while messages flow (myc_move).
 *
 *	ASKED    waits until it can go (see mycelium/system.h)
 *	CLOSING  its word says MOVING: nobody sends to it any more, by whatever lane; messages wait in outboxes, signals
 *	         in the queues of signals, plain threads try again. Every executor of the workspace is asked for
 *	         a mark, and sends it by its lane to here: what it sent before has arrived then. Of plain threads
 *	         is waited until none is in the middle of sending. The actor handles what has come
 *	FLUSHING it has nothing to handle and nothing to do. Another mark of everybody says that what it sent has been taken
 *	         out of the lanes, so that what it will send by others cannot overtake it
 *	HANDED   it is the other executor's, who starts its timers and stores the word: from then on it is found there.
 *	         Without room for the timers: BACK
 *	LEFT     it is there. The executor that it left gives its old timers back
 *	BACK     it is the former executor's again, as it was: no message has come meanwhile
 *	IDLE     done, or refused: code
 *
 * So each pair's messages are in one lane at a time, and order, credit and counts are those of that lane. What fails on the
 * way (an executor that does not answer) opens the word again, where it was; so does
 * what stores the word of itself, a restart or a stop in CLOSING. One move at a time in a system.
 *
 * What moves along: state, mailbox (empty then), metrics, timers, behaviours, overflow rules, who watches it and awaits its last state, names and
 * memberships (their rows stay where they are, and are written by its new executor: core/directory.h), lists of groups.
 * What does not is in move_stays.c: it keeps the actor where it is.
 *
 * The word is what counts: killed before it is stored, the actor starts again where it was, after it where it is.
 * MYC_POINTs name the steps.
 */
#ifndef MYC_CORE_MOVE_H
#define MYC_CORE_MOVE_H

#include "core/executor.h"

#define MYC_MOVE_CLOSED_NS 100000000u /* so long others are kept waiting in one attempt */

enum myc_move_state {
	MYC_MOVE_IDLE = 0,
	MYC_MOVE_ASKED = 1,
	MYC_MOVE_CLOSING = 2,
	MYC_MOVE_FLUSHING = 3,
	MYC_MOVE_HANDED = 4,
	MYC_MOVE_LEFT = 5,
	MYC_MOVE_BACK = 6,
};

/* What keeps it where it is: with a code each in move_stays.c. */
enum myc_move_stays {
	MYC_STAYS_NOT = 0,
	/* for good */
	MYC_STAYS_THREAD,
	MYC_STAYS_FEED,
	MYC_STAYS_POOL,
	/* until it gives it up */
	MYC_STAYS_SUBSCRIBES,
	MYC_STAYS_PUBLISHES,
	MYC_STAYS_WATCHES,
	MYC_STAYS_HELD,
	MYC_STAYS_LISTENS,
	MYC_STAYS_OUTSIDE,
	MYC_STAYS_LETTERS,
	MYC_STAYS_TIMERS,
	MYC_STAYS_MEMORY,
	/* for a while: waited for */
	MYC_STAYS_LIFE,
	MYC_STAYS_OUTBOX,
	MYC_STAYS_ASKS,
	MYC_STAYS_BODIES,
	MYC_STAYS_STASH,
	MYC_STAYS_SIGNALS,
	MYC_STAYS_MAILBOX,
	MYC_STAYS_MARKS,
	MYC_STAYS_POSTING,
	MYC_STAYS_HANDLER,
	MYC_STAYS_COUNT
};
/* What is in the way of this one, on its executor's thread. */
enum myc_move_stays myc_move_stays(struct myc_actor *actor);
/* 0: it is waited for. */
int myc_move_refused(enum myc_move_stays stays);
int myc_move_error(struct myc_error *error, int code, myc_address address,
		   enum myc_move_stays stays, uint32_t at);

int myc_moves_open(struct myc_system *system);
void myc_moves_close(struct myc_system *system);

/* Any thread: asks for it, or -EBUSY, -ESRCH, -EINVAL, -EOPNOTSUPP. Then state goes to IDLE, and code says how it ended. */
int myc_move_ask(struct myc_system *system, myc_address address, uint32_t executor);

/* Whose turn it is, and for what: one word, so that nobody takes the state of one move for that of the next. */
static inline uint64_t myc_move_word(uint32_t state, uint32_t from, uint32_t to)
{
	return state | (uint64_t)from << 8 | (uint64_t)to << 16;
}
static inline uint32_t myc_move_state_of(uint64_t word)
{
	return (uint32_t)word & 0xff;
}
static inline uint32_t myc_move_state(const struct myc_system *system)
{
	return myc_move_state_of(__atomic_load_n(&system->move.word, __ATOMIC_ACQUIRE));
}

/* By who has the move: the rest of the word is as it was asked for. */
static inline void myc_move_set(struct myc_move *move, enum myc_move_state state)
{
	/* Release: all that is passed on with it. Pairs with myc_move_ours. */
	__atomic_store_n(&move->word, myc_move_word(state, move->from, move->to), __ATOMIC_RELEASE);
}

/* At each scan: is there something for this executor to do? */
static inline bool myc_move_ours(const struct myc_executor *executor)
{
	uint64_t word = __atomic_load_n(&executor->system->move.word, __ATOMIC_ACQUIRE);
	uint32_t state = myc_move_state_of(word);

	return state && (word >> (state == MYC_MOVE_HANDED ? 16 : 8) & 0xff) == executor->index;
}
unsigned myc_move_step(struct myc_executor *executor);
/* The actor did something of its own accord. */
static inline void myc_move_acted(const struct myc_actor *actor)
{
	struct myc_move *move = &actor->executor->system->move;

	if (myc_move_ours(actor->executor) && move->actor == actor)
		move->acted = true;
}
/* A signal of these came. 0, -ENOBUFS: no room for the mark, again. */
int myc_move_asked(struct myc_executor *executor, const struct myc_inlet *inlet,
		   const struct myc_signal_move *asked);
int myc_move_marked(struct myc_executor *executor, const struct myc_inlet *inlet,
		    const struct myc_signal_move *mark);

/* Is this actor on its way, so that nothing may be sent to it now? */
static inline bool myc_word_moving(uint64_t word, myc_address address)
{
	return myc_actor_word_state(word) == MYC_ACTOR_MOVING &&
	       myc_actor_word_generation(word) == myc_address_generation(address);
}
bool myc_move_on_its_way(const struct myc_system *system, myc_address address);

/* Plain threads, around everything that they send: pairs with the fence in close_word. */
static inline void myc_posting_begin(struct myc_sender *sender)
{
	__atomic_store_n(&sender->lanes->posting, sender->lanes->posting | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}
static inline void myc_posting_end(struct myc_sender *sender)
{
	/* Release: what was sent. Pairs with threads_quiet. */
	__atomic_store_n(&sender->lanes->posting, (sender->lanes->posting | 1) + 1,
			 __ATOMIC_RELEASE);
}

#endif
