/* SPDX-License-Identifier: Apache-2.0 */
/* myc stop: an ordered stop, its ledger, and a look whether anything was left. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"
#include "myc/myc.h"
#include "runtime/control.h"

#define NS_PER_MS 1000000ull
#define RETRY_US  20000
#define GONE_MS	  10000 /* for holder and launcher to end after the supervisor said so */

/* Does the launcher or the holder still live? They have the run directory locked. */
static bool is_held(int dir_fd)
{
	if (flock(dir_fd, LOCK_SH | LOCK_NB))
		return true;
	flock(dir_fd, LOCK_UN);
	return false;
}

/* A supervisor that dies under the question has a successor, which is asked again. */
static int ask(const char *name, int dir_fd, unsigned timeout_ms, struct myc_text *answer,
	       struct myc_error *error)
{
	uint64_t deadline = myc_clock_ns() + timeout_ms * NS_PER_MS;

	for (;;) {
		uint64_t now = myc_clock_ns();
		int left_ms = now < deadline ? (int)((deadline - now) / NS_PER_MS) : 0;
		int err = myc_control_ask(name, "stop", left_ms, answer, error);

		if (!err && answer->size)
			return 0;
		if (err && err != -ENOENT && err != -EPIPE && err != -ECONNRESET)
			return err;
		if (!is_held(dir_fd))
			return answer->size
				       ? 0
				       : myc_error_set(error, -ENOENT, "myc ps lists what runs",
						       "system '%s' does not run", name);
		if (!left_ms)
			return myc_error_set(error, -ETIMEDOUT, "kill -9 its holder",
					     "system '%s' does not stop", name);
		myc_text_free(answer);
		usleep(RETRY_US);
	}
}

/* Waits for the last processes, then looks for what they should have removed. */
static int look_for_leftovers(const char *name, const char *dir, int dir_fd)
{
	uint64_t deadline = myc_clock_ns() + GONE_MS * NS_PER_MS;
	char pins[128];
	int code = 0;

	while (is_held(dir_fd) && myc_clock_ns() < deadline)
		usleep(RETRY_US);
	if (is_held(dir_fd)) {
		fprintf(stderr, "myc: left: the holder or launcher of '%s' still lives\n", name);
		code = 1;
	} else if (!access(dir, F_OK)) {
		fprintf(stderr, "myc: left: %s\n", dir);
		code = 1;
	}
	snprintf(pins, sizeof(pins), "/sys/fs/bpf/mycelium/%s", name);
	if (!access(pins, F_OK)) {
		fprintf(stderr, "myc: left: %s (myc-load unload %s)\n", pins, name);
		code = 1;
	}
	return code;
}

int myc_stop_system(int argc, char **argv)
{
	static const struct option options[] = {{"timeout", required_argument, NULL, 't'}, {0}};
	char name[MYC_SYSTEM_NAME_MAX + 1], dir[256];
	struct myc_text answer = {0};
	struct myc_error error;
	long timeout_s = 60;
	char *end;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 't')
			return myc_complain_usage();
		timeout_s = strtol(optarg, &end, 10);
		if (end == optarg || *end || timeout_s < 1 || timeout_s > 3600)
			return myc_complain_usage();
	}
	if (argc - optind > 1)
		return myc_complain_usage();
	if (myc_name_of(argv[optind], name, sizeof(name), &error) ||
	    myc_run_dir(name, dir, sizeof(dir), &error))
		return myc_complain(&error);
	int dir_fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir_fd < 0) {
		myc_error_set(&error, -ENOENT, "myc ps lists what runs", "system '%s' does not run",
			      name);
		return myc_complain(&error);
	}
	if (ask(name, dir_fd, (unsigned)timeout_s * 1000, &answer, &error)) {
		close(dir_fd);
		return myc_complain(&error);
	}
	const char *text = myc_text_string(&answer);
	fputs(text, stdout);
	int code = look_for_leftovers(name, dir, dir_fd);
	if (strncmp(text, "failed:", 7) == 0 || strstr(text, "\nfailed:"))
		code = 1;
	myc_text_free(&answer);
	close(dir_fd);
	return code;
}
