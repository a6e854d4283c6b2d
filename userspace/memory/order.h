/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two orders that the compiler, not the processor, must keep.
 */
#ifndef MYC_MEMORY_ORDER_H
#define MYC_MEMORY_ORDER_H

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

#endif
