/* SPDX-License-Identifier: Apache-2.0 */
#include "market/locate.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <mycelium/market/itch50.h>

#define ARMED (1ull << 63)

enum directory { DIRECTORY_UNKNOWN = 0, DIRECTORY_STARTED = 1 };

/* FNV-1a over the list: tells whether a predecessor watched the same symbols in the same order. */
_Static_assert(sizeof(((struct myc_feed_block *)0)->symbols_seen) * 8 == MYC_SYMBOLS_MAX,
	       "a bit each");

static uint64_t list_key(const uint64_t *symbols, uint32_t count)
{
	uint64_t key = 0xcbf29ce484222325ull;

	for (uint32_t i = 0; i < count; i++)
		key = (key ^ symbols[i]) * 0x100000001b3ull;
	return key;
}

static void forget(struct myc_locate_learner *learner)
{
	__atomic_store_n(&learner->filter->armed, 0, __ATOMIC_RELEASE);
	memset(learner->block->symbols_seen, 0, sizeof(learner->block->symbols_seen));
	learner->block->directory = DIRECTORY_UNKNOWN;
	/* After `armed`: a program that still sees it set sees the old bits. */
	for (uint32_t i = 0; i < 65536 / 64; i++)
		__atomic_store_n(&learner->filter->watched[i], 0, __ATOMIC_RELEASE);
}

int myc_locate_open(struct myc_locate_learner *learner, struct myc_locate_filter *filter,
		    struct myc_feed_block *block, const uint64_t *symbols, uint32_t count,
		    uint64_t epoch)
{
	uint64_t key = list_key(symbols, count);

	if (count > MYC_SYMBOLS_MAX)
		return -EINVAL;
	*learner = (struct myc_locate_learner){.filter = filter, .block = block, .symbols = count};
	learner->symbol = malloc((count ? count : 1) * sizeof(*symbols));
	if (!learner->symbol)
		return -ENOMEM;
	memcpy(learner->symbol, symbols, count * sizeof(*symbols));
	if (!epoch || block->symbols_key != key) {
		forget(learner);
		block->symbols_key = key;
	}
	return 0;
}

void myc_locate_close(struct myc_locate_learner *learner)
{
	free(learner->symbol);
	learner->symbol = NULL;
}

void myc_locate_disarm(struct myc_locate_learner *learner)
{
	forget(learner);
}

void myc_locate_lost(struct myc_locate_learner *learner)
{
	learner->block->directory = DIRECTORY_UNKNOWN;
}

static bool all_seen(const struct myc_locate_learner *learner)
{
	for (uint32_t i = 0; i < learner->symbols; i++)
		if (!(learner->block->symbols_seen[i / 64] >> (i % 64) & 1))
			return false;
	return true;
}

static void arm(struct myc_locate_learner *learner, uint64_t epoch)
{
	__atomic_store_n(&learner->filter->armed, ARMED | epoch, __ATOMIC_RELEASE);
}

static void learn_symbol(struct myc_locate_learner *learner, uint64_t epoch, uint64_t symbol,
			 uint16_t locate)
{
	uint64_t *word = &learner->filter->watched[locate / 64];

	for (uint32_t i = 0; i < learner->symbols; i++) {
		if (learner->symbol[i] != symbol)
			continue;
		__atomic_store_n(word, *word | 1ull << (locate % 64), __ATOMIC_RELEASE);
		learner->block->symbols_seen[i / 64] |= 1ull << (i % 64);
		if (all_seen(learner))
			arm(learner, epoch);
		return;
	}
}

void myc_locate_learn(struct myc_locate_learner *learner, uint64_t epoch, const uint8_t *message,
		      uint32_t size)
{
	struct myc_itch_stock_directory directory;
	struct myc_itch_system_event event;

	if (myc_itch_stock_directory_read(&directory, message, size) == 0) {
		learn_symbol(learner, epoch, directory.stock, directory.locate);
	} else if (myc_itch_system_event_read(&event, message, size) == 0) {
		if (event.event == 'O')
			learner->block->directory = DIRECTORY_STARTED;
		else if (event.event == 'Q' && learner->block->directory == DIRECTORY_STARTED)
			arm(learner, epoch);
	}
}
