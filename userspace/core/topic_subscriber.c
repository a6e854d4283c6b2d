/* SPDX-License-Identifier: Apache-2.0 */
/* The subscribing half of topics: see core/topic_actor.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/topic_actor.h"

#define LOOK_NS 1000000000u /* between looks whether a publisher's process lives */

static bool waits(const struct myc_topic_group *group)
{
	return group->flags & MYC_SUBSCRIBE_WAITED_FOR;
}

/* The reader that has the record. */
static struct myc_topic_reader *attached(struct myc_topic_group *group)
{
	return waits(group) ? &group->reader : &group->bell;
}

/* ---- members ----------------------------------------------------------------------------------- */

static bool news(const struct myc_topic_group *group, const struct myc_topic_member *member)
{
	return member->missed || member->tenure != group->tenure;
}

static void call(struct myc_topic_member *member, struct myc_topic_event *event)
{
	struct myc_actor *actor = member->actor;

	event->cookie = member->cookie;
	__atomic_store_n(&actor->metrics->topic_events, actor->metrics->topic_events + 1,
			 __ATOMIC_RELAXED);
	int code = actor->behaviour->topic(actor, event);

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

static int by_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static bool wanted(const struct myc_topic_member *member, const struct myc_topic_message *message)
{
	return message->number > member->from &&
	       (!member->keys || bsearch(&message->key, member->keys, member->keys_count,
					 sizeof(*member->keys), by_key));
}

/* ---- handing out ------------------------------------------------------------------------------- */

/* False: a paused member has not had it, and is waited for. */
static bool hand_to(struct myc_topic_group *group, struct myc_topic_member *member,
		    const struct myc_topic_message *message, const void *payload, unsigned *n)
{
	if (!member->actor || member->turn == group->turn)
		return true;
	if (!wanted(member, message)) {
		member->turn = group->turn;
		return true;
	}
	if (news(group, member))
		*n += tell(group, member);
	if (!member->actor)
		return true;
	if (!callable(member)) {
		if (waits(group) || group->reader.rows)
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

		if (next <= member->from)
			continue;
		member->missed += next - member->from < lost ? next - member->from : lost;
	}
	group->untold = true;
}

static struct myc_topic_records *records_of(const struct myc_executor *executor)
{
	const struct myc_workspace *workspace = &executor->system->workspace;

	return myc_region_block(&workspace->regions[workspace->process], MYC_BLOCK_TOPIC_RECORDS,
				executor->index, NULL);
}

/* Wishes to be known, or waited for, and rings the publisher's executor. */
static int attach(struct myc_executor *executor, struct myc_topic_group *group, uint64_t from)
{
	const struct myc_workspace *workspace = &executor->system->workspace;
	struct myc_topic_place place = {.records = records_of(executor),
					.process = workspace->process,
					.executor = executor->index,
					.incarnation = workspace->incarnation};
	int code = -EBUSY;

	if (!place.records)
		return -ENOSPC;
	for (; place.record < place.records->records && code == -EBUSY; place.record++)
		code = myc_topic_attach(
			attached(group), &place, myc_topic_word(group->process, group->index),
			waits(group) ? MYC_TOPIC_WISH_WAIT : MYC_TOPIC_WISH_KNOWN, from);
	struct myc_peer *peer =
		myc_sender_peer(&executor->out, group->process,
				__atomic_load_n(&group->topic->executor, __ATOMIC_RELAXED));

	if (!code && peer && !(peer->dirty & MYC_PEER_MESSAGE))
		myc_sender_dirty(&executor->out, peer, MYC_PEER_MESSAGE);
	group->admitted = false;
	return code == -EBUSY ? -ENOSPC : code;
}

static bool admit(struct myc_topic_group *group)
{
	if (group->admitted || group->broken)
		return false;
	group->admitted = myc_topic_admitted(attached(group)) == 0;
	if (group->admitted && waits(group) && group->reader.lost_now)
		lose(group);
	return group->admitted;
}

/* The tenure that begins after message `since`. */
static uint64_t tenure(const struct myc_topic_group *group, uint64_t *since)
{
	/* Acquire: since, and messages before it. Pairs with turn_tenure of the publisher. */
	uint64_t is = __atomic_load_n(&group->topic->tenure, __ATOMIC_ACQUIRE);

	*since = __atomic_load_n(&group->topic->since, __ATOMIC_ACQUIRE);
	/* A later tenure's `since`: ours began earlier, it is told with the later one. */
	return __atomic_load_n(&group->topic->tenure, __ATOMIC_RELAXED) == is ? is : group->tenure;
}

static void turn_tenure(struct myc_topic_group *group, uint64_t now)
{
	group->tenure = now;
	group->untold = true;
}

/* Its process may have died with the tenure open; its successor will say the same. */
static void look_alive(struct myc_executor *executor, struct myc_topic_group *group)
{
	const struct myc_workspace *workspace = &executor->system->workspace;
	uint64_t now = myc_executor_now(executor), since;

	if (group->process == workspace->process || !workspace->alive || now < group->look_ns)
		return;
	group->look_ns = now + LOOK_NS;
	if (tenure(group, &since) == group->tenure && group->tenure & 1 &&
	    !workspace->alive(workspace->context, group->process))
		turn_tenure(group, group->tenure + 1);
}

static void broken(struct myc_topic_group *group)
{
	group->broken = true;
	myc_topic_detach(attached(group));
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
		if (attach(executor, group, group->reader.next))
			broken(group);
	} else if (code) {
		broken(group);
	}
	return false;
}

static unsigned poll_group(struct myc_executor *executor, struct myc_topic_group *group,
			   unsigned budget)
{
	struct myc_topic_message message;
	uint64_t since, now;
	unsigned n = 0, events = 0;

	admit(group);
	group->held = false;
	while (!group->broken && (group->admitted || !waits(group)) && n++ < budget) {
		now = tenure(group, &since);
		int code = myc_topic_next(&group->reader, &message);

		/* Not less: the successor of a process that was found dead says what we know. */
		if (now > group->tenure && (!code || (code == 1 && message.number > since)))
			turn_tenure(group, now);
		if (code == 1 ? !hand_out(group, &message, &events)
			      : !otherwise(executor, group, code))
			break;
	}
	if (group->untold)
		events += tell_all(group);
	return events;
}

/* ---- an executor's groups ---------------------------------------------------------------------- */

struct myc_topics *myc_topics_of(struct myc_executor *executor)
{
	if (!executor->topics)
		executor->topics = calloc(1, sizeof(*executor->topics));
	return executor->topics;
}

static void close_group(struct myc_topic_group *group)
{
	myc_topic_detach(attached(group));
	myc_topic_reader_close(&group->reader);
	myc_topic_reader_close(&group->bell);
	free(group->copy);
	free(group);
}

static void free_member(struct myc_topic_member *member)
{
	free(member->keys);
	free(member);
}

/* Members that are over, and groups without any. */
static void sweep(struct myc_topics *topics)
{
	topics->swept = false;
	for (struct myc_topic_group **link = &topics->groups; *link;) {
		struct myc_topic_group *group = *link;

		for (struct myc_topic_member **at = &group->members; *at;) {
			struct myc_topic_member *member = *at;

			if (member->actor) {
				at = &member->next;
				continue;
			}
			*at = member->next;
			free_member(member);
		}
		if (group->members) {
			link = &group->next;
			continue;
		}
		*link = group->next;
		close_group(group);
	}
}

static void over(struct myc_topics *topics, struct myc_topic_member *member)
{
	member->actor = NULL;
	topics->swept = true;
}

unsigned myc_topics_poll(struct myc_executor *executor, unsigned budget)
{
	struct myc_topics *topics = executor->topics;
	unsigned n = 0;

	topics->polling = true;
	for (struct myc_topic_group *group = topics->groups; group; group = group->next)
		n += poll_group(executor, group, budget);
	topics->polling = false;
	if (topics->swept)
		sweep(topics);
	return n;
}

void myc_topics_scan(struct myc_executor *executor)
{
	myc_publications_scan(executor);
	for (struct myc_topic_group *group = executor->topics->groups; group; group = group->next)
		look_alive(executor, group);
}

bool myc_topics_ready(struct myc_executor *executor)
{
	uint64_t since;

	for (struct myc_topic_group *group = executor->topics->groups; group; group = group->next)
		if (!group->broken && (admit(group) ||
				       (!group->held && (group->admitted || !waits(group)) &&
					myc_topic_ready(&group->reader)) ||
				       tenure(group, &since) > group->tenure))
			return true;
	return myc_publications_ready(executor);
}

bool myc_topics_unrung(const struct myc_executor *executor)
{
	for (const struct myc_topic_group *group = executor->topics->groups; group;
	     group = group->next)
		if (!group->admitted && !group->broken && group->tenure & 1)
			return true;
	return false;
}

void myc_topics_end(struct myc_actor *actor)
{
	struct myc_topics *topics = actor->executor->topics;

	actor->has_topics = false;
	for (struct myc_topic_group *group = topics->groups; group; group = group->next)
		for (struct myc_topic_member *member = group->members; member;
		     member = member->next)
			if (member->actor == actor)
				over(topics, member);
	if (topics->swept && !topics->polling)
		sweep(topics);
	myc_publications_end(actor);
}

void myc_topics_executor_close(struct myc_executor *executor)
{
	struct myc_topics *topics = executor->topics;

	if (!topics)
		return;
	for (struct myc_topic_group *group = topics->groups; group; group = group->next)
		for (struct myc_topic_member *member = group->members; member;
		     member = member->next)
			member->actor = NULL;
	sweep(topics);
	free(topics);
	executor->topics = NULL;
}

/* ---- for handlers ------------------------------------------------------------------------------ */

static const struct myc_topic *find(const struct myc_system *system, const char *name,
				    uint32_t *process, uint32_t *index, uint64_t *size)
{
	const struct myc_workspace *workspace = &system->workspace;
	const struct myc_topic *block;
	struct myc_topic head;

	for (*process = 0; *process < workspace->processes; ++*process)
		for (*index = 0; (block = myc_region_block(&workspace->regions[*process],
							   MYC_BLOCK_TOPIC, *index, size));
		     ++*index)
			if (!myc_topic_check(block, *size, &head) &&
			    memchr(head.name, 0, sizeof(head.name)) && !strcmp(head.name, name))
				return block;
	return NULL;
}

static int open_group(struct myc_executor *executor, struct myc_topic_group *group, uint64_t size)
{
	int code = myc_topic_reader_open(&group->reader, group->topic, size);
	uint64_t from, since;

	if (!code && !waits(group))
		code = myc_topic_reader_open(&group->bell, group->topic, size);
	if (!code && group->flags & MYC_SUBSCRIBE_OLDEST)
		myc_topic_reader_rewind(&group->reader);
	/* Oldest: what is overwritten until the publisher looks is lost, not the rest. */
	from = group->flags & MYC_SUBSCRIBE_OLDEST ? group->reader.next : MYC_TOPIC_FROM_NEXT;
	if (!code && !waits(group) && !(group->flags & MYC_SUBSCRIBE_IN_PLACE)) {
		group->copy = malloc(myc_topic_pad(group->reader.payload_max) + 64);
		code = group->copy ? 0 : -ENOMEM;
	}
	group->tenure = tenure(group, &since);
	return code ? code : attach(executor, group, from);
}

/* May a new subscription join these? They are where it would begin. */
static bool joinable(const struct myc_topic_group *group, const struct myc_topic *topic,
		     uint32_t flags)
{
	return group->topic == topic && group->flags == flags && !group->broken && group->members &&
	       (!group->begun || !(flags & MYC_SUBSCRIBE_OLDEST || group->reader.rows));
}

static int group_for(struct myc_executor *executor, const char *name, uint32_t flags,
		     struct myc_topic_group **out)
{
	uint32_t process, index;
	uint64_t size;
	const struct myc_topic *topic = find(executor->system, name, &process, &index, &size);
	struct myc_topic_group **link = &executor->topics->groups;

	if (!topic)
		return -ENOENT;
	for (; *link; link = &(*link)->next)
		if (joinable(*link, topic, flags)) {
			*out = *link;
			return 0;
		}
	struct myc_topic_group *group = calloc(1, sizeof(*group));

	if (!group)
		return -ENOMEM;
	group->topic = topic;
	group->process = process;
	group->index = index;
	group->flags = flags;
	int code = open_group(executor, group, size);

	if (code) {
		close_group(group);
		return code == -EAGAIN ? -ENOENT : code;
	}
	*link = *out = group;
	return 0;
}

static struct myc_topic_member *make_member(const struct myc_subscribe_opts *opts)
{
	struct myc_topic_member *member = calloc(1, sizeof(*member));
	size_t bytes = opts->keys_count * sizeof(*opts->keys);

	if (!member || !opts->keys_count)
		return member;
	member->keys = malloc(bytes);
	if (!member->keys) {
		free(member);
		return NULL;
	}
	memcpy(member->keys, opts->keys, bytes);
	member->keys_count = opts->keys_count;
	qsort(member->keys, member->keys_count, sizeof(*member->keys), by_key);
	return member;
}

/* Its first message, and its place at the end of the group. */
static void join_group(struct myc_topic_group *group, struct myc_topic_member *member)
{
	struct myc_topic_member **link = &group->members;

	if (!(group->flags & MYC_SUBSCRIBE_OLDEST) && !group->reader.rows)
		member->from = __atomic_load_n(&group->topic->published, __ATOMIC_ACQUIRE);
	member->tenure = group->tenure;
	while (*link)
		link = &(*link)->next;
	*link = member;
}

int myc_subscribe(struct myc_actor *self, const char *name, const struct myc_subscribe_opts *given,
		  uint64_t cookie, struct myc_subscription *subscription)
{
	const uint32_t known =
		MYC_SUBSCRIBE_WAITED_FOR | MYC_SUBSCRIBE_OLDEST | MYC_SUBSCRIBE_IN_PLACE;
	struct myc_subscribe_opts opts = {.sz = sizeof(opts)};
	struct myc_topics *topics = myc_topics_of(self->executor);
	struct myc_topic_group *group = NULL;

	if (given)
		opts = *given;
	if (opts.sz != sizeof(opts) || opts.flags & ~known || !self->behaviour->topic ||
	    (opts.keys_count && !opts.keys))
		return -EINVAL;
	/* It is in place already. */
	if (opts.flags & MYC_SUBSCRIBE_WAITED_FOR)
		opts.flags &= ~(uint32_t)MYC_SUBSCRIBE_IN_PLACE;
	struct myc_topic_member *member = topics ? make_member(&opts) : NULL;

	if (!member)
		return -ENOMEM;
	int code = group_for(self->executor, name, opts.flags, &group);

	if (code) {
		free_member(member);
		return code;
	}
	member->actor = self;
	member->cookie = cookie;
	member->id = ++topics->ids;
	join_group(group, member);
	self->has_topics = true;
	if (subscription)
		subscription->id = member->id;
	return 0;
}

int myc_unsubscribe(struct myc_actor *self, struct myc_subscription subscription)
{
	struct myc_topics *topics = self->executor->topics;

	for (struct myc_topic_group *group = topics ? topics->groups : NULL; group;
	     group = group->next)
		for (struct myc_topic_member *member = group->members; member;
		     member = member->next)
			if (member->actor == self && member->id == subscription.id) {
				over(topics, member);
				if (!topics->polling)
					sweep(topics);
				return 0;
			}
	return -ENOENT;
}

bool myc_topic_event_intact(const struct myc_topic_event *event)
{
	return !event->check || myc_topic_intact(event->check);
}
