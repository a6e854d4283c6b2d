/* SPDX-License-Identifier: Apache-2.0 */
/* What a dead process leaves whose place nobody takes: see myc_system_clear in core/process.h. */
#include <time.h>
#include <unistd.h>

#include "core/executor.h"
#include "core/wait.h"

#define LOOK_NS 1000000

/* Has it sent, or named a dead letter, all that its predecessor's actors had sent? */
static bool outbox_empty(const struct myc_executor *executor)
{
	for (uint32_t i = 0; i < executor->words->outbox; i++)
		if (__atomic_load_n(&executor->outbox[i].order, __ATOMIC_RELAXED))
			return false;
	return true;
}

/* Is all home that it had borrowed from those who live to take it? */
static bool loans_home(const struct myc_executor *executor)
{
	const struct myc_system *system = executor->system;
	const struct myc_pool *pool = &executor->out.pool;

	for (uint32_t i = 0; i < pool->shape.loans; i++)
		if (__atomic_load_n(&pool->loan[i].state, __ATOMIC_RELAXED) &&
		    !myc_known_dead(system, myc_lane_end_process(pool->loan[i].owner)))
			return false;
	return true;
}

/* One that sleeps has looked into all its lanes. What comes to those of actors with a thread of their own is executor
 * 0's to see to, before it sleeps. */
static bool at_rest(const struct myc_system *system, const uint64_t *naps)
{
	for (uint32_t i = 0; i < system->executors; i++) {
		const struct myc_executor *executor = &system->executor[i];

		if (i < system->opts.executors &&
		    __atomic_load_n(&executor->words->naps, __ATOMIC_ACQUIRE) == naps[i])
			return false;
		if (!outbox_empty(executor) || !loans_home(executor))
			return false;
	}
	return true;
}

/* Who sleeps while its actors wait for those of the dead process has heard of nothing yet. */
static void ring_others(const struct myc_system *system)
{
	const struct myc_workspace *workspace = &system->workspace;
	const uint64_t one = 1;

	for (uint32_t p = 0; p < workspace->processes && workspace->bell; p++)
		for (uint32_t e = 0; e < MYC_EXECUTORS_MAX && p != workspace->process; e++) {
			int bell = workspace->bell(workspace->context, p, e);
			/* Full (EAGAIN) means that it is rung already. */
			ssize_t written = bell < 0 ? 0 : write(bell, &one, sizeof(one));

			(void)written;
		}
}

void myc_system_clear(struct myc_system *system)
{
	const struct timespec pause = {.tv_nsec = LOOK_NS};
	uint64_t naps[MYC_EXECUTORS_MAX] = {0};

	for (uint32_t i = 0; i < system->opts.executors; i++) {
		naps[i] = __atomic_load_n(&system->executor[i].words->naps, __ATOMIC_RELAXED);
		myc_executor_ring(&system->executor[i]); /* it may be asleep already */
	}
	ring_others(system);
	while (!atomic_load_explicit(&system->stop, memory_order_relaxed) && !at_rest(system, naps))
		nanosleep(&pause, NULL);
}
