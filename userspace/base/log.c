/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct {
	char who[32];
	int fd;
	enum myc_log_level level;
} log_state = {.who = "mycelium", .fd = STDERR_FILENO, .level = MYC_LOG_INFO};

void myc_log_open(const char *who, int fd, enum myc_log_level level)
{
	snprintf(log_state.who, sizeof(log_state.who), "%s", who);
	log_state.fd = fd;
	log_state.level = level;
}

void myc_log(enum myc_log_level level, const char *format, ...)
{
	static const char *const names[] = {"error", "warning", "info", "debug"};
	int saved = errno;
	struct timespec now;
	struct tm tm;
	char line[1024];
	size_t used;
	va_list args;

	if (log_state.fd < 0 || level > log_state.level)
		return;
	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	used = strftime(line, sizeof(line), "%Y-%m-%dT%H:%M:%S", &tm);
	used += (size_t)snprintf(line + used, sizeof(line) - used,
				 ".%06ldZ %s[%d] %s: ", now.tv_nsec / 1000, log_state.who,
				 (int)getpid(), names[level]);
	va_start(args, format);
	int n = vsnprintf(line + used, sizeof(line) - used - 1, format, args);
	va_end(args);
	if (n > 0)
		used += (size_t)n < sizeof(line) - used - 1 ? (size_t)n : sizeof(line) - used - 2;
	line[used++] = '\n';
	/* A log that cannot be written has nowhere to be reported. */
	ssize_t ignored = write(log_state.fd, line, used);
	(void)ignored;
	errno = saved;
}
