/* SPDX-License-Identifier: Apache-2.0 */
/* Held packets: early ones by sequence, and those of a numbering that is not believed yet. */
#include <errno.h>
#include <string.h>

#include "market/arbiter_private.h"

/* What was not delivered out of a finished packet was had already. */
void arbiter_finish_packet(struct myc_arbiter *a, const struct arbiter_packet *packet)
{
	uint64_t count = packet->end - packet->sequence;

	a->block->metrics.messages_duplicate += count - packet->delivered;
	a->block->metrics.packets_duplicate += count && !packet->delivered;
}

/* Keeps the packet's frame. -ENOSPC: no room here or at the endpoint. */
int arbiter_hold(struct myc_arbiter *a, struct arbiter_packet *packet, uint16_t *index)
{
	int error;

	if (!a->free_count)
		return -ENOSPC;
	error = a->sink.hold(a->sink.context, &packet->packet);
	if (error)
		return error;
	*index = a->free[--a->free_count];
	packet->held_ns = a->now_ns;
	a->pool[*index] = *packet;
	a->block->metrics.packets_held++;
	return 0;
}

void arbiter_release(struct myc_arbiter *a, uint16_t index)
{
	a->sink.release(a->sink.context, a->pool[index].packet.hand);
	a->free[a->free_count++] = index;
}

/* Into the list by sequence; packets come mostly in order, so from the end. */
void arbiter_insert(struct myc_arbiter *a, uint16_t index)
{
	uint64_t sequence = a->pool[index].sequence;
	uint32_t at = a->held_count++;

	for (; at > 0 && a->pool[a->held[at - 1]].sequence > sequence; at--)
		a->held[at] = a->held[at - 1];
	a->held[at] = index;
}

/* Is every message of the packet in one that is held? Notes the line there. */
static bool is_held(struct myc_arbiter *a, const struct arbiter_packet *packet)
{
	for (uint32_t i = a->held_count; i-- > 0;) {
		struct arbiter_packet *held = &a->pool[a->held[i]];
		if (held->sequence <= packet->sequence && held->end >= packet->end) {
			held->lines |= packet->lines;
			return true;
		}
		if (held->end <= packet->sequence)
			break;
	}
	return false;
}

void arbiter_drop_first(struct myc_arbiter *a)
{
	arbiter_finish_packet(a, &a->pool[a->held[0]]);
	arbiter_release(a, a->held[0]);
	memmove(&a->held[0], &a->held[1], --a->held_count * sizeof(a->held[0]));
}

/* The packet in hand is early: into its frame's keeping. No room: the gap before it is given up. */
void arbiter_hold_current(struct myc_arbiter *a)
{
	uint16_t index;

	if (is_held(a, &a->current)) {
		arbiter_finish_packet(a, &a->current);
	} else if (arbiter_hold(a, &a->current, &index) == 0) {
		arbiter_insert(a, index);
	} else {
		a->force = a->current.sequence;
		return;
	}
	a->has_current = false;
}
