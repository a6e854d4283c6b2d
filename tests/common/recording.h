/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A system with one recording actor, and what it recorded held against what the feed says it sent.
 * Shared by the end-to-end tests. Everything aborts the test (cmocka assertion) with its reason.
 */
#ifndef TESTS_COMMON_RECORDING_H
#define TESTS_COMMON_RECORDING_H

#include <jansson.h>

#include "actors/recorder.h"
#include "common/lab.h"

/* Maps a fresh recorder file of `records` records, lab folder / name. */
struct recorder_log *recording_new(const struct lab *lab, const char *name, uint64_t records);
void recording_free(struct recorder_log *log);

/* Loads a JSON file of the lab's folder. */
json_t *lab_json(const struct lab *lab, const char *name);
/* Number at a path like "lines.0.messages_sent". */
int64_t json_at(const json_t *root, const char *path);

/* Waits until the stream has come to message number `next` (an END, or whatever covers next - 1). */
void recording_until(const struct recorder_log *log, uint64_t next, uint32_t timeout_ms);

struct recording_sums {
	uint64_t messages, gaps, lost, filtered, in_doubt, resumed, sessions, ends, malformed;
	uint64_t first, next; /* of the last session */
};

/*
 * Walks the record: within a session every number from the first to the last appears exactly once,
 * in order, as MESSAGE, or inside a GAP, FILTERED or IN_DOUBT. Returns sums.
 */
struct recording_sums recording_walk(const struct recorder_log *log);

/* The gaps recorded are exactly the ranges that `truth` (the feed's report) says were lost on all
 * lines and revealed by something later. */
void recording_gaps_are(const struct recorder_log *log, const json_t *truth);

#endif
