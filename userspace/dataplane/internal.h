/* SPDX-License-Identifier: Apache-2.0 */
/* What dataplane.c, endpoint.c and ledger.c share; nobody else includes it. */
#ifndef MYC_DATAPLANE_INTERNAL_H
#define MYC_DATAPLANE_INTERNAL_H

#include "dataplane/dataplane.h"
#include "dataplane/groups.h"
#include "dataplane/hand.h"
#include "dataplane/keeper.h"
#include "dataplane/shape.h"
#include "dataplane/source.h"
#include "dataplane/xsk.h"

struct myc_dataplane {
	struct myc_shape shape;
	enum myc_wait wait;
	struct myc_steer_config *config; /* a copy; NULL when none was given */
	/* UDP, FILE */
	struct myc_binding_slot *bindings; /* of config */
	char receipt[320];
	/* XDP */
	struct myc_program *program; /* the caller's; NULL when only its XSKMAP was given */
	int xskmap;
	uint8_t *umem; /* one mapping, a part a queue */
	uint64_t umem_size;
	struct myc_xsk_queue *queue[MYC_QUEUES_MAX]; /* by number; NULL = not ours */
	struct myc_groups *groups;
	/* UDP: a socket a binding */
	uint32_t sockets;
	int *socket;
	/* FILE */
	char *file;
	double file_speed;
};

/* As myc_dataplane_open for XDP, with any XSKMAP (rows as program.h says): for tests and benches
 * that have a program of their own. */
int myc_dataplane_open_xskmap(struct myc_dataplane **dataplane,
			      const struct myc_dataplane_opts *opts, int xskmap,
			      struct myc_error *error);

/* One queue as an endpoint sees it: in the worker that owns it, and in the holder. `region` is of
 * the endpoint's process. -EUCLEAN: the return ring is not there. */
int myc_dataplane_hand_queue(const struct myc_dataplane *dataplane, uint32_t endpoint,
			     uint32_t number, const struct myc_region *region,
			     struct myc_hand_queue *out);

#endif
