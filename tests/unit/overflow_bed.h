/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Overflow rules: actors with and without them, and what is sent to them. A number that is sent is its message's first
 * four bytes, its key the next four.
 */
#ifndef TESTS_UNIT_OVERFLOW_BED_H
#define TESTS_UNIT_OVERFLOW_BED_H

#include "unit/probes.h"

#include "core/executor.h"
#include "core/overflow.h"

enum { PLAIN = 20, NEWEST, OLDEST, KEYED, ELSEWHERE, SINGLE };
#define KEEP 4

static const struct myc_overflow rules[] = {
	{.first = NEWEST, .last = NEWEST, .policy = MYC_OVERFLOW_DROP_NEWEST, .keep = KEEP},
	{.first = OLDEST, .last = OLDEST, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = KEEP},
	{.first = KEYED,
	 .last = KEYED,
	 .policy = MYC_OVERFLOW_CONFLATE,
	 .key_offset = 4,
	 .key_size = 4},
	{.first = ELSEWHERE, .last = ELSEWHERE, .policy = MYC_OVERFLOW_REDIRECT, .to = "other"},
	{.first = SINGLE, .last = SINGLE, .policy = MYC_OVERFLOW_DROP_OLDEST, .keep = 1},
};
#define RULES .overflow = rules, .overflow_count = sizeof(rules) / sizeof(rules[0])

static _Atomic uint64_t from_seen[PROBES][SEEN_MAX];
static _Atomic int replied[PROBES];
static _Atomic uint32_t replies[PROBES];

static inline int keeper_message(struct myc_actor *self, const struct myc_message *message)
{
	struct probe *me = me_of(self);

	if (message->type >= PLAIN && me->messages < SEEN_MAX)
		from_seen[me->index][me->messages] = message->from;
	return probe_message(self, message);
}

static inline int keeper_reply(struct myc_actor *self, const struct myc_reply *reply)
{
	struct probe *me = me_of(self);

	replied[me->index] = reply->status;
	replies[me->index]++;
	return 0;
}

#define KEEPER                                                                    \
	.capacity_per_sender = 16, .init = probe_init, .message = keeper_message, \
	.reply = keeper_reply, .signal = probe_signal, .stopped = probe_stopped

static const struct myc_behaviour keeper = {.name = "keeper", KEEPER, RULES};
static const struct myc_behaviour sender = {.name = "sender", KEEPER};

static inline struct myc_executor *executor_of(int where)
{
	return place == TWO_PROCESSES ? &systems[where]->executor[0]
				      : &systems[0]->executor[place == TWO_EXECUTORS ? where : 0];
}
static inline uint64_t letters(int where, enum myc_dead_letter why)
{
	return __atomic_load_n(&executor_of(where)->words->dead_letters[why], __ATOMIC_RELAXED);
}
static inline uint64_t conflated(int where)
{
	return __atomic_load_n(&executor_of(where)->words->conflated, __ATOMIC_RELAXED);
}
static inline const struct myc_actor_metrics *metrics_of(const struct probe *who)
{
	return &who->system->metrics[myc_address_slot(who->address)];
}
static inline uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline void fresh(void **state)
{
	for (int i = 0; i < PROBES; i++)
		replies[i] = 0;
	begin(state);
}

/* ---- jobs -------------------------------------------------------------------------------------- */

/* b: type | first << 8 | last << 24 | keys << 40 | size << 48. Number n has the key n % keys. */
static inline uint64_t numbers(uint32_t type, uint64_t first, uint64_t last, uint64_t keys)
{
	return type | first << 8 | last << 24 | keys << 40;
}
#define SIZED(size) ((uint64_t)(size) << 48)

static inline int send_numbers(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint16_t type = b & 0xff;
	uint64_t keys = b >> 40 & 0xff, size = b >> 48;
	uint8_t payload[1024] = {0};
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	for (uint32_t n = b >> 8 & 0xffff; !code && n <= (b >> 24 & 0xffff); n++) {
		uint32_t word[2] = {n, keys ? (uint32_t)(n % keys) : 0};

		memcpy(payload, word, sizeof(word));
		code = myc_send(self, &ref, type, payload, size ? size : sizeof(word));
	}
	return code;
}

static inline int try_number(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint32_t word[2] = {b >> 8 & 0xffff};
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	return code ? code : myc_try_send(self, &ref, b & 0xff, word, sizeof(word));
}

static inline int ask_number(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint32_t word[2] = {b >> 8 & 0xffff};
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	return code ? code
		    : myc_ask(self, &ref, b & 0xff, word, sizeof(word), 60 * SECOND, 0, NULL);
}

static inline uint32_t waiting_out(const struct probe *who)
{
	return (uint32_t)load(&metrics_of(who)->outbox_depth);
}

static inline void expect(const struct probe *who, const uint32_t *wanted, uint32_t count)
{
	wait_until(who->messages >= count);
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(who->seen[i].message, wanted[i]);
	assert_int_equal(who->messages, count);
}
#define EXPECT(who, ...)                             \
	expect(who, (const uint32_t[]){__VA_ARGS__}, \
	       sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t))

/* Has all that was sent by `a` come to where the other's messages wait? */
static inline void arrived(struct probe *a, int where)
{
	settle(a, spawn(where));
}

static inline struct probe *suspended(struct probe *a)
{
	struct probe *made = spawn_as(THERE, &keeper, NULL, MYC_RESTARTS_NONE);

	settle(a, made); /* a has credit */
	assert_int_equal(let(a, suspend, made->address, 0), 0);
	settle(a, spawn(THERE));
	return made;
}

/* Its handler does not return: its executor takes nothing from the lane. On one executor all of this
 * happens within one handler of the sender. */
static inline struct probe *stuck(struct probe *a)
{
	struct probe *made = spawn_as(THERE, &keeper, NULL, MYC_RESTARTS_NONE);

	settle(a, made); /* a has credit */
	if (place == ONE_EXECUTOR)
		return made;
	made->stuck = true;
	number(made, 9999);
	wait_until(made->messages == 1);
	made->messages = made->count = 0;
	return made;
}

#endif
