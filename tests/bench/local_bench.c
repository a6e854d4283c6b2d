/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Local messages against the machine's own limit, a cache line handed between the two cores, in one
 * interleaved run. One-way = half a round trip through handler and send on both sides; stream =
 * one actor sends as fast as credit allows, time per message at the receiver, median over chunks; full hop = two actors
 * of one executor answer each other, per message; tell = 64 sent, then 64 handled, per message.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mycelium/abi/lane.h>
#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "common/bench.h"
#include "core/process.h"

#define RUNS	  5
#define TRIPS	  200000
#define STREAM	  4000000
#define HOPS	  4000000
#define TELL	  64
#define CHUNK	  4000 /* messages of a stream timed together: the median leaves preemptions out */
#define PROCESSES 2

/* ---- the limit --------------------------------------------------------------------------------- */

static struct {
	_Alignas(128) _Atomic uint64_t there;
	_Alignas(128) _Atomic uint64_t back;
} line;

static void *raw_answer(void *unused)
{
	bench_pin(1);
	for (uint64_t i = 1; i <= TRIPS; i++) {
		while (atomic_load_explicit(&line.there, memory_order_acquire) != i)
			;
		atomic_store_explicit(&line.back, i, memory_order_release);
	}
	return unused;
}

static double raw(void)
{
	static struct myc_histogram trips;
	pthread_t thread;

	memset(&trips, 0, sizeof(trips));
	line.there = line.back = 0;
	pthread_create(&thread, NULL, raw_answer, NULL);
	uint64_t before = myc_clock_ns();
	for (uint64_t i = 1; i <= TRIPS; i++) {
		atomic_store_explicit(&line.there, i, memory_order_release);
		while (atomic_load_explicit(&line.back, memory_order_acquire) != i)
			;
		uint64_t now = myc_clock_ns();

		myc_histogram_add(&trips, now - before);
		before = now;
	}
	pthread_join(thread, NULL);
	return (double)myc_histogram_quantile(&trips, 0.5) / 2;
}

/* ---- actors ------------------------------------------------------------------------------------ */

/* Results, in memory that a forked process shares. */
static struct shared {
	struct myc_histogram trips;
	_Atomic uint64_t ns;
	_Atomic bool done;
} * shared;

struct player {
	struct myc_ref peer, self;
	uint64_t count, before;
};

static int answer(struct myc_actor *self, const struct myc_message *message)
{
	struct player *player = myc_state(self);

	if (!player->peer.address)
		myc_resolve(self, message->from, &player->peer);
	return myc_send(self, &player->peer, 1, message->payload, message->size);
}

static int serve(struct myc_actor *self)
{
	struct player *player = myc_state(self);
	uint64_t zero = 0;

	myc_address to = strtoull(myc_setting(self, "to", "0"), NULL, 0);

	if (myc_resolve(self, to, &player->peer)) /* the other process is still starting */
		return myc_timer_start(self, 1000000, 0, 0, NULL);
	return myc_send(self, &player->peer, 1, &zero, sizeof(zero));
}

static int serve_again(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return serve(self);
}

static int trip(struct myc_actor *self, const struct myc_message *message)
{
	struct player *player = myc_state(self);
	uint64_t now = myc_clock_ns();

	if (player->count++ > TRIPS / 10)
		myc_histogram_add(&shared->trips, now - player->before);
	player->before = now;
	if (player->count == TRIPS)
		shared->done = true;
	return player->count < TRIPS
		       ? myc_send(self, &player->peer, 1, message->payload, message->size)
		       : 0;
}

static int hop(struct myc_actor *self, const struct myc_message *message)
{
	struct player *player = myc_state(self);

	if (player->count++ == HOPS / 20)
		player->before = myc_clock_ns();
	if (player->count == HOPS / 2) {
		shared->ns = myc_clock_ns() - player->before;
		shared->done = true;
		return 0;
	}
	return myc_send(self, &player->peer, 1, message->payload, message->size);
}

/* Sends what credit allows, then yields through a message to itself. */
static int pour_some(struct myc_actor *self, uint64_t limit)
{
	struct player *player = myc_state(self);
	uint64_t burst = 0;

	while (player->count < limit && burst++ < TELL &&
	       !myc_try_send(self, &player->peer, 1, &player->count, sizeof(player->count)))
		player->count++;
	return player->count < limit ? myc_try_send(self, &player->self, 2, NULL, 0) : 0;
}

static int pour(struct myc_actor *self, const struct myc_message *message)
{
	(void)message;
	return pour_some(self, STREAM);
}

static int pour_start(struct myc_actor *self)
{
	struct player *player = myc_state(self);

	myc_resolve(self, strtoull(myc_setting(self, "to", "0"), NULL, 0), &player->peer);
	myc_resolve(self, myc_self(self), &player->self);
	return myc_send(self, &player->self, 2, NULL, 0);
}

static int drink(struct myc_actor *self, const struct myc_message *message)
{
	struct player *player = myc_state(self);
	uint64_t number;

	memcpy(&number, message->payload, sizeof(number));
	if (number != player->count++)
		abort();
	if (player->count % CHUNK)
		return 0;
	uint64_t now = myc_clock_ns();

	if (player->count > STREAM / 10)
		myc_histogram_add(&shared->trips, now - player->before);
	player->before = now;
	if (player->count >= STREAM)
		shared->done = true;
	return 0;
}

static const struct myc_behaviour answerer = {
	.name = "answerer", .state_size = sizeof(struct player), .message = answer};
static const struct myc_behaviour tripper = {.name = "tripper",
					     .state_size = sizeof(struct player),
					     .started = serve,
					     .timer = serve_again,
					     .message = trip};
static const struct myc_behaviour hopper = {
	.name = "hopper", .state_size = sizeof(struct player), .started = serve, .message = hop};
static const struct myc_behaviour pourer = {.name = "pourer",
					    .state_size = sizeof(struct player),
					    .started = pour_start,
					    .message = pour};
static const struct myc_behaviour drinker = {.name = "drinker",
					     .state_size = sizeof(struct player),
					     .mailbox_capacity = 4096,
					     .capacity_per_sender = 256,
					     .message = drink};

/* ---- systems ----------------------------------------------------------------------------------- */

static const struct myc_executor_opts spinning[2] = {{.core = 0, .idle = MYC_IDLE_SPIN},
						     {.core = 1, .idle = MYC_IDLE_SPIN}};

static void must(int code, const struct myc_error *error)
{
	char text[1024];

	if (!code)
		return;
	myc_error_format(error, text, sizeof(text));
	fprintf(stderr, "local_bench: %s\n", text);
	exit(1);
}

static myc_address spawn(struct myc_system *system, const struct myc_behaviour *behaviour,
			 uint32_t executor, myc_address to)
{
	char text[24];
	struct myc_setting setting = {.key = "to", .value = text};
	struct myc_spawn_opts opts = {.sz = sizeof(opts),
				      .behaviour = behaviour,
				      .executor = executor,
				      .settings = &setting,
				      .settings_count = 1};
	struct myc_error error = {0};
	myc_address address;

	snprintf(text, sizeof(text), "%llu", (unsigned long long)to);
	must(myc_spawn(system, &opts, &address, &error), &error);
	return address;
}

static void run(const struct myc_behaviour *target, const struct myc_behaviour *driver,
		uint32_t executors)
{
	struct myc_system_opts opts = {
		.sz = sizeof(opts), .executors = executors, .executor = spinning};
	struct myc_system *system;
	struct myc_error error = {0};

	memset(shared, 0, sizeof(*shared));
	must(myc_system_open(&system, &opts, &error), &error);
	spawn(system, driver, 0, spawn(system, target, executors - 1, 0));
	must(myc_system_start(system, &error), &error);
	while (!shared->done)
		usleep(2000);
	myc_system_stop(system, 1000);
	myc_system_close(system);
}

static void process(const int *fds, uint32_t which, struct myc_system **system)
{
	static struct myc_region regions[PROCESSES];
	struct myc_system_opts opts = {
		.sz = sizeof(opts), .executors = 1, .executor = &spinning[which]};
	struct myc_workspace workspace = {
		.process = which, .incarnation = 1, .processes = PROCESSES, .regions = regions};
	struct myc_error error = {0};

	for (uint32_t i = 0; i < PROCESSES; i++)
		must(myc_region_map(&regions[i], fds[i],
				    i == which ? MYC_REGION_OWNER : MYC_REGION_READER, &error),
		     &error);
	must(myc_system_join(system, &opts, &workspace, &error), &error);
	spawn(*system, which ? &answerer : &tripper, 0, myc_address_make(0, 1, MYC_SLOTS_FIXED, 1));
	must(myc_system_start(*system, &error), &error);
	if (which) /* until killed */
		pause();
	while (!shared->done)
		usleep(2000);
	myc_system_stop(*system, 1000);
	myc_system_close(*system);
	for (uint32_t i = 0; i < PROCESSES; i++)
		myc_region_unmap(&regions[i]);
}

static void run_processes(void)
{
	struct myc_system_opts opts = {.sz = sizeof(opts)};
	struct myc_system *system;
	struct myc_error error = {0};
	int fds[PROCESSES];

	memset(shared, 0, sizeof(*shared));
	for (uint32_t i = 0; i < PROCESSES; i++) {
		struct myc_region_plan plan = {0};

		must(myc_system_plan(&plan, &opts, PROCESSES, PROCESSES), &error);
		fds[i] = myc_region_create("bench", &plan, &error);
		must(fds[i] < 0 ? fds[i] : 0, &error);
	}
	pid_t child = fork();

	if (!child) {
		process(fds, 1, &system);
		_exit(0);
	}
	process(fds, 0, &system);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	for (uint32_t i = 0; i < PROCESSES; i++)
		close(fds[i]);
}

/* ---- figures ----------------------------------------------------------------------------------- */

#define RAW "raw cache line hand-over, p50"

static void trips(struct bench *bench, const char *p50, const char *p999)
{
	bench_sample(bench, p50, "ns", (double)myc_histogram_quantile(&shared->trips, 0.5) / 2);
	bench_sample(bench, p999, "ns", (double)myc_histogram_quantile(&shared->trips, 0.999) / 2);
}

int main(void)
{
	struct bench bench;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	bench_begin(&bench, "local", "8-byte messages, executors spin on cores 0 and 1");
	for (int i = 0; i < RUNS; i++) {
		bench_pin(0);
		bench_sample(&bench, RAW, "ns", raw());
		run(&answerer, &tripper, 2);
		trips(&bench, "one-way, two executors, p50", "one-way, two executors, p99.9");
		run_processes();
		trips(&bench, "one-way, two processes, p50", "one-way, two processes, p99.9");
		run(&drinker, &pourer, 2);
		bench_sample(&bench, "stream, two executors", "ns/message",
			     (double)myc_histogram_quantile(&shared->trips, 0.5) / CHUNK);
		run(&answerer, &hopper, 1);
		bench_sample(&bench, "full hop, same executor", "ns/message",
			     (double)shared->ns / (HOPS * 0.9));
		run(&drinker, &pourer, 1);
		bench_sample(&bench, "tell (64 sent, 64 handled), same executor", "ns/message",
			     (double)myc_histogram_quantile(&shared->trips, 0.5) / CHUNK);
	}
	bench_raw(&bench, "one-way, two executors, p50", RAW);
	bench_raw(&bench, "one-way, two processes, p50", RAW);
	bench_bar(&bench, "one-way, two executors, p50", BENCH_RATIO_AT_MOST, 2.0);
	bench_bar(&bench, "one-way, two processes, p50", BENCH_RATIO_AT_MOST, 2.0);
	bench_bar(&bench, "stream, two executors", BENCH_AT_MOST, 40);
	bench_bar(&bench, "full hop, same executor", BENCH_AT_MOST, 60);
	return bench_finish(&bench);
}
