/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The arbiter fed with any packets, flags, windows, times, restarts: within an epoch numbers only
 * go up, each once; what is held is released; the block's sums hold.
 */
#include <errno.h>
#include <stdlib.h>

#include <mycelium/market/moldudp64.h>

#include "market/arbiter.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PACKETS_MAX 4096
#define HOLD_LIMIT  40

static struct run {
	struct myc_arbiter *arbiter;
	struct myc_feed_block block;
	struct myc_channel_state state;
	struct myc_filtered_window window;
	struct myc_channel_page page;
	struct myc_locate_filter locate;
	uint8_t payload[PACKETS_MAX][64];
	struct myc_meta meta[PACKETS_MAX];
	uint8_t held[PACKETS_MAX];
	uint32_t packets, held_count;
	uint64_t next, epoch, now_ns;
	uint8_t unready;
} run;

static bool ready(void *context)
{
	(void)context;
	return !run.unready || !(run.unready--);
}

static int event(void *context, const struct myc_feed_event *e)
{
	uint64_t epoch = myc_word_epoch(run.block.progress);

	(void)context;
	if (e->kind != MYC_FEED_MESSAGE && e->kind != MYC_FEED_GAP && e->kind != MYC_FEED_FILTERED)
		return 0;
	if (!e->count || (epoch == run.epoch && e->sequence != run.next))
		abort();
	run.epoch = epoch;
	run.next = e->sequence + e->count;
	for (uint32_t i = 0; e->kind == MYC_FEED_MESSAGE && i < e->size; i++)
		if (e->data[i] == 0xee && e->sequence == 7)
			return -EIO;
	return 0;
}

static int hold(void *context, struct myc_packet *packet)
{
	(void)context;
	if (run.held_count == HOLD_LIMIT)
		return -ENOSPC;
	if (run.held[packet->hand])
		abort();
	run.held[packet->hand] = 1;
	run.held_count++;
	return 0;
}

static void release(void *context, uint16_t hand)
{
	(void)context;
	if (!run.held[hand])
		abort();
	run.held[hand] = 0;
	run.held_count--;
}

static uint64_t clock_ns(void *context)
{
	(void)context;
	return run.now_ns;
}

static void open_arbiter(uint8_t protocol)
{
	static struct myc_channel_config config;
	static const uint64_t symbols[] = {0x2020202020202041};
	struct myc_arbiter_opts opts = {
		.sz = sizeof(opts),
		.sink = {NULL, ready, event, hold, release, clock_ns},
		.view = {.config = &config,
			 .state = &run.state,
			 .window = &run.window,
			 .page = &run.page,
			 .locate = &run.locate},
		.block = &run.block,
		.lines = 2,
		.reorder_packets = 4,
		.symbols = symbols,
		.symbols_count = 1,
		.report_filtered = true,
	};

	config.protocol = protocol % 3;
	config.generic_width = 2;
	config.reorder_window = 16;
	run.held_count = 0;
	memset(run.held, 0, sizeof(run.held));
	if (myc_arbiter_open(&run.arbiter, &opts))
		abort();
}

/* A packet near where the stream is, so that the fuzzer need not guess 48 bits. */
static void give(const uint8_t in[8], const uint8_t *raw, size_t raw_size)
{
	uint32_t at = run.packets++;
	uint8_t *payload = run.payload[at];
	uint64_t sequence = myc_word_number(run.block.progress) + in[1] - 100;
	struct myc_packet packet = {.payload = payload,
				    .meta = &run.meta[at],
				    .payload_size = 64,
				    .hand = (uint16_t)at,
				    .again = in[2] & 1};

	memcpy(payload, raw, raw_size < 64 ? raw_size : 64);
	if (in[2] & 2) {
		uint8_t session[MYC_MOLD_SESSION_SIZE] = {'S', in[3] & 3};
		uint16_t count = in[4] % 6;
		if (sequence > MYC_SEQUENCE_MASK)
			sequence = in[1];
		myc_mold_header_write(payload, session, sequence, count);
		for (uint16_t i = 0; i < count; i++) {
			myc_store_be16(payload + 20 + 3 * i, 1);
			payload[22 + 3 * i] = in[5];
		}
		packet.payload_size = 20u + 3u * count;
	}
	run.meta[at] = (struct myc_meta){.version = MYC_META_VERSION,
					 .line = in[6] & 1,
					 .flags = in[7],
					 .epoch = (uint8_t)(in[6] >> 1 & 3)};
	if (!myc_arbiter_packet(run.arbiter, &packet, run.now_ns))
		while (!myc_arbiter_resume(run.arbiter, run.now_ns))
			;
}

static void step(const uint8_t in[8], const uint8_t *raw, size_t raw_size)
{
	switch (in[0] % 8) {
	case 0:
		run.now_ns += (uint64_t)in[1] * 1000000;
		myc_arbiter_look(run.arbiter);
		while (!myc_arbiter_settle(run.arbiter, run.now_ns, in[2] & 1))
			;
		myc_arbiter_flush(run.arbiter);
		break;
	case 1:
		run.state.high = run.block.progress + in[1];
		run.window.word[myc_window_index(myc_word_number(run.block.progress))] =
			myc_window_word(myc_word_epoch(run.block.progress),
					myc_word_number(run.block.progress), in[2] * 0x01010101u);
		break;
	case 2:
		run.unready = in[1] & 7;
		break;
	case 3:
		if (in[1] > 4)
			break;
		myc_arbiter_close(run.arbiter);
		open_arbiter(run.payload[0][63]);
		break;
	default:
		give(in, raw, raw_size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct myc_feed_metrics *m = &run.block.metrics;

	if (!size)
		return 0;
	memset(&run, 0, offsetof(struct run, payload));
	run.packets = 0;
	run.next = run.epoch = 0;
	run.now_ns = 1;
	run.unready = 0;
	run.payload[0][63] = data[0];
	open_arbiter(data[0]);
	for (data++, size--; size >= 8 && run.packets < PACKETS_MAX - 1; data += 8, size -= 8)
		step(data, data, size);
	myc_arbiter_flush(run.arbiter);
	if (myc_word_epoch(run.block.progress) && m->messages_delivered > m->next &&
	    m->sessions == 1)
		abort();
	myc_arbiter_close(run.arbiter);
	return 0;
}
