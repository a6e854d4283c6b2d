/* SPDX-License-Identifier: Apache-2.0 */
/* Epochs of a channel: the first one, new sessions, restarts within a session. */
#include <string.h>

#include "market/arbiter_private.h"

#define CANDIDATE_NS	 5000000000ull /* a stray packet is forgotten; heartbeats come each second */
#define CONFIRM_SESSION	 2
#define CONFIRM_RESET	 3
#define CONFIRM_RESET_BY 2 /* with a heartbeat, or a later SendTime */

/* The row before the word: the program reads row (its epoch & 3) of the word it loaded. Pairs with
 * the program's one load of `watermark`. */
void arbiter_announce(struct myc_arbiter *a)
{
	struct myc_channel_page *page = a->view.page;
	const struct myc_feed_row *row = arbiter_row(a);
	uint64_t *session = page->session[arbiter_epoch(a) & 3];

	__atomic_store_n(&session[0], row->session[0], __ATOMIC_RELEASE);
	__atomic_store_n(&session[1], row->session[1], __ATOMIC_RELEASE);
	a->published = a->block->progress;
	__atomic_store_n(&page->watermark, a->published, __ATOMIC_RELEASE);
}

static uint64_t next_epoch(uint64_t epoch)
{
	/* 0 means none; the step to 4 keeps the rows' turn. */
	return epoch == 0xffff ? 4 : epoch + 1;
}

static void enter(struct myc_arbiter *a, const uint64_t session[2], uint64_t first,
		  uint64_t reset_from)
{
	struct myc_feed_block *block = a->block;
	uint64_t epoch = next_epoch(arbiter_epoch(a));
	uint64_t accounted = arbiter_epoch(a) ? arbiter_next(a) - arbiter_row(a)->offset : 0;
	struct myc_feed_row *row = &block->row[epoch & 3];

	if (a->locate.filter)
		myc_locate_disarm(&a->locate);
	*row = (struct myc_feed_row){
		.session = {session[0], session[1]},
		.offset = first - accounted,
		.reset_from = reset_from,
	};
	__atomic_store_n(&block->progress, myc_epoch_word(epoch, first), __ATOMIC_RELEASE);
	block->metrics.sessions++;
	a->announce = true;
	a->resumed = false;
	a->gap_open = false;
	a->force = a->revealed = a->looked = a->end = a->heartbeat = 0;
	arbiter_announce(a);
}

void arbiter_begin(struct myc_arbiter *a, const uint64_t session[2], uint64_t first)
{
	enter(a, session, a->from_start && first > 1 ? 1 : first, 0);
}

static void forget_candidate(struct myc_arbiter *a)
{
	struct arbiter_candidate *c = &a->candidate;

	for (uint32_t i = 0; i < c->held_count; i++) {
		arbiter_finish_packet(a, &a->pool[c->held[i]]);
		arbiter_release(a, c->held[i]);
	}
	memset(c, 0, sizeof(*c));
}

/* The line goes on in the old numbering: what it sent before was late, not a restart. */
void arbiter_not_suspect(struct myc_arbiter *a, uint8_t line)
{
	struct arbiter_candidate *c = &a->candidate;

	if (c->suspicion != SUSPICION_RESET)
		return;
	c->line_packets[line] = 0;
	for (uint32_t i = 0; i < a->lines; i++)
		if (c->line_packets[i])
			return;
	forget_candidate(a);
}

static bool candidate_is_about(const struct myc_arbiter *a, enum arbiter_suspicion suspicion,
			       const struct arbiter_packet *packet)
{
	const struct arbiter_candidate *c = &a->candidate;

	return c->suspicion == suspicion && c->session[0] == packet->session[0] &&
	       c->session[1] == packet->session[1] && a->now_ns - c->since_ns < CANDIDATE_NS;
}

/* Is the candidate believed with this packet? Counts it. */
static bool confirmed(struct myc_arbiter *a, const struct arbiter_packet *packet)
{
	struct arbiter_candidate *c = &a->candidate;
	uint8_t line = packet->line;
	bool heartbeat = packet->end == packet->sequence;
	bool in_order = !c->line_packets[line] || packet->sequence >= c->line_next[line];

	if (c->suspicion == SUSPICION_SESSION) {
		c->packets += in_order;
		c->line_packets[line]++;
	} else {
		/* Not in order: begin to count anew. */
		c->line_packets[line] = in_order ? c->line_packets[line] + 1 : 1;
		c->packets = c->line_packets[line];
	}
	c->line_next[line] = packet->end;
	if (heartbeat && packet->end > c->high)
		c->high = packet->end;
	if (c->suspicion == SUSPICION_SESSION)
		return c->packets >= CONFIRM_SESSION;
	if (heartbeat || (a->send_ns && packet->send_ns > a->send_ns))
		return c->packets >= CONFIRM_RESET_BY;
	return c->packets >= CONFIRM_RESET;
}

void arbiter_suspect(struct myc_arbiter *a, enum arbiter_suspicion suspicion,
		     struct arbiter_packet *packet)
{
	struct arbiter_candidate *c = &a->candidate;

	if (!candidate_is_about(a, suspicion, packet)) {
		forget_candidate(a);
		c->suspicion = suspicion;
		memcpy(c->session, packet->session, sizeof(c->session));
		c->since_ns = a->now_ns;
	}
	if (packet->end > packet->sequence) {
		if (c->held_count < CANDIDATE_MAX &&
		    arbiter_hold(a, packet, &c->held[c->held_count]) == 0)
			c->held_count++;
		else
			arbiter_finish_packet(a, packet);
	}
	if (confirmed(a, packet)) {
		a->switching = true;
		a->force = UINT64_MAX;
	}
}

/* Everything of the old numbering is delivered or given up: the new one begins. */
void arbiter_switch(struct myc_arbiter *a)
{
	struct arbiter_candidate c = a->candidate;
	bool reset = c.suspicion == SUSPICION_RESET;
	/* Where a numbering begins is not known of these. */
	bool anywhere = a->protocol == MYC_PROTOCOL_GENERIC || a->protocol == MYC_PROTOCOL_DERIBIT;
	uint64_t first = anywhere ? UINT64_MAX : 1;

	memset(&a->candidate, 0, sizeof(a->candidate));
	a->switching = false;
	for (uint32_t i = 0; i < c.held_count && anywhere; i++)
		if (a->pool[c.held[i]].sequence < first)
			first = a->pool[c.held[i]].sequence;
	if (first == UINT64_MAX)
		first = c.high;
	a->block->metrics.resets += reset;
	enter(a, c.session, first, reset ? arbiter_next(a) : 0);
	a->old_lines = 0;
	for (uint32_t i = 0; i < a->lines; i++)
		if (reset && !c.line_packets[i])
			a->old_lines |= (uint8_t)(1u << i);
	a->revealed = c.high;
	a->revealed_ns = a->now_ns;
	for (uint32_t i = 0; i < c.held_count; i++)
		arbiter_insert(a, c.held[i]);
}
