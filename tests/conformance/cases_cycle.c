/* SPDX-License-Identifier: Apache-2.0 */
/* Rings of actors that wait for one another's credit: mycelium/cycle.h. */
#include "conformance/cases.h"

enum { RING = 3, CREDIT = 4, FLOOD = 20 };

static const struct myc_behaviour member = {.name = "member",
					    .capacity_per_sender = CREDIT,
					    .signal = probe_signal,
					    .undelivered = probe_undelivered,
					    PROBE_HOOKS};
/* Lets virtual time pass; notes nothing. */
static int ticks(struct myc_actor *self, uint64_t cookie)
{
	(void)self;
	(void)cookie;
	return 0;
}
static const struct myc_behaviour clockwork = {
	.name = "clock", .state_size = 64, .message = probe_message, .timer = ticks};

/* The concerned one's probe notes it: word[0] how often, 1 of how many, 2 the policy, 3 failed, 4 awaits. */
static void tell_cycle(void *context, const struct myc_cycle_report *report)
{
	(void)context;
	for (uint32_t i = 0; i < shared->probes; i++) {
		struct probe *probe = &shared->probe[i];

		if (__atomic_load_n(&probe->address, __ATOMIC_ACQUIRE) != report->cycle.address[0])
			continue;
		probe->word[1] = report->cycle.count;
		probe->word[2] = report->policy;
		probe->word[3] = report->failed;
		for (uint32_t n = 0; n < report->cycle.count; n++)
			probe->word[4] += report->awaits[n];
		__atomic_fetch_add(&probe->word[0], 1, __ATOMIC_RELEASE);
	}
}

static void reported(struct world_opts *opts)
{
	opts->system.cycle = tell_cycle;
}
static void failed(struct world_opts *opts)
{
	reported(opts);
	opts->system.cycles = MYC_CYCLES_FAIL;
}
static void killed(struct world_opts *opts)
{
	reported(opts);
	opts->system.cycles = MYC_CYCLES_KILL;
}

static uint64_t told(const struct probe *who)
{
	return __atomic_load_n(&who->word[0], __ATOMIC_ACQUIRE);
}

static int job_flood(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	int code = 0;

	for (uint64_t i = 0; i < FLOOD && !code; i++)
		code = do_send(self, me, a[0], SEND, a[1] + i, 8);
	return code;
}

static struct probe *actor[RING];

/* Each floods the next. The clock goes on. */
static void close_ring(uint32_t count)
{
	struct probe *clock = spawn_as(HERE, &clockwork);

	for (uint32_t i = 0; i < count; i++)
		actor[i] = spawn_as(i == 0 ? HERE : i == 1 ? THERE : ELSEWHERE, &member);
	OK(start_timer(clock, 5 * MS, 5 * MS, 0));
	for (uint32_t i = 0; i < count; i++)
		hold(actor[i]);
	for (uint32_t i = 0; i < count; i++)
		tell(actor[i], job_flood, actor[(i + 1) % count]->address, 1, 0, 0);
	settle();
	for (uint32_t i = 0; i < count; i++)
		release(actor[i]);
}

static struct probe *lowest(uint32_t count)
{
	struct probe *best = actor[0];

	for (uint32_t i = 1; i < count; i++)
		best = actor[i]->address < best->address ? actor[i] : best;
	return best;
}

CASE(a_ring_is_told_once_and_by_default_stays)
{
	close_ring(RING);
	struct probe *one = lowest(RING);

	UNTIL(told(one));
	assert_int_equal(one->word[1], RING);
	assert_int_equal(one->word[2], MYC_CYCLES_REPORT);
	let_pass(100 * MS);
	for (uint32_t i = 0; i < RING; i++) {
		assert_int_equal(told(actor[i]), actor[i] == one);
		assert_true(metrics_of(actor[i]).outbox_depth > 0);
	}
	assert_int_equal(metrics_of(one).cycles, 1);
	assert_int_equal(counted_dead_all(), 0);
	/* By hand. */
	OK(send_stop(keeper_of(one->place), one, MYC_STOP_KILL));
	for (uint32_t i = 0; i < RING; i++)
		if (actor[i] != one)
			UNTIL(metrics_of(actor[i]).outbox_depth == 0);
}

CASE(one_fails_its_waiting_messages_is_told_of_each_and_all_go_on)
{
	close_ring(RING);
	struct probe *one = lowest(RING);

	UNTIL(told(one));
	for (uint32_t i = 0; i < RING; i++)
		UNTIL(metrics_of(actor[i]).outbox_depth == 0);
	settle();
	assert_int_equal(one->word[2], MYC_CYCLES_FAIL);
	assert_true(one->word[3] > 0);
	UNTIL(seen_of(one, UNDELIVERED) == counted_dead(MYC_DEAD_LETTER_CREDIT_CYCLE));
	assert_int_equal(nth(one, UNDELIVERED, 0)->kind, MYC_DEAD_LETTER_CREDIT_CYCLE);
	for (uint32_t i = 0; i < RING; i++)
		OK(let(actor[i], do_nothing, 0, 0, 0, 0));
	/* What is not among the dead has come. */
	uint64_t sum = counted_dead(MYC_DEAD_LETTER_CREDIT_CYCLE);

	for (uint32_t i = 0; i < RING; i++)
		sum += actor[i]->messages;
	assert_int_equal(sum, RING * FLOOD);
}

CASE(one_is_killed_and_the_others_go_on)
{
	close_ring(RING);
	struct probe *one = lowest(RING);

	UNTIL(ended(one));
	assert_int_equal(one->stops, 0);
	assert_int_equal(one->word[2], MYC_CYCLES_KILL);
	for (uint32_t i = 0; i < RING; i++) {
		if (actor[i] == one)
			continue;
		UNTIL(metrics_of(actor[i]).outbox_depth == 0);
		OK(let(actor[i], do_nothing, 0, 0, 0, 0));
	}
}

static int job_flood_and_ask(struct myc_actor *self, struct probe *me, const uint64_t *a)
{
	struct myc_ref ref;
	int code = job_flood(self, me, a);

	if (!code)
		code = myc_resolve(self, a[0], &ref);
	return code ? code : myc_ask(self, &ref, REQUEST, &a[1], 8, LONG, 77, NULL);
}

CASE(an_ask_that_waits_in_a_ring_ends_with_edeadlk)
{
	struct probe *clock = spawn_as(HERE, &clockwork);

	actor[0] = spawn_as(HERE, &member);
	actor[1] = spawn_as(THERE, &member);
	OK(start_timer(clock, 5 * MS, 5 * MS, 0));
	hold(actor[0]);
	hold(actor[1]);
	tell(actor[0], job_flood_and_ask, actor[1]->address, 1, 0, 0);
	tell(actor[1], job_flood_and_ask, actor[0]->address, 1, 0, 0);
	settle();
	release(actor[0]);
	release(actor[1]);
	struct probe *one = lowest(2);

	assert_int_equal(nth(one, REPLY, 0)->status, -EDEADLK);
	assert_int_equal(nth(one, REPLY, 0)->number, 77);
}

CASE(a_chain_behind_one_that_is_suspended_is_none)
{
	struct probe *clock = spawn_as(HERE, &clockwork);

	for (uint32_t i = 0; i < RING; i++)
		actor[i] = spawn_as(i == 0 ? HERE : i == 1 ? THERE : ELSEWHERE, &member);
	OK(start_timer(clock, 5 * MS, 5 * MS, 0));
	hold(actor[2]);
	OK(let(actor[1], job_flood, actor[2]->address, 1, 0, 0));
	UNTIL(metrics_of(actor[1]).outbox_depth > 0);
	OK(let(actor[0], job_flood, actor[1]->address, 1, 0, 0));
	UNTIL(metrics_of(actor[0]).outbox_depth > 0);
	let_pass(100 * MS);
	for (uint32_t i = 0; i < RING; i++)
		assert_int_equal(told(actor[i]), 0);
	release(actor[2]);
	expect_numbers(actor[2], 1, FLOOD);
	expect_numbers(actor[1], 1, FLOOD);
	assert_int_equal(counted_dead_all(), 0);
}

CASE(a_ring_through_one_that_is_only_suspended_is_none)
{
	struct probe *clock = spawn_as(HERE, &clockwork);

	actor[0] = spawn_as(HERE, &member);
	actor[1] = spawn_as(THERE, &member);
	OK(start_timer(clock, 5 * MS, 5 * MS, 0));
	hold(actor[1]);
	tell(actor[0], job_flood, actor[1]->address, 1, 0, 0);
	UNTIL(metrics_of(actor[0]).outbox_depth > 0);
	OK(post(actor[1], NUMBER, 1)); /* it waits for nobody: somebody holds it */
	let_pass(100 * MS);
	assert_int_equal(told(actor[0]) + told(actor[1]), 0);
	release(actor[1]);
	UNTIL(metrics_of(actor[0]).outbox_depth == 0);
}

const struct conform_case cases_cycle[] = {
	{NAMED(a_ring_is_told_once_and_by_default_stays), .opts = reported},
	{NAMED(one_fails_its_waiting_messages_is_told_of_each_and_all_go_on), .opts = failed},
	{NAMED(one_is_killed_and_the_others_go_on), .opts = killed},
	{NAMED(an_ask_that_waits_in_a_ring_ends_with_edeadlk), .opts = failed},
	{NAMED(a_chain_behind_one_that_is_suspended_is_none), .opts = failed},
	{NAMED(a_ring_through_one_that_is_only_suspended_is_none), .opts = failed},
	{0},
};
