/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The last dead letters of an executor, for anybody who maps its region: a ring that overwrites its
 * oldest. One block an executor (MYC_BLOCK_LETTERS). Writer of all: that executor.
 *
 * An entry is a sequence lock: number is 0 while the rest is being written, then stored with release. A
 * reader loads number (acquire), copies, fences (acquire), loads number again: equal, and it is that
 * letter. Killed in between: the entry has number 0, and the successor writes it anew.
 */
#ifndef MYCELIUM_ABI_LETTER_H
#define MYCELIUM_ABI_LETTER_H

#include <stdint.h>

#define MYC_LETTERS_VERSION 1
#define MYC_LETTERS_KEPT    256 /* of an executor */

struct myc_letter_entry {
	union {
		struct {
			uint64_t number;  /* from 1, of this executor */
			uint64_t time_ns; /* CLOCK_MONOTONIC */
			uint64_t from;	  /* myc_address; 0: a plain thread, or not known */
			uint64_t to;	  /* myc_address; 0: not known */
			uint32_t size;	  /* bytes of payload, of the body if it had one */
			uint16_t type;
			uint8_t why;	      /* enum myc_dead_letter */
			uint8_t flags;	      /* enum myc_message_flag */
			uint32_t correlation; /* not 0: somebody waited for a reply */
			uint32_t reserved[3];
		};
		uint64_t word[8];
	};
};
_Static_assert(sizeof(struct myc_letter_entry) == 64, "one cache line");

struct myc_letters {
	uint32_t version; /* MYC_LETTERS_VERSION; 0 = not laid out yet */
	uint32_t kept;	  /* entries that follow */
	uint64_t written; /* letters in all; stored with release after the entry */
	uint64_t reserved[6];
	struct myc_letter_entry entry[MYC_LETTERS_KEPT];
};
_Static_assert(__builtin_offsetof(struct myc_letters, entry) == 64, "layout");

#endif
