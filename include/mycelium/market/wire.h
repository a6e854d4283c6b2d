/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores of wire integers at any alignment, and the field tables that the message headers
 * of this folder are made of.
 *
 * A message is described once, as a table of FIELD(kind, name, offset) lines in the order of its
 * specification. From that table come the struct (host byte order), the reader and the text form,
 * so that they cannot disagree. Readers take (buffer, length), refuse what is shorter than the
 * message (-EBADMSG) and ignore what follows it: later versions of a protocol append fields.
 *
 * Kinds: u8, be16..be64, le32, le64 as named; char = one ASCII character; alphaN = N characters;
 * symbol = eight characters as one u64, loaded as they lie (what abi/steer.h filters by);
 * price4 and price8 = unsigned big-endian with 4 and 8 decimals, iexprice = signed with 4.
 */
#ifndef MYCELIUM_MARKET_WIRE_H
#define MYCELIUM_MARKET_WIRE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define MYC_WIRE_LE(bits, value) (value)
#define MYC_WIRE_BE(bits, value) __builtin_bswap##bits(value)
#else
#define MYC_WIRE_LE(bits, value) __builtin_bswap##bits(value)
#define MYC_WIRE_BE(bits, value) (value)
#endif

#define MYC_WIRE_FUNCTIONS(bits)                                             \
	static inline uint##bits##_t myc_load_be##bits(const uint8_t *at)    \
	{                                                                    \
		uint##bits##_t value;                                        \
		memcpy(&value, at, sizeof(value));                           \
		return MYC_WIRE_BE(bits, value);                             \
	}                                                                    \
	static inline uint##bits##_t myc_load_le##bits(const uint8_t *at)    \
	{                                                                    \
		uint##bits##_t value;                                        \
		memcpy(&value, at, sizeof(value));                           \
		return MYC_WIRE_LE(bits, value);                             \
	}                                                                    \
	static inline void myc_store_be##bits(uint8_t *at, uint##bits##_t v) \
	{                                                                    \
		v = MYC_WIRE_BE(bits, v);                                    \
		memcpy(at, &v, sizeof(v));                                   \
	}                                                                    \
	static inline void myc_store_le##bits(uint8_t *at, uint##bits##_t v) \
	{                                                                    \
		v = MYC_WIRE_LE(bits, v);                                    \
		memcpy(at, &v, sizeof(v));                                   \
	}
MYC_WIRE_FUNCTIONS(16)
MYC_WIRE_FUNCTIONS(32)
MYC_WIRE_FUNCTIONS(64)
#undef MYC_WIRE_FUNCTIONS

/* 6 bytes, most significant first. */
static inline uint64_t myc_load_be48(const uint8_t *at)
{
	return (uint64_t)myc_load_be16(at) << 32 | myc_load_be32(at + 2);
}

/* The lower 6 bytes, most significant first. */
static inline void myc_store_be48(uint8_t *at, uint64_t value)
{
	myc_store_be16(at, (uint16_t)(value >> 32));
	myc_store_be32(at + 2, (uint32_t)value);
}

/* Eight characters as they lie on the wire: equal symbols have equal words on every machine. */
static inline uint64_t myc_load_symbol(const uint8_t *at)
{
	return myc_load_le64(at);
}

/* "AAPL" -> the word of "AAPL    ". Longer text is cut at eight characters. */
static inline uint64_t myc_symbol_word(const char *text)
{
	uint8_t padded[8];
	size_t length = strlen(text);

	memset(padded, ' ', sizeof(padded));
	memcpy(padded, text, length < sizeof(padded) ? length : sizeof(padded));
	return myc_load_symbol(padded);
}

/* ---- length-prefixed blocks: what MoldUDP64 and IEX-TP carry messages in ----------------------- */

struct myc_blocks {
	const uint8_t *at; /* the next block's u16 length */
	uint32_t left;	   /* bytes from there to the end of the packet */
};

/* The next block's data, its length in *size; NULL when what is left holds no whole block. A length
 * of 0 is a block. `big` tells the byte order of the lengths and is a constant at every call. */
static inline __attribute__((always_inline)) const uint8_t *myc_blocks_next(
	struct myc_blocks *blocks, bool big, uint32_t *size)
{
	if (blocks->left < 2)
		return NULL;
	uint32_t length = big ? myc_load_be16(blocks->at) : myc_load_le16(blocks->at);
	if (length > blocks->left - 2)
		return NULL;
	const uint8_t *data = blocks->at + 2;
	blocks->at = data + length;
	blocks->left -= 2 + length;
	*size = length;
	return data;
}

/* Do exactly `count` blocks fill the packet? 0, or -EBADMSG. */
static inline __attribute__((always_inline)) int myc_blocks_check(struct myc_blocks blocks,
								  bool big, uint32_t count)
{
	uint32_t size;

	while (count--)
		if (!myc_blocks_next(&blocks, big, &size))
			return -EBADMSG;
	return blocks.left ? -EBADMSG : 0;
}

/* ---- what the field tables expand to --------------------------------------------------------- */

#define MYC_DECLARE_u8(name)	   uint8_t name;
#define MYC_DECLARE_char(name)	   char name;
#define MYC_DECLARE_be16(name)	   uint16_t name;
#define MYC_DECLARE_be32(name)	   uint32_t name;
#define MYC_DECLARE_be64(name)	   uint64_t name;
#define MYC_DECLARE_le32(name)	   uint32_t name;
#define MYC_DECLARE_le64(name)	   uint64_t name;
#define MYC_DECLARE_alpha2(name)   char name[2];
#define MYC_DECLARE_alpha4(name)   char name[4];
#define MYC_DECLARE_symbol(name)   uint64_t name;
#define MYC_DECLARE_price4(name)   uint32_t name;
#define MYC_DECLARE_price8(name)   uint64_t name;
#define MYC_DECLARE_iexprice(name) int64_t name;

#define MYC_LOAD_u8(to, at)	  (to) = *(at);
#define MYC_LOAD_char(to, at)	  (to) = (char)*(at);
#define MYC_LOAD_be16(to, at)	  (to) = myc_load_be16(at);
#define MYC_LOAD_be32(to, at)	  (to) = myc_load_be32(at);
#define MYC_LOAD_be64(to, at)	  (to) = myc_load_be64(at);
#define MYC_LOAD_le32(to, at)	  (to) = myc_load_le32(at);
#define MYC_LOAD_le64(to, at)	  (to) = myc_load_le64(at);
#define MYC_LOAD_alpha2(to, at)	  memcpy(to, at, 2);
#define MYC_LOAD_alpha4(to, at)	  memcpy(to, at, 4);
#define MYC_LOAD_symbol(to, at)	  (to) = myc_load_symbol(at);
#define MYC_LOAD_price4(to, at)	  (to) = myc_load_be32(at);
#define MYC_LOAD_price8(to, at)	  (to) = myc_load_be64(at);
#define MYC_LOAD_iexprice(to, at) (to) = (int64_t)myc_load_le64(at);

#define MYC_FIELD_DECLARE(kind, name, offset) MYC_DECLARE_##kind(name)
#define MYC_FIELD_LOAD(kind, name, offset)    MYC_LOAD_##kind(out->name, message + (offset))

#endif
