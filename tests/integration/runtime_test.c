/* SPDX-License-Identifier: Apache-2.0 */
/* Systems of several processes without a network: lookups, policies, kills, stops. No privilege. */
#include "common/test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/live.h"
#include "runtime/control.h"

static struct live live;

#define TWO_PROCESSES                                                                   \
	"supervisor: { intensity: 60, period_s: 5, lease_ms: 1000 }\n"                  \
	"processes:\n"                                                                  \
	"  - { name: one, library: %s, actors: [ { name: ping, behaviour: ping } ] }\n" \
	"  - { name: two, library: %s, actors: [ { name: pong, behaviour: pong },\n"    \
	"        { name: naughty, behaviour: naughty } ] }\n"

static int open_live(void **state)
{
	(void)state;
	live_open(&live, "rt");
	return 0;
}

static int close_live(void **state)
{
	(void)state;
	live_close(&live);
	return 0;
}

static void start_two(void)
{
	live_topology(&live, TWO_PROCESSES, live.actors, live.actors);
	assert_int_equal(live_start(&live, NULL), 0);
}

/* More answers than at the first look: messages go both ways. */
static bool answers_come(struct live *l, void *context)
{
	int64_t *first = context, now = live_status(l, "ping", "answered");

	if (now < 0)
		return false;
	if (*first < 0 || now < *first)
		*first = now;
	return now > *first + 20;
}

static void expect_answers(const char *what)
{
	int64_t first = -1;

	live_until(&live, what, answers_come, &first);
}

static void actors_of_two_processes_find_each_other_and_talk(void **state)
{
	char text[64], tree[8192];

	(void)state;
	start_two();
	expect_answers("ping is answered by pong");
	live_string(&live, "pong", "state", text, sizeof(text));
	assert_string_equal(text, "up");
	live_string(&live, "pong", "address", text, sizeof(text));
	assert_string_equal(text, "0x100000000001");
	assert_int_equal(
		live_myc(&live, tree, sizeof(tree), (const char *[]){"ps", live.system, NULL}), 0);
	assert_non_null(strstr(tree, "ping"));
	assert_non_null(strstr(tree, "two  up"));
	live_stop(&live);
}

/* ---- kills ----------------------------------------------------------------------------------- */

struct process_was {
	const char *name;
	int64_t pid;
};

static bool runs_anew(struct live *l, void *context)
{
	const struct process_was *was = context;
	char state[16];
	int64_t pid = live_number(l, was->name, "pid");

	live_string(l, was->name, "state", state, sizeof(state));
	return pid > 0 && pid != was->pid && !strcmp(state, "up");
}

static void kill_process(const char *name)
{
	assert_true(live_look(&live));
	struct process_was was = {.name = name, .pid = live_number(&live, name, "pid")};

	assert_true(was.pid > 1);
	assert_int_equal(kill((pid_t)was.pid, SIGKILL), 0);
	live_until(&live, "the killed process is restarted", runs_anew, &was);
}

static bool naps_two(struct live *l, void *context)
{
	(void)context;
	return live_status(l, "sleeper", "naps") >= 2;
}

/* Each of its handlers takes longer than the lease of an executor. */
static void an_actor_with_a_thread_of_its_own_may_sleep_in_its_handler(void **state)
{
	char text[64], before[32], after[32];

	(void)state;
	live_topology(
		&live,
		"supervisor: { intensity: 60, period_s: 5, lease_ms: 500 }\n"
		"processes:\n"
		"  - { name: one, library: %s, actors: [ { name: ping, behaviour: ping } ] }\n"
		"  - { name: two, library: %s, shutdown_ms: 5000, actors: [\n"
		"        { name: pong, behaviour: pong },\n"
		"        { name: sleeper, behaviour: sleeper, thread: true,\n"
		"          settings: { sleep_ms: 900 } } ] }\n",
		live.actors, live.actors);
	assert_int_equal(live_start(&live, NULL), 0);
	expect_answers("ping is answered by pong, whose process has a sleeper");
	live_until(&live, "the sleeper sleeps again and again", naps_two, NULL);
	expect_answers("ping is answered meanwhile");
	live_string(&live, "two", "state", text, sizeof(text));
	assert_string_equal(text, "up");
	live_string(&live, "sleeper", "address", before, sizeof(before));
	kill_process("two");
	live_string(&live, "sleeper", "address", after, sizeof(after));
	assert_string_equal(before, after);
	live_until(&live, "the sleeper sleeps again after a kill", naps_two, NULL);
	live_stop(&live);
}

static void a_killed_worker_is_restarted_with_the_same_addresses(void **state)
{
	char before[32], after[32];

	(void)state;
	start_two();
	expect_answers("ping is answered");
	live_string(&live, "pong", "address", before, sizeof(before));
	int64_t other = live_number(&live, "one", "pid");
	kill_process("two");
	live_string(&live, "pong", "address", after, sizeof(after));
	assert_string_equal(before, after);
	assert_int_equal(live_number(&live, "two", "restarts"), 1);
	assert_int_equal(live_number(&live, "two", "incarnation"), 2);
	assert_int_equal(live_number(&live, "one", "pid"), other);
	expect_answers("ping is answered by the restarted pong");
	assert_int_equal(live_status(&live, "pong", "restarts"), 1);
	kill_process("one");
	expect_answers("the restarted ping is answered");
	live_stop(&live);
}

static bool supervisor_is(struct live *l, void *context)
{
	return live_number(l, NULL, "incarnation") == *(int64_t *)context;
}

static void kill_supervisor(void)
{
	assert_true(live_look(&live));
	int64_t next = live_number(&live, NULL, "incarnation") + 1;
	pid_t pid = live_pid_of(&live, "myc-supervisor");

	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	live_until(&live, "the next supervisor answers", supervisor_is, &next);
}

static void a_killed_supervisor_leaves_workers_running_and_is_replaced(void **state)
{
	(void)state;
	start_two();
	expect_answers("ping is answered");
	int64_t one = live_number(&live, "one", "pid"), two = live_number(&live, "two", "pid");
	kill_supervisor();
	assert_int_equal(live_number(&live, "one", "pid"), one);
	assert_int_equal(live_number(&live, "two", "pid"), two);
	assert_int_equal(live_number(&live, "one", "adopted"), 1);
	assert_int_equal(live_number(&live, "two", "restarts"), 0);
	expect_answers("messages go on");
	kill_process("two");
	assert_int_equal(live_number(&live, "one", "pid"), one);
	live_stop(&live);
}

static bool both_up(struct live *l, void *context)
{
	char one[16], two[16];

	(void)context;
	live_string(l, "one", "state", one, sizeof(one));
	live_string(l, "two", "state", two, sizeof(two));
	return !strcmp(one, "up") && !strcmp(two, "up");
}

static void worker_and_supervisor_killed_in_any_order_come_back(void **state)
{
	uint64_t chance = test_seed();

	(void)state;
	start_two();
	for (int round = 0; round < 12; round++) {
		assert_true(live_look(&live));
		struct process_was was = {.name = test_random(&chance) & 1 ? "one" : "two"};

		was.pid = live_number(&live, was.name, "pid");
		int64_t next = live_number(&live, NULL, "incarnation") + 1;
		pid_t supervisor = live_pid_of(&live, "myc-supervisor");
		pid_t first = test_random(&chance) & 1 ? supervisor : (pid_t)was.pid;
		pid_t second = first == supervisor ? (pid_t)was.pid : supervisor;

		assert_true(supervisor > 1 && was.pid > 1);
		assert_int_equal(kill(first, SIGKILL), 0);
		usleep((useconds_t)(test_random(&chance) % 3000));
		assert_int_equal(kill(second, SIGKILL), 0);
		live_until(&live, "the next supervisor answers", supervisor_is, &next);
		live_until(&live, "the killed worker is restarted", runs_anew, &was);
		live_until(&live, "both workers are up", both_up, NULL);
	}
	expect_answers("messages go on");
	assert_int_equal(
		live_number(&live, "one", "restarts") + live_number(&live, "two", "restarts"), 12);
	live_stop(&live);
}

static bool is_cold_started(struct live *l, void *context)
{
	return live_number(l, NULL, "cold_starts") == 1 && both_up(l, context);
}

static void a_killed_holder_is_a_cold_start_and_said_so(void **state)
{
	(void)state;
	start_two();
	expect_answers("ping is answered");
	pid_t one = (pid_t)live_number(&live, "one", "pid");
	pid_t supervisor = live_pid_of(&live, "myc-supervisor");
	pid_t holder = live_pid_of(&live, "myc-holder");
	assert_true(one > 1 && supervisor > 1 && holder > 1);
	assert_int_equal(kill(holder, SIGKILL), 0);
	live_until(&live, "the system is up again", is_cold_started, NULL);
	assert_int_equal(kill(one, 0), -1);
	assert_int_equal(kill(supervisor, 0), -1);
	assert_int_equal(live_number(&live, "one", "restarts"), 0);
	assert_true(live_logged(&live, "the holder died (signal 9)"));
	expect_answers("messages go again");
	live_stop(&live);
}

/* ---- ends ------------------------------------------------------------------------------------ */

static void a_stop_leaves_no_process_no_folder_and_a_report(void **state)
{
	struct stat is;
	char dir[256];

	(void)state;
	start_two();
	assert_true(live_look(&live));
	pid_t gone[] = {(pid_t)live_number(&live, "one", "pid"),
			(pid_t)live_number(&live, "two", "pid"),
			live_pid_of(&live, "myc-supervisor"), live_pid_of(&live, "myc-holder")};
	assert_int_equal(myc_run_dir(live.system, dir, sizeof(dir), NULL), 0);
	assert_int_equal(stat(dir, &is), 0);
	assert_int_equal(is.st_mode & 0777, 0700);
	live_stop(&live);
	assert_int_equal(stat(dir, &is), -1);
	for (size_t i = 0; i < sizeof(gone) / sizeof(gone[0]); i++) {
		assert_true(gone[i] > 1);
		assert_int_equal(kill(gone[i], 0), -1);
		assert_int_equal(errno, ESRCH);
	}
	FILE *report = fopen(live.report, "re");
	assert_non_null(report);
	size_t size = fread(live.text, 1, LIVE_TEXT - 1, report);
	live.text[size] = '\0';
	fclose(report);
	assert_int_equal(live_number(&live, "two", "restarts"), 0);
	assert_true(live_number(&live, "pong", "messages") >= 0);
}

static void ctrl_c_is_an_ordered_stop(void **state)
{
	char dir[256];

	(void)state;
	start_two();
	assert_int_equal(kill(live.launcher, SIGINT), 0);
	assert_int_equal(live_wait_end(&live), 0);
	assert_true(live_logged(&live, "stopping"));
	assert_int_equal(myc_run_dir(live.system, dir, sizeof(dir), NULL), 0);
	assert_int_equal(access(dir, F_OK), -1);
}

static void a_detached_system_is_up_when_the_command_returns(void **state)
{
	char out[4096];

	(void)state;
	live_topology(&live, TWO_PROCESSES, live.actors, live.actors);
	assert_int_equal(live_myc(&live, out, sizeof(out),
				  (const char *[]){"run", live.topology, "-d", NULL}),
			 0);
	assert_non_null(strstr(out, "is up"));
	assert_true(live_look(&live));
	assert_true(both_up(&live, NULL));
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"stop", live.system, NULL}), 0);
}

static void a_taken_name_is_refused_and_its_owner_undisturbed(void **state)
{
	char out[4096];

	(void)state;
	start_two();
	assert_int_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"run", live.topology, NULL}), 4);
	assert_non_null(strstr(out, "runs already"));
	expect_answers("the first one goes on");
	live_stop(&live);
}

/* ---- policies -------------------------------------------------------------------------------- */

static void write_failing(const char *restart, const char *how)
{
	live_topology(
		&live,
		"supervisor: { intensity: 2, period_s: 60, lease_ms: 200 }\n"
		"processes:\n"
		"  - { name: one, library: %s, actors: [ { name: ping, behaviour: ping } ] }\n"
		"  - { name: bad, library: %s, restart: %s, shutdown_ms: 300, actors: [ "
		"{ name: failing, behaviour: failing, settings: { how: %s } } ] }\n",
		live.actors, live.actors, restart, how);
}

static void more_restarts_than_the_intensity_end_the_system(void **state)
{
	(void)state;
	write_failing("permanent", "segv");
	live_start(&live, NULL);
	if (live.launcher)
		assert_int_equal(live_wait_end(&live), 1);
	assert_non_null(strstr(live.text, "more than 2 restarts in 60 s"));
	assert_true(live_logged(&live, "process 'bad' ended: abnormal, signal 11"));
}

static void a_failure_at_the_first_start_ends_the_system_with_its_cause(void **state)
{
	char dir[256];

	(void)state;
	write_failing("permanent", "init");
	assert_int_equal(live_start(&live, NULL), 1);
	assert_non_null(strstr(live.text, "process 'bad' did not start: exit code 1"));
	assert_non_null(strstr(live.text, "failing"));
	assert_int_equal(myc_run_dir(live.system, dir, sizeof(dir), NULL), 0);
	assert_int_equal(access(dir, F_OK), -1);
}

static bool has_ended(struct live *l, void *context)
{
	char text[16];

	(void)context;
	live_string(l, "bad", "state", text, sizeof(text));
	return !strcmp(text, "ended");
}

static void a_transient_process_that_ends_normally_stays_down(void **state)
{
	(void)state;
	write_failing("transient", "quit");
	assert_int_equal(live_start(&live, NULL), 0);
	live_until(&live, "the transient process has ended", has_ended, NULL);
	assert_int_equal(live_number(&live, "bad", "restarts"), 0);
	live_stop(&live);
}

static void a_temporary_process_is_never_restarted(void **state)
{
	(void)state;
	write_failing("temporary", "segv");
	assert_int_equal(live_start(&live, NULL), 0);
	live_until(&live, "the temporary process has ended", has_ended, NULL);
	live_stop(&live);
}

static bool has_stalled(struct live *l, void *context)
{
	(void)context;
	return live_number(l, "bad", "stalls") >= 1;
}

static void a_hanging_executor_is_reported_and_killed_at_the_stop_deadline(void **state)
{
	(void)state;
	write_failing("permanent", "hang");
	assert_int_equal(live_start(&live, NULL), 0);
	live_until(&live, "the stall is seen", has_stalled, NULL);
	assert_int_equal(live_number(&live, "bad", "restarts"), 0);
	live_stop(&live);
	assert_true(live_logged(&live, "did not stop within 300 ms: killed"));
}

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
	assert_int_equal(myc(out, sizeof(out), "state", "nobody", NULL, NULL), 1);
	assert_non_null(strstr(out, "no actor is called 'nobody'"));
	assert_int_equal(myc(out, sizeof(out), "suspend", "0xffff00000000001", NULL, NULL), 1);
	assert_int_equal(myc(out, sizeof(out), "state", "pong", "--replace", "/dev/null"), 1);
	assert_non_null(strstr(out, "Invalid argument"));
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
	assert_int_equal(move(out, sizeof(out), "pong", "2"), 1);
	assert_non_null(strstr(out, "no executor"));
	assert_int_equal(move(out, sizeof(out), "nobody", "1"), 1);
	assert_non_null(strstr(out, "no actor is called 'nobody'"));
	assert_int_equal(move(out, sizeof(out), "pong", "4294967296"), 2);
	assert_int_equal(move(out, sizeof(out), "pong", "-1"), 2);
	assert_int_equal(move(out, sizeof(out), "pong", NULL), 2);
	expect_answers("ping is answered still");
	live_stop(&live);
}

/* ---- sandbox --------------------------------------------------------------------------------- */

static bool has_tried(struct live *l, void *context)
{
	char status[64];

	(void)context;
	live_string(l, "naughty", "status", status, sizeof(status));
	return status[0] != '\0';
}

static void status_of(pid_t pid, const char *key, char *out, size_t size)
{
	char path[48], line[256];

	out[0] = '\0';
	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	FILE *file = fopen(path, "re");
	assert_non_null(file);
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, key, strlen(key))) {
			const char *value = line + strlen(key);

			line[strcspn(line, "\n")] = '\0';
			snprintf(out, size, "%s", value + strspn(value, ": \t"));
		}
	fclose(file);
}

/* No region, no program, no map, no socket of the supervisor's: eventfds and standard ones only. */
static void expect_no_kernel_objects(pid_t pid)
{
	for (int fd = 3; fd < 256; fd++) {
		char path[64], target[128];

		snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)pid, fd);
		ssize_t size = readlink(path, target, sizeof(target) - 1);
		if (size < 0)
			continue;
		target[size] = '\0';
		assert_null(strstr(target, "memfd:"));
		assert_null(strstr(target, "bpf"));
		assert_null(strstr(target, "socket:"));
		assert_null(strstr(target, "pidfd"));
		assert_null(strstr(target, "/run/"));
	}
}

static void a_worker_has_no_privilege_and_owns_no_kernel_object(void **state)
{
	char text[64];

	(void)state;
	start_two();
	live_until(&live, "the naughty actor has tried", has_tried, NULL);
	live_string(&live, "naughty", "status", text, sizeof(text));
	assert_string_equal(text, "tried BMTEP");
	pid_t pid = (pid_t)live_number(&live, "two", "pid");
	status_of(pid, "CapEff", text, sizeof(text));
	assert_string_equal(text, "0000000000000000");
	status_of(pid, "CapPrm", text, sizeof(text));
	assert_string_equal(text, "0000000000000000");
	status_of(pid, "NoNewPrivs", text, sizeof(text));
	assert_string_equal(text, "1");
	status_of(pid, "Seccomp:", text, sizeof(text));
	assert_string_equal(text, "2");
	expect_no_kernel_objects(pid);
	live_stop(&live);
}

/* ---- the command line ------------------------------------------------------------------------ */

static void bad_input_has_a_cause_a_remedy_and_an_exit_code(void **state)
{
	char out[4096];

	(void)state;
	live_topology(&live, TWO_PROCESSES, live.actors, live.actors);
	const struct {
		const char *args[6];
		int code;
		const char *says;
	} table[] = {
		{{"run", "/no/such/file.yaml"}, 2, "/no/such/file.yaml"},
		{{"check", live.topology, "--set", "ping"}, 2, "write --set KEY=VALUE"},
		{{"check", live.topology, "--set", "nobody.key=1"}, 2, "nothing is called that"},
		{{"check", live.topology, "--set", "network.kind=xpd"}, 2, "xpd"},
		{{"check", live.topology, "--kind", "tcp"}, 2, "use xdp, udp, file or none"},
		{{"check", live.topology, "--kind", "xdp"}, 2, "--set network.interface=NAME"},
		{{"check"}, 2, "usage:"},
		{{"frobnicate"}, 2, "no command"},
		{{"stop", "no-such-system"}, 2, "does not run"},
		{{"ps", "no-such-system"}, 2, "no system called"},
		{{"ps", "../etc"}, 2, "not the name of a system"},
		{{"check", live.topology, "--set", "ping.to=pong"}, 0, "right"},
	};
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		int code = live_myc(&live, out, sizeof(out), table[i].args);

		if (code != table[i].code || !strstr(out, table[i].says))
			print_message("case %zu: exit %d: %s\n", i, code, out);
		assert_int_equal(code, table[i].code);
		assert_non_null(strstr(out, table[i].says));
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_live, close_live)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(actors_of_two_processes_find_each_other_and_talk),
		TEST(a_killed_worker_is_restarted_with_the_same_addresses),
		TEST(an_actor_with_a_thread_of_its_own_may_sleep_in_its_handler),
		TEST(a_killed_supervisor_leaves_workers_running_and_is_replaced),
		TEST(worker_and_supervisor_killed_in_any_order_come_back),
		TEST(a_killed_holder_is_a_cold_start_and_said_so),
		TEST(a_stop_leaves_no_process_no_folder_and_a_report),
		TEST(ctrl_c_is_an_ordered_stop),
		TEST(a_detached_system_is_up_when_the_command_returns),
		TEST(a_taken_name_is_refused_and_its_owner_undisturbed),
		TEST(more_restarts_than_the_intensity_end_the_system),
		TEST(a_failure_at_the_first_start_ends_the_system_with_its_cause),
		TEST(a_transient_process_that_ends_normally_stays_down),
		TEST(a_temporary_process_is_never_restarted),
		TEST(a_hanging_executor_is_reported_and_killed_at_the_stop_deadline),
		TEST(dead_letters_are_shown_with_who_what_and_why),
		TEST(what_rules_drop_is_counted_under_its_name_and_adds_up),
		TEST(a_stop_ends_phases_one_after_the_other_in_all_processes),
		TEST(an_actor_is_suspended_read_changed_and_resumed_from_outside),
		TEST(actors_move_by_orders_from_outside),
		TEST(a_worker_has_no_privilege_and_owns_no_kernel_object),
		TEST(bad_input_has_a_cause_a_remedy_and_an_exit_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
