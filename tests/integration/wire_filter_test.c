/* SPDX-License-Identifier: Apache-2.0 */
/* From the wire to an actor: what is filtered is told, and nothing that is wanted; and a queue that two processes share. */
#include "integration/wire_bed.h"

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

int main(int argc, char **argv)
{
	static const struct wire_case cases[] = {
		{"filtered_to_1_symbol", filtered_to_1_symbol},
		{"filtered_to_10_symbols", filtered_to_10_symbols},
		{"filtered_to_100_symbols", filtered_to_100_symbols},
		{"filtered_to_3_stocks_of_a_day", filtered_to_3_stocks_of_a_day},
	};

	return wire_run(argc, argv, "wfilter", cases, sizeof(cases) / sizeof(cases[0]),
			(struct CMUnitTest)cmocka_unit_test_teardown(two_processes_share_a_queue,
								     stop_leftovers));
}
