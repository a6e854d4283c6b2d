/* SPDX-License-Identifier: Apache-2.0 */
/* What a system cannot be made of: the refusal names the option, its value, and what to use instead. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>

#include "core/plan.h"
#include "core/process.h"

static void refused(const struct myc_system_opts *opts, int code, const char *option,
		    const char *value, const char *remedy)
{
	struct myc_region_plan plan = {0};
	struct myc_system *system = NULL;
	struct myc_error error = {0};

	assert_int_equal(myc_system_open(&system, opts, &error), code);
	assert_null(system);
	assert_int_equal(error.code, code);
	if (!strstr(error.cause, option) || !strstr(error.cause, value) ||
	    !strstr(error.remedy, remedy))
		fail_msg("%s (%s): not of %s, %s, %s", error.cause, error.remedy, option, value,
			 remedy);
	/* Who plans for several processes is told the same; and nobody needs to ask why. */
	memset(&error, 0, sizeof(error));
	assert_int_equal(myc_system_plan(&plan, opts, 2, 128, &error), code);
	assert_non_null(strstr(error.cause, option));
	assert_int_equal(myc_system_plan(&plan, opts, 2, 128, NULL), code);
}

#define REFUSED(option, value, remedy, ...)                                           \
	refused(&(const struct myc_system_opts){.sz = sizeof(struct myc_system_opts), \
						__VA_ARGS__},                         \
		-EINVAL, option, value, remedy)

static void planned(const struct myc_system_opts *opts)
{
	struct myc_region_plan plan = {0};
	struct myc_error error = {0};

	if (myc_system_plan(&plan, opts, 1, 64, &error))
		fail_msg("%s (%s)", error.cause, error.remedy);
}

#define PLANNED(...) \
	planned(&(const struct myc_system_opts){.sz = sizeof(struct myc_system_opts), __VA_ARGS__})

static void numbers_beyond_their_limits_are_named(void **state)
{
	(void)state;
	REFUSED("executors", "65", "64", .executors = 65);
	REFUSED("threads", "17", "16", .threads = 17);
	REFUSED("threads", "60 and 5", "64", .executors = 60, .threads = 5);
	REFUSED("actors", "1048513", "1048512", .actors = 1048513);
	REFUSED("lane_slots", "65536", "32768", .lane_slots = 65536);
	REFUSED("lane_slots", "100", "power of two", .lane_slots = 100);
	REFUSED("lane_urgent_slots", "3", "power of two", .lane_urgent_slots = 3);
	REFUSED("lane_urgent_slots", "4294967295", "32768", .lane_urgent_slots = UINT32_MAX);
	REFUSED("outbox", "1048577", "1048576", .outbox = 1048577);
	REFUSED("pending", "16777217", "16777216", .pending = 16777217);
	REFUSED("growth", "16777217", "16777216", .growth = 16777217);
	REFUSED("loans", "16777217", "16777216", .loans = 16777217);
	REFUSED("readings", "65536", "65535", .readings = 65536);
	REFUSED("directory", "65537", "65536", .directory = 65537);
	REFUSED("work_threads", "65", "64", .work_threads = 65);
	REFUSED("cycles", "9", "myc_cycles", .cycles = 9);
}

static void numbers_at_their_limits_are_taken(void **state)
{
	(void)state;
	PLANNED(.executors = 64);
	PLANNED(.executors = 48, .threads = 16);
	PLANNED(.actors = 1048512);
	PLANNED(.lane_slots = 32768, .lane_urgent_slots = 32768);
	PLANNED(.outbox = 1048576, .pending = 16777216, .growth = 16777216);
	PLANNED(.loans = 16777216, .readings = 65535, .directory = 65536, .work_threads = 64);
}

static void buffers_that_cannot_be_are_named(void **state)
{
	(void)state;
	REFUSED("buffers[0].size", "100", "multiple of 64", .buffers = {{100, 1}});
	REFUSED("buffers[0].size", "0", "multiple of 64", .buffers = {{0, 7}});
	REFUSED("buffers[0].size", "1073741888", "1073741824", .buffers = {{1073741888, 1}});
	REFUSED("buffers[0].count", "0", "16777216", .buffers = {{64, 0}});
	REFUSED("buffers[1].count", "16777217", "16777216", .buffers = {{64, 1}, {128, 16777217}});
	REFUSED("buffers[1].size", "64, after 128", "smallest", .buffers = {{128, 1}, {64, 1}});
	REFUSED("buffers[1].size", "64, after 64", "smallest", .buffers = {{64, 1}, {64, 1}});
	REFUSED("buffers[2].size", "256", "leave no class", .buffers = {{64, 1}, {0}, {256, 1}});
	REFUSED("buffers[1].size", "256", "leave no class", .buffers = {{0}, {256, 1}});
	PLANNED(.buffers = {{64, 1}, {128, 1}, {1 << 30, 1}});
}

static void tables_of_an_executor_are_named(void **state)
{
	struct myc_executor_opts executor[2] = {{.core = -1}, {.core = -1}};

	(void)state;
	executor[1].timers = (1u << 25) + 1;
	REFUSED("executor[1].timers", "33554433", "33554432", .executors = 2, .executor = executor);
	executor[1] = (struct myc_executor_opts){.core = -1, .watches = UINT32_MAX};
	REFUSED("executor[1].watches", "4294967295", "16777216", .executors = 2,
		.executor = executor);
	executor[1] = (struct myc_executor_opts){.core = -1, .signals = UINT32_MAX};
	REFUSED("executor[1].signals", "4294967295", "16777216", .executors = 2,
		.executor = executor);
	executor[1] = (struct myc_executor_opts){.core = -1, .asks = 65536};
	REFUSED("executor[1].asks", "65536", "65535", .executors = 2, .executor = executor);
}

static void topics_that_cannot_be_are_named(void **state)
{
	static const struct {
		struct myc_topic_opts topic;
		const char *option, *value, *remedy;
	} bad[] = {
		{{.name = NULL}, "topics[1].name", "''", "39"},
		{{.name = ""}, "topics[1].name", "''", "39"},
		{{.name = "a name that is a byte longer than it may"},
		 "topics[1].name",
		 "a name",
		 "39"},
		{{.name = "b", .slots = 100}, "topics[1].slots", "100", "power of two"},
		{{.name = "b", .slots = 1 << 21}, "topics[1].slots", "2097152", "1048576"},
		{{.name = "b", .payload_max = 65537}, "topics[1].payload_max", "65537", "65536"},
		{{.name = "b", .keys = 3}, "topics[1].keys", "3", "power of two"},
		{{.name = "b", .keys = 1 << 21}, "topics[1].keys", "2097152", "1048576"},
		{{.name = "b", .readers = 1025}, "topics[1].readers", "1025", "1024"},
		{{.name = "b", .keys = 4, .reliable = true}, "topics[1].keys", "'b'", "leave one"},
		{{.name = "b", .patience_ns = 1}, "topics[1].patience_ns", "'b'", "reliable"},
	};
	struct myc_topic_opts topic[2] = {{.name = "a"}, {.name = "a"}};
	const struct myc_system_opts same = {
		.sz = sizeof(same), .topics = topic, .topics_count = 2};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		topic[1] = bad[i].topic;
		REFUSED(bad[i].option, bad[i].value, bad[i].remedy, .topics = topic,
			.topics_count = 2);
	}
	topic[1] = (struct myc_topic_opts){.name = "a"};
	refused(&same, -EEXIST, "topics[1].name", "'a'", "of its own");
	REFUSED("topics_count", "65", "64", .topics = topic, .topics_count = 65);
	REFUSED("topics_count", "1", "set topics", .topics_count = 1);
	topic[1].name = "a name that is just as long as it may b";
	PLANNED(.topics = topic, .topics_count = 2);
}

static void a_workspace_that_does_not_add_up_is_named(void **state)
{
	const struct myc_system_opts opts = {.sz = sizeof(opts), .executors = 4, .threads = 2};
	struct myc_region_plan plan = {0};
	struct myc_error error = {0};

	(void)state;
	assert_int_equal(myc_system_plan(&plan, &opts, 0, 6, &error), -EINVAL);
	assert_non_null(strstr(error.cause, "0 processes"));
	assert_int_equal(myc_system_plan(&plan, &opts, 1, 5, &error), -EINVAL);
	assert_non_null(strstr(error.cause, "5 executors"));
	assert_int_equal(myc_system_plan(&plan, &opts, 1, 6, &error), 0);
	/* A second one finds its blocks taken. */
	assert_int_equal(myc_system_plan(&plan, &opts, 1, 6, &error), -EEXIST);
	assert_non_null(strstr(error.cause, "6 executors"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_beyond_their_limits_are_named),
		cmocka_unit_test(numbers_at_their_limits_are_taken),
		cmocka_unit_test(buffers_that_cannot_be_are_named),
		cmocka_unit_test(tables_of_an_executor_are_named),
		cmocka_unit_test(topics_that_cannot_be_are_named),
		cmocka_unit_test(a_workspace_that_does_not_add_up_is_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
