/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Messages with a deadline, and the hook that hears of those given up in its actor's outbox. A deadline stands in
 * the header's place of the correlation: such a message is no ask.
 *
 * The hook runs at the end of the turn's look at the outbox, not in the middle of it: it may send.
 */
#include <errno.h>
#include <stdlib.h>

#include <mycelium/mailbox.h>

#include "core/ask.h"
#include "core/body.h"
#include "core/within.h"

#define NOTES 32

uint32_t myc_deadline_tick(uint64_t ns)
{
	return (uint32_t)(ns >> MYC_DEADLINE_BIT);
}

bool myc_deadline_over(const struct myc_executor *executor, const struct myc_slot *slot)
{
	return slot->flags & MYC_SLOT_DEADLINE &&
	       (int32_t)(myc_deadline_tick(myc_executor_clock(executor)) - slot->correlation) >= 0;
}

uint64_t myc_deadline_ns(const struct myc_executor *executor, const struct myc_slot *slot)
{
	uint64_t now = myc_executor_clock(executor);
	int32_t ticks = (int32_t)(slot->correlation - myc_deadline_tick(now));

	return ticks <= 0 ? now : ((now >> MYC_DEADLINE_BIT) + (uint32_t)ticks) << MYC_DEADLINE_BIT;
}

int myc_send_within(struct myc_actor *self, struct myc_ref *to, uint16_t type, const void *payload,
		    size_t size, uint64_t ttl_ns)
{
	if (!ttl_ns || ttl_ns > MYC_WITHIN_MAX_NS)
		return -EINVAL;
	return myc_send_asking(self, to, myc_slot_kind(type, (uint8_t)size, MYC_SLOT_DEADLINE),
			       myc_deadline_tick(myc_executor_clock(self->executor) + ttl_ns),
			       payload, size);
}

/* ---- telling ----------------------------------------------------------------------------------- */

struct myc_note {
	myc_address from, to;
	uint32_t why, hold;
	struct myc_slot slot;
};

int myc_notes_open(struct myc_executor *executor)
{
	executor->note = calloc(NOTES, sizeof(*executor->note));
	return executor->note ? 0 : -ENOMEM;
}

bool myc_note_wanted(const struct myc_actor *actor, uint32_t why)
{
	return actor && actor->behaviour->undelivered && myc_actor_runs(actor) &&
	       (why == MYC_DEAD_LETTER_EXPIRED || why == MYC_DEAD_LETTER_OUTBOX_NO_ACTOR ||
		why == MYC_DEAD_LETTER_LANE_CUT || why == MYC_DEAD_LETTER_CREDIT_CYCLE ||
		why == MYC_DEAD_LETTER_SCHEMA);
}

bool myc_notes_room(const struct myc_executor *executor)
{
	return executor->notes < NOTES;
}

void myc_note_put(struct myc_executor *executor, const struct myc_actor *actor, myc_address to,
		  uint32_t why, uint32_t hold, const struct myc_slot *slot)
{
	executor->note[executor->notes++] = (struct myc_note){
		.from = actor->address, .to = to, .why = why, .hold = hold, .slot = *slot};
}

static void tell(struct myc_executor *executor, const struct myc_note *note)
{
	struct myc_actor *actor = myc_system_actor(executor->system, note->from);
	struct myc_view view = {.data = note->slot.payload, .size = note->slot.size};

	if (!actor || !myc_actor_runs(actor))
		return;
	if (note->slot.flags & MYC_SLOT_REFERENCE &&
	    (note->hold == MYC_HOLD_NONE || !myc_pool_view(&executor->out.pool, note->hold, &view)))
		view = (struct myc_view){.data = NULL};
	const struct myc_undelivered what = {.to = note->to,
					     .payload = view.data,
					     .size = view.size,
					     .type = note->slot.type,
					     .why = (uint8_t)note->why};
	int code = actor->behaviour->undelivered(actor, &what);

	if (code < 0 || actor->stop_asked)
		myc_actor_after(actor, code);
}

unsigned myc_notes_tell(struct myc_executor *executor)
{
	unsigned n = 0;

	/* What they send may be given up as well, but not before the next look. */
	for (; n < executor->notes; n++) {
		tell(executor, &executor->note[n]);
		myc_body_home(executor, executor->note[n].hold);
	}
	executor->notes = 0;
	return n;
}
