/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inside core/: what comes to an executor's actors from outside (mycelium/outside.h). An executor has nothing
 * of it until one of its actors asks; then:
 *
 *	io     a table of watched descriptors, and an epoll set of them that lies in the sleeper's poll set.
 *	       What is ready for an actor that waits leaves the set until it goes on (io.c)
 *	works  those that its actors wait for. The pool's threads put what they have done into a list
 *	       of the executor's, under the pool's mutex, and ring its bell (work.c)
 *
 * Private memory; all but that list is the executor's thread's. Descriptors that the framework was given to close
 * are closed when their actors end, and by the kernel after a kill -9.
 */
#ifndef MYC_CORE_OUTSIDE_H
#define MYC_CORE_OUTSIDE_H

#include <mycelium/outside.h>

#include "core/executor.h"

struct myc_io;
struct myc_works;

struct myc_outside {
	struct myc_io *io;	 /* NULL: no watch yet */
	struct myc_works *works; /* NULL: no work yet */
};

/* Made when there is none; NULL: no memory. */
struct myc_outside *myc_outside_of(struct myc_executor *executor);
/* Once a turn, of executors that have it; how many handlers were called. */
unsigned myc_outside_turn(struct myc_executor *executor);
/* Before sleeping: is there something to do? The descriptor that wakes; -1 = none. */
bool myc_outside_ready(const struct myc_executor *executor);
int myc_outside_descriptor(struct myc_executor *executor);
/* The actor's watches end and its works are cancelled. */
void myc_outside_forget(struct myc_actor *actor);
/* Has it any? */
bool myc_outside_has(const struct myc_actor *actor);
void myc_outside_close(struct myc_executor *executor);
/* Its actor can take it now. */
static inline bool myc_outside_may(const struct myc_actor *actor)
{
	return actor->life == MYC_ACTOR_RUNNING && !myc_actor_waits(actor);
}

/* ---- io.c -------------------------------------------------------------------------------------- */

int myc_io_open(struct myc_io **io);
void myc_io_close(struct myc_io *io);
unsigned myc_io_turn(struct myc_io *io, struct myc_executor *executor);
bool myc_io_ready(const struct myc_io *io);
int myc_io_descriptor(struct myc_io *io);
void myc_io_forget(struct myc_io *io, const struct myc_actor *actor);
bool myc_io_has(const struct myc_io *io, const struct myc_actor *actor);

/* ---- work.c ------------------------------------------------------------------------------------ */

int myc_works_open(struct myc_executor *executor, struct myc_works **works);
/* After the pool's threads have ended. */
void myc_works_close(struct myc_works *works);
unsigned myc_works_turn(struct myc_works *works);
bool myc_works_ready(const struct myc_works *works);
void myc_works_forget(struct myc_works *works, const struct myc_actor *actor);
bool myc_works_have(const struct myc_works *works, const struct myc_actor *actor);
/* Its threads end; what they have not begun is not begun. */
void myc_work_pool_close(struct myc_system *system);

#endif
