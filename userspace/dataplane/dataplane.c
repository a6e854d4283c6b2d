/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "dataplane/nic.h"

#define HUGE_PAGE    (2ull << 20)
#define LINK_WAIT_MS 15000	 /* igb takes 2 to 4 s; an emulated one longer */
#define UDP_BUFFER   (16u << 20) /* some 40,000 small datagrams, asked of every socket */

int myc_dataplane_plan(const struct myc_dataplane_opts *opts, uint32_t process,
		       struct myc_region_plan *plan, struct myc_error *error)
{
	struct myc_shape shape;
	int err;

	if (opts->kind == MYC_DATAPLANE_NONE)
		return 0;
	err = myc_shape(&shape, opts, error);
	if (err)
		return err;
	err = myc_shape_plan(&shape, opts, process, plan);
	return err ? myc_error_set(error, err, "use fewer endpoints or queues, or smaller rings",
				   "the blocks of %u endpoints on %d queues: %s", opts->endpoints,
				   __builtin_popcountll(shape.queues), strerror(-err))
		   : 0;
}

/* ---- XDP ----------------------------------------------------------------------------------- */

static uint8_t *map_umem_pages(uint64_t size, unsigned memfd_flags)
{
	int fd = memfd_create("mycelium-umem", MFD_CLOEXEC | memfd_flags);

	if (fd < 0)
		return MAP_FAILED;
	uint8_t *memory = MAP_FAILED;
	if (!ftruncate(fd, (off_t)size))
		memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	int saved = errno;
	close(fd); /* the mapping keeps it; workers inherit the mapping */
	errno = saved;
	return memory;
}

/* The UMEM is a region of its own, shared, so that fork does not copy it. */
static int map_umem(struct myc_dataplane *dataplane, bool *huge, struct myc_error *error)
{
	const struct myc_shape *shape = &dataplane->shape;
	uint64_t size =
		(uint64_t)__builtin_popcountll(shape->queues) * shape->frames * shape->frame_size;
	uint8_t *memory = MAP_FAILED;

	*huge = false;
	if (size % HUGE_PAGE == 0)
		memory = map_umem_pages(size, MFD_HUGETLB);
	if (memory != MAP_FAILED)
		*huge = true;
	else
		memory = map_umem_pages(size, 0);
	if (memory == MAP_FAILED)
		return myc_error_set(error, -errno, "use fewer frames or queues",
				     "UMEM of %llu bytes: %s", (unsigned long long)size,
				     strerror(errno));
	dataplane->umem = memory;
	dataplane->umem_size = size;
	return 0;
}

static int open_queues(struct myc_dataplane *dataplane, const struct myc_dataplane_opts *opts,
		       bool huge, struct myc_error *error)
{
	const struct myc_shape *shape = &dataplane->shape;
	uint8_t *memory = dataplane->umem;

	for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++) {
		if (!(shape->queues >> q & 1))
			continue;
		struct myc_xsk_queue *queue = calloc(1, sizeof(*queue));
		if (!queue)
			return myc_error_set(error, -ENOMEM, NULL, "out of memory");
		snprintf(queue->interface, sizeof(queue->interface), "%s", opts->interface);
		queue->queue = q;
		queue->frames = shape->frames;
		queue->frame_size = shape->frame_size;
		queue->memory = memory;
		queue->huge = huge;
		queue->wait = opts->wait;
		memory += (uint64_t)shape->frames * shape->frame_size;
		for (uint32_t e = 0; e < shape->endpoints; e++)
			if (myc_shape_on(shape, e, q)) {
				queue->socket[queue->sockets].endpoint = e;
				queue->socket[queue->sockets++].entries =
					shape->endpoint[e].rx_ring;
			}
		int err = myc_xsk_open(queue, opts->mode, error);
		if (err) {
			free(queue);
			return err;
		}
		dataplane->queue[q] = queue;
	}
	return 0;
}

static int set_xskmap(const struct myc_dataplane *dataplane, bool in, struct myc_error *error)
{
	for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++) {
		const struct myc_xsk_queue *queue = dataplane->queue[q];

		for (uint32_t i = 0; queue && i < queue->sockets; i++) {
			uint32_t row = queue->socket[i].endpoint * MYC_QUEUES_MAX + q;
			int fd = queue->socket[i].fd;
			int err = in ? bpf_map_update_elem(dataplane->xskmap, &row, &fd, BPF_ANY)
				     : bpf_map_delete_elem(dataplane->xskmap, &row);

			if (in && err)
				return myc_error_set(
					error, -errno, "load the steering program again",
					"row %u of the XSKMAP: %s", row, strerror(errno));
		}
	}
	return 0;
}

static int open_groups(struct myc_dataplane *dataplane, const char *interface,
		       struct myc_error *error)
{
	dataplane->groups = calloc(1, sizeof(*dataplane->groups));
	if (!dataplane->groups)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	return myc_groups_open(dataplane->groups, interface, dataplane->config, error);
}

/* What the receipts are to say of the link, and of queues that are not ours. */
static int await_link(struct myc_dataplane *dataplane, const char *interface, bool was_running,
		      uint32_t queues, struct myc_error *error)
{
	uint32_t ours = (uint32_t)__builtin_popcountll(dataplane->shape.queues);
	int waited = was_running ? myc_nic_settle(interface, LINK_WAIT_MS) : 0;

	if (waited < 0)
		return myc_error_set(error, waited, "see the switch, the cable and ethtool",
				     "%s lost its link when its queues were bound, and has not got "
				     "it back in %u s",
				     interface, LINK_WAIT_MS / 1000);
	for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++)
		if (dataplane->queue[q]) {
			dataplane->queue[q]->bounced_ms = (uint32_t)waited;
			dataplane->queue[q]->queues_beside = queues > ours ? queues - ours : 0;
		}
	return 0;
}

static int open_xdp(struct myc_dataplane *dataplane, const struct myc_dataplane_opts *opts,
		    struct myc_error *error)
{
	bool huge = false;
	int err;

	if (!opts->interface || !if_nametoindex(opts->interface))
		return myc_error_set(error, -ENODEV, "name one that `ip link` lists",
				     "there is no interface '%s'",
				     opts->interface ? opts->interface : "");
	const bool running = myc_nic_running(opts->interface);
	const uint32_t there = myc_nic_queues(opts->interface);
	if (opts->queues == MYC_QUEUES_ALL)
		myc_shape_narrow(&dataplane->shape, there);
	err = map_umem(dataplane, &huge, error);
	if (!err)
		err = open_queues(dataplane, opts, huge, error);
	if (!err)
		err = await_link(dataplane, opts->interface, running, there, error);
	if (!err && opts->join_groups && dataplane->config)
		err = open_groups(dataplane, opts->interface, error);
	/* Last: from here on packets come. */
	return err ? err : set_xskmap(dataplane, true, error);
}

/* ---- UDP and FILE -------------------------------------------------------------------------- */

static int open_udp(struct myc_dataplane *dataplane, const struct myc_dataplane_opts *opts,
		    struct myc_error *error)
{
	const struct myc_steer_config *config = dataplane->config;
	unsigned interface = opts->interface ? if_nametoindex(opts->interface) : 0;
	uint32_t buffer = UDP_BUFFER;

	if (!config)
		return myc_error_set(error, -EINVAL, "give what the twin is to steer by",
				     "UDP without a steering configuration");
	if (opts->interface && !interface)
		return myc_error_set(error, -ENODEV, "name one that `ip link` lists",
				     "there is no interface '%s'", opts->interface);
	dataplane->socket = calloc(config->bindings_count + 1, sizeof(int));
	if (!dataplane->socket)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	for (uint32_t i = 0; i < config->bindings_count; i++) {
		int fd = myc_binding_socket(&config->binding[i].key, interface, error);

		if (fd < 0)
			return fd;
		dataplane->socket[dataplane->sockets++] = fd;
		uint32_t got = myc_binding_buffer(fd, UDP_BUFFER);
		buffer = got < buffer ? got : buffer;
	}
	snprintf(dataplane->receipt, sizeof(dataplane->receipt),
		 "%u UDP sockets on %s, %s, the program's twin steers, receive buffer %u bytes%s",
		 dataplane->sockets, opts->interface ? opts->interface : "the routes' interfaces",
		 opts->wait == MYC_WAIT_BLOCKING ? "blocking" : "spin", buffer,
		 buffer < UDP_BUFFER ? ", net.core.rmem_max limits it" : "");
	return 0;
}

static int open_file(struct myc_dataplane *dataplane, const struct myc_dataplane_opts *opts,
		     struct myc_error *error)
{
	if (!opts->file)
		return myc_error_set(error, -EINVAL, "name a pcap or pcapng file", "no file");
	int err = myc_source_file_check(opts->file, error);
	if (err)
		return err;
	dataplane->file = strdup(opts->file);
	if (!dataplane->file)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	dataplane->file_speed = opts->file_speed;
	snprintf(dataplane->receipt, sizeof(dataplane->receipt),
		 "file %s, %s, the program's twin steers", opts->file,
		 opts->file_speed > 0 ? "paced by its timestamps" : "as fast as it is handled");
	return 0;
}

/* ---- life ---------------------------------------------------------------------------------- */

/* Without a program its twin steers, by the same tables. */
static int open_twin(struct myc_dataplane *dataplane, struct myc_error *error)
{
	int err = myc_steer_config_check(dataplane->config, error);

	if (err)
		return err;
	dataplane->bindings = calloc(MYC_BINDING_SLOTS, sizeof(*dataplane->bindings));
	if (!dataplane->bindings)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	err = myc_binding_table_build(dataplane->bindings, dataplane->config);
	return err ? myc_error_set(error, err, "use fewer groups and ports",
				   "the table of bindings: %s", strerror(-err))
		   : 0;
}

static int open_kind(struct myc_dataplane *dataplane, const struct myc_dataplane_opts *opts,
		     struct myc_error *error)
{
	switch (opts->kind) {
	case MYC_DATAPLANE_XDP:
		return open_xdp(dataplane, opts, error);
	case MYC_DATAPLANE_UDP:
		return open_udp(dataplane, opts, error);
	case MYC_DATAPLANE_FILE:
		return open_file(dataplane, opts, error);
	default:
		return myc_error_set(error, -EINVAL, "use xdp, udp or file", "no kind of source");
	}
}

static int open_with(struct myc_dataplane **out, const struct myc_dataplane_opts *opts,
		     struct myc_program *program, int xskmap, struct myc_error *error)
{
	struct myc_dataplane *dataplane = calloc(1, sizeof(*dataplane));

	if (!dataplane)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	dataplane->wait = opts->wait;
	dataplane->program = program;
	dataplane->xskmap = xskmap;
	int err = myc_shape(&dataplane->shape, opts, error);
	if (!err && opts->config) {
		dataplane->config = malloc(sizeof(*dataplane->config));
		if (dataplane->config)
			*dataplane->config = *opts->config;
		else
			err = myc_error_set(error, -ENOMEM, NULL, "out of memory");
	}
	if (!err && opts->kind != MYC_DATAPLANE_XDP)
		err = open_twin(dataplane, error);
	if (!err)
		err = open_kind(dataplane, opts, error);
	if (err) {
		myc_dataplane_close(dataplane);
		myc_error_doing(error, "opening the data plane");
		return err;
	}
	*out = dataplane;
	return 0;
}

int myc_dataplane_open(struct myc_dataplane **dataplane, const struct myc_dataplane_opts *opts,
		       struct myc_program *program, struct myc_error *error)
{
	const bool xdp = opts->kind == MYC_DATAPLANE_XDP;

	if (xdp && !program)
		return myc_error_set(error, -EINVAL, "load the steering program first",
				     "no program");
	return open_with(dataplane, opts, program, xdp ? myc_program_xskmap(program) : -1, error);
}

int myc_dataplane_open_xskmap(struct myc_dataplane **dataplane,
			      const struct myc_dataplane_opts *opts, int xskmap,
			      struct myc_error *error)
{
	return open_with(dataplane, opts, NULL, xskmap, error);
}

const char *myc_dataplane_receipt(const struct myc_dataplane *dataplane, uint32_t queue)
{
	if (dataplane->shape.kind != MYC_DATAPLANE_XDP)
		return dataplane->receipt;
	if (queue >= MYC_QUEUES_MAX || !dataplane->queue[queue])
		return NULL;
	return myc_xsk_receipt(dataplane->queue[queue]);
}

static void close_sockets(struct myc_dataplane *dataplane)
{
	while (dataplane->sockets)
		close(dataplane->socket[--dataplane->sockets]);
}

void myc_dataplane_close(struct myc_dataplane *dataplane)
{
	if (!dataplane)
		return;
	/* Out of the XSKMAP first: what still arrives then goes up as PASS_NO_SOCKET, counted, and
	 * nothing is redirected into a ring that is going away. */
	set_xskmap(dataplane, false, NULL);
	for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++)
		if (dataplane->queue[q]) {
			myc_xsk_close(dataplane->queue[q]);
			free(dataplane->queue[q]);
		}
	if (dataplane->umem)
		munmap(dataplane->umem, dataplane->umem_size);
	if (dataplane->groups)
		myc_groups_close(dataplane->groups);
	free(dataplane->groups);
	close_sockets(dataplane);
	free(dataplane->socket);
	free(dataplane->file);
	free(dataplane->bindings);
	free(dataplane->config);
	free(dataplane);
}

void myc_dataplane_forked(struct myc_dataplane *dataplane, uint32_t process)
{
	const struct myc_shape *shape = &dataplane->shape;
	uint64_t ours = 0;

	dataplane->program = NULL; /* a worker closes its copy, see myc_program_map_worker */
	for (uint32_t e = 0; e < shape->endpoints; e++)
		if (shape->endpoint[e].process == process)
			ours |= 1ull << e;
	for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++) {
		struct myc_xsk_queue *queue = dataplane->queue[q];

		if (!queue)
			continue;
		uint64_t here = 0;
		for (uint32_t i = 0; i < queue->sockets; i++)
			here |= ours & 1ull << queue->socket[i].endpoint;
		myc_xsk_keep(queue, ours, here >> shape->keeper[q] & 1);
		uint64_t size = (uint64_t)queue->frames * queue->frame_size;
		/* Packets are the kernel's to write; a wild pointer of a worker must not. */
		if (here)
			mprotect(queue->memory, size, PROT_READ);
		else
			munmap(queue->memory, size);
	}
	if (dataplane->groups)
		myc_groups_close(dataplane->groups);
	/* UDP sockets stay: which of them a worker reads is in the registry, see join. */
	if (!ours)
		close_sockets(dataplane);
}

int myc_dataplane_hand_queue(const struct myc_dataplane *dataplane, uint32_t endpoint,
			     uint32_t number, const struct myc_region *region,
			     struct myc_hand_queue *out)
{
	const struct myc_shape *shape = &dataplane->shape;
	const struct myc_xsk_queue *queue = dataplane->queue[number];

	memset(out, 0, sizeof(*out));
	for (uint32_t i = 0; i < queue->sockets; i++)
		if (queue->socket[i].endpoint == endpoint)
			out->rx = queue->socket[i].rx;
	out->frames = queue->memory;
	out->frames_size = (uint64_t)queue->frames * queue->frame_size;
	out->frame_size = queue->frame_size;
	if (shape->keeper[number] == endpoint) {
		out->home = queue->fill;
		return 0;
	}
	uint64_t size = 0;
	struct myc_return_ring *ring = myc_region_block(region, MYC_BLOCK_RETURN_RING,
							myc_return_index(endpoint, number), &size);
	if (!ring || size < sizeof(*ring) + queue->frames * sizeof(uint64_t))
		return -EUCLEAN;
	out->home = (struct myc_ring){
		.producer = &ring->producer, .slots = ring->address, .mask = queue->frames - 1};
	return 0;
}
