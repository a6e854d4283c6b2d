/* SPDX-License-Identifier: Apache-2.0 */
/* AF_XDP endpoints under the real steering program, over a veth pair of the test's own. */
#include "common/test.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "common/dataplane_rig.h"
#include "common/packet.h"

#define SECOND 1000000000ull

static const struct myc_endpoint_opts two_endpoints[] = {{.name = "a", .process = 0},
							 {.name = "b", .process = 1}};

static uint64_t number_of(const struct myc_packet *packet)
{
	uint64_t number = 0;

	assert_int_equal(packet->payload_size, sizeof(number));
	memcpy(&number, packet->payload, sizeof(number));
	return number;
}

/* Takes and finishes until `count` packets came or a second passed; each must be `next` in turn. */
static unsigned take_all(struct myc_endpoint *endpoint, unsigned channel, uint64_t *next,
			 unsigned count)
{
	struct myc_packet packets[MYC_BATCH_MAX];
	uint64_t limit = myc_clock_ns() + SECOND;
	unsigned got = 0;

	while (got < count && myc_clock_ns() < limit) {
		unsigned n = myc_endpoint_take(endpoint, packets, MYC_BATCH_MAX);

		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(packets[i].meta->channel, channel);
			assert_int_equal(number_of(&packets[i]), (*next)++);
		}
		got += n;
		myc_endpoint_done(endpoint);
	}
	return got;
}

static void two_endpoints_share_a_queue_and_its_frames(void **state)
{
	struct dp_rig rig;
	struct myc_endpoint *endpoint[2];
	struct myc_ledger ledger;
	uint64_t next[2] = {0}, sent[2] = {0};

	(void)state;
	dp_open(&rig, 1,
		&(struct myc_dataplane_opts){
			.endpoint = two_endpoints, .endpoints = 2, .frames = 1024});
	for (unsigned e = 0; e < 2; e++)
		endpoint[e] = dp_join(&rig, e);
	/* Many times round the frames; the borrower's come home by the keeper alone. */
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 100; i++)
			dp_send(&rig, i & 1, 0, sent[i & 1]++);
		for (unsigned e = 0; e < 2; e++)
			assert_int_equal(take_all(endpoint[e], e, &next[e], 50), 50);
		dp_ledger(&rig, &ledger);
	}
	struct myc_packet none;
	assert_int_equal(myc_endpoint_take(endpoint[0], &none, 1), 0);
	dp_ledger(&rig, &ledger);
	assert_int_equal(ledger.handled, 6000);
	assert_int_equal(ledger.in_fill + ledger.in_kernel, 1024);
	assert_int_equal(ledger.fill_ring_empty, 0);
	for (unsigned e = 0; e < 2; e++)
		myc_endpoint_leave(endpoint[e]);
	dp_close(&rig);
}

static void held_packets_stay_in_their_frames_until_released(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX], held[256];
	struct myc_ledger ledger;
	unsigned count = 0;
	uint64_t next = 256;

	(void)state;
	dp_open(&rig, 1,
		&(struct myc_dataplane_opts){
			.endpoint = two_endpoints, .endpoints = 1, .frames = 1024});
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	for (unsigned i = 0; i < 256; i++)
		dp_send(&rig, 0, 0, i);
	for (uint64_t limit = myc_clock_ns() + SECOND; count < 256 && myc_clock_ns() < limit;) {
		unsigned n = myc_endpoint_take(endpoint, packets, MYC_BATCH_MAX);

		for (unsigned i = 0; i < n; i++) {
			assert_int_equal(myc_endpoint_hold(endpoint, &packets[i]), 0);
			held[count++] = packets[i];
		}
		myc_endpoint_done(endpoint);
	}
	assert_int_equal(count, 256);
	/* Traffic goes round the other frames many times. */
	for (int round = 0; round < 30; round++) {
		for (uint64_t i = 0; i < 100; i++)
			dp_send(&rig, 0, 0, next + i);
		assert_int_equal(take_all(endpoint, 0, &next, 100), 100);
	}
	dp_ledger(&rig, &ledger);
	assert_int_equal(ledger.in_hand, 256);
	/* A successor is given them again, oldest first, then goes on. */
	myc_endpoint_leave(endpoint);
	endpoint = dp_join(&rig, 0);
	for (count = 0; count < 256;) {
		unsigned n = myc_endpoint_take(endpoint, packets, MYC_BATCH_MAX);

		assert_true(n > 0);
		for (unsigned i = 0; i < n; i++) {
			assert_true(packets[i].again);
			assert_int_equal(number_of(&packets[i]), count);
			assert_ptr_equal(packets[i].payload, held[count].payload);
			if (count++ % 2)
				assert_int_equal(myc_endpoint_hold(endpoint, &packets[i]), 0);
			held[count - 1] = packets[i];
		}
		myc_endpoint_done(endpoint);
	}
	dp_ledger(&rig, &ledger);
	assert_int_equal(ledger.in_hand, 128);
	for (unsigned i = 1; i < 256; i += 2)
		myc_endpoint_release(endpoint, held[i].hand);
	myc_endpoint_done(endpoint);
	dp_ledger(&rig, &ledger);
	assert_int_equal(ledger.in_hand, 0);
	assert_int_equal(ledger.handled, 256 + 3000);
	myc_endpoint_leave(endpoint);
	dp_close(&rig);
}

static void an_endpoint_has_a_socket_on_every_queue(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];
	struct myc_ledger ledger;
	unsigned got = 0;
	static uint8_t seen[2000];

	(void)state;
	dp_open(&rig, 2,
		&(struct myc_dataplane_opts){.endpoint = two_endpoints,
					     .endpoints = 2,
					     .queues = 3,
					     .keeper = {0, 1},
					     .frames = 1024});
	struct myc_endpoint *endpoint[2] = {dp_join(&rig, 0), dp_join(&rig, 1)};
	for (unsigned i = 0; i < 2000; i++) {
		dp_send(&rig, i & 1, i, i);
		for (unsigned e = 0; i % 100 == 99 && e < 2; e++)
			for (unsigned n; (n = myc_endpoint_take(endpoint[e], packets, 64));) {
				for (unsigned p = 0; p < n; p++)
					seen[number_of(&packets[p])]++;
				got += n;
				myc_endpoint_done(endpoint[e]);
			}
	}
	for (uint64_t limit = myc_clock_ns() + SECOND; got < 2000 && myc_clock_ns() < limit;)
		for (unsigned e = 0; e < 2; e++) {
			unsigned n = myc_endpoint_take(endpoint[e], packets, 64);

			for (unsigned p = 0; p < n; p++)
				seen[number_of(&packets[p])]++;
			got += n;
			myc_endpoint_done(endpoint[e]);
		}
	for (unsigned i = 0; i < 2000; i++)
		assert_int_equal(seen[i], 1);
	dp_ledger(&rig, &ledger);
	assert_int_equal(ledger.frames, 2048);
	assert_int_equal(ledger.handled, 2000);
	/* Both queues took part, or the test shows nothing. */
	const struct myc_ledger *all = &ledger;
	assert_true(all->in_fill + all->in_kernel + all->in_return == 2048);
	for (unsigned e = 0; e < 2; e++)
		myc_endpoint_leave(endpoint[e]);
	dp_close(&rig);
}

/* ---- kills --------------------------------------------------------------------------------- */

#define NUMBERS 60000

/* Shared with the forked workers. */
struct witness {
	uint8_t state[NUMBERS]; /* 0, 1 = seen, 2 = done */
	uint64_t seen, repeated_after_done, repeated_unmarked, left;
};

static void worker(struct dp_rig *rig, uint32_t process, struct witness *witness)
{
	struct myc_packet packets[MYC_BATCH_MAX];
	struct myc_endpoint *endpoint = NULL;
	uint64_t kept_number[8];
	uint16_t kept[8];
	unsigned kept_count = 0;

	myc_dataplane_forked(rig->dataplane, process);
	if (myc_endpoint_join(&endpoint, rig->dataplane, process, rig->region, DP_PROCESSES, NULL,
			      NULL))
		_exit(9);
	for (;;) {
		unsigned n = myc_endpoint_take(endpoint, packets, MYC_BATCH_MAX);

		for (unsigned i = 0; i < n; i++) {
			uint64_t number;

			memcpy(&number, packets[i].payload, sizeof(number));
			witness->repeated_after_done += witness->state[number] == 2;
			witness->repeated_unmarked += witness->state[number] && !packets[i].again;
			witness->seen += !witness->state[number];
			witness->state[number] = 1;
			if (number % 50 == 0 && kept_count < 8 &&
			    !myc_endpoint_hold(endpoint, &packets[i])) {
				kept_number[kept_count] = number;
				kept[kept_count++] = packets[i].hand;
			}
		}
		bool release = kept_count == 8;
		for (unsigned i = 0; release && i < 8; i++)
			myc_endpoint_release(endpoint, kept[i]);
		myc_endpoint_done(endpoint);
		for (unsigned i = 0; i < n; i++) {
			uint64_t number;

			memcpy(&number, packets[i].payload, sizeof(number));
			if (packets[i].hand < MYC_BATCH_MAX)
				witness->state[number] = 2;
		}
		for (unsigned i = 0; release && i < 8; i++)
			witness->state[kept_number[i]] = 2;
		if (release)
			kept_count = 0;
	}
}

static pid_t start(struct dp_rig *rig, uint32_t process, struct witness *witness)
{
	pid_t pid = fork();

	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that fails leaves no worker */
		worker(rig, process, witness);
	}
	assert_true(pid > 0);
	return pid;
}

static void end(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
}

/* The ledger is exact while nobody moves frames. */
static void freeze(pid_t pid)
{
	int status;

	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, &status, WUNTRACED), pid);
	assert_true(WIFSTOPPED(status));
}

static void workers_killed_under_traffic_lose_and_repeat_nothing(void **state)
{
	uint64_t chance = test_seed() * 77 + 1, sent = 0;
	struct witness *witness = mmap(NULL, sizeof(*witness), PROT_READ | PROT_WRITE,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct dp_rig rig;
	struct myc_ledger ledger;
	pid_t pid[2];

	(void)state;
	dp_open(&rig, 1, &(struct myc_dataplane_opts){.endpoint = two_endpoints, .endpoints = 2});
	for (uint32_t p = 0; p < 2; p++)
		pid[p] = start(&rig, p, witness);
	for (int kills = 0; kills < 30; kills++) {
		uint32_t victim = (uint32_t)test_random(&chance) & 1;
		uint64_t until = sent + 400 + test_random(&chance) % 1200;

		/* Rings have room: at most 1,000 packets are under way. */
		while (sent < until) {
			uint64_t seen = __atomic_load_n(&witness->seen, __ATOMIC_RELAXED);

			if (sent < NUMBERS && sent - seen < 1000)
				dp_send(&rig, sent & 1, 0, sent), sent++;
		}
		end(pid[victim]);
		freeze(pid[!victim]);
		dp_ledger(&rig, &ledger);
		kill(pid[!victim], SIGCONT);
		pid[victim] = start(&rig, victim, witness);
	}
	/* Two writers share `seen`, so it may run behind; the states tell. */
	uint64_t limit = myc_clock_ns() + 3 * SECOND, missing = 1;
	while (missing && myc_clock_ns() < limit) {
		missing = 0;
		for (uint64_t i = 0; i < sent; i++)
			missing += !__atomic_load_n(&witness->state[i], __ATOMIC_RELAXED);
	}
	for (uint32_t p = 0; p < 2; p++)
		end(pid[p]);
	assert_int_equal(missing, 0);
	assert_int_equal(witness->repeated_after_done, 0);
	assert_int_equal(witness->repeated_unmarked, 0);
	dp_ledger(&rig, &ledger);
	assert_int_equal(dp_redirected(&rig), sent);
	assert_int_equal(ledger.rx_ring_full + ledger.rx_dropped, 0);
	dp_close(&rig);
	munmap(witness, sizeof(*witness));
}

/* ---- receipts and refusals ----------------------------------------------------------------- */

static void a_receipt_says_what_was_got_and_why_not_better(void **state)
{
	struct dp_rig rig;

	(void)state;
	dp_open(&rig, 1,
		&(struct myc_dataplane_opts){
			.endpoint = two_endpoints, .endpoints = 2, .wait = MYC_WAIT_NEED_WAKEUP});
	const char *receipt = myc_dataplane_receipt(rig.dataplane, 0);
	printf("%s\n", receipt);
	assert_non_null(strstr(receipt, DP_RECEIVER " queue 0: native copy"));
	assert_non_null(strstr(receipt, "zero-copy: "));
	assert_non_null(strstr(receipt, "need-wakeup (in copy mode: spin)"));
	dp_close(&rig);
}

static void a_blocking_endpoint_is_woken_by_its_descriptors(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];
	uint64_t next = 0;
	int fds[4];

	(void)state;
	dp_open(&rig, 1,
		&(struct myc_dataplane_opts){
			.endpoint = two_endpoints, .endpoints = 1, .wait = MYC_WAIT_BLOCKING});
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	assert_int_equal(myc_endpoint_descriptors(endpoint, fds, 4), 1);
	assert_int_equal(myc_endpoint_take(endpoint, packets, 64), 0);
	assert_false(myc_endpoint_ready(endpoint));
	struct pollfd wait = {.fd = fds[0], .events = POLLIN};
	assert_int_equal(poll(&wait, 1, 0), 0);
	dp_send(&rig, 0, 0, 0);
	assert_int_equal(poll(&wait, 1, 1000), 1);
	assert_true(myc_endpoint_ready(endpoint));
	assert_int_equal(take_all(endpoint, 0, &next, 1), 1);
	myc_endpoint_leave(endpoint);
	dp_close(&rig);
}

static void refuses(struct dp_rig *rig, const struct myc_dataplane_opts *opts, int code,
		    const char *cause)
{
	struct myc_dataplane *dataplane = NULL;
	struct myc_error error = {0};
	char text[1024];

	assert_int_equal(myc_dataplane_open(&dataplane, opts, rig->program, &error), code);
	myc_error_format(&error, text, sizeof(text));
	printf("%s\n", text);
	assert_null(dataplane);
	assert_non_null(strstr(text, cause));
	assert_true(error.remedy[0]);
}

static void what_cannot_be_had_is_refused_with_its_remedy(void **state)
{
	struct dp_rig rig;
	struct myc_dataplane_opts opts;

	(void)state;
	dp_open(&rig, 2, &(struct myc_dataplane_opts){.endpoint = two_endpoints, .endpoints = 1});
	opts = rig.opts;
	refuses(&rig, &opts, -EBUSY, "queue 0");
	opts.interface = "nosuch0";
	refuses(&rig, &opts, -ENODEV, "nosuch0");
	opts = rig.opts;
	opts.queues = 2;
	opts.mode = MYC_XSK_ZEROCOPY;
	refuses(&rig, &opts, -EOPNOTSUPP, "zero-copy");
	opts.mode = MYC_XSK_GENERIC;
	refuses(&rig, &opts, -EOPNOTSUPP, "attached in native mode");
	opts.mode = MYC_XSK_AUTO;
	opts.queues = 1ull << 40;
	refuses(&rig, &opts, -EINVAL, "queue 40");
	opts.queues = 2;
	opts.keeper[1] = 2;
	refuses(&rig, &opts, -EINVAL, "process 2 is to keep it");
	opts = rig.opts;
	opts.frames = 1000;
	refuses(&rig, &opts, -EINVAL, "1000 frames");
	/* Nothing half-made is left: what was there goes on, and the other queue can be had. */
	uint64_t next = 0;
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	for (unsigned flow = 0; flow < 16; flow++)
		dp_send(&rig, 0, flow, next);
	struct myc_packet packet;
	assert_int_equal(myc_endpoint_take(endpoint, &packet, 1), 1);
	myc_endpoint_done(endpoint);
	myc_endpoint_leave(endpoint);
	dp_close(&rig);
}

static void a_starved_endpoint_loses_under_a_name_and_recovers(void **state)
{
	struct dp_rig rig;
	struct myc_packet packets[MYC_BATCH_MAX];
	const struct myc_endpoint_opts small[] = {{.name = "a", .rx_ring = 64}};
	struct myc_ledger ledger;
	unsigned got = 0;

	(void)state;
	dp_open(&rig, 1,
		&(struct myc_dataplane_opts){.endpoint = small, .endpoints = 1, .frames = 1024});
	struct myc_endpoint *endpoint = dp_join(&rig, 0);
	for (unsigned i = 0; i < 500; i++)
		dp_send(&rig, 0, 0, i);
	for (uint64_t limit = myc_clock_ns() + SECOND; myc_clock_ns() < limit;) {
		dp_ledger(&rig, &ledger);
		if (dp_redirected(&rig) == 500)
			break;
	}
	for (unsigned n; (n = myc_endpoint_take(endpoint, packets, 64)); got += n)
		myc_endpoint_done(endpoint);
	assert_int_equal(got, 64);
	dp_ledger(&rig, &ledger);
	assert_int_equal(ledger.handled, 64);
	assert_int_equal(ledger.rx_ring_full, 500 - 64);
	myc_endpoint_leave(endpoint);
	dp_close(&rig);
}

/* The program passes fragments; the host puts them together for the socket that holds the group. */
static void a_fragmented_datagram_is_counted_by_the_group_socket(void **state)
{
	struct dp_rig rig;
	struct packet packet;
	struct myc_ledger ledger = {0};
	struct myc_counters other;

	(void)state;
	dp_open(&rig, 1,
		&(struct myc_dataplane_opts){
			.endpoint = two_endpoints, .endpoints = 1, .join_groups = true});
	assert_int_equal(system("ip addr add 10.0.0.2/24 dev " DP_RECEIVER), 0);
	packet_begin(&packet, &(struct packet_shape){.port = DP_PORT,
						     .group = DP_GROUP,
						     .fragment = 0x2000,
						     .udp_length = 8});
	packet_bytes(&packet, "the head", 8);
	packet_end(&packet);
	packet.bytes[packet.ip + 5] = 77; /* identification */
	dp_for_host(packet.bytes);
	assert_int_equal(send(rig.sender, packet.bytes, packet.size, 0), packet.size);
	/* The rest: 8 bytes behind the 16 of UDP header and head. */
	uint8_t *ip = packet.bytes + packet.ip;
	ip[2] = 0;
	ip[3] = 28;
	ip[6] = 0;
	ip[7] = 2;
	memcpy(ip + 20, "the tail", 8);
	dp_for_host(packet.bytes);
	assert_int_equal(send(rig.sender, packet.bytes, packet.ip + 28, 0), packet.ip + 28);
	for (uint64_t limit = myc_clock_ns() + SECOND; myc_clock_ns() < limit;) {
		dp_ledger(&rig, &ledger);
		if (ledger.refused)
			break;
	}
	assert_int_equal(ledger.refused, 1);
	assert_int_equal(myc_program_counters(rig.program, 0, &other), 0);
	assert_int_equal(other.reason[MYC_REASON_PASS_FRAGMENT], 2);
	dp_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_endpoints_share_a_queue_and_its_frames),
		cmocka_unit_test(held_packets_stay_in_their_frames_until_released),
		cmocka_unit_test(an_endpoint_has_a_socket_on_every_queue),
		cmocka_unit_test(workers_killed_under_traffic_lose_and_repeat_nothing),
		cmocka_unit_test(a_receipt_says_what_was_got_and_why_not_better),
		cmocka_unit_test(a_blocking_endpoint_is_woken_by_its_descriptors),
		cmocka_unit_test(what_cannot_be_had_is_refused_with_its_remedy),
		cmocka_unit_test(a_starved_endpoint_loses_under_a_name_and_recovers),
		cmocka_unit_test(a_fragmented_datagram_is_counted_by_the_group_socket),
	};

	if (geteuid() != 0) {
		puts("AF_XDP needs root");
		return TEST_SKIPPED;
	}
	int err = dp_namespace(1);
	if (err) {
		printf("no network namespace with a veth pair: %s\n", strerror(-err));
		return TEST_SKIPPED;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
