/* SPDX-License-Identifier: Apache-2.0 */
#include "market/window.h"

#include <stdbool.h>

#define WINDOW_MESSAGES (32ull * MYC_WINDOW_WORDS)

/* The bits of the word that `sequence` lies in; 0 when it is about other messages. */
static uint32_t bits_at(const struct myc_filtered_window *window, uint64_t epoch, uint64_t sequence,
			bool *overwritten)
{
	uint64_t word =
		__atomic_load_n(&window->word[myc_window_index(sequence)], __ATOMIC_ACQUIRE);
	uint64_t other = word ^ myc_window_word(epoch, sequence, 0);
	uint32_t tag = (uint32_t)(word >> 32) << 8;
	uint32_t own = (uint32_t)(myc_window_word(epoch, sequence, 0) >> 32) << 8;

	*overwritten = !(other >> 56) && (int32_t)(tag - own) > 0;
	return other >> 32 ? 0 : (uint32_t)word;
}

uint64_t myc_window_filtered(const struct myc_filtered_window *window, uint64_t epoch,
			     uint64_t first, uint64_t limit)
{
	uint64_t at = first;
	bool overwritten;

	while (at < limit) {
		uint32_t shift = at % 32;
		uint64_t clear = ~((uint64_t)bits_at(window, epoch, at, &overwritten) >> shift);
		uint64_t run = (uint64_t)__builtin_ctzll(clear);

		if (run > limit - at)
			run = limit - at;
		at += run;
		if (run < 32 - shift)
			break;
	}
	return at - first;
}

/* The lowest filtered message in [first, limit), or limit: by what the words say they are about. */
static uint64_t lowest_filtered(const struct myc_filtered_window *window, uint64_t epoch,
				uint64_t first, uint64_t limit)
{
	uint64_t lowest = limit;

	for (uint32_t i = 0; i < MYC_WINDOW_WORDS; i++) {
		uint64_t word = __atomic_load_n(&window->word[i], __ATOMIC_ACQUIRE);
		uint64_t round = first / WINDOW_MESSAGES;
		uint64_t base, bits = (uint32_t)word;

		if (!bits || word >> 56 != (epoch & 0xff))
			continue;
		round += ((word >> 32) - round) & 0xffffff;
		base = round * WINDOW_MESSAGES + i * 32ull;
		if (base <= first && first - base < 32)
			bits &= ~0ull << (first - base);
		if (bits && base + 31 >= first && base + (uint64_t)__builtin_ctzll(bits) < lowest)
			lowest = base + (uint64_t)__builtin_ctzll(bits);
	}
	return lowest;
}

uint64_t myc_window_missing(const struct myc_filtered_window *window, uint64_t epoch,
			    uint64_t first, uint64_t limit, uint64_t *unknown)
{
	uint64_t at = first;

	*unknown = 0;
	if (limit - first > WINDOW_MESSAGES) {
		/* Longer than the window's memory: each word can speak of one round only. */
		at = lowest_filtered(window, epoch, first, limit);
		*unknown = at - first > WINDOW_MESSAGES ? at - first - WINDOW_MESSAGES : 0;
		return at - first;
	}
	while (at < limit) {
		uint32_t shift = at % 32;
		bool overwritten;
		uint64_t set = (uint64_t)bits_at(window, epoch, at, &overwritten) >> shift;
		uint64_t run = set ? (uint64_t)__builtin_ctzll(set) : 32 - shift;

		if (run > limit - at)
			run = limit - at;
		if (overwritten)
			*unknown += run;
		at += run;
		if (run < 32 - shift)
			break;
	}
	return at - first;
}
