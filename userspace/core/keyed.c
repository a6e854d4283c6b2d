/* SPDX-License-Identifier: Apache-2.0 */
#include "core/keyed.h"

#include <errno.h>
#include <stdlib.h>

int myc_keyed_open(struct myc_keyed *keyed, uint32_t capacity)
{
	uint32_t chains = 1;

	while (chains < capacity)
		chains *= 2;
	keyed->mask = chains - 1;
	keyed->entry = calloc(capacity, sizeof(*keyed->entry));
	keyed->chain = calloc(chains, sizeof(*keyed->chain));
	return keyed->entry && keyed->chain ? 0 : -ENOMEM;
}

void myc_keyed_close(struct myc_keyed *keyed)
{
	free(keyed->entry);
	free(keyed->chain);
}

static struct myc_keyed_chain *chain_of(const struct myc_keyed *keyed, uint32_t owner, uint64_t key)
{
	uint64_t mixed = (key ^ (uint64_t)owner << 32 ^ owner) * 0x9e3779b97f4a7c15ull;

	mixed = (mixed ^ mixed >> 29) * 0xbf58476d1ce4e5b9ull;
	return &keyed->chain[(uint32_t)(mixed >> 32) & keyed->mask];
}

/* The first from `at` on in its chain, as index + 1; 0: none. */
static uint32_t find(const struct myc_keyed *keyed, uint32_t at, uint32_t owner, uint64_t key)
{
	while (at && (keyed->entry[at - 1].owner != owner || keyed->entry[at - 1].key != key))
		at = keyed->entry[at - 1].next;
	return at;
}

uint32_t myc_keyed_first(const struct myc_keyed *keyed, uint32_t owner, uint64_t key,
			 uint32_t *count)
{
	uint32_t at = find(keyed, chain_of(keyed, owner, key)->first, owner, key);

	*count = at ? keyed->entry[at - 1].count : 0;
	return at - 1;
}

void myc_keyed_add(struct myc_keyed *keyed, uint32_t index, uint32_t owner, uint64_t key)
{
	struct myc_keyed_chain *chain = chain_of(keyed, owner, key);
	uint32_t first = find(keyed, chain->first, owner, key);

	keyed->entry[index] =
		(struct myc_keyed_entry){.key = key, .owner = owner, .count = first ? 0 : 1};
	if (first)
		keyed->entry[first - 1].count++;
	if (chain->last)
		keyed->entry[chain->last - 1].next = index + 1;
	else
		chain->first = index + 1;
	chain->last = index + 1;
}

void myc_keyed_remove(struct myc_keyed *keyed, uint32_t index)
{
	struct myc_keyed_entry *entry = &keyed->entry[index];

	if (!entry->owner)
		return;
	struct myc_keyed_chain *chain = chain_of(keyed, entry->owner, entry->key);
	uint32_t first = find(keyed, chain->first, entry->owner, entry->key), before = 0;

	for (uint32_t at = chain->first; at != index + 1; at = keyed->entry[at - 1].next)
		before = at;
	if (before)
		keyed->entry[before - 1].next = entry->next;
	else
		chain->first = entry->next;
	if (chain->last == index + 1)
		chain->last = before;
	uint32_t count = keyed->entry[first - 1].count - 1;

	if (first == index + 1)
		first = find(keyed, entry->next, entry->owner, entry->key);
	if (first)
		keyed->entry[first - 1].count = count;
	entry->owner = 0;
}
