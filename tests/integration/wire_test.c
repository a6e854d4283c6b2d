/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the wire to an actor, end to end: a feed in one network namespace, a system in another, and
 * what its actor was given held against what was sent. The same input by AF_XDP, by UDP sockets and
 * from a capture file must give the same.
 */
#include "common/test.h"

#include <signal.h>
#include <string.h>
#include <unistd.h>

#include <mycelium/feed.h>

#include "common/recording.h"

enum kind { XDP, UDP, CAPTURE };
static const char *const kind_names[] = {"xdp", "udp", "file"};

static struct lab lab;
static struct recorder_log *recording;

#define RECORDS 400000

/* What differs between the cases. */
struct setup {
	enum kind kind;
	const char *channel; /* YAML lines of the channel, indented by 4 */
	const char *file;    /* of CAPTURE */
	const char *network; /* more of the network mapping, ", key: value" */
	const char *actor;   /* more of the actor's settings, ", key: value" */
};

static const char mold_channel[] = "    protocol: moldudp64\n"
				   "    lines:\n"
				   "      - { group: 239.77.1.1, port: 26477 }\n"
				   "      - { group: 239.77.1.2, port: 26477 }\n"
				   "    drop_duplicates: true\n"
				   "    gap_timeout_ms: 5000\n";

static void system_start(const struct setup *setup)
{
	char text[4096], network[512];

	if (setup->kind == CAPTURE)
		snprintf(network, sizeof(network), "kind: file, file: '%s', speed: 0", setup->file);
	else
		snprintf(network, sizeof(network), "kind: %s, interface: %s",
			 kind_names[setup->kind], lab.interface);
	snprintf(text, sizeof(text),
		 "system: %s\n"
		 "network: { %s%s }\n"
		 "channels:\n"
		 "  - name: wire\n"
		 "%s"
		 "processes:\n"
		 "  - name: market\n"
		 "    library: %s/tests/actors/recorder.so\n"
		 "    executors: [ { idle: sleep } ]\n"
		 "    actors:\n"
		 "      - { name: recorder, behaviour: recorder, executor: 0, feeds: [wire], "
		 "settings: { log: %s%s } }\n",
		 lab.name, network, setup->network ? setup->network : "", setup->channel,
		 lab_build(), lab_path(&lab, "recording"), setup->actor ? setup->actor : "");
	lab_write(&lab, "topology.yaml", text);
	recording = recording_new(&lab, "recording", RECORDS);
	const char *topology = lab_path(&lab, "topology.yaml");
	const char *report = lab_path(&lab, "report.json");
	if (lab_run(&lab, LAB_RECEIVER, "run.log", 30000,
		    (const char *[]){"myc", "run", topology, "-d", "--report", report, NULL})) {
		lab_show(&lab, "run.log");
		fail_msg("myc run failed");
	}
}

static void system_stop(void)
{
	if (lab_run(&lab, LAB_RECEIVER, "stop.log", 20000,
		    (const char *[]){"myc", "stop", lab.name, NULL})) {
		lab_show(&lab, "stop.log");
		lab_show(&lab, "run.log");
		fail_msg("myc stop failed");
	}
}

/* Runs myc-feed in the sender's namespace; its report is feed.json. */
static void feed(const char *const *arguments)
{
	const char *argv[48] = {"myc-feed", "--quiet", "--report", lab_path(&lab, "feed.json")};
	int n = 4;

	while (*arguments)
		argv[n++] = *arguments++;
	if (lab_run(&lab, LAB_SENDER, "feed.log", 60000, argv)) {
		lab_show(&lab, "feed.log");
		fail_msg("myc-feed failed");
	}
}

#define FEED(...) feed((const char *[]){__VA_ARGS__, NULL})

/* The input of a case: sent live, or written to a file for the capture source first. Options of
 * pace come last and only when live. */
static void input_until(uint64_t next, struct setup *setup, const char *const *what,
			const char *const *pace)
{
	const char *argv[48];
	char capture[256];
	int n = 0;

	while (*what)
		argv[n++] = *what++;
	if (setup->kind == CAPTURE) {
		snprintf(capture, sizeof(capture), "%s", lab_path(&lab, "wire.pcap"));
		argv[n++] = "--write";
		argv[n++] = capture;
		argv[n] = NULL;
		feed(argv);
		setup->file = capture;
		system_start(setup);
	} else {
		argv[n++] = "--raw";
		argv[n++] = lab.peer;
		while (*pace)
			argv[n++] = *pace++;
		argv[n] = NULL;
		system_start(setup);
		feed(argv);
	}
	recording_until(recording, next, 30000);
	system_stop();
}

static const char *sample(const char *name)
{
	static char path[512];
	const char *dir = test_data_dir();

	if (!dir) {
		print_message("no sample data: %s not looked at\n", name);
		return NULL;
	}
	char relative[512];
	snprintf(relative, sizeof(relative), "%s/%s", dir, name);
	return realpath(relative, path);
}

static const char iex_channel[] = "    protocol: iextp\n"
				  "    lines:\n"
				  "      - { group: 224.67.0.199, port: 16642 }\n"
				  "    drop_duplicates: true\n"
				  "    gap_timeout_ms: 5000\n";

static void iex_sample_arrives_whole(void **state)
{
	struct setup setup = {.kind = *(enum kind *)*state, .channel = iex_channel};
	const char *file = sample("iex/TOPS16.pcap.gz");

	if (!file)
		return;
	if (setup.kind == CAPTURE) {
		setup.file = file;
		system_start(&setup);
		recording_until(recording, 57675, 30000);
		system_stop();
	} else if (setup.kind == XDP) {
		input_until(&setup, 57675, (const char *[]){"--pcap", file, "--frames", NULL},
			    (const char *[]){"--rate", "150000", NULL});
	} else {
		/* The sample's UDP checksums are wrong: its payloads, in packets of our own. */
		input_until(&setup, 57675,
			    (const char *[]){"--pcap", file, "--protocol", "none", "--line",
					     "224.67.0.199:16642", NULL},
			    (const char *[]){"--rate", "20000", NULL});
	}
	struct recording_sums sums = recording_walk(recording);
	assert_int_equal(sums.messages, 57674);
	assert_int_equal(sums.first, 1);
	assert_int_equal(sums.next, 57675);
	assert_int_equal(sums.gaps, 0);
	assert_int_equal(recording->heartbeats, 237);
	json_t *report = lab_json(&lab, "report.json");
	assert_int_equal(json_at(report, "processes.0.actors.0.feeds.0.packets"), 13022);
	json_decref(report);
	recording_free(recording);
}

static void itch_sample_arrives_whole(void **state)
{
	struct setup setup = {.kind = *(enum kind *)*state, .channel = mold_channel};
	const char *file = sample("itch/ex20101224.framed.itch50");

	if (!file)
		return;
	input_until(&setup, 12013, (const char *[]){"--itch", file, NULL},
		    (const char *[]){"--rate", "100000", NULL});
	struct recording_sums sums = recording_walk(recording);
	assert_int_equal(sums.messages, 12012);
	assert_int_equal(sums.gaps, 0);
	assert_int_equal(sums.ends, 1);
	recording_free(recording);
}

/* Line B packs otherwise: packets overlap partially, and nothing may be lost or repeated. */
static void repacked_line_is_arbitrated(void **state)
{
	struct setup setup = {.kind = *(enum kind *)*state, .channel = mold_channel};

	input_until(&setup, 100001,
		    (const char *[]){"--generate", "--messages", "100000", "--repack", "B",
				     "--loss", "3,3", "--seed", "5", NULL},
		    (const char *[]){"--rate", "100000", NULL});
	struct recording_sums sums = recording_walk(recording);
	json_t *truth = lab_json(&lab, "feed.json");
	recording_gaps_are(recording, truth);
	assert_int_equal(sums.messages + sums.lost, 100000);
	json_decref(truth);
	recording_free(recording);
}

static void two_lossy_lines_give_their_union(void **state, const char *loss)
{
	struct setup setup = {.kind = *(enum kind *)*state, .channel = mold_channel};

	input_until(&setup, 150001,
		    (const char *[]){"--generate", "--messages", "150000", "--loss", loss,
				     "--reorder", "5", "--reorder-window", "16", "--duplicate", "1",
				     "--seed", "7", NULL},
		    (const char *[]){"--rate", "100000", NULL});
	struct recording_sums sums = recording_walk(recording);
	json_t *truth = lab_json(&lab, "feed.json");
	recording_gaps_are(recording, truth);
	assert_int_equal(sums.messages + sums.lost, 150000);
	assert_int_equal(sums.lost, json_at(truth, "lost_on_all_lines.messages"));
	json_decref(truth);
	recording_free(recording);
}

static void one_percent_lost_on_each_line(void **state)
{
	two_lossy_lines_give_their_union(state, "1");
}

static void ten_percent_lost_on_each_line(void **state)
{
	two_lossy_lines_give_their_union(state, "10");
}

/* A's copies are lost in a tiny ring while the consumer stands still; B's come afterwards and must
 * not be taken for duplicates. */
static void stalled_consumer_never_turns_a_copy_into_a_loss(void **state)
{
	struct setup setup = {.kind = XDP, .channel = mold_channel, .network = ", rx_ring: 64"};

	(void)state;
	system_start(&setup);
	FEED("--generate", "--messages", "2000", "--symbols", "20", "--seed", "3",
	     "--packet-messages", "1", "--end-packets", "0", "--loss", "0,100", "--raw", lab.peer,
	     "--fast");
	FEED("--generate", "--messages", "2000", "--symbols", "20", "--seed", "3",
	     "--packet-messages", "1", "--end-packets", "1", "--loss", "100,0", "--raw", lab.peer,
	     "--rate", "2000");
	recording_until(recording, 2001, 30000);
	system_stop();
	struct recording_sums sums = recording_walk(recording);
	assert_int_equal(sums.messages, 2000);
	assert_int_equal(sums.gaps, 0);
	recording_free(recording);
}

/* A failed case leaves its system running. */
static int stop_leftovers(void **state)
{
	(void)state;
	lab_run(&lab, LAB_RECEIVER, "teardown.log", 20000,
		(const char *[]){"myc", "stop", lab.name, NULL});
	return 0;
}

int main(int argc, char **argv)
{
	static enum kind kinds[] = {XDP, UDP, CAPTURE};
	struct CMUnitTest tests[32];
	static char names[32][96];
	size_t n = 0;
	static const struct {
		const char *name;
		CMUnitTestFunction function;
	} cases[] = {
		{"iex_sample_arrives_whole", iex_sample_arrives_whole},
		{"itch_sample_arrives_whole", itch_sample_arrives_whole},
		{"repacked_line_is_arbitrated", repacked_line_is_arbitrated},
		{"one_percent_lost_on_each_line", one_percent_lost_on_each_line},
		{"ten_percent_lost_on_each_line", ten_percent_lost_on_each_line},
	};

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (geteuid() != 0) {
		puts("network namespaces need root");
		return TEST_SKIPPED;
	}
	if (!lab_open(&lab, "wire", 1))
		return 1;
	for (size_t c = 0; c < sizeof(cases) / sizeof(cases[0]); c++)
		for (size_t k = 0; k < 3; k++) {
			snprintf(names[n], sizeof(names[n]), "%s_by_%s", cases[c].name,
				 kind_names[k]);
			tests[n] = (struct CMUnitTest){names[n], cases[c].function, NULL, NULL,
						       &kinds[k]};
			n++;
		}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_teardown(
		stalled_consumer_never_turns_a_copy_into_a_loss, stop_leftovers);
	int failed = _cmocka_run_group_tests("wire", tests, n, NULL, NULL);
	lab_close(&lab);
	return failed;
}
