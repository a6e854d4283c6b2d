/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The workspace as one process sees it: every region mapped (one's own read-write, the others'
 * read-only), the registry and the pages wherever they lie.
 */
#ifndef MYC_RUNTIME_VIEW_H
#define MYC_RUNTIME_VIEW_H

#include "registry/registry.h"
#include "runtime/run.h"

struct myc_view {
	struct myc_region region[MYC_REGIONS_MAX]; /* workers', then the supervisor's */
	uint32_t processes;			   /* workers */
	struct myc_registry registry;
	struct myc_system_page *system;
	struct myc_process_page *page[MYC_PROCESSES_MAX];
	struct myc_program_maps maps; /* with a program in the kernel, of a worker only */
};

/* Maps all; `own` is the index of the region mapped read-write. The run's descriptors of regions
 * stay open. On failure nothing stays mapped. */
int myc_view_open(struct myc_view *view, const struct myc_run *run, uint32_t own,
		  struct myc_error *error);
void myc_view_close(struct myc_view *view);

/* Control block of a worker, NULL when its region has none of the right size. */
struct myc_worker_control *myc_view_control(const struct myc_view *view, uint32_t process);
struct myc_supervisor_notes *myc_view_notes(const struct myc_view *view);

#endif
