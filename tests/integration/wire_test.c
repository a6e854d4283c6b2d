/* SPDX-License-Identifier: Apache-2.0 */
/* From the wire to an actor: samples and lines that lose or repack arrive whole. */
#include "integration/wire_bed.h"

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

int main(int argc, char **argv)
{
	static const struct wire_case cases[] = {
		{"iex_sample_arrives_whole", iex_sample_arrives_whole},
		{"itch_sample_arrives_whole", itch_sample_arrives_whole},
		{"itch_sample_has_117_unknown_references", itch_sample_has_117_unknown_references},
		{"repacked_line_is_arbitrated", repacked_line_is_arbitrated},
		{"one_percent_lost_on_each_line", one_percent_lost_on_each_line},
		{"ten_percent_lost_on_each_line", ten_percent_lost_on_each_line},
	};

	return wire_run(argc, argv, "wire", cases, sizeof(cases) / sizeof(cases[0]),
			(struct CMUnitTest)cmocka_unit_test_teardown(
				stalled_consumer_never_turns_a_copy_into_a_loss, stop_leftovers));
}
