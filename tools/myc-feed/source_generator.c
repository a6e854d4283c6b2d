/* SPDX-License-Identifier: Apache-2.0 */
/* The generated day of ITCH 5.0 (market/itch_generator.h) on the clock of a real one. */
#include <errno.h>
#include <stdlib.h>

#include <mycelium/market/itch50.h>

#include "market/itch_generator.h"
#include "myc-feed/day_clock.h"
#include "myc-feed/source.h"

struct generator {
	struct source source;
	struct myc_itch_generator *day;
	struct day_clock clock;
	uint8_t message[MYC_ITCH_GENERATOR_BUFFER];
};

static int generator_next(struct source *source, struct item *item, struct myc_error *error)
{
	struct generator *generator = (struct generator *)source;
	uint64_t own_time, time_ns;
	uint32_t size;

	(void)error;
	if (!myc_itch_generator_next(generator->day, generator->message, &size, &own_time))
		return 0;
	time_ns = day_clock_tick(&generator->clock);
	/* System event 'Q': start of market hours. */
	if (!generator->clock.open && generator->message[0] == 'S' && generator->message[11] == 'Q')
		time_ns = day_clock_open(&generator->clock);
	myc_store_be48(generator->message + 5, time_ns);
	*item = (struct item){
		.kind = ITEM_MESSAGE,
		.time_ns = time_ns,
		.send_ns = time_ns,
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
	day_clock_init(&generator->clock, opts->seed, 2ull * opts->symbols + 2);
	*source = &generator->source;
	return 0;
}
