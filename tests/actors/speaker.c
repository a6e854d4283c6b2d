/* SPDX-License-Identifier: Apache-2.0 */
/* "speaker" sends to those of its setting `to` once a millisecond, and says what came of it. Its library speaks a schema;
 * misspeaker.c is the same with another one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mycelium/mycelium.h>

#include "unit/schema_bed.h"

struct speaker {
	char to[48];
	unsigned sent, heard, refused;
	int code;
};

__attribute__((constructor)) static void declare(void)
{
	static struct desk desk;

	desk_build(&desk, 1);
#ifdef MISSPEAKER
	desk.field[ORDER_PRICE].offset = 10;
#endif
	(void)myc_schema_declare(&desk.schema);
}

static int started(struct myc_actor *self)
{
	struct speaker *speaker = myc_state(self);

	snprintf(speaker->to, sizeof(speaker->to), "%s", myc_setting(self, "to", ""));
	return myc_timer_start(self, 1000000, 1000000, 0, NULL);
}

static int speak(struct myc_actor *self, uint64_t cookie)
{
	struct speaker *speaker = myc_state(self);
	struct myc_ref to;

	(void)cookie;
	if (!*speaker->to)
		return 0;
	speaker->code = myc_lookup(self, speaker->to, &to);
	if (!speaker->code)
		speaker->code = myc_try_send(self, &to, 1, NULL, 0);
	speaker->sent += !speaker->code;
	speaker->refused += speaker->code == -EPROTO;
	return 0;
}

static int hear(struct myc_actor *self, const struct myc_message *message)
{
	struct speaker *speaker = myc_state(self);

	(void)message;
	speaker->heard++;
	return 0;
}

static void status(struct myc_actor *self, struct myc_status *out)
{
	const struct speaker *speaker = myc_state(self);

	snprintf(out->text, sizeof(out->text), "sent=%u heard=%u refused=%u", speaker->sent,
		 speaker->heard, speaker->refused);
}

extern const struct myc_behaviour myc_behaviour_speaker;
const struct myc_behaviour myc_behaviour_speaker = {.name = "speaker",
						    .state_size = sizeof(struct speaker),
						    .started = started,
						    .message = hear,
						    .timer = speak,
						    .status = status};
