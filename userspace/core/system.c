/* SPDX-License-Identifier: Apache-2.0 */
/* Systems: from a region to running executors, and back. The controlling thread's side. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/numa.h"
#include "core/directory.h"
#include "core/executor.h"
#include "core/outside.h"
#include "core/plan.h"
#include "core/move.h"
#include "core/name.h"
#include "core/thread.h"
#include "core/schemas.h"
#include "core/typed.h"
#include "core/shutdown.h"
#include "core/topic_actor.h"
#include "core/wait.h"
#include "core/workers.h"

/* ---- views of other processes ------------------------------------------------------------------ */

const struct myc_process_words *myc_view_process(const struct myc_system *system, uint32_t process,
						 uint32_t *slots)
{
	if (process == system->workspace.process) {
		if (slots)
			*slots = system->slots;
		return system->words;
	}
	uint64_t size = 0;
	const struct myc_process_words *words;

	if (process >= system->workspace.processes)
		return NULL;
	words = myc_region_block(&system->workspace.regions[process], MYC_BLOCK_PROCESS, 0, &size);
	if (!words || size < sizeof(*words) ||
	    __atomic_load_n(&words->version, __ATOMIC_ACQUIRE) != MYC_LANE_VERSION)
		return NULL;
	uint64_t room = (size - sizeof(*words)) / sizeof(struct myc_actor_slot);
	uint32_t said = __atomic_load_n(&words->slots, __ATOMIC_RELAXED);

	if (slots)
		*slots = said < room ? said : (uint32_t)room;
	return words;
}

const struct myc_actor_slot *myc_view_slot(const struct myc_system *system, uint32_t process,
					   uint32_t slot)
{
	uint32_t slots = 0;
	const struct myc_process_words *words = myc_view_process(system, process, &slots);

	return words && slot < slots ? &((const struct myc_actor_slot *)(words + 1))[slot] : NULL;
}

bool myc_known_dead(const struct myc_system *system, uint32_t process)
{
	const struct myc_workspace *workspace = &system->workspace;

	return process != workspace->process && workspace->alive &&
	       !workspace->alive(workspace->context, process);
}

struct myc_actor *myc_system_actor(struct myc_system *system, myc_address address)
{
	uint32_t slot = myc_address_slot(address);

	if (slot >= system->slots || myc_address_process(address) != system->workspace.process ||
	    myc_address_node(address) != system->workspace.node ||
	    system->actor[slot].address != address)
		return NULL;
	return &system->actor[slot];
}

int myc_system_add_source(struct myc_system *system, uint32_t executor, struct myc_source *source)
{
	if (system->started || executor >= system->opts.executors)
		return -EINVAL;
	struct myc_source **link = &system->executor[executor].sources;

	while (*link)
		link = &(*link)->next;
	source->next = NULL;
	*link = source;
	return 0;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static int block_missing(struct myc_error *error, const char *what, uint32_t index)
{
	return myc_error_set(error, -EPROTO, "plan the region with the options the system gets",
			     "the region has no (or another) %s block %u", what, index);
}

/* Its generation stays. */
static void slot_store(struct myc_system *system, uint32_t slot, uint32_t executor,
		       enum myc_actor_state state)
{
	uint64_t *word = &system->slot[slot].word;

	__atomic_store_n(word, myc_actor_word(myc_actor_word_generation(*word), executor, state),
			 __ATOMIC_RELEASE);
}

/* Finds our blocks, lays out those that are new, checks those that a predecessor left. */
static int claim_blocks(struct myc_system *system, struct myc_error *error)
{
	const struct myc_region *own = &system->workspace.regions[system->workspace.process];
	const struct myc_system_opts *opts = &system->opts;
	uint64_t size, lanes_size;
	struct myc_process_words *words = myc_region_block(own, MYC_BLOCK_PROCESS, 0, &size);

	system->slots = opts->actors + MYC_SLOTS_FIXED;
	if (!words || size < sizeof(*words) + system->slots * sizeof(struct myc_actor_slot) ||
	    (words->version &&
	     (words->slots != system->slots || words->executors != opts->executors)))
		return block_missing(error, "process", 0);
	system->words = words;
	system->slot = (struct myc_actor_slot *)(words + 1);
	system->metrics = myc_region_block(own, MYC_BLOCK_METRICS, 0, &size);
	if (!system->metrics || size < system->slots * sizeof(*system->metrics))
		return block_missing(error, "metrics", 0);
	system->overflow = myc_region_block(own, MYC_BLOCK_MAILBOX, 0, &size);
	if (!system->overflow || size < MYC_OVERFLOW_ROWS * sizeof(*system->overflow))
		return block_missing(error, "mailbox", 0);
	if (myc_typed_open(system))
		return block_missing(error, "interface", 0);
	system->status = myc_region_block(own, MYC_BLOCK_STATUS, 0, &size);
	if (!system->status || size < MYC_STATUS_ROWS * sizeof(*system->status))
		return block_missing(error, "status", 0);
	for (uint32_t i = 0; i < myc_executors_all(opts) + MYC_ATTACH_MAX; i++) {
		struct myc_lanes *lanes = myc_region_block(own, MYC_BLOCK_LANES, i, &lanes_size);
		/* The number of lanes is what the planner reckoned with: found by the size. */
		struct myc_lanes head = myc_plan_lanes(opts, 1, i >= myc_executors_all(opts));

		while (lanes && myc_lanes_size(&head) < lanes_size)
			head.lanes++;
		if (!lanes || myc_lanes_init(lanes, lanes_size, &head))
			return block_missing(error, "lanes", i);
	}
	for (uint32_t i = 0; i < myc_executors_all(opts); i++) {
		struct myc_executor_words *executor =
			myc_region_block(own, MYC_BLOCK_EXECUTOR, i, &size);
		uint32_t lanes = 1;

		while (executor && myc_plan_executor_size(opts, lanes + 1) <= size)
			lanes++;
		if (!executor || size < myc_plan_executor_size(opts, lanes) ||
		    (executor->lanes_in &&
		     (executor->lanes_in != lanes ||
		      executor->pending != myc_plan_pending(opts, lanes) ||
		      executor->outbox != opts->outbox + 1 || executor->growth != opts->growth)))
			return block_missing(error, "executor", i);
		executor->flows = MYC_LANE_FLOWS;
		executor->pending = myc_plan_pending(opts, lanes);
		executor->outbox = opts->outbox + 1;
		executor->growth = opts->growth;
		executor->lanes_in = lanes;
	}
	words->slots = system->slots;
	words->executors = opts->executors;
	words->sources = myc_executors_all(opts) + MYC_ATTACH_MAX;
	words->incarnation = system->workspace.incarnation;
	/* A predecessor's actors await nobody, and say nothing of what becomes of messages. Those that may come
	 * again (myc_spawn_at) keep their senders until myc_system_start; the others are gone. */
	for (uint32_t i = 0; i < MYC_OVERFLOW_ROWS; i++)
		system->overflow[i].rules = 0;
	for (uint32_t i = 0; i < system->slots; i++) {
		uint64_t word = system->slot[i].word;

		system->slot[i].waits_on = MYC_NOBODY;
		if (i < MYC_SLOTS_FIXED && myc_actor_word_lives(word) &&
		    (myc_actor_word_executor(word) < myc_executors_all(opts) ||
		     myc_actor_word_state(word) == MYC_ACTOR_MOVING))
			slot_store(system, i, myc_actor_word_home(word), MYC_ACTOR_STARTING);
		else
			slot_store(system, i, MYC_EXECUTOR_NONE, MYC_ACTOR_FREE);
	}
	/* Release: the block. Pairs with myc_view_process. */
	__atomic_store_n(&words->version, MYC_LANE_VERSION, __ATOMIC_RELEASE);
	return 0;
}

static int open_executors(struct myc_system *system, struct myc_error *error)
{
	static const struct myc_executor_opts unpinned = {.core = -1};
	static const struct myc_executor_opts bound = {
		.core = -1, .timers = 256, .signals = 256, .asks = 256, .watches = 256};
	long cores = sysconf(_SC_NPROCESSORS_CONF);

	system->executor = calloc(myc_executors_all(&system->opts), sizeof(*system->executor));
	if (!system->executor)
		return myc_error_set(error, -ENOMEM, NULL, "no memory for executors");
	for (uint32_t i = 0; i < myc_executors_all(&system->opts); i++) {
		uint32_t node = myc_plan_node(&system->opts, i);
		const struct myc_executor_opts *opts = i >= system->opts.executors ? &bound
						       : system->opts.executor
							       ? &system->opts.executor[i]
							       : &unpinned;
		struct myc_numa_policy before;
		int code;

		if (opts->core < 0 && opts->node && !myc_numa_has_cores(myc_numa(), node))
			return myc_error_set(error, -EINVAL, "use a NUMA node of this machine",
					     "executor %u is to run on NUMA node %u, which has no "
					     "cores",
					     i, node);
		if (opts->core >= cores)
			return myc_error_set(error, -EINVAL, "use a core of this machine, or -1",
					     "executor %u is to run on core %d of %ld", i,
					     opts->core, cores);
		myc_numa_enter(&before, node);
		code = myc_executor_open(&system->executor[i], system, i, opts, error);
		myc_numa_leave(&before);
		system->executors = i + 1;
		if (code)
			return code;
	}
	return 0;
}

/* `own`: a region that the system is to have and unmap, also when this fails; NULL: the workspace's. */
static int join(struct myc_system **out, const struct myc_system_opts *opts,
		const struct myc_workspace *workspace, struct myc_region *own,
		struct myc_error *error)
{
	struct myc_system *system = calloc(1, sizeof(*system));
	int code;

	if (!system) {
		if (own)
			myc_region_unmap(own);
		return myc_error_set(error, -ENOMEM, NULL, "no memory for a system");
	}
	system->workspace = *workspace;
	if (sched_getaffinity(0, sizeof(system->cpus), &system->cpus))
		memset(&system->cpus, 0xff, sizeof(system->cpus));
	if (own) {
		/* Before anything keeps the pointer. */
		system->own = *own;
		system->workspace.regions = &system->own;
	}
	pthread_mutex_init(&system->mutex, NULL);
	pthread_mutex_init(&system->states, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&system->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	code = myc_plan_options(&system->opts, opts, error);
	if (!code)
		code = myc_schemas_open(system, error);
	if (!code)
		code = claim_blocks(system, error);
	if (!code) {
		snprintf(system->name, sizeof(system->name), "%s",
			 system->opts.name ? system->opts.name : "system");
		system->actor = myc_memory_populated(system->slots * sizeof(*system->actor));
		if (!system->actor || myc_names_open(system))
			code = myc_error_set(error, -ENOMEM, NULL, "no memory for %u actors",
					     system->slots);
	}
	if (!code)
		code = open_executors(system, error);
	if (!code)
		code = myc_topics_open(system, error);
	if (!code) {
		code = myc_directory_open(system);
		if (code)
			myc_error_set(error, code,
				      "plan the region with the options the system gets",
				      "the directory of names: %s", strerror(-code));
	}
	if (!code && myc_moves_open(system))
		code = myc_error_set(error, -ENOMEM, NULL, "no memory for moves");
	if (!code && myc_spawn_open(system))
		code = myc_error_set(error, -ENOMEM, NULL, "no memory for %u slots", system->slots);
	if (code) {
		myc_system_close(system);
		return code;
	}
	*out = system;
	return 0;
}

int myc_system_join(struct myc_system **out, const struct myc_system_opts *opts,
		    const struct myc_workspace *workspace, struct myc_error *error)
{
	return join(out, opts, workspace, NULL, error);
}

int myc_system_open(struct myc_system **out, const struct myc_system_opts *given,
		    struct myc_error *error)
{
	struct myc_region_plan plan = {0};
	struct myc_system_opts opts = {0};
	struct myc_region region = {0};
	int code = myc_plan_options(&opts, given, error);
	int fd;

	if (code)
		return code;
	code = myc_system_plan(&plan, &opts, 1, myc_executors_all(&opts), error);
	if (code)
		return code;
	fd = myc_region_create(opts.name ? opts.name : "system", &plan, error);
	if (fd < 0)
		return fd;
	code = myc_region_map(&region, fd, MYC_REGION_OWNER, error);
	close(fd);
	if (code)
		return code;
	struct myc_workspace workspace = {.incarnation = 1, .processes = 1, .regions = &region};

	return join(out, &opts, &workspace, &region, error);
}

/* ---- running ----------------------------------------------------------------------------------- */

void myc_system_free_unspawned(struct myc_system *system)
{
	for (uint32_t i = 0; i < MYC_SLOTS_FIXED; i++)
		if (!system->actor[i].address)
			slot_store(system, i, MYC_EXECUTOR_NONE, MYC_ACTOR_FREE);
}

int myc_system_start(struct myc_system *system, struct myc_error *error)
{
	if (system->started)
		return myc_error_set(error, -EALREADY, NULL, "the system was started before");
	/* Whose threads we make. Those taken from now on, by actors that begin before we are through, get theirs
	 * from who takes them. */
	uint64_t ours = 0;

	for (uint32_t i = 0; i < system->executors; i++)
		if (!myc_thread_is(&system->executor[i]) ||
		    __atomic_load_n(&system->executor[i].bound, __ATOMIC_ACQUIRE) ==
			    MYC_THREAD_TAKEN)
			ours |= 1ull << i;
	system->started = true;
	myc_system_free_unspawned(system);
	for (uint32_t i = 0; i < system->executors; i++) {
		struct myc_executor *executor = &system->executor[i];

		if (!(ours >> i & 1))
			continue;
		pthread_mutex_lock(&system->mutex);
		system->running++;
		pthread_mutex_unlock(&system->mutex);
		int code = -pthread_create(&executor->thread, NULL, myc_executor_run, executor);

		if (!code) {
			executor->started = true;
			continue;
		}
		pthread_mutex_lock(&system->mutex);
		system->running--;
		pthread_mutex_unlock(&system->mutex);
		return myc_error_set(error, code, NULL, "no thread for executor %u: %s", i,
				     strerror(-code));
	}
	return 0;
}

static void ring_all(struct myc_system *system)
{
	for (uint32_t i = 0; i < system->executors; i++)
		myc_executor_ring(&system->executor[i]);
}

void myc_system_request_stop(struct myc_system *system)
{
	uint32_t running = 0;

	atomic_compare_exchange_strong_explicit(&system->stop, &running, 1, memory_order_seq_cst,
						memory_order_seq_cst);
	ring_all(system);
}

int myc_system_wait(struct myc_system *system, uint32_t timeout_ms)
{
	uint64_t until = myc_clock_ns() + timeout_ms * 1000000ull;
	struct timespec limit = {.tv_sec = (time_t)(until / 1000000000u),
				 .tv_nsec = (long)(until % 1000000000u)};
	int code = 0;

	pthread_mutex_lock(&system->mutex);
	while (system->running && !code)
		code = -pthread_cond_timedwait(&system->ended, &system->mutex, &limit);
	if (!system->running)
		code = 0;
	pthread_mutex_unlock(&system->mutex);
	return code;
}

int myc_system_stop(struct myc_system *system, uint32_t timeout_ms)
{
	myc_system_request_stop(system);
	return myc_system_wait(system, timeout_ms);
}

void myc_system_close(struct myc_system *system)
{
	if (!system)
		return;
	atomic_store_explicit(&system->stop, 2, memory_order_seq_cst);
	ring_all(system);
	for (uint32_t i = 0; i < system->executors; i++)
		if (system->executor[i].started)
			pthread_join(system->executor[i].thread, NULL);
	myc_work_pool_close(system);
	myc_attachments_close(system);
	myc_workers_close_all(system);
	for (uint32_t i = 0; system->actor && i < system->slots; i++)
		myc_actor_free(&system->actor[i]);
	myc_spawn_close(system);
	myc_phases_close(system);
	myc_moves_close(system);
	for (uint32_t i = 0; i < system->executors; i++)
		myc_executor_close(&system->executor[i]);
	myc_topics_close(system);
	myc_directory_close(system);
	myc_schemas_close(system);
	free(system->executor);
	free(system->actor);
	myc_names_close(system);
	myc_region_unmap(&system->own);
	pthread_cond_destroy(&system->ended);
	pthread_mutex_destroy(&system->mutex);
	pthread_mutex_destroy(&system->states);
	free(system);
}
