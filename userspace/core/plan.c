/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan.h"

#include <errno.h>
#include <string.h>

#include "base/numa.h"
#include "core/directory.h"
#include "core/letter.h"
#include "core/schemas.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/topic_actor.h"

#define ACTORS	     1024
#define LANE_SLOTS   4096 /* written anew when they have left the first caches of both: system.h */
#define PLAIN_SLOTS  256  /* of a plain thread's lanes */
#define URGENT_SLOTS 64
#define OUTBOX	     1024
#define PENDING	     8192
#define GROWTH_MAX   (1u << 24)
#define SLOTS_MAX    (1u << MYC_SLOT_BITS)

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

int myc_plan_options(struct myc_system_opts *opts, const struct myc_system_opts *given,
		     struct myc_error *error)
{
	if (given && given->sz < offsetof(struct myc_system_opts, executor))
		return myc_error_set(error, -EINVAL,
				     "set opts.sz to sizeof(struct myc_system_opts)",
				     "system options have size %zu", given->sz);
	*opts = (struct myc_system_opts){.sz = sizeof(*opts)};
	if (given)
		memcpy(opts, given, given->sz < sizeof(*opts) ? given->sz : sizeof(*opts));
	opts->executors = or_default(opts->executors, 1);
	opts->actors = or_default(opts->actors, ACTORS);
	opts->lane_urgent_slots = or_default(opts->lane_urgent_slots, URGENT_SLOTS);
	opts->outbox = or_default(opts->outbox, OUTBOX);
	opts->pending = or_default(opts->pending, PENDING);
	if (opts->executors > MYC_EXECUTORS_MAX || opts->threads > MYC_THREADS_MAX ||
	    myc_executors_all(opts) > MYC_EXECUTORS_MAX)
		return myc_error_set(error, -EINVAL,
				     "use 1 to 64 executors, at most 16 threads, 64 in all",
				     "%u executors and %u threads", opts->executors, opts->threads);
	if (opts->actors > SLOTS_MAX - MYC_SLOTS_FIXED)
		return myc_error_set(error, -EINVAL, "use at most 1048512", "%u actors",
				     opts->actors);
	if (opts->lane_slots & (opts->lane_slots - 1) || opts->lane_slots > MYC_LANE_SLOTS_MAX ||
	    opts->lane_urgent_slots & (opts->lane_urgent_slots - 1) ||
	    opts->lane_urgent_slots > MYC_LANE_SLOTS_MAX)
		return myc_error_set(error, -EINVAL, "use a power of two, at most 32768",
				     "lanes of %u and %u slots", opts->lane_slots,
				     opts->lane_urgent_slots);
	if ((uint32_t)opts->cycles > MYC_CYCLES_KILL)
		return myc_error_set(error, -EINVAL, "use one of enum myc_cycles",
				     "policy %d for cycles of spent credit", (int)opts->cycles);
	if (opts->outbox > 1u << 20 || opts->pending > 1u << 24)
		return myc_error_set(error, -EINVAL, "use at most 2^20 and 2^24",
				     "an outbox of %u and %u pending messages", opts->outbox,
				     opts->pending);
	if (opts->growth > GROWTH_MAX)
		return myc_error_set(error, -EINVAL, "use at most 2^24",
				     "mailboxes without bounds of %u messages", opts->growth);
	opts->growth = (opts->growth + MYC_CHUNK - 1) / MYC_CHUNK * MYC_CHUNK;
	return 0;
}

struct myc_lanes myc_plan_lanes(const struct myc_system_opts *opts, uint32_t executors_all,
				bool plain)
{
	uint32_t slots = or_default(opts->lane_slots, plain ? PLAIN_SLOTS : LANE_SLOTS);

	return (struct myc_lanes){
		.version = MYC_LANE_VERSION,
		.lanes = executors_all,
		.slots = slots,
		.urgent_slots = opts->lane_urgent_slots,
		.local_slots = plain ? slots : MYC_LOCAL_SLOTS,
		.flows = MYC_LANE_FLOWS,
	};
}

static uint32_t lanes_in(uint32_t processes, uint32_t executors_all)
{
	return executors_all + processes * MYC_ATTACH_MAX;
}

uint32_t myc_plan_pending(const struct myc_system_opts *opts, uint32_t lanes)
{
	return opts->pending + lanes * MYC_LANE_FLOWS;
}

uint64_t myc_plan_executor_size(const struct myc_system_opts *opts, uint32_t lanes)
{
	return sizeof(struct myc_executor_words) + lanes * myc_lane_in_size(MYC_LANE_FLOWS) +
	       myc_plan_pending(opts, lanes) * sizeof(struct myc_pending) +
	       (opts->outbox + 1) * sizeof(struct myc_outbox_entry) +
	       (myc_chunk_marks(opts->growth) + (uint64_t)opts->growth) *
		       sizeof(struct myc_pending);
}

void myc_system_pool_opts(const struct myc_system_opts *opts, uint32_t sources,
			  struct myc_pool_opts *pool)
{
	static const struct {
		uint32_t size, count;
	} usual[] = {{256, 512}, {1024, 128}, {4096, 64}, {65536, 4}};

	*pool = (struct myc_pool_opts){.peers = sources, .loans = opts->loans};
	for (uint32_t i = 0; i < MYC_POOL_CLASSES; i++) {
		pool->size_class[i].size = opts->buffers[i].size;
		pool->size_class[i].count = opts->buffers[i].count;
	}
	for (uint32_t i = 0; !opts->buffers[0].size && i < 4; i++) {
		pool->size_class[i].size = usual[i].size;
		pool->size_class[i].count = usual[i].count;
	}
}

uint32_t myc_plan_node(const struct myc_system_opts *opts, uint32_t executor)
{
	const struct myc_executor_opts *of =
		executor < opts->executors && opts->executor ? &opts->executor[executor] : NULL;

	if (!of || (of->core < 0 && !of->node))
		return UINT32_MAX;
	return of->core >= 0 ? myc_numa_node_of(myc_numa(), (unsigned)of->core) : of->node - 1;
}

/* What an executor writes and its lanes are near it; what it reads of others' is where they are. */
static void plan_nodes(struct myc_region_plan *plan, const struct myc_system_opts *opts)
{
	static const uint32_t kinds[] = {MYC_BLOCK_EXECUTOR, MYC_BLOCK_LANES, MYC_BLOCK_POOL,
					 MYC_BLOCK_LETTERS};

	for (uint32_t i = 0; i < opts->executors; i++)
		for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++)
			if (myc_plan_node(opts, i) != UINT32_MAX)
				(void)myc_region_plan_node(plan, kinds[k], i,
							   myc_plan_node(opts, i));
}

int myc_system_plan(struct myc_region_plan *plan, const struct myc_system_opts *given,
		    uint32_t processes, uint32_t executors_all)
{
	struct myc_system_opts opts = {0};
	int code = myc_plan_options(&opts, given, NULL);

	if (code)
		return code;
	uint32_t slots = opts.actors + MYC_SLOTS_FIXED;
	struct myc_pool_opts pool;

	myc_system_pool_opts(&opts, lanes_in(processes, executors_all), &pool);
	if (!processes || executors_all < myc_executors_all(&opts))
		return -EINVAL;
	code = myc_region_plan_add(plan, MYC_BLOCK_PROCESS, 0,
				   sizeof(struct myc_process_words) +
					   slots * sizeof(struct myc_actor_slot));
	if (!code)
		code = myc_region_plan_add(plan, MYC_BLOCK_METRICS, 0,
					   slots * sizeof(struct myc_actor_metrics));
	if (!code)
		code = myc_region_plan_add(plan, MYC_BLOCK_STATUS, 0,
					   MYC_STATUS_ROWS * sizeof(struct myc_status));
	if (!code)
		code = myc_region_plan_add(plan, MYC_BLOCK_MAILBOX, 0,
					   MYC_OVERFLOW_ROWS * sizeof(struct myc_overflow_row));
	if (!code)
		code = myc_region_plan_add(plan, MYC_BLOCK_INTERFACE, 0,
					   MYC_INTERFACE_ROWS * sizeof(struct myc_interface_row));
	for (uint32_t i = 0; i < myc_executors_all(&opts) && !code; i++)
		code = myc_region_plan_add(plan, MYC_BLOCK_LETTERS, i, sizeof(struct myc_letters));
	for (uint32_t i = 0; i < myc_executors_all(&opts) && !code; i++)
		code = myc_region_plan_add(plan, MYC_BLOCK_STATE, i,
					   sizeof(struct myc_state_window));
	if (!code)
		code = myc_region_plan_add(plan, MYC_BLOCK_STATE, myc_state_window_of_threads(),
					   sizeof(struct myc_state_window));
	for (uint32_t i = 0; i < myc_executors_all(&opts) && !code; i++)
		code = myc_region_plan_add(
			plan, MYC_BLOCK_EXECUTOR, i,
			myc_plan_executor_size(&opts, lanes_in(processes, executors_all)));
	for (uint32_t i = 0; i < myc_executors_all(&opts) && !code && opts.growth; i++)
		code = myc_region_plan_reserve(plan, MYC_BLOCK_EXECUTOR, i,
					       (uint64_t)opts.growth * sizeof(struct myc_pending));
	for (uint32_t i = 0; i < myc_executors_all(&opts) + MYC_ATTACH_MAX && !code; i++) {
		struct myc_lanes head =
			myc_plan_lanes(&opts, executors_all, i >= myc_executors_all(&opts));

		code = myc_region_plan_add(plan, MYC_BLOCK_LANES, i, myc_lanes_size(&head));
		if (!code)
			code = myc_pool_plan(plan, i, &pool);
	}
	if (!code)
		code = myc_topics_plan(plan, &opts);
	if (!code)
		code = myc_directory_plan(plan, &opts);
	if (!code)
		code = myc_schemas_plan(plan);
	plan_nodes(plan, &opts);
	return code;
}
