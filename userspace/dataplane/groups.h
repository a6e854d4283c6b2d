/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Multicast groups joined and held on an interface while AF_XDP takes the packets: AF_XDP sends no
 * IGMP, and a snooping switch would stop the groups (market-data trap 16).
 *
 * One ordinary socket a binding, bound to (group, port): what the program passes up on purpose (an
 * IP fragment, trap 12: only the host's stack puts it together) finds its socket here. A filter
 * refuses every datagram, so nothing is ever buffered, and the kernel counts each one refused.
 */
#ifndef MYC_DATAPLANE_GROUPS_H
#define MYC_DATAPLANE_GROUPS_H

#include <stdbool.h>
#include <stdint.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include <mycelium/error.h>

#include "dataplane/steer_user.h"

struct myc_groups {
	uint32_t count;
	int fd[MYC_BINDINGS_MAX];
};

/* Joins the multicast groups of all bindings on the interface. Nothing is left on failure. */
int myc_groups_open(struct myc_groups *groups, const char *interface,
		    const struct myc_steer_config *config, struct myc_error *error);
void myc_groups_close(struct myc_groups *groups);
/* Datagrams for the channels that came up the host's stack instead of to an endpoint. */
uint64_t myc_groups_refused(const struct myc_groups *groups);

/* ---- shared with the UDP sockets --------------------------------------------------------------- */

/* Socket address of a binding; IPv4 for ::ffff:a.b.c.d. Returns its size. */
socklen_t myc_binding_address(const struct myc_binding_key *key, struct sockaddr_storage *address);
bool myc_binding_is_multicast(const struct myc_binding_key *key);
/* A UDP socket bound to the binding (non-blocking, address reusable), which has joined its group
 * on `interface_index` (0: by route). Descriptor or -errno with error filled. */
int myc_binding_socket(const struct myc_binding_key *key, unsigned interface_index,
		       struct myc_error *error);
/* Asks for a receive buffer of `bytes`, beyond net.core.rmem_max where privilege allows; returns
 * what was got. */
uint32_t myc_binding_buffer(int fd, uint32_t bytes);
/* Datagrams that the socket has dropped since it was opened: full, refused, or a wrong checksum. */
uint32_t myc_binding_dropped(int fd);

#endif
