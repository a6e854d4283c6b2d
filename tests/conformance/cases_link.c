/* SPDX-License-Identifier: Apache-2.0 */
/* Links and exit signals: mycelium/link.h. */
#include "conformance/cases.h"

static struct probe *trapper(uint32_t where)
{
	struct probe *made = spawn(where);

	OK(trap(made, true));
	return made;
}

/* It lives and answers, and has n events. */
static void expect_alive(struct probe *who, uint32_t events)
{
	settle();
	assert_false(ended(who));
	OK(let(who, do_nothing, 0, 0, 0, 0));
	assert_int_equal(who->signals, events);
}

/* How `who` ended, as one sees it that watches. */
static void expect_end(struct probe *watcher, const struct probe *who, uint32_t kind, int32_t code)
{
	SAW(watcher, SIGNAL, 1);
	assert_true(is_down(nth(watcher, SIGNAL, 0), who, kind, code));
}

/* ---- an end goes along the link ---------------------------------------------------------------- */

CASE(who_ends_takes_its_linked_one_along_with_its_reason)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *w = spawn(ELSEWHERE);

	OK(watch(w, a, 0));
	OK(tie(a, b));
	OK(leave(b, WHY(MYC_EXIT_USER, 7)));
	expect_end(w, a, MYC_EXIT_USER, 7);
	assert_int_equal(a->stops, 1);
	assert_int_equal(a->stoppings, 0);
	assert_int_equal(a->signals, 0);
}

CASE(a_link_works_both_ways)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *w = spawn(ELSEWHERE);

	OK(watch(w, b, 0));
	OK(tie(a, b));
	OK(leave(a, WHY(MYC_EXIT_USER, 7)));
	expect_end(w, b, MYC_EXIT_USER, 7);
}

CASE(a_normal_end_takes_nobody_along)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(tie(a, b));
	OK(leave(b, WHY(MYC_EXIT_NORMAL, 0)));
	UNTIL(ended(b));
	expect_alive(a, 0);
}

CASE(a_shutdown_takes_its_linked_one_along)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *w = spawn(ELSEWHERE);

	OK(watch(w, a, 0));
	OK(tie(a, b));
	OK(send_stop(w, b, MYC_STOP));
	expect_end(w, a, MYC_EXIT_SHUTDOWN, 0);
}

CASE(a_failure_takes_its_linked_one_along)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *w = spawn(ELSEWHERE);

	OK(watch(w, a, 0));
	OK(tie(a, b));
	OK(fail_with(b, -EBADF));
	expect_end(w, a, MYC_EXIT_FAILED, -EBADF);
}

CASE(of_one_that_was_killed_its_linked_ones_see_killed)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *w = spawn(ELSEWHERE);

	OK(watch(w, a, 0));
	OK(tie(a, b));
	OK(send_exit(w, b, WHY(MYC_EXIT_KILL, 0)));
	expect_end(w, a, MYC_EXIT_KILLED, 0);
}

CASE(an_end_goes_through_a_chain_of_links)
{
	struct probe *chain[5], *w = spawn(HERE);

	for (uint32_t i = 0; i < 5; i++)
		chain[i] = spawn(i % 3);
	for (uint32_t i = 0; i < 4; i++)
		OK(tie(chain[i], chain[i + 1]));
	OK(watch(w, chain[4], 0));
	OK(leave(chain[0], WHY(MYC_EXIT_USER, 3)));
	expect_end(w, chain[4], MYC_EXIT_USER, 3);
	for (uint32_t i = 0; i < 5; i++)
		UNTIL(ended(chain[i]));
}

CASE(an_end_goes_round_a_ring_of_links_once)
{
	struct probe *ring[4];

	for (uint32_t i = 0; i < 4; i++)
		ring[i] = spawn(i % 3);
	for (uint32_t i = 0; i < 4; i++)
		OK(tie(ring[i], ring[(i + 1) % 4]));
	OK(leave(ring[2], WHY(MYC_EXIT_USER, 3)));
	for (uint32_t i = 0; i < 4; i++)
		UNTIL(ended(ring[i]));
	settle();
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(ring[i]->stops, 1);
}

CASE(a_link_of_many_takes_all_along)
{
	struct probe *hub = spawn(HERE), *leaf[6];

	for (uint32_t i = 0; i < 6; i++) {
		leaf[i] = spawn(i % 3);
		OK(tie(i % 2 ? hub : leaf[i], i % 2 ? leaf[i] : hub));
	}
	OK(leave(hub, WHY(MYC_EXIT_USER, 1)));
	for (uint32_t i = 0; i < 6; i++)
		UNTIL(ended(leaf[i]));
}

/* ---- traps ------------------------------------------------------------------------------------- */

CASE(one_that_traps_gets_the_exit_as_an_event_and_lives)
{
	struct probe *a = trapper(HERE), *b = spawn(THERE);

	OK(tie(a, b));
	OK(leave(b, WHY(MYC_EXIT_USER, 7)));
	assert_true(is_exit(nth(a, SIGNAL, 0), b, MYC_EXIT_USER, 7, MYC_EVENT_LINK));
	expect_alive(a, 1);
}

CASE(one_that_traps_gets_a_normal_exit_too)
{
	struct probe *a = trapper(HERE), *b = spawn(THERE);

	OK(tie(a, b));
	OK(leave(b, WHY(MYC_EXIT_NORMAL, 0)));
	assert_true(is_exit(nth(a, SIGNAL, 0), b, MYC_EXIT_NORMAL, 0, MYC_EVENT_LINK));
	expect_alive(a, 1);
}

CASE(a_kill_that_merely_came_over_a_link_is_trapped)
{
	struct probe *a = trapper(HERE), *b = spawn(THERE);

	OK(tie(a, b));
	OK(leave(b, WHY(MYC_EXIT_KILL, 0)));
	assert_true(is_exit(nth(a, SIGNAL, 0), b, MYC_EXIT_KILL, 0, MYC_EVENT_LINK));
	expect_alive(a, 1);
}

CASE(the_reason_kill_over_a_link_ends_one_that_does_not_trap_with_kill)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *w = spawn(ELSEWHERE);

	OK(watch(w, a, 0));
	OK(tie(a, b));
	OK(leave(b, WHY(MYC_EXIT_KILL, 0)));
	expect_end(w, a, MYC_EXIT_KILL, 0);
}

CASE(a_trap_that_was_taken_off_traps_no_more)
{
	struct probe *a = trapper(HERE), *b = spawn(THERE);

	OK(tie(a, b));
	OK(trap(a, false));
	OK(leave(b, WHY(MYC_EXIT_USER, 7)));
	UNTIL(ended(a));
	assert_int_equal(a->signals, 0);
}

CASE(a_trap_stops_an_end_on_its_way_through_links)
{
	struct probe *a = spawn(HERE), *b = trapper(THERE), *c = spawn(ELSEWHERE);

	OK(tie(a, b));
	OK(tie(b, c));
	OK(leave(a, WHY(MYC_EXIT_USER, 7)));
	SAW(b, SIGNAL, 1);
	expect_alive(b, 1);
	expect_alive(c, 0);
}

/* ---- one a pair -------------------------------------------------------------------------------- */

CASE(linking_again_changes_nothing)
{
	struct probe *a = trapper(HERE), *b = spawn(THERE);

	for (int i = 0; i < 3; i++)
		OK(tie(a, b));
	OK(tie(b, a));
	OK(leave(b, WHY(MYC_EXIT_USER, 7)));
	SAW(a, SIGNAL, 1);
	expect_alive(a, 1);
}

CASE(linking_with_oneself_changes_nothing)
{
	struct probe *a = trapper(HERE);

	OK(tie(a, a));
	expect_alive(a, 0);
	OK(leave(a, WHY(MYC_EXIT_USER, 7)));
	UNTIL(ended(a));
	settle();
	assert_int_equal(a->signals, 0);
}

CASE(linking_with_one_that_is_gone_is_an_exit_signal_noproc)
{
	struct probe *a = trapper(HERE), *b = spawn(THERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	OK(tie(a, b));
	SAW(a, SIGNAL, 1);
	assert_int_equal(nth(a, SIGNAL, 0)->event.kind, MYC_EVENT_EXIT);
	assert_int_equal(nth(a, SIGNAL, 0)->event.reason.kind, MYC_EXIT_NOPROC);
	expect_alive(a, 1);
}

CASE(linking_with_one_that_is_gone_ends_one_that_does_not_trap)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *w = spawn(ELSEWHERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	OK(watch(w, a, 0));
	OK(tie(a, b));
	expect_end(w, a, MYC_EXIT_NOPROC, 0);
}

/* ---- unlink ------------------------------------------------------------------------------------ */

CASE(after_unlink_no_exit_comes_whoever_ends)
{
	struct probe *a = trapper(HERE), *b = trapper(THERE);

	OK(tie(a, b));
	OK(untie(a, b));
	settle();
	OK(leave(b, WHY(MYC_EXIT_USER, 7)));
	UNTIL(ended(b));
	expect_alive(a, 0);
	assert_int_equal(b->signals, 0);
}

CASE(either_end_unlinks_a_link_whoever_made_it)
{
	struct probe *a = trapper(HERE), *b = spawn(THERE);

	OK(tie(a, b));
	OK(untie(b, a));
	settle();
	OK(leave(b, WHY(MYC_EXIT_USER, 7)));
	UNTIL(ended(b));
	expect_alive(a, 0);
}

CASE(unlinking_what_is_not_linked_says_enoent)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	RESULT(untie(a, b), -ENOENT);
	OK(tie(a, b));
	OK(untie(a, b));
	RESULT(untie(a, b), -ENOENT);
	RESULT(untie(a, a), -ENOENT);
}

CASE(a_link_is_made_again_after_unlink)
{
	struct probe *a = trapper(HERE), *b = spawn(THERE);

	for (int i = 0; i < 3; i++) {
		OK(tie(a, b));
		OK(untie(a, b));
	}
	OK(tie(a, b));
	OK(leave(b, WHY(MYC_EXIT_USER, 7)));
	SAW(a, SIGNAL, 1);
	expect_alive(a, 1);
}

static int job_unlink_all_at_once(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	(void)me;
	for (uint64_t i = 0; i < 20 && !code; i++) {
		code = myc_link(self, a[0]);
		if (!code)
			code = myc_unlink(self, a[0]);
	}
	return code;
}

CASE(links_made_and_broken_at_once_leave_none)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	tell(a, job_unlink_all_at_once, b->address, 0, 0, 0);
	tell(b, job_unlink_all_at_once, a->address, 0, 0, 0);
	UNTIL(a->jobs == 1 && b->jobs == 1);
	settle();
	/* Those of the two that crossed may have left one, made by the other. */
	(void)untie(a, b);
	settle();
	OK(leave(b, WHY(MYC_EXIT_USER, 7)));
	UNTIL(ended(b));
	expect_alive(a, 0);
}

/* ---- exit signals ------------------------------------------------------------------------------ */

CASE(an_exit_signal_ends_one_that_does_not_trap_with_its_reason)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(watch(a, b, 0));
	OK(send_exit(a, b, WHY(MYC_EXIT_USER, 5)));
	expect_end(a, b, MYC_EXIT_USER, 5);
}

CASE(an_exit_signal_is_an_event_for_one_that_traps)
{
	struct probe *a = spawn(HERE), *b = trapper(THERE);

	OK(send_exit(a, b, WHY(MYC_EXIT_USER, 5)));
	assert_true(is_exit(nth(b, SIGNAL, 0), a, MYC_EXIT_USER, 5, 0));
	expect_alive(b, 1);
}

CASE(a_normal_exit_signal_does_nothing_to_others)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(send_exit(a, b, WHY(MYC_EXIT_NORMAL, 0)));
	expect_alive(b, 0);
}

CASE(a_normal_exit_signal_is_an_event_for_one_that_traps)
{
	struct probe *a = spawn(HERE), *b = trapper(THERE);

	OK(send_exit(a, b, WHY(MYC_EXIT_NORMAL, 0)));
	assert_true(is_exit(nth(b, SIGNAL, 0), a, MYC_EXIT_NORMAL, 0, 0));
	expect_alive(b, 1);
}

CASE(a_normal_exit_signal_to_oneself_ends)
{
	struct probe *a = spawn(HERE), *w = spawn(THERE);

	OK(watch(w, a, 0));
	OK(send_exit(a, a, WHY(MYC_EXIT_NORMAL, 0)));
	expect_end(w, a, MYC_EXIT_NORMAL, 0);
}

CASE(a_kill_cannot_be_trapped)
{
	struct probe *a = spawn(HERE), *b = trapper(THERE);

	OK(watch(a, b, 0));
	OK(send_exit(a, b, WHY(MYC_EXIT_KILL, 0)));
	expect_end(a, b, MYC_EXIT_KILLED, 0);
	assert_int_equal(b->signals, 0);
	assert_int_equal(b->stops, 0); /* no handler any more */
}

CASE(an_exit_signal_to_nobody_is_no_error)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(stop_self(b));
	UNTIL(ended(b));
	OK(send_exit(a, b, WHY(MYC_EXIT_USER, 5)));
	OK(send_exit(a, b, WHY(MYC_EXIT_KILL, 5)));
	expect_alive(a, 0);
}

static int job_say_and_signal(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 1; i <= a[1] && !code; i++)
		code = do_send(self, me, a[0], SEND, i, 8);
	return code ? code : myc_exit_send(self, a[0], why_of(a[2]));
}

CASE(an_exit_signal_comes_behind_its_senders_messages)
{
	struct probe *a = spawn(HERE), *b = trapper(THERE);

	OK(let(a, job_say_and_signal, b->address, 10, WHY(MYC_EXIT_USER, 1), 0));
	SAW(b, SIGNAL, 1);
	assert_int_equal(b->messages, 10);
	assert_int_equal(b->seen[10].what, SIGNAL);
}

CASE(an_exit_signal_comes_behind_messages_in_the_mailbox)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(let(a, job_say_and_signal, b->address, 10, WHY(MYC_EXIT_USER, 1), 0));
	settle();
	assert_false(ended(b));
	release(b);
	UNTIL(ended(b));
	assert_int_equal(b->messages, 10);
}

CASE(a_kill_overtakes_messages)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(let(a, job_say_and_signal, b->address, 10, WHY(MYC_EXIT_KILL, 1), 0));
	UNTIL(ended(b));
	assert_int_equal(b->messages, 0);
	UNTIL(counted_dead(MYC_DEAD_LETTER_NO_ACTOR) +
		      counted_dead(MYC_DEAD_LETTER_OUTBOX_NO_ACTOR) ==
	      10);
}

CASE(a_suspended_one_is_ended_by_an_exit_signal)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(b);
	OK(send_exit(a, b, WHY(MYC_EXIT_USER, 1)));
	UNTIL(ended(b));
}

/* ---- restarts ---------------------------------------------------------------------------------- */

CASE(a_restart_in_place_breaks_links_with_failed)
{
	struct probe *a = trapper(HERE), *b = spawn_restarting(THERE, 3);

	OK(tie(a, b));
	OK(fail_with(b, -EDOM));
	assert_true(is_exit(nth(a, SIGNAL, 0), b, MYC_EXIT_FAILED, -EDOM,
			    MYC_EVENT_LINK | MYC_EVENT_RESTARTED));
	UNTIL(b->inits == 2);
	OK(leave(b, WHY(MYC_EXIT_USER, 0)));
	UNTIL(ended(b));
	expect_alive(a, 1); /* the new life was not linked */
}

CASE(a_restarted_one_has_no_links_of_its_former_life)
{
	struct probe *a = spawn_restarting(HERE, 3), *b = trapper(THERE);

	OK(tie(a, b));
	OK(fail_with(a, -EDOM));
	SAW(b, SIGNAL, 1);
	OK(leave(b, WHY(MYC_EXIT_USER, 1)));
	UNTIL(ended(b));
	expect_alive(a, 0);
}

CASE(a_restarted_one_does_not_trap)
{
	struct probe *a = spawn_restarting(HERE, 3), *b = spawn(THERE);

	OK(trap(a, true));
	OK(fail_with(a, -EDOM));
	UNTIL(a->inits == 2);
	OK(send_exit(b, a, WHY(MYC_EXIT_USER, 1)));
	UNTIL(ended(a));
	assert_int_equal(a->signals, 0);
}

static void four_watches(struct world_opts *opts)
{
	opts->executor.watches = 4;
}

CASE(a_link_finds_its_own_table_full)
{
	struct probe *a = spawn(HERE), *b[5];

	for (uint32_t i = 0; i < 5; i++)
		b[i] = spawn(THERE);
	/* In one place each link has both its ends in one table. */
	for (uint32_t i = 0; i < (apart() ? 4u : 2u); i++)
		OK(tie(a, b[i]));
	RESULT(tie(a, b[4]), -ENOSPC);
	OK(untie(a, b[0]));
	settle();
	OK(tie(a, b[4]));
}

CASE(a_link_that_finds_the_others_table_full_is_broken_with_no_room)
{
	struct probe *a = trapper(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	for (uint32_t i = 0; i < 4; i++)
		OK(watch(b, c, i));
	OK(tie(a, b));
	SAW(a, SIGNAL, 1);
	assert_true(is_exit(nth(a, SIGNAL, 0), b, MYC_EXIT_NO_ROOM, 0, MYC_EVENT_LINK));
	expect_alive(a, 1);
	expect_alive(b, 0);
}

const struct conform_case cases_link[] = {
	{NAMED(who_ends_takes_its_linked_one_along_with_its_reason)},
	{NAMED(a_link_works_both_ways)},
	{NAMED(a_normal_end_takes_nobody_along)},
	{NAMED(a_shutdown_takes_its_linked_one_along)},
	{NAMED(a_failure_takes_its_linked_one_along)},
	{NAMED(of_one_that_was_killed_its_linked_ones_see_killed)},
	{NAMED(an_end_goes_through_a_chain_of_links)},
	{NAMED(an_end_goes_round_a_ring_of_links_once)},
	{NAMED(a_link_of_many_takes_all_along)},
	{NAMED(one_that_traps_gets_the_exit_as_an_event_and_lives)},
	{NAMED(one_that_traps_gets_a_normal_exit_too)},
	{NAMED(a_kill_that_merely_came_over_a_link_is_trapped)},
	{NAMED(the_reason_kill_over_a_link_ends_one_that_does_not_trap_with_kill)},
	{NAMED(a_trap_that_was_taken_off_traps_no_more)},
	{NAMED(a_trap_stops_an_end_on_its_way_through_links)},
	{NAMED(linking_again_changes_nothing)},
	{NAMED(linking_with_oneself_changes_nothing), .where = NEAR},
	{NAMED(linking_with_one_that_is_gone_is_an_exit_signal_noproc)},
	{NAMED(linking_with_one_that_is_gone_ends_one_that_does_not_trap)},
	{NAMED(after_unlink_no_exit_comes_whoever_ends)},
	{NAMED(either_end_unlinks_a_link_whoever_made_it)},
	{NAMED(unlinking_what_is_not_linked_says_enoent)},
	{NAMED(a_link_is_made_again_after_unlink)},
	{NAMED(links_made_and_broken_at_once_leave_none)},
	{NAMED(an_exit_signal_ends_one_that_does_not_trap_with_its_reason)},
	{NAMED(an_exit_signal_is_an_event_for_one_that_traps)},
	{NAMED(a_normal_exit_signal_does_nothing_to_others)},
	{NAMED(a_normal_exit_signal_is_an_event_for_one_that_traps)},
	{NAMED(a_normal_exit_signal_to_oneself_ends)},
	{NAMED(a_kill_cannot_be_trapped)},
	{NAMED(an_exit_signal_to_nobody_is_no_error)},
	{NAMED(an_exit_signal_comes_behind_its_senders_messages)},
	{NAMED(an_exit_signal_comes_behind_messages_in_the_mailbox)},
	{NAMED(a_kill_overtakes_messages)},
	{NAMED(a_suspended_one_is_ended_by_an_exit_signal)},
	{NAMED(a_restart_in_place_breaks_links_with_failed)},
	{NAMED(a_restarted_one_has_no_links_of_its_former_life)},
	{NAMED(a_restarted_one_does_not_trap)},
	{NAMED(a_link_finds_its_own_table_full), .opts = four_watches},
	{NAMED(a_link_that_finds_the_others_table_full_is_broken_with_no_room), .where = FAR,
	 .opts = four_watches},
	{0},
};
