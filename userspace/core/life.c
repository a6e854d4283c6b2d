/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who watches names and groups (mycelium/registry.h, mycelium/group.h). The executor keeps a copy of the rows
 * as it has told them; a look compares, tells what is different, and copies. So nothing piles up that could
 * be too much, and nobody who is slow misses how things stand.
 *
 * A row that bears another serial is another one: the old one's end is told first.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/group.h>
#include <mycelium/registry.h>

#include "core/directory.h"

/* The rows of an executor of any process, as told. */
struct myc_life_table {
	uint32_t process, executor;
	uint32_t incarnation; /* whose rows these are; 0 = nobody's */
	uint32_t changes;     /* as of the last look */
	uint32_t rows;
	bool again; /* a row could not be read */
	struct myc_directory_row *row;
};

struct myc_life_subscription {
	struct myc_life_subscription *next;
	struct myc_actor *actor; /* NULL: over, freed after the telling */
	uint64_t id, cookie;
	bool groups, all_scopes;
	bool fresh; /* has not been told what is there */
	char scope[MYC_SCOPE_SIZE], pattern[MYC_DIRECTORY_NAME];
};

/* ---- telling ----------------------------------------------------------------------------------- */

static bool matches(const struct myc_life_subscription *subscription,
		    const struct myc_directory_row *row)
{
	return subscription->actor && subscription->groups == (row->kind == MYC_DIRECTORY_MEMBER) &&
	       (subscription->all_scopes || !strcmp(subscription->scope, row->scope)) &&
	       myc_name_matches(subscription->pattern, row->name);
}

static void after(struct myc_actor *actor, int code)
{
	if (code < 0 || actor->stop_asked)
		myc_actor_after(actor, code);
}

static unsigned tell_group(const struct myc_life_subscription *subscription,
			   const struct myc_directory_row *row, uint32_t before, uint32_t now,
			   bool present)
{
	struct myc_actor *actor = subscription->actor;
	const struct myc_group_event event = {
		.kind = now > before ? MYC_GROUP_JOINED : MYC_GROUP_LEFT,
		.flags = present ? MYC_GROUP_PRESENT : 0,
		.cookie = subscription->cookie,
		.member = row->address,
		.count = now > before ? now - before : before - now,
		.remaining = now,
		.scope = row->scope,
		.group = row->name,
	};

	if (!myc_actor_runs(actor) || !myc_actor_hook(actor, group))
		return 0;
	after(actor, myc_actor_hook(actor, group)(actor, &event));
	return 1;
}

static unsigned tell_life(const struct myc_life_subscription *subscription,
			  const struct myc_directory_row *row, enum myc_life_kind kind,
			  bool present)
{
	struct myc_actor *actor = subscription->actor;
	const struct myc_life_event event = {
		.kind = kind,
		.flags = present ? MYC_LIFE_PRESENT : 0,
		.cookie = subscription->cookie,
		.address = row->address,
		.restarts = row->restarts,
		.reason = {.kind = row->reason, .code = row->code},
		.scope = row->scope,
		.name = row->name,
	};

	if (!actor || !myc_actor_runs(actor) || !myc_actor_hook(actor, life))
		return 0;
	after(actor, myc_actor_hook(actor, life)(actor, &event));
	return 1;
}

/* A name, or a claim on one that is nobody's yet. */
static bool registered(const struct myc_directory_row *row)
{
	return row->state == MYC_DIRECTORY_STARTING || row->state == MYC_DIRECTORY_RUNNING;
}

/* From what was told of a name to what is; `was` is empty for what is new. */
static unsigned tell_name(const struct myc_life_subscription *subscription,
			  const struct myc_directory_row *was, const struct myc_directory_row *is,
			  bool present)
{
	bool own = is->kind == MYC_DIRECTORY_NAME_OF, known = registered(was);
	unsigned n = 0;

	if (!known && registered(is))
		n += tell_life(subscription, is, MYC_LIFE_REGISTERED, present);
	if (own && is->state == MYC_DIRECTORY_RUNNING && was->state != MYC_DIRECTORY_RUNNING)
		n += tell_life(subscription, is, MYC_LIFE_STARTED, present);
	else if (own && known && registered(is) && is->restarts != was->restarts)
		n += tell_life(subscription, is, MYC_LIFE_RESTARTED, present);
	if (known && !registered(is)) {
		if (own)
			n += tell_life(subscription, is, MYC_LIFE_STOPPED, present);
		n += tell_life(subscription, is, MYC_LIFE_UNREGISTERED, present);
	}
	return n;
}

static unsigned tell_one(const struct myc_life_subscription *subscription,
			 const struct myc_directory_row *was, const struct myc_directory_row *is,
			 bool present)
{
	if (is->kind == MYC_DIRECTORY_MEMBER)
		return was->count == is->count
			       ? 0
			       : tell_group(subscription, is, was->count, is->count, present);
	return tell_name(subscription, was, is, present);
}

/* One row, to all who know how things stood. */
static unsigned tell(struct myc_lives *lives, const struct myc_directory_row *was,
		     const struct myc_directory_row *is)
{
	unsigned n = 0;

	for (struct myc_life_subscription *at = lives->subscriptions; at; at = at->next)
		if (!at->fresh && matches(at, is))
			n += tell_one(at, was, is, false);
	return n;
}

/* ---- looking ----------------------------------------------------------------------------------- */

static unsigned row_ended(struct myc_lives *lives, struct myc_directory_row *seen)
{
	const struct myc_directory_row was = *seen;
	struct myc_directory_row is = was;

	memset(seen, 0, sizeof(*seen));
	if (!was.kind)
		return 0;
	is.count = 0;
	is.state = MYC_DIRECTORY_ENDED;
	is.reason = MYC_EXIT_NOCONNECTION;
	is.code = 0;
	return tell(lives, &was, &is);
}

static unsigned row_look(struct myc_lives *lives, struct myc_directory_row *seen,
			 const struct myc_directory_row *now)
{
	static const struct myc_directory_row none;
	const struct myc_directory_row was = *seen;

	if (was.kind && now->serial == was.serial && now->kind == was.kind) {
		*seen = *now;
		return tell(lives, &was, now);
	}
	unsigned n = row_ended(lives, seen);

	*seen = *now;
	return n + tell(lives, &none, now);
}

static unsigned table_ended(struct myc_lives *lives, struct myc_life_table *table)
{
	unsigned n = 0;

	table->incarnation = 0;
	for (uint32_t r = 0; r < table->rows; r++)
		n += row_ended(lives, &table->row[r]);
	return n;
}

/* Room for its rows, as its process says. */
static bool table_open(struct myc_life_table *table, uint32_t rows)
{
	if (table->rows >= rows)
		return true;
	struct myc_directory_row *row = realloc(table->row, rows * sizeof(*row));

	if (!row)
		return false;
	memset(row + table->rows, 0, (rows - table->rows) * sizeof(*row));
	table->row = row;
	table->rows = rows;
	return true;
}

static bool row_there(const struct myc_life_table *table, const struct myc_directory_part *part,
		      uint32_t r, uint32_t top, struct myc_directory_row *copy)
{
	return r < top && myc_directory_read(part, r, copy) &&
	       myc_address_process(copy->address) == table->process;
}

static unsigned table_rows(struct myc_lives *lives, struct myc_life_table *table,
			   const struct myc_directory_part *part, uint32_t rows)
{
	struct myc_directory_row copy;
	unsigned n = 0;
	/* Acquire: the rows of this change. Pairs with changed() of directory.c. */
	uint32_t changes = __atomic_load_n(&part->changes, __ATOMIC_ACQUIRE);
	uint32_t top = __atomic_load_n(&part->top, __ATOMIC_ACQUIRE);

	if (table->changes == changes && !table->again)
		return 0;
	table->changes = changes;
	table->again = false;
	for (uint32_t r = 0; r < rows && r < table->rows; r++) {
		const struct myc_directory_row *shared =
			(const struct myc_directory_row *)(part + 1) + r;

		if (row_there(table, part, r, top, &copy))
			n += row_look(lives, &table->row[r], &copy);
		else if (r < top && __atomic_load_n(&shared->version, __ATOMIC_RELAXED) & 1)
			table->again = true; /* in the middle of a change */
		else
			n += row_ended(lives, &table->row[r]);
	}
	return n;
}

static const struct myc_directory_part *part_of(const struct myc_system *system,
						const struct myc_life_table *table,
						uint32_t *incarnation, uint32_t *rows)
{
	return myc_directory_there(system, table->process, incarnation)
		       ? myc_directory_part(system, table->process, table->executor, rows)
		       : NULL;
}

static unsigned table_look(const struct myc_system *system, struct myc_lives *lives,
			   struct myc_life_table *table)
{
	uint32_t incarnation, rows;
	const struct myc_directory_part *part = part_of(system, table, &incarnation, &rows);
	unsigned n = 0;

	if (table->incarnation && (!part || table->incarnation != incarnation))
		n += table_ended(lives, table);
	if (!part || !table_open(table, rows))
		return n;
	if (table->incarnation != incarnation) {
		table->incarnation = incarnation;
		table->again = true;
	}
	return n + table_rows(lives, table, part, rows);
}

/* What is there, to who has just come. */
static unsigned tell_present(struct myc_lives *lives)
{
	static const struct myc_directory_row none;
	unsigned n = 0;

	for (struct myc_life_subscription *at = lives->subscriptions; at; at = at->next) {
		if (!at->fresh)
			continue;
		at->fresh = false;
		for (uint32_t t = 0; t < lives->tables_count; t++)
			for (uint32_t r = 0; r < lives->tables[t].rows; r++) {
				const struct myc_directory_row *row = &lives->tables[t].row[r];

				if (row->kind && matches(at, row))
					n += tell_one(at, &none, row, true);
			}
	}
	return n;
}

static void publish_watching(struct myc_executor *executor)
{
	bool any = executor->lives->subscriptions;

	__atomic_store_n(&executor->entries.part->watchers, any, __ATOMIC_RELAXED);
	/* Pairs with changed() of directory.c. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static void sweep(struct myc_executor *executor)
{
	struct myc_lives *lives = executor->lives;

	lives->swept = false;
	for (struct myc_life_subscription **link = &lives->subscriptions; *link;) {
		struct myc_life_subscription *at = *link;

		if (at->actor) {
			link = &at->next;
			continue;
		}
		*link = at->next;
		free(at);
	}
	publish_watching(executor);
}

unsigned myc_lives_look(struct myc_executor *executor)
{
	struct myc_lives *lives = executor->lives;
	unsigned n = 0;

	if (!lives->subscriptions)
		return 0;
	lives->telling = true;
	for (uint32_t t = 0; t < lives->tables_count; t++)
		n += table_look(executor->system, lives, &lives->tables[t]);
	n += tell_present(lives);
	lives->telling = false;
	if (lives->swept)
		sweep(executor);
	return n;
}

bool myc_lives_ready(struct myc_executor *executor)
{
	const struct myc_lives *lives = executor->lives;
	const struct myc_directory_part *part;
	uint32_t incarnation, rows;

	for (const struct myc_life_subscription *at = lives->subscriptions; at; at = at->next)
		if (at->fresh)
			return true;
	for (uint32_t t = 0; lives->subscriptions && t < lives->tables_count; t++) {
		const struct myc_life_table *table = &lives->tables[t];

		part = part_of(executor->system, table, &incarnation, &rows);
		if ((part ? incarnation : 0) != table->incarnation || table->again ||
		    (part && __atomic_load_n(&part->changes, __ATOMIC_ACQUIRE) != table->changes))
			return true;
	}
	return false;
}

bool myc_lives_abroad(const struct myc_executor *executor)
{
	return executor->lives->subscriptions && executor->system->workspace.processes > 1;
}

/* ---- beginning and end ------------------------------------------------------------------------- */

struct myc_lives *myc_lives_of(struct myc_executor *executor)
{
	if (!executor->lives)
		executor->lives = calloc(1, sizeof(*executor->lives));
	return executor->lives;
}

static int open_tables(struct myc_executor *executor)
{
	const struct myc_system *system = executor->system;
	struct myc_lives *lives = executor->lives;

	if (lives->tables)
		return 0;
	lives->tables = calloc((size_t)system->workspace.processes * MYC_EXECUTORS_MAX,
			       sizeof(*lives->tables));
	if (!lives->tables)
		return -ENOMEM;
	for (uint32_t p = 0; p < system->workspace.processes; p++)
		for (uint32_t e = 0; e < MYC_EXECUTORS_MAX; e++) {
			/* As many as its block can have: it may not be laid out yet. */
			if (system->directory[p].size < myc_directory_size(e + 1, 1))
				break;
			lives->tables[lives->tables_count++] =
				(struct myc_life_table){.process = p, .executor = e};
		}
	return 0;
}

int myc_lives_watch(struct myc_actor *self, bool groups, const char *scope, const char *pattern,
		    uint64_t cookie, uint64_t *id)
{
	struct myc_executor *executor = self->executor;
	struct myc_lives *lives = myc_lives_of(executor);

	*id = 0;
	if (!myc_pattern_fits(pattern) ||
	    (scope && !myc_directory_fits(scope, MYC_SCOPE_SIZE, true)) ||
	    !(groups ? (void *)myc_actor_hook(self, group) : (void *)myc_actor_hook(self, life)))
		return -EINVAL;
	struct myc_life_subscription *made =
		lives && !open_tables(executor) ? calloc(1, sizeof(*made)) : NULL;

	if (!made)
		return -ENOMEM;
	made->actor = self;
	made->id = ++lives->ids;
	made->cookie = cookie;
	made->groups = groups;
	made->all_scopes = !scope;
	made->fresh = true;
	memcpy(made->scope, scope ? scope : "", scope ? strlen(scope) + 1 : 1);
	memcpy(made->pattern, pattern, strlen(pattern) + 1);
	struct myc_life_subscription **link = &lives->subscriptions;

	while (*link)
		link = &(*link)->next;
	*link = made;
	self->has_entries = true;
	publish_watching(executor);
	*id = made->id;
	return 0;
}

int myc_lives_unwatch(struct myc_actor *self, bool groups, uint64_t id)
{
	struct myc_lives *lives = self->executor->lives;

	for (struct myc_life_subscription *at = lives ? lives->subscriptions : NULL; at;
	     at = at->next)
		if (at->actor == self && at->id == id && at->groups == groups) {
			at->actor = NULL;
			lives->swept = true;
			if (!lives->telling)
				sweep(self->executor);
			return 0;
		}
	return -ENOENT;
}

bool myc_lives_watched_by(const struct myc_actor *actor)
{
	const struct myc_lives *lives = actor->executor->lives;

	for (const struct myc_life_subscription *at = lives ? lives->subscriptions : NULL; at;
	     at = at->next)
		if (at->actor == actor)
			return true;
	return false;
}

void myc_lives_forget(struct myc_actor *actor)
{
	struct myc_lives *lives = actor->executor->lives;

	if (!lives)
		return;
	for (struct myc_life_subscription *at = lives->subscriptions; at; at = at->next)
		if (at->actor == actor) {
			at->actor = NULL;
			lives->swept = true;
		}
	if (lives->swept && !lives->telling)
		sweep(actor->executor);
	myc_group_lists_forget(actor->executor, actor);
}

void myc_lives_close(struct myc_executor *executor)
{
	struct myc_lives *lives = executor->lives;

	if (!lives)
		return;
	while (lives->subscriptions) {
		struct myc_life_subscription *next = lives->subscriptions->next;

		free(lives->subscriptions);
		lives->subscriptions = next;
	}
	myc_group_lists_forget(executor, NULL);
	for (uint32_t t = 0; t < lives->tables_count; t++)
		free(lives->tables[t].row);
	free(lives->tables);
	free(lives);
	executor->lives = NULL;
}

int myc_group_watch(struct myc_actor *self, const char *scope, const char *pattern, uint64_t cookie,
		    struct myc_group_watch *watch)
{
	return scope ? myc_lives_watch(self, true, scope, pattern, cookie, &watch->id) : -EINVAL;
}

int myc_group_unwatch(struct myc_actor *self, struct myc_group_watch watch)
{
	return myc_lives_unwatch(self, true, watch.id);
}

int myc_life_watch(struct myc_actor *self, const char *scope, const char *pattern, uint64_t cookie,
		   struct myc_life_watch *watch)
{
	return myc_lives_watch(self, false, scope, pattern, cookie, &watch->id);
}

int myc_life_unwatch(struct myc_actor *self, struct myc_life_watch watch)
{
	return myc_lives_unwatch(self, false, watch.id);
}
