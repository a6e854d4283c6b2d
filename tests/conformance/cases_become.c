/* SPDX-License-Identifier: Apache-2.0 */
/* Actors that go on with other handlers: mycelium/become.h. */
#include "conformance/cases.h"

enum { FIRST, RED, GREEN, BLUE, COLOURS };
enum { NEVER = 6, INNER = 7 }; /* words: calls that may not be; what a call inside returned */

static const struct myc_behaviour colour[COLOURS];

/* What comes to the handlers of a colour is noted with it. */
#define COLOUR(name, mark_)                                                                      \
	static int name##_message(struct myc_actor *self, const struct myc_message *message)     \
	{                                                                                        \
		probe_of(self)->mark = mark_;                                                    \
		return probe_message(self, message);                                             \
	}                                                                                        \
	static int name##_timer(struct myc_actor *self, uint64_t cookie)                         \
	{                                                                                        \
		probe_of(self)->mark = mark_;                                                    \
		return probe_timer(self, cookie);                                                \
	}                                                                                        \
	static int name##_signal(struct myc_actor *self, const struct myc_signal_event *event)   \
	{                                                                                        \
		probe_of(self)->mark = mark_;                                                    \
		return probe_signal(self, event);                                                \
	}                                                                                        \
	static int name##_reply(struct myc_actor *self, const struct myc_reply *reply)           \
	{                                                                                        \
		probe_of(self)->mark = mark_;                                                    \
		return probe_reply(self, reply);                                                 \
	}                                                                                        \
	static int name##_entered(struct myc_actor *self)                                        \
	{                                                                                        \
		probe_of(self)->mark = mark_;                                                    \
		note(probe_of(self), &(struct seen){.what = ENTERED});                           \
		return entering(self);                                                           \
	}                                                                                        \
	static void name##_left(struct myc_actor *self)                                          \
	{                                                                                        \
		probe_of(self)->mark = mark_;                                                    \
		note(probe_of(self), &(struct seen){.what = LEFT});                              \
		if (probe_of(self)->word[0])                                                     \
			probe_of(self)->word[INNER] = (uint64_t)myc_become(self, &colour[BLUE]); \
	}

/* word[0]: it tries to change again; word[1]: what `entered` returns. */
static int entering(struct myc_actor *self)
{
	struct probe *me = probe_of(self);

	if (me->word[0] == 1)
		me->word[INNER] = (uint64_t)myc_become(self, &colour[BLUE]);
	if (me->word[0] == 2)
		me->word[INNER] = (uint64_t)myc_unbecome(self);
	return (int)me->word[1];
}

COLOUR(first, FIRST)
COLOUR(red, RED)
COLOUR(green, GREEN)

static int never(struct myc_actor *self)
{
	probe_of(self)->word[NEVER]++;
	return 0;
}
static void never_void(struct myc_actor *self)
{
	never(self);
}
static int blue_message(struct myc_actor *self, const struct myc_message *message)
{
	probe_of(self)->mark = BLUE;
	return probe_message(self, message);
}

static const struct myc_behaviour colour[COLOURS] = {
	[FIRST] = {.name = "first",
		   .capacity_per_sender = 16,
		   .state_size = 64,
		   .init = probe_init,
		   .started = probe_started,
		   .message = first_message,
		   .timer = first_timer,
		   .signal = first_signal,
		   .reply = first_reply,
		   .entered = first_entered,
		   .left = first_left,
		   .stopping = probe_stopping,
		   .stopped = probe_stopped},
	/* The frame of its life, state and capacity are the first's, whatever these say. */
	[RED] = {.name = "red",
		 .capacity_per_sender = 1,
		 .state_size = 4096,
		 .init = never,
		 .started = never,
		 .message = red_message,
		 .timer = red_timer,
		 .signal = red_signal,
		 .reply = red_reply,
		 .entered = red_entered,
		 .left = red_left,
		 .stopping = never_void,
		 .stopped = never_void},
	[GREEN] = {.name = "green",
		   .message = green_message,
		   .timer = green_timer,
		   .signal = green_signal,
		   .reply = green_reply,
		   .entered = green_entered,
		   .left = green_left},
	[BLUE] = {.name = "blue", .message = blue_message},
};

/* ---- jobs -------------------------------------------------------------------------------------- */

JOB_OF(job_become, myc_become(self, &colour[a[0]]))
JOB_OF(job_become_over, myc_become_over(self, &colour[a[0]]))
JOB_OF(job_unbecome, myc_unbecome(self))
JOB_OF(job_become_none, (myc_become(self, NULL) == -EINVAL ? myc_become_over(self, NULL) : -EIO))
JOB_OF(job_now, (int)(myc_behaviour_now(self) - colour))
JOB_OF(job_become_fails, (atomic_store(&me->handler_code, myc_become(self, &colour[a[0]])), 0))

static int become(struct probe *who, uint64_t to)
{
	return let(who, job_become, to, 0, 0, 0);
}
static int become_over(struct probe *who, uint64_t to)
{
	return let(who, job_become_over, to, 0, 0, 0);
}
static int unbecome(struct probe *who)
{
	return let(who, job_unbecome, 0, 0, 0, 0);
}

static struct probe *first(uint32_t where)
{
	return spawn_as(where, &colour[FIRST]);
}

/* What was noted, by kind and colour: "x0e1", say. Messages, replies and so on too. */
static void expect_story(const struct probe *who, const char *expected)
{
	char story[2 * SEEN_MAX + 1];
	size_t at = 0;

	settle();
	for (uint32_t i = 0; i < atomic_load_explicit(&who->count, memory_order_acquire); i++) {
		story[at++] = (char)who->seen[i].what;
		story[at++] = (char)('0' + who->seen[i].mark);
	}
	story[at] = '\0';
	assert_string_equal(story, expected);
}

/* ---- changing ---------------------------------------------------------------------------------- */

/* Number a[0] of the first changes it. */
static int becomes_red_at(struct myc_actor *self, struct probe *me,
			  const struct myc_message *message)
{
	uint64_t number;
	int code = notes(self, me, message);

	memcpy(&number, message->payload, sizeof(number));
	return code || number != me->word[2] ? code : myc_become(self, &colour[RED]);
}

CASE(what_comes_next_comes_to_the_new_handlers)
{
	struct probe *a = spawn(HERE), *b = first(THERE);

	set_word(b, 2, 5);
	b->react = becomes_red_at;
	hold_with(a, b, 10);
	release(b);
	expect_numbers(b, 1, 10);
	/* In one turn or many: parted exactly there. */
	expect_story(b, "m0m0m0m0m0x0e1m1m1m1m1m1");
}

CASE(left_of_the_old_runs_before_entered_of_the_new_inside_the_call)
{
	struct probe *b = first(HERE);

	OK(become(b, RED));
	OK(become(b, GREEN));
	OK(unbecome(b));
	expect_story(b, "x0e1x1e2x2e0");
}

CASE(entered_of_the_first_does_not_run_at_its_start)
{
	struct probe *b = first(HERE);

	OK(send_number(b, b, 1));
	expect_numbers(b, 1, 1);
	expect_story(b, "m0");
	assert_int_equal(b->starts, 1);
}

CASE(what_is_become_takes_the_place_of_the_current_one)
{
	struct probe *b = first(HERE);

	OK(become(b, RED));
	OK(become(b, GREEN));
	RESULT(let(b, job_now, 0, 0, 0, 0), GREEN);
	OK(unbecome(b));
	RESULT(let(b, job_now, 0, 0, 0, 0), FIRST);
	RESULT(unbecome(b), -ENOENT);
}

CASE(what_is_become_over_lies_above_and_comes_off_again)
{
	struct probe *b = first(HERE);

	OK(become_over(b, RED));
	OK(become_over(b, GREEN));
	OK(become(b, BLUE)); /* in green's place */
	RESULT(let(b, job_now, 0, 0, 0, 0), BLUE);
	OK(unbecome(b));
	RESULT(let(b, job_now, 0, 0, 0, 0), RED);
	OK(unbecome(b));
	RESULT(let(b, job_now, 0, 0, 0, 0), FIRST);
	RESULT(unbecome(b), -ENOENT);
	expect_story(b, "x0e1x1e2x2e1x1e0");
}

CASE(eight_lie_above_the_first_and_no_more)
{
	struct probe *b = first(HERE);

	for (int i = 0; i < MYC_BEHAVIOURS_MAX; i++)
		OK(become_over(b, i % 2 ? RED : GREEN));
	RESULT(become_over(b, BLUE), -ENOSPC);
	RESULT(let(b, job_now, 0, 0, 0, 0), RED);
	OK(become(b, BLUE)); /* takes no more room */
	for (int i = 0; i < MYC_BEHAVIOURS_MAX; i++)
		OK(unbecome(b));
	RESULT(unbecome(b), -ENOENT);
}

CASE(one_may_be_there_several_times)
{
	struct probe *b = first(HERE);

	OK(become_over(b, RED));
	OK(become_over(b, RED));
	OK(become_over(b, FIRST));
	RESULT(let(b, job_now, 0, 0, 0, 0), FIRST);
	OK(unbecome(b));
	OK(unbecome(b));
	OK(unbecome(b));
	RESULT(unbecome(b), -ENOENT);
}

CASE(nothing_is_become_of_no_behaviour)
{
	struct probe *b = first(HERE);

	RESULT(let(b, job_become_none, 0, 0, 0, 0), -EINVAL);
	expect_story(b, "");
}

CASE(entered_and_left_may_not_change_it_again)
{
	struct probe *b = first(HERE);

	set_word(b, 0, 1);
	OK(become(b, RED));
	assert_int_equal((int)b->word[INNER], -EBUSY);
	set_word(b, INNER, 0);
	set_word(b, 0, 2);
	OK(become(b, GREEN));
	assert_int_equal((int)b->word[INNER], -EBUSY);
	set_word(b, INNER, 0);
	set_word(b, 0, 3); /* left only */
	OK(unbecome(b));
	assert_int_equal((int)b->word[INNER], -EBUSY);
	RESULT(let(b, job_now, 0, 0, 0, 0), FIRST);
}

CASE(what_entered_returns_is_returned_and_the_change_has_taken_place)
{
	struct probe *b = first(HERE);

	set_word(b, 1, (uint64_t)-EPERM);
	RESULT(become(b, RED), -EPERM);
	RESULT(let(b, job_now, 0, 0, 0, 0), RED);
	RESULT(unbecome(b), -EPERM);
	RESULT(let(b, job_now, 0, 0, 0, 0), FIRST);
}

CASE(an_entered_that_fails_can_fail_its_actor)
{
	struct probe *a = spawn(ELSEWHERE), *b = first(HERE);

	OK(watch(a, b, 0));
	set_word(b, 1, (uint64_t)-EPERM);
	OK(let(b, job_become_fails, RED, 0, 0, 0));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_FAILED, -EPERM));
}

/* ---- what a change leaves alone ---------------------------------------------------------------- */

CASE(what_a_state_leaves_out_is_the_firsts)
{
	struct probe *a = spawn(ELSEWHERE), *b = first(HERE);

	a->react = echoes;
	OK(watch(b, a, 0));
	OK(become(b, BLUE));
	OK(start_timer(b, MS, 0, 1));
	SAW(b, TIMER, 1);
	assert_int_equal(nth(b, TIMER, 0)->mark, FIRST);
	OK(ask(b, a, LONG, 3));
	assert_int_equal(nth(b, REPLY, 0)->mark, FIRST);
	OK(stop_self(a));
	assert_int_equal(nth(b, SIGNAL, 0)->mark, FIRST);
	OK(send_number(b, b, 1));
	assert_int_equal(nth(b, MESSAGE, 0)->mark, BLUE);
}

CASE(a_timer_started_before_fires_in_the_new_state)
{
	struct probe *b = first(HERE);

	OK(start_timer(b, 20 * MS, 0, 1));
	OK(become(b, RED));
	assert_int_equal(nth(b, TIMER, 0)->mark, RED);
	OK(start_timer(b, 20 * MS, 0, 2));
	OK(stop_timer(b, 2)); /* still its own */
}

CASE(a_reply_asked_for_before_comes_to_the_new_handler)
{
	struct probe *a = replier(THERE, keeps), *b = first(HERE);

	OK(ask(b, a, LONG, 3));
	UNTIL(a->kept_count == 1);
	OK(become(b, GREEN));
	OK(answer_kept(a, 0, 8));
	assert_int_equal(nth(b, REPLY, 0)->mark, GREEN);
	assert_int_equal(nth(b, REPLY, 0)->payload, 8);
}

CASE(a_down_of_before_comes_to_the_new_handler)
{
	struct probe *a = spawn(THERE), *b = first(HERE);

	OK(watch(b, a, 0));
	OK(become(b, GREEN));
	OK(stop_self(a));
	expect_down(b, a, MYC_EXIT_NORMAL);
	assert_int_equal(nth(b, SIGNAL, 0)->mark, GREEN);
}

CASE(links_and_the_trap_stay)
{
	struct probe *a = spawn(THERE), *b = first(HERE);

	OK(trap(b, true));
	OK(tie(b, a));
	OK(become(b, GREEN));
	OK(leave(a, WHY(MYC_EXIT_USER, 4)));
	assert_true(is_exit(nth(b, SIGNAL, 0), a, MYC_EXIT_USER, 4, MYC_EVENT_LINK));
	assert_int_equal(nth(b, SIGNAL, 0)->mark, GREEN);
	assert_false(ended(b));
}

static int job_state(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint64_t *state = myc_state(self), was = *state;

	(void)me;
	*state = a[0];
	return (int)was;
}

CASE(state_and_address_stay)
{
	struct probe *a = spawn(THERE), *b = first(HERE);

	RESULT(let(b, job_state, 11, 0, 0, 0), 0);
	OK(become(b, RED));
	RESULT(let(b, job_state, 12, 0, 0, 0), 11);
	OK(unbecome(b));
	RESULT(let(b, job_state, 13, 0, 0, 0), 12);
	OK(send_number(a, b, 1));
	expect_numbers(b, 1, 1);
}

CASE(the_capacity_stays_the_firsts)
{
	struct probe *a = spawn(HERE), *b = first(THERE);

	OK(become(b, RED)); /* its own would be one */
	hold_met(a, b);
	RESULT(try_flood(a, b, 2), -EAGAIN);
	assert_int_equal(a->word[0], 16);
	release(b);
	expect_numbers(b, 1, 17);
}

/* ---- ends -------------------------------------------------------------------------------------- */

CASE(its_end_is_framed_by_the_first)
{
	struct probe *b = first(HERE);

	OK(become_over(b, RED));
	OK(stop_self(b));
	UNTIL(ended(b));
	assert_int_equal(b->stoppings, 1);
	assert_int_equal(b->stops, 1);
	assert_int_equal(b->word[NEVER], 0);
	expect_story(b, "x0e1"); /* no left */
}

CASE(a_restart_leads_back_to_the_first_from_any_depth_without_left)
{
	struct probe *b = make(HERE, &colour[FIRST]);

	b->restarts_max = 3;
	OK(try_spawn(b));
	OK(become_over(b, RED));
	OK(become_over(b, GREEN));
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2 && b->starts == 2);
	RESULT(let(b, job_now, 0, 0, 0, 0), FIRST);
	RESULT(unbecome(b), -ENOENT);
	expect_story(b, "x0e1x1e2");
	assert_int_equal(b->word[NEVER], 0);
}

CASE(the_successor_of_a_dead_process_starts_with_the_first)
{
	struct probe *a = fixed(HERE, &plain), *b = fixed(THERE, &colour[FIRST]);

	OK(become_over(b, RED));
	OK(become_over(b, GREEN));
	OK(send_number(a, b, 1));
	SAW(b, MESSAGE, 1);
	assert_int_equal(nth(b, MESSAGE, 0)->mark, GREEN);
	kill_place(THERE);
	revive_place(THERE);
	UNTIL(b->inits == 2);
	RESULT(let(b, job_now, 0, 0, 0, 0), FIRST);
	RESULT(unbecome(b), -ENOENT);
}

const struct conform_case cases_become[] = {
	{NAMED(what_comes_next_comes_to_the_new_handlers)},
	{NAMED(left_of_the_old_runs_before_entered_of_the_new_inside_the_call), .where = NEAR},
	{NAMED(entered_of_the_first_does_not_run_at_its_start), .where = NEAR},
	{NAMED(what_is_become_takes_the_place_of_the_current_one), .where = NEAR},
	{NAMED(what_is_become_over_lies_above_and_comes_off_again), .where = NEAR},
	{NAMED(eight_lie_above_the_first_and_no_more), .where = NEAR},
	{NAMED(one_may_be_there_several_times), .where = NEAR},
	{NAMED(nothing_is_become_of_no_behaviour), .where = NEAR},
	{NAMED(entered_and_left_may_not_change_it_again), .where = NEAR},
	{NAMED(what_entered_returns_is_returned_and_the_change_has_taken_place), .where = NEAR},
	{NAMED(an_entered_that_fails_can_fail_its_actor)},
	{NAMED(what_a_state_leaves_out_is_the_firsts)},
	{NAMED(a_timer_started_before_fires_in_the_new_state), .where = NEAR},
	{NAMED(a_reply_asked_for_before_comes_to_the_new_handler)},
	{NAMED(a_down_of_before_comes_to_the_new_handler)},
	{NAMED(links_and_the_trap_stay)},
	{NAMED(state_and_address_stay)},
	{NAMED(the_capacity_stays_the_firsts)},
	{NAMED(its_end_is_framed_by_the_first), .where = NEAR},
	{NAMED(a_restart_leads_back_to_the_first_from_any_depth_without_left), .where = NEAR},
	{DEADLY(the_successor_of_a_dead_process_starts_with_the_first)},
	{0},
};
