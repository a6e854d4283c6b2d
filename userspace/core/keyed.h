/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting messages found by what a newer one may do to them: (owner, key), an owner being a flow and the
 * rule that the message falls under. Entries are named by their index in the queue's own table; those of
 * the same (owner, key) are first-in first-out and counted. All constant time, as far as the hash is good.
 *
 * Private memory of one thread, made anew by a successor.
 */
#ifndef MYC_CORE_KEYED_H
#define MYC_CORE_KEYED_H

#include <stdint.h>

struct myc_keyed_entry {
	uint64_t key;
	uint32_t owner; /* 0 = not here */
	uint32_t next;	/* of its chain */
	uint32_t count; /* of the first of a (owner, key): how many there are */
};

struct myc_keyed_chain {
	uint32_t first, last; /* index + 1; 0 = none */
};

struct myc_keyed {
	struct myc_keyed_entry *entry;
	struct myc_keyed_chain *chain;
	uint32_t mask;
};

/* -ENOMEM. Its pages are touched by use only. */
int myc_keyed_open(struct myc_keyed *keyed, uint32_t capacity);
void myc_keyed_close(struct myc_keyed *keyed);
/* The oldest with it, UINT32_MAX: none. `count`: how many. */
uint32_t myc_keyed_first(const struct myc_keyed *keyed, uint32_t owner, uint64_t key,
			 uint32_t *count);
void myc_keyed_add(struct myc_keyed *keyed, uint32_t index, uint32_t owner, uint64_t key);
/* Nothing when it is not here. */
void myc_keyed_remove(struct myc_keyed *keyed, uint32_t index);

#endif
