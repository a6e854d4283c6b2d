/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Strong references: who holds one keeps an actor that chose so (MYC_SPAWN_WHILE_HELD) from ending. When the last
 * is given up, it handles what was sent to it until then, and ends by itself, with the reason `normal`.
 *
 *	spawned -- take --> held by one -- take, share --> by many
 *	  nobody has held        ^  `--- give: by another ---^  | drop; a holder ends, restarts, its process dies
 *	  it yet: it lives       |                              v
 *	                         `----------------- held by one --> by nobody: refuses new messages and holders,
 *	                                                            handles what it has, ends
 *
 * Who counts. The actor's own executor has an entry for each reference in its table of watches, so no two ever
 * disagree: an upgrade and the last drop meet in one place, and whichever comes second sees the first. It monitors each
 * holder; so a reference comes home by itself, exactly once, when its holder ends by whatever cause, restarts in
 * place (its state is gone), or its process dies (kill -9 too), behind what the holder had sent. A holder keeps
 * nothing but a struct by value. It is told that it holds after the entry was made, never before.
 *
 *	holder                            the actor's executor                     other holder
 *	take ---------------------------> entry, monitors holder
 *	HELD <---------------------------
 *	give to other ------------------> the same entry, of other now ----------> HELD
 *
 * References do not travel in messages, which may be dropped, expire, or lie in a mailbox that nobody opens: they travel
 * as signals, which need no credit and are not dropped, and bring a cookie that says what they are for. One that was
 * given to who has ended, or has no signal handler, has been given up. HELD may overtake messages, those of the
 * giver too.
 *
 * What it means to hold. The actor does not end for want of holders. It still ends when it is told to (or told to
 * others, fails, is killed, its process dies): a monitor tells of that. Restarted in place it is held as before, by the
 * same references. Restarted with its process it is held by nobody, as if just spawned; references to its former life
 * are void. An actor that did not choose so can be held like any, and does not mind.
 *
 * Nobody holds itself (-EINVAL): it would never end. Two that hold each other both stay until somebody stops one; so
 * does every ring: nothing looks for them. Let the lower one have a ref, or a weak reference.
 *
 * Costs. Nothing on the way of a message, nothing for an actor that nobody holds; an entry of the actor's executor for
 * each reference (`watches` in its options: when it is full, NOT_HELD with `no room`), one of the taker's while it
 * waits for the answer. An actor that is held is not moved (myc_move: -EBUSY), for all that is under way of takes, gives and
 * drops is for the table of the executor that it is on; holders are.
 *
 * Functions with `self` are called from its handlers, the others from any plain thread.
 */
#ifndef MYCELIUM_STRONG_H
#define MYCELIUM_STRONG_H

#include <stdint.h>

#include <mycelium/actor.h>
#include <mycelium/address.h>
#include <mycelium/link.h>

#ifdef __cplusplus
extern "C" {
#endif

struct myc_system;

/* By value, of the actor or process that got it, for nobody else: a copy that another uses, or a second drop, does
 * nothing. All zero: none. Messages go to `address`, as to any. */
struct myc_strong {
	myc_address address;
	uint32_t index, generation; /* opaque */
};

/*
 * Takes one, whether others hold it or not. To upgrade a weak reference: myc_weak_upgrade, then this. One event comes
 * to the signal handler, whatever happens, if `self` is not restarted before:
 *
 *	MYC_EVENT_HELD      event->strong, a copy is to be kept; from: the actor
 *	MYC_EVENT_NOT_HELD  reason: `noproc` it has ended, or is about to; `noconnection` its process has died, `no room`
 *	                    its executor's table of watches is full; event->strong has the address only
 *
 * 0: it comes. -ESRCH: there is no such actor; -EINVAL: oneself, or the behaviour has no signal handler; -ENOSPC:
 * the table of watches is full; -ENOBUFS: too many signals wait. Then nothing comes.
 */
int myc_strong_take(struct myc_actor *self, myc_address actor);

/*
 * The reference is `to`'s from now on, who gets MYC_EVENT_HELD with the cookie; from: the giver. *strong is zeroed. At
 * no time is the actor held by one less. If `to` has ended, or ends before, the reference has come home.
 *
 * Both: 0; -EINVAL: `to` is the actor itself, or no actor's address; -ENOENT: *strong is none; -ESRCH: the actor has
 * ended; -ENOBUFS: too many signals wait; -ENOSPC: no lane. Then nothing has happened.
 */
int myc_strong_give(struct myc_actor *self, struct myc_strong *strong, myc_address to,
		    uint64_t cookie);
/* The same, and one keeps one's own: `to` gets another. If there is no room for it, or the actor is about to end,
 * MYC_EVENT_NOT_HELD comes back with the cookie and a reason as above; from: `to`. */
int myc_strong_share(struct myc_actor *self, const struct myc_strong *strong, myc_address to,
		     uint64_t cookie);

/* Gives it up, behind all that `self` has sent to the actor before. *strong is zeroed. 0, also when the actor has ended;
 * -ENOENT: *strong is none; -ENOBUFS, -ENOSPC: nothing has happened. */
int myc_strong_drop(struct myc_actor *self, struct myc_strong *strong);

/*
 * For plain threads. The holder is the process: any of its threads may pass the reference on or release it, one that
 * ends does not; when the process ends, it has come home. Each waits until it is on its way (hold: until it is
 * answered), timeout_ns (UINT64_MAX = for ever) at most.
 *
 * hold: -ESRCH: the actor has ended, or is about to; -ENOTCONN: its process has died; -ENOSPC: no room; -EUSERS: all
 * attach slots are taken; -ESHUTDOWN: the system stops; -ETIMEDOUT: it is not held, an answer that comes later is given
 * up.
 * pass, release: as give and drop; -EAGAIN: the lane is full, nothing has happened.
 */
int myc_strong_hold(struct myc_system *system, myc_address actor, struct myc_strong *strong,
		    uint64_t timeout_ns);
int myc_strong_pass(struct myc_system *system, struct myc_strong *strong, myc_address to,
		    uint64_t cookie, uint64_t timeout_ns);
int myc_strong_release(struct myc_system *system, struct myc_strong *strong, uint64_t timeout_ns);

/*
 * Who holds it: one address for each reference, at most `max` of them; *references: how many there are. An address of
 * generation 0 stands for the threads of its process. Asked four at a time: where references come and go meanwhile, one
 * may be missing or be there twice. For tools (`myc holders`). Errors as hold's; timeout_ns is for each four.
 */
int myc_strong_holders(struct myc_system *system, myc_address actor, myc_address *holder,
		       uint32_t max, uint32_t *references, uint64_t timeout_ns);

#ifdef __cplusplus
}
#endif
#endif
