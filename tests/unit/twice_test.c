/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a process says in its region may be something else at the second look: head, actor words, flow entries and
 * rings of one that the test writes to between the steps of another. Two processes of a workspace are played by two
 * systems of this one, in turns, on a clock of their own; the other is hostile.
 */
#include "common/regions.h"

#include <setjmp.h>
#include <string.h>
#include <unistd.h>

static void point(const char *name);
#define MYC_POINT(name) point(name)

#include "core/schemas.c" /* NOLINT(bugprone-suspicious-include) */
#include "memory/pool.c"  /* NOLINT(bugprone-suspicious-include) */

#include <mycelium/mycelium.h>

#include "core/outbox.h"
#include "core/pending.h"

#define PROCESSES 2
#define HANGS_S	  20
#define MESSAGES  3

enum { GOOD, HOSTILE };

static struct myc_region region[PROCESSES][PROCESSES]; /* as seen by, of */
static struct myc_system *system_[PROCESSES];
static uint64_t incarnation[PROCESSES], now_ns;
static void (*at_point)(const char *name), (*at_clock)(void);

static void point(const char *name)
{
	if (at_point)
		at_point(name);
}

static uint64_t clock_now(void *context)
{
	(void)context;
	if (at_clock)
		at_clock();
	return now_ns;
}

static void nap(void *context)
{
	(void)context;
}

static const struct myc_behaviour *runs(void *context, const struct myc_behaviour *behaviour)
{
	(void)context;
	return behaviour;
}

static const struct myc_behaviour *original(const struct myc_behaviour *behaviour)
{
	return behaviour;
}

static const struct myc_world world = {
	.now = clock_now, .nap = nap, .behaviour = runs, .original = original};

/* ---- actors -------------------------------------------------------------------------------------- */

static uint32_t handled;
static bool takes;

enum { TAKE = 1, PASS, DIE };

static jmp_buf dead;

/* Puts all aside until it is told to take them; passes on what is for the one beside it. */
static int put_aside(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref beside = {0};

	if (message->type == PASS) {
		assert_int_equal(myc_resolve(self, myc_address_make(0, GOOD, 1, 1), &beside), 0);
		assert_int_equal(myc_pass(self, &beside, message), 0);
		return 0;
	}
	if (message->type == DIE)
		longjmp(dead, 1);
	if (!takes)
		return myc_stash(self);
	handled++;
	return 0;
}

static const struct myc_behaviour behaviour = {
	.name = "one", .stash_capacity = 16, .capacity_per_sender = 8, .message = put_aside};

static const struct myc_executor_opts executors[3] = {
	{.core = -1, .timers = 8, .signals = 8, .asks = 8, .watches = 8},
	{.core = -1, .timers = 8, .signals = 8, .asks = 8, .watches = 8},
	{.core = -1, .timers = 8, .signals = 8, .asks = 8, .watches = 8}};
static const struct myc_system_opts opts = {.sz = sizeof(opts),
					    .executors = 3,
					    .actors = 4,
					    .lane_slots = 8,
					    .outbox = 32,
					    .pending = 64,
					    .buffers = {{128, 8}},
					    .loans = 16,
					    .executor = executors};

static void turn(uint32_t process)
{
	for (uint32_t e = 0; e < 3; e++)
		myc_executor_turn(&system_[process]->executor[e], true);
}

static void turns(void)
{
	for (int i = 0; i < 8; i++) {
		now_ns += 1000000;
		turn(HOSTILE);
		turn(GOOD);
	}
}

static void begin(uint32_t process)
{
	const struct myc_workspace workspace = {.process = process,
						.incarnation = ++incarnation[process],
						.processes = PROCESSES,
						.regions = region[process],
						.world = &world};

	assert_int_equal(myc_system_join(&system_[process], &opts, &workspace, NULL), 0);
	for (uint32_t slot = 0; slot < 2; slot++) {
		const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &behaviour};
		myc_address address;

		assert_int_equal(myc_spawn_at(system_[process], &spawn, slot, 0, &address, NULL),
				 0);
	}
	for (uint32_t e = 0; e < 3; e++)
		myc_executor_begin(&system_[process]->executor[e]);
}

static void close_one(uint32_t process)
{
	myc_system_close(system_[process]);
	system_[process] = NULL;
}

static myc_address address_of(uint32_t process, uint32_t slot)
{
	return myc_address_make(0, process, slot, 1);
}

static struct myc_actor *actor_of(uint32_t process, uint32_t slot)
{
	return myc_system_actor(system_[process], address_of(process, slot));
}

static int open_both(void **state)
{
	(void)state;
	now_ns = 1000000000;
	takes = false;
	handled = 0;
	at_point = NULL;
	at_clock = NULL;
	alarm(HANGS_S);
	for (uint32_t p = 0; p < PROCESSES; p++) {
		incarnation[p] = 0;
		regions_plan(region[0], PROCESSES, p, &opts, 6);
	}
	begin(HOSTILE);
	begin(GOOD);
	return 0;
}

static int close_both(void **state)
{
	(void)state;
	at_point = NULL;
	at_clock = NULL;
	alarm(0);
	close_one(GOOD);
	close_one(HOSTILE);
	regions_unmap(region[0], PROCESSES);
	return 0;
}

/* Of the hostile one, where it can be written. */
static void *writable(const void *seen)
{
	const struct myc_region *region_ = region[GOOD];

	return (char *)region[HOSTILE][HOSTILE].base +
	       ((const char *)seen - (const char *)region_[HOSTILE].base);
}

/* ---- where an actor is --------------------------------------------------------------------------- */

/* The hostile one's actor is on this executor, says it. */
static void say(uint32_t executor, uint32_t life)
{
	uint64_t *word = &system_[HOSTILE]->slot[0].word;

	__atomic_store_n(word, myc_actor_word(1, executor, life), __ATOMIC_RELAXED);
}

static void place(uint32_t executor)
{
	say(executor, MYC_ACTOR_RUNNING);
}

static void elsewhere(void)
{
	at_clock = NULL;
	place(2);
}

static uint32_t outboxed(const struct myc_executor *executor, uint32_t at)
{
	uint32_t n = 0;

	for (uint32_t f = 0; f < executor->out.flows; f++)
		if (executor->out.flow_table[f].outboxed &&
		    executor->out.flow_table[f].road->executor == at)
			n += executor->out.flow_table[f].outboxed;
	return n;
}

/* The way to it where it is, and to where it was before. */
static void first_and_second(struct myc_actor *self, struct myc_ref *first, struct myc_ref *second)
{
	place(1);
	assert_int_equal(myc_resolve(self, address_of(HOSTILE, 0), second), 0);
	place(0);
	assert_int_equal(myc_resolve(self, address_of(HOSTILE, 0), first), 0);
}

/* Two refs of one actor, its word, and an outbox behind each: gone through while it changes. */
static void who_is_elsewhere_at_each_look_keeps_nobody_looking(void **state)
{
	struct myc_executor *executor = &system_[GOOD]->executor[0];
	struct myc_actor *self = actor_of(GOOD, 0);
	struct myc_ref first = {0}, second = {0};

	(void)state;
	first_and_second(self, &first, &second);
	place(1);
	assert_int_equal(myc_send_within(self, &second, TAKE, "x", 1, 1000000000), 0);
	place(0);
	assert_int_equal(myc_send(self, &first, TAKE, "x", 1), 0);
	assert_int_equal(outboxed(executor, 0), 2);
	assert_int_equal(outboxed(executor, 1), 0);
	/* The clock is looked at for the first's deadline: after it was found alive. */
	at_clock = elsewhere;
	myc_outbox_drain(executor);
	assert_null(at_clock);
	myc_outbox_drain(executor);
	assert_int_equal(outboxed(executor, 2), 2);
	assert_int_equal(self->outboxed, 2);
	place(0);
	myc_outbox_drain(executor);
	assert_int_equal(outboxed(executor, 0), 2);
	turns();
	assert_int_equal(self->outboxed, 0);
}

/* It was here, has been there, and is back: what waits for it there goes before what is sent by the ref from then. */
static void what_waits_where_it_was_goes_first(void **state)
{
	struct myc_executor *executor = &system_[GOOD]->executor[0];
	struct myc_actor *self = actor_of(GOOD, 0);
	struct myc_ref first = {0}, second = {0};

	(void)state;
	assert_int_equal(myc_resolve(self, address_of(HOSTILE, 0), &first), 0);
	assert_int_equal(myc_resolve(self, address_of(HOSTILE, 0), &second), 0);
	turns();
	assert_int_equal(myc_try_send(self, &first, TAKE, "x", 1), 0);
	place(1);
	assert_int_equal(myc_send(self, &second, TAKE, "x", 1), 0);
	assert_int_equal(outboxed(executor, 1), 1);
	place(0);
	assert_int_equal(myc_try_send(self, &first, TAKE, "x", 1), -EAGAIN);
	assert_int_equal(myc_send(self, &first, TAKE, "x", 1), 0);
	assert_int_equal(outboxed(executor, 0), 2);
	turns();
	assert_int_equal(outboxed(executor, 0), 0);
	assert_int_equal(myc_try_send(self, &first, TAKE, "x", 1), 0);
	turns();
	assert_int_equal(myc_stashed(actor_of(HOSTILE, 0)), 4);
}

/* Two to where it was; one by a ref to where it will be, while it is on its way: behind them. And it gets there. */
static void what_follows_goes_before_what_came_later(void **state)
{
	struct myc_executor *executor = &system_[GOOD]->executor[0];
	struct myc_actor *self = actor_of(GOOD, 0);
	struct myc_ref first = {0}, second = {0};

	(void)state;
	first_and_second(self, &first, &second);
	assert_int_equal(myc_send(self, &first, TAKE, "x", 1), 0);
	assert_int_equal(myc_send(self, &first, TAKE, "x", 1), 0);
	say(MYC_EXECUTOR_NONE, MYC_ACTOR_MOVING);
	assert_int_equal(myc_send(self, &second, PASS, "x", 1), 0);
	assert_int_equal(outboxed(executor, 0), 3);
	assert_int_equal(outboxed(executor, 1), 0);
	place(1);
	myc_outbox_drain(executor);
	assert_int_equal(outboxed(executor, 1), 3);
	const struct myc_flow_out *flow = &executor->out.flow_table[second.flow - 1];

	assert_int_equal(executor->outbox[flow->first].slot.type, TAKE);
	assert_int_equal(executor->outbox[executor->outbox_next[flow->first]].slot.type, TAKE);
	assert_int_equal(executor->outbox[flow->last].slot.type, PASS);
	place(0);
}

/* ---- heads and entries of lanes ------------------------------------------------------------------ */

static void send_some(void)
{
	struct myc_actor *self = actor_of(HOSTILE, 0);
	struct myc_ref to = {0};

	assert_int_equal(myc_resolve(self, address_of(GOOD, 0), &to), 0);
	turns();
	for (uint32_t i = 0; i < MESSAGES; i++)
		assert_int_equal(myc_try_send(self, &to, TAKE, "x", 1), 0);
	turns();
	assert_int_equal(myc_stashed(actor_of(GOOD, 0)), MESSAGES);
}

static void a_head_that_says_otherwise_to_a_successor_harms_it_not(void **state)
{
	struct myc_lanes *lanes =
		myc_region_block(&region[HOSTILE][HOSTILE], MYC_BLOCK_LANES, 0, NULL);
	const struct myc_executor_words *words;
	struct myc_ref to = {0};

	(void)state;
	send_some();
	close_one(GOOD);
	lanes->flows /= 2;
	begin(GOOD);
	turn(GOOD);
	words = system_[GOOD]->executor[0].words;
	assert_int_equal(words->lane_faults[MYC_LANE_FAULT_LAYOUT], 1);
	assert_int_equal(words->dead_letters[MYC_DEAD_LETTER_IN_DOUBT], MESSAGES);
	/* The rest of it works. */
	takes = true;
	assert_int_equal(myc_resolve(actor_of(GOOD, 1), address_of(GOOD, 0), &to), 0);
	assert_int_equal(myc_try_send(actor_of(GOOD, 1), &to, TAKE, "x", 1), 0);
	turn(GOOD);
	assert_int_equal(handled, 1);
	lanes->flows *= 2;
}

static uint32_t buffers_home(void)
{
	const struct myc_pool *pool = &system_[GOOD]->executor[0].out.pool;
	uint32_t n = 0;

	for (uint32_t i = pool->free[0]; i != MYC_POOL_NONE; i = pool->buffer_next[i])
		n++;
	return n;
}

static void a_process_that_says_otherwise_to_a_successor_keeps_no_buffers(void **state)
{
	struct myc_process_words *head = system_[HOSTILE]->words;
	struct myc_actor *self = actor_of(GOOD, 0);
	const struct myc_executor_words *words;
	struct myc_ref to = {0};
	char body[100] = {0};

	(void)state;
	assert_int_equal(myc_resolve(self, address_of(HOSTILE, 0), &to), 0);
	for (uint32_t i = 0; i < MESSAGES; i++)
		assert_int_equal(myc_send(self, &to, TAKE, body, sizeof(body)), 0);
	assert_int_equal(outboxed(&system_[GOOD]->executor[0], 0), MESSAGES);
	assert_int_equal(buffers_home(), opts.buffers[0].count - MESSAGES);
	close_one(GOOD);
	head->slots = 0;
	begin(GOOD);
	words = system_[GOOD]->executor[0].words;
	assert_int_equal(words->dead_letters[MYC_DEAD_LETTER_OUTBOX_NO_ACTOR], MESSAGES);
	assert_int_equal(buffers_home(), opts.buffers[0].count);
	head->slots = system_[HOSTILE]->slots;
}

/* Credit that is counted twice would be others' room. */
static void a_flow_given_to_others_while_its_messages_wait_has_no_more_credit(void **state)
{
	struct myc_executor *executor = &system_[GOOD]->executor[0];
	const struct myc_inlet *inlet = executor->inlet;
	struct myc_flow_in *flow = NULL;
	struct myc_flow *entry;

	(void)state;
	send_some();
	while (inlet->source != myc_lane_end(HOSTILE, 0))
		inlet++;
	for (flow = inlet->flow; flow->actor != actor_of(GOOD, 0);)
		flow++;
	entry = writable(&inlet->lane.flow[flow->index]);
	for (uint32_t round = 0; round < 10; round++) {
		int32_t granted = executor->granted;

		myc_lane_flow_write(entry, address_of(HOSTILE, (round + 1) % 2),
				    address_of(GOOD, 0), flow->limit, 0);
		__atomic_store_n(&system_[HOSTILE]->words->changed[0],
				 system_[HOSTILE]->words->changed[0] + 1, __ATOMIC_RELEASE);
		turn(GOOD);
		assert_int_equal(flow->from, address_of(HOSTILE, (round + 1) % 2));
		assert_int_equal(flow->waiting, MESSAGES);
		assert_int_equal(flow->limit - flow->handled, behaviour.capacity_per_sender);
		assert_int_equal(executor->granted, granted);
	}
	takes = true;
	assert_int_equal(myc_unstash(actor_of(GOOD, 0), MESSAGES), MESSAGES);
	turn(GOOD);
	turn(GOOD);
	assert_int_equal(handled, MESSAGES);
	assert_int_equal(flow->waiting, 0);
}

/* ---- rings and tables ---------------------------------------------------------------------------- */

static struct myc_return *ring;
static uint32_t ring_slots, forged;

static void one_more(const char *name)
{
	const struct myc_pool_inward *in = &system_[GOOD]->executor[0].out.pool.inward[0];

	if (strcmp(name, "collect: cursor stored") != 0 || forged++ > 100 * ring_slots)
		return;
	__atomic_store_n(&ring[in->next & (ring_slots - 1)].sequence, in->next + 1,
			 __ATOMIC_RELEASE);
}

static void a_ring_that_never_ends_is_read_once(void **state)
{
	struct myc_pool *pool = &system_[GOOD]->executor[0].out.pool;
	struct myc_actor *self = actor_of(GOOD, 0);
	struct myc_ref to = {0};
	char body[100] = {0};

	(void)state;
	takes = true;
	assert_int_equal(myc_resolve(self, address_of(HOSTILE, 0), &to), 0);
	turns();
	assert_int_equal(myc_try_send(self, &to, TAKE, body, sizeof(body)), 0);
	turns();
	assert_int_equal(handled, 1);
	assert_int_equal(pool->inwards, 1);
	ring = writable(pool->inward[0].slot);
	ring_slots = pool->inward[0].mask + 1;
	forged = 0;
	at_point = one_more;
	one_more("collect: cursor stored");
	assert_int_equal(myc_pool_collect(pool, UINT32_MAX), ring_slots);
}

/* The hostile one's body is passed on; then its owner's head is none, and the next of us looks. */
static void pass_a_body(void)
{
	struct myc_actor *self = actor_of(HOSTILE, 0);
	struct myc_ref to = {0};
	char body[100] = {0};

	takes = true;
	assert_int_equal(myc_resolve(self, address_of(GOOD, 0), &to), 0);
	turns();
	assert_int_equal(myc_try_send(self, &to, PASS, body, sizeof(body)), 0);
	turn(HOSTILE);
}

static void come_back_to_another_head(void)
{
	struct myc_pools *head =
		myc_region_block(&region[HOSTILE][HOSTILE], MYC_BLOCK_POOL, 0, NULL);
	uint32_t loans = head->loans;
	struct myc_ref to = {0};
	const struct myc_executor_words *words;

	close_one(GOOD);
	head->loans = 0;
	begin(GOOD);
	turn(GOOD);
	turn(GOOD);
	words = system_[GOOD]->executor[0].words;
	assert_int_equal(words->dead_letters[MYC_DEAD_LETTER_MALFORMED], 1);
	assert_int_equal(words->lane_faults[MYC_LANE_FAULT_REFERENCE], 0);
	assert_int_equal(handled, 0);
	assert_int_equal(myc_resolve(actor_of(GOOD, 0), address_of(GOOD, 1), &to), 0);
	assert_int_equal(myc_try_send(actor_of(GOOD, 0), &to, TAKE, "x", 1), 0);
	turn(GOOD);
	assert_int_equal(handled, 1);
	head->loans = loans;
}

static void a_body_whose_owner_is_none_by_now_is_not_its_senders_fault(void **state)
{
	(void)state;
	pass_a_body();
	/* Now it is in the lane of the one that passed it on, to the one beside it. */
	myc_executor_turn(&system_[GOOD]->executor[0], true);
	come_back_to_another_head();
}

static void a_body_whose_owner_is_none_by_now_keeps_nobody_from_what_waits_behind_it(void **state)
{
	(void)state;
	pass_a_body();
	assert_int_equal(myc_suspend(actor_of(GOOD, 0), address_of(GOOD, 1)), 0);
	turns();
	assert_int_equal(handled, 0);
	come_back_to_another_head();
}

/* Its loan is claimed for a message that does not come again. */
static void what_a_predecessor_died_over_and_is_none_by_now_keeps_no_loan(void **state)
{
	struct myc_actor *self = actor_of(HOSTILE, 0);
	struct myc_ref to = {0};
	char body[100] = {0};

	(void)state;
	assert_int_equal(myc_resolve(self, address_of(GOOD, 0), &to), 0);
	turns();
	assert_int_equal(myc_try_send(self, &to, DIE, body, sizeof(body)), 0);
	if (!setjmp(dead))
		turns();
	const struct myc_lane_out *lane =
		&system_[HOSTILE]->executor[0].out.flow_table[to.flow - 1].road->lane;

	close_one(GOOD);
	lane->slot[MYC_RING_ORDINARY][0].sequence = 77;
	begin(GOOD);
	assert_int_equal(system_[GOOD]->executor[0].words->lane_faults[MYC_LANE_FAULT_SEQUENCE], 1);
	assert_int_equal(system_[GOOD]->executor[0].out.pool.loans_used, 0);
}

static void written_anew(const char *name)
{
	struct myc_schemas *head;

	if (strcmp(name, "schemas: compared") != 0)
		return;
	head = myc_region_block(&region[HOSTILE][HOSTILE], MYC_BLOCK_SCHEMAS, 0, NULL);
	__atomic_store_n(&head->incarnation, head->incarnation + 1, __ATOMIC_RELEASE);
}

static void a_table_that_is_always_another_is_not_compared_for_ever(void **state)
{
	struct myc_ref to = {0};

	(void)state;
	at_point = written_anew;
	assert_int_equal(myc_schemas_disagree(system_[GOOD], HOSTILE, NULL), 0);
	assert_int_equal(myc_resolve(actor_of(GOOD, 0), address_of(HOSTILE, 0), &to), 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, open_both, close_both)
	const struct CMUnitTest tests[] = {
		CASE(who_is_elsewhere_at_each_look_keeps_nobody_looking),
		CASE(what_waits_where_it_was_goes_first),
		CASE(what_follows_goes_before_what_came_later),
		CASE(a_head_that_says_otherwise_to_a_successor_harms_it_not),
		CASE(a_process_that_says_otherwise_to_a_successor_keeps_no_buffers),
		CASE(a_flow_given_to_others_while_its_messages_wait_has_no_more_credit),
		CASE(a_ring_that_never_ends_is_read_once),
		CASE(a_body_whose_owner_is_none_by_now_is_not_its_senders_fault),
		CASE(a_body_whose_owner_is_none_by_now_keeps_nobody_from_what_waits_behind_it),
		CASE(what_a_predecessor_died_over_and_is_none_by_now_keeps_no_loan),
		CASE(a_table_that_is_always_another_is_not_compared_for_ever),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
