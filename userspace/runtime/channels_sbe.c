/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/channels_sbe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/sbe_schema.h"
#include "runtime/yaml_document.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

myc_schema_compile_t myc_schema_compile;

struct schema_nodes {
	struct myc_yaml_node schema, instrument, templates, instruments, keep, field, choice;
};

/* Beside the file that names it. The caller frees it. */
static char *beside(const struct myc_yaml *yaml, const char *file)
{
	const char *slash = strrchr(yaml->name, '/');
	const int folder = slash ? (int)(slash - yaml->name + 1) : 0;
	char *path;

	if (file[0] == '/')
		return strdup(file);
	return asprintf(&path, "%.*s%s", folder, yaml->name, file) < 0 ? NULL : path;
}

static int read_nodes(struct myc_yaml_node node, struct schema_nodes *nodes,
		      struct myc_error *error)
{
	const struct myc_yaml_field fields[] = {
		{"schema", &nodes->schema, true},
		{"instrument", &nodes->instrument, true},
		{"templates", &nodes->templates, true},
		{"keep", &nodes->keep, false},
		{"instruments", &nodes->instruments, true},
	};
	const struct myc_yaml_field keep[] = {
		{"field", &nodes->field, true},
		{"choice", &nodes->choice, false},
	};
	int err = myc_yaml_fields(node, fields, COUNT(fields), error);

	if (err || !myc_yaml_present(nodes->keep))
		return err;
	return myc_yaml_fields(nodes->keep, keep, COUNT(keep), error);
}

static int refuse(const struct schema_nodes *nodes, const struct myc_schema_fault *fault,
		  struct myc_error *error)
{
	const struct myc_yaml_node at = fault->part == MYC_SCHEMA_FILE ? nodes->schema
					: fault->part == MYC_SCHEMA_KEEP
						? nodes->keep
						: myc_yaml_item(nodes->templates, fault->index);

	return myc_yaml_refuse(at, error, fault->remedy, "%s", fault->text);
}

static int compile(const struct schema_nodes *nodes, struct myc_schema_wish *wish,
		   struct myc_sbe_filter *filter, uint64_t *instrument_max, struct myc_error *error)
{
	const char *templates[MYC_SBE_TEMPLATES_MAX], *file;
	struct myc_schema_fault fault = {0};
	int err = myc_yaml_text(nodes->schema, &file, error);

	err = err ? err : myc_yaml_text(nodes->instrument, &wish->instrument, error);
	err = err ? err
		  : myc_yaml_sequence(nodes->templates, 1, MYC_SBE_TEMPLATES_MAX,
				      &wish->templates_count, error);
	for (unsigned i = 0; !err && i < wish->templates_count; i++)
		err = myc_yaml_text(myc_yaml_item(nodes->templates, i), &templates[i], error);
	if (!err && myc_yaml_present(nodes->keep)) {
		err = myc_yaml_text(nodes->field, &wish->keep_field, error);
		err = err ? err : myc_yaml_text(nodes->choice, &wish->keep_choice, error);
	}
	if (err)
		return err;
	if (!myc_schema_compile)
		return myc_yaml_refuse(nodes->schema, error, "use myc or myc-load",
				       "this program has no schema compiler");
	char *path = beside(nodes->schema.yaml, file);
	if (!path)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	wish->file = path;
	wish->templates = templates;
	if (myc_schema_compile(wish, filter, instrument_max, &fault))
		err = refuse(nodes, &fault, error);
	free(path);
	return err;
}

static int read_instruments(struct myc_yaml_node node, uint64_t most,
			    struct myc_channel_symbols *watched, struct myc_error *error)
{
	unsigned count;
	int err = myc_yaml_sequence(node, 1, MYC_SYMBOLS_MAX, &count, error);

	for (unsigned i = 0; !err && i < count; i++) {
		struct myc_yaml_node item = myc_yaml_item(node, i);
		uint64_t number = 0;

		err = myc_yaml_number(item, 1, most, &number, error);
		for (uint32_t j = 0; !err && j < watched->count; j++)
			if (watched->symbol[j] == number)
				err = myc_yaml_refuse(item, error, "keep one",
						      "the instrument is here twice");
		watched->symbol[watched->count++] = number;
	}
	return err;
}

int myc_channels_read_schema(struct myc_channel_config *config, struct myc_channel_spec *spec,
			     struct myc_yaml_node node, struct myc_error *error)
{
	struct schema_nodes nodes = {0};
	struct myc_schema_wish wish = {.protocol = config->protocol};
	uint64_t most = 0;
	int err = read_nodes(node, &nodes, error);

	if (err)
		return err;
	spec->sbe = calloc(1, sizeof(*spec->sbe));
	spec->symbols = calloc(1, sizeof(*spec->symbols));
	if (!spec->sbe || !spec->symbols)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	config->filter = MYC_FILTER_SBE;
	err = compile(&nodes, &wish, spec->sbe, &most, error);
	err = err ? err : read_instruments(nodes.instruments, most, spec->symbols, error);
	if (!err && myc_symbol_filter_build(&spec->symbols->filter, spec->symbols->symbol,
					    spec->symbols->count))
		err = myc_yaml_refuse(nodes.instruments, error, "watch fewer instruments",
				      "do not fit the table");
	return err;
}
