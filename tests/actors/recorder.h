/* SPDX-License-Identifier: Apache-2.0 */
/* What the recorder actor writes: a file that outlives its process, read by the tests. */
#ifndef TESTS_ACTORS_RECORDER_H
#define TESTS_ACTORS_RECORDER_H

#include <stdint.h>

struct recorder_record {
	uint64_t sequence;
	uint64_t count;
	uint64_t checksum; /* FNV-1a of the message */
	uint32_t size;
	uint16_t channel;
	uint8_t kind; /* enum myc_feed_kind */
	uint8_t line;
};

/* The file: this, then the records. `count` is stored last, so a crash loses at most the record in
 * hand. Counts go on when the limit is reached; records do not. */
struct recorder_log {
	uint64_t count;
	uint64_t capacity;
	uint64_t starts;     /* of the actor: init calls */
	uint64_t heartbeats; /* counted, not recorded */
	uint64_t stalled;    /* written by the test: the actor stays in its handler until it is 0 */
	uint64_t reserved[3];
	struct recorder_record record[];
};

#endif
