/* SPDX-License-Identifier: Apache-2.0 */
/* Spawning, names, slots, restarts: mycelium/system.h, mycelium/actor.h. */
#include "conformance/cases.h"

/* ---- by actors --------------------------------------------------------------------------------- */

/* Of a probe that the case has made. */
static int job_spawn(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct probe *made = &shared->probe[a[0]];
	const struct myc_spawn_opts opts = spawn_opts(made, 0);

	(void)me;
	return myc_spawn_local(self, &opts, &made->address, NULL);
}

static int spawn_by(struct probe *parent, struct probe *made)
{
	return let(parent, job_spawn, made->index, 0, 0, 0);
}

CASE(an_actor_spawns_another_which_has_begun_when_it_returns)
{
	struct probe *a = spawn(THERE), *b = make(THERE, &plain);

	OK(spawn_by(a, b));
	assert_int_equal(b->inits, 1);
	assert_int_equal(b->starts, 1);
	assert_int_equal(myc_address_process(b->address), myc_address_process(a->address));
	OK(send_number(a, b, 1));
	expect_numbers(b, 1, 1);
}

static int says_no(struct myc_actor *self, struct probe *me)
{
	(void)self;
	(void)me;
	return -ENOTUNIQ;
}

CASE(of_an_actor_whose_init_fails_nothing_is_left)
{
	struct probe *a = spawn(THERE), *b = make(THERE, &plain), *c = make(THERE, &plain);

	b->on_init = says_no;
	snprintf(b->name, sizeof(b->name), "b");
	RESULT(spawn_by(a, b), -ENOTUNIQ);
	assert_int_equal(b->starts, 0);
	RESULT(look_up(a, "b"), -ENOENT);
	snprintf(c->name, sizeof(c->name), "b");
	OK(spawn_by(a, c));
	OK(look_up(a, "b"));
	assert_int_equal(a->word[0], c->address);
}

CASE(an_actor_whose_started_fails_is_not_spawned)
{
	struct probe *a = spawn(THERE), *b = make(THERE, &plain);

	b->on_started = says_no;
	RESULT(spawn_by(a, b), -ENOTUNIQ);
	assert_int_equal(b->inits, 1);
}

CASE(one_that_fails_at_first_is_not_restarted_by_spawn_local)
{
	struct probe *a = spawn(THERE), *b = make(THERE, &plain);

	b->restarts_max = 5;
	b->on_init = says_no;
	RESULT(spawn_by(a, b), -ENOTUNIQ);
	settle();
	assert_int_equal(b->inits, 1);
}

static int spawns_once(struct myc_actor *self, struct probe *me)
{
	struct probe *made = &shared->probe[me->index + 1];
	const struct myc_spawn_opts opts = spawn_opts(made, 0);

	return myc_spawn_local(self, &opts, &made->address, NULL);
}

CASE(an_actor_spawns_from_its_own_init)
{
	struct probe *a = make(THERE, &plain), *b = make(THERE, &plain);

	a->on_init = spawns_once;
	OK(try_spawn(a));
	UNTIL(a->starts == 1);
	OK(send_number(a, b, 1));
	expect_numbers(b, 1, 1);
}

CASE(a_spawned_one_outlives_its_parent)
{
	struct probe *a = spawn(THERE), *b = make(THERE, &plain);

	OK(spawn_by(a, b));
	OK(leave(a, WHY(MYC_EXIT_USER, 1)));
	UNTIL(ended(a));
	OK(post(b, NUMBER, 1));
	expect_numbers(b, 1, 1);
}

/* ---- slots ------------------------------------------------------------------------------------- */

static void eight_actors(struct world_opts *opts)
{
	opts->system.actors = 8;
}

CASE(when_all_slots_are_in_use_spawning_says_enospc_and_again_when_one_is_free)
{
	struct probe *a = spawn(HERE), *last = NULL;
	int code = 0;
	uint32_t count = 1;

	while (!code) {
		struct probe *made = make(HERE, &plain);

		code = spawn_by(a, made);
		if (!code) {
			last = made;
			count++;
		}
	}
	RESULT(code, -ENOSPC);
	assert_in_range(count, 5, 8); /* keepers are actors too */
	RESULT(try_spawn(make(HERE, &plain)), -ENOSPC);
	OK(stop_self(last));
	UNTIL(ended(last));
	settle();
	OK(spawn_by(a, make(HERE, &plain)));
	RESULT(spawn_by(a, make(HERE, &plain)), -ENOSPC);
}

CASE(a_slots_next_actor_has_another_address_and_the_old_one_is_nobodys)
{
	struct probe *a = spawn(HERE), *first = make(HERE, &plain), *again = NULL;

	OK(spawn_by(a, first));
	OK(stop_self(first));
	UNTIL(ended(first));
	/* Free slots go round: the turn of this one comes again. */
	for (int i = 0; i < 30; i++) {
		again = make(HERE, &plain);
		OK(spawn_by(a, again));
		if (myc_address_slot(again->address) == myc_address_slot(first->address))
			break;
		OK(stop_self(again));
		UNTIL(ended(again));
	}
	assert_int_equal(myc_address_slot(again->address), myc_address_slot(first->address));
	assert_true(again->address != first->address);
	assert_int_equal(myc_address_generation(again->address),
			 myc_address_generation(first->address) + 1);
	RESULT(send_number(a, first, 1), -ESRCH);
	RESULT(post(first, NUMBER, 1), -ESRCH);
	OK(send_number(a, again, 2));
	expect_numbers(again, 2, 2);
}

CASE(messages_to_one_that_ended_do_not_reach_the_next_in_its_slot)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(send_many(a, b, 1, 5));
	OK(send_stop(a, b, MYC_STOP_KILL));
	UNTIL(ended(b));
	for (int i = 0; i < 20; i++) {
		struct probe *next = spawn(THERE);

		settle();
		assert_int_equal(next->messages, 0);
		OK(stop_self(next));
		UNTIL(ended(next));
	}
	assert_int_equal(counted_dead(MYC_DEAD_LETTER_NO_ACTOR), 5);
}

/* ---- names ------------------------------------------------------------------------------------- */

CASE(an_actor_is_found_by_its_name_from_everywhere)
{
	struct probe *a = spawn(HERE), *b = spawn_named(THERE, "somebody");

	OK(look_up(a, "somebody"));
	assert_int_equal(a->word[0], b->address);
	OK(look_up(b, "somebody"));
	OK(send_number(a, b, 1));
	expect_numbers(b, 1, 1);
}

CASE(a_name_that_nobody_has_is_not_found)
{
	struct probe *a = spawn(HERE);

	spawn_named(THERE, "somebody");
	RESULT(look_up(a, "nobody"), -ENOENT);
	RESULT(look_up(a, "somebod"), -ENOENT);
	RESULT(look_up(a, "somebodyy"), -ENOENT);
	RESULT(look_up(a, ""), -ENOENT);
}

CASE(a_name_is_given_once)
{
	struct probe *a = spawn(THERE), *b = make(THERE, &plain);

	spawn_named(THERE, "somebody");
	snprintf(b->name, sizeof(b->name), "somebody");
	RESULT(try_spawn(b), -EEXIST);
	RESULT(spawn_by(a, b), -EEXIST);
	assert_int_equal(b->inits, 0);
}

CASE(a_name_is_free_when_its_actor_has_ended)
{
	struct probe *a = spawn(HERE), *b = spawn_named(THERE, "somebody");

	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(look_up(a, "somebody"), -ENOENT);
	struct probe *c = spawn_named(THERE, "somebody");

	OK(look_up(a, "somebody"));
	assert_int_equal(a->word[0], c->address);
}

CASE(a_name_stays_through_a_restart)
{
	struct probe *a = spawn(HERE), *b = make(THERE, &plain);

	snprintf(b->name, sizeof(b->name), "somebody");
	b->restarts_max = 3;
	OK(try_spawn(b));
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2);
	OK(look_up(a, "somebody"));
	assert_int_equal(a->word[0], b->address);
}

CASE(names_of_one_to_47_bytes_are_taken)
{
	struct probe *b = make(THERE, &plain), *c = make(THERE, &plain);

	memset(b->name, 'n', 47);
	OK(try_spawn(b));
	memset(c->name, 'n', 48);
	RESULT(try_spawn(c), -EINVAL);
}

/* ---- options ----------------------------------------------------------------------------------- */

static int do_bad_spawns(struct myc_system *system, uint64_t *a)
{
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &plain, .executor = 64};
	int code = myc_spawn(system, &opts, NULL, NULL);

	a[0] = (uint64_t)code;
	opts.executor = 0;
	opts.behaviour = NULL;
	a[1] = (uint64_t)myc_spawn(system, &opts, NULL, NULL);
	opts.behaviour = &plain;
	opts.sz = 3;
	a[2] = (uint64_t)myc_spawn(system, &opts, NULL, NULL);
	return 0;
}

CASE(spawn_options_that_cannot_be_are_refused)
{
	uint64_t a[ERRAND_WORDS] = {0};

	OK(way.at(HERE, do_bad_spawns, a));
	for (int i = 0; i < 3; i++)
		assert_int_equal((int)a[i], -EINVAL);
}

static int do_spawn_and_post(struct myc_system *system, uint64_t *a)
{
	struct probe *made = &shared->probe[a[0]];
	const struct myc_spawn_opts opts = spawn_opts(made, 0);
	int code = myc_spawn(system, &opts, &made->address, NULL);

	for (uint64_t i = 1; i <= 5 && !code; i++)
		code = myc_post(system, made->address, NUMBER, &i, 8, 60 * SECOND);
	return code;
}

CASE(messages_to_one_just_spawned_wait_for_its_start)
{
	struct probe *b = make(HERE, &plain);
	uint64_t a[ERRAND_WORDS] = {b->index};

	OK(way.at(HERE, do_spawn_and_post, a));
	expect_numbers(b, 1, 5);
	assert_int_equal(b->starts, 1);
}

/* ---- restarts ---------------------------------------------------------------------------------- */

CASE(a_handler_that_fails_restarts_its_actor_with_init_and_started)
{
	struct probe *b = spawn_restarting(THERE, 3);

	OK(fail_with(b, -EIO));
	UNTIL(b->starts == 2);
	assert_int_equal(b->inits, 2);
	assert_int_equal(b->stoppings, 0);
	assert_int_equal(b->stops, 0);
	OK(post(b, NUMBER, 1));
	assert_int_equal(nth(b, MESSAGE, 0)->restarts, 1);
	assert_int_equal(metrics_of(b).restarts, 1);
}

CASE(messages_in_the_mailbox_outlast_a_restart)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	hold(b);
	tell(b, fail_job(), (uint64_t)-EIO, 0, 0, 0);
	OK(send_many(a, b, 1, 8));
	release(b);
	expect_numbers(b, 1, 8);
	assert_int_equal(b->inits, 2);
}

CASE(as_many_restarts_as_allowed_and_the_next_failure_ends_it)
{
	struct probe *a = spawn(HERE), *b = make(THERE, &plain), *c = make(THERE, &plain);

	/* However many these are. */
	c->restarts_max = NO_RESTART - 1;
	OK(try_spawn(c));
	for (uint32_t i = 1; i <= 9; i++) {
		OK(fail_with(c, -EIO));
		UNTIL(c->inits == i + 1);
	}

	b->restarts_max = 2;
	b->window_ns = LONG;
	OK(try_spawn(b));
	for (uint32_t i = 1; i <= 2; i++) {
		OK(watch(a, b, 0));
		OK(fail_with(b, -EIO));
		UNTIL(b->inits == i + 1);
		assert_int_equal(nth(a, SIGNAL, i - 1)->event.flags, MYC_EVENT_RESTARTED);
	}
	OK(watch(a, b, 0));
	OK(fail_with(b, -ENODEV));
	assert_true(is_down(nth(a, SIGNAL, 2), b, MYC_EXIT_FAILED, -ENODEV));
	assert_int_equal(nth(a, SIGNAL, 2)->event.flags, 0);
	UNTIL(ended(b));
	assert_int_equal(b->inits, 3);
	assert_int_equal(b->stops, 1);
}

CASE(restarts_older_than_the_window_do_not_count)
{
	struct probe *b = make(THERE, &plain), *clock = spawn(THERE);

	b->restarts_max = 1;
	b->window_ns = 10 * MS;
	OK(try_spawn(b));
	for (uint32_t i = 1; i <= 4; i++) {
		OK(fail_with(b, -EIO));
		UNTIL(b->inits == i + 1);
		OK(start_timer(clock, 20 * MS, 0, 1));
		SAW(clock, TIMER, i);
	}
	assert_false(ended(b));
}

CASE(one_without_restarts_ends_at_its_first_failure)
{
	struct probe *b = spawn(THERE);

	OK(fail_with(b, -EIO));
	UNTIL(ended(b));
	assert_int_equal(b->inits, 1);
	assert_int_equal(b->stops, 1);
}

static int fails_again(struct myc_actor *self, struct probe *me)
{
	(void)self;
	return me->inits > 1 ? -EIO : 0;
}

CASE(an_init_that_fails_at_a_restart_counts_as_one_more)
{
	struct probe *a = spawn(HERE), *b = make(THERE, &plain);

	b->restarts_max = 3;
	b->window_ns = LONG;
	b->on_init = fails_again;
	OK(try_spawn(b));
	OK(watch_through(a, b, 0));
	OK(fail_with(b, -EDOM));
	UNTIL(ended(b));
	assert_in_range(b->inits, 3, 5);
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_FAILED, -EIO));
}

CASE(a_positive_result_of_a_handler_is_no_failure)
{
	struct probe *b = spawn(THERE);

	OK(let(b, fail_job(), 1, 0, 0, 0));
	OK(post(b, NUMBER, 1));
	expect_numbers(b, 1, 1);
	assert_int_equal(b->inits, 1);
}

CASE(a_monitor_through_restarts_is_told_of_the_end_only)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	OK(watch_through(a, b, 0));
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2);
	settle();
	assert_int_equal(a->signals, 0);
	OK(leave(b, WHY(MYC_EXIT_USER, 4)));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_USER, 4));
}

CASE(a_monitor_is_told_of_a_restart_once)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	OK(watch(a, b, 0));
	OK(fail_with(b, -EIO));
	assert_true(is_down(nth(a, SIGNAL, 0), b, MYC_EXIT_FAILED, -EIO));
	assert_int_equal(nth(a, SIGNAL, 0)->event.flags, MYC_EVENT_RESTARTED);
	OK(leave(b, WHY(MYC_EXIT_USER, 4)));
	UNTIL(ended(b));
	settle();
	assert_int_equal(a->signals, 1);
	assert_int_equal(nth(a, SIGNAL, 0)->event.from, b->address);
}

CASE(a_restarted_one_has_no_monitors_of_its_own)
{
	struct probe *a = spawn_restarting(HERE, 3), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(fail_with(a, -EIO));
	UNTIL(a->inits == 2);
	OK(leave(b, WHY(MYC_EXIT_USER, 4)));
	UNTIL(ended(b));
	settle();
	assert_int_equal(a->signals, 0);
	RESULT(unwatch(a, 0), -ENOENT);
}

const struct conform_case cases_spawn[] = {
	{NAMED(an_actor_spawns_another_which_has_begun_when_it_returns)},
	{NAMED(of_an_actor_whose_init_fails_nothing_is_left)},
	{NAMED(an_actor_whose_started_fails_is_not_spawned), .where = NEAR},
	{NAMED(one_that_fails_at_first_is_not_restarted_by_spawn_local), .where = NEAR},
	{NAMED(an_actor_spawns_from_its_own_init)},
	{NAMED(a_spawned_one_outlives_its_parent)},
	{NAMED(when_all_slots_are_in_use_spawning_says_enospc_and_again_when_one_is_free),
	 .where = NEAR, .opts = eight_actors},
	{NAMED(a_slots_next_actor_has_another_address_and_the_old_one_is_nobodys), .where = NEAR,
	 .opts = eight_actors},
	{NAMED(messages_to_one_that_ended_do_not_reach_the_next_in_its_slot), .opts = eight_actors},
	{NAMED(an_actor_is_found_by_its_name_from_everywhere)},
	{NAMED(a_name_that_nobody_has_is_not_found)},
	{NAMED(a_name_is_given_once)},
	{NAMED(a_name_is_free_when_its_actor_has_ended)},
	{NAMED(a_name_stays_through_a_restart)},
	{NAMED(names_of_one_to_47_bytes_are_taken)},
	{NAMED(spawn_options_that_cannot_be_are_refused), .where = NEAR},
	{NAMED(messages_to_one_just_spawned_wait_for_its_start), .where = NEAR},
	{NAMED(a_handler_that_fails_restarts_its_actor_with_init_and_started)},
	{NAMED(messages_in_the_mailbox_outlast_a_restart)},
	{NAMED(as_many_restarts_as_allowed_and_the_next_failure_ends_it)},
	{NAMED(restarts_older_than_the_window_do_not_count)},
	{NAMED(one_without_restarts_ends_at_its_first_failure)},
	{NAMED(an_init_that_fails_at_a_restart_counts_as_one_more)},
	{NAMED(a_positive_result_of_a_handler_is_no_failure)},
	{NAMED(a_monitor_through_restarts_is_told_of_the_end_only)},
	{NAMED(a_monitor_is_told_of_a_restart_once)},
	{NAMED(a_restarted_one_has_no_monitors_of_its_own)},
	{0},
};
