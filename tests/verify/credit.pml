/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credit, and a flow's entry that is given to one pair after another. Sender: myc_flow_more, myc_sender_put,
 * flow_make, flow_idle and myc_lane_out_open (userspace/core/send.c); receiver: myc_credit_grant,
 * myc_credit_handled, myc_flow_learn and their recovery (core/inlet.c, recover.c). The lane's slots and the
 * entry's sequence lock have models of their own (lane.pml, flow.pml): here a publish is a release store and a
 * place in a channel, an entry one word. Either side is killed up to DEATHS times, before any of its steps.
 *
 * Holds: a message always finds the receiver with credit given for it (else an honest sender's lane would be
 * cut); never more than WINDOW of a pair are not dealt with; what a former pair was given and did not use
 * is used by the next; all messages of all pairs are handled.
 * Mutants: NO_BASE (the receiver does not see what was skipped), NO_RECOUNT (a published message is forgotten by
 * the sender's successor), FROM_LIMIT (the receiver's successor takes what it had given for handled).
 */
#ifndef WINDOW
#define WINDOW 2
#endif
#ifndef DEATHS
#define DEATHS 1
#endif
#define PAIRS	 2
#define EACH	 2 /* messages of a pair */
#define LIMIT	 0
#define SENT	 1 /* count * 16 + number of the lane's last one of this flow */
#define COUNTED	 2 /* handled * 16 + number of the last one */
#define ENTRY	 3 /* pair * 16 + base; 0 = not used yet */
#define LOCS	 4
#include "memory.pml"

chan lane = [8] of { byte, byte }; /* number, pair */
byte published; /* number of the newest: what a successor finds in the slots */
byte put[PAIRS + 1], handled_of[PAIRS + 1];
byte deaths[2];
bool finished[2];

#define MAY_DIE(p)                                              \
	if                                                      \
	:: true                                                 \
	:: deaths[p] < DEATHS -> deaths[p]++; goto dead         \
	fi

proctype sender()
{
	byte k_ = 0, pair = 0, sent = 0, number = 0, limit = 0, value = 0;

dead:
	FENCE(0);
	d_step {
		pair = mem[ENTRY] / 16;
		sent = mem[SENT] / 16;
		number = mem[SENT] % 16;
		if /* died before the skip was counted */
		:: pair && mem[ENTRY] % 16 > sent -> sent = mem[ENTRY] % 16
		:: else
		fi;
#ifndef NO_RECOUNT
		if
		:: published != number -> sent++
		:: else
		fi;
#endif
		number = published
	};
	ST(0, SENT, sent * 16 + number);
	do
	:: pair == PAIRS && put[PAIRS] == EACH -> break
	:: pair == 0 || (pair < PAIRS && put[pair] == EACH) ->
		/* The entry is idle when all of it is counted there. */
		LD(0, COUNTED, value);
		if
		:: pair == 0 || value / 16 == sent
		:: else -> mem[COUNTED] != value; goto again
		fi;
		MAY_DIE(0);
		LD(0, LIMIT, limit);
		sent = limit; /* what is left of it goes back */
		pair++;
		STR(0, ENTRY, pair * 16 + sent);
		MAY_DIE(0);
		ST(0, SENT, sent * 16 + number);
again:
		skip
	:: else ->
		do
		:: LD(0, LIMIT, limit);
			if
			:: limit > sent -> break
			:: else -> mem[LIMIT] != limit
			fi
		od;
		MAY_DIE(0);
		FENCE(0); /* release */
		d_step {
			number++;
			published = number;
			put[pair]++;
			sent++
		};
		lane!number, pair;
		MAY_DIE(0);
		ST(0, SENT, sent * 16 + number);
		MAY_DIE(0)
	od;
	finished[0] = true
}

/* value: the entry */
inline learn()
{
	if
	:: value / 16 != pair && value ->
		pair = value / 16;
#ifndef NO_BASE
		if
		:: value % 16 > handled && value % 16 <= limit ->
			handled = value % 16;
			LD(1, COUNTED, value);
			ST(1, COUNTED, handled * 16 + value % 16)
		:: else
		fi
#endif
	:: else
	fi
}

proctype receiver()
{
	byte k_ = 0, pair = 0, handled = 0, limit = 0, value = 0, number = 0, whose = 0;
	byte all = 0;

dead:
	FENCE(1);
	/* Knows no entry. What was in hand and counted is not taken again. */
	d_step {
#ifdef FROM_LIMIT
		handled = mem[LIMIT];
#else
		handled = mem[COUNTED] / 16;
#endif
		limit = mem[LIMIT];
		pair = 0;
		number = 0;
		whose = 0;
		value = 0
	};
	do
	:: all == PAIRS * EACH -> break
	:: else ->
		/* Something to do: an entry that is not known, a message, credit to be given. */
		(mem[ENTRY] / 16 != pair && mem[ENTRY]) || nempty(lane) ||
			(pair && limit - handled < WINDOW);
		LD(1, ENTRY, value);
		learn();
		/* Gives credit, now or later. */
		if
		:: pair && limit - handled < WINDOW ->
			limit = handled + WINDOW;
			ST(1, LIMIT, limit)
		:: true
		fi;
		assert(limit - handled <= WINDOW);
		MAY_DIE(1);
		if
		:: lane?<number, whose> ->
			if
			:: whose != pair -> LD(1, ENTRY, value); learn()
			:: else
			fi;
			assert(whose == pair); /* the entry was written before */
			assert(limit > handled);
			MAY_DIE(1);
			handled++;
			LD(1, COUNTED, value);
			ST(1, COUNTED, handled * 16 + number);
			/* Counted and taken out of the lane are two steps to recovery; lane.pml has them. */
			atomic {
				lane?number, whose;
				handled_of[whose]++;
				all++
			}
		:: empty(lane)
		fi;
		MAY_DIE(1)
	od;
	finished[1] = true
}

init
{
	byte i = 1;

	atomic {
		run drain(0);
		run drain(1);
		run sender();
		run receiver()
	};
	finished[0] && finished[1];
	do
	:: i <= PAIRS -> assert(put[i] == EACH && handled_of[i] == EACH); i++
	:: else -> break
	od
}
