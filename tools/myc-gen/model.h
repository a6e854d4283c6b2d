/* SPDX-License-Identifier: Apache-2.0 */
/* What a message schema of FIX Simple Binary Encoding 1.0 says, as the steps of myc-gen pass it on:
 *
 *   read.c  XML to this model: elements, attributes, names, numbers
 *   bind.c  names of types to types; literals to values
 *   rules.c the standard's rules ("Schema validation") that need the whole schema
 *   layout.c offsets, sizes, block lengths by version; the leaves of each block
 *   interface.c which messages actors accept: names to messages, and what can travel
 *   emit_*.c C
 *
 * Everything lies in one arena and lives as long as the schema. Lists are in the schema's order. */
#ifndef MYC_GEN_MODEL_H
#define MYC_GEN_MODEL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GEN_INTERFACE_NS "urn:mycelium:actors" /* XML namespace of <myc:interface> */
#define GEN_NONE	 0xffffffffu /* an attribute that is not there: offset, blockLength, deprecated */

enum gen_primitive {
	GEN_CHAR,
	GEN_INT8,
	GEN_UINT8,
	GEN_INT16,
	GEN_UINT16,
	GEN_INT32,
	GEN_UINT32,
	GEN_INT64,
	GEN_UINT64,
	GEN_FLOAT,
	GEN_DOUBLE,
	GEN_PRIMITIVES
};

enum gen_presence { GEN_UNSAID, GEN_REQUIRED, GEN_OPTIONAL, GEN_CONSTANT };

enum gen_kind { GEN_TYPE, GEN_ENUM, GEN_SET, GEN_COMPOSITE, GEN_REF };

struct gen_where {
	const char *file;
	long line;
	const char *element, *name; /* name NULL = the element has none */
};

/* A value of a primitive type: integers as their 64 bits (sign extended), float and double as the
 * bits of a double. */
struct gen_literal {
	const char *text; /* NULL = not given */
	uint64_t bits;
};

/* A validValue of an enum, or a choice of a set (value = its bit). */
struct gen_value {
	struct gen_value *next;
	struct gen_where where;
	const char *name, *c_name, *description, *text;
	uint64_t value;
	uint32_t since, deprecated;
};

struct gen_type {
	struct gen_type *next;
	struct gen_where where;
	enum gen_kind kind;
	const char *name, *c_name; /* c_name: prefix and, within a composite, the way down to it */
	const char *short_name;	   /* as a member of a composite's struct */
	const char *description, *semantic_type, *character_encoding, *time_unit, *epoch;
	enum gen_presence presence;
	uint32_t offset, since, deprecated;

	/* <type>; enum and set take primitive, null and presence from their encoding */
	enum gen_primitive primitive;
	uint32_t length;
	bool length_given;
	struct gen_literal null, min, max, constant;
	const char *value_ref;

	const char *encoding;	  /* enum, set: encodingType; ref: type */
	struct gen_type *target;  /* what a ref stands for */
	struct gen_value *values; /* enum, set */
	struct gen_type *members; /* composite */

	/* layout */
	uint32_t at, size; /* in its composite; 0 bytes when constant */
	uint32_t leaves;   /* values within, itself if it is one */
	bool variable;	   /* a composite with a member of length 0 */
	int visit;	   /* 1 = being laid out, 2 = done */
};

struct gen_field {
	struct gen_field *next;
	struct gen_where where;
	const char *name, *c_name, *type_name, *description, *semantic_type, *time_unit, *epoch,
		*value_ref;
	struct gen_type *type; /* never a ref */
	enum gen_presence presence;
	uint32_t id, offset, since, deprecated;
	uint32_t at;
};

/* One value of a block that has an accessor: a field, or a member of a composite field. */
struct gen_leaf {
	struct gen_leaf *next;
	const struct gen_field *field;
	const struct gen_type *type; /* type, enum or set */
	const char *name;	     /* "engine_capacity" */
	const char *path;	     /* "engine.capacity": in the struct form */
	const char *dotted;	     /* the same in the schema's names */
	enum gen_primitive primitive;
	uint32_t count, at, since;
	bool optional, constant;
	struct gen_literal value;	/* of a constant */
	const struct gen_value *chosen; /* a constant that is an enum's value */
	const struct gen_type *chosen_of;
};

/* From this version on a block has at least this length. */
struct gen_step {
	struct gen_step *next;
	uint32_t version, length;
};

/* A message, or a group within one. */
struct gen_block {
	struct gen_block *next;
	struct gen_where where;
	const char *name, *c_name, *short_name, *description, *semantic_type, *dimension_name;
	uint32_t id, block_length, since, deprecated;
	struct gen_field *fields, *data;
	struct gen_block *groups, *parent;
	struct gen_type *dimension;

	uint32_t length; /* layout */
	struct gen_leaf *leaves;
	struct gen_step *steps; /* by version, the first at the block's own birth */
};

/* A message that an interface accepts. */
struct gen_accept {
	struct gen_accept *next;
	struct gen_where where;
	const char *message_name, *answer_name, *description; /* answer_name NULL = none */
	uint32_t since, deprecated; /* since: of the message, if that is later */
	const struct gen_block *message, *answer;
};

/* What an actor accepts: <myc:interface>, our own element beside the messages. */
struct gen_interface {
	struct gen_interface *next;
	struct gen_where where;
	const char *name, *c_name, *description;
	uint32_t id;
	struct gen_accept *accepts;
};

struct gen_schema {
	struct gen_arena *arena;
	struct gen_where where;
	const char *prefix; /* of every C name */
	const char *type_suffix;
	const char *package, *description, *semantic_version, *header_name;
	uint32_t id, version;
	bool big_endian, lenient;
	struct gen_type *types, *header;
	struct gen_block *messages;
	struct gen_interface *interfaces;
	unsigned errors;
	char *log; /* one line an error or warning */
	size_t log_size;
};

/* ---- arena.c ------------------------------------------------------------------------------- */

struct gen_arena;
struct gen_arena *gen_arena_new(void);
void gen_arena_free(struct gen_arena *arena);
void *gen_alloc(struct gen_arena *arena,
		size_t size); /* zeroed; ends the program when there is none */
char *gen_format(struct gen_arena *arena, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
char *gen_vformat(struct gen_arena *arena, const char *format, va_list list);

/* FILE:LINE: <element name="..."> attribute="value": what; remedy. attribute and value may be NULL. */
void gen_error(struct gen_schema *schema, const struct gen_where *where, const char *attribute,
	       const char *value, const char *format, ...) __attribute__((format(printf, 5, 6)));
/* A rule of the standard that real schemas break without harm: an error unless lenient. */
void gen_soft(struct gen_schema *schema, const struct gen_where *where, const char *attribute,
	      const char *value, const char *format, ...) __attribute__((format(printf, 5, 6)));
void gen_warning(struct gen_schema *schema, const struct gen_where *where, const char *attribute,
		 const char *value, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* ---- read.c: false when the file cannot be read at all (said in the log) -------------------- */

/* text NULL = read the file; else its content. base: a folder or file that XInclude starts from. */
bool gen_read(struct gen_schema *schema, const char *file, const char *text, size_t size);

/* ---- the other steps: they go on after errors and count them in schema->errors -------------- */

void gen_bind(struct gen_schema *schema);
void gen_rules(struct gen_schema *schema);
void gen_layout(struct gen_schema *schema);
void gen_interfaces(struct gen_schema *schema);
void gen_names(struct gen_schema *schema);

/* All of them, and an empty schema to start with; free with gen_close. */
struct gen_schema *gen_open(const char *prefix, const char *type_suffix, bool lenient);
bool gen_compile(struct gen_schema *schema, const char *file, const char *text, size_t size);
void gen_close(struct gen_schema *schema);

/* ---- primitive.c ---------------------------------------------------------------------------- */

extern const char *const gen_primitive_names[GEN_PRIMITIVES];
uint32_t gen_primitive_size(enum gen_primitive primitive);
bool gen_is_real(enum gen_primitive primitive);
bool gen_is_signed(enum gen_primitive primitive);
bool gen_is_unsigned(enum gen_primitive primitive);
int gen_primitive_named(const char *name); /* -1 = none */
/* The standard's own null, least and greatest value. */
uint64_t gen_null_bits(enum gen_primitive primitive);
uint64_t gen_min_bits(enum gen_primitive primitive);
uint64_t gen_max_bits(enum gen_primitive primitive);
/* NULL, or what is wrong with the text as a value of that type. */
const char *gen_parse(const char *text, enum gen_primitive primitive, uint64_t *bits);
int gen_compare(enum gen_primitive primitive, uint64_t a, uint64_t b);

/* The null of a type, enum or set (0 for sets). */
uint64_t gen_type_null(const struct gen_type *type);
struct gen_type *gen_type_named(const struct gen_schema *schema, const char *name);
struct gen_type *gen_member(const struct gen_type *composite, const char *name);
const struct gen_value *gen_value_named(const struct gen_type *type, const char *name);
static inline const struct gen_type *gen_target(const struct gen_type *type)
{
	return type && type->kind == GEN_REF ? type->target : type;
}

#endif
