/* SPDX-License-Identifier: Apache-2.0 */
/* Strong references where the conformance suite does not reach: what others write, answers that come too late, threads
 * that end or meet in the last drop, holders and held ones that are to move. */
#include "unit/probes.h"

#include <pthread.h>
#include <stdlib.h>

#include <mycelium/abi/signal.h>

#include "core/executor.h"
#include "core/link.h"
#include "core/signal.h"

#define THREADS 3
#define TURNS	8
#define ROUNDS	(60 / TEST_SHORTER)
#define FORGED	(6000 / TEST_SHORTER)

/* ---- who holds, who is held -------------------------------------------------------------------- */

static struct myc_strong strong[PROBES]; /* what a probe was last told that it holds */

static int told(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct probe *me = me_of(self);

	if (event->kind == MYC_EVENT_HELD)
		strong[me->index] = *event->strong;
	note(me, &(struct seen){.event = *event});
	me->events++;
	return 0;
}

static const struct myc_behaviour holder = {.name = "holder",
					    .init = probe_init,
					    .message = probe_message,
					    .signal = told,
					    .stopping = probe_stopping,
					    .stopped = probe_stopped};

static struct probe *spawn_holder(int where)
{
	return spawn_as(where, &holder, NULL, MYC_RESTARTS_NONE);
}

static struct probe *spawn_held(int where)
{
	return spawn_probe(where, (struct myc_spawn_opts){.behaviour = &holder,
							  .restarts_max = MYC_RESTARTS_NONE,
							  .flags = MYC_SPAWN_WHILE_HELD});
}

static int take_one(struct myc_actor *self, struct probe *me, uint64_t whom, uint64_t b)
{
	(void)me;
	(void)b;
	return myc_strong_take(self, whom);
}
static int drop_one(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	return myc_strong_drop(self, &strong[me->index]);
}

static void take(struct probe *who, const struct probe *whom)
{
	uint32_t before = who->events;

	assert_int_equal(let(who, take_one, whom->address, 0), 0);
	wait_until(who->events > before);
	assert_int_equal(who->seen[who->count - 1].event.kind, MYC_EVENT_HELD);
}

/* By itself. */
static void expect_over(struct probe *who)
{
	wait_until(who->stopped);
	assert_int_equal(who->stopping, 1);
	assert_true(ended(who));
}

/* ---- what others write -------------------------------------------------------------------------- */

static struct forged {
	uint16_t type;
	uint8_t size;
	myc_address to;
	uint32_t correlation;
	uint8_t payload[MYC_LANE_PAYLOAD];
} forged;

static int forge(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	const struct myc_signal signal = {.type = forged.type,
					  .size = forged.size,
					  .to = forged.to,
					  .correlation = forged.correlation,
					  .payload = forged.payload};

	(void)me;
	(void)a;
	(void)b;
	return myc_link_say(self->executor, &signal);
}

static void forge_as(struct probe *liar, uint16_t type, myc_address to, const void *payload,
		     size_t size)
{
	forged = (struct forged){.type = type, .size = (uint8_t)size, .to = to};
	memcpy(forged.payload, payload, size);
	assert_int_equal(let(liar, forge, 0, 0), 0);
}

static uint64_t unknown_of(const struct probe *who)
{
	return __atomic_load_n(
		&who->system->executor[0].words->dead_letters[MYC_DEAD_LETTER_FRAMEWORK_TYPE],
		__ATOMIC_RELAXED);
}

CASE(another_process_cannot_speak_for_a_holder)
{
	begin(state);
	struct probe *a = spawn_holder(HERE), *t = spawn_held(HERE), *liar = spawn_holder(THERE);

	take(a, t);
	const struct myc_signal_give lie = {.from = a->address,
					    .to = t->address,
					    .receiver = liar->address,
					    .index = strong[a->index].index,
					    .generation = strong[a->index].generation};
	const struct myc_signal_take take_lie = {.from = a->address, .to = t->address};
	const struct myc_signal_given given = {.held = t->address,
					       .to = a->address,
					       .from = liar->address,
					       .index = 1,
					       .generation = 1};
	uint64_t before = unknown_of(t);

	forge_as(liar, MYC_SIGNAL_DROP, t->address, &lie, sizeof(lie));
	forge_as(liar, MYC_SIGNAL_GIVE, t->address, &lie, sizeof(lie));
	forge_as(liar, MYC_SIGNAL_SHARE, t->address, &lie, sizeof(lie));
	forge_as(liar, MYC_SIGNAL_TAKE, t->address, &take_lie, sizeof(take_lie));
	forge_as(liar, MYC_SIGNAL_GIVEN, a->address, &given, sizeof(given));
	forge_as(liar, MYC_SIGNAL_TAKE, t->address, &take_lie, sizeof(take_lie) - 1);
	forge_as(liar, MYC_SIGNAL_DROP, t->address, &lie, 0);
	settle(liar, t);
	assert_int_equal(unknown_of(t) - before, 7);
	assert_false(ended(t));
	assert_int_equal(a->events, 1);
	assert_int_equal(liar->events, 0);
	assert_int_equal(let(a, drop_one, 0, 0), 0);
	expect_over(t);
	end();
}

/* What its holder writes of its own is held or home, and nobody else's is touched. */
CASE(a_holder_may_write_nonsense_of_its_own)
{
	begin(state);
	struct probe *a = spawn_holder(HERE), *t = spawn_held(HERE), *liar = spawn_holder(THERE);
	const myc_address nobody[] = {MYC_NOBODY,
				      t->address,
				      ~0ull,
				      myc_address_make(0, 0, 1, 0),
				      myc_address_make(0, 900, 1, 1),
				      myc_address_make(3, 0, 1, 1)};

	take(a, t);
	for (uint32_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++) {
		take(liar, t);
		const struct myc_signal_give give = {.from = liar->address,
						     .to = t->address,
						     .receiver = nobody[i],
						     .index = strong[liar->index].index,
						     .generation = strong[liar->index].generation};

		forge_as(liar, i % 2 ? MYC_SIGNAL_GIVE : MYC_SIGNAL_SHARE, t->address, &give,
			 sizeof(give));
		forge_as(liar, MYC_SIGNAL_DROP, t->address, &give, sizeof(give));
	}
	settle(liar, t);
	assert_false(ended(t));
	assert_int_equal(let(a, drop_one, 0, 0), 0);
	expect_over(t);
	end();
}

/* Anything at all, in the name of the liar's own process. */
CASE(random_signals_of_another_process_change_nothing_of_ours)
{
	begin(state);
	struct probe *a = spawn_holder(HERE), *t = spawn_held(HERE), *liar = spawn_holder(THERE);
	unsigned seed = 7;

	take(a, t);
	const uint64_t words[] = {0,
				  1,
				  ~0ull,
				  a->address,
				  t->address,
				  liar->address,
				  myc_address_make(0, 1, MYC_SLOT_PLAIN, 0),
				  myc_address_make(0, 1, 1, 0),
				  (uint64_t)strong[a->index].index |
					  (uint64_t)strong[a->index].generation << 32};

	for (uint32_t i = 0; i < FORGED; i++) {
		uint64_t payload[MYC_LANE_PAYLOAD / 8];
		uint16_t type = (uint16_t)(MYC_SIGNAL_TAKE + rand_r(&seed) % 5);

		for (uint32_t w = 0; w < 5; w++)
			payload[w] = words[(uint32_t)rand_r(&seed) % 9];
		forge_as(liar, type, rand_r(&seed) % 2 ? t->address : a->address, payload,
			 rand_r(&seed) % 8 ? type == MYC_SIGNAL_TAKE
						     ? sizeof(struct myc_signal_take)
						     : sizeof(struct myc_signal_give)
					   : (size_t)rand_r(&seed) % sizeof(payload));
	}
	settle(liar, t);
	assert_false(ended(t));
	assert_int_equal(a->events, 1);
	assert_int_equal(let(a, drop_one, 0, 0), 0);
	expect_over(t);
	end();
}

/* ---- threads ------------------------------------------------------------------------------------ */

CASE(an_answer_that_comes_too_late_is_given_back)
{
	begin(state);
	struct probe *b = spawn_holder(HERE), *t = spawn_held(THERE);
	struct myc_strong mine = {.address = 1};

	(void)b;
	/* From the other process, where there is one: its lane is known then. */
	assert_int_equal(myc_post(systems[0], t->address, SETTLE, NULL, 0, SECOND), 0);
	t->stuck = true;
	number(t, 1);
	wait_until(t->messages == 1);
	assert_int_equal(myc_strong_hold(systems[0], t->address, &mine, 1000000), -ETIMEDOUT);
	assert_int_equal(mine.address, MYC_NOBODY);
	t->stuck = false;
	expect_over(t); /* it was held for a moment */
	end();
}

struct thread {
	pthread_t id;
	pthread_barrier_t *barrier;
	struct probe *whom;
	struct myc_strong strong;
	uint32_t posted;
	int code;
};

static void *hold_and_end(void *argument)
{
	struct thread *thread = argument;

	thread->code = myc_strong_hold(systems[0], thread->whom->address, &thread->strong, SECOND);
	return NULL;
}

CASE(what_a_thread_held_that_has_ended_another_releases)
{
	begin(state);
	struct probe *b = spawn_holder(HERE), *t = spawn_held(THERE);
	struct thread thread = {.whom = t};

	assert_int_equal(pthread_create(&thread.id, NULL, hold_and_end, &thread), 0);
	pthread_join(thread.id, NULL);
	assert_int_equal(thread.code, 0);
	settle(b, t);
	assert_false(ended(t));
	assert_int_equal(myc_strong_release(systems[0], &thread.strong, SECOND), 0);
	expect_over(t);
	assert_int_equal(myc_strong_release(systems[0], &thread.strong, SECOND), -ENOENT);
	end();
}

static void *hold_post_release(void *argument)
{
	struct thread *thread = argument;
	uint32_t value = 1;

	pthread_barrier_wait(thread->barrier);
	for (uint32_t i = 0; i < TURNS && !thread->code; i++) {
		thread->code =
			myc_strong_hold(systems[0], thread->whom->address, &thread->strong, SECOND);
		if (thread->code)
			break;
		/* It is held: it takes this, and handles it. */
		if (myc_post(systems[0], thread->whom->address, NUMBER, &value, sizeof(value),
			     SECOND))
			abort();
		thread->posted++;
		if (myc_strong_release(systems[0], &thread->strong, SECOND))
			abort();
	}
	return NULL;
}

/* The last of them takes it along; who comes later is refused. What was sent while it was held is handled. */
CASE(threads_meet_in_the_last_drop)
{
	begin(state);
	struct thread thread[THREADS];
	pthread_barrier_t barrier;
	uint32_t held = 0, refused = 0;

	pthread_barrier_init(&barrier, NULL, THREADS);
	for (uint32_t round = 0; round < ROUNDS; round++) {
		uint32_t posted = 0;

		probes = 0;
		memset(&probe[0], 0, sizeof(probe[0]));
		struct probe *t = spawn_held(THERE);

		for (uint32_t i = 0; i < THREADS; i++) {
			thread[i] = (struct thread){.barrier = &barrier, .whom = t};
			assert_int_equal(
				pthread_create(&thread[i].id, NULL, hold_post_release, &thread[i]),
				0);
		}
		for (uint32_t i = 0; i < THREADS; i++) {
			pthread_join(thread[i].id, NULL);
			assert_true(thread[i].code == 0 || thread[i].code == -ESRCH);
			posted += thread[i].posted;
			refused += thread[i].code != 0;
		}
		expect_over(t);
		assert_true(posted >= 1);
		assert_int_equal(t->messages, posted);
		held += posted;
	}
	pthread_barrier_destroy(&barrier);
	print_message("  held %u times, refused %u\n", held, refused);
	end();
}

/* ---- the others' end ---------------------------------------------------------------------------- */

CASE(a_system_stops_whoever_holds_whom)
{
	begin(state);
	struct probe *a = spawn_holder(HERE), *t = spawn_held(THERE), *u = spawn_held(HERE);
	struct myc_strong mine;

	take(a, t);
	take(t, u);
	take(u, t);
	assert_int_equal(myc_strong_hold(systems[0], t->address, &mine, SECOND), 0);
	end();
	assert_int_equal(t->stopped, 1);
	assert_int_equal(u->stopped, 1);
}

CASE(a_holder_moves_with_what_it_holds)
{
	begin(state);
	struct probe *a = spawn_holder(HERE), *t = spawn_held(THERE), *u = spawn_held(THERE);

	take(a, u);
	take(a, t);
	assert_int_equal(myc_move(systems[0], a->address, 1, SECOND, NULL), 0);
	settle(a, t);
	assert_int_equal(let(a, drop_one, 0, 0), 0);
	expect_over(t);
	assert_int_equal(myc_move(systems[0], a->address, 0, SECOND, NULL), 0);
	settle(a, u);
	assert_false(ended(u));
	assert_int_equal(let(a, stop_self, 0, 0), 0);
	expect_over(u);
	end();
}

CASE(who_is_held_stays_and_says_why)
{
	begin(state);
	struct probe *a = spawn_holder(HERE), *t = spawn_holder(THERE);
	struct myc_error error = {0};

	take(a, t);
	assert_int_equal(myc_move(systems[0], t->address, 0, SECOND, &error), -EBUSY);
	assert_non_null(strstr(error.cause, "strong references"));
	assert_int_equal(let(a, drop_one, 0, 0), 0);
	settle(a, t);
	assert_int_equal(myc_move(systems[0], t->address, 0, SECOND, NULL), 0);
	take(a, t);
	assert_int_equal(let(a, drop_one, 0, 0), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		IN(another_process_cannot_speak_for_a_holder, TWO_PROCESSES),
		IN(a_holder_may_write_nonsense_of_its_own, TWO_PROCESSES),
		IN(random_signals_of_another_process_change_nothing_of_ours, TWO_PROCESSES),
		EVERYWHERE(an_answer_that_comes_too_late_is_given_back),
		EVERYWHERE(what_a_thread_held_that_has_ended_another_releases),
		EVERYWHERE(threads_meet_in_the_last_drop),
		EVERYWHERE(a_system_stops_whoever_holds_whom),
		IN(a_holder_moves_with_what_it_holds, TWO_EXECUTORS),
		IN(who_is_held_stays_and_says_why, TWO_EXECUTORS),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
