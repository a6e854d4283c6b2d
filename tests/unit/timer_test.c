/* SPDX-License-Identifier: Apache-2.0 */
#include "common/test.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "core/executor.h"

#define MANY 100000u

static struct myc_actor actor[2];

static void a_hundred_thousand_timers_fire_in_the_order_of_their_times(void **state)
{
	struct myc_timers timers;
	uint32_t head = MYC_TIMER_NONE;
	uint64_t chance = test_seed() + 5, last = 0;
	uint32_t fired = 0;
	struct myc_timer *handle = calloc(MANY, sizeof(*handle));

	(void)state;
	assert_int_equal(myc_timers_open(&timers, MANY), 0);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(myc_timers_start(&timers, actor, &head,
						  test_random(&chance) % 1000000, 0, i, &handle[i]),
				 0);
	assert_int_equal(myc_timers_start(&timers, actor, &head, 1, 0, 0, NULL), -ENOSPC);
	for (uint32_t i = 0; i < MANY; i += 2)
		assert_int_equal(myc_timers_cancel(&timers, actor, &head, handle[i]), 0);
	for (uint64_t now = 0; now <= 1000000; now += 100) {
		struct myc_timer_entry *entry;

		while ((entry = myc_timers_due(&timers, now))) {
			assert_true(entry->due_ns >= last && entry->due_ns <= now);
			assert_true(entry->due_ns + 100 > now);
			assert_int_equal(entry->cookie % 2, 1);
			last = entry->due_ns;
			myc_timers_fired(&timers, &head, entry, now);
			fired++;
		}
	}
	assert_int_equal(fired, MANY / 2);
	assert_int_equal(head, MYC_TIMER_NONE);
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(myc_timers_cancel(&timers, actor, &head, handle[i]), -ENOENT);
	free(handle);
	myc_timers_close(&timers);
}

static void a_period_keeps_its_schedule_however_late_it_is_served(void **state)
{
	struct myc_timers timers;
	uint32_t head = MYC_TIMER_NONE;
	uint64_t chance = test_seed() + 6;

	(void)state;
	assert_int_equal(myc_timers_open(&timers, 4), 0);
	assert_int_equal(myc_timers_start(&timers, actor, &head, 1000, 100, 7, NULL), 0);
	for (uint64_t now = 0; now < 100000; now += test_random(&chance) % 350) {
		struct myc_timer_entry *entry = myc_timers_due(&timers, now);

		if (!entry)
			continue;
		assert_true(entry->due_ns % 100 == 0);
		myc_timers_fired(&timers, &head, entry, now);
		assert_true(entry->due_ns > now && entry->due_ns <= now + 100);
		assert_null(myc_timers_due(&timers, now));
	}
	myc_timers_close(&timers);
}

static void a_stale_or_foreign_handle_cancels_nothing(void **state)
{
	struct myc_timers timers;
	uint32_t head[2] = {MYC_TIMER_NONE, MYC_TIMER_NONE};
	struct myc_timer first, second, wild = {.index = 99};

	(void)state;
	assert_int_equal(myc_timers_open(&timers, 1), 0);
	assert_int_equal(myc_timers_start(&timers, &actor[0], &head[0], 10, 0, 1, &first), 0);
	assert_int_equal(myc_timers_cancel(&timers, &actor[1], &head[1], first), -ENOENT);
	assert_int_equal(myc_timers_cancel(&timers, &actor[0], &head[0], wild), -ENOENT);
	assert_int_equal(myc_timers_cancel(&timers, &actor[0], &head[0], first), 0);
	assert_int_equal(myc_timers_start(&timers, &actor[0], &head[0], 20, 0, 2, &second), 0);
	assert_int_equal(second.index, first.index);
	assert_int_equal(myc_timers_cancel(&timers, &actor[0], &head[0], first), -ENOENT);
	assert_int_equal(timers.next_ns, 20);
	myc_timers_close(&timers);
}

static void held_timers_wait_for_their_actor_and_end_with_it(void **state)
{
	struct myc_timers timers;
	uint32_t head[2] = {MYC_TIMER_NONE, MYC_TIMER_NONE};

	(void)state;
	assert_int_equal(myc_timers_open(&timers, 4), 0);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(
			myc_timers_start(&timers, &actor[i % 2], &head[i % 2], i, 0, i, NULL), 0);
	myc_timers_hold(&timers, &head[0], myc_timers_due(&timers, 10));
	assert_int_equal(myc_timers_due(&timers, 10)->cookie, 1);
	myc_timers_resume(&timers, head[0]);
	assert_int_equal(myc_timers_due(&timers, 10)->cookie, 0);
	myc_timers_hold(&timers, &head[0], myc_timers_due(&timers, 10));
	myc_timers_cancel_all(&timers, &head[0]);
	assert_int_equal(timers.count, 2);
	myc_timers_cancel_all(&timers, &head[1]);
	assert_int_equal(timers.next_ns, UINT64_MAX);
	for (uint64_t i = 0; i < 4; i++)
		assert_int_equal(myc_timers_start(&timers, actor, &head[0], i, 0, i, NULL), 0);
	myc_timers_close(&timers);
}

/* ---- against a list ---------------------------------------------------------------------------- */

#define ACTORS	 4
#define PENDING	 160
#define SEEDS	 (2000 / TEST_SHORTER)
#define STEPS	 1200
#define WAKE_MAX (MYC_TIMER_LEVELS + 1)

/* The same in the plainest way: every question looks at every timer. */
static struct model {
	struct {
		uint64_t due, period, order;
		uint32_t actor; /* ACTORS = free */
		bool held;
		struct myc_timer handle;
	} timer[PENDING];
	uint64_t starts;
	uint32_t count;
	bool paused[ACTORS];
} model;

static struct player {
	struct myc_timers timers;
	uint32_t head[ACTORS];
	uint64_t now, chance;
	bool cancelled; /* since nothing was due: next_ns may be early */
} play;

static struct myc_actor actors[ACTORS];

static uint32_t any(uint32_t below)
{
	return (uint32_t)(test_random(&play.chance) >> 33) % below;
}

/* Of every size: a delay of 2^0 to 2^63, the smaller ones more often. */
static uint64_t some_time(void)
{
	static const uint32_t bits[] = {1, 4, 7, 13, 20, 30, 36, 64};
	uint32_t size = bits[any(any(8) + 1)];

	return test_random(&play.chance) >> (64 - size);
}

/* The one that must fire next of those due at `now`, or PENDING. */
static uint32_t model_first(uint64_t now)
{
	uint32_t first = PENDING;

	for (uint32_t i = 0; i < PENDING; i++) {
		if (model.timer[i].actor == ACTORS || model.timer[i].held ||
		    model.timer[i].due > now)
			continue;
		if (first == PENDING || model.timer[i].due < model.timer[first].due ||
		    (model.timer[i].due == model.timer[first].due &&
		     model.timer[i].order < model.timer[first].order))
			first = i;
	}
	return first;
}

static void start_one(void)
{
	uint32_t i = any(PENDING), owner = any(ACTORS);
	uint64_t delay = some_time(), due = play.now + delay;

	if (any(4) == 0) { /* as others do: at full microseconds, so that many are due at once */
		due = (play.now / 1000 + any(20)) * 1000;
		if (due < play.now)
			due += 1000;
	}
	if (due < play.now)
		due = UINT64_MAX;
	if (any(50) == 0)
		due = play.now - any(3000) % (play.now + 1);
	if (model.timer[i].actor != ACTORS)
		return;
	model.timer[i].due = due;
	model.timer[i].period = any(3) ? 0 : 1 + some_time();
	model.timer[i].order = model.starts++;
	model.timer[i].actor = owner;
	model.timer[i].held = false;
	model.count++;
	if (any(2))
		myc_timers_advance(&play.timers, play.now);
	assert_int_equal(myc_timers_start(&play.timers, &actors[owner], &play.head[owner], due,
					  model.timer[i].period, i, &model.timer[i].handle),
			 0);
}

static void cancel_one(void)
{
	uint32_t i = any(PENDING), owner = any(ACTORS);
	bool there = model.timer[i].actor == owner;

	assert_int_equal(myc_timers_cancel(&play.timers, &actors[owner], &play.head[owner],
					   model.timer[i].handle),
			 there ? 0 : -ENOENT);
	if (!there)
		return;
	model.timer[i].actor = ACTORS;
	model.count--;
	play.cancelled = true;
}

static void cancel_actor(void)
{
	uint32_t owner = any(ACTORS);

	myc_timers_cancel_all(&play.timers, &play.head[owner]);
	for (uint32_t i = 0; i < PENDING; i++)
		if (model.timer[i].actor == owner) {
			model.timer[i].actor = ACTORS;
			model.count--;
		}
	assert_int_equal(play.head[owner], MYC_TIMER_NONE);
	play.cancelled = true;
}

static void pause_or_resume(void)
{
	uint32_t owner = any(ACTORS);

	model.paused[owner] = !model.paused[owner];
	if (model.paused[owner])
		return;
	myc_timers_resume(&play.timers, play.head[owner]);
	for (uint32_t i = 0; i < PENDING; i++)
		if (model.timer[i].actor == owner)
			model.timer[i].held = false;
}

static void fire_one(struct myc_timer_entry *entry, uint32_t expected)
{
	uint32_t owner = model.timer[expected].actor;

	assert_int_equal(entry->cookie, expected);
	assert_true(entry->due_ns == model.timer[expected].due);
	assert_ptr_equal(entry->actor, &actors[owner]);
	if (model.paused[owner]) {
		model.timer[expected].held = true;
		myc_timers_hold(&play.timers, &play.head[owner], entry);
		return;
	}
	myc_timers_fired(&play.timers, &play.head[owner], entry, play.now);
	if (!model.timer[expected].period) {
		model.timer[expected].actor = ACTORS;
		model.count--;
		return;
	}
	/* Stepwise, as a schedule reads; far behind, by division. */
	uint64_t due = model.timer[expected].due, period = model.timer[expected].period;

	if ((play.now - due) / period > 1000)
		due += (play.now - due) / period * period;
	while (due <= play.now)
		due = due > UINT64_MAX - period ? UINT64_MAX : due + period;
	model.timer[expected].due = due;
	model.timer[expected].order = model.starts++;
}

/* A turn: fires some of what is due. Nothing due: next_ns must be right. */
static void a_turn(uint32_t batch)
{
	for (uint32_t n = 0; n < batch; n++) {
		struct myc_timer_entry *entry = myc_timers_due(&play.timers, play.now);
		uint32_t expected = model_first(play.now);

		assert_int_equal(entry != NULL, expected != PENDING);
		if (!entry) {
			expected = model_first(UINT64_MAX);
			uint64_t earliest =
				expected == PENDING ? UINT64_MAX : model.timer[expected].due;

			assert_true(play.timers.next_ns > play.now);
			assert_true(play.timers.next_ns <= earliest);
			if (!play.cancelled)
				assert_true(play.timers.next_ns == earliest);
			if (expected == PENDING)
				play.cancelled = false;
			return;
		}
		fire_one(entry, expected);
	}
}

/* Sleeps until next_ns again and again: wakes too early a few times at most, never too late. */
static void sleep_to_the_next(void)
{
	uint32_t wakes = 0;

	a_turn(UINT32_MAX);
	uint32_t expected = model_first(UINT64_MAX);

	if (expected == PENDING || model.timer[expected].due > UINT64_MAX / 2)
		return;
	do {
		assert_true(play.timers.next_ns <= model.timer[expected].due);
		play.now = play.timers.next_ns;
		assert_true(++wakes <= WAKE_MAX);
		if (play.now < model.timer[expected].due)
			assert_null(myc_timers_due(&play.timers, play.now));
	} while (play.now < model.timer[expected].due);
	a_turn(1);
}

static void one_life(uint64_t seed)
{
	play.chance = seed * 0x9e3779b97f4a7c15ull | 1;
	memset(&model, 0, sizeof(model));
	for (uint32_t i = 0; i < PENDING; i++)
		model.timer[i].actor = ACTORS;
	for (uint32_t i = 0; i < ACTORS; i++)
		play.head[i] = MYC_TIMER_NONE;
	play.cancelled = false;
	play.now = any(2) ? some_time() >> 1 : 0;
	assert_int_equal(myc_timers_open(&play.timers, PENDING), 0);
	for (uint32_t step = 0; step < STEPS; step++) {
		uint32_t what = any(100);
		uint64_t pass = some_time();

		if (what < 35)
			start_one();
		else if (what < 45)
			cancel_one();
		else if (what < 46)
			cancel_actor();
		else if (what < 50)
			pause_or_resume();
		else if (what < 60)
			sleep_to_the_next();
		else if (what < 70 && pass < UINT64_MAX / 4 - play.now / 4)
			play.now += pass;
		else
			play.now += any(300);
		if (any(2))
			a_turn(1 + any(8));
	}
	for (uint32_t i = 0; i < ACTORS; i++)
		myc_timers_cancel_all(&play.timers, &play.head[i]);
	assert_int_equal(play.timers.count, 0);
	assert_true(play.timers.next_ns == UINT64_MAX);
	assert_int_equal(play.timers.levels, 0);
	myc_timers_close(&play.timers);
}

static uint64_t life;

static int tell_seed(void **state)
{
	(void)state;
	if (life)
		print_message("the last life's seed: MYC_SEED=%llu\n", (unsigned long long)life);
	return 0;
}

static void any_life_is_that_of_a_sorted_list(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < SEEDS; i++) {
		life = test_seed() + i;
		one_life(life);
	}
	life = 0;
}

/* ---- bounds ------------------------------------------------------------------------------------ */

static void what_is_due_soon_is_spread_in_portions_before_it_is_due(void **state)
{
	const uint64_t ms = 1000000, start = 77 * 3600 * 1000 * ms;
	struct myc_timers timers;
	uint32_t head = MYC_TIMER_NONE, far = 0;
	uint64_t chance = test_seed() + 9, now = start;

	(void)state;
	assert_int_equal(myc_timers_open(&timers, MANY), 0);
	myc_timers_advance(&timers, start);
	for (uint32_t i = 0; i < MANY; i++)
		myc_timers_start(&timers, actor, &head,
				 start + 100 * ms + test_random(&chance) % (10 * ms), 0, i, NULL);
	/* In 100 ms an executor turns a million times; here, every 2 us. */
	for (; now < start + 99 * ms + 999 * ms / 1000; now += 2000)
		assert_null(myc_timers_due(&timers, now));
	for (uint32_t i = 0; i < MANY; i++)
		far += timers.entry[i].place >= 3 * MYC_TIMER_BUCKETS &&
		       timers.entry[i].due_ns < start + 100 * ms + ms / 10;
	assert_int_equal(far, 0);
	for (uint32_t i = 0; i < MANY; i++) {
		struct myc_timer_entry *entry = myc_timers_due(&timers, timers.next_ns);

		while (!entry)
			entry = myc_timers_due(&timers, timers.next_ns);
		myc_timers_fired(&timers, &head, entry, timers.next_ns);
	}
	assert_int_equal(timers.count, 0);
	myc_timers_close(&timers);
}

static void nothing_is_allocated_after_open(void **state)
{
	struct myc_timers timers;
	uint32_t head = MYC_TIMER_NONE;
	uint64_t chance = test_seed() + 10;

	(void)state;
	assert_int_equal(myc_timers_open(&timers, 1000), 0);
	size_t before = mallinfo2().uordblks + mallinfo2().hblkhd;

	for (uint64_t now = 0; now < 2000000; now += 500) {
		struct myc_timer_entry *entry;

		myc_timers_start(&timers, actor, &head, now + test_random(&chance) % 100000,
				 now % 3 ? 0 : 7000, now, NULL);
		while ((entry = myc_timers_due(&timers, now)))
			myc_timers_fired(&timers, &head, entry, now);
	}
	assert_int_equal(mallinfo2().uordblks + mallinfo2().hblkhd, before);
	myc_timers_cancel_all(&timers, &head);
	myc_timers_close(&timers);
}

static void many_held_timers_come_back_in_the_order_they_were_due(void **state)
{
	struct myc_timers timers;
	uint32_t head[2] = {MYC_TIMER_NONE, MYC_TIMER_NONE}, n = 0;
	uint64_t chance = test_seed() + 11, last = 0;
	struct myc_timer_entry *entry;

	(void)state;
	assert_int_equal(myc_timers_open(&timers, MANY), 0);
	for (uint32_t i = 0; i < MANY; i++)
		myc_timers_start(&timers, &actors[i % 2], &head[i % 2],
				 test_random(&chance) % 50000, 0, i, NULL);
	while ((entry = myc_timers_due(&timers, 50000)))
		myc_timers_hold(&timers, &head[entry->cookie % 2], entry);
	assert_int_equal(timers.count, 0);
	myc_timers_resume(&timers, head[1]);
	assert_int_equal(timers.count, MANY / 2);
	myc_timers_resume(&timers, head[0]);
	for (; (entry = myc_timers_due(&timers, 50000)); n++) {
		assert_true(entry->due_ns >= last);
		last = entry->due_ns;
		myc_timers_fired(&timers, &head[entry->cookie % 2], entry, 50000);
	}
	assert_int_equal(n, MANY);
	myc_timers_close(&timers);
}

static void a_capacity_that_cannot_be_is_refused(void **state)
{
	struct myc_timers timers;

	(void)state;
	assert_int_equal(myc_timers_open(&timers, 0), -EINVAL);
	assert_int_equal(myc_timers_open(&timers, MYC_TIMER_NONE), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hundred_thousand_timers_fire_in_the_order_of_their_times),
		cmocka_unit_test(a_period_keeps_its_schedule_however_late_it_is_served),
		cmocka_unit_test(a_stale_or_foreign_handle_cancels_nothing),
		cmocka_unit_test(held_timers_wait_for_their_actor_and_end_with_it),
		cmocka_unit_test_teardown(any_life_is_that_of_a_sorted_list, tell_seed),
		cmocka_unit_test(what_is_due_soon_is_spread_in_portions_before_it_is_due),
		cmocka_unit_test(nothing_is_allocated_after_open),
		cmocka_unit_test(many_held_timers_come_back_in_the_order_they_were_due),
		cmocka_unit_test(a_capacity_that_cannot_be_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
