/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Log-linear histogram of u64 values (latencies in ns): 32 steps an octave, so a value is known to
 * within 3.2 %. Fixed size, no allocation; one writer, readers tolerate a value in flight.
 */
#ifndef MYC_BASE_HISTOGRAM_H
#define MYC_BASE_HISTOGRAM_H

#include <stdint.h>

#define MYC_HISTOGRAM_STEPS   32
#define MYC_HISTOGRAM_BUCKETS (60 * MYC_HISTOGRAM_STEPS)

struct myc_histogram {
	uint64_t count;
	uint64_t sum;
	uint64_t min; /* 0 while count is 0 */
	uint64_t max;
	uint64_t bucket[MYC_HISTOGRAM_BUCKETS];
};

static inline uint32_t myc_histogram_index(uint64_t value)
{
	if (value < MYC_HISTOGRAM_STEPS)
		return (uint32_t)value;
	uint32_t octave = 63u - (uint32_t)__builtin_clzll(value); /* >= 5 */
	return (octave - 4) * MYC_HISTOGRAM_STEPS +
	       ((uint32_t)(value >> (octave - 5)) & (MYC_HISTOGRAM_STEPS - 1));
}

static inline void myc_histogram_add(struct myc_histogram *histogram, uint64_t value)
{
	histogram->bucket[myc_histogram_index(value)]++;
	histogram->min = histogram->count && histogram->min < value ? histogram->min : value;
	histogram->max = histogram->max > value ? histogram->max : value;
	histogram->sum += value;
	histogram->count++;
}

/* Value below or at which the given share lies (0.999 = p99.9): upper bound of its bucket, at most
 * the maximum. 0 when empty. */
uint64_t myc_histogram_quantile(const struct myc_histogram *histogram, double share);

#endif
