/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/restart.h"

#include <sys/wait.h>

#define RING (MYC_INTENSITY_MAX + 1)

enum myc_process_exit myc_exit_reason_of(int status, bool asked, bool killed)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return asked ? MYC_PROCESS_EXIT_SHUTDOWN : MYC_PROCESS_EXIT_NORMAL;
	if (killed && WIFSIGNALED(status) && WTERMSIG(status) == 9)
		return MYC_PROCESS_EXIT_KILLED;
	return MYC_PROCESS_EXIT_ABNORMAL;
}

const char *myc_exit_reason_name(enum myc_process_exit reason)
{
	static const char *const names[] = {"normal", "shutdown", "abnormal", "killed"};

	return (unsigned)reason < sizeof(names) / sizeof(*names) ? names[reason] : "unknown";
}

enum myc_exit_decision myc_exit_decide(enum myc_restart restart, enum myc_process_exit reason)
{
	bool ordinary = reason == MYC_PROCESS_EXIT_NORMAL || reason == MYC_PROCESS_EXIT_SHUTDOWN;

	if (restart == MYC_TEMPORARY)
		return MYC_DECIDE_REMOVE;
	if (restart == MYC_TRANSIENT && ordinary)
		return MYC_DECIDE_KEEP;
	return MYC_DECIDE_RESTART;
}

bool myc_restart_allowed(struct myc_restart_window *window, const struct myc_restart_limit *limit,
			 uint32_t process, uint64_t incarnation, uint64_t now_ns)
{
	uint64_t last = (window->count + RING - 1) % RING;
	uint32_t in_period = 0;

	if (!window->count || window->restart[last].process != process ||
	    window->restart[last].incarnation != (uint32_t)incarnation) {
		uint64_t at = window->count % RING;

		window->restart[at].at_ns = now_ns;
		window->restart[at].process = process;
		window->restart[at].incarnation = (uint32_t)incarnation;
		/* The entry counts with this store; dying before it, it is written again. */
		__atomic_store_n(&window->count, window->count + 1, __ATOMIC_RELEASE);
	}
	for (uint64_t i = 0; i < RING && i < window->count; i++)
		in_period += now_ns - window->restart[i].at_ns <= limit->period_ns;
	return in_period <= limit->intensity;
}
