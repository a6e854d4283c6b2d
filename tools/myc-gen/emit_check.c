/* SPDX-License-Identifier: Apache-2.0 */
/* The standard's checks of values ("Field value validation"): ranges, nulls in required fields, values of
 * enums, characters of strings. */
#include <string.h>

#include "myc-gen/emit.h"

static bool is_utf8(const struct gen_type *type)
{
	return type->character_encoding && !strcmp(type->character_encoding, "UTF-8");
}

static void wrong(struct gen_emit *e, const struct gen_leaf *leaf, const char *condition)
{
	out(e, "\tif (%s)\n\t\treturn %s;\n", condition, quoted(e, leaf->dotted));
}

/* Strings without an encoding are printable ASCII; of other encodings nothing is known here. */
static void check_string(struct gen_emit *e, const struct gen_leaf *leaf, const char *get)
{
	if (leaf->primitive != GEN_CHAR)
		return;
	if (is_utf8(leaf->type))
		wrong(e, leaf, text(e, "!myc_sbe_is_utf8(myc_sbe_trim(%s))", get));
	else if (!leaf->type->character_encoding || strstr(leaf->type->character_encoding, "ASCII"))
		wrong(e, leaf, text(e, "!myc_sbe_is_ascii(myc_sbe_trim(%s))", get));
}

/* Can a value of the primitive be less (greater) than that at all? */
static bool can_be_less(enum gen_primitive primitive, uint64_t min)
{
	return gen_is_real(primitive) ||
	       (gen_is_signed(primitive) ? min != gen_null_bits(primitive) : min);
}

static bool can_be_greater(enum gen_primitive primitive, uint64_t max)
{
	if (primitive == GEN_CHAR)
		return max < 127;
	return gen_is_real(primitive) ||
	       (gen_is_signed(primitive) ? max != gen_max_bits(primitive)
					 : max != gen_max_bits(primitive) + 1);
}

static void check_number(struct gen_emit *e, const struct gen_block *block,
			 const struct gen_leaf *leaf, const char *get)
{
	const struct gen_type *type = leaf->type;
	bool letter = leaf->primitive == GEN_CHAR;
	uint64_t min = type->min.text ? type->min.bits : gen_min_bits(leaf->primitive),
		 max = type->max.text ? type->max.bits : gen_max_bits(leaf->primitive);
	const char *there = leaf->optional
				    ? text(e, "%s_has_%s(view) && ", block->c_name, leaf->name)
			    : leaf->since ? text(e, "view->at.version >= %u && ", leaf->since)
					  : "";

	if (!leaf->optional && gen_is_real(leaf->primitive))
		wrong(e, leaf, text(e, "%s__builtin_isnan(%s)", there, get));
	else if (!leaf->optional && !letter)
		wrong(e, leaf, text(e, "%s%s == %s", there, get, leaf_null(e, leaf)));
	if ((type->min.text || letter) && can_be_less(leaf->primitive, min))
		wrong(e, leaf, text(e, "%s%s < %s", there, get, c_value(e, leaf->primitive, min)));
	if ((type->max.text || letter) && can_be_greater(leaf->primitive, max))
		wrong(e, leaf, text(e, "%s%s > %s", there, get, c_value(e, leaf->primitive, max)));
}

static void check_leaf(struct gen_emit *e, const struct gen_block *block,
		       const struct gen_leaf *leaf)
{
	char *get = text(e, "%s_get_%s(view)", block->c_name, leaf->name);

	if (leaf->constant || leaf->type->kind == GEN_SET)
		return;
	if (leaf->type->kind == GEN_ENUM)
		wrong(e, leaf,
		      text(e, "!%s_name(%s)%s", leaf->type->c_name, get,
			   leaf->optional || leaf->since
				   ? text(e, " && %s_has_%s(view)", block->c_name, leaf->name)
				   : ""));
	else if (is_bytes(leaf))
		check_string(e, leaf, get);
	else if (leaf->count == 1)
		check_number(e, block, leaf, get);
}

static void check_group(struct gen_emit *e, const struct gen_block *group)
{
	const char *g = group->c_name;

	out(e,
	    "\tstruct %s %s_;\n\t%s_open(view, &%s_);\n\twhile (%s_next(&%s_)) {\n"
	    "\t\tconst char *wrong_ = %s_check(&%s_);\n\t\tif (wrong_)\n\t\t\treturn "
	    "wrong_;\n\t}\n",
	    g, g, g, g, g, g, g, g);
}

void emit_check(struct gen_emit *e, const struct gen_block *block)
{
	out(e,
	    "/* Are the values such as the schema allows? NULL, or the name of the first field "
	    "that is not: out\n"
	    " * of its range, null and required, no value of its enum, no text. */\n"
	    "static inline const char *%s_check(const struct %s *view)\n{\n",
	    block->c_name, block->c_name);
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next)
		check_leaf(e, block, leaf);
	for (const struct gen_block *group = block->groups; group; group = group->next)
		check_group(e, group);
	for (const struct gen_field *data = block->data; data; data = data->next) {
		if (is_utf8(member_type(data->type, "varData")))
			out(e, "\tif (!myc_sbe_is_utf8(view->data_%s))\n\t\treturn %s;\n",
			    data->c_name, quoted(e, data->name));
	}
	out(e, "\t(void)view;\n\treturn NULL;\n}\n\n");
}
