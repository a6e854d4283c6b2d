/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The steps of a lane and of sleeping and waking, stopped between any two stores: sender and
 * receiver run as coroutines that give way at every MYC_POINT. Played are the schedules with two
 * preemptions, and those with one where sender or receiver is killed at each of its points and
 * started again; in the ordinary ring and in the urgent one, with one to three messages of credit.
 */
#include "unit/stage.h"

#include "core/wake.h"
#include "memory/lane.h"

#define MESSAGES 4

enum { SENDER, RECEIVER, SIDES };

/* The two regions' words. */
static struct {
	_Alignas(64) char lanes[8192];
	_Alignas(64) char in[1024];
	uint32_t asleep;
	bool bell;
} shared;

/* What the world outside has seen. */
static struct {
	int handled[MESSAGES], doubted[MESSAGES];
	int deaths[SIDES];
	bool waiting;
} world;

static struct {
	enum myc_lane_ring ring;
	uint32_t window; /* credit */
	uint32_t slots;
	int first; /* side that begins */
} play;

static void point(const char *name)
{
	stage_point(name);
}

static struct myc_lanes *block(void)
{
	return (struct myc_lanes *)(void *)shared.lanes;
}

static struct myc_lane_in *half(void)
{
	return (struct myc_lane_in *)(void *)shared.in;
}

static void sender(void)
{
	struct myc_lane_out lane;
	uint32_t rung = 0;

	myc_lane_out_open(&lane, block(), 1);
	lane.cursor = &half()->cursor;
	const uint32_t *limit =
		(const uint32_t *)(const void *)((const char *)(half() + 1) + 8 * block()->flows);
	/* A predecessor may have died between publishing and waking. */
	bool dirty = true;

	for (;;) {
		uint32_t sent = myc_pair_high(lane.flow[0].sent);

		if (dirty) {
			myc_wake_fence();
			if (myc_wake_needed(&shared.asleep, &rung, true))
				__atomic_store_n(&shared.bell, true, __ATOMIC_RELEASE);
			dirty = false;
		}
		if (sent == MESSAGES)
			break;
		if ((int32_t)(__atomic_load_n(limit, __ATOMIC_RELAXED) - sent) <= 0 ||
		    myc_lane_full(&lane, play.ring)) {
			point("sender: waits");
			continue;
		}
		uint32_t number = myc_lane_push(&lane, play.ring, myc_slot_kind(0, sizeof(sent), 0),
						0, 0, &sent, sizeof(sent));

		myc_lane_sent(&lane.flow[0].sent, sent + 1, number);
		dirty = true;
	}
	stage_end();
}

static void handle(struct myc_lane_inward *lane, bool doubt)
{
	struct myc_slot slot = {0};
	uint32_t number;

	assert_int_equal(myc_lane_peek(lane, play.ring, &slot), 1);
	memcpy(&number, slot.payload, sizeof(number));
	assert_true(number < MESSAGES && number == lane->next[play.ring]);
	if (doubt) {
		world.doubted[number]++;
	} else {
		myc_lane_begin(lane, play.ring);
		world.handled[number]++;
		point("handler");
	}
	myc_lane_count(lane, slot.flow, number + 1, myc_pair_high(lane->counted[slot.flow]) + 1);
	myc_lane_done(lane, play.ring);
}

static void receiver(void)
{
	struct myc_lane_inward lane;

	if (myc_lane_in_open(&lane, block(), block(), 1, half())) {
		uint32_t position = lane.next[play.ring] + 1;

		if (myc_pair_low(lane.counted[0]) == position)
			myc_lane_done(&lane, play.ring);
		else
			handle(&lane, true);
	}
	myc_sleep_end(&shared.asleep);
	for (;;) {
		uint32_t handled = myc_pair_high(lane.counted[0]);

		__atomic_store_n(&lane.limit[0], handled + play.window, __ATOMIC_RELAXED);
		point("receiver: granted");
		if (handled == MESSAGES)
			break;
		if (myc_lane_ready(&lane, play.ring)) {
			handle(&lane, false);
			myc_lane_publish_some(&lane, play.ring);
			continue;
		}
		myc_lane_publish(&lane, play.ring);
		myc_sleep_announce(&shared.asleep, false);
		if (!myc_lane_ready(&lane, play.ring)) {
			point("sleeper: found nothing");
			world.waiting = true;
			while (!__atomic_load_n(&shared.bell, __ATOMIC_ACQUIRE))
				point("sleeper: waits");
			world.waiting = false;
			__atomic_store_n(&shared.bell, false, __ATOMIC_RELAXED);
		}
		myc_sleep_end(&shared.asleep);
	}
	stage_end();
}

static void launch(int side)
{
	stage_launch((uint32_t)side, side == SENDER ? sender : receiver);
}

static void setup(void)
{
	struct myc_lanes head = {.version = MYC_LANE_VERSION,
				 .lanes = 2,
				 .slots = play.ring == MYC_RING_URGENT ? 1 : play.slots,
				 .urgent_slots = play.ring == MYC_RING_URGENT ? play.slots : 1,
				 .local_slots = 1,
				 .flows = 1};

	memset(&shared, 0, sizeof(shared));
	memset(&world, 0, sizeof(world));
	assert_int_equal(myc_lanes_init(block(), sizeof(shared.lanes), &head), 0);
	if (play.ring == MYC_RING_URGENT) {
		struct myc_lane_out lane;

		myc_lane_out_open(&lane, block(), 1);
		myc_lane_flow_write(&lane.flow[0], 0, 0, 0, MYC_FLOW_URGENT);
	}
	stage_reset();
	launch(SENDER);
	launch(RECEIVER);
}

static void died(int side)
{
	world.deaths[side]++;
	world.waiting = world.waiting && side != RECEIVER;
	launch(side);
}

static void stepped(void)
{
	const struct myc_flow *flow = (const void *)(shared.lanes + myc_lane_offset(block(), 1));
	const uint64_t *counted = (const uint64_t *)(half() + 1);

	/* Credit is never exceeded, at no point. */
	assert_true((int32_t)(myc_pair_high(flow->sent) - myc_pair_high(*counted)) <=
		    (int32_t)play.window);
	/* Asleep with a message in the lane and a sender that has no more to say: lost. */
	if (stage.finished[SENDER] && world.waiting)
		assert_true(shared.bell);
}

static void check(void)
{
	int doubted = 0;

	for (int i = 0; i < MESSAGES; i++) {
		assert_int_equal(world.handled[i] > 1, 0);
		assert_true(world.handled[i] + world.doubted[i] >= 1);
		assert_true(world.doubted[i] <= 1);
		doubted += world.doubted[i];
	}
	assert_true(doubted <= world.deaths[RECEIVER]);
	const struct myc_flow *flow = (const void *)(shared.lanes + myc_lane_offset(block(), 1));

	assert_int_equal(myc_pair_high(flow->sent), MESSAGES);
	assert_int_equal(myc_pair_high(*(const uint64_t *)(half() + 1)), MESSAGES);
}

static void play_once(void)
{
	setup();
	stage_two(play.first, died, stepped);
	check();
}

static void all_schedules(int victim)
{
	unsigned runs = 0;

	for (play.ring = MYC_RING_ORDINARY; play.ring <= MYC_RING_URGENT; play.ring++)
		for (play.window = 1; play.window <= 3; play.window++)
			for (play.slots = 1; play.slots <= 4; play.slots *= 2)
				for (play.first = 0; play.first < SIDES; play.first++)
					runs += stage_every_schedule(victim, STAGE_EVERY,
								     UINT32_MAX, play_once);
	print_message("  %u schedules\n", runs);
}

static void under_every_schedule_each_message_is_handled_once_and_nobody_sleeps_on(void **state)
{
	(void)state;
	all_schedules(-1);
}

static void a_sender_killed_at_any_point_loses_only_what_it_had_not_published(void **state)
{
	(void)state;
	all_schedules(SENDER);
}

static void a_receiver_killed_at_any_point_doubts_only_the_message_in_hand(void **state)
{
	(void)state;
	all_schedules(RECEIVER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(
			under_every_schedule_each_message_is_handled_once_and_nobody_sleeps_on),
		cmocka_unit_test(a_sender_killed_at_any_point_loses_only_what_it_had_not_published),
		cmocka_unit_test(a_receiver_killed_at_any_point_doubts_only_the_message_in_hand),
	};

	return stage_main(tests);
}
