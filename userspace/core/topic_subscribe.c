/* SPDX-License-Identifier: Apache-2.0 */
/* Subscriptions begin and end: see core/topic_actor.h. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/topic_actor.h"

/* ---- groups ------------------------------------------------------------------------------------ */

static int by_key(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

bool myc_topic_member_wants(const struct myc_topic_member *member,
			    const struct myc_topic_message *message)
{
	return message->number > member->from &&
	       (!member->keys || bsearch(&message->key, member->keys, member->keys_count,
					 sizeof(*member->keys), by_key));
}

static struct myc_topic_records *records_of(const struct myc_executor *executor)
{
	const struct myc_workspace *workspace = &executor->system->workspace;

	return myc_region_block(&workspace->regions[workspace->process], MYC_BLOCK_TOPIC_RECORDS,
				executor->index, NULL);
}

int myc_topic_group_attach(struct myc_executor *executor, struct myc_topic_group *group,
			   uint64_t from)
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
			myc_topic_attached(group), &place,
			myc_topic_word(group->process, group->index),
			myc_topic_waits(group) ? MYC_TOPIC_WISH_WAIT : MYC_TOPIC_WISH_KNOWN, from);
	struct myc_peer *peer =
		myc_sender_peer(&executor->out, group->process,
				__atomic_load_n(&group->topic->executor, __ATOMIC_RELAXED));

	if (!code && peer && !(peer->dirty & MYC_PEER_MESSAGE))
		myc_sender_dirty(&executor->out, peer, MYC_PEER_MESSAGE);
	group->admitted = false;
	return code == -EBUSY ? -ENOSPC : code;
}

struct myc_topics *myc_topics_of(struct myc_executor *executor)
{
	if (!executor->topics)
		executor->topics = calloc(1, sizeof(*executor->topics));
	return executor->topics;
}

static void close_group(struct myc_topic_group *group)
{
	myc_topic_detach(myc_topic_attached(group));
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
void myc_topics_sweep(struct myc_topics *topics)
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
		myc_topics_sweep(topics);
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
	myc_topics_sweep(topics);
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

	if (!code && !myc_topic_waits(group))
		code = myc_topic_reader_open(&group->bell, group->topic, size);
	if (!code && group->flags & MYC_SUBSCRIBE_OLDEST)
		myc_topic_reader_rewind(&group->reader);
	/* Oldest: what is overwritten until the publisher looks is lost, not the rest. */
	from = group->flags & MYC_SUBSCRIBE_OLDEST ? group->reader.next : MYC_TOPIC_FROM_NEXT;
	/* Overrun it may be, unless it is waited for as long as it takes. */
	bool overrun = !myc_topic_waits(group) ||
		       __atomic_load_n(&group->topic->flags, __ATOMIC_RELAXED) & MYC_TOPIC_TIMED;

	if (!code && overrun && !(group->flags & MYC_SUBSCRIBE_IN_PLACE)) {
		group->copy = malloc(myc_topic_pad(group->reader.payload_max) + 64);
		code = group->copy ? 0 : -ENOMEM;
	}
	group->tenure = myc_topic_tenure(group, &since);
	return code ? code : myc_topic_group_attach(executor, group, from);
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
	while (*link)
		link = &(*link)->next;
	*link = member;
	/* member->tenure is 0: a publisher that has the topic already is told as well. */
	group->untold = group->fresh = true;
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
	if (opts.sz != sizeof(opts) || opts.flags & ~known || !myc_actor_hook(self, topic) ||
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
					myc_topics_sweep(topics);
				return 0;
			}
	return -ENOENT;
}
