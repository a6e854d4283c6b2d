/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A message buffer that is lent in pieces, and their way home (userspace/memory/pool.h, pool_ledger.c,
 * pool_recover.c). Owner: myc_pool_take, lend, lent and settle, collect_one and finish_redo; borrower:
 * myc_pool_credit, done, merge, return_try and their recovery. Messages are a channel (lane.pml has the
 * lane). What only its writer's successor reads is plain memory: the kernel has buried the writer by then.
 * Either side is killed up to DEATHS times, before any of its steps.
 *
 * Holds: what is read under a loan is what was written for it; never more comes home than is out, nor anything
 * of an earlier life of the buffer; at the end all weight is home and the buffer free.
 * Mutants: NO_SETTLE (the lender's successor forgets what it was lending), NO_REDO (the collector's counts a
 * return again), NO_RETURNING (the borrower's returns a piece again), NO_MERGE_INTENT, NO_RELEASE_RETURN (with
 * PSO), NO_RELEASE_CURSOR (the slot is given back before it is read).
 */
#ifndef DEATHS
#define DEATHS 1
#endif
#ifndef SLOTS
#define SLOTS 1
#endif
#define LIVES	   2 /* times the buffer is taken */
#define LENDS	   3 /* pieces lent in all, at most */
#define FULL	   4
#define LOANS	   2
#define CONTENT	   0
#define CURSOR	   1
#define SEQ(i)	   (2 + (i))
#define PIECE(i)   (2 + SLOTS + (i)) /* life * 16 + weight */
#define LOCS	   (2 + 2 * SLOTS)
#include "memory.pml"

chan lane = [4] of { byte, byte, byte }; /* ticket, life, weight */
byte published; /* ticket of the newest message */

/* The owner's header, intent and redo. */
byte out, life;
bool taken; /* the rest is in somebody's hand */
bool lending;
byte lend_before, lend_after, lend_ticket, redo_change, redo_commit;

/* The borrower's ledger. */
mtype = { FREE, HELD, RETURNING };
typedef Loan {
	mtype state = FREE;
	byte origin, life, weight, number
};
Loan loan[LOANS];
bool merging;
byte merge_after;

byte deaths[2];
bool finished[2];

#define MAY_DIE(p)                                              \
	if                                                      \
	:: true                                                 \
	:: deaths[p] < DEATHS -> deaths[p]++; goto dead         \
	fi

#ifdef NO_RELEASE_RETURN
#define PUBLISH ST
#else
#define PUBLISH STR
#endif

proctype owner()
{
	byte k_ = 0, next = 0, value = 0, piece = 0, lends = 0;

dead:
	FENCE(0);
	d_step {
#ifndef NO_SETTLE
		if
		:: lending && published == lend_ticket -> out = lend_after
		:: lending && published != lend_ticket -> out = lend_before
		:: else
		fi;
#endif
		lending = false;
		next = mem[CURSOR];
#ifndef NO_REDO
		if
		:: redo_commit == next + 1 -> out = redo_change; next++
		:: else
		fi;
#endif
		taken = false; /* the rest was in the dead one's hand */
		value = 0;
		piece = 0
	};
	ST(0, CURSOR, next);
	do
	:: life == LIVES && !taken && out == 0 -> break
	:: !taken && out == 0 && life < LIVES ->
		atomic { life++; taken = true };
		ST(0, CONTENT, life);
		MAY_DIE(0)
	:: taken -> /* give the rest up */
		taken = false
	:: taken && lends < LENDS ->
		/* A half, or the rest. */
		atomic {
			lend_before = out;
			if
			:: FULL - out >= 2 -> lend_after = out + (FULL - out) / 2
			:: true -> lend_after = FULL
			fi;
			lend_ticket = published + 1;
			lends++
		};
		MAY_DIE(0);
		lending = true;
		MAY_DIE(0);
		out = lend_after;
		MAY_DIE(0);
		FENCE(0); /* release */
		atomic {
			published++;
			lane!published, life, lend_after - lend_before
		};
		MAY_DIE(0);
		atomic {
			lending = false;
			if
			:: lend_after == FULL -> taken = false
			:: else
			fi
		};
		MAY_DIE(0)
	:: mem[SEQ(next % SLOTS)] == next + 1 ->
		LD(0, SEQ(next % SLOTS), value);
#ifdef NO_RELEASE_CURSOR
		STR(0, CURSOR, next + 1);
#endif
		LD(0, PIECE(next % SLOTS), piece);
		assert(piece / 16 == life && piece % 16 <= out && piece % 16 > 0);
		redo_change = out - piece % 16;
		MAY_DIE(0);
		redo_commit = next + 1;
		MAY_DIE(0);
		out = redo_change;
		MAY_DIE(0);
#ifndef NO_RELEASE_CURSOR
		STR(0, CURSOR, next + 1);
#endif
		next++;
		MAY_DIE(0)
	od;
	finished[0] = true
}

/* A loan without a message goes home: into another of the same buffer, or by the ring. */
inline go_home(i)
{
	if
	:: loan[1 - i].state == HELD && loan[1 - i].origin == 0 && loan[1 - i].life == loan[i].life ->
		merge_after = loan[1 - i].weight + loan[i].weight;
		MAY_DIE(1);
#ifndef NO_MERGE_INTENT
		merging = true;
		into = 1 - i;
#endif
		MAY_DIE(1);
		loan[1 - i].weight = merge_after;
		MAY_DIE(1);
		loan[i].state = FREE;
		MAY_DIE(1);
		merging = false
	:: else ->
		LD(1, CURSOR, value);
		if
		:: head - value < SLOTS ->
			atomic { loan[i].number = head + 1; loan[i].state = RETURNING };
			MAY_DIE(1);
			ST(1, PIECE(head % SLOTS), loan[i].life * 16 + loan[i].weight);
			MAY_DIE(1);
			PUBLISH(1, SEQ(head % SLOTS), head + 1);
			head++;
			MAY_DIE(1);
			loan[i].state = FREE
		:: else -> skip /* it waits for the ring */
		fi
	fi;
	MAY_DIE(1)
}

byte into;

proctype borrower()
{
	byte k_ = 0, head = 0, value = 0, ticket = 0, whose = 0, weight = 0, i = 0;

dead:
	FENCE(1);
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
		if
		:: merging -> loan[into].weight = merge_after; loan[1 - into].state = FREE; merging = false
		:: else
		fi;
		i = 0;
		do
		:: i < LOANS ->
			if
#ifndef NO_RETURNING
			:: loan[i].state == RETURNING && head >= loan[i].number -> loan[i].state = FREE
			:: loan[i].state == RETURNING && head < loan[i].number -> loan[i].state = HELD
#else
			:: loan[i].state == RETURNING -> loan[i].state = HELD
#endif
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0;
		value = 0;
		weight = 0;
		whose = 0;
		ticket = 0
	};
	/* In doubt: its message was in hand. It is counted out, and the piece goes home. */
	atomic {
		do
		:: i < LOANS ->
			if
			:: loan[i].state == HELD && loan[i].origin ->
				if
				:: nempty(lane) ->
					lane?<ticket, whose, weight>;
					if
					:: ticket == loan[i].origin -> lane?ticket, whose, weight
					:: else
					fi
				:: empty(lane)
				fi;
				loan[i].origin = 0
			:: else
			fi;
			i++
		:: else -> break
		od;
		i = 0
	};
	do
	:: finished[0] && empty(lane) && loan[0].state == FREE && loan[1].state == FREE -> break
	:: nempty(lane) && (loan[0].state == FREE || loan[1].state == FREE) ->
		lane?<ticket, whose, weight>;
		i = (loan[0].state == FREE -> 0 : 1);
		atomic { loan[i].origin = ticket; loan[i].life = whose; loan[i].weight = weight };
		MAY_DIE(1);
		loan[i].state = HELD;
		MAY_DIE(1);
		LD(1, CONTENT, value);
		assert(value == whose);
		MAY_DIE(1);
		lane?ticket, whose, weight; /* counted */
		MAY_DIE(1);
		loan[i].origin = 0;
		MAY_DIE(1);
		if
		:: go_home(i)
		:: true /* it is kept */
		fi
	:: loan[0].state == HELD && loan[0].origin == 0 ->
		LD(1, CONTENT, value);
		assert(value == loan[0].life);
		i = 0;
		go_home(i)
	:: loan[1].state == HELD && loan[1].origin == 0 ->
		LD(1, CONTENT, value);
		assert(value == loan[1].life);
		i = 1;
		go_home(i)
	od;
	finished[1] = true
}

init
{
	atomic {
		run drain(0);
		run drain(1);
		run owner();
		run borrower()
	};
	finished[0] && finished[1];
	assert(out == 0 && !taken)
}
