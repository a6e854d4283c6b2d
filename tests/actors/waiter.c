/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "waiter" sends to "deaf" each millisecond, and asks it once for what it never answers. Without credit it is paused, and
 * sends no more until that is over. What became of it all is in its status line.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>

#include <mycelium/mycelium.h>

#define MILLISECOND 1000000ull

enum { NOISE = 1, QUESTION = 2 };

struct waiter {
	struct myc_ref deaf;
	uint64_t sent, refused, undelivered;
	bool asked;
	int status; /* of that */
};

static int started(struct myc_actor *self)
{
	return myc_timer_start(self, MILLISECOND, MILLISECOND, 0, NULL);
}

static int timer(struct myc_actor *self, uint64_t cookie)
{
	struct waiter *waiter = myc_state(self);
	int code = 0;

	if (!waiter->deaf.address && myc_lookup(self, "deaf", &waiter->deaf))
		return 0;
	if (!waiter->asked) {
		code = myc_ask(self, &waiter->deaf, QUESTION, NULL, 0, MYC_FOREVER, 0, NULL);
		waiter->asked = !code;
	}
	code = code ? code : myc_send(self, &waiter->deaf, NOISE, &cookie, sizeof(cookie));
	waiter->sent += !code;
	waiter->refused += code == -ESRCH;
	return code == -ESRCH ? 0 : code;
}

static int reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct waiter *waiter = myc_state(self);

	waiter->status = reply->status;
	return 0;
}

static int undelivered(struct myc_actor *self, const struct myc_undelivered *what)
{
	struct waiter *waiter = myc_state(self);

	(void)what;
	waiter->undelivered++;
	return 0;
}

static void status(struct myc_actor *self, struct myc_status *status)
{
	const struct waiter *waiter = myc_state(self);

	snprintf(status->text, sizeof(status->text),
		 "sent=%llu refused=%llu undelivered=%llu failed=%d",
		 (unsigned long long)waiter->sent, (unsigned long long)waiter->refused,
		 (unsigned long long)waiter->undelivered, -waiter->status);
}

static int message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return 0;
}

const struct myc_behaviour myc_behaviour_waiter = {.name = "waiter",
						   .state_size = sizeof(struct waiter),
						   .started = started,
						   .timer = timer,
						   .message = message,
						   .reply = reply,
						   .undelivered = undelivered,
						   .status = status};
const struct myc_behaviour myc_behaviour_deaf = {
	.name = "deaf", .message = message, .capacity_per_sender = 8};
