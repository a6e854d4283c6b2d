/* SPDX-License-Identifier: Apache-2.0 */
/* examples/typed under `myc run`: refs by name over processes, one of which is killed. */
#include "common/test.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "common/live.h"

static struct live live;

#define THREE_PROCESSES                                                                            \
	"supervisor: { intensity: 60, period_s: 5, lease_ms: 1000 }\n"                             \
	"processes:\n"                                                                             \
	"  - { name: matching, library: %s, actors: [ { name: matcher, behaviour: matcher } ] }\n" \
	"  - { name: showing, library: %s, actors: [ { name: screen, behaviour: screen } ] }\n"    \
	"  - { name: trading, library: %s, actors: [ { name: trader, behaviour: trader } ] }\n"

struct wanted {
	int64_t accepted, orders, depths;
};

static bool trades(struct live *l, void *context)
{
	const struct wanted *wanted = context;

	return live_status(l, "trader", "accepted") >= wanted->accepted &&
	       live_status(l, "matcher", "orders") >= wanted->orders &&
	       live_status(l, "matcher", "cancels") >= wanted->orders / 2 &&
	       live_status(l, "screen", "depths") >= wanted->depths &&
	       live_status(l, "screen", "size") > 0;
}

static void typed_actors_trade_over_processes(void **state)
{
	struct wanted wanted = {1000, 1000, 1};
	char library[220], schemas[1024];

	(void)state;
	live_open(&live, "typed");
	size_t length = strlen(live.actors) - strlen("tests/actors/pair.so");

	snprintf(library, sizeof(library), "%.*sexamples/typed.so", (int)length, live.actors);
	live_topology(&live, THREE_PROCESSES, library, library, library);
	assert_int_equal(live_start(&live, NULL), 0);
	live_until(&live, "orders are accepted and shown", trades, &wanted);
	assert_int_equal(live_status(&live, "trader", "mistaken"), 0);
	assert_int_equal(live_myc(&live, schemas, sizeof(schemas),
				  (const char *[]){"schemas", live.system, NULL}),
			 0);
	assert_non_null(strstr(schemas, "desk"));

	/* The matcher's successor starts anew; the trader's ref is good for it. */
	int64_t pid = live_number(&live, "matching", "pid");

	wanted.accepted = live_status(&live, "trader", "accepted") + 1000;
	wanted.depths = live_status(&live, "screen", "depths") + 1;
	assert_true(pid > 1);
	assert_int_equal(kill((pid_t)pid, SIGKILL), 0);
	live_until(&live, "the successor accepts", trades, &wanted);
	assert_int_equal(live_status(&live, "trader", "mistaken"), 0);
	live_stop(&live);
	live_close(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(typed_actors_trade_over_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
