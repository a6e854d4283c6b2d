/* SPDX-License-Identifier: Apache-2.0 */
/* Strong references: holders and held ones that end or restart; rings and chains of them; full tables: mycelium/strong.h. */
#include "conformance/strong_bed.h"

/* ---- holders that go --------------------------------------------------------------------------- */

static void gone(int (*go)(struct probe *a, struct probe *w))
{
	struct probe *w = spawn(HERE), *a = spawn(HERE), *t = held(THERE);

	OK(watch(w, t, 0));
	take(a, t);
	take(a, t);
	OK(send_many(a, t, 1, 5));
	OK(go(a, w));
	UNTIL(ended(a));
	expect_down(w, t, MYC_EXIT_NORMAL);
	expect_numbers(t, 1, 5);
	expect_over(t);
}

static int goes_normally(struct probe *a, struct probe *w)
{
	(void)w;
	return stop_self(a);
}
static int is_stopped(struct probe *a, struct probe *w)
{
	return send_stop(w, a, MYC_STOP);
}
static int drains(struct probe *a, struct probe *w)
{
	return send_stop(w, a, MYC_STOP_DRAIN);
}
static int is_killed(struct probe *a, struct probe *w)
{
	return send_stop(w, a, MYC_STOP_KILL);
}
static int fails(struct probe *a, struct probe *w)
{
	(void)w;
	return fail_with(a, -EIO);
}

CASE(a_holder_that_ends_gives_back_what_it_held)
{
	gone(goes_normally);
}
CASE(a_holder_that_is_stopped_gives_back_what_it_held)
{
	gone(is_stopped);
}
CASE(a_holder_that_drains_gives_back_what_it_held)
{
	gone(drains);
}
CASE(a_holder_that_is_killed_gives_back_what_it_held)
{
	gone(is_killed);
}
CASE(a_holder_that_fails_for_good_gives_back_what_it_held)
{
	gone(fails);
}

CASE(a_holder_that_restarts_gives_back_what_it_held)
{
	struct probe *a = spawn_restarting(HERE, 3), *t = held(THERE);

	take(a, t);
	OK(fail_with(a, -EIO));
	expect_over(t);
	UNTIL(a->starts == 2);
	expect_alive(a);
}

CASE(a_holder_that_restarted_can_hold_again)
{
	struct probe *a = spawn_restarting(HERE, 3), *b = spawn(ELSEWHERE), *t = held(THERE);

	take(b, t);
	take(a, t);
	OK(fail_with(a, -EIO));
	UNTIL(a->starts == 2);
	take(a, t);
	OK(drop(a, 0)); /* of its former life */
	OK(drop(b, 0));
	expect_alive(t);
	OK(drop(a, 1));
	expect_over(t);
}

static int job_take_and_fail(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	atomic_store(&me->handler_code, -EIO);
	return myc_strong_take(self, a[0]);
}

CASE(an_answer_to_a_former_life_is_given_back)
{
	struct probe *a = spawn_restarting(HERE, 3), *t = held(THERE);

	OK(let(a, job_take_and_fail, t->address, 0, 0, 0));
	UNTIL(a->starts == 2);
	expect_over(t);
	assert_int_equal(a->signals, 0);
}

static int job_take_and_leave(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	(void)me;
	myc_stop(self);
	return myc_strong_take(self, a[0]);
}

CASE(an_answer_to_one_that_has_ended_is_given_back)
{
	struct probe *a = spawn(HERE), *t = held(THERE);

	OK(let(a, job_take_and_leave, t->address, 0, 0, 0));
	UNTIL(ended(a));
	expect_over(t);
	assert_int_equal(a->signals, 0);
}

/* ---- the held one ------------------------------------------------------------------------------ */

CASE(one_that_restarts_is_held_as_before)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held_as(THERE, &plain, 3);

	take(a, t);
	take(b, t);
	OK(fail_with(t, -EIO));
	UNTIL(t->starts == 2);
	OK(drop(b, 0));
	expect_alive(t);
	OK(fail_with(t, -EIO));
	UNTIL(t->starts == 3);
	expect_alive(t);
	OK(drop(a, 0));
	expect_over(t);
	settle();
	assert_int_equal(a->signals, 1);
}

static void ends_all_the_same(uint32_t how, uint32_t kind)
{
	struct probe *w = spawn(HERE), *a = spawn(HERE), *t = held(THERE);

	OK(watch(w, t, 0));
	take(a, t);
	OK(send_stop(w, t, how));
	expect_down(w, t, kind);
	OK(drop(a, 0));
	settle();
	assert_int_equal(w->signals, 1);
	assert_int_equal(a->signals, 1);
}

CASE(one_that_is_held_is_stopped_all_the_same)
{
	ends_all_the_same(MYC_STOP, MYC_EXIT_SHUTDOWN);
}
CASE(one_that_is_held_drains_all_the_same)
{
	ends_all_the_same(MYC_STOP_DRAIN, MYC_EXIT_SHUTDOWN);
}
CASE(one_that_is_held_is_killed_all_the_same)
{
	ends_all_the_same(MYC_STOP_KILL, MYC_EXIT_KILLED);
}

CASE(one_that_drains_takes_no_new_holder_and_can_be_given)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *t = held(THERE);

	take(a, t);
	hold(t);
	OK(send_number(b, t, 1));
	settle();
	OK(send_stop(a, t, MYC_STOP_DRAIN));
	settle();
	OK(let(b, job_take, t->address, 0, 0, 0));
	expect_not_held(b, 0, t, MYC_EXIT_NOPROC);
	OK(give(a, 0, b, 1));
	expect_held(b, 1, a->address, t, 1);
	release(t);
	expect_over(t);
	expect_numbers(t, 1, 1);
}

CASE(one_that_has_ended_is_not_there_to_hold)
{
	struct probe *a = spawn(HERE), *t = held(THERE);

	OK(stop_self(t));
	UNTIL(ended(t));
	int code = let(a, job_take, t->address, 0, 0, 0);

	assert_true(code == 0 || code == -ESRCH);
	if (!code)
		expect_not_held(a, 0, t, MYC_EXIT_NOPROC);
	RESULT(let(a, job_take, myc_address_make(0, t->place, 70, 0xfffff0), 0, 0, 0), -ESRCH);
	RESULT(let(a, job_take, myc_address_make(0, 900, 3, 1), 0, 0, 0), -ESRCH);
	RESULT(let(a, job_take, myc_address_make(5, 0, 3, 1), 0, 0, 0), -ESRCH);
	settle();
	assert_int_equal(a->signals, code ? 0 : 1);
}

static int job_take_many(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	for (me->word[0] = 0; me->word[0] < a[1]; me->word[0]++)
		if (myc_strong_take(self, a[0]))
			break;
	return 0;
}

CASE(each_take_has_one_answer_whenever_it_ends)
{
	struct probe *a = spawn(HERE), *t = held(THERE);

	tell(a, job_take_many, t->address, 8, 0, 0);
	OK(stop_self(t));
	UNTIL(ended(t));
	UNTIL(a->jobs == 1 && a->signals == a->word[0]);
	settle();
	assert_int_equal(a->signals, a->word[0]);
	for (uint32_t i = 0; i < a->signals; i++)
		assert_true(nth(a, SIGNAL, i)->event.kind == MYC_EVENT_HELD ||
			    nth(a, SIGNAL, i)->event.kind == MYC_EVENT_NOT_HELD);
}

/* ---- who holds whom ---------------------------------------------------------------------------- */

CASE(a_ring_keeps_itself_until_one_is_stopped)
{
	struct probe *a = spawn(HERE), *t = held(THERE), *u = held(ELSEWHERE);

	take(a, t);
	take(a, u);
	take(t, u);
	take(u, t);
	OK(drop(a, 0));
	OK(drop(a, 1));
	expect_alive(t);
	expect_alive(u);
	OK(send_stop(a, t, MYC_STOP));
	UNTIL(ended(t));
	expect_over(u);
}

CASE(a_chain_ends_link_by_link)
{
	struct probe *a = spawn(HERE), *t[4];

	for (uint32_t i = 0; i < 4; i++) {
		t[i] = held(i % PLACES);
		take(i ? t[i - 1] : a, t[i]);
	}
	expect_alive(t[3]);
	OK(drop(a, 0));
	for (uint32_t i = 0; i < 4; i++)
		expect_over(t[i]);
}

/* ---- room -------------------------------------------------------------------------------------- */

CASE(the_takers_own_table_is_full)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *t = held(THERE);

	for (uint32_t i = 0; i < 4; i++)
		OK(watch(a, b, i));
	RESULT(let(a, job_take, t->address, 0, 0, 0), -ENOSPC);
	OK(unwatch(a, 0));
	take(a, t);
	OK(drop(a, 0));
	expect_over(t);
}

CASE(the_held_ones_table_is_full)
{
	struct probe *a = spawn(HERE), *b = spawn(ELSEWHERE), *c = spawn(THERE), *t = held(THERE);

	take(a, t);
	for (uint32_t i = 0; i < 3; i++)
		OK(watch(c, a, i));
	OK(let(b, job_take, t->address, 0, 0, 0));
	expect_not_held(b, 0, t, MYC_EXIT_NO_ROOM);
	OK(share(a, 0, b, 77));
	expect_not_held(a, 1, t, MYC_EXIT_NO_ROOM);
	assert_int_equal(nth(a, SIGNAL, 1)->from, b->address);
	assert_int_equal(nth(a, SIGNAL, 1)->number, 77);
	/* What is given has the room that it had. */
	OK(give(a, 0, b, 78));
	expect_held(b, 1, a->address, t, 78);
	expect_alive(t);
	OK(drop(b, 0));
	expect_over(t);
}

static void with_threads(struct world_opts *opts)
{
	opts->system.threads = 1;
}

CASE(one_with_a_thread_of_its_own_ends_with_the_last_drop)
{
	struct probe *a = spawn(HERE), *t = make(THERE, &plain);

	for (int i = 0; i < 3; i++) {
		t->spawn_flags = MYC_SPAWN_WHILE_HELD | MYC_SPAWN_THREAD;
		UNTIL(try_spawn(t) == 0); /* the one before has given its thread back */
		take(a, t);
		OK(send_many(a, t, 1, 5));
		OK(drop(a, (uint32_t)i));
		expect_over(t);
		expect_numbers(t, 1, 5);
		t = make(THERE, &plain);
	}
}

const struct conform_case cases_holder[] = {
	{NAMED(a_holder_that_ends_gives_back_what_it_held)},
	{NAMED(a_holder_that_is_stopped_gives_back_what_it_held)},
	{NAMED(a_holder_that_drains_gives_back_what_it_held)},
	{NAMED(a_holder_that_is_killed_gives_back_what_it_held)},
	{NAMED(a_holder_that_fails_for_good_gives_back_what_it_held)},
	{NAMED(a_holder_that_restarts_gives_back_what_it_held)},
	{NAMED(a_holder_that_restarted_can_hold_again)},
	{NAMED(an_answer_to_a_former_life_is_given_back)},
	{NAMED(an_answer_to_one_that_has_ended_is_given_back)},
	{NAMED(one_that_restarts_is_held_as_before)},
	{NAMED(one_that_is_held_is_stopped_all_the_same)},
	{NAMED(one_that_is_held_drains_all_the_same)},
	{NAMED(one_that_is_held_is_killed_all_the_same)},
	{NAMED(one_that_drains_takes_no_new_holder_and_can_be_given)},
	{NAMED(one_that_has_ended_is_not_there_to_hold)},
	{NAMED(each_take_has_one_answer_whenever_it_ends)},
	{NAMED(a_ring_keeps_itself_until_one_is_stopped)},
	{NAMED(a_chain_ends_link_by_link)},
	{NAMED(the_takers_own_table_is_full), .where = FAR, .opts = four_watches},
	{NAMED(the_held_ones_table_is_full), .where = FAR, .opts = four_watches},
	{NAMED(one_with_a_thread_of_its_own_ends_with_the_last_drop), .opts = with_threads},
	{0},
};
