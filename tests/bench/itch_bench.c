/* SPDX-License-Identifier: Apache-2.0 */
/* ITCH from memory: walking and decoding, decoding into the book, and the way through the arbiter
 * to a handler. One core, a generated day. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/market/book.h>
#include <mycelium/market/itch50.h>
#include <mycelium/market/moldudp64.h>

#include "base/clock.h"
#include "common/bench.h"
#include "market/arbiter.h"
#include "market/itch_generator.h"

#define MESSAGES 1000000u
#define RUNS	 9

/* The day as length-prefixed blocks, as on the wire. */
struct day {
	uint8_t *bytes;
	size_t size;
};

static struct day make_day(uint32_t symbols)
{
	struct myc_itch_generator_opts opts = {
		.sz = sizeof(opts), .seed = 1, .symbols = symbols, .messages = MESSAGES};
	struct day day = {.bytes = malloc((size_t)MESSAGES * 52)};
	struct myc_itch_generator *generator;
	uint8_t message[MYC_ITCH_GENERATOR_BUFFER];
	uint64_t timestamp;
	uint32_t size;

	if (!day.bytes || myc_itch_generator_open(&generator, &opts)) {
		fprintf(stderr, "itch_bench: no memory\n");
		exit(1);
	}
	while (myc_itch_generator_next(generator, message, &size, &timestamp)) {
		myc_store_be16(day.bytes + day.size, (uint16_t)size);
		memcpy(day.bytes + day.size + 2, message, size);
		day.size += 2 + size;
	}
	myc_itch_generator_close(generator);
	return day;
}

/* Every field of every book message, summed so that nothing is left out. */
static uint64_t decode(const uint8_t *m, uint32_t size)
{
	struct myc_itch_add_order add;
	struct myc_itch_order_executed executed;
	struct myc_itch_order_cancel cancel;
	struct myc_itch_order_delete gone;
	struct myc_itch_order_replace replace;

	switch (m[0]) {
	case 'A':
		if (myc_itch_add_order_read(&add, m, size) == 0)
			return add.timestamp + add.locate + add.reference + (uint64_t)add.side +
			       add.shares + add.stock + add.price;
		break;
	case 'E':
		if (myc_itch_order_executed_read(&executed, m, size) == 0)
			return executed.timestamp + executed.reference + executed.shares +
			       executed.match;
		break;
	case 'X':
		if (myc_itch_order_cancel_read(&cancel, m, size) == 0)
			return cancel.timestamp + cancel.reference + cancel.shares;
		break;
	case 'D':
		if (myc_itch_order_delete_read(&gone, m, size) == 0)
			return gone.timestamp + gone.reference;
		break;
	case 'U':
		if (myc_itch_order_replace_read(&replace, m, size) == 0)
			return replace.timestamp + replace.reference + replace.new_reference +
			       replace.shares + replace.price;
		break;
	default:
		return m[0];
	}
	return 0;
}

/* CPU time of this thread: what else runs on a shared core is not in the figures. */
static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t sink_sum; /* keeps the work from being dropped */

static double run_decode(const struct day *day)
{
	struct myc_blocks blocks = {day->bytes, (uint32_t)day->size};
	const uint8_t *message;
	uint64_t sum = 0, begin = cpu_ns();
	uint32_t size;

	while ((message = myc_blocks_next(&blocks, true, &size)))
		sum += decode(message, size);
	sink_sum += sum;
	return (double)(cpu_ns() - begin) / MESSAGES;
}

static double run_book(const struct day *day, struct myc_book *book)
{
	struct myc_blocks blocks = {day->bytes, (uint32_t)day->size};
	struct myc_book_change change;
	const uint8_t *message;
	uint64_t begin, tops = 0;
	uint32_t size;

	myc_book_clear(book);
	begin = cpu_ns();
	while ((message = myc_blocks_next(&blocks, true, &size))) {
		if (myc_book_apply(book, message, size, &change)) {
			fprintf(stderr, "itch_bench: a generated message was refused\n");
			exit(1);
		}
		tops += change.top;
	}
	sink_sum += tops;
	return (double)(cpu_ns() - begin) / MESSAGES;
}

/* ---- through the arbiter ----------------------------------------------------------------------- */

static bool always(void *context)
{
	(void)context;
	return true;
}

static int count_event(void *context, const struct myc_feed_event *event)
{
	uint64_t *messages = context;

	*messages += event->kind == MYC_FEED_MESSAGE;
	return 0;
}

static int no_hold(void *context, struct myc_packet *packet)
{
	(void)context;
	(void)packet;
	return -ENOSPC;
}

static void no_release(void *context, uint16_t hand)
{
	(void)context;
	(void)hand;
}

static uint64_t clock_now(void *context)
{
	(void)context;
	return myc_clock_ns();
}

/* Packets of up to `per_packet` messages, one after another in memory. */
struct packets {
	uint8_t *bytes;
	uint32_t *size;
	uint32_t count;
};

static struct packets packetise(const struct day *day, uint16_t per_packet)
{
	struct packets p = {.bytes = malloc(day->size + (size_t)MESSAGES * MYC_MOLD_HEADER_SIZE),
			    .size = malloc(MESSAGES * sizeof(uint32_t))};
	uint64_t sequence = 1;
	size_t in = 0, out = 0;

	while (p.bytes && p.size && in < day->size) {
		size_t header = out;
		uint16_t count = 0;
		out += MYC_MOLD_HEADER_SIZE;
		for (; count < per_packet && in < day->size; count++) {
			size_t block = 2u + myc_load_be16(day->bytes + in);
			memcpy(p.bytes + out, day->bytes + in, block);
			in += block;
			out += block;
		}
		myc_mold_header_write(p.bytes + header, (const uint8_t *)"BENCH     ", sequence,
				      count);
		sequence += count;
		p.size[p.count++] = (uint32_t)(out - header);
	}
	return p;
}

static double run_arbiter(const struct packets *packets)
{
	static struct myc_feed_block block;
	static struct myc_channel_page page;
	struct myc_channel_config config = {.protocol = MYC_PROTOCOL_MOLDUDP64};
	uint64_t messages = 0;
	struct myc_arbiter_opts opts = {
		.sz = sizeof(opts),
		.sink = {&messages, always, count_event, no_hold, no_release, clock_now},
		.view = {.config = &config, .page = &page},
		.block = &block,
		.lines = 2,
	};
	struct myc_meta meta = {.version = MYC_META_VERSION};
	struct myc_arbiter *arbiter;
	const uint8_t *at = packets->bytes;
	uint64_t begin;

	memset(&block, 0, sizeof(block));
	if (myc_arbiter_open(&arbiter, &opts))
		exit(1);
	begin = cpu_ns();
	meta.receive_ns = myc_clock_ns();
	for (uint32_t i = 0; i < packets->count; i++) {
		struct myc_packet packet = {
			.payload = at, .meta = &meta, .payload_size = packets->size[i]};
		myc_arbiter_packet(arbiter, &packet, meta.receive_ns);
		at += packets->size[i];
		if (i % MYC_BATCH_MAX == MYC_BATCH_MAX - 1)
			myc_arbiter_flush(arbiter);
	}
	begin = cpu_ns() - begin;
	myc_arbiter_close(arbiter);
	if (messages != MESSAGES) {
		fprintf(stderr, "itch_bench: the arbiter gave %lu messages\n", messages);
		exit(1);
	}
	return (double)begin / MESSAGES;
}

int main(void)
{
	static const uint32_t symbols[] = {500, 8000};
	struct bench bench;
	char name[72];

	bench_pin(1);
	bench_begin(&bench, "itch",
		    "1 M generated ITCH 5.0 messages from memory, core 1, CPU time");
	for (size_t s = 0; s < sizeof(symbols) / sizeof(symbols[0]); s++) {
		struct day day = make_day(symbols[s]);
		struct myc_book_opts opts = {.sz = sizeof(opts)};
		struct myc_book *book;
		char decoding[72];

		if (myc_book_open(&book, &opts)) {
			free(day.bytes);
			return 1;
		}
		run_book(&day, book);
		snprintf(name, sizeof(name), "decode and book, %u symbols", symbols[s]);
		snprintf(decoding, sizeof(decoding), "decode, %u symbols", symbols[s]);
		for (int run = 0; run < RUNS; run++) {
			bench_sample(&bench, decoding, "ns/message", run_decode(&day));
			bench_sample(&bench, name, "ns/message", run_book(&day, book));
		}
		bench_bar(&bench, name, BENCH_AT_MOST, 60);
		bench_raw(&bench, name, decoding);
		myc_book_close(book);
		if (s == 0) {
			struct packets many = packetise(&day, 38), one = packetise(&day, 1);
			for (int run = 0; run < RUNS; run++) {
				bench_sample(&bench, "arbiter, 38 messages a packet", "ns/message",
					     run_arbiter(&many));
				bench_sample(&bench, "arbiter, 1 message a packet", "ns/message",
					     run_arbiter(&one));
			}
			free(many.bytes);
			free(many.size);
			free(one.bytes);
			free(one.size);
		}
		free(day.bytes);
	}
	if (!sink_sum)
		return 1;
	return bench_finish(&bench);
}
