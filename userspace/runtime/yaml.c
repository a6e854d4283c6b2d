/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/yaml.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/yaml_document.h"

#define VALUE_SHOWN_MAX 60 /* bytes of a value that a message shows */

const yaml_node_t *myc_yaml_raw(struct myc_yaml_node node)
{
	return node.id ? node.yaml->document.nodes.start + node.id - 1 : NULL;
}

static struct myc_yaml_node node_of(const struct myc_yaml *yaml, int id)
{
	return (struct myc_yaml_node){.yaml = yaml, .id = id};
}

static const char *scalar_text(const struct myc_yaml *yaml, int id)
{
	return (const char *)myc_yaml_raw(node_of(yaml, id))->data.scalar.value;
}

unsigned myc_yaml_line(struct myc_yaml_node node)
{
	const yaml_node_t *raw = myc_yaml_raw(node);

	return raw ? (unsigned)raw->start_mark.line + 1 : 1;
}

/* ---- complaints ------------------------------------------------------------------------------ */

/* "channels[0].lines[1].port" */
static void path_of(const struct myc_yaml *yaml, int id, char *out, size_t size)
{
	int chain[MYC_YAML_DEPTH_MAX + 1] = {0};
	int depth = 0;
	size_t used = 0;

	out[0] = '\0';
	for (; yaml->places[id].parent && depth <= MYC_YAML_DEPTH_MAX; id = yaml->places[id].parent)
		chain[depth++] = id;
	while (depth-- && used < size) {
		const struct myc_yaml_place *place = &yaml->places[chain[depth]];
		int n;

		if (place->key)
			n = snprintf(out + used, size - used, "%s%.48s", used ? "." : "",
				     scalar_text(yaml, place->key));
		else
			n = snprintf(out + used, size - used, "[%u]", place->index);
		used += n > 0 ? (size_t)n : 0;
	}
}

/* Printable, one line, bounded: the file is somebody else's. */
static void shown(const char *text, char *out, size_t size)
{
	size_t i = 0;

	for (; i < VALUE_SHOWN_MAX && i + 4 < size && text[i]; i++)
		out[i] = text[i] >= ' ' && text[i] != 0x7f ? text[i] : '?';
	snprintf(out + i, size - i, "%s", text[i] ? "..." : "");
}

static int refuse(struct myc_yaml_node node, struct myc_error *error, const char *remedy,
		  const char *cause)
{
	const yaml_node_t *raw = myc_yaml_raw(node);
	char path[160] = "", value[VALUE_SHOWN_MAX + 8] = "";

	if (node.id)
		path_of(node.yaml, node.id, path, sizeof(path));
	if (raw && raw->type == YAML_SCALAR_NODE)
		shown((const char *)raw->data.scalar.value, value, sizeof(value));
	return myc_error_set(error, -EINVAL, remedy, "%s:%u: %s%s%s%s%s", node.yaml->name,
			     myc_yaml_line(node), path, path[0] ? ": " : "", value,
			     value[0] ? ": " : "", cause);
}

int myc_yaml_refuse(struct myc_yaml_node node, struct myc_error *error, const char *remedy,
		    const char *format, ...)
{
	char cause[200];
	va_list args;

	va_start(args, format);
	vsnprintf(cause, sizeof(cause), format, args);
	va_end(args);
	return refuse(node, error, remedy, cause);
}

/* Levenshtein distance of two short names, at most `limit` + 1. */
static unsigned distance(const char *a, const char *b, unsigned limit)
{
	unsigned row[32];
	size_t a_len = strlen(a), b_len = strlen(b);

	if (b_len >= sizeof(row) / sizeof(row[0]) || a_len >= sizeof(row) / sizeof(row[0]))
		return limit + 1;
	for (unsigned j = 0; j <= b_len; j++)
		row[j] = j;
	for (unsigned i = 1; i <= a_len; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (unsigned j = 1; j <= b_len; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]);
			unsigned gap = (row[j] < row[j - 1] ? row[j] : row[j - 1]) + 1;

			diagonal = row[j];
			row[j] = change < gap ? change : gap;
		}
	}
	return row[b_len];
}

static void hint(const char *text, const char *const *names, unsigned count, char *out, size_t size)
{
	unsigned best = 3;
	size_t used = 0;

	for (unsigned i = 0; i < count; i++) {
		unsigned d = distance(text, names[i], 2);

		if (d < best && d < strlen(names[i])) {
			best = d;
			snprintf(out, size, "did you mean '%s'?", names[i]);
		}
	}
	if (best <= 2)
		return;
	used = (size_t)snprintf(out, size, "known here: ");
	for (unsigned i = 0; i < count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%s", i ? ", " : "", names[i]);
}

int myc_yaml_refuse_name(struct myc_yaml_node node, struct myc_error *error,
			 const char *const *names, unsigned count, const char *format, ...)
{
	const yaml_node_t *raw = myc_yaml_raw(node);
	char cause[200], remedy[sizeof(error->remedy)];
	va_list args;

	va_start(args, format);
	vsnprintf(cause, sizeof(cause), format, args);
	va_end(args);
	hint(raw && raw->type == YAML_SCALAR_NODE ? (const char *)raw->data.scalar.value : "",
	     names, count, remedy, sizeof(remedy));
	return refuse(node, error, remedy, cause);
}

/* ---- opening --------------------------------------------------------------------------------- */

static int walk(struct myc_yaml *yaml, int id, unsigned depth, struct myc_error *error);

static int check_key(struct myc_yaml *yaml, int id, const yaml_node_pair_t *pair,
		     struct myc_error *error)
{
	const yaml_node_t *raw = myc_yaml_raw(node_of(yaml, id));
	struct myc_yaml_node key = node_of(yaml, pair->key);

	/* A key hangs where its mapping does, so that complaints about it name that. */
	if (yaml->places[pair->key].visit == MYC_YAML_NEW) {
		yaml->places[pair->key] = yaml->places[id];
		yaml->places[pair->key].visit = MYC_YAML_WALKED;
	}
	if (myc_yaml_raw(key)->type != YAML_SCALAR_NODE)
		return myc_yaml_refuse(key, error, "write a plain word before the colon",
				       "a key that is not a word");
	for (const yaml_node_pair_t *other = raw->data.mapping.pairs.start; other < pair; other++)
		if (!strcmp(scalar_text(yaml, other->key), scalar_text(yaml, pair->key)))
			return myc_yaml_refuse(key, error, "keep one of the two",
					       "the key is here twice, first on line %u",
					       myc_yaml_line(node_of(yaml, other->key)));
	return 0;
}

static int walk_child(struct myc_yaml *yaml, int parent, int key, unsigned index, int id,
		      unsigned depth, struct myc_error *error)
{
	struct myc_yaml_place *place = &yaml->places[id];

	if (place->visit == MYC_YAML_WALKED) /* an alias: named by where its anchor is */
		return 0;
	if (place->visit == MYC_YAML_WALKING)
		return myc_yaml_refuse(node_of(yaml, id), error,
				       "write the inner value out instead of the alias",
				       "contains an alias of itself");
	*place = (struct myc_yaml_place){.parent = parent, .key = key, .index = index};
	return walk(yaml, id, depth + 1, error);
}

/* Gives every node its place and checks what does not depend on its meaning. */
static int walk(struct myc_yaml *yaml, int id, unsigned depth, struct myc_error *error)
{
	struct myc_yaml_node node = node_of(yaml, id);
	const yaml_node_t *raw = myc_yaml_raw(node);
	int err = 0;

	if (depth > MYC_YAML_DEPTH_MAX)
		return myc_yaml_refuse(node, error, "flatten it", "nested deeper than %d levels",
				       MYC_YAML_DEPTH_MAX);
	yaml->places[id].visit = MYC_YAML_WALKING;
	if (raw->type == YAML_SCALAR_NODE &&
	    memchr(raw->data.scalar.value, '\0', raw->data.scalar.length))
		return myc_yaml_refuse(node, error, "remove it", "has a zero byte inside");
	if (raw->type == YAML_MAPPING_NODE)
		for (const yaml_node_pair_t *pair = raw->data.mapping.pairs.start;
		     !err && pair < raw->data.mapping.pairs.top; pair++) {
			err = check_key(yaml, id, pair, error);
			if (!err)
				err = walk_child(yaml, id, pair->key, 0, pair->value, depth, error);
		}
	if (raw->type == YAML_SEQUENCE_NODE)
		for (const yaml_node_item_t *item = raw->data.sequence.items.start;
		     !err && item < raw->data.sequence.items.top; item++)
			err = walk_child(yaml, id, 0,
					 (unsigned)(item - raw->data.sequence.items.start), *item,
					 depth, error);
	yaml->places[id].visit = MYC_YAML_WALKED;
	return err;
}

static int refuse_syntax(const char *name, const yaml_parser_t *parser, struct myc_error *error)
{
	if (parser->error == YAML_MEMORY_ERROR)
		return myc_error_set(error, -ENOMEM, NULL, "%s: out of memory", name);
	if (parser->error == YAML_READER_ERROR)
		return myc_error_set(error, -EINVAL, "save it as UTF-8 text",
				     "%s: %s at byte %zu: not YAML", name, parser->problem,
				     parser->problem_offset);
	return myc_error_set(error, -EINVAL, "check indentation, quotes and brackets there",
			     "%s:%zu: %s near column %zu: not YAML", name,
			     parser->problem_mark.line + 1, parser->problem,
			     parser->problem_mark.column + 1);
}

/* Exactly one document. */
static int load(struct myc_yaml *yaml, yaml_parser_t *parser, struct myc_error *error)
{
	yaml_document_t second;
	int err = 0;

	if (!yaml_parser_load(parser, &yaml->document)) {
		/* A failed load has freed what it had, and left the pointers. */
		memset(&yaml->document, 0, sizeof(yaml->document));
		return refuse_syntax(yaml->name, parser, error);
	}
	if (!yaml_document_get_root_node(&yaml->document))
		return myc_error_set(error, -EINVAL, "write a configuration into it",
				     "%s:1: the file is empty", yaml->name);
	if (!yaml_parser_load(parser, &second))
		return refuse_syntax(yaml->name, parser, error);
	const yaml_node_t *root = yaml_document_get_root_node(&second);
	if (root)
		err = myc_error_set(error, -EINVAL, "keep one, remove the '---'",
				    "%s:%zu: a second document", yaml->name,
				    root->start_mark.line + 1);
	yaml_document_delete(&second);
	return err;
}

int myc_yaml_parse(struct myc_yaml **out, const char *name, const char *text, size_t size,
		   struct myc_error *error)
{
	struct myc_yaml *yaml = calloc(1, sizeof(*yaml));
	yaml_parser_t parser;
	int err;

	if (!yaml)
		return myc_error_set(error, -ENOMEM, NULL, "%s: out of memory", name);
	yaml->name = strdup(name);
	if (!yaml->name || !yaml_parser_initialize(&parser)) {
		free(yaml->name);
		free(yaml);
		return myc_error_set(error, -ENOMEM, NULL, "%s: out of memory", name);
	}
	yaml_parser_set_input_string(&parser, (const unsigned char *)text, size);
	err = load(yaml, &parser, error);
	yaml_parser_delete(&parser);
	if (err)
		goto out_close;
	size_t nodes = (size_t)(yaml->document.nodes.top - yaml->document.nodes.start);
	yaml->places = calloc(nodes + 1, sizeof(*yaml->places));
	if (!yaml->places) {
		err = myc_error_set(error, -ENOMEM, NULL, "%s: out of memory", name);
		goto out_close;
	}
	err = walk(yaml, 1, 0, error);
	if (err)
		goto out_close;
	*out = yaml;
	return 0;

out_close:
	myc_yaml_close(yaml);
	return err;
}

int myc_yaml_open(struct myc_yaml **yaml, const char *path, struct myc_error *error)
{
	FILE *file = fopen(path, "re");
	char *text;
	size_t size;
	int err;

	if (!file)
		return myc_error_set(error, -errno, "check the path and its permissions", "%s: %s",
				     path, strerror(errno));
	text = malloc(MYC_YAML_SIZE_MAX + 1);
	if (!text) {
		fclose(file);
		return myc_error_set(error, -ENOMEM, NULL, "%s: out of memory", path);
	}
	size = fread(text, 1, MYC_YAML_SIZE_MAX + 1, file);
	if (ferror(file))
		err = myc_error_set(error, -errno, "name a readable file", "%s: %s", path,
				    strerror(errno));
	else if (size > MYC_YAML_SIZE_MAX)
		err = myc_error_set(error, -EINVAL, "name a configuration file",
				    "%s: larger than %u bytes", path, MYC_YAML_SIZE_MAX);
	else
		err = myc_yaml_parse(yaml, path, text, size, error);
	free(text);
	fclose(file);
	return err;
}

void myc_yaml_close(struct myc_yaml *yaml)
{
	if (!yaml)
		return;
	yaml_document_delete(&yaml->document);
	free(yaml->places);
	free(yaml->name);
	free(yaml);
}

struct myc_yaml_node myc_yaml_root(const struct myc_yaml *yaml)
{
	return node_of(yaml, 1);
}

/* ---- mappings and sequences ------------------------------------------------------------------ */

static int want(struct myc_yaml_node node, yaml_node_type_t type, struct myc_error *error)
{
	if (myc_yaml_raw(node)->type == type)
		return 0;
	return type == YAML_MAPPING_NODE
		       ? myc_yaml_refuse(node, error, "write 'key: value' pairs", "not a mapping")
		       : myc_yaml_refuse(node, error, "write [a, b] or one '- item' a line",
					 "not a sequence");
}

static int unknown_key(struct myc_yaml_node key, const struct myc_yaml_field *fields,
		       unsigned count, struct myc_error *error)
{
	const char *names[64];

	if (count > 64)
		count = 64;
	for (unsigned i = 0; i < count; i++)
		names[i] = fields[i].name;
	return myc_yaml_refuse_name(key, error, names, count, "unknown key");
}

int myc_yaml_fields(struct myc_yaml_node mapping, const struct myc_yaml_field *fields,
		    unsigned count, struct myc_error *error)
{
	const yaml_node_t *raw = myc_yaml_raw(mapping);
	int err;

	for (unsigned i = 0; i < count; i++)
		*fields[i].node = node_of(mapping.yaml, 0);
	if (!raw)
		return 0;
	err = want(mapping, YAML_MAPPING_NODE, error);
	if (err)
		return err;
	for (const yaml_node_pair_t *pair = raw->data.mapping.pairs.start;
	     pair < raw->data.mapping.pairs.top; pair++) {
		unsigned i = 0;

		while (i < count &&
		       strcmp(fields[i].name, scalar_text(mapping.yaml, pair->key)) != 0)
			i++;
		if (i == count)
			return unknown_key(node_of(mapping.yaml, pair->key), fields, count, error);
		*fields[i].node = node_of(mapping.yaml, pair->value);
	}
	for (unsigned i = 0; i < count; i++) {
		char remedy[80];

		if (!fields[i].required || fields[i].node->id)
			continue;
		snprintf(remedy, sizeof(remedy), "add '%s:'", fields[i].name);
		return myc_yaml_refuse(mapping, error, remedy, "'%s' is missing", fields[i].name);
	}
	return 0;
}

int myc_yaml_mapping(struct myc_yaml_node mapping, unsigned *count, struct myc_error *error)
{
	const yaml_node_t *raw = myc_yaml_raw(mapping);
	int err;

	*count = 0;
	if (!raw)
		return 0;
	err = want(mapping, YAML_MAPPING_NODE, error);
	if (!err)
		*count = (unsigned)(raw->data.mapping.pairs.top - raw->data.mapping.pairs.start);
	return err;
}

void myc_yaml_pair(struct myc_yaml_node mapping, unsigned index, const char **key,
		   struct myc_yaml_node *value)
{
	const yaml_node_pair_t *pair = myc_yaml_raw(mapping)->data.mapping.pairs.start + index;

	*key = scalar_text(mapping.yaml, pair->key);
	*value = node_of(mapping.yaml, pair->value);
}

int myc_yaml_sequence(struct myc_yaml_node sequence, unsigned min, unsigned max, unsigned *count,
		      struct myc_error *error)
{
	const yaml_node_t *raw = myc_yaml_raw(sequence);
	int err;

	*count = 0;
	if (!raw)
		return 0;
	err = want(sequence, YAML_SEQUENCE_NODE, error);
	if (err)
		return err;
	size_t items = (size_t)(raw->data.sequence.items.top - raw->data.sequence.items.start);
	if (items < min || items > max) {
		char remedy[64];

		snprintf(remedy, sizeof(remedy), "give %u to %u", min, max);
		return myc_yaml_refuse(sequence, error, remedy, "has %zu items", items);
	}
	*count = (unsigned)items;
	return 0;
}

struct myc_yaml_node myc_yaml_item(struct myc_yaml_node sequence, unsigned index)
{
	return node_of(sequence.yaml, myc_yaml_raw(sequence)->data.sequence.items.start[index]);
}
