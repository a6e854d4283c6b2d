/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Executors of thread-bound actors (MYC_SPAWN_THREAD): behind the `executors` of a system come `threads` more,
 * each for one actor at a time. Others see no difference: lanes lead there like to any.
 *
 *	PARKED --myc_spawn--> TAKEN: a thread runs it, until its actor has ended and all were told --> PARKED
 *	  ^ `-- executor 0 looks after it --> SWEPT --.
 *	  `-------------------------------------------'
 *
 * A parked one has no thread. What still comes to it (a message that was sent while its actor ended, somebody who
 * wants to monitor it) is seen to by executor 0, its keeper, who also joins its thread: it sleeps
 * like any executor (core/wake.h), and its bell is in its keeper's poll set. In a stopping system the keeper counts for it.
 *
 * The state is the one word that several threads change, by compare-exchange: acquire when it is taken, release when
 * it is given; all else of the executor belongs to who has it. A killed process' parked executors are begun
 * anew like all others, by the keeper.
 */
#ifndef MYC_CORE_THREAD_H
#define MYC_CORE_THREAD_H

#include <poll.h>

#include "core/executor.h"

enum myc_thread_state { MYC_THREAD_PARKED = 0, MYC_THREAD_TAKEN = 1, MYC_THREAD_SWEPT = 2 };

static inline uint32_t myc_executors_all(const struct myc_system_opts *opts)
{
	return opts->executors + opts->threads;
}
static inline bool myc_thread_is(const struct myc_executor *executor)
{
	return executor->index >= executor->system->opts.executors;
}
static inline bool myc_threads_kept(const struct myc_executor *executor)
{
	return !executor->index && executor->system->opts.threads;
}

/* For a new actor: takes a parked one; -ENOSPC, -ESHUTDOWN. Not under the mutex. */
int myc_thread_take(struct myc_system *system, uint32_t *index, struct myc_error *error);
/* Starts its thread. Under the mutex. */
int myc_thread_launch(struct myc_executor *executor, struct myc_error *error);
/* There is no actor for it after all; `launched`: its thread parks it. Under the mutex. */
void myc_thread_untake(struct myc_executor *executor, bool launched);

/* On its own thread, in an empty turn: has its actor ended, and is it parked now? Then the thread ends. */
bool myc_thread_parked(struct myc_executor *executor);

/* On the keeper's thread: looks after those that are parked. Returns how much there was to do. */
unsigned myc_threads_sweep(struct myc_executor *keeper);
/* Their bells, into the keeper's poll set; how many. */
unsigned myc_threads_bells(const struct myc_executor *keeper, struct pollfd *set, unsigned max);

#endif
