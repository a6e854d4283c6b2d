/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A frame: a message as it goes over a stream or lies in a file. docs/FRAME.md has it byte by byte, with
 * test vectors. All numbers little-endian.
 *
 *	header, 64 bytes | options, each padded to 8 bytes | body
 *
 * Frames follow each other without anything between them.
 */
#ifndef MYCELIUM_ABI_FRAME_H
#define MYCELIUM_ABI_FRAME_H

#include <assert.h>
#include <stdint.h>

#define MYC_FRAME_MAGIC	      0x4643594du /* "MYCF" */
#define MYC_FRAME_FORMAT      1
#define MYC_FRAME_HEADER_SIZE 64
#define MYC_FRAME_MAX	      0x40000000u /* bytes of a frame */
#define MYC_FRAME_OPTIONS_MAX 65528u	  /* bytes of its options */

/* A reader that does not know a flag of the low byte passes over the frame; others it does not look at. */
enum myc_frame_flag {
	MYC_FRAME_CHECKSUM = 1 << 0, /* header_check and content_check are there; else both are 0 */
	MYC_FRAME_HEADED = 1 << 1,   /* the body begins with the schema's message header */
	MYC_FRAME_REPLY = 1 << 2,    /* the answer to the message with this correlation */
	MYC_FRAME_URGENT = 1 << 8,   /* as MYC_MESSAGE_URGENT */
	MYC_FRAME_REDELIVERED = 1 << 9, /* as MYC_MESSAGE_REDELIVERED */
};
#define MYC_FRAME_FLAGS_MUST 0x00ffu /* whose meaning must be known */

struct myc_frame_header {
	uint32_t magic;	  /* MYC_FRAME_MAGIC */
	uint32_t length;  /* of the frame, header and all */
	uint16_t format;  /* MYC_FRAME_FORMAT */
	uint16_t flags;	  /* enum myc_frame_flag */
	uint16_t options; /* bytes of options, a multiple of 8 */
	uint16_t version; /* of the schema, by which the body was written */
	uint32_t schema;  /* id; 0: the body is not SBE, template_id is the message's type */
	uint32_t template_id;
	uint32_t block_length;	/* of the root block, as it was written */
	uint32_t reserved;	/* written as 0, not looked at */
	uint64_t from;		/* myc_address; 0 = nobody */
	uint64_t to;		/* myc_address; 0 = whoever reads */
	uint64_t correlation;	/* not 0: a reply is waited for, or this is one */
	uint32_t content_check; /* CRC32C of all behind the header */
	uint32_t header_check;	/* CRC32C of the 60 bytes before it */
};
static_assert(sizeof(struct myc_frame_header) == MYC_FRAME_HEADER_SIZE, "one cache line");
static_assert(__builtin_offsetof(struct myc_frame_header, options) == 12, "layout");
static_assert(__builtin_offsetof(struct myc_frame_header, block_length) == 24, "layout");
static_assert(__builtin_offsetof(struct myc_frame_header, from) == 32, "layout");
static_assert(__builtin_offsetof(struct myc_frame_header, header_check) == 60, "layout");

/* An option: this, `length` bytes of value, zeros up to a multiple of 8. */
struct myc_frame_option_header {
	uint16_t type; /* enum myc_frame_option_type, perhaps with MYC_FRAME_OPTION_MUST */
	uint16_t length;
};
static_assert(sizeof(struct myc_frame_option_header) == 4, "layout");

/* Each at most once in a frame. */
enum myc_frame_option_type {
	MYC_FRAME_DEADLINE = 1, /* u64: nanoseconds since 1970-01-01 UTC, not 0 */
	MYC_FRAME_TRACE = 2, /* trace id 16, span id 8, flags 1: the bytes of W3C's traceparent */
	MYC_FRAME_PRIORITY = 3,	       /* u8: more goes first; without it 0 */
	MYC_FRAME_OPTION_OWN = 0x4000, /* from here to 0x7fff: applications', never with MUST */
};
#define MYC_FRAME_OPTION_MUST 0x8000u /* who does not know this option passes over the frame */
#define MYC_FRAME_TRACE_SIZE  25

#endif
