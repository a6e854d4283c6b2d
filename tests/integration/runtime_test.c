/* SPDX-License-Identifier: Apache-2.0 */
/* Systems of several processes without a network: lookups, policies, kills, stops. No privilege. */
#include "integration/runtime_bed.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/control.h"

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

/* ---- actors that were spawned by actors ------------------------------------------------------- */

static void start_nursery(const char *settings)
{
	char library[512];

	snprintf(library, sizeof(library), "%.*snursery.so",
		 (int)(strlen(live.actors) - strlen("pair.so")), live.actors);
	live_topology(
		&live,
		"supervisor: { intensity: 2, period_s: 60, lease_ms: 1000 }\n"
		"processes:\n"
		"  - { name: one, library: %s, actors: [ { name: ping, behaviour: ping } ] }\n"
		"  - { name: two, library: %s, actors: [ { name: nursery, behaviour: nursery,\n"
		"        settings: { %s } } ] }\n",
		live.actors, library, settings);
	assert_int_equal(live_start(&live, NULL), 0);
}

static bool has_lost_all(struct live *l, void *context)
{
	(void)context;
	return live_status(l, "nursery", "lost") == 5;
}

static bool have_heard(struct live *l, void *context)
{
	(void)context;
	return live_number(l, "hatchling", "messages") == 2;
}

static void a_spawned_actor_that_is_monitored_fails_alone(void **state)
{
	(void)state;
	start_nursery("keeps: hatchling");
	live_until(&live, "five children have failed", has_lost_all, NULL);
	assert_int_equal(live_number(&live, "two", "restarts"), 0);
	assert_true(live_logged(&live, "spawned by another, failed beyond its restart limit"));
	live_until(&live, "those that stay have had their messages", have_heard, NULL);
	assert_int_equal(live_number(&live, "hatchling", "restarts"), 0);
	char tree[16384];

	assert_int_equal(
		live_myc(&live, tree, sizeof(tree), (const char *[]){"ps", live.system, NULL}), 0);
	assert_non_null(strstr(tree, "     3 spawned: messages 6, sent 0, mailboxes 0 "));
	assert_non_null(strstr(tree, "       hatchling  0x"));
	live_stop(&live);
}

static void a_spawned_actor_that_nobody_monitors_takes_its_process_along(void **state)
{
	(void)state;
	start_nursery("watches: 'false'");
	assert_int_equal(live_wait_end(&live), 1);
	assert_true(live_logged(&live, "process 'two' ended"));
	assert_true(live_logged(&live, "let who spawns it monitor it"));
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

static void what_a_dead_system_left_is_named_by_ps(void **state)
{
	char dir[256], out[65536], said[512];
	struct myc_error error;

	(void)state;
	assert_int_equal(myc_run_dir(live.system, dir, sizeof(dir), &error), 0);
	char *parent = strdup(dir);

	assert_non_null(parent);
	*strrchr(parent, '/') = '\0';
	(void)mkdir(parent, 0700);
	assert_int_equal(mkdir(dir, 0700), 0);
	int code = live_myc(&live, out, sizeof(out), (const char *[]){"ps", NULL});

	rmdir(dir);
	rmdir(parent); /* others' systems keep it */
	free(parent);
	snprintf(said, sizeof(said), "system '%s' does not answer", live.system);
	assert_non_null(strstr(out, said));
	assert_int_not_equal(code, 0);
}

static void bad_input_has_a_cause_a_remedy_and_an_exit_code(void **state)
{
	char out[4096];

	(void)state;
	live_topology(&live, TWO_PROCESSES, live.actors, live.actors);
	const struct {
		const char *args[8];
		int code;
		const char *says;
	} table[] = {
		{{"run", "/no/such/file.yaml"}, 2, "/no/such/file.yaml"},
		{{"check", live.topology, "--set", "ping"}, 2, "write --set KEY=VALUE"},
		{{"check", live.topology, "--set", "nobody.key=1"}, 2, "nothing is called that"},
		{{"check", live.topology, "--set", "network.kind=xpd"}, 2, "xpd"},
		{{"check", live.topology, "--kind", "tcp"}, 2, "use xdp, udp, file or none"},
		{{"check", live.topology, "--kind", "xdp"}, 2, "--set network.interface=NAME"},
		{{"check"}, 2, "usage: myc check TOPOLOGY"},
		{{"check", "x.yaml", "--help"}, 0, "usage: myc check TOPOLOGY"},
		{{"stop", "--now"}, 2, "myc stop: unrecognized option '--now'\nusage: myc stop"},
		{{"move", "-h"}, 0, "usage: myc move ACTOR EXECUTOR"},
		{{"suspend", "ping", "--json"}, 2, "usage: myc suspend"},
		{{"state", "ping", "--version", "1"}, 2, "usage: myc state"},
		{{"state", "ping", "--replace", "/no/such", "--version", "-1"}, 2, "usage: myc"},
		{{"state", "ping", "--replace", "/no/such"}, 2, "--replace /no/such: No such"},
		{{"run", live.topology, "--report", "/no/such/file"}, 2, "--report /no/such/file:"},
		{{"run", live.topology, "--report", "/dev/null"}, 2, "/dev/null: no file"},
		{{"check", live.topology, "--set", "=1"}, 2, "--set =1: no key"},
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
		TEST(a_spawned_actor_that_is_monitored_fails_alone),
		TEST(a_spawned_actor_that_nobody_monitors_takes_its_process_along),
		TEST(a_worker_has_no_privilege_and_owns_no_kernel_object),
		TEST(what_a_dead_system_left_is_named_by_ps),
		TEST(bad_input_has_a_cause_a_remedy_and_an_exit_code),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
