/* SPDX-License-Identifier: Apache-2.0 */
/* The struct form of a block: packed, laid out as on the wire, in the host's byte order; where that is
 * the schema's too, load and store are one copy. */
#include "myc-gen/emit.h"

static void emit_field(struct gen_emit *e, const struct gen_field *field)
{
	const struct gen_type *type = field->type;

	if (type->kind == GEN_COMPOSITE)
		out(e, "\tstruct %s %s;\n", type->c_name, field->c_name);
	else if (type->length > 1)
		out(e, "\t%s %s[%u];\n", c_type(type->primitive), field->c_name, type->length);
	else
		out(e, "\t%s %s;\n", c_type(type->primitive), field->c_name);
}

static bool has_bytes(const struct gen_field *field)
{
	return field->presence != GEN_CONSTANT && field->type->size;
}

void emit_struct(struct gen_emit *e, const struct gen_block *block)
{
	uint32_t at = 0;

	if (!block->length)
		return;
	out(e,
	    "/* Its block, byte for byte as on the wire (on hosts of the schema's byte order). */\n"
	    "struct %s_block {\n",
	    block->c_name);
	for (const struct gen_field *field = block->fields; field; field = field->next) {
		if (!has_bytes(field))
			continue;
		if (field->at > at)
			out(e, "\tuint8_t pad_%u_[%u];\n", at, field->at - at);
		comment(e, 1, NULL, field->description, field->since, field->deprecated);
		emit_field(e, field);
		at = field->at + field->type->size;
	}
	if (block->length > at)
		out(e, "\tuint8_t pad_%u_[%u];\n", at, block->length - at);
	out(e,
	    "} MYC_SBE_PACKED;\nstatic_assert(sizeof(struct %s_block) == %s_BLOCK_LENGTH, \"as on "
	    "the wire\");\n\n",
	    block->c_name, capitals(e, block->c_name));
}

static void load_leaf(struct gen_emit *e, const struct gen_block *block,
		      const struct gen_leaf *leaf)
{
	char *get = text(e, "%s_get_%s", block->c_name, leaf->name);

	if (is_bytes(leaf))
		out(e, "\tif (%s(view).length)\n\t\tmemcpy(to->%s, %s(view).data, %u);\n", get,
		    leaf->path, get, leaf->count);
	else if (leaf->count != 1)
		out(e, "\tfor (size_t i = 0; i < %u; i++)\n\t\tto->%s[i] = %s(view, i);\n",
		    leaf->count, leaf->path, get);
	else
		out(e, "\tto->%s = (%s)%s(view);\n", leaf->path, c_type(leaf->primitive), get);
}

static void store_leaf(struct gen_emit *e, const struct gen_block *block,
		       const struct gen_leaf *leaf)
{
	char *set = text(e, "%s_set_%s", block->c_name, leaf->name);

	if (is_bytes(leaf))
		out(e, "\t%s(encoder, from->%s, %u);\n", set, leaf->path, leaf->count);
	else if (leaf->count != 1)
		out(e, "\tfor (size_t i = 0; i < %u; i++)\n\t\t%s(encoder, i, from->%s[i]);\n",
		    leaf->count, set, leaf->path);
	else if (is_c_enum(leaf->type))
		out(e, "\t%s(encoder, (enum %s)from->%s);\n", set, leaf->type->c_name, leaf->path);
	else
		out(e, "\t%s(encoder, from->%s);\n", set, leaf->path);
}

static void emit_fixed(struct gen_emit *e, const struct gen_block *block)
{
	const char *c = block->c_name;

	out(e,
	    "/* A whole message from its struct: its length, or 0 when it does not fit. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK size_t %s_encode(void *buffer, size_t size, const struct "
	    "%s_block *from)\n{\n"
	    "\tstruct %s_encoder encoder;\n\n"
	    "\tif (%s_begin(&encoder, buffer, size))\n\t\treturn 0;\n"
	    "\t%s_store(&encoder, from);\n\treturn %s_end(&encoder);\n}\n\n",
	    c, c, c, c, c, c);
	out(e,
	    "/* The struct of a message: 0, or an enum myc_sbe_error. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_decode(struct %s_block *to, const void *data, "
	    "size_t size)\n{\n"
	    "\tstruct %s view;\n\tint error = %s_open(&view, data, size);\n\n"
	    "\tif (!error)\n\t\t%s_load(&view, to);\n\treturn error;\n}\n\n",
	    c, c, c, c, c);
}

/* load and store come after getters and setters. */
void emit_load_store(struct gen_emit *e, const struct gen_block *block)
{
	const char *c = block->c_name;
	const struct gen_step *newest = block->steps;

	if (!block->length)
		return;
	while (newest->next)
		newest = newest->next;
	out(e,
	    "/* Copies the block; what an older message has not is null. */\n"
	    "MYC_SBE_INLINE void %s_load(const struct %s *view, struct %s_block *to)\n{\n",
	    c, c, c);
	out(e,
	    "\tif (%s && %s && view->at.block_length >= sizeof(*to)) {\n"
	    "\t\tmemcpy(to, view->at.block, sizeof(*to));\n\t\treturn;\n\t}\n"
	    "\tmemset(to, 0, sizeof(*to));\n",
	    e->same_order, born(e, "view->at.version", newest->version));
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		if (!leaf->constant)
			load_leaf(e, block, leaf);
	}
	out(e,
	    "}\n\nMYC_SBE_INLINE void %s_store(struct %s_encoder *encoder, const struct %s_block "
	    "*from)\n{\n",
	    c, c, c);
	out(e,
	    "\tif (%s && encoder->w%sversion == %s_SCHEMA_VERSION) {\n"
	    "\t\tmemcpy(encoder->s.block, from, sizeof(*from));\n\t\treturn;\n\t}\n",
	    e->same_order, block->parent ? "->" : ".", e->P);
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		if (!leaf->constant)
			store_leaf(e, block, leaf);
	}
	out(e, "}\n\n");
	if (!block->parent && !block->groups && !block->data)
		emit_fixed(e, block);
}
