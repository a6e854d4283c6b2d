/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the wire to an actor, end to end: a feed in one network namespace, a system in another, and
 * what its actor was given held against what was sent. The same input by AF_XDP, by UDP sockets and
 * from a capture file must give the same.
 */
#include "common/test.h"

#include <string.h>
#include <unistd.h>

#include <mycelium/feed.h>

#include "actors/booker.h"
#include "common/recording.h"
#include "common/sent.h"
#include "market/itch_generator.h"

enum kind { XDP, UDP, CAPTURE };
static const char *const kind_names[] = {"xdp", "udp", "file"};

static struct lab lab;
static struct recorder_log *recording;
static char system_name[40]; /* of this case's system; "" when it has been stopped */

#define RECORDS 400000

/* What differs between the cases. */
struct setup {
	enum kind kind;
	const char *channel;   /* YAML lines of the channel, indented by 4 */
	const char *file;      /* of CAPTURE */
	const char *network;   /* more of the network mapping, ", key: value" */
	const char *actor;     /* more of the actor, ", key: value" */
	const char *behaviour; /* NULL = recorder */
};

/* Rings that take a burst while this machine does something else. */
#define ROOM ", frames: 32768, rx_ring: 16384"

#define MOLD_LINES                                     \
	"    protocol: moldudp64\n"                    \
	"    lines:\n"                                 \
	"      - { group: 239.77.1.1, port: 26477 }\n" \
	"      - { group: 239.77.1.2, port: 26477 }\n" \
	"    drop_duplicates: true\n"

static const char mold_channel[] = MOLD_LINES "    gap_timeout_ms: 5000\n";
/* For lines that come one long after the other. */
static const char patient_channel[] = MOLD_LINES "    gap_timeout_ms: 60000\n";

static void topology_run(const char *text)
{
	const char *report = lab_path(&lab, "report.json"), *log = lab_path(&lab, "system.log");

	lab_write(&lab, "topology.yaml", text);
	const char *topology = lab_path(&lab, "topology.yaml");
	if (lab_run(&lab, LAB_RECEIVER, "run.log", 30000,
		    (const char *[]){"myc", "run", topology, "-d", "--report", report, "--log", log,
				     NULL})) {
		lab_show(&lab, "run.log");
		lab_show(&lab, "system.log");
		fail_msg("myc run failed");
	}
}

static void name_system(void)
{
	static unsigned systems;

	snprintf(system_name, sizeof(system_name), "%s-%u", lab.name, systems++);
}

static void system_start(const struct setup *setup)
{
	const char *behaviour = setup->behaviour ? setup->behaviour : "recorder";
	char text[16384], network[512];

	name_system();

	if (setup->kind == CAPTURE)
		snprintf(network, sizeof(network), "kind: file, file: '%s', speed: 0", setup->file);
	else
		snprintf(network, sizeof(network), "kind: %s, interface: %s%s",
			 kind_names[setup->kind], lab.interface,
			 setup->kind == XDP && !setup->network ? ROOM : "");
	snprintf(text, sizeof(text),
		 "system: %s\n"
		 "network: { %s%s }\n"
		 "channels:\n"
		 "  - name: wire\n"
		 "%s"
		 "processes:\n"
		 "  - name: market\n"
		 "    library: %s/tests/actors/%s.so\n"
		 "    executors: [ { idle: sleep } ]\n"
		 "    actors:\n"
		 "      - { name: actor, behaviour: %s, executor: 0, feeds: [wire], "
		 "settings: { log: %s }%s }\n",
		 system_name, network, setup->network ? setup->network : "", setup->channel,
		 lab_build(), behaviour, behaviour, lab_path(&lab, "recording"),
		 setup->actor ? setup->actor : "");
	recording = recording_new(&lab, "recording", RECORDS);
	topology_run(text);
}

static void system_stop(void)
{
	if (lab_run(&lab, LAB_RECEIVER, "stop.log", 20000,
		    (const char *[]){"myc", "stop", system_name, NULL})) {
		lab_show(&lab, "stop.log");
		lab_show(&lab, "system.log");
		fail_msg("myc stop failed");
	}
	/* An orderly end is not taken for a death. */
	char *log = lab_read(&lab, "system.log");
	assert_non_null(log);
	assert_null(strstr(log, "died"));
	free(log);
	system_name[0] = '\0';
}

/* On a slow machine: a fraction of the messages, at a fraction of the pace. */
#define MESSAGES(count) ((uint64_t)(count) / (test_slowness() > 1 ? 10 : 1))

/* Copies arguments, those of pace and number as this machine bears them, into room for the texts. */
static int arguments_here(const char **to, int n, const char *const *arguments, char text[8][16])
{
	int texts = 0;

	for (const char *last = ""; *arguments; last = *arguments++) {
		unsigned long value = strtoul(*arguments, NULL, 10);
		bool pace = !strcmp(last, "--rate"), number = !strcmp(last, "--messages");

		to[n] = *arguments;
		if ((pace || number) && texts < 8) {
			value = pace ? value / test_slowness() : MESSAGES(value);
			snprintf(text[texts], 16, "%lu", value);
			to[n] = text[texts++];
		}
		n++;
	}
	to[n] = NULL;
	return n;
}

/* Runs myc-feed in the sender's namespace; its report is feed.json. */
static void feed(const char *const *arguments)
{
	const char *argv[48] = {"myc-feed", "--quiet", "--report", lab_path(&lab, "feed.json")};
	char text[8][16];

	arguments_here(argv, 4, arguments, text);
	if (lab_run(&lab, LAB_SENDER, "feed.log", 60000, argv)) {
		lab_show(&lab, "feed.log");
		fail_msg("myc-feed failed");
	}
}

#define FEED(...) feed((const char *[]){__VA_ARGS__, NULL})

/* The input of a case: sent live, or written to a file for the capture source first. Options of
 * pace come last and only when live. */
static void input(struct setup *setup, const char *const *what, const char *const *pace)
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
}

static void input_until(struct setup *setup, uint64_t next, const char *const *what,
			const char *const *pace)
{
	input(setup, what, pace);
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
		    (const char *[]){"--rate", "60000", NULL});
	struct recording_sums sums = recording_walk(recording);
	assert_int_equal(sums.messages, 12012);
	assert_int_equal(sums.gaps, 0);
	assert_int_equal(sums.ends, 1);
	recording_free(recording);
}

static bool booker_done(void *argument)
{
	const struct booker_log *log = argument;

	return __atomic_load_n(&log->ends, __ATOMIC_ACQUIRE) > 0;
}

static void itch_sample_has_117_unknown_references(void **state)
{
	struct setup setup = {
		.kind = *(enum kind *)*state, .channel = mold_channel, .behaviour = "booker"};
	const char *file = sample("itch/ex20101224.framed.itch50");

	if (!file)
		return;
	input(&setup, (const char *[]){"--itch", file, NULL},
	      (const char *[]){"--rate", "60000", NULL});
	/* The booker's words lie where a recorder's would. */
	struct booker_log *log = (struct booker_log *)recording;
	assert_true(lab_until(booker_done, log, 30000));
	system_stop();
	assert_int_equal(log->messages, 12012);
	assert_int_equal(log->unknown, 117);
	assert_int_equal(log->duplicate + log->refused + log->malformed, 0);
	recording_free(recording);
}

/* Line B packs otherwise: packets overlap partially, and nothing may be lost or repeated. */
static void repacked_line_is_arbitrated(void **state)
{
	struct setup setup = {.kind = *(enum kind *)*state, .channel = mold_channel};

	input_until(&setup, MESSAGES(100000) + 1,
		    (const char *[]){"--generate", "--messages", "100000", "--repack", "B",
				     "--loss", "3,3", "--seed", "5", NULL},
		    (const char *[]){"--rate", "60000", NULL});
	struct recording_sums sums = recording_walk(recording);
	json_t *truth = lab_json(&lab, "feed.json");
	recording_gaps_are(recording, truth);
	assert_int_equal(sums.messages + sums.lost, MESSAGES(100000));
	json_decref(truth);
	recording_free(recording);
}

static void two_lossy_lines_give_their_union(void **state, const char *loss)
{
	struct setup setup = {.kind = *(enum kind *)*state, .channel = mold_channel};

	input_until(&setup, MESSAGES(150000) + 1,
		    (const char *[]){"--generate", "--messages", "150000", "--loss", loss,
				     "--reorder", "5", "--reorder-window", "16", "--duplicate", "1",
				     "--seed", "7", NULL},
		    (const char *[]){"--rate", "60000", NULL});
	struct recording_sums sums = recording_walk(recording);
	json_t *truth = lab_json(&lab, "feed.json");
	recording_gaps_are(recording, truth);
	assert_int_equal(sums.messages + sums.lost, MESSAGES(150000));
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

/* A's copies are lost in a tiny ring while the consumer is stalled; B's come afterwards, at a pace that
 * it bears, and must not be taken for duplicates. */
static void stalled_consumer_never_turns_a_copy_into_a_loss(void **state)
{
	struct setup setup = {.kind = XDP, .channel = patient_channel, .network = ", rx_ring: 256"};

	(void)state;
	system_start(&setup);
	__atomic_store_n(&recording->stalled, 1, __ATOMIC_RELEASE);
	FEED("--generate", "--messages", "4000", "--symbols", "20", "--seed", "3",
	     "--packet-messages", "1", "--end-packets", "0", "--loss", "0,100", "--raw", lab.peer,
	     "--fast");
	__atomic_store_n(&recording->stalled, 0, __ATOMIC_RELEASE);
	FEED("--generate", "--messages", "4000", "--symbols", "20", "--seed", "3",
	     "--packet-messages", "1", "--end-packets", "1", "--loss", "100,0", "--raw", lab.peer,
	     "--rate", "2000");
	recording_until(recording, MESSAGES(4000) + 1, 30000);
	system_stop();
	struct recording_sums sums = recording_walk(recording);
	assert_int_equal(sums.messages, MESSAGES(4000));
	assert_int_equal(sums.gaps, 0);
	json_t *report = lab_json(&lab, "report.json");
	assert_true(json_at(report, "ledger.rx_ring_full") > 0);
	json_decref(report);
	recording_free(recording);
}

/* ---- filtering ------------------------------------------------------------------------------- */

/* Each message was delivered as it was or reported as filtered, and none that is wanted was
 * filtered: 1. what was watched, 2. what belongs to no instrument. Returns how many were filtered. */
static uint64_t only_others_were_filtered(const struct sent_message *message, uint64_t messages,
					  const uint64_t *watched, uint32_t watching)
{
	struct recording_sums sums = recording_walk(recording);

	assert_int_equal(sums.gaps, 0);
	assert_int_equal(sums.first, 1);
	assert_int_equal(sums.next, messages + 1);
	assert_int_equal(sums.messages + sums.filtered, messages);
	for (uint64_t i = 0; i < recording->count; i++) {
		const struct recorder_record *r = &recording->record[i];

		if (r->kind == MYC_FEED_MESSAGE)
			assert_int_equal(r->checksum, message[r->sequence].checksum);
		if (r->kind != MYC_FEED_FILTERED)
			continue;
		for (uint64_t n = r->sequence; n < r->sequence + r->count; n++) {
			assert_int_not_equal(message[n].symbol, 0);
			for (uint32_t w = 0; w < watching; w++)
				assert_int_not_equal(message[n].symbol, watched[w]);
		}
	}
	return sums.filtered;
}

static void channel_watching(char *out, size_t size, const char *channel, const uint64_t *watched,
			     uint32_t watching)
{
	size_t used = (size_t)snprintf(out, size, "%s    filter: { symbols: [", channel);

	for (uint32_t w = 0; w < watching; w++) {
		char name[9] = "";

		for (unsigned i = 0; i < 8 && (uint8_t)(watched[w] >> 8 * i) != ' '; i++)
			name[i] = (char)(watched[w] >> 8 * i);
		used += (size_t)snprintf(out + used, size - used, "%s'%s'", w ? ", " : "", name);
	}
	snprintf(out + used, size - used, "] }\n");
}

static void iex_filtered(enum kind kind, uint32_t watching)
{
	static struct sent_message message[60000];
	const char *file = sample("iex/TOPS16.pcap.gz");
	uint64_t watched[100], chance = test_seed() + watching;
	char channel[4096];
	struct setup setup = {.kind = kind, .channel = channel, .actor = ", report_filtered: true"};

	if (!file)
		return;
	assert_int_equal(sent_messages(file, true, message, 60000), 57674);
	for (uint32_t n = 0; n < watching;) {
		uint64_t symbol = message[1 + test_random(&chance) % 57674].symbol;
		bool again = symbol == 0;

		for (uint32_t w = 0; w < n; w++)
			again = again || watched[w] == symbol;
		if (!again)
			watched[n++] = symbol;
	}
	channel_watching(channel, sizeof(channel), iex_channel, watched, watching);
	if (kind == CAPTURE) {
		setup.file = file;
		system_start(&setup);
		recording_until(recording, 57675, 30000);
		system_stop();
	} else {
		/* The sample's UDP checksums are wrong: its payloads, in packets of our own. */
		input_until(&setup, 57675,
			    (const char *[]){"--pcap", file, "--protocol", "none", "--line",
					     "224.67.0.199:16642", NULL},
			    (const char *[]){"--rate", "20000", NULL});
	}
	uint64_t filtered = only_others_were_filtered(message, 57674, watched, watching);
	assert_true(filtered > 1000);
	print_message("%u symbols: %llu of 57674 messages filtered\n", watching,
		      (unsigned long long)filtered);
	recording_free(recording);
}

static void filtered_to_1_symbol(void **state)
{
	iex_filtered(*(enum kind *)*state, 1);
}

static void filtered_to_10_symbols(void **state)
{
	iex_filtered(*(enum kind *)*state, 10);
}

static void filtered_to_100_symbols(void **state)
{
	iex_filtered(*(enum kind *)*state, 100);
}

#define DAY_MESSAGES 60000
#define DAY_SYMBOLS  200
#define DAY                                                                      \
	"--generate", "--messages", "60000", "--symbols", "200", "--seed", "11", \
		"--packet-messages", "4"

/* The filter learns which locates are watched from the directory at the day's begin. */
static void filtered_to_3_stocks_of_a_day(void **state)
{
	static struct sent_message message[DAY_MESSAGES + 1];
	const uint64_t messages = MESSAGES(DAY_MESSAGES);
	uint64_t watched[3], chance = test_seed();
	char channel[1024], truth[256];
	struct setup setup = {.kind = *(enum kind *)*state,
			      .channel = channel,
			      .actor = ", report_filtered: true"};

	for (uint32_t i = 0; i < 3; i++)
		watched[i] = myc_itch_generator_symbol(1 + i * DAY_SYMBOLS / 3 +
						       (uint32_t)(test_random(&chance) % 60));
	channel_watching(channel, sizeof(channel), mold_channel, watched, 3);
	snprintf(truth, sizeof(truth), "%s", lab_path(&lab, "truth.pcap"));
	FEED(DAY, "--write", truth);
	assert_int_equal(sent_messages(truth, false, message, DAY_MESSAGES + 1), messages);
	input_until(&setup, messages + 1, (const char *[]){DAY, NULL},
		    (const char *[]){"--rate", "50000", NULL});
	uint64_t filtered = only_others_were_filtered(message, messages, watched, 3);
	assert_true(filtered > messages / 4);
	recording_free(recording);
}

/* Two channels, an endpoint each, in two processes; both sockets share the queue and its UMEM. */
static void two_processes_share_a_queue(void **state)
{
	static const char *const name[2] = {"one", "two"};
	struct recorder_log *log[2];
	char text[4096];

	(void)state;
	name_system();
	size_t used = (size_t)snprintf(text, sizeof(text),
				       "system: %s\n"
				       "network: { kind: xdp, interface: %s" ROOM " }\n"
				       "channels:\n"
				       "  - { name: one, protocol: moldudp64, lines: [ { group: "
				       "239.77.1.1, port: 26477 } ] }\n"
				       "  - { name: two, protocol: moldudp64, lines: [ { group: "
				       "239.77.1.2, port: 26478 } ] }\n"
				       "processes:\n",
				       system_name, lab.interface);
	for (int i = 0; i < 2; i++) {
		log[i] = recording_new(&lab, name[i], RECORDS);
		used += (size_t)snprintf(
			text + used, sizeof(text) - used,
			"  - name: process-%s\n"
			"    library: %s/tests/actors/recorder.so\n"
			"    executors: [ { idle: sleep } ]\n"
			"    actors:\n"
			"      - { name: actor-%s, behaviour: recorder, executor: 0, feeds: [%s], "
			"settings: { log: %s } }\n",
			name[i], lab_build(), name[i], name[i], lab_path(&lab, name[i]));
	}
	topology_run(text);
	const char *second[32];
	char numbers[8][16];
	arguments_here(second, 0,
		       (const char *[]){"myc-feed", "--quiet", "--generate", "--messages", "40000",
					"--seed", "2", "--line", "239.77.1.2:26478", "--raw",
					lab.peer, "--rate", "30000", NULL},
		       numbers);
	pid_t other = lab_start(&lab, LAB_SENDER, "other.log", second);
	FEED("--generate", "--messages", "50000", "--seed", "1", "--line", "239.77.1.1:26477",
	     "--raw", lab.peer, "--rate", "40000");
	assert_int_equal(lab_wait(other, 60000), 0);
	recording_until(log[0], MESSAGES(50000) + 1, 30000);
	recording_until(log[1], MESSAGES(40000) + 1, 30000);
	system_stop();
	for (int i = 0; i < 2; i++) {
		struct recording_sums sums = recording_walk(log[i]);

		assert_int_equal(sums.messages, MESSAGES(i ? 40000 : 50000));
		assert_int_equal(sums.gaps, 0);
		recording_free(log[i]);
	}
	json_t *report = lab_json(&lab, "report.json");
	assert_int_equal(json_at(report, "ledger.in_fill"), json_at(report, "ledger.frames"));
	json_decref(report);
}

/* A failed case leaves its system running. */
static int stop_leftovers(void **state)
{
	(void)state;
	if (system_name[0])
		lab_run(&lab, LAB_RECEIVER, "teardown.log", 20000,
			(const char *[]){"myc", "stop", system_name, NULL});
	system_name[0] = '\0';
	return 0;
}

int main(int argc, char **argv)
{
	static enum kind kinds[] = {XDP, UDP, CAPTURE};
	struct CMUnitTest tests[40];
	static char names[40][96];
	size_t n = 0;
	static const struct {
		const char *name;
		CMUnitTestFunction function;
	} cases[] = {
		{"iex_sample_arrives_whole", iex_sample_arrives_whole},
		{"itch_sample_arrives_whole", itch_sample_arrives_whole},
		{"itch_sample_has_117_unknown_references", itch_sample_has_117_unknown_references},
		{"repacked_line_is_arbitrated", repacked_line_is_arbitrated},
		{"one_percent_lost_on_each_line", one_percent_lost_on_each_line},
		{"ten_percent_lost_on_each_line", ten_percent_lost_on_each_line},
		{"filtered_to_1_symbol", filtered_to_1_symbol},
		{"filtered_to_10_symbols", filtered_to_10_symbols},
		{"filtered_to_100_symbols", filtered_to_100_symbols},
		{"filtered_to_3_stocks_of_a_day", filtered_to_3_stocks_of_a_day},
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
			tests[n] = (struct CMUnitTest){names[n], cases[c].function, NULL,
						       stop_leftovers, &kinds[k]};
			n++;
		}
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_teardown(two_processes_share_a_queue,
								  stop_leftovers);
	tests[n++] = (struct CMUnitTest)cmocka_unit_test_teardown(
		stalled_consumer_never_turns_a_copy_into_a_loss, stop_leftovers);
	int failed = _cmocka_run_group_tests("wire", tests, n, NULL, NULL);
	lab_close(&lab);
	return failed;
}
