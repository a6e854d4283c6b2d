/* SPDX-License-Identifier: Apache-2.0 */
#include "myc-feed/packetize.h"

#include <errno.h>
#include <string.h>

void packetizer_init(struct packetizer *packetizer, const struct packetizer_opts *opts,
		     struct packet_queue *pool, struct packet_sink sink)
{
	*packetizer = (struct packetizer){.opts = *opts,
					  .pool = pool,
					  .sink = sink,
					  .chance = chance_seeded(opts->seed, 100u + opts->line)};
}

static struct packet *packet_begin(struct packetizer *packetizer, enum packet_kind kind,
				   uint64_t now_ns)
{
	struct packet *packet = packet_new(packetizer->pool);

	if (!packet)
		return NULL;
	packet->time_ns = now_ns;
	packet->sequence = packetizer->next_sequence;
	packet->run = packetizer->run;
	packet->count = 0;
	packet->line = packetizer->opts.line;
	packet->kind = (uint8_t)kind;
	packet->payload_at = 0;
	packet->size = wire_header_size(packetizer->opts.protocol);
	return packet;
}

/* Writes the header of a finished packet and hands it on. */
static int packet_leave(struct packetizer *packetizer, struct packet *packet, uint64_t offset,
			uint64_t now_ns)
{
	struct wire_header header = {
		.identity = packetizer->identity,
		.sequence = packet->sequence,
		.offset = offset,
		.send_ns = packetizer->send_ns,
		.count = packet->count,
		.kind = packet->kind,
	};

	wire_put_header(packetizer->opts.protocol, packet->bytes, packet->size, &header);
	packet->time_ns = now_ns;
	packetizer->last_ns = now_ns;
	return packetizer->sink.take(packetizer->sink.context, packet);
}

int packetizer_flush(struct packetizer *packetizer, uint64_t now_ns)
{
	struct packet *packet = packetizer->open;

	if (!packet)
		return 0;
	packetizer->open = NULL;
	return packet_leave(packetizer, packet, packetizer->open_offset, now_ns);
}

int packetizer_begin(struct packetizer *packetizer, const struct wire_identity *identity,
		     uint32_t run, uint64_t sequence, uint64_t offset, uint64_t now_ns)
{
	int err = packetizer_flush(packetizer, now_ns);

	packetizer->identity = *identity;
	packetizer->run = run;
	packetizer->next_sequence = sequence;
	packetizer->next_offset = offset;
	packetizer->last_ns = now_ns;
	return err;
}

int packetizer_advance(struct packetizer *packetizer, uint64_t now_ns)
{
	uint64_t beat = packetizer->opts.heartbeat_ns;
	int err = 0;

	if (packetizer->open && packetizer->leave_ns < now_ns)
		err = packetizer_flush(packetizer, packetizer->leave_ns);
	if (packetizer->open || !beat)
		return err;
	while (!err && now_ns - packetizer->last_ns > beat) {
		uint64_t at = packetizer->last_ns + beat;

		err = packetizer_idle(packetizer, at, 0, false);
	}
	return err;
}

static int open_packet(struct packetizer *packetizer, uint64_t now_ns)
{
	const struct packetizer_opts *opts = &packetizer->opts;
	uint64_t free_ns = packetizer->last_ns + opts->pack_ns;

	packetizer->open = packet_begin(packetizer, PACKET_DATA, now_ns);
	if (!packetizer->open)
		return -ENOMEM;
	packetizer->open_offset = packetizer->next_offset;
	packetizer->open_max = opts->messages_max;
	packetizer->leave_ns = free_ns > now_ns ? free_ns : now_ns;
	if (opts->repack) {
		uint64_t hold = 2 * opts->pack_ns + 1;

		packetizer->open_max =
			1 + (uint32_t)(chance_next(&packetizer->chance) % opts->messages_max);
		packetizer->leave_ns = now_ns + chance_next(&packetizer->chance) % hold;
	} else if (opts->as_source) {
		packetizer->open_max = UINT16_MAX - 1;
	}
	return 0;
}

int packetizer_message(struct packetizer *packetizer, const struct item *item)
{
	const struct packetizer_opts *opts = &packetizer->opts;
	uint32_t block = WIRE_BLOCK_SIZE + item->size;
	int err = 0;

	if (wire_header_size(opts->protocol) + block > opts->payload_max)
		return -EMSGSIZE;
	if (item->sequence && item->sequence != packetizer->next_sequence) {
		err = packetizer_flush(packetizer, item->time_ns);
		packetizer->next_sequence = item->sequence;
		packetizer->next_offset = item->offset;
	}
	if (!err && packetizer->open && packetizer->open->size + block > opts->payload_max)
		err = packetizer_flush(packetizer, item->time_ns);
	if (!err && !packetizer->open)
		err = open_packet(packetizer, item->time_ns);
	if (err)
		return err;

	struct packet *packet = packetizer->open;

	wire_put_length(opts->protocol, packet->bytes + packet->size, item->size);
	memcpy(packet->bytes + packet->size + WIRE_BLOCK_SIZE, item->data, item->size);
	packet->size += block;
	packet->count++;
	packetizer->next_sequence++;
	packetizer->next_offset += block;
	packetizer->send_ns = item->send_ns;
	if (packet->count >= packetizer->open_max ||
	    (opts->as_source && !opts->repack && item->ends_packet))
		return packetizer_flush(packetizer, item->time_ns);
	return 0;
}

int packetizer_opaque(struct packetizer *packetizer, const struct item *item)
{
	struct packet *packet = packet_begin(packetizer, PACKET_OPAQUE, item->time_ns);

	if (!packet)
		return -ENOMEM;
	memcpy(packet->bytes, item->data, item->size);
	packet->size = item->size;
	packet->payload_at = item->payload_at;
	packetizer->last_ns = item->time_ns;
	/* Opaque packets are numbered one by one, so that the truth can name the lost ones. */
	packetizer->next_sequence++;
	packet->count = 1;
	return packetizer->sink.take(packetizer->sink.context, packet);
}

int packetizer_idle(struct packetizer *packetizer, uint64_t now_ns, uint64_t send_ns, bool end)
{
	int err = packetizer_flush(packetizer, now_ns);

	if (err)
		return err;
	end = end && packetizer->opts.protocol == WIRE_MOLDUDP64;

	struct packet *packet =
		packet_begin(packetizer, end ? PACKET_END : PACKET_HEARTBEAT, now_ns);

	if (!packet)
		return -ENOMEM;
	packetizer->send_ns =
		send_ns ? send_ns : packetizer->send_ns + (now_ns - packetizer->last_ns);
	return packet_leave(packetizer, packet, packetizer->next_offset, now_ns);
}
