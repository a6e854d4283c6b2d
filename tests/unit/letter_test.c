/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters: who, what and why; actors that watch; a ring that others scribbled over. */
#include "unit/probes.h"

#include <pthread.h>

#include <mycelium/letter.h>

#include "core/letter.h"

/* What watchers were told, in order. */
static struct told {
	struct myc_letter letter;
	uint32_t by;
} told[4096];
static _Atomic uint32_t tolds;
static _Atomic bool retell; /* each letter makes another one */

static int start_again(struct myc_actor *self)
{
	me_of(self)->inits++;
	return 0;
}

static myc_address victim;

static int letter_event(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct probe *me = me_of(self);

	if (event->kind != MYC_EVENT_DEAD_LETTER)
		return probe_signal(self, event);
	assert_true(tolds < 4096);
	told[tolds] = (struct told){.letter = *event->letter, .by = me->index};
	tolds++;
	if (retell) { /* a message that will find nobody */
		struct myc_ref ref;
		uint32_t nothing_much = 0;

		if (!myc_resolve(self, victim, &ref))
			(void)myc_try_send(self, &ref, NUMBER, &nothing_much, sizeof(nothing_much));
	}
	return 0;
}

static const struct myc_behaviour reader = {.name = "reader",
					    .capacity_per_sender = 16,
					    .init = start_again,
					    .message = probe_message,
					    .signal = letter_event};

static int watch_letters(struct myc_actor *self, struct probe *me, uint64_t on, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_letters_watch(self, on);
}

static void fresh(void **state)
{
	begin(state);
	tolds = 0;
	retell = false;
}

/* `count` letters from the probe to one that is killed with them in its mailbox. */
static struct probe *make_letters(struct probe *from, int where, uint32_t count)
{
	uint32_t at = probes;
	struct probe *to = spawn(where);

	settle(from, to);
	hold_with(from, to, count);
	settle(from, spawn(where));
	assert_int_equal(let(from, send_stop, to->address, MYC_STOP_KILL), 0);
	assert_int_equal(myc_actor_wait(systems[0], to->address, SECOND), 0);
	probes = at; /* their places can be had again */
	return to;
}

static uint32_t recent(struct myc_letter *letters, uint32_t max)
{
	return myc_letters_recent(systems[0], letters, max);
}

/* ---- what is kept -------------------------------------------------------------------------------- */

CASE(a_letter_says_who_what_and_why)
{
	struct myc_letter letter[8];

	fresh(state);
	struct probe *from = spawn(HERE);

	assert_int_equal(recent(letter, 8), 0);
	struct probe *to = make_letters(from, THERE, 3);

	wait_until(recent(letter, 8) == 3);
	for (uint32_t i = 0; i < 3; i++) {
		assert_true(letter[i].from == from->address);
		assert_true(letter[i].to == to->address);
		assert_int_equal(letter[i].type, NUMBER);
		assert_int_equal(letter[i].size, sizeof(uint32_t));
		assert_int_equal(letter[i].why, MYC_DEAD_LETTER_NO_ACTOR);
		assert_int_equal(letter[i].process, place == TWO_PROCESSES);
		assert_int_equal(letter[i].executor, place == TWO_EXECUTORS);
		assert_true(letter[i].time_ns &&
			    (!i || letter[i].time_ns >= letter[i - 1].time_ns));
		assert_false(letter[i].asked);
	}
	assert_string_equal(myc_letter_why(letter[0].why), "its actor is gone");
	assert_string_equal(myc_letter_why(200), "?");
	assert_int_equal(recent(letter, 2), 2);
	assert_int_equal(recent(letter, 0), 0);
	end();
}

CASE(a_body_has_its_own_size)
{
	static const uint8_t large[1000];
	struct myc_letter letter[2];

	fresh(state);
	struct probe *to = spawn(THERE);

	wait_until(!myc_actor_suspend(to->system, to->address));
	assert_int_equal(myc_post(to->system, to->address, 77, large, sizeof(large), SECOND), 0);
	assert_int_equal(myc_actor_stop(to->system, to->address, MYC_STOP_KILL, SECOND), 0);
	wait_until(recent(letter, 2) == 1);
	assert_int_equal(letter[0].size, 1000);
	assert_int_equal(letter[0].type, 77);
	assert_int_equal(letter[0].from, MYC_NOBODY);
	end();
}

CASE(the_newest_are_kept_and_the_oldest_overwritten)
{
	static struct myc_letter letter[2 * MYC_LETTERS_KEPT];

	fresh(state);
	struct probe *from = spawn(HERE);

	for (uint32_t i = 0; i < 20; i++)
		make_letters(from, THERE, 15);
	wait_until(recent(letter, 2 * MYC_LETTERS_KEPT) == MYC_LETTERS_KEPT);
	for (uint32_t i = 1; i < MYC_LETTERS_KEPT; i++)
		assert_true(letter[i].time_ns >= letter[i - 1].time_ns);
	end();
}

/* ---- who watches --------------------------------------------------------------------------------- */

CASE(a_watcher_gets_those_of_all_processes_and_none_from_before)
{
	fresh(state);
	struct probe *from = spawn(HERE), *to;
	struct probe *watcher = spawn_as(THERE, &reader, NULL, 0);

	make_letters(from, HERE, 2);
	assert_int_equal(let(watcher, watch_letters, true, 0), 0);
	assert_int_equal(let(watcher, watch_letters, true, 0), 0);
	to = make_letters(from, HERE, 3);
	wait_until(tolds == 3);
	assert_true(told[0].letter.to == to->address);
	to = make_letters(from, THERE, 4);
	wait_until(tolds == 7);
	assert_true(told[6].letter.to == to->address && told[6].letter.from == from->address);
	for (uint32_t i = 0; i < tolds; i++)
		assert_int_equal(told[i].letter.missed, 0);
	assert_int_equal(let(watcher, watch_letters, false, 0), 0);
	make_letters(from, THERE, 2);
	settle(watcher, from);
	assert_int_equal(tolds, 7);
	end();
}

CASE(a_watcher_that_cannot_look_misses_the_oldest_and_is_told_how_many)
{
	fresh(state);
	struct probe *from = spawn(HERE), *watcher = spawn_as(THERE, &reader, NULL, 0);
	uint64_t missed = 0;

	assert_int_equal(let(watcher, watch_letters, true, 0), 0);
	settle(watcher, from);
	assert_int_equal(let(from, suspend, watcher->address, 0), 0);
	settle(from, spawn(THERE));
	for (uint32_t i = 0; i < 20; i++)
		make_letters(from, HERE, 15);
	assert_int_equal(tolds, 0);
	assert_int_equal(let(from, resume, watcher->address, 0), 0);
	wait_until(tolds == MYC_LETTERS_KEPT);
	for (uint32_t i = 0; i < tolds; i++)
		missed += told[i].letter.missed;
	assert_int_equal(missed, 300 - MYC_LETTERS_KEPT);
	end();
}

CASE(a_watchers_own_letters_are_not_told_so_telling_makes_no_more)
{
	fresh(state);
	struct probe *from = spawn(HERE), *watcher = spawn_as(THERE, &reader, NULL, 0);
	struct myc_letter letter[64];
	uint32_t at = probes;
	struct probe *to = spawn(HERE);

	settle(watcher, to);
	assert_int_equal(let(watcher, watch_letters, true, 0), 0);
	assert_int_equal(let(from, suspend, to->address, 0), 0);
	settle(from, spawn(HERE));
	victim = to->address;
	retell = true;
	make_letters(from, THERE, 5); /* each makes one more to the suspended victim */
	wait_until(tolds == 5);
	settle(watcher, from);
	retell = false;
	assert_int_equal(let(from, send_stop, to->address, MYC_STOP_KILL), 0);
	wait_until(recent(letter, 64) == 10);
	settle(watcher, from);
	settle(watcher, from);
	assert_int_equal(tolds, 5);
	probes = at;
	end();
}

CASE(a_restarted_or_ended_watcher_watches_no_more)
{
	fresh(state);
	struct probe *from = spawn(HERE), *a = spawn_as(THERE, &reader, NULL, 3);
	struct probe *b = spawn_as(THERE, &reader, NULL, 0);

	assert_int_equal(let(a, watch_letters, true, 0), 0);
	assert_int_equal(let(b, watch_letters, true, 0), 0);
	make_letters(from, HERE, 1);
	wait_until(tolds == 2);
	let(a, go_wrong, 0, 0);
	wait_until(a->inits == 2);
	let(b, leave, 0, 0);
	assert_int_equal(myc_actor_wait(systems[0], b->address, SECOND), 0);
	make_letters(from, HERE, 1);
	settle(a, from);
	settle(a, from);
	assert_int_equal(tolds, 2);
	assert_int_equal(let(a, watch_letters, true, 0), 0);
	make_letters(from, HERE, 1);
	wait_until(tolds == 3);
	end();
}

CASE(watchers_are_bounded)
{
	fresh(state);
	struct probe *all[MYC_LETTER_WATCHERS_MAX + 1];
	struct probe *unable = spawn_as(THERE, &deaf, NULL, MYC_RESTARTS_NONE);

	assert_int_equal(let(unable, watch_letters, true, 0), -EINVAL);
	for (uint32_t i = 0; i <= MYC_LETTER_WATCHERS_MAX; i++) {
		all[i] = spawn_as(THERE, &reader, NULL, 0);
		assert_int_equal(let(all[i], watch_letters, true, 0),
				 i < MYC_LETTER_WATCHERS_MAX ? 0 : -ENOSPC);
	}
	assert_int_equal(let(all[2], watch_letters, false, 0), 0);
	assert_int_equal(let(all[MYC_LETTER_WATCHERS_MAX], watch_letters, true, 0), 0);
	end();
}

/* ---- others' rings ------------------------------------------------------------------------------- */

CASE(whatever_another_process_writes_a_reader_goes_on)
{
	struct myc_letter letter[64];
	uint64_t seed = 88172645463325252ull;

	fresh(state);
	struct probe *watcher = spawn_as(HERE, &reader, NULL, 0), *from = spawn(HERE);

	assert_int_equal(let(watcher, watch_letters, true, 0), 0);
	settle(watcher, spawn(THERE));
	struct myc_letters *ring = myc_region_block(&region[1][1], MYC_BLOCK_LETTERS, 0, NULL);

	for (uint32_t round = 0; round < 300; round++) {
		for (uint32_t i = 0; i < 20; i++) {
			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			__atomic_store_n(&ring->entry[seed % MYC_LETTERS_KEPT].word[seed >> 20 & 7],
					 round % 3 ? seed : seed % 1000, __ATOMIC_RELAXED);
		}
		__atomic_store_n(&ring->written, round % 2 ? seed : seed % 600, __ATOMIC_RELEASE);
		assert_true(recent(letter, 64) <= 64);
		tolds = 0;
		let(from, nothing, 0, 0);
	}
	__atomic_store_n(&ring->written, 0, __ATOMIC_RELEASE);
	settle(watcher, from);
	tolds = 0;
	struct probe *to = make_letters(from, HERE, 2);

	wait_until(tolds >= 2);
	assert_true(told[tolds - 1].letter.to == to->address);
	end();
}

/* The writer as fast as it can, and a reader that must see whole letters. Now and then the writer waits for a
 * look that finds some, so that there are such looks however the two run. */
static _Atomic bool written_all;
static _Atomic uint32_t looks;

static void *write_many(void *executor)
{
	for (uint32_t i = 1; i <= 200000; i++) {
		struct myc_slot slot = {.type = (uint16_t)i, .size = (uint8_t)i};

		myc_letter_note(executor, MYC_DEAD_LETTER_NO_ACTOR, i, ~(uint64_t)i, &slot);
		for (uint32_t before = looks; i % 20000 == 0 && looks == before;)
			sched_yield();
	}
	written_all = true;
	return NULL;
}

static void a_reader_sees_whole_letters_while_they_are_overwritten(void **state)
{
	static struct myc_letter letter[MYC_LETTERS_KEPT];
	struct myc_system_opts one = {.sz = sizeof(one)};
	struct myc_region own;
	pthread_t thread;
	uint32_t seen = 0;

	(void)state;
	regions_plan(&own, 1, 0, &one, 1);
	struct myc_letters *ring = myc_region_block(&own, MYC_BLOCK_LETTERS, 0, NULL);
	struct myc_executor executor = {.letters = ring,
					.words =
						myc_region_block(&own, MYC_BLOCK_EXECUTOR, 0, NULL),
					.now_ns = 1};

	ring->version = MYC_LETTERS_VERSION;
	assert_int_equal(pthread_create(&thread, NULL, write_many, &executor), 0);
	while (!written_all) {
		uint32_t n = myc_letters_collect(&own, 1, letter, MYC_LETTERS_KEPT);

		for (uint32_t i = 0; i < n; i++) {
			assert_true(letter[i].to == ~letter[i].from);
			assert_int_equal(letter[i].type, (uint16_t)letter[i].from);
			assert_int_equal(letter[i].size, (uint8_t)letter[i].from);
		}
		seen += n;
		looks += n > 0;
	}
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(myc_letters_collect(&own, 1, letter, MYC_LETTERS_KEPT), MYC_LETTERS_KEPT);
	assert_true(letter[MYC_LETTERS_KEPT - 1].from == 200000);
	assert_int_equal(executor.words->dead_letters[MYC_DEAD_LETTER_NO_ACTOR], 200000);
	assert_true(seen > 0);
	myc_region_unmap(&own);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_letter_says_who_what_and_why),
		EVERYWHERE(a_body_has_its_own_size),
		EVERYWHERE(the_newest_are_kept_and_the_oldest_overwritten),
		EVERYWHERE(a_watcher_gets_those_of_all_processes_and_none_from_before),
		EVERYWHERE(a_watcher_that_cannot_look_misses_the_oldest_and_is_told_how_many),
		EVERYWHERE(a_watchers_own_letters_are_not_told_so_telling_makes_no_more),
		EVERYWHERE(a_restarted_or_ended_watcher_watches_no_more),
		EVERYWHERE(watchers_are_bounded),
		IN(whatever_another_process_writes_a_reader_goes_on, TWO_PROCESSES),
		cmocka_unit_test(a_reader_sees_whole_letters_while_they_are_overwritten),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
