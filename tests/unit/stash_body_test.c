/* SPDX-License-Identifier: Apache-2.0 */
/* Messages that an actor puts aside: their bodies, and what a killed process leaves of them. */
#include "unit/stash_bed.h"

/* ---- bodies ------------------------------------------------------------------------------------------ */

static void no_body_is_out(void)
{
	for (uint32_t p = 0; p < 2 && (!p || myc_address_process(keeper_address)); p++) {
		const struct myc_pool *pool = &myc_testkit_system(kit, p)->executor[0].out.pool;

		assert_int_equal(pool->loans_used, 0);
		assert_int_equal(pool->kept, 0);
	}
}

static void bodies_stay_as_they_were(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 6; i++)
		post_sized(NUMBER, i, i % 2 ? 256 : 4);
	idle();
	assert_int_equal(stashed(), 6);
	post(GIVE, 3);
	assert_int_equal(stashed(), 6);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5, 6);
	no_body_is_out();
	/* And of an actor that ends. */
	post_sized(TICK, 1, 256);
	post_sized(TICK, 2, 256);
	idle();
	assert_int_equal(stashed(), 2);
	post(STOP, 0);
	no_body_is_out();
}

static void bodies_put_aside_leave_room_for_those_that_are_handled(void **state)
{
	static struct myc_behaviour large;
	const struct myc_system_opts system = {.sz = sizeof(system),
					       .executors = 1,
					       .actors = 64,
					       .buffers = {{256, 64}},
					       .loans = 8};
	const struct myc_testkit_opts opts = {.system = &system};

	(void)state;
	end(NULL);
	large = keeper;
	large.stash_capacity = 32;
	large.capacity_per_sender = 64;
	open_kit(&opts, &large);
	for (uint32_t i = 1; i <= 10; i++)
		post_sized(NUMBER, i, 256);
	idle();
	assert_int_equal(stashed(), 6); /* three quarters of the ledger */
	assert_int_equal(refused, 4);
	numbers(11, 12); /* without a body there is room */
	assert_int_equal(stashed(), 8);
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5, 6, 11, 12);
	no_body_is_out();
}

static void who_keeps_or_passes_the_body_and_puts_it_aside_fails(void **state)
{
	myc_address probe;

	(void)state;
	assert_int_equal(myc_testkit_probe(kit, "probe", &probe), 0);
	post_sized(KEEP, 1, 256);
	idle();
	assert_int_equal(myc_restarts(actor_of(keeper_address)), 1);
	no_body_is_out();
	post_sized(PASS, 2, 256);
	idle();
	assert_int_equal(myc_restarts(actor_of(keeper_address)), 2);
	assert_int_equal(stashed(), 0);
	assert_int_equal(
		myc_testkit_expect(kit, &(struct myc_testkit_want){.probe = probe, .type = PASS},
				   NULL),
		0);
	no_body_is_out();
}

/* ---- crashes ----------------------------------------------------------------------------------------- */

static void a_killed_process_leaves_them_to_its_successor_in_order(void **state)
{
	(void)state;
	for (uint32_t i = 1; i <= 5; i++)
		post_sized(NUMBER, i, i % 2 ? 256 : 4);
	post(TICK, 100);
	assert_int_equal(myc_testkit_crash(kit, 0), 0);
	idle();
	assert_int_equal(handled_count, 0);
	assert_int_equal(stashed(), 6);
	assert_int_equal(myc_testkit_crash(kit, 0), 0);
	idle();
	post(OPEN, 0);
	handled_are(1, 2, 3, 4, 5);
	assert_int_equal(actor_of(keeper_address)->metrics->in_doubt, 0);
	post(CHANGE, 0);
	handled_are(100);
	no_body_is_out();
	numbers(6, 60); /* credit is whole */
	assert_int_equal(handled_count, 55);
}

static struct {
	uint64_t crashes, doubted, pended;
} total;

/* A seed's life: two senders in another process, the keeper's process dies where chance says. */
static void play(uint64_t seed, bool redeliver)
{
	static struct myc_behaviour fragile;
	const struct myc_testkit_opts opts = {.seed = seed,
					      .processes = 2,
					      .spared = 1,
					      .crash = 3000,
					      .crash_handler = 20000,
					      .crashes_max = 6,
					      .delay = 10000};
	const struct myc_spawn_opts spawn = {.sz = sizeof(spawn), .behaviour = &sender};
	myc_address from;
	uint32_t burst = 5, order_breaks = 0;

	fragile = keeper;
	fragile.redeliver = redeliver;
	fragile.started = NULL;
	fragile.init = NULL;
	open_kit(&opts, &fragile);
	assert_int_equal(myc_testkit_spawn(kit, 0, &spawn, &from), 0);
	for (uint32_t round = 0; round < 12; round++) {
		open_now = round % 4 == 3;
		if (round % 2)
			post_sized(GIVE, open_now ? 100 : 2 + myc_testkit_random(kit, 8), 4);
		idle();
		assert_int_equal(myc_testkit_post(kit, from, SEND, &burst, sizeof(burst)), 0);
		idle();
	}
	open_now = true;
	for (int i = 0; i < 8; i++)
		post_sized(GIVE, 100, 4);
	idle();
	assert_int_equal(stashed(), 0);
	uint64_t doubted = actor_of(keeper_address)->metrics->in_doubt;
	uint32_t lost = 0, sent = ((struct sender *)actor_of(from)->state)->next;

	for (uint32_t i = 0; i < sent; i++) {
		lost += !times[i];
		/* Twice only when it is marked. */
		assert_true(times[i] <= 1 + redelivered[i]);
	}
	for (uint32_t i = 1, last = 0; i < handled_count; i++) {
		last = handled[i - 1] > last ? handled[i - 1] : last;
		order_breaks += handled[i] < last && !redelivered[handled[i]];
	}
	assert_int_equal(order_breaks, 0);
	/* What the full stash refused is handled (dropped) by the keeper. */
	assert_true(lost <= refused + doubted * !redeliver);
	no_body_is_out();
	total.crashes += myc_testkit_crashes(kit);
	total.doubted += doubted;
	total.pended += myc_testkit_system(kit, 1)->executor[0].words->pended;
	end(NULL);
}

static void chance_loses_nothing_and_repeats_only_what_is_marked(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 300; seed++)
		play(seed, seed % 2);
	print_message("  %llu crashes, %llu in doubt, %llu pended\n",
		      (unsigned long long)total.crashes, (unsigned long long)total.doubted,
		      (unsigned long long)total.pended);
	assert_true(total.crashes > 300 && total.doubted > 30 && total.pended > 3000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(bodies_stay_as_they_were),
		CASE(bodies_put_aside_leave_room_for_those_that_are_handled),
		CASE(who_keeps_or_passes_the_body_and_puts_it_aside_fails),
		CASE(a_killed_process_leaves_them_to_its_successor_in_order),
		cmocka_unit_test(chance_loses_nothing_and_repeats_only_what_is_marked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
