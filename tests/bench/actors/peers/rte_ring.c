/* SPDX-License-Identifier: Apache-2.0 */
/* DPDK's ring, one producer and one consumer, elements by value, on plain memory (no EAL). */
#include <rte_ring.h>
#include <rte_ring_elem.h>

#define RING_MODE "rte_ring SP/SC, 40-byte elements"
#include "ring.h"

static struct rte_ring *ring[2];

static bool ring_push(int which, const struct message *message)
{
	return !rte_ring_sp_enqueue_elem(ring[which], (void *)(uintptr_t)message, sizeof(*message));
}

static bool ring_pop(int which, struct message *message)
{
	return !rte_ring_sc_dequeue_elem(ring[which], message, sizeof(*message));
}

int main(void)
{
	ssize_t size = rte_ring_get_memsize_elem(sizeof(struct message), MEASURE_RING);

	for (int i = 0; i < 2; i++) {
		ring[i] = size > 0 ? aligned_alloc(RTE_CACHE_LINE_SIZE, (size_t)size) : NULL;
		if (!ring[i] || rte_ring_init(ring[i], i ? "back" : "there", MEASURE_RING,
					      RING_F_SP_ENQ | RING_F_SC_DEQ)) {
			fprintf(stderr, "no ring\n");
			return 1;
		}
	}
	ring_course();
	return 0;
}
