/* SPDX-License-Identifier: Apache-2.0 */
/* Actors with a thread of their own: MYC_SPAWN_THREAD, mycelium/system.h. In the deterministic runtime they run on an
 * executor like others; what blocks is spoken with threads and processes only. */
#include "conformance/cases.h"

#include <sched.h>

enum { THREADS = 2 };

static void with_threads(struct world_opts *opts)
{
	opts->system.threads = THREADS;
}

static struct probe *make_bound(uint32_t where)
{
	struct probe *made = make(where, &plain);

	made->spawn_flags = MYC_SPAWN_THREAD;
	made->restarts_max = 3;
	return made;
}
static struct probe *bound(uint32_t where)
{
	struct probe *made = make_bound(where);

	OK(try_spawn(made));
	return made;
}

CASE(one_with_a_thread_is_an_actor_like_others)
{
	struct probe *a = spawn(HERE), *b = bound(THERE);

	for (uint64_t i = 0; i < 3; i++)
		OK(send_many(a, b, 1 + 20 * i, 20));
	expect_numbers(b, 1, 60);
	OK(send_many(b, a, 1, 20));
	expect_numbers(a, 1, 20);
	OK(send_sized(a, b, SEND, 61, 1000));
	expect_numbers(b, 1, 61);
	OK(start_timer(b, MS, 0, 1));
	SAW(b, TIMER, 1);
}

CASE(one_with_a_thread_answers_and_asks)
{
	struct probe *a = replier(HERE, echoes), *b = bound(THERE);

	b->react = echoes;
	OK(ask(a, b, LONG, 7));
	assert_int_equal(nth(a, REPLY, 0)->payload, 7);
	OK(ask(b, a, LONG, 8));
	assert_int_equal(nth(b, REPLY, 0)->payload, 8);
}

CASE(one_with_a_thread_is_watched_stopped_and_restarted)
{
	struct probe *a = spawn(HERE), *b = bound(THERE);

	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2);
	OK(watch(a, b, 0));
	OK(send_number(a, b, 2));
	expect_numbers(b, 1, 2);
	OK(send_stop(a, b, MYC_STOP));
	expect_down(a, b, MYC_EXIT_SHUTDOWN);
	assert_int_equal(b->stops, 1);
	RESULT(send_number(a, b, 3), -ESRCH);
}

CASE(there_are_as_many_threads_as_was_said_and_again_when_one_has_ended)
{
	struct probe *w = spawn(HERE), *b[THREADS];

	for (int i = 0; i < THREADS; i++)
		b[i] = bound(HERE);
	RESULT(try_spawn(make_bound(HERE)), -ENOSPC);
	OK(watch(w, b[0], 0));
	OK(stop_self(b[0]));
	SAW(w, SIGNAL, 1);
	struct probe *next = make_bound(HERE);

	UNTIL(try_spawn(next) == 0); /* its thread is joined */
	OK(send_number(w, next, 1));
	expect_numbers(next, 1, 1);
}

/* Blocks until word 5 of the keeper there, which is nobody's, says go. */
static int blocks(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	const uint64_t *go = &keeper_of(me->place)->word[5];

	me->kept_count++;
	while (!__atomic_load_n(go, __ATOMIC_ACQUIRE))
		(void)sched_yield();
	return notes(self, me, message);
}

CASE(one_that_blocks_holds_up_nobody_else)
{
	struct probe *a = spawn(HERE), *b = bound(THERE), *c = spawn(THERE);

	b->react = blocks;
	OK(send_many(a, b, 1, 5));
	UNTIL(b->kept_count == 1);
	OK(send_many(a, c, 1, 20));
	expect_numbers(c, 1, 20);
	assert_int_equal(b->messages, 0);
	__atomic_store_n(&keeper_of(b->place)->word[5], 1, __ATOMIC_RELEASE);
	expect_numbers(b, 1, 5);
}

/* Signals to who takes none, until no more can wait. a: to whom. */
static int job_fill(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_monitor monitor;
	int code = 0;

	(void)me;
	for (int i = 0; i < 10000 && !code; i++) {
		code = myc_monitor(self, a[0], 0, &monitor);
		code = code ? code : myc_demonitor(self, monitor);
	}
	return code;
}

CASE(a_kill_is_not_held_up_by_a_full_lane_to_somebody_else)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	OK(send_number(a, c, 1));
	SAW(c, MESSAGE, 1);
	b->react = blocks; /* and its executor with it */
	OK(send_number(a, b, 1));
	UNTIL(b->kept_count == 1);
	RESULT(let(a, job_fill, b->address, 0, 0, 0), -ENOBUFS);
	RESULT(suspend(a, b), 0); /* its urgent ring has room */
	OK(send_stop(a, c, MYC_STOP_KILL));
	UNTIL(ended(c));
	assert_int_equal(b->messages, 0);
	OK(resume(a, b));
	__atomic_store_n(&keeper_of(b->place)->word[5], 1, __ATOMIC_RELEASE);
	expect_numbers(b, 1, 1);
}

const struct conform_case cases_thread[] = {
	{NAMED(one_with_a_thread_is_an_actor_like_others), .opts = with_threads},
	{NAMED(one_with_a_thread_answers_and_asks), .opts = with_threads},
	{NAMED(one_with_a_thread_is_watched_stopped_and_restarted), .opts = with_threads},
	{NAMED(there_are_as_many_threads_as_was_said_and_again_when_one_has_ended),
	 .opts = with_threads, .where = NEAR, .blocks = true},
	{NAMED(one_that_blocks_holds_up_nobody_else), .opts = with_threads, .blocks = true},
	{NAMED(a_kill_is_not_held_up_by_a_full_lane_to_somebody_else), .where = FAR,
	 .blocks = true},
	{0},
};
