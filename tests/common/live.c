/* SPDX-License-Identifier: Apache-2.0 */
#include "common/live.h"

#include "common/test.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"

#define DEADLINE_MS 60000
#define LOOK_US	    5000

static uint64_t deadline_in(unsigned ms)
{
	return myc_clock_ns() + ms * UINT64_C(1000000) * test_slowness();
}

static void absolute(const char *build, const char *path, char *out, size_t size)
{
	char cwd[96];

	if (build[0] == '/' || !getcwd(cwd, sizeof(cwd)))
		cwd[0] = '\0';
	snprintf(out, size, "%s%s%s/%s", cwd, cwd[0] ? "/" : "", build, path);
}

void live_open(struct live *live, const char *name)
{
	const char *named = getenv("BUILD"), *build = named ? named : "build";

	memset(live, 0, sizeof(*live));
	live->out = -1;
	snprintf(live->system, sizeof(live->system), "%s-%d", name, (int)getpid());
	snprintf(live->dir, sizeof(live->dir), "/tmp/myc-test-XXXXXX");
	assert_non_null(mkdtemp(live->dir));
	snprintf(live->topology, sizeof(live->topology), "%s/topology.yaml", live->dir);
	snprintf(live->log, sizeof(live->log), "%s/log", live->dir);
	snprintf(live->report, sizeof(live->report), "%s/report.json", live->dir);
	absolute(build, "bin/myc", live->bin, sizeof(live->bin));
	absolute(build, "tests/actors/pair.so", live->actors, sizeof(live->actors));
	live->text = calloc(1, LIVE_TEXT);
	assert_non_null(live->text);
}

void live_topology(struct live *live, const char *format, ...)
{
	FILE *file = fopen(live->topology, "we");
	va_list args;

	assert_non_null(file);
	fprintf(file, "system: %s\n", live->system);
	va_start(args, format);
	vfprintf(file, format, args);
	va_end(args);
	assert_int_equal(fclose(file), 0);
}

/* ---- processes ------------------------------------------------------------------------------- */

static pid_t run(const struct live *live, const char *const *args, int *out)
{
	const char *argv[16] = {NULL};
	char path[sizeof(live->bin)];
	int fds[2];

	snprintf(path, sizeof(path), "%s", live->bin);
	argv[0] = path;
	for (int i = 0; i < 14 && args[i]; i++)
		argv[i + 1] = args[i];
	if (pipe2(fds, O_CLOEXEC))
		abort();
	pid_t pid = fork();
	if (pid < 0)
		abort();
	if (!pid) {
		dup2(fds[1], STDOUT_FILENO);
		dup2(fds[1], STDERR_FILENO);
		execv(path, (char *const *)argv);
		_exit(127);
	}
	close(fds[1]);
	*out = fds[0];
	return pid;
}

/* Reads until `until` was read, the end, or the deadline. */
static void read_until(int fd, char *out, size_t size, const char *until, unsigned ms)
{
	uint64_t deadline = deadline_in(ms);
	size_t used = 0;

	out[0] = '\0';
	while (used + 1 < size && myc_clock_ns() < deadline && !(until && strstr(out, until))) {
		struct pollfd polled = {.fd = fd, .events = POLLIN};

		if (poll(&polled, 1, 20) <= 0)
			continue;
		ssize_t got = read(fd, out + used, size - 1 - used);
		if (got <= 0)
			break;
		used += (size_t)got;
		out[used] = '\0';
	}
}

static int exit_code(pid_t pid, unsigned ms)
{
	uint64_t deadline = deadline_in(ms);
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (myc_clock_ns() > deadline) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return -1;
		}
		usleep(1000);
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int live_start(struct live *live, const char *const *extra)
{
	const char *args[16] = {"run",	      live->topology, "--report",
				live->report, "--log",	      live->log};
	char text[4096];

	for (int i = 6; extra && *extra; i++)
		args[i] = *extra++;
	live->launcher = run(live, args, &live->out);
	read_until(live->out, text, sizeof(text), "Ctrl-C stops it\n", 2 * DEADLINE_MS);
	if (strstr(text, "Ctrl-C stops it\n"))
		return 0;
	snprintf(live->text, LIVE_TEXT, "%s", text);
	return live_wait_end(live);
}

int live_wait_end(struct live *live)
{
	int code = exit_code(live->launcher, 2 * DEADLINE_MS);

	live->launcher = 0;
	/* What it said last. After a kill -9 of it the pipe is still its children's. */
	size_t used = strlen(live->text);
	if (live->out >= 0 && used < 4096) {
		read_until(live->out, live->text + used, 4096, NULL, 100);
		close(live->out);
		live->out = -1;
	}
	return code;
}

int live_myc(const struct live *live, char *out, size_t size, const char *const *args)
{
	int fd;
	pid_t pid = run(live, args, &fd);

	read_until(fd, out, size, NULL, 2 * DEADLINE_MS);
	close(fd);
	return exit_code(pid, DEADLINE_MS);
}

static void print_log(const struct live *live)
{
	FILE *file = fopen(live->log, "re");
	char line[512];

	while (file && fgets(line, sizeof(line), file))
		print_message("log: %s", line);
	if (file)
		fclose(file);
}

void live_stop(struct live *live)
{
	char out[8192];
	int code = live_myc(live, out, sizeof(out), (const char *[]){"stop", live->system, NULL});

	if (code) {
		print_message("myc stop: %s\n", out);
		print_log(live);
	}
	assert_int_equal(code, 0);
	assert_non_null(strstr(out, "ok\n"));
	assert_int_equal(live_wait_end(live), 0);
	assert_int_equal(
		live_myc(live, out, sizeof(out), (const char *[]){"ps", live->system, NULL}), 2);
}

static void unlink_in(const struct live *live, const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", live->dir, name);
	unlink(path);
}

void live_close(struct live *live)
{
	if (live->launcher) {
		/* Twice: the second kills the holder, and everything with it. */
		kill(live->launcher, SIGTERM);
		usleep(1000);
		kill(live->launcher, SIGTERM);
		live_wait_end(live);
	}
	if (live->out >= 0)
		close(live->out);
	unlink_in(live, "topology.yaml");
	unlink_in(live, "log");
	unlink_in(live, "report.json");
	unlink_in(live, "capture.pcap");
	rmdir(live->dir);
	free(live->text);
}

/* ---- looking --------------------------------------------------------------------------------- */

bool live_look(struct live *live)
{
	const char *const args[] = {"ps", live->system, "--json", NULL};

	return live_myc(live, live->text, LIVE_TEXT, args) == 0;
}

static const char *value_of(const struct live *live, const char *name, const char *key)
{
	char text[128];
	const char *at = live->text;

	if (name) {
		snprintf(text, sizeof(text), "\"name\": \"%s\"", name);
		at = strstr(at, text);
	}
	snprintf(text, sizeof(text), "\"%s\": ", key);
	at = at ? strstr(at, text) : NULL;
	return at ? at + strlen(text) : NULL;
}

int64_t live_number(const struct live *live, const char *name, const char *key)
{
	const char *value = value_of(live, name, key);

	return value ? strtoll(value, NULL, 10) : -1;
}

void live_string(const struct live *live, const char *name, const char *key, char *out, size_t size)
{
	const char *value = value_of(live, name, key);

	out[0] = '\0';
	if (value && *value == '"')
		snprintf(out, size, "%.*s", (int)strcspn(value + 1, "\""), value + 1);
}

int64_t live_status(const struct live *live, const char *actor, const char *key)
{
	char status[256], text[64];

	live_string(live, actor, "status", status, sizeof(status));
	snprintf(text, sizeof(text), "%s=", key);
	for (const char *at = status; (at = strstr(at, text)); at++)
		if (at == status || at[-1] == ' ')
			return strtoll(at + strlen(text), NULL, 10);
	return -1;
}

bool live_logged(const struct live *live, const char *text)
{
	FILE *file = fopen(live->log, "re");
	char line[1024];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, text) != NULL;
	if (file)
		fclose(file);
	return found;
}

void live_until(struct live *live, const char *what, bool (*done)(struct live *live, void *context),
		void *context)
{
	uint64_t deadline = deadline_in(DEADLINE_MS);

	while (myc_clock_ns() < deadline) {
		if (live_look(live) && done(live, context))
			return;
		usleep(LOOK_US);
	}
	print_log(live);
	print_message("last seen: %s\n", live->text);
	fail_msg("not within %d ms: %s", DEADLINE_MS, what);
}

static bool is_called(pid_t pid, const char *comm)
{
	char path[48], text[64] = "";

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	FILE *file = fopen(path, "re");
	if (!file)
		return false;
	bool got = fgets(text, sizeof(text), file) != NULL;
	fclose(file);
	text[strcspn(text, "\n")] = '\0';
	return got && !strcmp(text, comm);
}

static pid_t child_called(pid_t parent, const char *comm)
{
	char path[64];
	int pid;
	pid_t found = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", (int)parent, (int)parent);
	FILE *file = fopen(path, "re");
	while (file && !found && fscanf(file, "%d", &pid) == 1)
		if (is_called(pid, comm))
			found = pid;
	if (file)
		fclose(file);
	return found;
}

pid_t live_pid_of(const struct live *live, const char *comm)
{
	pid_t holder = child_called(live->launcher, "myc-holder");

	return strcmp(comm, "myc-holder") != 0 && holder ? child_called(holder, comm) : holder;
}
