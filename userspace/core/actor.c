/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One actor's life, on its executor's thread:
 *
 *   STARTING --begin()--> RUNNING --stop asked, or the system stops--> STOPPING --end()--> ENDED
 *      ^                     | handler failed
 *      +-- restart in place -+-- more than restarts_max in the window: end(), workspace.failed
 *
 * What comes after ENDED, and ends that others ask for, are in exit.c.
 *
 * The address, the mailbox and what waits in the outbox survive a restart; state and timers do not.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/directory.h"
#include "core/topic_actor.h"
#include "core/exit.h"
#include "core/outside.h"
#include "core/stash.h"

#define STUCK_NS      1000000000u
#define RESTARTS_ROOM 4 /* times of restarts, at first */

void myc_actor_set_life(struct myc_actor *actor, uint32_t life)
{
	uint32_t home = actor->executor->index;

	actor->life = (uint8_t)life;
	myc_actor_aside(actor, MYC_ASIDE_LIFE, !myc_actor_runs(actor));
	bool takes = (life != MYC_ACTOR_FREE && life != MYC_ACTOR_ENDED) &&
		     !(actor->ties.flags & MYC_TIE_DRAINING);
	uint64_t rows = myc_actor_shared(actor)->word & MYC_ACTOR_WORD_ROWS;

	if (!takes)
		myc_receiver_close_own(actor);
	/* Release: what the actor was is done with. Pairs with the acquire where slots are given, and
	 * where its end is waited for. */
	__atomic_store_n(&myc_actor_shared(actor)->word,
			 myc_actor_word(myc_address_generation(actor->address),
					takes ? home : MYC_EXECUTOR_NONE, life) |
				 (uint64_t)home << 40 | rows,
			 __ATOMIC_RELEASE);
}

static int start_once(struct myc_actor *actor)
{
	const struct myc_behaviour *behaviour = actor->behaviour;
	int code = 0;

	myc_become_first(actor);
	memset(actor->state, 0, behaviour->state_size);
	if (behaviour->init)
		code = behaviour->init(actor);
	if (code >= 0)
		code = myc_actor_timers_declared(actor);
	if (code >= 0 && behaviour->started)
		code = behaviour->started(actor);
	return code < 0 ? code : 0;
}

/* For one more time: of those that the window has left behind, or of more memory, up to restarts_max of them. */
static bool restart_room(struct myc_actor_more *more, uint64_t now)
{
	uint32_t old = 0, room = more->restarted_room;

	while (old < more->restarted_count &&
	       now - more->restarted_ns[old] > more->restarts_window_ns)
		old++;
	if (old) {
		more->restarted_count -= old;
		memmove(more->restarted_ns, more->restarted_ns + old,
			more->restarted_count * sizeof(*more->restarted_ns));
		return true;
	}
	if (room == more->restarts_max)
		return false;
	room = room ? 2 * room : RESTARTS_ROOM;
	room = room > more->restarts_max || room < more->restarted_room ? more->restarts_max : room;
	uint64_t *times = realloc(more->restarted_ns, room * sizeof(*times));

	if (!times)
		return false;
	more->restarted_ns = times;
	more->restarted_room = room;
	return true;
}

/* Notes a restart; false when it is one more than allowed within the window. */
static bool restart_allowed(struct myc_actor *actor)
{
	struct myc_actor_more *more = actor->restarts_none ? NULL : myc_actor_more(actor);
	uint64_t now = myc_executor_now(actor->executor);

	if (!more || (more->restarted_count == more->restarted_room && !restart_room(more, now)))
		return false;
	more->restarted_ns[more->restarted_count++] = now;
	return true;
}

static void count_restart(struct myc_actor *actor, int code)
{
	uint32_t restarts = myc_actor_shared(actor)->restarts + 1;

	__atomic_store_n(&myc_actor_shared(actor)->restarts, restarts, __ATOMIC_RELAXED);
	__atomic_store_n(&actor->metrics->restarts, restarts, __ATOMIC_RELAXED);
	myc_directory_restarts(actor, code);
	myc_exit_restarted(actor, code);
}

static int give_up(struct myc_actor *actor, int code)
{
	struct myc_system *system = actor->executor->system;
	myc_address address = actor->address;
	bool watched = actor->ties.flags & MYC_TIE_WATCHED;

	myc_actor_end(actor, MYC_EXIT_FAILED, code);
	if (system->workspace.failed)
		system->workspace.failed(system->workspace.context, address, code, watched);
	return code;
}

static void begun(struct myc_actor *actor)
{
	myc_actor_set_life(actor, MYC_ACTOR_RUNNING);
	myc_directory_runs(actor);
	myc_receiver_make_ready(actor);
	if (actor->stop_asked)
		myc_actor_after(actor, 0);
}

int myc_actor_begin(struct myc_actor *actor)
{
	for (;;) {
		int code = start_once(actor);

		if (!code)
			break;
		actor->stop_asked = false;
		myc_actor_timers_forget(actor);
		myc_outside_forget(actor);
		myc_asks_forget(actor);
		myc_topics_forget(actor);
		myc_stash_give_back(actor, UINT32_MAX, false);
		if (!restart_allowed(actor))
			return give_up(actor, code);
		count_restart(actor, code);
	}
	begun(actor);
	return 0;
}

int myc_actor_start(struct myc_actor *actor)
{
	int code = start_once(actor);

	if (code)
		myc_actor_end(actor, MYC_EXIT_FAILED, code);
	else
		begun(actor);
	return code;
}

void myc_actor_after(struct myc_actor *actor, int code)
{
	if (code < 0) {
		actor->stop_asked = false;
		myc_body_give_all(actor);
		myc_actor_timers_forget(actor);
		myc_outside_forget(actor);
		myc_asks_forget(actor);
		myc_topics_forget(actor);
		myc_stash_give_back(actor, UINT32_MAX, false);
		if (!restart_allowed(actor)) {
			give_up(actor, code);
			return;
		}
		count_restart(actor, code);
		if (actor->life == MYC_ACTOR_RUNNING)
			myc_actor_begin(actor);
		else
			myc_actor_end(actor, MYC_EXIT_FAILED, code);
		return;
	}
	if (!actor->stop_asked)
		return;
	/* While the system stops, `stopping` was called already. */
	if (actor->life == MYC_ACTOR_RUNNING && !(actor->ties.flags & MYC_TIE_EXIT)) {
		myc_actor_set_life(actor, MYC_ACTOR_STOPPING);
		if (actor->behaviour->stopping)
			actor->behaviour->stopping(actor);
	}
	myc_actor_end(actor, actor->ties.reason, actor->ties.code);
}

void myc_actor_pause(struct myc_actor *actor)
{
	struct myc_actor_more *more = myc_actor_more(actor);

	if (!more)
		return;
	more->paused_at_ns = more->counted_at_ns = myc_executor_now(actor->executor);
	more->stuck = more->cycle_told = false;
}

void myc_actor_count_pause(struct myc_actor *actor)
{
	uint64_t now = myc_executor_now(actor->executor);
	struct myc_actor_metrics *metrics = actor->metrics;
	struct myc_actor_more *more = actor->more;

	if (!more)
		return;
	__atomic_store_n(&metrics->paused_ns, metrics->paused_ns + now - more->counted_at_ns,
			 __ATOMIC_RELAXED);
	more->counted_at_ns = now;
	if (!more->stuck && now - more->paused_at_ns > STUCK_NS) {
		more->stuck = true;
		myc_count(&metrics->stuck);
	}
}

void myc_actor_unpause(struct myc_actor *actor)
{
	__atomic_store_n(&actor->metrics->waits, 0, __ATOMIC_RELAXED);
	myc_actor_count_pause(actor);
	myc_timers_resume(&actor->executor->timers, actor->timers);
	myc_receiver_make_ready(actor);
}

void myc_actor_status(struct myc_actor *actor)
{
	struct myc_status *row = actor->executor->system->status;
	struct myc_status status = {.text = ""};

	if (!actor->behaviour->status || actor->slot >= MYC_STATUS_ROWS)
		return;
	actor->behaviour->status(actor, &status);
	status.text[sizeof(status.text) - 1] = '\0';
	row[actor->slot] = status;
}

/* ---- for handlers ------------------------------------------------------------------------------ */

myc_address myc_self(const struct myc_actor *self)
{
	return self->address;
}

const char *myc_name(const struct myc_actor *self)
{
	return self->more ? self->more->name : "";
}

uint32_t myc_restarts(const struct myc_actor *self)
{
	return myc_actor_shared(self)->restarts;
}

uint64_t myc_now_ns(const struct myc_actor *self)
{
	return myc_executor_now(self->executor);
}

const char *myc_setting(const struct myc_actor *self, const char *key, const char *fallback)
{
	for (uint32_t i = 0; self->more && i < self->more->settings_count; i++)
		if (!strcmp(self->more->settings[i].key, key))
			return self->more->settings[i].value;
	return fallback;
}

void myc_stop(struct myc_actor *self)
{
	if (self->stop_asked)
		return;
	self->ties.reason = MYC_EXIT_NORMAL;
	self->ties.code = 0;
	self->stop_asked = true;
}

/* ---- for feeds --------------------------------------------------------------------------------- */

bool myc_actor_ready(const struct myc_actor *actor)
{
	return actor->life == MYC_ACTOR_RUNNING && !myc_actor_waits(actor);
}

int myc_actor_feed(struct myc_actor *actor, const struct myc_feed_event *event)
{
	int code = 0;

	if (actor->life != MYC_ACTOR_RUNNING)
		return -ESRCH;
	__atomic_store_n(&actor->metrics->feed_events, actor->metrics->feed_events + 1,
			 __ATOMIC_RELAXED);
	int (*feed)(struct myc_actor * self, const struct myc_feed_event *event) =
		myc_actor_hook(actor, feed);

	if (feed)
		code = feed(actor, event);
	if (code < 0 || actor->stop_asked)
		myc_actor_after(actor, code);
	return code < 0 ? code : 0;
}
