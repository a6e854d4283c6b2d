/* SPDX-License-Identifier: Apache-2.0 */
/* What must hold between several places of a topology file; used while it is read. */
#ifndef MYC_RUNTIME_TOPOLOGY_CHECK_H
#define MYC_RUNTIME_TOPOLOGY_CHECK_H

#include "runtime/topology.h"

/* Is there such a core, and may we run on it? */
int myc_topology_check_core(struct myc_yaml_node node, uint32_t core, struct myc_error *error);
/* The NUMA node of an executor that is not pinned; is there one? `node` may be absent. */
int myc_topology_read_node(struct myc_yaml_node node, struct myc_executor_opts *executor,
			   struct myc_error *error);
/* Has the actor a thread of its own? Counted in the process. `node` may be absent. */
int myc_topology_read_thread(struct myc_yaml_node node, struct myc_topology_process *process,
			     struct myc_topology_actor *actor, struct myc_error *error);
/* Has the kind what it needs? `node` may be absent. */
int myc_topology_check_network(const struct myc_topology *topology, struct myc_yaml_node node,
			       struct myc_error *error);
/* Names unique, a channel fed to one actor and no channel to nobody, spinning executors alone on
 * their cores. `processes` is the sequence that topology->process was read from. */
int myc_topology_check(const struct myc_topology *topology, struct myc_yaml_node processes,
		       struct myc_error *error);

#endif
