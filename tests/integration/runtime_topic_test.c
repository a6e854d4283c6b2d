/* SPDX-License-Identifier: Apache-2.0 */
/* `myc run`: a topic that the topology declares, a group and lives over its processes, which are killed. */
#include "common/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/live.h"

static struct live live;

#define THREE_PROCESSES                                                                           \
	"supervisor: { intensity: 60, period_s: 5, lease_ms: 1000 }\n"                            \
	"processes:\n"                                                                            \
	"  - { name: one, library: %s, topics: [ { name: ticks, slots: 64, reliable: true } ],\n" \
	"      actors: [ { name: ticker, behaviour: ticker } ] }\n"                               \
	"  - { name: two, library: %s, actors: [ { name: first, behaviour: listener } ] }\n"      \
	"  - { name: three, library: %s, actors: [ { name: second, behaviour: listener } ] }\n"

static void open_three(void)
{
	char library[200];

	live_open(&live, "rto");
	size_t length = strlen(live.actors) - strlen("pair.so");

	assert_string_equal(live.actors + length, "pair.so");
	snprintf(library, sizeof(library), "%.*sticker.so", (int)length, live.actors);
	live_topology(&live, THREE_PROCESSES, library, library, library);
	assert_int_equal(live_start(&live, NULL), 0);
}

struct wanted {
	const char *actor;
	int64_t ticks, ends, started, stopped;
};

/* At least so much, of ticks; exactly two listeners. */
static bool hears(struct live *l, void *context)
{
	const struct wanted *wanted = context;

	return live_status(l, wanted->actor, "ticks") >= wanted->ticks &&
	       live_status(l, wanted->actor, "ends") >= wanted->ends &&
	       live_status(l, wanted->actor, "started") >= wanted->started &&
	       live_status(l, wanted->actor, "stopped") >= wanted->stopped &&
	       live_status(l, wanted->actor, "members") == 2;
}

static int64_t ticks_of(const char *actor)
{
	assert_true(live_look(&live));
	return live_status(&live, actor, "ticks");
}

static void kill_process(const char *name)
{
	assert_true(live_look(&live));
	int64_t pid = live_number(&live, name, "pid");

	assert_true(pid > 1);
	assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
}

static void a_topic_and_a_group_go_on_when_processes_are_killed(void **state)
{
	struct wanted first = {.actor = "first", .ticks = 100, .started = 1};
	struct wanted second = {.actor = "second", .ticks = 100, .started = 1};

	(void)state;
	open_three();
	live_until(&live, "the first hears", hears, &first);
	live_until(&live, "the second hears", hears, &second);

	/* The publisher's successor goes on where it was. */
	kill_process("one");
	first = (struct wanted){"first", ticks_of("first") + 100, 1, 2, 1};
	live_until(&live, "the first hears the ticker's successor", hears, &first);
	assert_int_equal(live_status(&live, "first", "gaps"), 0);

	/* Who is killed is waited for no more; his successor is a member, and hears. */
	kill_process("two");
	second = (struct wanted){"second", ticks_of("second") + 200, 1, 2, 1};
	live_until(&live, "the second hears while the first is dead", hears, &second);
	first = (struct wanted){"first", 100, 0, 1, 0};
	live_until(&live, "the first's successor hears", hears, &first);
	assert_int_equal(live_status(&live, "first", "gaps"), 0);
	assert_int_equal(live_status(&live, "second", "gaps"), 0);
	live_stop(&live);
	live_close(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_topic_and_a_group_go_on_when_processes_are_killed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
