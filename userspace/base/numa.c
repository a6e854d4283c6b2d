/* SPDX-License-Identifier: Apache-2.0 */
#include "base/numa.h"

#include <errno.h>
#include <linux/mempolicy.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MASK_BITS (MYC_NUMA_NODES_MAX + 1) /* as the kernel counts them */

static struct myc_numa machine;
static pthread_once_t once = PTHREAD_ONCE_INIT;

/* "0-3,8,10-11" */
static void read_list(const char *text, cpu_set_t *cores)
{
	while (*text >= '0' && *text <= '9') {
		char *end;
		unsigned long first = strtoul(text, &end, 10), last = first;

		if (*end == '-')
			last = strtoul(end + 1, &end, 10);
		for (unsigned long core = first; core <= last && core < CPU_SETSIZE; core++)
			CPU_SET(core, cores);
		text = *end == ',' ? end + 1 : end;
	}
}

void myc_numa_read(struct myc_numa *numa, const char *root)
{
	memset(numa, 0, sizeof(*numa));
	numa->nodes = 1;
	for (uint32_t node = 0; node < MYC_NUMA_NODES_MAX; node++) {
		char path[512], text[4096];

		snprintf(path, sizeof(path), "%s/devices/system/node/node%u/cpulist", root, node);
		FILE *file = fopen(path, "re");

		if (!file)
			continue;
		if (fgets(text, sizeof(text), file)) {
			read_list(text, &numa->cores[node]);
			numa->nodes = node + 1;
		}
		fclose(file);
	}
	if (numa->nodes == 1 && !CPU_COUNT(&numa->cores[0]))
		memset(&numa->cores[0], 0xff, sizeof(numa->cores[0]));
}

static void read_machine(void)
{
	myc_numa_read(&machine, "/sys");
}

const struct myc_numa *myc_numa(void)
{
	pthread_once(&once, read_machine);
	return &machine;
}

uint32_t myc_numa_node_of(const struct myc_numa *numa, unsigned core)
{
	for (uint32_t node = 0; core < CPU_SETSIZE && node < numa->nodes; node++)
		if (CPU_ISSET(core, &numa->cores[node]))
			return node;
	return 0;
}

int myc_numa_has_cores(const struct myc_numa *numa, uint32_t node)
{
	return node < numa->nodes && CPU_COUNT(&numa->cores[node]);
}

int myc_numa_prefer(void *start, size_t size, size_t page, uint32_t node)
{
	uintptr_t from = ((uintptr_t)start + page - 1) / page * page;
	uintptr_t to = ((uintptr_t)start + size) / page * page;
	unsigned long mask = 1ul << node;

	if (myc_numa()->nodes == 1 || to <= from)
		return 0;
	if (node >= myc_numa()->nodes)
		return -EINVAL;
	return syscall(SYS_mbind, from, to - from, MPOL_PREFERRED, &mask, MASK_BITS, 0) ? -errno
											: 0;
}

void myc_numa_enter(struct myc_numa_policy *before, uint32_t node)
{
	unsigned long mask = node < MYC_NUMA_NODES_MAX ? 1ul << node : 0;

	before->mode = -1;
	memset(before->mask, 0, sizeof(before->mask));
	if (myc_numa()->nodes == 1 || !mask ||
	    syscall(SYS_get_mempolicy, &before->mode, before->mask, 8 * sizeof(before->mask), NULL,
		    0) ||
	    syscall(SYS_set_mempolicy, MPOL_PREFERRED, &mask, MASK_BITS))
		before->mode = -1;
}

void myc_numa_leave(const struct myc_numa_policy *before)
{
	if (before->mode >= 0)
		(void)syscall(SYS_set_mempolicy, before->mode, before->mask,
			      8 * sizeof(before->mask));
}

int myc_numa_node_at(const void *address)
{
	int node = 0;

	if (myc_numa()->nodes == 1)
		return 0;
	return syscall(SYS_get_mempolicy, &node, NULL, 0, address, MPOL_F_NODE | MPOL_F_ADDR)
		       ? -errno
		       : node;
}
