/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Typed access to a ring that is shared with the kernel (AF_XDP: RX, FILL, COMPLETION) or that a
 * source without XDP keeps in memory of its own. There is no state beside the ring's own indices,
 * so a successor goes on where its predecessor was.
 *
 * Indices count up and wrap at 2^32. The producer's store-release pairs with the consumer's
 * load-acquire of `producer`, and the other way round for `consumer`.
 */
#ifndef MYC_DATAPLANE_RINGS_H
#define MYC_DATAPLANE_RINGS_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/if_xdp.h>

#include <mycelium/abi/hand.h>

struct myc_ring {
	uint32_t *producer;
	uint32_t *consumer; /* NULL: a ring that is never full for its producer (return ring) */
	uint32_t *flags;    /* XDP_RING_NEED_WAKEUP, or NULL */
	void *slots;	    /* struct myc_frame (RX) or uint64_t (FILL, COMPLETION, return) */
	uint32_t mask;	    /* slots - 1 */
};

/* For the consumer: entries waiting. What the other side says is clamped to what can be. */
static inline uint32_t myc_ring_waiting(const struct myc_ring *ring)
{
	uint32_t n = __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) -
		     __atomic_load_n(ring->consumer, __ATOMIC_RELAXED);

	return n <= ring->mask + 1 ? n : ring->mask + 1;
}

/* For the producer: slots free. */
static inline uint32_t myc_ring_room(const struct myc_ring *ring)
{
	if (!ring->consumer)
		return ring->mask + 1;
	uint32_t used = __atomic_load_n(ring->producer, __ATOMIC_RELAXED) -
			__atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);

	return used <= ring->mask + 1 ? ring->mask + 1 - used : 0;
}

static inline uint32_t myc_ring_index(const uint32_t *index)
{
	return __atomic_load_n(index, __ATOMIC_RELAXED);
}

static inline void myc_ring_publish(uint32_t *index, uint32_t value)
{
	__atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static inline struct myc_frame *myc_ring_frame(const struct myc_ring *ring, uint32_t index)
{
	return &((struct myc_frame *)ring->slots)[index & ring->mask];
}

static inline uint64_t *myc_ring_address(const struct myc_ring *ring, uint32_t index)
{
	return &((uint64_t *)ring->slots)[index & ring->mask];
}

static inline bool myc_ring_needs_wakeup(const struct myc_ring *ring)
{
	return ring->flags &&
	       (__atomic_load_n(ring->flags, __ATOMIC_RELAXED) & XDP_RING_NEED_WAKEUP);
}

#endif
