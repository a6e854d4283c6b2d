/* SPDX-License-Identifier: Apache-2.0 */
/* Printers to text and JSON: composites as objects, enums and choices by name, absent values null. */
#include <strings.h>
#include <string.h>

#include "myc-gen/emit.h"

static void print_string(struct gen_emit *e, const struct gen_type *type, const char *value)
{
	bool readable = type->character_encoding || type->primitive == GEN_CHAR;

	out(e, "\tmyc_sbe_out_%s(out, %s);\n", readable ? "string" : "hex", value);
}

static void print_number(struct gen_emit *e, const struct gen_leaf *leaf, const char *value)
{
	if (leaf->primitive == GEN_CHAR)
		out(e, "\tmyc_sbe_out_letter(out, %s);\n", value);
	else if (gen_is_real(leaf->primitive))
		out(e, "\tmyc_sbe_out_real(out, %s, %d);\n", value,
		    leaf->primitive == GEN_FLOAT ? 9 : 17);
	else
		out(e, "\tmyc_sbe_out_%s(out, %s);\n",
		    gen_is_signed(leaf->primitive) ? "signed" : "unsigned", value);
}

static void print_set(struct gen_emit *e, const struct gen_leaf *leaf, const char *value)
{
	out(e, "\tmyc_sbe_out_char(out, '[');\n\tout->more = false;\n");
	for (const struct gen_value *choice = leaf->type->values; choice; choice = choice->next)
		out(e,
		    "\tif (%s & %s) {\n\t\tmyc_sbe_out_key(out, NULL);\n"
		    "\t\tmyc_sbe_out_raw(out, out->format == MYC_SBE_JSON ? \"\\\"%s\\\"\" : "
		    "\"%s\");\n\t}\n",
		    value, choice->c_name, choice->name, choice->name);
	out(e, "\tmyc_sbe_out_close(out, ']');\n");
}

static void print_enum(struct gen_emit *e, const struct gen_leaf *leaf, const char *value)
{
	const char *c = leaf->type->c_name;

	out(e,
	    "\tif (%s_name(%s)) {\n\t\tif (out->format == "
	    "MYC_SBE_JSON)\n\t\t\tmyc_sbe_out_char(out, '\"');\n"
	    "\t\tmyc_sbe_out_raw(out, %s_name(%s));\n"
	    "\t\tif (out->format == MYC_SBE_JSON)\n\t\t\tmyc_sbe_out_char(out, '\"');\n\t} else {\n"
	    "\t\tmyc_sbe_out_unsigned(out, (uint64_t)%s);\n\t}\n",
	    c, value, c, value, value);
}

static void print_array(struct gen_emit *e, const struct gen_block *block,
			const struct gen_leaf *leaf)
{
	out(e,
	    "\tmyc_sbe_out_char(out, '[');\n\tout->more = false;\n"
	    "\tfor (size_t i = 0; i < %u; i++) {\n\tmyc_sbe_out_key(out, NULL);\n",
	    leaf->count);
	char *get = text(e, "%s_get_%s(view, i)", block->c_name, leaf->name);
	if (gen_is_real(leaf->primitive))
		out(e, "\tif (__builtin_isnan(%s))\n\t\tmyc_sbe_out_raw(out, \"null\");\n\telse\n",
		    get);
	print_number(e, leaf, get);
	out(e, "\t}\n\tmyc_sbe_out_close(out, ']');\n");
}

static void print_leaf(struct gen_emit *e, const struct gen_block *block,
		       const struct gen_leaf *leaf, const char *name)
{
	char *get = text(e, "%s_get_%s(view)", block->c_name, leaf->name);
	bool absent = !leaf->constant && (leaf->optional || leaf->since);

	out(e, "\tmyc_sbe_out_key(out, %s);\n", quoted(e, name));
	if (absent)
		out(e,
		    "\tif (!%s_has_%s(view)) {\n\t\tmyc_sbe_out_raw(out, \"null\");\n\t} else {\n",
		    block->c_name, leaf->name);
	else if (gen_is_real(leaf->primitive) && leaf->count == 1 && !leaf->constant)
		out(e, "\tif (__builtin_isnan(%s))\n\t\tmyc_sbe_out_raw(out, \"null\");\n\telse\n",
		    get);
	if (leaf->type->kind == GEN_SET)
		print_set(e, leaf, get);
	else if (leaf->type->kind == GEN_ENUM)
		print_enum(e, leaf, get);
	else if (is_bytes(leaf))
		print_string(e, leaf->type,
			     leaf->primitive == GEN_CHAR ? text(e, "myc_sbe_trim(%s)", get) : get);
	else if (leaf->count != 1)
		print_array(e, block, leaf);
	else
		print_number(e, leaf, get);
	if (absent)
		out(e, "\t}\n");
}

/* leaf goes along the block's leaves. */
static void print_type(struct gen_emit *e, const struct gen_block *block,
		       const struct gen_type *type, const char *name, const struct gen_leaf **leaf)
{
	if (type->kind != GEN_COMPOSITE) {
		print_leaf(e, block, *leaf, name);
		*leaf = (*leaf)->next;
		return;
	}
	out(e, "\tmyc_sbe_out_open(out, %s, '{');\n", quoted(e, name));
	for (const struct gen_type *member = type->members; member; member = member->next)
		print_type(e, block, gen_target(member), member->name, leaf);
	out(e, "\tmyc_sbe_out_close(out, '}');\n");
}

void emit_print(struct gen_emit *e, const struct gen_block *block)
{
	const struct gen_leaf *leaf = block->leaves;

	out(e, "static inline void %s_out_(struct myc_sbe_out *out, const struct %s *view)\n{\n",
	    block->c_name, block->c_name);
	for (const struct gen_field *field = block->fields; field; field = field->next)
		print_type(e, block, field->type, field->name, &leaf);
	for (const struct gen_block *group = block->groups; group; group = group->next) {
		const char *g = group->c_name;

		out(e,
		    "\tstruct %s %s_;\n\t%s_open(view, &%s_);\n\tmyc_sbe_out_open(out, %s, '[');\n"
		    "\twhile (%s_next(&%s_)) {\n\t\tmyc_sbe_out_open(out, NULL, "
		    "'{');\n\t\t%s_out_(out, &%s_);\n"
		    "\t\tmyc_sbe_out_close(out, '}');\n\t}\n\tmyc_sbe_out_close(out, ']');\n",
		    g, g, g, g, quoted(e, group->name), g, g, g, g);
	}
	for (const struct gen_field *data = block->data; data; data = data->next) {
		out(e, "\tmyc_sbe_out_key(out, %s);\n", quoted(e, data->name));
		print_string(e, member_type(data->type, "varData"),
			     text(e, "view->data_%s", data->c_name));
	}
	out(e, "\t(void)out, (void)view;\n}\n\n");
	if (block->parent)
		return;
	out(e,
	    "/* Text or JSON of the message into to, as snprintf does it: the length that it "
	    "needs. */\n"
	    "static inline size_t %s_print(const struct %s *view, enum myc_sbe_format format, char "
	    "*to, size_t size)\n{\n"
	    "\tstruct myc_sbe_out out = {.to = to, .size = size, .format = format};\n\n"
	    "\tif (size)\n\t\t*to = 0;\n"
	    "\tmyc_sbe_out_raw(&out, format == MYC_SBE_JSON ? \"{\\\"%s\\\":{\" : \"%s{\");\n"
	    "\t%s_out_(&out, view);\n"
	    "\tmyc_sbe_out_raw(&out, format == MYC_SBE_JSON ? \"}}\" : \"}\");\n\treturn "
	    "out.length;\n}\n\n",
	    block->c_name, block->c_name, block->name, block->name, block->c_name);
}

void emit_print_any(struct gen_emit *e)
{
	out(e,
	    "/* The same of any message of this schema; 0 = it is none, *error (may be NULL) says "
	    "why. */\n"
	    "static inline size_t %s_print_any(const void *data, size_t size, enum myc_sbe_format "
	    "format, char *to,\n"
	    "\t\t\t\t   size_t room, int *error)\n{\n"
	    "\tstruct myc_sbe_header header;\n\tint code = %s_header(&header, data, size);\n\n"
	    "\tif (room)\n\t\t*to = 0;\n\tif (code) {\n\t\tif (error)\n\t\t\t*error = "
	    "code;\n\t\treturn 0;\n\t}\n"
	    "\tcode = MYC_SBE_TEMPLATE;\n\tswitch (header.template_id) {\n",
	    e->p, e->p);
	for (const struct gen_block *message = e->schema->messages; message;
	     message = message->next)
		out(e,
		    "\tcase %s_TEMPLATE_ID: {\n\t\tstruct %s view;\n\n\t\tcode = %s_open(&view, "
		    "data, size);\n"
		    "\t\tif (!code)\n\t\t\treturn %s_print(&view, format, to, "
		    "room);\n\t\tbreak;\n\t}\n",
		    capitals(e, message->c_name), message->c_name, message->c_name,
		    message->c_name);
	out(e, "\tdefault:\n\t\tbreak;\n\t}\n\tif (error)\n\t\t*error = code;\n\treturn 0;\n}\n");
}
