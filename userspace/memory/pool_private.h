/* SPDX-License-Identifier: Apache-2.0 */
/* What pool.c, pool_ledger.c and pool_recover.c share beyond memory/pool.h. */
#ifndef MYC_MEMORY_POOL_PRIVATE_H
#define MYC_MEMORY_POOL_PRIVATE_H

#include "memory/pool.h"

/* The constants of a block with these options. */
void myc_pool_head(struct myc_pools *head, const struct myc_pool_opts *opts);
/* Where the owner says how far it has read our ring; NULL: it has not found it yet. */
const struct myc_return_cursor *myc_pool_find_cursor(const struct myc_pool *pool,
						     const struct myc_pool_peer *peer);
/* No room in our ring? Looks at the owner's cursor only when the last look says so. */
bool myc_pool_ring_full(const struct myc_pool *pool, struct myc_pool_peer *peer);
/* What is said to come home, against its header. */
enum myc_pool_fault myc_pool_return_check(const struct myc_pool *pool, uint32_t name,
					  uint32_t generation, uint32_t weight, uint32_t *header);
/* A piece of it did: free when it was the last. */
void myc_pool_came_home(struct myc_pool *pool, uint32_t name, uint32_t header);

static inline void myc_pool_count(uint64_t *counter)
{
	__atomic_store_n(counter, *counter + 1, __ATOMIC_RELAXED);
}

#endif
