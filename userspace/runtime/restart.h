/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Restart rules of a supervisor: Erlang/OTP's one_for_one. Pure functions over a window that lies
 * in the supervisor's region, so that its successor counts on where it stopped.
 *
 *	reason \ restart   permanent   transient   temporary
 *	normal, shutdown   restart     keep        remove
 *	abnormal, killed   restart     restart     remove
 */
#ifndef MYC_RUNTIME_RESTART_H
#define MYC_RUNTIME_RESTART_H

#include <stdbool.h>
#include <stdint.h>

enum myc_restart { MYC_PERMANENT = 0, MYC_TRANSIENT = 1, MYC_TEMPORARY = 2 };

enum myc_process_exit {
	MYC_PROCESS_EXIT_NORMAL = 0,   /* exit code 0, not asked */
	MYC_PROCESS_EXIT_SHUTDOWN = 1, /* asked to stop, and obeyed */
	MYC_PROCESS_EXIT_ABNORMAL = 2, /* a signal, or a code that is not 0 */
	MYC_PROCESS_EXIT_KILLED = 3,   /* SIGKILL by its supervisor */
};

/* From wait(2)'s status. asked: SIGTERM was sent by the supervisor; killed: SIGKILL was. */
enum myc_process_exit myc_exit_reason_of(int status, bool asked, bool killed);
const char *myc_exit_reason_name(enum myc_process_exit reason);

enum myc_exit_decision {
	MYC_DECIDE_RESTART, /* and report */
	MYC_DECIDE_KEEP,    /* the child stays known, without a process */
	MYC_DECIDE_REMOVE,
};

enum myc_exit_decision myc_exit_decide(enum myc_restart restart, enum myc_process_exit reason);

#define MYC_INTENSITY_MAX 1000

struct myc_restart_limit {
	uint32_t intensity; /* restarts allowed within the period; 0 = the first death ends all */
	uint64_t period_ns;
};

/* The newest restarts, a ring. Writer: the supervisor. Zeroed = none yet. */
struct myc_restart_window {
	uint64_t count; /* of all restarts ever; the next one's place is count mod the ring */
	struct {
		uint64_t at_ns; /* CLOCK_MONOTONIC */
		uint32_t process;
		uint32_t incarnation; /* that ended (low bits): tells a repetition from news */
	} restart[MYC_INTENSITY_MAX + 1];
	uint64_t reserved;
};

/* Notes a restart attempt of `process`, whose `incarnation` ended. The same pair twice in a row is
 * noted once: a successor may repeat what its predecessor was doing. True while within the limit. */
bool myc_restart_allowed(struct myc_restart_window *window, const struct myc_restart_limit *limit,
			 uint32_t process, uint64_t incarnation, uint64_t now_ns);

#endif
