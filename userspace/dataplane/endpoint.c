/* SPDX-License-Identifier: Apache-2.0 */
#include "dataplane/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

_Static_assert(MYC_BATCH_MAX == MYC_HAND_BATCH && MYC_HOLD_MAX == MYC_HAND_HELD, "one hand");

/* A queue whose FILL ring this endpoint writes, and those who return frames to it. */
struct kept_queue {
	uint32_t number;
	struct myc_keeper *keeper;
	uint32_t borrowers;
	struct {
		uint32_t endpoint;
		struct myc_borrower ring;
	} borrower[MYC_ENDPOINTS_MAX];
};

struct myc_endpoint {
	struct myc_dataplane *dataplane;
	uint32_t index, process;
	struct myc_grip grip;
	bool unfinished; /* done found no room to give everything back */
	bool in_frame;	 /* payload lies inside an Ethernet frame (AF_XDP); else at the address */
	uint32_t queues, next;
	struct {
		uint32_t number;
		int fd; /* to wake or poll; -1 = none */
		struct myc_hand_queue hand;
	} * queue;
	uint32_t kept_count;
	struct kept_queue *kept;
	struct myc_intake *intake; /* UDP, FILE */
	struct myc_dataplane_tables tables;
};

/* ---- the hot path -------------------------------------------------------------------------- */

static bool fill_packet(struct myc_endpoint *endpoint, const struct myc_hand_queue *queue,
			uint64_t address, uint32_t size, struct myc_packet *packet)
{
	struct myc_hand *hand = endpoint->grip.hand;
	uint32_t offset = 0, payload_size = size;

	if (!myc_hand_inside(queue, address, size, MYC_META_SIZE)) {
		hand->packets_bad_descriptor++;
		return false;
	}
	const uint8_t *frame = queue->frames + address;
	if (endpoint->in_frame && myc_frame_payload(frame, size, &offset, &payload_size)) {
		hand->packets_bad_frame++;
		return false;
	}
	packet->meta = (const struct myc_meta *)(frame - MYC_META_SIZE);
	if (packet->meta->version != MYC_META_VERSION) {
		hand->packets_bad_metadata++;
		return false;
	}
	packet->payload = frame + offset;
	packet->payload_size = payload_size;
	return true;
}

static unsigned take_again(struct myc_endpoint *endpoint, struct myc_packet *packets, unsigned max)
{
	struct myc_grip *grip = &endpoint->grip;
	unsigned n = myc_grip_take_again(grip, max), filled = 0;

	for (unsigned i = 0; i < n; i++) {
		uint16_t slot = grip->again[grip->again_begin + i];
		const struct myc_held *held = &grip->hand->held[slot];
		struct myc_packet *packet = &packets[filled];

		if (!fill_packet(endpoint, grip->queue[held->queue], held->address, held->size,
				 packet))
			continue;
		packet->hand = (uint16_t)(MYC_HAND_BATCH + slot);
		packet->again = true;
		filled++;
	}
	return filled;
}

static unsigned take_queue(struct myc_endpoint *endpoint, uint32_t number,
			   struct myc_packet *packets, unsigned max)
{
	struct myc_grip *grip = &endpoint->grip;
	const struct myc_hand_queue *queue = grip->queue[number];
	const struct myc_frame *batch = grip->hand->batch;
	unsigned n = myc_grip_take(grip, number, max), filled = 0;

	/* The packets were written by another core: ask for their lines before the first is read.
	 * A kernel's or a stranger's descriptor may point anywhere; prefetching does not fault. */
	for (unsigned i = 0; i < n; i++) {
		const uint8_t *meta = queue->frames +
				      (batch[i].address & (queue->frames_size - 1)) - MYC_META_SIZE;

		__builtin_prefetch(meta);
		__builtin_prefetch(meta + 64);
		__builtin_prefetch(meta + 128);
	}
	for (unsigned i = 0; i < n; i++) {
		struct myc_packet *packet = &packets[filled];

		if (!fill_packet(endpoint, queue, batch[i].address, batch[i].size, packet))
			continue;
		packet->hand = (uint16_t)i;
		packet->again = false;
		filled++;
	}
	return filled;
}

static void bring_home(struct myc_endpoint *endpoint)
{
	for (uint32_t k = 0; k < endpoint->kept_count; k++) {
		struct kept_queue *kept = &endpoint->kept[k];

		for (uint32_t b = 0; b < kept->borrowers; b++)
			myc_keeper_drain(kept->keeper, endpoint->grip.queue[kept->number],
					 &kept->borrower[b].ring, kept->borrower[b].endpoint);
	}
}

/* Nothing came: drivers that sleep until they are asked are asked. */
static void wake_driver(const struct myc_endpoint *endpoint)
{
	for (uint32_t i = 0; i < endpoint->queues; i++)
		if (endpoint->queue[i].fd >= 0 &&
		    (endpoint->dataplane->wait == MYC_WAIT_BUSY_POLL ||
		     myc_ring_needs_wakeup(&endpoint->queue[i].hand.home)))
			recvfrom(endpoint->queue[i].fd, NULL, 0, MSG_DONTWAIT, NULL, NULL);
}

unsigned myc_endpoint_take(struct myc_endpoint *endpoint, struct myc_packet *packets, unsigned max)
{
	struct myc_grip *grip = &endpoint->grip;
	unsigned n = 0;

	if (max > MYC_BATCH_MAX)
		max = MYC_BATCH_MAX;
	bring_home(endpoint);
	if (endpoint->unfinished) {
		endpoint->unfinished = !myc_grip_give(grip);
		if (endpoint->unfinished)
			return 0;
	}
	if (grip->again_next < grip->again_count) {
		n = take_again(endpoint, packets, max);
		if (!n)
			myc_endpoint_done(endpoint);
		return n;
	}
	if (endpoint->intake)
		endpoint->intake->ops->pump(endpoint->intake);
	for (uint32_t i = 0; i < endpoint->queues; i++) {
		uint32_t number = endpoint->queue[endpoint->next].number;

		endpoint->next = endpoint->next + 1 < endpoint->queues ? endpoint->next + 1 : 0;
		n = take_queue(endpoint, number, packets, max);
		if (n)
			return n;
		/* A batch of which nothing could be delivered goes home at once. */
		if (grip->batch_count) {
			myc_endpoint_done(endpoint);
			if (endpoint->unfinished)
				return 0;
		}
	}
	if (endpoint->dataplane->wait != MYC_WAIT_SPIN)
		wake_driver(endpoint);
	return 0;
}

int myc_endpoint_hold(struct myc_endpoint *endpoint, struct myc_packet *packet)
{
	int entry = myc_grip_hold(&endpoint->grip, packet->hand);

	if (entry < 0)
		return entry;
	packet->hand = (uint16_t)entry;
	return 0;
}

void myc_endpoint_release(struct myc_endpoint *endpoint, uint16_t hand)
{
	myc_grip_release(&endpoint->grip, hand);
}

void myc_endpoint_done(struct myc_endpoint *endpoint)
{
	endpoint->unfinished = !myc_grip_give(&endpoint->grip);
}

bool myc_endpoint_ready(struct myc_endpoint *endpoint)
{
	if (endpoint->unfinished || endpoint->grip.again_next < endpoint->grip.again_count)
		return true;
	for (uint32_t i = 0; i < endpoint->queues; i++)
		if (myc_ring_waiting(&endpoint->queue[i].hand.rx))
			return true;
	return endpoint->intake && endpoint->intake->ops->ready(endpoint->intake);
}

unsigned myc_endpoint_descriptors(struct myc_endpoint *endpoint, int *fds, unsigned max)
{
	unsigned n = 0;

	if (endpoint->dataplane->wait != MYC_WAIT_BLOCKING)
		return 0;
	if (endpoint->intake)
		return endpoint->intake->ops->descriptors(endpoint->intake, fds, max);
	for (uint32_t i = 0; i < endpoint->queues; i++, n++)
		if (n < max)
			fds[n] = endpoint->queue[i].fd;
	return n;
}

/* ---- joining ------------------------------------------------------------------------------- */

static int join_kept(struct myc_endpoint *endpoint, uint32_t number,
		     const struct myc_region *regions, uint32_t processes)
{
	const struct myc_shape *shape = &endpoint->dataplane->shape;
	struct kept_queue *kept = &endpoint->kept[endpoint->kept_count++];
	uint64_t size = 0;

	kept->number = number;
	kept->keeper =
		myc_region_block(&regions[endpoint->process], MYC_BLOCK_KEEPER, number, &size);
	if (!kept->keeper || size < sizeof(*kept->keeper))
		return -EUCLEAN;
	for (uint32_t e = 0; e < shape->endpoints; e++) {
		if (e == endpoint->index || !myc_shape_on(shape, e, number))
			continue;
		uint32_t process = shape->endpoint[e].process;
		if (process >= processes)
			return -EINVAL;
		const struct myc_return_ring *ring =
			myc_region_block(&regions[process], MYC_BLOCK_RETURN_RING,
					 myc_return_index(e, number), &size);
		if (!ring || size < sizeof(*ring) + shape->frames * sizeof(uint64_t))
			return -EUCLEAN;
		kept->borrower[kept->borrowers].endpoint = e;
		kept->borrower[kept->borrowers++].ring =
			(struct myc_borrower){.ring = ring, .slots = shape->frames};
	}
	return myc_keeper_recover(kept->keeper, endpoint->grip.queue[number]);
}

static int socket_of(const struct myc_xsk_queue *queue, uint32_t endpoint)
{
	for (uint32_t i = 0; i < queue->sockets; i++)
		if (queue->socket[i].endpoint == endpoint)
			return queue->socket[i].fd;
	return -1;
}

static int join_xdp(struct myc_endpoint *endpoint, struct myc_hand *hand,
		    const struct myc_region *regions, uint32_t processes)
{
	struct myc_dataplane *dataplane = endpoint->dataplane;
	const struct myc_shape *shape = &dataplane->shape;
	const struct myc_hand_queue *by_number[MYC_QUEUES_MAX] = {NULL};
	uint32_t most = (uint32_t)__builtin_popcountll(shape->endpoint[endpoint->index].queues);
	int err = 0;

	endpoint->in_frame = true;
	endpoint->queue = calloc(most, sizeof(*endpoint->queue));
	endpoint->kept = calloc(most, sizeof(*endpoint->kept));
	if (!endpoint->queue || !endpoint->kept)
		return -ENOMEM;
	for (uint32_t q = 0; !err && q < MYC_QUEUES_MAX; q++) {
		if (!myc_shape_on(shape, endpoint->index, q))
			continue;
		uint32_t i = endpoint->queues++;

		endpoint->queue[i].number = q;
		endpoint->queue[i].fd = socket_of(dataplane->queue[q], endpoint->index);
		err = myc_dataplane_hand_queue(dataplane, endpoint->index, q,
					       &regions[endpoint->process],
					       &endpoint->queue[i].hand);
		by_number[q] = &endpoint->queue[i].hand;
	}
	if (!err)
		err = myc_grip_recover(&endpoint->grip, hand, by_number);
	for (uint32_t i = 0; !err && i < endpoint->queues; i++)
		if (shape->keeper[endpoint->queue[i].number] == endpoint->index)
			err = join_kept(endpoint, endpoint->queue[i].number, regions, processes);
	return err;
}

static int join_intake(struct myc_endpoint *endpoint, struct myc_hand *hand,
		       const struct myc_region *region, struct myc_error *error)
{
	struct myc_dataplane *dataplane = endpoint->dataplane;
	const struct myc_shape *shape = &dataplane->shape;
	const struct myc_hand_queue *by_number[MYC_QUEUES_MAX] = {NULL};
	int err;

	endpoint->intake = calloc(1, sizeof(*endpoint->intake));
	endpoint->queue = calloc(1, sizeof(*endpoint->queue));
	if (!endpoint->intake || !endpoint->queue)
		return -ENOMEM;
	err = myc_intake_join(endpoint->intake, region, endpoint->index, shape->frames,
			      shape->frame_size, dataplane->config, &endpoint->tables);
	if (err)
		return err;
	endpoint->intake->tables.bindings = dataplane->bindings;
	endpoint->queue[0].fd = -1;
	endpoint->queue[0].hand = endpoint->intake->queue;
	endpoint->queues = 1;
	by_number[0] = &endpoint->queue[0].hand;
	err = myc_grip_recover(&endpoint->grip, hand, by_number);
	if (!err)
		err = myc_intake_refill(endpoint->intake, hand);
	if (err)
		return err;
	if (shape->kind == MYC_DATAPLANE_UDP)
		return myc_source_udp_open(endpoint->intake, dataplane->socket,
					   dataplane->wait == MYC_WAIT_BLOCKING, error);
	return myc_source_file_open(endpoint->intake, dataplane->file, dataplane->file_speed,
				    error);
}

int myc_endpoint_join(struct myc_endpoint **out, struct myc_dataplane *dataplane, uint32_t index,
		      const struct myc_region *regions, uint32_t processes,
		      const struct myc_dataplane_tables *tables, struct myc_error *error)
{
	struct myc_endpoint *endpoint;
	int err;

	if (index >= dataplane->shape.endpoints ||
	    dataplane->shape.endpoint[index].process >= processes)
		return myc_error_set(error, -EINVAL, NULL, "there is no endpoint %u", index);
	endpoint = calloc(1, sizeof(*endpoint));
	if (!endpoint)
		return myc_error_set(error, -ENOMEM, NULL, "out of memory");
	endpoint->dataplane = dataplane;
	endpoint->index = index;
	endpoint->process = dataplane->shape.endpoint[index].process;
	if (tables)
		endpoint->tables = *tables;
	if (error)
		error->code = 0;

	uint64_t size = 0;
	struct myc_hand *hand =
		myc_region_block(&regions[endpoint->process], MYC_BLOCK_HAND, index, &size);
	if (!hand || size < sizeof(*hand))
		err = -EUCLEAN;
	else if (dataplane->shape.kind == MYC_DATAPLANE_XDP)
		err = join_xdp(endpoint, hand, regions, processes);
	else
		err = join_intake(endpoint, hand, &regions[endpoint->process], error);
	if (!err) {
		*out = endpoint;
		return 0;
	}
	if (!error || !error->code)
		myc_error_set(error, err, "stop the whole system and start it anew", "%s",
			      err == -EUCLEAN ? "the region and the rings contradict each other"
					      : strerror(-err));
	myc_error_doing(error, "joining endpoint %u", index);
	myc_endpoint_leave(endpoint);
	return err;
}

void myc_endpoint_leave(struct myc_endpoint *endpoint)
{
	if (!endpoint)
		return;
	if (endpoint->intake && endpoint->intake->ops)
		endpoint->intake->ops->close(endpoint->intake);
	free(endpoint->intake);
	free(endpoint->kept);
	free(endpoint->queue);
	free(endpoint);
}

int myc_endpoint_view(struct myc_endpoint *endpoint, uint16_t channel,
		      struct myc_channel_view *view)
{
	const struct myc_dataplane *dataplane = endpoint->dataplane;
	const struct myc_steer_config *config = dataplane->config;

	if (!config || channel >= config->channels_count)
		return -ENOENT;
	const struct myc_channel_config *own = &config->channel[channel];
	if (!endpoint->tables.page || own->page_slot >= MYC_PROCESS_CHANNELS_MAX)
		return -EINVAL;
	*view = (struct myc_channel_view){.channel = channel,
					  .config = own,
					  .page = &endpoint->tables.page->channel[own->page_slot]};
	struct myc_locate_filter *locate;
	if (endpoint->intake) {
		view->state = &endpoint->intake->tables.state[channel];
		view->window = &endpoint->intake->tables.window[channel];
		locate = endpoint->intake->tables.locate;
	} else if (endpoint->tables.maps) {
		view->state = &endpoint->tables.maps->state[channel];
		view->window = &endpoint->tables.maps->window[channel];
		locate = endpoint->tables.maps->locate;
	} else {
		return -EINVAL;
	}
	view->locate = own->filter == MYC_FILTER_LOCATE && locate ? &locate[channel] : NULL;
	return 0;
}

bool myc_endpoint_exhausted(const struct myc_endpoint *endpoint)
{
	const struct myc_grip *grip = &endpoint->grip;

	return endpoint->intake && endpoint->intake->ops->ended(endpoint->intake) &&
	       !myc_ring_waiting(&endpoint->queue[0].hand.rx) && !grip->batch_count && !grip->used;
}

int myc_endpoint_error(const struct myc_endpoint *endpoint, struct myc_error *error)
{
	if (!endpoint->intake || !endpoint->intake->block->error_code)
		return 0;
	return myc_error_set(error, endpoint->intake->block->error_code,
			     "do not change a file while it is read", "%s",
			     endpoint->intake->block->error_cause);
}
