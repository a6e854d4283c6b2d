/* SPDX-License-Identifier: Apache-2.0 */
/* Enums, sets, and the packed structs of composites. */
#include "myc-gen/emit.h"

static char *value_text(struct gen_emit *e, const struct gen_type *type, uint64_t value)
{
	if (type->kind == GEN_SET)
		return text(e, "(UINT%u_C(1) << %u)", 8 * gen_primitive_size(type->primitive),
			    (unsigned)value);
	return c_value(e, type->primitive, value);
}

static void emit_name_function(struct gen_emit *e, const struct gen_type *type)
{
	bool c_enum = is_c_enum(type);

	out(e, "\n/* The schema's name of a value; NULL = it has none. */\n");
	out(e, "MYC_SBE_INLINE const char *%s_name(%s%s value)\n{\n\tswitch (%svalue) {\n",
	    type->c_name, c_enum ? "enum " : "", c_enum ? type->c_name : c_type(type->primitive),
	    c_enum ? "(int)" : "");
	for (const struct gen_value *value = type->values; value; value = value->next)
		out(e, "\tcase %s:\n\t\treturn %s;\n", value->c_name, quoted(e, value->name));
	out(e, "\tdefault:\n\t\treturn NULL;\n\t}\n}\n");
}

static bool has_c_name(struct gen_emit *e, const struct gen_type *type, const char *name)
{
	for (const struct gen_value *value = type->values; value; value = value->next) {
		const char *a = value->c_name, *b = name;

		while (*a && *a == *b) {
			a++;
			b++;
		}
		if (!*a && !*b)
			return true;
	}
	(void)e;
	return false;
}

static void emit_values(struct gen_emit *e, const struct gen_type *type)
{
	bool c_enum = is_c_enum(type);
	char *null = text(e, "%s_NULL", capitals(e, type->c_name));

	out(e, "\n");
	comment(e, 0,
		text(e, "%s, %s of %s", type->name, type->kind == GEN_ENUM ? "enum" : "set",
		     gen_primitive_names[type->primitive]),
		type->description, type->since, type->deprecated);
	if (c_enum)
		out(e, "enum %s {\n", type->c_name);
	for (const struct gen_value *value = type->values; value; value = value->next) {
		comment(e, c_enum, NULL, value->description, value->since, value->deprecated);
		out(e, c_enum ? "\t%s = %s,\n" : "#define %s %s\n", value->c_name,
		    value_text(e, type, value->value));
	}
	if (type->kind == GEN_ENUM && !has_c_name(e, type, null))
		out(e, c_enum ? "\t%s = %s,\n" : "#define %s %s\n", null,
		    c_value(e, type->primitive, gen_type_null(type)));
	if (c_enum)
		out(e, "};\n");
	if (type->kind == GEN_ENUM)
		emit_name_function(e, type);
}

static void emit_member(struct gen_emit *e, const struct gen_type *member)
{
	const struct gen_type *type = gen_target(member);

	if (!type->size)
		return;
	if (type->kind == GEN_COMPOSITE)
		out(e, "\tstruct %s %s;\n", type->c_name, member->short_name);
	else if (type->length > 1)
		out(e, "\t%s %s[%u];\n", c_type(type->primitive), member->short_name, type->length);
	else
		out(e, "\t%s %s;\n", c_type(type->primitive), member->short_name);
}

static void emit_composite(struct gen_emit *e, const struct gen_type *type)
{
	uint32_t at = 0;

	if (!type->size || type->variable)
		return;
	out(e, "\n");
	comment(e, 0, type->name, type->description, type->since, type->deprecated);
	out(e, "struct %s {\n", type->c_name);
	for (const struct gen_type *member = type->members; member; member = member->next) {
		if (!gen_target(member)->size)
			continue;
		if (member->at > at)
			out(e, "\tuint8_t pad_%u_[%u];\n", at, member->at - at);
		comment(e, 1, NULL, member->description, member->since, member->deprecated);
		emit_member(e, member);
		at = member->at + member->size;
	}
	out(e, "} MYC_SBE_PACKED;\nstatic_assert(sizeof(struct %s) == %u, \"as on the wire\");\n",
	    type->c_name, type->size);
}

/* What a composite refers to stands before it. */
static void emit_type(struct gen_emit *e, struct gen_type *type)
{
	if (type->visit == 4)
		return;
	type->visit = 4;
	if (type->kind == GEN_ENUM || type->kind == GEN_SET)
		emit_values(e, type);
	for (struct gen_type *member = type->members; member; member = member->next)
		emit_type(e, member->kind == GEN_REF ? member->target : member);
	if (type->kind == GEN_COMPOSITE)
		emit_composite(e, type);
}

void emit_types(struct gen_emit *e)
{
	for (struct gen_type *type = e->schema->types; type; type = type->next)
		emit_type(e, type);
}
