/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/process.h"
#include "runtime/report.h"
#include "runtime/report_read.h"
#include "runtime/supervisor.h"

#define QUIET_NS (100 * MYC_NS_PER_MS) /* without a message handled: the actors are at rest */
#define DRAIN_NS (500 * MYC_NS_PER_MS) /* for what is in the rings when steering ends */

/* ---- until exhausted ------------------------------------------------------------------------- */

static bool process_exhausted(const struct myc_supervisor *supervisor, uint32_t process)
{
	const struct myc_topology_process *topology = &supervisor->run->topology->process[process];
	const struct myc_child *child = &supervisor->notes->child[process];
	const struct myc_worker_control *control = myc_view_control(&supervisor->view, process);

	if (child->state >= MYC_CHILD_ENDED)
		return true;
	for (uint32_t a = 0; a < topology->actors; a++)
		if (topology->actor[a].feeds &&
		    (!control || __atomic_load_n(&control->exhausted[topology->actor[a].executor],
						 __ATOMIC_ACQUIRE) != child->incarnation))
			return false;
	return true;
}

/* Messages may still be on their way between actors: at rest when none was handled for a while. */
static bool at_rest(struct myc_supervisor *supervisor, uint64_t now_ns)
{
	uint64_t sum = 1;

	for (uint32_t p = 0; p < myc_run_processes(supervisor->run); p++)
		for (uint32_t a = 0; a < supervisor->run->topology->process[p].actors; a++) {
			struct myc_actor_metrics metrics;

			myc_read_actor(&supervisor->view, p, a, &metrics, NULL);
			sum += metrics.messages;
		}
	if (sum != supervisor->quiet_sum) {
		supervisor->quiet_sum = sum;
		supervisor->quiet_since_ns = now_ns;
	}
	return now_ns - supervisor->quiet_since_ns >= QUIET_NS;
}

bool myc_supervisor_exhausted(struct myc_supervisor *supervisor, uint64_t now_ns)
{
	for (uint32_t p = 0; p < myc_run_processes(supervisor->run); p++)
		if (!process_exhausted(supervisor, p))
			return false;
	return at_rest(supervisor, now_ns);
}

/* ---- stopping -------------------------------------------------------------------------------- */

void myc_supervisor_stop(struct myc_supervisor *supervisor, const struct myc_error *error)
{
	if (supervisor->notes->phase >= MYC_PHASE_STOPPING)
		return;
	if (error) {
		supervisor->notes->error = *error;
		char text[1024];
		myc_error_format(error, text, sizeof(text));
		myc_log_error("%s; stopping", text);
	} else {
		myc_log_info("stopping");
	}
	myc_phase_set(supervisor, MYC_PHASE_STOPPING);
}

/* No new packets, then the rings run empty; only then the workers go. True when that is done. */
static bool steered_off(struct myc_supervisor *supervisor, uint64_t now_ns)
{
	struct myc_run *run = supervisor->run;
	struct myc_ledger ledger;

	if (!run->program)
		return true;
	if (!supervisor->steered_off_ns) {
		struct myc_error error = {0};
		char text[1024];

		supervisor->steered_off_ns = now_ns;
		if (myc_program_detach(run->program, &error)) {
			myc_error_format(&error, text, sizeof(text));
			myc_log_warn("%s", text);
		}
	}
	if (now_ns - supervisor->steered_off_ns > DRAIN_NS)
		return true;
	return !myc_dataplane_ledger(run->dataplane, supervisor->view.region,
				     supervisor->view.processes, &ledger) &&
	       !ledger.in_rx;
}

bool myc_supervisor_stop_step(struct myc_supervisor *supervisor, uint64_t now_ns)
{
	if (!steered_off(supervisor, now_ns) || !myc_supervisor_phases_step(supervisor, now_ns))
		return false;
	for (uint32_t p = myc_run_processes(supervisor->run); p-- > 0;) {
		struct myc_child *child = &supervisor->notes->child[p];
		uint64_t shutdown_ns =
			supervisor->run->topology->process[p].shutdown_ms * MYC_NS_PER_MS;

		if (child->state == MYC_CHILD_LEFT)
			return false;
		if (!myc_child_runs(child))
			continue;
		/* The holder answers a fork that was asked for before anything else. */
		if (child->state == MYC_CHILD_FORKING ||
		    (child->state == MYC_CHILD_CLEARING && supervisor->pidfd[p] < 0))
			return false;
		if (child->state != MYC_CHILD_STOPPING) {
			myc_child_signal(supervisor, p, SIGTERM);
			child->state_since_ns = now_ns;
			__atomic_store_n(&child->state, MYC_CHILD_STOPPING, __ATOMIC_RELEASE);
		} else if (now_ns - child->state_since_ns > shutdown_ns && child->signalled != 2) {
			myc_log_warn("process '%s' did not stop within %u ms: killed",
				     supervisor->run->topology->process[p].name,
				     supervisor->run->topology->process[p].shutdown_ms);
			myc_child_signal(supervisor, p, SIGKILL);
		}
		return false;
	}
	return true;
}

/* ---- the end --------------------------------------------------------------------------------- */

/* Beside its place first, so that a reader never sees half of it. */
static void write_report(const struct myc_supervisor *supervisor)
{
	const char *path = supervisor->run->opts.report;
	struct myc_text text = {0};
	char *beside;

	if (!path || asprintf(&beside, "%s.new", path) < 0)
		return;
	myc_report_json(supervisor->run, &supervisor->view, &text);
	FILE *file = fopen(beside, "we");
	bool ok = file && fwrite(myc_text_string(&text), 1, text.size, file) == text.size;
	if (file && fclose(file))
		ok = false;
	if (!ok || rename(beside, path))
		myc_log_error("writing the report %s: %s", path, strerror(errno));
	free(beside);
	myc_text_free(&text);
}

void myc_supervisor_finish(struct myc_supervisor *supervisor)
{
	struct myc_holder_message release = {
		.kind = MYC_HOLDER_RELEASE,
		.error = supervisor->notes->error,
	};
	struct myc_text answer = {0};
	bool sums_hold = myc_report_ledger(supervisor->run, &supervisor->view, &answer);

	write_report(supervisor);
	if (supervisor->late.size)
		myc_text_add_bytes(&answer, supervisor->late.bytes, supervisor->late.size);
	if (answer.size)
		myc_log_info("%.*s", (int)strcspn(myc_text_string(&answer), "\n"),
			     myc_text_string(&answer));
	if (release.error.code) {
		char text[1024];

		myc_error_format(&release.error, text, sizeof(text));
		myc_text_add(&answer, "failed: %s\n", text);
	} else if (!sums_hold) {
		myc_text_add(&answer, "failed: the ledger does not add up\n");
	} else {
		myc_text_add(&answer, "ok\n");
	}
	myc_control_finish(&supervisor->control, myc_text_string(&answer));
	myc_text_free(&answer);
	myc_phase_set(supervisor, MYC_PHASE_STOPPED);
	myc_holder_send(supervisor->holder_fd, &release, -1);
}
