/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holder and supervisor talk over a SEQPACKET pair that the holder makes for each supervisor. All
 * messages have one fixed size.
 *
 *	holder -> supervisor, at once:  for each process CHILD (running, with its pidfd) or EXITED
 *	                                (its last one; incarnation 0 = never started), then READY
 *	supervisor -> holder            FORK process, incarnation     answered by CHILD or REFUSED
 *	                                CLEAR, the same: a caretaker  as FORK is
 *	holder -> supervisor            EXITED when reaped; STOP when the holder was told to stop
 *	supervisor -> holder            UP; RELEASE when every worker is gone
 *
 * EXITED is sent after the process was reaped, never before: who hears of it may write what the
 * dead one wrote (DESIGN, rule 1).
 */
#ifndef MYC_RUNTIME_HOLDER_H
#define MYC_RUNTIME_HOLDER_H

#include <mycelium/error.h>
#include <stdint.h>

enum myc_holder_message_kind {
	MYC_HOLDER_CHILD = 1,
	MYC_HOLDER_EXITED = 2,
	MYC_HOLDER_READY = 3,
	MYC_HOLDER_REFUSED = 4,
	MYC_HOLDER_STOP = 5,
	MYC_HOLDER_FORK = 16,
	MYC_HOLDER_UP = 17,
	MYC_HOLDER_RELEASE = 18,
	MYC_HOLDER_CLEAR = 19,
};

struct myc_holder_message {
	uint32_t kind;
	uint32_t process;
	uint64_t incarnation;
	int32_t pid;
	int32_t status;		/* wait(2)'s, of EXITED; -errno of REFUSED */
	struct myc_error error; /* of RELEASE: why the system ended, code 0 = as asked */
};

/* Sends one message, `fd` (-1 = none) along with it. 0 or -errno; -EPIPE: the peer is gone. */
int myc_holder_send(int socket, const struct myc_holder_message *message, int fd);
/* Receives one; *fd is -1 or the caller's to close. -EAGAIN: none there (non-blocking);
 * -EPIPE: the peer is gone; -EBADMSG: not a message of ours. */
int myc_holder_receive(int socket, struct myc_holder_message *message, int *fd);

#endif
