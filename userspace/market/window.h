/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The filtered window (abi/steer.h) as its reader sees it. Loads only; pairs with the program's
 * compare-exchanges, which record a message before its packet is dropped.
 */
#ifndef MYC_MARKET_WINDOW_H
#define MYC_MARKET_WINDOW_H

#include <mycelium/abi/steer.h>

/* How many messages from `first` on, all below `limit`, are recorded as filtered. */
uint64_t myc_window_filtered(const struct myc_filtered_window *window, uint64_t epoch,
			     uint64_t first, uint64_t limit);
/* How many from `first` on, all below `limit`, are not. *unknown: how many of these had a record
 * that newer messages have overwritten. Takes at most 2 * MYC_WINDOW_WORDS loads. */
uint64_t myc_window_missing(const struct myc_filtered_window *window, uint64_t epoch,
			    uint64_t first, uint64_t limit, uint64_t *unknown);

#endif
