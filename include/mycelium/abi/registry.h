/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only OR BSD-2-Clause */
/*
 * The registry: names to addresses, in one table that every process maps and the steering program
 * reads. Two backings, one layout: a pinned, mmapable BPF array map of struct myc_registry_row
 * (and one of struct myc_process_row), or the same arrays in the supervisor's region.
 *
 * Writer of every row: the supervisor (one at a time; a new one only after its predecessor is
 * reaped). Exception: myc_process_row.dead_incarnation, also by the exit watch.
 * Readers: everyone, read-only, without a syscall.
 */
#ifndef MYCELIUM_ABI_REGISTRY_H
#define MYCELIUM_ABI_REGISTRY_H

#include <stdint.h>

#define MYC_REGISTRY_ROWS 1024 /* a power of two: open addressing by name hash */
#define MYC_NAME_MAX	  47   /* bytes of a name, without the terminating zero */
#define MYC_NO_ENDPOINT	  0xffff

/*
 *            publish            started              died / stopping
 *   FREE ------------> STARTING --------> UP ----------------------> DOWN
 *    ^                    ^                                           |  |
 *    |                    +------------------ restart ----------------+  |
 *    +------------------------------- withdrawn -------------------------+
 */
enum myc_row_state {
	MYC_ROW_FREE = 0,
	MYC_ROW_STARTING = 1,
	MYC_ROW_UP = 2,
	MYC_ROW_DOWN = 3,
};

/*
 * A named actor. Seqlock: `version` is odd while the row is being written; a reader loads version
 * (acquire), the fields, then version again (after an acquire fence) and retries when they differ
 * or are odd. The program reads only the single words `state_endpoint` and `process`, which are
 * valid at any moment.
 */
struct myc_registry_row {
	uint32_t version;
	uint32_t restarts; /* of the actor since its address was given out */
	uint64_t address;  /* myc_address; 0 = row free */
	uint64_t
		state_endpoint; /* state 8 (low) | reserved 24 | endpoint 16 | reserved 16: one word for the program */
	uint32_t process;    /* row of the owner in the process table */
	uint32_t executor;   /* index within its process */
	uint32_t parent_row; /* supervisor's row, 0xffffffff = the system's supervisor */
	uint32_t reserved;
	uint8_t behaviour[24];		/* for people: the behaviour's name, zero-terminated */
	uint8_t name[MYC_NAME_MAX + 1]; /* zero-terminated */
	uint8_t reserved1[16];
};
_Static_assert(sizeof(struct myc_registry_row) == 128, "two cache lines");

static inline __attribute__((always_inline)) uint64_t myc_row_word(uint8_t state, uint16_t endpoint)
{
	return (uint64_t)state | (uint64_t)endpoint << 32;
}

static inline __attribute__((always_inline)) uint8_t myc_row_word_state(uint64_t word)
{
	return (uint8_t)word;
}

static inline __attribute__((always_inline)) uint16_t myc_row_word_endpoint(uint64_t word)
{
	return (uint16_t)(word >> 32);
}

/* A worker process. Alive: dead_incarnation < incarnation. The dead one may be the newer for a while:
 * a child that died before the supervisor noted its start. It only ever grows. */
struct myc_process_row {
	uint64_t incarnation; /* counts starts of this process, from 1. Writer: supervisor */
	uint64_t
		dead_incarnation; /* last incarnation known dead. Writers, by compare-exchange: exit watch; supervisor, after reaping */
	uint32_t pid;
	uint32_t executors;
	uint64_t started_ns; /* CLOCK_MONOTONIC */
	uint32_t restarts;
	uint32_t reserved;
	uint8_t name[24]; /* zero-terminated */
	uint64_t reserved1[8];
};
_Static_assert(sizeof(struct myc_process_row) == 128, "two cache lines");

/* FNV-1a over the name; probing is linear from hash & (MYC_REGISTRY_ROWS - 1). A look-up ends at
 * a row that was never used (address 0 and version 0); withdrawn rows keep a non-zero version. */
static inline uint32_t myc_name_hash(const char *name)
{
	uint32_t hash = 2166136261u;

	while (*name)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return hash;
}

#endif
