/* SPDX-License-Identifier: Apache-2.0 */
/* Tables of schemas: made of what myc-gen says of them, read where others wrote them, compared. Control plane, any
 * thread; no allocation. */
#ifndef PROTOCOL_SCHEMA_H
#define PROTOCOL_SCHEMA_H

#include <mycelium/schema.h>

/* Lays out a table in a block of `size` bytes, which is at least sizeof(struct myc_schemas) and 8-byte aligned.
 * A schema whose items find no room is there by its hash; one that is there already is left out. Leaves incarnation
 * alone. -ENOSPC: more than MYC_SCHEMAS_MAX. */
int myc_schemas_write(struct myc_schemas *head, uint64_t size,
		      const struct myc_sbe_schema_info *const *schemas, uint32_t count);

/* Those that were declared. Returns how many. */
uint32_t myc_schemas_declared(const struct myc_sbe_schema_info *schemas[MYC_SCHEMAS_MAX]);

/* A table, perhaps another process': counts as its head had them, cut to the block. */
struct myc_schemas_view {
	const struct myc_schemas *head;
	const struct myc_schema_item *item;
	const char *text;
	uint32_t rows, items, texts;
};

/* False: there is no table. */
bool myc_schemas_view(struct myc_schemas_view *view, const struct myc_schemas *head, uint64_t size);
/* A copy, its name zero-terminated and printable. */
void myc_schemas_row(const struct myc_schemas_view *view, uint32_t row,
		     struct myc_schema_row *copy);

/* 0, or -EPROTO and the first difference in error->cause. */
int myc_schemas_compare(const struct myc_schemas_view *here, const struct myc_schemas_view *there,
			struct myc_error *error);

#endif
