/* SPDX-License-Identifier: Apache-2.0 */
#include "core/name.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mycelium/abi/registry.h>

#include "core/executor.h"

#define BEING_WRITTEN UINT64_MAX

struct myc_name {
	char name[MYC_NAME_SIZE];
	uint64_t address; /* released after name; 0 = never used */
};

/* A name is free as soon as its actor has ended. */
static bool lives(const struct myc_system *system, myc_address address)
{
	if (myc_address_slot(address) >= system->slots)
		return false;
	uint64_t word =
		__atomic_load_n(&system->slot[myc_address_slot(address)].word, __ATOMIC_ACQUIRE);

	return myc_actor_word_generation(word) == myc_address_generation(address) &&
	       myc_actor_word_lives(word);
}

/* Byte by byte: the row may be given to another name meanwhile. */
static bool same(const struct myc_name *row, const char *name)
{
	for (size_t i = 0; i < MYC_NAME_SIZE; i++) {
		if (__atomic_load_n(&row->name[i], __ATOMIC_RELAXED) != name[i])
			return false;
		if (!name[i])
			return true;
	}
	return false;
}

/* The row that has this name, NULL: none. */
static struct myc_name *find(const struct myc_system *system, const char *name, uint64_t *address)
{
	uint32_t at = myc_name_hash(name);

	for (uint32_t i = 0; i <= system->names_mask; i++) {
		struct myc_name *row = &system->names[(at + i) & system->names_mask];

		do {
			/* Pairs with the release in myc_names_set: the name is complete. */
			*address = __atomic_load_n(&row->address, __ATOMIC_ACQUIRE);
			if (!*address)
				return NULL;
			if (*address == BEING_WRITTEN || !same(row, name))
				break;
			/* Its bytes were read before the address is read again. */
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (__atomic_load_n(&row->address, __ATOMIC_RELAXED) == *address)
				return row;
		} while (true);
	}
	return NULL;
}

/* A row for a new name: never used, or of one that has ended. There are twice as many as actors. */
static struct myc_name *take(const struct myc_system *system, const char *name)
{
	uint32_t at = myc_name_hash(name);

	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): myc_names_open made it */
	while (system->names[at & system->names_mask].address &&
	       lives(system, system->names[at & system->names_mask].address))
		at++;
	return &system->names[at & system->names_mask];
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
	return find(system, name, address) && lives(system, *address) ? 0 : -ENOENT;
}

bool myc_names_of(const struct myc_system *system, myc_address address, char name[MYC_NAME_SIZE])
{
	for (uint32_t i = 0; i <= system->names_mask; i++) {
		const struct myc_name *row = &system->names[i];

		/* As in find. */
		if (__atomic_load_n(&row->address, __ATOMIC_ACQUIRE) != address)
			continue;
		for (size_t at = 0; at < MYC_NAME_SIZE; at++)
			name[at] = __atomic_load_n(&row->name[at], __ATOMIC_RELAXED);
		name[MYC_NAME_SIZE - 1] = '\0';
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&row->address, __ATOMIC_RELAXED) == address)
			return true;
	}
	return false;
}

void myc_names_set(struct myc_system *system, const char *name, myc_address address)
{
	uint64_t before;
	struct myc_name *row = find(system, name, &before);

	if (!row) {
		row = take(system, name);
		__atomic_store_n(&row->address, BEING_WRITTEN, __ATOMIC_RELAXED);
		/* Who sees a byte of the new name sees that the address has changed. Pairs with find. */
		__atomic_thread_fence(__ATOMIC_RELEASE);
		for (size_t i = 0; i < MYC_NAME_SIZE; i++) {
			__atomic_store_n(&row->name[i], name[i], __ATOMIC_RELAXED);
			if (!name[i])
				break;
		}
	}
	__atomic_store_n(&row->address, address, __ATOMIC_RELEASE);
}
