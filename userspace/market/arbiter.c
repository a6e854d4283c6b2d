/* SPDX-License-Identifier: Apache-2.0 */
/* Delivery: the pump, the messages of a packet, gaps, the block's moves. */
#include <stdlib.h>
#include <string.h>

#include "market/arbiter_private.h"
#include "market/window.h"

#define GAP_TIMEOUT_NS	50000000ull
#define REORDER_PACKETS 64

/* ---- the block --------------------------------------------------------------------------------- */

/* Every store to the hot words is a release: a successor (after the kernel confirmed our death) and
 * readers see them in program order. Plain stores on x86. */
static inline void put(uint64_t *word, uint64_t value)
{
	__atomic_store_n(word, value, __ATOMIC_RELEASE);
}

/* Idempotent: a successor makes it again from the same words. */
static void redo(struct myc_feed_block *block)
{
	struct myc_feed_metrics *m = &block->metrics;

	switch (block->redo_kind) {
	case MYC_FEED_REDO_LOST:
		m->messages_lost = block->redo_value;
		break;
	case MYC_FEED_REDO_FILTERED:
		m->messages_filtered = block->redo_value;
		break;
	case MYC_FEED_REDO_IN_DOUBT:
		m->messages_in_doubt = block->redo_value;
		put(&block->in_hand, 0);
		break;
	default:
		break;
	}
	if (block->redo_kind)
		put(&block->progress, block->redo_progress);
	put(&block->redo_kind, MYC_FEED_REDO_NONE);
}

/* Moves next and a counter together, as seen by a successor. */
static void move(struct myc_arbiter *a, enum myc_feed_redo kind, uint64_t by, uint64_t counter)
{
	struct myc_feed_block *block = a->block;

	put(&block->redo_progress, block->progress + by);
	put(&block->redo_value, counter);
	put(&block->redo_kind, kind);
	redo(block);
}

/* ---- events ------------------------------------------------------------------------------------ */

static bool ready(const struct myc_arbiter *a)
{
	return a->sink.ready(a->sink.context);
}

static void emit(struct myc_arbiter *a, const struct myc_feed_event *event)
{
	/* A handler that fails on RESUMED itself is not told again: its restart limit decides. */
	if (a->sink.event(a->sink.context, event) && event->kind != MYC_FEED_RESUMED)
		a->resumed = true;
}

static void emit_about(struct myc_arbiter *a, enum myc_feed_kind kind, uint8_t line,
		       uint64_t sequence, uint64_t count)
{
	struct myc_feed_event event = {
		.kind = (uint8_t)kind,
		.line = line,
		.channel = a->view.channel,
		.sequence = sequence,
		.count = count,
		.receive_ns = a->now_ns,
	};

	emit(a, &event);
}

/* Once a packet, when its first message goes to the handler. */
static void count_latency(struct myc_arbiter *a, const struct myc_meta *meta)
{
	struct myc_feed_metrics *m = &a->block->metrics;
	uint64_t now = a->sink.clock_ns(a->sink.context);
	uint64_t took = now > meta->receive_ns ? now - meta->receive_ns : 0;

	m->latency_count++;
	m->latency_sum_ns += took;
	m->latency_bucket[myc_feed_latency_index(took)]++;
}

static void emit_loose(struct myc_arbiter *a)
{
	struct myc_feed_block *block = a->block;
	struct myc_feed_event event = {
		.kind = a->loose_kind,
		.line = a->loose.meta->line,
		.channel = a->view.channel,
		.size = a->loose.payload_size,
		.count = 1,
		.receive_ns = a->loose.meta->receive_ns,
		.data = a->loose.payload,
	};

	a->has_loose = false;
	if (event.kind == MYC_FEED_MALFORMED || a->protocol != MYC_PROTOCOL_GENERIC) {
		emit(a, &event);
		return;
	}
	put(&block->in_hand, MYC_FEED_BUSY | MYC_FEED_UNSEQUENCED);
	put(&block->begun, ++a->round_begun + a->skip);
	count_latency(a, a->loose.meta);
	emit(a, &event);
	block->metrics.messages_delivered++;
	put(&block->in_hand, 0);
}

static void emit_in_doubt(struct myc_arbiter *a)
{
	struct myc_feed_block *block = a->block;
	uint64_t number = block->in_hand & MYC_SEQUENCE_MASK;

	a->in_doubt = false;
	if (block->in_hand & MYC_FEED_RANGE) {
		/* Counted as lost or filtered already. */
		emit_about(a, MYC_FEED_IN_DOUBT, 0, number, block->in_hand_count);
		put(&block->in_hand, 0);
		return;
	}
	emit_about(a, MYC_FEED_IN_DOUBT, 0, number, 1);
	move(a, MYC_FEED_REDO_IN_DOUBT, 0, block->metrics.messages_in_doubt + 1);
}

/* The events that come before any message. False: nothing was pending. */
static bool emit_pending(struct myc_arbiter *a)
{
	if (a->in_doubt) {
		emit_in_doubt(a);
	} else if (a->announce) {
		a->announce = false;
		emit_about(a, MYC_FEED_SESSION, 0, arbiter_next(a), arbiter_next(a));
		arbiter_row(a)->flags |= MYC_FEED_ROW_ANNOUNCED;
	} else if (a->resumed) {
		a->resumed = false;
		emit_about(a, MYC_FEED_RESUMED, 0, arbiter_next(a), 0);
	} else if (a->has_loose) {
		emit_loose(a);
	} else {
		return false;
	}
	return true;
}

/* ---- the messages of one packet ---------------------------------------------------------------- */

static inline __attribute__((always_inline)) const uint8_t *next_message(
	struct arbiter_packet *packet, enum myc_protocol protocol, uint32_t *size)
{
	packet->cursor++;
	if (protocol == MYC_PROTOCOL_GENERIC) {
		*size = packet->blocks.left;
		return packet->blocks.at;
	}
	return myc_blocks_next(&packet->blocks, protocol != MYC_PROTOCOL_IEXTP, size);
}

static void learn(struct myc_arbiter *a, const uint8_t *message, uint32_t size)
{
	if (size && (message[0] == 'R' || message[0] == 'S'))
		myc_locate_learn(&a->locate, arbiter_epoch(a), message, size);
}

/*
 * Delivers from next on, which lies in the packet. False: back-pressure, the packet's cursor stays
 * where it goes on. True: the packet is done, or something else comes first (a failed handler).
 */
static inline __attribute__((always_inline)) bool deliver_as(struct myc_arbiter *a,
							     struct arbiter_packet *packet,
							     enum myc_protocol protocol)
{
	struct myc_feed_block *block = a->block;
	uint64_t next = arbiter_next(a), word = block->progress;
	struct myc_feed_event event = {
		.kind = MYC_FEED_MESSAGE,
		.line = packet->line,
		.channel = a->view.channel,
		.count = 1,
		.receive_ns = packet->packet.meta->receive_ns,
	};

	while (packet->cursor < next)
		next_message(packet, protocol, &event.size);
	while (packet->cursor < packet->end) {
		if (!a->sink.ready(a->sink.context))
			return false;
		if (!packet->timed)
			count_latency(a, packet->packet.meta);
		packet->timed = true;
		event.sequence = packet->cursor;
		event.data = next_message(packet, protocol, &event.size);
		if (protocol == MYC_PROTOCOL_MOLDUDP64 && a->locate.filter)
			learn(a, event.data, event.size);
		packet->delivered++;
		/* The order of abi/feed.h: begun and not done is the one message in doubt. */
		put(&block->in_hand, MYC_FEED_BUSY | event.sequence);
		put(&block->progress, ++word);
		int failed = a->sink.event(a->sink.context, &event);
		put(&block->in_hand, 0);
		if (failed) {
			a->resumed = true;
			return true;
		}
	}
	return true;
}

static bool deliver(struct myc_arbiter *a, struct arbiter_packet *packet)
{
	if (a->gap_open) {
		a->block->metrics.gaps_recovered += a->gap_seen;
		a->gap_open = false;
	}
	switch (a->protocol) {
	case MYC_PROTOCOL_MOLDUDP64:
		return deliver_as(a, packet, MYC_PROTOCOL_MOLDUDP64);
	case MYC_PROTOCOL_IEXTP:
		return deliver_as(a, packet, MYC_PROTOCOL_IEXTP);
	case MYC_PROTOCOL_MEMX:
		return deliver_as(a, packet, MYC_PROTOCOL_MEMX);
	default: /* the payload is the message */
		return deliver_as(a, packet, MYC_PROTOCOL_GENERIC);
	}
}

/* ---- what is missing --------------------------------------------------------------------------- */

static uint64_t lower(uint64_t x, uint64_t y)
{
	return x < y ? x : y;
}

/* End of what is missing at next: the first message at hand, or the last known to exist. 0: it is
 * not known that anything is missing. */
static uint64_t missing_until(const struct myc_arbiter *a)
{
	uint64_t next = arbiter_next(a), at_hand = UINT64_MAX, exists;

	if (a->held_count)
		at_hand = a->pool[a->held[0]].sequence;
	if (a->has_current)
		at_hand = lower(at_hand, a->current.sequence);
	exists = a->revealed > a->looked ? a->revealed : a->looked;
	if (at_hand != UINT64_MAX)
		return at_hand;
	return exists > next ? exists : 0;
}

/* Passes over `run` messages that no handler will see, and says so: at most once, as messages are. */
static void pass_over(struct myc_arbiter *a, enum myc_feed_redo redo_kind, uint64_t counter,
		      enum myc_feed_kind kind, uint64_t run)
{
	struct myc_feed_block *block = a->block;
	uint64_t next = arbiter_next(a);

	put(&block->in_hand_count, run);
	put(&block->in_hand, MYC_FEED_BUSY | MYC_FEED_RANGE | next);
	move(a, redo_kind, run, counter + run);
	emit_about(a, kind, 0, next, run);
	put(&block->in_hand, 0);
}

static bool advance_filtered(struct myc_arbiter *a, uint64_t limit)
{
	struct myc_feed_metrics *m = &a->block->metrics;
	uint64_t next = arbiter_next(a);
	uint64_t run = a->view.window
			       ? myc_window_filtered(a->view.window, arbiter_epoch(a), next, limit)
			       : 0;

	if (!run)
		return false;
	a->gap_open = false;
	if (a->report_filtered)
		pass_over(a, MYC_FEED_REDO_FILTERED, m->messages_filtered, MYC_FEED_FILTERED, run);
	else
		move(a, MYC_FEED_REDO_FILTERED, run, m->messages_filtered + run);
	return true;
}

static void give_up(struct myc_arbiter *a, uint64_t limit)
{
	struct myc_feed_metrics *m = &a->block->metrics;
	uint64_t next = arbiter_next(a), unknown = 0, run = limit - next;

	if (a->view.window)
		run = myc_window_missing(a->view.window, arbiter_epoch(a), next, limit, &unknown);
	a->gap_open = false;
	if (a->locate.filter)
		myc_locate_lost(&a->locate);
	m->gaps++;
	m->window_unknown += unknown;
	pass_over(a, MYC_FEED_REDO_LOST, m->messages_lost, MYC_FEED_GAP, run);
}

/* next became missing: since when, and how many packets of each line are past it already. */
static void open_gap(struct myc_arbiter *a)
{
	uint64_t next = arbiter_next(a);

	a->gap_open = true;
	a->gap_seen = a->held_count > 0 || a->revealed > next;
	a->gap_ns = a->looked > next ? a->looked_ns : UINT64_MAX;
	if (a->revealed > next)
		a->gap_ns = lower(a->gap_ns, a->revealed_ns);
	memset(a->gap_past, 0, sizeof(a->gap_past));
	for (uint32_t i = 0; i < a->held_count; i++) {
		const struct arbiter_packet *held = &a->pool[a->held[i]];
		a->gap_ns = lower(a->gap_ns, held->held_ns);
		for (uint32_t line = 0; line < a->lines; line++)
			a->gap_past[line] += held->lines >> line & 1;
	}
}

static bool gap_is_due(const struct myc_arbiter *a)
{
	uint32_t past = 0;

	if (arbiter_next(a) < a->force)
		return true;
	if (!a->gap_open)
		return false;
	while (past < a->lines && a->gap_past[past] >= a->reorder_packets)
		past++;
	return past == a->lines ||
	       (a->drained && a->gap_timeout_ns != UINT64_MAX &&
		a->now_ns - a->gap_ns >= a->gap_timeout_ns && a->now_ns >= a->gap_ns);
}

/* ---- the pump ---------------------------------------------------------------------------------- */

/* One step over what is missing. True: something moved. */
static bool step_missing(struct myc_arbiter *a)
{
	uint64_t limit = missing_until(a);

	if (!limit)
		return false;
	if (advance_filtered(a, limit))
		return true;
	if (gap_is_due(a)) {
		give_up(a, limit);
		return true;
	}
	if (a->has_current) {
		arbiter_hold_current(a);
		return true;
	}
	if (!a->gap_open) {
		open_gap(a);
		return gap_is_due(a);
	}
	return false;
}

/* One step over messages at hand. 1: moved; 0: next is not at hand; -1: back-pressure. */
static int step_at_hand(struct myc_arbiter *a)
{
	uint64_t next = arbiter_next(a);
	struct arbiter_packet *packet;

	if (a->has_current && a->current.sequence <= next) {
		if (a->current.end > next)
			return deliver(a, &a->current) ? 1 : -1;
		arbiter_finish_packet(a, &a->current);
		a->has_current = false;
		return 1;
	}
	if (!a->held_count)
		return 0;
	packet = &a->pool[a->held[0]];
	if (packet->sequence > next)
		return 0;
	if (packet->end > next)
		return deliver(a, packet) ? 1 : -1;
	arbiter_drop_first(a);
	return 1;
}

/* What is said when nothing is missing any more. True: something was done. */
static bool step_whole(struct myc_arbiter *a)
{
	uint64_t next = arbiter_next(a), heartbeat = a->heartbeat;
	struct myc_feed_row *row = arbiter_row(a);

	if (a->switching) {
		arbiter_switch(a);
		return true;
	}
	if (heartbeat) {
		a->heartbeat = 0;
		if (heartbeat - 1 == next)
			emit_about(a, MYC_FEED_HEARTBEAT, a->heartbeat_line, next, 0);
		return true;
	}
	if (a->end && a->end - 1 <= next) {
		a->end = 0;
		if (row->flags & MYC_FEED_ROW_ENDED)
			return true;
		a->block->metrics.ends++;
		emit_about(a, MYC_FEED_END, 0, next, 0);
		row->flags |= MYC_FEED_ROW_ENDED;
		return true;
	}
	return false;
}

static bool is_pending(const struct myc_arbiter *a)
{
	return a->in_doubt || a->announce || a->resumed || a->has_loose;
}

/* Does all that can be done. False: the actor is not ready for the next event. */
bool arbiter_pump(struct myc_arbiter *a)
{
	for (;;) {
		if (is_pending(a)) {
			if (!ready(a))
				return false;
			emit_pending(a);
			continue;
		}
		int at_hand = step_at_hand(a);
		if (at_hand < 0)
			return false;
		if (at_hand)
			continue;
		/* Each of these may call the handler once. */
		if (!ready(a))
			return false;
		if (step_missing(a))
			continue;
		if (a->gap_open)
			a->heartbeat = 0; /* not next any more when the gap is closed */
		else if (step_whole(a))
			continue;
		return true;
	}
}

bool myc_arbiter_resume(struct myc_arbiter *a, uint64_t now_ns)
{
	a->now_ns = now_ns;
	a->drained = false;
	return arbiter_pump(a);
}

/* Pairs with the program's compare-exchange, made after the window's: what is filtered below the
 * number is recorded. */
void myc_arbiter_look(struct myc_arbiter *a)
{
	a->looked_word =
		a->view.state ? __atomic_load_n(&a->view.state->high, __ATOMIC_ACQUIRE) : 0;
}

bool myc_arbiter_settle(struct myc_arbiter *a, uint64_t now_ns, bool drained)
{
	uint64_t high = myc_word_number(a->looked_word);

	a->now_ns = now_ns;
	a->drained = drained;
	if (drained && arbiter_epoch(a) && myc_word_epoch(a->looked_word) == arbiter_epoch(a) &&
	    high > arbiter_next(a) && high > a->looked && !arbiter_is_old(a, high)) {
		a->looked = high;
		a->looked_ns = now_ns;
	}
	return arbiter_pump(a);
}

void myc_arbiter_flush(struct myc_arbiter *a)
{
	struct myc_feed_metrics *m = &a->block->metrics;

	a->round_begun = 0;
	put(&a->block->begun, a->skip);
	if (!arbiter_epoch(a))
		return;
	m->messages_delivered = arbiter_next(a) - arbiter_row(a)->offset - arbiter_undelivered(a);
	m->next = arbiter_next(a);
	m->epoch = arbiter_epoch(a);
	if (a->published == a->block->progress)
		return;
	a->published = a->block->progress;
	/* Pairs with the program's load: below it, a duplicate may be dropped. */
	__atomic_store_n(&a->view.page->watermark, a->published, __ATOMIC_RELEASE);
}

void myc_arbiter_actor_restarted(struct myc_arbiter *a)
{
	a->resumed = arbiter_epoch(a) || a->block->metrics.packets;
}

uint64_t myc_arbiter_deadline_ns(const struct myc_arbiter *a)
{
	if (!a->gap_open || a->gap_timeout_ns == UINT64_MAX)
		return UINT64_MAX;
	return a->gap_ns + a->gap_timeout_ns;
}

/* ---- life -------------------------------------------------------------------------------------- */

static void resume_block(struct myc_arbiter *a)
{
	struct myc_feed_block *block = a->block;
	uint64_t number = block->in_hand & MYC_SEQUENCE_MASK;
	bool loose = block->in_hand & MYC_FEED_UNSEQUENCED;

	redo(block);
	/* Taken up, but its number was not passed yet: no handler saw it. */
	if (block->in_hand && !loose && number >= arbiter_next(a))
		put(&block->in_hand, 0);
	a->in_doubt = block->in_hand != 0;
	a->skip = block->begun;
	a->resumed = block->starts++ > 0 && (arbiter_epoch(a) || block->metrics.packets);
	if (!arbiter_epoch(a))
		return;
	a->announce = !(arbiter_row(a)->flags & MYC_FEED_ROW_ANNOUNCED);
	if (arbiter_row(a)->reset_from > arbiter_next(a))
		a->old_lines = (uint8_t)((1u << a->lines) - 1);
	arbiter_announce(a);
}

int myc_arbiter_open(struct myc_arbiter **arbiter, const struct myc_arbiter_opts *opts)
{
	const struct myc_channel_config *config = opts->view.config;
	struct myc_arbiter *a;
	int error = 0;

	if (!opts->block || !opts->view.page || !config || opts->lines < 1 ||
	    opts->lines > MYC_LINES_MAX || config->generic_width > 8)
		return -EINVAL;
	a = calloc(1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	a->sink = opts->sink;
	a->block = opts->block;
	a->view = opts->view;
	a->protocol = (enum myc_protocol)config->protocol;
	a->lines = opts->lines;
	a->reorder_packets = opts->reorder_packets ? opts->reorder_packets : REORDER_PACKETS;
	a->reorder_messages =
		config->reorder_window ? config->reorder_window : MYC_REORDER_WINDOW_DEFAULT;
	a->gap_timeout_ns = opts->gap_timeout_ns ? opts->gap_timeout_ns : GAP_TIMEOUT_NS;
	a->report_filtered = opts->report_filtered;
	a->from_start = opts->from_start;
	for (a->free_count = 0; a->free_count < MYC_HOLD_MAX; a->free_count++)
		a->free[a->free_count] = (uint16_t)a->free_count;
	resume_block(a);
	if (opts->view.locate && opts->symbols_count)
		error = myc_locate_open(&a->locate, opts->view.locate, a->block, opts->symbols,
					opts->symbols_count, arbiter_epoch(a));
	if (error) {
		free(a);
		return error;
	}
	*arbiter = a;
	return 0;
}

void myc_arbiter_close(struct myc_arbiter *a)
{
	if (!a)
		return;
	if (a->locate.filter)
		myc_locate_close(&a->locate);
	free(a);
}
