/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a topology to what is laid out: options of every part, the blocks of every region, registry
 * rows and the steering configuration's owners. A pure function of the topology, made once before
 * anything starts and inherited by every process.
 *
 * Regions: 0 .. processes - 1 the workers', then the supervisor's.
 */
#ifndef MYC_RUNTIME_LAYOUT_H
#define MYC_RUNTIME_LAYOUT_H

#include <mycelium/address.h>

#include "market/feed.h"
#include "registry/registry.h"
#include "runtime/shared.h"
#include "runtime/topology.h"

#define MYC_REGIONS_MAX (MYC_PROCESSES_MAX + 1)

/* Parts of MYC_BLOCK_REGISTRY in the supervisor's region, when no BPF map is behind them. */
enum myc_registry_part {
	MYC_REGISTRY_PART_ROWS = 0,
	MYC_REGISTRY_PART_PROCESSES = 1,
	MYC_REGISTRY_PART_SYSTEM = 2,
};

struct myc_layout {
	struct myc_topology *topology;
	bool in_kernel; /* registry and pages are BPF maps */
	uint32_t executors_all;
	struct myc_system_opts system[MYC_PROCESSES_MAX];
	struct myc_topic_opts topic[MYC_PROCESSES_MAX][MYC_PROCESS_TOPICS_MAX]; /* of these */
	uint32_t row[MYC_PROCESSES_MAX][MYC_PROCESS_ACTORS_MAX]; /* registry row by slot */
	struct myc_endpoint_opts endpoint[MYC_ENDPOINTS_MAX];
	struct myc_dataplane_opts dataplane;
	struct myc_region_plan plan[MYC_REGIONS_MAX];
};

/* Fills owners into topology->channels->config too, and checks it. The topology must live on. */
int myc_layout_make(struct myc_layout **layout, struct myc_topology *topology,
		    struct myc_error *error);
void myc_layout_free(struct myc_layout *layout);

/* What the registry says of this actor before it runs; restarts 0, state STARTING. */
void myc_layout_entry(const struct myc_layout *layout, uint32_t process, uint32_t actor,
		      struct myc_registry_entry *entry);

#endif
