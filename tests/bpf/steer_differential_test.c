/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Program and twin judge the same mutated packets, over tables that change together: verdict and
 * metadata must agree on each, counters, channel state and filtered windows after each round.
 */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <linux/bpf.h>

#include "base/clock.h"
#include "common/steer_vectors.h"

#define ROUNDS		  5000 /* in fewer not every verdict comes */
#define PACKETS_PER_ROUND 100

static struct rig rig;
static uint64_t chance;

static uint32_t below(uint32_t limit)
{
	return (uint32_t)(test_random(&chance) % limit);
}

/* Mostly the payload: a broken IP header ends the judgement early. */
static uint32_t mutation_place(const struct packet *packet)
{
	if (packet->size > packet->payload && below(4))
		return packet->payload + below(packet->size - packet->payload < 80
						       ? packet->size - packet->payload
						       : 80);
	return below(packet->size);
}

static void mutate(struct packet *packet)
{
	static const uint8_t edges[] = {0, 1, 2, 18, 19, 20, 36, 0x45, 0x7f, 0x80, 0x81, 0xff};
	uint32_t at;

	switch (below(8)) {
	case 0:
		break;
	case 1: /* truncated */
		packet->size = 14 + below(packet->size - 13);
		break;
	case 2: /* padded with what was there before */
		packet->size += below(64);
		break;
	case 3: /* another ending of the datagram, lengths right */
		at = packet->payload + below(packet->size - packet->payload + 1);
		packet->size = at;
		packet_end(packet);
		break;
	default:
		for (uint32_t i = below(3) + 1; i; i--) {
			at = mutation_place(packet);
			packet->bytes[at] = below(2) ? edges[below(sizeof(edges))]
						     : (uint8_t)test_random(&chance);
		}
		break;
	}
}

static bool agree(const struct rig_run *run, const struct myc_steer_result *twin)
{
	static const uint32_t actions[] = {
		[MYC_STEER_PASS] = XDP_PASS,
		[MYC_STEER_DROP] = XDP_DROP,
		[MYC_STEER_REDIRECT] = XDP_REDIRECT,
	};
	struct myc_meta ours = twin->meta, theirs = run->meta;

	if (run->action != actions[twin->action])
		return false;
	if (run->has_meta != (twin->action == MYC_STEER_REDIRECT))
		return false;
	ours.receive_ns = 0;
	theirs.receive_ns = 0;
	return !run->has_meta || memcmp(&ours, &theirs, sizeof(ours)) == 0;
}

static void compare_packet(unsigned round, const struct vector *vector, struct packet *packet)
{
	struct myc_steer_result twin;
	struct rig_run run;

	if (packet->size < 14)
		packet->size = 14;
	assert_int_equal(rig_run_program(&rig, packet->bytes, packet->size, 0, &run), 0);
	myc_steer_frame(&rig.twin, packet->bytes, packet->size, myc_clock_ns(), &twin);
	if (agree(&run, &twin))
		return;
	print_error("MYC_SEED=%llu, round %u, from \"%s\": program action %u flags %#x sequence "
		    "%llu, twin reason %d flags %#x sequence %llu\n",
		    (unsigned long long)test_seed(), round, vector->name, run.action,
		    run.meta.flags, (unsigned long long)run.meta.sequence, twin.reason,
		    twin.meta.flags, (unsigned long long)twin.meta.sequence);
	fail();
}

static void program_and_twin_agree_on_mutated_packets(void **state)
{
	uint64_t reasons[MYC_REASONS_COUNT] = {0};
	struct packet packet;

	(void)state;
	chance = test_seed() | 1;
	for (unsigned round = 0; round < ROUNDS; round++) {
		const struct vector *before = &vectors[below(vectors_count)];
		const char *difference;

		memset(&packet, 0, sizeof(packet));
		vector_prepare(before, &rig, myc_clock_ns());
		memset(rig.counters, 0, sizeof(rig.counters));
		rig_push(&rig);
		for (unsigned i = 0; i < PACKETS_PER_ROUND; i++) {
			/* Half of them on the channel whose tables are peculiar. */
			const struct vector *vector =
				below(2) ? before : &vectors[below(vectors_count)];

			vector_packet(vector, &packet);
			mutate(&packet);
			compare_packet(round, vector, &packet);
		}
		difference = rig_difference(&rig, round % 16 == 0);
		if (difference)
			print_error("MYC_SEED=%llu, round %u (\"%s\"): %s differ\n",
				    (unsigned long long)test_seed(), round, before->name,
				    difference);
		assert_null(difference);
		for (unsigned row = 0; row <= RIG_CHANNELS; row++)
			for (unsigned i = 0; i < MYC_REASONS_COUNT; i++)
				reasons[i] += rig.counters[row].reason[i];
	}
	/* The mutations reached every verdict that the twin can give. */
	for (unsigned i = 0; i < MYC_REASONS_COUNT; i++)
		if (i != MYC_REASON_PASS_NO_SOCKET && i != MYC_REASON_PASS_NO_METADATA)
			assert_true(reasons[i] > 0);
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
		cmocka_unit_test(program_and_twin_agree_on_mutated_packets),
	};
	int code;

	return rig_opened(&rig, &code) ? cmocka_run_group_tests(tests, NULL, close_rig) : code;
}
