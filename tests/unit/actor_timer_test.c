/* SPDX-License-Identifier: Apache-2.0 */
/* An actor's timers and idle timeout on the virtual clock. The table below them: timer_test.c. */
#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

#include "core/executor.h"

#define US 1000ull
enum { START = 1, CANCEL_OTHER, SET, CLEAR, IDLE, FAIL, STOP, NOTHING, CHANGE };
#define FIRED_MAX 4096

static struct myc_testkit *kit;
static myc_address actor;
static struct {
	uint64_t at_ns, cookie, missed;
} fired[FIRED_MAX];
static uint32_t fired_count, idles, other_idles, cancelled;
static uint64_t idle_at_ns;
static int last_code;
static struct myc_timer timers[8];
static uint64_t init_timeout_ns;
static bool cancel_others, idle_fails;

struct order {
	uint64_t delay_ns, period_ns, cookie;
};

static int init(struct myc_actor *self)
{
	return init_timeout_ns ? myc_idle_timeout_set(self, init_timeout_ns) : 0;
}

static int other_idle(struct myc_actor *self)
{
	(void)self;
	other_idles++;
	return 0;
}

static int message(struct myc_actor *self, const struct myc_message *message_)
{
	static const struct myc_behaviour other = {.name = "other", .idle = other_idle};
	struct order order = {0};

	memcpy(&order, message_->payload,
	       message_->size < sizeof(order) ? message_->size : sizeof(order));
	switch (message_->type) {
	case START:
		last_code = myc_timer_start(self, order.delay_ns, order.period_ns, order.cookie,
					    &timers[order.cookie % 8]);
		break;
	case CANCEL_OTHER:
		last_code = myc_timer_cancel(self, timers[order.cookie % 8]);
		break;
	case SET:
		last_code = myc_timer_set(self, order.cookie, order.delay_ns, order.period_ns);
		break;
	case CLEAR:
		last_code = myc_timer_clear(self, order.cookie);
		break;
	case IDLE:
		last_code = myc_idle_timeout_set(self, order.delay_ns);
		break;
	case CHANGE:
		return myc_become(self, &other);
	case FAIL:
		return -EIO;
	case STOP:
		myc_stop(self);
		break;
	}
	return 0;
}

static int timer(struct myc_actor *self, uint64_t cookie)
{
	assert_true(fired_count < FIRED_MAX);
	fired[fired_count].at_ns = myc_now_ns(self);
	fired[fired_count].cookie = cookie;
	fired[fired_count++].missed = myc_timer_missed(self);
	for (uint32_t i = 0; cancel_others && i < 8; i++)
		cancelled += i != cookie && !myc_timer_cancel(self, timers[i]);
	return 0;
}

static int idle(struct myc_actor *self)
{
	idles++;
	idle_at_ns = myc_now_ns(self);
	assert_int_equal(myc_timer_missed(self), 0);
	return idle_fails ? -EIO : 0;
}

static const struct myc_timer_plan plans[] = {
	{.delay_ns = 10 * US, .period_ns = 10 * US, .cookie = 1},
	{.delay_ns = 25 * US, .cookie = 2},
};
static const struct myc_behaviour plain = {
	.name = "plain", .init = init, .message = message, .timer = timer, .idle = idle};
static const struct myc_behaviour declared = {.name = "declared",
					      .init = init,
					      .message = message,
					      .timer = timer,
					      .timers = plans,
					      .timers_count = 2};
static const struct myc_behaviour sleepy = {.name = "sleepy",
					    .init = init,
					    .message = message,
					    .timer = timer,
					    .idle = idle,
					    .idle_timeout_ns = 80 * US};

/* ---- a kit ----------------------------------------------------------------------------------------- */

static int begin(void **state)
{
	const struct myc_testkit_opts opts = {.sz = sizeof(opts)};
	static struct myc_spawn_opts spawn;

	memset(timers, 0, sizeof(timers));
	fired_count = idles = other_idles = cancelled = 0;
	init_timeout_ns = 0;
	cancel_others = idle_fails = false;
	spawn = (struct myc_spawn_opts){.sz = sizeof(spawn), .behaviour = *state};
	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &actor), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	return 0;
}

static int end(void **state)
{
	(void)state;
	myc_testkit_close(kit);
	return 0;
}

static struct myc_actor *it(void)
{
	return &myc_testkit_system(kit, 0)->actor[myc_address_slot(actor)];
}

static struct myc_executor *executor(void)
{
	return &myc_testkit_system(kit, 0)->executor[0];
}

static int tell(uint16_t type, uint64_t delay_ns, uint64_t period_ns, uint64_t cookie)
{
	const struct order order = {delay_ns, period_ns, cookie};

	assert_int_equal(myc_testkit_post(kit, actor, type, &order, sizeof(order)), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	return last_code;
}

static void pass(uint64_t ns)
{
	assert_int_equal(myc_testkit_advance(kit, ns), 0);
}

static uint64_t now(void)
{
	return myc_testkit_now_ns(kit);
}

/* ---- declared -------------------------------------------------------------------------------------- */

static void declared_timers_run_from_the_start(void **state)
{
	uint64_t begun = now();

	(void)state;
	pass(50 * US);
	assert_int_equal(fired_count, 6);
	for (uint32_t i = 0, n = 0; i < 6; i++)
		if (fired[i].cookie == 1)
			assert_int_equal(fired[i].at_ns - begun, ++n * 10 * US);
		else
			assert_int_equal(fired[i].at_ns - begun, 25 * US);
}

static void a_restart_arms_the_declared_ones_anew_and_only_these(void **state)
{
	(void)state;
	tell(START, 5 * US, 5 * US, 7);
	pass(7 * US);
	assert_int_equal(fired_count, 1);
	tell(FAIL, 0, 0, 0);
	uint64_t begun = now();

	fired_count = 0;
	pass(30 * US);
	assert_int_equal(fired_count, 4);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(fired[i].cookie != 7);
	assert_int_equal(fired[0].at_ns - begun, 10 * US);
	assert_int_equal(fired[2].at_ns - begun, 25 * US);
	assert_int_equal(executor()->timers.count, 1);
}

static void a_successor_process_has_the_declared_ones(void **state)
{
	(void)state;
	tell(START, 500 * US, 0, 7);
	assert_int_equal(myc_testkit_crash(kit, 0), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(executor()->timers.count, 2);
}

static void without_room_for_them_it_does_not_start(void **state)
{
	struct myc_executor_opts executor_opts = {.core = -1, .timers = 1};
	const struct myc_system_opts system = {
		.sz = sizeof(system), .executors = 1, .actors = 64, .executor = &executor_opts};
	const struct myc_testkit_opts opts = {.sz = sizeof(opts), .system = &system};
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &declared};

	(void)state;
	end(NULL);
	assert_int_equal(myc_testkit_open(&kit, &opts, NULL), 0);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &actor), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_false(myc_actor_runs(it()));
	assert_int_equal(executor()->timers.count, 0);
}

/* ---- what a timer promises ---------------------------------------------------------------------------- */

static void a_late_one_keeps_its_schedule_and_says_what_it_missed(void **state)
{
	uint64_t begun = now();

	(void)state;
	tell(START, 10 * US, 10 * US, 3);
	pass(20 * US);
	assert_int_equal(fired_count, 2);
	/* Held while it is suspended. */
	assert_int_equal(myc_actor_suspend(myc_testkit_system(kit, 0), actor), 0);
	pass(57 * US); /* now 77 */
	assert_int_equal(fired_count, 2);
	assert_int_equal(myc_actor_resume(myc_testkit_system(kit, 0), actor), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(fired_count, 3);
	assert_int_equal(fired[2].missed, 4); /* 40, 50, 60, 70: it was due at 30 */
	assert_int_equal(fired[2].at_ns - begun, 77 * US);
	pass(23 * US);
	assert_int_equal(fired_count, 6);
	for (uint32_t i = 3; i < 6; i++) {
		assert_int_equal(fired[i].at_ns - begun, (i + 5) * 10 * US);
		assert_int_equal(fired[i].missed, 0);
	}
	assert_int_equal(executor()->words->timers_missed, 4);
}

static void a_cancelled_one_does_not_fire_even_when_due_in_the_same_turn(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < 8; i++)
		tell(START, 10 * US, i % 2 ? 10 * US : 0, i);
	cancel_others = true;
	pass(100 * US);
	assert_int_equal(fired_count, 1);
	assert_int_equal(cancelled, 7);
	assert_int_equal(executor()->timers.count, 0);
	assert_int_equal(tell(CANCEL_OTHER, 0, 0, 3), -ENOENT);
}

static void a_held_one_can_be_cancelled(void **state)
{
	(void)state;
	tell(START, 10 * US, 0, 1);
	tell(START, 10 * US, 0, 2);
	assert_int_equal(myc_actor_suspend(myc_testkit_system(kit, 0), actor), 0);
	pass(20 * US);
	uint64_t cookie[] = {0, 0, 1};

	assert_int_equal(myc_testkit_post(kit, actor, CLEAR, cookie, sizeof(cookie)), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(myc_actor_resume(myc_testkit_system(kit, 0), actor), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	/* Messages that waited come before timers that did. */
	assert_int_equal(last_code, 0);
	assert_int_equal(fired_count, 1);
	assert_int_equal(fired[0].cookie, 2);
}

static void none_outlives_its_actor_and_none_fires_for_the_next_in_its_slot(void **state)
{
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &plain};
	struct myc_system *system = myc_testkit_system(kit, 0);
	uint32_t slots_seen = 0;

	(void)state;
	tell(STOP, 0, 0, 0);
	for (int i = 0; i < 600; i++) {
		assert_int_equal(myc_spawn(system, &spawn, &actor, NULL), 0);
		tell(START, 10 * US, 10 * US, 5);
		tell(SET, 20 * US, 10 * US, 6);
		slots_seen += myc_address_generation(actor) > 1;
		tell(STOP, 0, 0, 0);
		assert_int_equal(executor()->timers.count, 0);
	}
	assert_true(slots_seen > 100);
	pass(100 * US);
	assert_int_equal(fired_count, 0);
}

/* ---- by key -------------------------------------------------------------------------------------------- */

static void a_key_has_one_timer(void **state)
{
	(void)state;
	assert_int_equal(tell(SET, 10 * US, 0, 4), 0);
	pass(8 * US);
	assert_int_equal(tell(SET, 10 * US, 0, 4), 0);
	pass(8 * US);
	assert_int_equal(fired_count, 0);
	pass(2 * US);
	assert_int_equal(fired_count, 1);
	assert_int_equal(tell(CLEAR, 0, 0, 4), -ENOENT);
	tell(SET, 10 * US, 10 * US, 4);
	tell(SET, 10 * US, 10 * US, 5);
	assert_int_equal(tell(CLEAR, 0, 0, 4), 0);
	pass(10 * US);
	assert_int_equal(fired_count, 2);
	assert_int_equal(fired[1].cookie, 5);
}

static void a_key_replaces_a_declared_one(void **state)
{
	(void)state;
	assert_int_equal(tell(SET, 40 * US, 0, 1), 0);
	assert_int_equal(tell(CLEAR, 0, 0, 2), 0);
	pass(100 * US);
	assert_int_equal(fired_count, 1);
	tell(START, US, 0, 0);
	assert_int_equal(tell(CLEAR, 0, 0, 0), 0);
	assert_int_equal(executor()->timers.count, 0);
}

/* ---- idle ---------------------------------------------------------------------------------------------- */

static void idle_is_told_in_time_and_again(void **state)
{
	uint64_t begun = now();

	(void)state;
	pass(80 * US - 1);
	assert_int_equal(idles, 0);
	pass(1);
	assert_int_equal(idles, 1);
	assert_int_equal(idle_at_ns - begun, 80 * US);
	pass(80 * US);
	assert_int_equal(idles, 2);
	assert_int_equal(idle_at_ns - begun, 160 * US);
	assert_int_equal(it()->metrics->timers, 0);
}

static void idle_is_never_early_and_at_most_an_eighth_late(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		uint64_t wait = 1 + myc_testkit_random(kit, 79 * US), last, was;

		pass(wait);
		tell(NOTHING, 0, 0, 0);
		last = now();
		if (i % 3)
			continue;
		was = idles;
		pass(80 * US - 1);
		assert_int_equal(idles, was);
		pass(10 * US + 1);
		assert_int_equal(idles, was + 1);
		assert_true(idle_at_ns - last >= 80 * US && idle_at_ns - last <= 90 * US);
		tell(NOTHING, 0, 0, 0);
	}
}

static void who_is_busy_is_not_idle_and_messages_cost_no_timer(void **state)
{
	uint64_t starts;

	(void)state;
	for (int i = 0; i < 100; i++) {
		pass(79 * US);
		starts = executor()->timers.starts;
		for (int n = 0; n < 50; n++)
			tell(NOTHING, 0, 0, 0);
		assert_int_equal(executor()->timers.starts, starts);
	}
	assert_int_equal(idles, 0);
}

static void it_can_be_set_and_ended(void **state)
{
	(void)state;
	assert_int_equal(tell(IDLE, 200 * US, 0, 0), 0);
	pass(199 * US);
	assert_int_equal(idles, 0);
	/* The message that set it may count as heard since. */
	pass(26 * US);
	assert_int_equal(idles, 1);
	/* Its timer is not one with key 0. */
	assert_int_equal(tell(CLEAR, 0, 0, 0), -ENOENT);
	assert_int_equal(tell(IDLE, 0, 0, 0), 0);
	pass(10000 * US);
	assert_int_equal(idles, 1);
	assert_int_equal(executor()->timers.count, 0);
	assert_int_equal(tell(IDLE, 1, 0, 0), 0);
	pass(4);
	assert_in_range(idles, 4, 5);
}

static void a_restart_has_the_behaviours_again(void **state)
{
	(void)state;
	tell(IDLE, 1000 * US, 0, 0);
	tell(FAIL, 0, 0, 0);
	pass(80 * US);
	assert_int_equal(idles, 1);
	init_timeout_ns = 300 * US;
	tell(FAIL, 0, 0, 0);
	pass(299 * US);
	assert_int_equal(idles, 1);
	pass(US);
	assert_int_equal(idles, 2);
	/* One that fails is restarted as any other. */
	idle_fails = true;
	init_timeout_ns = 0;
	tell(FAIL, 0, 0, 0);
	pass(80 * US);
	assert_int_equal(idles, 3);
	assert_int_equal(executor()->timers.count, 0); /* the fourth failure was one too many */
}

static void a_state_has_an_idle_handler_of_its_own(void **state)
{
	(void)state;
	tell(CHANGE, 0, 0, 0);
	pass(90 * US);
	assert_int_equal(idles, 0);
	assert_int_equal(other_idles, 1);
}

static void what_waits_for_a_suspended_actor_counts(void **state)
{
	(void)state;
	tell(NOTHING, 0, 0, 0);
	assert_int_equal(myc_actor_suspend(myc_testkit_system(kit, 0), actor), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	pass(70 * US);
	tell(NOTHING, 0, 0, 0);
	pass(70 * US);
	assert_int_equal(idles, 0);
	assert_int_equal(myc_actor_resume(myc_testkit_system(kit, 0), actor), 0);
	assert_int_equal(myc_testkit_run_until_idle(kit), 0);
	assert_int_equal(idles, 0);
	pass(90 * US);
	assert_int_equal(idles, 1);
}

#define CASE(name, behaviour)                                      \
	cmocka_unit_test_prestate_setup_teardown(name, begin, end, \
						 (void *)(uintptr_t) & (behaviour))

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(declared_timers_run_from_the_start, declared),
		CASE(a_restart_arms_the_declared_ones_anew_and_only_these, declared),
		CASE(a_successor_process_has_the_declared_ones, declared),
		CASE(without_room_for_them_it_does_not_start, declared),
		CASE(a_late_one_keeps_its_schedule_and_says_what_it_missed, plain),
		CASE(a_cancelled_one_does_not_fire_even_when_due_in_the_same_turn, plain),
		CASE(a_held_one_can_be_cancelled, plain),
		CASE(none_outlives_its_actor_and_none_fires_for_the_next_in_its_slot, plain),
		CASE(a_key_has_one_timer, plain),
		CASE(a_key_replaces_a_declared_one, declared),
		CASE(idle_is_told_in_time_and_again, sleepy),
		CASE(idle_is_never_early_and_at_most_an_eighth_late, sleepy),
		CASE(who_is_busy_is_not_idle_and_messages_cost_no_timer, sleepy),
		CASE(it_can_be_set_and_ended, plain),
		CASE(a_restart_has_the_behaviours_again, sleepy),
		CASE(a_state_has_an_idle_handler_of_its_own, sleepy),
		CASE(what_waits_for_a_suspended_actor_counts, sleepy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
