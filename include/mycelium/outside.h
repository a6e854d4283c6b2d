/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What comes to an actor from outside the actor system: descriptors that become ready, streams that are read
 * for it, work that another thread does for it. A part of the control plane: these calls go to the kernel,
 * and may allocate.
 *
 *	myc_fd_watch ---- ready --> `io` handler, again and again while it is ready
 *	myc_stream_read - data ---> `io` handler with the next piece, when the last one is dealt with
 *	myc_work -------- run on a thread of the pool --> `worked` handler with the result
 *
 * Handlers are called on the actor's executor, between messages, like any others. While the actor is paused,
 * suspended or awaits a reply they wait, and nothing is read. None of these outlives its actor or a
 * restart: watches end, works are cancelled. Of a killed process nothing is left but what its works did.
 *
 * An executor without watches makes no system call for them. One that has some looks every 20 us while it is
 * busy or spins, and is woken while it sleeps.
 *
 * From a handler only, like everything with `self`.
 */
#ifndef MYCELIUM_OUTSIDE_H
#define MYCELIUM_OUTSIDE_H

#include <mycelium/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- descriptors ------------------------------------------------------------------------------- */

#define MYC_WATCHED_MAX 1024 /* descriptors of one executor */

enum myc_fd_event {
	MYC_FD_READ = 1 << 0,
	MYC_FD_WRITE = 1 << 1,
	MYC_FD_HANGUP = 1 << 2, /* told, not asked for: so is the next */
	MYC_FD_ERROR = 1 << 3,
	/* Not an event: the descriptor is closed when its watch ends, in whatever way. Else it is the
	 * caller's, and a restart loses sight of it. */
	MYC_FD_CLOSE = 1 << 8,
};

struct myc_fd {
	uint32_t index, generation;
};

struct myc_io_event {
	uint64_t cookie;
	struct myc_fd watch;
	int fd;
	uint32_t events; /* enum myc_fd_event */
	/* Of a stream. Its end: no data, status 0 or what read failed with, and the watch is over. */
	int status;
	uint32_t size;
	const void *data; /* until the handler returns, or its watch ends */
};

/*
 * Calls the `io` handler while the descriptor is ready for one of `events` (READ, WRITE, CLOSE). One that
 * stays ready is told again: read or write until EAGAIN, or change what is asked for.
 * -EBADF; -EPERM: a kind of file that is always ready; -EEXIST: this executor watches it already; -ENOSPC:
 * MYC_WATCHED_MAX; -EINVAL: events; -ENOMEM. On an error the descriptor is the caller's, with CLOSE too.
 */
int myc_fd_watch(struct myc_actor *self, int fd, uint32_t events, uint64_t cookie,
		 struct myc_fd *watch);
/* READ, WRITE, both or none from now on. -ENOENT: it is over; -EINVAL: events, or a stream's. */
int myc_fd_change(struct myc_actor *self, struct myc_fd watch, uint32_t events);
/* No call comes after it. To be called before a descriptor is closed by the caller. -ENOENT. */
int myc_fd_unwatch(struct myc_actor *self, struct myc_fd watch);

/*
 * Reads the descriptor for the actor, at most `chunk` bytes at a time (to 1 MiB), and gives each piece to the `io`
 * handler; the next one is read after the handler has returned, in a later turn: a slow actor leaves the
 * rest to the kernel. The descriptor is made non-blocking; what it is given in `flags` is CLOSE or 0. Errors as
 * myc_fd_watch.
 */
int myc_stream_read(struct myc_actor *self, int fd, uint32_t chunk, uint32_t flags, uint64_t cookie,
		    struct myc_fd *watch);

/* ---- work -------------------------------------------------------------------------------------- */

#define MYC_WORKS_MAX 1024 /* of one executor, at a time */

struct myc_outside_work {
	int64_t (*run)(void *argument); /* on another thread: no `self`, no state of the actor's */
	/* Instead of `worked`, when the actor was restarted or has ended: to give back what the argument holds.
	 * On the executor's thread, or the one that closes the system. NULL = nothing to do. */
	void (*discard)(void *argument);
	void *argument;
	uint64_t cookie;
};

struct myc_worked {
	uint64_t cookie;
	int64_t result;
	void *argument;
};

/*
 * Has run(argument) called by a thread of the system's pool (`work_threads` of its options, made at the first
 * work), and then the `worked` handler, or else discard: exactly one of them, once. In the order in which works
 * end. Work that was not begun when its actor is restarted or ends is not begun any more; what runs
 * then runs to its end, and may ask myc_work_cancelled. A system that is closed waits for it.
 * -ENOSPC: MYC_WORKS_MAX; -ENOMEM; or why there is no thread.
 */
int myc_work(struct myc_actor *self, const struct myc_outside_work *work);
/* Inside run: does nobody wait for the result any more? */
bool myc_work_cancelled(void);

#ifdef __cplusplus
}
#endif
#endif
