/* SPDX-License-Identifier: Apache-2.0 */
/* What probes do in their hooks: write down what comes, and what the case told them. */
#include <stdio.h>

#include "conformance/jobs.h"

void note(struct probe *me, const struct seen *seen)
{
	uint32_t count = atomic_load_explicit(&me->count, memory_order_relaxed);

	if (count == SEEN_MAX) {
		atomic_fetch_add(&shared->wrong, 1);
		return;
	}
	me->seen[count] = *seen;
	me->seen[count].mark = me->mark;
	atomic_store_explicit(&me->count, count + 1, memory_order_release);
}

void jot(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	struct seen seen = {.what = MESSAGE,
			    .type = message->type,
			    .flags = message->flags,
			    .from = message->from,
			    .size = message->size,
			    .correlation = message->correlation,
			    .restarts = myc_restarts(self),
			    .at_ns = myc_now_ns(self)};

	if (message->size >= sizeof(seen.number))
		memcpy(&seen.number, message->payload, sizeof(seen.number));
	seen.torn = message->type == NUMBER && !filled(message->payload, message->size);
	note(me, &seen);
}

int notes(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	jot(self, me, message);
	me->messages++;
	return 0;
}

static int run_job(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	uint64_t a[5];

	memcpy(a, message->payload, sizeof(a));
	atomic_store(&me->handler_code, 0);
	atomic_store(&me->result, ((job)(uintptr_t)a[0])(self, me, &a[1]));
	int code = atomic_load(&me->handler_code);

	me->jobs++;
	return code;
}

static int ping(struct myc_actor *self, struct probe *me, const struct myc_message *message)
{
	uint64_t left = 0;

	if (message->size == sizeof(left))
		memcpy(&left, message->payload, sizeof(left));
	if (left)
		return do_send_type(self, myc_self(self), PING, left - 1);
	me->pings++;
	return 0;
}

int probe_message(struct myc_actor *self, const struct myc_message *message)
{
	struct probe *me = probe_of(self);
	reaction react = atomic_load(&me->react);

	if (message->type == JOB)
		return run_job(self, me, message);
	if (message->type == PING)
		return ping(self, me, message);
	return react ? react(self, me, message) : notes(self, me, message);
}

int probe_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct probe *me = probe_of(self);
	int (*more)(struct myc_actor *, struct probe *, const struct myc_reply *) = me->on_reply;
	struct seen seen = {.what = REPLY,
			    .type = reply->type,
			    .kind = reply->kind,
			    .from = reply->asked,
			    .number = reply->cookie,
			    .size = reply->size,
			    .status = reply->status,
			    .index = reply->index,
			    .answered = reply->answered,
			    .failed = reply->failed,
			    .at_ns = myc_now_ns(self)};

	if (!reply->status && reply->size >= sizeof(seen.payload))
		memcpy(&seen.payload, reply->payload, sizeof(seen.payload));
	note(me, &seen);
	int code = more ? more(self, me, reply) : 0;

	me->replies++;
	return code;
}

int probe_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct probe *me = probe_of(self);
	int (*more)(struct myc_actor *, struct probe *, const struct myc_signal_event *) =
		me->on_signal;
	struct seen seen = {
		.what = SIGNAL, .event = *event, .from = event->from, .at_ns = myc_now_ns(self)};

	/* What it points to is there until this returns. */
	if (event->letter)
		seen.letter = *event->letter;
	if (event->strong) {
		seen.strong = *event->strong;
		seen.number = event->cookie;
	}
	if (event->kind == MYC_EVENT_HELD && event->strong) {
		me->strong[me->holds % SLOTS] = *event->strong;
		me->holds++;
	}
	if (event->state && event->state_size >= sizeof(seen.payload))
		memcpy(&seen.payload, event->state, sizeof(seen.payload));
	note(me, &seen);
	int code = more ? more(self, me, event) : 0;

	me->signals++;
	return code;
}

int probe_timer(struct myc_actor *self, uint64_t cookie)
{
	struct probe *me = probe_of(self);
	int (*more)(struct myc_actor *, struct probe *, uint64_t) = me->on_timer;
	const struct seen seen = {.what = TIMER, .number = cookie, .at_ns = myc_now_ns(self)};

	note(me, &seen);
	int code = more ? more(self, me, cookie) : 0;

	me->timers++;
	return code;
}

int probe_init(struct myc_actor *self)
{
	struct probe *me = probe_of(self);
	int (*more)(struct myc_actor *, struct probe *) = me->on_init;

	me->inits++;
	return more ? more(self, me) : 0;
}

int probe_started(struct myc_actor *self)
{
	struct probe *me = probe_of(self);
	int (*more)(struct myc_actor *, struct probe *) = me->on_started;
	int code = more ? more(self, me) : 0;

	me->starts++;
	return code;
}

void probe_stopping(struct myc_actor *self)
{
	struct probe *me = probe_of(self);
	int (*more)(struct myc_actor *, struct probe *) = me->on_stopping;

	if (more)
		more(self, me);
	me->stoppings++;
}

void probe_stopped(struct myc_actor *self)
{
	probe_of(self)->stops++;
}

int probe_idle(struct myc_actor *self)
{
	struct probe *me = probe_of(self);
	int (*more)(struct myc_actor *, struct probe *) = me->on_idle;

	note(me, &(struct seen){.what = IDLE, .at_ns = myc_now_ns(self)});
	return more ? more(self, me) : 0;
}

int probe_undelivered(struct myc_actor *self, const struct myc_undelivered *what)
{
	struct seen seen = {.what = UNDELIVERED,
			    .type = what->type,
			    .kind = what->why,
			    .from = what->to,
			    .size = what->size,
			    .at_ns = myc_now_ns(self)};

	if (what->payload && what->size >= sizeof(seen.number))
		memcpy(&seen.number, what->payload, sizeof(seen.number));
	seen.torn = !what->payload || (what->type == NUMBER && !filled(what->payload, what->size));
	note(probe_of(self), &seen);
	return 0;
}

int probe_group(struct myc_actor *self, const struct myc_group_event *event)
{
	struct seen seen = {.what = GROUP,
			    .kind = (uint8_t)event->kind,
			    .flags = (uint8_t)event->flags,
			    .from = event->member,
			    .number = event->cookie,
			    .answered = event->count,
			    .failed = event->remaining};

	snprintf(seen.scope, sizeof(seen.scope), "%s", event->scope);
	snprintf(seen.name, sizeof(seen.name), "%s", event->group);
	note(probe_of(self), &seen);
	return 0;
}

int probe_life(struct myc_actor *self, const struct myc_life_event *event)
{
	struct seen seen = {.what = LIFE,
			    .kind = (uint8_t)event->kind,
			    .flags = (uint8_t)event->flags,
			    .from = event->address,
			    .number = event->cookie,
			    .restarts = event->restarts,
			    .event.reason = event->reason};

	snprintf(seen.scope, sizeof(seen.scope), "%s", event->scope);
	snprintf(seen.name, sizeof(seen.name), "%s", event->name);
	note(probe_of(self), &seen);
	return 0;
}

int probe_topic(struct myc_actor *self, const struct myc_topic_event *event)
{
	struct seen seen = {.what = TOPIC,
			    .type = (uint16_t)event->type,
			    .kind = (uint8_t)event->kind,
			    .index = (uint32_t)event->cookie,
			    .payload = event->key,
			    .answered = (uint32_t)event->sequence,
			    .failed = (uint32_t)event->lost,
			    .size = event->size,
			    .at_ns = myc_now_ns(self)};

	if (event->payload && event->size >= sizeof(seen.number))
		memcpy(&seen.number, event->payload, sizeof(seen.number));
	seen.torn = event->payload && !filled(event->payload, event->size);
	note(probe_of(self), &seen);
	return 0;
}
