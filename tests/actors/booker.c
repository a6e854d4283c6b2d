/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An actor that builds the books of an ITCH channel and writes down what they counted.
 * Setting: log (path of an existing file of the wanted size).
 */
#include "actors/booker.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <mycelium/market/book.h>
#include <mycelium/mycelium.h>

struct booker {
	struct booker_log *log;
	struct myc_book *book;
};

static int booker_init(struct myc_actor *self)
{
	struct booker *booker = myc_state(self);
	const char *path = myc_setting(self, "log", NULL);
	int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;

	if (fd < 0)
		return -errno;
	booker->log = mmap(NULL, sizeof(*booker->log), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (booker->log == MAP_FAILED)
		return -errno;
	return myc_book_open(&booker->book,
			     &(struct myc_book_opts){.sz = sizeof(struct myc_book_opts)});
}

static int booker_feed(struct myc_actor *self, const struct myc_feed_event *event)
{
	struct booker *booker = myc_state(self);
	struct booker_log *log = booker->log;
	struct myc_book_change change;

	if (event->kind == MYC_FEED_MESSAGE) {
		log->messages++;
		/* What it refuses it counts. */
		(void)myc_book_apply(booker->book, event->data, event->size, &change);
	}
	if (event->kind == MYC_FEED_END) {
		struct myc_book_totals totals = myc_book_totals(booker->book);

		log->unknown = totals.unknown;
		log->duplicate = totals.duplicate;
		log->refused = totals.refused;
		log->malformed = totals.malformed;
		/* Pairs with the reading test's acquire. */
		__atomic_store_n(&log->ends, log->ends + 1, __ATOMIC_RELEASE);
	}
	return 0;
}

static void booker_stopped(struct myc_actor *self)
{
	struct booker *booker = myc_state(self);

	myc_book_close(booker->book);
	booker->book = NULL;
}

const struct myc_behaviour myc_behaviour_booker = {
	.name = "booker",
	.state_size = sizeof(struct booker),
	.init = booker_init,
	.stopped = booker_stopped,
	.feed = booker_feed,
};
