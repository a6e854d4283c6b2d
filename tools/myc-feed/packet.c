/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/packet.h"

#include <stdlib.h>
#include <string.h>

void packet_push(struct packet_queue *queue, struct packet *packet)
{
	packet->next = NULL;
	if (queue->last)
		queue->last->next = packet;
	else
		queue->first = packet;
	queue->last = packet;
}

struct packet *packet_pop(struct packet_queue *queue)
{
	struct packet *packet = queue->first;

	if (!packet)
		return NULL;
	queue->first = packet->next;
	if (!queue->first)
		queue->last = NULL;
	packet->next = NULL;
	return packet;
}

struct packet *packet_new(struct packet_queue *pool)
{
	struct packet *packet = packet_pop(pool);

	return packet ? packet : calloc(1, sizeof(*packet));
}

struct packet *packet_copy(struct packet_queue *pool, const struct packet *packet)
{
	struct packet *copy = packet_new(pool);

	if (!copy)
		return NULL;
	memcpy(copy, packet, offsetof(struct packet, bytes) + packet->size);
	copy->next = NULL;
	return copy;
}

void packet_free(struct packet_queue *pool, struct packet *packet)
{
	/* The last one used is the first one taken: its bytes are still in the cache. */
	packet->next = pool->first;
	pool->first = packet;
	if (!pool->last)
		pool->last = packet;
}

void packet_pool_close(struct packet_queue *pool)
{
	for (struct packet *packet; (packet = packet_pop(pool));)
		free(packet);
}
