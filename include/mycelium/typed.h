/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed actors: what an actor accepts stands in its message schema, and the compiler holds everybody to it. This
 * is what the headers lean on that myc-gen makes of <myc:interface> elements; docs/TYPED.md is the guide.
 *
 *	schema                      generated (package desk)             an error of the language
 *	<myc:interface name="Book"  struct desk_book_ref                 a ref of another interface
 *	  <myc:accepts Order>       desk_book_send(self, &ref, &order)   a message that Book does not accept
 *	                            DESK_BOOK_BEHAVIOUR(..)              a handler missing, or for another message
 *
 * An actor made with such a behaviour says so where every process of its system can see it: its slot names a row
 * of its process' region with the interface's number and name. Refs are checked against that once, when they are
 * got by name or address. They are plain data, by value, and owned as struct myc_ref is.
 *
 * On the way a message without groups and data is its root block, as it lies in the sender's struct: in the
 * slot up to MYC_PAYLOAD_MAX bytes, else in a body. Its length tells the reader which version wrote it: fields
 * that it is too short for read as null. Messages with groups or data travel with their SBE header in a body;
 * counts and lengths are cut to what is there, as another process may still write it.
 *
 * What does not fit its type, or has one that the interface has not, never reaches a handler: it is a dead letter
 * (MALFORMED, NOT_ACCEPTED), and who asked gets -EBADMSG or -EOPNOTSUPP.
 */
#ifndef MYCELIUM_TYPED_H
#define MYCELIUM_TYPED_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/actor.h>
#include <mycelium/ask.h>
#include <mycelium/become.h>
#include <mycelium/body.h>
#include <mycelium/error.h>
#include <mycelium/mailbox.h>
#include <mycelium/system.h>
#include <mycelium/topic.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MYC_INTERFACE_NAME_SIZE 48  /* of what is published, with its 0; longer names are cut */
#define MYC_INTERFACES_MAX	255 /* different ones among the actors of a process */

/* Static data of a generated header. */
struct myc_interface {
	const char *name; /* "desk.Book" */
	uint32_t schema;
	uint16_t id; /* in the schema, not 0 */
	uint16_t version;
};

/* What an actor says that it accepts, as another process may have written it. */
struct myc_interface_seen {
	uint32_t schema;
	uint16_t id; /* 0: it was not made with a typed behaviour */
	uint16_t version;
	char name[MYC_INTERFACE_NAME_SIZE];
};

/*
 * A ref to the actor with this name (or address), if it has this interface, of whatever version; *version is
 * that one's. -EPROTOTYPE: it has another, or none: the error names both; -EAGAIN: it is being started, or its process
 * is; else the errors of myc_lookup and myc_resolve. `error` may be NULL. Generated: desk_book_lookup, desk_book_resolve.
 */
int myc_typed_lookup(struct myc_actor *self, const struct myc_interface *interface,
		     const char *name, struct myc_ref *ref, uint32_t *version,
		     struct myc_error *error);
int myc_typed_resolve(struct myc_actor *self, const struct myc_interface *interface,
		      myc_address address, struct myc_ref *ref, uint32_t *version,
		      struct myc_error *error);
/* What an actor accepts. -ESRCH: it is not there. */
int myc_interface_of(struct myc_actor *self, myc_address address, struct myc_interface_seen *seen);

/* Does the actor accept what came with this version? Looks again, as it may have been replaced by a newer one since the
 * ref was got. Called before a message is sent that is newer than the ref knows its actor to be. */
bool myc_typed_since(struct myc_actor *self, const struct myc_ref *ref,
		     const struct myc_interface *interface, uint32_t since, uint32_t *version);

/* The message in hand is not one that can be handled: counted as a dead letter, its asker told. `error`:
 * -EOPNOTSUPP, not one of the interface; -EBADMSG, not what its type says. Returns 0: the actor goes on. */
int myc_typed_refuse(struct myc_actor *self, const struct myc_message *message, int error);

/* ---- for generated macros ------------------------------------------------------------------------ */

/* Members of struct myc_behaviour as one argument: MYC_WITH(.state_size = sizeof(struct book), .init = begin). */
#define MYC_WITH(...) __VA_ARGS__

/* The type of a pointer to what the argument points to, const or not. */
#define MYC_TYPED_AS(pointer) const __typeof__(*(pointer)) *

#ifdef __cplusplus
}
#endif
#endif
