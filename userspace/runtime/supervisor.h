/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor's state, shared by its files: supervisor.c (life, loop), supervisor_child.c (one
 * child: fork, up, exit), supervisor_stop.c (until exhausted, orderly stop, final report).
 *
 * One thread. What must survive it lies in struct myc_supervisor_notes: every step is noted before
 * or after it is done in such an order that doing it again is harmless.
 */
#ifndef MYC_RUNTIME_SUPERVISOR_H
#define MYC_RUNTIME_SUPERVISOR_H

#include "runtime/control.h"
#include "runtime/holder.h"
#include "runtime/view.h"

#define MYC_NS_PER_MS 1000000ull

/* An order that a worker is carrying out; number 0: none. */
struct myc_order_wait {
	uint64_t number, until_ns;
	uint32_t what;
	int client; /* of the control socket, who gets the answer; -1: of a stop's phase */
	bool json;  /* the answer is to be JSON (holders) */
};

struct myc_supervisor {
	struct myc_run *run;
	struct myc_view view;
	struct myc_supervisor_notes *notes;
	struct myc_control control;
	int holder_fd;
	bool told;			      /* the holder has said what runs */
	int pidfd[MYC_PROCESSES_MAX];	      /* -1 = none */
	uint64_t retry_ns[MYC_PROCESSES_MAX]; /* not before: the holder could not fork */
	bool stalled[MYC_PROCESSES_MAX][MYC_PROCESS_EXECUTORS_MAX];
	struct myc_order_wait order[MYC_PROCESSES_MAX];
	uint64_t stop_phase_given;	    /* the phase that the workers were told to end */
	struct myc_text late;		    /* who was, in a stop's phases */
	uint64_t quiet_sum, quiet_since_ns; /* messages handled when last looked; unchanged since */
	uint64_t steered_off_ns;	    /* when the program was detached; 0 = not yet */
};

static inline void myc_phase_set(struct myc_supervisor *supervisor, enum myc_phase phase)
{
	__atomic_store_n(&supervisor->notes->phase, phase, __ATOMIC_RELEASE);
}

/* ---- one child (supervisor_child.c) ---------------------------------------------------------- */

bool myc_child_runs(const struct myc_child *child);
/* Asks the holder for the next incarnation. */
void myc_child_fork(struct myc_supervisor *supervisor, uint32_t process);
/* Asks for a caretaker of what is left of it. */
void myc_child_clear(struct myc_supervisor *supervisor, uint32_t process);
/* The holder says: this one runs (pidfd is taken over), or this was its end. */
void myc_child_running(struct myc_supervisor *supervisor, uint32_t process, uint64_t incarnation,
		       int pid, int pidfd);
void myc_child_exited(struct myc_supervisor *supervisor, uint32_t process, uint64_t incarnation,
		      int status);
/* Has a starting child come up, or waited too long? Has an executor missed its lease? */
void myc_child_look(struct myc_supervisor *supervisor, uint32_t process, uint64_t now_ns);
void myc_child_signal(struct myc_supervisor *supervisor, uint32_t process, int signal);
/* There is an order for it. */
void myc_child_order(struct myc_supervisor *supervisor, uint32_t process);

/* ---- orders (supervisor_order.c) ------------------------------------------------------------- */

enum myc_order_asked { MYC_ORDER_NONE, MYC_ORDER_ANSWERED, MYC_ORDER_AWAITED };
/* A line of the control socket that is an order: it is given, and awaited; or there is an answer. */
enum myc_order_asked myc_supervisor_order(struct myc_supervisor *supervisor, const char *line,
					  struct myc_text *answer);
/* Answers those whose order was carried out, or cannot be any more. */
void myc_supervisor_orders_step(struct myc_supervisor *supervisor, uint64_t now_ns);
/* Of a stop: the phases, one after the other in all processes. True when all are over. */
bool myc_supervisor_phases_step(struct myc_supervisor *supervisor, uint64_t now_ns);

/* ---- the end (supervisor_stop.c) ------------------------------------------------------------- */

/* From now on the system stops; error NULL = as asked. The first reason stays. */
void myc_supervisor_stop(struct myc_supervisor *supervisor, const struct myc_error *error);
/* Steer off, drain, then the children in reverse order of start. True when all are gone. */
bool myc_supervisor_stop_step(struct myc_supervisor *supervisor, uint64_t now_ns);
/* Have all endpoints come to their end, and the actors to rest? */
bool myc_supervisor_exhausted(struct myc_supervisor *supervisor, uint64_t now_ns);
/* Writes the report, answers those who wait, tells the holder to let go. */
void myc_supervisor_finish(struct myc_supervisor *supervisor);

#endif
