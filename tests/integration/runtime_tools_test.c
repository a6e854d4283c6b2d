/* SPDX-License-Identifier: Apache-2.0 */
/* What a running system shows of itself, and what it does when it is told to. No privilege. */
#include "integration/runtime_bed.h"

#include <jansson.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

/* ---- dead letters ---------------------------------------------------------------------------- */

static bool so_many_are_dead(struct live *l, void *context)
{
	return live_number(l, "one", "dead_letters") == *(int64_t *)context;
}

static void dead_letters_are_shown_with_who_what_and_why(void **state)
{
	char out[8192], scatter[256];

	(void)state;
	snprintf(scatter, sizeof(scatter), "%.*sscatter.so",
		 (int)(strrchr(live.actors, '/') + 1 - live.actors), live.actors);
	live_topology(
		&live,
		"processes:\n"
		"  - { name: one, library: %s, actors: [ { name: loser, behaviour: scatter } ] }\n",
		scatter);
	assert_int_equal(live_start(&live, NULL), 0);
	live_until(&live, "three messages reach nobody", so_many_are_dead, &(int64_t){3});
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"letters", live.system, NULL}),
		0);
	assert_non_null(strstr(out, "         3  its actor is gone"));
	assert_non_null(strstr(out, "loser -> 0x4"));
	assert_non_null(strstr(out, "type 42, 8 bytes: its actor is gone"));
	assert_int_equal(live_myc(&live, out, sizeof(out),
				  (const char *[]){"letters", live.system, "--json", NULL}),
			 0);
	assert_non_null(strstr(out, "\"NO_ACTOR\": 3"));
	assert_non_null(strstr(out, "\"from\": \"loser\""));
	/* They outlive the process, and who reads them the supervisor. */
	assert_int_equal(kill((pid_t)live_number(&live, "one", "pid"), SIGKILL), 0);
	live_until(&live, "three more reach nobody", so_many_are_dead, &(int64_t){6});
	live_stop(&live);
}

static bool five_are_handled(struct live *l, void *context)
{
	(void)context;
	return live_number(l, "narrow", "messages") == 5;
}

static void what_rules_drop_is_counted_under_its_name_and_adds_up(void **state)
{
	char out[8192], flood[256];
	int64_t known;

	(void)state;
	snprintf(flood, sizeof(flood), "%.*sflood.so",
		 (int)(strrchr(live.actors, '/') + 1 - live.actors), live.actors);
	live_topology(&live,
		      "processes:\n"
		      "  - name: one\n"
		      "    library: %s\n"
		      "    actors:\n"
		      "      - { name: narrow, behaviour: narrow }\n"
		      "      - { name: flood, behaviour: flood }\n",
		      flood);
	assert_int_equal(live_start(&live, NULL), 0);
	live_until(&live, "five get there", five_are_handled, NULL);
	/* Of each ten: two and one that waits; the newest one; the newest of the key. */
	assert_int_equal(live_number(&live, "one", "DROPPED_NEWEST"), 7);
	assert_int_equal(live_number(&live, "one", "DROPPED_OLDEST"), 9);
	assert_int_equal(live_number(&live, "one", "conflated"), 9);
	known = live_number(&live, "narrow", "messages") +
		live_number(&live, "one", "DROPPED_NEWEST") +
		live_number(&live, "one", "DROPPED_OLDEST") +
		live_number(&live, "one", "conflated");
	assert_int_equal(known, 30);
	assert_int_equal(live_number(&live, "one", "dead_letters"), 16);
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"ps", live.system, NULL}), 0);
	assert_non_null(strstr(out, "     7 dropped as the newest, 9 dropped as the oldest, "
				    "9 replaced by their key\n"));
	live_stop(&live);
}

/* ---- phases ---------------------------------------------------------------------------------- */

static size_t place_of(const char *text, const char *line)
{
	const char *found = strstr(text, line);

	assert_non_null(found);
	return (size_t)(found - text);
}

static void a_stop_ends_phases_one_after_the_other_in_all_processes(void **state)
{
	char library[256], path[128], text[512] = "", out[16384];

	(void)state;
	snprintf(library, sizeof(library), "%.*sorderly.so",
		 (int)(strrchr(live.actors, '/') + 1 - live.actors), live.actors);
	snprintf(path, sizeof(path), "/tmp/%s-order", live.system);
	FILE *file = fopen(path, "we");

	assert_non_null(file);
	fclose(file);
	live_topology(&live,
		      "phases: [ { name: gates, timeout_ms: 400 }, { name: books } ]\n"
		      "processes:\n"
		      "  - { name: one, library: %s, actors: [\n"
		      "      { name: a_rest, behaviour: orderly, settings: { file: %s } },\n"
		      "      { name: a_book, behaviour: orderly, phase: books, settings: { file: "
		      "%s } },\n"
		      "      { name: a_gate, behaviour: orderly, phase: gates, settings: { file: "
		      "%s } } ] }\n"
		      "  - { name: two, library: %s, actors: [\n"
		      "      { name: b_slow, behaviour: orderly, phase: gates, settings: { file: "
		      "%s, slow: yes } },\n"
		      "      { name: b_gate, behaviour: orderly, phase: gates, settings: { file: "
		      "%s } },\n"
		      "      { name: b_book, behaviour: orderly, phase: books, settings: { file: "
		      "%s } } ] }\n",
		      library, path, path, path, library, path, path, path);
	assert_int_equal(live_start(&live, NULL), 0);
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"stop", live.system, NULL}), 0);
	assert_non_null(strstr(out, "phase 'gates': b_slow (0x"));
	assert_non_null(strstr(out, "was killed"));
	assert_int_equal(live_wait_end(&live), 0);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_true(fread(text, 1, sizeof(text) - 1, file) > 0);
	fclose(file);
	unlink(path);
	assert_null(strstr(text, "b_slow"));
	assert_true(place_of(text, "a_gate") < place_of(text, "a_book"));
	assert_true(place_of(text, "a_gate") < place_of(text, "b_book"));
	assert_true(place_of(text, "b_gate") < place_of(text, "a_book"));
	assert_true(place_of(text, "b_gate") < place_of(text, "b_book"));
	assert_true(place_of(text, "a_book") < place_of(text, "a_rest"));
	assert_true(place_of(text, "b_book") < place_of(text, "a_rest"));
}

/* ---- states --------------------------------------------------------------------------------------- */

static int myc(char *out, size_t size, const char *word, const char *actor, const char *option,
	       const char *value)
{
	return live_myc(
		&live, out, size,
		(const char *[]){word, actor, live.system, option, value,
				 option && !strcmp(option, "--replace") ? "--version" : NULL, "5",
				 NULL});
}

static bool handles_nothing(struct live *l, void *context)
{
	int64_t now = live_number(l, "pong", "messages"), *before = context;
	bool same = now == *before;

	*before = now;
	return same && live_number(l, "pong", "mailbox_depth") > 0;
}

static bool has_seen(struct live *l, void *context)
{
	return live_status(l, "pong", "seen") >= *(int64_t *)context;
}

static void an_actor_is_suspended_read_changed_and_resumed_from_outside(void **state)
{
	char out[16384], path[128];
	uint64_t pong[8] = {0};

	(void)state;
	start_two();
	expect_answers("ping is answered by pong");
	assert_int_equal(myc(out, sizeof(out), "suspend", "pong", NULL, NULL), 0);
	live_until(&live, "pong is suspended", handles_nothing, &(int64_t){-1});
	snprintf(path, sizeof(path), "/tmp/%s-state", live.system);
	assert_int_equal(myc(out, sizeof(out), "state", "pong", "--out", path), 0);
	assert_non_null(strstr(out, "version 5, 24 bytes"));
	FILE *file = fopen(path, "r+e");

	assert_non_null(file);
	assert_int_equal(fread(pong, 8, 3, file), 3);
	assert_true(pong[2] > 0 && pong[2] < 1000000000); /* seen */
	pong[2] += 7000000000;
	rewind(file);
	assert_int_equal(fwrite(pong, 8, 3, file), 3);
	assert_int_equal(fclose(file), 0);
	assert_int_equal(myc(out, sizeof(out), "state", "pong", "--replace", path), 0);
	unlink(path);
	assert_int_equal(myc(out, sizeof(out), "state", "0x100000000001", NULL, NULL), 0);
	assert_non_null(strstr(out, "000010  "));
	assert_int_equal(myc(out, sizeof(out), "resume", "pong", NULL, NULL), 0);
	live_until(&live, "pong goes on", has_seen, &(int64_t){7000000001});
	/* Refused. */
	assert_int_equal(myc(out, sizeof(out), "state", "ping", NULL, NULL), 1);
	assert_non_null(strstr(out, "does not let others"));
	assert_int_equal(myc(out, sizeof(out), "state", "nobody", NULL, NULL), 2);
	assert_non_null(strstr(out, "no actor is called 'nobody'"));
	assert_int_equal(myc(out, sizeof(out), "suspend", "0xffff00000000001", NULL, NULL), 2);
	assert_int_equal(myc(out, sizeof(out), "state", "pong", "--replace", "/dev/null"), 2);
	assert_non_null(strstr(out, "no state of it"));
	assert_int_equal(live_myc(&live, out, sizeof(out),
				  (const char *[]){"state", "pong", live.system, "--replace",
						   "/dev/null", "--version", "6", NULL}),
			 2);
	assert_non_null(strstr(out, "another version"));
	/* A new life begins with a state of its own, and takes orders too. */
	assert_int_equal(kill((pid_t)live_number(&live, "two", "pid"), SIGKILL), 0);
	expect_answers("ping is answered by the new pong");
	assert_int_equal(myc(out, sizeof(out), "state", "pong", "--out", path), 0);
	file = fopen(path, "re");
	assert_non_null(file);
	assert_int_equal(fread(pong, 8, 3, file), 3);
	assert_true(pong[2] < 1000000000);
	assert_int_equal(fclose(file), 0);
	unlink(path);
	live_stop(&live);
}

static bool on_executor(struct live *l, void *context)
{
	return live_number(l, "pong", "executor") == *(int64_t *)context;
}

static int move(char *out, size_t size, const char *actor, const char *executor)
{
	return live_myc(
		&live, out, size,
		(const char *[]){"move", actor, executor, executor ? live.system : NULL, NULL});
}

static void actors_move_by_orders_from_outside(void **state)
{
	char out[16384];

	(void)state;
	live_topology(
		&live,
		"supervisor: { intensity: 60, period_s: 5, lease_ms: 1000 }\n"
		"processes:\n"
		"  - { name: one, library: %s, executors: [ { idle: sleep }, { idle: sleep } ],\n"
		"      actors: [ { name: ping, behaviour: ping } ] }\n"
		"  - { name: two, library: %s, executors: [ { idle: sleep }, { idle: sleep } ],\n"
		"      actors: [ { name: pong, behaviour: pong } ] }\n",
		live.actors, live.actors);
	assert_int_equal(live_start(&live, NULL), 0);
	expect_answers("ping is answered by pong");
	for (int round = 0; round < 3; round++) {
		/* One with a timer and a ref, and its peer. */
		if (move(out, sizeof(out), "ping", "1"))
			fail_msg("%s", out);
		expect_answers("ping, moved, is answered");
		assert_int_equal(live_number(&live, "ping", "executor"), 1);
		assert_int_equal(move(out, sizeof(out), "pong", "1"), 0);
		expect_answers("pong, moved, answers");
		live_until(&live, "pong is on executor 1", on_executor, &(int64_t){1});
		assert_int_equal(move(out, sizeof(out), "ping", "0"), 0);
		assert_int_equal(move(out, sizeof(out), "pong", "0"), 0);
		expect_answers("both are back");
	}
	assert_int_equal(move(out, sizeof(out), "pong", "1"), 0);
	kill_process("two");
	expect_answers("ping is answered by the new pong");
	assert_int_equal(live_number(&live, "pong", "executor"), 1);
	/* Refused. */
	assert_int_equal(move(out, sizeof(out), "pong", "2"), 2);
	assert_non_null(strstr(out, "no executor"));
	assert_int_equal(move(out, sizeof(out), "nobody", "1"), 2);
	assert_non_null(strstr(out, "no actor is called 'nobody'"));
	assert_int_equal(move(out, sizeof(out), "pong", "4294967296"), 2);
	assert_int_equal(move(out, sizeof(out), "pong", "-1"), 2);
	assert_int_equal(move(out, sizeof(out), "pong", NULL), 2);
	expect_answers("ping is answered still");
	live_stop(&live);
}

static bool all_hold(struct live *l, void *context)
{
	(void)context;
	return live_status(l, "once", "held") == 1 && live_status(l, "often", "held") == 6;
}

static int holders_json(char *out, size_t size, const char *actor)
{
	return live_myc(&live, out, size,
			(const char *[]){"holders", "--json", actor, live.system, NULL});
}

static int holders(char *out, size_t size, const char *actor)
{
	return live_myc(&live, out, size, (const char *[]){"holders", actor, live.system, NULL});
}

/* The JSON says so: this many references in all, and `name` has `references` of them. */
static void expect_holder(const char *json, json_int_t all, const char *name, json_int_t references)
{
	json_error_t error;
	json_t *root = json_loads(json, JSON_REJECT_DUPLICATES, &error), *holder;
	size_t index, found = 0;

	if (!root)
		fail_msg("%s: %s", error.text, json);
	assert_int_equal(json_integer_value(json_object_get(root, "references")), all);
	json_array_foreach(json_object_get(root, "holders"), index, holder)
	{
		const char *address = json_string_value(json_object_get(holder, "address"));

		if (strcmp(json_string_value(json_object_get(holder, "name")), name) != 0)
			continue;
		found++;
		assert_int_equal(json_integer_value(json_object_get(holder, "references")),
				 references);
		assert_int_equal(strncmp(address, "0x", 2), 0);
		assert_non_null(json_string_value(json_object_get(holder, "process")));
	}
	assert_int_equal(found, 1);
	json_decref(root);
}

static void who_holds_an_actor_is_shown(void **state)
{
	char out[4096], reader[256];

	(void)state;
	snprintf(reader, sizeof(reader), "%.*sreader.so",
		 (int)(strrchr(live.actors, '/') + 1 - live.actors), live.actors);
	live_topology(
		&live,
		"processes:\n"
		"  - { name: one, library: %s, actors: [ { name: library, behaviour: library },"
		" { name: once, behaviour: reader } ] }\n"
		"  - { name: two, library: %s, actors: [ { name: often, behaviour: reader, "
		"settings: { times: 6 } } ] }\n",
		reader, reader);
	assert_int_equal(live_start(&live, NULL), 0);
	live_until(&live, "both hold it", all_hold, NULL);
	if (holders(out, sizeof(out), "library"))
		fail_msg("%s", out);
	assert_non_null(strstr(out, "7 references\n"));
	assert_non_null(strstr(out, "  once\n"));
	assert_non_null(strstr(out, "  often, 6 times\n"));
	assert_int_equal(holders_json(out, sizeof(out), "library"), 0);
	expect_holder(out, 7, "once", 1);
	expect_holder(out, 7, "often", 6);
	assert_int_equal(holders(out, sizeof(out), "once"), 0);
	assert_string_equal(out, "0 references\n");
	assert_int_equal(holders_json(out, sizeof(out), "once"), 0);
	assert_string_equal(out, "{\"references\": 0, \"holders\": []}\n");
	assert_int_equal(holders_json(out, sizeof(out), "nobody"), 2);
	assert_string_equal(out, "myc: no actor is called 'nobody' (myc ps lists them)\n");
	assert_int_equal(holders(out, sizeof(out), "nobody"), 2);
	assert_non_null(strstr(out, "no actor is called 'nobody'"));
	assert_int_equal(holders(out, sizeof(out), "0x3f"), 2);
	assert_non_null(strstr(out, "no actor has this address"));
	assert_int_equal(holders(out, sizeof(out), NULL), 2);
	/* Its references go with a process, and come again with its successor's. */
	assert_int_equal(kill((pid_t)live_number(&live, "two", "pid"), SIGKILL), 0);
	live_until(&live, "both hold it again", all_hold, NULL);
	live_stop(&live);
}

/* ---- exit codes ----------------------------------------------------------------------------------- */

static void expect_code(int code, const char *says, const char *const *args)
{
	char out[16384];
	int got = live_myc(&live, out, sizeof(out), args);

	if (got != code || !strstr(out, says))
		fail_msg("myc %s %s: %d, not %d, or it does not say '%s': %s", args[0],
			 args[1] ? args[1] : "", got, code, says, out);
}
#define EXPECT(code, says, ...) expect_code(code, says, (const char *[]){__VA_ARGS__, NULL})

/* docs/man/myc.1, EXIT STATUS. */
static void what_was_asked_for_and_is_not_there_is_bad_input(void **state)
{
	(void)state;
	start_two();
	EXPECT(2, "no command", "nonsense");
	EXPECT(2, "usage", "run");
	EXPECT(2, "usage", "check");
	EXPECT(2, "/none.yaml", "run", "/none.yaml");
	EXPECT(2, "/none.yaml", "check", "/none.yaml");
	for (int i = 0; i < 4; i++) {
		static const char *const words[] = {"ps", "letters", "schemas", "stop"};

		EXPECT(2, "no-such-system", words[i], "no-such-system");
		EXPECT(2, "usage", words[i], live.system, "more");
		EXPECT(2, "usage", words[i], "--nonsense");
	}
	for (int i = 0; i < 4; i++) {
		static const char *const words[] = {"state", "suspend", "resume", "holders"};

		EXPECT(2, "no-such-system", words[i], "pong", "no-such-system");
		EXPECT(2, "no actor is called 'x'", words[i], "x", live.system);
		EXPECT(2, "usage", words[i]);
		EXPECT(2, "no actor has this address", words[i], "0x10000000003f", live.system);
	}
	EXPECT(2, "no-such-system", "move", "pong", "0", "no-such-system");
	EXPECT(2, "no actor 0x10000000003f", "move", "0x10000000003f", "0", live.system);
	EXPECT(2, "--out /none/state", "state", "pong", live.system, "--out", "/none/state");
	EXPECT(2, "--replace /none", "state", "pong", live.system, "--replace", "/none");
	EXPECT(2, "more than 4096 bytes", "state", "pong", live.system, "--replace", live.actors);
	EXPECT(2, "/none", "frame", "/none");
	EXPECT(2, "usage", "frame");
	/* Frames that are none, and what is not to be had: not the command line's fault. */
	EXPECT(1, "byte", "frame", live.actors);
	EXPECT(1, "does not let others", "state", "ping", live.system);
	live_stop(&live);
}

/* Whoever asks meanwhile is answered by the next one. */
static void who_asks_while_the_supervisor_dies_is_answered_by_its_successor(void **state)
{
	static const char *const words[] = {"ps", "letters", "schemas"};

	(void)state;
	start_two();
	for (int i = 0; i < 6; i++) { /* each successor takes longer to come */
		pid_t supervisor = live_pid_of(&live, "myc-supervisor");

		if (supervisor > 1)
			assert_int_equal(kill(supervisor, SIGKILL), 0);
		EXPECT(0, "", words[i % 3], live.system);
	}
	live_stop(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(dead_letters_are_shown_with_who_what_and_why),
		TEST(what_rules_drop_is_counted_under_its_name_and_adds_up),
		TEST(a_stop_ends_phases_one_after_the_other_in_all_processes),
		TEST(an_actor_is_suspended_read_changed_and_resumed_from_outside),
		TEST(actors_move_by_orders_from_outside),
		TEST(who_holds_an_actor_is_shown),
		TEST(what_was_asked_for_and_is_not_there_is_bad_input),
		TEST(who_asks_while_the_supervisor_dies_is_answered_by_its_successor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
