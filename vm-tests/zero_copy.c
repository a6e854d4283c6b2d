/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Zero-copy on the two drivers that an emulated machine can have it on, igb and virtio_net: asked for,
 * read back, and what an actor is given compared, message by message, with what was sent. Where the
 * kernel has none, mode auto comes down to copy with its receipt, and a required zero-copy is refused
 * with cause and remedy. Nothing here waits for a link, picks a queue or tries a bind again: that is
 * the data plane's.
 */
#include "common/test.h"

#include <dirent.h>
#include <string.h>
#include <unistd.h>

#include <mycelium/feed.h>

#include "common/recording.h"
#include "common/sent.h"
#include "dataplane/nic.h"

#define COUNT	  400
#define COUNT_S	  "400"
#define RECORDS	  20000
#define ZERO_FROM 6018 /* both drivers have it from this kernel on, as far as tried */

static struct lab lab;
static struct recorder_log *recording;
static const char *driver;
static bool running;

static bool has_zero_copy(void)
{
	return myc_kernel_version() >= ZERO_FROM;
}

/* ---- a system --------------------------------------------------------------------------------- */

/* `network`: more of the mapping, ", key: value". The exit code of myc run. */
static int start(const char *network)
{
	char text[2048];

	snprintf(text, sizeof(text),
		 "system: %s\n"
		 "network: { kind: xdp, interface: %s, frames: 1024, rx_ring: 1024%s }\n"
		 "channels:\n"
		 "  - name: wire\n"
		 "    protocol: moldudp64\n"
		 "    lines:\n"
		 "      - { group: 239.77.1.1, port: 26477 }\n"
		 "      - { group: 239.77.1.2, port: 26477 }\n"
		 "    drop_duplicates: true\n"
		 "    gap_timeout_ms: 5000\n"
		 "processes:\n"
		 "  - name: market\n"
		 "    library: %s/tests/actors/recorder.so\n"
		 "    executors: [ { idle: sleep } ]\n"
		 "    actors:\n"
		 "      - { name: actor, behaviour: recorder, executor: 0, feeds: [wire], "
		 "settings: { log: %s } }\n",
		 lab.name, lab.interface, network, lab_build(), lab_path(&lab, "recording"));
	lab_write(&lab, "topology.yaml", text);
	recording = recording_new(&lab, "recording", RECORDS);
	unlink(lab_path(&lab, "run.log"));
	int status = lab_run(&lab, LAB_RECEIVER, "run.log", 60000,
			     (const char *[]){"myc", "run", lab_path(&lab, "topology.yaml"), "-d",
					      "--report", lab_path(&lab, "report.json"), "--log",
					      lab_path(&lab, "system.log"), NULL});
	running = status == 0;
	return status;
}

static void must_start(const char *network)
{
	if (!start(network))
		return;
	lab_show(&lab, "run.log");
	fail_msg("myc run failed");
}

static void stop(void)
{
	assert_int_equal(lab_run(&lab, LAB_RECEIVER, "stop.log", 20000,
				 (const char *[]){"myc", "stop", lab.name, NULL}),
			 0);
	running = false;
	recording_free(recording);
}

/* The receipt of queue q. */
static void receipt(unsigned q, char *out, size_t size)
{
	unlink(lab_path(&lab, "ps.json"));
	assert_int_equal(lab_run(&lab, LAB_RECEIVER, "ps.json", 20000,
				 (const char *[]){"myc", "ps", lab.name, "--json", NULL}),
			 0);
	json_t *root = lab_json(&lab, "ps.json");
	const json_t *list = json_object_get(json_object_get(root, "network"), "receipts");
	const char *text = json_string_value(json_array_get(list, q));
	assert_non_null(text);
	snprintf(out, size, "%s", text);
	json_decref(root);
}

#define DAY                                                                       \
	"--generate", "--messages", COUNT_S, "--symbols", "20", "--seed", "9",    \
		"--packet-messages", "2", "--line", "239.77.1.1:26477", "--line", \
		"239.77.1.2:26477"

/* Few at a time: an emulated card loses bursts before any program sees them. */
#define PACE "--raw", lab.peer, "--rate", "200"

static void send_day(void)
{
	if (lab_run(&lab, LAB_SENDER, "feed.log", 60000,
		    (const char *[]){"myc-feed", "--quiet", DAY, PACE, NULL})) {
		lab_show(&lab, "feed.log");
		fail_msg("myc-feed failed");
	}
}

/* Every recorded message is the one that was sent under its number. Returns how many there are. */
static unsigned contents_are_right(void)
{
	static struct sent_message message[COUNT + 1];
	unsigned messages = 0;

	assert_int_equal(lab_run(&lab, LAB_HERE, "truth.log", 20000,
				 (const char *[]){"myc-feed", "--quiet", DAY, "--write",
						  lab_path(&lab, "truth.pcap"), NULL}),
			 0);
	assert_int_equal(sent_messages(lab_path(&lab, "truth.pcap"), false, message, COUNT + 1),
			 COUNT);
	/* For vm-tests' own test: one byte of the truth is turned over. */
	if (getenv("MYC_WRONG_BYTE"))
		message[COUNT / 2].checksum ^= 1;
	for (uint64_t i = 0; i < recording->count; i++) {
		const struct recorder_record *r = &recording->record[i];

		if (r->kind != MYC_FEED_MESSAGE)
			continue;
		assert_in_range(r->sequence, 1, COUNT);
		assert_int_equal(r->checksum, message[r->sequence].checksum);
		messages++;
	}
	return messages;
}

static void whole_day_arrives(void)
{
	send_day();
	recording_until(recording, COUNT + 1, 20000);
	struct recording_sums sums = recording_walk(recording);
	assert_int_equal(sums.gaps, 0);
	assert_int_equal(contents_are_right(), COUNT);
}

/* ---- cases ------------------------------------------------------------------------------------ */

static void auto_takes_the_best_there_is_and_contents_are_right(void **state)
{
	char got[512];

	(void)state;
	must_start(", mode: auto");
	receipt(0, got, sizeof(got));
	printf("receipt %s %s\n", driver, got);
	whole_day_arrives();
	if (has_zero_copy()) {
		assert_non_null(strstr(got, ": zero-copy, "));
	} else {
		assert_non_null(strstr(got, ": native copy "));
		assert_non_null(strstr(got, "(zero-copy: not asked of "));
	}
	stop();
}

static void required_zero_copy_is_had_or_refused_with_cause_and_remedy(void **state)
{
	char got[512];

	(void)state;
	if (has_zero_copy()) {
		must_start(", mode: zerocopy, wait: need-wakeup");
		receipt(0, got, sizeof(got));
		assert_non_null(strstr(got, ": zero-copy, need-wakeup, "));
		whole_day_arrives();
		stop();
		return;
	}
	assert_int_not_equal(start(", mode: zerocopy"), 0);
	char *said = lab_read(&lab, "run.log");
	printf("receipt %s-required %s\n", driver, said);
	assert_non_null(strstr(said, "zero-copy: "));
	assert_non_null(
		strstr(said, "(use mode auto or copy, or a NIC whose driver has zero-copy)"));
	free(said);
	recording_free(recording);
}

/* A queue that was just left is busy for a moment, a link just bounced is not up. */
static void a_restart_at_once_works_each_time(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		must_start(", mode: auto");
		if (i < 2)
			stop();
	}
	whole_day_arrives();
	stop();
}

static void a_link_that_goes_and_comes_back_costs_what_was_lost_meanwhile_only(void **state)
{
	char command[160];

	(void)state;
	must_start(", mode: auto");
	pid_t feed = lab_start(&lab, LAB_SENDER, "feed.log",
			       (const char *[]){"myc-feed", "--quiet", DAY, "--raw", lab.peer,
						"--rate", "20", NULL});
	recording_until(recording, COUNT / 4, 60000);
	snprintf(command, sizeof(command), "ip -n %s link set %s down && ip -n %s link set %s up",
		 lab.receiver, lab.interface, lab.receiver, lab.interface);
	assert_int_equal(system(command), 0);
	assert_int_equal(lab_wait(feed, 120000), 0);
	recording_until(recording, COUNT + 1, 20000);
	struct recording_sums sums = recording_walk(recording);
	assert_int_equal(sums.messages + sums.lost, COUNT);
	assert_int_equal(contents_are_right(), sums.messages);
	print_message("%llu of %d messages lost while the link was down\n",
		      (unsigned long long)sums.lost, COUNT);
	/* It came back, and the day's end was seen. */
	assert_true(sums.messages > COUNT / 4);
	stop();
}

/* Where a flow comes to is the card's secret; nobody names a queue here. */
static void many_queues_are_all_served(void **state)
{
	char command[160], got[512];

	(void)state;
	if (strcmp(driver, "igb") != 0)
		return; /* two virtio_net on a hub have one queue */
	snprintf(command, sizeof(command), "ip netns exec %s ethtool -L %s combined 4",
		 lab.receiver, lab.interface);
	assert_int_equal(system(command), 0);
	must_start(", mode: auto");
	receipt(3, got, sizeof(got));
	printf("receipt %s-4-queues %s\n", driver, got);
	assert_non_null(strstr(got, " queue 3: "));
	whole_day_arrives();
	stop();
	snprintf(command, sizeof(command), "ip netns exec %s ethtool -L %s combined 1",
		 lab.receiver, lab.interface);
	assert_int_equal(system(command), 0);
}

/* ---- the stage -------------------------------------------------------------------------------- */

/* Two interfaces of the driver, in the order of their names. */
static unsigned interfaces_of(const char *name, char found[2][16])
{
	DIR *dir = opendir("/sys/class/net");
	const struct dirent *entry;
	unsigned count = 0;

	while (dir && (entry = readdir(dir))) {
		char its[MYC_DRIVER_NAME];

		myc_nic_driver(entry->d_name, its);
		if (entry->d_name[0] == '.' || strcmp(its, name) != 0)
			continue;
		if (count < 2)
			snprintf(found[count], 16, "%.15s", entry->d_name);
		count++;
	}
	if (dir)
		closedir(dir);
	if (count == 2 && strcmp(found[0], found[1]) > 0) {
		char first[16];

		memcpy(first, found[0], 16);
		memcpy(found[0], found[1], 16);
		memcpy(found[1], first, 16);
	}
	return count;
}

static int stop_leftovers(void **state)
{
	(void)state;
	if (running)
		lab_run(&lab, LAB_RECEIVER, "teardown.log", 20000,
			(const char *[]){"myc", "stop", lab.name, NULL});
	running = false;
	return 0;
}

static int run_driver(const char *name, const char *tag)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(auto_takes_the_best_there_is_and_contents_are_right,
					  stop_leftovers),
		cmocka_unit_test_teardown(
			required_zero_copy_is_had_or_refused_with_cause_and_remedy, stop_leftovers),
		cmocka_unit_test_teardown(a_restart_at_once_works_each_time, stop_leftovers),
		cmocka_unit_test_teardown(
			a_link_that_goes_and_comes_back_costs_what_was_lost_meanwhile_only,
			stop_leftovers),
		cmocka_unit_test_teardown(many_queues_are_all_served, stop_leftovers),
	};
	char interface[2][16];

	driver = name;
	if (interfaces_of(name, interface) != 2) {
		printf("FAILED: this machine has not two interfaces of %s\n", name);
		return 1;
	}
	if (!lab_open_with(&lab, tag, interface[0], interface[1]))
		return 1;
	int failed = cmocka_run_group_tests_name(name, tests, NULL, NULL);
	lab_close(&lab);
	return failed;
}

int main(int argc, char **argv)
{
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return run_driver("igb", "igb") + run_driver("virtio_net", "virtio");
}
