/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pending entries that come and go in chunks: where the messages of mailboxes without bounds wait
 * (mycelium/mailbox.h). They lie behind the executor's other entries, in the same index space, in a part of its block
 * that is memory only while a chunk is taken (memory/region.h, reserves).
 *
 *	nobody's --- take: memory, marked ---> taken: entries in use, or free
 *	         <-- tidy: unmarked, memory --
 *
 * The marks are in the region: a successor looks for messages in marked chunks only. Memory comes before the mark
 * and goes after it: killed in between there is some without a message in it, which a successor gives back.
 *
 * Who may use an entry is said by credit (credit.c): what is granted to flows of mailboxes without bounds is counted in
 * `granted`, at most `entries`, the rest in the executor's own. The count comes behind: with what was handled since
 * a flow was last looked at. So each takes from its own entries first, then from the other's.
 */
#ifndef MYC_CORE_GROWTH_H
#define MYC_CORE_GROWTH_H

#include <stdbool.h>
#include <stdint.h>

struct myc_actor;
struct myc_error;
struct myc_executor;
struct myc_spawn_opts;
struct myc_system;

struct myc_chunk {
	uint32_t free; /* its first free entry, MYC_NONE */
	uint32_t used;
	uint32_t next, previous; /* taken with a free entry, or nobody's (next) */
};

struct myc_growth {
	uint32_t first, entries, chunks; /* index of the first entry; all 0: no mailbox grows */
	uint32_t *mark;			 /* in the region */
	struct myc_chunk *chunk;
	uint32_t room, room_last; /* taken with free entries, MYC_NONE */
	uint32_t nobodys;
	uint32_t taken, busy; /* busy: with messages */
	int32_t granted;
	bool refused; /* the kernel had no chunk: no more credit before the next look */
};

/* May an actor be spawned so? 0, -EINVAL. */
int myc_growth_check(const struct myc_system *system, const struct myc_spawn_opts *opts,
		     struct myc_error *error);

/* Marks and the first entry lie at these places of the block, with what a predecessor left. -ENOMEM, or why the
 * kernel does not let us at it. */
int myc_growth_open(struct myc_executor *executor, uint32_t *mark, uint32_t first);
void myc_growth_close(struct myc_executor *executor);
/* Goes through the entries that can be looked at: the next after `index` (MYC_NONE: the first); MYC_NONE: no more. */
uint32_t myc_growth_next(const struct myc_executor *executor, uint32_t index);
/* Those of chunks that have no message are free: before any comes or goes. */
void myc_growth_resume(struct myc_executor *executor);

/* A free entry for a message of an actor; MYC_NONE: the kernel has no memory for it now. */
uint32_t myc_growth_entry(struct myc_executor *executor, const struct myc_actor *actor);
/* Is there one? Then the next is given. */
bool myc_growth_entry_ready(struct myc_executor *executor, const struct myc_actor *actor);
/* One of a chunk's comes back. */
void myc_growth_free(struct myc_executor *executor, uint32_t index);
/* Nothing else is to be done: chunks go back to the kernel. */
void myc_growth_tidy(struct myc_executor *executor);

#endif
