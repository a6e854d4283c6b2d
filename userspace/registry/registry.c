/* SPDX-License-Identifier: Apache-2.0 */
#include "registry/registry.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <mycelium/abi/steer.h>

#include "base/clock.h"

/* Points between the stores of a writer. tests/unit/registry_test.c compiles this file with a
 * hook here: it lets the writer die, or a reader run, at each of them. */
#ifndef MYC_REGISTRY_POINT
#define MYC_REGISTRY_POINT(name)
#endif

#define ROW_WORDS  (sizeof(struct myc_registry_row) / sizeof(uint64_t))
#define READ_TRIES 1000 /* a row is written in well under a microsecond */
#define FIRST_NAME (offsetof(struct myc_registry_row, behaviour) / sizeof(uint64_t))

/* ---- readers ------------------------------------------------------------------------------- */

/* Copies a row between two equal, even versions. Pairs with row_begin and row_end. */
static int row_copy(const struct myc_registry_row *row, struct myc_registry_row *copy)
{
	const uint64_t *from = (const uint64_t *)row;
	uint64_t *to = (uint64_t *)copy;

	for (int i = 0; i < READ_TRIES; i++) {
		uint32_t version = __atomic_load_n(&row->version, __ATOMIC_ACQUIRE);

		MYC_REGISTRY_POINT(reader_began);
		if (!(version & 1)) {
			for (size_t w = 0; w < ROW_WORDS; w++) {
				to[w] = __atomic_load_n(&from[w], __ATOMIC_RELAXED);
				MYC_REGISTRY_POINT(reader_word);
			}
			__atomic_thread_fence(__ATOMIC_ACQUIRE);
			if (__atomic_load_n(&row->version, __ATOMIC_RELAXED) == version) {
				copy->version = version;
				return 0;
			}
		}
		myc_cpu_relax();
	}
	return -EAGAIN;
}

/* A row comes from another process: strings are ended, the state is one of ours. */
static void entry_fill(struct myc_registry_entry *entry, uint32_t index,
		       const struct myc_registry_row *copy)
{
	uint8_t state = myc_row_word_state(copy->state_endpoint);

	entry->address = copy->address;
	entry->row = index;
	entry->process = copy->process;
	entry->executor = copy->executor;
	entry->restarts = copy->restarts;
	entry->parent_row = copy->parent_row;
	entry->state = state <= MYC_ROW_DOWN ? (enum myc_row_state)state : MYC_ROW_DOWN;
	entry->endpoint = myc_row_word_endpoint(copy->state_endpoint);
	memcpy(entry->name, copy->name, sizeof(entry->name));
	entry->name[sizeof(entry->name) - 1] = '\0';
	memcpy(entry->behaviour, copy->behaviour, sizeof(entry->behaviour));
	entry->behaviour[sizeof(entry->behaviour) - 1] = '\0';
}

int myc_registry_find(const struct myc_registry *registry, const char *name,
		      struct myc_registry_entry *entry)
{
	uint32_t start = myc_name_hash(name);
	size_t size = strlen(name) + 1;
	bool unreadable = false;

	if (size > MYC_NAME_MAX + 1)
		return -ENOENT;
	for (uint32_t i = 0; i < MYC_REGISTRY_ROWS; i++) {
		uint32_t index = (start + i) & (MYC_REGISTRY_ROWS - 1);
		struct myc_registry_row copy;

		/* A row that is not ours may be torn for long: the name can lie behind it. */
		if (row_copy(&registry->rows[index], &copy)) {
			unreadable = true;
			continue;
		}
		if (!copy.address && !copy.version)
			break;
		if (copy.address && !memcmp(copy.name, name, size)) {
			entry_fill(entry, index, &copy);
			return 0;
		}
	}
	return unreadable ? -EAGAIN : -ENOENT;
}

int myc_registry_read(const struct myc_registry *registry, uint32_t row,
		      struct myc_registry_entry *entry)
{
	struct myc_registry_row copy;
	int err;

	if (row >= MYC_REGISTRY_ROWS)
		return -ENOENT;
	err = row_copy(&registry->rows[row], &copy);
	if (err)
		return err;
	if (!copy.address)
		return -ENOENT;
	entry_fill(entry, row, &copy);
	return 0;
}

int myc_process_alive(const struct myc_registry *registry, uint32_t process)
{
	const struct myc_process_row *row;
	uint64_t dead;

	if (process >= MYC_PROCESSES_MAX)
		return 0;
	row = &registry->processes[process];
	/* The dead incarnation first: a restart between the two loads then reads as alive, which it
	 * is. The other way round a process that just started could read as dead for good. */
	dead = __atomic_load_n(&row->dead_incarnation, __ATOMIC_ACQUIRE);
	uint64_t incarnation = __atomic_load_n(&row->incarnation, __ATOMIC_ACQUIRE);
	return dead < incarnation;
}

/* ---- the writer ---------------------------------------------------------------------------- */

/* Makes the version odd. The fence keeps the row's stores behind it (pairs with row_copy). */
static void row_begin(struct myc_registry_row *row)
{
	__atomic_store_n(&row->version, row->version | 1, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	MYC_REGISTRY_POINT(writer_began);
}

/* The next even version; never 0, which means "never used". */
static void row_end(struct myc_registry_row *row)
{
	uint32_t next = (row->version | 1) + 1;

	MYC_REGISTRY_POINT(writer_ends);
	__atomic_store_n(&row->version, next ? next : 2, __ATOMIC_RELEASE);
}

/* Stores 0 as the address first and the rest after it, so that a row whose writer died is either
 * whole (address set) or nobody's. */
static void row_clear(struct myc_registry_row *row)
{
	uint64_t *word = (uint64_t *)row;

	__atomic_store_n(&row->address, 0, __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	MYC_REGISTRY_POINT(writer_cleared_address);
	__atomic_store_n(&row->state_endpoint, myc_row_word(MYC_ROW_FREE, MYC_NO_ENDPOINT),
			 __ATOMIC_RELAXED);
	for (size_t w = FIRST_NAME; w < ROW_WORDS; w++) {
		__atomic_store_n(&word[w], 0, __ATOMIC_RELAXED);
		MYC_REGISTRY_POINT(writer_word);
	}
}

static bool name_valid(const char *name, size_t room)
{
	size_t length = strnlen(name, room);

	if (!length || length > MYC_NAME_MAX)
		return false;
	for (size_t i = 0; i < length; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '_' || c == '/' || c == '-'))
			return false;
	}
	return true;
}

/* The row to put `name` into: the first free one of its chain. -EEXIST with *index set. */
static int row_for(const struct myc_registry *registry, const char *name, uint32_t *index)
{
	uint32_t start = myc_name_hash(name), free_row = MYC_NO_ROW;

	for (uint32_t i = 0; i < MYC_REGISTRY_ROWS; i++) {
		uint32_t at = (start + i) & (MYC_REGISTRY_ROWS - 1);
		const struct myc_registry_row *row = &registry->rows[at];

		if (row->address) {
			if (!strcmp((const char *)row->name, name)) {
				*index = at;
				return -EEXIST;
			}
			continue;
		}
		if (free_row == MYC_NO_ROW)
			free_row = at;
		if (!row->version)
			break;
	}
	*index = free_row;
	return free_row == MYC_NO_ROW ? -ENOSPC : 0;
}

int myc_registry_publish(struct myc_registry *registry, struct myc_registry_entry *entry,
			 struct myc_error *error)
{
	struct myc_registry_row new = {0};
	const uint64_t *from = (const uint64_t *)&new;
	uint64_t *to;
	uint32_t index = MYC_NO_ROW;
	int err;

	if (!name_valid(entry->name, sizeof(entry->name)))
		return myc_error_set(error, -EINVAL, "use 1 to 47 of A-Z a-z 0-9 . _ / -",
				     "'%.47s' is not a name", entry->name);
	if (entry->address == MYC_NOBODY)
		return myc_error_set(error, -EINVAL, NULL, "'%s' has no address", entry->name);
	err = row_for(registry, entry->name, &index);
	entry->row = index;
	if (err == -EEXIST)
		return myc_error_set(error, err, "use another name", "the name '%s' is taken",
				     entry->name);
	if (err)
		return myc_error_set(error, err, "use fewer named actors",
				     "the registry's %d rows are taken", MYC_REGISTRY_ROWS);
	struct myc_registry_row *row = &registry->rows[index];

	memcpy(new.name, entry->name, strlen(entry->name));
	snprintf((char *)new.behaviour, sizeof(new.behaviour), "%s", entry->behaviour);
	to = (uint64_t *)row;
	row_begin(row);
	__atomic_store_n(&row->restarts, entry->restarts, __ATOMIC_RELAXED);
	__atomic_store_n(&row->process, entry->process, __ATOMIC_RELAXED);
	__atomic_store_n(&row->executor, entry->executor, __ATOMIC_RELAXED);
	__atomic_store_n(&row->parent_row, entry->parent_row, __ATOMIC_RELAXED);
	for (size_t w = FIRST_NAME; w < ROW_WORDS; w++) {
		__atomic_store_n(&to[w], from[w], __ATOMIC_RELAXED);
		MYC_REGISTRY_POINT(writer_word);
	}
	__atomic_store_n(&row->state_endpoint, myc_row_word((uint8_t)entry->state, entry->endpoint),
			 __ATOMIC_RELEASE);
	MYC_REGISTRY_POINT(writer_sets_address);
	__atomic_store_n(&row->address, entry->address, __ATOMIC_RELEASE);
	row_end(row);
	return 0;
}

void myc_registry_set_state(struct myc_registry *registry, uint32_t index, enum myc_row_state state,
			    uint32_t restarts)
{
	struct myc_registry_row *row = &registry->rows[index];
	uint16_t endpoint = myc_row_word_endpoint(row->state_endpoint);

	row_begin(row);
	__atomic_store_n(&row->restarts, restarts, __ATOMIC_RELAXED);
	MYC_REGISTRY_POINT(writer_word);
	__atomic_store_n(&row->state_endpoint, myc_row_word((uint8_t)state, endpoint),
			 __ATOMIC_RELEASE);
	row_end(row);
}

void myc_registry_withdraw(struct myc_registry *registry, uint32_t index)
{
	struct myc_registry_row *row = &registry->rows[index];

	row_begin(row);
	row_clear(row);
	row_end(row);
}

unsigned myc_registry_repair(struct myc_registry *registry)
{
	unsigned repaired = 0;

	for (uint32_t i = 0; i < MYC_REGISTRY_ROWS; i++) {
		struct myc_registry_row *row = &registry->rows[i];

		if (!(row->version & 1))
			continue;
		if (!row->address || !name_valid((const char *)row->name, sizeof(row->name)))
			row_clear(row);
		row_end(row);
		repaired++;
	}
	return repaired;
}

/* ---- processes ----------------------------------------------------------------------------- */

/* The incarnation is stored last: who sees it sees the rest of the row. A writer that dies before
 * has changed nothing that counts, since the predecessor is dead already. */
void myc_process_started(struct myc_registry *registry, uint32_t process, const char *name,
			 uint32_t pid, uint32_t executors, uint64_t now_ns)
{
	struct myc_process_row *row = &registry->processes[process];
	uint64_t incarnation = row->incarnation + 1;

	snprintf((char *)row->name, sizeof(row->name), "%s", name);
	__atomic_store_n(&row->pid, pid, __ATOMIC_RELAXED);
	__atomic_store_n(&row->executors, executors, __ATOMIC_RELAXED);
	__atomic_store_n(&row->started_ns, now_ns, __ATOMIC_RELAXED);
	__atomic_store_n(&row->restarts, (uint32_t)(incarnation - 1), __ATOMIC_RELAXED);
	MYC_REGISTRY_POINT(process_starts);
	__atomic_store_n(&row->incarnation, incarnation, __ATOMIC_RELEASE);
}

/* By compare-exchange: the exit watch writes the word too, perhaps of a later incarnation. */
void myc_process_dead(struct myc_registry *registry, uint32_t process)
{
	struct myc_process_row *row = &registry->processes[process];
	uint64_t dead = __atomic_load_n(&row->dead_incarnation, __ATOMIC_RELAXED);

	while (dead < row->incarnation &&
	       !__atomic_compare_exchange_n(&row->dead_incarnation, &dead, row->incarnation, false,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}
