/* SPDX-License-Identifier: Apache-2.0 */
/* myc run: a system in the foreground, or detached (-d) once it is up. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "myc/myc.h"

struct run_args {
	struct myc_topology_args topology;
	struct myc_run_opts opts;
	bool detach;
	const char *log;
};

static int parse(int argc, char **argv, struct run_args *args)
{
	static const struct option options[] = {
		{"detach", no_argument, NULL, 'd'},
		{"kind", required_argument, NULL, 'k'},
		{"set", required_argument, NULL, 's'},
		{"report", required_argument, NULL, 'r'},
		{"log", required_argument, NULL, 'l'},
		{"until-exhausted", no_argument, NULL, 'u'},
		{0},
	};
	struct myc_error error;
	int option;

	while ((option = getopt_long(argc, argv, "d", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			args->detach = true;
			break;
		case 'k':
			args->topology.kind = optarg;
			break;
		case 's':
			if (myc_args_set(&args->topology, optarg, &error))
				return myc_complain(&error);
			break;
		case 'r':
			args->opts.report = optarg;
			break;
		case 'l':
			args->log = optarg;
			break;
		case 'u':
			args->opts.until_exhausted = true;
			break;
		default:
			return myc_complain_usage();
		}
	}
	if (optind + 1 != argc)
		return myc_complain_usage();
	args->topology.path = argv[optind];
	return 0;
}

/* ---- detaching: the child goes on, its parent waits for "up" or an error --------------------- */

/* One error through the pipe; code 0 = up. */
static void tell(int fd, const struct myc_error *error)
{
	static const struct myc_error none;
	ssize_t ignored = write(fd, error ? error : &none, sizeof(*error));

	(void)ignored;
}

struct up {
	const char *system;
	int fd; /* -1 in the foreground */
};

static void on_up(void *context)
{
	struct up *up = context;

	if (up->fd < 0) {
		printf("%s is up; Ctrl-C stops it\n", up->system);
		fflush(stdout);
		return;
	}
	/* Again after a cold start: nobody reads any more. */
	tell(up->fd, NULL);
	close(up->fd);
	up->fd = -1;
}

static int await(int fd, const char *system)
{
	struct myc_error error;

	if (read(fd, &error, sizeof(error)) != sizeof(error)) {
		fprintf(stderr, "myc: the launcher died\n");
		return 1;
	}
	if (error.code)
		return myc_complain(&error);
	printf("%s is up; myc stop %s stops it\n", system, system);
	return 0;
}

/* In the child: no terminal, no standard descriptors. */
static void leave_terminal(int log_fd)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(log_fd >= 0 ? log_fd : null, STDERR_FILENO);
		close(null);
	}
}

/* ---- the command ----------------------------------------------------------------------------- */

static int launch(struct myc_run *run, int up_fd)
{
	struct up up = {.system = run->topology->system, .fd = up_fd};
	struct myc_error error = {0};

	myc_log_open("launcher", run->log_fd, MYC_LOG_INFO);
	if (!myc_launch(run, on_up, &up, &error)) {
		if (up.fd >= 0) /* it ended before it was up: asked to */
			tell(up.fd, NULL);
		return 0;
	}
	if (up.fd < 0)
		return myc_complain(&error);
	tell(up.fd, &error);
	return myc_exit_code(error.code);
}

static int launch_detached(struct myc_run *run)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC)) {
		fprintf(stderr, "myc: pipe: %s\n", strerror(errno));
		return 1;
	}
	pid_t pid = fork();
	if (pid < 0) {
		fprintf(stderr, "myc: fork: %s\n", strerror(errno));
		return 1;
	}
	if (!pid) {
		close(fds[0]);
		leave_terminal(run->log_fd);
		_exit(launch(run, fds[1]));
	}
	close(fds[1]);
	return await(fds[0], run->topology->system);
}

/* A day is not to end with a report that cannot be written. */
static int check_report(const char *path, struct myc_error *error)
{
	char *beside; /* it is written there first */
	struct stat at;

	if (!stat(path, &at) && !S_ISREG(at.st_mode))
		return myc_error_set(error, -EINVAL, "name a file", "--report %s: no file", path);
	if (asprintf(&beside, "%s.new", path) < 0)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	int fd = open(beside, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
	int err = fd < 0 ? myc_error_set(error, -errno, "name another file", "--report %s: %s",
					 path, strerror(errno))
			 : 0;

	if (fd >= 0) {
		close(fd);
		unlink(beside);
	}
	free(beside);
	return err;
}

int myc_run(int argc, char **argv)
{
	struct run_args args = {0};
	struct myc_run run = {.log_fd = STDERR_FILENO};
	struct myc_error error = {0};
	int code = parse(argc, argv, &args);

	if (code)
		return code;
	/* What our caller left open is not the workers' business. */
	close_range(STDERR_FILENO + 1, ~0u, 0);
	if (myc_args_load(&args.topology, &run.topology, &run.layout, &error))
		return myc_complain(&error);
	if (myc_topology_check_privilege(run.topology, &error)) {
		code = myc_complain(&error);
		goto out;
	}
	run.opts = args.opts;
	if (args.opts.report && check_report(args.opts.report, &error)) {
		code = myc_complain(&error);
		goto out;
	}
	if (args.detach)
		run.log_fd = -1;
	if (args.log) {
		run.log_fd = open(args.log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
		if (run.log_fd < 0) {
			myc_error_set(&error, -errno, "name another file", "--log %s: %s", args.log,
				      strerror(errno));
			code = myc_complain(&error);
			goto out;
		}
	}
	code = args.detach ? launch_detached(&run) : launch(&run, -1);
out:
	myc_layout_free(run.layout);
	myc_topology_free(run.topology);
	return code;
}
