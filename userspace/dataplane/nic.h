/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the data plane must know of a network interface: its driver, its receive queues, whether its
 * link is up; and the trust table, which says what a driver is taken for on a kernel.
 *
 * The table is what mode `auto` goes by: zero-copy is asked for only where a row vouches for it,
 * since a driver may take the request and deliver nothing, or another packet's bytes. A required mode
 * is asked of any driver. Each row names its source; vm-tests/ is the source of those that are run.
 *
 * Any thread. All of it asks the caller's network namespace.
 */
#ifndef MYC_DATAPLANE_NIC_H
#define MYC_DATAPLANE_NIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MYC_DRIVER_NAME 32

struct myc_trust {
	const char *driver; /* as ethtool -i says */
	uint32_t kernel;    /* from this on: major * 1000 + minor */
	bool zerocopy;	    /* else native copy */
	const char *source;
};

/* The row for a driver and kernel (0 = the running one): the last of the driver that is not newer.
 * NULL: the driver is not in the table. */
const struct myc_trust *myc_trust_find(const char *driver, uint32_t kernel);
/* One line for people: what `auto` will use on this interface, and by what source. */
void myc_trust_say(const char *interface, char *out, size_t size);
/* The running kernel as in struct myc_trust. */
uint32_t myc_kernel_version(void);

/* The interface's driver, "" when it names none. */
void myc_nic_driver(const char *interface, char driver[MYC_DRIVER_NAME]);
/* How many receive queues it has in use: at least 1. */
uint32_t myc_nic_queues(const char *interface);
/* Is it up with a link? */
bool myc_nic_running(const char *interface);
/* Attaching a program and binding a socket make some drivers (igb) take their link down for seconds.
 * Waits until it is back, at most timeout_ms: milliseconds waited, or -ETIMEDOUT. */
int myc_nic_settle(const char *interface, uint32_t timeout_ms);

#endif
