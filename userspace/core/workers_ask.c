/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of workers: what others may read of one, and tell it. */
#include "core/workers.h"

#include <errno.h>

#include "core/wait.h"

#define POST_NS 1000000000u

typedef uint64_t __attribute__((may_alias)) word;

/* ---- what others read -------------------------------------------------------------------------- */

static void words_store(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(word); i++)
		__atomic_store_n((word *)to + i, ((const word *)from)[i], __ATOMIC_RELAXED);
}

static void words_load(void *to, const void *from, size_t size)
{
	for (size_t i = 0; i < size / sizeof(word); i++)
		((word *)to)[i] = __atomic_load_n((const word *)from + i, __ATOMIC_RELAXED);
}

_Static_assert(sizeof(struct myc_workers_numbers) % sizeof(word) == 0, "whole words");
_Static_assert(sizeof(struct myc_workers_settings) % sizeof(word) == 0, "whole words");
_Static_assert(sizeof(struct myc_worker_numbers) % sizeof(word) == 0, "whole words");

void myc_workers_publish(struct myc_workers *workers)
{
	struct myc_workers_shared *shared = workers->shared;

	__atomic_store_n(&shared->count, shared->count + 1, __ATOMIC_RELAXED);
	/* The odd count before the words. Pairs with the acquire fence in `read_shared`. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	words_store(&shared->numbers, &workers->numbers, sizeof(workers->numbers));
	if (workers->settings_changed) {
		words_store(&shared->settings, &workers->settings, sizeof(workers->settings));
		__atomic_store_n(&shared->changes, shared->changes + 1, __ATOMIC_RELAXED);
	}
	workers->settings_changed = false;
	for (uint32_t i = 0; i < MYC_WORKERS_MAX / 64; i++)
		for (; workers->changed[i]; workers->changed[i] &= workers->changed[i] - 1) {
			uint32_t k = 64 * i + (uint32_t)__builtin_ctzll(workers->changed[i]);

			words_store(&shared->place[k], &workers->place[k].numbers,
				    sizeof(shared->place[k]));
		}
	/* The words before the even count. Pairs with the acquire load in `read_shared`. */
	__atomic_store_n(&shared->count, shared->count + 1, __ATOMIC_RELEASE);
}

static void read_shared(const struct myc_workers *workers, void *to, const void *from, size_t size)
{
	const uint64_t *count = &workers->shared->count;

	for (;;) {
		uint64_t before = __atomic_load_n(count, __ATOMIC_ACQUIRE);

		words_load(to, from, size);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		if (!(before & 1) && __atomic_load_n(count, __ATOMIC_RELAXED) == before)
			return;
		sched_yield();
	}
}

void myc_workers_read(const struct myc_workers *workers, struct myc_workers_numbers *numbers,
		      struct myc_workers_settings *settings)
{
	if (numbers)
		read_shared(workers, numbers, &workers->shared->numbers, sizeof(*numbers));
	if (settings)
		read_shared(workers, settings, &workers->shared->settings, sizeof(*settings));
}

int myc_workers_read_worker(const struct myc_workers *workers, uint32_t worker,
			    struct myc_worker_numbers *numbers)
{
	if (worker >= workers->opts.workers_max)
		return -ENOENT;
	read_shared(workers, numbers, &workers->shared->place[worker], sizeof(*numbers));
	return 0;
}

myc_address myc_workers_address(const struct myc_workers *workers)
{
	return workers->intake_address;
}

myc_address myc_workers_control(const struct myc_workers *workers)
{
	return workers->control_address;
}

/* ---- telling control --------------------------------------------------------------------------- */

static bool has_ended(const struct myc_workers *workers)
{
	struct myc_workers_numbers numbers;

	myc_workers_read(workers, &numbers, NULL);
	return numbers.state == MYC_WORKERS_ENDED;
}

int myc_workers_change(struct myc_workers *workers, const struct myc_workers_settings *settings)
{
	uint64_t before = __atomic_load_n(&workers->shared->changes, __ATOMIC_RELAXED);
	struct myc_wait wait = myc_wait_begin(workers->system, POST_NS);
	int code = myc_workers_check(workers, settings);

	if (!code)
		code = myc_post(workers->system, workers->control_address, MYC_WORKERS_CHANGE,
				settings, sizeof(*settings), POST_NS);
	while (!code && __atomic_load_n(&workers->shared->changes, __ATOMIC_RELAXED) == before) {
		if (has_ended(workers))
			return -ESRCH;
		if (!myc_wait_more(&wait))
			return -ETIMEDOUT;
	}
	return code;
}

static int send_control(struct myc_actor *self, const struct myc_workers *workers, uint16_t type,
			const void *payload, size_t size)
{
	struct myc_ref ref;
	int code = myc_resolve(self, workers->control_address, &ref);

	return code ? code : myc_send(self, &ref, type, payload, size);
}

int myc_workers_change_by(struct myc_actor *self, struct myc_workers *workers,
			  const struct myc_workers_settings *settings)
{
	int code = myc_workers_check(workers, settings);

	return code ? code
		    : send_control(self, workers, MYC_WORKERS_CHANGE, settings, sizeof(*settings));
}

int myc_workers_drain_by(struct myc_actor *self, struct myc_workers *workers, uint64_t deadline_ns)
{
	return send_control(self, workers, MYC_WORKERS_END, &deadline_ns, sizeof(deadline_ns));
}

int myc_workers_drain(struct myc_workers *workers, uint64_t deadline_ns)
{
	struct myc_wait wait = myc_wait_begin(workers->system, UINT64_MAX);
	int code = myc_post(workers->system, workers->control_address, MYC_WORKERS_END,
			    &deadline_ns, sizeof(deadline_ns), POST_NS);

	if (code && code != -ESRCH)
		return code;
	while (!has_ended(workers))
		(void)myc_wait_more(&wait);
	return atomic_load_explicit(&workers->late, memory_order_relaxed) ? -ETIMEDOUT : 0;
}
