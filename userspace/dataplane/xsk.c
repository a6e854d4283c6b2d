/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/xsk.h"

#include <errno.h>
#include <linux/if_link.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <bpf/libbpf.h>

#include "dataplane/nic.h"

#define COMPLETION_ENTRIES 64 /* nothing is sent: the kernel wants the ring all the same */
#define BUSY_TRIES	   50 /* a closed socket's queue stays busy for a moment */
#define BUSY_WAIT_NS	   20000000
#define RINGS_MAP_LATER	   6004 /* Linux 6.4: rings can be mapped after the bind */
#define BUSY_POLL_US	   20
#define BUSY_POLL_BUDGET   64

/*
 * FILL has twice as many slots as there are frames: the kernel publishes its consumer index in
 * batches, so a frame may come back while its old slot still counts as used. At most all frames
 * are consumed and given back once before the index is published.
 */
static uint32_t fill_entries(const struct myc_xsk_queue *queue)
{
	return 2 * queue->frames;
}

static struct myc_ring ring_of_producer(const struct xsk_ring_prod *mapped)
{
	return (struct myc_ring){.producer = mapped->producer,
				 .consumer = mapped->consumer,
				 .flags = mapped->flags,
				 .slots = mapped->ring,
				 .mask = mapped->mask};
}

static struct myc_ring ring_of_consumer(const struct xsk_ring_cons *mapped)
{
	return (struct myc_ring){.producer = mapped->producer,
				 .consumer = mapped->consumer,
				 .flags = mapped->flags,
				 .slots = mapped->ring,
				 .mask = mapped->mask};
}

static int open_umem(struct myc_xsk_queue *queue)
{
	/* The kernel leaves 256 bytes of head-room, so with the metadata's size on top of that the
	 * metadata begins a cache line and shares it with the packet's first headers: a line less
	 * to move between the cores for every packet. */
	const struct xsk_umem_config config = {.fill_size = fill_entries(queue),
					       .comp_size = COMPLETION_ENTRIES,
					       .frame_size = queue->frame_size,
					       .frame_headroom = MYC_META_SIZE};
	int err;

	/* libxdp 1.3 leaves the cached indices as it finds them. */
	memset(&queue->fill_mapped, 0, sizeof(queue->fill_mapped));
	memset(&queue->completion_mapped, 0, sizeof(queue->completion_mapped));
	err = xsk_umem__create(&queue->umem, queue->memory,
			       (uint64_t)queue->frames * queue->frame_size, &queue->fill_mapped,
			       &queue->completion_mapped, &config);
	if (err) {
		queue->umem = NULL;
		return err;
	}
	queue->fill = ring_of_producer(&queue->fill_mapped);
	queue->completion = ring_of_consumer(&queue->completion_mapped);
	for (uint32_t i = 0; i < queue->frames; i++)
		*myc_ring_address(&queue->fill, i) = (uint64_t)i * queue->frame_size;
	myc_ring_publish(queue->fill.producer, queue->frames);
	return 0;
}

static void close_queue(struct myc_xsk_queue *queue)
{
	for (uint32_t i = queue->sockets; i-- > 0;)
		if (queue->socket[i].handle) {
			xsk_socket__delete(queue->socket[i].handle);
			queue->socket[i].handle = NULL;
		}
	if (queue->umem)
		xsk_umem__delete(queue->umem);
	queue->umem = NULL;
}

/* Options that need a capability workers do not have. Failing ones are not fatal: the queue then
 * spins without them. */
static void prefer_busy_poll(int fd)
{
	const int on = 1, us = BUSY_POLL_US, budget = BUSY_POLL_BUDGET;

	setsockopt(fd, SOL_SOCKET, SO_PREFER_BUSY_POLL, &on, sizeof(on));
	setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL, &us, sizeof(us));
	setsockopt(fd, SOL_SOCKET, SO_BUSY_POLL_BUDGET, &budget, sizeof(budget));
}

static int open_socket(struct myc_xsk_queue *queue, struct myc_xsk_socket *socket,
		       uint16_t bind_flags)
{
	const struct xsk_socket_config config = {.rx_size = socket->entries,
						 .libxdp_flags =
							 XSK_LIBXDP_FLAGS__INHIBIT_PROG_LOAD,
						 .bind_flags = bind_flags};
	int err;

	memset(&socket->rx_mapped, 0, sizeof(socket->rx_mapped));
	err = xsk_socket__create_shared(&socket->handle, queue->interface, queue->queue,
					queue->umem, &socket->rx_mapped, NULL, &queue->fill_mapped,
					&queue->completion_mapped, &config);
	if (err) {
		socket->handle = NULL;
		return err;
	}
	socket->fd = xsk_socket__fd(socket->handle);
	socket->rx = ring_of_consumer(&socket->rx_mapped);
	if (queue->wait == MYC_WAIT_BUSY_POLL)
		prefer_busy_poll(socket->fd);
	return 0;
}

/* One rung of the ladder: UMEM, rings, fill, sockets; all or nothing. */
static int open_queue(struct myc_xsk_queue *queue, uint16_t bind_flags)
{
	int err = open_umem(queue);

	for (uint32_t i = 0; !err && i < queue->sockets; i++)
		err = open_socket(queue, &queue->socket[i], bind_flags);
	if (err)
		close_queue(queue);
	return err;
}

static int open_queue_patiently(struct myc_xsk_queue *queue, uint16_t bind_flags)
{
	const struct timespec pause = {.tv_nsec = BUSY_WAIT_NS};
	int err = open_queue(queue, bind_flags);

	for (int i = 1; err == -EBUSY && i < BUSY_TRIES; i++) {
		nanosleep(&pause, NULL);
		err = open_queue(queue, bind_flags);
	}
	return err;
}

static int read_back(struct myc_xsk_queue *queue)
{
	struct xdp_options options = {0};
	socklen_t size = sizeof(options);

	if (getsockopt(queue->socket[0].fd, SOL_XDP, XDP_OPTIONS, &options, &size))
		return -errno;
	queue->got = options.flags & XDP_OPTIONS_ZEROCOPY ? MYC_XSK_ZEROCOPY : MYC_XSK_COPY;
	return 0;
}

static int refuse(const struct myc_xsk_queue *queue, int err, bool zerocopy,
		  struct myc_error *error)
{
	const char *remedy;

	switch (err) {
	case -EBUSY:
		remedy = "another AF_XDP socket has this queue: stop its process (ss --xdp -p) or "
			 "use another queue";
		break;
	case -EINVAL:
		remedy = zerocopy ? "use mode auto or copy, or a NIC whose driver has zero-copy"
				  : "use a queue the interface has (ethtool -l), and a frame size "
				    "and ring sizes that are powers of two";
		break;
	case -EOPNOTSUPP:
		remedy = zerocopy ? "use mode auto or copy, or a NIC whose driver has zero-copy"
				  : "use another interface, or kind udp";
		break;
	case -EPERM:
		remedy = "AF_XDP needs CAP_NET_RAW, CAP_NET_ADMIN and CAP_BPF: run as root, or use "
			 "kind udp";
		break;
	case -ENOBUFS:
	case -ENOMEM:
		remedy = "raise the locked-memory limit (ulimit -l) or use fewer frames";
		break;
	case -ENETDOWN:
		remedy = "bring the interface up (ip link set DEV up)";
		break;
	default:
		remedy = "see the kernel log";
	}
	myc_error_set(error, err, remedy, "%s: %s", zerocopy ? "zero-copy" : "copy mode",
		      strerror(-err));
	return myc_error_doing(error, "opening %u AF_XDP socket%s on %s queue %u", queue->sockets,
			       queue->sockets == 1 ? "" : "s", queue->interface, queue->queue);
}

/* A required native or generic mode is the program's to be attached in; known once it is. */
static int check_attached(const struct myc_xsk_queue *queue, enum myc_xsk_mode mode,
			  struct myc_error *error)
{
	enum myc_xsk_mode attached = myc_xsk_attached(queue->interface);

	if (mode == MYC_XSK_AUTO || attached == MYC_XSK_AUTO ||
	    (attached == MYC_XSK_GENERIC) == (mode == MYC_XSK_GENERIC))
		return 0;
	return myc_error_set(
		error, -EOPNOTSUPP,
		mode == MYC_XSK_GENERIC
			? "attach the program in mode generic, or require copy or auto"
			: "attach the program in mode native, or require generic or auto",
		"%s queue %u: the program is attached in %s mode", queue->interface, queue->queue,
		attached == MYC_XSK_GENERIC ? "generic" : "native");
}

/* Does the trust table vouch for zero-copy here? Else `why` says that it was not asked for. */
static bool is_trusted(struct myc_xsk_queue *queue)
{
	char driver[MYC_DRIVER_NAME];

	myc_nic_driver(queue->interface, driver);
	const struct myc_trust *trust = myc_trust_find(driver, 0);
	if (trust && trust->zerocopy)
		return true;
	snprintf(queue->why, sizeof(queue->why), "zero-copy: not asked of %s; %s", driver,
		 trust ? trust->source : "not in the trust table, mode zerocopy asks all the same");
	return false;
}

int myc_xsk_open(struct myc_xsk_queue *queue, enum myc_xsk_mode mode, struct myc_error *error)
{
	const uint16_t wakeup = queue->wait == MYC_WAIT_SPIN ? 0 : XDP_USE_NEED_WAKEUP;
	int err = check_attached(queue, mode, error);

	if (err)
		return err;
	err = -EOPNOTSUPP;
	if (mode == MYC_XSK_ZEROCOPY || (mode == MYC_XSK_AUTO && is_trusted(queue))) {
		err = open_queue_patiently(queue, (uint16_t)(XDP_ZEROCOPY | wakeup));
		if (err)
			snprintf(queue->why, sizeof(queue->why), "zero-copy: %s", strerror(-err));
		if (err == -EBUSY || (err && mode == MYC_XSK_ZEROCOPY))
			return refuse(queue, err, mode == MYC_XSK_ZEROCOPY, error);
	}
	if (err)
		err = open_queue_patiently(queue, (uint16_t)(XDP_COPY | wakeup));
	if (err)
		return refuse(queue, err, false, error);
	err = read_back(queue);
	if (err) {
		close_queue(queue);
		return myc_error_set(error, err, NULL, "%s queue %u: reading XDP_OPTIONS: %s",
				     queue->interface, queue->queue, strerror(-err));
	}
	return 0;
}

void myc_xsk_close(struct myc_xsk_queue *queue)
{
	close_queue(queue);
}

/* ---- workers ------------------------------------------------------------------------------- */

static void unmap_ring(void *slots, uint64_t slots_offset, uint64_t slots_size)
{
	if (slots)
		munmap((char *)slots - slots_offset, slots_offset + slots_size);
}

/* Spinning on a driver without need-wakeup needs no descriptor; the rest polls or wakes by it. */
static bool needs_descriptor(const struct myc_xsk_queue *queue)
{
	return queue->wait != MYC_WAIT_SPIN;
}

void myc_xsk_keep(struct myc_xsk_queue *queue, uint64_t endpoints, bool keeper)
{
	struct xdp_mmap_offsets offsets;
	socklen_t size = sizeof(offsets);

	if (getsockopt(queue->socket[0].fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size))
		return;
	for (uint32_t i = 0; i < queue->sockets; i++) {
		struct myc_xsk_socket *socket = &queue->socket[i];
		bool ours = endpoints >> socket->endpoint & 1;

		if (!ours) {
			unmap_ring(socket->rx.slots, offsets.rx.desc,
				   (uint64_t)socket->entries * sizeof(struct xdp_desc));
			memset(&socket->rx, 0, sizeof(socket->rx));
		}
		if (!ours || !needs_descriptor(queue)) {
			close(socket->fd);
			socket->fd = -1;
		}
	}
	unmap_ring(queue->completion.slots, offsets.cr.desc,
		   (uint64_t)COMPLETION_ENTRIES * sizeof(uint64_t));
	memset(&queue->completion, 0, sizeof(queue->completion));
	if (!keeper) {
		unmap_ring(queue->fill.slots, offsets.fr.desc,
			   (uint64_t)fill_entries(queue) * sizeof(uint64_t));
		memset(&queue->fill, 0, sizeof(queue->fill));
	}
}

/* ---- what was got -------------------------------------------------------------------------- */

enum myc_xsk_mode myc_xsk_attached(const char *interface)
{
	struct bpf_xdp_query_opts query = {.sz = sizeof(query)};
	unsigned index = if_nametoindex(interface);

	if (!index || bpf_xdp_query((int)index, 0, &query) ||
	    query.attach_mode == XDP_ATTACHED_NONE)
		return MYC_XSK_AUTO;
	return query.attach_mode == XDP_ATTACHED_SKB ? MYC_XSK_GENERIC : MYC_XSK_COPY;
}

static const char *wait_text(const struct myc_xsk_queue *queue)
{
	switch (queue->wait) {
	case MYC_WAIT_SPIN:
		return "spin";
	case MYC_WAIT_NEED_WAKEUP:
		return queue->got == MYC_XSK_ZEROCOPY ? "need-wakeup"
						      : "need-wakeup (in copy mode: spin)";
	case MYC_WAIT_BUSY_POLL:
		return "busy poll";
	default:
		return "blocking";
	}
}

const char *myc_xsk_receipt(struct myc_xsk_queue *queue)
{
	enum myc_xsk_mode attached = myc_xsk_attached(queue->interface);
	const char *mode = queue->got == MYC_XSK_ZEROCOPY ? "zero-copy"
			   : attached == MYC_XSK_GENERIC  ? "generic copy"
			   : attached == MYC_XSK_AUTO	  ? "copy, program not attached yet"
							  : "native copy";

	char beside[96] = "", bounced[48] = "";
	if (queue->queues_beside)
		snprintf(beside, sizeof(beside),
			 ", what comes to the %u other queues goes to the host's stack",
			 queue->queues_beside);
	if (queue->bounced_ms)
		snprintf(bounced, sizeof(bounced), ", link back after %u ms", queue->bounced_ms);
	snprintf(queue->receipt, sizeof(queue->receipt),
		 "%s queue %u: %s%s%s%s, %s, %u frames of %u bytes%s, %u socket%s, rings mapped "
		 "before bind and inherited%s%s%s",
		 queue->interface, queue->queue, mode, queue->why[0] ? " (" : "", queue->why,
		 queue->why[0] ? ")" : "", wait_text(queue), queue->frames, queue->frame_size,
		 queue->huge ? " on huge pages" : "", queue->sockets,
		 queue->sockets == 1 ? "" : "s",
		 myc_kernel_version() < RINGS_MAP_LATER
			 ? " (this kernel maps none later: no hot upgrade by exec)"
			 : "",
		 bounced, beside);
	return queue->receipt;
}
