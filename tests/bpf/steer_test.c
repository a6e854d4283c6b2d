/* SPDX-License-Identifier: Apache-2.0 */
/* The steering program under BPF_PROG_TEST_RUN, over the table that its twin is held to as well. */
#include "common/test.h"

#include <errno.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/bpf.h>

#include "base/clock.h"
#include "bpf/steer.skel.h"
#include "common/steer_vectors.h"

static struct rig rig;

static uint32_t xdp_action(enum myc_steer_action action)
{
	return action == MYC_STEER_REDIRECT ? XDP_REDIRECT
	       : action == MYC_STEER_DROP   ? XDP_DROP
					    : XDP_PASS;
}

static const char *result_wrong(const struct expected *expected, const struct rig_run *run,
				uint64_t begun_ns)
{
	struct myc_meta meta = run->meta;

	if (run->action != xdp_action(expected->action))
		return "action";
	if (run->has_meta != (expected->action == MYC_STEER_REDIRECT))
		return "presence of metadata";
	if (!run->has_meta)
		return NULL;
	if (meta.receive_ns < begun_ns || meta.receive_ns > myc_clock_ns())
		return "receive_ns";
	meta.receive_ns = 0;
	return memcmp(&meta, &expected->meta, sizeof(meta)) == 0 ? NULL : "metadata";
}

static const char *counters_wrong(const struct expected *expected)
{
	struct myc_counters counters[RIG_CHANNELS + 1], want[RIG_CHANNELS + 1];

	memset(want, 0, sizeof(want));
	want[expected->row] = expected->counters;
	rig_counters(&rig, counters);
	return memcmp(counters, want, sizeof(want)) == 0 ? NULL : "counters";
}

static void check_vector(const struct vector *vector)
{
	const uint64_t now = myc_clock_ns();
	struct myc_steer_result twin;
	struct expected expected;
	struct packet packet;
	struct rig_run run;
	const char *wrong;
	int err;

	vector_prepare(vector, &rig, now);
	vector_packet(vector, &packet);
	vector_expect(vector, &expected);
	memset(rig.counters, 0, sizeof(rig.counters));
	rig_push(&rig);
	err = rig_run_program(&rig, packet.bytes, packet.size, 0, &run);
	if (err)
		print_error("%s: running the program: %s\n", vector->name, strerror(-err));
	assert_int_equal(err, 0);
	myc_steer_frame(&rig.twin, packet.bytes, packet.size, now, &twin);
	wrong = result_wrong(&expected, &run, now);
	wrong = wrong ? wrong : counters_wrong(&expected);
	/* The twin's words were checked against the table; the program's must be the same. */
	wrong = wrong ? wrong : vector_state_wrong(vector, &rig);
	wrong = wrong ? wrong : rig_difference(&rig, true);
	if (!wrong)
		return;
	print_error("%s: wrong %s: action %u sequence %llu gap %u filtered %u count %u line %u "
		    "epoch %u flags %#x\n",
		    vector->name, wrong, run.action, (unsigned long long)run.meta.sequence,
		    run.meta.gap, run.meta.filtered, run.meta.count, run.meta.line, run.meta.epoch,
		    run.meta.flags);
	fail();
}

static void every_vector_gets_its_verdict(void **state)
{
	(void)state;
	for (unsigned i = 0; i < vectors_count; i++)
		check_vector(&vectors[i]);
}

/* The reason under which the one packet since rig_push was counted. */
static enum myc_reason counted_reason(void)
{
	struct myc_counters counters[RIG_CHANNELS + 1];
	enum myc_reason found = MYC_REASONS_COUNT;
	unsigned total = 0;

	rig_counters(&rig, counters);
	for (unsigned row = 0; row <= RIG_CHANNELS; row++) {
		for (unsigned reason = 0; reason < MYC_REASONS_COUNT; reason++) {
			total += (unsigned)counters[row].reason[reason];
			if (counters[row].reason[reason])
				found = (enum myc_reason)reason;
		}
	}
	assert_int_equal(total, 1);
	return found;
}

static void only_bound_ports_are_ours(void **state)
{
	struct myc_counters counters[RIG_CHANNELS + 1];
	struct packet packet;
	struct rig_run run;

	(void)state;
	rig_reset(&rig);
	rig_push(&rig);
	for (uint32_t port = 0; port <= UINT16_MAX; port++) {
		const bool ours = port >= RIG_PORT && port < RIG_PORT + RIG_CHANNELS;

		packet_begin(&packet, &(struct packet_shape){.port = (uint16_t)port});
		packet_mold(&packet, RIG_SESSION, 100, 0);
		packet_end(&packet);
		assert_int_equal(rig_run_program(&rig, packet.bytes, packet.size, 0, &run), 0);
		assert_int_equal(run.action, ours ? XDP_REDIRECT : XDP_PASS);
	}
	rig_counters(&rig, counters);
	assert_int_equal(counters[0].reason[MYC_REASON_PASS_NO_CHANNEL], 65536 - RIG_CHANNELS);
}

static void heartbeat(struct packet *packet)
{
	packet_begin(packet, &(struct packet_shape){.port = RIG_PORT});
	packet_mold(packet, RIG_SESSION, 100, 0);
	packet_end(packet);
}

static void an_endpoint_without_a_socket_passes(void **state)
{
	const uint32_t row = RIG_OWNER * MYC_QUEUES_MAX;
	const int xsks = bpf_map__fd(rig.object->maps.xsks);
	struct packet packet;
	struct rig_run run;

	(void)state;
	heartbeat(&packet);
	rig_reset(&rig);
	rig_push(&rig);
	assert_int_equal(bpf_map_delete_elem(xsks, &row), 0);
	/* rig_run_program checks that the packet leaves as it came, without metadata. */
	assert_int_equal(rig_run_program(&rig, packet.bytes, packet.size, 0, &run), 0);
	assert_int_equal(run.action, XDP_PASS);
	assert_false(run.has_meta);
	assert_int_equal(counted_reason(), MYC_REASON_PASS_NO_SOCKET);
	assert_int_equal(bpf_map_update_elem(xsks, &row, &rig.socket[RIG_OWNER], 0), 0);
}

static void a_packet_with_metadata_of_another_program_passes(void **state)
{
	struct packet packet;
	struct rig_run run;

	(void)state;
	heartbeat(&packet);
	for (uint32_t before = 4; before <= MYC_META_SIZE; before += 4) {
		rig_reset(&rig);
		rig_push(&rig);
		assert_int_equal(rig_run_program(&rig, packet.bytes, packet.size, before, &run), 0);
		assert_int_equal(run.action, XDP_PASS);
		assert_int_equal(counted_reason(), MYC_REASON_PASS_NO_METADATA);
	}
}

/* One run as if received on `queue` of the device. */
static uint32_t run_on_queue(uint32_t device, uint32_t queue)
{
	struct packet packet;
	struct xdp_md context = {.ingress_ifindex = device, .rx_queue_index = queue};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet.bytes, .ctx_in = &context,
		    .ctx_size_in = sizeof(context), .repeat = 1);

	heartbeat(&packet);
	opts.data_size_in = packet.size;
	context.data_end = packet.size;
	rig_reset(&rig);
	rig_push(&rig);
	assert_int_equal(bpf_prog_test_run_opts(rig.program, &opts), 0);
	return opts.retval;
}

static void a_socket_serves_its_own_queue_only(void **state)
{
	const uint32_t row = RIG_OWNER * MYC_QUEUES_MAX + 2;
	const int xsks = bpf_map__fd(rig.object->maps.xsks);
	uint32_t device;

	(void)state;
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	assert_int_equal(system("ip link add mycbpf0 numrxqueues 4 numtxqueues 4 type veth "
				"peer name mycbpf1"),
			 0);
	device = if_nametoindex("mycbpf0");
	assert_int_not_equal(device, 0);
	assert_int_equal(run_on_queue(device, 0), XDP_REDIRECT);
	assert_int_equal(run_on_queue(device, 2), XDP_PASS);
	assert_int_equal(counted_reason(), MYC_REASON_PASS_NO_SOCKET);
	assert_int_equal(bpf_map_update_elem(xsks, &row, &rig.socket[RIG_OWNER], 0), 0);
	assert_int_equal(run_on_queue(device, 2), XDP_REDIRECT);
	assert_int_equal(run_on_queue(device, 3), XDP_PASS);
	assert_int_equal(bpf_map_delete_elem(xsks, &row), 0);
}

static int close_rig(void **state)
{
	(void)state;
	rig_close(&rig);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_vector_gets_its_verdict),
		cmocka_unit_test(only_bound_ports_are_ours),
		cmocka_unit_test(an_endpoint_without_a_socket_passes),
		cmocka_unit_test(a_packet_with_metadata_of_another_program_passes),
		cmocka_unit_test(a_socket_serves_its_own_queue_only),
	};
	int code;

	return rig_opened(&rig, &code) ? cmocka_run_group_tests(tests, NULL, close_rig) : code;
}
