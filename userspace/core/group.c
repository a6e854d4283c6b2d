/* SPDX-License-Identifier: Apache-2.0 */
/* Groups: memberships, and lists of members to send to (mycelium/group.h). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/group.h>
#include <mycelium/registry.h>

#include "core/directory.h"

/* Whom an actor sends to when it sends to a group. */
struct myc_group_list {
	struct myc_group_list *next;
	struct myc_actor *actor;
	uint64_t id, stamp;
	uint32_t count, room, turn;
	struct myc_ref *member;
	char scope[MYC_SCOPE_SIZE], group[MYC_DIRECTORY_NAME];
};

/* ---- memberships ------------------------------------------------------------------------------- */

static bool fit(const char *scope, const char *group)
{
	return myc_directory_fits(scope, MYC_SCOPE_SIZE, true) &&
	       myc_directory_fits(group, MYC_DIRECTORY_NAME, false);
}

static struct myc_directory_row *membership(struct myc_actor *self, const char *scope,
					    const char *group)
{
	struct myc_directory_row *row = NULL;

	while ((row = myc_directory_next(self->executor, self, MYC_DIRECTORY_MEMBER, row)))
		if (!strcmp(row->scope, scope) && !strcmp(row->name, group))
			return row;
	return NULL;
}

int myc_group_join(struct myc_actor *self, const char *scope, const char *group)
{
	struct myc_directory_row as = {.kind = MYC_DIRECTORY_MEMBER,
				       .state = MYC_DIRECTORY_RUNNING,
				       .address = self->address,
				       .count = 1};

	if (!fit(scope, group))
		return -EINVAL;
	struct myc_directory_row *row = membership(self, scope, group);

	if (row) {
		as = *row;
		if (as.count == UINT32_MAX)
			return -ENOSPC;
		as.count++;
		myc_directory_put(self->executor, row, &as);
		return 0;
	}
	memcpy(as.scope, scope, strlen(scope) + 1);
	memcpy(as.name, group, strlen(group) + 1);
	if (!myc_directory_add(self->executor, &as))
		return -ENOSPC;
	self->has_entries = true;
	return 0;
}

int myc_group_leave(struct myc_actor *self, const char *scope, const char *group)
{
	struct myc_directory_row *row = fit(scope, group) ? membership(self, scope, group) : NULL;

	if (!row)
		return -ENOENT;
	if (row->count == 1) {
		myc_directory_drop(self->executor, row);
		return 0;
	}
	struct myc_directory_row as = *row;

	as.count--;
	myc_directory_put(self->executor, row, &as);
	return 0;
}

/* ---- listing ----------------------------------------------------------------------------------- */

struct listing {
	const struct myc_executor *executor;
	const char *scope, *group;
	enum myc_group_where where;
	myc_address *members;
	char (*names)[MYC_DIRECTORY_NAME];
	uint32_t max;
	int count;
};

static bool here(const struct listing *listing, myc_address member)
{
	const struct myc_system *system = listing->executor->system;

	if (listing->where == MYC_GROUP_ALL)
		return true;
	return myc_address_process(member) == system->workspace.process &&
	       (listing->where == MYC_GROUP_PROCESS ||
		(myc_address_slot(member) < system->slots &&
		 myc_actor_word_executor(__atomic_load_n(
			 &system->slot[myc_address_slot(member)].word, __ATOMIC_ACQUIRE)) ==
			 listing->executor->index));
}

static bool list_member(void *context, const struct myc_directory_row *row)
{
	struct listing *listing = context;

	if (row->kind != MYC_DIRECTORY_MEMBER || strcmp(row->scope, listing->scope) != 0 ||
	    strcmp(row->name, listing->group) != 0 || !here(listing, row->address))
		return true;
	for (uint32_t i = 0; i < row->count && listing->count < INT32_MAX; i++) {
		if ((uint32_t)listing->count >= listing->max) {
			/* Only counted, and not one by one: the number may be anything. */
			uint32_t rest = row->count - i, most = INT32_MAX - (uint32_t)listing->count;

			listing->count += (int)(rest < most ? rest : most);
			break;
		}
		listing->members[listing->count++] = row->address;
	}
	return true;
}

int myc_group_members(struct myc_actor *self, const char *scope, const char *group,
		      enum myc_group_where where, myc_address *members, uint32_t max)
{
	struct listing listing = {.executor = self->executor,
				  .scope = scope,
				  .group = group,
				  .where = where,
				  .members = members,
				  .max = max};

	if (!fit(scope, group))
		return -EINVAL;
	myc_directory_each(self->executor->system, list_member, &listing);
	return listing.count;
}

/* Has an earlier row this group already? Asked of all rows anew: nothing to run out of. */
struct earlier {
	const struct myc_directory_row *row;
	bool found;
};

static bool find_earlier(void *context, const struct myc_directory_row *row)
{
	struct earlier *earlier = context;

	if (row->address == earlier->row->address && row->serial == earlier->row->serial)
		return false;
	earlier->found = row->kind == MYC_DIRECTORY_MEMBER &&
			 !strcmp(row->scope, earlier->row->scope) &&
			 !strcmp(row->name, earlier->row->name);
	return !earlier->found;
}

static bool list_name(void *context, const struct myc_directory_row *row)
{
	struct listing *listing = context;
	struct earlier earlier = {.row = row};

	if (row->kind != MYC_DIRECTORY_MEMBER || strcmp(row->scope, listing->scope) != 0 ||
	    !myc_name_matches(listing->group, row->name))
		return true;
	myc_directory_each(listing->executor->system, find_earlier, &earlier);
	if (earlier.found)
		return true;
	if ((uint32_t)listing->count < listing->max)
		memcpy(listing->names[listing->count], row->name, MYC_DIRECTORY_NAME);
	listing->count++;
	return true;
}

int myc_group_names(struct myc_actor *self, const char *scope, const char *pattern,
		    char (*names)[48], uint32_t max)
{
	struct listing listing = {.executor = self->executor,
				  .scope = scope,
				  .group = pattern,
				  .names = names,
				  .max = max};

	if (!myc_directory_fits(scope, MYC_SCOPE_SIZE, true) || !myc_pattern_fits(pattern))
		return -EINVAL;
	myc_directory_each(self->executor->system, list_name, &listing);
	return listing.count;
}

/* ---- lists to send to -------------------------------------------------------------------------- */

int myc_group_open(struct myc_actor *self, const char *scope, const char *group,
		   struct myc_group *out)
{
	struct myc_lives *lives = myc_lives_of(self->executor);
	struct myc_group_list *list;

	out->id = 0;
	if (!fit(scope, group))
		return -EINVAL;
	list = lives ? calloc(1, sizeof(*list)) : NULL;
	if (!list)
		return -ENOMEM;
	memcpy(list->scope, scope, strlen(scope) + 1);
	memcpy(list->group, group, strlen(group) + 1);
	list->actor = self;
	list->id = ++lives->ids;
	list->next = lives->groups;
	lives->groups = list;
	self->has_entries = true;
	out->id = list->id;
	return 0;
}

static void free_list(struct myc_group_list **link)
{
	struct myc_group_list *list = *link;

	*link = list->next;
	free(list->member);
	free(list);
}

void myc_group_lists_forget(struct myc_executor *executor, const struct myc_actor *actor)
{
	struct myc_group_list **link = &executor->lives->groups;

	while (*link)
		if (!actor || (*link)->actor == actor)
			free_list(link);
		else
			link = &(*link)->next;
}

void myc_group_lists_lift(struct myc_actor *actor, struct myc_group_list **lists)
{
	struct myc_lives *lives = actor->executor->lives;
	struct myc_group_list **link = lives ? &lives->groups : NULL;

	*lists = NULL;
	while (link && *link) {
		struct myc_group_list *list = *link;

		if (list->actor != actor) {
			link = &list->next;
			continue;
		}
		*link = list->next;
		list->next = *lists;
		*lists = list;
	}
}

void myc_group_lists_land(struct myc_executor *executor, struct myc_group_list **lists)
{
	struct myc_lives *lives = executor->lives;

	while (*lists) {
		struct myc_group_list *list = *lists;

		*lists = list->next;
		list->stamp = 0; /* its refs are the other executor's */
		list->next = lives->groups;
		lives->groups = list;
		/* No list of this actor gets a number that it has. */
		if (lives->ids < list->id)
			lives->ids = list->id;
	}
}

void myc_group_lists_free(struct myc_group_list **lists)
{
	while (*lists)
		free_list(lists);
}

void myc_group_close(struct myc_actor *self, struct myc_group *group)
{
	struct myc_lives *lives = self->executor->lives;

	for (struct myc_group_list **link = lives ? &lives->groups : NULL; link && *link;
	     link = &(*link)->next)
		if ((*link)->actor == self && (*link)->id == group->id) {
			free_list(link);
			break;
		}
	group->id = 0;
}

static bool take(void *context, const struct myc_directory_row *row)
{
	struct myc_group_list *list = context;

	if (row->kind != MYC_DIRECTORY_MEMBER || strcmp(row->scope, list->scope) != 0 ||
	    strcmp(row->name, list->group) != 0)
		return true;
	if (list->count == list->room) {
		uint32_t room = list->room ? 2 * list->room : 8;
		struct myc_ref *member = realloc(list->member, room * sizeof(*member));

		if (!member) {
			list->stamp = 0;
			return false;
		}
		list->member = member;
		list->room = room;
	}
	/* Resolved when it is sent to first. */
	list->member[list->count++] = (struct myc_ref){.address = row->address};
	return true;
}

/* Its members as they are now. NULL: not open. */
static struct myc_group_list *renewed(struct myc_actor *self, const struct myc_group *group)
{
	struct myc_lives *lives = self->executor->lives;
	struct myc_group_list *list = lives ? lives->groups : NULL;

	while (list && (list->actor != self || list->id != group->id))
		list = list->next;
	if (!list)
		return NULL;
	/* Before the rows: a later change gives another one. */
	uint64_t stamp = myc_directory_stamp(self->executor->system);

	if (list->stamp == stamp)
		return list;
	list->stamp = stamp;
	list->count = 0;
	myc_directory_each(self->executor->system, take, list);
	return list;
}

static int send_to(struct myc_actor *self, struct myc_ref *member, uint16_t type,
		   const void *payload, size_t size)
{
	int code = member->flow ? 0 : myc_resolve(self, member->address, member);

	return code ? code : myc_send(self, member, type, payload, size);
}

int myc_group_send_all(struct myc_actor *self, const struct myc_group *group, uint16_t type,
		       const void *payload, size_t size)
{
	struct myc_group_list *list = renewed(self, group);
	int sent = 0;

	if (!list)
		return -EINVAL;
	for (uint32_t i = 0; i < list->count; i++) {
		if (list->member[i].address == self->address)
			continue;
		int code = send_to(self, &list->member[i], type, payload, size);

		if (code && code != -ESRCH)
			return code;
		sent += !code;
	}
	return sent;
}

int myc_group_send_one(struct myc_actor *self, const struct myc_group *group, uint16_t type,
		       const void *payload, size_t size)
{
	struct myc_group_list *list = renewed(self, group);

	if (!list)
		return -EINVAL;
	for (uint32_t i = 0; i < list->count; i++) {
		struct myc_ref *member = &list->member[list->turn++ % list->count];
		int code = send_to(self, member, type, payload, size);

		if (code != -ESRCH)
			return code;
	}
	return -ESRCH;
}

static uint64_t mixed(uint64_t x)
{
	x = (x ^ x >> 32) * 0x9e3779b97f4a7c15ull;
	x = (x ^ x >> 29) * 0xbf58476d1ce4e5b9ull;
	return x ^ x >> 32;
}

/* The member that weighs most for this key (rendezvous hashing), of those that weigh less than `below`. */
static struct myc_ref *heaviest(const struct myc_group_list *list, uint64_t key, uint64_t *below)
{
	struct myc_ref *best = NULL;
	uint64_t most = 0;

	for (uint32_t i = 0; i < list->count; i++) {
		uint64_t weight = mixed(mixed(key) + list->member[i].address) >> 1;

		if (weight < *below && (!best || weight > most)) {
			best = &list->member[i];
			most = weight;
		}
	}
	*below = most;
	return best;
}

int myc_group_send_key(struct myc_actor *self, const struct myc_group *group, uint64_t key,
		       uint16_t type, const void *payload, size_t size)
{
	struct myc_group_list *list = renewed(self, group);
	uint64_t below = UINT64_MAX;
	struct myc_ref *member;

	if (!list)
		return -EINVAL;
	while ((member = heaviest(list, key, &below))) {
		int code = send_to(self, member, type, payload, size);

		if (code != -ESRCH)
			return code;
	}
	return -ESRCH;
}
