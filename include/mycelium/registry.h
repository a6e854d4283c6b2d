/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names: listed and matched by pattern, registered within scopes, and their actors' lives told to who watches.
 *
 * An actor that was spawned with a name is listed under it, in the scope "". It may register more names, each
 * unique in its scope over all processes. Names are paths by dots: `book.nyse.AAPL`. A pattern:
 *
 *	?    one character, not a dot            book.AAP?
 *	*    any number of them, not a dot       book.*.AAPL
 *	**   anything, dots too                  book.**
 *
 * Names end with their actor, before its DOWN goes out; kill -9 of its process ends them within 10 ms. A
 * restart in place keeps them. Where they lie, and how many there can be: mycelium/group.h.
 */
#ifndef MYCELIUM_REGISTRY_H
#define MYCELIUM_REGISTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/address.h>
#include <mycelium/link.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_actor;
struct myc_system;

/* By the rules above. False also for a pattern of more than 63 bytes. From any thread. */
bool myc_name_matches(const char *pattern, const char *name);

/* Gives self a name. A scope is 1 to 31 bytes ("" is that of the names actors were spawned with), a name 1 to 47. 0, also when self
 * has it already; -EEXIST: another has it; -EAGAIN: another wants it at this moment, try again; -EINVAL; -ENOSPC:
 * all rows are in use. */
int myc_register(struct myc_actor *self, const char *scope, const char *name);
/* -ENOENT: self has not registered it. */
int myc_unregister(struct myc_actor *self, const char *scope, const char *name);
/* Who has the name, registered or spawned with. -ENOENT: nobody (any more). */
int myc_whereis(struct myc_actor *self, const char *scope, const char *name, myc_address *address);

struct myc_name_entry {
	myc_address address;
	uint32_t restarts; /* of one spawned with it, its process' restarts included */
	bool registered;   /* by myc_register */
	bool running;	   /* has started */
	char scope[32];
	char name[48];
};

/* Fills in up to `max` of those that match, by process, executor and row. Returns how many there are (may be
 * more), or -EINVAL: not a pattern. scope NULL = all. The second from any thread. */
int myc_names(struct myc_actor *self, const char *scope, const char *pattern,
	      struct myc_name_entry *entries, uint32_t max);
int myc_system_names(struct myc_system *system, const char *scope, const char *pattern,
		     struct myc_name_entry *entries, uint32_t max);

/* ---- lives ------------------------------------------------------------------------------------- */

/*
 *	spawned with a name:  REGISTERED  STARTED  RESTARTED*  STOPPED  UNREGISTERED
 *	myc_register:         REGISTERED                                UNREGISTERED
 */
enum myc_life_kind {
	MYC_LIFE_REGISTERED = 1,
	MYC_LIFE_STARTED = 2,
	MYC_LIFE_RESTARTED = 3,
	MYC_LIFE_STOPPED = 4,
	MYC_LIFE_UNREGISTERED = 5,
};
enum myc_life_flag { MYC_LIFE_PRESENT = 1 << 0 /* was so at its first look */ };

/* Given to behaviour->life, also while paused or suspended; valid until it returns. */
struct myc_life_event {
	uint32_t kind;	/* enum myc_life_kind */
	uint32_t flags; /* enum myc_life_flag */
	uint64_t cookie;
	myc_address address;
	uint32_t restarts;
	/* RESTARTED: of the last one; STOPPED: `noconnection` if its process died, or the row was given to
	 * another before this executor looked */
	struct myc_exit_reason reason;
	const char *scope, *name;
};

struct myc_life_watch {
	uint64_t id;
};

/* First what is there, then what happens, to names that match. scope NULL = all scopes. Each name's events
 * come in order, none of these kinds twice; restarts between two looks (some turns of the executor) come as one;
 * a life that began and ended between two is not told. -EINVAL: no handler, not a pattern; -ENOMEM. */
int myc_life_watch(struct myc_actor *self, const char *scope, const char *pattern, uint64_t cookie,
		   struct myc_life_watch *watch);
/* No event of it after this. -ENOENT: not one of self's. */
int myc_life_unwatch(struct myc_actor *self, struct myc_life_watch watch);

#ifdef __cplusplus
}
#endif
#endif
