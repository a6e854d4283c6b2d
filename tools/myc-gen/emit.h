/* SPDX-License-Identifier: Apache-2.0 */
/* The model as C. Output depends on nothing but the schema and the options. */
#ifndef MYC_GEN_EMIT_H
#define MYC_GEN_EMIT_H

#include <stdio.h>

#include "myc-gen/model.h"

struct gen_emit {
	FILE *file;
	const struct gen_schema *schema;
	const char *p, *P;	/* prefix, in small and in capital letters */
	const char *order;	/* "le" or "be": ends the names of loads and stores */
	const char *same_order; /* C condition: the host has the schema's byte order */
	bool told;		/* header or a dimension counts groups and data */
	const struct gen_type *unknown_dimension, *unknown_data; /* NULL = more than one shape */
};

/* emit.c: the whole header. name: of the file, for the include guard. */
void gen_emit_header(struct gen_schema *schema, FILE *file, const char *name);

void out(struct gen_emit *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *text(struct gen_emit *e, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *capitals(struct gen_emit *e, const char *name);
/* A comment line (indent tabs before it) of what the schema says about an element; nothing if it
 * says nothing. lead may be NULL. */
void comment(struct gen_emit *e, int indent, const char *lead, const char *description,
	     uint32_t since, uint32_t deprecated);
/* A C string literal, or NULL. */
char *quoted(struct gen_emit *e, const char *text);

/* The C type of a primitive, the word for it in names of loads, a value of it as C. */
const char *c_type(enum gen_primitive primitive);
const char *load_name(enum gen_primitive primitive);
char *c_value(struct gen_emit *e, enum gen_primitive primitive, uint64_t bits);

/* Is the type a C enum? */
bool is_c_enum(const struct gen_type *type);
/* Leaves that are handed over as struct myc_sbe_bytes. */
bool is_bytes(const struct gen_leaf *leaf);
char *leaf_type(struct gen_emit *e, const struct gen_leaf *leaf);
char *leaf_null(struct gen_emit *e, const struct gen_leaf *leaf);
char *leaf_constant(struct gen_emit *e, const struct gen_leaf *leaf);

/* Groups and data of a block, and what its dimensions or header tell of their number. */
unsigned groups_of(const struct gen_block *block);
unsigned datas_of(const struct gen_block *block);
bool tells(const struct gen_emit *e, const struct gen_block *block);
/* No parts, and none that a newer schema could have told of: entries have one stride. */
bool is_flat(const struct gen_emit *e, const struct gen_block *block);
/* "version >= 2", or "true". */
char *born(struct gen_emit *e, const char *version, uint32_t since);
/* Where a member of a composite lies. */
uint32_t member_at(const struct gen_type *composite, const char *name);
const struct gen_type *member_type(const struct gen_type *composite, const char *name);

void emit_types(struct gen_emit *e);  /* emit_types.c */
void emit_shapes(struct gen_emit *e); /* emit_shapes.c: header, dimensions, data */
void emit_view(struct gen_emit *e, const struct gen_block *block);	 /* emit_view.c */
void emit_getters(struct gen_emit *e, const struct gen_block *block);	 /* emit_getters.c */
void emit_encoder(struct gen_emit *e, const struct gen_block *block);	 /* emit_encoder.c */
void emit_setters(struct gen_emit *e, const struct gen_block *block);	 /* emit_setters.c */
void emit_struct(struct gen_emit *e, const struct gen_block *block);	 /* emit_struct.c */
void emit_load_store(struct gen_emit *e, const struct gen_block *block); /* emit_struct.c */
void emit_equal(struct gen_emit *e, const struct gen_block *block);	 /* emit_equal.c */
void emit_check(struct gen_emit *e, const struct gen_block *block);	 /* emit_check.c */
void emit_print(struct gen_emit *e, const struct gen_block *block);	 /* emit_print.c */
void emit_print_any(struct gen_emit *e);
void emit_info(struct gen_emit *e); /* emit_info.c */

/* emit_actor.c: for each interface a ref, sends, a behaviour; emit_actor_make.c; emit_actor_message.c: how each of its
 * messages travels. Nothing without interfaces. */
void emit_actors(struct gen_emit *e);
void emit_actor_message(struct gen_emit *e, const struct gen_block *message);

#endif
