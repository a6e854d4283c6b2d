/* SPDX-License-Identifier: Apache-2.0 */
/* What a killed predecessor left in the outbox: in the order of its arrival, each once, in the flow of its pair. */
#include <stdlib.h>

#include "core/body.h"
#include "core/outbox.h"

/* Of two with one arrival the older is first. */
static int by_order(const void *a, const void *b)
{
	const struct myc_outbox_entry *const *x = a, *const *y = b;
	uint64_t one = (*x)->order >> 2, other = (*y)->order >> 2;

	if (one != other)
		return one < other ? -1 : 1;
	return (*y)->order == (one << 2 | (((*x)->order + 1) & 3)) ? -1 : 1;
}

/* What was being dropped and has its loan: that goes home with those that nobody claims. */
void myc_outbox_claim(struct myc_executor *executor)
{
	for (uint32_t i = 0; i < executor->words->outbox; i++) {
		struct myc_outbox_entry *entry = &executor->outbox[i];

		if (entry->order && entry->dropped && entry->slot.flags & MYC_SLOT_REFERENCE &&
		    myc_pool_loaned(&executor->out.pool, myc_origin_outbox(entry->order)))
			entry->dropped = MYC_OUTBOX_LENT;
	}
}

static void free_entry(struct myc_executor *executor, uint32_t index)
{
	executor->outbox[index].order = 0;
	executor->outbox_next[index] = executor->outbox_free;
	executor->outbox_free = index;
}

/* Is it of this pair? */
static bool of_pair(const struct myc_flow_out *flow, const struct myc_outbox_entry *entry)
{
	const uint64_t whom = UINT64_MAX >> 16;

	return flow->to && !((flow->slot_to ^ entry->slot.word[1]) & whom) &&
	       myc_address_slot(myc_flow_from(flow)) == entry->slot.from &&
	       flow->urgent == !!(entry->slot.flags & MYC_MESSAGE_URGENT);
}

/* The flow of a predecessor's entry; NULL: none. He may have died while it followed its receiver. */
static struct myc_flow_out *flow_of_entry(struct myc_executor *executor,
					  struct myc_outbox_entry *entry)
{
	struct myc_sender *sender = &executor->out;
	struct myc_road *road = entry->lane < sender->roads ? &sender->road[entry->lane] : NULL;

	if (!road || !road->peer)
		return NULL;
	if (entry->slot.flow < MYC_LANE_FLOWS && of_pair(&road->flow[entry->slot.flow], entry))
		return &road->flow[entry->slot.flow];
	for (uint32_t i = 0; i < sender->flows; i++) {
		struct myc_flow_out *flow = &sender->flow_table[i];

		/* Slots are numbers of a process: that of the old road and of the new one. */
		if (!of_pair(flow, entry) || flow->road->process != road->process)
			continue;
		entry->position = 0;
		myc_order_for_successor();
		entry->slot.word[1] = flow->slot_to;
		entry->lane = (uint32_t)(flow->road - sender->road);
		return flow;
	}
	return NULL;
}

/* Is it to be sent yet? */
static bool waits(struct myc_executor *executor, struct myc_outbox_entry *entry)
{
	const struct myc_flow_out *flow = entry->order ? flow_of_entry(executor, entry) : NULL;

	return flow && !(entry->position &&
			 entry->position == flow->road->lane.head[myc_outbox_ring(flow)]);
}

/* Of no flow that is there, since its receiver's process says now that it has no such actor: its body goes home, unless
 * it was sent. */
static void give_back(struct myc_executor *executor, uint32_t index)
{
	static const struct myc_flow_out nobodys;
	struct myc_outbox_entry *entry = &executor->outbox[index];
	const struct myc_sender *sender = &executor->out;
	bool urgent = entry->slot.flags & MYC_MESSAGE_URGENT;
	uint32_t hold = MYC_HOLD_NONE;

	if (entry->order && entry->lane < sender->roads && !flow_of_entry(executor, entry) &&
	    (!entry->position || entry->position != sender->road[entry->lane].lane.head[urgent]))
		hold = myc_outbox_give_up(executor, entry, &nobodys,
					  MYC_DEAD_LETTER_OUTBOX_NO_ACTOR);
	free_entry(executor, index);
	myc_body_home(executor, hold);
}

/* He may have died when some of a pair's had followed their receiver, which may be back since: all go where the
 * older ones do, or they would overtake them. */
static struct myc_flow_out *with_older(struct myc_executor *executor,
				       struct myc_outbox_entry *entry)
{
	struct myc_sender *sender = &executor->out;
	struct myc_flow_out *flow = &sender->road[entry->lane].flow[entry->slot.flow];

	for (uint32_t i = 0; i < sender->flows && !flow->outboxed; i++) {
		struct myc_flow_out *other = &sender->flow_table[i];

		if (!other->outboxed || other->from != flow->from || other->to != flow->to)
			continue;
		entry->position = 0; /* of the lane that it leaves */
		myc_order_for_successor();
		entry->slot.word[1] = other->slot_to;
		myc_order_for_successor();
		entry->lane = (uint32_t)(other->road - sender->road);
		return other;
	}
	return flow;
}

static void resume(struct myc_executor *executor, struct myc_outbox_entry *entry, bool replaced)
{
	struct myc_flow_out *flow = with_older(executor, entry);
	struct myc_actor *actor = myc_system_actor(executor->system, myc_flow_from(flow));
	uint32_t index = (uint32_t)(entry - executor->outbox);

	actor = actor && actor->executor == executor ? actor : NULL;
	entry->position = 0;
	executor->outbox_order = entry->order & ~3ull;
	if (entry->dropped || replaced) {
		uint32_t hold = myc_outbox_give_up(executor, entry, flow,
						   replaced ? MYC_CONFLATED : entry->why);

		free_entry(executor, index);
		myc_body_home(executor, hold);
		return;
	}
	myc_outbox_append(executor, index, flow, actor, MYC_NONE);
}

void myc_outbox_recover(struct myc_executor *executor)
{
	uint32_t found = 0, entries_count = executor->words->outbox;
	struct myc_outbox_entry **entries =
		calloc(entries_count, sizeof(struct myc_outbox_entry *));

	executor->outbox_free = MYC_NONE;
	executor->blocked = MYC_NONE;
	for (uint32_t i = entries_count; i-- > 0;) {
		if (entries && waits(executor, &executor->outbox[i]))
			entries[found++] = &executor->outbox[i];
		else
			give_back(executor, i);
	}
	if (found)
		qsort(entries, found, sizeof(void *), by_order);
	for (uint32_t i = 0; entries && i < found; i++)
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): found ones have a road */
		resume(executor, entries[i],
		       i + 1 < found && entries[i]->order >> 2 == entries[i + 1]->order >> 2);
	free(entries);
}
