/* SPDX-License-Identifier: Apache-2.0 */
/* One child of the supervisor; its states are drawn in shared.h. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "memory/order.h"
#include "runtime/supervisor.h"
#include "runtime/order.h"

#define START_NS       (15000 * MYC_NS_PER_MS) /* from fork to "up" */
#define CARETAKERS_MAX 3		       /* that may die at it, before it is given up */

static const struct myc_topology_process *topology_of(const struct myc_supervisor *supervisor,
						      uint32_t process)
{
	return &supervisor->run->topology->process[process];
}

static void set_child(struct myc_child *child, enum myc_child_state state)
{
	__atomic_store_n(&child->state_since_ns, myc_clock_ns(), __ATOMIC_RELAXED);
	__atomic_store_n(&child->state, state, __ATOMIC_RELEASE);
}

/* The rows of the process' actors; restarts come from the incarnation, so repeating is harmless. */
static void set_rows(struct myc_supervisor *supervisor, uint32_t process, enum myc_row_state state,
		     uint64_t incarnation)
{
	for (uint32_t a = 0; a < topology_of(supervisor, process)->actors; a++)
		myc_registry_set_state(&supervisor->view.registry,
				       supervisor->run->layout->row[process][a], state,
				       (uint32_t)(incarnation - 1));
}

bool myc_child_runs(const struct myc_child *child)
{
	return child->state == MYC_CHILD_FORKING || child->state == MYC_CHILD_STARTING ||
	       child->state == MYC_CHILD_UP || child->state == MYC_CHILD_STOPPING ||
	       child->state == MYC_CHILD_CLEARING;
}

/* Is there anybody who may wait for this one's actors? */
static bool others_run(const struct myc_supervisor *supervisor, uint32_t process)
{
	for (uint32_t p = 0; p < myc_run_processes(supervisor->run); p++) {
		const struct myc_child *child = &supervisor->notes->child[p];

		if (p != process && child->state != MYC_CHILD_CLEARING &&
		    (myc_child_runs(child) || child->state == MYC_CHILD_RESTARTING))
			return true;
	}
	return false;
}

static void ask_for(struct myc_supervisor *supervisor, uint32_t process, enum myc_child_state state)
{
	struct myc_child *child = &supervisor->notes->child[process];
	struct myc_holder_message message = {
		.kind = state == MYC_CHILD_CLEARING ? MYC_HOLDER_CLEAR : MYC_HOLDER_FORK,
		.process = process,
		.incarnation = supervisor->view.registry.processes[process].incarnation + 1,
	};

	child->incarnation = message.incarnation;
	child->signalled = 0;
	set_child(child, state);
	/* A holder that cannot be told is gone, and we with it. */
	myc_holder_send(supervisor->holder_fd, &message, -1);
}

void myc_child_fork(struct myc_supervisor *supervisor, uint32_t process)
{
	if (myc_clock_ns() < supervisor->retry_ns[process])
		return;
	set_rows(supervisor, process, MYC_ROW_STARTING,
		 supervisor->view.registry.processes[process].incarnation + 1);
	ask_for(supervisor, process, MYC_CHILD_FORKING);
}

void myc_child_clear(struct myc_supervisor *supervisor, uint32_t process)
{
	struct myc_child *child = &supervisor->notes->child[process];

	if (!others_run(supervisor, process)) {
		set_child(child, MYC_CHILD_ENDED);
		return;
	}
	if (myc_clock_ns() < supervisor->retry_ns[process])
		return;
	child->caretakers++;
	ask_for(supervisor, process, MYC_CHILD_CLEARING);
}

/* The registry learns of an incarnation once, whoever of the supervisors tells it. */
static void note_incarnation(struct myc_supervisor *supervisor, uint32_t process,
			     uint64_t incarnation, int pid)
{
	const struct myc_topology_process *topology = topology_of(supervisor, process);
	struct myc_process_row *row = &supervisor->view.registry.processes[process];
	uint64_t caretakers = supervisor->notes->child[process].caretakers;

	if (row->incarnation >= incarnation)
		return;
	myc_process_started(&supervisor->view.registry, process, topology->name, (uint32_t)pid,
			    topology->executors, myc_clock_ns());
	if (caretakers) /* which are no restarts */
		__atomic_store_n(&row->restarts, (uint32_t)(incarnation - 1 - caretakers),
				 __ATOMIC_RELAXED);
}

void myc_child_running(struct myc_supervisor *supervisor, uint32_t process, uint64_t incarnation,
		       int pid, int pidfd)
{
	struct myc_child *child = &supervisor->notes->child[process];

	if (supervisor->pidfd[process] >= 0)
		close(supervisor->pidfd[process]);
	supervisor->pidfd[process] = pidfd;
	note_incarnation(supervisor, process, incarnation, pid);
	if (!supervisor->told && child->state != MYC_CHILD_FORKING) {
		child->adopted++;
		myc_log_info("adopted process '%s', pid %d", topology_of(supervisor, process)->name,
			     pid);
		return;
	}
	child->incarnation = incarnation;
	if (child->state != MYC_CHILD_CLEARING)
		set_child(child, MYC_CHILD_STARTING);
}

/* Why it ended, as the worker wrote it, if it is this incarnation's. */
static void last_words(const struct myc_supervisor *supervisor, uint32_t process,
		       uint64_t incarnation, char *out, size_t size)
{
	const struct myc_worker_control *control = myc_view_control(&supervisor->view, process);
	struct myc_error error;

	out[0] = '\0';
	if (!control || __atomic_load_n(&control->state, __ATOMIC_ACQUIRE) !=
				myc_worker_word(incarnation, MYC_WORKER_FAILED))
		return;
	error = control->error;
	myc_order_copied(&error);
	error.cause[sizeof(error.cause) - 1] = '\0';
	error.doing[sizeof(error.doing) - 1] = '\0';
	error.remedy[sizeof(error.remedy) - 1] = '\0';
	myc_error_format(&error, out, size);
}

/* "exit code 1: cause", "signal 9" */
static void describe(const struct myc_supervisor *supervisor, uint32_t process,
		     uint64_t incarnation, int status, char *out, size_t size)
{
	char words[640];

	last_words(supervisor, process, incarnation, words, sizeof(words));
	if (WIFSIGNALED(status))
		snprintf(out, size, "signal %d (%s)", WTERMSIG(status),
			 strsignal(WTERMSIG(status)));
	else
		snprintf(out, size, "exit code %d%s%s", WEXITSTATUS(status), words[0] ? ": " : "",
			 words);
}

/* It is not started again. Others may wait for its actors, unless it ended in order. */
static void set_ended(struct myc_supervisor *supervisor, uint32_t process, int status)
{
	struct myc_child *child = &supervisor->notes->child[process];
	const struct myc_worker_control *control = myc_view_control(&supervisor->view, process);
	bool in_order = !status && control &&
			__atomic_load_n(&control->state, __ATOMIC_ACQUIRE) ==
				myc_worker_word(child->incarnation, MYC_WORKER_STOPPING);

	set_child(child, in_order || child->caretakers || !others_run(supervisor, process)
				 ? MYC_CHILD_ENDED
				 : MYC_CHILD_LEFT);
}

static void caretaker_ended(struct myc_supervisor *supervisor, uint32_t process, int status,
			    const char *how)
{
	struct myc_child *child = &supervisor->notes->child[process];

	if (!status) {
		set_child(child, MYC_CHILD_ENDED);
		return;
	}
	bool again =
		supervisor->notes->phase < MYC_PHASE_STOPPING && child->caretakers < CARETAKERS_MAX;

	myc_log_warn("the caretaker of process '%s' ended: %s; %s",
		     topology_of(supervisor, process)->name, how,
		     again ? "another one is asked for"
			   : "who waits for its actors goes on waiting");
	set_child(child, again ? MYC_CHILD_LEFT : MYC_CHILD_ENDED);
}

static void decide(struct myc_supervisor *supervisor, uint32_t process, int status, const char *how)
{
	const struct myc_topology_process *topology = topology_of(supervisor, process);
	struct myc_supervisor_notes *notes = supervisor->notes;
	struct myc_child *child = &notes->child[process];
	enum myc_process_exit reason =
		myc_exit_reason_of(status, child->signalled >= 1, child->signalled == 2);

	if (myc_exit_decide(topology->restart, reason) != MYC_DECIDE_RESTART) {
		myc_log_info("process '%s' ended: %s, %s; not restarted", topology->name,
			     myc_exit_reason_name(reason), how);
		set_ended(supervisor, process, status);
		return;
	}
	if (myc_restart_allowed(&notes->window, &supervisor->run->topology->limit, process,
				child->incarnation, myc_clock_ns())) {
		myc_log_warn("process '%s' ended: %s, %s; restarting", topology->name,
			     myc_exit_reason_name(reason), how);
		set_child(child, MYC_CHILD_RESTARTING);
		return;
	}
	struct myc_error error;
	myc_error_set(&error, -ECANCELED, "see the log for why; or raise supervisor.intensity",
		      "process '%s' ended: %s; more than %u restarts in %u s", topology->name, how,
		      supervisor->run->topology->limit.intensity,
		      (unsigned)(supervisor->run->topology->limit.period_ns / 1000000000u));
	set_ended(supervisor, process, status);
	myc_supervisor_stop(supervisor, &error);
}

void myc_child_exited(struct myc_supervisor *supervisor, uint32_t process, uint64_t incarnation,
		      int status)
{
	struct myc_child *child = &supervisor->notes->child[process];
	char how[768];

	bool care = child->state == MYC_CHILD_CLEARING;

	if (incarnation < child->incarnation && (care || child->state == MYC_CHILD_FORKING) &&
	    !supervisor->told) {
		/* A predecessor asked for a fork that never came to be. */
		set_child(child, care ? MYC_CHILD_LEFT : MYC_CHILD_RESTARTING);
		return;
	}
	if (!incarnation || incarnation != child->incarnation || !myc_child_runs(child))
		return;
	bool was_up = child->state == MYC_CHILD_UP || child->state == MYC_CHILD_STOPPING;

	note_incarnation(supervisor, process, incarnation, 0);
	myc_process_dead(&supervisor->view.registry, process);
	if (!child->caretakers)
		set_rows(supervisor, process, MYC_ROW_DOWN, incarnation);
	if (supervisor->pidfd[process] >= 0)
		close(supervisor->pidfd[process]);
	supervisor->pidfd[process] = -1;
	child->last_status = (uint64_t)(uint32_t)status;
	describe(supervisor, process, incarnation, status, how, sizeof(how));
	if (care) {
		caretaker_ended(supervisor, process, status, how);
		return;
	}
	if (supervisor->notes->phase == MYC_PHASE_STOPPING) {
		if (status)
			myc_log_warn("process '%s' ended while stopping: %s",
				     topology_of(supervisor, process)->name, how);
		set_ended(supervisor, process, status);
		return;
	}
	if (supervisor->notes->phase == MYC_PHASE_STARTING && !was_up && incarnation == 1) {
		struct myc_error error;

		set_ended(supervisor, process, status);
		myc_error_set(&error, -ECHILD, NULL, "process '%s' did not start: %s",
			      topology_of(supervisor, process)->name, how);
		myc_supervisor_stop(supervisor, &error);
		return;
	}
	decide(supervisor, process, status, how);
}

void myc_child_signal(struct myc_supervisor *supervisor, uint32_t process, int signal)
{
	struct myc_child *child = &supervisor->notes->child[process];

	child->signalled = signal == SIGKILL ? 2 : 1;
	if (supervisor->pidfd[process] >= 0)
		syscall(SYS_pidfd_send_signal, supervisor->pidfd[process], signal, NULL, 0);
}

void myc_child_order(struct myc_supervisor *supervisor, uint32_t process)
{
	if (supervisor->pidfd[process] >= 0)
		syscall(SYS_pidfd_send_signal, supervisor->pidfd[process], MYC_ORDER_SIGNAL, NULL,
			0);
}

static void look_at_beats(struct myc_supervisor *supervisor, uint32_t process, uint64_t now_ns)
{
	const struct myc_worker_control *control = myc_view_control(&supervisor->view, process);
	uint64_t lease_ns = supervisor->run->topology->lease_ms * MYC_NS_PER_MS;

	for (uint32_t e = 0; e < topology_of(supervisor, process)->executors; e++) {
		uint64_t beat = __atomic_load_n(&control->beat_ns[e], __ATOMIC_ACQUIRE);
		bool stalled = now_ns > beat && now_ns - beat > lease_ns;

		if (stalled && !supervisor->stalled[process][e]) {
			supervisor->notes->child[process].stalls++;
			myc_log_warn("process '%s': executor %u has not ended its turn for %u ms",
				     topology_of(supervisor, process)->name, e,
				     (unsigned)((now_ns - beat) / MYC_NS_PER_MS));
		}
		supervisor->stalled[process][e] = stalled;
	}
}

void myc_child_look(struct myc_supervisor *supervisor, uint32_t process, uint64_t now_ns)
{
	const struct myc_worker_control *control = myc_view_control(&supervisor->view, process);
	struct myc_child *child = &supervisor->notes->child[process];

	if (!control)
		return;
	if (child->state == MYC_CHILD_UP) {
		look_at_beats(supervisor, process, now_ns);
		return;
	}
	if (child->state != MYC_CHILD_STARTING)
		return;
	if (__atomic_load_n(&control->state, __ATOMIC_ACQUIRE) ==
	    myc_worker_word(child->incarnation, MYC_WORKER_UP)) {
		set_rows(supervisor, process, MYC_ROW_UP, child->incarnation);
		memset(supervisor->stalled[process], 0, sizeof(supervisor->stalled[process]));
		set_child(child, MYC_CHILD_UP);
		myc_log_info("process '%s' is up, pid %u", topology_of(supervisor, process)->name,
			     supervisor->view.registry.processes[process].pid);
		return;
	}
	if (now_ns > child->state_since_ns && now_ns - child->state_since_ns > START_NS &&
	    child->signalled != 2) {
		myc_log_warn("process '%s' is not up after %u s: killed",
			     topology_of(supervisor, process)->name,
			     (unsigned)(START_NS / 1000 / MYC_NS_PER_MS));
		myc_child_signal(supervisor, process, SIGKILL);
	}
}
