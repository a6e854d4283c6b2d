/* SPDX-License-Identifier: Apache-2.0 */
/* Topics that a topology declares; used while it is read. */
#ifndef MYC_RUNTIME_TOPOLOGY_TOPICS_H
#define MYC_RUNTIME_TOPOLOGY_TOPICS_H

#include "runtime/topology.h"

/* `node`: the sequence, may be absent. */
int myc_topology_read_topics(struct myc_yaml_node node, const struct myc_topology *topology,
			     struct myc_topology_process *process, struct myc_error *error);

#endif
