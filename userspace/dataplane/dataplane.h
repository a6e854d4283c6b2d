/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The data plane of a system: made whole by the holder, used by the workers through their endpoints.
 * Three kinds with one face:
 *   XDP   UMEM, AF_XDP sockets (one an endpoint and queue), fill rings; the program steers
 *   UDP   a UDP socket a binding, the program's twin steers inside the worker; no privilege
 *   FILE  a pcap or pcapng file (also gzipped) read by the workers, the twin steers
 *
 *	holder:  myc_dataplane_plan() for each region; myc_dataplane_open(); fork workers ...
 *	worker:  myc_dataplane_forked(); myc_endpoint_join() for each of its endpoints
 *	holder:  steer off (program detached), workers gone, myc_dataplane_close()
 *
 * Who owns what: descriptors, UMEM and rings belong to the holder until close. FILL and COMPLETION
 * of a queue have one keeper at a time, the worker named in opts; every other worker sends frames
 * home over a return ring in its own region, which the keeper drains.
 */
#ifndef MYC_DATAPLANE_DATAPLANE_H
#define MYC_DATAPLANE_DATAPLANE_H

#include <stdbool.h>
#include <stdint.h>

#include <mycelium/error.h>

#include "dataplane/endpoint.h"
#include "dataplane/program.h"
#include "dataplane/steer_user.h"
#include "dataplane/steering.h"
#include "memory/region.h"

enum myc_dataplane_kind {
	MYC_DATAPLANE_NONE = 0,
	MYC_DATAPLANE_XDP,
	MYC_DATAPLANE_UDP,
	MYC_DATAPLANE_FILE
};

/* What the user asked for; AUTO walks down the ladder, any other is required. */
enum myc_xsk_mode { MYC_XSK_AUTO = 0, MYC_XSK_ZEROCOPY, MYC_XSK_COPY, MYC_XSK_GENERIC };

enum myc_wait {
	MYC_WAIT_SPIN = 0,
	MYC_WAIT_NEED_WAKEUP,
	MYC_WAIT_BUSY_POLL,
	MYC_WAIT_BLOCKING,
};

/* Every receive queue that the interface has when it is opened, up to the first MYC_QUEUES_ALL_MAX:
 * which one a flow comes to is the NIC's secret. */
#define MYC_QUEUES_ALL	   (~0ull)
#define MYC_QUEUES_ALL_MAX 16

struct myc_endpoint_opts {
	const char *name; /* its actor's */
	uint32_t process; /* worker that owns it */
	uint64_t queues;  /* bit q: a socket on queue q; 0 = all of opts.queues */
	uint32_t rx_ring; /* entries, a power of two, 0 = 2048 */
};

struct myc_dataplane_opts {
	size_t sz;
	enum myc_dataplane_kind kind;
	const char *interface; /* XDP: device; UDP: device to join groups on, NULL = by route */
	uint64_t queues;       /* XDP: bit set, 0 = queue 0; MYC_QUEUES_ALL = all that it has */
	uint32_t keeper[MYC_QUEUES_MAX]; /* process that keeps this queue's fill ring */
	enum myc_xsk_mode mode;
	enum myc_wait wait;
	uint32_t
		frames; /* XDP: a queue, UDP and FILE: an endpoint; a power of two, 0 = 4096, 1024 */
	uint32_t frame_size; /* 2048 or 4096, 0 = 2048 */
	const char *file;    /* FILE: path; "" rate below */
	double file_speed;   /* 1 = as recorded, 0 = as fast as it is handled */
	bool join_groups;    /* XDP and UDP: join and hold the bindings' multicast groups */
	const struct myc_endpoint_opts *endpoint;
	uint32_t endpoints;
	const struct myc_steer_config
		*config; /* UDP, FILE: what the twin steers by; XDP: the groups */
};

struct myc_dataplane;

/* Adds the blocks this process needs in its region: hands, return rings; for UDP and FILE also the
 * twin's state and frames. `error` may be NULL. */
int myc_dataplane_plan(const struct myc_dataplane_opts *opts, uint32_t process,
		       struct myc_region_plan *plan, struct myc_error *error);

/* Holder. XDP: `program` is loaded; its XSKMAP is filled last, socket by socket, when the rings
 * are mapped and filled. Nothing is left behind on failure. */
int myc_dataplane_open(struct myc_dataplane **dataplane, const struct myc_dataplane_opts *opts,
		       struct myc_program *program, struct myc_error *error);
/* One line for people: what was got on queue q, and why not better. NULL: not a queue of it. */
const char *myc_dataplane_receipt(const struct myc_dataplane *dataplane, uint32_t queue);
/* Ordered: takes the sockets out of the XSKMAP, drains, closes, leaves groups. */
void myc_dataplane_close(struct myc_dataplane *dataplane);

/* Worker, right after fork: drops what is not this process' (descriptors, mappings). */
void myc_dataplane_forked(struct myc_dataplane *dataplane, uint32_t process);

/* What an endpoint needs of the rest of the system. Everything pointed to outlives the endpoint. */
struct myc_dataplane_tables {
	/* XDP: of this worker (myc_program_map_worker); the others are what the twin needs. */
	const struct myc_program_maps *maps;
	const struct myc_registry_row *registry;
	const struct myc_process_row *processes;
	const struct myc_system_page *system;
	struct myc_process_page *page; /* of this process, writable */
	struct myc_process_page *const *pages;
};

/* Worker: recovers the hand (see endpoint.h) and is ready to take. `regions` by process. */
int myc_endpoint_join(struct myc_endpoint **endpoint, struct myc_dataplane *dataplane,
		      uint32_t index, const struct myc_region *regions, uint32_t processes,
		      const struct myc_dataplane_tables *tables, struct myc_error *error);
/* The words that feed and steering share for one channel of this endpoint. */
int myc_endpoint_view(struct myc_endpoint *endpoint, uint16_t channel,
		      struct myc_channel_view *view);
void myc_endpoint_leave(struct myc_endpoint *endpoint);

/* FILE: the end was reached and every packet taken and done. UDP, XDP: false. */
bool myc_endpoint_exhausted(const struct myc_endpoint *endpoint);
/* FILE: 0, or why the file ended early (it changed after open, which reads it through). */
int myc_endpoint_error(const struct myc_endpoint *endpoint, struct myc_error *error);

/* The sum that must hold (DESIGN rule 7), read by the holder while it still has the descriptors. */
struct myc_ledger {
	uint64_t frames; /* in all */
	uint64_t in_fill, in_rx, in_hand, in_return, in_completion;
	uint64_t in_kernel; /* frames minus the rest: taken off FILL, not yet on RX */
	uint64_t rx_dropped, rx_ring_full, fill_ring_empty,
		rx_invalid; /* XDP_STATISTICS, over sockets */
	uint64_t unpushed;  /* UDP, FILE: judged by a worker that died then; a file's come again */
	uint64_t lost_before; /* UDP: dropped by full sockets, before the twin judged them */
	uint64_t handled;     /* packets done, all endpoints */
	uint64_t
		not_delivered; /* of these: bad descriptor, metadata or frame; see struct myc_hand */
	uint64_t
		refused; /* XDP: datagrams for the groups that came up the host's stack; see groups.h */
};
/* redirected = handled + in_hand + in_rx + rx_dropped + rx_ring_full + unpushed. A socket of XDP drops what the
 * program has counted; one of UDP drops before anything is counted, so lost_before stands beside. */
int myc_dataplane_ledger(struct myc_dataplane *dataplane, const struct myc_region *regions,
			 uint32_t processes, struct myc_ledger *ledger);

/* Sums the counters of row `row` (0 = no channel, c + 1), wherever this kind keeps them. */
int myc_dataplane_counters(const struct myc_dataplane *dataplane, const struct myc_region *regions,
			   uint32_t processes, uint32_t row, struct myc_counters *sum);

#endif
