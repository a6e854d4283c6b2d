/* SPDX-License-Identifier: Apache-2.0 */
/* myc-feed replaying captures and BinaryFILEs, and sending by sockets. */
#include <arpa/inet.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/feed_capture.h"

#define GROUP_A	 0xef4d0101u
#define ONE_LINE "--line 239.77.1.1:26477"

static void tags_and_addresses_are_as_told(void **state)
{
	struct feed_capture capture;

	(void)state;
	feed_make("--symbols 1 --messages 50 --packet-messages 2 --vlan 7,300 --line 10.1.2.3:9000 "
		  "--mac 02:00:00:00:00:99 --source 10.1.2.2:7000 --write %s",
		  feed_scratch("pcap"));
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_MOLD);
	assert_true(capture.packets > 10);
	for (size_t i = 0; i < capture.packets; i++) {
		assert_int_equal(capture.packet[i].vlans, 2);
		assert_int_equal(capture.packet[i].vlan[0], 7);
		assert_int_equal(capture.packet[i].vlan[1], 300);
		assert_int_equal(capture.packet[i].group, 0x0a010203);
		assert_int_equal(capture.packet[i].port, 9000);
		/* 14 + 8 + 20 + 8 bytes of headers. */
		assert_memory_equal(capture.packet[i].payload - 50, "\x02\0\0\0\0\x99", 6);
	}
	feed_capture_free(&capture);
}

static void same_payloads(const struct feed_capture *one, const struct feed_capture *two)
{
	assert_int_equal(one->packets, two->packets);
	for (size_t i = 0; i < one->packets; i++) {
		assert_int_equal(one->packet[i].size, two->packet[i].size);
		assert_memory_equal(one->packet[i].payload, two->packet[i].payload,
				    one->packet[i].size);
	}
}

static void same_files(const char *one_path, const char *two_path)
{
	size_t one_size, two_size;
	char *one = feed_file(one_path, &one_size);
	char *two = feed_file(two_path, &two_size);

	assert_int_equal(one_size, two_size);
	assert_memory_equal(one, two, one_size);
	free(one);
	free(two);
}

static void a_capture_of_its_own_replays_to_the_same_packets(void **state)
{
	struct feed_capture first, second;

	(void)state;
	feed_make("--symbols 5 --messages 5000 " ONE_LINE
		  " --session-change 3000 --restart 4000 --loss 5 --write %s",
		  feed_scratch("first"));
	feed_make("--pcap %s --protocol moldudp64 " ONE_LINE " --write %s", feed_scratch("first"),
		  feed_scratch("second"));
	feed_capture_read(&first, feed_scratch("first"), FEED_MOLD);
	feed_capture_read(&second, feed_scratch("second"), FEED_MOLD);
	same_payloads(&first, &second);
	feed_capture_free(&first);
	feed_capture_free(&second);
	feed_make("--pcap %s --frames --write %s", feed_scratch("first"), feed_scratch("frames"));
	same_files(feed_scratch("first"), feed_scratch("frames"));
}

/* What a capture lacks, no line can have: the truth says so. */
static void what_a_capture_lacks_is_lost_on_all_lines(void **state)
{
	size_t size;

	(void)state;
	feed_make("--symbols 5 --messages 5000 " ONE_LINE " --loss 5 --write %s --report %s",
		  feed_scratch("first"), feed_scratch("made"));
	feed_make("--pcap %s --repack B --write %s --report %s", feed_scratch("first"),
		  feed_scratch("second"), feed_scratch("replayed"));
	char *made = feed_file(feed_scratch("made"), &size);
	char *replayed = feed_file(feed_scratch("replayed"), &size);
	char *one = strstr(made, "\"lost_on_all_lines\"");
	char *two = strstr(replayed, "\"lost_on_all_lines\"");

	assert_true(feed_number(one, "messages") > 100);
	assert_string_equal(one, two);
	free(made);
	free(replayed);
}

static void captured_frames_go_to_another_group_when_told(void **state)
{
	struct feed_capture capture;

	(void)state;
	feed_make("--symbols 5 --messages 1000 --packet-messages 2 " ONE_LINE
		  " --vlan 9 --write %s",
		  feed_scratch("first"));
	feed_make("--pcap %s --frames --line 239.1.2.3:1234 --write %s", feed_scratch("first"),
		  feed_scratch("second"));
	feed_capture_read(&capture, feed_scratch("second"), FEED_MOLD);
	assert_true(capture.packets > 100);
	for (size_t i = 0; i < capture.packets; i++) {
		assert_int_equal(capture.packet[i].group, 0xef010203);
		assert_int_equal(capture.packet[i].port, 1234);
		assert_int_equal(capture.packet[i].vlan[0], 9);
	}
	feed_capture_free(&capture);
}

static int bound_socket(uint16_t *port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t length = sizeof(address);
	int room = 4 << 20, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	*port = ntohs(address.sin_port);
	return fd;
}

/* Poll bounds the wait, the end of session ends it. */
static uint64_t receive_line(int fd, uint64_t *messages)
{
	uint8_t payload[2048];
	struct pollfd wait = {.fd = fd, .events = POLLIN};

	for (uint64_t packets = 1; poll(&wait, 1, 5000) == 1; packets++) {
		ssize_t size = recv(fd, payload, sizeof(payload), 0);
		unsigned count = (unsigned)payload[18] << 8 | payload[19];

		assert_true(size >= 20);
		if (count == 0xffff)
			return packets;
		*messages += count;
	}
	fail_msg("no end of session came");
	return 0;
}

static void udp_sockets_receive_what_the_report_says(void **state)
{
	uint16_t port[2];
	int fd[2] = {bound_socket(&port[0]), bound_socket(&port[1])};
	size_t size;

	(void)state;
	/* Few enough for an ordinary user's socket buffers. */
	feed_make("--symbols 5 --messages 1500 --packet-messages 20 --pack-us 1000 --udp --rate "
		  "20000 --loss 10 --end-packets 1 --line 127.0.0.1:%u --line 127.0.0.1:%u "
		  "--report %s",
		  port[0], port[1], feed_scratch("json"));
	char *report = feed_file(feed_scratch("json"), &size);

	for (int i = 0; i < 2; i++) {
		const char *line = strstr(report, i ? "{\"line\": \"B\"" : "{\"line\": \"A\"");
		uint64_t messages = 0, packets = receive_line(fd[i], &messages);

		assert_int_equal(packets, feed_number(line, "packets_sent"));
		assert_int_equal(messages, feed_number(line, "messages_sent"));
		close(fd[i]);
	}
	/* The rate is kept: 1,500 messages at 20,000 a second. */
	assert_in_range(feed_number(report, "wall_ns"), 70000000, 5000000000);
	free(report);
}

/* Compares a capture's messages, in order, with the messages of a BinaryFILE. */
static void check_binaryfile(const struct feed_capture *capture, const char *path)
{
	size_t size, at = 0;
	uint64_t messages = 0;
	char *file = feed_file(path, &size);

	for (size_t i = 0; i < capture->packets; i++) {
		const struct feed_packet *packet = &capture->packet[i];

		if (packet->count == 0xffff)
			continue;
		/* The framing of both is the same, so a packet's blocks are a piece of the file. */
		assert_true(at + packet->size - 20 <= size);
		assert_memory_equal(packet->payload + 20, file + at, packet->size - 20);
		at += packet->size - 20;
		messages += packet->count;
	}
	assert_int_equal(messages, 12012);
	assert_int_equal(at, size);
	free(file);
}

static void both_binaryfile_forms_carry_the_same_messages(void **state)
{
	static const char options[] = "--heartbeat 0 " ONE_LINE;
	const char *data = test_data_dir();
	struct feed_capture capture;
	char path[512];

	(void)state;
	if (!data) {
		print_message("no sample data: BinaryFILE not replayed\n");
		return;
	}
	snprintf(path, sizeof(path), "%s/itch/ex20101224.framed.itch50", data);
	feed_make("--itch %s %s --write %s", path, options, feed_scratch("framed"));
	feed_make("--itch %s/itch/ex20101224.TEST_ITCH_50 %s --write %s", data, options,
		  feed_scratch("zero"));
	same_files(feed_scratch("framed"), feed_scratch("zero"));
	feed_capture_read(&capture, feed_scratch("framed"), FEED_MOLD);
	check_binaryfile(&capture, path);
	feed_capture_free(&capture);
}

static uint64_t little(const uint8_t *at, int bytes)
{
	uint64_t value = 0;

	for (int i = bytes - 1; i >= 0; i--)
		value = value << 8 | at[i];
	return value;
}

/* Line A as captured; line B with other boundaries: the same stream by number and by byte. */
static void check_tops(const struct feed_capture *original, const struct feed_capture *capture)
{
	uint64_t packets_a = 0, packets_b = 0, messages_b = 0, heartbeats = 0, offset_b = 0;

	for (size_t i = 0; i < capture->packets; i++) {
		const struct feed_packet *packet = &capture->packet[i];

		assert_true(packet->size >= 40);
		uint64_t count = little(packet->payload + 14, 2);

		assert_int_equal(little(packet->payload + 12, 2), packet->size - 40);
		if (packet->group == GROUP_A) {
			const struct feed_packet *was = &original->packet[packets_a++];

			assert_int_equal(packet->size, was->size);
			assert_memory_equal(packet->payload, was->payload, was->size);
			heartbeats += count == 0;
			continue;
		}
		packets_b++;
		assert_int_equal(little(packet->payload + 24, 8), 1 + messages_b);
		assert_int_equal(little(packet->payload + 16, 8), offset_b);
		messages_b += count;
		offset_b += packet->size - 40;
	}
	assert_int_equal(packets_a, 13022);
	assert_int_equal(heartbeats, 237);
	assert_int_equal(messages_b, 57674);
	assert_true(packets_b < 8000);
}

static void tops_capture_replays_exactly_and_repacked(void **state)
{
	const char *data = test_data_dir();
	struct feed_capture original, capture;
	size_t size;

	(void)state;
	if (!data) {
		print_message("no sample data: TOPS16 not replayed\n");
		return;
	}
	feed_make("--pcap %s/iex/TOPS16.pcap.gz --frames --write %s", data,
		  feed_scratch("original"));
	feed_make("--pcap %s/iex/TOPS16.pcap.gz --protocol iextp --repack B --pack-us 50000 "
		  "--select 224.67.0.199:16642 --write %s --report %s",
		  data, feed_scratch("pcap"), feed_scratch("json"));
	feed_capture_read(&original, feed_scratch("original"), FEED_FOREIGN);
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_PAYLOADS);
	assert_int_equal(original.packets, 13022);
	check_tops(&original, &capture);
	char *report = feed_file(feed_scratch("json"), &size);

	assert_int_equal(feed_number(report, "messages"), 57674);
	assert_int_equal(feed_number(report, "heartbeats_sent"), 237);
	free(report);
	feed_capture_free(&original);
	feed_capture_free(&capture);
}

static void a_generated_tops_day_is_a_whole_stream(void **state)
{
	struct feed_capture capture;
	uint64_t messages = 0, offset = 0, sent_ns = 0, quotes = 0, trades = 0;

	(void)state;
	feed_make("--protocol iextp --symbols 20 --messages 20000 " ONE_LINE " --write %s",
		  feed_scratch("pcap"));
	feed_capture_read(&capture, feed_scratch("pcap"), FEED_PAYLOADS);
	for (size_t i = 0; i < capture.packets; i++) {
		const struct feed_packet *packet = &capture.packet[i];
		uint64_t count = little(packet->payload + 14, 2);
		uint32_t at = 40;

		assert_int_equal(little(packet->payload + 2, 2), 0x8003);
		assert_int_equal(little(packet->payload + 24, 8), 1 + messages);
		assert_int_equal(little(packet->payload + 16, 8), offset);
		assert_true(little(packet->payload + 32, 8) >= sent_ns);
		sent_ns = little(packet->payload + 32, 8);
		for (uint64_t m = 0; m < count; m++) {
			const uint8_t *message = packet->payload + at + 2;

			quotes += message[0] == 'Q';
			trades += message[0] == 'T';
			if (message[0] == 'Q') /* bid below ask */
				assert_true(little(message + 22, 8) < little(message + 30, 8));
			at += 2 + (uint32_t)little(packet->payload + at, 2);
		}
		assert_int_equal(at, packet->size);
		messages += count;
		offset += packet->size - 40;
	}
	assert_int_equal(messages, 20000);
	assert_int_equal(quotes + trades, 20000 - 20 - 6);
	assert_true(trades > 1000);
	/* The publisher's clock is that of the capture. */
	assert_in_range(sent_ns, capture.packet[0].time_ns,
			capture.packet[0].time_ns + 10000000000);
	feed_capture_free(&capture);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tags_and_addresses_are_as_told),
		cmocka_unit_test(a_capture_of_its_own_replays_to_the_same_packets),
		cmocka_unit_test(what_a_capture_lacks_is_lost_on_all_lines),
		cmocka_unit_test(captured_frames_go_to_another_group_when_told),
		cmocka_unit_test(udp_sockets_receive_what_the_report_says),
		cmocka_unit_test(both_binaryfile_forms_carry_the_same_messages),
		cmocka_unit_test(tops_capture_replays_exactly_and_repacked),
		cmocka_unit_test(a_generated_tops_day_is_a_whole_stream),
	};

	return cmocka_run_group_tests(tests, feed_scratch_make, feed_scratch_remove);
}
