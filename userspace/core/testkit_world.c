/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The deterministic runtime's seams in the core, those of struct myc_world (core/process.h): time, waiting,
 * and the behaviour an actor is given, so that every handler is called through one of ours, which notes it and
 * may crash the process there. All else is the core as it always runs.
 */
#include <errno.h>
#include <stdlib.h>

#include "core/name.h"
#include "core/testkit.h"

#define NAP_NS 100000

static struct myc_testkit *kit_of(const struct myc_actor *self)
{
	return self->executor->system->workspace.world->context;
}

static const struct myc_behaviour *original_of(const struct myc_behaviour *behaviour)
{
	return ((const struct myc_kit_behaviour *)behaviour)->original;
}

/* A handler of what it has become, or else its own: both are wrapped. */
#define original(self, hook)                                                             \
	(original_of(myc_actor_now(self))->hook ? original_of(myc_actor_now(self))->hook \
						: original_of((self)->behaviour)->hook)

static void maybe_crash(struct myc_testkit *kit)
{
	if (kit->in_turn && kit->crashes < kit->opts.crashes_max &&
	    !(kit->opts.spared >> kit->turn_process & 1) &&
	    myc_kit_chance(kit, kit->opts.crash_handler))
		longjmp(kit->crashed, 1);
}

void myc_testkit_die(struct myc_testkit *kit)
{
	if (kit->in_turn)
		longjmp(kit->crashed, 1);
	abort(); /* no handler is running */
}

static int on_message(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_testkit *kit = kit_of(self);

	myc_kit_note(kit, MYC_KIT_MESSAGE, self->address, message->from,
		     message->type | (uint32_t)message->flags << 16, message->size);
	maybe_crash(kit);
	int code = original(self, message) ? original(self, message)(self, message) : 0;

	maybe_crash(kit);
	return code;
}

static int on_timer(struct myc_actor *self, uint64_t cookie)
{
	struct myc_testkit *kit = kit_of(self);

	myc_kit_note(kit, MYC_KIT_TIMER, self->address, cookie, 0, 0);
	maybe_crash(kit);
	int code = original(self, timer) ? original(self, timer)(self, cookie) : 0;

	maybe_crash(kit);
	return code;
}

static int on_init(struct myc_actor *self)
{
	myc_kit_note(kit_of(self), MYC_KIT_BEGIN, self->address, 0, 0, 0);
	return original(self, init) ? original(self, init)(self) : 0;
}

static const struct myc_behaviour *wrap(void *context, const struct myc_behaviour *behaviour)
{
	struct myc_testkit *kit = context;
	struct myc_kit_behaviour *at = kit->behaviours;

	while (at && at->original != behaviour)
		at = at->next;
	if (!at) {
		at = calloc(1, sizeof(*at));
		if (!at)
			return NULL;
		at->original = behaviour;
		at->next = kit->behaviours;
		kit->behaviours = at;
	}
	/* Each time: a test may change its behaviour between two spawns. */
	at->behaviour = *behaviour;
	at->behaviour.init = on_init;
	if (behaviour->message)
		at->behaviour.message = on_message;
	if (behaviour->timer)
		at->behaviour.timer = on_timer;
	return &at->behaviour;
}

static uint64_t world_now(void *context)
{
	return ((const struct myc_testkit *)context)->now_ns;
}

/* Who waits lets the others run; when nothing is left to do, time passes for him too. */
static void world_nap(void *context)
{
	struct myc_testkit *kit = context;

	if (!kit->in_turn && !myc_kit_idle(kit)) {
		myc_testkit_step(kit);
		return;
	}
	uint64_t due = kit->in_turn ? UINT64_MAX : myc_testkit_next_due_ns(kit),
		 next = kit->now_ns + NAP_NS;

	kit->now_ns = due > kit->now_ns && due < next ? due : next;
	myc_kit_wake_all(kit);
}

bool myc_kit_process_alive(void *context, uint32_t process)
{
	return myc_kit_alive(&((struct myc_testkit *)context)->process[process]);
}

/* A name of any process. */
int myc_kit_find(void *context, const char *name, myc_address *address)
{
	struct myc_testkit *kit = context;

	for (uint32_t p = 0; p < kit->opts.processes; p++)
		if (kit->process[p].system &&
		    !myc_names_find(kit->process[p].system, name, address))
			return 0;
	return -ENOENT;
}

void myc_kit_world_open(struct myc_testkit *kit)
{
	kit->world = (struct myc_world){.now = world_now,
					.nap = world_nap,
					.behaviour = wrap,
					.original = original_of,
					.context = kit};
}

void myc_kit_world_close(struct myc_testkit *kit)
{
	while (kit->behaviours) {
		struct myc_kit_behaviour *next = kit->behaviours->next;

		free(kit->behaviours);
		kit->behaviours = next;
	}
}
