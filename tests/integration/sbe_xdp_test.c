/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SBE feeds end to end: two lines on a veth pair, a topology that names an exchange's schema, the
 * program (or over UDP its twin) dropping what nobody watches, an actor that counts. All numbers are
 * accounted for: watched ones delivered once and in order, the others filtered, none lost.
 */
#include "integration/veth_bed.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/live.h"
#include "common/sbe_body.h"

#define PACKETS 400u
#define ONE_IN	10u /* packets that is watched */

static const struct feed {
	const char *protocol, *templates, *instrument;
} feeds[] = {
	[MYC_SBE_MDP3] = {"mdp3", "IncrementalRefreshBook, IncrementalRefreshOrderBook",
			  "SecurityID"},
	[MYC_SBE_B3] = {"b3", "Order", "securityID"},
	[MYC_SBE_MEMX] = {"memx", "OrderAdded", "SecurityID"},
	[MYC_SBE_DERIBIT] = {"deribit", "book, trades", "instrumentId"},
};

static struct live live;

static void topology(const char *kind, const struct feed *feed)
{
	char here[512];

	assert_non_null(getcwd(here, sizeof(here)));
	live_topology(
		&live,
		"network: { kind: %s, interface: %s, netns: %s, frames: 1024 }\n"
		"channels:\n"
		"  - name: feed\n"
		"    protocol: %s\n"
		"    lines: [ { address: 10.99.0.2, port: 26401 },\n"
		"             { address: 10.99.0.2, port: 26402 } ]\n"
		"    gap_timeout_ms: 5000\n"
		"    filter:\n"
		"      schema: %s/tests/schemas/good/feed_%s.xml\n"
		"      templates: [%s]\n"
		"      instrument: %s\n"
		"      instruments: [5, 77]\n"
		"processes:\n"
		"  - { name: one, library: %s, actors: [ { name: counter, behaviour: counter,\n"
		"        feeds: [ feed ] } ] }\n",
		kind, veth, netns, feed->protocol, here, feed->protocol, feed->templates,
		feed->instrument, live.actors);
}

/* Packet `number` by a line: of somebody's interest or not. */
static void send_packet(int fd, enum myc_sbe_framing framing, uint32_t number, unsigned line)
{
	const char *const other = framing == MYC_SBE_MDP3 ? number % 2 ? "b500,501,502" : "o600,601"
				  : framing == MYC_SBE_DERIBIT && number % 2 ? "t500,501"
									     : "b500";
	const char *const word = number % ONE_IN ? other : number % (2 * ONE_IN) ? "b77" : "b5";
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_port = htons((uint16_t)(26401 + line))};
	struct packet packet = {.payload = 0};
	uint8_t bytes[512];

	packet_sbe(&packet, framing, 7, number, 1);
	packet_bytes(&packet, bytes, sbe_word(framing, word, bytes));
	if (framing == MYC_SBE_DERIBIT)
		myc_store_le16(packet.bytes, (uint16_t)(packet.size - MYC_DERIBIT_HEADER_SIZE));
	assert_int_equal(inet_pton(AF_INET, "10.99.0.2", &to.sin_addr), 1);
	assert_int_equal(
		sendto(fd, packet.bytes, packet.size, 0, (struct sockaddr *)&to, sizeof(to)),
		packet.size);
}

static bool has_handled(struct live *l, void *context)
{
	return live_status(l, "counter", "last") == *(const int64_t *)context;
}

static void play(const char *kind, enum myc_sbe_framing framing)
{
	const int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int64_t last = ONE_IN;

	assert_true(fd >= 0);
	live_open(&live, "sbe");
	topology(kind, &feeds[framing]);
	assert_int_equal(live_start(&live, NULL), 0);
	send_packet(fd, framing, ONE_IN, 0); /* the numbering is known before the rest comes */
	live_until(&live, "the first packet was handled", has_handled, &last);
	for (uint32_t n = ONE_IN + 1; n <= PACKETS; n++) {
		for (unsigned line = 0; line < 2; line++)
			if ((n + line * 3) % 7) /* lost on this line only */
				send_packet(fd, framing, n, line);
		if (n % 50 == 0)
			usleep(1000);
	}
	last = PACKETS;
	live_until(&live, "the last packet was handled", has_handled, &last);

	const int64_t all = PACKETS - ONE_IN + 1, watched = PACKETS / ONE_IN;
	const int64_t handled = live_status(&live, "counter", "messages");
	assert_int_equal(live_number(&live, "counter", "messages_lost"), 0);
	assert_int_equal(live_status(&live, "counter", "backward"), 0);
	assert_int_equal(live_number(&live, "counter", "messages_filtered") + handled, all);
	/* A packet whose record lost a race is delivered. */
	assert_in_range((uint64_t)handled, (uint64_t)watched, (uint64_t)watched + 20);
	live_stop(&live);
	live_close(&live);
	close(fd);
}

static void the_program_drops_what_the_schema_says_is_nobodys(void **state)
{
	(void)state;
	for (unsigned f = 0; f < 4; f++)
		play("xdp", (enum myc_sbe_framing)f);
}

static void over_udp_the_twin_does_the_same(void **state)
{
	(void)state;
	play("udp", MYC_SBE_MDP3);
	play("udp", MYC_SBE_MEMX);
}

static void a_topology_with_a_wrong_schema_is_refused_with_its_line(void **state)
{
	const struct feed wrong = {"mdp3", "ChannelReset", "SecurityID"};
	char out[4096];

	(void)state;
	live_open(&live, "sbe");
	topology("udp", &wrong);
	assert_int_not_equal(
		live_myc(&live, out, sizeof(out), (const char *[]){"check", live.topology, NULL}),
		0);
	assert_non_null(strstr(out, ":11: channels[0].filter.templates[0]: ChannelReset: "));
	live_close(&live);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_program_drops_what_the_schema_says_is_nobodys),
		cmocka_unit_test(over_udp_the_twin_does_the_same),
		cmocka_unit_test(a_topology_with_a_wrong_schema_is_refused_with_its_line),
	};

	if (geteuid() != 0 || !network_make("mycsbe")) {
		printf("network namespaces and XDP need root\n");
		return TEST_SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
