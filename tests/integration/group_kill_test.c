/* SPDX-License-Identifier: Apache-2.0 */
/* Processes whose actors are in groups and have names, killed with -9: what the others see of it. */
#include "common/house.h"
#include "common/wait.h"

#include <string.h>
#include <time.h>

#include <mycelium/mycelium.h>

#include "base/clock.h"

#define PROCESSES 3
#define MEMBERS	  4 /* of each process but the first */
#define KILLS	  30

/* Of process 0, which is never killed; its watcher's. */
struct view {
	int64_t there;			 /* what the events add up to */
	uint64_t joined, left, wrong;	 /* wrong: the sum was below zero, or above what can be */
	uint64_t members;		 /* found by reading, last time */
	uint64_t started, stopped, lost; /* lives; lost: of a process that died */
	uint64_t sent, refused;
};

/* Of the others: by member, each its own writer. */
struct got {
	uint64_t messages[MEMBERS];
};

static struct house house;
static uint32_t me;

static void add(uint64_t *word, uint64_t n)
{
	__atomic_store_n(word, *word + n, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static struct view *view(void)
{
	return house_user(&house, 0);
}

/* ---- actors ------------------------------------------------------------------------------------ */

static int member_started(struct myc_actor *self)
{
	return myc_group_join(self, "s", "g");
}

static int member_message(struct myc_actor *self, const struct myc_message *message)
{
	struct got *got = house_user(&house, me);

	(void)message;
	add(&got->messages[myc_address_slot(myc_self(self)) % MEMBERS], 1);
	return 0;
}

static const struct myc_behaviour member = {
	.name = "member", .started = member_started, .message = member_message};

struct watcher {
	struct myc_group group;
};

static int watcher_started(struct myc_actor *self)
{
	struct watcher *watcher = myc_state(self);
	struct myc_group_watch groups;
	struct myc_life_watch lives;
	int code = myc_group_watch(self, "s", "*", 0, &groups);

	if (!code)
		code = myc_life_watch(self, "", "m.*", 0, &lives);
	if (!code)
		code = myc_group_open(self, "s", "g", &watcher->group);
	return code ? code : myc_timer_start(self, 0, 1000000, 0, NULL);
}

static int watcher_timer(struct myc_actor *self, uint64_t cookie)
{
	struct watcher *watcher = myc_state(self);
	int members = myc_group_members(self, "s", "g", MYC_GROUP_ALL, NULL, 0);
	int sent = 0;

	(void)cookie;
	__atomic_store_n(&view()->members, (uint64_t)members, __ATOMIC_RELAXED);
	/* One that is dead and not known to be keeps its credit: that is no reason to wait for it. */
	if (members == (PROCESSES - 1) * MEMBERS)
		sent = myc_group_send_one(self, &watcher->group, 1, NULL, 0);
	add(sent < 0 ? &view()->refused : &view()->sent, 1);
	return 0;
}

static int watcher_group(struct myc_actor *self, const struct myc_group_event *event)
{
	(void)self;
	add(event->kind == MYC_GROUP_JOINED ? &view()->joined : &view()->left, event->count);
	__atomic_store_n(&view()->there, (int64_t)(view()->joined - view()->left),
			 __ATOMIC_RELAXED);
	if (view()->there < 0 || view()->there > (PROCESSES - 1) * MEMBERS)
		add(&view()->wrong, 1);
	return 0;
}

static int watcher_life(struct myc_actor *self, const struct myc_life_event *event)
{
	(void)self;
	if (event->kind == MYC_LIFE_STARTED)
		add(&view()->started, 1);
	if (event->kind == MYC_LIFE_STOPPED)
		add(&view()->stopped, 1);
	if (event->kind == MYC_LIFE_STOPPED && event->reason.kind == MYC_EXIT_NOCONNECTION)
		add(&view()->lost, 1);
	return 0;
}

static const struct myc_behaviour watcher = {.name = "watcher",
					     .state_size = sizeof(struct watcher),
					     .started = watcher_started,
					     .timer = watcher_timer,
					     .group = watcher_group,
					     .life = watcher_life};

/* ---- the house --------------------------------------------------------------------------------- */

static void furnish(struct house *in, struct myc_system *system, uint32_t process)
{
	me = process;
	for (uint32_t i = 0; i < (process ? MEMBERS : 1); i++) {
		char name[16];
		struct myc_spawn_opts opts = {.sz = sizeof(opts),
					      .behaviour = process ? &member : &watcher,
					      .name = name,
					      .executor = process ? i % 2 : 0};

		snprintf(name, sizeof(name), "%s.%u%u", process ? "m" : "w", process, i);
		house_spawn(in, system, process, &opts, i);
	}
}

static const struct myc_executor_opts executor[2] = {{.core = -1, .idle_spins = 50},
						     {.core = -1, .idle_spins = 50}};
static const struct myc_system_opts opts = {
	.sz = sizeof(opts), .executors = 2, .actors = 64, .executor = executor};
static const struct house_process plan[PROCESSES] = {
	{&opts, furnish}, {&opts, furnish}, {&opts, furnish}};

static void the_killed_are_no_members_and_their_successors_are(void **state)
{
	const uint64_t all = (PROCESSES - 1) * MEMBERS;

	(void)state;
	house_open(&house, plan, PROCESSES, sizeof(struct view));
	house_watch_exits(&house);
	for (uint32_t i = 0; i < PROCESSES; i++)
		house_start(&house, i);
	const struct view *seen = view();

	wait_until(get((const uint64_t *)&seen->there) == all && get(&seen->members) == all);
	wait_until(get(&seen->started) == all);
	for (uint64_t i = 0; i < KILLS; i++) {
		uint32_t process = 1 + i % (PROCESSES - 1);
		uint64_t sent = get(&seen->sent), left = get(&seen->left);

		wait_until(get(&seen->sent) > sent + 3);
		uint64_t killed_ns = myc_clock_ns();

		house_kill(&house, process);
		if (i % 3) {
			wait_until(get(&seen->left) == left + MEMBERS);
			wait_until(get(&seen->members) == all - MEMBERS);
			if (i == 1)
				print_message("known %lu us after the kill\n",
					      (unsigned long)(myc_clock_ns() - killed_ns) / 1000);
		}
		house_start(&house, process);
		wait_until(get(&seen->started) == all + (i + 1) * MEMBERS);
		wait_until(get((const uint64_t *)&seen->there) == all &&
			   get(&seen->members) == all);
	}
	for (uint32_t process = 1; process < PROCESSES; process++)
		for (uint32_t i = 0; i < MEMBERS; i++)
			assert_true(get(&((const struct got *)house_user(&house, process))
						 ->messages[i]) > 0);
	assert_int_equal(get(&seen->wrong), 0);
	assert_int_equal(get(&seen->stopped), KILLS * MEMBERS);
	assert_int_equal(get(&seen->lost), KILLS * MEMBERS);
	assert_int_equal(get(&seen->left), KILLS * MEMBERS);
	house_close(&house);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_killed_are_no_members_and_their_successors_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
