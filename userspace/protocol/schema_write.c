/* SPDX-License-Identifier: Apache-2.0 */
/* A table of schemas, out of what myc-gen says of them. A schema is walked twice: for its hash, and, if its items and
 * texts have room, to write them. */
#include "protocol/schema.h"

#include <errno.h>

#define FNV_BASIS UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME UINT64_C(0x100000001b3)

struct writing {
	struct myc_schema_item *item; /* NULL: only counted */
	char *text;
	uint32_t items, texts;
	uint64_t hash;
};

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ ((const uint8_t *)bytes)[i]) * FNV_PRIME;
	return hash;
}

static uint64_t hash_text(uint64_t hash, const char *text)
{
	return text ? hash_bytes(hash, text, strlen(text) + 1) : hash_bytes(hash, "\1", 1);
}

static void put_text(struct writing *w, const char *text)
{
	size_t size = text ? strlen(text) + 1 : 1;

	if (w->item)
		memcpy(w->text + w->texts, text ? text : "", size);
	w->texts += (uint32_t)size;
	w->hash = hash_text(w->hash, text);
}

/* type: primitive type, or shape. */
static void put(struct writing *w, struct myc_schema_item item, const char *name, const char *type)
{
	w->hash = hash_bytes(w->hash, &item, sizeof(item));
	item.name = w->texts;
	if (w->item)
		w->item[w->items] = item;
	w->items++;
	put_text(w, name);
	put_text(w, type);
}

static void put_field(struct writing *w, const struct myc_sbe_field_info *field)
{
	struct myc_schema_item item = {
		.kind = field->kind == MYC_SBE_DATA ? MYC_SCHEMA_DATA : MYC_SCHEMA_FIELD,
		.type = (uint8_t)field->kind,
		.presence = (uint8_t)field->presence,
		.id = field->id,
		.offset = field->offset,
		.size = field->size,
		.since = field->since,
		.detail = hash_text(FNV_BASIS,
				    field->kind == MYC_SBE_DATA ? field->shape : field->constant),
	};

	if (field->presence == MYC_SBE_OPTIONAL)
		item.detail = hash_bytes(item.detail, &field->null_value, sizeof(uint64_t));
	put(w, item, field->name, field->kind == MYC_SBE_DATA ? field->shape : field->primitive);
	for (uint32_t i = 0; i < field->values_count; i++) {
		item = (struct myc_schema_item){.kind = MYC_SCHEMA_VALUE,
						.since = field->values[i].since,
						.detail = field->values[i].value};
		put(w, item, field->values[i].name, NULL);
	}
}

static void put_block(struct writing *w, const struct myc_sbe_block_info *block, uint8_t kind)
{
	struct myc_schema_item item = {.kind = kind,
				       .id = block->id,
				       .since = block->since,
				       .detail = hash_text(FNV_BASIS, block->shape)};
	uint32_t i = 0;

	put(w, item, block->name, block->shape);
	for (; i < block->fields_count && block->fields[i].kind != MYC_SBE_DATA; i++)
		put_field(w, &block->fields[i]);
	for (uint32_t g = 0; g < block->groups_count; g++)
		put_block(w, block->groups[g], MYC_SCHEMA_GROUP);
	for (; i < block->fields_count; i++)
		put_field(w, &block->fields[i]);
	put(w, (struct myc_schema_item){.kind = MYC_SCHEMA_END}, NULL, NULL);
}

/* Messages by ascending id, so that two schemas can list them as they like. */
static void put_schema(struct writing *w, const struct myc_sbe_schema_info *schema)
{
	const struct myc_sbe_block_info *last = NULL;

	for (uint32_t n = 0; n < schema->messages_count; n++) {
		const struct myc_sbe_block_info *next = NULL;

		for (uint32_t i = 0; i < schema->messages_count; i++) {
			const struct myc_sbe_block_info *message = schema->messages[i];

			if (message && (!last || message->id > last->id) &&
			    (!next || message->id < next->id))
				next = message;
		}
		if (!next)
			return;
		put_block(w, next, MYC_SCHEMA_MESSAGE);
		last = next;
	}
}

static void put_row(struct myc_schema_row *row, const struct myc_sbe_schema_info *schema)
{
	size_t length = schema->package ? strlen(schema->package) : 0;

	*row = (struct myc_schema_row){
		.id = schema->id, .version = schema->version, .big_endian = schema->big_endian};
	memcpy(row->name, schema->package ? schema->package : "",
	       length < MYC_SCHEMA_NAME ? length : MYC_SCHEMA_NAME - 1);
}

static bool is_there(const struct myc_schemas *head, const struct myc_schema_row *row)
{
	for (uint32_t i = 0; i < head->rows; i++)
		if (head->row[i].id == row->id && head->row[i].version == row->version &&
		    head->row[i].hash == row->hash)
			return true;
	return false;
}

/* Items are written from the front of the room, texts from the last item on when all items are known; so each
 * schema's texts are found by where the table's begin. */
int myc_schemas_write(struct myc_schemas *head, uint64_t size,
		      const struct myc_sbe_schema_info *const *schemas, uint32_t count)
{
	struct myc_schema_item *item = (struct myc_schema_item *)(void *)(head + 1);
	uint64_t room = size - sizeof(*head), used = 0;
	struct writing all = {0};
	bool fits[MYC_SCHEMAS_MAX] = {false};
	const struct myc_sbe_schema_info *of[MYC_SCHEMAS_MAX];

	head->rows = head->items = head->texts = 0;
	for (uint32_t i = 0; i < count; i++) {
		struct writing measured = {.hash = FNV_BASIS};
		struct myc_schema_row row;

		put_row(&row, schemas[i]);
		put_schema(&measured, schemas[i]);
		row.hash = hash_bytes(measured.hash, &row.big_endian, sizeof(row.big_endian));
		if (is_there(head, &row))
			continue;
		if (head->rows == MYC_SCHEMAS_MAX)
			return -ENOSPC;
		uint64_t bytes = (uint64_t)measured.items * sizeof(*item) + measured.texts;

		fits[head->rows] = bytes <= room - used;
		if (fits[head->rows]) {
			used += bytes;
			row.first = head->items;
			row.items = measured.items;
			head->items += measured.items;
		}
		of[head->rows] = schemas[i];
		head->row[head->rows++] = row;
	}
	all.item = item;
	all.text = (char *)(item + head->items);
	for (uint32_t i = 0; i < head->rows; i++)
		if (fits[i])
			put_schema(&all, of[i]);
	head->texts = all.texts;
	head->version = MYC_SCHEMAS_VERSION;
	return 0;
}
