/* SPDX-License-Identifier: Apache-2.0 */
#include "core/thread.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

#include "core/wait.h"
#include "core/wake.h"

#define NAP_NS	   50000
#define TURNS_MAX  64	    /* of a parked one in one look */
#define HUNG_NS	   50000000 /* without the end of a turn, */
#define HUNG_LOOKS 6	    /* so many times in a row: in a handler */

static bool step(struct myc_executor *executor, uint32_t from, uint32_t to)
{
	return __atomic_compare_exchange_n(&executor->bound, &from, to, false, __ATOMIC_ACQ_REL,
					   __ATOMIC_RELAXED);
}

static void nap(long ns)
{
	struct timespec wait = {.tv_nsec = ns};

	nanosleep(&wait, NULL);
}

/* It ended, or is about to return. */
static void join(struct myc_executor *executor)
{
	if (executor->started)
		pthread_join(executor->thread, NULL);
	executor->started = false;
}

/* ---- spawning ---------------------------------------------------------------------------------- */

int myc_thread_take(struct myc_system *system, uint32_t *index, struct myc_error *error)
{
	for (bool swept = true; swept; nap(NAP_NS)) {
		swept = false;
		if (atomic_load_explicit(&system->stop, memory_order_relaxed))
			return myc_error_set(error, -ESHUTDOWN, NULL,
					     "the system is being stopped");
		for (uint32_t i = system->opts.executors; i < system->executors; i++) {
			struct myc_executor *executor = &system->executor[i];

			if (step(executor, MYC_THREAD_PARKED, MYC_THREAD_TAKEN)) {
				join(executor);
				executor->bound_from = executor->offered;
				executor->bound_actor = MYC_NOBODY;
				*index = i;
				return 0;
			}
			swept |= __atomic_load_n(&executor->bound, __ATOMIC_RELAXED) ==
				 MYC_THREAD_SWEPT;
		}
	}
	return myc_error_set(error, -ENOSPC, "raise `threads` in the system's options",
			     "all %u executors for actors with a thread of their own are in use",
			     system->opts.threads);
}

int myc_thread_launch(struct myc_executor *executor, struct myc_error *error)
{
	struct myc_system *system = executor->system;
	int code = -pthread_create(&executor->thread, NULL, myc_executor_run, executor);

	executor->started = !code;
	system->running += !code;
	return code ? myc_error_set(error, code, NULL, "no thread for executor %u: %s",
				    executor->index, strerror(-code))
		    : 0;
}

void myc_thread_untake(struct myc_executor *executor, bool launched)
{
	if (!launched) {
		step(executor, MYC_THREAD_TAKEN, MYC_THREAD_PARKED);
		return;
	}
	__atomic_store_n(&executor->bound_unused, true, __ATOMIC_RELEASE);
	myc_executor_ring(executor);
}

/* ---- parking ----------------------------------------------------------------------------------- */

static bool over(const struct myc_executor *executor)
{
	uint32_t offered = __atomic_load_n(&executor->offered, __ATOMIC_ACQUIRE);

	return offered == executor->taken && !executor->actors && !executor->ended_actors &&
	       !executor->outbox_count && !executor->signals.count &&
	       (offered != executor->bound_from ||
		__atomic_load_n(&executor->bound_unused, __ATOMIC_ACQUIRE));
}

bool myc_thread_parked(struct myc_executor *executor)
{
	struct myc_system *system = executor->system;

	if (!myc_thread_is(executor) || !over(executor))
		return false;
	myc_receiver_publish(executor);
	if (executor->out.dirty)
		myc_sender_wake(&executor->out);
	myc_sleep_announce(&executor->words->asleep, false);
	if (myc_executor_busy(executor)) {
		myc_sleep_end(&executor->words->asleep);
		return false;
	}
	executor->bound_unused = false;
	pthread_mutex_lock(&system->mutex);
	system->running--;
	pthread_cond_broadcast(&system->ended);
	pthread_mutex_unlock(&system->mutex);
	step(executor, MYC_THREAD_TAKEN, MYC_THREAD_PARKED);
	/* Its bell is another one's now. */
	myc_executor_ring(&system->executor[0]);
	return true;
}

/* ---- keeping ----------------------------------------------------------------------------------- */

static unsigned sweep(struct myc_executor *executor)
{
	bool stops = atomic_load_explicit(&executor->system->stop, memory_order_relaxed);
	unsigned n = 0, turns = TURNS_MAX, got;
	uint64_t rings;

	join(executor);
	ssize_t bell = read(executor->bell, &rings, sizeof(rings));
	(void)bell;
	myc_sleep_end(&executor->words->asleep);
	if (!executor->begun)
		myc_executor_begin(executor);
	do {
		got = myc_executor_turn(executor, true);
		n += got;
	} while (got && --turns);
	if (stops)
		myc_executor_tally(executor);
	myc_sleep_announce(&executor->words->asleep, false);
	return n + (!stops && myc_executor_busy(executor));
}

unsigned myc_threads_sweep(struct myc_executor *keeper)
{
	struct myc_system *system = keeper->system;
	unsigned n = 0;

	for (uint32_t i = system->opts.executors; i < system->executors; i++) {
		struct myc_executor *executor = &system->executor[i];

		if (!step(executor, MYC_THREAD_PARKED, MYC_THREAD_SWEPT))
			continue;
		n += sweep(executor);
		step(executor, MYC_THREAD_SWEPT, MYC_THREAD_PARKED);
	}
	return n;
}

unsigned myc_threads_bells(const struct myc_executor *keeper, struct pollfd *set, unsigned max)
{
	const struct myc_system *system = keeper->system;
	unsigned n = 0;

	for (uint32_t i = system->opts.executors; i < system->executors && n < max; i++)
		if (__atomic_load_n(&system->executor[i].bound, __ATOMIC_RELAXED) ==
		    MYC_THREAD_PARKED)
			set[n++] =
				(struct pollfd){.fd = system->executor[i].bell, .events = POLLIN};
	return n;
}

/* ---- who hangs --------------------------------------------------------------------------------- */

/* Has it ended no turn since? In a stopping system they do not sleep before their end. */
static bool stays(const struct myc_executor *executor, uint64_t turns)
{
	return __atomic_load_n(&executor->bound, __ATOMIC_ACQUIRE) == MYC_THREAD_TAKEN &&
	       !__atomic_load_n(&executor->over, __ATOMIC_ACQUIRE) &&
	       __atomic_load_n(&executor->words->turns, __ATOMIC_RELAXED) == turns;
}

uint32_t myc_system_hung(struct myc_system *system, myc_address *actor, uint32_t max)
{
	uint64_t turns[MYC_EXECUTORS_MAX] = {0};
	uint32_t n = 0;

	for (uint32_t i = system->opts.executors; i < system->executors; i++)
		turns[i] = __atomic_load_n(&system->executor[i].words->turns, __ATOMIC_RELAXED);
	/* Again and again: on a busy machine a thread may not have run at all for a while. */
	for (uint32_t look = 0; look < HUNG_LOOKS && (n || !look); look++) {
		nap(HUNG_NS);
		n = 0;
		for (uint32_t i = system->opts.executors; i < system->executors && n < max; i++)
			if (stays(&system->executor[i], turns[i]))
				actor[n++] = __atomic_load_n(&system->executor[i].bound_actor,
							     __ATOMIC_RELAXED);
	}
	return n;
}
