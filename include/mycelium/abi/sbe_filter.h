/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * What the steering program knows of a channel's SBE schema: where a message says which template it
 * is, and where messages of the templates that may be dropped name their instruments, in the root
 * block or in the entries of groups. Made from the schema file (tools/myc-gen/filter.c); read by the
 * program, written before it is attached, then never.
 *
 * Block lengths and counts come from the packet. Whatever is not exactly as this table says passes:
 * another schema, a template without a row, a block too short for the field, an instrument that is
 * null or 0, a message that names no instrument, groups behind the known ones.
 */
#ifndef MYCELIUM_ABI_SBE_FILTER_H
#define MYCELIUM_ABI_SBE_FILTER_H

#include <stdint.h>

#define MYC_SBE_TEMPLATES_MAX 32
#define MYC_SBE_ROWS	      64 /* open addressing from (template id & 63) on */
#define MYC_SBE_ROW_PROBES    8
#define MYC_SBE_GROUPS_MAX    4
#define MYC_SBE_STEPS_MAX     256 /* of a packet: a message, a group, or MYC_SBE_STEP entries each */
#define MYC_SBE_STEP	      4

/* An unsigned integer; width 1 or 2, 0 = there is none. */
struct myc_sbe_number {
	uint8_t at; /* offset in its header */
	uint8_t width;
};

struct myc_sbe_group_row {
	uint64_t null;
	uint16_t offset;   /* of the instrument in an entry */
	uint8_t width;	   /* 1, 2, 4, 8; 0 = entries have no instrument */
	uint8_t dimension; /* bytes */
	struct myc_sbe_number length, count;
	struct myc_sbe_number groups, data; /* within an entry; must be 0 */
	uint8_t reserved[4];
};
_Static_assert(sizeof(struct myc_sbe_group_row) == 24, "layout");

/* A template that may be dropped. */
struct myc_sbe_row {
	uint64_t null;
	uint16_t used; /* 0 = free */
	uint16_t template_id;
	uint16_t offset;      /* of the instrument in the root block */
	uint8_t width;	      /* 0 = the root has none */
	uint8_t groups;	      /* to be walked */
	uint16_t keep_offset; /* a byte of the root block: messages with one of these bits pass */
	uint8_t keep_bits;
	uint8_t exact; /* the last group that is walked ends the message */
	uint8_t reserved[4];
	struct myc_sbe_group_row group[MYC_SBE_GROUPS_MAX];
};
_Static_assert(sizeof(struct myc_sbe_row) == 120, "layout");

struct myc_sbe_filter {
	uint16_t schema_id;
	uint16_t encoding; /* B3: of the framing header; 0 = there is none */
	uint8_t prefix; /* bytes before the message header, of which 2 are its length; 0: no length */
	uint8_t prefix_more; /* bytes of the prefix that the length does not count */
	uint8_t big_endian;
	uint8_t header; /* bytes */
	struct myc_sbe_number block, template_id, schema;
	struct myc_sbe_number groups, data; /* Deribit; must be as the row says, and 0 */
	uint8_t reserved[6];
	struct myc_sbe_row row[MYC_SBE_ROWS];
};
_Static_assert(sizeof(struct myc_sbe_filter) == 24 + 120 * MYC_SBE_ROWS, "layout");

#endif
