/* SPDX-License-Identifier: Apache-2.0 */
/* Where every frame is and what became of every packet. Exact while traffic stands still. */
#include "dataplane/internal.h"

#include <errno.h>
#include <sys/socket.h>

static uint32_t ring_entries(const struct myc_ring *ring)
{
	return __atomic_load_n(ring->producer, __ATOMIC_ACQUIRE) -
	       __atomic_load_n(ring->consumer, __ATOMIC_ACQUIRE);
}

static const struct myc_hand *hand_of(const struct myc_dataplane *dataplane, uint32_t endpoint,
				      const struct myc_region *regions)
{
	uint64_t size = 0;
	const struct myc_hand *hand =
		myc_region_block(&regions[dataplane->shape.endpoint[endpoint].process],
				 MYC_BLOCK_HAND, endpoint, &size);

	return hand && size >= sizeof(*hand) ? hand : NULL;
}

/* packets_taken as recovery would make it: the last take may be published and not yet counted. */
static uint64_t packets_taken(const struct myc_hand *hand, const struct myc_hand_queue *queue,
			      uint32_t number)
{
	uint64_t take = __atomic_load_n(&hand->take, __ATOMIC_ACQUIRE);

	if (take && myc_exchange_which(take) == number &&
	    myc_ring_index(queue->rx.consumer) ==
		    myc_exchange_index(take) + myc_exchange_count(take))
		return hand->order + myc_exchange_count(take);
	return hand->packets_taken;
}

static void add_hand(struct myc_ledger *ledger, const struct myc_hand *hand,
		     const struct myc_hand_queue *queue, uint32_t number, uint64_t *taken)
{
	uint32_t in_hand = myc_hand_frames(hand, queue, number);
	uint64_t seen = packets_taken(hand, queue, number);

	ledger->in_hand += in_hand;
	ledger->in_rx += ring_entries(&queue->rx);
	/* One hand counts for all its queues: the highest is the one that is up to date. */
	if (seen > *taken)
		*taken = seen;
}

static void add_not_delivered(struct myc_ledger *ledger, const struct myc_hand *hand)
{
	ledger->not_delivered +=
		hand->packets_bad_descriptor + hand->packets_bad_metadata + hand->packets_bad_frame;
}

static int add_statistics(struct myc_ledger *ledger, const struct myc_xsk_queue *queue)
{
	uint64_t fill_empty = 0;

	for (uint32_t i = 0; i < queue->sockets; i++) {
		struct xdp_statistics statistics = {0};
		socklen_t size = sizeof(statistics);

		if (getsockopt(queue->socket[i].fd, SOL_XDP, XDP_STATISTICS, &statistics, &size))
			return -errno;
		ledger->rx_dropped += statistics.rx_dropped;
		ledger->rx_ring_full += statistics.rx_ring_full;
		ledger->rx_invalid += statistics.rx_invalid_descs;
		/* A cause, seen by every socket of the FILL ring: not added. */
		if (statistics.rx_fill_ring_empty_descs > fill_empty)
			fill_empty = statistics.rx_fill_ring_empty_descs;
	}
	ledger->fill_ring_empty += fill_empty;
	return 0;
}

static int add_returns(struct myc_ledger *ledger, const struct myc_dataplane *dataplane,
		       uint32_t endpoint, const struct myc_hand_queue *queue, uint32_t number,
		       const struct myc_region *regions)
{
	const struct myc_shape *shape = &dataplane->shape;
	uint32_t keeper = shape->keeper[number];
	uint64_t size = 0;

	if (keeper == endpoint)
		return 0;
	const struct myc_keeper *record = myc_region_block(
		&regions[shape->endpoint[keeper].process], MYC_BLOCK_KEEPER, number, &size);
	const struct myc_return_ring *ring =
		myc_region_block(&regions[shape->endpoint[endpoint].process], MYC_BLOCK_RETURN_RING,
				 myc_return_index(endpoint, number), NULL);
	if (!record || size < sizeof(*record) || !ring)
		return -EUCLEAN;
	const struct myc_hand_queue fill = {.home = dataplane->queue[number]->fill};
	uint32_t waiting = myc_keeper_waiting(record, &fill, ring, endpoint);
	ledger->in_return += waiting <= queue->home.mask + 1 ? waiting : 0;
	return 0;
}

static int ledger_xdp(const struct myc_dataplane *dataplane, const struct myc_region *regions,
		      struct myc_ledger *ledger)
{
	const struct myc_shape *shape = &dataplane->shape;

	for (uint32_t e = 0; e < shape->endpoints; e++) {
		const struct myc_hand *hand = hand_of(dataplane, e, regions);
		uint64_t taken = 0;

		if (!hand)
			return -EUCLEAN;
		for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++) {
			struct myc_hand_queue queue;

			if (!myc_shape_on(shape, e, q))
				continue;
			int err = myc_dataplane_hand_queue(
				dataplane, e, q, &regions[shape->endpoint[e].process], &queue);
			if (!err)
				err = add_returns(ledger, dataplane, e, &queue, q, regions);
			if (err)
				return err;
			add_hand(ledger, hand, &queue, q, &taken);
		}
		ledger->handled += taken;
		add_not_delivered(ledger, hand);
	}
	for (uint32_t q = 0; q < MYC_QUEUES_MAX; q++) {
		const struct myc_xsk_queue *queue = dataplane->queue[q];

		if (!queue)
			continue;
		ledger->frames += queue->frames;
		ledger->in_fill += ring_entries(&queue->fill);
		ledger->in_completion += ring_entries(&queue->completion);
		int err = add_statistics(ledger, queue);
		if (err)
			return err;
	}
	if (dataplane->groups)
		ledger->refused = myc_groups_refused(dataplane->groups);
	return 0;
}

static int ledger_intake(const struct myc_dataplane *dataplane, const struct myc_region *regions,
			 struct myc_ledger *ledger)
{
	const struct myc_shape *shape = &dataplane->shape;

	for (uint32_t e = 0; e < shape->endpoints; e++) {
		const struct myc_hand *hand = hand_of(dataplane, e, regions);
		uint64_t size = 0, taken = 0;
		struct myc_intake_block *block = myc_region_block(
			&regions[shape->endpoint[e].process], MYC_BLOCK_SOURCE, e, &size);

		if (!hand || !block || size < sizeof(*block))
			return -EUCLEAN;
		const struct myc_hand_queue queue = {
			.rx = {.producer = &block->rx_producer, .consumer = &block->rx_consumer},
			.home = {.producer = &block->fill_producer,
				 .consumer = &block->fill_consumer},
			.frames_size = (uint64_t)shape->frames * shape->frame_size,
			.frame_size = shape->frame_size};
		add_hand(ledger, hand, &queue, 0, &taken);
		ledger->handled += taken;
		add_not_delivered(ledger, hand);
		ledger->frames += shape->frames;
		ledger->in_fill += ring_entries(&queue.home);
		ledger->rx_invalid += block->packets_oversize;
		ledger->unpushed += block->packets_unpushed;
	}
	for (uint32_t i = 0; i < dataplane->sockets; i++)
		ledger->lost_before += myc_binding_dropped(dataplane->socket[i]);
	return 0;
}

int myc_dataplane_ledger(struct myc_dataplane *dataplane, const struct myc_region *regions,
			 uint32_t processes, struct myc_ledger *ledger)
{
	const struct myc_shape *shape = &dataplane->shape;
	int err;

	*ledger = (struct myc_ledger){0};
	for (uint32_t e = 0; e < shape->endpoints; e++)
		if (shape->endpoint[e].process >= processes)
			return -EINVAL;
	err = shape->kind == MYC_DATAPLANE_XDP ? ledger_xdp(dataplane, regions, ledger)
					       : ledger_intake(dataplane, regions, ledger);
	if (err)
		return err;
	/* What was taken is handled or still in hand. */
	ledger->handled -= ledger->in_hand < ledger->handled ? ledger->in_hand : ledger->handled;
	ledger->in_kernel = ledger->frames - ledger->in_fill - ledger->in_rx - ledger->in_hand -
			    ledger->in_return - ledger->in_completion;
	return 0;
}

/* A channel's packets are judged by the twin of the endpoint that takes them; those of no channel
 * by every endpoint that reads the file, so the first one's count. */
static void add_twin(const struct myc_twin_block *twin, uint64_t size, uint32_t endpoint,
		     uint32_t row, struct myc_counters *sum)
{
	uint32_t channel = row - 1;

	if (row > twin->channels || size < sizeof(*twin) + (row + 1) * sizeof(*sum))
		return;
	if (row ? !(twin->own[channel / 64] >> channel % 64 & 1) : endpoint != 0)
		return;
	for (uint32_t i = 0; i < sizeof(sum->reason) / sizeof(sum->reason[0]); i++)
		sum->reason[i] += __atomic_load_n(&twin->counters[row].reason[i], __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < sizeof(sum->fact) / sizeof(sum->fact[0]); i++)
		sum->fact[i] += __atomic_load_n(&twin->counters[row].fact[i], __ATOMIC_RELAXED);
}

int myc_dataplane_counters(const struct myc_dataplane *dataplane, const struct myc_region *regions,
			   uint32_t processes, uint32_t row, struct myc_counters *sum)
{
	const struct myc_shape *shape = &dataplane->shape;

	if (shape->kind == MYC_DATAPLANE_XDP)
		return dataplane->program ? myc_program_counters(dataplane->program, row, sum)
					  : -ENOENT;
	*sum = (struct myc_counters){0};
	if (row > MYC_CHANNELS_MAX)
		return -EINVAL;
	for (uint32_t e = 0; e < shape->endpoints; e++) {
		uint64_t size = 0;

		if (shape->endpoint[e].process >= processes)
			return -EINVAL;
		const struct myc_twin_block *twin = myc_region_block(
			&regions[shape->endpoint[e].process], MYC_BLOCK_STEER_STATE, e, &size);
		if (!twin || size < sizeof(*twin))
			return -EUCLEAN;
		add_twin(twin, size, e, row, sum);
	}
	return 0;
}
