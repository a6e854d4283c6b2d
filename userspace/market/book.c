/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orders lie in a pool whose free slots are reused last-in first-out, so the living ones share few
 * cache lines; a chained index by the low bits of the reference finds them. Venues number orders
 * upwards, so those low bits spread evenly and the newest orders' buckets lie side by side.
 *
 * Each side of a stock is one array of levels sorted towards the best, which is the last: what
 * happens near the touch moves a few bytes at the array's end. Arrays come in powers of two out of
 * one arena with a free list a size.
 */
#include <mycelium/market/book.h>

#include <stdlib.h>
#include <sys/mman.h>

#include <mycelium/market/itch50.h>

#define NONE	     0xffffffffu
#define CLASS_MIN    3 /* arrays of 8 levels at least */
#define CLASSES	     31
#define LINEAR_STEPS 8
#define COUNT_MAX    (1u << 30)
#define HUGE_PAGE    (2u << 20)

struct order {
	uint64_t reference;
	uint32_t shares, price;
	uint32_t next; /* in the bucket, or free */
	uint16_t locate;
	uint8_t side; /* enum myc_book_side */
};

/* Sorted by key, ascending: the price of a bid, the complement of an ask's. */
struct level {
	uint32_t key, orders;
	uint64_t shares;
};

struct side {
	uint32_t at; /* first level in the arena */
	uint32_t count;
	uint8_t class; /* the array has 2^class levels; 0 = none yet */
};

struct stock {
	struct side side[2];
	uint64_t reserved; /* 32 bytes: never on two cache lines */
};

struct myc_book {
	struct order *order;
	uint32_t *bucket;
	uint32_t bucket_mask, order_free;
	struct stock *stock;
	struct level *level;
	uint32_t level_used; /* of the arena */
	uint32_t class_free[CLASSES];
	struct myc_book_opts opts;
	struct myc_book_totals totals;
	bool stale;
};

/* ---- levels ------------------------------------------------------------------------------------ */

static uint32_t key_of(uint32_t price, uint8_t side)
{
	return side == MYC_BOOK_BID ? price : ~price;
}

/* Gives the side an array of the next class. False: the arena has no room. */
static bool side_grow(struct myc_book *book, struct side *side)
{
	uint8_t class = side->class ? side->class + 1 : CLASS_MIN;
	uint32_t at;

	if (class >= CLASSES)
		return false;
	at = book->class_free[class];
	if (at != NONE) {
		book->class_free[class] = book->level[at].key;
	} else {
		if (book->opts.levels_max - book->level_used < 1u << class)
			return false;
		at = book->level_used;
		book->level_used += 1u << class;
	}
	if (side->class) {
		memcpy(&book->level[at], &book->level[side->at],
		       side->count * sizeof(struct level));
		book->level[side->at].key = book->class_free[side->class];
		book->class_free[side->class] = side->at;
	}
	side->at = at;
	side->class = class;
	return true;
}

/* Index of the first level from the best whose key is <= key, + 1: where key is or would follow. */
static inline uint32_t side_find(const struct level *level, uint32_t count, uint32_t key)
{
	uint32_t low = 0, high = count;

	for (int step = 0; step < LINEAR_STEPS; step++, high--)
		if (!high || level[high - 1].key <= key)
			return high;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;
		if (level[middle].key <= key)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Adds an order's shares to its level, which is made when it is new. False: no room. */
static bool level_add(struct myc_book *book, const struct order *order, bool *top)
{
	struct side *side = &book->stock[order->locate].side[order->side];
	struct level *level = &book->level[side->at];
	uint32_t key = key_of(order->price, order->side);
	uint32_t at = side_find(level, side->count, key);

	if (at && level[at - 1].key == key) {
		level[at - 1].orders++;
		level[at - 1].shares += order->shares;
		*top = at == side->count;
		return true;
	}
	if (side->count == (side->class ? 1u << side->class : 0)) {
		if (!side_grow(book, side))
			return false;
		level = &book->level[side->at];
	}
	memmove(&level[at + 1], &level[at], (side->count - at) * sizeof(*level));
	level[at] = (struct level){.key = key, .orders = 1, .shares = order->shares};
	*top = at == side->count;
	side->count++;
	book->totals.levels++;
	return true;
}

/* Takes shares off an order's level, and the order itself when `ends`. True: it was the best. */
static bool level_take(struct myc_book *book, const struct order *order, uint32_t shares, bool ends)
{
	struct side *side = &book->stock[order->locate].side[order->side];
	struct level *level = &book->level[side->at];
	uint32_t at = side_find(level, side->count, key_of(order->price, order->side)) - 1;
	bool top = at + 1 == side->count;

	level[at].shares -= shares;
	level[at].orders -= ends;
	if (!level[at].orders) {
		side->count--;
		book->totals.levels--;
		memmove(&level[at], &level[at + 1], (side->count - at) * sizeof(*level));
	}
	return top;
}

/* ---- orders ------------------------------------------------------------------------------------ */

/* The link that holds the order's index, or the NONE at the end of its bucket. */
static inline uint32_t *order_link(const struct myc_book *book, uint64_t reference)
{
	uint32_t *link = &book->bucket[(uint32_t)reference & book->bucket_mask];

	while (*link != NONE && book->order[*link].reference != reference)
		link = &book->order[*link].next;
	return link;
}

static int order_begin(struct myc_book *book, const struct order *model,
		       struct myc_book_change *change)
{
	uint32_t index = book->order_free;
	uint32_t *link = order_link(book, model->reference);

	if (*link != NONE) {
		book->totals.duplicate++;
		return -EEXIST;
	}
	if (index == NONE || model->locate >= book->opts.locates ||
	    !level_add(book, model, &change->top)) {
		book->totals.refused++;
		return -ENOSPC;
	}
	book->order_free = book->order[index].next;
	book->order[index] = *model;
	book->order[index].next = NONE;
	*link = index;
	book->totals.orders++;
	change->changed = true;
	change->locate = model->locate;
	return 0;
}

static void order_end(struct myc_book *book, uint32_t *link, struct myc_book_change *change)
{
	uint32_t index = *link;
	struct order *order = &book->order[index];

	change->top = level_take(book, order, order->shares, true);
	*link = order->next;
	order->next = book->order_free;
	book->order_free = index;
	book->totals.orders--;
}

/* ---- messages ---------------------------------------------------------------------------------- */

static int malformed(struct myc_book *book)
{
	book->totals.malformed++;
	return -EBADMSG;
}

static int add(struct myc_book *book, const uint8_t *message, struct myc_book_change *change)
{
	struct order model = {
		.reference = myc_load_be64(message + 11),
		.shares = myc_load_be32(message + 20),
		.price = myc_load_be32(message + 32),
		.locate = myc_itch_locate(message),
		.side = message[19] == 'B' ? MYC_BOOK_BID : MYC_BOOK_ASK,
	};

	if ((message[19] != 'B' && message[19] != 'S') || !model.shares)
		return malformed(book);
	book->totals.messages++;
	return order_begin(book, &model, change);
}

/* shares 0 = all of it. */
static int take(struct myc_book *book, uint64_t reference, uint32_t shares,
		struct myc_book_change *change)
{
	uint32_t *link = order_link(book, reference);
	struct order *order;

	if (*link == NONE) {
		book->totals.unknown++;
		return -ENOENT;
	}
	order = &book->order[*link];
	book->totals.messages++;
	change->changed = true;
	change->locate = order->locate;
	if (shares && shares < order->shares) {
		order->shares -= shares;
		change->top = level_take(book, order, shares, false);
		return 0;
	}
	book->totals.overfilled += shares > order->shares;
	order_end(book, link, change);
	return 0;
}

static int reduce(struct myc_book *book, const uint8_t *message, struct myc_book_change *change)
{
	uint32_t shares = myc_load_be32(message + 19);

	/* Nothing taken changes nothing; and 0 means "all" below. */
	return shares ? take(book, myc_load_be64(message + 11), shares, change) : malformed(book);
}

static int replace(struct myc_book *book, const uint8_t *message, struct myc_book_change *change)
{
	uint32_t *link = order_link(book, myc_load_be64(message + 11));
	struct order model;
	bool top;
	int error;

	if (*link == NONE) {
		book->totals.unknown++;
		return -ENOENT;
	}
	model = book->order[*link];
	model.reference = myc_load_be64(message + 19);
	model.shares = myc_load_be32(message + 27);
	model.price = myc_load_be32(message + 31);
	book->totals.messages++;
	change->changed = true;
	change->locate = model.locate;
	order_end(book, link, change);
	if (!model.shares)
		return malformed(book);
	top = change->top;
	error = order_begin(book, &model, change);
	change->top |= top;
	return error;
}

int myc_book_apply(struct myc_book *book, const uint8_t *message, uint32_t size,
		   struct myc_book_change *change)
{
	*change = (struct myc_book_change){0};
	if (!size || size < myc_itch_length(message[0]))
		return malformed(book);
	switch (message[0]) {
	case 'A':
	case 'F':
		return add(book, message, change);
	case 'E':
	case 'C':
	case 'X':
		return reduce(book, message, change);
	case 'D':
		return take(book, myc_load_be64(message + 11), 0, change);
	case 'U':
		return replace(book, message, change);
	default:
		return 0;
	}
}

/* ---- questions --------------------------------------------------------------------------------- */

struct myc_book_top myc_book_top(const struct myc_book *book, uint16_t locate)
{
	struct myc_book_top top = {0};
	const struct side *side;

	if (locate >= book->opts.locates)
		return top;
	side = book->stock[locate].side;
	if (side[MYC_BOOK_BID].count) {
		const struct level *best = &book->level[side[0].at + side[0].count - 1];
		top.bid = best->key;
		top.bid_size = best->shares;
	}
	if (side[MYC_BOOK_ASK].count) {
		const struct level *best = &book->level[side[1].at + side[1].count - 1];
		top.ask = ~best->key;
		top.ask_size = best->shares;
	}
	return top;
}

uint32_t myc_book_levels(const struct myc_book *book, uint16_t locate, enum myc_book_side which,
			 struct myc_book_level *out, uint32_t max)
{
	const struct side *side;

	if (locate >= book->opts.locates)
		return 0;
	side = &book->stock[locate].side[which];
	for (uint32_t i = 0; i < side->count && i < max; i++) {
		const struct level *level = &book->level[side->at + side->count - 1 - i];
		out[i] = (struct myc_book_level){
			.price = which == MYC_BOOK_BID ? level->key : ~level->key,
			.orders = level->orders,
			.shares = level->shares,
		};
	}
	return side->count;
}

bool myc_book_order(const struct myc_book *book, uint64_t reference, struct myc_book_order *out)
{
	uint32_t index = *order_link(book, reference);
	const struct order *order;

	if (index == NONE)
		return false;
	order = &book->order[index];
	*out = (struct myc_book_order){
		.reference = order->reference,
		.shares = order->shares,
		.price = order->price,
		.locate = order->locate,
		.side = (enum myc_book_side)order->side,
	};
	return true;
}

struct myc_book_totals myc_book_totals(const struct myc_book *book)
{
	return book->totals;
}

void myc_book_mark_stale(struct myc_book *book)
{
	book->stale = true;
}

bool myc_book_is_stale(const struct myc_book *book)
{
	return book->stale;
}

/* ---- life -------------------------------------------------------------------------------------- */

void myc_book_clear(struct myc_book *book)
{
	for (uint32_t i = 0; i < book->opts.orders_max; i++)
		book->order[i].next = i + 1 < book->opts.orders_max ? i + 1 : NONE;
	book->order_free = 0;
	memset(book->bucket, 0xff, (book->bucket_mask + 1ull) * sizeof(*book->bucket));
	memset(book->stock, 0, book->opts.locates * sizeof(*book->stock));
	memset(book->class_free, 0xff, sizeof(book->class_free));
	book->level_used = 0;
	book->totals.orders = book->totals.levels = 0;
	book->stale = false;
}

/* A book's accesses are scattered: huge pages, where there are any, spare it most TLB misses. */
static void *table(uint64_t count, size_t size)
{
	size_t bytes = (count * size + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
	void *memory = aligned_alloc(HUGE_PAGE, bytes);

	if (memory) {
		(void)madvise(memory, bytes, MADV_HUGEPAGE);
		memset(memory, 0, bytes);
	}
	return memory;
}

int myc_book_open(struct myc_book **book, const struct myc_book_opts *opts)
{
	struct myc_book *b = calloc(1, sizeof(*b));
	uint32_t buckets = 16;

	if (!b)
		return -ENOMEM;
	b->opts = *opts;
	b->opts.orders_max = opts->orders_max ? opts->orders_max : 1u << 20;
	b->opts.levels_max = opts->levels_max ? opts->levels_max : 1u << 20;
	b->opts.locates = opts->locates ? opts->locates : 65536;
	if (b->opts.orders_max > COUNT_MAX || b->opts.levels_max > COUNT_MAX ||
	    b->opts.locates > 65536) {
		free(b);
		return -EINVAL;
	}
	while (buckets < b->opts.orders_max)
		buckets *= 2;
	b->bucket_mask = buckets - 1;
	b->order = table(b->opts.orders_max, sizeof(*b->order));
	b->bucket = table(buckets, sizeof(*b->bucket));
	b->stock = table(b->opts.locates, sizeof(*b->stock));
	b->level = table(b->opts.levels_max, sizeof(*b->level));
	if (!b->order || !b->bucket || !b->stock || !b->level) {
		myc_book_close(b);
		return -ENOMEM;
	}
	myc_book_clear(b);
	*book = b;
	return 0;
}

void myc_book_close(struct myc_book *book)
{
	if (!book)
		return;
	free(book->order);
	free(book->bucket);
	free(book->stock);
	free(book->level);
	free(book);
}
