/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An actor's state, seen and replaced from outside, while it lives: for people who look into a running system,
 * for repairs, and for who watches it and wants to know how it ended (MYC_MONITOR_STATE, mycelium/link.h).
 *
 * By the actor's choice: its behaviour has a codec that says what others may do, and how its state becomes
 * bytes and back. Without one nobody sees or changes anything.
 *
 * It happens on the actor's executor between two of its handlers, before messages that wait, also while
 * it is paused or suspended. To change the state of an actor that works, suspend it first, read, replace,
 * resume: what it does between read and replace would be lost otherwise.
 *
 * Killed processes: a replacement is done or not, never half: state is private memory and dies with it.
 */
#ifndef MYCELIUM_STATE_H
#define MYCELIUM_STATE_H

#include <stddef.h>
#include <stdint.h>

#include <mycelium/address.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_actor;
struct myc_system;

#define MYC_STATE_MAX 65536 /* bytes that a state may become */

enum myc_state_right {
	MYC_STATE_READ = 1 << 0,
	MYC_STATE_REPLACE = 1 << 1,
	MYC_STATE_LAST = 1 << 2, /* its last state goes to those who monitor it and ask for it */
};

/* struct myc_behaviour's `codec`. Lives as long as the behaviour. */
struct myc_state_codec {
	uint32_t rights;  /* enum myc_state_right */
	uint32_t version; /* of the bytes: a replacement must have the same */
	/* Writes the state as bytes, at most `room`, and returns how many; -errno: it cannot be read now. NULL:
	 * the state's memory as it is (state_size bytes; pointers in it mean nothing elsewhere). */
	int (*save)(struct myc_actor *self, void *bytes, size_t room);
	/* Takes the bytes on, which may be any: checks them first. 0, or -errno: refused, and the state is as it
	 * was. NULL: they become the state's memory, if they are state_size bytes. */
	int (*load)(struct myc_actor *self, const void *bytes, size_t size);
};

struct myc_state_info {
	uint32_t size; /* bytes there are; also when there was no room for them */
	uint32_t version;
};

/*
 * From plain threads: the state as bytes into bytes[room]; *info (may be NULL) tells how many. Waits at most
 * timeout_ns. -EACCES: its behaviour does not let others; -EMSGSIZE: more than `room`, or than
 * MYC_STATE_MAX; -ESRCH, -ENOTCONN: the actor, or its process, is not there (any more); -ETIMEDOUT: its
 * executor has not come to it; -EUSERS: all attach slots are taken; others: what `save` returned.
 */
int myc_state_read(struct myc_system *system, myc_address actor, void *bytes, size_t room,
		   struct myc_state_info *info, uint64_t timeout_ns);
/* The bytes become the state. -EPROTO: they are of another version than the codec's; -EMSGSIZE: more than
 * MYC_STATE_MAX; -EINVAL: not the state's size; others: as above, or what `load` returned. After
 * -ETIMEDOUT or -ENOTCONN it may have been done. */
int myc_state_replace(struct myc_system *system, myc_address actor, const void *bytes, size_t size,
		      uint32_t version, uint64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
