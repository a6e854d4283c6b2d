/* SPDX-License-Identifier: Apache-2.0 */
/* Encoders: a message begins, its fields are set in place, groups and data follow in order, it ends. */
#include "myc-gen/emit.h"

static unsigned parts_of(const struct gen_block *block)
{
	return groups_of(block) + datas_of(block);
}

/* The writer as a pointer: the root holds it, entries point to it. */
static const char *writer(const struct gen_block *block)
{
	return block->parent ? "encoder->w" : "&encoder->w";
}

/* How many groups (or data) a version of the block has, as C. */
static char *number(struct gen_emit *e, const struct gen_block *block, bool data)
{
	unsigned always = 0;
	char *sum = text(e, "%s", "");

	for (const struct gen_block *group = data ? NULL : block->groups; group;
	     group = group->next) {
		always += !group->since;
		if (group->since)
			sum = text(e, "%s + (version >= %u)", sum, group->since);
	}
	for (const struct gen_field *field = data ? block->data : NULL; field;
	     field = field->next) {
		always += !field->since;
		if (field->since)
			sum = text(e, "%s + (version >= %u)", sum, field->since);
	}
	return *sum ? text(e, "(uint32_t)(%u%s)", always, sum) : text(e, "%u", always);
}

/* Zeros where no field lies; a block of an older version is zeroed as a whole. */
static void emit_pads(struct gen_emit *e, const struct gen_block *block)
{
	uint32_t at = 0;

	out(e, "MYC_SBE_INLINE uint32_t %s_length_(uint32_t version)\n{\n", block->c_name);
	if (block->steps->next)
		out(e,
		    "\treturn version < %s_SCHEMA_VERSION ? %s_need_(version) : "
		    "%s_BLOCK_LENGTH;\n}\n\n",
		    e->P, block->c_name, capitals(e, block->c_name));
	else
		out(e, "\t(void)version;\n\treturn %s_BLOCK_LENGTH;\n}\n\n",
		    capitals(e, block->c_name));
	out(e, "MYC_SBE_INLINE void %s_pads_(uint8_t *block, uint32_t version)\n{\n",
	    block->c_name);
	if (block->steps->next)
		out(e,
		    "\tif (version < %s_SCHEMA_VERSION) {\n\t\tmemset(block, 0, "
		    "%s_need_(version));\n\t\treturn;\n\t}\n",
		    e->P, block->c_name);
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		if (leaf->constant)
			continue;
		if (leaf->at > at)
			out(e, "\tmemset(block + %u, 0, %u);\n", at, leaf->at - at);
		at = leaf->at + leaf->count * gen_primitive_size(leaf->primitive);
	}
	if (block->length > at)
		out(e, "\tmemset(block + %u, 0, %u);\n", at, block->length - at);
	out(e, "\t(void)block, (void)version;\n}\n\n");
}

/* Ends what was begun before part, and writes the parts in between as empty. */
static void emit_reach(struct gen_emit *e, const struct gen_block *block)
{
	unsigned n = parts_of(block), index = 0;

	out(e,
	    "MYC_SBE_INLINE void %s_reach_(struct %s_encoder *encoder, uint32_t part)\n{\n"
	    "\tstruct myc_sbe_writer *w = %s;\n\n"
	    "\tif (w->pending != encoder->s.below + (uint64_t)encoder->s.left * %u + (%u - "
	    "encoder->s.part))\n"
	    "\t\tmyc_sbe_fail(w, MYC_SBE_UNFINISHED);\n"
	    "\tif (encoder->s.part > part)\n\t\tmyc_sbe_fail(w, MYC_SBE_ORDER);\n"
	    "\tif (w->error)\n\t\treturn;\n",
	    block->c_name, block->c_name, writer(block), n + 1, n);
	for (const struct gen_block *group = block->groups; group; group = group->next, index++) {
		out(e, "\tif (encoder->s.part == %u && part > %u) {\n", index, index);
		if (group->since)
			out(e, "\t\tif (w->version >= %u)\n\t", group->since);
		out(e, "\t\t%s_empty_(w);\n\t\tencoder->s.part++;\n\t\tw->pending--;\n\t}\n",
		    group->c_name);
	}
	for (const struct gen_field *data = block->data; data; data = data->next, index++) {
		out(e, "\tif (encoder->s.part == %u && part > %u) {\n", index, index);
		if (data->since)
			out(e, "\t\tif (w->version >= %u)\n\t", data->since);
		out(e,
		    "\t\t(void)%s_reserve_(w, "
		    "0);\n\t\tencoder->s.part++;\n\t\tw->pending--;\n\t}\n",
		    data->type->c_name);
	}
	out(e, "}\n\n");
}

static void emit_begin(struct gen_emit *e, const struct gen_block *block)
{
	const char *c = block->c_name;

	out(e,
	    "static inline MYC_SBE_CHECK __attribute__((always_inline)) int\n"
	    "%s_start_(struct %s_encoder *encoder, void *buffer, size_t size, uint32_t version, "
	    "uint32_t header)\n{\n"
	    "\tuint32_t length = %s_length_(version);\n\tuint8_t *at = (uint8_t *)buffer;\n\n"
	    "\t*encoder = (struct %s_encoder){.w = {.start = at, .at = at, .end = at + size,\n"
	    "\t\t\t\t\t.pending = %u, .version = version}};\n",
	    c, c, c, c, parts_of(block));
	out(e,
	    "\tif (version > %s_SCHEMA_VERSION%s)\n\t\treturn encoder->w.error = "
	    "MYC_SBE_VERSION;\n",
	    e->P, block->since ? text(e, " || version < %u", block->since) : "");
	out(e,
	    "\tif (size < header || size - header < length)\n\t\treturn encoder->w.error = "
	    "MYC_SBE_ROOM;\n"
	    "\tif (header)\n\t\t%s_put_header_(at, length, %s_TEMPLATE_ID, version, %s, %s);\n",
	    e->p, capitals(e, c), number(e, block, false), number(e, block, true));
	out(e,
	    "\tencoder->s.block = at + header;\n\tencoder->w.at = at + header + length;\n"
	    "\t%s_pads_(encoder->s.block, version);\n\treturn 0;\n}\n\n",
	    c);
	out(e,
	    "/* Begins a message: header, and room for the root block. Fields that are not set "
	    "keep what the\n"
	    " * buffer had; see nulls. 0, or MYC_SBE_ROOM: then the encoder is of no use. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_begin(struct %s_encoder *encoder, void *buffer, "
	    "size_t size)\n{\n"
	    "\treturn %s_start_(encoder, buffer, size, %s_SCHEMA_VERSION, "
	    "%s_HEADER_LENGTH);\n}\n\n",
	    c, c, c, e->P, e->P);
	out(e,
	    "/* For a reader of an older version: newer fields are left out, newer groups must be "
	    "empty. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_begin_version(struct %s_encoder *encoder, void "
	    "*buffer,\n"
	    "\t\t\t\t\t\t    size_t size, uint32_t version)\n{\n"
	    "\treturn %s_start_(encoder, buffer, size, version, %s_HEADER_LENGTH);\n}\n\n",
	    c, c, c, e->P);
	out(e,
	    "/* Without a header: the reader is told block length and version by other means. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_begin_body(struct %s_encoder *encoder, void "
	    "*buffer,\n"
	    "\t\t\t\t\t\t size_t size)\n{\n"
	    "\treturn %s_start_(encoder, buffer, size, %s_SCHEMA_VERSION, 0);\n}\n\n",
	    c, c, c, e->P);
	out(e,
	    "/* Ends the message, groups and data that were not written are empty: its length, or "
	    "0 when\n"
	    " * something went wrong, then encoder->w.error says what. */\n"
	    "MYC_SBE_INLINE MYC_SBE_CHECK size_t %s_end(struct %s_encoder *encoder)\n{\n"
	    "\t%s_reach_(encoder, %u);\n"
	    "\treturn encoder->w.error ? 0 : (size_t)(encoder->w.at - encoder->w.start);\n}\n\n",
	    c, c, c, parts_of(block));
}

static void emit_empty(struct gen_emit *e, const struct gen_block *group)
{
	out(e,
	    "MYC_SBE_INLINE void %s_put_(struct myc_sbe_writer *w, uint64_t count)\n{\n"
	    "\tuint32_t version = w->version;\n\n\t(void)version;\n"
	    "\t%s_put_(w, %s_length_(version), count, %s, %s);\n}\n\n",
	    group->c_name, group->dimension->c_name, group->c_name, number(e, group, false),
	    number(e, group, true));
	out(e,
	    "MYC_SBE_INLINE void %s_empty_(struct myc_sbe_writer *w)\n{\n\t%s_put_(w, 0);\n}\n\n",
	    group->c_name, group->c_name);
}

static void emit_add(struct gen_emit *e, const struct gen_block *group)
{
	const char *c = group->c_name;
	unsigned n = parts_of(group);

	out(e, "/* To the next entry, the first at first: its fields can be set. false after the "
	       "last, and after\n"
	       " * an error. */\n");
	if (!n) {
		out(e,
		    "MYC_SBE_INLINE bool %s_add(struct %s_encoder *encoder)\n{\n"
		    "\tif (__builtin_expect(!encoder->s.left, 0))\n\t\treturn false;\n"
		    "\tencoder->s.left--;\n\tencoder->w->pending--;\n"
		    "\tencoder->s.block = encoder->s.next;\n"
		    "\tencoder->s.next += encoder->s.block_length;\n"
		    "\t%s_pads_(encoder->s.block, encoder->w->version);\n\treturn true;\n}\n\n",
		    c, c, c);
		return;
	}
	out(e,
	    "MYC_SBE_INLINE bool %s_add(struct %s_encoder *encoder)\n{\n"
	    "\t%s_reach_(encoder, %u);\n"
	    "\tif (!encoder->s.left || encoder->w->error)\n\t\treturn false;\n"
	    "\tuint8_t *block = myc_sbe_take(encoder->w, encoder->s.block_length);\n"
	    "\tif (!block)\n\t\treturn false;\n"
	    "\tencoder->s.block = block;\n"
	    "\tencoder->s.left--;\n\tencoder->w->pending--;\n\tencoder->s.part = 0;\n"
	    "\t%s_pads_(block, encoder->w->version);\n\treturn true;\n}\n\n",
	    c, c, c, n, c);
}

static void emit_group_begin(struct gen_emit *e, const struct gen_block *block,
			     const struct gen_block *group, unsigned index)
{
	const char *c = group->c_name;
	unsigned n = parts_of(group);

	out(e,
	    "/* Begins the group: so many entries must follow. false after an error. */\n"
	    "MYC_SBE_INLINE bool %s_begin(struct %s_encoder *encoder, struct %s_encoder *group,\n"
	    "\t\t\t\t uint32_t count)\n{\n\tstruct myc_sbe_writer *w = %s;\n\n"
	    "\t*group = (struct %s_encoder){.w = w};\n\t%s_reach_(encoder, %u);\n"
	    "\tif (w->error)\n\t\treturn false;\n\tencoder->s.part++;\n\tw->pending--;\n"
	    "\tgroup->s.below = w->pending;\n\tgroup->s.part = %u;\n",
	    c, block->c_name, c, writer(block), c, block->c_name, index, n);
	if (group->since)
		out(e,
		    "\tif (w->version < %u) {\n\t\tif (count)\n\t\t\tmyc_sbe_fail(w, "
		    "MYC_SBE_VERSION);\n"
		    "\t\treturn !count;\n\t}\n",
		    group->since);
	out(e, "\t%s_put_(w, count);\n\tgroup->s.block_length = %s_length_(w->version);\n", c, c);
	if (!n)
		out(e, "\tgroup->s.next = myc_sbe_take(w, (uint64_t)count * "
		       "group->s.block_length);\n");
	out(e,
	    "\tif (w->error)\n\t\treturn false;\n\tgroup->s.left = count;\n"
	    "\tw->pending += (uint64_t)count * %u;\n\treturn true;\n}\n\n",
	    n + 1);
}

static void emit_data_set(struct gen_emit *e, const struct gen_block *block,
			  const struct gen_field *data, unsigned index)
{
	out(e,
	    "/* Room for so many bytes of the data, to be written by the caller; NULL after an "
	    "error. */\n"
	    "MYC_SBE_INLINE uint8_t *%s_reserve_%s(struct %s_encoder *encoder, size_t length)\n{\n"
	    "\tstruct myc_sbe_writer *w = %s;\n\n\t%s_reach_(encoder, %u);\n"
	    "\tif (w->error)\n\t\treturn NULL;\n\tencoder->s.part++;\n\tw->pending--;\n",
	    block->c_name, data->c_name, block->c_name, writer(block), block->c_name, index);
	if (data->since)
		out(e,
		    "\tif (w->version < %u) {\n\t\tif (length)\n\t\t\tmyc_sbe_fail(w, "
		    "MYC_SBE_VERSION);\n"
		    "\t\treturn NULL;\n\t}\n",
		    data->since);
	out(e, "\treturn %s_reserve_(w, length);\n}\n", data->type->c_name);
	out(e,
	    "MYC_SBE_INLINE void %s_set_%s(struct %s_encoder *encoder, const void *data, size_t "
	    "length)\n{\n"
	    "\tuint8_t *to = %s_reserve_%s(encoder, length);\n\n"
	    "\tif (to && length)\n\t\tmemcpy(to, data, length);\n}\n\n",
	    block->c_name, data->c_name, block->c_name, block->c_name, data->c_name);
}

void emit_encoder(struct gen_emit *e, const struct gen_block *block)
{
	unsigned index = 0;

	out(e,
	    "/* Writes it in place: fields by set_ functions. */\nstruct %s_encoder {\n\tstruct "
	    "myc_sbe_writer %sw;\n"
	    "\tstruct myc_sbe_slot s;\n};\n\n",
	    block->c_name, block->parent ? "*" : "");
	emit_pads(e, block);
	if (block->parent)
		emit_empty(e, block);
	if (!block->parent || parts_of(block))
		emit_reach(e, block);
	if (block->parent)
		emit_add(e, block);
	else
		emit_begin(e, block);
	for (const struct gen_block *group = block->groups; group; group = group->next)
		emit_group_begin(e, block, group, index++);
	for (const struct gen_field *data = block->data; data; data = data->next)
		emit_data_set(e, block, data, index++);
}
