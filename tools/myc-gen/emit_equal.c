/* SPDX-License-Identifier: Apache-2.0 */
/* Equality: of what two views say, whatever versions they are of; and of two structs. */
#include "myc-gen/emit.h"

static void equal_leaf(struct gen_emit *e, const struct gen_block *block,
		       const struct gen_leaf *leaf)
{
	char *get = text(e, "%s_get_%s", block->c_name, leaf->name);
	const char *same =
		gen_is_real(leaf->primitive) ? gen_primitive_names[leaf->primitive] : "bytes";

	if (leaf->count != 1 && !is_bytes(leaf)) {
		out(e, "\tfor (size_t i = 0; i < %u; i++) {\n", leaf->count);
		if (gen_is_real(leaf->primitive))
			out(e, "\t\tif (!myc_sbe_same_%s(%s(a, i), %s(b, i)))\n", same, get, get);
		else
			out(e, "\t\tif (%s(a, i) != %s(b, i))\n", get, get);
		out(e, "\t\t\treturn false;\n\t}\n");
		return;
	}
	if (is_bytes(leaf) || gen_is_real(leaf->primitive))
		out(e, "\tif (!myc_sbe_same_%s(%s(a), %s(b)))\n", same, get, get);
	else
		out(e, "\tif (%s(a) != %s(b))\n", get, get);
	out(e, "\t\treturn false;\n");
}

static void equal_struct(struct gen_emit *e, const struct gen_block *block)
{
	out(e,
	    "MYC_SBE_INLINE bool %s_block_equal(const struct %s_block *a, const struct %s_block "
	    "*b)\n{\n",
	    block->c_name, block->c_name, block->c_name);
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		if (leaf->constant)
			continue;
		if (gen_is_real(leaf->primitive) && leaf->count == 1)
			out(e, "\tif (!myc_sbe_same_%s(a->%s, b->%s))\n",
			    gen_primitive_names[leaf->primitive], leaf->path, leaf->path);
		else if (leaf->count == 1)
			out(e, "\tif (a->%s != b->%s)\n", leaf->path, leaf->path);
		else if (gen_is_real(leaf->primitive))
			out(e,
			    "\tfor (size_t i = 0; i < %u; i++)\n\t\tif (!myc_sbe_same_%s(a->%s[i], "
			    "b->%s[i]))\n\t",
			    leaf->count, gen_primitive_names[leaf->primitive], leaf->path,
			    leaf->path);
		else
			out(e, "\tif (memcmp(a->%s, b->%s, sizeof(a->%s)))\n", leaf->path,
			    leaf->path, leaf->path);
		out(e, "\t\treturn false;\n");
	}
	out(e, "\t(void)a, (void)b;\n\treturn true;\n}\n\n");
}

void emit_equal(struct gen_emit *e, const struct gen_block *block)
{
	const char *c = block->c_name;

	out(e,
	    "/* Do both say the same, in every field, group and data that this schema knows? */\n"
	    "static inline bool %s_equal(const struct %s *a, const struct %s *b)\n{\n",
	    c, c, c);
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		if (!leaf->constant)
			equal_leaf(e, block, leaf);
	}
	for (const struct gen_block *group = block->groups; group; group = group->next) {
		const char *g = group->c_name;

		out(e,
		    "\tstruct %s %s_a, %s_b;\n\t%s_open(a, &%s_a);\n\t%s_open(b, &%s_b);\n"
		    "\tif (a->%s.count != b->%s.count)\n\t\treturn false;\n"
		    "\twhile (%s_next(&%s_a) && %s_next(&%s_b)) {\n"
		    "\t\tif (!%s_equal(&%s_a, &%s_b))\n\t\t\treturn false;\n\t}\n",
		    g, g, g, g, g, g, g, group->short_name, group->short_name, g, g, g, g, g, g, g);
	}
	for (const struct gen_field *data = block->data; data; data = data->next)
		out(e, "\tif (!myc_sbe_same_bytes(a->data_%s, b->data_%s))\n\t\treturn false;\n",
		    data->c_name, data->c_name);
	out(e, "\t(void)a, (void)b;\n\treturn true;\n}\n\n");
	if (block->length)
		equal_struct(e, block);
}
