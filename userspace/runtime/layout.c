/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/layout.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runtime/channels_yaml.h"
#include "runtime/order.h"

#define NODE 0 /* of this host, until systems of several hosts are one */

void myc_layout_entry(const struct myc_layout *layout, uint32_t process, uint32_t actor,
		      struct myc_registry_entry *entry)
{
	const struct myc_topology_actor *from = &layout->topology->process[process].actor[actor];

	*entry = (struct myc_registry_entry){
		.address = myc_address_make(NODE, process, actor, 1),
		.row = layout->row[process][actor],
		.process = process,
		.executor = from->executor,
		.parent_row = MYC_NO_ROW,
		.state = MYC_ROW_STARTING,
		.endpoint = from->endpoint,
	};
	snprintf(entry->name, sizeof(entry->name), "%s", from->name);
	snprintf(entry->behaviour, sizeof(entry->behaviour), "%s", from->behaviour);
}

/* The steering program is configured with rows before the table exists. Publishing in the same
 * order into an empty table gives the same rows, so that is done here on the side. */
static int give_rows(struct myc_layout *layout, struct myc_error *error)
{
	struct myc_registry_row *rows = calloc(MYC_REGISTRY_ROWS, sizeof(*rows));
	struct myc_registry registry = {.rows = rows};
	int err = 0;

	if (!rows)
		return myc_error_set(error, -ENOMEM, NULL, "no memory");
	for (uint32_t p = 0; !err && p < layout->topology->processes; p++)
		for (uint32_t a = 0; !err && a < layout->topology->process[p].actors; a++) {
			struct myc_registry_entry entry;

			myc_layout_entry(layout, p, a, &entry);
			err = myc_registry_publish(&registry, &entry, error);
			layout->row[p][a] = entry.row;
		}
	free(rows);
	return err;
}

/* Who owns each channel, and where in the owner's page it lies. */
static int give_owners(struct myc_layout *layout, struct myc_error *error)
{
	struct myc_topology *topology = layout->topology;
	struct myc_steer_config *config = &topology->channels->config;

	for (uint32_t p = 0; p < topology->processes; p++) {
		uint16_t page_slot = 0;

		for (uint32_t a = 0; a < topology->process[p].actors; a++) {
			const struct myc_topology_actor *actor = &topology->process[p].actor[a];

			for (uint32_t f = 0; f < actor->feeds; f++) {
				struct myc_channel_config *channel =
					&config->channel[actor->feed[f]];

				channel->owner_row = layout->row[p][a];
				channel->endpoint = actor->endpoint;
				channel->page_slot = page_slot++;
			}
			if (actor->endpoint == MYC_NO_ENDPOINT)
				continue;
			layout->endpoint[actor->endpoint] = (struct myc_endpoint_opts){
				.name = actor->name,
				.process = p,
				.rx_ring = topology->network.rx_ring,
			};
		}
	}
	config->processes_count = topology->processes;
	return config->channels_count ? myc_steer_config_check(config, error) : 0;
}

/* A queue's fill ring is kept by the process of the first endpoint; all endpoints are on all
 * queues, so it is a worker of that queue. */
static void set_dataplane(struct myc_layout *layout)
{
	const struct myc_topology_network *network = &layout->topology->network;

	layout->dataplane = (struct myc_dataplane_opts){
		.sz = sizeof(layout->dataplane),
		.kind = network->kind,
		.interface = network->interface[0] ? network->interface : NULL,
		.queues = network->queues ? network->queues : MYC_QUEUES_ALL,
		.mode = network->mode,
		.wait = network->wait,
		.frames = network->frames,
		.frame_size = network->frame_size,
		.file = network->file,
		.file_speed = network->speed,
		.join_groups = network->join_groups,
		.endpoint = layout->endpoint,
		.endpoints = layout->topology->endpoints,
		.config = &layout->topology->channels->config,
	};
	for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++)
		layout->dataplane.keeper[q] = layout->endpoint[0].process;
}

static void set_systems(struct myc_layout *layout)
{
	for (uint32_t p = 0; p < layout->topology->processes; p++) {
		const struct myc_topology_process *process = &layout->topology->process[p];

		memcpy(layout->topic[p], process->topic, sizeof(layout->topic[p]));
		for (uint32_t i = 0; i < process->topics; i++)
			layout->topic[p][i].name = process->topic_name[i];
		layout->system[p] = (struct myc_system_opts){
			.sz = sizeof(layout->system[p]),
			.name = layout->topology->system,
			.executors = process->executors,
			.actors = process->slots,
			.lane_slots = process->lane_slots,
			.outbox = process->outbox,
			.growth = process->growth,
			.loans = process->loans,
			.readings = process->readings,
			.directory = process->directory,
			.work_threads = process->work_threads,
			.executor = process->executor,
			.cycles = layout->topology->cycles,
			.threads = process->threads,
			.topics = layout->topic[p],
			.topics_count = process->topics,
		};
		for (uint32_t i = 0; i < MYC_POOL_CLASSES; i++) {
			layout->system[p].buffers[i].size = process->buffers[i].size;
			layout->system[p].buffers[i].count = process->buffers[i].count;
		}
		layout->executors_all += process->executors + process->threads;
	}
}

/* Beside the system's and the data plane's, which say themselves what is wrong. */
static int plan_own(struct myc_layout *layout, uint32_t p)
{
	struct myc_region_plan *plan = &layout->plan[p];
	const struct myc_topology_process *process = &layout->topology->process[p];

	int err =
		myc_region_plan_add(plan, MYC_BLOCK_CONTROL, 0, sizeof(struct myc_worker_control));
	err = err ?: myc_order_plan_worker(plan);
	if (!layout->in_kernel)
		err = err
			      ?: myc_region_plan_add(plan, MYC_BLOCK_PAGE, 0,
						     sizeof(struct myc_process_page));
	for (uint32_t a = 0; a < process->actors; a++)
		for (uint32_t f = 0; f < process->actor[a].feeds; f++)
			err = err ?: myc_feed_plan(plan, process->actor[a].feed[f]);
	return err;
}

static int plan_worker(struct myc_layout *layout, uint32_t p, struct myc_error *error)
{
	struct myc_region_plan *plan = &layout->plan[p];

	int err = myc_system_plan(plan, &layout->system[p], layout->topology->processes,
				  layout->executors_all, error);
	if (!err) {
		err = plan_own(layout, p);
		if (err)
			myc_error_set(error, err, "use fewer executors, threads or channels there",
				      "block %u of at most %u in its region: %s", plan->count,
				      MYC_REGION_BLOCKS_MAX, strerror(-err));
	}
	if (!err && layout->dataplane.endpoints)
		err = myc_dataplane_plan(&layout->dataplane, p, plan, error);
	if (err)
		myc_error_doing(error, "laying out process '%s'",
				layout->topology->process[p].name);
	return err;
}

static int plan_supervisor(struct myc_layout *layout, struct myc_error *error)
{
	struct myc_region_plan *plan = &layout->plan[layout->topology->processes];

	int err = myc_region_plan_add(plan, MYC_BLOCK_SUPERVISOR, 0,
				      sizeof(struct myc_supervisor_notes));
	err = err ?: myc_order_plan_supervisor(plan, layout->topology->processes);
	if (!layout->in_kernel) {
		err = err
			      ?: myc_region_plan_add(
					 plan, MYC_BLOCK_REGISTRY, MYC_REGISTRY_PART_ROWS,
					 MYC_REGISTRY_ROWS * sizeof(struct myc_registry_row));
		err = err
			      ?: myc_region_plan_add(
					 plan, MYC_BLOCK_REGISTRY, MYC_REGISTRY_PART_PROCESSES,
					 MYC_PROCESSES_MAX * sizeof(struct myc_process_row));
		err = err
			      ?: myc_region_plan_add(plan, MYC_BLOCK_REGISTRY,
						     MYC_REGISTRY_PART_SYSTEM,
						     sizeof(struct myc_system_page));
	}
	return err ? myc_error_set(error, err, NULL, "laying out the supervisor's region: %s",
				   strerror(-err))
		   : 0;
}

int myc_layout_make(struct myc_layout **out, struct myc_topology *topology, struct myc_error *error)
{
	struct myc_layout *layout = calloc(1, sizeof(*layout));

	*out = NULL;
	if (!layout)
		return myc_error_set(error, -ENOMEM, NULL, "no memory");
	layout->topology = topology;
	layout->in_kernel = topology->network.kind == MYC_DATAPLANE_XDP;
	set_systems(layout);
	int err = give_rows(layout, error);
	err = err ?: give_owners(layout, error);
	if (err)
		goto out_free;
	set_dataplane(layout);
	for (uint32_t p = 0; !err && p < topology->processes; p++)
		err = plan_worker(layout, p, error);
	err = err ?: plan_supervisor(layout, error);
	if (err)
		goto out_free;
	*out = layout;
	return 0;

out_free:
	free(layout);
	return err;
}

void myc_layout_free(struct myc_layout *layout)
{
	free(layout);
}
