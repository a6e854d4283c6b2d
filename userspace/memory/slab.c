/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/slab.h"

#include <stdlib.h>
#include <string.h>

#define CHUNK 65536

static size_t lines(size_t size)
{
	return size ? (size + MYC_SLAB_LINE - 1) / MYC_SLAB_LINE : 1;
}

static void *refill(struct myc_slab *slab, size_t wanted)
{
	char *chunk = aligned_alloc(MYC_SLAB_LINE, CHUNK);

	if (!chunk)
		return NULL;
	memcpy(chunk, &slab->chunks, sizeof(void *));
	slab->chunks = chunk;
	slab->at = chunk + MYC_SLAB_LINE + wanted * MYC_SLAB_LINE;
	slab->end = chunk + CHUNK;
	return chunk + MYC_SLAB_LINE;
}

void *myc_slab_take(struct myc_slab *slab, size_t size)
{
	size_t n = lines(size);

	if (n > MYC_SLAB_LINES_MAX)
		return aligned_alloc(MYC_SLAB_LINE, n * MYC_SLAB_LINE);
	void *memory = slab->free[n];

	if (memory) {
		memcpy(&slab->free[n], memory, sizeof(void *));
		return memory;
	}
	if ((size_t)(slab->end - slab->at) < n * MYC_SLAB_LINE)
		return refill(slab, n);
	memory = slab->at;
	slab->at += n * MYC_SLAB_LINE;
	return memory;
}

void myc_slab_give(struct myc_slab *slab, void *memory, size_t size)
{
	size_t n = lines(size);

	if (n > MYC_SLAB_LINES_MAX) {
		free(memory);
		return;
	}
	memcpy(memory, &slab->free[n], sizeof(void *));
	slab->free[n] = memory;
}

void myc_slab_close(struct myc_slab *slab)
{
	while (slab->chunks) {
		void *chunk = slab->chunks;

		memcpy(&slab->chunks, chunk, sizeof(void *));
		free(chunk);
	}
	memset(slab, 0, sizeof(*slab));
}
