/* SPDX-License-Identifier: Apache-2.0 */
/* UDP sockets as a source, on the loopback interface; no privilege. */
#include "common/test.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "common/dataplane_rig.h"
#include "common/packet.h"

#define SECOND 1000000000ull

static const struct myc_endpoint_opts endpoints[] = {{.name = "a", .process = 0},
						     {.name = "b", .process = 1}};

/* Two unicast channels on 127.0.0.1, at ports that are free. */
static uint16_t free_port(void)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
				      .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(address);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &size), 0);
	close(fd);
	return ntohs(address.sin_port);
}

static void open_udp(struct dp_rig *rig, enum myc_wait wait)
{
	struct myc_error error = {0};

	memset(rig, 0, sizeof(*rig));
	dp_config(&rig->config, 2);
	for (unsigned c = 0; c < 2; c++) {
		packet_mapped(rig->config.binding[c].key.address, INADDR_LOOPBACK);
		rig->config.binding[c].key.port = free_port();
	}
	rig->opts = (struct myc_dataplane_opts){.sz = sizeof(rig->opts),
						.kind = MYC_DATAPLANE_UDP,
						.endpoint = endpoints,
						.endpoints = 2,
						.wait = wait,
						.config = &rig->config};
	if (myc_dataplane_open(&rig->dataplane, &rig->opts, NULL, &error))
		fail_msg("%s: %s", error.doing, error.cause);
	dp_regions(rig, &rig->opts);
	rig->sender = socket(AF_INET, SOCK_DGRAM, 0);
}

static void close_udp(struct dp_rig *rig)
{
	close(rig->sender);
	myc_dataplane_close(rig->dataplane);
	dp_regions_close(rig);
}

static void send_bytes(struct dp_rig *rig, unsigned channel, const void *bytes, size_t size)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				       .sin_port = htons(rig->config.binding[channel].key.port)};

	assert_int_equal(
		sendto(rig->sender, bytes, size, 0, (const struct sockaddr *)&to, sizeof(to)),
		size);
}

static void send_number(struct dp_rig *rig, unsigned channel, uint64_t number)
{
	send_bytes(rig, channel, &number, sizeof(number));
}

static void datagrams_reach_their_endpoints_in_order(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];
	struct myc_ledger ledger;
	uint64_t sent[2] = {0}, next[2] = {0};

	(void)state;
	open_udp(&rig, MYC_WAIT_SPIN);
	struct myc_endpoint *endpoint[2] = {dp_join(&rig, 0), dp_join(&rig, 1)};
	for (int round = 0; round < 100; round++) {
		for (int i = 0; i < 100; i++)
			send_number(&rig, i & 1, sent[i & 1]++);
		for (unsigned e = 0; e < 2; e++)
			for (unsigned n; (n = myc_endpoint_take(endpoint[e], packets, 64));) {
				for (unsigned i = 0; i < n; i++) {
					uint64_t number;

					assert_int_equal(packets[i].payload_size, 8);
					memcpy(&number, packets[i].payload, 8);
					assert_int_equal(number, next[e]++);
					assert_int_equal(packets[i].meta->channel, e);
					assert_true(packets[i].meta->flags & MYC_META_UNSEQUENCED);
					assert_false(packets[i].again);
				}
				myc_endpoint_done(endpoint[e]);
			}
	}
	assert_int_equal(next[0] + next[1], 10000);
	assert_int_equal(myc_dataplane_ledger(rig.dataplane, rig.region, DP_PROCESSES, &ledger), 0);
	assert_int_equal(ledger.handled, 10000);
	assert_int_equal(ledger.in_fill, ledger.frames);
	assert_int_equal(ledger.lost_before, 0);
	for (unsigned e = 0; e < 2; e++)
		myc_endpoint_leave(endpoint[e]);
	close_udp(&rig);
}

static void a_successor_gets_the_packets_in_hand_again_and_nothing_twice(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];
	uint64_t chance = test_seed() + 3, sent = 0, next = 0, again = 0;

	(void)state;
	open_udp(&rig, MYC_WAIT_SPIN);
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	while (next < 3000) {
		if (sent < 3000 && sent - next < 100)
			for (int i = 0; i < 60; i++)
				send_number(&rig, 0, sent++);
		unsigned n = myc_endpoint_take(endpoint, packets, 1 + test_random(&chance) % 64);
		uint64_t number = next;

		for (unsigned i = 0; i < n; i++, number++) {
			uint64_t got;

			memcpy(&got, packets[i].payload, 8);
			assert_int_equal(got, number);
			again += packets[i].again;
		}
		if (n && test_random(&chance) % 3 == 0) {
			myc_endpoint_leave(endpoint);
			endpoint = dp_join(&rig, 0);
			continue;
		}
		next = number;
		myc_endpoint_done(endpoint);
	}
	assert_true(again > 100);
	myc_endpoint_leave(endpoint);
	close_udp(&rig);
}

static void what_a_full_socket_or_a_long_datagram_loses_is_counted(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];
	struct myc_ledger ledger;
	static uint8_t bytes[4000];
	uint64_t sent = 0, got = 0, lost;

	(void)state;
	open_udp(&rig, MYC_WAIT_SPIN);
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	/* More than the largest buffer that is asked for holds. */
	for (; sent < 30000; sent++)
		send_bytes(&rig, 0, bytes, 1900);
	assert_int_equal(myc_dataplane_ledger(rig.dataplane, rig.region, DP_PROCESSES, &ledger), 0);
	lost = ledger.lost_before;
	assert_true(lost > 0);
	for (unsigned n; (n = myc_endpoint_take(endpoint, packets, 64)); got += n)
		myc_endpoint_done(endpoint);
	assert_int_equal(got, sent - lost);
	/* A successor does not count it again. */
	myc_endpoint_leave(endpoint);
	endpoint = dp_join(&rig, 0);
	send_number(&rig, 0, sent++);
	for (unsigned n; (n = myc_endpoint_take(endpoint, packets, 64)); got += n)
		myc_endpoint_done(endpoint);
	send_bytes(&rig, 0, bytes, sizeof(bytes));
	assert_int_equal(myc_endpoint_take(endpoint, packets, 64), 0);
	assert_int_equal(myc_dataplane_ledger(rig.dataplane, rig.region, DP_PROCESSES, &ledger), 0);
	assert_int_equal(ledger.lost_before, lost);
	assert_int_equal(ledger.handled, sent - lost);
	assert_int_equal(ledger.rx_dropped, 0);
	assert_int_equal(ledger.rx_invalid, 1);
	myc_endpoint_leave(endpoint);
	close_udp(&rig);
}

static void a_blocking_endpoint_has_its_sockets_as_descriptors(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];
	int fds[4];

	(void)state;
	open_udp(&rig, MYC_WAIT_BLOCKING);
	struct myc_endpoint *endpoint = dp_join(&rig, 1);
	assert_int_equal(myc_endpoint_descriptors(endpoint, fds, 4), 1);
	assert_false(myc_endpoint_ready(endpoint));
	struct pollfd wait = {.fd = fds[0], .events = POLLIN};
	send_number(&rig, 0, 1); /* the other channel's: not ours */
	assert_int_equal(poll(&wait, 1, 0), 0);
	send_number(&rig, 1, 2);
	assert_int_equal(poll(&wait, 1, 1000), 1);
	assert_true(myc_endpoint_ready(endpoint));
	assert_int_equal(myc_endpoint_take(endpoint, packets, 64), 1);
	myc_endpoint_done(endpoint);
	assert_false(myc_endpoint_exhausted(endpoint));
	myc_endpoint_leave(endpoint);
	close_udp(&rig);
}

static void a_group_is_joined_and_received(void **state)
{
	struct dp_rig rig;
	struct myc_packet packet;
	struct myc_error error = {0};
	uint64_t number = 7, got = 0;

	(void)state;
	memset(&rig, 0, sizeof(rig));
	dp_config(&rig.config, 2);
	rig.config.binding[0].key.port = free_port();
	rig.opts = (struct myc_dataplane_opts){.sz = sizeof(rig.opts),
					       .kind = MYC_DATAPLANE_UDP,
					       .interface = "lo",
					       .endpoint = endpoints,
					       .endpoints = 1,
					       .config = &rig.config};
	if (myc_dataplane_open(&rig.dataplane, &rig.opts, NULL, &error))
		fail_msg("%s: %s", error.doing, error.cause);
	dp_regions(&rig, &rig.opts);
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	const struct ip_mreqn by = {.imr_address.s_addr = htonl(INADDR_LOOPBACK), .imr_ifindex = 1};
	assert_int_equal(setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &by, sizeof(by)), 0);
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(DP_GROUP),
				       .sin_port = htons(rig.config.binding[0].key.port)};
	assert_int_equal(sendto(fd, &number, 8, 0, (const struct sockaddr *)&to, sizeof(to)), 8);
	uint64_t limit = myc_clock_ns() + SECOND;
	while (!myc_endpoint_take(endpoint, &packet, 1) && myc_clock_ns() < limit)
		;
	memcpy(&got, packet.payload, 8);
	assert_int_equal(got, 7);
	myc_endpoint_done(endpoint);
	close(fd);
	myc_endpoint_leave(endpoint);
	myc_dataplane_close(rig.dataplane);
	dp_regions_close(&rig);
}

static void refused(struct dp_rig *rig, int code, const char *cause)
{
	struct myc_dataplane *dataplane = NULL;
	struct myc_error error = {0};

	assert_int_equal(myc_dataplane_open(&dataplane, &rig->opts, NULL, &error), code);
	printf("%s: %s (%s)\n", error.doing, error.cause, error.remedy);
	assert_non_null(strstr(error.cause, cause));
	assert_true(error.remedy[0]);
}

static void what_cannot_be_bound_is_refused_with_its_remedy(void **state)
{
	struct dp_rig rig;

	(void)state;
	open_udp(&rig, MYC_WAIT_SPIN);
	packet_mapped(rig.config.binding[0].key.address, 0xc0000201); /* 192.0.2.1: not ours */
	refused(&rig, -EADDRNOTAVAIL, "192.0.2.1");
	rig.opts.interface = "nosuch0";
	refused(&rig, -ENODEV, "nosuch0");
	close_udp(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(datagrams_reach_their_endpoints_in_order),
		cmocka_unit_test(a_successor_gets_the_packets_in_hand_again_and_nothing_twice),
		cmocka_unit_test(what_a_full_socket_or_a_long_datagram_loses_is_counted),
		cmocka_unit_test(a_blocking_endpoint_has_its_sockets_as_descriptors),
		cmocka_unit_test(a_group_is_joined_and_received),
		cmocka_unit_test(what_cannot_be_bound_is_refused_with_its_remedy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
