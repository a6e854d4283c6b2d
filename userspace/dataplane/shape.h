/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the options of a data plane come to: defaults applied, bounds checked, roles given. The
 * same options give the same shape in plan, open and the workers; but for MYC_QUEUES_ALL, which a plan
 * makes room for and open narrows to what there is.
 */
#ifndef MYC_DATAPLANE_SHAPE_H
#define MYC_DATAPLANE_SHAPE_H

#include "dataplane/dataplane.h"

#define MYC_NO_KEEPER 0xffffffffu

struct myc_shape {
	enum myc_dataplane_kind kind;
	uint64_t queues; /* XDP: bit set; else queue 0 */
	uint32_t frames, frame_size;
	uint32_t endpoints;
	struct {
		uint32_t process;
		uint64_t queues;
		uint32_t rx_ring;
	} endpoint[MYC_ENDPOINTS_MAX];
	/* Endpoint that writes the FILL ring of a queue: the first on it of the process named in
	 * opts.keeper. MYC_NO_KEEPER: not our queue. */
	uint32_t keeper[MYC_QUEUES_MAX];
};

int myc_shape(struct myc_shape *shape, const struct myc_dataplane_opts *opts,
	      struct myc_error *error);

/* XDP: keeps those queues only that the interface has. */
void myc_shape_narrow(struct myc_shape *shape, uint32_t queues);

/* A worker's blocks. */
int myc_shape_plan(const struct myc_shape *shape, const struct myc_dataplane_opts *opts,
		   uint32_t process, struct myc_region_plan *plan);

static inline bool myc_shape_on(const struct myc_shape *shape, uint32_t endpoint, uint32_t queue)
{
	return shape->endpoint[endpoint].queues >> queue & 1;
}

static inline uint32_t myc_return_index(uint32_t endpoint, uint32_t queue)
{
	return endpoint * MYC_QUEUES_MAX + queue;
}

#endif
