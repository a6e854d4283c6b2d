/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The judgement of one datagram: its channel, who gets it, where it stands in its sequence, and
 * whether it may be dropped. Whatever is not positively understood is delivered with a flag.
 *
 *	binding -> source -> owner -> header -> epoch -> line -> duplicate -> filter -> high word
 *
 * The owner comes before the sequence: what the host's own stack is to get, it gets whole.
 *
 * Lines of one channel are judged on several CPUs at once. A word that loses a race here stays
 * behind for a while, which can cost a needless delivery or a wrong hint, never a drop.
 */
#ifndef MYC_BPF_JUDGE_H
#define MYC_BPF_JUDGE_H

#include <mycelium/abi/meta.h>

#include "filter.h"
#include "generic.h"
#include "parse.h"
#include "route.h"
#include "sbe.h"

#define WORD_RAISE_TRIES 4

struct verdict {
	struct myc_meta meta;
	struct myc_counters *counters; /* of the channel; NULL = of no channel */
	uint32_t endpoint;
	uint32_t messages;
	bool window_conflict;
};

static __always_inline const struct myc_binding *binding_probe(const struct steer_host *host,
							       const struct datagram *datagram,
							       uint32_t vlan)
{
	const uint64_t address0 = datagram->destination[0], address1 = datagram->destination[1];
	const uint32_t port_vlan = datagram->port | vlan << 16;
	uint32_t at = myc_binding_hash(address0, address1, port_vlan);

	for (int probe = 0; probe < MYC_BINDING_PROBES_MAX; probe++) {
		const struct myc_binding_slot *slot =
			host_binding_slot(host, at & (MYC_BINDING_SLOTS - 1));

		if (!slot || !slot->used)
			return NULL;
		if (((slot->address[0] ^ address0) | (slot->address[1] ^ address1) |
		     (slot->port_vlan ^ port_vlan)) == 0)
			return &slot->value;
		at++;
	}
	return NULL;
}

static __always_inline const struct myc_binding *binding_find(const struct steer_host *host,
							      const struct datagram *datagram)
{
	const struct myc_binding *binding = NULL;

	if (host_bindings_with_vlan(host) && datagram->vlan != MYC_VLAN_ANY)
		binding = binding_probe(host, datagram, datagram->vlan);
	return binding ? binding : binding_probe(host, datagram, MYC_VLAN_ANY);
}

static __always_inline bool source_allowed(const struct myc_binding *binding,
					   const struct datagram *datagram)
{
	if (binding->sources_count == 0)
		return true;
#pragma GCC unroll 4
	for (int i = 0; i < MYC_SOURCES_MAX; i++) {
		const uint8_t *source = binding->source[i];

		if (i < binding->sources_count && packet_load64(source) == datagram->source[0] &&
		    packet_load64(source + 8) == datagram->source[1])
			return true;
	}
	return false;
}

/* Compare-exchange to the greater number; a word of another epoch is replaced. */
static __always_inline void word_raise(uint64_t *word, uint64_t seen, uint64_t epoch, uint64_t next)
{
	for (int try = 0; try < WORD_RAISE_TRIES; try++) {
		uint64_t found;

		if (myc_word_epoch(seen) == epoch && myc_word_number(seen) >= next)
			return;
		found = word_exchange(word, seen, myc_epoch_word(epoch, next));
		if (found == seen)
			return;
		seen = found;
	}
}

/* Follows the line's own next number. True: it stepped back beyond its reorder window, which one
 * line never does (a restart in the same session); the word then stays until the epoch changes. */
static __always_inline bool line_stepped_back(uint64_t *line, uint32_t reorder_window,
					      uint64_t epoch, uint64_t sequence, uint64_t next)
{
	const uint64_t seen = word_load(line);

	if (myc_word_epoch(seen) == epoch && sequence + reorder_window < myc_word_number(seen))
		return true;
	word_raise(line, seen, epoch, next);
	return false;
}

/* The filter's answer for a data packet that is in order or early on its line. */
static __always_inline bool filter_drops(const struct steer_host *host,
					 const struct datagram *datagram,
					 const struct header *header, uint64_t epoch,
					 struct verdict *verdict)
{
	struct filter_job job = {
		.epoch = epoch,
		.sequence = header->sequence,
		.channel = verdict->meta.channel,
		.count = header->count,
		.at = datagram->offset + header->blocks,
		.end = datagram->offset + datagram->size,
	};
	const bool drops = filter_packet(host_handle(host), &job) != 0;

	verdict->meta.flags |= (uint8_t)job.flags;
	verdict->window_conflict = job.window_conflict;
	return drops;
}

/* REDIRECTED = deliver; DUPLICATE and FILTERED = drop. */
static __always_inline enum myc_reason sequence_judge(const struct steer_host *host,
						      const struct myc_channel_config *config,
						      const struct datagram *datagram,
						      const struct header *header,
						      struct myc_channel_state *shared,
						      uint64_t watermark, struct verdict *verdict)
{
	struct myc_meta *meta = &verdict->meta;
	const uint64_t epoch = myc_word_epoch(watermark);
	const uint64_t next = header->sequence + header->count;
	const uint64_t seen = word_load(&shared->high);
	const uint64_t expected = myc_word_number(myc_word_epoch(seen) == epoch ? seen : watermark);
	const uint32_t reorder_window =
		config->reorder_window ? config->reorder_window : MYC_REORDER_WINDOW_DEFAULT;
	enum myc_reason reason = MYC_REASON_REDIRECTED;

	if (header->sequence > expected) {
		const uint64_t gap = header->sequence - expected;

		meta->gap = gap > UINT32_MAX ? UINT32_MAX : (uint32_t)gap;
	}
	if (line_stepped_back(&shared->line_next[meta->line & (MYC_LINES_MAX - 1)], reorder_window,
			      epoch, header->sequence, next)) {
		meta->flags |= MYC_META_SUSPECT_RESET;
		return reason;
	}
	if (header->count != 0) {
		if (config->flags & MYC_CHANNEL_DROP_DUPLICATES &&
		    next <= myc_word_number(watermark))
			reason = MYC_REASON_DUPLICATE;
		else if (config_filters(config) &&
			 filter_drops(host, datagram, header, epoch, verdict))
			reason = MYC_REASON_FILTERED;
	}
	/* After the record: who reads this word finds what is filtered below it. */
	word_raise(&shared->high, seen, epoch, next);
	return reason;
}

static __always_inline void header_parse(const struct steer_host *host,
					 const struct myc_channel_config *config,
					 const struct datagram *datagram, struct header *header)
{
	const struct frame frame = host_frame(host);
	const struct payload payload = {
		.at = frame.start + bounded(datagram->offset, HEADERS_MASK),
		.end = frame.end,
		.size = datagram->size,
	};

	if (config->protocol == MYC_PROTOCOL_MOLDUDP64)
		moldudp64_header(&payload, header);
	else if (config->protocol == MYC_PROTOCOL_IEXTP)
		iextp_header(&payload, config, header);
	else if (config->protocol == MYC_PROTOCOL_MDP3)
		mdp3_header(&payload, header);
	else if (config->protocol == MYC_PROTOCOL_B3)
		b3_header(&payload, header);
	else if (config->protocol == MYC_PROTOCOL_MEMX)
		memx_header(&payload, header);
	else if (config->protocol == MYC_PROTOCOL_DERIBIT)
		deribit_header(&payload, header);
	else
		generic_header(&payload, config, header);
}

static __always_inline bool session_is(const uint64_t *session, const struct header *header)
{
	return ((word_load(&session[0]) ^ header->session[0]) |
		(word_load(&session[1]) ^ header->session[1])) == 0;
}

static __always_inline enum myc_reason channel_judge(const struct steer_host *host,
						     const struct myc_channel_config *config,
						     const struct datagram *datagram,
						     struct myc_channel_state *shared,
						     const struct route *route,
						     struct verdict *verdict)
{
	struct myc_meta *meta = &verdict->meta;
	struct header header = {0};
	const struct myc_channel_page *page = NULL;
	const uint64_t *session;
	uint64_t watermark = 0, epoch;

	if (route->page) {
		page = &route->page
				->channel[bounded(config->page_slot, MYC_PROCESS_CHANNELS_MAX - 1)];
		watermark = word_load(&page->watermark);
	}
	epoch = myc_word_epoch(watermark);
	header_parse(host, config, datagram, &header);
	meta->sequence = header.sequence;
	meta->count = (uint16_t)header.count;
	meta->epoch = (uint8_t)epoch;
	meta->flags = header.flags;
	verdict->messages = header.count;
	if (header.flags & (MYC_META_MALFORMED | MYC_META_UNSEQUENCED))
		return MYC_REASON_REDIRECTED;
	if (!page || epoch == 0) {
		meta->flags |= MYC_META_UNKNOWN_SESSION;
		return MYC_REASON_REDIRECTED;
	}
	session = page->session[epoch & 3];
	/* One test on the road of feeds whose numbers do not wrap. */
	if (header.wraps) {
		if (config->protocol != MYC_PROTOCOL_GENERIC && !session_is(session, &header)) {
			meta->flags |= MYC_META_UNKNOWN_SESSION;
			return MYC_REASON_REDIRECTED;
		}
		header.sequence =
			generic_unwrap(header.sequence, myc_word_number(watermark), header.wraps);
		meta->sequence = header.sequence;
	} else if (!session_is(session, &header)) {
		meta->flags |= MYC_META_UNKNOWN_SESSION;
		return MYC_REASON_REDIRECTED;
	}
	return sequence_judge(host, config, datagram, &header, shared, watermark, verdict);
}

/* Claims what was filtered since the last delivery for this packet's metadata. */
static __always_inline uint32_t filtered_claim(struct myc_channel_state *shared)
{
	const uint64_t pending = word_load(&shared->filtered_pending);

	if (pending == 0 || word_exchange(&shared->filtered_pending, pending, 0) != pending)
		return 0;
	return pending > UINT32_MAX ? UINT32_MAX : (uint32_t)pending;
}

/* The whole judgement. REDIRECTED and REDIRECTED_STANDBY: to verdict->endpoint, with the metadata. */
static __always_inline enum myc_reason steer_judge(const struct steer_host *host,
						   const struct datagram *datagram,
						   struct verdict *verdict)
{
	const struct myc_binding *binding = binding_find(host, datagram);
	const struct myc_channel_config *config;
	struct myc_channel_state *shared;
	struct myc_meta *meta = &verdict->meta;
	struct route route;
	enum myc_reason reason, judged;

	if (!binding)
		return MYC_REASON_PASS_NO_CHANNEL;
	meta->receive_ns = host_now(host);
	meta->channel = binding->channel;
	meta->line = binding->line;
	meta->version = MYC_META_VERSION;
	config = host_channel(host, binding->channel);
	shared = host_state(host, binding->channel);
	verdict->counters = host_counters(host, binding->channel + 1u);
	if (!config || !shared || !verdict->counters || binding->line >= MYC_LINES_MAX)
		return MYC_REASON_PASS_INTERNAL;
	if (!source_allowed(binding, datagram))
		return MYC_REASON_PASS_SOURCE;
	word_add(&shared->line_packets[meta->line & (MYC_LINES_MAX - 1)], 1);
	reason = route_find(host, config, meta->receive_ns, &route);
	if (reason != MYC_REASON_REDIRECTED && reason != MYC_REASON_REDIRECTED_STANDBY)
		return reason;
	verdict->endpoint = route.endpoint;
	judged = channel_judge(host, config, datagram, shared, &route, verdict);
	if (judged == MYC_REASON_FILTERED)
		word_add(&shared->filtered_pending, verdict->messages);
	if (judged != MYC_REASON_REDIRECTED)
		return judged;
	meta->filtered = filtered_claim(shared);
	return reason;
}

/* Counts the final reason, and the facts about what was delivered or dropped. Each CPU (or user of
 * the twin) has counters of its own: plain additions. */
static __always_inline void verdict_count(const struct verdict *verdict,
					  struct myc_counters *counts, enum myc_reason reason)
{
	const uint32_t flags = verdict->meta.flags;
	uint64_t *fact = counts->fact;

	if (reason >= MYC_REASONS_COUNT)
		return;
	counts->reason[reason]++;
	if (reason == MYC_REASON_FILTERED) {
		fact[MYC_FACT_MESSAGES_FILTERED] += verdict->messages;
		return;
	}
	if (reason == MYC_REASON_DUPLICATE) {
		fact[MYC_FACT_MESSAGES_DUPLICATE] += verdict->messages;
		return;
	}
	if (reason != MYC_REASON_REDIRECTED && reason != MYC_REASON_REDIRECTED_STANDBY)
		return;
	if (!(flags & MYC_META_MALFORMED)) /* else the count is not to be trusted */
		fact[MYC_FACT_MESSAGES_REDIRECTED] += verdict->messages;
	if (verdict->meta.gap)
		fact[MYC_FACT_GAP]++;
	if (verdict->window_conflict)
		fact[MYC_FACT_WINDOW_CONFLICT]++;
	if (flags == 0)
		return;
	fact[MYC_FACT_HEARTBEAT] += !!(flags & MYC_META_HEARTBEAT);
	fact[MYC_FACT_END_OF_SESSION] += !!(flags & MYC_META_END_OF_SESSION);
	fact[MYC_FACT_SUSPECT_RESET] += !!(flags & MYC_META_SUSPECT_RESET);
	fact[MYC_FACT_UNKNOWN_SESSION] += !!(flags & MYC_META_UNKNOWN_SESSION);
	fact[MYC_FACT_MALFORMED] += !!(flags & MYC_META_MALFORMED);
	fact[MYC_FACT_CAPPED] += !!(flags & MYC_META_CAPPED);
}

#endif
