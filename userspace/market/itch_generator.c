/* SPDX-License-Identifier: Apache-2.0 */
#include "market/itch_generator.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <mycelium/market/itch50.h>

#define SECOND_NS   1000000000ull
#define CLOSING	    3	/* S 'M', 'E', 'C' */
#define OPENING	    3	/* S 'O', 'S', 'Q' */
#define TICK	    100 /* Price(4): one cent */
#define PRICE_FLOOR 500 /* ticks; keeps every generated price positive */
#define QUEUES	    (1u << 18)
#define ADDS	    500 /* of a thousand messages, those that press among them */
#define PRESSING    9	/* one order in so many goes for the other side */
#define NONE	    UINT32_MAX

struct order {
	uint64_t reference;
	uint32_t shares;
	uint32_t price;	     /* Price(4) */
	uint32_t next, prev; /* in its queue, indices of `live` */
	uint16_t locate;
	char side;
};

/* Orders of a price level, the oldest first, among those of the levels that hash alike. */
struct queue {
	uint32_t head, tail;
};

struct myc_itch_generator {
	struct myc_itch_generator_opts opts;
	uint64_t chance;
	uint64_t made; /* messages so far */
	uint64_t time_ns, step_ns;
	uint64_t reference, match;
	uint32_t *middle;   /* by locate: ticks */
	struct order *live; /* the newest last, holes filled from the end */
	uint32_t live_count;
	struct queue *queue;
};

/* splitmix64: good from any seed, 0 included. */
static uint64_t draw(struct myc_itch_generator *g)
{
	uint64_t x = g->chance += 0x9e3779b97f4a7c15ull;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static uint32_t below(struct myc_itch_generator *g, uint32_t limit)
{
	return (uint32_t)((draw(g) >> 32) * limit >> 32);
}

/* 0, 1, 2, ... each half as likely as the one before. */
static uint32_t halving(struct myc_itch_generator *g)
{
	return (uint32_t)__builtin_ctzll(draw(g) | 1ull << 40);
}

/* Locates skewed to the low numbers: the third power of an even draw. */
static uint16_t draw_locate(struct myc_itch_generator *g)
{
	uint64_t u = draw(g) >> 44; /* 20 bits */
	uint64_t cubed = (u * u >> 20) * u >> 20;

	return (uint16_t)(1 + (cubed * g->opts.symbols >> 20));
}

/* A living order: four of five among the newest thousand, the rest anywhere. */
static uint32_t draw_order(struct myc_itch_generator *g)
{
	uint32_t recent = g->live_count < 1000 ? g->live_count : 1000;

	if (below(g, 5))
		return g->live_count - 1 - below(g, recent);
	return below(g, g->live_count);
}

/* The one of eight draws that is nearest to its middle: executions happen at the touch. */
static uint32_t draw_order_near(struct myc_itch_generator *g)
{
	uint32_t best = draw_order(g);
	uint32_t best_distance = UINT32_MAX;

	for (int i = 0; i < 8; i++) {
		uint32_t at = draw_order(g);
		const struct order *order = &g->live[at];
		uint32_t middle = g->middle[order->locate] * TICK;
		uint32_t distance =
			order->price > middle ? order->price - middle : middle - order->price;
		if (distance < best_distance) {
			best = at;
			best_distance = distance;
		}
	}
	return best;
}

static struct queue *queue_of(const struct myc_itch_generator *g, uint16_t locate, uint32_t price)
{
	uint64_t key = ((uint64_t)locate << 32 | price) * 0x9e3779b97f4a7c15ull;

	return &g->queue[key >> 32 & (QUEUES - 1)];
}

/* What points at an order in its queue, from both sides. */
static void point_at(struct myc_itch_generator *g, const struct order *order, uint32_t before,
		     uint32_t behind)
{
	struct queue *queue = queue_of(g, order->locate, order->price);

	*(order->prev == NONE ? &queue->head : &g->live[order->prev].next) = before;
	*(order->next == NONE ? &queue->tail : &g->live[order->next].prev) = behind;
}

static void keep(struct myc_itch_generator *g, const struct order *order)
{
	uint32_t at = g->live_count++;

	g->live[at] = *order;
	g->live[at].next = NONE;
	g->live[at].prev = queue_of(g, order->locate, order->price)->tail;
	point_at(g, &g->live[at], at, at);
}

static void forget(struct myc_itch_generator *g, uint32_t at)
{
	const struct order *order = &g->live[at];

	point_at(g, order, order->next, order->prev);
	if (at == --g->live_count)
		return;
	g->live[at] = g->live[g->live_count];
	point_at(g, &g->live[at], at, at);
}

/* The oldest order at a price, or NONE. */
static uint32_t first_at(const struct myc_itch_generator *g, uint16_t locate, uint32_t price)
{
	uint32_t at = queue_of(g, locate, price)->head;

	while (at != NONE && (g->live[at].locate != locate || g->live[at].price != price))
		at = g->live[at].next;
	return at;
}

/* Bids lie below the middle and asks above it: books never cross. */
static uint32_t draw_price(struct myc_itch_generator *g, uint16_t locate, char side)
{
	uint32_t away = 1 + below(g, 8) + halving(g) + (below(g, 8) ? 0 : below(g, 200));
	uint32_t middle = g->middle[locate];

	return (side == 'B' ? middle - away : middle + away) * TICK;
}

/* An order that goes for the other side: takes what rests beside the middle, which it returns, or,
 * where nothing does, moves the middle there. */
static uint32_t press(struct myc_itch_generator *g, uint16_t locate, char side)
{
	uint32_t *middle = &g->middle[locate];
	uint32_t to = side == 'B' ? *middle + 1 : *middle - 1;
	uint32_t at = first_at(g, locate, to * TICK);

	if (at == NONE && to >= PRICE_FLOOR)
		*middle = to;
	return at;
}

static uint32_t draw_shares(struct myc_itch_generator *g)
{
	return below(g, 4) ? 100 * (1 + halving(g)) : 1 + below(g, 1000);
}

/* Characters as on the wire: no terminator. */
static void put_text(uint8_t *at, const char *text)
{
	while (*text)
		*at++ = (uint8_t)*text++;
}

static uint32_t header(const struct myc_itch_generator *g, uint8_t *out, char type, uint16_t locate)
{
	memset(out, 0, MYC_ITCH_GENERATOR_BUFFER);
	out[0] = (uint8_t)type;
	myc_store_be16(out + 1, locate);
	myc_store_be48(out + 5, g->time_ns);
	return myc_itch_length((uint8_t)type);
}

static uint32_t system_event(const struct myc_itch_generator *g, uint8_t *out, char event)
{
	uint32_t size = header(g, out, 'S', 0);

	out[11] = (uint8_t)event;
	return size;
}

uint64_t myc_itch_generator_symbol(uint32_t locate)
{
	char text[9];

	snprintf(text, sizeof(text), "S%05u", locate % 100000);
	return myc_symbol_word(text);
}

static uint32_t directory(const struct myc_itch_generator *g, uint8_t *out, uint16_t locate)
{
	uint32_t size = header(g, out, 'R', locate);

	myc_store_le64(out + 11, myc_itch_generator_symbol(locate));
	out[19] = 'Q';
	out[20] = 'N';
	myc_store_be32(out + 21, 100);
	put_text(out + 25, "NCZ PN 1N");
	out[38] = 'N';
	return size;
}

static uint32_t trading(const struct myc_itch_generator *g, uint8_t *out, uint16_t locate)
{
	uint32_t size = header(g, out, 'H', locate);

	myc_store_le64(out + 11, myc_itch_generator_symbol(locate));
	out[19] = 'T';
	out[20] = ' ';
	put_text(out + 21, "    ");
	return size;
}

/* A, F and P share their first 36 bytes. */
static uint32_t order_body(const struct myc_itch_generator *g, uint8_t *out, char type,
			   const struct order *order)
{
	uint32_t size = header(g, out, type, order->locate);

	myc_store_be64(out + 11, order->reference);
	out[19] = (uint8_t)order->side;
	myc_store_be32(out + 20, order->shares);
	myc_store_le64(out + 24, myc_itch_generator_symbol(order->locate));
	myc_store_be32(out + 32, order->price);
	return size;
}

/* E, C and X share reference and shares; a fill of everything ends the order. */
static uint32_t reduce(struct myc_itch_generator *g, uint8_t *out, char type, uint32_t at)
{
	struct order *order = &g->live[at];
	uint32_t taken = below(g, 2) ? order->shares : 1 + below(g, order->shares);
	uint32_t size = header(g, out, type, order->locate);

	if (type == 'X' && taken == order->shares && taken > 1)
		taken /= 2;
	myc_store_be64(out + 11, order->reference);
	myc_store_be32(out + 19, taken);
	if (type != 'X')
		myc_store_be64(out + 23, ++g->match);
	if (type == 'C') {
		out[31] = 'Y';
		myc_store_be32(out + 32, order->price);
	}
	order->shares -= taken;
	if (!order->shares)
		forget(g, at);
	return size;
}

static uint32_t add(struct myc_itch_generator *g, uint8_t *out)
{
	struct order order = {.locate = draw_locate(g), .side = below(g, 2) ? 'B' : 'S'};
	uint32_t size;

	if (!below(g, PRESSING)) {
		uint32_t resting = press(g, order.locate, order.side);

		if (resting != NONE)
			return reduce(g, out, 'E', resting);
	}
	order.reference = ++g->reference;
	order.shares = draw_shares(g);
	order.price = draw_price(g, order.locate, order.side);
	keep(g, &order);
	bool attributed = !below(g, 30);
	size = order_body(g, out, attributed ? 'F' : 'A', &order);
	if (attributed)
		put_text(out + 36, "MYCL");
	return size;
}

static uint32_t remove_order(struct myc_itch_generator *g, uint8_t *out)
{
	uint32_t at = draw_order(g);
	uint32_t size = header(g, out, 'D', g->live[at].locate);

	myc_store_be64(out + 11, g->live[at].reference);
	forget(g, at);
	return size;
}

static uint32_t replace(struct myc_itch_generator *g, uint8_t *out)
{
	struct order order;
	uint32_t at = draw_order(g);
	uint32_t size = header(g, out, 'U', g->live[at].locate);

	order = g->live[at];
	myc_store_be64(out + 11, order.reference);
	forget(g, at);
	order.reference = ++g->reference;
	order.shares = draw_shares(g);
	order.price = draw_price(g, order.locate, order.side);
	myc_store_be64(out + 19, order.reference);
	myc_store_be32(out + 27, order.shares);
	myc_store_be32(out + 31, order.price);
	keep(g, &order);
	return size;
}

/* Trades against hidden orders name no reference and are always 'B' (section 4.5.1). */
static uint32_t trade(struct myc_itch_generator *g, uint8_t *out)
{
	struct order hidden = {.locate = draw_locate(g), .side = 'B', .shares = draw_shares(g)};
	uint32_t size;

	hidden.price = g->middle[hidden.locate] * TICK;
	size = order_body(g, out, 'P', &hidden);
	myc_store_be64(out + 36, ++g->match);
	return size;
}

/* Shares of the message types of a busy hour, in thousandths. */
static uint32_t day(struct myc_itch_generator *g, uint8_t *out)
{
	uint32_t kind = below(g, 1000);

	if (g->live_count < 16)
		return add(g, out);
	if (kind < ADDS && g->live_count < g->opts.live_max)
		return add(g, out);
	if (kind < 910)
		return remove_order(g, out);
	if (kind < 975)
		return replace(g, out);
	if (kind < 977)
		return reduce(g, out, 'C', draw_order_near(g));
	if (kind < 992)
		return reduce(g, out, 'X', draw_order(g));
	return trade(g, out);
}

bool myc_itch_generator_next(struct myc_itch_generator *g, uint8_t out[MYC_ITCH_GENERATOR_BUFFER],
			     uint32_t *size, uint64_t *timestamp)
{
	static const char closing[CLOSING] = {'M', 'E', 'C'};
	uint64_t n = g->made;
	uint32_t symbols = g->opts.symbols;

	if (n == g->opts.messages)
		return false;
	g->made++;
	g->time_ns += 1 + below(g, (uint32_t)(2 * g->step_ns - 1));
	if (n == 0) {
		*size = system_event(g, out, 'O');
	} else if (n <= symbols) {
		*size = directory(g, out, (uint16_t)n);
	} else if (n <= 2ull * symbols) {
		*size = trading(g, out, (uint16_t)(n - symbols));
	} else if (n == 2ull * symbols + 1) {
		*size = system_event(g, out, 'S');
	} else if (n == 2ull * symbols + 2) {
		g->time_ns = (9 * 3600 + 30 * 60) * SECOND_NS;
		*size = system_event(g, out, 'Q');
	} else if (n >= g->opts.messages - CLOSING) {
		*size = system_event(g, out, closing[n - (g->opts.messages - CLOSING)]);
	} else {
		*size = day(g, out);
	}
	*timestamp = g->time_ns;
	return true;
}

int myc_itch_generator_open(struct myc_itch_generator **generator,
			    const struct myc_itch_generator_opts *opts)
{
	struct myc_itch_generator *g = calloc(1, sizeof(*g));

	if (!g)
		return -ENOMEM;
	g->opts = *opts;
	g->opts.symbols = opts->symbols ? opts->symbols : 500;
	g->opts.messages = opts->messages ? opts->messages : 1000000;
	g->opts.live_max = opts->live_max ? opts->live_max : 200000;
	if (g->opts.symbols > UINT16_MAX || g->opts.live_max < 16 ||
	    g->opts.messages < 2ull * g->opts.symbols + OPENING + CLOSING) {
		free(g);
		return -EINVAL;
	}
	g->chance = opts->seed ? opts->seed : 1;
	g->time_ns = 3 * 3600 * SECOND_NS;
	/* The busy hour and a half after the open; at least 1 ns a message. */
	g->step_ns = 5400 * SECOND_NS / g->opts.messages;
	if (!g->step_ns)
		g->step_ns = 1;
	if (g->step_ns > SECOND_NS)
		g->step_ns = SECOND_NS;
	g->middle = calloc(g->opts.symbols + 1u, sizeof(*g->middle));
	g->live = calloc(g->opts.live_max, sizeof(*g->live));
	g->queue = malloc(QUEUES * sizeof(*g->queue));
	if (!g->middle || !g->live || !g->queue) {
		myc_itch_generator_close(g);
		return -ENOMEM;
	}
	memset(g->queue, 0xff, QUEUES * sizeof(*g->queue)); /* NONE */
	for (uint32_t locate = 1; locate <= g->opts.symbols; locate++)
		g->middle[locate] = PRICE_FLOOR + 500 + below(g, 30000);
	*generator = g;
	return 0;
}

void myc_itch_generator_close(struct myc_itch_generator *g)
{
	if (!g)
		return;
	free(g->middle);
	free(g->live);
	free(g->queue);
	free(g);
}
