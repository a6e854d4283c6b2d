/* SPDX-License-Identifier: Apache-2.0 */
/* The program's maps as memory, and its counters. */
#include "dataplane/program_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

static size_t page_round(size_t size)
{
	return (size + page_size() - 1) / page_size() * page_size();
}

static int map_one(void *out, int map, size_t size, int protection, const char *what,
		   struct myc_error *error)
{
	void *memory = mmap(NULL, page_round(size), protection, MAP_SHARED, map, 0);

	if (memory == MAP_FAILED)
		return myc_error_set(error, -errno,
				     errno == EPERM ? "run as root, or with CAP_BPF" : NULL,
				     "mapping %s: %s", what, strerror(errno));
	memcpy(out, &memory, sizeof(memory));
	return 0;
}

static void unmap_one(const void *memory, size_t size)
{
	if (memory)
		munmap((void *)memory, page_round(size));
}

int myc_maps_open_pages(struct myc_program *program, struct myc_error *error)
{
	for (uint32_t i = 0; i < MYC_PROCESSES_MAX; i++) {
		uint32_t id;

		if (bpf_map_lookup_elem(program->object.map[MYC_MAP_PAGES], &i, &id))
			return myc_error_set(error, -errno, "clean the name up and load it anew",
					     "the page of process %u: %s", i, strerror(errno));
		program->page[i] = bpf_map_get_fd_by_id(id);
		if (program->page[i] < 0)
			return myc_error_set(error, -errno, "run as root, or with CAP_SYS_ADMIN",
					     "opening the page of process %u: %s", i,
					     strerror(errno));
	}
	return 0;
}

/* `own`: the process whose page is writable, or all of them for the creator (-1). */
static int map_all(const struct myc_program *program, struct myc_program_maps *maps, int writable,
		   int64_t own, struct myc_error *error)
{
	const int *map = program->object.map;
	uint32_t rows = myc_map_rows(map[MYC_MAP_STATE]);
	int err;

	memset(maps, 0, sizeof(*maps));
	maps->channels = rows;
	err = map_one(&maps->registry, map[MYC_MAP_REGISTRY],
		      MYC_REGISTRY_ROWS * sizeof(*maps->registry), writable, "the registry", error);
	err = err ? err
		  : map_one(&maps->processes, map[MYC_MAP_PROCESSES],
			    MYC_PROCESSES_MAX * sizeof(*maps->processes), writable,
			    "the process table", error);
	err = err ? err
		  : map_one(&maps->system, map[MYC_MAP_SYSTEM], sizeof(*maps->system), writable,
			    "the system page", error);
	err = err ? err
		  : map_one(&maps->state, map[MYC_MAP_STATE], rows * sizeof(*maps->state),
			    PROT_READ, "the channel state", error);
	err = err ? err
		  : map_one(&maps->window, map[MYC_MAP_WINDOW], rows * sizeof(*maps->window),
			    PROT_READ, "the filtered windows", error);
	err = err ? err
		  : map_one(&maps->locate, map[MYC_MAP_LOCATE], rows * sizeof(*maps->locate),
			    writable, "the locate filters", error);
	for (uint32_t i = 0; !err && i < MYC_PROCESSES_MAX; i++)
		err = map_one(&maps->pages[i], program->page[i], sizeof(*maps->pages[i]),
			      own == i ? PROT_READ | PROT_WRITE : writable, "a process page",
			      error);
	if (err)
		myc_program_unmap(maps);
	return err;
}

int myc_maps_create(struct myc_program *program, struct myc_error *error)
{
	return map_all(program, &program->maps, PROT_READ | PROT_WRITE, -1, error);
}

int myc_program_map_worker(const struct myc_program *program, uint32_t process,
			   struct myc_program_maps *maps, struct myc_error *error)
{
	if (process >= MYC_PROCESSES_MAX)
		return myc_error_set(error, -EINVAL, NULL, "there is no process %u", process);
	return map_all(program, maps, PROT_READ, process, error);
}

/* A row is no whole number of pages: at its edges the neighbours' first or last words are writable
 * too. They are mapped over the read-only ones, which mprotect() cannot lift. */
int myc_program_map_locate(const struct myc_program *program, struct myc_program_maps *maps,
			   uint16_t channel, struct myc_error *error)
{
	size_t first = channel * sizeof(*maps->locate) / page_size() * page_size();
	size_t behind = page_round((channel + 1u) * sizeof(*maps->locate));

	if (channel >= maps->channels)
		return myc_error_set(error, -EINVAL, NULL, "there is no channel %u", channel);
	if (mmap((char *)maps->locate + first, behind - first, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_FIXED, program->object.map[MYC_MAP_LOCATE],
		 (off_t)first) == MAP_FAILED)
		return myc_error_set(error, -errno, NULL,
				     "mapping the locate filter of channel %u: %s", channel,
				     strerror(errno));
	return 0;
}

void myc_program_unmap(struct myc_program_maps *maps)
{
	unmap_one(maps->registry, MYC_REGISTRY_ROWS * sizeof(*maps->registry));
	unmap_one(maps->processes, MYC_PROCESSES_MAX * sizeof(*maps->processes));
	unmap_one(maps->system, sizeof(*maps->system));
	unmap_one(maps->state, maps->channels * sizeof(*maps->state));
	unmap_one(maps->window, maps->channels * sizeof(*maps->window));
	unmap_one(maps->locate, maps->channels * sizeof(*maps->locate));
	for (uint32_t i = 0; i < MYC_PROCESSES_MAX; i++)
		unmap_one(maps->pages[i], sizeof(*maps->pages[i]));
	memset(maps, 0, sizeof(*maps));
}

const struct myc_program_maps *myc_program_maps(const struct myc_program *program)
{
	return &program->maps;
}

int myc_program_xskmap(const struct myc_program *program)
{
	return program->object.map[MYC_MAP_XSKS];
}

int myc_program_counters(const struct myc_program *program, uint32_t row, struct myc_counters *sum)
{
	int cpus = libbpf_num_possible_cpus();
	struct myc_counters *each = cpus > 0 ? calloc((size_t)cpus, sizeof(*each)) : NULL;
	int err = 0;

	memset(sum, 0, sizeof(*sum));
	if (!each)
		return cpus > 0 ? -ENOMEM : cpus;
	if (bpf_map_lookup_elem(program->object.map[MYC_MAP_COUNTERS], &row, each))
		err = -errno;
	for (int cpu = 0; !err && cpu < cpus; cpu++) {
		for (unsigned i = 0; i < sizeof(sum->reason) / sizeof(sum->reason[0]); i++)
			sum->reason[i] += each[cpu].reason[i];
		for (unsigned i = 0; i < sizeof(sum->fact) / sizeof(sum->fact[0]); i++)
			sum->fact[i] += each[cpu].fact[i];
	}
	free(each);
	return err;
}
