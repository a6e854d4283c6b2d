/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics of actors (mycelium/topic.h), by the ends of memory/topic.h.
 *
 *   publication   a topic of this process: its writer's end. Of the executor whose actor has claimed it;
 *                 handed over by `owner`                                  (topic_publisher.c)
 *   group         the subscribers of one executor that share a reader; of that executor, private
 *                         (topic_subscribe.c: its beginning and end; topic_subscriber.c: its messages)
 *
 * An executor that neither publishes nor subscribes has no struct myc_topics, and tests one pointer a
 * turn. Killed: publications are opened again where they were, its records are freed by its successor, or
 * found gone by publishers.
 */
#ifndef MYC_CORE_TOPIC_ACTOR_H
#define MYC_CORE_TOPIC_ACTOR_H

#include <mycelium/topic.h>

#include "core/executor.h"
#include "memory/topic.h"

/* A table of records that its process has not laid out yet. */
struct myc_topic_unmet {
	const struct myc_topic_records *records; /* NULL: met */
	uint64_t size;
	uint32_t process, executor;
};

struct myc_publication {
	struct myc_topic_writer writer;
	struct myc_topic *block;
	struct myc_actor *owner; /* acquire/release: who may touch the rest */
	bool reserved;
	uint64_t patience_ns,
		refused_ns;	      /* since then all publications were refused; 0 = none was */
	struct myc_publication *next; /* of its executor */
	struct myc_topic_unmet *unmet;
	uint32_t unmets;
	struct myc_peer **peer; /* executors that read it, our own not among them */
	uint32_t peers;
};

/* A subscription. */
struct myc_topic_member {
	struct myc_topic_member *next;
	struct myc_actor *actor; /* NULL: over, freed after the poll */
	uint64_t id, cookie;
	uint64_t from;	 /* stream: later messages only */
	uint64_t missed; /* lost, not told yet */
	uint64_t tenure; /* as told; 0 = nothing yet */
	uint64_t turn;	 /* group's, when it had the message in hand */
	uint64_t *keys;	 /* sorted; NULL = all */
	uint32_t keys_count;
};

struct myc_topic_group {
	struct myc_topic_reader reader;
	struct myc_topic_reader bell; /* tolerant: attached only to be known, and woken */
	struct myc_topic_group *next;
	struct myc_topic_member *members;
	const struct myc_topic *topic;
	uint32_t process, index;
	uint32_t flags; /* enum myc_subscribe_flag */
	bool admitted, begun, broken;
	bool untold;	  /* some member has not been told all */
	bool fresh;	  /* and no poll has tried since */
	bool held;	  /* a message is in hand that a paused member has not had */
	uint64_t tenure;  /* up to which messages were handed out */
	uint64_t in_hand; /* its number */
	uint64_t turn;
	uint64_t look_ns; /* next look whether its process lives */
	void *copy;
};

struct myc_topics {
	struct myc_topic_group *groups;
	struct myc_publication *published;
	uint64_t ids;
	bool polling, swept; /* swept: there are members to be freed */
};

/* plan.c. What cannot be is refused by the name of its option. */
int myc_topics_check(const struct myc_system_opts *opts, struct myc_error *error);
int myc_topics_plan(struct myc_region_plan *plan, const struct myc_system_opts *opts);
/* system.c */
int myc_topics_open(struct myc_system *system, struct myc_error *error);
void myc_topics_close(struct myc_system *system);

struct myc_topics *myc_topics_of(struct myc_executor *executor); /* NULL: no memory */
unsigned myc_topics_poll(struct myc_executor *executor, unsigned budget);
void myc_topics_scan(struct myc_executor *executor);
bool myc_topics_ready(struct myc_executor *executor);
/* Not known to a publisher that may publish, which so cannot ring: sleeps are short. */
bool myc_topics_unrung(const struct myc_executor *executor);
/* Reads what a process publishes that may die: it is to be looked at now and then. */
bool myc_topics_abroad(const struct myc_executor *executor);
void myc_topics_executor_close(struct myc_executor *executor);
/* The actor's restart or end: its subscriptions and claims are over. */
void myc_topics_end(struct myc_actor *actor);
static inline void myc_topics_forget(struct myc_actor *actor)
{
	if (actor->has_topics)
		myc_topics_end(actor);
}

/* Within the two halves. */
static inline bool myc_topic_waits(const struct myc_topic_group *group)
{
	return group->flags & MYC_SUBSCRIBE_WAITED_FOR;
}
/* The reader that has the record. */
static inline struct myc_topic_reader *myc_topic_attached(struct myc_topic_group *group)
{
	return myc_topic_waits(group) ? &group->reader : &group->bell;
}
/* The tenure that begins after message `since`. */
static inline uint64_t myc_topic_tenure(const struct myc_topic_group *group, uint64_t *since)
{
	/* Acquire: since, and messages before it. Pairs with turn_tenure of the publisher. */
	uint64_t is = __atomic_load_n(&group->topic->tenure, __ATOMIC_ACQUIRE);

	*since = __atomic_load_n(&group->topic->since, __ATOMIC_ACQUIRE);
	/* A later tenure's `since`: ours began earlier, it is told with the later one. */
	return __atomic_load_n(&group->topic->tenure, __ATOMIC_RELAXED) == is ? is : group->tenure;
}
/* Wishes to be known, or waited for, and rings the publisher's executor. */
int myc_topic_group_attach(struct myc_executor *executor, struct myc_topic_group *group,
			   uint64_t from);
bool myc_topic_member_wants(const struct myc_topic_member *member,
			    const struct myc_topic_message *message);
void myc_topics_sweep(struct myc_topics *topics);

void myc_publications_scan(struct myc_executor *executor);
bool myc_publications_ready(const struct myc_executor *executor);
void myc_publications_end(struct myc_actor *actor);

#endif
