/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a capture holds, message by message, as a test reads it by itself: the truth that an actor's
 * recording is held against. Aborts the test (cmocka assertion) on what it does not understand.
 */
#ifndef TESTS_COMMON_SENT_H
#define TESTS_COMMON_SENT_H

#include <stdbool.h>
#include <stdint.h>

struct sent_message {
	uint64_t checksum; /* as in struct recorder_record */
	uint64_t symbol;   /* 0 = of no instrument */
};

/* Messages 1..n of a capture (also gzipped) of Ethernet, IPv4 without options and UDP, into out[1..n]
 * by number; n < max. IEX-TP, or MoldUDP64 of a generated day. Returns n. */
uint64_t sent_messages(const char *file, bool iex, struct sent_message *out, uint64_t max);

#endif
