/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steering program's own cost: nanoseconds a packet by BPF_PROG_TEST_RUN, beyond those of an
 * empty XDP program in the same run. Each packet is judged again and again, so caches are warm.
 * Beside it what the actor pays to read such an SBE packet: frame, message and every entry.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <linux/bpf.h>

#include <sbe/good/feed_mdp3.h>

#include "base/clock.h"
#include "common/bench.h"
#include "common/packet.h"
#include "common/sbe_body.h"
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

/* A refresh of `entries` entries, none watched but the last if so. */
static void mdp3_packet(struct packet *packet, unsigned entries, bool last_wanted)
{
	char word[1024] = "b", *at = word + 1;
	uint8_t bytes[2000];

	for (unsigned i = 0; i < entries; i++)
		at += sprintf(at, "%s%u", i ? "," : "",
			      last_wanted && i + 1 == entries ? 5 : 500 + i);
	packet_begin(packet, &(struct packet_shape){.port = RIG_PORT + RIG_MDP3});
	packet_sbe(packet, MYC_SBE_MDP3, 0, 2000, 1);
	packet_bytes(packet, bytes, sbe_word(MYC_SBE_MDP3, word, bytes));
	packet_end(packet);
}

static volatile int64_t sink; /* what is read goes here, so that it is read */

static void decode(const uint8_t *payload, uint32_t payload_size)
{
	struct feedmdp3_incremental_refresh_book_no_md_entries entry;
	struct feedmdp3_incremental_refresh_book book;
	struct myc_sbe_packet packet;
	const uint8_t *message;
	int64_t sum = 0;
	uint32_t size;

	if (myc_mdp3_read(&packet, payload, payload_size))
		return;
	while ((message = myc_sbe_packet_next(&packet, &size))) {
		if (feedmdp3_incremental_refresh_book_open(&book, message, size))
			continue;
		feedmdp3_incremental_refresh_book_no_md_entries_open(&book, &entry);
		while (feedmdp3_incremental_refresh_book_no_md_entries_next(&entry))
			sum += feedmdp3_incremental_refresh_book_no_md_entries_get_md_entry_px_mantissa(
				       &entry) +
			       feedmdp3_incremental_refresh_book_no_md_entries_get_md_entry_size(
				       &entry) +
			       feedmdp3_incremental_refresh_book_no_md_entries_get_security_id(
				       &entry);
	}
	sink += sum;
}

static double time_decode(const struct packet *packet)
{
	const unsigned rounds = REPEAT / 10;
	const uint64_t start = myc_clock_ns();

	for (unsigned i = 0; i < rounds; i++)
		decode(packet->bytes + packet->payload, packet->size - packet->payload);
	return (double)(myc_clock_ns() - start) / rounds;
}

int main(void)
{
	static struct rig rig;
	static struct packet one, many, filtered, duplicate, foreign, refresh, nobodys;
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
		{"MDP 3.0, 40 entries, redirected for the last", &refresh, 350},
		{"MDP 3.0, 40 entries, filtered", &nobodys, 350},
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
	rig.page[0].channel[RIG_MDP3].watermark = myc_epoch_word(RIG_EPOCH, 1000);
	rig_push(&rig);
	mdp3_packet(&refresh, 40, true);
	mdp3_packet(&nobodys, 40, false);
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
		bench_sample(&bench, "MDP 3.0, 40 entries read by the actor", "ns/packet",
			     time_decode(&refresh));
	}
	for (unsigned i = 0; i < sizeof(figures) / sizeof(figures[0]); i++)
		bench_bar(&bench, figures[i].name, BENCH_AT_MOST, figures[i].bar);
	close(empty);
	rig_close(&rig);
	return bench_finish(&bench);
}
