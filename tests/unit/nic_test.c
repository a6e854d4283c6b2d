/* SPDX-License-Identifier: Apache-2.0 */
/* The trust table by driver and kernel, and what an interface says of itself. */
#include "common/test.h"

#include <string.h>

#include "dataplane/nic.h"

static void zero_copy_is_trusted_from_the_kernel_that_was_tried(void **state)
{
	static const struct {
		const char *driver;
		uint32_t kernel;
		bool zerocopy;
	} cases[] = {
		{"igb", 6001, false},	     {"igb", 6012, false},
		{"igb", 6018, true},	     {"igb", 7003, true},
		{"virtio_net", 6012, false}, {"virtio_net", 6017, false},
		{"virtio_net", 6018, true},  {"veth", 6001, false},
		{"veth", 7003, false},	     {"ice", 6001, true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct myc_trust *trust = myc_trust_find(cases[i].driver, cases[i].kernel);

		assert_non_null(trust);
		assert_int_equal(trust->zerocopy, cases[i].zerocopy);
		assert_true(trust->source[0]);
	}
}

static void a_driver_that_nobody_tried_has_no_row(void **state)
{
	char said[160];

	(void)state;
	assert_null(myc_trust_find("nosuch", 7003));
	assert_null(myc_trust_find("", 7003));
	assert_null(myc_trust_find("ice", 5015));
	myc_trust_say("lo", said, sizeof(said));
	assert_non_null(strstr(said, ": copy (not in the trust table)"));
}

static void an_interface_has_a_queue_and_no_interface_is_not_running(void **state)
{
	char driver[MYC_DRIVER_NAME] = "x";

	(void)state;
	assert_true(myc_kernel_version() >= 6001);
	assert_int_equal(myc_nic_queues("lo"), 1);
	assert_int_equal(myc_nic_queues("nosuch0"), 1);
	myc_nic_driver("nosuch0", driver);
	assert_string_equal(driver, "");
	assert_false(myc_nic_running("nosuch0"));
	assert_true(myc_nic_settle("nosuch0", 20) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_copy_is_trusted_from_the_kernel_that_was_tried),
		cmocka_unit_test(a_driver_that_nobody_tried_has_no_row),
		cmocka_unit_test(an_interface_has_a_queue_and_no_interface_is_not_running),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
