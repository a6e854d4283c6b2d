/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Receipts: a message whose sender is told that the receiver's mailbox has taken it, or why not. For the
 * receiver it is a message like others, which asks nothing.
 *
 *	sender --- message ---> executor of the receiver: handled at once, or into its pending queue
 *	`reply` hook <-- MYC_REPLY_RECEIPT, status 0 ---'
 *	             <-- -ESRCH, -ENOBUFS, -ENOTCONN, -ETIMEDOUT
 *
 * The receipt is true whoever is killed when: of 0 the message was taken, once; of -ESRCH and -ENOBUFS it was
 * not and will not be. -ENOTCONN (the receiver's process died) and -ETIMEDOUT say that nobody knows: it may
 * wait there for the successor.
 *
 * Taken is not handled: the receiver may be paused, suspended or stopped before it comes to it. (A message
 * that was taken and reaches nobody after all is a dead letter: mycelium/letter.h.) A receipt is one small
 * signal back; messages without one cost what they did.
 */
#ifndef MYCELIUM_RECEIPT_H
#define MYCELIUM_RECEIPT_H

#include <stddef.h>
#include <stdint.h>

#include <mycelium/actor.h>
#include <mycelium/ask.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * As myc_ask (mycelium/ask.h), by the rules of myc_send, of at most MYC_PAYLOAD_MAX bytes: the outcome is the
 * receipt, and comes exactly once. It uses one of the executor's asks. Errors of myc_ask.
 */
int myc_send_receipt(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		     size_t size, uint64_t timeout_ns, uint64_t cookie, struct myc_ask *ask);
/* From a plain thread: returns when the mailbox has taken it (0), or why it has not. As myc_call. */
int myc_post_receipt(struct myc_system *system, myc_address to, uint16_t type, const void *payload,
		     size_t size, uint64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
