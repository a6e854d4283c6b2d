/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system under `myc run` for tests: its topology in a folder of its own, started and stopped by
 * the tool, looked at through `myc ps --json`. Every wait has a deadline; a failed one fails the
 * test. The folder and what still runs are gone after live_close, whatever happened.
 */
#ifndef TESTS_COMMON_LIVE_H
#define TESTS_COMMON_LIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define LIVE_TEXT (1 << 20)

struct live {
	char system[32];
	char dir[64];
	char topology[96], log[96], report[96];
	char bin[160], actors[200]; /* tools; the test actors' pair.so, absolute */
	pid_t launcher;		    /* 0 = none */
	int out;		    /* launcher's stdout, -1 = none */
	char *text;		    /* last `myc ps --json`, LIVE_TEXT bytes */
};

/* Writes the topology: `format` with one %s for the path of pair.so for each process. The text
 * "system: NAME" is put in front of it. */
void live_open(struct live *live, const char *name);
void live_topology(struct live *live, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/* Starts "myc run topology --report ... --log ... [extra]" and waits until it is up (0) or has
 * ended (its exit code). At most three extra arguments, NULL-terminated. */
int live_start(struct live *live, const char *const *extra);
/* The launcher's exit code, after waiting for its end. */
int live_wait_end(struct live *live);
/* Runs "myc ..." to its end; its output (both streams) into out. Returns the exit code. */
int live_myc(const struct live *live, char *out, size_t size, const char *const *args);
/* Ordered stop by `myc stop`; fails the test unless both it and the launcher exit with 0 and
 * nothing is left. */
void live_stop(struct live *live);
void live_close(struct live *live);

/* Reads `myc ps --json` into live->text; false when nobody answers. */
bool live_look(struct live *live);
/* A number or text of what was read last: after the object that has "name": `name`. */
int64_t live_number(const struct live *live, const char *name, const char *key);
/* "status" of an actor, a number in it: "seen=12" -> 12; -1 when it is not there. */
int64_t live_status(const struct live *live, const char *actor, const char *key);
/* A text value, copied. */
void live_string(const struct live *live, const char *name, const char *key, char *out,
		 size_t size);
/* Does the log say so? */
bool live_logged(const struct live *live, const char *text);

/* Looks until `done` says so, at most 15 s; else fails the test with `what` and the log. */
void live_until(struct live *live, const char *what, bool (*done)(struct live *live, void *context),
		void *context);
/* Pids of holder and supervisor, by their names below the launcher; 0 when there is none. */
pid_t live_pid_of(const struct live *live, const char *comm);

#endif
