/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two orders that the compiler, not the processor, must keep, and a load that it must not split.
 */
#ifndef MYC_MEMORY_ORDER_H
#define MYC_MEMORY_ORDER_H

#include <stdint.h>

/* Between two stores of one thread to its own region: a process that is killed leaves the second only
 * with the first. A successor runs after the kernel has buried this process, so that the processor's
 * order does not matter; and none of this is read by anybody else. */
static inline void myc_order_for_successor(void)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* After copying what another process can write: what is checked and then used is this copy, the
 * compiler must not look at the original again. */
static inline void myc_order_copied(const void *copy)
{
	__asm__ __volatile__("" : : "r"(copy) : "memory");
}

/* A word that was loaded whole is not loaded again in parts, each of which would wait for the store just before. */
static inline uint64_t myc_order_loaded(uint64_t word)
{
	__asm__("" : "+r"(word));
	return word;
}

#endif
