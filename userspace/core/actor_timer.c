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

#include "core/executor.h"

#define LOOKS 8 /* in an idle timeout */

static bool is(const struct myc_timer_entry *entry, const struct myc_timers *timers,
	       struct myc_timer timer)
{
	return entry == &timers->entry[timer.index] && entry->generation == timer.generation;
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

	return idle && hook ? hook(actor) : 0;
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

/* ---- for handlers ------------------------------------------------------------------------------ */

int myc_timer_start(struct myc_actor *self, uint64_t delay_ns, uint64_t period_ns, uint64_t cookie,
		    struct myc_timer *timer)
{
	return start(self, after(myc_executor_now(self->executor), delay_ns), period_ns, cookie,
		     timer);
}

int myc_timer_cancel(struct myc_actor *self, struct myc_timer timer)
{
	return myc_timers_cancel(&self->executor->timers, self, &self->timers, timer);
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
		const struct myc_timer timer = {.index = at, .generation = entry->generation};

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
