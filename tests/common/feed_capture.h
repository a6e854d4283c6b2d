/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What myc-feed wrote, read by code that shares nothing with it: a classic pcap file taken apart
 * into packets and messages; and running the tool. Errors in the file fail the test.
 */
#ifndef TESTS_COMMON_FEED_CAPTURE_H
#define TESTS_COMMON_FEED_CAPTURE_H

#include "common/test.h"

struct feed_packet {
	uint64_t time_ns;
	uint32_t group; /* host order */
	uint16_t port;
	uint16_t vlan[2];
	int vlans;
	const uint8_t *payload;
	uint32_t size;
	/* MoldUDP64: */
	char session[11];
	uint64_t sequence;
	uint16_t count;
};

struct feed_capture {
	uint8_t *bytes;
	size_t size;
	struct feed_packet *packet;
	size_t packets;
};

enum feed_contents {
	FEED_FOREIGN,  /* frames of others: lengths are checked, UDP checksums may be wrong */
	FEED_PAYLOADS, /* frames of ours: checksums, too */
	FEED_MOLD,     /* and the payloads are MoldUDP64 */
};

/* Fails the test where a length, checksum or block does not add up. */
void feed_capture_read(struct feed_capture *capture, const char *path, enum feed_contents contents);
void feed_capture_free(struct feed_capture *capture);

/* Runs $BUILD/bin/myc-feed with these arguments (split at spaces). Returns its exit code; err takes
 * what it said on stderr. */
int feed_run(const char *arguments, char *err, size_t size);
/* The same, for runs that must succeed. printf style. */
void feed_make(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The whole file, zero-terminated; free() it. */
char *feed_file(const char *path, size_t *size);
/* The number behind the first "name": behind `from`. */
uint64_t feed_number(const char *from, const char *name);
/* A path in a folder of this test run, which goes with feed_scratch_remove. Up to 8 at a time. */
const char *feed_scratch(const char *name);
int feed_scratch_make(void **state);
int feed_scratch_remove(void **state);

#endif
