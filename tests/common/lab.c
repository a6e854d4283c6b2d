/* SPDX-License-Identifier: Apache-2.0 */
#include "common/lab.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "common/test.h"

#define LABS_MAX 8
static struct lab *open_labs[LABS_MAX];

static int shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static int shell(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	return system(command);
}

static void remove_lab(const struct lab *lab)
{
	const char *keep = getenv("MYC_KEEP");

	/* Whoever looks at a failure afterwards wants what the folder held. */
	if (keep)
		shell("cp '%s'/*.pcap '%s'/*.log '%s'/*.json '%s' 2>/dev/null", lab->dir, lab->dir,
		      lab->dir, keep);
	shell("ip netns del %s 2>/dev/null; ip netns del %s 2>/dev/null; rm -rf '%s'",
	      lab->receiver, lab->sender, lab->dir);
}

static void remove_all(void)
{
	for (int i = 0; i < LABS_MAX; i++)
		if (open_labs[i])
			remove_lab(open_labs[i]);
}

/* Namespaces and folders of labs whose test was killed. */
static void remove_stale(void)
{
	shell("for path in /run/netns/myclab-*-*-[rt]x /tmp/myclab-*-*.*; do "
	      "  [ -e \"$path\" ] || continue;"
	      "  pid=$(basename \"$path\" | sed 's/^myclab-.*-\\([0-9]*\\)[-.].*/\\1/');"
	      "  [ -d \"/proc/$pid\" ] && continue;"
	      "  case $path in /run/*) ip netns del \"$(basename \"$path\")\" ;; *) rm -rf "
	      "\"$path\" ;; esac;"
	      "done");
}

/* The names, and the folder. */
static bool lab_name(struct lab *lab, const char *tag, int queues)
{
	memset(lab, 0, sizeof(*lab));
	lab->queues = queues;
	snprintf(lab->name, sizeof(lab->name), "%.12s-%d", tag, (int)getpid());
	snprintf(lab->receiver, sizeof(lab->receiver), "myclab-%s-rx", lab->name);
	snprintf(lab->sender, sizeof(lab->sender), "myclab-%s-tx", lab->name);
	snprintf(lab->interface, sizeof(lab->interface), "mycr");
	snprintf(lab->peer, sizeof(lab->peer), "myct");
	snprintf(lab->dir, sizeof(lab->dir), "/tmp/myclab-%s.XXXXXX", lab->name);
	remove_stale();
	if (!mkdtemp(lab->dir)) {
		fprintf(stderr, "lab: %s: %s\n", lab->dir, strerror(errno));
		return false;
	}
	chmod(lab->dir, 0755);
	return true;
}

/* Namespaces with the two interfaces, which `make` puts there: addresses, routes, up. */
static bool lab_furnish(struct lab *lab, const char *make)
{
	static bool registered;

	if (shell("set -e; ip netns add %1$s; ip netns add %2$s; %5$s;"
		  "ip -n %1$s link set lo up; ip -n %2$s link set lo up;"
		  "ip -n %1$s addr add 10.77.0.1/24 dev %3$s; ip -n %2$s addr add 10.77.0.2/24 dev "
		  "%4$s;"
		  "ip -n %1$s link set %3$s up; ip -n %2$s link set %4$s up;"
		  "ip -n %2$s route add 224.0.0.0/4 dev %4$s; ip -n %1$s route add 224.0.0.0/4 dev "
		  "%3$s;"
		  "ip netns exec %2$s ethtool -K %4$s tx off >/dev/null",
		  lab->receiver, lab->sender, lab->interface, lab->peer, make)) {
		fprintf(stderr, "lab: cannot make namespaces with their interfaces (root and "
				"iproute2 needed)\n");
		remove_lab(lab);
		return false;
	}
	if (!registered) {
		registered = true;
		atexit(remove_all);
	}
	for (int i = 0; i < LABS_MAX; i++)
		if (!open_labs[i]) {
			open_labs[i] = lab;
			break;
		}
	return true;
}

bool lab_open(struct lab *lab, const char *tag, int queues)
{
	char make[256];

	if (!lab_name(lab, tag, queues))
		return false;
	snprintf(make, sizeof(make),
		 "ip link add %s netns %s numrxqueues %d numtxqueues %d type veth peer name %s "
		 "netns %s numrxqueues %d numtxqueues %d",
		 lab->interface, lab->receiver, queues, queues, lab->peer, lab->sender, queues,
		 queues);
	return lab_furnish(lab, make);
}

bool lab_open_with(struct lab *lab, const char *tag, const char *interface, const char *peer)
{
	char make[256];

	if (!lab_name(lab, tag, 1))
		return false;
	snprintf(lab->interface, sizeof(lab->interface), "%s", interface);
	snprintf(lab->peer, sizeof(lab->peer), "%s", peer);
	snprintf(make, sizeof(make), "ip link set %s netns %s; ip link set %s netns %s", interface,
		 lab->receiver, peer, lab->sender);
	return lab_furnish(lab, make);
}

void lab_close(struct lab *lab)
{
	for (int i = 0; i < LABS_MAX; i++)
		if (open_labs[i] == lab)
			open_labs[i] = NULL;
	remove_lab(lab);
}

uint64_t lab_wire_drops(const struct lab *lab)
{
	char command[128], line[4096] = "";
	unsigned long long drops = 0;

	snprintf(command, sizeof(command), "ip -n %s -s -j link show dev %s", lab->sender,
		 lab->peer);
	FILE *pipe = popen(command, "r");
	if (!pipe || !fgets(line, sizeof(line), pipe))
		fprintf(stderr, "lab: %s: %s\n", command, strerror(errno));
	if (pipe)
		pclose(pipe);
	const char *tx = strstr(line, "\"tx\":");
	const char *dropped = tx ? strstr(tx, "\"dropped\":") : NULL;
	if (dropped)
		sscanf(dropped, "\"dropped\":%llu", &drops);
	return drops;
}

const char *lab_build(void)
{
	static char path[512];
	const char *build = getenv("BUILD");

	if (!path[0] && !realpath(build ? build : "build", path))
		snprintf(path, sizeof(path), "build");
	return path;
}

const char *lab_path(const struct lab *lab, const char *name)
{
	static char buffer[8][256];
	static unsigned next;
	char *path = buffer[next++ % 8];

	snprintf(path, sizeof(buffer[0]), "%s/%s", lab->dir, name);
	return path;
}

static void enter(const char *netns)
{
	char path[96];

	snprintf(path, sizeof(path), "/run/netns/%s", netns);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET)) {
		fprintf(stderr, "lab: %s: %s\n", path, strerror(errno));
		_exit(127);
	}
	close(fd);
}

pid_t lab_start(struct lab *lab, enum lab_side side, const char *log, const char *const argv[])
{
	char program[640];
	pid_t pid;

	snprintf(program, sizeof(program), "%s%s%s", strchr(argv[0], '/') ? "" : lab_build(),
		 strchr(argv[0], '/') ? "" : "/bin/", argv[0]);
	pid = fork();
	if (pid)
		return pid;
	int out = open(lab_path(lab, log), O_WRONLY | O_CREAT | O_APPEND, 0644);
	if (out >= 0) {
		dup2(out, STDOUT_FILENO);
		dup2(out, STDERR_FILENO);
		close(out);
	}
	if (side != LAB_HERE)
		enter(side == LAB_RECEIVER ? lab->receiver : lab->sender);
	execv(program, (char *const *)argv);
	fprintf(stderr, "lab: %s: %s\n", program, strerror(errno));
	_exit(127);
}

int lab_wait(pid_t pid, uint32_t timeout_ms)
{
	uint64_t end = myc_clock_ns() + timeout_ms * 1000000ull * test_slowness();
	int status;

	for (;;) {
		pid_t got = waitpid(pid, &status, WNOHANG);
		if (got == pid)
			return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
		if (got < 0)
			return -1;
		if (myc_clock_ns() > end) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		nanosleep(&(struct timespec){.tv_nsec = 2000000}, NULL);
	}
}

int lab_run(struct lab *lab, enum lab_side side, const char *log, uint32_t timeout_ms,
	    const char *const argv[])
{
	return lab_wait(lab_start(lab, side, log, argv), timeout_ms);
}

void lab_write(const struct lab *lab, const char *name, const char *text)
{
	FILE *file = fopen(lab_path(lab, name), "w");

	if (!file || fputs(text, file) < 0) {
		fprintf(stderr, "lab: %s: %s\n", name, strerror(errno));
		abort();
	}
	fclose(file);
}

char *lab_read(const struct lab *lab, const char *name)
{
	FILE *file = fopen(lab_path(lab, name), "r");
	char *text = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getdelim(&text, &size, '\0', file) < 0) {
		free(text);
		text = strdup("");
	}
	fclose(file);
	return text;
}

void lab_show(const struct lab *lab, const char *name)
{
	char *text = lab_read(lab, name);
	size_t length = text ? strlen(text) : 0;

	fprintf(stderr, "---- %s ----\n%s\n", name,
		text ? text + (length > 4000 ? length - 4000 : 0) : "(not there)");
	free(text);
}

bool lab_until(bool (*holds)(void *), void *argument, uint32_t timeout_ms)
{
	uint64_t end = myc_clock_ns() + timeout_ms * 1000000ull * test_slowness();

	while (!holds(argument)) {
		if (myc_clock_ns() > end)
			return false;
		nanosleep(&(struct timespec){.tv_nsec = 5000000}, NULL);
	}
	return true;
}
