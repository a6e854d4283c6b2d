/* SPDX-License-Identifier: Apache-2.0 */
/* Memory that lives as long as a schema, and the messages about one. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "myc-gen/model.h"

struct gen_piece {
	struct gen_piece *next;
	max_align_t data[];
};

struct gen_arena {
	struct gen_piece *pieces;
};

static void *must(void *memory)
{
	if (memory)
		return memory;
	fputs("myc-gen: out of memory\n", stderr);
	exit(1);
}

struct gen_arena *gen_arena_new(void)
{
	return must(calloc(1, sizeof(struct gen_arena)));
}

void gen_arena_free(struct gen_arena *arena)
{
	while (arena->pieces) {
		struct gen_piece *next = arena->pieces->next;

		free(arena->pieces);
		arena->pieces = next;
	}
	free(arena);
}

void *gen_alloc(struct gen_arena *arena, size_t size)
{
	struct gen_piece *piece = must(calloc(1, sizeof(*piece) + size));

	piece->next = arena->pieces;
	arena->pieces = piece;
	return piece->data;
}

char *gen_vformat(struct gen_arena *arena, const char *format, va_list list)
{
	va_list again;

	if (!format) /* gcc's sanitizer build fears it */
		return gen_alloc(arena, 1);
	va_copy(again, list);
	int length = vsnprintf(NULL, 0, format, again);
	va_end(again);
	char *text = gen_alloc(arena, (size_t)length + 1);
	vsnprintf(text, (size_t)length + 1, format, list);
	return text;
}

char *gen_format(struct gen_arena *arena, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	char *text = gen_vformat(arena, format, list);
	va_end(list);
	return text;
}

static void say(struct gen_schema *schema, const struct gen_where *where, const char *attribute,
		const char *value, const char *kind, const char *format, va_list list)
{
	char *what = gen_vformat(schema->arena, format, list), *line;
	const char *name = where->name ? where->name : "";

	if (!attribute && value)
		attribute = "value";
	const char *assign = attribute && value ? "=\"" : "";

	line = gen_format(schema->arena, "%s:%ld: %s<%s%s%s%s>%s%s%s%s%s: %s\n",
			  where->file ? where->file : "?", where->line, kind,
			  where->element ? where->element : "messageSchema",
			  where->name ? " name=\"" : "", name, where->name ? "\"" : "",
			  attribute ? " " : "", attribute ? attribute : "", assign,
			  value ? value : "", attribute && value ? "\"" : "", what);
	size_t length = strlen(line);
	schema->log = must(realloc(schema->log, schema->log_size + length + 1));
	memcpy(schema->log + schema->log_size, line, length + 1);
	schema->log_size += length;
}

void gen_error(struct gen_schema *schema, const struct gen_where *where, const char *attribute,
	       const char *value, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(schema, where, attribute, value, "", format, list);
	va_end(list);
	schema->errors++;
}

void gen_soft(struct gen_schema *schema, const struct gen_where *where, const char *attribute,
	      const char *value, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(schema, where, attribute, value, schema->lenient ? "warning: " : "", format, list);
	va_end(list);
	schema->errors += !schema->lenient;
}

void gen_warning(struct gen_schema *schema, const struct gen_where *where, const char *attribute,
		 const char *value, const char *format, ...)
{
	va_list list;

	va_start(list, format);
	say(schema, where, attribute, value, "warning: ", format, list);
	va_end(list);
}

struct gen_schema *gen_open(const char *prefix, const char *type_suffix, bool lenient)
{
	struct gen_arena *arena = gen_arena_new();
	struct gen_schema *schema = gen_alloc(arena, sizeof(*schema));

	schema->arena = arena;
	schema->prefix = prefix;
	schema->type_suffix = type_suffix ? type_suffix : "";
	schema->lenient = lenient;
	return schema;
}

void gen_close(struct gen_schema *schema)
{
	free(schema->log);
	gen_arena_free(schema->arena);
}

/* Each step needs what the one before found, so it starts only when that found nothing wrong. */
bool gen_compile(struct gen_schema *schema, const char *file, const char *text, size_t size)
{
	static void (*const steps[])(struct gen_schema *) = {gen_bind, gen_rules, gen_layout,
							     gen_interfaces, gen_names};

	if (!gen_read(schema, file, text, size))
		return false;
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]) && !schema->errors; i++)
		steps[i](schema);
	return !schema->errors;
}
