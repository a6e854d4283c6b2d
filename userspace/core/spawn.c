/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making actors. Slots that are free wait in a queue of the system (under its mutex), so that a slot's
 * turn comes again as late as can be; executors that spawn and end many keep some for themselves.
 *
 *	myc_spawn        the controlling thread; the actor is offered to its executor
 *	myc_spawn_at     the same, in a slot given by number
 *	myc_spawn_local  an actor, on its own executor: at once
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/executor.h"
#include "core/exit.h"
#include "core/name.h"
#include "core/overflow.h"
#include "core/thread.h"
#include "core/typed.h"
#include "core/shutdown.h"
#include "core/wait.h"

#define MAILBOX_CAPACITY   1024
#define RESTARTS_MAX	   3
#define RESTARTS_WINDOW_NS 5000000000u
#define GROWS_TO_MAX	   (1u << 24) /* there is no more room anywhere */
#define KEPT_MAX	   256	      /* free slots that an executor keeps */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

/* ---- slots ------------------------------------------------------------------------------------- */

static void queue_put(struct myc_slot_queue *queue, uint32_t slot)
{
	queue->slot[queue->tail++ & queue->mask] = slot;
}

static bool queue_take(struct myc_slot_queue *queue, uint32_t *slot)
{
	if (queue->head == queue->tail)
		return false;
	*slot = queue->slot[queue->head++ & queue->mask];
	return true;
}

static int queue_open(struct myc_slot_queue *queue, uint32_t capacity)
{
	uint32_t size = 1;

	while (size < capacity)
		size *= 2;
	queue->slot = calloc(size, sizeof(*queue->slot));
	queue->mask = size - 1;
	return queue->slot ? 0 : -ENOMEM;
}

int myc_spawn_open(struct myc_system *system)
{
	int code = queue_open(&system->free, system->slots);

	/* So few that what executors keep is never missed. */
	system->slots_kept = system->opts.actors / (16 * myc_executors_all(&system->opts));
	if (system->slots_kept > KEPT_MAX)
		system->slots_kept = KEPT_MAX;
	for (uint32_t i = 0; i < myc_executors_all(&system->opts) && !code; i++)
		code = queue_open(&system->executor[i].kept, 2 * KEPT_MAX);
	for (uint32_t i = MYC_SLOTS_FIXED; i < system->slots && !code; i++)
		queue_put(&system->free, i);
	return code;
}

void myc_spawn_close(struct myc_system *system)
{
	for (uint32_t i = 0; i < system->executors; i++)
		free(system->executor[i].kept.slot);
	free(system->free.slot);
}

void myc_slot_free(struct myc_executor *executor, uint32_t slot)
{
	struct myc_system *system = executor->system;

	if (slot < MYC_SLOTS_FIXED)
		return;
	queue_put(&executor->kept, slot);
	if (executor->kept.tail - executor->kept.head <= system->slots_kept)
		return;
	pthread_mutex_lock(&system->mutex);
	while (executor->kept.tail - executor->kept.head > system->slots_kept / 2)
		if (queue_take(&executor->kept, &slot))
			queue_put(&system->free, slot);
	pthread_mutex_unlock(&system->mutex);
}

static bool slot_take_local(struct myc_executor *executor, uint32_t *slot)
{
	struct myc_system *system = executor->system;
	uint32_t more;

	if (queue_take(&executor->kept, slot))
		return true;
	pthread_mutex_lock(&system->mutex);
	bool got = queue_take(&system->free, slot);

	for (uint32_t i = 0; i < system->slots_kept / 2 && queue_take(&system->free, &more); i++)
		queue_put(&executor->kept, more);
	pthread_mutex_unlock(&system->mutex);
	return got;
}

/* ---- one actor --------------------------------------------------------------------------------- */

struct myc_actor_more *myc_actor_more(struct myc_actor *actor)
{
	if (!actor->more) {
		actor->more = calloc(1, sizeof(*actor->more));
		if (actor->more) {
			actor->more->restarts_max = RESTARTS_MAX;
			actor->more->restarts_window_ns = RESTARTS_WINDOW_NS;
		}
	}
	return actor->more;
}

/* Name, settings, restart limits: for most actors there are none. */
static int fill_more(struct myc_actor *actor, const struct myc_spawn_opts *opts)
{
	size_t size = opts->settings_count * sizeof(struct myc_setting);
	bool limits = opts->restarts_max && opts->restarts_max != MYC_RESTARTS_NONE;
	struct myc_actor_more *more;
	char *at;

	actor->restarts_none = opts->restarts_max == MYC_RESTARTS_NONE;
	if (!opts->name && !opts->settings_count && !limits && !opts->restarts_window_ns &&
	    !actor->behaviour->stash_capacity && !actor->behaviour->idle_timeout_ns &&
	    !actor->grows)
		return 0;
	more = myc_actor_more(actor);
	if (!more)
		return -ENOMEM;
	snprintf(more->name, sizeof(more->name), "%s", opts->name ? opts->name : "");
	if (limits)
		more->restarts_max = opts->restarts_max;
	if (opts->restarts_window_ns)
		more->restarts_window_ns = opts->restarts_window_ns;
	if (!opts->settings_count)
		return 0;
	for (uint32_t i = 0; i < opts->settings_count; i++)
		size += strlen(opts->settings[i].key) + strlen(opts->settings[i].value) + 2;
	more->settings = malloc(size);
	if (!more->settings)
		return -ENOMEM;
	more->settings_count = opts->settings_count;
	at = (char *)(more->settings + opts->settings_count);
	for (uint32_t i = 0; i < opts->settings_count; i++) {
		more->settings[i].key = at;
		at = stpcpy(at, opts->settings[i].key) + 1;
		more->settings[i].value = at;
		at = stpcpy(at, opts->settings[i].value) + 1;
	}
	return 0;
}

static void free_state(struct myc_actor *actor)
{
	uint32_t home = actor->more ? actor->more->state_home : 0;
	struct myc_executor *executor = actor->executor;
	size_t size = actor->behaviour->state_size;

	if (home) /* it has moved */
		myc_slab_return(&executor->system->executor[home - 1].slab, actor->state, size);
	else if (actor->state_from_slab)
		myc_slab_give(&executor->slab, actor->state, size);
	else
		free(actor->state);
	actor->state = NULL;
}

void myc_actor_free(struct myc_actor *actor)
{
	if (actor->state)
		free_state(actor);
	if (actor->more) {
		free(actor->more->settings);
		free(actor->more->restarted_ns);
		free(actor->more->moved);
		free(actor->more);
		actor->more = NULL;
	}
}

int myc_actor_ignore(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return 0;
}

static int fill(struct myc_system *system, const struct myc_spawn_opts *opts, uint32_t slot,
		uint32_t generation, struct myc_executor *executor, bool local)
{
	const struct myc_world *world = system->workspace.world;
	const struct myc_behaviour *behaviour =
		world ? world->behaviour(world->context, opts->behaviour) : opts->behaviour;
	struct myc_actor *actor = &system->actor[slot];

	if (!behaviour)
		return -ENOMEM;
	size_t state_size = (behaviour->state_size + 63) & ~(size_t)63;

	*actor = (struct myc_actor){
		.behaviour = behaviour,
		.executor = executor,
		.slot = slot,
		.life = MYC_ACTOR_STARTING,
		.aside = MYC_ASIDE_LIFE |
			 (executor->opts.share || executor->opts.share_ns ? MYC_ASIDE_SHARES : 0),
		.state_from_slab = local,
		.message = behaviour->message ? behaviour->message : myc_actor_ignore,
		.capacity = or_default(behaviour->mailbox_capacity, MAILBOX_CAPACITY),
		.capacity_per_sender =
			or_default(behaviour->capacity_per_sender, MYC_CAPACITY_PER_SENDER),
		.pending_first = MYC_NONE,
		.ties.flags = opts->flags & MYC_SPAWN_WHILE_HELD ? MYC_TIE_WHILE_HELD : 0,
		.timers = MYC_TIMER_NONE,
		.metrics = &system->metrics[slot],
		.address = myc_address_make(system->workspace.node, system->workspace.process, slot,
					    or_default(generation & 0xffffff, 1)),
	};
	uint32_t grows_to = opts->grows_to ? opts->grows_to : behaviour->grows_to;

	if (grows_to) {
		actor->grows = true;
		actor->capacity = grows_to < GROWS_TO_MAX ? grows_to : GROWS_TO_MAX;
		actor->capacity_per_sender = actor->capacity;
	}
	actor->state = local ? myc_slab_take(&executor->slab, state_size)
			     : aligned_alloc(64, state_size ? state_size : 64);
	if (actor->state && !fill_more(actor, opts))
		return 0;
	myc_actor_free(actor);
	return -ENOMEM;
}

/* In the slot, which is nobody's yet: the rows with its overflow rules and its interface. Not under the mutex:
 * `lock`. */
static int give_row(struct myc_system *system, const struct myc_actor *actor, bool lock,
		    struct myc_error *error)
{
	uint64_t *word = &system->slot[actor->slot].word;
	bool rules = actor->behaviour->overflow_count, typed = actor->behaviour->interface;
	uint64_t row = 0, interface = 0;

	if (rules || typed) {
		if (lock)
			pthread_mutex_lock(&system->mutex);
		row = rules ? myc_overflow_row(system, actor->behaviour) : 0;
		interface = typed ? myc_typed_row(system, actor->behaviour->interface) : 0;
		if (lock)
			pthread_mutex_unlock(&system->mutex);
	}
	if (rules && !row)
		return myc_error_set(error, -ENOSPC, "let behaviours share their overflow rules",
				     "%u different sets of overflow rules in one process",
				     MYC_OVERFLOW_ROWS);
	if (typed && !interface)
		return myc_error_set(error, -ENOSPC, "spread the actors over processes",
				     "%u different interfaces in one process", MYC_INTERFACE_ROWS);
	__atomic_store_n(word, (*word & ~MYC_ACTOR_WORD_ROWS) | row << 48 | interface << 56,
			 __ATOMIC_RELAXED);
	return 0;
}

/* Makes the slot the actor's, for all to see. */
static void publish(struct myc_system *system, struct myc_actor *actor, uint32_t restarts)
{
	struct myc_actor_metrics *metrics = actor->metrics;

	if (metrics->address != actor->address)
		memset(metrics, 0, sizeof(*metrics));
	metrics->address = actor->address;
	metrics->restarts = restarts;
	metrics->mailbox_depth = 0;
	metrics->outbox_depth = 0;
	metrics->waits = 0;
	system->slot[actor->slot].restarts = restarts;
	/* Release: who finds the address finds its executor. */
	__atomic_store_n(&system->slot[actor->slot].word,
			 myc_actor_word(myc_address_generation(actor->address),
					actor->executor->index, MYC_ACTOR_STARTING) |
				 (system->slot[actor->slot].word & MYC_ACTOR_WORD_ROWS),
			 __ATOMIC_RELEASE);
}

/* Are the options whole? A copy of them with later fields 0. */
static int check(const struct myc_system *system, const struct myc_spawn_opts *opts,
		 struct myc_spawn_opts *full, struct myc_error *error)
{
	if (!opts || opts->sz < offsetof(struct myc_spawn_opts, restarts_max) || !opts->behaviour) {
		myc_error_set(error, -EINVAL, "set sz and behaviour",
			      "spawn options are incomplete");
		return -EINVAL;
	}
	*full = (struct myc_spawn_opts){.sz = sizeof(*full)};
	memcpy(full, opts, opts->sz < sizeof(*full) ? opts->sz : sizeof(*full));
	if (full->flags & ~(uint32_t)(MYC_SPAWN_THREAD | MYC_SPAWN_WHILE_HELD))
		return myc_error_set(error, -EINVAL, NULL, "spawn flags %#x", full->flags);
	int code = myc_overflow_check(full->behaviour, error);

	code = code ? code : myc_growth_check(system, full, error);
	if (code)
		return code;
	if (opts->name && (!*opts->name || strlen(opts->name) >= MYC_NAME_SIZE)) {
		myc_error_set(error, -EINVAL, "use 1 to 47 bytes", "name '%s'", opts->name);
		return -EINVAL;
	}
	return 0;
}

/* Under the mutex: is the name free? */
static int check_name(const struct myc_system *system, const char *name, struct myc_error *error)
{
	myc_address taken;

	if (name && !myc_names_find(system, name, &taken))
		return myc_error_set(error, -EEXIST, "give each actor a name of its own",
				     "an actor '%s' is there already", name);
	return 0;
}

static int no_slot(const struct myc_system *system, struct myc_error *error)
{
	return myc_error_set(error, -ENOSPC, "raise `actors` in the system's options",
			     "all %u actor slots are in use", system->opts.actors);
}

/* An executor that has told all of its actors to stop, and drained, begins no other. */
static int stopped(struct myc_error *error)
{
	return myc_error_set(error, -ESHUTDOWN, "spawn it in `stopping` at the latest",
			     "the system has stopped");
}

static uint32_t next_generation(const struct myc_system *system, uint32_t slot)
{
	return myc_actor_word_generation(system->slot[slot].word) + 1;
}

/* ---- by the controlling thread ----------------------------------------------------------------- */

/* Under the mutex: makes the actor and hands it to its executor. */
static int spawn_in(struct myc_system *system, const struct myc_spawn_opts *opts, uint32_t slot,
		    uint32_t generation, uint32_t restarts, myc_address *address,
		    struct myc_error *error)
{
	struct myc_executor *executor = &system->executor[opts->executor];
	struct myc_actor *actor = &system->actor[slot];
	int code = executor->closed ? stopped(error) : myc_phase_check(system, opts->phase, error);

	if (code)
		return code;
	if (myc_phase_reserve(system, opts->phase) ||
	    fill(system, opts, slot, generation, executor, false))
		return myc_error_set(error, -ENOMEM, NULL, "no memory for an actor");
	code = give_row(system, actor, false, error);
	if (code) {
		myc_actor_free(actor);
		return code;
	}
	actor->ties.phase = (uint8_t)opts->phase;
	publish(system, actor, restarts);
	myc_phase_enter(system, opts->phase, actor->address, opts->name);
	if (opts->name)
		myc_names_set(system, opts->name, actor->address);
	/* Once it is offered the actor is its executor's: it may have ended before we look again. */
	if (address)
		*address = actor->address;
	executor->offer[executor->offered % system->slots] = actor;
	/* Release: the actor. Pairs with adopt(). */
	__atomic_store_n(&executor->offered, executor->offered + 1, __ATOMIC_RELEASE);
	if (system->started)
		myc_executor_ring(executor);
	return 0;
}

static int check_executor(const struct myc_system *system, const struct myc_spawn_opts *opts,
			  struct myc_error *error)
{
	if (opts->executor >= system->opts.executors)
		return myc_error_set(error, -EINVAL, "they are counted from 0", "executor %u of %u",
				     opts->executor, system->opts.executors);
	return 0;
}

/* Where it is to be: an executor of its own, or one of those that there are. */
static int place(struct myc_system *system, struct myc_spawn_opts *opts, struct myc_error *error)
{
	/* The deterministic runtime has one thread: there it stays where it would be else. */
	if (system->workspace.world)
		opts->flags &= ~(uint32_t)MYC_SPAWN_THREAD;
	if (opts->flags & MYC_SPAWN_THREAD)
		return myc_thread_take(system, &opts->executor, error);
	return check_executor(system, opts, error);
}

/* Under the mutex, around spawn_in: its thread is there before it. */
static int spawn_placed(struct myc_system *system, const struct myc_spawn_opts *opts, uint32_t slot,
			uint32_t generation, uint32_t restarts, myc_address *address,
			struct myc_error *error)
{
	struct myc_executor *executor = &system->executor[opts->executor];
	bool own = opts->flags & MYC_SPAWN_THREAD, launch = own && system->started;
	myc_address spawned = MYC_NOBODY;
	int code = launch ? myc_thread_launch(executor, error) : 0;

	if (code)
		return code;
	code = spawn_in(system, opts, slot, generation, restarts, &spawned, error);
	if (!code && address)
		*address = spawned;
	if (!code && own)
		__atomic_store_n(&executor->bound_actor, spawned, __ATOMIC_RELAXED);
	if (code && launch)
		myc_thread_untake(executor, true);
	return code;
}

/* It was not spawned, and no thread sees to its executor. */
static void unplace(struct myc_system *system, const struct myc_spawn_opts *opts)
{
	struct myc_executor *executor = &system->executor[opts->executor];

	if (opts->flags & MYC_SPAWN_THREAD && !executor->started)
		myc_thread_untake(executor, false);
}

int myc_spawn(struct myc_system *system, const struct myc_spawn_opts *opts, myc_address *address,
	      struct myc_error *error)
{
	struct myc_spawn_opts full = {0};
	uint32_t slot = 0;
	int code = check(system, opts, &full, error);

	if (!code)
		code = place(system, &full, error);
	if (code)
		return code;
	pthread_mutex_lock(&system->mutex);
	code = check_name(system, full.name, error);
	if (!code && !queue_take(&system->free, &slot))
		code = no_slot(system, error);
	if (!code) {
		code = spawn_placed(system, &full, slot, next_generation(system, slot), 0, address,
				    error);
		if (code)
			queue_put(&system->free, slot);
	}
	if (code)
		unplace(system, &full);
	pthread_mutex_unlock(&system->mutex);
	return code;
}

int myc_spawn_at(struct myc_system *system, const struct myc_spawn_opts *opts, uint32_t slot,
		 uint32_t restarts, myc_address *address, struct myc_error *error)
{
	struct myc_spawn_opts full = {0};
	int code = check(system, opts, &full, error);

	if (code)
		return code;
	if (system->started || slot >= MYC_SLOTS_FIXED)
		return myc_error_set(error, -EINVAL, NULL,
				     "slot %u is not to be given, or the system runs", slot);
	if (system->actor[slot].address)
		return myc_error_set(error, -EEXIST, NULL, "slot %u is taken", slot);
	code = place(system, &full, error);
	if (code)
		return code;
	/* It had been moved: its messages are there. */
	uint64_t word = system->slot[slot].word;

	if (!(full.flags & MYC_SPAWN_THREAD) && myc_actor_word_state(word) == MYC_ACTOR_STARTING &&
	    myc_actor_word_executor(word) < system->opts.executors)
		full.executor = myc_actor_word_executor(word);
	pthread_mutex_lock(&system->mutex);
	code = check_name(system, full.name, error);
	if (!code)
		code = spawn_placed(system, &full, slot,
				    myc_actor_word_generation(system->slot[slot].word), restarts,
				    address, error);
	if (code)
		unplace(system, &full);
	pthread_mutex_unlock(&system->mutex);
	return code;
}

/* ---- by an actor ------------------------------------------------------------------------------- */

/* Of a name, or a phase. It is taken before anything else is done, so that two cannot have the name. */
static int enter_local(struct myc_system *system, struct myc_actor *actor, const char *name,
		       uint32_t phase, struct myc_error *error)
{
	pthread_mutex_lock(&system->mutex);
	int code = check_name(system, name, error);

	if (!code)
		code = myc_phase_check(system, phase, error);
	if (!code && myc_phase_reserve(system, phase))
		code = myc_error_set(error, -ENOMEM, NULL, "no memory for an actor");
	if (!code) {
		actor->ties.phase = (uint8_t)phase;
		publish(system, actor, 0);
		if (name)
			myc_names_set(system, name, actor->address);
		myc_phase_enter(system, phase, actor->address, name);
	}
	pthread_mutex_unlock(&system->mutex);
	return code;
}

int myc_spawn_local(struct myc_actor *self, const struct myc_spawn_opts *opts, myc_address *address,
		    struct myc_error *error)
{
	struct myc_executor *executor = self->executor;
	struct myc_system *system = executor->system;
	struct myc_spawn_opts full = {0};
	uint32_t slot;
	int code = check(system, opts, &full, error);

	if (code)
		return code;
	if (full.flags & MYC_SPAWN_THREAD) {
		full.executor = 0;
		full.phase = full.phase ? full.phase : self->ties.phase;
		return myc_spawn(system, &full, address, error);
	}
	if (executor->closed) /* by this thread */
		return stopped(error);
	if (!slot_take_local(executor, &slot))
		return no_slot(system, error);
	struct myc_actor *actor = &system->actor[slot];

	if (fill(system, &full, slot, next_generation(system, slot), executor, true)) {
		queue_put(&executor->kept, slot);
		return myc_error_set(error, -ENOMEM, NULL, "no memory for an actor");
	}
	uint32_t phase = full.phase ? full.phase : self->ties.phase;

	code = give_row(system, actor, true, error);
	if (!code && (full.name || phase))
		code = enter_local(system, actor, full.name, phase, error);
	else if (!code)
		publish(system, actor, 0);
	if (code) {
		myc_actor_free(actor);
		queue_put(&executor->kept, slot);
		return code;
	}
	myc_executor_adopt(executor, actor);
	code = myc_actor_start(actor);
	if (code)
		return myc_error_set(error, code, NULL, "its init or started returned %d", code);
	if (address)
		*address = actor->address;
	return 0;
}
