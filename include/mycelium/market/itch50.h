/* SPDX-License-Identifier: Apache-2.0 */
/*
 * NASDAQ TotalView-ITCH 5.0 (specification of 2015-03-06, section 4 "Message Formats").
 *
 * Every message begins with the same 11 bytes: type, stock locate, tracking number, and the time in
 * ns since midnight (48 bits). Integers are big-endian, text is left-justified and space padded,
 * prices have 4 decimals (Price(4)) or 8 (Price(8)).
 *
 *	struct myc_itch_add_order add;
 *	if (myc_itch_add_order_read(&add, event->data, event->size) == 0) ...
 *
 * Unknown types and messages longer than specified are legal and skippable: myc_itch_length() is 0
 * for the first, readers ignore the tail of the second. No state; any thread.
 */
#ifndef MYCELIUM_MARKET_ITCH50_H
#define MYCELIUM_MARKET_ITCH50_H

#include <stddef.h>

#include <mycelium/market/wire.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MYC_ITCH_HEADER_SIZE 11
#define MYC_ITCH_SIZE_MAX    50

/* The stock's number of the day, of any message. */
static inline uint16_t myc_itch_locate(const uint8_t *message)
{
	return myc_load_be16(message + 1);
}

/* ns since midnight, Eastern time. */
static inline uint64_t myc_itch_timestamp(const uint8_t *message)
{
	return myc_load_be48(message + 5);
}

/* clang-format off */
/* MESSAGE(type, name, length); fields below, one table each, by offset from the type byte. */
#define MYC_ITCH_MESSAGES(MESSAGE) \
	MESSAGE('S', system_event, 12)		/* 4.1 */ \
	MESSAGE('R', stock_directory, 39)	/* 4.2.1 */ \
	MESSAGE('H', trading_action, 25)	/* 4.2.2 */ \
	MESSAGE('Y', reg_sho, 20)		/* 4.2.3 */ \
	MESSAGE('L', participant_position, 26)	/* 4.2.4 */ \
	MESSAGE('V', mwcb_levels, 35)		/* 4.2.5.1 */ \
	MESSAGE('W', mwcb_status, 12)		/* 4.2.5.2 */ \
	MESSAGE('K', ipo_quoting_period, 28)	/* 4.2.6: its locate is always 0 */ \
	MESSAGE('J', luld_collar, 35)		/* 4.2.7 */ \
	MESSAGE('h', operational_halt, 21)	/* 4.2.8 */ \
	MESSAGE('A', add_order, 36)		/* 4.3.1 */ \
	MESSAGE('F', add_order_mpid, 40)	/* 4.3.2 */ \
	MESSAGE('E', order_executed, 31)	/* 4.4.1 */ \
	MESSAGE('C', order_executed_price, 36)	/* 4.4.2 */ \
	MESSAGE('X', order_cancel, 23)		/* 4.4.3 */ \
	MESSAGE('D', order_delete, 19)		/* 4.4.4 */ \
	MESSAGE('U', order_replace, 35)		/* 4.4.5 */ \
	MESSAGE('P', trade, 44)			/* 4.5.1 */ \
	MESSAGE('Q', cross_trade, 40)		/* 4.5.2 */ \
	MESSAGE('B', broken_trade, 19)		/* 4.5.3 */ \
	MESSAGE('I', noii, 50)			/* 4.6 */ \
	MESSAGE('N', rpii, 20)			/* 4.7 */ \
	MESSAGE('O', price_discovery, 48)	/* 4.8, direct listing with capital raise */

#define MYC_ITCH_FIELDS_system_event(FIELD) FIELD(char, event, 11)
#define MYC_ITCH_FIELDS_stock_directory(FIELD) \
	FIELD(symbol, stock, 11) FIELD(char, market_category, 19) FIELD(char, financial_status, 20) \
	FIELD(be32, round_lot, 21) FIELD(char, round_lots_only, 25) FIELD(char, issue_class, 26) \
	FIELD(alpha2, issue_subtype, 27) FIELD(char, authenticity, 29) FIELD(char, short_sale, 30) \
	FIELD(char, ipo, 31) FIELD(char, luld_tier, 32) FIELD(char, etp, 33) \
	FIELD(be32, etp_leverage, 34) FIELD(char, inverse, 38)
#define MYC_ITCH_FIELDS_trading_action(FIELD) \
	FIELD(symbol, stock, 11) FIELD(char, state, 19) FIELD(alpha4, reason, 21)
#define MYC_ITCH_FIELDS_reg_sho(FIELD) FIELD(symbol, stock, 11) FIELD(char, action, 19)
#define MYC_ITCH_FIELDS_participant_position(FIELD) \
	FIELD(alpha4, mpid, 11) FIELD(symbol, stock, 15) FIELD(char, primary, 23) \
	FIELD(char, mode, 24) FIELD(char, state, 25)
#define MYC_ITCH_FIELDS_mwcb_levels(FIELD) \
	FIELD(price8, level1, 11) FIELD(price8, level2, 19) FIELD(price8, level3, 27)
#define MYC_ITCH_FIELDS_mwcb_status(FIELD) FIELD(char, level, 11)
#define MYC_ITCH_FIELDS_ipo_quoting_period(FIELD) \
	FIELD(symbol, stock, 11) FIELD(be32, release_time, 19) FIELD(char, qualifier, 23) \
	FIELD(price4, price, 24)
#define MYC_ITCH_FIELDS_luld_collar(FIELD) \
	FIELD(symbol, stock, 11) FIELD(price4, reference_price, 19) FIELD(price4, upper, 23) \
	FIELD(price4, lower, 27) FIELD(be32, extension, 31)
#define MYC_ITCH_FIELDS_operational_halt(FIELD) \
	FIELD(symbol, stock, 11) FIELD(char, market, 19) FIELD(char, action, 20)
#define MYC_ITCH_FIELDS_add_order(FIELD) \
	FIELD(be64, reference, 11) FIELD(char, side, 19) FIELD(be32, shares, 20) \
	FIELD(symbol, stock, 24) FIELD(price4, price, 32)
#define MYC_ITCH_FIELDS_add_order_mpid(FIELD) \
	MYC_ITCH_FIELDS_add_order(FIELD) FIELD(alpha4, attribution, 36)
#define MYC_ITCH_FIELDS_order_executed(FIELD) \
	FIELD(be64, reference, 11) FIELD(be32, shares, 19) FIELD(be64, match, 23)
#define MYC_ITCH_FIELDS_order_executed_price(FIELD) \
	MYC_ITCH_FIELDS_order_executed(FIELD) FIELD(char, printable, 31) FIELD(price4, price, 32)
#define MYC_ITCH_FIELDS_order_cancel(FIELD) FIELD(be64, reference, 11) FIELD(be32, shares, 19)
#define MYC_ITCH_FIELDS_order_delete(FIELD) FIELD(be64, reference, 11)
#define MYC_ITCH_FIELDS_order_replace(FIELD) \
	FIELD(be64, reference, 11) FIELD(be64, new_reference, 19) FIELD(be32, shares, 27) \
	FIELD(price4, price, 31)
#define MYC_ITCH_FIELDS_trade(FIELD) MYC_ITCH_FIELDS_add_order(FIELD) FIELD(be64, match, 36)
#define MYC_ITCH_FIELDS_cross_trade(FIELD) \
	FIELD(be64, shares, 11) FIELD(symbol, stock, 19) FIELD(price4, price, 27) \
	FIELD(be64, match, 31) FIELD(char, cross, 39)
#define MYC_ITCH_FIELDS_broken_trade(FIELD) FIELD(be64, match, 11)
#define MYC_ITCH_FIELDS_noii(FIELD) \
	FIELD(be64, paired, 11) FIELD(be64, imbalance, 19) FIELD(char, direction, 27) \
	FIELD(symbol, stock, 28) FIELD(price4, far_price, 36) FIELD(price4, near_price, 40) \
	FIELD(price4, reference_price, 44) FIELD(char, cross, 48) FIELD(char, variation, 49)
#define MYC_ITCH_FIELDS_rpii(FIELD) FIELD(symbol, stock, 11) FIELD(char, interest, 19)
#define MYC_ITCH_FIELDS_price_discovery(FIELD) \
	FIELD(symbol, stock, 11) FIELD(char, eligible, 19) FIELD(price4, minimum, 20) \
	FIELD(price4, maximum, 24) FIELD(price4, near_price, 28) FIELD(be64, near_time, 32) \
	FIELD(price4, lower, 40) FIELD(price4, upper, 44)

/* struct myc_itch_NAME and int myc_itch_NAME_read(out, message, size): 0, or -EBADMSG when size is
 * too small or the type another. */
#define MYC_ITCH_DEFINE(type, name, length) \
	struct myc_itch_##name { \
		uint64_t timestamp; \
		uint16_t locate, tracking; \
		MYC_ITCH_FIELDS_##name(MYC_FIELD_DECLARE) \
	}; \
	static inline int myc_itch_##name##_read(struct myc_itch_##name *out, \
						 const uint8_t *message, uint32_t size) \
	{ \
		if (size < (length) || message[0] != (type)) \
			return -EBADMSG; \
		out->timestamp = myc_itch_timestamp(message); \
		out->locate = myc_itch_locate(message); \
		out->tracking = myc_load_be16(message + 3); \
		MYC_ITCH_FIELDS_##name(MYC_FIELD_LOAD) \
		return 0; \
	}
MYC_ITCH_MESSAGES(MYC_ITCH_DEFINE)
#undef MYC_ITCH_DEFINE
/* clang-format on */

/* Specified length of a type, type byte included; 0 = no such type. */
static inline uint32_t myc_itch_length(uint8_t type)
{
	switch (type) {
#define MYC_ITCH_LENGTH(letter, name, size) \
	case letter:                        \
		return size;
		MYC_ITCH_MESSAGES(MYC_ITCH_LENGTH)
#undef MYC_ITCH_LENGTH
	default:
		return 0;
	}
}

/* "add_order" for 'A'; NULL for an unknown type. */
const char *myc_itch_name(uint8_t type);
/* One line of text, "add_order locate=3 ... price=12.3400", always terminated. Returns its length
 * (cut at size - 1), or -EBADMSG: too short for its type. Unknown types print as type and size. */
int myc_itch_print(char *out, size_t out_size, const uint8_t *message, uint32_t size);

#ifdef __cplusplus
}
#endif
#endif
