/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of actors: memberships, who comes and goes, sending; on one executor, on two, in two processes. */
#include "unit/directory_bed.h"

/* ---- jobs -------------------------------------------------------------------------------------- */

static int join_it(struct myc_actor *self, struct probe *me, uint64_t scope, uint64_t group)
{
	(void)me;
	return myc_group_join(self, as_text(scope), as_text(group));
}

static int leave_it(struct myc_actor *self, struct probe *me, uint64_t scope, uint64_t group)
{
	(void)me;
	return myc_group_leave(self, as_text(scope), as_text(group));
}

static int members_of(struct myc_actor *self, struct probe *me, uint64_t group, uint64_t where)
{
	(void)me;
	return myc_group_members(self, "s", as_text(group), (enum myc_group_where)where, NULL, 0);
}

/* How often `whom` is among the first two. */
static int times(struct myc_actor *self, struct probe *me, uint64_t group, uint64_t whom)
{
	myc_address member[2] = {0};
	int count = myc_group_members(self, "s", as_text(group), MYC_GROUP_ALL, member, 2);

	(void)me;
	return count < 0 ? count : (member[0] == whom) + (member[1] == whom);
}

static int watch_it(struct myc_actor *self, struct probe *me, uint64_t scope, uint64_t pattern)
{
	struct myc_group_watch watch;
	int code = myc_group_watch(self, as_text(scope), as_text(pattern), 99, &watch);

	me->monitor[0].index = (uint32_t)watch.id;
	return code;
}

static int unwatch_it(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	(void)a;
	(void)b;
	return myc_group_unwatch(self, (struct myc_group_watch){me->monitor[0].index});
}

static int names_of(struct myc_actor *self, struct probe *me, uint64_t scope, uint64_t pattern)
{
	char names[2][48] = {"", ""};
	int count = myc_group_names(self, as_text(scope), as_text(pattern), names, 2);

	(void)me;
	return count == 2 && !strcmp(names[0], names[1]) ? -1 : count;
}

static int members(struct probe *asked, const char *group, enum myc_group_where where)
{
	return let(asked, members_of, as_word(group), where);
}

static int join_group(struct probe *who, const char *scope, const char *group)
{
	return let(who, join_it, as_word(scope), as_word(group));
}

static int leave_group(struct probe *who, const char *scope, const char *group)
{
	return let(who, leave_it, as_word(scope), as_word(group));
}

/* ---- memberships ------------------------------------------------------------------------------- */

static void who_joins_is_a_member_for_all_at_once(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *b = spawn_watcher(THERE);

	assert_int_equal(members(b, "g", MYC_GROUP_ALL), 0);
	assert_int_equal(join_group(a, "s", "g"), 0);
	assert_int_equal(members(b, "g", MYC_GROUP_ALL), 1);
	assert_int_equal(let(b, times, as_word("g"), a->address), 1);
	assert_int_equal(join_group(b, "s", "g"), 0);
	assert_int_equal(join_group(a, "s", "h"), 0);
	assert_int_equal(members(a, "g", MYC_GROUP_ALL), 2);
	assert_int_equal(members(a, "h", MYC_GROUP_ALL), 1);
	assert_int_equal(members(a, "g", MYC_GROUP_EXECUTOR), place == ONE_EXECUTOR ? 2 : 1);
	assert_int_equal(members(b, "g", MYC_GROUP_PROCESS), place == TWO_PROCESSES ? 1 : 2);
	assert_int_equal(let(b, names_of, as_word("s"), as_word("*")), 2);
	assert_int_equal(let(b, names_of, as_word("s"), as_word("g")), 1);
	/* Another scope is another world. */
	assert_int_equal(join_group(b, "t", "g"), 0);
	assert_int_equal(members(a, "g", MYC_GROUP_ALL), 2);
	assert_int_equal(let(a, names_of, as_word("t"), as_word("**")), 1);
	assert_int_equal(leave_group(a, "s", "g"), 0);
	assert_int_equal(leave_group(a, "s", "g"), -ENOENT);
	assert_int_equal(leave_group(a, "t", "g"), -ENOENT);
	assert_int_equal(members(b, "g", MYC_GROUP_ALL), 1);
	end();
}

static void several_times_is_several_memberships(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *b = spawn_watcher(THERE);

	for (int i = 0; i < 3; i++)
		assert_int_equal(join_group(a, "s", "g"), 0);
	assert_int_equal(members(b, "g", MYC_GROUP_ALL), 3);
	assert_int_equal(let(b, times, as_word("g"), a->address), 2);
	assert_int_equal(leave_group(a, "s", "g"), 0);
	assert_int_equal(members(b, "g", MYC_GROUP_ALL), 2);
	assert_int_equal(leave_group(a, "s", "g"), 0);
	assert_int_equal(leave_group(a, "s", "g"), 0);
	assert_int_equal(leave_group(a, "s", "g"), -ENOENT);
	assert_int_equal(members(b, "g", MYC_GROUP_ALL), 0);
	end();
}

static void names_have_their_sizes(void **state)
{
	static const char scope31[] = "0123456789012345678901234567890",
			  scope32[] = "01234567890123456789012345678901",
			  name47[] = "01234567890123456789012345678901234567890123456",
			  name48[] = "012345678901234567890123456789012345678901234567";
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE);

	assert_int_equal(join_group(a, "", "g"), 0);
	assert_int_equal(join_group(a, scope31, name47), 0);
	assert_int_equal(let(a, names_of, as_word(scope31), as_word(name47)), 1);
	assert_int_equal(join_group(a, scope32, "g"), -EINVAL);
	assert_int_equal(join_group(a, "s", name48), -EINVAL);
	assert_int_equal(join_group(a, "s", ""), -EINVAL);
	assert_int_equal(join_group(a, NULL, "g"), -EINVAL);
	assert_int_equal(join_group(a, "s", NULL), -EINVAL);
	assert_int_equal(let(a, watch_it, as_word("s"), as_word(name48)), -EINVAL);
	assert_int_equal(let(a, watch_it, as_word("s"), as_word("")), -EINVAL);
	assert_int_equal(let(a, watch_it, 0, as_word("*")), -EINVAL);
	assert_int_equal(let(spawn(HERE), watch_it, as_word("s"), as_word("*")), -EINVAL);
	end();
}

/* 256 rows: the memberships that find none are refused, and there is room again when one leaves. */
static int join_many(struct myc_actor *self, struct probe *me, uint64_t from, uint64_t to)
{
	(void)me;
	for (; from < to; from++) {
		char group[16];

		snprintf(group, sizeof(group), "g%u", (unsigned)from);
		int code = myc_group_join(self, "s", group);

		if (code)
			return code == -ENOSPC ? (int)from : code;
	}
	return -1;
}

static void the_rows_of_an_executor_are_limited(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *b = spawn_watcher(THERE);

	assert_int_equal(let(a, join_many, 0, 1000), 256);
	assert_int_equal(join_group(a, "s", "g7"), 0); /* a second time needs no row */
	assert_int_equal(members(b, "g255", MYC_GROUP_ALL), 1);
	assert_int_equal(members(b, "g7", MYC_GROUP_ALL), 2);
	assert_int_equal(leave_group(a, "s", "g100"), 0);
	assert_int_equal(join_group(a, "s", "more"), 0);
	assert_int_equal(join_group(a, "s", "much more"), -ENOSPC);
	let(a, leave, MYC_EXIT_NORMAL, 0);
	wait_until(a->stopped == 1);
	wait_until(members(b, "more", MYC_GROUP_ALL) == 0);
	end();
}

/* ---- ends -------------------------------------------------------------------------------------- */

static void an_end_ends_memberships_before_its_down(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE);

	for (int i = 0; i < 6; i++) {
		struct probe *b = spawn_watcher(THERE);

		list[a->index].members_at_down = -1;
		assert_int_equal(join_group(b, "s", "g"), 0);
		assert_int_equal(join_group(b, "s", "g"), 0);
		assert_int_equal(members(a, "g", MYC_GROUP_ALL), 2);
		assert_int_equal(let(a, watch, b->address, 0), 0);
		if (i % 2)
			let(b, leave, MYC_EXIT_NORMAL, 0);
		else
			assert_int_equal(
				myc_actor_stop(b->system, b->address, MYC_STOP_KILL, SECOND), 0);
		wait_until(list[a->index].members_at_down >= 0);
		assert_int_equal(list[a->index].members_at_down, 0);
	}
	end();
}

static void a_restart_in_place_ends_memberships_and_watches(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *b = spawn_watcher(THERE);

	assert_int_equal(join_group(a, "s", "g"), 0);
	assert_int_equal(let(b, watch_it, as_word("s"), as_word("g")), 0);
	assert_int_equal(told(b, 0)->kind, MYC_GROUP_JOINED);
	let(a, go_wrong, 0, 0);
	wait_until(a->inits == 2);
	assert_int_equal(told(b, 1)->kind, MYC_GROUP_LEFT);
	assert_int_equal(members(b, "g", MYC_GROUP_ALL), 0);
	let(b, go_wrong, 0, 0);
	wait_until(b->inits == 2);
	assert_int_equal(join_group(a, "s", "g"), 0);
	assert_int_equal(members(b, "g", MYC_GROUP_ALL), 1);
	settle(a, b);
	assert_int_equal(list[b->index].count, 2);
	assert_int_equal(let(b, unwatch_it, 0, 0), -ENOENT);
	end();
}

/* ---- watching ---------------------------------------------------------------------------------- */

static void assert_told(const struct told *got, enum myc_group_event_kind kind, uint32_t flags,
			const struct probe *who, uint32_t count, uint32_t remaining,
			const char *name)
{
	assert_int_equal(got->kind, kind);
	assert_int_equal(got->flags, flags);
	assert_int_equal(got->who, who->address);
	assert_int_equal(got->count, count);
	assert_int_equal(got->remaining, remaining);
	assert_int_equal(got->cookie, 99);
	assert_string_equal(got->scope, "s");
	assert_string_equal(got->name, name);
}

static void who_watches_is_told_who_is_there_and_who_comes_and_goes(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *b = spawn_watcher(THERE);

	assert_int_equal(join_group(b, "s", "x.one"), 0);
	assert_int_equal(join_group(b, "s", "x.one"), 0);
	assert_int_equal(join_group(b, "s", "y"), 0);
	assert_int_equal(let(a, watch_it, as_word("s"), as_word("x.*")), 0);
	assert_told(told(a, 0), MYC_GROUP_JOINED, MYC_GROUP_PRESENT, b, 2, 2, "x.one");
	assert_int_equal(join_group(b, "s", "x.two"), 0);
	assert_told(told(a, 1), MYC_GROUP_JOINED, 0, b, 1, 1, "x.two");
	assert_int_equal(join_group(a, "s", "x.two"), 0);
	assert_told(told(a, 2), MYC_GROUP_JOINED, 0, a, 1, 1, "x.two");
	assert_int_equal(join_group(b, "s", "y"), 0);
	assert_int_equal(join_group(b, "t", "x.two"), 0);
	assert_int_equal(leave_group(b, "s", "x.one"), 0);
	assert_told(told(a, 3), MYC_GROUP_LEFT, 0, b, 1, 1, "x.one");
	assert_int_equal(leave_group(b, "s", "x.one"), 0);
	assert_told(told(a, 4), MYC_GROUP_LEFT, 0, b, 1, 0, "x.one");
	let(b, leave, MYC_EXIT_NORMAL, 0);
	assert_told(told(a, 5), MYC_GROUP_LEFT, 0, b, 1, 0, "x.two");
	assert_int_equal(let(a, unwatch_it, 0, 0), 0);
	assert_int_equal(let(a, unwatch_it, 0, 0), -ENOENT);
	assert_int_equal(leave_group(a, "s", "x.two"), 0);
	settle(a, a);
	assert_int_equal(list[a->index].count, 6);
	end();
}

/* What a watcher adds up is what there is, whatever happened how fast. */
static int churn(struct myc_actor *self, struct probe *me, uint64_t seed, uint64_t steps)
{
	(void)me;
	for (; steps; steps--) {
		char group[8];

		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		snprintf(group, sizeof(group), "g%u", (unsigned)(seed >> 40) % 5);
		if (seed >> 62)
			myc_group_join(self, "s", group);
		else
			myc_group_leave(self, "s", group);
	}
	return 0;
}

static void a_watcher_adds_up_to_what_there_is(void **state)
{
	struct job job = {.run = churn, .b = 300};

	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *actor[4];

	assert_int_equal(let(a, watch_it, as_word("s"), as_word("**")), 0);
	for (int i = 0; i < 4; i++)
		actor[i] = spawn_watcher(i % 2);
	for (uint64_t round = 0; round < 20; round++)
		for (uint64_t i = 0; i < 4; i++) {
			job.a = round * 4 + i;
			assert_int_equal(myc_post(actor[i]->system, actor[i]->address, JOB, &job,
						  sizeof(job), SECOND),
					 0);
		}
	for (int i = 0; i < 4; i++) {
		let(actor[i], nothing, 0, 0);
		if (i)
			let(actor[i], leave, MYC_EXIT_NORMAL, 0);
		wait_until(!i || actor[i]->stopped == 1);
	}
	for (int g = 0; g < 5; g++) {
		char group[8];
		int there, sum;

		snprintf(group, sizeof(group), "g%d", g);
		there = members(a, group, MYC_GROUP_ALL);
		for (int tries = 0; tries < 10000; tries++) {
			sum = 0;
			for (uint32_t i = 0; i < list[a->index].count; i++) {
				const struct told *one = &list[a->index].told[i];

				if (!strcmp(one->name, group))
					sum += one->kind == MYC_GROUP_JOINED ? (int)one->count
									     : -(int)one->count;
				assert_true(sum >= 0);
			}
			if (sum == there)
				break;
			settle(a, a);
		}
		assert_int_equal(sum, there);
	}
	end();
}

/* ---- sending ----------------------------------------------------------------------------------- */

static _Atomic uint64_t opened;

static int open_it(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	struct myc_group group;
	int code = myc_group_open(self, "s", "g", &group);

	(void)me;
	(void)a;
	(void)b;
	opened = group.id;
	return code;
}

static int close_it(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	struct myc_group group = {opened};

	(void)me;
	(void)a;
	(void)b;
	myc_group_close(self, &group);
	return group.id ? -1 : 0;
}

static int send_all(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	uint32_t value = (uint32_t)a;

	(void)me;
	(void)b;
	return myc_group_send_all(self, &(struct myc_group){opened}, NUMBER, &value, sizeof(value));
}

static int send_one(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t b)
{
	uint32_t value = (uint32_t)a;

	(void)me;
	(void)b;
	return myc_group_send_one(self, &(struct myc_group){opened}, NUMBER, &value, sizeof(value));
}

static int send_key(struct myc_actor *self, struct probe *me, uint64_t a, uint64_t key)
{
	uint32_t value = (uint32_t)a;

	(void)me;
	return myc_group_send_key(self, &(struct myc_group){opened}, key, NUMBER, &value,
				  sizeof(value));
}

static void a_group_is_sent_to(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *member[4];

	assert_int_equal(let(a, send_all, 1, 0), -EINVAL);
	assert_int_equal(let(a, open_it, 0, 0), 0);
	assert_int_equal(let(a, send_all, 1, 0), 0);
	assert_int_equal(let(a, send_one, 1, 0), -ESRCH);
	assert_int_equal(let(a, send_key, 1, 5), -ESRCH);
	for (int i = 0; i < 4; i++) {
		member[i] = spawn_watcher(i % 2);
		assert_int_equal(join_group(member[i], "s", "g"), 0);
	}
	assert_int_equal(join_group(a, "s", "g"), 0); /* to all but oneself */
	assert_int_equal(let(a, send_all, 1, 0), 4);
	for (int i = 0; i < 4; i++)
		wait_until(member[i]->messages == 1);
	assert_int_equal(a->messages, 0);
	assert_int_equal(leave_group(a, "s", "g"), 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal(let(a, send_one, 1, 0), 0);
	for (int i = 0; i < 4; i++)
		wait_until(member[i]->messages == 3);
	assert_int_equal(let(a, close_it, 0, 0), 0);
	assert_int_equal(let(a, send_one, 1, 0), -EINVAL);
	end();
}

/* Which of the members gets this key. */
static int owner_of(struct probe *sender, struct probe **member, int members_count, uint64_t key)
{
	uint32_t had[8], sum = 0, now = 0;
	int found = -1;

	for (int i = 0; i < members_count; i++)
		sum += had[i] = member[i]->messages;
	assert_int_equal(let(sender, send_key, 1, key), 0);
	while (now != sum + 1) {
		sched_yield();
		now = 0;
		for (int i = 0; i < members_count; i++)
			now += member[i]->messages;
	}
	for (int i = 0; i < members_count; i++)
		found = member[i]->messages != had[i] ? i : found;
	return found;
}

/* A key's member stays while it is there; when one goes, only its keys go elsewhere. */
static void keys_stay_with_their_members(void **state)
{
	enum { KEYS = 64, MEMBERS = 5, GONE = 2 };
	struct probe *member[MEMBERS];
	int owner[KEYS], shares[MEMBERS] = {0};

	begin_bed(state);
	struct probe *a = spawn_watcher(HERE);

	assert_int_equal(let(a, open_it, 0, 0), 0);
	for (int i = 0; i < MEMBERS; i++) {
		member[i] = spawn_watcher(i % 2);
		assert_int_equal(join_group(member[i], "s", "g"), 0);
	}
	for (uint64_t key = 0; key < KEYS; key++) {
		owner[key] = owner_of(a, member, MEMBERS, key);
		shares[owner[key]]++;
	}
	for (int i = 0; i < MEMBERS; i++)
		assert_in_range(shares[i], 3, 30);
	assert_int_equal(leave_group(member[GONE], "s", "g"), 0);
	for (uint64_t key = 0; key < KEYS; key++) {
		int now = owner_of(a, member, MEMBERS, key);

		if (owner[key] == GONE)
			assert_int_not_equal(now, GONE);
		else
			assert_int_equal(now, owner[key]);
	}
	assert_int_equal(join_group(member[GONE], "s", "g"), 0);
	for (uint64_t key = 0; key < KEYS; key++)
		assert_int_equal(owner_of(a, member, MEMBERS, key), owner[key]);
	end();
}

/* Known to be dead, it has none, and its successor none but those that it makes. */
static void a_dead_process_has_no_members(void **state)
{
	begin_bed(state);
	struct probe *a = spawn_watcher(HERE), *b = spawn_watcher(THERE);

	assert_int_equal(join_group(b, "s", "g"), 0);
	assert_int_equal(let(a, watch_it, as_word("s"), as_word("*")), 0);
	assert_told(told(a, 0), MYC_GROUP_JOINED, MYC_GROUP_PRESENT, b, 1, 1, "g");
	process_lives[0][1] = false;
	assert_told(told(a, 1), MYC_GROUP_LEFT, 0, b, 1, 0, "g");
	assert_int_equal(members(a, "g", MYC_GROUP_ALL), 0);
	/* Its rows are as it left them: they are its successor's to clear. */
	process_lives[0][1] = true;
	settle(a, a);
	assert_int_equal(members(a, "g", MYC_GROUP_ALL), 0);
	assert_int_equal(myc_system_stop(systems[1], 10000), 0);
	myc_system_close(systems[1]);
	join(1);
	assert_int_equal(myc_system_start(systems[1], NULL), 0);
	b = spawn_watcher(THERE);
	assert_int_equal(members(a, "g", MYC_GROUP_ALL), 0);
	assert_int_equal(join_group(b, "s", "g"), 0);
	assert_told(told(a, 2), MYC_GROUP_JOINED, 0, b, 1, 1, "g");
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(who_joins_is_a_member_for_all_at_once),
		EVERYWHERE(several_times_is_several_memberships),
		EVERYWHERE(names_have_their_sizes),
		EVERYWHERE(the_rows_of_an_executor_are_limited),
		EVERYWHERE(an_end_ends_memberships_before_its_down),
		EVERYWHERE(a_restart_in_place_ends_memberships_and_watches),
		EVERYWHERE(who_watches_is_told_who_is_there_and_who_comes_and_goes),
		EVERYWHERE(a_watcher_adds_up_to_what_there_is),
		EVERYWHERE(a_group_is_sent_to),
		EVERYWHERE(keys_stay_with_their_members),
		IN(a_dead_process_has_no_members, TWO_PROCESSES),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
