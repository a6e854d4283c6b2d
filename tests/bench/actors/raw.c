/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's limits, between core 0 and core 1:
 *	raw line     a cache line handed over and another one back, half a round trip
 *	raw futex    from the waker's call to the first instruction of the woken thread
 */
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/syscall.h>

#include "measure.h"

#define TRIPS  (MEASURE_WARM + MEASURE_TRIPS)
#define WAKES  200
#define GAP_NS 2000000 /* between two wake-ups: as the sleeping executor's figure has it */

static struct {
	_Alignas(128) _Atomic uint64_t there;
	_Alignas(128) _Atomic uint64_t back;
} line;

static uint64_t sample[MEASURE_TRIPS];

/* ---- the line ---------------------------------------------------------------------------------- */

static void *line_answer(void *unused)
{
	measure_pin(1);
	for (uint64_t i = 1; i <= TRIPS; i++) {
		while (atomic_load_explicit(&line.there, memory_order_acquire) != i)
			;
		atomic_store_explicit(&line.back, i, memory_order_release);
	}
	return unused;
}

static void line_run(void)
{
	uint64_t before = measure_ticks();

	for (uint64_t i = 1; i <= TRIPS; i++) {
		atomic_store_explicit(&line.there, i, memory_order_release);
		while (atomic_load_explicit(&line.back, memory_order_acquire) != i)
			;
		uint64_t now = measure_ticks();

		if (i > MEASURE_WARM)
			sample[i - MEASURE_WARM - 1] = now - before;
		before = now;
	}
}

/* ---- the futex --------------------------------------------------------------------------------- */

static _Alignas(128) _Atomic uint32_t word;
static _Alignas(128) _Atomic uint64_t stamp;

static void *futex_sleep(void *unused)
{
	measure_pin(1);
	for (uint32_t i = 0; i < WAKES; i++) {
		while (atomic_load_explicit(&word, memory_order_acquire) == i)
			syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, i, NULL, NULL, 0);
		sample[i] = measure_ticks() - atomic_load_explicit(&stamp, memory_order_relaxed);
	}
	return unused;
}

static void futex_wake(void)
{
	for (uint32_t i = 0; i < WAKES; i++) {
		uint64_t begun = measure_ns();

		while (measure_ns() - begun < GAP_NS)
			;
		atomic_store_explicit(&stamp, measure_ticks(), memory_order_relaxed);
		/* Release: the stamp. Pairs with the acquire of who sleeps. */
		atomic_store_explicit(&word, i + 1, memory_order_release);
		syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
	}
}

/* ---- which ------------------------------------------------------------------------------------- */

static void with_another(void *(*other)(void *), void (*one)(void))
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, other, NULL)) {
		fprintf(stderr, "no thread\n");
		exit(1);
	}
	one();
	pthread_join(thread, NULL);
}

int main(int argc, char **argv)
{
	const char *what = argc == 2 ? argv[1] : "";

	measure_pin(0);
	measure_tick_ns();
	measure_touch(sample, MEASURE_TRIPS);
	if (!strcmp(what, "line")) {
		with_another(line_answer, line_run);
		measure_report_trips(sample, MEASURE_TRIPS, "",
				     "threads, spin, cores 0+1, 1 line polled");
	} else if (!strcmp(what, "futex")) {
		with_another(futex_sleep, futex_wake);
		qsort(sample, WAKES, sizeof(*sample), measure_order);
		measure_report("woken and handling, p50", "ns",
			       measure_quantile(sample, WAKES, 0.5) * measure_tick_ns(),
			       "futex wait, woken from core 0, on core 1, 2 ms apart");
	} else {
		fprintf(stderr, "usage: raw line|futex\n");
		return 2;
	}
	return 0;
}
