/* SPDX-License-Identifier: Apache-2.0 */
/* Strong references: holders and held ones that end, restart, or die with their process; threads that hold; full
 * tables: mycelium/strong.h. */
#include "conformance/strong_bed.h"

#define WAIT (60 * SECOND) /* that threads have */

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

static void four_watches(struct world_opts *opts)
{
	opts->executor.watches = 4;
}

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

/* ---- threads ----------------------------------------------------------------------------------- */

static int do_hold(struct myc_system *system, uint64_t *a)
{
	struct myc_strong strong;
	int code = myc_strong_hold(system, a[0], &strong, WAIT);

	memcpy(&a[1], &strong, sizeof(strong));
	return code;
}
static int do_release(struct myc_system *system, uint64_t *a)
{
	struct myc_strong strong;

	memcpy(&strong, &a[1], sizeof(strong));
	return myc_strong_release(system, &strong, WAIT);
}
static int do_pass(struct myc_system *system, uint64_t *a)
{
	struct myc_strong strong;

	memcpy(&strong, &a[1], sizeof(strong));
	return myc_strong_pass(system, &strong, a[4], a[5], WAIT);
}

CASE(a_thread_holds_and_releases)
{
	struct probe *t = held(THERE);
	uint64_t a[ERRAND_WORDS] = {t->address}, b[ERRAND_WORDS] = {t->address}, c[ERRAND_WORDS];

	OK(at(HERE, do_hold, a));
	OK(at(HERE, do_hold, b));
	memcpy(c, a, sizeof(c));
	expect_alive(t);
	OK(at(HERE, do_release, a));
	OK(at(HERE, do_release, c)); /* a copy */
	expect_alive(t);
	OK(post(t, NUMBER, 1));
	OK(at(HERE, do_release, b));
	expect_over(t);
	expect_numbers(t, 1, 1);
	OK(at(HERE, do_release, b));
	RESULT(at(HERE, do_hold, a), -ESRCH);
}

CASE(a_thread_passes_it_on)
{
	struct probe *b = spawn(ELSEWHERE), *t = held(THERE);
	uint64_t a[ERRAND_WORDS] = {t->address};

	OK(at(HERE, do_hold, a));
	a[4] = t->address;
	RESULT(at(HERE, do_pass, a), -EINVAL);
	a[4] = b->address;
	a[5] = 12;
	OK(at(HERE, do_pass, a));
	expect_held(b, 0, MYC_NOBODY, t, 12);
	OK(at(HERE, do_release, a)); /* it is not the thread's any more */
	expect_alive(t);
	OK(drop(b, 0));
	expect_over(t);
}

CASE(what_another_process_holds_no_thread_releases)
{
	struct probe *t = held(THERE);
	uint64_t a[ERRAND_WORDS] = {t->address};

	OK(at(HERE, do_hold, a));
	uint64_t copy[ERRAND_WORDS];

	memcpy(copy, a, sizeof(copy));
	OK(at(ELSEWHERE, do_release, copy));
	expect_alive(t);
	OK(at(HERE, do_release, a));
	expect_over(t);
}

CASE(a_thread_hears_that_there_is_no_room)
{
	struct probe *b = spawn(HERE), *c = spawn(THERE), *t = held(THERE);
	uint64_t a[ERRAND_WORDS] = {t->address};

	for (uint32_t i = 0; i < 4; i++)
		OK(watch(c, b, i));
	RESULT(at(HERE, do_hold, a), -ENOSPC);
	OK(unwatch(c, 0));
	OK(at(HERE, do_hold, a));
	OK(at(HERE, do_release, a));
	expect_over(t);
}

/* ---- processes that die ------------------------------------------------------------------------ */

CASE(a_dead_process_gives_back_what_it_held)
{
	struct probe *w = fixed(HERE, &plain), *a = fixed(THERE, &plain), *t = fixed_held(HERE);

	OK(watch(w, t, 0));
	take(a, t);
	take(a, t);
	OK(send_many(a, t, 1, 8));
	expect_alive(t);
	kill_place(THERE);
	expect_down(w, t, MYC_EXIT_NORMAL);
	expect_numbers(t, 1, 8);
	expect_over(t);
	revive_place(THERE);
}

CASE(what_others_hold_outlives_a_dead_process)
{
	struct probe *a = fixed(THERE, &plain), *b = fixed(ELSEWHERE, &plain),
		     *t = fixed_held(HERE);

	take(a, t);
	take(b, t);
	kill_place(THERE);
	revive_place(THERE);
	UNTIL(a->starts == 2);
	expect_alive(t);
	OK(drop(a, 0)); /* of its former life */
	expect_alive(t);
	OK(drop(b, 0));
	expect_over(t);
}

CASE(a_process_that_is_back_before_anybody_looked_holds_nothing)
{
	struct probe *a = fixed(THERE, &plain), *t = fixed_held(HERE);

	take(a, t);
	kill_place(THERE);
	revive_place(THERE);
	expect_over(t);
}

CASE(what_a_thread_held_comes_home_with_its_process)
{
	struct probe *w = fixed(THERE, &plain), *t = fixed_held(HERE);
	uint64_t a[ERRAND_WORDS] = {t->address};

	OK(post(w, NUMBER, 1));
	SAW(w, MESSAGE, 1);
	OK(at(THERE, do_hold, a));
	expect_alive(t);
	kill_place(THERE);
	expect_over(t);
	revive_place(THERE);
}

CASE(what_was_given_to_a_process_comes_home_when_it_dies)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain),
		     *t = fixed_held(ELSEWHERE);

	take(a, t);
	OK(give(a, 0, b, 1));
	SAW(b, SIGNAL, 1);
	expect_alive(t);
	kill_place(THERE);
	expect_over(t);
	revive_place(THERE);
}

CASE(what_a_dead_process_gave_is_the_others)
{
	struct probe *a = fixed(THERE, &plain), *b = fixed(ELSEWHERE, &plain),
		     *t = fixed_held(HERE);

	take(a, t);
	OK(give(a, 0, b, 1));
	SAW(b, SIGNAL, 1);
	kill_place(THERE);
	revive_place(THERE);
	UNTIL(a->starts == 2);
	expect_alive(t);
	OK(drop(b, 0));
	expect_over(t);
}

CASE(given_to_a_dead_process_it_has_come_home)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain), *t = fixed_held(HERE);

	take(a, t);
	expect_alive(b);
	kill_place(THERE);
	OK(give(a, 0, b, 1));
	expect_over(t);
	revive_place(THERE);
	UNTIL(b->starts == 2);
	settle();
	assert_int_equal(b->signals, 0);
}

CASE(references_to_a_former_life_are_void)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(ELSEWHERE, &plain),
		     *t = fixed_held(THERE);

	take(a, t);
	take(b, t);
	kill_place(THERE);
	revive_place(THERE);
	UNTIL(t->starts == 2);
	OK(drop(b, 0));
	expect_alive(t); /* nobody has held this one yet */
	take(b, t);
	OK(give(a, 0, b, 1)); /* the same place in the table, perhaps */
	expect_alive(t);
	assert_int_equal(b->signals, 2);
	OK(drop(b, 1));
	expect_over(t);
}

CASE(taking_one_of_a_dead_process_is_answered)
{
	struct probe *a = fixed(HERE, &plain), *t = fixed_held(THERE);

	take(a, t);
	kill_place(THERE);
	int code = let(a, job_take, t->address, 0, 0, 0);

	if (!code)
		expect_not_held(a, 1, t, MYC_EXIT_NOCONNECTION);
	else
		assert_int_equal(code, -ESRCH);
	uint64_t b[ERRAND_WORDS] = {t->address};
	int held_by_thread = at(HERE, do_hold, b);

	assert_true(held_by_thread == -ESRCH || held_by_thread == -ENOTCONN);
	OK(drop(a, 0));
	revive_place(THERE);
	UNTIL(t->starts == 2);
	take(a, t);
}

/* a: whom, then who holds it, as many as there is room for. Returns how many there are. */
static int do_ask_holders(struct myc_system *system, uint64_t *a)
{
	uint32_t references;
	int code =
		myc_strong_holders(system, a[0], &a[1], ERRAND_WORDS - 1, &references, 30 * SECOND);

	return code ? code : (int)references;
}

static uint32_t times(const uint64_t *a, myc_address holder)
{
	uint32_t n = 0;

	for (int i = 1; i < ERRAND_WORDS; i++)
		n += a[i] == holder;
	return n;
}

CASE(a_thread_is_told_who_holds_one)
{
	struct probe *t = held(THERE), *a = spawn(HERE), *b = spawn(ELSEWHERE);
	uint64_t asked[ERRAND_WORDS] = {t->address};

	RESULT(at(HERE, do_ask_holders, asked), 0);
	for (int i = 0; i < 5; i++)
		take(a, t);
	take(b, t);
	RESULT(at(HERE, do_ask_holders, asked), 6);
	assert_int_equal(times(asked, a->address), 5);
	assert_int_equal(times(asked, b->address), 1);
	RESULT(at(THERE, do_ask_holders, asked), 6);
	/* More than there is room for. */
	for (int i = 0; i < 6; i++)
		take(b, t);
	RESULT(at(HERE, do_ask_holders, asked), 12);
	assert_int_equal(times(asked, a->address) + times(asked, b->address), ERRAND_WORDS - 1);
	for (uint32_t i = 0; i < 5; i++)
		OK(drop(a, i));
	settle();
	memset(&asked[1], 0, sizeof(asked) - sizeof(asked[0]));
	UNTIL(at(HERE, do_ask_holders, asked) == 7);
	assert_int_equal(times(asked, a->address), 0);
	assert_int_equal(times(asked, b->address), 7);
	OK(stop_self(b));
	UNTIL(ended(t));
	UNTIL(at(HERE, do_ask_holders, asked) == -ESRCH);
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
	{NAMED(a_thread_is_told_who_holds_one)},
	{NAMED(a_thread_holds_and_releases)},
	{NAMED(a_thread_passes_it_on)},
	{DEADLY(what_another_process_holds_no_thread_releases)},
	{NAMED(a_thread_hears_that_there_is_no_room), .where = FAR, .opts = four_watches},
	{DEADLY(a_dead_process_gives_back_what_it_held)},
	{DEADLY(what_others_hold_outlives_a_dead_process)},
	{DEADLY(a_process_that_is_back_before_anybody_looked_holds_nothing)},
	{DEADLY(what_a_thread_held_comes_home_with_its_process)},
	{DEADLY(what_was_given_to_a_process_comes_home_when_it_dies)},
	{DEADLY(what_a_dead_process_gave_is_the_others)},
	{DEADLY(given_to_a_dead_process_it_has_come_home)},
	{DEADLY(references_to_a_former_life_are_void)},
	{DEADLY(taking_one_of_a_dead_process_is_answered)},
	{0},
};
