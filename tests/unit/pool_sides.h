/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Three processes that exchange message buffers, for tests that stop or kill them at named points: an
 * owner lends shares, the first holder lends on to the second. The including test defines MYC_POINT
 * as point(), point() itself, and must(), what a side does when something is wrong.
 *
 *	owner --lane 0--> first holder --lane 1--> second holder
 *	      --lane 2--------------------------->
 *	      --lane 3--> itself
 */
#ifndef TESTS_UNIT_POOL_SIDES_H
#define TESTS_UNIT_POOL_SIDES_H

#include <string.h>
#include <unistd.h>

/* The code under test, with its points. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "memory/pool.c"
#include "memory/pool_ledger.c"
#include "memory/pool_recover.c"
/* NOLINTEND(bugprone-suspicious-include) */
#include "memory/lane.h"

#define BUFFER 64

enum { OWNER, FIRST, SECOND, SIDES };
enum { TO_FIRST, FIRST_TO_SECOND, TO_SECOND, TO_ITSELF, LANES };

static const uint32_t lane_receiver[LANES] = {FIRST, SECOND, SECOND, OWNER};

struct message {
	struct myc_reference reference;
	uint32_t stamp; /* what the buffer is filled with */
};

/* Regions and lanes: what a killed process leaves. */
static struct myc_region region[SIDES];
static struct shared {
	_Alignas(64) char lanes[LANES][4096];
	_Alignas(64) char in[LANES][1024];
	/* What the world outside has seen. */
	uint32_t sent, stamp, doubted;
	uint64_t incarnation[SIDES];
	uint32_t stop; /* everybody is to end */
	uint32_t home; /* the owner has sent all, and has all back */
} * shared;
static void *fresh[SIDES];
static struct myc_pool_opts opts[SIDES];
static struct myc_pool pool_of[SIDES]; /* private to its side */
static uint32_t messages;	       /* the owner is to send */

static struct myc_lanes *lanes_block(uint32_t lane)
{
	return (struct myc_lanes *)(void *)shared->lanes[lane];
}

static struct myc_lane_in *half(uint32_t lane)
{
	return (struct myc_lane_in *)(void *)shared->in[lane];
}

static uint64_t name_of(uint32_t lane, uint32_t position)
{
	return (uint64_t)(lane + 1) << 32 | position;
}

static const struct myc_slot *slot_of(uint32_t lane, uint32_t position)
{
	const struct myc_lanes *block = lanes_block(lane);
	const struct myc_flow *flow =
		(const void *)(shared->lanes[lane] + myc_lane_offset(block, 1));
	const struct myc_slot *slot = (const void *)(flow + block->flows);

	return &slot[(position - 1) & (block->slots - 1)];
}

static bool lane_published(void *context, uint64_t holder, uint64_t ticket)
{
	(void)context;
	(void)holder;
	uint32_t lane = (uint32_t)(ticket >> 32) - 1, position = (uint32_t)ticket;
	uint32_t sequence = slot_of(lane, position)->sequence;

	return sequence && (int32_t)(sequence - position) >= 0;
}

/* ---- sending and receiving --------------------------------------------------------------------- */

static struct myc_lane_out lane_out[LANES];
static struct myc_lane_inward lane_in[LANES];

static void open_out(uint32_t lane)
{
	myc_lane_out_open(&lane_out[lane], lanes_block(lane), 1);
	lane_out[lane].cursor = &half(lane)->cursor;
}

/* Sends the n-th part of a hold; waits for room in the lane. */
static int send(struct myc_pool *pool, uint32_t lane, uint32_t hold, uint32_t parts, uint32_t stamp)
{
	struct myc_lane_out *out = &lane_out[lane];
	struct message message = {.stamp = stamp};

	while (myc_lane_full(out, MYC_RING_ORDINARY)) {
		myc_pool_flush(pool);
		point("waits");
	}
	int code = myc_pool_lend(pool, hold, parts, name_of(lane, out->head[MYC_RING_ORDINARY] + 1),
				 0, BUFFER, &message.reference);

	if (code)
		return code;
	uint32_t number =
		myc_lane_push(out, MYC_RING_ORDINARY, myc_slot_kind(0, sizeof(message), 0), 0, 0,
			      &message, sizeof(message));

	myc_lane_sent(&out->flow[0].sent, myc_pair_high(out->flow[0].sent) + 1, number);
	myc_pool_lent(pool);
	return 0;
}

static void open_pool(int side)
{
	struct myc_pool_place place = {.process = (uint32_t)side,
				       .incarnation = ++shared->incarnation[side],
				       .regions = region,
				       .processes = SIDES};

	must(myc_pool_open(&pool_of[side], &place, &opts[side]) == 0);
	uint64_t ticket = myc_pool_ticket(&pool_of[side]);

	if (ticket)
		myc_pool_settle(&pool_of[side], lane_published(NULL, 0, ticket));
}

static void assert_content(struct myc_pool *pool, uint32_t hold, uint32_t stamp)
{
	struct myc_view view;

	must(myc_pool_view(pool, hold, &view));
	must(view.size == BUFFER);
	for (uint32_t i = 0; i < BUFFER; i += 4)
		must(!memcmp(view.data + i, &stamp, 4));
}

/* Handles the lane's next message, begun by a predecessor or not. */
static void handle(struct myc_pool *pool, uint32_t lane, bool begun, uint32_t *kept,
		   uint32_t *kept_stamp)
{
	struct myc_lane_inward *in = &lane_in[lane];
	struct myc_slot slot = {0};
	struct message message;
	struct myc_view view;
	uint32_t position = in->next[MYC_RING_ORDINARY] + 1, hold = MYC_HOLD_NONE;

	must(myc_lane_peek(in, MYC_RING_ORDINARY, &slot) == 1);
	memcpy(&message, slot.payload, sizeof(message));
	must(myc_pool_check(pool, &message.reference, &view) == MYC_POOL_FINE);
	if (begun) {
		hold = myc_pool_find(pool, name_of(lane, position));
		myc_pool_recovered(pool);
		shared->doubted++;
	}
	while (hold == MYC_HOLD_NONE && !myc_pool_room(pool)) {
		myc_pool_flush(pool);
		point("waits");
	}
	if (!begun)
		myc_lane_begin(in, MYC_RING_ORDINARY);
	if (hold == MYC_HOLD_NONE)
		hold = myc_pool_credit(pool, &message.reference, name_of(lane, position));
	/* In doubt, it comes again or becomes a dead letter, by turns. */
	if (myc_pool_weight(pool, hold) && !(begun && position % 2)) {
		assert_content(pool, hold, message.stamp);
		point("handler");
		if (lane == TO_FIRST)
			send(pool, FIRST_TO_SECOND, hold, 1 + message.stamp % 2, message.stamp);
		if (myc_pool_weight(pool, hold) && *kept == MYC_HOLD_NONE &&
		    !myc_pool_keep(pool, hold, 1)) {
			*kept = hold;
			*kept_stamp = message.stamp;
		}
		point("handled");
	}
	/* Counted is done, though the lane's progress says so later only. */
	myc_lane_count(in, 0, position, position);
	myc_pool_done(pool, hold);
	myc_lane_done(in, MYC_RING_ORDINARY);
	myc_lane_publish_some(in, MYC_RING_ORDINARY);
}

static void open_in(struct myc_pool *pool, uint32_t lane, bool *recovered, uint32_t *kept,
		    uint32_t *kept_stamp)
{
	struct myc_lane_inward *in = &lane_in[lane];

	if (!myc_lane_in_open(in, lanes_block(lane), lanes_block(lane), 1, half(lane)))
		return;
	if (myc_pair_low(in->counted[0]) == in->next[MYC_RING_ORDINARY] + 1) {
		myc_lane_done(in, MYC_RING_ORDINARY);
		return;
	}
	handle(pool, lane, true, kept, kept_stamp);
	*recovered = true;
}

/* Opens what a side receives from, after its pool; gives back what nobody claims. */
static void begin(struct myc_pool *pool, uint32_t side, uint32_t *kept, uint32_t *kept_stamp)
{
	bool recovered = false;

	/* One executor has at most one message in hand. */
	for (uint32_t lane = 0; lane < LANES; lane++)
		if (lane_receiver[lane] == side)
			open_in(pool, lane, &recovered, kept, kept_stamp);
	if (!recovered)
		myc_pool_recovered(pool);
}

/* A message of each lane; else gives back what is kept. False: there was nothing to do. */
static bool turn(struct myc_pool *pool, uint32_t side, uint32_t *kept, uint32_t *kept_stamp)
{
	bool something = false;

	myc_pool_flush(pool);
	for (uint32_t lane = 0; lane < LANES; lane++) {
		if (lane_receiver[lane] != side)
			continue;
		if (!myc_lane_ready(&lane_in[lane], MYC_RING_ORDINARY)) {
			myc_lane_publish(&lane_in[lane], MYC_RING_ORDINARY);
			continue;
		}
		handle(pool, lane, false, kept, kept_stamp);
		something = true;
	}
	if (something || *kept == MYC_HOLD_NONE)
		return something;
	assert_content(pool, *kept, *kept_stamp);
	myc_pool_give(pool, *kept);
	*kept = MYC_HOLD_NONE;
	return true;
}

static void holder(int side)
{
	struct myc_pool *pool = &pool_of[side];
	uint32_t kept = MYC_HOLD_NONE, kept_stamp = 0;

	if (side == FIRST)
		open_out(FIRST_TO_SECOND);
	open_pool(side);
	begin(pool, (uint32_t)side, &kept, &kept_stamp);
	while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE))
		if (!turn(pool, (uint32_t)side, &kept, &kept_stamp))
			point("waits");
}

static void say(struct myc_pool *pool, uint32_t hold)
{
	uint32_t size = 0, stamp = ++shared->stamp;
	uint32_t *body = myc_pool_body(pool, hold, &size);

	must(size == BUFFER);
	for (uint32_t i = 0; i < BUFFER / 4; i++)
		body[i] = stamp;
	point("written");
	switch (stamp % 3) {
	case 0: /* to both */
		must(send(pool, TO_FIRST, hold, 2, stamp) == 0);
		must(send(pool, TO_SECOND, hold, 1, stamp) == 0);
		break;
	case 1:
		must(send(pool, TO_FIRST, hold, 1, stamp) == 0);
		break;
	default: /* shares, and the rest is kept a while */
		must(send(pool, TO_FIRST, hold, 3, stamp) == 0);
		must(send(pool, TO_ITSELF, hold, 2, stamp) == 0);
		point("owner: keeps the rest");
		myc_pool_give(pool, hold);
	}
	__atomic_store_n(&shared->sent, shared->sent + 1, __ATOMIC_RELEASE);
}

static bool all_home(const struct myc_pool *pool)
{
	for (uint32_t i = 0; i < pool->shape.buffers; i++)
		if (pool->buffer[i].out)
			return false;
	return true;
}

static void owner(void)
{
	struct myc_pool *pool = &pool_of[OWNER];
	uint32_t kept = MYC_HOLD_NONE, kept_stamp = 0, hold;

	open_out(TO_FIRST);
	open_out(TO_SECOND);
	open_out(TO_ITSELF);
	open_pool(OWNER);
	begin(pool, OWNER, &kept, &kept_stamp);
	while (!__atomic_load_n(&shared->stop, __ATOMIC_ACQUIRE)) {
		for (uint32_t p = FIRST; p <= SECOND; p++)
			myc_pool_scan_source(pool, p, 0);
		myc_pool_collect(pool, 8);
		bool something = turn(pool, OWNER, &kept, &kept_stamp);

		if (shared->sent < messages && !myc_pool_take(pool, BUFFER, &hold))
			say(pool, hold);
		else if (!something) {
			if (shared->sent >= messages && all_home(pool))
				__atomic_store_n(&shared->home, 1, __ATOMIC_RELEASE);
			point("waits");
		}
	}
}

/* ---- the sums ---------------------------------------------------------------------------------- */

/* While nobody runs. */
static void count_weights(struct myc_pool_sums *sums)
{
	uint64_t found[8], size[SIDES];
	struct myc_census census = {.published = lane_published};
	const struct myc_pools *block[SIDES];

	for (uint32_t s = 0; s < SIDES; s++)
		block[s] = myc_region_block(&region[s], MYC_BLOCK_POOL, 0, &size[s]);
	*sums = (struct myc_pool_sums){0};
	if (!block[OWNER]->version) /* it has not begun */
		return;
	assert_int_equal(myc_census_begin(&census, block[OWNER], size[OWNER],
					  myc_lane_end(OWNER, 0), found, 8),
			 0);
	for (uint32_t s = 0; s < SIDES; s++)
		if (block[s]->version)
			assert_int_equal(
				myc_census_holder(&census, block[s], size[s], myc_lane_end(s, 0)),
				0);
	for (uint32_t lane = 0; lane < LANES; lane++) {
		uint32_t done;

		(void)myc_progress_in_hand(half(lane)->progress.ring[MYC_RING_ORDINARY].both,
					   &done);
		const uint64_t *counted = (const void *)(half(lane) + 1);
		uint32_t to = lane_receiver[lane];

		for (uint32_t position = done + 1; position <= done + lanes_block(lane)->slots;
		     position++) {
			const struct myc_slot *slot = slot_of(lane, position);
			struct message message;

			if (slot->sequence != position || position == myc_pair_low(*counted) ||
			    (block[to]->version &&
			     myc_census_credited(block[to], size[to], name_of(lane, position))))
				continue;
			memcpy(&message, slot->payload, sizeof(message));
			myc_census_message(&census, &message.reference);
		}
	}
	assert_int_equal(myc_census_end(&census, sums), 0);
	assert_true(sums->home + sums->found == sums->total);
}

/* ---- the world --------------------------------------------------------------------------------- */

static void make_regions(uint32_t capacity)
{
	for (int s = 0; s < SIDES; s++) {
		struct myc_region_plan plan = {0};

		opts[s] = (struct myc_pool_opts){.peers = SIDES,
						 .loans = capacity + (s == FIRST),
						 .slots = capacity < 3 ? capacity : 4};
		if (s == OWNER) {
			opts[s].size_class[0].size = BUFFER;
			opts[s].size_class[0].count = capacity;
		}
		assert_int_equal(myc_pool_plan(&plan, 0, &opts[s]), 0);
		int fd = myc_region_create("pool", &plan, NULL);

		assert_true(fd >= 0);
		assert_int_equal(myc_region_map(&region[s], fd, MYC_REGION_OWNER, NULL), 0);
		close(fd);
		fresh[s] = malloc(region[s].size);
		assert_non_null(fresh[s]);
		memcpy(fresh[s], region[s].base, region[s].size);
	}
}

static void drop_regions(void)
{
	for (int s = 0; s < SIDES; s++) {
		myc_region_unmap(&region[s]);
		free(fresh[s]);
	}
}

static void reset(uint32_t capacity)
{
	struct myc_lanes head = {.version = MYC_LANE_VERSION,
				 .lanes = 2,
				 .slots = capacity < 3 ? capacity : 4,
				 .urgent_slots = 1,
				 .local_slots = 1,
				 .flows = 1};

	memset(shared, 0, sizeof(*shared));
	for (uint32_t lane = 0; lane < LANES; lane++)
		assert_int_equal(
			myc_lanes_init(lanes_block(lane), sizeof(shared->lanes[lane]), &head), 0);
	for (int s = 0; s < SIDES; s++)
		memcpy(region[s].base, fresh[s], region[s].size);
}

static void assert_no_faults(void)
{
	for (int s = 0; s < SIDES; s++) {
		const struct myc_pools *block =
			myc_region_block(&region[s], MYC_BLOCK_POOL, 0, NULL);

		for (int f = 0; f < MYC_POOL_FAULTS_COUNT - 1; f++)
			assert_int_equal(block->faults[f], 0);
	}
}

#endif
