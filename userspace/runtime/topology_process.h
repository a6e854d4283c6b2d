/* SPDX-License-Identifier: Apache-2.0 */
/* The processes of a topology, with their executors and actors; used while it is read. */
#ifndef MYC_RUNTIME_TOPOLOGY_PROCESS_H
#define MYC_RUNTIME_TOPOLOGY_PROCESS_H

#include "runtime/topology.h"

/* Network, channels and phases are there already. `folder`: what paths of the file are relative to. What of it
 * was read before an error is the topology's (myc_topology_free). */
int myc_topology_read_process(struct myc_yaml_node node, const char *folder,
			      struct myc_topology *topology, struct myc_topology_process *process,
			      struct myc_error *error);
/* A new one, or another value of one that is there. Both texts are copied. */
int myc_topology_add_setting(struct myc_topology_actor *actor, const char *key, const char *value,
			     struct myc_error *error);

#endif
