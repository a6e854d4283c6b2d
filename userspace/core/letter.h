/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters (mycelium/letter.h) inside core/: noting them, reading them, actors that watch. */
#ifndef MYC_CORE_LETTER_H
#define MYC_CORE_LETTER_H

#include <mycelium/abi/letter.h>
#include <mycelium/letter.h>

#include "core/executor.h"

/* In a region with this much room for the block. Later starts of a process go on where it ended. */
int myc_letters_open(struct myc_executor *executor);
void myc_letters_close(struct myc_executor *executor);

/* Counts and keeps it. `slot` NULL: nothing is known of it. */
void myc_letter_note(struct myc_executor *executor, enum myc_dead_letter why, myc_address from,
		     myc_address to, const struct myc_slot *slot);

/* An executor's ring in its region, NULL: it has none, or one that cannot be. */
const struct myc_letters *myc_letters_of(const struct myc_region *region, uint32_t executor);

bool myc_letters_watched_by(const struct myc_actor *actor);
/* At each scan while executor->letter_watchers is not 0: how many were told. */
unsigned myc_letters_tell(struct myc_executor *executor);
/* It watches no more. */
void myc_letters_forget(struct myc_actor *actor);

#endif
