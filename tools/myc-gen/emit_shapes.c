/* SPDX-License-Identifier: Apache-2.0 */
/* Message header, group dimensions, lengths of variable data: reading and writing each. */
#include <string.h>

#include "myc-gen/emit.h"

/* The member's value as C: loaded once from at, a constant, or what stands for a missing one. */
static char *loaded(struct gen_emit *e, const struct gen_type *composite, const char *name,
		    const char *at, const char *missing)
{
	const struct gen_type *type = gen_target(gen_member(composite, name));

	if (!type)
		return text(e, "%s", missing);
	if (type->presence == GEN_CONSTANT)
		return c_value(e, type->primitive, type->constant.bits);
	return text(e, "MYC_SBE_ONCE(myc_sbe_get_%s_%s(%s + %u))", load_name(type->primitive),
		    e->order, at, member_at(composite, name));
}

static void store(struct gen_emit *e, const struct gen_type *composite, const char *name,
		  const char *value)
{
	const struct gen_type *type = gen_target(gen_member(composite, name));

	if (!type || type->presence == GEN_CONSTANT)
		return;
	out(e, "\tmyc_sbe_put_%s_%s(at + %u, (%s)%s);\n", load_name(type->primitive), e->order,
	    member_at(composite, name), c_type(type->primitive), value);
}

/* Zeros where none of the members named here lies. */
static void blank(struct gen_emit *e, const struct gen_type *composite, const char *const *names)
{
	uint32_t known = 0;

	for (; *names; names++) {
		const struct gen_type *type = gen_target(gen_member(composite, *names));

		known += type ? type->size : 0;
	}
	if (known < composite->size)
		out(e, "\tmemset(at, 0, %u);\n", composite->size);
}

static uint64_t most(const struct gen_type *type)
{
	return type->max.text ? type->max.bits : gen_max_bits(type->primitive);
}

static void emit_message_header(struct gen_emit *e)
{
	static const char *const names[] = {"blockLength", "templateId", "schemaId",
					    "version",	   "numGroups",	 "numVarDataFields",
					    NULL};
	const struct gen_type *header = e->schema->header;

	out(e, "\n#define %s_HEADER_LENGTH %u\n", e->P, header->size);
	for (int i = 0; i < 4; i++) {
		static const char *const words[] = {"BLOCK_LENGTH", "TEMPLATE_ID", "SCHEMA_ID",
						    "VERSION"};
		const struct gen_type *type = member_type(header, names[i]);

		if (type->presence != GEN_CONSTANT)
			out(e, "#define %s_HEADER_%s_OFFSET %u\n#define %s_HEADER_%s_SIZE %u\n",
			    e->P, words[i], member_at(header, names[i]), e->P, words[i],
			    type->size);
	}
	out(e, "\n/* Reads the header of any message of this schema: 0, or MYC_SBE_SHORT. */\n");
	out(e,
	    "MYC_SBE_INLINE MYC_SBE_CHECK int %s_header(struct myc_sbe_header *header, const void "
	    "*data,\n"
	    "\t\t\t\t\t     size_t size)\n{\n\tconst uint8_t *at = (const uint8_t *)data;\n\n",
	    e->p);
	out(e,
	    "\tmemset(header, 0, sizeof(*header));\n\tif (size < %u)\n\t\treturn MYC_SBE_SHORT;\n",
	    header->size);
	static const char *const members[] = {"block_length", "template_id", "schema_id",
					      "version",      "groups",	     "datas"};
	for (int i = 0; i < 6; i++)
		out(e, "\theader->%s = %s%s;\n", members[i], i < 4 ? "" : "(uint32_t)",
		    loaded(e, header, names[i], "at", "MYC_SBE_UNTOLD"));
	out(e, "\t(void)at;\n\treturn 0;\n}\n\n");
	out(e,
	    "MYC_SBE_INLINE void %s_put_header_(uint8_t *at, uint32_t block_length, uint32_t "
	    "template_id,\n"
	    "\t\t\t\t   uint32_t version, uint32_t groups, uint32_t datas)\n{\n",
	    e->p);
	blank(e, header, names);
	store(e, header, "blockLength", "block_length");
	store(e, header, "templateId", "template_id");
	store(e, header, "schemaId", text(e, "%s_SCHEMA_ID", e->P));
	store(e, header, "version", "version");
	store(e, header, "numGroups", "groups");
	store(e, header, "numVarDataFields", "datas");
	out(e, "\t(void)at, (void)block_length, (void)template_id, (void)version, (void)groups, "
	       "(void)datas;\n}\n");
}

static void emit_dimension(struct gen_emit *e, const struct gen_type *type)
{
	static const char *const names[] = {"blockLength", "numInGroup", "numGroups",
					    "numVarDataFields", NULL};
	const struct gen_type *number = member_type(type, "numInGroup");
	uint64_t least = number->min.text ? number->min.bits : 0;

	out(e, "\n/* %s: %u bytes */\n", type->name, type->size);
	out(e,
	    "MYC_SBE_INLINE struct myc_sbe_group %s_open_(struct myc_sbe_cursor *cursor)\n{\n"
	    "\tstruct myc_sbe_group group = {.entries = cursor->at};\n\n",
	    type->c_name);
	out(e,
	    "\tif (!myc_sbe_has(cursor, %u)) {\n\t\tgroup.entries = cursor->end;\n\t\treturn "
	    "group;\n\t}\n"
	    "\tconst uint8_t *at = cursor->at;\n\tcursor->at += %u;\n",
	    type->size, type->size);
	out(e, "\tgroup.groups = (uint32_t)%s;\n",
	    loaded(e, type, "numGroups", "at", "MYC_SBE_UNTOLD"));
	out(e, "\tgroup.datas = (uint32_t)%s;\n",
	    loaded(e, type, "numVarDataFields", "at", "MYC_SBE_UNTOLD"));
	out(e,
	    "\tmyc_sbe_counted(cursor, &group, %s, %lluu, UINT64_C(%llu),\n\t\t\t%s);\n\treturn "
	    "group;\n}\n",
	    loaded(e, type, "numInGroup", "at", ""), (unsigned long long)least,
	    (unsigned long long)most(number), loaded(e, type, "blockLength", "at", ""));
	out(e,
	    "\nMYC_SBE_INLINE void %s_put_(struct myc_sbe_writer *writer, uint32_t block_length, "
	    "uint64_t count,\n"
	    "\t\t\t\t  uint32_t groups, uint32_t datas)\n{\n",
	    type->c_name);
	out(e,
	    "\tif (%scount > UINT64_C(%llu)) {\n\t\tmyc_sbe_fail(writer, "
	    "MYC_SBE_COUNT);\n\t\treturn;\n\t}\n",
	    least ? text(e, "count < UINT64_C(%llu) || ", (unsigned long long)least) : "",
	    (unsigned long long)most(number));
	out(e, "\tuint8_t *at = myc_sbe_take(writer, %u);\n\tif (!at)\n\t\treturn;\n", type->size);
	blank(e, type, names);
	store(e, type, "blockLength", "block_length");
	store(e, type, "numInGroup", "count");
	store(e, type, "numGroups", "groups");
	store(e, type, "numVarDataFields", "datas");
	out(e, "\t(void)groups, (void)datas;\n}\n");
}

static void emit_data(struct gen_emit *e, const struct gen_type *type)
{
	const struct gen_type *length = member_type(type, "length");

	out(e, "\n/* %s: %u bytes, then the data */\n", type->name, type->size);
	out(e,
	    "MYC_SBE_INLINE struct myc_sbe_bytes %s_open_(struct myc_sbe_cursor *cursor)\n{\n"
	    "\tif (!myc_sbe_has(cursor, %u))\n\t\treturn (struct myc_sbe_bytes){cursor->end, 0};\n"
	    "\tconst uint8_t *at = cursor->at;\n\tcursor->at += %u;\n"
	    "\treturn myc_sbe_data(cursor, %s, UINT64_C(%llu));\n}\n",
	    type->c_name, type->size, type->size, loaded(e, type, "length", "at", ""),
	    (unsigned long long)most(length));
	out(e,
	    "\nMYC_SBE_INLINE uint8_t *%s_reserve_(struct myc_sbe_writer *writer, uint64_t "
	    "length)\n{\n"
	    "\tif (length > UINT64_C(%llu)) {\n\t\tmyc_sbe_fail(writer, "
	    "MYC_SBE_LENGTH);\n\t\treturn NULL;\n\t}\n"
	    "\tif (length > SIZE_MAX - %u) {\n\t\tmyc_sbe_fail(writer, MYC_SBE_ROOM);\n\t\treturn "
	    "NULL;\n\t}\n"
	    "\tuint8_t *at = myc_sbe_take(writer, %u + length);\n\tif (!at)\n\t\treturn NULL;\n",
	    type->c_name, (unsigned long long)most(length), type->size, type->size);
	blank(e, type, (const char *const[]){"length", NULL});
	store(e, type, "length", "length");
	out(e, "\treturn at + %u;\n}\n", type->size);
}

static void use(struct gen_block *block, bool data, struct gen_type *type, bool *used)
{
	for (struct gen_block *group = block->groups; group; group = group->next) {
		*used |= !data && group->dimension == type;
		use(group, data, type, used);
	}
	for (struct gen_field *field = block->data; field; field = field->next)
		*used |= data && field->type == type;
}

/* Passes over one group, or data field, of a newer schema; its shape is taken to be that of ours. */
static void emit_unknown(struct gen_emit *e)
{
	const struct gen_type *dimension = e->unknown_dimension, *data = e->unknown_data;

	if (!e->told)
		return;
	out(e, "\nstatic inline void %s_pass_data_(struct myc_sbe_cursor *cursor)\n{\n", e->p);
	if (data)
		out(e, "\t(void)%s_open_(cursor);\n}\n", data->c_name);
	else
		out(e, "\tmyc_sbe_stop(cursor, MYC_SBE_PARTS);\n}\n");
	out(e, "\nstatic inline void %s_pass_group_(struct myc_sbe_cursor *cursor, int depth)\n{\n",
	    e->p);
	if (!dimension) {
		out(e, "\t(void)depth;\n\tmyc_sbe_stop(cursor, MYC_SBE_PARTS);\n}\n");
		return;
	}
	out(e,
	    "\tstruct myc_sbe_group group = %s_open_(cursor);\n\tstruct myc_sbe_entry entry;\n\n",
	    dimension->c_name);
	out(e,
	    "\tif (group.groups == MYC_SBE_UNTOLD)\n\t\tgroup.groups = 0;\n"
	    "\tif (group.datas == MYC_SBE_UNTOLD)\n\t\tgroup.datas = 0;\n"
	    "\tif (!group.groups && !group.datas) {\n\t\tmyc_sbe_pass(cursor, "
	    "&group);\n\t\treturn;\n\t}\n"
	    "\tif (depth == 16) {\n\t\tmyc_sbe_stop(cursor, MYC_SBE_PARTS);\n\t\treturn;\n\t}\n"
	    "\tmyc_sbe_entries(&entry, &group, cursor->end, 0);\n"
	    "\twhile (myc_sbe_enter(&entry, cursor)) {\n"
	    "\t\tfor (uint32_t i = 0; i < entry.groups && !cursor->error; i++)\n"
	    "\t\t\t%s_pass_group_(cursor, depth + 1);\n"
	    "\t\tfor (uint32_t i = 0; i < entry.datas && !cursor->error; i++)\n"
	    "\t\t\t%s_pass_data_(cursor);\n\t}\n}\n",
	    e->p, e->p);
}

void emit_shapes(struct gen_emit *e)
{
	emit_message_header(e);
	for (struct gen_type *type = e->schema->types; type; type = type->next) {
		bool dimension = e->told && type == e->unknown_dimension,
		     data = e->told && type == e->unknown_data;

		for (struct gen_block *message = e->schema->messages; message;
		     message = message->next) {
			use(message, false, type, &dimension);
			use(message, true, type, &data);
		}
		if (dimension)
			emit_dimension(e, type);
		if (data)
			emit_data(e, type);
	}
	emit_unknown(e);
	out(e, "\n");
}
