/* SPDX-License-Identifier: Apache-2.0 */
#include "common/dataplane_bed.h"

#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "common/bench.h"
#include "dataplane/internal.h"

/* Packets a call: each call also waits for an RCU grace period, about 20 ms, so many. */
#define FLOOD_CALL (1 << 21)

void dp_must(int err, const struct myc_error *error)
{
	char text[1024];

	if (!err)
		return;
	myc_error_format(error, text, sizeof(text));
	fprintf(stderr, "%s\n", text);
	exit(1);
}

int dp_load_code(const struct bpf_insn *code, size_t count)
{
	return bpf_prog_load(BPF_PROG_TYPE_XDP, "bench", "GPL", code, count, NULL);
}

void dp_make_packet(struct packet *packet)
{
	packet_begin(packet, &(struct packet_shape){.port = DP_PORT, .group = DP_GROUP});
	packet_mold(packet, DP_SESSION, 1, 1);
	packet_itch(packet, 'A', 7, -1);
	packet_end(packet);
	dp_for_host(packet->bytes); /* the sockets' stack looks closer than the program */
}

/* ---- sender ---------------------------------------------------------------------------------- */

void *dp_flood(void *context)
{
	struct dp_sender *sender = context;
	struct xdp_md md = {.ingress_ifindex = if_nametoindex(DP_SENDER),
			    .data_end = sender->packet.size};

	bench_pin(0);
	while (!atomic_load_explicit(&sender->stop, memory_order_relaxed)) {
		struct bpf_test_run_opts opts = {.sz = sizeof(opts),
						 .data_in = sender->packet.bytes,
						 .data_size_in = sender->packet.size,
						 .ctx_in = &md,
						 .ctx_size_in = sizeof(md),
						 .repeat = FLOOD_CALL,
						 .flags = BPF_F_TEST_XDP_LIVE_FRAMES,
						 .batch_size = 64};

		if (bpf_prog_test_run_opts(sender->program, &opts)) {
			perror("live frames");
			break;
		}
	}
	return NULL;
}

void dp_sender_start(struct dp_sender *sender, void *(*run)(void *), int program)
{
	atomic_store(&sender->stop, false);
	sender->program = program;
	dp_make_packet(&sender->packet);
	if (pthread_create(&sender->thread, NULL, run, sender))
		exit(1);
}

void dp_sender_stop(struct dp_sender *sender)
{
	atomic_store(&sender->stop, true);
	pthread_join(sender->thread, NULL);
	if (sender->program >= 0)
		close(sender->program);
}

/* ---- receiving side -------------------------------------------------------------------------- */

void dp_steered_config(struct myc_steer_config *config)
{
	dp_config(config, 1);
	config->channel[0].protocol = MYC_PROTOCOL_MOLDUDP64;
	config->channel[0].owner_row = DP_OWNER_ROW;
}

struct myc_program *dp_steered_program(const struct myc_steer_config *config)
{
	const struct myc_program_opts opts = {
		.sz = sizeof(opts), .name = "mycdp-bench", .interface = DP_RECEIVER};
	struct myc_error error = {0};
	struct myc_program *program;

	myc_program_cleanup(&opts, 1, NULL);
	dp_must(myc_program_load(&program, &opts, config, &error), &error);
	const struct myc_program_maps *maps = myc_program_maps(program);
	maps->registry[DP_OWNER_ROW].state_endpoint = myc_row_word(MYC_ROW_UP, 0);
	maps->registry[DP_OWNER_ROW].address = 1;
	maps->processes[0].incarnation = 1;
	dp_must(myc_program_attach(program, &error), &error);
	return program;
}

void dp_with_endpoint(const struct myc_steer_config *config, struct myc_program *program,
		      int xskmap, enum myc_wait wait,
		      void (*then)(struct myc_dataplane *, struct myc_endpoint *))
{
	static const struct myc_endpoint_opts endpoint_opts[] = {
		{.name = "bench", .rx_ring = 1024}};
	struct myc_dataplane_opts opts = {.sz = sizeof(opts),
					  .kind = MYC_DATAPLANE_XDP,
					  .interface = DP_RECEIVER,
					  .endpoint = endpoint_opts,
					  .endpoints = 1,
					  .frames = 2048,
					  .wait = wait,
					  .config = config};
	struct myc_region_plan plan = {0};
	struct myc_dataplane *dataplane;
	struct myc_endpoint *endpoint;
	struct myc_region region;
	struct myc_error error = {0};

	dp_must(program ? myc_dataplane_open(&dataplane, &opts, program, &error)
			: myc_dataplane_open_xskmap(&dataplane, &opts, xskmap, &error),
		&error);
	dp_must(myc_dataplane_plan(&opts, 0, &plan, &error), &error);
	int fd = myc_region_create("bench", &plan, &error);
	dp_must(fd < 0 ? fd : 0, &error);
	dp_must(myc_region_map(&region, fd, MYC_REGION_OWNER, &error), &error);
	dp_must(myc_endpoint_join(&endpoint, dataplane, 0, &region, 1, NULL, &error), &error);
	then(dataplane, endpoint);
	myc_endpoint_leave(endpoint);
	myc_dataplane_close(dataplane);
	myc_region_unmap(&region);
	close(fd);
}
