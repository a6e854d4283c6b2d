/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hands, keepers and return rings against a simulated kernel, in plain memory and from a seed. The
 * kernel acts at every named step of the code under test, and the worker dies at any of them; a
 * successor recovers (and may die while it does). At every death, and at every eighth step between,
 * each frame is in exactly one place, and no packet is seen again after it was done.
 */
#include "common/test.h"

#include <string.h>

static void point(const char *name);
#define MYC_POINT(name) point(#name)

#include "dataplane/hand.c"   // NOLINT(bugprone-suspicious-include)
#include "dataplane/keeper.c" // NOLINT(bugprone-suspicious-include)

#define ENDPOINTS  3
#define QUEUES	   2
#define FRAMES	   64
#define FRAME_SIZE 2048
#define RX_SLOTS   32
#define PACKETS	   4000 /* of one seed */
#define SEEDS	   (2000 / TEST_SHORTER)

enum packet_state { UNSEEN = 0, SEEN, DONE };

struct sim_queue {
	uint32_t fill_producer, fill_consumer; /* published */
	uint32_t fill_taken;		       /* what the kernel really took: published late */
	uint32_t fill_slots;
	uint64_t fill[2 * FRAMES];
	uint32_t kernel_count;
	uint32_t kernel[FRAMES]; /* frames the kernel has: being written, or free in its pool */
	uint32_t packet[FRAMES]; /* number of the packet in each frame */
};

struct sim_ring {
	uint32_t producer, consumer;
	struct myc_frame slot[RX_SLOTS];
};

struct sim_return {
	struct myc_return_ring ring;
	uint64_t address[FRAMES];
};

struct worker {
	bool dead;
	struct myc_grip grip;
	struct myc_borrower borrower[QUEUES][ENDPOINTS];
	uint32_t held_count;
	uint32_t held[MYC_HAND_SLOTS]; /* entries the actor keeps */
	uint32_t taken_count;
	uint32_t taken[MYC_HAND_BATCH]; /* packets of the present batch not held */
};

static struct sim {
	uint64_t chance;
	struct sim_queue queue[QUEUES];
	struct sim_ring rx[ENDPOINTS][QUEUES];
	struct sim_return back[ENDPOINTS][QUEUES];
	struct myc_keeper keeper[QUEUES];
	struct myc_hand hand[ENDPOINTS];
	struct myc_hand_queue view[ENDPOINTS][QUEUES];
	const struct myc_hand_queue *views[ENDPOINTS][MYC_QUEUES_MAX];
	struct worker worker[ENDPOINTS];
	uint32_t packets;
	uint64_t pushed; /* descriptors on all RX rings */
	uint8_t state[PACKETS + 1];
	uint8_t owner[PACKETS + 1]; /* endpoint it was given to */
	uint32_t kill_in;	    /* steps to the next death; 0 = none */
	jmp_buf death;
	uint32_t steps;
	bool broken; /* on purpose: the ledger is not looked at */
} sim;

static struct {
	char name[32];
	uint32_t passed, killed;
} points[64];

static uint32_t below(uint32_t n)
{
	return (uint32_t)(test_random(&sim.chance) >> 33) % n;
}

static bool one_in(uint32_t n)
{
	return below(n) == 0;
}

#define MUST(condition)                                                                     \
	do {                                                                                \
		if (!(condition))                                                           \
			fail_msg("seed %llu, step %u: %s", (unsigned long long)test_seed(), \
				 sim.steps, #condition);                                    \
	} while (0)

/* ---- the kernel ---------------------------------------------------------------------------- */

static void kernel_take_fill(struct sim_queue *q)
{
	if (q->fill_taken == q->fill_producer)
		return;
	uint64_t address = q->fill[q->fill_taken & (q->fill_slots - 1)];

	MUST(address < FRAMES * FRAME_SIZE && address % FRAME_SIZE == 0);
	q->kernel[q->kernel_count++] = (uint32_t)(address / FRAME_SIZE);
	MUST(q->kernel_count <= FRAMES);
	q->fill_taken++;
}

static void push_rx(struct sim_ring *rx, uint64_t address, uint32_t size)
{
	rx->slot[rx->producer % RX_SLOTS] = (struct myc_frame){.address = address, .size = size};
	rx->producer++;
	sim.pushed++;
}

static void kernel_deliver(uint32_t number)
{
	struct sim_queue *q = &sim.queue[number];
	uint32_t endpoint = below(ENDPOINTS);
	struct sim_ring *rx = &sim.rx[endpoint][number];

	if (rx->producer - rx->consumer >= RX_SLOTS)
		return; /* ring full: the frame stays in the kernel's pool */
	if (one_in(60)) {
		push_rx(rx, FRAMES * FRAME_SIZE + below(1u << 20), 64);
		return;
	}
	if (!q->kernel_count || sim.packets == PACKETS)
		return;
	uint32_t pick = below(q->kernel_count);
	uint32_t frame = q->kernel[pick];
	q->kernel[pick] = q->kernel[--q->kernel_count];
	uint64_t address = (uint64_t)frame * FRAME_SIZE + 256;
	if (one_in(60)) {
		push_rx(rx, address, FRAME_SIZE); /* reaches beyond its frame */
		q->packet[frame] = 0;
		return;
	}
	q->packet[frame] = ++sim.packets;
	sim.owner[sim.packets] = (uint8_t)endpoint;
	push_rx(rx, address, 100 + below(900));
}

static void kernel_step(void)
{
	uint32_t number = below(QUEUES);
	struct sim_queue *q = &sim.queue[number];

	switch (below(4)) {
	case 0:
		for (uint32_t n = below(8); n; n--)
			kernel_take_fill(q);
		break;
	case 1:
		q->fill_consumer = q->fill_taken;
		break;
	default:
		for (uint32_t n = below(8); n; n--)
			kernel_deliver(number);
	}
}

/* ---- the ledger ---------------------------------------------------------------------------- */

static void mark(uint8_t *seen, uint64_t address)
{
	MUST(address < FRAMES * FRAME_SIZE);
	MUST(!seen[address / FRAME_SIZE]);
	seen[address / FRAME_SIZE] = 1;
}

/* Every frame in one place: what FILL, kernel, RX and return rings do not have, the hands have. */
static void check_ledger(void)
{
	for (uint32_t number = 0; number < QUEUES; number++) {
		const struct sim_queue *q = &sim.queue[number];
		uint8_t seen[FRAMES] = {0};
		uint32_t elsewhere = 0, in_hand = 0;

		MUST(q->fill_producer - q->fill_taken <= FRAMES);
		for (uint32_t i = q->fill_taken; i != q->fill_producer; i++)
			mark(seen, q->fill[i & (q->fill_slots - 1)]);
		for (uint32_t i = 0; i < q->kernel_count; i++)
			mark(seen, (uint64_t)q->kernel[i] * FRAME_SIZE);
		for (uint32_t e = 0; e < ENDPOINTS; e++) {
			const struct sim_ring *rx = &sim.rx[e][number];
			const struct sim_return *back = &sim.back[e][number];

			for (uint32_t i = rx->consumer; i != rx->producer; i++)
				if (rx->slot[i % RX_SLOTS].address < FRAMES * FRAME_SIZE)
					mark(seen, rx->slot[i % RX_SLOTS].address);
			in_hand += myc_hand_frames(&sim.hand[e], &sim.view[e][number], number);
			if (e == number)
				continue;
			uint32_t waiting = myc_keeper_waiting(
				&sim.keeper[number], &sim.view[number][number], &back->ring, e);
			MUST(waiting <= FRAMES);
			for (uint32_t i = 1; i <= waiting; i++)
				mark(seen, back->ring.address[(back->ring.producer - i) % FRAMES]);
		}
		for (uint32_t i = 0; i < FRAMES; i++)
			elsewhere += !seen[i];
		MUST(elsewhere == in_hand);
	}
}

static void point(const char *name)
{
	uint32_t i = 0;

	sim.steps++;
	while (points[i].name[0] && strcmp(points[i].name, name) != 0)
		i++;
	snprintf(points[i].name, sizeof(points[i].name), "%s", name);
	points[i].passed++;
	if (!sim.broken && one_in(8))
		check_ledger();
	if (one_in(3))
		kernel_step();
	if (sim.kill_in && --sim.kill_in == 0) {
		points[i].killed++;
		longjmp(sim.death, 1);
	}
}

/* ---- workers ------------------------------------------------------------------------------- */

static uint32_t packet_at(uint32_t number, uint64_t address)
{
	return sim.queue[number].packet[address / FRAME_SIZE];
}

/* The actor sees a packet: never one that is done, never another's. */
static void see(uint32_t e, uint32_t packet)
{
	MUST(packet && sim.owner[packet] == e);
	MUST(sim.state[packet] != DONE);
	sim.state[packet] = SEEN;
}

static uint32_t entry_packet(uint32_t e, uint32_t entry, uint32_t batch_queue)
{
	const struct myc_hand *hand = &sim.hand[e];

	if (entry < MYC_HAND_BATCH)
		return packet_at(batch_queue, hand->batch[entry].address);
	const struct myc_held *held = &hand->held[entry - MYC_HAND_BATCH];
	return packet_at(held->queue, held->address);
}

static void handle(uint32_t e, uint32_t entry, const struct myc_hand_queue *view, uint64_t address,
		   uint32_t size, uint32_t number)
{
	struct worker *w = &sim.worker[e];

	if (!myc_hand_inside(view, address, size, 32))
		return;
	uint32_t packet = entry_packet(e, entry, number);
	see(e, packet);
	if (one_in(5)) {
		int kept = myc_grip_hold(&w->grip, entry);

		if (kept >= 0) {
			w->held[w->held_count++] = (uint32_t)kept;
			return;
		}
	}
	w->taken[w->taken_count++] = packet;
}

static void worker_done(uint32_t e, bool keep_trying)
{
	struct worker *w = &sim.worker[e];

	while (!myc_grip_give(&w->grip)) {
		sim.queue[0].fill_consumer = sim.queue[0].fill_taken;
		sim.queue[1].fill_consumer = sim.queue[1].fill_taken;
		MUST(keep_trying);
	}
	for (uint32_t i = 0; i < w->taken_count; i++)
		sim.state[w->taken[i]] = DONE;
	w->taken_count = 0;
}

static void worker_take(uint32_t e)
{
	struct worker *w = &sim.worker[e];
	struct myc_grip *grip = &w->grip;
	unsigned max = 1 + below(MYC_HAND_BATCH);

	if (grip->again_next < grip->again_count) {
		unsigned n = myc_grip_take_again(grip, max);
		uint32_t last = 0;

		for (unsigned i = 0; i < n; i++) {
			uint16_t slot = grip->again[grip->again_begin + i];
			const struct myc_held *held = &sim.hand[e].held[slot];
			uint32_t order = (uint32_t)held->order + 1;

			MUST(order > last);
			last = order;
			handle(e, MYC_HAND_BATCH + slot, grip->queue[held->queue], held->address,
			       held->size, held->queue);
		}
	} else {
		uint32_t number = below(QUEUES);
		unsigned n = myc_grip_take(grip, number, max);

		for (unsigned i = 0; i < n; i++)
			handle(e, i, grip->queue[number], sim.hand[e].batch[i].address,
			       sim.hand[e].batch[i].size, number);
	}
	/* Some of what was kept earlier is finished with. */
	for (uint32_t n = w->held_count ? below(w->held_count + 1) : 0; n && one_in(2); n--) {
		uint32_t i = below(w->held_count);
		uint32_t entry = w->held[i];

		w->held[i] = w->held[--w->held_count];
		w->taken[w->taken_count % MYC_HAND_BATCH] = entry_packet(e, entry, 0);
		if (w->taken_count == MYC_HAND_BATCH)
			MUST(!"more done in one batch than a batch");
		w->taken_count++;
		myc_grip_release(grip, entry);
		if (w->taken_count == MYC_HAND_BATCH)
			break;
	}
	worker_done(e, true);
}

static void worker_drain(uint32_t e)
{
	if (e >= QUEUES)
		return;
	for (uint32_t b = 0; b < ENDPOINTS; b++)
		if (b != e)
			myc_keeper_drain(&sim.keeper[e], &sim.view[e][e],
					 &sim.worker[e].borrower[e][b], b);
}

static void worker_start(uint32_t e)
{
	struct worker *w = &sim.worker[e];

	memset(w, 0, sizeof(*w));
	for (uint32_t b = 0; b < ENDPOINTS; b++)
		if (e < QUEUES)
			w->borrower[e][b] = (struct myc_borrower){.ring = &sim.back[b][e].ring,
								  .slots = FRAMES};
	MUST(myc_grip_recover(&w->grip, &sim.hand[e], sim.views[e]) == 0);
	if (e < QUEUES)
		MUST(myc_keeper_recover(&sim.keeper[e], &sim.view[e][e]) == 0);
}

/* One turn of one worker; true = it lived through it. */
static bool worker_turn(uint32_t e)
{
	if (setjmp(sim.death)) {
		sim.worker[e].dead = true;
		check_ledger();
		return false;
	}
	if (sim.worker[e].dead)
		worker_start(e);
	if (one_in(3))
		worker_drain(e);
	else
		worker_take(e);
	return true;
}

/* ---- a seed -------------------------------------------------------------------------------- */

static void sim_start(uint64_t seed)
{
	memset(&sim, 0, sizeof(sim));
	sim.chance = seed * 0x9e3779b97f4a7c15ull | 1;
	/* Indices near their wrap: u32s that count for weeks. */
	uint32_t base = (uint32_t) - (int32_t)below(400);
	for (uint32_t number = 0; number < QUEUES; number++) {
		struct sim_queue *q = &sim.queue[number];

		/* Half of the seeds: a FILL ring that can look full to its producer. */
		q->fill_slots = seed & 1 ? FRAMES : 2 * FRAMES;
		q->fill_producer = q->fill_consumer = q->fill_taken = base;
		for (uint32_t i = 0; i < FRAMES; i++)
			q->fill[q->fill_producer++ & (q->fill_slots - 1)] =
				(uint64_t)i * FRAME_SIZE;
		for (uint32_t e = 0; e < ENDPOINTS; e++) {
			struct sim_ring *rx = &sim.rx[e][number];
			struct sim_return *back = &sim.back[e][number];
			struct myc_hand_queue *view = &sim.view[e][number];

			rx->producer = rx->consumer = base + e;
			back->ring.producer = base;
			sim.keeper[number].cursor[e] = base;
			*view = (struct myc_hand_queue){.rx = {.producer = &rx->producer,
							       .consumer = &rx->consumer,
							       .slots = rx->slot,
							       .mask = RX_SLOTS - 1},
							.frames_size = FRAMES * FRAME_SIZE,
							.frame_size = FRAME_SIZE};
			if (e == number)
				view->home = (struct myc_ring){.producer = &q->fill_producer,
							       .consumer = &q->fill_consumer,
							       .slots = q->fill,
							       .mask = q->fill_slots - 1};
			else
				view->home = (struct myc_ring){.producer = &back->ring.producer,
							       .slots = back->ring.address,
							       .mask = FRAMES - 1};
			sim.views[e][number] = view;
		}
	}
	for (uint32_t e = 0; e < ENDPOINTS; e++)
		worker_start(e);
}

/* Without deaths, everything delivered is seen, done, and every frame comes home. */
static void sim_finish(void)
{
	uint64_t taken = 0;

	sim.kill_in = 0;
	for (int i = 0; i < 400; i++)
		for (uint32_t e = 0; e < ENDPOINTS; e++) {
			struct worker *w = &sim.worker[e];

			MUST(worker_turn(e));
			while (w->held_count && w->taken_count < MYC_HAND_BATCH) {
				uint32_t entry = w->held[--w->held_count];

				w->taken[w->taken_count++] = entry_packet(e, entry, 0);
				myc_grip_release(&w->grip, entry);
			}
			worker_done(e, true);
		}
	for (uint32_t e = 0; e < ENDPOINTS; e++) {
		taken += sim.hand[e].packets_taken;
		for (uint32_t number = 0; number < QUEUES; number++)
			taken += sim.rx[e][number].producer - sim.rx[e][number].consumer;
	}
	MUST(taken == sim.pushed);
}

static void run_seed(uint64_t seed, uint32_t kill_every)
{
	sim_start(seed);
	for (int turn = 0; turn < 120; turn++) {
		if (!sim.kill_in && kill_every && one_in(2))
			sim.kill_in = 1 + below(kill_every);
		kernel_step();
		worker_turn(below(ENDPOINTS));
	}
	sim_finish();
	for (uint32_t p = 1; p <= sim.packets; p++) {
		bool waiting = false;

		/* The kernel goes on to the end: what is still on a ring was not taken yet. */
		for (uint32_t number = 0; number < QUEUES; number++) {
			const struct sim_ring *rx = &sim.rx[sim.owner[p]][number];

			for (uint32_t i = rx->consumer; i != rx->producer; i++) {
				uint64_t address = rx->slot[i % RX_SLOTS].address;

				waiting |= address < FRAMES * FRAME_SIZE &&
					   packet_at(number, address) == p;
			}
		}
		MUST(waiting || sim.state[p] != UNSEEN);
	}
}

static void frames_are_in_one_place_without_deaths(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS / 10; seed++)
		run_seed(test_seed() * 1000003 + seed, 0);
}

static void a_worker_killed_at_any_step_loses_and_repeats_nothing(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < SEEDS; seed++)
		run_seed(test_seed() * 1000003 + seed, 1 + (uint32_t)(seed % 60));
}

static void every_step_was_died_at(void **state)
{
	uint32_t named = 0;

	(void)state;
	for (; points[named].name[0]; named++)
		if (!points[named].killed)
			fail_msg("nobody died at %s (passed %u times)", points[named].name,
				 points[named].passed);
	assert_true(named >= 20);
}

static void a_hand_that_contradicts_its_rings_is_refused(void **state)
{
	struct myc_grip grip;

	(void)state;
	sim_start(7);
	sim.hand[0].take = myc_exchange(0, 3, sim.rx[0][0].consumer + 9);
	assert_int_equal(myc_grip_recover(&grip, &sim.hand[0], sim.views[0]), -EUCLEAN);
	sim.hand[0].take = myc_exchange(5, 3, sim.rx[0][0].consumer); /* no such queue */
	assert_int_equal(myc_grip_recover(&grip, &sim.hand[0], sim.views[0]), -EUCLEAN);
	sim.hand[0].take = 0;
	sim.hand[0].held[3] = (struct myc_held){.state = 7};
	assert_int_equal(myc_grip_recover(&grip, &sim.hand[0], sim.views[0]), -EUCLEAN);
}

static void a_borrower_whose_ring_cannot_be_is_cut_off(void **state)
{
	struct myc_borrower *borrower = &sim.worker[0].borrower[0][1];

	(void)state;
	sim_start(8);
	sim.broken = true;
	sim.back[1][0].ring.address[sim.back[1][0].ring.producer % FRAMES] = 12345; /* no frame */
	sim.back[1][0].ring.producer++;
	assert_int_equal(myc_keeper_drain(&sim.keeper[0], &sim.view[0][0], borrower, 1), 0);
	assert_int_equal(sim.keeper[0].returns_malformed, 1);
	assert_false(borrower->cut_off);
	sim.back[1][0].ring.producer += FRAMES + 1;
	assert_int_equal(myc_keeper_drain(&sim.keeper[0], &sim.view[0][0], borrower, 1), 0);
	assert_true(borrower->cut_off);
	assert_int_equal(sim.keeper[0].returns_malformed, 2);
}

static void holding_more_than_the_limit_is_refused(void **state)
{
	static struct myc_hand hand;
	struct myc_grip grip;
	static struct myc_frame slots[1024];
	uint32_t producer = 1024, consumer = 0, back = 0;
	static uint64_t addresses[1024];
	const struct myc_hand_queue queue = {
		.rx = {.producer = &producer, .consumer = &consumer, .slots = slots, .mask = 1023},
		.home = {.producer = &back, .slots = addresses, .mask = 1023},
		.frames_size = 1024 * FRAME_SIZE,
		.frame_size = FRAME_SIZE};
	const struct myc_hand_queue *views[MYC_QUEUES_MAX] = {&queue};
	uint32_t held = 0;

	(void)state;
	sim_start(11);
	for (uint32_t i = 0; i < 1024; i++)
		slots[i] = (struct myc_frame){.address = (uint64_t)i * FRAME_SIZE, .size = 64};
	assert_int_equal(myc_grip_recover(&grip, &hand, views), 0);
	for (int batch = 0; batch < 9; batch++) {
		assert_int_equal(myc_grip_take(&grip, 0, 64), 64);
		for (uint32_t i = 0; i < 64; i++)
			held += myc_grip_hold(&grip, i) >= 0;
		if (batch < 8)
			assert_true(myc_grip_give(&grip));
	}
	assert_int_equal(held, MYC_HAND_HELD);
	assert_int_equal(myc_grip_hold(&grip, 0), -ENOSPC);
	/* Its successor has room for the batch beside what was held, and sees all of it. */
	assert_int_equal(myc_grip_recover(&grip, &hand, views), 0);
	assert_int_equal(grip.again_count, MYC_HAND_SLOTS);
	assert_int_equal(myc_hand_frames(&hand, &queue, 0), MYC_HAND_SLOTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_are_in_one_place_without_deaths),
		cmocka_unit_test(a_worker_killed_at_any_step_loses_and_repeats_nothing),
		cmocka_unit_test(every_step_was_died_at),
		cmocka_unit_test(a_hand_that_contradicts_its_rings_is_refused),
		cmocka_unit_test(a_borrower_whose_ring_cannot_be_is_cut_off),
		cmocka_unit_test(holding_more_than_the_limit_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
