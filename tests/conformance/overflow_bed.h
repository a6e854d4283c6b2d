/* SPDX-License-Identifier: Apache-2.0 */
/* What the cases of overflow rules share. */
#ifndef TESTS_CONFORMANCE_OVERFLOW_BED_H
#define TESTS_CONFORMANCE_OVERFLOW_BED_H

#include "conformance/cases.h"

#include "core/executor.h"

enum { PLAIN = 40, NEWEST, OLDEST, KEYED, FEW_KEYS, TWICE, REFUSED, AWAY };
enum { KEEP = 4, CREDIT = 16 };

/* Numbers are followed by their key. */
static const struct myc_overflow rules[] = {
	{.first = NEWEST, .last = NEWEST, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = KEEP},
	{.first = OLDEST, .last = OLDEST, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = KEEP},
	{.first = KEYED,
	 .last = KEYED,
	 .policy = MYC_OVERFLOW_CONFLATE,
	 .key_offset = 8,
	 .key_size = 4},
	{.first = FEW_KEYS,
	 .last = FEW_KEYS,
	 .policy = MYC_OVERFLOW_CONFLATE,
	 .key_offset = 8,
	 .key_size = 8,
	 .keep = 2},
	/* The first that a type falls under counts. */
	{.first = TWICE, .last = TWICE, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = 1},
	{.first = TWICE, .last = TWICE, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = 1},
	{.first = REFUSED, .last = REFUSED, .policy = MYC_OVERFLOW_REFUSE},
	{.first = AWAY, .last = AWAY, .policy = MYC_OVERFLOW_REDIRECT, .to = "other"},
};
static const struct myc_behaviour ruled = {.name = "ruled",
					   .capacity_per_sender = CREDIT,
					   .signal = probe_signal,
					   .overflow = rules,
					   .overflow_count = sizeof(rules) / sizeof(rules[0]),
					   .undelivered = probe_undelivered,
					   PROBE_HOOKS};
/* Senders: told of what their outbox gives up. */
static const struct myc_behaviour teller = {.name = "teller",
					    .capacity_per_sender = CREDIT,
					    .signal = probe_signal,
					    .undelivered = probe_undelivered,
					    PROBE_HOOKS};

/* ---- jobs -------------------------------------------------------------------------------------- */

/* Of number n the key is n % keys; 0 = 0. */
#define KIND(type, keys)	(uint64_t)(type) | (uint64_t)(keys) << 16
#define SIZED(type, keys, size) ((KIND(type, keys)) | (uint64_t)(size) << 32)
#define TRIED			(1ull << 63)

static inline int job_numbers(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	uint64_t keys = a[1] >> 16 & 0xff, size = a[1] >> 32 & 0xffff;
	uint64_t payload[256] = {0};
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	me->word[0] = 0; /* how many went */
	for (uint64_t n = a[2]; !code && n < a[2] + a[3]; n++) {
		payload[0] = n;
		payload[1] = keys ? n % keys : 0;
		size = size ? size : 16;
		code = a[1] & TRIED ? myc_try_send(self, &ref, (uint16_t)a[1], payload, size)
				    : myc_send(self, &ref, (uint16_t)a[1], payload, size);
		me->word[0] += !code;
	}
	return code;
}

static inline int numbers(struct probe *from, const struct probe *to, uint64_t kind, uint64_t first,
			  uint64_t count)
{
	return let(from, job_numbers, to->address, kind, first, count);
}

static inline int job_ask_number(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	const uint64_t payload[2] = {a[2], a[3]};
	struct myc_ref ref;
	int code = myc_resolve(self, a[0], &ref);

	(void)me;
	return code ? code
		    : myc_ask(self, &ref, (uint16_t)a[1], payload, sizeof(payload), LONG, a[2],
			      NULL);
}

static inline struct probe *sender(uint32_t where)
{
	return spawn_as(where, &teller);
}

/* `from` has all the credit there is. */
static inline struct probe *held_receiver(struct probe *from)
{
	struct probe *to = spawn_as(THERE, &ruled);

	OK(numbers(from, to, PLAIN, 0, 1));
	SAW(to, MESSAGE, 1);
	settle();
	hold(to);
	return to;
}

/* The same, and it is spent: what comes now waits in the outbox. Numbers 1 to CREDIT are there. */
static inline struct probe *full_receiver(struct probe *from)
{
	struct probe *to = held_receiver(from);

	RESULT(numbers(from, to, PLAIN | TRIED, 1, 100), -EAGAIN);
	assert_int_equal(from->word[0], CREDIT);
	settle();
	return to;
}

#define EXPECT(who, ...)                                   \
	expect_these(who, (const uint64_t[]){__VA_ARGS__}, \
		     sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Behind number 0, and those of `full_receiver`. */
static inline void expect_these(const struct probe *who, const uint64_t *number, uint32_t count)
{
	SAW(who, MESSAGE, count + 1);
	settle();
	assert_int_equal(who->messages, count + 1);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(nth(who, MESSAGE, i + 1)->number, number[i]);
}

static inline void expect_after_full(const struct probe *who, const uint64_t *number,
				     uint32_t count)
{
	SAW(who, MESSAGE, CREDIT + count + 1);
	settle();
	assert_int_equal(who->messages, CREDIT + count + 1);
	for (uint32_t i = 0; i <= CREDIT; i++)
		assert_int_equal(nth(who, MESSAGE, i)->number, i);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(nth(who, MESSAGE, CREDIT + 1 + i)->number, number[i]);
}
#define EXPECT_AFTER(who, ...)                                  \
	expect_after_full(who, (const uint64_t[]){__VA_ARGS__}, \
			  sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

#endif
