/* SPDX-License-Identifier: Apache-2.0 */
/* The check of values names the first field that the schema does not allow. */
#include <math.h>
#include <string.h>

#include "common/test.h"

#include <sbe/good/checked.h>

static struct checked_values_block good_block(void)
{
	struct checked_values_block block = {
		.percent = -5,
		.any_byte = 3,
		.maybe = CHECKED_VALUES_MAYBE_NULL,
		.ratio = 1,
		.code = "AB",
		.name = "\xc3\xbc",
		.letter = 'Z',
		.side = 'B',
		.maybe_side = 0,
		.price = {.mantissa = 1, .exponent = -9},
		.newer = 0,
	};

	return block;
}

/* What check says of a message of that block, with one leg and a text. */
static const char *said(const struct checked_values_block *block, uint32_t version, char leg,
			const char *content)
{
	static uint8_t buffer[256];
	struct checked_values_encoder encoder;
	struct checked_values_legs_encoder legs;
	struct checked_values view;

	assert_int_equal(checked_values_begin_version(&encoder, buffer, sizeof(buffer), version),
			 0);
	checked_values_store(&encoder, block);
	checked_values_legs_begin(&encoder, &legs, 1);
	while (checked_values_legs_add(&legs))
		checked_values_legs_set_leg_side(&legs, (enum checked_side)leg);
	checked_values_set_text(&encoder, content, strlen(content));
	size_t size = checked_values_end(&encoder);
	assert_int_equal(checked_values_open(&view, buffer, size), 0);
	return checked_values_check(&view);
}

#define SAYS(change, field)                                                   \
	do {                                                                  \
		struct checked_values_block block = good_block();             \
		change;                                                       \
		const char *what = said(&block, 1, 'B', "fine \xe2\x82\xac"); \
		assert_non_null(what);                                        \
		assert_string_equal(what, field);                             \
	} while (0)

static void the_first_value_that_is_wrong_is_named(void **state)
{
	struct checked_values_block fine = good_block();

	(void)state;
	assert_null(said(&fine, 1, 'B', "fine \xe2\x82\xac"));
	SAYS(block.percent = -6, "percent");
	SAYS(block.percent = 101, "percent");
	SAYS(block.percent = INT8_MIN, "percent");
	SAYS(block.any_byte = 255, "anyByte"); /* null, and it is required */
	SAYS(block.maybe = 9, "maybe");
	SAYS(block.ratio = 1.5, "ratio");
	SAYS(block.ratio = NAN, "ratio");
	SAYS(block.code[1] = '\n', "code");
	SAYS(block.name[1] = 'x', "name"); /* half a character */
	SAYS(block.letter = 'a', "letter");
	SAYS(block.side = 'C', "side");
	SAYS(block.side = 0, "side");
	SAYS(block.maybe_side = 'C', "maybeSide");
	SAYS(block.price.exponent = 1, "price.exponent");
	SAYS(block.price.mantissa = INT64_MIN, "price.mantissa");
	SAYS(block.newer = UINT32_MAX, "newer");
	assert_string_equal(said(&fine, 1, 'x', "fine"), "legSide");
	assert_string_equal(said(&fine, 1, 'B', "\xff"), "text");
}

static void what_an_older_version_has_not_is_not_wrong(void **state)
{
	struct checked_values_block fine = good_block();

	(void)state;
	fine.newer = UINT32_MAX;
	assert_null(said(&fine, 0, 'B', ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_value_that_is_wrong_is_named),
		cmocka_unit_test(what_an_older_version_has_not_is_not_wrong),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
