/* SPDX-License-Identifier: Apache-2.0 */
/* Messages with a deadline, wherever they are when it comes; and who is told of what was given up. */
#include "probes.h"

#include <mycelium/mailbox.h>

#include "base/clock.h"
#include "core/executor.h"

#define SOON  2000000ull /* ns */
#define LARGE 200

static _Atomic uint32_t told[PROBES], right[PROBES];
static _Atomic int why_told[PROBES];
static _Atomic uint32_t odd; /* messages that show something of their deadline */

static int within_message(struct myc_actor *self, const struct myc_message *message)
{
	if (message->type == NUMBER && (message->correlation || message->flags))
		odd++;
	return probe_message(self, message);
}

/* Messages carry their number, large ones the same in their last bytes. */
static int undelivered(struct myc_actor *self, const struct myc_undelivered *what)
{
	struct probe *me = me_of(self);
	uint32_t first, last;

	if (!what->payload)
		return 0;
	memcpy(&first, what->payload, sizeof(first));
	memcpy(&last, (const char *)what->payload + what->size - sizeof(last), sizeof(last));
	right[me->index] += first == last && what->type == NUMBER && what->to != MYC_NOBODY;
	why_told[me->index] = what->why;
	told[me->index]++;
	return 0;
}

static const struct myc_behaviour actor = {.name = "actor",
					   .capacity_per_sender = 16,
					   .init = probe_init,
					   .message = within_message,
					   .signal = probe_signal,
					   .stopped = probe_stopped,
					   .undelivered = undelivered};

static struct probe *make(int where)
{
	return spawn_as(where, &actor, NULL, MYC_RESTARTS_NONE);
}

static void fresh(void **state)
{
	for (int i = 0; i < PROBES; i++)
		told[i] = right[i] = 0;
	odd = 0;
	begin(state);
}

/* b: number | size << 16 | ttl in microseconds << 32. */
static int send_within(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint32_t number = b & 0xffff, size = b >> 16 & 0xffff;
	uint8_t payload[LARGE] = {0};
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	memcpy(payload, &number, sizeof(number));
	memcpy(payload + size - sizeof(number), &number, sizeof(number));
	return code ? code : myc_send_within(self, &ref, NUMBER, payload, size, (b >> 32) * 1000);
}
static uint64_t message(uint32_t number, uint32_t size, uint64_t ttl_ns)
{
	return number | size << 16 | (ttl_ns / 1000) << 32;
}
static int send_many_within(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t count)
{
	int code = 0;

	for (uint32_t i = 0; i < count && !code; i++)
		code = send_within(self, me, to, message(i + 1, i % 2 ? LARGE : 4, SOON));
	return code;
}
static int fill_credit(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint32_t number = 7000;
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	(void)b;
	while (!code)
		code = myc_try_send(self, &ref, NUMBER, &number, sizeof(number));
	return code == -EAGAIN ? 0 : code;
}

static uint64_t given_up(enum myc_dead_letter why)
{
	return __atomic_load_n(&systems[0]->executor[0].words->dead_letters[why], __ATOMIC_RELAXED);
}

static void let_pass(uint64_t ns)
{
	uint64_t until = myc_clock_ns() + ns;

	wait_until(myc_clock_ns() >= until);
}

static uint64_t expired(int where)
{
	const struct myc_executor *executor =
		place == TWO_PROCESSES ? &systems[where]->executor[0]
				       : &systems[0]->executor[place == TWO_EXECUTORS ? where : 0];

	return __atomic_load_n(&executor->words->dead_letters[MYC_DEAD_LETTER_EXPIRED],
			       __ATOMIC_RELAXED);
}

static struct probe *suspended(struct probe *a)
{
	struct probe *made = make(THERE);

	hold(a, made);
	return made;
}

CASE(in_time_they_are_messages_like_others)
{
	fresh(state);
	struct probe *a = make(HERE), *to = make(THERE);

	settle(a, to);
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(let(a, send_within, to->address,
				     message(i, i % 2 ? LARGE : 8, 100 * SOON * 10)),
				 0);
	wait_until(to->messages == 100);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(to->seen[i].message, i + 1);
	assert_int_equal(odd, 0);
	end();
}

CASE(what_waits_for_its_receiver_too_long_is_never_handled)
{
	fresh(state);
	struct probe *a = make(HERE), *to = suspended(a);

	assert_int_equal(let(a, send_within, to->address, message(1, 4, SOON)), 0);
	assert_int_equal(let(a, send_within, to->address, message(2, LARGE, SOON)), 0);
	assert_int_equal(let(a, send_within, to->address, message(3, 4, SECOND / 4)), 0);
	assert_int_equal(let(a, pass_on, to->address, 4), 0);
	let_pass(2 * SOON);
	assert_int_equal(let(a, resume, to->address, 0), 0);
	wait_until(to->messages == 2);
	assert_int_equal(to->seen[0].message, 3);
	assert_int_equal(to->seen[1].message, 4);
	assert_int_equal(expired(THERE), 2);
	assert_int_equal(odd, 0);
	assert_int_equal(told[a->index], 0); /* lost further on */
	end();
}

CASE(what_is_in_the_lane_too_long_is_never_handled)
{
	fresh(state);
	struct probe *a = make(HERE), *to = make(THERE);

	settle(a, to);
	to->stuck = true;
	number(to, 9999);
	wait_until(to->messages == 1);
	assert_int_equal(let(a, send_within, to->address, message(1, 4, SOON)), 0);
	assert_int_equal(let(a, send_within, to->address, message(2, LARGE, SOON)), 0);
	assert_int_equal(let(a, pass_on, to->address, 3), 0);
	let_pass(2 * SOON);
	to->stuck = false;
	wait_until(to->messages == 2);
	assert_int_equal(to->seen[1].message, 3);
	assert_int_equal(expired(THERE), 2);
	end();
}

/* Nobody helps: the sender goes on by itself, and knows. More than can be told at once. */
CASE(what_is_in_the_outbox_too_long_is_told_and_pauses_nobody)
{
	fresh(state);
	struct probe *a = make(HERE), *to = suspended(a);

	assert_int_equal(let(a, fill_credit, to->address, 0), 0);
	assert_int_equal(let(a, send_many_within, to->address, 100), 0);
	wait_until(told[a->index] == 100);
	assert_int_equal(right[a->index], 100);
	assert_int_equal(why_told[a->index], MYC_DEAD_LETTER_EXPIRED);
	assert_int_equal(let(a, nothing, 0, 0), 0);
	assert_int_equal(expired(HERE), 100);
	/* Their buffers are home, again and again. */
	for (uint32_t i = 2; i <= 20; i++) {
		assert_int_equal(let(a, send_many_within, to->address, 100), 0);
		wait_until(told[a->index] == 100 * i);
	}
	assert_int_equal(let(a, resume, to->address, 0), 0);
	end();
}

static int pass_many(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t count)
{
	int code = 0;

	for (uint64_t i = 0; i < count && !code; i++)
		code = pass_on(self, me, to, i + 1);
	return code;
}

CASE(who_sent_is_told_when_the_receiver_ends)
{
	fresh(state);
	struct probe *a = make(HERE), *to = suspended(a), *killer = spawn(HERE);

	struct myc_mailbox_depth depth;

	assert_int_equal(let(a, pass_many, to->address, 200), 0);
	settle(killer, spawn(THERE)); /* what credit there was has come */
	settle(killer, spawn(THERE));
	assert_int_equal(myc_mailbox_depth(a->system, a->address, &depth), 0);
	assert_in_range(depth.outbox, 150, 200);
	assert_int_equal(let(killer, send_stop, to->address, MYC_STOP_KILL), 0);
	/* Those that got credit at the last moment are lost further on. */
	wait_until(!myc_mailbox_depth(a->system, a->address, &depth) && !depth.outbox &&
		   told[a->index] == given_up(MYC_DEAD_LETTER_OUTBOX_NO_ACTOR));
	assert_true(told[a->index] >= 100);
	assert_int_equal(why_told[a->index], MYC_DEAD_LETTER_OUTBOX_NO_ACTOR);
	assert_int_equal(right[a->index], told[a->index]);
	assert_int_equal(let(a, nothing, 0, 0), 0);
	end();
}

static int wrong(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	struct myc_ref ref;

	(void)me;
	(void)b;
	assert_int_equal(myc_resolve(self, to, &ref), 0);
	assert_int_equal(myc_send_within(self, &ref, NUMBER, NULL, 0, 0), -EINVAL);
	assert_int_equal(myc_send_within(self, &ref, NUMBER, NULL, 0, UINT64_MAX), -EINVAL);
	assert_int_equal(myc_send_within(self, &ref, 0xff00, NULL, 0, SOON), -EINVAL);
	return 0;
}

CASE(times_that_cannot_be_are_refused)
{
	fresh(state);
	struct probe *a = make(HERE);

	assert_int_equal(let(a, wrong, a->address, 0), 0);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(in_time_they_are_messages_like_others),
		EVERYWHERE(what_waits_for_its_receiver_too_long_is_never_handled),
		IN(what_is_in_the_lane_too_long_is_never_handled, TWO_EXECUTORS),
		IN(what_is_in_the_lane_too_long_is_never_handled, TWO_PROCESSES),
		EVERYWHERE(what_is_in_the_outbox_too_long_is_told_and_pauses_nobody),
		EVERYWHERE(who_sent_is_told_when_the_receiver_ends),
		IN(times_that_cannot_be_are_refused, ONE_EXECUTOR),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
