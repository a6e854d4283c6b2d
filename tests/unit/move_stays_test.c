/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps an actor where it is, and the reason that myc_move gives. */
#include "unit/move_bed.h"

/* ---- what it has of its executor's ----------------------------------------------------------------- */

static int subscribe(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_subscribe(self, "topic", NULL, 0, &agent_->subscription);
}
static int unsubscribe(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_unsubscribe(self, agent_->subscription);
}
static int claim(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_topic_claim(self, "topic", &agent_->publisher);
}
static int unclaim(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	myc_topic_release(self, &agent_->publisher);
	return 0;
}
static int watch(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	return myc_monitor(self, other, 0, &agent_->monitor);
}
static int unwatch(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	(void)other;
	return myc_demonitor(self, agent_->monitor);
}
static int tie(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	(void)agent_;
	return myc_link(self, other);
}
static int untie(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	(void)agent_;
	return myc_unlink(self, other);
}
static int unlisten_lives(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_life_unwatch(self, agent_->lives);
}
static int unlisten_groups(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_group_unwatch(self, agent_->groups);
}
static int look_out(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return pipe(agent_->pipe)
		       ? -errno
		       : myc_fd_watch(self, agent_->pipe[0], MYC_FD_READ, 0, &agent_->fd);
}
static int look_away(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	int code = myc_fd_unwatch(self, agent_->fd);

	close(agent_->pipe[0]);
	close(agent_->pipe[1]);
	return code;
}
static int64_t slow(void *argument)
{
	(void)argument;
	sem_wait(&go);
	return 0;
}
static int work(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	const struct myc_outside_work it = {.run = slow};

	(void)agent_;
	(void)none;
	return myc_work(self, &it);
}
static int work_done(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)self;
	(void)agent_;
	(void)none;
	return sem_post(&go);
}
static int letters(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)agent_;
	(void)none;
	return myc_letters_watch(self, true);
}
static int no_letters(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)agent_;
	(void)none;
	return myc_letters_watch(self, false);
}

/* Given up, it goes. What its executor's others have is in nobody's way. */
static void what_is_of_its_executor_keeps_it_until_it_gives_that_up(void **state)
{
	static const struct {
		action *hold, *give_up;
		const char *text;
	} cases[] = {{subscribe, unsubscribe, "subscribes to a topic"},
		     {claim, unclaim, "claimed a topic"},
		     {watch, unwatch, "monitors or links"},
		     {tie, untie, "monitors or links"},
		     {listen_lives, unlisten_lives, "watches names or groups"},
		     {listen_groups, unlisten_groups, "watches names or groups"},
		     {look_out, look_away, "watches descriptors"},
		     {work, work_done, "work of other threads"},
		     {letters, no_letters, "watches dead letters"}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		open_system(0);
		myc_address it = spawn(0), other = spawn(0), third = spawn(1);

		assert_int_equal(let(it, cases[i].hold, third), 0);
		stays(it, 1, -EBUSY, cases[i].text);
		moves(other, 1);
		assert_int_equal(let(it, cases[i].give_up, third), 0);
		struct myc_error error = {0};
		/* The end of work is told a moment later. */
		wait_until(myc_move(system_, it, 1, 20 * SECOND, &error) == 0);
		assert_int_equal(home(it), 1);
		/* There it may have it again. */
		assert_int_equal(let(it, cases[i].hold, third), 0);
		stays(it, 0, -EBUSY, cases[i].text);
		assert_int_equal(let(it, cases[i].give_up, third), 0);
		/* Or end, where nobody ever had such a thing. */
		wait_until(myc_move(system_, it, 2, 20 * SECOND, &error) == 0);
		assert_int_equal(myc_actor_stop(system_, it, MYC_STOP, 20 * SECOND), 0);
		close_system();
	}
}

/* ---- what never moves ------------------------------------------------------------------------------- */

static int fed(struct myc_actor *self, const struct myc_feed_event *event)
{
	(void)self;
	(void)event;
	return 0;
}

static int worker_started(struct myc_actor *self)
{
	worker = myc_self(self);
	return 0;
}

static const struct myc_behaviour feeder = {.name = "feeder", .feed = fed};
static const struct myc_behaviour worker_behaviour = {AGENT, .started = worker_started};

static void threads_feeds_and_pools_never_move(void **state)
{
	const struct myc_workers_opts pool = {
		.sz = sizeof(pool), .behaviour = &worker_behaviour, .settings = {.workers = 1}};
	struct myc_workers *workers;
	struct myc_answer answer;
	uint64_t number = 1;

	(void)state;
	open_system(0);
	stays(spawn_named(&agent, 0, "bound", MYC_SPAWN_THREAD), 1, -EOPNOTSUPP,
	      "thread of its own");
	myc_address fed_one = spawn_named(&feeder, 0, NULL, 0);

	stays(fed_one, 1, -EOPNOTSUPP, "feed");
	assert_int_equal(myc_workers_spawn(system_, &pool, &workers, NULL), 0);
	wait_until(worker);
	stays(worker, 0, -EOPNOTSUPP, "pool of workers");
	stays(myc_workers_address(workers), 1, -EOPNOTSUPP, "pool of workers");
	stays(myc_workers_control(workers), 1, -EOPNOTSUPP, "pool of workers");
	/* It works as before. */
	const struct order order = {nothing, 0};

	assert_int_equal(myc_call(system_, myc_workers_address(workers), RUN, &order, sizeof(order),
				  &answer, 20 * SECOND),
			 0);
	/* One who sends jobs to it may move. */
	myc_address it = spawn(0);

	moves(it, 1);
	assert_int_equal(myc_post(system_, myc_workers_address(workers), COUNT, &number,
				  sizeof(number), 20 * SECOND),
			 0);
	wait_until(counted == 1);
	close_system();
}

/* ---- what is waited for ------------------------------------------------------------------------------ */

static int stashed(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)agent_;
	(void)none;
	return (int)myc_stashed(self);
}
static int body_take(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_body_take(self, 100, &agent_->body);
}
static int body_give(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	myc_body_give(self, &agent_->body);
	return 0;
}
static int flood(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	int code = myc_resolve(self, other, &agent_->ref);

	for (uint64_t i = 1; i <= 20 && !code; i++)
		code = myc_send(self, &agent_->ref, COUNT, &i, sizeof(i));
	return code;
}
static int block(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)self;
	(void)agent_;
	(void)none;
	return sem_wait(&go);
}

static void what_passes_is_waited_for_and_named(void **state)
{
	const struct order blocks = {block, 0};

	(void)state;
	open_system(0);
	myc_address it = spawn(0), other = spawn(1), third = spawn(2);

	assert_int_equal(myc_post(system_, it, KEEP, NULL, 0, 20 * SECOND), 0);
	wait_until(let(it, stashed, 0) == 1);
	stays(it, 1, -ETIMEDOUT, "put messages aside");
	assert_int_equal(myc_actor_stop(system_, it, MYC_STOP, 20 * SECOND), 0);

	it = spawn(0);
	assert_int_equal(let(it, body_take, 0), 0);
	stays(it, 1, -ETIMEDOUT, "keeps bodies");
	assert_int_equal(let(it, body_give, 0), 0);
	moves(it, 1);
	moves(it, 0);

	suspend_it(other, true);
	assert_int_equal(let(it, ask, other), 0);
	stays(it, 1, -ETIMEDOUT, "waits for replies");
	suspend_it(other, false);
	moves(it, 1);
	assert_int_equal(replies, 1);
	moves(it, 0);

	suspend_it(other, true);
	assert_int_equal(let(it, flood, other), 0);
	stays(it, 1, -ETIMEDOUT, "wait for credit");
	suspend_it(other, false);
	wait_until(counted == 20);
	moves(it, 1);
	moves(it, 0);

	/* A handler that blocks, on an executor that never sent it anything. */
	assert_int_equal(myc_post(system_, third, RUN, &blocks, sizeof(blocks), 20 * SECOND), 0);
	struct timespec nap = {.tv_nsec = 20000000};

	nanosleep(&nap, NULL);
	stays(it, 1, -ETIMEDOUT, "executor 2 of process 0 takes no turn");
	assert_int_equal(let(it, body_take, 0), 0); /* it is there for others */
	assert_int_equal(let(it, body_give, 0), 0);
	sem_post(&go);
	moves(it, 1);

	/* Suspended, with a message. */
	suspend_it(it, true);
	uint64_t number = 1;

	assert_int_equal(myc_post(system_, it, COUNT, &number, sizeof(number), 20 * SECOND), 0);
	wait_until(__atomic_load_n(&system_->metrics[myc_address_slot(it)].mailbox_depth,
				   __ATOMIC_RELAXED) == 1);
	stays(it, 0, -ETIMEDOUT, "does not handle");
	suspend_it(it, false);
	moves(it, 0);
	assert_int_equal(counted, 21);
	close_system();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_of_its_executor_keeps_it_until_it_gives_that_up),
		cmocka_unit_test(threads_feeds_and_pools_never_move),
		cmocka_unit_test(what_passes_is_waited_for_and_named),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
