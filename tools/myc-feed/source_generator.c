/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generated day (market/itch_generator.h) on the clock of a real one. NASDAQ TotalView,
 * 2023-08-22: 910,000 messages/s for 7.2 ms after the open, 126,000 over the first 24 s, 29,000
 * over the nine minutes that followed. Messages come in clusters, 1.1 us apart inside: one event
 * moves many orders. The directory goes out in the second before the open.
 */
#include <errno.h>
#include <stdlib.h>

#include <mycelium/market/itch50.h>

#include "market/itch_generator.h"
#include "myc-feed/source.h"

#define SECOND_NS 1000000000ull
#define OPEN_NS	  ((9 * 3600 + 30 * 60) * SECOND_NS)
#define NEAR_NS	  1100 /* between two messages of a cluster: 910,000 a second */

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

struct generator {
	struct source source;
	struct myc_itch_generator *day;
	struct chance chance;
	bool open; /* the market is */
	uint64_t time_ns;
	uint32_t cluster_left;
	uint8_t message[MYC_ITCH_GENERATOR_BUFFER];
};

/* 1 .. 2 * mean - 1 evenly. */
static uint64_t around(struct generator *generator, uint64_t mean)
{
	return 1 + chance_next(&generator->chance) % (2 * mean - 1);
}

static void tick(struct generator *generator)
{
	const struct phase *phase = &phases[0];

	if (!generator->open) {
		generator->time_ns += 10000; /* the directory: 100,000 a second */
		return;
	}
	if (generator->cluster_left) {
		generator->cluster_left--;
		generator->time_ns += NEAR_NS;
		return;
	}
	for (uint32_t i = 1; i < sizeof(phases) / sizeof(phases[0]); i++)
		if (generator->time_ns >= OPEN_NS + phases[i].from_ns)
			phase = &phases[i];

	/* A cluster of n takes the time of n messages at the phase's rate; what its own
	 * messages do not use goes before it. */
	bool alone = chance_next(&generator->chance) % 100 < phase->alone_percent;
	uint64_t size = alone ? 1 : around(generator, phase->cluster_mean);

	generator->cluster_left = (uint32_t)size - 1;
	generator->time_ns += around(generator, size * phase->gap_ns - (size - 1) * NEAR_NS);
}

static int generator_next(struct source *source, struct item *item, struct myc_error *error)
{
	struct generator *generator = (struct generator *)source;
	uint64_t own_time;
	uint32_t size;

	(void)error;
	if (!myc_itch_generator_next(generator->day, generator->message, &size, &own_time))
		return 0;
	tick(generator);
	if (!generator->open && own_time >= OPEN_NS) {
		generator->open = true;
		if (generator->time_ns < OPEN_NS)
			generator->time_ns = OPEN_NS;
	}
	myc_store_be48(generator->message + 5, generator->time_ns);
	*item = (struct item){
		.kind = ITEM_MESSAGE,
		.time_ns = generator->time_ns,
		.send_ns = generator->time_ns,
		.data = generator->message,
		.size = size,
	};
	return 1;
}

static void generator_close(struct source *source)
{
	struct generator *generator = (struct generator *)source;

	myc_itch_generator_close(generator->day);
	free(generator);
}

int source_generator_open(struct source **source, const struct source_generator_opts *opts,
			  struct myc_error *error)
{
	struct generator *generator = calloc(1, sizeof(*generator));
	struct myc_itch_generator_opts day = {
		.sz = sizeof(day),
		.seed = opts->seed,
		.symbols = opts->symbols,
		.messages = opts->messages,
	};

	if (!generator)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	int err = myc_itch_generator_open(&generator->day, &day);

	if (err) {
		free(generator);
		return myc_error_set(error, err,
				     "a day has at least two messages a symbol and six more",
				     "%llu messages of %u symbols make no day",
				     (unsigned long long)opts->messages, opts->symbols);
	}
	generator->source.next = generator_next;
	generator->source.close = generator_close;
	generator->source.epoch_ns = SOURCE_EPOCH_NS;
	generator->chance = chance_seeded(opts->seed, 1);
	/* So that the directory ends shortly before the open. */
	uint64_t before_ns = (2ull * opts->symbols + 2) * 10000 + SECOND_NS / 10;

	generator->time_ns = OPEN_NS - before_ns;
	*source = &generator->source;
	return 0;
}
