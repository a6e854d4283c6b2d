/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sleeping and waking (userspace/core/wake.h). The waker is myc_sender_put and myc_sender_wake: publish
 * (slot.sequence, release), myc_wake_fence, myc_wake_needed, ring. The sleeper is sleep_a_while:
 * myc_sleep_announce (asleep, relaxed, then the fence), anything_there, ppoll, myc_sleep_end.
 * The bell is an eventfd: the kernel's, no store buffer.
 *
 * Holds: no end state but with everything handled, which is that nobody sleeps on.
 * Mutants: NO_FENCE_WAKER, NO_FENCE_SLEEPER.
 */
#define LOCS	2
#define SEQ	0
#define ASLEEP	1
#ifndef MESSAGES
#define MESSAGES 3
#endif
#include "memory.pml"

#ifdef NO_FENCE_WAKER
#define WAKE_FENCE skip
#else
#define WAKE_FENCE FENCE(0)
#endif
#ifdef NO_FENCE_SLEEPER
#define SLEEP_FENCE skip
#else
#define SLEEP_FENCE FENCE(1)
#endif

bool bell;

proctype waker()
{
	byte k_ = 0, m = 0, now = 0, rung = 0;

	do
	:: m == MESSAGES -> break
	:: else ->
		m++;
		STR(0, SEQ, m);
		if /* several may go before the end of the turn */
		:: m < MESSAGES
		:: true ->
			WAKE_FENCE;
			LD(0, ASLEEP, now);
			if
			:: now % 2 == 1 && now != rung -> rung = now; bell = true
			:: else
			fi
		fi
	od;
	WAKE_FENCE;
	LD(0, ASLEEP, now);
	if
	:: now % 2 == 1 && now != rung -> bell = true
	:: else
	fi
}

proctype sleeper()
{
	byte k_ = 0, handled = 0, seq = 0, asleep = 0;

	do
	:: handled == MESSAGES -> break
	:: else ->
		LD(1, SEQ, seq);
		if
		:: seq > handled -> handled++
		:: else ->
			asleep = asleep + 1;
			ST(1, ASLEEP, asleep);
			SLEEP_FENCE;
			LD(1, SEQ, seq);
			if
			:: seq > handled
			:: else -> bell; bell = false /* ppoll, read */
			fi;
			asleep = asleep + 1;
			ST(1, ASLEEP, asleep)
		fi
	od
}

init
{
	atomic {
		run drain(0);
		run drain(1);
		run waker();
		run sleeper()
	}
}
