/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 of a worker, of the supervisor, and of both in either order, under traffic and at random
 * moments: program and link stay, workers outlive their supervisor, what an actor is given has no
 * repetition and no hole but the message in doubt, and the books of frames and packets add up.
 */
#include "common/test.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/feed.h>

#include "base/clock.h"
#include "common/recording.h"

#define KILLS (test_slowness() > 1 ? 12 : 50)

static struct lab lab;
static struct recorder_log *recording;

static json_t *ps(void)
{
	unlink(lab_path(&lab, "ps.json"));
	if (lab_run(&lab, LAB_RECEIVER, "ps.json", 10000,
		    (const char *[]){"myc", "ps", lab.name, "--json", NULL}))
		return NULL;
	return json_load_file(lab_path(&lab, "ps.json"), 0, NULL);
}

static const json_t *process(const json_t *root, const char *name)
{
	const json_t *list = json_object_get(root, "processes");

	for (size_t i = 0; i < json_array_size(list); i++)
		if (!strcmp(json_string_value(json_object_get(json_array_get(list, i), "name")),
			    name))
			return json_array_get(list, i);
	fail_msg("no process '%s' in ps", name);
	return NULL;
}

struct view {
	pid_t market, other, supervisor, holder;
	int64_t program, link, supervisor_incarnation, market_incarnation;
};

/* What ps shows, once everything is up and of a later incarnation than these. */
static struct view settled(int64_t market_before, int64_t supervisor_before)
{
	uint64_t end = myc_clock_ns() + 20000000000ull * test_slowness();

	while (myc_clock_ns() < end) {
		json_t *root = ps();
		struct view view = {0};
		bool up = root != NULL;

		if (up) {
			const json_t *list = json_object_get(root, "processes");
			for (size_t i = 0; i < json_array_size(list); i++)
				up = up && !strcmp(json_string_value(json_object_get(
							   json_array_get(list, i), "state")),
						   "up");
			view.market = (pid_t)json_at(process(root, "market"), "pid");
			view.market_incarnation = json_at(process(root, "market"), "incarnation");
			view.other = (pid_t)json_at(process(root, "other"), "pid");
			view.supervisor = (pid_t)json_at(root, "supervisor.pid");
			view.supervisor_incarnation = json_at(root, "supervisor.incarnation");
			view.holder = (pid_t)json_at(root, "holder.pid");
			view.program = json_at(root, "network.program_id");
			view.link = json_at(root, "network.link_id");
			json_decref(root);
		}
		if (up && view.market_incarnation > market_before &&
		    view.supervisor_incarnation > supervisor_before)
			return view;
		nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
	}
	lab_show(&lab, "system.log");
	fail_msg("the system did not settle");
	return (struct view){0};
}

/* The handler takes its time, so that most kills hit it. The rings hold what comes while nobody
 * restarts a worker: a supervisor's back-off is 1 s at most, then it starts the worker at once. */
static void start(void)
{
	char text[4096];

	snprintf(text, sizeof(text),
		 "system: %s\n"
		 "network: { kind: xdp, interface: %s, wait: blocking, frames: 65536, rx_ring: "
		 "32768 }\n"
		 "supervisor: { intensity: 1000, period_s: 1 }\n"
		 "channels:\n"
		 "  - name: wire\n"
		 "    protocol: moldudp64\n"
		 "    lines:\n"
		 "      - { group: 239.77.1.1, port: 26477 }\n"
		 "      - { group: 239.77.1.2, port: 26477 }\n"
		 "    drop_duplicates: true\n"
		 "    gap_timeout_ms: 2000\n"
		 "processes:\n"
		 "  - name: market\n"
		 "    library: %s/tests/actors/recorder.so\n"
		 "    executors: [ { idle: sleep } ]\n"
		 "    actors:\n"
		 "      - { name: recorder, behaviour: recorder, executor: 0, feeds: [wire], "
		 "settings: { log: %s, delay_ns: 50000 } }\n"
		 "  - name: other\n"
		 "    library: %s/tests/actors/recorder.so\n"
		 "    executors: [ { idle: sleep } ]\n"
		 "    actors:\n"
		 "      - { name: idler, behaviour: recorder, executor: 0, settings: { log: %s } "
		 "}\n",
		 lab.name, lab.interface, lab_build(), lab_path(&lab, "recording"), lab_build(),
		 lab_path(&lab, "idle"));
	lab_write(&lab, "topology.yaml", text);
	recording = recording_new(&lab, "recording", 4000000);
	recording_free(recording_new(&lab, "idle", 10));
	const char *topology = lab_path(&lab, "topology.yaml");
	const char *report = lab_path(&lab, "report.json");
	const char *log = lab_path(&lab, "system.log");
	if (lab_run(&lab, LAB_RECEIVER, "run.log", 30000,
		    (const char *[]){"myc", "run", topology, "-d", "--report", report, "--log", log,
				     NULL})) {
		lab_show(&lab, "run.log");
		fail_msg("myc run failed");
	}
}

static pid_t start_feed(const char *seconds)
{
	const char *report = lab_path(&lab, "feed.json");
	char rate[16];

	snprintf(rate, sizeof(rate), "%u", 4000 / test_slowness());
	return lab_start(&lab, LAB_SENDER, "feed.log",
			 (const char *[]){"myc-feed", "--quiet", "--report", report, "--generate",
					  "--messages", "3000000", "--rate", rate, "--seconds",
					  seconds, "--loss", "1", "--raw", lab.peer, NULL});
}

static void kill_hard(pid_t pid)
{
	assert_true(pid > 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
}

static void random_kills_leave_no_hole_and_no_repetition(void **state)
{
	uint64_t chance = test_seed() * 2654435761u + 1;
	unsigned market_kills = 0, supervisor_kills = 0;

	(void)state;
	start();
	struct view first = settled(0, 0);
	pid_t sender = start_feed("600");
	struct view before = first;
	for (int i = 0, kills = KILLS; i < kills; i++) {
		unsigned what = (unsigned)(test_random(&chance) % 4);

		nanosleep(&(struct timespec){.tv_nsec = (long)(test_random(&chance) % 60000000)},
			  NULL);
		if (what == 0) {
			kill_hard(before.market);
		} else if (what == 1) {
			kill_hard(before.supervisor);
		} else if (what == 2) {
			kill_hard(before.market);
			kill_hard(before.supervisor);
		} else {
			kill_hard(before.supervisor);
			kill_hard(before.market);
		}
		market_kills += what != 1;
		supervisor_kills += what != 0;
		struct view after = settled(before.market_incarnation - (what == 1),
					    before.supervisor_incarnation - (what == 0));
		assert_int_equal(after.program, first.program);
		assert_int_equal(after.link, first.link);
		assert_int_equal(after.holder, first.holder);
		assert_int_equal(after.other, first.other);
		if (what == 1)
			assert_int_equal(after.market, before.market);
		else
			assert_int_not_equal(after.market, before.market);
		before = after;
	}
	kill(sender, SIGINT);
	assert_int_equal(lab_wait(sender, 20000), 0);
	json_t *truth = lab_json(&lab, "feed.json");
	recording_until(recording, (uint64_t)json_at(truth, "messages") + 1, 30000);
	if (lab_run(&lab, LAB_RECEIVER, "stop.log", 20000,
		    (const char *[]){"myc", "stop", lab.name, NULL})) {
		lab_show(&lab, "stop.log");
		fail_msg("myc stop failed");
	}
	struct recording_sums sums = recording_walk(recording);
	json_t *report = lab_json(&lab, "report.json");
	print_message("%u kills of the worker, %u of the supervisor; %llu messages, %llu in doubt, "
		      "%llu lost on both lines\n",
		      market_kills, supervisor_kills, (unsigned long long)sums.messages,
		      (unsigned long long)sums.in_doubt, (unsigned long long)sums.lost);
	assert_int_equal(json_at(report, "ledger.rx_ring_full"), 0);
	recording_gaps_are(recording, truth);
	assert_true(sums.in_doubt <= market_kills);
	assert_int_equal(sums.next - 1, json_at(truth, "messages"));
	assert_true(json_is_true(json_object_get(json_object_get(report, "ledger"), "adds_up")));
	assert_int_equal(json_at(report, "ledger.in_fill"), json_at(report, "ledger.frames"));
	json_decref(truth);
	json_decref(report);
	recording_free(recording);
}

static int stop_leftovers(void **state)
{
	(void)state;
	lab_run(&lab, LAB_RECEIVER, "teardown.log", 20000,
		(const char *[]){"myc", "stop", lab.name, NULL});
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(random_kills_leave_no_hole_and_no_repetition,
					  stop_leftovers),
	};

	if (geteuid() != 0) {
		puts("network namespaces need root");
		return TEST_SKIPPED;
	}
	if (!lab_open(&lab, "kill", 1))
		return 1;
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	lab_close(&lab);
	return failed;
}
