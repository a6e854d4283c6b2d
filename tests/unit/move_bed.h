/* SPDX-License-Identifier: Apache-2.0 */
/* Moving one actor of a system: it does what it is told, moves, or stays for a reason that is said. */
#ifndef TESTS_UNIT_MOVE_BED_H
#define TESTS_UNIT_MOVE_BED_H

#include "common/wait.h"

#include <errno.h>
#include <semaphore.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "core/executor.h"

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

static inline int agent_message(struct myc_actor *self, const struct myc_message *message)
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

static inline int agent_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	fired[cookie]++;
	return 0;
}

static inline int agent_idle(struct myc_actor *self)
{
	(void)self;
	idled++;
	return 0;
}

static inline int agent_life(struct myc_actor *self, const struct myc_life_event *event)
{
	(void)self;
	(void)event;
	lives_told++;
	return 0;
}

static inline int agent_group(struct myc_actor *self, const struct myc_group_event *event)
{
	(void)self;
	(void)event;
	groups_told++;
	return 0;
}

static inline int agent_signal(struct myc_actor *self, const struct myc_signal_event *event)
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

static inline int agent_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	(void)reply;
	replies++;
	return 0;
}

static inline int agent_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	(void)self;
	(void)event;
	return 0;
}

static inline int agent_io(struct myc_actor *self, const struct myc_io_event *event)
{
	(void)self;
	(void)event;
	return 0;
}

static inline int agent_worked(struct myc_actor *self, const struct myc_worked *worked)
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

static inline myc_address spawn_named(const struct myc_behaviour *behaviour, uint32_t executor,
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

static inline myc_address spawn(uint32_t executor)
{
	return spawn_named(&agent, executor, NULL, 0);
}

static inline void open_system(uint32_t share)
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

static inline void close_system(void)
{
	assert_int_equal(myc_system_stop(system_, 10000), 0);
	myc_system_close(system_);
	assert_int_equal(order_wrong, 0);
}

static inline int64_t let(myc_address who, action *what, uint64_t argument)
{
	const struct order order = {what, argument};
	struct myc_answer answer;

	assert_int_equal(myc_call(system_, who, RUN, &order, sizeof(order), &answer, 20 * SECOND),
			 0);
	return (int64_t)answer.payload[0];
}

static inline uint32_t home(myc_address who)
{
	return myc_actor_word_home(
		__atomic_load_n(&system_->slot[myc_address_slot(who)].word, __ATOMIC_ACQUIRE));
}

static inline void moves(myc_address who, uint32_t executor)
{
	struct myc_error error = {0};
	int code = myc_move(system_, who, executor, 20 * SECOND, &error);

	if (code)
		fail_msg("%d: %s", code, error.cause);
	assert_int_equal(home(who), executor);
}

static inline void stays(myc_address who, uint32_t executor, int code, const char *text)
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

/* ---- what it is told --------------------------------------------------------------------------- */

static inline int nothing(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)self;
	(void)agent_;
	(void)none;
	return 0;
}

static inline int listen_lives(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_life_watch(self, NULL, "**", 0, &agent_->lives);
}

static inline int listen_groups(struct myc_actor *self, struct agent *agent_, uint64_t none)
{
	(void)none;
	return myc_group_watch(self, "here", "**", 0, &agent_->groups);
}

static inline int ask(struct myc_actor *self, struct agent *agent_, uint64_t other)
{
	const struct order order = {nothing, 0};

	agent_->ref = (struct myc_ref){.address = other};
	return myc_ask(self, &agent_->ref, RUN, &order, sizeof(order), 60 * SECOND, 0, NULL);
}

static inline void suspend_it(myc_address who, bool on)
{
	wait_until((on ? myc_actor_suspend(system_, who) : myc_actor_resume(system_, who)) == 0);
}

#endif
