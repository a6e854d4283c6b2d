/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Message buffers between three processes, stopped between any two stores: an owner that lends shares,
 * and two holders, the first of which lends on to the second, are coroutines that give way at every
 * MYC_POINT. Played are schedules with two preemptions, and those with one where any of the three is
 * killed at each of its points and started again, with one to three buffers, loans and ring slots.
 * After every step the weights are counted; what is read must be what was written.
 *
 *	owner --lane 0--> first holder --lane 1--> second holder
 *	      --lane 2--------------------------->
 */
#include "common/test.h"

#include <string.h>
#include <ucontext.h>
#include <unistd.h>

static void point(const char *name);
#define MYC_POINT(name) point(name)

/* The code under test, with its points. */
/* NOLINTBEGIN(bugprone-suspicious-include) */
#include "memory/pool.c"
#include "memory/pool_ledger.c"
#include "memory/pool_recover.c"
/* NOLINTEND(bugprone-suspicious-include) */
#include "memory/lane.h"

#define MESSAGES   3
#define STACK	   65536
#define POINTS_MAX 600
#define BUFFER	   64

enum { OWNER, FIRST, SECOND, SIDES };
enum { TO_FIRST, FIRST_TO_SECOND, TO_SECOND, LANES };

static const uint32_t lane_receiver[LANES] = {FIRST, SECOND, SECOND};

struct message {
	struct myc_reference reference;
	uint32_t stamp; /* what the buffer is filled with */
};

/* Regions and lanes: what a killed process leaves. */
static struct myc_region region[SIDES];
static struct {
	_Alignas(64) char lanes[LANES][4096];
	_Alignas(64) char in[LANES][1024];
} shared;
static void *fresh[SIDES];
static struct myc_pool_opts opts[SIDES];

/* What the world outside has seen. */
static struct {
	uint32_t sent, stamp, received, merged, doubted, spent;
	int deaths;
	uint32_t points[SIDES];
} world;

static struct {
	ucontext_t scheduler, side[SIDES];
	char stack[SIDES][STACK];
	struct myc_pool pool[SIDES]; /* private to their side, given back by the scheduler */
	uint64_t incarnation[SIDES];
	int running;
	uint32_t steps, quiet; /* steps in a row that were nothing but waiting */
	uint32_t preempt[2], hop;
	int victim;
	uint32_t death;
	bool die, waits;
} play;

static void point(const char *name)
{
	int side = play.running;

	if (side < 0)
		return;
	play.waits = !strcmp(name, "waits");
	play.quiet = play.waits ? play.quiet + 1 : 0;
	if (play.victim == side && ++world.points[side] == play.death) {
		play.die = true;
		play.victim = -1;
	}
	swapcontext(&play.side[side], &play.scheduler);
}

static struct myc_lanes *lanes_block(uint32_t lane)
{
	return (struct myc_lanes *)(void *)shared.lanes[lane];
}

static struct myc_lane_in *half(uint32_t lane)
{
	return (struct myc_lane_in *)(void *)shared.in[lane];
}

static uint64_t name_of(uint32_t lane, uint32_t position)
{
	return (uint64_t)(lane + 1) << 32 | position;
}

static const struct myc_slot *slot_of(uint32_t lane, uint32_t position)
{
	const struct myc_lanes *block = lanes_block(lane);
	const struct myc_flow *flow =
		(const void *)(shared.lanes[lane] + myc_lane_offset(block, 1));
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

/* ---- the sums ---------------------------------------------------------------------------------- */

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
		uint32_t done = myc_pair_low(half(lane)->progress.ring[MYC_RING_ORDINARY]);
		uint32_t to = lane_receiver[lane];

		for (uint32_t position = done + 1; position <= done + lanes_block(lane)->slots;
		     position++) {
			const struct myc_slot *slot = slot_of(lane, position);
			struct message message;

			if (slot->sequence != position ||
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
	struct myc_slot header = {.size = sizeof(struct message)};
	struct message message = {.stamp = stamp};

	while (myc_lane_full(out, MYC_RING_ORDINARY)) {
		myc_pool_flush(pool);
		point("waits");
	}
	int code = myc_pool_lend(pool, hold, parts, name_of(lane, out->head[MYC_RING_ORDINARY] + 1),
				 0, BUFFER, &message.reference);

	if (code)
		return code;
	myc_lane_push(out, MYC_RING_ORDINARY, &header, &message, sizeof(message));
	myc_pool_lent(pool);
	return 0;
}

static void open_pool(int side)
{
	struct myc_pool_place place = {.process = (uint32_t)side,
				       .incarnation = ++play.incarnation[side],
				       .regions = region,
				       .processes = SIDES};

	assert_int_equal(myc_pool_open(&play.pool[side], &place, &opts[side]), 0);
	uint64_t ticket = myc_pool_ticket(&play.pool[side]);

	if (ticket)
		myc_pool_settle(&play.pool[side], lane_published(NULL, 0, ticket));
}

static void assert_content(struct myc_pool *pool, uint32_t hold, uint32_t stamp)
{
	struct myc_view view;

	assert_true(myc_pool_view(pool, hold, &view));
	assert_int_equal(view.size, BUFFER);
	for (uint32_t i = 0; i < BUFFER; i += 4)
		assert_memory_equal(view.data + i, &stamp, 4);
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

	assert_int_equal(myc_lane_peek(in, MYC_RING_ORDINARY, &slot), 1);
	memcpy(&message, slot.payload, sizeof(message));
	assert_int_equal(myc_pool_check(pool, &message.reference, &view), MYC_POOL_FINE);
	if (begun) {
		hold = myc_pool_find(pool, name_of(lane, position));
		myc_pool_recovered(pool);
		world.doubted++;
		world.spent += hold != MYC_HOLD_NONE && !myc_pool_weight(pool, hold);
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
		world.received++;
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
	myc_lane_count(in, 0, position);
	myc_lane_done(in, MYC_RING_ORDINARY);
	myc_lane_publish_some(in, MYC_RING_ORDINARY);
	myc_pool_done(pool, hold);
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

static void holder(int side)
{
	struct myc_pool *pool = &play.pool[side];
	uint32_t kept = MYC_HOLD_NONE, kept_stamp = 0;
	bool recovered = false;

	if (side == FIRST)
		open_out(FIRST_TO_SECOND);
	open_pool(side);
	/* One executor has at most one message in hand. */
	for (uint32_t lane = 0; lane < LANES; lane++)
		if (lane_receiver[lane] == (uint32_t)side)
			open_in(pool, lane, &recovered, &kept, &kept_stamp);
	if (!recovered)
		myc_pool_recovered(pool);
	for (;;) {
		bool something = false;

		myc_pool_flush(pool);
		for (uint32_t lane = 0; lane < LANES; lane++) {
			if (lane_receiver[lane] != (uint32_t)side)
				continue;
			if (!myc_lane_ready(&lane_in[lane], MYC_RING_ORDINARY)) {
				myc_lane_publish(&lane_in[lane], MYC_RING_ORDINARY);
				continue;
			}
			handle(pool, lane, false, &kept, &kept_stamp);
			something = true;
		}
		world.merged += (uint32_t)pool->block->merged;
		if (something)
			continue;
		if (kept != MYC_HOLD_NONE) {
			assert_content(pool, kept, kept_stamp);
			myc_pool_give(pool, kept);
			kept = MYC_HOLD_NONE;
			continue;
		}
		point("waits");
	}
}

static void first(void)
{
	holder(FIRST);
}

static void second(void)
{
	holder(SECOND);
}

static void owner(void)
{
	struct myc_pool *pool = &play.pool[OWNER];

	open_out(TO_FIRST);
	open_out(TO_SECOND);
	open_pool(OWNER);
	myc_pool_recovered(pool);
	for (;;) {
		uint32_t hold, size, stamp;

		for (uint32_t p = FIRST; p <= SECOND; p++)
			myc_pool_scan_source(pool, p, 0);
		myc_pool_collect(pool, 8);
		if (world.sent == MESSAGES || myc_pool_take(pool, BUFFER, &hold)) {
			point("waits");
			continue;
		}
		stamp = ++world.stamp;
		uint32_t *body = myc_pool_body(pool, hold, &size);

		assert_int_equal(size, BUFFER);
		for (uint32_t i = 0; i < BUFFER / 4; i++)
			body[i] = stamp;
		point("written");
		switch (stamp % 3) {
		case 0: /* to both */
			assert_int_equal(send(pool, TO_FIRST, hold, 2, stamp), 0);
			assert_int_equal(send(pool, TO_SECOND, hold, 1, stamp), 0);
			break;
		case 1:
			assert_int_equal(send(pool, TO_FIRST, hold, 1, stamp), 0);
			break;
		default: /* a share, and the rest is kept a while */
			assert_int_equal(send(pool, TO_FIRST, hold, 2, stamp), 0);
			point("owner: keeps the rest");
			myc_pool_give(pool, hold);
		}
		world.sent++;
	}
}

/* ---- schedules --------------------------------------------------------------------------------- */

static void launch(int side)
{
	static void (*const entry[SIDES])(void) = {owner, first, second};

	getcontext(&play.side[side]);
	play.side[side].uc_stack.ss_sp = play.stack[side];
	play.side[side].uc_stack.ss_size = STACK;
	play.side[side].uc_link = &play.scheduler;
	makecontext(&play.side[side], entry[side], 0);
}

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

static void setup(uint32_t capacity)
{
	struct myc_lanes head = {.version = MYC_LANE_VERSION,
				 .lanes = 2,
				 .slots = capacity < 3 ? capacity : 4,
				 .urgent_slots = 1,
				 .local_slots = 1,
				 .flows = 1};

	memset(&shared, 0, sizeof(shared));
	memset(&world, 0, sizeof(world));
	memset(play.incarnation, 0, sizeof(play.incarnation));
	for (uint32_t lane = 0; lane < LANES; lane++)
		assert_int_equal(
			myc_lanes_init(lanes_block(lane), sizeof(shared.lanes[lane]), &head), 0);
	for (int s = 0; s < SIDES; s++) {
		memcpy(region[s].base, fresh[s], region[s].size);
		launch(s);
	}
	play.steps = play.quiet = 0;
	play.die = false;
}

/* One schedule, to its quiet end. Returns its steps. */
static uint32_t run(uint32_t capacity, uint32_t start)
{
	uint32_t side = start;
	struct myc_pool_sums sums;

	setup(capacity);
	while (play.quiet < 4 * SIDES) {
		play.running = (int)side;
		play.waits = false;
		swapcontext(&play.scheduler, &play.side[side]);
		play.running = -1;
		if (play.die) {
			play.die = false;
			play.quiet = 0;
			world.deaths++;
			myc_pool_close(&play.pool[side]);
			launch((int)side);
		}
		count_weights(&sums);
		play.steps++;
		assert_true(play.steps < 20000);
		if (play.steps == play.preempt[0] || play.steps == play.preempt[1])
			side = (side + play.hop) % SIDES;
		else if (play.waits)
			side = (side + 1) % SIDES;
	}
	for (int s = 0; s < SIDES; s++) {
		const struct myc_pools *block =
			myc_region_block(&region[s], MYC_BLOCK_POOL, 0, NULL);

		for (int f = 0; f < MYC_POOL_FAULTS_COUNT - 1; f++)
			assert_int_equal(block->faults[f], 0);
		assert_int_equal(play.pool[s].loans_used, 0);
		myc_pool_close(&play.pool[s]);
	}
	/* All is sent and all is home: nobody waits for ever. */
	assert_int_equal(world.sent, MESSAGES);
	assert_int_equal(sums.out, 0);
	assert_true(world.doubted <= (uint32_t)world.deaths);
	return play.steps;
}

static unsigned every_death(uint32_t capacity, uint32_t start, int victim)
{
	unsigned runs = 0;

	for (uint32_t death = 1; death < POINTS_MAX; death++, runs++) {
		play.victim = victim;
		play.death = death;
		run(capacity, start);
		if (victim < 0 || play.victim >= 0) /* it has no such point */
			break;
	}
	return runs + 1;
}

/* Preemptions at a and b, b - a up to `apart`. */
static unsigned schedules(uint32_t capacity, uint32_t start, int victim, uint32_t apart)
{
	unsigned runs = 0;

	play.victim = -1;
	play.preempt[0] = play.preempt[1] = 0;
	play.hop = 1;
	uint32_t steps = run(capacity, start) + 10;

	for (play.hop = 1; play.hop < SIDES; play.hop++)
		for (uint32_t a = 0; a < steps; a += TEST_SHORTER)
			for (uint32_t b = a; b < steps && b <= a + apart; b += TEST_SHORTER) {
				play.preempt[0] = a;
				play.preempt[1] = b;
				runs += every_death(capacity, start, victim);
			}
	return runs;
}

static void all_schedules(int victim)
{
	unsigned runs = 0;

	for (uint32_t capacity = 1; capacity <= 3; capacity++) {
		make_regions(capacity);
		if (victim < 0)
			for (uint32_t start = 0; start < SIDES; start++)
				runs += schedules(capacity, start, victim, 40);
		else
			runs += schedules(capacity, OWNER, victim, 0);
		drop_regions();
	}
	print_message("  %u schedules\n", runs);
}

static void under_every_schedule_all_weights_are_found_and_come_home(void **state)
{
	(void)state;
	all_schedules(-1);
}

static void an_owner_killed_at_any_point_finds_every_weight_again(void **state)
{
	(void)state;
	all_schedules(OWNER);
}

static void a_holder_that_lends_on_killed_at_any_point_returns_nothing_twice(void **state)
{
	(void)state;
	all_schedules(FIRST);
}

static void a_holder_killed_at_any_point_returns_nothing_twice(void **state)
{
	(void)state;
	all_schedules(SECOND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(under_every_schedule_all_weights_are_found_and_come_home),
		cmocka_unit_test(an_owner_killed_at_any_point_finds_every_weight_again),
		cmocka_unit_test(a_holder_that_lends_on_killed_at_any_point_returns_nothing_twice),
		cmocka_unit_test(a_holder_killed_at_any_point_returns_nothing_twice),
	};

	play.running = -1;
#ifdef __SANITIZE_THREAD__
	printf("skipped: all sides are contexts of one thread, which ThreadSanitizer cannot "
	       "follow\n");
	return TEST_SKIPPED;
#endif
	return cmocka_run_group_tests(tests, NULL, NULL);
}
