/* SPDX-License-Identifier: Apache-2.0 */
/* Inside an executor: deadlines of messages, and the notes of those given up that their senders are to be told of. */
#ifndef MYC_CORE_WITHIN_H
#define MYC_CORE_WITHIN_H

#include "core/executor.h"

uint32_t myc_deadline_tick(uint64_t ns);
bool myc_deadline_over(const struct myc_executor *executor, const struct myc_slot *slot);
uint64_t myc_deadline_ns(const struct myc_executor *executor, const struct myc_slot *slot);
int myc_notes_open(struct myc_executor *executor);
/* Is its sender to be told? With room for it: myc_note_put keeps the loan of its body until then. */
bool myc_note_wanted(const struct myc_actor *actor, uint32_t why);
bool myc_notes_room(const struct myc_executor *executor);
void myc_note_put(struct myc_executor *executor, const struct myc_actor *actor, myc_address to,
		  uint32_t why, uint32_t hold, const struct myc_slot *slot);
unsigned myc_notes_tell(struct myc_executor *executor);

#endif
