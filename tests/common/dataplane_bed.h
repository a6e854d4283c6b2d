/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What benchmarks of the data plane stand on: one-message MoldUDP64 packets carrying ITCH, sent flat
 * out by live frames from core 0 (BPF_F_TEST_XDP_LIVE_FRAMES: no system call a packet), steered by
 * the whole program to an endpoint whose owner it finds in the registry. Over the pair of
 * dataplane_rig.h. What cannot be made ends the benchmark, with the reason.
 */
#ifndef TESTS_COMMON_DATAPLANE_BED_H
#define TESTS_COMMON_DATAPLANE_BED_H

#include <pthread.h>
#include <stdatomic.h>

#include <linux/bpf.h>

#include "common/dataplane_rig.h"
#include "common/packet.h"

#define DP_SESSION   "SESSION001"
#define DP_OWNER_ROW 3

struct dp_sender {
	pthread_t thread;
	atomic_bool stop;
	int program; /* run over each live frame; closed with the sender. -1 = none */
	struct packet packet;
};

/* Prints the error and exits, unless err is 0. */
void dp_must(int err, const struct myc_error *error);
int dp_load_code(const struct bpf_insn *code, size_t count);
/* One ITCH message, also acceptable to the host's own stack. */
void dp_make_packet(struct packet *packet);

/* Starts `run` with the sender as its argument; dp_flood sends flat out on core 0. */
void dp_sender_start(struct dp_sender *sender, void *(*run)(void *), int program);
void dp_sender_stop(struct dp_sender *sender);
void *dp_flood(void *sender);

/* One MoldUDP64 channel owned by registry row DP_OWNER_ROW. */
void dp_steered_config(struct myc_steer_config *config);
/* The program over it, attached, its owner alive. Ends with myc_program_unload. */
struct myc_program *dp_steered_program(const struct myc_steer_config *config);
/* A data plane with one endpoint for `program`, or for a bare XSKMAP when that is NULL, while `then`
 * runs. */
void dp_with_endpoint(const struct myc_steer_config *config, struct myc_program *program,
		      int xskmap, enum myc_wait wait,
		      void (*then)(struct myc_dataplane *, struct myc_endpoint *));

#endif
