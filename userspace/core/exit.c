/* SPDX-License-Identifier: Apache-2.0 */
#include "core/topic_actor.h"
#include "core/exit.h"

#include <errno.h>

#include <mycelium/abi/signal.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/outside.h"
#include "core/directory.h"
#include "core/move.h"
#include "core/last.h"
#include "core/letter.h"
#include "core/signal.h"
#include "core/watch.h"
#include "core/workers.h"

/* ---- telling ----------------------------------------------------------------------------------- */

static int send_dead(struct myc_actor *actor, struct myc_road *road, bool ordered,
		     const struct myc_signal_dead *dead)
{
	const struct myc_signal signal = {.type = MYC_SIGNAL_DEAD,
					  .size = sizeof(*dead),
					  .to = actor->address,
					  .payload = dead};

	return myc_signal_send_road(actor->executor, road, ordered ? actor : NULL, &signal,
				    MYC_RING_ORDINARY);
}

/* Bit b stands for the roads b, b + 64, ... */
static uint64_t bit_of(const struct myc_executor *executor, const struct myc_road *road)
{
	return 1ull << ((uint32_t)(road - executor->out.road) % 64);
}

void myc_exit_note_watcher(struct myc_actor *actor, const struct myc_road *road)
{
	actor->ties.watchers |= bit_of(actor->executor, road);
}

void myc_exit_follow(struct myc_actor *actor, const struct myc_road *from,
		     const struct myc_road *to)
{
	bool untold = actor->life != MYC_ACTOR_ENDED &&
		      actor->ties.telling & bit_of(actor->executor, from);

	myc_exit_note_watcher(actor, to);
	actor->ties.telling |= untold ? bit_of(actor->executor, to) : 0;
}

/* The next flow of the actor that still has messages in the outbox for this road; after `flow`. */
static struct myc_flow_out *held_flow(const struct myc_actor *actor, const struct myc_road *road,
				      const struct myc_flow_out *flow)
{
	struct myc_executor *executor = actor->executor;
	uint32_t at = flow ? flow->next_blocked : executor->blocked;

	for (; actor->outboxed && at != MYC_NONE; at = executor->out.flow_table[at].next_blocked) {
		struct myc_flow_out *found = &executor->out.flow_table[at];

		if (found->actor == actor && found->road == road && found->outboxed)
			return found;
	}
	return NULL;
}

static int send_holds(struct myc_actor *actor, struct myc_road *road)
{
	const struct myc_flow_out *flow = NULL;

	while ((flow = held_flow(actor, road, flow))) {
		const struct myc_signal_hold hold = {.who = actor->address, .watcher = flow->to};
		const struct myc_signal signal = {.type = MYC_SIGNAL_HOLD,
						  .size = sizeof(hold),
						  .to = actor->address,
						  .payload = &hold};
		int code = myc_signal_send_road(actor->executor, road, NULL, &signal,
						MYC_RING_ORDINARY);

		if (code)
			return code;
	}
	return 0;
}

/* True: this executor knows all, or is not there to know. */
static bool tell_road(struct myc_actor *actor, struct myc_road *road, bool told)
{
	struct myc_executor *executor = actor->executor;
	struct myc_signal_dead dead = {.who = actor->address,
				       .restart = myc_actor_shared(actor)->restarts,
				       .kind = actor->ties.reason,
				       .code = actor->ties.code,
				       .flags = MYC_DEAD_FINAL};
	uint32_t incarnation;
	bool held = held_flow(actor, road, NULL);

	if (!road->peer || myc_road_cut(road) ||
	    !myc_process_there(executor->system, road->process, &incarnation))
		return true;
	if ((held && told) || myc_signals_link(executor, actor, road))
		return false;
	if (myc_road_full(&executor->out, road, MYC_RING_ORDINARY) ||
	    (held && send_holds(actor, road))) {
		executor->telling = true;
		return false;
	}
	dead.flags |= held ? 0 : MYC_DEAD_ALL;
	if (send_dead(actor, road, false, &dead)) {
		executor->telling = true;
		return false;
	}
	if (held)
		actor->ties.telling |= bit_of(executor, road);
	return !held;
}

/* The end, to all that want to know of it. True: all know. */
static bool tell_end(struct myc_actor *actor)
{
	struct myc_executor *executor = actor->executor;
	uint64_t told = actor->ties.telling, left = 0;

	for (uint32_t i = 0; actor->ties.watchers && i < executor->out.roads; i++) {
		struct myc_road *road = &executor->out.road[i];
		uint64_t bit = bit_of(executor, road);

		if ((actor->ties.watchers & bit) && !tell_road(actor, road, told & bit))
			left |= bit;
	}
	actor->ties.watchers = left;
	return !left;
}

static bool tell_restart(struct myc_actor *actor)
{
	struct myc_executor *executor = actor->executor;
	const struct myc_signal_dead dead = {.who = actor->address,
					     .restart = myc_actor_shared(actor)->restarts - 1,
					     .kind = actor->ties.reason,
					     .code = actor->ties.code};
	uint64_t left = 0;

	for (uint32_t i = 0; actor->ties.telling && i < executor->out.roads; i++) {
		struct myc_road *road = &executor->out.road[i];
		uint64_t bit = bit_of(executor, road);

		if ((actor->ties.telling & bit) && road->peer &&
		    (myc_signals_link(executor, actor, road) ||
		     send_dead(actor, road, true, &dead) == -ENOBUFS))
			left |= bit;
	}
	actor->ties.telling = left;
	return !left;
}

void myc_exit_restarted(struct myc_actor *actor, int code)
{
	struct myc_ties *ties = &actor->ties;

	myc_last_send(actor, false);
	myc_watch_forget(actor, false);
	myc_letters_forget(actor);
	ties->flags &= MYC_TIE_DRAINING | MYC_TIE_WHILE_HELD | MYC_TIE_WATCHED;
	ties->reason = MYC_EXIT_FAILED;
	ties->code = code;
	ties->telling = ties->watchers;
	if (!tell_restart(actor))
		actor->executor->restarts_untold = true;
}

void myc_exit_tell_restarts(struct myc_executor *executor)
{
	executor->restarts_untold = false;
	for (struct myc_actor *actor = executor->actors; actor; actor = actor->next)
		if (actor->ties.telling && !tell_restart(actor))
			executor->restarts_untold = true;
}

/* ---- the end ----------------------------------------------------------------------------------- */

void myc_actor_end(struct myc_actor *actor, uint32_t reason, int32_t code)
{
	struct myc_executor *executor = actor->executor;

	if (actor->life == MYC_ACTOR_ENDED)
		return;
	myc_actor_timers_forget(actor);
	if (actor->behaviour->stopped && !(actor->ties.flags & MYC_TIE_KILL))
		actor->behaviour->stopped(actor);
	myc_actor_timers_forget(actor);
	myc_last_send(actor, true);
	myc_outside_forget(actor);
	myc_watch_forget(actor, true);
	myc_letters_forget(actor);
	actor->ties.reason = reason;
	actor->ties.code = code;
	actor->ties.telling = 0;
	actor->stop_asked = false;
	myc_asks_forget(actor);
	myc_topics_forget(actor);
	myc_directory_ends(actor, reason, code);
	myc_receiver_drop_pending(actor);
	myc_body_give_all(actor);
	myc_receiver_forget(executor, actor);
	myc_executor_unlist(executor, actor);
	/* Before anybody is told: address and name are nobody's. */
	myc_actor_set_life(actor, MYC_ACTOR_ENDED);
	actor->next = executor->ended_actors;
	executor->ended_actors = actor;
}

static void free_slot(struct myc_actor *actor)
{
	struct myc_executor *executor = actor->executor;

	myc_actor_set_life(actor, MYC_ACTOR_FREE);
	actor->address = MYC_NOBODY;
	myc_actor_free(actor);
	myc_slot_free(executor, actor->slot);
}

void myc_actor_bury(struct myc_executor *executor)
{
	struct myc_actor **link = &executor->ended_actors;

	executor->telling = false;
	while (*link) {
		struct myc_actor *actor = *link;

		if (!tell_end(actor) || actor->outboxed || myc_signals_from(executor, actor)) {
			link = &actor->next;
			continue;
		}
		*link = actor->next;
		free_slot(actor);
	}
}

void myc_actor_bury_all(struct myc_executor *executor)
{
	while (executor->ended_actors) {
		struct myc_actor *actor = executor->ended_actors;

		/* Our own executors have ended, or are about to: they count what is on its way. */
		for (uint32_t i = 0; i < executor->out.roads; i++)
			if (executor->out.road[i].process == executor->system->workspace.process)
				actor->ties.watchers &= ~bit_of(executor, &executor->out.road[i]);
		tell_end(actor);
		executor->ended_actors = actor->next;
		free_slot(actor);
	}
}

static void end_now(struct myc_actor *actor, struct myc_exit_reason reason)
{
	myc_actor_end(actor, reason.kind, reason.code);
}

/* ---- what comes from others -------------------------------------------------------------------- */

void myc_exit_event(struct myc_actor *actor, const struct myc_signal_event *event)
{
	int (*signal)(struct myc_actor * self, const struct myc_signal_event *event) =
		myc_actor_hook(actor, signal);

	if (!myc_actor_runs(actor) || !signal)
		return;
	myc_move_acted(actor);
	int code = signal(actor, event);

	if (code < 0 || actor->stop_asked)
		myc_actor_after(actor, code);
}

void myc_exit_arrived(struct myc_actor *actor, myc_address from, struct myc_exit_reason reason,
		      bool link, bool restarted)
{
	const struct myc_signal_event event = {
		.kind = MYC_EVENT_EXIT,
		.flags = (link ? MYC_EVENT_LINK : 0) | (restarted ? MYC_EVENT_RESTARTED : 0),
		.from = from,
		.reason = reason,
	};

	if (!myc_actor_runs(actor))
		return;
	if (!link && reason.kind == MYC_EXIT_KILL)
		myc_exit_control(actor, MYC_STOP_KILL);
	else if (actor->ties.flags & MYC_TIE_TRAP)
		myc_exit_event(actor, &event);
	else if (reason.kind != MYC_EXIT_NORMAL || (!link && from == actor->address))
		end_now(actor, reason);
}

static const struct myc_exit_reason shutdown = {.kind = MYC_EXIT_SHUTDOWN};

static void ask_stop(struct myc_actor *actor, struct myc_exit_reason reason)
{
	actor->ties.reason = reason.kind;
	actor->ties.code = reason.code;
	actor->stop_asked = true;
	myc_actor_after(actor, 0);
}

void myc_exit_drained(struct myc_actor *actor, struct myc_exit_reason reason)
{
	if (myc_actor_runs(actor))
		ask_stop(actor, reason);
}

/* The entry waits until all that was sent before has been received, and handled. */
void myc_exit_drain(struct myc_actor *actor, struct myc_exit_reason reason)
{
	if (actor->ties.flags & MYC_TIE_DRAINING)
		return;
	struct myc_watch *watch = myc_watch_make(actor, MYC_WATCH_DRAIN, MYC_NOBODY);

	if (!watch) {
		ask_stop(actor, reason);
		return;
	}
	actor->ties.flags |= MYC_TIE_DRAINING;
	myc_actor_set_life(actor, actor->life);
	myc_watch_wait(actor->executor, watch, reason);
}

void myc_exit_control(struct myc_actor *actor, uint32_t what)
{
	if (!myc_actor_runs(actor))
		return;
	/* The control actor of a pool ends when the pool has. */
	if (actor->unpaused && (what == MYC_STOP || what == MYC_STOP_DRAIN)) {
		myc_workers_asked_to_end(actor);
		return;
	}
	switch (what) {
	case MYC_STOP:
		ask_stop(actor, shutdown);
		break;
	case MYC_STOP_DRAIN:
		myc_exit_drain(actor, shutdown);
		break;
	case MYC_STOP_KILL:
		actor->ties.flags |= MYC_TIE_KILL;
		end_now(actor, (struct myc_exit_reason){.kind = MYC_EXIT_KILLED});
		break;
	case MYC_CONTROL_SUSPEND:
		myc_actor_aside(actor, MYC_ASIDE_SUSPENDED, true);
		break;
	case MYC_CONTROL_RESUME:
		myc_actor_aside(actor, MYC_ASIDE_SUSPENDED, false);
		myc_timers_resume(&actor->executor->timers, actor->timers);
		myc_receiver_make_ready(actor);
		break;
	default: /* of a newer version */
		break;
	}
}

/* ---- for handlers ------------------------------------------------------------------------------ */

void myc_exit(struct myc_actor *self, struct myc_exit_reason reason)
{
	self->ties.reason = reason.kind;
	self->ties.code = reason.code;
	self->ties.flags |= MYC_TIE_EXIT;
	self->stop_asked = true;
}

static int control(struct myc_actor *self, myc_address other, uint32_t what)
{
	const struct myc_signal_control control = {.to = other, .what = what};
	const struct myc_signal signal = {.type = MYC_SIGNAL_CONTROL,
					  .size = sizeof(control),
					  .to = other,
					  .payload = &control};

	return myc_signal_send(self->executor, NULL, &signal, MYC_RING_URGENT);
}

int myc_stop_send(struct myc_actor *self, myc_address other, enum myc_stop_how how)
{
	if (how < MYC_STOP || how > MYC_STOP_KILL)
		return -EINVAL;
	return control(self, other, how);
}

int myc_suspend(struct myc_actor *self, myc_address other)
{
	return control(self, other, MYC_CONTROL_SUSPEND);
}

int myc_resume(struct myc_actor *self, myc_address other)
{
	return control(self, other, MYC_CONTROL_RESUME);
}

int myc_exit_send(struct myc_actor *self, myc_address other, struct myc_exit_reason reason)
{
	const struct myc_signal_exit sent = {
		.from = self->address, .to = other, .kind = reason.kind, .code = reason.code};
	const struct myc_signal signal = {
		.type = MYC_SIGNAL_EXIT, .size = sizeof(sent), .to = other, .payload = &sent};
	int code = reason.kind == MYC_EXIT_KILL
			   ? control(self, other, MYC_STOP_KILL)
			   : myc_signal_send(self->executor, self, &signal, MYC_RING_ORDINARY);

	return code == -ESRCH ? 0 : code;
}
