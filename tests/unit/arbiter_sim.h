/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A venue, two or more lines, and a steering program, played in memory from a seed: MoldUDP64
 * packets with what the program would write before them, in the order of their arrival, and an
 * endpoint whose hand survives the arbiter. The arbiter is opened, fed, killed and opened again.
 */
#ifndef TESTS_UNIT_ARBITER_SIM_H
#define TESTS_UNIT_ARBITER_SIM_H

#include <setjmp.h>
#include <string.h>

#include <mycelium/market/moldudp64.h>

#include "common/test.h"
#include "market/arbiter.h"

#define SIM_PACKET_MAX	 1500
#define SIM_EVENTS_MAX	 65536
#define SIM_ARRIVALS_MAX 32768

struct sim_packet {
	struct myc_meta meta;
	uint8_t payload[SIM_PACKET_MAX];
	uint32_t size;
	uint64_t arrival; /* sort key */
};

enum sim_crash {
	SIM_NO_CRASH,
	SIM_IN_READY,
	SIM_BEFORE_NUMBER,
	SIM_IN_EVENT,
	SIM_IN_HOLD,
	SIM_IN_RELEASE
};

struct sim {
	uint64_t chance, now_ns;
	struct myc_arbiter *arbiter;
	struct myc_arbiter_opts opts;
	struct myc_feed_block block;
	struct myc_channel_config config;
	struct myc_channel_state state;
	struct myc_filtered_window window;
	struct myc_channel_page page;
	struct myc_locate_filter locate;
	uint64_t line_next[MYC_LINES_MAX], line_epoch[MYC_LINES_MAX];
	uint32_t reorder_window;

	struct sim_packet *packet; /* SIM_ARRIVALS_MAX */
	uint32_t packets, taken;   /* arrived; given to the arbiter */
	uint16_t hold_limit, held;
	bool *in_hand;	  /* by packet: taken, not gone home */
	bool *keep;	  /* by packet: held */
	bool *dropped;	  /* by packet: the program kept it from us */
	uint32_t steered; /* packets the program has judged */
	uint32_t unready; /* percent of ready() calls that say no */
	enum sim_crash crash;
	uint32_t crash_in; /* calls of that kind until then */
	jmp_buf crashed;
	uint64_t fail_at; /* the handler fails on this message */

	struct myc_feed_event event[SIM_EVENTS_MAX];
	uint32_t events;
	uint32_t bad_content;
	bool (*interesting)(uint64_t number); /* NULL: no filter */
};

/* Message n: between 0 and 40 bytes that depend on n (and the session) only. */
static inline uint32_t sim_message(uint64_t n, uint8_t session, uint8_t out[40])
{
	uint32_t size = (uint32_t)(n * 2654435761u >> 7) % 41;

	for (uint32_t i = 0; i < size; i++)
		out[i] = (uint8_t)(n * 31 + i * 7 + session);
	return size;
}

static inline void sim_session(uint8_t session, uint8_t out[MYC_MOLD_SESSION_SIZE])
{
	memset(out, ' ', MYC_MOLD_SESSION_SIZE);
	out[0] = 'S';
	out[9] = session;
}

/* Builds messages first .. first + count - 1 into a packet; MYC_MOLD_END_OF_SESSION as count: end. */
static inline void sim_build(struct sim_packet *packet, uint8_t line, uint8_t session,
			     uint64_t first, uint16_t count)
{
	uint8_t name[MYC_MOLD_SESSION_SIZE], *at = packet->payload + MYC_MOLD_HEADER_SIZE;

	sim_session(session, name);
	myc_mold_header_write(packet->payload, name, first, count);
	for (uint16_t i = 0; count != MYC_MOLD_END_OF_SESSION && i < count; i++) {
		uint32_t size = sim_message(first + i, session, at + 2);
		myc_store_be16(at, (uint16_t)size);
		at += 2 + size;
	}
	packet->size = (uint32_t)(at - packet->payload);
	packet->meta =
		(struct myc_meta){.sequence = first, .version = MYC_META_VERSION, .line = line};
	packet->meta.count = count == MYC_MOLD_END_OF_SESSION ? 0 : count;
}

/* ---- the program (a plain-words copy of its rules) --------------------------------------------- */

static inline bool sim_filters(struct sim *sim, uint64_t first, uint64_t count, uint64_t epoch)
{
	for (uint64_t n = first; n < first + count; n++)
		if (sim->interesting(n))
			return false;
	for (uint64_t n = first; n < first + count; n++) {
		uint64_t *word = &sim->window.word[myc_window_index(n)];
		uint64_t base = myc_window_word(epoch, n, 0);
		if (*word >> 32 != base >> 32)
			*word = base;
		*word |= 1ull << (n % 32);
	}
	return true;
}

/* Judges the packet; false: it was dropped (filtered, or a duplicate below the watermark). */
static inline bool sim_steer(struct sim *sim, struct sim_packet *packet)
{
	uint64_t epoch = myc_word_epoch(sim->page.watermark), session[2];
	uint64_t first = packet->meta.sequence, next = first + packet->meta.count;
	uint8_t line = packet->meta.line;

	packet->meta.receive_ns = sim->now_ns;
	packet->meta.epoch = (uint8_t)epoch;
	packet->meta.flags = 0;
	myc_mold_session_words(packet->payload, session);
	if (!epoch || session[0] != sim->page.session[epoch & 3][0] ||
	    session[1] != sim->page.session[epoch & 3][1]) {
		packet->meta.flags = MYC_META_UNKNOWN_SESSION;
		return true;
	}
	if (sim->line_epoch[line] == epoch && first + sim->reorder_window < sim->line_next[line]) {
		packet->meta.flags = MYC_META_SUSPECT_RESET;
		return true;
	}
	if (sim->line_epoch[line] != epoch || sim->line_next[line] < next)
		sim->line_next[line] = next;
	sim->line_epoch[line] = epoch;
	bool dropped = packet->meta.count && next <= myc_word_number(sim->page.watermark);
	if (!dropped && packet->meta.count && sim->interesting)
		dropped = sim_filters(sim, first, packet->meta.count, epoch);
	if (myc_word_epoch(sim->state.high) != epoch || myc_word_number(sim->state.high) < next)
		sim->state.high = myc_epoch_word(epoch, next);
	return !dropped;
}

/* ---- the sink ---------------------------------------------------------------------------------- */

static inline void sim_crash_here(struct sim *sim, enum sim_crash where)
{
	if (sim->crash == where && sim->crash_in-- == 0) {
		sim->crash = SIM_NO_CRASH;
		longjmp(sim->crashed, 1);
	}
}

static inline bool sim_ready(void *context)
{
	struct sim *sim = context;

	sim_crash_here(sim, SIM_IN_READY);
	if (sim->crash == SIM_BEFORE_NUMBER && sim->crash_in == 0) {
		/* As if killed between the stores of in_hand and of the number. */
		sim->block.in_hand = MYC_FEED_BUSY | myc_word_number(sim->block.progress);
		sim_crash_here(sim, SIM_BEFORE_NUMBER);
	}
	if (sim->crash == SIM_BEFORE_NUMBER)
		sim->crash_in--;
	return !sim->unready || test_random(&sim->chance) % 100 >= sim->unready;
}

static inline int sim_event(void *context, const struct myc_feed_event *event)
{
	struct sim *sim = context;
	uint8_t expected[40];

	assert_true(sim->events < SIM_EVENTS_MAX);
	if (event->kind == MYC_FEED_MESSAGE) {
		uint8_t session = (uint8_t)(sim->block.row[myc_word_epoch(sim->block.progress) & 3]
						    .session[1] >>
					    8);
		uint32_t size = sim_message(event->sequence, session, expected);
		sim->bad_content += size != event->size || memcmp(expected, event->data, size) != 0;
	}
	sim_crash_here(sim, SIM_IN_EVENT);
	sim->event[sim->events++] = *event;
	return event->kind == MYC_FEED_MESSAGE && event->sequence == sim->fail_at ? -EIO : 0;
}

static inline int sim_hold(void *context, struct myc_packet *packet)
{
	struct sim *sim = context;

	if (sim->held == sim->hold_limit)
		return -ENOSPC;
	sim->held++;
	sim->keep[packet->hand] = true;
	sim_crash_here(sim, SIM_IN_HOLD);
	return 0;
}

static inline void sim_release(void *context, uint16_t hand)
{
	struct sim *sim = context;

	sim_crash_here(sim, SIM_IN_RELEASE);
	assert_true(sim->in_hand[hand] && sim->keep[hand]);
	sim->keep[hand] = false;
	sim->held--;
}

static inline uint64_t sim_clock(void *context)
{
	return ((struct sim *)context)->now_ns;
}

/* ---- life -------------------------------------------------------------------------------------- */

static inline void sim_open_arbiter(struct sim *sim)
{
	sim->held = 0;
	assert_int_equal(myc_arbiter_open(&sim->arbiter, &sim->opts), 0);
}

static inline struct sim *sim_new(uint64_t seed, uint8_t lines)
{
	struct sim *sim = calloc(1, sizeof(*sim));

	assert_non_null(sim);
	sim->packet = calloc(SIM_ARRIVALS_MAX, sizeof(*sim->packet));
	sim->in_hand = calloc(SIM_ARRIVALS_MAX, sizeof(*sim->in_hand));
	sim->keep = calloc(SIM_ARRIVALS_MAX, sizeof(*sim->keep));
	sim->dropped = calloc(SIM_ARRIVALS_MAX, sizeof(*sim->dropped));
	assert_true(sim->packet && sim->in_hand && sim->keep && sim->dropped);
	sim->chance = seed * 0x9e3779b97f4a7c15ull | 1;
	sim->now_ns = 1000000000;
	sim->reorder_window = 2048;
	sim->hold_limit = MYC_HOLD_MAX;
	sim->fail_at = UINT64_MAX;
	sim->config.protocol = MYC_PROTOCOL_MOLDUDP64;
	sim->opts = (struct myc_arbiter_opts){
		.sz = sizeof(sim->opts),
		.sink = {sim, sim_ready, sim_event, sim_hold, sim_release, sim_clock},
		.view = {.channel = 3,
			 .config = &sim->config,
			 .state = &sim->state,
			 .window = &sim->window,
			 .page = &sim->page},
		.block = &sim->block,
		.lines = lines,
		.report_filtered = true,
	};
	return sim;
}

static inline void sim_free(struct sim *sim)
{
	myc_arbiter_close(sim->arbiter);
	free(sim->packet);
	free(sim->in_hand);
	free(sim->keep);
	free(sim->dropped);
	free(sim);
}

/* One more packet to arrive at `arrival` (a sort key). Fill it with sim_build. */
static inline struct sim_packet *sim_add(struct sim *sim, uint64_t arrival)
{
	struct sim_packet *packet = &sim->packet[sim->packets++];

	assert_true(sim->packets <= SIM_ARRIVALS_MAX);
	packet->arrival = arrival;
	return packet;
}

static inline int sim_by_arrival(const void *a, const void *b)
{
	uint64_t x = ((const struct sim_packet *)a)->arrival;
	uint64_t y = ((const struct sim_packet *)b)->arrival;

	return x < y ? -1 : x > y;
}

static inline void sim_give(struct sim *sim, uint32_t index, bool again)
{
	struct myc_packet packet = {
		.payload = sim->packet[index].payload,
		.meta = &sim->packet[index].meta,
		.payload_size = sim->packet[index].size,
		.hand = (uint16_t)index,
		.again = again,
	};

	if (!myc_arbiter_packet(sim->arbiter, &packet, sim->now_ns))
		while (!myc_arbiter_resume(sim->arbiter, sim->now_ns))
			;
}

static inline void sim_settle(struct sim *sim)
{
	while (!myc_arbiter_settle(sim->arbiter, sim->now_ns, true))
		;
}

/* The round's end: frames that are not held go home, then the words are published. */
static inline void sim_done(struct sim *sim)
{
	for (uint32_t i = 0; i < sim->taken; i++)
		sim->in_hand[i] = sim->keep[i];
	myc_arbiter_flush(sim->arbiter);
}

/* Takes up to n of the packets that have arrived, as a round. */
static inline void sim_round(struct sim *sim, uint32_t n)
{
	uint32_t first = sim->taken, last = first + n < sim->packets ? first + n : sim->packets;
	uint32_t ahead = last + (uint32_t)(test_random(&sim->chance) % 100);

	for (; sim->steered < ahead && sim->steered < sim->packets; sim->steered++) {
		sim->now_ns += 1000;
		sim->dropped[sim->steered] = !sim_steer(sim, &sim->packet[sim->steered]);
	}
	for (uint32_t i = first; i < last; i++)
		sim->in_hand[i] = !sim->dropped[i];
	sim->taken = last;
	for (uint32_t i = first; i < last; i++)
		if (!sim->dropped[i])
			sim_give(sim, i, false);
	myc_arbiter_look(sim->arbiter);
	if (sim->taken == sim->steered)
		sim_settle(sim);
	sim_done(sim);
}

/* A successor: what was in the hand comes again, in order. */
static inline void sim_restart(struct sim *sim)
{
	myc_arbiter_close(sim->arbiter);
	memset(sim->keep, 0, SIM_ARRIVALS_MAX * sizeof(*sim->keep));
	sim_open_arbiter(sim);
	for (uint32_t i = 0; i < sim->taken; i++)
		if (sim->in_hand[i])
			sim_give(sim, i, true);
	sim_done(sim);
}

/* Sorts by arrival, plays everything in rounds of random size, lets every timeout pass. Crashes as
 * sim->crash says; *crashes counts them and arms the next one. */
static inline void sim_run(struct sim *sim, uint32_t *crashes, enum sim_crash again)
{
	qsort(sim->packet, sim->packets, sizeof(*sim->packet), sim_by_arrival);
	sim_open_arbiter(sim);
	if (setjmp(sim->crashed)) {
		++*crashes;
		sim->crash = *crashes < 40 ? again : SIM_NO_CRASH;
		sim->crash_in =
			(uint32_t)(test_random(&sim->chance) % (again < SIM_IN_HOLD ? 600 : 60));
		sim_restart(sim);
	}
	while (sim->taken < sim->packets)
		sim_round(sim, 1 + (uint32_t)(test_random(&sim->chance) % 64));
	for (int i = 0; i < 3; i++) {
		sim->now_ns += 60000000;
		myc_arbiter_look(sim->arbiter);
		sim_settle(sim);
		sim_done(sim);
	}
}

#endif
