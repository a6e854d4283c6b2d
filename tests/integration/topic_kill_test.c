/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics between processes that are killed with -9: the publisher, the reader that it waits for, and both
 * asleep, woken by each other's bells. The test is the holder: it makes regions and bells and forks workers.
 */
#include "common/wait.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "core/executor.h"
#include "memory/topic.h"

#define KILLS  20
#define PERIOD 20000000u /* between single messages, ns */

enum { PUBLISHER, READER, PROCESSES };
enum { TICK = 7 };

/* What a worker remembers over its deaths, in its region; its one writer. */
struct memory {
	uint64_t messages, last, wrong, lost, ends, resumed, refused;
	uint64_t late_ns; /* the worst: published to handled */
};

/* One page of all: written by the test only. */
static struct shared {
	_Atomic bool dead[PROCESSES];
} * shared;

static struct {
	struct myc_region region[PROCESSES]; /* as readers */
	int fd[PROCESSES], bell[PROCESSES];
	pid_t pid[PROCESSES];
	uint64_t incarnation[PROCESSES];
} house;

static uint32_t me;
static struct myc_region regions[PROCESSES];
static struct memory *memory;
static const char *topic_name;
static uint64_t period_ns; /* 0 = as fast as it goes */

static const struct myc_executor_opts sleeping = {.core = -1, .idle_spins = 50};
static const struct myc_topic_opts topics[] = {
	{.name = "reliable", .slots = 64, .reliable = true},
	{.name = "keyed", .slots = 16, .keys = 16},
};
static const struct myc_system_opts opts[PROCESSES] = {
	{.sz = sizeof(opts[0]), .executor = &sleeping, .topics = topics, .topics_count = 2},
	{.sz = sizeof(opts[1]), .executor = &sleeping},
};

static bool alive(void *context, uint32_t process)
{
	(void)context;
	return !shared->dead[process];
}

static int bell_of(void *context, uint32_t process, uint32_t executor)
{
	(void)context;
	return executor ? -1 : house.bell[process];
}

static void put(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELAXED);
}

static uint64_t get(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* ---- workers ----------------------------------------------------------------------------------- */

struct payload {
	uint64_t number, at_ns, copy[6];
};

struct publisher {
	struct myc_publisher topic;
	uint64_t next;
};

static const struct myc_topic *block_of(const struct myc_region *region)
{
	return myc_region_block(region, MYC_BLOCK_TOPIC, strcmp(topic_name, "keyed") ? 0 : 1, NULL);
}

static int publisher_started(struct myc_actor *self)
{
	struct publisher *publisher = myc_state(self);
	int code = myc_topic_claim(self, topic_name, &publisher->topic);

	if (code)
		return code;
	publisher->next = block_of(&regions[me])->published + 1;
	return myc_timer_start(self, 0, period_ns ? period_ns : 10000, 0, NULL);
}

static int publisher_timer(struct myc_actor *self, uint64_t cookie)
{
	struct publisher *publisher = myc_state(self);

	(void)cookie;
	for (int i = 0; i < (period_ns ? 1 : 64); i++) {
		struct payload payload = {.number = publisher->next, .at_ns = myc_clock_ns()};

		for (int word = 0; word < 6; word++)
			payload.copy[word] = payload.number;
		int code = myc_publish(self, &publisher->topic, TICK, payload.number % 8, &payload,
				       sizeof(payload));

		if (code == -EAGAIN) {
			put(&memory->refused, memory->refused + 1);
			return 0;
		}
		if (code)
			return code;
		put(&memory->messages, memory->messages + 1);
		publisher->next++;
	}
	return 0;
}

static const struct myc_behaviour publisher = {.name = "publisher",
					       .state_size = sizeof(struct publisher),
					       .started = publisher_started,
					       .timer = publisher_timer};

static int reader_try(struct myc_actor *self, uint64_t cookie)
{
	const struct myc_subscribe_opts how = {
		.sz = sizeof(how),
		.flags = strcmp(topic_name, "keyed") ? MYC_SUBSCRIBE_WAITED_FOR : 0};
	int code = myc_subscribe(self, topic_name, &how, cookie, NULL);

	/* Not laid out yet. */
	return code == -ENOENT ? myc_timer_start(self, 1000000, 0, 0, NULL) : code;
}

static int reader_started(struct myc_actor *self)
{
	put(&memory->last, 0);
	return reader_try(self, 0);
}

static int reader_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	struct payload payload;

	(void)self;
	if (event->kind == MYC_TOPIC_LOST)
		put(&memory->lost, memory->lost + event->lost);
	if (event->kind == MYC_TOPIC_END)
		put(&memory->ends, memory->ends + 1);
	if (event->kind == MYC_TOPIC_RESUMED)
		put(&memory->resumed, memory->resumed + 1);
	if (event->kind != MYC_TOPIC_MESSAGE)
		return 0;
	memcpy(&payload, event->payload, sizeof(payload));
	bool whole = event->size == sizeof(payload) && payload.number == event->sequence &&
		     payload.number % 8 == event->key;

	for (int word = 0; word < 6; word++)
		whole = whole && payload.copy[word] == payload.number;
	if (!strcmp(topic_name, "reliable") && memory->last)
		whole = whole && event->sequence == memory->last + 1;
	uint64_t late = myc_clock_ns() - payload.at_ns;

	if (late > memory->late_ns)
		put(&memory->late_ns, late);
	if (!whole)
		put(&memory->wrong, memory->wrong + 1);
	put(&memory->last, event->sequence);
	put(&memory->messages, memory->messages + 1);
	return 0;
}

static const struct myc_behaviour reader = {
	.name = "reader", .started = reader_started, .timer = reader_try, .topic = reader_topic};

static void work(void)
{
	const struct myc_workspace workspace = {.process = me,
						.incarnation = house.incarnation[me],
						.processes = PROCESSES,
						.regions = regions,
						.alive = alive,
						.bell = bell_of};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
				       .behaviour = me == PUBLISHER ? &publisher : &reader};
	struct myc_system *system;
	myc_address address;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no worker */
	for (uint32_t i = 0; i < PROCESSES; i++)
		if (myc_region_map(&regions[i], house.fd[i],
				   i == me ? MYC_REGION_OWNER : MYC_REGION_READER, NULL))
			_exit(10);
	memory = myc_region_block(&regions[me], MYC_BLOCK_USER, 0, NULL);
	if (myc_system_join(&system, &opts[me], &workspace, NULL))
		_exit(11);
	if (myc_spawn_at(system, &spawn, 0, (uint32_t)house.incarnation[me] - 1, &address, NULL) ||
	    myc_system_start(system, NULL))
		_exit(12);
	for (;;)
		pause();
}

/* ---- the holder -------------------------------------------------------------------------------- */

static void start(uint32_t process)
{
	house.incarnation[process]++;
	shared->dead[process] = false;
	house.pid[process] = fork();
	assert_true(house.pid[process] >= 0);
	if (house.pid[process])
		return;
	me = process;
	work();
}

static void end(uint32_t process)
{
	int status;

	assert_int_equal(kill(house.pid[process], SIGKILL), 0);
	assert_int_equal(waitpid(house.pid[process], &status, 0), house.pid[process]);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	shared->dead[process] = true;
}

static void open_house(const char *topic, uint64_t period)
{
	topic_name = topic;
	period_ns = period;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	assert_true(shared != MAP_FAILED);
	for (uint32_t i = 0; i < PROCESSES; i++) {
		struct myc_region_plan plan = {0};

		assert_int_equal(myc_system_plan(&plan, &opts[i], PROCESSES, PROCESSES, NULL), 0);
		assert_int_equal(
			myc_region_plan_add(&plan, MYC_BLOCK_USER, 0, sizeof(struct memory)), 0);
		house.fd[i] = myc_region_create("topics", &plan, NULL);
		assert_true(house.fd[i] >= 0);
		assert_int_equal(
			myc_region_map(&house.region[i], house.fd[i], MYC_REGION_READER, NULL), 0);
		house.bell[i] = eventfd(0, EFD_NONBLOCK);
		house.incarnation[i] = 0;
	}
}

static void close_house(void)
{
	for (uint32_t i = 0; i < PROCESSES; i++) {
		if (!shared->dead[i])
			end(i);
		myc_region_unmap(&house.region[i]);
		close(house.fd[i]);
		close(house.bell[i]);
	}
	munmap(shared, sizeof(*shared));
}

static const struct memory *memory_of(uint32_t process)
{
	return myc_region_block(&house.region[process], MYC_BLOCK_USER, 0, NULL);
}

static uint64_t published(void)
{
	return get(&block_of(&house.region[PUBLISHER])->published);
}

/* ---- the cases --------------------------------------------------------------------------------- */

/* The reader that is waited for gets every number once, whoever of the publisher's incarnations wrote it. */
static void no_message_is_lost_when_the_publisher_is_killed(void **state)
{
	(void)state;
	open_house("reliable", 0);
	start(READER);
	start(PUBLISHER);
	const struct memory *reads = memory_of(READER);

	for (uint32_t i = 0; i < KILLS; i++) {
		uint64_t before = get(&reads->messages);

		wait_until(get(&reads->messages) > before + 200 + 37 * i);
		end(PUBLISHER);
		uint64_t all = published();

		/* All that it published is read, also after its death; the one not counted is the successor's. */
		wait_until(get(&reads->last) >= all);
		wait_until(get(&reads->ends) == i + 1);
		start(PUBLISHER);
		wait_until(get(&reads->resumed) == i + 2);
	}
	wait_until(get(&reads->messages) > 10000);
	assert_int_equal(get(&reads->wrong), 0);
	assert_int_equal(get(&reads->lost), 0);
	close_house();
}

/* Held up until it is known to be dead, not longer; a successor is waited for again. */
static void a_killed_reader_holds_nobody_up(void **state)
{
	(void)state;
	open_house("reliable", 0);
	start(READER);
	start(PUBLISHER);
	const struct memory *reads = memory_of(READER);

	for (uint32_t i = 0; i < KILLS; i++) {
		wait_until(get(&reads->resumed) == i + 1);
		uint64_t before = get(&reads->messages);

		wait_until(get(&reads->messages) > before + 200 + 37 * i);
		end(READER);
		before = published();
		if (i % 2)
			wait_until(published() > before + 1000);
		start(READER);
	}
	wait_until(get(&reads->resumed) == KILLS + 1);
	assert_int_equal(get(&reads->wrong), 0);
	assert_int_equal(get(&reads->lost), 0);
	close_house();
}

/* A successor of the reader has every key's last value, though the publisher died since. */
static void last_values_outlive_both(void **state)
{
	(void)state;
	open_house("keyed", PERIOD / 10);
	start(PUBLISHER);
	start(READER);
	wait_until(get(&memory_of(READER)->messages) >= 16);
	end(PUBLISHER);
	end(READER);
	uint64_t before = get(&memory_of(READER)->messages);

	start(READER);
	wait_until(get(&memory_of(READER)->messages) >= before + 8);
	assert_int_equal(get(&memory_of(READER)->messages), before + 8);
	assert_true(get(&memory_of(READER)->last) > 8);
	assert_int_equal(get(&memory_of(READER)->wrong), 0);
	close_house();
}

/* Both sleep between messages, as long as they like: nobody polls, and nobody is forgotten. */
static void sleepers_are_woken_by_bells(void **state)
{
	(void)state;
	open_house("reliable", PERIOD);
	start(READER);
	start(PUBLISHER);
	const struct memory *reads = memory_of(READER);
	const struct myc_executor_words *words =
		myc_region_block(&house.region[READER], MYC_BLOCK_EXECUTOR, 0, NULL);

	wait_until(get(&reads->messages) >= 5);
	uint64_t naps = get(&words->naps), before = get(&reads->messages);

	wait_until(get(&reads->messages) >= before + 50);
	naps = get(&words->naps) - naps;
	/* One a message, and a hundred looks whether the publisher lives; a poller would have had 1000. */
	assert_in_range(naps, 1, 400);
	/* Not rung, it would have slept until its status line, a second. */
	assert_in_range(get(&reads->late_ns), 1, 500000000u);
	/* After the death of either the next one is woken as well. */
	end(PUBLISHER);
	start(PUBLISHER);
	before = get(&reads->messages);
	wait_until(get(&reads->messages) >= before + 10);
	end(READER);
	start(READER);
	before = get(&reads->messages);
	wait_until(get(&reads->messages) >= before + 10);
	assert_in_range(get(&reads->late_ns), 1, 500000000u);
	assert_int_equal(get(&reads->wrong) + get(&reads->lost), 0);
	close_house();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_message_is_lost_when_the_publisher_is_killed),
		cmocka_unit_test(a_killed_reader_holds_nobody_up),
		cmocka_unit_test(last_values_outlive_both),
		cmocka_unit_test(sleepers_are_woken_by_bells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
