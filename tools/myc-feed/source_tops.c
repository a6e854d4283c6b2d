/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generated day of IEX TOPS 1.6: system events, the security directory, then quote updates and
 * trades of symbols S00001 ... Quotes move by small steps and are never crossed; trades take place
 * at the bid or the ask.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mycelium/market/tops.h>

#include "myc-feed/day_clock.h"
#include "myc-feed/source.h"

#define TICK	     100 /* a cent, 1/10,000 dollar */
#define TRADES_EVERY 8	 /* of the day's messages one is a trade */
#define CLOSING	     3	 /* system events at the end */

struct quote {
	int64_t bid, ask;
	uint32_t bid_size, ask_size;
};

struct tops {
	struct source source;
	struct source_generator_opts opts;
	struct day_clock clock;
	struct chance chance;
	uint64_t made;
	uint64_t trades;
	uint8_t message[48];
	struct quote quote[];
};

static uint32_t below(struct tops *tops, uint32_t limit)
{
	return (uint32_t)(chance_next(&tops->chance) % limit);
}

static uint32_t begin(struct tops *tops, char type, char flag, uint32_t symbol)
{
	char name[16];

	tops->message[0] = (uint8_t)type;
	tops->message[1] = (uint8_t)flag;
	if (symbol) {
		snprintf(name, sizeof(name), "S%05u", symbol);
		myc_store_le64(tops->message + 10, myc_symbol_word(name));
	}
	return myc_tops_length((uint8_t)type);
}

static uint32_t directory(struct tops *tops, uint32_t symbol)
{
	uint32_t size = begin(tops, 'D', 0, symbol);

	myc_store_le32(tops->message + 18, 100);
	myc_store_le64(tops->message + 22, (uint64_t)tops->quote[symbol - 1].bid);
	tops->message[30] = 1;
	return size;
}

static uint32_t trade(struct tops *tops, uint32_t symbol)
{
	const struct quote *quote = &tops->quote[symbol - 1];
	uint32_t size = begin(tops, 'T', 0, symbol);

	myc_store_le32(tops->message + 18, 100 * (1 + below(tops, 5)));
	myc_store_le64(tops->message + 22, (uint64_t)(below(tops, 2) ? quote->bid : quote->ask));
	myc_store_le64(tops->message + 30, ++tops->trades);
	return size;
}

static uint32_t quote_update(struct tops *tops, uint32_t symbol)
{
	struct quote *quote = &tops->quote[symbol - 1];
	uint32_t size = begin(tops, 'Q', 0, symbol);
	int64_t step = TICK * ((int64_t)below(tops, 3) - 1);

	if (quote->bid + step >= 100 * TICK)
		quote->bid += step;
	quote->ask = quote->bid + TICK * (1 + (int64_t)below(tops, 3));
	quote->bid_size = 100 * (1 + below(tops, 20));
	quote->ask_size = 100 * (1 + below(tops, 20));
	myc_store_le32(tops->message + 18, quote->bid_size);
	myc_store_le64(tops->message + 22, (uint64_t)quote->bid);
	myc_store_le64(tops->message + 30, (uint64_t)quote->ask);
	myc_store_le32(tops->message + 38, quote->ask_size);
	return size;
}

/* Order: 'O', the directory, 'S', 'R' (the open), the day, 'M', 'E', 'C'. */
static uint32_t next_message(struct tops *tops, uint64_t *time_ns)
{
	static const char closing[CLOSING] = {'M', 'E', 'C'};
	uint64_t n = tops->made++, symbols = tops->opts.symbols, left = tops->opts.messages - n;

	*time_ns = day_clock_tick(&tops->clock);
	if (n == 0)
		return begin(tops, 'S', 'O', 0);
	if (n <= symbols)
		return directory(tops, (uint32_t)n);
	if (n == symbols + 1)
		return begin(tops, 'S', 'S', 0);
	if (n == symbols + 2) {
		*time_ns = day_clock_open(&tops->clock);
		return begin(tops, 'S', 'R', 0);
	}
	if (left <= CLOSING)
		return begin(tops, 'S', closing[CLOSING - left], 0);

	/* The smaller of two draws: few symbols are busy. */
	uint32_t one = below(tops, tops->opts.symbols), other = below(tops, tops->opts.symbols);
	uint32_t symbol = 1 + (one < other ? one : other);

	return below(tops, TRADES_EVERY) ? quote_update(tops, symbol) : trade(tops, symbol);
}

static int tops_next(struct source *source, struct item *item, struct myc_error *error)
{
	struct tops *tops = (struct tops *)source;
	uint64_t time_ns;

	(void)error;
	if (tops->made == tops->opts.messages)
		return 0;
	uint32_t size = next_message(tops, &time_ns);

	myc_store_le64(tops->message + 2, SOURCE_EPOCH_NS + time_ns);
	*item = (struct item){
		.kind = ITEM_MESSAGE,
		.time_ns = time_ns,
		.send_ns = SOURCE_EPOCH_NS + time_ns,
		.data = tops->message,
		.size = size,
	};
	return 1;
}

static void tops_close(struct source *source)
{
	free(source);
}

int source_tops_open(struct source **source, const struct source_generator_opts *opts,
		     struct myc_error *error)
{
	if (opts->messages < opts->symbols + 3ull + CLOSING)
		return myc_error_set(error, -EINVAL,
				     "a day has at least a message a symbol and six more",
				     "%llu messages of %u symbols make no day",
				     (unsigned long long)opts->messages, opts->symbols);
	struct tops *tops = calloc(1, sizeof(*tops) + opts->symbols * sizeof(tops->quote[0]));

	if (!tops)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	tops->source.next = tops_next;
	tops->source.close = tops_close;
	tops->source.epoch_ns = SOURCE_EPOCH_NS;
	tops->opts = *opts;
	tops->chance = chance_seeded(opts->seed, 2);
	for (uint32_t i = 0; i < opts->symbols; i++) {
		tops->quote[i].bid = TICK * (1000 + (int64_t)below(tops, 30000));
		tops->quote[i].ask = tops->quote[i].bid + TICK;
	}
	day_clock_init(&tops->clock, opts->seed, opts->symbols + 2ull);
	*source = &tops->source;
	return 0;
}
