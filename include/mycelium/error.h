/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors of set-up and control: a chain of root cause, what was being done, and the remedy.
 *
 * Functions return 0 or -errno. Those that can fail for a reason a person must act on take a
 * `struct myc_error *` (may be NULL) and fill it before they return non-zero. Nothing in the
 * library prints. The hot path has no errors of this kind: it returns -errno and counts.
 */
#ifndef MYCELIUM_ERROR_H
#define MYCELIUM_ERROR_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_error {
	int code;	  /* -errno */
	char cause[320];  /* "feed.yaml:12: channels[0].port: 70000 is not a port" */
	char doing[320];  /* "opening endpoint 'book' on veth1 queue 0: binding the socket" */
	char remedy[320]; /* "use 1 to 65535" */
};

/* Sets cause (printf style) and remedy (may be NULL), clears doing. Returns `code` (a -errno), so
 * that `return myc_error_set(...)` reads well. `error` may be NULL. Any thread. */
int myc_error_set(struct myc_error *error, int code, const char *remedy, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* Puts the text and a colon in front of what is in doing. Returns error->code, or -EIO for NULL. */
int myc_error_doing(struct myc_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Writes "doing: cause (remedy)" as one line, always terminated. Returns what snprintf would. */
int myc_error_format(const struct myc_error *error, char *out, size_t size);

#ifdef __cplusplus
}
#endif
#endif
