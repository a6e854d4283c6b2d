/* SPDX-License-Identifier: Apache-2.0 */
/* The standard's primitive types: sizes, ranges, nulls, and values written as text. */
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "myc-gen/model.h"

const char *const gen_primitive_names[GEN_PRIMITIVES] = {
	"char",	  "int8",  "uint8",  "int16", "uint16", "int32",
	"uint32", "int64", "uint64", "float", "double",
};

static const uint8_t sizes[GEN_PRIMITIVES] = {1, 1, 1, 2, 2, 4, 4, 8, 8, 4, 8};

uint32_t gen_primitive_size(enum gen_primitive primitive)
{
	return sizes[primitive];
}

bool gen_is_real(enum gen_primitive primitive)
{
	return primitive >= GEN_FLOAT;
}

bool gen_is_signed(enum gen_primitive primitive)
{
	return primitive == GEN_INT8 || primitive == GEN_INT16 || primitive == GEN_INT32 ||
	       primitive == GEN_INT64;
}

bool gen_is_unsigned(enum gen_primitive primitive)
{
	return primitive == GEN_UINT8 || primitive == GEN_UINT16 || primitive == GEN_UINT32 ||
	       primitive == GEN_UINT64;
}

int gen_primitive_named(const char *name)
{
	for (int i = 0; i < GEN_PRIMITIVES; i++) {
		if (!strcmp(name, gen_primitive_names[i]))
			return i;
	}
	return -1;
}

static uint64_t real_bits(double value)
{
	uint64_t bits;

	memcpy(&bits, &value, sizeof(bits));
	return bits;
}

static uint64_t ones(enum gen_primitive primitive)
{
	return ~0ull >> (64 - 8 * sizes[primitive]);
}

uint64_t gen_null_bits(enum gen_primitive primitive)
{
	if (primitive == GEN_CHAR)
		return 0;
	if (gen_is_real(primitive))
		return 0x7ff8000000000000ull;
	if (gen_is_signed(primitive))
		return ~0ull << (8 * sizes[primitive] - 1);
	return ones(primitive);
}

uint64_t gen_min_bits(enum gen_primitive primitive)
{
	if (primitive == GEN_CHAR)
		return 0x20;
	if (primitive == GEN_FLOAT)
		return real_bits(-3.40282346638528859812e+38);
	if (primitive == GEN_DOUBLE)
		return real_bits(-1.7976931348623157e+308);
	return gen_is_signed(primitive) ? gen_null_bits(primitive) + 1 : 0;
}

uint64_t gen_max_bits(enum gen_primitive primitive)
{
	if (primitive == GEN_CHAR)
		return 0x7e;
	if (primitive == GEN_FLOAT)
		return real_bits(3.40282346638528859812e+38);
	if (primitive == GEN_DOUBLE)
		return real_bits(1.7976931348623157e+308);
	return gen_is_signed(primitive) ? ones(primitive) >> 1 : ones(primitive) - 1;
}

static const char *parse_real(const char *text, enum gen_primitive primitive, uint64_t *bits)
{
	char *end;
	double value = strtod(text, &end);

	if (end == text || *end)
		return "not a number";
	if (primitive == GEN_FLOAT && isfinite(value) && fabs(value) > 3.40282346638528859812e+38)
		return "beyond the range of float";
	*bits = isnan(value) ? gen_null_bits(primitive) : real_bits(value);
	return NULL;
}

static const char *parse_integer(const char *text, enum gen_primitive primitive, uint64_t *bits)
{
	bool minus = *text == '-';
	const char *digits = text + (*text == '-' || *text == '+');
	int base = digits[0] == '0' && (digits[1] == 'x' || digits[1] == 'X') ? 16 : 10;
	char *end;

	if (!isxdigit((unsigned char)*digits))
		return "not a whole number";
	errno = 0;
	uint64_t value = strtoull(digits, &end, base);
	if (*end || end == digits)
		return "not a whole number";
	if (errno)
		return "beyond 64 bits";
	uint64_t limit = primitive == GEN_CHAR ? 255 : ones(primitive);
	if (gen_is_signed(primitive))
		limit = (limit >> 1) + minus;
	else if (minus && value)
		return "negative, and the type is unsigned";
	if (value > limit)
		return "beyond the range of the type";
	*bits = minus ? 0 - value : value;
	return NULL;
}

const char *gen_parse(const char *text, enum gen_primitive primitive, uint64_t *bits)
{
	if (!*text)
		return "empty";
	if (primitive == GEN_CHAR && !text[1]) {
		*bits = (unsigned char)*text;
		return NULL;
	}
	return gen_is_real(primitive) ? parse_real(text, primitive, bits)
				      : parse_integer(text, primitive, bits);
}

int gen_compare(enum gen_primitive primitive, uint64_t a, uint64_t b)
{
	if (gen_is_real(primitive)) {
		double x, y;

		memcpy(&x, &a, sizeof(x));
		memcpy(&y, &b, sizeof(y));
		return (x > y) - (x < y);
	}
	if (gen_is_signed(primitive))
		return ((int64_t)a > (int64_t)b) - ((int64_t)a < (int64_t)b);
	return (a > b) - (a < b);
}

uint64_t gen_type_null(const struct gen_type *type)
{
	if (type->kind == GEN_SET)
		return 0;
	return type->null.text ? type->null.bits : gen_null_bits(type->primitive);
}

struct gen_type *gen_type_named(const struct gen_schema *schema, const char *name)
{
	for (struct gen_type *type = schema->types; type; type = type->next) {
		if (!strcmp(type->name, name))
			return type;
	}
	return NULL;
}

struct gen_type *gen_member(const struct gen_type *composite, const char *name)
{
	for (struct gen_type *member = composite->members; member; member = member->next) {
		if (!strcmp(member->name, name))
			return member;
	}
	return NULL;
}

const struct gen_value *gen_value_named(const struct gen_type *type, const char *name)
{
	for (const struct gen_value *value = type->values; value; value = value->next) {
		if (!strcmp(value->name, name))
			return value;
	}
	return NULL;
}
