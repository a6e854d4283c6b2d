/* SPDX-License-Identifier: Apache-2.0 */
/* Pools of workers: its two actors, and making one. */
#include "core/workers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define WORKERS_MAX   64
#define QUEUE_MAX     1024
#define DRAIN_NS      5000000000u
#define ADAPT_NS      1000000000u
#define NAME_MAX_SIZE 40 /* with its 0: room for ".control" */

/* ---- the intake -------------------------------------------------------------------------------- */

struct myc_workers *myc_workers_of(const struct myc_actor *self)
{
	struct myc_system *system = self->executor->system;
	uint32_t number = (uint32_t)strtoul(myc_setting(self, "myc.pool", "0"), NULL, 10);

	pthread_mutex_lock(&system->mutex);
	struct myc_workers *workers = system->pools;

	while (workers && workers->number != number)
		workers = workers->next;
	pthread_mutex_unlock(&system->mutex);
	return workers;
}

struct part {
	struct myc_workers *workers;
};

static struct myc_workers *workers_of(struct myc_actor *self)
{
	return ((const struct part *)myc_state(self))->workers;
}

static int intake_init(struct myc_actor *self)
{
	struct part *part = myc_state(self);

	part->workers = myc_workers_of(self);
	if (!part->workers)
		return -EINVAL;
	part->workers->intake = self;
	self->of_pool = true;
	/* Until control has begun. */
	myc_actor_aside(self, MYC_ASIDE_SHUT, true);
	return 0;
}

/* Killed, that is: it ends after the intake otherwise. */
static bool control_there(const struct myc_workers *workers)
{
	return workers->control->address == workers->control_address &&
	       myc_actor_runs(workers->control);
}

static int intake_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_workers *workers = workers_of(self);
	struct myc_reply_to asker;

	if (control_there(workers)) {
		myc_workers_accept(workers, message);
		myc_workers_after(workers);
		return 0;
	}
	workers->numbers.accepted++;
	workers->numbers.discarded[MYC_DISCARD_SHUTDOWN]++;
	if (!myc_reply_keep(message, &asker))
		(void)myc_reply_error(self, &asker, -ESHUTDOWN);
	myc_workers_publish(workers);
	return 0;
}

/* Control was killed: what it had is lost, and its workers have nobody. */
static int intake_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct myc_workers *workers = workers_of(self);
	struct myc_workers_numbers *numbers = &workers->numbers;

	if (event->from != workers->control_address)
		return 0;
	for (uint32_t r = 0; r < workers->rows; r++)
		if (workers->row[r].state != MYC_ROW_FREE)
			(void)myc_stop_send(self, workers->row[r].address, MYC_STOP);
	numbers->discarded[MYC_DISCARD_SHUTDOWN] += numbers->waiting;
	numbers->in_doubt += numbers->in_hand;
	numbers->waiting = numbers->in_hand = 0;
	numbers->state = MYC_WORKERS_ENDED;
	myc_workers_publish(workers);
	myc_exit(self, event->reason);
	return 0;
}

static void intake_status(struct myc_actor *self, struct myc_status *status)
{
	const struct myc_workers_numbers *n = &workers_of(self)->numbers;
	uint64_t discarded = 0;

	for (int i = 0; i < MYC_DISCARD_REASONS; i++)
		discarded += n->discarded[i];
	snprintf(status->text, sizeof(status->text),
		 "workers %llu, waiting %llu, in hand %llu, done %llu, discarded %llu, in doubt "
		 "%llu",
		 (unsigned long long)n->alive, (unsigned long long)n->waiting,
		 (unsigned long long)n->in_hand, (unsigned long long)n->done,
		 (unsigned long long)discarded, (unsigned long long)n->in_doubt);
}

/* ---- the control actor ------------------------------------------------------------------------- */

static int control_init(struct myc_actor *self)
{
	struct part *part = myc_state(self);
	struct myc_workers *workers = part->workers = myc_workers_of(self);
	struct myc_monitor monitor;
	int code;

	if (!workers || !workers->intake)
		return -EINVAL;
	workers->control = self;
	/* Its workers begin on other executors, and look for it, before it is spawned for who spawns it here. */
	if (workers->owner)
		workers->control_address = self->address;
	self->unpaused = self->of_pool = true;
	code = myc_monitor(self, workers->intake_address, 0, &monitor);
	if (!code && workers->owner)
		code = myc_monitor(self, workers->owner, 0, &monitor);
	if (!code)
		code = myc_monitor(workers->intake, self->address, 0, &monitor);
	if (code) {
		/* Nobody would open it. */
		(void)myc_stop_send(self, workers->intake_address, MYC_STOP_KILL);
		return code;
	}
	myc_workers_begin(workers);
	myc_workers_after(workers);
	return 0;
}

static int control_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_workers *workers = workers_of(self);
	struct myc_workers_settings settings;
	uint64_t deadline_ns;

	if (message->type == MYC_WORKERS_CHANGE && message->size == sizeof(settings)) {
		memcpy(&settings, message->payload, sizeof(settings));
		if (!myc_workers_check(workers, &settings)) {
			myc_workers_apply(workers, &settings);
			myc_workers_tick(workers);
		}
	} else if (message->type == MYC_WORKERS_END && message->size == sizeof(deadline_ns)) {
		memcpy(&deadline_ns, message->payload, sizeof(deadline_ns));
		myc_workers_end(workers, deadline_ns);
	}
	myc_workers_after(workers);
	return 0;
}

static int control_timer(struct myc_actor *self, uint64_t cookie)
{
	struct myc_workers *workers = workers_of(self);

	(void)cookie;
	workers->timer_ns = UINT64_MAX;
	myc_workers_tick(workers);
	myc_workers_after(workers);
	return 0;
}

static int control_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct myc_workers *workers = workers_of(self);

	myc_workers_replied(workers, reply);
	myc_workers_after(workers);
	return 0;
}

static int control_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct myc_workers *workers = workers_of(self);

	if (event->kind == MYC_EVENT_DOWN)
		myc_workers_down(workers, event);
	myc_workers_after(workers);
	return 0;
}

static void control_stopped(struct myc_actor *self)
{
	struct myc_workers *workers = workers_of(self);

	if (workers && workers->control == self)
		myc_workers_leave_nothing(workers);
}

void myc_workers_asked_to_end(struct myc_actor *self)
{
	struct myc_workers *workers = workers_of(self);

	myc_workers_end(workers, workers->opts.drain_ns);
	myc_workers_after(workers);
	if (self->stop_asked)
		myc_actor_after(self, 0);
}

static const struct myc_behaviour control = {.name = "workers.control",
					     .state_size = sizeof(struct part),
					     .init = control_init,
					     .message = control_message,
					     .timer = control_timer,
					     .reply = control_reply,
					     .signal = control_signal,
					     .stopped = control_stopped};

/* ---- making one -------------------------------------------------------------------------------- */

int myc_workers_check(const struct myc_workers *workers,
		      const struct myc_workers_settings *settings)
{
	const struct myc_workers_opts *opts = &workers->opts;

	return settings->workers > opts->workers_max || settings->queue > opts->queue_max ||
			       settings->ahead > MYC_WORKERS_AHEAD_MAX ||
			       settings->route > MYC_ROUTE_LEAST_LOADED ||
			       settings->full > MYC_FULL_DROP_OLDEST || settings->hang_replace > 1
		       ? -EINVAL
		       : 0;
}

static int check(const struct myc_workers_opts *opts, uint32_t executors, struct myc_error *error)
{
	uint64_t there = executors < 64 ? (1ull << executors) - 1 : UINT64_MAX;

	if (opts->name && (!*opts->name || strlen(opts->name) >= NAME_MAX_SIZE))
		return myc_error_set(error, -EINVAL, "use 1 to 39 bytes", "name '%s'", opts->name);
	if (opts->workers_max > MYC_WORKERS_MAX || opts->queue_max > MYC_WORKERS_QUEUE_MAX)
		return myc_error_set(error, -EINVAL, "use at most 256 and 2^20",
				     "a pool of %u workers and %u jobs", opts->workers_max,
				     opts->queue_max);
	if (opts->executor >= executors || !(opts->executors & there))
		return myc_error_set(
			error, -EINVAL, NULL, "a pool on executor %u, its workers on 0x%llx, of %u",
			opts->executor, (unsigned long long)opts->executors, executors);
	if (opts->key_size > 8 || opts->priorities > MYC_WORKERS_PRIORITIES)
		return myc_error_set(error, -EINVAL, "use at most 8 bytes and 5 priorities",
				     "a key of %u bytes, %u priorities", opts->key_size,
				     opts->priorities);
	if (opts->behaviour->grows_to)
		return myc_error_set(error, -EINVAL,
				     "leave grows_to out: jobs wait in the pool, up to `queue`",
				     "workers of behaviour '%s' have mailboxes without bounds",
				     opts->behaviour->name);
	if (opts->flags & ~(uint32_t)MYC_WORKERS_THREADS)
		return myc_error_set(error, -EINVAL, NULL, "flags %#x of a pool", opts->flags);
	if (opts->worker_settings_count > MYC_WORKERS_SETTINGS_MAX)
		return myc_error_set(error, -EINVAL, "use at most 32", "%u settings of workers",
				     opts->worker_settings_count);
	return 0;
}

/* A copy with the defaults in it. */
static int full_opts(struct myc_workers *workers, const struct myc_workers_opts *given,
		     uint32_t executor, struct myc_error *error)
{
	struct myc_workers_opts *opts = &workers->opts;
	uint32_t executors = workers->system->opts.executors;

	if (!given || given->sz < offsetof(struct myc_workers_opts, settings) || !given->behaviour)
		return myc_error_set(error, -EINVAL, "set sz and behaviour",
				     "options of a pool are incomplete");
	memcpy(opts, given, given->sz < sizeof(*opts) ? given->sz : sizeof(*opts));
	opts->executor = executor == MYC_NONE ? opts->executor : executor;
	opts->workers_max = opts->workers_max ? opts->workers_max : WORKERS_MAX;
	opts->queue_max = opts->queue_max ? opts->queue_max : QUEUE_MAX;
	opts->priorities += !opts->priorities;
	opts->drain_ns = opts->drain_ns ? opts->drain_ns : DRAIN_NS;
	opts->adapt_ns = opts->adapt_ns ? opts->adapt_ns : ADAPT_NS;
	if (!opts->executors)
		opts->executors = executors == 1 ? 1 : ~(1ull << (opts->executor & 63));
	int code = check(opts, executors, error);

	if (!code && myc_workers_check(workers, &opts->settings))
		code = myc_error_set(error, -EINVAL, "see mycelium/workers.h",
				     "settings of a pool that it cannot have");
	if (code)
		return code;
	snprintf(workers->name, sizeof(workers->name), "%s", opts->name ? opts->name : "");
	workers->intake_behaviour =
		(struct myc_behaviour){.name = "workers",
				       .state_size = sizeof(struct part),
				       .capacity_per_sender = opts->capacity_per_sender,
				       .init = intake_init,
				       .message = intake_message,
				       .signal = intake_signal,
				       .status = intake_status,
				       .interface = opts->behaviour->interface};
	myc_workers_frame(workers);
	return 0;
}

static int copy_settings(struct myc_workers *workers)
{
	uint32_t count = workers->opts.worker_settings_count;
	const struct myc_setting *from = workers->opts.worker_settings;
	size_t size = count * sizeof(*from);

	for (uint32_t i = 0; i < count; i++)
		size += strlen(from[i].key) + strlen(from[i].value) + 2;
	workers->worker_settings = malloc(size ? size : 1);
	if (!workers->worker_settings)
		return -ENOMEM;
	char *at = (char *)(workers->worker_settings + count);

	for (uint32_t i = 0; i < count; i++) {
		workers->worker_settings[i].key = at;
		at = stpcpy(at, from[i].key) + 1;
		workers->worker_settings[i].value = at;
		at = stpcpy(at, from[i].value) + 1;
	}
	return 0;
}

static void release(struct myc_workers *workers)
{
	myc_work_close(workers);
	free(workers->row);
	free(workers->shared);
	free(workers->worker_settings);
	free(workers);
}

static int make(struct myc_system *system, const struct myc_workers_opts *opts, uint32_t executor,
		struct myc_workers **out, struct myc_error *error)
{
	struct myc_workers *workers = calloc(1, sizeof(*workers));
	int code;

	if (!workers) {
		myc_error_set(error, -ENOMEM, NULL, "no memory for a pool");
		return -ENOMEM;
	}
	workers->system = system;
	workers->timer_ns = workers->adapt_at_ns = workers->again_at_ns = UINT64_MAX;
	workers->key_free = workers->work_free = 0;
	code = full_opts(workers, opts, executor, error);
	if (code) {
		release(workers);
		return code;
	}
	workers->rows = 2 * workers->opts.workers_max;
	workers->row = aligned_alloc(64, workers->rows * sizeof(*workers->row));
	workers->shared = calloc(1, sizeof(*workers->shared));
	if (!workers->row || !workers->shared || copy_settings(workers) || myc_work_open(workers)) {
		myc_error_set(error, -ENOMEM, NULL, "no memory for a pool of %u jobs",
			      workers->opts.queue_max);
		release(workers);
		return -ENOMEM;
	}
	memset(workers->row, 0, workers->rows * sizeof(*workers->row));
	myc_workers_apply(workers, &workers->opts.settings);
	myc_workers_publish(workers);
	pthread_mutex_lock(&system->mutex);
	workers->number = system->pools ? system->pools->number + 1 : 1;
	workers->next = system->pools;
	system->pools = workers;
	pthread_mutex_unlock(&system->mutex);
	*out = workers;
	return 0;
}

void myc_workers_close_all(struct myc_system *system)
{
	while (system->pools) {
		struct myc_workers *next = system->pools->next;

		release(system->pools);
		system->pools = next;
	}
}

/* One of the two actors, by a thread or an actor. */
static int spawn_part(struct myc_workers *workers, struct myc_actor *self,
		      const struct myc_behaviour *behaviour, const char *name, myc_address *address,
		      struct myc_error *error)
{
	char number[12];
	const struct myc_setting setting = {"myc.pool", number};
	const struct myc_spawn_opts opts = {.sz = sizeof(opts),
					    .behaviour = behaviour,
					    .name = name,
					    .executor = workers->opts.executor,
					    .settings = &setting,
					    .settings_count = 1,
					    .restarts_max = MYC_RESTARTS_NONE,
					    .phase = workers->opts.phase};

	snprintf(number, sizeof(number), "%u", workers->number);
	return self ? myc_spawn_local(self, &opts, address, error)
		    : myc_spawn(workers->system, &opts, address, error);
}

static int spawn_both(struct myc_workers *workers, struct myc_actor *self, struct myc_error *error)
{
	char name[MYC_NAME_SIZE];
	const char *its = *workers->name ? workers->name : NULL;

	snprintf(name, sizeof(name), "%.*s.control", NAME_MAX_SIZE - 1, workers->name);
	int code = spawn_part(workers, self, &workers->intake_behaviour, its,
			      &workers->intake_address, error);

	if (code)
		return code;
	code = spawn_part(workers, self, &control, its ? name : NULL,
			  self ? NULL : &workers->control_address, error);
	/* Shut, it has handled nothing. */
	if (code && self)
		(void)myc_stop_send(self, workers->intake_address, MYC_STOP_KILL);
	else if (code)
		(void)myc_actor_stop(workers->system, workers->intake_address, MYC_STOP_KILL, 0);
	return code;
}

int myc_workers_spawn(struct myc_system *system, const struct myc_workers_opts *opts,
		      struct myc_workers **out, struct myc_error *error)
{
	struct myc_workers *workers = NULL;
	int code = make(system, opts, MYC_NONE, &workers, error);

	if (!code)
		code = spawn_both(workers, NULL, error);
	if (!code)
		*out = workers;
	return code;
}

int myc_workers_spawn_local(struct myc_actor *self, const struct myc_workers_opts *opts,
			    struct myc_workers **out, struct myc_error *error)
{
	struct myc_workers *workers = NULL;
	int code = make(self->executor->system, opts, self->executor->index, &workers, error);

	if (code)
		return code;
	workers->owner = self->address;
	code = spawn_both(workers, self, error);
	if (!code)
		*out = workers;
	return code;
}
