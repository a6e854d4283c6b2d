/* SPDX-License-Identifier: Apache-2.0 */
/* What myc-feed makes of messages, and what it says about it, checked by taking its captures
 * apart. */
#include <string.h>

#include "common/feed_capture.h"

#define GROUP_B	 0xef4d0102u
#define ONE_LINE "--line 239.77.1.1:26477"

static int line_of(const struct feed_packet *packet)
{
	return packet->group == GROUP_B;
}

static int has_messages(const struct feed_packet *packet)
{
	return packet->count && packet->count != 0xffff;
}

static void same_options_and_seed_make_the_same_bytes(void **state)
{
	static const char options[] = "--symbols 20 --messages 20000 --loss 2,3 --reorder 5 "
				      "--duplicate 2 --repack B --skew 0,40 --write";
	size_t one_size, two_size, other_size;

	(void)state;
	feed_make("%s %s --seed 7", options, feed_scratch("one"));
	feed_make("%s %s --seed 7", options, feed_scratch("two"));
	feed_make("%s %s --seed 8", options, feed_scratch("other"));
	char *one = feed_file(feed_scratch("one"), &one_size);
	char *two = feed_file(feed_scratch("two"), &two_size);
	char *other = feed_file(feed_scratch("other"), &other_size);

	assert_int_equal(one_size, two_size);
	assert_memory_equal(one, two, one_size);
	assert_true(one_size != other_size || memcmp(one, other, one_size) != 0);
	free(one);
	free(two);
	free(other);
}

/* Counts what a line's packets are, against the line's record in the report. */
static void check_line_counters(const struct feed_capture *capture, const char *report, int line)
{
	char name[24];
	uint64_t packets = 0, messages = 0, heartbeats = 0, ends = 0;

	for (size_t i = 0; i < capture->packets; i++) {
		const struct feed_packet *packet = &capture->packet[i];

		if (line_of(packet) != line)
			continue;
		packets++;
		messages += has_messages(packet) ? packet->count : 0u;
		heartbeats += packet->count == 0;
		ends += packet->count == 0xffff;
	}
	snprintf(name, sizeof(name), "{\"line\": \"%c\"", 'A' + line);
	const char *said = strstr(report, name);

	assert_non_null(said);
	assert_int_equal(feed_number(said, "packets_sent"), packets);
	assert_int_equal(feed_number(said, "messages_sent"), messages);
	assert_int_equal(feed_number(said, "heartbeats_sent"), heartbeats);
	assert_int_equal(feed_number(said, "ends_sent"), ends);
	assert_int_equal(feed_number(said, "packets_made") +
				 feed_number(said, "packets_duplicated"),
			 packets + feed_number(said, "packets_dropped"));
	assert_int_equal(feed_number(said, "messages_made") +
				 feed_number(said, "messages_duplicated"),
			 messages + feed_number(said, "messages_dropped"));
}

/* Marks the ranges of the report; each message of them must be unmarked as yet. */
static void mark_lost(const char *report, uint8_t *seen, uint64_t total)
{
	const char *at = strstr(report, "\"lost_on_all_lines\"");
	uint64_t said = feed_number(at, "messages"), listed = 0, before = 0;

	while ((at = strstr(at, "{\"run\": "))) {
		uint64_t first = feed_number(at, "first"), last = feed_number(at, "last");

		assert_true(first > before && last >= first && last <= total);
		for (uint64_t s = first; s <= last; s++)
			assert_int_equal(seen[s]++, 0);
		listed += last - first + 1;
		before = last;
		at++;
	}
	assert_int_equal(listed, said);
}

/* Every message of 1..total was either sent on some line or is in one of the report's ranges. */
static void check_truth(const char *capture_path, const char *report_path)
{
	struct feed_capture capture;
	size_t size;
	char *report = feed_file(report_path, &size);
	uint64_t total = feed_number(report, "messages");
	uint8_t *seen = calloc(total + 2, 1);

	assert_non_null(seen);
	feed_capture_read(&capture, capture_path, FEED_MOLD);
	for (size_t i = 0; i < capture.packets; i++) {
		const struct feed_packet *packet = &capture.packet[i];

		for (unsigned m = 0; has_messages(packet) && m < packet->count; m++) {
			assert_in_range(packet->sequence + m, 1, total);
			seen[packet->sequence + m] = 1;
		}
	}
	mark_lost(report, seen, total);
	for (uint64_t s = 1; s <= total; s++)
		assert_int_equal(seen[s], 1);
	check_line_counters(&capture, report, 0);
	check_line_counters(&capture, report, 1);
	free(seen);
	free(report);
	feed_capture_free(&capture);
}

static void truth_names_exactly_what_no_line_carried(void **state)
{
	static const char *const network[] = {
		"--loss 10",
		"--loss 50 --repack B",
		"--loss 1,30 --reorder 20 --duplicate 10",
		"--loss 25 --reorder 10 --repack A --repack B --skew 500,0",
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(network) / sizeof(network[0]); i++) {
		feed_make("--symbols 10 --messages 30000 --seed %llu %s --write %s --report %s",
			  (unsigned long long)test_seed() + i, network[i], feed_scratch("pcap"),
			  feed_scratch("json"));
		check_truth(feed_scratch("pcap"), feed_scratch("json"));
	}
}

static void a_lost_tail_that_nothing_tells_of_is_marked(void **state)
{
	static const char *const ends[] = {"0", "1"};
	size_t size;

	(void)state;
	for (int told = 0; told < 2; told++) {
		feed_make("--symbols 1 --messages 100 --loss 100 --end-packets %s --write %s "
			  "--report %s",
			  ends[told], feed_scratch("pcap"), feed_scratch("json"));
		char *report = feed_file(feed_scratch("json"), &size);
		const char *lost = strstr(report, "\"lost_on_all_lines\"");

		assert_int_equal(feed_number(lost, "messages"), 100);
		assert_int_equal(feed_number(lost, "unrevealed"), told ? 0 : 100);
		free(report);
	}
}

/* Where each message's length and bytes lie on a line, by number; none missing, none twice. */
static const uint8_t **messages_of(const struct feed_capture *capture, int line, uint64_t total,
				   uint64_t *packets)
{
	const uint8_t **message = calloc(total + 1, sizeof(*message));

	assert_non_null(message);
	*packets = 0;
	for (size_t i = 0; i < capture->packets; i++) {
		const struct feed_packet *packet = &capture->packet[i];
		const uint8_t *at = packet->payload + 20;

		if (line_of(packet) != line || !has_messages(packet))
			continue;
		++*packets;
		for (unsigned m = 0; m < packet->count; m++) {
			uint64_t number = packet->sequence + m;

			assert_in_range(number, 1, total);
			assert_null(message[number]);
			message[number] = at;
			at += 2 + (at[0] << 8 | at[1]);
		}
	}
	for (uint64_t n = 1; n <= total; n++)
		assert_non_null(message[n]);
	return message;
}

static size_t block_size(const uint8_t *block)
{
	return 2u + ((size_t)block[0] << 8 | block[1]);
}

static void a_repacked_line_has_other_boundaries_and_the_same_messages(void **state)
{
	struct feed_capture capture;
	uint64_t total = 50000, packets_a, packets_b, starts_b_only = 0;

	(void)state;
	feed_make("--symbols 10 --messages %llu --repack B --write %s", (unsigned long long)total,
		  feed_scratch("pcap"));
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_MOLD);
	const uint8_t **a = messages_of(&capture, 0, total, &packets_a);
	const uint8_t **b = messages_of(&capture, 1, total, &packets_b);

	assert_memory_equal(a[1], b[1], block_size(a[1]));
	for (uint64_t n = 2; n <= total; n++) {
		assert_memory_equal(a[n], b[n], block_size(a[n]));
		/* First in B's packet, but not in A's. */
		starts_b_only += b[n] != b[n - 1] + block_size(b[n - 1]) &&
				 a[n] == a[n - 1] + block_size(a[n - 1]);
	}
	assert_int_not_equal(packets_a, packets_b);
	assert_true(starts_b_only > packets_b / 20);
	free(a);
	free(b);
	feed_capture_free(&capture);
}

static void no_packet_is_overtaken_by_more_than_the_window(void **state)
{
	struct feed_capture capture;
	uint64_t overtaken = 0, most = 0, last_ns = 0, recent[64] = {0}, count = 0;

	(void)state;
	feed_make("--symbols 10 --messages 60000 " ONE_LINE
		  " --reorder 20 --reorder-window 16 --write %s",
		  feed_scratch("pcap"));
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_MOLD);
	for (size_t i = 0; i < capture.packets; i++) {
		const struct feed_packet *packet = &capture.packet[i];
		uint64_t later = 0;

		assert_true(packet->time_ns >= last_ns);
		last_ns = packet->time_ns;
		if (!has_messages(packet))
			continue;
		for (uint64_t k = 0; k < 64 && k < count; k++)
			later += recent[k] > packet->sequence;
		overtaken += later > 0;
		most = later > most ? later : most;
		recent[count++ % 64] = packet->sequence;
	}
	assert_in_range(most, 2, 16);
	assert_true(overtaken > capture.packets / 10);
	feed_capture_free(&capture);
}

static void duplicates_are_whole_packets_and_counted(void **state)
{
	struct feed_capture capture;
	uint64_t repeated = 0;
	size_t size;

	(void)state;
	feed_make("--symbols 10 --messages 20000 " ONE_LINE
		  " --duplicate 10 --write %s --report %s",
		  feed_scratch("pcap"), feed_scratch("json"));
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_MOLD);
	char *report = feed_file(feed_scratch("json"), &size);

	/* Late by 16 packets at most: look back over 40. */
	for (size_t i = 0; i < capture.packets; i++)
		for (size_t k = i < 40 ? 0 : i - 40; k < i; k++) {
			const struct feed_packet *one = &capture.packet[k];
			const struct feed_packet *two = &capture.packet[i];

			if (!has_messages(two) || one->sequence != two->sequence)
				continue;
			repeated++;
			assert_int_equal(one->size, two->size);
			assert_memory_equal(one->payload, two->payload, two->size);
		}
	assert_true(repeated > 100);
	/* Ends of session may have been doubled, too: at most the three. */
	assert_in_range(feed_number(report, "packets_duplicated"), repeated, repeated + 3);
	free(report);
	feed_capture_free(&capture);
}

static void sessions_change_and_restart_where_told(void **state)
{
	struct feed_capture capture;
	uint64_t next = 1, ends = 0, spaces = 1;
	const char *session = "MYC0000001";
	size_t size;

	(void)state;
	feed_make("--symbols 10 --messages 5000 " ONE_LINE
		  " --session-change 2001 --restart 3001 --write %s --report %s",
		  feed_scratch("pcap"), feed_scratch("json"));
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_MOLD);
	for (size_t i = 0; i < capture.packets; i++) {
		const struct feed_packet *packet = &capture.packet[i];

		if (strcmp(packet->session, session) != 0) {
			assert_int_equal(next, 2001);
			assert_int_equal(ends, 3);
			session = "MYC0000002";
			assert_string_equal(packet->session, session);
			next = 1;
			spaces++;
		} else if (spaces == 2 && packet->sequence < next) {
			assert_int_equal(next, 1001);
			next = 1;
			spaces++;
		}
		assert_int_equal(packet->sequence, next);
		if (packet->count == 0xffff)
			ends++;
		else
			next += packet->count;
	}
	assert_int_equal(spaces, 3);
	assert_int_equal(next, 2001);
	assert_int_equal(ends, 6);
	char *report = feed_file(feed_scratch("json"), &size);

	assert_non_null(
		strstr(report, "\"begin\": \"session change\", \"first\": 1, \"next\": 1001"));
	assert_non_null(strstr(report, "\"begin\": \"restart\", \"first\": 1, \"next\": 2001"));
	free(report);
	feed_capture_free(&capture);
}

static void an_idle_line_sends_heartbeats_with_the_next_number(void **state)
{
	struct feed_capture capture;
	uint64_t next = 1, last_ns = 0, heartbeats = 0;

	(void)state;
	/* A message each 5 s: four heartbeats in between. */
	feed_make("--symbols 1 --messages 10 --rate 0.2 " ONE_LINE " --write %s",
		  feed_scratch("pcap"));
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_MOLD);
	for (size_t i = 0; i < capture.packets; i++) {
		const struct feed_packet *packet = &capture.packet[i];

		assert_int_equal(packet->sequence, next);
		if (packet->count == 0) {
			heartbeats++;
			assert_int_equal(packet->time_ns - last_ns, 1000000000);
		}
		last_ns = packet->time_ns;
		next += has_messages(packet) ? packet->count : 0u;
	}
	assert_int_equal(heartbeats, 9 * 4);
	feed_capture_free(&capture);
}

static void bursts_have_the_rates_of_a_real_open(void **state)
{
	const uint64_t day_ns = 24ull * 3600 * 1000000000, open_ns = 34200ull * 1000000000;
	const uint64_t burst_ns = 7200000;
	struct feed_capture capture;
	uint64_t burst = 0, early = 0, most = 0;

	(void)state;
	feed_make("--symbols 100 --messages 400000 " ONE_LINE " --write %s", feed_scratch("pcap"));
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_MOLD);
	for (size_t i = 0; i < capture.packets; i++) {
		const struct feed_packet *packet = &capture.packet[i];
		uint64_t since = packet->time_ns % day_ns - open_ns;

		if (!has_messages(packet) || since > day_ns)
			continue;
		if (since < burst_ns)
			burst += packet->count;
		else if (since < burst_ns + 2000000000)
			early += packet->count;
		most = packet->count > most ? packet->count : most;
	}
	/* 910,000 a second for 7.2 ms, then 126,000. */
	assert_in_range(burst, 5900, 7200);
	assert_in_range(early, 2 * 115000, 2 * 137000);
	assert_in_range(most, 20, 38);
	feed_capture_free(&capture);
}

static void quiet_time_is_mostly_one_message_a_packet(void **state)
{
	struct feed_capture capture;
	uint64_t alone = 0, packets = 0;

	(void)state;
	/* Half a minute of the day; of its packets one in a hundred, for the file's sake. */
	feed_make("--symbols 100 --messages 3200000 --loss 99 " ONE_LINE " --write %s",
		  feed_scratch("pcap"));
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_MOLD);
	uint64_t quiet_ns = capture.packet[0].time_ns + 26ull * 1000000000;

	for (size_t i = 0; i < capture.packets; i++) {
		const struct feed_packet *packet = &capture.packet[i];

		if (!has_messages(packet) || packet->time_ns < quiet_ns)
			continue;
		alone += packet->count == 1;
		packets++;
	}
	assert_true(packets > 100);
	assert_true(alone * 10 > packets * 6);
	feed_capture_free(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(same_options_and_seed_make_the_same_bytes),
		cmocka_unit_test(truth_names_exactly_what_no_line_carried),
		cmocka_unit_test(a_lost_tail_that_nothing_tells_of_is_marked),
		cmocka_unit_test(a_repacked_line_has_other_boundaries_and_the_same_messages),
		cmocka_unit_test(no_packet_is_overtaken_by_more_than_the_window),
		cmocka_unit_test(duplicates_are_whole_packets_and_counted),
		cmocka_unit_test(sessions_change_and_restart_where_told),
		cmocka_unit_test(an_idle_line_sends_heartbeats_with_the_next_number),
		cmocka_unit_test(bursts_have_the_rates_of_a_real_open),
		cmocka_unit_test(quiet_time_is_mostly_one_message_a_packet),
	};

	return cmocka_run_group_tests(tests, feed_scratch_make, feed_scratch_remove);
}
