/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The 32 bytes in front of every packet that reaches an endpoint.
 *
 * include/mycelium/abi/ holds the layouts shared between the kernel half (bpf/), the processes of
 * a system and its tools. It leans on nothing but <stdint.h>; every struct here has fixed-width
 * fields, explicit padding and asserted offsets.
 *
 * Writer: the steering program (or its user-space twin), last thing before the redirect, at
 * packet - 32. Readers: the endpoint that the packet was steered to. Never changed afterwards.
 * 32 bytes is the most that Linux 6.1 lets a program put in front of a packet.
 */
#ifndef MYCELIUM_ABI_META_H
#define MYCELIUM_ABI_META_H

#include <stdint.h>

#define MYC_META_VERSION 1
#define MYC_META_SIZE	 32

/* myc_meta.flags. A packet with no flag set was fully understood, in order or merely early. */
enum myc_meta_flag {
	MYC_META_HEARTBEAT = 1 << 0,	   /* no messages; sequence = next expected */
	MYC_META_END_OF_SESSION = 1 << 1,  /* MoldUDP64 count 0xFFFF; sequence = next expected */
	MYC_META_SUSPECT_RESET = 1 << 2,   /* this line stepped back beyond its reorder window */
	MYC_META_UNKNOWN_SESSION = 1 << 3, /* the session is not the one user space announced */
	MYC_META_MALFORMED = 1 << 4,   /* header or block walk did not add up; do not trust count */
	MYC_META_UNSEQUENCED = 1 << 5, /* protocol without a sequence: sequence and gap are 0 */
	MYC_META_CAPPED = 1 << 6,      /* more messages than the filter walks: passed unlooked */
};

struct myc_meta {
	uint64_t receive_ns; /* CLOCK_MONOTONIC at the program's entry */
	uint64_t sequence;   /* number of the first message (or next expected, heartbeats) */
	uint32_t gap; /* sequence - highest next of the channel, saturating; 0 = none. A hint */
	uint32_t
		filtered; /* messages filtered on the channel since the last delivery, saturating. A hint */
	uint16_t channel; /* index in the channel table */
	uint16_t count;	  /* messages the packet says it holds (1 where packets are numbered); 0 for
			    heartbeat and end of session */
	uint8_t version;  /* MYC_META_VERSION */
	uint8_t line;	  /* 0 = A, 1 = B, ... */
	uint8_t epoch;	  /* low 8 bits of the epoch the packet was judged under */
	uint8_t flags;	  /* enum myc_meta_flag */
};
_Static_assert(sizeof(struct myc_meta) == MYC_META_SIZE, "metadata is 32 bytes");
_Static_assert(__builtin_offsetof(struct myc_meta, gap) == 16, "layout");
_Static_assert(__builtin_offsetof(struct myc_meta, channel) == 24, "layout");
_Static_assert(__builtin_offsetof(struct myc_meta, flags) == 31, "layout");

#endif
