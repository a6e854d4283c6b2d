/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Processes of one workspace, killed with -9 at random while they exchange messages, and one that
 * scribbles over its region. The test is the holder: it makes regions and bells and forks workers.
 */
#include "common/test.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "core/executor.h"

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define MESSAGES 100000u
#else
#define MESSAGES 1000000u
#endif
#define KILLS	  20
#define PROCESSES 2
#define BURST	  32

/* What an exchanger remembers over its deaths, in its region. */
struct memory {
	uint64_t next;	   /* number being sent, or to be sent next */
	uint64_t last;	   /* last number handled, plus one */
	uint64_t disorder; /* numbers not above the last */
	uint64_t handled;
	uint64_t redelivered;
	uint64_t reserved[3];
	uint8_t seen[MESSAGES]; /* times number i was handled */
};

static struct {
	struct myc_region region[PROCESSES]; /* as readers */
	int fd[PROCESSES], bell[PROCESSES];
	pid_t pid[PROCESSES];
	uint64_t incarnation[PROCESSES];
} house;

static uint32_t me;
static bool busy; /* never idle, and long in the handler: kills hit a message in hand */
static struct memory *memory;

static struct memory *memory_of(uint32_t process)
{
	return myc_region_block(&house.region[process], MYC_BLOCK_USER, 0, NULL);
}

static int bell_of(void *context, uint32_t process, uint32_t executor)
{
	(void)context;
	return executor ? -1 : house.bell[process];
}

/* ---- the exchanger ----------------------------------------------------------------------------- */

enum { NUMBER = 1, GO = 2 };

struct exchanger {
	struct myc_ref peer, self;
};

static int exchanger_go(struct myc_actor *self)
{
	struct exchanger *state = myc_state(self);
	int code;

	if (!state->peer.address) {
		code = myc_resolve(self, myc_address_make(0, !me, 0, 1), &state->peer);
		if (code) { /* the other is being restarted */
			memset(&state->peer, 0, sizeof(state->peer));
			return myc_timer_start(self, 100000, 0, 0, NULL) == -ENOSPC ? -EIO : 0;
		}
	}
	for (int i = 0; i < BURST && memory->next < MESSAGES; i++) {
		uint64_t number = memory->next;

		/* Stored first: died between here and the send, the number never existed. */
		__atomic_store_n(&memory->next, number + 1, __ATOMIC_RELAXED);
		/* Only one of the two: two that wait for each other's credit would wait for ever. */
		if (me == 0 && number % 2)
			code = myc_send(self, &state->peer, NUMBER, &number, sizeof(number));
		else
			code = myc_try_send(self, &state->peer, NUMBER, &number, sizeof(number));
		if (code == -EAGAIN || code == -ESRCH || code == -ENOBUFS) {
			memory->next = number;
			if (code == -ESRCH)
				state->peer.address = 0;
			if (busy)
				break;
			return myc_timer_start(self, 20000, 0, 0, NULL) == -ENOSPC ? -EIO : 0;
		}
		if (code)
			return code;
	}
	if (memory->next < MESSAGES)
		myc_try_send(self, &state->self, GO, NULL, 0);
	return 0;
}

static int exchanger_started(struct myc_actor *self)
{
	struct exchanger *state = myc_state(self);

	myc_resolve(self, myc_self(self), &state->self);
	return exchanger_go(self);
}

static int exchanger_timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return exchanger_go(self);
}

static int exchanger_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t number;

	if (message->type == GO)
		return exchanger_go(self);
	memcpy(&number, message->payload, sizeof(number));
	if (number >= MESSAGES) { /* a scribbled payload is a message like any other */
		memory->disorder++;
		return 0;
	}
	if (message->flags & MYC_MESSAGE_REDELIVERED)
		memory->redelivered++;
	else if (number < memory->last)
		memory->disorder++;
	memory->last = number + 1;
	memory->seen[number]++;
	__atomic_store_n(&memory->handled, memory->handled + 1, __ATOMIC_RELAXED);
	for (int i = 0; busy && i < 10; i++)
		myc_cpu_relax();
	return 0;
}

static struct myc_behaviour exchanger = {.name = "exchanger",
					 .state_size = sizeof(struct exchanger),
					 .started = exchanger_started,
					 .timer = exchanger_timer,
					 .message = exchanger_message};

/* ---- workers ----------------------------------------------------------------------------------- */

static struct myc_executor_opts executor_opts = {.core = -1, .idle_spins = 50, .timers = 64};
static const struct myc_system_opts system_opts = {.sz = sizeof(system_opts),
						   .actors = 64,
						   .lane_slots = 64,
						   .lane_urgent_slots = 4,
						   .outbox = 64,
						   .pending = 256,
						   .executor = &executor_opts};

static struct myc_system *join(struct myc_region *regions, const struct myc_behaviour *behaviour)
{
	struct myc_workspace workspace = {.process = me,
					  .incarnation = house.incarnation[me],
					  .processes = PROCESSES,
					  .regions = regions,
					  .bell = bell_of};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = behaviour};
	struct myc_system *system;
	myc_address address;

	prctl(PR_SET_PDEATHSIG, SIGKILL); /* a test that is killed leaves no worker */
	for (uint32_t i = 0; i < PROCESSES; i++)
		if (myc_region_map(&regions[i], house.fd[i],
				   i == me ? MYC_REGION_OWNER : MYC_REGION_READER, NULL))
			_exit(10);
	memory = myc_region_block(&regions[me], MYC_BLOCK_USER, 0, NULL);
	if (myc_system_join(&system, &system_opts, &workspace, NULL))
		_exit(11);
	if (myc_spawn_at(system, &spawn, 0, (uint32_t)house.incarnation[me] - 1, &address, NULL))
		_exit(12);
	if (address != myc_address_make(0, me, 0, 1) || myc_system_start(system, NULL))
		_exit(13);
	return system;
}

static void start(uint32_t process)
{
	house.incarnation[process]++;
	house.pid[process] = fork();
	assert_true(house.pid[process] >= 0);
	if (house.pid[process])
		return;
	static struct myc_region regions[PROCESSES];

	me = process;
	join(regions, &exchanger);
	for (;;)
		pause();
}

static void end(uint32_t process)
{
	int status;

	assert_int_equal(kill(house.pid[process], SIGKILL), 0);
	assert_int_equal(waitpid(house.pid[process], &status, 0), house.pid[process]);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}

static void open_house(void)
{
	for (uint32_t i = 0; i < PROCESSES; i++) {
		struct myc_region_plan plan = {0};
		struct myc_error error;

		assert_int_equal(myc_system_plan(&plan, &system_opts, PROCESSES, PROCESSES), 0);
		assert_int_equal(
			myc_region_plan_add(&plan, MYC_BLOCK_USER, 0, sizeof(struct memory)), 0);
		house.fd[i] = myc_region_create("exchange", &plan, &error);
		assert_true(house.fd[i] >= 0);
		assert_int_equal(
			myc_region_map(&house.region[i], house.fd[i], MYC_REGION_READER, &error),
			0);
		house.bell[i] = eventfd(0, EFD_NONBLOCK);
		house.incarnation[i] = 0;
	}
}

static void close_house(void)
{
	for (uint32_t i = 0; i < PROCESSES; i++) {
		myc_region_unmap(&house.region[i]);
		close(house.fd[i]);
		close(house.bell[i]);
	}
}

/* ---- what the regions say ---------------------------------------------------------------------- */

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* Numbers published by `process` to the other, and dealt with there. */
static void balance(uint32_t process, uint32_t *sent, uint32_t *counted)
{
	const struct myc_lanes *lanes =
		myc_region_block(&house.region[process], MYC_BLOCK_LANES, 0, NULL);
	const struct myc_executor_words *words =
		myc_region_block(&house.region[!process], MYC_BLOCK_EXECUTOR, 0, NULL);
	const char *in = (const char *)(words + 1);

	*sent = *counted = 0;
	for (uint32_t lane = 1; lane < lanes->lanes; lane++) {
		const struct myc_flow *flow =
			(const void *)((const char *)lanes + myc_lane_offset(lanes, lane));

		for (uint32_t f = 0; f < lanes->flows; f++)
			*sent += myc_pair_high(load(&flow[f].sent));
	}
	for (uint32_t i = 0; i < words->lanes_in; i++, in += myc_lane_in_size(MYC_LANE_FLOWS)) {
		const struct myc_lane_in *half = (const void *)in;
		const uint64_t *flow = (const uint64_t *)(half + 1);

		for (uint32_t f = 0; f < MYC_LANE_FLOWS; f++)
			if (half->cursor.source == myc_lane_end(process, 0))
				*counted += myc_pair_high(load(&flow[f]));
	}
}

static void wait_for(uint64_t progress)
{
	uint64_t until = myc_clock_ns() + 60000000000ull;

	while (load(&memory_of(0)->handled) + load(&memory_of(1)->handled) < progress) {
		uint32_t sent[2], counted[2];
		struct timespec nap = {.tv_nsec = 50000};

		nanosleep(&nap, NULL);
		balance(0, &sent[0], &counted[0]);
		balance(1, &sent[1], &counted[1]);
		if (load(&memory_of(0)->next) == MESSAGES &&
		    load(&memory_of(1)->next) == MESSAGES && sent[0] == counted[0] &&
		    sent[1] == counted[1])
			return;
		if (myc_clock_ns() > until) {
			print_message("stuck: next %llu %llu, sent %u %u, counted %u %u\n",
				      (unsigned long long)memory_of(0)->next,
				      (unsigned long long)memory_of(1)->next, sent[0], sent[1],
				      counted[0], counted[1]);
			fail();
		}
	}
}

static void check_direction(uint32_t from, uint32_t kills)
{
	const struct memory *receiver = memory_of(!from);
	const struct myc_executor_words *words =
		myc_region_block(&house.region[!from], MYC_BLOCK_EXECUTOR, 0, NULL);
	const struct myc_actor_metrics *metrics =
		myc_region_block(&house.region[!from], MYC_BLOCK_METRICS, 0, NULL);
	uint32_t sent, counted, missing = 0, twice = 0;

	balance(from, &sent, &counted);
	assert_int_equal(sent, counted);
	for (uint32_t i = 0; i < MESSAGES; i++) {
		missing += !receiver->seen[i];
		twice += receiver->seen[i] > 1;
	}
	print_message("  %u -> %u: %u published, %llu handled, %llu in doubt, %u never sent\n",
		      from, !from, sent, (unsigned long long)receiver->handled,
		      (unsigned long long)metrics->in_doubt, missing);
	assert_int_equal(receiver->disorder, 0);
	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		assert_int_equal(words->lane_faults[i], 0);
	/* Only what was in hand can be missing or twice; the rest was handled exactly once. */
	assert_true(missing <= kills + metrics->in_doubt);
	if (exchanger.redeliver)
		assert_true(twice <= receiver->redelivered);
	else
		assert_int_equal(twice, 0);
	assert_true(receiver->handled <= sent + receiver->redelivered);
	assert_true(receiver->handled + metrics->in_doubt + kills >= sent);
}

static void exchange(bool redeliver, bool busily)
{
	uint64_t chance = test_seed() * 2654435761u + 1;
	uint32_t kills[PROCESSES] = {0};

	exchanger.redeliver = redeliver;
	busy = busily;
	executor_opts.idle = busy ? MYC_IDLE_YIELD : MYC_IDLE_SLEEP;
	open_house();
	start(0);
	start(1);
	for (int i = 0; i < KILLS; i++) {
		uint32_t victim = test_random(&chance) >> 40 & 1;
		struct timespec later = {.tv_nsec =
						 (long)(uint32_t)(test_random(&chance) % 300000)};

		wait_for(2ull * MESSAGES * (unsigned)(i + 1) / (KILLS + 1));
		nanosleep(&later, NULL); /* kills at any instruction, not to wait for anything */
		end(victim);
		start(victim);
		kills[victim]++;
	}
	wait_for(UINT64_MAX);
	end(0);
	end(1);
	check_direction(0, kills[0] + kills[1]);
	check_direction(1, kills[0] + kills[1]);
	close_house();
}

static void killed_processes_lose_and_repeat_nothing_but_what_was_in_hand(void **state)
{
	(void)state;
	exchange(false, true);
}

static void killed_processes_that_sleep_lose_nothing_and_are_woken(void **state)
{
	(void)state;
	exchange(false, false);
}

static void with_redelivery_only_the_message_in_hand_comes_twice_and_marked(void **state)
{
	(void)state;
	exchange(true, true);
}

/* ---- a process that scribbles ------------------------------------------------------------------ */

/* Random words over its whole region, again and again, while its executor runs. */
static void scribble(uint64_t seed)
{
	static struct myc_region regions[PROCESSES];
	struct myc_region
		pen; /* another mapping: this race is meant, ThreadSanitizer need not see it */
	uint64_t chance = seed;
	struct timespec while_exchanging = {.tv_nsec = 20000000};

	me = 1;
	join(regions, &exchanger);
	nanosleep(&while_exchanging, NULL);
	if (myc_region_map(&pen, house.fd[1], MYC_REGION_OWNER, NULL))
		_exit(14);
	uint64_t *word = pen.base;

	for (uint64_t i = 0; i < regions[1].size / 8; i++)
		__atomic_store_n(&word[test_random(&chance) % (regions[1].size / 8)],
				 test_random(&chance) >> (test_random(&chance) & 56),
				 __ATOMIC_RELAXED);
	for (uint64_t i = 0; i < regions[1].size / 8; i++)
		__atomic_store_n(&word[i], test_random(&chance), __ATOMIC_RELAXED);
	_exit(0);
}

static void wait_for_more(const uint64_t *counter, uint64_t more)
{
	uint64_t until = myc_clock_ns() + 20000000000ull, from = load(counter);
	struct timespec nap = {.tv_nsec = 50000};

	while (load(counter) - from < more && myc_clock_ns() < until)
		nanosleep(&nap, NULL);
	assert_true(load(counter) - from >= more);
}

static void a_scribbling_process_is_cut_off_and_harms_nobody(void **state)
{
	const struct myc_executor_words *words;
	const struct myc_actor_metrics *metrics;
	uint64_t faults = 0;
	int status;

	(void)state;
	busy = true;
	executor_opts.idle = MYC_IDLE_YIELD;
	for (uint64_t round = 0; round < 5; round++) {
		open_house();
		words = myc_region_block(&house.region[0], MYC_BLOCK_EXECUTOR, 0, NULL);
		metrics = myc_region_block(&house.region[0], MYC_BLOCK_METRICS, 0, NULL);
		start(0);
		house.incarnation[1]++;
		house.pid[1] = fork();
		if (!house.pid[1])
			scribble(test_seed() * 7919 + round + 1);
		/* It may well crash on its own garbage. */
		assert_int_equal(waitpid(house.pid[1], &status, 0), house.pid[1]);
		wait_for_more(&words->turns, 1000);
		assert_int_equal(waitpid(house.pid[0], &status, WNOHANG), 0);
		assert_int_equal(metrics[0].restarts, 0);
		for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
			faults += words->lane_faults[i];
		end(0);
		close_house();
	}
	assert_true(faults > 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_processes_lose_and_repeat_nothing_but_what_was_in_hand),
		cmocka_unit_test(killed_processes_that_sleep_lose_nothing_and_are_woken),
		cmocka_unit_test(with_redelivery_only_the_message_in_hand_comes_twice_and_marked),
		cmocka_unit_test(a_scribbling_process_is_cut_off_and_harms_nobody),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
