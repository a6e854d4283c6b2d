/* SPDX-License-Identifier: Apache-2.0 */
/* The header as a whole, and the words that all parts of it are made of. */
#include <ctype.h>
#include <math.h>
#include <stdarg.h>
#include <string.h>

#include "myc-gen/emit.h"

void out(struct gen_emit *e, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	vfprintf(e->file, format, list);
	va_end(list);
}

char *text(struct gen_emit *e, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	char *result = gen_vformat(e->schema->arena, format, list);
	va_end(list);
	return result;
}

char *capitals(struct gen_emit *e, const char *name)
{
	char *result = text(e, "%s", name);

	for (char *c = result; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return result;
}

char *quoted(struct gen_emit *e, const char *from)
{
	if (!from)
		return text(e, "NULL");
	char *result = gen_alloc(e->schema->arena, 4 * strlen(from) + 3), *to = result;
	*to++ = '"';
	for (; *from; from++) {
		unsigned char c = (unsigned char)*from;

		if (c == '"' || c == '\\' || c == '?' || c < 0x20 || c >= 0x7f)
			to += sprintf(to, "\\%03o", c);
		else
			*to++ = (char)c;
	}
	*to = '"';
	return result;
}

/* Texts of a schema in a comment: in one line, and it cannot end the comment. */
static char *tame(struct gen_emit *e, const char *from)
{
	char *result = gen_alloc(e->schema->arena, 2 * strlen(from) + 1), *to = result;

	for (; *from; from++) {
		bool blank = isspace((unsigned char)*from) || iscntrl((unsigned char)*from);

		if (blank && (to == result || to[-1] == ' '))
			continue;
		if (to > result &&
		    ((to[-1] == '*' && *from == '/') || (to[-1] == '/' && *from == '*')))
			*to++ = ' ';
		*to++ = blank ? ' ' : *from == '\\' ? '/' : *from;
	}
	while (to > result && to[-1] == ' ')
		*--to = 0;
	return result;
}

void comment(struct gen_emit *e, int indent, const char *lead, const char *description,
	     uint32_t since, uint32_t deprecated)
{
	const char *parts[4] = {
		lead, description && *tame(e, description) ? tame(e, description) : NULL,
		since ? text(e, "since version %u", since) : NULL,
		deprecated != GEN_NONE ? text(e, "deprecated since version %u", deprecated) : NULL};
	bool any = false;

	for (int i = 0; i < 4; i++) {
		if (!parts[i])
			continue;
		if (any)
			out(e, "%s", i == 1 ? ": " : "; ");
		else
			out(e, "%.*s/* ", indent, "\t\t\t\t");
		out(e, "%s", parts[i]);
		any = true;
	}
	if (any)
		out(e, " */\n");
}

const char *c_type(enum gen_primitive primitive)
{
	static const char *const names[GEN_PRIMITIVES] = {
		"char",	    "int8_t",  "uint8_t",  "int16_t", "uint16_t", "int32_t",
		"uint32_t", "int64_t", "uint64_t", "float",   "double"};

	return names[primitive];
}

const char *load_name(enum gen_primitive primitive)
{
	return gen_primitive_names[primitive];
}

static char *real_value(struct gen_emit *e, enum gen_primitive primitive, double value)
{
	const char *f = primitive == GEN_FLOAT ? "f" : "";

	if (isnan(value))
		return text(e, "__builtin_nan%s(\"\")", f);
	if (isinf(value))
		return text(e, "%s__builtin_inf%s()", value < 0 ? "-" : "", f);
	return text(e, "%a%s", primitive == GEN_FLOAT ? (double)(float)value : value, f);
}

char *c_value(struct gen_emit *e, enum gen_primitive primitive, uint64_t bits)
{
	double real;

	memcpy(&real, &bits, sizeof(real));
	switch (primitive) {
	case GEN_CHAR:
		if (bits >= 0x20 && bits < 0x7f)
			return text(e, bits == '\'' || bits == '\\' ? "'\\%c'" : "'%c'", (int)bits);
		return text(e, bits < 0x80 ? "%d" : "(char)%d", (int)bits);
	case GEN_INT8:
	case GEN_INT16:
		return text(e, "%lld", (long long)bits);
	case GEN_UINT8:
	case GEN_UINT16:
		return text(e, "%llu", (unsigned long long)bits);
	case GEN_INT32:
		return (int64_t)bits == INT32_MIN ? text(e, "INT32_MIN")
						  : text(e, "%lld", (long long)bits);
	case GEN_UINT32:
		return text(e, "UINT32_C(%llu)", (unsigned long long)bits);
	case GEN_INT64:
		return (int64_t)bits == INT64_MIN ? text(e, "INT64_MIN")
						  : text(e, "INT64_C(%lld)", (long long)bits);
	case GEN_UINT64:
		return text(e, "UINT64_C(%llu)", (unsigned long long)bits);
	default:
		return real_value(e, primitive, real);
	}
}

bool is_c_enum(const struct gen_type *type)
{
	return type->kind == GEN_ENUM && gen_primitive_size(type->primitive) <= 2;
}

bool is_bytes(const struct gen_leaf *leaf)
{
	return leaf->type->kind == GEN_TYPE && leaf->count != 1 &&
	       (leaf->primitive == GEN_CHAR || leaf->primitive == GEN_UINT8);
}

char *leaf_type(struct gen_emit *e, const struct gen_leaf *leaf)
{
	if (is_bytes(leaf))
		return text(e, "struct myc_sbe_bytes");
	return is_c_enum(leaf->type) ? text(e, "enum %s", leaf->type->c_name)
				     : text(e, "%s", c_type(leaf->primitive));
}

char *leaf_null(struct gen_emit *e, const struct gen_leaf *leaf)
{
	if (is_bytes(leaf))
		return text(e, "(struct myc_sbe_bytes){(const uint8_t *)\"\", 0}");
	char *value = c_value(e, leaf->primitive, gen_type_null(leaf->type));
	if (is_c_enum(leaf->type))
		return text(e, "(enum %s)%s", leaf->type->c_name, value);
	return gen_primitive_size(leaf->primitive) <= 2
		       ? text(e, "(%s)%s", c_type(leaf->primitive), value)
		       : value;
}

char *leaf_constant(struct gen_emit *e, const struct gen_leaf *leaf)
{
	if (is_bytes(leaf)) {
		/* what is shorter than its length is filled up with NULs */
		char *string = quoted(e, leaf->value.text);
		size_t length = strlen(leaf->value.text), end = strlen(string) - 1;

		string[end] = 0;
		for (; length < leaf->count; length++)
			string = text(e, "%s\\000", string);
		return text(e, "(struct myc_sbe_bytes){(const uint8_t *)%s\", %u}", string,
			    leaf->count);
	}
	if (leaf->chosen && leaf->chosen_of == leaf->type)
		return text(e, "%s", leaf->chosen->c_name);
	return text(e, "%s", c_value(e, leaf->primitive, leaf->value.bits));
}

unsigned groups_of(const struct gen_block *block)
{
	unsigned n = 0;

	for (const struct gen_block *group = block->groups; group; group = group->next)
		n++;
	return n;
}

unsigned datas_of(const struct gen_block *block)
{
	unsigned n = 0;

	for (const struct gen_field *data = block->data; data; data = data->next)
		n++;
	return n;
}

static bool counts_parts(const struct gen_type *composite)
{
	return gen_member(composite, "numGroups") || gen_member(composite, "numVarDataFields");
}

bool tells(const struct gen_emit *e, const struct gen_block *block)
{
	return counts_parts(block->parent ? block->dimension : e->schema->header);
}

bool is_flat(const struct gen_emit *e, const struct gen_block *block)
{
	return !block->groups && !block->data && !tells(e, block);
}

char *born(struct gen_emit *e, const char *version, uint32_t since)
{
	return since ? text(e, "%s >= %u", version, since) : text(e, "true");
}

uint32_t member_at(const struct gen_type *composite, const char *name)
{
	return gen_member(composite, name)->at;
}

const struct gen_type *member_type(const struct gen_type *composite, const char *name)
{
	return gen_target(gen_member(composite, name));
}

/* ---- the header ---------------------------------------------------------------------------- */

static void emit_ids(struct gen_emit *e, const struct gen_block *block)
{
	char *C = capitals(e, block->c_name);

	out(e, "\n");
	if (!block->parent)
		out(e, "#define %s_TEMPLATE_ID %u\n", C, block->id);
	out(e, "#define %s_BLOCK_LENGTH %u\n", C, block->length);
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		char *name = text(e, "%s_%s", C, capitals(e, leaf->name));

		if (!leaf->constant)
			out(e, "#define %s_OFFSET %u\n", name, leaf->at);
		if (leaf->type->kind == GEN_TYPE && leaf->count != 1)
			out(e, "#define %s_LENGTH %u\n", name, leaf->count);
		if (!leaf->constant && !is_bytes(leaf) && (leaf->optional || leaf->since) &&
		    leaf->type->kind != GEN_SET)
			out(e, "#define %s_NULL %s\n", name, leaf_null(e, leaf));
		if (leaf->type->min.text && leaf->type->kind == GEN_TYPE && !is_bytes(leaf))
			out(e, "#define %s_MIN %s\n", name,
			    c_value(e, leaf->primitive, leaf->type->min.bits));
		if (leaf->type->max.text && leaf->type->kind == GEN_TYPE && !is_bytes(leaf))
			out(e, "#define %s_MAX %s\n", name,
			    c_value(e, leaf->primitive, leaf->type->max.bits));
	}
	out(e, "\n");
}

static void emit_block(struct gen_emit *e, const struct gen_block *block)
{
	for (const struct gen_block *group = block->groups; group; group = group->next)
		emit_block(e, group);
	out(e, "/* ---- %s ", block->c_name);
	for (size_t i = strlen(block->c_name); i < 88; i++)
		out(e, "-");
	out(e, " */\n\n");
	comment(e, 0, text(e, "%s", block->name), block->description, block->since,
		block->deprecated);
	emit_ids(e, block);
	emit_struct(e, block);
	emit_view(e, block);
	emit_getters(e, block);
	emit_encoder(e, block);
	emit_setters(e, block);
	emit_load_store(e, block);
	emit_equal(e, block);
	emit_check(e, block);
	emit_print(e, block);
}

static bool has_number(const struct gen_type *composite, const char *name)
{
	const struct gen_type *type = gen_target(gen_member(composite, name));

	return type && type->kind == GEN_TYPE && type->length == 1 &&
	       type->presence != GEN_CONSTANT && gen_is_unsigned(type->primitive);
}

/* The shapes that unknown groups and data of a newer schema are taken to have: groupSizeEncoding, or
 * the first dimensions; the only shape of data, if there is only one. */
static void find_unknown(struct gen_emit *e)
{
	bool ambiguous = false;

	for (const struct gen_type *type = e->schema->types; type; type = type->next) {
		if (type->kind != GEN_COMPOSITE)
			continue;
		if (has_number(type, "numInGroup") && has_number(type, "blockLength") &&
		    (!e->unknown_dimension || !strcmp(type->name, "groupSizeEncoding")))
			e->unknown_dimension = type;
		if (!has_number(type, "length") || !type->variable)
			continue;
		ambiguous |= e->unknown_data && member_type(e->unknown_data, "length")->primitive !=
							member_type(type, "length")->primitive;
		e->unknown_data = type;
	}
	if (ambiguous)
		e->unknown_data = NULL;
	e->told = counts_parts(e->schema->header);
	for (const struct gen_type *type = e->schema->types; type; type = type->next)
		e->told |= type->kind == GEN_COMPOSITE && gen_member(type, "numInGroup") &&
			   counts_parts(type);
}

void gen_emit_header(struct gen_schema *schema, FILE *file, const char *name)
{
	struct gen_emit e = {.file = file, .schema = schema, .p = schema->prefix};
	char *guard;

	e.P = capitals(&e, e.p);
	e.order = schema->big_endian ? "be" : "le";
	e.same_order = schema->big_endian ? "!MYC_SBE_HOST_LE" : "MYC_SBE_HOST_LE";
	guard = text(&e, "MYC_GEN_%s", capitals(&e, name));
	for (char *c = guard; *c; c++)
		*c = isalnum((unsigned char)*c) ? *c : '_';
	find_unknown(&e);
	out(&e, "/* Made by myc-gen; changes belong into the schema. */\n");
	comment(&e, 0,
		text(&e, "Schema %u, version %u%s%s", schema->id, schema->version,
		     schema->package ? ", package " : "", schema->package ? schema->package : ""),
		schema->description, 0, GEN_NONE);
	out(&e, "#ifndef %s\n#define %s\n\n#include <mycelium/sbe.h>\n\nMYC_SBE_BEGIN\n", guard,
	    guard);
	out(&e, "#define %s_SCHEMA_ID UINT32_C(%u)\n#define %s_SCHEMA_VERSION UINT32_C(%u)\n", e.P,
	    schema->id, e.P, schema->version);
	emit_types(&e);
	emit_shapes(&e);
	for (const struct gen_block *message = schema->messages; message; message = message->next)
		emit_block(&e, message);
	emit_print_any(&e);
	emit_info(&e);
	emit_actors(&e);
	out(&e, "\nMYC_SBE_END\n\n#endif\n");
}
