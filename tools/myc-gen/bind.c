/* SPDX-License-Identifier: Apache-2.0 */
/* Names of types to types, and literals to values of their types. */
#include <string.h>

#include "myc-gen/model.h"

static struct gen_type *primitive_type(struct gen_schema *schema, const char *name)
{
	int primitive = gen_primitive_named(name);

	if (primitive < 0)
		return NULL;
	struct gen_type *type = gen_alloc(schema->arena, sizeof(*type)), **last = &schema->types;
	type->where = (struct gen_where){schema->where.file, schema->where.line, "type", name};
	type->kind = GEN_TYPE;
	type->name = gen_primitive_names[primitive];
	type->primitive = (enum gen_primitive)primitive;
	type->length = 1;
	type->offset = type->deprecated = GEN_NONE;
	type->visit = 2;
	while (*last)
		last = &(*last)->next;
	*last = type;
	return type;
}

/* Enum.value -> that value of that enum. */
static const struct gen_value *referred(struct gen_schema *schema, const struct gen_where *where,
					const char *text, const struct gen_type **of)
{
	const char *dot = strchr(text, '.');
	const struct gen_type *type =
		dot ? gen_type_named(schema,
				     gen_format(schema->arena, "%.*s", (int)(dot - text), text))
		    : NULL;
	const struct gen_value *value =
		type && type->kind == GEN_ENUM ? gen_value_named(type, dot + 1) : NULL;

	if (!dot)
		gen_error(schema, where, "valueRef", text,
			  "not a reference; write EnumName.valueName");
	else if (!type || type->kind != GEN_ENUM)
		gen_error(schema, where, "valueRef", text,
			  "no enum of that name; define it in <types> or mend the name");
	else if (!value)
		gen_error(schema, where, "valueRef", text,
			  "the enum has no such validValue; add it or mend the name");
	*of = type;
	return value;
}

static void literal(struct gen_schema *schema, const struct gen_type *type, const char *attribute,
		    struct gen_literal *value)
{
	const char *wrong =
		value->text ? gen_parse(value->text, type->primitive, &value->bits) : NULL;

	if (wrong)
		gen_error(schema, &type->where, attribute, value->text,
			  "%s; write a value that %s can hold", wrong,
			  gen_primitive_names[type->primitive]);
}

/* A constant string is as long as its text unless the schema says longer. */
static void bind_constant(struct gen_schema *schema, struct gen_type *type)
{
	const struct gen_type *of;

	if (type->value_ref) {
		const struct gen_value *value =
			referred(schema, &type->where, type->value_ref, &of);

		type->constant.text = value ? value->text : "0";
	}
	if (!type->constant.text) {
		gen_error(schema, &type->where, "presence", "constant",
			  "has no value; write it between the tags, or give valueRef");
		return;
	}
	size_t length = strlen(type->constant.text);
	if (type->primitive != GEN_CHAR || (type->length == 1 && length == 1)) {
		if (type->length != 1)
			gen_error(schema, &type->where, "length", NULL,
				  "only char constants have a length; remove it");
		literal(schema, type, "presence=\"constant\" value", &type->constant);
		return;
	}
	if (!type->length_given)
		type->length = (uint32_t)length;
	if (length > type->length)
		gen_error(schema, &type->where, "length", NULL,
			  "%u, and the constant has %zu characters; raise it", type->length,
			  length);
}

static void bind_simple(struct gen_schema *schema, struct gen_type *type)
{
	if (type->presence == GEN_CONSTANT)
		bind_constant(schema, type);
	else if (type->constant.text)
		gen_soft(schema, &type->where, NULL, type->constant.text,
			 "has a value but is not constant; remove it or say presence=\"constant\"");
	else if (type->value_ref)
		gen_error(schema, &type->where, "valueRef", type->value_ref,
			  "for constants only; say presence=\"constant\" or remove it");
	if (type->null.text && (type->presence == GEN_REQUIRED || type->presence == GEN_CONSTANT))
		gen_error(schema, &type->where, "nullValue", type->null.text,
			  "for optional values only; say presence=\"optional\" or remove it");
	literal(schema, type, "nullValue", &type->null);
	literal(schema, type, "minValue", &type->min);
	literal(schema, type, "maxValue", &type->max);
	if (type->min.text && type->max.text &&
	    gen_compare(type->primitive, type->min.bits, type->max.bits) > 0)
		gen_error(schema, &type->where, "minValue", type->min.text,
			  "greater than maxValue \"%s\"; exchange them", type->max.text);
	if (type->primitive == GEN_CHAR && type->length > 1 && (type->min.text || type->max.text))
		gen_error(schema, &type->where, type->min.text ? "minValue" : "maxValue", NULL,
			  "strings have no range; remove it");
}

/* Enum and set take their primitive type, and an enum its null, from the encoding. */
static bool bind_encoding(struct gen_schema *schema, struct gen_type *type)
{
	int primitive = gen_primitive_named(type->encoding);
	const struct gen_type *of = gen_type_named(schema, type->encoding);

	if (of && of->kind == GEN_TYPE) {
		if (of->length != 1 || of->presence == GEN_CONSTANT) {
			gen_error(schema, &type->where, "encodingType", type->encoding,
				  "an array or a constant; name a scalar type");
			return false;
		}
		primitive = (int)of->primitive;
		if (!type->null.text)
			type->null.text = of->null.text;
		if (type->presence == GEN_UNSAID)
			type->presence = of->presence;
	}
	if (primitive < 0) {
		gen_error(schema, &type->where, "encodingType", type->encoding,
			  "no scalar type of that name; name a primitive type or a <type>");
		return false;
	}
	type->primitive = (enum gen_primitive)primitive;
	if (gen_is_real(type->primitive) ||
	    (type->kind == GEN_SET && !gen_is_unsigned(type->primitive))) {
		gen_error(schema, &type->where, "encodingType", type->encoding,
			  type->kind == GEN_ENUM ? "enums are char or unsigned; choose such a type"
						 : "sets are unsigned; choose uint8 to uint64");
		return false;
	}
	if (gen_is_signed(type->primitive))
		gen_soft(schema, &type->where, "encodingType", type->encoding,
			 "enums are char or unsigned; choose such a type");
	if (type->kind == GEN_ENUM)
		literal(schema, type, "nullValue", &type->null);
	return true;
}

static void bind_value(struct gen_schema *schema, const struct gen_type *type,
		       struct gen_value *value)
{
	bool set = type->kind == GEN_SET;
	enum gen_primitive primitive = set ? GEN_UINT8 : type->primitive;
	const char *wrong;

	if (!value->text) {
		gen_error(schema, &value->where, NULL, NULL,
			  "has no value; write it between the tags");
		return;
	}
	if (primitive == GEN_CHAR && value->text[1])
		wrong = "not one character";
	else
		wrong = gen_parse(value->text, primitive, &value->value);
	if (wrong)
		gen_error(schema, &value->where, NULL, value->text, "%s; write a value of %s",
			  wrong, gen_primitive_names[primitive]);
	else if (set && value->value >= 8 * gen_primitive_size(type->primitive))
		gen_error(schema, &value->where, NULL, value->text,
			  "no such bit; %s has bits 0 to %u", gen_primitive_names[type->primitive],
			  8 * gen_primitive_size(type->primitive) - 1);
	else
		return;
	value->text = NULL; /* takes no part in later checks */
}

static void bind_values(struct gen_schema *schema, struct gen_type *type)
{
	if (!type->values)
		gen_error(schema, &type->where, NULL, NULL, "has no %s; it needs at least one",
			  type->kind == GEN_ENUM ? "validValue" : "choice");
	if (!bind_encoding(schema, type))
		return;
	for (struct gen_value *value = type->values; value; value = value->next) {
		bind_value(schema, type, value);
		for (struct gen_value *other = type->values; other != value; other = other->next) {
			if (!strcmp(other->name, value->name))
				gen_error(schema, &value->where, "name", value->name,
					  "a second time, first in line %ld; names are unique",
					  other->where.line);
			else if (value->text && other->text && other->value == value->value)
				gen_error(schema, &value->where, NULL, value->text,
					  "also the value of %s; values are unique", other->name);
		}
	}
}

static void bind_type(struct gen_schema *schema, struct gen_type *type);

static void bind_composite(struct gen_schema *schema, struct gen_type *type)
{
	if (!type->members)
		gen_error(schema, &type->where, NULL, NULL,
			  "has no member; a composite needs at least one");
	for (struct gen_type *member = type->members; member; member = member->next) {
		bind_type(schema, member);
		const struct gen_type *of = gen_target(member);
		if (of && (of->variable || (of->kind == GEN_TYPE && of->length == 0)))
			type->variable = true;
		for (struct gen_type *other = type->members; other != member; other = other->next) {
			if (!strcmp(other->name, member->name))
				gen_error(schema, &member->where, "name", member->name,
					  "a second member of that name; rename one");
		}
	}
}

/* visit: 1 while below it, so that a composite that holds itself is found. */
static void bind_type(struct gen_schema *schema, struct gen_type *type)
{
	if (type->visit == 2)
		return;
	if (type->kind == GEN_REF) {
		type->target = gen_type_named(schema, type->encoding);
		if (!type->target)
			type->target = primitive_type(schema, type->encoding);
		if (!type->target)
			gen_error(
				schema, &type->where, "type", type->encoding,
				"no encoding of that name; define it in <types> or mend the name");
		else if (type->target->visit == 1)
			gen_error(schema, &type->where, "type", type->encoding,
				  "a composite within itself; break the circle");
		else
			bind_type(schema, type->target);
		if (type->target && type->semantic_type && type->target->semantic_type &&
		    strcmp(type->semantic_type, type->target->semantic_type) != 0)
			gen_soft(schema, &type->where, "semanticType", type->semantic_type,
				 "the encoding says \"%s\"; say the same or only once",
				 type->target->semantic_type);
		return;
	}
	type->visit = 1;
	if (type->kind == GEN_TYPE)
		bind_simple(schema, type);
	else if (type->kind == GEN_COMPOSITE)
		bind_composite(schema, type);
	else
		bind_values(schema, type);
	type->visit = 2;
}

static void bind_field_constant(struct gen_schema *schema, struct gen_field *field)
{
	const struct gen_type *type = field->type, *of;
	uint64_t bits;

	if (!field->value_ref) {
		if (type->kind != GEN_TYPE || type->presence != GEN_CONSTANT)
			gen_error(schema, &field->where, "presence", "constant",
				  "neither it nor its type has a value; give valueRef, or make the "
				  "type constant");
		return;
	}
	const struct gen_value *value = referred(schema, &field->where, field->value_ref, &of);
	if (!value)
		return;
	if (type->kind == GEN_ENUM && type != of)
		gen_error(schema, &field->where, "valueRef", field->value_ref,
			  "of another enum than the field's type %s; name a value of that",
			  type->name);
	else if (type->kind == GEN_SET || type->kind == GEN_COMPOSITE || type->length != 1 ||
		 (type->kind == GEN_TYPE && gen_parse(value->text, type->primitive, &bits)))
		gen_error(schema, &field->where, "valueRef", field->value_ref,
			  "not a value of the field's type %s; make the type the enum", type->name);
}

static struct gen_type *bind_name(struct gen_schema *schema, const struct gen_where *where,
				  const char *attribute, const char *name)
{
	struct gen_type *type = gen_type_named(schema, name);

	if (!type)
		type = primitive_type(schema, name);
	if (!type)
		gen_error(schema, where, attribute, name,
			  "no encoding of that name; define it in <types> or mend the name");
	return type;
}

static void bind_field(struct gen_schema *schema, struct gen_field *field)
{
	struct gen_type *type = bind_name(schema, &field->where, "type", field->type_name);

	field->type = type;
	if (!type)
		return;
	if (type->kind == GEN_TYPE && type->length == 0)
		gen_error(schema, &field->where, "type", field->type_name,
			  "of variable length; fields are fixed, variable ones are <data>");
	if (field->presence && type->presence && type->kind == GEN_TYPE &&
	    field->presence != type->presence)
		gen_soft(schema, &field->where, "presence", NULL,
			 "its type %s says another presence; say the same or only once",
			 type->name);
	if (field->semantic_type && type->semantic_type &&
	    strcmp(field->semantic_type, type->semantic_type) != 0)
		gen_soft(schema, &field->where, "semanticType", field->semantic_type,
			 "its type %s says \"%s\"; say the same or only once", type->name,
			 type->semantic_type);
	if (field->presence == GEN_UNSAID && type->presence == GEN_CONSTANT)
		field->presence = GEN_CONSTANT;
	if (field->presence == GEN_CONSTANT)
		bind_field_constant(schema, field);
	else if (field->value_ref)
		gen_error(schema, &field->where, "valueRef", field->value_ref,
			  "for constants only; say presence=\"constant\" or remove it");
}

static void bind_block(struct gen_schema *schema, struct gen_block *block)
{
	for (struct gen_field *field = block->fields; field; field = field->next)
		bind_field(schema, field);
	for (struct gen_field *data = block->data; data; data = data->next)
		data->type = bind_name(schema, &data->where, "type", data->type_name);
	if (block->parent)
		block->dimension =
			bind_name(schema, &block->where, "dimensionType", block->dimension_name);
	for (struct gen_block *group = block->groups; group; group = group->next)
		bind_block(schema, group);
}

void gen_bind(struct gen_schema *schema)
{
	for (struct gen_type *type = schema->types; type; type = type->next) {
		if (gen_type_named(schema, type->name) != type)
			gen_error(schema, &type->where, "name", type->name,
				  "a second encoding of that name, first in %s:%ld; rename one",
				  gen_type_named(schema, type->name)->where.file,
				  gen_type_named(schema, type->name)->where.line);
		bind_type(schema, type);
	}
	schema->header = gen_type_named(schema, schema->header_name);
	if (!schema->header)
		gen_error(schema, &schema->where, "headerType", schema->header_name,
			  "no encoding of that name; define that composite in <types>");
	for (struct gen_block *message = schema->messages; message; message = message->next)
		bind_block(schema, message);
}
