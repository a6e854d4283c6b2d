/* SPDX-License-Identifier: Apache-2.0 */
/* A histogram of nanoseconds, four steps an octave: values are known to within 19 %. */
#ifndef EXAMPLES_DEMO_LATENCY_H
#define EXAMPLES_DEMO_LATENCY_H

#include <stdint.h>

#define LATENCY_BUCKETS 160

struct latency {
	uint64_t count;
	uint64_t bucket[LATENCY_BUCKETS];
};

static inline void latency_add(struct latency *latency, uint64_t ns)
{
	uint32_t index = (uint32_t)ns;

	if (ns >= 4) {
		uint32_t octave = 63u - (uint32_t)__builtin_clzll(ns);

		index = (octave - 1) * 4 + (uint32_t)(ns >> (octave - 2) & 3);
	}
	latency->bucket[index < LATENCY_BUCKETS ? index : LATENCY_BUCKETS - 1]++;
	latency->count++;
}

/* Below this lies the given share (0..1): the upper end of its bucket, in ns. 0 when empty. */
static inline uint64_t latency_quantile(const struct latency *latency, double share)
{
	uint64_t rank = (uint64_t)(share * (double)latency->count), seen = 0;

	for (uint32_t i = 0; i < LATENCY_BUCKETS; i++) {
		seen += latency->bucket[i];
		if (seen > rank)
			return i < 4 ? i : ((uint64_t)(4 + i % 4 + 1) << (i / 4 - 1)) - 1;
	}
	return 0;
}

#endif
