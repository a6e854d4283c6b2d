/* SPDX-License-Identifier: Apache-2.0 */
/* "nursery" spawns a child, which fails for good at its first message, and another one when it hears of that. With
 * `watches: false` it does not want to hear of it. With `keeps` it also has three that stay, one of them with that name. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mycelium/mycelium.h>

struct nursery {
	unsigned lost;
};

static int fail(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return -EDOM;
}

static const struct myc_behaviour child = {.name = "child", .message = fail};

static int raise_one(struct myc_actor *self)
{
	const struct myc_spawn_opts opts = {
		.sz = sizeof(opts), .behaviour = &child, .restarts_max = MYC_RESTARTS_NONE};
	struct myc_ref ref;
	int code = myc_spawn_local(self, &opts, &ref.address, NULL);

	if (!code && strcmp(myc_setting(self, "watches", "true"), "false") != 0)
		code = myc_monitor(self, ref.address, 0, NULL);
	if (!code)
		code = myc_resolve(self, ref.address, &ref);
	return code ? code : myc_send(self, &ref, 1, NULL, 0);
}

static int hear(struct myc_actor *self, const struct myc_message *message)
{
	(void)self;
	(void)message;
	return 0;
}

static const struct myc_behaviour kept = {.name = "kept", .message = hear};

/* Two messages to each. */
static int keep(struct myc_actor *self, const char *name)
{
	const struct myc_spawn_opts opts = {.sz = sizeof(opts), .behaviour = &kept, .name = name};
	struct myc_ref ref;
	int code = myc_spawn_local(self, &opts, &ref.address, NULL);

	if (!code)
		code = myc_resolve(self, ref.address, &ref);
	for (int i = 0; i < 2 && !code; i++)
		code = myc_send(self, &ref, 1, NULL, 0);
	return code;
}

/* After a while, so that the process was seen to be up. */
static int started(struct myc_actor *self)
{
	const char *name = myc_setting(self, "keeps", NULL);
	int code = myc_timer_start(self, 50000000, 0, 0, NULL);

	for (int i = 0; i < 3 && name && !code; i++)
		code = keep(self, i ? NULL : name);
	return code;
}

static int timer(struct myc_actor *self, uint64_t cookie)
{
	(void)cookie;
	return raise_one(self);
}

static int event(struct myc_actor *self, const struct myc_signal_event *event)
{
	struct nursery *nursery = myc_state(self);

	nursery->lost += event->kind == MYC_EVENT_DOWN && event->reason.kind == MYC_EXIT_FAILED;
	return nursery->lost < 5 ? raise_one(self) : 0;
}

static void status(struct myc_actor *self, struct myc_status *status)
{
	snprintf(status->text, sizeof(status->text), "lost=%u",
		 ((const struct nursery *)myc_state(self))->lost);
}

const struct myc_behaviour myc_behaviour_nursery = {.name = "nursery",
						    .state_size = sizeof(struct nursery),
						    .started = started,
						    .timer = timer,
						    .signal = event,
						    .status = status};
