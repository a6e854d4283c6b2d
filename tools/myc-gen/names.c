/* SPDX-License-Identifier: Apache-2.0 */
/* C names: prefix_type, prefix_message, prefix_message_group; words of camelCase are parted by _. */
#include <ctype.h>
#include <string.h>

#include "myc-gen/model.h"

static char *snake(struct gen_schema *schema, const char *name)
{
	char *out = gen_alloc(schema->arena, 2 * strlen(name) + 1), *to = out;

	for (const char *c = name; *c; c++) {
		bool after = c > name &&
			     (islower((unsigned char)c[-1]) || isdigit((unsigned char)c[-1]));
		bool last =
			c > name && isupper((unsigned char)c[-1]) && islower((unsigned char)c[1]);

		if (isupper((unsigned char)*c) && (after || last))
			*to++ = '_';
		*to++ = isalnum((unsigned char)*c) ? (char)tolower((unsigned char)*c) : '_';
	}
	return out;
}

static char *upper(char *text)
{
	for (char *c = text; *c; c++)
		*c = (char)toupper((unsigned char)*c);
	return text;
}

/* A struct's member: C's own words get a _. */
static const char *member(struct gen_schema *schema, const char *name)
{
	static const char words[] =
		" alignas alignof auto bool break case char class const continue default delete do "
		"double else enum explicit extern false float for friend goto if inline int long "
		"mutable namespace new nullptr operator private protected public register restrict "
		"return short signed sizeof static struct switch template this throw true try "
		"typedef typename typeof union unsigned using virtual void volatile while at ";

	return strstr(words, gen_format(schema->arena, " %s ", name))
		       ? gen_format(schema->arena, "%s_", name)
		       : name;
}

struct name {
	const char *name;
	const struct gen_where *where;
};

struct names {
	struct gen_schema *schema;
	struct name *list;
	size_t count, room;
};

static void claim(struct names *names, const char *name, const struct gen_where *where)
{
	for (size_t i = 0; i < names->count; i++) {
		const char *taken = names->list[i].name;

		if (!taken || strcmp(taken, name) != 0)
			continue;
		gen_error(names->schema, where, "name", where->name,
			  "makes the C name %s, as <%s name=\"%s\"> in line %ld does; rename one, "
			  "or try --type-suffix",
			  name, names->list[i].where->element, names->list[i].where->name,
			  names->list[i].where->line);
		return;
	}
	if (names->count == names->room) {
		struct name *more =
			gen_alloc(names->schema->arena, 2 * (names->room + 8) * sizeof(*more));

		if (names->count)
			memcpy(more, names->list, names->count * sizeof(*more));
		names->list = more;
		names->room = 2 * (names->room + 8);
	}
	names->list[names->count++] = (struct name){name, where};
}

static void name_type(struct names *names, struct gen_type *type, const char *scope)
{
	struct gen_schema *schema = names->schema;
	struct names values = {.schema = schema};

	type->c_name = gen_format(schema->arena, "%s_%s%s", scope, snake(schema, type->name),
				  schema->type_suffix);
	if (type->kind == GEN_ENUM || type->kind == GEN_COMPOSITE)
		claim(names, type->c_name, &type->where);
	for (struct gen_value *value = type->values; value; value = value->next) {
		value->c_name = upper(gen_format(schema->arena, "%s_%s", type->c_name,
						 snake(schema, value->name)));
		claim(&values, value->c_name, &value->where);
	}
	for (struct gen_type *inner = type->members; inner; inner = inner->next) {
		inner->short_name = member(schema, snake(schema, inner->name));
		if (inner->kind != GEN_REF)
			name_type(names, inner, type->c_name);
	}
}

/* "engine.boosterEnabled" -> name engine_booster_enabled, path engine.booster_enabled */
static void name_leaf(struct gen_schema *schema, struct gen_leaf *leaf)
{
	const char *name = NULL, *path = NULL;

	for (const char *from = leaf->dotted; from;) {
		size_t length = strcspn(from, ".");
		const char *word =
			snake(schema, gen_format(schema->arena, "%.*s", (int)length, from));

		name = name ? gen_format(schema->arena, "%s_%s", name, word) : word;
		word = member(schema, word);
		path = path ? gen_format(schema->arena, "%s.%s", path, word) : word;
		from = from[length] ? from + length + 1 : NULL;
	}
	leaf->name = name;
	leaf->path = path;
}

static void name_block(struct names *names, struct gen_block *block, const char *scope)
{
	struct gen_schema *schema = names->schema;
	struct names inner = {.schema = schema};

	block->short_name = snake(schema, block->name);
	block->c_name = gen_format(schema->arena, "%s_%s", scope, block->short_name);
	block->short_name = member(schema, block->short_name);
	claim(names, block->c_name, &block->where);
	for (struct gen_field *field = block->fields; field; field = field->next)
		field->c_name = member(schema, snake(schema, field->name));
	for (struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		name_leaf(schema, leaf);
		claim(&inner, leaf->name, &leaf->field->where);
	}
	for (struct gen_block *group = block->groups; group; group = group->next) {
		name_block(names, group, block->c_name);
		claim(&inner, group->short_name, &group->where);
	}
	for (struct gen_field *data = block->data; data; data = data->next) {
		data->c_name = snake(schema, data->name);
		claim(&inner, data->c_name, &data->where);
	}
}

/* What emit_actor.c makes structs of. */
static void name_interface(struct names *names, struct gen_interface *interface)
{
	struct gen_schema *schema = names->schema;
	static const char *const parts[] = {"", "_ref", "_behaviour"};
	static const char *const asked[] = {"_asked", "_later", "_answer"};

	interface->c_name =
		gen_format(schema->arena, "%s_%s", schema->prefix, snake(schema, interface->name));
	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++)
		claim(names, gen_format(schema->arena, "%s%s", interface->c_name, parts[i]),
		      &interface->where);
	for (struct gen_accept *accept = interface->accepts; accept; accept = accept->next) {
		for (size_t i = 0; accept->answer && i < sizeof(asked) / sizeof(*asked); i++)
			claim(names,
			      gen_format(schema->arena, "%s_%s%s", interface->c_name,
					 accept->message->short_name, asked[i]),
			      &interface->where);
	}
}

void gen_names(struct gen_schema *schema)
{
	struct names names = {.schema = schema};

	if (!schema->prefix && schema->package && *schema->package)
		schema->prefix = snake(schema, schema->package);
	if (!schema->prefix ||
	    (!isalpha((unsigned char)*schema->prefix) && *schema->prefix != '_')) {
		gen_error(schema, &schema->where, "package", schema->package,
			  "makes no prefix of C names; give --prefix");
		return;
	}
	for (struct gen_type *type = schema->types; type; type = type->next)
		name_type(&names, type, schema->prefix);
	for (struct gen_block *message = schema->messages; message; message = message->next)
		name_block(&names, message, schema->prefix);
	for (struct gen_interface *interface = schema->interfaces; interface;
	     interface = interface->next)
		name_interface(&names, interface);
}
