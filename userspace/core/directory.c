/* SPDX-License-Identifier: Apache-2.0 */
/* Rows of the directory: see core/directory.h. */
#include "core/directory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/thread.h"
#include "core/watch.h"
#include "memory/order.h"

#define ROWS	256
#define RETRIES 64 /* a row that is written again and again */
#define WORDS	(sizeof(struct myc_directory_row) / sizeof(uint64_t))

/* ---- blocks ------------------------------------------------------------------------------------ */

static uint32_t rows_of(const struct myc_system_opts *opts)
{
	return opts->directory ? opts->directory : ROWS;
}

int myc_directory_plan(struct myc_region_plan *plan, const struct myc_system_opts *opts)
{
	return myc_region_plan_add(plan, MYC_BLOCK_DIRECTORY, 0,
				   myc_directory_size(myc_executors_all(opts), rows_of(opts)));
}

static struct myc_directory_part *part_at(struct myc_directory *head, uint32_t executor,
					  uint32_t rows)
{
	return (struct myc_directory_part *)(void *)((char *)(head + 1) +
						     executor * myc_directory_part_size(rows));
}

/* Nobody reads while the head names no incarnation; serials go on, so that no row is taken for a former one. */
static void clear(struct myc_directory *head)
{
	__atomic_store_n(&head->incarnation, 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (uint32_t i = 0; i < head->executors; i++) {
		struct myc_directory_part *part = part_at(head, i, head->rows);
		struct myc_directory_row *row = (struct myc_directory_row *)(part + 1);

		for (uint32_t r = 0; r < part->top && r < head->rows; r++) {
			__atomic_store_n(&row[r].kind, MYC_DIRECTORY_FREE, __ATOMIC_RELAXED);
			__atomic_store_n(&row[r].version, (row[r].version + 2) & ~1u,
					 __ATOMIC_RELEASE);
		}
		__atomic_store_n(&part->top, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&part->watchers, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&part->changes, part->changes + 1, __ATOMIC_RELEASE);
	}
}

int myc_directory_open(struct myc_system *system)
{
	const struct myc_workspace *workspace = &system->workspace;
	uint32_t rows = rows_of(&system->opts);
	uint64_t size = 0;

	system->directory = calloc(workspace->processes, sizeof(*system->directory));
	if (!system->directory)
		return -ENOMEM;
	for (uint32_t i = 0; i < workspace->processes; i++)
		system->directory[i].head = myc_region_block(
			&workspace->regions[i], MYC_BLOCK_DIRECTORY, 0, &system->directory[i].size);
	struct myc_directory *head = myc_region_block(&workspace->regions[workspace->process],
						      MYC_BLOCK_DIRECTORY, 0, &size);

	if (!head || size < myc_directory_size(myc_executors_all(&system->opts), rows) ||
	    (head->version && (head->version != MYC_DIRECTORY_VERSION || head->rows != rows ||
			       head->executors != myc_executors_all(&system->opts))))
		return -EPROTO;
	head->executors = myc_executors_all(&system->opts);
	head->rows = rows;
	clear(head);
	for (uint32_t i = 0; i < head->executors; i++) {
		system->executor[i].entries = (struct myc_entries){
			.part = part_at(head, i, rows),
			.row = (struct myc_directory_row *)(part_at(head, i, rows) + 1),
			.rows = rows};
		pthread_mutex_init(&system->executor[i].entries.writing, NULL);
	}
	/* Release: all of it. Pairs with myc_directory_part, and myc_directory_there. */
	__atomic_store_n(&head->version, MYC_DIRECTORY_VERSION, __ATOMIC_RELEASE);
	__atomic_store_n(&head->incarnation, (uint32_t)workspace->incarnation, __ATOMIC_RELEASE);
	return 0;
}

void myc_directory_close(struct myc_system *system)
{
	for (uint32_t i = 0; system->directory && i < system->executors; i++)
		pthread_mutex_destroy(&system->executor[i].entries.writing);
	free(system->directory);
	system->directory = NULL;
}

/* ---- reading ----------------------------------------------------------------------------------- */

static const struct myc_directory_part *part_in(const struct myc_directory *head, uint64_t size,
						uint32_t executor, uint32_t *rows)
{
	if (!head || size < sizeof(*head) || executor >= MYC_EXECUTORS_MAX ||
	    __atomic_load_n(&head->version, __ATOMIC_ACQUIRE) != MYC_DIRECTORY_VERSION)
		return NULL;
	uint32_t count = __atomic_load_n(&head->rows, __ATOMIC_RELAXED);

	if (executor >= __atomic_load_n(&head->executors, __ATOMIC_RELAXED) ||
	    count > MYC_DIRECTORY_ROWS_MAX || myc_directory_size(executor + 1, count) > size)
		return NULL;
	*rows = count;
	return (const struct myc_directory_part *)(const void *)((const char *)(head + 1) +
								 executor * myc_directory_part_size(
										    count));
}

const struct myc_directory_part *myc_directory_part(const struct myc_system *system,
						    uint32_t process, uint32_t executor,
						    uint32_t *rows)
{
	const struct myc_directory_home *home = &system->directory[process];

	return part_in(home->head, home->size, executor, rows);
}

bool myc_directory_there(const struct myc_system *system, uint32_t process, uint32_t *incarnation)
{
	struct myc_directory_home *home = &system->directory[process];

	if (!home->head || home->size < sizeof(*home->head))
		return false;
	bool there = myc_process_there(system, process, incarnation);

	/* Found dead: its successor may be known to live before it has cleared the rows. */
	if (!there && *incarnation)
		__atomic_store_n(&home->dead, *incarnation, __ATOMIC_RELAXED);
	/* Acquire: the rows that were cleared. Pairs with myc_directory_open. */
	return there && *incarnation &&
	       *incarnation != __atomic_load_n(&home->dead, __ATOMIC_RELAXED) &&
	       __atomic_load_n(&home->head->incarnation, __ATOMIC_ACQUIRE) == *incarnation;
}

static bool whole(const struct myc_directory_row *row)
{
	return row->kind > MYC_DIRECTORY_FREE && row->kind <= MYC_DIRECTORY_MEMBER &&
	       memchr(row->scope, 0, sizeof(row->scope)) && memchr(row->name, 0, sizeof(row->name));
}

bool myc_directory_read(const struct myc_directory_part *part, uint32_t i,
			struct myc_directory_row *copy)
{
	const struct myc_directory_row *row = (const struct myc_directory_row *)(part + 1) + i;

	for (int tries = 0; tries < RETRIES; tries++) {
		uint64_t word[WORDS];
		/* Acquire: the fields. Pairs with the release in store(). */
		uint32_t version = __atomic_load_n(&row->version, __ATOMIC_ACQUIRE);

		if (version & 1)
			continue;
		for (size_t w = 0; w < WORDS; w++)
			word[w] = __atomic_load_n((const uint64_t *)(const void *)row + w,
						  __ATOMIC_RELAXED);
		/* Pairs with the fence in store(). */
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (__atomic_load_n(&row->version, __ATOMIC_RELAXED) != version)
			continue;
		memcpy(copy, word, sizeof(*copy));
		return whole(copy);
	}
	return false;
}

static uint32_t top_of(const struct myc_directory_part *part, uint32_t rows)
{
	uint32_t top = __atomic_load_n(&part->top, __ATOMIC_ACQUIRE);

	return top < rows ? top : rows;
}

void myc_directory_each(const struct myc_system *system,
			bool (*each)(void *context, const struct myc_directory_row *row),
			void *context)
{
	const struct myc_directory_part *part;
	struct myc_directory_row copy;
	uint32_t incarnation, rows = 0;

	for (uint32_t p = 0; p < system->workspace.processes; p++) {
		if (!myc_directory_there(system, p, &incarnation))
			continue;
		for (uint32_t e = 0; (part = myc_directory_part(system, p, e, &rows)); e++)
			for (uint32_t r = 0, top = top_of(part, rows); r < top; r++)
				if (myc_directory_read(part, r, &copy) &&
				    myc_address_process(copy.address) == p && !each(context, &copy))
					return;
	}
}

uint32_t myc_named_collect(const struct myc_region *region, struct myc_named *named, uint32_t max)
{
	uint64_t size = 0;
	const struct myc_directory *head = myc_region_block(region, MYC_BLOCK_DIRECTORY, 0, &size);
	const struct myc_directory_part *part;
	uint32_t rows, count = 0;

	for (uint32_t e = 0; (part = part_in(head, size, e, &rows)); e++)
		for (uint32_t r = 0, top = top_of(part, rows); r < top && count < max; r++) {
			struct myc_directory_row row;

			if (!myc_directory_read(part, r, &row) ||
			    row.kind != MYC_DIRECTORY_NAME_OF || row.state == MYC_DIRECTORY_ENDED)
				continue;
			named[count].address = row.address;
			memcpy(named[count++].name, row.name, sizeof(row.name));
		}
	return count;
}

uint64_t myc_directory_stamp(const struct myc_system *system)
{
	const struct myc_directory_part *part;
	uint64_t stamp = 1;
	uint32_t incarnation, rows = 0;

	for (uint32_t p = 0; p < system->workspace.processes; p++) {
		bool there = myc_directory_there(system, p, &incarnation);

		stamp = (stamp ^ (there ? incarnation : 0)) * 0x9e3779b97f4a7c15ull;
		/* Acquire: the rows of this change. Pairs with changed(). */
		for (uint32_t e = 0; there && (part = myc_directory_part(system, p, e, &rows)); e++)
			stamp = (stamp ^ __atomic_load_n(&part->changes, __ATOMIC_ACQUIRE)) *
				0x9e3779b97f4a7c15ull;
	}
	return stamp;
}

/* ---- writing ----------------------------------------------------------------------------------- */

/* Whose part it lies in: that of the executor, or of one that its actor was on before. */
static struct myc_executor *home_of(struct myc_executor *executor,
				    const struct myc_directory_row *row)
{
	struct myc_executor *home = executor;

	for (uint32_t i = 0;
	     row < home->entries.row || row >= home->entries.row + home->entries.rows; i++)
		home = &executor->system->executor[i];
	return home;
}

/* Rings executors that watch. */
static void changed(struct myc_executor *executor, struct myc_entries *entries)
{
	struct myc_system *system = executor->system;
	const struct myc_directory_part *part, *own = executor->entries.part;
	uint32_t rows = 0;

	/* Release: the row. Pairs with myc_directory_stamp and myc_lives_look. */
	__atomic_store_n(&entries->part->changes, entries->part->changes + 1, __ATOMIC_RELEASE);
	/* Either we see that it watches, or its first look sees the change. Pairs with myc_lives_watch. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	for (uint32_t p = 0; p < system->workspace.processes; p++)
		for (uint32_t e = 0; (part = myc_directory_part(system, p, e, &rows)); e++) {
			struct myc_peer *peer =
				part != own && __atomic_load_n(&part->watchers, __ATOMIC_RELAXED)
					? myc_sender_peer(&executor->out, p, e)
					: NULL;

			if (peer && !(peer->dirty & MYC_PEER_MESSAGE))
				myc_sender_dirty(&executor->out, peer, MYC_PEER_MESSAGE);
		}
}

static void store(struct myc_directory_row *row, const struct myc_directory_row *as)
{
	uint32_t version = row->version | 1;
	uint64_t word[WORDS];

	memcpy(word, as, sizeof(word));
	__atomic_store_n(&row->version, version, __ATOMIC_RELAXED);
	/* Who sees a new field sees the version odd, or the next. Pairs with myc_directory_read. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	/* The first word has the version. */
	__atomic_store_n(&row->kind, as->kind, __ATOMIC_RELAXED);
	__atomic_store_n(&row->state, as->state, __ATOMIC_RELAXED);
	for (size_t w = 1; w < WORDS; w++)
		__atomic_store_n((uint64_t *)(void *)row + w, word[w], __ATOMIC_RELAXED);
	__atomic_store_n(&row->version, version + 1, __ATOMIC_RELEASE);
}

/* A free one, else the one that ended first. */
static struct myc_directory_row *find_free(struct myc_entries *entries)
{
	struct myc_directory_row *oldest = NULL;

	for (uint32_t i = 0; i < entries->part->top; i++) {
		struct myc_directory_row *row = &entries->row[i];

		if (row->kind == MYC_DIRECTORY_FREE)
			return row;
		/* `reserved` counts ends, for us. */
		if (row->state == MYC_DIRECTORY_ENDED &&
		    (!oldest || row->reserved < oldest->reserved))
			oldest = row;
	}
	return entries->part->top < entries->rows ? &entries->row[entries->part->top] : oldest;
}

struct myc_directory_row *myc_directory_add(struct myc_executor *executor,
					    const struct myc_directory_row *wanted)
{
	struct myc_entries *entries = &executor->entries;
	struct myc_directory_part *part = entries->part;
	struct myc_directory_row as = *wanted;

	pthread_mutex_lock(&entries->writing);
	struct myc_directory_row *row = entries->live < entries->rows ? find_free(entries) : NULL;

	if (row) {
		entries->live++;
		as.serial = ++part->serials;
		as.reserved = 0;
		store(row, &as);
		if (row == &entries->row[part->top])
			__atomic_store_n(&part->top, part->top + 1, __ATOMIC_RELEASE);
		changed(executor, entries);
	} else {
		__atomic_store_n(&part->refused, part->refused + 1, __ATOMIC_RELAXED);
	}
	pthread_mutex_unlock(&entries->writing);
	return row;
}

void myc_directory_put(struct myc_executor *executor, struct myc_directory_row *row,
		       const struct myc_directory_row *as)
{
	struct myc_entries *entries = &home_of(executor, row)->entries;
	struct myc_directory_row to = *as;

	pthread_mutex_lock(&entries->writing);
	if (to.state == MYC_DIRECTORY_ENDED && row->state != MYC_DIRECTORY_ENDED) {
		to.reserved = ++entries->ends;
		entries->live--;
	}
	store(row, &to);
	changed(executor, entries);
	pthread_mutex_unlock(&entries->writing);
}

void myc_directory_granted(struct myc_executor *executor, struct myc_directory_row *claim)
{
	struct myc_entries *entries = &executor->entries; /* it was made a moment ago */

	pthread_mutex_lock(&entries->writing);
	/* One word, outside the sequence lock: whoever reads meanwhile sees one or the other. */
	__atomic_store_n(&claim->state, MYC_DIRECTORY_RUNNING, __ATOMIC_RELEASE);
	changed(executor, entries);
	pthread_mutex_unlock(&entries->writing);
}

void myc_directory_drop(struct myc_executor *executor, struct myc_directory_row *row)
{
	static const struct myc_directory_row none;
	struct myc_entries *entries = &home_of(executor, row)->entries;

	pthread_mutex_lock(&entries->writing);
	entries->live--;
	store(row, &none);
	changed(executor, entries);
	pthread_mutex_unlock(&entries->writing);
}

/* From `row` on. An actor's own rows are written by its executor only; others may be being written. */
static struct myc_directory_row *next_in(const struct myc_entries *entries, myc_address address,
					 uint32_t kind, struct myc_directory_row *row)
{
	for (; row < entries->row + top_of(entries->part, entries->rows); row++)
		if (__atomic_load_n(&row->address, __ATOMIC_RELAXED) == address &&
		    __atomic_load_n(&row->kind, __ATOMIC_RELAXED) &&
		    __atomic_load_n(&row->state, __ATOMIC_RELAXED) != MYC_DIRECTORY_ENDED &&
		    (!kind || __atomic_load_n(&row->kind, __ATOMIC_RELAXED) == kind))
			return row;
	return NULL;
}

struct myc_directory_row *myc_directory_next(struct myc_executor *executor,
					     const struct myc_actor *actor, uint32_t kind,
					     struct myc_directory_row *row)
{
	struct myc_system *system = executor->system;
	uint32_t n = actor->entries_abroad ? system->executors : 1, at = 0;

	/* The executor's own part first, then, of one that has moved, the others'. */
	if (row) {
		uint32_t home = home_of(executor, row)->index;

		at = home == executor->index ? 0 : home < executor->index ? home + 1 : home;
	}
	for (; at < n; at++) {
		uint32_t of = at == 0 ? executor->index : at <= executor->index ? at - 1 : at;
		struct myc_entries *entries = &system->executor[of].entries;
		struct myc_directory_row *found =
			next_in(entries, actor->address, kind, row ? row + 1 : entries->row);

		if (found)
			return found;
		row = NULL;
	}
	return NULL;
}

bool myc_directory_fits(const char *name, size_t size, bool empty)
{
	size_t length = name ? strnlen(name, size) : size;

	return length < size && (length || empty);
}

/* ---- an actor's life --------------------------------------------------------------------------- */

void myc_directory_begins(struct myc_actor *actor)
{
	struct myc_directory_row row = {.kind = MYC_DIRECTORY_NAME_OF,
					.state = MYC_DIRECTORY_STARTING,
					.address = actor->address};

	if (!actor->more || !*actor->more->name ||
	    myc_directory_next(actor->executor, actor, MYC_DIRECTORY_NAME_OF, NULL))
		return;
	row.restarts = myc_restarts(actor);
	memcpy(row.name, actor->more->name, sizeof(row.name));
	if (myc_directory_add(actor->executor, &row))
		actor->has_entries = true;
}

void myc_directory_runs(struct myc_actor *actor)
{
	struct myc_directory_row *row =
		actor->has_entries
			? myc_directory_next(actor->executor, actor, MYC_DIRECTORY_NAME_OF, NULL)
			: NULL;

	if (!row || row->state == MYC_DIRECTORY_RUNNING)
		return;
	struct myc_directory_row as = *row;

	as.state = MYC_DIRECTORY_RUNNING;
	myc_directory_put(actor->executor, row, &as);
}

static void leave_groups(struct myc_actor *actor)
{
	struct myc_directory_row *row = NULL;

	while ((row = myc_directory_next(actor->executor, actor, MYC_DIRECTORY_MEMBER, row)))
		myc_directory_drop(actor->executor, row);
	myc_lives_forget(actor);
}

void myc_directory_restarts(struct myc_actor *actor, int32_t code)
{
	struct myc_directory_row *row;

	if (!actor->has_entries)
		return;
	leave_groups(actor);
	row = myc_directory_next(actor->executor, actor, MYC_DIRECTORY_NAME_OF, NULL);
	if (!row)
		return;
	struct myc_directory_row as = *row;

	as.restarts = myc_restarts(actor);
	as.reason = MYC_EXIT_FAILED;
	as.code = code;
	myc_directory_put(actor->executor, row, &as);
}

void myc_directory_ends(struct myc_actor *actor, uint32_t reason, int32_t code)
{
	struct myc_directory_row *row = NULL;

	if (!actor->has_entries)
		return;
	actor->has_entries = false;
	leave_groups(actor);
	while ((row = myc_directory_next(actor->executor, actor, 0, row))) {
		struct myc_directory_row as = *row;

		if (row->kind != MYC_DIRECTORY_NAME_OF) {
			myc_directory_drop(actor->executor, row);
			continue;
		}
		as.state = MYC_DIRECTORY_ENDED;
		as.reason = reason;
		as.code = code;
		myc_directory_put(actor->executor, row, &as);
	}
}
