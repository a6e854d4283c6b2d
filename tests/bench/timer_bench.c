/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Timers of one executor with 1, 1,000 and 100,000 pending, delays of 1 ms to 10 s at random, a thousand
 * actors' (as far as there are timers). Start and cancel: portions of the pending ones, picked at random,
 * are cancelled, then as many started. Fire: everything pending comes due on a virtual clock in steps of a
 * millisecond; per timer. Late: an actor on a spinning executor has them all pending and handles them
 * within 2 s of the real clock; the handler's time less the due time. Its limit is a bare loop on the same
 * core that knows nothing but a sorted array of as many times: what the machine takes away.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <mycelium/mycelium.h>

#include "base/clock.h"
#include "base/histogram.h"
#include "common/bench.h"
#include "core/executor.h"

#define MANY	 100000u
#define PORTION	 1000u
#define ROUNDS	 200u
#define ACTORS	 1000u
#define RUNS	 7
#define BARE_P99 "late, bare loop over a sorted array, p99"

static struct myc_actor *actor;
static uint32_t head[ACTORS];
static struct myc_timer handle[MANY + PORTION];
static uint32_t pick[PORTION];
static uint64_t chance = 1, now;
static struct myc_timers timers;

static uint64_t any(uint64_t below)
{
	chance ^= chance >> 12;
	chance ^= chance << 25;
	chance ^= chance >> 27;
	return (chance * 0x2545f4914f6cdd1dull >> 20) % below;
}

static uint64_t some_delay(void)
{
	return 1000000 + any(10000000000ull);
}

static void must(int code)
{
	if (!code)
		return;
	fprintf(stderr, "timer_bench: %s\n", strerror(-code));
	exit(1);
}

static void start(uint32_t i, uint64_t due)
{
	must(myc_timers_start(&timers, &actor[i % ACTORS], &head[i % ACTORS], due, 0, i,
			      &handle[i]));
}

static void cancel(uint32_t i)
{
	must(myc_timers_cancel(&timers, &actor[i % ACTORS], &head[i % ACTORS], handle[i]));
}

/* `portion` different ones of `pending`. */
static void pick_some(uint32_t pending, uint32_t portion)
{
	uint32_t first = (uint32_t)any(pending), step = (uint32_t)any(pending / portion) + 1;

	for (uint32_t i = 0; i < portion; i++)
		pick[i] = (first + i * step) % pending;
	for (uint32_t i = portion; i-- > 1;) {
		uint32_t other = (uint32_t)any(i + 1), one = pick[i];

		pick[i] = pick[other];
		pick[other] = one;
	}
}

/* A virtual executor's turn, 50 us after the last. */
static void turn(void)
{
	struct myc_timer_entry *entry;

	now += 50000;
	while ((entry = myc_timers_due(&timers, now))) {
		uint32_t i = (uint32_t)entry->cookie;

		myc_timers_fired(&timers, &head[i % ACTORS], entry, now);
		start(i, now + some_delay());
	}
}

static void start_and_cancel(struct bench *bench, uint32_t pending)
{
	static uint64_t due[PORTION];
	uint32_t portion = pending < PORTION ? pending : PORTION;
	uint64_t starting = 0, cancelling = 0, looks = 0;
	uint32_t rounds = ROUNDS * PORTION / portion;
	char name[72];

	/* The clock's own cost, for portions so small that it counts. */
	uint64_t begun = myc_clock_ns();
	for (int i = 0; i < 1000; i++)
		looks = myc_clock_ns() - begun;
	double look = (double)looks / 1000;

	for (uint32_t i = 0; i < pending; i++)
		start(i, now + some_delay());
	for (uint32_t round = 0; round < rounds; round++) {
		pick_some(pending, portion);
		for (uint32_t i = 0; i < portion; i++)
			due[i] = now + some_delay();
		uint64_t t0 = myc_clock_ns();
		for (uint32_t i = 0; i < portion; i++)
			cancel(pick[i]);
		uint64_t t1 = myc_clock_ns();
		for (uint32_t i = 0; i < portion; i++)
			start(pick[i], due[i]);
		uint64_t t2 = myc_clock_ns();

		cancelling += t1 - t0;
		starting += t2 - t1;
		turn();
	}
	double n = (double)rounds * portion;

	snprintf(name, sizeof(name), "start, %u pending", pending);
	bench_sample(bench, name, "ns", ((double)starting - rounds * look) / n);
	snprintf(name, sizeof(name), "cancel, %u pending", pending);
	bench_sample(bench, name, "ns", ((double)cancelling - rounds * look) / n);

	uint32_t fired = 0;
	uint64_t t0 = myc_clock_ns(), spent;
	while (timers.count) {
		struct myc_timer_entry *entry;

		now += 1000000;
		while ((entry = myc_timers_due(&timers, now))) {
			myc_timers_fired(&timers, &head[entry->cookie % ACTORS], entry, now);
			fired++;
		}
		if (timers.next_ns > now && timers.count)
			now = timers.next_ns - 1;
	}
	spent = myc_clock_ns() - t0;
	snprintf(name, sizeof(name), "fire, %u pending", pending);
	bench_sample(bench, name, "ns/timer", (double)spent / fired);
}

/* ---- on the clock ------------------------------------------------------------------------------ */

static struct myc_histogram late;
static _Atomic uint32_t left;
static uint32_t to_start;
static uint64_t *due_of;

static int arm(struct myc_actor *self)
{
	for (uint32_t i = 0; i < to_start; i++) {
		uint64_t delay = 500000000 + any(1500000000);

		due_of[i] = myc_now_ns(self) + delay;
		must(myc_timer_start(self, delay, 0, i, NULL));
	}
	return 0;
}

static int note(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	myc_histogram_add(&late, myc_clock_ns() - due_of[cookie]);
	atomic_fetch_sub_explicit(&left, 1, memory_order_release);
	return 0;
}

static const struct myc_behaviour alarm_clock = {
	.name = "alarm clock", .started = arm, .timer = note};

static void lateness(struct bench *bench, uint32_t pending)
{
	static const struct myc_executor_opts spinning = {
		.core = 1, .idle = MYC_IDLE_SPIN, .timers = MANY};
	struct myc_system_opts opts = {.sz = sizeof(opts), .executors = 1, .executor = &spinning};
	struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &alarm_clock};
	struct myc_system *system;
	myc_address address;
	char name[72];

	memset(&late, 0, sizeof(late));
	left = to_start = pending;
	must(myc_system_open(&system, &opts, NULL));
	must(myc_spawn(system, &spawn, &address, NULL));
	must(myc_system_start(system, NULL));
	while (atomic_load_explicit(&left, memory_order_acquire))
		usleep(5000);
	myc_system_stop(system, 1000);
	myc_system_close(system);
	snprintf(name, sizeof(name), "late, %u pending, p50", pending);
	bench_sample(bench, name, "ns", (double)myc_histogram_quantile(&late, 0.5));
	snprintf(name, sizeof(name), "late, %u pending, p99", pending);
	bench_sample(bench, name, "ns", (double)myc_histogram_quantile(&late, 0.99));
	snprintf(name, sizeof(name), "late, %u pending, p99.9", pending);
	bench_sample(bench, name, "ns", (double)myc_histogram_quantile(&late, 0.999));
}

static int by_time(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static void bare_lateness(struct bench *bench)
{
	bench_pin(1);
	memset(&late, 0, sizeof(late));
	uint64_t begun = myc_clock_ns();
	for (uint32_t i = 0; i < MANY; i++)
		due_of[i] = begun + 500000000 + any(1500000000);
	qsort(due_of, MANY, sizeof(*due_of), by_time);
	for (uint32_t i = 0; i < MANY; i++) {
		uint64_t at;

		do
			at = myc_clock_ns();
		while (at < due_of[i]);
		myc_histogram_add(&late, at - due_of[i]);
	}
	bench_sample(bench, "late, bare loop over a sorted array, p50", "ns",
		     (double)myc_histogram_quantile(&late, 0.5));
	bench_sample(bench, BARE_P99, "ns", (double)myc_histogram_quantile(&late, 0.99));
	bench_sample(bench, "late, bare loop over a sorted array, p99.9", "ns",
		     (double)myc_histogram_quantile(&late, 0.999));
}

int main(void)
{
	static const uint32_t pending[] = {1, 1000, MANY};
	struct bench bench;

	bench_begin(&bench, "timer", "one executor's timers, core 1; late: idle strategy spin");
	actor = calloc(ACTORS, sizeof(*actor));
	due_of = calloc(MANY, sizeof(*due_of));
	for (uint32_t i = 0; i < ACTORS; i++)
		head[i] = MYC_TIMER_NONE;
	if (!actor || !due_of)
		return 1;
	must(myc_timers_open(&timers, MANY + PORTION));
	for (int run = 0; run < RUNS; run++) {
		bench_pin(1);
		for (int i = 0; i < 3; i++)
			start_and_cancel(&bench, pending[i]);
		bench_pin(0);
		for (int i = 1; i < 3; i++)
			lateness(&bench, pending[i]);
		bare_lateness(&bench);
	}
	bench_raw(&bench, "late, 100000 pending, p99", BARE_P99);
	bench_bar(&bench, "start, 1000 pending", BENCH_AT_MOST, 60);
	bench_bar(&bench, "cancel, 1000 pending", BENCH_AT_MOST, 60);
	bench_bar(&bench, "start, 100000 pending", BENCH_AT_MOST, 60);
	bench_bar(&bench, "cancel, 100000 pending", BENCH_AT_MOST, 60);
	bench_bar(&bench, "late, 100000 pending, p99", BENCH_AT_MOST, 2000);
	myc_timers_close(&timers);
	free(actor);
	free(due_of);
	return bench_finish(&bench);
}
