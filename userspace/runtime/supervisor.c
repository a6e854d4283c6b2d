/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The supervisor: starts the processes in order, restarts what dies by the rules of restart.h,
 * writes the registry, keeps the lease, answers the control socket, stops in reverse order.
 *
 * It starts with what the holder says runs: nothing at first, everything after a predecessor's
 * death. kill -9 of it touches no worker; a half-written row is mended by the next.
 */
#include "runtime/supervisor.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/report.h"

#define TICK_MAX_MS 100
#define DEATH_MS    10
#define DEATH_TRIES 20
#define RETRY_NS    (100 * MYC_NS_PER_MS) /* after the holder could not fork */

static void log_error(const struct myc_error *error)
{
	char text[1024];

	myc_error_format(error, text, sizeof(text));
	myc_log_error("%s", text);
}

/* ---- registry and lease ---------------------------------------------------------------------- */

/* Rows that are not there yet, in the order that their places were given out in. */
static int publish_all(struct myc_supervisor *supervisor, struct myc_error *error)
{
	const struct myc_layout *layout = supervisor->run->layout;

	for (uint32_t p = 0; p < layout->topology->processes; p++)
		for (uint32_t a = 0; a < layout->topology->process[p].actors; a++) {
			struct myc_registry_entry entry, found;
			int err;

			myc_layout_entry(layout, p, a, &entry);
			if (!myc_registry_find(&supervisor->view.registry, entry.name, &found))
				continue;
			err = myc_registry_publish(&supervisor->view.registry, &entry, error);
			if (err)
				return err;
			if (entry.row != layout->row[p][a])
				return myc_error_set(
					error, -EIO, NULL,
					"actor '%s' got row %u of the registry, not %u", entry.name,
					entry.row, layout->row[p][a]);
		}
	return 0;
}

/* Pairs with the steering program's plain load of the word. */
static void renew_lease(struct myc_supervisor *supervisor, uint64_t now_ns)
{
	struct myc_system_page *page = supervisor->view.system;

	__atomic_store_n(&page->lease_ns_max, supervisor->run->topology->lease_ms * MYC_NS_PER_MS,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&page->lease_ns, now_ns, __ATOMIC_RELEASE);
}

/* ---- what comes in --------------------------------------------------------------------------- */

/* False when the holder is gone: PR_SET_PDEATHSIG is on its way. */
static bool on_holder(struct myc_supervisor *supervisor)
{
	struct myc_holder_message message;
	int fd, err;

	while (!(err = myc_holder_receive(supervisor->holder_fd, &message, &fd))) {
		bool known = message.process < myc_run_processes(supervisor->run);

		if (message.kind == MYC_HOLDER_CHILD && known) {
			myc_child_running(supervisor, message.process, message.incarnation,
					  message.pid, fd);
			continue;
		}
		if (fd >= 0)
			close(fd);
		if (message.kind == MYC_HOLDER_EXITED && known)
			myc_child_exited(supervisor, message.process, message.incarnation,
					 message.status);
		else if (message.kind == MYC_HOLDER_READY)
			supervisor->told = true;
		else if (message.kind == MYC_HOLDER_STOP)
			myc_supervisor_stop(supervisor, NULL);
		else if (message.kind == MYC_HOLDER_REFUSED && known) {
			myc_log_error("the holder cannot fork process '%s': %s",
				      supervisor->run->topology->process[message.process].name,
				      strerror(-message.status));
			supervisor->retry_ns[message.process] = myc_clock_ns() + RETRY_NS;
			supervisor->notes->child[message.process].state =
				supervisor->notes->child[message.process].state ==
						MYC_CHILD_CLEARING
					? MYC_CHILD_LEFT
					: MYC_CHILD_RESTARTING;
		}
	}
	return err == -EAGAIN;
}

/* Is there one that has died and was not reported by the holder yet? */
static bool death_is_due(const struct myc_supervisor *supervisor)
{
	for (uint32_t p = 0; p < myc_run_processes(supervisor->run); p++) {
		struct pollfd polled = {.fd = supervisor->pidfd[p], .events = POLLIN};

		if (myc_child_runs(&supervisor->notes->child[p]) && polled.fd >= 0 &&
		    poll(&polled, 1, 0) == 1)
			return true;
	}
	return false;
}

/* So that an answer shows nobody as up who is dead already. The holder is about to say so. */
static void hear_of_deaths(struct myc_supervisor *supervisor)
{
	for (int i = 0; i < DEATH_TRIES && death_is_due(supervisor); i++) {
		struct pollfd polled = {.fd = supervisor->holder_fd, .events = POLLIN};

		if (poll(&polled, 1, DEATH_MS) == 1 && !on_holder(supervisor))
			_exit(1);
	}
}

static bool on_request(void *context, const char *line, struct myc_text *answer)
{
	struct myc_supervisor *supervisor = context;

	hear_of_deaths(supervisor);
	if (!strcmp(line, "ps")) {
		myc_report_tree(supervisor->run, &supervisor->view, answer);
	} else if (!strcmp(line, "ps json")) {
		myc_report_json(supervisor->run, &supervisor->view, answer);
	} else if (!strcmp(line, "letters")) {
		myc_report_letters(supervisor->run, &supervisor->view, answer);
	} else if (!strcmp(line, "letters json")) {
		myc_report_letters_json(supervisor->run, &supervisor->view, answer);
	} else if (!strcmp(line, "schemas")) {
		myc_report_schemas(supervisor->run, &supervisor->view, answer);
	} else if (!strcmp(line, "schemas json")) {
		myc_report_schemas_json(supervisor->run, &supervisor->view, answer);
	} else if (!strcmp(line, "stop")) {
		myc_supervisor_stop(supervisor, NULL);
		return true;
	} else {
		enum myc_order_asked asked = myc_supervisor_order(supervisor, line, answer);

		if (asked == MYC_ORDER_AWAITED)
			return true;
		if (asked == MYC_ORDER_NONE)
			myc_text_add(answer,
				     "error: the requests are ps, ps json, letters, letters json, "
				     "schemas, schemas json, state, replace, suspend, resume, "
				     "move, holders, stop\n");
	}
	return false;
}

/* ---- the loop -------------------------------------------------------------------------------- */

/* First start: one after the other, each when its predecessor is up. */
static void start_next(struct myc_supervisor *supervisor)
{
	struct myc_supervisor_notes *notes = supervisor->notes;

	for (uint32_t p = 0; p < myc_run_processes(supervisor->run); p++) {
		uint64_t state = notes->child[p].state;

		if (state == MYC_CHILD_UP || state >= MYC_CHILD_ENDED)
			continue;
		if (state == MYC_CHILD_NONE || state == MYC_CHILD_RESTARTING)
			myc_child_fork(supervisor, p);
		return;
	}
	myc_phase_set(supervisor, MYC_PHASE_RUNNING);
	if (notes->up)
		return;
	notes->up = 1;
	myc_log_info("the system is up");
	myc_holder_send(supervisor->holder_fd, &(struct myc_holder_message){.kind = MYC_HOLDER_UP},
			-1);
}

/* One step of everything that is due. True when the system has ended. */
static bool step(struct myc_supervisor *supervisor)
{
	struct myc_supervisor_notes *notes = supervisor->notes;
	uint64_t now = myc_clock_ns();

	renew_lease(supervisor, now);
	for (uint32_t p = 0; p < myc_run_processes(supervisor->run); p++)
		myc_child_look(supervisor, p, now);
	myc_supervisor_orders_step(supervisor, now);
	for (uint32_t p = 0; p < myc_run_processes(supervisor->run); p++)
		if (notes->child[p].state == MYC_CHILD_LEFT)
			myc_child_clear(supervisor, p);
	if (notes->phase == MYC_PHASE_STARTING)
		start_next(supervisor);
	if (notes->phase == MYC_PHASE_RUNNING) {
		for (uint32_t p = 0; p < myc_run_processes(supervisor->run); p++)
			if (notes->child[p].state == MYC_CHILD_RESTARTING)
				myc_child_fork(supervisor, p);
		if (supervisor->run->opts.until_exhausted &&
		    myc_supervisor_exhausted(supervisor, now))
			myc_supervisor_stop(supervisor, NULL);
	}
	return notes->phase >= MYC_PHASE_STOPPING && myc_supervisor_stop_step(supervisor, now);
}

static int tick_ms(const struct myc_supervisor *supervisor)
{
	uint32_t lease_part = supervisor->run->topology->lease_ms / 8;

	/* Ends come by the holder's messages and ups by notify_fd; rings and deadlines do not. */
	if (supervisor->notes->phase != MYC_PHASE_RUNNING)
		return 5;
	return (int)(lease_part < TICK_MAX_MS ? lease_part : TICK_MAX_MS);
}

static void live(struct myc_supervisor *supervisor)
{
	struct pollfd polled[3 + MYC_CONTROL_CLIENTS_MAX];
	uint64_t drained;

	while (!step(supervisor)) {
		polled[0] = (struct pollfd){.fd = supervisor->holder_fd, .events = POLLIN};
		polled[1] = (struct pollfd){.fd = supervisor->run->notify_fd, .events = POLLIN};
		unsigned clients = myc_control_poll_set(&supervisor->control, &polled[2]);

		if (poll(polled, 2 + clients, tick_ms(supervisor)) < 0 && errno != EINTR)
			break;
		if (polled[0].revents && !on_holder(supervisor))
			_exit(1);
		if (polled[1].revents) {
			ssize_t ignored =
				read(supervisor->run->notify_fd, &drained, sizeof(drained));
			(void)ignored;
		}
		myc_control_serve(&supervisor->control, &polled[2], clients);
	}
}

/* ---- life ------------------------------------------------------------------------------------ */

/* Until the holder has told what runs; it does so at once. */
static void take_over(struct myc_supervisor *supervisor)
{
	while (!supervisor->told) {
		struct pollfd polled = {.fd = supervisor->holder_fd, .events = POLLIN};

		if (poll(&polled, 1, -1) < 0 && errno != EINTR)
			_exit(1);
		if (!on_holder(supervisor))
			_exit(1);
	}
}

static int set_up(struct myc_supervisor *supervisor, uint64_t incarnation, struct myc_error *error)
{
	struct myc_run *run = supervisor->run;
	int err = myc_view_open(&supervisor->view, run, myc_run_processes(run), error);

	if (err)
		return err;
	supervisor->notes = myc_view_notes(&supervisor->view);
	if (!supervisor->notes)
		return myc_error_set(error, -EIO, NULL, "our region has no notes");
	supervisor->notes->incarnation = incarnation;
	if (!supervisor->notes->started_ns)
		supervisor->notes->started_ns = myc_clock_ns();
	supervisor->notes->repaired += myc_registry_repair(&supervisor->view.registry);
	supervisor->control.request = on_request;
	supervisor->control.context = supervisor;
	err = publish_all(supervisor, error);
	return err ?: myc_control_open(&supervisor->control, run->dir, error);
}

_Noreturn void myc_supervisor_main(struct myc_run *run, int holder_fd, uint64_t incarnation)
{
	static struct myc_supervisor supervisor;
	struct myc_error error = {0};
	sigset_t none;

	prctl(PR_SET_NAME, "myc-supervisor");
	myc_log_open("supervisor", run->log_fd, MYC_LOG_INFO);
	/* Orders come by the holder and the control socket only. */
	signal(SIGTERM, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	supervisor.run = run;
	supervisor.holder_fd = holder_fd;
	for (uint32_t p = 0; p < MYC_PROCESSES_MAX; p++)
		supervisor.pidfd[p] = -1;
	if (set_up(&supervisor, incarnation, &error)) {
		log_error(&error);
		/* The first one cannot work at all; a later one is tried again by the holder. */
		if (incarnation == 1)
			myc_holder_send(holder_fd,
					&(struct myc_holder_message){.kind = MYC_HOLDER_RELEASE,
								     .error = error},
					-1);
		_exit(1);
	}
	take_over(&supervisor);
	live(&supervisor);
	myc_supervisor_finish(&supervisor);
	_exit(0);
}
