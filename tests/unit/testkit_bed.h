/* SPDX-License-Identifier: Apache-2.0 */
/* A test kit, actors in it, one that answers, and one that asks. */
#ifndef TESTS_UNIT_TESTKIT_BED_H
#define TESTS_UNIT_TESTKIT_BED_H

#include "common/test.h"

#include <errno.h>
#include <string.h>

#include <mycelium/mycelium.h>
#include <mycelium/testkit.h>

enum { PING = 1, PONG, TICK, NOISE };

static inline struct myc_testkit *open_kit(struct myc_testkit_opts opts)
{
	struct myc_testkit *kit;
	struct myc_error error = {0};

	opts.sz = sizeof(opts);
	if (myc_testkit_open(&kit, &opts, &error))
		fail_msg("%s: %s", error.doing, error.cause);
	return kit;
}

static inline myc_address spawn(struct myc_testkit *kit, uint32_t process,
				const struct myc_behaviour *behaviour, const char *name)
{
	struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = behaviour, .name = name};
	myc_address address;

	assert_int_equal(myc_testkit_spawn(kit, process, &opts, &address), 0);
	return address;
}

static inline int tell(struct myc_actor *self, const char *name, uint16_t type, uint64_t value)
{
	struct myc_ref to;
	int code = myc_lookup(self, name, &to);

	return code ? code : myc_send(self, &to, type, &value, sizeof(value));
}

/* ---- answers, ticks ---------------------------------------------------------------------------- */

static inline int echo_message(struct myc_actor *self, const struct myc_message *message)
{
	uint64_t value;

	memcpy(&value, message->payload, sizeof(value));
	return tell(self, "probe", PONG, value);
}

static const struct myc_behaviour echo = {.name = "echo", .message = echo_message};

struct asker {
	uint64_t at_ns;
	int status, down, replies;
};
static struct asker asked;

static inline int asker_started(struct myc_actor *self)
{
	struct myc_monitor monitor;
	struct myc_ref to;
	int code = myc_lookup(self, "deaf", &to);

	if (!code)
		code = myc_monitor(self, to.address, 0, &monitor);
	return code ? code : myc_ask(self, &to, NOISE, NULL, 0, 50000000, 0, NULL);
}

static inline int asker_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	asked.at_ns = myc_now_ns(self);
	asked.status = reply->status;
	asked.replies++;
	return 0;
}

static inline int asker_signal(struct myc_actor *self, const struct myc_signal_event *event)
{
	(void)self;
	asked.down = (int)event->reason.kind;
	return 0;
}

static const struct myc_behaviour asker = {
	.name = "asker", .started = asker_started, .reply = asker_reply, .signal = asker_signal};

#endif
