/* SPDX-License-Identifier: Apache-2.0 */
/* The table of field metadata: what the schema says of each value, for tools. */
#include <string.h>

#include "myc-gen/emit.h"

static void emit_values(struct gen_emit *e, const struct gen_type *type)
{
	if (type->values) {
		out(e,
		    "\nstatic const struct myc_sbe_value_info %s_values_[] __attribute__((unused)) "
		    "= {\n",
		    type->c_name);
		for (const struct gen_value *value = type->values; value; value = value->next)
			out(e, "\t{%s, UINT64_C(%llu), %uu},\n", quoted(e, value->name),
			    (unsigned long long)value->value, value->since);
		out(e, "};\n");
	}
	for (const struct gen_type *member = type->members; member; member = member->next)
		if (member->kind != GEN_REF)
			emit_values(e, member);
}

static unsigned count_values(const struct gen_type *type)
{
	unsigned n = 0;

	for (const struct gen_value *value = type->values; value; value = value->next)
		n++;
	return n;
}

static void emit_texts(struct gen_emit *e, const struct gen_field *field,
		       const struct gen_type *type)
{
	out(e,
	    "\t .semantic_type = %s, .character_encoding = %s,\n\t .time_unit = %s, .epoch = %s, "
	    ".description = %s,\n",
	    quoted(e, field->semantic_type ? field->semantic_type : type->semantic_type),
	    quoted(e, type->character_encoding),
	    quoted(e, field->time_unit ? field->time_unit : type->time_unit),
	    quoted(e, field->epoch ? field->epoch : type->epoch),
	    quoted(e, field->description ? field->description : type->description));
}

static void emit_leaf(struct gen_emit *e, const struct gen_leaf *leaf)
{
	static const char *const presences[] = {"REQUIRED", "OPTIONAL", "CONSTANT"};
	const struct gen_type *type = leaf->type;
	uint32_t size = gen_primitive_size(leaf->primitive);

	out(e, "\t{.name = %s, .type = %s, .primitive = \"%s\",\n", quoted(e, leaf->dotted),
	    quoted(e, type->name), gen_primitive_names[leaf->primitive]);
	emit_texts(e, leaf->field, type);
	out(e, "\t .constant = %s,\n", quoted(e, leaf->constant ? leaf->value.text : NULL));
	if (type->values)
		out(e, "\t .values = %s_values_, .values_count = %u,\n", type->c_name,
		    count_values(type));
	out(e,
	    "\t .id = %u, .offset = %u, .size = %u, .length = %u, .since = %uu, .deprecated = "
	    "%uu,\n",
	    leaf->field->id, leaf->constant ? 0 : leaf->at, leaf->constant ? 0 : size * leaf->count,
	    leaf->count, leaf->since, leaf->field->deprecated);
	out(e, "\t .kind = MYC_SBE_%s, .presence = MYC_SBE_%s,\n",
	    type->kind == GEN_ENUM  ? "ENUM"
	    : type->kind == GEN_SET ? "SET"
	    : leaf->count != 1	    ? "ARRAY"
				    : "SCALAR",
	    presences[leaf->constant ? 2 : leaf->optional]);
	out(e,
	    "\t .null_value = UINT64_C(%llu), .min_value = UINT64_C(%llu), .max_value = "
	    "UINT64_C(%llu)},\n",
	    (unsigned long long)gen_type_null(type),
	    (unsigned long long)(type->min.text ? type->min.bits : gen_min_bits(leaf->primitive)),
	    (unsigned long long)(type->max.text ? type->max.bits : gen_max_bits(leaf->primitive)));
}

static unsigned emit_fields(struct gen_emit *e, const struct gen_block *block)
{
	unsigned n = 0;

	if (!block->leaves && !block->data)
		return 0;
	out(e,
	    "\nstatic const struct myc_sbe_field_info %s_fields_[] __attribute__((unused)) = {\n",
	    block->c_name);
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next, n++)
		emit_leaf(e, leaf);
	for (const struct gen_field *data = block->data; data; data = data->next, n++) {
		const struct gen_type *length = member_type(data->type, "length");

		out(e, "\t{.name = %s, .type = %s, .primitive = \"%s\",\n", quoted(e, data->name),
		    quoted(e, data->type->name),
		    gen_primitive_names[member_type(data->type, "varData")->primitive]);
		emit_texts(e, data, member_type(data->type, "varData"));
		out(e,
		    "\t .id = %u, .since = %uu, .deprecated = %uu, .kind = MYC_SBE_DATA, "
		    ".max_value = UINT64_C(%llu),\n\t .shape = \"%s\"},\n",
		    data->id, data->since, data->deprecated,
		    (unsigned long long)(length->max.text ? length->max.bits
							  : gen_max_bits(length->primitive)),
		    shape_of(e, data->type));
	}
	out(e, "};\n");
	return n;
}

static void emit_block(struct gen_emit *e, const struct gen_block *block)
{
	unsigned n;

	for (const struct gen_block *group = block->groups; group; group = group->next)
		emit_block(e, group);
	n = emit_fields(e, block);
	if (block->groups) {
		out(e, "\nstatic const struct myc_sbe_block_info *const %s_groups_[] = {",
		    block->c_name);
		for (const struct gen_block *group = block->groups; group; group = group->next)
			out(e, "%s&%s_info", group == block->groups ? "" : ", ", group->c_name);
		out(e, "};\n");
	}
	out(e,
	    "\nstatic const struct myc_sbe_block_info %s_info __attribute__((unused)) = {\n\t.name "
	    "= %s,\n\t.description = %s,\n"
	    "\t.semantic_type = %s,\n\t.shape = \"%s\",\n",
	    block->c_name, quoted(e, block->name), quoted(e, block->description),
	    quoted(e, block->semantic_type),
	    shape_of(e, block->parent ? block->dimension : e->schema->header));
	if (n)
		out(e, "\t.fields = %s_fields_,\n", block->c_name);
	if (block->groups)
		out(e, "\t.groups = %s_groups_,\n", block->c_name);
	out(e, "\t.fields_count = %u,\n\t.groups_count = %u,\n", n, groups_of(block));
	out(e, "\t.id = %u,\n\t.block_length = %u,\n\t.since = %uu,\n\t.deprecated = %uu,\n};\n",
	    block->id, block->length, block->since, block->deprecated);
}

void emit_info(struct gen_emit *e)
{
	unsigned n = 0;

	out(e, "\n/* ---- what tools want to know "
	       "------------------------------------------------------------------ */\n");
	for (const struct gen_type *type = e->schema->types; type; type = type->next)
		emit_values(e, type);
	for (const struct gen_block *message = e->schema->messages; message;
	     message = message->next)
		emit_block(e, message);
	out(e,
	    "\nstatic const struct myc_sbe_block_info *const %s_messages_[] "
	    "__attribute__((unused)) = {\n",
	    e->p);
	for (const struct gen_block *message = e->schema->messages; message;
	     message = message->next, n++)
		out(e, "\t&%s_info,\n", message->c_name);
	out(e,
	    "};\n\nstatic const struct myc_sbe_schema_info %s_schema_info __attribute__((unused)) "
	    "= {\n\t.package = %s,\n"
	    "\t.description = %s,\n\t.semantic_version = %s,\n\t.messages = %s_messages_,\n"
	    "\t.messages_count = %u,\n\t.id = %uu,\n\t.version = %uu,\n\t.big_endian = %s,\n};\n",
	    e->p, quoted(e, e->schema->package), quoted(e, e->schema->description),
	    quoted(e, e->schema->semantic_version), e->p, n, e->schema->id, e->schema->version,
	    e->schema->big_endian ? "true" : "false");
}
