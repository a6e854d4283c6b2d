/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The sequence lock of a flow entry (userspace/memory/lane.c). Writer: myc_lane_flow_write, each time for
 * another pair; reader: myc_lane_flow_read, as often as it likes.
 *
 * Holds: what is read with a non-zero epoch was written together.
 * Mutants: NO_RELEASE (the fields' stores, with PSO), NO_ODD.
 */
#define LOCS  4
#define EPOCH 0
#define FROM  1
#define TO    2
#define BASE  3
#ifndef PAIRS
#define PAIRS 3
#endif
#define DEPTH 4
#include "memory.pml"

#ifdef NO_RELEASE
#define FIELD ST
#else
#define FIELD STR
#endif

bool over;

proctype writer()
{
	byte pair = 0, epoch = 0;

	do
	:: pair == PAIRS -> break
	:: else ->
		pair++;
#ifndef NO_ODD
		ST(0, EPOCH, epoch + 1);
#endif
		FIELD(0, FROM, pair);
		FIELD(0, TO, pair);
		FIELD(0, BASE, pair);
		epoch = epoch + 2;
		STR(0, EPOCH, epoch)
	od;
	over = true
}

proctype reader()
{
	byte k_ = 0, epoch = 0, again = 0, from = 0, to = 0, base = 0;

	do
	:: over -> break
	:: true ->
		LD(1, EPOCH, epoch);
		LD(1, FROM, from);
		LD(1, BASE, base);
		LD(1, TO, to);
		LD(1, EPOCH, again);
		if
		:: epoch == again && epoch % 2 == 0 && to != 0 ->
			assert(from == to && base == to)
		:: else
		fi
	od
}

init
{
	atomic {
		run drain(0);
		run drain(1);
		run writer();
		run reader()
	}
}
