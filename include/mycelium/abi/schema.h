/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which schemas a process speaks, in its region (MYC_BLOCK_SCHEMAS): for every process that is about to send it
 * something, and for tools.
 *
 *	struct myc_schemas | row[MYC_SCHEMAS_MAX] | item[items] | texts
 *
 * Writer of all: who joins as that process, before it has actors. incarnation is 0 meanwhile, and stored with
 * release at the end; pairs with the acquire in core/schemas.c. Readers copy what they look at, take no index,
 * count or text beyond the block, and look at incarnation again when they are through.
 */
#ifndef MYCELIUM_ABI_SCHEMA_H
#define MYCELIUM_ABI_SCHEMA_H

#include <assert.h>
#include <stdint.h>

#define MYC_SCHEMAS_VERSION 1
#define MYC_SCHEMAS_MAX	    64		 /* schemas and versions of them, of one process */
#define MYC_SCHEMAS_ROOM    (128u << 10) /* bytes of the block */
#define MYC_SCHEMA_NAME	    32

struct myc_schema_row {
	uint32_t id;
	uint32_t version;
	uint64_t hash;	/* of its items and their texts: equal, and nothing else needs comparing */
	uint32_t first; /* item */
	uint32_t items; /* 0 = they found no room: there is the hash only */
	uint32_t big_endian;
	uint32_t reserved;
	char name[MYC_SCHEMA_NAME]; /* its package, zero-terminated, cut if need be */
};
static_assert(sizeof(struct myc_schema_row) == 64, "layout");

/* In the order of the message: fields, groups, data. An enum's values follow their field. */
enum myc_schema_item_kind {
	MYC_SCHEMA_MESSAGE = 1, /* to its END; messages by ascending id */
	MYC_SCHEMA_FIELD = 2,	/* a value of a block; of a composite each member */
	MYC_SCHEMA_VALUE = 3,	/* of the enum or set of the field before */
	MYC_SCHEMA_GROUP = 4,	/* to its END */
	MYC_SCHEMA_DATA = 5,
	MYC_SCHEMA_END = 6,
};

struct myc_schema_item {
	uint8_t kind;	  /* enum myc_schema_item_kind */
	uint8_t type;	  /* enum myc_sbe_kind of a field */
	uint8_t presence; /* enum myc_sbe_presence of a field */
	uint8_t reserved;
	uint32_t id;	 /* of field, group, data; a message's template */
	uint32_t offset; /* of a field in its block */
	uint32_t size;	 /* bytes */
	uint32_t since;	 /* version */
	uint32_t
		name; /* offset in texts of name and primitive type or shape, each zero-terminated */
	uint64_t detail; /* hash of what else decides what a field says; of a value: it */
};
static_assert(sizeof(struct myc_schema_item) == 32, "layout");

struct myc_schemas {
	uint32_t version; /* MYC_SCHEMAS_VERSION; 0 = not laid out yet */
	uint32_t rows, items;
	uint32_t texts;	      /* bytes */
	uint64_t incarnation; /* of the process that wrote it; 0 = being written */
	uint64_t reserved[5];
	struct myc_schema_row row[MYC_SCHEMAS_MAX];
};
static_assert(sizeof(struct myc_schemas) == 64 + 64 * MYC_SCHEMAS_MAX, "layout");

#endif
