/* SPDX-License-Identifier: Apache-2.0 */
/* Fields of a view: get_NAME, and has_NAME where a value can be absent. */
#include "myc-gen/emit.h"

static void describe(struct gen_emit *e, const struct gen_leaf *leaf)
{
	const struct gen_field *field = leaf->field;
	const char *unit = field->time_unit ? field->time_unit : leaf->type->time_unit;
	const char *kind = leaf->constant ? "constant" : leaf->optional ? "optional" : "required";
	char *lead = text(e, "%s, %s", kind, gen_primitive_names[leaf->primitive]);

	if (leaf->count != 1)
		lead = text(e, "%s, %u of them", lead, leaf->count);
	if (unit)
		lead = text(e, "%s, in %s", lead, unit);
	comment(e, 0, lead, field->description ? field->description : leaf->type->description,
		leaf->since, field->deprecated);
}

static void emit_get_array(struct gen_emit *e, const struct gen_block *block,
			   const struct gen_leaf *leaf)
{
	uint32_t size = gen_primitive_size(leaf->primitive);

	out(e, "MYC_SBE_INLINE %s %s_get_%s(const struct %s *view, size_t index)\n{\n",
	    c_type(leaf->primitive), block->c_name, leaf->name, block->c_name);
	out(e,
	    "\treturn index >= %u%s ? %s :\n\t\tmyc_sbe_get_%s_%s(view->at.block + %u + index * "
	    "%u);\n}\n",
	    leaf->count, leaf->since ? text(e, " || view->at.version < %u", leaf->since) : "",
	    leaf_null(e, leaf), load_name(leaf->primitive), e->order, leaf->at, size);
}

static void emit_get(struct gen_emit *e, const struct gen_block *block, const struct gen_leaf *leaf)
{
	char *type = leaf_type(e, leaf), *value;
	/* an enum of chars is read as the byte it is: char may be signed */
	enum gen_primitive load =
		is_c_enum(leaf->type) && leaf->primitive == GEN_CHAR ? GEN_UINT8 : leaf->primitive;

	if (leaf->constant) {
		out(e,
		    "MYC_SBE_INLINE %s %s_get_%s(const struct %s "
		    "*view)\n{\n\t(void)view;\n\treturn %s;\n}\n",
		    type, block->c_name, leaf->name, block->c_name, leaf_constant(e, leaf));
		return;
	}
	if (is_bytes(leaf))
		value = text(e, "(struct myc_sbe_bytes){view->at.block + %u, %u}", leaf->at,
			     leaf->count);
	else
		value = text(e, "%s%s%smyc_sbe_get_%s_%s(view->at.block + %u)",
			     is_c_enum(leaf->type) ? "(" : "", is_c_enum(leaf->type) ? type : "",
			     is_c_enum(leaf->type) ? ")" : "", load_name(load), e->order, leaf->at);
	if (leaf->since)
		value = text(e, "view->at.version < %u ?\n\t\t%s :\n\t\t%s", leaf->since,
			     leaf_null(e, leaf), value);
	out(e, "MYC_SBE_INLINE %s %s_get_%s(const struct %s *view)\n{\n\treturn %s;\n}\n", type,
	    block->c_name, leaf->name, block->c_name, value);
}

static char *is_there(struct gen_emit *e, const struct gen_block *block,
		      const struct gen_leaf *leaf)
{
	char *get = text(e, "%s_get_%s(view%s)", block->c_name, leaf->name,
			 leaf->count != 1 && !is_bytes(leaf) ? ", 0" : "");

	if (!leaf->optional || leaf->type->kind == GEN_SET)
		return leaf->since ? text(e, "view->at.version >= %u", leaf->since)
				   : text(e, "(void)view, true");
	if (is_bytes(leaf))
		return text(e, "%s.length && %s.data[0] != %s", get, get,
			    c_value(e, GEN_UINT8, gen_type_null(leaf->type) & 255));
	if (gen_is_real(leaf->primitive) &&
	    gen_type_null(leaf->type) == gen_null_bits(leaf->primitive))
		return text(e, "!__builtin_isnan(%s)", get);
	if (gen_is_real(leaf->primitive))
		return text(e, "!myc_sbe_same_%s(%s, %s)", gen_primitive_names[leaf->primitive],
			    get, leaf_null(e, leaf));
	return text(e, "%s != %s", get, leaf_null(e, leaf));
}

void emit_getters(struct gen_emit *e, const struct gen_block *block)
{
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		describe(e, leaf);
		if (leaf->count != 1 && !is_bytes(leaf))
			emit_get_array(e, block, leaf);
		else
			emit_get(e, block, leaf);
		if (!leaf->constant && (leaf->optional || leaf->since))
			out(e,
			    "MYC_SBE_INLINE bool %s_has_%s(const struct %s *view)\n{\n\treturn "
			    "%s;\n}\n",
			    block->c_name, leaf->name, block->c_name, is_there(e, block, leaf));
		out(e, "\n");
	}
	for (const struct gen_field *data = block->data; data; data = data->next) {
		comment(e, 0, "variable data", data->description, data->since, data->deprecated);
		out(e,
		    "MYC_SBE_INLINE struct myc_sbe_bytes %s_get_%s(const struct %s *view)\n{\n"
		    "\treturn view->data_%s;\n}\n\n",
		    block->c_name, data->c_name, block->c_name, data->c_name);
	}
}
