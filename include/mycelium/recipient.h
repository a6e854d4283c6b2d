/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Kinds of references beside struct myc_ref. Refs are addresses: none of them ever dangles, and none of these
 * keeps an actor alive (mycelium/strong.h does). All are plain data, by value.
 *
 *	recipient   a ref and one type of message: who has it can send that message, whatever else the
 *	            actor accepts, and need not know what it is
 *	weak        an address to look again: upgrade gives a ref while the actor is there
 *
 * Functions with `self` are called from its handlers.
 */
#ifndef MYCELIUM_RECIPIENT_H
#define MYCELIUM_RECIPIENT_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <mycelium/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- recipients ---------------------------------------------------------------------------- */

struct myc_recipient {
	struct myc_ref ref;
	uint16_t type;
	uint16_t reserved;
	uint32_t size; /* that its messages have; 0 = any */
};

/* Who gets messages of this type by this ref; size: the only one that they may have, 0 = any. */
static inline struct myc_recipient myc_recipient_of(struct myc_ref ref, uint16_t type,
						    uint32_t size)
{
	struct myc_recipient recipient = {ref, type, 0, size};

	return recipient;
}

/* As myc_send and myc_try_send. -EMSGSIZE: not the size that it says. */
static inline int myc_tell(struct myc_actor *self, struct myc_recipient *to, const void *payload,
			   size_t size)
{
	return to->size && size != to->size ? -EMSGSIZE
					    : myc_send(self, &to->ref, to->type, payload, size);
}
static inline int myc_try_tell(struct myc_actor *self, struct myc_recipient *to,
			       const void *payload, size_t size)
{
	return to->size && size != to->size ? -EMSGSIZE
					    : myc_try_send(self, &to->ref, to->type, payload, size);
}

/* As it travels in messages: a ref is its executor's own, so it is resolved anew. */
struct myc_recipient_wire {
	myc_address address;
	uint16_t type;
	uint16_t reserved;
	uint32_t size;
};

/* To put into a message. */
static inline struct myc_recipient_wire myc_recipient_pack(const struct myc_recipient *recipient)
{
	struct myc_recipient_wire wire = {recipient->ref.address, recipient->type, 0,
					  recipient->size};

	return wire;
}
/* Errors of myc_resolve. */
static inline int myc_recipient_unpack(struct myc_actor *self, struct myc_recipient_wire wire,
				       struct myc_recipient *recipient)
{
	struct myc_ref ref;

	memset(&ref, 0, sizeof(ref));
	ref.address = wire.address;
	*recipient = myc_recipient_of(ref, wire.type, wire.size);
	return myc_resolve(self, wire.address, &recipient->ref);
}

/* ---- weak references ------------------------------------------------------------------------ */

struct myc_weak {
	myc_address address;
	uint32_t incarnation; /* of its process */
	uint32_t restarts;    /* of it */
};

enum myc_weak_flag {
	MYC_WEAK_RESTARTED =
		1 << 0, /* upgrade also when it was restarted since, by whatever cause */
};

/* Of one that is there now. -ESRCH. */
int myc_weak_of(struct myc_actor *self, myc_address address, struct myc_weak *weak);
/* A ref, if it is (still) there: as it was, or restarted where the flag allows. -ESRCH: it is not; -ESTALE:
 * it was restarted. Errors of myc_resolve. It may end the next moment: sends to it are then -ESRCH. */
int myc_weak_upgrade(struct myc_actor *self, const struct myc_weak *weak, uint32_t flags,
		     struct myc_ref *ref);

#ifdef __cplusplus
}
#endif
#endif
