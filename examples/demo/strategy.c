/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviour `strategy`: takes tops of books and keeps the simplest signal there is: which side of
 * the touch is heavier, smoothed, while the spread is tight and the book can be trusted. It trades
 * nothing; it shows how an actor receives, and what the way from the wire to it costs.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <mycelium/mycelium.h>

#include "latency.h"
#include "messages.h"

#define SYMBOLS_MAX  8
#define SMOOTHING    16	  /* an update weighs 1/16 */
#define SPREAD_TIGHT 2000 /* 1/10,000 dollar */
#define HEAVY	     0.5

struct signal {
	struct top_of_book top;
	double imbalance; /* -1 all ask .. +1 all bid, smoothed */
	int side;	  /* -1, 0, +1 */
};

struct strategy {
	struct signal signal[SYMBOLS_MAX];
	uint32_t symbols;
	bool stale;
	uint64_t tops, changes, signals, stale_reports;
	uint64_t shown_tops, shown_ns;
	struct latency latency; /* packet at the interface to here */
};

static struct signal *signal_of(struct strategy *strategy, uint64_t symbol)
{
	for (uint32_t i = 0; i < strategy->symbols; i++)
		if (strategy->signal[i].top.symbol == symbol)
			return &strategy->signal[i];
	if (strategy->symbols == SYMBOLS_MAX)
		return NULL;
	return &strategy->signal[strategy->symbols++];
}

static void weigh(struct strategy *strategy, struct signal *signal)
{
	const struct top_of_book *top = &signal->top;
	double shares = (double)top->bid_shares + (double)top->ask_shares;
	bool two_sided = top->bid_price && top->ask_price > top->bid_price;
	int side = 0;

	if (two_sided && shares > 0) {
		double now = ((double)top->bid_shares - (double)top->ask_shares) / shares;

		signal->imbalance += (now - signal->imbalance) / SMOOTHING;
	}
	if (two_sided && !top->stale && top->ask_price - top->bid_price <= SPREAD_TIGHT)
		side = (signal->imbalance > HEAVY) - (signal->imbalance < -HEAVY);
	strategy->signals += side && side != signal->side;
	signal->side = side;
}

static int on_top(struct myc_actor *self, const struct myc_message *message)
{
	struct strategy *strategy = myc_state(self);
	struct top_of_book top;
	uint64_t now_ns = myc_now_ns(self);

	if (message->size != sizeof(top))
		return 0;
	memcpy(&top, message->payload, sizeof(top));
	struct signal *signal = signal_of(strategy, top.symbol);

	/* The clock is read once a turn, so it may be a little behind the packet. */
	latency_add(&strategy->latency, now_ns > top.receive_ns ? now_ns - top.receive_ns : 0);
	strategy->tops++;
	strategy->changes += top.changes;
	strategy->stale = top.stale;
	if (signal) {
		signal->top = top;
		weigh(strategy, signal);
	}
	return 0;
}

static int strategy_message(struct myc_actor *self, const struct myc_message *message)
{
	struct strategy *strategy = myc_state(self);

	switch (message->type) {
	case DEMO_TOP:
		return on_top(self, message);
	case DEMO_STALE:
		strategy->stale = true;
		strategy->stale_reports++;
		for (uint32_t i = 0; i < strategy->symbols; i++)
			strategy->signal[i].side = 0;
		return 0;
	case DEMO_FRESH:
		strategy->stale = false;
		return 0;
	default:
		return 0;
	}
}

static void strategy_status(struct myc_actor *self, struct myc_status *status)
{
	struct strategy *strategy = myc_state(self);
	uint64_t now_ns = myc_now_ns(self), since_ns = now_ns - strategy->shown_ns;
	uint64_t rate = 0;

	if (strategy->shown_ns && since_ns)
		rate = (strategy->tops - strategy->shown_tops) * 1000000000u / since_ns;
	strategy->shown_tops = strategy->tops;
	strategy->shown_ns = now_ns;
	snprintf(status->text, sizeof(status->text),
		 "%llu tops (%llu/s) of %llu changes, %llu signals, wire to here p50 %.1f us p99 "
		 "%.1f us, %s",
		 (unsigned long long)strategy->tops, (unsigned long long)rate,
		 (unsigned long long)strategy->changes, (unsigned long long)strategy->signals,
		 (double)latency_quantile(&strategy->latency, 0.5) / 1000,
		 (double)latency_quantile(&strategy->latency, 0.99) / 1000,
		 strategy->stale ? "books STALE" : "books good");
}

extern const struct myc_behaviour myc_behaviour_strategy;
const struct myc_behaviour myc_behaviour_strategy = {
	.name = "strategy",
	.state_size = sizeof(struct strategy),
	.message = strategy_message,
	.status = strategy_status,
};
