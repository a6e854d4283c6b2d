/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static uint64_t intake_size(uint32_t frames, uint32_t frame_size)
{
	return sizeof(struct myc_intake_block) + frames * sizeof(struct myc_frame) +
	       2ull * frames * sizeof(uint64_t) + (uint64_t)frames * frame_size + 64;
}

static uint64_t twin_size(uint32_t channels)
{
	return sizeof(struct myc_twin_block) + (channels + 1) * sizeof(struct myc_counters) +
	       channels * (sizeof(struct myc_channel_state) + sizeof(struct myc_filtered_window) +
			   sizeof(struct myc_locate_filter));
}

int myc_intake_plan(struct myc_region_plan *plan, uint32_t endpoint, uint32_t frames,
		    uint32_t frame_size, uint32_t channels)
{
	int err = myc_region_plan_add(plan, MYC_BLOCK_SOURCE, endpoint,
				      intake_size(frames, frame_size));

	return err ? err
		   : myc_region_plan_add(plan, MYC_BLOCK_STEER_STATE, endpoint,
					 twin_size(channels));
}

uint16_t myc_intake_reader(const struct myc_steer_config *config, uint32_t channel,
			   const struct myc_registry_row *registry)
{
	uint32_t row = config->channel[channel].owner_row;

	if (registry && row < MYC_REGISTRY_ROWS) {
		uint64_t word = __atomic_load_n(&registry[row].state_endpoint, __ATOMIC_ACQUIRE);

		if (myc_row_word_state(word) != MYC_ROW_FREE &&
		    myc_row_word_endpoint(word) != MYC_NO_ENDPOINT)
			return myc_row_word_endpoint(word);
	}
	return config->channel[channel].endpoint;
}

static void join_twin(struct myc_intake *intake, const struct myc_steer_config *config,
		      const struct myc_dataplane_tables *tables)
{
	struct myc_twin_block *twin = intake->twin;
	uint32_t channels = config->channels_count;
	uint8_t *at = (uint8_t *)&twin->counters[channels + 1];
	struct myc_steer_tables *out = &intake->tables;

	twin->channels = channels;
	memset(twin->own, 0, sizeof(twin->own));
	for (uint32_t c = 0; c < channels; c++)
		if (myc_intake_reader(config, c, tables->registry) == intake->endpoint)
			twin->own[c / 64] |= 1ull << c % 64;
	*out = (struct myc_steer_tables){.config = config,
					 .registry = tables->registry,
					 .processes = tables->processes,
					 .pages = tables->pages,
					 .system = tables->system,
					 .counters = twin->counters};
	out->state = (struct myc_channel_state *)at;
	at += channels * sizeof(struct myc_channel_state);
	out->window = (struct myc_filtered_window *)at;
	at += channels * sizeof(struct myc_filtered_window);
	out->locate = (struct myc_locate_filter *)at;
}

static void join_rings(struct myc_intake *intake, uint32_t frames, uint32_t frame_size)
{
	struct myc_intake_block *block = intake->block;
	uint8_t *rx = (uint8_t *)(block + 1);
	uint8_t *fill = rx + frames * sizeof(struct myc_frame);
	uint8_t *memory = fill + 2ull * frames * sizeof(uint64_t);

	intake->queue = (struct myc_hand_queue){
		.rx = {.producer = &block->rx_producer,
		       .consumer = &block->rx_consumer,
		       .slots = rx,
		       .mask = frames - 1},
		.home = {.producer = &block->fill_producer,
			 .consumer = &block->fill_consumer,
			 .slots = fill,
			 .mask = 2 * frames - 1},
		.frames = memory + (-(uintptr_t)memory & 63),
		.frames_size = (uint64_t)frames * frame_size,
		.frame_size = frame_size,
	};
}

int myc_intake_join(struct myc_intake *intake, const struct myc_region *region, uint32_t endpoint,
		    uint32_t frames, uint32_t frame_size, const struct myc_steer_config *config,
		    const struct myc_dataplane_tables *tables)
{
	uint64_t size = 0, size_twin = 0;

	memset(intake, 0, sizeof(*intake));
	intake->endpoint = endpoint;
	intake->block = myc_region_block(region, MYC_BLOCK_SOURCE, endpoint, &size);
	intake->twin = myc_region_block(region, MYC_BLOCK_STEER_STATE, endpoint, &size_twin);
	if (!intake->block || !intake->twin || size < intake_size(frames, frame_size) ||
	    size_twin < twin_size(config->channels_count))
		return -EUCLEAN;
	join_rings(intake, frames, frame_size);
	join_twin(intake, config, tables);

	struct myc_intake_block *block = intake->block;
	if (block->pushed) {
		uint32_t moved = block->rx_producer - myc_exchange_index(block->pushed);

		if (moved && moved != myc_exchange_count(block->pushed))
			return -EUCLEAN;
		if (moved)
			block->position = block->position_next;
		MYC_POINT(intake_recovered);
		block->pushed = 0;
	}
	return 0;
}

/* What the twin redirected went on the RX ring, or died with the worker that judged it. */
static uint64_t unpushed(const struct myc_intake *intake, const struct myc_hand *hand)
{
	const struct myc_twin_block *twin = intake->twin;
	uint64_t pushed = hand->packets_taken + myc_ring_waiting(&intake->queue.rx), redirected = 0;

	for (uint32_t c = 0; c < twin->channels; c++)
		if (twin->own[c / 64] >> c % 64 & 1)
			redirected += twin->counters[c + 1].reason[MYC_REASON_REDIRECTED] +
				      twin->counters[c + 1].reason[MYC_REASON_REDIRECTED_STANDBY];
	return redirected > pushed ? redirected - pushed : 0;
}

int myc_intake_refill(struct myc_intake *intake, const struct myc_hand *hand)
{
	const struct myc_hand_queue *queue = &intake->queue;
	const struct myc_ring *rx = &queue->rx, *fill = &queue->home;
	uint32_t frames = rx->mask + 1;
	bool *away = calloc(frames, sizeof(*away));

	if (!away)
		return -ENOMEM;
	uint32_t waiting = myc_ring_waiting(rx);
	for (uint32_t i = 0; i < waiting; i++) {
		uint64_t address = myc_ring_frame(rx, *rx->consumer + i)->address;

		if (address >= queue->frames_size) {
			free(away);
			return -EUCLEAN;
		}
		away[address / queue->frame_size] = true;
	}
	for (uint32_t i = 0; i < MYC_HAND_SLOTS; i++)
		if (hand->held[i].state != MYC_HELD_FREE)
			away[hand->held[i].address / queue->frame_size] = true;
	uint32_t index = *fill->producer;
	myc_ring_publish(fill->consumer, index);
	for (uint32_t i = 0; i < frames; i++)
		if (!away[i])
			*myc_ring_address(fill, index++) = (uint64_t)i * queue->frame_size;
	myc_ring_publish(fill->producer, index);
	free(away);
	intake->block->packets_unpushed = unpushed(intake, hand);
	return 0;
}

uint32_t myc_intake_begin(struct myc_intake *intake, uint32_t max)
{
	const struct myc_ring *fill = &intake->queue.home;
	uint32_t n = myc_ring_waiting(fill);

	if (n > max)
		n = max;
	if (n > MYC_INTAKE_BATCH)
		n = MYC_INTAKE_BATCH;
	for (uint32_t i = 0; i < n; i++)
		intake->address[i] = *myc_ring_address(fill, *fill->consumer + i);
	intake->batch = n;
	intake->pushes = 0;
	intake->push_set = 0;
	return n;
}

uint8_t *myc_intake_frame(const struct myc_intake *intake, uint32_t i)
{
	return (uint8_t *)intake->queue.frames + intake->address[i] + MYC_INTAKE_HEAD;
}

void myc_intake_push(struct myc_intake *intake, uint32_t i, uint32_t offset, uint32_t size,
		     const struct myc_meta *meta)
{
	const struct myc_ring *rx = &intake->queue.rx;
	uint8_t *frame = myc_intake_frame(intake, i);
	uint32_t aligned = offset & ~7u;

	/* Metadata is read in place: behind Ethernet headers of any length it needs aligning. */
	if (aligned != offset) {
		memmove(frame + aligned, frame + offset, size);
		offset = aligned;
	}
	memcpy(frame + offset - MYC_META_SIZE, meta, MYC_META_SIZE);
	*myc_ring_frame(rx, *rx->producer + intake->pushes++) = (struct myc_frame){
		.address = intake->address[i] + MYC_INTAKE_HEAD + offset, .size = size};
	intake->push_set |= 1ull << i;
}

void myc_intake_commit(struct myc_intake *intake, uint32_t used, uint64_t position)
{
	struct myc_intake_block *block = intake->block;
	const struct myc_ring *fill = &intake->queue.home;
	uint32_t index = block->fill_producer;

	for (uint32_t i = 0; i < used; i++)
		if (!(intake->push_set >> i & 1))
			*myc_ring_address(fill, index++) = intake->address[i];
	myc_ring_publish(fill->producer, index);
	myc_ring_publish(fill->consumer, block->fill_consumer + used);
	if (intake->pushes) {
		block->position_next = position;
		MYC_POINT(intake_written);
		block->pushed = myc_exchange(0, intake->pushes, block->rx_producer);
		MYC_POINT(intake_stored);
		myc_ring_publish(&block->rx_producer, block->rx_producer + intake->pushes);
		MYC_POINT(intake_published);
	}
	block->position = position;
	MYC_POINT(intake_moved);
	block->pushed = 0;
}
