/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A running system's processes:
 *
 *	launcher (myc run)        outermost parent; starts the holder, again when it dies (cold start)
 *	  holder                  owns every kernel object; forks, reaps, reports; no policy
 *	    supervisor            policy: starts in order, restarts, stops; the registry's writer
 *	    worker, worker, ...   actors; no kernel object, no privilege
 *
 * struct myc_run is made by the launcher, completed by the holder and inherited by fork.
 */
#ifndef MYC_RUNTIME_RUN_H
#define MYC_RUNTIME_RUN_H

#include <stdbool.h>
#include <sys/types.h>

#include "runtime/layout.h"

#define MYC_RUN_DIR_MAX 96

struct myc_run_opts {
	bool until_exhausted; /* stop in order when every endpoint came to its end */
	char *report;	      /* path of the final report, or NULL */
};

struct myc_run {
	struct myc_run_opts opts;
	struct myc_topology *topology;
	struct myc_layout *layout;
	char dir[MYC_RUN_DIR_MAX]; /* control socket; mode 0700 */
	int dir_fd;		   /* locked by launcher and holder: the name is taken */
	int launcher_fd;	   /* struct myc_run_news to the launcher */
	int log_fd;
	uint32_t cold_starts;
	/* The holder's. */
	int region_fd[MYC_REGIONS_MAX];
	int bell_fd[MYC_PROCESSES_MAX]
		   [MYC_PROCESS_EXECUTORS_MAX + MYC_THREADS_MAX]; /* see struct myc_workspace */
	int notify_fd; /* eventfd: "a control block has changed", workers to supervisor */
	struct myc_program *program;
	struct myc_exit_watch *exit_watch; /* NULL = none; not the children's, who close it */
	char deaths_seen[384]; /* the receipt: by whom, and why not better; "" = no program */
	struct myc_dataplane *dataplane;
};

/* What the launcher is told, by the holder. */
struct myc_run_news {
	enum myc_news { MYC_NEWS_UP = 1, MYC_NEWS_ENDED = 2 } kind;
	struct myc_error error; /* of ENDED: code 0 = as asked */
};

static inline uint32_t myc_run_processes(const struct myc_run *run)
{
	return run->topology->processes;
}

/* Exit code of a tool for an error: 2 bad input, 3 missing privilege or kernel feature, 4 resource
 * or name taken, 1 other, 0 for 0. */
int myc_exit_code(int code);

/* ---- the four processes ---------------------------------------------------------------------- */

/* Takes the system's name, starts it and returns when it has ended: 0 as asked, or -errno with
 * the error. `up` is called once the system is up (again after a cold start), may be NULL. */
int myc_launch(struct myc_run *run, void (*up)(void *context), void *context,
	       struct myc_error *error);

/* Each runs in a process of its own right after fork, and does not return. */
_Noreturn void myc_holder_main(struct myc_run *run);
_Noreturn void myc_supervisor_main(struct myc_run *run, int holder_fd, uint64_t incarnation);
/* care: it has no actors, and takes care of what is left of a process that has ended for good (core/process.h). */
_Noreturn void myc_worker_main(struct myc_run *run, uint32_t process, uint64_t incarnation,
			       bool care);

#endif
