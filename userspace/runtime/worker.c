/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A worker: from the holder's fork to running actors, and to an orderly end on SIGTERM.
 *
 *	map regions -> close descriptors -> load library -> lock memory -> give up privileges
 *	-> join the system, spawn, open feeds -> start: "up" -> wait -> leave
 *
 * A caretaker spawns nobody, and leaves by itself when it is done.
 *
 * Exit code 0 = was asked to stop and did. Any failure is described in the control block and is a
 * code that is not 0. A kill -9 leaves the region as it is; the successor joins it.
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "core/process.h"
#include "market/feed.h"
#include "runtime/channels_yaml.h"
#include "runtime/library.h"
#include "runtime/order.h"
#include "runtime/sandbox.h"
#include "runtime/view.h"

#define NS_PER_MS    1000000ull
#define ADMISSION_NS (10000 * NS_PER_MS) /* for the supervisor to note our incarnation */
#define BEAT_POLLS   32			 /* turns between two looks at the clock */
#define WAIT_MS	     1000

/* Runs on each executor: shows that its turns come to their end, and the end of its input. */
struct pulse {
	struct myc_source source;
	struct worker *worker;
	uint32_t executor;
	uint32_t polls;
	uint32_t begun; /* turns begun, 0..2: at 2 the first one, with every init, is over */
	uint64_t due_ns;
};

struct worker {
	struct myc_run *run;
	uint32_t process;
	uint64_t incarnation;
	const struct myc_topology_process *topology;
	struct myc_view view;
	struct myc_worker_control *control;
	const struct myc_behaviour *behaviour[MYC_PROCESS_ACTORS_MAX];
	struct myc_system *system;
	struct myc_endpoint *endpoint[MYC_PROCESS_ACTORS_MAX]; /* by slot, NULL without feeds */
	struct myc_feed *feed[MYC_PROCESS_ACTORS_MAX];
	struct pulse pulse[MYC_PROCESS_EXECUTORS_MAX];
	uint64_t beat_ns; /* between two beats */
	pthread_t main;
	bool care; /* for what is left of the process: see myc_system_clear */
	struct myc_executor_opts idle[MYC_PROCESS_EXECUTORS_MAX];
};

/* The signal handler's; one worker a process. */
static struct myc_system *_Atomic stopping_system;
static volatile sig_atomic_t asked_to_stop;

static void on_term(int signal)
{
	struct myc_system *system = stopping_system;

	(void)signal;
	asked_to_stop = 1;
	if (system)
		myc_system_request_stop(system);
}

static void set_state(struct worker *worker, enum myc_worker_state state)
{
	uint64_t one = 1;

	/* Pairs with the supervisor's acquire load: what was written before belongs to it. */
	__atomic_store_n(&worker->control->state, myc_worker_word(worker->incarnation, state),
			 __ATOMIC_RELEASE);
	ssize_t ignored = write(worker->run->notify_fd, &one, sizeof(one));
	(void)ignored;
}

/* ---- the pulse ------------------------------------------------------------------------------- */

static void look_for_the_end(struct pulse *pulse)
{
	struct worker *worker = pulse->worker;
	uint64_t *word = &worker->control->exhausted[pulse->executor];
	bool has_endpoints = false, ended = true;
	uint64_t one = 1;

	if (*word == worker->incarnation)
		return;
	for (uint32_t a = 0; a < worker->topology->actors; a++) {
		if (!worker->endpoint[a] || worker->topology->actor[a].executor != pulse->executor)
			continue;
		has_endpoints = true;
		ended = ended && myc_endpoint_exhausted(worker->endpoint[a]);
	}
	if (!has_endpoints || !ended)
		return;
	__atomic_store_n(word, worker->incarnation, __ATOMIC_RELEASE);
	ssize_t ignored = write(worker->run->notify_fd, &one, sizeof(one));
	(void)ignored;
}

static unsigned pulse_poll(struct myc_source *source, unsigned budget)
{
	struct pulse *pulse = (struct pulse *)source;

	(void)budget;
	if (pulse->begun < 2) /* pairs with await_first_turns */
		__atomic_store_n(&pulse->begun, pulse->begun + 1, __ATOMIC_RELEASE);
	if (++pulse->polls % BEAT_POLLS)
		return 0;
	uint64_t now = myc_clock_ns();
	if (now < pulse->due_ns)
		return 0;
	pulse->due_ns = now + pulse->worker->beat_ns;
	__atomic_store_n(&pulse->worker->control->beat_ns[pulse->executor], now, __ATOMIC_RELEASE);
	look_for_the_end(pulse);
	return 0;
}

static bool pulse_ready(struct myc_source *source)
{
	(void)source;
	return false;
}

static uint64_t pulse_deadline(struct myc_source *source)
{
	struct pulse *pulse = (struct pulse *)source;

	/* Woken for the beat: the next poll looks at the clock. */
	pulse->polls = BEAT_POLLS - 1;
	return pulse->due_ns;
}

/* ---- the workspace's questions --------------------------------------------------------------- */

static int find_name(void *context, const char *name, myc_address *address)
{
	struct worker *worker = context;
	struct myc_registry_entry entry;
	int err = myc_registry_find(&worker->view.registry, name, &entry);

	/* A row whose writer died is as good as absent until the next supervisor mends it. */
	if (err)
		return -ENOENT;
	*address = entry.address;
	return 0;
}

static bool process_alive(void *context, uint32_t process)
{
	struct worker *worker = context;

	return myc_process_alive(&worker->view.registry, process);
}

static int bell_of(void *context, uint32_t process, uint32_t executor)
{
	const struct worker *worker = context;

	if (process >= worker->view.processes ||
	    executor >= worker->run->topology->process[process].executors +
				worker->run->topology->process[process].threads)
		return -1;
	return worker->run->bell_fd[process][executor];
}

/* Of the topology's actors. */
static bool name_of(void *context, myc_address actor, char name[48])
{
	const struct worker *worker = context;
	uint32_t process = myc_address_process(actor), slot = myc_address_slot(actor);

	if (process >= worker->view.processes ||
	    slot >= worker->run->topology->process[process].actors)
		return false;
	snprintf(name, 48, "%s", worker->run->topology->process[process].actor[slot].name);
	return true;
}

static void log_cycle(void *context, const struct myc_cycle_report *report)
{
	static const char *const what[] = {
		[MYC_CYCLES_REPORT] = ("all stay paused (set supervisor.credit_cycles, or use "
				       "myc_try_send on one side)"),
		[MYC_CYCLES_FAIL] = "the first one's waiting messages are dead letters",
		[MYC_CYCLES_KILL] = "the first one is killed",
	};
	char text[1024];

	(void)context;
	myc_cycle_format(report, text, sizeof(text));
	myc_log_warn("actors wait for one another: %s; %s", text, what[report->policy]);
}

/* An actor beyond its restart limit takes its process with it, and the supervisor decides; but for one that another
 * actor has spawned, if somebody monitors it, who decides then. */
static void actor_failed(void *context, myc_address actor, int code, bool watched)
{
	struct worker *worker = context;
	uint32_t slot = myc_address_slot(actor);
	bool spawned = slot >= worker->topology->actors;

	if (actor == MYC_NOBODY) /* the last executor has ended: see serve() */
		pthread_kill(worker->main, MYC_ORDER_SIGNAL);
	if (!code || asked_to_stop)
		return;
	if (spawned && watched) {
		myc_log_warn(
			"actor 0x%llx, spawned by another, failed beyond its restart limit: %s; "
			"who watches it is told",
			(unsigned long long)actor, strerror(-code));
		return;
	}
	myc_error_set(&worker->control->error, code,
		      spawned ? "let who spawns it monitor it" : "see its log",
		      "actor '%s' failed beyond its restart limit: %s",
		      spawned ? "?" : worker->topology->actor[slot].name, strerror(-code));
	set_state(worker, MYC_WORKER_FAILED);
	_exit(1);
}

/* ---- steps ----------------------------------------------------------------------------------- */

static int map_workspace(struct worker *worker, struct myc_error *error)
{
	struct myc_run *run = worker->run;

	if (run->dataplane)
		myc_dataplane_forked(run->dataplane, worker->process);
	int err = myc_view_open(&worker->view, run, worker->process, error);
	if (err)
		return err;
	worker->control = myc_view_control(&worker->view, worker->process);
	if (!worker->control)
		return myc_error_set(error, -EIO, NULL, "our region has no control block");
	for (uint32_t r = 0; r <= worker->view.processes; r++)
		close(run->region_fd[r]);
	if (run->program)
		myc_program_close(run->program);
	return 0;
}

/* The supervisor notes our incarnation once the holder told it of us: before, we are nobody. */
static int await_admission(struct worker *worker, struct myc_error *error)
{
	const uint64_t *noted = &worker->view.registry.processes[worker->process].incarnation;
	uint64_t deadline = myc_clock_ns() + ADMISSION_NS;
	struct timespec pause = {.tv_nsec = 200000};

	while (__atomic_load_n(noted, __ATOMIC_ACQUIRE) < worker->incarnation) {
		if (asked_to_stop)
			_exit(0);
		if (myc_clock_ns() > deadline)
			return myc_error_set(error, -ETIMEDOUT, NULL,
					     "no supervisor noted this process within 10 s");
		nanosleep(&pause, NULL);
	}
	return 0;
}

static int give_up_privileges(struct worker *worker, struct myc_error *error)
{
	int err = worker->care ? 0 : myc_library_open(worker->topology, worker->behaviour, error);

	if (err)
		return err;
	err = myc_sandbox_lock_memory();
	if (err)
		myc_log_warn("memory is not locked: %s (raise RLIMIT_MEMLOCK)", strerror(-err));
	return myc_sandbox_enter(error);
}

static int open_feed(struct worker *worker, uint32_t slot, struct myc_actor *actor,
		     struct myc_error *error)
{
	const struct myc_topology_actor *topology = &worker->topology->actor[slot];
	const struct myc_channels *channels = worker->run->topology->channels;
	struct myc_feed_channel_opts channel[MYC_PROCESS_CHANNELS_MAX] = {{0}};
	struct myc_dataplane_tables tables = {
		.registry = worker->view.registry.rows,
		.processes = worker->view.registry.processes,
		.system = worker->view.system,
		.page = worker->view.page[worker->process],
		.pages = worker->view.page,
		.maps = worker->run->program ? &worker->view.maps : NULL,
	};

	for (uint32_t f = 0; f < topology->feeds; f++) {
		const struct myc_channel_spec *spec = &channels->spec[topology->feed[f]];

		channel[f].channel = spec->channel;
		channel[f].lines = (uint8_t)spec->lines_count;
		channel[f].from_start = topology->from_start;
		channel[f].reorder_packets = spec->reorder_packets;
		channel[f].gap_timeout_ns = spec->gap_timeout_ns;
		if (spec->symbols) {
			channel[f].symbols = spec->symbols->symbol;
			channel[f].symbols_count = spec->symbols->count;
		}
	}
	int err = myc_endpoint_join(&worker->endpoint[slot], worker->run->dataplane,
				    topology->endpoint, worker->view.region, worker->view.processes,
				    &tables, error);
	if (err)
		return err;
	struct myc_feed_opts opts = {
		.sz = sizeof(opts),
		.actor = actor,
		.endpoint = worker->endpoint[slot],
		.channel = channel,
		.channels = topology->feeds,
		.region = &worker->view.region[worker->process],
		.report_filtered = topology->report_filtered,
		.page = worker->view.page[worker->process],
	};
	err = myc_feed_open(&worker->feed[slot], &opts, error);
	if (err)
		return err;
	return myc_system_add_source(worker->system, topology->executor,
				     myc_feed_source(worker->feed[slot]));
}

static int spawn(struct worker *worker, uint32_t slot, struct myc_error *error)
{
	const struct myc_topology_actor *topology = &worker->topology->actor[slot];
	struct myc_spawn_opts opts = {
		.sz = sizeof(opts),
		.behaviour = worker->behaviour[slot],
		.name = topology->name,
		.executor = topology->executor,
		.settings = topology->setting,
		.settings_count = topology->settings,
		.restarts_max = topology->restarts_max,
		.restarts_window_ns = topology->restarts_window_ns,
		.flags = topology->thread ? MYC_SPAWN_THREAD : 0,
		.phase = topology->phase,
	};
	struct myc_registry_entry entry;
	myc_address address;

	int err = myc_spawn_at(worker->system, &opts, slot, (uint32_t)(worker->incarnation - 1),
			       &address, error);
	if (err)
		return err;
	myc_layout_entry(worker->run->layout, worker->process, slot, &entry);
	if (address != entry.address)
		return myc_error_set(error, -EIO, NULL, "actor '%s' got address %llx, not %llx",
				     topology->name, (unsigned long long)address,
				     (unsigned long long)entry.address);
	if (!topology->feeds)
		return 0;
	err = open_feed(worker, slot, myc_system_actor(worker->system, address), error);
	return err ? myc_error_doing(error, "feeding actor '%s'", topology->name) : 0;
}

/* A caretaker's executors sleep, whatever those of the process did: so it is seen that they have nothing to do. */
static void be_idle(struct worker *worker, struct myc_system_opts *opts)
{
	for (uint32_t e = 0; e < opts->executors; e++) {
		worker->idle[e] = opts->executor[e];
		worker->idle[e].core = -1;
		worker->idle[e].idle = MYC_IDLE_SLEEP;
		worker->idle[e].idle_spins = 1;
	}
	opts->executor = worker->idle;
}

static int start(struct worker *worker, struct myc_error *error)
{
	struct myc_system_opts opts = worker->run->layout->system[worker->process];
	struct myc_workspace workspace = {
		.process = worker->process,
		.incarnation = worker->incarnation,
		.processes = worker->view.processes,
		.regions = worker->view.region,
		.find = find_name,
		.alive = process_alive,
		.name = name_of,
		.failed = actor_failed,
		.bell = bell_of,
		.context = worker,
	};

	opts.cycle = log_cycle;
	if (worker->care)
		be_idle(worker, &opts);
	int err = myc_system_join(&worker->system, &opts, &workspace, error);

	const struct myc_topology *topology = worker->run->topology;
	uint32_t number;

	for (uint32_t i = 0; !err && i < topology->phases; i++) {
		const struct myc_phase_opts phase = {.sz = sizeof(phase),
						     .name = topology->phase[i].name,
						     .timeout_ms = topology->phase[i].timeout_ms};

		err = myc_system_phase(worker->system, &phase, &number, error);
	}
	for (uint32_t a = 0; !err && a < worker->topology->actors && !worker->care; a++)
		err = spawn(worker, a, error);
	for (uint32_t e = 0; !err && e < worker->topology->executors; e++) {
		struct pulse *pulse = &worker->pulse[e];

		*pulse = (struct pulse){
			.source = {.poll = pulse_poll,
				   .ready = pulse_ready,
				   .deadline_ns = pulse_deadline,
				   .timed = true},
			.worker = worker,
			.executor = e,
		};
		/* Until the first turn this is its beat. */
		__atomic_store_n(&worker->control->beat_ns[e], myc_clock_ns(), __ATOMIC_RELEASE);
		err = myc_system_add_source(worker->system, e, &pulse->source);
	}
	err = err ?: myc_system_start(worker->system, error);
	if (err && error && !error->code)
		myc_error_set(error, err, NULL, "starting the executors: %s", strerror(-err));
	return err;
}

/* Up means that every actor was initialised; one that cannot be ends the process meanwhile. */
static void await_first_turns(struct worker *worker)
{
	struct timespec pause = {.tv_nsec = 200000};

	for (uint32_t e = 0; e < worker->topology->executors; e++)
		while (__atomic_load_n(&worker->pulse[e].begun, __ATOMIC_ACQUIRE) < 2 &&
		       !asked_to_stop)
			nanosleep(&pause, NULL);
}

/* Asked to stop a while ago, we still run: whose fault is it? */
static void log_hung(const struct worker *worker)
{
	myc_address actor[MYC_THREADS_MAX];
	uint32_t count = myc_system_hung(worker->system, actor, MYC_THREADS_MAX);
	char name[48];

	for (uint32_t i = 0; i < count; i++)
		myc_log_warn("actor '%s' is in a handler still, and holds up the stop",
			     name_of((void *)(uintptr_t)worker, actor[i], name) ? name : "?");
}

/* Until the executors have ended: the supervisor's orders. */
static void serve(struct worker *worker)
{
	struct timespec limit = {.tv_nsec = WAIT_MS % 1000 * NS_PER_MS, .tv_sec = WAIT_MS / 1000};
	uint64_t one = 1;
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, MYC_ORDER_SIGNAL);
	while (myc_system_wait(worker->system, 0) == -ETIMEDOUT) {
		if (myc_order_look(&worker->view, worker->process, worker->incarnation,
				   worker->system)) {
			ssize_t ignored = write(worker->run->notify_fd, &one, sizeof(one));
			(void)ignored;
			continue;
		}
		/* An order, or the end of the last executor. */
		if (sigtimedwait(&set, NULL, &limit) < 0 && errno == EAGAIN && asked_to_stop)
			log_hung(worker);
	}
}

static int live(struct worker *worker, struct myc_error *error)
{
	int err = await_admission(worker, error);

	err = err ?: give_up_privileges(worker, error);
	err = err ?: start(worker, error);
	if (err)
		return err;
	stopping_system = worker->system;
	if (asked_to_stop) /* before the handler knew of the system */
		myc_system_request_stop(worker->system);
	await_first_turns(worker);
	set_state(worker, MYC_WORKER_UP);
	if (worker->care) {
		myc_system_clear(worker->system);
		myc_system_request_stop(worker->system);
	}
	serve(worker);
	stopping_system = NULL;
	set_state(worker, MYC_WORKER_STOPPING);
	for (uint32_t a = 0; a < worker->topology->actors; a++) {
		if (worker->feed[a])
			myc_feed_close(worker->feed[a]);
		if (worker->endpoint[a])
			myc_endpoint_leave(worker->endpoint[a]);
	}
	return 0;
}

_Noreturn void myc_worker_main(struct myc_run *run, uint32_t process, uint64_t incarnation,
			       bool care)
{
	static struct worker worker;
	struct sigaction action = {.sa_handler = on_term, .sa_flags = SA_RESTART};
	struct myc_error error = {0};
	sigset_t masked;
	char name[16];

	worker.run = run;
	worker.process = process;
	worker.care = care;
	worker.incarnation = incarnation;
	worker.topology = &run->topology->process[process];
	worker.beat_ns = run->topology->lease_ms * NS_PER_MS / 8;
	if (worker.beat_ns > 50 * NS_PER_MS)
		worker.beat_ns = 50 * NS_PER_MS;
	snprintf(name, sizeof(name), "myc:%.11s", worker.topology->name);
	prctl(PR_SET_NAME, name);
	myc_log_open(worker.topology->name, run->log_fd, MYC_LOG_INFO);
	sigaction(SIGTERM, &action, NULL);
	signal(SIGINT, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	/* For serve(), from now on and in all threads. */
	sigemptyset(&masked);
	sigaddset(&masked, MYC_ORDER_SIGNAL);
	sigprocmask(SIG_SETMASK, &masked, NULL);
	worker.main = pthread_self();

	int err = map_workspace(&worker, &error);
	if (!err) {
		set_state(&worker, MYC_WORKER_STARTING);
		err = live(&worker, &error);
	}
	/* No exit handlers: they are the holder's, and the library's threads are gone or not ours. */
	if (!err)
		_exit(0);
	char text[1024];
	myc_error_format(&error, text, sizeof(text));
	myc_log_error("%s", text);
	if (worker.control) {
		worker.control->error = error;
		set_state(&worker, MYC_WORKER_FAILED);
	}
	_exit(1);
}
