/* SPDX-License-Identifier: Apache-2.0 */
/* Probes (unit/probes.h) that note what they are told of groups and names. */
#ifndef TESTS_UNIT_DIRECTORY_BED_H
#define TESTS_UNIT_DIRECTORY_BED_H

#include "unit/probes.h"

#include <mycelium/abi/directory.h>

#include "memory/region.h"

#define TOLD_MAX 4096

/* An event of either kind. */
struct told {
	bool life;
	uint32_t kind, flags, count, remaining, restarts;
	uint64_t cookie;
	myc_address who;
	struct myc_exit_reason reason;
	char scope[32], name[48];
};

static struct list {
	struct told told[TOLD_MAX];
	_Atomic uint32_t count;
	_Atomic int members_at_down; /* as found by the DOWN handler */
} list[PROBES];

static inline struct told *next_told(struct probe *me, const char *scope, const char *name)
{
	struct list *mine = &list[me->index];

	assert_true(mine->count < TOLD_MAX);
	struct told *told = &mine->told[mine->count];

	memset(told, 0, sizeof(*told));
	snprintf(told->scope, sizeof(told->scope), "%s", scope);
	snprintf(told->name, sizeof(told->name), "%s", name);
	return told;
}

static inline int note_group(struct myc_actor *self, const struct myc_group_event *event)
{
	struct probe *me = me_of(self);
	struct told *told = next_told(me, event->scope, event->group);

	told->kind = event->kind;
	told->flags = event->flags;
	told->count = event->count;
	told->remaining = event->remaining;
	told->cookie = event->cookie;
	told->who = event->member;
	list[me->index].count++;
	return 0;
}

static inline int note_life(struct myc_actor *self, const struct myc_life_event *event)
{
	struct probe *me = me_of(self);
	struct told *told = next_told(me, event->scope, event->name);

	told->life = true;
	told->kind = event->kind;
	told->flags = event->flags;
	told->restarts = event->restarts;
	told->reason = event->reason;
	told->cookie = event->cookie;
	told->who = event->address;
	list[me->index].count++;
	return 0;
}

static inline int members_at_down(struct myc_actor *self, const struct myc_signal_event *event)
{
	if (event->kind == MYC_EVENT_DOWN)
		list[me_of(self)->index].members_at_down =
			myc_group_members(self, "s", "g", MYC_GROUP_ALL, NULL, 0);
	return probe_signal(self, event);
}

static const struct myc_behaviour watcher = {.name = "watcher",
					     .capacity_per_sender = 16,
					     .init = probe_init,
					     .message = probe_message,
					     .signal = members_at_down,
					     .group = note_group,
					     .life = note_life,
					     .stopped = probe_stopped};

static inline void begin_bed(void **state)
{
	memset(list, 0, sizeof(list));
	begin(state);
}

static inline struct probe *spawn_watcher(int where)
{
	return spawn_as(where, &watcher, NULL, 3);
}

/* The event number `at` of a watcher, when it has come. */
static inline const struct told *told(const struct probe *who, uint32_t at)
{
	wait_until(list[who->index].count > at);
	return &list[who->index].told[at];
}

/* ---- jobs -------------------------------------------------------------------------------------- */

#define as_text(word) ((const char *)(uintptr_t)(word))
#define as_word(text) ((uint64_t)(uintptr_t)(text))

#endif
