/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The executor's thread: turns, idling, draining.
 *
 * A turn: sources, lanes in (the one to oneself among them), pending messages of actors that go on,
 * outbox, timers; then wake whom we gave something. Empty turns publish what is held back and, by
 * the idle strategy, give the core away.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/numa.h"
#include "core/ask.h"
#include "core/executor.h"
#include "core/body.h"
#include "core/directory.h"
#include "core/cycle.h"
#include "core/exit.h"
#include "core/guess.h"
#include "core/move.h"
#include "core/letter.h"
#include "core/outbox.h"
#include "core/outside.h"
#include "core/signal.h"
#include "core/thread.h"
#include "core/topic_actor.h"
#include "core/wake.h"
#include "core/watch.h"
#include "core/within.h"

#define SCAN_TURNS 16	       /* turns between looks for new lanes, flows, adoptions */
#define STATUS_NS  1000000000u /* between status lines */
#define IDLE_SPINS 2000
#define BATCH	   64
#define TIMERS	   4096
#define SIGNALS	   1024
#define ASKS	   1024
#define WATCHES	   4096
#define KEEP_NS	   1000000u /* between looks at parked executors while there is other work */

uint64_t myc_executor_clock(const struct myc_executor *executor)
{
	const struct myc_world *world = executor->system->workspace.world;

	return world ? world->now(world->context) : myc_clock_ns();
}

uint64_t myc_executor_now(struct myc_executor *executor)
{
	if (!executor->now_ns)
		executor->now_ns = myc_executor_clock(executor);
	return executor->now_ns;
}

/* ---- opening ----------------------------------------------------------------------------------- */

static int open_memory(struct myc_executor *executor, uint32_t sources)
{
	const struct myc_system *system = executor->system;
	struct myc_executor_words *words = executor->words;
	char *at = (char *)(words + 1) + words->lanes_in * myc_lane_in_size(MYC_LANE_FLOWS);

	executor->inlets_max = words->lanes_in;
	executor->pending_entries = words->pending;
	executor->pending_capacity = words->pending - words->lanes_in * MYC_LANE_FLOWS;
	executor->outbox_capacity = words->outbox - 1;
	executor->pending = (struct myc_pending *)(void *)at;
	executor->outbox = (struct myc_outbox_entry *)(void *)(executor->pending + words->pending);
	/* Chunks are indices of pending entries too, though those between are none. */
	uint32_t first = words->pending + words->outbox + myc_chunk_marks(words->growth);
	uint32_t all = words->growth ? first + words->growth : words->pending;

	size_t flows = myc_guess_entries(executor->inlets_max) * sizeof(*executor->flow_table);

	executor->inlet = calloc(executor->inlets_max, sizeof(*executor->inlet));
	executor->flow_table = aligned_alloc(64, flows);
	executor->changed_seen = calloc(sources, sizeof(*executor->changed_seen));
	executor->pending_next = calloc(all, sizeof(*executor->pending_next));
	executor->pending_hold = calloc(all, sizeof(*executor->pending_hold));
	executor->pending_previous = calloc(all, sizeof(*executor->pending_previous));
	executor->outbox_next = calloc(words->outbox, sizeof(*executor->outbox_next));
	executor->outbox_previous = calloc(words->outbox, sizeof(*executor->outbox_previous));
	executor->offer = calloc(system->slots, sizeof(struct myc_actor *));
	if (!executor->inlet || !executor->flow_table || !executor->changed_seen ||
	    !executor->pending_next || !executor->pending_hold || !executor->outbox_next ||
	    !executor->pending_previous || !executor->outbox_previous || !executor->offer ||
	    myc_keyed_open(&executor->pending_keyed, all) ||
	    myc_keyed_open(&executor->outbox_keyed, words->outbox))
		return -ENOMEM;
	memset(executor->flow_table, 0, flows);
	myc_guess_open(executor->flow_table);
	executor->guess = myc_guess_after(executor->flow_table);
	int code = myc_growth_open(executor, (uint32_t *)(void *)(executor->outbox + words->outbox),
				   first);

	code = code ? code : myc_timers_open(&executor->timers, executor->opts.timers);
	executor->timers.tag = executor->index << MYC_TIMER_INDEX_BITS;
	return code;
}

/* Other processes ring the bell that the holder made; alone we make our own. */
static int open_bell(struct myc_executor *executor)
{
	const struct myc_workspace *workspace = &executor->system->workspace;

	executor->bell = -1;
	if (workspace->bell)
		executor->bell =
			workspace->bell(workspace->context, workspace->process, executor->index);
	executor->others_cannot_ring = executor->bell < 0 && workspace->processes > 1;
	if (executor->bell >= 0)
		return 0;
	executor->bell = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	executor->bell_ours = true;
	return executor->bell < 0 ? -errno : 0;
}

int myc_executor_open(struct myc_executor *executor, struct myc_system *system, uint32_t index,
		      const struct myc_executor_opts *opts, struct myc_error *error)
{
	const struct myc_workspace *workspace = &system->workspace;
	int code;

	executor->system = system;
	executor->index = index;
	executor->opts = *opts;
	executor->opts.idle_spins = opts->idle_spins ? opts->idle_spins : IDLE_SPINS;
	executor->opts.batch = opts->batch ? opts->batch : BATCH;
	executor->opts.timers = opts->timers ? opts->timers : TIMERS;
	executor->words = myc_region_block(&workspace->regions[workspace->process],
					   MYC_BLOCK_EXECUTOR, index, NULL);
	code = open_bell(executor);
	if (code)
		return myc_error_set(error, code, "raise the limit of open files",
				     "no eventfd for executor %u: %s", index, strerror(-code));
	code = open_memory(executor, workspace->processes * MYC_SOURCES_OF_PROCESS);
	if (!code)
		code = myc_signals_open(executor, opts->signals ? opts->signals : SIGNALS);
	if (!code)
		code = myc_asks_open(executor, opts->asks ? opts->asks : ASKS);
	if (!code)
		code = myc_watches_open(executor, opts->watches ? opts->watches : WATCHES);
	if (!code && opts->states_kib)
		code = myc_slab_reserve(&executor->slab, (size_t)opts->states_kib * 1024);
	if (!code)
		code = myc_letters_open(executor);
	if (!code)
		code = myc_notes_open(executor);
	if (!code)
		code = myc_sender_open(&executor->out, system, index);
	if (code)
		return myc_error_set(error, code,
				     code == -ENOMEM
					     ? "give the system more memory, or smaller tables"
					     : "plan the region with the options the system gets",
				     "executor %u: %s", index, strerror(-code));
	/* A predecessor that died asleep must not look so for ever. */
	myc_sleep_end(&executor->words->asleep);
	__atomic_store_n(&executor->words->sleeps, opts->idle == MYC_IDLE_SLEEP, __ATOMIC_RELAXED);
	return 0;
}

void myc_executor_close(struct myc_executor *executor)
{
	if (executor->bell_ours && executor->bell >= 0)
		close(executor->bell);
	myc_sender_close(&executor->out);
	myc_signals_close(executor);
	myc_asks_close(executor);
	myc_watches_close(executor);
	myc_letters_close(executor);
	free(executor->state_scratch);
	myc_timers_close(&executor->timers);
	myc_outside_close(executor);
	myc_topics_executor_close(executor);
	myc_lives_close(executor);
	free(executor->inlet);
	free(executor->flow_table);
	free(executor->changed_seen);
	free(executor->pending_next);
	free(executor->pending_hold);
	free(executor->pending_previous);
	free(executor->outbox_next);
	free(executor->outbox_previous);
	free(executor->note);
	myc_growth_close(executor);
	myc_keyed_close(&executor->pending_keyed);
	myc_keyed_close(&executor->outbox_keyed);
	free(executor->offer);
	myc_slab_close(&executor->slab);
}

/* ---- a turn ------------------------------------------------------------------------------------ */

void myc_executor_adopt(struct myc_executor *executor, struct myc_actor *actor)
{
	actor->adopted = true;
	executor->untold = true;
	actor->previous = NULL;
	actor->next = executor->actors;
	if (actor->next)
		actor->next->previous = actor;
	executor->actors = actor;
	myc_directory_begins(actor);
}

void myc_executor_unlist(struct myc_executor *executor, struct myc_actor *actor)
{
	if (actor->previous)
		actor->previous->next = actor->next;
	else
		executor->actors = actor->next;
	if (actor->next)
		actor->next->previous = actor->previous;
}

/* Actors spawned since. Their flows can be learnt now. */
static unsigned adopt(struct myc_executor *executor, bool begin)
{
	uint32_t offered = __atomic_load_n(&executor->offered, __ATOMIC_ACQUIRE);
	uint32_t first = executor->taken;

	for (; executor->taken != offered; executor->taken++) {
		struct myc_actor *actor =
			executor->offer[executor->taken % executor->system->slots];

		myc_executor_adopt(executor, actor);
		executor->rescan = true;
		if (begin)
			myc_actor_begin(actor);
	}
	return offered - first;
}

void myc_executor_adopt_offered(struct myc_executor *executor)
{
	adopt(executor, true);
}

static unsigned poll_sources(struct myc_executor *executor)
{
	unsigned n = 0;

	for (struct myc_source *source = executor->sources; source; source = source->next)
		n += source->poll(source, executor->opts.batch);
	return n;
}

static unsigned fire_timers(struct myc_executor *executor)
{
	struct myc_timer_entry *entry;
	unsigned n = 0;

	if (executor->timers.next_ns == UINT64_MAX)
		return 0;
	uint64_t now = myc_executor_now(executor);

	while (n < executor->opts.batch && (entry = myc_timers_due(&executor->timers, now))) {
		struct myc_actor *actor = entry->actor;
		if (myc_actor_waits(actor) || actor->life != MYC_ACTOR_RUNNING) {
			myc_timers_hold(&executor->timers, &actor->timers, entry);
			continue;
		}
		int code = myc_actor_timer(actor, entry, now);

		n++;
		if (code < 0 || actor->stop_asked)
			myc_actor_after(actor, code);
	}
	return n;
}

/* Only the first slots have a line: topologies' actors, not a million others. */
static void status_lines(struct myc_executor *executor)
{
	struct myc_system *system = executor->system;
	uint32_t rows = system->slots < MYC_STATUS_ROWS ? system->slots : MYC_STATUS_ROWS;

	for (uint32_t i = 0; i < rows; i++) {
		struct myc_actor *actor = &system->actor[i];

		if (myc_actor_word_executor(__atomic_load_n(&system->slot[i].word,
							    __ATOMIC_ACQUIRE)) == executor->index &&
		    actor->adopted)
			myc_actor_status(actor);
	}
}

static void write_status(struct myc_executor *executor)
{
	uint64_t now = myc_executor_now(executor);

	if (now < executor->status_ns)
		return;
	executor->status_ns = now + STATUS_NS;
	for (uint32_t at = executor->blocked; at != MYC_NONE;
	     at = executor->out.flow_table[at].next_blocked)
		if (executor->out.flow_table[at].actor &&
		    executor->out.flow_table[at].actor->aside & MYC_ASIDE_OUTBOX)
			myc_actor_count_pause(executor->out.flow_table[at].actor);
	status_lines(executor);
}

static unsigned scan(struct myc_executor *executor)
{
	adopt(executor, true);
	myc_receiver_count(executor);
	if (executor->rescan || myc_receiver_changed(executor))
		myc_receiver_scan(executor);
	myc_body_turn(&executor->out);
	myc_watch_look(executor);
	if (executor->topics)
		myc_topics_scan(executor);
	if (executor->outbox_count)
		myc_cycle_look(executor);
	write_status(executor);
	unsigned n = myc_watch_late(executor);

	if (executor->outbox_deadlines)
		myc_outbox_expire(executor);
	if (executor->notes)
		n += myc_notes_tell(executor);
	if (__builtin_expect(myc_move_ours(executor), 0))
		n += myc_move_step(executor);

	if (myc_threads_kept(executor) && myc_executor_now(executor) >= executor->threads_ns) {
		executor->threads_ns = myc_executor_now(executor) + KEEP_NS;
		n += myc_threads_sweep(executor);
	}

	if (executor->letter_watchers)
		n += myc_letters_tell(executor);
	if (executor->lives)
		n += myc_lives_look(executor);
	return n + (executor->asks.count ? myc_asks_tick(executor) : 0);
}

static unsigned turn(struct myc_executor *executor, bool draining)
{
	unsigned n = 0;

	executor->now_ns = 0;
	if (!draining)
		n += poll_sources(executor);
	n += myc_receiver_poll(executor, executor->opts.batch);
	n += myc_receiver_pending(executor, executor->opts.batch);
	if (executor->watches.queue.first)
		n += myc_watch_turn(executor);
	if (executor->signals.count)
		n += myc_signals_drain(executor);
	if (executor->restarts_untold)
		myc_exit_tell_restarts(executor);
	if (executor->outbox_count)
		n += myc_outbox_drain(executor);
	if (executor->notes)
		n += myc_notes_tell(executor);
	if (!draining) {
		if (executor->topics)
			n += myc_topics_poll(executor, executor->opts.batch);
		n += fire_timers(executor);
		if (executor->outside)
			n += myc_outside_turn(executor);
	}
	/* Credit and slots go back when nothing more is waiting; under load by batches. */
	if (!n)
		myc_receiver_publish(executor);
	if (executor->words->turns % SCAN_TURNS == 0)
		n += scan(executor);
	if (executor->ended_actors)
		myc_actor_bury(executor);
	myc_count_some(&executor->words->turns, 1);
	if (executor->out.dirty)
		myc_sender_wake(&executor->out);
	return n;
}

/* ---- idling ------------------------------------------------------------------------------------ */

static void scan_and_sleep(struct myc_executor *executor)
{
	unsigned n = scan(executor);

	if (myc_threads_kept(executor))
		n += myc_threads_sweep(executor);
	/* Flows learnt just now were given credit: their senders may be asleep. */
	if (executor->out.dirty)
		myc_sender_wake(&executor->out);
	if (n)
		executor->empty_turns = 0;
	else
		myc_executor_sleep(executor);
}

static void idle(struct myc_executor *executor)
{
	bool enough = ++executor->empty_turns >= executor->opts.idle_spins;

	switch (executor->opts.idle) {
	case MYC_IDLE_SPIN:
		break;
	case MYC_IDLE_PAUSE:
		myc_cpu_relax();
		break;
	case MYC_IDLE_YIELD:
		if (enough)
			sched_yield();
		break;
	case MYC_IDLE_SLEEP:
		if (enough)
			scan_and_sleep(executor);
		else
			myc_cpu_relax();
		break;
	}
}

/* ---- draining ---------------------------------------------------------------------------------- */

/* Each once; those too that one of them spawns when it is told. They end at the number of slots, since none is free
 * again before all have ended. */
static void tell_stopping(struct myc_executor *executor)
{
	struct myc_actor *next;

	while (executor->untold) {
		executor->untold = false;
		for (struct myc_actor *actor = executor->actors; actor; actor = next) {
			next = actor->next;
			if (actor->life != MYC_ACTOR_RUNNING)
				continue;
			actor->life = MYC_ACTOR_STOPPING;
			if (actor->behaviour->stopping)
				actor->behaviour->stopping(actor);
		}
	}
}

/* Who was offered in time begins, and is told: from now on it is refused. */
static void close_to_others(struct myc_executor *executor)
{
	struct myc_system *system = executor->system;

	pthread_mutex_lock(&system->mutex);
	executor->closed = true;
	pthread_mutex_unlock(&system->mutex);
	adopt(executor, true);
	tell_stopping(executor);
}

static void drain(struct myc_executor *executor)
{
	struct myc_system *system = executor->system;

	adopt(executor, true);
	tell_stopping(executor);
	while (atomic_load_explicit(&system->stop, memory_order_relaxed) < 2) {
		if (turn(executor, true) || myc_asks_drain(executor) ||
		    (myc_threads_kept(executor) && myc_threads_sweep(executor))) {
			__atomic_store_n(&executor->drain_quiet, 0, __ATOMIC_RELEASE);
			tell_stopping(executor);
			continue;
		}
		scan(executor);
		tell_stopping(executor);
		if (myc_executor_drained(executor))
			break;
		sched_yield();
	}
	__atomic_store_n(&executor->drain_quiet, 1, __ATOMIC_RELEASE);
	/* Handed over by one that is quiet now: it is ours to end. */
	if (myc_move_ours(executor))
		myc_move_step(executor);
	close_to_others(executor);
	status_lines(executor);
	while (executor->actors)
		myc_actor_end(executor->actors, MYC_EXIT_SHUTDOWN, 0);
	myc_actor_bury_all(executor);
	myc_receiver_publish(executor);
	if (executor->out.dirty)
		myc_sender_wake(&executor->out);
}

/* ---- the thread -------------------------------------------------------------------------------- */

static void pin(const struct myc_executor *executor)
{
	cpu_set_t set;
	char name[16];

	snprintf(name, sizeof(name), "%.11s/%u", executor->system->name, executor->index);
	pthread_setname_np(pthread_self(), name);
	if (executor->opts.core < 0) {
		if (executor->opts.node)
			pthread_setaffinity_np(pthread_self(), sizeof(set),
					       &myc_numa()->cores[executor->opts.node - 1]);
		return;
	}
	CPU_ZERO(&set);
	CPU_SET((size_t)executor->opts.core, &set);
	/* myc_system_start checked that the core is there; without it we run anywhere. */
	pthread_setaffinity_np(pthread_self(), sizeof(set), &set);
}

/* Init of all, then what a predecessor left: its messages find the actors. */
static void begin(struct myc_executor *executor)
{
	struct myc_actor *reversed = NULL, *next;

	executor->begun = true;
	adopt(executor, false);
	for (struct myc_actor *actor = executor->actors; actor; actor = next) {
		next = actor->next;
		actor->next = reversed;
		actor->previous = NULL;
		if (reversed)
			reversed->previous = actor;
		reversed = actor;
	}
	executor->actors = reversed;
	myc_receiver_recover(executor);
	myc_body_recover(executor);
	myc_receiver_scan(executor);
	myc_receiver_resume(executor);
	myc_outbox_recover(executor);
	for (struct myc_actor *actor = executor->actors; actor; actor = next) {
		next = actor->next;
		myc_actor_begin(actor);
	}
}

void myc_executor_begin(struct myc_executor *executor)
{
	executor->now_ns = 0;
	begin(executor);
}

unsigned myc_executor_turn(struct myc_executor *executor, bool look)
{
	unsigned n = turn(executor, false);

	if (look)
		scan(executor);
	return n;
}

void *myc_executor_run(void *argument)
{
	struct myc_executor *executor = argument;
	struct myc_system *system = executor->system;

	pin(executor);
	myc_sleep_end(&executor->words->asleep);
	if (!executor->begun)
		begin(executor);
	while (!atomic_load_explicit(&system->stop, memory_order_relaxed)) {
		if (turn(executor, false))
			executor->empty_turns = 0;
		else if (myc_thread_parked(executor))
			return NULL;
		else
			idle(executor);
	}
	drain(executor);
	myc_calls_end(executor);
	__atomic_store_n(&executor->over, true, __ATOMIC_RELEASE);
	pthread_mutex_lock(&system->mutex);
	system->running--;
	bool last = !system->running;
	pthread_cond_broadcast(&system->ended);
	pthread_mutex_unlock(&system->mutex);
	if (last && system->workspace.failed)
		system->workspace.failed(system->workspace.context, MYC_NOBODY, 0, false);
	return NULL;
}
