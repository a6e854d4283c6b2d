/* SPDX-License-Identifier: Apache-2.0 */
/* A lane's own rules: numbers that wrap, rings apart, what its two ends take for impossible, mending. */
#include "common/test.h"

#include <string.h>

#include "memory/lane.h"

#define SLOTS  8
#define URGENT 2
#define FLOWS  4

static _Alignas(64) char block_memory[8192];
static _Alignas(64) char half_memory[1024];
static struct myc_lanes *const block = (void *)block_memory;
static struct myc_lane_in *const half = (void *)half_memory;
static struct myc_lane_out out;
static struct myc_lane_inward in;

static const struct myc_lanes parameters = {.version = MYC_LANE_VERSION,
					    .lanes = 2,
					    .slots = SLOTS,
					    .urgent_slots = URGENT,
					    .local_slots = 4,
					    .flows = FLOWS};

static struct myc_slot *slots(void)
{
	return (void *)(block_memory + myc_lane_offset(block, 1) + FLOWS * sizeof(struct myc_flow));
}

static void reopen(void)
{
	myc_lane_out_open(&out, block, 1);
	out.cursor = &half->cursor;
	assert_int_equal(myc_lane_in_open(&in, block, block, 1, half), 0);
}

/* A lane that looks as if `messages` had been sent and received. */
static void open_at(uint32_t messages)
{
	memset(block_memory, 0, sizeof(block_memory));
	memset(half_memory, 0, sizeof(half_memory));
	assert_true(myc_lanes_size(&parameters) <= sizeof(block_memory));
	assert_int_equal(myc_lanes_init(block, sizeof(block_memory), &parameters), 0);
	for (uint32_t i = 0; messages && i < SLOTS; i++)
		slots()[(messages - 1 - i) % SLOTS].sequence = messages - i;
	((struct myc_flow *)(void *)slots())[-FLOWS].sent = myc_pair(0, messages);
	half->progress.ring[MYC_RING_ORDINARY].both = myc_pair(messages, messages);
	half->cursor.next[MYC_RING_ORDINARY] = messages;
	reopen();
}

static void push(enum myc_lane_ring ring, uint32_t flow, uint32_t value)
{
	assert_false(myc_lane_full(&out, ring));
	uint32_t number = myc_lane_push(&out, ring, myc_slot_kind(0, sizeof(value), 0),
					myc_slot_to(0, 0, flow), 0, &value, sizeof(value));

	if (ring == MYC_RING_ORDINARY)
		myc_lane_sent(&out.flow[flow].sent, myc_pair_high(out.flow[flow].sent) + 1, number);
}

static uint32_t take(enum myc_lane_ring ring)
{
	struct myc_slot slot = {0};
	uint32_t value;

	assert_true(myc_lane_ready(&in, ring));
	assert_int_equal(myc_lane_peek(&in, ring, &slot), 1);
	memcpy(&value, slot.payload, sizeof(value));
	myc_lane_begin(&in, ring);
	myc_lane_count(&in, slot.flow, in.next[ring] + 1, myc_pair_high(in.counted[slot.flow]) + 1);
	myc_lane_done(&in, ring);
	myc_lane_publish_some(&in, ring);
	return value;
}

static void assert_empty(enum myc_lane_ring ring)
{
	struct myc_slot slot;

	assert_false(myc_lane_ready(&in, ring));
	assert_int_equal(myc_lane_peek(&in, ring, &slot), 0);
}

static void numbers_wrap_and_every_end_can_be_reopened_there(void **state)
{
	(void)state;
	for (uint32_t back = 0; back < 3 * SLOTS; back++) {
		uint32_t value = 0;

		open_at(0u - back);
		for (uint32_t round = 0; round < 2 * SLOTS; round++) {
			uint32_t burst = 1 + round % SLOTS;

			for (uint32_t i = 0; i < burst; i++)
				push(MYC_RING_ORDINARY, 0, value + i);
			for (uint32_t i = 0; i < burst; i++)
				assert_int_equal(take(MYC_RING_ORDINARY), value + i);
			assert_empty(MYC_RING_ORDINARY);
			value += burst;
			myc_lane_publish(&in, MYC_RING_ORDINARY);
			reopen();
			assert_int_equal(out.head[MYC_RING_ORDINARY], value - back);
			assert_int_equal(in.next[MYC_RING_ORDINARY], value - back);
			assert_int_equal(myc_pair_high(out.flow[0].sent), value);
		}
	}
}

static void a_full_lane_takes_nothing_until_the_cursor_moves(void **state)
{
	(void)state;
	open_at(0u - 3);
	for (uint32_t i = 0; i < SLOTS; i++)
		push(MYC_RING_ORDINARY, i % FLOWS, i);
	assert_true(myc_lane_full(&out, MYC_RING_ORDINARY));
	/* Done, but not published: the slots are still the receiver's. */
	for (uint32_t i = 0; i + 1 < in.every; i++)
		assert_int_equal(take(MYC_RING_ORDINARY), i);
	assert_true(myc_lane_full(&out, MYC_RING_ORDINARY));
	assert_int_equal(take(MYC_RING_ORDINARY), in.every - 1);
	assert_false(myc_lane_full(&out, MYC_RING_ORDINARY));
}

static void the_urgent_ring_is_apart(void **state)
{
	(void)state;
	open_at(0);
	for (uint32_t i = 0; i < SLOTS; i++)
		push(MYC_RING_ORDINARY, 1, i);
	assert_true(myc_lane_full(&out, MYC_RING_ORDINARY));
	uint64_t sent = out.flow[1].sent;

	for (uint32_t i = 0; i < URGENT; i++)
		push(MYC_RING_URGENT, 1, 100 + i);
	assert_true(myc_lane_full(&out, MYC_RING_URGENT));
	assert_int_equal(out.flow[1].sent, sent); /* urgent messages need no credit */
	for (uint32_t i = 0; i < URGENT; i++)
		assert_int_equal(take(MYC_RING_URGENT), 100 + i);
	assert_empty(MYC_RING_URGENT);
	assert_int_equal(take(MYC_RING_ORDINARY), 0);
	assert_false(myc_lane_full(&out, MYC_RING_URGENT));
}

static void only_the_next_number_and_the_round_before_are_possible(void **state)
{
	static const uint32_t at[] = {1, 5, SLOTS, 100, 0x80000000u, 0u - 1, 0u - SLOTS};
	struct myc_slot slot;

	(void)state;
	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		for (int32_t off = -2 * SLOTS; off <= 2 * SLOTS; off++) {
			uint32_t sequence = at[i] + 1 + (uint32_t)off;
			int expected = off == 0 ? 1 : off == -SLOTS || sequence == 0 ? 0 : -EPROTO;

			open_at(at[i]);
			slots()[at[i] % SLOTS].sequence = sequence;
			assert_int_equal(myc_lane_peek(&in, MYC_RING_ORDINARY, &slot), expected);
			assert_int_equal(myc_lane_ready(&in, MYC_RING_ORDINARY), expected != 0);
		}
}

static void a_flow_that_is_being_written_or_out_of_range_is_not_read(void **state)
{
	struct myc_flow copy;

	(void)state;
	open_at(0);
	assert_int_equal(myc_lane_flow_read(&in, 2, &copy), 0); /* free */
	myc_lane_flow_write(&out.flow[2], 11, 22, 33, 0);
	assert_true(myc_lane_flow_read(&in, 2, &copy) != 0);
	assert_true(copy.from == 11 && copy.to == 22 && copy.base == 33);
	assert_int_equal(myc_lane_flow_read(&in, FLOWS, &copy), 0);
	out.flow[2].epoch |= 1;
	assert_int_equal(myc_lane_flow_read(&in, 2, &copy), 0);
	reopen(); /* its writer died: the successor frees it */
	assert_int_equal(out.flow[2].epoch & 1, 0);
	assert_int_equal(myc_lane_flow_read(&in, 2, &copy), 0);
}

static void a_mended_lane_goes_on_where_reception_stopped(void **state)
{
	static const uint32_t at[] = {0, 3, SLOTS, 100, 0u - 2};
	struct myc_flow copy;

	(void)state;
	for (unsigned i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		open_at(at[i]);
		for (uint32_t n = 0; n < 3; n++)
			push(MYC_RING_ORDINARY, 1, n);
		assert_int_equal(take(MYC_RING_ORDINARY), 0);
		myc_lane_publish(&in, MYC_RING_ORDINARY);
		in.limit[1] = 7;
		memset(slots(), 0xa5, (SLOTS + URGENT) * sizeof(struct myc_slot));
		memset(out.flow, 0x5a, FLOWS * sizeof(struct myc_flow));
		myc_lane_out_open(&out, block, 1);
		out.cursor = &half->cursor;
		myc_lane_out_mend(&out, half);
		for (int again = 0; again < 2; again++) { /* and so it stays for the next one */
			assert_int_equal(out.head[MYC_RING_ORDINARY], at[i] + 1);
			assert_int_equal(myc_pair_high(out.flow[1].sent), 7);
			assert_int_equal(myc_lane_flow_read(&in, 1, &copy), 0);
			assert_empty(MYC_RING_ORDINARY);
			assert_empty(MYC_RING_URGENT);
			reopen();
		}
		for (uint32_t n = 0; n < 2 * SLOTS; n++) {
			push(MYC_RING_ORDINARY, 1, n);
			push(MYC_RING_URGENT, 1, n);
			assert_int_equal(take(MYC_RING_ORDINARY), n);
			assert_int_equal(take(MYC_RING_URGENT), n);
		}
		assert_int_equal(myc_pair_high(out.flow[1].sent), 7 + 2 * SLOTS);
	}
}

static void a_block_that_does_not_add_up_is_refused(void **state)
{
	struct myc_lanes copy, wrong[] = {parameters, parameters, parameters, parameters};

	(void)state;
	open_at(0);
	assert_int_equal(myc_lanes_check(block, sizeof(block_memory), &copy), 0);
	assert_int_equal(myc_lanes_check(block, myc_lanes_size(block) - 1, &copy), -EPROTO);
	wrong[0].slots = 3;
	wrong[1].lanes = 65537;
	wrong[2].flows = 0;
	wrong[3].urgent_slots = 2 * MYC_LANE_SLOTS_MAX;
	for (int i = 0; i < 4; i++) {
		assert_int_equal(myc_lanes_init(block, sizeof(block_memory), &wrong[i]), -EPROTO);
		*block = wrong[i];
		assert_int_equal(myc_lanes_check(block, sizeof(block_memory), &copy), -EPROTO);
	}
	block->version = 0;
	assert_int_equal(myc_lanes_check(block, sizeof(block_memory), &copy), -EAGAIN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_wrap_and_every_end_can_be_reopened_there),
		cmocka_unit_test(a_full_lane_takes_nothing_until_the_cursor_moves),
		cmocka_unit_test(the_urgent_ring_is_apart),
		cmocka_unit_test(only_the_next_number_and_the_round_before_are_possible),
		cmocka_unit_test(a_flow_that_is_being_written_or_out_of_range_is_not_read),
		cmocka_unit_test(a_mended_lane_goes_on_where_reception_stopped),
		cmocka_unit_test(a_block_that_does_not_add_up_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
