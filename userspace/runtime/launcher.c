/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The launcher: takes the system's name, starts the holder and waits. A holder that dies without
 * having ended the system is a cold start: what was queued and held is lost, said so, what it left
 * is removed, and a new one starts, within the supervisor's restart limits.
 *
 *	TAKEN --fork--> RUNNING --ended--> done
 *	                 |   ^
 *	         died    v   | cleaned
 *	                COLD-+--limit--> done
 *
 * kill -9 of the launcher: the system goes on, `myc ps` and `myc stop` work; only cold starts are
 * lost. When launcher and holder are killed both, the next start of this name removes what is left.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "runtime/control.h"
#include "runtime/run.h"

#define NS_PER_MS     1000000ull
#define ORPHANS_MS    30000 /* until the holder's children are gone: starved ones take long */
#define STOP_SLACK_MS 10000 /* beyond the processes' own deadlines */

struct launcher {
	struct myc_run *run;
	pid_t holder;
	int news_fd, signal_fd;
	sigset_t before;
	unsigned stops; /* signals received */
	uint64_t stop_deadline_ns;
	bool ended;
	struct myc_error end;
	void (*up)(void *context);
	void *context;
};

int myc_exit_code(int code)
{
	switch (-code) {
	case 0:
		return 0;
	case EINVAL:
	case ENOENT:
	case ENODEV:
	case ENOTDIR:
	case EISDIR:
	case EBADMSG:
	case ERANGE:
	case ENAMETOOLONG:
		return 2;
	case EPERM:
	case EACCES:
	case ENOSYS:
	case EOPNOTSUPP:
		return 3;
	case EBUSY:
	case EEXIST:
	case EADDRINUSE:
		return 4;
	default:
		return 1;
	}
}

/* Pins of a holder that died. Only called while we have the system's name. */
static int clean_pins(const struct myc_run *run, struct myc_error *error)
{
	struct myc_program_opts opts = {
		.sz = sizeof(opts),
		.name = run->topology->system,
	};

	return run->layout->in_kernel ? myc_program_cleanup(&opts, 1, error) : 0;
}

static int start_holder(struct launcher *launcher, struct myc_error *error)
{
	int pipe_fds[2];

	if (pipe2(pipe_fds, O_CLOEXEC))
		return myc_error_set(error, -errno, NULL, "pipe: %s", strerror(errno));
	launcher->holder = fork();
	if (launcher->holder < 0) {
		int err = -errno;

		close(pipe_fds[0]);
		close(pipe_fds[1]);
		return myc_error_set(error, err, NULL, "fork: %s", strerror(-err));
	}
	if (!launcher->holder) {
		close(pipe_fds[0]);
		close(launcher->signal_fd);
		launcher->run->launcher_fd = pipe_fds[1];
		myc_holder_main(launcher->run);
	}
	close(pipe_fds[1]);
	launcher->news_fd = pipe_fds[0];
	return 0;
}

static void on_signals(struct launcher *launcher)
{
	struct signalfd_siginfo info;
	uint64_t ms = STOP_SLACK_MS;

	while (read(launcher->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (launcher->stops++) {
			myc_log_warn("asked again: killing the holder");
			kill(launcher->holder, SIGKILL);
			continue;
		}
		for (uint32_t p = 0; p < myc_run_processes(launcher->run); p++)
			ms += launcher->run->topology->process[p].shutdown_ms;
		launcher->stop_deadline_ns = myc_clock_ns() + ms * NS_PER_MS;
		kill(launcher->holder, SIGTERM);
	}
}

/* False at the end of news: the holder has closed its end, that is, exited. */
static bool on_news(struct launcher *launcher)
{
	struct myc_run_news news;
	ssize_t got = read(launcher->news_fd, &news, sizeof(news));

	if (got < 0 && errno == EINTR)
		return true;
	if (got != sizeof(news))
		return false;
	if (news.kind == MYC_NEWS_UP && launcher->up) {
		launcher->up(launcher->context);
	} else if (news.kind == MYC_NEWS_ENDED) {
		launcher->ended = true;
		launcher->end = news.error;
	}
	return true;
}

/* Until the holder is gone; returns its wait status. */
static int watch(struct launcher *launcher)
{
	bool open = true;
	int status = 0;

	while (open) {
		struct pollfd polled[2] = {
			{.fd = launcher->news_fd, .events = POLLIN},
			{.fd = launcher->signal_fd, .events = POLLIN},
		};

		if (poll(polled, 2, launcher->stops ? 100 : -1) < 0 && errno != EINTR)
			break;
		if (polled[1].revents)
			on_signals(launcher);
		if (polled[0].revents)
			open = on_news(launcher);
		if (launcher->stops && myc_clock_ns() > launcher->stop_deadline_ns) {
			myc_log_error("the system did not stop in time: killing the holder");
			kill(launcher->holder, SIGKILL);
		}
	}
	close(launcher->news_fd);
	while (waitpid(launcher->holder, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

/* The holder's children come to us and have their SIGKILL already. True when none is left. */
static bool reap_orphans(void)
{
	uint64_t deadline = myc_clock_ns() + ORPHANS_MS * NS_PER_MS;

	for (;;) {
		pid_t pid = waitpid(-1, NULL, WNOHANG);

		if (pid < 0 && errno == ECHILD)
			return true;
		if (pid > 0 || (pid < 0 && errno == EINTR))
			continue;
		if (myc_clock_ns() > deadline)
			return false;
		usleep(1000);
	}
}

/* 0: start again. */
static int cold_start(struct launcher *launcher, struct myc_restart_window *window, int status,
		      struct myc_error *error)
{
	struct myc_run *run = launcher->run;
	const struct myc_restart_limit *limit = &run->topology->limit;

	myc_log_error("the holder died (%s %d): queued messages, mailboxes, packets in rings and "
		      "the state of %u processes are lost",
		      WIFSIGNALED(status) ? "signal" : "exit code",
		      WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		      myc_run_processes(run));
	if (!reap_orphans())
		return myc_error_set(error, -EBUSY, "see ps for processes named myc:*",
				     "processes of the dead holder do not end");
	int err = clean_pins(run, error);
	if (err)
		return err;
	if (launcher->stops)
		return myc_error_set(error, -ECANCELED, NULL,
				     "the holder was killed while stopping");
	if (!myc_restart_allowed(window, limit, 0, run->cold_starts, myc_clock_ns()))
		return myc_error_set(error, -ECANCELED, "see the log for why",
				     "more than %u cold starts in %u s", limit->intensity,
				     (unsigned)(limit->period_ns / 1000000000u));
	run->cold_starts++;
	myc_log_warn("cold start number %u", run->cold_starts);
	return 0;
}

static int serve(struct launcher *launcher, struct myc_error *error)
{
	struct myc_restart_window window = {0};

	for (;;) {
		int err = start_holder(launcher, error);
		if (err)
			return err;
		int status = watch(launcher);
		if (launcher->ended) {
			reap_orphans();
			if (launcher->end.code && error)
				*error = launcher->end;
			return launcher->end.code;
		}
		err = cold_start(launcher, &window, status, error);
		if (err)
			return err;
	}
}

static int take_name(struct myc_run *run, struct myc_error *error)
{
	bool stale;

	run->dir_fd =
		myc_run_dir_take(run->topology->system, run->dir, sizeof(run->dir), &stale, error);
	if (run->dir_fd < 0)
		return run->dir_fd;
	if (!stale)
		return 0;
	myc_log_warn("a system '%s' ended without cleaning up: removing what it left",
		     run->topology->system);
	int err = clean_pins(run, error);
	if (err)
		close(run->dir_fd);
	return err;
}

int myc_launch(struct myc_run *run, void (*up)(void *context), void *context,
	       struct myc_error *error)
{
	struct launcher launcher = {.run = run, .up = up, .context = context};
	struct myc_error own = {0};
	sigset_t signals;

	error = error ? error : &own;
	int err = take_name(run, error);
	if (err)
		return err;
	/* What the holder leaves behind becomes ours. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	sigemptyset(&signals);
	sigaddset(&signals, SIGINT);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &signals, &launcher.before);
	launcher.signal_fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (launcher.signal_fd < 0)
		err = myc_error_set(error, -errno, NULL, "signalfd: %s", strerror(errno));
	else
		err = serve(&launcher, error);
	close(launcher.signal_fd);
	sigprocmask(SIG_SETMASK, &launcher.before, NULL);
	/* Removed while locked, so that the name's next taker makes its own. */
	myc_run_dir_remove(run->dir);
	close(run->dir_fd);
	return err;
}
