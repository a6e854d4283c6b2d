/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IEX DEEP 1.0 messages: those of market/tops.h but the quote, the security event, and price levels.
 *
 * A level with size 0 is removed. While MYC_DEEP_EVENT_COMPLETE is not set more levels of the same
 * event follow: the book is in transition and its best prices are not to be published.
 */
#ifndef MYCELIUM_MARKET_DEEP_H
#define MYCELIUM_MARKET_DEEP_H

#include <mycelium/market/tops.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MYC_DEEP_EVENT_COMPLETE 1 /* myc_deep_buy_level.flags, myc_deep_sell_level.flags */

/* clang-format off */
#define MYC_DEEP_OWN_MESSAGES(MESSAGE) \
	MESSAGE('E', deep_security_event, 18)	/* Security Event */ \
	MESSAGE('8', deep_buy_level, 30)	/* Price Level Update on the Buy Side */ \
	MESSAGE('5', deep_sell_level, 30)	/* Price Level Update on the Sell Side */
#define MYC_DEEP_MESSAGES(MESSAGE) MYC_IEX_SHARED_MESSAGES(MESSAGE) MYC_DEEP_OWN_MESSAGES(MESSAGE)

#define MYC_FIELDS_deep_security_event(FIELD) FIELD(char, event, 1) FIELD(symbol, symbol, 10)
#define MYC_FIELDS_deep_buy_level(FIELD) \
	FIELD(u8, flags, 1) FIELD(symbol, symbol, 10) FIELD(le32, shares, 18) FIELD(iexprice, price, 22)
#define MYC_FIELDS_deep_sell_level(FIELD) MYC_FIELDS_deep_buy_level(FIELD)
MYC_DEEP_OWN_MESSAGES(MYC_IEX_DEFINE)
/* clang-format on */

/* Specified length of a type, type byte included; 0 = no such type. */
static inline uint32_t myc_deep_length(uint8_t type)
{
	switch (type) {
#define MYC_DEEP_LENGTH(letter, name, size) \
	case letter:                        \
		return size;
		/* NOLINTNEXTLINE(bugprone-branch-clone): types of equal length */
		MYC_DEEP_MESSAGES(MYC_DEEP_LENGTH)
#undef MYC_DEEP_LENGTH
	default:
		return 0;
	}
}

/* One line of text of a DEEP message; see myc_itch_print(). */
int myc_deep_print(char *out, size_t out_size, const uint8_t *message, uint32_t size);

#ifdef __cplusplus
}
#endif
#endif
