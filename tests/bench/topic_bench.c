/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics against memcpy of the same bytes and against a cache line handed between the two cores, in one
 * run. Publish and read: one thread, a ring of 4 MiB at most that is written round and round; memcpy goes
 * the same way. One-way: half a round trip over two topics between two threads, read in place. Stream: a
 * waited-for reader on the other core. Broadcast: one message to 64 readers that each find it, read a
 * word in place, check it and are done; all beside one memcpy of it.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench/raw_trip.h"
#include "memory/topic.h"

#define RUNS	 5
#define STREAM	 3000000u
#define READERS	 64u
#define SMALL	 32u /* with its header: one line */
#define RING_MAX (4u << 20)
#define CHUNK	 4000u

static void must(int code)
{
	if (!code)
		return;
	fprintf(stderr, "topic_bench: %s\n", strerror(-code));
	exit(1);
}

/* ---- topics ------------------------------------------------------------------------------------ */

static struct side {
	struct myc_topic *topic;
	uint64_t size;
	struct myc_topic_records *records;
	struct myc_topic_writer writer;
	struct myc_topic_reader reader[READERS];
} side[2];

static void *zeroed(uint64_t size)
{
	void *memory = aligned_alloc(4096, (size + 4095) & ~4095ull);

	must(memory ? 0 : -ENOMEM);
	return memset(memory, 0, size);
}

static void open_side(struct side *s, uint32_t flags, uint32_t slots, uint32_t payload,
		      uint32_t keys, uint32_t readers)
{
	const struct myc_topic head = {.flags = flags,
				       .slots = slots,
				       .payload_max = payload,
				       .keys = keys,
				       .readers = READERS};
	const struct myc_topic_writer_opts opts = {.tables = 1};
	uint64_t size = myc_topic_records_size(READERS);

	s->size = myc_topic_size(&head);
	s->topic = zeroed(s->size);
	s->records = zeroed(size);
	must(myc_topic_init(s->topic, s->size, &head));
	must(myc_topic_records_init(s->records, size, READERS));
	must(myc_topic_writer_open(&s->writer, s->topic, &opts));
	must(myc_topic_writer_meet(&s->writer, 0, 0, s->records, size));
	for (uint32_t i = 0; i < readers; i++) {
		const struct myc_topic_place place = {.records = s->records, .record = i};

		must(myc_topic_reader_open(&s->reader[i], s->topic, s->size));
		if (!(flags & MYC_TOPIC_RELIABLE))
			continue;
		must(myc_topic_attach(&s->reader[i], &place, s->writer.word, MYC_TOPIC_WISH_WAIT,
				      0));
		myc_topic_writer_scan(&s->writer);
		must(myc_topic_admitted(&s->reader[i]));
	}
}

static void close_side(struct side *s)
{
	myc_topic_writer_close(&s->writer);
	for (uint32_t i = 0; i < READERS; i++)
		myc_topic_reader_close(&s->reader[i]);
	free(s->topic);
	free(s->records);
	memset(s, 0, sizeof(*s));
}

/* Reads the first word in place and is done; false: nothing there. */
static inline bool take(struct myc_topic_reader *reader, uint64_t *word)
{
	static _Thread_local struct myc_topic_message message; /* not zeroed each time */

	if (myc_topic_next(reader, &message) < 1)
		return false;
	*word = myc_topic_word_at(&message, 0);
	if (!myc_topic_intact(&message))
		return false;
	myc_topic_done(reader, &message);
	return true;
}

static char payload[MYC_TOPIC_PAYLOAD_MAX], taken[MYC_TOPIC_PAYLOAD_MAX];

static void sizes(struct bench *bench, uint32_t size)
{
	uint32_t slots = 1024;
	char name[72];

	while (slots * myc_topic_pad(size + 32) > RING_MAX)
		slots /= 2;
	uint32_t n = size > 4096 ? 40000 : 400000;

	open_side(&side[0], 0, slots, size, 0, 1);
	/* memcpy to where the payloads go. */
	char *at = side[0].writer.slots + 32;
	uint64_t t0 = myc_clock_ns();
	for (uint32_t i = 0; i < n; i++) {
		memcpy(at + (i & (slots - 1)) * side[0].writer.stride, payload, size);
		__asm__ __volatile__("" : : "r"(at) : "memory");
	}
	uint64_t t1 = myc_clock_ns();
	for (uint32_t i = 0; i < n; i++)
		must(myc_topic_publish(&side[0].writer, i, 1, payload, size));
	uint64_t t2 = myc_clock_ns();
	uint64_t reading = 0, copying = 0, word;
	struct myc_topic_message message = {0};

	for (uint32_t i = 0; i < n; i += slots / 4) {
		for (uint32_t k = 0; k < slots / 4; k++)
			must(myc_topic_publish(&side[0].writer, i, 1, payload, size));
		side[0].reader[0].next = side[0].writer.published - slots / 4;
		uint64_t t3 = myc_clock_ns();
		while (take(&side[0].reader[0], &word))
			;
		uint64_t t4 = myc_clock_ns();
		side[0].reader[0].next = side[0].writer.published - slots / 4;
		while (myc_topic_next(&side[0].reader[0], &message) > 0) {
			must(myc_topic_copy(&message, taken) ? 0 : -EIO);
			myc_topic_done(&side[0].reader[0], &message);
		}
		copying += myc_clock_ns() - t4;
		reading += t4 - t3;
	}
	uint32_t read = (n + slots / 4 - 1) / (slots / 4) * (slots / 4);

	snprintf(name, sizeof(name), "memcpy, %u bytes", size);
	bench_sample(bench, name, "ns", (double)(t1 - t0) / n);
	snprintf(name, sizeof(name), "publish, %u bytes", size);
	bench_sample(bench, name, "ns", (double)(t2 - t1) / n);
	snprintf(name, sizeof(name), "read in place, %u bytes", size);
	bench_sample(bench, name, "ns", (double)reading / read);
	snprintf(name, sizeof(name), "copy out, %u bytes", size);
	bench_sample(bench, name, "ns", (double)copying / read);
	close_side(&side[0]);
}

static void broadcast(struct bench *bench, uint32_t size, uint32_t flags)
{
	const uint32_t slots = 16, n = 20000;
	char name[72];
	uint64_t word;

	open_side(&side[0], flags, slots, size, 0, READERS);
	char *at = side[0].writer.slots + 32;
	uint64_t copying = 0, all = 0, t0, t1;

	for (uint32_t round = 0; round < n / slots; round++) {
		t0 = myc_clock_ns();
		for (uint32_t i = 0; i < slots; i++) {
			memcpy(at + i * side[0].writer.stride, payload, size);
			__asm__ __volatile__("" : : "r"(at) : "memory");
		}
		t1 = myc_clock_ns();
		copying += t1 - t0;
		for (uint32_t i = 0; i < slots; i++) {
			must(myc_topic_publish(&side[0].writer, i, 1, payload, size));
			for (uint32_t r = 0; r < READERS; r++)
				must(take(&side[0].reader[r], &word) ? 0 : -EIO);
		}
		all += myc_clock_ns() - t1;
	}
	const char *kind = flags ? "waited for" : "tolerant";

	snprintf(name, sizeof(name), "memcpy beside the broadcast, %u bytes, %s", size, kind);
	bench_sample(bench, name, "ns", (double)copying / n);
	bench_raw(bench, name, "");
	char broadcast_name[72];

	snprintf(broadcast_name, sizeof(broadcast_name), "broadcast to 64 %s, %u bytes", kind,
		 size);
	bench_sample(bench, broadcast_name, "ns/message", (double)all / n);
	bench_raw(bench, broadcast_name, name);
	if (size == MYC_TOPIC_PAYLOAD_MAX)
		bench_bar(bench, broadcast_name, BENCH_RATIO_AT_MOST, 2);
	close_side(&side[0]);
}

/* ---- between two cores -------------------------------------------------------------------------- */

static void *answer(void *unused)
{
	uint64_t word;

	bench_pin(1);
	for (uint64_t i = 1; i <= TRIPS; i++) {
		while (!take(&side[0].reader[0], &word))
			;
		must(myc_topic_publish(&side[1].writer, 0, 1, &word, sizeof(word)));
	}
	return unused;
}

static double one_way(uint32_t flags)
{
	pthread_t thread;
	uint64_t word;

	open_side(&side[0], flags, 1024, SMALL, 0, 1);
	open_side(&side[1], flags, 1024, SMALL, 0, 1);
	memset(&trips, 0, sizeof(trips));
	pthread_create(&thread, NULL, answer, NULL);
	uint64_t before = myc_clock_ns();
	for (uint64_t i = 1; i <= TRIPS; i++) {
		must(myc_topic_publish(&side[0].writer, 0, 1, &i, sizeof(i)));
		while (!take(&side[1].reader[0], &word))
			;
		if (word != i)
			must(-EIO);
		uint64_t now = myc_clock_ns();

		if (i > TRIPS / 10)
			myc_histogram_add(&trips, now - before);
		before = now;
	}
	pthread_join(thread, NULL);
	close_side(&side[0]);
	close_side(&side[1]);
	return (double)myc_histogram_quantile(&trips, 0.5) / 2;
}

static void *drink(void *readers)
{
	uint32_t count = *(uint32_t *)readers;
	uint64_t word, before = 0;

	bench_pin(1);
	for (uint64_t n = 0; n < STREAM / count;) {
		for (uint32_t r = 0; r < count; r++)
			while (!take(&side[0].reader[r], &word))
				;
		if (++n % CHUNK)
			continue;
		uint64_t now = myc_clock_ns();

		if (before)
			myc_histogram_add(&trips, now - before);
		before = now;
	}
	return NULL;
}

/* Time per message at the readers' core, median over chunks. */
static double stream(uint32_t readers)
{
	pthread_t thread;

	open_side(&side[0], MYC_TOPIC_RELIABLE, 1024, SMALL, 0, readers);
	memset(&trips, 0, sizeof(trips));
	pthread_create(&thread, NULL, drink, &readers);
	for (uint64_t i = 0; i < STREAM / readers; i++)
		while (myc_topic_publish(&side[0].writer, 0, 1, &i, sizeof(i)))
			;
	pthread_join(thread, NULL);
	close_side(&side[0]);
	return (double)myc_histogram_quantile(&trips, 0.5) / CHUNK;
}

#define RAW "raw cache line hand-over, p50"

int main(void)
{
	static const uint32_t size[] = {SMALL, 256, 4096, MYC_TOPIC_PAYLOAD_MAX};
	struct bench bench;
	char name[72], against[72];

	memset(payload, 7, sizeof(payload));
	bench_begin(&bench, "topic", "topics between threads that spin on cores 0 and 1");
	for (int run = 0; run < RUNS; run++) {
		bench_pin(0);
		bench_sample(&bench, RAW, "ns", raw() / 2);
		bench_sample(&bench, "one-way, tolerant, p50", "ns", one_way(0));
		bench_sample(&bench, "one-way, waited for, p50", "ns", one_way(MYC_TOPIC_RELIABLE));
		bench_sample(&bench, "stream to 1 waited for", "ns/message", stream(1));
		bench_sample(&bench, "stream to 64 waited for", "ns/message", stream(READERS));
		for (int i = 0; i < 4; i++)
			sizes(&bench, size[i]);
		for (int i = 1; i < 4; i++) {
			broadcast(&bench, size[i], 0);
			broadcast(&bench, size[i], MYC_TOPIC_RELIABLE);
		}
	}
	bench_raw(&bench, "one-way, tolerant, p50", RAW);
	bench_raw(&bench, "one-way, waited for, p50", RAW);
	bench_raw(&bench, "stream to 1 waited for", RAW);
	bench_raw(&bench, "stream to 64 waited for", RAW);
	for (int i = 0; i < 4; i++) {
		snprintf(against, sizeof(against), "memcpy, %u bytes", size[i]);
		snprintf(name, sizeof(name), "publish, %u bytes", size[i]);
		bench_raw(&bench, name, against);
		snprintf(name, sizeof(name), "copy out, %u bytes", size[i]);
		bench_raw(&bench, name, against);
	}
	return bench_finish(&bench);
}
