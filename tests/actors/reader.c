/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "library" is there to be held; "reader" holds it as often as its setting `times` says. How many it has is in its status
 * line.
 */
#include <stdio.h>
#include <stdlib.h>

#include <mycelium/mycelium.h>

#define MILLISECOND 1000000ull

struct reader {
	uint32_t held, asked;
};

static int started(struct myc_actor *self)
{
	return myc_timer_start(self, MILLISECOND, MILLISECOND, 0, NULL);
}

static int timer(struct myc_actor *self, uint64_t cookie)
{
	struct reader *reader = myc_state(self);
	struct myc_ref library;

	(void)cookie;
	/* One after the other: its process may not have begun. */
	if (reader->asked > reader->held ||
	    reader->held == strtoul(myc_setting(self, "times", "1"), NULL, 10) ||
	    myc_lookup(self, "library", &library))
		return 0;
	reader->asked += !myc_strong_take(self, library.address);
	return 0;
}

static int signals(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct reader *reader = myc_state(self);

	reader->held += event->kind == MYC_EVENT_HELD;
	reader->asked -= event->kind == MYC_EVENT_NOT_HELD;
	return 0;
}

static void status(struct myc_actor *self, struct myc_status *status)
{
	const struct reader *reader = myc_state(self);

	snprintf(status->text, sizeof(status->text), "held=%u", reader->held);
}

static int message(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return 0;
}

const struct myc_behaviour myc_behaviour_reader = {.name = "reader",
						   .state_size = sizeof(struct reader),
						   .started = started,
						   .timer = timer,
						   .message = message,
						   .signal = signals,
						   .status = status};
const struct myc_behaviour myc_behaviour_library = {.name = "library", .message = message};
