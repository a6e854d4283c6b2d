/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a message that somebody wants costs when nine of ten are for others: the kernel filters them
 * by stock locate, against the handler looking at each. Both ways run the same program over the
 * same traffic, round by round; the filter is armed or not.
 *
 * The sender is a thread on core 0 that floods one-message packets; a small program numbers each
 * live frame and gives every tenth the watched locate. The receiver is this thread on core 1 and
 * waits in poll(): its time is CPU time of the thread, so idling does not count. Steering runs where
 * the packets come in, on the sender's core: its time is the kernel's own count of the program's
 * run time (which itself adds a few ns to every run, to both ways alike).
 */
#include "common/test.h"

#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/clock.h"
#include "common/bench.h"
#include "common/dataplane_bed.h"

#define ROUNDS	 5
#define WARM_NS	 100000000ull
#define RUN_NS	 500000000ull
#define ONE_IN	 10 /* messages that is watched */
#define EPOCH	 5
#define WATCHED	 7
#define OTHER	 4000
#define SEQUENCE 10 /* in the payload: MoldUDP64's sequence number */
#define LOCATE	 23 /* in the payload: the first message's stock locate */

static struct bench bench;
static struct myc_program *program;
static int steering = -1;      /* descriptor of the program, for its run time */
static int numbers = -1;       /* map of one word: packets sent */
static volatile uint64_t sink; /* what handlers read goes here, so that it is read */

/* ---- sender ---------------------------------------------------------------------------------- */

/* Runs over each live frame: sequence = ++count, locate by count % ONE_IN. */
static int numbering_program(void)
{
	struct packet packet;

	dp_make_packet(&packet);
	const int16_t sequence = (int16_t)(packet.payload + SEQUENCE);
	const int16_t locate = (int16_t)(packet.payload + LOCATE);
	const struct bpf_insn code[] = {
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 6, .src_reg = 1, .off = 0},
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 7, .src_reg = 1, .off = 4},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 2, .src_reg = 6},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 2, .imm = locate + 2},
		/* if (data + locate + 2 > data_end) drop */
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_DROP},
		{.code = BPF_JMP | BPF_JGT | BPF_X, .dst_reg = 2, .src_reg = 7, .off = 13},
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_VALUE,
		 .imm = numbers},
		{0},
		{.code = BPF_LDX | BPF_MEM | BPF_DW, .dst_reg = 3, .src_reg = 1},
		{.code = BPF_ALU64 | BPF_ADD | BPF_K, .dst_reg = 3, .imm = 1},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 1, .src_reg = 3},
		{.code = BPF_ALU64 | BPF_MOV | BPF_X, .dst_reg = 4, .src_reg = 3},
		{.code = BPF_ALU | BPF_END | BPF_TO_BE, .dst_reg = 4, .imm = 64},
		{.code = BPF_STX | BPF_MEM | BPF_DW, .dst_reg = 6, .src_reg = 4, .off = sequence},
		{.code = BPF_ALU64 | BPF_MOD | BPF_K, .dst_reg = 3, .imm = ONE_IN},
		{.code = BPF_ST | BPF_MEM | BPF_H,
		 .dst_reg = 6,
		 .off = locate,
		 .imm = htons(OTHER)},
		{.code = BPF_JMP | BPF_JNE | BPF_K, .dst_reg = 3, .imm = 0, .off = 1},
		{.code = BPF_ST | BPF_MEM | BPF_H,
		 .dst_reg = 6,
		 .off = locate,
		 .imm = htons(WATCHED)},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_TX},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int fd = dp_load_code(code, sizeof(code) / sizeof(code[0]));

	if (fd < 0) {
		perror("numbering program");
		exit(1);
	}
	return fd;
}

/* ---- receiver -------------------------------------------------------------------------------- */

/* What the filter's table says, asked in the handler: the same bit set. */
static bool wanted(const struct myc_locate_filter *filter, const uint8_t *payload)
{
	const unsigned locate = (unsigned)payload[LOCATE] << 8 | payload[LOCATE + 1];

	return filter->watched[locate / 64] >> (locate & 63) & 1;
}

struct counts {
	uint64_t packets, delivered; /* taken out of the ring; watched messages handled */
	uint64_t waits;
};

static void receive(struct myc_endpoint *endpoint, const struct myc_locate_filter *filter,
		    uint64_t ns, struct counts *counts)
{
	const uint64_t until = myc_clock_ns() + ns;
	struct myc_packet packets[MYC_BATCH_MAX];

	*counts = (struct counts){0};
	while (myc_clock_ns() < until) {
		unsigned n = myc_endpoint_take(endpoint, packets, MYC_BATCH_MAX);

		for (unsigned i = 0; i < n; i++) {
			if (!wanted(filter, packets[i].payload))
				continue;
			sink += packets[i].payload[40] + packets[i].meta->sequence;
			counts->delivered++;
		}
		counts->packets += n;
		if (n) {
			myc_endpoint_done(endpoint);
			continue;
		}
		struct pollfd fd = {.events = POLLIN};

		myc_endpoint_descriptors(endpoint, &fd.fd, 1);
		poll(&fd, 1, 10);
		counts->waits++;
	}
}

/* ---- measuring ------------------------------------------------------------------------------- */

static uint64_t thread_ns(void)
{
	struct timespec time;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static void program_time(uint64_t *ns, uint64_t *runs)
{
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (bpf_obj_get_info_by_fd(steering, &info, &size)) {
		perror("the program's run time");
		exit(1);
	}
	*ns = info.run_time_ns;
	*runs = info.run_cnt;
}

static void sample(const char *way, const char *what, const char *unit, double value)
{
	char figure[72];

	snprintf(figure, sizeof(figure), "%s, %s", way, what);
	bench_sample(&bench, figure, unit, value);
}

static void measure(struct myc_endpoint *endpoint, const char *way, bool armed)
{
	const struct myc_program_maps *maps = myc_program_maps(program);
	uint64_t ns[2], runs[2];
	struct dp_sender sender;
	struct counts counts;

	__atomic_store_n(&maps->locate[0].armed, armed ? 1ull << 63 | EPOCH : 0, __ATOMIC_RELEASE);
	dp_sender_start(&sender, dp_flood, numbering_program());
	receive(endpoint, &maps->locate[0], WARM_NS, &counts);
	program_time(&ns[0], &runs[0]);
	uint64_t began_ns = thread_ns();
	receive(endpoint, &maps->locate[0], RUN_NS, &counts);
	uint64_t took_ns = thread_ns() - began_ns;
	program_time(&ns[1], &runs[1]);
	dp_sender_stop(&sender);
	receive(endpoint, &maps->locate[0], 20000000, &(struct counts){0});
	if (!counts.delivered || runs[1] == runs[0]) {
		fprintf(stderr, "%s: nothing was delivered\n", way);
		exit(1);
	}
	double delivered = (double)counts.delivered;
	double arrived = (double)(runs[1] - runs[0]) / ONE_IN; /* watched ones on the wire */
	double steer_ns = (double)(ns[1] - ns[0]) / arrived;

	sample(way, "receiver's CPU", "ns/delivered", (double)took_ns / delivered);
	sample(way, "steering's CPU", "ns/delivered", steer_ns);
	sample(way, "both", "ns/delivered", (double)took_ns / delivered + steer_ns);
	sample(way, "packets taken for each", "packets", (double)counts.packets / delivered);
	sample(way, "waits for each", "polls", (double)counts.waits / delivered);
	sample(way, "packets on the wire", "M packets/s",
	       (double)(runs[1] - runs[0]) * 1e3 / (double)RUN_NS);
	sample(way, "watched ones that arrived", "%", 100 * delivered / arrived);
}

#define KERNEL	"filtered in the kernel"
#define HANDLER "filtered in the handler"

static void rounds(struct myc_dataplane *dataplane, struct myc_endpoint *endpoint)
{
	(void)dataplane;
	for (int round = 0; round < ROUNDS; round++) {
		measure(endpoint, KERNEL, true);
		measure(endpoint, HANDLER, false);
	}
}

/* What a feed does when it knows its session and directory; it also moves the watermark on, which
 * the filter does not need. */
static void announce(const struct myc_program_maps *maps)
{
	static const char session[16] = DP_SESSION;
	struct myc_channel_page *page = &maps->pages[0]->channel[0];

	memcpy(page->session[EPOCH & 3], session, sizeof(session));
	maps->locate[0].watched[WATCHED / 64] |= 1ull << (WATCHED & 63);
	__atomic_store_n(&page->watermark, myc_epoch_word(EPOCH, 1), __ATOMIC_RELEASE);
}

static int program_descriptor(void)
{
	struct myc_program_status status;
	struct myc_error error = {0};

	dp_must(myc_program_status(program, &status, &error), &error);
	return bpf_prog_get_fd_by_id(status.program_id);
}

int main(void)
{
	static struct myc_steer_config config;
	struct myc_error error = {0};
	const struct bpf_map_create_opts mmapable = {.sz = sizeof(mmapable),
						     .map_flags = BPF_F_MMAPABLE};

	if (geteuid() != 0) {
		puts("filter: needs root");
		return 0;
	}
	if (dp_namespace(1)) {
		puts("filter: no network namespace with a veth pair");
		return 1;
	}
	dp_steered_config(&config);
	config.channel[0].filter = MYC_FILTER_LOCATE;
	bench_begin(
		&bench, "filter",
		"one-message MoldUDP64 over veth, 1 of 10 watched; sender: live frames on core 0, "
		"receiver waits in poll() on core 1");
	bench_pin(1);
	program = dp_steered_program(&config);
	announce(myc_program_maps(program));
	steering = program_descriptor();
	numbers = bpf_map_create(BPF_MAP_TYPE_ARRAY, "numbers", 4, 8, 1, &mmapable);
	int statistics = bpf_enable_stats(BPF_STATS_RUN_TIME);

	if (steering < 0 || numbers < 0 || statistics < 0) {
		perror("program statistics");
		return 1;
	}
	dp_with_endpoint(&config, program, -1, MYC_WAIT_BLOCKING, rounds);
	close(statistics);
	close(numbers);
	close(steering);
	dp_must(myc_program_unload(program, &error), &error);
	bench_raw(&bench, KERNEL ", receiver's CPU", HANDLER ", receiver's CPU");
	bench_raw(&bench, KERNEL ", steering's CPU", HANDLER ", steering's CPU");
	bench_raw(&bench, KERNEL ", both", HANDLER ", both");
	return bench_finish(&bench);
}
