/* SPDX-License-Identifier: Apache-2.0 */
/* What the C headers that myc-gen makes of SBE schemas lean on, and all they lean on (docs/MESSAGES.md).
 *
 * Nothing here allocates, blocks or keeps state; every function works on what it is given, from any
 * thread. A view is made over (memory, length) and holds positions within; the memory stays the
 * caller's and must outlive the view. Every count and length is loaded once, into the view or a local,
 * and held against the end of the memory before it is used, so that a view never reads past it, even
 * when another process writes the message meanwhile. */
#ifndef MYCELIUM_SBE_H
#define MYCELIUM_SBE_H

#include <assert.h>
#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define MYC_SBE_INLINE static inline __attribute__((always_inline, unused))
#define MYC_SBE_CHECK  __attribute__((warn_unused_result))
#define MYC_SBE_PACKED __attribute__((packed))

/* Around a generated header: what of C's g++ and clang++ have, too, they need not warn of there. */
#ifdef __cplusplus
#define MYC_SBE_BEGIN                                                                              \
	_Pragma("GCC diagnostic push")                                                             \
		_Pragma("GCC diagnostic ignored \"-Wpragmas\"") /* older compilers */              \
		_Pragma("GCC diagnostic ignored \"-Wpedantic\"")                                   \
			_Pragma("GCC diagnostic ignored \"-Wc++20-extensions\"")                   \
				_Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") \
					_Pragma("GCC diagnostic ignored \"-Wmissing-braces\"")
#define MYC_SBE_END _Pragma("GCC diagnostic pop")
#else
#define MYC_SBE_BEGIN
#define MYC_SBE_END
#endif

#define MYC_SBE_HOST_LE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

/* A header or dimension that does not say how many groups or data fields there are. */
#define MYC_SBE_UNTOLD 0xffffffffu
/* Entries without a single byte are believed up to this many. */
#define MYC_SBE_EMPTY_MAX 65535u

/* Why a message is refused (0 = it is not); myc_sbe_error_text says it in words. */
enum myc_sbe_error {
	MYC_SBE_SHORT = 1,  /* the memory ends before the header, block or dimensions do */
	MYC_SBE_TEMPLATE,   /* another message */
	MYC_SBE_SCHEMA,	    /* of another schema */
	MYC_SBE_BLOCK,	    /* a block shorter than its version's fields */
	MYC_SBE_COUNT,	    /* more entries than there is memory, or than the schema allows */
	MYC_SBE_LENGTH,	    /* data longer than the memory, or than the schema allows */
	MYC_SBE_PARTS,	    /* groups or data of a newer schema that cannot be passed over */
	MYC_SBE_ROOM,	    /* encoding: the buffer is too small */
	MYC_SBE_ORDER,	    /* encoding: groups and data go in the schema's order */
	MYC_SBE_UNFINISHED, /* encoding: fewer entries than were announced */
	MYC_SBE_VERSION,    /* encoding: not part of the version that is written */
};

MYC_SBE_INLINE const char *myc_sbe_error_text(int error)
{
	static const char *const texts[] = {
		"no error",
		"the message ends early",
		"another template",
		"another schema",
		"a block is shorter than its version's fields",
		"a group has more entries than the message or the schema has room for",
		"data is longer than the message or the schema allows",
		"a newer schema's groups or data cannot be passed over",
		"the buffer is too small",
		"groups and data go in the schema's order",
		"a group has fewer entries than were announced",
		"not part of the version that is written",
	};

	return error >= 0 && error <= MYC_SBE_VERSION ? texts[error] : "no such error";
}

/* ---- bytes and numbers --------------------------------------------------------------------- */

/* Variable data, or a fixed array of bytes; data is never NULL once a view was opened. */
struct myc_sbe_bytes {
	const uint8_t *data;
	size_t length;
};

/* For printf's %.*s. */
#define MYC_SBE_ARG(bytes) (int)(bytes).length, (const char *)(bytes).data

/* A fixed string without the NULs that fill it up. */
MYC_SBE_INLINE struct myc_sbe_bytes myc_sbe_trim(struct myc_sbe_bytes bytes)
{
	const void *end = bytes.length ? memchr(bytes.data, 0, bytes.length) : NULL;

	if (end)
		bytes.length = (size_t)((const uint8_t *)end - bytes.data);
	return bytes;
}

MYC_SBE_INLINE bool myc_sbe_same_bytes(struct myc_sbe_bytes a, struct myc_sbe_bytes b)
{
	return a.length == b.length && (!a.length || !memcmp(a.data, b.data, a.length));
}

/* The next bytes of a text as they are now, 0 where it ends: what is looked at more than once is this copy. */
MYC_SBE_INLINE void myc_sbe_next_bytes(uint8_t copy[4], struct myc_sbe_bytes text, size_t at)
{
	size_t left = text.length - at;

	if (left < 4)
		memset(copy, 0, 4);
	memcpy(copy, text.data + at, left < 4 ? left : 4);
	__asm__ volatile("" : : "r"(copy) : "memory");
}

/* Bytes of the UTF-8 character at data, a copy; 0 = there is none. */
MYC_SBE_INLINE size_t myc_sbe_utf8(const uint8_t *data, size_t left)
{
	size_t length = data[0] >= 0xf0 && data[0] < 0xf5   ? 4
			: data[0] >= 0xe0 && data[0] < 0xf0 ? 3
			: data[0] >= 0xc2 && data[0] < 0xe0 ? 2
							    : 0;

	if (length > left)
		return 0;
	for (size_t i = 1; i < length; i++) {
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((data[0] == 0xe0 && data[1] < 0xa0) || (data[0] == 0xed && data[1] > 0x9f) ||
	    (data[0] == 0xf0 && data[1] < 0x90) || (data[0] == 0xf4 && data[1] > 0x8f))
		return 0;
	return length;
}

MYC_SBE_INLINE bool myc_sbe_is_ascii(struct myc_sbe_bytes text)
{
	for (size_t i = 0; i < text.length; i++) {
		if (text.data[i] < 0x20 || text.data[i] > 0x7e)
			return false;
	}
	return true;
}

MYC_SBE_INLINE bool myc_sbe_is_utf8(struct myc_sbe_bytes text)
{
	for (size_t i = 0; i < text.length;) {
		uint8_t next[4];

		myc_sbe_next_bytes(next, text, i);
		size_t length = next[0] < 0x80 ? 1 : myc_sbe_utf8(next, text.length - i);

		if (!length)
			return false;
		i += length;
	}
	return true;
}

/* Makes the compiler take a value as it was loaded, and not load it again. */
#define MYC_SBE_ONCE(value)                            \
	__extension__({                                \
		__typeof__(value) myc_once = (value);  \
		__asm__ volatile("" : "+r"(myc_once)); \
		myc_once;                              \
	})

#define MYC_SBE_SAME(value) (value)
#define MYC_SBE_ORDERED(bits, type, order, name, swap)                  \
	MYC_SBE_INLINE type myc_sbe_get_##name(const uint8_t *at)       \
	{                                                               \
		uint##bits##_t raw;                                     \
		type value;                                             \
                                                                        \
		memcpy(&raw, at, sizeof(raw));                          \
		raw = (uint##bits##_t)((order) ? raw : swap(raw));      \
		memcpy(&value, &raw, sizeof(value));                    \
		return value;                                           \
	}                                                               \
	MYC_SBE_INLINE void myc_sbe_put_##name(uint8_t *at, type value) \
	{                                                               \
		uint##bits##_t raw;                                     \
                                                                        \
		memcpy(&raw, &value, sizeof(raw));                      \
		raw = (uint##bits##_t)((order) ? raw : swap(raw));      \
		memcpy(at, &raw, sizeof(raw));                          \
	}
#define MYC_SBE_NUMBER(bits, type, name, swap)                        \
	MYC_SBE_ORDERED(bits, type, MYC_SBE_HOST_LE, name##_le, swap) \
	MYC_SBE_ORDERED(bits, type, !MYC_SBE_HOST_LE, name##_be, swap)

/* myc_sbe_get_uint16_le(at), myc_sbe_put_double_be(at, value), ...: any alignment */
MYC_SBE_NUMBER(8, char, char, MYC_SBE_SAME)
MYC_SBE_NUMBER(8, uint8_t, uint8, MYC_SBE_SAME)
MYC_SBE_NUMBER(8, int8_t, int8, MYC_SBE_SAME)
MYC_SBE_NUMBER(16, uint16_t, uint16, __builtin_bswap16)
MYC_SBE_NUMBER(16, int16_t, int16, __builtin_bswap16)
MYC_SBE_NUMBER(32, uint32_t, uint32, __builtin_bswap32)
MYC_SBE_NUMBER(32, int32_t, int32, __builtin_bswap32)
MYC_SBE_NUMBER(64, uint64_t, uint64, __builtin_bswap64)
MYC_SBE_NUMBER(64, int64_t, int64, __builtin_bswap64)
MYC_SBE_NUMBER(32, float, float, __builtin_bswap32)
MYC_SBE_NUMBER(64, double, double, __builtin_bswap64)

MYC_SBE_INLINE float myc_sbe_float(uint32_t bits)
{
	float value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

MYC_SBE_INLINE double myc_sbe_double(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof(value));
	return value;
}

MYC_SBE_INLINE uint32_t myc_sbe_float_bits(float value)
{
	uint32_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

MYC_SBE_INLINE uint64_t myc_sbe_double_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

/* Equality of fields: a NaN equals itself, it is the null value; 0 and -0 differ. */
MYC_SBE_INLINE bool myc_sbe_same_float(float a, float b)
{
	return myc_sbe_float_bits(a) == myc_sbe_float_bits(b) || (isnan(a) && isnan(b));
}

MYC_SBE_INLINE bool myc_sbe_same_double(double a, double b)
{
	return myc_sbe_double_bits(a) == myc_sbe_double_bits(b) || (isnan(a) && isnan(b));
}

/* ---- reading ------------------------------------------------------------------------------- */

/* A message header. groups, datas: MYC_SBE_UNTOLD when it has no such members. */
struct myc_sbe_header {
	uint64_t block_length, template_id, schema_id, version;
	uint32_t groups, datas;
};

/* The root block of a message. */
struct myc_sbe_root {
	const uint8_t *block, *end; /* end: of all known parts, in a view that is open */
	uint32_t block_length, version, groups, datas;
};

/* A group: count entries, the first at entries. */
struct myc_sbe_group {
	const uint8_t *entries;
	uint32_t count, block_length, groups, datas;
};

/* An entry of a group, and those that follow. */
struct myc_sbe_entry {
	const uint8_t *block, *next, *end;
	uint32_t block_length, version, left, groups, datas;
};

/* Where a walk over a message is. After the first error it stands at the end, and all that follows
 * is empty. */
struct myc_sbe_cursor {
	const uint8_t *at, *end;
	int error;
};

MYC_SBE_INLINE size_t myc_sbe_left(const struct myc_sbe_cursor *cursor)
{
	return (size_t)(cursor->end - cursor->at);
}

MYC_SBE_INLINE void myc_sbe_stop(struct myc_sbe_cursor *cursor, int error)
{
	if (!cursor->error)
		cursor->error = error;
	cursor->at = cursor->end;
}

MYC_SBE_INLINE bool myc_sbe_has(struct myc_sbe_cursor *cursor, size_t bytes)
{
	if (__builtin_expect(myc_sbe_left(cursor) >= bytes, 1))
		return true;
	myc_sbe_stop(cursor, MYC_SBE_SHORT);
	return false;
}

/* After the dimensions were loaded: held against the schema's least and most. */
MYC_SBE_INLINE void myc_sbe_counted(struct myc_sbe_cursor *cursor, struct myc_sbe_group *group,
				    uint64_t count, uint64_t least, uint64_t most,
				    uint64_t block_length)
{
	group->entries = cursor->at;
	group->block_length = (uint32_t)block_length;
	group->count = (uint32_t)count;
	if (__builtin_expect(count < least || count > most || count > UINT32_MAX ||
				     block_length > UINT32_MAX,
			     0)) {
		group->count = 0;
		group->block_length = 0;
		myc_sbe_stop(cursor, MYC_SBE_COUNT);
	}
}

/* Entries are at least as long as the fields of their version. */
MYC_SBE_INLINE void myc_sbe_fields(struct myc_sbe_cursor *cursor, struct myc_sbe_group *group,
				   uint32_t need)
{
	if (__builtin_expect(group->count && group->block_length < need, 0)) {
		group->count = 0;
		myc_sbe_stop(cursor, MYC_SBE_BLOCK);
	}
}

/* Passes the entries of a group that has no parts of its own. */
MYC_SBE_INLINE void myc_sbe_pass(struct myc_sbe_cursor *cursor, struct myc_sbe_group *group)
{
	uint64_t bytes = (uint64_t)group->count * group->block_length;

	if (__builtin_expect(bytes > myc_sbe_left(cursor), 0)) {
		group->count = (uint32_t)(myc_sbe_left(cursor) / group->block_length);
		myc_sbe_stop(cursor, MYC_SBE_COUNT);
	} else if (__builtin_expect(!group->block_length && group->count > MYC_SBE_EMPTY_MAX, 0)) {
		group->count = MYC_SBE_EMPTY_MAX;
		myc_sbe_stop(cursor, MYC_SBE_COUNT);
	} else {
		cursor->at += bytes;
	}
}

MYC_SBE_INLINE void myc_sbe_entries(struct myc_sbe_entry *entry, const struct myc_sbe_group *group,
				    const uint8_t *end, uint32_t version)
{
	entry->block = group->entries;
	entry->next = group->entries;
	entry->end = end;
	entry->block_length = group->block_length;
	entry->version = version;
	entry->left = group->count;
	entry->groups = group->groups;
	entry->datas = group->datas;
}

/* To the next entry of a group without parts of its own. */
MYC_SBE_INLINE bool myc_sbe_next(struct myc_sbe_entry *entry)
{
	if (__builtin_expect(!entry->left, 0))
		return false;
	entry->left--;
	entry->block = entry->next;
	entry->next += entry->block_length;
	return true;
}

/* To the block of the next entry, at the cursor; its parts follow. */
MYC_SBE_INLINE bool myc_sbe_enter(struct myc_sbe_entry *entry, struct myc_sbe_cursor *cursor)
{
	if (!entry->left || cursor->error)
		return false;
	if (myc_sbe_left(cursor) < entry->block_length) {
		myc_sbe_stop(cursor, MYC_SBE_COUNT);
		return false;
	}
	entry->left--;
	entry->block = cursor->at;
	cursor->at += entry->block_length;
	return true;
}

MYC_SBE_INLINE struct myc_sbe_bytes myc_sbe_data(struct myc_sbe_cursor *cursor, uint64_t length,
						 uint64_t most)
{
	struct myc_sbe_bytes bytes = {cursor->at, (size_t)length};

	if (__builtin_expect(length > myc_sbe_left(cursor) || length > most, 0)) {
		bytes.length = length > most ? 0 : myc_sbe_left(cursor);
		myc_sbe_stop(cursor, MYC_SBE_LENGTH);
	} else {
		cursor->at += length;
	}
	return bytes;
}

/* ---- writing ------------------------------------------------------------------------------- */

/* error is sticky: after the first nothing more is written. pending: entries and parts to come. */
struct myc_sbe_writer {
	uint8_t *start, *at, *end;
	uint64_t pending;
	uint32_t version;
	int error;
};

/* The entry of a group that is being written; block is its fields'. */
struct myc_sbe_slot {
	uint8_t *block, *next;
	uint64_t below; /* pending before the group */
	uint32_t left, block_length, part;
};

MYC_SBE_INLINE void myc_sbe_fail(struct myc_sbe_writer *writer, int error)
{
	if (!writer->error)
		writer->error = error;
}

/* bytes at the writer's place, or NULL. */
MYC_SBE_INLINE uint8_t *myc_sbe_take(struct myc_sbe_writer *writer, uint64_t bytes)
{
	uint8_t *at = writer->at;

	if (writer->error)
		return NULL;
	if (__builtin_expect((uint64_t)(writer->end - at) < bytes, 0)) {
		writer->error = MYC_SBE_ROOM;
		return NULL;
	}
	writer->at += bytes;
	return at;
}

/* A fixed array of bytes: what is short is filled up with zeros, what is too long fails. */
MYC_SBE_INLINE void myc_sbe_put_bytes(struct myc_sbe_writer *writer, uint8_t *at, size_t size,
				      const void *data, size_t length)
{
	if (length > size) {
		myc_sbe_fail(writer, MYC_SBE_LENGTH);
		return;
	}
	if (length)
		memcpy(at, data, length);
	if (length < size)
		memset(at + length, 0, size - length);
}

/* ---- printing ------------------------------------------------------------------------------ */

enum myc_sbe_format { MYC_SBE_TEXT, MYC_SBE_JSON };

/* Text on its way into a caller's buffer, as snprintf does it: length goes on counting when the
 * buffer is full, and what is there ends with a NUL. */
struct myc_sbe_out {
	char *to;
	size_t size, length;
	enum myc_sbe_format format;
	bool more; /* something stands before in this object or array */
};

MYC_SBE_INLINE void myc_sbe_out_char(struct myc_sbe_out *out, char c)
{
	if (out->length + 1 < out->size) {
		out->to[out->length] = c;
		out->to[out->length + 1] = 0;
	}
	out->length++;
}

/* As it is. */
static inline void myc_sbe_out_raw(struct myc_sbe_out *out, const char *text)
{
	for (; *text; text++)
		myc_sbe_out_char(out, *text);
}

/* The part between two values and the name of the second; NULL in an array. */
static inline void myc_sbe_out_key(struct myc_sbe_out *out, const char *name)
{
	if (out->more)
		myc_sbe_out_char(out, out->format == MYC_SBE_JSON ? ',' : ' ');
	out->more = true;
	if (!name)
		return;
	if (out->format == MYC_SBE_JSON)
		myc_sbe_out_char(out, '"');
	myc_sbe_out_raw(out, name);
	myc_sbe_out_raw(out, out->format == MYC_SBE_JSON ? "\":" : "=");
}

/* Begins an object or array, with its name; NULL in an array. */
static inline void myc_sbe_out_open(struct myc_sbe_out *out, const char *name, char bracket)
{
	myc_sbe_out_key(out, name);
	myc_sbe_out_char(out, bracket);
	out->more = false;
}

/* Ends it. */
static inline void myc_sbe_out_close(struct myc_sbe_out *out, char bracket)
{
	myc_sbe_out_char(out, bracket);
	out->more = true;
}

/* In digits. */
static inline void myc_sbe_out_unsigned(struct myc_sbe_out *out, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)value);
	myc_sbe_out_raw(out, text);
}

/* In digits. */
static inline void myc_sbe_out_signed(struct myc_sbe_out *out, int64_t value)
{
	if (value < 0)
		myc_sbe_out_char(out, '-');
	myc_sbe_out_unsigned(out, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

/* digits: 9 for float, 17 for double tell every value from every other. */
static inline void myc_sbe_out_real(struct myc_sbe_out *out, double value, int digits)
{
	char text[40];

	snprintf(text, sizeof(text), isfinite(value) ? "%.*g" : "\"%.*g\"", digits, value);
	myc_sbe_out_raw(out, text);
}

/* In quotes, as JSON has it; bytes that are not UTF-8 are taken for Latin-1. */
static inline void myc_sbe_out_string(struct myc_sbe_out *out, struct myc_sbe_bytes text)
{
	myc_sbe_out_char(out, '"');
	for (size_t i = 0; i < text.length;) {
		uint8_t next[4];

		myc_sbe_next_bytes(next, text, i);
		uint8_t c = next[0];
		size_t utf8 = c < 0x80 ? 0 : myc_sbe_utf8(next, text.length - i);
		char code[8];

		if (c == '"' || c == '\\') {
			myc_sbe_out_char(out, '\\');
			myc_sbe_out_char(out, (char)c);
		} else if (c < 0x20 || (c >= 0x7f && !utf8)) {
			snprintf(code, sizeof(code), "\\u%04x", c);
			myc_sbe_out_raw(out, code);
		} else {
			for (size_t j = 0; j < (utf8 ? utf8 : 1); j++)
				myc_sbe_out_char(out, (char)next[j]);
		}
		i += utf8 ? utf8 : 1;
	}
	myc_sbe_out_char(out, '"');
}

/* One character, in quotes. */
MYC_SBE_INLINE void myc_sbe_out_letter(struct myc_sbe_out *out, char letter)
{
	const uint8_t byte = (uint8_t)letter;
	struct myc_sbe_bytes text = {&byte, 1};

	myc_sbe_out_string(out, text);
}

/* In quotes, two digits a byte. */
static inline void myc_sbe_out_hex(struct myc_sbe_out *out, struct myc_sbe_bytes bytes)
{
	myc_sbe_out_char(out, '"');
	for (size_t i = 0; i < bytes.length; i++) {
		myc_sbe_out_char(out, "0123456789abcdef"[bytes.data[i] >> 4]);
		myc_sbe_out_char(out, "0123456789abcdef"[bytes.data[i] & 15]);
	}
	myc_sbe_out_char(out, '"');
}

/* ---- what tools want to know about a schema -------------------------------------------------- */

enum myc_sbe_kind {
	MYC_SBE_SCALAR,
	MYC_SBE_ARRAY,
	MYC_SBE_ENUM,
	MYC_SBE_SET,
	MYC_SBE_DATA,
};

enum myc_sbe_presence { MYC_SBE_REQUIRED, MYC_SBE_OPTIONAL, MYC_SBE_CONSTANT };

struct myc_sbe_value_info {
	const char *name;
	uint64_t value; /* of a set: the bit's number */
	uint32_t since;
};

/* A value of a block, members of composites each by themselves; name has the way down in dots.
 * Texts are NULL where the schema has none. */
struct myc_sbe_field_info {
	const char *name, *type, *primitive, *semantic_type, *character_encoding, *time_unit,
		*epoch, *description, *constant;
	const struct myc_sbe_value_info *values; /* enum, set */
	uint32_t values_count, id, offset, size, length, since;
	uint32_t deprecated; /* MYC_SBE_UNTOLD = is not */
	enum myc_sbe_kind kind;
	enum myc_sbe_presence presence;
	uint64_t null_value, min_value, max_value; /* integers sign extended; float and double as a
						      double's bits */
	const char *shape; /* of variable data: "length:uint16@0 varData:uint8@2" */
};

struct myc_sbe_block_info {
	const char *name, *description, *semantic_type;
	const char *shape; /* of the message's header, the group's dimensions, as that of data */
	const struct myc_sbe_field_info *fields; /* the variable data after the fixed ones */
	const struct myc_sbe_block_info *const *groups;
	uint32_t fields_count, groups_count, id, block_length, since, deprecated;
};

struct myc_sbe_schema_info {
	const char *package, *description, *semantic_version;
	const struct myc_sbe_block_info *const *messages;
	uint32_t messages_count, id, version;
	bool big_endian;
};

#endif
