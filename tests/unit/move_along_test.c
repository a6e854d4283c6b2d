/* SPDX-License-Identifier: Apache-2.0 */
/* What moves along with an actor, and what keeps it where it is, with the reason that myc_move gives. */
#include "common/test.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "core/executor.h"

#define wait_until(condition)                                                 \
	do {                                                                  \
		struct timespec nap_ = {.tv_nsec = 50000};                    \
		bool held_ = false;                                           \
		for (int i_ = 0; i_ < 400000 && !(held_ = (condition)); i_++) \
			nanosleep(&nap_, NULL);                               \
		assert_true(held_);                                           \
	} while (0)

#define EXECUTORS  3
#define SECOND	   1000000000ull
#define FEW_TIMERS 4 /* of executor 2 */
#define KEYS	   16

enum { RUN = 1, COUNT, KEEP, DROPPED };

static struct myc_system *system_;
static sem_t go;
static _Atomic uint32_t counted, order_wrong, fired[KEYS], idled, lives_told, groups_told, downs,
	replies;
static _Atomic uint64_t last_state, worker;

/* ---- an actor that does what it is told ---------------------------------------------------------- */

struct agent {
	uint64_t value; /* what its codec tells; the first word */
	uint64_t last;	/* of COUNT */
	struct myc_timer timer[KEYS];
	struct myc_subscription subscription;
	struct myc_publisher publisher;
	struct myc_monitor monitor;
	struct myc_life_watch lives;
	struct myc_group_watch groups;
	struct myc_group list;
	struct myc_fd fd;
	struct myc_body body;
	struct myc_ref ref;
	int pipe[2];
};

typedef int action(struct myc_actor *self, struct agent *agent, uint64_t argument);
struct order {
	action *what;
	uint64_t argument;
};

static int agent_message(struct myc_actor *self, const struct myc_message *message)
{
	struct agent *agent = myc_state(self);
	struct order order;
	uint64_t number;

	switch (message->type) {
	case RUN:
		memcpy(&order, message->payload, sizeof(order));
		int64_t code = order.what(self, agent, order.argument);

		return myc_reply(self, message, RUN, &code, sizeof(code));
	case COUNT:
		memcpy(&number, message->payload, sizeof(number));
		order_wrong += number != agent->last + 1;
		agent->last = number;
		counted++;
		return 0;
	case KEEP:
		return myc_stash(self);
	default:
		return 0;
	}
}

static int agent_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	fired[cookie]++;
	return 0;
}

static int agent_idle(struct myc_actor *self)
{
	(void)self;
	idled++;
	return 0;
}

static int agent_life(struct myc_actor *self, const struct myc_life_event *event)
{
	(void)self;
	(void)event;
	lives_told++;
	return 0;
}

static int agent_group(struct myc_actor *self, const struct myc_group_event *event)
{
	(void)self;
	(void)event;
	groups_told++;
	return 0;
}

static int agent_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	uint64_t value = 0;

	(void)self;
	if (event->kind == MYC_EVENT_DOWN) {
		if (event->state_size >= sizeof(value))
			memcpy(&value, event->state, sizeof(value));
		last_state = value;
		downs++;
	}
	return 0;
}

static int agent_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	(void)reply;
	replies++;
	return 0;
}

static int agent_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	(void)self;
	(void)event;
	return 0;
}

static int agent_io(struct myc_actor *self, const struct myc_io_event *event)
{
	(void)self;
	(void)event;
	return 0;
}

static int agent_worked(struct myc_actor *self, const struct myc_worked *worked)
{
	(void)self;
	(void)worked;
	return 0;
}

static const struct myc_state_codec codec = {.rights = MYC_STATE_READ | MYC_STATE_LAST};
static const struct myc_overflow drops = {
	.first = DROPPED, .last = DROPPED, .policy = MYC_OVERFLOW_DROP_NEWEST};

#define AGENT                                                                                    \
	.name = "agent", .state_size = sizeof(struct agent), .capacity_per_sender = 4,           \
	.stash_capacity = 4, .message = agent_message, .timer = agent_timer, .idle = agent_idle, \
	.life = agent_life, .group = agent_group, .signal = agent_signal, .reply = agent_reply,  \
	.topic = agent_topic, .io = agent_io, .worked = agent_worked, .codec = &codec

static const struct myc_behaviour agent = {AGENT};
static const struct myc_behaviour growing = {.name = "growing",
					     .state_size = sizeof(struct agent),
					     .message = agent_message,
					     .grows_to = MYC_GROWS_FREELY};
static const struct myc_behaviour dropping = {AGENT, .overflow = &drops, .overflow_count = 1};

/* ---- the system ---------------------------------------------------------------------------------- */

static myc_address spawn_named(const struct myc_behaviour *behaviour, uint32_t executor,
			       const char *name, uint32_t flags)
{
	myc_address address = MYC_NOBODY;

	assert_int_equal(myc_spawn(system_,
				   &(struct myc_spawn_opts){.sz = sizeof(struct myc_spawn_opts),
							    .behaviour = behaviour,
							    .executor = executor,
							    .name = name,
							    .flags = flags},
				   &address, NULL),
			 0);
	return address;
}

static myc_address spawn(uint32_t executor)
{
	return spawn_named(&agent, executor, NULL, 0);
}

static void open_system(uint32_t share)
{
	const struct myc_executor_opts executors[EXECUTORS] = {
		{.core = -1}, {.core = -1, .share = share}, {.core = -1, .timers = FEW_TIMERS}};
	static const struct myc_topic_opts topic = {.name = "topic"};
	const struct myc_system_opts opts = {.sz = sizeof(opts),
					     .executors = EXECUTORS,
					     .executor = executors,
					     .threads = 1,
					     .growth = 4096,
					     .topics = &topic,
					     .topics_count = 1};

	counted = order_wrong = idled = lives_told = groups_told = downs = replies = 0;
	memset((void *)fired, 0, sizeof(fired));
	worker = 0;
	sem_init(&go, 0, 0);
	assert_int_equal(myc_system_open(&system_, &opts, NULL), 0);
	assert_int_equal(myc_system_start(system_, NULL), 0);
}

static void close_system(void)
{
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	myc_system_close(system_);
	assert_int_equal(order_wrong, 0);
}

static int64_t let(myc_address who, action *what, uint64_t argument)
{
	const struct order order = {what, argument};
	struct myc_answer answer;

	assert_int_equal(myc_call(system_, who, RUN, &order, sizeof(order), &answer, 20 * SECOND),
			 0);
	return (int64_t)answer.payload[0];
}

static uint32_t home(myc_address who)
{
	return myc_actor_word_home(
		__atomic_load_n(&system_->slot[myc_address_slot(who)].word, __ATOMIC_ACQUIRE));
}

static void moves(myc_address who, uint32_t executor)
{
	struct myc_error error = {0};
	int code = myc_move(system_, who, executor, 20 * SECOND, &error);

	if (code)
		fail_msg("%d: %s", code, error.cause);
	assert_int_equal(home(who), executor);
}

static void stays(myc_address who, uint32_t executor, int code, const char *text)
{
	uint32_t before = home(who);
	struct myc_error error = {0};

	assert_int_equal(myc_move(system_, who, executor,
				  code == -ETIMEDOUT ? SECOND / 20 : 20 * SECOND, &error),
			 code);
	if (!strstr(error.cause, text))
		fail_msg("'%s' does not say '%s'", error.cause, text);
	assert_int_equal(error.code, code);
	assert_int_equal(home(who), before);
}

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
static int listen_lives(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_life_watch(self, NULL, "**", 0, &agent_->lives);
}
static int unlisten_lives(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_life_unwatch(self, agent_->lives);
}
static int listen_groups(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_group_watch(self, "here", "**", 0, &agent_->groups);
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
static int nothing(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)self;
	(void)agent_;
	(void)none;
	return 0;
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
static int ask(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	const struct order order = {nothing, 0};

	agent_->ref = (struct myc_ref){.address = other};
	return myc_ask(self, &agent_->ref, RUN, &order, sizeof(order), 60 * SECOND, 0, NULL);
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

static void suspend_it(myc_address who, bool on)
{
	wait_until((on ? myc_actor_suspend(system_, who) : myc_actor_resume(system_, who)) == 0);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_of_its_executor_keeps_it_until_it_gives_that_up),
		cmocka_unit_test(threads_feeds_and_pools_never_move),
		cmocka_unit_test(what_passes_is_waited_for_and_named),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
