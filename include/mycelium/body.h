/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bodies: messages larger than a slot. A body is a buffer of the sending executor's pools; the message
 * carries a reference to it, and its receivers, in this process or another, read it in place. It goes
 * home by itself when the last of them is done with it.
 *
 *	take -> write -> send (to one: it is theirs)              nothing copied
 *	             \-> share ... share -> give (to many)        nothing copied, no counter shared
 *	receive -> read -> pass on whole | share | keep -> give
 *
 * myc_send with more than MYC_PAYLOAD_MAX bytes copies them into a body of its own and sends that.
 *
 * From a handler only, like everything with `self`. What an actor took or kept and has not given goes
 * home when it is restarted or ends. After kill -9 nothing is lost: bodies on their way arrive, those
 * that were only in the dead one's hand are free again.
 */
#ifndef MYCELIUM_BODY_H
#define MYCELIUM_BODY_H

#include <mycelium/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_body {
	/* Writable while it was taken here and no share of it has gone. A body from another process can
	 * still be written by that process, should it be broken: load what decides anything once. */
	void *data;
	uint32_t size; /* bytes that go; of one that was taken: the buffer's, may be made smaller */
	uint32_t hold; /* opaque */
};

/* A buffer of at least `size` bytes. -ENOBUFS: none is free (they come home when receivers are done);
 * -EMSGSIZE: larger than the largest class (`buffers` of the system's options). */
int myc_body_take(struct myc_actor *self, uint32_t size, struct myc_body *body);
/* The content of a message beyond its handler. -ENOBUFS: this executor keeps too many: copy;
 * -ENODATA: it was passed on; -EINVAL: the message has none. */
int myc_body_keep(struct myc_actor *self, const struct myc_message *message, struct myc_body *body);
/* One that was taken or kept is not needed any more. */
void myc_body_give(struct myc_actor *self, struct myc_body *body);

/*
 * As myc_send and myc_try_send, with the same results. send: the body is the receiver's and no more
 * ours, unless an error is returned. share: it stays ours as well. pass: the message in hand goes on to
 * another as it came, its content moving with it (-ENODATA: it went on already).
 * share copies into a buffer of one's own when a body has been shared on too often (-ENOBUFS: none).
 */
int myc_send_body(struct myc_actor *self, struct myc_ref *to, uint16_t type, struct myc_body *body);
int myc_try_send_body(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		      struct myc_body *body);
int myc_send_share(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		   const struct myc_body *body);
int myc_try_send_share(struct myc_actor *self, struct myc_ref *to, uint16_t type,
		       const struct myc_body *body);
int myc_pass(struct myc_actor *self, struct myc_ref *to, const struct myc_message *message);

#ifdef __cplusplus
}
#endif
#endif
