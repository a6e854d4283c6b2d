/* SPDX-License-Identifier: Apache-2.0 */
/* Names within scopes, patterns, and lives told to who watches:
 * mycelium/registry.h. */
#include "conformance/cases.h"

static const struct myc_behaviour watcher = {.name = "watcher",
					     .capacity_per_sender = 16,
					     .signal = probe_signal,
					     .life = probe_life,
					     PROBE_HOOKS};

static const char *const scopes[] = {"", "desk", "other"};
static const char *const names[] = {"book.nyse.AAPL", "book.nyse.MSFT", "book.arca.AAPL", "risk"};
static const char *const patterns[] = {"book.*.AAPL", "book.**", "risk", "**", "book.nyse.????"};
enum { SPAWNED, DESK, OTHER_DESK };
enum { NYSE_AAPL, NYSE_MSFT, ARCA_AAPL, RISK };
enum { AAPLS, BOOKS, RISKS, ANY, NYSE };

JOB_OF(job_register, myc_register(self, scopes[a[0]], names[a[1]]))
JOB_OF(job_unregister, myc_unregister(self, scopes[a[0]], names[a[1]]))
JOB_OF(job_whereis, myc_whereis(self, scopes[a[0]], names[a[1]], (myc_address *)&me->word[0]))
JOB_OF(job_unwatch, myc_life_unwatch(self, (struct myc_life_watch){me->word[7]}))
static int job_watch(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_life_watch w = {0};
	int code = myc_life_watch(self, a[0] > 2 ? NULL : scopes[a[0]], patterns[a[1]], a[2], &w);

	me->word[7] = w.id;
	return code;
}
/* word[0]: address of the last that matches; word[1]: registered | running
 * << 1. */
static int job_names(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_name_entry entry[8];
	int count = myc_names(self, a[0] > 2 ? NULL : scopes[a[0]], patterns[a[1]], entry, 8);

	if (count > 0 && count <= 8) {
		me->word[0] = entry[count - 1].address;
		me->word[1] = (uint64_t)entry[count - 1].registered |
			      (uint64_t)entry[count - 1].running << 1;
		me->word[2] = entry[count - 1].restarts;
	}
	return count;
}

static int enter(struct probe *who, uint64_t scope, uint64_t name)
{
	return let(who, job_register, scope, name, 0, 0);
}
static int whereis(struct probe *who, uint64_t scope, uint64_t name)
{
	return let(who, job_whereis, scope, name, 0, 0);
}
static int listed(struct probe *who, uint64_t scope, uint64_t pattern)
{
	return let(who, job_names, scope, pattern, 0, 0);
}
static void expect_life(const struct probe *w, uint32_t n, uint32_t kind, const struct probe *who,
			const char *name)
{
	UNTIL(seen_of(w, LIFE) > n);
	const struct seen *seen = nth(w, LIFE, n);

	assert_int_equal(seen->kind, kind);
	assert_int_equal(seen->from, who->address);
	assert_string_equal(seen->name, name);
}

/* ---- patterns
 * ----------------------------------------------------------------------------------
 */

CASE(patterns_match_as_they_say)
{
	static const struct {
		const char *pattern, *name;
		bool is;
	} row[] = {
		{"book.AAPL", "book.AAPL", true},
		{"book.AAPL", "book.AAPLE", false},
		{"book.AAP?", "book.AAPL", true},
		{"book.AAP?", "book.AAP", false},
		{"book?AAPL", "book.AAPL", false},
		{"book.*.AAPL", "book.nyse.AAPL", true},
		{"book.*.AAPL", "book..AAPL", true},
		{"book.*.AAPL", "book.a.b.AAPL", false},
		{"book.*", "book.a.b", false},
		{"book.**", "book.a.b", true},
		{"**", "a.b.c", true},
		{"**.c", "a.b.c", true},
		{"*", "a.b", false},
		{"*", "ab", true},
		{"b*k.**L", "book.nyse.AAPL", true},
		{"", "a", false},
		{"a**", "a", true},
		{"?", "", false},
	};

	for (size_t i = 0; i < sizeof(row) / sizeof(row[0]); i++)
		assert_int_equal(myc_name_matches(row[i].pattern, row[i].name), row[i].is);
}

/* ---- registering
 * -------------------------------------------------------------------------------
 */

CASE(a_registered_name_is_found_from_every_place)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn(ELSEWHERE);

	RESULT(whereis(a, DESK, RISK), -ENOENT);
	OK(enter(b, DESK, RISK));
	OK(enter(b, DESK, RISK)); /* it has it */
	OK(whereis(a, DESK, RISK));
	assert_int_equal(a->word[0], b->address);
	OK(whereis(c, DESK, RISK));
	assert_int_equal(c->word[0], b->address);
	RESULT(whereis(a, OTHER_DESK, RISK), -ENOENT);
}

CASE(a_name_is_one_actors_in_its_scope)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(enter(b, DESK, RISK));
	RESULT(enter(a, DESK, RISK), -EEXIST);
	OK(enter(a, OTHER_DESK, RISK));
	RESULT(let(a, job_unregister, DESK, RISK, 0, 0), -ENOENT);
	OK(let(b, job_unregister, DESK, RISK, 0, 0));
	RESULT(let(b, job_unregister, DESK, RISK, 0, 0), -ENOENT);
	OK(enter(a, DESK, RISK));
	OK(whereis(b, DESK, RISK));
	assert_int_equal(b->word[0], a->address);
}

CASE(of_two_that_want_a_name_at_once_one_has_it)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	hold(a);
	hold(b);
	tell(a, job_register, DESK, RISK, 0, 0);
	tell(b, job_register, DESK, RISK, 0, 0);
	uint32_t jobs_a = a->jobs, jobs_b = b->jobs;

	release(a);
	release(b);
	UNTIL(a->jobs > jobs_a && b->jobs > jobs_b);
	int codes[2] = {a->result, b->result};

	assert_false(codes[0] == 0 && codes[1] == 0);
	for (int i = 0; i < 2; i++)
		assert_true(codes[i] == 0 || codes[i] == -EEXIST || codes[i] == -EAGAIN);
	if (codes[0] && codes[1])
		OK(enter(a, DESK, RISK));
	OK(whereis(a, DESK, RISK));
}

CASE(names_end_with_their_actor_before_its_down)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE);

	OK(enter(b, DESK, RISK));
	OK(watch(a, b, 0));
	OK(stop_self(b));
	SAW(a, SIGNAL, 1);
	RESULT(whereis(a, DESK, RISK), -ENOENT);
	OK(enter(a, DESK, RISK));
}

CASE(a_restart_keeps_names)
{
	struct probe *a = spawn(HERE), *b = spawn_restarting(THERE, 3);

	OK(enter(b, DESK, RISK));
	OK(fail_with(b, -EIO));
	UNTIL(b->inits == 2);
	OK(whereis(a, DESK, RISK));
	assert_int_equal(a->word[0], b->address);
	RESULT(enter(a, DESK, RISK), -EEXIST);
}

CASE(a_dead_process_names_are_free)
{
	struct probe *a = fixed(HERE, &watcher), *b = fixed(THERE, &plain);

	OK(enter(b, DESK, RISK));
	OK(let(a, job_watch, DESK, RISKS, 5, 0));
	expect_life(a, 0, MYC_LIFE_REGISTERED, b, "risk");
	kill_place(THERE);
	expect_life(a, 1, MYC_LIFE_UNREGISTERED, b, "risk");
	RESULT(whereis(a, DESK, RISK), -ENOENT);
	OK(enter(a, DESK, RISK));
	revive_place(THERE);
	UNTIL(b->inits == 2);
	RESULT(enter(b, DESK, RISK), -EEXIST);
}

JOB_OF(job_bad, a[0] == 0   ? myc_register(self, "desk", "")
		: a[0] == 1 ? myc_register(self, "01234567890123456789012345678901", "x")
			    : myc_register(self, "desk",
					   "a name that is much too long for a name of one of us"))

CASE(what_is_no_name_is_refused)
{
	struct probe *a = spawn(HERE);

	for (uint64_t i = 0; i < 3; i++)
		RESULT(let(a, job_bad, i, 0, 0, 0), -EINVAL);
	assert_int_equal(listed(a, 3, ANY), 0);
}

/* ---- lists
 * -------------------------------------------------------------------------------------
 */

CASE(names_are_listed_by_pattern_and_scope)
{
	struct probe *a = spawn(HERE), *b = spawn(THERE), *c = spawn_named(ELSEWHERE, "risk");

	OK(enter(a, DESK, NYSE_AAPL));
	OK(enter(b, DESK, NYSE_MSFT));
	OK(enter(b, DESK, ARCA_AAPL));
	UNTIL(c->starts == 1);
	assert_int_equal(listed(a, DESK, AAPLS), 2);
	assert_int_equal(listed(a, DESK, BOOKS), 3);
	assert_int_equal(listed(b, DESK, NYSE), 2);
	assert_int_equal(listed(a, OTHER_DESK, BOOKS), 0);
	assert_int_equal(listed(a, 3, ANY), 4);
	assert_int_equal(listed(a, SPAWNED, RISKS), 1);
	assert_int_equal(a->word[0], c->address);
	assert_int_equal(a->word[1], 2); /* runs, and was not registered */
	assert_int_equal(listed(a, DESK, NYSE), 2);
	assert_int_equal(a->word[1] & 1, 1);
}

CASE(who_was_spawned_with_a_name_is_found_by_it)
{
	struct probe *a = spawn(HERE), *b = spawn_named(THERE, "risk");

	UNTIL(b->starts == 1);
	OK(whereis(a, SPAWNED, RISK));
	assert_int_equal(a->word[0], b->address);
	RESULT(whereis(a, DESK, RISK), -ENOENT);
	RESULT(enter(a, SPAWNED, NYSE_AAPL), -EINVAL); /* that scope is theirs */
	OK(stop_self(b));
	UNTIL(ended(b));
	RESULT(whereis(a, SPAWNED, RISK), -ENOENT);
}

/* ---- lives ------------------------------------------------------------------------------------- */

CASE(a_watcher_hears_of_a_life_in_order)
{
	struct probe *w = spawn_as(HERE, &watcher);

	OK(let(w, job_watch, SPAWNED, RISKS, 7, 0));
	settle(); /* its first look is over */
	struct probe *b = make(THERE, &plain);

	memcpy(b->name, "risk", 5);
	b->restarts_max = 3;
	OK(try_spawn(b));
	expect_life(w, 0, MYC_LIFE_REGISTERED, b, "risk");
	expect_life(w, 1, MYC_LIFE_STARTED, b, "risk");
	assert_int_equal(nth(w, LIFE, 1)->number, 7);
	assert_int_equal(nth(w, LIFE, 1)->flags, 0);
	OK(fail_with(b, -EIO));
	expect_life(w, 2, MYC_LIFE_RESTARTED, b, "risk");
	assert_int_equal(nth(w, LIFE, 2)->restarts, 1);
	assert_int_equal(nth(w, LIFE, 2)->event.reason.kind, MYC_EXIT_FAILED);
	assert_int_equal(nth(w, LIFE, 2)->event.reason.code, -EIO);
	OK(leave(b, WHY(MYC_EXIT_USER, 9)));
	expect_life(w, 3, MYC_LIFE_STOPPED, b, "risk");
	assert_int_equal(nth(w, LIFE, 3)->event.reason.kind, MYC_EXIT_USER);
	assert_int_equal(nth(w, LIFE, 3)->event.reason.code, 9);
	expect_life(w, 4, MYC_LIFE_UNREGISTERED, b, "risk");
	settle();
	assert_int_equal(seen_of(w, LIFE), 5);
}

CASE(a_watcher_hears_first_of_what_is_there)
{
	struct probe *w = spawn_as(HERE, &watcher), *b = spawn_named(THERE, "risk");

	UNTIL(b->starts == 1);
	settle();
	OK(let(w, job_watch, SPAWNED, RISKS, 1, 0));
	expect_life(w, 0, MYC_LIFE_REGISTERED, b, "risk");
	expect_life(w, 1, MYC_LIFE_STARTED, b, "risk");
	assert_int_equal(nth(w, LIFE, 0)->flags, MYC_LIFE_PRESENT);
	assert_int_equal(nth(w, LIFE, 1)->flags, MYC_LIFE_PRESENT);
}

CASE(a_registered_name_comes_and_goes)
{
	struct probe *w = spawn_as(HERE, &watcher), *b = spawn(THERE);

	OK(let(w, job_watch, DESK, AAPLS, 1, 0));
	OK(enter(b, DESK, NYSE_AAPL));
	expect_life(w, 0, MYC_LIFE_REGISTERED, b, "book.nyse.AAPL");
	OK(enter(b, DESK, NYSE_MSFT)); /* not of the pattern */
	OK(enter(b, OTHER_DESK, ARCA_AAPL));
	OK(let(b, job_unregister, DESK, NYSE_AAPL, 0, 0));
	expect_life(w, 1, MYC_LIFE_UNREGISTERED, b, "book.nyse.AAPL");
	assert_string_equal(nth(w, LIFE, 1)->scope, "desk");
	settle();
	assert_int_equal(seen_of(w, LIFE), 2);
}

CASE(after_unwatch_no_life_is_told)
{
	struct probe *w = spawn_as(HERE, &watcher), *v = spawn_as(HERE, &watcher),
		     *b = spawn(THERE);

	OK(let(w, job_watch, 3, ANY, 1, 0));
	OK(let(v, job_watch, 3, ANY, 1, 0));
	OK(let(w, job_unwatch, 0, 0, 0, 0));
	RESULT(let(w, job_unwatch, 0, 0, 0, 0), -ENOENT);
	OK(enter(b, DESK, RISK));
	expect_life(v, 0, MYC_LIFE_REGISTERED, b, "risk");
	settle();
	assert_int_equal(seen_of(w, LIFE), 0);
	RESULT(let(b, job_watch, DESK, ANY, 1, 0), -EINVAL); /* no handler */
}

CASE(a_suspended_watcher_hears_of_lives)
{
	struct probe *w = spawn_as(HERE, &watcher), *b = spawn(THERE);

	OK(let(w, job_watch, DESK, ANY, 1, 0));
	hold(w);
	OK(enter(b, DESK, RISK));
	expect_life(w, 0, MYC_LIFE_REGISTERED, b, "risk");
	release(w);
}

const struct conform_case cases_registry[] = {
	{NAMED(patterns_match_as_they_say), .where = NEAR},
	{NAMED(a_registered_name_is_found_from_every_place)},
	{NAMED(a_name_is_one_actors_in_its_scope)},
	{NAMED(of_two_that_want_a_name_at_once_one_has_it)},
	{NAMED(names_end_with_their_actor_before_its_down)},
	{NAMED(a_restart_keeps_names)},
	{DEADLY(a_dead_process_names_are_free)},
	{NAMED(what_is_no_name_is_refused), .where = NEAR},
	{NAMED(names_are_listed_by_pattern_and_scope)},
	{NAMED(who_was_spawned_with_a_name_is_found_by_it)},
	{NAMED(a_watcher_hears_of_a_life_in_order)},
	{NAMED(a_watcher_hears_first_of_what_is_there)},
	{NAMED(a_registered_name_comes_and_goes)},
	{NAMED(after_unwatch_no_life_is_told)},
	{NAMED(a_suspended_watcher_hears_of_lives)},
	{0},
};
