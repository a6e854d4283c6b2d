/* SPDX-License-Identifier: Apache-2.0 */
/* The steering program's table of a schema: offsets of templates and instruments. */
#include "myc-gen/filter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/abi/steer.h>
#include <mycelium/market/sbe_packet.h>

#include "myc-gen/model.h"

struct filling {
	const struct gen_schema *schema;
	const struct myc_schema_wish *wish;
	struct myc_sbe_filter *out;
	struct myc_schema_fault *fault;
	uint8_t width; /* of the widest instrument */
	bool kept;     /* a template has the field of `keep` */
};

__attribute__((format(printf, 4, 5))) static int refuse(struct filling *f,
							enum myc_schema_part part,
							const char *remedy, const char *format, ...)
{
	va_list list;

	f->fault->part = part;
	f->fault->remedy = remedy;
	va_start(list, format);
	vsnprintf(f->fault->text, sizeof(f->fault->text), format, list);
	va_end(list);
	return -EINVAL;
}

/* An unsigned member of a header or dimension of one or two bytes; absent when there is none. */
static int number(struct filling *f, const struct gen_type *composite, const char *name,
		  enum myc_schema_part part, struct myc_sbe_number *out)
{
	const struct gen_type *member = gen_member(composite, name);

	*out = (struct myc_sbe_number){0};
	if (!member)
		return 0;
	const uint32_t size = gen_primitive_size(gen_target(member)->primitive);
	if (size > 2 || member->at + size > 255)
		return refuse(f, part, "ask the exchange for headers of one or two bytes",
			      "%s of %s has %u bytes", name, composite->name, size);
	out->at = (uint8_t)member->at;
	out->width = (uint8_t)size;
	return 0;
}

/* The field that names the instrument in a block. 0: it has none, or it is not an integer. */
static const struct gen_leaf *instrument_of(const struct filling *f, const struct gen_block *block)
{
	const struct gen_leaf *found = NULL;

	for (const struct gen_leaf *leaf = block->leaves; leaf; leaf = leaf->next) {
		if (strcmp(leaf->field->name, f->wish->instrument) != 0 || leaf->constant)
			continue;
		if (found || leaf->count != 1 || leaf->primitive == GEN_CHAR ||
		    gen_is_real(leaf->primitive) || leaf->at > 0xffff)
			return NULL;
		found = leaf;
	}
	return found;
}

static uint64_t null_of(const struct gen_leaf *leaf)
{
	const uint32_t bits = 8 * gen_primitive_size(leaf->primitive);
	const uint64_t null = leaf->optional ? gen_type_null(leaf->type) : 0;

	return bits == 64 ? null : null & ((1ull << bits) - 1);
}

static void note_width(struct filling *f, uint8_t width)
{
	f->width = width > f->width ? width : f->width;
}

static int fill_group(struct filling *f, const struct gen_block *group,
		      struct myc_sbe_group_row *row)
{
	const struct gen_type *dimension = group->dimension;
	const struct gen_leaf *leaf = instrument_of(f, group);
	int err;

	if (group->groups || group->data)
		return refuse(f, MYC_SCHEMA_TEMPLATE, "take it off the list: it passes then",
			      "group %s has groups or data within, which are not walked",
			      group->name);
	if (dimension->size > 255)
		return refuse(f, MYC_SCHEMA_TEMPLATE, "take it off the list: it passes then",
			      "the dimensions of group %s have %u bytes", group->name,
			      dimension->size);
	row->dimension = (uint8_t)dimension->size;
	err = number(f, dimension, "blockLength", MYC_SCHEMA_TEMPLATE, &row->length);
	err = err ? err : number(f, dimension, "numInGroup", MYC_SCHEMA_TEMPLATE, &row->count);
	err = err ? err : number(f, dimension, "numGroups", MYC_SCHEMA_TEMPLATE, &row->groups);
	err = err ? err : number(f, dimension, "numVarDataFields", MYC_SCHEMA_TEMPLATE, &row->data);
	if (err || !leaf)
		return err;
	row->offset = (uint16_t)leaf->at;
	row->width = (uint8_t)gen_primitive_size(leaf->primitive);
	row->null = null_of(leaf);
	note_width(f, row->width);
	return 0;
}

static bool is_flat(const struct gen_block *group)
{
	return !group->groups && !group->data;
}

/* How many groups the program has to walk, and whether the message ends with the last of them. */
static int plan_groups(struct filling *f, const struct gen_block *message, unsigned *walked,
		       bool *exact)
{
	unsigned last = 0, count = 0, flat = 0;
	bool all_flat = true;

	for (const struct gen_block *group = message->groups; group; group = group->next) {
		count++;
		all_flat = all_flat && is_flat(group);
		flat += all_flat;
		if (instrument_of(f, group))
			last = count;
	}
	*exact = false;
	*walked = last;
	if (f->out->prefix == 0) { /* the message's end is found by walking only */
		*walked = count;
		if (!all_flat || message->data)
			return refuse(f, MYC_SCHEMA_TEMPLATE,
				      "take it off the list: it passes then",
				      "%s has groups within groups or variable data, and this feed "
				      "does not say where a message ends",
				      message->name);
	} else if (last && flat == count && count <= MYC_SBE_GROUPS_MAX) {
		*walked = count;
		*exact = !message->data;
	}
	if (*walked > MYC_SBE_GROUPS_MAX)
		return refuse(f, MYC_SCHEMA_TEMPLATE, "take it off the list: it passes then",
			      "%s: %u groups to walk, of at most %u", message->name, *walked,
			      MYC_SBE_GROUPS_MAX);
	return 0;
}

/* The byte and bit of `keep` in a template that has its field. */
static int fill_keep(struct filling *f, const struct gen_block *message, struct myc_sbe_row *row)
{
	const struct gen_leaf *leaf = message->leaves;
	const struct gen_value *choice;

	while (leaf && (strcmp(leaf->field->name, f->wish->keep_field) != 0 || leaf->constant))
		leaf = leaf->next;
	if (!leaf)
		return 0;
	const uint32_t size = gen_primitive_size(leaf->primitive) * leaf->count;
	f->kept = true;
	if (!f->wish->keep_choice) {
		if (size != 1)
			return refuse(f, MYC_SCHEMA_KEEP, "name a choice of it", "%s has %u bytes",
				      f->wish->keep_field, size);
		row->keep_offset = (uint16_t)leaf->at;
		row->keep_bits = 0xff;
		return 0;
	}
	choice = leaf->type->kind == GEN_SET ? gen_value_named(leaf->type, f->wish->keep_choice)
					     : NULL;
	if (!choice)
		return refuse(f, MYC_SCHEMA_KEEP, "name a choice of a set, as the schema has it",
			      "%s has no choice %s", f->wish->keep_field, f->wish->keep_choice);
	const uint32_t byte = (uint32_t)choice->value / 8;
	row->keep_offset = (uint16_t)(leaf->at + (f->schema->big_endian ? size - 1 - byte : byte));
	row->keep_bits = (uint8_t)(1u << choice->value % 8);
	return 0;
}

static int fill_row(struct filling *f, const struct gen_block *message, struct myc_sbe_row *row)
{
	const struct gen_leaf *leaf = instrument_of(f, message);
	unsigned walked = 0;
	bool exact = false;
	int err = plan_groups(f, message, &walked, &exact);

	if (err)
		return err;
	*row = (struct myc_sbe_row){
		.used = 1,
		.template_id = (uint16_t)message->id,
		.groups = (uint8_t)walked,
		.exact = exact,
	};
	bool named = leaf;
	if (leaf) {
		row->offset = (uint16_t)leaf->at;
		row->width = (uint8_t)gen_primitive_size(leaf->primitive);
		row->null = null_of(leaf);
		note_width(f, row->width);
	}
	const struct gen_block *group = message->groups;
	for (unsigned i = 0; !err && i < walked; i++, group = group->next) {
		err = fill_group(f, group, &row->group[i]);
		named = named || row->group[i].width;
	}
	if (!err && !named)
		return refuse(f, MYC_SCHEMA_TEMPLATE,
			      "take it off the list: what concerns no one instrument always passes",
			      "%s has no whole number %s, neither in its root block nor in a group",
			      message->name, f->wish->instrument);
	return err || !f->wish->keep_field ? err : fill_keep(f, message, row);
}

static const struct gen_block *message_named(const struct gen_schema *schema, const char *text)
{
	char *end;
	const unsigned long id = strtoul(text, &end, 10);

	for (const struct gen_block *message = schema->messages; message; message = message->next)
		if (!strcmp(message->name, text) || (end != text && !*end && message->id == id))
			return message;
	return NULL;
}

static int fill_template(struct filling *f, const char *text)
{
	const struct gen_block *message = message_named(f->schema, text);

	if (!message)
		return refuse(f, MYC_SCHEMA_TEMPLATE, "name a message of the schema, or its id",
			      "%s has no such message", f->wish->file);
	for (unsigned probe = 0; probe < MYC_SBE_ROW_PROBES; probe++) {
		struct myc_sbe_row *row = &f->out->row[(message->id + probe) % MYC_SBE_ROWS];

		if (row->used && row->template_id == message->id)
			return refuse(f, MYC_SCHEMA_TEMPLATE, "keep one",
				      "the template is here twice");
		if (!row->used)
			return fill_row(f, message, row);
	}
	return refuse(f, MYC_SCHEMA_TEMPLATE, "take one off the list",
		      "too many of the ids collide in the program's table");
}

static int fill_header(struct filling *f)
{
	static const struct {
		uint8_t prefix, more;
		uint16_t encoding;
	} frames[] = {
		[MYC_PROTOCOL_MDP3] = {2, 0, 0},
		[MYC_PROTOCOL_B3] = {MYC_B3_FRAMING_SIZE, 0, MYC_B3_ENCODING_SBE},
		[MYC_PROTOCOL_MEMX] = {2, 2, 0},
		[MYC_PROTOCOL_DERIBIT] = {0, 0, 0},
	};
	const struct gen_type *header = f->schema->header;
	struct myc_sbe_filter *out = f->out;
	int err;

	out->prefix = frames[f->wish->protocol].prefix;
	out->prefix_more = frames[f->wish->protocol].more;
	out->encoding = frames[f->wish->protocol].encoding;
	out->big_endian = f->schema->big_endian;
	if (out->big_endian != (f->wish->protocol == MYC_PROTOCOL_MEMX))
		return refuse(f, MYC_SCHEMA_FILE, "name the schema of this protocol",
			      "%s: the byte order is not that of the frame", f->wish->file);
	if (header->size > 255 || f->schema->id > 0xffff)
		return refuse(f, MYC_SCHEMA_FILE, "ask the exchange for a smaller one",
			      "%s: a header of %u bytes, schema id %u", f->wish->file, header->size,
			      f->schema->id);
	out->header = (uint8_t)header->size;
	out->schema_id = (uint16_t)f->schema->id;
	err = number(f, header, "blockLength", MYC_SCHEMA_FILE, &out->block);
	err = err ? err : number(f, header, "templateId", MYC_SCHEMA_FILE, &out->template_id);
	err = err ? err : number(f, header, "schemaId", MYC_SCHEMA_FILE, &out->schema);
	if (err || out->prefix)
		return err;
	/* Without a length in front the header's counts are what a walk can be checked by. */
	err = number(f, header, "numGroups", MYC_SCHEMA_FILE, &out->groups);
	return err ? err : number(f, header, "numVarDataFields", MYC_SCHEMA_FILE, &out->data);
}

static int fill(struct filling *f)
{
	int err = fill_header(f);

	for (unsigned i = 0; !err && i < f->wish->templates_count; i++) {
		f->fault->index = i;
		err = fill_template(f, f->wish->templates[i]);
	}
	if (!err && f->wish->keep_field && !f->kept)
		return refuse(f, MYC_SCHEMA_KEEP, "name a field of a listed template's root block",
			      "no listed template has a field %s", f->wish->keep_field);
	return err;
}

int gen_filter(const struct myc_schema_wish *wish, struct myc_sbe_filter *filter,
	       uint64_t *instrument_max, struct myc_schema_fault *fault)
{
	struct gen_schema *schema = gen_open("filter", "_type", true);
	struct filling f = {.schema = schema, .wish = wish, .out = filter, .fault = fault};
	int err;

	memset(filter, 0, sizeof(*filter));
	if (gen_compile(schema, wish->file, NULL, 0)) {
		err = fill(&f);
	} else {
		/* The first line that is no warning; the others are for myc-gen --check. */
		const char *line = schema->log ? schema->log : wish->file;
		const char *warning = strstr(line, ": warning: ");

		while (warning && warning < line + strcspn(line, "\n") && strchr(line, '\n')) {
			line = strchr(line, '\n') + 1;
			warning = strstr(line, ": warning: ");
		}
		err = refuse(&f, MYC_SCHEMA_FILE, "mend it: myc-gen --lenient --check says all",
			     "%.*s", (int)strcspn(line, "\n"), line);
	}
	*instrument_max = f.width >= 8 ? UINT64_MAX : (1ull << 8 * f.width) - 1;
	gen_close(schema);
	return err;
}
