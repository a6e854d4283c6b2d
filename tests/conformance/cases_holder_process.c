/* SPDX-License-Identifier: Apache-2.0 */
/* Strong references that threads of a process hold, and of a process that dies: mycelium/strong.h. */
#include "conformance/strong_bed.h"

#define WAIT (60 * SECOND) /* that threads have */

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

const struct conform_case cases_holder_process[] = {
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
