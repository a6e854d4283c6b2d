/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One RX queue of an interface in AF_XDP: its part of the UMEM, its FILL and COMPLETION rings, and
 * one socket an endpoint, all sharing them.
 *
 * Everything is created, filled and mapped before the sockets are bound (a driver takes frames at
 * bind; Linux 6.1 refuses mappings after it), by the holder, which keeps it until close. Workers
 * inherit the mappings through fork and drop what is not theirs by myc_xsk_keep.
 */
#ifndef MYC_DATAPLANE_XSK_H
#define MYC_DATAPLANE_XSK_H

#include <net/if.h>

#include <xdp/xsk.h>

#include <mycelium/abi/steer.h>
#include <mycelium/error.h>

#include "dataplane/dataplane.h"
#include "dataplane/rings.h"

struct myc_xsk_socket {
	uint32_t endpoint;
	uint32_t entries;
	struct xsk_socket *handle;
	struct xsk_ring_cons rx_mapped;
	struct myc_ring rx;
	int fd; /* of the handle; -1 in a worker that does not need it */
};

struct myc_xsk_queue {
	char interface[IF_NAMESIZE];
	uint32_t queue;
	uint32_t frames, frame_size;
	uint8_t *memory; /* this queue's part of the UMEM; another's to map and unmap */
	bool huge;	 /* on huge pages */
	struct xsk_umem *umem;
	struct xsk_ring_prod fill_mapped;
	struct xsk_ring_cons completion_mapped;
	struct myc_ring fill, completion;
	uint32_t sockets;
	struct myc_xsk_socket socket[MYC_ENDPOINTS_MAX];
	enum myc_xsk_mode got; /* ZEROCOPY or COPY, as the kernel says */
	enum myc_wait wait;
	uint32_t bounced_ms;	/* the link was down for so long after the bind */
	uint32_t queues_beside; /* receive queues of the interface that are not ours */
	char why[160];		/* not better */
	char receipt[512];
};

/* The caller has set interface, queue, frames, frame_size, memory, huge, wait, sockets and each
 * socket's endpoint and entries. ZEROCOPY asks for it, AUTO where the trust table (nic.h) vouches
 * for the driver on this kernel; a queue that is taken is tried again for a second. On failure nothing is left. */
int myc_xsk_open(struct myc_xsk_queue *queue, enum myc_xsk_mode mode, struct myc_error *error);
void myc_xsk_close(struct myc_xsk_queue *queue);

/* Worker: unmaps the rings of sockets whose endpoint is not in `endpoints` and, unless `keeper`,
 * the FILL and COMPLETION rings; closes descriptors except those it must poll or wake. */
void myc_xsk_keep(struct myc_xsk_queue *queue, uint64_t endpoints, bool keeper);

/* Writes and returns the receipt: what this queue got, and why not better. */
const char *myc_xsk_receipt(struct myc_xsk_queue *queue);

/* How a program is attached to the interface now: COPY = native, GENERIC, AUTO = none is. */
enum myc_xsk_mode myc_xsk_attached(const char *interface);

#endif
