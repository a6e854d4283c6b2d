/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Addresses of actors: 64 bits, node 10 | process 10 | slot 20 | generation 24 from the top.
 *
 * Valid on every node, may travel in messages and be stored. The generation changes only when a
 * slot is given to another actor; restarts of an actor do not change its address. 0 is nobody.
 */
#ifndef MYCELIUM_ADDRESS_H
#define MYCELIUM_ADDRESS_H

#include <stdint.h>

typedef uint64_t myc_address;

#define MYC_NOBODY	    ((myc_address)0)
#define MYC_NODE_BITS	    10
#define MYC_PROCESS_BITS    10
#define MYC_SLOT_BITS	    20
#define MYC_GENERATION_BITS 24

/* Generations start at 1, so that no address is 0. */
static inline myc_address myc_address_make(uint32_t node, uint32_t process, uint32_t slot,
					   uint32_t generation)
{
	return (uint64_t)(node & 0x3ff) << 54 | (uint64_t)(process & 0x3ff) << 44 |
	       (uint64_t)(slot & 0xfffff) << 24 | (generation & 0xffffff);
}

/* The parts of an address. */
static inline uint32_t myc_address_node(myc_address address)
{
	return (uint32_t)(address >> 54);
}
static inline uint32_t myc_address_process(myc_address address)
{
	return (uint32_t)(address >> 44) & 0x3ff;
}
static inline uint32_t myc_address_slot(myc_address address)
{
	return (uint32_t)(address >> 24) & 0xfffff;
}
static inline uint32_t myc_address_generation(myc_address address)
{
	return (uint32_t)address & 0xffffff;
}

#endif
