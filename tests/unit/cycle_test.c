/* SPDX-License-Identifier: Apache-2.0 */
/* Actors that wait for one another's credit in a ring: found, told, and broken by policy; and what is none. */
#include "common/test.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "common/ask_rig.h"
#include "core/executor.h"
#include "core/letter.h"

#define RING_MAX 6
#define FLOOD	 100 /* of which 64 have credit */
#define CREDIT	 64
#define MS	 1000000ull

static struct ask_rig rig;
static myc_address actor[RING_MAX];

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct myc_cycle_report told; /* the last; under lock */
static _Atomic uint32_t tellings;

static void tell(void *context, const struct myc_cycle_report *report)
{
	assert_ptr_equal(context, &rig);
	pthread_mutex_lock(&lock);
	told = *report;
	pthread_mutex_unlock(&lock);
	tellings++;
}

static const struct myc_actor_metrics *metrics(uint32_t who)
{
	return &rig_system(&rig, actor[who])->metrics[myc_address_slot(actor[who])];
}

static uint64_t load(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

/* `count` actors, on both sides by turns, suspended. */
static void setup(enum ask_bed bed, enum myc_cycles policy, uint32_t count)
{
	const struct myc_system_opts opts = {
		.cycles = policy, .cycle = tell, .cycle_context = &rig};

	ask_rig_open(&rig, bed, &opts);
	tellings = 0;
	for (uint32_t i = 0; i < count; i++) {
		char name[16];
		struct myc_spawn_opts spawn = {.sz = sizeof(spawn),
					       .behaviour = &rig_asker,
					       .executor = bed == BED_EXECUTORS ? i % 2 : 0,
					       .name = name};

		snprintf(name, sizeof(name), "actor %u", i);
		assert_int_equal(myc_spawn(rig.system[i % 2], &spawn, &actor[i], NULL), 0);
	}
	rig_start(&rig);
	wait_until(rig_starts == count);
	for (uint32_t i = 0; i < count; i++)
		wait_until(myc_actor_suspend(rig_system(&rig, actor[i]), actor[i]) == 0);
}

static void resume(uint32_t who)
{
	wait_until(myc_actor_resume(rig_system(&rig, actor[who]), actor[who]) == 0);
}

/* The order waits until it is resumed, and comes before all that others send it from now on. */
static void order_asleep(uint32_t who, enum order what, myc_address to)
{
	uint64_t before = load(&metrics(who)->mailbox_depth);

	rig_tell(&rig, actor[who], (uint16_t)what,
		 (struct order_body){
			 .to = to, .type = REQUEST_ECHO, .timeout_ns = MYC_FOREVER, .more = FLOOD});
	wait_until(load(&metrics(who)->mailbox_depth) > before);
}

/* Each of `count` floods the next. */
static void close_ring(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		order_asleep(i, ORDER_FLOOD, actor[(i + 1) % count]);
	for (uint32_t i = 0; i < count; i++)
		resume(i);
}

static uint32_t lowest(uint32_t count)
{
	uint32_t best = 0;

	for (uint32_t i = 1; i < count; i++)
		best = actor[i] < actor[best] ? i : best;
	return best;
}

static uint64_t failed(void)
{
	return rig_dead_letters(&rig, MYC_DEAD_LETTER_CREDIT_CYCLE);
}

static uint64_t handled(uint32_t count)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < count; i++)
		sum += load(&metrics(i)->messages);
	return sum;
}

static void nap(void)
{
	struct timespec wait = {.tv_nsec = 60 * MS};

	nanosleep(&wait, NULL);
}

static bool at_rest(uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (load(&metrics(i)->outbox_depth) || load(&metrics(i)->mailbox_depth))
			return false;
	return true;
}

/* The report names the ring from the lowest address on. */
static void expect_told(enum myc_cycles policy, uint32_t count)
{
	uint32_t first = lowest(count);

	pthread_mutex_lock(&lock);
	assert_int_equal(told.cycle.count, count);
	assert_int_equal(told.policy, policy);
	assert_int_equal(told.failed, policy == MYC_CYCLES_FAIL ? FLOOD - CREDIT : 0);
	for (uint32_t i = 0; i < count; i++) {
		char name[16];
		uint32_t who = (first + i) % count;

		assert_int_equal(told.cycle.address[i], actor[who]);
		assert_false(told.awaits[i]);
		snprintf(name, sizeof(name), "actor %u", who);
		/* Of others' processes no names are known here. */
		assert_string_equal(told.name[i], myc_address_process(actor[who]) ==
								  myc_address_process(actor[first])
							  ? name
							  : "");
	}
	pthread_mutex_unlock(&lock);
}

#define on_each_bed for (enum ask_bed bed = BED_EXECUTOR; bed < BEDS; ask_rig_close(&rig), bed++)

/* ---- policies ---------------------------------------------------------------------------------- */

static void ring_is_told_once_and_stays(enum ask_bed bed, uint32_t count)
{
	setup(bed, MYC_CYCLES_REPORT, count);
	close_ring(count);
	wait_until(tellings == 1);
	expect_told(MYC_CYCLES_REPORT, count);
	nap();
	assert_int_equal(tellings, 1);
	for (uint32_t i = 0; i < count; i++) {
		assert_int_equal(__atomic_load_n(&metrics(i)->cycles, __ATOMIC_RELAXED),
				 i == lowest(count));
		assert_int_equal(load(&metrics(i)->outbox_depth), FLOOD - CREDIT);
	}
	assert_int_equal(failed(), 0);
	/* It would hold up the stop until its timeout. */
	assert_int_equal(
		myc_actor_stop(rig_system(&rig, actor[0]), actor[0], MYC_STOP_KILL, 10000 * MS), 0);
}

static void a_ring_is_told_once_and_by_default_stays(void **state)
{
	(void)state;
	on_each_bed ring_is_told_once_and_stays(bed, 2);
	on_each_bed ring_is_told_once_and_stays(bed, 3);
	on_each_bed ring_is_told_once_and_stays(bed, RING_MAX);
}

static void ring_is_broken_by_failing(enum ask_bed bed, uint32_t count)
{
	setup(bed, MYC_CYCLES_FAIL, count);
	close_ring(count);
	wait_until(tellings == 1);
	expect_told(MYC_CYCLES_FAIL, count);
	wait_until(at_rest(count));
	/* One actor's waiting messages, and nothing else: all others came. */
	assert_int_equal(failed(), FLOOD - CREDIT);
	wait_until(handled(count) == count * (FLOOD + 1) - (FLOOD - CREDIT));
	nap();
	assert_int_equal(tellings, 1);
	/* Each says who, to whom and why. */
	struct myc_letter letter[8];
	uint32_t letters = myc_letters_recent(rig_system(&rig, actor[lowest(count)]), letter, 8);

	assert_int_equal(letters, 8);
	for (uint32_t i = 0; i < letters; i++) {
		assert_int_equal(letter[i].why, MYC_DEAD_LETTER_CREDIT_CYCLE);
		assert_int_equal(letter[i].from, actor[lowest(count)]);
		assert_int_equal(letter[i].to, actor[(lowest(count) + 1) % count]);
	}
	/* And on it goes. */
	for (uint32_t i = 0; i < count; i++)
		assert_int_equal(
			rig_order(&rig, actor[i], ORDER_FLOOD,
				  (struct order_body){.to = actor[(i + 1) % count], .more = 10}),
			0);
}

static void of_a_ring_one_fails_its_waiting_messages_and_all_go_on(void **state)
{
	(void)state;
	on_each_bed ring_is_broken_by_failing(bed, 2);
	on_each_bed ring_is_broken_by_failing(bed, 3);
	on_each_bed ring_is_broken_by_failing(bed, RING_MAX);
}

static void of_a_ring_one_is_killed_and_the_others_go_on(void **state)
{
	(void)state;
	on_each_bed
	{
		setup(bed, MYC_CYCLES_KILL, 3);
		close_ring(3);
		wait_until(tellings == 1);
		expect_told(MYC_CYCLES_KILL, 3);
		uint32_t killed = lowest(3);

		wait_until(myc_post_try(rig_system(&rig, actor[killed]), actor[killed],
					REQUEST_PLAIN, NULL, 0) == -ESRCH);
		for (uint32_t i = 0; i < 3; i++)
			if (i != killed)
				wait_until(!load(&metrics(i)->outbox_depth) &&
					   !load(&metrics(i)->mailbox_depth));
		nap();
		assert_int_equal(tellings, 1);
	}
}

static void rings_that_share_an_actor_are_all_broken(void **state)
{
	(void)state;
	on_each_bed
	{
		setup(bed, MYC_CYCLES_FAIL, 5);
		/* 0 floods all the others, each of which floods 0. */
		for (uint32_t i = 1; i < 5; i++) {
			order_asleep(0, ORDER_FLOOD, actor[i]);
			order_asleep(i, ORDER_FLOOD, actor[0]);
		}
		for (uint32_t i = 0; i < 5; i++)
			resume(i);
		wait_until(tellings >= 1);
		wait_until(at_rest(5));
		wait_until(handled(5) + failed() == 8 * FLOOD + 8);
	}
}

/* ---- asks among them --------------------------------------------------------------------------- */

static void an_awaited_ask_and_spent_credit_close_a_ring(void **state)
{
	(void)state;
	on_each_bed
	{
		setup(bed, MYC_CYCLES_FAIL, 2);
		order_asleep(0, ORDER_AWAIT, actor[1]);
		order_asleep(1, ORDER_FLOOD, actor[0]);
		resume(0);
		wait_until(rig_ordered == 1);
		assert_int_equal(rig_code, 0);
		resume(1);
		wait_until(tellings == 1);
		/* Concerned is who waits for credit, though its address is the higher. */
		pthread_mutex_lock(&lock);
		assert_int_equal(told.cycle.count, 2);
		assert_int_equal(told.cycle.address[0], actor[1]);
		assert_false(told.awaits[0]);
		assert_true(told.awaits[1]);
		pthread_mutex_unlock(&lock);
		wait_until(rig_count == 1);
		assert_int_equal(rig_seen[0].status, 0);
		wait_until(at_rest(2));
		assert_int_equal(failed(), FLOOD - CREDIT);
	}
}

static void to_await_whom_one_keeps_waiting_for_credit_is_refused(void **state)
{
	(void)state;
	on_each_bed
	{
		setup(bed, MYC_CYCLES_FAIL, 3);
		order_asleep(0, ORDER_AWAIT, actor[2]);
		/* 2 waits for 1's credit, 1 for 0's; both have been waiting for long. */
		order_asleep(1, ORDER_FLOOD, actor[0]);
		order_asleep(2, ORDER_FLOOD, actor[1]);
		resume(1);
		wait_until(__atomic_load_n(&metrics(1)->waits, __ATOMIC_RELAXED));
		resume(2);
		wait_until(__atomic_load_n(&metrics(2)->waits, __ATOMIC_RELAXED));
		assert_int_equal(tellings, 0);
		resume(0);
		wait_until(rig_refused == 1);
		struct myc_cycle cycle;

		rig_cycle(&cycle);
		assert_int_equal(cycle.count, 3);
		assert_int_equal(cycle.address[0], actor[0]);
		assert_int_equal(cycle.address[1], actor[2]);
		assert_int_equal(cycle.address[2], actor[1]);
		wait_until(at_rest(3));
		assert_int_equal(failed(), 0);
		assert_int_equal(tellings, 0);
		rig_refused = 0;
	}
}

static int flood_and_ask(struct myc_actor *self, const struct myc_message *message)
{
	struct myc_ref to = {0};
	int code = 0;

	if (message->type != ORDER_FLOOD)
		return 0;
	memcpy(&to.address, message->payload, sizeof(to.address));
	for (int i = 0; i < CREDIT + 1 && !code; i++)
		code = myc_send(self, &to, REQUEST_PLAIN, NULL, 0);
	return code ? code : myc_ask(self, &to, REQUEST_ECHO, NULL, 0, MYC_FOREVER, 5, NULL);
}

static _Atomic int outcome;

static int note_outcome(struct myc_actor *self, const struct myc_reply *reply)
{
	(void)self;
	outcome = reply->status;
	return 0;
}

static const struct myc_behaviour flooding_asker = {
	.name = "flooding asker", .message = flood_and_ask, .reply = note_outcome};

static void an_ask_that_waits_for_credit_in_a_ring_ends_in_a_deadlock(void **state)
{
	const struct myc_system_opts opts = {
		.cycles = MYC_CYCLES_FAIL, .cycle = tell, .cycle_context = &rig};

	(void)state;
	on_each_bed
	{
		ask_rig_open(&rig, bed, &opts);
		tellings = 0;
		outcome = 0;
		actor[0] = rig_spawn(&rig, 0, &flooding_asker);
		actor[1] = rig_spawn(&rig, 1, &rig_asker);
		rig_start(&rig);
		wait_until(rig_starts == 1);
		for (uint32_t i = 0; i < 2; i++) {
			/* One that has not begun cannot be suspended. */
			wait_until(load(&metrics(i)->messages) ||
				   (myc_post(rig_system(&rig, actor[i]), actor[i], REQUEST_PLAIN,
					     NULL, 0, UINT64_MAX),
				    nap(), false));
			wait_until(myc_actor_suspend(rig_system(&rig, actor[i]), actor[i]) == 0);
		}
		close_ring(2);
		wait_until(tellings == 1);
		wait_until(outcome == -EDEADLK);
		wait_until(at_rest(2));
		assert_int_equal(failed(), 2);
	}
}

/* ---- what is none ------------------------------------------------------------------------------ */

static void a_chain_behind_somebody_slow_is_none(void **state)
{
	(void)state;
	on_each_bed
	{
		setup(bed, MYC_CYCLES_KILL, 4);
		for (uint32_t i = 0; i < 3; i++)
			order_asleep(i, ORDER_FLOOD, actor[i + 1]);
		for (uint32_t i = 0; i < 3; i++)
			resume(i);
		wait_until(__atomic_load_n(&metrics(2)->waits, __ATOMIC_RELAXED));
		nap();
		assert_int_equal(tellings, 0);
		resume(3);
		wait_until(at_rest(4));
		assert_int_equal(failed(), 0);
		assert_int_equal(tellings, 0);
	}
}

static void a_ring_with_one_that_is_only_suspended_is_none(void **state)
{
	(void)state;
	on_each_bed
	{
		setup(bed, MYC_CYCLES_FAIL, 3);
		order_asleep(0, ORDER_FLOOD, actor[1]);
		order_asleep(1, ORDER_FLOOD, actor[2]);
		/* 2 has the order to flood 0, and is not let. */
		order_asleep(2, ORDER_FLOOD, actor[0]);
		resume(0);
		resume(1);
		nap();
		assert_int_equal(tellings, 0);
		resume(2);
		wait_until(tellings == 1);
		wait_until(at_rest(3));
	}
}

/* ---- what others wrote ------------------------------------------------------------------------- */

static void garbage_in_anothers_outbox_is_followed_nowhere(void **state)
{
	(void)state;
	setup(BED_PROCESSES, MYC_CYCLES_REPORT, 2);
	close_ring(2);
	wait_until(tellings == 1);
	/* The other process' links lead in a ring of their own, and out of the block. */
	struct myc_system *other = rig.system[1];
	struct myc_actor_metrics *row = &other->metrics[myc_address_slot(actor[1])];
	uint32_t first = __atomic_load_n(&row->waits, __ATOMIC_RELAXED);

	assert_true(first != 0);
	const uint32_t wild[] = {UINT32_MAX, first, 0x7fffffff, 1024, 1025, 1};

	for (size_t i = 0; i < sizeof(wild) / sizeof(*wild); i++) {
		__atomic_store_n(&other->executor[0].outbox[first - 1].next_wait, wild[i],
				 __ATOMIC_RELAXED);
		__atomic_store_n(&row->waits, wild[i], __ATOMIC_RELAXED);
		nap();
	}
	__atomic_store_n(&row->waits, first, __ATOMIC_RELAXED);
	assert_int_equal(tellings, 1);
	assert_int_equal(myc_actor_stop(rig.system[0], actor[0], MYC_STOP_KILL, 10000 * MS), 0);
	ask_rig_close(&rig);
}

/* ---- text -------------------------------------------------------------------------------------- */

static void a_report_as_text(void **state)
{
	struct myc_cycle_report report = {
		.cycle = {.count = 3, .address = {0x10, 0x20, 0x30}},
		.awaits = {false, true},
		.name = {"pricer", "book"},
	};
	static const char whole[] =
		"pricer waits for credit of book, which awaits #30, which waits "
		"for credit of pricer";
	char text[128];

	(void)state;
	assert_int_equal(myc_cycle_format(&report, text, sizeof(text)), sizeof(whole) - 1);
	assert_string_equal(text, whole);
	for (size_t size = 1; size < sizeof(whole); size++) {
		memset(text, 'x', sizeof(text));
		assert_int_equal(myc_cycle_format(&report, text, size), sizeof(whole) - 1);
		assert_int_equal(strlen(text), size - 1);
		assert_memory_equal(text, whole, size - 1);
	}
	assert_int_equal(myc_cycle_format(&report, NULL, 0), sizeof(whole) - 1);
}

static void a_policy_that_there_is_not_is_refused(void **state)
{
	struct myc_system_opts opts = {.sz = sizeof(opts), .cycles = (enum myc_cycles)3};
	struct myc_system *system;

	(void)state;
	assert_int_equal(myc_system_open(&system, &opts, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_ring_is_told_once_and_by_default_stays),
		cmocka_unit_test(of_a_ring_one_fails_its_waiting_messages_and_all_go_on),
		cmocka_unit_test(of_a_ring_one_is_killed_and_the_others_go_on),
		cmocka_unit_test(rings_that_share_an_actor_are_all_broken),
		cmocka_unit_test(an_awaited_ask_and_spent_credit_close_a_ring),
		cmocka_unit_test(to_await_whom_one_keeps_waiting_for_credit_is_refused),
		cmocka_unit_test(an_ask_that_waits_for_credit_in_a_ring_ends_in_a_deadlock),
		cmocka_unit_test(a_chain_behind_somebody_slow_is_none),
		cmocka_unit_test(a_ring_with_one_that_is_only_suspended_is_none),
		cmocka_unit_test(garbage_in_anothers_outbox_is_followed_nowhere),
		cmocka_unit_test(a_report_as_text),
		cmocka_unit_test(a_policy_that_there_is_not_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
