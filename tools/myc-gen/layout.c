/* SPDX-License-Identifier: Apache-2.0 */
/* Where everything lies: members in composites, fields in blocks, and how long a block is in each
 * version of the schema. */
#include <string.h>

#include "myc-gen/model.h"

#define SIZE_MAX_BYTES 0x100000u /* of a composite or block */
#define LEAVES_MAX     4096u	 /* of a block */

static bool is_constant(const struct gen_type *type)
{
	return type->kind == GEN_TYPE && type->presence == GEN_CONSTANT;
}

static uint64_t place(struct gen_schema *schema, const struct gen_where *where, uint32_t offset,
		      uint64_t cursor)
{
	if (offset == GEN_NONE)
		return cursor;
	if (offset < cursor)
		gen_error(schema, where, "offset", NULL,
			  "%u, and what comes before ends at %llu; raise it or leave it out",
			  offset, (unsigned long long)cursor);
	return offset;
}

static void layout_type(struct gen_schema *schema, struct gen_type *type);

static void layout_composite(struct gen_schema *schema, struct gen_type *type)
{
	uint64_t cursor = 0, leaves = 0;

	for (struct gen_type *member = type->members; member; member = member->next) {
		layout_type(schema, member->kind == GEN_REF ? member->target : member);
		const struct gen_type *of = gen_target(member);

		member->size = of->size;
		leaves += of->leaves;
		if (of->size || of->kind != GEN_TYPE || !is_constant(of))
			cursor = place(schema, &member->where, member->offset, cursor);
		member->at = (uint32_t)cursor;
		cursor += of->size;
		if (cursor > SIZE_MAX_BYTES || leaves > LEAVES_MAX) {
			gen_error(schema, &member->where, NULL, NULL,
				  "the composite is beyond %u bytes or %u values; make it smaller",
				  SIZE_MAX_BYTES, LEAVES_MAX);
			cursor = leaves = 0; /* said once is enough */
			break;
		}
	}
	type->size = (uint32_t)cursor;
	type->leaves = (uint32_t)leaves;
}

static void layout_type(struct gen_schema *schema, struct gen_type *type)
{
	if (type->visit == 3)
		return;
	type->visit = 3;
	if (type->kind == GEN_COMPOSITE) {
		layout_composite(schema, type);
		return;
	}
	type->leaves = 1;
	if (!is_constant(type))
		type->size = gen_primitive_size(type->primitive) * type->length;
}

/* ---- leaves -------------------------------------------------------------------------------- */

struct growing {
	struct gen_schema *schema;
	struct gen_block *block;
	struct gen_leaf **last;
	uint32_t since_block; /* the version that the block came with */
};

static uint32_t later(uint32_t a, uint32_t b)
{
	return a > b ? a : b;
}

static void constant(struct growing *g, struct gen_leaf *leaf)
{
	const char *ref = leaf->field->value_ref ? leaf->field->value_ref : leaf->type->value_ref;

	leaf->constant = true;
	leaf->value = leaf->type->constant;
	if (!ref)
		return;
	leaf->chosen_of = gen_type_named(
		g->schema, gen_format(g->schema->arena, "%.*s", (int)strcspn(ref, "."), ref));
	leaf->chosen = gen_value_named(leaf->chosen_of, strchr(ref, '.') + 1);
	leaf->value = (struct gen_literal){leaf->chosen->text, leaf->chosen->value};
	if (leaf->type->kind == GEN_TYPE)
		gen_parse(leaf->chosen->text, leaf->primitive, &leaf->value.bits);
}

/* optional: of the field, which for a composite means its first member. */
static void grow(struct growing *g, const struct gen_field *field, const struct gen_type *type,
		 const char *name, const char *path, uint32_t at, uint32_t since, bool optional)
{
	since = later(since, type->since);
	if (type->kind == GEN_COMPOSITE) {
		for (const struct gen_type *member = type->members; member; member = member->next) {
			grow(g, field, gen_target(member),
			     gen_format(g->schema->arena, "%s.%s", name, member->name), path,
			     at + member->at, later(since, member->since),
			     optional && member == type->members);
		}
		return;
	}
	struct gen_leaf *leaf = gen_alloc(g->schema->arena, sizeof(*leaf));
	leaf->field = field;
	leaf->type = type;
	leaf->dotted = name; /* names.c makes name and path of it */
	leaf->primitive = type->primitive;
	leaf->count = type->length;
	leaf->at = at;
	leaf->since = since <= g->since_block ? 0 : since;
	leaf->optional = optional || type->presence == GEN_OPTIONAL;
	if (field->presence == GEN_CONSTANT || is_constant(type))
		constant(g, leaf);
	*g->last = leaf;
	g->last = &leaf->next;
}

static uint32_t leaf_end(const struct gen_leaf *leaf)
{
	return leaf->constant ? 0 : leaf->at + gen_primitive_size(leaf->primitive) * leaf->count;
}

static void add_step(struct growing *g, uint32_t version)
{
	uint32_t length = 0;
	struct gen_step **last = &g->block->steps;

	for (const struct gen_leaf *leaf = g->block->leaves; leaf; leaf = leaf->next) {
		if (leaf->since <= version)
			length = later(length, leaf_end(leaf));
	}
	while (*last && (*last)->version < version)
		last = &(*last)->next;
	if (*last && (*last)->version == version)
		return;
	struct gen_step *step = gen_alloc(g->schema->arena, sizeof(*step));
	*step = (struct gen_step){*last, version, length};
	*last = step;
}

static void check_versions(struct growing *g)
{
	uint32_t before = 0;

	add_step(g, 0);
	for (const struct gen_leaf *leaf = g->block->leaves; leaf; leaf = leaf->next) {
		if (leaf->constant)
			continue;
		if (leaf->since < before && leaf->field->offset == GEN_NONE)
			gen_soft(g->schema, &leaf->field->where, "sinceVersion", NULL,
				 "%u, after one of version %u: old messages would be read "
				 "wrongly; append what is new, or give its offset",
				 leaf->since, before);
		before = later(before, leaf->since);
		add_step(g, leaf->since);
	}
}

/* ---- blocks -------------------------------------------------------------------------------- */

static void check_length(struct gen_schema *schema, struct gen_block *block)
{
	const struct gen_type *of = block->parent ? block->dimension : schema->header;
	const struct gen_type *type = gen_target(gen_member(of, "blockLength"));
	uint64_t most = type->max.text ? type->max.bits : gen_max_bits(type->primitive);

	if (block->length > most)
		gen_error(schema, &block->where, "blockLength", NULL,
			  "%u bytes, and blockLength of %s holds up to %llu; widen that",
			  block->length, of->name, (unsigned long long)most);
}

static void layout_block(struct gen_schema *schema, struct gen_block *block, uint32_t since)
{
	uint64_t cursor = 0, leaves = 0;
	struct growing g = {schema, block, &block->leaves, later(since, block->since)};

	for (struct gen_field *field = block->fields; field; field = field->next) {
		bool constant = field->presence == GEN_CONSTANT || !field->type->size;

		leaves += field->type->leaves;
		if (field->offset != GEN_NONE && block->block_length != GEN_NONE &&
		    field->offset > block->block_length)
			gen_error(schema, &field->where, "offset", NULL,
				  "%u, beyond the blockLength %u; lower it or raise that",
				  field->offset, block->block_length);
		if (!constant)
			cursor = place(schema, &field->where, field->offset, cursor);
		field->at = (uint32_t)cursor;
		cursor += constant ? 0 : field->type->size;
		if (cursor > SIZE_MAX_BYTES || leaves > LEAVES_MAX) {
			gen_error(schema, &field->where, NULL, NULL,
				  "the block is beyond %u bytes or %u values; make it smaller",
				  SIZE_MAX_BYTES, LEAVES_MAX);
			return;
		}
	}
	if (block->block_length != GEN_NONE && block->block_length < cursor)
		gen_error(schema, &block->where, "blockLength", NULL,
			  "%u, and the fields take %llu; raise it or leave it out",
			  block->block_length, (unsigned long long)cursor);
	block->length = block->block_length != GEN_NONE ? block->block_length : (uint32_t)cursor;
	check_length(schema, block);
	for (struct gen_field *field = block->fields; field; field = field->next)
		grow(&g, field, field->type, field->name, NULL, field->at, field->since,
		     field->presence == GEN_OPTIONAL);
	check_versions(&g);
	for (struct gen_field *data = block->data; data; data = data->next)
		data->since = data->since <= g.since_block ? 0 : data->since;
	for (struct gen_block *group = block->groups; group; group = group->next) {
		layout_block(schema, group, g.since_block);
		group->since = group->since <= g.since_block ? 0 : group->since;
	}
}

void gen_layout(struct gen_schema *schema)
{
	for (struct gen_type *type = schema->types; type; type = type->next)
		layout_type(schema, type);
	for (struct gen_block *message = schema->messages; message; message = message->next)
		layout_block(schema, message, 0);
}
