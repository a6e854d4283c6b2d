/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Logging for processes (holder, supervisor, workers, tools): one line an event to a descriptor,
 * "2026-11-23T04:38:30.123456Z supervisor[812] info: text". Control plane only, any thread; a line
 * is one write(2), so lines of several processes do not mix. The library below runtime/ does not log.
 *
 * base/ is what everything else leans on: errors, logging, clock, histograms, bits. It leans on
 * nothing of ours.
 */
#ifndef MYC_BASE_LOG_H
#define MYC_BASE_LOG_H

enum myc_log_level { MYC_LOG_ERROR, MYC_LOG_WARN, MYC_LOG_INFO, MYC_LOG_DEBUG };

/* Who is speaking, where to and from which level on. fd -1 = nowhere. Call before threads start. */
void myc_log_open(const char *who, int fd, enum myc_log_level level);

void myc_log(enum myc_log_level level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#define myc_log_error(...) myc_log(MYC_LOG_ERROR, __VA_ARGS__)
#define myc_log_warn(...)  myc_log(MYC_LOG_WARN, __VA_ARGS__)
#define myc_log_info(...)  myc_log(MYC_LOG_INFO, __VA_ARGS__)

#endif
