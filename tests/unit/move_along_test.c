/* SPDX-License-Identifier: Apache-2.0 */
/* What moves along with an actor. What does not: move_stays_test.c. */
#include "unit/move_bed.h"

/* ---- what moves along -------------------------------------------------------------------------------- */

static int start_timer(struct myc_actor *self, struct agent *agent_, uint64_t key)
{
	uint64_t period = key < 8 ? 1000000 : 0;

	return myc_timer_start(self, key < 12 ? 1000000 : 3600 * SECOND, period, key,
			       &agent_->timer[key]);
}
static int cancel_timer(struct myc_actor *self, struct agent *agent_, uint64_t key)
{
	return myc_timer_cancel(self, agent_->timer[key]);
}
static int clear_timer(struct myc_actor *self, struct agent *agent_, uint64_t key)
{
	(void)agent_;
	return myc_timer_clear(self, key);
}
static int idle(struct myc_actor *self, struct agent *agent_, uint64_t ns)
{
	(void)agent_;
	return myc_idle_timeout_set(self, ns);
}

static void timers_move_along_and_their_handles_stay_good(void **state)
{
	(void)state;
	open_system(0);
	myc_address it = spawn(0), there = spawn(1);

	/* Entries of the other's table, so that the same index is another's there. */
	for (uint64_t key = 12; key < 15; key++)
		assert_int_equal(let(there, start_timer, key), 0);
	assert_int_equal(let(it, start_timer, 0), 0);
	assert_int_equal(let(it, start_timer, 1), 0);
	assert_int_equal(let(it, start_timer, 13), 0);
	assert_int_equal(let(it, start_timer, 14), 0);
	wait_until(fired[0] > 2 && fired[1] > 2);
	for (uint32_t round = 0; round < 3; round++) {
		moves(it, 1);
		uint32_t before[2] = {fired[0], fired[1]};

		wait_until(fired[0] > before[0] + 2 && fired[1] > before[1] + 2);
		moves(it, 0);
	}
	moves(it, 1);
	/* Handles of executor 0's table. */
	assert_int_equal(let(it, cancel_timer, 0), 0);
	assert_int_equal(let(it, cancel_timer, 0), -ENOENT);
	uint32_t first = fired[0], second = fired[1];

	wait_until(fired[1] > second + 5);
	assert_int_equal(fired[0], first);
	assert_int_equal(let(it, clear_timer, 1), 0);
	assert_int_equal(let(it, start_timer, 2), 0); /* one of executor 1's */
	moves(it, 0);
	assert_int_equal(let(it, cancel_timer, 13), 0);
	assert_int_equal(let(it, cancel_timer, 2), 0);
	assert_int_equal(let(it, cancel_timer, 1), -ENOENT);
	assert_int_equal(let(it, cancel_timer, 14), 0);
	assert_int_equal(let(it, cancel_timer, 14), -ENOENT);
	assert_int_equal(system_->executor[0].timers.count, 0);
	assert_int_equal(system_->executor[1].timers.count, 3);
	close_system();
}

static void once_timers_fire_once_and_idle_timeouts_go_on(void **state)
{
	(void)state;
	open_system(0);
	myc_address it = spawn(0);

	for (uint32_t round = 1; round <= 20; round++) {
		assert_int_equal(let(it, start_timer, 9), 0);
		moves(it, round % 2);
		wait_until(fired[9] == round);
	}
	assert_int_equal(let(it, idle, 20000000), 0);
	moves(it, 1);
	moves(it, 0);
	moves(it, 1);
	wait_until(idled > 2);
	assert_int_equal(let(it, idle, 0), 0);
	assert_int_equal(system_->executor[1].timers.count, 0);
	assert_int_equal(fired[9], 20);
	close_system();
}

static void without_room_for_its_timers_it_comes_back_with_all_of_them(void **state)
{
	(void)state;
	open_system(0);
	myc_address it = spawn(0);

	for (uint64_t key = 0; key <= FEW_TIMERS; key++)
		assert_int_equal(let(it, start_timer, key), 0);
	for (uint32_t round = 0; round < 5; round++) {
		stays(it, 2, -ENOSPC, "no room for its timers");
		for (uint64_t key = 0; key <= FEW_TIMERS; key++) {
			uint32_t before = fired[key];

			wait_until(fired[key] > before + 1);
		}
	}
	assert_int_equal(system_->executor[2].timers.count, 0);
	assert_int_equal(let(it, cancel_timer, 3), 0);
	moves(it, 2);
	uint32_t before = fired[0];

	wait_until(fired[0] > before + 1);
	close_system();
}

static int join(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)agent_;
	(void)none;
	return myc_group_join(self, "here", "group");
}
static int leave(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)agent_;
	(void)none;
	return myc_group_leave(self, "here", "group");
}
static int enrol(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)agent_;
	(void)none;
	return myc_register(self, "here", "alias");
}
static int strike(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)agent_;
	(void)none;
	return myc_unregister(self, "here", "alias");
}
static int known(struct myc_actor *self, struct agent *agent_, uint64_t whom)
{
	myc_address by_name = 0, by_alias = 0, members[4];

	(void)agent_;
	return myc_whereis(self, NULL, "wanderer", &by_name) ||
	       myc_whereis(self, "here", "alias", &by_alias) || by_name != whom ||
	       by_alias != whom ||
	       myc_group_members(self, "here", "group", MYC_GROUP_ALL, members, 4) != 1 ||
	       members[0] != whom;
}
static int open_list(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_group_open(self, "here", "group", &agent_->list);
}
static int send_list(struct myc_actor *self, struct agent *agent_, uint64_t number)
{
	return myc_group_send_all(self, &agent_->list, COUNT, &number, sizeof(number));
}

static void names_and_groups_move_along_and_nobody_is_told(void **state)
{
	(void)state;
	open_system(0);
	myc_address it = spawn_named(&agent, 0, "wanderer", 0), listener = spawn(2);

	assert_int_equal(let(it, enrol, 0), 0);
	assert_int_equal(let(it, join, 0), 0);
	assert_int_equal(let(listener, listen_lives, 0), 0);
	assert_int_equal(let(listener, listen_groups, 0), 0);
	wait_until(lives_told == 3 && groups_told == 1); /* what is there */
	for (uint32_t round = 0; round < 6; round++) {
		moves(it, 1 - round % 2);
		assert_int_equal(let(listener, known, it), 0);
		assert_int_equal(let(it, known, it), 0);
	}
	moves(it, 1);
	assert_int_equal(let(listener, enrol, 0), -EEXIST);
	struct timespec nap = {.tv_nsec = 20000000};

	nanosleep(&nap, NULL);
	assert_int_equal(lives_told, 3);
	assert_int_equal(groups_told, 1);
	/* From there it gives up what it got here, and gets it anew. */
	assert_int_equal(let(it, strike, 0), 0);
	assert_int_equal(let(it, leave, 0), 0);
	assert_int_equal(let(it, leave, 0), -ENOENT);
	wait_until(lives_told == 4 && groups_told == 2);
	assert_int_equal(let(it, enrol, 0), 0);
	assert_int_equal(let(it, join, 0), 0);
	wait_until(lives_told == 5 && groups_told == 3);
	moves(it, 2);
	assert_int_equal(let(it, known, it), 0);
	assert_int_equal(myc_actor_stop(system_, it, MYC_STOP, 20 * SECOND), 0);
	/* The alias, and the name: stopped, unregistered. */
	wait_until(lives_told == 8 && groups_told == 4);
	assert_int_equal(let(listener, enrol, 0), 0);
	close_system();
}

static void lists_of_groups_move_along(void **state)
{
	(void)state;
	open_system(0);
	myc_address it = spawn(0), member = spawn(2);

	assert_int_equal(let(member, join, 0), 0);
	assert_int_equal(let(it, open_list, 0), 0);
	for (uint64_t number = 1; number <= 8; number++) {
		assert_int_equal(let(it, send_list, number), 1);
		wait_until(counted == number);
		moves(it, 1 - (uint32_t)number % 2);
		moves(member, 1 + (uint32_t)number % 2);
	}
	close_system();
}

static int set_value(struct myc_actor *self, struct agent *agent_, uint64_t value)
{
	(void)self;
	agent_->value = value;
	return 0;
}
static int watch_state(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	return myc_monitor(self, other, MYC_MONITOR_STATE, &agent_->monitor);
}

static void its_last_state_goes_to_who_asked_for_it_before(void **state)
{
	(void)state;
	for (uint32_t times = 0; times < 4; times++) {
		open_system(0);
		myc_address it = spawn(0), watcher = spawn(2);

		assert_int_equal(let(it, set_value, 4711), 0);
		assert_int_equal(let(watcher, watch_state, it), 0);
		/* The wish was sent before. */
		assert_int_equal(let(watcher, ask, it), 0);
		wait_until(replies == 1);
		for (uint32_t i = 1; i <= times; i++)
			moves(it, i % 2);
		uint64_t seen[sizeof(struct agent) / 8 + 1];

		assert_int_equal(myc_state_read(system_, it, seen, sizeof(seen), NULL, 20 * SECOND),
				 0);
		assert_int_equal(seen[0], 4711);
		assert_int_equal(myc_actor_stop(system_, it, MYC_STOP, 20 * SECOND), 0);
		wait_until(downs == 1);
		assert_int_equal(last_state, 4711);
		close_system();
	}
}

static int other_message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type == COUNT) {
		counted += 100;
		return 0;
	}
	return agent_message(self, message);
}
static int change(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	static const struct myc_behaviour other = {.name = "other", .message = other_message};

	(void)agent_;
	(void)none;
	return myc_become(self, &other);
}
static int change_back(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)agent_;
	(void)none;
	return myc_unbecome(self);
}

static void it_is_there_what_it_has_become(void **state)
{
	uint64_t number = 1;

	(void)state;
	open_system(0);
	myc_address it = spawn(0);

	assert_int_equal(let(it, change, 0), 0);
	moves(it, 1);
	assert_int_equal(myc_post(system_, it, COUNT, &number, sizeof(number), 20 * SECOND), 0);
	wait_until(counted == 100);
	assert_int_equal(let(it, change_back, 0), 0);
	moves(it, 0);
	assert_int_equal(myc_post(system_, it, COUNT, &number, sizeof(number), 20 * SECOND), 0);
	wait_until(counted == 101);
	close_system();
}

static int send_dropped(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	int code = agent_->ref.address ? 0 : myc_resolve(self, other, &agent_->ref);

	for (int i = 0; i < 50 && !code; i++)
		code = myc_try_send(self, &agent_->ref, DROPPED, NULL, 0);
	return code;
}

/* Without its rule a sender would be refused when the credit is spent. */
static void its_overflow_rules_move_along(void **state)
{
	(void)state;
	open_system(0);
	myc_address it = spawn_named(&dropping, 0, NULL, 0), from = spawn(2);

	for (uint32_t round = 0; round < 4; round++) {
		suspend_it(it, true);
		assert_int_equal(let(from, send_dropped, it), 0);
		suspend_it(it, false);
		moves(it, 1 - round % 2);
	}
	close_system();
}

static int send_many(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	int code = agent_->ref.address ? 0 : myc_resolve(self, other, &agent_->ref);

	for (uint64_t i = 0; i < 200 && !code; i++) {
		const uint64_t number = agent_->value + 1;

		code = myc_send(self, &agent_->ref, COUNT, &number, sizeof(number));
		agent_->value = number;
	}
	return code;
}

/* Suspended it collects more than any credit; moved it has what it needs there, and gives back what it had here. */
static void a_mailbox_without_bounds_moves_along(void **state)
{
	(void)state;
	open_system(0);
	myc_address it = spawn_named(&growing, 0, NULL, 0), from = spawn(2);

	for (uint32_t round = 1; round <= 8; round++) {
		suspend_it(it, true);
		for (int i = 0; i < 4; i++)
			assert_int_equal(let(from, send_many, it), 0);
		suspend_it(it, false);
		moves(it, round % 2);
		wait_until(counted == round * 800);
	}
	assert_int_equal(myc_actor_stop(system_, it, MYC_STOP, 20 * SECOND), 0);
	close_system();
}

static void it_moves_between_executors_with_and_without_shares(void **state)
{
	(void)state;
	open_system(4);
	myc_address it = spawn(0), from = spawn(1);
	uint64_t number = 0;

	for (uint32_t round = 0; round < 10; round++) {
		for (int i = 0; i < 30; i++) {
			number++;
			assert_int_equal(
				myc_post(system_, it, COUNT, &number, sizeof(number), 20 * SECOND),
				0);
		}
		moves(it, 1 - round % 2);
		moves(from, 2 * (round % 2));
	}
	wait_until(counted == number);
	assert_int_equal(system_->actor[myc_address_slot(it)].aside & MYC_ASIDE_SHARES, 0);
	close_system();
}

#define LIVES 200 /* of states of which a chunk of memory has 63 */

static int bear(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	static const struct myc_behaviour child = {.name = "child", .state_size = 1024};
	const struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &child};
	myc_address address = MYC_NOBODY;
	int code = myc_spawn_local(self, &opts, &address, NULL);

	(void)agent_;
	(void)none;
	worker = address;
	return code;
}

/* Who bears many and has them end elsewhere needs no more memory for that. */
static void memory_of_its_state_goes_home_when_it_ends(void **state)
{
	const struct myc_slab_link *chunk;

	(void)state;
	open_system(0);
	myc_address parent = spawn(0);

	for (uint32_t i = 0; i < LIVES; i++) {
		assert_int_equal(let(parent, bear, 0), 0);
		moves(worker, 1);
		if (i % 3 == 0)
			moves(worker, 2);
		assert_int_equal(myc_actor_stop(system_, worker, MYC_STOP, 20 * SECOND), 0);
	}
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	chunk = system_->executor[0].slab.chunks;
	assert_non_null(chunk);
	assert_null(chunk->next);
	myc_system_close(system_);
}

#define TOLD 7

static int tell(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	int code = 0;

	agent_->ref = (struct myc_ref){.address = other};
	for (int i = 0; i < TOLD && !code; i++)
		code = myc_send(self, &agent_->ref, DROPPED, NULL, 0);
	return code;
}

/* What it sends to its own executor is counted when that is received, by when it may be elsewhere. */
static void what_it_sent_is_counted_wherever_it_is(void **state)
{
	(void)state;
	open_system(0);
	myc_address it = spawn(0), other = spawn(0);
	const struct myc_actor_metrics *metrics = &system_->metrics[myc_address_slot(it)];

	for (uint32_t round = 1; round <= 20; round++) {
		assert_int_equal(let(it, tell, other), 0);
		moves(it, round % 2);
	}
	wait_until(__atomic_load_n(&metrics->messages_sent, __ATOMIC_RELAXED) == 20 * TOLD);
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	assert_int_equal(metrics->messages_sent, 20 * TOLD);
	myc_system_close(system_);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(timers_move_along_and_their_handles_stay_good),
		cmocka_unit_test(once_timers_fire_once_and_idle_timeouts_go_on),
		cmocka_unit_test(without_room_for_its_timers_it_comes_back_with_all_of_them),
		cmocka_unit_test(names_and_groups_move_along_and_nobody_is_told),
		cmocka_unit_test(lists_of_groups_move_along),
		cmocka_unit_test(its_last_state_goes_to_who_asked_for_it_before),
		cmocka_unit_test(it_is_there_what_it_has_become),
		cmocka_unit_test(its_overflow_rules_move_along),
		cmocka_unit_test(a_mailbox_without_bounds_moves_along),
		cmocka_unit_test(it_moves_between_executors_with_and_without_shares),
		cmocka_unit_test(memory_of_its_state_goes_home_when_it_ends),
		cmocka_unit_test(what_it_sent_is_counted_wherever_it_is),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
