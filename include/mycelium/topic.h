/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Topics: one actor publishes, any number of actors subscribe, in any process of the workspace. A payload
 * is written once, into its publisher's region; an executor reads it once for all of its subscribers.
 *
 * Declared in the system's options (struct myc_topic_opts), in the region from the start on, found by name.
 *
 *	publisher                                   subscriber
 *	myc_topic_claim(self, "prices", &topic);    myc_subscribe(self, "prices", NULL, cookie, &subscription);
 *	myc_publish(self, &topic, ...);             behaviour->topic(self, &event)
 *
 * Delivery, by the choice of the publisher (reliable, patience, keys), and within it of the subscriber:
 *   tolerant    never holds the publisher up. What was overwritten, or came while it was paused, is lost,
 *               and told in numbers (MYC_TOPIC_LOST)
 *   waited for  of a reliable topic: myc_publish is refused (-EAGAIN) rather than overwrite what it
 *               has not handled. A paused one holds the publisher up, and the other subscribers of its
 *               executor that are waited for on this topic, too
 *   timed       waited for, of a topic with patience: the publisher is refused for patience_ns at most, then
 *               those in the way are overrun like tolerant ones. They are told what they lost, and waited
 *               for again
 *   keyed       a topic with keys: each key's last value first, then changes; what lies between is
 *               conflated, the last value always comes. While one subscriber is paused, those of its
 *               executor that joined with it wait, and get newest values then
 *
 * What a handler sees: a payload that is whole, always, unless it asked for MYC_SUBSCRIBE_IN_PLACE.
 * Waited for: in place, nobody writes there. Tolerant, timed and keyed: copied out once an executor and
 * found intact, before any handler is called. In place (tolerant, keyed): the publisher may overwrite it
 * during the handler. Until myc_topic_event_intact said yes after the last read, what was read may be of
 * two messages: not to be used as index, pointer or length unchecked, and nothing may be done that cannot
 * be undone (no send, no change of state that lasts). What is not intact comes again as lost.
 *
 * A handler that fails has handled the message; its restart ends its subscriptions, claims and timers.
 * kill -9: what was published stays readable; the process' next incarnation goes on with the next number.
 * A subscriber in another process is told of the end within 10 ms.
 * Subscribing and claiming are a part of the control plane: they allocate.
 */
#ifndef MYCELIUM_TOPIC_H
#define MYCELIUM_TOPIC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <mycelium/actor.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- publishing -------------------------------------------------------------------------------- */

/* A claim. By value, its actor's. Opaque. */
struct myc_publisher {
	uint32_t index; /* of the topic in this process, from 1; 0 = none */
};

/* From now on self, alone, publishes to this topic of its own process, until myc_topic_release, its
 * restart or end. -ENOENT: no such topic in this process; -EBUSY: an actor has it. */
int myc_topic_claim(struct myc_actor *self, const char *name, struct myc_publisher *topic);
void myc_topic_release(struct myc_actor *self, struct myc_publisher *topic);

/* Copies `size` bytes in. -EAGAIN: a subscriber that is waited for is a whole ring behind, nothing was
 * published; try again later (so that patience can end); -ENOSPC: a new key, and all rows are other keys'; -EMSGSIZE; -EPERM: self has no claim. */
int myc_publish(struct myc_actor *self, const struct myc_publisher *topic, uint32_t type,
		uint64_t key, const void *payload, size_t size);
/* The same without the copy: the place of payload_max bytes, to be written within this handler, then
 * committed. Not committed: it never was. Between the two, nothing else on this topic. Subscribers that are not
 * waited for may look at it meanwhile; they throw away what they saw. */
int myc_publish_reserve(struct myc_actor *self, const struct myc_publisher *topic, uint64_t key,
			void **place);
int myc_publish_commit(struct myc_actor *self, const struct myc_publisher *topic, uint32_t type,
		       size_t size);

/* ---- subscribing ------------------------------------------------------------------------------- */

enum myc_subscribe_flag {
	MYC_SUBSCRIBE_WAITED_FOR = 1 << 0,
	MYC_SUBSCRIBE_OLDEST = 1 << 1,	 /* from the oldest that is there, else from now */
	MYC_SUBSCRIBE_IN_PLACE = 1 << 2, /* not copied: see above */
};

struct myc_subscribe_opts {
	size_t sz;
	uint32_t flags; /* enum myc_subscribe_flag */
	uint32_t keys_count;
	const uint64_t *keys; /* only these, copied; 0 = all */
};

struct myc_subscription {
	uint64_t id; /* 0 = none */
};

enum myc_topic_event_kind {
	MYC_TOPIC_MESSAGE = 0,
	MYC_TOPIC_LOST = 1, /* `lost` messages, before what comes next. With a filter: at most */
	MYC_TOPIC_END = 2,  /* its publisher released it, ended, or was killed */
	/* A publisher has it; what comes next is of it. Also when it had it before the subscription; waited
	 * for: from here on nothing that it publishes is lost */
	MYC_TOPIC_RESUMED = 3,
};

struct myc_topic_event {
	enum myc_topic_event_kind kind;
	uint32_t type;
	uint64_t cookie; /* of the subscription */
	uint64_t key;
	uint64_t sequence; /* of the message, from 1 on; goes on when the publisher is restarted */
	uint64_t lost;
	const void *payload; /* 8-byte aligned; valid until the handler returns */
	uint32_t size;
	const void *check; /* opaque */
};

/* Events go to behaviour->topic. opts NULL = tolerant, from now on, all keys. -ENOENT: no such topic (yet);
 * -EINVAL: to be waited for by a topic that is not reliable, no handler; -ENOSPC: raise `readings`;
 * -EPROTO: the topic holds what cannot be; -ENOMEM. Waited for: from the moment on that the publisher
 * has seen the wish. */
int myc_subscribe(struct myc_actor *self, const char *name, const struct myc_subscribe_opts *opts,
		  uint64_t cookie, struct myc_subscription *subscription);
/* No event of it after this. -ENOENT: not one of self's. */
int myc_unsubscribe(struct myc_actor *self, struct myc_subscription subscription);

/* MYC_SUBSCRIBE_IN_PLACE: was all that was read so far this message's? */
bool myc_topic_event_intact(const struct myc_topic_event *event);

#ifdef __cplusplus
}
#endif
#endif
