/* SPDX-License-Identifier: Apache-2.0 */
/* Names: matched, claimed, listed (mycelium/registry.h). */
#include <errno.h>
#include <string.h>

#include <mycelium/registry.h>

#include "core/directory.h"

/* ---- patterns ---------------------------------------------------------------------------------- */

bool myc_pattern_fits(const char *pattern)
{
	return myc_directory_fits(pattern, MYC_DIRECTORY_NAME, false);
}

/* Bit i of the set: the first i characters of the pattern are used up. A star is passed as it is met; of `**`
 * the second one stands for both, and takes dots. */
static uint64_t past_stars(const char *pattern, uint64_t set)
{
	for (uint32_t i = 0; pattern[i]; i++)
		if (pattern[i] == '*' && set >> i & 1)
			set |= 2ull << i;
	return set;
}

static uint64_t step(const char *pattern, uint64_t set, char c)
{
	uint64_t next = 0;

	for (uint32_t i = 0; pattern[i]; i++) {
		bool both = pattern[i] == '*' &&
			    (pattern[i + 1] == '*' || (i && pattern[i - 1] == '*'));

		if (!(set >> i & 1))
			continue;
		if (pattern[i] == '*')
			next |= c != '.' || both ? 1ull << i : 0;
		else if (pattern[i] == c || (pattern[i] == '?' && c != '.'))
			next |= 2ull << i;
	}
	return past_stars(pattern, next);
}

bool myc_name_matches(const char *pattern, const char *name)
{
	size_t length = strnlen(pattern, 63);
	uint64_t set = past_stars(pattern, 1);

	if (pattern[length])
		return false;
	while (*name && set)
		set = step(pattern, set, *name++);
	return set >> length & 1;
}

/* ---- one name ---------------------------------------------------------------------------------- */

struct wanted {
	const char *scope, *name;
	myc_address self, found;
	bool held, claimed;
};

static bool is_name(const struct myc_directory_row *row)
{
	return row->kind != MYC_DIRECTORY_MEMBER && row->state != MYC_DIRECTORY_ENDED;
}

static bool look_for(void *context, const struct myc_directory_row *row)
{
	struct wanted *wanted = context;

	if (!is_name(row) || row->address == wanted->self || strcmp(row->name, wanted->name) != 0 ||
	    strcmp(row->scope, wanted->scope) != 0)
		return true;
	wanted->claimed = wanted->claimed || row->state == MYC_DIRECTORY_CLAIMED;
	wanted->held = wanted->held || row->state != MYC_DIRECTORY_CLAIMED;
	if (wanted->held)
		wanted->found = row->address;
	return !wanted->held;
}

static struct myc_directory_row *own_alias(struct myc_actor *self, const char *scope,
					   const char *name)
{
	struct myc_directory_row *row = NULL;

	while ((row = myc_directory_next(self->executor, self, MYC_DIRECTORY_ALIAS, row)))
		if (!strcmp(row->scope, scope) && !strcmp(row->name, name))
			return row;
	return NULL;
}

/*
 * Two want one name at the same time:
 *
 *	writes its claim                 writes its claim
 *	fence                            fence
 *	sees another's: takes it back    sees another's: takes it back
 *
 * With the fences at least one of them sees the other's; so never both have it, though perhaps neither. A row
 * that is being written is not there yet, its writer has not looked: so a claim must not look so again.
 */
int myc_register(struct myc_actor *self, const char *scope, const char *name)
{
	struct myc_directory_row row = {.kind = MYC_DIRECTORY_ALIAS,
					.state = MYC_DIRECTORY_CLAIMED,
					.address = self->address};
	struct wanted wanted = {.scope = scope, .name = name, .self = self->address};

	if (!myc_directory_fits(scope, MYC_SCOPE_SIZE, false) ||
	    !myc_directory_fits(name, MYC_DIRECTORY_NAME, false))
		return -EINVAL;
	if (own_alias(self, scope, name))
		return 0;
	/* Who has it for long is not bothered with claims. */
	myc_directory_each(self->executor->system, look_for, &wanted);
	if (wanted.held)
		return -EEXIST;
	memcpy(row.scope, scope, strlen(scope) + 1);
	memcpy(row.name, name, strlen(name) + 1);
	struct myc_directory_row *claim = myc_directory_add(self->executor, &row);

	if (!claim)
		return -ENOSPC;
	self->has_entries = true;
	wanted.claimed = false;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	myc_directory_each(self->executor->system, look_for, &wanted);
	if (wanted.held || wanted.claimed) {
		myc_directory_drop(self->executor, claim);
		return wanted.held ? -EEXIST : -EAGAIN;
	}
	myc_directory_granted(self->executor, claim);
	return 0;
}

int myc_unregister(struct myc_actor *self, const char *scope, const char *name)
{
	struct myc_directory_row *row = scope && name ? own_alias(self, scope, name) : NULL;

	if (!row)
		return -ENOENT;
	myc_directory_drop(self->executor, row);
	return 0;
}

int myc_whereis(struct myc_actor *self, const char *scope, const char *name, myc_address *address)
{
	struct wanted wanted = {.scope = scope ? scope : "", .name = name, .self = MYC_NOBODY};

	myc_directory_each(self->executor->system, look_for, &wanted);
	if (!wanted.held)
		return -ENOENT;
	*address = wanted.found;
	return 0;
}

/* ---- listing ----------------------------------------------------------------------------------- */

struct listing {
	const char *scope, *pattern;
	struct myc_name_entry *entries;
	uint32_t max;
	int count;
};

static bool list_one(void *context, const struct myc_directory_row *row)
{
	struct listing *listing = context;

	if (!is_name(row) || row->state == MYC_DIRECTORY_CLAIMED ||
	    (listing->scope && strcmp(listing->scope, row->scope) != 0) ||
	    !myc_name_matches(listing->pattern, row->name))
		return true;
	if ((uint32_t)listing->count < listing->max) {
		struct myc_name_entry *entry = &listing->entries[listing->count];

		*entry = (struct myc_name_entry){.address = row->address,
						 .restarts = row->restarts,
						 .registered = row->kind == MYC_DIRECTORY_ALIAS,
						 .running = row->state == MYC_DIRECTORY_RUNNING};
		memcpy(entry->scope, row->scope, sizeof(entry->scope));
		memcpy(entry->name, row->name, sizeof(entry->name));
	}
	listing->count++;
	return true;
}

int myc_system_names(struct myc_system *system, const char *scope, const char *pattern,
		     struct myc_name_entry *entries, uint32_t max)
{
	struct listing listing = {
		.scope = scope, .pattern = pattern, .entries = entries, .max = max};

	if (!myc_pattern_fits(pattern))
		return -EINVAL;
	myc_directory_each(system, list_one, &listing);
	return listing.count;
}

int myc_names(struct myc_actor *self, const char *scope, const char *pattern,
	      struct myc_name_entry *entries, uint32_t max)
{
	return myc_system_names(self->executor->system, scope, pattern, entries, max);
}
