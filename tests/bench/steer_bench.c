/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steering program's own cost: nanoseconds a packet by BPF_PROG_TEST_RUN, beyond those of an
 * empty XDP program in the same run. Each packet is judged again and again, so caches are warm.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include "common/bench.h"
#include "common/packet.h"
#include "common/steer_rig.h"

#define RUNS   7
#define REPEAT 300000

static int load_empty(void)
{
	const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return bpf_prog_load(BPF_PROG_TYPE_XDP, "empty", "GPL", code, 2, NULL);
}

static double time_program(int program, const struct packet *packet)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->bytes, .data_size_in = packet->size,
		    .repeat = REPEAT);

	if (bpf_prog_test_run_opts(program, &opts) != 0)
		return -1;
	return opts.duration;
}

static void itch_packet(struct packet *packet, uint64_t sequence, unsigned count, bool last_wanted)
{
	packet_begin(packet, &(struct packet_shape){.port = RIG_PORT + RIG_ITCH});
	packet_mold(packet, RIG_SESSION, sequence, (uint16_t)count);
	for (unsigned i = 0; i < count; i++)
		packet_itch(packet, 'A', last_wanted && i + 1 == count ? 5 : 500, -1);
	packet_end(packet);
}

int main(void)
{
	static struct rig rig;
	static struct packet one, many, filtered, duplicate, foreign;
	static const struct {
		const char *name;
		const struct packet *packet;
		double bar;
	} figures[] = {
		{"ITCH, 1 message, redirected", &one, 70},
		{"ITCH, 38 messages, redirected for the last", &many, 350},
		{"ITCH, 38 messages, filtered", &filtered, 350},
		{"ITCH, duplicate dropped", &duplicate, 70},
		{"UDP that is not ours", &foreign, 70},
	};
	struct bench bench;
	int empty, err;

	bench_begin(&bench, "steer",
		    "BPF_PROG_TEST_RUN, one packet repeated, beyond an empty XDP program");
	err = rig_open(&rig, false);
	empty = load_empty();
	if (err || empty < 0) {
		printf("skipped: loading a BPF program: %s\n", strerror(err ? -err : errno));
		return 77;
	}
	rig.page[0].channel[RIG_ITCH].watermark = myc_epoch_word(RIG_EPOCH, 1000);
	rig_push(&rig);
	itch_packet(&one, 2000, 1, true);
	itch_packet(&many, 2000, 38, true);
	itch_packet(&filtered, 2000, 38, false);
	itch_packet(&duplicate, 900, 1, true);
	packet_begin(&foreign, &(struct packet_shape){.port = 53});
	packet_bytes(&foreign, "query", 5);
	packet_end(&foreign);
	bench_pin(1);
	for (int run = 0; run < RUNS; run++) {
		for (unsigned i = 0; i < sizeof(figures) / sizeof(figures[0]); i++) {
			const double base = time_program(empty, figures[i].packet);

			bench_sample(&bench, figures[i].name, "ns/packet",
				     time_program(rig.program, figures[i].packet) - base);
			bench_sample(&bench, "empty program", "ns/packet", base);
		}
	}
	for (unsigned i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		bench_bar(&bench, figures[i].name, BENCH_AT_MOST, figures[i].bar);
	close(empty);
	rig_close(&rig);
	return bench_finish(&bench);
}
