/* SPDX-License-Identifier: Apache-2.0 */
#include "common/sbe_body.h"

#include <stdlib.h>
#include <string.h>

#define NONE 0xff

struct shape {
	char letter;
	uint16_t id;
	uint8_t root, root_at; /* bytes; offset of the instrument */
	uint8_t keep_at;
	uint8_t names; /* whole strings behind the groups */
	uint8_t groups;
	struct {
		uint8_t dimension, entry, at;
		int8_t count; /* -1 = as many as there are instruments */
	} group[2];
};

static const struct shape shapes[4][6] = {
	[MYC_SBE_MDP3] = {{'b', 46, 11, NONE, 8, 0, 2, {{3, 32, 12, -1}, {8, 24, NONE, 1}}},
			  {'o', 47, 11, NONE, 8, 0, 1, {{3, 40, 28, -1}}},
			  {'s', 30, 14, 8, 13, 0, 0, {{0}}},
			  {'c', 4, 9, NONE, 8, 0, 0, {{0}}},
			  {'h', 12, 0, NONE, NONE, 0, 0, {{0}}}},
	[MYC_SBE_B3] = {{'b', 50, 48, 0, NONE, 0, 0, {{0}}},
			{'e', 9, 8, 0, NONE, 0, 0, {{0}}},
			{'s', 71, 8, 0, NONE, 0, 1, {{3, 25, NONE, 2}}},
			{'c', 1, 4, NONE, NONE, 0, 0, {{0}}}},
	[MYC_SBE_MEMX] = {{'b', 10, 31, 8, NONE, 0, 0, {{0}}},
			  {'d', 12, 18, 8, NONE, 0, 0, {{0}}},
			  {'c', 3, 8, NONE, NONE, 0, 0, {{0}}}},
	[MYC_SBE_DERIBIT] = {{'b', 1001, 12, 0, NONE, 0, 1, {{8, 17, NONE, 1}}},
			     {'t', 1002, 8, NONE, NONE, 0, 1, {{8, 20, 0, -1}}},
			     {'i', 1000, 4, 0, NONE, 1, 0, {{0}}}},
};

static const uint8_t instrument_width[] = {4, 8, 2, 4};
static const uint16_t schema_ids[] = {1, 2, 3, 1};

static bool odd(const char *word, char what)
{
	const char *colon = strchr(word, ':');

	return colon && strchr(colon, what);
}

static void put_number(enum myc_sbe_framing framing, uint8_t *at, uint64_t value, unsigned width)
{
	for (unsigned i = 0; i < width; i++)
		at[framing == MYC_SBE_MEMX ? width - 1 - i : i] = (uint8_t)(value >> 8 * i);
}

/* The next of "5,500,n"; 0 at the end. */
static uint64_t instrument(const char **list, enum myc_sbe_framing framing)
{
	uint64_t value;
	char *end;

	if (**list == 'n') {
		end = (char *)*list + 1;
		value = framing == MYC_SBE_MDP3 ? 0x7fffffff : 0;
	} else {
		value = strtoull(*list, &end, 10);
	}
	*list = *end == ',' ? end + 1 : end;
	return value;
}

static unsigned instruments(const char *list)
{
	unsigned count = *list && *list != ':';

	for (; *list && *list != ':'; list++)
		count += *list == ',';
	return count;
}

static uint32_t put_groups(enum myc_sbe_framing framing, const struct shape *shape,
			   const char *word, const char *list, uint8_t *out)
{
	const unsigned groups = shape->groups - (shape->groups && odd(word, 'o') ? 1u : 0u);
	uint32_t at = 0;

	for (unsigned g = 0; g < groups; g++) {
		unsigned entry = shape->group[g].entry + (odd(word, 'w') ? 4u : 0u);
		const unsigned place = shape->group[g].at;
		const unsigned count = shape->group[g].count < 0 ? instruments(list)
								 : (unsigned)shape->group[g].count;
		const unsigned said = g == 0 && odd(word, 'c') ? 255 : count;

		if (place != NONE && odd(word, 's'))
			entry = place + 1;
		if (place != NONE && odd(word, 'm'))
			entry = place + instrument_width[framing];
		memset(out + at, 0, shape->group[g].dimension);
		put_number(framing, out + at, entry, 2);
		if (shape->group[g].dimension == 8 && framing == MYC_SBE_MDP3)
			out[at + 7] = (uint8_t)said;
		else
			out[at + 2] = (uint8_t)said;
		if (odd(word, 'N'))
			out[at + 4] = 1;
		at += shape->group[g].dimension;
		for (unsigned i = 0; i < count; i++) {
			memset(out + at, 0, entry);
			if (place != NONE && !odd(word, 's'))
				put_number(framing, out + at + place, instrument(&list, framing),
					   instrument_width[framing]);
			at += entry;
		}
	}
	return at;
}

/* The SBE message, without what is in front of it. */
static uint32_t put_message(enum myc_sbe_framing framing, const struct shape *shape,
			    const char *word, uint8_t *out)
{
	static const uint8_t headers[] = {8, 8, 6, 12};
	const char *list = word + 1;
	unsigned root = shape->root + (odd(word, 'w') ? 4u : 0u) - (odd(word, 'r') ? 1u : 0u);
	uint32_t at = headers[framing];

	memset(out, 0, at + root);
	if (odd(word, 'r') && shape->root_at != NONE)
		root = shape->root_at + 1u;
	put_number(framing, out, root, 2);
	if (framing == MYC_SBE_MEMX) {
		out[2] = (uint8_t)shape->id;
		out[3] = odd(word, 'x') ? 77 : 3;
	} else {
		put_number(framing, out + 2, shape->id, 2);
		put_number(framing, out + 4, odd(word, 'x') ? 77 : schema_ids[framing], 2);
	}
	if (framing == MYC_SBE_DERIBIT) {
		out[8] = (uint8_t)(shape->groups + odd(word, 'g'));
		out[10] = (uint8_t)(shape->names + odd(word, 'd'));
	}
	if (shape->root_at != NONE && !odd(word, 'r'))
		put_number(framing, out + at + shape->root_at, instrument(&list, framing),
			   instrument_width[framing]);
	if (odd(word, 'k') && shape->keep_at != NONE)
		out[at + shape->keep_at] |= 1 << 5;
	at += root;
	at += put_groups(framing, shape, word, list, out + at);
	for (unsigned i = 0; i < shape->names; i++) {
		static const uint8_t name[4] = {3, 'B', 'T', 'C'};

		memcpy(out + at, name, sizeof(name));
		at += 4;
	}
	if (odd(word, 't')) {
		memset(out + at, 0, 4);
		at += 4;
	}
	return at;
}

uint32_t sbe_word(enum myc_sbe_framing framing, const char *word, uint8_t *out)
{
	static const struct shape unknown = {'u', 99, 20, 8, NONE, 0, 0, {{0}}};
	const uint32_t prefix = myc_sbe_prefix_size(framing);
	const struct shape *shape = &unknown;
	uint32_t size;

	for (unsigned i = 0; i < 6; i++)
		if (shapes[framing][i].letter == word[0])
			shape = &shapes[framing][i];
	size = put_message(framing, shape, word, out + prefix);
	myc_sbe_prefix_write(out, framing,
			     (uint16_t)(size + odd(word, '+') - (odd(word, '-') ? 1u : 0u)));
	if (odd(word, 'e'))
		out[2] ^= 1;
	return prefix + size;
}

void packet_sbe(struct packet *packet, enum myc_sbe_framing framing, uint64_t session,
		uint64_t sequence, uint16_t count)
{
	uint8_t header[20];

	switch (framing) {
	case MYC_SBE_MDP3:
		myc_mdp3_header_write(header, (uint32_t)sequence, 1);
		packet_bytes(packet, header, MYC_MDP3_HEADER_SIZE);
		break;
	case MYC_SBE_B3:
		myc_b3_header_write(header, (uint8_t)session, 0, (uint32_t)sequence, 1);
		packet_bytes(packet, header, MYC_B3_HEADER_SIZE);
		break;
	case MYC_SBE_MEMX:
		myc_memx_header_write(header, count ? MYC_MEMX_SEQUENCED : MYC_MEMX_HEARTBEAT,
				      session, sequence);
		myc_store_be16(header + MYC_MEMX_HEADER_SIZE, count);
		packet_bytes(packet, header, MYC_MEMX_HEADER_SIZE + (count ? 2 : 0));
		break;
	case MYC_SBE_DERIBIT:
		myc_deribit_header_write(header, 0, (uint16_t)session, (uint32_t)sequence);
		packet_bytes(packet, header, MYC_DERIBIT_HEADER_SIZE);
		break;
	}
}

/* ---- the tables, by hand ------------------------------------------------------------------------ */

static struct myc_sbe_row *row(struct myc_sbe_filter *table, uint16_t id, uint16_t offset,
			       uint8_t width)
{
	struct myc_sbe_row *at = &table->row[id % MYC_SBE_ROWS];

	while (at->used)
		at++;
	at->used = 1;
	at->template_id = id;
	at->offset = offset;
	at->width = width;
	return at;
}

static struct myc_sbe_group_row *group(struct myc_sbe_row *at, uint8_t dimension, uint8_t count_at,
				       uint8_t count_width, uint16_t offset, uint8_t width)
{
	struct myc_sbe_group_row *group = &at->group[at->groups++];

	group->dimension = dimension;
	group->length = (struct myc_sbe_number){0, 2};
	group->count = (struct myc_sbe_number){count_at, count_width};
	group->offset = offset;
	group->width = width;
	at->exact = 1;
	return group;
}

static void mdp3_rows(struct myc_sbe_filter *table)
{
	struct myc_sbe_row *book = row(table, 46, 0, 0), *orders = row(table, 47, 0, 0),
			   *status = row(table, 30, 8, 4);

	group(book, 3, 2, 1, 12, 4);
	group(book, 8, 7, 1, 0, 0);
	group(orders, 3, 2, 1, 28, 4);
	status->null = 0x7fffffff;
	book->keep_offset = orders->keep_offset = 8;
	status->keep_offset = 13;
	book->keep_bits = orders->keep_bits = status->keep_bits = 1 << 5;
}

static void deribit_rows(struct myc_sbe_filter *table)
{
	struct myc_sbe_row *book = row(table, 1001, 0, 4), *trades = row(table, 1002, 0, 0);

	group(book, 8, 2, 2, 0, 0);
	group(trades, 8, 2, 2, 0, 4);
	book->exact = trades->exact = 0;
	book->group[0].groups = trades->group[0].groups = (struct myc_sbe_number){4, 2};
	book->group[0].data = trades->group[0].data = (struct myc_sbe_number){6, 2};
	table->groups = (struct myc_sbe_number){8, 2};
	table->data = (struct myc_sbe_number){10, 2};
}

void sbe_table(enum myc_sbe_framing framing, struct myc_sbe_filter *table)
{
	memset(table, 0, sizeof(*table));
	table->schema_id = schema_ids[framing];
	table->prefix = (uint8_t)myc_sbe_prefix_size(framing);
	table->header = 8;
	table->block = (struct myc_sbe_number){0, 2};
	table->template_id = (struct myc_sbe_number){2, 2};
	table->schema = (struct myc_sbe_number){4, 2};
	switch (framing) {
	case MYC_SBE_MDP3:
		mdp3_rows(table);
		break;
	case MYC_SBE_B3:
		table->encoding = MYC_B3_ENCODING_SBE;
		row(table, 50, 0, 8);
		row(table, 9, 0, 8);
		row(table, 71, 0, 8);
		break;
	case MYC_SBE_MEMX:
		table->prefix_more = 2;
		table->big_endian = 1;
		table->header = 6;
		table->template_id = (struct myc_sbe_number){2, 1};
		table->schema = (struct myc_sbe_number){3, 1};
		row(table, 10, 8, 2);
		row(table, 12, 8, 2);
		break;
	case MYC_SBE_DERIBIT:
		table->header = 12;
		deribit_rows(table);
		break;
	}
}
