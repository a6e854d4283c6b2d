/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/slab.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define CHUNK_MIN 65536
#define CHUNK_MAX (4u << 20)
#define HUGE_PAGE (2u << 20)

/* A fault for each 2 MiB, not for each 4 KiB. Only a wish. */
static void wish_huge(void *memory, size_t size)
{
	uintptr_t first = ((uintptr_t)memory + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1);
	uintptr_t end = ((uintptr_t)memory + size) & ~(uintptr_t)(HUGE_PAGE - 1);

	if (first < end)
		madvise((void *)first, end - first, MADV_HUGEPAGE);
}

void *myc_memory_populated(size_t size)
{
	size_t align = size < HUGE_PAGE ? MYC_SLAB_LINE : HUGE_PAGE;
	void *memory = aligned_alloc(align, (size + align - 1) / align * align);

	if (!memory)
		return NULL;
	wish_huge(memory, size);
	return memset(memory, 0, size);
}

static size_t lines(size_t size)
{
	return size ? (size + MYC_SLAB_LINE - 1) / MYC_SLAB_LINE : 1;
}

static void *refill(struct myc_slab *slab, size_t wanted)
{
	size_t size = slab->chunk_size ? slab->chunk_size * 2 : CHUNK_MIN;

	if (size > CHUNK_MAX)
		size = CHUNK_MAX;
	struct myc_slab_link *chunk =
		aligned_alloc(size < HUGE_PAGE ? MYC_SLAB_LINE : HUGE_PAGE, size);

	if (!chunk)
		return NULL;
	wish_huge(chunk, size);
	slab->chunk_size = size;
	chunk->next = slab->chunks;
	slab->chunks = chunk;
	char *first = (char *)chunk + MYC_SLAB_LINE;

	slab->at = first + wanted * MYC_SLAB_LINE;
	slab->end = (char *)chunk + size;
	return first;
}

int myc_slab_reserve(struct myc_slab *slab, size_t size)
{
	size += MYC_SLAB_LINE;
	struct myc_slab_link *chunk = myc_memory_populated(size);

	if (!chunk)
		return -ENOMEM;
	chunk->next = slab->chunks;
	slab->chunks = chunk;
	slab->at = (char *)chunk + MYC_SLAB_LINE;
	slab->end = (char *)chunk + size;
	return 0;
}

void *myc_slab_take(struct myc_slab *slab, size_t size)
{
	size_t n = lines(size);

	if (n > MYC_SLAB_LINES_MAX)
		return aligned_alloc(MYC_SLAB_LINE, n * MYC_SLAB_LINE);
	struct myc_slab_link *memory = slab->free[n];

	if (!memory && __atomic_load_n(&slab->returned[n], __ATOMIC_RELAXED))
		/* Acquire: all that was done with it. Pairs with myc_slab_return. */
		memory = __atomic_exchange_n(&slab->returned[n], NULL, __ATOMIC_ACQUIRE);
	if (memory) {
		slab->free[n] = memory->next;
		return memory;
	}
	if ((size_t)(slab->end - slab->at) < n * MYC_SLAB_LINE)
		return refill(slab, n);
	char *at = slab->at;

	slab->at += n * MYC_SLAB_LINE;
	return at;
}

void myc_slab_give(struct myc_slab *slab, void *memory, size_t size)
{
	size_t n = lines(size);
	struct myc_slab_link *link = memory;

	if (n > MYC_SLAB_LINES_MAX) {
		free(memory);
		return;
	}
	link->next = slab->free[n];
	slab->free[n] = link;
}

void myc_slab_return(struct myc_slab *slab, void *memory, size_t size)
{
	size_t n = lines(size);
	struct myc_slab_link *link = memory;

	if (n > MYC_SLAB_LINES_MAX) {
		free(memory);
		return;
	}
	link->next = __atomic_load_n(&slab->returned[n], __ATOMIC_RELAXED);
	/* Release: what it was is done with. Pairs with myc_slab_take. */
	while (!__atomic_compare_exchange_n(&slab->returned[n], &link->next, link, true,
					    __ATOMIC_RELEASE, __ATOMIC_RELAXED))
		;
}

void myc_slab_close(struct myc_slab *slab)
{
	while (slab->chunks) {
		struct myc_slab_link *chunk = slab->chunks;

		slab->chunks = chunk->next;
		free(chunk);
	}
	memset(slab, 0, sizeof(*slab));
}
