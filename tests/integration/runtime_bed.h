/* SPDX-License-Identifier: Apache-2.0 */
/* A system of two processes, of which one asks and the other answers. */
#ifndef TESTS_INTEGRATION_RUNTIME_BED_H
#define TESTS_INTEGRATION_RUNTIME_BED_H

#include "common/test.h"

#include <signal.h>
#include <string.h>

#include "common/live.h"

static struct live live;

#define TWO_PROCESSES                                                                   \
	"supervisor: { intensity: 60, period_s: 5, lease_ms: 1000 }\n"                  \
	"processes:\n"                                                                  \
	"  - { name: one, library: %s, actors: [ { name: ping, behaviour: ping } ] }\n" \
	"  - { name: two, library: %s, actors: [ { name: pong, behaviour: pong },\n"    \
	"        { name: naughty, behaviour: naughty } ] }\n"

static inline int open_live(void **state)
{
	(void)state;
	live_open(&live, "rt");
	return 0;
}

static inline int close_live(void **state)
{
	(void)state;
	live_close(&live);
	return 0;
}

static inline void start_two(void)
{
	live_topology(&live, TWO_PROCESSES, live.actors, live.actors);
	assert_int_equal(live_start(&live, NULL), 0);
}

/* More answers than at the first look: messages go both ways. */
static inline bool answers_come(struct live *l, void *context)
{
	int64_t *first = context, now = live_status(l, "ping", "answered");

	if (now < 0)
		return false;
	if (*first < 0 || now < *first)
		*first = now;
	return now > *first + 20;
}

static inline void expect_answers(const char *what)
{
	int64_t first = -1;

	live_until(&live, what, answers_come, &first);
}

struct process_was {
	const char *name;
	int64_t pid;
};

static inline bool runs_anew(struct live *l, void *context)
{
	const struct process_was *was = context;
	char state[16];
	int64_t pid = live_number(l, was->name, "pid");

	live_string(l, was->name, "state", state, sizeof(state));
	return pid > 0 && pid != was->pid && !strcmp(state, "up");
}

static inline void kill_process(const char *name)
{
	assert_true(live_look(&live));
	struct process_was was = {.name = name, .pid = live_number(&live, name, "pid")};

	assert_true(was.pid > 1);
	assert_int_equal(kill((pid_t)was.pid, SIGKILL), 0);
	live_until(&live, "the killed process is restarted", runs_anew, &was);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_live, close_live)

#endif
