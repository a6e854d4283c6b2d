/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/hand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

unsigned myc_grip_take(struct myc_grip *grip, uint32_t queue, unsigned max)
{
	struct myc_hand *hand = grip->hand;
	const struct myc_ring *rx = &grip->queue[queue]->rx;
	uint32_t n = myc_ring_waiting(rx);

	if (!n)
		return 0;
	if (n > max)
		n = max;
	uint32_t index = myc_ring_index(rx->consumer);
	for (uint32_t i = 0; i < n; i++)
		hand->batch[i] = *myc_ring_frame(rx, index + i);
	hand->order = hand->packets_taken;
	MYC_POINT(take_copied);
	hand->take = myc_exchange(queue, n, index);
	MYC_POINT(take_stored);
	myc_ring_publish(rx->consumer, index + n);
	MYC_POINT(take_published);
	hand->packets_taken = hand->order + n;
	MYC_POINT(take_counted);
	grip->batch_count = n;
	grip->batch_queue = queue;
	grip->batch_held = 0;
	return n;
}

unsigned myc_grip_take_again(struct myc_grip *grip, unsigned max)
{
	uint32_t n = grip->again_count - grip->again_next;

	if (n > max)
		n = max;
	grip->again_begin = grip->again_next;
	grip->again_next += n;
	grip->again_kept = 0;
	grip->hand->packets_again += n;
	return n;
}

/* A frame in a held slot: its state, stored last, makes the slot the one place where it is. */
static uint32_t put_held(struct myc_grip *grip, const struct myc_frame *frame, uint64_t order,
			 uint32_t queue)
{
	uint16_t slot = grip->free[--grip->free_count];
	struct myc_held *held = &grip->hand->held[slot];

	held->address = frame->address;
	held->size = frame->size;
	held->order = order;
	held->queue = (uint16_t)queue;
	MYC_POINT(hold_copied);
	held->state = MYC_HELD_HELD;
	MYC_POINT(hold_stored);
	grip->used++;
	return slot;
}

int myc_grip_hold(struct myc_grip *grip, uint32_t entry)
{
	if (entry >= MYC_HAND_BATCH) {
		/* Already in a slot: it only must not go home with this batch. */
		for (uint32_t i = grip->again_begin; i < grip->again_next; i++)
			if (grip->again[i] + (uint32_t)MYC_HAND_BATCH == entry) {
				if (grip->used > MYC_HAND_HELD)
					return -ENOSPC;
				grip->again_kept |= 1ull << (i - grip->again_begin);
				return (int)entry;
			}
		return -EINVAL;
	}
	if (entry >= grip->batch_count || (grip->batch_held >> entry & 1))
		return -EINVAL;
	if (grip->used >= MYC_HAND_HELD)
		return -ENOSPC;
	uint32_t slot = put_held(grip, &grip->hand->batch[entry], grip->hand->order + entry,
				 grip->batch_queue);
	grip->batch_held |= 1ull << entry;
	return (int)(MYC_HAND_BATCH + slot);
}

static void release_slot(struct myc_grip *grip, uint32_t slot)
{
	grip->hand->held[slot].state = MYC_HELD_RELEASED;
	MYC_POINT(released);
	grip->released[grip->released_count++] = (uint16_t)slot;
}

void myc_grip_release(struct myc_grip *grip, uint32_t entry)
{
	uint32_t slot = entry - MYC_HAND_BATCH;

	if (slot < MYC_HAND_SLOTS && grip->hand->held[slot].state == MYC_HELD_HELD)
		release_slot(grip, slot);
}

/* Frees the released slots of a queue whose frames went home. */
static void free_released(struct myc_grip *grip, uint32_t queue)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < grip->released_count; i++) {
		uint16_t slot = grip->released[i];

		if (grip->hand->held[slot].queue != queue) {
			grip->released[kept++] = slot;
			continue;
		}
		grip->hand->held[slot].state = MYC_HELD_FREE;
		MYC_POINT(give_freed);
		grip->free[grip->free_count++] = slot;
		grip->used--;
	}
	grip->released_count = kept;
}

/* What goes home to this queue: written behind the ring's producer when `home` is not NULL.
 * Returns how many. */
static uint32_t gather(const struct myc_grip *grip, uint32_t number, uint32_t batch,
		       const struct myc_ring *home)
{
	const struct myc_hand_queue *queue = grip->queue[number];
	const struct myc_hand *hand = grip->hand;
	uint64_t base = ~((uint64_t)queue->frame_size - 1);
	uint32_t index = home ? myc_ring_index(home->producer) : 0;
	uint32_t n = 0;

	for (uint32_t i = 0; i < batch; i++) {
		/* What lies outside the UMEM is no frame of ours: it goes nowhere. */
		if ((grip->batch_held >> i & 1) || hand->batch[i].address >= queue->frames_size)
			continue;
		if (home)
			*myc_ring_address(home, index + n) = hand->batch[i].address & base;
		n++;
	}
	for (uint32_t i = 0; i < grip->released_count; i++) {
		const struct myc_held *held = &hand->held[grip->released[i]];

		if (held->queue != number)
			continue;
		if (home)
			*myc_ring_address(home, index + n) = held->address & base;
		n++;
	}
	return n;
}

static bool give_queue(struct myc_grip *grip, uint32_t number)
{
	struct myc_hand *hand = grip->hand;
	const struct myc_ring *home = &grip->queue[number]->home;
	bool batch_too = grip->batch_count && grip->batch_queue == number;
	uint32_t batch = batch_too ? grip->batch_count : 0;

	uint32_t room = myc_ring_room(home);
	if (room < batch + grip->released_count && room < gather(grip, number, batch, NULL)) {
		hand->gives_refused++;
		return false;
	}
	uint32_t n = gather(grip, number, batch, home);
	MYC_POINT(give_written);
	if (n) {
		uint32_t index = myc_ring_index(home->producer);

		hand->give = myc_exchange(number, n, index);
		MYC_POINT(give_stored);
		myc_ring_publish(home->producer, index + n);
		MYC_POINT(give_published);
	}
	free_released(grip, number);
	if (batch_too) {
		hand->take = 0;
		MYC_POINT(give_emptied);
		grip->batch_count = 0;
	}
	hand->give = 0;
	MYC_POINT(give_cleared);
	return true;
}

bool myc_grip_give(struct myc_grip *grip)
{
	bool all = true;

	for (uint32_t i = grip->again_begin; i < grip->again_next; i++)
		if (!(grip->again_kept >> (i - grip->again_begin) & 1))
			release_slot(grip, grip->again[i]);
	grip->again_begin = grip->again_next;
	if (grip->batch_count)
		all = give_queue(grip, grip->batch_queue);
	/* What was released of other queues; give_queue removes at least the entry looked at. */
	for (uint32_t i = 0; i < grip->released_count;) {
		uint32_t queue = grip->hand->held[grip->released[i]].queue;

		if ((grip->batch_count && queue == grip->batch_queue) || !give_queue(grip, queue)) {
			all = false;
			i++;
		}
	}
	return all;
}

/* ---- recovery ------------------------------------------------------------------------------ */

/* How far an exchange got: 1 published, 0 not, -1 the index is neither. */
static int exchange_published(uint64_t exchange, const uint32_t *index)
{
	uint32_t moved = myc_ring_index(index) - myc_exchange_index(exchange);

	return !moved ? 0 : moved == myc_exchange_count(exchange) ? 1 : -1;
}

static bool exchange_valid(uint64_t exchange, uint32_t max,
			   const struct myc_hand_queue *const queue[MYC_QUEUES_MAX])
{
	uint32_t which = myc_exchange_which(exchange), count = myc_exchange_count(exchange);

	return which < MYC_QUEUES_MAX && queue[which] && count && count <= max;
}

static bool is_held(const struct myc_hand *hand, uint32_t queue, uint64_t address)
{
	for (uint32_t i = 0; i < MYC_HAND_SLOTS; i++)
		if (hand->held[i].state != MYC_HELD_FREE && hand->held[i].queue == queue &&
		    hand->held[i].address == address)
			return true;
	return false;
}

/* Lists the slots by what they hold; -EUCLEAN when one holds what cannot be. */
static int read_slots(struct myc_grip *grip)
{
	for (uint32_t i = MYC_HAND_SLOTS; i-- > 0;) {
		const struct myc_held *held = &grip->hand->held[i];

		if (held->state == MYC_HELD_FREE) {
			grip->free[grip->free_count++] = (uint16_t)i;
			continue;
		}
		if (held->state > MYC_HELD_RELEASED || held->queue >= MYC_QUEUES_MAX ||
		    !grip->queue[held->queue] ||
		    held->address >= grip->queue[held->queue]->frames_size)
			return -EUCLEAN;
		grip->used++;
		if (held->state == MYC_HELD_RELEASED)
			grip->released[grip->released_count++] = (uint16_t)i;
	}
	return 0;
}

static int recover_give(struct myc_grip *grip)
{
	struct myc_hand *hand = grip->hand;

	if (!hand->give)
		return 0;
	if (!exchange_valid(hand->give, MYC_HAND_SLOTS + MYC_HAND_BATCH, grip->queue))
		return -EUCLEAN;
	uint32_t queue = myc_exchange_which(hand->give);
	int published = exchange_published(hand->give, grip->queue[queue]->home.producer);
	if (published < 0)
		return -EUCLEAN;
	if (published) {
		free_released(grip, queue);
		if (hand->take && myc_exchange_which(hand->take) == queue)
			hand->take = 0;
		MYC_POINT(recover_given);
	}
	hand->give = 0;
	MYC_POINT(recover_give_cleared);
	return 0;
}

/* A batch that was in hand becomes held: one kind of thing for the successor to look at. */
static int recover_take(struct myc_grip *grip)
{
	struct myc_hand *hand = grip->hand;

	if (!hand->take)
		return 0;
	if (!exchange_valid(hand->take, MYC_HAND_BATCH, grip->queue))
		return -EUCLEAN;
	uint32_t number = myc_exchange_which(hand->take);
	const struct myc_hand_queue *queue = grip->queue[number];
	int published = exchange_published(hand->take, queue->rx.consumer);
	if (published < 0)
		return -EUCLEAN;
	if (published) {
		uint32_t n = myc_exchange_count(hand->take);

		hand->packets_taken = hand->order + n;
		MYC_POINT(recover_counted);
		for (uint32_t i = 0; i < n; i++) {
			const struct myc_frame *frame = &hand->batch[i];

			if (frame->address >= queue->frames_size ||
			    is_held(hand, number, frame->address))
				continue;
			if (!grip->free_count)
				return -EUCLEAN;
			put_held(grip, frame, hand->order + i, number);
		}
	}
	hand->take = 0;
	MYC_POINT(recover_take_cleared);
	return 0;
}

static int by_order(const void *a, const void *b, void *context)
{
	const struct myc_hand *hand = context;
	uint64_t x = hand->held[*(const uint16_t *)a].order;
	uint64_t y = hand->held[*(const uint16_t *)b].order;

	return x < y ? -1 : x > y;
}

int myc_grip_recover(struct myc_grip *grip, struct myc_hand *hand,
		     const struct myc_hand_queue *const queue[MYC_QUEUES_MAX])
{
	int err;

	memset(grip, 0, sizeof(*grip));
	grip->hand = hand;
	memcpy(grip->queue, queue, sizeof(grip->queue));
	err = read_slots(grip);
	if (!err)
		err = recover_give(grip);
	if (!err)
		err = recover_take(grip);
	if (err)
		return err;
	for (uint16_t i = 0; i < MYC_HAND_SLOTS; i++)
		if (hand->held[i].state == MYC_HELD_HELD)
			grip->again[grip->again_count++] = i;
	qsort_r(grip->again, grip->again_count, sizeof(grip->again[0]), by_order, hand);
	return 0;
}

uint32_t myc_hand_frames(const struct myc_hand *hand, const struct myc_hand_queue *queue,
			 uint32_t number)
{
	uint64_t take = __atomic_load_n(&hand->take, __ATOMIC_ACQUIRE);
	uint64_t give = __atomic_load_n(&hand->give, __ATOMIC_ACQUIRE);
	bool given = give && myc_exchange_which(give) == number &&
		     exchange_published(give, queue->home.producer) == 1;
	uint32_t n = 0;

	for (uint32_t i = 0; i < MYC_HAND_SLOTS; i++)
		n += hand->held[i].queue == number &&
		     (hand->held[i].state == MYC_HELD_HELD ||
		      (hand->held[i].state == MYC_HELD_RELEASED && !given));
	if (!take || myc_exchange_which(take) != number || given ||
	    exchange_published(take, queue->rx.consumer) != 1)
		return n;
	uint32_t count = myc_exchange_count(take);
	for (uint32_t i = 0; i < count && i < MYC_HAND_BATCH; i++)
		n += hand->batch[i].address < queue->frames_size &&
		     !is_held(hand, number, hand->batch[i].address);
	return n;
}
