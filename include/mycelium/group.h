/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process groups, as Erlang's pg: actors join groups by name, others find them, watch who comes and goes, and
 * send to all or one. A group is made by its first member and gone with its last; groups of different scopes
 * have nothing to do with each other. All processes of a system see the same.
 *
 *	myc_group_join(self, "md", "book.AAPL");               // the members
 *	myc_group_open(self, "md", "book.AAPL", &books);       // a sender
 *	myc_group_send_all(self, &books, TICK, &tick, sizeof(tick));
 *
 * Names: a scope is 0 to 31 bytes, a group 1 to 47.
 *
 * Joining several times is several memberships; leaving ends one. An actor's memberships end with it, before
 * its DOWN goes out: who has handled DOWN does not find it any more. A restart in place ends them as
 * well, as it ends links. kill -9 of its process ends them within 10 ms, for all.
 *
 * A membership lies in the region of its actor's process, written by its actor's executor alone: nobody
 * locks, and what a dead process said counts no more. The executor's rows are limited: `directory` in the
 * system's options. Joining, leaving, watching and opening are a part of the control plane. The members are
 * found by reading the rows of all executors; a sender's list is renewed only when something has changed.
 */
#ifndef MYCELIUM_GROUP_H
#define MYCELIUM_GROUP_H

#include <stddef.h>
#include <stdint.h>

#include <mycelium/address.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_actor;

/* Makes self a member. 0; -EINVAL: not a name; -ENOSPC: all rows are in use. For everyone to be seen when it returns. */
int myc_group_join(struct myc_actor *self, const char *scope, const char *group);
/* Ends one membership. -ENOENT: there is none. */
int myc_group_leave(struct myc_actor *self, const char *scope, const char *group);

enum myc_group_where {
	MYC_GROUP_ALL = 0,	/* in every process */
	MYC_GROUP_PROCESS = 1,	/* in self's */
	MYC_GROUP_EXECUTOR = 2, /* on self's executor */
};

/* Fills in up to `max` memberships, by process, executor and row; who joined twice comes twice. Returns how many
 * there are (may be more than max), or -EINVAL. */
int myc_group_members(struct myc_actor *self, const char *scope, const char *group,
		      enum myc_group_where where, myc_address *members, uint32_t max);
/* Names of the groups of a scope that match (mycelium/registry.h), each once. As above. */
int myc_group_names(struct myc_actor *self, const char *scope, const char *pattern,
		    char (*names)[48], uint32_t max);

/* ---- who comes and goes ------------------------------------------------------------------------ */

enum myc_group_event_kind { MYC_GROUP_JOINED = 1, MYC_GROUP_LEFT = 2 };
enum myc_group_event_flag { MYC_GROUP_PRESENT = 1 << 0 /* was there at its first look */ };

/* Given to behaviour->group, also while paused or suspended; valid until it returns. */
struct myc_group_event {
	uint32_t kind;	/* enum myc_group_event_kind */
	uint32_t flags; /* enum myc_group_event_flag */
	uint64_t cookie;
	myc_address member;
	uint32_t count;	    /* memberships that came or went */
	uint32_t remaining; /* of this member in this group, now */
	const char *scope, *group;
};

struct myc_group_watch {
	uint64_t id;
};

/* First who is there (MYC_GROUP_PRESENT), then changes, of the groups of a scope that match the pattern. What
 * each has is told in order; what came and went between two looks (some turns of the executor) is not told.
 * -EINVAL: no handler, not a pattern; -ENOMEM. */
int myc_group_watch(struct myc_actor *self, const char *scope, const char *pattern, uint64_t cookie,
		    struct myc_group_watch *watch);
/* No event of it after this. -ENOENT: not one of self's. */
int myc_group_unwatch(struct myc_actor *self, struct myc_group_watch watch);

/* ---- sending ----------------------------------------------------------------------------------- */

/* A group that self sends to. By value; until myc_group_close, self's restart or end. */
struct myc_group {
	uint64_t id; /* 0 = none */
};

/* Need not have members yet. -EINVAL: not a scope or name; -ENOMEM. Close: what is not open may be given, too. */
int myc_group_open(struct myc_actor *self, const char *scope, const char *group,
		   struct myc_group *out);
void myc_group_close(struct myc_actor *self, struct myc_group *group);
/* myc_send to every member, once each, but self. Returns to how many it went, 0 when there are none; -EINVAL:
 * not open. One that refused (-ENOBUFS: outbox or buffers) ends it: the error, others may have got it. */
int myc_group_send_all(struct myc_actor *self, const struct myc_group *group, uint16_t type,
		       const void *payload, size_t size);
/* myc_send to one member: to each in turn. -ESRCH: there is none. */
int myc_group_send_one(struct myc_actor *self, const struct myc_group *group, uint16_t type,
		       const void *payload, size_t size);
/* The same one for the same key, from every sender; a member that comes or goes moves only the keys that are
 * his. */
int myc_group_send_key(struct myc_actor *self, const struct myc_group *group, uint64_t key,
		       uint16_t type, const void *payload, size_t size);

#ifdef __cplusplus
}
#endif
#endif
