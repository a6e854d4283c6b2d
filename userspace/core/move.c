/* SPDX-License-Identifier: Apache-2.0 */
#include "core/move.h"

#include <errno.h>
#include <stdlib.h>

#include <mycelium/abi/signal.h>

#include "core/directory.h"
#include "core/exit.h"
#include "core/last.h"
#include "core/receiver.h"
#include "core/signal.h"
#include "core/wait.h"
#include "core/watch.h"

int myc_moves_open(struct myc_system *system)
{
	uint32_t ends = system->workspace.processes * MYC_EXECUTORS_MAX;
	struct myc_move *move = &system->move;

	pthread_mutex_init(&move->callers, NULL);
	move->marked = calloc(ends, sizeof(*move->marked));
	move->told = calloc(ends, sizeof(*move->told));
	move->watcher = calloc(ends, sizeof(*move->watcher));
	move->posting = calloc((size_t)system->workspace.processes * MYC_SOURCES_OF_PROCESS,
			       sizeof(*move->posting));
	return move->marked && move->told && move->watcher && move->posting ? 0 : -ENOMEM;
}

void myc_moves_close(struct myc_system *system)
{
	free(system->move.marked);
	free(system->move.told);
	free(system->move.watcher);
	free(system->move.posting);
	/* On its way when its process ended. */
	free(system->move.timers.timer);
	free(system->move.wish);
	myc_group_lists_free(&system->move.lists);
	pthread_mutex_destroy(&system->move.callers);
}

bool myc_move_on_its_way(const struct myc_system *system, myc_address address)
{
	const struct myc_actor_slot *slot =
		myc_address_node(address) == system->workspace.node
			? myc_view_slot(system, myc_address_process(address),
					myc_address_slot(address))
			: NULL;

	return slot && myc_word_moving(__atomic_load_n(&slot->word, __ATOMIC_ACQUIRE), address);
}

/* ---- the executor that it leaves ----------------------------------------------------------------- */

static void finish(struct myc_move *move, int code)
{
	move->code = code;
	move->actor = NULL;
	myc_move_set(move, MYC_MOVE_IDLE);
}

/* Not now, for this reason. */
static bool stays(struct myc_move *move, enum myc_move_stays why, uint32_t at)
{
	move->stays = why;
	move->stays_at = at;
	return why != MYC_STAYS_NOT;
}

/* Has it messages to handle, or may not handle any? */
static bool occupied(const struct myc_actor *actor)
{
	return actor->aside & ~(MYC_ASIDE_SUSPENDED | MYC_ASIDE_SHARES);
}

static void store_word(struct myc_actor *actor, uint32_t home, uint32_t state)
{
	bool takes = state != MYC_ACTOR_MOVING;
	uint64_t rows = myc_actor_shared(actor)->word & MYC_ACTOR_WORD_ROWS;

	/* Release: all that it was. Pairs with the acquire where it is looked for. */
	__atomic_store_n(&myc_actor_shared(actor)->word,
			 myc_actor_word(myc_address_generation(actor->address),
					takes ? home : MYC_EXECUTOR_NONE, state) |
				 (uint64_t)home << 40 | rows,
			 __ATOMIC_RELEASE);
}

static bool there(const struct myc_system *system, uint32_t process, uint32_t *executors)
{
	const struct myc_process_words *words = myc_view_process(system, process, NULL);
	uint32_t incarnation, sources;

	if (!words || !myc_process_there(system, process, &incarnation))
		return false;
	sources = __atomic_load_n(&words->sources, __ATOMIC_RELAXED);
	*executors = sources - MYC_ATTACH_MAX;
	return sources >= MYC_ATTACH_MAX && *executors <= MYC_EXECUTORS_MAX;
}

/* Who sends to it may sleep, with messages for it in the outbox: it is where its word says. */
static void ring_senders(struct myc_executor *executor)
{
	const struct myc_system *system = executor->system;
	uint32_t executors;

	for (uint32_t p = 0; p < system->workspace.processes; p++)
		for (uint32_t e = 0; there(system, p, &executors) && e < executors; e++) {
			struct myc_peer *peer = myc_sender_peer(&executor->out, p, e);

			if (peer)
				myc_sender_dirty(&executor->out, peer, MYC_PEER_CREDIT);
		}
}

/* All are to be asked for a mark anew. */
static void forget_marks(const struct myc_executor *executor, struct myc_move *move)
{
	uint32_t ends = executor->system->workspace.processes * MYC_EXECUTORS_MAX;

	memset(move->told, 0, ends * sizeof(*move->told));
	memset(move->marked, 0, ends * sizeof(*move->marked));
	move->number++;
}

static void close_word(struct myc_executor *executor, struct myc_move *move)
{
	forget_marks(executor, move);
	memset(move->posting, 0,
	       executor->system->workspace.processes * MYC_SOURCES_OF_PROCESS *
		       sizeof(*move->posting));
	move->closed_ns = myc_system_now(executor->system);
	myc_receiver_close_own(move->actor);
	store_word(move->actor, executor->index, MYC_ACTOR_MOVING);
	/* Pairs with the fence in myc_posting_begin: a thread sees the word, or is seen posting. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	MYC_POINT("move: closed");
	myc_move_set(move, MYC_MOVE_CLOSING);
}

/* As it was: it stays. With `code` 0 it is tried again. */
static void open_word(struct myc_executor *executor, struct myc_move *move, int code)
{
	store_word(move->actor, move->from, move->actor->life);
	MYC_POINT("move: opened again");
	ring_senders(executor);
	if (code)
		finish(move, code);
	else
		myc_move_set(move, MYC_MOVE_ASKED);
}

/* Straight into the lane: what waits in our queue may wait for the actor, and all that it sent is in lanes. */
static bool ask_for_mark(struct myc_executor *executor, uint32_t process, uint32_t index,
			 const struct myc_signal *signal)
{
	struct myc_road *road = myc_sender_road_to(&executor->out, process, index);

	return road && !myc_signal_put(executor, road, signal);
}

/* Asks everybody for a mark; true: all have sent it, or are dead. */
static bool all_marked(struct myc_executor *executor, struct myc_move *move)
{
	struct myc_system *system = executor->system;
	const struct myc_signal_move asked = {.who = move->address,
					      .number = move->number,
					      .process = system->workspace.process,
					      .executor = executor->index};
	const struct myc_signal signal = {.type = MYC_SIGNAL_MOVE,
					  .size = sizeof(asked),
					  .to = move->address,
					  .payload = &asked};
	bool all = true;
	uint32_t executors;

	for (uint32_t p = 0; p < system->workspace.processes; p++) {
		if (!there(system, p, &executors))
			continue;
		for (uint32_t e = 0; e < executors; e++) {
			uint32_t at = p * MYC_EXECUTORS_MAX + e;

			if (!move->told[at])
				move->told[at] = ask_for_mark(executor, p, e, &signal);
			if (all && !move->marked[at])
				all = !stays(move, MYC_STAYS_MARKS, at);
		}
	}
	return all;
}

/* What plain threads, and processes that died, had sent has been taken out of their lanes. */
static bool threads_quiet(struct myc_executor *executor, struct myc_move *move)
{
	const struct myc_system *system = executor->system;

	if (myc_receiver_changed(executor))
		return false;
	for (uint32_t i = 0; i < executor->inlets; i++) {
		const struct myc_inlet *inlet = &executor->inlet[i];
		uint32_t p = myc_lane_end_process(inlet->source),
			 s = myc_lane_end_executor(inlet->source), executors;

		if (!inlet->block || inlet->cut || p >= system->workspace.processes ||
		    s >= MYC_SOURCES_OF_PROCESS)
			continue;
		bool lives = there(system, p, &executors);

		if (lives && s < executors)
			continue;
		uint32_t *seen = &move->posting[p * MYC_SOURCES_OF_PROCESS + s];
		uint32_t posting = __atomic_load_n(&inlet->block->posting, __ATOMIC_ACQUIRE);

		/* In the middle of it since the word was closed: it may not have seen that. */
		if (!*seen)
			*seen = lives && posting & 1 ? posting : UINT32_MAX;
		if ((lives && *seen == posting) ||
		    myc_lane_ready(&inlet->lane, MYC_RING_ORDINARY) ||
		    myc_lane_ready(&inlet->lane, MYC_RING_URGENT))
			return false;
		*seen = UINT32_MAX;
	}
	return true;
}

/* Their marks say then that they have taken what it sent: lanes are first-in first-out. */
static void flush(struct myc_executor *executor, struct myc_move *move)
{
	forget_marks(executor, move);
	move->acted = false;
	move->timers_fired = move->actor->metrics->timers;
	/* Else one with a fast timer would never be done. */
	myc_timers_hold_all(&executor->timers, move->actor->timers);
	myc_move_set(move, MYC_MOVE_FLUSHING);
}

/* Who wants to know of its end, by executor: our roads mean nothing to the other one. */
static void note_watchers(struct myc_executor *executor, struct myc_move *move)
{
	move->watchers = 0;
	for (uint32_t i = 0; move->actor->ties.watchers && i < executor->out.roads; i++)
		if (executor->out.road[i].peer && move->actor->ties.watchers >> i % 64 & 1)
			move->watcher[move->watchers++] = myc_lane_end(
				executor->out.road[i].process, executor->out.road[i].executor);
	move->actor->ties.watchers = 0;
}

/* Its state is the executor's that made it, which is to have it back. */
static bool note_state(const struct myc_executor *executor, struct myc_actor *actor)
{
	if (!actor->state_from_slab)
		return true;
	if (!myc_actor_more(actor))
		return false;
	if (!actor->more->state_home)
		actor->more->state_home = executor->index + 1;
	return true;
}

static bool hand_over(struct myc_executor *executor, struct myc_move *move)
{
	struct myc_actor *actor = move->actor;

	if (!note_state(executor, actor) || myc_last_lift(actor, &move->wish, &move->wishes))
		return false;
	if (myc_actor_timers_lift(actor, &move->timers)) {
		myc_last_land(actor, &move->wish, move->wishes);
		return false;
	}
	myc_group_lists_lift(actor, &move->lists);
	actor->entries_abroad = actor->entries_abroad || actor->has_entries;
	/* What it had it has given up: where it goes nobody may ever have had any. */
	actor->has_topics = false;
	note_watchers(executor, move);
	myc_receiver_count(executor); /* what it sent here too */
	myc_receiver_forget(executor, actor);
	myc_executor_unlist(executor, actor);
	actor->next = actor->previous = NULL;
	struct myc_executor *to = &executor->system->executor[move->to];

	actor->executor = to;
	MYC_POINT("move: handed");
	/* Release: the actor. Pairs with the acquire in myc_move_ours. */
	myc_move_set(move, MYC_MOVE_HANDED);
	myc_executor_ring(to);
	return true;
}

/* Asked: is it there, and can it go? */
static unsigned begin(struct myc_executor *executor, struct myc_move *move)
{
	struct myc_system *system = executor->system;
	struct myc_actor *actor = &system->actor[myc_address_slot(move->address)];
	uint64_t word = __atomic_load_n(&system->slot[myc_address_slot(move->address)].word,
					__ATOMIC_ACQUIRE);

	if (myc_actor_word_generation(word) != myc_address_generation(move->address) ||
	    !myc_actor_word_lives(word) || myc_actor_word_home(word) != executor->index)
		finish(move, -ESRCH);
	else if (atomic_load_explicit(&system->stop, memory_order_relaxed))
		finish(move, -ESHUTDOWN);
	else {
		enum myc_move_stays why = myc_move_stays(actor);
		bool abort = __atomic_load_n(&move->abort, __ATOMIC_ACQUIRE);
		int code = myc_move_refused(why);

		/* What was in the way before, of others, counts as long as nothing of its own does. */
		if (why && stays(move, why, 0) && !code && !abort)
			return 0;
		if (code || abort) {
			finish(move, code ? code : -ETIMEDOUT);
			return 0;
		}
		move->actor = actor;
		close_word(executor, move);
		return 1;
	}
	return 0;
}

/* Closed: true while it is to go on. Who was killed meanwhile is gone. */
static bool goes_on(struct myc_executor *executor, struct myc_move *move)
{
	bool abort = __atomic_load_n(&move->abort, __ATOMIC_ACQUIRE);
	bool stop = atomic_load_explicit(&executor->system->stop, memory_order_relaxed);
	struct myc_actor *actor = move->actor;

	if (actor->address != move->address || actor->life == MYC_ACTOR_ENDED) {
		ring_senders(executor);
		finish(move, -ESRCH);
		return false;
	}
	/* Restarted, or about to stop: others send to it again. */
	if (!myc_word_moving(myc_actor_shared(actor)->word, move->address)) {
		ring_senders(executor);
		myc_move_set(move, MYC_MOVE_ASKED);
		return false;
	}
	enum myc_move_stays why = myc_move_stays(actor);

	if (why)
		stays(move, why, 0);
	if (!abort && !stop && !why &&
	    myc_system_now(executor->system) - move->closed_ns < MYC_MOVE_CLOSED_NS)
		return true;
	open_word(executor, move, abort ? -ETIMEDOUT : stop ? -ESHUTDOWN : 0);
	return false;
}

/* A flow of a time when it was here before: what of its credit was not used is good still. Its sender may use it as
 * soon as he sees the word. */
static void own_again(struct myc_executor *executor, struct myc_inlet *inlet, uint32_t f,
		      struct myc_actor *actor)
{
	struct myc_flow_in *flow = &inlet->flow[f];
	struct myc_flow entry;

	if (flow->to != actor->address || flow->actor || !flow->epoch ||
	    myc_lane_flow_read(&inlet->lane, f, &entry) != flow->epoch)
		return;
	flow->actor = actor;
	if (!flow->urgent)
		flow->slot_to = myc_slot_to(myc_address_slot(flow->to),
					    myc_address_generation(flow->to), f);
	flow->look_at = flow->handled + 1;
	flow->counted = flow->handled;
	actor->granted += (int32_t)(flow->limit - flow->handled);
	executor->granted += (int32_t)(flow->limit - flow->handled);
	myc_credit_flows(actor, 1);
}

/* It is on this executor now, in private. */
static void settle(struct myc_executor *executor, struct myc_move *move)
{
	struct myc_actor *actor = move->actor;

	actor->executor = executor;
	myc_executor_adopt(executor, actor);
	myc_directory_runs(actor);
	myc_actor_aside(actor, MYC_ASIDE_SHARES, executor->opts.share || executor->opts.share_ns);
	for (uint32_t i = 0; i < move->watchers; i++) {
		struct myc_road *road =
			myc_sender_road_to(&executor->out, myc_lane_end_process(move->watcher[i]),
					   myc_lane_end_executor(move->watcher[i]));

		if (road)
			myc_exit_note_watcher(actor, road);
	}
	myc_last_land(actor, &move->wish, move->wishes);
	/* There is memory: who takes it has seen to that, who has it back had it before. */
	myc_group_lists_land(executor, &move->lists);
	for (uint32_t i = 0; i < executor->inlets; i++)
		for (uint32_t f = 0; executor->inlet[i].block && f < MYC_LANE_FLOWS; f++)
			own_again(executor, &executor->inlet[i], f, actor);
	myc_credit_count_growth(executor, actor);
	executor->rescan = true;
}

static unsigned arrive(struct myc_executor *executor, struct myc_move *move)
{
	/* While the system stops no timer fires any more. */
	bool stop = atomic_load_explicit(&executor->system->stop, memory_order_relaxed);
	int code = move->lists && !myc_lives_of(executor) ? -ENOMEM : 0;
	/* Once the state is told, the move is theirs. */
	const struct myc_executor *from = &executor->system->executor[move->from];

	if (!code && !stop)
		code = myc_actor_timers_land(move->actor, &move->timers);
	free(move->timers.timer);
	move->timers.timer = NULL;
	if (code) {
		stays(move, code == -ENOSPC ? MYC_STAYS_TIMERS : MYC_STAYS_MEMORY, 0);
		move->code = code;
		myc_move_set(move, MYC_MOVE_BACK);
		myc_executor_ring(from);
		return 1;
	}
	settle(executor, move);
	MYC_POINT("move: taken");
	store_word(move->actor, executor->index, move->actor->life);
	MYC_POINT("move: done");
	ring_senders(executor);
	move->code = 0;
	myc_move_set(move, MYC_MOVE_LEFT);
	myc_executor_ring(from);
	return 1;
}

/* It is gone, and what it had here is free. */
static unsigned left(struct myc_executor *executor, struct myc_move *move)
{
	MYC_POINT("move: left");
	myc_timers_cancel_all(&executor->timers, &move->timers.head);
	finish(move, move->code);
	return 1;
}

static unsigned came_back(struct myc_executor *executor, struct myc_move *move)
{
	struct myc_actor *actor = move->actor;

	MYC_POINT("move: came back");
	actor->timers = move->timers.head;
	settle(executor, move);
	myc_timers_let_go(&executor->timers, actor->timers);
	open_word(executor, move, move->code);
	return 1;
}

static unsigned closing(struct myc_executor *executor, struct myc_move *move)
{
	if (!goes_on(executor, move) || !all_marked(executor, move))
		return 0;
	if (!threads_quiet(executor, move)) {
		stays(move, MYC_STAYS_POSTING, 0);
		return 0;
	}
	if (occupied(move->actor)) {
		stays(move, MYC_STAYS_MAILBOX, 0);
		return 0;
	}
	MYC_POINT("move: marked");
	flush(executor, move);
	return 1;
}

static unsigned flushing(struct myc_executor *executor, struct myc_move *move)
{
	struct myc_actor *actor = move->actor;

	if (!goes_on(executor, move)) {
		if (actor->address == move->address && actor->life != MYC_ACTOR_ENDED)
			myc_timers_let_go(&executor->timers, actor->timers);
		return 0;
	}
	if (move->acted || move->timers_fired != move->actor->metrics->timers || occupied(actor)) {
		myc_timers_let_go(&executor->timers, actor->timers);
		myc_move_set(move, MYC_MOVE_CLOSING);
		return 0;
	}
	if (!all_marked(executor, move))
		return 0;
	if (!hand_over(executor, move)) {
		myc_timers_let_go(&executor->timers, actor->timers);
		stays(move, MYC_STAYS_MEMORY, 0);
		open_word(executor, move, -ENOMEM);
	}
	return 1;
}

unsigned myc_move_step(struct myc_executor *executor)
{
	struct myc_move *move = &executor->system->move;

	switch ((enum myc_move_state)myc_move_state(executor->system)) {
	case MYC_MOVE_ASKED:
		return begin(executor, move);
	case MYC_MOVE_CLOSING:
		return closing(executor, move);
	case MYC_MOVE_FLUSHING:
		return flushing(executor, move);
	case MYC_MOVE_HANDED:
		return arrive(executor, move);
	case MYC_MOVE_LEFT:
		return left(executor, move);
	case MYC_MOVE_BACK:
		return came_back(executor, move);
	case MYC_MOVE_IDLE:
		break;
	}
	return 0;
}

/* ---- marks ------------------------------------------------------------------------------------- */

int myc_move_asked(struct myc_executor *executor, const struct myc_inlet *inlet,
		   const struct myc_signal_move *asked)
{
	uint32_t process = myc_lane_end_process(inlet->source);
	struct myc_signal_move mark = *asked;
	struct myc_road *road;

	if (asked->process != process || asked->executor != myc_lane_end_executor(inlet->source))
		return -EPROTO;
	mark.process = executor->system->workspace.process;
	mark.executor = executor->index;
	road = myc_sender_road_to(&executor->out, process, asked->executor);
	if (!road)
		return 0; /* no lane to there: nothing was ever sent by one */
	const struct myc_signal signal = {
		.type = MYC_SIGNAL_MARK, .size = sizeof(mark), .to = asked->who, .payload = &mark};

	/* Straight into the lane: what waits in our queue finds out by itself where the actor is then. */
	return myc_signal_put(executor, road, &signal);
}

int myc_move_marked(struct myc_executor *executor, const struct myc_inlet *inlet,
		    const struct myc_signal_move *mark)
{
	struct myc_move *move = &executor->system->move;
	uint32_t process = myc_lane_end_process(inlet->source),
		 index = myc_lane_end_executor(inlet->source);

	if (mark->process != process || mark->executor != index || index >= MYC_EXECUTORS_MAX ||
	    process >= executor->system->workspace.processes)
		return -EPROTO;
	uint32_t state = myc_move_state(executor->system);

	if (myc_move_ours(executor) && (state == MYC_MOVE_CLOSING || state == MYC_MOVE_FLUSHING) &&
	    mark->number == move->number)
		move->marked[process * MYC_EXECUTORS_MAX + index] = true;
	return 0;
}
