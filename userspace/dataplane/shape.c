/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/shape.h"

#include <errno.h>
#include <string.h>

#include <mycelium/abi/hand.h>

#include "base/bits.h"
#include "dataplane/source.h"

/* Twice a default RX ring, and few enough that their lines stay in a core's second-level cache. */
#define FRAMES_DEFAULT	      4096
#define FRAMES_DEFAULT_SOURCE 1024
/* A hand can hold this many, and frames must be left to receive into. */
#define FRAMES_MIN	1024
#define FRAMES_MAX	(1u << 18)
#define RX_RING_DEFAULT 2048
#define RX_RING_MAX	(1u << 18)

static int check_sizes(const struct myc_shape *shape, struct myc_error *error)
{
	if (!myc_power_of_two(shape->frames) || shape->frames < FRAMES_MIN ||
	    shape->frames > FRAMES_MAX)
		return myc_error_set(error, -EINVAL, "use a power of two from 1024 to 262144",
				     "%u frames", shape->frames);
	if (shape->frame_size != 2048 && shape->frame_size != 4096)
		return myc_error_set(error, -EINVAL, "use 2048 or 4096", "frames of %u bytes",
				     shape->frame_size);
	if (!shape->endpoints || shape->endpoints > MYC_ENDPOINTS_MAX)
		return myc_error_set(error, -EINVAL, "use 1 to 64", "%u endpoints",
				     shape->endpoints);
	for (uint32_t e = 0; e < shape->endpoints; e++) {
		if (shape->endpoint[e].process >= MYC_PROCESSES_MAX)
			return myc_error_set(error, -EINVAL, "use 0 to 63",
					     "endpoint %u: process %u", e,
					     shape->endpoint[e].process);
		if (!myc_power_of_two(shape->endpoint[e].rx_ring) ||
		    shape->endpoint[e].rx_ring > RX_RING_MAX)
			return myc_error_set(error, -EINVAL, "use a power of two, at most 262144",
					     "endpoint %u: RX ring of %u entries", e,
					     shape->endpoint[e].rx_ring);
		if (shape->endpoint[e].queues & ~shape->queues || !shape->endpoint[e].queues)
			return myc_error_set(error, -EINVAL,
					     "let the data plane have these queues too",
					     "endpoint %u: queues %#llx are not all among %#llx", e,
					     (unsigned long long)shape->endpoint[e].queues,
					     (unsigned long long)shape->queues);
	}
	return 0;
}

static int give_roles(struct myc_shape *shape, const struct myc_dataplane_opts *opts,
		      struct myc_error *error)
{
	for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++) {
		shape->keeper[q] = MYC_NO_KEEPER;
		if (!(shape->queues >> q & 1))
			continue;
		for (uint32_t e = 0; e < shape->endpoints && shape->keeper[q] == MYC_NO_KEEPER; e++)
			if (myc_shape_on(shape, e, q) &&
			    shape->endpoint[e].process == opts->keeper[q])
				shape->keeper[q] = e;
		if (shape->keeper[q] == MYC_NO_KEEPER)
			return myc_error_set(
				error, -EINVAL,
				"name a process that has an endpoint on the queue as its keeper",
				"queue %u: process %u is to keep it, but has no endpoint on it", q,
				opts->keeper[q]);
	}
	return 0;
}

/* A region has a block for each endpoint and queue, and not endless blocks. */
static uint32_t all_queues(uint32_t endpoints)
{
	uint32_t room = MYC_REGION_BLOCKS_MAX * 3 / 4 / (endpoints ? endpoints : 1);

	return room < 1 ? 1 : room < MYC_QUEUES_ALL_MAX ? room : MYC_QUEUES_ALL_MAX;
}

int myc_shape(struct myc_shape *shape, const struct myc_dataplane_opts *opts,
	      struct myc_error *error)
{
	const bool xdp = opts->kind == MYC_DATAPLANE_XDP;
	int err;

	if (!xdp && !opts->config)
		return myc_error_set(error, -EINVAL, "give the channels and bindings",
				     "no steering configuration");
	memset(shape, 0, sizeof(*shape));
	shape->kind = opts->kind;
	shape->queues = xdp && opts->queues ? opts->queues : 1;
	if (shape->queues == MYC_QUEUES_ALL)
		shape->queues = (1ull << all_queues(opts->endpoints)) - 1;
	shape->frames = opts->frames ? opts->frames : xdp ? FRAMES_DEFAULT : FRAMES_DEFAULT_SOURCE;
	shape->frame_size = opts->frame_size ? opts->frame_size : 2048;
	shape->endpoints = opts->endpoints;
	for (uint32_t e = 0; e < opts->endpoints && e < MYC_ENDPOINTS_MAX; e++) {
		const struct myc_endpoint_opts *from = &opts->endpoint[e];

		shape->endpoint[e].process = from->process;
		shape->endpoint[e].queues = xdp && from->queues ? from->queues : shape->queues;
		shape->endpoint[e].rx_ring = from->rx_ring ? from->rx_ring : RX_RING_DEFAULT;
	}
	err = check_sizes(shape, error);
	return err || !xdp ? err : give_roles(shape, opts, error);
}

void myc_shape_narrow(struct myc_shape *shape, uint32_t queues)
{
	const uint64_t there = queues < MYC_QUEUES_MAX ? (1ull << queues) - 1 : ~0ull;

	shape->queues &= there;
	for (uint32_t e = 0; e < shape->endpoints; e++)
		shape->endpoint[e].queues &= there;
	for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++)
		if (!(there >> q & 1))
			shape->keeper[q] = MYC_NO_KEEPER;
}

static int plan_queues(const struct myc_shape *shape, uint32_t endpoint,
		       struct myc_region_plan *plan)
{
	int err = 0;

	for (uint32_t q = 0; !err && q < MYC_QUEUES_MAX; q++) {
		if (!myc_shape_on(shape, endpoint, q))
			continue;
		if (shape->keeper[q] == endpoint)
			err = myc_region_plan_add(plan, MYC_BLOCK_KEEPER, q,
						  sizeof(struct myc_keeper));
		else
			err = myc_region_plan_add(
				plan, MYC_BLOCK_RETURN_RING, myc_return_index(endpoint, q),
				sizeof(struct myc_return_ring) + shape->frames * sizeof(uint64_t));
	}
	return err;
}

int myc_shape_plan(const struct myc_shape *shape, const struct myc_dataplane_opts *opts,
		   uint32_t process, struct myc_region_plan *plan)
{
	int err = 0;

	for (uint32_t e = 0; !err && e < shape->endpoints; e++) {
		if (shape->endpoint[e].process != process)
			continue;
		err = myc_region_plan_add(plan, MYC_BLOCK_HAND, e, sizeof(struct myc_hand));
		if (!err && shape->kind == MYC_DATAPLANE_XDP)
			err = plan_queues(shape, e, plan);
		else if (!err)
			err = myc_intake_plan(plan, e, shape->frames, shape->frame_size,
					      opts->config->channels_count);
	}
	return err;
}
