/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A lane (userspace/memory/lane.h, lane.c). Sender: myc_lane_full, myc_lane_push, myc_lane_sent and
 * myc_lane_out_open; receiver: myc_lane_peek, begin, count, done, publish and myc_lane_in_open with the
 * rule of core/recover.c: what was begun and not counted is in doubt. Either is killed up to DEATHS
 * times, before any of its steps; its successor goes on from memory.
 *
 * Holds: a payload is its number's (never read before written, never overwritten before read); each message
 * is handled once, or is in doubt once, at most as many as the receiver died; none is lost; at the end
 * all are counted, by both.
 * Mutants: NO_RELEASE_SEQUENCE (with PSO), NO_ACQUIRE_SEQUENCE, NO_RELEASE_CURSOR, NO_DOUBT, NO_RECOUNT.
 */
#ifndef SLOTS
#define SLOTS 2
#endif
#ifndef MESSAGES
#define MESSAGES 5
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#define SEQ(i)	 (i)
#define PAY(i)	 (SLOTS + (i))
#define CURSOR	 (2 * SLOTS)
#define SENT	 (2 * SLOTS + 1)
#define PROGRESS (2 * SLOTS + 2) /* begun * 16 + done */
#define COUNTED	 (2 * SLOTS + 3)
#define LOCS	 (2 * SLOTS + 4)
#include "memory.pml"

byte handled[MESSAGES], doubted[MESSAGES];
byte deaths[2];
bool finished[2];

#define MAY_DIE(p)                                              \
	if                                                      \
	:: true                                                 \
	:: deaths[p] < DEATHS -> deaths[p]++; goto dead         \
	fi

#ifdef NO_RELEASE_SEQUENCE
#define PUBLISH ST
#else
#define PUBLISH STR
#endif

proctype sender()
{
	byte k_ = 0, head = 0, value = 0, i = 0;

dead:
	FENCE(0);
	/* newest(), and the one that was published and not counted */
	d_step {
		head = 0;
		i = 0;
		do
		:: i < SLOTS ->
			if
			:: mem[SEQ(i)] > head -> head = mem[SEQ(i)]
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	};
#ifndef NO_RECOUNT
	ST(0, SENT, head);
#endif
	do
	:: head == MESSAGES -> break
	:: else ->
		do /* full */
		:: LD(0, CURSOR, value);
			if
			:: head - value < SLOTS -> break
			:: else -> mem[CURSOR] != value
			fi
		od;
		MAY_DIE(0);
		ST(0, PAY(head % SLOTS), head + 1);
		MAY_DIE(0);
		PUBLISH(0, SEQ(head % SLOTS), head + 1);
		head++;
		MAY_DIE(0);
		LD(0, SENT, value);
		ST(0, SENT, value + 1);
		MAY_DIE(0)
	od;
	FENCE(0);
	assert(mem[SENT] == MESSAGES);
	finished[0] = true
}

#define SETTLE(n)                        \
	ST(1, PROGRESS, (n) * 16 + (n)); \
	settled = n

proctype receiver()
{
	byte k_ = 0, next = 0, value = 0, pay = 0, published = 0, settled = 0;

dead:
	FENCE(1);
	settled = mem[PROGRESS] % 16;
	next = mem[PROGRESS] / 16;
	published = mem[CURSOR];
	if
	:: next != settled -> /* number `next` was begun, all before it are done */
		next--;
		if
		:: mem[COUNTED] != next + 1 ->
#ifndef NO_DOUBT
			LD(1, PAY(next % SLOTS), pay);
			assert(pay == next + 1);
			doubted[next]++;
			ST(1, COUNTED, next + 1);
			SETTLE(next + 1);
			next++
#endif
		:: mem[COUNTED] == next + 1 ->
			SETTLE(next + 1);
			next++
		fi
	:: else
	fi;
	do
	:: next == MESSAGES -> break
	:: else ->
		do
#ifdef NO_ACQUIRE_SEQUENCE
		:: LD(1, PAY(next % SLOTS), pay);
		   LD(1, SEQ(next % SLOTS), value);
#else
		:: LD(1, SEQ(next % SLOTS), value);
#endif
			if
			:: value == next + 1 -> break
			:: else ->
				/* before idling */
				if
				:: published != next ->
					SETTLE(next);
					STR(1, CURSOR, next);
					published = next
				:: else
				fi;
				mem[SEQ(next % SLOTS)] == next + 1
			fi
		od;
		MAY_DIE(1);
#ifdef NO_RELEASE_CURSOR
		STR(1, CURSOR, next + 1);
		published = next + 1;
#endif
#ifndef NO_ACQUIRE_SEQUENCE
		LD(1, PAY(next % SLOTS), pay);
#endif
		assert(pay == next + 1);
		/* The store of `begun` alone: `done` stays behind. */
		ST(1, PROGRESS, (next + 1) * 16 + settled);
		MAY_DIE(1);
		handled[next]++;
		MAY_DIE(1);
		ST(1, COUNTED, next + 1);
		MAY_DIE(1);
		next++;
		if /* every so many, or before idling */
		:: true
		:: published != next ->
			SETTLE(next);
			MAY_DIE(1);
			STR(1, CURSOR, next);
			published = next
		fi
	od;
	FENCE(1);
	assert(mem[COUNTED] == MESSAGES);
	finished[1] = true
}

init
{
	byte i = 0, doubts = 0;

	atomic {
		run drain(0);
		run drain(1);
		run sender();
		run receiver()
	};
	finished[0] && finished[1];
	do
	:: i < MESSAGES ->
		assert(handled[i] <= 1 && doubted[i] <= 1 && handled[i] + doubted[i] >= 1);
		doubts = doubts + doubted[i];
		i++
	:: else -> break
	od;
	assert(doubts <= deaths[1])
}
