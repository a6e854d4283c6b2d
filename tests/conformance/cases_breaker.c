/* SPDX-License-Identifier: Apache-2.0 */
/* Circuit breakers: mycelium/breaker.h. */
#include "conformance/cases.h"

enum { TIMEOUT = 20, RESET = 200 }; /* ms */

static void changed(struct myc_actor *self, struct myc_breaker *breaker,
		    enum myc_breaker_state from)
{
	struct probe *me = probe_of(self);

	me->word[4 + breaker->state]++;
	me->word[7] = from;
}

static const struct myc_breaker_opts opts = {.sz = sizeof(opts),
					     .failures_max = 3,
					     .call_timeout_ns = TIMEOUT * MS,
					     .reset_ns = RESET * MS,
					     .reset_ns_max = 3 * RESET * MS,
					     .changed = changed};

/* One that no slow machine opens. */
static const struct myc_breaker_opts calm = {
	.sz = sizeof(calm), .failures_max = 3, .call_timeout_ns = LONG, .changed = changed};

static int opens_calm(struct myc_actor *self)
{
	int code = myc_breaker_init(myc_state(self), &calm);

	return code ? code : probe_init(self);
}
static int opens(struct myc_actor *self)
{
	int code = myc_breaker_init(myc_state(self), &opts);

	return code ? code : probe_init(self);
}
static int hears(struct myc_actor *self, const struct myc_reply *reply)
{
	myc_breaker_reply(self, myc_state(self), reply);
	return probe_reply(self, reply);
}
static const struct myc_behaviour gateway = {.name = "gateway",
					     .capacity_per_sender = 16,
					     .state_size = sizeof(struct myc_breaker),
					     .init = opens,
					     .message = probe_message,
					     .reply = hears,
					     .timer = probe_timer,
					     .stopped = probe_stopped};

static const struct myc_behaviour calm_gateway = {.name = "gateway",
						  .capacity_per_sender = 16,
						  .state_size = sizeof(struct myc_breaker),
						  .init = opens_calm,
						  .message = probe_message,
						  .reply = hears};

static int job_ask(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref = {.address = a[0]};

	(void)myc_resolve(self, a[0], &ref);
	return myc_breaker_ask(self, myc_state(self), &ref, REQUEST, &a[1], 8, a[1],
			       &me->ask[a[1] % SLOTS]);
}
static int job_look(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const struct myc_breaker *breaker = myc_state(self);

	(void)a;
	me->word[0] = breaker->asks;
	me->word[1] = breaker->successes;
	me->word[2] = breaker->failed;
	me->word[3] = breaker->refused;
	return (int)breaker->state | (int)myc_breaker_lets(self, breaker) << 4;
}
JOB_OF(job_init_wrong,
       myc_breaker_init(&(struct myc_breaker){0},
			&(struct myc_breaker_opts){.sz = sizeof(struct myc_breaker_opts),
						   .backoff_percent = 99}))

#define LETS 16
static int ask_by(struct probe *who, const struct probe *other, uint64_t cookie)
{
	return let(who, job_ask, other->address, cookie, 0, 0);
}
static int state_of(struct probe *who)
{
	return let(who, job_look, 0, 0, 0, 0);
}
/* Fails `count` times: nobody answers. */
static void fail_often(struct probe *who, const struct probe *silent, uint32_t count)
{
	uint32_t before = who->replies;

	for (uint32_t i = 0; i < count; i++) {
		OK(ask_by(who, silent, i));
		SAW(who, REPLY, before + i + 1);
	}
}
CASE(closed_it_lets_all_asks_go)
{
	struct probe *a = spawn_as(HERE, &calm_gateway), *b = replier(THERE, echoes);

	for (uint64_t i = 1; i <= 5; i++) {
		OK(ask_by(a, b, i));
		SAW(a, REPLY, (uint32_t)i);
	}
	assert_int_equal(state_of(a), MYC_BREAKER_CLOSED | LETS);
	assert_int_equal(a->word[0], 5);
	assert_int_equal(a->word[1], 5);
}

CASE(failures_in_a_row_open_it_and_nothing_is_sent)
{
	struct probe *a = spawn_as(HERE, &gateway), *b = replier(THERE, keeps);

	fail_often(a, b, 3);
	assert_int_equal(state_of(a), MYC_BREAKER_OPEN);
	assert_int_equal(a->word[4 + MYC_BREAKER_OPEN], 1);
	assert_int_equal(a->word[7], MYC_BREAKER_CLOSED);
	RESULT(ask_by(a, b, 9), -ECONNREFUSED);
	settle();
	assert_int_equal(b->messages, 3);
	assert_int_equal(a->replies, 3);
	state_of(a);
	assert_int_equal(a->word[3], 1);
}

CASE(fewer_failures_or_such_with_successes_between_leave_it_closed)
{
	struct probe *a = spawn_as(HERE, &gateway), *b = replier(THERE, keeps),
		     *c = replier(THERE, echoes);

	for (int i = 0; i < 3; i++) {
		fail_often(a, b, 2);
		assert_int_equal(state_of(a), MYC_BREAKER_CLOSED | LETS);
		uint64_t successes = a->word[1];

		do { /* one in time */
			uint32_t before = a->replies;

			OK(ask_by(a, c, 1));
			SAW(a, REPLY, before + 1);
			if (state_of(a) != (MYC_BREAKER_CLOSED | LETS))
				return; /* a machine so slow that answers are late */
		} while (a->word[1] == successes);
	}
}

CASE(half_open_one_trial_goes_and_its_success_closes_it)
{
	struct probe *a = spawn_as(HERE, &gateway), *b = replier(THERE, keeps);

	fail_often(a, b, 3);
	let_pass(RESET * MS + MS);
	OK(ask_by(a, b, 5));
	RESULT(ask_by(a, b, 6), -ECONNREFUSED); /* the trial is out */
	if (b->kept_count < 4)
		UNTIL(b->kept_count == 4);
	if (a->replies > 3)
		return; /* the trial is over already: so slow is this machine */
	OK(answer_kept(b, 3, 1));
	SAW(a, REPLY, 4);
	if (nth(a, REPLY, 3)->status == 0)
		assert_int_equal(state_of(a), MYC_BREAKER_CLOSED | LETS);
}

CASE(a_trial_that_fails_opens_it_for_longer)
{
	struct probe *a = spawn_as(HERE, &gateway), *b = replier(THERE, keeps);

	fail_often(a, b, 3);
	let_pass(RESET * MS + MS);
	fail_often(a, b, 1);
	assert_int_equal(state_of(a) & 15, MYC_BREAKER_OPEN);
	uint64_t at_ns = nth(a, REPLY, 3)->at_ns;

	let_pass(RESET * MS + MS);
	RESULT(ask_by(a, b, 7), -ECONNREFUSED); /* twice as long now */
	for (int i = 0; i < 1000 && state_of(a) != (MYC_BREAKER_OPEN | LETS); i++)
		let_pass(10 * MS);
	assert_int_equal(state_of(a), MYC_BREAKER_OPEN | LETS);
	OK(start_timer(a, 0, 0, 2));
	SAW(a, TIMER, 1);
	assert_true(nth(a, TIMER, 0)->at_ns >= at_ns + 2 * RESET * MS);
}

CASE(a_refusal_by_the_replier_is_a_failure)
{
	struct probe *a = spawn_as(HERE, &calm_gateway), *b = replier(THERE, keeps);

	for (uint32_t i = 0; i < 3; i++) {
		OK(ask_by(a, b, i));
		UNTIL(b->kept_count == i + 1);
		OK(refuse_kept(b, i, -EACCES));
		SAW(a, REPLY, i + 1);
	}
	assert_int_equal(state_of(a), MYC_BREAKER_OPEN);
}

CASE(that_the_asked_one_is_gone_is_a_failure)
{
	struct probe *a = spawn_as(HERE, &calm_gateway), *b = replier(THERE, echoes);

	OK(stop_self(b));
	UNTIL(ended(b));
	for (uint64_t i = 0; i < 3; i++)
		RESULT(ask_by(a, b, i), -ESRCH);
	RESULT(ask_by(a, b, 3), -ECONNREFUSED);
	assert_int_equal(state_of(a), MYC_BREAKER_OPEN);
	assert_int_equal(a->replies, 0);
}

CASE(a_restart_closes_it)
{
	struct probe *a = make(HERE, &gateway), *b = replier(THERE, keeps);

	a->restarts_max = 3;
	OK(try_spawn(a));
	fail_often(a, b, 3);
	assert_int_equal(state_of(a), MYC_BREAKER_OPEN);
	OK(fail_with(a, -EIO));
	UNTIL(a->inits == 2);
	assert_int_equal(state_of(a), MYC_BREAKER_CLOSED | LETS);
	OK(ask_by(a, b, 4));
}

CASE(options_that_cannot_be_are_refused)
{
	struct probe *a = spawn(HERE);

	RESULT(let(a, job_init_wrong, 0, 0, 0, 0), -EINVAL);
}

const struct conform_case cases_breaker[] = {
	{NAMED(closed_it_lets_all_asks_go)},
	{NAMED(failures_in_a_row_open_it_and_nothing_is_sent)},
	{NAMED(fewer_failures_or_such_with_successes_between_leave_it_closed)},
	{NAMED(half_open_one_trial_goes_and_its_success_closes_it)},
	{NAMED(a_trial_that_fails_opens_it_for_longer)},
	{NAMED(a_refusal_by_the_replier_is_a_failure)},
	{NAMED(that_the_asked_one_is_gone_is_a_failure)},
	{NAMED(a_restart_closes_it)},
	{NAMED(options_that_cannot_be_are_refused), .where = NEAR},
	{0},
};
