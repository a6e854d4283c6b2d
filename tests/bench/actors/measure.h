/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every contestant of `make bench-actors` measures and reports by, in C and C++ (peers/measure.rs
 * is the same in Rust). A contestant is a program that prints a line a figure, which the driver reads:
 *
 *	figure TAB unit TAB value TAB mode          mode = idle strategy, cores, peers polled, ...
 *	# text                                      what it left out, and why
 *
 * All of them: 40-byte messages, the sender on core 0 and the receiver on core 1, one reading of the
 * time-stamp counter a round trip, one-way = half a round trip, streams over their whole length.
 */
#ifndef TESTS_BENCH_ACTORS_MEASURE_H
#define TESTS_BENCH_ACTORS_MEASURE_H

#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define MEASURE_WARM	    10000 /* trips before the first that counts */
#define MEASURE_TRIPS	    100000
#define MEASURE_STREAM	    2000000 /* messages of a stream; the first of them warm up */
#define MEASURE_STREAM_WARM 200000
#define MEASURE_HOPS	    1000000 /* messages on one thread; likewise */
#define MEASURE_HOPS_WARM   100000
#define MEASURE_RING	    1024 /* slots or credit of what is bounded */
#define MEASURE_BATCH	    64	 /* "tell": sent, then handled */

/* The payload that fills a line beside a header of 24 bytes. */
struct message {
	uint64_t word[5];
};

static inline uint64_t measure_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The cheapest clock there is: its reading lies on the path that is measured. */
static inline uint64_t measure_ticks(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#else
	return measure_ns();
#endif
}

/* ns of one tick, found against CLOCK_MONOTONIC at the first call (20 ms). */
static inline double measure_tick_ns(void)
{
	static double tick_ns;

	if (tick_ns > 0)
		return tick_ns;
	uint64_t ns = measure_ns(), ticks = measure_ticks();

	while (measure_ns() - ns < 20000000)
		;
	tick_ns = (double)(measure_ns() - ns) / (double)(measure_ticks() - ticks);
	return tick_ns;
}

static inline void measure_pin(int core)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)core, &set);
	if (sched_setaffinity(0, sizeof(set), &set)) {
		fprintf(stderr, "cannot pin to core %d: two cores are needed\n", core);
		exit(1);
	}
}

static inline void measure_report(const char *figure, const char *unit, double value,
				  const char *mode)
{
	printf("%s\t%s\t%.6g\t%s\n", figure, unit, value, mode);
	fflush(stdout);
}

static inline int measure_order(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

/* Before samples are taken: a page fault among them would be one of theirs. */
static inline void measure_touch(uint64_t *samples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		samples[i] = ~0ull;
}

/* Of sorted values. */
static inline double measure_quantile(const uint64_t *sorted, size_t count, double share)
{
	size_t at = (size_t)((double)count * share);

	return (double)sorted[at < count ? at : count - 1];
}

/* Sorts `count` round trips in ticks and reports half of them as one way. `what`: "", or ", ..." */
static inline void measure_report_trips(uint64_t *ticks, size_t count, const char *what,
					const char *mode)
{
	char figure[72];

	qsort(ticks, count, sizeof(*ticks), measure_order);
	snprintf(figure, sizeof(figure), "one-way p50%s", what);
	measure_report(figure, "ns", measure_quantile(ticks, count, 0.5) / 2 * measure_tick_ns(),
		       mode);
	snprintf(figure, sizeof(figure), "one-way p99.9%s", what);
	measure_report(figure, "ns", measure_quantile(ticks, count, 0.999) / 2 * measure_tick_ns(),
		       mode);
}

/* Resident bytes of this process. */
static inline uint64_t measure_resident(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "r");

	if (!file || fscanf(file, "%*s %lu", &pages) != 1)
		pages = 0;
	if (file)
		fclose(file);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

#endif
