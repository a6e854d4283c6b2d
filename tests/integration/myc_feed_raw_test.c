/* SPDX-License-Identifier: Apache-2.0 */
/* myc-feed --raw: frames on a veth pair in a network namespace of the test's own. */
#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/feed_capture.h"

#define HEADERS 42

static int receiver;

static int open_receiver(const char *interface)
{
	struct sockaddr_ll address = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_IP),
		.sll_ifindex = (int)if_nametoindex(interface),
	};
	int room = 32 << 20;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof(address)))
		return -1;
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof(room));
	return fd;
}

static void frames_arrive_as_the_report_says(void **state)
{
	uint64_t packets[2] = {0}, messages[2] = {0};
	struct pollfd wait = {.fd = receiver, .events = POLLIN};
	uint8_t frame[2048];
	size_t size;

	(void)state;
	feed_make(
		"--raw mycfeed0 --rate 100000 --symbols 10 --messages 20000 --loss 5 --duplicate 1 "
		"--repack B --report %s",
		feed_scratch("json"));
	/* What was sent is here, or in a softirq that is late. */
	while (poll(&wait, 1, 300) == 1) {
		ssize_t got = recv(receiver, frame, sizeof(frame), 0);
		int line = frame[33] == 2; /* last byte of 239.77.1.x */
		unsigned count = (unsigned)frame[HEADERS + 18] << 8 | frame[HEADERS + 19];

		assert_true(got >= HEADERS + 20);
		assert_int_equal(frame[30], 239);
		packets[line]++;
		messages[line] += count == 0xffff ? 0 : count;
	}
	char *report = feed_file(feed_scratch("json"), &size);

	for (int line = 0; line < 2; line++) {
		const char *said = strstr(report, line ? "{\"line\": \"B\"" : "{\"line\": \"A\"");

		assert_int_equal(packets[line], feed_number(said, "packets_sent"));
		assert_int_equal(messages[line], feed_number(said, "messages_sent"));
	}
	free(report);
}

static void a_limit_ends_the_feed_in_order(void **state)
{
	size_t size;

	(void)state;
	feed_make("--raw mycfeed0 --seconds 0.2 --report %s", feed_scratch("json"));
	char *report = feed_file(feed_scratch("json"), &size);

	assert_non_null(strstr(report, "\"ended_by\": \"--seconds\""));
	assert_in_range(feed_number(report, "wall_ns"), 190000000, 5000000000);
	assert_int_equal(feed_number(report, "ends_sent"), 3);
	free(report);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_arrive_as_the_report_says),
		cmocka_unit_test(a_limit_ends_the_feed_in_order),
	};

	/* The namespace, and the pair in it, go with this process. */
	if (unshare(CLONE_NEWNET) ||
	    system("ip link add mycfeed0 type veth peer name mycfeed1 && "
		   "sysctl -q -w net.ipv6.conf.all.disable_ipv6=1 && "
		   "ip link set mycfeed0 up && ip link set mycfeed1 up") ||
	    (receiver = open_receiver("mycfeed1")) < 0) {
		printf("needs root: a network namespace with a veth pair, and raw sockets\n");
		return TEST_SKIPPED;
	}
	return cmocka_run_group_tests(tests, feed_scratch_make, feed_scratch_remove);
}
