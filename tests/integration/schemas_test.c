/* SPDX-License-Identifier: Apache-2.0 */
/* Processes of `myc run` whose libraries declare schemas: `myc schemas` shows them and what does not go together, and
 * only those who disagree are kept apart. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/live.h"
#include "common/test.h"

static struct live live;

static bool all_is_said(struct live *l, void *context)
{
	(void)context;
	return live_status(l, "ann", "refused") > 10 && live_status(l, "bob", "refused") > 10 &&
	       live_status(l, "cat", "sent") > 10 && live_status(l, "dan", "heard") > 10;
}

static void who_disagrees_is_named_and_kept_apart(void **state)
{
	char out[16384], right[256], wrong[256];
	int folder = (int)(strrchr(live.actors, '/') + 1 - live.actors);

	(void)state;
	snprintf(right, sizeof(right), "%.*sspeaker.so", folder, live.actors);
	snprintf(wrong, sizeof(wrong), "%.*smisspeaker.so", folder, live.actors);
	live_topology(&live,
		      "processes:\n"
		      "  - { name: one, library: %s, actors: [\n"
		      "        { name: ann, behaviour: speaker, settings: { to: bob } },\n"
		      "        { name: cat, behaviour: speaker, settings: { to: dan } } ] }\n"
		      "  - { name: two, library: %s, actors: [\n"
		      "        { name: bob, behaviour: speaker, settings: { to: ann } } ] }\n"
		      "  - { name: three, library: %s, actors: [\n"
		      "        { name: dan, behaviour: speaker } ] }\n",
		      right, wrong, right);
	assert_int_equal(live_start(&live, NULL), 0);
	live_until(&live, "two are refused, two talk", all_is_said, NULL);
	assert_int_equal(live_status(&live, "ann", "sent"), 0);
	assert_int_equal(live_status(&live, "ann", "heard"), 0);
	assert_int_equal(live_status(&live, "bob", "heard"), 0);
	assert_int_equal(live_status(&live, "cat", "refused"), 0);
	assert_true(live_number(&live, "one", "lookups_refused") > 10);
	assert_int_equal(live_number(&live, "three", "lookups_refused"), 0);
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"schemas", live.system, NULL}),
		0);
	assert_non_null(strstr(out, "one              schema 7 (desk)  version 1  "));
	assert_non_null(strstr(out, "two              schema 7 (desk)  version 1  "));
	assert_non_null(
		strstr(out, "one and two do not go together: schema 7 (desk), version 1 here and "
			    "1 there: 'Order.price.mantissa' has another offset: "));
	assert_non_null(strstr(out, "two and three do not go together: "));
	assert_null(strstr(out, "one and three"));
	assert_int_equal(live_myc(&live, out, sizeof(out),
				  (const char *[]){"schemas", live.system, "--json", NULL}),
			 0);
	assert_non_null(strstr(out, "{\"process\": \"three\", \"schema\": 7, \"name\": \"desk\", "
				    "\"version\": 1, \"hash\": \""));
	assert_non_null(
		strstr(out, "{\"here\": \"one\", \"there\": \"two\", \"difference\": \"schema 7"));
	assert_non_null(strstr(out, "},\n {\"here\": \"two\", \"there\": \"three\", "));
	live_stop(&live);
}

static void who_declares_nothing_has_nothing_to_show(void **state)
{
	char out[4096];

	(void)state;
	live_topology(
		&live,
		"processes:\n"
		"  - { name: one, library: %s, actors: [ { name: pong, behaviour: pong } ] }\n",
		live.actors);
	assert_int_equal(live_start(&live, NULL), 0);
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"schemas", live.system, NULL}),
		0);
	assert_string_equal(out, "no process declares a schema\n");
	live_stop(&live);
}

static int open_live(void **state)
{
	(void)state;
	live_open(&live, "schemas");
	return 0;
}

static int close_live(void **state)
{
	(void)state;
	live_close(&live);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(who_disagrees_is_named_and_kept_apart, open_live,
						close_live),
		cmocka_unit_test_setup_teardown(who_declares_nothing_has_nothing_to_show, open_live,
						close_live),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
