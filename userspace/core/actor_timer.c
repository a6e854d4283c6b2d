/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An actor's timers above the executor's table (core/timer.h): those its behaviour declares, those with a key,
 * and the one that looks whether it is idle.
 *
 * Idle. Messages cost it nothing: they are counted anyway. Every eighth of the timeout the timer looks whether
 * the count has changed, and from the first look at which it had not for so long the actor is idle:
 *
 *	      last message                     idle
 *	look -----|----- look ... look ... look        since = the look after the message
 *	                since <- idle_ns -> |          never early, at most an eighth late
 */
#include <errno.h>
#include <stdlib.h>

#include "core/move.h"

#define LOOKS 8 /* in an idle timeout */

static bool is(const struct myc_timer_entry *entry, const struct myc_timers *timers,
	       struct myc_timer timer)
{
	return myc_timer_same(myc_timers_handle(timers, (uint32_t)(entry - timers->entry)), timer);
}

static uint64_t after(uint64_t now, uint64_t delay)
{
	return delay < UINT64_MAX - now ? now + delay : UINT64_MAX - 1;
}

static int start(struct myc_actor *self, uint64_t due, uint64_t period_ns, uint64_t cookie,
		 struct myc_timer *timer)
{
	struct myc_timers *timers = &self->executor->timers;

	myc_timers_advance(timers, myc_executor_now(self->executor));
	return myc_timers_start(timers, self, &self->timers, due, period_ns, cookie, timer);
}

/* ---- idle -------------------------------------------------------------------------------------- */

static uint64_t heard(const struct myc_actor *actor)
{
	myc_receiver_count(actor->executor);
	return actor->metrics->messages + actor->metrics->feed_events +
	       actor->metrics->topic_events;
}

static int look_later(struct myc_actor *actor, uint64_t now)
{
	struct myc_actor_more *more = actor->more;
	uint64_t next = after(now, more->idle_ns / LOOKS + !(more->idle_ns / LOOKS));
	uint64_t end = after(more->idle_since_ns, more->idle_ns);

	return start(actor, next < end ? next : end, 0, 0, &more->idle_timer);
}

static int idle_from(struct myc_actor *actor, uint64_t timeout_ns)
{
	struct myc_actor_more *more = myc_actor_more(actor);
	uint64_t now = myc_executor_now(actor->executor);

	if (!more)
		return timeout_ns ? -ENOMEM : 0;
	if (more->idle_ns)
		(void)myc_timers_cancel(&actor->executor->timers, actor, &actor->timers,
					more->idle_timer);
	more->idle_ns = timeout_ns;
	more->idle_since_ns = now;
	more->idle_heard = heard(actor);
	int code = timeout_ns ? look_later(actor, now) : 0;

	if (code)
		more->idle_ns = 0;
	return code;
}

static int look(struct myc_actor *actor, uint64_t now)
{
	struct myc_actor_more *more = actor->more;
	bool idle = more->idle_heard == heard(actor) && !actor->pending_count;

	if (idle && now - more->idle_since_ns < more->idle_ns) {
		(void)look_later(actor, now); /* the entry that fired is free */
		return 0;
	}
	more->idle_since_ns = now;
	more->idle_heard = heard(actor);
	(void)look_later(actor, now);
	int (*hook)(struct myc_actor * self) = myc_actor_hook(actor, idle);

	if (!idle || !hook)
		return 0;
	myc_move_acted(actor);
	return hook(actor);
}

/* ---- firing ------------------------------------------------------------------------------------ */

int myc_actor_timer(struct myc_actor *actor, struct myc_timer_entry *entry, uint64_t now)
{
	struct myc_executor *executor = actor->executor;
	uint64_t cookie = entry->cookie;
	bool looks = actor->more && actor->more->idle_ns &&
		     is(entry, &executor->timers, actor->more->idle_timer);

	executor->timer_missed = myc_timers_fired(&executor->timers, &actor->timers, entry, now);
	if (looks)
		return look(actor, now);
	myc_count(&actor->metrics->timers);
	__atomic_store_n(&executor->words->timers_missed,
			 executor->words->timers_missed + executor->timer_missed, __ATOMIC_RELAXED);
	int (*hook)(struct myc_actor * self, uint64_t cookie_) = myc_actor_hook(actor, timer);
	int code = hook ? hook(actor, cookie) : 0;

	executor->timer_missed = 0;
	return code;
}

int myc_actor_timers_declared(struct myc_actor *actor)
{
	const struct myc_behaviour *behaviour = actor->behaviour;
	uint64_t now = myc_executor_now(actor->executor);
	int code = 0;

	for (uint32_t i = 0; i < behaviour->timers_count && !code; i++) {
		const struct myc_timer_plan *plan = &behaviour->timers[i];

		code = start(actor, after(now, plan->delay_ns), plan->period_ns, plan->cookie,
			     NULL);
	}
	/* What `init` has set counts. */
	if (!code && behaviour->idle_timeout_ns && !actor->more->idle_ns)
		code = idle_from(actor, behaviour->idle_timeout_ns);
	return code;
}

void myc_actor_timers_forget(struct myc_actor *actor)
{
	myc_timers_cancel_all(&actor->executor->timers, &actor->timers);
	if (actor->more)
		actor->more->idle_ns = 0;
}

/* ---- moving ------------------------------------------------------------------------------------ */

static int by_order(const void *a, const void *b)
{
	const struct myc_moved_timer *one = a, *other = b;

	return one->order < other->order ? -1 : one->order > other->order;
}

/* The handles that it has of timers that have moved before. `at`: by index, their places + 1. */
static void note_given(const struct myc_actor *actor, struct myc_moved_timer *timer,
		       const uint32_t *at)
{
	uint32_t place = at[timer->before.index & ((1u << MYC_TIMER_INDEX_BITS) - 1)];
	const struct myc_moved_timer *moved = place ? &actor->more->moved[place - 1] : NULL;

	timer->given =
		moved && myc_timer_same(moved->now, timer->before) ? moved->given : timer->before;
}

int myc_actor_timers_lift(struct myc_actor *actor, struct myc_lifted_timers *lifted)
{
	struct myc_timers *timers = &actor->executor->timers;
	uint32_t head = actor->timers, at = head, n = 0;

	*lifted = (struct myc_lifted_timers){.head = head};
	if (head == MYC_TIMER_NONE)
		return 0;
	do {
		lifted->count++;
		at = timers->entry[at].actor_next;
	} while (at != head);
	uint32_t *places = calloc(timers->capacity, sizeof(*places));

	lifted->timer = calloc(lifted->count, sizeof(*lifted->timer));
	if (!places || !lifted->timer || !myc_actor_more(actor)) {
		free(places);
		free(lifted->timer);
		lifted->timer = NULL; /* it stays, and its timers where they are */
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < actor->more->moved_count; i++)
		places[actor->more->moved[i].now.index & ((1u << MYC_TIMER_INDEX_BITS) - 1)] =
			i + 1;
	do {
		const struct myc_timer_entry *entry = &timers->entry[at];
		struct myc_moved_timer *timer = &lifted->timer[n++];

		*timer = (struct myc_moved_timer){.before = myc_timers_handle(timers, at),
						  .due_ns = entry->due_ns,
						  .period_ns = entry->period_ns,
						  .cookie = entry->cookie,
						  .order = entry->order};
		note_given(actor, timer, places);
		at = entry->actor_next;
	} while (at != head);
	free(places);
	myc_timers_hold_all(timers, head);
	actor->timers = MYC_TIMER_NONE;
	return 0;
}

int myc_actor_timers_land(struct myc_actor *actor, struct myc_lifted_timers *lifted)
{
	struct myc_actor_more *more = actor->more;
	struct myc_timer idle = {0};

	if (!lifted->count)
		return 0;
	/* As they were started. */
	qsort(lifted->timer, lifted->count, sizeof(*lifted->timer), by_order);
	for (uint32_t i = 0; i < lifted->count; i++) {
		struct myc_moved_timer *timer = &lifted->timer[i];
		int code =
			start(actor, timer->due_ns, timer->period_ns, timer->cookie, &timer->now);

		if (code) {
			myc_timers_cancel_all(&actor->executor->timers, &actor->timers);
			return code;
		}
		if (myc_timer_same(timer->before, more->idle_timer))
			idle = timer->now;
	}
	if (more->idle_ns)
		more->idle_timer = idle;
	free(more->moved);
	more->moved = lifted->timer;
	more->moved_count = lifted->count;
	lifted->timer = NULL;
	return 0;
}

/* The handle may be of the table where it was started. */
static int cancel(struct myc_actor *self, struct myc_timer timer)
{
	struct myc_timers *timers = &self->executor->timers;
	int code = myc_timers_cancel(timers, self, &self->timers, timer);

	for (uint32_t i = 0; code && self->more && i < self->more->moved_count; i++)
		if (myc_timer_same(self->more->moved[i].given, timer))
			return myc_timers_cancel(timers, self, &self->timers,
						 self->more->moved[i].now);
	return code;
}

/* ---- for handlers ------------------------------------------------------------------------------ */

int myc_timer_start(struct myc_actor *self, uint64_t delay_ns, uint64_t period_ns, uint64_t cookie,
		    struct myc_timer *timer)
{
	return start(self, after(myc_executor_now(self->executor), delay_ns), period_ns, cookie,
		     timer);
}

int myc_timer_cancel(struct myc_actor *self, struct myc_timer timer)
{
	return cancel(self, timer);
}

int myc_timer_clear(struct myc_actor *self, uint64_t key)
{
	struct myc_timers *timers = &self->executor->timers;
	uint32_t at = self->timers, last = MYC_TIMER_NONE, cleared = 0;

	if (at != MYC_TIMER_NONE)
		last = timers->entry[at].actor_previous;
	while (at != MYC_TIMER_NONE) {
		const struct myc_timer_entry *entry = &timers->entry[at];
		uint32_t next = at == last ? MYC_TIMER_NONE : entry->actor_next;
		const struct myc_timer timer = myc_timers_handle(timers, at);

		if (entry->cookie == key && !(self->more && self->more->idle_ns &&
					      is(entry, timers, self->more->idle_timer)))
			cleared += !myc_timers_cancel(timers, self, &self->timers, timer);
		at = next;
	}
	return cleared ? 0 : -ENOENT;
}

int myc_timer_set(struct myc_actor *self, uint64_t key, uint64_t delay_ns, uint64_t period_ns)
{
	(void)myc_timer_clear(self, key);
	return myc_timer_start(self, delay_ns, period_ns, key, NULL);
}

uint64_t myc_timer_missed(const struct myc_actor *self)
{
	return self->executor->timer_missed;
}

int myc_idle_timeout_set(struct myc_actor *self, uint64_t timeout_ns)
{
	return idle_from(self, timeout_ns);
}
