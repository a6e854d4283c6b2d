/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message buffers: taken and given back by one thread; and handed to the other core with a message
 * through a lane, beside the machine's own limit, the same bytes handed over in one fixed place. One-way
 * = half a round trip: both sides read a word of each line, write all bytes, hand over, and then, as
 * after a handler, give back.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "common/bench.h"
#include "memory/lane.h"
#include "memory/pool.h"

#define RUNS  7
#define TRIPS 100000
#define LOCAL 10000000
#define LARGE 4096

enum { HERE, THERE, SIDES };

static void fill(uint64_t *body, uint32_t size, uint64_t value)
{
	for (uint32_t i = 0; i < size / 8; i++)
		body[i] = value;
}

/* A word of each line; all must be what was written. */
static void read_all(const uint64_t *body, uint32_t size, uint64_t value)
{
	uint64_t wrong = 0;

	for (uint32_t i = 0; i < size / 8; i += 8)
		wrong |= body[i] ^ value;
	if (wrong)
		abort();
}

/* ---- the limit --------------------------------------------------------------------------------- */

static struct {
	_Alignas(128) uint64_t sequence;
	_Alignas(128) uint64_t body[LARGE / 8];
} line[SIDES];

static uint32_t raw_size; /* 0: the line alone */

static void raw_send(int side, uint64_t number)
{
	fill(line[side].body, raw_size, number);
	__atomic_store_n(&line[side].sequence, number, __ATOMIC_RELEASE);
}

static void raw_receive(int side, uint64_t number)
{
	while (__atomic_load_n(&line[side].sequence, __ATOMIC_ACQUIRE) != number)
		;
	read_all(line[side].body, raw_size, number);
}

static void *raw_answer(void *unused)
{
	bench_pin(1);
	for (uint64_t i = 1; i <= TRIPS; i++) {
		raw_receive(HERE, i);
		raw_send(THERE, i);
	}
	return unused;
}

static double raw(uint32_t size)
{
	static struct myc_histogram trips;
	pthread_t thread;

	memset(&trips, 0, sizeof(trips));
	memset(line, 0, sizeof(line));
	raw_size = size;
	pthread_create(&thread, NULL, raw_answer, NULL);
	uint64_t before = myc_clock_ns();

	for (uint64_t i = 1; i <= TRIPS; i++) {
		raw_send(HERE, i);
		raw_receive(THERE, i);
		uint64_t now = myc_clock_ns();

		if (i > TRIPS / 10)
			myc_histogram_add(&trips, now - before);
		before = now;
	}
	pthread_join(thread, NULL);
	return (double)myc_histogram_quantile(&trips, 0.5) / 2;
}

/* ---- buffers ----------------------------------------------------------------------------------- */

static const struct myc_pool_opts opts = {.size_class = {{256, 64}, {LARGE, 16}}, .peers = SIDES};
static struct myc_region region;
static struct myc_pool pool[SIDES];
static _Alignas(64) char lanes_memory[SIDES][1 << 17];
static _Alignas(64) char half_memory[SIDES][1024];
static struct myc_lane_out out[SIDES];
static struct myc_lane_inward in[SIDES];
static uint32_t body_size;

static void must(bool holds, const char *what)
{
	if (holds)
		return;
	fprintf(stderr, "pool_bench: %s\n", what);
	exit(1);
}

static void open_region(void)
{
	struct myc_region_plan plan = {0};

	for (uint32_t s = 0; s < SIDES; s++)
		must(!myc_pool_plan(&plan, s, &opts), "planning");
	int fd = myc_region_create("pool-bench", &plan, NULL);

	must(fd >= 0 && !myc_region_map(&region, fd, MYC_REGION_OWNER, NULL), "no region");
	close(fd);
	for (uint32_t s = 0; s < SIDES; s++) {
		struct myc_pool_place place = {
			.source = s, .incarnation = 1, .regions = &region, .processes = 1};

		must(!myc_pool_open(&pool[s], &place, &opts), "no pool");
		myc_pool_recovered(&pool[s]);
	}
}

static void open_lanes(void)
{
	const struct myc_lanes head = {.version = MYC_LANE_VERSION,
				       .lanes = 2,
				       .slots = 256,
				       .urgent_slots = 1,
				       .local_slots = 1,
				       .flows = 1};

	memset(lanes_memory, 0, sizeof(lanes_memory));
	memset(half_memory, 0, sizeof(half_memory));
	for (int s = 0; s < SIDES; s++) {
		struct myc_lanes *block = (void *)lanes_memory[s];
		struct myc_lane_in *half = (void *)half_memory[s];

		must(!myc_lanes_init(block, sizeof(lanes_memory[s]), &head), "no lane");
		myc_lane_out_open(&out[s], block, 1);
		out[s].cursor = &half->cursor;
		myc_lane_in_open(&in[s], block, block, 1, half);
	}
}

static void collect(int side)
{
	if (!pool[side].inwards)
		myc_pool_scan_source(&pool[side], 0, (uint32_t)!side);
	myc_pool_collect(&pool[side], 16);
}

/* Side's lane goes to the other. */
static void pool_send(int side, uint64_t number)
{
	struct myc_reference reference;
	uint32_t hold;

	must(!myc_pool_take(&pool[side], body_size, &hold), "no buffer free");
	fill(myc_pool_body(&pool[side], hold, NULL), body_size, number);
	must(!myc_lane_full(&out[side], MYC_RING_ORDINARY), "lane full");
	must(!myc_pool_lend(&pool[side], hold, 1, out[side].head[MYC_RING_ORDINARY] + 1, 0,
			    body_size, &reference),
	     "not lent");
	uint32_t sent =
		myc_lane_push(&out[side], MYC_RING_ORDINARY, myc_slot_kind(0, sizeof(reference), 0),
			      0, 0, &reference, sizeof(reference));

	myc_lane_sent(&out[side].flow[0].sent, sent, sent);
	myc_lane_fetch_ahead(&out[side], MYC_RING_ORDINARY, sent);
	myc_pool_lent(&pool[side]);
}

static uint32_t pool_receive(int side, uint64_t number)
{
	struct myc_lane_inward *lane = &in[!side];
	_Alignas(64) struct myc_slot slot;
	struct myc_reference reference;
	struct myc_view view;

	while (!myc_lane_peek(lane, MYC_RING_ORDINARY, &slot))
		;
	memcpy(&reference, slot.payload, sizeof(reference));
	must(!myc_pool_check(&pool[side], &reference, &view) && myc_pool_room(&pool[side]),
	     "not received");
	myc_lane_begin(lane, MYC_RING_ORDINARY);
	uint32_t hold = myc_pool_credit(&pool[side], &reference, number);

	read_all((const uint64_t *)(const void *)view.data, view.size, number);
	return hold;
}

/* The handler has returned, having sent its answer. */
static void pool_done(int side, uint32_t hold)
{
	struct myc_lane_inward *lane = &in[!side];

	uint32_t position = lane->next[MYC_RING_ORDINARY] + 1;

	myc_lane_count(lane, 0, position, position);
	myc_lane_done(lane, MYC_RING_ORDINARY);
	myc_lane_publish_some(lane, MYC_RING_ORDINARY);
	myc_pool_done(&pool[side], hold);
	collect(side);
}

static void *pool_answer(void *unused)
{
	bench_pin(1);
	for (uint64_t i = 1; i <= TRIPS; i++) {
		uint32_t hold = pool_receive(THERE, i);

		pool_send(THERE, i);
		pool_done(THERE, hold);
	}
	return unused;
}

static double hand_over(uint32_t size)
{
	static struct myc_histogram trips;
	pthread_t thread;

	memset(&trips, 0, sizeof(trips));
	open_lanes();
	body_size = size;
	pthread_create(&thread, NULL, pool_answer, NULL);
	uint32_t hold = MYC_HOLD_NONE;
	uint64_t before = myc_clock_ns();

	for (uint64_t i = 1; i <= TRIPS; i++) {
		pool_send(HERE, i);
		if (hold != MYC_HOLD_NONE)
			pool_done(HERE, hold);
		hold = pool_receive(HERE, i);
		uint64_t now = myc_clock_ns();

		if (i > TRIPS / 10)
			myc_histogram_add(&trips, now - before);
		before = now;
	}
	pool_done(HERE, hold);
	pthread_join(thread, NULL);
	return (double)myc_histogram_quantile(&trips, 0.5) / 2;
}

static double take_and_give(void)
{
	uint64_t before = myc_clock_ns();

	for (int i = 0; i < LOCAL; i++) {
		uint32_t hold;

		if (myc_pool_take(&pool[HERE], 256, &hold))
			abort();
		/* As its user: the compiler knows nothing of the pool after it. */
		myc_order_copied(myc_pool_body(&pool[HERE], hold, NULL));
		myc_pool_give(&pool[HERE], hold);
	}
	return (double)(myc_clock_ns() - before) / LOCAL;
}

/* The whole way of a message to an actor of the same executor, but for the lane. */
static double lend_and_return(void)
{
	uint64_t before = myc_clock_ns();

	for (uint64_t i = 1; i <= LOCAL; i++) {
		struct myc_reference reference;
		struct myc_view view;
		uint32_t hold;

		if (myc_pool_take(&pool[HERE], 256, &hold) ||
		    myc_pool_lend(&pool[HERE], hold, 1, i, 0, 256, &reference))
			abort();
		myc_pool_lent(&pool[HERE]);
		myc_order_copied(&reference);
		if (myc_pool_check(&pool[HERE], &reference, &view))
			abort();
		myc_pool_done(&pool[HERE], myc_pool_credit(&pool[HERE], &reference, i));
	}
	return (double)(myc_clock_ns() - before) / LOCAL;
}

int main(void)
{
	struct bench bench;

	open_region();
	bench_begin(&bench, "pool", "message buffers, spinning threads on cores 0 and 1");
	bench_pin(0);
	for (int i = 0; i < RUNS; i++) {
		bench_sample(&bench, "take and give back, one thread", "ns", take_and_give());
		bench_sample(&bench, "take, lend, credit, return, one thread", "ns",
			     lend_and_return());
		bench_sample(&bench, "raw cache line hand-over, p50", "ns", raw(0));
		bench_sample(&bench, "raw 256 B hand-over, p50", "ns", raw(256));
		bench_sample(&bench, "256 B by reference, one-way, p50", "ns", hand_over(256));
		bench_sample(&bench, "raw 4 KiB hand-over, p50", "ns", raw(LARGE));
		bench_sample(&bench, "4 KiB by reference, one-way, p50", "ns", hand_over(LARGE));
	}
	bench_raw(&bench, "256 B by reference, one-way, p50", "raw 256 B hand-over, p50");
	bench_raw(&bench, "4 KiB by reference, one-way, p50", "raw 4 KiB hand-over, p50");
	bench_raw(&bench, "raw 256 B hand-over, p50", "raw cache line hand-over, p50");
	bench_raw(&bench, "raw 4 KiB hand-over, p50", "raw cache line hand-over, p50");
	bench_bar(&bench, "take and give back, one thread", BENCH_AT_MOST, 10);
	for (int s = 0; s < SIDES; s++)
		myc_pool_close(&pool[s]);
	myc_region_unmap(&region);
	return bench_finish(&bench);
}
