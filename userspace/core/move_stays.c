/* SPDX-License-Identifier: Apache-2.0 */
/* What keeps an actor on its executor: see core/move.h. */
#include <errno.h>

#include "core/directory.h"
#include "core/exit.h"
#include "core/letter.h"
#include "core/move.h"
#include "core/outside.h"
#include "core/signal.h"
#include "core/topic_actor.h"
#include "core/watch.h"

/* code 0: it passes by itself, as a rule, and is waited for. */
static const struct {
	int code;
	const char *what, *remedy;
} stays[MYC_STAYS_COUNT] = {
	[MYC_STAYS_THREAD] = {-EOPNOTSUPP, "it has a thread of its own", NULL},
	[MYC_STAYS_FEED] = {-EOPNOTSUPP, "it has a feed, whose endpoint is its executor's", NULL},
	[MYC_STAYS_POOL] = {-EOPNOTSUPP, "it is part of a pool of workers",
			    "resize the pool, or give it other executors"},
	[MYC_STAYS_SUBSCRIBES] = {-EBUSY, "it subscribes to a topic",
				  "let it unsubscribe, and subscribe again where it is then"},
	[MYC_STAYS_PUBLISHES] = {-EBUSY, "it has claimed a topic",
				 "let it give the topic up, and claim it again where it is then"},
	[MYC_STAYS_WATCHES] = {-EBUSY, "it has monitors or links of its own",
			       "let it demonitor and unlink before, and watch again after"},
	[MYC_STAYS_HELD] = {-EBUSY, "others hold strong references to it",
			    "let them drop these before, and take them again after"},
	[MYC_STAYS_LISTENS] = {-EBUSY, "it watches names or groups",
			       "let it unwatch before, and watch again after"},
	[MYC_STAYS_OUTSIDE] = {-EBUSY, "it watches descriptors, or waits for work of other threads",
			       "let it end them before, and begin again after"},
	[MYC_STAYS_LETTERS] = {-EBUSY, "it watches dead letters",
			       "let it stop that before, and begin again after"},
	[MYC_STAYS_TIMERS] = {-ENOSPC, "the other executor has no room for its timers",
			      "raise `timers` of that executor"},
	[MYC_STAYS_MEMORY] = {-ENOMEM, "there is no memory for its timers or lists", NULL},
	[MYC_STAYS_LIFE] = {0, "it has not started, or is about to stop", NULL},
	[MYC_STAYS_OUTBOX] = {0, "messages of its wait for credit", NULL},
	[MYC_STAYS_ASKS] = {0, "it waits for replies", NULL},
	[MYC_STAYS_BODIES] = {0, "it keeps bodies", "let it give them back"},
	[MYC_STAYS_STASH] = {0, "it has put messages aside", "let it take them back"},
	[MYC_STAYS_SIGNALS] = {0, "signals of its executor wait for room in a lane", NULL},
	[MYC_STAYS_MAILBOX] = {0, "it has messages that it does not handle", "is it suspended?"},
	[MYC_STAYS_MARKS] = {0, "that executor takes no turn",
			     "look for a handler there that blocks"},
	[MYC_STAYS_POSTING] = {0, "threads' messages to it are in the middle of being sent", NULL},
	[MYC_STAYS_HANDLER] = {0, "its executor takes no turn, and may move it yet",
			       "look for a handler there that blocks"},
};

static bool subscribes(const struct myc_actor *actor)
{
	const struct myc_topics *topics = actor->executor->topics;

	for (const struct myc_topic_group *group = topics ? topics->groups : NULL; group;
	     group = group->next)
		for (const struct myc_topic_member *member = group->members; member;
		     member = member->next)
			if (member->actor == actor)
				return true;
	return false;
}

static bool publishes(const struct myc_actor *actor)
{
	const struct myc_topics *topics = actor->executor->topics;

	for (const struct myc_publication *at = topics ? topics->published : NULL; at;
	     at = at->next)
		if (at->owner == actor)
			return true;
	return false;
}

/* Those who await its last state it takes along. */
static enum myc_move_stays watches(const struct myc_actor *actor)
{
	const struct myc_watch *entry = actor->executor->watches.entry;
	enum myc_move_stays why = MYC_STAYS_NOT;

	for (uint32_t at = actor->ties.owned.first; at; at = entry[at].in[MYC_WATCH_OWNED].next)
		if (entry[at].kind == MYC_WATCH_STRONG)
			why = MYC_STAYS_HELD;
		else if (entry[at].kind != MYC_WATCH_STATE)
			return MYC_STAYS_WATCHES;
	return why;
}

/* What it has of its own will. */
static enum myc_move_stays holds(const struct myc_actor *actor)
{
	if (actor->of_pool || myc_actor_hook(actor, feed))
		return actor->of_pool ? MYC_STAYS_POOL : MYC_STAYS_FEED;
	return watches(actor)		       ? watches(actor)
	       : subscribes(actor)	       ? MYC_STAYS_SUBSCRIBES
	       : publishes(actor)	       ? MYC_STAYS_PUBLISHES
	       : myc_lives_watched_by(actor)   ? MYC_STAYS_LISTENS
	       : myc_outside_has(actor)	       ? MYC_STAYS_OUTSIDE
	       : myc_letters_watched_by(actor) ? MYC_STAYS_LETTERS
					       : MYC_STAYS_NOT;
}

enum myc_move_stays myc_move_stays(struct myc_actor *actor)
{
	struct myc_executor *executor = actor->executor;

	if (actor->life != MYC_ACTOR_RUNNING || actor->stop_asked ||
	    actor->ties.flags & MYC_TIE_DRAINING)
		return MYC_STAYS_LIFE;
	enum myc_move_stays why = holds(actor);

	if (why)
		return why;
	/* What it once had it may have given back. */
	if (actor->has_bodies && !myc_pool_tagged(&executor->out.pool, actor->slot + 1))
		actor->has_bodies = false;
	return actor->outboxed				       ? MYC_STAYS_OUTBOX
	       : actor->asks || actor->aside & MYC_ASIDE_AWAIT ? MYC_STAYS_ASKS
	       : actor->has_bodies			       ? MYC_STAYS_BODIES
	       : actor->more && actor->more->stash_count       ? MYC_STAYS_STASH
	       : actor->ties.telling || executor->notes || myc_signals_from(executor, actor)
		       ? MYC_STAYS_SIGNALS
		       : MYC_STAYS_NOT;
}

int myc_move_refused(enum myc_move_stays why)
{
	return stays[why].code;
}

int myc_move_error(struct myc_error *error, int code, myc_address address, enum myc_move_stays why,
		   uint32_t at)
{
	unsigned long long actor = address;

	if (code == -ETIMEDOUT && why == MYC_STAYS_MARKS)
		return myc_error_set(error, code, stays[why].remedy,
				     "actor 0x%llx stays: executor %u of process %u takes no turn",
				     actor, at % MYC_EXECUTORS_MAX, at / MYC_EXECUTORS_MAX);
	if (why && (code == -ETIMEDOUT || code == stays[why].code))
		return myc_error_set(error, code, stays[why].remedy, "actor 0x%llx stays: %s",
				     actor, stays[why].what);
	switch (code) {
	case -EBUSY:
		return myc_error_set(error, code, "try again", "another actor is being moved");
	case -EINVAL:
		return myc_error_set(error, code, "they are counted from 0",
				     "actor 0x%llx is to go where no executor is", actor);
	case -ESRCH:
		return myc_error_set(error, code, NULL, "no actor 0x%llx in this process", actor);
	case -ESHUTDOWN:
		return myc_error_set(error, code, NULL, "actor 0x%llx stays: the system stops",
				     actor);
	default:
		return myc_error_set(error, code, NULL, "actor 0x%llx stays: too little time",
				     actor);
	}
}
