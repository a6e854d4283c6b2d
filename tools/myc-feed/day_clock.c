/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/day_clock.h"

#define SECOND_NS 1000000000ull
#define OPEN_NS	  ((9 * 3600 + 30 * 60) * SECOND_NS)
#define BEFORE_NS 10000 /* between two of the directory: 100,000 a second */
#define NEAR_NS	  1100	/* between two messages of a cluster: 910,000 a second */

/* The rate from a time after the open on, and how its messages cluster. */
static const struct phase {
	uint64_t from_ns;
	uint64_t gap_ns;	/* mean time a message takes */
	uint32_t alone_percent; /* clusters of one message */
	uint32_t cluster_mean;	/* of the others */
} phases[] = {
	{0, NEAR_NS, 0, 64},
	{7200 * 1000, SECOND_NS / 126000, 70, 14},
	{24 * SECOND_NS, SECOND_NS / 29000, 86, 9},
};

/* 1 .. 2 * mean - 1 evenly. */
static uint64_t around(struct day_clock *clock, uint64_t mean)
{
	return 1 + chance_next(&clock->chance) % (2 * mean - 1);
}

static void tick(struct day_clock *clock)
{
	const struct phase *phase = &phases[0];

	if (!clock->open) {
		clock->time_ns += BEFORE_NS;
		return;
	}
	if (clock->cluster_left) {
		clock->cluster_left--;
		clock->time_ns += NEAR_NS;
		return;
	}
	for (uint32_t i = 1; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (clock->time_ns >= OPEN_NS + phases[i].from_ns)
			phase = &phases[i];

	/* A cluster of n takes the time of n messages at the phase's rate; what its own
	 * messages do not use goes before it. */
	bool alone = chance_next(&clock->chance) % 100 < phase->alone_percent;
	uint64_t size = alone ? 1 : around(clock, phase->cluster_mean);

	clock->cluster_left = (uint32_t)size - 1;
	clock->time_ns += around(clock, size * phase->gap_ns - (size - 1) * NEAR_NS);
}

uint64_t day_clock_tick(struct day_clock *clock)
{
	tick(clock);
	return clock->time_ns;
}

uint64_t day_clock_open(struct day_clock *clock)
{
	clock->open = true;
	if (clock->time_ns < OPEN_NS)
		clock->time_ns = OPEN_NS;
	return clock->time_ns;
}

void day_clock_init(struct day_clock *clock, uint64_t seed, uint64_t before)
{
	*clock = (struct day_clock){
		.chance = chance_seeded(seed, 1),
		.time_ns = OPEN_NS - before * BEFORE_NS - SECOND_NS / 10,
	};
}
