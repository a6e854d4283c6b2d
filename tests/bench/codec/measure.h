/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What every contestant of `make bench-codec` carries and how it is timed, in C and C++ (peers/rust has
 * the same in Rust): an order of 100 bytes and a market-data message of 40 entries. A contestant prints
 * a line a figure, which the driver reads: figure TAB ns a message TAB bytes of a message.
 *
 * encode: from the application's struct into a buffer. read all: from untrusted bytes, whatever the
 * contestant has for that, then every field into a register (a sum of them would compare compilers, by how
 * they sum vectors). read one: the price (of entry 20) of a message that was checked before. decode: from untrusted bytes into the application's struct.
 */
#ifndef TESTS_BENCH_CODEC_MEASURE_H
#define TESTS_BENCH_CODEC_MEASURE_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ENTRIES	   40
#define ORDERS	   128 /* messages of a batch: they stay in the first-level cache */
#define BOOKS	   12
#define ROOM	   4096 /* for an encoded message */
#define ORDER_ROOM 256	/* close together: 128 pages are more than the first level of the TLB has */
#define REPEATS	   250
#define LENGTH_NS  1e5 /* of a repeat */

struct order {
	char cl_ord_id[16], account[16], symbol[8];
	uint64_t transact_time, order_id;
	int64_t price, stop_px;
	uint64_t order_qty;
	uint32_t min_qty, party_id, strategy_id, security_id;
	uint16_t flags;
	char side, ord_type;
};

struct entry {
	int64_t price;
	int32_t size, security_id;
	uint32_t rpt_seq;
	int32_t orders;
	uint8_t level, action;
	char type;
};

struct book {
	uint64_t transact_time;
	uint8_t event;
	uint32_t count;
	struct entry entry[ENTRIES];
};

static struct order orders[ORDERS];
static struct book books[BOOKS];
static uint8_t *order_wire[ORDERS], *book_wire[BOOKS];
static size_t order_size[ORDERS], book_size[BOOKS];

/* The compiler knows nothing of what lies behind the pointer from here on. */
#define OPAQUE(pointer) __asm__ volatile("" : "+r"(pointer) : : "memory")

static inline double measure_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* A pointer made opaque. */
#define HELD(pointer)                                 \
	__extension__({                               \
		__typeof__(pointer) held = (pointer); \
		OPAQUE(held);                         \
		held;                                 \
	})

/* The fastest of REPEATS, what the code takes when nothing disturbs it, after one that warms up and
 * finds the number of rounds. body: of message i. */
#define MEASURE(figure, n, bytes, body)                                                  \
	do {                                                                             \
		double fastest = 1e18;                                                   \
		size_t rounds = 16;                                                      \
		for (int repeat = -1; repeat < REPEATS; repeat++) {                      \
			double begun = measure_ns();                                     \
			for (size_t round = 0; round < rounds; round++) {                \
				for (size_t i = 0; i < (n); i++) {                       \
					body;                                            \
				}                                                        \
			}                                                                \
			double each = (measure_ns() - begun) / (double)(rounds * (n));   \
			if (repeat < 0)                                                  \
				rounds = 1 + (size_t)(LENGTH_NS / (each * (double)(n))); \
			else if (each < fastest)                                         \
				fastest = each;                                          \
		}                                                                        \
		printf("%s\t%.4f\t%zu\n", figure, fastest, (size_t)(bytes));             \
	} while (0)

#define READ static inline __attribute__((always_inline))

/* A field was read: it is in a register. sum: to see that it is the right one, else NULL. */
READ void add(uint64_t *sum, uint64_t value)
{
	__asm__ volatile("" : "+r"(value));
	if (sum)
		*sum += value;
}

READ void add_text(uint64_t *sum, const void *text, size_t length)
{
	uint64_t word;

	for (size_t i = 0; i < length; i += 8) {
		memcpy(&word, (const char *)text + i, 8);
		add(sum, word);
	}
}

static inline uint64_t sum_text(const void *text, size_t length)
{
	uint64_t sum = 0;

	add_text(&sum, text, length);
	return sum;
}

static inline uint64_t sum_order(const struct order *o)
{
	return sum_text(o->cl_ord_id, 16) + sum_text(o->account, 16) + sum_text(o->symbol, 8) +
	       o->transact_time + o->order_id + (uint64_t)o->price + (uint64_t)o->stop_px +
	       o->order_qty + o->min_qty + o->party_id + o->strategy_id + o->security_id +
	       o->flags + (uint8_t)o->side + (uint8_t)o->ord_type;
}

static inline uint64_t sum_entry(const struct entry *x)
{
	return (uint64_t)x->price + (uint64_t)(int64_t)x->size + (uint64_t)(int64_t)x->security_id +
	       x->rpt_seq + (uint64_t)(int64_t)x->orders + x->level + x->action + (uint8_t)x->type;
}

static inline uint64_t sum_book(const struct book *b)
{
	uint64_t sum = b->transact_time + b->event;

	for (uint32_t i = 0; i < b->count; i++)
		sum += sum_entry(&b->entry[i]);
	return sum;
}

/* Values as they are in a market: small numbers are small, texts are ASCII. */
static inline void measure_fill(void)
{
	uint64_t state = 88172645463325252u;
#define NEXT(limit) \
	(state ^= state << 13, state ^= state >> 7, state ^= state << 17, state % (limit))

	for (size_t i = 0; i < ORDERS; i++) {
		struct order *o = &orders[i];

		for (int j = 0; j < 16; j++) {
			o->cl_ord_id[j] = (char)('A' + NEXT(26));
			o->account[j] = (char)('A' + NEXT(26));
			o->symbol[j % 8] = (char)('A' + NEXT(26));
		}
		o->transact_time = 1700000000000000000u + NEXT(1000000000);
		o->order_id = NEXT(1u << 30);
		o->price = (int64_t)NEXT(10000000);
		o->stop_px = (int64_t)NEXT(10000000);
		o->order_qty = NEXT(10000);
		o->min_qty = (uint32_t)NEXT(100);
		o->party_id = (uint32_t)NEXT(5000);
		o->strategy_id = (uint32_t)NEXT(300);
		o->security_id = (uint32_t)NEXT(100000);
		o->flags = (uint16_t)NEXT(65536);
		o->side = (char)('1' + NEXT(2));
		o->ord_type = (char)('1' + NEXT(2));
		order_wire[i] = (uint8_t *)aligned_alloc(64, ORDER_ROOM);
	}
	for (size_t i = 0; i < BOOKS; i++) {
		struct book *b = &books[i];

		b->transact_time = 1700000000000000000u + NEXT(1000000000);
		b->event = (uint8_t)NEXT(256);
		b->count = ENTRIES;
		for (int j = 0; j < ENTRIES; j++) {
			struct entry *x = &b->entry[j];

			x->price = (int64_t)NEXT(10000000);
			x->size = (int32_t)NEXT(10000);
			x->security_id = (int32_t)NEXT(100000);
			x->rpt_seq = (uint32_t)NEXT(1000000);
			x->orders = (int32_t)NEXT(100);
			x->level = (uint8_t)(1 + NEXT(10));
			x->action = (uint8_t)NEXT(3);
			x->type = (char)('0' + NEXT(2));
		}
		book_wire[i] = (uint8_t *)aligned_alloc(64, ROOM);
	}
#undef NEXT
}

#define MUST(condition)                                                                         \
	do {                                                                                    \
		if (!(condition)) {                                                             \
			fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition); \
			exit(1);                                                                \
		}                                                                               \
	} while (0)

/* A contestant has, for order and book: size_t X_encode(const struct X *, uint8_t *to) (0 = it failed),
 * int X_read(wire, size, sum) (0 = done), int64_t X_one(i) of checked message i, which it comes to by HELD,
 * int X_take(struct X *to, wire, size) (0 = done). X_checked(i) prepares X_one. */
#define MEASURE_ALL(X, many, n, wires, sizes, room, price)               \
	do {                                                             \
		static struct X taken;                                   \
		for (size_t i = 0; i < (n); i++) {                       \
			(sizes)[i] = X##_encode(&(many)[i], (wires)[i]); \
			MUST((sizes)[i] && (sizes)[i] <= (room));        \
			uint64_t sum = 0;                                \
			MUST(!X##_read((wires)[i], (sizes)[i], &sum));   \
			MUST(sum == sum_##X(&(many)[i]));                \
			MUST(!X##_take(&taken, (wires)[i], (sizes)[i])); \
			MUST(sum_##X(&taken) == sum_##X(&(many)[i]));    \
			X##_checked(i);                                  \
			MUST(X##_one(i) == (many)[i].price);             \
		}                                                        \
		MEASURE(#X " encode", n, (sizes)[0], {                   \
			const struct X *from = &(many)[i];               \
			OPAQUE(from);                                    \
			size_t made = X##_encode(from, (wires)[i]);      \
			OPAQUE(made);                                    \
		});                                                      \
		MEASURE(#X " validate and read all", n, (sizes)[0], {    \
			const uint8_t *from = (wires)[i];                \
			OPAQUE(from);                                    \
			int got = X##_read(from, (sizes)[i], NULL);      \
			OPAQUE(got);                                     \
		});                                                      \
		MEASURE(#X " read one field", n, (sizes)[0], {           \
			int64_t got = X##_one(i);                        \
			OPAQUE(got);                                     \
		});                                                      \
		MEASURE(#X " decode to a struct", n, (sizes)[0], {       \
			const uint8_t *from = (wires)[i];                \
			struct X *to = &taken;                           \
			OPAQUE(from);                                    \
			int got = X##_take(to, from, (sizes)[i]);        \
			OPAQUE(got);                                     \
			OPAQUE(to);                                      \
		});                                                      \
	} while (0)

#define MEASURE_MAIN                                                                           \
	int main(void)                                                                         \
	{                                                                                      \
		measure_fill();                                                                \
		MEASURE_ALL(order, orders, ORDERS, order_wire, order_size, ORDER_ROOM, price); \
		MEASURE_ALL(book, books, BOOKS, book_wire, book_size, ROOM, entry[20].price);  \
		return 0;                                                                      \
	}

#endif
