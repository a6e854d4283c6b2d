/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of a running system tell each other about their lives, in their regions:
 * a worker's control block (read by the supervisor) and the supervisor's own notes (read by its
 * successor). One writer a struct, named at it; single words are stored with release and loaded
 * with acquire, everything before a state word belongs to it.
 */
#ifndef MYC_RUNTIME_SHARED_H
#define MYC_RUNTIME_SHARED_H

#include <stdint.h>

#include "runtime/restart.h"
#include "runtime/topology.h"

enum myc_worker_state {
	MYC_WORKER_NONE = 0,
	MYC_WORKER_STARTING = 1,
	MYC_WORKER_UP = 2,	 /* every actor runs */
	MYC_WORKER_STOPPING = 3, /* was asked to, executors are ending */
	MYC_WORKER_FAILED = 4,	 /* `error` says why; about to exit */
};

/* In the worker's region, MYC_BLOCK_CONTROL. Writer: the worker; beat_ns and exhausted: the thread
 * of that executor. */
struct myc_worker_control {
	uint64_t state; /* incarnation << 8 | enum myc_worker_state */
	uint64_t reserved[7];
	uint64_t beat_ns[MYC_PROCESS_EXECUTORS_MAX];   /* CLOCK_MONOTONIC of a recent turn */
	uint64_t exhausted[MYC_PROCESS_EXECUTORS_MAX]; /* incarnation in which the executor's
							  endpoints came to their end; 0 = not */
	struct myc_error error;			       /* of FAILED */
};

static inline uint64_t myc_worker_word(uint64_t incarnation, enum myc_worker_state state)
{
	return incarnation << 8 | (uint64_t)state;
}

/*
 *	NONE -> FORKING -> STARTING -> UP ---exit--> RESTARTING -> FORKING
 *	           |          |        |                  |
 *	           |          +--exit--+--exit, policy----+--> LEFT --> CLEARING --exit--> ENDED
 *	           +----------+--------+--stop--> STOPPING --> ENDED
 *
 * By LEFT goes what did not end in order: others may wait for its actors, and a caretaker ends that (core/process.h,
 * myc_system_clear).
 */
enum myc_child_state {
	MYC_CHILD_NONE = 0,
	MYC_CHILD_FORKING = 1, /* the holder was asked; `incarnation` is the new one's */
	MYC_CHILD_STARTING = 2,
	MYC_CHILD_UP = 3,
	MYC_CHILD_RESTARTING = 4, /* dead, and to be forked again */
	MYC_CHILD_STOPPING = 5,	  /* SIGTERM was sent */
	MYC_CHILD_ENDED = 6,	  /* dead, and not to be restarted */
	MYC_CHILD_LEFT = 7,	  /* the same, and to be taken care of */
	MYC_CHILD_CLEARING = 8,	  /* `incarnation` is the caretaker's, asked for or running */
};

struct myc_child {
	uint64_t incarnation; /* of the process that the state is about */
	uint64_t state;	      /* enum myc_child_state */
	uint64_t signalled; /* 1 = asked to stop (SIGTERM), 2 = killed by us, of this incarnation */
	uint64_t state_since_ns; /* CLOCK_MONOTONIC */
	uint64_t last_status;	 /* wait(2)'s, of the last exit */
	uint64_t adopted;	 /* times a new supervisor found it running */
	uint64_t stalls;	 /* times an executor missed its lease */
	uint64_t caretakers;	 /* that were asked for, one after the other */
};
_Static_assert(sizeof(struct myc_child) == 64, "layout");

enum myc_phase {
	MYC_PHASE_STARTING = 0, /* first start of the processes, in order */
	MYC_PHASE_RUNNING = 1,
	MYC_PHASE_STOPPING = 2, /* in reverse order */
	MYC_PHASE_STOPPED = 3,	/* every process is gone; the report is due */
};

/* In the supervisor's region, MYC_BLOCK_SUPERVISOR. Writer: the supervisor. */
struct myc_supervisor_notes {
	uint64_t phase;	      /* enum myc_phase */
	uint64_t incarnation; /* of the supervisor, from 1 */
	uint64_t started_ns;  /* of the first one */
	uint64_t repaired;    /* registry rows that a dead predecessor had left half-written */
	uint64_t up;	      /* the launcher was told that the system is up */
	uint64_t stop_phase;  /* of the topology, that ends now: from 1; 0 = not begun */
	uint64_t reserved[2];
	struct myc_restart_window window;
	struct myc_child child[MYC_PROCESSES_MAX];
	struct myc_error error; /* why the system ends; code 0 = it was asked to */
};

#endif
