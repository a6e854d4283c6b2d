/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deterministic runtime: executors without threads, one turn at a time, chosen by a seed.
 *
 * Several processes are several systems on their regions, each seeing the others' read-only. A crash
 * frees the private memory of one without a word to its actors (out of a handler by longjmp), and joins
 * its region again with the next incarnation.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "core/ask.h"
#include "core/testkit.h"

#define START_NS    1000000000u
#define BATCH_MAX   4
#define DELAY_TURNS 50
#define TURNS_MAX   1000000
#define TRACE	    32
#define MILLION	    1000000u
#define QUIET_TURNS 3 /* publish, be seen by others, and nothing came of it */
#define HASH_START  0xcbf29ce484222325ull
#define SEED_STRIDE 0x9e3779b97f4a7c15ull

/* ---- chance and trace -------------------------------------------------------------------------- */

/* splitmix64: every seed, 0 too, is a good one. */
static uint64_t mix(uint64_t x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

uint32_t myc_testkit_random(struct myc_testkit *kit, uint32_t bound)
{
	kit->random += SEED_STRIDE;
	return bound ? (uint32_t)((mix(kit->random) >> 32) * bound >> 32) : 0;
}

bool myc_kit_chance(struct myc_testkit *kit, uint32_t of_a_million)
{
	return of_a_million && myc_testkit_random(kit, MILLION) < of_a_million;
}

void myc_kit_note(struct myc_testkit *kit, enum myc_kit_event_kind kind, myc_address actor,
		  uint64_t detail, uint32_t type, uint32_t size)
{
	struct myc_kit_event event = {
		.number = kit->events,
		.now_ns = kit->now_ns,
		.actor = actor,
		.detail = detail,
		.kind = kind,
		.process = kit->turn_process,
		.executor = kit->turn_executor,
		.type = type,
		.size = size,
	};
	const uint64_t words[] = {event.now_ns, actor, detail,
				  (uint64_t)kind << 32 | event.process << 16 | event.executor,
				  (uint64_t)type << 32 | size};

	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		kit->hash = mix(kit->hash ^ words[i]) + SEED_STRIDE;
	kit->trace[kit->events++ % kit->opts.trace] = event;
}

/* ---- what is left to do ------------------------------------------------------------------------ */

void myc_kit_wake_all(struct myc_testkit *kit)
{
	for (uint32_t p = 0; p < kit->opts.processes; p++)
		for (uint32_t e = 0; e < kit->system_opts.executors; e++)
			kit->process[p].executor[e].quiet = 0;
}

bool myc_kit_idle(struct myc_testkit *kit)
{
	uint32_t executors = kit->system_opts.executors;

	for (uint32_t i = 0; i < kit->opts.processes * executors; i++) {
		const struct myc_kit_process *process = &kit->process[i / executors];
		const struct myc_kit_executor *executor = &process->executor[i % executors];

		if (myc_kit_alive(process) && (!executor->begun || executor->quiet < QUIET_TURNS))
			return false;
	}
	for (uint32_t i = 0; i < kit->opts.processes * executors; i++) {
		const struct myc_kit_process *process = &kit->process[i / executors];

		if (!myc_kit_alive(process))
			continue;
		process->system->executor[i % executors].now_ns = 0;
		if (myc_executor_busy(&process->system->executor[i % executors]))
			return false;
	}
	return true;
}

uint64_t myc_testkit_next_due_ns(const struct myc_testkit *kit)
{
	uint64_t next = UINT64_MAX;

	for (uint32_t p = 0; p < kit->opts.processes; p++)
		for (uint32_t e = 0; e < kit->system_opts.executors; e++) {
			const struct myc_executor *executor =
				myc_kit_alive(&kit->process[p])
					? &kit->process[p].system->executor[e]
					: NULL;
			uint64_t ask = executor ? myc_asks_next_ns(executor) : UINT64_MAX;

			next = ask < next ? ask : next;
			if (executor && executor->timers.next_ns < next)
				next = executor->timers.next_ns;
			if (executor && executor->watches.late_ns < next)
				next = executor->watches.late_ns;
			if (executor && executor->outbox_deadlines &&
			    executor->outbox_due_ns < next)
				next = executor->outbox_due_ns;
		}
	return next;
}

/* ---- processes --------------------------------------------------------------------------------- */

static int join(struct myc_testkit *kit, uint32_t p, struct myc_error *error)
{
	struct myc_kit_process *process = &kit->process[p];
	const struct myc_workspace workspace = {
		.process = p,
		.incarnation = ++process->incarnation,
		.processes = kit->opts.processes,
		.regions = process->regions,
		.find = myc_kit_find,
		.alive = myc_kit_process_alive,
		.context = kit,
		.world = &kit->world,
	};
	int code = myc_system_join(&process->system, &kit->system_opts, &workspace, error);

	if (code)
		return code;
	memset(process->executor, 0, process->system->executors * sizeof(*process->executor));
	for (uint32_t i = 0; i < process->declared_count && !code; i++)
		code = myc_spawn_at(process->system, &process->declared[i], i,
				    (uint32_t)process->incarnation - 1, NULL, error);
	if (!code && process->incarnation > 1)
		myc_system_free_unspawned(process->system);
	return code;
}

int myc_testkit_kill(struct myc_testkit *kit, uint32_t p)
{
	if (p >= kit->opts.processes || kit->in_turn)
		return -EINVAL;
	if (!myc_kit_alive(&kit->process[p]))
		return -ESRCH;
	kit->turn_process = p;
	kit->turn_executor = 0;
	kit->crashes++;
	myc_kit_note(kit, MYC_KIT_CRASH, 0, kit->process[p].incarnation, 0, 0);
	myc_system_close(kit->process[p].system);
	kit->process[p].system = NULL;
	myc_kit_wake_all(kit);
	return 0;
}

int myc_testkit_revive(struct myc_testkit *kit, uint32_t p)
{
	if (p >= kit->opts.processes || kit->in_turn)
		return -EINVAL;
	if (myc_kit_alive(&kit->process[p]))
		return -EALREADY;
	myc_kit_wake_all(kit);
	return join(kit, p, NULL);
}

int myc_testkit_crash(struct myc_testkit *kit, uint32_t p)
{
	int code = myc_testkit_kill(kit, p);

	return code ? code : myc_testkit_revive(kit, p);
}

int myc_testkit_bury(struct myc_testkit *kit, uint32_t p)
{
	int code = myc_testkit_kill(kit, p);

	if (code && code != -ESRCH)
		return code;
	kit->process[p].declared_count = 0;
	return myc_testkit_revive(kit, p);
}

/* ---- opening ----------------------------------------------------------------------------------- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value ? value : fallback;
}

static int fill_opts(struct myc_testkit *kit, const struct myc_testkit_opts *given,
		     struct myc_error *error)
{
	static const struct myc_system_opts small = {.sz = sizeof(small),
						     .actors = 256,
						     .outbox = 256,
						     .pending = 1024,
						     .buffers = {{256, 64}, {4096, 16}},
						     .loans = 64};
	struct myc_testkit_opts *opts = &kit->opts;
	const char *seed = getenv("MYC_SEED");

	if (!given || given->sz < sizeof(*given))
		return myc_error_set(error, -EINVAL, "set opts.sz",
				     "test kit options are incomplete");
	*opts = *given;
	opts->processes = or_default(opts->processes, 1);
	opts->batch_max = or_default(opts->batch_max, BATCH_MAX);
	opts->delay_turns = or_default(opts->delay_turns, DELAY_TURNS);
	opts->crashes_max = or_default(opts->crashes_max, 1);
	opts->turns_max = or_default(opts->turns_max, TURNS_MAX);
	opts->trace = or_default(opts->trace, TRACE);
	kit->seed = opts->seed;
	if (!kit->seed)
		kit->seed = seed ? strtoull(seed, NULL, 0) : 1;
	kit->random = mix(kit->seed);
	kit->hash = HASH_START;
	kit->now_ns = opts->start_ns ? opts->start_ns : START_NS;
	const struct myc_system_opts *system = opts->system ? opts->system : &small;

	memcpy(&kit->system_opts, system,
	       system->sz < sizeof(*system) ? system->sz : sizeof(*system));
	kit->system_opts.sz = sizeof(kit->system_opts);
	kit->system_opts.executors = or_default(kit->system_opts.executors, 1);
	if (opts->processes > MYC_TESTKIT_PROCESSES_MAX ||
	    kit->system_opts.executors > MYC_EXECUTORS_MAX)
		return myc_error_set(error, -EINVAL, "use up to 8 processes of 64 executors",
				     "%u processes of %u executors", opts->processes,
				     kit->system_opts.executors);
	for (uint32_t e = 0; e < kit->system_opts.executors; e++) {
		if (kit->system_opts.executor)
			kit->executor_opts[e] = kit->system_opts.executor[e];
		kit->executor_opts[e].core = -1;
		kit->executor_opts[e].idle = MYC_IDLE_SPIN; /* nobody needs to be rung */
		if (!kit->executor_opts[e].timers)
			kit->executor_opts[e].timers = 256;
	}
	kit->system_opts.threads = 0; /* there is but one */
	kit->system_opts.executor = kit->executor_opts;
	return 0;
}

static int open_region(struct myc_testkit *kit, struct myc_kit_process *process,
		       struct myc_error *error)
{
	struct myc_region_plan plan = {0};
	uint32_t executors = kit->system_opts.executors;
	int code = myc_system_plan(&plan, &kit->system_opts, kit->opts.processes,
				   kit->opts.processes * executors, error);
	int fd;

	if (code)
		return code;
	fd = myc_region_create("testkit", &plan, error);
	if (fd < 0)
		return fd;
	code = myc_region_map(&process->own, fd, MYC_REGION_OWNER, error);
	if (!code && kit->opts.processes > 1)
		code = myc_region_map(&process->view, fd, MYC_REGION_READER, error);
	close(fd);
	process->regions = calloc(kit->opts.processes, sizeof(*process->regions));
	process->executor = calloc(executors, sizeof(*process->executor));
	process->declared = calloc(MYC_SLOTS_FIXED, sizeof(*process->declared));
	if (!code && (!process->regions || !process->executor || !process->declared))
		code = myc_error_set(error, -ENOMEM, NULL, "no memory for a test kit");
	return code;
}

int myc_testkit_open(struct myc_testkit **out, const struct myc_testkit_opts *opts,
		     struct myc_error *error)
{
	struct myc_testkit *kit = calloc(1, sizeof(*kit));
	int code;

	if (!kit)
		return myc_error_set(error, -ENOMEM, NULL, "no memory for a test kit");
	myc_kit_world_open(kit);
	code = fill_opts(kit, opts, error);
	if (!code) {
		kit->trace = calloc(or_default(kit->opts.trace, TRACE), sizeof(*kit->trace));
		kit->probe_name = calloc(MYC_SLOTS_FIXED, sizeof(*kit->probe_name));
		kit->probe_behaviour = calloc(MYC_SLOTS_FIXED, sizeof(*kit->probe_behaviour));
		if (!kit->trace || !kit->probe_name || !kit->probe_behaviour)
			code = myc_error_set(error, -ENOMEM, NULL, "no memory for a test kit");
	}
	for (uint32_t p = 0; !code && p < kit->opts.processes; p++)
		code = open_region(kit, &kit->process[p], error);
	for (uint32_t p = 0; !code && p < kit->opts.processes; p++) {
		for (uint32_t q = 0; q < kit->opts.processes; q++)
			kit->process[p].regions[q] =
				p == q ? kit->process[q].own : kit->process[q].view;
		code = join(kit, p, error);
	}
	if (code) {
		myc_testkit_close(kit);
		return code;
	}
	*out = kit;
	return 0;
}

void myc_testkit_close(struct myc_testkit *kit)
{
	if (!kit)
		return;
	for (uint32_t p = 0; p < MYC_TESTKIT_PROCESSES_MAX; p++) {
		struct myc_kit_process *process = &kit->process[p];

		myc_system_close(process->system);
		free(process->regions);
		free(process->executor);
		free(process->declared);
	}
	for (uint32_t p = 0; p < MYC_TESTKIT_PROCESSES_MAX; p++) {
		myc_region_unmap(&kit->process[p].own);
		myc_region_unmap(&kit->process[p].view);
	}
	myc_kit_world_close(kit);
	myc_kit_probes_close(kit);
	free(kit->trace);
	free(kit);
}

struct myc_system *myc_testkit_system(struct myc_testkit *kit, uint32_t process)
{
	return process < kit->opts.processes ? kit->process[process].system : NULL;
}

int myc_testkit_spawn(struct myc_testkit *kit, uint32_t p, const struct myc_spawn_opts *opts,
		      myc_address *address)
{
	if (p >= kit->opts.processes || !opts || opts->sz > sizeof(*opts))
		return -EINVAL;
	struct myc_kit_process *process = &kit->process[p];

	if (!myc_kit_alive(process))
		return -ESRCH;
	if (process->declared_count == MYC_SLOTS_FIXED)
		return -ENOSPC;
	int code = myc_spawn_at(process->system, opts, process->declared_count,
				(uint32_t)process->incarnation - 1, address, NULL);

	if (!code)
		memcpy(&process->declared[process->declared_count++], opts, opts->sz);
	myc_kit_wake_all(kit);
	return code;
}

/* Nobody has anything to do: to the next due time. False: there is none. */
static bool pass_time(struct myc_testkit *kit)
{
	uint64_t due = myc_testkit_next_due_ns(kit);

	if (due == UINT64_MAX)
		return false;
	kit->now_ns = due > kit->now_ns ? due : kit->now_ns + 1;
	myc_kit_wake_all(kit);
	return true;
}

int myc_testkit_post(struct myc_testkit *kit, myc_address to, uint16_t type, const void *payload,
		     size_t size)
{
	uint32_t p = myc_address_process(to);

	if (p >= kit->opts.processes || kit->in_turn)
		return -EINVAL;
	myc_kit_wake_all(kit);
	for (uint32_t turns = 0; turns < kit->opts.turns_max; turns++) {
		/* Looked up each time: it may crash while we wait. */
		if (!myc_kit_alive(&kit->process[p]))
			return -ESRCH;
		int code = myc_post_try(kit->process[p].system, to, type, payload, size);

		if (code != -EAGAIN && code != -ENOBUFS && code != -ENOSPC) {
			myc_kit_wake_all(kit);
			return code;
		}
		if (!myc_kit_idle(kit))
			myc_testkit_step(kit);
		else if (!pass_time(kit))
			return -ETIME;
	}
	return -ETIME;
}

/* ---- running ----------------------------------------------------------------------------------- */

/* Any of those that are not held up; when all are, the one whose time comes first. False: all are dead. */
static bool choose(struct myc_testkit *kit)
{
	uint32_t executors = kit->system_opts.executors, all = executors * kit->opts.processes;
	uint32_t from = myc_testkit_random(kit, all), best = from, least = UINT32_MAX;

	for (uint32_t i = 0; i < all; i++) {
		uint32_t at = (from + i) % all;

		if (!myc_kit_alive(&kit->process[at / executors]))
			continue;
		uint32_t until = kit->process[at / executors].executor[at % executors].delayed;
		uint32_t left = (int32_t)(until - kit->turns) > 0 ? until - kit->turns : 0;

		if (left < least) {
			least = left;
			best = at;
		}
		if (!left)
			break;
	}
	kit->turn_process = best / executors;
	kit->turn_executor = best % executors;
	return least != UINT32_MAX;
}

/* 0 when the process crashed in it, else what was done + 1. */
static uint32_t turn_of(struct myc_testkit *kit, struct myc_executor *executor, bool begin)
{
	uint32_t n = 1;

	if (setjmp(kit->crashed)) {
		kit->in_turn = false;
		return 0;
	}
	kit->in_turn = true;
	if (begin)
		myc_executor_begin(executor);
	else
		n = myc_executor_turn(executor, true);
	kit->in_turn = false;
	return n + 1;
}

uint32_t myc_testkit_step(struct myc_testkit *kit)
{
	if (kit->in_turn) /* a handler that waits for itself */
		return 0;
	kit->turns++;
	if (!choose(kit))
		return 0;
	uint32_t p = kit->turn_process;
	struct myc_kit_executor *chosen = &kit->process[p].executor[kit->turn_executor];
	struct myc_executor *executor = &kit->process[p].system->executor[kit->turn_executor];

	if (kit->crashes < kit->opts.crashes_max && !(kit->opts.spared >> p & 1) &&
	    myc_kit_chance(kit, kit->opts.crash)) {
		myc_testkit_crash(kit, p);
		return 1;
	}
	executor->opts.batch = 1 + myc_testkit_random(kit, kit->opts.batch_max);
	uint64_t events = kit->events;
	uint32_t n = turn_of(kit, executor, !chosen->begun);

	if (!n) {
		myc_testkit_crash(kit, p);
		return 1;
	}
	chosen->begun = true;
	n--;
	if (n || kit->events != events) {
		myc_kit_note(kit, MYC_KIT_TURN, 0, n, 0, 0);
		myc_kit_wake_all(kit);
		n = n ? n : 1;
	} else {
		chosen->quiet++;
	}
	if (myc_kit_chance(kit, kit->opts.delay)) {
		uint32_t turns = 1 + myc_testkit_random(kit, kit->opts.delay_turns);

		chosen->delayed = kit->turns + turns;
		myc_kit_note(kit, MYC_KIT_DELAY, 0, turns, 0, 0);
	}
	return n;
}

int myc_testkit_run_until_idle(struct myc_testkit *kit)
{
	if (kit->in_turn)
		return -EINVAL;
	myc_kit_wake_all(kit);
	for (uint32_t turns = 0; turns < kit->opts.turns_max; turns++) {
		if (myc_kit_idle(kit))
			return 0;
		myc_testkit_step(kit);
	}
	return -ETIME;
}

int myc_testkit_advance(struct myc_testkit *kit, uint64_t ns)
{
	uint64_t until = ns < UINT64_MAX - kit->now_ns ? kit->now_ns + ns : UINT64_MAX - 1;
	int code = myc_testkit_run_until_idle(kit);

	for (uint64_t due; !code && (due = myc_testkit_next_due_ns(kit)) <= until;) {
		/* A cancelled timer's time may be past already: the next look renews it. */
		kit->now_ns = due > kit->now_ns ? due : kit->now_ns + 1;
		if (kit->now_ns > until)
			break;
		code = myc_testkit_run_until_idle(kit);
	}
	if (code)
		return code;
	kit->now_ns = until;
	return myc_testkit_run_until_idle(kit);
}

uint64_t myc_testkit_now_ns(const struct myc_testkit *kit)
{
	return kit->now_ns;
}

uint32_t myc_testkit_crashes(const struct myc_testkit *kit)
{
	return kit->crashes;
}
