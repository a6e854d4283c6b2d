/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two tables of schemas: do they go together? Of two versions of a schema that is what the older one has. Both are walked
 * in step, what is newer is stepped over:
 *
 *	here   Message Field Value Value Field Group Field End Data End
 *	there  Message Field Value Value Value Field Field* Group Field End Group* ... End* Data End    (* newer)
 *
 * Either may be another process': items and texts are copied, and held to the table, before they are looked at.
 */
#include "protocol/schema.h"

#include <errno.h>

#define DEPTH	 16 /* of groups; deeper ones are compared, and named without their way */
#define NAME	 48
#define TYPE	 96
#define TEXT	 512 /* that is looked at of a text: one without an end is as long as the table */
#define NAMED_BY 256 /* values of an enum that are looked up by name */

/* One item, and its texts. */
struct item {
	struct myc_schema_item is;
	char name[NAME], type[TYPE];
};

/* A walk over one row of a table. */
struct walk {
	const struct myc_schemas_view *view;
	struct myc_schema_row row;
	uint32_t at, end;
};

/* Words, each loaded once. */
static void copy_words(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(uint64_t); i++)
		((uint64_t *)to)[i] = __atomic_load_n((const uint64_t *)from + i, __ATOMIC_RELAXED);
}

static void printable(char *text, size_t size)
{
	text[size - 1] = '\0';
	for (; *text; text++)
		*text = *text < 0x20 || *text > 0x7e ? '?' : *text;
}

bool myc_schemas_view(struct myc_schemas_view *view, const struct myc_schemas *head, uint64_t size)
{
	if (!head || size < sizeof(*head) ||
	    __atomic_load_n(&head->version, __ATOMIC_ACQUIRE) != MYC_SCHEMAS_VERSION)
		return false;
	uint64_t room = size - sizeof(*head);
	uint32_t rows = __atomic_load_n(&head->rows, __ATOMIC_RELAXED);
	uint32_t items = __atomic_load_n(&head->items, __ATOMIC_RELAXED);
	uint32_t texts = __atomic_load_n(&head->texts, __ATOMIC_RELAXED);

	view->head = head;
	view->item = (const struct myc_schema_item *)(const void *)(head + 1);
	view->rows = rows < MYC_SCHEMAS_MAX ? rows : MYC_SCHEMAS_MAX;
	view->items =
		items < room / sizeof(*view->item) ? items : (uint32_t)(room / sizeof(*view->item));
	view->text = (const char *)(view->item + view->items);
	room -= view->items * sizeof(*view->item);
	view->texts = texts < room ? texts : (uint32_t)room;
	return true;
}

void myc_schemas_row(const struct myc_schemas_view *view, uint32_t row, struct myc_schema_row *copy)
{
	copy_words(copy, &view->head->row[row], sizeof(*copy));
	printable(copy->name, sizeof(copy->name));
}

/* Moves *at behind the text. */
static void take_text(const struct myc_schemas_view *view, uint32_t *at, char *out, size_t size)
{
	size_t n = 0;
	char c = 1;

	for (uint32_t i = 0; c && i < TEXT && *at < view->texts; i++) {
		c = __atomic_load_n(&view->text[(*at)++], __ATOMIC_RELAXED);
		if (n < size - 1)
			out[n++] = c;
	}
	out[n] = '\0';
	printable(out, size);
}

static void item_at(const struct walk *walk, uint32_t at, struct item *item)
{
	copy_words(&item->is, &walk->view->item[at], sizeof(item->is));
	uint32_t text = item->is.name;

	take_text(walk->view, &text, item->name, sizeof(item->name));
	take_text(walk->view, &text, item->type, sizeof(item->type));
}

static bool opens(uint8_t kind)
{
	return kind == MYC_SCHEMA_MESSAGE || kind == MYC_SCHEMA_GROUP;
}

/* Behind the END of what was entered. */
static void leave(struct walk *walk)
{
	for (uint32_t depth = 1; depth && walk->at < walk->end; walk->at++) {
		uint8_t kind = __atomic_load_n(&walk->view->item[walk->at].kind, __ATOMIC_RELAXED);

		if (opens(kind))
			depth++;
		else if (kind == MYC_SCHEMA_END)
			depth--;
	}
}

/* The next item that this version has; where there is none, an END. Values go with their fields. */
static void next(struct walk *walk, uint32_t version, struct item *item)
{
	while (walk->at < walk->end) {
		item_at(walk, walk->at++, item);
		if (item->is.kind == MYC_SCHEMA_VALUE)
			continue;
		if (item->is.since <= version)
			return;
		if (opens(item->is.kind))
			leave(walk);
	}
	*item = (struct item){.is.kind = MYC_SCHEMA_END};
}

/* ---- what is said ------------------------------------------------------------------------------ */

struct comparison {
	struct walk here, there;
	uint32_t version; /* that both have */
	uint32_t depth;
	char way[DEPTH][NAME];
	struct myc_error *error;
};

static void name_of(const struct comparison *c, const struct item *item, char *out, size_t size)
{
	size_t length = 0;

	for (uint32_t i = 0; i < c->depth && i < DEPTH && length < size; i++)
		length += (size_t)snprintf(out + length, size - length, "%s.", c->way[i]);
	if (length < size)
		snprintf(out + length, size - length, "%s", item->name);
}

static void describe(const struct item *item, char *out, size_t size)
{
	static const char *const presences[] = {"", "optional ", "constant "};
	const struct myc_schema_item *is = &item->is;

	if (is->kind == MYC_SCHEMA_END)
		snprintf(out, size, "not there");
	else if (is->kind == MYC_SCHEMA_GROUP)
		snprintf(out, size, "group '%s' (id %u) of %s", item->name, is->id, item->type);
	else if (is->kind == MYC_SCHEMA_MESSAGE)
		snprintf(out, size, "%s", item->type);
	else if (is->kind == MYC_SCHEMA_DATA)
		snprintf(out, size, "data '%s' (id %u) of %s", item->name, is->id, item->type);
	else if (is->presence == MYC_SBE_CONSTANT)
		snprintf(out, size, "constant %s (id %u)", item->type, is->id);
	else
		snprintf(out, size, "%s%s%s of %u bytes at offset %u (id %u)",
			 is->presence <= MYC_SBE_CONSTANT ? presences[is->presence] : "?",
			 item->type, is->type == MYC_SBE_ARRAY ? " array" : "", is->size,
			 is->offset, is->id);
}

static int differ(const struct comparison *c, const struct item *here, const struct item *there,
		  const char *what)
{
	const struct item *named = here->is.kind == MYC_SCHEMA_END ? there : here;
	char name[160], one[180], other[180];

	name_of(c, named, name, sizeof(name));
	describe(here, one, sizeof(one));
	describe(there, other, sizeof(other));
	return myc_error_set(
		c->error, -EPROTO,
		"add fields, groups and data at the end with their sinceVersion, or run one schema",
		"schema %u (%s), version %u here and %u there: '%.100s'%s%s: %.80s here, %.80s "
		"there",
		c->here.row.id, c->here.row.name, c->here.row.version, c->there.row.version, name,
		what ? " has another " : "", what ? what : "", one, other);
}

/* ---- values of enums --------------------------------------------------------------------------- */

static uint32_t values_of(const struct walk *walk)
{
	uint32_t n = 0;

	while (walk->at + n < walk->end && __atomic_load_n(&walk->view->item[walk->at + n].kind,
							   __ATOMIC_RELAXED) == MYC_SCHEMA_VALUE)
		n++;
	return n;
}

/* A value has one name, a name has one value; what only one of them lists does not matter. */
static int compare_values(const struct comparison *c, const struct item *field)
{
	uint32_t ours = values_of(&c->here), theirs = values_of(&c->there);
	struct item here, there;
	char name[160];

	if (ours > NAMED_BY || theirs > NAMED_BY)
		ours = 0;
	for (uint32_t i = 0; i < ours; i++) {
		item_at(&c->here, c->here.at + i, &here);
		for (uint32_t j = 0; j < theirs; j++) {
			item_at(&c->there, c->there.at + j, &there);
			if ((here.is.detail == there.is.detail) == !strcmp(here.name, there.name))
				continue;
			name_of(c, field, name, sizeof(name));
			return myc_error_set(
				c->error, -EPROTO, "give new values new names and numbers",
				"schema %u (%s), version %u here and %u there: '%.100s': value "
				"%llu is %s "
				"here, value %llu is %s there",
				c->here.row.id, c->here.row.name, c->here.row.version,
				c->there.row.version, name, (unsigned long long)here.is.detail,
				here.name, (unsigned long long)there.is.detail, there.name);
		}
	}
	return 0;
}

/* ---- messages ---------------------------------------------------------------------------------- */

static int compare_item(const struct comparison *c, const struct item *here,
			const struct item *there)
{
	const struct myc_schema_item *a = &here->is, *b = &there->is;

	if (a->kind != b->kind || a->id != b->id)
		return differ(c, here, there, NULL);
	if (a->kind != MYC_SCHEMA_FIELD && a->detail != b->detail)
		return differ(c, here, there, "shape");
	if (strcmp(here->type, there->type) != 0)
		return differ(c, here, there, "type");
	if (a->offset != b->offset)
		return differ(c, here, there, "offset");
	if (a->type != b->type || a->size != b->size)
		return differ(c, here, there, "size");
	if (a->presence != b->presence)
		return differ(c, here, there, "presence");
	if (a->detail != b->detail)
		return differ(c, here, there,
			      a->presence == MYC_SBE_CONSTANT ? "constant value" : "null value");
	if (a->since != b->since)
		return differ(c, here, there, "sinceVersion");
	return a->kind == MYC_SCHEMA_FIELD ? compare_values(c, here) : 0;
}

/* From behind the MESSAGE items to their ENDs. */
static int compare_message(struct comparison *c)
{
	struct item here, there;
	int err;

	while (c->depth) {
		next(&c->here, c->version, &here);
		next(&c->there, c->version, &there);
		err = compare_item(c, &here, &there);
		if (err)
			return err;
		if (here.is.kind == MYC_SCHEMA_END) {
			c->depth--;
		} else if (here.is.kind == MYC_SCHEMA_GROUP) {
			if (c->depth < DEPTH)
				memcpy(c->way[c->depth], here.name, NAME);
			c->depth++;
		}
	}
	return 0;
}

/* The next message that this version has; false: none. */
static bool next_message(struct walk *walk, uint32_t version, struct item *item)
{
	next(walk, version, item);
	return item->is.kind == MYC_SCHEMA_MESSAGE;
}

static int compare_messages(struct comparison *c)
{
	struct item here, there;
	bool ours = next_message(&c->here, c->version, &here);
	bool theirs = next_message(&c->there, c->version, &there);

	while (ours && theirs) {
		if (here.is.id < there.is.id) {
			leave(&c->here);
			ours = next_message(&c->here, c->version, &here);
			continue;
		}
		if (there.is.id < here.is.id) {
			leave(&c->there);
			theirs = next_message(&c->there, c->version, &there);
			continue;
		}
		int err =
			here.is.detail != there.is.detail ? differ(c, &here, &there, "header") : 0;

		c->depth = 1;
		memcpy(c->way[0], here.name, NAME);
		err = err ?: compare_message(c);
		if (err)
			return err;
		ours = next_message(&c->here, c->version, &here);
		theirs = next_message(&c->there, c->version, &there);
	}
	return 0;
}

static void walk_of(struct walk *walk)
{
	uint32_t items = walk->view->items;

	walk->at = walk->row.first < items ? walk->row.first : items;
	walk->end = walk->row.items < items - walk->at ? walk->at + walk->row.items : items;
}

static int compare_rows(struct comparison *c)
{
	const struct myc_schema_row *here = &c->here.row, *there = &c->there.row;

	if (here->id != there->id || (here->version == there->version && here->hash == there->hash))
		return 0;
	if (here->big_endian != there->big_endian)
		return myc_error_set(c->error, -EPROTO, "run one schema",
				     "schema %u (%s): %s-endian here, %s-endian there", here->id,
				     here->name, here->big_endian ? "big" : "little",
				     there->big_endian ? "big" : "little");
	if (!here->items || !there->items)
		return myc_error_set(c->error, -EPROTO, "run one schema",
				     "schema %u (%s), version %u here and %u there: they are not "
				     "the same, and its "
				     "fields found no room in the region to be compared",
				     here->id, here->name, here->version, there->version);
	c->version = here->version < there->version ? here->version : there->version;
	walk_of(&c->here);
	walk_of(&c->there);
	return compare_messages(c);
}

int myc_schemas_compare(const struct myc_schemas_view *here, const struct myc_schemas_view *there,
			struct myc_error *error)
{
	struct comparison c = {.here.view = here, .there.view = there, .error = error};
	int err = 0;

	for (uint32_t i = 0; i < here->rows && !err; i++) {
		myc_schemas_row(here, i, &c.here.row);
		for (uint32_t j = 0; j < there->rows && !err; j++) {
			myc_schemas_row(there, j, &c.there.row);
			err = compare_rows(&c);
		}
	}
	return err;
}
