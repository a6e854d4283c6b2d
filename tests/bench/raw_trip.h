/* SPDX-License-Identifier: Apache-2.0 */
/* What the machine allows: a line from one core to another and back, both spinning. */
#ifndef TESTS_BENCH_RAW_TRIP_H
#define TESTS_BENCH_RAW_TRIP_H

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "common/bench.h"

#define TRIPS 200000

static struct {
	_Alignas(128) _Atomic uint64_t there;
	_Alignas(128) _Atomic uint64_t back;
} line;

static void *raw_answer(void *unused)
{
	bench_pin(1);
	for (uint64_t i = 1; i <= TRIPS; i++) {
		while (atomic_load_explicit(&line.there, memory_order_acquire) != i)
			;
		atomic_store_explicit(&line.back, i, memory_order_release);
	}
	return unused;
}

static struct myc_histogram trips;

/* Median, ns there and back. */
static double raw(void)
{
	pthread_t thread;

	memset(&trips, 0, sizeof(trips));
	line.there = line.back = 0;
	pthread_create(&thread, NULL, raw_answer, NULL);
	uint64_t before = myc_clock_ns();
	for (uint64_t i = 1; i <= TRIPS; i++) {
		atomic_store_explicit(&line.there, i, memory_order_release);
		while (atomic_load_explicit(&line.back, memory_order_acquire) != i)
			;
		uint64_t now = myc_clock_ns();

		myc_histogram_add(&trips, now - before);
		before = now;
	}
	pthread_join(thread, NULL);
	return (double)myc_histogram_quantile(&trips, 0.5);
}

#endif
