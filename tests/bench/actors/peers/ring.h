/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The course for a ring of another library: the includer defines ring_make, ring_push and ring_pop
 * (false: full, empty), RING_LIBRARY and RING_MODE; then ring_course() measures one way, a stream, and both on
 * one thread. Two threads spin on core 0 and core 1.
 */
#include <pthread.h>
#include <stdbool.h>

#include "../measure.h"

#define TRIPS (MEASURE_WARM + MEASURE_TRIPS)

static bool ring_push(int ring, const struct message *message);
static bool ring_pop(int ring, struct message *message);

static uint64_t ring_sample[MEASURE_TRIPS];

static inline void push(int ring, const struct message *message)
{
	while (!ring_push(ring, message))
		;
}

static inline void pop(int ring, struct message *message)
{
	while (!ring_pop(ring, message))
		;
}

/* Ring 0 goes to core 1, ring 1 comes back. */
static void *other_end(void *unused)
{
	struct message message;

	measure_pin(1);
	for (int i = 0; i < TRIPS; i++) {
		pop(0, &message);
		push(1, &message);
	}
	for (uint64_t i = 0; i < MEASURE_STREAM; i++) {
		pop(0, &message);
		if (message.word[0] != i) {
			fprintf(stderr, "a message is not the next\n");
			exit(1);
		}
		if (i == MEASURE_STREAM_WARM || i + 1 == MEASURE_STREAM) {
			message.word[0] = measure_ticks();
			push(1, &message);
		}
	}
	return unused;
}

static void across(void)
{
	struct message message = {{0}}, last;
	pthread_t thread;

	if (pthread_create(&thread, NULL, other_end, NULL)) {
		fprintf(stderr, "no thread\n");
		exit(1);
	}
	measure_touch(ring_sample, MEASURE_TRIPS);
	uint64_t before = measure_ticks();

	for (int i = 0; i < TRIPS; i++) {
		push(0, &message);
		pop(1, &message);
		uint64_t now = measure_ticks();

		if (i >= MEASURE_WARM)
			ring_sample[i - MEASURE_WARM] = now - before;
		before = now;
	}
	for (uint64_t i = 0; i < MEASURE_STREAM; i++) {
		message.word[0] = i;
		push(0, &message);
	}
	pop(1, &message);
	pop(1, &last);
	pthread_join(thread, NULL);
	measure_report_trips(ring_sample, MEASURE_TRIPS, "",
			     "threads, spin, cores 0+1, 1 ring polled, " RING_MODE);
	measure_report("stream 1 to 1", "ns/message",
		       (double)(last.word[0] - message.word[0]) * measure_tick_ns() /
			       (MEASURE_STREAM - MEASURE_STREAM_WARM - 1),
		       "threads, spin, cores 0+1, 1 ring polled, " RING_MODE);
}

/* `batch` pushed, then popped; per message. */
static double alone(int batch)
{
	struct message message = {{0}};
	uint64_t sum = 0, begun = 0;

	for (int i = 0; i < MEASURE_HOPS; i += batch) {
		if (i >= MEASURE_HOPS_WARM && !begun)
			begun = measure_ticks();
		for (int j = 0; j < batch; j++) {
			message.word[0]++;
			push(0, &message);
		}
		for (int j = 0; j < batch; j++) {
			pop(0, &message);
			sum += message.word[0];
		}
	}
	double ns = (double)(measure_ticks() - begun) * measure_tick_ns() /
		    (MEASURE_HOPS - MEASURE_HOPS_WARM);

	if (!sum)
		exit(1);
	return ns;
}

static void ring_course(void)
{
	measure_tick_ns();
	measure_pin(0);
	across();
	measure_report("hop, same thread", "ns/message", alone(1),
		       "one thread, core 0, push and pop, no dispatch, " RING_MODE);
	measure_report("tell, same thread", "ns/message", alone(MEASURE_BATCH),
		       "one thread, core 0, 64 pushed, 64 popped, no dispatch, " RING_MODE);
}
