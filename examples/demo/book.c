/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviour `book`: the feed handler of an ITCH channel. Builds the order books of all stocks and
 * tells the strategy when the top of a watched one changes.
 *
 * Settings: `symbols`, comma separated, at most 8; `strategy`, the actor to tell (default
 * "strategy").
 *
 * Changes are published when nothing more waits in the rings (BATCH_END), the latest state of each
 * symbol only. When the strategy is behind, the top stays marked and goes with a later batch: a
 * slow reader gets fewer and newer tops, and never holds up the feed.
 *
 * Books that lack a message are stale: after a gap, a restart of this actor, or a message in doubt.
 * They say so with every top until the next session begins.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <mycelium/market/book.h>
#include <mycelium/market/itch50.h>
#include <mycelium/mycelium.h>

#include "messages.h"

#define WATCHED_MAX 8
#define SHOWN_MAX   3
#define STOCK_AT    24 /* of the symbol in Add Order messages */

struct watched {
	uint64_t symbol;
	uint16_t locate;  /* 0 = not seen yet */
	uint32_t changes; /* of its top since it was last told; 0 = nothing to tell */
	uint64_t receive_ns;
};

struct demo_book {
	struct myc_book *books;
	struct watched watched[WATCHED_MAX];
	uint32_t watched_count;
	uint32_t unknown_locates;  /* watched symbols whose locate is not known yet */
	uint8_t watched_at[65536]; /* locate -> index + 1 */
	const char *strategy_name;
	struct myc_ref strategy;
	struct books_stale stale; /* not told yet when count is not 0 */
	bool fresh;		  /* not told yet: a session has begun */
	uint64_t messages, gaps, lost, in_doubt, tops_sent, tops_held;
	uint64_t shown_messages, shown_ns;
};

/* ---- which locate is a watched symbol ------------------------------------------------------- */

static void watch(struct demo_book *book, const char *symbols)
{
	while (*symbols && book->watched_count < WATCHED_MAX) {
		size_t size = strcspn(symbols, ",");
		char name[9] = "";

		memcpy(name, symbols, size < 8 ? size : 8);
		book->watched[book->watched_count++].symbol = myc_symbol_word(name);
		symbols += size + (symbols[size] == ',');
	}
	book->unknown_locates = book->watched_count;
}

static void forget_locates(struct demo_book *book)
{
	memset(book->watched_at, 0, sizeof(book->watched_at));
	for (uint32_t i = 0; i < book->watched_count; i++)
		book->watched[i].locate = 0;
	book->unknown_locates = book->watched_count;
}

/* From the directory; after a restart in mid-day, which has none, from the orders themselves. */
static void learn_locate(struct demo_book *book, const uint8_t *message, uint32_t size)
{
	uint32_t at;

	switch (message[0]) {
	case 'R':
		at = MYC_ITCH_HEADER_SIZE;
		break;
	case 'A':
	case 'F':
		at = STOCK_AT;
		break;
	default:
		return;
	}
	if (size < myc_itch_length(message[0]))
		return;
	uint64_t symbol = myc_load_symbol(message + at);

	for (uint32_t i = 0; i < book->watched_count; i++) {
		struct watched *watched = &book->watched[i];

		if (watched->symbol != symbol || watched->locate)
			continue;
		watched->locate = myc_itch_locate(message);
		book->watched_at[watched->locate] = (uint8_t)(i + 1);
		book->unknown_locates--;
	}
}

/* ---- what the strategy is told -------------------------------------------------------------- */

static bool tell(struct myc_actor *self, struct demo_book *book, enum demo_message type,
		 const void *payload, size_t size)
{
	if (book->strategy.address == MYC_NOBODY &&
	    myc_lookup(self, book->strategy_name, &book->strategy))
		return false; /* not up yet: told later */
	int err = myc_try_send(self, &book->strategy, type, payload, size);

	if (err == -ESRCH)
		book->strategy.address = MYC_NOBODY;
	return err == 0;
}

static struct top_of_book top_of(const struct demo_book *book, const struct watched *watched)
{
	struct myc_book_top top = myc_book_top(book->books, watched->locate);

	return (struct top_of_book){
		.symbol = watched->symbol,
		.receive_ns = watched->receive_ns,
		.bid_price = top.bid,
		.bid_shares = top.bid_size < UINT32_MAX ? (uint32_t)top.bid_size : UINT32_MAX,
		.ask_price = top.ask,
		.ask_shares = top.ask_size < UINT32_MAX ? (uint32_t)top.ask_size : UINT32_MAX,
		.stale = myc_book_is_stale(book->books),
		.changes = watched->changes,
	};
}

static void publish(struct myc_actor *self, struct demo_book *book)
{
	if (book->fresh && tell(self, book, DEMO_FRESH, NULL, 0))
		book->fresh = false;
	if (book->stale.count && tell(self, book, DEMO_STALE, &book->stale, sizeof(book->stale)))
		book->stale.count = 0;
	for (uint32_t i = 0; i < book->watched_count; i++) {
		struct watched *watched = &book->watched[i];
		struct top_of_book top;

		if (!watched->changes)
			continue;
		top = top_of(book, watched);
		if (!tell(self, book, DEMO_TOP, &top, sizeof(top))) {
			book->tops_held++;
			continue;
		}
		watched->changes = 0;
		book->tops_sent++;
	}
}

/* ---- the feed ------------------------------------------------------------------------------- */

static void mark_stale(struct demo_book *book, uint64_t sequence, uint64_t count)
{
	myc_book_mark_stale(book->books);
	if (!book->stale.count)
		book->stale.sequence = sequence;
	book->stale.count += count;
}

static void on_message(struct demo_book *book, const struct myc_feed_event *event)
{
	struct myc_book_change change;

	book->messages++;
	if (book->unknown_locates && event->size)
		learn_locate(book, event->data, event->size);
	/* What it refuses it counts; the book stays sound. */
	if (myc_book_apply(book->books, event->data, event->size, &change) || !change.top)
		return;
	uint8_t index = book->watched_at[change.locate];

	if (index) {
		book->watched[index - 1].changes++;
		book->watched[index - 1].receive_ns = event->receive_ns;
	}
}

static void on_session(struct demo_book *book)
{
	myc_book_clear(book->books);
	forget_locates(book);
	for (uint32_t i = 0; i < book->watched_count; i++)
		book->watched[i].changes = 0;
	book->stale.count = 0;
	book->fresh = true;
}

static int book_feed(struct myc_actor *self, const struct myc_feed_event *event)
{
	struct demo_book *book = myc_state(self);

	switch (event->kind) {
	case MYC_FEED_MESSAGE:
		on_message(book, event);
		break;
	case MYC_FEED_BATCH_END:
		publish(self, book);
		break;
	case MYC_FEED_GAP:
		book->gaps++;
		book->lost += event->count;
		mark_stale(book, event->sequence, event->count);
		break;
	case MYC_FEED_SESSION:
		on_session(book);
		break;
	case MYC_FEED_IN_DOUBT:
		book->in_doubt++;
		mark_stale(book, event->sequence, 1);
		break;
	case MYC_FEED_RESUMED:
		/* We are new and empty; everything before this number is what we lack. */
		mark_stale(book, 1, event->sequence > 1 ? event->sequence - 1 : 1);
		break;
	default:
		break;
	}
	return 0;
}

/* ---- life ----------------------------------------------------------------------------------- */

static int book_init(struct myc_actor *self)
{
	struct demo_book *book = myc_state(self);

	watch(book, myc_setting(self, "symbols", "S00001,S00002,S00003"));
	book->strategy_name = myc_setting(self, "strategy", "strategy");
	return myc_book_open(&book->books,
			     &(struct myc_book_opts){.sz = sizeof(struct myc_book_opts)});
}

static void book_stopped(struct myc_actor *self)
{
	struct demo_book *book = myc_state(self);

	myc_book_close(book->books);
	book->books = NULL;
}

static int show_top(const struct demo_book *book, const struct watched *watched, char *text,
		    size_t size)
{
	struct top_of_book top = top_of(book, watched);
	char name[9] = "";

	for (unsigned i = 0; i < 8 && (uint8_t)(watched->symbol >> 8 * i) != ' '; i++)
		name[i] = (char)(watched->symbol >> 8 * i);
	return snprintf(text, size, "%s %ux%.2f/%.2fx%u, ", name, top.bid_shares,
			(double)top.bid_price / 10000, (double)top.ask_price / 10000,
			top.ask_shares);
}

static void book_status(struct myc_actor *self, struct myc_status *status)
{
	struct demo_book *book = myc_state(self);
	uint64_t now_ns = myc_now_ns(self), since_ns = now_ns - book->shown_ns, rate = 0;
	size_t used = 0, size = sizeof(status->text);

	if (book->shown_ns && since_ns)
		rate = (book->messages - book->shown_messages) * 1000000000u / since_ns;
	book->shown_messages = book->messages;
	book->shown_ns = now_ns;
	for (uint32_t i = 0; i < book->watched_count && i < SHOWN_MAX && used < size; i++)
		used += (size_t)show_top(book, &book->watched[i], status->text + used, size - used);
	if (used < size)
		snprintf(status->text + used, size - used,
			 "%llu msg/s, %u orders, %llu tops sent, %s", (unsigned long long)rate,
			 myc_book_totals(book->books).orders, (unsigned long long)book->tops_sent,
			 myc_book_is_stale(book->books) ? "STALE" : "good");
}

extern const struct myc_behaviour myc_behaviour_book;
const struct myc_behaviour myc_behaviour_book = {
	.name = "book",
	.state_size = sizeof(struct demo_book),
	.init = book_init,
	.stopped = book_stopped,
	.feed = book_feed,
	.status = book_status,
};
