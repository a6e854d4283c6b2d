/* SPDX-License-Identifier: Apache-2.0 */
/* What happens at the limits of the core: mailboxes, mutual floods, restarts. */
#include "common/regions.h"
#include "common/wait.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/abi/lane.h>
#include <mycelium/mycelium.h>

#include "core/process.h"

static struct myc_region own;
static _Atomic int failed_code;
static _Atomic uint64_t failed_address;
static _Atomic bool failed_watched;

static void note_failed(void *context, myc_address actor, int code, bool watched)
{
	(void)context;
	if (actor == MYC_NOBODY) /* the system has stopped */
		return;
	failed_code = code;
	failed_watched = watched;
	failed_address = actor;
}

static struct myc_system *join(uint32_t executors, uint64_t incarnation)
{
	static const struct myc_executor_opts sleeping[2] = {{.core = -1}, {.core = -1}};
	const struct myc_system_opts opts = {
		.sz = sizeof(opts), .executors = executors, .executor = sleeping};
	const struct myc_workspace workspace = {
		.incarnation = incarnation, .processes = 1, .regions = &own, .failed = note_failed};
	struct myc_system *system;

	assert_int_equal(myc_system_join(&system, &opts, &workspace, NULL), 0);
	return system;
}

/* A system whose region the test can look at. */
static struct myc_system *open_system(uint32_t executors)
{
	const struct myc_system_opts opts = {.sz = sizeof(opts), .executors = executors};
	regions_plan(&own, 1, 0, &opts, executors);
	return join(executors, 1);
}

static void close_system(struct myc_system *system)
{
	myc_system_close(system);
	myc_region_unmap(&own);
}

static myc_address spawn(struct myc_system *system, const struct myc_behaviour *behaviour,
			 uint32_t executor, uint32_t restarts_max)
{
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = behaviour,
				      .executor = executor,
				      .restarts_max = restarts_max};
	myc_address address;

	assert_int_equal(myc_spawn(system, &opts, &address, NULL), 0);
	return address;
}

static const struct myc_actor_metrics *metrics_of(myc_address address)
{
	const struct myc_actor_metrics *metrics =
		myc_region_block(&own, MYC_BLOCK_METRICS, 0, NULL);

	return &metrics[myc_address_slot(address)];
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* ---- more senders than the mailbox has places -------------------------------------------------- */

#define CAPACITY 8
#define SENDERS	 40

static _Atomic bool gate_open;
static _Atomic uint64_t gate_handled, sent, tried;
static myc_address gate_address;

static int gate_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	while (!gate_open)
		sched_yield();
	gate_handled++;
	return 0;
}

static const struct myc_behaviour gate = {.name = "gate",
					  .mailbox_capacity = CAPACITY,
					  .capacity_per_sender = 4,
					  .message = gate_message};

/* Tries again and again; each sends at most as much as it gets credit for. */
static int press(struct myc_actor *self, uint64_t cookie)
{
	struct myc_ref *to = myc_state(self);

	(void)cookie;
	if (!to->address && myc_resolve(self, gate_address, to))
		return 0;
	while (!myc_try_send(self, to, 1, NULL, 0))
		sent++;
	tried++;
	return 0;
}

static int press_started(struct myc_actor *self)
{
	return myc_timer_start(self, 0, 1000000, 0, NULL);
}

static const struct myc_behaviour presser = {.name = "presser",
					     .state_size = sizeof(struct myc_ref),
					     .started = press_started,
					     .timer = press};

static void senders_that_find_a_full_mailbox_get_one_credit_each_and_no_more(void **state)
{
	struct myc_system *system = open_system(2);

	(void)state;
	gate_open = false;
	gate_handled = sent = tried = 0;
	gate_address = spawn(system, &gate, 1, 0);
	for (int i = 0; i < SENDERS; i++)
		spawn(system, &presser, 0, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	/* The gate's executor stands in its handler: what it granted before is all there is. */
	wait_until(sent > 0);
	uint64_t from = tried;
	wait_until(tried >= from + 3ull * SENDERS);
	assert_true(sent <= CAPACITY + SENDERS);
	gate_open = true;
	/* Nobody is kept out, and nobody gets more than is bounded, at any time. */
	for (int i = 0; i < 100; i++) {
		uint64_t handled = gate_handled;

		wait_until(gate_handled >= handled + SENDERS);
		uint64_t sent_before = sent, handled_after = gate_handled;

		assert_true((int64_t)(sent_before - handled_after) <= CAPACITY + SENDERS);
	}
	for (uint32_t i = 1; i <= SENDERS; i++)
		wait_until(load(&metrics_of(gate_address + ((uint64_t)i << MYC_GENERATION_BITS))
					 ->messages_sent) > 0);
	close_system(system);
}

/* ---- two that flood each other ----------------------------------------------------------------- */

static myc_address flooder_address[2];

static int flood(struct myc_actor *self, uint64_t cookie)
{
	struct myc_ref to;

	(void)cookie;
	if (myc_resolve(self, flooder_address[myc_self(self) == flooder_address[0]], &to))
		return 0;
	for (int i = 0; i < 200; i++)
		if (myc_send(self, &to, 1, NULL, 0))
			return 0;
	return 0;
}

static int flood_started(struct myc_actor *self)
{
	return myc_timer_start(self, 1000000, 0, 0, NULL);
}

static int flood_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)message;
	return flood(self, 0);
}

static const struct myc_behaviour flooder = {
	.name = "flooder", .started = flood_started, .timer = flood, .message = flood_message};

static void actors_that_pause_each_other_are_seen_as_stuck(void **state)
{
	struct myc_system *system = open_system(1);

	(void)state;
	for (int i = 0; i < 2; i++)
		flooder_address[i] = spawn(system, &flooder, 0, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (int i = 0; i < 2; i++) {
		const struct myc_actor_metrics *metrics = metrics_of(flooder_address[i]);

		wait_until(load(&metrics->stuck) == 1);
		assert_true(load(&metrics->paused_ns) > 1000000000u);
		assert_true(load(&metrics->outbox_depth) > 0);
	}
	close_system(system);
}

/* ---- never restart ----------------------------------------------------------------------------- */

static _Atomic uint64_t inits;

static int frail_init(struct myc_actor *self)
{
	(void)self;
	inits++;
	return 0;
}

static int frail_message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return -EBADMSG;
}

static const struct myc_behaviour frail = {
	.name = "frail", .init = frail_init, .message = frail_message};

static uint64_t inits_until_failed(uint32_t restarts_max)
{
	struct myc_system *system = open_system(1);
	myc_address address = spawn(system, &frail, 0, restarts_max);

	inits = 0;
	failed_code = 0;
	failed_address = 0;
	assert_int_equal(myc_system_start(system, NULL), 0);
	for (int i = 0; i < 10 && !failed_address; i++) {
		int code = myc_post(system, address, 1, NULL, 0, UINT64_MAX);

		assert_true(!code || code == -ESRCH);
	}
	wait_until(failed_address == address);
	assert_int_equal(failed_code, -EBADMSG);
	close_system(system);
	return inits;
}

/* Asks in a way to know of the end of `frail`, then makes it fail. */
enum { NOTHING, MONITORS, LINKS, TAKES };
static myc_address frail_address;
static int way;

static int asker_started(struct myc_actor *self)
{
	struct myc_ref ref;
	int code = way == MONITORS ? myc_monitor(self, frail_address, 0, NULL)
		   : way == LINKS  ? myc_link(self, frail_address)
		   : way == TAKES  ? myc_strong_take(self, frail_address)
				   : 0;

	assert_int_equal(code, 0);
	assert_int_equal(myc_trap_exit(self, true), 0);
	assert_int_equal(myc_resolve(self, frail_address, &ref), 0);
	return myc_send(self, &ref, 1, NULL, 0);
}

static int hears(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	(void)event;
	return 0;
}

static const struct myc_behaviour asker = {
	.name = "asker", .started = asker_started, .signal = hears};

static bool watched_when(int how)
{
	struct myc_system *system = open_system(1);

	way = how;
	failed_address = 0;
	failed_watched = false;
	frail_address = spawn(system, &frail, 0, MYC_RESTARTS_NONE);
	spawn(system, &asker, 0, 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	wait_until(failed_address == frail_address);
	bool watched = failed_watched;

	close_system(system);
	return watched;
}

static void who_fails_for_good_is_told_of_with_whether_somebody_monitors_it(void **state)
{
	(void)state;
	assert_false(watched_when(NOTHING));
	assert_true(watched_when(MONITORS));
	assert_false(watched_when(LINKS));
	assert_false(watched_when(TAKES));
}

static void an_actor_that_is_never_to_be_restarted_fails_at_once(void **state)
{
	(void)state;
	assert_int_equal(inits_until_failed(MYC_RESTARTS_NONE), 1);
	assert_int_equal(inits_until_failed(1), 2);
	assert_int_equal(inits_until_failed(0), 4);
}

static void a_system_may_have_64_executors(void **state)
{
	const struct myc_system_opts opts = {.sz = sizeof(opts), .executors = MYC_EXECUTORS_MAX};
	struct myc_system *system;

	(void)state;
	assert_int_equal(myc_system_open(&system, &opts, NULL), 0);
	myc_system_close(system);
}

/* ---- actors of a predecessor ----------------------------------------------------------------- */

static void an_actor_that_does_not_come_again_is_nobodys_from_the_start_on(void **state)
{
	struct myc_system *system = open_system(1);
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &gate};
	myc_address stays, goes;
	uint32_t number = 1;

	(void)state;
	assert_int_equal(myc_spawn_at(system, &opts, 0, 0, &stays, NULL), 0);
	assert_int_equal(myc_spawn_at(system, &opts, 1, 0, &goes, NULL), 0);
	myc_system_close(system);
	system = join(1, 2);
	/* Nobody knows yet who comes again. */
	assert_int_equal(myc_post_try(system, goes, 1, &number, sizeof(number)), -EAGAIN);
	assert_int_equal(myc_spawn_at(system, &opts, 0, 1, &stays, NULL), 0);
	assert_int_equal(myc_system_start(system, NULL), 0);
	assert_int_equal(myc_post_try(system, goes, 1, &number, sizeof(number)), -ESRCH);
	assert_int_equal(myc_post(system, stays, 1, &number, sizeof(number), 10000000000ull), 0);
	gate_open = true;
	assert_int_equal(myc_system_stop(system, 10000), 0);
	close_system(system);
}

/* ---- tables ---------------------------------------------------------------------------------- */

static void a_table_that_cannot_be_is_refused(void **state)
{
	static const struct myc_executor_opts executor[] = {
		{.core = -1, .timers = (1u << 25) + 1},	 {.core = -1, .timers = UINT32_MAX},
		{.core = -1, .watches = (1u << 24) + 1}, {.core = -1, .watches = (1u << 31) + 1},
		{.core = -1, .watches = UINT32_MAX},
	};
	struct myc_system *system;

	(void)state;
	for (size_t i = 0; i < sizeof(executor) / sizeof(executor[0]); i++) {
		const struct myc_system_opts opts = {.sz = sizeof(opts), .executor = &executor[i]};

		assert_int_equal(myc_system_open(&system, &opts, NULL), -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_system_may_have_64_executors),
		cmocka_unit_test(a_table_that_cannot_be_is_refused),
		cmocka_unit_test(an_actor_that_does_not_come_again_is_nobodys_from_the_start_on),
		cmocka_unit_test(senders_that_find_a_full_mailbox_get_one_credit_each_and_no_more),
		cmocka_unit_test(actors_that_pause_each_other_are_seen_as_stuck),
		cmocka_unit_test(an_actor_that_is_never_to_be_restarted_fails_at_once),
		cmocka_unit_test(who_fails_for_good_is_told_of_with_whether_somebody_monitors_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
