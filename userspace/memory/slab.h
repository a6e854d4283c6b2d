/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slabs: private memory in sizes of whole cache lines, aligned to them, without a system call or a lock
 * most times. One thread, but for what others return. For what is made and freed often and need not survive
 * (actors' states).
 */
#ifndef MYC_MEMORY_SLAB_H
#define MYC_MEMORY_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define MYC_SLAB_LINE	   64
#define MYC_SLAB_LINES_MAX 16 /* larger ones come from the heap */

struct myc_slab_link {
	struct myc_slab_link *next;
};

struct myc_slab {
	struct myc_slab_link *free[MYC_SLAB_LINES_MAX + 1]; /* by lines */
	char *at, *end;					    /* of the newest chunk */
	size_t chunk_size;	      /* of it: each is twice the one before */
	struct myc_slab_link *chunks; /* all of them */
	/* By lines; others' threads put in front, by compare-exchange, and its own takes all. */
	struct myc_slab_link *returned[MYC_SLAB_LINES_MAX + 1];
};

/* So many bytes more are there, touched, before the next chunk is made. 0, -ENOMEM. */
int myc_slab_reserve(struct myc_slab *slab, size_t size);
/* Uninitialised; NULL: no memory. `size` is remembered by the caller. */
void *myc_slab_take(struct myc_slab *slab, size_t size);
void myc_slab_give(struct myc_slab *slab, void *memory, size_t size);
/* The same, from any thread: it is used again before more memory is asked for. */
void myc_slab_return(struct myc_slab *slab, void *memory, size_t size);
/* Zeroed private memory for free(), in huge pages if there are any, touched: nobody faults on it later. */
void *myc_memory_populated(size_t size);
/* Frees everything that was taken, but for what came from the heap. */
void myc_slab_close(struct myc_slab *slab);

#endif
