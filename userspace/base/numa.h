/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which cores and which memory belong together. Read from /sys once; a machine (or kernel) without NUMA has one
 * node, 0, with all cores, and nothing here does anything. By system calls, not libnuma: three of them.
 *
 * Memory policies are wishes (MPOL_PREFERRED): a node that is full gives way to another.
 */
#ifndef MYC_BASE_NUMA_H
#define MYC_BASE_NUMA_H

#include <sched.h>
#include <stddef.h>
#include <stdint.h>

#define MYC_NUMA_NODES_MAX 64

struct myc_numa {
	uint32_t nodes; /* highest number + 1, at least 1 */
	cpu_set_t cores[MYC_NUMA_NODES_MAX];
};

/* Reads ROOT/devices/system/node. What is not there or does not parse is no node. */
void myc_numa_read(struct myc_numa *numa, const char *root);
/* This machine's, read at the first call. Any thread. */
const struct myc_numa *myc_numa(void);
/* 0 when no node has it. */
uint32_t myc_numa_node_of(const struct myc_numa *numa, unsigned core);
/* Has this node cores? */
int myc_numa_has_cores(const struct myc_numa *numa, uint32_t node);

/* Whole pages in [start, start + size) of a shared mapping that nobody has touched yet are to come from this
 * node, in whatever process they are touched first. 0, -errno; 0 too when there is but one node. */
int myc_numa_prefer(void *start, size_t size, size_t page, uint32_t node);
/* What this thread touches first from now on is to come from this node, until it is taken back. */
struct myc_numa_policy {
	int mode; /* -1 = nothing was changed */
	unsigned long mask[16];
};
void myc_numa_enter(struct myc_numa_policy *before, uint32_t node);
void myc_numa_leave(const struct myc_numa_policy *before);
/* The node whose memory is at this address, which has been touched. -errno; 0 when there is but one. */
int myc_numa_node_at(const void *address);

#endif
