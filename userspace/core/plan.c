/* SPDX-License-Identifier: Apache-2.0 */
#include "core/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/numa.h"
#include "core/ask.h"
#include "core/directory.h"
#include "core/letter.h"
#include "core/schemas.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/topic_actor.h"
#include "core/watch.h"

#define ACTORS		 1024
#define LANE_SLOTS	 4096 /* written anew when they have left the first caches of both: system.h */
#define PLAIN_SLOTS	 256 /* of a plain thread's lanes */
#define URGENT_SLOTS	 64
#define OUTBOX		 1024
#define PENDING		 8192
#define GROWTH_MAX	 (1u << 24)
#define WORK_THREADS_MAX 64
#define SLOTS_MAX	 (1u << MYC_SLOT_BITS)

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

/* ---- options ----------------------------------------------------------------------------------- */

struct limit {
	const char *name;
	size_t offset; /* of an uint32_t */
	uint32_t max;
};
#define LIMIT(of, option, limit)                            \
	{                                                   \
#option, offsetof(struct of, option), limit \
	}

static const struct limit limits[] = {
	LIMIT(myc_system_opts, executors, MYC_EXECUTORS_MAX),
	LIMIT(myc_system_opts, actors, SLOTS_MAX - MYC_SLOTS_FIXED),
	LIMIT(myc_system_opts, lane_slots, MYC_LANE_SLOTS_MAX),
	LIMIT(myc_system_opts, lane_urgent_slots, MYC_LANE_SLOTS_MAX),
	LIMIT(myc_system_opts, outbox, 1u << 20),
	LIMIT(myc_system_opts, pending, 1u << 24),
	LIMIT(myc_system_opts, loans, MYC_POOL_LOANS_MAX),
	LIMIT(myc_system_opts, readings, UINT16_MAX),
	LIMIT(myc_system_opts, directory, MYC_DIRECTORY_ROWS_MAX),
	LIMIT(myc_system_opts, threads, MYC_THREADS_MAX),
	LIMIT(myc_system_opts, work_threads, WORK_THREADS_MAX),
	LIMIT(myc_system_opts, growth, GROWTH_MAX),
};

static const struct limit executor_limits[] = {
	LIMIT(myc_executor_opts, timers, 1u << MYC_TIMER_INDEX_BITS),
	LIMIT(myc_executor_opts, signals, 1u << 24),
	LIMIT(myc_executor_opts, asks, MYC_ASKS_MAX),
	LIMIT(myc_executor_opts, watches, MYC_WATCHES_MAX),
};

/* `of`: "executor[3].", or nothing. */
static int check_limits(const struct limit *limit, size_t count, const void *opts, const char *of,
			struct myc_error *error)
{
	char remedy[64];

	for (size_t i = 0; i < count; i++) {
		uint32_t value;

		memcpy(&value, (const char *)opts + limit[i].offset, sizeof(value));
		if (value <= limit[i].max)
			continue;
		snprintf(remedy, sizeof(remedy), "use at most %u", limit[i].max);
		return myc_error_set(error, -EINVAL, remedy, "the option %s%s is %u", of,
				     limit[i].name, value);
	}
	return 0;
}

static int check_power(const char *name, uint32_t value, struct myc_error *error)
{
	if (!(value & (value - 1)))
		return 0;
	return myc_error_set(error, -EINVAL, "use a power of two, at most 32768",
			     "the option %s is %u", name, value);
}

/* By size; those after the first of no size are none. */
static int check_buffers(const struct myc_system_opts *opts, struct myc_error *error)
{
	uint32_t before = 0;

	for (uint32_t i = 0; i < MYC_POOL_CLASSES; i++) {
		uint32_t size = opts->buffers[i].size, count = opts->buffers[i].count;

		if (!size && !count)
			continue;
		if (i && !opts->buffers[i - 1].size)
			return myc_error_set(error, -EINVAL, "leave no class of buffers out",
					     "the option buffers[%u].size is %u, after one of 0", i,
					     size);
		if (!size || size % 64 || size > MYC_POOL_SIZE_MAX)
			return myc_error_set(
				error, -EINVAL,
				"use a multiple of 64, at most 1073741824; all 0: the defaults",
				"the option buffers[%u].size is %u", i, size);
		if (size <= before)
			return myc_error_set(error, -EINVAL, "name the smallest buffers first",
					     "the option buffers[%u].size is %u, after %u", i, size,
					     before);
		if (!count || count > MYC_POOL_BUFFERS_MAX)
			return myc_error_set(error, -EINVAL, "use 1 to 16777216",
					     "the option buffers[%u].count is %u", i, count);
		before = size;
	}
	return 0;
}

static int check_executors(const struct myc_system_opts *opts, struct myc_error *error)
{
	char of[24];
	int code = 0;

	if (myc_executors_all(opts) > MYC_EXECUTORS_MAX)
		return myc_error_set(error, -EINVAL, "use at most 64 of both together",
				     "the options executors and threads are %u and %u",
				     opts->executors, opts->threads);
	for (uint32_t i = 0; opts->executor && i < opts->executors && !code; i++) {
		snprintf(of, sizeof(of), "executor[%u].", i);
		code = check_limits(executor_limits,
				    sizeof(executor_limits) / sizeof(*executor_limits),
				    &opts->executor[i], of, error);
	}
	return code;
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
	int code = check_limits(limits, sizeof(limits) / sizeof(*limits), opts, "", error);

	code = code ? code : check_power("lane_slots", opts->lane_slots, error);
	code = code ? code : check_power("lane_urgent_slots", opts->lane_urgent_slots, error);
	code = code ? code : check_executors(opts, error);
	code = code ? code : check_buffers(opts, error);
	code = code ? code : myc_topics_check(opts, error);
	if (code)
		return code;
	if ((uint32_t)opts->cycles > MYC_CYCLES_KILL)
		return myc_error_set(error, -EINVAL, "use one of enum myc_cycles",
				     "the option cycles is %d", (int)opts->cycles);
	opts->growth = (opts->growth + MYC_CHUNK - 1) / MYC_CHUNK * MYC_CHUNK;
	return 0;
}

/* ---- blocks ------------------------------------------------------------------------------------ */

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

/* In this order: it is the regions'. */
static int plan_blocks(struct myc_region_plan *plan, const struct myc_system_opts *opts,
		       uint32_t processes, uint32_t executors_all)
{
	uint32_t slots = opts->actors + MYC_SLOTS_FIXED;
	uint32_t executors = myc_executors_all(opts);
	struct myc_pool_opts pool;

	myc_system_pool_opts(opts, lanes_in(processes, executors_all), &pool);
	int code = myc_region_plan_add(plan, MYC_BLOCK_PROCESS, 0,
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
	for (uint32_t i = 0; i < executors && !code; i++)
		code = myc_region_plan_add(plan, MYC_BLOCK_LETTERS, i, sizeof(struct myc_letters));
	for (uint32_t i = 0; i < executors && !code; i++)
		code = myc_region_plan_add(plan, MYC_BLOCK_STATE, i,
					   sizeof(struct myc_state_window));
	if (!code)
		code = myc_region_plan_add(plan, MYC_BLOCK_STATE, myc_state_window_of_threads(),
					   sizeof(struct myc_state_window));
	for (uint32_t i = 0; i < executors && !code; i++)
		code = myc_region_plan_add(
			plan, MYC_BLOCK_EXECUTOR, i,
			myc_plan_executor_size(opts, lanes_in(processes, executors_all)));
	for (uint32_t i = 0; i < executors && !code && opts->growth; i++)
		code = myc_region_plan_reserve(plan, MYC_BLOCK_EXECUTOR, i,
					       (uint64_t)opts->growth * sizeof(struct myc_pending));
	for (uint32_t i = 0; i < executors + MYC_ATTACH_MAX && !code; i++) {
		struct myc_lanes head = myc_plan_lanes(opts, executors_all, i >= executors);

		code = myc_region_plan_add(plan, MYC_BLOCK_LANES, i, myc_lanes_size(&head));
		if (!code)
			code = myc_pool_plan(plan, i, &pool);
	}
	if (!code)
		code = myc_topics_plan(plan, opts);
	if (!code)
		code = myc_directory_plan(plan, opts);
	if (!code)
		code = myc_schemas_plan(plan);
	plan_nodes(plan, opts);
	return code;
}

int myc_system_plan(struct myc_region_plan *plan, const struct myc_system_opts *given,
		    uint32_t processes, uint32_t executors_all, struct myc_error *error)
{
	struct myc_system_opts opts = {0};
	int code = myc_plan_options(&opts, given, error);

	if (code)
		return code;
	if (!processes || executors_all < myc_executors_all(&opts))
		return myc_error_set(error, -EINVAL, "count all processes and their executors",
				     "a system of %u executors in a workspace of %u processes and "
				     "%u executors",
				     myc_executors_all(&opts), processes, executors_all);
	code = plan_blocks(plan, &opts, processes, executors_all);
	if (code)
		return myc_error_set(error, code,
				     "use fewer executors, threads or topics, or smaller ones",
				     "the region of a system with %u executors and %u topics in a "
				     "workspace of %u executors: block %u of at most %u: %s",
				     myc_executors_all(&opts), opts.topics_count, executors_all,
				     plan->count, MYC_REGION_BLOCKS_MAX, strerror(-code));
	return 0;
}
