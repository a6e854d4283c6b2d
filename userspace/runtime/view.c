/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/view.h"

#include <errno.h>
#include <string.h>

static void *block(const struct myc_view *view, uint32_t region, uint32_t kind, uint32_t index,
		   uint64_t size)
{
	uint64_t has = 0;
	void *found = myc_region_block(&view->region[region], kind, index, &has);

	return found && has >= size ? found : NULL;
}

static int find_tables(struct myc_view *view, struct myc_error *error)
{
	uint32_t supervisor = view->processes;

	view->registry.rows = block(view, supervisor, MYC_BLOCK_REGISTRY, MYC_REGISTRY_PART_ROWS,
				    MYC_REGISTRY_ROWS * sizeof(struct myc_registry_row));
	view->registry.processes =
		block(view, supervisor, MYC_BLOCK_REGISTRY, MYC_REGISTRY_PART_PROCESSES,
		      MYC_PROCESSES_MAX * sizeof(struct myc_process_row));
	view->system = block(view, supervisor, MYC_BLOCK_REGISTRY, MYC_REGISTRY_PART_SYSTEM,
			     sizeof(struct myc_system_page));
	bool whole = view->registry.rows && view->registry.processes && view->system;

	for (uint32_t p = 0; p < view->processes; p++) {
		view->page[p] = block(view, p, MYC_BLOCK_PAGE, 0, sizeof(struct myc_process_page));
		whole = whole && view->page[p];
	}
	return whole ? 0 : myc_error_set(error, -EIO, NULL, "a region lacks the registry's blocks");
}

/* Read-only but for the worker's page and the locate filters of its channels. */
static int map_worker(struct myc_view *view, const struct myc_run *run, uint32_t own,
		      struct myc_error *error)
{
	const struct myc_steer_config *config = run->layout->dataplane.config;
	const struct myc_topology_process *process = &run->topology->process[own];
	int err = myc_program_map_worker(run->program, own, &view->maps, error);

	for (uint32_t a = 0; !err && a < process->actors; a++)
		for (uint32_t f = 0; !err && f < process->actor[a].feeds; f++)
			if (config->channel[process->actor[a].feed[f]].filter == MYC_FILTER_LOCATE)
				err = myc_program_map_locate(run->program, &view->maps,
							     process->actor[a].feed[f], error);
	return err;
}

/* Tables of the program's maps. A worker has its own page read-write and the rest read-only. */
static int map_tables(struct myc_view *view, const struct myc_run *run, uint32_t own,
		      struct myc_error *error)
{
	const struct myc_program_maps *maps = &view->maps;

	if (own == view->processes) {
		maps = myc_program_maps(run->program);
	} else {
		int err = map_worker(view, run, own, error);
		if (err)
			return err;
	}
	view->registry.rows = maps->registry;
	view->registry.processes = maps->processes;
	view->system = maps->system;
	for (uint32_t p = 0; p < view->processes; p++)
		view->page[p] = maps->pages[p];
	return 0;
}

int myc_view_open(struct myc_view *view, const struct myc_run *run, uint32_t own,
		  struct myc_error *error)
{
	int err = 0;

	memset(view, 0, sizeof(*view));
	view->processes = myc_run_processes(run);
	for (uint32_t r = 0; !err && r <= view->processes; r++)
		err = myc_region_map_planned(&view->region[r], run->region_fd[r],
					     r == own ? MYC_REGION_OWNER : MYC_REGION_READER,
					     &run->layout->plan[r], error);
	if (!err)
		err = run->layout->in_kernel ? map_tables(view, run, own, error)
					     : find_tables(view, error);
	if (err)
		myc_view_close(view);
	return err;
}

void myc_view_close(struct myc_view *view)
{
	for (uint32_t r = 0; r <= view->processes; r++)
		if (view->region[r].base)
			myc_region_unmap(&view->region[r]);
}

struct myc_worker_control *myc_view_control(const struct myc_view *view, uint32_t process)
{
	return block(view, process, MYC_BLOCK_CONTROL, 0, sizeof(struct myc_worker_control));
}

struct myc_supervisor_notes *myc_view_notes(const struct myc_view *view)
{
	return block(view, view->processes, MYC_BLOCK_SUPERVISOR, 0,
		     sizeof(struct myc_supervisor_notes));
}
