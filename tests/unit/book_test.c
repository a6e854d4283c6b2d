/* SPDX-License-Identifier: Apache-2.0 */
/* The order book against a naive one that searches a list, on valid and on broken streams. */
#include "common/test.h"

#include <string.h>

#include <mycelium/market/book.h>
#include <mycelium/market/itch50.h>

#include "market/itch_generator.h"

#define NAIVE_MAX 40000

struct naive_order {
	uint64_t reference;
	uint32_t shares, price;
	uint16_t locate;
	bool ask;
};

struct naive {
	struct naive_order order[NAIVE_MAX];
	uint32_t count;
	uint64_t unknown;
};

static struct naive naive;

static struct naive_order *naive_find(uint64_t reference)
{
	for (uint32_t i = naive.count; i-- > 0;)
		if (naive.order[i].reference == reference)
			return &naive.order[i];
	return NULL;
}

static void naive_end(struct naive_order *order)
{
	*order = naive.order[--naive.count];
}

static void naive_apply(const uint8_t *m)
{
	struct naive_order *old, order;
	uint64_t reference = myc_load_be64(m + 11);

	if (!strchr("AFECXDU", m[0]))
		return;
	old = naive_find(reference);
	if (m[0] == 'A' || m[0] == 'F') {
		if (old || !myc_load_be32(m + 20) || (m[19] != 'B' && m[19] != 'S'))
			return;
		naive.order[naive.count++] = (struct naive_order){
			reference, myc_load_be32(m + 20), myc_load_be32(m + 32),
			myc_load_be16(m + 1), m[19] == 'S'};
		return;
	}
	if (m[0] != 'D' && m[0] != 'U' && !myc_load_be32(m + 19))
		return;
	if (!old) {
		naive.unknown++;
		return;
	}
	if (m[0] == 'U') {
		order = *old;
		naive_end(old);
		order.reference = myc_load_be64(m + 19);
		order.shares = myc_load_be32(m + 27);
		order.price = myc_load_be32(m + 31);
		if (order.shares && !naive_find(order.reference))
			naive.order[naive.count++] = order;
	} else if (m[0] == 'D' || myc_load_be32(m + 19) >= old->shares) {
		naive_end(old);
	} else {
		old->shares -= myc_load_be32(m + 19);
	}
}

static struct myc_book_top naive_top(uint16_t locate)
{
	struct myc_book_top top = {0};

	for (uint32_t i = 0; i < naive.count; i++) {
		const struct naive_order *o = &naive.order[i];
		if (o->locate != locate)
			continue;
		if (!o->ask && (!top.bid_size || o->price >= top.bid)) {
			top.bid_size = top.bid_size && o->price == top.bid ? top.bid_size : 0;
			top.bid = o->price;
			top.bid_size += o->shares;
		} else if (o->ask && (!top.ask_size || o->price <= top.ask)) {
			top.ask_size = top.ask_size && o->price == top.ask ? top.ask_size : 0;
			top.ask = o->price;
			top.ask_size += o->shares;
		}
	}
	return top;
}

static void assert_same_top(struct myc_book_top a, struct myc_book_top b)
{
	assert_int_equal(a.bid, b.bid);
	assert_int_equal(a.ask, b.ask);
	assert_int_equal(a.bid_size, b.bid_size);
	assert_int_equal(a.ask_size, b.ask_size);
}

/* Levels ascend or descend strictly and hold exactly the orders' shares. */
static void assert_same_book(const struct myc_book *book, uint16_t locates)
{
	static struct myc_book_level level[8192];
	struct myc_book_order order;
	uint64_t shares = 0, orders = 0, levels = 0, expected = 0;

	for (uint16_t locate = 0; locate < locates; locate++) {
		assert_same_top(myc_book_top(book, locate), naive_top(locate));
		for (int side = MYC_BOOK_BID; side <= MYC_BOOK_ASK; side++) {
			uint32_t n = myc_book_levels(book, locate, (enum myc_book_side)side, level,
						     8192);
			assert_in_range(n, 0, 8192);
			levels += n;
			for (uint32_t i = 0; i < n; i++) {
				if (i)
					assert_true(side == MYC_BOOK_BID
							    ? level[i].price < level[i - 1].price
							    : level[i].price > level[i - 1].price);
				assert_true(level[i].orders > 0 && level[i].shares > 0);
				shares += level[i].shares;
				orders += level[i].orders;
			}
		}
	}
	for (uint32_t i = 0; i < naive.count; i++) {
		assert_true(myc_book_order(book, naive.order[i].reference, &order));
		assert_int_equal(order.shares, naive.order[i].shares);
		assert_int_equal(order.price, naive.order[i].price);
		assert_int_equal(order.locate, naive.order[i].locate);
		expected += order.shares;
	}
	assert_int_equal(shares, expected);
	assert_int_equal(orders, naive.count);
	assert_int_equal(myc_book_totals(book).orders, naive.count);
	assert_int_equal(myc_book_totals(book).levels, levels);
}

static struct myc_book *open_book(uint32_t orders, uint32_t levels, uint32_t locates)
{
	struct myc_book *book;
	struct myc_book_opts opts = {sizeof(opts), orders, levels, locates};

	assert_int_equal(myc_book_open(&book, &opts), 0);
	memset(&naive, 0, sizeof(naive));
	return book;
}

static void a_generated_day_agrees_with_a_naive_book_and_knows_every_order(void **state)
{
	(void)state;
	for (uint64_t seed = test_seed(); seed < test_seed() + 3; seed++) {
		struct myc_book *book = open_book(0, 0, 0);
		struct myc_itch_generator_opts opts = {
			.sz = sizeof(opts), .seed = seed, .symbols = 20, .messages = 30000};
		struct myc_itch_generator *generator;
		struct myc_book_change change;
		uint8_t m[MYC_ITCH_GENERATOR_BUFFER];
		uint64_t timestamp, before = 0, n = 0;
		uint32_t size;

		assert_int_equal(myc_itch_generator_open(&generator, &opts), 0);
		while (myc_itch_generator_next(generator, m, &size, &timestamp)) {
			uint16_t locate = myc_itch_locate(m);
			struct myc_book_top top = myc_book_top(book, locate);
			assert_int_equal(size, myc_itch_length(m[0]));
			assert_true(timestamp >= before && timestamp < 86400ull * 1000000000);
			assert_int_equal(timestamp, myc_itch_timestamp(m));
			before = timestamp;
			assert_int_equal(myc_book_apply(book, m, size, &change), 0);
			naive_apply(m);
			if (n++ % 16 == 0)
				assert_same_top(myc_book_top(book, locate), naive_top(locate));
			struct myc_book_top now = myc_book_top(book, locate);
			if (memcmp(&top, &now, sizeof(top)) != 0)
				assert_true(change.changed && change.top &&
					    change.locate == locate);
		}
		assert_int_equal(n, opts.messages);
		assert_same_book(book, 21);
		assert_int_equal(myc_book_totals(book).unknown, 0);
		myc_book_clear(book);
		memset(&naive, 0, sizeof(naive));
		assert_same_book(book, 21);
		myc_itch_generator_close(generator);
		myc_book_close(book);
	}
}

/* Few references, prices and stocks, so that everything collides; every field may be absurd. */
static void broken_streams_leave_the_book_sound(void **state)
{
	(void)state;
	for (uint64_t seed = test_seed(); seed < test_seed() + 5; seed++) {
		struct myc_book *book = open_book(4096, 0, 8);
		uint64_t chance = seed;
		struct myc_book_change change;
		uint8_t m[64];

		for (int i = 0; i < 20000; i++) {
			const char type = "AAAAFECXDUUPS"[test_random(&chance) % 13];
			memset(m, 0, sizeof(m));
			m[0] = (uint8_t)type;
			myc_store_be16(m + 1, (uint16_t)(test_random(&chance) % 8));
			myc_store_be64(m + 11, test_random(&chance) % 300 * 64);
			if (type == 'A' || type == 'F') {
				m[19] = (uint8_t) "BSBSBSX"[test_random(&chance) % 7];
				myc_store_be32(m + 20, (uint32_t)(test_random(&chance) % 50));
				myc_store_be32(m + 32, (uint32_t)(test_random(&chance) % 100));
			} else if (type == 'U') {
				myc_store_be64(m + 19, test_random(&chance) % 300 * 64);
				myc_store_be32(m + 27, (uint32_t)(test_random(&chance) % 50));
				myc_store_be32(m + 31, (uint32_t)(test_random(&chance) % 100));
			} else {
				myc_store_be32(m + 19, (uint32_t)(test_random(&chance) % 30));
			}
			myc_book_apply(book, m, myc_itch_length(m[0]), &change);
			naive_apply(m);
			if (i % 500 == 0)
				assert_same_book(book, 8);
		}
		assert_same_book(book, 8);
		assert_int_equal(myc_book_totals(book).unknown, naive.unknown);
		myc_book_close(book);
	}
}

static int add_order(struct myc_book *book, uint64_t reference, uint16_t locate, uint32_t price)
{
	struct myc_book_change change;
	uint8_t m[36] = {'A'};

	myc_store_be16(m + 1, locate);
	myc_store_be64(m + 11, reference);
	m[19] = 'B';
	myc_store_be32(m + 20, 10);
	myc_store_be32(m + 32, price);
	return myc_book_apply(book, m, sizeof(m), &change);
}

static void at_its_limits_orders_are_refused_and_counted(void **state)
{
	struct myc_book *book = open_book(100, 16, 4);

	(void)state;
	assert_int_equal(add_order(book, 1, 4, 5), -ENOSPC);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(add_order(book, i, 0, 100 + i), 0);
	/* A ninth level wants 16 at once; the arena has 8 left, enough for another stock. */
	assert_int_equal(add_order(book, 8, 0, 200), -ENOSPC);
	for (uint32_t i = 9; i < 101; i++)
		assert_int_equal(add_order(book, i, 1, 7), 0);
	assert_int_equal(myc_book_totals(book).orders, 100);
	assert_int_equal(add_order(book, 101, 1, 7), -ENOSPC);
	assert_int_equal(add_order(book, 5, 1, 7), -EEXIST);
	assert_int_equal(myc_book_totals(book).refused, 3);
	assert_int_equal(myc_book_totals(book).duplicate, 1);
	assert_int_equal(myc_book_top(book, 0).bid, 107);
	assert_int_equal(myc_book_top(book, 1).bid_size, 920);
	assert_int_equal(myc_book_top(book, 4).bid, 0);
	myc_book_close(book);
}

static void messages_too_short_are_refused_at_every_length(void **state)
{
	struct myc_book *book = open_book(16, 64, 4);
	struct myc_book_change change;
	uint64_t refused = 0;

	(void)state;
	assert_int_equal(myc_book_apply(book, (const uint8_t *)"A", 0, &change), -EBADMSG);
	for (uint32_t type = 0; type < 256; type++) {
		for (uint32_t size = 1; size < myc_itch_length((uint8_t)type); size++) {
			uint8_t *exact = calloc(1, size); /* ASan sees a read past it */
			assert_non_null(exact);
			exact[0] = (uint8_t)type;
			assert_int_equal(myc_book_apply(book, exact, size, &change), -EBADMSG);
			refused++;
			free(exact);
		}
	}
	assert_int_equal(myc_book_totals(book).malformed, refused + 1);
	myc_book_close(book);
}

static void staleness_lasts_until_the_book_is_cleared(void **state)
{
	struct myc_book *book = open_book(16, 64, 4);

	(void)state;
	assert_false(myc_book_is_stale(book));
	assert_int_equal(add_order(book, 1, 1, 5), 0);
	myc_book_mark_stale(book);
	assert_true(myc_book_is_stale(book));
	myc_book_clear(book);
	assert_false(myc_book_is_stale(book));
	assert_int_equal(myc_book_top(book, 1).bid, 0);
	myc_book_close(book);
}

static void books_of_a_generated_day_never_cross_and_their_prices_move(void **state)
{
	struct myc_book *book = open_book(0, 0, 0);
	struct myc_itch_generator_opts opts = {
		.sz = sizeof(opts), .seed = test_seed(), .symbols = 50, .messages = 300000};
	struct myc_itch_generator *generator;
	uint8_t m[MYC_ITCH_GENERATOR_BUFFER];
	struct myc_book_top first = {0};
	uint64_t timestamp, tops = 0, moves = 0;
	uint32_t size;

	(void)state;
	assert_int_equal(myc_itch_generator_open(&generator, &opts), 0);
	while (myc_itch_generator_next(generator, m, &size, &timestamp)) {
		struct myc_book_change change;

		assert_int_equal(myc_book_apply(book, m, size, &change), 0);
		if (!change.top)
			continue;
		struct myc_book_top top = myc_book_top(book, change.locate);
		tops++;
		if (top.bid && top.ask)
			assert_true(top.bid < top.ask);
		if (change.locate != 1)
			continue;
		moves += top.bid != first.bid || top.ask != first.ask;
		first = top;
	}
	assert_true(tops > opts.messages / 50);
	assert_true(moves > 50);
	myc_itch_generator_close(generator);
	myc_book_close(book);
}

static void a_generator_refuses_impossible_days(void **state)
{
	struct myc_itch_generator *generator;
	struct myc_itch_generator_opts opts = {.sz = sizeof(opts), .symbols = 70000};

	(void)state;
	assert_int_equal(myc_itch_generator_open(&generator, &opts), -EINVAL);
	opts.symbols = 10;
	opts.messages = 25;
	assert_int_equal(myc_itch_generator_open(&generator, &opts), -EINVAL);
	opts.messages = 26;
	assert_int_equal(myc_itch_generator_open(&generator, &opts), 0);
	myc_itch_generator_close(generator);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_generated_day_agrees_with_a_naive_book_and_knows_every_order),
		cmocka_unit_test(broken_streams_leave_the_book_sound),
		cmocka_unit_test(at_its_limits_orders_are_refused_and_counted),
		cmocka_unit_test(messages_too_short_are_refused_at_every_length),
		cmocka_unit_test(staleness_lasts_until_the_book_is_cleared),
		cmocka_unit_test(books_of_a_generated_day_never_cross_and_their_prices_move),
		cmocka_unit_test(a_generator_refuses_impossible_days),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
