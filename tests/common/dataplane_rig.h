/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A veth pair in a network namespace of the test's own, the steering program on one end, an AF_PACKET
 * sender on the other, and regions for the workers' hands. Channel c is UDP port RIG_PORT0 + c on
 * 239.7.7.7, protocol generic without a number, given to endpoint c unconditionally.
 */
#ifndef TESTS_COMMON_DATAPLANE_RIG_H
#define TESTS_COMMON_DATAPLANE_RIG_H

#include "dataplane/dataplane.h"

#define DP_PORT	     6100
#define DP_GROUP     0xef070707u
#define DP_SENDER    "mycdp0"
#define DP_RECEIVER  "mycdp1"
#define DP_PROCESSES 3

struct dp_rig {
	struct myc_steer_config config;
	struct myc_program *program;
	struct myc_dataplane *dataplane;
	struct myc_dataplane_opts opts;
	int region_fd[DP_PROCESSES];
	struct myc_region region[DP_PROCESSES]; /* all writable: the test is every worker */
	int sender;
};

/* Enters a new network namespace with the pair up. 0, or why not as -errno. */
int dp_namespace(unsigned queues);
void dp_config(struct myc_steer_config *config, unsigned channels);
/* Namespace with an interface of `queues`, program, regions, data plane; opts.config and kind are
 * set here. Fails the test. */
void dp_open(struct dp_rig *rig, unsigned queues, const struct myc_dataplane_opts *opts);
/* The same in the namespace as it is, where other programs may be. */
void dp_open_here(struct dp_rig *rig, const struct myc_dataplane_opts *opts,
		  enum myc_sharing sharing, uint32_t priority);
void dp_close(struct dp_rig *rig);
/* Regions alone, for sources without XDP. */
void dp_regions(struct dp_rig *rig, const struct myc_dataplane_opts *opts);
void dp_regions_close(struct dp_rig *rig);
struct myc_endpoint *dp_join(struct dp_rig *rig, uint32_t endpoint);
/* One datagram for channel c whose payload is the u64 `number`; `flow` varies the source port, and
 * so the queue. */
void dp_send(struct dp_rig *rig, unsigned channel, unsigned flow, uint64_t number);
/* Makes a frame acceptable to the host's own stack: the group's Ethernet address, the IPv4 header's
 * checksum. */
void dp_for_host(uint8_t *frame);
/* Packets that the program redirected, all channels. */
uint64_t dp_redirected(struct dp_rig *rig);
/* The ledger as it stands, and that its packets add up to what the program redirected. */
void dp_ledger(struct dp_rig *rig, struct myc_ledger *ledger);

#endif
