/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Actors that wait for one another's credit in a ring: each was paused by a myc_send to the next, none
 * handles anything, so none gives the credit that another waits for. Asks that are awaited (mycelium/ask.h) may be
 * among the waits. Such a ring stays until something breaks it; with more than MYC_CYCLE_MAX actors in
 * it is not found.
 *
 * It is found some 10 to 30 ms after it has closed, wherever its actors are, threads and processes alike, and
 * one of them is concerned by the policy of its system (`cycles` in struct myc_system_opts): the one with the
 * lowest address of those that wait for credit. It is counted in that actor's metrics (`cycles`) and told to
 * the system's `cycle` hook. Then:
 *
 *	MYC_CYCLES_REPORT  nothing more. Told once a pause; all stay paused
 *	MYC_CYCLES_FAIL	   its messages that wait for the next one's credit become dead letters ("closed a cycle
 *			   of spent credit"; an ask among them ends with -EDEADLK), and it goes on
 *	MYC_CYCLES_KILL	   it is killed, as by MYC_STOP_KILL: what it sent and is not in its receiver's mailbox
 *			   yet is still sent; what waits for it becomes dead letters
 *
 * All processes of a system should have the same policy.
 */
#ifndef MYCELIUM_CYCLE_H
#define MYCELIUM_CYCLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/ask.h>

#ifdef __cplusplus
extern "C" {
#endif

enum myc_cycles { MYC_CYCLES_REPORT = 0, MYC_CYCLES_FAIL = 1, MYC_CYCLES_KILL = 2 };

/* address[0] is the actor that is concerned; each waits for the next, the last for the first. */
struct myc_cycle_report {
	struct myc_cycle cycle;
	bool awaits[MYC_CYCLE_MAX]; /* for its reply; else for its credit */
	enum myc_cycles policy;	    /* what happens now */
	uint32_t failed;	    /* messages that become dead letters */
	char name[MYC_CYCLE_MAX]
		 [48]; /* "" = has none, or is of a process that we know no names of */
};

/* Called on the executor's thread, before anything is done. Must not block; no functions of actors. */
typedef void myc_cycle_hook(void *context, const struct myc_cycle_report *report);

/* "pricer waits for credit of book, which awaits risk, which ..." Cut at `size`, always terminated; returns
 * what strlen would without the cut. Unnamed actors are shown by their address. */
size_t myc_cycle_format(const struct myc_cycle_report *report, char *text, size_t size);

#ifdef __cplusplus
}
#endif
#endif
