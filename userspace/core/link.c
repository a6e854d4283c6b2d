/* SPDX-License-Identifier: Apache-2.0 */
#include "core/link.h"

#include <errno.h>

#include <mycelium/abi/signal.h>

#include "core/exit.h"
#include "core/move.h"
#include "core/last.h"
#include "core/receiver.h"
#include "core/signal.h"
#include "core/strong.h"
#include "core/watch.h"

static const struct myc_exit_reason noproc = {.kind = MYC_EXIT_NOPROC};

/* ---- sending ----------------------------------------------------------------------------------- */

/* The road to the executor that has, or had, this actor: its answer comes behind what the actor sent. */
static int road_of(struct myc_executor *executor, myc_address peer, struct myc_road **road)
{
	uint32_t process = myc_address_process(peer);
	const struct myc_actor_slot *slot =
		myc_view_slot(executor->system, process, myc_address_slot(peer));

	if (!slot)
		return -ESRCH;
	uint64_t word = __atomic_load_n(&slot->word, __ATOMIC_ACQUIRE);

	if (myc_actor_word_generation(word) != myc_address_generation(peer))
		return -ESRCH;
	*road = myc_sender_road_to(&executor->out, process, myc_actor_word_home(word));
	return *road ? 0 : -ENOSPC;
}

static uint32_t restart_of(const struct myc_executor *executor, myc_address peer)
{
	const struct myc_actor_slot *slot =
		myc_view_slot(executor->system, myc_address_process(peer), myc_address_slot(peer));

	return slot ? __atomic_load_n(&slot->restarts, __ATOMIC_RELAXED) : 0;
}

static uint32_t our_incarnation(const struct myc_executor *executor)
{
	return (uint32_t)executor->system->workspace.incarnation;
}

static int say(struct myc_executor *executor, struct myc_road *road, uint16_t type, myc_address to,
	       const void *payload, uint8_t size)
{
	const struct myc_signal signal = {.type = type, .size = size, .to = to, .payload = payload};

	return myc_signal_send_after(executor, road, &signal, MYC_RING_ORDINARY);
}

int myc_link_say(struct myc_executor *executor, const struct myc_signal *signal)
{
	struct myc_road *road;
	int code = road_of(executor, signal->to, &road);

	return code ? code : myc_signal_send_after(executor, road, signal, MYC_RING_ORDINARY);
}

static struct myc_signal_link link_signal(const struct myc_actor *from,
					  const struct myc_watch *watch)
{
	return (struct myc_signal_link){.from = from->address,
					.to = watch->peer,
					.from_incarnation = our_incarnation(from->executor),
					.to_incarnation = watch->incarnation,
					.from_restart = myc_actor_shared(from)->restarts,
					.to_restart = watch->restart,
					.mine = watch->mine,
					.other = watch->other};
}

/* ---- for handlers ------------------------------------------------------------------------------ */

int myc_trap_exit(struct myc_actor *self, bool trap)
{
	if (!myc_actor_hook(self, signal))
		return -EINVAL;
	self->ties.flags =
		trap ? self->ties.flags | MYC_TIE_TRAP : self->ties.flags & ~(uint32_t)MYC_TIE_TRAP;
	return 0;
}

/* After `watch` could not be told: gone, or due at once because there is nobody. */
static int untold(struct myc_executor *executor, struct myc_watch *watch, int code)
{
	if (code == -ESRCH) {
		myc_watch_due(executor, watch, noproc);
		return 0;
	}
	myc_watch_free(executor, watch);
	return code;
}

int myc_link(struct myc_actor *self, myc_address other)
{
	struct myc_executor *executor = self->executor;
	struct myc_road *road;

	if (other == self->address || myc_watch_find_link(executor, self, other))
		return 0;
	struct myc_watch *watch = myc_watch_make(self, MYC_WATCH_LINK, other);

	if (!watch)
		return -ENOSPC;
	if (watch->state == MYC_WATCH_LOST)
		return 0;
	watch->restart = restart_of(executor, other);
	executor->watches.numbers += executor->watches.numbers == UINT32_MAX ? 2 : 1;
	watch->mine = executor->watches.numbers;
	int code = road_of(executor, other, &road);

	if (!code) {
		const struct myc_signal_link link = link_signal(self, watch);

		myc_exit_note_watcher(self, road);
		code = say(executor, road, MYC_SIGNAL_LINK, other, &link, sizeof(link));
	}
	return code ? untold(executor, watch, code) : 0;
}

int myc_unlink(struct myc_actor *self, myc_address other)
{
	struct myc_executor *executor = self->executor;
	struct myc_watch *watch = NULL;
	int found = -ENOENT;

	while ((watch = myc_watch_next(executor, other, watch)))
		if (watch->owner == self && watch->kind == MYC_WATCH_LINK) {
			struct myc_road *road;
			const struct myc_signal_link link = link_signal(self, watch);
			int code = watch->state == MYC_WATCH_ARMED ? road_of(executor, other, &road)
								   : -ESRCH;

			if (!code)
				code = say(executor, road, MYC_SIGNAL_UNLINK, other, &link,
					   sizeof(link));
			if (code && code != -ESRCH)
				return code;
			myc_watch_free(executor, watch);
			found = 0;
			watch = NULL; /* there may be an older one that is due */
		}
	return found;
}

/* Does an armed one already stand for this peer as it is now? Then its executor knows that we watch. One through
 * restarts does not say so: if it was restarted before it heard of that, it answers nothing. */
static bool told_before(struct myc_executor *executor, const struct myc_watch *made)
{
	struct myc_watch *watch = NULL;

	while ((watch = myc_watch_next(executor, made->peer, watch)))
		if (watch != made && watch->state == MYC_WATCH_ARMED && !watch->held &&
		    (watch->kind != MYC_WATCH_STRONG || made->kind == MYC_WATCH_STRONG) &&
		    (!watch->through || made->through) && watch->restart == made->restart &&
		    watch->incarnation == made->incarnation)
			return true;
	return false;
}

int myc_link_watch(struct myc_executor *executor, struct myc_watch *watch)
{
	watch->restart = restart_of(executor, watch->peer);
	if (watch->state == MYC_WATCH_LOST || (!watch->wants_state && told_before(executor, watch)))
		return 0;
	const struct myc_signal_watch asked = {
		.who = watch->peer,
		.incarnation = watch->incarnation,
		.restart = watch->restart,
		.through = watch->through,
		.wants = (watch->wants_state ? MYC_WATCH_LAST_STATE : 0) |
			 (watch->kind == MYC_WATCH_STRONG ? MYC_WATCH_UNTOLD : 0),
		.watcher = watch->owner->address};
	const struct myc_signal signal = {.type = MYC_SIGNAL_WATCH,
					  .size = sizeof(asked),
					  .to = watch->peer,
					  .payload = &asked};

	return myc_link_say(executor, &signal);
}

int myc_monitor(struct myc_actor *self, myc_address other, uint32_t flags,
		struct myc_monitor *monitor)
{
	struct myc_executor *executor = self->executor;

	if (other == self->address || !myc_actor_hook(self, signal))
		return -EINVAL;
	struct myc_watch *watch = myc_watch_make(self, MYC_WATCH_MONITOR, other);

	if (!watch)
		return -ENOSPC;
	if (monitor)
		*monitor =
			(struct myc_monitor){.index = (uint32_t)(watch - executor->watches.entry),
					     .generation = watch->generation};
	watch->through = flags & MYC_MONITOR_THROUGH;
	watch->wants_state = flags & MYC_MONITOR_STATE;
	int code = myc_link_watch(executor, watch);

	return code ? untold(executor, watch, code) : 0;
}

/* What is to be done and who wants to know go together: the end cannot come in between. */
int myc_stop_watch(struct myc_actor *self, myc_address other, uint32_t how, uint64_t timeout_ns,
		   struct myc_monitor *monitor)
{
	uint32_t what = how & ~(uint32_t)MYC_STOP_ELSE_KILL;
	struct myc_executor *executor = self->executor;

	if (what < MYC_STOP || what > MYC_STOP_KILL || other == self->address ||
	    !myc_actor_hook(self, signal))
		return -EINVAL;
	struct myc_watch *watch = myc_watch_make(self, MYC_WATCH_MONITOR, other);

	if (!watch)
		return -ENOSPC;
	const struct myc_signal_control control = {
		.to = other, .what = what, .watch = 1, .incarnation = watch->incarnation};
	const struct myc_signal signal = {.type = MYC_SIGNAL_CONTROL,
					  .size = sizeof(control),
					  .to = other,
					  .payload = &control};

	watch->through = true;
	int code = watch->state == MYC_WATCH_LOST
			   ? -ESRCH
			   : myc_signal_send(executor, NULL, &signal, MYC_RING_URGENT);
	if (code) {
		myc_watch_free(executor, watch);
		return code;
	}
	if (monitor)
		*monitor =
			(struct myc_monitor){.index = (uint32_t)(watch - executor->watches.entry),
					     .generation = watch->generation};
	myc_watch_limit(executor, watch, timeout_ns, how & MYC_STOP_ELSE_KILL);
	return 0;
}

int myc_demonitor(struct myc_actor *self, struct myc_monitor monitor)
{
	struct myc_watches *watches = &self->executor->watches;

	if (!monitor.index || monitor.index > watches->capacity)
		return -ENOENT;
	struct myc_watch *watch = &watches->entry[monitor.index];

	if (watch->owner != self || watch->generation != monitor.generation ||
	    watch->kind != MYC_WATCH_MONITOR)
		return -ENOENT;
	myc_last_cancel(self->executor, watch);
	myc_watch_free(self->executor, watch);
	return 0;
}

/* ---- what comes -------------------------------------------------------------------------------- */

struct myc_actor *myc_link_ours(struct myc_executor *executor, myc_address address)
{
	const struct myc_system *system = executor->system;
	uint32_t slot = myc_address_slot(address);

	if (slot >= system->slots || myc_address_process(address) != system->workspace.process ||
	    myc_address_node(address) != system->workspace.node)
		return NULL;
	/* Pairs with the release when the slot was given. The actor is read if it is ours only. */
	uint64_t word = __atomic_load_n(&system->slot[slot].word, __ATOMIC_ACQUIRE);

	if (myc_actor_word_generation(word) != myc_address_generation(address) ||
	    myc_actor_word_state(word) == MYC_ACTOR_FREE ||
	    myc_actor_word_home(word) != executor->index)
		return NULL;
	if (!system->actor[slot].adopted)
		myc_executor_adopt_offered(executor);
	return &system->actor[slot];
}

static bool from_there(const struct myc_executor *executor, const struct myc_inlet *inlet,
		       myc_address from)
{
	return myc_address_node(from) == executor->system->workspace.node &&
	       myc_address_process(from) == myc_lane_end_process(inlet->source);
}

static struct myc_road *way_back(struct myc_executor *executor, const struct myc_inlet *inlet)
{
	return myc_sender_road_to(&executor->out, myc_lane_end_process(inlet->source),
				  myc_lane_end_executor(inlet->source));
}

/* Notes who watches; else answers that it is not there (as it was). */
static int watched(struct myc_executor *executor, struct myc_road *back, myc_address who,
		   uint32_t incarnation, uint32_t restart, bool through, struct myc_actor **out)
{
	struct myc_actor *actor = myc_link_ours(executor, who);
	struct myc_signal_dead dead = {.who = who, .restart = restart, .kind = MYC_EXIT_NOPROC};

	*out = NULL;
	/* The watcher sees that the process is another one now. */
	if (!back || incarnation != our_incarnation(executor))
		return 0;
	if (actor && (through || restart == myc_actor_shared(actor)->restarts ||
		      actor->life == MYC_ACTOR_ENDED)) {
		myc_exit_note_watcher(actor, back);
		*out = actor->life == MYC_ACTOR_ENDED ? NULL : actor;
		return 0;
	}
	if (!actor)
		dead.flags = MYC_DEAD_FINAL | MYC_DEAD_ALL;
	/* About that actor, not to it. */
	const struct myc_signal signal = {
		.type = MYC_SIGNAL_DEAD, .size = sizeof(dead), .to = who, .payload = &dead};

	return myc_signal_send_road(executor, back, NULL, &signal, MYC_RING_ORDINARY);
}

int myc_link_watched(struct myc_executor *executor, const struct myc_inlet *inlet, myc_address who,
		     uint32_t incarnation, struct myc_actor **actor)
{
	return watched(executor, way_back(executor, inlet), who, incarnation, 0, true, actor);
}

static int watch_came(struct myc_executor *executor, struct myc_inlet *inlet,
		      const struct myc_signal_watch *watch)
{
	bool state = watch->wants & MYC_WATCH_LAST_STATE, none = watch->wants & MYC_WATCH_NO_STATE;
	struct myc_actor *actor;
	int code;

	if ((state || none) && !from_there(executor, inlet, watch->watcher))
		return -EPROTO;
	if (none) {
		actor = myc_link_ours(executor, watch->who);
		if (actor && watch->incarnation == our_incarnation(executor))
			myc_last_unwanted(actor, watch->watcher, watch->restart, watch->through);
		return 0;
	}
	code = watched(executor, way_back(executor, inlet), watch->who, watch->incarnation,
		       watch->restart, watch->through, &actor);
	if (actor && !(watch->wants & MYC_WATCH_UNTOLD))
		actor->ties.flags |= MYC_TIE_WATCHED;
	if (actor && state)
		myc_last_wanted(actor, watch->watcher, watch->through);
	return code;
}

static int link_came(struct myc_executor *executor, struct myc_inlet *inlet,
		     const struct myc_signal_link *link)
{
	struct myc_road *back = way_back(executor, inlet);
	struct myc_actor *actor;
	int code;

	if (!from_there(executor, inlet, link->from) || link->from == link->to)
		return -EPROTO;
	code = watched(executor, back, link->to, link->to_incarnation, link->to_restart, false,
		       &actor);
	if (!actor)
		return code;
	struct myc_watch *watch = myc_watch_find_link(executor, actor, link->from);

	if (watch) {
		watch->other = link->mine;
		return 0;
	}
	watch = myc_watch_make(actor, MYC_WATCH_LINK, link->from);
	if (!watch) {
		const struct myc_signal_link refused = {
			.from = link->to, .to = link->from, .mine = link->mine};

		return say(executor, back, MYC_SIGNAL_REFUSED, link->from, &refused,
			   sizeof(refused));
	}
	watch->other = link->mine;
	watch->restart = link->from_restart;
	if (watch->incarnation != link->from_incarnation)
		myc_watch_wait(executor, watch,
			       (struct myc_exit_reason){.kind = MYC_EXIT_NOCONNECTION});
	return 0;
}

static int unlink_came(struct myc_executor *executor, struct myc_inlet *inlet,
		       const struct myc_signal_link *link)
{
	struct myc_actor *actor = myc_link_ours(executor, link->to);
	struct myc_watch *watch = actor ? myc_watch_find_link(executor, actor, link->from) : NULL;

	if (!from_there(executor, inlet, link->from))
		return -EPROTO;
	if (!watch || link->to_restart != myc_actor_shared(actor)->restarts)
		return 0;
	if (link->other == watch->mine)
		myc_watch_free(executor, watch);
	else
		watch->other = 0;
	return 0;
}

static int refused_came(struct myc_executor *executor, struct myc_inlet *inlet,
			const struct myc_signal_link *link)
{
	struct myc_actor *actor = myc_link_ours(executor, link->to);
	struct myc_watch *watch = actor ? myc_watch_find_link(executor, actor, link->from) : NULL;

	if (!from_there(executor, inlet, link->from))
		return -EPROTO;
	if (watch && watch->mine == link->mine)
		myc_watch_due(executor, watch, (struct myc_exit_reason){.kind = MYC_EXIT_NO_ROOM});
	myc_watch_deliver(executor, NULL);
	return 0;
}

static int hold_came(struct myc_executor *executor, struct myc_inlet *inlet,
		     const struct myc_signal_hold *hold)
{
	struct myc_watch *watch = NULL;

	if (!from_there(executor, inlet, hold->who))
		return -EPROTO;
	while ((watch = myc_watch_next(executor, hold->who, watch)))
		watch->held = watch->held || watch->owner->address == hold->watcher;
	return 0;
}

static int dead_came(struct myc_executor *executor, struct myc_inlet *inlet,
		     const struct myc_signal_dead *dead)
{
	const struct myc_exit_reason reason = {.kind = dead->kind, .code = dead->code};
	bool final = dead->flags & MYC_DEAD_FINAL;
	struct myc_watch *watch = NULL;

	if (!from_there(executor, inlet, dead->who))
		return -EPROTO;
	while ((watch = myc_watch_next(executor, dead->who, watch))) {
		if (watch->state == MYC_WATCH_DUE ||
		    (watch->held && !(dead->flags & MYC_DEAD_ALL)) ||
		    (!final && (watch->through || (int32_t)(dead->restart - watch->restart) < 0)))
			continue;
		watch->restarted = !final;
		myc_watch_due(executor, watch, reason);
	}
	myc_watch_deliver(executor, NULL);
	return 0;
}

static int exit_came(struct myc_executor *executor, struct myc_inlet *inlet,
		     const struct myc_signal_exit *sent)
{
	const struct myc_exit_reason reason = {.kind = sent->kind, .code = sent->code};
	struct myc_actor *actor = myc_link_ours(executor, sent->to);

	if (!from_there(executor, inlet, sent->from))
		return -EPROTO;
	if (!actor || !myc_actor_runs(actor))
		return 0;
	struct myc_watch *watch =
		actor->pending_count ? myc_watch_make(actor, MYC_WATCH_EXIT, sent->from) : NULL;

	if (!watch) {
		myc_exit_arrived(actor, sent->from, reason, false, false);
		return 0;
	}
	myc_watch_due(executor, watch, reason);
	myc_watch_deliver(executor, actor);
	return 0;
}

static int control_came(struct myc_executor *executor, struct myc_inlet *inlet,
			const struct myc_signal_control *control)
{
	struct myc_actor *actor = myc_link_ours(executor, control->to);
	int code = control->watch ? myc_link_watched(executor, inlet, control->to,
						     control->incarnation, &actor)
				  : 0;

	if (code)
		return code;
	if (actor && control->watch)
		actor->ties.flags |= MYC_TIE_WATCHED;
	if (actor)
		myc_exit_control(actor, control->what);
	return 0;
}

int myc_link_received(struct myc_executor *executor, struct myc_inlet *inlet,
		      const struct myc_slot *slot)
{
	static const uint8_t sizes[MYC_SIGNAL_TAKE - MYC_SIGNAL_WATCH] = {
		[MYC_SIGNAL_WATCH - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_watch),
		[MYC_SIGNAL_LINK - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_link),
		[MYC_SIGNAL_UNLINK - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_link),
		[MYC_SIGNAL_REFUSED - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_link),
		[MYC_SIGNAL_HOLD - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_hold),
		[MYC_SIGNAL_DEAD - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_dead),
		[MYC_SIGNAL_EXIT - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_exit),
		[MYC_SIGNAL_CONTROL - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_control),
		[MYC_SIGNAL_MOVE - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_move),
		[MYC_SIGNAL_MARK - MYC_SIGNAL_WATCH] = sizeof(struct myc_signal_move),
	};
	union {
		uint8_t bytes[MYC_LANE_PAYLOAD];
		struct myc_signal_watch watch;
		struct myc_signal_link link;
		struct myc_signal_hold hold;
		struct myc_signal_dead dead;
		struct myc_signal_exit exit;
		struct myc_signal_control control;
		struct myc_signal_move move;
	} is;

	if (slot->type >= MYC_SIGNAL_TAKE)
		return myc_strong_received(executor, inlet, slot);
	if (slot->size != sizes[slot->type - MYC_SIGNAL_WATCH])
		return -EPROTO;
	memcpy(is.bytes, slot->payload, sizeof(is.bytes));
	switch (slot->type) {
	case MYC_SIGNAL_WATCH:
		return watch_came(executor, inlet, &is.watch);
	case MYC_SIGNAL_LINK:
		return link_came(executor, inlet, &is.link);
	case MYC_SIGNAL_UNLINK:
		return unlink_came(executor, inlet, &is.link);
	case MYC_SIGNAL_REFUSED:
		return refused_came(executor, inlet, &is.link);
	case MYC_SIGNAL_HOLD:
		return hold_came(executor, inlet, &is.hold);
	case MYC_SIGNAL_DEAD:
		return dead_came(executor, inlet, &is.dead);
	case MYC_SIGNAL_EXIT:
		return exit_came(executor, inlet, &is.exit);
	case MYC_SIGNAL_MOVE:
		return myc_move_asked(executor, inlet, &is.move);
	case MYC_SIGNAL_MARK:
		return myc_move_marked(executor, inlet, &is.move);
	default:
		return control_came(executor, inlet, &is.control);
	}
}
