/* SPDX-License-Identifier: Apache-2.0 */
#include "core/shutdown.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mycelium/link.h>

#include "base/clock.h"
#include "core/exit.h"
#include "core/name.h"
#include "core/wait.h"

#define TIMEOUT_MS 5000
#define NS_PER_MS  1000000ull

struct member {
	myc_address address;
	char name[MYC_NAME_SIZE];
};

struct task {
	char name[MYC_NAME_SIZE];
	int (*run)(void *context);
	void *context;
};

struct myc_phase {
	char name[MYC_PHASE_NAME_MAX + 1];
	uint32_t timeout_ms, how;
	bool together, ended, closed; /* closed: nobody enters any more */
	struct task task[MYC_PHASE_TASKS_MAX];
	uint32_t tasks;
	/* By start; who has ended stays until there is no room. The mutex. */
	struct member *member;
	uint32_t members, room;
};

struct myc_phases {
	uint32_t count;
	bool shut;
	struct myc_phase phase[MYC_PHASES_MAX];
};

static struct myc_phase *phase_of(const struct myc_system *system, uint32_t number)
{
	struct myc_phases *phases = system->phases;

	return phases && number && number <= phases->count ? &phases->phase[number - 1] : NULL;
}

/* ---- declaring --------------------------------------------------------------------------------- */

static int refuse(struct myc_error *error, int code, const char *remedy, const char *what)
{
	return myc_error_set(error, code, remedy, "%s", what);
}

int myc_system_phase(struct myc_system *system, const struct myc_phase_opts *opts, uint32_t *number,
		     struct myc_error *error)
{
	if (!opts || opts->sz < sizeof(*opts) || !opts->name || !*opts->name ||
	    strlen(opts->name) > MYC_PHASE_NAME_MAX ||
	    (opts->how && opts->how != MYC_STOP && opts->how != MYC_STOP_DRAIN))
		return refuse(error, -EINVAL,
			      "set sz, a name of 1 to 31 bytes, how a stop or a drain",
			      "the options of a phase are incomplete");
	if (!system->phases)
		system->phases = calloc(1, sizeof(*system->phases));
	struct myc_phases *phases = system->phases;

	if (!phases)
		return refuse(error, -ENOMEM, NULL, "no memory for phases");
	if (phases->shut)
		return refuse(error, -ESHUTDOWN, NULL, "the system is being shut down");
	if (phases->count == MYC_PHASES_MAX)
		return refuse(error, -ENOSPC, "use fewer", "a system has at most 16 phases");
	for (uint32_t i = 0; i < phases->count; i++)
		if (!strcmp(phases->phase[i].name, opts->name))
			return myc_error_set(error, -EEXIST, "give each phase a name of its own",
					     "there is a phase '%s' already", opts->name);
	struct myc_phase *phase = &phases->phase[phases->count];

	snprintf(phase->name, sizeof(phase->name), "%s", opts->name);
	phase->timeout_ms = opts->timeout_ms ? opts->timeout_ms : TIMEOUT_MS;
	phase->how = opts->how ? opts->how : MYC_STOP_DRAIN;
	phase->together = opts->together;
	/* Executors look it up, under the mutex, when their actors spawn. */
	pthread_mutex_lock(&system->mutex);
	*number = ++phases->count;
	pthread_mutex_unlock(&system->mutex);
	return 0;
}

int myc_phase_task(struct myc_system *system, uint32_t number, const char *name,
		   int (*run)(void *context), void *context, struct myc_error *error)
{
	struct myc_phase *phase = phase_of(system, number);

	if (!phase || !run)
		return refuse(error, -EINVAL, "declare it by myc_system_phase", "no such phase");
	if (phase->ended)
		return refuse(error, -ESHUTDOWN, NULL, "the phase has ended");
	if (phase->tasks == MYC_PHASE_TASKS_MAX)
		return refuse(error, -ENOSPC, "use fewer", "a phase has at most 16 tasks");
	struct task *task = &phase->task[phase->tasks++];

	snprintf(task->name, sizeof(task->name), "%s", name ? name : "");
	task->run = run;
	task->context = context;
	return 0;
}

int myc_phase_check(const struct myc_system *system, uint32_t number, struct myc_error *error)
{
	const struct myc_phase *phase = phase_of(system, number);

	if (!number || (phase && !phase->closed))
		return 0;
	return phase ? myc_error_set(error, -ESHUTDOWN, NULL, "the phase '%s' has ended",
				     phase->name)
		     : myc_error_set(error, -EINVAL, "declare it by myc_system_phase",
				     "there is no phase %u", number);
}

static bool lives(const struct myc_system *system, myc_address actor)
{
	uint64_t word =
		__atomic_load_n(&system->slot[myc_address_slot(actor)].word, __ATOMIC_ACQUIRE);

	return myc_actor_word_generation(word) == myc_address_generation(actor) &&
	       myc_actor_word_lives(word);
}

int myc_phase_reserve(struct myc_system *system, uint32_t number)
{
	struct myc_phase *phase = phase_of(system, number);
	uint32_t kept = 0;

	if (!phase || phase->members < phase->room)
		return 0;
	for (uint32_t i = 0; i < phase->members; i++)
		if (lives(system, phase->member[i].address))
			phase->member[kept++] = phase->member[i];
	phase->members = kept;
	if (kept < phase->room / 2 + phase->room % 2)
		return 0;
	uint32_t room = phase->room ? 2 * phase->room : 16;
	struct member *more = realloc(phase->member, room * sizeof(*more));

	if (!more)
		return -ENOMEM;
	phase->member = more;
	phase->room = room;
	return 0;
}

void myc_phase_enter(struct myc_system *system, uint32_t number, myc_address actor,
		     const char *name)
{
	struct myc_phase *phase = phase_of(system, number);

	if (!phase)
		return;
	struct member *member = &phase->member[phase->members++];

	member->address = actor;
	snprintf(member->name, sizeof(member->name), "%s", name ? name : "");
}

void myc_phases_close(struct myc_system *system)
{
	for (uint32_t i = 0; system->phases && i < system->phases->count; i++)
		free(system->phases->phase[i].member);
	free(system->phases);
	system->phases = NULL;
}

/* ---- noting ------------------------------------------------------------------------------------ */

static void note(struct myc_shutdown *result, uint32_t phase, enum myc_shutdown_what what, int code,
		 myc_address actor, const char *name)
{
	uint32_t *count[] = {
		[MYC_SHUTDOWN_KILLED] = &result->killed,
		[MYC_SHUTDOWN_STUCK] = &result->stuck,
		[MYC_SHUTDOWN_LATE] = &result->late,
		[MYC_SHUTDOWN_FAILED] = &result->failed,
	};

	(*count[what])++;
	if (result->notes == MYC_SHUTDOWN_NOTES)
		return;
	struct myc_shutdown_note *to = &result->note[result->notes++];

	*to = (struct myc_shutdown_note){
		.what = what, .phase = phase, .code = code, .actor = actor};
	snprintf(to->name, sizeof(to->name), "%s", name);
}

/* ---- tasks ------------------------------------------------------------------------------------- */

/* What the thread of a phase's tasks and who waits for it share; the last of the two frees it. */
struct run {
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	uint32_t tasks, done;
	int code[MYC_PHASE_TASKS_MAX];
	struct task task[MYC_PHASE_TASKS_MAX];
	bool left; /* by who waited */
};

static void run_free(struct run *run)
{
	pthread_mutex_destroy(&run->mutex);
	pthread_cond_destroy(&run->changed);
	free(run);
}

static void *run_tasks(void *argument)
{
	struct run *run = argument;
	/* Who waits frees it when the last one is done. */
	uint32_t count = run->tasks;
	bool left = false;

	for (uint32_t i = 0; i < count && !left; i++) {
		int code = run->task[i].run(run->task[i].context);

		pthread_mutex_lock(&run->mutex);
		run->code[i] = code;
		run->done = i + 1;
		left = run->left;
		pthread_cond_signal(&run->changed);
		pthread_mutex_unlock(&run->mutex);
	}
	if (left)
		run_free(run);
	return NULL;
}

static struct run *run_begin(const struct myc_phase *phase)
{
	struct run *run = calloc(1, sizeof(*run));
	pthread_condattr_t monotonic;
	pthread_attr_t detached;
	pthread_t thread;

	if (!run)
		return NULL;
	pthread_mutex_init(&run->mutex, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&run->changed, &monotonic);
	pthread_condattr_destroy(&monotonic);
	run->tasks = phase->tasks;
	memcpy(run->task, phase->task, sizeof(run->task));
	pthread_attr_init(&detached);
	pthread_attr_setdetachstate(&detached, PTHREAD_CREATE_DETACHED);
	int code = pthread_create(&thread, &detached, run_tasks, run);

	pthread_attr_destroy(&detached);
	if (!code)
		return run;
	run_free(run);
	return NULL;
}

static void tasks(const struct myc_phase *phase, uint32_t number, uint64_t until_ns,
		  struct myc_shutdown *result)
{
	struct timespec limit = {.tv_sec = (time_t)(until_ns / 1000000000u),
				 .tv_nsec = (long)(until_ns % 1000000000u)};
	struct run *run = phase->tasks ? run_begin(phase) : NULL;
	uint32_t done = 0;
	int code = 0;

	if (run) {
		pthread_mutex_lock(&run->mutex);
		while (run->done < run->tasks && !code)
			code = pthread_cond_timedwait(&run->changed, &run->mutex, &limit);
		done = run->done;
		run->left = done < run->tasks;
		bool left = run->left;

		for (uint32_t i = 0; i < done; i++)
			if (run->code[i])
				note(result, number, MYC_SHUTDOWN_FAILED, run->code[i], MYC_NOBODY,
				     phase->task[i].name);
		pthread_mutex_unlock(&run->mutex);
		if (!left)
			run_free(run);
	}
	for (uint32_t i = done; i < phase->tasks; i++)
		note(result, number, run ? MYC_SHUTDOWN_LATE : MYC_SHUTDOWN_FAILED,
		     run ? 0 : -EAGAIN, MYC_NOBODY, phase->task[i].name);
}

/* ---- actors ------------------------------------------------------------------------------------ */

/* The last of the phase, out of its list; false: there is none, and nobody enters any more. */
static bool take_last(struct myc_system *system, struct myc_phase *phase, struct member *member)
{
	pthread_mutex_lock(&system->mutex);
	bool some = phase->members != 0;

	if (some)
		*member = phase->member[--phase->members];
	else
		phase->closed = true;
	pthread_mutex_unlock(&system->mutex);
	return some;
}

/* Its last words are on their way: who ends later can hear them. */
static bool buried(const struct myc_system *system, myc_address actor)
{
	uint64_t word =
		__atomic_load_n(&system->slot[myc_address_slot(actor)].word, __ATOMIC_ACQUIRE);

	return myc_actor_word_generation(word) != myc_address_generation(actor) ||
	       myc_actor_word_state(word) == MYC_ACTOR_FREE;
}

static uint64_t left(const struct myc_system *system, uint64_t until_ns)
{
	uint64_t now = myc_system_now(system);

	return now < until_ns ? until_ns - now : 0;
}

static void kill_late(struct myc_system *system, uint32_t number, const struct member *member,
		      uint64_t kill_until_ns, struct myc_shutdown *result)
{
	uint64_t rest = left(system, kill_until_ns);
	int code = myc_actor_stop(system, member->address, MYC_STOP_KILL, rest ? rest : 1);

	if (code == -ESRCH)
		return; /* it has ended after all */
	note(result, number, code ? MYC_SHUTDOWN_STUCK : MYC_SHUTDOWN_KILLED, code, member->address,
	     member->name);
}

/* All at once: told in order, without waiting for any. */
static void tell_all(struct myc_system *system, struct myc_phase *phase, uint64_t until_ns)
{
	pthread_mutex_lock(&system->mutex);
	uint32_t i = phase->members;

	while (i) {
		/* Others may enter, and the list move, while it is told. */
		myc_address address = phase->member[--i].address;

		pthread_mutex_unlock(&system->mutex);
		while (myc_actor_stop(system, address, phase->how, 0) == -EAGAIN &&
		       left(system, until_ns))
			(void)myc_actor_wait(system, address, 100000);
		pthread_mutex_lock(&system->mutex);
		i = i < phase->members ? i : phase->members;
	}
	pthread_mutex_unlock(&system->mutex);
}

static void actors(struct myc_system *system, struct myc_phase *phase, uint32_t number,
		   uint64_t until_ns, struct myc_shutdown *result)
{
	uint64_t kill_until_ns = until_ns + MYC_SHUTDOWN_KILL_MS * NS_PER_MS;
	struct member member;

	if (phase->together)
		tell_all(system, phase, until_ns);
	while (take_last(system, phase, &member)) {
		uint64_t rest = left(system, until_ns);
		int code;

		if (!lives(system, member.address))
			continue;
		code = rest ? myc_actor_stop(system, member.address, phase->how, rest) : -ETIMEDOUT;
		if (code && code != -ESRCH)
			kill_late(system, number, &member, kill_until_ns, result);
		struct myc_wait wait = myc_wait_begin(system, left(system, until_ns));

		while (!buried(system, member.address) && myc_wait_more(&wait))
			;
	}
}

/* ---- the end ----------------------------------------------------------------------------------- */

int myc_phase_stop(struct myc_system *system, uint32_t number, struct myc_shutdown *result)
{
	struct myc_phase *phase = phase_of(system, number);
	uint32_t stuck = result->stuck, noted = result->killed + result->late + result->failed;

	if (!phase)
		return -ENOENT;
	if (phase->ended)
		return -EALREADY;
	phase->ended = true;
	uint64_t until_ns = myc_system_now(system) + phase->timeout_ms * NS_PER_MS;

	/* Tasks keep the machine's time, also where actors have another. */
	tasks(phase, number, myc_clock_ns() + phase->timeout_ms * NS_PER_MS, result);
	/* A system that was not started has nobody to end them, but where turns come from who waits. */
	if (system->started || system->workspace.world)
		actors(system, phase, number, until_ns, result);
	if (result->stuck != stuck)
		return -ETIMEDOUT;
	return result->killed + result->late + result->failed == noted ? 0 : -ETIME;
}

/* Those that have a thread of their own: only they may block. */
static void note_hung(struct myc_system *system, struct myc_shutdown *result)
{
	myc_address actor[MYC_THREADS_MAX];
	uint32_t count = system->opts.threads ? myc_system_hung(system, actor, MYC_THREADS_MAX) : 0;

	for (uint32_t i = 0; i < count; i++) {
		char name[48] = "";
		bool noted = false;

		for (uint32_t n = 0; n < result->notes; n++)
			noted |= result->note[n].actor == actor[i] &&
				 result->note[n].what == MYC_SHUTDOWN_STUCK;
		if (noted)
			continue;
		(void)myc_names_of(system, actor[i], name);
		note(result, 0, MYC_SHUTDOWN_STUCK, -ETIMEDOUT, actor[i], name);
	}
}

int myc_system_shutdown(struct myc_system *system, uint32_t timeout_ms, struct myc_shutdown *result)
{
	struct myc_shutdown own = {0};
	uint32_t count = system->phases ? system->phases->count : 0;

	result = result ? result : &own;
	*result = (struct myc_shutdown){0};
	if (system->phases)
		system->phases->shut = true;
	for (uint32_t i = 1; i <= count; i++)
		(void)myc_phase_stop(system, i, result);
	int code = myc_system_stop(system, timeout_ms);

	if (code)
		note_hung(system, result);
	if (code)
		return code;
	return result->killed + result->late + result->failed + result->stuck ? -ETIME : 0;
}
