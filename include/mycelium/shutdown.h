/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ordered shutdown: a system ends in phases. A phase has a name, a deadline, actors that were spawned
 * into it, and tasks.
 *
 *	gateways   no more orders; the open ones are cancelled      5 s
 *	strategies                                                  2 s
 *	books, feeds (no phase: stopped last, as by myc_system_stop)
 *
 * Phases end in the order in which they were declared. Within one: its tasks in the order they were added, then
 * its actors in reverse order of their start, each stopped when the former has ended (or all told at
 * once, in this order). What has not ended at the deadline is killed, and named in the result. An actor that
 * is spawned by another is of the same phase, unless it is given one; one that is spawned into a phase
 * that ends is stopped next, and after the end of the phase refused (-ESHUTDOWN).
 *
 * All functions are called from the controlling thread. Private memory: a process that is killed has no
 * phases; its successor declares its own. Who just dies, or is stopped by others, ends as ever.
 */
#ifndef MYCELIUM_SHUTDOWN_H
#define MYCELIUM_SHUTDOWN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/address.h>
#include <mycelium/error.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_system;

#define MYC_PHASES_MAX	     16
#define MYC_PHASE_TASKS_MAX  16 /* of one phase */
#define MYC_PHASE_NAME_MAX   31
#define MYC_SHUTDOWN_NOTES   32
#define MYC_SHUTDOWN_KILL_MS 1000 /* how long is waited for those that were killed */

struct myc_phase_opts {
	size_t sz;
	const char *name;    /* 1..MYC_PHASE_NAME_MAX bytes, copied */
	uint32_t timeout_ms; /* for its tasks and actors together, 0 = 5000 */
	uint32_t how;	     /* MYC_STOP_DRAIN or MYC_STOP (mycelium/link.h), 0 = MYC_STOP_DRAIN */
	bool together;	     /* its actors are all told at once */
};

/* Declares the next phase; *phase: its number, from 1, for struct myc_spawn_opts. -EINVAL, -EEXIST: the name
 * is another's, -ENOSPC: there are MYC_PHASES_MAX, -ESHUTDOWN: the system is being shut down. */
int myc_system_phase(struct myc_system *system, const struct myc_phase_opts *opts, uint32_t *phase,
		     struct myc_error *error);
/* What is to be done at the beginning of a phase, on a thread of its own that all tasks of the phase share:
 * it may post and call. Not 0: it failed, which is noted. One that is not done at the deadline is noted
 * and left behind: context must outlive it. Errors as above. */
int myc_phase_task(struct myc_system *system, uint32_t phase, const char *name,
		   int (*run)(void *context), void *context, struct myc_error *error);

enum myc_shutdown_what {
	MYC_SHUTDOWN_KILLED = 1, /* an actor was over the deadline, and was killed */
	MYC_SHUTDOWN_STUCK = 2,	 /* ... and is still in a handler after MYC_SHUTDOWN_KILL_MS */
	MYC_SHUTDOWN_LATE = 3,	 /* a task was over the deadline, or had no time left to begin */
	MYC_SHUTDOWN_FAILED = 4, /* a task returned `code` */
};

struct myc_shutdown_note {
	uint32_t what;	/* enum myc_shutdown_what */
	uint32_t phase; /* 0 = those without one */
	int code;
	myc_address actor; /* MYC_NOBODY: a task */
	char name[48];	   /* of the actor or task, "" = unnamed */
};

struct myc_shutdown {
	uint32_t killed, stuck, late, failed;
	uint32_t notes; /* filled; there can be more to note than has room */
	struct myc_shutdown_note note[MYC_SHUTDOWN_NOTES];
};

/*
 * Ends the phases one after the other, then the rest as myc_system_stop(system, timeout_ms) does. `result`
 * may be NULL. 0: all ended in time. -ETIME: the system has ended, but something was killed, late or
 * failed. -ETIMEDOUT: something still runs: an actor that is stuck, or the rest. Once a system.
 */
int myc_system_shutdown(struct myc_system *system, uint32_t timeout_ms,
			struct myc_shutdown *result);
/* Ends one phase only; those before it should have. What was noted is added to *result, not NULL. 0; -ETIME,
 * -ETIMEDOUT as above, of this phase; -ENOENT: there is none; -EALREADY: it was ended. */
int myc_phase_stop(struct myc_system *system, uint32_t phase, struct myc_shutdown *result);

#ifdef __cplusplus
}
#endif
#endif
