/* SPDX-License-Identifier: Apache-2.0 */
/* The subscribing half of topics: see core/topic_actor.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/topic_actor.h"

#define LOOK_NS 10000000u /* between looks whether a publisher's process lives */

/* ---- members ----------------------------------------------------------------------------------- */

/* Is it to be told something? Of a publisher not before nothing of it can be missed any more. */
static bool news(const struct myc_topic_group *group, const struct myc_topic_member *member)
{
	return member->missed ||
	       (member->tenure != group->tenure &&
		(member->tenure & 1 || group->admitted || !myc_topic_waits(group)));
}

static void call(struct myc_topic_member *member, struct myc_topic_event *event)
{
	struct myc_actor *actor = member->actor;

	event->cookie = member->cookie;
	__atomic_store_n(&actor->metrics->topic_events, actor->metrics->topic_events + 1,
			 __ATOMIC_RELAXED);
	int (*hook)(struct myc_actor * self, const struct myc_topic_event *event_) =
		myc_actor_hook(actor, topic);
	int code = hook ? hook(actor, event) : 0;

	if (code < 0 || actor->stop_asked)
		myc_actor_after(actor, code);
}

static bool callable(const struct myc_topic_member *member)
{
	return member->actor && myc_actor_ready(member->actor);
}

/* What it is to know before the next message. Returns how many events that were. */
static unsigned tell(const struct myc_topic_group *group, struct myc_topic_member *member)
{
	unsigned n = 0;

	while (callable(member) && news(group, member)) {
		struct myc_topic_event event = {0};

		if (member->missed) {
			event.kind = MYC_TOPIC_LOST;
			event.lost = member->missed;
			member->missed = 0;
			__atomic_store_n(&member->actor->metrics->topic_lost,
					 member->actor->metrics->topic_lost + event.lost,
					 __ATOMIC_RELAXED);
		} else if (member->tenure & 1) {
			event.kind = MYC_TOPIC_END;
			member->tenure++;
		} else {
			/* Tenures that came and went in between are not told one by one. */
			event.kind = MYC_TOPIC_RESUMED;
			member->tenure = group->tenure;
			if (!(group->tenure & 1))
				continue;
		}
		call(member, &event);
		n++;
	}
	return n;
}

static unsigned tell_all(struct myc_topic_group *group)
{
	unsigned n = 0;

	group->untold = false;
	for (struct myc_topic_member *member = group->members; member; member = member->next) {
		n += tell(group, member);
		if (member->actor && news(group, member))
			group->untold = true;
	}
	return n;
}

/* ---- handing out ------------------------------------------------------------------------------- */

/* False: a paused member has not had it, and is waited for. */
static bool hand_to(struct myc_topic_group *group, struct myc_topic_member *member,
		    const struct myc_topic_message *message, const void *payload, unsigned *n)
{
	if (!member->actor || member->turn == group->turn)
		return true;
	if (!myc_topic_member_wants(member, message)) {
		member->turn = group->turn;
		return true;
	}
	if (news(group, member))
		*n += tell(group, member);
	if (!member->actor)
		return true;
	if (!callable(member)) {
		if (myc_topic_waits(group) || group->reader.rows)
			return false;
		member->turn = group->turn;
		member->missed++;
		group->untold = true;
		return true;
	}
	struct myc_topic_event event = {.kind = MYC_TOPIC_MESSAGE,
					.type = message->type,
					.key = message->key,
					.sequence = message->number,
					.payload = payload,
					.size = message->size,
					.check = message};

	member->turn = group->turn;
	call(member, &event);
	++*n;
	return true;
}

/* False: it stays in hand. */
static bool hand_out(struct myc_topic_group *group, const struct myc_topic_message *message,
		     unsigned *n)
{
	const void *payload = message->payload;
	bool all = true;

	if (group->in_hand != message->number) {
		group->in_hand = message->number;
		group->turn++;
	}
	group->begun = true;
	if (group->copy) {
		/* Not whole: it is lost, which myc_topic_next tells. */
		if (!myc_topic_copy(message, group->copy))
			return true;
		payload = group->copy;
	}
	for (struct myc_topic_member *member = group->members; member; member = member->next)
		all = hand_to(group, member, message, payload, n) && all;
	group->held = !all;
	if (!all || (group->flags & MYC_SUBSCRIBE_IN_PLACE && !myc_topic_intact(message)))
		return all;
	myc_topic_done(&group->reader, message);
	return true;
}

/* ---- a group's reader -------------------------------------------------------------------------- */

static void lose(struct myc_topic_group *group)
{
	for (struct myc_topic_member *member = group->members; member; member = member->next) {
		uint64_t next = group->reader.next, lost = group->reader.lost_now;

		/* It had the message that others had not. */
		if (lost && member->turn == group->turn && group->in_hand == next - lost + 1)
			lost--;
		if (next <= member->from)
			continue;
		member->missed += next - member->from < lost ? next - member->from : lost;
	}
	group->untold = true;
}

static bool admit(struct myc_topic_group *group)
{
	if (group->admitted || group->broken)
		return false;
	group->admitted = myc_topic_admitted(myc_topic_attached(group)) == 0;
	if (group->admitted && myc_topic_waits(group) && group->reader.lost_now)
		lose(group);
	group->untold = group->untold || group->admitted;
	return group->admitted;
}

static void turn_tenure(struct myc_topic_group *group, uint64_t now)
{
	group->tenure = now;
	group->untold = group->fresh = true;
}

/* Its process may have died with the tenure open; its successor will say the same. */
static void look_alive(struct myc_executor *executor, struct myc_topic_group *group)
{
	uint64_t now = myc_executor_now(executor), since;

	if (now < group->look_ns)
		return;
	group->look_ns = now + LOOK_NS;
	if (myc_topic_tenure(group, &since) == group->tenure && group->tenure & 1 &&
	    myc_known_dead(executor->system, group->process))
		turn_tenure(group, group->tenure + 1);
}

static void broken(struct myc_topic_group *group)
{
	group->broken = true;
	myc_topic_detach(myc_topic_attached(group));
	if (group->tenure & 1)
		turn_tenure(group, group->tenure + 1);
}

/* What is there instead of a message. False: no more now. */
static bool otherwise(struct myc_executor *executor, struct myc_topic_group *group, int code)
{
	if (code == -EOVERFLOW) {
		lose(group);
		return true;
	}
	if (code == -ESTALE) {
		/* Taken for gone: from where we are, as far as it is there. */
		myc_topic_detach(&group->reader);
		if (myc_topic_group_attach(executor, group, group->reader.next))
			broken(group);
	} else if (code) {
		broken(group);
	}
	return false;
}

static unsigned poll_group(struct myc_executor *executor, struct myc_topic_group *group,
			   unsigned budget)
{
	struct myc_topic_message message = {0};
	uint64_t since, now;
	unsigned n = 0, events = 0;

	admit(group);
	group->held = false;
	while (!group->broken && (group->admitted || !myc_topic_waits(group)) && n++ < budget) {
		now = myc_topic_tenure(group, &since);
		int code = myc_topic_next(&group->reader, &message);

		/* Not less: the successor of a process that was found dead says what we know. */
		if (now > group->tenure && (!code || (code == 1 && message.number > since)))
			turn_tenure(group, now);
		/* Let go, and nothing was lost yet: as if it had been. */
		if (!code && group->copy && myc_topic_waits(group) &&
		    !myc_topic_still_admitted(&group->reader))
			code = -ESTALE;
		if (code == 1 ? !hand_out(group, &message, &events)
			      : !otherwise(executor, group, code))
			break;
	}
	group->fresh = false;
	if (group->untold)
		events += tell_all(group);
	return events;
}

/* ---- an executor's groups ---------------------------------------------------------------------- */

unsigned myc_topics_poll(struct myc_executor *executor, unsigned budget)
{
	struct myc_topics *topics = executor->topics;
	unsigned n = 0;

	topics->polling = true;
	for (struct myc_topic_group *group = topics->groups; group; group = group->next)
		n += poll_group(executor, group, budget);
	topics->polling = false;
	if (topics->swept)
		myc_topics_sweep(topics);
	return n;
}

void myc_topics_scan(struct myc_executor *executor)
{
	myc_publications_scan(executor);
	for (struct myc_topic_group *group = executor->topics->groups; group; group = group->next)
		look_alive(executor, group);
}

/* A tenure has begun or ended, and not behind a message that is held. */
static bool tenure_turns(const struct myc_topic_group *group)
{
	uint64_t since, now = myc_topic_tenure(group, &since);

	return now > group->tenure && (!group->held || group->in_hand > since);
}

bool myc_topics_ready(struct myc_executor *executor)
{
	for (struct myc_topic_group *group = executor->topics->groups; group; group = group->next)
		if (!group->broken &&
		    (group->fresh || admit(group) ||
		     ((group->admitted || !myc_topic_waits(group)) &&
		      ((!group->held && myc_topic_ready(&group->reader)) || tenure_turns(group)))))
			return true;
	return myc_publications_ready(executor);
}

bool myc_topics_abroad(const struct myc_executor *executor)
{
	const struct myc_workspace *workspace = &executor->system->workspace;

	for (const struct myc_topic_group *group = executor->topics->groups; group;
	     group = group->next)
		if (group->process != workspace->process && workspace->alive && group->tenure & 1)
			return true;
	return false;
}

bool myc_topics_unrung(const struct myc_executor *executor)
{
	for (const struct myc_topic_group *group = executor->topics->groups; group;
	     group = group->next)
		if (!group->admitted && !group->broken && group->tenure & 1)
			return true;
	return false;
}

bool myc_topic_event_intact(const struct myc_topic_event *event)
{
	return !event->check || myc_topic_intact(event->check);
}
