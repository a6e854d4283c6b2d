/* SPDX-License-Identifier: Apache-2.0 */
/* What a packet is to its stream: malformed, of another numbering, a heartbeat, or messages. */
#include <mycelium/market/iextp.h>
#include <mycelium/market/moldudp64.h>
#include <mycelium/market/sbe_packet.h>

#include "market/arbiter_private.h"

static int read_mold(const struct myc_packet *from, struct arbiter_packet *to, bool *end)
{
	struct myc_mold mold;

	if (myc_mold_read(&mold, from->payload, from->payload_size) || myc_mold_check(&mold))
		return -EBADMSG;
	myc_mold_session_words(mold.session, to->session);
	to->sequence = mold.sequence;
	to->end = mold.sequence + mold.count;
	to->blocks = mold.blocks;
	*end = mold.end_of_session;
	return 0;
}

static int read_iextp(const struct myc_channel_config *config, const struct myc_packet *from,
		      struct arbiter_packet *to)
{
	struct myc_iextp segment;

	if (myc_iextp_read(&segment, from->payload, from->payload_size) ||
	    myc_iextp_check(&segment) ||
	    (config->iex_channel && config->iex_channel != segment.channel) ||
	    (config->iex_protocol && config->iex_protocol != segment.protocol))
		return -EBADMSG;
	to->session[0] = segment.session;
	to->sequence = segment.sequence;
	to->end = segment.sequence + segment.count;
	to->blocks = segment.blocks;
	to->send_ns = segment.send_ns;
	return 0;
}

/* Numbers of less than 64 bits wrap: the one nearest to `next` is meant (as in the program). */
static uint64_t unwrap(uint64_t number, uint64_t next, uint32_t width)
{
	uint32_t shift = (64 - 8 * width) & 63;
	int64_t ahead = (int64_t)((number - next) << shift) >> shift;

	if (ahead < 0 && (uint64_t)-ahead > next)
		return number;
	return next + (uint64_t)ahead;
}

static int read_generic(const struct myc_arbiter *a, const struct myc_packet *from,
			struct arbiter_packet *to)
{
	const struct myc_channel_config *config = a->view.config;
	uint32_t width = config->generic_width;
	bool big = config->flags & MYC_CHANNEL_GENERIC_BIG_ENDIAN;
	uint64_t number = 0;

	if (from->payload_size < (uint32_t)config->generic_offset + width)
		return -EBADMSG;
	for (uint32_t i = 0; i < width; i++) {
		uint32_t shift = 8 * (big ? width - 1 - i : i);
		number |= (uint64_t)from->payload[config->generic_offset + i] << shift;
	}
	to->sequence = arbiter_epoch(a) ? unwrap(number, arbiter_next(a), width) : number;
	to->end = to->sequence + 1;
	to->blocks = (struct myc_blocks){from->payload, from->payload_size};
	return 0;
}

static bool numbers_packets(enum myc_protocol protocol)
{
	return protocol == MYC_PROTOCOL_MDP3 || protocol == MYC_PROTOCOL_B3 ||
	       protocol == MYC_PROTOCOL_DERIBIT;
}

/* The session as abi/steer.h announces it. */
static int read_sbe(const struct myc_arbiter *a, const struct myc_packet *from,
		    struct arbiter_packet *to, bool *end)
{
	const bool wraps = a->protocol == MYC_PROTOCOL_MDP3 || a->protocol == MYC_PROTOCOL_DERIBIT;
	struct myc_sbe_packet packet;
	int error;

	if (a->protocol == MYC_PROTOCOL_MDP3)
		error = myc_mdp3_read(&packet, from->payload, from->payload_size);
	else if (a->protocol == MYC_PROTOCOL_B3)
		error = myc_b3_read(&packet, from->payload, from->payload_size);
	else if (a->protocol == MYC_PROTOCOL_MEMX)
		error = myc_memx_read(&packet, from->payload, from->payload_size);
	else
		error = myc_deribit_read(&packet, from->payload, from->payload_size);
	/* Where packets are numbered, what is in them is the reader's to judge. */
	if (!error && a->protocol == MYC_PROTOCOL_MEMX)
		error = myc_sbe_packet_check(&packet);
	if (error)
		return error;
	to->session[0] = a->protocol == MYC_PROTOCOL_B3 ? packet.channel | packet.session << 16
							: packet.channel + packet.session;
	to->sequence = wraps && arbiter_epoch(a) ? unwrap(packet.sequence, arbiter_next(a), 4)
						 : packet.sequence;
	to->end = to->sequence + packet.count;
	to->send_ns = packet.send_ns;
	to->blocks = a->protocol == MYC_PROTOCOL_MEMX
			     ? packet.message
			     : (struct myc_blocks){from->payload, from->payload_size};
	*end = packet.end_of_session;
	return 0;
}

static int read_packet(const struct myc_arbiter *a, const struct myc_packet *from,
		       struct arbiter_packet *to, bool *end)
{
	int error;

	*to = (struct arbiter_packet){.packet = *from};
	*end = false;
	to->line = from->meta->line < a->lines ? from->meta->line : 0;
	to->lines = (uint8_t)(1u << to->line);
	/* Where packets are numbered, the flag may be about the messages in it. */
	if (from->meta->flags & MYC_META_MALFORMED && !numbers_packets(a->protocol))
		return -EBADMSG;
	if (a->protocol == MYC_PROTOCOL_MOLDUDP64)
		error = read_mold(from, to, end);
	else if (a->protocol == MYC_PROTOCOL_IEXTP)
		error = read_iextp(a->view.config, from, to);
	else if (a->protocol != MYC_PROTOCOL_GENERIC)
		error = read_sbe(a, from, to, end);
	else
		error = read_generic(a, from, to);
	if (!error && to->end > MYC_SEQUENCE_MASK)
		error = -EBADMSG;
	to->cursor = to->sequence;
	return error;
}

/*
 * After a restart of the numbering, packets of the old one still come: out of the ring, by the
 * other lines. They go on near where it ended, the new one is near its beginning.
 */
bool arbiter_is_old(const struct myc_arbiter *a, uint64_t sequence)
{
	uint64_t from = arbiter_row(a)->reset_from, next = arbiter_next(a);

	return from > next && sequence > next + (from - next) / 2;
}

static bool is_retired_session(const struct myc_arbiter *a, const uint64_t session[2])
{
	uint64_t epoch = arbiter_epoch(a);

	for (uint64_t back = 1; back <= 3 && back < epoch; back++) {
		const struct myc_feed_row *row = &a->block->row[(epoch - back) & 3];
		if (row->session[0] == session[0] && row->session[1] == session[1])
			return true;
	}
	return false;
}

/* An unflagged or understood packet of the present numbering. */
static void accept(struct myc_arbiter *a, const struct arbiter_packet *packet, bool end)
{
	uint64_t next = arbiter_next(a);

	if (a->old_lines >> packet->line & 1) {
		if (arbiter_is_old(a, packet->sequence)) {
			arbiter_finish_packet(a, packet);
			return;
		}
		a->old_lines &= (uint8_t)~packet->lines;
	}
	arbiter_not_suspect(a, packet->line);
	if (packet->send_ns > a->send_ns)
		a->send_ns = packet->send_ns;
	if (a->gap_open && packet->sequence > next)
		a->gap_past[packet->line]++;
	if (packet->end > packet->sequence) {
		if (packet->end <= next) {
			arbiter_finish_packet(a, packet);
			return;
		}
		a->current = *packet;
		a->has_current = true;
		return;
	}
	if (packet->sequence > next && packet->sequence > a->revealed) {
		a->revealed = packet->sequence;
		a->revealed_ns = a->now_ns;
	}
	if (end) {
		a->end = packet->sequence + 1;
	} else {
		a->heartbeat = packet->sequence + 1;
		a->heartbeat_line = packet->line;
	}
}

static void judge(struct myc_arbiter *a, struct arbiter_packet *packet, bool end)
{
	const struct myc_meta *meta = packet->packet.meta;
	const struct myc_feed_row *row = arbiter_row(a);
	uint64_t epoch = arbiter_epoch(a), next = arbiter_next(a);

	if (!epoch) {
		arbiter_begin(a, packet->session, packet->sequence);
	} else if (row->session[0] != packet->session[0] || row->session[1] != packet->session[1]) {
		if (is_retired_session(a, packet->session))
			arbiter_finish_packet(a, packet);
		else
			arbiter_suspect(a, SUSPICION_SESSION, packet);
		return;
	} else if (meta->flags & MYC_META_SUSPECT_RESET && meta->epoch == (epoch & 0xff) &&
		   packet->sequence + a->reorder_messages < next) {
		/* Flagged, but near next: the line is back from a stray number, not restarted. */
		arbiter_suspect(a, SUSPICION_RESET, packet);
		return;
	}
	accept(a, packet, end);
}

/* Packets without a number, at most once: those begun before a crash come again first. */
static bool unsequenced(struct myc_arbiter *a, const struct myc_packet *packet)
{
	if (!packet->again)
		a->skip = 0;
	if (a->skip) {
		a->skip--;
		a->round_begun++;
		a->block->metrics.packets_duplicate++;
		return true;
	}
	a->loose = *packet;
	a->loose_kind = MYC_FEED_PACKET;
	a->has_loose = true;
	return arbiter_pump(a);
}

bool myc_arbiter_packet(struct myc_arbiter *a, const struct myc_packet *packet, uint64_t now_ns)
{
	struct myc_feed_metrics *metrics = &a->block->metrics;
	struct arbiter_packet parsed;
	bool end;

	a->now_ns = now_ns;
	a->drained = false;
	metrics->packets++;
	if (a->protocol == MYC_PROTOCOL_GENERIC && !a->view.config->generic_width)
		return unsequenced(a, packet);
	if (read_packet(a, packet, &parsed, &end)) {
		metrics->packets_malformed++;
		a->loose = *packet;
		a->loose_kind = MYC_FEED_MALFORMED;
		a->has_loose = true;
		return arbiter_pump(a);
	}
	if (a->protocol == MYC_PROTOCOL_B3 && !parsed.sequence) {
		/* Of the channel, not of its numbering: told at once, by each line. */
		a->loose = *packet;
		a->loose_kind = MYC_FEED_PACKET;
		a->has_loose = true;
		return arbiter_pump(a);
	}
	metrics->heartbeats += parsed.end == parsed.sequence && !end;
	judge(a, &parsed, end);
	return arbiter_pump(a);
}
