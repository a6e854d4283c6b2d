/* SPDX-License-Identifier: Apache-2.0 */
#include "memory/lane.h"

#include "base/bits.h"

uint64_t myc_lanes_size(const struct myc_lanes *parameters)
{
	return myc_lane_offset(parameters, parameters->lanes);
}

static bool parameters_fit(const struct myc_lanes *head, uint64_t size)
{
	return head->lanes && head->lanes <= 65536 && myc_power_of_two(head->slots) &&
	       myc_power_of_two(head->urgent_slots) && myc_power_of_two(head->local_slots) &&
	       head->slots <= MYC_LANE_SLOTS_MAX && head->urgent_slots <= MYC_LANE_SLOTS_MAX &&
	       head->local_slots <= MYC_LANE_SLOTS_MAX && head->flows <= 65536 && head->flows &&
	       myc_lanes_size(head) <= size;
}

int myc_lanes_init(struct myc_lanes *block, uint64_t size, const struct myc_lanes *parameters)
{
	if (!parameters_fit(parameters, size))
		return -EPROTO;
	if (block->version)
		return block->version == parameters->version && block->lanes == parameters->lanes &&
				       block->slots == parameters->slots &&
				       block->urgent_slots == parameters->urgent_slots &&
				       block->local_slots == parameters->local_slots &&
				       block->flows == parameters->flows
			       ? 0
			       : -EPROTO;
	memcpy((char *)block + sizeof(block->version),
	       (const char *)parameters + sizeof(block->version),
	       sizeof(*block) - sizeof(block->version));
	/* Release: the parameters. Pairs with myc_lanes_check. */
	__atomic_store_n(&block->version, parameters->version, __ATOMIC_RELEASE);
	return 0;
}

int myc_lanes_check(const struct myc_lanes *block, uint64_t size, struct myc_lanes *copy)
{
	if (size < sizeof(*block))
		return -EPROTO;
	uint32_t version = __atomic_load_n(&block->version, __ATOMIC_ACQUIRE);

	if (!version)
		return -EAGAIN;
	/* The constants only: the rest is being written. */
	*copy = (struct myc_lanes){0};
	memcpy(copy, block, offsetof(struct myc_lanes, incarnation));
	myc_order_copied(copy);
	return version == MYC_LANE_VERSION && parameters_fit(copy, size) ? 0 : -EPROTO;
}

/* Number of messages published in one's own ring: the newest sequence by serial comparison. */
static uint32_t newest(const struct myc_slot *slot, uint32_t slots)
{
	uint32_t head = slot[0].sequence;

	for (uint32_t i = 1; i < slots; i++)
		if (slot[i].sequence && (int32_t)(slot[i].sequence - head) > 0)
			head = slot[i].sequence;
	/* Number 2^32, which is 0, looks like a slot never used; but this is not the first round. */
	if (head == UINT32_MAX && !slot[slots - 1].sequence)
		return 0;
	return head;
}

/* The newest message may have been published and not counted. Signals are not. */
static void count_newest(struct myc_lane_out *lane, enum myc_lane_ring ring)
{
	uint32_t head = lane->head[ring];
	const struct myc_slot *last = &lane->slot[ring][(head - 1) & lane->mask[ring]];

	if (last->sequence != head || last->flow >= lane->flows)
		return;
	struct myc_flow *flow = &lane->flow[last->flow];

	if (!(flow->epoch & MYC_FLOW_URGENT) == (ring == MYC_RING_ORDINARY) &&
	    myc_pair_low(flow->sent) != head)
		flow->sent = myc_pair(myc_pair_high(flow->sent) + 1, head);
}

void myc_lane_out_open(struct myc_lane_out *lane, struct myc_lanes *block, uint32_t index)
{
	char *base = (char *)block + myc_lane_offset(block, index);
	uint32_t slots = index ? block->slots : block->local_slots;

	memset(lane, 0, sizeof(*lane));
	lane->flow = (struct myc_flow *)(void *)base;
	lane->flows = block->flows;
	lane->slot[MYC_RING_ORDINARY] = (struct myc_slot *)(void *)&lane->flow[lane->flows];
	lane->slot[MYC_RING_URGENT] = &lane->slot[MYC_RING_ORDINARY][slots];
	lane->mask[MYC_RING_ORDINARY] = slots - 1;
	lane->mask[MYC_RING_URGENT] = block->urgent_slots - 1;
	for (int ring = 0; ring < MYC_RINGS; ring++) {
		lane->head[ring] = newest(lane->slot[ring], lane->mask[ring] + 1);
		/* As if full: the first push looks at the receiver's cursor. */
		lane->full_at[ring] = lane->head[ring];
	}
	lane->urgent_before = true; /* a predecessor may have sent some */
	for (uint32_t i = 0; i < lane->flows; i++) {
		struct myc_flow *entry = &lane->flow[i];

		if (entry->epoch & 1)
			myc_lane_flow_write(entry, 0, 0, 0, 0);
		/* Given to its pair, and died before that counted. */
		else if (entry->to && entry->base - myc_pair_high(entry->sent) <= MYC_CREDIT_MAX)
			entry->sent = myc_pair(entry->base, myc_pair_low(entry->sent));
	}
	for (enum myc_lane_ring ring = 0; ring < MYC_RINGS; ring++)
		count_newest(lane, ring);
}

/* As if everything up to `head` had been published and consumed. */
static void rewind_ring(struct myc_lane_out *lane, enum myc_lane_ring ring, uint32_t head)
{
	uint32_t slots = lane->mask[ring] + 1;

	for (uint32_t back = 0; back < slots; back++) {
		uint32_t number = head - back;
		struct myc_slot *slot = &lane->slot[ring][(number - 1) & lane->mask[ring]];

		memset(slot, 0, sizeof(*slot));
		if (head >= slots || back < head)
			__atomic_store_n(&slot->sequence, number, __ATOMIC_RELAXED);
	}
	lane->head[ring] = head;
	lane->full_at[ring] = head + slots;
}

void myc_lane_out_mend(struct myc_lane_out *lane, const struct myc_lane_in *in)
{
	const uint64_t *counted = (const uint64_t *)(const void *)(in + 1);
	const uint32_t *limit = (const uint32_t *)(const void *)(counted + lane->flows);

	for (enum myc_lane_ring ring = 0; ring < MYC_RINGS; ring++)
		rewind_ring(lane, ring, __atomic_load_n(&in->cursor.next[ring], __ATOMIC_RELAXED));
	for (uint32_t f = 0; f < lane->flows; f++) {
		myc_lane_flow_write(&lane->flow[f], 0, 0, 0, 0);
		lane->flow[f].sent = myc_pair(__atomic_load_n(&limit[f], __ATOMIC_RELAXED),
					      lane->head[MYC_RING_ORDINARY]);
	}
}

unsigned myc_lane_in_open(struct myc_lane_inward *lane, const struct myc_lanes *block,
			  const struct myc_lanes *head, uint32_t index, struct myc_lane_in *in)
{
	const char *base = (const char *)block + myc_lane_offset(head, index);
	uint32_t slots = index ? head->slots : head->local_slots;
	unsigned begun = 0;

	memset(lane, 0, sizeof(*lane));
	lane->flow = (const struct myc_flow *)(const void *)base;
	lane->flows = head->flows;
	lane->slot[MYC_RING_ORDINARY] =
		(const struct myc_slot *)(const void *)&lane->flow[lane->flows];
	lane->slot[MYC_RING_URGENT] = &lane->slot[MYC_RING_ORDINARY][slots];
	lane->mask[MYC_RING_ORDINARY] = slots - 1;
	lane->mask[MYC_RING_URGENT] = head->urgent_slots - 1;
	lane->every = slots / 4 < 32 ? slots / 4 : 32;
	lane->every += !lane->every;
	lane->cursor = &in->cursor;
	lane->progress = &in->progress;
	lane->counted = (uint64_t *)(void *)(in + 1);
	lane->limit = (uint32_t *)(void *)(lane->counted + lane->flows);
	for (int ring = 0; ring < MYC_RINGS; ring++) {
		if (myc_progress_in_hand(in->progress.ring[ring].both, &lane->next[ring]))
			begun |= 1u << ring;
		lane->published[ring] = in->cursor.next[ring];
	}
	return begun;
}

uint32_t myc_lane_flow_read(const struct myc_lane_inward *lane, uint32_t flow,
			    struct myc_flow *copy)
{
	if (flow >= lane->flows)
		return 0;
	const struct myc_flow *entry = &lane->flow[flow];
	uint32_t epoch = __atomic_load_n(&entry->epoch, __ATOMIC_ACQUIRE);

	copy->from = __atomic_load_n(&entry->from, __ATOMIC_RELAXED);
	copy->base = __atomic_load_n(&entry->base, __ATOMIC_ACQUIRE);
	copy->to = __atomic_load_n(&entry->to, __ATOMIC_ACQUIRE);
	/* The acquire loads above keep this one behind them: a writer in between shows. */
	if (__atomic_load_n(&entry->epoch, __ATOMIC_RELAXED) != epoch || epoch & 1 || !copy->to)
		return 0;
	return epoch;
}

void myc_lane_flow_write(struct myc_flow *flow, uint64_t from, uint64_t to, uint32_t base,
			 uint32_t urgent)
{
	uint32_t odd = flow->epoch | 1;
	uint32_t even = (odd + 1) & ~MYC_FLOW_URGENT;

	__atomic_store_n(&flow->epoch, odd, __ATOMIC_RELAXED);
	/* Release stores: whoever sees one of them sees the odd epoch. */
	__atomic_store_n(&flow->from, from, __ATOMIC_RELEASE);
	__atomic_store_n(&flow->to, to, __ATOMIC_RELEASE);
	__atomic_store_n(&flow->base, base, __ATOMIC_RELEASE);
	even += even ? 0 : 2; /* 0 is of one never used */
	__atomic_store_n(&flow->epoch, even | urgent, __ATOMIC_RELEASE);
}
