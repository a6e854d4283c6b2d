/* SPDX-License-Identifier: Apache-2.0 */
/* Dead letters, kept and told: mycelium/letter.h. */
#include "conformance/cases.h"

JOB_OF(job_letters, myc_letters_watch(self, a[0]))
JOB_OF(job_hear, myc_become(self, &plain))

static int watch_letters(struct probe *who, bool on)
{
	return let(who, job_letters, on, 0, 0, 0);
}

/* What a place reads of all is noted by a probe that is not spawned. */
static int do_recent(struct myc_system *system, uint64_t *a)
{
	static struct myc_letter letter[16];
	uint32_t count = myc_letters_recent(system, letter, (uint32_t)a[1]);

	for (uint32_t i = 0; i < count; i++)
		note(&shared->probe[a[0]],
		     &(struct seen){.what = SIGNAL, .letter = letter[i], .number = letter[i].why});
	return (int)count;
}

static const struct myc_letter *recent(uint32_t where, uint32_t max, int count)
{
	struct probe *paper = make(HERE, &plain);
	uint64_t a[ERRAND_WORDS] = {paper->index, max};

	assert_int_equal(at(where, do_recent, a), count);
	static struct myc_letter letter[16];

	for (int i = 0; i < count; i++)
		letter[i] = paper->seen[i].letter;
	return letter;
}

/* Numbers from `first` on, to one that is killed with them in its mailbox. */
static struct probe *undelivered(struct probe *from, uint32_t where, uint64_t first, uint64_t count)
{
	struct probe *to = spawn(where);

	hold(to);
	OK(send_many(from, to, first, count));
	settle();
	OK(send_stop(keeper_of(to->place), to, MYC_STOP_KILL));
	UNTIL(ended(to));
	return to;
}

/* ---- what is kept ------------------------------------------------------------------------------ */

CASE(a_letter_says_who_what_and_why_in_every_place)
{
	struct probe *a = spawn(HERE);

	spawn(ELSEWHERE);
	recent(HERE, 16, 0);
	struct probe *to = undelivered(a, THERE, 1, 3);

	UNTIL(counted_dead(MYC_DEAD_LETTER_NO_ACTOR) == 3);
	for (uint32_t place = HERE; place <= (apart() ? ELSEWHERE : HERE); place++) {
		const struct myc_letter *letter = recent(place, 16, 3);

		for (uint32_t i = 0; i < 3; i++) {
			assert_int_equal(letter[i].from, a->address);
			assert_int_equal(letter[i].to, to->address);
			assert_int_equal(letter[i].type, NUMBER);
			assert_int_equal(letter[i].size, 8);
			assert_int_equal(letter[i].why, MYC_DEAD_LETTER_NO_ACTOR);
			assert_int_equal(letter[i].flags, 0);
			assert_false(letter[i].asked);
			assert_true(!i || letter[i].time_ns >= letter[i - 1].time_ns);
		}
	}
	recent(HERE, 2, 2);
	recent(HERE, 0, 0);
}

CASE(a_letter_of_a_body_has_the_bodys_size)
{
	struct probe *a = spawn(HERE), *to = spawn(THERE);

	hold(to);
	OK(send_sized(a, to, SEND, 1, 1000));
	settle();
	OK(send_stop(keeper_of(to->place), to, MYC_STOP_KILL));
	UNTIL(counted_dead_all() == 1);
	assert_int_equal(recent(HERE, 1, 1)->size, 1000);
	expect_bodies_home();
}

CASE(a_letter_says_that_somebody_asked)
{
	struct probe *a = spawn(HERE), *to = spawn(THERE);

	hold(to);
	OK(ask(a, to, LONG, 1));
	settle();
	OK(send_stop(keeper_of(to->place), to, MYC_STOP_KILL));
	assert_int_equal(nth(a, REPLY, 0)->status, -ESRCH);
	const struct myc_letter *letter = recent(HERE, 1, 1);

	assert_true(letter->asked);
	assert_int_equal(letter->type, REQUEST);
}

CASE(a_letter_of_a_thread_is_from_nobody)
{
	struct probe *to = spawn(THERE);

	hold(to);
	OK(post(to, NUMBER, 1));
	settle();
	OK(send_stop(keeper_of(to->place), to, MYC_STOP_KILL));
	UNTIL(counted_dead_all() == 1);
	assert_int_equal(recent(HERE, 1, 1)->from, MYC_NOBODY);
	assert_int_equal(recent(HERE, 1, 1)->to, to->address);
}

CASE(a_letter_says_that_it_was_urgent)
{
	struct probe *a = spawn(HERE), *to = spawn(THERE);

	hold(to);
	OK(send_urgent(a, to, 1));
	settle();
	OK(send_stop(keeper_of(to->place), to, MYC_STOP_KILL));
	UNTIL(counted_dead_all() == 1);
	assert_int_equal(recent(HERE, 1, 1)->flags, MYC_MESSAGE_URGENT);
}

CASE(a_late_reply_is_a_letter_to_who_asked)
{
	struct probe *a = spawn(HERE), *b = replier(THERE, keeps);

	OK(ask(a, b, MS, 1));
	assert_int_equal(nth(a, REPLY, 0)->status, -ETIMEDOUT);
	UNTIL(b->kept_count == 1);
	OK(answer_kept(b, 0, 5));
	UNTIL(counted_dead_all() == 1);
	assert_int_equal(recent(HERE, 1, 1)->why, MYC_DEAD_LETTER_LATE_REPLY);
}

CASE(what_is_refused_is_no_letter)
{
	struct probe *a = spawn(HERE), *to = spawn(THERE);

	OK(send_number(a, to, 1));
	SAW(to, MESSAGE, 1);
	OK(stop_self(to));
	UNTIL(ended(to));
	RESULT(send_number(a, to, 2), -ESRCH);
	settle();
	recent(HERE, 16, 0);
	assert_int_equal(counted_dead_all(), 0);
}

CASE(every_reason_has_words_and_no_other)
{
	for (uint32_t why = 0; why < MYC_DEAD_LETTERS_COUNT; why++)
		assert_string_not_equal(myc_letter_why(why), "?");
	assert_string_equal(myc_letter_why(MYC_DEAD_LETTERS_COUNT), "?");
	assert_string_equal(myc_letter_why(UINT32_MAX), "?");
}

CASE(what_is_kept_survives_its_process_and_the_one_in_hand_is_among_it)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &plain);
	struct probe *to = undelivered(a, THERE, 1, 2);

	UNTIL(counted_dead_all() == 2);
	OK(send_number(a, b, 7));
	SAW(b, MESSAGE, 1);
	kill_place(THERE);
	revive_place(THERE);
	settle();
	const struct myc_letter *letter = recent(HERE, 16, 2);

	assert_int_equal(letter[0].to, to->address);
	assert_int_equal(letter[1].to, to->address);
}

/* ---- who watches ------------------------------------------------------------------------------- */

CASE(a_watcher_is_told_of_those_of_all_places_and_of_none_from_before)
{
	struct probe *a = spawn(HERE), *w = spawn(ELSEWHERE), *to;

	undelivered(a, HERE, 1, 2);
	UNTIL(counted_dead_all() == 2);
	OK(watch_letters(w, true));
	OK(watch_letters(w, true)); /* again: no change */
	to = undelivered(a, HERE, 3, 3);
	SAW(w, SIGNAL, 3);
	for (uint32_t i = 0; i < 3; i++) {
		const struct seen *seen = nth(w, SIGNAL, i);

		assert_int_equal(seen->event.kind, MYC_EVENT_DEAD_LETTER);
		assert_int_equal(seen->letter.to, to->address);
		assert_int_equal(seen->letter.from, a->address);
		assert_int_equal(seen->letter.missed, 0);
	}
	to = undelivered(a, THERE, 6, 2);
	SAW(w, SIGNAL, 5);
	assert_int_equal(nth(w, SIGNAL, 4)->letter.to, to->address);
	OK(watch_letters(w, false));
	undelivered(a, THERE, 8, 2);
	UNTIL(counted_dead_all() == 9);
	settle();
	assert_int_equal(w->signals, 5);
}

CASE(a_suspended_watcher_is_told_when_it_goes_on)
{
	struct probe *a = spawn(HERE), *w = spawn(ELSEWHERE);

	OK(watch_letters(w, true));
	hold(w);
	undelivered(a, THERE, 1, 3);
	UNTIL(counted_dead_all() == 3);
	settle();
	assert_int_equal(w->signals, 0);
	release(w);
	SAW(w, SIGNAL, 3);
}

/* The first letter makes it send to one that is suspended, which is killed then. */
static int sends_to_the_held(struct myc_actor *self, struct probe *me,
			     const struct myc_signal_event *event)
{
	(void)event;
	return do_send(self, me, me->word[7], SEND, 1, 8);
}

CASE(a_watchers_own_letters_are_not_told_so_telling_makes_no_more)
{
	struct probe *a = spawn(HERE), *w = spawn(ELSEWHERE), *held = spawn(THERE);

	OK(watch_letters(w, true));
	set_word(w, 7, held->address);
	w->on_signal = sends_to_the_held;
	hold(held);
	undelivered(a, THERE, 1, 3);
	SAW(w, SIGNAL, 3);
	settle();
	OK(send_stop(keeper_of(held->place), held, MYC_STOP_KILL));
	UNTIL(counted_dead_all() == 6);
	settle();
	assert_int_equal(w->signals, 3);
	w->on_signal = NULL;
	undelivered(a, THERE, 4, 1); /* it still watches */
	SAW(w, SIGNAL, 4);
}

CASE(a_restarted_watcher_watches_no_more)
{
	struct probe *a = spawn(HERE), *w = spawn_restarting(ELSEWHERE, 3), *w2 = spawn(THERE);

	OK(watch_letters(w, true));
	OK(watch_letters(w2, true));
	OK(fail_with(w, -EIO));
	UNTIL(w->inits == 2);
	undelivered(a, HERE, 1, 1);
	SAW(w2, SIGNAL, 1);
	settle();
	assert_int_equal(w->signals, 0);
	OK(watch_letters(w, true));
	undelivered(a, HERE, 2, 1);
	SAW(w, SIGNAL, 1);
}

CASE(watchers_are_bounded_and_must_be_able_to_hear)
{
	struct probe *d = spawn_as(HERE, &deaf), *w[MYC_LETTER_WATCHERS_MAX + 1];

	RESULT(watch_letters(d, true), -EINVAL);
	for (int i = 0; i <= MYC_LETTER_WATCHERS_MAX; i++) {
		w[i] = spawn(HERE);
		RESULT(watch_letters(w[i], true), i < MYC_LETTER_WATCHERS_MAX ? 0 : -ENOSPC);
	}
	OK(watch_letters(w[2], false));
	OK(watch_letters(w[MYC_LETTER_WATCHERS_MAX], true));
	RESULT(watch_letters(w[2], true), -ENOSPC);
	OK(stop_self(w[4]));
	UNTIL(ended(w[4]));
	OK(let(d, job_hear, 0, 0, 0, 0));
	OK(watch_letters(d, true));
	RESULT(watch_letters(w[2], true), -ENOSPC);
}

const struct conform_case cases_letter[] = {
	{NAMED(a_letter_says_who_what_and_why_in_every_place)},
	{NAMED(a_letter_of_a_body_has_the_bodys_size)},
	{NAMED(a_letter_says_that_somebody_asked)},
	{NAMED(a_letter_of_a_thread_is_from_nobody)},
	{NAMED(a_letter_says_that_it_was_urgent)},
	{NAMED(a_late_reply_is_a_letter_to_who_asked)},
	{NAMED(what_is_refused_is_no_letter)},
	{NAMED(every_reason_has_words_and_no_other), .where = NEAR},
	{DEADLY(what_is_kept_survives_its_process_and_the_one_in_hand_is_among_it)},
	{NAMED(a_watcher_is_told_of_those_of_all_places_and_of_none_from_before)},
	{NAMED(a_suspended_watcher_is_told_when_it_goes_on)},
	{NAMED(a_watchers_own_letters_are_not_told_so_telling_makes_no_more)},
	{NAMED(a_restarted_watcher_watches_no_more)},
	{NAMED(watchers_are_bounded_and_must_be_able_to_hear), .where = NEAR},
	{0},
};
