/* SPDX-License-Identifier: Apache-2.0 */
/* The rules that need several elements: uniqueness, versions, and the shapes of header, dimensions
 * and variable data. */
#include <string.h>

#include "myc-gen/model.h"

/* ---- shapes -------------------------------------------------------------------------------- */

static const struct gen_type *part(struct gen_schema *schema, const struct gen_where *where,
				   const char *attribute, const struct gen_type *composite,
				   const char *name, bool needed)
{
	const struct gen_type *type = gen_target(gen_member(composite, name));

	if (!type && needed)
		gen_error(schema, where, attribute, attribute ? composite->name : NULL,
			  "has no member %s; add it as an unsigned type", name);
	if (type &&
	    (type->kind != GEN_TYPE || type->length != 1 || !gen_is_unsigned(type->primitive))) {
		gen_error(schema, where, attribute, attribute ? composite->name : NULL,
			  "its member %s is not an unsigned number; make it uint8 to uint64", name);
		return NULL;
	}
	return type;
}

static bool shape(struct gen_schema *schema, const struct gen_where *where, const char *attribute,
		  const struct gen_type *composite, const char *const *names, int needed)
{
	unsigned errors = schema->errors;

	if (composite->kind != GEN_COMPOSITE) {
		gen_error(schema, where, attribute, attribute ? composite->name : NULL,
			  "not a composite; name one with a member %s", names[0]);
		return false;
	}
	for (int i = 0; names[i]; i++)
		part(schema, where, attribute, composite, names[i], i < needed);
	return errors == schema->errors;
}

static bool fits(const struct gen_type *composite, const char *member, uint64_t value)
{
	const struct gen_type *type = gen_target(gen_member(composite, member));

	if (!type)
		return true;
	if (type->presence == GEN_CONSTANT)
		return value == type->constant.bits;
	return value <= (type->max.text ? type->max.bits : gen_max_bits(type->primitive));
}

static const char *const header_parts[] = {"blockLength", "templateId",	      "schemaId", "version",
					   "numGroups",	  "numVarDataFields", NULL};
static const char *const dimension_parts[] = {"blockLength", "numInGroup", "numGroups",
					      "numVarDataFields", NULL};

static void check_header(struct gen_schema *schema)
{
	if (!shape(schema, &schema->header->where, NULL, schema->header, header_parts, 4))
		return;
	if (!fits(schema->header, "schemaId", schema->id))
		gen_error(
			schema, &schema->where, "id", NULL,
			"%u is not a value of the header's schemaId; widen that or choose another",
			schema->id);
	if (!fits(schema->header, "version", schema->version))
		gen_error(schema, &schema->where, "version", NULL,
			  "%u is not a value of the header's version; widen that or choose another",
			  schema->version);
	const struct gen_type *length = gen_target(gen_member(schema->header, "blockLength"));
	if (length->presence == GEN_CONSTANT)
		gen_error(schema, &length->where, "presence", "constant",
			  "the header's blockLength is not constant; remove the presence");
}

static void check_dimension(struct gen_schema *schema, const struct gen_block *group)
{
	const struct gen_type *dimension = group->dimension;

	if (!shape(schema, &group->where, "dimensionType", dimension, dimension_parts, 2))
		return;
	const struct gen_type *number = gen_target(gen_member(dimension, "numInGroup"));
	const struct gen_type *length = gen_target(gen_member(dimension, "blockLength"));
	if (number->presence == GEN_CONSTANT || length->presence == GEN_CONSTANT)
		gen_error(schema, &group->where, "dimensionType", dimension->name,
			  "its blockLength and numInGroup are not constants; remove the presence");
}

static void check_data(struct gen_schema *schema, struct gen_field *data)
{
	static const char *const parts[] = {"length", NULL};
	struct gen_type *type = data->type, *bytes;

	if (!shape(schema, &data->where, "type", type, parts, 1))
		return;
	bytes = gen_member(type, "varData");
	if (bytes && !bytes->next && bytes->kind == GEN_TYPE && bytes->length == 1 &&
	    !bytes->length_given) {
		gen_soft(schema, &bytes->where, "length", NULL,
			 "missing, and varData is of variable length; write length=\"0\"");
		bytes->length = 0;
		type->variable = true;
	}
	if (!bytes || bytes->kind != GEN_TYPE || gen_primitive_size(bytes->primitive) != 1 ||
	    bytes->length != 0 || bytes->presence == GEN_CONSTANT)
		gen_error(schema, &data->where, "type", type->name,
			  "has no member varData of length 0; add <type name=\"varData\" "
			  "primitiveType=\"uint8\" length=\"0\"/>");
	if (gen_target(gen_member(type, "length"))->presence == GEN_CONSTANT)
		gen_error(schema, &data->where, "type", type->name,
			  "its length is constant; remove the presence");
	if (data->presence == GEN_CONSTANT || data->offset != GEN_NONE)
		gen_error(schema, &data->where, data->offset != GEN_NONE ? "offset" : "presence",
			  NULL, "variable data has none; remove it");
}

/* A type of length 0 may be the varData of a composite, as its last member, and nothing else. */
static void check_variable(struct gen_schema *schema, const struct gen_type *type)
{
	for (const struct gen_type *member = type->members; member; member = member->next) {
		const struct gen_type *of = gen_target(member);

		if (of->kind == GEN_TYPE && of->length == 0 &&
		    (strcmp(member->name, "varData") != 0 || member->next))
			gen_error(
				schema, &member->where, "length", "0",
				"of variable length; only varData, a composite's last member, is");
		if (member->kind == GEN_COMPOSITE)
			check_variable(schema, member);
	}
}

/* ---- uniqueness and versions --------------------------------------------------------------- */

struct seen {
	struct seen *next;
	uint32_t id;
	const char *name;
};

/* One id means one name in the whole schema, and one name one id. */
static void once(struct gen_schema *schema, struct seen **all, const struct gen_where *where,
		 uint32_t id, const char *name)
{
	for (const struct seen *seen = *all; seen; seen = seen->next) {
		if (seen->id == id && !strcmp(seen->name, name))
			return;
		if (seen->id == id) {
			gen_soft(schema, where, "id", NULL,
				 "%u is %s elsewhere in the schema; give each its own", id,
				 seen->name);
			return;
		}
	}
	struct seen *seen = gen_alloc(schema->arena, sizeof(*seen));
	*seen = (struct seen){*all, id, name};
	*all = seen;
}

struct sibling {
	const struct gen_where *where;
	const char *name;
	uint32_t id;
};

static bool distinct(struct gen_schema *schema, const struct sibling *list, size_t n)
{
	for (size_t j = 0; j + 1 < n; j++) {
		if (!strcmp(list[j].name, list[n - 1].name)) {
			gen_error(schema, list[n - 1].where, "name", list[n - 1].name,
				  "a second one of that name here, first in line %ld; rename one",
				  list[j].where->line);
			return false;
		}
		if (list[j].id == list[n - 1].id) {
			gen_soft(schema, list[n - 1].where, "id", NULL,
				 "%u is also %s's; give each its own", list[j].id, list[j].name);
			return false;
		}
	}
	return true;
}

static uint32_t later(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

/* What an old message does not have comes after what it has (fields: layout.c). */
static void appended(struct gen_schema *schema, const struct gen_where *where, uint32_t since,
		     uint32_t *before)
{
	if (since < *before)
		gen_soft(schema, where, "sinceVersion", NULL,
			 "%u, after one of version %u: old messages would be read wrongly; append "
			 "what is new",
			 since, *before);
	*before = later(*before, since);
}

static size_t children(const struct gen_block *block)
{
	size_t n = 0;

	for (const struct gen_field *field = block->fields; field; field = field->next)
		n++;
	for (const struct gen_block *group = block->groups; group; group = group->next)
		n++;
	for (const struct gen_field *data = block->data; data; data = data->next)
		n++;
	return n;
}

static void check_field(struct gen_schema *schema, const struct gen_field *field)
{
	if (field->type->kind == GEN_COMPOSITE && field->type->variable)
		gen_error(schema, &field->where, "type", field->type->name,
			  "of variable length; fields are fixed, variable ones are <data>");
	if (field->type->since > field->since)
		gen_soft(schema, &field->where, "type", field->type->name,
			 "younger (version %u) than the field; raise the field's sinceVersion",
			 field->type->since);
}

static void check_block(struct gen_schema *schema, const struct gen_block *block,
			struct seen **seen)
{
	struct sibling *list =
		gen_alloc(schema->arena, (children(block) + 1) * sizeof(struct sibling));
	uint32_t before = 0;
	size_t n = 0;

	if (block->parent && !block->fields && !block->groups && !block->data)
		gen_soft(schema, &block->where, NULL, NULL,
			 "has no field; a group needs at least one");
	for (const struct gen_field *field = block->fields; field; field = field->next) {
		list[n++] = (struct sibling){&field->where, field->name, field->id};
		if (distinct(schema, list, n))
			once(schema, seen, &field->where, field->id, field->name);
		check_field(schema, field);
	}
	for (const struct gen_block *group = block->groups; group; group = group->next) {
		list[n++] = (struct sibling){&group->where, group->name, group->id};
		if (distinct(schema, list, n))
			once(schema, seen, &group->where, group->id, group->name);
		appended(schema, &group->where, later(group->since, block->since), &before);
		check_dimension(schema, group);
		check_block(schema, group, seen);
	}
	before = 0;
	for (struct gen_field *data = block->data; data; data = data->next) {
		list[n++] = (struct sibling){&data->where, data->name, data->id};
		if (distinct(schema, list, n))
			once(schema, seen, &data->where, data->id, data->name);
		appended(schema, &data->where, later(data->since, block->since), &before);
		check_data(schema, data);
	}
}

void gen_rules(struct gen_schema *schema)
{
	struct seen *seen = NULL;

	check_header(schema);
	for (const struct gen_type *type = schema->types; type; type = type->next)
		check_variable(schema, type);
	for (const struct gen_block *message = schema->messages; message; message = message->next) {
		for (const struct gen_block *other = schema->messages; other != message;
		     other = other->next) {
			if (!strcmp(other->name, message->name))
				gen_error(schema, &message->where, "name", message->name,
					  "a second message of that name; rename one");
			if (other->id == message->id)
				gen_error(schema, &message->where, "id", NULL,
					  "%u is also %s's; give each message its own", message->id,
					  other->name);
		}
		if (!fits(schema->header, "templateId", message->id))
			gen_error(schema, &message->where, "id", NULL,
				  "%u is not a value of the header's templateId; widen that or "
				  "choose another",
				  message->id);
		check_block(schema, message, &seen);
	}
}
