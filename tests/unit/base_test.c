/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/error.h>

#include "base/histogram.h"

static void error_chain_reads_outermost_first(void **state)
{
	struct myc_error error;
	char text[512];

	(void)state;
	assert_int_equal(
		myc_error_set(&error, -EINVAL, "use 1 to 65535", "%d is not a port", 70000),
		-EINVAL);
	assert_int_equal(myc_error_doing(&error, "reading channels[%d].port", 0), -EINVAL);
	assert_int_equal(myc_error_doing(&error, "loading %s", "feed.yaml"), -EINVAL);
	myc_error_format(&error, text, sizeof(text));
	assert_string_equal(text, "loading feed.yaml: reading channels[0].port: 70000 is not a "
				  "port (use 1 to 65535)");
	assert_int_equal(myc_error_set(NULL, -ENOENT, NULL, "nobody reads this"), -ENOENT);
}

static void error_chain_longer_than_its_buffer_stays_terminated(void **state)
{
	struct myc_error error;
	char long_text[600];

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	myc_error_set(&error, -EIO, long_text, "%s", long_text);
	myc_error_doing(&error, "%s", long_text);
	myc_error_doing(&error, "%s", long_text);
	assert_int_equal(strlen(error.cause), sizeof(error.cause) - 1);
	assert_int_equal(strlen(error.doing), sizeof(error.doing) - 1);
	assert_int_equal(strlen(error.remedy), sizeof(error.remedy) - 1);
}

static void histogram_is_exact_below_32_and_within_3_2_percent_above(void **state)
{
	static struct myc_histogram h;
	uint64_t value = 1;

	(void)state;
	for (int i = 0; i < 4000; i++) {
		memset(&h, 0, sizeof(h));
		myc_histogram_add(&h, value);
		h.max = UINT64_MAX; /* so that the bucket's own bound shows */
		uint64_t read = myc_histogram_quantile(&h, 0.5);
		assert_true(read >= value);
		assert_true(value < 32 ? read == value : read - value <= value / 31);
		value = value + value / 97 + 1;
		if (value > UINT64_MAX / 4)
			break;
	}
}

static void histogram_quantiles(void **state)
{
	static struct myc_histogram a;

	(void)state;
	memset(&a, 0, sizeof(a));
	assert_int_equal(myc_histogram_quantile(&a, 0.5), 0);
	for (uint64_t i = 1; i <= 1000; i++)
		myc_histogram_add(&a, i);
	assert_int_equal(a.count, 1000);
	assert_int_equal(a.min, 1);
	assert_int_equal(a.max, 1000);
	assert_int_equal(a.sum, 500500);
	assert_in_range(myc_histogram_quantile(&a, 0.5), 500, 517);
	assert_in_range(myc_histogram_quantile(&a, 0.99), 990, 1000);
	assert_int_equal(myc_histogram_quantile(&a, 1.0), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(error_chain_reads_outermost_first),
		cmocka_unit_test(error_chain_longer_than_its_buffer_stays_terminated),
		cmocka_unit_test(histogram_is_exact_below_32_and_within_3_2_percent_above),
		cmocka_unit_test(histogram_quantiles),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
