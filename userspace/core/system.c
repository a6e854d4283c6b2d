/* SPDX-License-Identifier: Apache-2.0 */
/* Systems: from a region to running executors, and back. The controlling thread's side. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "core/executor.h"

#define ACTORS		    1024
#define LANE_SLOTS	    256
#define URGENT_SLOTS	    64
#define OUTBOX		    1024
#define PENDING		    8192
#define MAILBOX_CAPACITY    1024
#define CAPACITY_PER_SENDER 64
#define RESTARTS_MAX	    3
#define RESTARTS_WINDOW_NS  5000000000u
#define SLOTS_MAX	    (1u << MYC_SLOT_BITS)

/* ---- options and blocks ------------------------------------------------------------------------ */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

static int options(struct myc_system_opts *opts, const struct myc_system_opts *given,
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
	opts->lane_slots = or_default(opts->lane_slots, LANE_SLOTS);
	opts->lane_urgent_slots = or_default(opts->lane_urgent_slots, URGENT_SLOTS);
	opts->outbox = or_default(opts->outbox, OUTBOX);
	opts->pending = or_default(opts->pending, PENDING);
	if (opts->executors > MYC_EXECUTORS_MAX)
		return myc_error_set(error, -EINVAL, "use 1 to 64", "%u executors",
				     opts->executors);
	if (opts->actors > SLOTS_MAX - MYC_SLOTS_FIXED)
		return myc_error_set(error, -EINVAL, "use at most 1048512", "%u actors",
				     opts->actors);
	if (opts->lane_slots & (opts->lane_slots - 1) || opts->lane_slots > MYC_LANE_SLOTS_MAX ||
	    opts->lane_urgent_slots & (opts->lane_urgent_slots - 1) ||
	    opts->lane_urgent_slots > MYC_LANE_SLOTS_MAX)
		return myc_error_set(error, -EINVAL, "use a power of two, at most 32768",
				     "lanes of %u and %u slots", opts->lane_slots,
				     opts->lane_urgent_slots);
	if (opts->outbox > 1u << 20 || opts->pending > 1u << 24)
		return myc_error_set(error, -EINVAL, "use at most 2^20 and 2^24",
				     "an outbox of %u and %u pending messages", opts->outbox,
				     opts->pending);
	return 0;
}

static struct myc_lanes lanes_head(const struct myc_system_opts *opts, uint32_t executors_all,
				   bool plain)
{
	return (struct myc_lanes){
		.version = MYC_LANE_VERSION,
		.lanes = executors_all,
		.slots = opts->lane_slots,
		.urgent_slots = opts->lane_urgent_slots,
		.local_slots = plain ? opts->lane_slots : MYC_LOCAL_SLOTS,
		.flows = MYC_LANE_FLOWS,
	};
}

static uint32_t lanes_in(uint32_t processes, uint32_t executors_all)
{
	return executors_all + processes * MYC_ATTACH_MAX;
}

static uint64_t executor_size(const struct myc_system_opts *opts, uint32_t lanes)
{
	return sizeof(struct myc_executor_words) + lanes * myc_lane_in_size(MYC_LANE_FLOWS) +
	       opts->pending * sizeof(struct myc_pending) +
	       opts->outbox * sizeof(struct myc_outbox_entry);
}

int myc_system_plan(struct myc_region_plan *plan, const struct myc_system_opts *given,
		    uint32_t processes, uint32_t executors_all)
{
	struct myc_system_opts opts = {0};
	int code = options(&opts, given, NULL);

	if (code)
		return code;
	uint32_t slots = opts.actors + MYC_SLOTS_FIXED;

	if (!processes || executors_all < opts.executors)
		return -EINVAL;
	code = myc_region_plan_add(plan, MYC_BLOCK_PROCESS, 0,
				   sizeof(struct myc_process_words) +
					   slots * sizeof(struct myc_actor_slot));
	if (!code)
		code = myc_region_plan_add(plan, MYC_BLOCK_METRICS, 0,
					   slots * sizeof(struct myc_actor_metrics));
	for (uint32_t i = 0; i < opts.executors && !code; i++)
		code = myc_region_plan_add(
			plan, MYC_BLOCK_EXECUTOR, i,
			executor_size(&opts, lanes_in(processes, executors_all)));
	for (uint32_t i = 0; i < opts.executors + MYC_ATTACH_MAX && !code; i++) {
		struct myc_lanes head = lanes_head(&opts, executors_all, i >= opts.executors);

		code = myc_region_plan_add(plan, MYC_BLOCK_LANES, i, myc_lanes_size(&head));
	}
	return code;
}

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

/* ---- names ------------------------------------------------------------------------------------- */

static uint32_t name_hash(const char *name)
{
	uint32_t hash = 2166136261u;

	while (*name)
		hash = (hash ^ (uint8_t)*name++) * 16777619u;
	return hash;
}

/* The row of this name, or the free one where it belongs. */
static struct myc_name *name_row(const struct myc_system *system, const char *name)
{
	uint32_t i = name_hash(name) & system->names_mask;

	/* Pairs with the release in name_set: the name is complete. */
	while (__atomic_load_n(&system->names[i].address, __ATOMIC_ACQUIRE) &&
	       strcmp(system->names[i].name, name) != 0)
		i = (i + 1) & system->names_mask;
	return &system->names[i];
}

int myc_names_find(const struct myc_system *system, const char *name, myc_address *address)
{
	*address = __atomic_load_n(&name_row(system, name)->address, __ATOMIC_ACQUIRE);
	return *address ? 0 : -ENOENT;
}

static bool alive(const struct myc_system *system, myc_address address)
{
	uint64_t word =
		__atomic_load_n(&system->slot[myc_address_slot(address)].word, __ATOMIC_ACQUIRE);

	return myc_actor_word_generation(word) == myc_address_generation(address) &&
	       myc_actor_word_state(word) != MYC_ACTOR_FREE;
}

static void name_set(struct myc_system *system, const char *name, myc_address address)
{
	struct myc_name *row = name_row(system, name);

	if (!row->address)
		snprintf(row->name, sizeof(row->name), "%s", name);
	__atomic_store_n(&row->address, address, __ATOMIC_RELEASE);
}

/* ---- spawning ---------------------------------------------------------------------------------- */

static int copy_settings(struct myc_actor *actor, const struct myc_spawn_opts *opts)
{
	size_t size = opts->settings_count * sizeof(struct myc_setting);
	char *at;

	for (uint32_t i = 0; i < opts->settings_count; i++)
		size += strlen(opts->settings[i].key) + strlen(opts->settings[i].value) + 2;
	if (!size)
		return 0;
	actor->settings = malloc(size);
	if (!actor->settings)
		return -ENOMEM;
	actor->settings_count = opts->settings_count;
	at = (char *)(actor->settings + opts->settings_count);
	for (uint32_t i = 0; i < opts->settings_count; i++) {
		actor->settings[i].key = at;
		at = stpcpy(at, opts->settings[i].key) + 1;
		actor->settings[i].value = at;
		at = stpcpy(at, opts->settings[i].value) + 1;
	}
	return 0;
}

static void actor_free(struct myc_actor *actor)
{
	free(actor->state);
	free(actor->settings);
	free(actor->restarted_ns);
	actor->state = NULL;
	actor->settings = NULL;
	actor->restarted_ns = NULL;
}

static int ignore(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return 0;
}

static int actor_fill(struct myc_system *system, struct myc_actor *actor,
		      const struct myc_spawn_opts *opts, uint32_t slot)
{
	const struct myc_behaviour *behaviour = opts->behaviour;
	size_t state_size = (behaviour->state_size + 63) & ~(size_t)63;

	actor_free(actor);
	*actor = (struct myc_actor){
		.behaviour = behaviour,
		.executor = &system->executor[opts->executor],
		.slot = slot,
		.life = MYC_ACTOR_STARTING,
		.aside = MYC_ASIDE_LIFE,
		.message = behaviour->message ? behaviour->message : ignore,
		.capacity = or_default(behaviour->mailbox_capacity, MAILBOX_CAPACITY),
		.capacity_per_sender =
			or_default(behaviour->capacity_per_sender, CAPACITY_PER_SENDER),
		.pending_first = MYC_NONE,
		.timers = MYC_TIMER_NONE,
		.metrics = &system->metrics[slot],
		.shared = &system->slot[slot],
		.restarts_max = opts->restarts_max == MYC_RESTARTS_NONE
					? 0
					: or_default(opts->restarts_max, RESTARTS_MAX),
		.restarts_window_ns =
			opts->restarts_window_ns ? opts->restarts_window_ns : RESTARTS_WINDOW_NS,
	};
	snprintf(actor->name, sizeof(actor->name), "%s", opts->name ? opts->name : "");
	actor->state = aligned_alloc(64, state_size ? state_size : 64);
	actor->restarted_ns = calloc(actor->restarts_max + 1ull, sizeof(*actor->restarted_ns));
	if (actor->state && actor->restarted_ns && !copy_settings(actor, opts))
		return 0;
	actor_free(actor);
	return -ENOMEM;
}

static int spawn_check(const struct myc_system *system, const struct myc_spawn_opts *opts,
		       struct myc_error *error)
{
	myc_address taken;

	if (!opts || opts->sz < offsetof(struct myc_spawn_opts, restarts_max) || !opts->behaviour)
		return myc_error_set(error, -EINVAL, "set sz and behaviour",
				     "spawn options are incomplete");
	if (opts->executor >= system->executors)
		return myc_error_set(error, -EINVAL, NULL, "executor %u of %u", opts->executor,
				     system->executors);
	if (!opts->name)
		return 0;
	if (!*opts->name || strlen(opts->name) >= sizeof(system->names->name))
		return myc_error_set(error, -EINVAL, "use 1 to 47 bytes", "name '%s'", opts->name);
	if (!myc_names_find(system, opts->name, &taken) && alive(system, taken))
		return myc_error_set(error, -EEXIST, "give each actor a name of its own",
				     "an actor '%s' is there already", opts->name);
	return 0;
}

/* The slot is free: makes the actor and hands it to its executor. */
static int spawn_in(struct myc_system *system, const struct myc_spawn_opts *opts, uint32_t slot,
		    uint32_t generation, uint32_t restarts, myc_address *address,
		    struct myc_error *error)
{
	struct myc_actor *actor = &system->actor[slot];
	struct myc_executor *executor = &system->executor[opts->executor];
	struct myc_spawn_opts full = {.sz = sizeof(full)};
	memcpy(&full, opts, opts->sz < sizeof(full) ? opts->sz : sizeof(full));
	if (actor_fill(system, actor, &full, slot))
		return myc_error_set(error, -ENOMEM, NULL, "no memory for an actor");
	actor->address = myc_address_make(system->workspace.node, system->workspace.process, slot,
					  or_default(generation & 0xffffff, 1));
	if (actor->metrics->address != actor->address)
		memset(actor->metrics, 0, sizeof(*actor->metrics));
	actor->metrics->address = actor->address;
	actor->metrics->restarts = restarts;
	actor->metrics->mailbox_depth = 0;
	actor->metrics->outbox_depth = 0;
	actor->shared->restarts = restarts;
	/* Release: who finds the address finds its executor. */
	__atomic_store_n(&actor->shared->word,
			 myc_actor_word(myc_address_generation(actor->address), opts->executor,
					MYC_ACTOR_STARTING),
			 __ATOMIC_RELEASE);
	if (opts->name)
		name_set(system, opts->name, actor->address);
	executor->offer[executor->offered % system->slots] = actor;
	/* Release: the actor. Pairs with adopt(). */
	__atomic_store_n(&executor->offered, executor->offered + 1, __ATOMIC_RELEASE);
	if (system->started) {
		uint64_t one = 1;
		ssize_t written = write(executor->bell, &one, sizeof(one));
		(void)written;
	}
	if (address)
		*address = actor->address;
	return 0;
}

int myc_spawn(struct myc_system *system, const struct myc_spawn_opts *opts, myc_address *address,
	      struct myc_error *error)
{
	int code = spawn_check(system, opts, error);

	if (code)
		return code;
	/* Round robin: a slot's turn comes again as late as can be. */
	for (uint32_t i = 0; i < system->opts.actors; i++) {
		uint32_t slot = MYC_SLOTS_FIXED + (system->next_slot + i) % system->opts.actors;
		uint64_t word = __atomic_load_n(&system->slot[slot].word, __ATOMIC_ACQUIRE);

		if (myc_actor_word_state(word) != MYC_ACTOR_FREE)
			continue;
		system->next_slot = (slot - MYC_SLOTS_FIXED + 1) % system->opts.actors;
		return spawn_in(system, opts, slot, myc_actor_word_generation(word) + 1, 0, address,
				error);
	}
	return myc_error_set(error, -ENOSPC, "raise `actors` in the system's options",
			     "all %u actor slots are in use", system->opts.actors);
}

int myc_spawn_at(struct myc_system *system, const struct myc_spawn_opts *opts, uint32_t slot,
		 uint32_t restarts, myc_address *address, struct myc_error *error)
{
	int code = spawn_check(system, opts, error);

	if (code)
		return code;
	if (system->started || slot >= MYC_SLOTS_FIXED)
		return myc_error_set(error, -EINVAL, NULL,
				     "slot %u is not to be given, or the system runs", slot);
	if (myc_actor_word_state(system->slot[slot].word) != MYC_ACTOR_FREE)
		return myc_error_set(error, -EEXIST, NULL, "slot %u is taken", slot);
	return spawn_in(system, opts, slot, myc_actor_word_generation(system->slot[slot].word),
			restarts, address, error);
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
	if (system->started || executor >= system->executors)
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
	for (uint32_t i = 0; i < opts->executors + MYC_ATTACH_MAX; i++) {
		struct myc_lanes *lanes = myc_region_block(own, MYC_BLOCK_LANES, i, &lanes_size);
		/* The number of lanes is what the planner reckoned with: found by the size. */
		struct myc_lanes head = lanes_head(opts, 1, i >= opts->executors);

		while (lanes && myc_lanes_size(&head) < lanes_size)
			head.lanes++;
		if (!lanes || myc_lanes_init(lanes, lanes_size, &head))
			return block_missing(error, "lanes", i);
	}
	for (uint32_t i = 0; i < opts->executors; i++) {
		struct myc_executor_words *executor =
			myc_region_block(own, MYC_BLOCK_EXECUTOR, i, &size);
		uint32_t lanes = 1;

		while (executor && executor_size(opts, lanes + 1) <= size)
			lanes++;
		if (!executor || size < executor_size(opts, lanes) ||
		    (executor->lanes_in &&
		     (executor->lanes_in != lanes || executor->pending != opts->pending ||
		      executor->outbox != opts->outbox)))
			return block_missing(error, "executor", i);
		executor->flows = MYC_LANE_FLOWS;
		executor->pending = opts->pending;
		executor->outbox = opts->outbox;
		executor->lanes_in = lanes;
	}
	words->slots = system->slots;
	words->executors = opts->executors;
	words->sources = opts->executors + MYC_ATTACH_MAX;
	words->incarnation = system->workspace.incarnation;
	/* A predecessor's actors are gone until spawned again; generations stay. */
	for (uint32_t i = 0; i < system->slots; i++)
		system->slot[i].word = myc_actor_word(system->slot[i].word & 0xffffff,
						      MYC_EXECUTOR_NONE, MYC_ACTOR_FREE);
	/* Release: the block. Pairs with myc_view_process. */
	__atomic_store_n(&words->version, MYC_LANE_VERSION, __ATOMIC_RELEASE);
	return 0;
}

static int open_executors(struct myc_system *system, struct myc_error *error)
{
	static const struct myc_executor_opts unpinned = {.core = -1};
	long cores = sysconf(_SC_NPROCESSORS_CONF);

	system->executor = calloc(system->opts.executors, sizeof(*system->executor));
	if (!system->executor)
		return myc_error_set(error, -ENOMEM, NULL, "no memory for executors");
	for (uint32_t i = 0; i < system->opts.executors; i++) {
		const struct myc_executor_opts *opts =
			system->opts.executor ? &system->opts.executor[i] : &unpinned;
		int code;

		if (opts->core >= cores)
			return myc_error_set(error, -EINVAL, "use a core of this machine, or -1",
					     "executor %u is to run on core %d of %ld", i,
					     opts->core, cores);
		code = myc_executor_open(&system->executor[i], system, i, opts, error);
		system->executors = i + 1;
		if (code)
			return code;
	}
	return 0;
}

int myc_system_join(struct myc_system **out, const struct myc_system_opts *opts,
		    const struct myc_workspace *workspace, struct myc_error *error)
{
	struct myc_system *system = calloc(1, sizeof(*system));
	uint32_t rows = 1;
	int code;

	if (!system)
		return myc_error_set(error, -ENOMEM, NULL, "no memory for a system");
	system->workspace = *workspace;
	pthread_mutex_init(&system->mutex, NULL);
	pthread_condattr_t monotonic;
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&system->ended, &monotonic);
	pthread_condattr_destroy(&monotonic);
	code = options(&system->opts, opts, error);
	if (!code)
		code = claim_blocks(system, error);
	if (!code) {
		snprintf(system->name, sizeof(system->name), "%s",
			 system->opts.name ? system->opts.name : "system");
		while (rows < 2 * system->slots)
			rows *= 2;
		system->names_mask = rows - 1;
		system->names = calloc(rows, sizeof(*system->names));
		system->actor = calloc(system->slots, sizeof(*system->actor));
		if (!system->names || !system->actor)
			code = myc_error_set(error, -ENOMEM, NULL, "no memory for %u actors",
					     system->slots);
	}
	if (!code)
		code = open_executors(system, error);
	if (code) {
		myc_system_close(system);
		return code;
	}
	*out = system;
	return 0;
}

int myc_system_open(struct myc_system **out, const struct myc_system_opts *given,
		    struct myc_error *error)
{
	struct myc_region_plan plan = {0};
	struct myc_system_opts opts = {0};
	struct myc_region region = {0};
	int code = options(&opts, given, error);
	int fd;

	if (code)
		return code;
	code = myc_system_plan(&plan, &opts, 1, opts.executors);
	if (code)
		return myc_error_set(error, code, NULL, "planning a system's region: %s",
				     strerror(-code));
	fd = myc_region_create(opts.name ? opts.name : "system", &plan, error);
	if (fd < 0)
		return fd;
	code = myc_region_map(&region, fd, MYC_REGION_OWNER, error);
	close(fd);
	if (code)
		return code;
	struct myc_workspace workspace = {.incarnation = 1, .processes = 1, .regions = &region};

	code = myc_system_join(out, &opts, &workspace, error);
	if (code) {
		myc_region_unmap(&region);
		return code;
	}
	(*out)->own = region;
	(*out)->workspace.regions = &(*out)->own;
	return 0;
}

/* ---- running ----------------------------------------------------------------------------------- */

int myc_system_start(struct myc_system *system, struct myc_error *error)
{
	if (system->started)
		return myc_error_set(error, -EALREADY, NULL, "the system was started before");
	system->started = true;
	for (uint32_t i = 0; i < system->executors; i++) {
		struct myc_executor *executor = &system->executor[i];

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
	for (uint32_t i = 0; i < system->executors; i++) {
		uint64_t one = 1;
		ssize_t written = write(system->executor[i].bell, &one, sizeof(one));
		(void)written;
	}
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
	myc_attachments_close(system);
	for (uint32_t i = 0; i < system->executors; i++)
		myc_executor_close(&system->executor[i]);
	for (uint32_t i = 0; system->actor && i < system->slots; i++)
		actor_free(&system->actor[i]);
	free(system->executor);
	free(system->actor);
	free(system->names);
	myc_region_unmap(&system->own);
	pthread_cond_destroy(&system->ended);
	pthread_mutex_destroy(&system->mutex);
	free(system);
}
