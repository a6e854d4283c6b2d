/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Behaviour `feed`: the exchange's messages go to a pool of workers, which keep the books. All messages of a stock go to
 * the same worker, in order; each worker publishes the tops of its books to a topic of its own, tops.0, tops.1, ...
 */
#include <errno.h>
#include <stdio.h>

#include <mycelium/market/book.h>
#include <mycelium/market/itch50.h>
#include <mycelium/mycelium.h>

#include "desk.h"

#define WORKERS 2

enum { ITCH = 1, STALE }; /* to a worker: a message of the exchange; some are missing */

/* ---- a worker ---------------------------------------------------------------------------------- */

struct books {
	struct myc_book *book;
	struct desk_tape_topic tops;
};

static int books_started(struct myc_actor *self)
{
	struct books *books = myc_state(self);
	const struct myc_book_opts opts = {
		.sz = sizeof(opts), .orders_max = 1 << 16, .levels_max = 1 << 16, .locates = 1024};
	char topic[16];

	snprintf(topic, sizeof(topic), "tops.%.9s", myc_setting(self, "worker", ""));
	int code = desk_tape_claim(self, topic, &books->tops);

	code = code ? code : myc_group_join(self, "desk", "books");
	code = code ? code : myc_book_open(&books->book, &opts);
	if (!code && myc_setting(self, "late", NULL))
		myc_book_mark_stale(books->book);
	return code;
}

static int books_message(struct myc_actor *self, const struct myc_message *message)
{
	struct books *books = myc_state(self);
	struct myc_book_change change;

	if (message->type == STALE)
		myc_book_mark_stale(books->book);
	if (message->type != ITCH)
		return 0;
	int code = myc_book_apply(books->book, message->payload, message->size, &change);

	if (code == -ENOENT) /* of an order from before this worker: another had the stock */
		myc_book_mark_stale(books->book);
	/* What else the book refuses it counts, and stays sound. A stale one has no prices to trade on. */
	if (code || !change.top || myc_book_is_stale(books->book))
		return 0;
	struct myc_book_top top = myc_book_top(books->book, change.locate);

	return desk_tape_publish(
		self, &books->tops, change.locate,
		&(struct desk_top_block){.stock = change.locate, .bid = top.bid, .ask = top.ask});
}

static void books_stopped(struct myc_actor *self)
{
	struct books *books = myc_state(self);

	myc_book_close(books->book);
}

static const struct myc_behaviour books = {.name = "books",
					   .state_size = sizeof(struct books),
					   .started = books_started,
					   .message = books_message,
					   .stopped = books_stopped};

/* ---- the feed ---------------------------------------------------------------------------------- */

struct feed {
	struct myc_workers *pool;
	struct myc_ref books;
	struct myc_group each; /* of the workers */
	uint64_t messages, given;
};

static int feed_started(struct myc_actor *self)
{
	struct feed *feed = myc_state(self);
	static const struct myc_setting late = {
		"late", "yes"}; /* into the day: the books lack its beginning */
	const struct myc_workers_opts opts = {
		.sz = sizeof(opts),
		.behaviour = &books,
		.worker_settings = &late,
		.worker_settings_count = myc_restarts(self) > 0,
		.key_offset = 1, /* the stock's number in a message of ITCH */
		.key_size = 2,
		.settings = {.workers = WORKERS, .route = MYC_ROUTE_KEY, .ahead = 16}};
	int code = myc_workers_spawn_local(self, &opts, &feed->pool, NULL);

	code = code ? code : myc_resolve(self, myc_workers_address(feed->pool), &feed->books);
	return code ? code : myc_group_open(self, "desk", "books", &feed->each);
}

static int feed_event(struct myc_actor *self, const struct myc_feed_event *event)
{
	struct feed *feed = myc_state(self);

	switch (event->kind) {
	case MYC_FEED_MESSAGE:
		feed->messages++;
		if (event->size > MYC_PAYLOAD_MAX)
			return 0; /* none that changes a book */
		feed->given++;
		return myc_send(self, &feed->books, ITCH, event->data, event->size);
	case MYC_FEED_GAP:
	case MYC_FEED_IN_DOUBT:
	case MYC_FEED_RESUMED:
		return myc_group_send_all(self, &feed->each, STALE, NULL, 0) < 0 ? -1 : 0;
	default:
		return 0;
	}
}

static void feed_status(struct myc_actor *self, struct myc_status *status)
{
	const struct feed *feed = myc_state(self);
	struct myc_workers_numbers n;

	myc_workers_read(feed->pool, &n, NULL);
	snprintf(status->text, sizeof(status->text),
		 "messages=%llu given=%llu done=%llu waiting=%llu",
		 (unsigned long long)feed->messages, (unsigned long long)feed->given,
		 (unsigned long long)n.done, (unsigned long long)n.waiting);
}

extern const struct myc_behaviour myc_behaviour_feed;
const struct myc_behaviour myc_behaviour_feed = {.name = "feed",
						 .state_size = sizeof(struct feed),
						 .started = feed_started,
						 .feed = feed_event,
						 .status = feed_status};
