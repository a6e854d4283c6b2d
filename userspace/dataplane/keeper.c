/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/keeper.h"

#include <errno.h>

#define DRAIN_MAX 256 /* entries a call, so that a flood of returns does not hold up packets */

static int fill_published(const struct myc_keeper *keeper, const struct myc_hand_queue *queue)
{
	uint32_t moved = myc_ring_index(queue->home.producer) - myc_exchange_index(keeper->fill);

	return !moved ? 0 : moved == myc_exchange_count(keeper->fill) ? 1 : -1;
}

int myc_keeper_recover(struct myc_keeper *keeper, const struct myc_hand_queue *queue)
{
	if (!keeper->fill)
		return 0;
	uint32_t endpoint = myc_exchange_which(keeper->fill);
	int published = fill_published(keeper, queue);

	if (published < 0 || endpoint >= MYC_ENDPOINTS_MAX)
		return -EUCLEAN;
	if (published)
		keeper->cursor[endpoint] = keeper->cursor_next;
	MYC_POINT(keeper_recovered);
	keeper->fill = 0;
	MYC_POINT(keeper_recover_cleared);
	return 0;
}

unsigned myc_keeper_drain(struct myc_keeper *keeper, const struct myc_hand_queue *queue,
			  struct myc_borrower *borrower, uint32_t endpoint)
{
	const struct myc_return_ring *ring = borrower->ring;
	uint32_t cursor = (uint32_t)keeper->cursor[endpoint];
	/* Pairs with the publish in the borrower's give. */
	uint32_t waiting = __atomic_load_n(&ring->producer, __ATOMIC_ACQUIRE) - cursor;

	if (!waiting || borrower->cut_off)
		return 0;
	if (waiting > borrower->slots) {
		borrower->cut_off = true;
		keeper->returns_malformed++;
		return 0;
	}
	uint32_t room = myc_ring_room(&queue->home);
	if (waiting > room)
		waiting = room;
	if (waiting > DRAIN_MAX)
		waiting = DRAIN_MAX;
	if (!waiting)
		return 0;
	uint32_t index = myc_ring_index(queue->home.producer);
	uint32_t n = 0;
	for (uint32_t i = 0; i < waiting; i++) {
		uint64_t address = __atomic_load_n(
			&ring->address[(cursor + i) & (borrower->slots - 1)], __ATOMIC_RELAXED);

		if (address >= queue->frames_size || address & (queue->frame_size - 1)) {
			keeper->returns_malformed++;
			continue;
		}
		*myc_ring_address(&queue->home, index + n++) = address;
	}
	keeper->cursor_next = cursor + waiting;
	MYC_POINT(keeper_written);
	if (n) {
		keeper->fill = myc_exchange(endpoint, n, index);
		MYC_POINT(keeper_stored);
		myc_ring_publish(queue->home.producer, index + n);
		MYC_POINT(keeper_published);
	}
	keeper->cursor[endpoint] = keeper->cursor_next;
	MYC_POINT(keeper_moved);
	keeper->fill = 0;
	MYC_POINT(keeper_cleared);
	keeper->frames_returned += n;
	return n;
}

uint32_t myc_keeper_waiting(const struct myc_keeper *keeper, const struct myc_hand_queue *queue,
			    const struct myc_return_ring *ring, uint32_t endpoint)
{
	uint32_t cursor = (uint32_t)keeper->cursor[endpoint];

	if (keeper->fill && myc_exchange_which(keeper->fill) == endpoint &&
	    fill_published(keeper, queue) == 1)
		cursor = (uint32_t)keeper->cursor_next;
	return __atomic_load_n(&ring->producer, __ATOMIC_ACQUIRE) - cursor;
}
