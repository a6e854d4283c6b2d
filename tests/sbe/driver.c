/* SPDX-License-Identifier: Apache-2.0 */
/* sbe-driver SCHEMA...: a C program to standard output that plays every message of the schemas through
 * the headers that myc-gen made of them (NAME.h beside it). sbe-driver --random SEED: a schema. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "myc-gen/emit.h"
#include "sbe/random.h"

static void out_draw(struct gen_emit *e, const struct gen_leaf *leaf)
{
	if (gen_is_real(leaf->primitive))
		out(e, "draw_%s(d)", gen_primitive_names[leaf->primitive]);
	else if (is_c_enum(leaf->type))
		out(e, "(enum %s)(%s)draw(d)", leaf->type->c_name,
		    leaf->primitive == GEN_CHAR ? "uint8_t" : c_type(leaf->primitive));
	else
		out(e, "(%s)draw(d)", c_type(leaf->primitive));
}

static void fill_block(struct gen_emit *e, const struct gen_block *block, const char *encoder)
{
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		if (leaf->constant)
			continue;
		if (is_bytes(leaf)) {
			out(e,
			    "\t{ uint8_t b[%u]; for (size_t i = 0; i < %u; i++) b[i] = "
			    "(uint8_t)draw(d);"
			    " %s_set_%s(%s, b, %u); }\n",
			    leaf->count, leaf->count, block->c_name, leaf->name, encoder,
			    leaf->count);
		} else if (leaf->count != 1) {
			out(e, "\tfor (size_t i = 0; i < %u; i++) %s_set_%s(%s, i, ", leaf->count,
			    block->c_name, leaf->name, encoder);
			out_draw(e, leaf);
			out(e, ");\n");
		} else {
			out(e, "\t%s_set_%s(%s, ", block->c_name, leaf->name, encoder);
			out_draw(e, leaf);
			out(e, ");\n");
		}
	}
	for (const struct gen_block *group = block->groups; group; group = group->next) {
		const struct gen_type *number = member_type(group->dimension, "numInGroup");
		char *g = text(e, "%s_e", group->c_name);

		out(e,
		    "\tstruct %s_encoder %s;\n\tif (!%s_begin(%s, &%s, (uint32_t)(version + 1 > %u "
		    "? draw_up_to(d, %llu, %llu) : 0))) return;\n"
		    "\twhile (%s_add(&%s)) %s_fill(&%s, version, d);\n",
		    group->c_name, g, group->c_name, encoder, g, group->since,
		    (unsigned long long)(number->min.text ? number->min.bits : 0),
		    (unsigned long long)(number->max.text ? number->max.bits : 65534),
		    group->c_name, g, group->c_name, g);
	}
	for (const struct gen_field *data = block->data; data; data = data->next) {
		const struct gen_type *length = member_type(data->type, "length");

		out(e,
		    "\t{ uint8_t b[8]; size_t n = version + 1 > %u ? (size_t)draw_up_to(d, 0, "
		    "%llu) : 0;"
		    " for (size_t i = 0; i < n; i++) b[i] = (uint8_t)draw(d); %s_set_%s(%s, b, n); "
		    "}\n",
		    data->since, (unsigned long long)(length->max.text ? length->max.bits : 100),
		    block->c_name, data->c_name, encoder);
	}
}

/* The value that the reader must see: what was drawn, or null in an older version. */
static void verify_block(struct gen_emit *e, const struct gen_block *block)
{
	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		char *get = text(e, "%s_get_%s", block->c_name, leaf->name);
		bool real = gen_is_real(leaf->primitive);

		if (leaf->constant) {
			out(e, "\t(void)%s(view);\n", get);
			continue;
		}
		if (is_bytes(leaf)) {
			out(e,
			    "\t{ struct myc_sbe_bytes b = %s(view); MUST(b.length == (version + 1 "
			    "> %u ? %u : 0), \"%s\");"
			    " for (size_t i = 0; i < %u; i++) { uint8_t want = (uint8_t)draw(d); "
			    "MUST(!b.length || b.data[i] == want, \"%s\"); } }\n",
			    get, leaf->since, leaf->count, get, leaf->count, get);
			continue;
		}
		out(e, "\tfor (size_t i = 0; i < %u; i++) { %s want = ", leaf->count,
		    leaf_type(e, leaf));
		out_draw(e, leaf);
		out(e, ";%s MUST(",
		    leaf->since ? text(e, " if (version < %u) want = %s;", leaf->since,
				       leaf_null(e, leaf))
				: "");
		char *call = text(e, "%s(view%s)", get, leaf->count != 1 ? ", i" : "");
		if (real)
			out(e, "myc_sbe_same_%s(%s, want)", gen_primitive_names[leaf->primitive],
			    call);
		else
			out(e, "%s == want", call);
		out(e, ", \"%s\"); }\n", get);
	}
	for (const struct gen_block *group = block->groups; group; group = group->next) {
		const struct gen_type *number = member_type(group->dimension, "numInGroup");

		out(e,
		    "\t{ struct %s g; uint32_t n = 0, count = (uint32_t)(version + 1 > %u ? "
		    "draw_up_to(d, %llu, %llu) : 0);\n"
		    "\tMUST(%s_count(view) == count, \"%s\");\n\t%s_open(view, &g);\n"
		    "\twhile (%s_next(&g)) { %s_verify(&g, version, d); n++; }\n\tMUST(n == count, "
		    "\"%s\"); }\n",
		    group->c_name, group->since,
		    (unsigned long long)(number->min.text ? number->min.bits : 0),
		    (unsigned long long)(number->max.text ? number->max.bits : 65534),
		    group->c_name, group->c_name, group->c_name, group->c_name, group->c_name,
		    group->c_name);
	}
	for (const struct gen_field *data = block->data; data; data = data->next) {
		const struct gen_type *length = member_type(data->type, "length");

		out(e,
		    "\t{ struct myc_sbe_bytes b = %s_get_%s(view); size_t n = version + 1 > %u ? "
		    "(size_t)draw_up_to(d, 0, %llu) : 0;\n"
		    "\tMUST(b.length == n, \"%s\"); for (size_t i = 0; i < n; i++) MUST(b.data[i] "
		    "== (uint8_t)draw(d), \"%s\"); }\n",
		    block->c_name, data->c_name, data->since,
		    (unsigned long long)(length->max.text ? length->max.bits : 100), data->name,
		    data->name);
	}
	out(e, "\t(void)view, (void)version, (void)d;\n");
}

static void drive_block(struct gen_emit *e, const struct gen_block *block)
{
	const char *c = block->c_name;

	for (const struct gen_block *group = block->groups; group; group = group->next)
		drive_block(e, group);
	out(e,
	    "static void %s_fill(struct %s_encoder *encoder, uint32_t version, struct draw "
	    "*d)\n{\n",
	    c, c);
	fill_block(e, block, "encoder");
	out(e, "\t(void)encoder, (void)version, (void)d;\n}\n");
	out(e,
	    "static void %s_verify(const struct %s *view, uint32_t version, struct draw *d)\n{\n",
	    c, c);
	verify_block(e, block);
	out(e, "}\n");
}

static void drive_again(struct gen_emit *e, const struct gen_block *message)
{
	const char *c = message->c_name;

	out(e,
	    "static void %s_d_again(const uint8_t *data, size_t size)\n{\n\tstruct %s view, "
	    "other;\n"
	    "\tMUST(!%s_open(&view, data, size) && !%s_open(&other, data, size), \"%s\");\n"
	    "\tMUST(%s_equal(&view, &other), \"%s\");\n",
	    c, c, c, c, c, c, c);
	if (message->length)
		out(e,
		    "\tuint8_t made[ROOM];\n\tstruct %s_block block;\n\tstruct %s_encoder "
		    "encoder;\n"
		    "\tmemset(made, 0x5a, sizeof(made));\n\t%s_load(&view, &block);\n"
		    "\tMUST(!%s_begin(&encoder, made, sizeof(made)), "
		    "\"%s\");\n\t%s_store(&encoder, &block);\n"
		    "\tMUST(!memcmp(made + %u, data + %u, %u), \"%s: block\");\n"
		    "\tMUST(%s_block_equal(&block, &block), \"%s\");\n",
		    c, c, c, c, c, c, e->schema->header->size, e->schema->header->size,
		    message->length, c, c, c);
	out(e, "}\n");
}

static void drive_message(struct gen_emit *e, const struct gen_block *message)
{
	const char *c = message->c_name;

	drive_block(e, message);
	out(e,
	    "static size_t %s_d_fill(uint8_t *to, size_t size, uint32_t version, struct draw "
	    "*d)\n{\n"
	    "\tstruct %s_encoder encoder;\n\tif (%s_begin_version(&encoder, to, size, version)) "
	    "return 0;\n"
	    "\t%s_nulls(&encoder);\n\t%s_fill(&encoder, version, d);\n\treturn "
	    "%s_end(&encoder);\n}\n",
	    c, c, c, c, c, c);
	out(e,
	    "static void %s_d_verify(const uint8_t *data, size_t size, uint32_t version, struct "
	    "draw *d)\n{\n"
	    "\tstruct %s view;\n\tint error = %s_open(&view, data, size);\n"
	    "\tif (error) FAIL(\"%s: %%s\", myc_sbe_error_text(error));\n"
	    "\tMUST(%s_size(&view) == size, \"%s\");\n\t%s_verify(&view, version, d);\n}\n",
	    c, c, c, c, c, c, c);
	out(e,
	    "static int %s_d_read(uint8_t *data, size_t size, bool bounded, int "
	    "filler)\n{\n\tstatic char to[1 << 16];\n"
	    "\tstruct %s view;\n\tint error = bounded ? %s_open_bounded(&view, data, size) : "
	    "%s_open(&view, data, size);\n"
	    "\tif (!error) { size_t n = %s_print(&view, MYC_SBE_JSON, to, sizeof(to)); MUST(n, "
	    "\"%s\");\n"
	    "\t\t(void)%s_check(&view); MUST(%s_equal(&view, &view), \"%s\"); memset(data, filler, "
	    "size);\n"
	    "\t\t%s_print(&view, MYC_SBE_TEXT, to, 10); }\n"
	    "\treturn error;\n}\n",
	    c, c, c, c, c, c, c, c, c, c);
	drive_again(e, message);
}

static void drive_schema(struct gen_schema *schema)
{
	struct gen_emit e = {.file = stdout, .schema = schema, .p = schema->prefix};

	e.P = capitals(&e, e.p);
	for (const struct gen_block *message = schema->messages; message; message = message->next)
		drive_message(&e, message);
}

static void list_subjects(const struct gen_schema *schema)
{
	for (const struct gen_block *message = schema->messages; message; message = message->next) {
		const char *c = message->c_name;

		printf("\t{\"%s\", %u, %u, %u, %s_d_fill, %s_d_verify, %s_d_read, %s_d_again},\n",
		       c, schema->version, message->since, schema->header->size, c, c, c, c);
	}
}

/* "some/where/NAME.xml" -> NAME */
static char *base_name(struct gen_schema *schema, const char *path)
{
	const char *slash = strrchr(path, '/');
	char *name = gen_format(schema->arena, "%s", slash ? slash + 1 : path);
	char *dot = strrchr(name, '.');

	if (dot)
		*dot = 0;
	return name;
}

int main(int argc, char **argv)
{
	struct gen_schema *schemas[256];
	int n = argc - 1;

	if (argc == 3 && !strcmp(argv[1], "--random")) {
		random_schema(stdout, strtoull(argv[2], NULL, 10));
		return 0;
	}
	if (n < 1 || n > 256)
		return 2;
	puts("#include \"sbe/driver.h\"\n");
	for (int i = 0; i < n; i++) {
		schemas[i] = gen_open(NULL, NULL, false);
		if (!gen_compile(schemas[i], argv[i + 1], NULL, 0)) {
			fputs(schemas[i]->log, stderr);
			return 1;
		}
		printf("#include \"%s.h\"\n", base_name(schemas[i], argv[i + 1]));
	}
	for (int i = 0; i < n; i++)
		drive_schema(schemas[i]);
	puts("static const struct subject subjects[] = {");
	for (int i = 0; i < n; i++)
		list_subjects(schemas[i]);
	puts("};\n\nint main(int argc, char **argv)\n{\n"
	     "\treturn drive(subjects, sizeof(subjects) / sizeof(subjects[0]), argc, argv);\n}");
	for (int i = 0; i < n; i++)
		gen_close(schemas[i]);
	return 0;
}
