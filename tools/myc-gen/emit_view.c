/* SPDX-License-Identifier: Apache-2.0 */
/* Views: the struct of a block, how it is opened, and the walk over its groups and data. */
#include "myc-gen/emit.h"

static const char *version_of(const struct gen_block *block)
{
	(void)block;
	return "view->at.version";
}

static void emit_view_struct(struct gen_emit *e, const struct gen_block *block)
{
	out(e, "/* A view of it: fields by get_ functions%s. */\nstruct %s {\n\tstruct %s at;\n",
	    block->parent ? ", entry by entry" : "", block->c_name,
	    block->parent ? "myc_sbe_entry" : "myc_sbe_root");
	for (const struct gen_block *group = block->groups; group; group = group->next)
		out(e, "\tstruct myc_sbe_group %s;\n", group->short_name);
	for (const struct gen_field *data = block->data; data; data = data->next)
		out(e, "\tstruct myc_sbe_bytes data_%s;\n", data->c_name);
	out(e, "};\n\n");
}

/* How long the block is at least in a version of the schema. */
static void emit_need(struct gen_emit *e, const struct gen_block *block)
{
	char *value = text(e, "%u", block->steps->length);

	for (const struct gen_step *step = block->steps->next; step; step = step->next)
		value = text(e, "version >= %u ? %u : %s", step->version, step->length, value);
	out(e,
	    "MYC_SBE_INLINE uint32_t %s_need_(uint32_t version)\n{\n\t(void)version;\n\treturn "
	    "%s;\n}\n\n",
	    block->c_name, value);
}

/* The condition that a message has a part: its version, and the number that it tells. */
static char *present(struct gen_emit *e, const struct gen_block *block, uint32_t since,
		     const char *told, unsigned index)
{
	char *version = since ? born(e, version_of(block), since) : NULL;
	char *number = tells(e, block) ? text(e, "view->at.%s > %u", told, index) : NULL;

	if (version && number)
		return text(e, "%s && %s", version, number);
	return version ? version : number;
}

static void emit_group_part(struct gen_emit *e, const struct gen_block *block,
			    const struct gen_block *group, unsigned index)
{
	char *condition = present(e, block, group->since, "groups", index);
	const char *g = group->short_name;

	if (condition)
		out(e, "\tview->%s = (struct myc_sbe_group){.entries = cursor->at};\n\tif (%s) {\n",
		    g, condition);
	const char *tab = condition ? "\t\t" : "\t";
	out(e, "%sview->%s = %s_open_(cursor);\n", tab, g, group->dimension->c_name);
	out(e, "%smyc_sbe_fields(cursor, &view->%s, %s_need_(%s));\n", tab, g, group->c_name,
	    version_of(block));
	if (is_flat(e, group))
		out(e, "%smyc_sbe_pass(cursor, &view->%s);\n", tab, g);
	else
		out(e, "%s%s_pass_(cursor, &view->%s, %s);\n", tab, group->c_name, g,
		    version_of(block));
	if (condition)
		out(e, "\t}\n");
}

static void emit_parts(struct gen_emit *e, const struct gen_block *block)
{
	unsigned index = 0;

	out(e, "/* Groups and data behind the block, which the cursor passes. */\n");
	out(e, "static inline void %s_parts_(struct %s *view, struct myc_sbe_cursor *cursor)\n{\n",
	    block->c_name, block->c_name);
	for (const struct gen_block *group = block->groups; group; group = group->next)
		emit_group_part(e, block, group, index++);
	if (tells(e, block))
		out(e,
		    "\tif (view->at.groups != MYC_SBE_UNTOLD)\n"
		    "\t\tfor (uint32_t i = %u; i < view->at.groups && !cursor->error; i++)\n"
		    "\t\t\t%s_pass_group_(cursor, 0);\n",
		    groups_of(block), e->p);
	index = 0;
	for (const struct gen_field *data = block->data; data; data = data->next) {
		char *condition = present(e, block, data->since, "datas", index++);

		if (condition)
			out(e,
			    "\tview->data_%s = (struct myc_sbe_bytes){cursor->at, 0};\n\tif "
			    "(%s)\n\t",
			    data->c_name, condition);
		out(e, "\tview->data_%s = %s_open_(cursor);\n", data->c_name, data->type->c_name);
	}
	if (tells(e, block))
		out(e,
		    "\tif (view->at.datas != MYC_SBE_UNTOLD)\n"
		    "\t\tfor (uint32_t i = %u; i < view->at.datas && !cursor->error; i++)\n"
		    "\t\t\t%s_pass_data_(cursor);\n",
		    datas_of(block), e->p);
	out(e, "\t(void)view, (void)cursor;\n}\n\n");
}

/* The header of a message of this version as one word; false = other than 8 bytes, or with gaps. */
static bool usual_header(const struct gen_emit *e, const struct gen_block *block, uint64_t *word)
{
	const struct gen_type *header = e->schema->header;
	const struct {
		const char *name;
		uint64_t value;
	} members[] = {{"blockLength", block->length},
		       {"templateId", block->id},
		       {"schemaId", e->schema->id},
		       {"version", e->schema->version}};
	uint32_t known = 0;

	*word = 0;
	for (int i = 0; i < 4; i++) {
		const struct gen_type *type = member_type(header, members[i].name);

		for (uint32_t byte = 0; byte < type->size; byte++) {
			uint32_t shift = e->schema->big_endian ? type->size - 1 - byte : byte;
			uint32_t at = member_at(header, members[i].name) + byte;

			if (at < 8)
				*word |= (members[i].value >> 8 * shift & 0xff) << 8 * at;
		}
		known += type->size;
	}
	return header->size == 8 && known == 8;
}

static void emit_opened(struct gen_emit *e, const struct gen_block *block)
{
	const char *c = block->c_name, *C = capitals(e, c);
	uint64_t word;
	bool usual = usual_header(e, block, &word);

	out(e,
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_opened_(struct %s *view, const void *data, size_t "
	    "size, bool whole)\n{\n"
	    "\tstruct myc_sbe_header header;\n\n\t*view = (struct %s){0};\n",
	    c, c, c);
	if (usual)
		out(e,
		    "\t/* of this version in one comparison: then lengths are constants */\n"
		    "\tif (__builtin_expect(size >= %s_HEADER_LENGTH + %s_BLOCK_LENGTH &&\n"
		    "\t\t\tMYC_SBE_ONCE(myc_sbe_get_uint64_le((const uint8_t *)data)) == "
		    "UINT64_C(0x%016llx), 1)) {\n"
		    "\t\theader = (struct myc_sbe_header){%s_BLOCK_LENGTH, %s_TEMPLATE_ID, "
		    "%s_SCHEMA_ID,\n\t\t\t\t%s_SCHEMA_VERSION, MYC_SBE_UNTOLD, MYC_SBE_UNTOLD};\n"
		    "\t} else {\n",
		    e->P, C, (unsigned long long)word, C, C, e->P, e->P);
	const char *tab = usual ? "\t\t" : "\t";
	out(e, "%sint error = %s_header(&header, data, size);\n\n%sif (error)\n%s\treturn error;\n",
	    tab, e->p, tab, tab);
	out(e, "%sif (header.template_id != %s_TEMPLATE_ID)\n%s\treturn MYC_SBE_TEMPLATE;\n", tab,
	    C, tab);
	out(e, "%sif (header.schema_id != %s_SCHEMA_ID)\n%s\treturn MYC_SBE_SCHEMA;\n%s", tab, e->P,
	    tab, usual ? "\t}\n" : "");
	out(e,
	    "\treturn %s_place_(view, (const uint8_t *)data + %s_HEADER_LENGTH, size - "
	    "%s_HEADER_LENGTH,\n\t\t\t&header, whole);\n}\n\n",
	    c, e->P, e->P);
}

static void emit_open(struct gen_emit *e, const struct gen_block *block)
{
	const char *c = block->c_name;

	out(e,
	    "static inline MYC_SBE_CHECK int %s_place_(struct %s *view, const uint8_t *body, "
	    "size_t size,\n"
	    "\t\t\t\t\t  const struct myc_sbe_header *header, bool whole)\n{\n",
	    c, c);
	out(e,
	    "\tstruct myc_sbe_cursor cursor = {body, body + size, 0};\n"
	    "\tuint32_t version = header->version > UINT32_MAX ? UINT32_MAX : "
	    "(uint32_t)header->version;\n\n"
	    "\tif (header->block_length > size)\n\t\treturn MYC_SBE_SHORT;\n"
	    "\tif (header->block_length < %s_need_(version))\n\t\treturn MYC_SBE_BLOCK;\n",
	    c);
	out(e,
	    "\tcursor.at += header->block_length;\n"
	    "\tview->at.block = body;\n\tview->at.block_length = (uint32_t)header->block_length;\n"
	    "\tview->at.version = version;\n\tview->at.groups = header->groups;\n"
	    "\tview->at.datas = header->datas;\n");
	if (!is_flat(e, block))
		out(e, "\t%s_parts_(view, &cursor);\n", c);
	out(e, "\tview->at.end = cursor.at;\n\treturn whole ? cursor.error : 0;\n}\n\n");

	emit_opened(e, block);
	out(e, "/* Opens a message in memory that nobody else writes: the whole of it is checked, "
	       "0 or an enum\n"
	       " * myc_sbe_error. What comes behind it in the memory is left alone. */\n");
	out(e,
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_open(struct %s *view, const void *data, size_t "
	    "size)\n{\n\treturn %s_opened_(view, data, size, true);\n}\n\n",
	    c, c, c);
	out(e, "/* The same in memory that another process may write at any time: refused when "
	       "header or root block\n"
	       " * do not fit; counts and lengths that do not are cut to what does. */\n");
	out(e,
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_open_bounded(struct %s *view, const void *data, "
	    "size_t size)\n{\n\treturn %s_opened_(view, data, size, false);\n}\n\n",
	    c, c, c);
	out(e, "/* The same without a header: who sent it said the acting block length and "
	       "version. whole: as open;\n"
	       " * else as open_bounded. */\n");
	out(e,
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_open_body(struct %s *view, const void *body, "
	    "size_t size,\n"
	    "\t\t\t\t\t\tuint32_t block_length, uint32_t version, bool whole)\n{\n"
	    "\tstruct myc_sbe_header header = {.block_length = block_length,\n"
	    "\t\t\t\t\t.version = version,\n"
	    "\t\t\t\t\t.groups = MYC_SBE_UNTOLD,\n"
	    "\t\t\t\t\t.datas = MYC_SBE_UNTOLD};\n\n"
	    "\t*view = (struct %s){0};\n"
	    "\treturn %s_place_(view, (const uint8_t *)body, size, &header, whole);\n}\n\n",
	    c, c, c, c);
	out(e,
	    "/* Bytes of an open message, header and all known parts. */\n"
	    "MYC_SBE_INLINE size_t %s_size(const struct %s *view)\n{\n"
	    "\treturn (size_t)(view->at.end - view->at.block) + %s_HEADER_LENGTH;\n}\n\n",
	    c, c, e->P);
}

/* A group's own functions; the parent's view has its position. */
static void emit_iterate(struct gen_emit *e, const struct gen_block *group)
{
	const char *c = group->c_name;

	if (is_flat(e, group)) {
		out(e,
		    "/* To the next entry, the first at first; false = there is none. */\n"
		    "MYC_SBE_INLINE bool %s_next(struct %s *view)\n{\n\treturn "
		    "myc_sbe_next(&view->at);\n}\n\n",
		    c, c);
		return;
	}
	out(e,
	    "/* To the next entry, the first at first; false = there is none. */\n"
	    "static inline bool %s_next(struct %s *view)\n{\n"
	    "\tstruct myc_sbe_cursor cursor = {view->at.next, view->at.end, 0};\n\n"
	    "\tif (!myc_sbe_enter(&view->at, &cursor))\n\t\treturn false;\n"
	    "\t%s_parts_(view, &cursor);\n\tview->at.next = cursor.at;\n\treturn true;\n}\n\n",
	    c, c, c);
	out(e,
	    "static inline void %s_pass_(struct myc_sbe_cursor *cursor, struct myc_sbe_group "
	    "*group,\n"
	    "\t\t\t\t  uint32_t version)\n{\n\tstruct %s view;\n\n"
	    "\tmyc_sbe_entries(&view.at, group, cursor->end, version);\n"
	    "\twhile (myc_sbe_enter(&view.at, cursor))\n\t\t%s_parts_(&view, cursor);\n"
	    "\tgroup->count -= view.at.left;\n}\n\n",
	    c, c, c);
}

/* What a parent's view has for a group. */
static void emit_group_access(struct gen_emit *e, const struct gen_block *block,
			      const struct gen_block *group)
{
	const char *c = group->c_name, *end = block->parent ? "next" : "end";

	out(e,
	    "MYC_SBE_INLINE uint32_t %s_count(const struct %s *of)\n{\n\treturn "
	    "of->%s.count;\n}\n\n",
	    c, block->c_name, group->short_name);
	out(e,
	    "/* Before the first entry; next goes to it. */\n"
	    "MYC_SBE_INLINE void %s_open(const struct %s *of, struct %s *view)\n{\n"
	    "\tmyc_sbe_entries(&view->at, &of->%s, of->at.%s, of->at.version);\n}\n\n",
	    c, block->c_name, c, group->short_name, end);
	if (!is_flat(e, group))
		return;
	out(e,
	    "/* Straight to the entry of that index; false = there is none. */\n"
	    "MYC_SBE_INLINE bool %s_at(const struct %s *of, struct %s *view, uint32_t index)\n{\n"
	    "\tmyc_sbe_entries(&view->at, &of->%s, of->at.%s, of->at.version);\n"
	    "\tif (__builtin_expect(index >= view->at.left, 0))\n\t\treturn false;\n"
	    "\tview->at.left -= index;\n"
	    "\tview->at.next += (size_t)index * view->at.block_length;\n"
	    "\treturn myc_sbe_next(&view->at);\n}\n\n",
	    c, block->c_name, c, group->short_name, end);
}

void emit_view(struct gen_emit *e, const struct gen_block *block)
{
	emit_view_struct(e, block);
	emit_need(e, block);
	if (!is_flat(e, block))
		emit_parts(e, block);
	if (block->parent)
		emit_iterate(e, block);
	else
		emit_open(e, block);
	for (const struct gen_block *group = block->groups; group; group = group->next)
		emit_group_access(e, block, group);
}
