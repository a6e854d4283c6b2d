/* SPDX-License-Identifier: Apache-2.0 */
/* Groups, their members and who watches them: mycelium/group.h. */
#include "conformance/cases.h"

#include <stdio.h>

static const struct myc_behaviour watcher = {.name = "watcher",
					     .capacity_per_sender = 16,
					     .signal = probe_signal,
					     .group = probe_group,
					     PROBE_HOOKS};

/* Scopes and groups of the cases: a number each, so that they fit into a job.
 */
static const char *const scopes[] = {"md", "other", ""};
static const char *const groups[] = {"book.AAPL", "book.MSFT", "risk"};
static const char *const patterns[] = {"book.*", "risk", "**"};

JOB_OF(job_join, myc_group_join(self, scopes[a[0]], groups[a[1]]))
JOB_OF(job_leave, myc_group_leave(self, scopes[a[0]], groups[a[1]]))
static int job_members(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	return myc_group_members(self, scopes[a[0]], groups[a[1]], (enum myc_group_where)a[2],
				 me->word, SLOTS);
}
static int job_names(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	char names[4][48];

	(void)me;
	return myc_group_names(self, scopes[a[0]], patterns[a[1]], names, 4);
}
static int job_watch(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_group_watch w = {0};
	int code = myc_group_watch(self, scopes[a[0]], patterns[a[1]], a[2], &w);

	me->word[7] = w.id;
	return code;
}
JOB_OF(job_unwatch, myc_group_unwatch(self, (struct myc_group_watch){me->word[7]}))
static int job_send(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_group group = {0};
	uint64_t number = a[2];

	(void)me;
	int code = myc_group_open(self, scopes[a[0] >> 8], groups[a[0] & 0xff], &group);

	if (code)
		return code;
	code = a[1] == 0   ? myc_group_send_all(self, &group, NUMBER, &number, 8)
	       : a[1] == 1 ? myc_group_send_one(self, &group, NUMBER, &number, 8)
			   : myc_group_send_key(self, &group, a[3], NUMBER, &number, 8);
	myc_group_close(self, &group);
	return code;
}

enum { MD, OTHER_SCOPE, NO_SCOPE };
enum { APPLE, MICROSOFT, RISK };
enum { BOOKS, RISKS, ANY };

static int join(struct probe *who, uint64_t scope, uint64_t group)
{
	return let(who, job_join, scope, group, 0, 0);
}
static int leave_group(struct probe *who, uint64_t scope, uint64_t group)
{
	return let(who, job_leave, scope, group, 0, 0);
}
static int members(struct probe *who, uint64_t scope, uint64_t group, enum myc_group_where where)
{
	return let(who, job_members, scope, group, where, 0);
}
static int send_all(struct probe *who, uint64_t number)
{
	return let(who, job_send, MD << 8 | APPLE, 0, number, 0);
}
/* The nth event is of this kind, member, counts. */
static void expect_event(const struct probe *w, uint32_t n, uint32_t kind, const struct probe *who,
			 uint32_t count, uint32_t remaining)
{
	UNTIL(seen_of(w, GROUP) > n);
	const struct seen *seen = nth(w, GROUP, n);

	assert_int_equal(seen->kind, kind);
	assert_int_equal(seen->from, who->address);
	assert_int_equal(seen->answered, count);
	assert_int_equal(seen->failed, remaining);
}

/* ---- members
 * -----------------------------------------------------------------------------------
 */

CASE(who_joins_is_found_by_all_and_who_leaves_is_not)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 0);
	OK(join(b, MD, APPLE));
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 1);
	assert_int_equal(a->word[0], b->address);
	OK(join(c, MD, APPLE));
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 2);
	assert_int_equal(members(c, MD, APPLE, MYC_GROUP_ALL), 2);
	OK(leave_group(b, MD, APPLE));
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 1);
	assert_int_equal(a->word[0], c->address);
	RESULT(leave_group(b, MD, APPLE), -ENOENT);
	RESULT(leave_group(a, MD, RISK), -ENOENT);
}

CASE(groups_of_different_scopes_have_nothing_to_do_with_each_other)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(join(a, MD, APPLE));
	OK(join(b, OTHER_SCOPE, APPLE));
	OK(join(b, NO_SCOPE, RISK));
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 1);
	assert_int_equal(a->word[0], a->address);
	assert_int_equal(members(a, OTHER_SCOPE, APPLE, MYC_GROUP_ALL), 1);
	assert_int_equal(a->word[0], b->address);
	assert_int_equal(members(a, MD, RISK, MYC_GROUP_ALL), 0);
	assert_int_equal(members(a, NO_SCOPE, RISK, MYC_GROUP_ALL), 1);
	RESULT(leave_group(b, MD, APPLE), -ENOENT);
}

CASE(joining_twice_is_two_memberships)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(join(b, MD, APPLE));
	OK(join(b, MD, APPLE));
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 2);
	assert_int_equal(a->word[0], b->address);
	assert_int_equal(a->word[1], b->address);
	OK(leave_group(b, MD, APPLE));
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 1);
	OK(leave_group(b, MD, APPLE));
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 0);
}

CASE(members_of_the_own_executor_or_process_are_found_apart)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(join(a, MD, APPLE));
	OK(join(b, MD, APPLE));
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 2);
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_EXECUTOR), apart() ? 1 : 2);
	assert_int_equal(a->word[0], a->address);
	assert_true(members(a, MD, APPLE, MYC_GROUP_PROCESS) >= 1);
}

CASE(groups_are_listed_by_pattern_each_once)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(join(a, MD, APPLE));
	OK(join(b, MD, APPLE));
	OK(join(b, MD, MICROSOFT));
	OK(join(b, MD, RISK));
	assert_int_equal(let(a, job_names, MD, BOOKS, 0, 0), 2);
	assert_int_equal(let(a, job_names, MD, RISKS, 0, 0), 1);
	assert_int_equal(let(a, job_names, MD, ANY, 0, 0), 3);
	assert_int_equal(let(a, job_names, OTHER_SCOPE, ANY, 0, 0), 0);
}

CASE(memberships_end_with_their_actor_before_its_down)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(join(b, MD, APPLE));
	OK(watch(a, b, 0));
	OK(stop_self(b));
	SAW(a, SIGNAL, 1);
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 0);
}

CASE(a_restart_ends_memberships)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	OK(join(b, MD, APPLE));
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2);
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 0);
	OK(join(b, MD, APPLE));
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 1);
}

CASE(a_dead_process_memberships_count_no_more)
{
	struct probe *a = fixed(HERE, &watcher), *b = fixed(THERE, &plain);

	OK(join(b, MD, APPLE));
	OK(let(a, job_watch, MD, BOOKS, 9, 0));
	expect_event(a, 0, MYC_GROUP_JOINED, b, 1, 1);
	kill_place(THERE);
	expect_event(a, 1, MYC_GROUP_LEFT, b, 1, 0);
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 0);
	revive_place(THERE);
	UNTIL(b->inits == 2);
	assert_int_equal(members(a, MD, APPLE, MYC_GROUP_ALL), 0);
	OK(join(b, MD, APPLE));
	expect_event(a, 2, MYC_GROUP_JOINED, b, 1, 1);
}

JOB_OF(job_bad_names, myc_group_join(self, a[0] & 1 ? "" : "0123456789012345678901234567890123",
				     a[0] & 2 ? "" : "x"))
static void few_rows(struct world_opts *opts)
{
	opts->system.directory = 4;
}

static int job_join_many(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	char name[16];
	int code = 0;

	for (me->word[0] = 0; me->word[0] < a[0] && !code; me->word[0] += !code) {
		snprintf(name, sizeof(name), "g%u", (unsigned)me->word[0]);
		code = myc_group_join(self, "md", name);
	}
	return code;
}

CASE(what_is_no_name_or_finds_no_row_is_refused)
{
	struct probe *a = spawn(HERE);

	RESULT(let(a, job_bad_names, 0, 0, 0, 0), -EINVAL);
	RESULT(let(a, job_bad_names, 3, 0, 0, 0), -EINVAL);
	OK(join(a, MD, APPLE));
	RESULT(let(a, job_join_many, 1000, 0, 0, 0), -ENOSPC);
	RESULT(join(a, MD, RISK), -ENOSPC);
	OK(join(a, MD, APPLE)); /* again: the same row */
	OK(leave_group(a, MD, APPLE));
	OK(leave_group(a, MD, APPLE));
	OK(join(a, MD, RISK));
}

/* ---- who watches
 * -------------------------------------------------------------------------------
 */

CASE(a_watcher_is_told_first_who_is_there_then_what_changes)
{
	struct probe *w = spawn_as(HERE, &watcher), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	OK(join(b, MD, APPLE));
	OK(let(w, job_watch, MD, BOOKS, 9, 0));
	expect_event(w, 0, MYC_GROUP_JOINED, b, 1, 1);
	assert_int_equal(nth(w, GROUP, 0)->flags, MYC_GROUP_PRESENT);
	assert_int_equal(nth(w, GROUP, 0)->number, 9);
	assert_string_equal(nth(w, GROUP, 0)->scope, "md");
	assert_string_equal(nth(w, GROUP, 0)->name, "book.AAPL");
	OK(join(c, MD, MICROSOFT));
	expect_event(w, 1, MYC_GROUP_JOINED, c, 1, 1);
	assert_int_equal(nth(w, GROUP, 1)->flags, 0);
	assert_string_equal(nth(w, GROUP, 1)->name, "book.MSFT");
	OK(join(c, MD, RISK)); /* not of the pattern */
	OK(join(c, OTHER_SCOPE, APPLE));
	OK(leave_group(b, MD, APPLE));
	expect_event(w, 2, MYC_GROUP_LEFT, b, 1, 0);
	settle();
	assert_int_equal(seen_of(w, GROUP), 3);
}

CASE(a_watcher_is_told_how_many_memberships_remain)
{
	struct probe *w = spawn_as(HERE, &watcher), *b = spawn(THERE);

	OK(join(b, MD, RISK));
	OK(join(b, MD, RISK));
	OK(let(w, job_watch, MD, RISKS, 1, 0));
	expect_event(w, 0, MYC_GROUP_JOINED, b, 2, 2);
	OK(leave_group(b, MD, RISK));
	expect_event(w, 1, MYC_GROUP_LEFT, b, 1, 1);
	OK(stop_self(b));
	expect_event(w, 2, MYC_GROUP_LEFT, b, 1, 0);
}

CASE(a_suspended_watcher_is_told_all_the_same)
{
	struct probe *w = spawn_as(HERE, &watcher), *b = spawn(THERE);

	OK(let(w, job_watch, MD, ANY, 1, 0));
	hold(w);
	OK(join(b, MD, RISK));
	expect_event(w, 0, MYC_GROUP_JOINED, b, 1, 1);
	release(w);
}

CASE(after_unwatch_nothing_is_told)
{
	struct probe *w = spawn_as(HERE, &watcher), *v = spawn_as(HERE, &watcher),
		     *b = spawn(THERE);

	OK(let(w, job_watch, MD, ANY, 1, 0));
	OK(let(v, job_watch, MD, ANY, 2, 0));
	OK(let(w, job_unwatch, 0, 0, 0, 0));
	RESULT(let(w, job_unwatch, 0, 0, 0, 0), -ENOENT);
	OK(join(b, MD, RISK));
	expect_event(v, 0, MYC_GROUP_JOINED, b, 1, 1);
	settle();
	assert_int_equal(seen_of(w, GROUP), 0);
	RESULT(let(b, job_watch, MD, ANY, 1, 0), -EINVAL); /* no handler */
}

/* ---- sending
 * -----------------------------------------------------------------------------------
 */

CASE(all_members_get_one_each_but_the_sender)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	assert_int_equal(send_all(a, 1), 0);
	OK(join(a, MD, APPLE));
	OK(join(b, MD, APPLE));
	OK(join(b, MD, APPLE)); /* once each all the same */
	OK(join(c, MD, APPLE));
	assert_int_equal(send_all(a, 1), 2);
	assert_int_equal(send_all(a, 2), 2);
	expect_numbers(b, 1, 2);
	expect_numbers(c, 1, 2);
	assert_int_equal(a->messages, 0);
	OK(leave_group(c, MD, APPLE));
	assert_int_equal(send_all(a, 3), 1);
	expect_numbers(b, 1, 3);
}

static int job_in_turn(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_group group = {0};
	int code = myc_group_open(self, scopes[MD], groups[APPLE], &group);

	(void)me;
	for (uint64_t i = 0; i < a[0] && !code; i++)
		code = myc_group_send_one(self, &group, NUMBER, &i, sizeof(i));
	myc_group_close(self, &group);
	return code;
}

CASE(one_member_gets_it_each_in_turn)
{
	struct probe *a = spawn(HERE), *b[3] = {spawn(HERE), spawn(THERE), spawn(ELSEWHERE)};

	RESULT(let(a, job_in_turn, 1, 0, 0, 0), -ESRCH);
	for (int i = 0; i < 3; i++)
		OK(join(b[i], MD, APPLE));
	OK(let(a, job_in_turn, 9, 0, 0, 0));
	for (int i = 0; i < 3; i++)
		SAW(b[i], MESSAGE, 3);
	settle();
	assert_int_equal(b[0]->messages + b[1]->messages + b[2]->messages, 9);
}

static uint32_t owner_of(struct probe *const *who, uint32_t count, uint64_t number)
{
	uint32_t found = count;

	settle();
	for (uint32_t i = 0; i < count; i++)
		found = saw_number(who[i], number) ? i : found;
	assert_true(found < count);
	return found;
}

CASE(a_key_goes_to_the_same_member_from_every_sender_and_moves_only_with_it)
{
	struct probe *a = spawn(HERE), *z = spawn(ELSEWHERE),
		     *b[3] = {spawn(HERE), spawn(THERE), spawn(ELSEWHERE)};
	uint32_t owner[8];

	for (int i = 0; i < 3; i++)
		OK(join(b[i], MD, APPLE));
	for (uint64_t key = 0; key < 8; key++) {
		OK(let(a, job_send, MD << 8 | APPLE, 2, 100 + key, key));
		OK(let(z, job_send, MD << 8 | APPLE, 2, 200 + key, key));
		owner[key] = owner_of(b, 3, 100 + key);
		assert_int_equal(owner_of(b, 3, 200 + key), owner[key]);
	}
	OK(stop_self(b[1]));
	UNTIL(ended(b[1]));
	for (uint64_t key = 0; key < 8; key++) {
		OK(let(a, job_send, MD << 8 | APPLE, 2, 300 + key, key));
		uint32_t now = owner_of(b, 3, 300 + key);

		assert_true(now != 1 && (owner[key] == 1 || now == owner[key]));
	}
}

const struct conform_case cases_group[] = {
	{NAMED(who_joins_is_found_by_all_and_who_leaves_is_not)},
	{NAMED(groups_of_different_scopes_have_nothing_to_do_with_each_other)},
	{NAMED(joining_twice_is_two_memberships)},
	{NAMED(members_of_the_own_executor_or_process_are_found_apart)},
	{NAMED(groups_are_listed_by_pattern_each_once)},
	{NAMED(memberships_end_with_their_actor_before_its_down)},
	{NAMED(a_restart_ends_memberships)},
	{DEADLY(a_dead_process_memberships_count_no_more)},
	{NAMED(what_is_no_name_or_finds_no_row_is_refused), .where = NEAR, .opts = few_rows},
	{NAMED(a_watcher_is_told_first_who_is_there_then_what_changes)},
	{NAMED(a_watcher_is_told_how_many_memberships_remain)},
	{NAMED(a_suspended_watcher_is_told_all_the_same)},
	{NAMED(after_unwatch_nothing_is_told)},
	{NAMED(all_members_get_one_each_but_the_sender)},
	{NAMED(one_member_gets_it_each_in_turn)},
	{NAMED(a_key_goes_to_the_same_member_from_every_sender_and_moves_only_with_it)},
	{0},
};
