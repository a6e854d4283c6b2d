/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IEX TOPS 1.6 messages, and those that DEEP 1.0 shares with it (mycelium/market/deep.h adds the
 * rest). Little-endian; times in ns since the Unix epoch; prices signed, 4 decimals. The symbol is
 * at offset 10 of every message but the system event. Readers and rules as in market/wire.h: longer
 * messages are read by their known fields, unknown types (length 0) are skipped by their block.
 */
#ifndef MYCELIUM_MARKET_TOPS_H
#define MYCELIUM_MARKET_TOPS_H

#include <mycelium/market/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ns since 1970, of any message. */
static inline uint64_t myc_iex_timestamp(const uint8_t *message)
{
	return myc_load_le64(message + 2);
}

/* clang-format off */
/* MESSAGE(type, name, length): sections of TOPS 1.6. */
#define MYC_IEX_SHARED_MESSAGES(MESSAGE) \
	MESSAGE('S', iex_system_event, 10)	/* Administrative: System Event */ \
	MESSAGE('D', iex_security_directory, 31) /* Security Directory */ \
	MESSAGE('H', iex_trading_status, 22)	/* Trading Status */ \
	MESSAGE('I', iex_retail_liquidity, 18)	/* Retail Liquidity Indicator */ \
	MESSAGE('O', iex_operational_halt, 18)	/* Operational Halt Status */ \
	MESSAGE('P', iex_short_sale, 19)	/* Short Sale Price Test Status */ \
	MESSAGE('T', iex_trade, 38)		/* Trade Report */ \
	MESSAGE('X', iex_official_price, 26)	/* Official Price */ \
	MESSAGE('B', iex_trade_break, 38)	/* Trade Break */ \
	MESSAGE('A', iex_auction, 80)		/* Auction Information */
#define MYC_TOPS_MESSAGES(MESSAGE) \
	MYC_IEX_SHARED_MESSAGES(MESSAGE) \
	MESSAGE('Q', tops_quote, 42)		/* Quote Update */

#define MYC_FIELDS_iex_system_event(FIELD) FIELD(char, event, 1)
#define MYC_FIELDS_iex_security_directory(FIELD) \
	FIELD(u8, flags, 1) FIELD(symbol, symbol, 10) FIELD(le32, round_lot, 18) \
	FIELD(iexprice, adjusted_close, 22) FIELD(u8, luld_tier, 30)
#define MYC_FIELDS_iex_trading_status(FIELD) \
	FIELD(char, status, 1) FIELD(symbol, symbol, 10) FIELD(alpha4, reason, 18)
#define MYC_FIELDS_iex_retail_liquidity(FIELD) FIELD(char, indicator, 1) FIELD(symbol, symbol, 10)
#define MYC_FIELDS_iex_operational_halt(FIELD) FIELD(char, status, 1) FIELD(symbol, symbol, 10)
#define MYC_FIELDS_iex_short_sale(FIELD) \
	FIELD(u8, status, 1) FIELD(symbol, symbol, 10) FIELD(char, detail, 18)
#define MYC_FIELDS_iex_trade(FIELD) \
	FIELD(u8, conditions, 1) FIELD(symbol, symbol, 10) FIELD(le32, shares, 18) \
	FIELD(iexprice, price, 22) FIELD(le64, trade, 30)
#define MYC_FIELDS_iex_trade_break(FIELD) MYC_FIELDS_iex_trade(FIELD)
#define MYC_FIELDS_iex_official_price(FIELD) \
	FIELD(char, price_type, 1) FIELD(symbol, symbol, 10) FIELD(iexprice, price, 18)
#define MYC_FIELDS_iex_auction(FIELD) \
	FIELD(char, auction, 1) FIELD(symbol, symbol, 10) FIELD(le32, paired, 18) \
	FIELD(iexprice, reference_price, 22) FIELD(iexprice, indicative_price, 30) \
	FIELD(le32, imbalance, 38) FIELD(char, imbalance_side, 42) FIELD(u8, extension, 43) \
	FIELD(le32, scheduled_time, 44) FIELD(iexprice, book_clearing_price, 48) \
	FIELD(iexprice, collar_reference, 56) FIELD(iexprice, lower, 64) FIELD(iexprice, upper, 72)
#define MYC_FIELDS_tops_quote(FIELD) \
	FIELD(u8, flags, 1) FIELD(symbol, symbol, 10) FIELD(le32, bid_size, 18) \
	FIELD(iexprice, bid, 22) FIELD(iexprice, ask, 30) FIELD(le32, ask_size, 38)

/* struct myc_NAME and int myc_NAME_read(out, message, size): 0, or -EBADMSG when size is too small
 * or the type another. */
#define MYC_IEX_DEFINE(type, name, length) \
	struct myc_##name { \
		uint64_t timestamp; \
		MYC_FIELDS_##name(MYC_FIELD_DECLARE) \
	}; \
	static inline int myc_##name##_read(struct myc_##name *out, const uint8_t *message, \
					    uint32_t size) \
	{ \
		if (size < (length) || message[0] != (type)) \
			return -EBADMSG; \
		out->timestamp = myc_iex_timestamp(message); \
		MYC_FIELDS_##name(MYC_FIELD_LOAD) \
		return 0; \
	}
MYC_TOPS_MESSAGES(MYC_IEX_DEFINE)
/* clang-format on */

/* Specified length of a type, type byte included; 0 = no such type. */
static inline uint32_t myc_tops_length(uint8_t type)
{
	switch (type) {
#define MYC_TOPS_LENGTH(letter, name, size) \
	case letter:                        \
		return size;
		/* NOLINTNEXTLINE(bugprone-branch-clone): types of equal length */
		MYC_TOPS_MESSAGES(MYC_TOPS_LENGTH)
#undef MYC_TOPS_LENGTH
	default:
		return 0;
	}
}

/* One line of text of a TOPS message; see myc_itch_print(). */
int myc_tops_print(char *out, size_t out_size, const uint8_t *message, uint32_t size);

#ifdef __cplusplus
}
#endif
#endif
