/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is any message on its way yet between a stopping system's executors? Mattern's four counters: each tells what it has
 * sent and received, by a store with release that the others load with acquire.
 */
#include "core/executor.h"

/* What a cut lane holds is lost, and counted as a fault: neither sent nor received. */
static void sums(const struct myc_executor *executor, uint64_t *sent, uint64_t *received)
{
	const struct myc_system *system = executor->system;

	*sent = 0;
	*received = 0;
	for (uint32_t i = 0; i < executor->out.roads; i++)
		if (executor->out.road[i].peer && !myc_road_cut(&executor->out.road[i]) &&
		    executor->out.road[i].process == system->workspace.process)
			*sent += executor->out.road[i].lane.head[MYC_RING_ORDINARY] +
				 executor->out.road[i].lane.head[MYC_RING_URGENT];
	for (uint32_t i = 0; i < executor->inlets; i++)
		if (executor->inlet[i].block && executor->inlet[i].peer &&
		    !executor->inlet[i].cut &&
		    myc_lane_end_process(executor->inlet[i].source) == system->workspace.process)
			*received += executor->inlet[i].lane.next[MYC_RING_ORDINARY] +
				     executor->inlet[i].lane.next[MYC_RING_URGENT];
}

/* All executors quiet, and as much received as sent (in 32 bits, as positions are). */
static bool balance(const struct myc_system *system, uint64_t *total)
{
	uint64_t sent = 0, received = 0;

	/* Received first: what is sent in between shows as a difference. */
	for (uint32_t i = 0; i < system->executors; i++)
		received += __atomic_load_n(&system->executor[i].drain_received, __ATOMIC_ACQUIRE);
	for (uint32_t i = 0; i < system->executors; i++) {
		if (!__atomic_load_n(&system->executor[i].drain_quiet, __ATOMIC_ACQUIRE))
			return false;
		sent += __atomic_load_n(&system->executor[i].drain_sent, __ATOMIC_ACQUIRE);
	}
	*total = received;
	return (uint32_t)sent == (uint32_t)received;
}

void myc_executor_tally(struct myc_executor *executor)
{
	uint64_t sent, received;

	sums(executor, &sent, &received);
	__atomic_store_n(&executor->drain_received, received, __ATOMIC_RELEASE);
	__atomic_store_n(&executor->drain_sent, sent, __ATOMIC_RELEASE);
	__atomic_store_n(&executor->drain_quiet,
			 !executor->outbox_count && !executor->signals.count, __ATOMIC_RELEASE);
}

/* Twice the same balance means that nothing is on its way. */
bool myc_executor_drained(struct myc_executor *executor)
{
	uint64_t first, second;

	myc_executor_tally(executor);
	return balance(executor->system, &first) && balance(executor->system, &second) &&
	       first == second;
}
