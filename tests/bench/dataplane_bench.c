/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Packets into a handler: the data plane against a bare AF_XDP loop, recvmmsg and AF_PACKET, over
 * one veth pair, round by round. The sender is a thread on core 0 (BPF_F_TEST_XDP_LIVE_FRAMES: no
 * system call a packet), the receiver is this thread on core 1.
 *
 * The data plane and the bare loop run under the whole steering program (a MoldUDP64 channel, one
 * ITCH message a packet, its owner found in the registry); the sockets run without any program.
 */
#include "common/test.h"

#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "common/bench.h"
#include "common/dataplane_bed.h"
#include "dataplane/internal.h"

#define ROUNDS	9
#define WARM_NS 100000000ull
#define RUN_NS	300000000ull
#define PACE_NS 10000 /* 100,000 packets/s */

static struct bench bench;
static volatile uint64_t sink; /* what handlers read goes here, so that it is read */

/* ---- senders, on core 0 -------------------------------------------------------------------- */

static int packet_socket(int protocol, const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
				      .sll_protocol = htons((uint16_t)protocol),
				      .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address))) {
		perror("AF_PACKET");
		exit(1);
	}
	return fd;
}

/* One packet each 10 us on a fixed schedule; its message carries the time it was meant to leave,
 * so that a late sender counts as latency. */
static void *pace(void *context)
{
	struct dp_sender *sender = context;
	struct packet *packet = &sender->packet;
	int fd = packet_socket(0, DP_SENDER);
	const int on = 1;
	uint64_t due = myc_clock_ns();

	bench_pin(0);
	setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof(on));
	while (!atomic_load_explicit(&sender->stop, memory_order_relaxed)) {
		while (myc_clock_ns() < due)
			myc_cpu_relax();
		memcpy(packet->bytes + packet->payload + 40, &due, sizeof(due));
		if (send(fd, packet->bytes, packet->size, 0) < 0 && errno != ENOBUFS)
			break;
		due += PACE_NS;
	}
	close(fd);
	return NULL;
}

static int bounce_program(void)
{
	static const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .imm = XDP_TX},
		{.code = BPF_JMP | BPF_EXIT},
	};

	return dp_load_code(code, 2);
}

/* ---- receivers ----------------------------------------------------------------------------- */

struct receiver {
	struct myc_endpoint *endpoint;
	struct myc_xsk_queue *queue; /* bare */
	int fd;
	struct tpacket_block_desc **block;
	unsigned next;
	struct myc_histogram *sent, *received; /* latency; NULL = not measured */
	bool wait;
};

/* What every handler does: the message's number and its first bytes are read. */
static void handle(const struct receiver *receiver, const uint8_t *payload, uint64_t receive_ns)
{
	uint64_t due;

	memcpy(&due, payload + 40, sizeof(due));
	sink += due + payload[22];
	if (!receiver->sent)
		return;
	uint64_t now = myc_clock_ns();
	myc_histogram_add(receiver->sent, now - due);
	if (receive_ns)
		myc_histogram_add(receiver->received, now - receive_ns);
}

static unsigned receive_endpoint(struct receiver *receiver)
{
	struct myc_packet packets[MYC_BATCH_MAX];
	unsigned n = myc_endpoint_take(receiver->endpoint, packets, MYC_BATCH_MAX);

	for (unsigned i = 0; i < n; i++)
		handle(receiver, packets[i].payload, packets[i].meta->receive_ns);
	if (n) {
		myc_endpoint_done(receiver->endpoint);
	} else if (receiver->wait) {
		struct pollfd fd = {.events = POLLIN};

		myc_endpoint_descriptors(receiver->endpoint, &fd.fd, 1);
		poll(&fd, 1, 10);
	}
	return n;
}

static unsigned recycle(struct receiver *receiver, bool look)
{
	const struct myc_ring *rx = &receiver->queue->socket[0].rx;
	const struct myc_ring *fill = &receiver->queue->fill;
	uint32_t n = myc_ring_waiting(rx);

	if (n > 64)
		n = 64;
	if (!n || myc_ring_room(fill) < n)
		return 0;
	uint32_t from = myc_ring_index(rx->consumer), to = myc_ring_index(fill->producer);
	for (uint32_t i = 0; i < n; i++) {
		uint64_t address = myc_ring_frame(rx, from + i)->address;
		const uint8_t *packet = receiver->queue->memory + address;

		if (look)
			sink += (uint64_t)(packet[-MYC_META_SIZE] + packet[0] + packet[64]);
		*myc_ring_address(fill, to + i) = address & ~2047ull;
	}
	myc_ring_publish(rx->consumer, from + n);
	myc_ring_publish(fill->producer, to + n);
	return n;
}

static unsigned receive_bare(struct receiver *receiver)
{
	return recycle(receiver, false);
}

/* The same, reading a byte of each of the packet's three cache lines: what moving them from the
 * sender's core and back costs, which whoever handles packets pays. */
static unsigned receive_looking(struct receiver *receiver)
{
	return recycle(receiver, true);
}

static unsigned receive_udp(struct receiver *receiver)
{
	static uint8_t bytes[64][256];
	static struct iovec room[64];
	static struct mmsghdr message[64];

	for (unsigned i = 0; i < 64; i++) {
		room[i] = (struct iovec){.iov_base = bytes[i], .iov_len = sizeof(bytes[i])};
		message[i].msg_hdr = (struct msghdr){.msg_iov = &room[i], .msg_iovlen = 1};
	}
	int n = recvmmsg(receiver->fd, message, 64, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		handle(receiver, bytes[i], 0);
	return n > 0 ? (unsigned)n : 0;
}

#define BLOCKS	    64
#define BLOCK_BYTES (1 << 17)

static unsigned receive_tpacket(struct receiver *receiver)
{
	struct tpacket_block_desc *block = receiver->block[receiver->next];
	unsigned n = 0;

	if (!(__atomic_load_n(&block->hdr.bh1.block_status, __ATOMIC_ACQUIRE) & TP_STATUS_USER))
		return 0;
	const uint8_t *at = (const uint8_t *)block + block->hdr.bh1.offset_to_first_pkt;
	for (; n < block->hdr.bh1.num_pkts; n++) {
		const struct tpacket3_hdr *header = (const struct tpacket3_hdr *)at;

		handle(receiver, at + header->tp_net + 28, 0);
		at += header->tp_next_offset;
	}
	__atomic_store_n(&block->hdr.bh1.block_status, TP_STATUS_KERNEL, __ATOMIC_RELEASE);
	receiver->next = (receiver->next + 1) % BLOCKS;
	return n;
}

/* ---- measuring ----------------------------------------------------------------------------- */

static void receive_for(struct receiver *receiver, unsigned (*receive)(struct receiver *),
			uint64_t ns, uint64_t *packets, uint64_t *took_ns)
{
	uint64_t begun = myc_clock_ns(), now = begun;

	*packets = 0;
	while (now - begun < ns) {
		for (int i = 0; i < 64; i++)
			*packets += receive(receiver);
		now = myc_clock_ns();
	}
	*took_ns = now - begun;
}

static void measure(const char *name, struct receiver *receiver,
		    unsigned (*receive)(struct receiver *))
{
	struct dp_sender sender;
	uint64_t packets, ns;

	dp_sender_start(&sender, dp_flood, bounce_program());
	receive_for(receiver, receive, WARM_NS, &packets, &ns);
	receive_for(receiver, receive, RUN_NS, &packets, &ns);
	dp_sender_stop(&sender);
	receive_for(receiver, receive, 10000000, &(uint64_t){0}, &(uint64_t){0});
	bench_sample(&bench, name, "M packets/s", (double)packets * 1e3 / (double)ns);
}

static void measure_latency(const char *name, struct receiver *receiver,
			    unsigned (*receive)(struct receiver *))
{
	static const struct {
		const char *name;
		double share;
	} quantile[] = {{"p50", 0.5}, {"p99", 0.99}, {"p99.9", 0.999}};
	struct myc_histogram *sent = calloc(1, sizeof(*sent)), *received = calloc(1, sizeof(*sent));
	struct dp_sender sender;
	uint64_t packets, ns;
	char figure[96];

	dp_sender_start(&sender, pace, -1);
	receive_for(receiver, receive, WARM_NS, &packets, &ns);
	receiver->sent = sent;
	receiver->received = received;
	receive_for(receiver, receive, RUN_NS, &packets, &ns);
	receiver->sent = NULL;
	dp_sender_stop(&sender);
	for (int i = 0; i < 3; i++) {
		snprintf(figure, sizeof(figure), "%s, due to handler, %s", name, quantile[i].name);
		bench_sample(&bench, figure, "us",
			     (double)myc_histogram_quantile(sent, quantile[i].share) / 1e3);
	}
	for (int i = 0; received->count && i < 3; i++) {
		snprintf(figure, sizeof(figure), "%s, receive to handler, %s", name,
			 quantile[i].name);
		bench_sample(&bench, figure, "us",
			     (double)myc_histogram_quantile(received, quantile[i].share) / 1e3);
	}
	free(sent);
	free(received);
}

/* ---- the rounds ---------------------------------------------------------------------------- */

static void run_steered(struct myc_dataplane *dataplane, struct myc_endpoint *endpoint)
{
	struct receiver receiver = {.endpoint = endpoint, .queue = dataplane->queue[0]};

	measure("handler, AF_XDP endpoint", &receiver, receive_endpoint);
	measure("bare AF_XDP loop, same program", &receiver, receive_bare);
	measure("bare AF_XDP loop that reads each packet", &receiver, receive_looking);
	measure_latency("AF_XDP spin", &receiver, receive_endpoint);
}

static void run_blocking(struct myc_dataplane *dataplane, struct myc_endpoint *endpoint)
{
	struct receiver receiver = {.endpoint = endpoint, .wait = true};

	(void)dataplane;
	measure_latency("AF_XDP blocking", &receiver, receive_endpoint);
}

static void run_ceiling(struct myc_dataplane *dataplane, struct myc_endpoint *endpoint)
{
	struct receiver receiver = {.queue = dataplane->queue[0]};

	(void)endpoint;
	measure("ceiling: bare loop, bare redirect program", &receiver, receive_bare);
}

/* A channel whose owner the program finds in the registry, as in a running system. */
static void round_steered(struct myc_steer_config *config)
{
	struct myc_program *program = dp_steered_program(config);
	struct myc_error error = {0};

	dp_with_endpoint(config, program, -1, MYC_WAIT_SPIN, run_steered);
	dp_with_endpoint(config, program, -1, MYC_WAIT_BLOCKING, run_blocking);
	dp_must(myc_program_unload(program, &error), &error);
}

static void round_ceiling(struct myc_steer_config *config)
{
	int map = bpf_map_create(BPF_MAP_TYPE_XSKMAP, "bench", 4, 4, MYC_QUEUES_MAX, NULL);
	const struct bpf_insn code[] = {
		/* return bpf_redirect_map(&map, ctx->rx_queue_index, XDP_PASS) */
		{.code = BPF_LDX | BPF_MEM | BPF_W, .dst_reg = 2, .src_reg = 1, .off = 16},
		{.code = BPF_LD | BPF_DW | BPF_IMM,
		 .dst_reg = 1,
		 .src_reg = BPF_PSEUDO_MAP_FD,
		 .imm = map},
		{0},
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 3, .imm = XDP_PASS},
		{.code = BPF_JMP | BPF_CALL, .imm = BPF_FUNC_redirect_map},
		{.code = BPF_JMP | BPF_EXIT},
	};
	int program = dp_load_code(code, 6);
	int link = bpf_link_create(program, (int)if_nametoindex(DP_RECEIVER), BPF_XDP, NULL);

	if (map < 0 || program < 0 || link < 0) {
		perror("bare redirect program");
		exit(1);
	}
	dp_with_endpoint(config, NULL, map, MYC_WAIT_SPIN, run_ceiling);
	close(link);
	close(program);
	close(map);
}

static void round_udp(const struct myc_steer_config *config)
{
	struct receiver receiver = {0};
	const int bytes = 8 << 20;

	receiver.fd =
		myc_binding_socket(&config->binding[0].key, if_nametoindex(DP_RECEIVER), NULL);
	if (receiver.fd < 0 ||
	    setsockopt(receiver.fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof(bytes))) {
		perror("UDP socket");
		exit(1);
	}
	measure("recvmmsg, UDP socket", &receiver, receive_udp);
	measure_latency("UDP socket, spinning recvmmsg", &receiver, receive_udp);
	close(receiver.fd);
}

static void round_tpacket(void)
{
	struct tpacket_req3 request = {.tp_block_size = BLOCK_BYTES,
				       .tp_block_nr = BLOCKS,
				       .tp_frame_size = 2048,
				       .tp_frame_nr = BLOCKS * (BLOCK_BYTES / 2048),
				       .tp_retire_blk_tov = 1};
	struct tpacket_block_desc *block[BLOCKS];
	struct receiver receiver = {.block = block};
	const int version = TPACKET_V3;

	receiver.fd = packet_socket(ETH_P_IP, DP_RECEIVER);
	if (setsockopt(receiver.fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) ||
	    setsockopt(receiver.fd, SOL_PACKET, PACKET_RX_RING, &request, sizeof(request))) {
		perror("TPACKET_V3");
		exit(1);
	}
	uint8_t *ring = mmap(NULL, (size_t)BLOCKS * BLOCK_BYTES, PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_POPULATE, receiver.fd, 0);
	if (ring == MAP_FAILED) {
		perror("TPACKET_V3 ring");
		exit(1);
	}
	for (unsigned i = 0; i < BLOCKS; i++)
		block[i] = (struct tpacket_block_desc *)(ring + (size_t)i * BLOCK_BYTES);
	measure("AF_PACKET, TPACKET_V3", &receiver, receive_tpacket);
	munmap(ring, (size_t)BLOCKS * BLOCK_BYTES);
	close(receiver.fd);
}

int main(void)
{
	static struct myc_steer_config config;

	if (geteuid() != 0) {
		puts("dataplane: needs root");
		return 0;
	}
	/* Without an XDP program a veth end polls only with GRO on; the sockets need it so. */
	if (dp_namespace(1) || system("ip addr add 10.0.0.2/24 dev " DP_RECEIVER
				      " && ethtool -K " DP_RECEIVER " gro on >/dev/null")) {
		puts("dataplane: no network namespace with a veth pair");
		return 1;
	}
	dp_steered_config(&config);
	bench_begin(&bench, "dataplane",
		    "one-message MoldUDP64 over veth, 2048 frames, ring of 1024; sender: live "
		    "frames (latency: AF_PACKET, 100 k "
		    "packets/s) on core 0, receiver on core 1");
	bench_pin(1);
	for (int round = 0; round < ROUNDS; round++) {
		round_steered(&config);
		round_udp(&config);
		round_ceiling(&config);
		round_tpacket();
	}
	bench_raw(&bench, "handler, AF_XDP endpoint", "bare AF_XDP loop, same program");
	bench_bar(&bench, "handler, AF_XDP endpoint", BENCH_RATIO_AT_LEAST, 0.90);
	/* A figure has one peer: the same median, against the socket. */
	for (int i = 0; i < ROUNDS; i++)
		bench_sample(&bench, "handler, against the UDP socket", "M packets/s",
			     bench_median(&bench, "handler, AF_XDP endpoint"));
	bench_raw(&bench, "handler, against the UDP socket", "recvmmsg, UDP socket");
	bench_bar(&bench, "handler, against the UDP socket", BENCH_RATIO_AT_LEAST, 2.5);
	bench_raw(&bench, "bare AF_XDP loop, same program",
		  "ceiling: bare loop, bare redirect program");
	bench_raw(&bench, "bare AF_XDP loop that reads each packet",
		  "bare AF_XDP loop, same program");
	bench_raw(&bench, "AF_PACKET, TPACKET_V3", "recvmmsg, UDP socket");
	return bench_finish(&bench);
}
