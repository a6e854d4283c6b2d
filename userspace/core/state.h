/* SPDX-License-Identifier: Apache-2.0 */
/* States (mycelium/state.h) inside core/: the executor's side, and the windows. */
#ifndef MYC_CORE_STATE_H
#define MYC_CORE_STATE_H

#include <mycelium/abi/state.h>
#include <mycelium/state.h>

#include "core/executor.h"

/* The actor's state as bytes, into bytes[room], by its codec: how many, -EACCES without the right, -EMSGSIZE, or what
 * `save` said. *size: how many there are. */
int myc_state_save(struct myc_actor *actor, enum myc_state_right right, void *bytes, size_t room);

#define MYC_STATE_SCRATCH (MYC_STATE_MAX + 64)
/* Private memory for so many bytes, for the moment; NULL: there is none. */
void *myc_state_scratch(struct myc_executor *executor);

/* A MYC_SIGNAL_STATE came. False: it is not what it may be. */
bool myc_state_came(struct myc_executor *executor, const struct myc_inlet *inlet,
		    const struct myc_slot *slot);

/* A block of this size with MYC_BLOCK_STATE for each executor, and one for threads. */
static inline uint32_t myc_state_window_of_threads(void)
{
	return MYC_EXECUTORS_MAX;
}

#endif
