/* SPDX-License-Identifier: Apache-2.0 */
/* Messages as lines of text, out of the field tables of their headers. */
#include <mycelium/market/deep.h>
#include <mycelium/market/itch50.h>
#include <mycelium/market/tops.h>

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

struct line {
	char *out;
	size_t size, used; /* used < size, unless size is 0 */
};

__attribute__((format(printf, 2, 3))) static void put(struct line *line, const char *format, ...)
{
	va_list args;

	if (line->used + 1 >= line->size)
		return;
	va_start(args, format);
	int n = vsnprintf(line->out + line->used, line->size - line->used, format, args);
	va_end(args);
	line->used = n < 0 || (size_t)n >= line->size - line->used ? line->size - 1
								   : line->used + (size_t)n;
}

/* Text fields come from the wire: what is not printable becomes a dot; trailing spaces go. */
static void put_text(struct line *line, const char *name, const uint8_t *text, int size)
{
	while (size > 0 && text[size - 1] == ' ')
		size--;
	put(line, " %s=", name);
	for (int i = 0; i < size; i++)
		put(line, "%c", text[i] > ' ' && text[i] < 0x7f ? text[i] : '.');
}

static void put_price(struct line *line, const char *name, uint64_t value, bool negative,
		      uint64_t unit, int decimals)
{
	put(line, " %s=%s%" PRIu64 ".%0*" PRIu64, name, negative ? "-" : "", value / unit, decimals,
	    value % unit);
}

static void put_signed_price(struct line *line, const char *name, int64_t value)
{
	uint64_t magnitude = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

	put_price(line, name, magnitude, value < 0, 10000, 4);
}

/* clang-format off */
#define PUT_u8(name, at)       put(line, " " name "=%u", *(at));
#define PUT_char(name, at)     put_text(line, name, at, 1);
#define PUT_be16(name, at)     put(line, " " name "=%u", myc_load_be16(at));
#define PUT_be32(name, at)     put(line, " " name "=%" PRIu32, myc_load_be32(at));
#define PUT_be64(name, at)     put(line, " " name "=%" PRIu64, myc_load_be64(at));
#define PUT_le32(name, at)     put(line, " " name "=%" PRIu32, myc_load_le32(at));
#define PUT_le64(name, at)     put(line, " " name "=%" PRIu64, myc_load_le64(at));
#define PUT_alpha2(name, at)   put_text(line, name, at, 2);
#define PUT_alpha4(name, at)   put_text(line, name, at, 4);
#define PUT_symbol(name, at)   put_text(line, name, at, 8);
#define PUT_price4(name, at)   put_price(line, name, myc_load_be32(at), false, 10000, 4);
#define PUT_price8(name, at)   put_price(line, name, myc_load_be64(at), false, 100000000, 8);
#define PUT_iexprice(name, at) put_signed_price(line, name, (int64_t)myc_load_le64(at));
/* clang-format on */
#define FIELD_PUT(kind, name, offset) PUT_##kind(#name, message + (offset))

static int unknown(struct line *line, const uint8_t *message, uint32_t size)
{
	if (!size)
		put(line, "empty");
	else
		put(line, "unknown type=0x%02x size=%" PRIu32, message[0], size);
	return (int)line->used;
}

const char *myc_itch_name(uint8_t type)
{
	switch (type) {
#define ITCH_NAME(kind, name, length) \
	case kind:                    \
		return #name;
		MYC_ITCH_MESSAGES(ITCH_NAME)
	default:
		return NULL;
	}
}

int myc_itch_print(char *out, size_t out_size, const uint8_t *message, uint32_t size)
{
	struct line text = {.out = out, .size = out_size}, *line = &text;

	if (!size || !myc_itch_length(message[0]))
		return unknown(line, message, size);
	if (size < myc_itch_length(message[0]))
		return -EBADMSG;
	put(line, "%s locate=%u time=%" PRIu64, myc_itch_name(message[0]), myc_itch_locate(message),
	    myc_itch_timestamp(message));
	switch (message[0]) {
#define ITCH_PUT(kind, name, length) \
	case kind:                   \
		MYC_ITCH_FIELDS_##name(FIELD_PUT) break;
		MYC_ITCH_MESSAGES(ITCH_PUT)
	default:
		break;
	}
	return (int)line->used;
}

#define IEX_PUT(kind, name, length)                                               \
	case kind:                                                                \
		put(line, "%s time=%" PRIu64, #name, myc_iex_timestamp(message)); \
		MYC_FIELDS_##name(FIELD_PUT) break;

int myc_tops_print(char *out, size_t out_size, const uint8_t *message, uint32_t size)
{
	struct line text = {.out = out, .size = out_size}, *line = &text;

	if (!size || !myc_tops_length(message[0]))
		return unknown(line, message, size);
	if (size < myc_tops_length(message[0]))
		return -EBADMSG;
	switch (message[0]) {
		MYC_TOPS_MESSAGES(IEX_PUT)
	default:
		break;
	}
	return (int)line->used;
}

int myc_deep_print(char *out, size_t out_size, const uint8_t *message, uint32_t size)
{
	struct line text = {.out = out, .size = out_size}, *line = &text;

	if (!size || !myc_deep_length(message[0]))
		return unknown(line, message, size);
	if (size < myc_deep_length(message[0]))
		return -EBADMSG;
	switch (message[0]) {
		MYC_DEEP_MESSAGES(IEX_PUT)
	default:
		break;
	}
	return (int)line->used;
}
