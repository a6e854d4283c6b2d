/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The directory: which actors of a process have names, and which are in groups. One block a process, a part of
 * it for each executor, in the process' region; so what is said of an actor lies where it lives, and ends
 * with it. Everybody reads, without a lock.
 *
 *	struct myc_directory                         line
 *	executor 0: struct myc_directory_part        line
 *	            struct myc_directory_row         two lines, `rows` of them
 *	executor 1: ...
 *
 * Writer of a part: its executor, and those that actors with rows in it have moved to, one at a time (core/directory.c);
 * of the head, and of all before the executors run: who joins.
 * Readers: everyone. A row is read under its sequence lock, and counts while its process is there, in the
 * incarnation that the head names.
 *
 * Pairs: row.version is stored (release) when the row is whole; readers load it before (acquire) and, behind an
 * acquire fence, after the fields. part.changes is stored (release) after the row; a reader that loads it
 * (acquire) sees the rows of that change. Sequentially consistent fences lie between a row and the other
 * rows (claims of one name), and between `changes` and `watchers`, at either side.
 */
#ifndef MYCELIUM_ABI_DIRECTORY_H
#define MYCELIUM_ABI_DIRECTORY_H

#include <stdint.h>

#define MYC_DIRECTORY_VERSION  1
#define MYC_DIRECTORY_ROWS_MAX 65536u
#define MYC_SCOPE_SIZE	       32u /* with its 0 */
#define MYC_DIRECTORY_NAME     48u /* with its 0 */

struct myc_directory {
	uint32_t version; /* MYC_DIRECTORY_VERSION, stored last; 0 = not laid out yet */
	uint32_t executors;
	uint32_t rows;	      /* of each */
	uint32_t incarnation; /* low half: the rows are of this one. Stored when they are empty */
	uint32_t reserved[12];
};
_Static_assert(sizeof(struct myc_directory) == 64, "one cache line");

struct myc_directory_part {
	uint32_t changes;
	uint32_t watchers; /* not 0: this executor wants to be woken by others' changes */
	uint32_t top;	   /* rows from here on were never used */
	uint32_t refused;  /* names and memberships that found no row free */
	uint64_t serials;
	uint32_t reserved[10];
};
_Static_assert(sizeof(struct myc_directory_part) == 64, "one cache line");

enum myc_directory_kind {
	MYC_DIRECTORY_FREE = 0,
	MYC_DIRECTORY_NAME_OF = 1, /* the name an actor was spawned with */
	MYC_DIRECTORY_ALIAS = 2,   /* one that it registered */
	MYC_DIRECTORY_MEMBER = 3,  /* of the group `name` */
};

/*
 * NAME_OF: STARTING -> RUNNING -> ENDED     ALIAS: CLAIMED -> RUNNING     MEMBER: RUNNING
 * An ENDED row stays until it is needed, so that watchers learn why.
 */
enum myc_directory_state {
	MYC_DIRECTORY_CLAIMED = 1,
	MYC_DIRECTORY_STARTING = 2,
	MYC_DIRECTORY_RUNNING = 3,
	MYC_DIRECTORY_ENDED = 4,
};

struct myc_directory_row {
	uint32_t version; /* odd = being written */
	uint16_t kind;	  /* enum myc_directory_kind */
	uint16_t state;	  /* enum myc_directory_state */
	uint64_t address;
	uint64_t serial;   /* of this use of the row, in this part */
	uint32_t count;	   /* MEMBER: memberships */
	uint32_t restarts; /* NAME_OF */
	uint32_t reason;   /* NAME_OF: enum myc_exit_kind, of the last restart or the end */
	int32_t code;
	uint64_t reserved;
	char scope[MYC_SCOPE_SIZE]; /* zero-terminated */
	char name[MYC_DIRECTORY_NAME];
};
_Static_assert(sizeof(struct myc_directory_row) == 128, "two cache lines");

static inline uint64_t myc_directory_part_size(uint32_t rows)
{
	return sizeof(struct myc_directory_part) +
	       (uint64_t)rows * sizeof(struct myc_directory_row);
}
static inline uint64_t myc_directory_size(uint32_t executors, uint32_t rows)
{
	return sizeof(struct myc_directory) + executors * myc_directory_part_size(rows);
}

#endif
