/* SPDX-License-Identifier: Apache-2.0 */
#include "base/histogram.h"

static uint64_t bucket_last(uint32_t index)
{
	if (index < MYC_HISTOGRAM_STEPS)
		return index;
	uint32_t octave = index / MYC_HISTOGRAM_STEPS + 4;
	uint64_t step = index % MYC_HISTOGRAM_STEPS;
	uint64_t width = 1ull << (octave - 5);

	return (1ull << octave) + step * width + (width - 1);
}

uint64_t myc_histogram_quantile(const struct myc_histogram *histogram, double share)
{
	if (!histogram->count)
		return 0;
	uint64_t rank = (uint64_t)(share * (double)histogram->count);
	if (rank >= histogram->count)
		rank = histogram->count - 1;
	uint64_t seen = 0;
	for (uint32_t i = 0; i < MYC_HISTOGRAM_BUCKETS; i++) {
		seen += histogram->bucket[i];
		if (seen > rank)
			return bucket_last(i) < histogram->max ? bucket_last(i) : histogram->max;
	}
	return histogram->max;
}
