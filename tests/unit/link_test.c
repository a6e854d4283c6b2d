/* SPDX-License-Identifier: Apache-2.0 */
/* Links and exit signals: each rule. */
#include "unit/probes.h"

/* ---- links ------------------------------------------------------------------------------------- */

CASE(a_linked_actor_dies_with_the_reason_and_passes_it_on)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = spawn(THERE), *b = spawn(HERE), *c = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	assert_int_equal(let(b, link_with, c->address, 0), 0);
	assert_int_equal(let(watcher, watch, c->address, 0), 0);
	settle(watcher, c);
	settle(a, b);
	settle(b, c);
	let(a, leave, reason(MYC_EXIT_FAILED, 42), 0);
	expect_end(watcher, c, MYC_EXIT_FAILED, 42);
	assert_true(ended(b));
	assert_int_equal(b->stopped, 1);
	assert_int_equal(b->events, 0);
	end();
}

CASE(links_work_both_ways)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = watched_by(watcher, HERE), *b = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_FAILED, 3), 0);
	expect_end(watcher, a, MYC_EXIT_FAILED, 3);
	end();
}

static void one_exit(struct probe *a, struct probe *b)
{
	struct probe *other = spawn(THERE);

	settle(a, b);
	let(b, leave, reason(MYC_EXIT_FAILED, 3), 0);
	wait_until(a->events >= 1);
	settle(a, other);
	assert_int_equal(a->events, 1);
}

CASE(there_is_one_link_a_pair)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(let(a, link_with, b->address, 0), 0);
	one_exit(a, b);
	end();
}

CASE(linking_from_both_sides_is_one_link)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	assert_int_equal(let(b, link_with, a->address, 0), 0);
	one_exit(a, b);
	end();
}

CASE(a_normal_exit_is_ignored_by_who_does_not_trap)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE), *other = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_NORMAL, 0), 0);
	wait_until(ended(b));
	settle(a, other);
	assert_false(ended(a));
	assert_int_equal(a->events, 0);
	end();
}

CASE(a_trapping_actor_gets_an_exit_event_even_for_normal)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE), *other = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_NORMAL, 0), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, a->count - 1, b, MYC_EXIT_NORMAL, 0, MYC_EVENT_LINK));
	settle(a, other);
	assert_false(ended(a));
	end();
}

CASE(who_traps_no_more_dies_again)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = watched_by(watcher, HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	let(a, trap, false, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_FAULT, 11), 0);
	expect_end(watcher, a, MYC_EXIT_FAULT, 11);
	end();
}

static void no_exit(struct probe *a, struct probe *b)
{
	struct probe *other = spawn(THERE);

	let(b, leave, reason(MYC_EXIT_FAILED, 3), 0);
	wait_until(ended(b));
	settle(a, other);
	assert_false(ended(a));
	assert_int_equal(a->events, 0);
}

CASE(no_exit_signal_comes_after_unlinking)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	assert_int_equal(let(a, unlink_from, b->address, 0), 0);
	assert_int_equal(let(a, unlink_from, b->address, 0), -ENOENT);
	no_exit(a, b);
	end();
}

CASE(the_other_side_can_unlink_too)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	assert_int_equal(let(b, unlink_from, a->address, 0), 0);
	settle(a, b);
	assert_int_equal(let(a, unlink_from, b->address, 0), -ENOENT);
	no_exit(a, b);
	end();
}

CASE(unlinking_spares_the_other_side_as_well)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	assert_int_equal(let(b, link_unlink, a->address, 0), 0);
	settle(a, b);
	no_exit(a, b);
	end();
}

CASE(linking_again_after_unlinking_links)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(a, link_unlink, b->address, true), 0);
	one_exit(a, b);
	end();
}

/* Each a burst of link, unlink and link again, both at once: whatever the order, both ends agree. */
CASE(crossing_links_and_unlinks_leave_both_sides_agreed)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	for (int i = 0; i < 300; i++) {
		struct job job_a = {.run = link_unlink, .a = b->address, .b = (uint64_t)i & 1};
		struct job job_b = {.run = link_unlink, .a = a->address, .b = (uint64_t)i & 2};

		a->done = b->done = false;
		assert_int_equal(
			myc_post(a->system, a->address, JOB, &job_a, sizeof(job_a), SECOND), 0);
		assert_int_equal(
			myc_post(b->system, b->address, JOB, &job_b, sizeof(job_b), SECOND), 0);
		wait_until(a->done && b->done);
		settle(a, b);
		/* Both ends have an entry, or neither: unlinking tells. */
		int at_a = let(a, unlink_from, b->address, 0);
		settle(a, b);
		int at_b = let(b, unlink_from, a->address, 0);

		assert_true(at_a == 0 || at_a == -ENOENT);
		assert_int_equal(at_b, -ENOENT);
		settle(a, b);
	}
	no_exit(a, b);
	end();
}

CASE(a_link_with_one_that_has_ended_is_a_noproc_exit)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = spawn(HERE), *b = spawn(THERE);
	struct probe *c = watched_by(watcher, HERE);

	let(b, leave, 0, 0);
	wait_until(ended(b));
	settle(a, spawn(THERE));
	let(a, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, a->count - 1, b, MYC_EXIT_NOPROC, 0, MYC_EVENT_LINK));
	assert_int_equal(let(c, link_with, b->address, 0), 0);
	expect_end(watcher, c, MYC_EXIT_NOPROC, 0);
	end();
}

CASE(a_link_with_oneself_changes_nothing)
{
	begin(state);
	struct probe *a = spawn(HERE);

	assert_int_equal(let(a, link_with, a->address, 0), 0);
	assert_int_equal(let(a, unlink_from, a->address, 0), -ENOENT);
	assert_int_equal(let(a, nothing, 0, 0), 0);
	end();
}

CASE(a_link_that_finds_the_other_table_full_breaks_with_no_room)
{
	watches = 2;
	begin(state);
	if (place == ONE_EXECUTOR) { /* the one table serves both */
		end();
		return;
	}
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(b, watch, a->address, 0), 0);
	assert_int_equal(let(b, watch, a->address, 1), 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, 0, b, MYC_EXIT_NO_ROOM, 0, MYC_EVENT_LINK));
	assert_false(ended(b));
	end();
}

/* ---- exit signals ------------------------------------------------------------------------------ */

CASE(kill_cannot_be_trapped_and_links_see_killed)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	let(b, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	assert_int_equal(let(a, send_exit, b->address, reason(MYC_EXIT_KILL, 0)), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, a->count - 1, b, MYC_EXIT_KILLED, 0, MYC_EVENT_LINK));
	assert_int_equal(b->events, 0);
	assert_int_equal(b->stopped, 0);
	end();
}

CASE(a_kill_that_came_over_a_link_can_be_trapped)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(a, trap, true, 0);
	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	let(b, leave, reason(MYC_EXIT_KILL, 0), 0);
	wait_until(a->events == 1);
	assert_true(exit_is(a, a->count - 1, b, MYC_EXIT_KILL, 0, MYC_EVENT_LINK));
	assert_int_equal(let(a, nothing, 0, 0), 0);
	end();
}

CASE(a_killed_ones_links_die_with_killed)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *a = watched_by(watcher, HERE), *b = spawn(THERE);

	assert_int_equal(let(a, link_with, b->address, 0), 0);
	settle(a, b);
	assert_int_equal(let(watcher, send_exit, b->address, reason(MYC_EXIT_KILL, 0)), 0);
	expect_end(watcher, a, MYC_EXIT_KILLED, 0);
	assert_int_equal(a->stopped, 1); /* it was not killed itself */
	end();
}

CASE(an_exit_signal_ends_who_does_not_trap)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *b = watched_by(watcher, THERE);

	assert_int_equal(let(watcher, send_exit, b->address, reason(MYC_EXIT_USER + 5, 9)), 0);
	expect_end(watcher, b, MYC_EXIT_USER + 5, 9);
	end();
}

CASE(an_exit_signal_is_an_event_for_who_traps)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(b, trap, true, 0);
	assert_int_equal(let(a, send_exit, b->address, reason(MYC_EXIT_USER, 9)), 0);
	wait_until(b->events == 1);
	assert_true(exit_is(b, 0, a, MYC_EXIT_USER, 9, 0));
	assert_int_equal(let(b, nothing, 0, 0), 0);
	end();
}

CASE(a_normal_exit_signal_ends_nobody_but_oneself)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *b = watched_by(watcher, THERE);

	assert_int_equal(let(watcher, send_exit, b->address, reason(MYC_EXIT_NORMAL, 0)), 0);
	settle(watcher, b);
	assert_int_equal(watcher->events, 0);
	assert_int_equal(let(b, send_exit, b->address, reason(MYC_EXIT_NORMAL, 0)), 0);
	expect_end(watcher, b, MYC_EXIT_NORMAL, 0);
	end();
}

CASE(an_exit_signal_to_nobody_is_nothing)
{
	begin(state);
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	let(b, leave, 0, 0);
	wait_until(ended(b));
	assert_int_equal(let(a, send_exit, b->address, reason(MYC_EXIT_USER, 0)), 0);
	assert_int_equal(let(a, send_exit, b->address, reason(MYC_EXIT_KILL, 0)), 0);
	assert_int_equal(let(a, send_exit, MYC_NOBODY, reason(MYC_EXIT_KILL, 0)), 0);
	end();
}

CASE(an_exit_signal_comes_behind_its_senders_messages)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *b = watched_by(watcher, THERE), *a = spawn(HERE);

	let(a, talk_and_kill, b->address, 400);
	expect_end(watcher, b, MYC_EXIT_USER, 0);
	assert_int_equal(b->messages, 400);
	for (uint32_t i = 0; i < 400; i++)
		assert_int_equal(b->seen[i].message, i + 1);
	end();
}

CASE(an_exit_signal_waits_for_its_senders_messages_in_the_mailbox)
{
	begin(state);
	struct probe *watcher = spawn(HERE), *b = watched_by(watcher, THERE), *a = spawn(HERE);

	assert_int_equal(let(a, suspend, b->address, 0), 0);
	let(a, talk_and_kill, b->address, 8);
	settle(watcher, a);
	settle(a, spawn(THERE));
	assert_int_equal(watcher->events, 0);
	assert_int_equal(b->messages, 0);
	assert_int_equal(let(a, resume, b->address, 0), 0);
	expect_end(watcher, b, MYC_EXIT_USER, 0);
	assert_int_equal(b->messages, 8);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(a_linked_actor_dies_with_the_reason_and_passes_it_on),
		EVERYWHERE(links_work_both_ways),
		EVERYWHERE(there_is_one_link_a_pair),
		EVERYWHERE(linking_from_both_sides_is_one_link),
		EVERYWHERE(a_normal_exit_is_ignored_by_who_does_not_trap),
		EVERYWHERE(a_trapping_actor_gets_an_exit_event_even_for_normal),
		EVERYWHERE(who_traps_no_more_dies_again),
		EVERYWHERE(no_exit_signal_comes_after_unlinking),
		EVERYWHERE(the_other_side_can_unlink_too),
		EVERYWHERE(unlinking_spares_the_other_side_as_well),
		EVERYWHERE(linking_again_after_unlinking_links),
		EVERYWHERE(crossing_links_and_unlinks_leave_both_sides_agreed),
		EVERYWHERE(a_link_with_one_that_has_ended_is_a_noproc_exit),
		EVERYWHERE(a_link_with_oneself_changes_nothing),
		EVERYWHERE(a_link_that_finds_the_other_table_full_breaks_with_no_room),
		EVERYWHERE(kill_cannot_be_trapped_and_links_see_killed),
		EVERYWHERE(a_kill_that_came_over_a_link_can_be_trapped),
		EVERYWHERE(a_killed_ones_links_die_with_killed),
		EVERYWHERE(an_exit_signal_ends_who_does_not_trap),
		EVERYWHERE(an_exit_signal_is_an_event_for_who_traps),
		EVERYWHERE(a_normal_exit_signal_ends_nobody_but_oneself),
		EVERYWHERE(an_exit_signal_to_nobody_is_nothing),
		EVERYWHERE(an_exit_signal_comes_behind_its_senders_messages),
		EVERYWHERE(an_exit_signal_waits_for_its_senders_messages_in_the_mailbox),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
