/* SPDX-License-Identifier: Apache-2.0 */
/* Names of actors: patterns, listing, registering, and lives told; on one executor, on two, in two processes. */
#include "unit/directory_bed.h"

/* ---- patterns ---------------------------------------------------------------------------------- */

static void patterns_match_paths_by_dots(void **state)
{
	static const struct {
		const char *pattern, *name;
		bool matches;
	} cases[] = {
		{"book", "book", true},
		{"book", "boo", false},
		{"book", "books", false},
		{"book.*", "book.AAPL", true},
		{"book.*", "book.", true},
		{"book.*", "book", false},
		{"book.*", "book.nyse.AAPL", false},
		{"book.**", "book.nyse.AAPL", true},
		{"**", "book.nyse.AAPL", true},
		{"*", "book.nyse.AAPL", false},
		{"*", "", true},
		{"*.*.*", "book.nyse.AAPL", true},
		{"book.*.AAPL", "book.nyse.AAPL", true},
		{"book.*.AAPL", "book.AAPL", false},
		{"book.**AAPL", "book.AAPL", true},
		{"**.AAPL", "book.nyse.AAPL", true},
		{"***", "a.b", true},
		{"?ook", "book", true},
		{"?ook", "ook", false},
		{"a?b", "a.b", false},
		{"a?b", "axb", true},
		{"a*b*c", "aXbYbZc", true},
		{"a*b*c", "aXbYbZ", false},
		{"*a*a*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", false},
		{"", "", true},
		{"", "a", false},
		{"?", "*", true},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		if (myc_name_matches(cases[i].pattern, cases[i].name) != cases[i].matches)
			fail_msg("'%s' and '%s'", cases[i].pattern, cases[i].name);
}

/* Against the plain recursion, on all short strings. */
static bool plainly(const char *pattern, const char *name)
{
	if (!*pattern)
		return !*name;
	if (*pattern == '*') {
		bool dots = pattern[1] == '*';
		const char *rest = pattern + 1 + dots;

		return plainly(rest, name) ||
		       (*name && (dots || *name != '.') && plainly(pattern, name + 1));
	}
	return *name && (*pattern == *name || (*pattern == '?' && *name != '.')) &&
	       plainly(pattern + 1, name + 1);
}

static void patterns_match_as_the_plain_recursion_does(void **state)
{
	static const char of_pattern[] = "ab.?*", of_name[] = "ab.";

	(void)state;
	for (uint32_t p = 0; p < 5 * 5 * 5 * 5 * 5; p++)
		for (uint32_t n = 0; n < 4 * 4 * 4 * 4; n++) {
			char pattern[6] = "", name[5] = "";

			for (uint32_t i = 0, at = p; i < 5; i++, at /= 5)
				pattern[i] = of_pattern[at % 5];
			for (uint32_t i = 0, at = n; i < 4 && at % 4; i++, at /= 4)
				name[i] = of_name[at % 4 - 1];
			/* Three stars in a row are two and one, in either order, to nobody's surprise. */
			if (strstr(pattern, "***"))
				continue;
			if (myc_name_matches(pattern, name) != plainly(pattern, name))
				fail_msg("'%s' and '%s'", pattern, name);
		}
}

/* ---- jobs -------------------------------------------------------------------------------------- */

static int register_it(struct myc_actor *self, struct probe *me, uint64_t scope, uint64_t name)
{
	(void)me;
	return myc_register(self, as_text(scope), as_text(name));
}

static int unregister_it(struct myc_actor *self, struct probe *me, uint64_t scope, uint64_t name)
{
	(void)me;
	return myc_unregister(self, as_text(scope), as_text(name));
}

/* The probe that has the name, or an error. */
static int whose(struct myc_actor *self, struct probe *me, uint64_t scope, uint64_t name)
{
	myc_address address;
	int code = myc_whereis(self, as_text(scope), as_text(name), &address);

	(void)me;
	for (uint32_t i = 0; !code && i < probes; i++)
		if (probe[i].address == address)
			return (int)i;
	return code ? code : -EIO;
}

static int names_of(struct myc_actor *self, struct probe *me, uint64_t scope, uint64_t pattern)
{
	struct myc_name_entry entry[4];
	int count = myc_names(self, scope ? as_text(scope) : NULL, as_text(pattern), entry, 4);

	(void)me;
	for (int i = 0; i < count && i < 4; i++)
		if (!myc_name_matches(as_text(pattern), entry[i].name) ||
		    (scope && strcmp(entry[i].scope, as_text(scope)) != 0))
			return -EIO;
	return count;
}

static int watch_it(struct myc_actor *self, struct probe *me, uint64_t scope, uint64_t pattern)
{
	struct myc_life_watch got;
	int code = myc_life_watch(self, scope ? as_text(scope) : NULL, as_text(pattern), 5, &got);

	me->monitor[0].index = (uint32_t)got.id;
	return code;
}

static int unwatch_it(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	return myc_life_unwatch(self, (struct myc_life_watch){me->monitor[0].index});
}

static int say(struct probe *who,
	       int (*run)(struct myc_actor *, struct probe *, uint64_t, uint64_t),
	       const char *scope, const char *name)
{
	return let(who, run, as_word(scope), as_word(name));
}

/* ---- names ------------------------------------------------------------------------------------- */

static void names_are_listed_by_pattern(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_as(HERE, &watcher, "book.nyse.A", 3),
		     *b = spawn_as(THERE, &watcher, "book.nyse.B", 3),
		     *c = spawn_as(THERE, &watcher, "risk", 3);
	struct myc_name_entry entry[4];

	let(b, nothing, 0, 0);
	let(c, nothing, 0, 0);
	assert_int_equal(say(a, names_of, NULL, "book.*.*"), 2);
	assert_int_equal(say(a, names_of, "", "book.**"), 2);
	assert_int_equal(say(a, names_of, NULL, "**"), 3);
	assert_int_equal(say(a, names_of, NULL, "ris?"), 1);
	assert_int_equal(say(a, names_of, "other", "**"), 0);
	assert_int_equal(say(a, names_of, NULL, ""), -EINVAL);
	assert_int_equal(say(a, whose, "", "risk"), 2);
	assert_int_equal(say(a, whose, NULL, "book.nyse.B"), 1);
	assert_int_equal(say(a, whose, NULL, "book"), -ENOENT);
	/* From a plain thread, and more than there is room for. */
	assert_int_equal(myc_system_names(systems[0], NULL, "**", entry, 1), 3);
	assert_string_equal(entry[0].name, "book.nyse.A");
	assert_true(entry[0].address == a->address && entry[0].running && !entry[0].registered);
	let(b, leave, MYC_EXIT_NORMAL, 0);
	wait_until(say(a, names_of, NULL, "book.**") == 1);
	assert_int_equal(say(a, whose, NULL, "book.nyse.B"), -ENOENT);
	end();
}

static void a_registered_name_is_one_actors(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *b = spawn_watcher(THERE);

	assert_int_equal(say(a, register_it, "orders", "AAPL"), 0);
	assert_int_equal(say(a, register_it, "orders", "AAPL"), 0); /* has it already */
	assert_int_equal(say(b, register_it, "orders", "AAPL"), -EEXIST);
	assert_int_equal(say(b, register_it, "quotes", "AAPL"), 0);
	assert_int_equal(say(b, whose, "orders", "AAPL"), 0);
	assert_int_equal(say(a, whose, "quotes", "AAPL"), 1);
	assert_int_equal(say(a, names_of, "orders", "*"), 1);
	assert_int_equal(say(a, names_of, NULL, "*"), 2);
	assert_int_equal(say(b, unregister_it, "orders", "AAPL"), -ENOENT);
	assert_int_equal(say(a, unregister_it, "orders", "AAPL"), 0);
	assert_int_equal(say(b, register_it, "orders", "AAPL"), 0);
	/* It stays over a restart in place, and ends with its actor. */
	let(b, go_wrong, 0, 0);
	wait_until(b->inits == 2);
	assert_int_equal(say(a, register_it, "orders", "AAPL"), -EEXIST);
	let(b, leave, MYC_EXIT_NORMAL, 0);
	wait_until(b->stopped == 1);
	wait_until(say(a, register_it, "orders", "AAPL") == 0);
	/* The scope "" is for names that actors are spawned with. */
	assert_int_equal(say(a, register_it, "", "AAPL"), -EINVAL);
	assert_int_equal(say(a, register_it, NULL, "AAPL"), -EINVAL);
	assert_int_equal(say(a, register_it, "orders", ""), -EINVAL);
	assert_int_equal(say(a, register_it, "01234567890123456789012345678901", "x"), -EINVAL);
	assert_int_equal(say(a, unregister_it, NULL, NULL), -ENOENT);
	end();
}

/* Two want it again and again at the same time: never have both, and not always neither. */
static _Atomic int holders, held, together;

static int contend(struct myc_actor *self, struct probe *me, uint64_t times, uint64_t b)
{
	(void)me;
	(void)b;
	for (; times; times--) {
		int code = myc_register(self, "one", "lock");

		if (code == -EEXIST || code == -EAGAIN)
			continue;
		if (code)
			return code;
		if (holders++)
			together++;
		held++;
		sched_yield();
		holders--;
		code = myc_unregister(self, "one", "lock");
		if (code)
			return code;
	}
	return 0;
}

static void a_name_is_never_two_actors(void **state)
{
	struct job job = {.run = contend, .a = 5000};

	begin_bed(state);
	holders = held = together = 0;
	struct probe *a = spawn_watcher(HERE), *b = spawn_watcher(THERE);

	a->done = b->done = false;
	assert_int_equal(myc_post(a->system, a->address, JOB, &job, sizeof(job), SECOND), 0);
	assert_int_equal(myc_post(b->system, b->address, JOB, &job, sizeof(job), SECOND), 0);
	wait_until(a->done && b->done);
	assert_int_equal(a->result | b->result, 0);
	assert_int_equal(together, 0);
	assert_true(held > 0);
	end();
}

/* ---- lives ------------------------------------------------------------------------------------- */

static void assert_life(const struct told *got, enum myc_life_kind kind, uint32_t flags,
			const struct probe *who, const char *name)
{
	assert_true(got->life);
	assert_int_equal(got->kind, kind);
	assert_int_equal(got->flags, flags);
	assert_int_equal(got->who, who->address);
	assert_int_equal(got->cookie, 5);
	assert_string_equal(got->name, name);
}

static void a_life_is_told_from_its_beginning_to_its_end(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE);
	struct probe *other = spawn_as(THERE, &watcher, "risk", 3), *b, *c;

	assert_int_equal(say(a, watch_it, NULL, "book.*"), 0);
	b = spawn_as(THERE, &watcher, "book.A", 3);
	/* The first look may come after the spawn. */
	assert_life(told(a, 0), MYC_LIFE_REGISTERED, told(a, 0)->flags & MYC_LIFE_PRESENT, b,
		    "book.A");
	assert_life(told(a, 1), MYC_LIFE_STARTED, told(a, 1)->flags & MYC_LIFE_PRESENT, b,
		    "book.A");
	let(other, go_wrong, 0, 0);
	let(b, go_wrong, 0, 0);
	assert_life(told(a, 2), MYC_LIFE_RESTARTED, 0, b, "book.A");
	assert_int_equal(told(a, 2)->restarts, 1);
	assert_int_equal(told(a, 2)->reason.kind, MYC_EXIT_FAILED);
	assert_int_equal(told(a, 2)->reason.code, -ECANCELED);
	assert_int_equal(say(b, register_it, "s", "book.B"), 0);
	assert_life(told(a, 3), MYC_LIFE_REGISTERED, 0, b, "book.B");
	assert_string_equal(told(a, 3)->scope, "s");
	/* Who comes later is told how things stand. */
	c = spawn_watcher(HERE);
	assert_int_equal(say(c, watch_it, "", "**"), 0);
	assert_life(told(c, 2), MYC_LIFE_REGISTERED, MYC_LIFE_PRESENT, b, "book.A");
	assert_life(told(c, 3), MYC_LIFE_STARTED, MYC_LIFE_PRESENT, b, "book.A");
	assert_int_equal(told(c, 3)->restarts, 1);
	assert_int_equal(list[c->index].count, 4); /* with risk, without the scope s */
	let(b, leave, reason(MYC_EXIT_USER, 3), 0);
	for (uint32_t i = 0, seen_stop = 0; i < 3; i++) {
		const struct told *one = told(a, 4 + i);

		if (one->kind == MYC_LIFE_STOPPED) {
			assert_life(one, MYC_LIFE_STOPPED, 0, b, "book.A");
			assert_int_equal(one->reason.kind, MYC_EXIT_USER);
			assert_int_equal(one->reason.code, 3);
			seen_stop = 1;
		} else {
			assert_int_equal(one->kind, MYC_LIFE_UNREGISTERED);
			assert_true(seen_stop || !strcmp(one->name, "book.B"));
		}
	}
	assert_int_equal(let(a, unwatch_it, 0, 0), 0);
	assert_int_equal(let(a, unwatch_it, 0, 0), -ENOENT);
	spawn_as(THERE, &watcher, "book.C", 3);
	assert_life(told(c, 6), MYC_LIFE_REGISTERED, 0, &probe[probes - 1], "book.C");
	settle(a, c);
	assert_int_equal(list[a->index].count, 7);
	end();
}

static int fail_to_start(struct myc_actor *self)
{
	(void)self;
	return -ENODEV;
}

static const struct myc_behaviour still_born = {.name = "still born", .started = fail_to_start};

/* More names than rows, one after the other: the rows of the dead are given out again. */
static void the_dead_make_room(void **state)
{
	struct myc_spawn_opts opts = {
		.sz = sizeof(opts), .behaviour = &still_born, .restarts_max = MYC_RESTARTS_NONE};
	char name[32];

	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *last;

	opts.name = name;
	assert_int_equal(say(a, watch_it, NULL, "last"), 0);
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "x%d", i);
		assert_int_equal(myc_spawn(a->system, &opts, NULL, NULL), 0);
	}
	last = spawn_as(HERE, &watcher, "last", 3);
	assert_life(told(a, 1), MYC_LIFE_STARTED, 0, last, "last");
	assert_int_equal(say(a, names_of, NULL, "**"), 1);
	end();
}

/* ---- processes --------------------------------------------------------------------------------- */

static void a_dead_process_names_are_gone(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *b = spawn_as(THERE, &watcher, "book.A", 3);

	assert_int_equal(say(b, register_it, "s", "x"), 0);
	assert_int_equal(say(a, watch_it, "", "*.*"), 0);
	assert_life(told(a, 1), MYC_LIFE_STARTED, MYC_LIFE_PRESENT, b, "book.A");
	process_lives[0][1] = false;
	assert_life(told(a, 2), MYC_LIFE_STOPPED, 0, b, "book.A");
	assert_int_equal(told(a, 2)->reason.kind, MYC_EXIT_NOCONNECTION);
	assert_life(told(a, 3), MYC_LIFE_UNREGISTERED, 0, b, "book.A");
	assert_int_equal(say(a, whose, "", "book.A"), -ENOENT);
	assert_int_equal(say(a, register_it, "s", "x"), 0);
	process_lives[0][1] = true;
	end();
}

/* What another process says may be anything: nothing of it is believed that cannot be. */
static void a_scribbled_table_harms_nobody(void **state)
{
	uint64_t random = 88172645463325252ull, size;

	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *b = spawn_as(THERE, &watcher, "book.A", 3);

	let(b, nothing, 0, 0);
	assert_int_equal(say(a, watch_it, NULL, "**"), 0);
	told(a, 1);
	uint64_t *block = myc_region_block(&region[1][1], MYC_BLOCK_DIRECTORY, 0, &size);

	uint64_t *kept = malloc(size);

	assert_non_null(kept);
	memcpy(kept, block, size);
	for (int round = 0; round < 200; round++) {
		for (int i = 0; i < 300; i++) {
			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			/* The head now and then; most often the first rows. */
			uint64_t at = random >> 32;

			at = at % (round % 4 ? 600 : size / 8);
			__atomic_store_n(&block[at], random % 3 ? random : random % 5,
					 __ATOMIC_RELAXED);
		}
		list[a->index].count = 0;
		say(a, names_of, NULL, "**");
		say(a, whose, "", "book.A");
		let(a, nothing, 0, 0);
	}
	assert_int_equal(say(a, register_it, "mine", "own"), 0);
	process_lives[0][1] = false;
	assert_int_equal(say(a, names_of, "mine", "*"), 1);
	process_lives[0][1] = true;
	/* Its own executor believes it. */
	memcpy(block, kept, size);
	free(kept);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_paths_by_dots),
		cmocka_unit_test(patterns_match_as_the_plain_recursion_does),
		EVERYWHERE(names_are_listed_by_pattern),
		EVERYWHERE(a_registered_name_is_one_actors),
		EVERYWHERE(a_name_is_never_two_actors),
		EVERYWHERE(a_life_is_told_from_its_beginning_to_its_end),
		EVERYWHERE(the_dead_make_room),
		IN(a_dead_process_names_are_gone, TWO_PROCESSES),
		IN(a_scribbled_table_harms_nobody, TWO_PROCESSES),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
