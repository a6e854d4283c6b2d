/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Dead letters: messages that reached nobody. Each is counted under its reason, and the last 256 of each
 * executor are kept, with who, what and why, where every process of the system, and `myc letters`, can
 * read them; the oldest are overwritten, and counted as missed by who comes too late.
 *
 * An actor that watches gets them as events (MYC_EVENT_DEAD_LETTER, mycelium/link.h), those of all
 * processes. It has no mailbox of them: it reads what is kept, some at a time and while it may
 * handle messages, so it cannot be flooded, costs nobody anything, and needs no credit. Letters from or to
 * itself it does not get: telling of them may make no new ones.
 *
 * Who sends to one that is known to be gone gets -ESRCH; that is no dead letter. What a killed process had in
 * its hand is one (MYC_DEAD_LETTER_IN_DOUBT); what is kept survives it.
 */
#ifndef MYCELIUM_LETTER_H
#define MYCELIUM_LETTER_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/address.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_actor;
struct myc_system;

#define MYC_LETTER_WATCHERS_MAX 8 /* of one executor */

struct myc_letter {
	uint64_t time_ns; /* CLOCK_MONOTONIC */
	myc_address from; /* MYC_NOBODY: a plain thread, or not known (signals, late replies) */
	myc_address to;	  /* MYC_NOBODY: not known */
	uint32_t size;	  /* bytes of payload */
	uint16_t type;	  /* from 0xff00 on: of the framework */
	uint8_t why;	  /* enum myc_dead_letter, mycelium/abi/lane.h */
	uint8_t flags;	  /* enum myc_message_flag */
	bool asked;	  /* somebody waited for a reply; he is told */
	uint32_t process, executor; /* that noted it */
	uint64_t missed;	    /* of this executor, before it: overwritten unseen */
};

/* "its actor is gone", ...; "?" for one that is not known. */
const char *myc_letter_why(uint32_t why);

/* From now on it gets those that come. Until it ends or is restarted in place. -EINVAL: its behaviour has no
 * signal handler; -ENOSPC: MYC_LETTER_WATCHERS_MAX actors of its executor do; -ENOMEM. False: no more. */
int myc_letters_watch(struct myc_actor *self, bool on);

/* The newest of all processes, oldest first: at most `max` into letters. Returns how many. Any thread. */
uint32_t myc_letters_recent(const struct myc_system *system, struct myc_letter *letters,
			    uint32_t max);

#ifdef __cplusplus
}
#endif
#endif
