/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the wire to an actor, end to end: a feed in one network namespace, a system in another, and
 * what its actor was given held against what was sent. The same input by AF_XDP, by UDP sockets and
 * from a capture file must give the same.
 */
#ifndef TESTS_INTEGRATION_WIRE_BED_H
#define TESTS_INTEGRATION_WIRE_BED_H

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

static inline void topology_run(const char *text)
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

static inline void name_system(void)
{
	static unsigned systems;

	snprintf(system_name, sizeof(system_name), "%s-%u", lab.name, systems++);
}

static inline void system_start(const struct setup *setup)
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

static inline void system_stop(void)
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
static inline int arguments_here(const char **to, int n, const char *const *arguments,
				 char text[8][16])
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
static inline void feed(const char *const *arguments)
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
static inline void input(struct setup *setup, const char *const *what, const char *const *pace)
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

static inline void input_until(struct setup *setup, uint64_t next, const char *const *what,
			       const char *const *pace)
{
	input(setup, what, pace);
	recording_until(recording, next, 30000);
	system_stop();
}

static inline const char *sample(const char *name)
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

/* A failed case leaves its system running. */
static inline int stop_leftovers(void **state)
{
	(void)state;
	if (system_name[0])
		lab_run(&lab, LAB_RECEIVER, "teardown.log", 20000,
			(const char *[]){"myc", "stop", system_name, NULL});
	system_name[0] = '\0';
	return 0;
}

struct wire_case {
	const char *name;
	CMUnitTestFunction function;
};

/* Each of the cases by every kind, and one that has its own. */
static inline int wire_run(int argc, char **argv, const char *tag, const struct wire_case *cases,
			   size_t count, struct CMUnitTest alone)
{
	static enum kind kinds[] = {XDP, UDP, CAPTURE};
	struct CMUnitTest tests[40];
	static char names[40][96];
	size_t n = 0;

	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	if (geteuid() != 0) {
		puts("network namespaces need root");
		return TEST_SKIPPED;
	}
	if (!lab_open(&lab, tag, 1))
		return 1;
	for (size_t c = 0; c < count; c++)
		for (size_t k = 0; k < 3; k++) {
			snprintf(names[n], sizeof(names[n]), "%s_by_%s", cases[c].name,
				 kind_names[k]);
			tests[n] = (struct CMUnitTest){names[n], cases[c].function, NULL,
						       stop_leftovers, &kinds[k]};
			n++;
		}
	tests[n++] = alone;
	int failed = _cmocka_run_group_tests(tag, tests, n, NULL, NULL);
	lab_close(&lab);
	return failed;
}

#endif
