/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The holder: makes regions, program and data plane, then forks, reaps and reports until it is
 * told to release them. It has one rule of its own: a dead supervisor gets a successor.
 *
 * kill -9 of the holder: its children die with it (PR_SET_PDEATHSIG), the kernel closes what it
 * held; pins and the run directory are left for the launcher's cold start.
 */
#include "runtime/holder.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "dataplane/exit_watch.h"
#include "runtime/control.h"
#include "runtime/run.h"

#define NS_PER_MS	1000000ull
#define BACKOFF_MIN_NS	(5 * NS_PER_MS)
#define BACKOFF_MAX_NS	(1000 * NS_PER_MS)
#define FORK_AGAIN_NS	(100 * NS_PER_MS) /* after one that the kernel refused */
#define SUPERVISOR_WELL (50 * NS_PER_MS)  /* lived that long: its successor comes at once */

struct held_child {
	uint64_t incarnation; /* of the running one, or the last */
	pid_t pid;	      /* 0 = none runs */
	int pidfd;
	int status; /* of the last exit */
};

struct holder {
	struct myc_run *run;
	struct held_child child[MYC_PROCESSES_MAX];
	uint32_t running;
	pid_t supervisor; /* 0 = none runs */
	int socket;	  /* to the supervisor, -1 = none */
	uint64_t supervisor_incarnation, supervisor_born_ns, supervisor_due_ns, backoff_ns;
	int signal_fd;
	sigset_t signals; /* that the holder takes by signal_fd */
	bool stop, release;
	struct myc_error ended; /* told by RELEASE */
};

/* ---- what is held ---------------------------------------------------------------------------- */

static int enter_netns(const char *name, struct myc_error *error)
{
	char path[96];
	int fd;

	if (!name[0])
		return 0;
	snprintf(path, sizeof(path), "/run/netns/%s", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return myc_error_set(error, -errno, "ip netns add NAME, or correct network.netns",
				     "network namespace %s: %s", path, strerror(errno));
	int err = setns(fd, CLONE_NEWNET) ? -errno : 0;
	close(fd);
	if (err)
		return myc_error_set(error, err, "run as root, or leave network.netns out",
				     "entering network namespace '%s': %s", name, strerror(-err));
	return 0;
}

static int open_program(struct myc_run *run, struct myc_error *error)
{
	struct myc_program_opts opts = {
		.sz = sizeof(opts),
		.name = run->topology->system,
		.interface = run->topology->network.interface,
		.mode = run->topology->network.attach,
		.sharing = run->topology->network.sharing,
		.priority = run->topology->network.priority,
	};

	return myc_program_load(&run->program, &opts, run->layout->dataplane.config, error);
}

/* Its absence is no failure: deaths are then seen when they are reaped. */
static void open_exit_watch(struct myc_run *run)
{
	struct myc_error why = {0};

	if (!myc_exit_watch_open(&run->exit_watch, run->program, &why)) {
		snprintf(run->deaths_seen, sizeof(run->deaths_seen), "by the kernel, at the exit");
		return;
	}
	snprintf(run->deaths_seen, sizeof(run->deaths_seen),
		 "by the supervisor, after reaping; no exit watch: %s", why.cause);
	myc_log_warn("deaths are seen %s (%s)", run->deaths_seen, why.remedy);
}

static int open_bells(struct myc_run *run, struct myc_error *error)
{
	run->notify_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (run->notify_fd < 0)
		return myc_error_set(error, -errno, NULL, "eventfd: %s", strerror(errno));
	for (uint32_t p = 0; p < myc_run_processes(run); p++)
		for (uint32_t e = 0;
		     e < run->topology->process[p].executors + run->topology->process[p].threads;
		     e++) {
			run->bell_fd[p][e] = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
			if (run->bell_fd[p][e] < 0)
				return myc_error_set(error, -errno, "raise ulimit -n",
						     "eventfd: %s", strerror(errno));
		}
	return 0;
}

/* Everything that outlives workers and supervisors. On failure what was made goes with the
 * process, but for the program's pins: removed here. */
static int hold(struct myc_run *run, struct myc_error *error)
{
	bool xdp = run->layout->dataplane.kind == MYC_DATAPLANE_XDP;
	int err = enter_netns(run->topology->network.netns, error);

	if (err)
		return err;
	for (uint32_t r = 0; r <= myc_run_processes(run); r++) {
		const char *name =
			r < myc_run_processes(run) ? run->topology->process[r].name : "supervisor";

		run->region_fd[r] = myc_region_create(name, &run->layout->plan[r], error);
		if (run->region_fd[r] < 0)
			return run->region_fd[r];
	}
	err = open_bells(run, error);
	if (!err && xdp)
		err = open_program(run, error);
	if (!err && xdp)
		open_exit_watch(run);
	if (!err && run->layout->dataplane.endpoints)
		err = myc_dataplane_open(&run->dataplane, &run->layout->dataplane, run->program,
					 error);
	if (!err && xdp)
		err = myc_program_attach(run->program, error);
	if (!err)
		return 0;
	if (run->dataplane)
		myc_dataplane_close(run->dataplane);
	myc_exit_watch_close(run->exit_watch);
	if (run->program)
		myc_program_unload(run->program, NULL);
	return err;
}

/* Ordered: nothing is steered to us any more, then sockets and groups, then pins. */
static int let_go(struct myc_run *run, struct myc_error *error)
{
	int err = 0;

	if (run->dataplane)
		myc_dataplane_close(run->dataplane);
	myc_exit_watch_close(run->exit_watch);
	if (run->program)
		err = myc_program_unload(run->program, error);
	return err;
}

/* False when there is no launcher any more. */
static bool tell_launcher(const struct myc_run *run, enum myc_news kind,
			  const struct myc_error *error)
{
	struct myc_run_news news = {.kind = kind};

	if (error)
		news.error = *error;
	return write(run->launcher_fd, &news, sizeof(news)) == sizeof(news);
}

/* ---- children -------------------------------------------------------------------------------- */

/* In the child: dies with the holder, drops what only the holder uses. Signals stay blocked until
 * the child has handlers of its own. */
static void become_child(struct holder *holder, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	close(holder->signal_fd);
	close(holder->run->dir_fd);
	close(holder->run->launcher_fd);
	if (holder->socket >= 0)
		close(holder->socket);
	for (uint32_t p = 0; p < MYC_PROCESSES_MAX; p++)
		if (holder->child[p].pid)
			close(holder->child[p].pidfd);
}

/*
 * In a worker before anything of its own. It registers itself, so whoever is registered is alive at
 * that moment and its end comes after: no death falls between. One that is killed before this has
 * run nothing and touched nothing; its end is noted after reaping, as without the watch.
 */
static void register_worker(const struct myc_run *run, uint32_t process, uint64_t incarnation)
{
	if (!run->exit_watch)
		return;
	int pidfd = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int err = pidfd < 0 ? -errno
			    : myc_exit_watch_register(run->exit_watch, pidfd, process, incarnation);
	if (err)
		myc_log_warn("process '%s' is not watched, its end is seen after reaping: %s",
			     run->topology->process[process].name, strerror(-err));
	if (pidfd >= 0)
		close(pidfd);
}

/* care: it takes care of what is left of the process, and ends. */
static int child_fork(struct holder *holder, uint32_t process, uint64_t incarnation, bool care)
{
	struct held_child *child = &holder->child[process];
	pid_t parent = getpid();

	if (child->pid)
		return -EBUSY;
	if (incarnation <= child->incarnation)
		return -EALREADY;
	pid_t pid = fork();
	if (pid < 0)
		return -errno;
	if (!pid) {
		become_child(holder, parent);
		register_worker(holder->run, process, incarnation);
		myc_exit_watch_close(holder->run->exit_watch);
		myc_worker_main(holder->run, process, incarnation, care);
	}
	child->pid = pid;
	child->incarnation = incarnation;
	/* The child is not reaped yet, so the pid is surely its own. */
	child->pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	holder->running++;
	return 0;
}

static void say(struct holder *holder, struct myc_holder_message *message, int fd)
{
	/* One that cannot be told is dead or dying: its successor is told all anew. */
	if (holder->socket >= 0)
		myc_holder_send(holder->socket, message, fd);
}

static void say_child(struct holder *holder, uint32_t process)
{
	const struct held_child *child = &holder->child[process];
	struct myc_holder_message message = {
		.kind = child->pid ? MYC_HOLDER_CHILD : MYC_HOLDER_EXITED,
		.process = process,
		.incarnation = child->incarnation,
		.pid = child->pid,
		.status = child->status,
	};

	say(holder, &message, child->pid ? child->pidfd : -1);
}

static void supervisor_fork(struct holder *holder)
{
	int pair[2];
	pid_t parent = getpid();

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair)) {
		myc_log_error("socketpair: %s", strerror(errno));
		holder->supervisor_due_ns = myc_clock_ns() + FORK_AGAIN_NS;
		return;
	}
	pid_t pid = fork();
	if (!pid) {
		become_child(holder, parent);
		close(pair[0]);
		myc_exit_watch_close(holder->run->exit_watch);
		myc_supervisor_main(holder->run, pair[1], holder->supervisor_incarnation + 1);
	}
	close(pair[1]);
	if (pid < 0) {
		myc_log_error("fork: %s", strerror(errno));
		close(pair[0]);
		holder->supervisor_due_ns = myc_clock_ns() + FORK_AGAIN_NS;
		return;
	}
	holder->supervisor = pid;
	holder->supervisor_incarnation++;
	holder->supervisor_born_ns = myc_clock_ns();
	holder->socket = pair[0];
	for (uint32_t p = 0; p < myc_run_processes(holder->run); p++)
		say_child(holder, p);
	say(holder, &(struct myc_holder_message){.kind = MYC_HOLDER_READY}, -1);
	if (holder->stop)
		say(holder, &(struct myc_holder_message){.kind = MYC_HOLDER_STOP}, -1);
}

/* What a message of the supervisor tells, not what it asks for. */
static void on_news(struct holder *holder, const struct myc_holder_message *message)
{
	if (message->kind == MYC_HOLDER_UP) {
		tell_launcher(holder->run, MYC_NEWS_UP, NULL);
	} else if (message->kind == MYC_HOLDER_RELEASE) {
		holder->ended = message->error;
		holder->release = true;
	}
}

/* Its end may be seen before what it said last. Forks that it asked for its successor asks anew. */
static void hear_last_words(struct holder *holder)
{
	struct myc_holder_message message;
	int fd, errors = 0;

	/* The first may be a reset, because it did not read all we said: its messages come after. */
	while (errors < 2) {
		if (myc_holder_receive(holder->socket, &message, &fd)) {
			errors++;
			continue;
		}
		if (fd >= 0)
			close(fd);
		on_news(holder, &message);
	}
}

static void supervisor_died(struct holder *holder, int status)
{
	uint64_t now = myc_clock_ns();

	holder->supervisor = 0;
	hear_last_words(holder);
	close(holder->socket);
	holder->socket = -1;
	if (holder->release)
		return;
	/* Rings run over while nobody restarts workers: only one that dies at its start waits. */
	if (now - holder->supervisor_born_ns > SUPERVISOR_WELL)
		holder->backoff_ns = 0;
	holder->supervisor_due_ns = now + holder->backoff_ns;
	myc_log_warn("the supervisor died (%s %d); its successor comes in %u ms",
		     WIFSIGNALED(status) ? "signal" : "exit code",
		     WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
		     (unsigned)(holder->backoff_ns / NS_PER_MS));
	holder->backoff_ns = holder->backoff_ns ? 2 * holder->backoff_ns : BACKOFF_MIN_NS;
	if (holder->backoff_ns > BACKOFF_MAX_NS)
		holder->backoff_ns = BACKOFF_MAX_NS;
}

static void reap(struct holder *holder)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
		if (pid == holder->supervisor) {
			supervisor_died(holder, status);
			continue;
		}
		for (uint32_t p = 0; p < myc_run_processes(holder->run); p++) {
			struct held_child *child = &holder->child[p];

			if (child->pid != pid)
				continue;
			child->pid = 0;
			child->status = status;
			close(child->pidfd);
			holder->running--;
			say_child(holder, p);
		}
	}
}

/* ---- the loop -------------------------------------------------------------------------------- */

static void on_signal(struct holder *holder)
{
	struct signalfd_siginfo info;

	while (read(holder->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD || holder->stop)
			continue;
		holder->stop = true;
		say(holder, &(struct myc_holder_message){.kind = MYC_HOLDER_STOP}, -1);
	}
	reap(holder);
}

static void on_message(struct holder *holder)
{
	struct myc_holder_message message;
	int fd, err = myc_holder_receive(holder->socket, &message, &fd);

	if (fd >= 0)
		close(fd);
	if (err == -EPIPE) {
		/* Gone or going: its end is closed, the reaping follows. */
		struct pollfd nothing = {.fd = holder->signal_fd, .events = POLLIN};

		poll(&nothing, 1, 100);
		return;
	}
	if (err)
		return;
	switch (message.kind) {
	case MYC_HOLDER_FORK:
	case MYC_HOLDER_CLEAR:
		if (message.process >= myc_run_processes(holder->run))
			return;
		err = child_fork(holder, message.process, message.incarnation,
				 message.kind == MYC_HOLDER_CLEAR);
		if (!err) {
			say_child(holder, message.process);
			return;
		}
		message.kind = MYC_HOLDER_REFUSED;
		message.status = err;
		say(holder, &message, -1);
		return;
	case MYC_HOLDER_UP:
	case MYC_HOLDER_RELEASE:
		on_news(holder, &message);
		return;
	default:
		myc_log_warn("the supervisor sent a message of kind %u", message.kind);
	}
}

static void serve(struct holder *holder)
{
	while (!(holder->release && !holder->supervisor && !holder->running)) {
		struct pollfd polled[2] = {
			{.fd = holder->signal_fd, .events = POLLIN},
			{.fd = holder->socket, .events = POLLIN},
		};
		int timeout_ms = -1;

		if (!holder->supervisor && !holder->release) {
			uint64_t now = myc_clock_ns();

			if (now >= holder->supervisor_due_ns) {
				supervisor_fork(holder);
				continue;
			}
			timeout_ms = (int)((holder->supervisor_due_ns - now) / NS_PER_MS) + 1;
		}
		if (poll(polled, 2, timeout_ms) < 0 && errno != EINTR)
			break;
		if (polled[1].revents)
			on_message(holder);
		if (polled[0].revents)
			on_signal(holder);
	}
}

_Noreturn void myc_holder_main(struct myc_run *run)
{
	struct holder holder = {.run = run, .socket = -1, .backoff_ns = BACKOFF_MIN_NS};
	struct myc_error error = {0};

	prctl(PR_SET_NAME, "myc-holder");
	myc_log_open("holder", run->log_fd, MYC_LOG_INFO);
	/* Ctrl-C on the terminal is for the launcher, which asks us in turn. */
	setpgid(0, 0);
	sigemptyset(&holder.signals);
	sigaddset(&holder.signals, SIGCHLD);
	sigaddset(&holder.signals, SIGTERM);
	sigaddset(&holder.signals, SIGINT);
	sigaddset(&holder.signals, SIGHUP);
	sigprocmask(SIG_BLOCK, &holder.signals, NULL);
	signal(SIGPIPE, SIG_IGN);
	holder.signal_fd = signalfd(-1, &holder.signals, SFD_CLOEXEC | SFD_NONBLOCK);
	if (holder.signal_fd < 0)
		myc_error_set(&error, -errno, NULL, "signalfd: %s", strerror(errno));
	else
		hold(run, &error);
	if (!error.code) {
		serve(&holder);
		error = holder.ended;
		if (error.code)
			let_go(run, NULL);
		else
			let_go(run, &error);
	}
	/* The launcher removes the run directory, which it has locked; without one it is our turn. */
	if (!tell_launcher(run, MYC_NEWS_ENDED, &error))
		myc_run_dir_remove(run->dir);
	_exit(error.code ? 1 : 0);
}
