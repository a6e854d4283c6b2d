/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of an encoder: set_NAME; and nulls, which sets them all to "not there". */
#include "myc-gen/emit.h"

static const char *version(const struct gen_block *block)
{
	return block->parent ? "encoder->w->version" : "encoder->w.version";
}

static void emit_set(struct gen_emit *e, const struct gen_block *block, const struct gen_leaf *leaf)
{
	char *condition =
		leaf->since ? text(e, "\tif (%s < %u)\n\t\treturn;\n", version(block), leaf->since)
			    : text(e, "%s", "");
	uint32_t size = gen_primitive_size(leaf->primitive);

	if (is_bytes(leaf)) {
		out(e,
		    "MYC_SBE_INLINE void %s_set_%s(struct %s_encoder *encoder, const void *data, "
		    "size_t length)\n{\n%s"
		    "\tmyc_sbe_put_bytes(%sencoder->w, encoder->s.block + %u, %u, data, "
		    "length);\n}\n",
		    block->c_name, leaf->name, block->c_name, condition, block->parent ? "" : "&",
		    leaf->at, leaf->count);
	} else if (leaf->count != 1) {
		out(e,
		    "MYC_SBE_INLINE void %s_set_%s(struct %s_encoder *encoder, size_t index, %s "
		    "value)\n{\n%s"
		    "\tif (index < %u)\n"
		    "\t\tmyc_sbe_put_%s_%s(encoder->s.block + %u + index * %u, value);\n}\n",
		    block->c_name, leaf->name, block->c_name, c_type(leaf->primitive), condition,
		    leaf->count, load_name(leaf->primitive), e->order, leaf->at, size);
	} else {
		out(e,
		    "MYC_SBE_INLINE void %s_set_%s(struct %s_encoder *encoder, %s value)\n{\n%s"
		    "\tmyc_sbe_put_%s_%s(encoder->s.block + %u, %s%s%svalue);\n}\n",
		    block->c_name, leaf->name, block->c_name, leaf_type(e, leaf), condition,
		    load_name(leaf->primitive), e->order, leaf->at,
		    is_c_enum(leaf->type) ? "(" : "",
		    is_c_enum(leaf->type) ? c_type(leaf->primitive) : "",
		    is_c_enum(leaf->type) ? ")" : "");
	}
}

static void emit_null(struct gen_emit *e, const struct gen_block *block,
		      const struct gen_leaf *leaf)
{
	char *set = text(e, "%s_set_%s", block->c_name, leaf->name);

	if (is_bytes(leaf) && leaf->optional && gen_type_null(leaf->type)) {
		out(e, "\tif (%s)\n\t\tmemset(encoder->s.block + %u, %u, %u);\n",
		    born(e, version(block), leaf->since), leaf->at,
		    (unsigned)gen_type_null(leaf->type) & 255, leaf->count);
		return;
	}
	if (is_bytes(leaf)) {
		out(e, "\t%s(encoder, NULL, 0);\n", set);
		return;
	}
	char *value = leaf->optional ? leaf_null(e, leaf)
				     : text(e, is_c_enum(leaf->type) ? "(enum %s)0" : "0",
					    leaf->type->c_name);
	if (leaf->count == 1)
		out(e, "\t%s(encoder, %s);\n", set, value);
	else
		out(e, "\tfor (size_t i = 0; i < %u; i++)\n\t\t%s(encoder, i, %s);\n", leaf->count,
		    set, value);
}

void emit_setters(struct gen_emit *e, const struct gen_block *block)
{
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		if (!leaf->constant)
			emit_set(e, block, leaf);
	}
	out(e,
	    "\n/* Sets every field: optional ones to null, the others to 0. */\n"
	    "MYC_SBE_INLINE void %s_nulls(struct %s_encoder *encoder)\n{\n",
	    block->c_name, block->c_name);
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		if (!leaf->constant)
			emit_null(e, block, leaf);
	}
	out(e, "\t(void)encoder;\n}\n\n");
}
