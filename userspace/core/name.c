/* SPDX-License-Identifier: Apache-2.0 */
#include "core/name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/executor.h"

struct myc_name {
	char name[MYC_NAME_SIZE];
	uint64_t address; /* released after name; 0 = free */
};

static uint32_t name_hash(const char *name)
{
	uint32_t hash = 2166136261u;

	while (*name)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return hash;
}

/* The row of this name, or the free one where it belongs. */
static struct myc_name *name_row(const struct myc_system *system, const char *name)
{
	uint32_t i = name_hash(name) & system->names_mask;

	/* Pairs with the release in myc_names_set: the name is complete. */
	while (__atomic_load_n(&system->names[i].address, __ATOMIC_ACQUIRE) &&
	       strcmp(system->names[i].name, name) != 0)
		i = (i + 1) & system->names_mask;
	return &system->names[i];
}

/* A name is free as soon as its actor has ended. */
static bool lives(const struct myc_system *system, myc_address address)
{
	uint64_t word =
		__atomic_load_n(&system->slot[myc_address_slot(address)].word, __ATOMIC_ACQUIRE);

	return myc_actor_word_generation(word) == myc_address_generation(address) &&
	       myc_actor_word_lives(word);
}

int myc_names_open(struct myc_system *system)
{
	uint32_t rows = 1;

	while (rows < 2 * system->slots)
		rows *= 2;
	system->names_mask = rows - 1;
	system->names = calloc(rows, sizeof(*system->names));
	return system->names ? 0 : -ENOMEM;
}

void myc_names_close(struct myc_system *system)
{
	free(system->names);
	system->names = NULL;
}

int myc_names_find(const struct myc_system *system, const char *name, myc_address *address)
{
	*address = __atomic_load_n(&name_row(system, name)->address, __ATOMIC_ACQUIRE);
	return *address && lives(system, *address) ? 0 : -ENOENT;
}

void myc_names_set(struct myc_system *system, const char *name, myc_address address)
{
	struct myc_name *row = name_row(system, name);

	if (!row->address)
		snprintf(row->name, sizeof(row->name), "%s", name);
	__atomic_store_n(&row->address, address, __ATOMIC_RELEASE);
}
