/* SPDX-License-Identifier: Apache-2.0 */
/* Urgent messages: what they overtake, their credit, their place in the ring, and lanes that lie about them. */
#include "probes.h"

#include <mycelium/mailbox.h>

#include "core/executor.h"

#define CREDIT MYC_URGENT_PER_SENDER

static _Atomic uint8_t flags_seen[SEEN_MAX];

static int urgent_message(struct myc_actor *self, const struct myc_message *message)
{
	struct probe *me = me_of(self);
	uint32_t n = me->count;

	if (message->type == NUMBER)
		flags_seen[n] = message->flags;
	return probe_message(self, message);
}

static const struct myc_behaviour receiver = {.name = "receiver",
					      .capacity_per_sender = 16,
					      .init = probe_init,
					      .message = urgent_message,
					      .signal = probe_signal,
					      .stopped = probe_stopped};

/* b: first | last << 32. */
static int urgent(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref);

	(void)me;
	for (uint32_t n = (uint32_t)b; !code && n <= b >> 32; n++)
		code = myc_send_urgent(self, &ref, NUMBER, &n, sizeof(n));
	return code;
}
static uint64_t range(uint64_t first, uint64_t last)
{
	return first | last << 32;
}

/* How many could be sent. */
static int try_all(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t as_urgent)
{
	struct myc_ref ref;
	int code = myc_resolve(self, to, &ref), n = 0;

	(void)me;
	for (uint32_t number = 1; !code; number++, n += !code)
		code = as_urgent ? myc_try_send_urgent(self, &ref, NUMBER, &number, sizeof(number))
				 : myc_try_send(self, &ref, NUMBER, &number, sizeof(number));
	return code == -EAGAIN ? n : code;
}

static struct probe *suspended(struct probe *a)
{
	struct probe *made = spawn_as(THERE, &receiver, NULL, MYC_RESTARTS_NONE);

	hold(a, made);
	return made;
}

static struct probe *stuck(struct probe *a)
{
	struct probe *made = spawn_as(THERE, &receiver, NULL, MYC_RESTARTS_NONE);

	settle(a, made);
	wait_until(let(a, try_all, made->address, true) > 0); /* the flow is known */
	settle(a, made);
	made->stuck = true;
	number(made, 9999);
	wait_until(made->seen[made->count - 1].message == 9999);
	made->messages = made->count = 0;
	return made;
}

static bool are(const struct probe *who, uint32_t at, uint32_t first, uint32_t last)
{
	for (uint32_t n = first; n <= last; n++, at++)
		if (who->seen[at].message != n)
			return false;
	return true;
}

CASE(urgent_ones_overtake_what_waits_for_their_receiver)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = suspended(a);

	for (uint32_t i = 1; i <= 5; i++)
		assert_int_equal(let(a, pass_on, to->address, i), 0);
	assert_int_equal(let(a, urgent, to->address, range(100, 102)), 0);
	assert_int_equal(let(a, pass_on, to->address, 6), 0);
	assert_int_equal(let(a, urgent, to->address, range(103, 103)), 0);
	settle(a, spawn(THERE));
	assert_int_equal(let(a, resume, to->address, 0), 0);
	wait_until(to->messages == 10);
	assert_true(are(to, 0, 100, 103) && are(to, 4, 1, 6));
	for (int i = 0; i < 10; i++)
		assert_int_equal(flags_seen[i], i < 4 ? MYC_MESSAGE_URGENT : 0);
	end();
}

static int urgent_then_ordinary(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t n)
{
	int code = urgent(self, me, to, range(n, n));

	return code ? code : pass_on(self, me, to, n + 1);
}

CASE(nothing_overtakes_an_urgent_one)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = spawn_as(THERE, &receiver, NULL, MYC_RESTARTS_NONE);

	settle(a, to);
	wait_until(let(a, try_all, to->address, true) > 0); /* it has credit for both */
	settle(a, to);
	to->messages = to->count = 0;
	for (uint32_t i = 0; i < 1000; i += 2) {
		assert_int_equal(let(a, urgent_then_ordinary, to->address, i + 1), 0);
		wait_until(to->messages == i + 2);
	}
	assert_true(are(to, 0, 1, 1000));
	end();
}

/* More than they have credit for, then what has credit: by a ref that was, and by one that is made anew. */
static int flood_then_ordinary(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	uint32_t last = CREDIT + 4;
	struct myc_ref ref;
	int code = urgent(self, me, to, range(1, CREDIT + 3));

	(void)b;
	if (!code)
		code = myc_resolve(self, to, &ref);
	if (!code && myc_try_send(self, &ref, NUMBER, &last, sizeof(last)) != -EAGAIN)
		return -EPROTO;
	return code ? code : myc_send(self, &ref, NUMBER, &last, sizeof(last));
}

CASE(what_is_sent_behind_urgent_ones_that_wait_waits_too)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = suspended(a);

	for (uint32_t round = 0; round < 2; round++) {
		uint32_t before = to->messages;

		assert_int_equal(let(a, flood_then_ordinary, to->address, 0), 0);
		assert_int_equal(let(spawn(HERE), resume, to->address, 0), 0);
		wait_until(to->messages == before + CREDIT + 4);
		for (uint32_t i = 0; i < CREDIT + 4; i++)
			assert_int_equal(to->seen[before + i].message, i + 1);
		/* Nothing is held for ever. */
		assert_int_equal(let(a, pass_on, to->address, 77), 0);
		wait_until(to->messages == before + CREDIT + 5);
		if (!round)
			assert_int_equal(let(a, suspend, to->address, 0), 0);
		settle(a, spawn(THERE));
	}
	end();
}

static uint64_t urgent_sent(void)
{
	uint64_t sum = 0;

	for (uint32_t s = 0; s < (systems[1] == systems[0] ? 1 : 2); s++)
		for (uint32_t e = 0; e < systems[s]->executors; e++)
			sum += __atomic_load_n(&systems[s]->executor[e].words->urgent_sent,
					       __ATOMIC_RELAXED);
	return sum;
}

CASE(a_flood_of_urgent_ones_waits_and_keeps_its_order)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = spawn_as(THERE, &receiver, NULL, MYC_RESTARTS_NONE);

	for (uint64_t i = 0; i < 10; i++)
		assert_int_equal(let(a, urgent, to->address, range(100 * i + 1, 100 * (i + 1))), 0);
	wait_until(to->messages == 1000);
	assert_true(are(to, 0, 1, 1000));
	assert_int_equal(urgent_sent(), 1000);
	end();
}

CASE(urgent_ones_go_when_ordinary_credit_is_spent_until_theirs_is)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = stuck(a);
	int ordinary = let(a, try_all, to->address, false);

	assert_in_range(ordinary, 15, 16);
	assert_in_range(let(a, try_all, to->address, true), CREDIT - 1, CREDIT);
	assert_int_equal(let(a, try_all, to->address, true), 0);
	to->stuck = false;
	wait_until(to->messages >= (uint32_t)ordinary + CREDIT - 1);
	for (int i = 0; i < CREDIT - 1; i++)
		assert_int_equal(flags_seen[i], MYC_MESSAGE_URGENT);
	settle(a, to);
	assert_int_equal(let(a, try_all, to->address, true) > 0, 1); /* it comes back */
	end();
}

CASE(half_of_the_ring_is_for_signals)
{
	begin(state);
	struct probe *a[12], *to;
	int sent = 0;

	a[0] = spawn(HERE);
	to = stuck(a[0]);
	/* More senders than half of the ring has room for. */
	struct probe *victim = spawn(THERE);

	(void)victim;
	for (int i = 1; i < 12; i++)
		a[i] = spawn(HERE);
	for (int i = 0; i < 12; i++)
		sent += let(a[i], try_all, to->address, true);
	assert_true(sent <= 32);
	/* Its executor stands: what has no credit yet waits, and signals have room. */
	assert_int_equal(let(a[0], suspend, to->address, 0), 0);
	assert_int_equal(let(a[0], resume, to->address, 0), 0);
	to->stuck = false;
	for (int i = 0; i < 12; i++)
		assert_int_equal(let(a[i], urgent, to->address, range(1, 10)), 0);
	wait_until(to->messages == (uint32_t)sent + 120);
	end();
}

CASE(the_ring_itself_limits_urgent_messages_before_signals)
{
	static struct myc_slot slots[8];
	struct myc_lane_cursor cursor = {.next = {0, 0}};
	struct myc_lane_out lane = {.cursor = &cursor};

	(void)state;
	for (uint32_t mask = 0; mask < 8; mask = 2 * mask + 1) {
		uint32_t room = (mask + 2) / 2;

		lane.slot[MYC_RING_URGENT] = slots;
		lane.mask[MYC_RING_URGENT] = mask;
		lane.head[MYC_RING_URGENT] = 0;
		lane.full_at[MYC_RING_URGENT] = 0;
		for (uint32_t i = 0; i < room; i++) {
			assert_false(myc_lane_full_urgent(&lane));
			lane.head[MYC_RING_URGENT]++;
		}
		assert_true(myc_lane_full_urgent(&lane));
		assert_true(mask == 0 || !myc_lane_full(&lane, MYC_RING_URGENT));
	}
}

static int tell_all_and_leave(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	int code = pass_on(self, me, to, 1);

	(void)b;
	if (!code)
		code = urgent(self, me, to, range(2, 2));
	if (!code)
		code = pass_on(self, me, to, 3);
	myc_exit(self, reason_of(reason(MYC_EXIT_FAILED, 5)));
	return code;
}

CASE(a_down_comes_after_all_that_the_dead_one_sent)
{
	begin(state);
	struct probe *watcher = spawn_as(HERE, &receiver, NULL, MYC_RESTARTS_NONE),
		     *dying = watched_by(watcher, THERE), *other = spawn(THERE);

	settle(other, watcher);
	assert_int_equal(let(other, suspend, watcher->address, 0), 0);
	settle(other, spawn(HERE));
	assert_int_equal(let(dying, tell_all_and_leave, watcher->address, 0), 0);
	settle(other, spawn(HERE));
	/* One that is newer than the DOWN is before it all the same: it is urgent. */
	assert_int_equal(let(other, urgent, watcher->address, range(4, 4)), 0);
	settle(other, spawn(HERE));
	assert_int_equal(let(other, resume, watcher->address, 0), 0);
	wait_until(watcher->count == 5);
	assert_int_equal(watcher->seen[0].message, 2);
	assert_true(watcher->seen[4].event.kind == MYC_EVENT_DOWN || watcher->seen[3].event.kind);
	assert_true(watcher->events == 1);
	for (int i = 0, last = 0; i < 5; i++)
		if (watcher->seen[i].message == 1 || watcher->seen[i].message == 3) {
			assert_true((int)watcher->seen[i].message > last);
			last = (int)watcher->seen[i].message;
			assert_true(watcher->seen[4].message == 0 || i < 4);
		}
	end();
}

static int wrong_size(struct myc_actor *self, struct probe *me, uint64_t to, uint64_t b)
{
	struct myc_ref ref;
	uint8_t payload[41] = {0};

	(void)me;
	(void)b;
	assert_int_equal(myc_resolve(self, to, &ref), 0);
	assert_int_equal(myc_send_urgent(self, &ref, 0xff00, payload, 1), -EINVAL);
	assert_int_equal(myc_try_send_urgent(self, &ref, 1, payload, 41), -EMSGSIZE);
	assert_int_equal(myc_resolve(self, myc_self(self), &ref), 0);
	for (int i = 0; i < CREDIT; i++)
		assert_int_equal(myc_send_urgent(self, &ref, SETTLE, NULL, 0), 0);
	assert_int_equal(myc_send_urgent(self, &ref, SETTLE, NULL, 0), -EDEADLK);
	/* A ref's urgent flow is nobody's ordinary one. */
	ref.flow = ref.urgent;
	return myc_try_send(self, &ref, SETTLE, NULL, 0);
}

CASE(what_cannot_be_urgent_is_refused)
{
	begin(state);
	struct probe *a = spawn(HERE);

	assert_int_equal(let(a, wrong_size, a->address, 0), 0);
	wait_until(a->settled == CREDIT + 1);
	end();
}

/* ---- hostile lanes ----------------------------------------------------------------------------- */

/* What the sender's process writes behind what it really sent. A stranger's write is a race by design. */
__attribute__((no_sanitize("thread"))) static void forge(enum myc_lane_ring ring,
							 enum myc_lane_ring as, int what)
{
	const struct myc_executor *executor = &systems[0]->executor[0];
	struct myc_lane_out lane = executor->out.road[1].lane;
	struct myc_slot slot = lane.slot[as][(lane.head[as] - 1) & lane.mask[as]];
	struct myc_slot *at = &lane.slot[ring][lane.head[ring] & lane.mask[ring]];

	switch (what) {
	case 0:
		break; /* beyond its credit, or in the wrong ring */
	case 1:
		slot.flags |= MYC_SLOT_REFERENCE;
		break;
	case 2:
		slot.flags = 0;
		break;
	case 3:
		slot.type = 0xff20;
		break;
	case 4:
		slot.size = 41;
		break;
	case 5:
		slot.from++;
		break;
	case 6:
		slot.flow = 700;
		break;
	case 7:
		slot.to++;
		break;
	}
	for (int i = 1; i < 8; i++)
		at->word[i] = slot.word[i];
	__atomic_store_n(&at->word[0], (slot.word[0] & ~0xffffffffull) | (lane.head[ring] + 1),
			 __ATOMIC_RELEASE);
	if (executor->out.road[1].peer->bell >= 0) {
		uint64_t one = 1;
		ssize_t n = write(executor->out.road[1].peer->bell, &one, sizeof(one));
		(void)n;
	}
}

static uint64_t faults(void)
{
	uint64_t sum = 0;

	for (int i = 0; i < MYC_LANE_FAULTS_COUNT; i++)
		sum += __atomic_load_n(&systems[1]->executor[0].words->lane_faults[i],
				       __ATOMIC_RELAXED);
	return sum;
}

static void forged(void **state, enum myc_lane_ring ring, enum myc_lane_ring as, int what)
{
	begin(state);
	struct probe *a = spawn(HERE), *to = spawn_as(THERE, &receiver, NULL, MYC_RESTARTS_NONE);

	settle(a, to);
	/* All the credit, so that what is forged has none; the newest of each ring is theirs. */
	let(a, urgent, to->address, range(1, 8));
	wait_until(to->messages == 8);
	let(a, pass_on, to->address, 9);
	wait_until(to->messages == 9);
	uint32_t before = to->messages;

	forge(ring, as, what);
	/* With credit left it would be one more message, if it were right. */
	if (!what && ring == as)
		wait_until(to->messages == before + 1 || faults() == 1);
	else
		wait_until(faults() == 1);
	if (what || ring != as)
		assert_int_equal(to->messages, before);
	assert_int_equal(let(to, nothing, 0, 0), 0); /* the receiver is well */
	end();
}

CASE(a_lane_that_lies_about_urgent_messages_is_cut)
{
	for (int what = 0; what < 8; what++) {
		if (what)
			forged(state, MYC_RING_URGENT, MYC_RING_URGENT, what);
		if (what != 4 && what != 6)
			forged(state, MYC_RING_ORDINARY, MYC_RING_URGENT, what);
	}
	forged(state, MYC_RING_URGENT, MYC_RING_ORDINARY, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		EVERYWHERE(urgent_ones_overtake_what_waits_for_their_receiver),
		EVERYWHERE(nothing_overtakes_an_urgent_one),
		EVERYWHERE(what_is_sent_behind_urgent_ones_that_wait_waits_too),
		EVERYWHERE(a_flood_of_urgent_ones_waits_and_keeps_its_order),
		IN(urgent_ones_go_when_ordinary_credit_is_spent_until_theirs_is, TWO_EXECUTORS),
		IN(urgent_ones_go_when_ordinary_credit_is_spent_until_theirs_is, TWO_PROCESSES),
		IN(half_of_the_ring_is_for_signals, TWO_EXECUTORS),
		IN(half_of_the_ring_is_for_signals, TWO_PROCESSES),
		IN(the_ring_itself_limits_urgent_messages_before_signals, ONE_EXECUTOR),
		EVERYWHERE(a_down_comes_after_all_that_the_dead_one_sent),
		EVERYWHERE(what_cannot_be_urgent_is_refused),
		IN(a_lane_that_lies_about_urgent_messages_is_cut, TWO_PROCESSES),
	};

	return run_cases(tests, sizeof(tests) / sizeof(tests[0]));
}
