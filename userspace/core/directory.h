/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and groups (mycelium/registry.h, mycelium/group.h) over the table of mycelium/abi/directory.h.
 *
 *   rows      own ones are written, everybody's are read                   (directory.c)
 *   register  names: listed, claimed                                       (register.c)
 *   group     memberships, and lists of members to send to                 (group.c)
 *   lives     what changed since the last look, told to who watches        (life.c)
 *
 * An executor that neither watches nor sends to groups has no struct myc_lives, and tests one pointer a scan.
 * Killed: its rows count no more as soon as its process is known to be dead; its successor clears them.
 */
#ifndef MYC_CORE_DIRECTORY_H
#define MYC_CORE_DIRECTORY_H

#include <mycelium/abi/directory.h>

#include "core/executor.h"

_Static_assert(MYC_DIRECTORY_NAME == MYC_NAME_SIZE, "an actor's name fits");

/* ---- rows -------------------------------------------------------------------------------------- */

int myc_directory_plan(struct myc_region_plan *plan, const struct myc_system_opts *opts);
/* Clears what a predecessor left. -EPROTO: the region has no such block; -ENOMEM. */
int myc_directory_open(struct myc_system *system);
void myc_directory_close(struct myc_system *system);

/* A part of a process' directory, as its head says, within the size that the block has. NULL: none. */
const struct myc_directory_part *myc_directory_part(const struct myc_system *system,
						    uint32_t process, uint32_t executor,
						    uint32_t *rows);
/* Do the rows of this process count, and of which incarnation are they? */
bool myc_directory_there(const struct myc_system *system, uint32_t process, uint32_t *incarnation);
/* A whole, checked copy. False: free, being written, or what cannot be. */
bool myc_directory_read(const struct myc_directory_part *part, uint32_t row,
			struct myc_directory_row *copy);
/* All rows that count; until `each` says false. */
void myc_directory_each(const struct myc_system *system,
			bool (*each)(void *context, const struct myc_directory_row *row),
			void *context);
/* Another value when something has changed. */
uint64_t myc_directory_stamp(const struct myc_system *system);

/* Own rows, on the executor's thread. `row`: as it is to be, but for version and serial. NULL: none is free,
 * counted. Put and drop tell the watchers. */
struct myc_directory_row *myc_directory_add(struct myc_executor *executor,
					    const struct myc_directory_row *row);
void myc_directory_put(struct myc_executor *executor, struct myc_directory_row *row,
		       const struct myc_directory_row *as);
/* A claim becomes a name: at no moment is it not there. */
void myc_directory_granted(struct myc_executor *executor, struct myc_directory_row *claim);
void myc_directory_drop(struct myc_executor *executor, struct myc_directory_row *row);
/* The next own row of an actor, of this kind (0 = any); after NULL the first. */
struct myc_directory_row *myc_directory_next(struct myc_executor *executor,
					     const struct myc_actor *actor, uint32_t kind,
					     struct myc_directory_row *row);
/* Does a name fit into so many bytes? */
bool myc_directory_fits(const char *name, size_t size, bool empty);

/* ---- an actor's life --------------------------------------------------------------------------- */

/* Begins: it is listed under its name. */
void myc_directory_begins(struct myc_actor *actor);
void myc_directory_runs(struct myc_actor *actor);
/* In place: its memberships, watches and lists are over. */
void myc_directory_restarts(struct myc_actor *actor, int32_t code);
void myc_directory_ends(struct myc_actor *actor, uint32_t reason, int32_t code);

/* ---- who watches ------------------------------------------------------------------------------- */

struct myc_life_subscription;
struct myc_life_table;
struct myc_group_list;

/* Private to an executor, and its thread. */
struct myc_lives {
	struct myc_life_subscription *subscriptions;
	struct myc_life_table *tables; /* NULL: nobody has watched yet */
	uint32_t tables_count;
	struct myc_group_list *groups;
	uint64_t ids;
	bool telling, swept; /* swept: some are over, to be freed */
};

struct myc_lives *myc_lives_of(struct myc_executor *executor); /* NULL: no memory */
/* Now and then: tells what changed. Returns how many events that were. */
unsigned myc_lives_look(struct myc_executor *executor);
/* Has something changed, for who wants to sleep? */
bool myc_lives_ready(struct myc_executor *executor);
/* Are processes watched that may die unseen? */
bool myc_lives_abroad(const struct myc_executor *executor);
void myc_lives_forget(struct myc_actor *actor);
void myc_lives_close(struct myc_executor *executor);
void myc_group_lists_forget(struct myc_executor *executor,
			    const struct myc_actor *actor); /* NULL: all */
/* An actor that moves takes its lists along: to where myc_lives_of has memory. */
void myc_group_lists_lift(struct myc_actor *actor, struct myc_group_list **lists);
void myc_group_lists_land(struct myc_executor *executor, struct myc_group_list **lists);
void myc_group_lists_free(struct myc_group_list **lists);
/* Does it watch names or groups? */
bool myc_lives_watched_by(const struct myc_actor *actor);

/* Watches of names (MYC_DIRECTORY_NAME_OF, ALIAS) or groups (MEMBER). scope NULL = all. */
int myc_lives_watch(struct myc_actor *self, bool groups, const char *scope, const char *pattern,
		    uint64_t cookie, uint64_t *id);
int myc_lives_unwatch(struct myc_actor *self, bool groups, uint64_t id);

/* A pattern of at most MYC_DIRECTORY_NAME - 1 bytes? */
bool myc_pattern_fits(const char *pattern);

#endif
